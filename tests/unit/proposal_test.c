// SPDX-License-Identifier: BSD-3-Clause
/* proposal_test.c - manoeuvres as bytes: what uapi/cpchain_policy.h lays out, and nothing else. */
#include "core_testing.h"

#include <errno.h>

#include "agent/log/proposal.h"

START_TEST(type__by_name)
{
	enum cpc_proposal_type type;
	struct cpc_error error;

	ck_assert_int_eq(cpc_proposal_type("merge", &type, &error), 0);
	ck_assert_int_eq(type, CPC_PROPOSAL_MERGE);
	ck_assert_int_eq(cpc_proposal_type("fly", &type, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "'fly'"));
	ck_assert_str_eq(cpc_proposal_name(CPC_PROPOSAL_SPEED), "speed");
	ck_assert_ptr_null(cpc_proposal_name(0));
	ck_assert_ptr_null(cpc_proposal_name(4));
}
END_TEST

START_TEST(kind__platoons_need_all)
{
	ck_assert_int_eq(cpc_proposal_kind(CPC_PROPOSAL_JOIN), CPC_ENTRY_BY_ALL);
	ck_assert_int_eq(cpc_proposal_kind(CPC_PROPOSAL_MERGE), CPC_ENTRY_BY_ALL);
	ck_assert_int_eq(cpc_proposal_kind(CPC_PROPOSAL_SPEED), CPC_ENTRY_BY_QUORUM);
}
END_TEST

START_TEST(check__names_the_value)
{
	struct cpc_proposal p = { .type = CPC_PROPOSAL_SPEED, .min_cm_s = 3001, .max_cm_s = 3000,
				  .duration_s = 1 };
	struct cpc_error error;

	ck_assert_int_eq(cpc_proposal_check(&p, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "3001"));
	p.max_cm_s = 3001;
	ck_assert_int_eq(cpc_proposal_check(&p, &error), 0);
	p.duration_s = 0;
	ck_assert_int_eq(cpc_proposal_check(&p, &error), -EINVAL);
	p.type = 9;
	ck_assert_int_eq(cpc_proposal_check(&p, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "9"));
	p.type = CPC_PROPOSAL_JOIN;
	ck_assert_int_eq(cpc_proposal_check(&p, &error), 0);
}
END_TEST

/* Against the structures that the kernel's programs use. */
START_TEST(encode__as_the_policies_read_it)
{
	struct cpc_proposal p = { .type = CPC_PROPOSAL_MERGE, .platoon = 0x01020304,
				  .speed_cm_s = 2222, .gap_cm = 1500, .position = 3 };
	struct cpc_proposal_platoon platoon = {
		.header = { .magic = CPC_PROPOSAL_MAGIC, .version = 1, .type = 2 },
		.platoon = 0x01020304, .speed_cm_s = 2222, .gap_cm = 1500, .position = 3 };
	struct cpc_proposal_speed speed = {
		.header = { .magic = CPC_PROPOSAL_MAGIC, .version = 1, .type = 3 },
		.zone = 4, .min_cm_s = 1000, .max_cm_s = 2500, .duration_s = 60 };
	u8 out[CPC_PROPOSAL_BYTES];

	cpc_proposal_encode(&p, out);
	ck_assert_mem_eq(out, &platoon, sizeof(platoon));	/* on a little-endian machine */
	p = (struct cpc_proposal){ .type = CPC_PROPOSAL_SPEED, .zone = 4, .min_cm_s = 1000,
				   .max_cm_s = 2500, .duration_s = 60 };
	cpc_proposal_encode(&p, out);
	ck_assert_mem_eq(out, &speed, sizeof(speed));
}
END_TEST

START_TEST(decode__round_trip)
{
	static const struct cpc_proposal all[] = {
		{ .type = CPC_PROPOSAL_JOIN, .platoon = UINT32_MAX, .speed_cm_s = UINT16_MAX,
		  .gap_cm = UINT16_MAX, .position = 255 },
		{ .type = CPC_PROPOSAL_MERGE, .platoon = 7 },
		{ .type = CPC_PROPOSAL_SPEED, .zone = UINT32_MAX, .min_cm_s = 1,
		  .max_cm_s = UINT16_MAX, .duration_s = UINT16_MAX },
	};
	u8 out[CPC_PROPOSAL_BYTES + 9] = { 0 };
	struct cpc_proposal back;
	size_t i, len;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		cpc_proposal_encode(&all[i], out);
		ck_assert(cpc_proposal_magic(out, 2));
		ck_assert_int_eq(cpc_proposal_decode(out, sizeof(out), &back), 0);
		ck_assert_int_eq(back.type, all[i].type);
		ck_assert_uint_eq(back.platoon, all[i].platoon);
		ck_assert_uint_eq(back.speed_cm_s, all[i].speed_cm_s);
		ck_assert_uint_eq(back.gap_cm, all[i].gap_cm);
		ck_assert_uint_eq(back.position, all[i].position);
		ck_assert_uint_eq(back.zone, all[i].zone);
		ck_assert_uint_eq(back.min_cm_s, all[i].min_cm_s);
		ck_assert_uint_eq(back.max_cm_s, all[i].max_cm_s);
		ck_assert_uint_eq(back.duration_s, all[i].duration_s);
		for (len = 0; len < CPC_PROPOSAL_BYTES; len++)
			ck_assert_int_eq(cpc_proposal_decode(out, len, &back), -EBADMSG);
	}
}
END_TEST

START_TEST(decode__others_are_refused)
{
	struct cpc_proposal p = { .type = CPC_PROPOSAL_JOIN }, back;
	u8 out[CPC_PROPOSAL_BYTES];

	for (int at = 0; at < 4; at++) {	/* magic, version, type */
		cpc_proposal_encode(&p, out);
		out[at] += 3;
		ck_assert_int_eq(cpc_proposal_decode(out, sizeof(out), &back), -EBADMSG);
	}
	cpc_proposal_encode(&p, out);
	out[3] = 0;
	ck_assert_int_eq(cpc_proposal_decode(out, sizeof(out), &back), -EBADMSG);
	ck_assert(!cpc_proposal_magic(out, 1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proposal");
	TCase *tc = tcase_create("proposal");

	tcase_add_test(tc, type__by_name);
	tcase_add_test(tc, kind__platoons_need_all);
	tcase_add_test(tc, check__names_the_value);
	tcase_add_test(tc, encode__as_the_policies_read_it);
	tcase_add_test(tc, decode__round_trip);
	tcase_add_test(tc, decode__others_are_refused);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
