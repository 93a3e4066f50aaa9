// SPDX-License-Identifier: BSD-3-Clause
/*
 * relay_test.c - cells in which not all hear all: who sends whose element again, how often, and
 * what that brings. Every member has a carrier per round, and its frame reaches all in range.
 */
#include "core_testing.h"

#include <cpchain/core.h>

enum { MEMBERS = 16, ROUND_US = 100000, ROOM = 1200 };

struct element {
	u32 counter;
	size_t len;		/* 0: none */
	u8 data[CPC_ELEMENT_MAX];
};

struct vehicle {
	struct cpc_core *core;
	struct element newest[MEMBERS];	/* as the module keeps them; its own too */
	u32 hears;			/* who is in range, by bit */
	bool helps;			/* sends again what it should */
	u32 sent_again[MEMBERS];	/* counter, per author */
	unsigned int got[MEMBERS];	/* elements taken, per author */
	unsigned int got_relayed[MEMBERS];
	u64 own_decided, own_latency_us;
};

static struct vehicle vehicle[MEMBERS];
static unsigned int n, relays;
static u64 now_us;

static void begin(unsigned int members, u8 pacing)
{
	unsigned int i;

	n = members;
	relays = 0;
	now_us = 1000000;
	for (i = 0; i < n; i++) {
		struct cpc_config config = { .n = (u8)n, .self = (u8)i, .cell = 7, .epoch = 2,
					     .pacing = pacing, .period_us = ROUND_US,
					     .default_verdict = CPC_VERDICT_YES,
					     .hash = test_hash };

		memset(&vehicle[i], 0, sizeof(vehicle[i]));
		vehicle[i].core = calloc(1, cpc_core_size(n));
		ck_assert_ptr_nonnull(vehicle[i].core);
		ck_assert_int_eq(cpc_core_init(vehicle[i].core, &config, now_us), 0);
		vehicle[i].hears = (1u << n) - 1;
		vehicle[i].helps = true;
	}
}

static void teardown(void)
{
	unsigned int i;

	for (i = 0; i < MEMBERS; i++) {
		free(vehicle[i].core);
		vehicle[i].core = NULL;
	}
}

static void hide(unsigned int a, unsigned int b)
{
	vehicle[a].hears &= ~(1u << b);
	vehicle[b].hears &= ~(1u << a);
}

/* Only neighbours hear each other. */
static void line_up(void)
{
	unsigned int i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k + 1 < i; k++)
			hide(i, k);
}

static int step(struct vehicle *v, struct cpc_event *event, struct cpc_effects *fx)
{
	int r;

	event->now_us = now_us;
	r = cpc_step(v->core, event, fx);
	cpc_core_check(v->core);
	v->own_decided += fx->own_decided;
	v->own_latency_us += fx->own_latency_us;
	return r;
}

static int take(unsigned int to, unsigned int author, const struct element *e, unsigned int from)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT };
	struct vehicle *v = &vehicle[to];
	struct cpc_effects fx;
	int r;

	event.element.data = e->data;
	event.element.len = e->len;
	event.element.relayed = author != from;
	event.element.relayer = (u8)from;
	r = step(v, &event, &fx);
	ck_assert(!fx.evidence);
	if (r)
		return r;
	v->newest[author] = *e;
	v->got[author]++;
	v->got_relayed[author] += author != from;
	return 0;
}

static void submit(unsigned int i)
{
	struct cpc_event event = { .type = CPC_EV_SUBMIT };
	struct cpc_effects fx;

	event.submit.data = (const u8 *)"entry";
	event.submit.len = 5;
	ck_assert_int_eq(step(&vehicle[i], &event, &fx), 0);
}

/* The frame of member @i, to all in range. Returns what it sent again, by bit. */
static u64 speak(unsigned int i, size_t room)
{
	struct cpc_event event = { .type = CPC_EV_CARRIER };
	struct vehicle *v = &vehicle[i];
	struct element own = { 0 };
	struct cpc_effects fx;
	unsigned int k, a;
	size_t bytes = 0;

	event.carrier.data = own.data;
	event.carrier.room = room;
	ck_assert_int_eq(step(v, &event, &fx), 0);
	own.len = fx.element_len;
	own.counter = v->core->counter;
	for (a = 0; a < n; a++) {
		if (!(fx.relay >> a & 1))
			continue;
		bytes += v->newest[a].len + cpc_element_trailer(n);
		relays += v->helps;
		/* What it sends is the newest it has, and never twice. */
		ck_assert_uint_eq(v->core->member[a].len,
				  v->newest[a].len + cpc_element_trailer(n));
		ck_assert_uint_gt(v->core->member[a].counter, v->sent_again[a]);
		v->sent_again[a] = v->core->member[a].counter;
	}
	ck_assert_uint_eq(bytes, fx.relay_bytes);
	ck_assert_uint_le(bytes + own.len, room);
	ck_assert_uint_le(cpc_count_bits(fx.relay), CPC_RELAYS_MAX);
	now_us += 2000;
	for (k = 0; k < n; k++) {
		if (k == i || !(vehicle[k].hears >> i & 1) || take(k, i, &own, i))
			continue;
		for (a = 0; a < n && v->helps; a++)
			if (fx.relay >> a & 1 && a != k)
				take(k, a, &v->newest[a], i);
	}
	return fx.relay;
}

static void rounds(unsigned int count)
{
	u64 from_us = now_us;
	unsigned int r, i;

	for (r = 1; r <= count; r++) {
		for (i = 0; i < n; i++)
			speak(i, ROOM);
		now_us = from_us + (u64)r * ROUND_US;
	}
}

static void forget_counts(void)
{
	unsigned int i;

	relays = 0;
	for (i = 0; i < n; i++) {
		memset(vehicle[i].got, 0, sizeof(vehicle[i].got));
		memset(vehicle[i].got_relayed, 0, sizeof(vehicle[i].got_relayed));
	}
}

static bool all_decided(u32 seq)
{
	unsigned int i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			if (vehicle[i].core->member[k].lane.frontier < seq)
				return false;
	return true;
}

START_TEST(wanted__nobody_sends_again_where_all_hear_all)
{
	unsigned int i;

	begin(_i, CPC_PACING_CARRIER);
	for (i = 0; i < n; i++)
		submit(i);
	rounds(60);
	ck_assert_uint_eq(relays, 0);
	ck_assert(all_decided(1));
	for (i = 0; i < n; i++) {
		ck_assert_uint_eq(vehicle[i].core->hops, 1);
		ck_assert_uint_eq(vehicle[0].core->member[i].hears, i ? ~(u64)0 : 0);
	}
}
END_TEST

START_TEST(wanted__of_a_hidden_pair_each_element_is_sent_again_once)
{
	unsigned int turns = 0, i;

	begin(4, CPC_PACING_CARRIER);
	hide(0, 3);
	rounds(10);
	forget_counts();
	rounds(100);
	/* Two authors, a hundred elements each, none twice; the last may still be on its way. */
	ck_assert_uint_ge(relays, 196);
	ck_assert_uint_le(relays, 200);
	ck_assert_uint_ge(vehicle[0].got_relayed[3], 97);
	ck_assert_uint_ge(vehicle[3].got_relayed[0], 97);
	ck_assert_uint_eq(vehicle[1].got_relayed[0] + vehicle[2].got_relayed[3], 0);
	for (i = 1; i <= 2; i++)
		turns += vehicle[i].sent_again[0] > 0 && vehicle[i].sent_again[3] > 0;
	ck_assert_uint_eq(turns, 2);
	ck_assert_uint_eq(vehicle[0].sent_again[1] + vehicle[3].sent_again[1], 0);
}
END_TEST

START_TEST(wanted__a_line_carries_everything_to_both_ends)
{
	unsigned int i, k;

	begin(_i, CPC_PACING_CARRIER);
	line_up();
	rounds(20);
	forget_counts();
	rounds(100);
	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			if (i != k)
				ck_assert_uint_ge(vehicle[i].got[k], 95);
	/* Those between are asked once for each author at most, the ends for none. */
	ck_assert_uint_le(relays, 100 * (n - 2) * (n - 1));
	for (i = 0; i < n; i++)
		ck_assert_uint_eq(vehicle[0].sent_again[i] + vehicle[n - 1].sent_again[i], 0);
	for (i = 0; i < n; i++)
		submit(i);
	rounds(120);
	ck_assert(all_decided(1));
}
END_TEST

START_TEST(wanted__stops_when_they_hear_each_other)
{
	begin(4, CPC_PACING_CARRIER);
	hide(0, 3);
	rounds(30);
	vehicle[0].hears |= 1u << 3;
	vehicle[3].hears |= 1u << 0;
	rounds(3);
	forget_counts();
	rounds(50);
	ck_assert_uint_eq(relays, 0);
}
END_TEST

START_TEST(wanted__one_that_does_not_help_costs_its_share_only)
{
	begin(5, CPC_PACING_CARRIER);
	hide(0, 4);
	vehicle[2].helps = false;
	rounds(10);
	forget_counts();
	rounds(200);
	/* One of three. */
	ck_assert_uint_ge(vehicle[4].got_relayed[0], 90);
	ck_assert_uint_ge(vehicle[0].got_relayed[4], 90);
}
END_TEST

START_TEST(wanted__one_that_lies_to_be_near_cannot_shut_others_out)
{
	unsigned int r, i;

	/* 0 - 1 - 2 - 3, and 4 between 1 and 3, who says that it hears 0, and does not help. */
	begin(5, CPC_PACING_CARRIER);
	line_up();
	vehicle[1].hears |= 1u << 4;
	vehicle[4].hears |= 1u << 1;
	vehicle[4].helps = false;
	rounds(10);
	forget_counts();
	for (r = 0; r < 200; r++) {
		for (i = 0; i < n; i++) {
			unsigned int k;

			speak(i, ROOM);
			for (k = 0; k < 4; k++)
				vehicle[k].core->member[4].hears = ~(u64)0;
		}
		now_us += ROUND_US - 2000 * n;
	}
	/* Each even counter by lot, over two hops. */
	ck_assert_uint_ge(vehicle[3].got_relayed[0], 200 / 8);
}
END_TEST

START_TEST(pick__leaves_room_for_the_own_state_and_catches_up)
{
	unsigned int i, sent = 0;

	begin(10, CPC_PACING_CARRIER);
	/* A star: all but the first are hidden from each other. */
	for (i = 1; i < n; i++) {
		unsigned int k;

		for (k = 1; k < i; k++)
			hide(i, k);
	}
	rounds(10);
	for (i = 0; i < 60; i++) {
		unsigned int k;

		for (k = 1; k < n; k++)
			speak(k, ROOM);
		sent += cpc_count_bits(speak(0, 140 + 10 * i));
		now_us += ROUND_US - 2000 * n;
	}
	ck_assert_uint_gt(sent, 60);
}
END_TEST

START_TEST(receive__a_repetition_is_no_evidence_and_another_content_is)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT };
	struct cpc_effects fx;
	struct element e;

	begin(4, CPC_PACING_CARRIER);
	rounds(3);
	e = vehicle[0].newest[1];
	ck_assert_uint_gt(e.len, 0);
	event.element.data = e.data;
	event.element.len = e.len;
	event.element.relayed = true;
	event.element.relayer = 2;
	ck_assert_int_eq(step(&vehicle[0], &event, &fx), -ESTALE);
	ck_assert(!fx.evidence);
	e.data[12] ^= 1;
	ck_assert_int_eq(step(&vehicle[0], &event, &fx), -ESTALE);
	ck_assert(fx.evidence && fx.evidence_member == 1);
	event.element.relayer = 4;
	ck_assert_int_eq(step(&vehicle[0], &event, &fx), -EPERM);
}
END_TEST

START_TEST(emit__says_whom_it_hears_only_when_somebody_is_missing)
{
	struct cpc_element e;

	begin(4, CPC_PACING_CARRIER);
	rounds(10);
	ck_assert_int_eq(cpc_element_decode(vehicle[0].newest[1].data, vehicle[0].newest[1].len, n,
					    &e), 0);
	ck_assert(!(e.header.flags & CPC_ELEMENT_HEARD));
	hide(1, 3);
	rounds(10);
	ck_assert_int_eq(cpc_element_decode(vehicle[0].newest[1].data, vehicle[0].newest[1].len, n,
					    &e), 0);
	ck_assert(e.header.flags & CPC_ELEMENT_HEARD);
	ck_assert_uint_eq(e.hears, 0x7);
}
END_TEST

START_TEST(latency__is_from_submit_to_decision)
{
	u64 from_us;

	begin(4, CPC_PACING_CARRIER);
	rounds(3);
	from_us = now_us;
	submit(0);
	submit(0);
	while (vehicle[0].own_decided < 2 && now_us < from_us + 5000000)
		rounds(1);
	ck_assert_uint_eq(vehicle[0].own_decided, 2);
	ck_assert_uint_eq(vehicle[1].own_decided, 0);
	/* Three message delays are more than one round, and it was noticed within the last one. */
	ck_assert_uint_gt(vehicle[0].own_latency_us, 2 * ROUND_US);
	ck_assert_uint_le(vehicle[0].own_latency_us, 2 * (now_us - from_us));
	ck_assert_uint_gt(vehicle[0].own_latency_us, 2 * (now_us - from_us - ROUND_US));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("relay");
	TCase *tests = tcase_create("relay");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, wanted__nobody_sends_again_where_all_hear_all, 4, 11);
	tcase_add_test(tests, wanted__of_a_hidden_pair_each_element_is_sent_again_once);
	tcase_add_loop_test(tests, wanted__a_line_carries_everything_to_both_ends, 4, 8);
	tcase_add_test(tests, wanted__stops_when_they_hear_each_other);
	tcase_add_test(tests, wanted__one_that_does_not_help_costs_its_share_only);
	tcase_add_test(tests, wanted__one_that_lies_to_be_near_cannot_shut_others_out);
	tcase_add_test(tests, pick__leaves_room_for_the_own_state_and_catches_up);
	tcase_add_test(tests, receive__a_repetition_is_no_evidence_and_another_content_is);
	tcase_add_test(tests, emit__says_whom_it_hears_only_when_somebody_is_missing);
	tcase_add_test(tests, latency__is_from_submit_to_decision);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
