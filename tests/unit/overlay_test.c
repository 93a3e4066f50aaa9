// SPDX-License-Identifier: BSD-3-Clause
/* Does an overlay map what its author wrote, and name path and value of what it cannot? */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/overlay.h"
#include "agent/util/cleanup.h"

static const char dbc_text[] = "BO_ 1 Motor: 8 X\n"
			       " SG_ Speed : 7|16@0- (0.5,0) [0|0] \"rpm\" X\n"
			       " SG_ Gear : 16|4@1+ (1,0) [0|0] \"\" X\n"
			       " SG_ Page : 20|4@1+ (1,0) [0|0] \"\" X\n"
			       " SG_ Long : 24|8@1+ (1,0) [0|0] \"\xb0\x43\" X\n"
			       "BO_ 2 Body: 8 X\n"
			       " SG_ Speed : 0|8@1+ (1,0) [0|0] \"\" X\n"
			       " SG_ Door : 8|2@1+ (1,0) [0|0] \"\" X\n"
			       "VAL_ 1 Gear 0 \"Park\" 1 \"Reverse\" ;\n";

static struct cpc_dbc *dbc;

static void setup(void)
{
	ck_assert_int_eq(cpc_dbc_new(dbc_text, strlen(dbc_text), &dbc, NULL), 0);
}

static void teardown(void)
{
	cpc_dbc_free(dbc);
}

static struct cpc_overlay *load(const char *json)
{
	struct cpc_overlay *overlay = NULL;
	struct cpc_error error = {""};
	int r = cpc_overlay_new(json, strlen(json), dbc, &overlay, &error);

	ck_assert_msg(r == 0, "%d: %s", r, error.text);
	return overlay;
}

/* What the only signal of an overlay makes of a frame, as text; or the error. */
static const char *map(const struct cpc_overlay *overlay, const uint8_t frame[8])
{
	const struct cpc_overlay_signal *signal = &overlay->signals[0];
	struct cpc_dbc_reading reading;
	static char text[64];
	struct cpc_value value;
	int r;

	ck_assert_int_eq(cpc_dbc_read(dbc, signal->source, frame, 8, &reading), 0);
	r = cpc_overlay_map(overlay, signal, &reading, &value);
	if (r == -ENOMSG)
		return "unmapped";
	if (r == -ERANGE)
		return "out of range";
	ck_assert_int_eq(r, 0);
	cpc_value_format(&signal->definition, &value, text, sizeof(text));
	return text;
}

START_TEST(new__tree_and_flat_mean_the_same)
{
	static const char *const texts[] = {
		"{\"Vehicle\":{\"type\":\"branch\",\"children\":{\"A\":{\"children\":{\"Rpm\":"
		"{\"datatype\":\"float\",\"dbc2vss\":{\"signal\":\"Motor.Speed\"}},"
		"\"Unmapped\":{\"datatype\":\"float\"}}}}}}",
		"{\"Vehicle.A.Rpm\":{\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\"},"
		"\"vss2dbc\":{\"signal\":\"Ignored\"}}}",
	};

	for (int i = 0; i < 2; i++) {
		struct cpc_overlay *overlay = load(texts[i]);

		ck_assert_uint_eq(overlay->signal_count, 1);
		ck_assert_str_eq(overlay->signals[0].definition.path, "Vehicle.A.Rpm");
		ck_assert_str_eq(overlay->signals[0].definition.unit, "rpm");
		ck_assert_uint_eq(overlay->signals[0].interval_ms, 1000);
		ck_assert(!overlay->signals[0].on_change);
		ck_assert_ptr_eq(overlay->signals[0].source, &dbc->signals[0]);
		cpc_overlay_free(overlay);
	}
}
END_TEST

START_TEST(new__interval_and_on_change)
{
	static const struct {
		const char *json;
		uint32_t interval_ms;
		bool on_change;
	} cases[] = {
		{"{\"V\":{\"dbc\":{\"signal\":\"Door\"}}}", 1000, false},
		{"{\"V\":{\"dbc\":{\"signal\":\"Door\",\"on_change\":true}}}", 0, true},
		{"{\"V\":{\"dbc\":{\"signal\":\"Door\",\"on_change\":\"yes\"}}}", 0, true},
		{"{\"V\":{\"dbc\":{\"signal\":\"Door\",\"on_change\":\"no\"}}}", 1000, false},
		{"{\"V\":{\"dbc\":{\"signal\":\"Door\",\"on_change\":true,\"interval_ms\":50}}}",
		 50, true},
	};
	struct cpc_overlay *overlay = load(cases[_i].json);

	ck_assert_uint_eq(overlay->signals[0].interval_ms, cases[_i].interval_ms);
	ck_assert(overlay->signals[0].on_change == cases[_i].on_change);
	cpc_overlay_free(overlay);
}
END_TEST

#define ONE(rest) "{\"Vehicle.X\":{" rest "}}"

static const struct {
	const char *json;
	int error;
	const char *part;
} refusals[] = {
	{"{", -EINVAL, "line 1, column"},
	{"[]", -EINVAL, "not an object"},
	{"{}", -EINVAL, "no signal"},
	{"{\"a\":1}", -EINVAL, "a: not a VSS node: 1"},
	{"{\"a\":{\"dbc\":{\"signal\":\"Door\"},\"dbc\":1}}", -EINVAL, "duplicate"},
	{ONE("\"dbc\":{\"signal\":\"Nope\"}"), -ENOENT,
	 "Vehicle.X: the DBC has no usable signal 'Nope'"},
	{ONE("\"dbc\":{\"signal\":\"Body.Gear\"}"), -ENOENT, "'Body.Gear'"},
	{ONE("\"dbc\":{\"signal\":\"Speed\"}"), -EEXIST, "write Motor.Speed or Body.Speed"},
	{ONE("\"dbc\":{}"), -EINVAL, "Vehicle.X: the mapping does not name a signal"},
	{ONE("\"dbc\":{\"signal\":\"Door\"},\"dbc2vss\":{\"signal\":\"Door\"}"), -EINVAL, "both"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"intervall\":5}"), -EINVAL,
	 "Vehicle.X: unknown in a mapping: \"intervall\""},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"interval_ms\":-5}"), -EINVAL,
	 "Vehicle.X: interval_ms"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"interval_ms\":\"5\"}"), -EINVAL, ": \"5\""},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"on_change\":3}"), -EINVAL, "on_change"},
	{ONE("\"datatype\":\"uint9\",\"dbc\":{\"signal\":\"Door\"}"), -EINVAL, "\"uint9\""},
	{ONE("\"datatype\":\"uint8[]\",\"dbc\":{\"signal\":\"Door\"}"), -EINVAL, "\"uint8[]\""},
	{ONE("\"datatype\":\"uint8\",\"min\":300,\"dbc\":{\"signal\":\"Door\"}"), -EINVAL, "300"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"transform\":{\"math\":\"x +\"}}"), -EINVAL,
	 "Vehicle.X: math 'x +'"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"transform\":{\"maths\":\"x\"}}"), -EINVAL, "maths"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"transform\":{\"mapping\":[]}}"), -EINVAL, "list"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"transform\":{\"mapping\":[{\"from\":1}]}}"), -EINVAL,
	 "without from or to: {\"from\":1}"},
	{ONE("\"datatype\":\"int8\",\"dbc\":{\"signal\":\"Door\",\"transform\":{\"mapping\":"
	     "[{\"from\":1,\"to\":200}]}}"),
	 -EINVAL, "outside the datatype or min and max: 200"},
	{ONE("\"datatype\":\"int8\",\"dbc\":{\"signal\":\"Door\",\"transform\":{\"mapping\":"
	     "[{\"from\":1,\"to\":1.5}]}}"),
	 -EINVAL, "not a whole number: 1.5"},
	{ONE("\"datatype\":\"string\",\"dbc\":{\"signal\":\"Door\",\"transform\":{\"mapping\":"
	     "[{\"from\":1,\"to\":2}]}}"),
	 -EINVAL, "not a string: 2"},
	{ONE("\"dbc\":{\"signal\":\"Door\",\"multiplexer\":[{\"signal\":\"Page\",\"value\":1}]}"),
	 -EINVAL, "not in the same message"},
	{"{\"V.X\":{\"dbc\":{\"signal\":\"Door\"}},"
	 "\"V\":{\"children\":{\"X\":{\"dbc\":{\"signal\":\"Door\"}}}}}",
	 -EINVAL, "V.X: mapped twice"},
};

START_TEST(new__refusal_names_path_and_value)
{
	struct cpc_overlay *overlay = NULL;
	struct cpc_error error = {""};
	int r = cpc_overlay_new(refusals[_i].json, strlen(refusals[_i].json), dbc, &overlay,
				&error);

	ck_assert_msg(r == refusals[_i].error, "%d: %s", r, error.text);
	ck_assert_ptr_null(overlay);
	ck_assert_msg(strstr(error.text, refusals[_i].part), "%s", error.text);
}
END_TEST

START_TEST(new__too_many_signals)
{
	CPC_FREE char *text = NULL;
	struct cpc_overlay *overlay = NULL;
	struct cpc_error error;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	for (int i = 0; i <= CPC_OVERLAY_SIGNALS_MAX; i++)
		fprintf(file, "%c\"V.S%d\":{\"dbc\":{\"signal\":\"Door\"}}", i ? ',' : '{', i);
	fprintf(file, "}");
	fclose(file);
	ck_assert_int_eq(cpc_overlay_new(text, size, dbc, &overlay, &error), -E2BIG);
	ck_assert_ptr_nonnull(strstr(error.text, "4096"));
}
END_TEST

START_TEST(new__unknown_description_is_a_warning)
{
	struct cpc_overlay *overlay =
		load(ONE("\"dbc\":{\"signal\":\"Gear\",\"transform\":{\"mapping\":"
			 "[{\"from\":\"Parc\",\"to\":1}]}}"));

	ck_assert_uint_eq(overlay->warning_total, 1);
	ck_assert_ptr_nonnull(strstr(overlay->warnings[0], "Vehicle.X"));
	ck_assert_ptr_nonnull(strstr(overlay->warnings[0], "'Parc'"));
	cpc_overlay_free(overlay);
}
END_TEST

static const struct {
	const char *json;
	uint8_t frame[8];
	const char *wanted;
} maps[] = {
	/* -2 x 0.5 */
	{ONE("\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\"}"), {0xff, 0xfe}, "-1"},
	{ONE("\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\"}"), {0, 3}, "1.5"},
	/* whole numbers only: rounded */
	{ONE("\"datatype\":\"int16\",\"dbc\":{\"signal\":\"Motor.Speed\"}"), {0, 3}, "2"},
	{ONE("\"datatype\":\"uint16\",\"dbc\":{\"signal\":\"Motor.Speed\"}"),
	 {0xff, 0xfe},
	 "out of range"},
	{ONE("\"datatype\":\"int8\",\"dbc\":{\"signal\":\"Motor.Speed\"}"), {1, 0}, "out of range"},
	{ONE("\"datatype\":\"float\",\"max\":1,\"dbc\":{\"signal\":\"Motor.Speed\"}"),
	 {0, 3},
	 "out of range"},
	{ONE("\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\",\"transform\":"
	     "{\"math\":\"x / 10 + 1\"}}"),
	 {0, 3},
	 "1.15"},
	{ONE("\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\",\"transform\":"
	     "{\"math\":\"1 / x\"}}"),
	 {0, 4},
	 "0.5"},
	{ONE("\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\",\"transform\":"
	     "{\"math\":\"1 / x\"}}"),
	 {0, 0},
	 "out of range"},
	{ONE("\"datatype\":\"boolean\",\"dbc\":{\"signal\":\"Door\"}"), {0, 1}, "true"},
	{ONE("\"datatype\":\"boolean\",\"dbc\":{\"signal\":\"Door\"}"), {0, 2}, "out of range"},
	{ONE("\"datatype\":\"string\",\"dbc\":{\"signal\":\"Gear\"}"), {0, 0, 1}, "Reverse"},
	{ONE("\"datatype\":\"string\",\"dbc\":{\"signal\":\"Gear\"}"), {0, 0, 5}, "unmapped"},
	{ONE("\"datatype\":\"string\",\"dbc\":{\"signal\":\"Gear\",\"transform\":{\"mapping\":"
	     "[{\"from\":\"Park\",\"to\":\"P\"},{\"from\":7,\"to\":\"7th\"}]}}"),
	 {0, 0, 7},
	 "7th"},
	{ONE("\"datatype\":\"int8\",\"dbc\":{\"signal\":\"Gear\",\"transform\":{\"mapping\":"
	     "[{\"from\":\"Park\",\"to\":126},{\"from\":\"Reverse\",\"to\":-1}]}}"),
	 {0, 0, 1},
	 "-1"},
	{ONE("\"datatype\":\"int8\",\"dbc\":{\"signal\":\"Gear\",\"transform\":{\"mapping\":"
	     "[{\"from\":\"Park\",\"to\":126},{\"from\":\"Reverse\",\"to\":-1}]}}"),
	 {0, 0, 9},
	 "unmapped"},
	{ONE("\"datatype\":\"boolean\",\"dbc\":{\"signal\":\"Gear\",\"transform\":{\"mapping\":"
	     "[{\"from\":\"Park\",\"to\":true},{\"from\":1,\"to\":false}]}}"),
	 {0, 0, 0},
	 "true"},
};

START_TEST(map__value)
{
	struct cpc_overlay *overlay = load(maps[_i].json);

	ck_assert_str_eq(map(overlay, maps[_i].frame), maps[_i].wanted);
	cpc_overlay_free(overlay);
}
END_TEST

START_TEST(map__linear_formula_keeps_the_raw_number)
{
	struct cpc_overlay *overlay =
		load(ONE("\"datatype\":\"float\",\"dbc\":{\"signal\":\"Motor.Speed\","
			 "\"transform\":{\"math\":\"(x - 3) * 0.1\"}}"));
	const struct cpc_overlay_signal *signal = &overlay->signals[0];
	struct cpc_dbc_reading reading;
	struct cpc_value value;

	for (int raw = -32768; raw < 32768; raw++) {
		uint8_t frame[8] = {(uint8_t)(raw >> 8), (uint8_t)raw};
		double x = raw * 0.5;

		ck_assert_int_eq(cpc_dbc_read(dbc, signal->source, frame, 8, &reading), 0);
		ck_assert_int_eq(cpc_overlay_map(overlay, signal, &reading, &value), 0);
		ck_assert_int_eq(value.kind, CPC_VALUE_RAW);
		ck_assert_int_eq(value.raw, raw);
		ck_assert_double_eq_tol(cpc_value_number(&signal->definition, &value),
					(x - 3) * 0.1, 1e-9);
	}
	cpc_overlay_free(overlay);
}
END_TEST

START_TEST(from_dbc__every_signal_by_its_own_name)
{
	struct cpc_overlay *overlay = NULL;
	const struct cpc_definition *definition;

	ck_assert_int_eq(cpc_overlay_from_dbc(dbc, 700, &overlay, NULL), 0);
	ck_assert_uint_eq(overlay->signal_count, 6);
	definition = &overlay->signals[0].definition;
	ck_assert_str_eq(definition->path, "Vehicle.CAN.Motor.Speed");
	ck_assert_str_eq(definition->unit, "rpm");
	ck_assert_int_eq(definition->datatype, CPC_FLOAT);
	ck_assert_int_eq(overlay->signals[1].definition.datatype, CPC_UINT8);
	ck_assert_str_eq(overlay->signals[3].definition.unit, "\xc2\xb0\x43");
	ck_assert_str_eq(overlay->signals[4].definition.path, "Vehicle.CAN.Body.Speed");
	ck_assert_uint_eq(overlay->signals[4].interval_ms, 700);
	/* The index by message holds each once. */
	ck_assert_uint_eq(overlay->first_of[0], 0);
	ck_assert_uint_eq(overlay->first_of[1], 4);
	ck_assert_uint_eq(overlay->first_of[2], 6);
	for (uint32_t i = 0; i < 6; i++)
		ck_assert_uint_eq(overlay->by_message[i], i);
	cpc_overlay_free(overlay);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("overlay");
	TCase *tests = tcase_create("overlay");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, new__tree_and_flat_mean_the_same);
	tcase_add_loop_test(tests, new__interval_and_on_change, 0, 5);
	tcase_add_loop_test(tests, new__refusal_names_path_and_value, 0, COUNT(refusals));
	tcase_add_test(tests, new__too_many_signals);
	tcase_add_test(tests, new__unknown_description_is_a_warning);
	tcase_add_loop_test(tests, map__value, 0, COUNT(maps));
	tcase_add_test(tests, map__linear_formula_keeps_the_raw_number);
	tcase_add_test(tests, from_dbc__every_signal_by_its_own_name);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
