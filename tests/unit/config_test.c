// SPDX-License-Identifier: BSD-3-Clause
/* config_test.c - a configuration is read as a whole, or refused with line, key and value. */
#include "core_testing.h"

#include <errno.h>
#include <stdio.h>

#include "agent/config/config.h"

#define ID_A "aa11111111111111111111111111111111111111111111111111111111111111"
#define ID_B "bb22222222222222222222222222222222222222222222222222222222222222"
#define ID_C "cc33333333333333333333333333333333333333333333333333333333333333"
#define ID_D "DD44444444444444444444444444444444444444444444444444444444444444"

#define MEMBERS                                                                                    \
	"member.0 = " ID_A "\nmember.1 = " ID_B "\nmember.2 = " ID_C "\nmember.3 = " ID_D "\n"
/* A vehicle that is admitted: four lines. */
#define JOINING "[cell]\nid = 7\ninterface = wlan0\njoin = yes\n"
#define ID_E "ee55555555555555555555555555555555555555555555555555555555555555"
/* Lines 1 to 8. */
#define CELL "[cell]\nid = 7\nepoch = 1\ninterface = wlan0\n" MEMBERS

static struct cpc_agent_config config;
static struct cpc_error error;

static int parse(const char *text)
{
	return cpc_config_parse("f.conf", text, strlen(text), &config, &error);
}

START_TEST(parse__smallest)
{
	ck_assert_msg(parse(CELL) == 0, "%s", error.text);
	ck_assert_uint_eq(config.cell, 7);
	ck_assert_uint_eq(config.epoch, 1);
	ck_assert_str_eq(config.interface, "wlan0");
	ck_assert_uint_eq(config.n, 4);
	ck_assert_uint_eq(config.member[3].node_id[0], 0xdd);
	ck_assert_uint_eq(config.member[0].node_id[1], 0x11);
	ck_assert_str_eq(config.member[2].name, "2");
	/* the defaults */
	ck_assert_str_eq(config.key_file, CPC_CONFIG_KEY);
	ck_assert_str_eq(config.socket, CPC_CONFIG_SOCKET);
	ck_assert_uint_eq(config.period_ms, 100);
	ck_assert_int_eq(config.pacing, CPC_PACING_CARRIER);
	ck_assert_int_eq(config.default_verdict, CPC_DEFAULT_NO);
	ck_assert(!config.gateway && !config.leave_on_stop && !config.slow_first_view);
	ck_assert_int_eq(config.filter, CPC_CONFIG_FILTER_AUTO);
	ck_assert(config.stamp);
	ck_assert_str_eq(config.bpf_root, "/sys/fs/bpf/cpchain");
	ck_assert_str_eq(config.policy_all, "platoon");
	ck_assert_str_eq(config.policy_quorum, "speed");
	ck_assert_str_eq(config.certificate, "");
	ck_assert_str_eq(config.authority, "");
	ck_assert(!config.join && !config.unanimous);
	ck_assert_int_eq(config.admit, CPC_CONFIG_ADMIT_CERTIFIED);
	ck_assert_uint_eq(config.evict_after_s, 0);
	ck_assert_uint_eq(config.knowns, 0);
}
END_TEST

START_TEST(parse__everything)
{
	ck_assert_msg(parse("; a comment\n"
			    "[node]\nname = red car\nkey = /k/node.key\nstate = /s\n"
			    "certificate = /k/node.pem\n"
			    "[cell]\nid = 65535\nepoch = 65535\ninterface = wlp2s0\n"
			    "pacing = urgent\nperiod_ms = 1000\ndefault_verdict = none\nport = 1\n"
			    "slow_first_view = yes\nleave_on_stop = on\n"
			    "authority = /k/authorities.pem\njoin = no\nadmit = any\n"
			    "evict_after_s = 86400\nunanimous = yes\n"
			    "[known e]\nnode_id = " ID_E "\n"
			    "[member d]\nindex = 3\nnode_id = " ID_D "\n"
			    "[member a]\nnode_id = " ID_A "\nindex = 0\n"
			    "[member b]\nindex = 1\nnode_id = " ID_B "\n"
			    "[member c]\nindex = 2\nnode_id = " ID_C "\n"
			    "[gateway]\nenabled = true\ncan = can0\ndbc = /d\noverlay = /o\n"
			    "period_ms = 60000\n"
			    "[bpf]\nfilter = tc\nstamp = no\nroot = /bpf/x\n"
			    "policy_all = /p/own.bpf.o\npolicy_quorum = none\n"
			    "[api]\nsocket = /run/x\n") == 0, "%s", error.text);
	ck_assert_str_eq(config.name, "red car");
	ck_assert_str_eq(config.key_file, "/k/node.key");
	ck_assert_str_eq(config.state_dir, "/s");
	ck_assert_int_eq(config.pacing, CPC_PACING_URGENT);
	ck_assert_uint_eq(config.period_ms, 1000);
	ck_assert_int_eq(config.default_verdict, CPC_DEFAULT_NONE);
	ck_assert_uint_eq(config.port, 1);
	ck_assert(config.slow_first_view && config.leave_on_stop && config.gateway);
	ck_assert_str_eq(config.certificate, "/k/node.pem");
	ck_assert_str_eq(config.authority, "/k/authorities.pem");
	ck_assert_int_eq(config.admit, CPC_CONFIG_ADMIT_ANY);
	ck_assert_uint_eq(config.evict_after_s, 86400);
	ck_assert(config.unanimous && !config.join);
	ck_assert_uint_eq(config.knowns, 1);
	ck_assert_str_eq(config.known[0].name, "e");
	ck_assert_uint_eq(config.known[0].node_id[1], 0x55);
	ck_assert_str_eq(config.member[3].name, "d");
	ck_assert_str_eq(config.overlay, "/o");
	ck_assert_uint_eq(config.gateway_period_ms, 60000);
	ck_assert_str_eq(config.socket, "/run/x");
	ck_assert_int_eq(config.filter, CPC_CONFIG_FILTER_TC);
	ck_assert(!config.stamp);
	ck_assert_str_eq(config.bpf_root, "/bpf/x");
	ck_assert_str_eq(config.policy_all, "/p/own.bpf.o");
	ck_assert_str_eq(config.policy_quorum, "");
}
END_TEST

/* Who joins knows neither members nor epoch, but whom to believe: an authority, or a vehicle. */
START_TEST(parse__joining)
{
	static const char *const believed[] = {
		"authority = /a.pem\n",
		"[known car1]\nnode_id = " ID_A "\n[known b]\nnode_id = " ID_B,
	};
	char text[400];

	snprintf(text, sizeof(text), "%s%s", JOINING, believed[_i]);
	ck_assert_msg(parse(text) == 0, "%s", error.text);
	ck_assert(config.join);
	ck_assert_uint_eq(config.n, 0);
	ck_assert_uint_eq(config.epoch, 0);
	ck_assert_uint_eq(config.knowns, _i ? 2 : 0);
	ck_assert(!config.member[0].set);
	if (_i)
		ck_assert_str_eq(config.known[1].name, "b");
}
END_TEST

/* Two or three are a cell only when the file says that all have to agree; one never is. */
START_TEST(parse__unanimity)
{
	static const char *const members[] = { "member.0 = " ID_A "\n", "member.1 = " ID_B "\n",
					       "member.2 = " ID_C "\n", "member.3 = " ID_D "\n" };
	unsigned int n, k, unanimous;
	char text[600];

	for (n = 1; n <= 4; n++)
		for (unanimous = 0; unanimous < 2; unanimous++) {
			int len = snprintf(text, sizeof(text), "[cell]\nid = 1\nepoch = 1\n"
					   "interface = w\nunanimous = %s\n",
					   unanimous ? "yes" : "no");

			for (k = 0; k < n; k++)
				len += snprintf(text + len, sizeof(text) - (size_t)len, "%s",
						members[k]);
			ck_assert_int_eq(parse(text), n == 4 || (unanimous && n > 1) ? 0 : -EINVAL);
			if (n == 4 || (unanimous && n > 1)) {
				ck_assert_uint_eq(config.n, n);
				ck_assert(config.unanimous == unanimous);
			}
		}
}
END_TEST

/* As many known vehicles as there is room for; the next one is refused by name. */
START_TEST(parse__knowns_are_bounded)
{
	static char text[CPC_CONFIG_KNOWN_MAX * 100 + 400];
	unsigned int i;
	int len = snprintf(text, sizeof(text), "%s", JOINING);

	for (i = 0; i <= CPC_CONFIG_KNOWN_MAX; i++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len,
				"[known car%u]\nnode_id = %064x\n", i, i);
		ck_assert_int_eq(parse(text), i < CPC_CONFIG_KNOWN_MAX ? 0 : -EINVAL);
	}
	ck_assert_ptr_nonnull(strstr(error.text, "[known car64]: more than 64 known vehicles"));
	ck_assert_uint_eq(config.knowns, CPC_CONFIG_KNOWN_MAX);
}
END_TEST

/* Each bad value: which line is named, and which words the error has. */
static const struct {
	const char *text;
	const char *where;
	const char *what;
} bad[] = {
	{ "[cell]\nid = 0\n", "f.conf:2: ", "[cell] id: '0' is not a number from 1 to 65535" },
	{ "[cell]\nid = 65536\n", "f.conf:2: ", "'65536'" },
	{ "[cell]\nid = 7x\n", "f.conf:2: ", "'7x'" },
	{ "[cell]\nid = -1\n", "f.conf:2: ", "'-1'" },
	{ "[cell]\nid =\n", "f.conf:2: ", "''" },
	{ "[cell]\nid = 99999999999999999999\n", "f.conf:2: ", "'99999999999999999999'" },
	{ "\n[cell]\n\nepoch = none\n", "f.conf:4: ", "epoch: 'none'" },
	{ "[cell]\ninterface = sixteen-letters-\n", "f.conf:2: ", "'sixteen-letters-'" },
	{ "[cell]\ninterface = a/b\n", "f.conf:2: ", "'a/b'" },
	{ "[cell]\ninterface = ..\n", "f.conf:2: ", "'..'" },
	{ "[cell]\npacing = fast\n", "f.conf:2: ", "'fast' is not carrier, early or urgent" },
	{ "[cell]\nperiod_ms = 9\n", "f.conf:2: ", "'9' is not a number from 10 to 1000" },
	{ "[cell]\nperiod_ms = 1001\n", "f.conf:2: ", "'1001'" },
	{ "[cell]\ndefault_verdict = maybe\n", "f.conf:2: ", "'maybe' is not yes, no or none" },
	{ "[cell]\nport = 0\n", "f.conf:2: ", "port: '0'" },
	{ "[cell]\nleave_on_stop = perhaps\n", "f.conf:2: ", "'perhaps' is not yes or no" },
	{ "[cell]\ncolour = red\n", "f.conf:2: ",
	  "[cell] colour: no such key (its value is 'red')" },
	{ "[cell]\nid = 1\nid = 1\n", "f.conf:3: ", "[cell] id: given twice" },
	{ "[sell]\nid = 1\n", "f.conf:2: ", "[sell]: no such section" },
	{ "id = 1\n", "f.conf:1: ", "[]: no such section" },
	{ "[cell]\nnonsense\n", "f.conf:2: ", "'nonsense'" },
	{ "[cell\nid = 1\n", "f.conf:1: ", "'[cell'" },
	{ "[node]\nkey = node.key\n", "f.conf:2: ", "'node.key' is not an absolute path" },
	{ "[node]\nname =\n", "f.conf:2: ", "name: ''" },
	{ "[node]\nname = a\x1b[2J\n", "f.conf:2: ", "printable ASCII" },
	{ "[node]\nname = \xff\n", "f.conf:2: ", "printable ASCII" },
	{ "[member \xff]\nindex = 1\n", "f.conf:2: ", "one word" },
	{ "[gateway]\nperiod_ms = 5\n", "f.conf:2: ", "[gateway] period_ms: '5'" },
	{ "[gateway]\nenabled = 2\n", "f.conf:2: ", "'2' is not yes or no" },
	{ "[bpf]\nfilter = xdp\n", "f.conf:2: ",
	  "[bpf] filter: 'xdp' is not auto, native, generic, tc or off" },
	{ "[bpf]\nstamp = 2\n", "f.conf:2: ", "'2' is not yes or no" },
	{ "[bpf]\nroot = sys\n", "f.conf:2: ", "root: 'sys' is not an absolute path" },
	{ "[bpf]\npolicy_all = brave\n", "f.conf:2: ",
	  "[bpf] policy_all: 'brave' is not platoon, speed, none, or the absolute path" },
	{ "[bpf]\npolicy_quorum = /\n", "f.conf:2: ", "policy_quorum: '/'" },
	{ "[bpf]\npolicy = none\n", "f.conf:2: ", "[bpf] policy: no such key" },
	{ "[api]\nsocket = run\n", "f.conf:2: ", "socket: 'run'" },
	{ "[cell]\nmember.64 = " ID_A "\n", "f.conf:2: ", "member.64: the index must be" },
	{ "[cell]\nmember.x = " ID_A "\n", "f.conf:2: ", "member.x: the index must be" },
	{ "[cell]\nmember.0 = abc\n", "f.conf:2: ", "'abc' is not 64 hexadecimal digits" },
	{ "[cell]\nmember.0 = " ID_A "\nmember.0 = " ID_B "\n", "f.conf:3: ", "in line 2" },
	{ "[member a]\nindex = 64\n", "f.conf:2: ", "'64' is not a number from 0 to 63" },
	{ "[member a]\ncolour = red\n", "f.conf:2: ", "[member a] colour: no such key" },
	{ "[member a]\nnode_id = xy\n", "f.conf:2: ", "'xy'" },
	{ "[member a]\nindex = 1\nindex = 2\n", "f.conf:3: ", "given twice" },
	{ "[member a b]\nindex = 1\n", "f.conf:2: ", "[member a b]: a member's name is one word" },
	{ "[member a]\nindex = 1\n[cell]\nid = 1\n", "f.conf:2: ", "[member a] node_id: missing" },
	{ "[member a]\nnode_id = " ID_A "\n", "f.conf:2: ", "[member a] index: missing" },
	{ CELL "[member x]\nindex = 3\nnode_id = " ID_A "\n", "f.conf:10: ",
	  "3 is taken by member 3" },
	{ "[cell]\nepoch = 1\ninterface = w\n" MEMBERS, "f.conf:7: ", "[cell] id: missing" },
	{ "[cell]\nid = 1\ninterface = w\n" MEMBERS, "f.conf:7: ", "[cell] epoch: missing" },
	{ "[cell]\nid = 1\nepoch = 1\n" MEMBERS, "f.conf:7: ", "[cell] interface: missing" },
	{ "[cell]\nid = 1\nepoch = 1\ninterface = w\nmember.0 = " ID_A "\nmember.1 = " ID_B
	  "\nmember.2 = " ID_C "\n", "f.conf:7: ", "3 members; a cell needs at least 4" },
	{ "[cell]\nid = 1\nepoch = 1\ninterface = w\nmember.0 = " ID_A "\nmember.1 = " ID_B
	  "\nmember.2 = " ID_C "\nmember.4 = " ID_D "\n", "f.conf:8: ", "none with index 3" },
	{ "[cell]\nid = 1\nepoch = 1\ninterface = w\nmember.0 = " ID_A "\nmember.1 = " ID_B
	  "\nmember.2 = " ID_B "\nmember.3 = " ID_D "\n", "f.conf:7: ",
	  "member 2 (index 2) has the node_id of member 1 (index 1, line 6)" },
	{ "[cell]\nid = 1\nepoch = 1\ninterface = w\nmember.0 = " ID_A "\nmember.1 = " ID_B
	  "\nmember.2 = " ID_C "\n", "f.conf:7: ",
	  "With [cell] unanimous = yes 3 may be one: it stands none, every one has to agree" },
	{ "[cell]\nid = 1\nepoch = 1\ninterface = w\nunanimous = yes\nmember.0 = " ID_A "\n",
	  "f.conf:6: ", "1 member; a cell needs at least 4" },
	{ CELL "[member 3]\nindex = 4\nnode_id = " ID_E "\n", "f.conf:10: ",
	  "member 3 (index 4) has the name of member 3 (index 3, line 8)" },
	{ "[node]\ncertificate = node.pem\n", "f.conf:2: ",
	  "[node] certificate: 'node.pem' is not an absolute path" },
	{ "[cell]\nauthority = ca.pem\n", "f.conf:2: ",
	  "[cell] authority: 'ca.pem' is not an absolute path" },
	{ "[cell]\njoin = please\n", "f.conf:2: ", "[cell] join: 'please' is not yes or no" },
	{ "[cell]\nadmit = all\n", "f.conf:2: ",
	  "[cell] admit: 'all' is not certified, ask or any" },
	{ "[cell]\nevict_after_s = 86401\n", "f.conf:2: ",
	  "[cell] evict_after_s: '86401' is not a number from 0 to 86400" },
	{ "[cell]\nunanimous = 3\n", "f.conf:2: ", "[cell] unanimous: '3' is not yes or no" },
	{ "[known a]\nindex = 1\n", "f.conf:2: ", "[known a] index: no such key (node_id)" },
	{ "[known a]\nnode_id = xy\n", "f.conf:2: ", "[known a] node_id: 'xy' is not 64" },
	{ "[known a]\nnode_id = " ID_A "\nnode_id = " ID_B "\n", "f.conf:3: ",
	  "[known a] node_id: given twice" },
	{ "[known a b]\nnode_id = " ID_A "\n", "f.conf:2: ",
	  "[known a b]: a known vehicle's name is one word" },
	{ CELL "[known 2]\nnode_id = " ID_E "\n", "f.conf:10: ",
	  "known vehicle 2 has the name of member 2 (index 2, line 7)" },
	{ CELL "[known e]\nnode_id = " ID_B "\n", "f.conf:10: ",
	  "known vehicle e has the node_id of member 1 (index 1, line 6)" },
	{ CELL "[known e]\nnode_id = " ID_E "\n[known f]\nnode_id = " ID_E "\n", "f.conf:12: ",
	  "known vehicle f has the node_id of known vehicle e (line 10)" },
	{ JOINING "[known e]\nnode_id = " ID_E "\n[member a]\nindex = 0\n[member b]\nindex = 1\n",
	  "f.conf:8: ", "[member a]: with [cell] join = yes (line 4) the cell says who" },
	{ JOINING "authority = /a\n" MEMBERS, "f.conf:6: ",
	  "[cell] member.0: with [cell] join = yes (line 4)" },
	{ JOINING "authority = /a\nepoch = 3\n", "f.conf:6: ",
	  "[cell] epoch: 3 is given, but with join = yes (line 4) the cell says" },
	{ JOINING "port = 5\n", "f.conf:4: ", "[cell] join: yes, but this vehicle could believe "
	  "nobody" },
	{ "[cell]\njoin = yes\nauthority = /a\ninterface = w\n", "f.conf:4: ",
	  "[cell] id: missing" },
	{ CELL "[gateway]\nenabled = yes\ncan = can0\ndbc = /d\n", "f.conf:12: ",
	  "[gateway] overlay: missing" },
	{ CELL "[gateway]\nenabled = yes\ndbc = /d\noverlay = /o\n", "f.conf:12: ",
	  "[gateway] can: missing" },
	{ "", "f.conf:0: ", "missing" },
};

START_TEST(parse__every_bad_value_is_named)
{
	struct cpc_agent_config before;

	memset(&config, 0x5a, sizeof(config));
	before = config;
	ck_assert_msg(parse(bad[_i].text) == -EINVAL, "accepted: %s", bad[_i].text);
	ck_assert_msg(strncmp(error.text, bad[_i].where, strlen(bad[_i].where)) == 0,
		      "'%s' does not begin with '%s'", error.text, bad[_i].where);
	ck_assert_msg(strstr(error.text, bad[_i].what), "'%s' lacks '%s'", error.text,
		      bad[_i].what);
	ck_assert_mem_eq(&config, &before, sizeof(config));
}
END_TEST

START_TEST(parse__first_error_is_the_one_told)
{
	ck_assert_int_eq(parse("[cell]\nid = 0\nnonsense\nepoch = 0\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "f.conf:2: "));
	ck_assert_int_eq(parse("[cell]\nnonsense\nid = 0\n"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "f.conf:2: "));
}
END_TEST

START_TEST(parse__long_lines_and_nul_bytes)
{
	char text[400];

	memset(text, 'a', sizeof(text));
	memcpy(text, "[cell]\nid = ", 12);
	text[398] = '\n';
	text[399] = '\0';
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "f.conf:2: the line has 392 bytes"));
	ck_assert_int_eq(cpc_config_parse("f.conf", "[cell]\nid\0 = 1\n", 15, &config, &error),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "f.conf:2: the line contains a NUL byte"));
}
END_TEST

START_TEST(load__what_the_system_says)
{
	ck_assert_int_eq(cpc_config_load("/nonexistent/f.conf", &config, &error), -ENOENT);
	ck_assert_str_eq(error.text, "/nonexistent/f.conf: No such file or directory");
	ck_assert_int_eq(cpc_config_load("/", &config, &error), -EISDIR);
}
END_TEST

START_TEST(find__by_node_id)
{
	uint8_t id[CPC_CONFIG_ID_BYTES];

	ck_assert_int_eq(parse(CELL), 0);
	ck_assert_int_eq(cpc_node_id_parse(ID_C, id), 0);
	ck_assert_int_eq(cpc_config_find(&config, id), 2);
	id[31] ^= 1;
	ck_assert_int_eq(cpc_config_find(&config, id), -ENOENT);
	ck_assert_int_eq(cpc_node_id_parse(ID_C "0", id), -EINVAL);
	ck_assert_int_eq(cpc_node_id_parse("", id), -EINVAL);
}
END_TEST

START_TEST(name__of_member_or_known)
{
	uint8_t id[CPC_CONFIG_ID_BYTES];

	ck_assert_int_eq(parse(CELL "[known car5]\nnode_id = " ID_E "\n"), 0);
	ck_assert_int_eq(cpc_node_id_parse(ID_C, id), 0);
	ck_assert_str_eq(cpc_config_name(&config, id), "2");
	ck_assert_int_eq(cpc_node_id_parse(ID_E, id), 0);
	ck_assert_str_eq(cpc_config_name(&config, id), "car5");
	id[31] ^= 1;
	ck_assert_ptr_null(cpc_config_name(&config, id));
	ck_assert_str_eq(cpc_admit_name(CPC_CONFIG_ADMIT_CERTIFIED), "certified");
	ck_assert_str_eq(cpc_admit_name(CPC_CONFIG_ADMIT_ANY), "any");
	ck_assert_str_eq(cpc_admit_name(3), "unknown");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_test(tc, parse__smallest);
	tcase_add_test(tc, parse__everything);
	tcase_add_loop_test(tc, parse__joining, 0, 2);
	tcase_add_test(tc, parse__unanimity);
	tcase_add_test(tc, parse__knowns_are_bounded);
	tcase_add_loop_test(tc, parse__every_bad_value_is_named, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, parse__first_error_is_the_one_told);
	tcase_add_test(tc, parse__long_lines_and_nul_bytes);
	tcase_add_test(tc, load__what_the_system_says);
	tcase_add_test(tc, find__by_node_id);
	tcase_add_test(tc, name__of_member_or_known);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
