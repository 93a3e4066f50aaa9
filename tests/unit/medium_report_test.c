// SPDX-License-Identifier: BSD-3-Clause
/* Is the report valid JSON, and does it say what the channel counted? */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/core_testing.h"
#include "tools/cpc-medium/report.h"

static struct cpc_scenario scenario;
static struct cpc_channel ch;

static json_t *report(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *json;

	fputs("{", out);
	cpc_channel_report(&ch, out);
	fputs("}", out);
	fclose(out);
	json = json_loadb(text, len, 0, NULL);
	ck_assert_msg(json != NULL, "not JSON: %s", text);
	free(text);
	return json;
}

static void run(const char *text, uint64_t until_us)
{
	struct cpc_channel_frame frame = { .octets = 350, .to = CPC_ALL_STATIONS,
					   .ac = CPC_AC_BE };
	struct cpc_channel_done done;

	ck_assert_int_eq(cpc_scenario_parse("test", text, strlen(text), &scenario, NULL), 0);
	cpc_channel_init(&ch, &scenario, 0);
	ck_assert_int_eq(cpc_channel_send(&ch, 0, &frame), 0);
	while (cpc_channel_advance(&ch, until_us, &done))
		continue;
}

START_TEST(channel_report__counts)
{
	json_t *json, *link;
	double busy, after;

	run("stations 3 100\nrange 150\n", 200000);
	json = report();
	ck_assert_int_eq(json_integer_value(json_object_get(json, "frames")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "delivered")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "lost"),
							    "range")), 1);
	ck_assert(json_real_value(json_object_get(json, "air_ms")) == 0.52);
	ck_assert(json_real_value(json_object_get(json, "seconds")) == 0.2);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "station")), 3);
	link = json_object_get(json, "link");
	ck_assert_uint_eq(json_array_size(link), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(link, 1), "to")), 2);
	ck_assert_int_eq(json_unpack(json_array_get(json_object_get(json, "station"), 1),
				     "{s:[F, F]}", "windows", &busy, &after), 0);
	ck_assert(busy == 0.005 && after == 0);
	json_decref(json);
}
END_TEST

START_TEST(channel_report__before_anything_happened)
{
	json_t *json;

	run("stations 1\n", 0);
	json = report();
	ck_assert_uint_eq(json_array_size(json_object_get(json, "link")), 0);
	json_decref(json);
}
END_TEST

static Suite *report_suite(void)
{
	Suite *suite = suite_create("medium_report");
	TCase *tcase = tcase_create("report");

	tcase_add_test(tcase, channel_report__counts);
	tcase_add_test(tcase, channel_report__before_anything_happened);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(report_suite());
}
