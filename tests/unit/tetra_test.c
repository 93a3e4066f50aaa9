// SPDX-License-Identifier: BSD-3-Clause
/*
 * tetra_test.c - do the voting rules say what the paper says?
 *
 * The rules of kmod/core/tetra.c are counted and shortened; the references below are the
 * definitions word for word, over every quorum and every blocking set, and over whole histories of
 * votes where the core sees only what a state still shows. The last tests run the rules as a
 * protocol, with members that claim anything to anybody, and look for two decisions and for a dead
 * end.
 */
#include "core_testing.h"

#include <cpchain/tetra.h>

enum { VALUES = 3, VIEWS = 5, MEMBERS = 7 };

/* Everything a member ever voted: the value's number + 1, or 0. */
struct history {
	u8 view;
	u8 vote[CPC_PHASES][VIEWS];
};

struct world {
	unsigned int n;
	struct cpc_state state[MEMBERS];
	struct history history[MEMBERS];
	struct cpc_council council;
};

static void world_init(struct world *w, unsigned int n)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->n = w->council.n = n;
	for (i = 0; i < n; i++)
		w->council.state[i] = &w->state[i];
}

static void vote(struct world *w, unsigned int i, enum cpc_phase p, unsigned int value)
{
	struct cpc_digest digest = test_value(value);

	cpc_state_vote(&w->state[i], p, &digest);
	w->history[i].vote[p][w->state[i].view] = (u8)(value + 1);
}

static void enter(struct world *w, unsigned int i, u8 view)
{
	cpc_state_enter(&w->state[i], view);
	w->history[i].view = view;
}

/* A member that votes as it likes, but once per phase and view, phases 2..4 for one value. */
static void random_member(struct world *w, unsigned int i, u64 *seed)
{
	u8 last = (u8)random_below(seed, VIEWS), view = 0;
	unsigned int p;

	for (;;) {
		unsigned int later = random_below(seed, VALUES);

		if (random_below(seed, 2))
			vote(w, i, CPC_PHASE_1, random_below(seed, VALUES));
		for (p = CPC_PHASE_2; p < CPC_PHASES; p++)
			if (random_below(seed, 3) == 0)
				vote(w, i, p, later);
		if (view >= last)
			return;
		view = (u8)(view + 1 + random_below(seed, (unsigned int)(last - view)));
		enter(w, i, view);
	}
}

static void random_world(struct world *w, unsigned int n, u64 *seed)
{
	unsigned int i;

	world_init(w, n);
	for (i = 0; i < n; i++) {
		random_member(w, i, seed);
		if (random_below(seed, 12) == 0)
			w->council.state[i] = NULL;
	}
}

/* ---- the definitions, word for word ---------------------------------------------------------- */

static bool is_quorum(const struct world *w, unsigned int set)
{
	return cpc_count_bits(set) >= w->n - (w->n - 1) / 3;
}

static bool is_blocking(const struct world *w, unsigned int set)
{
	return cpc_count_bits(set) >= (w->n - 1) / 3 + 1;
}

/* "Its highest phase-p vote before r": by history. */
static int highest_before(const struct history *h, unsigned int p, u8 r, unsigned int *ret_value)
{
	int view;

	for (view = r - 1; view >= 0; view--)
		if (h->vote[p][view]) {
			*ret_value = h->vote[p][view] - 1u;
			return view;
		}
	return -1;
}

/* "Its highest phase-p vote for a different value than that highest one." */
static int second_before(const struct history *h, unsigned int p, u8 r)
{
	unsigned int high = 0;
	int view = highest_before(h, p, r, &high);

	for (; view >= 0; view--)
		if (h->vote[p][view] && h->vote[p][view] - 1u != high)
			return view;
	return -1;
}

static bool history_claims(const struct history *h, unsigned int p, u8 r, int at,
			   unsigned int value)
{
	unsigned int high_value = 0;
	int high = highest_before(h, p, r, &high_value);

	return at == 0 || (high >= at && high_value == value) || second_before(h, p, r) >= at;
}

static bool history_shows(const struct world *w, unsigned int q, unsigned int value, u8 r,
			  unsigned int a, unsigned int b)
{
	unsigned int i, set, high_value = 0;
	bool silent = true;
	int at;

	for (i = 0; i < w->n; i++)
		if (q & 1u << i) {
			if (!w->council.state[i] || w->history[i].view < r)
				return false;
			silent &= highest_before(&w->history[i], a, r, &high_value) < 0;
		}
	if (silent)
		return true;
	for (at = 0; at < r; at++) {
		bool agrees = true;

		for (i = 0; i < w->n; i++)
			if (q & 1u << i) {
				int high = highest_before(&w->history[i], a, r, &high_value);

				agrees &= high < at || (high == at && high_value == value);
			}
		for (set = 0; agrees && set < 1u << w->n; set++) {
			bool claimed = is_blocking(w, set);

			for (i = 0; claimed && i < w->n; i++)
				if (set & 1u << i)
					claimed = w->council.state[i] && w->history[i].view >= r &&
						  history_claims(&w->history[i], b, r, at, value);
			if (claimed)
				return true;
		}
	}
	return false;
}

static bool history_safe(const struct world *w, enum cpc_rule rule, u8 r, unsigned int value)
{
	unsigned int a = rule == CPC_RULE_VOTE ? CPC_PHASE_4 : CPC_PHASE_3;
	unsigned int b = rule == CPC_RULE_VOTE ? CPC_PHASE_1 : CPC_PHASE_2;
	unsigned int q;

	if (r == 0)
		return true;
	for (q = 0; q < 1u << w->n; q++)
		if (is_quorum(w, q) && history_shows(w, q, value, r, a, b))
			return true;
	return false;
}

/* The same over states instead of histories; what a state does not show is no argument. */
static bool state_shows(const struct world *w, unsigned int q, unsigned int value, u8 r,
			unsigned int a, unsigned int b)
{
	struct cpc_digest v = test_value(value);
	unsigned int i, claims;
	bool silent = true;
	int at;

	for (i = 0; i < w->n; i++)
		if (q & 1u << i) {
			const struct cpc_state *s = w->council.state[i];

			if (!s || s->view < r || (s->high[a].set && s->high[a].view >= r))
				return false;
			silent &= !s->high[a].set;
		}
	if (silent)
		return true;
	for (at = 0; at < r; at++) {
		bool agrees = true;

		for (claims = i = 0; i < w->n; i++) {
			const struct cpc_state *s = w->council.state[i];

			if (q & 1u << i && s->high[a].set)
				agrees &= s->high[a].view < at ||
					  (s->high[a].view == at &&
					   cpc_digest_equal(&s->high[a].value, &v));
			if (!s || s->view < r)
				continue;
			claims += at == 0 ||
				  (s->high[b].set && s->high[b].view >= at &&
				   cpc_digest_equal(&s->high[b].value, &v)) ||
				  (s->second[b].set && s->second[b].view >= at);
		}
		if (agrees && claims >= (w->n - 1) / 3 + 1)
			return true;
	}
	return false;
}

static bool state_safe(const struct world *w, enum cpc_rule rule, u8 r, unsigned int value)
{
	unsigned int a = rule == CPC_RULE_VOTE ? CPC_PHASE_4 : CPC_PHASE_3;
	unsigned int b = rule == CPC_RULE_VOTE ? CPC_PHASE_1 : CPC_PHASE_2;
	unsigned int q;

	if (r == 0)
		return true;
	for (q = 0; q < 1u << w->n; q++)
		if (is_quorum(w, q) && state_shows(w, q, value, r, a, b))
			return true;
	return false;
}

/* ---- states ---------------------------------------------------------------------------------- */

START_TEST(state_enter__freezes_highest_and_second_of_the_history)
{
	u64 seed = 1;
	unsigned int round, i, p;

	for (round = 0; round < 20000; round++) {
		struct world w;

		world_init(&w, 4);
		for (i = 0; i < 4; i++) {
			const struct cpc_state *s = &w.state[i];
			const struct history *h = &w.history[i];

			random_member(&w, i, &seed);
			ck_assert(cpc_state_sane(s));
			for (p = 0; p < CPC_PHASES; p++) {
				unsigned int value = 0;
				int high = highest_before(h, p, h->view, &value);
				struct cpc_digest digest = test_value(value);

				ck_assert_int_eq(high, s->high[p].set ? s->high[p].view : -1);
				ck_assert(high < 0 || cpc_digest_equal(&digest, &s->high[p].value));
				ck_assert(cpc_voted(s, p) == !!h->vote[p][h->view]);
				if (p < 2)
					ck_assert_int_eq(second_before(h, p, h->view),
							 s->second[p].set ? s->second[p].view : -1);
			}
		}
	}
}
END_TEST

START_TEST(state_enter__a_present_vote_leaves_the_frozen_part_alone)
{
	struct cpc_state s = { 0 }, before;
	struct cpc_digest a = test_value(1), b = test_value(2);
	unsigned int p;

	for (p = 0; p < CPC_PHASES; p++)
		cpc_state_vote(&s, p, &a);
	cpc_state_enter(&s, 3);
	before = s;
	for (p = 0; p < CPC_PHASES; p++)
		cpc_state_vote(&s, p, &b);
	ck_assert_mem_eq(s.high, before.high, sizeof(s.high));
	ck_assert_mem_eq(s.second, before.second, sizeof(s.second));
	cpc_state_enter(&s, 4);
	ck_assert(s.second[0].set && s.second[0].view == 0);
	ck_assert(cpc_digest_equal(&s.second[0].value, &a));
	ck_assert(cpc_digest_equal(&s.high[3].value, &b) && s.high[3].view == 3);
}
END_TEST

START_TEST(state_sane__refuses_what_no_correct_member_can_be_in)
{
	struct cpc_digest a = test_value(1), b = test_value(2);
	struct cpc_state good = { .view = 2 }, s;

	good.high[0] = (struct cpc_vote){ true, 1, a };
	good.second[0] = (struct cpc_vote){ true, 0, b };
	ck_assert(cpc_state_sane(&good));
	s = good;
	s.high[0].view = 2;
	ck_assert(!cpc_state_sane(&s));
	s = good;
	s.second[0].value = a;
	ck_assert(!cpc_state_sane(&s));
	s = good;
	s.second[0].view = 1;
	ck_assert(!cpc_state_sane(&s));
	s = good;
	s.high[0].set = false;
	ck_assert(!cpc_state_sane(&s));
	s = good;
	s.voted = 16;
	ck_assert(!cpc_state_sane(&s));
	s = good;
	s.view = CPC_VIEW_MAX + 1;
	ck_assert(!cpc_state_sane(&s));
}
END_TEST

/* ---- counting -------------------------------------------------------------------------------- */

/* Does the state still show that vote? Phases 3 and 4 show the highest, 1 and 2 one more. */
static bool shown(const struct world *w, unsigned int i, unsigned int p, u8 view,
		  unsigned int value)
{
	const struct history *h = &w->history[i];
	unsigned int high_value = 0;
	int high = highest_before(h, p, h->view, &high_value);

	if (!w->council.state[i] || h->vote[p][view] != value + 1)
		return false;
	return view == h->view || view == high || (p < 2 && view == second_before(h, p, h->view));
}

START_TEST(votes__counted_as_the_histories_show_them)
{
	u64 seed = 2;
	unsigned int round, i, p, value;
	u8 view;

	for (round = 0; round < 4000; round++) {
		struct world w;

		random_world(&w, round % 2 ? 4 : 7, &seed);
		for (p = 0; p < CPC_PHASES; p++)
			for (view = 0; view < VIEWS; view++) {
				struct cpc_digest got, digest;
				int quorum_value = -1;

				for (value = 0; value < VALUES; value++) {
					unsigned int voters = 0;

					digest = test_value(value);
					for (i = 0; i < w.n; i++)
						voters |= (unsigned int)shown(&w, i, p, view, value)
							  << i;
					ck_assert_uint_eq(cpc_voters(&w.council, p, view, &digest),
							  voters);
					ck_assert_uint_eq(
						cpc_votes_for(&w.council, p, view, &digest),
						cpc_count_bits(voters));
					if (is_quorum(&w, voters))
						quorum_value = (int)value;
				}
				ck_assert_int_eq(cpc_quorum_value(&w.council, p, view, &got),
						 quorum_value >= 0);
				digest = test_value((unsigned int)quorum_value);
				ck_assert(quorum_value < 0 || cpc_digest_equal(&got, &digest));
			}
	}
}
END_TEST

START_TEST(decided_value__a_quorum_of_vote_4_in_any_one_view)
{
	u64 seed = 3;
	unsigned int round, i, found = 0;
	u8 view;

	for (round = 0; round < 20000; round++) {
		struct world w;
		struct cpc_digest got, digest;
		u8 got_view = 0xff;
		bool expected = false, matches = false, decided;
		unsigned int value;

		world_init(&w, round % 2 ? 4 : 7);
		for (i = 0; i < w.n; i++) {
			random_member(&w, i, &seed);
			if (!cpc_voted(&w.state[i], CPC_PHASE_4) &&
			    !(w.state[i].voted & ~1u) && random_below(&seed, 3))
				vote(&w, i, CPC_PHASE_4, w.history[i].view % 2);
		}
		decided = cpc_decided_value(&w.council, &got, &got_view);
		for (view = 0; view < VIEWS; view++)
			for (value = 0; value < VALUES; value++) {
				unsigned int voters = 0;

				for (i = 0; i < w.n; i++)
					voters |=
						(unsigned int)shown(&w, i, CPC_PHASE_4, view, value)
						<< i;
				digest = test_value(value);
				expected |= is_quorum(&w, voters);
				matches |= decided && is_quorum(&w, voters) && got_view == view &&
					   cpc_digest_equal(&got, &digest);
			}
		ck_assert_int_eq(decided, expected);
		ck_assert(!decided || matches);
		found += decided;
	}
	ck_assert_uint_gt(found, 100);
}
END_TEST

/* ---- safety rules ---------------------------------------------------------------------------- */

static void compare_rules(const struct world *w, u8 view, unsigned int *safe, unsigned int *unsafe)
{
	enum cpc_rule rule;
	unsigned int value, i;
	bool level = true;

	for (i = 0; i < w->n; i++)
		level &= !w->council.state[i] || w->history[i].view <= view;
	for (rule = CPC_RULE_VOTE; rule <= CPC_RULE_PROPOSE; rule++) {
		/* A value that nobody ever voted for is safe only if all are. */
		struct cpc_digest fresh = test_value(99);

		for (value = 0; value < VALUES; value++) {
			struct cpc_digest digest = test_value(value);
			bool got = cpc_safe(&w->council, rule, view, &digest);

			ck_assert_int_eq(got, state_safe(w, rule, view, value));
			/* With nobody beyond the view, states show all that histories do. */
			if (level)
				ck_assert_int_eq(got, history_safe(w, rule, view, value));
			*(got ? safe : unsafe) += 1;
		}
		if (cpc_all_safe(&w->council, rule, view))
			ck_assert(cpc_safe(&w->council, rule, view, &fresh));
	}
}

START_TEST(safe__same_as_the_definition)
{
	unsigned int n = _i ? 7 : 4, rounds = _i ? 500 : 10000, round, safe = 0, unsafe = 0;
	u64 seed = 4 + (unsigned int)_i;
	u8 view;

	for (round = 0; round < rounds; round++) {
		struct world w;

		random_world(&w, n, &seed);
		for (view = 0; view < VIEWS; view++)
			compare_rules(&w, view, &safe, &unsafe);
	}
	ck_assert_uint_gt(safe, rounds);
	ck_assert_uint_gt(unsafe, rounds);
}
END_TEST

/* One member: no vote or a vote for 0 or 1, in each of two views, by phase 4 and by phase 1. */
static void small_member(struct world *w, unsigned int i, unsigned int code)
{
	unsigned int a0 = code % 3, b0 = code / 3 % 3, b1 = code / 9 % 3, a1 = code / 27 % 3;

	if (b0)
		vote(w, i, CPC_PHASE_1, b0 - 1);
	if (a0)
		vote(w, i, CPC_PHASE_4, a0 - 1);
	enter(w, i, 1);
	if (b1)
		vote(w, i, CPC_PHASE_1, b1 - 1);
	if (a1)
		vote(w, i, CPC_PHASE_4, a1 - 1);
	enter(w, i, 2);
}

START_TEST(safe__a_grid_of_four_members_two_values_two_views)
{
	unsigned int code[4], value;

	/* The rules do not tell members apart: sorted codes cover all worlds up to renaming. */
	for (code[0] = 0; code[0] < 81; code[0]++)
	for (code[1] = code[0]; code[1] < 81; code[1] += 2)
	for (code[2] = code[1]; code[2] < 81; code[2] += 2)
	for (code[3] = code[2]; code[3] < 81; code[3] += 5) {
		struct world w;
		unsigned int i;

		world_init(&w, 4);
		for (i = 0; i < 4; i++)
			small_member(&w, i, code[i]);
		for (value = 0; value < 2; value++) {
			struct cpc_digest digest = test_value(value);

			if (cpc_safe(&w.council, CPC_RULE_VOTE, 2, &digest) !=
			    history_safe(&w, CPC_RULE_VOTE, 2, value))
				ck_abort_msg("codes %u %u %u %u, value %u", code[0], code[1],
					     code[2], code[3], value);
		}
	}
}
END_TEST

/* Arbitrary sane states, such as only a liar shows. */
static void lying_state(struct cpc_state *s, u8 views, u64 *seed)
{
	unsigned int p;

	do {
		memset(s, 0, sizeof(*s));
		s->view = (u8)random_below(seed, views);
		s->voted = (u8)random_below(seed, 16);
		if (s->voted & 1)
			s->first = test_value(random_below(seed, VALUES));
		if (s->voted & ~1u)
			s->later = test_value(random_below(seed, VALUES));
		for (p = 0; s->view && p < CPC_PHASES + 2; p++)
			if (random_below(seed, 3)) {
				struct cpc_vote *v = p < CPC_PHASES ? &s->high[p] :
								      &s->second[p - CPC_PHASES];

				v->set = true;
				v->view = (u8)random_below(seed, s->view);
				v->value = test_value(random_below(seed, VALUES));
			}
	} while (!cpc_state_sane(s));
}

START_TEST(safe__same_as_the_definition_among_liars)
{
	unsigned int round, i, value;
	u64 seed = 6;

	for (round = 0; round < 30000; round++) {
		enum cpc_rule rule = round % 2 ? CPC_RULE_VOTE : CPC_RULE_PROPOSE;
		struct world w;
		u8 view;

		random_world(&w, round % 5 ? 4 : 7, &seed);
		for (i = 0; i < w.n; i++)
			if (random_below(&seed, 2))
				lying_state(&w.state[i], VIEWS, &seed);
		for (view = 0; view < VIEWS; view++)
			for (value = 0; value < VALUES; value++) {
				struct cpc_digest digest = test_value(value);

				ck_assert_int_eq(cpc_safe(&w.council, rule, view, &digest),
						 state_safe(&w, rule, view, value));
			}
	}
}
END_TEST

START_TEST(safe_values__all_of_them_each_once_and_no_more_than_asked)
{
	unsigned int round, value, i, some = 0;
	u64 seed = 7;

	for (round = 0; round < 20000; round++) {
		struct cpc_digest got[8];
		struct world w;
		u8 view = (u8)(1 + random_below(&seed, VIEWS - 1));
		unsigned int count, hits = 0;

		random_world(&w, round % 2 ? 4 : 7, &seed);
		count = cpc_safe_values(&w.council, view, got, 8);
		for (i = 0; i < count; i++)
			ck_assert(cpc_safe(&w.council, CPC_RULE_PROPOSE, view, &got[i]));
		for (value = 0; value < VALUES; value++) {
			struct cpc_digest digest = test_value(value);
			bool named = false, listed = false;

			for (i = 0; i < w.n; i++) {
				unsigned int p;

				if (!w.council.state[i] || w.state[i].view < view)
					continue;
				for (p = 0; p < CPC_PHASES; p++)
					named |= w.state[i].high[p].set &&
						 cpc_digest_equal(&w.state[i].high[p].value,
								  &digest);
				for (p = 0; p < 2; p++)
					named |= w.state[i].second[p].set &&
						 cpc_digest_equal(&w.state[i].second[p].value,
								  &digest);
			}
			for (i = 0; i < count; i++)
				listed |= cpc_digest_equal(&got[i], &digest);
			hits += listed;
			ck_assert_int_eq(listed,
					 named && state_safe(&w, CPC_RULE_PROPOSE, view, value));
		}
		ck_assert_uint_eq(hits, count);
		some += count > 1;
		if (count > 1)
			ck_assert_uint_eq(cpc_safe_values(&w.council, view, got, 1), 1);
	}
	ck_assert_uint_gt(some, 10);
}
END_TEST

START_TEST(view_reached__counts_members_at_or_beyond)
{
	unsigned int round, i, count;
	u64 seed = 8;

	for (round = 0; round < 5000; round++) {
		struct world w;

		random_world(&w, 7, &seed);
		for (count = 1; count <= 7; count++) {
			u8 view, best = 0;

			for (view = 0; view < VIEWS; view++) {
				unsigned int members = 0;

				for (i = 0; i < 7; i++)
					members += w.council.state[i] && w.state[i].view >= view;
				ck_assert_uint_eq(cpc_in_view(&w.council, view), members);
				if (members >= count)
					best = view;
			}
			ck_assert_uint_eq(cpc_view_reached(&w.council, count), best);
		}
	}
}
END_TEST

/* ---- the rules as a protocol ----------------------------------------------------------------- */

struct run {
	unsigned int n, liars;
	bool slow;
	struct cpc_state state[MEMBERS];	/* liars are the first ones */
	int decided;
};

/* What member @i sees: the newest state of everyone, of liars anything. */
static struct cpc_council view_of(const struct run *r, struct cpc_state lie[MEMBERS],
				  const struct cpc_state seen[MEMBERS])
{
	struct cpc_council c = { .n = r->n };
	unsigned int i;

	for (i = 0; i < r->n; i++)
		c.state[i] = i < r->liars ? &lie[i] : &seen[i];
	return c;
}

static void run_decide(struct run *r, const struct cpc_council *c)
{
	struct cpc_digest value;
	unsigned int i;
	u8 view;

	if (!cpc_decided_value(c, &value, &view))
		return;
	for (i = 0; i < VALUES; i++) {
		struct cpc_digest digest = test_value(i);

		if (!cpc_digest_equal(&digest, &value))
			continue;
		ck_assert_msg(r->decided < 0 || r->decided == (int)i, "two decisions: %d and %u",
			      r->decided, i);
		r->decided = (int)i;
	}
}

/* One random step of one correct member, by the rules of DESIGN section 2. */
static void run_step(struct run *r, unsigned int i, u64 *seed)
{
	struct cpc_state lie[MEMBERS], seen[MEMBERS], *s = &r->state[i];
	struct cpc_digest value = test_value(random_below(seed, VALUES));
	struct cpc_council c;
	unsigned int p;

	for (p = 0; p < r->n; p++) {
		seen[p] = r->state[p];
		lying_state(&lie[p], VIEWS, seed);
		/* A liar that helps a value along is more dangerous than one that says nonsense. */
		if (random_below(seed, 2)) {
			lie[p].view = s->view;
			lie[p].voted = 15;
			lie[p].first = lie[p].later = value;
		}
		if (!cpc_state_sane(&lie[p]))
			memset(&lie[p], 0, sizeof(lie[p]));
	}
	c = view_of(r, lie, seen);
	run_decide(r, &c);
	if (random_below(seed, 12) == 0 && s->view + 1 < VIEWS) {
		cpc_state_enter(s, (u8)(s->view + 1));
		return;
	}
	if (!cpc_voted(s, CPC_PHASE_1) && cpc_safe(&c, CPC_RULE_VOTE, s->view, &value)) {
		cpc_state_vote(s, CPC_PHASE_1, &value);
		return;
	}
	for (p = CPC_PHASE_2; p < CPC_PHASES; p++)
		if (!cpc_voted(s, p) && cpc_quorum_value(&c, p - 1, s->view, &value) &&
		    (!(s->voted & ~1u) || cpc_digest_equal(&s->later, &value)))
			cpc_state_vote(s, p, &value);
	if (s->view || r->slow || !cpc_quorum_value(&c, CPC_PHASE_1, 0, &value) ||
	    ((s->voted & ~1u) && !cpc_digest_equal(&s->later, &value)))
		return;
	for (p = CPC_PHASE_2; p < CPC_PHASES; p++)
		if (!cpc_voted(s, p))
			cpc_state_vote(s, p, &value);
}

/*
 * All correct members enter one view and hear each other; liars say what they like. Then the leader
 * must have something to propose that every correct member accepts, whatever the liars say to it.
 */
static void run_check_no_dead_end(const struct run *r, u64 *seed)
{
	struct cpc_state lie[MEMBERS], seen[MEMBERS];
	struct cpc_digest candidate[MEMBERS * 6];
	struct cpc_council leader, member;
	unsigned int i, k, count, wrong = 0;
	bool all, found = false;

	memcpy(seen, r->state, sizeof(seen));
	for (i = 0; i < r->n; i++) {
		if (i >= r->liars && seen[i].view < VIEWS)
			cpc_state_enter(&seen[i], VIEWS);
		lying_state(&lie[i], VIEWS + 1, seed);
	}
	leader = view_of(r, lie, seen);
	all = cpc_all_safe(&leader, CPC_RULE_PROPOSE, VIEWS);
	count = cpc_safe_values(&leader, VIEWS, candidate, MEMBERS * 6);
	if (all)
		candidate[count++] = test_value(77);
	for (k = 0; k < count; k++) {
		bool accepted = true;

		/* The worst the liars can do to a member is to say nothing. */
		member = leader;
		for (i = 0; i < r->liars; i++)
			member.state[i] = NULL;
		accepted = cpc_safe(&member, CPC_RULE_VOTE, VIEWS, &candidate[k]);
		found |= accepted;
		wrong += !accepted;
	}
	ck_assert_msg(found, "no candidate of %u is acceptable (all safe: %d)", count, all);
	ck_assert_uint_le(wrong, VALUES);
}

START_TEST(rules__random_runs_decide_once_and_never_reach_a_dead_end)
{
	unsigned int n = _i & 1 ? 7 : 4, walks = _i & 1 ? 600 : 3000, walk, step, decisions = 0;
	u64 seed = 100 + (unsigned int)_i;

	for (walk = 0; walk < walks; walk++) {
		struct run r = { .n = n, .liars = (n - 1) / 3, .slow = _i & 2, .decided = -1 };

		for (step = 0; step < 40 * n; step++)
			run_step(&r, r.liars + random_below(&seed, n - r.liars), &seed);
		run_check_no_dead_end(&r, &seed);
		decisions += r.decided >= 0;
	}
	ck_assert_uint_gt(decisions, walks / 50);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tetra");
	TCase *tests = tcase_create("tetra");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, state_enter__freezes_highest_and_second_of_the_history);
	tcase_add_test(tests, state_enter__a_present_vote_leaves_the_frozen_part_alone);
	tcase_add_test(tests, state_sane__refuses_what_no_correct_member_can_be_in);
	tcase_add_test(tests, votes__counted_as_the_histories_show_them);
	tcase_add_test(tests, decided_value__a_quorum_of_vote_4_in_any_one_view);
	tcase_add_loop_test(tests, safe__same_as_the_definition, 0, 2);
	tcase_add_test(tests, safe__a_grid_of_four_members_two_values_two_views);
	tcase_add_test(tests, safe__same_as_the_definition_among_liars);
	tcase_add_test(tests, safe_values__all_of_them_each_once_and_no_more_than_asked);
	tcase_add_test(tests, view_reached__counts_members_at_or_beyond);
	tcase_add_loop_test(tests, rules__random_runs_decide_once_and_never_reach_a_dead_end, 0, 4);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
