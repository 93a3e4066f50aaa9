/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * core.h - the consensus core: an event in, effects out.
 *
 *               CPC_EV_ELEMENT   CPC_EV_SUBMIT
 *   radio --------->|               |<--------- agent
 *                   v               v
 *              .---------------------------.
 *              | lanes: everyone's entries |   who holds what
 *              |   |                       |
 *              |   v   leader: new cut     |
 *              | slots (4 open): tetra.h   |   who voted what
 *              |   |                       |
 *              |   v   quorum of vote 4    |
 *              | decided log               |
 *              '---------------------------'
 *                   |               |
 *   radio <---------'               '---------> agent
 *      CPC_EV_CARRIER fills           effects: decided, question,
 *      the next frame                 evidence, behind, wake-up
 *
 * Each member appends entries to its own hash-chained lane. A slot decides a cut: how far the log
 * reaches into each lane. A cut names its parent, the last decided cut before it that counts; if it
 * names another, it is void and carries nothing.
 *
 * A message is the sender's whole state, so any one heals the loss of all before it. There are no
 * acknowledgements, no retransmission timers, no message log.
 *
 * Contract: no I/O, clock, allocation, lock, log, float or global; bounded loops. The caller owns
 * the memory, serialises calls, verifies and makes the MACs, and persists before it sends. The same
 * events give the same effects and the same bytes.
 *
 * The members change with the epoch (change.h): a core is one epoch's. It decides the slots from
 * config.base + 1 to `end`, which a decided change sets, and then only helps laggards.
 *
 * Invariants (cpc_core_check): lanes are hash chains from the decided frontier; a slot's own state
 * follows the rules of tetra.h; decided slots are consecutive and never change.
 */
#ifndef CPCHAIN_CORE_H
#define CPCHAIN_CORE_H

#include <cpchain/change.h>
#include <cpchain/cut.h>
#include <cpchain/element.h>
#include <cpchain/lane.h>
#include <cpchain/tetra.h>
#include <cpchain/types.h>
#include <cpchain_nl.h>
#include <cpchain_policy.h>

/* Log hash, slot, value, per member a lane's sequence and head, and the epoch's end. */
#define CPC_LOG_HASH_INPUT_MAX                                                                     \
	(1 + CPC_HASH_BYTES + 4 + CPC_DIGEST_BYTES + CPC_MEMBERS_MAX * (4 + CPC_DIGEST_BYTES) + 4)

enum cpc_verdict { CPC_VERDICT_NO, CPC_VERDICT_YES, CPC_VERDICT_NONE };

/* How crowded the channel is: ETSI TS 102 687 V1.2.1, 5.3 (pace.c). */
enum cpc_dcc {
	CPC_DCC_RELAXED,
	CPC_DCC_ACTIVE_1,
	CPC_DCC_ACTIVE_2,
	CPC_DCC_ACTIVE_3,
	CPC_DCC_RESTRICTIVE,
	__CPC_DCC_STATES,
};

struct cpc_config {
	u8 n;				/* members, CPC_MEMBERS_FEW..CPC_MEMBERS_MAX */
	u8 self;			/* this member's index */
	u16 cell;
	u16 epoch;
	u8 pacing;			/* enum cpc_pacing */
	u8 default_verdict;		/* enum cpc_verdict, when nobody else gives one in time;
					 * changes of members are excepted */
	bool slow_first_view;		/* five message delays in view 0, as in the paper */
	u32 period_us;			/* usual time between carriers */
	u32 base;			/* last slot of the epoch before, 0: there was none */
	u64 seed;			/* the leader's random choice among candidates */
	struct cpc_hash members;	/* digest of the member set: the log's first hash */
	cpc_hash_fn hash;
};

/* A conditional entry that waits for its verdicts: at most one per lane. */
struct cpc_condition {
	u8 kind;			/* enum cpc_entry_kind, ORDINARY: none open */
	u32 seq;
	struct cpc_digest head;		/* the entry's hash: a verdict is on this content only */
	u64 since_us;
	u64 yes;			/* members, by bit */
	u64 no;
	u8 why[CPC_MEMBERS_MAX];	/* enum cpc_policy_reason as given, for people only */
	bool mute;			/* we gave our word on something else in its place */
};

/* Our last word on a lane's conditional entries. */
struct cpc_word {
	u32 seq;			/* 0: none yet */
	struct cpc_digest head;
	u8 verdict;
	u8 why;
};

struct cpc_claim {
	u32 slot;
	u8 log_hash[8];
};

/* What is known of one member, its lane among it. */
struct cpc_member {
	bool heard;
	u32 counter;			/* of its newest element */
	u64 content;			/* its checksum: two contents for one counter? */
	u64 heard_us;
	u32 decided;
	u32 claims_used;		/* claims ever noted; the ring holds the last CPC_CLAIMS */
	struct cpc_claim claim[CPC_CLAIMS];
	u32 state_slot[CPC_OPEN_MAX];	/* which slot state[i] is of; 0: none */
	struct cpc_state state[CPC_OPEN_MAX];
	u32 have[CPC_MEMBERS_MAX];	/* last entry it holds, per lane */
	u64 hears;			/* whom it hears itself, by bit, as it last said */
	u64 since_us;			/* since when its elements come, by whatever way */
	u64 direct_us;			/* when we last heard it ourselves */
	bool through;			/* its newest element came through another member, */
	bool relay;			/* is for us to send again, */
	bool news;			/* says something new */
	u64 said;			/* checksum of what it says, but for its payload */
	u16 len;			/* and is so long, header to footer */
	u64 accusers;			/* members, by bit, that name another head than we hold */
	struct cpc_condition condition;
	struct cpc_word word;		/* ours, on its conditional entries */
	struct cpc_condition decided_condition;	/* the last one of the lane, for people only */
	struct cpc_lane lane;
};

/* A live slot: this member's own state and what it knows of the cuts. */
struct cpc_slot {
	u32 number;
	struct cpc_state mine;
	bool wanted;			/* there is something to decide, so the timer runs */
	bool decided;			/* value known; finished once all bodies are here */
	struct cpc_digest value;
	u64 gathered_us;		/* when a quorum was first seen in this view; 0: not yet */
	u64 started_us;			/* when this view's timer started; 0: it does not run */
	struct cpc_known_cut cut[CPC_CUTS_KNOWN];
};

/* A finished slot, kept to help laggards. */
struct cpc_done {
	u32 slot;
	struct cpc_known_cut cut;
	struct cpc_hash log_hash;
	u64 claim_us;			/* when it was last put on the air as a claim */
	u64 done_us;			/* when it was finished here */
	u32 frontier[CPC_MEMBERS_MAX];
};

struct cpc_decided_lane {
	u8 lane;
	u16 accepted;			/* bit i: entry from+i, if conditional, is accepted;
					 * CPC_ACCEPTED_CHANGE */
	u32 from;			/* entries from..seq are newly decided */
	u32 seq;
	struct cpc_digest head;
};

struct cpc_decision {
	u32 slot;
	bool is_void;			/* its parent does not count: no lanes */
	u8 lanes;
	struct cpc_digest value;	/* the cut's digest; of a void slot the value before */
	struct cpc_hash log_hash;	/* after this slot */
	struct cpc_decided_lane lane[CPC_CUT_LANES_MAX];
};

struct cpc_core {
	struct cpc_config config;
	u64 now_us;
	u32 counter;			/* of the newest element of ours */
	/*
	 * Slots up to `settled` are decided by a quorum: claims carry any laggard over them.
	 * settled+1 .. settled+4 are live: this member takes part in them, also in those it has
	 * decided itself, because others may still need its votes.
	 */
	u32 settled;
	u32 decided;			/* last finished slot */
	u32 end;			/* the epoch's last slot: its members change; 0: none yet */
	struct cpc_hash log_hash;
	struct cpc_digest parent;	/* value of the last finished slot that is not void */
	struct cpc_slot slot[CPC_OPEN_MAX];	/* by number modulo */
	struct cpc_done done[CPC_DECIDED_RING];	/* by slot modulo */
	u8 hops;			/* a message is sent so often until all have it; 1: once */
	/* pacing */
	bool dirty;			/* own state changed since the last element */
	bool prompt;			/* others wait for that change: a proposal, an entry */
	u64 dirty_us;			/* since when; 0: not */
	u64 open_us;			/* since when others may need our word again; 0: not */
	u64 asked_us;			/* when an element last called for one of ours */
	u64 sent_us;
	u64 hop_from_us;		/* when we first voted in hop_slot; 0: measured */
	u32 hop_slot;
	u32 hop_us;			/* what a frame takes, core to core; 0: unknown */
	u64 spoke_us;			/* since when, without a gap that others would notice */
	u64 carrier_us;			/* last carrier */
	u64 carrier_gap_us;		/* measured time between carriers */
	u8 dcc;				/* enum cpc_dcc */
	u16 busy_permille;		/* as last told */
	u64 dcc_us;			/* when the state was last looked at */
	u32 frame_us;			/* air time of our last frame of our own */
	u64 submitted_us[CPC_LANE_RING];	/* of own entries, by seq modulo */
	u64 behind_us;			/* since when others are known to be ahead; 0: not */
	u64 look_us;			/* when to look for that again */
	u64 told_us;
	u32 told_used;			/* states ever told to the agent as worth fetching */
	struct cpc_claim told[CPC_CLAIMS];
	u64 random;
	u32 base_seq[CPC_MEMBERS_MAX];	/* scratch: a frontier */
	struct cpc_digest base_head[CPC_MEMBERS_MAX];
	struct cpc_element element;	/* scratch: the one being taken in */
	u8 scratch[CPC_LOG_HASH_INPUT_MAX];
	struct cpc_member member[];	/* config.n of them */
};

enum cpc_event_type {
	CPC_EV_TICK,		/* time passed: the wake-up asked for, or any other */
	CPC_EV_CARRIER,		/* a frame is about to leave: put an element into it */
	CPC_EV_ELEMENT,		/* an element whose MAC was right has arrived */
	CPC_EV_SUBMIT,		/* append an entry to the own lane */
	CPC_EV_VERDICT,		/* this vehicle's word on a conditional entry */
	CPC_EV_INSTALL,		/* jump ahead to a state that f+1 members claim */
	CPC_EV_SET,		/* change pacing, period or default verdict */
};

struct cpc_event {
	enum cpc_event_type type;
	u64 now_us;			/* monotonic, any origin, never backwards */
	u16 busy_permille;		/* of the channel, in the last CPC_BUSY_WINDOW_US */
	union {
		struct {
			u8 *data;	/* where to write the element's header and sections */
			size_t room;	/* bytes there: without tags and footer */
			bool standalone;	/* the frame leaves only for this element */
		} carrier;
		struct {
			const u8 *data;	/* header and sections: without tags and footer */
			size_t len;
			bool relayed;	/* it came in front of an element of `relayer` */
			u8 relayer;
		} element;
		struct {
			u8 kind;
			const u8 *data;
			size_t len;
		} submit;
		struct {
			u8 lane;
			u8 verdict;	/* CPC_VERDICT_NO or _YES */
			u8 why;		/* enum cpc_policy_reason */
			u32 seq;
			struct cpc_digest head;
		} verdict;
		struct {
			u32 slot;
			u32 end;			/* the epoch's, as of that slot */
			struct cpc_hash prev_log_hash;
			struct cpc_digest value;
			const u32 *seq;			/* config.n of them */
			const struct cpc_digest *head;	/* config.n of them */
		} install;
		struct {
			u8 pacing;
			u8 default_verdict;
			u32 period_us;
		} set;
	};
};

/* In the order in which the caller must act on them. */
struct cpc_effects {
	bool persist;			/* own votes changed: on disk before anything is sent */
	size_t element_len;		/* CPC_EV_CARRIER: bytes written, 0: no element */
	bool element_idle;		/* nothing undecided, nothing to say: the header only */
	u8 element_open;		/* slot records in it */
	bool element_late;		/* one of them beyond its first view */
	bool element_payload;		/* entries, cuts, claims, verdicts, who is heard */
	/*
	 * Members, by bit, whose newest authentic elements go in front of this one, as they came.
	 * They take relay_bytes of the room given.
	 */
	u64 relay;
	size_t relay_bytes;
	bool send;			/* a frame of our own is due: CPC_EV_CARRIER */
	u32 submitted_seq;		/* CPC_EV_SUBMIT: the entry's lane sequence */
	u8 decisions;
	struct cpc_decision decision[CPC_OPEN_MAX];
	u8 view_changes;
	u32 view_slot;			/* the newest of them */
	u8 view;
	bool evidence;
	u8 evidence_member;
	u32 evidence_counter;
	bool behind;
	struct cpc_claim behind_claim;
	u64 questions;			/* lanes, by bit, whose conditional entry is new */
	u8 own_decided;			/* entries of our own among the decisions */
	u64 own_latency_us;		/* the sum of their times since they were submitted */
	u64 wake_us;			/* call again by then; CPC_NEVER_US */
};

/* Has the epoch's last slot been decided? Then its core only helps laggards. */
static inline bool cpc_ended(const struct cpc_core *core)
{
	return core->end && core->decided == core->end;
}

/* Bytes of a core for @n members; the caller allocates them, 8-byte aligned. */
size_t cpc_core_size(unsigned int n);

/* Returns 0, or -EINVAL for a configuration outside the bounds of limits.h. */
int cpc_core_init(struct cpc_core *core, const struct cpc_config *config, u64 now_us);

/*
 * Takes one event. Returns 0, and for
 *   ELEMENT  -EBADMSG malformed, -EPERM not for this core, -ESTALE replayed counter
 *   CARRIER  -ENOSPC the state does not fit into the room
 *   SUBMIT   -EMSGSIZE, -EINVAL kind or change, -EAGAIN lane full until a decision, -ESHUTDOWN the
 *            epoch is over
 *   VERDICT  -ENOENT no such open entry, -EALREADY a word once given is kept
 *   INSTALL  -EPERM not what f+1 members claim, -EALREADY not ahead of us, -EINVAL
 * On an error @effects still holds a valid wake_us and nothing else happened.
 */
int cpc_step(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *effects);

/* Every invariant; tests call it after each step. */
void cpc_core_check(const struct cpc_core *core);

/*
 * The encoded entry @seq of @lane, while it is in the ring: undecided ones and, right after the
 * step that decided them, decided ones. NULL if it is not there.
 */
const u8 *cpc_core_entry(const struct cpc_core *core, u8 lane, u32 seq, size_t *ret_len);

/*
 * The log hash after a slot: SHA-256 over the log hash before it, the slot, the value, the frontier
 * (per lane le32 seq, head) with config->n lanes and, once it is known, the epoch's end as of that
 * slot. @scratch: CPC_LOG_HASH_INPUT_MAX bytes.
 */
void cpc_log_hash_next(const struct cpc_config *config, u8 *scratch, const struct cpc_hash *before,
		       u32 slot, u32 end, const struct cpc_digest *value, const u32 *seq,
		       const struct cpc_digest *head, struct cpc_hash *ret_after);

#endif
