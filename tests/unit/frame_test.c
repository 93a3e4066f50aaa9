// SPDX-License-Identifier: BSD-3-Clause
/* Does every frame come back as it was sent, and does nothing else pass for one? */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/net/frame.h"

static const struct cpc_frame frames[] = {
	{ .type = CPC_FRAME_OFFER, .epoch = { 0x1234, 0xfffe },
	  .offer = { .has_held = true, .held = { 1, 2, 3, 4, 5, 6, 7, 8 },
		     .fresh = { 9, 10, 11, 12 } } },
	{ .type = CPC_FRAME_OFFER, .epoch = { 1, 2 }, .offer = { .fresh = { 255 } } },
	{ .type = CPC_FRAME_HELLO, .epoch = { 0x1234, 0xfffe } },
	{ .type = CPC_FRAME_CONFIRM, .epoch = { 3, 4 }, .key_id = { 8, 7, 6, 5, 4, 3, 2, 1 } },
	{ .type = CPC_FRAME_PING, .token = 0xdeadbeef },
	{ .type = CPC_FRAME_PONG, .token = 1 },
	{ .type = CPC_FRAME_FETCH, .epoch = { 5, 6 }, .after_slot = 0xffffffff },
	{ .type = CPC_FRAME_TELL, .blob = { (const uint8_t *)"t", 1 } },
	{ .type = CPC_FRAME_TELL, .blob = { (const uint8_t *)"tell", 4 } },
	{ .type = CPC_FRAME_DECISIONS, .blob = { (const uint8_t *)"blob", 4 } },
	{ .type = CPC_FRAME_DECISIONS, .blob = { NULL, 0 } },
};

enum {
	FRAMES = sizeof(frames) / sizeof(frames[0]),
	BLOBS = 4,	/* of them, at the end */
	BYTES = 64,
};

static size_t encode(const struct cpc_frame *frame, uint8_t *bytes, size_t size)
{
	struct cpc_writer w = cpc_writer_init(bytes, size);

	cpc_frame_encode(&w, frame);
	ck_assert(!w.failed);
	return w.used;
}

/* Decodes a copy of exactly that size, so that the sanitizer sees a read beyond it. */
static int decode(const uint8_t *bytes, size_t len, struct cpc_frame *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, bytes, len);
	r = cpc_frame_decode(copy, len, ret);
	free(copy);
	return r;
}

START_TEST(cpc_frame_decode__gives_back_what_was_encoded)
{
	const struct cpc_frame *frame = &frames[_i];
	uint8_t bytes[BYTES], again[BYTES];
	struct cpc_frame got;
	size_t len = encode(frame, bytes, sizeof(bytes));

	ck_assert_int_eq(cpc_frame_decode(bytes, len, &got), (int)len);
	ck_assert_int_eq(got.type, frame->type);
	ck_assert_uint_eq(encode(&got, again, sizeof(again)), len);
	ck_assert_mem_eq(bytes, again, len);
	ck_assert_uint_eq(cpc_frame_bytes(frame), len);
	ck_assert(got.epoch.cell == frame->epoch.cell && got.epoch.epoch == frame->epoch.epoch);
	if (frame->type == CPC_FRAME_OFFER) {
		ck_assert(got.offer.has_held == frame->offer.has_held);
		ck_assert_mem_eq(got.offer.held, frame->offer.held, CPC_KEY_ID_BYTES);
		ck_assert_mem_eq(got.offer.fresh, frame->offer.fresh, CPC_KEY_ID_BYTES);
	}
	if (frame->type == CPC_FRAME_DECISIONS || frame->type == CPC_FRAME_TELL) {
		ck_assert_uint_eq(got.blob.len, frame->blob.len);
		ck_assert(got.blob.len == 0 || got.blob.data == bytes + 5);
	}
}
END_TEST

START_TEST(cpc_frame_decode__layout_is_as_documented)
{
	static const uint8_t hello[] = { 5, 0, 0, 0, 1, 0x34, 0x12, 3, 0 };
	static const uint8_t offer[] = { 22, 0, 0, 0, 2, 7, 0, 3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 2, 2, 2, 2, 2, 2, 2, 2 };
	static const uint8_t confirm[] = { 13, 0, 0, 0, 3, 7, 0, 3, 0, 8, 7, 6, 5, 4, 3, 2, 1 };
	static const uint8_t fetch[] = { 9, 0, 0, 0, 6, 7, 0, 3, 0, 0x04, 0x03, 0x02, 0x01 };
	static const uint8_t tell[] = { 3, 0, 0, 0, 8, 'h', 'i' };
	struct cpc_frame got;

	ck_assert_int_eq(cpc_frame_decode(hello, sizeof(hello), &got), sizeof(hello));
	ck_assert(got.type == CPC_FRAME_HELLO && got.epoch.cell == 0x1234 && got.epoch.epoch == 3);
	ck_assert_int_eq(cpc_frame_decode(offer, sizeof(offer), &got), sizeof(offer));
	ck_assert(got.type == CPC_FRAME_OFFER && got.epoch.cell == 7 && got.epoch.epoch == 3 &&
		  got.offer.has_held && got.offer.held[7] == 1 && got.offer.fresh[0] == 2);
	ck_assert_int_eq(cpc_frame_decode(confirm, sizeof(confirm), &got), sizeof(confirm));
	ck_assert(got.type == CPC_FRAME_CONFIRM && got.epoch.cell == 7 && got.key_id[0] == 8);
	ck_assert_int_eq(cpc_frame_decode(fetch, sizeof(fetch), &got), sizeof(fetch));
	ck_assert(got.type == CPC_FRAME_FETCH && got.epoch.epoch == 3 &&
		  got.after_slot == 0x01020304);
	ck_assert_int_eq(cpc_frame_decode(tell, sizeof(tell), &got), sizeof(tell));
	ck_assert(got.type == CPC_FRAME_TELL && got.blob.len == 2 && got.blob.data == tell + 5);
}
END_TEST

START_TEST(cpc_frame_decode__waits_for_every_byte_and_takes_no_more)
{
	uint8_t bytes[2 * BYTES];
	struct cpc_frame got = { .type = 77 };
	size_t len = encode(&frames[_i], bytes, BYTES);

	for (size_t cut = 0; cut < len; cut++)
		ck_assert_int_eq(decode(bytes, cut, &got), 0);
	ck_assert_int_eq(got.type, 77);
	encode(&frames[0], bytes + len, BYTES);
	ck_assert_int_eq(decode(bytes, len + 9, &got), (int)len);
}
END_TEST

START_TEST(cpc_frame_decode__refuses_another_length_of_a_fixed_frame)
{
	uint8_t bytes[BYTES + 1] = { 0 };
	struct cpc_frame got;
	size_t len = encode(&frames[_i], bytes, BYTES);

	bytes[0]++;
	ck_assert_int_eq(decode(bytes, len + 1, &got), -EBADMSG);
	bytes[0] -= 2;
	ck_assert_int_eq(decode(bytes, len - 1, &got), -EBADMSG);
}
END_TEST

START_TEST(cpc_frame_decode__refuses_what_is_no_frame)
{
	static const uint8_t empty[] = { 0, 0, 0, 0 };
	static const uint8_t unknown[] = { 1, 0, 0, 0, 0 }, unknown9[] = { 1, 0, 0, 0, 9 };
	static const uint8_t says_nothing[] = { 1, 0, 0, 0, 8 };
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff };
	uint8_t bytes[BYTES];
	struct cpc_frame got;
	size_t len;

	ck_assert_int_eq(decode(empty, sizeof(empty), &got), -EBADMSG);
	ck_assert_int_eq(decode(unknown, sizeof(unknown), &got), -EBADMSG);
	ck_assert_int_eq(decode(unknown9, sizeof(unknown9), &got), -EBADMSG);
	ck_assert_int_eq(decode(says_nothing, sizeof(says_nothing), &got), -EBADMSG);
	ck_assert_int_eq(decode(huge, sizeof(huge), &got), -EMSGSIZE);
	/* A flag that is neither, and an id of a key that is not there. */
	len = encode(&frames[0], bytes, sizeof(bytes));
	bytes[9] = 2;
	ck_assert_int_eq(decode(bytes, len, &got), -EBADMSG);
	bytes[9] = 0;
	ck_assert_int_eq(decode(bytes, len, &got), -EBADMSG);
}
END_TEST

/* The largest blob of that type passes, and no larger one. */
static void assert_largest(enum cpc_frame_type type, size_t largest, int refusal)
{
	size_t size = CPC_FRAME_HEADER_BYTES + largest;
	uint8_t *bytes = calloc(1, size + 1);
	struct cpc_frame frame = { .type = type }, got;
	struct cpc_writer w;

	frame.blob.data = calloc(1, largest);
	frame.blob.len = largest;
	w = cpc_writer_init(bytes, size + 1);
	cpc_frame_encode(&w, &frame);
	ck_assert(!w.failed && w.used == size);
	ck_assert_int_eq(cpc_frame_decode(bytes, size, &got), (int)size);
	bytes[0]++;
	ck_assert_int_eq(cpc_frame_decode(bytes, size + 1, &got), refusal);
	free((void *)frame.blob.data);
	free(bytes);
}

START_TEST(cpc_frame_decode__the_largest_blob_passes_and_no_larger)
{
	assert_largest(CPC_FRAME_DECISIONS, CPC_NET_BLOB_MAX, -EMSGSIZE);
	assert_largest(CPC_FRAME_TELL, CPC_NET_TELL_MAX, -EBADMSG);
}
END_TEST

START_TEST(cpc_frame_encode__says_when_there_is_no_room)
{
	uint8_t bytes[BYTES];
	size_t len = encode(&frames[_i], bytes, sizeof(bytes));
	struct cpc_writer w = cpc_writer_init(bytes, len - 1);

	cpc_frame_encode(&w, &frames[_i]);
	ck_assert(w.failed);
	ck_assert(_i >= FRAMES - BLOBS || len <= CPC_FRAME_SMALL_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tests = tcase_create("frame");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, cpc_frame_decode__gives_back_what_was_encoded, 0, FRAMES);
	tcase_add_test(tests, cpc_frame_decode__layout_is_as_documented);
	tcase_add_loop_test(tests, cpc_frame_decode__waits_for_every_byte_and_takes_no_more, 0,
			    FRAMES);
	/* Not the blobs, at the end of the table, which have any length. */
	tcase_add_loop_test(tests, cpc_frame_decode__refuses_another_length_of_a_fixed_frame, 0,
			    FRAMES - BLOBS);
	tcase_add_test(tests, cpc_frame_decode__refuses_what_is_no_frame);
	tcase_add_test(tests, cpc_frame_decode__the_largest_blob_passes_and_no_larger);
	tcase_add_loop_test(tests, cpc_frame_encode__says_when_there_is_no_room, 0, FRAMES);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
