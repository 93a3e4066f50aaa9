// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does a capture have the octets that draft-ietf-opsawg-pcapng asks for? tshark's view of whole
 * files is in tests/bpf/capture_test.sh.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bpf/pcapng.h"

static uint32_t word(const struct cpc_buffer *b, size_t at)
{
	uint32_t value;

	ck_assert_uint_le(at + 4, b->len);
	memcpy(&value, b->data + at, 4);
	return value;
}

/* Walks the blocks: lengths agree at both ends and fill the file. Returns how many. */
static unsigned int blocks(const struct cpc_buffer *b, uint32_t *ret_last)
{
	unsigned int count = 0;
	uint32_t length;

	for (size_t at = 0; at < b->len; at += length, count++) {
		*ret_last = word(b, at);
		length = word(b, at + 4);
		ck_assert_uint_ge(length, 12);
		ck_assert_uint_eq(length % 4, 0);
		ck_assert_uint_eq(word(b, at + length - 4), length);
	}
	return count;
}

START_TEST(begin__blocks)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4096);
	uint32_t last;

	ck_assert_int_eq(cpc_pcapng_begin(&out, "wlan0", 2048), 0);
	ck_assert_uint_eq(word(&out, 0), 0x0a0d0d0a);
	ck_assert_uint_eq(word(&out, 8), 0x1a2b3c4d);
	ck_assert_uint_eq(blocks(&out, &last), 2);
	ck_assert_uint_eq(last, 1);
}
END_TEST

START_TEST(begin__long_name)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4096);
	char name[80];

	memset(name, 'x', sizeof(name));
	name[65] = '\0';
	ck_assert_int_eq(cpc_pcapng_begin(&out, name, 1), -EINVAL);
	ck_assert_uint_eq(out.len, 0);
	name[64] = '\0';
	ck_assert_int_eq(cpc_pcapng_begin(&out, name, 1), 0);
}
END_TEST

START_TEST(packet__octets)
{
	struct cpc_stamp stamp = { .tai_ns = 0x123456789abcdef0, .length = 7, .captured = 5,
				   .direction = CPC_STAMP_TX };
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4096);
	uint32_t last;

	ck_assert_int_eq(cpc_pcapng_packet(&out, &stamp, (const uint8_t *)"abcde", 5, -16), 0);
	ck_assert_uint_eq(blocks(&out, &last), 1);
	ck_assert_uint_eq(last, 6);
	ck_assert_uint_eq(word(&out, 12), 0x12345678);
	ck_assert_uint_eq(word(&out, 16), 0x9abcdee0);
	ck_assert_uint_eq(word(&out, 20), 5);
	ck_assert_uint_eq(word(&out, 24), 7);
	ck_assert_mem_eq(out.data + 28, "abcde\0\0\0", 8);
	ck_assert_uint_eq(word(&out, 36), 4 << 16 | 2); /* epb_flags */
	ck_assert_uint_eq(word(&out, 40), 2);		/* outbound */
}
END_TEST

START_TEST(packet__hardware_stamp)
{
	struct cpc_stamp stamp = { .hardware_ns = 1234567 };
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4096);
	uint32_t last;

	ck_assert_int_eq(cpc_pcapng_packet(&out, &stamp, NULL, 0, 0), 0);
	ck_assert_uint_eq(blocks(&out, &last), 1);
	ck_assert_ptr_nonnull(memmem(out.data, out.len, "hardware stamp 1234567 ns", 25));
}
END_TEST

/* What does not fit is not begun: the file stays one that can be read. */
START_TEST(packet__no_room)
{
	struct cpc_stamp stamp = { .length = 100, .captured = 100 };
	static const uint8_t data[100];

	for (size_t limit = 0; limit < 144; limit++) {
		CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(limit);

		ck_assert_int_eq(cpc_pcapng_packet(&out, &stamp, data, 100, 0), -ENOBUFS);
		ck_assert_uint_eq(out.len, 0);
	}
}
END_TEST

START_TEST(packet__contradiction)
{
	struct cpc_stamp stamp = { .length = 3, .captured = 4 };
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4096);

	ck_assert_int_eq(cpc_pcapng_packet(&out, &stamp, (const uint8_t *)"abcd", 4, 0), -EINVAL);
	stamp.length = 4;
	ck_assert_int_eq(cpc_pcapng_packet(&out, &stamp, (const uint8_t *)"abcd", 3, 0), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcapng");
	TCase *tcase = tcase_create("pcapng");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, begin__blocks);
	tcase_add_test(tcase, begin__long_name);
	tcase_add_test(tcase, packet__octets);
	tcase_add_test(tcase, packet__hardware_stamp);
	tcase_add_test(tcase, packet__no_room);
	tcase_add_test(tcase, packet__contradiction);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
