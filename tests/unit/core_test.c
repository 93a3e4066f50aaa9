// SPDX-License-Identifier: BSD-3-Clause
/*
 * core_test.c - the door of the core: configurations, errors, and what an error leaves behind.
 *
 * What the core does when all is well, and when it is not, is in tests/scenarios/ and tests/sim/.
 */
#include "core_testing.h"

#include <cpchain/core.h>

enum { N = 4 };

static struct cpc_core *core;

static struct cpc_config good_config(void)
{
	return (struct cpc_config){ .n = N, .self = 1, .cell = 7, .epoch = 2, .period_us = 100000,
				    .default_verdict = CPC_VERDICT_NONE, .hash = test_hash };
}

static void setup(void)
{
	struct cpc_config config = good_config();

	core = calloc(1, cpc_core_size(N));
	ck_assert_ptr_nonnull(core);
	ck_assert_int_eq(cpc_core_init(core, &config, 1000), 0);
}

static void teardown(void)
{
	free(core);
}

static int step(struct cpc_event *event, struct cpc_effects *fx)
{
	int r = cpc_step(core, event, fx);

	cpc_core_check(core);
	return r;
}

static int submit(u8 kind, size_t len)
{
	static const u8 data[CPC_ENTRY_DATA_MAX + 1] = { 1 };
	struct cpc_event event = { .type = CPC_EV_SUBMIT, .now_us = 2000 };
	struct cpc_effects fx;

	event.submit.kind = kind;
	event.submit.data = data;
	event.submit.len = len;
	return step(&event, &fx);
}

/* An element of member 2 with this counter and decided slot, and nothing else. */
static size_t make_element(u8 *out, size_t size, struct cpc_header header)
{
	struct cpc_writer w = cpc_writer_init(out, size);

	header.version = CPC_ELEMENT_VERSION;
	cpc_header_write(&w, &header);
	return w.used;
}

static int receive(const u8 *data, size_t len, struct cpc_effects *fx)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT, .now_us = 3000 };

	event.element.data = data;
	event.element.len = len;
	return step(&event, fx);
}

START_TEST(init__every_field_out_of_bounds_is_refused)
{
	struct cpc_core *other = calloc(1, cpc_core_size(CPC_MEMBERS_MAX));
	unsigned int i;

	ck_assert_ptr_nonnull(other);
	for (i = 0; i < 10; i++) {
		struct cpc_config config = good_config();

		if (i == 1)
			config.n = CPC_MEMBERS_FEW - 1;
		if (i == 2)
			config.n = CPC_MEMBERS_MAX + 1;
		if (i == 3)
			config.self = N;
		if (i == 4)
			config.pacing = CPC_PACING_URGENT + 1;
		if (i == 5)
			config.default_verdict = CPC_VERDICT_NONE + 1;
		if (i == 6)
			config.hash = NULL;
		if (i == 7)
			config.period_us = CPC_PERIOD_MIN_US - 1;
		if (i == 8)
			config.period_us = CPC_PERIOD_MAX_US + 1;
		if (i == 9)
			config = (struct cpc_config){.n = CPC_MEMBERS_MAX,
						     .self = CPC_MEMBERS_MAX - 1,
						     .period_us = CPC_PERIOD_MIN_US,
						     .hash = test_hash};
		ck_assert_int_eq(cpc_core_init(other, &config, 0), i && i < 9 ? -EINVAL : 0);
	}
	free(other);
}
END_TEST

START_TEST(step__submit_refuses_what_cannot_be_an_entry)
{
	ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, 0), -EMSGSIZE);
	ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, CPC_ENTRY_DATA_MAX + 1), -EMSGSIZE);
	ck_assert_int_eq(submit(__CPC_ENTRY_KINDS, 1), -EINVAL);
	ck_assert_int_eq(submit(CPC_ENTRY_CHANGE, 1), -EINVAL);	/* no change of members */
	ck_assert_uint_eq(core->member[1].lane.last, 0);
	ck_assert_int_eq(submit(CPC_ENTRY_BY_ALL, CPC_ENTRY_DATA_MAX), 0);
	ck_assert_uint_eq(core->member[1].lane.last, 1);
}
END_TEST

START_TEST(step__submit_waits_when_the_lane_is_full)
{
	unsigned int i;

	for (i = 0; i < CPC_LANE_WINDOW; i++)
		ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, 5), 0);
	ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, 5), -EAGAIN);
	ck_assert_uint_eq(core->member[1].lane.last, CPC_LANE_WINDOW);
}
END_TEST

START_TEST(step__carrier_without_room_for_the_state_gets_none)
{
	struct cpc_event event = { .type = CPC_EV_CARRIER, .now_us = 4000 };
	u8 data[CPC_ELEMENT_MAX];
	struct cpc_effects fx;
	u32 counter;
	size_t room, whole;

	ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, 5), 0);
	event.carrier.data = data;
	event.carrier.room = 20;
	counter = core->counter;
	ck_assert_int_eq(step(&event, &fx), -ENOSPC);
	ck_assert_uint_eq(fx.element_len, 0);
	ck_assert_uint_eq(core->counter, counter);
	event.carrier.room = sizeof(data);
	ck_assert_int_eq(step(&event, &fx), 0);
	whole = fx.element_len;
	ck_assert(fx.element_payload && fx.element_open == 1);
	/* With less room payload is left out, never the state, and nothing is overrun. */
	for (room = 0; room <= whole; room++) {
		memset(data, 0xee, sizeof(data));
		event.carrier.room = room;
		if (step(&event, &fx) == 0)
			ck_assert_uint_ge(fx.element_len, CPC_ELEMENT_HEADER_BYTES + 2 + 19);
		ck_assert_uint_le(fx.element_len, room);
		ck_assert_uint_eq(data[room], 0xee);
	}
}
END_TEST

START_TEST(step__element_errors_are_told_apart_and_change_nothing)
{
	struct cpc_header header = { .sender = 2, .cell = 7, .epoch = 2, .counter = 5 };
	struct cpc_effects fx;
	u8 data[64];
	size_t len = make_element(data, sizeof(data), header);
	unsigned int i;

	ck_assert_int_eq(receive(data, len - 1, &fx), -EBADMSG);
	for (i = 0; i < 3; i++) {
		struct cpc_header wrong = header;

		wrong.sender = i == 0 ? 1 : 2;
		wrong.cell = i == 1 ? 8 : 7;
		wrong.epoch = i == 2 ? 1 : 2;
		make_element(data, sizeof(data), wrong);
		ck_assert_int_eq(receive(data, len, &fx), -EPERM);
	}
	ck_assert(!core->member[2].heard && !fx.evidence);
	make_element(data, sizeof(data), header);
	ck_assert_int_eq(receive(data, len, &fx), 0);
	ck_assert_int_eq(receive(data, len, &fx), -ESTALE);
	ck_assert(!fx.evidence);
	header.counter = 4;
	make_element(data, sizeof(data), header);
	ck_assert_int_eq(receive(data, len, &fx), -ESTALE);
	ck_assert(!fx.evidence);
	/* The same counter over other content: that member lies, or is two. */
	header.counter = 5;
	header.decided = 1;
	make_element(data, sizeof(data), header);
	ck_assert_int_eq(receive(data, len, &fx), -ESTALE);
	ck_assert(fx.evidence && fx.evidence_member == 2 && fx.evidence_counter == 5);
	ck_assert_uint_eq(core->member[2].decided, 0);
}
END_TEST

START_TEST(step__verdict_is_given_once_and_on_an_open_entry_only)
{
	struct cpc_event event = { .type = CPC_EV_VERDICT, .now_us = 4000 };
	struct cpc_effects fx;
	const struct cpc_condition *c = &core->member[1].condition;

	event.verdict.lane = 1;
	event.verdict.seq = 1;
	event.verdict.verdict = CPC_VERDICT_YES;
	ck_assert_int_eq(step(&event, &fx), -ENOENT);
	event.verdict.lane = N;
	ck_assert_int_eq(step(&event, &fx), -ENOENT);
	event.verdict.lane = 1;
	ck_assert_int_eq(submit(CPC_ENTRY_BY_QUORUM, 3), 0);
	ck_assert_int_eq(step(&event, &fx), -ENOENT);	/* another content's hash */
	event.verdict.head = c->head;
	event.verdict.verdict = CPC_VERDICT_NO;
	ck_assert_int_eq(step(&event, &fx), -EALREADY);	/* an author wants its own entry */
	event.verdict.verdict = CPC_VERDICT_NONE;
	ck_assert_int_eq(step(&event, &fx), -EINVAL);
	event.verdict.verdict = CPC_VERDICT_YES;
	event.verdict.why = CPC_WHY_MAX;
	ck_assert_int_eq(step(&event, &fx), -EINVAL);
	ck_assert_uint_eq(c->why[1], CPC_REASON_OWN);
	ck_assert_uint_eq(c->yes, 2);
	ck_assert_uint_eq(c->no, 0);
}
END_TEST

START_TEST(init__an_epoch_goes_on_where_the_one_before_ended)
{
	struct cpc_core *other = calloc(1, cpc_core_size(N));
	struct cpc_config config = good_config();
	u32 s;

	ck_assert_ptr_nonnull(other);
	config.base = CPC_BASE_MAX + 1u;
	ck_assert_int_eq(cpc_core_init(other, &config, 0), -EINVAL);
	config.base = 1000;
	ck_assert_int_eq(cpc_core_init(other, &config, 0), 0);
	cpc_core_check(other);
	ck_assert_uint_eq(other->decided, 1000);
	ck_assert_uint_eq(other->settled, 1000);
	for (s = 1001; s <= 1004; s++)
		ck_assert_uint_eq(other->slot[s % CPC_OPEN_MAX].number, s);
	ck_assert(!cpc_ended(other));
	free(other);
}
END_TEST

START_TEST(step__install_refuses_what_nobody_claims)
{
	u32 seq[N] = { 0 };
	struct cpc_digest head[N] = { { { 0 } } };
	struct cpc_event event = { .type = CPC_EV_INSTALL, .now_us = 4000 };
	struct cpc_effects fx;

	event.install.seq = seq;
	event.install.head = head;
	ck_assert_int_eq(step(&event, &fx), -EALREADY);
	event.install.slot = 9;
	ck_assert_int_eq(step(&event, &fx), -EPERM);
	event.install.end = 8;
	ck_assert_int_eq(step(&event, &fx), -EINVAL);	/* beyond the epoch's end */
	ck_assert_uint_eq(core->decided, 0);
}
END_TEST

START_TEST(step__set_takes_bounds_only)
{
	struct cpc_event event = { .type = CPC_EV_SET, .now_us = 4000 };
	struct cpc_effects fx;

	event.set.pacing = CPC_PACING_URGENT + 1;
	event.set.period_us = 100000;
	ck_assert_int_eq(step(&event, &fx), -EINVAL);
	event.set.pacing = CPC_PACING_URGENT;
	event.set.period_us = CPC_PERIOD_MAX_US + 1;
	ck_assert_int_eq(step(&event, &fx), -EINVAL);
	ck_assert_int_eq(core->config.pacing, CPC_PACING_CARRIER);
	event.set.period_us = CPC_PERIOD_MAX_US;
	ck_assert_int_eq(step(&event, &fx), 0);
	ck_assert_int_eq(core->config.pacing, CPC_PACING_URGENT);
}
END_TEST

START_TEST(step__a_clock_that_steps_back_is_time_standing_still)
{
	struct cpc_event event = { .type = CPC_EV_TICK, .now_us = 5000000 };
	struct cpc_effects fx;

	ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, 3), 0);
	ck_assert_int_eq(step(&event, &fx), 0);
	event.now_us = 10;
	ck_assert_int_eq(step(&event, &fx), 0);
	ck_assert_uint_eq(core->now_us, 5000000);
	ck_assert_uint_ge(fx.wake_us, 5000000);
}
END_TEST

START_TEST(step__same_events_same_effects)
{
	struct cpc_core *other = calloc(1, cpc_core_size(N));
	struct cpc_effects a, b;
	unsigned int i;
	u64 seed = 1;

	ck_assert_ptr_nonnull(other);
	memcpy(other, core, cpc_core_size(N));
	for (i = 0; i < 500; i++) {
		struct cpc_event event = { .type = CPC_EV_TICK, .now_us = 10000 * i };
		u8 one[CPC_ELEMENT_MAX] = { 0 }, two[CPC_ELEMENT_MAX] = { 0 };
		int first;

		if (random_below(&seed, 3) == 0) {
			event.type = CPC_EV_SUBMIT;
			event.submit.data = (const u8 *)"x";
			event.submit.len = 1;
		}
		if (random_below(&seed, 3) == 0) {
			event.type = CPC_EV_CARRIER;
			event.carrier.data = one;
			event.carrier.room = sizeof(one);
		}
		first = cpc_step(core, &event, &a);
		if (event.type == CPC_EV_CARRIER)
			event.carrier.data = two;
		ck_assert_int_eq(cpc_step(other, &event, &b), first);
		ck_assert_mem_eq(&a, &b, sizeof(a));
		ck_assert_mem_eq(one, two, sizeof(one));
		ck_assert_mem_eq(core, other, cpc_core_size(N));
	}
	free(other);
}
END_TEST

START_TEST(entry__only_what_is_in_the_ring)
{
	size_t len = 0;
	struct cpc_entry entry;
	const u8 *body;

	ck_assert_ptr_null(cpc_core_entry(core, 1, 1, &len));
	ck_assert_ptr_null(cpc_core_entry(core, N, 1, &len));
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(submit(CPC_ENTRY_ORDINARY, 5), 0);
	body = cpc_core_entry(core, 1, 1, &len);
	ck_assert_ptr_nonnull(body);
	ck_assert_int_eq(cpc_entry_decode(body, len, N, &entry), 0);
	ck_assert(entry.author == 1 && entry.seq == 1 && entry.len == 5);
	ck_assert_ptr_null(cpc_core_entry(core, 1, 1 + CPC_LANE_RING, &len));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core");
	TCase *tests = tcase_create("core");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, init__every_field_out_of_bounds_is_refused);
	tcase_add_test(tests, init__an_epoch_goes_on_where_the_one_before_ended);
	tcase_add_test(tests, step__submit_refuses_what_cannot_be_an_entry);
	tcase_add_test(tests, step__submit_waits_when_the_lane_is_full);
	tcase_add_test(tests, step__carrier_without_room_for_the_state_gets_none);
	tcase_add_test(tests, step__element_errors_are_told_apart_and_change_nothing);
	tcase_add_test(tests, step__verdict_is_given_once_and_on_an_open_entry_only);
	tcase_add_test(tests, step__install_refuses_what_nobody_claims);
	tcase_add_test(tests, step__set_takes_bounds_only);
	tcase_add_test(tests, step__a_clock_that_steps_back_is_time_standing_still);
	tcase_add_test(tests, step__same_events_same_effects);
	tcase_add_test(tests, entry__only_what_is_in_the_ring);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
