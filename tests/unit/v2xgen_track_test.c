// SPDX-License-Identifier: BSD-3-Clause
/* Is a track read as written, linear in between, and a bad line named with its value? */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/track.h"

static struct cpc_track load(const char *text)
{
	struct cpc_track track;
	struct cpc_error error = { 0 };
	size_t size = strlen(text);
	char *copy = malloc(size); /* exactly so long, and not ended by a zero */
	int r;

	memcpy(copy, text, size);
	r = cpc_track_parse(copy, size, &track, &error);
	ck_assert_msg(r == 0, "%s", error.text);
	free(copy);
	return track;
}

START_TEST(parse__comments_blanks_and_line_ends)
{
	struct cpc_track track = load("# a drive\n\n 0 0 90 \r\n10\t20 90 # faster\n\n12 20 180");

	ck_assert_uint_eq(track.count, 3);
	ck_assert(!track.has_position);
	ck_assert_double_eq(track.points[1].seconds, 10);
	ck_assert_double_eq(track.points[1].speed_m_s, 20);
	ck_assert_double_eq(track.points[2].heading_deg, 180);
	cpc_track_done(&track);
}
END_TEST

static const struct {
	const char *text, *part;
} refused[] = {
	{ "", "no points" },
	{ "# nothing\n", "no points" },
	{ "0 1 2\n1 2\n", "line 2: 3 or 5 numbers" },
	{ "0 1 2 3\n", "line 1: 3 or 5 numbers" },
	{ "0 1 2 3 4 5\n", "line 1: 3 or 5 numbers" },
	{ "0 fast 2\n", "line 1: 'fast' is not a number" },
	{ "0 nan 2\n", "'nan' is not in" },
	{ "0 164 2\n", "line 1: speed in m/s '164' is not in -163.82..163.82" },
	{ "-1 0 2\n", "time in s '-1'" },
	{ "0 0 361\n", "heading in degrees '361'" },
	{ "0 0 0 91 0\n", "latitude in degrees '91'" },
	{ "0 0 0 0 -181\n", "longitude in degrees '-181'" },
	{ "0 0 0 0 0\n1 0 0\n", "line 2: positions must be on every line or on none" },
	{ "1 0 0\n1 0 0\n", "line 2: time 1 is not after 1" },
};

START_TEST(parse__refusals_name_line_and_value)
{
	struct cpc_track track = { .count = 77 };
	struct cpc_error error = { 0 };

	ck_assert_int_eq(cpc_track_parse(refused[_i].text, strlen(refused[_i].text), &track,
					 &error), -EINVAL);
	ck_assert_msg(strstr(error.text, refused[_i].part), "'%s' is not in '%s'",
		      refused[_i].part, error.text);
	ck_assert_uint_eq(track.count, 77);
}
END_TEST

START_TEST(parse__binary_and_endless_lines)
{
	struct cpc_track track;
	struct cpc_error error = { 0 };
	char line[4096];

	ck_assert_int_eq(cpc_track_parse("0\0 1 2\n", 7, &track, &error), -EINVAL);
	memset(line, '1', sizeof(line));
	ck_assert_int_eq(cpc_track_parse(line, sizeof(line), &track, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "line 1"));
}
END_TEST

START_TEST(parse__number_of_points_is_bounded)
{
	const size_t lines = CPC_TRACK_POINTS_MAX + 1, width = 11;
	char *text = malloc(lines * width + 1);
	struct cpc_track track;
	struct cpc_error error = { 0 };

	for (size_t i = 0; i < lines; i++)
		snprintf(text + i * width, width + 1, "%6zu 1 2\n", i);
	ck_assert_int_eq(cpc_track_parse(text, lines * width, &track, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "line 100001: more than 100000 points"));
	ck_assert_int_eq(cpc_track_parse(text, (lines - 1) * width, &track, &error), 0);
	cpc_track_done(&track);
	free(text);
}
END_TEST

START_TEST(at__linear_between_and_constant_outside)
{
	struct cpc_track track = load("1 10 350 10 20\n3 20 10 12 21\n5 0 10 12 21\n");
	struct cpc_track_point point = cpc_track_at(&track, 2);

	ck_assert_double_eq_tol(point.speed_m_s, 15, 1e-12);
	ck_assert_double_eq_tol(point.heading_deg, 0, 1e-12); /* the short way, over north */
	ck_assert_double_eq_tol(point.latitude_deg, 11, 1e-12);
	ck_assert_double_eq_tol(point.longitude_deg, 20.5, 1e-12);
	ck_assert_double_eq(cpc_track_at(&track, 0).speed_m_s, 10);
	ck_assert_double_eq(cpc_track_at(&track, 99).speed_m_s, 0);
	ck_assert_double_eq(cpc_track_at(&track, 3).speed_m_s, 20);
	ck_assert_double_eq_tol(cpc_track_at(&track, 1.5).heading_deg, 355, 1e-12);
	cpc_track_done(&track);
}
END_TEST

START_TEST(turn__is_the_short_way)
{
	ck_assert_double_eq(cpc_track_turn(350, 10), 20);
	ck_assert_double_eq(cpc_track_turn(10, 350), -20);
	ck_assert_double_eq(cpc_track_turn(0, 90), 90);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("v2xgen_track");
	TCase *tests = tcase_create("v2xgen_track");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, parse__comments_blanks_and_line_ends);
	tcase_add_loop_test(tests, parse__refusals_name_line_and_value, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(tests, parse__binary_and_endless_lines);
	tcase_add_test(tests, parse__number_of_points_is_bounded);
	tcase_add_test(tests, at__linear_between_and_constant_outside);
	tcase_add_test(tests, turn__is_the_short_way);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
