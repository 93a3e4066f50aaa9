// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the sampler keep each signal's interval, lose no last value, announce what it sends, and
 * survive any clock?
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/sampler.h"

static const char dbc_text[] = "BO_ 1 A: 4 X\n SG_ Fast : 0|8@1+ (1,0) [0|0] \"\" X\n"
			       " SG_ Slow : 8|8@1+ (1,0) [0|0] \"\" X\n"
			       " SG_ Event : 16|8@1+ (1,0) [0|0] \"\" X\n"
			       " SG_ Page : 24|8@1+ (1,0) [0|0] \"\" X\n"
			       "BO_ 2 B: 1 X\n SG_ Other : 0|8@1+ (1,0) [0|0] \"\" X\n";
static const char overlay_text[] =
	"{\"V.Fast\":{\"datatype\":\"uint8\",\"max\":200,\"dbc\":{\"signal\":\"Fast\","
	"\"interval_ms\":100}},"
	"\"V.Slow\":{\"datatype\":\"uint8\",\"dbc\":{\"signal\":\"Slow\",\"interval_ms\":1000}},"
	"\"V.Event\":{\"datatype\":\"uint8\",\"dbc\":{\"signal\":\"Event\",\"on_change\":true,"
	"\"interval_ms\":100}},"
	"\"V.Paged\":{\"datatype\":\"uint8\",\"dbc\":{\"signal\":\"Slow\",\"interval_ms\":0,"
	"\"multiplexer\":[{\"signal\":\"Page\",\"value\":7}]}}}";

enum { FAST, SLOW, EVENT, PAGED };

#define UNIX_MS 1700000000000

static struct cpc_dbc *dbc;
static struct cpc_overlay *overlay;
static struct cpc_sampler *sampler;
static struct cpc_record_reader *reader;
static struct cpc_record_item items[20000];
static unsigned int count, unnamed;

static void setup(void)
{
	static const struct cpc_sampler_config config = {1000, 10000, 512};

	ck_assert_int_eq(cpc_dbc_new(dbc_text, strlen(dbc_text), &dbc, NULL), 0);
	ck_assert_int_eq(cpc_overlay_new(overlay_text, strlen(overlay_text), dbc, &overlay, NULL),
			 0);
	ck_assert_int_eq(cpc_sampler_new(overlay, &config, &sampler, NULL), 0);
	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	count = 0;
	unnamed = 0;
}

static void teardown(void)
{
	cpc_record_reader_free(reader);
	cpc_sampler_free(sampler);
	cpc_overlay_free(overlay);
	cpc_dbc_free(dbc);
}

static void keep_item(void *context, const struct cpc_record_item *item)
{
	(void)context;
	ck_assert_uint_lt(count, 20000);
	items[count++] = *item;
	unnamed += !item->definition;
}

static void read_payload(void *context, const uint8_t *payload, size_t size)
{
	(void)context;
	ck_assert_uint_le(size, 512);
	ck_assert_int_ge(cpc_record_decode(reader, payload, size, keep_item, NULL, NULL), 0);
}

static void frame(uint64_t time_ms, uint8_t fast, uint8_t slow, uint8_t event, uint8_t page)
{
	struct cpc_can_frame can = {.id = 1, .size = 4, .data = {fast, slow, event, page}};

	cpc_sampler_frame(sampler, &can, time_ms);
}

/* Unix time follows the monotonic one at a fixed distance. */
static void flush(uint64_t now_ms)
{
	cpc_sampler_flush(sampler, now_ms, UNIX_MS + now_ms, read_payload, NULL);
}

static unsigned int count_of(uint32_t index)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		n += items[i].index == index;
	return n;
}

static const struct cpc_record_item *last_of(uint32_t index)
{
	for (unsigned int i = count; i-- > 0;)
		if (items[i].index == index)
			return &items[i];
	ck_abort_msg("no sample of signal %u", index);
	return NULL;
}

struct readings {
	unsigned int count;
	char name[64];
	double value;
	uint64_t time_ms;
};

static void keep_reading(void *context, const char *name, double value, uint64_t time_ms)
{
	struct readings *readings = context;

	readings->count++;
	readings->value = value;
	readings->time_ms = time_ms;
	snprintf(readings->name, sizeof(readings->name), "%s", name);
}

START_TEST(new__config_out_of_range)
{
	static const struct {
		struct cpc_sampler_config config;
		const char *part;
	} cases[] = {
		{{5, 0, 512}, "5 ms"},
		{{3600001, 0, 512}, "3600001 ms"},
		{{1000, 0, 100}, "100 bytes"},
		{{1000, 0, 70000}, "70000 bytes"},
	};
	struct cpc_sampler *none = NULL;
	struct cpc_error error;

	ck_assert_int_eq(cpc_sampler_new(overlay, &cases[_i].config, &none, &error), -EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_msg(strstr(error.text, cases[_i].part), "%s", error.text);
}
END_TEST

START_TEST(frame__each_signal_at_its_interval)
{
	for (uint64_t t = 0; t < 10000; t += 10) {
		frame(5000 + t, (uint8_t)(t / 100), (uint8_t)(t / 1000), 9, 0);
		if (t % 1000 == 990)
			flush(5000 + t + 1);
	}
	ck_assert_uint_eq(count_of(FAST), 100);
	ck_assert_uint_eq(count_of(SLOW), 10);
	ck_assert_uint_eq(count_of(EVENT), 1);
	ck_assert_uint_eq(count_of(PAGED), 0);
	ck_assert_uint_eq(unnamed, 0);
	for (unsigned int i = 0, n = 0; i < count; i++) {
		if (items[i].index != FAST)
			continue;
		ck_assert_uint_eq(items[i].time_ms, UNIX_MS + 5000 + n * 100);
		ck_assert_int_eq(items[i].value.raw, n);
		n++;
	}
}
END_TEST

START_TEST(frame__interval_keeps_its_beat_when_frames_do_not_fit_it)
{
	/* Frames every 30 ms, a sample wanted every 100 ms: 100 in 10 s all the same. */
	for (uint64_t t = 0; t < 10000; t += 30)
		frame(t, 1, 1, 1, 0);
	flush(10000);
	ck_assert_uint_ge(count_of(FAST), 99);
	ck_assert_uint_le(count_of(FAST), 101);
}
END_TEST

START_TEST(frame__filter_selects_frames)
{
	for (uint64_t t = 0; t < 100; t += 10)
		frame(t, 0, (uint8_t)t, 0, t % 20 ? 7 : 8);
	flush(100);
	ck_assert_uint_eq(count_of(PAGED), 5);
	ck_assert_int_eq(last_of(PAGED)->value.raw, 90);
}
END_TEST

/* Who listens hears each reading when it comes, whatever is sampled of it. */
START_TEST(frame__readings_are_told_at_once)
{
	struct readings readings = { 0 };

	cpc_sampler_listen(sampler, keep_reading, &readings);
	for (uint64_t t = 0; t < 100; t += 10)
		frame(5000 + t, (uint8_t)t, 1, 1, 0);
	ck_assert_uint_eq(readings.count, 30);	/* Fast, Slow, Event */
	frame(5200, 201, 1, 77, 0);		/* Fast is above its maximum */
	ck_assert_uint_eq(readings.count, 32);
	ck_assert_str_eq(readings.name, "V.Event");
	ck_assert(readings.value == 77);
	ck_assert_uint_eq(readings.time_ms, 5200);
	cpc_sampler_listen(sampler, NULL, NULL);
	frame(5300, 1, 1, 1, 0);
	ck_assert_uint_eq(readings.count, 32);
}
END_TEST

START_TEST(frame__counts_what_it_cannot_use)
{
	struct cpc_can_frame can = {.id = 99, .size = 8};
	const struct cpc_sampler_stats *stats = cpc_sampler_stats(sampler);

	cpc_sampler_frame(sampler, &can, 1);
	can.id = 1;
	can.extended = true;
	cpc_sampler_frame(sampler, &can, 1);
	can.extended = false;
	can.remote = true;
	cpc_sampler_frame(sampler, &can, 1);
	can.remote = false;
	can.error = true;
	cpc_sampler_frame(sampler, &can, 1);
	frame(1, 201, 0, 0, 0); /* above V.Fast's max */
	ck_assert_uint_eq(stats->frames, 5);
	ck_assert_uint_eq(stats->frames_unknown, 2);
	ck_assert_uint_eq(stats->frames_ignored, 2);
	ck_assert_uint_eq(stats->out_of_range, 1);
	ck_assert_uint_eq(stats->signals, 4);
	ck_assert_uint_eq(stats->signals_seen, 2); /* Slow and Event */
}
END_TEST

START_TEST(flush__last_change_is_not_lost)
{
	/* Changes within the interval, and then the bus is silent. */
	frame(0, 0, 0, 1, 0);
	frame(20, 0, 0, 2, 0);
	frame(40, 0, 0, 3, 0);
	flush(50);
	ck_assert_uint_eq(count_of(EVENT), 1);
	flush(1000);
	ck_assert_uint_eq(count_of(EVENT), 2);
	ck_assert_int_eq(last_of(EVENT)->value.raw, 3);
	ck_assert_uint_eq(last_of(EVENT)->time_ms, UNIX_MS + 40);
	flush(2000);
	ck_assert_uint_eq(count_of(EVENT), 2);
}
END_TEST

START_TEST(flush__a_change_back_within_the_interval_is_no_change)
{
	frame(0, 0, 0, 1, 0);
	frame(20, 0, 0, 2, 0);
	frame(40, 0, 0, 1, 0);
	flush(1000);
	ck_assert_uint_eq(count_of(EVENT), 1);
}
END_TEST

START_TEST(flush__silence_gives_no_payload)
{
	ck_assert_int_eq(cpc_sampler_flush(sampler, 0, UNIX_MS, read_payload, NULL), 0);
	frame(10, 0, 0, 0, 0);
	ck_assert_int_eq(cpc_sampler_flush(sampler, 1000, UNIX_MS, read_payload, NULL), 1);
	ck_assert_int_eq(cpc_sampler_flush(sampler, 2000, UNIX_MS, read_payload, NULL), 0);
}
END_TEST

START_TEST(flush__late_reader_learns_every_name_within_announce_ms)
{
	uint64_t t = 0;

	for (; t < 5000; t += 10) {
		frame(t, 1, 1, (uint8_t)t, 7);
		if (t % 1000 == 990)
			flush(t + 1);
	}
	cpc_record_reader_free(reader);
	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	for (; t < 16000; t += 10) {
		frame(t, 1, 1, (uint8_t)t, 7);
		if (t % 1000 == 990)
			flush(t + 1);
	}
	for (uint32_t index = FAST; index <= PAGED; index++)
		ck_assert_ptr_nonnull(last_of(index)->definition);
	ck_assert_uint_gt(unnamed, 0); /* else the reader was not late */
}
END_TEST

START_TEST(flush__stale_signals_are_counted)
{
	const struct cpc_sampler_stats *stats = cpc_sampler_stats(sampler);

	frame(0, 0, 0, 0, 0);
	flush(1000);
	ck_assert_uint_eq(stats->signals_stale, 0);
	flush(6000);
	ck_assert_uint_eq(stats->signals_stale, 3);
	frame(6000, 0, 0, 0, 0);
	flush(6001);
	ck_assert_uint_eq(stats->signals_stale, 0);
}
END_TEST

START_TEST(flush__full_period_holds_values_back)
{
	const struct cpc_sampler_stats *stats = cpc_sampler_stats(sampler);
	unsigned int before;

	for (unsigned int i = 0; i < CPC_SAMPLER_SAMPLES_MAX + 100; i++)
		frame(0, 0, (uint8_t)i, 0, 7); /* V.Paged has interval 0 */
	ck_assert_uint_gt(stats->samples_held, 0);
	flush(1000);
	ck_assert_uint_eq(stats->samples, CPC_SAMPLER_SAMPLES_MAX);
	before = count_of(PAGED);
	flush(2000); /* the last one held comes now */
	ck_assert_uint_eq(count_of(PAGED), before + 1);
	ck_assert_int_eq(last_of(PAGED)->value.raw, (uint8_t)(CPC_SAMPLER_SAMPLES_MAX + 99));
}
END_TEST

START_TEST(clock__step_back_is_counted_and_sampling_goes_on)
{
	const struct cpc_sampler_stats *stats = cpc_sampler_stats(sampler);

	for (uint64_t t = 0; t < 1000; t += 10)
		frame(1000000 + t, 1, 1, 1, 0);
	for (uint64_t t = 0; t < 1000; t += 10)
		frame(500 + t, 1, 1, 1, 0);
	ck_assert_uint_eq(stats->clock_jumps, 1);
	flush(1500);
	ck_assert_uint_ge(count_of(FAST), 19);
	ck_assert_uint_le(count_of(FAST), 21);
	ck_assert_uint_gt(cpc_sampler_next_ms(sampler), 1500);
	ck_assert_uint_le(cpc_sampler_next_ms(sampler), 2500);
}
END_TEST

START_TEST(clock__jitter_is_no_jump)
{
	frame(100, 1, 1, 1, 0);
	frame(60, 1, 1, 1, 0);
	frame(110, 1, 1, 1, 0);
	ck_assert_uint_eq(cpc_sampler_stats(sampler)->clock_jumps, 0);
}
END_TEST

START_TEST(clock__any_sequence_of_times_is_survived)
{
	static const uint64_t times[] = {
		0,	  UINT64_MAX, 1, UINT64_MAX / 2, 1000, 1ull << 63, 5,
		86400001, 90000000,   3, UINT64_MAX - 1, 0};

	for (unsigned int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
			frame(times[i], (uint8_t)i, (uint8_t)i, (uint8_t)i, 7);
			flush(times[(i * 5 + round) % (sizeof(times) / sizeof(times[0]))]);
		}
	}
	ck_assert_uint_gt(cpc_sampler_stats(sampler)->clock_jumps, 5);
	count = 0;
	/* And afterwards it samples as ever. */
	for (uint64_t t = 0; t < 10000; t += 10)
		frame(777000 + t, 1, 1, 1, 0);
	flush(787000);
	ck_assert_uint_ge(count_of(FAST), 99);
	ck_assert_uint_le(count_of(FAST), 102);
}
END_TEST

START_TEST(clock__wall_clock_step_is_counted)
{
	const struct cpc_sampler_stats *stats = cpc_sampler_stats(sampler);

	cpc_sampler_flush(sampler, 1000, UNIX_MS, read_payload, NULL);
	cpc_sampler_flush(sampler, 2000, UNIX_MS + 1000, read_payload, NULL);
	ck_assert_uint_eq(stats->clock_jumps, 0);
	cpc_sampler_flush(sampler, 3000, UNIX_MS - 3600000, read_payload, NULL);
	ck_assert_uint_eq(stats->clock_jumps, 1);
	cpc_sampler_flush(sampler, 4000, UNIX_MS - 3599000, read_payload, NULL);
	ck_assert_uint_eq(stats->clock_jumps, 1);
}
END_TEST

START_TEST(next_ms__beat_of_the_period)
{
	flush(100);
	ck_assert_uint_eq(cpc_sampler_next_ms(sampler), 1100);
	flush(1105); /* a little late: the beat stays */
	ck_assert_uint_eq(cpc_sampler_next_ms(sampler), 2100);
	flush(9000); /* much too late: a new beat */
	ck_assert_uint_eq(cpc_sampler_next_ms(sampler), 10000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sampler");
	TCase *tests = tcase_create("sampler");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, new__config_out_of_range, 0, 4);
	tcase_add_test(tests, frame__each_signal_at_its_interval);
	tcase_add_test(tests, frame__interval_keeps_its_beat_when_frames_do_not_fit_it);
	tcase_add_test(tests, frame__filter_selects_frames);
	tcase_add_test(tests, frame__readings_are_told_at_once);
	tcase_add_test(tests, frame__counts_what_it_cannot_use);
	tcase_add_test(tests, flush__last_change_is_not_lost);
	tcase_add_test(tests, flush__a_change_back_within_the_interval_is_no_change);
	tcase_add_test(tests, flush__silence_gives_no_payload);
	tcase_add_test(tests, flush__late_reader_learns_every_name_within_announce_ms);
	tcase_add_test(tests, flush__stale_signals_are_counted);
	tcase_add_test(tests, flush__full_period_holds_values_back);
	tcase_add_test(tests, clock__step_back_is_counted_and_sampling_goes_on);
	tcase_add_test(tests, clock__jitter_is_no_jump);
	tcase_add_test(tests, clock__any_sequence_of_times_is_survived);
	tcase_add_test(tests, clock__wall_clock_step_is_counted);
	tcase_add_test(tests, next_ms__beat_of_the_period);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
