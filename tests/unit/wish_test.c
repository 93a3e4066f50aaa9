// SPDX-License-Identifier: BSD-3-Clause
/* wish_test.c - what is wished for names vehicles, whatever their indices are in an epoch. */
#include "log_testing.h"

#include "agent/node/wish.h"

static struct cpc_error error;
static struct cpc_member_change change;
static u8 data[CPC_ENTRY_DATA_MAX];

static struct cpc_cell_epoch epoch_of(unsigned int n, unsigned int first)
{
	struct cpc_cell_epoch e = { .cell = 7, .epoch = 3, .n = n, .self = 1 };

	for (unsigned int i = 0; i < n; i++)
		memset(e.node_id[i], (int)(first + i), 32);
	return e;
}

static struct cpc_wish wish_of(enum cpc_change_what what, u16 to, unsigned int count,
			       unsigned int first)
{
	struct cpc_wish w = { .what = what, .to = to, .count = count };

	for (unsigned int i = 0; i < count; i++)
		memset(w.node_id[i], (int)(first + i), 32);
	return w;
}

/* Encodes and reads what came out; negative: refused. */
static int encode(const struct cpc_wish *w, const struct cpc_cell_epoch *e)
{
	int len = cpc_wish_encode(w, e, data, sizeof(data), &error);

	if (len > 0)
		ck_assert_int_eq(cpc_change_decode(data, (size_t)len, e->n, &change), 0);
	return len < 0 ? len : 0;
}

START_TEST(encode__leave_and_rekey)
{
	struct cpc_cell_epoch e = epoch_of(4, 10);
	struct cpc_wish leave = wish_of(CPC_CHANGE_LEAVE, 0, 0, 0);
	struct cpc_wish rekey = wish_of(CPC_CHANGE_REKEY, 0, 0, 0);

	ck_assert_int_eq(encode(&leave, &e), 0);
	ck_assert_uint_eq(change.leaving, 1 << 1);
	ck_assert_uint_eq(change.joining, 0);
	ck_assert_int_eq(encode(&rekey, &e), 0);
	ck_assert_uint_eq(change.leaving, 0);
	e.n = 2;
	ck_assert_int_eq(encode(&leave, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "1 member would be left in cell 7"));
}
END_TEST

/* The same vehicle has another index in another epoch. */
START_TEST(encode__remove_by_name)
{
	struct cpc_wish w = wish_of(CPC_CHANGE_REMOVE, 0, 1, 13);
	struct cpc_cell_epoch e = epoch_of(5, 10);

	ck_assert_int_eq(encode(&w, &e), 0);
	ck_assert_uint_eq(change.leaving, 1 << 3);
	e = epoch_of(5, 12);
	ck_assert_int_eq(encode(&w, &e), 0);
	ck_assert_uint_eq(change.leaving, 1 << 1);
}
END_TEST

START_TEST(encode__join_only_who_is_not_in)
{
	struct cpc_wish w = wish_of(CPC_CHANGE_JOIN, 0, 3, 13);
	struct cpc_cell_epoch e = epoch_of(4, 10);	/* 10..13 */

	ck_assert_int_eq(encode(&w, &e), 0);
	ck_assert_uint_eq(change.leaving, 0);
	ck_assert_uint_eq(change.joining, 2);
	ck_assert_mem_eq(change.node_id, w.node_id[1], 2 * 32);
	w = wish_of(CPC_CHANGE_JOIN, 0, 16, 20);
	ck_assert_int_eq(encode(&w, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "16 vehicles at once do not fit"));
	e = epoch_of(63, 1);
	w = wish_of(CPC_CHANGE_JOIN, 0, 2, 100);
	ck_assert_int_eq(encode(&w, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "65 members"));
}
END_TEST

START_TEST(encode__split)
{
	struct cpc_wish w = wish_of(CPC_CHANGE_SPLIT, 9, 2, 12);
	struct cpc_cell_epoch e = epoch_of(5, 10);

	ck_assert_int_eq(encode(&w, &e), 0);
	ck_assert_uint_eq(change.leaving, 1 << 2 | 1 << 3);
	ck_assert_uint_eq(change.split, 9);
	w = wish_of(CPC_CHANGE_SPLIT, 9, 2, 14);	/* 15 is none */
	ck_assert_int_eq(encode(&w, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "not all of the 2 named"));
	w = wish_of(CPC_CHANGE_SPLIT, 9, 4, 10);	/* one stays */
	ck_assert_int_eq(encode(&w, &e), -EINVAL);
	w = wish_of(CPC_CHANGE_SPLIT, 9, 5, 10);	/* nobody stays: that would be a merge */
	ck_assert_int_eq(encode(&w, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "2 or more have to stay"));
}
END_TEST

START_TEST(encode__merge_dissolves)
{
	struct cpc_wish w = wish_of(CPC_CHANGE_MERGE, 9, 0, 0);
	struct cpc_cell_epoch e = epoch_of(5, 10);

	ck_assert_int_eq(encode(&w, &e), 0);
	ck_assert_uint_eq(change.leaving, 0x1f);
	ck_assert_uint_eq(change.split, 9);
	e = epoch_of(64, 1);
	ck_assert_int_eq(encode(&w, &e), 0);
	ck_assert(change.leaving == ~0ULL);
}
END_TEST

START_TEST(is_met__by_who_is_in)
{
	struct cpc_cell_epoch e = epoch_of(4, 10);
	struct cpc_wish w = wish_of(CPC_CHANGE_JOIN, 0, 2, 12);

	ck_assert(cpc_wish_is_met(&w, &e));
	w = wish_of(CPC_CHANGE_JOIN, 0, 2, 13);
	ck_assert(!cpc_wish_is_met(&w, &e));
	w = wish_of(CPC_CHANGE_REMOVE, 0, 1, 13);
	ck_assert(!cpc_wish_is_met(&w, &e));
	w = wish_of(CPC_CHANGE_REMOVE, 0, 1, 14);
	ck_assert(cpc_wish_is_met(&w, &e));
	w = wish_of(CPC_CHANGE_SPLIT, 9, 2, 14);
	ck_assert(cpc_wish_is_met(&w, &e));	/* they are gone, we stayed */
	w = wish_of(CPC_CHANGE_SPLIT, 9, 2, 10);
	ck_assert(!cpc_wish_is_met(&w, &e));
	e.cell = 9;
	ck_assert(cpc_wish_is_met(&w, &e));	/* we are the ones */
	w = wish_of(CPC_CHANGE_MERGE, 9, 0, 0);
	ck_assert(cpc_wish_is_met(&w, &e));
	w.to = 8;
	ck_assert(!cpc_wish_is_met(&w, &e));
	w = wish_of(CPC_CHANGE_LEAVE, 0, 0, 0);
	ck_assert(!cpc_wish_is_met(&w, &e));
	e.self = CPC_NOT_A_MEMBER;
	ck_assert(cpc_wish_is_met(&w, &e));
	w = wish_of(CPC_CHANGE_REKEY, 0, 0, 0);
	ck_assert(cpc_wish_is_met(&w, &e));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wish");
	TCase *tc = tcase_create("wish");

	tcase_add_test(tc, encode__leave_and_rekey);
	tcase_add_test(tc, encode__remove_by_name);
	tcase_add_test(tc, encode__join_only_who_is_not_in);
	tcase_add_test(tc, encode__split);
	tcase_add_test(tc, encode__merge_dissolves);
	tcase_add_test(tc, is_met__by_who_is_in);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
