/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * catchup.h - how a member that was away gets the decisions it missed, from members it does not
 * trust one by one (pure: fetching and storing are the caller's, through ops).
 *
 *   BODY     one peer, the source: decisions after our tip, a chunk of at most one answer;
 *            each is verified against the one before it (verify.h)
 *   CONFIRM  other peers: "which decision is your slot L?", L the chunk's last;
 *            f more peers with the same 32-byte log hash: f+1 say so, one of them is correct
 *   store    the chunk; then the next one, until the target is reached
 *
 * The target is a slot, or the end of the epoch wherever that is (CPC_CATCHUP_END): the decisions
 * themselves say where they end, and nothing follows there.
 *
 * A chunk never goes beyond the target, which f+1 members claim on the air, so f+1 peers can
 * confirm it. Towards the end it goes as far as its source does: where a later epoch is known to
 * have begun, f+1 peers come to have that, too, and until then it is tried again.
 *
 * A source that gives nothing, garbage, an unconfirmed chain or no answer in time is passed over
 * for the next; peers that failed once are asked last from then on. One chunk and one answer are
 * held, never more.
 */
#ifndef CPC_AGENT_NODE_CATCHUP_H
#define CPC_AGENT_NODE_CATCHUP_H

#include "agent/log/verify.h"

enum {
	CPC_CATCHUP_CHUNK_MAX = 256 * 1024,	/* bytes; the rest of an answer is left */
	CPC_CATCHUP_TIMEOUT_US = 10 * 1000 * 1000,	/* for one answer */
	CPC_CATCHUP_RETRY_US = 2 * 1000 * 1000,	/* after all sources were tried in vain */
};

/* As a target: the epoch's last slot, which the log has not reached yet. */
#define CPC_CATCHUP_END UINT32_MAX

/* Set in `after_slot` of a fetch: only the one decision after it is wanted. */
#define CPC_FETCH_ONE 0x80000000u

struct cpc_catchup_ops {
	/* Asks a peer; the answer comes by cpc_catchup_fetched(). Negative: it cannot be asked. */
	int (*fetch)(void *ctx, unsigned int member, u32 after_slot);
	/* Stores a confirmed chunk (encoded decisions). Negative: give up. */
	int (*store)(void *ctx, const u8 *chunk, size_t len);
	/* The log as stored, which others may have moved on meanwhile. */
	const struct cpc_log_tip *(*tip)(void *ctx);
	/*
	 * The target is stored: @slot is that, or the epoch's last slot if that comes first. This
	 * is called last of all: it may start anew, or init for another epoch.
	 */
	void (*reached)(void *ctx, u32 slot);
};

enum cpc_catchup_phase {
	CPC_CATCHUP_IDLE,
	CPC_CATCHUP_BODY,
	CPC_CATCHUP_CONFIRM,
	CPC_CATCHUP_WAIT,
};

struct cpc_catchup_stats {
	u64 started, reached, chunks;
	u64 bad;		/* answers that did not verify, or contradicted f+1 */
	u64 unconfirmed;	/* chunks that too few peers shared */
	u64 timeouts;
};

struct cpc_catchup {
	unsigned int n, self;
	const struct cpc_catchup_ops *ops;
	void *ctx;
	u64 up;				/* peers with a session, by bit */
	enum cpc_catchup_phase phase;
	u32 target;			/* CPC_CATCHUP_END: the epoch's last slot */
	u8 target_hash[8];
	unsigned int source;
	u64 tried;			/* sources passed over in this round */
	u64 doubtful;			/* peers that failed us once: asked after the others */
	u64 asked, pending, agreed;	/* CONFIRM */
	u64 deadline_us;
	struct cpc_log_tip staged;	/* after the chunk */
	struct cpc_buffer chunk;
	struct cpc_catchup_stats stats;
};

void cpc_catchup_init(struct cpc_catchup *c, unsigned int n, unsigned int self,
		      const struct cpc_catchup_ops *ops, void *ctx);
void cpc_catchup_done(struct cpc_catchup *c);

/*
 * f+1 members claim this state, and a newer one replaces an older one. CPC_CATCHUP_END, with any
 * hash: the epoch is over, fetch all of it; replaces every other target and is replaced by none.
 */
void cpc_catchup_start(struct cpc_catchup *c, u32 slot, const u8 log_hash[8], u64 now_us);
void cpc_catchup_peer(struct cpc_catchup *c, unsigned int member, bool up, u64 now_us);
void cpc_catchup_fetched(struct cpc_catchup *c, unsigned int member, const u8 *data, size_t len,
			 u64 now_us);
void cpc_catchup_tick(struct cpc_catchup *c, u64 now_us);

#endif
