// SPDX-License-Identifier: BSD-3-Clause
/*
 * admit_test.c - our word on a change of members: a table of rule, change and circumstances.
 *
 * We are member 1 of cell 7, which has four; the change is proposed by member 2 unless said.
 */
#include <string.h>

#include <cpchain_element.h>

#include "agent/node/admit.h"
#include "log_testing.h"

enum { SELF = 1, PROPOSER = 2, OTHER = 3, CELL = 7, ELSEWHERE = 9 };

#define CERTIFIED CPC_CONFIG_ADMIT_CERTIFIED
#define ASK CPC_CONFIG_ADMIT_ASK
#define ANY CPC_CONFIG_ADMIT_ANY
#define YES CPC_WORD_YES
#define NO CPC_WORD_NO
#define WAIT CPC_WORD_WAIT
#define BIT(i) ((u64)1 << (i))
#define ALL 0xf

/* Who joins. */
enum { READY = 100, NOT_READY = 101, ALSO_READY = 102, MEMBER = 4 };

static bool ready(void *ctx, const uint8_t node_id[32])
{
	ck_assert_ptr_eq(ctx, &ready);
	return node_id[0] == READY || node_id[0] == ALSO_READY;
}

static bool let_in(void *ctx, u16 cell)
{
	ck_assert_ptr_eq(ctx, &ready);
	return cell == ELSEWHERE || cell == CELL;
}

struct change {
	u64 leaving;
	u16 split;
	u8 join[2];			/* first byte of node ids, 0: none */
};

static size_t encode(const struct change *change, u8 data[CPC_ENTRY_DATA_MAX])
{
	struct cpc_member_change c = { .leaving = change->leaving, .split = change->split };
	uint8_t id[2][32];
	int len;

	for (; c.joining < 2 && change->join[c.joining]; c.joining++)
		memset(id[c.joining], change->join[c.joining], 32);
	c.node_id = id[0];
	len = cpc_change_encode(&c, data, CPC_ENTRY_DATA_MAX);
	ck_assert_int_gt(len, 0);
	return (size_t)len;
}

/* The circumstances that matter least: nobody is silent, nobody asked, the epoch is old. */
static struct cpc_admit circumstances(enum cpc_config_admit rule, struct cpc_cell_epoch *cell)
{
	*cell = world_cell(3);
	return (struct cpc_admit){ .rule = rule, .epoch = cell, .age_us = CPC_ADMIT_REKEY_US,
				   .ready = ready, .let_in = let_in, .ctx = &ready };
}

static enum cpc_admit_word word_on(const struct cpc_admit *admit, unsigned int proposer,
				   const struct change *change)
{
	u8 data[CPC_ENTRY_DATA_MAX];
	const char *why = NULL;
	size_t len = encode(change, data);
	enum cpc_admit_word word = cpc_admit(admit, proposer, data, len, &why);

	ck_assert_msg(why && why[0], "a word without a reason");
	return word;
}

static const struct {
	const char *what;
	struct change change;
	enum cpc_admit_word by_rule[3];	/* certified, ask, any */
} table[] = {
	/* Whatever the rule is. */
	{ "leaves, but is no member", { .leaving = BIT(4) }, { NO, NO, NO } },
	{ "one is left", { .leaving = BIT(0) | BIT(2) | BIT(3) }, { NO, NO, NO } },
	{ "all leave for nowhere", { .leaving = ALL }, { NO, NO, NO } },
	{ "a cell of one splits off", { BIT(2), ELSEWHERE, { 0 } }, { NO, NO, NO } },
	{ "joins twice", { .join = { READY, READY } }, { NO, NO, NO } },
	{ "a member joins", { .join = { MEMBER } }, { NO, NO, NO } },
	{ "we join", { .join = { SELF + 1 } }, { NO, NO, NO } },
	{ "another and a member join", { .join = { READY, MEMBER } }, { NO, NO, NO } },
	{ "splits off itself", { BIT(2) | BIT(3), CELL, { 0 } }, { NO, NO, NO } },
	{ "dissolves into itself", { ALL, CELL, { 0 } }, { NO, NO, NO } },
	{ "one joins that is not ready", { .join = { NOT_READY } }, { WAIT, WAIT, WAIT } },
	{ "one of two is not ready", { .join = { READY, NOT_READY } }, { WAIT, WAIT, WAIT } },
	/* By the rule. */
	{ "one joins", { .join = { READY } }, { YES, WAIT, YES } },
	{ "two join", { .join = { READY, ALSO_READY } }, { YES, WAIT, YES } },
	{ "its proposer leaves", { .leaving = BIT(PROPOSER) }, { YES, WAIT, YES } },
	{ "its proposer leaves, one joins", { BIT(PROPOSER), 0, { READY } }, { YES, WAIT, YES } },
	{ "another has to go", { .leaving = BIT(OTHER) }, { WAIT, WAIT, YES } },
	{ "another has to go, one joins", { BIT(OTHER), 0, { READY } }, { WAIT, WAIT, YES } },
	{ "we have to go", { .leaving = BIT(SELF) }, { WAIT, WAIT, YES } },
	{ "proposer and another go", { .leaving = BIT(PROPOSER) | BIT(OTHER) },
	  { WAIT, WAIT, YES } },
	{ "new keys", { .leaving = 0 }, { YES, WAIT, YES } },
	{ "two split off", { BIT(PROPOSER) | BIT(OTHER), ELSEWHERE, { 0 } }, { WAIT, WAIT, YES } },
	{ "all go to a cell that let us in", { ALL, ELSEWHERE, { 0 } }, { YES, WAIT, YES } },
	{ "all go to a cell that has not", { ALL, ELSEWHERE + 1, { 0 } }, { WAIT, WAIT, YES } },
	/* Not dissolved: others come instead, so it is a split like any. */
	{ "all go, two come", { ALL, ELSEWHERE, { READY, ALSO_READY } }, { WAIT, WAIT, YES } },
	{ "all are replaced", { ALL, 0, { READY, ALSO_READY } }, { WAIT, WAIT, YES } },
};

START_TEST(admit__as_the_table_says)
{
	unsigned int i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct cpc_cell_epoch cell;
		struct cpc_admit a = circumstances((enum cpc_config_admit)_i, &cell);

		ck_assert_msg(word_on(&a, PROPOSER, &table[i].change) == table[i].by_rule[_i],
			      "%s, rule '%s'", table[i].what, cpc_admit_name((unsigned int)_i));
	}
}
END_TEST

/* What the change says, not who says it, except for one who wants to go. */
START_TEST(admit__only_its_proposer_may_go)
{
	unsigned int who, proposer;

	for (who = 0; who < WORLD_N; who++) {
		for (proposer = 0; proposer < WORLD_N; proposer++) {
			struct change change = { .leaving = BIT(who) };
			struct cpc_cell_epoch cell;
			struct cpc_admit a = circumstances(CERTIFIED, &cell);

			ck_assert_int_eq(word_on(&a, proposer, &change),
					 who == proposer ? YES : WAIT);
		}
	}
}
END_TEST

/* Those go whom we ourselves have not heard for as long as the configuration says; never we. */
START_TEST(admit__the_silent_may_be_removed)
{
	static const struct {
		u64 leaving;
		u32 evict_after_s, silent_s[WORLD_N];
		enum cpc_admit_word word;
	} rows[] = {
		{ BIT(3), 60, { 0, 0, 0, 59 }, WAIT },
		{ BIT(3), 60, { 0, 0, 0, 60 }, YES },
		{ BIT(3), 60, { 99, 99, 99, 0 }, WAIT },	/* others are silent */
		{ BIT(3), 0, { 0, 0, 0, UINT32_MAX }, WAIT },	/* never */
		{ BIT(0) | BIT(3), 60, { 60, 0, 0, 60 }, YES },
		{ BIT(0) | BIT(3), 60, { 59, 0, 0, 60 }, WAIT },
		{ BIT(2) | BIT(3), 60, { 0, 0, 0, 60 }, YES },	/* and its proposer */
		{ BIT(1), 60, { 0, 99, 0, 0 }, WAIT },
	};
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct change change = { .leaving = rows[i].leaving };
		struct cpc_cell_epoch cell;
		struct cpc_admit a = circumstances(CERTIFIED, &cell);

		a.evict_after_s = rows[i].evict_after_s;
		memcpy(a.silent_s, rows[i].silent_s, sizeof(rows[i].silent_s));
		ck_assert_msg(word_on(&a, PROPOSER, &change) == rows[i].word, "row %u", i);
		a.rule = ASK;
		ck_assert_msg(word_on(&a, PROPOSER, &change) == WAIT, "row %u, ask", i);
	}
}
END_TEST

/* New keys cost everybody: not again at once, unless a member cannot speak without them. */
START_TEST(admit__new_keys_take_their_time)
{
	struct change keys = { .leaving = 0 }, join = { .join = { READY } };
	struct change leave = { .leaving = BIT(PROPOSER) };
	struct cpc_cell_epoch cell;
	struct cpc_admit a = circumstances(CERTIFIED, &cell);

	a.age_us = CPC_ADMIT_REKEY_US - 1;
	ck_assert_int_eq(word_on(&a, PROPOSER, &keys), WAIT);
	ck_assert_int_eq(word_on(&a, PROPOSER, &join), YES);
	ck_assert_int_eq(word_on(&a, PROPOSER, &leave), YES);
	a.reentering = BIT(OTHER);
	ck_assert_int_eq(word_on(&a, PROPOSER, &keys), YES);
	a.rule = ASK;
	ck_assert_int_eq(word_on(&a, PROPOSER, &keys), WAIT);
	a.rule = ANY;
	a.reentering = 0;
	ck_assert_int_eq(word_on(&a, PROPOSER, &keys), YES);
}
END_TEST

/* Our own wish, byte by byte, is a yes by any rule and whoever proposes it; nothing more is. */
START_TEST(admit__what_we_were_asked_for)
{
	struct change wished = { .leaving = BIT(OTHER) }, more = { .leaving = BIT(OTHER) | BIT(0) };
	struct change not_ready = { .join = { NOT_READY } }, self = { ALL, CELL, { 0 } };
	struct cpc_cell_epoch cell;
	struct cpc_admit a = circumstances((enum cpc_config_admit)_i, &cell);
	enum cpc_admit_word otherwise = _i == ANY ? YES : WAIT;
	u8 wish[CPC_ENTRY_DATA_MAX];

	a.wish_len = encode(&wished, wish);
	ck_assert_int_eq(word_on(&a, PROPOSER, &wished), otherwise);
	a.wish = wish;
	ck_assert_int_eq(word_on(&a, PROPOSER, &wished), YES);
	ck_assert_int_eq(word_on(&a, 0, &wished), YES);
	ck_assert_int_eq(word_on(&a, PROPOSER, &more), otherwise);
	a.wish_len--;
	ck_assert_int_eq(word_on(&a, PROPOSER, &wished), otherwise);
	/* Nor does a wish make an impossible change possible, or one that joins ready. */
	a.wish_len = encode(&not_ready, wish);
	ck_assert_int_eq(word_on(&a, PROPOSER, &not_ready), WAIT);
	a.wish_len = encode(&self, wish);
	ck_assert_int_eq(word_on(&a, PROPOSER, &self), NO);
}
END_TEST

/* Bytes that are no change are refused, also those that nearly are one. */
START_TEST(admit__malformed_is_refused)
{
	struct change join = { .join = { READY } };
	struct cpc_cell_epoch cell;
	struct cpc_admit a = circumstances((enum cpc_config_admit)_i, &cell);
	u8 data[CPC_ENTRY_DATA_MAX] = { 0 };
	size_t len = encode(&join, data), cutoff;
	const char *why;

	for (cutoff = 0; cutoff < len; cutoff++)
		ck_assert_int_eq(cpc_admit(&a, PROPOSER, data, cutoff, &why), NO);
	ck_assert_int_eq(cpc_admit(&a, PROPOSER, data, len + 1, &why), NO);
	ck_assert_int_eq(cpc_admit(&a, PROPOSER, data, len, &why), _i == ASK ? WAIT : YES);
	/* The last epoch that has a number. */
	cell.epoch = UINT16_MAX;
	ck_assert_int_eq(cpc_admit(&a, PROPOSER, data, len, &why), NO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admit");
	TCase *tc = tcase_create("admit");

	tcase_add_loop_test(tc, admit__as_the_table_says, CERTIFIED, ANY + 1);
	tcase_add_test(tc, admit__only_its_proposer_may_go);
	tcase_add_test(tc, admit__the_silent_may_be_removed);
	tcase_add_test(tc, admit__new_keys_take_their_time);
	tcase_add_loop_test(tc, admit__what_we_were_asked_for, CERTIFIED, ANY + 1);
	tcase_add_loop_test(tc, admit__malformed_is_refused, CERTIFIED, ANY + 1);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
