/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_FRAME_H
#define CPC_AGENT_NET_FRAME_H

/*
 * frame - what two nodes say to each other inside their TLS session.
 *
 *	u32 length | u8 type | payload		length counts type and payload; little-endian
 *
 *	HELLO      cell u16, epoch u16: what the speaker is in; cell 0: in none
 *	OFFER      cell u16, epoch u16, has_held u8 (0, 1), held 8, fresh 8
 *	CONFIRM    cell u16, epoch u16, key id 8: of the key that both ends use from now on
 *	PING       token u32		PONG  the same token
 *	FETCH      cell u16, epoch u16, after_slot u32
 *	DECISIONS  blob, 0..CPC_NET_BLOB_MAX bytes
 *	TELL       blob, 1..CPC_NET_TELL_MAX bytes
 *
 * Every payload but the blobs has one length and one encoding; anything else is malformed.
 */
#include <cpchain/cursor.h>

#include "agent/net/limits.h"
#include "agent/net/net.h"

enum cpc_frame_type {
	CPC_FRAME_HELLO = 1,
	CPC_FRAME_OFFER,
	CPC_FRAME_CONFIRM,
	CPC_FRAME_PING,
	CPC_FRAME_PONG,
	CPC_FRAME_FETCH,
	CPC_FRAME_DECISIONS,
	CPC_FRAME_TELL,
};

enum {
	CPC_FRAME_HEADER_BYTES = 5,
	CPC_FRAME_SMALL_MAX = CPC_FRAME_HEADER_BYTES + 21,	/* any but the blobs */
};

/* The keys for one epoch, as the speaker sees them. */
struct cpc_frame_offer {
	bool has_held;
	uint8_t held[CPC_KEY_ID_BYTES];	/* the key it has; zeros without has_held */
	uint8_t fresh[CPC_KEY_ID_BYTES];	/* the key that this session offers */
};

struct cpc_frame {
	enum cpc_frame_type type;
	struct cpc_net_epoch epoch;	/* HELLO, OFFER, CONFIRM, FETCH */
	union {
		struct cpc_frame_offer offer;
		uint8_t key_id[CPC_KEY_ID_BYTES];	/* CONFIRM */
		uint32_t token;				/* PING, PONG */
		uint32_t after_slot;			/* FETCH */
		struct {
			const uint8_t *data;		/* into the decoded bytes */
			size_t len;
		} blob;					/* DECISIONS, TELL */
	};
};

/*
 * The first frame in `data`: its length on the wire, 0 when more bytes are needed, -EMSGSIZE when
 * it announces more than CPC_NET_FRAME_MAX, -EBADMSG when it is malformed or of unknown type.
 */
int cpc_frame_decode(const uint8_t *data, size_t len, struct cpc_frame *ret);

/* Appends the frame; w->failed if it has no room. */
void cpc_frame_encode(struct cpc_writer *w, const struct cpc_frame *frame);

/* How many bytes that takes. */
size_t cpc_frame_bytes(const struct cpc_frame *frame);

#endif
