// SPDX-License-Identifier: BSD-3-Clause
/* show_bpf_test.c - programs, policies and proposals as a person reads them. */
#include "show_testing.h"

#include "agent/ctl/show_bpf.h"

START_TEST(bpf__programs_drops_sources)
{
	show(cpc_show_bpf,
	     "{\"interface\":\"wlan0\",\"mode\":\"xdp generic\",\"dropped\":12,\"note\":\"\","
	     "\"programs\":[{\"name\":\"filter_xdp\",\"id\":7,\"runs\":100,\"mean_ns\":512.4},"
	     "{\"name\":\"stamp_ingress\",\"id\":8,\"runs\":0}],"
	     "\"filter\":{\"passed\":{\"frames\":88,\"bytes\":9000},"
	     "\"truncated\":{\"frames\":12,\"bytes\":200},\"hops\":{\"frames\":0,\"bytes\":0}},"
	     "\"sources\":[{\"address\":\"02:00:00:00:00:01\",\"known\":true,\"frames\":100,"
	     "\"dropped\":12,\"reasons\":{\"truncated\":12}}],"
	     "\"channel_load_per_mille\":25,\"traffic\":{\"rx\":{\"cam\":{\"frames\":88,"
	     "\"bytes\":9000,\"air_ms\":1.5,\"age_count\":1,\"age_p50_us\":63,\"age_p99_us\":127},"
	     "\"denm\":{\"frames\":0}}}}");
	ck_has("filter on wlan0: xdp generic, 12 dropped\n");
	ck_has("filter_xdp       id 7      runs 100        mean 512 ns\n");
	ck_has("not measured\n");
	ck_has("truncated                  12 frames");
	ck_has("02:00:00:00:00:01 known        100 frames         12 dropped  truncated 12\n");
	ck_has("channel load 2.5 %");
	ck_has("rx cam ");
	ck_has("p50 <= 63 us, p99 <= 127 us");
	ck_assert_ptr_null(strstr(shown, "hops"));
	ck_assert_ptr_null(strstr(shown, "denm"));
}
END_TEST

START_TEST(bpf__why_not)
{
	show(cpc_show_bpf, "{\"interface\":\"wlan0\",\"mode\":\"off\",\"why\":\"no privilege\","
	     "\"why_no_policies\":\"no BPF file system\"}");
	ck_assert_str_eq(shown, "filter on wlan0: off (no privilege)\n"
				"policies: no BPF file system\n");
}
END_TEST

START_TEST(bpf__policies_words_and_reasons)
{
	show(cpc_show_bpf,
	     "{\"policies\":[{\"kind\":\"all\",\"policy\":\"platoon\",\"program\":9,\"asked\":3,"
	     "\"mean_ns\":800.0,\"max_ns\":2000,\"failed\":0,"
	     "\"words\":{\"not yet\":0,\"no\":1,\"yes\":2},\"reasons\":{\"fits\":2,\"braking\":1},"
	     "\"own_counters\":{\"verdicts\":[{\"word\":\"no\",\"reason\":\"braking\","
	     "\"count\":1}]}},"
	     "{\"kind\":\"quorum\",\"policy\":\"\",\"program\":0,\"asked\":0}]}");
	ck_has("policy for entries by all: platoon, program 9; asked 3 times, mean 800 ns, "
	       "at most 2000 ns\n");
	ck_has("  said  no 1, yes 2\n");
	ck_has("  why   fits 2, braking 1\n");
	ck_has("    no       braking                           1\n");
	ck_has("policy for entries by quorum: none; asked 0 times\n");
}
END_TEST

START_TEST(manoeuvre__each)
{
	show(cpc_show_manoeuvre, "{\"type\":\"join\",\"platoon\":7,\"speed_cm_s\":2222,"
	     "\"gap_cm\":2000,\"position\":3}");
	ck_assert_str_eq(shown, "join of platoon 7 at 80.0 km/h, 20.0 m ahead, as number 3");
	teardown();
	show(cpc_show_manoeuvre, "{\"type\":\"speed\",\"zone\":4,\"min_cm_s\":1667,"
	     "\"max_cm_s\":2500,\"duration_s\":60}");
	ck_assert_str_eq(shown, "speed advisory for zone 4: 60.0 to 90.0 km/h for 60 s");
}
END_TEST

#define PROPOSAL "\"proposal\":{\"type\":\"join\",\"platoon\":7,\"speed_cm_s\":2222," \
	"\"gap_cm\":2000,\"position\":3}"
#define WORDS "\"words\":[{\"member\":\"car1\",\"word\":\"yes\",\"reason\":\"own proposal\"}," \
	"{\"member\":\"car2\",\"word\":\"no\",\"reason\":\"braking\"}," \
	"{\"member\":\"car3\",\"word\":\"silent\"}]"

START_TEST(proposal__who_said_what)
{
	show(cpc_show_proposal, "{" PROPOSAL "," WORDS ",\"seq\":5,\"slot\":9,\"kind\":\"all\","
	     "\"state\":\"rejected\"}");
	ck_assert_str_eq(shown,
			 "join of platoon 7 at 80.0 km/h, 20.0 m ahead, as number 3 (entry 5, by "
			 "all)\n"
			 "  car1         yes     own proposal\n"
			 "  car2         no      braking\n"
			 "  car3         silent  \n"
			 "REJECTED in slot 9\n");
	teardown();
	show(cpc_show_proposal, "{" PROPOSAL ",\"state\":\"open\"}");
	ck_has("not decided yet: open\n");
}
END_TEST

START_TEST(proposals__of_all)
{
	show(cpc_show_proposals, "{\"entries\":[{\"member\":\"car2\",\"seq\":4,\"kind\":\"quorum\","
	     "\"state\":\"accepted\"," WORDS "}]}");
	ck_has("car2/4, by quorum: accepted\n  car1 ");
	teardown();
	show(cpc_show_proposals, "{\"entries\":[{\"member\":\"car2\",\"seq\":4,\"kind\":\"change\","
	     "\"state\":\"open\"," WORDS "}]}");
	ck_has("car2/4, a change of members: open\n  car1 ");
}
END_TEST

/* An answer that lacks everything, or has other types, is shown without harm. */
START_TEST(show__nothing_there)
{
	void (*const all[])(FILE *, const json_t *) = { cpc_show_bpf, cpc_show_manoeuvre,
							cpc_show_proposal, cpc_show_proposals };

	show(all[_i], "{\"programs\":7,\"filter\":[],\"policies\":[1,{}],\"words\":{},"
	     "\"entries\":[[]],\"traffic\":{\"rx\":4},\"sources\":[0]}");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("show_bpf");
	TCase *tc = tcase_create("show_bpf");

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, bpf__programs_drops_sources);
	tcase_add_test(tc, bpf__why_not);
	tcase_add_test(tc, bpf__policies_words_and_reasons);
	tcase_add_test(tc, manoeuvre__each);
	tcase_add_test(tc, proposal__who_said_what);
	tcase_add_test(tc, proposals__of_all);
	tcase_add_loop_test(tc, show__nothing_there, 0, 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
