// SPDX-License-Identifier: BSD-3-Clause
/* show_change_test.c - changes of members: who is concerned, and where each stands. */
#include "show_testing.h"

#include "agent/ctl/show_change.h"

#define WORDS "\"words\":[{\"member\":\"car1\",\"word\":\"yes\",\"reason\":\"own proposal\"}," \
	"{\"member\":\"car2\",\"word\":\"no\"},{\"member\":\"car3\",\"word\":\"silent\"}]"

static const struct {
	const char *change, *text;
} members[] = {
	{ "{\"leaving\":[],\"joining\":[],\"split\":0}", "new keys for all" },
	{ "{}", "new keys for all" },
	{ "{\"leaving\":[\"car3\"]}", "car3 leaves" },
	{ "{\"leaving\":[\"car3\",\"car4\"]}", "car3, car4 leave" },
	{ "{\"joining\":[\"car5\"]}", "car5 joins" },
	{ "{\"leaving\":[\"car3\"],\"joining\":[\"car5\",\"car6\"]}",
	  "car3 leaves; car5, car6 join" },
	{ "{\"leaving\":[\"car3\",\"car4\"],\"split\":9}", "car3, car4 leave, forming cell 9" },
	{ "{\"leaving\":[\"car3\",\"car4\"],\"joining\":[\"car5\"],\"split\":9}",
	  "car3, car4 leave, forming cell 9; car5 joins" },
	{ "{\"joining\":[\"\\u001b[2J\"]}", "\\x1b[2J joins" },
	{ "{\"leaving\":7,\"joining\":{},\"split\":\"9\"}", "new keys for all" },
};

START_TEST(members__each)
{
	show(cpc_show_members, members[_i].change);
	ck_assert_ptr_eq(strstr(shown, "change of members: "), shown);
	ck_assert_str_eq(shown + strlen("change of members: "), members[_i].text);
}
END_TEST

static const struct {
	const char *answer, *line;
} states[] = {
	{ "{\"state\":\"waiting\",\"text\":\"asked car1 to propose it\"}",
	  "asked car1 to propose it" },
	{ "{\"state\":\"waiting\"}", "waiting" },
	{ "{\"state\":\"open\"," WORDS "}", "open: car1 yes own proposal, car2 no" },
	{ "{\"state\":\"open\"}", "open" },
	{ "{\"state\":\"accepted\",\"slot\":41,\"end\":45," WORDS "}",
	  "accepted in slot 41, in effect after slot 45" },
	{ "{\"state\":\"accepted\"}", "accepted" },
	{ "{\"state\":\"done\",\"slot\":41,\"end\":45,\"epoch\":3,\"members\":5}",
	  "in effect: epoch 3 with 5 members" },
	{ "{\"state\":\"done\",\"epoch\":3}", "in effect: epoch 3" },
	{ "{\"state\":\"done\",\"text\":\"this vehicle is in no cell\"}",
	  "in effect; this vehicle is in no cell" },
	{ "{\"state\":\"rejected\",\"slot\":41,\"end\":45}", "REJECTED in slot 41" },
	{ "{\"state\":\"rejected\",\"text\":\"car2 said \\u001bno\"}",
	  "REJECTED; car2 said \\x1bno" },
	{ "{\"state\":\"failed\",\"text\":\"there is no car9\"}", "failed: there is no car9" },
	{ "{\"state\":7,\"words\":3,\"text\":[]}", "" },
};

START_TEST(state__each)
{
	show(cpc_show_change_state, states[_i].answer);
	ck_assert_str_eq(shown, states[_i].line);
}
END_TEST

START_TEST(change__words_and_whether_it_is_over)
{
	show(cpc_show_change, "{\"state\":\"open\"," WORDS "}");
	ck_assert_str_eq(shown, "  car1         yes     own proposal\n"
				"  car2         no      \n"
				"  car3         silent  \n"
				"not in effect yet: open\n");
	teardown();
	show(cpc_show_change, "{\"state\":\"rejected\"," WORDS "}");
	ck_assert_ptr_null(strstr(shown, "not in effect"));
	teardown();
	show(cpc_show_change, "{\"state\":\"done\"}");
	ck_assert_str_eq(shown, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("show_change");
	TCase *tc = tcase_create("show_change");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_loop_test(tc, members__each, 0, sizeof(members) / sizeof(members[0]));
	tcase_add_loop_test(tc, state__each, 0, sizeof(states) / sizeof(states[0]));
	tcase_add_test(tc, change__words_and_whether_it_is_over);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
