// SPDX-License-Identifier: BSD-3-Clause
/* cursor_test.c - a cursor never leaves its buffer, and says so. */
#include "core_testing.h"

#include <cpchain/cursor.h>

START_TEST(write__little_endian_and_read_back)
{
	static const u8 wire[] = { 0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04,
				   0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08 };
	u8 out[sizeof(wire)];
	struct cpc_writer w = cpc_writer_init(out, sizeof(out));
	struct cpc_reader r;

	cpc_write_u8(&w, 0x01);
	cpc_write_le16(&w, 0x0203);
	cpc_write_le32(&w, 0x04050607);
	cpc_write_le64(&w, 0x08090a0b0c0d0e0full);
	ck_assert(!w.failed && w.used == sizeof(wire) && cpc_writer_room(&w) == 0);
	ck_assert_mem_eq(out, wire, sizeof(wire));
	r = cpc_reader_init(out, sizeof(out));
	ck_assert_uint_eq(cpc_read_u8(&r), 0x01);
	ck_assert_uint_eq(cpc_read_le16(&r), 0x0203);
	ck_assert_uint_eq(cpc_read_le32(&r), 0x04050607);
	ck_assert_uint_eq(cpc_read_le64(&r), 0x08090a0b0c0d0e0full);
	ck_assert(!r.failed && r.left == 0);
}
END_TEST

START_TEST(read__past_the_end_fails_for_good_and_gives_zeros)
{
	u8 three[3] = { 1, 2, 3 }, out[4] = { 9, 9, 9, 9 }, none[4] = { 0 };
	struct cpc_reader r = cpc_reader_init(three, sizeof(three));

	ck_assert_ptr_null(cpc_read_bytes(&r, 4));
	ck_assert(r.failed);
	/* What would still fit is refused too: a codec checks once, at its end. */
	ck_assert_uint_eq(cpc_read_u8(&r), 0);
	ck_assert_uint_eq(cpc_read_le16(&r), 0);
	cpc_read_copy(&r, out, sizeof(out));
	ck_assert_mem_eq(out, none, sizeof(out));
	r = cpc_reader_init(three, sizeof(three));
	ck_assert_ptr_null(cpc_read_bytes(&r, SIZE_MAX));
	ck_assert(r.failed);
	r = cpc_reader_init(NULL, 0);
	ck_assert_uint_eq(cpc_read_le64(&r), 0);
	ck_assert(r.failed);
}
END_TEST

START_TEST(write__past_the_end_writes_nothing_and_fails_for_good)
{
	u8 out[4] = { 0xee, 0xee, 0xee, 0xee };
	struct cpc_writer w = cpc_writer_init(out, 3);

	cpc_write_le16(&w, 0);
	cpc_write_le16(&w, 0);
	ck_assert(w.failed && w.used == 2 && cpc_writer_room(&w) == 0);
	cpc_write_u8(&w, 0);
	ck_assert(w.failed && w.used == 2);
	ck_assert_uint_eq(out[2], 0xee);
	ck_assert_uint_eq(out[3], 0xee);
	w = cpc_writer_init(out, 3);
	cpc_write_bytes(&w, out, SIZE_MAX);
	ck_assert(w.failed && w.used == 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cursor");
	TCase *tests = tcase_create("cursor");

	tcase_add_test(tests, write__little_endian_and_read_back);
	tcase_add_test(tests, read__past_the_end_fails_for_good_and_gives_zeros);
	tcase_add_test(tests, write__past_the_end_writes_nothing_and_fails_for_good);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
