// SPDX-License-Identifier: BSD-3-Clause
/* Does the command line say what it seems to say, and is each wrong value named? */
#include "tests/unit/core_testing.h"
#include "tools/cpc-twin/lie.h"
#include "tools/cpc-twin/options.h"

enum { WORDS_MAX = 40 };

static int parse(const char *line, struct cpc_twin_options *o, struct cpc_error *error)
{
	static char copy[512];
	char *argv[WORDS_MAX + 1] = { (char *)"cpc-twin" };
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
		ck_assert_int_lt(argc, WORDS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return cpc_twin_options_parse(argc, argv, o, error);
}

START_TEST(options_parse__test_keys)
{
	struct cpc_twin_options o;
	struct cpc_error error;

	ck_assert_int_eq(parse("--test-keys --iface wlan0 --cell 7 --n 10 --self 9 --epoch 3 "
			       "--pacing urgent --mac hmac(sha256) --submit-every 20 --size 512 "
			       "--window 15 --kind 2 --period-ms 50 --default-verdict yes",
			       &o, &error), 0);
	ck_assert(o.test_keys && !o.config && o.has_pacing && !o.lies);
	ck_assert_str_eq(o.cell.interface, "wlan0");
	ck_assert_uint_eq(o.cell.cell, 7);
	ck_assert_uint_eq(o.cell.epoch, 3);
	ck_assert_uint_eq(o.cell.n, 10);
	ck_assert_uint_eq(o.self, 9);
	ck_assert_uint_eq(o.cell.pacing, CPC_PACING_URGENT);
	ck_assert_uint_eq(o.cell.default_verdict, CPC_DEFAULT_YES);
	ck_assert_uint_eq(o.cell.period_ms, 50);
	ck_assert_str_eq(cpc_twin_mac_name(o.mac), "hmac(sha256)");
	ck_assert_uint_eq(o.submit_ms, 20);
	ck_assert_uint_eq(o.size, 512);
	ck_assert_uint_eq(o.window, 15);
	ck_assert_uint_eq(o.kind, CPC_ENTRY_BY_ALL);
	ck_assert_uint_eq(o.carrier_hz, 10);
}
END_TEST

START_TEST(options_parse__config)
{
	struct cpc_twin_options o;
	struct cpc_error error;

	ck_assert_int_eq(parse("--config /etc/x.conf --lie equivocate,fork --seed 5 --log l", &o,
			       &error), 0);
	ck_assert_str_eq(o.config, "/etc/x.conf");
	ck_assert_str_eq(o.log, "l");
	ck_assert_uint_eq(o.lies, CPC_LIE_EQUIVOCATE | CPC_LIE_FORK);
	ck_assert_uint_eq(o.seed, 5);
	ck_assert(!o.has_pacing);
	ck_assert_int_eq(parse("--config c --lie all", &o, &error), 0);
	ck_assert_uint_eq(o.lies, CPC_LIE_ALL);
	ck_assert_int_eq(parse("--help", &o, &error), 0);
	ck_assert(o.help);
}
END_TEST

static const struct {
	const char *line, *named;
} refused[] = {
	{ "", "--config" },
	{ "--config a --test-keys", "either" },
	{ "--test-keys --cell 1 --n 4 --self 0", "--iface" },
	{ "--test-keys --iface w --n 4 --self 0", "--cell" },
	{ "--test-keys --iface w --cell 1 --self 0", "--n" },
	{ "--test-keys --iface w --cell 1 --n 4", "--self" },
	{ "--test-keys --iface w --cell 1 --n 4 --self 4", "4 is no member of a cell of 4" },
	{ "--test-keys --iface w --cell 1 --n 3 --self 0", "'3' is not a number from 4 to 64" },
	{ "--cell 0", "'0'" },
	{ "--cell 65536", "'65536'" },
	{ "--self -1", "'-1'" },
	{ "--self 64", "'64'" },
	{ "--iface interface-too-long", "'interface-too-long'" },
	{ "--size 7", "'7'" },
	{ "--size 513", "'513'" },
	{ "--window 16", "'16'" },
	{ "--kind 3", "'3'" },
	{ "--carrier-hz 101", "'101'" },
	{ "--pacing slow", "'slow'" },
	{ "--default-verdict maybe", "'maybe'" },
	{ "--mac md5", "'md5'" },
	{ "--seed 0", "'0'" },
	{ "--lie truth", "'truth'" },
	{ "--lie fork,", "''" },
	{ "--nonsense", "--nonsense" },
	{ "--cell", "--cell" },
	{ "stray", "'stray'" },
};

START_TEST(options_parse__refuses_by_name)
{
	struct cpc_twin_options o;
	struct cpc_error error = { 0 };

	ck_assert_int_eq(parse(refused[_i].line, &o, &error), -EINVAL);
	ck_assert_msg(strstr(error.text, refused[_i].named), "'%s': '%s' does not name '%s'",
		      refused[_i].line, error.text, refused[_i].named);
}
END_TEST

START_TEST(test_key__is_the_same_from_both_ends)
{
	/* As tools/cellctl prints it: cell, epoch, lower and higher index, then 5eed. */
	static const u8 expected[CPC_TWIN_KEY_BYTES] = { 7, 2, 1, 3, [14] = 0x5e, [15] = 0xed };
	u8 a[CPC_TWIN_KEY_BYTES], b[CPC_TWIN_KEY_BYTES];

	cpc_twin_test_key(7, 2, 1, 3, a);
	cpc_twin_test_key(7, 2, 3, 1, b);
	ck_assert_mem_eq(a, expected, sizeof(a));
	ck_assert_mem_eq(b, expected, sizeof(b));
}
END_TEST

static Suite *options_suite(void)
{
	Suite *suite = suite_create("twin_options");
	TCase *tcase = tcase_create("options");

	tcase_add_test(tcase, options_parse__test_keys);
	tcase_add_test(tcase, options_parse__config);
	tcase_add_loop_test(tcase, options_parse__refuses_by_name, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(tcase, test_key__is_the_same_from_both_ends);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(options_suite());
}
