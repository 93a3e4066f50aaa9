// SPDX-License-Identifier: BSD-3-Clause
/* Are sender, receiver and access category read from where the standards put them? */
#include <errno.h>
#include <string.h>

#include "tests/unit/core_testing.h"
#include "tools/cpc-medium/mpdu.h"

enum { DATA = 0x08, QOS_DATA = 0x88, BEACON = 0x80, ACK = 0xd4 };

static uint8_t frame[64];

/* A header from 02:..:01 to 02:..:02, then LLC/SNAP of @type, then @len octets. */
static size_t make(uint8_t control, uint8_t tid, uint16_t type, const void *payload, size_t len)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 3 };
	size_t at = 24;

	memset(frame, 0, sizeof(frame));
	frame[0] = control;
	frame[4] = frame[10] = 2;
	frame[9] = 2;
	frame[15] = 1;
	if (control == QOS_DATA) {
		frame[at] = tid;
		at += 2;
	}
	memcpy(frame + at, snap, sizeof(snap));
	frame[at + 6] = (uint8_t)(type >> 8);
	frame[at + 7] = (uint8_t)type;
	if (len)
		memcpy(frame + at + 8, payload, len);
	return at + 8 + len;
}

static enum cpc_ac category(size_t len)
{
	struct cpc_mpdu mpdu;

	ck_assert_int_eq(cpc_mpdu_parse(frame, len, &mpdu), 0);
	return mpdu.ac;
}

START_TEST(mpdu_parse__addresses)
{
	static const uint8_t one[6] = { 2, 0, 0, 0, 0, 1 }, two[6] = { 2, 0, 0, 0, 0, 2 };
	struct cpc_mpdu mpdu;
	size_t len = make(DATA, 0, 0x0800, NULL, 0);

	ck_assert_int_eq(cpc_mpdu_parse(frame, len, &mpdu), 0);
	ck_assert_mem_eq(mpdu.from, one, 6);
	ck_assert_mem_eq(mpdu.to, two, 6);
	ck_assert(!mpdu.group);
	memset(frame + 4, 0xff, 6);
	ck_assert_int_eq(cpc_mpdu_parse(frame, len, &mpdu), 0);
	ck_assert(mpdu.group);
}
END_TEST

START_TEST(mpdu_parse__category_of_qos_is_its_tid)
{
	ck_assert_int_eq(category(make(QOS_DATA, 7, 0x0800, NULL, 0)), CPC_AC_VO);
	ck_assert_int_eq(category(make(QOS_DATA, 0x25, 0x0800, NULL, 0)), CPC_AC_VI);
	ck_assert_int_eq(category(make(QOS_DATA, 1, 0x88b5, NULL, 0)), CPC_AC_BK);
}
END_TEST

START_TEST(mpdu_parse__category_of_the_protocol)
{
	static const enum cpc_ac of_class[5] = { CPC_AC_VO, CPC_AC_VI, CPC_AC_BE, CPC_AC_BK,
						 CPC_AC_BE };
	/* Basic header, then next header and type, then store-carry-forward and the class. */
	uint8_t geo[7] = { 0x11, 0, 5, 1, 0x20, 0x50, 0 };

	ck_assert_int_eq(category(make(DATA, 0, 0x86dd, NULL, 0)), CPC_AC_BE);
	ck_assert_int_eq(category(make(DATA, 0, 0x88dc, NULL, 0)), CPC_AC_BE);
	ck_assert_int_eq(category(make(DATA, 0, 0x88b5, NULL, 0)), CPC_AC_VO);
	ck_assert_int_eq(category(make(BEACON, 0, 0, NULL, 0)), CPC_AC_VO);
	for (uint8_t i = 0; i < 5; i++) {
		geo[6] = 0x80 | i;
		ck_assert_int_eq(category(make(DATA, 0, 0x8947, geo, 7)), of_class[i]);
	}
	geo[6] = 0;
	ck_assert_int_eq(category(make(DATA, 0, 0x8947, geo, 6)), CPC_AC_BE);
}
END_TEST

/* Every prefix is read within its bounds (the sanitizer looks on); half a header is refused. */
START_TEST(mpdu_parse__cut_short)
{
	struct cpc_mpdu mpdu = { .ac = CPC_AC_VI };
	size_t len, full = make(QOS_DATA, 7, 0x0800, NULL, 0);

	for (len = 0; len < 26; len++) {
		uint8_t *copy = malloc(len + !len);

		memcpy(copy, frame, len);
		ck_assert_int_eq(cpc_mpdu_parse(copy, len, &mpdu), -EBADMSG);
		free(copy);
	}
	ck_assert_int_eq(mpdu.ac, CPC_AC_VI);
	for (len = 26; len <= full; len++)
		ck_assert_int_eq(cpc_mpdu_parse(frame, len, &mpdu), 0);
	make(ACK, 0, 0, NULL, 0);
	ck_assert_int_eq(cpc_mpdu_parse(frame, full, &mpdu), -EBADMSG);
}
END_TEST

static Suite *mpdu_suite(void)
{
	Suite *suite = suite_create("mpdu");
	TCase *tcase = tcase_create("mpdu");

	tcase_add_test(tcase, mpdu_parse__addresses);
	tcase_add_test(tcase, mpdu_parse__category_of_qos_is_its_tid);
	tcase_add_test(tcase, mpdu_parse__category_of_the_protocol);
	tcase_add_test(tcase, mpdu_parse__cut_short);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(mpdu_suite());
}
