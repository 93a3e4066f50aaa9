// SPDX-License-Identifier: BSD-3-Clause
/*
 * pace_turns_test.c - when a member speaks without a carrier, and when it holds its peace.
 */
#include "core_testing.h"

#include <cpchain/core.h>

enum { N = 4, START_US = 1000000, OPEN_US = 20000, GAP_US = 1000, TURN_US = 800 };

static struct cpc_core *core[N];
static u64 now_us;

static void setup(void)
{
	unsigned int i;

	now_us = START_US;
	for (i = 0; i < N; i++) {
		struct cpc_config config = { .n = N, .self = (u8)i, .cell = 7, .epoch = 2,
					     .period_us = 100000, .pacing = CPC_PACING_URGENT,
					     .default_verdict = CPC_VERDICT_NONE,
					     .hash = test_hash };

		core[i] = calloc(1, cpc_core_size(N));
		ck_assert_ptr_nonnull(core[i]);
		ck_assert_int_eq(cpc_core_init(core[i], &config, now_us), 0);
	}
}

static void teardown(void)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		free(core[i]);
}

static struct cpc_effects step(unsigned int member, struct cpc_event *event)
{
	struct cpc_effects fx;

	event->now_us = now_us;
	ck_assert_int_eq(cpc_step(core[member], event, &fx), 0);
	cpc_core_check(core[member]);
	return fx;
}

static struct cpc_effects tick(unsigned int member)
{
	struct cpc_event event = { .type = CPC_EV_TICK };

	return step(member, &event);
}

static struct cpc_effects submit(unsigned int member, size_t len)
{
	static const u8 data[CPC_ENTRY_DATA_MAX] = { 1 };
	struct cpc_event event = { .type = CPC_EV_SUBMIT };

	event.submit.data = data;
	event.submit.len = len;
	return step(member, &event);
}

static size_t emit(unsigned int member, u8 *out)
{
	struct cpc_event event = { .type = CPC_EV_CARRIER };

	event.carrier.data = out;
	event.carrier.room = CPC_ELEMENT_MAX - cpc_element_trailer(N);
	event.carrier.standalone = true;
	return step(member, &event).element_len;
}

static struct cpc_effects hear(unsigned int member, const u8 *data, size_t len)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT };

	event.element.data = data;
	event.element.len = len;
	return step(member, &event);
}

/* When @member next asks for a frame of its own, if it hears nothing; at most a second ahead. */
static u64 speaks_us(unsigned int member)
{
	u64 end_us = now_us + 1000000;
	struct cpc_effects fx = tick(member);

	while (!fx.send && now_us < end_us) {
		now_us = fx.wake_us < end_us ? fx.wake_us : end_us;
		fx = tick(member);
	}
	return now_us;
}

START_TEST(pace__what_did_not_fit_goes_with_the_next_frames_at_once)
{
	u8 data[CPC_ELEMENT_MAX];
	unsigned int i, frames = 0;
	u32 heard = 0;

	for (i = 0; i < CPC_LANE_WINDOW; i++)
		submit(2, CPC_ENTRY_DATA_MAX);
	while (heard < CPC_LANE_WINDOW && speaks_us(2) < START_US + OPEN_US) {
		hear(3, data, emit(2, data));
		heard = core[3]->member[2].lane.last;
		frames++;
	}
	ck_assert_uint_eq(heard, CPC_LANE_WINDOW);
	ck_assert_uint_gt(frames, CPC_LANE_WINDOW / 3);
	ck_assert_uint_le(now_us, START_US + frames * GAP_US);
}
END_TEST

START_TEST(pace__who_has_nothing_new_does_not_speak_when_a_silence_ends)
{
	u8 data[CPC_ELEMENT_MAX];
	struct cpc_effects fx;

	now_us += 500000;
	tick(3);
	submit(2, 8);
	fx = hear(3, data, emit(2, data));
	ck_assert(!fx.send);
	ck_assert_uint_eq(speaks_us(3), START_US + 500000 + OPEN_US);
}
END_TEST

START_TEST(pace__who_proposes_answers_the_same_silence_at_once)
{
	u8 data[CPC_ELEMENT_MAX];
	struct cpc_effects fx;

	submit(2, 8);
	fx = hear(1, data, emit(2, data));	/* slot 1, view 0: member 1 leads */
	ck_assert(fx.send);
}
END_TEST

START_TEST(pace__an_author_repeats_sooner_for_who_shows_that_he_missed_the_entry)
{
	u8 data[CPC_ELEMENT_MAX], other[CPC_ELEMENT_MAX];
	size_t len;
	u64 sent_us;

	submit(2, 8);
	emit(2, data);
	sent_us = now_us;
	now_us += 5000;
	hear(2, other, emit(3, other));		/* which shows nothing of that lane */
	ck_assert_uint_eq(speaks_us(2), sent_us + 5000);
	len = emit(2, data);
	hear(3, data, len);
	ck_assert_uint_eq(core[3]->member[2].lane.last, 1);
}
END_TEST

START_TEST(pace__who_learns_that_he_missed_an_entry_says_so_sooner)
{
	u8 data[CPC_ELEMENT_MAX], other[CPC_ELEMENT_MAX];
	u64 sent_us;

	/* Something is open at member 3, so that it takes part: its own entry. */
	submit(3, 8);
	emit(3, other);
	sent_us = now_us;
	submit(2, 8);
	hear(0, data, emit(2, data));
	now_us += 3000;
	hear(3, data, emit(0, data));		/* 0 holds an entry of lane 2 that 3 never heard */
	ck_assert_uint_eq(speaks_us(3), sent_us + 3000 + TURN_US);
}
END_TEST

/* ---- a cell whose frames take a while, from core to core ------------------------------------- */

enum { FRAMES = 64 };

static struct {
	u64 due_us;		/* 0: free */
	unsigned int from;
	size_t len;
	u8 data[CPC_ELEMENT_MAX];
} air[FRAMES];
static u64 wake_us[N];
static u64 deaf_until_us;	/* member 3 */
static unsigned int sent;

static void note(unsigned int member, const struct cpc_effects *fx, u64 hop_us)
{
	unsigned int i;

	wake_us[member] = fx->wake_us;
	if (!fx->send)
		return;
	for (i = 0; i < FRAMES && air[i].due_us; i++)
		;
	ck_assert_uint_lt(i, FRAMES);
	air[i].len = emit(member, air[i].data);
	air[i].from = member;
	air[i].due_us = now_us + hop_us;
	sent++;
	wake_us[member] = now_us;
}

/* Lost frames reach nobody: every @losing-th, none if that is 0. */
static void run_until(u64 end_us, u64 hop_us, unsigned int losing)
{
	static unsigned int count;
	struct cpc_effects fx;
	unsigned int i, k;
	bool lost;

	for (; now_us < end_us; now_us++) {
		for (i = 0; i < FRAMES; i++) {
			if (!air[i].due_us || air[i].due_us > now_us)
				continue;
			lost = losing && ++count % losing == 0;
			for (k = 0; k < N && !lost; k++) {
				if (k == air[i].from || (k == 3 && now_us < deaf_until_us))
					continue;
				fx = hear(k, air[i].data, air[i].len);
				note(k, &fx, hop_us);
			}
			air[i].due_us = 0;
		}
		for (i = 0; i < N; i++) {
			if (wake_us[i] > now_us)
				continue;
			fx = tick(i);
			note(i, &fx, hop_us);
		}
	}
}

static const u64 hops_us[] = { 300, 1000, 2000, 3500 };

/* The entry, the proposal, a vote, two that come with a quorum, and what the first two add. */
static void decide(u64 hop_us, unsigned int losing)
{
	static unsigned int who;
	struct cpc_effects fx = submit(who % N, 8);

	note(who++ % N, &fx, hop_us);
	run_until(now_us + 60000, hop_us, losing);
}

START_TEST(pace__a_decision_takes_seven_frames_at_most_however_long_each_takes)
{
	u64 hop_us = hops_us[_i];
	unsigned int i, frames;
	u32 decided;

	for (i = 0; i < 80; i++)
		decide(hop_us, 0);
	decided = core[0]->decided;
	frames = sent;
	for (i = 0; i < 20; i++)
		decide(hop_us, 0);
	for (i = 0; i < N; i++)
		ck_assert_uint_eq(core[i]->decided, decided + 20);
	ck_assert_uint_le(sent - frames, 7 * 20);
}
END_TEST

START_TEST(pace__frames_that_are_lost_do_not_make_turns_long)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		decide(300, 4);
	for (i = 0; i < N; i++)
		ck_assert_uint_le(core[i]->hop_us, 533);	/* what TURN_US is for */
}
END_TEST

/* He asks, and is answered, whichever frames he missed after the proposal. */
START_TEST(pace__who_missed_the_last_votes_is_told_when_he_repeats_himself)
{
	unsigned int i, k;
	u32 decided;

	for (i = 0; i < 24; i++) {
		struct cpc_effects fx = submit(0, 8);

		decided = core[0]->decided;
		note(0, &fx, 300);
		run_until(now_us + 650 + 100 * i, 300, 0);
		deaf_until_us = now_us + 10000;
		run_until(now_us + 80000, 300, 0);
		for (k = 0; k < N; k++)
			ck_assert_uint_eq(core[k]->decided, decided + 1);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tests = tcase_create("pace");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, pace__what_did_not_fit_goes_with_the_next_frames_at_once);
	tcase_add_test(tests, pace__who_has_nothing_new_does_not_speak_when_a_silence_ends);
	tcase_add_test(tests, pace__who_proposes_answers_the_same_silence_at_once);
	tcase_add_test(tests,
		       pace__an_author_repeats_sooner_for_who_shows_that_he_missed_the_entry);
	tcase_add_test(tests, pace__who_learns_that_he_missed_an_entry_says_so_sooner);
	tcase_add_loop_test(
		tests, pace__a_decision_takes_seven_frames_at_most_however_long_each_takes, 0,
		sizeof(hops_us) / sizeof(hops_us[0]));
	tcase_add_test(tests, pace__frames_that_are_lost_do_not_make_turns_long);
	tcase_add_test(tests, pace__who_missed_the_last_votes_is_told_when_he_repeats_himself);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
