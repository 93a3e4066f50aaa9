// SPDX-License-Identifier: BSD-3-Clause
/* Are lines of can-utils' log format read as that format means them, and named when they are not?
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/candump.h"

static const struct {
	const char *text;
	struct cpc_candump_line line;
} lines[] = {
	{"(1700000000.001000) can0 1DA#C53218\n",
	 {1700000000001000, "can0", {.id = 0x1da, .size = 3, .data = {0xc5, 0x32, 0x18}}}},
	{"(1.5) vcan0 18FEF1FE#01 R\r\n",
	 {1500000, "vcan0", {.id = 0x18fef1fe, .extended = true, .size = 1, .data = {1}}}},
	{"(0.000000) c 00000001# T\n", {0, "c", {.id = 1, .extended = true}}},
	{"(2.000001) can1 7FF##3aabb",
	 {2000001, "can1", {.id = 0x7ff, .fd = true, .flags = 3, .size = 2, .data = {0xaa, 0xbb}}}},
	{"(2.000001) can1 123#R", {2000001, "can1", {.id = 0x123, .remote = true}}},
	{"(2.000001) can1 123#R8", {2000001, "can1", {.id = 0x123, .remote = true, .size = 8}}},
	{"(2.000001) can1 20000080#0001",
	 {2000001, "can1", {.id = 0x80, .error = true, .size = 2, .data = {0, 1}}}},
	{"(2.000001) can1 123#11.22_9",
	 {2000001, "can1", {.id = 0x123, .size = 2, .data = {0x11, 0x22}}}},
	/* As on screen: classic, CAN FD, remote, with characters, an error. */
	{" (1.000002)  can0  1DA   [3]  C5 32 18\n",
	 {1000002, "can0", {.id = 0x1da, .size = 3, .data = {0xc5, 0x32, 0x18}}}},
	{" (1.000002)  can0  18FEF1FE  [02]  AA BB",
	 {1000002,
	  "can0",
	  {.id = 0x18fef1fe, .extended = true, .fd = true, .size = 2, .data = {0xaa, 0xbb}}}},
	{" (1.000002)  can0  123   [4]  remote request",
	 {1000002, "can0", {.id = 0x123, .remote = true, .size = 4}}},
	{" (1.000002)  can0  123   [2]  41 42   'AB'",
	 {1000002, "can0", {.id = 0x123, .size = 2, .data = {0x41, 0x42}}}},
	{" (1.000002)  can0  20000080   [1]  00   ERRORFRAME",
	 {1000002, "can0", {.id = 0x80, .error = true, .size = 1}}},
	/* Any number of decimals; only microseconds are kept. */
	{"(2.0000019) can1 123#", {2000001, "can1", {.id = 0x123}}},
	{"(2) can1 123#", {2000000, "can1", {.id = 0x123}}},
};

START_TEST(parse__frame)
{
	struct cpc_candump_line line;
	struct cpc_error error = {""};

	ck_assert_int_eq(cpc_candump_parse(lines[_i].text, strlen(lines[_i].text), &line, &error),
			 1);
	ck_assert_mem_eq(&line, &lines[_i].line, sizeof(line));
}
END_TEST

START_TEST(parse__nothing_on_it)
{
	static const char *const texts[] = {"", "\n", "  \r\n", "# recorded by somebody\n"};
	struct cpc_candump_line line;

	ck_assert_int_eq(cpc_candump_parse(texts[_i], strlen(texts[_i]), &line, NULL), 0);
}
END_TEST

static const struct {
	const char *text, *part;
} refusals[] = {
	{"can0 123#00", "expected '(' and a time at 'can0 123#00'"},
	{"(x) can0 123#00", "expected seconds at 'x) can0"},
	{"(1.5 can0 123#00", "expected ')'"},
	{"(99999999999.0) can0 123#00", "2106"},
	{"(1.5)", "expected an interface"},
	{"(1.5) an-interface-far-too-long 123#00", "15 bytes"},
	{"(1.5) can0", "id of 3 or 8"},
	{"(1.5) can0 12#00", "id of 3 or 8 hexadecimal digits and '#' at '12#00'"},
	{"(1.5) can0 1234#00", "id of 3 or 8"},
	{"(1.5) can0 800#00", "more than 11 bits"},
	{"(1.5) can0 40000000#00", "more than 29 bits"},
	{"(1.5) can0 123-00", "'#'"},
	{"(1.5) can0 123 00", "expected '#' or '[' behind the id at '00'"},
	{"(1.5) can0 123 [9] 00", "more bytes than a frame has"},
	{"(1.5) can0 123 [65] 00", "more bytes than a frame has"},
	{"(1.5) can0 123 [x] 00", "a number of bytes"},
	{"(1.5) can0 123 [2] 00", "a byte of data at ''"},
	{"(1.5) can0 123#001", "half a byte of data at '1'"},
	{"(1.5) can0 123#001122334455667788", "more than 8 bytes"},
	{"(1.5) can0 123#R9", "more than 8 bytes"},
	{"(1.5) can0 123##", "FD flags"},
	{"(1.5) can0 123#00 trailing", "unexpected text at 'trailing'"},
};

START_TEST(parse__refusal_names_what_and_where)
{
	struct cpc_candump_line line = {.time_us = 77};
	struct cpc_error error = {""};

	ck_assert_int_eq(
		cpc_candump_parse(refusals[_i].text, strlen(refusals[_i].text), &line, &error),
		-EINVAL);
	ck_assert_uint_eq(line.time_us, 77);
	ck_assert_msg(strstr(error.text, refusals[_i].part), "%s", error.text);
}
END_TEST

START_TEST(format__comes_back)
{
	struct cpc_candump_line line;
	char text[CPC_CANDUMP_LINE_MAX];
	int size = cpc_candump_format(&lines[_i].line, text, sizeof(text));

	ck_assert_int_gt(size, 0);
	ck_assert_int_eq(cpc_candump_parse(text, (size_t)size, &line, NULL), 1);
	ck_assert_mem_eq(&line, &lines[_i].line, sizeof(line));
	ck_assert_int_eq(cpc_candump_format(&lines[_i].line, text, 10), -ENOSPC);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("candump");
	TCase *tests = tcase_create("candump");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, parse__frame, 0, COUNT(lines));
	tcase_add_loop_test(tests, parse__nothing_on_it, 0, 4);
	tcase_add_loop_test(tests, parse__refusal_names_what_and_where, 0, COUNT(refusals));
	tcase_add_loop_test(tests, format__comes_back, 0, COUNT(lines));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
