// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * propose.c - cuts: what a leader proposes and what a member accepts.
 *
 * A cut for slot s builds on its parent, the last cut before s that is not void: decided, or
 * voted for by this member. As each cut names its parent, a parent stands for one frontier; the
 * value of a void slot would not, and members could count a cut from different frontiers.
 * Accepting a cut takes all entries it covers, chained from the parent's frontier, so that at
 * least one correct member can hand them on, and it takes their author's own word for them, so
 * that nobody's entries are invented by others. Where f+1 members have voted for a value, one of
 * them is correct and has checked that: then it is accepted unseen, or else a value locked by
 * some could look wrong to others for ever.
 */
#include <cpchain/core_parts.h>

struct cpc_known_cut *cpc_cut_find(struct cpc_slot *slot, const struct cpc_digest *digest)
{
	unsigned int i;

	for (i = 0; i < CPC_CUTS_KNOWN; i++)
		if (slot->cut[i].used && cpc_digest_equal(&slot->cut[i].digest, digest))
			return &slot->cut[i];
	return NULL;
}

static bool state_names(const struct cpc_state *s, const struct cpc_digest *digest)
{
	unsigned int p;

	if (cpc_voted(s, CPC_PHASE_1) && cpc_digest_equal(&s->first, digest))
		return true;
	if ((s->voted & ~1u) && cpc_digest_equal(&s->later, digest))
		return true;
	for (p = 0; p < CPC_PHASES; p++)
		if (s->high[p].set && cpc_digest_equal(&s->high[p].value, digest))
			return true;
	for (p = 0; p < 2; p++)
		if (s->second[p].set && cpc_digest_equal(&s->second[p].value, digest))
			return true;
	return false;
}

/*
 * How much a cut matters: 0 nobody's value, 1 somebody's, 2 this view's proposal, 3 our own. To a
 * laggard, for whose slots nobody shows a state any more, claims say the same.
 */
static unsigned int importance(struct cpc_core *core, const struct cpc_slot *slot,
			       const struct cpc_council *c, const struct cpc_digest *digest,
			       const struct cpc_cut *cut)
{
	const struct cpc_state *leader =
		c->state[cpc_leader(core, slot->number, slot->mine.view)];
	unsigned int i, claimed;

	if (state_names(&slot->mine, digest) ||
	    (slot->decided && cpc_digest_equal(&slot->value, digest)))
		return 3;
	if (leader && cpc_voted(leader, CPC_PHASE_1) && cpc_digest_equal(&leader->first, digest))
		return 2;
	claimed = cpc_cut_claimed(core, cut, digest);
	for (i = 0; i < c->n && !claimed; i++)
		claimed = c->state[i] && state_names(c->state[i], digest);
	return claimed;
}

struct cpc_known_cut *cpc_cut_remember(struct cpc_core *core, struct cpc_slot *slot,
				       const struct cpc_digest *digest, const struct cpc_cut *cut)
{
	struct cpc_known_cut *known = cpc_cut_find(slot, digest), *least = NULL;
	struct cpc_council council;
	unsigned int i, worth, least_worth;

	cpc_assert(cut->slot == slot->number);
	if (known)
		return known;
	cpc_council_of(core, slot, &council);
	least_worth = importance(core, slot, &council, digest, cut);
	if (!least_worth)
		return NULL;
	for (i = 0; i < CPC_CUTS_KNOWN; i++) {
		known = &slot->cut[i];
		worth = known->used ? importance(core, slot, &council, &known->digest,
							   &known->cut) : 0;
		if (worth < least_worth) {
			least_worth = worth;
			least = known;
		}
	}
	if (!least)
		return NULL;
	*least = (struct cpc_known_cut){ .used = true, .digest = *digest, .cut = *cut };
	return least;
}

u32 cpc_base_apply(struct cpc_core *core, const struct cpc_cut *cut)
{
	u32 end = core->end;
	unsigned int i;

	for (i = 0; i < cut->lanes; i++) {
		const struct cpc_cut_lane *lane = &cut->lane[i];

		/* What no correct member accepts counts for nothing, for all alike. */
		if (lane->seq <= core->base_seq[lane->lane] ||
		    lane->seq - core->base_seq[lane->lane] > CPC_LANE_WINDOW)
			continue;
		core->base_seq[lane->lane] = lane->seq;
		core->base_head[lane->lane] = lane->head;
		if (lane->accepted & CPC_ACCEPTED_CHANGE && !end)
			end = cut->slot + CPC_CHANGE_DELAY;
	}
	return end;
}

bool cpc_base_of(struct cpc_core *core, u32 number, struct cpc_digest *ret_parent)
{
	struct cpc_digest parent = core->parent;
	unsigned int i;
	u32 s;

	cpc_assert(number > core->decided);
	for (i = 0; i < core->config.n; i++) {
		core->base_seq[i] = core->member[i].lane.frontier;
		core->base_head[i] = core->member[i].lane.frontier_head;
	}
	for (s = core->decided + 1; s < number; s++) {
		struct cpc_slot *slot = cpc_live(core, s);
		const struct cpc_known_cut *known;
		const struct cpc_digest *value;

		if (slot->decided)
			value = &slot->value;
		else if (cpc_voted(&slot->mine, CPC_PHASE_1))
			value = &slot->mine.first;
		else
			return false;
		known = cpc_cut_find(slot, value);
		if (!known)
			return false;
		if (!cpc_digest_equal(&known->cut.parent, &parent))
			continue;	/* void: what follows builds on what was before it */
		cpc_base_apply(core, &known->cut);
		parent = *value;
	}
	*ret_parent = parent;
	return true;
}

/* Takes @entry into the cut if it may be covered now; false: the cut ends before it. */
static bool cover(const struct cpc_core *core, const struct cpc_member *m,
		  const struct cpc_held_entry *entry, unsigned int index, u16 *accepted)
{
	const struct cpc_condition *c = &m->condition;

	if (entry->kind == CPC_ENTRY_ORDINARY)
		return true;
	if (c->kind == CPC_ENTRY_ORDINARY || c->seq != entry->seq ||
	    !cpc_digest_equal(&c->head, &entry->hash))
		return false;
	if (cpc_condition_met(core, c)) {
		*accepted |= 1u << index;
		if (entry->kind == CPC_ENTRY_CHANGE)
			*accepted |= CPC_ACCEPTED_CHANGE;
		return true;
	}
	return cpc_condition_lost(core, c);
}

/* Do a quorum's elements say that they hold @lane up to @seq, from its author? */
static bool reported(const struct cpc_core *core, unsigned int lane, u32 seq)
{
	unsigned int i, members = 0;

	for (i = 0; i < core->config.n; i++)
		members += i == core->config.self || i == lane || core->member[i].have[lane] >= seq;
	return members >= cpc_quorum(core->config.n);
}

static bool advance_lane(struct cpc_core *core, unsigned int i, bool careful,
			 struct cpc_cut_lane *ret_lane)
{
	struct cpc_member *m = &core->member[i];
	const struct cpc_lane *lane = &m->lane;
	u32 base = core->base_seq[i], seq, vouched = cpc_lane_vouched(lane);

	if (lane->forked || cpc_count_bits(m->accusers) >= cpc_blocking(core->config.n))
		return false;
	if (!cpc_lane_holds(lane, base, &core->base_head[i]))
		return false;
	*ret_lane = (struct cpc_cut_lane){ .lane = (u8)i, .seq = base };
	for (seq = base + 1; seq <= vouched; seq++) {
		const struct cpc_held_entry *entry = cpc_lane_get(lane, seq);

		if (careful && !reported(core, i, seq))
			break;
		if (!cover(core, m, entry, seq - base - 1, &ret_lane->accepted))
			break;
		ret_lane->seq = seq;
		ret_lane->head = entry->hash;
	}
	return ret_lane->seq > base;
}

bool cpc_cut_build(struct cpc_core *core, u32 number, bool careful, struct cpc_cut *ret_cut)
{
	unsigned int i, start = number % core->config.n, n = core->config.n;
	struct cpc_cut *cut = ret_cut;

	memset(cut, 0, sizeof(*cut));
	cut->slot = number;
	if (!cpc_base_of(core, number, &cut->parent))
		return false;
	/* With more lanes than fit, every slot starts elsewhere; they are then put in order. */
	for (i = 0; i < n && cut->lanes < CPC_CUT_LANES_MAX; i++) {
		struct cpc_cut_lane lane;
		unsigned int at = cut->lanes;

		if (!advance_lane(core, (start + i) % n, careful, &lane))
			continue;
		for (; at && cut->lane[at - 1].lane > lane.lane; at--)
			cut->lane[at] = cut->lane[at - 1];
		cut->lane[at] = lane;
		cut->lanes++;
	}
	return true;
}

static bool lane_acceptable(struct cpc_core *core, const struct cpc_cut_lane *cut)
{
	const struct cpc_member *m = &core->member[cut->lane];
	u32 base = core->base_seq[cut->lane], seq;
	bool change = false;

	if (cut->seq <= base || cut->seq - base > CPC_LANE_WINDOW)
		return false;
	if (!cpc_lane_holds(&m->lane, base, &core->base_head[cut->lane]) ||
	    !cpc_lane_holds(&m->lane, cut->seq, &cut->head) ||
	    cut->seq > cpc_lane_vouched(&m->lane))
		return false;
	if ((cut->accepted & ~CPC_ACCEPTED_CHANGE) >> (cut->seq - base))
		return false;
	for (seq = base + 1; seq <= cut->seq; seq++) {
		const struct cpc_held_entry *entry = cpc_lane_get(&m->lane, seq);

		if (!(cut->accepted & 1u << (seq - base - 1)))
			continue;
		if (entry->kind == CPC_ENTRY_ORDINARY || m->condition.seq != seq ||
		    !cpc_digest_equal(&m->condition.head, &entry->hash) ||
		    !cpc_condition_met(core, &m->condition))
			return false;
		change |= entry->kind == CPC_ENTRY_CHANGE;
	}
	return change == !!(cut->accepted & CPC_ACCEPTED_CHANGE);
}

/* Members that show a phase-1 vote for @value in any view. */
static unsigned int vouchers(const struct cpc_council *c, const struct cpc_digest *value)
{
	unsigned int i, count = 0;

	for (i = 0; i < c->n; i++) {
		const struct cpc_state *s = c->state[i];

		if (!s)
			continue;
		count += (cpc_voted(s, CPC_PHASE_1) && cpc_digest_equal(&s->first, value)) ||
			 (s->high[0].set && cpc_digest_equal(&s->high[0].value, value)) ||
			 (s->second[0].set && cpc_digest_equal(&s->second[0].value, value));
	}
	return count;
}

bool cpc_cut_acceptable(struct cpc_core *core, struct cpc_slot *slot,
			const struct cpc_council *council, const struct cpc_digest *value)
{
	const struct cpc_known_cut *known = cpc_cut_find(slot, value);
	struct cpc_digest parent;
	unsigned int i;

	if (slot->decided)
		return cpc_digest_equal(&slot->value, value);
	if (vouchers(council, value) >= cpc_blocking(council->n))
		return true;
	if (!known)
		return false;
	/* An empty cut on nobody's value closes a slot whose predecessor is still open. */
	if (!cpc_base_of(core, slot->number, &parent))
		return known->cut.lanes == 0;
	if (!cpc_digest_equal(&parent, &known->cut.parent))
		return known->cut.lanes == 0;
	for (i = 0; i < known->cut.lanes; i++)
		if (!lane_acceptable(core, &known->cut.lane[i]))
			return false;
	return true;
}

static u64 next_random(struct cpc_core *core)
{
	/* xorshift64* (Marsaglia 2003; Vigna 2016); the seed is the caller's. */
	u64 x = core->random ? core->random : 0x9e3779b97f4a7c15ull;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	core->random = x;
	return x * 0x2545f4914f6cdd1dull;
}

/*
 * A forked lane, of which everyone may hold another branch without knowing, gets a cut refused with
 * all that else is in it. So every other time, on average, one lane goes alone.
 */
static void keep_one_lane(struct cpc_core *core, struct cpc_cut *cut)
{
	u64 random = next_random(core);

	if (cut->lanes < 2 || random >> 63)
		return;
	cut->lane[0] = cut->lane[random % cut->lanes];
	cut->lanes = 1;
}

/* Was there a proposal in an earlier view, so that it was refused rather than never made? */
static bool refused(const struct cpc_council *c)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (c->state[i] && c->state[i]->high[CPC_PHASE_1].set)
			return true;
	return false;
}

/*
 * A cut of our own. An author that speaks to the leader only gets the first view's proposal
 * refused by the others; the second view then covers only what a quorum reports to hold. Later
 * views are for getting the slot closed: from the third on it is empty. Views whose leaders never
 * proposed do not count: those leaders are dead, and the entries can still be decided in this slot.
 */
static bool propose_new(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c)
{
	bool careful = slot->mine.view > 0 && refused(c);
	struct cpc_digest digest;
	struct cpc_cut cut;

	if (slot->number <= core->decided)
		return false;
	if (!cpc_cut_build(core, slot->number, careful, &cut) && slot->mine.view == 0)
		return false;
	if (careful)
		keep_one_lane(core, &cut);
	if (careful && slot->mine.view >= 2)
		cut.lanes = 0;
	if (!cut.lanes && slot->mine.view == 0 && slot->number > core->end)
		return false;
	memset(&cut.lane[cut.lanes], 0, (CPC_CUT_LANES_MAX - cut.lanes) * sizeof(cut.lane[0]));
	cpc_cut_digest(core->config.hash, &core->config.members, &cut, &digest);
	if (!cpc_safe(c, CPC_RULE_VOTE, slot->mine.view, &digest))
		return false;
	cpc_state_vote(&slot->mine, CPC_PHASE_1, &digest);
	cpc_cut_remember(core, slot, &digest, &cut);
	return true;
}

/* The safe candidates: at most f+1 of them matter, and one of them is right. */
static bool propose_again(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c)
{
	struct cpc_digest value[CPC_VALUES_MAX];
	unsigned int i, pick, usable = 0, count;

	count = cpc_safe_values(c, slot->mine.view, value, CPC_VALUES_MAX);
	for (i = 0; i < count; i++)
		if (cpc_safe(c, CPC_RULE_VOTE, slot->mine.view, &value[i]) &&
		    cpc_cut_acceptable(core, slot, c, &value[i]))
			value[usable++] = value[i];
	if (!usable)
		return false;
	pick = (unsigned int)(next_random(core) % usable);
	cpc_state_vote(&slot->mine, CPC_PHASE_1, &value[pick]);
	return true;
}

bool cpc_propose(struct cpc_core *core, struct cpc_slot *slot, const struct cpc_council *c)
{
	cpc_assert(!cpc_voted(&slot->mine, CPC_PHASE_1));
	if (slot->mine.view == 0)
		return propose_new(core, slot, c);
	if (!slot->gathered_us)
		return false;
	if (cpc_in_view(c, slot->mine.view) < c->n &&
	    core->now_us < slot->gathered_us + cpc_gather_us(core))
		return false;
	if (cpc_all_safe(c, CPC_RULE_PROPOSE, slot->mine.view) && propose_new(core, slot, c))
		return true;
	return propose_again(core, slot, c);
}
