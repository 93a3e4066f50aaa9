// SPDX-License-Identifier: BSD-3-Clause
/* epoch_test.c - all who have the log to its end come to the same next epoch. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <cpchain_element.h>

#include "agent/log/epoch.h"
#include "log_testing.h"

static struct cpc_cell_epoch first(void)
{
	struct cpc_cell_epoch e = world_cell(3);

	cpc_cell_epoch_seal(&e, 1);
	return e;
}

static struct cpc_hash hash_of(u8 fill)
{
	struct cpc_hash h;

	memset(h.b, fill, sizeof(h.b));
	return h;
}

START_TEST(find__by_node_id)
{
	struct cpc_cell_epoch e = first();
	uint8_t stranger[32] = { 99 };

	for (unsigned int i = 0; i < e.n; i++)
		ck_assert_int_eq(cpc_cell_epoch_find(&e, e.node_id[i]), (int)i);
	ck_assert_int_eq(cpc_cell_epoch_find(&e, stranger), -ENOENT);
}
END_TEST

/* Staying members move up, joining ones follow; each finds itself. */
START_TEST(next__leave_and_join)
{
	struct cpc_cell_epoch e = first(), next;
	struct cpc_hash h = hash_of(7);
	uint8_t joiner[32] = { 50 };
	struct cpc_member_change c = { .leaving = 1 << 1, .joining = 1, .node_id = joiner };

	ck_assert_int_eq(cpc_cell_epoch_next(&e, &c, false, 44, &h, e.node_id[2], &next), 0);
	ck_assert_uint_eq(next.cell, e.cell);
	ck_assert_uint_eq(next.epoch, 4);
	ck_assert_uint_eq(next.n, 4);
	ck_assert_uint_eq(next.self, 1);
	ck_assert_uint_eq(next.base, 44);
	ck_assert_mem_eq(&next.base_log_hash, &h, sizeof(h));
	ck_assert_mem_eq(next.node_id[0], e.node_id[0], 32);
	ck_assert_mem_eq(next.node_id[1], e.node_id[2], 32);
	ck_assert_mem_eq(next.node_id[3], joiner, 32);
	ck_assert_int_eq(cpc_cell_epoch_next(&e, &c, false, 44, &h, e.node_id[1], &next), 0);
	ck_assert_uint_eq(next.self, CPC_NOT_A_MEMBER);
	ck_assert_int_eq(cpc_cell_epoch_next(&e, &c, false, 44, &h, joiner, &next), 0);
	ck_assert_uint_eq(next.self, 3);
}
END_TEST

START_TEST(next__split_makes_two_cells)
{
	struct cpc_cell_epoch e = first(), stay, off;
	struct cpc_hash h = hash_of(7);
	struct cpc_member_change c = { .leaving = 1 << 0 | 1 << 2, .split = 9 };

	ck_assert_int_eq(cpc_cell_epoch_next(&e, &c, false, 44, &h, e.node_id[1], &stay), 0);
	ck_assert_int_eq(cpc_cell_epoch_next(&e, &c, true, 44, &h, e.node_id[2], &off), 0);
	ck_assert_uint_eq(stay.cell, e.cell);
	ck_assert_uint_eq(stay.n, 2);
	ck_assert_uint_eq(off.cell, 9);
	ck_assert_uint_eq(off.epoch, 1);
	ck_assert_uint_eq(off.n, 2);
	ck_assert_uint_eq(off.self, 1);
	ck_assert_mem_eq(off.node_id[1], e.node_id[2], 32);
	ck_assert(!cpc_cell_epoch_same(&stay, &off));
}
END_TEST

START_TEST(next__impossible_ones_are_refused)
{
	struct cpc_cell_epoch e = first(), next;
	struct cpc_hash h = hash_of(7);
	struct cpc_member_change twice = { .joining = 1, .node_id = e.node_id[2] };
	struct cpc_member_change keys = { .leaving = 0 };

	ck_assert_int_eq(cpc_cell_epoch_next(&e, &twice, false, 44, &h, e.node_id[0], &next),
			 -EINVAL);
	e.epoch = UINT16_MAX;
	ck_assert_int_eq(cpc_cell_epoch_next(&e, &keys, false, 44, &h, e.node_id[0], &next),
			 -EINVAL);
}
END_TEST

/* Whatever tells two epochs apart is in the digest, too; who looks at it is not. */
START_TEST(same__and_the_digest_agree)
{
	struct cpc_cell_epoch e = first(), other = e;

	other.self = 3;
	ck_assert(cpc_cell_epoch_same(&e, &other));
	cpc_cell_epoch_seal(&other, 1);
	ck_assert_mem_eq(&e.members, &other.members, sizeof(e.members));
	for (unsigned int i = 0; i < 5; i++) {
		other = e;
		other.cell += i == 0;
		other.epoch += i == 1;
		other.base += i == 2 ? 5 : 0;
		other.n -= i == 3;
		other.node_id[1][4] ^= i == 4;
		ck_assert(!cpc_cell_epoch_same(&e, &other));
		cpc_cell_epoch_seal(&other, 1);
		ck_assert(memcmp(&e.members, &other.members, sizeof(e.members)) != 0);
	}
}
END_TEST

/* The accepted change is found among other entries, a rejected one is not. */
START_TEST(change__of_a_decision)
{
	struct cpc_member_change c = { .leaving = 1 << 3 }, found;
	static u8 body[3][CPC_BODY_MAX];
	struct cpc_log_decision d = { .slot = 5, .lanes = 1 };
	struct cpc_log_lane *lane = &d.lane[0];
	u8 data[CPC_ENTRY_DATA_MAX];
	const u8 *change;
	size_t len;
	int used = cpc_change_encode(&c, data, sizeof(data)), r;

	lane->lane = 2;
	lane->from = 1;
	lane->seq = 3;
	for (u32 k = 0; k < 3; k++) {
		struct cpc_entry e = { .kind = k == 1 ? CPC_ENTRY_CHANGE : CPC_ENTRY_ORDINARY,
				       .author = 2, .seq = 1 + k, .len = (u16)used, .data = data };

		r = cpc_entry_encode(&e, body[k], sizeof(body[k]));
		ck_assert_int_gt(r, 0);
		lane->entry[k] = (struct cpc_log_entry){ body[k], (size_t)r };
	}
	lane->accepted = 1 << 1;
	ck_assert_int_eq(cpc_decision_change(&d, 4, &change, &len), -ENOENT);
	lane->accepted |= CPC_ACCEPTED_CHANGE;
	ck_assert_int_eq(cpc_decision_change(&d, 4, &change, &len), 0);
	ck_assert_int_eq(cpc_change_decode(change, len, 4, &found), 0);
	ck_assert_uint_eq(found.leaving, 1 << 3);
	lane->accepted = CPC_ACCEPTED_CHANGE;
	ck_assert_int_eq(cpc_decision_change(&d, 4, &change, &len), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("epoch");
	TCase *tc = tcase_create("epoch");

	tcase_add_test(tc, find__by_node_id);
	tcase_add_test(tc, next__leave_and_join);
	tcase_add_test(tc, next__split_makes_two_cells);
	tcase_add_test(tc, next__impossible_ones_are_refused);
	tcase_add_test(tc, same__and_the_digest_agree);
	tcase_add_test(tc, change__of_a_decision);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
