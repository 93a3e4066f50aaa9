/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sim.h - the simulator: whole cells of real cores in virtual time, one seed one history.
 *
 *   main.c       options, jobs, the summary
 *   plan.c       seed -> what this history is about: cell, medium, faults, work
 *   world.c      the loop: events by time, and the driver that acts like the kernel module
 *   medium.c     the air: loss, bursts, delay, doubles, partitions, hidden pairs
 *   radio.c      or in its place the channel of tools/cpc-medium, for measuring (--medium)
 *   byzantine.c  the faulty members; draft.c takes their elements apart and builds others
 *   oracle.c     what must hold after every step; history.c what is remembered for that
 *   trace.c      the last events, for who has to understand a failure
 *
 *            .--- submit, verdict, carrier, wake-up ---.
 *            v                                         |
 *   [core 0] [core 1] ... [faulty: one or two cores, then forged]
 *      |  ^
 *      v  |   frames (per receiver from the faulty)
 *   ( medium )      each step of a correct core --> oracle
 *
 * No threads, no clock, no randomness but the seed: a failing seed replays exactly.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <cpchain/core.h>

enum sim_limits {
	SIM_MEMBERS = 16,
	SIM_FRAME_MAX = CPC_ELEMENT_MAX,
	SIM_SAVED = 48,		/* frames remembered for replays */
	SIM_CUTOFFS = 4,
	SIM_VIEWS = 16,		/* distinct views of one slot in which votes are remembered */
	SIM_SUBMITS = 1024,	/* per member */
	SIM_WORDS = 32,		/* answers remembered per member and lane */
	SIM_TRACE = 400,
};

static inline u64 sim_random(u64 *seed)
{
	u64 z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline u32 sim_below(u64 *seed, u32 bound)
{
	return (u32)((sim_random(seed) >> 32) * bound >> 32);
}

/* True in @percent of all cases. */
static inline bool sim_chance(u64 *seed, u32 percent)
{
	return sim_below(seed, 100) < percent;
}

/* ---- plan.c ---------------------------------------------------------------------------------- */

enum sim_role { SIM_CORRECT, SIM_CRASHES, SIM_FAULTY };

/* What a faulty member does, any mixture. */
enum sim_trick {
	SIM_TWIN = 1 << 0,	/* two instances under one name, heard and fed differently */
	SIM_EQUIVOCATE = 1 << 1, /* other cuts to other members */
	SIM_FROZEN = 1 << 2,	/* lies about its earlier votes */
	SIM_HELPFUL = 1 << 3,	/* votes for whatever the receiver leans to, or against it */
	SIM_RELAY = 1 << 4,	/* re-sends forged bodies for others' lanes */
	SIM_VERDICT = 1 << 5,	/* yes to some, no to others */
	SIM_JUMP = 1 << 6,	/* runs ahead in views */
	SIM_COUNTER = 1 << 7,	/* two contents under one counter */
	SIM_MALFORMED = 1 << 8,	/* authentic nonsense */
	SIM_REPLAY = 1 << 9,	/* its own old elements again */
	SIM_HAVE = 1 << 10,	/* claims to hold what it does not, or nothing */
	SIM_CLAIM = 1 << 11,	/* claims other logs */
	SIM_WITHHOLD = 1 << 12,	/* states without the bodies and cuts behind them */
	SIM_SELECTIVE = 1 << 13, /* speaks to some only */
	SIM_SILENT = 1 << 14,	/* speaks to nobody for long times */
	SIM_TRICKS = 15,
};

/* The air between two times, and who is apart from whom in it. */
struct sim_cutoff {
	u64 from_us, to_us;
	u32 side;		/* members on one side, by bit; the others are on the other */
};

struct sim_plan {
	u64 seed;
	u8 n, f;
	u8 pacing;
	bool slow_first_view;
	u8 default_verdict;
	u32 period_us;
	u64 heal_us;
	u8 loss, after_loss;	/* per cent, before and after healing */
	bool bursts;		/* Gilbert-Elliott instead of independent loss */
	u8 doubles;		/* per cent */
	u32 delay_us, jitter_us; /* jitter above a frame gap reorders */
	bool late;		/* the first cutoff is one member, for very long */
	u8 cutoffs;
	struct sim_cutoff cutoff[SIM_CUTOFFS];
	u32 deaf[SIM_MEMBERS];	/* senders that a member cannot hear until healing */
	u8 role[SIM_MEMBERS];
	u32 tricks[SIM_MEMBERS];
	u64 crash_us[SIM_MEMBERS];
	u32 submit_gap_us;	/* mean time between one member's entries */
	u8 conditional;		/* per cent of entries */
	u8 changes;		/* of members, per cent of entries: the first one ends the epoch */
	u8 refusals;		/* per cent of words that are no */
	u8 answers;		/* per cent of questions that are answered at all */
	u16 room;		/* bytes a carrier offers */
	bool outsiders;
	bool sparse;		/* not all are in range of each other, ever */
	u32 far[SIM_MEMBERS];	/* senders out of a member's range */
	bool busy;		/* the channel's busy ratio changes at random */
};

struct sim_options {
	u64 first, seeds;
	unsigned int jobs;
	u32 cells;		/* sizes to take, by bit */
	int pacing;		/* -1: by seed */
	int slow;		/* -1: by seed parity */
	bool verbose, tap, quick;
	/* with --medium */
	const char *medium, *trace;
	bool json;
	unsigned int silent, seconds, submit_ms, carrier_octets;
};

/* What happened, added up over seeds: to see that the dangerous things did. */
struct sim_totals {
	u64 seeds, steps, frames, slots, entries, void_slots, views, deep_views, evidence, forks;
	u64 changes, installs, accepted, rejected, stale, malformed, forged, crashes;
	u64 saved_by_claims;
	u64 healed_us, worst_heal_us, checked_replays, equal_counters;
	u64 tricks[SIM_TRICKS];
	u64 sparse, relays, relayed_first, busy;
	u64 cells[SIM_MEMBERS + 1];
	u64 pacing[3], slow, late, lossy, bursty, parted, hidden;
};

void sim_plan_make(struct sim_plan *plan, u64 seed, const struct sim_options *options);
void sim_plan_print(const struct sim_plan *plan);
const char *sim_trick_name(unsigned int trick);

/* ---- medium.c -------------------------------------------------------------------------------- */

struct sim_frame {
	unsigned int users;
	u8 sender;		/* whose MAC it bears; SIM_MEMBERS: an outsider's */
	bool standalone;	/* no carrier around it */
	u8 relays;		/* elements of others in front of it */
	struct sim_frame *relayed[CPC_RELAYS_MAX];
	u16 len;
	u8 data[SIM_FRAME_MAX];
};

enum sim_event_type {
	SIM_EV_CARRIER, SIM_EV_WAKE, SIM_EV_DELIVER, SIM_EV_SUBMIT, SIM_EV_VERDICT,
	SIM_EV_CRASH, SIM_EV_INSTALL, SIM_EV_OUTSIDER, SIM_EV_HEAL, SIM_EV_RADIO,
};

struct sim_event {
	u64 at_us;
	u64 order;		/* ties go by it: the queue is stable */
	enum sim_event_type type;
	u8 node;
	u8 lane;
	u8 verdict;
	u32 seq;
	struct cpc_digest head;
	struct sim_frame *frame;
};

struct sim_queue {
	struct sim_event *heap;
	size_t used, size;
	u64 order;
};

void sim_queue_push(struct sim_queue *q, const struct sim_event *event);
bool sim_queue_pop(struct sim_queue *q, struct sim_event *ret_event);

struct sim_frame *sim_frame_new(unsigned int sender, const u8 *data, size_t len);
struct sim_frame *sim_frame_get(struct sim_frame *frame);
void sim_frame_put(struct sim_frame *frame);

struct sim_world;

void sim_medium_reset(struct sim_world *w);
/* To everyone, or to one receiver only (the faulty). */
void sim_broadcast(struct sim_world *w, struct sim_frame *frame);
void sim_unicast(struct sim_world *w, struct sim_frame *frame, unsigned int receiver);

/* ---- radio.c --------------------------------------------------------------------------------- */

struct sim_radio;
struct sim_node;

/* Runs o->seeds histories over the scenario o->medium and prints what they took; an exit status. */
int sim_radio_main(const struct sim_options *o);
/* The rest is for a world with w->radio. A frame, to the members of @receivers by bit. */
void sim_radio_send(struct sim_world *w, struct sim_frame *frame, u32 receivers);
/* A carrier that left without an element: it takes the air all the same. */
void sim_radio_empty(struct sim_world *w, const struct sim_node *node);
/* What this member measures, of the last window. */
u16 sim_radio_busy(struct sim_world *w, const struct sim_node *node);
/* SIM_EV_RADIO */
void sim_radio_event(struct sim_world *w);
void sim_radio_start(struct sim_world *w);
void sim_radio_submitted(struct sim_world *w, const struct sim_node *node, u32 seq);
void sim_radio_decided(struct sim_world *w, const struct sim_node *node,
		       const struct cpc_effects *fx);

/* ---- history.c: what the oracle remembers ---------------------------------------------------- */

struct sim_view_votes {
	u8 view;
	u8 voted;
	struct cpc_digest value[CPC_PHASES];
};

/* Every vote that a correct member was ever seen to cast in one slot. */
struct sim_slot_votes {
	u32 slot;
	struct cpc_state last;
	unsigned int views;
	struct sim_view_votes view[SIM_VIEWS];
};

struct sim_said {
	u32 seq;
	u8 verdict;
	struct cpc_digest head;
};

/* One decided slot, as whoever decided it first did. */
struct sim_logged {
	u32 slot;
	struct cpc_hash before, after;
	struct cpc_digest value;
	u32 end;		/* the epoch's last slot, once known */
	u32 seq[SIM_MEMBERS];
	struct cpc_digest head[SIM_MEMBERS];
	struct cpc_decision decision;
};

struct sim_lane_log {
	u32 used, size;
	struct sim_lane_entry {
		struct cpc_digest hash;
		u8 kind;
		bool accepted;
	} *entry;
};

struct sim_log {
	struct sim_logged *slot;
	u32 used, size;
	struct sim_lane_log lane[SIM_MEMBERS];
};

/* ---- world.c --------------------------------------------------------------------------------- */

/* What a correct member was asked to append. */
struct sim_submit {
	u8 kind;
	u64 sum;		/* of the data */
};

struct sim_node {
	u8 index;
	u8 role;
	bool alive;
	struct cpc_core *core;
	struct cpc_core *twin;		/* second instance of a faulty one */
	struct cpc_core *saved;		/* for comparing, shared by all */
	struct sim_frame *newest[SIM_MEMBERS];	/* element of each, to send again */
	u64 wake_us, wake_order;
	u64 twin_wake_us;
	u64 random;
	u64 installing;			/* one fetch at a time */
	u32 install_try;
	/* faulty */
	u32 audience;			/* who is shown the second face */
	u32 heard_by_twin;		/* whose elements the twin is fed */
	u32 counter;
	/* oracle */
	u32 decided;
	u32 counter_seen[SIM_MEMBERS];	/* newest counter taken from each */
	bool heard[SIM_MEMBERS];
	u32 counter_sent;
	u32 counter_relayed[SIM_MEMBERS];	/* newest one sent again */
	struct sim_slot_votes votes[CPC_OPEN_MAX];
	struct sim_said said[SIM_MEMBERS][SIM_WORDS];
	u32 said_used[SIM_MEMBERS];
	u32 submitted, submitted_before_heal;
	struct sim_submit submit[SIM_SUBMITS];
};

struct sim_link {
	bool bad;			/* Gilbert-Elliott state */
};

struct sim_world {
	struct sim_plan plan;
	struct sim_totals *totals;
	u64 now_us, random;
	bool healed;
	struct cpc_hash members;
	struct sim_queue queue;
	struct sim_node node[SIM_MEMBERS];
	struct sim_link link[SIM_MEMBERS][SIM_MEMBERS];
	struct sim_radio *radio;	/* NULL: medium.c's own loss */
	struct sim_frame *saved[SIM_SAVED];
	u64 saved_used;
	struct sim_log log;
	struct cpc_core *mirror;	/* for "a replay does no more than time" */
	/* trace */
	struct sim_line {
		u64 at_us;
		char text[120];
	} line[SIM_TRACE];
	u64 lines;
	bool verbose;
};

/* A world is reused from seed to seed. */
struct sim_world *sim_world_new(void);
void sim_world_free(struct sim_world *w);
void sim_run(struct sim_world *w, const struct sim_plan *plan, struct sim_totals *totals);

void sim_hash(const void *data, size_t len, u8 out[CPC_HASH_BYTES]);
/* Encodes some change of members into CPC_ENTRY_DATA_MAX bytes; returns its length. */
u32 sim_change(const struct sim_world *w, u64 *random, u8 *out);
struct cpc_config sim_config(const struct sim_world *w, unsigned int index, unsigned int instance);
bool sim_correct(const struct sim_node *node);
/* Steps a faulty member's core: nothing is checked. */
void sim_step_faulty(struct sim_world *w, struct sim_node *node, struct cpc_core *core,
		     const struct cpc_event *event, struct cpc_effects *fx);

/* ---- byzantine.c, draft.c -------------------------------------------------------------------- */

/* An element taken apart. */
struct sim_draft {
	struct cpc_element e;
	u8 items[SIM_FRAME_MAX];
	size_t items_len;
};

bool sim_draft_read(struct sim_draft *d, const u8 *data, size_t len, unsigned int n);
/* Returns the length, 0 if it does not fit. */
size_t sim_draft_write(const struct sim_draft *d, unsigned int n, u8 *out, size_t size);
void sim_draft_add(struct sim_draft *d, u8 type, const void *data, size_t len);
void sim_draft_add_cut(struct sim_draft *d, const struct cpc_cut *cut);
/* The record of @slot, made if there is room; NULL if not. */
struct cpc_state *sim_draft_state(struct sim_draft *d, u32 slot);

void sim_faulty_carrier(struct sim_world *w, struct sim_node *node);
void sim_faulty_receive(struct sim_world *w, struct sim_node *node, const struct sim_frame *frame,
			const struct sim_frame *around);
void sim_faulty_submit(struct sim_world *w, struct sim_node *node);

/* ---- oracle.c -------------------------------------------------------------------------------- */

void sim_oracle_reset(struct sim_world *w);
void sim_oracle_step(struct sim_world *w, struct sim_node *node, const struct cpc_event *event,
		     const struct cpc_effects *fx, int result);
void sim_oracle_element(struct sim_world *w, struct sim_node *node, const u8 *data, size_t len);
/* @node sends @author's element again. */
void sim_oracle_relayed(struct sim_world *w, struct sim_node *node, unsigned int author);
void sim_oracle_submitted(struct sim_world *w, struct sim_node *node, u8 kind, const u8 *data,
			  size_t len, u32 seq);
void sim_oracle_installed(struct sim_world *w, struct sim_node *node, u32 slot);
/* Has everybody decided all that the correct ones submitted before healing? */
bool sim_oracle_done(struct sim_world *w, bool after_heal);
/* Says in the trace what is still to be decided. */
void sim_oracle_lacking(struct sim_world *w);

void sim_log_reset(struct sim_log *log);
struct sim_logged *sim_log_find(struct sim_log *log, u32 slot);
struct sim_logged *sim_log_append(struct sim_log *log);
struct sim_lane_entry *sim_lane_append(struct sim_lane_log *lane);
u64 sim_sum(const u8 *data, size_t len);

/* ---- trace.c --------------------------------------------------------------------------------- */

void sim_trace(struct sim_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the violated property, the last events and how to replay, and ends the process. */
void sim_fail(struct sim_world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void sim_trace_watch(struct sim_world *w);
const char *sim_value_name(const struct cpc_digest *value);

#define SIM_MUST(w, condition, ...)                                                                \
	do {                                                                                       \
		if (!(condition))                                                                  \
			sim_fail(w, __VA_ARGS__);                                                  \
	} while (0)

#endif
