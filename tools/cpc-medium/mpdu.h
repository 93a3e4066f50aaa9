/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_MPDU_H
#define CPC_TOOLS_MEDIUM_MPDU_H

/*
 * What the medium has to know of an 802.11 frame: from whom, to whom, and by which access category.
 *
 * mac80211 puts no priority into broadcasts outside a BSS, and hwsim does not pass it on; so where
 * there is no QoS header the category is that of the protocol within, as its standard or its sender
 * has it: GeoNetworking's traffic class (EN 302 636-4-1, 9.7.5; 0 to 3 are voice to background, TS
 * 103 175), voice for CPChain's own frames, which the module sends so, and best effort else.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/cpc-medium/air.h"

enum { CPC_MAC_BYTES = 6 };

struct cpc_mpdu {
	enum cpc_ac ac;
	bool group;			/* to more than one: not acknowledged */
	uint8_t to[CPC_MAC_BYTES];
	uint8_t from[CPC_MAC_BYTES];
};

/*
 * @data: from the frame control field on, without FCS (9.2.3). Returns 0, or -EBADMSG for a frame
 * that is no management or data frame or ends within its header.
 */
int cpc_mpdu_parse(const void *data, size_t len, struct cpc_mpdu *ret_mpdu);

#endif
