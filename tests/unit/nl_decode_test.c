// SPDX-License-Identifier: BSD-3-Clause
/* nl_decode_test.c - what the module says, and what it must not be able to make us believe. */
#include "log_testing.h"

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "agent/link/nl_decode.h"

static struct nl_msg *msg;

static void setup(void)
{
	msg = nlmsg_alloc_size(256 * 1024);
	ck_assert_ptr_nonnull(nlmsg_put(msg, 0, 0, 16, 0, 0));
}

static void teardown(void)
{
	nlmsg_free(msg);
}

static void again(void)
{
	teardown();
	setup();
}

static const void *attrs(void)
{
	return nlmsg_data(nlmsg_hdr(msg));
}

static size_t len(void)
{
	return (size_t)nlmsg_datalen(nlmsg_hdr(msg));
}

/* ---- a cell ---------------------------------------------------------------------------------- */

static void put_cell(unsigned int n, u8 self)
{
	u8 hash[32] = { 9 }, id[32] = { 0 }, key_id[8] = { 5 };
	u64 counter = 77;
	struct nlattr *nest, *member;
	unsigned int i;

	nla_put_u16(msg, CPC_A_CELL, 7);
	nla_put_u16(msg, CPC_A_EPOCH, 3);
	nla_put_u32(msg, CPC_A_IFINDEX, 4);
	nla_put_string(msg, CPC_A_IFNAME, "wlan0");
	nla_put_u8(msg, CPC_A_SELF, self);
	nla_put_u32(msg, CPC_A_PERIOD_US, 100000);
	nla_put_u32(msg, CPC_A_SLOT, 12);
	nla_put(msg, CPC_A_LOG_HASH, 32, hash);
	nla_put(msg, CPC_A_MEMBERS_DIGEST, 32, hash);
	nest = nla_nest_start(msg, CPC_A_MEMBERS);
	for (i = n; i-- > 0;) {	/* in any order */
		member = nla_nest_start(msg, CPC_A_MEMBER);
		id[0] = (u8)i;
		nla_put_u8(msg, CPC_A_INDEX, (u8)i);
		nla_put(msg, CPC_A_NODE_ID, 32, id);
		if (i == 2)
			nla_put(msg, CPC_A_KEY_ID, 8, key_id);
		nla_nest_end(msg, member);
	}
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, CPC_A_COUNTERS);
	nla_put(msg, CPC_N_SUBMITTED, 8, &counter);
	nla_put(msg, CPC_N_MAX + 9, 8, &counter);	/* of a newer module */
	nla_nest_end(msg, nest);
	nla_put(msg, CPC_A_MAX + 5, 3, hash);
}

START_TEST(decode_cell__everything)
{
	struct cpc_link_cell cell;

	put_cell(5, 1);
	ck_assert_int_eq(cpc_nl_decode_cell(attrs(), len(), &cell), 0);
	ck_assert_uint_eq(cell.cell, 7);
	ck_assert_uint_eq(cell.epoch, 3);
	ck_assert_str_eq(cell.ifname, "wlan0");
	ck_assert_uint_eq(cell.n, 5);
	ck_assert_uint_eq(cell.self, 1);
	ck_assert_uint_eq(cell.node_id[4][0], 4);
	ck_assert(cell.has_key[2] && !cell.has_key[3]);
	ck_assert_uint_eq(cell.key_id[2][0], 5);
	ck_assert_uint_eq(cell.slot, 12);
	ck_assert_uint_eq(cell.counter[CPC_N_SUBMITTED], 77);
	ck_assert_uint_eq(cell.own_seq, 77);
	nla_put_u32(msg, CPC_A_SEQ, 78);	/* says it itself */
	ck_assert_int_eq(cpc_nl_decode_cell(attrs(), len(), &cell), 0);
	ck_assert_uint_eq(cell.own_seq, 78);
}
END_TEST

START_TEST(decode_cell__what_does_not_fit_is_refused)
{
	struct cpc_link_cell cell;

	ck_assert_int_eq(cpc_nl_decode_cell(attrs(), len(), &cell), -EBADMSG);
	put_cell(3, 0);
	ck_assert_int_eq(cpc_nl_decode_cell(attrs(), len(), &cell), -EBADMSG);
	again();
	put_cell(4, 4);
	ck_assert_int_eq(cpc_nl_decode_cell(attrs(), len(), &cell), -EBADMSG);
	again();
	put_cell(4, 0);
	nla_put_u32(msg, CPC_A_CELL, 7);	/* of another width */
	ck_assert_int_eq(cpc_nl_decode_cell(attrs(), len(), &cell), -EBADMSG);
}
END_TEST

/* ---- events ---------------------------------------------------------------------------------- */

START_TEST(decode_event__each)
{
	u8 hash[32] = { 1, 2, 3 };
	struct cpc_link_event event;

	nla_put_u16(msg, CPC_A_CELL, 7);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_DECIDED, attrs(), len(), &event), -EBADMSG);
	nla_put_u32(msg, CPC_A_SLOT, 5);
	nla_put(msg, CPC_A_LOG_HASH, 32, hash);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_DECIDED, attrs(), len(), &event), 0);
	ck_assert_uint_eq(event.slot, 5);
	ck_assert_mem_eq(event.log_hash, hash, 8);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_BEHIND, attrs(), len(), &event), 0);
	nla_put_u8(msg, CPC_A_VIEW, 2);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_VIEW, attrs(), len(), &event), 0);
	ck_assert_uint_eq(event.view, 2);
	nla_put_u8(msg, CPC_A_INDEX, 3);
	nla_put_u32(msg, CPC_A_COUNTER, 99);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_EVIDENCE, attrs(), len(), &event), 0);
	ck_assert_uint_eq(event.index, 3);
	nla_put_u16(msg, CPC_A_EPOCH, 2);
	nla_put_u8(msg, CPC_A_UP, 0);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_CELL, attrs(), len(), &event), 0);
	ck_assert(!event.up && event.epoch == 2);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_SUBMIT, attrs(), len(), &event), -EOPNOTSUPP);
	ck_assert_int_eq(cpc_nl_decode_event(200, attrs(), len(), &event), -EOPNOTSUPP);
}
END_TEST

START_TEST(decode_event__question)
{
	u8 head[16] = { 4 };
	struct cpc_link_event event;

	nla_put_u16(msg, CPC_A_CELL, 7);
	nla_put_u8(msg, CPC_A_LANE, 2);
	nla_put_u32(msg, CPC_A_SEQ, 6);
	nla_put(msg, CPC_A_HEAD, 16, head);
	nla_put_u8(msg, CPC_A_KIND, 1);
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_QUESTION, attrs(), len(), &event), -EBADMSG);
	nla_put(msg, CPC_A_DATA, 5, "merge");
	ck_assert_int_eq(cpc_nl_decode_event(CPC_C_EV_QUESTION, attrs(), len(), &event), 0);
	ck_assert_mem_eq(event.data, "merge", 5);
	ck_assert_uint_eq(event.len, 5);
}
END_TEST

/* ---- decisions ------------------------------------------------------------------------------- */


static void put_decision_head(const struct cpc_log_decision *d, bool more)
{
	again();
	nla_put_u32(msg, CPC_A_SLOT, d->slot);
	nla_put(msg, CPC_A_LOG_HASH, 32, d->log_hash.b);
	nla_put(msg, CPC_A_VALUE, 16, d->value.b);
	if (d->is_void)
		nla_put_flag(msg, CPC_A_VOID);
	if (more)
		nla_put_flag(msg, CPC_A_MORE);
}

static void put_lane_head(const struct cpc_log_lane *lane)
{
	nla_put_u8(msg, CPC_A_LANE, lane->lane);
	nla_put_u32(msg, CPC_A_FROM, lane->from);
	nla_put_u32(msg, CPC_A_SEQ, lane->seq);
	nla_put(msg, CPC_A_HEAD, 16, lane->head.b);
	nla_put_u16(msg, CPC_A_ACCEPTED, lane->accepted);
}

/* Sends a decision, one message per entry or all in one, and gives the assembled one. */
static const struct cpc_log_decision *send_decision(struct cpc_assembler *as,
						    const struct cpc_log_decision *d, bool split)
{
	struct nlattr *lanes, *cut;
	unsigned int i;
	u32 k;

	if (split) {
		for (i = 0; i < d->lanes; i++)
			for (k = 0; k <= d->lane[i].seq - d->lane[i].from; k++) {
				put_decision_head(d, true);
				lanes = nla_nest_start(msg, CPC_A_LANES);
				cut = nla_nest_start(msg, CPC_A_LANE_CUT);
				put_lane_head(&d->lane[i]);
				nla_put(msg, CPC_A_ENTRY, (int)d->lane[i].entry[k].len,
					d->lane[i].entry[k].body);
				nla_nest_end(msg, cut);
				nla_nest_end(msg, lanes);
				ck_assert_int_eq(cpc_assembler_add(as, attrs(), len()), 0);
			}
		put_decision_head(d, false);
	} else {
		put_decision_head(d, false);
		lanes = nla_nest_start(msg, CPC_A_LANES);
		for (i = 0; i < d->lanes; i++) {
			cut = nla_nest_start(msg, CPC_A_LANE_CUT);
			put_lane_head(&d->lane[i]);
			for (k = 0; k <= d->lane[i].seq - d->lane[i].from; k++)
				nla_put(msg, CPC_A_ENTRY, (int)d->lane[i].entry[k].len,
					d->lane[i].entry[k].body);
			nla_nest_end(msg, cut);
		}
		nla_nest_end(msg, lanes);
	}
	ck_assert_int_eq(cpc_assembler_add(as, attrs(), len()), 1);
	return &as->decision;
}

START_TEST(assembler__whole_or_split_is_the_same)
{
	struct world *world = calloc(1, sizeof(*world));
	struct cpc_assembler as;
	struct cpc_log_decision d;
	struct cpc_log_tip tip;
	u32 slot;

	world_init(world, 3);
	world_run(world, 60);
	cpc_log_tip_init(&tip, WORLD_N, &world_members);
	cpc_assembler_init(&as);
	for (slot = 1; slot <= world->tip.slot; slot++) {
		const struct cpc_log_decision *got;

		world_get(world, slot, &d);
		got = send_decision(&as, &d, slot % 2);
		ck_assert_int_eq(cpc_log_verify(&tip, got, &tip, NULL), 0);
	}
	ck_assert_mem_eq(&tip.log_hash, &world->tip.log_hash, 32);
	cpc_assembler_done(&as);
	free(world);
}
END_TEST

/* A decision with an entry missing, or half of one followed by another slot, is not taken. */
START_TEST(assembler__incomplete_is_refused)
{
	struct world *world = calloc(1, sizeof(*world));
	struct cpc_log_decision d, other;
	struct cpc_assembler as;
	struct nlattr *lanes, *cut;
	u32 slot = 1;

	world_init(world, 3);
	world_run(world, 20);
	cpc_assembler_init(&as);
	do
		world_get(world, slot++, &d);
	while (d.lanes == 0);
	world_get(world, slot, &other);
	put_decision_head(&d, false);
	lanes = nla_nest_start(msg, CPC_A_LANES);
	cut = nla_nest_start(msg, CPC_A_LANE_CUT);
	put_lane_head(&d.lane[0]);
	nla_nest_end(msg, cut);
	nla_nest_end(msg, lanes);
	ck_assert_int_eq(cpc_assembler_add(&as, attrs(), len()), -EBADMSG);
	put_decision_head(&d, true);
	ck_assert_int_eq(cpc_assembler_add(&as, attrs(), len()), 0);
	put_decision_head(&other, false);
	ck_assert_int_eq(cpc_assembler_add(&as, attrs(), len()), -EBADMSG);
	/* and after that it works again */
	send_decision(&as, &d, false);
	cpc_assembler_done(&as);
	free(world);
}
END_TEST

START_TEST(decode_submitted__lane_and_seq)
{
	u8 lane;
	u32 seq;

	ck_assert_int_eq(cpc_nl_decode_submitted(attrs(), len(), &lane, &seq), -EBADMSG);
	nla_put_u8(msg, CPC_A_LANE, 3);
	nla_put_u32(msg, CPC_A_SEQ, 41);
	ck_assert_int_eq(cpc_nl_decode_submitted(attrs(), len(), &lane, &seq), 0);
	ck_assert_uint_eq(lane, 3);
	ck_assert_uint_eq(seq, 41);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nl_decode");
	TCase *tc = tcase_create("nl_decode");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, decode_cell__everything);
	tcase_add_test(tc, decode_cell__what_does_not_fit_is_refused);
	tcase_add_test(tc, decode_submitted__lane_and_seq);
	tcase_add_test(tc, decode_event__each);
	tcase_add_test(tc, decode_event__question);
	tcase_add_test(tc, assembler__whole_or_split_is_the_same);
	tcase_add_test(tc, assembler__incomplete_is_refused);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
