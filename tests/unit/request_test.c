// SPDX-License-Identifier: BSD-3-Clause
/* request_test.c - lines from clients: good ones are understood, others refused by name. */
#include "core_testing.h"

#include <errno.h>
#include <stdio.h>

#include "agent/api/request.h"

static struct cpc_api_request request;
static struct cpc_error error;

static int parse(const char *line)
{
	return cpc_api_request_parse(line, strlen(line), &request, &error);
}

START_TEST(parse__log)
{
	ck_assert_int_eq(parse("{\"op\":\"log\"}"), 0);
	ck_assert_int_eq(request.op, CPC_API_LOG);
	ck_assert(!request.has_since && !request.follow && !request.limit && !request.member[0]);
	ck_assert_int_eq(
		parse("{\"op\":\"log\",\"since\":0,\"limit\":4294967295,\"member\":\"car\","
		      "\"follow\":true}"),
		0);
	ck_assert(request.has_since && request.follow);
	ck_assert_uint_eq(request.limit, UINT32_MAX);
	ck_assert_str_eq(request.member, "car");
}
END_TEST

START_TEST(parse__submit)
{
	ck_assert_int_eq(parse("{\"op\":\"submit\",\"text\":\"h\\u00e9\\u0000\"}"), 0);
	ck_assert_uint_eq(request.payload_len, 4);
	ck_assert_mem_eq(request.payload, "h\xc3\xa9\0", 4);
	ck_assert(request.is_text && request.kind == 0);
	ck_assert_int_eq(parse("{\"op\":\"submit\",\"kind\":\"all\",\"hex\":\"00fFa1\"}"), 0);
	ck_assert_uint_eq(request.payload_len, 3);
	ck_assert_mem_eq(request.payload, "\x00\xff\xa1", 3);
	ck_assert(!request.is_text && request.kind == 2);
}
END_TEST

START_TEST(parse__submit_sizes)
{
	char line[2 * CPC_PAYLOAD_MAX + 100];
	int len;

	for (len = CPC_PAYLOAD_MAX; len <= CPC_PAYLOAD_MAX + 1; len++) {
		snprintf(line, sizeof(line), "{\"op\":\"submit\",\"text\":\"%0*d\"}", len, 7);
		ck_assert_int_eq(parse(line), len > CPC_PAYLOAD_MAX ? -EINVAL : 0);
		snprintf(line, sizeof(line), "{\"op\":\"submit\",\"hex\":\"%0*d\"}", 2 * len, 7);
		ck_assert_int_eq(parse(line), len > CPC_PAYLOAD_MAX ? -EINVAL : 0);
	}
	ck_assert_ptr_nonnull(strstr(error.text, "504 bytes"));
}
END_TEST

START_TEST(parse__verdict)
{
	ck_assert_int_eq(parse("{\"op\":\"verdict\",\"member\":\"a\",\"seq\":3,\"yes\":false}"), 0);
	ck_assert_uint_eq(request.seq, 3);
	ck_assert(!request.yes);
}
END_TEST

START_TEST(parse__propose)
{
	ck_assert_int_eq(parse("{\"op\":\"propose\",\"type\":\"merge\",\"platoon\":4294967295,"
			       "\"speed_cm_s\":65535,\"gap_cm\":0,\"position\":255}"), 0);
	ck_assert_int_eq(request.proposal.type, CPC_PROPOSAL_MERGE);
	ck_assert_uint_eq(request.proposal.platoon, UINT32_MAX);
	ck_assert_uint_eq(request.proposal.speed_cm_s, 65535);
	ck_assert_uint_eq(request.proposal.position, 255);
	ck_assert_int_eq(parse("{\"op\":\"propose\",\"type\":\"speed\",\"zone\":1,"
			       "\"min_cm_s\":5,\"max_cm_s\":5,\"duration_s\":60}"), 0);
	ck_assert_int_eq(request.proposal.type, CPC_PROPOSAL_SPEED);
	ck_assert_uint_eq(request.proposal.min_cm_s, 5);
	ck_assert_uint_eq(request.proposal.duration_s, 60);
}
END_TEST

START_TEST(parse__proposal)
{
	ck_assert_int_eq(parse("{\"op\":\"proposal\",\"id\":\"00f0123456789aBc\"}"), 0);
	ck_assert(request.id == 0x00f0123456789abcULL);
}
END_TEST

START_TEST(parse__policy)
{
	ck_assert_int_eq(parse("{\"op\":\"bpf_policy\",\"kind\":\"all\",\"policy\":\"platoon\"}"),
			 0);
	ck_assert_uint_eq(request.kind, CPC_ENTRY_BY_ALL);
	ck_assert_str_eq(request.policy, "platoon");
	ck_assert_int_eq(parse("{\"op\":\"bpf_policy\",\"kind\":\"quorum\",\"policy\":\"none\"}"),
			 0);
	ck_assert_str_eq(request.policy, "");
	ck_assert_int_eq(parse("{\"op\":\"bpf_policy\",\"kind\":\"all\",\"policy\":\"/a/b.o\"}"),
			 0);
	ck_assert_str_eq(request.policy, "/a/b.o");
}
END_TEST

/* Each change goes by its own name; only what belongs to it is there. */
START_TEST(parse__changes)
{
	static const char *const plain[] = { "join", "leave", "rekey" };
	char line[40];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "{\"op\":\"%s\"}", plain[i]);
		ck_assert_int_eq(parse(line), 0);
		ck_assert_int_eq(request.op, CPC_API_CHANGE);
		ck_assert_int_eq(request.change.what, CPC_CHANGE_JOIN + i);
		ck_assert(!request.change.to && !request.change.members);
		ck_assert_str_eq(cpc_change_name(request.change.what), plain[i]);
	}
	ck_assert_int_eq(parse("{\"op\":\"remove\",\"member\":\"car3\"}"), 0);
	ck_assert_int_eq(request.change.what, CPC_CHANGE_REMOVE);
	ck_assert_uint_eq(request.change.members, 1);
	ck_assert_str_eq(request.change.member[0], "car3");
	ck_assert_int_eq(parse("{\"op\":\"split\",\"to\":65535,\"members\":[\"car4\",\"car2\"]}"),
			 0);
	ck_assert_int_eq(request.change.what, CPC_CHANGE_SPLIT);
	ck_assert_uint_eq(request.change.to, 65535);
	ck_assert_uint_eq(request.change.members, 2);
	ck_assert_str_eq(request.change.member[0], "car4");
	ck_assert_str_eq(request.change.member[1], "car2");
	ck_assert_int_eq(parse("{\"op\":\"merge\",\"to\":1}"), 0);
	ck_assert_int_eq(request.change.what, CPC_CHANGE_MERGE);
	ck_assert_uint_eq(request.change.to, 1);
	ck_assert_uint_eq(request.change.members, 0);
	ck_assert_int_eq(parse("{\"op\":\"change\"}"), 0);
	ck_assert_int_eq(request.op, CPC_API_CHANGE_STATE);
	ck_assert_ptr_null(cpc_change_name(CPC_CHANGE_WHATS));
}
END_TEST

/* A whole cell can be named, and nobody more. */
START_TEST(parse__split_is_bounded)
{
	static char line[CPC_MEMBERS_MAX * 10 + 100];
	unsigned int i, n;
	int len;

	for (n = CPC_MEMBERS_MAX; n <= CPC_MEMBERS_MAX + 1; n++) {
		len = snprintf(line, sizeof(line), "{\"op\":\"split\",\"to\":9,\"members\":[");
		for (i = 0; i < n; i++)
			len += snprintf(line + len, sizeof(line) - (size_t)len, "%s\"c%u\"",
					i ? "," : "", i);
		snprintf(line + len, sizeof(line) - (size_t)len, "]}");
		ck_assert_int_eq(parse(line), n > CPC_MEMBERS_MAX ? -EINVAL : 0);
		ck_assert_uint_eq(request.change.members, CPC_MEMBERS_MAX);
	}
	ck_assert_ptr_nonnull(strstr(error.text, "'c64' is one too many"));
}
END_TEST

START_TEST(kind__names)
{
	ck_assert_str_eq(cpc_entry_kind_name(CPC_ENTRY_ORDINARY), "ordinary");
	ck_assert_str_eq(cpc_entry_kind_name(CPC_ENTRY_BY_ALL), "all");
	ck_assert_str_eq(cpc_entry_kind_name(CPC_ENTRY_CHANGE), "change");
	ck_assert_str_eq(cpc_entry_kind_name(__CPC_ENTRY_KINDS), "unknown");
}
END_TEST

static const struct {
	const char *line;
	const char *what;
} bad[] = {
	{ "", "not JSON" },
	{ "{", "not JSON" },
	{ "[]", "a request is a JSON object" },
	{ "{}", "op" },
	{ "{\"op\":7}", "op" },
	{ "{\"op\":\"reboot\"}", "'reboot'" },
	{ "{\"op\":\"status\",\"op\":\"cell\"}", "not JSON" },
	{ "{\"op\":\"log\",\"since\":-1}", "since" },
	{ "{\"op\":\"log\",\"since\":4294967296}", "since" },
	{ "{\"op\":\"log\",\"since\":1.5}", "since" },
	{ "{\"op\":\"log\",\"limit\":\"5\"}", "limit" },
	{ "{\"op\":\"log\",\"follow\":1}", "follow" },
	{ "{\"op\":\"log\",\"member\":5}", "member" },
	{ "{\"op\":\"log\",\"member\":\"a name that is longer than 31 bytes\"}", "member" },
	{ "{\"op\":\"submit\"}", "exactly one" },
	{ "{\"op\":\"submit\",\"text\":\"a\",\"hex\":\"00\"}", "exactly one" },
	{ "{\"op\":\"submit\",\"text\":\"\"}", "0 bytes" },
	{ "{\"op\":\"submit\",\"hex\":\"123\"}", "odd" },
	{ "{\"op\":\"submit\",\"hex\":\"12g3\"}", "not a digit at 2" },
	{ "{\"op\":\"submit\",\"text\":\"a\",\"kind\":\"unanimous\"}", "'unanimous'" },
	{ "{\"op\":\"verdict\",\"member\":\"a\",\"yes\":true}", "seq" },
	{ "{\"op\":\"propose\"}", "''" },
	{ "{\"op\":\"propose\",\"type\":\"fly\"}", "'fly'" },
	{ "{\"op\":\"propose\",\"type\":\"join\"}", "platoon is needed" },
	{ "{\"op\":\"propose\",\"type\":\"join\",\"platoon\":1,\"speed_cm_s\":65536}",
	  "speed_cm_s: 65536 is not a whole number from 0 to 65535" },
	{ "{\"op\":\"propose\",\"type\":\"join\",\"platoon\":1,\"speed_cm_s\":1,\"gap_cm\":-1}",
	  "gap_cm: -1" },
	{ "{\"op\":\"propose\",\"type\":\"join\",\"platoon\":1,\"speed_cm_s\":1,\"gap_cm\":1,"
	  "\"position\":256}", "position: 256" },
	{ "{\"op\":\"propose\",\"type\":\"join\",\"platoon\":\"1\"}", "platoon" },
	{ "{\"op\":\"propose\",\"type\":\"speed\",\"zone\":1,\"min_cm_s\":6,\"max_cm_s\":5,"
	  "\"duration_s\":60}", "the lowest speed, 6 cm/s" },
	{ "{\"op\":\"proposal\"}", "id: ''" },
	{ "{\"op\":\"proposal\",\"id\":\"00f0123456789ab\"}", "16 hexadecimal digits" },
	{ "{\"op\":\"proposal\",\"id\":\"00f0123456789abc0\"}", "16 hexadecimal digits" },
	{ "{\"op\":\"proposal\",\"id\":\"00f0123456789abx\"}", "16 hexadecimal digits" },
	{ "{\"op\":\"bpf_policy\",\"policy\":\"none\"}", "kind" },
	{ "{\"op\":\"bpf_policy\",\"kind\":\"ordinary\",\"policy\":\"none\"}", "'ordinary'" },
	{ "{\"op\":\"bpf_policy\",\"kind\":\"all\"}", "policy: ''" },
	{ "{\"op\":\"bpf_policy\",\"kind\":\"all\",\"policy\":\"x.o\"}", "policy: 'x.o'" },
	{ "{\"op\":\"verdict\",\"seq\":1,\"yes\":true}", "member" },
	{ "{\"op\":\"log\",\"member\":\"a\\u0000b\"}", "member: 'a' is not a name" },
	{ "{\"op\":\"submit\",\"text\":\"a\",\"kind\":\"change\"}", "'change'" },
	{ "{\"op\":\"bpf_policy\",\"kind\":\"change\",\"policy\":\"none\"}", "'change'" },
	{ "{\"op\":\"Join\"}", "'Join'" },
	{ "{\"op\":\"remove\"}", "remove: member: '(not a string)' is not a name" },
	{ "{\"op\":\"remove\",\"member\":\"\"}", "remove: '' is not a member's name" },
	{ "{\"op\":\"remove\",\"member\":[\"a\"]}", "remove: member: " },
	{ "{\"op\":\"remove\",\"member\":\"a name that is longer than 31 bytes\"}",
	  "remove: member: 'a name that is longer than 31 bytes'" },
	{ "{\"op\":\"split\",\"members\":[\"a\",\"b\"]}", "split: to: nothing is not a cell's" },
	{ "{\"op\":\"split\",\"to\":65536,\"members\":[\"a\",\"b\"]}", "split: to: 65536" },
	{ "{\"op\":\"split\",\"to\":9}", "split: members: a list of names is needed" },
	{ "{\"op\":\"split\",\"to\":9,\"members\":\"a\"}", "split: members: a list" },
	{ "{\"op\":\"split\",\"to\":9,\"members\":[]}",
	  "split: members: 0 named; a cell has at least 2" },
	{ "{\"op\":\"split\",\"to\":9,\"members\":[\"a\"]}", "split: members: 1 named" },
	{ "{\"op\":\"split\",\"to\":9,\"members\":[\"a\",\"b\",\"a\"]}",
	  "split: 'a' is named twice" },
	{ "{\"op\":\"split\",\"to\":9,\"members\":[\"a\",7]}", "members: '(not a string)'" },
	{ "{\"op\":\"split\",\"to\":9,\"members\":[\"a\",\"\"]}", "split: '' is not a member's" },
	{ "{\"op\":\"merge\"}", "merge: to: nothing is not a cell's number from 1 to 65535" },
	{ "{\"op\":\"merge\",\"to\":\"9\"}", "merge: to: \"9\" is not a cell's number" },
	{ "{\"op\":\"merge\",\"to\":0}", "merge: to: 0 is not a cell's number" },
	{ "{\"op\":\"merge\",\"to\":-9}", "merge: to: -9" },
};

START_TEST(parse__refusals_name_what_is_wrong)
{
	ck_assert_msg(parse(bad[_i].line) == -EINVAL, "accepted: %s", bad[_i].line);
	ck_assert_msg(strstr(error.text, bad[_i].what), "%s: '%s'", bad[_i].line, error.text);
}
END_TEST

START_TEST(hex__digits)
{
	char out[7];

	cpc_hex("\x00\x9a\xff", 3, out);
	ck_assert_str_eq(out, "009aff");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("request");

	tcase_add_test(tc, parse__log);
	tcase_add_test(tc, parse__submit);
	tcase_add_test(tc, parse__submit_sizes);
	tcase_add_test(tc, parse__verdict);
	tcase_add_test(tc, parse__propose);
	tcase_add_test(tc, parse__proposal);
	tcase_add_test(tc, parse__policy);
	tcase_add_test(tc, parse__changes);
	tcase_add_test(tc, parse__split_is_bounded);
	tcase_add_test(tc, kind__names);
	tcase_add_loop_test(tc, parse__refusals_name_what_is_wrong, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, hex__digits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
