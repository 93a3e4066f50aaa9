// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * slot.c - one member's votes and views in the live slots.
 *
 *   wanted --> leader's vote 1 is the proposal --> votes 1..4 --> decided --> finish.c
 *     |                                              ^
 *     '-- time out --> next view: freeze, gather a quorum, propose what is safe
 *
 * Invariants: a vote is cast once; a member leaves a view above 0 by itself only after a quorum has
 * reached it, so that a cut-off member does not run away; a slot decided here keeps voting until a
 * quorum has decided it (settled).
 */
#include <cpchain/core_parts.h>

void cpc_slot_reset(struct cpc_slot *slot, u32 number)
{
	memset(slot, 0, sizeof(*slot));
	slot->number = number;
}

void cpc_council_of(const struct cpc_core *core, const struct cpc_slot *slot,
		    struct cpc_council *ret_council)
{
	unsigned int i, at = slot->number % CPC_OPEN_MAX;

	ret_council->n = core->config.n;
	for (i = 0; i < core->config.n; i++) {
		const struct cpc_member *m = &core->member[i];

		if (i == core->config.self)
			ret_council->state[i] = &slot->mine;
		else
			ret_council->state[i] =
				m->state_slot[at] == slot->number ? &m->state[at] : NULL;
	}
}

void cpc_slot_enter(struct cpc_core *core, struct cpc_slot *slot, u8 view, struct cpc_effects *fx)
{
	cpc_assert(view > slot->mine.view && view <= CPC_VIEW_MAX);
	cpc_state_enter(&slot->mine, view);
	slot->wanted = true;
	slot->gathered_us = 0;
	slot->started_us = 0;
	core->dirty = true;
	fx->persist = true;
	fx->view_changes++;
	fx->view_slot = slot->number;
	fx->view = view;
}

static void cast(struct cpc_core *core, struct cpc_slot *slot, enum cpc_phase phase,
		 const struct cpc_digest *value, struct cpc_effects *fx)
{
	cpc_state_vote(&slot->mine, phase, value);
	core->dirty = true;
	fx->persist = true;
}

/* Does anybody show anything in this slot, or is there something to put into it? */
static bool has_work(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c)
{
	struct cpc_cut cut;
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (c->state[i] && (c->state[i]->view || c->state[i]->voted))
			return true;
	if (slot->number <= core->end && slot->number > core->decided)
		return true;	/* the epoch's last slots are decided, with or without data */
	return slot->number > core->decided &&
	       cpc_cut_build(core, slot->number, false, &cut) && cut.lanes;
}

static void run_timer(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c,
		      struct cpc_effects *fx)
{
	bool gathered = cpc_in_view(c, slot->mine.view) >= cpc_quorum(c->n);

	if (!slot->wanted && !slot->decided)
		slot->wanted = has_work(core, slot, c);
	if (gathered && slot->mine.view && !slot->gathered_us)
		slot->gathered_us = core->now_us;
	if (slot->decided || !slot->wanted) {
		slot->started_us = 0;
		return;
	}
	if (!slot->started_us) {
		if (!slot->mine.view || gathered)
			slot->started_us = core->now_us;
		return;
	}
	if (core->now_us >= cpc_slot_deadline(core, slot) && slot->mine.view < CPC_VIEW_MAX)
		cpc_slot_enter(core, slot, slot->mine.view + 1, fx);
}

static bool vote_first(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c,
		       struct cpc_effects *fx)
{
	unsigned int leader = cpc_leader(core, slot->number, slot->mine.view);
	const struct cpc_state *proposal = c->state[leader];

	if (cpc_voted(&slot->mine, CPC_PHASE_1))
		return false;
	if (leader == core->config.self) {
		if (!cpc_propose(core, slot, c))
			return false;
		core->dirty = true;
		core->prompt = true;
		fx->persist = true;
		return true;
	}
	if (!proposal || proposal->view != slot->mine.view || !cpc_voted(proposal, CPC_PHASE_1))
		return false;
	if (!cpc_safe(c, CPC_RULE_VOTE, slot->mine.view, &proposal->first) ||
	    !cpc_cut_acceptable(core, slot, c, &proposal->first))
		return false;
	cast(core, slot, CPC_PHASE_1, &proposal->first, fx);
	return true;
}

static bool vote_later(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c,
		       struct cpc_effects *fx)
{
	bool fast = slot->mine.view == 0 && !core->config.slow_first_view, voted = false;
	struct cpc_digest value;
	unsigned int phase;

	for (phase = CPC_PHASE_2; phase <= CPC_PHASE_4; phase++) {
		enum cpc_phase before = fast ? CPC_PHASE_1 : phase - 1;

		if (cpc_voted(&slot->mine, phase) ||
		    !cpc_quorum_value(c, before, slot->mine.view, &value))
			continue;
		/* Two values with a quorum each: more than f members lie. Do not join them. */
		if ((slot->mine.voted & ~1u) && !cpc_digest_equal(&slot->mine.later, &value))
			continue;
		cast(core, slot, phase, &value, fx);
		voted = true;
	}
	return voted;
}

bool cpc_slot_advance(struct cpc_core *core, struct cpc_slot *slot, struct cpc_effects *fx)
{
	struct cpc_council council;
	bool changed = false;
	u8 pulled, view;

	cpc_assert(slot->number > core->settled);
	/* Jumped over: what was decided is not known here, so there is nothing to judge by. */
	if (slot->number <= core->decided && !slot->decided)
		return false;
	/* Of the next epoch, which other members decide. */
	if (core->end && slot->number > core->end)
		return false;
	cpc_council_of(core, slot, &council);
	pulled = cpc_view_reached(&council, cpc_blocking(council.n));
	if (pulled > slot->mine.view) {
		cpc_slot_enter(core, slot, pulled, fx);
		changed = true;
	}
	view = slot->mine.view;
	run_timer(core, slot, &council, fx);
	changed |= slot->mine.view != view;
	changed |= vote_first(core, slot, &council, fx);
	changed |= vote_later(core, slot, &council, fx);
	if (!slot->decided && cpc_decided_value(&council, &slot->value, &view)) {
		slot->decided = true;
		slot->started_us = 0;
		changed = true;
	}
	return changed;
}

void cpc_progress(struct cpc_core *core, struct cpc_effects *fx)
{
	unsigned int round, rounds = 4 * CPC_OPEN_MAX;
	bool changed = true;
	u32 s;

	/* Every round that changes something casts a vote, enters a view, decides or settles. */
	for (round = 0; round < rounds && changed; round++) {
		changed = false;
		for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++)
			changed |= cpc_slot_advance(core, cpc_live(core, s), fx);
		changed |= cpc_finish(core, fx);
		changed |= cpc_settle(core);
	}
}
