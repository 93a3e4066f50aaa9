// SPDX-License-Identifier: BSD-3-Clause
/*
 * Do two ends of a session always end with one key, and never lose a working one, wherever the
 * session breaks? Both ends are the pure machine; the test carries their frames and stops where it
 * likes.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/net/peer.h"

#define MS(ms) ((uint64_t)(ms) * 1000)

static const uint64_t start_us = 1000000000;

/* One end: the machine, what its kernel holds, and what the network has for it. */
struct end {
	struct cpc_peer peer;
	bool has;
	uint8_t key[CPC_KEY_ID_BYTES];	/* an id stands for its key here */
	uint8_t fresh[CPC_KEY_ID_BYTES];
	unsigned installs;
	bool up, closed;
	enum cpc_net_failure failure;
	uint8_t in[4096];
	size_t in_len;
};

static void end_init(struct end *end, unsigned self, unsigned member)
{
	*end = (struct end){ 0 };
	cpc_peer_init(&end->peer, 7, 3, self, member);
}

static void hold(struct end *end, uint8_t key)
{
	end->has = true;
	memset(end->key, key, sizeof(end->key));
}

static void apply(struct end *end, struct end *other, const struct cpc_peer_effects *fx)
{
	memcpy(other->in + other->in_len, fx->out, fx->out_len);
	other->in_len += fx->out_len;
	if (fx->closing) {
		end->closed = true;
		end->failure = fx->failure;
		return;
	}
	if (fx->install) {
		end->installs++;
		end->has = true;
		memcpy(end->key, end->fresh, sizeof(end->key));
	}
	end->up |= fx->up;
}

/* A new session between the two, whose TLS exports that key. */
static void start(struct end *a, struct end *b, uint8_t fresh)
{
	struct end *ends[] = { a, b };

	for (unsigned i = 0; i < 2; i++) {
		struct end *end = ends[i];

		cpc_peer_stop(&end->peer);
		end->in_len = 0;
		end->up = end->closed = false;
		memset(end->fresh, fresh, sizeof(end->fresh));
	}
	for (unsigned i = 0; i < 2; i++) {
		struct cpc_peer_effects fx = { 0 };

		cpc_peer_start(&ends[i]->peer, start_us, start_us + MS(15000),
			       ends[i]->has ? ends[i]->key : NULL, ends[i]->fresh, &fx);
		apply(ends[i], ends[1 - i], &fx);
	}
}

/* Hands the end its next frame; false: there is none, or it has closed. */
static bool take(struct end *end, struct end *other)
{
	struct cpc_peer_effects fx = { 0 };
	struct cpc_frame frame;
	int len = cpc_frame_decode(end->in, end->in_len, &frame);

	ck_assert_int_ge(len, 0);
	if (len == 0 || end->closed)
		return false;
	cpc_peer_frame(&end->peer, start_us, &frame, &fx);
	end->in_len -= (size_t)len;
	memmove(end->in, end->in + len, end->in_len);
	apply(end, other, &fx);
	return true;
}

static void run(struct end *a, struct end *b)
{
	while (take(a, b) || take(b, a))
		;
}

static void assert_agreed(const struct end *a, const struct end *b)
{
	ck_assert(a->up && b->up && a->has && b->has);
	ck_assert_mem_eq(a->key, b->key, sizeof(a->key));
}

START_TEST(cpc_peer_frame__first_session_installs_its_key_at_both_ends)
{
	struct end a, b;

	end_init(&a, 0, 1);
	end_init(&b, 1, 0);
	start(&a, &b, 10);
	ck_assert(!a.up && !b.up);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert_uint_eq(a.key[0], 10);
	ck_assert(a.installs == 1 && b.installs == 1);
}
END_TEST

START_TEST(cpc_peer_frame__a_shared_key_is_kept)
{
	struct end a, b;

	end_init(&a, 0, 1);
	end_init(&b, 1, 0);
	hold(&a, 5);
	hold(&b, 5);
	start(&a, &b, 10);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert_uint_eq(a.key[0], 5);
	ck_assert(a.installs == 0 && b.installs == 0);
}
END_TEST

/*
 * Every way to begin (either end holds no key, key 5 or key 6), every order of delivery, every
 * point to break at; then a second session that is left to finish.
 */
START_TEST(cpc_peer_frame__wherever_a_session_breaks_the_next_one_agrees)
{
	for (unsigned held = 0; held < 9; held++) {
		for (unsigned order = 0; order < 64; order++) {
			for (unsigned steps = 0; steps <= 6; steps++) {
				struct end a, b;
				bool shared;

				end_init(&a, 0, 1);
				end_init(&b, 1, 0);
				if (held % 3)
					hold(&a, (uint8_t)(4 + held % 3));
				if (held / 3)
					hold(&b, (uint8_t)(4 + held / 3));
				shared = held % 3 && held % 3 == held / 3;
				start(&a, &b, 10);
				for (unsigned i = 0; i < steps; i++) {
					if (order >> i & 1)
						take(&a, &b);
					else
						take(&b, &a);
				}
				/* Nothing unknown to the other end's HELLO was thrown away. */
				ck_assert(!a.closed && !b.closed);
				if (shared)
					ck_assert(a.installs == 0 && b.installs == 0);
				ck_assert(!a.up || a.has);
				/* Whoever is up, the other will hold the same once it is up. */
				if (a.up && b.up)
					ck_assert_mem_eq(a.key, b.key, sizeof(a.key));
				start(&a, &b, 20);
				run(&a, &b);
				assert_agreed(&a, &b);
			}
		}
	}
}
END_TEST

START_TEST(cpc_peer_frame__no_key_before_the_peer_confirms)
{
	struct end a, b;

	end_init(&a, 0, 1);
	end_init(&b, 1, 0);
	start(&a, &b, 10);
	ck_assert(take(&a, &b));	/* b's HELLO; a says CONFIRM */
	ck_assert(!a.has && !a.up);
	ck_assert(take(&b, &a));	/* a's HELLO; b says CONFIRM */
	ck_assert(!b.has && !b.up);
	ck_assert(take(&b, &a));	/* a's CONFIRM */
	ck_assert(b.has && b.up && !a.has);
}
END_TEST

static void assert_hello_refused(const struct cpc_frame_hello *hello, enum cpc_net_failure failure,
				 const char *words)
{
	struct cpc_peer_effects fx = { 0 };
	struct cpc_frame frame = { .type = CPC_FRAME_HELLO, .hello = *hello };
	uint8_t fresh[8] = { 1 };
	struct cpc_peer peer;

	cpc_peer_init(&peer, 7, 3, 0, 2);
	cpc_peer_start(&peer, start_us, start_us + MS(15000), NULL, fresh, &fx);
	fx = (struct cpc_peer_effects){ 0 };
	cpc_peer_frame(&peer, start_us, &frame, &fx);
	ck_assert(fx.closing && !fx.install && !fx.up && fx.out_len == 0);
	ck_assert_int_eq(fx.failure, failure);
	ck_assert_msg(strstr(fx.error, words) && strstr(fx.error, "member 2"), "'%s'", fx.error);
}

START_TEST(cpc_peer_frame__refuses_a_hello_that_does_not_fit)
{
	struct cpc_frame_hello good = { .cell = 7, .epoch = 3, .index = 2, .fresh = { 1 } }, bad;

	bad = good;
	bad.cell = 8;
	assert_hello_refused(&bad, CPC_NET_FAIL_CELL, "cell 8");
	bad = good;
	bad.epoch = 4;
	assert_hello_refused(&bad, CPC_NET_FAIL_EPOCH, "epoch 4");
	bad = good;
	bad.index = 1;
	assert_hello_refused(&bad, CPC_NET_FAIL_INDEX, "member 1");
	bad = good;
	bad.fresh[0] = 2;
	assert_hello_refused(&bad, CPC_NET_FAIL_KEY, "another cell key");
}
END_TEST

START_TEST(cpc_peer_frame__refuses_a_confirm_of_another_key)
{
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM, .key_id = { 99 } };
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 0, 1);
	end_init(&b, 1, 0);
	start(&a, &b, 10);
	take(&a, &b);
	cpc_peer_frame(&a.peer, start_us, &confirm, &fx);
	ck_assert(fx.closing && !fx.install && fx.failure == CPC_NET_FAIL_KEY);
}
END_TEST

START_TEST(cpc_peer_frame__refuses_frames_out_of_place)
{
	/* In each state, every type that does not belong there. */
	for (unsigned type = CPC_FRAME_HELLO; type <= CPC_FRAME_DECISIONS; type++) {
		for (unsigned state = CPC_PEER_HELLO; state <= CPC_PEER_UP; state++) {
			struct cpc_frame frame = { .type = (enum cpc_frame_type)type };
			struct cpc_peer_effects fx = { 0 };
			bool belongs;
			struct end a, b;

			end_init(&a, 0, 1);
			end_init(&b, 1, 0);
			start(&a, &b, 10);
			if (state >= CPC_PEER_CONFIRM)
				take(&a, &b);
			if (state == CPC_PEER_UP)
				run(&a, &b);
			ck_assert_int_eq(a.peer.state, (int)state);
			belongs = (state == CPC_PEER_HELLO && type == CPC_FRAME_HELLO) ||
				  (state == CPC_PEER_CONFIRM && type == CPC_FRAME_CONFIRM) ||
				  (state == CPC_PEER_UP && type >= CPC_FRAME_PING &&
				   type <= CPC_FRAME_FETCH);
			if (belongs)
				continue;
			cpc_peer_frame(&a.peer, start_us, &frame, &fx);
			ck_assert_msg(fx.closing && fx.failure == CPC_NET_FAIL_ORDER,
				      "type %u in state %u", type, state);
			ck_assert(!fx.install && !fx.up && !fx.fetched);
		}
	}
}
END_TEST

/* Two ends whose session is up. */
static void bring_up(struct end *a, struct end *b)
{
	end_init(a, 0, 1);
	end_init(b, 1, 0);
	start(a, b, 10);
	run(a, b);
	ck_assert(a->up && b->up);
}

START_TEST(cpc_peer_tick__gives_up_at_the_deadline)
{
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 0, 1);
	end_init(&b, 1, 0);
	cpc_peer_tick(&a.peer, start_us + MS(99999), &fx);
	ck_assert(!fx.closing);		/* down: nothing to give up */
	start(&a, &b, 10);
	ck_assert_uint_eq(cpc_peer_wake_us(&a.peer), start_us + MS(15000));
	cpc_peer_tick(&a.peer, start_us + MS(15000) - 1, &fx);
	ck_assert(!fx.closing);
	cpc_peer_tick(&a.peer, start_us + MS(15000), &fx);
	ck_assert(fx.closing && fx.failure == CPC_NET_FAIL_DEADLINE);
}
END_TEST

/* Lets time pass for `a`, whose pings go unheard, until it closes; when, and after how many. */
static uint64_t time_of_death(struct end *a, unsigned *ret_pings)
{
	for (unsigned i = 0; i < 100; i++) {
		struct cpc_peer_effects fx = { 0 };
		uint64_t now_us = cpc_peer_wake_us(&a->peer);

		cpc_peer_tick(&a->peer, now_us, &fx);
		/* A wake-up without anything to do would be a busy loop. */
		ck_assert(fx.closing || fx.out_len);
		if (fx.closing) {
			ck_assert_int_eq(fx.failure, CPC_NET_FAIL_DEAD);
			return now_us;
		}
		++*ret_pings;
	}
	ck_abort_msg("it never gives up");
	return 0;
}

START_TEST(cpc_peer_tick__finds_a_dead_member_and_pings_first)
{
	unsigned pings = 0;
	struct end a, b;

	bring_up(&a, &b);
	ck_assert_uint_eq(cpc_peer_wake_us(&a.peer), start_us + MS(CPC_NET_PING_IDLE_MS));
	ck_assert_uint_eq(time_of_death(&a, &pings), start_us + MS(CPC_NET_DEAD_MS));
	ck_assert_uint_ge(pings, 3);
	/* Sooner when it is in doubt, or when somebody waits for its answer. */
	for (unsigned i = 0; i < 2; i++) {
		struct cpc_peer_effects fx = { 0 };

		bring_up(&a, &b);
		if (i == 0)
			cpc_peer_doubt(&a.peer, start_us + MS(10), &fx);
		else
			ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us + MS(10), 1, &fx), 0);
		pings = 0;
		ck_assert_uint_eq(time_of_death(&a, &pings),
				  start_us + MS(10) + MS(CPC_NET_PROBE_DEAD_MS));
		ck_assert_uint_ge(pings, 2);
	}
}
END_TEST

START_TEST(cpc_peer_tick__a_ping_is_answered_and_measured)
{
	struct cpc_peer_effects fx = { 0 }, answer = { 0 }, end = { 0 };
	uint64_t now_us = start_us + MS(CPC_NET_PING_IDLE_MS);
	struct cpc_frame frame;
	struct end a, b;

	bring_up(&a, &b);
	cpc_peer_tick(&a.peer, now_us, &fx);
	ck_assert_int_gt(cpc_frame_decode(fx.out, fx.out_len, &frame), 0);
	ck_assert_int_eq(frame.type, CPC_FRAME_PING);
	cpc_peer_frame(&b.peer, now_us, &frame, &answer);
	ck_assert_int_gt(cpc_frame_decode(answer.out, answer.out_len, &frame), 0);
	ck_assert_int_eq(frame.type, CPC_FRAME_PONG);
	cpc_peer_heard(&a.peer, now_us + 1234);
	cpc_peer_frame(&a.peer, now_us + 1234, &frame, &end);
	ck_assert(!end.closing && end.out_len == 0);
	ck_assert_uint_eq(a.peer.rtt_us, 1234);
	ck_assert_uint_eq(cpc_peer_wake_us(&a.peer), now_us + 1234 + MS(CPC_NET_PING_IDLE_MS));
	/* A second answer to the same ping measures nothing. */
	cpc_peer_frame(&a.peer, now_us + MS(9000), &frame, &end);
	ck_assert(!end.closing && a.peer.rtt_us == 1234);
}
END_TEST

START_TEST(cpc_peer_fetch__one_question_one_answer)
{
	struct cpc_frame fetch = { .type = CPC_FRAME_FETCH, .after_slot = 41 };
	struct cpc_frame blob = { .type = CPC_FRAME_DECISIONS,
				  .blob = { (const uint8_t *)"abc", 3 } };
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 0, 1);
	ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us, 41, &fx), -ENOTCONN);
	bring_up(&a, &b);
	ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us, 41, &fx), 0);
	ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us, 41, &fx), -EBUSY);
	fx = (struct cpc_peer_effects){ 0 };
	ck_assert_uint_eq(cpc_peer_serve_us(&b.peer), CPC_NEVER_US);
	cpc_peer_frame(&b.peer, start_us, &fetch, &fx);
	ck_assert(!fx.closing && b.peer.serve_after == 41);
	ck_assert_uint_le(cpc_peer_serve_us(&b.peer), start_us);
	/* A second question before the answer breaks the rule that bounds what b holds. */
	cpc_peer_frame(&b.peer, start_us, &fetch, &fx);
	ck_assert(fx.closing && fx.failure == CPC_NET_FAIL_ORDER);
	fx = (struct cpc_peer_effects){ 0 };
	cpc_peer_frame(&a.peer, start_us, &blob, &fx);
	ck_assert(!fx.closing && fx.fetched && fx.blob_len == 3 && fx.blob == blob.blob.data);
	cpc_peer_frame(&a.peer, start_us, &blob, &fx);
	ck_assert(fx.closing && fx.failure == CPC_NET_FAIL_ORDER);
}
END_TEST

START_TEST(cpc_peer_served__a_greedy_member_waits_even_over_sessions)
{
	struct cpc_frame fetch = { .type = CPC_FRAME_FETCH };
	struct end a, b;
	unsigned at_once = 0;

	bring_up(&a, &b);
	for (unsigned i = 0; i < 200; i++) {
		struct cpc_peer_effects fx = { 0 };

		cpc_peer_frame(&b.peer, start_us, &fetch, &fx);
		ck_assert(!fx.closing);
		if (cpc_peer_serve_us(&b.peer) > start_us)
			break;
		cpc_peer_served(&b.peer, start_us);
		at_once++;
	}
	ck_assert_uint_ge(at_once, CPC_NET_FETCH_BURST);
	ck_assert_uint_le(at_once, CPC_NET_FETCH_BURST + 1);
	ck_assert_uint_le(cpc_peer_serve_us(&b.peer), start_us + MS(CPC_NET_FETCH_GAP_MS));
	start(&a, &b, 11);
	run(&a, &b);
	cpc_peer_frame(&b.peer, start_us, &fetch, &(struct cpc_peer_effects){ 0 });
	ck_assert_uint_gt(cpc_peer_serve_us(&b.peer), start_us);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *tests = tcase_create("peer");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, cpc_peer_frame__first_session_installs_its_key_at_both_ends);
	tcase_add_test(tests, cpc_peer_frame__a_shared_key_is_kept);
	tcase_add_test(tests, cpc_peer_frame__wherever_a_session_breaks_the_next_one_agrees);
	tcase_add_test(tests, cpc_peer_frame__no_key_before_the_peer_confirms);
	tcase_add_test(tests, cpc_peer_frame__refuses_a_hello_that_does_not_fit);
	tcase_add_test(tests, cpc_peer_frame__refuses_a_confirm_of_another_key);
	tcase_add_test(tests, cpc_peer_frame__refuses_frames_out_of_place);
	tcase_add_test(tests, cpc_peer_tick__gives_up_at_the_deadline);
	tcase_add_test(tests, cpc_peer_tick__finds_a_dead_member_and_pings_first);
	tcase_add_test(tests, cpc_peer_tick__a_ping_is_answered_and_measured);
	tcase_add_test(tests, cpc_peer_fetch__one_question_one_answer);
	tcase_add_test(tests, cpc_peer_served__a_greedy_member_waits_even_over_sessions);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
