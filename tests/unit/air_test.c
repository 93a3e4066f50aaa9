// SPDX-License-Identifier: BSD-3-Clause
/* Are the times those of the standard? The expected values are computed by hand, as shown. */
#include "tests/unit/core_testing.h"
#include "tools/cpc-medium/air.h"

static const struct {
	size_t octets;
	unsigned int mbit_s;
	uint32_t us;
} times[] = {
	/* 16 + 8 * (350 + 4) + 6 = 2854 bits: 60 symbols of 48. What DCC calls about 0.5 ms. */
	{ 350, 6, 40 + 60 * 8 },
	{ 350, 3, 40 + 119 * 8 },
	{ 350, 12, 40 + 30 * 8 },
	/* An ACK: 16 + 8 * 14 + 6 = 134 bits. */
	{ 10, 3, 40 + 6 * 8 },
	{ 10, 6, 40 + 3 * 8 },
	{ 10, 12, 40 + 2 * 8 },
	/* Nothing but the FCS: 54 bits; and the symbol that is just full: 16 + 8 * 9 + 8 = 96. */
	{ 0, 6, 40 + 2 * 8 },
	{ 5, 3, 40 + 4 * 8 },
	/* 22 + 8 * (k + 4) = 48 m first holds at k = 5.25: 94 bits are 2 symbols, 102 are 3. */
	{ 5, 6, 40 + 2 * 8 },
	{ 6, 6, 40 + 3 * 8 },
	/* 2400: 19254 bits, 401.1 symbols of 48. */
	{ CPC_AIR_MPDU_MAX, 6, 40 + 402 * 8 },
};

START_TEST(air_us__by_hand)
{
	ck_assert_uint_eq(cpc_air_us(times[_i].octets, times[_i].mbit_s), times[_i].us);
}
END_TEST

START_TEST(air_us__refuses_what_there_is_not)
{
	ck_assert_uint_eq(cpc_air_us(100, 9), 0);
	ck_assert_uint_eq(cpc_air_us(100, 0), 0);
	ck_assert_uint_eq(cpc_air_us(CPC_AIR_MPDU_MAX + 1, 6), 0);
	ck_assert(cpc_air_rate_known(3) && cpc_air_rate_known(6) && cpc_air_rate_known(12));
	ck_assert(!cpc_air_rate_known(27));
}
END_TEST

START_TEST(aifs_us__by_hand)
{
	ck_assert_uint_eq(cpc_air_aifs_us(CPC_AC_VO), 32 + 2 * 13);
	ck_assert_uint_eq(cpc_air_aifs_us(CPC_AC_VI), 32 + 3 * 13);
	ck_assert_uint_eq(cpc_air_aifs_us(CPC_AC_BE), 32 + 6 * 13);
	ck_assert_uint_eq(cpc_air_aifs_us(CPC_AC_BK), 32 + 9 * 13);
}
END_TEST

START_TEST(ack_us__by_hand)
{
	ck_assert_uint_eq(cpc_air_ack_us(6), 32 + 64);
	ck_assert_uint_eq(cpc_air_ack_us(3), 32 + 88);
}
END_TEST

START_TEST(ac_of_priority__table)
{
	static const enum cpc_ac expected[9] = { CPC_AC_BE, CPC_AC_BK, CPC_AC_BK, CPC_AC_BE,
						 CPC_AC_VI, CPC_AC_VI, CPC_AC_VO, CPC_AC_VO,
						 CPC_AC_BE };

	for (unsigned int i = 0; i < 9; i++)
		ck_assert_int_eq(cpc_air_ac_of_priority(i), expected[i]);
	ck_assert_str_eq(cpc_air_ac_name(CPC_AC_VO), "voice");
	ck_assert_str_eq(cpc_air_ac_name(CPC_AC_BK), "background");
}
END_TEST

static Suite *air_suite(void)
{
	Suite *suite = suite_create("air");
	TCase *tcase = tcase_create("times");

	tcase_add_loop_test(tcase, air_us__by_hand, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(tcase, air_us__refuses_what_there_is_not);
	tcase_add_test(tcase, aifs_us__by_hand);
	tcase_add_test(tcase, ack_us__by_hand);
	tcase_add_test(tcase, ac_of_priority__table);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(air_suite());
}
