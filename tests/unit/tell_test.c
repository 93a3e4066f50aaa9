// SPDX-License-Identifier: BSD-3-Clause
/* tell_test.c - what agents tell each other: what is said is heard, and nothing else is. */
#include <errno.h>
#include <string.h>

#include <cpchain_element.h>

#include "agent/node/tell.h"
#include "core_testing.h"

enum { VIEW_HEAD = 2 + 2 + 2 + 4 + 32 + 1, ASK_HEAD = 2 + 1 + 2 + 2 + 1, TEXT_AT = 8 };

static u8 wire[CPC_TELL_BYTES_MAX + 1];

static struct cpc_tell a_view(unsigned int n)
{
	struct cpc_tell t = { .type = CPC_TELL_VIEW, .cell = 7, .epoch = 300 };
	u64 seed = n;

	t.view = (struct cpc_cell_epoch){ .cell = 7, .epoch = 300, .n = n, .base = 0x81020304,
					  .self = CPC_NOT_A_MEMBER };
	random_bytes(&seed, t.view.base_log_hash.b, CPC_HASH_BYTES);
	random_bytes(&seed, t.view.node_id, n * sizeof(t.view.node_id[0]));
	return t;
}

static struct cpc_tell an_ask(enum cpc_ask what, unsigned int count)
{
	struct cpc_tell t = { .type = CPC_TELL_ASK, .cell = 0xfffe, .epoch = 2, .what = what,
			      .count = count };
	u64 seed = count;

	random_bytes(&seed, t.node_id, count * sizeof(t.node_id[0]));
	return t;
}

static struct cpc_tell an_answer(enum cpc_answer_state state, size_t len)
{
	struct cpc_tell t = { .type = CPC_TELL_ANSWER, .cell = 1, .epoch = 0xffff, .state = state };

	memset(t.text, '~', len);
	return t;
}

static int decode(size_t len, struct cpc_tell *ret_tell)
{
	return cpc_tell_decode(wire, len, ret_tell);
}

/* All that a message says comes through, and it has one encoding. */
static void check_round_trip(const struct cpc_tell *t, size_t expected_len)
{
	u8 again[CPC_TELL_BYTES_MAX];
	size_t len = cpc_tell_encode(t, wire);
	struct cpc_tell heard;

	ck_assert_uint_eq(len, expected_len);
	ck_assert_int_eq(decode(len, &heard), 0);
	ck_assert_uint_eq(heard.type, t->type);
	ck_assert_uint_eq(heard.cell, t->cell);
	ck_assert_uint_eq(heard.epoch, t->epoch);
	ck_assert_uint_eq(heard.what, t->what);
	ck_assert_uint_eq(heard.count, t->count);
	ck_assert_mem_eq(heard.node_id, t->node_id, sizeof(t->node_id));
	ck_assert_uint_eq(heard.state, t->state);
	ck_assert_str_eq(heard.text, t->text);
	ck_assert(cpc_cell_epoch_same(&heard.view, &t->view));
	ck_assert_uint_eq(cpc_tell_encode(&heard, again), len);
	ck_assert_mem_eq(again, wire, len);
}

/* With a byte less or more it is no message, and what the caller had is left alone. */
static void check_length(const struct cpc_tell *t)
{
	struct cpc_tell heard = { .cell = 99 };
	size_t len = cpc_tell_encode(t, wire), cutoff;

	for (cutoff = 0; cutoff < len; cutoff++)
		ck_assert_int_eq(decode(cutoff, &heard), -EBADMSG);
	wire[len] = 0;
	ck_assert_int_eq(decode(len + 1, &heard), -EBADMSG);
	ck_assert_uint_eq(heard.cell, 99);
	ck_assert_int_eq(decode(len, &heard), 0);
}

static void check_refused(const struct cpc_tell *t)
{
	struct cpc_tell heard;

	ck_assert_int_eq(decode(cpc_tell_encode(t, wire), &heard), -EBADMSG);
}

/* Is the message good with byte @at changed to @value? */
static bool good_with(const struct cpc_tell *t, size_t at, u8 value)
{
	size_t len = cpc_tell_encode(t, wire);
	struct cpc_tell heard;

	ck_assert_uint_lt(at, len);
	wire[at] = value;
	return decode(len, &heard) == 0;
}

START_TEST(view__round_trip_of_every_size)
{
	unsigned int n;

	for (n = CPC_MEMBERS_FEW; n <= CPC_MEMBERS_MAX; n++) {
		struct cpc_tell t = a_view(n), heard;

		check_round_trip(&t, VIEW_HEAD + n * 32);
		/* Whose view it is and its digest are for the listener to say. */
		t.view.self = 1;
		memset(&t.view.members, 0xee, sizeof(t.view.members));
		ck_assert_int_eq(decode(cpc_tell_encode(&t, wire), &heard), 0);
		ck_assert_uint_eq(heard.view.self, CPC_NOT_A_MEMBER);
		ck_assert_uint_eq(heard.view.members.b[0], 0);
	}
	ck_assert_uint_eq(VIEW_HEAD + CPC_MEMBERS_MAX * 32, CPC_TELL_BYTES_MAX);
}
END_TEST

START_TEST(view__every_other_length_is_refused)
{
	struct cpc_tell few = a_view(CPC_MEMBERS_FEW), all = a_view(CPC_MEMBERS_MAX);

	check_length(&few);
	check_length(&all);
}
END_TEST

START_TEST(view__refuses_what_is_no_epoch)
{
	struct cpc_tell t;

	t = a_view(CPC_MEMBERS_FEW - 1);
	check_refused(&t);
	t = a_view(0);
	check_refused(&t);
	t = a_view(4);
	t.view.cell = 0;
	check_refused(&t);
	t = a_view(4);
	t.view.epoch = 0;
	check_refused(&t);
	t = a_view(CPC_MEMBERS_MAX);
	ck_assert(!good_with(&t, VIEW_HEAD - 1, CPC_MEMBERS_MAX + 1));
	ck_assert(!good_with(&t, VIEW_HEAD - 1, 255));
}
END_TEST

START_TEST(view__refuses_a_member_twice)
{
	unsigned int i, k;

	for (i = 0; i < CPC_MEMBERS_MAX; i++) {
		for (k = 0; k < i; k++) {
			struct cpc_tell t = a_view(CPC_MEMBERS_MAX);

			memcpy(t.view.node_id[i], t.view.node_id[k], 32);
			check_refused(&t);
		}
	}
}
END_TEST

START_TEST(ask__round_trip_of_every_size)
{
	struct cpc_tell t = an_ask(CPC_ASK_REENTER, 0);
	unsigned int count;

	check_round_trip(&t, ASK_HEAD);
	for (count = 1; count <= CPC_TELL_ASK_MAX; count++) {
		t = an_ask(CPC_ASK_JOIN, count);
		check_round_trip(&t, ASK_HEAD + count * 32);
	}
	/* The listener may know better. */
	t.epoch = 0;
	check_round_trip(&t, ASK_HEAD + CPC_TELL_ASK_MAX * 32);
}
END_TEST

START_TEST(ask__every_other_length_is_refused)
{
	struct cpc_tell none = an_ask(CPC_ASK_REENTER, 0);
	struct cpc_tell all = an_ask(CPC_ASK_JOIN, CPC_TELL_ASK_MAX);

	check_length(&none);
	check_length(&all);
}
END_TEST

START_TEST(ask__refuses_what_cannot_be_proposed)
{
	struct cpc_tell t = an_ask(CPC_ASK_JOIN, 0);
	struct cpc_tell heard;
	unsigned int i, k;
	size_t len;

	check_refused(&t);
	t = an_ask(CPC_ASK_REENTER, 1);
	check_refused(&t);
	t = an_ask(CPC_ASK_JOIN, 2);
	t.cell = 0;
	check_refused(&t);
	t = an_ask(CPC_ASK_JOIN, 2);
	ck_assert(!good_with(&t, 2, 0));
	ck_assert(!good_with(&t, 2, CPC_ASK_REENTER + 1));
	/* One more than fits: its bytes are all there. */
	t = an_ask(CPC_ASK_JOIN, CPC_TELL_ASK_MAX);
	len = cpc_tell_encode(&t, wire);
	wire[ASK_HEAD - 1]++;
	memset(wire + len, 0xab, 32);
	ck_assert_int_eq(decode(len + 32, &heard), -EBADMSG);
	for (i = 0; i < CPC_TELL_ASK_MAX; i++) {
		for (k = 0; k < i; k++) {
			t = an_ask(CPC_ASK_JOIN, CPC_TELL_ASK_MAX);
			memcpy(t.node_id[i], t.node_id[k], 32);
			check_refused(&t);
		}
	}
}
END_TEST

/* Whatever may be asked for fits into one entry, and the bound leaves no room unused. */
START_TEST(ask__fits_one_change)
{
	static uint8_t id[CPC_TELL_ASK_MAX + 1][32];
	struct cpc_member_change c = { .joining = CPC_TELL_ASK_MAX, .node_id = id[0] };
	u8 data[CPC_ENTRY_DATA_MAX];

	ck_assert_int_gt(cpc_change_encode(&c, data, sizeof(data)), 0);
	c.joining++;
	ck_assert_int_eq(cpc_change_encode(&c, data, sizeof(data)), -EMSGSIZE);
}
END_TEST

START_TEST(answer__round_trip_of_every_size)
{
	unsigned int state;
	size_t len;

	for (state = CPC_ANSWER_OPEN; state <= CPC_ANSWER_REFUSED; state++) {
		for (len = 0; len <= CPC_TELL_TEXT_MAX; len++) {
			struct cpc_tell t = an_answer((enum cpc_answer_state)state, len);

			check_round_trip(&t, TEXT_AT + len);
		}
	}
}
END_TEST

START_TEST(answer__every_other_length_is_refused)
{
	struct cpc_tell none = an_answer(CPC_ANSWER_OPEN, 0);
	struct cpc_tell all = an_answer(CPC_ANSWER_REFUSED, CPC_TELL_TEXT_MAX);
	struct cpc_tell heard;
	size_t len;

	check_length(&none);
	check_length(&all);
	/* One more than there is room for. */
	len = cpc_tell_encode(&all, wire);
	wire[TEXT_AT - 1]++;
	wire[len] = 'a';
	ck_assert_int_eq(decode(len + 1, &heard), -EBADMSG);
}
END_TEST

START_TEST(answer__refuses_states_that_are_none)
{
	struct cpc_tell t = an_answer(CPC_ANSWER_OPEN, 3);
	unsigned int state;

	for (state = 0; state < 256; state++)
		ck_assert_int_eq(good_with(&t, 2, (u8)state),
				 state >= CPC_ANSWER_OPEN && state <= CPC_ANSWER_REFUSED);
	t.cell = 0;
	check_refused(&t);
}
END_TEST

/* It is shown on screens and in logs: no escapes, no line ends, no end before its end. */
START_TEST(answer__text_is_printable)
{
	struct cpc_tell t = an_answer(CPC_ANSWER_REFUSED, 5);
	size_t at;
	unsigned int c;

	for (at = TEXT_AT; at < TEXT_AT + 5; at++)
		for (c = 0; c < 256; c++)
			ck_assert_int_eq(good_with(&t, at, (u8)c), c >= 0x20 && c < 0x7f);
}
END_TEST

START_TEST(wish__round_trip)
{
	struct cpc_tell t = { .type = CPC_TELL_WISH, .cell = 9, .epoch = 3, .to = 0xfff0 }, heard;

	check_round_trip(&t, 8);
	ck_assert_int_eq(decode(8, &heard), 0);
	ck_assert_uint_eq(heard.to, t.to);
	check_length(&t);
	t.to = 0;		/* no cell */
	ck_assert_int_eq(decode(cpc_tell_encode(&t, wire), &heard), -EBADMSG);
}
END_TEST

START_TEST(decode__refuses_types_and_versions_that_are_none)
{
	struct cpc_tell each[] = { a_view(4), an_ask(CPC_ASK_JOIN, 1),
				   an_answer(CPC_ANSWER_OPEN, 9) };
	unsigned int i, value;

	for (i = 0; i < 3; i++) {
		for (value = 0; value < 256; value++) {
			if (value < CPC_TELL_VIEW || value > CPC_TELL_WISH)
				ck_assert(!good_with(&each[i], 0, (u8)value));
			ck_assert_int_eq(good_with(&each[i], 1, (u8)value), value == 1);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tell");
	TCase *tc = tcase_create("tell");

	tcase_add_test(tc, view__round_trip_of_every_size);
	tcase_add_test(tc, view__every_other_length_is_refused);
	tcase_add_test(tc, view__refuses_what_is_no_epoch);
	tcase_add_test(tc, view__refuses_a_member_twice);
	tcase_add_test(tc, ask__round_trip_of_every_size);
	tcase_add_test(tc, ask__every_other_length_is_refused);
	tcase_add_test(tc, ask__refuses_what_cannot_be_proposed);
	tcase_add_test(tc, ask__fits_one_change);
	tcase_add_test(tc, answer__round_trip_of_every_size);
	tcase_add_test(tc, answer__every_other_length_is_refused);
	tcase_add_test(tc, answer__refuses_states_that_are_none);
	tcase_add_test(tc, answer__text_is_printable);
	tcase_add_test(tc, wish__round_trip);
	tcase_add_test(tc, decode__refuses_types_and_versions_that_are_none);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
