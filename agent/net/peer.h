/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_PEER_H
#define CPC_AGENT_NET_PEER_H

/*
 * peer - the rules of one session with one member, after TLS has authenticated it. Pure: what
 * happened goes in, what to do comes out in struct cpc_peer_effects.
 *
 *	DOWN --start--> HELLO --their HELLO--> CONFIRM --their CONFIRM--> UP --any end--> DOWN
 *	        say HELLO        say CONFIRM              install, up
 *
 * Agreeing on the key. HELLO carries the id of the key an end holds (the kernel keeps keys while
 * agents restart) and of the fresh one that this TLS session exports. From the same two HELLOs
 * both ends draw the same conclusion: keep the held key if both hold it, else take the fresh one.
 * CONFIRM names the outcome; it proves to each end that the other has seen its HELLO and concluded
 * the same, and only then is a key installed. Interleavings:
 *  - the session breaks before either CONFIRM arrives: nothing was installed, nothing changes;
 *  - it breaks (or an end dies) when one end has installed and the other not: the next session's
 *    HELLOs state different held keys, so both take that session's fresh key;
 *  - an end dies after it was told to install but before the kernel has the key: the same, since
 *    HELLO states what the kernel holds;
 *  - a working key shared by both ends is never replaced, so no session can take it away;
 *  - two sessions of one pair never agree side by side: the dialling end has one only, and the
 *    answering end stops its old session before it says HELLO on a new one.
 */
#include <cpchain/limits.h>

#include "agent/net/frame.h"

enum cpc_peer_state {
	CPC_PEER_DOWN,
	CPC_PEER_HELLO,		/* HELLO said, theirs awaited */
	CPC_PEER_CONFIRM,	/* CONFIRM said, theirs awaited */
	CPC_PEER_UP,
};

struct cpc_peer {
	uint16_t cell, epoch;
	uint8_t self, member;
	enum cpc_peer_state state;
	bool has_held;
	uint8_t held[CPC_KEY_ID_BYTES];
	uint8_t fresh[CPC_KEY_ID_BYTES];
	bool rekey;		/* from CONFIRM on: the fresh key is to be installed */
	bool fetching;		/* we asked and have no answer yet */
	bool serving;		/* the member asked and has no answer yet */
	uint32_t serve_after;	/* with `serving`: the slot */
	uint64_t serve_us;	/* when the answers given so far will have been paid for */
	uint64_t deadline_us;	/* before UP: when to give up */
	uint64_t heard_us;	/* when bytes of the member last arrived */
	uint64_t ping_us;	/* when we last pinged; 0: not since we last heard something */
	uint64_t ping_sent_us;	/* when the ping with `token` left, for the round-trip time */
	uint64_t probe_us;	/* since when an answer is overdue; 0: no doubt about the member */
	uint32_t token;		/* of our last ping */
	uint32_t rtt_us;
};

struct cpc_peer_effects {
	uint8_t out[2 * CPC_FRAME_SMALL_MAX];	/* frames to send first */
	size_t out_len;
	bool install;		/* then: give the fresh key to the kernel */
	bool up;		/* then: the session came up */
	bool fetched;		/* then: `blob` is the answer to our fetch */
	const uint8_t *blob;
	size_t blob_len;
	bool closing;		/* or: close the session, for this reason */
	enum cpc_net_failure failure;
	char error[160];
};

void cpc_peer_init(struct cpc_peer *peer, uint16_t cell, uint16_t epoch, unsigned self,
		   unsigned member);

/* TLS is up: `held` is the id of the key in use (NULL: none), `fresh` of the exported one. */
void cpc_peer_start(struct cpc_peer *peer, uint64_t now_us, uint64_t deadline_us,
		    const uint8_t *held, const uint8_t *fresh, struct cpc_peer_effects *fx);

/* Authenticated bytes arrived, whether or not they complete a frame. */
void cpc_peer_heard(struct cpc_peer *peer, uint64_t now_us);

/* A frame arrived. The blob in fx points into it. */
void cpc_peer_frame(struct cpc_peer *peer, uint64_t now_us, const struct cpc_frame *frame,
		    struct cpc_peer_effects *fx);

/* Time passed; call at cpc_peer_wake_us() or at any other time. */
void cpc_peer_tick(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx);

/* When cpc_peer_tick() will next say something; CPC_NEVER_US: never. */
uint64_t cpc_peer_wake_us(const struct cpc_peer *peer);

/* Asks the member for decisions. -ENOTCONN, -EBUSY. */
int cpc_peer_fetch(struct cpc_peer *peer, uint64_t now_us, uint32_t after_slot,
		   struct cpc_peer_effects *fx);

/* Something suggests that the member has lost the session: find out soon. */
void cpc_peer_doubt(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx);

/* When the member's question may be answered; CPC_NEVER_US: there is none. Then say so. */
uint64_t cpc_peer_serve_us(const struct cpc_peer *peer);
void cpc_peer_served(struct cpc_peer *peer, uint64_t now_us);

/* The session ended, whoever ended it. */
void cpc_peer_stop(struct cpc_peer *peer);

#endif
