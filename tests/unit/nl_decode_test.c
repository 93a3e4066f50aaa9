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
		if (i >= 2)
			nla_put_u32(msg, CPC_A_COUNTER, 1000 + i);
		if (i <= 2)
			nla_put(msg, CPC_A_ADDRESS, 6, "\2\0\0\0\0\7");
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
	/* counter and address count together only */
	ck_assert(cell.heard[2] && !cell.heard[1] && !cell.heard[3]);
	ck_assert_uint_eq(cell.newest[2], 1002);
	ck_assert_mem_eq(cell.address[2], "\2\0\0\0\0\7", 6);
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
	put_cell(CPC_MEMBERS_FEW - 1, 0);
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

/* ---- policies and conditions ----------------------------------------------------------------- */

static void put_numbers(int type, u64 first)
{
	struct nlattr *nest = nla_nest_start(msg, type);
	u64 number = first;

	nla_put(msg, 1, 8, &number);
	number++;
	nla_put(msg, 3, 8, &number);
	nla_put(msg, 200, 8, &number);	/* of a newer module */
	nla_nest_end(msg, nest);
}

/* What fits of one policy; @kind 9 leaves the kind away. */
static void put_policy(u8 kind, u32 prog_id)
{
	struct nlattr *nest = nla_nest_start(msg, CPC_A_POLICY);
	u64 ns = 4000;

	if (kind != 9)
		nla_put_u8(msg, CPC_A_KIND, kind);
	if (prog_id)
		nla_put_u32(msg, CPC_A_PROG_ID, prog_id);
	put_numbers(CPC_A_WORDS, 10u * kind);
	put_numbers(CPC_A_REASONS, 20u * kind);
	nla_put(msg, CPC_A_RUN_NS, 8, &ns);
	nla_nest_end(msg, nest);
}

static int decode_policies(u8 first, u8 second, struct cpc_link_policies *policies)
{
	struct nlattr *nest;

	again();
	nest = nla_nest_start(msg, CPC_A_POLICIES);
	put_policy(first, 0);
	put_policy(second, 77);
	nla_nest_end(msg, nest);
	return cpc_nl_decode_policies(attrs(), len(), policies);
}

START_TEST(decode_policies__by_kind)
{
	struct cpc_link_policies p;

	ck_assert_int_eq(cpc_nl_decode_policies(attrs(), len(), &p), -EBADMSG);
	ck_assert_int_eq(decode_policies(CPC_ENTRY_BY_ALL, CPC_ENTRY_BY_QUORUM, &p), 0);
	ck_assert(p.kind[1].given && p.kind[2].given && !p.kind[0].given);
	ck_assert_uint_eq(p.kind[CPC_ENTRY_BY_ALL].prog_id, 0);
	ck_assert_uint_eq(p.kind[CPC_ENTRY_BY_QUORUM].prog_id, 77);
	ck_assert_uint_eq(p.kind[2].words[CPC_POLICY_NOT_YET], 20);
	ck_assert_uint_eq(p.kind[2].words[CPC_POLICY_NO], 0);
	ck_assert_uint_eq(p.kind[2].words[CPC_POLICY_YES], 21);
	ck_assert_uint_eq(p.kind[2].reasons[CPC_REASON_NONE], 40);
	ck_assert_uint_eq(p.kind[2].reasons[CPC_REASON_OWN], 41);
	ck_assert_uint_eq(p.kind[1].run_ns, 4000);
	ck_assert_uint_eq(p.kind[1].failed, 0);
}
END_TEST

START_TEST(decode_policies__kinds_that_cannot_be)
{
	struct cpc_link_policies p;

	ck_assert_int_eq(decode_policies(1, 1, &p), -EBADMSG);
	ck_assert_int_eq(decode_policies(1, 0, &p), -EBADMSG);
	ck_assert_int_eq(decode_policies(3, 1, &p), -EBADMSG);
	ck_assert_int_eq(decode_policies(1, 9, &p), -EBADMSG);
}
END_TEST

static void put_condition(u8 kind, u32 seq, bool open, u64 yes, u64 no)
{
	struct nlattr *nest = nla_nest_start(msg, CPC_A_CONDITION);
	u8 head[16] = { (u8)seq }, why[4] = { CPC_REASON_OWN, 0, CPC_REASON_BRAKE, 0 };

	nla_put_u8(msg, CPC_A_KIND, kind);
	nla_put_u32(msg, CPC_A_SEQ, seq);
	nla_put(msg, CPC_A_HEAD, 16, head);
	if (open)
		nla_put_flag(msg, CPC_A_OPEN);
	nla_put(msg, CPC_A_YES, 8, &yes);
	nla_put(msg, CPC_A_NO, 8, &no);
	nla_put(msg, CPC_A_WHY, sizeof(why), why);
	nla_nest_end(msg, nest);
}

START_TEST(decode_conditions__decided_and_open)
{
	struct cpc_link_conditions c;

	nla_put_u16(msg, CPC_A_CELL, 7);
	ck_assert_int_eq(cpc_nl_decode_conditions(attrs(), len(), &c), 0);
	ck_assert(!c.has_decided && !c.has_open);
	put_condition(CPC_ENTRY_BY_ALL, 5, false, 1, 4);
	put_condition(CPC_ENTRY_BY_QUORUM, 6, true, 1ULL << 63, 0);
	ck_assert_int_eq(cpc_nl_decode_conditions(attrs(), len(), &c), 0);
	ck_assert(c.has_decided && c.has_open);
	ck_assert_uint_eq(c.decided.seq, 5);
	ck_assert_uint_eq(c.decided.kind, CPC_ENTRY_BY_ALL);
	ck_assert_uint_eq(c.decided.yes, 1);
	ck_assert_uint_eq(c.decided.no, 4);
	ck_assert_uint_eq(c.decided.why[2], CPC_REASON_BRAKE);
	ck_assert_uint_eq(c.open.seq, 6);
	ck_assert_uint_eq(c.open.head.b[0], 6);
	ck_assert(c.open.yes == 1ULL << 63);
}
END_TEST

START_TEST(decode_conditions__what_contradicts_itself)
{
	static const struct { u8 kind; u32 seq; u64 yes, no; } bad[] = {
		{ CPC_ENTRY_BY_ALL, 5, 3, 2 },		/* both yes and no */
		{ CPC_ENTRY_BY_ALL, 0, 1, 2 },
		{ CPC_ENTRY_ORDINARY, 5, 1, 2 },
		{ __CPC_ENTRY_KINDS, 5, 1, 2 },
	};
	struct cpc_link_conditions c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		again();
		put_condition(bad[i].kind, bad[i].seq, true, bad[i].yes, bad[i].no);
		ck_assert_int_eq(cpc_nl_decode_conditions(attrs(), len(), &c), -EBADMSG);
	}
	again();
	put_condition(CPC_ENTRY_BY_ALL, 5, true, 1, 2);
	put_condition(CPC_ENTRY_BY_ALL, 6, true, 1, 2);	/* two open ones */
	ck_assert_int_eq(cpc_nl_decode_conditions(attrs(), len(), &c), -EBADMSG);
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
	tcase_add_test(tc, decode_policies__by_kind);
	tcase_add_test(tc, decode_policies__kinds_that_cannot_be);
	tcase_add_test(tc, decode_conditions__decided_and_open);
	tcase_add_test(tc, decode_conditions__what_contradicts_itself);
	tcase_add_test(tc, assembler__whole_or_split_is_the_same);
	tcase_add_test(tc, assembler__incomplete_is_refused);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
