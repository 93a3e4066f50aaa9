// SPDX-License-Identifier: BSD-3-Clause
/* proposals_test.c - an own proposal is followed from the outbox to who said what about it. */
#include "core_testing.h"

#include "agent/node/proposals.h"

static struct cpc_proposals proposals;
static const struct cpc_proposal join = { .type = CPC_PROPOSAL_JOIN, .platoon = 7 };

static void setup(void)
{
	memset(&proposals, 0, sizeof(proposals));
}

START_TEST(find__the_last_ones)
{
	u64 id;

	for (id = 1; id <= CPC_PROPOSALS_KEPT + 3; id++)
		cpc_proposals_add(&proposals, id, &join);
	ck_assert_ptr_null(cpc_proposals_find(&proposals, 3));
	ck_assert_ptr_nonnull(cpc_proposals_find(&proposals, 4));
	ck_assert_ptr_nonnull(cpc_proposals_find(&proposals, CPC_PROPOSALS_KEPT + 3));
	setup();
	ck_assert_ptr_null(cpc_proposals_find(&proposals, 0));
}
END_TEST

START_TEST(decided__states_follow_each_other)
{
	const struct cpc_own_proposal *p;

	cpc_proposals_add(&proposals, 5, &join);
	p = cpc_proposals_find(&proposals, 5);
	ck_assert_str_eq(cpc_proposal_state_name(p->state), "waiting");
	cpc_proposals_submitted(&proposals, 6, 1);	/* somebody else's */
	ck_assert_int_eq(p->state, CPC_PROPOSAL_WAITS);
	cpc_proposals_submitted(&proposals, 5, 9);
	ck_assert_str_eq(cpc_proposal_state_name(p->state), "open");
	ck_assert_uint_eq(p->seq, 9);
	cpc_proposals_refused(&proposals, 5);		/* too late for that */
	ck_assert_int_eq(p->state, CPC_PROPOSAL_OPEN);
	cpc_proposals_decided(&proposals, 5, 9, 33, false);
	ck_assert_str_eq(cpc_proposal_state_name(p->state), "rejected");
	ck_assert_uint_eq(p->slot, 33);
	cpc_proposals_submitted(&proposals, 5, 9);	/* the event came before the answer */
	ck_assert_int_eq(p->state, CPC_PROPOSAL_REJECTED);
	cpc_proposals_add(&proposals, 6, &join);
	cpc_proposals_refused(&proposals, 6);
	ck_assert_str_eq(cpc_proposal_state_name(cpc_proposals_find(&proposals, 6)->state),
			 "refused");
}
END_TEST

/* In a new epoch numbers mean others: nothing heard there is taken for a word on the old one. */
START_TEST(new_epoch__open_ones_wait_again)
{
	struct cpc_link_conditions c = { .has_open = true, .open = { .seq = 9, .yes = 2 } };
	const struct cpc_own_proposal *open, *decided;

	cpc_proposals_add(&proposals, 5, &join);
	cpc_proposals_submitted(&proposals, 5, 9);
	cpc_proposals_heard(&proposals, &c);
	cpc_proposals_add(&proposals, 6, &join);
	cpc_proposals_decided(&proposals, 6, 8, 30, true);
	open = cpc_proposals_find(&proposals, 5);
	decided = cpc_proposals_find(&proposals, 6);
	ck_assert_uint_eq(open->yes, 2);
	cpc_proposals_new_epoch(&proposals);
	ck_assert_int_eq(open->state, CPC_PROPOSAL_WAITS);
	ck_assert_int_eq(decided->state, CPC_PROPOSAL_ACCEPTED);
	c.open.seq = 0;
	cpc_proposals_heard(&proposals, &c);
	ck_assert_uint_eq(open->yes | decided->yes, 0);
	cpc_proposals_submitted(&proposals, 5, 1);
	ck_assert_int_eq(open->state, CPC_PROPOSAL_OPEN);
	ck_assert_uint_eq(open->seq, 1);
}
END_TEST

/* Words come one by one, also after the decision; what was heard once stays. */
START_TEST(heard__words_stay)
{
	struct cpc_link_conditions c = { .has_open = true };
	const struct cpc_own_proposal *p;

	cpc_proposals_add(&proposals, 5, &join);
	cpc_proposals_submitted(&proposals, 5, 9);
	p = cpc_proposals_find(&proposals, 5);
	c.open = (struct cpc_link_condition){ .seq = 9, .yes = 1, .why = { CPC_REASON_OWN } };
	cpc_proposals_heard(&proposals, &c);
	ck_assert(p->yes == 1 && p->no == 0);
	c.open.no = 4;
	c.open.why[2] = CPC_REASON_BRAKE;
	cpc_proposals_heard(&proposals, &c);
	ck_assert(p->yes == 1 && p->no == 4);
	ck_assert_uint_eq(p->why[2], CPC_REASON_BRAKE);
	/* decided, and a late one */
	c = (struct cpc_link_conditions){ .has_decided = true };
	c.decided = (struct cpc_link_condition){ .seq = 9, .yes = 1 | 8, .no = 4,
						 .why = { [3] = CPC_REASON_FITS } };
	cpc_proposals_heard(&proposals, &c);
	ck_assert(p->yes == 9 && p->no == 4);
	ck_assert_uint_eq(p->why[0], CPC_REASON_OWN);
	ck_assert_uint_eq(p->why[2], CPC_REASON_BRAKE);
	ck_assert_uint_eq(p->why[3], CPC_REASON_FITS);
	/* another entry's words are not its */
	c.decided = (struct cpc_link_condition){ .seq = 10, .no = 2 };
	cpc_proposals_heard(&proposals, &c);
	ck_assert(p->yes == 9 && p->no == 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("proposals");
	TCase *tc = tcase_create("proposals");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, find__the_last_ones);
	tcase_add_test(tc, decided__states_follow_each_other);
	tcase_add_test(tc, new_epoch__open_ones_wait_again);
	tcase_add_test(tc, heard__words_stay);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
