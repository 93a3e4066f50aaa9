// SPDX-License-Identifier: BSD-3-Clause
/*
 * pace_test.c - when a member speaks of its own accord, by how busy the channel is; virtual time.
 */
#include "core_testing.h"

#include <cpchain/airtime.h>
#include <cpchain/core.h>

enum { N = 4, SELF = 2, WINDOW_US = CPC_BUSY_WINDOW_US, TURN_US = 800 };

static struct cpc_core *core;
static u64 now_us;

static void begin(u8 pacing)
{
	struct cpc_config config = { .n = N, .self = SELF, .cell = 7, .epoch = 2, .pacing = pacing,
				     .period_us = 100000, .default_verdict = CPC_VERDICT_NONE,
				     .hash = test_hash };

	free(core);
	core = calloc(1, cpc_core_size(N));
	ck_assert_ptr_nonnull(core);
	now_us = 1000000;
	ck_assert_int_eq(cpc_core_init(core, &config, now_us), 0);
}

static void teardown(void)
{
	free(core);
	core = NULL;
}

static struct cpc_effects step(struct cpc_event event, u16 busy_permille)
{
	struct cpc_effects fx;

	event.now_us = now_us;
	event.busy_permille = busy_permille;
	cpc_step(core, &event, &fx);
	cpc_core_check(core);
	return fx;
}

static struct cpc_effects tick(u16 busy_permille)
{
	return step((struct cpc_event){ .type = CPC_EV_TICK }, busy_permille);
}

static void submit(u16 busy_permille)
{
	struct cpc_event event = { .type = CPC_EV_SUBMIT };

	event.submit.data = (const u8 *)"x";
	event.submit.len = 1;
	step(event, busy_permille);
}

static size_t emit(bool standalone, u16 busy_permille)
{
	static u8 data[CPC_ELEMENT_MAX];
	struct cpc_event event = { .type = CPC_EV_CARRIER };

	event.carrier.data = data;
	event.carrier.room = sizeof(data) - cpc_element_trailer(N);
	event.carrier.standalone = standalone;
	return step(event, busy_permille).element_len;
}

/* Time passes as a driver lets it: from wake-up to wake-up, until a frame is asked for. */
static u64 until_send(u16 busy_permille)
{
	u64 from_us = now_us;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		struct cpc_effects fx = tick(busy_permille);

		if (fx.send)
			return now_us - from_us;
		if (fx.wake_us == CPC_NEVER_US)
			return CPC_NEVER_US;
		now_us = fx.wake_us;
	}
	ck_abort_msg("woken for ever");
	return 0;
}

/* A view may end at that very time, and who then has to vote waits for his turn. */
static bool is_due(u64 waited_us, u64 us)
{
	return waited_us >= us && waited_us <= us + (N - 1) * TURN_US;
}

/* The channel stays so busy for as long as any state takes to be reached. */
static void settle(u16 busy_permille)
{
	unsigned int i;

	for (i = 0; i < __CPC_DCC_STATES; i++) {
		now_us += WINDOW_US;
		tick(busy_permille);
	}
}

static const struct {
	u16 busy_permille;
	u8 state;
	u64 t_off_us;		/* table A.2, frames up to 0.5 ms */
} table[] = {
	{ 0, CPC_DCC_RELAXED, 50000 }, { 299, CPC_DCC_RELAXED, 50000 },
	{ 300, CPC_DCC_ACTIVE_1, 100000 }, { 399, CPC_DCC_ACTIVE_1, 100000 },
	{ 400, CPC_DCC_ACTIVE_2, 200000 }, { 499, CPC_DCC_ACTIVE_2, 200000 },
	{ 500, CPC_DCC_ACTIVE_3, 250000 }, { 649, CPC_DCC_ACTIVE_3, 250000 },
	{ 650, CPC_DCC_RESTRICTIVE, 1000000 }, { 1000, CPC_DCC_RESTRICTIVE, 1000000 },
};
enum { TABLE = sizeof(table) / sizeof(table[0]) };

START_TEST(airtime__is_that_of_the_standard)
{
	/* 17.4.3: 40 us and ceil((16 + 8 * MPDU + 6) / (8 * Mbit/s)) symbols of 8 us. */
	ck_assert_uint_eq(cpc_airtime_us(100, 6), 40 + 8 * 24);
	ck_assert_uint_eq(cpc_airtime_us(100, 3), 40 + 8 * 47);
	ck_assert_uint_eq(cpc_airtime_us(100, 12), 40 + 8 * 12);
	ck_assert_uint_eq(cpc_airtime_us(~0u, 6), cpc_airtime_us(CPC_AIRTIME_OCTETS_MAX, 6));
}
END_TEST

START_TEST(dcc__each_busy_ratio_has_its_state)
{
	begin(CPC_PACING_EARLY);
	settle(table[_i].busy_permille);
	ck_assert_uint_eq(core->dcc, table[_i].state);
}
END_TEST

START_TEST(dcc__moves_to_a_neighbour_once_per_window)
{
	unsigned int i;

	begin(CPC_PACING_EARLY);
	for (i = 1; i <= CPC_DCC_RESTRICTIVE; i++) {
		now_us += WINDOW_US - 1;
		tick(1000);
		ck_assert_uint_eq(core->dcc, i - 1);
		now_us++;
		tick(1000);
		tick(1000);
		ck_assert_uint_eq(core->dcc, i);
	}
	for (i = CPC_DCC_RESTRICTIVE; i > 0; i--) {
		now_us += WINDOW_US;
		tick(0);
		ck_assert_uint_eq(core->dcc, i - 1);
	}
	/* Several windows without an event count as so many. */
	now_us += 3 * WINDOW_US;
	tick(1000);
	ck_assert_uint_eq(core->dcc, CPC_DCC_ACTIVE_3);
}
END_TEST

START_TEST(send__early_keeps_t_off_of_the_state)
{
	u16 busy = table[_i].busy_permille;
	bool relaxed = table[_i].state == CPC_DCC_RELAXED;

	begin(CPC_PACING_EARLY);
	settle(busy);
	submit(busy);
	ck_assert_uint_gt(emit(true, busy), 0);
	/* What is open is said again; then a change. */
	ck_assert(is_due(until_send(busy), table[_i].t_off_us));
	ck_assert_uint_gt(emit(true, busy), 0);
	submit(busy);
	ck_assert_uint_eq(until_send(busy), relaxed ? 25000 : table[_i].t_off_us);
}
END_TEST

START_TEST(send__urgent_is_one_state_milder_but_for_the_restrictive)
{
	static const u64 changed_us[] = { 1000, 25000, 100000, 200000, 1000000 };
	static const u64 open_us[] = { 20000, 50000, 100000, 200000, 1000000 };
	u16 busy = table[_i].busy_permille;

	begin(CPC_PACING_URGENT);
	settle(busy);
	submit(busy);
	ck_assert_uint_gt(emit(true, busy), 0);
	ck_assert(is_due(until_send(busy), open_us[table[_i].state]));
	ck_assert_uint_gt(emit(true, busy), 0);
	submit(busy);
	ck_assert_uint_eq(until_send(busy), changed_us[table[_i].state]);
}
END_TEST

START_TEST(send__carrier_never_asks)
{
	begin(CPC_PACING_CARRIER);
	settle(table[_i].busy_permille);
	submit(table[_i].busy_permille);
	for (now_us = 1000000; now_us < 9000000; now_us += 10000)
		ck_assert(!tick(table[_i].busy_permille).send);
}
END_TEST

START_TEST(send__a_longer_frame_waits_in_proportion)
{
	begin(CPC_PACING_EARLY);
	settle(300);
	submit(300);
	emit(true, 300);
	ck_assert_uint_le(core->frame_us, 500);
	/* As if the last one had taken longer. */
	core->frame_us = 501;
	ck_assert(is_due(until_send(300), 200000));
	emit(true, 300);
	core->frame_us = 1001;
	ck_assert_uint_eq(until_send(300), 300000);
	emit(true, 300);
	core->frame_us = 100000;
	ck_assert_uint_eq(until_send(300), 1000000);
}
END_TEST

START_TEST(send__a_channel_that_gets_quiet_frees_what_was_held_back)
{
	begin(CPC_PACING_EARLY);
	settle(1000);
	submit(1000);
	emit(true, 1000);
	/* Four windows down to relaxed, then 50 ms after the last frame are long over. */
	ck_assert_uint_le(until_send(0), 4 * WINDOW_US);
}
END_TEST

START_TEST(send__no_frame_leaves_before_its_time_whatever_happens)
{
	u64 seed = 5, last_us = 0, shortest_us = CPC_NEVER_US;
	unsigned int i, frames = 0;

	begin(CPC_PACING_EARLY);
	for (i = 0; i < 20000; i++) {
		u16 busy = (u16)(300 + random_below(&seed, 700));

		now_us += random_below(&seed, 4000);
		if (random_below(&seed, 20) == 0)
			submit(busy);
		if (!tick(busy).send)
			continue;
		if (core->dcc != CPC_DCC_RELAXED && last_us && now_us - last_us < shortest_us)
			shortest_us = now_us - last_us;
		last_us = now_us;
		frames += emit(true, busy) != 0;
	}
	ck_assert_uint_gt(frames, 100);
	ck_assert_uint_ge(shortest_us, 100000);
}
END_TEST

START_TEST(latency__counts_own_entries_from_submit_to_decision)
{
	/* Alone in a cell of two that is not there: nothing is decided, nothing is counted. */
	begin(CPC_PACING_EARLY);
	submit(0);
	now_us += 40000;
	ck_assert_uint_eq(tick(0).own_decided, 0);
	ck_assert_uint_eq(core->submitted_us[1], 1000000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tests = tcase_create("pace");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, airtime__is_that_of_the_standard);
	tcase_add_loop_test(tests, dcc__each_busy_ratio_has_its_state, 0, TABLE);
	tcase_add_test(tests, dcc__moves_to_a_neighbour_once_per_window);
	tcase_add_loop_test(tests, send__early_keeps_t_off_of_the_state, 0, TABLE);
	tcase_add_loop_test(tests, send__urgent_is_one_state_milder_but_for_the_restrictive, 0,
			    TABLE);
	tcase_add_loop_test(tests, send__carrier_never_asks, 0, TABLE);
	tcase_add_test(tests, send__a_longer_frame_waits_in_proportion);
	tcase_add_test(tests, send__a_channel_that_gets_quiet_frees_what_was_held_back);
	tcase_add_test(tests, send__no_frame_leaves_before_its_time_whatever_happens);
	tcase_add_test(tests, latency__counts_own_entries_from_submit_to_decision);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
