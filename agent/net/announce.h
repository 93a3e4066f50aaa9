/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_ANNOUNCE_H
#define CPC_AGENT_NET_ANNOUNCE_H

/*
 * announce - the datagram with which a node in a cell says where it listens, and one in none (its
 * epoch is 0 then) which cell it looks for.
 *
 *	magic "CPCa" | version u8 = 2 | cell u16 | epoch u16 | port u16
 *	| n u8, at most 16 | n times the first 4 bytes of the node id of a peer that is missed
 *	| SubjectPublicKeyInfo 91 | signature length u8 | signature, DER, at most 72
 *
 * About 176 bytes when nobody is missed, little-endian, to the group below or to one node. It is a
 * hint where to try a connection, nothing more; TLS decides who is there. The speaker is the node
 * whose id is the hash of the key. The signature (ECDSA, SHA-256) covers everything before it and
 * the address it is sent from: without it, a stranger who announces often enough would have nodes
 * dial anyone but each other. A replayed one only says where a node once was.
 *
 * A peer that is missed, but believes that its session with the speaker is fine, learns so that it
 * is not. Two ids that begin alike cost one ping.
 */
#include <cpchain/cursor.h>

#include "agent/net/net.h"

/*
 * Link-local scope, transient (RFC 4291, 2.7: flag T, so not IANA's), with a group id from the
 * dynamic range of RFC 3307, 4.3. The last word spells "CP".
 */
#define CPC_ANNOUNCE_GROUP "ff12::8000:4350"

enum {
	CPC_SPKI_BYTES = 91,		/* of any P-256 key with its point uncompressed */
	CPC_SIGNATURE_MAX = 72,
	CPC_ANNOUNCE_ID_BYTES = 4,
	CPC_ANNOUNCE_BODY_MAX = 12 + CPC_NET_MISSING_MAX * CPC_ANNOUNCE_ID_BYTES + CPC_SPKI_BYTES,
	CPC_ANNOUNCE_SIGNED_MAX = 16 + CPC_ANNOUNCE_BODY_MAX + 16,
	CPC_ANNOUNCE_MAX = CPC_ANNOUNCE_BODY_MAX + 1 + CPC_SIGNATURE_MAX,
};

struct cpc_announce {
	uint16_t cell, epoch;
	uint16_t port;		/* TCP, host order; not 0 */
	uint8_t n;		/* 0..CPC_NET_MISSING_MAX */
	uint8_t missing[CPC_NET_MISSING_MAX][CPC_ANNOUNCE_ID_BYTES];
	uint8_t spki[CPC_SPKI_BYTES];
	uint8_t signature_len;	/* 1..72 */
	uint8_t signature[CPC_SIGNATURE_MAX];
};

/* -EBADMSG: not an announcement of this version. The signature is not checked. */
int cpc_announce_decode(const uint8_t *data, size_t len, struct cpc_announce *ret);

/* Gives the length. */
size_t cpc_announce_encode(const struct cpc_announce *announce, uint8_t ret[CPC_ANNOUNCE_MAX]);

/*
 * What the signature is made over: a label of its own, the fields and the sender's address. Gives
 * the length.
 */
size_t cpc_announce_signed(const struct cpc_announce *announce, const uint8_t address[16],
			   uint8_t ret[CPC_ANNOUNCE_SIGNED_MAX]);

/* Whether the speaker misses that node, or one whose id begins alike. */
bool cpc_announce_misses(const struct cpc_announce *announce, const uint8_t *node_id);

#endif
