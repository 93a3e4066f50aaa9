/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_INJECT_EDIT_H
#define CPC_TOOLS_INJECT_EDIT_H

/*
 * edit.h - a frame with an element, and what an outsider may do to it. Pure.
 *
 *   | Ethernet 14 | carrier payload | element ... footer |
 *                                   ^ start: OFFSETs below count from here
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/util/error.h"

enum { CPC_FRAME_MAX = 2400, CPC_ETHER_BYTES = 14 };

struct cpc_frame {
	size_t len;
	size_t start;		/* of the element; len if there is none */
	uint8_t bytes[CPC_FRAME_MAX];
};

/* Finds the element of a captured frame. Returns whether there is one. */
bool cpc_frame_find(struct cpc_frame *frame);

/*
 * Does what one word says:
 *   xor:OFFSET:HEX   changes bytes        set:OFFSET:HEX   replaces them
 *   say:LENGTH       footer claims that length
 *   cut:N            drops N bytes behind the header of the element, footer kept as it was
 *   keep:N           keeps the first N bytes of the frame behind the Ethernet header
 *   grow:N           N zero bytes between tags and footer, footer claims the sum
 *   alone            drops the carrier: the element in a frame of its own
 *   noise:SEED       changes 1..8 bytes of the element, never the magic, as SEED says
 * Returns 0 or -EINVAL with a text.
 */
int cpc_frame_edit(struct cpc_frame *frame, const char *word, struct cpc_error *error);

#endif
