// SPDX-License-Identifier: BSD-3-Clause
/* latency_test.c - percentiles of submit to decided. */
#include "core_testing.h"

#include "agent/node/latency.h"

static struct cpc_latency latency;
static struct cpc_latency_summary summary;

static void setup(void)
{
	memset(&latency, 0, sizeof(latency));
}

START_TEST(summarize__empty_is_zero)
{
	cpc_latency_summarize(&latency, &summary);
	ck_assert_uint_eq(summary.count, 0);
	ck_assert(summary.p50_ms == 0 && summary.p99_ms == 0 && summary.max_ms == 0);
}
END_TEST

START_TEST(summarize__nearest_rank)
{
	uint32_t seq;

	/* 1..100 ms, in an order that is not theirs */
	for (seq = 1; seq <= 100; seq++) {
		cpc_latency_submitted(&latency, seq, 5000);
		cpc_latency_decided(&latency, seq, 5000 + 1000 * ((seq * 37) % 101));
	}
	cpc_latency_summarize(&latency, &summary);
	ck_assert_uint_eq(summary.count, 100);
	ck_assert_double_eq(summary.p50_ms, 50);
	ck_assert_double_eq(summary.p99_ms, 99);
	ck_assert_double_eq(summary.max_ms, 100);
}
END_TEST

START_TEST(decided__counts_once_and_only_what_was_submitted)
{
	cpc_latency_decided(&latency, 3, 100);
	cpc_latency_submitted(&latency, 4, 100);
	cpc_latency_decided(&latency, 4, 350);
	cpc_latency_decided(&latency, 4, 900);
	cpc_latency_decided(&latency, 4 + CPC_LATENCY_OPEN, 900);
	cpc_latency_decided(&latency, 0, 900);
	cpc_latency_summarize(&latency, &summary);
	ck_assert_uint_eq(summary.count, 1);
	ck_assert_double_eq(summary.max_ms, 0.25);
}
END_TEST

START_TEST(summarize__old_samples_are_forgotten)
{
	uint32_t seq;

	for (seq = 1; seq <= 3 * CPC_LATENCY_SAMPLES; seq++) {
		cpc_latency_submitted(&latency, seq, 0);
		cpc_latency_decided(&latency, seq, seq <= 2 * CPC_LATENCY_SAMPLES ? 9000 : 1000);
	}
	cpc_latency_summarize(&latency, &summary);
	ck_assert_uint_eq(summary.count, 3 * CPC_LATENCY_SAMPLES);
	ck_assert_double_eq(summary.max_ms, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("latency");
	TCase *tc = tcase_create("latency");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, summarize__empty_is_zero);
	tcase_add_test(tc, summarize__nearest_rank);
	tcase_add_test(tc, decided__counts_once_and_only_what_was_submitted);
	tcase_add_test(tc, summarize__old_samples_are_forgotten);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
