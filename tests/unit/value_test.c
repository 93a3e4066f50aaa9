// SPDX-License-Identifier: BSD-3-Clause
/* Are values printed so that they read back the same, and texts judged as RFC 3629 does? */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/value.h"

START_TEST(datatype__names_and_ranges)
{
	enum cpc_datatype datatype;
	double min, max;

	for (enum cpc_datatype i = 0; i < CPC_DATATYPES; i++) {
		ck_assert_int_eq(cpc_datatype_parse(cpc_datatype_name(i), &datatype), 0);
		ck_assert_int_eq(datatype, i);
	}
	ck_assert_int_eq(cpc_datatype_parse("uint24", &datatype), -EINVAL);
	cpc_datatype_range(CPC_INT8, &min, &max);
	ck_assert_double_eq(min, -128);
	ck_assert_double_eq(max, 127);
	/* The limits of 64 bits must convert back without overflow. */
	cpc_datatype_range(CPC_INT64, &min, &max);
	ck_assert(max < 0x1p63 && min >= -0x1p63);
	cpc_datatype_range(CPC_UINT64, &min, &max);
	ck_assert(max < 0x1p64);
}
END_TEST

/* 0.01 steps: the printed text is what a person would write, and exact for its type. */
START_TEST(format__every_step_reads_back)
{
	struct cpc_definition definition = {"V", "", CPC_FLOAT, false, 0.01, 0};
	char text[64];

	for (int64_t raw = 0; raw <= 30000; raw++) {
		struct cpc_value value = {.kind = CPC_VALUE_RAW, .raw = raw};
		double number = cpc_value_number(&definition, &value);

		definition.datatype = CPC_FLOAT;
		cpc_value_format(&definition, &value, text, sizeof(text));
		ck_assert(strtof(text, NULL) == (float)number);
		ck_assert_uint_le(strlen(text), 6);
		definition.datatype = CPC_DOUBLE;
		cpc_value_format(&definition, &value, text, sizeof(text));
		ck_assert(strtod(text, NULL) == number);
	}
}
END_TEST

START_TEST(format__large_integers_are_exact)
{
	struct cpc_definition definition = {"V", "", CPC_INT64, false, 1, 0};
	struct cpc_value value = {.kind = CPC_VALUE_RAW, .raw = INT64_MIN};
	char text[64];

	cpc_value_format(&definition, &value, text, sizeof(text));
	ck_assert_str_eq(text, "-9223372036854775808");
	definition.raw_unsigned = true;
	value.raw = -1;
	cpc_value_format(&definition, &value, text, sizeof(text));
	ck_assert_str_eq(text, "18446744073709551615");
}
END_TEST

START_TEST(text_is_clean__utf8)
{
	static const struct {
		const char *text;
		bool clean;
	} cases[] = {
		{"", true},
		{"km/h", true},
		{"\xc2\xb0\x43", true},	    /* degree sign */
		{"\xe2\x82\xac", true},	    /* euro */
		{"\xf0\x9f\x9a\x97", true}, /* a car */
		{"\xb0\x43", false},	    /* Latin-1 */
		{"\xc0\xaf", false},	    /* overlong */
		{"\xe0\x80\xaf", false},
		{"\xed\xa0\x80", false},     /* surrogate */
		{"\xf4\x90\x80\x80", false}, /* beyond Unicode */
		{"\xe2\x82", false},	     /* cut */
		{"a\tb", false},
		{"a\x7f", false},
	};

	ck_assert(cpc_text_is_clean(cases[_i].text, strlen(cases[_i].text)) == cases[_i].clean);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *tests = tcase_create("value");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, datatype__names_and_ranges);
	tcase_add_test(tests, format__every_step_reads_back);
	tcase_add_test(tests, format__large_integers_are_exact);
	tcase_add_loop_test(tests, text_is_clean__utf8, 0, 13);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
