// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * tetra.c - the voting rules of one slot (see cpchain/tetra.h).
 *
 * Judging by states rather than by messages: a member's state shows its votes of the present view,
 * and, frozen when it entered that view, its highest earlier ones. So from a member in view r or
 * later one can read its highest vote before r, except when its frozen vote is itself at r or
 * later: then what it did before r is unknown, and it is no witness for view r.
 */
#include <cpchain/tetra.h>

void cpc_state_vote(struct cpc_state *s, enum cpc_phase phase, const struct cpc_digest *value)
{
	cpc_assert(!cpc_voted(s, phase));
	if (phase == CPC_PHASE_1) {
		s->first = *value;
	} else {
		cpc_assert(!(s->voted & ~1u) || cpc_digest_equal(&s->later, value));
		s->later = *value;
	}
	s->voted |= 1u << phase;
}

void cpc_state_enter(struct cpc_state *s, u8 view)
{
	unsigned int p;

	cpc_assert(view > s->view);
	for (p = 0; p < CPC_PHASES; p++) {
		struct cpc_vote *high = &s->high[p];
		const struct cpc_digest *value;

		if (!cpc_voted(s, p))
			continue;
		value = cpc_vote_value(s, p);
		if (p < 2 && high->set && !cpc_digest_equal(&high->value, value))
			s->second[p] = *high;
		*high = (struct cpc_vote){ .set = true, .view = s->view, .value = *value };
	}
	s->view = view;
	s->voted = 0;
	memset(&s->first, 0, sizeof(s->first));
	memset(&s->later, 0, sizeof(s->later));
}

bool cpc_state_sane(const struct cpc_state *s)
{
	unsigned int p;

	if (s->view > CPC_VIEW_MAX || s->voted >= 1u << CPC_PHASES)
		return false;
	for (p = 0; p < CPC_PHASES; p++)
		if (s->high[p].set && s->high[p].view >= s->view)
			return false;
	for (p = 0; p < 2; p++) {
		const struct cpc_vote *high = &s->high[p], *second = &s->second[p];

		if (!second->set)
			continue;
		if (!high->set || second->view >= high->view ||
		    cpc_digest_equal(&high->value, &second->value))
			return false;
	}
	return true;
}

static bool shows_vote(const struct cpc_state *s, enum cpc_phase phase, u8 view,
		       const struct cpc_digest *value)
{
	const struct cpc_vote *high = &s->high[phase];

	if (s->view == view)
		return cpc_voted(s, phase) && cpc_digest_equal(cpc_vote_value(s, phase), value);
	if (high->set && high->view == view)
		return cpc_digest_equal(&high->value, value);
	if (phase > CPC_PHASE_2)
		return false;
	return s->second[phase].set && s->second[phase].view == view &&
	       cpc_digest_equal(&s->second[phase].value, value);
}

u64 cpc_voters(const struct cpc_council *c, enum cpc_phase phase, u8 view,
	       const struct cpc_digest *value)
{
	unsigned int i;
	u64 voters = 0;

	cpc_assert(c->n <= CPC_MEMBERS_MAX);
	for (i = 0; i < c->n; i++)
		if (c->state[i] && shows_vote(c->state[i], phase, view, value))
			voters |= (u64)1 << i;
	return voters;
}

unsigned int cpc_votes_for(const struct cpc_council *c, enum cpc_phase phase, u8 view,
			   const struct cpc_digest *value)
{
	return cpc_count_bits(cpc_voters(c, phase, view, value));
}

bool cpc_quorum_value(const struct cpc_council *c, enum cpc_phase phase, u8 view,
		      struct cpc_digest *ret_value)
{
	unsigned int i, quorum = cpc_quorum(c->n);

	cpc_assert(quorum > c->n / 2);
	for (i = 0; i + quorum <= c->n; i++) {
		const struct cpc_state *s = c->state[i];
		const struct cpc_digest *value = NULL;

		if (!s)
			continue;
		if (s->view == view && cpc_voted(s, phase))
			value = cpc_vote_value(s, phase);
		else if (s->high[phase].set && s->high[phase].view == view)
			value = &s->high[phase].value;
		else if (phase <= CPC_PHASE_2 && s->second[phase].set &&
			 s->second[phase].view == view)
			value = &s->second[phase].value;
		if (value && cpc_votes_for(c, phase, view, value) >= quorum) {
			*ret_value = *value;
			return true;
		}
	}
	return false;
}

bool cpc_decided_value(const struct cpc_council *c, struct cpc_digest *ret_value, u8 *ret_view)
{
	unsigned int i;

	cpc_assert(c->n <= CPC_MEMBERS_MAX);
	for (i = 0; i < c->n; i++) {
		const struct cpc_state *s = c->state[i];

		if (!s)
			continue;
		if (cpc_voted(s, CPC_PHASE_4) &&
		    cpc_quorum_value(c, CPC_PHASE_4, s->view, ret_value)) {
			*ret_view = s->view;
			return true;
		}
		if (s->high[CPC_PHASE_4].set &&
		    cpc_quorum_value(c, CPC_PHASE_4, s->high[CPC_PHASE_4].view, ret_value)) {
			*ret_view = s->high[CPC_PHASE_4].view;
			return true;
		}
	}
	return false;
}

/* The phases that a rule reads: `a` for what may have been decided, `b` for claims. */
static enum cpc_phase rule_a(enum cpc_rule rule)
{
	return rule == CPC_RULE_VOTE ? CPC_PHASE_4 : CPC_PHASE_3;
}

static enum cpc_phase rule_b(enum cpc_rule rule)
{
	return rule == CPC_RULE_VOTE ? CPC_PHASE_1 : CPC_PHASE_2;
}

/* Can one read from @s its highest vote of @phase before @view? */
static bool witness(const struct cpc_state *s, enum cpc_phase phase, u8 view)
{
	return s && s->view >= view && !(s->high[phase].set && s->high[phase].view >= view);
}

bool cpc_all_safe(const struct cpc_council *c, enum cpc_rule rule, u8 view)
{
	enum cpc_phase a = rule_a(rule);
	unsigned int i, witnesses = 0;

	cpc_assert(c->n <= CPC_MEMBERS_MAX);
	if (view == 0)
		return true;
	for (i = 0; i < c->n; i++)
		witnesses += witness(c->state[i], a, view) && !c->state[i]->high[a].set;
	return witnesses >= cpc_quorum(c->n);
}

/* "A member claims @value safe at @at by its phase @b votes." */
static bool claims_safe(const struct cpc_state *s, enum cpc_phase b, u8 at,
			const struct cpc_digest *value)
{
	const struct cpc_vote *high = &s->high[b];

	if (at == 0)
		return true;
	if (high->set && high->view >= at && cpc_digest_equal(&high->value, value))
		return true;
	return s->second[b].set && s->second[b].view >= at;
}

/* The rule's second case for one earlier view @at. */
static bool safe_since(const struct cpc_council *c, enum cpc_rule rule, u8 view, u8 at,
		       const struct cpc_digest *value)
{
	enum cpc_phase a = rule_a(rule), b = rule_b(rule);
	unsigned int i, witnesses = 0, claims = 0;

	for (i = 0; i < c->n; i++) {
		const struct cpc_state *s = c->state[i];
		const struct cpc_vote *high;

		if (!s || s->view < view)
			continue;
		claims += claims_safe(s, b, at, value);
		if (!witness(s, a, view))
			continue;
		high = &s->high[a];
		witnesses += !high->set || high->view < at ||
			     (high->view == at && cpc_digest_equal(&high->value, value));
	}
	return witnesses >= cpc_quorum(c->n) && claims >= cpc_blocking(c->n);
}

bool cpc_safe(const struct cpc_council *c, enum cpc_rule rule, u8 view,
	      const struct cpc_digest *value)
{
	enum cpc_phase a = rule_a(rule);
	unsigned int i;

	cpc_assert(c->n <= CPC_MEMBERS_MAX);
	if (cpc_all_safe(c, rule, view) || safe_since(c, rule, view, 0, value))
		return true;
	/*
	 * The quorum's condition changes only at a view somebody voted in and at the one after it,
	 * and claims get harder with the view: no other view needs a look.
	 */
	for (i = 0; i < c->n; i++) {
		const struct cpc_vote *high;

		if (!c->state[i] || !c->state[i]->high[a].set)
			continue;
		high = &c->state[i]->high[a];
		if (high->view < view && safe_since(c, rule, view, high->view, value))
			return true;
		if (high->view + 1 < view && safe_since(c, rule, view, high->view + 1, value))
			return true;
	}
	return false;
}

static unsigned int add_value(const struct cpc_council *c, u8 view, const struct cpc_vote *vote,
			      struct cpc_digest *values, unsigned int used, unsigned int max)
{
	unsigned int i;

	if (!vote->set || used == max)
		return used;
	for (i = 0; i < used; i++)
		if (cpc_digest_equal(&values[i], &vote->value))
			return used;
	if (!cpc_safe(c, CPC_RULE_PROPOSE, view, &vote->value))
		return used;
	values[used] = vote->value;
	return used + 1;
}

unsigned int cpc_safe_values(const struct cpc_council *c, u8 view, struct cpc_digest *ret_values,
			     unsigned int max)
{
	unsigned int i, p, used = 0;

	cpc_assert(view > 0);
	for (i = 0; i < c->n; i++) {
		const struct cpc_state *s = c->state[i];

		if (!s || s->view < view)
			continue;
		for (p = CPC_PHASES; p-- > 0;)
			used = add_value(c, view, &s->high[p], ret_values, used, max);
		for (p = 0; p < 2; p++)
			used = add_value(c, view, &s->second[p], ret_values, used, max);
	}
	return used;
}

unsigned int cpc_in_view(const struct cpc_council *c, u8 view)
{
	unsigned int i, members = 0;

	cpc_assert(c->n <= CPC_MEMBERS_MAX);
	for (i = 0; i < c->n; i++)
		members += c->state[i] && c->state[i]->view >= view;
	return members;
}

u8 cpc_view_reached(const struct cpc_council *c, unsigned int count)
{
	unsigned int i;
	u8 best = 0;

	cpc_assert(count > 0);
	for (i = 0; i < c->n; i++)
		if (c->state[i] && c->state[i]->view > best &&
		    cpc_in_view(c, c->state[i]->view) >= count)
			best = c->state[i]->view;
	return best;
}
