// SPDX-License-Identifier: BSD-3-Clause
/* show_test.c - answers as a person reads them, and nothing that could drive the terminal. */
#include "show_testing.h"

#include "agent/ctl/show.h"

START_TEST(entry__text)
{
	show(cpc_show_entry, "{\"slot\":7,\"member\":\"car2\",\"lane\":1,\"seq\":3,\"kind\":"
	     "\"ordinary\",\"accepted\":true,\"time\":\"2026-01-02T03:04:05.678Z\","
	     "\"type\":\"text\",\"text\":\"hello\"}");
	ck_assert_str_eq(shown, "2026-01-02T03:04:05.678Z  slot 7  car2/3  \"hello\"\n");
}
END_TEST

START_TEST(entry__control_bytes_are_shown_not_sent)
{
	show(cpc_show_entry, "{\"type\":\"text\",\"kind\":\"ordinary\",\"text\":"
	     "\"a\\u001b[2J\\n\\u009bz\\u00e9\"}");
	ck_assert_ptr_nonnull(strstr(shown, "\"a\\x1b[2J\\x0a\\xc2\\x9bz\xc3\xa9\""));
}
END_TEST

START_TEST(entry__record)
{
	show(cpc_show_entry,
	     "{\"slot\":7,\"member\":\"car2\",\"seq\":3,\"kind\":\"ordinary\","
	     "\"type\":\"record\",\"signals\":["
	     "{\"time_ms\":1700000000100,\"signal\":\"Vehicle.Speed\",\"value\":120.77,"
	     "\"unit\":\"km/h\"},"
	     "{\"time_ms\":1700000000200,\"signal\":null,\"dictionary\":5,\"index\":9,"
	     "\"value\":3}]}");
	ck_assert_ptr_nonnull(strstr(shown, "car2/3  2 samples\n"));
	ck_assert_ptr_nonnull(strstr(shown, "22:13:20.100  Vehicle.Speed = 120.77 km/h\n"));
	ck_assert_ptr_nonnull(strstr(shown, "22:13:20.200  signal 9 of dictionary 5 = 3\n"));
}
END_TEST

START_TEST(entry__conditional_and_bytes)
{
	show(cpc_show_entry, "{\"slot\":1,\"member\":\"a\",\"seq\":1,\"kind\":\"all\","
	     "\"accepted\":false,\"type\":\"bytes\",\"hex\":\"00ff\"}");
	ck_assert_ptr_nonnull(strstr(shown, "by all: REJECTED  2 bytes 00ff\n"));
}
END_TEST

START_TEST(entry__proposal)
{
	show(cpc_show_entry, "{\"slot\":1,\"member\":\"a\",\"seq\":1,\"kind\":\"all\","
	     "\"accepted\":true,\"type\":\"proposal\",\"proposal\":{\"type\":\"merge\","
	     "\"platoon\":7,\"speed_cm_s\":2222,\"gap_cm\":1250,\"position\":0}}");
	ck_assert_ptr_nonnull(strstr(shown, "by all: accepted  merge of platoon 7 at 80.0 km/h, "
				     "12.5 m ahead, as number 0\n"));
}
END_TEST

START_TEST(status__running_and_waiting)
{
	show(cpc_show_status, "{\"name\":\"car1\",\"running\":false,\"waiting_for\":\"modprobe\"}");
	ck_assert_str_eq(shown, "car1 waits: modprobe\n");
	teardown();
	show(cpc_show_status,
	     "{\"name\":\"car1\",\"running\":true,\"self\":0,\"cell\":7,\"epoch\":2,"
	     "\"interface\":\"wlan0\",\"slot\":9,\"log_hash\":\"aabbccddeeff00112233\","
	     "\"peers_up\":3,"
	     "\"members\":4,\"catching_up\":true}");
	ck_assert_ptr_nonnull(strstr(shown, "member 0 of cell 7, epoch 2, on wlan0"));
	ck_assert_ptr_nonnull(strstr(shown, "slot 9, hash aabbccddeeff0011..., catching up"));
	ck_assert_ptr_nonnull(strstr(shown, "3 of 3 connected"));
}
END_TEST

START_TEST(cell__question_says_how_to_answer)
{
	show(cpc_show_cell, "{\"members\":[{\"index\":2,\"name\":\"car3\",\"question\":"
	     "{\"seq\":5,\"kind\":\"quorum\"}}]}");
	ck_assert_ptr_nonnull(strstr(shown, "cpchainctl verdict car3 5 yes|no"));
}
END_TEST

/* Members that change, and what each vehicle has to do with it. */
START_TEST(cell__epochs_and_candidates)
{
	show(cpc_show_cell, "{\"cell\":7,\"epoch\":3,\"base\":45,\"end\":61,\"unanimous\":true,"
	     "\"members\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}],"
	     "\"candidates\":[{\"name\":\"car5\\u001b\",\"node_id\":\"1a2b3c4d5e6f7081ffff\","
	     "\"certified\":true},{\"name\":\"car6\",\"node_id\":\"00\",\"certified\":false}],"
	     "\"change\":{\"id\":4,\"what\":\"leave\",\"state\":\"accepted\",\"slot\":57,"
	     "\"end\":61}}");
	ck_has("cell 7, epoch 3, on ");
	ck_has("\nepoch 3 began after slot 45\nmembers change after slot 61\n");
	ck_has("\n3 members: every one of them has to agree, none may be silent\n");
	ck_has("      car5\\x1b 1a2b3c4d5e6f7081  wants to join, certified\n");
	ck_has("      car6 00  wants to join, not certified\n");
	ck_has("asked to leave: accepted in slot 57, in effect after slot 61\n");
	ck_assert_ptr_null(strstr(shown, "seeking"));
	teardown();
	show(cpc_show_cell, "{\"cell\":7,\"epoch\":1,\"members\":[{}],\"unanimous\":false,"
	     "\"change\":{\"state\":\"none\"}}");
	ck_assert_ptr_null(strstr(shown, "began"));
	ck_assert_ptr_null(strstr(shown, "agree"));
	ck_assert_ptr_null(strstr(shown, "asked"));
}
END_TEST

/* In no cell there is none to describe, only the one that is looked for. */
START_TEST(cell__seeking)
{
	show(cpc_show_cell, "{\"seeking\":{\"cell\":7,\"text\":\"car1 was asked\"}}");
	ck_assert_str_eq(shown, "  seeking    cell 7: car1 was asked\n");
	teardown();
	show(cpc_show_status, "{\"name\":\"car5\",\"running\":false,\"waiting_for\":\"a cell\","
	     "\"seeking\":\"nobody announces cell 7\"}");
	ck_assert_str_eq(shown, "car5 waits: a cell\n  seeking    nobody announces cell 7\n");
}
END_TEST

START_TEST(cell__question_about_a_change)
{
	show(cpc_show_cell, "{\"members\":[{\"index\":2,\"name\":\"car3\",\"question\":"
	     "{\"seq\":5,\"kind\":\"change\"}}]}");
	ck_has("entry 5 (change) waits for a verdict: cpchainctl verdict car3 5 yes|no\n");
	teardown();
	show(cpc_show_cell, "{\"members\":[{\"index\":2,\"name\":\"car3\",\"question\":"
	     "{\"seq\":5,\"kind\":\"change\",\"change\":{\"joining\":[\"car5\"]}}}]}");
	ck_has("entry 5 (change of members: car5 joins) waits for a verdict: ");
}
END_TEST

START_TEST(entry__change_of_members)
{
	show(cpc_show_entry, "{\"slot\":7,\"member\":\"car2\",\"seq\":3,\"kind\":\"change\","
	     "\"accepted\":true,\"type\":\"bytes\",\"hex\":\"00\",\"change\":{"
	     "\"leaving\":[\"car3\"],\"joining\":[\"car5\"]}}");
	ck_assert_str_eq(shown, "  slot 7  car2/3  accepted  change of members: car3 leaves; car5 "
			 "joins\n");
	teardown();
	show(cpc_show_entry, "{\"kind\":\"change\",\"accepted\":false,\"change\":{}}");
	ck_has("  REJECTED  change of members: new keys for all\n");
	teardown();
	show(cpc_show_entry, "{\"kind\":\"change\",\"type\":\"bytes\",\"hex\":\"00ff\"}");
	ck_has("  REJECTED  2 bytes 00ff\n");
}
END_TEST

START_TEST(stats__latency_and_counters)
{
	show(cpc_show_stats, "{\"latency_ms\":{\"count\":3,\"p50\":1.5,\"p99\":2.25,\"max\":3.0},"
	     "\"module\":{\"extra_frames\":0}}");
	ck_assert_ptr_nonnull(strstr(shown, "p50 1.500 ms, p99 2.250 ms, max 3.000 ms"));
	ck_assert_ptr_nonnull(strstr(shown, "extra_frames"));
}
END_TEST

/* An answer that lacks everything, or has other types, is shown without harm. */
START_TEST(show__nothing_there)
{
	void (*const all[])(FILE *, const json_t *) = { cpc_show_status, cpc_show_cell,
							cpc_show_stats, cpc_show_entry };

	show(all[_i], "{\"members\":7,\"name\":[],\"running\":true,\"seeking\":8,\"change\":3,"
	     "\"candidates\":{}}");
	ck_assert_uint_gt(shown_len, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("show");
	TCase *tc = tcase_create("show");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, entry__text);
	tcase_add_test(tc, entry__control_bytes_are_shown_not_sent);
	tcase_add_test(tc, entry__record);
	tcase_add_test(tc, entry__conditional_and_bytes);
	tcase_add_test(tc, entry__proposal);
	tcase_add_test(tc, status__running_and_waiting);
	tcase_add_test(tc, cell__question_says_how_to_answer);
	tcase_add_test(tc, cell__epochs_and_candidates);
	tcase_add_test(tc, cell__seeking);
	tcase_add_test(tc, cell__question_about_a_change);
	tcase_add_test(tc, entry__change_of_members);
	tcase_add_test(tc, stats__latency_and_counters);
	tcase_add_loop_test(tc, show__nothing_there, 0, 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
