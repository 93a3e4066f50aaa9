// SPDX-License-Identifier: BSD-3-Clause
/*
 * outbox_test.c - exactly once: whatever is taken by the outbox is in the decided log once, however
 * often and wherever the agent dies on the way, and whoever else submits to the lane.
 */
#include "log_testing.h"

#include <sys/mman.h>

static struct world *world;
static char dir[64], path[80];
static struct cpc_store *store;
static struct cpc_error error;

static void open_store(u16 epoch)
{
	struct cpc_cell_epoch cell = world_cell(epoch);

	ck_assert_msg(cpc_store_open(path, &store, &error) == 0, "%s", error.text);
	ck_assert_msg(cpc_store_join(store, &cell, &error) == 0, "%s", error.text);
	ck_assert_msg(cpc_outbox_resume(store, world->last[cell.self], &error) == 0, "%s",
		      error.text);
}

static void setup(void)
{
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	world_init(world, 31);
	scratch_dir(dir);
	snprintf(path, sizeof(path), "%s/db", dir);
}

static void teardown(void)
{
	cpc_store_close(store);
	store = NULL;
	remove_dir(dir);
	munmap(world, sizeof(*world));
}

static u64 push(const char *text)
{
	u64 id;

	ck_assert_msg(cpc_outbox_push(store, CPC_ENTRY_ORDINARY, CPC_PAYLOAD_TEXT, text,
				      strlen(text), &id, &error) == 0, "%s", error.text);
	return id;
}

static void assert_count(unsigned int waiting, unsigned int in_flight)
{
	unsigned int w, f;

	cpc_outbox_count(store, &w, &f);
	ck_assert_uint_eq(w, waiting);
	ck_assert_uint_eq(f, in_flight);
}

/* Submits the next entry to the model of the kernel. */
static u32 submit_next(void)
{
	struct cpc_outbox_item item;
	u32 seq;

	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	seq = world_submit(world, 1, item.kind, item.data, item.len);
	ck_assert_int_eq(cpc_outbox_submitted(store, &item, seq, &error), 0);
	return seq;
}

static void put_all(void)
{
	struct cpc_log_decision d;
	u32 slot;

	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	for (slot = cpc_store_tip(store)->slot + 1; slot <= world->tip.slot; slot++) {
		world_get(world, slot, &d);
		ck_assert_msg(cpc_store_put(store, &d, 1, &error) == 1, "%s", error.text);
	}
	ck_assert_msg(cpc_store_commit(store, &error) == 0, "%s", error.text);
}

/* How often an id is in the world's decided log. */
static unsigned int times_decided(u64 id)
{
	unsigned int times = 0;
	u32 seq;

	for (seq = 1; seq <= world->tip.seq[1]; seq++) {
		const struct world_entry *e = &world->entry[1][seq];
		struct cpc_envelope envelope;
		struct cpc_entry entry;

		ck_assert_int_eq(cpc_entry_decode(e->body, e->len, WORLD_N, &entry), 0);
		times += cpc_envelope_decode(entry.data, entry.len, &envelope) == 0 &&
			 envelope.local_id == id;
	}
	return times;
}

START_TEST(push__order_and_settling)
{
	u64 ids[3];

	open_store(1);
	ids[0] = push("a");
	ids[1] = push("b");
	ids[2] = push("c");
	assert_count(3, 0);
	ck_assert_uint_eq(submit_next(), 1);
	ck_assert_uint_eq(submit_next(), 2);
	assert_count(1, 2);
	world_decide(world, 1, false);
	put_all();
	assert_count(1, 1);
	ck_assert_uint_eq(submit_next(), 3);
	world_decide(world, 15, false);
	put_all();
	assert_count(0, 0);
	ck_assert_uint_eq(times_decided(ids[0]), 1);
	ck_assert_uint_eq(times_decided(ids[1]), 1);
	ck_assert_uint_eq(times_decided(ids[2]), 1);
}
END_TEST

START_TEST(push__bounds)
{
	static const char big[CPC_PAYLOAD_MAX + 1];
	unsigned int i;

	open_store(1);
	ck_assert_int_eq(cpc_outbox_push(store, 0, 0, big, 0, NULL, &error), -EMSGSIZE);
	ck_assert_int_eq(cpc_outbox_push(store, 0, 0, big, sizeof(big), NULL, &error), -EMSGSIZE);
	ck_assert_int_eq(cpc_outbox_push(store, 3, 0, big, 1, NULL, &error), -EINVAL);
	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	for (i = 0; i < CPC_OUTBOX_MAX; i++)
		push("x");
	ck_assert_int_eq(cpc_outbox_push(store, 0, 0, big, 1, NULL, &error), -ENOSPC);
	cpc_store_rollback(store);
	assert_count(0, 0);
	push("x");
	assert_count(1, 0);
}
END_TEST

START_TEST(submitted__somebody_else_took_the_number)
{
	struct cpc_outbox_item item;
	u64 a, b;
	u32 seq;

	open_store(1);
	a = push("a");
	b = push("b");
	world_submit(world, 1, 0, "foreign", 7);
	world_submit(world, 1, 0, "foreign", 7);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, a);
	seq = world_submit(world, 1, 0, item.data, item.len);
	ck_assert_uint_eq(seq, 3);
	ck_assert_int_eq(cpc_outbox_submitted(store, &item, seq, &error), 0);
	assert_count(1, 1);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, b);
	ck_assert_uint_eq(item.seq, 4);
	submit_next();
	world_decide(world, 15, false);
	put_all();
	assert_count(0, 0);
	ck_assert_uint_eq(times_decided(a), 1);
	ck_assert_uint_eq(times_decided(b), 1);
}
END_TEST

START_TEST(refused__is_dropped_and_the_rest_moves_up)
{
	struct cpc_outbox_item item;
	u64 b;

	open_store(1);
	push("a");
	b = push("b");
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_int_eq(cpc_outbox_refused(store, &item, &error), 0);
	assert_count(1, 0);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, b);
	ck_assert_uint_eq(item.seq, 1);
}
END_TEST

/* The agent died between SUBMIT and anything else: what the kernel has is not submitted again. */
START_TEST(resume__submitted_but_not_noted)
{
	struct cpc_outbox_item item;
	u64 a, b;

	open_store(1);
	a = push("a");
	b = push("b");
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	world_submit(world, 1, 0, item.data, item.len);
	cpc_store_close(store);
	open_store(1);
	assert_count(1, 1);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, b);
	submit_next();
	world_decide(world, 15, false);
	put_all();
	assert_count(0, 0);
	ck_assert_uint_eq(times_decided(a), 1);
	ck_assert_uint_eq(times_decided(b), 1);
}
END_TEST

/* While the agent was dead, somebody else took the number of an entry that was not submitted. */
START_TEST(resume__number_taken_by_another_is_found_out)
{
	struct cpc_outbox_item item;
	u64 a;

	open_store(1);
	a = push("a");
	cpc_store_close(store);
	world_submit(world, 1, 0, "foreign", 7);
	open_store(1);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 0);
	world_decide(world, 15, false);
	put_all();
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, a);
	ck_assert_uint_eq(submit_next(), 2);
	world_decide(world, 15, false);
	put_all();
	ck_assert_uint_eq(times_decided(a), 1);
	assert_count(0, 0);
}
END_TEST

START_TEST(resume__kernel_without_its_memory_is_refused)
{
	open_store(1);
	push("a");
	submit_next();
	world_decide(world, 15, false);
	put_all();
	ck_assert_int_eq(cpc_outbox_resume(store, 0, &error), -ESTALE);
	ck_assert_ptr_nonnull(strstr(error.text, "raise 'epoch'"));
}
END_TEST

START_TEST(resume__a_new_epoch_takes_the_rest_along)
{
	struct cpc_outbox_item item;
	u64 a, b;

	open_store(1);
	a = push("a");
	b = push("b");
	submit_next();
	cpc_store_close(store);
	world_init(world, 1);
	open_store(2);
	assert_count(2, 0);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, a);
	ck_assert_uint_eq(submit_next(), 1);
	ck_assert_int_eq(cpc_outbox_next(store, &item, &error), 1);
	ck_assert_uint_eq(item.local_id, b);
}
END_TEST

/* ---- random deaths --------------------------------------------------------------------------- */

enum { PUSHES = 60 };

struct shared {
	struct world world;
	u64 id[PUSHES];
	unsigned int acknowledged;
	u64 seed;
	unsigned int lives;
};

static struct shared *shared;

/* The agent dies here, one time in @odds: like kill -9, nothing is closed or flushed. */
static void may_die(unsigned int odds)
{
	if (random_below(&shared->seed, odds) == 0)
		_exit(9);
}

static void act_push(void)
{
	char text[32];
	u64 id;

	if (shared->acknowledged == PUSHES)
		return;
	snprintf(text, sizeof(text), "entry %u", shared->acknowledged);
	id = push(text);
	shared->id[shared->acknowledged++] = id;
	may_die(12);
}

static void act_submit(void)
{
	struct cpc_outbox_item item;
	u32 seq;

	if (cpc_outbox_next(store, &item, &error) != 1 ||
	    world_undecided(world, 1) >= CPC_LANE_WINDOW)
		return;
	may_die(12);
	seq = world_submit(world, 1, item.kind, item.data, item.len);
	may_die(8);
	ck_assert_int_eq(cpc_outbox_submitted(store, &item, seq, &error), 0);
	may_die(12);
}

static void act_put(void)
{
	struct cpc_log_decision d;
	u32 slot;

	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	for (slot = cpc_store_tip(store)->slot + 1; slot <= world->tip.slot; slot++) {
		world_get(world, slot, &d);
		if (cpc_store_put(store, &d, 1, &error) != 1)
			abort();
		may_die(30);
	}
	may_die(12);
	if (cpc_store_commit(store, &error) < 0)
		abort();
	may_die(12);
}

/* One life of the agent: until it dies, or until all is done. */
static void live(void)
{
	unsigned int waiting, in_flight;

	open_store(1);
	for (;;) {
		switch (random_below(&shared->seed, 6)) {
		case 0:
			act_push();
			break;
		case 1:
		case 2:
			act_submit();
			break;
		case 3:
			world_decide(world, 1 + random_below(&shared->seed, 4),
				     random_below(&shared->seed, 10) == 0);
			break;
		case 4:
			act_put();
			break;
		case 5:	/* another program, now and then */
			if (random_below(&shared->seed, 6) == 0 &&
			    world_undecided(world, 1) < CPC_LANE_WINDOW)
				world_submit(world, 1, 0, "foreign", 7);
			break;
		}
		cpc_outbox_count(store, &waiting, &in_flight);
		if (shared->acknowledged == PUSHES && waiting + in_flight == 0)
			_exit(0);
	}
}

START_TEST(kill__exactly_once)
{
	unsigned int i;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	memset(shared, 0, sizeof(*shared));
	munmap(world, sizeof(*world));
	world = &shared->world;
	world_init(world, (u64)_i);
	shared->seed = (u64)_i + 1000;
	do {
		pid_t child = fork();

		if (child == 0)
			live();
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(WIFEXITED(status), "seed %d, life %u: signal %d", _i, shared->lives,
			      WTERMSIG(status));
		ck_assert(WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0);
		shared->lives++;
	} while (WEXITSTATUS(status) != 0);
	ck_assert_uint_gt(shared->lives, 3);
	for (i = 0; i < PUSHES; i++)
		ck_assert_msg(times_decided(shared->id[i]) == 1,
			      "seed %d: entry %u is there %u times", _i, i,
			      times_decided(shared->id[i]));
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	munmap(shared, sizeof(*shared));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outbox");
	TCase *tc = tcase_create("outbox");

	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, push__order_and_settling);
	tcase_add_test(tc, push__bounds);
	tcase_add_test(tc, submitted__somebody_else_took_the_number);
	tcase_add_test(tc, refused__is_dropped_and_the_rest_moves_up);
	tcase_add_test(tc, resume__submitted_but_not_noted);
	tcase_add_test(tc, resume__number_taken_by_another_is_found_out);
	tcase_add_test(tc, resume__kernel_without_its_memory_is_refused);
	tcase_add_test(tc, resume__a_new_epoch_takes_the_rest_along);
	tcase_add_loop_test(tc, kill__exactly_once, 0, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
