// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever the liar does: do three honest members keep one log, and get all that they submit
 * decided? And is each lie really told: two contents under one counter, evidence, noes?
 */
#include "tests/unit/twin_testing.h"

enum {
	SEEDS = 4,
	ENTRIES = 12,		/* per honest member */
	LIMIT_S = 60,		/* of virtual time */
};

static bool all_decided(const struct world *w)
{
	unsigned int i;

	for (i = 0; i < WORLD_LIAR; i++)
		if (w->member[i]->stats.own_decided < ENTRIES)
			return false;
	return true;
}

/* Everybody submits every 250 ms until all that is honest is decided. Returns the time it took. */
static u64 run(struct world *w, u8 kind)
{
	u64 start_us = w->now_us, next_us = start_us;
	char text[32];
	unsigned int i, round = 0;

	while (!all_decided(w) && w->now_us < start_us + LIMIT_S * 1000000ull) {
		if (w->now_us >= next_us) {
			snprintf(text, sizeof(text), "round %u", ++round);
			for (i = 0; i < WORLD_N; i++)
				if (i == WORLD_LIAR ||
				    w->member[i]->stats.submitted < ENTRIES)
					world_submit(w, i, kind, text);
			next_us += 250000;
		}
		world_step(w);
	}
	return w->now_us - start_us;
}

static const struct {
	u32 modes;
	u8 pacing, kind;
	unsigned int loss;
} scenes[] = {
	{ CPC_LIE_EQUIVOCATE, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_EQUIVOCATE, CPC_PACING_URGENT, 0, 10 },
	{ CPC_LIE_FORK, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_FORK, CPC_PACING_EARLY, 0, 10 },
	{ CPC_LIE_FROZEN, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_FROZEN, CPC_PACING_EARLY, 0, 10 },
	{ CPC_LIE_GARBAGE, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_GARBAGE, CPC_PACING_URGENT, 0, 0 },
	{ CPC_LIE_REPLAY, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_REFUSE, CPC_PACING_CARRIER, CPC_ENTRY_BY_QUORUM, 0 },
	{ CPC_LIE_CARELESS, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_SILENT, CPC_PACING_EARLY, 0, 0 },
	{ CPC_LIE_ALL, CPC_PACING_CARRIER, 0, 0 },
	{ CPC_LIE_ALL, CPC_PACING_EARLY, CPC_ENTRY_BY_QUORUM, 10 },
	{ CPC_LIE_ALL | CPC_LIE_SILENT, CPC_PACING_URGENT, 0, 0 },
};

START_TEST(lie_tell__honest_members_agree_and_go_on)
{
	u64 seed, took_us;

	for (seed = 1; seed <= SEEDS; seed++) {
		struct world *w = world_new("cmac(aes)", scenes[_i].pacing, scenes[_i].modes,
					    seed);

		w->loss_percent = scenes[_i].loss;
		took_us = run(w, scenes[_i].kind);
		world_assert_agree(w, WORLD_LIAR);
		ck_assert_msg(all_decided(w), "seed %d: after %d ms: %d %d %d of %d decided",
			      (int)seed, (int)(took_us / 1000),
			      (int)w->member[0]->stats.own_decided,
			      (int)w->member[1]->stats.own_decided,
			      (int)w->member[2]->stats.own_decided, ENTRIES);
		world_free(w);
	}
}
END_TEST

/* ---- each lie is really told ---------------------------------------------------------------- */

static u64 sum_of(const struct world *w, enum cpc_twin_drop reason)
{
	return w->member[0]->stats.drop[reason] + w->member[1]->stats.drop[reason] +
	       w->member[2]->stats.drop[reason];
}

START_TEST(lie_parse__names_and_refusals)
{
	struct cpc_error error;
	u32 modes;

	ck_assert_int_eq(cpc_lie_parse("replay", &modes, &error), 0);
	ck_assert_uint_eq(modes, CPC_LIE_REPLAY);
	ck_assert_int_eq(cpc_lie_parse("silent,frozen", &modes, &error), 0);
	ck_assert_uint_eq(modes, CPC_LIE_SILENT | CPC_LIE_FROZEN);
	ck_assert_int_eq(cpc_lie_parse("forks", &modes, &error), -EINVAL);
	ck_assert_int_eq(cpc_lie_parse("", &modes, &error), -EINVAL);
	ck_assert_uint_eq(modes, CPC_LIE_SILENT | CPC_LIE_FROZEN);
}
END_TEST

/* The hash of the liar's own entry @seq in a word; false if it is not there. */
static bool own_entry(const struct cpc_lie_word *word, u32 seq, struct cpc_digest *ret_hash)
{
	static const struct cpc_hash members;
	struct cpc_element e;
	struct cpc_entry entry;
	struct cpc_item item;

	ck_assert_int_eq(cpc_element_decode(word->data, word->len, WORLD_N, &e), 0);
	while (cpc_element_item(&e.items, &item) > 0) {
		if (item.type != CPC_ITEM_ENTRY ||
		    cpc_entry_decode(item.data, item.len, WORLD_N, &entry) != 0 ||
		    entry.author != WORLD_LIAR || entry.seq != seq)
			continue;
		cpc_entry_hash(test_hash, &members, item.data, item.len, ret_hash);
		return true;
	}
	return false;
}

static u32 counter_of(const struct cpc_lie_word *word)
{
	struct cpc_reader r = cpc_reader_init(word->data, word->len);
	struct cpc_header header;

	cpc_header_read(&r, &header);
	return header.counter;
}

/* Two audiences, one counter, one number, two entries. */
START_TEST(lie_tell__a_fork_has_two_branches)
{
	static struct cpc_lie_word words[CPC_LIE_WORDS];
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER,
				    _i ? CPC_LIE_EQUIVOCATE : CPC_LIE_FORK, 3);
	struct cpc_digest a, b;
	unsigned int i;

	for (i = 0; i < 300; i++)
		world_step(w);
	world_submit(w, WORLD_LIAR, CPC_ENTRY_ORDINARY, "one or the other");
	ck_assert_uint_eq(cpc_lie_tell(w->lie, w->now_us, WORLD_ROOM - 28, false, words), 2);
	ck_assert_uint_eq(words[0].receivers & words[1].receivers, 0);
	ck_assert_uint_eq((words[0].receivers | words[1].receivers) & 7, 7);
	ck_assert_uint_ne(words[0].receivers & 7, 0);
	ck_assert_uint_ne(words[1].receivers & 7, 0);
	ck_assert_uint_eq(counter_of(&words[0]), counter_of(&words[1]));
	ck_assert(own_entry(&words[0], 1, &a) && own_entry(&words[1], 1, &b));
	ck_assert(!cpc_digest_equal(&a, &b));
	world_free(w);
}
END_TEST

START_TEST(lie_tell__frozen_votes_are_claimed)
{
	static struct cpc_lie_word words[CPC_LIE_WORDS];
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, CPC_LIE_FROZEN, 3);
	bool claimed = false;
	unsigned int i, k, p;

	for (i = 0; i < 6000 && !claimed; i++) {
		if (i % 250 == 0)
			world_submit(w, i / 250 % WORLD_LIAR, CPC_ENTRY_ORDINARY, "one more");
		world_step(w);
		if (i % 100 != 71)
			continue;
		/* Behind the others' back, so that nothing but the look is spent on it. */
		k = cpc_lie_tell(w->lie, w->now_us, WORLD_ROOM - 28, false, words);
		while (k--) {
			struct cpc_element e;

			ck_assert_int_eq(cpc_element_decode(words[k].data, words[k].len, WORLD_N,
							    &e), 0);
			for (p = 0; p < e.records; p++)
				claimed |= e.record[p].state.high[CPC_PHASE_4].set;
		}
	}
	ck_assert(claimed);
	world_assert_agree(w, WORLD_LIAR);
	world_free(w);
}
END_TEST

START_TEST(lie_tell__refusal_stops_what_all_must_want)
{
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, CPC_LIE_REFUSE, 3);

	run(w, CPC_ENTRY_BY_ALL);
	ck_assert(all_decided(w));
	ck_assert_uint_eq(w->member[0]->stats.rejected_entries,
			  w->member[0]->stats.decided_slots ? 3 * ENTRIES : 0);
	world_assert_agree(w, WORLD_LIAR);
	world_free(w);
}
END_TEST

START_TEST(lie_tell__leaves_its_traces)
{
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, scenes[_i].modes, 3);
	u32 modes = scenes[_i].modes;
	unsigned int i;

	run(w, CPC_ENTRY_ORDINARY);
	if (modes & (CPC_LIE_EQUIVOCATE | CPC_LIE_FORK | CPC_LIE_FROZEN))
		ck_assert_uint_gt(sum_of(w, CPC_TWIN_MAC), 0);
	else
		ck_assert_uint_eq(sum_of(w, CPC_TWIN_MAC), 0);
	if (modes & CPC_LIE_REPLAY)
		ck_assert_uint_gt(sum_of(w, CPC_TWIN_REPLAY), 0);
	if (modes & (CPC_LIE_FROZEN | CPC_LIE_GARBAGE))
		ck_assert_uint_gt(w->member[0]->stats.views, 0);
	for (i = 0; i < WORLD_LIAR; i++)
		if (modes & CPC_LIE_CARELESS)
			ck_assert_uint_gt(w->member[i]->stats.evidence, 0);
	/* Its words are well-formed: a lie that does not decode would harm nobody. */
	ck_assert_uint_eq(sum_of(w, CPC_TWIN_MALFORMED), 0);
	world_free(w);
}
END_TEST

START_TEST(lie_tell__silence_falls)
{
	static struct cpc_lie_word words[CPC_LIE_WORDS];
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, CPC_LIE_SILENT, 3);
	u64 start_us = w->now_us;

	ck_assert_uint_eq(cpc_lie_tell(w->lie, start_us + 1000, 1000, false, words), 1);
	ck_assert_uint_eq(cpc_lie_tell(w->lie, start_us + 1000000, 1000, false, words), 0);
	ck_assert_uint_eq(cpc_lie_tell(w->lie, start_us + 60000000, 1000, false, words), 0);
	world_free(w);
}
END_TEST

static Suite *lie_suite(void)
{
	Suite *suite = suite_create("twin_lie");
	TCase *tcase = tcase_create("lie");
	int count = sizeof(scenes) / sizeof(scenes[0]);

	tcase_set_timeout(tcase, 100);
	tcase_add_test(tcase, lie_parse__names_and_refusals);
	tcase_add_loop_test(tcase, lie_tell__honest_members_agree_and_go_on, 0, count);
	tcase_add_loop_test(tcase, lie_tell__a_fork_has_two_branches, 0, 2);
	tcase_add_test(tcase, lie_tell__frozen_votes_are_claimed);
	tcase_add_test(tcase, lie_tell__refusal_stops_what_all_must_want);
	tcase_add_loop_test(tcase, lie_tell__leaves_its_traces, 0, count);
	tcase_add_test(tcase, lie_tell__silence_falls);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(lie_suite());
}
