// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does a reader get exactly what was packed, whatever the size of the payloads, and does it
 * learn nothing from bytes that are not a record?
 */
#include <check.h>
#include <errno.h>
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/dbc.h"
#include "agent/gateway/record.h"

enum { ITEMS_MAX = 4096, PAYLOADS_MAX = 512 };

static const struct cpc_definition definitions[] = {
	{"Vehicle.Speed", "km/h", CPC_FLOAT, false, 0.01, 0},
	{"Vehicle.Powertrain.TractionBattery.CurrentVoltage", "V", CPC_FLOAT, false, 0.125, 0},
	{"Vehicle.Powertrain.TractionBattery.CurrentCurrent", "A", CPC_DOUBLE, false, 1, 0},
	{"Vehicle.Powertrain.Transmission.SelectedGear", "", CPC_INT8, false, 1, 0},
	{"Vehicle.Body.IsOpen", "", CPC_BOOLEAN, false, 1, 0},
	{"Vehicle.State", "", CPC_STRING, false, 1, 0},
	{"Vehicle.Counter", "\xc2\xb0", CPC_UINT64, true, 1, 0},
};
enum { DEFINITIONS = sizeof(definitions) / sizeof(definitions[0]) };

struct payloads {
	unsigned int count;
	size_t sizes[PAYLOADS_MAX];
	uint8_t bytes[PAYLOADS_MAX][1024];
	size_t largest;
};

struct items {
	unsigned int count;
	struct cpc_record_item items[ITEMS_MAX];
	char texts[ITEMS_MAX][64];
};

static struct payloads payloads;
static struct items items;
static struct cpc_record_dictionary dictionary;
static const struct cpc_definition *pointers[DEFINITIONS];

static void setup(void)
{
	for (int i = 0; i < DEFINITIONS; i++)
		pointers[i] = &definitions[i];
	dictionary = (struct cpc_record_dictionary){pointers, DEFINITIONS,
						    cpc_record_tag(pointers, DEFINITIONS)};
	memset(&payloads, 0, sizeof(payloads));
	memset(&items, 0, sizeof(items));
}

static void keep_payload(void *context, const uint8_t *payload, size_t size)
{
	(void)context;
	ck_assert_uint_lt(payloads.count, PAYLOADS_MAX);
	memcpy(payloads.bytes[payloads.count], payload, size);
	payloads.sizes[payloads.count++] = size;
	if (size > payloads.largest)
		payloads.largest = size;
}

static void keep_item(void *context, const struct cpc_record_item *item)
{
	(void)context;
	ck_assert_uint_lt(items.count, ITEMS_MAX);
	items.items[items.count] = *item;
	if (item->value.kind == CPC_VALUE_TEXT)
		strcpy(items.texts[items.count], item->value.text);
	items.count++;
}

static void pack(struct cpc_record_sample *samples, uint32_t count, uint32_t announced, size_t max)
{
	static const uint32_t announce[DEFINITIONS] = {0, 1, 2, 3, 4, 5, 6};

	ck_assert_int_ge(cpc_record_pack(&dictionary, announce, announced, samples, count, max,
					 keep_payload, NULL),
			 0);
	ck_assert_uint_le(payloads.largest, max);
}

static void read_all(struct cpc_record_reader *reader)
{
	struct cpc_error error = {""};

	for (unsigned int i = 0; i < payloads.count; i++) {
		int r = cpc_record_decode(reader, payloads.bytes[i], payloads.sizes[i], keep_item,
					NULL, &error);

		ck_assert_msg(r >= 0, "%s", error.text);
	}
}

static struct cpc_value raw(int64_t number)
{
	return (struct cpc_value){.kind = CPC_VALUE_RAW, .raw = number};
}

static struct cpc_value number(double value)
{
	return (struct cpc_value){.kind = CPC_VALUE_NUMBER, .number = value};
}

static struct cpc_value text(const char *value)
{
	return (struct cpc_value){.kind = CPC_VALUE_TEXT, .text = value};
}

START_TEST(tag__differs_with_every_part_of_a_definition)
{
	const struct cpc_definition base = {"a", "b", CPC_FLOAT, false, 2, 3};
	const struct cpc_definition others[] = {
		{"c", "b", CPC_FLOAT, false, 2, 3},  {"a", "c", CPC_FLOAT, false, 2, 3},
		{"a", "b", CPC_DOUBLE, false, 2, 3}, {"a", "b", CPC_FLOAT, true, 2, 3},
		{"a", "b", CPC_FLOAT, false, 4, 3},  {"a", "b", CPC_FLOAT, false, 2, 4},
		{"ab", "", CPC_FLOAT, false, 2, 3},
	};
	const struct cpc_definition *one = &base;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct cpc_definition *other = &others[i];

		ck_assert_uint_ne(cpc_record_tag(&one, 1), cpc_record_tag(&other, 1));
	}
}
END_TEST

START_TEST(pack__nothing_gives_no_payload)
{
	pack(NULL, 0, 0, 512);
	ck_assert_uint_eq(payloads.count, 0);
}
END_TEST

START_TEST(pack__payload_max_outside_its_range)
{
	ck_assert_int_eq(cpc_record_pack(&dictionary, NULL, 0, NULL, 0, 127, keep_payload, NULL),
			 -EINVAL);
	ck_assert_int_eq(cpc_record_pack(&dictionary, NULL, 0, NULL, 0, 65536, keep_payload, NULL),
			 -EINVAL);
}
END_TEST

/* The exact bytes of a small record: what is on the wire must not change by accident. */
START_TEST(pack__golden_bytes)
{
	struct cpc_record_sample samples[] = {
		{.index = 0, .time_ms = 1100, .value = raw(300)},
		{.index = 3, .time_ms = 1050, .value = raw(-1)},
		{.index = 0, .time_ms = 1000, .value = raw(299)},
	};
	static const uint8_t wanted[] = {
		'V',  '1',  0,	  0,	0, 0,	    /* tag: below */
		0xe8, 3,    0,	  0,	0, 0, 0, 0, /* base 1000 */
		0x00, 0x01,			    /* signal 0: two raw samples */
		0x00, 0xd6, 0x04,		    /* +0 ms, zigzag 598 */
		0x64, 0x02,			    /* +100 ms, +1 */
		0x06, 0x00, 0x32, 0x01,		    /* signal 3: one, +50 ms, -1 */
	};

	pack(samples, 3, 0, 512);
	ck_assert_uint_eq(payloads.count, 1);
	ck_assert_uint_eq(payloads.sizes[0], sizeof(wanted));
	memset(payloads.bytes[0] + 2, 0, 4);
	ck_assert_mem_eq(payloads.bytes[0], wanted, sizeof(wanted));
}
END_TEST

START_TEST(read__every_kind_of_value_comes_back_exactly)
{
	const struct cpc_value values[] = {
		raw(0),
		raw(12077),
		raw(INT64_MIN),
		raw(INT64_MAX),
		raw(-1),
		number(0.1),
		number(0.5),
		number(-DBL_MAX),
		number(DBL_MIN),
		number(FLT_MAX),
		number(1e300),
		text(""),
		text("PARK"),
		text("123456789012345678901234567890123456789012345678901234567890123"),
	};
	enum { COUNT = sizeof(values) / sizeof(values[0]) };
	struct cpc_record_sample samples[COUNT];
	struct cpc_record_reader *reader = NULL;

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	for (int i = 0; i < COUNT; i++)
		samples[i] =
			(struct cpc_record_sample){.index = 2, .time_ms = 5, .value = values[i]};
	pack(samples, COUNT, DEFINITIONS, 512);
	read_all(reader);
	ck_assert_uint_eq(items.count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		struct cpc_value value = items.items[i].value;

		value.text = items.texts[i];
		ck_assert_uint_eq(items.items[i].time_ms, 5);
		ck_assert_str_eq(items.items[i].definition->path, definitions[2].path);
		ck_assert_msg(cpc_value_equal(&value, &values[i]), "value %d", i);
	}
	cpc_record_reader_free(reader);
}
END_TEST

static int compare(const void *a, const void *b)
{
	const struct cpc_record_sample *left = a, *right = b;

	if (left->index != right->index)
		return left->index < right->index ? -1 : 1;
	return left->time_ms < right->time_ms ? -1 : left->time_ms > right->time_ms;
}

/* Whatever the payload size, all samples arrive, in order, with their names. */
START_TEST(read__random_batches_round_trip)
{
	static const size_t sizes[] = {128, 130, 200, 512, 1024};
	struct cpc_record_sample samples[700], copy[700];
	struct cpc_record_reader *reader = NULL;
	unsigned int seed = (unsigned int)_i + 1;

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	for (uint32_t i = 0; i < 700; i++) {
		uint32_t index = (uint32_t)rand_r(&seed) % DEFINITIONS;
		int64_t value = (int64_t)rand_r(&seed) << (rand_r(&seed) % 33);

		samples[i] = (struct cpc_record_sample){
			.index = index,
			/* No two alike, so that the order is defined. */
			.time_ms = 1700000000000 + (uint64_t)(rand_r(&seed) % 1000) * 1000 + i,
			.value = index == 5	     ? text("OFF")
				 : rand_r(&seed) % 4 ? raw(rand_r(&seed) & 1 ? value : -value)
						     : number((double)value / 3),
		};
	}
	memcpy(copy, samples, sizeof(samples));
	qsort(copy, 700, sizeof(copy[0]), compare);
	pack(samples, 700, DEFINITIONS, sizes[_i % 5]);
	read_all(reader);
	ck_assert_uint_eq(items.count, 700);
	for (uint32_t i = 0; i < 700; i++) {
		struct cpc_value value = items.items[i].value;

		value.text = items.texts[i];
		ck_assert_uint_eq(items.items[i].index, copy[i].index);
		ck_assert_uint_eq(items.items[i].time_ms, copy[i].time_ms);
		ck_assert(cpc_value_equal(&value, &copy[i].value));
		ck_assert_ptr_nonnull(items.items[i].definition);
	}
	cpc_record_reader_free(reader);
}
END_TEST

START_TEST(read__definitions_come_back)
{
	struct cpc_record_reader *reader = NULL;
	struct cpc_record_sample samples[DEFINITIONS];

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	for (uint32_t i = 0; i < DEFINITIONS; i++)
		samples[i] = (struct cpc_record_sample){.index = i, .value = raw(1)};
	pack(samples, DEFINITIONS, DEFINITIONS, 128);
	ck_assert_uint_gt(payloads.count, 1);
	read_all(reader);
	for (uint32_t i = 0; i < DEFINITIONS; i++) {
		const struct cpc_definition *got = items.items[i].definition;

		ck_assert_str_eq(got->path, definitions[i].path);
		ck_assert_str_eq(got->unit, definitions[i].unit);
		ck_assert_int_eq(got->datatype, definitions[i].datatype);
		ck_assert(got->raw_unsigned == definitions[i].raw_unsigned);
		ck_assert_double_eq(got->factor, definitions[i].factor);
		ck_assert_double_eq(got->offset, definitions[i].offset);
	}
	cpc_record_reader_free(reader);
}
END_TEST

START_TEST(read__late_reader_gets_values_first_and_names_later)
{
	struct cpc_record_sample sample = {.index = 0, .time_ms = 9, .value = raw(4)};
	struct cpc_record_reader *reader = NULL;

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	pack(&sample, 1, 0, 512);
	pack(&sample, 1, 1, 512);
	pack(&sample, 1, 0, 512);
	read_all(reader);
	ck_assert_ptr_null(items.items[0].definition);
	ck_assert_uint_eq(items.items[0].dictionary, dictionary.tag);
	ck_assert_ptr_nonnull(items.items[1].definition);
	ck_assert_ptr_nonnull(items.items[2].definition);
	cpc_record_reader_free(reader);
}
END_TEST

START_TEST(read__two_dictionaries_do_not_mix)
{
	struct cpc_record_sample sample = {.index = 0, .time_ms = 9, .value = raw(4)};
	struct cpc_record_reader *reader = NULL;

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	pack(&sample, 1, 1, 512);
	dictionary.tag++; /* restarted with another overlay */
	pack(&sample, 1, 0, 512);
	dictionary.tag--;
	pack(&sample, 1, 0, 512);
	read_all(reader);
	ck_assert_ptr_nonnull(items.items[0].definition);
	ck_assert_ptr_null(items.items[1].definition);
	ck_assert_ptr_nonnull(items.items[2].definition);
	cpc_record_reader_free(reader);
}
END_TEST

/* Cut anywhere, a record is refused or gives a beginning of the same samples, never others. */
START_TEST(read__truncated)
{
	struct cpc_record_sample samples[] = {
		{.index = 0, .time_ms = 9, .value = raw(400)},
		{.index = 2, .time_ms = 9, .value = number(0.1)},
		{.index = 5, .time_ms = 9, .value = text("PARK")},
	};
	struct cpc_record_reader *reader = NULL;
	struct cpc_error error;

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	pack(samples, 3, DEFINITIONS, 1024);
	ck_assert_uint_eq(payloads.count, 1);
	for (size_t size = 0; size < payloads.sizes[0]; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		int r;

		memcpy(copy, payloads.bytes[0], size);
		items.count = 0;
		error.text[0] = '\0';
		r = cpc_record_decode(reader, copy, size, keep_item, NULL, &error);
		ck_assert(r >= 0 || (r == -EINVAL && error.text[0]));
		ck_assert_uint_eq(items.count, r > 0 ? (unsigned int)r : 0);
		ck_assert_uint_lt(items.count, 3);
		free(copy);
	}
	cpc_record_reader_free(reader);
}
END_TEST

#define HEADER "V1\0\0\0\0\0\0\0\0\0\0\0\0"
#define BAD(bytes)                       \
	{                                \
		bytes, sizeof(bytes) - 1 \
	}

static const struct {
	const char *bytes;
	size_t size;
} malformed[] = {
	BAD(""),
	BAD("V1"),
	BAD("V2\0\0\0\0\0\0\0\0\0\0\0\0"),
	BAD(HEADER "\x00"),		/* no shape */
	BAD(HEADER "\x00\x80\x00\x00"), /* an unknown kind of value */
	BAD(HEADER "\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00"),	    /* 65 bits */
	BAD(HEADER "\x00\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), /* time */
	BAD(HEADER "\x80\x40\x00\x00\x00"),		/* signal 4096 */
	BAD(HEADER "\x00\x20\x00\0\0\0\0\0\0\xf0\x7f"), /* infinity */
	BAD(HEADER "\x00\x60\x00\x01\x07"),		/* a control byte in a text */
	BAD(HEADER "\x00\x60\x00\x02\xc3\x28"),		/* not UTF-8 */
	BAD(HEADER "\x01\x00\x00\x00\x0a"),		/* an empty path */
	BAD(HEADER "\x01\x01\x01V\x00\x0a"),		/* shares more than there was */
	BAD(HEADER "\x01\x00\x01V\x00\x0c"),		/* an unknown datatype */
	BAD(HEADER "\x01\x00\x01V\x00\x4a"),		/* an unknown flag */
	BAD(HEADER "\x01\x00\x01V\x40"),		/* a unit of 64 bytes */
	BAD(HEADER "\x01\x00\x01V\x00\x1a\0\0\0\0\0\0\xf8\x7f\0\0\0\0\0\0\0\0"), /* NaN */
};

START_TEST(read__malformed_is_refused_without_effect)
{
	struct cpc_record_reader *reader = NULL;
	struct cpc_error error = {""};
	uint8_t bytes[64];

	ck_assert_int_eq(cpc_record_reader_new(&reader), 0);
	memcpy(bytes, malformed[_i].bytes, malformed[_i].size);
	ck_assert_int_eq(
		cpc_record_decode(reader, bytes, malformed[_i].size, keep_item, NULL, &error),
		-EINVAL);
	ck_assert_uint_eq(items.count, 0);
	ck_assert_uint_gt(strlen(error.text), 10);
	cpc_record_reader_free(reader);
}
END_TEST

START_TEST(format__lines_and_json)
{
	static const struct {
		uint32_t index;
		struct cpc_value value;
		const char *line, *json;
	} cases[] = {
		{0,
		 {.kind = CPC_VALUE_RAW, .raw = 12077},
		 "2023-11-14T22:13:20.007Z Vehicle.Speed 120.77 km/h",
		 "120.77"},
		{2,
		 {.kind = CPC_VALUE_NUMBER, .number = 0.1},
		 "2023-11-14T22:13:20.007Z Vehicle.Powertrain.TractionBattery.CurrentCurrent 0.1 A",
		 "0.1"},
		{3,
		 {.kind = CPC_VALUE_RAW, .raw = -1},
		 "2023-11-14T22:13:20.007Z Vehicle.Powertrain.Transmission.SelectedGear -1",
		 "-1"},
		{4,
		 {.kind = CPC_VALUE_RAW, .raw = 1},
		 "2023-11-14T22:13:20.007Z Vehicle.Body.IsOpen true",
		 "true"},
		{5,
		 {.kind = CPC_VALUE_TEXT, .text = "OFF"},
		 "2023-11-14T22:13:20.007Z Vehicle.State OFF",
		 "\"OFF\""},
		{6,
		 {.kind = CPC_VALUE_RAW, .raw = -1},
		 "2023-11-14T22:13:20.007Z Vehicle.Counter 18446744073709551615 \xc2\xb0",
		 "1.84467440737096e19"},
	};
	struct cpc_record_item item = {
		.definition = &definitions[cases[_i].index],
		.time_ms = 1700000000007,
		.value = cases[_i].value,
	};
	json_t *json = cpc_record_json(&item);
	char line[512], *value;

	cpc_record_format(&item, line, sizeof(line));
	ck_assert_str_eq(line, cases[_i].line);
	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(json_string_value(json_object_get(json, "signal")), item.definition->path);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "time_ms")), 1700000000007);
	value = json_dumps(json_object_get(json, "value"),
			   JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	ck_assert_str_eq(value, cases[_i].json);
	free(value);
	json_decref(json);
}
END_TEST

START_TEST(format__unknown_signal)
{
	struct cpc_record_item item = {.dictionary = 0xabc, .index = 7, .value = raw(5)};
	json_t *json = cpc_record_json(&item);
	char line[512];

	cpc_record_format(&item, line, sizeof(line));
	ck_assert_str_eq(line, "1970-01-01T00:00:00.000Z signal-00000abc-7 5");
	ck_assert(json_is_null(json_object_get(json, "signal")));
	ck_assert_int_eq(json_integer_value(json_object_get(json, "index")), 7);
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tests = tcase_create("record");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, tag__differs_with_every_part_of_a_definition);
	tcase_add_test(tests, pack__nothing_gives_no_payload);
	tcase_add_test(tests, pack__payload_max_outside_its_range);
	tcase_add_test(tests, pack__golden_bytes);
	tcase_add_test(tests, read__every_kind_of_value_comes_back_exactly);
	tcase_add_loop_test(tests, read__random_batches_round_trip, 0, 40);
	tcase_add_test(tests, read__definitions_come_back);
	tcase_add_test(tests, read__late_reader_gets_values_first_and_names_later);
	tcase_add_test(tests, read__two_dictionaries_do_not_mix);
	tcase_add_test(tests, read__truncated);
	tcase_add_loop_test(tests, read__malformed_is_refused_without_effect, 0,
			    sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_loop_test(tests, format__lines_and_json, 0, 6);
	tcase_add_test(tests, format__unknown_signal);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
