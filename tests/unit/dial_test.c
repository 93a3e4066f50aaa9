// SPDX-License-Identifier: BSD-3-Clause
/* Are members tried often enough to be found, seldom enough not to be a nuisance? */
#include <check.h>
#include <stdlib.h>

#include "agent/net/dial.h"

#define MS(ms) ((uint64_t)(ms) * 1000)

static const uint64_t start_us = 1000000000;

static void hear(struct cpc_dial *dial, uint8_t last, uint64_t now_us, uint64_t random)
{
	uint8_t address[16] = { 0xfe, 0x80, [15] = last };

	cpc_dial_heard(dial, address, 4350, now_us, random);
}

START_TEST(cpc_dial_heard__is_tried_at_once)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;

	ck_assert(!cpc_dial_next(&dial, start_us, &hint));
	ck_assert_uint_eq(cpc_dial_wake_us(&dial), CPC_NEVER_US);
	hear(&dial, 1, start_us, 0);
	ck_assert_uint_le(cpc_dial_wake_us(&dial), start_us);
	ck_assert(cpc_dial_next(&dial, start_us, &hint));
	ck_assert(hint.address[15] == 1 && hint.port == 4350 && !hint.proven);
}
END_TEST

START_TEST(cpc_dial_heard__a_proven_address_is_never_pushed_out)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;
	unsigned tries = 0;

	hear(&dial, 1, start_us, 0);
	ck_assert(cpc_dial_next(&dial, start_us, &hint));
	cpc_dial_proved(&dial, &hint);
	for (unsigned i = 0; i < 1000; i++)
		hear(&dial, (uint8_t)(2 + i % 200), start_us, i * 7919);
	ck_assert_uint_eq(dial.n, CPC_NET_HINTS_MAX);
	/* And it gets its share of the tries, whatever else is heard. */
	for (unsigned i = 0; i < 10; i++) {
		uint64_t now_us = cpc_dial_wake_us(&dial);

		hear(&dial, (uint8_t)(2 + i), now_us, i);
		ck_assert(cpc_dial_next(&dial, now_us, &hint));
		tries += hint.address[15] == 1;
		cpc_dial_failed(&dial, now_us, 0, false, i);
	}
	ck_assert_uint_ge(tries, 4);
	ck_assert_uint_le(tries, 6);
}
END_TEST

START_TEST(cpc_dial_heard__again_shortens_a_long_pause)
{
	struct cpc_dial dial = { 0 };

	hear(&dial, 1, start_us, 0);
	for (unsigned i = 0; i < 10; i++)
		cpc_dial_failed(&dial, start_us, 0, false, 0);
	ck_assert_uint_ge(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MAX_MS / 2));
	hear(&dial, 1, start_us + 5, 0);
	ck_assert_uint_eq(cpc_dial_wake_us(&dial), start_us + 5 + MS(CPC_NET_BACKOFF_HEARD_MS));
	ck_assert_uint_eq(dial.n, 1);
}
END_TEST

START_TEST(cpc_dial_next__goes_round_all_addresses)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;
	unsigned seen = 0;

	for (uint8_t i = 0; i < CPC_NET_HINTS_MAX; i++)
		hear(&dial, i, start_us, 0);
	for (unsigned i = 0; i < CPC_NET_HINTS_MAX; i++) {
		ck_assert(cpc_dial_next(&dial, start_us, &hint));
		seen |= 1u << hint.address[15];
	}
	ck_assert_uint_eq(seen, (1u << CPC_NET_HINTS_MAX) - 1);
}
END_TEST

START_TEST(cpc_dial_disproved__forgets_the_address_even_if_once_proven)
{
	struct cpc_dial dial = { 0 };
	struct cpc_dial_hint hint;

	hear(&dial, 1, start_us, 0);
	hear(&dial, 2, start_us, 0);
	ck_assert(cpc_dial_next(&dial, start_us, &hint));
	cpc_dial_proved(&dial, &hint);
	cpc_dial_disproved(&dial, &hint);
	ck_assert_uint_eq(dial.n, 1);
	ck_assert_uint_ne(dial.hints[0].address[15], hint.address[15]);
	cpc_dial_disproved(&dial, &hint);
	ck_assert_uint_eq(dial.n, 1);
}
END_TEST

START_TEST(cpc_dial_failed__pauses_double_up_to_the_bound)
{
	struct cpc_dial dial = { 0 };
	uint64_t longest = 0;

	hear(&dial, 1, start_us, 0);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t pause, full = MS(CPC_NET_BACKOFF_MIN_MS) << (i < 10 ? i : 10);

		if (full > MS(CPC_NET_BACKOFF_MAX_MS))
			full = MS(CPC_NET_BACKOFF_MAX_MS);
		cpc_dial_failed(&dial, start_us, 0, false, i * 104729);
		pause = cpc_dial_wake_us(&dial) - start_us;
		ck_assert_uint_ge(pause, full / 2);
		ck_assert_uint_le(pause, full);
		if (pause > longest)
			longest = pause;
	}
	ck_assert_uint_gt(longest, MS(CPC_NET_BACKOFF_MAX_MS / 2));
}
END_TEST

START_TEST(cpc_dial_failed__a_session_that_held_starts_from_the_beginning)
{
	struct cpc_dial dial = { 0 };

	hear(&dial, 1, start_us, 0);
	for (unsigned i = 0; i < 10; i++)
		cpc_dial_failed(&dial, start_us, 0, false, 0);
	/* Up for a moment only: a session that always breaks must not be made without pause. */
	cpc_dial_failed(&dial, start_us, MS(100), false, 0);
	ck_assert_uint_ge(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MAX_MS / 2));
	cpc_dial_failed(&dial, start_us, MS(60000), false, 0);
	ck_assert_uint_le(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MIN_MS));
	/* Ends that do not belong together take their time. */
	cpc_dial_failed(&dial, start_us, MS(60000), true, 0);
	ck_assert_uint_ge(cpc_dial_wake_us(&dial), start_us + MS(CPC_NET_BACKOFF_MAX_MS / 2));
	cpc_dial_hurry(&dial);
	ck_assert_uint_eq(cpc_dial_wake_us(&dial), 0);
}
END_TEST

/* ---- crossing connections ------------------------------------------------------------------ */

/*
 * Two ends dial each other at the same time. Each connection carries, in order: the dialling end's
 * CLIENT flight, the answer, then FINISHED and HELLO together, and the other HELLO; or an END. The
 * words are on the way as long as chance has it, independently of the other connection's.
 */
enum word {
	CLIENT,
	ANSWER,
	FINISHED,
	HELLO,
	END,
};

enum {
	WORDS_MAX = 8,
};

/* One end's view of one of the two connections; [0] is dialled by end 0, which has the lower id. */
struct view {
	bool open, established;
	unsigned since;		/* when it heard of it */
	enum word in[WORDS_MAX];
	unsigned n;
};

struct crossing {
	struct view view[2][2];	/* [end][connection] */
	int has[2];		/* the connection that is each end's; -1: none */
	bool up[2];
	unsigned up_since[2];
	unsigned now;
};

static void send_word(struct crossing *c, unsigned end, unsigned conn, enum word word)
{
	struct view *to = &c->view[1 - end][conn];

	ck_assert_uint_lt(to->n, WORDS_MAX);
	to->in[to->n++] = word;
}

static void drop(struct crossing *c, unsigned end, unsigned conn)
{
	if (!c->view[end][conn].open)
		return;
	c->view[end][conn].open = false;
	send_word(c, end, conn, END);
	if (c->has[end] == (int)conn) {
		c->has[end] = -1;
		c->up[end] = false;
	}
}

/* What admit() of session_io.c does. */
static void admit(struct crossing *c, unsigned end, unsigned conn)
{
	if (c->has[end] >= 0) {
		unsigned old = (unsigned)c->has[end];
		struct cpc_dial_crossing what = {
			.lower = end == 0, .ours = old == end,
			.established = c->view[end][old].established, .up = c->up[end],
			.older = c->view[end][conn].since <= c->up_since[end],
		};

		if (cpc_dial_keeps(&what)) {
			drop(c, end, conn);
			return;
		}
		drop(c, end, old);
	}
	c->has[end] = (int)conn;
	c->view[end][conn].established = true;
	send_word(c, end, conn, HELLO);
}

static void hear_word(struct crossing *c, unsigned end, unsigned conn)
{
	struct view *view = &c->view[end][conn];
	enum word word = view->in[0];

	memmove(view->in, view->in + 1, --view->n * sizeof(view->in[0]));
	if (word == CLIENT && conn != end) {
		view->open = true;
		view->since = c->now;
		send_word(c, end, conn, ANSWER);
		return;
	}
	if (!view->open)
		return;
	switch (word) {
	case CLIENT:
		break;
	case ANSWER:
		view->established = true;
		send_word(c, end, conn, FINISHED);
		send_word(c, end, conn, HELLO);
		break;
	case FINISHED:
		admit(c, end, conn);
		break;
	case HELLO:
		c->up[end] = true;
		c->up_since[end] = c->now;
		break;
	case END:
		view->open = false;
		if (c->has[end] == (int)conn) {
			c->has[end] = -1;
			c->up[end] = false;
		}
		break;
	}
}

/* Ends dial only without a connection. */
static void dial_out(struct crossing *c, unsigned end)
{
	if (c->has[end] >= 0)
		return;
	c->view[end][end] = (struct view){ .open = true, .since = c->now };
	c->has[end] = (int)end;
	send_word(c, end, end, CLIENT);
}

START_TEST(cpc_dial_keeps__an_attempt_without_an_answer_gives_way)
{
	struct cpc_dial_crossing what = { .lower = true, .ours = true };

	/* It may be to an address where nobody is, and last until its deadline. */
	ck_assert(!cpc_dial_keeps(&what));
	what.established = true;
	ck_assert(cpc_dial_keeps(&what));
	/* Not so what the peer once dialled: it would not dial again if it still had that. */
	what.ours = false;
	ck_assert(!cpc_dial_keeps(&what));
}
END_TEST

static bool words_waiting(const struct crossing *c)
{
	return c->view[0][0].n || c->view[0][1].n || c->view[1][0].n || c->view[1][1].n;
}

START_TEST(cpc_dial_keeps__the_same_connection_at_both_ends)
{
	unsigned both[2] = { 0 }, none = 0;
	uint64_t random = 1;

	for (unsigned run = 0; run < 20000; run++) {
		struct crossing c = { .has = { -1, -1 } };
		unsigned dialled = 0;

		for (c.now = 1; dialled != 3 || words_waiting(&c); c.now++) {
			unsigned end, conn;

			random = random * 6364136223846793005ull + 1442695040888963407ull;
			end = (unsigned)(random >> 33) % 2;
			conn = (unsigned)(random >> 34) % 2;
			if (!(dialled >> end & 1) && (random >> 35) % 4 == 0) {
				dialled |= 1u << end;
				dial_out(&c, end);
			} else if (c.view[end][conn].n) {
				hear_word(&c, end, conn);
			}
			ck_assert_uint_lt(c.now, 2000);
		}
		/* All that was said was heard, so both have it, and it is up; or nobody has any. */
		ck_assert_msg(c.has[0] == c.has[1], "run %u: %d and %d", run, c.has[0], c.has[1]);
		ck_assert(c.up[0] == (c.has[0] >= 0) && c.up[1] == (c.has[1] >= 0));
		if (c.has[0] >= 0)
			both[c.has[0]]++;
		else
			none++;
	}
	/* Each way of it happens, but for losing both. */
	ck_assert_uint_gt(both[0], 100);
	ck_assert_uint_gt(both[1], 100);
	ck_assert_uint_eq(none, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dial");
	TCase *tests = tcase_create("dial");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, cpc_dial_heard__is_tried_at_once);
	tcase_add_test(tests, cpc_dial_heard__a_proven_address_is_never_pushed_out);
	tcase_add_test(tests, cpc_dial_heard__again_shortens_a_long_pause);
	tcase_add_test(tests, cpc_dial_next__goes_round_all_addresses);
	tcase_add_test(tests, cpc_dial_disproved__forgets_the_address_even_if_once_proven);
	tcase_add_test(tests, cpc_dial_failed__pauses_double_up_to_the_bound);
	tcase_add_test(tests, cpc_dial_failed__a_session_that_held_starts_from_the_beginning);
	tcase_add_test(tests, cpc_dial_keeps__an_attempt_without_an_answer_gives_way);
	tcase_add_test(tests, cpc_dial_keeps__the_same_connection_at_both_ends);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
