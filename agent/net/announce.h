/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_ANNOUNCE_H
#define CPC_AGENT_NET_ANNOUNCE_H

/*
 * announce - the datagram with which a member says where it listens.
 *
 *	magic "CPCa" | version u8 = 1 | index u8 | cell u16 | epoch u16 | port u16
 *	| sessions u64: bit i is set when the speaker has a session with member i
 *	| node id 32
 *
 * 52 bytes, little-endian, to the group below or to one member. It is not authenticated and needs
 * not be: it is a hint where to try a connection, and TLS decides who is there.
 */
#include <cpchain/cursor.h>

#include "agent/net/net.h"

/*
 * Link-local scope, transient (RFC 4291, 2.7: flag T, so not IANA's), with a group id from the
 * dynamic range of RFC 3307, 4.3. The last words spell "CP".
 */
#define CPC_ANNOUNCE_GROUP "ff12::8000:4350"

enum {
	CPC_ANNOUNCE_BYTES = 52,
};

struct cpc_announce {
	uint8_t index;
	uint16_t cell, epoch;
	uint16_t port;		/* TCP, host order; not 0 */
	uint64_t sessions;
	uint8_t node_id[CPC_NODE_ID_BYTES];
};

/* -EBADMSG: not an announcement of this version. */
int cpc_announce_decode(const uint8_t *data, size_t len, struct cpc_announce *ret);

void cpc_announce_encode(const struct cpc_announce *announce, uint8_t ret[CPC_ANNOUNCE_BYTES]);

#endif
