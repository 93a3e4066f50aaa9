// SPDX-License-Identifier: BSD-3-Clause
/* command_test.c - cpchainctl's command line: what it means, and what is said if it is wrong. */
#include "core_testing.h"

#include <errno.h>
#include <stdio.h>

#include "agent/ctl/command.h"

static struct cpc_ctl_command command;
static struct cpc_error error;
static char line[400];

/* Splits at blanks; '~' stands for a blank within an argument. */
static int parse(const char *text)
{
	char *argv[20], *save = NULL;
	int argc = 0;
	char *word, *c;

	snprintf(line, sizeof(line), "cpchainctl %s", text);
	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		for (c = word; *c; c++)
			*c = *c == '~' ? ' ' : *c;
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return cpc_ctl_parse(argc, argv, &command, &error);
}

/* The request that a command line leads to. */
static void assert_request(const char *text, const char *data, const char *expected)
{
	json_t *request;
	char *json;

	ck_assert_msg(parse(text) == 0, "%s: %s", text, error.text);
	request = cpc_ctl_request(&command, data, data ? strlen(data) : 0);
	json = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(json, expected);
	free(json);
	json_decref(request);
}

START_TEST(parse__requests)
{
	assert_request("status", NULL, "{\"op\":\"status\"}");
	assert_request("--socket /x cell --json", NULL, "{\"op\":\"cell\"}");
	ck_assert_str_eq(command.socket, "/x");
	ck_assert(command.json);
	assert_request("log", NULL, "{\"follow\":false,\"limit\":20,\"op\":\"log\"}");
	assert_request("log --limit 0", NULL, "{\"follow\":false,\"limit\":0,\"op\":\"log\"}");
	assert_request("log --since 0 --member car1", NULL,
		       "{\"follow\":false,\"member\":\"car1\",\"op\":\"log\",\"since\":0}");
	assert_request("log -f", NULL, "{\"follow\":true,\"op\":\"log\"}");
	assert_request("submit hello~world", "hello world",
		       "{\"kind\":\"ordinary\",\"op\":\"submit\",\"text\":\"hello world\"}");
	assert_request("submit --kind all -- --strange", "--strange",
		       "{\"kind\":\"all\",\"op\":\"submit\",\"text\":\"--strange\"}");
	assert_request("submit --file /f", "\xff\x01",
		       "{\"hex\":\"ff01\",\"kind\":\"ordinary\",\"op\":\"submit\"}");
	assert_request("submit -", "x", "{\"kind\":\"ordinary\",\"op\":\"submit\",\"text\":\"x\"}");
	ck_assert_str_eq(command.file, "-");
	assert_request("verdict car2 17 yes", NULL,
		       "{\"member\":\"car2\",\"op\":\"verdict\",\"seq\":17,\"yes\":true}");
}
END_TEST

/* In people's units on the command line, in the proposal's in the request. */
START_TEST(parse__proposals)
{
	assert_request("propose join --platoon 7 --speed 80 --gap 20.5 --position 3", NULL,
		       "{\"gap_cm\":2050,\"op\":\"propose\",\"platoon\":7,\"position\":3,"
		       "\"speed_cm_s\":2222,\"type\":\"join\"}");
	ck_assert_uint_eq(command.wait_s, CPC_CTL_WAIT_S);
	assert_request("propose --json merge --gap 0 --speed 0 --wait 5 --platoon 4294967295", NULL,
		       "{\"gap_cm\":0,\"op\":\"propose\",\"platoon\":4294967295,\"position\":0,"
		       "\"speed_cm_s\":0,\"type\":\"merge\"}");
	ck_assert_uint_eq(command.wait_s, 5);
	assert_request("propose speed --zone 4 --min 60 --max 120 --for 600", NULL,
		       "{\"duration_s\":600,\"max_cm_s\":3333,\"min_cm_s\":1667,\"op\":\"propose\","
		       "\"type\":\"speed\",\"zone\":4}");
	assert_request("proposals", NULL, "{\"op\":\"proposals\"}");
}
END_TEST

START_TEST(parse__changes)
{
	assert_request("join", NULL, "{\"op\":\"join\"}");
	ck_assert_uint_eq(command.wait_s, CPC_CTL_CHANGE_WAIT_S);
	assert_request("leave --wait 0 --json", NULL, "{\"op\":\"leave\"}");
	ck_assert_uint_eq(command.wait_s, 0);
	ck_assert(command.json);
	assert_request("rekey", NULL, "{\"op\":\"rekey\"}");
	assert_request("remove car3", NULL, "{\"member\":\"car3\",\"op\":\"remove\"}");
	assert_request("split 9 car3 --wait 7 car4", NULL,
		       "{\"members\":[\"car3\",\"car4\"],\"op\":\"split\",\"to\":9}");
	ck_assert_uint_eq(command.wait_s, 7);
	assert_request("split 65535 -- --a --b", NULL,
		       "{\"members\":[\"--a\",\"--b\"],\"op\":\"split\",\"to\":65535}");
	assert_request("merge 1", NULL, "{\"op\":\"merge\",\"to\":1}");
}
END_TEST

/* What the command line makes is what the daemon understands. */
START_TEST(parse__changes_reach_the_daemon)
{
	static const char *const lines[] = { "join", "leave", "rekey", "remove car3",
					     "split 9 car3 car4", "merge 9" };
	struct cpc_api_request understood;
	json_t *request;
	char *text;

	ck_assert_int_eq(parse(lines[_i]), 0);
	request = cpc_ctl_request(&command, NULL, 0);
	text = json_dumps(request, 0);
	ck_assert_msg(cpc_api_request_parse(text, strlen(text), &understood, &error) == 0, "%s",
		      error.text);
	ck_assert_int_eq(understood.op, CPC_API_CHANGE);
	ck_assert_mem_eq(&understood.change, &command.change, sizeof(command.change));
	free(text);
	json_decref(request);
}
END_TEST

START_TEST(parse__programs)
{
	assert_request("bpf --json", NULL, "{\"op\":\"bpf\"}");
	assert_request("bpf policy all none", NULL,
		       "{\"kind\":\"all\",\"op\":\"bpf_policy\",\"policy\":\"none\"}");
	assert_request("bpf policy quorum /a.o", NULL,
		       "{\"kind\":\"quorum\",\"op\":\"bpf_policy\",\"policy\":\"/a.o\"}");
	assert_request("bpf detach --interface wlan1 --root /b/c", NULL, "{\"op\":\"bpf_detach\"}");
	ck_assert_str_eq(command.interface, "wlan1");
	ck_assert_str_eq(command.root, "/b/c");
	assert_request("capture /f", NULL, "{\"op\":\"bpf\"}");
	ck_assert_uint_eq(command.seconds, CPC_CTL_CAPTURE_S);
	assert_request("capture /f 3 --interface wlan1", NULL, "{\"op\":\"bpf\"}");
	ck_assert_uint_eq(command.seconds, 3);
	ck_assert_str_eq(command.file, "/f");
}
END_TEST

static const struct {
	const char *text;
	const char *what;
} bad[] = {
	{ "propose", "what? (join, merge, speed)" },
	{ "propose fly", "'fly'" },
	{ "propose join --speed 80 --gap 20 --position 3", "--platoon is needed" },
	{ "propose join --platoon 1 --speed 80 --gap 20", "--position is needed" },
	{ "propose join --platoon 1.5", "--platoon: '1.5' is not a whole number from 0 to" },
	{ "propose join --platoon -1", "'-1'" },
	{ "propose join --speed 501", "--speed: '501' is not a number from 0 to 500 km/h" },
	{ "propose join --speed 8x", "'8x'" },
	{ "propose join --speed 8.0.0", "'8.0.0'" },
	{ "propose join --speed nan", "'nan'" },
	{ "propose join --speed", "--speed needs a value" },
	{ "propose join --gap 601", "--gap: '601' is not a number from 0 to 600 m" },
	{ "propose join --position 256", "'256'" },
	{ "propose join --zone 4", "propose join: there is no option '--zone'" },
	{ "propose --zone 4 join", "is needed" },
	{ "propose --zone 4 merge --platoon 1 --speed 1 --gap 1", "there is no option '--zone'" },
	{ "propose speed --zone 1 --min 80 --max 60 --for 1", "the lowest speed, 2222 cm/s" },
	{ "propose speed --zone 1 --min 60 --max 80 --for 0", "for 0 s" },
	{ "propose speed --zone 1 --min 60 --max 80", "--for is needed (s)" },
	{ "propose join extra", "what is 'extra'?" },
	{ "bpf show", "what is 'show'?" },
	{ "bpf policy", "all or quorum" },
	{ "bpf policy some none", "'some' is not all or quorum" },
	{ "bpf policy all", "for which entries" },
	{ "bpf policy all none more", "what is 'more'?" },
	{ "bpf --interface x", "no option '--interface'" },
	{ "capture", "into which FILE?" },
	{ "capture f 3 4", "what is '4'?" },
	{ "capture f x", "'x' is not a whole number" },
	{ "capture f --colour", "no option '--colour'" },
	{ "", "which command?" },
	{ "frobnicate", "no command 'frobnicate'" },
	{ "status extra", "what is 'extra'?" },
	{ "status --follow", "no option '--follow'" },
	{ "log --since", "--since needs a value" },
	{ "log --since x", "--since: 'x' is not a whole number" },
	{ "log --since 4294967296", "'4294967296'" },
	{ "log --limit -3", "'-3'" },
	{ "log --colour", "log: there is no option '--colour'" },
	{ "submit", "either a TEXT" },
	{ "submit a b", "what is 'b'?" },
	{ "submit a --file f", "either a TEXT" },
	{ "submit --kind some a", "'some' is not ordinary, quorum or all" },
	{ "submit --kind", "--kind needs a value" },
	{ "join car1", "join: what is 'car1'?" },
	{ "join --platoon 7",
	  "join: there is no option '--platoon' (a manoeuvre is: propose join)" },
	{ "merge --gap 7", "there is no option '--gap' (a manoeuvre is: propose merge)" },
	{ "leave --now", "leave: there is no option '--now'" },
	{ "leave --wait soon", "--wait: 'soon' is not a whole number" },
	{ "rekey 3", "rekey: what is '3'?" },
	{ "remove", "remove: which MEMBER?" },
	{ "remove car3 car4", "remove: what is 'car4'?" },
	{ "remove a-name-that-is-longer-than-31-bytes", "'a-name-that-is-longer-than-31-bytes'" },
	{ "split", "split: which CELL" },
	{ "split 9 car3", "split: which CELL is to be formed, and by which MEMBERs, two or" },
	{ "split car3 car4", "split: 'car3' is not a cell's number from 1 to 65535" },
	{ "split 65536 car3 car4", "'65536'" },
	{ "split 9 car3 car4 car3", "split: 'car3' is named twice" },
	{ "merge", "merge: with which CELL?" },
	{ "merge 0", "merge: '0' is not a cell's number" },
	{ "merge 9x", "merge: '9x'" },
	{ "merge 9 10", "merge: what is '10'?" },
	{ "verdict car1", "which MEMBER, which SEQ" },
	{ "verdict car1 x yes", "'x' is not a whole number" },
	{ "verdict car1 1 maybe", "'maybe' is neither yes nor no" },
	{ "--socket", "--socket needs a value" },
};

START_TEST(parse__refusals_say_what_is_wrong)
{
	ck_assert_msg(parse(bad[_i].text) == -EINVAL, "accepted: %s", bad[_i].text);
	ck_assert_msg(strstr(error.text, bad[_i].what), "%s: '%s'", bad[_i].text, error.text);
}
END_TEST

START_TEST(parse__help)
{
	ck_assert_int_eq(parse("--help"), 0);
	ck_assert_int_eq(command.verb, CPC_CTL_HELP);
	ck_assert_int_eq(parse("log --help"), 0);
	ck_assert_int_eq(command.verb, CPC_CTL_HELP);
	ck_assert_int_eq(parse("help"), 0);
	ck_assert_int_eq(command.verb, CPC_CTL_HELP);
}
END_TEST

START_TEST(connect_error__says_what_to_do)
{
	cpc_ctl_connect_error("/run/cpchain/control", -ENOENT, &error);
	ck_assert_str_eq(error.text, "cannot connect to /run/cpchain/control: is cpchaind running? "
				     "systemctl start cpchaind");
	cpc_ctl_connect_error("/s", -EACCES, &error);
	ck_assert_ptr_nonnull(strstr(error.text, "run as root"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *tc = tcase_create("command");

	tcase_add_test(tc, parse__requests);
	tcase_add_test(tc, parse__proposals);
	tcase_add_test(tc, parse__changes);
	tcase_add_loop_test(tc, parse__changes_reach_the_daemon, 0, 6);
	tcase_add_test(tc, parse__programs);
	tcase_add_loop_test(tc, parse__refusals_say_what_is_wrong, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, parse__help);
	tcase_add_test(tc, connect_error__says_what_to_do);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
