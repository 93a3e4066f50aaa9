// SPDX-License-Identifier: BSD-3-Clause
/* Is the synthetic drive repeatable, described by its own DBC, and believable as a car? */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/dbc.h"
#include "agent/util/cleanup.h"
#include "tools/candrive/drive.h"

static struct cpc_dbc *load(void)
{
	CPC_FREE char *text = NULL;
	struct cpc_dbc *dbc = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	cpc_drive_print_dbc(file);
	fclose(file);
	ck_assert_int_eq(cpc_dbc_new(text, size, &dbc, NULL), 0);
	return dbc;
}

START_TEST(print_dbc__is_the_file_in_tests_data)
{
	CPC_FREE char *printed = NULL;
	char kept[65536];
	size_t size, kept_size;
	FILE *file = open_memstream(&printed, &size);

	cpc_drive_print_dbc(file);
	fclose(file);
	file = fopen("tests/data/synthetic.dbc", "r");
	ck_assert_ptr_nonnull(file);
	kept_size = fread(kept, 1, sizeof(kept), file);
	fclose(file);
	ck_assert_uint_eq(kept_size, size);
	ck_assert_mem_eq(kept, printed, size);
}
END_TEST

START_TEST(next__same_seed_same_drive)
{
	struct cpc_drive one, two, other;
	struct cpc_can_frame a, b, c;
	uint64_t a_us, b_us, c_us;
	unsigned int different = 0;

	cpc_drive_init(&one, 5);
	cpc_drive_init(&two, 5);
	cpc_drive_init(&other, 6);
	for (int i = 0; i < 30000; i++) {
		cpc_drive_next(&one, &a, &a_us);
		cpc_drive_next(&two, &b, &b_us);
		cpc_drive_next(&other, &c, &c_us);
		ck_assert_mem_eq(&a, &b, sizeof(a));
		ck_assert_uint_eq(a_us, b_us);
		different += memcmp(&a, &c, sizeof(a)) != 0;
	}
	ck_assert_uint_gt(different, 10000);
}
END_TEST

START_TEST(next__time_never_steps_back_and_the_bus_is_busy)
{
	struct cpc_drive drive;
	struct cpc_can_frame frame;
	uint64_t time_us = 0, last_us = 0;
	unsigned int frames = 0;

	cpc_drive_init(&drive, 1);
	for (; time_us < 10000000; frames++) {
		cpc_drive_next(&drive, &frame, &time_us);
		ck_assert_uint_ge(time_us, last_us);
		last_us = time_us;
	}
	ck_assert_uint_ge(frames, 9500);
	ck_assert_uint_le(frames, 10500);
}
END_TEST

struct extremes {
	double speed_max, acceleration_min, acceleration_max, charge_first, charge_last;
	double current_min, current_max, volts_min, volts_max;
	double last_speed;
};

static void watch(void *context, const struct cpc_dbc_signal *signal,
		  const struct cpc_dbc_reading *reading)
{
	struct extremes *extremes = context;
	double value = reading->value;

	ck_assert_msg(signal->min == signal->max || (value >= signal->min && value <= signal->max),
		      "%s: %g", signal->name, value);
	if (strcmp(signal->name, "Speed") == 0 && strcmp(signal->unit, "km/h") == 0) {
		/* No car changes by 1 km/h in 10 ms. */
		ck_assert_double_lt(fabs(value - extremes->last_speed), 1);
		extremes->last_speed = value;
		extremes->speed_max = fmax(extremes->speed_max, value);
	} else if (strcmp(signal->name, "Acceleration") == 0) {
		extremes->acceleration_min = fmin(extremes->acceleration_min, value);
		extremes->acceleration_max = fmax(extremes->acceleration_max, value);
	} else if (strcmp(signal->name, "StateOfCharge") == 0) {
		if (extremes->charge_first == 0)
			extremes->charge_first = value;
		extremes->charge_last = value;
	} else if (strcmp(signal->name, "Current") == 0) {
		extremes->current_min = fmin(extremes->current_min, value);
		extremes->current_max = fmax(extremes->current_max, value);
	} else if (strcmp(signal->name, "Voltage") == 0) {
		extremes->volts_min = fmin(extremes->volts_min, value);
		extremes->volts_max = fmax(extremes->volts_max, value);
	}
}

START_TEST(next__believable_car)
{
	struct extremes extremes = {.volts_min = 1000};
	struct cpc_dbc *dbc = load();
	struct cpc_can_frame frame;
	struct cpc_drive drive;
	uint64_t time_us = 0;

	cpc_drive_init(&drive, (uint64_t)_i);
	while (time_us < 180000000) {
		cpc_drive_next(&drive, &frame, &time_us);
		ck_assert_int_gt(cpc_dbc_decode(dbc, frame.id, frame.extended, frame.data,
						frame.size, watch, &extremes),
				 0);
	}
	ck_assert_double_gt(extremes.speed_max, 30);
	ck_assert_double_lt(extremes.speed_max, 150);
	ck_assert_double_gt(extremes.acceleration_max, 0.5);
	ck_assert_double_lt(extremes.acceleration_max, 3.5);
	ck_assert_double_lt(extremes.acceleration_min, -0.5);
	ck_assert_double_gt(extremes.acceleration_min, -5);
	ck_assert_double_lt(extremes.charge_last, extremes.charge_first);
	ck_assert_double_lt(extremes.current_min, -20);
	ck_assert_double_gt(extremes.current_max, 5);
	ck_assert_double_gt(extremes.volts_min, 300);
	ck_assert_double_lt(extremes.volts_max, 420);
	cpc_dbc_free(dbc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("drive");
	TCase *tests = tcase_create("drive");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, print_dbc__is_the_file_in_tests_data);
	tcase_add_test(tests, next__same_seed_same_drive);
	tcase_add_test(tests, next__time_never_steps_back_and_the_bus_is_busy);
	tcase_add_loop_test(tests, next__believable_car, 1, 13);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
