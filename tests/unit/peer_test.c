// SPDX-License-Identifier: BSD-3-Clause
/*
 * Do two ends of a session always end with one key per epoch, and never lose a working one,
 * wherever the session breaks and whenever their lists change? Both ends are the pure machine; the
 * test carries their frames and stops where it likes.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/net/peer.h"

#define MS(ms) ((uint64_t)(ms) * 1000)

enum {
	EPOCHS = 3,		/* cell 7, epochs 3, 4, 5 */
	FIRST = 3,
};

static const uint64_t start_us = 1000000000;
static const struct cpc_net_epoch presented = { 7, 3 };

/* One end: the machine, what its kernel holds, and what the network has for it. */
struct end {
	struct cpc_peer peer;
	unsigned list;		/* bit i: epoch FIRST + i is in it */
	uint8_t key[EPOCHS];	/* ids consist of one byte here and stand for their keys; 0: none */
	uint8_t session;	/* the fresh keys are session + i */
	unsigned installs[EPOCHS];
	bool up, closed;
	enum cpc_net_failure failure;
	uint8_t in[8192];
	size_t in_len;
};

static void end_init(struct end *end, uint8_t peer)
{
	uint8_t node_id[32] = { 0xab, 0xcd, 0xef, peer };

	*end = (struct end){ .list = 1 };
	cpc_peer_init(&end->peer, node_id);
}

static void offer_list(struct end *end, struct end *other);

static void apply(struct end *end, struct end *other, const struct cpc_peer_effects *fx)
{
	unsigned i = fx->epoch.epoch - FIRST;

	ck_assert_uint_le(other->in_len + fx->out_len, sizeof(other->in));
	memcpy(other->in + other->in_len, fx->out, fx->out_len);
	other->in_len += fx->out_len;
	if (fx->closing) {
		end->closed = true;
		end->failure = fx->failure;
		return;
	}
	if (fx->install) {
		ck_assert(end->up && i < EPOCHS && end->list >> i & 1);
		/* A key that both hold is never replaced. */
		ck_assert(end->key[i] == 0 || end->key[i] != other->key[i] ||
			  end->key[i] == end->session + i);
		end->installs[i]++;
		end->key[i] = (uint8_t)(end->session + i);
	}
	if (fx->up) {
		end->up = true;
		offer_list(end, other);
	}
}

static struct cpc_net_epoch epoch_of(unsigned i)
{
	struct cpc_net_epoch epoch = { 7, (uint16_t)(FIRST + i) };

	return epoch;
}

static void offer(struct end *end, struct end *other, unsigned i)
{
	struct cpc_peer_effects fx = { 0 };
	uint8_t held[8], fresh[8];

	memset(held, end->key[i], sizeof(held));
	memset(fresh, (int)(end->session + i), sizeof(fresh));
	cpc_peer_offer(&end->peer, epoch_of(i), end->key[i] ? held : NULL, fresh, &fx);
	apply(end, other, &fx);
}

static void offer_list(struct end *end, struct end *other)
{
	for (unsigned i = 0; i < EPOCHS; i++) {
		if (end->list >> i & 1 && cpc_peer_wants_offer(&end->peer, epoch_of(i)))
			offer(end, other, i);
	}
}

static void set_list(struct end *end, struct end *other, unsigned list)
{
	struct cpc_net_epoch epochs[EPOCHS];
	unsigned n = 0;

	for (unsigned i = 0; i < EPOCHS; i++) {
		if (list >> i & 1)
			epochs[n++] = epoch_of(i);
	}
	end->list = list;
	cpc_peer_keep(&end->peer, epochs, n);
	if (!end->closed)
		offer_list(end, other);
}

/* A new session between the two, whose TLS exports these keys. */
static void start(struct end *a, struct end *b, uint8_t session)
{
	struct end *ends[] = { a, b };

	for (unsigned i = 0; i < 2; i++) {
		cpc_peer_stop(&ends[i]->peer);
		ends[i]->in_len = 0;
		ends[i]->up = ends[i]->closed = false;
		ends[i]->session = session;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct cpc_peer_effects fx = { 0 };

		cpc_peer_start(&ends[i]->peer, start_us, start_us + MS(15000), presented, &fx);
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
	unsigned frames = 0;

	while (take(a, b) || take(b, a))
		ck_assert_uint_lt(frames++, 1000);	/* nothing goes round in circles */
}

/* For each epoch in both lists: one key at both ends. */
static void assert_agreed(const struct end *a, const struct end *b)
{
	ck_assert(a->up && b->up && !a->closed && !b->closed);
	for (unsigned i = 0; i < EPOCHS; i++) {
		if (a->list & b->list & 1u << i)
			ck_assert(a->key[i] && a->key[i] == b->key[i]);
	}
}

START_TEST(cpc_peer_frame__first_session_installs_its_key_at_both_ends)
{
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	ck_assert(!a.up && !b.up);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert_uint_eq(a.key[0], 10);
	ck_assert(a.installs[0] == 1 && b.installs[0] == 1);
	ck_assert(!a.key[1] && !b.key[1]);
}
END_TEST

START_TEST(cpc_peer_frame__a_shared_key_is_kept)
{
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	a.key[0] = b.key[0] = 5;
	start(&a, &b, 10);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert_uint_eq(a.key[0], 5);
	ck_assert(a.installs[0] == 0 && b.installs[0] == 0);
}
END_TEST

/*
 * Every way to begin (either end holds no key, key 5 or key 6, in the epoch in use; nothing for the
 * one that is agreed ahead), many orders of delivery, every point to break at; then a second
 * session that is left to finish.
 */
START_TEST(cpc_peer_frame__wherever_a_session_breaks_the_next_one_agrees)
{
	enum { FRAMES = 10 };		/* HELLO, twice OFFER and CONFIRM, from both */

	for (unsigned held = 0; held < 9; held++) {
		for (unsigned order = 0; order < 1 << FRAMES; order++) {
			unsigned steps = order % (FRAMES + 1);
			struct end a, b;
			bool shared;

			end_init(&a, 1);
			end_init(&b, 0);
			a.list = b.list = 3;
			a.key[0] = held % 3 ? (uint8_t)(4 + held % 3) : 0;
			b.key[0] = held / 3 ? (uint8_t)(4 + held / 3) : 0;
			shared = a.key[0] && a.key[0] == b.key[0];
			start(&a, &b, 10);
			for (unsigned i = 0; i < steps; i++) {
				if (order >> i & 1)
					take(&a, &b);
				else
					take(&b, &a);
			}
			ck_assert(!a.closed && !b.closed);
			if (shared)
				ck_assert(a.installs[0] == 0 && b.installs[0] == 0);
			start(&a, &b, 20);
			run(&a, &b);
			assert_agreed(&a, &b);
		}
	}
}
END_TEST

START_TEST(cpc_peer_frame__a_break_between_two_installations_ahead_heals)
{
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	run(&a, &b);
	set_list(&a, &b, 3);
	set_list(&b, &a, 3);
	/* b hears all of it, a nothing more. */
	while (take(&b, &a))
		;
	ck_assert(!b.key[1]);
	ck_assert(take(&a, &b));	/* b's OFFER; a says CONFIRM */
	while (take(&b, &a))
		;
	ck_assert(b.key[1] && !a.key[1]);
	start(&a, &b, 20);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert_uint_eq(a.key[1], 21);
	/* The epoch in use was none of its business. */
	ck_assert(a.key[0] == 10 && a.installs[0] == 1 && b.installs[0] == 1);
}
END_TEST

static unsigned random_below(uint64_t *state, unsigned below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(*state >> 33) % below;
}

/*
 * Lists change at either end at any time, frames arrive in any order between the ends, sessions
 * break, kernels lose keys (and then the session is made anew, see cpc_net_reset()). No session
 * ends for it, and once the lists stay, all is agreed.
 */
START_TEST(cpc_peer_frame__lists_may_change_at_any_time)
{
	for (uint64_t seed = 1; seed <= 4000; seed++) {
		uint64_t random = seed * 7919;
		struct end a, b, *ends[] = { &a, &b };
		uint8_t session = 10;

		end_init(&a, 1);
		end_init(&b, 0);
		start(&a, &b, session);
		for (unsigned step = 0; step < 40; step++) {
			struct end *end = ends[random_below(&random, 2)];
			struct end *other = end == &a ? &b : &a;
			unsigned what = random_below(&random, 40);

			ck_assert(!a.closed && !b.closed);
			if (what < 30) {
				take(end, other);
			} else if (what < 38) {
				set_list(end, other, random_below(&random, 1 << EPOCHS));
			} else {
				if (what == 39)
					end->key[random_below(&random, EPOCHS)] = 0;
				start(&a, &b, session += 5);
			}
		}
		set_list(&a, &b, 7);
		set_list(&b, &a, 7);
		run(&a, &b);
		assert_agreed(&a, &b);
	}
}
END_TEST

START_TEST(cpc_peer_frame__no_key_before_the_peer_confirms)
{
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	ck_assert(take(&a, &b) && a.up);	/* b's HELLO; a says OFFER */
	ck_assert(take(&b, &a) && b.up);	/* a's HELLO; b says OFFER */
	ck_assert(take(&a, &b));	/* b's OFFER; a says CONFIRM */
	ck_assert(!a.key[0]);
	ck_assert(take(&b, &a));	/* a's OFFER; b says CONFIRM */
	ck_assert(!b.key[0]);
	ck_assert(take(&b, &a));	/* a's CONFIRM */
	ck_assert(b.key[0] && !a.key[0]);
}
END_TEST

START_TEST(cpc_peer_frame__an_offer_for_later_is_remembered)
{
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	run(&a, &b);
	set_list(&a, &b, 3);
	run(&a, &b);
	ck_assert(!a.key[1] && !b.key[1]);
	set_list(&b, &a, 3);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert(a.installs[1] == 1 && b.installs[1] == 1 && a.installs[0] == 1);
	/* The epoch before may leave both lists, one after the other, at no cost. */
	set_list(&a, &b, 2);
	run(&a, &b);
	set_list(&b, &a, 2);
	run(&a, &b);
	ck_assert(!a.closed && !b.closed && a.installs[1] == 1);
}
END_TEST

/* OFFER for any epoch, as an end whose list goes through many of them says it. */
static void hear_offer(struct end *end, struct end *other, uint16_t epoch, uint8_t fresh)
{
	struct cpc_frame frame = { .type = CPC_FRAME_OFFER, .epoch = { 7, epoch } };
	struct cpc_peer_effects fx = { 0 };

	memset(frame.offer.fresh, fresh, sizeof(frame.offer.fresh));
	cpc_peer_frame(&end->peer, start_us, &frame, &fx);
	apply(end, other, &fx);
}

START_TEST(cpc_peer_frame__remembers_the_last_few_offers_only)
{
	/* _i epochs after the one that we shall offer. */
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM, .epoch = { 7, FIRST + 1 } };
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	run(&a, &b);
	b.in_len = 0;
	hear_offer(&a, &b, FIRST + 1, 11);
	for (int i = 0; i < _i; i++)
		hear_offer(&a, &b, (uint16_t)(100 + i), 50);
	ck_assert(!a.closed && b.in_len == 0);
	set_list(&a, &b, 3);
	ck_assert(!a.closed && !a.key[1]);
	/* The other end, which has both OFFERs, concludes and says so. */
	memset(confirm.key_id, 11, sizeof(confirm.key_id));
	cpc_peer_frame(&a.peer, start_us, &confirm, &fx);
	apply(&a, &b, &fx);
	if (_i < CPC_NET_EPOCHS_MAX) {
		ck_assert(!a.closed && a.key[1] == 11);
		return;
	}
	/* We do not know what it confirms; the next session clears it up. */
	ck_assert(a.closed && a.failure == CPC_NET_FAIL_ORDER && !a.key[1]);
	b.list = 3;
	start(&a, &b, 20);
	run(&a, &b);
	assert_agreed(&a, &b);
}
END_TEST

START_TEST(cpc_peer_frame__refuses_another_fresh_key)
{
	struct end a, b;

	/* Whichever OFFER comes first. */
	for (unsigned ours_first = 0; ours_first < 2; ours_first++) {
		end_init(&a, 1);
		end_init(&b, 0);
		a.list = ours_first;
		start(&a, &b, 10);
		take(&a, &b);
		hear_offer(&a, &b, FIRST, 99);
		set_list(&a, &b, 1);
		ck_assert(a.closed && a.failure == CPC_NET_FAIL_KEY && !a.key[0]);
	}
}
END_TEST

START_TEST(cpc_peer_frame__refuses_a_confirm_of_another_key)
{
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM, .epoch = { 7, FIRST },
				     .key_id = { 99 } };
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	take(&a, &b);
	take(&b, &a);
	take(&a, &b);
	cpc_peer_frame(&a.peer, start_us, &confirm, &fx);
	ck_assert(fx.closing && !fx.install && fx.failure == CPC_NET_FAIL_KEY);
	ck_assert_msg(strstr(fx.error, "node abcdef01") && strstr(fx.error, "epoch 3 of cell 7"),
		      "'%s'", fx.error);
}
END_TEST

START_TEST(cpc_peer_frame__a_confirm_for_an_epoch_that_left_the_list_is_ignored)
{
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	start(&a, &b, 10);
	take(&a, &b);
	take(&b, &a);
	take(&a, &b);		/* a has said CONFIRM, b will */
	set_list(&a, &b, 0);
	run(&a, &b);
	ck_assert(!a.closed && !b.closed && !a.key[0]);
	/* It comes back: b, which has installed by now, and a agree after all. */
	set_list(&a, &b, 1);
	run(&a, &b);
	assert_agreed(&a, &b);
}
END_TEST

START_TEST(cpc_peer_frame__an_end_that_dropped_the_key_with_the_epoch_gets_a_new_one)
{
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM, .epoch = { 7, FIRST } };
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	a.key[0] = b.key[0] = 5;
	start(&a, &b, 10);
	run(&a, &b);
	ck_assert(a.key[0] == 5 && b.key[0] == 5);
	set_list(&b, &a, 0);
	b.key[0] = 0;
	run(&a, &b);
	set_list(&b, &a, 1);
	run(&a, &b);
	assert_agreed(&a, &b);
	ck_assert(a.key[0] == 10 && a.installs[0] == 1 && b.installs[0] == 1);
	/* To say so twice installs nothing twice. */
	memset(confirm.key_id, 10, sizeof(confirm.key_id));
	cpc_peer_frame(&a.peer, start_us, &confirm, &fx);
	ck_assert(!fx.closing && !fx.install);
}
END_TEST

START_TEST(cpc_peer_frame__hello_is_news)
{
	struct cpc_peer_effects fx = { 0 };
	struct cpc_frame hello;
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
	cpc_peer_present(&b.peer, presented, &fx);
	ck_assert_uint_eq(fx.out_len, 0);	/* nobody to tell it to */
	start(&a, &b, 10);
	run(&a, &b);
	ck_assert(a.peer.presents.cell == 7 && a.peer.presents.epoch == 3);
	/* Another cell, or none, is no reason to part. */
	cpc_peer_present(&b.peer, (struct cpc_net_epoch){ 0, 0 }, &fx);
	ck_assert_int_gt(cpc_frame_decode(fx.out, fx.out_len, &hello), 0);
	fx = (struct cpc_peer_effects){ 0 };
	cpc_peer_frame(&a.peer, start_us, &hello, &fx);
	ck_assert(!fx.closing && !fx.up && a.peer.presents.cell == 0);
	/* And outlives the session. */
	cpc_peer_stop(&b.peer);
	ck_assert_uint_eq(b.peer.presents.cell, 7);
}
END_TEST

START_TEST(cpc_peer_frame__refuses_frames_out_of_place)
{
	/* In each state, every type that does not belong there. */
	for (unsigned type = CPC_FRAME_HELLO; type <= CPC_FRAME_TELL; type++) {
		for (unsigned state = CPC_PEER_HELLO; state <= CPC_PEER_UP; state++) {
			struct cpc_frame frame = { .type = (enum cpc_frame_type)type };
			struct cpc_peer_effects fx = { 0 };
			bool belongs;
			struct end a, b;

			end_init(&a, 1);
			end_init(&b, 0);
			start(&a, &b, 10);
			if (state == CPC_PEER_UP)
				run(&a, &b);
			ck_assert_int_eq(a.peer.state, (int)state);
			belongs = state == CPC_PEER_UP ? type != CPC_FRAME_DECISIONS :
				  type == CPC_FRAME_HELLO;
			cpc_peer_frame(&a.peer, start_us, &frame, &fx);
			ck_assert_msg(fx.closing == !belongs, "type %u in state %u", type, state);
			if (belongs)
				continue;
			ck_assert_int_eq(fx.failure, CPC_NET_FAIL_ORDER);
			ck_assert(!fx.install && !fx.up && !fx.fetched && !fx.told);
		}
	}
}
END_TEST

/* Two ends whose session is up. */
static void bring_up(struct end *a, struct end *b)
{
	end_init(a, 1);
	end_init(b, 0);
	start(a, b, 10);
	run(a, b);
	ck_assert(a->up && b->up);
}

START_TEST(cpc_peer_tick__gives_up_at_the_deadline)
{
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 1);
	end_init(&b, 0);
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

START_TEST(cpc_peer_tick__finds_a_dead_peer_and_pings_first)
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
			ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us + MS(10),
							presented, 1, &fx), 0);
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
	struct cpc_frame fetch = { .type = CPC_FRAME_FETCH, .epoch = { 7, 4 },
				   .after_slot = 41 };
	struct cpc_frame blob = { .type = CPC_FRAME_DECISIONS,
				  .blob = { (const uint8_t *)"abc", 3 } };
	struct cpc_peer_effects fx = { 0 };
	struct end a, b;

	end_init(&a, 1);
	ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us, presented, 41, &fx), -ENOTCONN);
	bring_up(&a, &b);
	ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us, presented, 41, &fx), 0);
	ck_assert_int_eq(cpc_peer_fetch(&a.peer, start_us, presented, 41, &fx), -EBUSY);
	fx = (struct cpc_peer_effects){ 0 };
	ck_assert_uint_eq(cpc_peer_serve_us(&b.peer), CPC_NEVER_US);
	cpc_peer_frame(&b.peer, start_us, &fetch, &fx);
	ck_assert(!fx.closing && b.peer.serve_after == 41);
	ck_assert(b.peer.serve_epoch.cell == 7 && b.peer.serve_epoch.epoch == 4);
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

START_TEST(cpc_peer_served__a_greedy_peer_waits_even_over_sessions)
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

START_TEST(cpc_peer_tell__an_end_that_keeps_to_its_budget_is_never_held_long)
{
	struct cpc_frame tell = { .type = CPC_FRAME_TELL, .blob = { (const uint8_t *)"x", 1 } };
	uint64_t now_us = start_us;
	unsigned told = 0;
	struct end a, b;

	end_init(&a, 1);
	ck_assert_int_eq(cpc_peer_tell(&a.peer, start_us), -ENOTCONN);
	bring_up(&a, &b);
	/* The agreement before it came at the cost of one. */
	for (; told < 200 && cpc_peer_tell(&a.peer, now_us) == 0; told++) {
		struct cpc_peer_effects fx = { 0 };

		cpc_peer_frame(&b.peer, now_us, &tell, &fx);
		ck_assert(fx.told && fx.blob == tell.blob.data && fx.blob_len == 1 && !fx.closing);
	}
	ck_assert_uint_ge(told, CPC_NET_TELL_BURST);
	ck_assert_uint_le(told, CPC_NET_TELL_BURST + 1);
	ck_assert_int_eq(cpc_peer_tell(&a.peer, now_us), -EAGAIN);
	for (unsigned i = 0; i < 100; i++) {
		struct cpc_peer_effects fx = { 0 };

		now_us += MS(CPC_NET_TELL_GAP_MS);
		ck_assert_int_eq(cpc_peer_tell(&a.peer, now_us), 0);
		ck_assert_int_eq(cpc_peer_tell(&a.peer, now_us), -EAGAIN);
		ck_assert_uint_le(cpc_peer_take_us(&b.peer),
				  now_us + 2 * MS(CPC_NET_TELL_GAP_MS));
		cpc_peer_frame(&b.peer, now_us, &tell, &fx);
	}
}
END_TEST

START_TEST(cpc_peer_take_us__holds_back_who_tells_or_offers_too_much_even_over_sessions)
{
	struct cpc_frame frame = { .type = _i ? CPC_FRAME_OFFER : CPC_FRAME_TELL };
	struct end a, b;

	bring_up(&a, &b);
	ck_assert_uint_le(cpc_peer_take_us(&b.peer), start_us);
	for (unsigned i = 0; i < CPC_NET_TELL_BURST; i++) {
		struct cpc_peer_effects fx = { 0 };

		ck_assert_uint_le(cpc_peer_take_us(&b.peer), start_us);
		frame.epoch.epoch = (uint16_t)(50 + i);
		cpc_peer_frame(&b.peer, start_us, &frame, &fx);
		ck_assert(!fx.closing);
	}
	ck_assert_uint_gt(cpc_peer_take_us(&b.peer), start_us);
	ck_assert_uint_le(cpc_peer_take_us(&b.peer), start_us + MS(CPC_NET_TELL_GAP_MS));
	cpc_peer_stop(&b.peer);
	ck_assert_uint_gt(cpc_peer_take_us(&b.peer), start_us);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peer");
	TCase *tests = tcase_create("peer");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, cpc_peer_frame__first_session_installs_its_key_at_both_ends);
	tcase_add_test(tests, cpc_peer_frame__a_shared_key_is_kept);
	tcase_add_test(tests, cpc_peer_frame__wherever_a_session_breaks_the_next_one_agrees);
	tcase_add_test(tests, cpc_peer_frame__a_break_between_two_installations_ahead_heals);
	tcase_add_test(tests, cpc_peer_frame__lists_may_change_at_any_time);
	tcase_add_test(tests, cpc_peer_frame__no_key_before_the_peer_confirms);
	tcase_add_test(tests, cpc_peer_frame__an_offer_for_later_is_remembered);
	tcase_add_loop_test(tests, cpc_peer_frame__remembers_the_last_few_offers_only, 0,
			    CPC_NET_EPOCHS_MAX + 2);
	tcase_add_test(tests, cpc_peer_frame__refuses_another_fresh_key);
	tcase_add_test(tests, cpc_peer_frame__refuses_a_confirm_of_another_key);
	tcase_add_test(tests,
		       cpc_peer_frame__a_confirm_for_an_epoch_that_left_the_list_is_ignored);
	tcase_add_test(tests,
		       cpc_peer_frame__an_end_that_dropped_the_key_with_the_epoch_gets_a_new_one);
	tcase_add_test(tests, cpc_peer_frame__hello_is_news);
	tcase_add_test(tests, cpc_peer_frame__refuses_frames_out_of_place);
	tcase_add_test(tests, cpc_peer_tick__gives_up_at_the_deadline);
	tcase_add_test(tests, cpc_peer_tick__finds_a_dead_peer_and_pings_first);
	tcase_add_test(tests, cpc_peer_tick__a_ping_is_answered_and_measured);
	tcase_add_test(tests, cpc_peer_fetch__one_question_one_answer);
	tcase_add_test(tests, cpc_peer_served__a_greedy_peer_waits_even_over_sessions);
	tcase_add_test(tests,
		       cpc_peer_tell__an_end_that_keeps_to_its_budget_is_never_held_long);
	tcase_add_loop_test(tests,
		cpc_peer_take_us__holds_back_who_tells_or_offers_too_much_even_over_sessions, 0, 2);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
