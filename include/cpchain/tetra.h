/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * tetra.h - the voting rules of one slot (TetraBFT: Yu, Losa, Wang, PODC 2024, arXiv 2405.02615).
 *
 * A member's whole word on a slot is a struct cpc_state; the rules are functions over the newest
 * state of every member. They know nothing of cuts, lanes, time or the wire.
 *
 *   view r:  leader's vote 1 = proposal --> vote 1 --> vote 2 --> vote 3 --> vote 4 --> decide
 *                                           quorum     quorum     quorum     quorum
 *   view 0, fast: a quorum of vote 1 lets a member cast 2, 3 and 4 at once.
 *
 * Invariants: one vote per phase and view; votes of phases 2..4 in a view are for one value; the
 * frozen part changes only on entering a view and shows only earlier views.
 */
#ifndef CPCHAIN_TETRA_H
#define CPCHAIN_TETRA_H

#include <cpchain/types.h>

enum cpc_phase { CPC_PHASE_1, CPC_PHASE_2, CPC_PHASE_3, CPC_PHASE_4, CPC_PHASES };

/* A vote of an earlier view. */
struct cpc_vote {
	bool set;
	u8 view;
	struct cpc_digest value;
};

/* One member's state in one slot; all zero is "view 0, nothing voted". */
struct cpc_state {
	u8 view;
	u8 voted;			/* bit p: voted in phase p of this view */
	struct cpc_digest first;	/* value of phase 1, zero if not voted */
	struct cpc_digest later;	/* value of phases 2..4, zero if none voted */
	/* Frozen when the view was entered. */
	struct cpc_vote high[CPC_PHASES];	/* highest earlier vote */
	struct cpc_vote second[2];		/* the same for another value, phases 1, 2 */
};

/* The newest state of every member in one slot; who was never heard is silent in view 0. */
struct cpc_council {
	unsigned int n;
	const struct cpc_state *state[CPC_MEMBERS_MAX];	/* NULL: not heard */
};

static inline bool cpc_voted(const struct cpc_state *s, enum cpc_phase phase)
{
	return s->voted & 1u << phase;
}

/* The value of a vote cast in the present view; only if cpc_voted(). */
static inline const struct cpc_digest *cpc_vote_value(const struct cpc_state *s,
						      enum cpc_phase phase)
{
	return phase == CPC_PHASE_1 ? &s->first : &s->later;
}

/* Casts a vote in the present view. The caller has checked that the rules allow it. */
void cpc_state_vote(struct cpc_state *s, enum cpc_phase phase, const struct cpc_digest *value);

/* Enters a later view: what was voted in the present one joins the frozen part. */
void cpc_state_enter(struct cpc_state *s, u8 view);

/* Could a correct member have this state? (Bounds and the invariants above.) */
bool cpc_state_sane(const struct cpc_state *s);

/* The members, by bit, that show a vote of @phase in @view for @value. */
u64 cpc_voters(const struct cpc_council *c, enum cpc_phase phase, u8 view,
	       const struct cpc_digest *value);

/* How many members show a vote of @phase in @view for @value. */
unsigned int cpc_votes_for(const struct cpc_council *c, enum cpc_phase phase, u8 view,
			   const struct cpc_digest *value);

/* The value that a quorum voted for in @phase of @view; false if there is none. */
bool cpc_quorum_value(const struct cpc_council *c, enum cpc_phase phase, u8 view,
		      struct cpc_digest *ret_value);

/* The value decided by any view that the states still show; false if none. */
bool cpc_decided_value(const struct cpc_council *c, struct cpc_digest *ret_value, u8 *ret_view);

enum cpc_rule {
	CPC_RULE_VOTE,		/* phases 4 and 1: may a member vote 1? */
	CPC_RULE_PROPOSE,	/* phases 3 and 2: may the leader propose? */
};

/* Is @value safe in @view by @rule? */
bool cpc_safe(const struct cpc_council *c, enum cpc_rule rule, u8 view,
	      const struct cpc_digest *value);

/* Is every value safe in @view by @rule: view 0, or a quorum without phase-4 (phase-3) votes? */
bool cpc_all_safe(const struct cpc_council *c, enum cpc_rule rule, u8 view);

/*
 * The values of earlier views that the leader of @view may propose; at most @max of them into
 * @ret_values. Returns how many. Meaningful when !cpc_all_safe().
 */
unsigned int cpc_safe_values(const struct cpc_council *c, u8 view, struct cpc_digest *ret_values,
			     unsigned int max);

/* Members in view @view or later. */
unsigned int cpc_in_view(const struct cpc_council *c, u8 view);

/* The highest view that @count members have reached; 0 if there is none above. */
u8 cpc_view_reached(const struct cpc_council *c, unsigned int count);

#endif
