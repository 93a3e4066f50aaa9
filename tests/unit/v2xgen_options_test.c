// SPDX-License-Identifier: BSD-3-Clause
/* Does the command line mean what it says, and is each mistake answered with the value? */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tools/v2xgen/options.h"

enum { WORDS_MAX = 16 };

/* Parse a line of words. The words stay valid until the next call. */
static int parse(const char *line, struct cpc_v2x_options *options, struct cpc_error *error)
{
	static char text[512];
	char *argv[WORDS_MAX + 1] = { (char *)"v2xgen" };
	int argc = 1;

	strcpy(text, line);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return cpc_v2x_options_parse(argc, argv, options, error);
}

START_TEST(parse__both_spellings)
{
	struct cpc_v2x_options options;
	struct cpc_error error = { 0 };

	ck_assert_int_eq(parse("send --iface wlan0 --rate=2.5 --station 4294967295 --json "
			       "--can vcan0 --speed-id=0x284 --speed-be 4,2,0.01",
			       &options, &error), 0);
	ck_assert_str_eq(options.iface, "wlan0");
	ck_assert_double_eq(options.rate_hz, 2.5);
	ck_assert_double_eq(options.station, 4294967295.0);
	ck_assert(options.json && !options.wsmp);
	ck_assert_uint_eq(options.layout.id, 0x284);
	ck_assert_uint_eq(options.layout.start, 4);
	ck_assert_uint_eq(options.layout.octets, 2);
	ck_assert_double_eq(options.layout.factor, 0.01);
	ck_assert_double_lt(options.phase_ms, 0);
	ck_assert_int_eq(parse("recv --help", &options, &error), -ECANCELED);
}
END_TEST

static const struct {
	const char *line, *part;
} refused[] = {
	{ "", "'': send, recv, pcap or read expected" },
	{ "listen", "'listen': send, recv" },
	{ "send", "--iface is missing" },
	{ "send --iface", "--iface: a value is missing" },
	{ "send --iface w --rate 11", "--rate '11': must be in 1..10" },
	{ "send --iface w --rate 0.5", "--rate '0.5': must be in 1..10" },
	{ "send --iface w --rate nan", "--rate 'nan': must be" },
	{ "send --iface w --rate fast", "--rate 'fast': a number" },
	{ "send --iface w --station 1.5", "--station '1.5': a whole number" },
	{ "send --iface w --station 4294967296", "--station '4294967296': must" },
	{ "send --iface w --size 2000", "--size '2000': must be in 1..1514" },
	{ "send --iface w --lat 91", "--lat '91'" },
	{ "send --iface w --json=yes", "'--json=yes': takes no value" },
	{ "send --iface w --quiet", "'--quiet': no option here" },
	{ "send --iface w extra", "'extra': no option here" },
	{ "send --iface w --can c", "--can needs either" },
	{ "send --iface w --dbc f", "--can is missing" },
	{ "send --iface w --can c --dbc f", "--dbc and --speed-signal go together" },
	{ "send --iface w --can c --speed-id 1", "--speed-id and --speed-be go together" },
	{ "send --iface w --can c --speed-id 1x --speed-be 0,1,1", "--speed-id '1x'" },
	{ "send --iface w --can c --speed-id 0x20000000 --speed-be 0,1,1", "no CAN id" },
	{ "send --iface w --can c --speed-id 1 --speed-be 0,5,1", "--speed-be '0,5,1'" },
	{ "send --iface w --can c --speed-id 1 --speed-be 63,2,1", "--speed-be '63,2,1'" },
	{ "send --iface w --can c --speed-id 1 --speed-be 0,1,1,", "--speed-be '0,1,1,'" },
	{ "send --iface w --can c --speed-factor x", "--speed-factor 'x': a number" },
	{ "send --iface w --can c --track t", "--can and --track exclude" },
	{ "pcap --count 3", "--out is missing" },
	{ "pcap --out f", "--count or --seconds is missing" },
	{ "pcap --out f --count 0", "--count '0'" },
	{ "read", "--in is missing" },
	{ "recv --iface w --rate 5", "'--rate': no option here" },
};

START_TEST(parse__refusals_name_the_value)
{
	struct cpc_v2x_options options;
	struct cpc_error error = { 0 };

	ck_assert_int_eq(parse(refused[_i].line, &options, &error), -EINVAL);
	ck_assert_msg(strstr(error.text, refused[_i].part), "'%s' is not in '%s'",
		      refused[_i].part, error.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("v2xgen_options");
	TCase *tests = tcase_create("v2xgen_options");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, parse__both_spellings);
	tcase_add_loop_test(tests, parse__refusals_name_the_value, 0,
			    sizeof(refused) / sizeof(*refused));
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
