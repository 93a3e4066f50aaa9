/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * core_parts.h - what the core's own files call of each other; nobody else includes it.
 *
 *   core.c       the door: init, step, check
 *   receive.c    element in            emit.c     element out
 *   slot.c       votes, views          pace.c     timers, when to send
 *   relay.c      whose element to repeat  dcc.c   how busy the channel is
 *   propose.c    cuts: build, judge    finish.c   decided: log, laggards, install
 *   condition.c  verdicts
 *   tetra.c lane.c cut.c element.c     know nothing of the core
 */
#ifndef CPCHAIN_CORE_PARTS_H
#define CPCHAIN_CORE_PARTS_H

#include <cpchain/core.h>

static inline u64 cpc_bit(unsigned int member)
{
	return (u64)1 << member;
}

static inline struct cpc_slot *cpc_live(struct cpc_core *core, u32 number)
{
	struct cpc_slot *slot = &core->slot[number % CPC_OPEN_MAX];

	return slot->number == number ? slot : NULL;
}

static inline unsigned int cpc_leader(const struct cpc_core *core, u32 slot, u8 view)
{
	return (unsigned int)(((u64)slot + view) % core->config.n);
}

/* slot.c */
void cpc_slot_reset(struct cpc_slot *slot, u32 number);
void cpc_council_of(const struct cpc_core *core, const struct cpc_slot *slot,
		    struct cpc_council *ret_council);
bool cpc_slot_advance(struct cpc_core *core, struct cpc_slot *slot, struct cpc_effects *fx);
void cpc_slot_enter(struct cpc_core *core, struct cpc_slot *slot, u8 view, struct cpc_effects *fx);
void cpc_progress(struct cpc_core *core, struct cpc_effects *fx);

/* propose.c */
struct cpc_known_cut *cpc_cut_find(struct cpc_slot *slot, const struct cpc_digest *digest);
struct cpc_known_cut *cpc_cut_remember(struct cpc_core *core, struct cpc_slot *slot,
				       const struct cpc_digest *digest, const struct cpc_cut *cut);
/* The frontier and the parent that @number builds on, into core->base_*; false if not known yet. */
bool cpc_base_of(struct cpc_core *core, u32 number, struct cpc_digest *ret_parent);
/* Applies a cut's lanes to core->base_*. */
u32 cpc_base_apply(struct cpc_core *core, const struct cpc_cut *cut);
/*
 * The cut this member would propose; false if it cannot tell. A cut without lanes is no work.
 * @careful: only entries that a quorum reports to hold.
 */
bool cpc_cut_build(struct cpc_core *core, u32 number, bool careful, struct cpc_cut *ret_cut);
bool cpc_cut_acceptable(struct cpc_core *core, struct cpc_slot *slot,
			const struct cpc_council *council, const struct cpc_digest *value);
/* As leader of the present view: casts vote 1, which is the proposal. False: nothing (yet). */
bool cpc_propose(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *council);

/* finish.c */
bool cpc_finish(struct cpc_core *core, struct cpc_effects *fx);
bool cpc_settle(struct cpc_core *core);
/*
 * Do claims speak for @cut? 3: f+1 members claim its log hash, 2: somebody does, 1: its slot is
 * claimed and that is all one can tell yet, 0: no.
 */
unsigned int cpc_cut_claimed(struct cpc_core *core, const struct cpc_cut *cut,
			     const struct cpc_digest *digest);
void cpc_claim_note(struct cpc_core *core, unsigned int member, u32 slot, const u8 log_hash[8]);
void cpc_behind_check(struct cpc_core *core, struct cpc_effects *fx);
int cpc_install(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx);

/* condition.c */
void cpc_condition_update(struct cpc_core *core, unsigned int lane, struct cpc_effects *fx);
bool cpc_condition_met(const struct cpc_core *core, const struct cpc_condition *c);
/* Time to propose it as rejected: refused beyond repair, or waited for too long. */
bool cpc_condition_lost(const struct cpc_core *core, const struct cpc_condition *c);
void cpc_condition_answer(struct cpc_core *core, unsigned int member,
			  const struct cpc_answer *answer);
int cpc_condition_verdict(struct cpc_core *core, const struct cpc_event *event);
u64 cpc_conditions_tick(struct cpc_core *core);

/* receive.c, emit.c */
int cpc_receive(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx);
int cpc_submit(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx);
int cpc_emit(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx);
/*
 * Does @member's newest element call for one of ours: does it lack an entry or a proposal of ours,
 * or does it know of entries that we lack, and have to say so?
 */
bool cpc_answer_wanted(struct cpc_core *core, unsigned int member);

/* pace.c */
u64 cpc_timeout_us(const struct cpc_core *core, const struct cpc_slot *slot);
u64 cpc_slot_deadline(const struct cpc_core *core, const struct cpc_slot *slot);
u64 cpc_message_us(const struct cpc_core *core);
u64 cpc_gather_us(const struct cpc_core *core);
u64 cpc_retry_us(const struct cpc_core *core);
bool cpc_active(const struct cpc_core *core, unsigned int member);
/* Who has not been heard for so long is not there, as far as one can tell. */
u64 cpc_silence_us(const struct cpc_core *core);
/* The same for a member that may come through others. */
u64 cpc_patience_us(const struct cpc_core *core, unsigned int member);
void cpc_pace_carrier(struct cpc_core *core);
void cpc_pace(struct cpc_core *core, struct cpc_effects *fx);

/* relay.c */
/* Members that we hear ourselves, by bit, we among them. */
u64 cpc_hears(const struct cpc_core *core);
bool cpc_hears_all(const struct cpc_core *core, u64 hears);
/* How many times a message is sent until all have it: 1 when all that are there hear all. */
u8 cpc_hops(const struct cpc_core *core);
/* Does some member that is there not hear us? */
bool cpc_hidden(const struct cpc_core *core);
/* @author's newest element has just come, from @served_by if not 0: shall we send it again? */
bool cpc_relay_wanted(const struct cpc_core *core, unsigned int author, u64 served_by);
/* Does one wait that is worth a frame of our own? */
bool cpc_relay_due(const struct cpc_core *core);
/* Do those go before our own payload in the next frame? Each has its turns. */
bool cpc_relay_first(const struct cpc_core *core);
/* Chooses what goes in front of our element, into fx->relay; returns the bytes that takes. */
size_t cpc_relay_pick(struct cpc_core *core, size_t room, struct cpc_effects *fx);
/*
 * How far an element whose state takes @state_len may fill a frame of @room: who is hidden from
 * somebody leaves the room for the state of the one that sends it again.
 */
size_t cpc_relay_share(const struct cpc_core *core, size_t room, size_t state_len);

/* dcc.c */
/* The channel was busy for so much of the last CPC_BUSY_WINDOW_US. */
void cpc_dcc_update(struct cpc_core *core, u16 busy_permille);
/* A frame of our own leaves, with so many bytes behind its Ethernet header. */
void cpc_dcc_sent(struct cpc_core *core, size_t bytes);
/* The least time between our frames: for what changed, or to say again what is open. */
u64 cpc_dcc_gap_us(const struct cpc_core *core, bool changed);

#endif
