/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_PEER_H
#define CPC_AGENT_NET_PEER_H

/*
 * peer - the rules of one session with one peer, after TLS has authenticated it. Pure: what
 * happened goes in, what to do comes out in struct cpc_peer_effects.
 *
 *	DOWN --start--> HELLO --their HELLO--> UP --any end--> DOWN
 *	        say HELLO            up
 *
 * In TLS 1.3 the end that dials is done before the other has judged its key; their HELLO proves
 * that they accepted it. Which cell and epoch it names is news, not a condition.
 *
 * Agreeing on keys, for each (cell, epoch) by itself:
 *
 *	it enters our list            say OFFER: the key we hold (the kernel keeps keys while agents
 *	                              restart), and the fresh one that this TLS session exports
 *	both OFFERs are there,        conclude: keep the held key if both hold it, else take the
 *	  or one of them is said      fresh one; say CONFIRM, which names the outcome
 *	  or heard anew
 *	their CONFIRM of the same     agreed: install the fresh key, if that is the outcome
 *	it leaves our list            forget what we said, not what they said
 *
 * Both ends conclude the same from the same two OFFERs, and a CONFIRM proves that the other has
 * seen ours; only then is a key installed. An OFFER is never answered by an OFFER, only by the
 * list, so that nothing goes round in circles; one that comes before its epoch is in our list is
 * remembered until then. Interleavings:
 *  - epochs do not touch each other: every frame names its own, each has its own place;
 *  - the session breaks before either CONFIRM arrives: nothing was installed, nothing changes;
 *  - it breaks (or an end dies) when one end has installed and the other not, be it for the epoch
 *    in use or for one agreed ahead: the next session's OFFERs state different held keys, so both
 *    take that session's fresh key. For an epoch agreed ahead this happens before anybody uses
 *    the key, or, when the change of epoch comes first, heals as for the epoch in use;
 *  - an end dies after it was told to install but before the kernel has the key: the same, since
 *    OFFER states what the kernel holds;
 *  - a working key shared by both ends is never replaced, so no session can take it away;
 *  - an epoch leaves one end's list and comes back: its new OFFER meets the other's old one, and
 *    both conclude anew from that pair. A CONFIRM on its way meanwhile names the outcome before:
 *    an end whose list lacks the epoch ignores it, one that has said OFFER anew takes it if it is
 *    still right (the session exports one key per epoch, however often it is asked) and else
 *    ends the session, whose successor begins with what both ends then hold;
 *  - what they offered was pushed out of our memory by their later ones (they keep to their four,
 *    but we cannot know which): their CONFIRM without an OFFER says so, the session ends, and the
 *    next one begins with all that both lists hold;
 *  - two sessions of one pair never agree side by side: an end stops the old one before it says
 *    HELLO on a new one (net.h says which is kept when two connections cross).
 */
#include <cpchain/limits.h>

#include "agent/net/frame.h"

enum cpc_peer_state {
	CPC_PEER_DOWN,
	CPC_PEER_HELLO,		/* HELLO said, theirs awaited */
	CPC_PEER_UP,
};

/* How far the pair is with the keys of one epoch; unused without `ours` and `theirs`. */
struct cpc_peer_keys {
	struct cpc_net_epoch epoch;
	bool ours, theirs;	/* we have said `said`, they have said `heard` */
	struct cpc_frame_offer said, heard;
	uint32_t order;		/* of `heard` among all that was heard */
	bool rekey;		/* with both: the fresh key is to be installed */
	bool agreed;		/* they have confirmed */
};

struct cpc_peer {
	char name[14];		/* "node 1a2b3c4d", for texts */
	enum cpc_peer_state state;
	struct cpc_net_epoch presents;	/* what their last HELLO said */
	struct cpc_peer_keys keys[2 * CPC_NET_EPOCHS_MAX];	/* ours, and theirs only */
	uint32_t offers;	/* heard on this session */
	bool fetching;		/* we asked and have no answer yet */
	bool serving;		/* the peer asked and has no answer yet */
	struct cpc_net_epoch serve_epoch;	/* with `serving`: what about */
	uint32_t serve_after;
	uint64_t serve_us;	/* when the answers given so far will have been paid for */
	uint64_t taken_us;	/* the same for what they told us ... */
	uint64_t told_us;	/* ... and for what we told them */
	uint64_t deadline_us;	/* before UP: when to give up */
	uint64_t heard_us;	/* when bytes of the peer last arrived */
	uint64_t ping_us;	/* when we last pinged; 0: not since we last heard something */
	uint64_t ping_sent_us;	/* when the ping with `token` left, for the round-trip time */
	uint64_t probe_us;	/* since when an answer is overdue; 0: no doubt about the peer */
	uint32_t token;		/* of our last ping */
	uint32_t rtt_us;
};

struct cpc_peer_effects {
	uint8_t out[2 * CPC_FRAME_SMALL_MAX];	/* frames to send first */
	size_t out_len;
	bool up;		/* then: the session came up; offer our list */
	bool install;		/* then: give the fresh key of this epoch to the kernel */
	struct cpc_net_epoch epoch;
	bool fetched, told;	/* then: `blob` is the answer to our fetch, or what they tell */
	const uint8_t *blob;
	size_t blob_len;
	bool closing;		/* or: close the session, for this reason */
	enum cpc_net_failure failure;
	char error[160];
};

void cpc_peer_init(struct cpc_peer *peer, const uint8_t node_id[CPC_NODE_ID_BYTES]);

/* TLS is up; `presents` is what we are in. */
void cpc_peer_start(struct cpc_peer *peer, uint64_t now_us, uint64_t deadline_us,
		    struct cpc_net_epoch presents, struct cpc_peer_effects *fx);

/* What we are in changed: say so, if the session is up. */
void cpc_peer_present(struct cpc_peer *peer, struct cpc_net_epoch presents,
		      struct cpc_peer_effects *fx);

/* Whether the session is up and we have not said OFFER for that epoch. */
bool cpc_peer_wants_offer(const struct cpc_peer *peer, struct cpc_net_epoch epoch);

/*
 * Says OFFER for an epoch of our list that wants one: `held` is the id of the key in use (NULL:
 * none), `fresh` of the exported one. At most CPC_NET_EPOCHS_MAX at a time.
 */
void cpc_peer_offer(struct cpc_peer *peer, struct cpc_net_epoch epoch, const uint8_t *held,
		    const uint8_t *fresh, struct cpc_peer_effects *fx);

/* Our list has changed: what we said for epochs that are not in it is forgotten. */
void cpc_peer_keep(struct cpc_peer *peer, const struct cpc_net_epoch *epochs, unsigned n);

/* Authenticated bytes arrived, whether or not they complete a frame. */
void cpc_peer_heard(struct cpc_peer *peer, uint64_t now_us);

/* A frame arrived. The blob in fx points into it. */
void cpc_peer_frame(struct cpc_peer *peer, uint64_t now_us, const struct cpc_frame *frame,
		    struct cpc_peer_effects *fx);

/* When the next frame may be taken; until then the peer's bytes are left where they are. */
uint64_t cpc_peer_take_us(const struct cpc_peer *peer);

/* Time passed; call at cpc_peer_wake_us() or at any other time. */
void cpc_peer_tick(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx);

/* When cpc_peer_tick() will next say something; CPC_NEVER_US: never. */
uint64_t cpc_peer_wake_us(const struct cpc_peer *peer);

/* Asks the peer for decisions. -ENOTCONN, -EBUSY. */
int cpc_peer_fetch(struct cpc_peer *peer, uint64_t now_us, struct cpc_net_epoch epoch,
		   uint32_t after_slot, struct cpc_peer_effects *fx);

/*
 * Whether we may tell the peer something now (and then the caller does): -ENOTCONN, or -EAGAIN
 * when it would be more than the peer takes.
 */
int cpc_peer_tell(struct cpc_peer *peer, uint64_t now_us);

/* Something suggests that the peer has lost the session: find out soon. */
void cpc_peer_doubt(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx);

/* When the peer's question may be answered; CPC_NEVER_US: there is none. Then say so. */
uint64_t cpc_peer_serve_us(const struct cpc_peer *peer);
void cpc_peer_served(struct cpc_peer *peer, uint64_t now_us);

/* The session ended, whoever ended it. */
void cpc_peer_stop(struct cpc_peer *peer);

#endif
