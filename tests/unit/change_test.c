// SPDX-License-Identifier: BSD-3-Clause
/* change_test.c - who is a member next: the change's bytes, bounds and arithmetic. */
#include "core_testing.h"

#include <cpchain/change.h>
#include <cpchain_element.h>

static u8 ids[16 * CPC_NODE_ID_BYTES];

static void setup(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(ids); i++)
		ids[i] = (u8)(i / CPC_NODE_ID_BYTES);
}

static int encode(u64 leaving, unsigned int joining, u16 split, u8 *out)
{
	struct cpc_member_change c = { .leaving = leaving, .split = split, .joining = (u8)joining,
				.node_id = ids };

	return cpc_change_encode(&c, out, CPC_ENTRY_DATA_MAX);
}

static int decode(u64 leaving, unsigned int joining, u16 split, unsigned int n)
{
	u8 wire[CPC_ENTRY_DATA_MAX];
	struct cpc_member_change c;

	return cpc_change_decode(wire, (size_t)encode(leaving, joining, split, wire), n, &c);
}

START_TEST(decode__round_trip_and_every_truncation_refused)
{
	u8 wire[CPC_ENTRY_DATA_MAX + 1] = { 0 };
	struct cpc_member_change c = { .joining = 99 };
	int len = encode(0x5, 3, 0, wire), cutoff;

	ck_assert_int_eq(len, sizeof(struct cpc_change_header) + 3 * CPC_NODE_ID_BYTES);
	for (cutoff = 0; cutoff < len; cutoff++)
		ck_assert_int_eq(cpc_change_decode(wire, (size_t)cutoff, 7, &c), -EBADMSG);
	ck_assert_int_eq(cpc_change_decode(wire, (size_t)len + 1, 7, &c), -EBADMSG);
	ck_assert_uint_eq(c.joining, 99);
	ck_assert_int_eq(cpc_change_decode(wire, (size_t)len, 7, &c), 0);
	ck_assert_uint_eq(c.leaving, 5);
	ck_assert_uint_eq(c.joining, 3);
	ck_assert_uint_eq(c.split, 0);
	ck_assert_mem_eq(c.node_id, ids, 3 * CPC_NODE_ID_BYTES);
	wire[0]++;
	ck_assert_int_eq(cpc_change_decode(wire, (size_t)len, 7, &c), -EBADMSG);
}
END_TEST

START_TEST(decode__refuses_what_is_no_cell)
{
	ck_assert_int_eq(decode(0, 0, 0, 4), 0);	/* the same members, new keys */
	ck_assert_int_eq(decode(0x10, 0, 0, 4), -EBADMSG);	/* leaves, but is no member */
	ck_assert_int_eq(decode(1ULL << 63, 0, 0, 64), 0);
	ck_assert_int_eq(decode(0x3, 0, 0, 4), 0);
	ck_assert_int_eq(decode(0x7, 0, 0, 4), -EBADMSG);	/* one is left */
	ck_assert_int_eq(decode(0xf, 2, 0, 4), 0);	/* all others: odd, but a cell */
	ck_assert_int_eq(decode(0, 1, 0, 64), -EBADMSG);	/* 65 */
	ck_assert_int_eq(decode(1, 1, 0, 64), 0);
	ck_assert_int_eq(decode(1, 0, 9, 7), -EBADMSG);	/* a cell of one splits off */
	ck_assert_int_eq(decode(3, 0, 9, 7), 0);
	ck_assert_int_eq(decode(0xf, 0, 9, 4), 0);	/* all go to cell 9 */
	ck_assert_int_eq(decode(0xf, 0, 0, 4), -EBADMSG);	/* all go nowhere */
	ids[CPC_NODE_ID_BYTES - 1] = 1;
	memset(ids, 1, CPC_NODE_ID_BYTES);
	ck_assert_int_eq(decode(0, 2, 0, 4), -EBADMSG);	/* joins twice */
}
END_TEST

START_TEST(encode__refuses_what_has_no_room)
{
	struct cpc_member_change c = { .joining = 2, .node_id = ids };
	u8 wire[76];

	ck_assert_int_eq(cpc_change_encode(&c, wire, sizeof(wire)), sizeof(wire));
	ck_assert_int_eq(cpc_change_encode(&c, wire, sizeof(wire) - 1), -EMSGSIZE);
}
END_TEST

/* Everybody of the sets before is in exactly one set after, in order, or leaves. */
START_TEST(origin__is_an_ordered_partition)
{
	unsigned int round, i;
	u64 seed = 5;

	for (round = 0; round < 2000; round++) {
		unsigned int n = CPC_MEMBERS_FEW + random_below(&seed, 63);
		struct cpc_member_change c = { .leaving = random_next(&seed) & random_next(&seed),
					.joining = (u8)random_below(&seed, 5) };
		unsigned int next, off, last = 0;
		u64 seen = 0;

		if (n < 64)
			c.leaving &= (1ULL << n) - 1;
		next = cpc_change_members(&c, n, false);
		off = cpc_change_members(&c, n, true);
		ck_assert_uint_eq(next + off, n + c.joining);
		for (i = 0; i < next; i++) {
			unsigned int from = cpc_change_origin(&c, n, false, i);

			ck_assert(i == 0 || from > last);
			last = from;
			if (from < n)
				seen |= 1ULL << from;
			else
				ck_assert_uint_eq(next - i, n + c.joining - from);
		}
		ck_assert_uint_eq(seen & c.leaving, 0);
		for (i = 0; i < off; i++) {
			unsigned int from = cpc_change_origin(&c, n, true, i);

			ck_assert(i == 0 || from > last);
			last = from;
			ck_assert(c.leaving >> from & 1);
			seen |= 1ULL << from;
		}
		ck_assert_uint_eq(seen, n < 64 ? (1ULL << n) - 1 : ~0ULL);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("change");
	TCase *tests = tcase_create("change");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, decode__round_trip_and_every_truncation_refused);
	tcase_add_test(tests, decode__refuses_what_is_no_cell);
	tcase_add_test(tests, encode__refuses_what_has_no_room);
	tcase_add_test(tests, origin__is_an_ordered_partition);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
