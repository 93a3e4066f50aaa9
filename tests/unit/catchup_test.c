// SPDX-License-Identifier: BSD-3-Clause
/*
 * catchup_test.c - a member that was away gets the cell's log and no other, from peers of which f
 * may lie, be silent or go away.
 */
#include "log_testing.h"

#include "agent/node/catchup.h"

enum { SELF = 0, PEERS = WORLD_N, QUEUE = 64 };

enum behaviour {
	HONEST,
	LIAR,		/* a consistent log of its own making */
	GARBAGE,
	EMPTY,
	SILENT,
	DOWN,		/* no session */
	BEHIND,		/* has the log's first half only */
};

struct request {
	unsigned int member;
	u32 after;
};

static struct world *world, *lie;
static struct cpc_catchup catchup;
static struct cpc_log_tip tip;
static enum behaviour peer[PEERS];
static struct request queue[QUEUE];
static unsigned int queued;
static u32 reached_slot;
static unsigned int reached_count;
static u64 now_us;

static int fetch(void *ctx, unsigned int member, u32 after_slot)
{
	(void)ctx;
	ck_assert_uint_ne(member, SELF);
	if (peer[member] == DOWN)
		return -ENOTCONN;
	ck_assert_uint_lt(queued, QUEUE);
	queue[queued++] = (struct request){ member, after_slot };
	return 0;
}

static int store(void *ctx, const u8 *chunk, size_t len)
{
	struct cpc_reader r = cpc_reader_init(chunk, len);
	struct cpc_log_decision d;

	(void)ctx;
	while (cpc_decision_decode(&r, &d) > 0)
		if (d.slot > tip.slot)
			ck_assert_int_eq(cpc_log_verify(&tip, &d, &tip, NULL), 0);
	/* Whatever was stored is the world's, never the lie. */
	ck_assert_mem_eq(&tip.log_hash, &world->slot[tip.slot].log_hash, 32);
	return 0;
}

static const struct cpc_log_tip *get_tip(void *ctx)
{
	(void)ctx;
	return &tip;
}

static void reached(void *ctx, u32 slot)
{
	(void)ctx;
	reached_slot = slot;
	reached_count++;
}

static const struct cpc_catchup_ops ops = { fetch, store, get_tip, reached };

static void serve(const struct world *from, u32 last, u32 after, struct cpc_buffer *out)
{
	bool one = after & CPC_FETCH_ONE;
	struct cpc_log_decision d;
	u32 slot;

	for (slot = (after & ~CPC_FETCH_ONE) + 1; slot <= last; slot++) {
		world_get(from, slot, &d);
		if (cpc_decision_encode(&d, out) < 0 || one)
			break;
	}
}

/* Answers the oldest request as its peer does. */
static void answer(void)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4000);
	struct request r = queue[0];

	memmove(queue, queue + 1, --queued * sizeof(queue[0]));
	switch (peer[r.member]) {
	case HONEST:
		serve(world, world->tip.slot, r.after, &out);
		break;
	case LIAR:
		serve(lie, lie->tip.slot, r.after, &out);
		break;
	case BEHIND:
		serve(world, world->tip.slot / 2, r.after, &out);
		break;
	case GARBAGE:
		ck_assert_int_eq(cpc_buffer_append(&out, "\1garbage", 8), 0);
		break;
	case EMPTY:
		break;
	case SILENT:
	case DOWN:
		return;
	}
	cpc_catchup_fetched(&catchup, r.member, out.data, out.len, now_us);
}

/* Lets things happen until the target is reached or a minute has passed. */
static bool run(void)
{
	u64 end_us = now_us + 60 * 1000 * 1000;

	while (catchup.phase != CPC_CATCHUP_IDLE && now_us < end_us) {
		if (queued) {
			answer();
			continue;
		}
		now_us += 100 * 1000;
		cpc_catchup_tick(&catchup, now_us);
	}
	return catchup.phase == CPC_CATCHUP_IDLE;
}

static void connect_peers(void)
{
	unsigned int i;

	for (i = 0; i < PEERS; i++)
		cpc_catchup_peer(&catchup, i, peer[i] != DOWN, now_us);
}

static void start(void)
{
	connect_peers();
	cpc_catchup_start(&catchup, world->tip.slot, world->tip.log_hash.b, now_us);
}

static void setup(void)
{
	unsigned int i;

	world = calloc(1, sizeof(*world));
	lie = calloc(1, sizeof(*lie));
	world_init(world, 41);
	world_run(world, 150);
	world_init(lie, 42);
	world_run(lie, 150);
	cpc_log_tip_init(&tip, WORLD_N, &world_members);
	cpc_catchup_init(&catchup, WORLD_N, SELF, &ops, NULL);
	for (i = 0; i < PEERS; i++)
		peer[i] = HONEST;
	queued = 0;
	reached_slot = 0;
	reached_count = 0;
	now_us = 1000;
}

static void teardown(void)
{
	cpc_catchup_done(&catchup);
	free(world);
	free(lie);
}

START_TEST(start__fetches_the_whole_log)
{
	start();
	ck_assert(run());
	ck_assert_uint_eq(reached_slot, world->tip.slot);
	ck_assert_mem_eq(&tip.log_hash, &world->tip.log_hash, 32);
	ck_assert_uint_gt(catchup.stats.chunks, 3);
	ck_assert_uint_eq(catchup.stats.bad, 0);
	ck_assert_ptr_null(catchup.chunk.data);
}
END_TEST

/* With one faulty peer of three, wherever it is and whatever it does, the log comes. */
START_TEST(start__one_faulty_peer_changes_nothing)
{
	unsigned int where = 1 + (unsigned int)_i % 3;

	peer[where] = (enum behaviour)(LIAR + _i / 3);
	start();
	ck_assert_msg(run(), "behaviour %d at %u", peer[where], where);
	ck_assert_mem_eq(&tip.log_hash, &world->tip.log_hash, 32);
}
END_TEST

/* One honest peer alone cannot be told from a liar: nothing is stored. */
START_TEST(start__one_peer_is_not_believed)
{
	peer[1] = (enum behaviour)(HONEST + _i);
	peer[2] = DOWN;
	peer[3] = DOWN;
	start();
	ck_assert(!run());
	ck_assert_uint_eq(tip.slot, 0);
	ck_assert_ptr_null(catchup.chunk.data);
}
END_TEST

/* Even a lie that nobody contradicts is not stored when only its author tells it. */
START_TEST(start__a_lie_is_never_stored)
{
	peer[1] = LIAR;
	peer[2] = EMPTY;
	peer[3] = SILENT;
	start();
	ck_assert(!run());
	ck_assert_uint_eq(tip.slot, 0);
}
END_TEST

START_TEST(start__two_claims_the_newer_counts)
{
	cpc_catchup_peer(&catchup, 1, true, now_us);
	cpc_catchup_peer(&catchup, 2, true, now_us);
	cpc_catchup_start(&catchup, 50, world->slot[50].log_hash.b, now_us);
	answer();
	cpc_catchup_start(&catchup, 120, world->slot[120].log_hash.b, now_us);
	cpc_catchup_start(&catchup, 60, world->slot[60].log_hash.b, now_us);
	ck_assert(run());
	ck_assert_uint_eq(tip.slot, 120);
}
END_TEST

START_TEST(peer__a_source_that_leaves_is_replaced)
{
	start();
	while (tip.slot == 0)
		answer();
	ck_assert_int_ne(catchup.phase, CPC_CATCHUP_IDLE);
	peer[catchup.source] = DOWN;
	cpc_catchup_peer(&catchup, catchup.source, false, now_us);
	ck_assert(run());
	ck_assert_uint_eq(tip.slot, world->tip.slot);
}
END_TEST

START_TEST(peer__one_that_comes_is_asked_at_once)
{
	peer[1] = peer[2] = peer[3] = DOWN;
	start();
	ck_assert_int_eq(catchup.phase, CPC_CATCHUP_WAIT);
	peer[1] = peer[2] = HONEST;
	cpc_catchup_peer(&catchup, 1, true, now_us);
	cpc_catchup_peer(&catchup, 2, true, now_us);
	ck_assert(run());
	ck_assert_uint_eq(tip.slot, world->tip.slot);
}
END_TEST

/* What the kernel delivers meanwhile is not fetched or stored again. */
START_TEST(fetched__log_moved_on_by_itself)
{
	struct cpc_log_decision d;
	u32 slot;

	start();
	for (slot = 1; slot <= 100; slot++) {
		world_get(world, slot, &d);
		ck_assert_int_eq(cpc_log_verify(&tip, &d, &tip, NULL), 0);
	}
	ck_assert(run());
	ck_assert_uint_eq(tip.slot, world->tip.slot);
}
END_TEST

START_TEST(fetched__unasked_answers_are_ignored)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4000);

	serve(lie, 5, 0, &out);
	cpc_catchup_fetched(&catchup, 2, out.data, out.len, now_us);
	ck_assert_int_eq(catchup.phase, CPC_CATCHUP_IDLE);
	start();
	cpc_catchup_fetched(&catchup, catchup.source == 2 ? 3 : 2, out.data, out.len, now_us);
	cpc_catchup_fetched(&catchup, 63, out.data, out.len, now_us);
	ck_assert_uint_eq(catchup.stats.bad, 0);
	ck_assert(run());
	ck_assert_uint_eq(tip.slot, world->tip.slot);
}
END_TEST

/* ---- to the end of the epoch ----------------------------------------------------------------- */

static u32 end_slot;

/* The world's epoch ends, and the liar's sooner; who lies may also tell of slots behind the end. */
static void setup_end(void)
{
	setup();
	world_end(world);
	end_slot = world->tip.slot;
	world_init(lie, 42);
	world_run(lie, 30);
	world_end(lie);
	world_run(lie, 20);
}

static void start_end(void)
{
	static const u8 zeros[8];

	connect_peers();
	cpc_catchup_start(&catchup, CPC_CATCHUP_END, zeros, now_us);
}

static void check_at_end(void)
{
	ck_assert(run());
	ck_assert_uint_eq(reached_count, 1);
	ck_assert_uint_eq(reached_slot, end_slot);
	ck_assert_uint_eq(tip.slot, end_slot);
	ck_assert_uint_eq(tip.end, end_slot);
	ck_assert_mem_eq(&tip.log_hash, &world->slot[end_slot].log_hash, 32);
	ck_assert_ptr_null(catchup.chunk.data);
}

/* All of the epoch, and nothing behind it, though it is there to be had. */
START_TEST(end__fetches_the_whole_epoch_and_no_more)
{
	world_run(world, 20);
	start_end();
	check_at_end();
	ck_assert_uint_gt(catchup.stats.chunks, 3);
	ck_assert_uint_eq(catchup.stats.bad, 0);
}
END_TEST

START_TEST(end__one_faulty_peer_changes_nothing)
{
	unsigned int where = 1 + (unsigned int)_i % 3;

	peer[where] = (enum behaviour)(LIAR + _i / 3);
	start_end();
	check_at_end();
}
END_TEST

/* An end that only one claims is none, nor is anything before it. */
START_TEST(end__a_lie_is_never_stored)
{
	peer[1] = LIAR;
	peer[2] = EMPTY;
	peer[3] = SILENT;
	start_end();
	ck_assert(!run());
	ck_assert_uint_eq(tip.slot, 0);
	ck_assert_uint_eq(reached_count, 0);
}
END_TEST

/* A log that stops is not one that ends: what there is is stored, and more waited for. */
START_TEST(end__not_reached_where_a_log_only_stops)
{
	unsigned int i;

	for (i = 1; i < PEERS; i++)
		peer[i] = BEHIND;
	start_end();
	ck_assert(!run());
	ck_assert_uint_eq(tip.slot, end_slot / 2);
	ck_assert_uint_eq(reached_count, 0);
	peer[1] = HONEST;	/* alone: nobody can confirm it */
	ck_assert(!run());
	ck_assert_uint_eq(tip.slot, end_slot / 2);
	peer[3] = HONEST;
	check_at_end();
}
END_TEST

/* Which phase the normal target is in when it is replaced: its last confirmation is one of them. */
START_TEST(end__replaces_a_slot)
{
	static const enum cpc_catchup_phase phases[] = { CPC_CATCHUP_BODY, CPC_CATCHUP_CONFIRM,
							 CPC_CATCHUP_WAIT };
	enum cpc_catchup_phase phase = phases[_i];
	unsigned int i;

	for (i = 1; i < PEERS && phase == CPC_CATCHUP_WAIT; i++)
		peer[i] = DOWN;
	connect_peers();
	cpc_catchup_start(&catchup, 5, world->slot[5].log_hash.b, now_us);
	if (phase == CPC_CATCHUP_CONFIRM) {
		answer();
		ck_assert_uint_eq(catchup.staged.slot, 5);
	}
	ck_assert_int_eq(catchup.phase, phase);
	for (i = 1; i < PEERS; i++)
		peer[i] = HONEST;
	start_end();
	check_at_end();
}
END_TEST

START_TEST(end__not_replaced_by_a_slot)
{
	start_end();
	cpc_catchup_start(&catchup, 5, world->slot[5].log_hash.b, now_us);
	answer();
	ck_assert_int_eq(catchup.phase, CPC_CATCHUP_CONFIRM);
	cpc_catchup_start(&catchup, end_slot, world->slot[end_slot].log_hash.b, now_us);
	start_end();
	check_at_end();
}
END_TEST

/* Where the log is at its end already, or comes to it by itself, nothing is fetched. */
START_TEST(end__the_log_is_there_by_itself)
{
	struct cpc_log_decision d;
	u32 slot;

	if (_i)
		start_end();
	for (slot = 1; slot <= end_slot; slot++) {
		world_get(world, slot, &d);
		ck_assert_int_eq(cpc_log_verify(&tip, &d, &tip, NULL), 0);
	}
	if (!_i)
		start_end();
	check_at_end();
	ck_assert_uint_eq(catchup.stats.chunks, 0);
}
END_TEST

/* Nor does a slot behind the end, which no correct member claims, keep us asking for ever. */
START_TEST(end__a_slot_behind_it_ends_there_too)
{
	world_run(world, 20);
	start();
	check_at_end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("catchup");
	TCase *tc = tcase_create("catchup");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, start__fetches_the_whole_log);
	tcase_add_loop_test(tc, start__one_faulty_peer_changes_nothing, 0, 18);
	tcase_add_loop_test(tc, start__one_peer_is_not_believed, 0, 2);
	tcase_add_test(tc, start__a_lie_is_never_stored);
	tcase_add_test(tc, start__two_claims_the_newer_counts);
	tcase_add_test(tc, peer__a_source_that_leaves_is_replaced);
	tcase_add_test(tc, peer__one_that_comes_is_asked_at_once);
	tcase_add_test(tc, fetched__log_moved_on_by_itself);
	tcase_add_test(tc, fetched__unasked_answers_are_ignored);
	suite_add_tcase(suite, tc);
	tc = tcase_create("end");
	tcase_add_checked_fixture(tc, setup_end, teardown);
	tcase_add_test(tc, end__fetches_the_whole_epoch_and_no_more);
	tcase_add_loop_test(tc, end__one_faulty_peer_changes_nothing, 0, 18);
	tcase_add_test(tc, end__a_lie_is_never_stored);
	tcase_add_test(tc, end__not_reached_where_a_log_only_stops);
	tcase_add_loop_test(tc, end__replaces_a_slot, 0, 3);
	tcase_add_test(tc, end__not_replaced_by_a_slot);
	tcase_add_loop_test(tc, end__the_log_is_there_by_itself, 0, 2);
	tcase_add_test(tc, end__a_slot_behind_it_ends_there_too);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
