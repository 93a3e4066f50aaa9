// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the UPER cursor lay bits as X.691 says, give back what was put, and stay in its buffer?
 * The octets in the first tests were worked out by hand from X.691.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/uper.h"

static uint64_t state = 0x9e3779b97f4a7c15;

static uint32_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

START_TEST(integer__takes_the_bits_of_its_range)
{
	static const struct {
		int64_t min, max;
		unsigned int bits;
	} ranges[] = {
		{ 5, 5, 0 },	   { 0, 1, 1 },		  { 0, 2, 2 },
		{ 1, 127, 7 },	   { 0, 127, 7 },	  { 0, 128, 8 },
		{ 0, 3601, 12 },   { -160, 161, 9 },	  { -1, 14, 4 },
		{ 0, 65535, 16 },  { -131071, 131072, 18 }, { -12700, 12800, 15 },
		{ -900000000, 900000001, 31 },		  { -1800000000, 1800000001, 32 },
		{ 0, UINT32_MAX, 32 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct cpc_uper uper;
		uint8_t data[8];
		int64_t value = ranges[i].max;

		cpc_uper_encoder_init(&uper, data, sizeof(data));
		cpc_uper_integer(&uper, &value, ranges[i].min, ranges[i].max);
		ck_assert_int_eq(uper.error, 0);
		ck_assert_uint_eq(uper.used_bits, ranges[i].bits);
	}
}
END_TEST

/* 900 in 0..3601 is 0011 1000 0100, 5 in 1..127 is 000 0100: 00111000 01000000 100 + padding. */
START_TEST(integer__octets_by_hand)
{
	static const uint8_t expected[] = { 0x38, 0x40, 0x80 };
	struct cpc_uper uper;
	int32_t heading = 900, confidence = 5;
	uint8_t data[8];
	size_t size;

	cpc_uper_encoder_init(&uper, data, sizeof(data));
	cpc_uper_int32(&uper, &heading, 0, 3601);
	cpc_uper_int32(&uper, &confidence, 1, 127);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), 0);
	ck_assert_uint_eq(size, sizeof(expected));
	ck_assert_mem_eq(data, expected, sizeof(expected));
}
END_TEST

/* { extension 0, flag 1, enumerated 2 of 3 with marker 0 10, bits 0000101, count 3 of 0..40 }. */
START_TEST(mixed__octets_by_hand)
{
	/* 0 1 | 0 10 | 0000 101 | 0000 11 -> 01010000 01010000 11 */
	static const uint8_t expected[] = { 0x50, 0x50, 0xc0 };
	struct cpc_uper uper;
	uint8_t data[3];
	bool flag = true;
	int32_t mode = 2;
	uint32_t bits = 5;
	unsigned int count = 3;
	size_t size;

	cpc_uper_encoder_init(&uper, data, sizeof(data));
	cpc_uper_no_extension(&uper);
	cpc_uper_flag(&uper, &flag);
	cpc_uper_enumerated(&uper, &mode, 3, true);
	cpc_uper_bit_string(&uper, &bits, 7);
	cpc_uper_count(&uper, &count, 0, 40);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(data, expected, sizeof(expected));
}
END_TEST

START_TEST(integer__outside_its_range_is_not_encoded)
{
	struct cpc_uper uper;
	int32_t value = 3602;
	uint8_t data[8];
	size_t size;

	cpc_uper_encoder_init(&uper, data, sizeof(data));
	cpc_uper_int32(&uper, &value, 0, 3601);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), -ERANGE);
}
END_TEST

START_TEST(integer__unused_codes_are_malformed)
{
	const uint8_t data[] = { 0xff, 0xf0 }; /* 4095 in INTEGER (0..3601) */
	struct cpc_uper uper;
	int32_t value = 7;
	size_t size;

	cpc_uper_decoder_init(&uper, data, sizeof(data));
	cpc_uper_int32(&uper, &value, 0, 3601);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), -EBADMSG);
}
END_TEST

START_TEST(no_extension__additions_are_told_from_malformed)
{
	const uint8_t data[] = { 0x80 };
	struct cpc_uper uper;
	size_t size;

	cpc_uper_decoder_init(&uper, data, sizeof(data));
	cpc_uper_no_extension(&uper);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), -EOPNOTSUPP);
}
END_TEST

START_TEST(errors__stick_and_nothing_moves_after)
{
	const uint8_t data[] = { 0xff };
	struct cpc_uper uper;
	int32_t value = 0;
	size_t size = 77;

	cpc_uper_decoder_init(&uper, data, sizeof(data));
	cpc_uper_int32(&uper, &value, 0, 65535);
	ck_assert_int_eq(uper.error, -ENODATA);
	cpc_uper_int32(&uper, &value, 3, 10);
	ck_assert_int_eq(value, 3);
	cpc_uper_fail(&uper, -EBADMSG);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), -ENODATA);
	ck_assert_uint_eq(size, 77);
	ck_assert_uint_eq(uper.used_bits, 0);
}
END_TEST

enum { FIELDS = 64 };

/* Random constraints and values: the decoder returns them, and uses as many bits. */
START_TEST(integer__random_sequences_round_trip)
{
	for (unsigned int round = 0; round < 2000; round++) {
		int64_t min[FIELDS], max[FIELDS], value[FIELDS];
		struct cpc_uper uper;
		uint8_t data[FIELDS * 4];
		size_t size, used;
		uint8_t *copy;

		cpc_uper_encoder_init(&uper, data, sizeof(data));
		for (unsigned int i = 0; i < FIELDS; i++) {
			uint32_t span = any() >> any() % 32;

			min[i] = (int64_t)(int32_t)any();
			max[i] = min[i] + span;
			value[i] = min[i] + any() % ((uint64_t)span + 1);
			cpc_uper_integer(&uper, &value[i], min[i], max[i]);
		}
		ck_assert_int_eq(cpc_uper_finish(&uper, &size), 0);
		used = uper.used_bits;

		copy = malloc(size); /* exactly so long: the sanitizer sees a step beyond */
		memcpy(copy, data, size);
		cpc_uper_decoder_init(&uper, copy, size);
		for (unsigned int i = 0; i < FIELDS; i++) {
			int64_t back = 0;

			cpc_uper_integer(&uper, &back, min[i], max[i]);
			ck_assert_int_eq(back, value[i]);
		}
		ck_assert_int_eq(cpc_uper_finish(&uper, &size), 0);
		ck_assert_uint_eq(uper.used_bits, used);
		free(copy);
	}
}
END_TEST

START_TEST(encoder__full_buffer_is_an_error)
{
	uint8_t data[3] = { 0, 0, 0xee };
	struct cpc_uper uper;
	uint32_t value = 0xffff;
	size_t size;

	cpc_uper_encoder_init(&uper, data, 2);
	cpc_uper_bit_string(&uper, &value, 16);
	ck_assert_int_eq(uper.error, 0);
	value = 1;
	cpc_uper_bit_string(&uper, &value, 1);
	ck_assert_int_eq(cpc_uper_finish(&uper, &size), -ENOSPC);
	ck_assert_uint_eq(data[2], 0xee);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("uper");
	TCase *tests = tcase_create("uper");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, integer__takes_the_bits_of_its_range);
	tcase_add_test(tests, integer__octets_by_hand);
	tcase_add_test(tests, mixed__octets_by_hand);
	tcase_add_test(tests, integer__outside_its_range_is_not_encoded);
	tcase_add_test(tests, integer__unused_codes_are_malformed);
	tcase_add_test(tests, no_extension__additions_are_told_from_malformed);
	tcase_add_test(tests, errors__stick_and_nothing_moves_after);
	tcase_add_test(tests, integer__random_sequences_round_trip);
	tcase_add_test(tests, encoder__full_buffer_is_an_error);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
