// SPDX-License-Identifier: BSD-3-Clause
/* lane_test.c - entries, and the chain that is held of them, whoever sends what. */
#include "core_testing.h"

#include <cpchain/lane.h>
#include <cpchain_element.h>

enum { MEMBERS = 4, AUTHOR = 2, CHAIN = CPC_LANE_AHEAD + 6 };

static const struct cpc_hash members = { { 7 } };

struct made {
	struct cpc_entry entry;
	u8 body[CPC_BODY_MAX];
	size_t len;
	struct cpc_digest hash;
};

static void make_entry(struct made *m, u32 seq, const struct cpc_digest *prev, const char *text)
{
	struct cpc_entry e = { .author = AUTHOR, .seq = seq };
	int len;

	if (prev)
		e.prev = *prev;
	e.len = (u16)strlen(text);
	e.data = (const u8 *)text;
	len = cpc_entry_encode(&e, m->body, sizeof(m->body));
	ck_assert_int_gt(len, 0);
	m->len = (size_t)len;
	ck_assert_int_eq(cpc_entry_decode(m->body, m->len, MEMBERS, &m->entry), 0);
	cpc_entry_hash(test_hash, &members, m->body, m->len, &m->hash);
}

/* A chain of entries 1..CHAIN at index 1..CHAIN. */
static void make_chain(struct made *chain, const char *text)
{
	u32 seq;

	for (seq = 1; seq <= CHAIN; seq++)
		make_entry(&chain[seq], seq, seq > 1 ? &chain[seq - 1].hash : NULL, text);
}

static enum cpc_lane_put put(struct cpc_lane *lane, const struct made *m, bool direct)
{
	return cpc_lane_put(lane, &m->entry, m->body, m->len, &m->hash, direct, NULL, 1);
}

static enum cpc_lane_put put_expected(struct cpc_lane *lane, const struct made *m,
				      const struct cpc_digest *expected)
{
	return cpc_lane_put(lane, &m->entry, m->body, m->len, &m->hash, false, expected, 1);
}

/* ---- the codec ------------------------------------------------------------------------------- */

START_TEST(entry_decode__round_trip_and_every_truncation_refused)
{
	unsigned int round, i;
	u64 seed = 1;

	for (round = 0; round < 500; round++) {
		u8 data[CPC_ENTRY_DATA_MAX], body[CPC_BODY_MAX + 1];
		struct cpc_entry e = { .kind = (u8)random_below(&seed, 3) }, got;
		int len;
		size_t cut;

		e.author = (u8)random_below(&seed, 16);
		e.seq = 1 + random_below(&seed, 100000);
		random_bytes(&seed, &e.prev, sizeof(e.prev));
		e.refs = (u8)random_below(&seed, CPC_ENTRY_REFS_MAX + 1);
		for (i = 0; i < e.refs; i++) {
			e.ref[i].lane = (u8)((e.author + 1 + random_below(&seed, 15)) % 16);
			e.ref[i].seq = (u32)random_next(&seed);
			random_bytes(&seed, e.ref[i].head, sizeof(e.ref[i].head));
		}
		e.len = (u16)(1 + random_below(&seed, round % 9 ? 40 : CPC_ENTRY_DATA_MAX));
		e.data = data;
		random_bytes(&seed, data, e.len);
		len = cpc_entry_encode(&e, body, sizeof(body));
		ck_assert_int_eq(len, 25 + 13 * e.refs + e.len);
		ck_assert_int_eq(cpc_entry_decode(body, (size_t)len, 16, &got), 0);
		ck_assert(got.kind == e.kind && got.author == e.author && got.seq == e.seq &&
			  got.refs == e.refs && got.len == e.len);
		ck_assert_mem_eq(got.ref, e.ref, sizeof(e.ref));
		ck_assert_mem_eq(got.data, data, e.len);
		ck_assert_mem_eq(&got.prev, &e.prev, sizeof(e.prev));
		body[len] = 0;
		ck_assert_int_eq(cpc_entry_decode(body, (size_t)len + 1, 16, &got), -EBADMSG);
		for (cut = 0; cut < (size_t)len; cut++)
			ck_assert_int_eq(cpc_entry_decode(body, cut, 16, &got), -EBADMSG);
		ck_assert_int_eq(cpc_entry_encode(&e, body, (size_t)len - 1), -EMSGSIZE);
	}
}
END_TEST

START_TEST(entry_decode__refuses_what_is_out_of_bounds)
{
	u8 data[CPC_ENTRY_DATA_MAX + 1] = { 0 }, body[2 * CPC_BODY_MAX];
	struct cpc_entry good = { .author = 1, .seq = 1, .refs = 1, .len = 1, .data = data }, got;
	unsigned int i;

	good.ref[0].lane = 3;
	for (i = 0; i < 8; i++) {
		struct cpc_entry e = good;
		int len;

		e.kind = i == 1 ? CPC_ENTRY_BY_ALL + 1 : 0;
		e.author = i == 2 ? MEMBERS : 1;
		e.seq = i == 3 ? 0 : 1;
		e.ref[0].lane = i == 4 ? MEMBERS : i == 5 ? 1 : 3;
		e.len = i == 6 ? 0 : 1;
		len = cpc_entry_encode(&e, body, sizeof(body));
		ck_assert_int_gt(len, 0);
		if (i == 7)
			body[22] = CPC_ENTRY_REFS_MAX + 1;
		ck_assert_int_eq(cpc_entry_decode(body, (size_t)len, MEMBERS, &got),
				 i ? -EBADMSG : 0);
	}
	good.len = CPC_ENTRY_DATA_MAX + 1;
	ck_assert_int_eq(cpc_entry_encode(&good, body, sizeof(body)), -EMSGSIZE);
	good.len = 1;
	good.refs = CPC_ENTRY_REFS_MAX + 1;
	ck_assert_int_eq(cpc_entry_encode(&good, body, sizeof(body)), -EMSGSIZE);
}
END_TEST

/* ---- the chain ------------------------------------------------------------------------------- */

START_TEST(put__any_order_ends_in_the_same_chain)
{
	struct made chain[CHAIN + 1];
	unsigned int round;
	u64 seed = 3;

	make_chain(chain, "x");
	for (round = 0; round < 200; round++) {
		struct cpc_lane *lane = calloc(1, sizeof(*lane));
		u32 left = ((1u << CPC_LANE_WINDOW) - 1) << 1;

		ck_assert_ptr_nonnull(lane);
		while (left) {
			u32 seq = 1 + random_below(&seed, CPC_LANE_WINDOW), last = 0;

			ck_assert_int_eq(put(lane, &chain[seq], true),
					 left & 1u << seq ? CPC_PUT_STORED : CPC_PUT_KNOWN);
			left &= ~(1u << seq);
			while (last < CPC_LANE_WINDOW && !(left & 1u << (last + 1)))
				last++;
			ck_assert_uint_eq(lane->last, last);
		}
		ck_assert(cpc_lane_holds(lane, CPC_LANE_WINDOW, &chain[CPC_LANE_WINDOW].hash));
		ck_assert(!cpc_lane_holds(lane, CPC_LANE_WINDOW, &chain[1].hash));
		ck_assert(!lane->forked);
		free(lane);
	}
}
END_TEST

START_TEST(put__far_ahead_and_below_the_frontier_is_ignored)
{
	struct made chain[CHAIN + 1];
	struct cpc_lane lane = { 0 };
	u32 seq;

	make_chain(chain, "x");
	ck_assert_int_eq(put(&lane, &chain[CPC_LANE_AHEAD + 1], true), CPC_PUT_IGNORED);
	for (seq = 1; seq <= CPC_LANE_WINDOW; seq++)
		put(&lane, &chain[seq], true);
	cpc_lane_advance(&lane, 5, &chain[5].hash);
	ck_assert_uint_eq(lane.last, CPC_LANE_WINDOW);
	ck_assert_int_eq(put(&lane, &chain[CPC_LANE_AHEAD + 5], true), CPC_PUT_STORED);
	ck_assert_int_eq(put(&lane, &chain[CPC_LANE_AHEAD + 6], true), CPC_PUT_IGNORED);
	ck_assert_ptr_nonnull(cpc_lane_get(&lane, 3));
	ck_assert(!cpc_lane_holds(&lane, 3, &chain[3].hash));
}
END_TEST

START_TEST(put__who_is_a_slot_behind_need_not_hear_the_next_window_again)
{
	struct made chain[CHAIN + 1];
	struct cpc_lane lane = { 0 };
	u32 seq;

	make_chain(chain, "x");
	for (seq = CPC_LANE_AHEAD; seq > 0; seq--)
		ck_assert_int_eq(put(&lane, &chain[seq], true), CPC_PUT_STORED);
	ck_assert_uint_eq(lane.last, CPC_LANE_WINDOW);
	cpc_lane_advance(&lane, CPC_LANE_WINDOW, &chain[CPC_LANE_WINDOW].hash);
	ck_assert_uint_eq(lane.last, 2 * CPC_LANE_WINDOW);
}
END_TEST

START_TEST(put__direct_replaces_relayed_and_two_direct_ones_are_a_fork)
{
	struct made chain[CHAIN + 1], forged[CHAIN + 1];
	struct cpc_lane lane = { 0 };

	make_chain(chain, "true");
	make_chain(forged, "forged");
	ck_assert_int_eq(put(&lane, &forged[1], false), CPC_PUT_STORED);
	ck_assert_int_eq(put(&lane, &chain[1], false), CPC_PUT_IGNORED);
	ck_assert_int_eq(put(&lane, &chain[1], true), CPC_PUT_STORED);
	ck_assert(cpc_lane_holds(&lane, 1, &chain[1].hash));
	ck_assert(!lane.forked);
	ck_assert_int_eq(put(&lane, &forged[1], false), CPC_PUT_IGNORED);
	ck_assert(cpc_lane_holds(&lane, 1, &chain[1].hash));
	ck_assert_int_eq(put(&lane, &forged[1], true), CPC_PUT_FORK);
	ck_assert(lane.forked);
	ck_assert(cpc_lane_holds(&lane, 1, &chain[1].hash));
}
END_TEST

START_TEST(put__a_forged_relay_never_keeps_the_truth_out)
{
	struct made chain[CHAIN + 1], forged[CHAIN + 1];
	unsigned int round;
	u64 seed = 4;

	make_chain(chain, "true");
	make_chain(forged, "forged");
	for (round = 0; round < 500; round++) {
		struct cpc_lane *lane = calloc(1, sizeof(*lane));
		unsigned int step;
		u32 seq;

		ck_assert_ptr_nonnull(lane);
		for (step = 0; step < 60; step++) {
			seq = 1 + random_below(&seed, 6);
			if (random_below(&seed, 2))
				put(lane, &forged[seq], false);
			else if (random_below(&seed, 2))
				put(lane, &chain[seq], false);
			else
				put(lane, &chain[seq], true);
		}
		/* The author repeats itself: one pass of its own words is enough. */
		for (seq = 1; seq <= 6; seq++)
			put(lane, &chain[seq], true);
		ck_assert(cpc_lane_holds(lane, 6, &chain[6].hash));
		ck_assert(!lane->forked);
		free(lane);
	}
}
END_TEST

START_TEST(put__an_expected_hash_lets_a_relay_replace_even_a_direct_one)
{
	struct made here[CHAIN + 1], there[CHAIN + 1];
	struct cpc_lane lane = { 0 };

	make_chain(here, "shown here");
	make_chain(there, "shown there");
	put(&lane, &here[1], true);
	ck_assert_int_eq(put_expected(&lane, &there[1], &there[1].hash), CPC_PUT_STORED);
	ck_assert(cpc_lane_holds(&lane, 1, &there[1].hash));
	ck_assert_int_eq(put_expected(&lane, &here[1], &there[1].hash), CPC_PUT_IGNORED);
}
END_TEST

/* The hash known for @seq once (@top, its head) is decided: each entry names the one before. */
static const struct cpc_digest *decided_hash(const struct cpc_lane *lane, const struct made *chain,
					     u32 top, u32 seq)
{
	const struct cpc_digest *hash = &chain[top].hash;
	u32 at;

	for (at = top; at > seq; at--) {
		const struct cpc_held_entry *e = cpc_lane_get(lane, at);

		if (!e || !cpc_digest_equal(&e->hash, hash))
			return NULL;
		hash = &e->prev;
	}
	return hash;
}

START_TEST(prune__any_forged_mixture_gives_way_to_the_decided_chain)
{
	struct made chain[CHAIN + 1], forged[CHAIN + 1];
	unsigned int round;
	u64 seed = 5;

	make_chain(chain, "true");
	make_chain(forged, "forged");
	for (round = 0; round < 1000; round++) {
		struct cpc_lane *lane = calloc(1, sizeof(*lane));
		const u32 top = 5;
		unsigned int step, pass;
		u32 seq;

		ck_assert_ptr_nonnull(lane);
		for (step = 0; step < 12; step++)
			put(lane, random_below(&seed, 2) ? &forged[1 + random_below(&seed, 7)] :
							  &chain[1 + random_below(&seed, 7)],
			    random_below(&seed, 2));
		/* (top, head) is decided: each pass some member re-sends all of it. */
		for (pass = 0; pass < 8 && !cpc_lane_holds(lane, top, &chain[top].hash); pass++) {
			cpc_lane_prune(lane, top, &chain[top].hash);
			for (seq = 1; seq <= top; seq++)
				put_expected(lane, &chain[seq],
					     decided_hash(lane, chain, top, seq));
		}
		ck_assert(cpc_lane_holds(lane, top, &chain[top].hash));
		cpc_lane_advance(lane, top, &chain[top].hash);
		ck_assert_uint_eq(lane->frontier, top);
		ck_assert(!lane->strict);
		free(lane);
	}
}
END_TEST

START_TEST(jump__what_is_held_beyond_stays_if_it_chains)
{
	struct made chain[CHAIN + 1];
	struct cpc_lane lane = { 0 };

	make_chain(chain, "x");
	put(&lane, &chain[2], true);
	put(&lane, &chain[9], true);
	put(&lane, &chain[10], true);
	ck_assert_uint_eq(lane.last, 0);
	cpc_lane_jump(&lane, 8, &chain[8].hash);
	ck_assert_uint_eq(lane.frontier, 8);
	ck_assert_uint_eq(lane.last, 10);
	ck_assert_ptr_null(cpc_lane_get(&lane, 2));
	ck_assert(cpc_lane_holds(&lane, 10, &chain[10].hash));
	cpc_lane_jump(&lane, 20, &chain[20].hash);
	ck_assert_uint_eq(lane.last, 20);
	ck_assert_ptr_null(cpc_lane_get(&lane, 10));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lane");
	TCase *tests = tcase_create("lane");

	tcase_add_test(tests, entry_decode__round_trip_and_every_truncation_refused);
	tcase_add_test(tests, entry_decode__refuses_what_is_out_of_bounds);
	tcase_add_test(tests, put__any_order_ends_in_the_same_chain);
	tcase_add_test(tests, put__far_ahead_and_below_the_frontier_is_ignored);
	tcase_add_test(tests, put__who_is_a_slot_behind_need_not_hear_the_next_window_again);
	tcase_add_test(tests, put__direct_replaces_relayed_and_two_direct_ones_are_a_fork);
	tcase_add_test(tests, put__a_forged_relay_never_keeps_the_truth_out);
	tcase_add_test(tests, put__an_expected_hash_lets_a_relay_replace_even_a_direct_one);
	tcase_add_test(tests, prune__any_forged_mixture_gives_way_to_the_decided_chain);
	tcase_add_test(tests, jump__what_is_held_beyond_stays_if_it_chains);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
