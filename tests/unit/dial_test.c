// SPDX-License-Identifier: BSD-3-Clause
/* Are members tried often enough to be found, seldom enough not to be a nuisance? */
#include <check.h>
#include <stdlib.h>

#include "agent/net/dial.h"

#define MS(ms) ((uint64_t)(ms) * 1000)

static const uint64_t start_us = 1000000000;

static void hear(struct cpc_dial *dial, uint8_t last, uint64_t now_us, uint64_t random)
{
	uint8_t address[16] = { 0xfe, 0x80, [15] = last };

	cpc_dial_heard(dial, address, 4350, now_us, random);
}

START_TEST(cpc_dial_heard__is_tried_at_once)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;

	ck_assert(!cpc_dial_next(&dial, start_us, &hint));
	ck_assert_uint_eq(cpc_dial_wake_us(&dial), CPC_NEVER_US);
	hear(&dial, 1, start_us, 0);
	ck_assert_uint_le(cpc_dial_wake_us(&dial), start_us);
	ck_assert(cpc_dial_next(&dial, start_us, &hint));
	ck_assert(hint.address[15] == 1 && hint.port == 4350 && !hint.proven);
}
END_TEST

START_TEST(cpc_dial_heard__a_proven_address_is_never_pushed_out)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;
	unsigned tries = 0;

	hear(&dial, 1, start_us, 0);
	ck_assert(cpc_dial_next(&dial, start_us, &hint));
	cpc_dial_proved(&dial, &hint);
	for (unsigned i = 0; i < 1000; i++)
		hear(&dial, (uint8_t)(2 + i % 200), start_us, i * 7919);
	ck_assert_uint_eq(dial.n, CPC_NET_HINTS_MAX);
	/* And it gets its share of the tries, whatever else is heard. */
	for (unsigned i = 0; i < 10; i++) {
		uint64_t now_us = cpc_dial_wake_us(&dial);

		hear(&dial, (uint8_t)(2 + i), now_us, i);
		ck_assert(cpc_dial_next(&dial, now_us, &hint));
		tries += hint.address[15] == 1;
		cpc_dial_failed(&dial, now_us, 0, false, i);
	}
	ck_assert_uint_ge(tries, 4);
	ck_assert_uint_le(tries, 6);
}
END_TEST

START_TEST(cpc_dial_heard__again_shortens_a_long_pause)
{
	struct cpc_dial dial = { 0 };

	hear(&dial, 1, start_us, 0);
	for (unsigned i = 0; i < 10; i++)
		cpc_dial_failed(&dial, start_us, 0, false, 0);
	ck_assert_uint_ge(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MAX_MS / 2));
	hear(&dial, 1, start_us + 5, 0);
	ck_assert_uint_eq(cpc_dial_wake_us(&dial), start_us + 5 + MS(CPC_NET_BACKOFF_HEARD_MS));
	ck_assert_uint_eq(dial.n, 1);
}
END_TEST

START_TEST(cpc_dial_next__goes_round_all_addresses)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;
	unsigned seen = 0;

	for (uint8_t i = 0; i < CPC_NET_HINTS_MAX; i++)
		hear(&dial, i, start_us, 0);
	for (unsigned i = 0; i < CPC_NET_HINTS_MAX; i++) {
		ck_assert(cpc_dial_next(&dial, start_us, &hint));
		seen |= 1u << hint.address[15];
	}
	ck_assert_uint_eq(seen, (1u << CPC_NET_HINTS_MAX) - 1);
}
END_TEST

START_TEST(cpc_dial_disproved__forgets_the_address_even_if_once_proven)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;

	hear(&dial, 1, start_us, 0);
	hear(&dial, 2, start_us, 0);
	ck_assert(cpc_dial_next(&dial, start_us, &hint));
	cpc_dial_proved(&dial, &hint);
	cpc_dial_disproved(&dial, &hint);
	ck_assert_uint_eq(dial.n, 1);
	ck_assert_uint_ne(dial.hints[0].address[15], hint.address[15]);
	cpc_dial_disproved(&dial, &hint);
	ck_assert_uint_eq(dial.n, 1);
}
END_TEST

START_TEST(cpc_dial_failed__pauses_double_up_to_the_bound)
{
	struct cpc_dial dial = { 0 };
	uint64_t longest = 0;

	hear(&dial, 1, start_us, 0);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t pause, full = MS(CPC_NET_BACKOFF_MIN_MS) << (i < 10 ? i : 10);

		if (full > MS(CPC_NET_BACKOFF_MAX_MS))
			full = MS(CPC_NET_BACKOFF_MAX_MS);
		cpc_dial_failed(&dial, start_us, 0, false, i * 104729);
		pause = cpc_dial_wake_us(&dial) - start_us;
		ck_assert_uint_ge(pause, full / 2);
		ck_assert_uint_le(pause, full);
		if (pause > longest)
			longest = pause;
	}
	ck_assert_uint_gt(longest, MS(CPC_NET_BACKOFF_MAX_MS / 2));
}
END_TEST

START_TEST(cpc_dial_failed__a_session_that_held_starts_from_the_beginning)
{
	struct cpc_dial dial = { 0 };

	hear(&dial, 1, start_us, 0);
	for (unsigned i = 0; i < 10; i++)
		cpc_dial_failed(&dial, start_us, 0, false, 0);
	/* Up for a moment only: a session that always breaks must not be made without pause. */
	cpc_dial_failed(&dial, start_us, MS(100), false, 0);
	ck_assert_uint_ge(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MAX_MS / 2));
	cpc_dial_failed(&dial, start_us, MS(60000), false, 0);
	ck_assert_uint_le(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MIN_MS));
	/* Ends that do not belong together take their time. */
	cpc_dial_failed(&dial, start_us, MS(60000), true, 0);
	ck_assert_uint_ge(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MAX_MS / 2));
	cpc_dial_hurry(&dial);
	ck_assert_uint_eq(cpc_dial_wake_us(&dial), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dial");
	TCase *tests = tcase_create("dial");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, cpc_dial_heard__is_tried_at_once);
	tcase_add_test(tests, cpc_dial_heard__a_proven_address_is_never_pushed_out);
	tcase_add_test(tests, cpc_dial_heard__again_shortens_a_long_pause);
	tcase_add_test(tests, cpc_dial_next__goes_round_all_addresses);
	tcase_add_test(tests, cpc_dial_disproved__forgets_the_address_even_if_once_proven);
	tcase_add_test(tests, cpc_dial_failed__pauses_double_up_to_the_bound);
	tcase_add_test(tests, cpc_dial_failed__a_session_that_held_starts_from_the_beginning);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
