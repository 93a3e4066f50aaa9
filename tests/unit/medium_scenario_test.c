// SPDX-License-Identifier: BSD-3-Clause
/* Does a scenario say what it seems to say, and is each wrong value named with its line? */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/core_testing.h"
#include "tools/cpc-medium/scenario.h"

static struct cpc_scenario scenario;

static int parse(const char *text, struct cpc_error *error)
{
	return cpc_scenario_parse("file", text, strlen(text), &scenario, error);
}

START_TEST(scenario_parse__all_commands)
{
	struct cpc_error error = { "" };
	const struct cpc_change *c = scenario.change;

	ck_assert_msg(parse("# a road\n"
			    "rate 12\nseed 42\n\ncapture 10\n"
			    "stations 3 100.5\n"
			    "station 3 -7.25 8 # beside it\n"
			    "range 300 600\n"
			    "loss 30 burst 4\n"
			    "loss 50 link 0 2\n"
			    "at 0.5 partition 0 1 | 2\n"
			    "at 2 heal\n"
			    "at 2 station 1 5 6\r\n"
			    "at 1000000 range 10", &error) == 0, "%s", error.text);
	ck_assert_uint_eq(scenario.rate_mbit_s, 12);
	ck_assert_uint_eq(scenario.seed, 42);
	ck_assert_uint_eq(scenario.capture_db, 10);
	ck_assert_uint_eq(scenario.stations, 4);
	ck_assert_uint_eq(scenario.changes, 11);
	ck_assert_int_eq(c[2].place.x_mm, 201000);
	ck_assert_int_eq(c[3].place.x_mm, -7250);
	ck_assert_int_eq(c[3].place.y_mm, 8000);
	ck_assert_int_eq(c[4].type, CPC_CHANGE_RANGE);
	ck_assert_uint_eq(c[4].range.receive_mm, 300000);
	ck_assert_uint_eq(c[4].range.sense_mm, 600000);
	ck_assert_uint_eq(c[5].loss.from, CPC_ALL_STATIONS);
	ck_assert_uint_eq(c[5].loss.loss.to_good_ppm, 250000);
	ck_assert_uint_eq(c[6].loss.to, 2);
	ck_assert_uint_eq(c[6].loss.loss.good_ppm, 500000);
	ck_assert_uint_eq(c[7].at_us, 500000);
	ck_assert(c[7].group[0] == 1 && c[7].group[1] == 1 && c[7].group[2] == 2 &&
		  c[7].group[3] == 0);
	ck_assert(c[8].group[0] == 0 && c[8].at_us == 2000000);
	ck_assert(c[9].place.station == 1 && c[9].at_us == 2000000);
	ck_assert_uint_eq(c[10].range.sense_mm, 10000);
}
END_TEST

static const struct {
	const char *text, *named;
} refused[] = {
	{ "", "no stations" },
	{ "rate 6", "file:1: no stations" },
	{ "rate 9", "rate 9" },
	{ "rate", "rate is missing" },
	{ "rate 6 7", "'7' is too much" },
	{ "rate 6.5", "'6.5' is not a whole number" },
	{ "speed 6", "'speed' is no command" },
	{ "\n\nstations 65", "file:3: stations: '65'" },
	{ "stations 0", "'0'" },
	{ "stations 4 2000", "'2000'" },
	{ "stations 4\nstations 4", "4 stations already" },
	{ "station 1 0 0", "'1'" },
	{ "station 0 0", "y is missing" },
	{ "station 0 0 1e3", "'1e3'" },
	{ "station 0 0 .5", "'.5'" },
	{ "station 0 0 5.", "'5.'" },
	{ "station 0 0 -", "'-'" },
	{ "station 0 0 1.2345", "'1.2345'" },
	{ "station 0 0 99999999999999999999", "'99999999999999999999'" },
	{ "station 0 0 100001", "'100001'" },
	{ "stations 2\nrange 0", "'0'" },
	{ "stations 2\nrange 300 200", "200 m, less than the 300 m" },
	{ "stations 2\nloss 101", "'101'" },
	{ "stations 2\nloss -1", "'-1'" },
	{ "stations 2\nloss 5 bursts 4", "'bursts'" },
	{ "stations 2\nloss 5 burst 0.5", "'0.5'" },
	{ "stations 2\nloss 50 burst 4 bad 40", "40 % lost lose 50 %" },
	{ "stations 2\nloss 5 burst 4 good 6", "6 %" },
	{ "stations 2\nloss 95 burst 4", "95 %" },
	{ "stations 2\nloss 100 burst 4", "100 %" },
	{ "stations 2\nloss 5 link 0", "the station is missing" },
	{ "stations 2\nloss 5 link 0 2", "'2'" },
	{ "partition 0 | 1", "no station has been given" },
	{ "stations 2\npartition", "needs stations" },
	{ "stations 2\npartition 0 | 0", "station 0 is named twice" },
	{ "stations 2\nheal 0", "'0' is too much" },
	{ "stations 2\nat", "time is missing" },
	{ "stations 2\nat x heal", "'x'" },
	{ "stations 2\nat 1", "'' is no command" },
	{ "stations 2\nat 1 rate 6", "'rate'" },
	{ "stations 2\nat 1 station 2 0 0", "'2'" },
	{ "stations 2\nat 2 heal\nat 1 heal", "file:3: times ascend" },
	{ "stations 2\nat 2 heal\nheal", "this has no time" },
};

START_TEST(scenario_parse__refuses_by_line_and_value)
{
	struct cpc_error error = { "" };

	cpc_scenario_init(&scenario);
	scenario.stations = 9;
	ck_assert_int_eq(parse(refused[_i].text, &error), -EINVAL);
	ck_assert_msg(strstr(error.text, refused[_i].named), "'%s': '%s' does not name '%s'",
		      refused[_i].text, error.text, refused[_i].named);
	ck_assert_uint_eq(scenario.stations, 9);
}
END_TEST

START_TEST(scenario_parse__limits)
{
	static char text[CPC_SCENARIO_BYTES_MAX + 2];
	struct cpc_error error = { "" };
	size_t at;
	int i;

	at = (size_t)sprintf(text, "stations 2\n");
	for (i = 0; i < CPC_CHANGES_MAX - 2; i++)
		at += (size_t)sprintf(text + at, "at %d heal\n", i);
	ck_assert_int_eq(parse(text, &error), 0);
	ck_assert_uint_eq(scenario.changes, CPC_CHANGES_MAX);
	sprintf(text + at, "at 5000 heal\n");
	ck_assert_int_eq(parse(text, &error), -EINVAL);
	ck_assert(strstr(error.text, "file:1024: more than 1024 commands"));
	memset(text, ' ', sizeof(text));
	ck_assert_int_eq(cpc_scenario_parse("file", text, sizeof(text), &scenario, &error),
			 -EINVAL);
	ck_assert(strstr(error.text, "262146 bytes"));
	ck_assert_int_eq(cpc_scenario_parse("file", text, 401, &scenario, &error), -EINVAL);
	ck_assert(strstr(error.text, "the line has 401 bytes"));
	ck_assert_int_eq(cpc_scenario_parse("file", "a\0b", 3, &scenario, &error), -EINVAL);
	ck_assert(strstr(error.text, "NUL"));
}
END_TEST

START_TEST(scenario_command__as_after_at)
{
	struct cpc_error error = { "" };
	struct cpc_change change;

	ck_assert_int_eq(parse("stations 4", &error), 0);
	ck_assert_int_eq(cpc_scenario_command(&scenario, "partition 1 3", &change, &error), 0);
	ck_assert_int_eq(change.type, CPC_CHANGE_GROUPS);
	ck_assert(!change.group[0] && change.group[1] && !change.group[2] && change.group[3]);
	ck_assert_int_eq(cpc_scenario_command(&scenario, "loss 200", &change, &error), -EINVAL);
	ck_assert_str_eq(error.text, "loss: '200' is not a number from 0 to 100");
	ck_assert_int_eq(cpc_scenario_command(&scenario, "at 2 heal", &change, &error), -EINVAL);
}
END_TEST

START_TEST(loss_make__average_and_burst)
{
	/* Times of 5 frames lost, and 95 not: 5 % bad, left with 1/5, entered with 1/95. */
	struct cpc_loss loss;

	ck_assert_int_eq(cpc_loss_make(50000, 5000, 0, 1000000, &loss), 0);
	ck_assert_uint_eq(loss.to_good_ppm, 200000);
	ck_assert_uint_eq(loss.to_bad_ppm, 1000000 / 95);
	/* 2 % in good times, 80 % in bad: (20 - 2) / 78 of all frames are in bad ones. */
	ck_assert_int_eq(cpc_loss_make(200000, 10000, 20000, 800000, &loss), 0);
	ck_assert_uint_eq(loss.to_good_ppm, 100000);
	ck_assert_uint_eq(loss.to_bad_ppm, 29999);
	ck_assert_int_eq(cpc_loss_make(300000, 0, 0, 1000000, &loss), 0);
	ck_assert(loss.good_ppm == 300000 && loss.bad_ppm == 300000 && !loss.to_bad_ppm);
	ck_assert_int_eq(cpc_loss_make(1000001, 0, 0, 0, &loss), -ERANGE);
	ck_assert_int_eq(cpc_loss_make(900000, 1000, 0, 1000000, &loss), -ERANGE);
}
END_TEST

static Suite *scenario_suite(void)
{
	Suite *suite = suite_create("medium_scenario");
	TCase *tcase = tcase_create("scenario");

	tcase_add_test(tcase, scenario_parse__all_commands);
	tcase_add_loop_test(tcase, scenario_parse__refuses_by_line_and_value, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tcase, scenario_parse__limits);
	tcase_add_test(tcase, scenario_command__as_after_at);
	tcase_add_test(tcase, loss_make__average_and_burst);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(scenario_suite());
}
