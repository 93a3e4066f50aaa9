// SPDX-License-Identifier: BSD-3-Clause
/* Does the buffer hold exactly what was put in, never beyond its limit? */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/buffer.h"

START_TEST(cpc_buffer_append__keeps_order_over_growth)
{
	CPC_BUFFER struct cpc_buffer b = cpc_buffer_init(100000);

	for (unsigned i = 0; i < 25000; i++) {
		uint32_t value = i;

		ck_assert_int_eq(cpc_buffer_append(&b, &value, sizeof(value)), 0);
		ck_assert_uint_le(b.size, b.limit);
	}
	ck_assert_uint_eq(b.len, 100000);
	for (unsigned i = 0; i < 25000; i++) {
		uint32_t value;

		memcpy(&value, b.data + 4 * i, sizeof(value));
		ck_assert_uint_eq(value, i);
	}
}
END_TEST

START_TEST(cpc_buffer_append__refuses_past_the_limit_and_changes_nothing)
{
	CPC_BUFFER struct cpc_buffer b = cpc_buffer_init(5);

	ck_assert_int_eq(cpc_buffer_append(&b, "abc", 3), 0);
	ck_assert_int_eq(cpc_buffer_append(&b, "def", 3), -ENOBUFS);
	ck_assert_int_eq(cpc_buffer_append(&b, "x", SIZE_MAX), -ENOBUFS);
	ck_assert_mem_eq(b.data, "abc", 3);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_uint_eq(cpc_buffer_room(&b), 2);
	ck_assert_int_eq(cpc_buffer_append(&b, "de", 2), 0);
	ck_assert_uint_eq(cpc_buffer_room(&b), 0);
	ck_assert_uint_le(b.size, 5);
}
END_TEST

START_TEST(cpc_buffer_append__of_nothing_to_an_empty_one)
{
	CPC_BUFFER struct cpc_buffer b = cpc_buffer_init(0);

	ck_assert_int_eq(cpc_buffer_append(&b, NULL, 0), 0);
	ck_assert_int_eq(cpc_buffer_append(&b, "a", 1), -ENOBUFS);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(cpc_buffer_extend__gives_zeros)
{
	CPC_BUFFER struct cpc_buffer b = cpc_buffer_init(64);
	uint8_t *bytes;

	ck_assert_int_eq(cpc_buffer_append(&b, "secret", 6), 0);
	cpc_buffer_truncate(&b, 1);
	ck_assert_int_eq(cpc_buffer_extend(&b, 5, &bytes), 0);
	ck_assert_mem_eq(bytes, "\0\0\0\0\0", 5);
	ck_assert_mem_eq(b.data, "s\0\0\0\0\0", 6);
}
END_TEST

START_TEST(cpc_buffer_consume__leaves_the_rest)
{
	CPC_BUFFER struct cpc_buffer b = cpc_buffer_init(8);

	ck_assert_int_eq(cpc_buffer_append(&b, "abcdefgh", 8), 0);
	cpc_buffer_consume(&b, 3);
	ck_assert_uint_eq(b.len, 5);
	ck_assert_mem_eq(b.data, "defgh", 5);
	ck_assert_int_eq(cpc_buffer_append(&b, "ijk", 3), 0);
	ck_assert_mem_eq(b.data, "defghijk", 8);
	cpc_buffer_consume(&b, 8);
	ck_assert_uint_eq(b.len, 0);
}
END_TEST

START_TEST(cpc_buffer_done__leaves_a_usable_buffer)
{
	CPC_BUFFER struct cpc_buffer b = cpc_buffer_init(8);

	ck_assert_int_eq(cpc_buffer_append(&b, "abc", 3), 0);
	cpc_buffer_done(&b);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_int_eq(cpc_buffer_append(&b, "abcdefgh", 8), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tests = tcase_create("buffer");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, cpc_buffer_append__keeps_order_over_growth);
	tcase_add_test(tests, cpc_buffer_append__refuses_past_the_limit_and_changes_nothing);
	tcase_add_test(tests, cpc_buffer_append__of_nothing_to_an_empty_one);
	tcase_add_test(tests, cpc_buffer_extend__gives_zeros);
	tcase_add_test(tests, cpc_buffer_consume__leaves_the_rest);
	tcase_add_test(tests, cpc_buffer_done__leaves_a_usable_buffer);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
