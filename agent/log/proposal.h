/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proposal.h - manoeuvres as they stand in lane entries (uapi/cpchain_policy.h), read and written.
 *
 * A proposal is what members' policies judge, so it comes first in an entry's data, and what an
 * agent adds comes behind it (envelope.h).
 */
#ifndef CPC_AGENT_LOG_PROPOSAL_H
#define CPC_AGENT_LOG_PROPOSAL_H

#include <cpchain/cursor.h>
#include <cpchain_element.h>
#include <cpchain_policy.h>

#include "agent/util/error.h"

enum { CPC_PROPOSAL_BYTES = 16 };	/* each of them */

struct cpc_proposal {
	enum cpc_proposal_type type;
	/* join, merge */
	u32 platoon;
	u16 speed_cm_s;
	u16 gap_cm;
	u8 position;
	/* speed */
	u32 zone;
	u16 min_cm_s, max_cm_s;
	u16 duration_s;
};

/* "join", "merge", "speed"; NULL for any other number. */
const char *cpc_proposal_name(unsigned int type);
/* The type of that name; -EINVAL with the names there are. */
int cpc_proposal_type(const char *name, enum cpc_proposal_type *ret_type, struct cpc_error *error);

/* Who has to agree: the platoon's manoeuvres by all, an advisory by quorum. */
enum cpc_entry_kind cpc_proposal_kind(enum cpc_proposal_type type);

/* Can it be meant so? -EINVAL with what is wrong. */
int cpc_proposal_check(const struct cpc_proposal *proposal, struct cpc_error *error);

void cpc_proposal_encode(const struct cpc_proposal *proposal, u8 out[CPC_PROPOSAL_BYTES]);

/* Does the data claim to be one? */
bool cpc_proposal_magic(const u8 *data, size_t len);

/*
 * Reads one; what follows its 16 bytes is not looked at. -EBADMSG: another version or type, too
 * short.
 */
int cpc_proposal_decode(const u8 *data, size_t len, struct cpc_proposal *ret_proposal);

#endif
