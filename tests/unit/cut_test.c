// SPDX-License-Identifier: BSD-3-Clause
/* cut_test.c - what a slot decides: its bytes, its bounds, its digest. */
#include "core_testing.h"

#include <cpchain/cut.h>

static void random_cut(struct cpc_cut *cut, unsigned int n, u64 *seed)
{
	unsigned int lane;

	memset(cut, 0, sizeof(*cut));
	cut->slot = 1 + random_below(seed, 1000000);
	random_bytes(seed, &cut->parent, sizeof(cut->parent));
	for (lane = 0; lane < n && cut->lanes < CPC_CUT_LANES_MAX; lane++) {
		struct cpc_cut_lane *l = &cut->lane[cut->lanes];

		if (random_below(seed, 3) == 0)
			continue;
		l->lane = (u8)lane;
		l->seq = 1 + (u32)random_next(seed) / 2;
		l->accepted = (u16)random_next(seed);
		random_bytes(seed, &l->head, sizeof(l->head));
		cut->lanes++;
	}
}

static size_t encode(const struct cpc_cut *cut, u8 out[CPC_CUT_BYTES_MAX])
{
	struct cpc_writer w = cpc_writer_init(out, CPC_CUT_BYTES_MAX);

	cpc_cut_write(&w, cut);
	ck_assert(!w.failed);
	return w.used;
}

START_TEST(read__round_trip_and_every_truncation_refused)
{
	static const unsigned int sizes[] = { 4, 7, 16, 64 };
	unsigned int round;
	u64 seed = 1;

	for (round = 0; round < 2000; round++) {
		unsigned int n = sizes[round % 4];
		struct cpc_cut cut, back;
		u8 wire[CPC_CUT_BYTES_MAX];
		struct cpc_reader r;
		size_t len, cutoff;

		random_cut(&cut, n, &seed);
		len = encode(&cut, wire);
		ck_assert_uint_eq(len, 21 + 23 * cut.lanes);
		r = cpc_reader_init(wire, len);
		ck_assert_int_eq(cpc_cut_read(&r, n, &back), 0);
		ck_assert_uint_eq(r.left, 0);
		ck_assert_mem_eq(&cut, &back, sizeof(cut));
		for (cutoff = 0; cutoff < len; cutoff++) {
			r = cpc_reader_init(wire, cutoff);
			back.slot = 77;
			ck_assert_int_eq(cpc_cut_read(&r, n, &back), -EBADMSG);
			ck_assert_uint_eq(back.slot, 77);
		}
	}
}
END_TEST

START_TEST(read__refuses_what_is_out_of_bounds)
{
	struct cpc_cut good = { .slot = 5, .lanes = 2 }, bad, back;
	u8 wire[CPC_CUT_BYTES_MAX + 32] = { 0 };
	unsigned int i;
	struct cpc_reader r;

	good.lane[0] = (struct cpc_cut_lane){ .lane = 1, .seq = 3 };
	good.lane[1] = (struct cpc_cut_lane){ .lane = 3, .seq = 9 };
	for (i = 0; i < 6; i++) {
		bad = good;
		if (i == 1)
			bad.slot = 0;
		if (i == 2)
			bad.lane[1].lane = 4;
		if (i == 3)
			bad.lane[1].lane = 1;
		if (i == 4)
			bad.lane[0].lane = 3;
		if (i == 5)
			bad.lane[0].seq = 0;
		r = cpc_reader_init(wire, encode(&bad, wire));
		ck_assert_int_eq(cpc_cut_read(&r, 4, &back), i ? -EBADMSG : 0);
	}
	wire[20] = CPC_CUT_LANES_MAX + 1;
	r = cpc_reader_init(wire, sizeof(wire));
	ck_assert_int_eq(cpc_cut_read(&r, 64, &back), -EBADMSG);
}
END_TEST

START_TEST(digest__depends_on_every_field_and_on_the_member_set)
{
	struct cpc_cut cut, other;
	struct cpc_hash members = { { 1 } }, strangers = { { 2 } };
	struct cpc_digest digest, changed;
	unsigned int i;
	u64 seed = 3;

	do
		random_cut(&cut, 7, &seed);
	while (cut.lanes < 2);
	cpc_cut_digest(test_hash, &members, &cut, &digest);
	cpc_cut_digest(test_hash, &members, &cut, &changed);
	ck_assert(cpc_digest_equal(&digest, &changed));
	cpc_cut_digest(test_hash, &strangers, &cut, &changed);
	ck_assert(!cpc_digest_equal(&digest, &changed));
	for (i = 0; i < 7; i++) {
		other = cut;
		if (i == 0)
			other.slot++;
		if (i == 1)
			other.parent.b[15] ^= 1;
		if (i == 2)
			other.lanes--;
		if (i == 3)
			other.lane[1].seq++;
		if (i == 4)
			other.lane[1].accepted ^= 0x8000;
		if (i == 5)
			other.lane[1].head.b[0] ^= 1;
		if (i == 6)
			other.lane[0].lane ^= 64;
		cpc_cut_digest(test_hash, &members, &other, &changed);
		ck_assert_msg(!cpc_digest_equal(&digest, &changed), "change %u is not covered", i);
	}
}
END_TEST

START_TEST(digest__never_that_of_an_entry)
{
	/* The same bytes read as a cut and as an entry must not share a name. */
	struct cpc_cut cut = { .slot = 1 };
	struct cpc_hash members = { { 1 } };
	u8 wire[1 + CPC_HASH_BYTES + CPC_CUT_BYTES_MAX], hash[CPC_HASH_BYTES];
	struct cpc_digest digest;
	size_t len;

	wire[0] = 'E';
	memcpy(wire + 1, members.b, sizeof(members.b));
	len = encode(&cut, wire + 1 + CPC_HASH_BYTES);
	test_hash(wire, 1 + CPC_HASH_BYTES + len, hash);
	cpc_cut_digest(test_hash, &members, &cut, &digest);
	ck_assert_mem_ne(digest.b, hash, sizeof(digest.b));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cut");
	TCase *tests = tcase_create("cut");

	tcase_add_test(tests, read__round_trip_and_every_truncation_refused);
	tcase_add_test(tests, read__refuses_what_is_out_of_bounds);
	tcase_add_test(tests, digest__depends_on_every_field_and_on_the_member_set);
	tcase_add_test(tests, digest__never_that_of_an_entry);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
