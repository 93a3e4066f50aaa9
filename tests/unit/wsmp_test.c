// SPDX-License-Identifier: BSD-3-Clause
/*
 * Are WSMP headers the octets of IEEE 1609.3 clause 8.3, does the decoder return what was encoded
 * and exactly the length that the message claims, and does it refuse the rest?
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/wsmp.h"

static int decode(const uint8_t *data, size_t size, uint32_t *ret_psid, size_t *ret_payload_size,
		  size_t *ret_size)
{
	uint8_t *copy = malloc(size ? size : 1); /* exactly so long, for the sanitizer */
	const uint8_t *payload = NULL;
	int r;

	memcpy(copy, data, size);
	r = cpc_wsmp_decode(copy, size, ret_psid, &payload, ret_payload_size, ret_size);
	if (r == 0) {
		ck_assert_uint_le(*ret_size, size);
		ck_assert_ptr_eq(payload + *ret_payload_size, copy + *ret_size);
	}
	free(copy);
	return r;
}

START_TEST(encode__octets_by_hand)
{
	static const uint8_t expected[] = { 0x03, 0x00, 0x20, 0x02, 0xaa, 0xbb };
	uint8_t data[16];
	size_t size;

	ck_assert_int_eq(cpc_wsmp_encode(0x20, expected + 4, 2, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, sizeof(expected));
	ck_assert_mem_eq(data, expected, sizeof(expected));
	for (size_t room = 0; room < sizeof(expected); room++)
		ck_assert_int_eq(cpc_wsmp_encode(0x20, expected + 4, 2, data, room, &size),
				 -ENOSPC);
}
END_TEST

/* The ends of each length of the p-encoding, IEEE 1609.3 4.1.2. */
static const struct {
	uint32_t psid;
	size_t size;
	uint8_t octets[4];
} psids[] = {
	{ 0x00, 1, { 0x00 } },
	{ 0x7f, 1, { 0x7f } },
	{ 0x80, 2, { 0x80, 0x00 } },
	{ 0x407f, 2, { 0xbf, 0xff } },
	{ 0x4080, 3, { 0xc0, 0x00, 0x00 } },
	{ 0x20407f, 3, { 0xdf, 0xff, 0xff } },
	{ 0x204080, 4, { 0xe0, 0x00, 0x00, 0x00 } },
	{ CPC_WSMP_PSID_MAX, 4, { 0xef, 0xff, 0xff, 0xff } },
};

START_TEST(encode__psids)
{
	const uint8_t payload[] = { 1 };
	size_t size, payload_size, used;
	uint8_t data[16];
	uint32_t back;

	ck_assert_int_eq(cpc_wsmp_encode(psids[_i].psid, payload, 1, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, 2 + psids[_i].size + 1 + 1);
	ck_assert_mem_eq(data + 2, psids[_i].octets, psids[_i].size);
	ck_assert_int_eq(decode(data, size, &back, &payload_size, &used), 0);
	ck_assert_uint_eq(back, psids[_i].psid);
	ck_assert_int_eq(cpc_wsmp_encode(CPC_WSMP_PSID_MAX + 1, payload, 1, data, 16, &size),
			 -EINVAL);
}
END_TEST

START_TEST(encode__every_length_round_trips_with_trailing_octets)
{
	static uint8_t payload[CPC_WSMP_LENGTH_MAX + 1], data[sizeof(payload) + 64];
	size_t size, payload_size, used;
	uint32_t psid;

	for (size_t length = 0; length <= CPC_WSMP_LENGTH_MAX; length += length < 300 ? 1 : 977) {
		ck_assert_int_eq(cpc_wsmp_encode(0x20, payload, length, data, sizeof(data), &size),
				 0);
		ck_assert_int_eq(decode(data, size + 9, &psid, &payload_size, &used), 0);
		ck_assert_uint_eq(payload_size, length);
		ck_assert_uint_eq(used, size);
	}
	ck_assert_int_eq(cpc_wsmp_encode(0x20, payload, sizeof(payload), data, sizeof(data), &size),
			 -EMSGSIZE);
}
END_TEST

/* With two extension elements in each of the headers. */
static const uint8_t extended[] = {
	0x0b, 0x02, 0x04, 0x01, 0x9e, 0x0f, 0x01, 0xac, 0x01,
	0x87, 0x3f, 0x01, 0x10, 0x01, 0x0c, 0x03, 0xaa, 0xbb, 0xcc,
};

START_TEST(decode__extension_elements_are_skipped)
{
	size_t payload_size, used;
	uint32_t psid;

	ck_assert_int_eq(decode(extended, sizeof(extended), &psid, &payload_size, &used), 0);
	ck_assert_uint_eq(psid, 0x80 + 0x073f);
	ck_assert_uint_eq(payload_size, 3);
	ck_assert_uint_eq(used, sizeof(extended));
}
END_TEST

START_TEST(decode__truncated_anywhere_is_an_error)
{
	size_t payload_size, used;
	uint32_t psid;

	for (size_t cut = 0; cut < sizeof(extended); cut++)
		ck_assert_int_eq(decode(extended, cut, &psid, &payload_size, &used), -ENODATA);
}
END_TEST

static const struct {
	uint8_t octets[6];
	int wanted;
} refused[] = {
	{ { 0x02, 0x00, 0x20, 0x01, 0xaa }, -EOPNOTSUPP }, /* version 2 */
	{ { 0x13, 0x00, 0x20, 0x01, 0xaa }, -EOPNOTSUPP }, /* subtype 1 */
	{ { 0x03, 0x02, 0x20, 0x01, 0xaa }, -EOPNOTSUPP }, /* addressed by ports */
	{ { 0x03, 0x00, 0xf0, 0x01, 0xaa }, -EBADMSG },	   /* PSID of no length */
	{ { 0x03, 0x00, 0x20, 0xc0, 0x00 }, -EBADMSG },	   /* length that begins with 11 */
	{ { 0x03, 0x00, 0x20, 0x80, 0x08 }, -ENODATA },	   /* longer than the frame */
};

START_TEST(decode__excluded_values)
{
	size_t payload_size, used;
	uint32_t psid;

	ck_assert_int_eq(decode(refused[_i].octets, 6, &psid, &payload_size, &used),
			 refused[_i].wanted);
}
END_TEST

START_TEST(ieee1609_2_wrap__lengths)
{
	static uint8_t payload[UINT16_MAX + 1], data[UINT16_MAX + 8];
	size_t size;

	ck_assert_int_eq(cpc_ieee1609_2_wrap(payload, 127, data, sizeof(data), &size), 0);
	ck_assert_mem_eq(data, "\x03\x80\x7f", 3);
	ck_assert_uint_eq(size, 130);
	ck_assert_int_eq(cpc_ieee1609_2_wrap(payload, 128, data, sizeof(data), &size), 0);
	ck_assert_mem_eq(data, "\x03\x80\x81\x80", 4);
	ck_assert_int_eq(cpc_ieee1609_2_wrap(payload, 256, data, sizeof(data), &size), 0);
	ck_assert_mem_eq(data, "\x03\x80\x82\x01\x00", 5);
	ck_assert_uint_eq(size, 261);
	ck_assert_int_eq(cpc_ieee1609_2_wrap(payload, 256, data, 260, &size), -ENOSPC);
	ck_assert_int_eq(cpc_ieee1609_2_wrap(payload, sizeof(payload), data, sizeof(data), &size),
			 -EMSGSIZE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wsmp");
	TCase *tests = tcase_create("wsmp");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, encode__octets_by_hand);
	tcase_add_loop_test(tests, encode__psids, 0, sizeof(psids) / sizeof(*psids));
	tcase_add_test(tests, encode__every_length_round_trips_with_trailing_octets);
	tcase_add_test(tests, decode__extension_elements_are_skipped);
	tcase_add_test(tests, decode__truncated_anywhere_is_an_error);
	tcase_add_loop_test(tests, decode__excluded_values, 0, sizeof(refused) / sizeof(*refused));
	tcase_add_test(tests, ieee1609_2_wrap__lengths);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
