// SPDX-License-Identifier: BSD-3-Clause
/* Does a receiver count the frames that did not come, from time stamps alone? */
#include <check.h>

#include "tools/v2xgen/station.h"

/* Frames of a 10 Hz station, without those whose bit in @missing is set. */
static struct cpc_stations heard(unsigned int count, uint64_t missing, uint32_t start_ms,
				 uint32_t period_ms)
{
	struct cpc_stations stations = { 0 };

	for (unsigned int i = 0; i < count; i++)
		if (i >= 64 || !(missing >> i & 1))
			cpc_stations_add(&stations, 101, start_ms + i * period_ms, i);
	return stations;
}

static const struct {
	uint64_t missing;
	uint64_t lost; /* the first and the last frame do not count: nobody knows of them */
} patterns[] = {
	{ 0, 0 },
	{ 1ull << 5, 1 },
	{ 1ull << 1, 1 },	      /* the very first gap is a double one */
	{ 0x6, 2 },		      /* a triple one */
	{ 0x00f0f0f0f0f0f0f0, 28 },
	{ 0x2aaaaaaaaaaaaaaa, 31 },   /* every second, until the last two */
};

START_TEST(lost__is_what_was_left_out)
{
	struct cpc_stations stations = heard(64, patterns[_i].missing, 1000, 100);

	ck_assert_uint_eq(stations.count, 1);
	ck_assert_uint_eq(cpc_station_lost(&stations.stations[0]), patterns[_i].lost);
	ck_assert_double_eq(cpc_station_period_ms(&stations.stations[0]), 100);
}
END_TEST

START_TEST(lost__over_the_wrap_of_the_time_stamp)
{
	struct cpc_stations stations = heard(64, 1ull << 30, UINT32_MAX - 3000, 100);

	ck_assert_uint_eq(cpc_station_lost(&stations.stations[0]), 1);
	ck_assert_uint_eq(stations.stations[0].backward, 0);
}
END_TEST

START_TEST(lost__with_a_period_of_no_whole_milliseconds)
{
	struct cpc_stations stations = { 0 };

	/* 3 Hz for an hour, each 100th missing */
	for (unsigned int i = 0; i <= 10800; i++)
		if (i % 100 != 50)
			cpc_stations_add(&stations, 1, i * 1000 / 3, 0);
	ck_assert_uint_eq(cpc_station_lost(&stations.stations[0]), 108);
}
END_TEST

START_TEST(lost__unknown_from_one_frame)
{
	struct cpc_stations stations = heard(1, 0, 5, 100);

	ck_assert_uint_eq(cpc_station_lost(&stations.stations[0]), 0);
	ck_assert_double_eq(cpc_station_period_ms(&stations.stations[0]), 0);
}
END_TEST

START_TEST(count__knows_nothing_of_losses)
{
	struct cpc_stations stations = { 0 };

	for (unsigned int i = 0; i < 9; i++)
		cpc_stations_count(&stations, 5, 1000);
	ck_assert_uint_eq(stations.stations[0].frames, 9);
	ck_assert_uint_eq(stations.stations[0].digest, 9000);
	ck_assert_double_eq(cpc_station_period_ms(&stations.stations[0]), 0);
}
END_TEST

START_TEST(add__repeated_frames_are_told)
{
	struct cpc_stations stations = heard(10, 0, 1000, 100);

	cpc_stations_add(&stations, 101, 1900, 3); /* again */
	cpc_stations_add(&stations, 101, 1500, 4); /* an old one */
	ck_assert_uint_eq(stations.stations[0].frames, 12);
	ck_assert_uint_eq(stations.stations[0].backward, 2);
	ck_assert_uint_eq(cpc_station_lost(&stations.stations[0]), 0);
	ck_assert_uint_eq(stations.stations[0].digest, 45 + 7);
}
END_TEST

START_TEST(add__more_stations_than_fit_are_counted_together)
{
	struct cpc_stations stations = { 0 };

	for (uint32_t id = 0; id < CPC_STATIONS_MAX + 10; id++)
		cpc_stations_add(&stations, id, 0, 0);
	ck_assert_uint_eq(stations.count, CPC_STATIONS_MAX);
	ck_assert_uint_eq(stations.overflow_frames, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("v2xgen_station");
	TCase *tests = tcase_create("v2xgen_station");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tests, lost__is_what_was_left_out, 0,
			    sizeof(patterns) / sizeof(*patterns));
	tcase_add_test(tests, lost__over_the_wrap_of_the_time_stamp);
	tcase_add_test(tests, lost__with_a_period_of_no_whole_milliseconds);
	tcase_add_test(tests, lost__unknown_from_one_frame);
	tcase_add_test(tests, count__knows_nothing_of_losses);
	tcase_add_test(tests, add__repeated_frames_are_told);
	tcase_add_test(tests, add__more_stations_than_fit_are_counted_together);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
