// SPDX-License-Identifier: BSD-3-Clause
/*
 * seek_test.c - an epoch is believed when one correct member must be among those who claim it, and
 * then those are asked in turn.
 */
#include <errno.h>
#include <string.h>

#include "agent/node/seek.h"
#include "core_testing.h"

enum { CELL = 7, STRANGER = 200 };

static struct cpc_seek seek;

static void setup(void)
{
	memset(&seek, 0, sizeof(seek));
}

/* Node @i's id; members of every epoch here are the first n, from @first on. */
static const uint8_t *node(unsigned int i)
{
	static uint8_t id[32];

	memset(id, (int)i + 1, sizeof(id));
	return id;
}

static struct cpc_cell_epoch an_epoch(unsigned int n, u16 epoch)
{
	struct cpc_cell_epoch e = { .cell = CELL, .epoch = epoch, .n = n, .base = epoch * 10u,
				    .self = CPC_NOT_A_MEMBER };
	unsigned int i;

	memset(&e.base_log_hash, epoch, sizeof(e.base_log_hash));
	for (i = 0; i < n; i++)
		memcpy(e.node_id[i], node(i), 32);
	return e;
}

/* Peer @peer is node @who. */
static void says(unsigned int peer, unsigned int who, const struct cpc_cell_epoch *epoch)
{
	cpc_seek_heard(&seek, peer, node(who), true, epoch);
}

static u16 believed(void)
{
	const struct cpc_cell_epoch *e = cpc_seek_believed(&seek, CELL);

	return e ? e->epoch : 0;
}

/* Members, and how many views are enough: f+1; where all have to agree, one. */
static const struct {
	unsigned int n, enough;
} sizes[] = { { 2, 1 }, { 3, 1 }, { 4, 2 }, { 6, 2 }, { 7, 3 }, { 10, 4 }, { 64, 22 } };

START_TEST(believed__by_one_more_than_may_lie)
{
	struct cpc_cell_epoch e = an_epoch(sizes[_i].n, 5);
	unsigned int i;

	for (i = 0; i < sizes[_i].n; i++) {
		ck_assert_uint_eq(believed(), i < sizes[_i].enough ? 0 : 5);
		says(i, i, &e);
	}
	ck_assert_uint_eq(believed(), 5);
	ck_assert(cpc_cell_epoch_same(cpc_seek_believed(&seek, CELL), &e));
	ck_assert_ptr_null(cpc_seek_believed(&seek, CELL + 1));
}
END_TEST

/* One view less than enough, and many from those who do not count. */
START_TEST(believed__not_by_those_who_do_not_count)
{
	struct cpc_cell_epoch e = an_epoch(sizes[_i].n, 5), other = e;
	unsigned int enough = sizes[_i].enough, peer, i;

	for (peer = 0; peer + 1 < enough; peer++)
		says(peer, peer, &e);
	for (i = 0; i < 30; i++)
		says(peer++, STRANGER + i, &e);	/* no member of what it claims */
	for (i = enough; i < e.n; i++)
		cpc_seek_heard(&seek, peer++, node(i), false, &e);	/* anybody's key */
	ck_assert_uint_eq(believed(), 0);
	/* The same node at further places is still one. */
	for (i = 0; i < 5 && enough > 1; i++)
		says(peer++, 0, &e);
	ck_assert_uint_eq(believed(), 0);
	other.cell = CELL + 1;
	says(peer++, enough - 1, &other);
	ck_assert_uint_eq(believed(), 0);
	says(peer, enough - 1, &e);
	ck_assert_uint_eq(believed(), 5);
}
END_TEST

/* Views that differ in whatever makes an epoch are not the same claim. */
START_TEST(believed__only_what_is_claimed_byte_by_byte)
{
	struct cpc_cell_epoch e = an_epoch(4, 5), other = e;

	switch (_i) {
	case 0:
		other.epoch++;
		break;
	case 1:
		other.base++;
		break;
	case 2:
		other.base_log_hash.b[31] ^= 1;
		break;
	case 3:
		other.node_id[3][31] ^= 1;
		break;
	case 4:
		other.n = 5;
		memcpy(other.node_id[4], node(4), 32);
		break;
	case 5:
		memcpy(other.node_id[2], node(3), 32);
		memcpy(other.node_id[3], node(2), 32);
		break;
	}
	says(0, 0, &e);
	says(1, 1, &other);
	ck_assert_uint_eq(believed(), 0);
	says(2, 2, &e);
	ck_assert(cpc_cell_epoch_same(cpc_seek_believed(&seek, CELL), &e));
	/* Whose view it is makes no difference. */
	setup();
	other = e;
	other.self = 2;
	says(0, 0, &e);
	says(1, 1, &other);
	ck_assert_uint_eq(believed(), 5);
}
END_TEST

/* f liars that claim a newer epoch do not keep us from the true one, wherever they sit. */
START_TEST(believed__liars_do_not_hide_the_truth)
{
	struct cpc_cell_epoch truth = an_epoch(7, 5), lie = an_epoch(7, 9);
	unsigned int first = (unsigned int)_i, i;

	for (i = 0; i < 7; i++)
		says(i, i, i == first || i == (first + 3) % 7 ? &lie : &truth);
	ck_assert_uint_eq(believed(), 5);
	/* Three of seven are more than may lie. */
	says((first + 1) % 7, (first + 1) % 7, &lie);
	ck_assert_uint_eq(believed(), 9);
}
END_TEST

/* While members move on, both epochs have enough views: the newer one counts, in any order. */
START_TEST(believed__newest_wins)
{
	struct cpc_cell_epoch before = an_epoch(4, 5), after = an_epoch(4, 6);
	unsigned int i;

	for (i = 0; i < 4; i++)
		says(_i ? 3 - i : i, i, i < 2 ? &before : &after);
	ck_assert_uint_eq(believed(), 6);
}
END_TEST

START_TEST(heard__a_view_replaces_the_one_before)
{
	struct cpc_cell_epoch before = an_epoch(4, 5), after = an_epoch(4, 6);

	says(0, 0, &before);
	says(1, 1, &before);
	ck_assert_uint_eq(believed(), 5);
	says(0, 0, &after);
	ck_assert_uint_eq(believed(), 0);
	says(1, 1, &after);
	ck_assert_uint_eq(believed(), 6);
	/* Trust may go with it, and who sits there. */
	cpc_seek_heard(&seek, 0, node(0), false, &after);
	ck_assert_uint_eq(believed(), 0);
	says(0, STRANGER, &after);
	ck_assert_uint_eq(believed(), 0);
	says(CPC_NET_PEERS_MAX - 1, 2, &after);
	ck_assert_uint_eq(believed(), 6);
}
END_TEST

START_TEST(lost__its_view_goes_with_it)
{
	struct cpc_cell_epoch e = an_epoch(4, 5);

	says(0, 0, &e);
	says(CPC_NET_PEERS_MAX - 1, 1, &e);
	cpc_seek_lost(&seek, 1);	/* nobody was there */
	ck_assert_uint_eq(believed(), 5);
	cpc_seek_lost(&seek, CPC_NET_PEERS_MAX - 1);
	ck_assert_uint_eq(believed(), 0);
	says(3, 1, &e);
	ck_assert_uint_eq(believed(), 5);
}
END_TEST

/* Each that vouches is asked once before any is asked again, one per pause, nobody else ever. */
START_TEST(whom__goes_round_with_pauses)
{
	struct cpc_cell_epoch e = an_epoch(7, 5), lie = an_epoch(7, 9);
	static const unsigned int seats[] = { 0, 3, 90, CPC_NET_PEERS_MAX - 1 };
	u64 now_us = 77;
	unsigned int i;

	for (i = 0; i < 4; i++)
		says(seats[i], i, &e);
	says(1, 4, &lie);
	says(2, STRANGER, &e);
	cpc_seek_heard(&seek, 4, node(5), false, &e);
	for (i = 0; i < 9; i++) {
		const struct cpc_cell_epoch *b = cpc_seek_believed(&seek, CELL);

		ck_assert_int_eq(cpc_seek_whom(&seek, b, now_us), (int)seats[i % 4]);
		ck_assert_int_eq(cpc_seek_whom(&seek, b, now_us), -EAGAIN);
		now_us += CPC_SEEK_ASK_US - 1;
		ck_assert_int_eq(cpc_seek_whom(&seek, b, now_us), -EAGAIN);
		now_us++;
	}
}
END_TEST

/* Who went or changed its mind is left out; asking nobody costs no pause. */
START_TEST(whom__leaves_out_who_is_gone)
{
	struct cpc_cell_epoch e = an_epoch(4, 5), other = an_epoch(4, 4);
	u64 now_us = 0;
	unsigned int i;

	ck_assert_int_eq(cpc_seek_whom(&seek, &e, now_us), -EAGAIN);
	for (i = 0; i < 4; i++)
		says(i, i, &e);
	ck_assert_int_eq(cpc_seek_whom(&seek, &e, now_us), 0);
	cpc_seek_lost(&seek, 1);
	says(2, 2, &other);
	now_us += CPC_SEEK_ASK_US;
	ck_assert_int_eq(cpc_seek_whom(&seek, &e, now_us), 3);
	now_us += CPC_SEEK_ASK_US;
	ck_assert_int_eq(cpc_seek_whom(&seek, &e, now_us), 0);
}
END_TEST

/* Our own members say that the cell has moved on: they count, whatever else they say of it. */
START_TEST(ahead__counts_members_in_later_epochs)
{
	struct cpc_cell_epoch ours = an_epoch(4, 5), next = an_epoch(4, 6), later = an_epoch(4, 8);

	says(0, 0, &ours);
	ck_assert_uint_eq(cpc_seek_ahead(&seek, &ours), 0);
	says(1, 1, &next);
	says(2, 2, &later);
	ck_assert_uint_eq(cpc_seek_ahead(&seek, &ours), 2);
	says(9, 2, &next);			/* the same member once more */
	says(8, STRANGER, &later);
	next.cell++;
	says(3, 3, &next);			/* of another cell */
	ck_assert_uint_eq(cpc_seek_ahead(&seek, &ours), 2);
}
END_TEST

/* A lie that came to light is not believed again, other views are. */
START_TEST(disbelieve__who_claims_it)
{
	struct cpc_cell_epoch lie = an_epoch(4, 9), truth = an_epoch(4, 6);

	for (unsigned int i = 0; i < 2; i++)
		says(i, i, &lie);
	for (unsigned int i = 2; i < 4; i++)
		says(i, i, &truth);
	ck_assert_uint_eq(believed(), 9);
	cpc_seek_disbelieve(&seek, cpc_seek_believed(&seek, CELL));
	ck_assert_uint_eq(believed(), 6);
}
END_TEST

/* A wait puts asking off and never brings it forward. */
START_TEST(wait__puts_asking_off)
{
	struct cpc_cell_epoch e = an_epoch(4, 5);

	says(0, 0, &e);
	cpc_seek_wait(&seek, CPC_SEEK_REJECTED_US);
	cpc_seek_wait(&seek, 10);
	ck_assert_int_eq(cpc_seek_whom(&seek, &e, CPC_SEEK_REJECTED_US - 1), -EAGAIN);
	ck_assert_int_eq(cpc_seek_whom(&seek, &e, CPC_SEEK_REJECTED_US), 0);
	cpc_seek_wait(&seek, CPC_SEEK_REJECTED_US + 1);
	ck_assert_int_eq(cpc_seek_whom(&seek, &e, CPC_SEEK_REJECTED_US + CPC_SEEK_ASK_US - 1),
			 -EAGAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seek");
	TCase *tc = tcase_create("seek");
	int count = sizeof(sizes) / sizeof(sizes[0]);

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, believed__by_one_more_than_may_lie, 0, count);
	tcase_add_loop_test(tc, believed__not_by_those_who_do_not_count, 0, count);
	tcase_add_loop_test(tc, believed__only_what_is_claimed_byte_by_byte, 0, 6);
	tcase_add_loop_test(tc, believed__liars_do_not_hide_the_truth, 0, 7);
	tcase_add_loop_test(tc, believed__newest_wins, 0, 2);
	tcase_add_test(tc, heard__a_view_replaces_the_one_before);
	tcase_add_test(tc, lost__its_view_goes_with_it);
	tcase_add_test(tc, whom__goes_round_with_pauses);
	tcase_add_test(tc, whom__leaves_out_who_is_gone);
	tcase_add_test(tc, ahead__counts_members_in_later_epochs);
	tcase_add_test(tc, disbelieve__who_claims_it);
	tcase_add_test(tc, wait__puts_asking_off);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
