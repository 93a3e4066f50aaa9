/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_ANNOUNCE_H
#define CPC_AGENT_NET_ANNOUNCE_H

/*
 * announce - the datagram with which a member says where it listens.
 *
 *	magic "CPCa" | version u8 = 1 | index u8 | cell u16 | epoch u16 | port u16
 *	| sessions u64: bit i is set when the speaker has a session with member i
 *	| SubjectPublicKeyInfo 91 | signature length u8 | signature, DER, at most 72
 *
 * About 183 bytes, little-endian, to the group below or to one member. It is a hint where to try
 * a connection, nothing more; TLS decides who is there. The signature (ECDSA, SHA-256) covers
 * everything before it and the address it is sent from: without it, a stranger who announces
 * often enough would have members dial anyone but each other. A replayed one only says where a
 * member once was.
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
	CPC_ANNOUNCE_HEAD_BYTES = 20,
	CPC_ANNOUNCE_SIGNED_BYTES = 16 + CPC_ANNOUNCE_HEAD_BYTES + CPC_SPKI_BYTES + 16,
	CPC_ANNOUNCE_MAX = CPC_ANNOUNCE_HEAD_BYTES + CPC_SPKI_BYTES + 1 + CPC_SIGNATURE_MAX,
};

struct cpc_announce {
	uint8_t index;
	uint16_t cell, epoch;
	uint16_t port;		/* TCP, host order; not 0 */
	uint64_t sessions;
	uint8_t spki[CPC_SPKI_BYTES];
	uint8_t signature_len;	/* 1..72 */
	uint8_t signature[CPC_SIGNATURE_MAX];
};

/* -EBADMSG: not an announcement of this version. The signature is not checked. */
int cpc_announce_decode(const uint8_t *data, size_t len, struct cpc_announce *ret);

/* Gives the length. */
size_t cpc_announce_encode(const struct cpc_announce *announce, uint8_t ret[CPC_ANNOUNCE_MAX]);

/* What the signature is made over: a label of its own, the fields and the sender's address. */
void cpc_announce_signed(const struct cpc_announce *announce, const uint8_t address[16],
			 uint8_t ret[CPC_ANNOUNCE_SIGNED_BYTES]);

#endif
