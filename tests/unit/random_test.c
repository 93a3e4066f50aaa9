// SPDX-License-Identifier: BSD-3-Clause
/* What seeds of scenarios, drives and lies mean stays the same. */
#include "tests/unit/core_testing.h"
#include "tools/common/random.h"

/* The reference's first numbers from seed 1234567 (prng.di.unimi.it/splitmix64.c). */
START_TEST(next__is_splitmix64)
{
	static const uint64_t expected[] = {
		6457827717110365317ull, 3203168211198807973ull, 9817491932198370423ull,
		4593380528125082431ull, 16408922859458223821ull,
	};
	uint64_t state = 1234567;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_uint_eq(cpc_random_next(&state), expected[i]);
}
END_TEST

START_TEST(below__reaches_all_and_only_what_is_below)
{
	uint64_t state = 1;
	unsigned int seen[7] = { 0 };

	for (unsigned int i = 0; i < 7000; i++) {
		uint32_t number = cpc_random_below(&state, 7);

		ck_assert_uint_lt(number, 7);
		seen[number]++;
	}
	/* A thousand each, give or take seven standard deviations. */
	for (unsigned int i = 0; i < 7; i++)
		ck_assert(seen[i] > 795 && seen[i] < 1205);
	ck_assert_uint_eq(cpc_random_below(&state, 0), 0);
	ck_assert_uint_eq(cpc_random_below(&state, 1), 0);
}
END_TEST

static Suite *random_suite(void)
{
	Suite *suite = suite_create("random");
	TCase *tcase = tcase_create("random");

	tcase_add_test(tcase, next__is_splitmix64);
	tcase_add_test(tcase, below__reaches_all_and_only_what_is_below);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(random_suite());
}
