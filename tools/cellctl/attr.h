/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_CELLCTL_ATTR_H
#define CPC_TOOLS_CELLCTL_ATTR_H

/*
 * attr.h - the netlink family's attributes as text: NAME=VALUE to bytes, and bytes to JSON.
 *
 * It builds what it is told, right or wrong: the tests that show what the module refuses need to
 * say wrong things.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/util/error.h"

enum { CPC_ATTR_MESSAGE_MAX = 32768 };

/* A request in the making: attributes only, without the headers. */
struct cpc_attr_message {
	size_t len;
	uint8_t bytes[CPC_ATTR_MESSAGE_MAX];
};

/*
 * Appends what one argument says:
 *   NAME=VALUE           as the family's header has it: numbers, text, hex, "1" for a flag
 *   if=NAME              IFINDEX by the interface's name
 *   prog=PATH            FD, of the BPF program that is pinned there
 *   members=I[:SEED],..  MEMBERS; a node id is the byte SEED (default I+1), 32 times
 *   lanes=L:SEQ:HEX,..   LANES of LANE_CUT
 *   raw:TYPE=HEX         any attribute with any payload
 * Returns 0 or -EINVAL, -ENODEV, -ENOENT, -EMSGSIZE with a text.
 */
int cpc_attr_add(struct cpc_attr_message *message, const char *argument, struct cpc_error *error);

/* Appends one attribute. Returns 0 or -EMSGSIZE. */
int cpc_attr_put(struct cpc_attr_message *message, uint16_t type, const void *data, size_t len);

/* Prints attributes as one JSON object. Repeated ones become arrays. */
void cpc_attr_print(FILE *out, const uint8_t *attributes, size_t len);

#endif
