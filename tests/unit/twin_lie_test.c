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
		if (getenv("TWIN_TEST_SAY"))
			fprintf(stderr, "# scene %d seed %d: %d ms, %d slots, %d views, "
				"%d evidence\n", _i, (int)seed, (int)(took_us / 1000),
				(int)w->log[0].slots, (int)w->member[0]->stats.views,
				(int)w->member[0]->stats.evidence);
		world_free(w);
	}
}
END_TEST

static Suite *lie_suite(void)
{
	Suite *suite = suite_create("twin_lie");
	TCase *tcase = tcase_create("lie");

	tcase_set_timeout(tcase, 100);
	tcase_add_loop_test(tcase, lie_tell__honest_members_agree_and_go_on, 0,
			    sizeof(scenes) / sizeof(scenes[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(lie_suite());
}
