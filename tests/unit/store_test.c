// SPDX-License-Identifier: BSD-3-Clause
/* store_test.c - the decided log on disk: whole, once, and the same after any death. */
#include "log_testing.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <time.h>

static struct world *world;
static char dir[64], path[80];
static struct cpc_store *store;
static struct cpc_error error;

static void open_store(u16 epoch)
{
	struct cpc_cell_epoch cell = world_cell(epoch);

	ck_assert_msg(cpc_store_open(path, &store, &error) == 0, "%s", error.text);
	ck_assert_msg(cpc_store_join(store, &cell, &error) == 0, "%s", error.text);
	ck_assert_int_eq(cpc_outbox_resume(store, UINT32_MAX - 1, &error), 0);
}

static void setup(void)
{
	world = calloc(1, sizeof(*world));
	world_init(world, 21);
	world_run(world, 120);
	scratch_dir(dir);
	snprintf(path, sizeof(path), "%s/db", dir);
	open_store(1);
}

static void teardown(void)
{
	cpc_store_close(store);
	store = NULL;
	remove_dir(dir);
	free(world);
}

static void put_slots(u32 from, u32 to)
{
	struct cpc_log_decision d;

	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	for (; from <= to; from++) {
		world_get(world, from, &d);
		ck_assert_msg(cpc_store_put(store, &d, 1000 + from, &error) == 1, "%s", error.text);
	}
	ck_assert_int_eq(cpc_store_commit(store, &error), 0);
}

/* The stored log is the world's, up to where it goes, by what a peer would be served. */
static void assert_same_log(void)
{
	CPC_BUFFER struct cpc_buffer ours = cpc_buffer_init(4 << 20);
	CPC_BUFFER struct cpc_buffer theirs = cpc_buffer_init(4 << 20);
	struct cpc_log_decision d;
	u32 slot, tip = cpc_store_tip(store)->slot;

	ck_assert_int_eq(cpc_store_encode(store, 7, cpc_store_selected(store)->epoch, 0, UINT_MAX,
					  &ours, &error), (int)tip);
	for (slot = 1; slot <= tip; slot++) {
		world_get(world, slot, &d);
		ck_assert_int_eq(cpc_decision_encode(&d, &theirs), 0);
	}
	ck_assert_uint_eq(ours.len, theirs.len);
	if (tip)
		ck_assert_mem_eq(ours.data, theirs.data, ours.len);
}

/* ---- open, part, join ------------------------------------------------------------------------ */

START_TEST(open__refuses_a_foreign_file)
{
	char other[100];
	struct cpc_store *none = NULL;
	sqlite3 *db;

	snprintf(other, sizeof(other), "%s-other", path);
	ck_assert_int_eq(sqlite3_open(other, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE x(y)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ck_assert_int_eq(cpc_store_open(other, &none, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, other));
	unlink(other);
	ck_assert_int_eq(truncate(other, 0), -1);
	ck_assert_int_eq(cpc_store_open("/nonexistent/db", &none, &error), -EIO);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(part__remembers_epochs)
{
	enum cpc_store_part part;
	struct cpc_cell_epoch later = world_cell(4);
	u16 newest;

	ck_assert_int_eq(cpc_store_part(store, 7, 1, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_JOINED);
	ck_assert_uint_eq(newest, 1);
	ck_assert_int_eq(cpc_store_leave(store, &error), 0);
	ck_assert_int_eq(cpc_store_join(store, &later, &error), 0);
	ck_assert_int_eq(cpc_store_part(store, 7, 1, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_LEFT);
	ck_assert_uint_eq(newest, 4);
	ck_assert_int_eq(cpc_store_part(store, 7, 2, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_NONE);
	ck_assert_int_eq(cpc_store_part(store, 8, 4, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_NONE);
	ck_assert_uint_eq(newest, 0);
}
END_TEST

START_TEST(join__same_epoch_other_members_is_refused)
{
	struct cpc_cell_epoch cell = world_cell(1);

	cell.node_id[2][5] ^= 1;
	ck_assert_int_eq(cpc_store_join(store, &cell, &error), -EEXIST);
	ck_assert_ptr_nonnull(strstr(error.text, "raise 'epoch'"));
	cell = world_cell(1);
	cell.self = 0;
	ck_assert_int_eq(cpc_store_join(store, &cell, &error), -EEXIST);
}
END_TEST

START_TEST(join__logs_of_two_epochs_are_apart)
{
	put_slots(1, 20);
	cpc_store_close(store);
	open_store(2);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 0);
	ck_assert_uint_eq(cpc_store_totals(store)->entries, 0);
	put_slots(1, 10);
	cpc_store_close(store);
	open_store(1);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 20);
	assert_same_log();
}
END_TEST

/* ---- put ------------------------------------------------------------------------------------- */

START_TEST(put__log_survives_closing)
{
	struct cpc_store_totals before;

	put_slots(1, 70);
	assert_same_log();
	before = *cpc_store_totals(store);
	ck_assert_uint_gt(before.void_slots, 0);
	ck_assert_uint_gt(before.rejected, 0);
	cpc_store_close(store);
	open_store(1);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 70);
	ck_assert_mem_eq(cpc_store_totals(store), &before, sizeof(before));
	put_slots(71, 120);
	assert_same_log();
	ck_assert_mem_eq(&cpc_store_tip(store)->log_hash, &world->tip.log_hash, 32);
}
END_TEST

START_TEST(put__twice_is_once)
{
	struct cpc_log_decision d;
	u32 slot;

	put_slots(1, 30);
	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	for (slot = 1; slot <= 30; slot++) {
		world_get(world, slot, &d);
		ck_assert_msg(cpc_store_put(store, &d, 77, &error) == 0, "%s", error.text);
	}
	ck_assert_int_eq(cpc_store_commit(store, &error), 0);
	assert_same_log();
}
END_TEST

START_TEST(put__same_slot_with_other_content_is_loud)
{
	struct cpc_log_decision d;

	put_slots(1, 30);
	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	world_get(world, 12, &d);
	d.value.b[3] ^= 1;
	ck_assert_int_eq(cpc_store_put(store, &d, 77, &error), -EEXIST);
	ck_assert_ptr_nonnull(strstr(error.text, "slot 12 "));
	cpc_store_rollback(store);
	assert_same_log();
}
END_TEST

START_TEST(put__gap_and_garbage_change_nothing)
{
	struct cpc_log_decision d;

	put_slots(1, 5);
	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	world_get(world, 7, &d);
	ck_assert_int_eq(cpc_store_put(store, &d, 1, &error), -ENOENT);
	world_get(world, 6, &d);
	d.log_hash.b[0] ^= 1;
	ck_assert_int_eq(cpc_store_put(store, &d, 1, &error), -EBADMSG);
	ck_assert_int_eq(cpc_store_commit(store, &error), 0);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 5);
	put_slots(6, 7);
	assert_same_log();
}
END_TEST

START_TEST(rollback__leaves_nothing)
{
	struct cpc_store_totals before;
	struct cpc_log_decision d;
	u32 slot;

	put_slots(1, 10);
	before = *cpc_store_totals(store);
	ck_assert_int_eq(cpc_store_begin(store, &error), 0);
	for (slot = 11; slot <= 20; slot++) {
		world_get(world, slot, &d);
		ck_assert_int_eq(cpc_store_put(store, &d, 1, &error), 1);
	}
	cpc_store_rollback(store);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 10);
	ck_assert_mem_eq(cpc_store_totals(store), &before, sizeof(before));
	put_slots(11, 20);
	assert_same_log();
}
END_TEST

/* ---- reading --------------------------------------------------------------------------------- */

START_TEST(tip_at__every_slot)
{
	struct cpc_log_tip tip, stored;
	struct cpc_log_decision d;
	u32 slot;

	put_slots(1, 60);
	cpc_log_tip_init(&tip, WORLD_N, &world_members);
	for (slot = 0; slot <= 60; slot++) {
		if (slot) {
			world_get(world, slot, &d);
			ck_assert_int_eq(cpc_log_verify(&tip, &d, &tip, NULL), 0);
		}
		ck_assert_int_eq(cpc_store_tip_at(store, slot, &stored, &error), 0);
		ck_assert_mem_eq(&stored, &tip, sizeof(tip));
	}
	ck_assert_int_eq(cpc_store_tip_at(store, 61, &stored, &error), -ENOENT);
}
END_TEST

START_TEST(encode__whole_decisions_up_to_the_limit)
{
	size_t limit;

	put_slots(1, 40);
	for (limit = 100; limit < 4000; limit += 333) {
		CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(limit);
		struct cpc_log_decision d;
		struct cpc_reader r;
		int count = cpc_store_encode(store, 7, 1, 10, UINT_MAX, &out, &error), i;

		ck_assert_int_ge(count, 0);
		r = cpc_reader_init(out.data, out.len);
		for (i = 0; i < count; i++) {
			ck_assert_int_eq(cpc_decision_decode(&r, &d), 1);
			ck_assert_uint_eq(d.slot, (u32)(11 + i));
		}
		ck_assert_uint_eq(r.left, 0);
	}
}
END_TEST

struct seen {
	unsigned int count;
	struct cpc_store_place last;
	int lane;
};

static int see(void *ctx, const struct cpc_store_row *row)
{
	struct seen *seen = ctx;

	ck_assert(row->slot > seen->last.slot ||
		  (row->slot == seen->last.slot &&
		   (row->lane > seen->last.lane ||
		    (row->lane == seen->last.lane && row->seq > seen->last.seq))));
	ck_assert(seen->lane < 0 || row->lane == seen->lane);
	ck_assert_uint_eq(row->len, world->entry[row->lane][row->seq].len);
	ck_assert_mem_eq(row->body, world->entry[row->lane][row->seq].body, row->len);
	ck_assert_int_eq(row->time_ms, 1000 + row->slot);
	ck_assert(row->accepted || row->kind != CPC_ENTRY_ORDINARY);
	seen->last = (struct cpc_store_place){ row->epoch, row->slot, row->lane, row->seq };
	seen->count++;
	return 0;
}

/* The node id of the member with that lane; NULL: of all. */
static const uint8_t *author(int lane)
{
	static struct cpc_cell_epoch cell;

	cell = world_cell(1);
	return lane < 0 ? NULL : cell.node_id[lane];
}

/* In batches of any size, every entry is seen once and in order; of all lanes or of one. */
START_TEST(rows__each_once_in_order)
{
	unsigned int batch;
	int lane;

	put_slots(1, 100);
	for (lane = -1; lane < WORLD_N; lane++) {
		u32 expected = lane < 0 ? (u32)cpc_store_totals(store)->entries :
					  cpc_store_tip(store)->seq[lane];

		for (batch = 1; batch < 50; batch += 9) {
			struct cpc_store_place place = { 0, 0, 0, 0 };
			struct seen seen = { .lane = lane };
			int r;

			do
				r = cpc_store_rows(store, author(lane), batch, &place, see, &seen,
						   &error);
			while (r > 0);
			ck_assert_int_eq(r, 0);
			ck_assert_uint_eq(seen.count, expected);
		}
	}
}
END_TEST

START_TEST(last__leads_to_the_end)
{
	unsigned int count;
	int lane;

	put_slots(1, 50);
	for (lane = -1; lane < WORLD_N; lane++)
		for (count = 0; count < 20; count++) {
			struct cpc_store_place place;
			struct seen seen = { .lane = lane };

			ck_assert_int_eq(cpc_store_last(store, author(lane), count, &place, &error),
					 0);
			ck_assert_int_eq(cpc_store_rows(store, author(lane), 1000, &place, see,
							&seen, &error), (int)count);
		}
}
END_TEST

/* ---- epochs ---------------------------------------------------------------------------------- */

/* Epoch 1 ends at slot 40; in epoch 2, from there on, member 3 is gone and the others moved. */
static struct cpc_cell_epoch second_epoch(void)
{
	struct cpc_cell_epoch cell = world_cell(2);

	memcpy(cell.node_id[0], world_cell(1).node_id[3], 32);
	memcpy(cell.node_id[3], world_cell(1).node_id[0], 32);
	cell.base = 40;
	cell.base_log_hash = world->slot[40].log_hash;
	return cell;
}

static void enter_second_epoch(void)
{
	struct cpc_cell_epoch cell = second_epoch();

	put_slots(1, 40);
	world_init(world, 5);
	world->tip.slot = 40;
	world_run(world, 40);
	ck_assert_msg(cpc_store_join(store, &cell, &error) == 0, "%s", error.text);
	ck_assert_int_eq(cpc_outbox_resume(store, UINT32_MAX - 1, &error), 0);
}

static int count_row(void *ctx, const struct cpc_store_row *row)
{
	struct seen *seen = ctx;

	ck_assert(row->epoch == (row->slot <= 40 ? 1 : 2));
	ck_assert_uint_ge(row->slot, seen->last.slot);
	ck_assert(seen->lane < 0 || row->lane == (row->epoch == 1 ? seen->lane : 3 - seen->lane));
	seen->last.slot = row->slot;
	seen->count++;
	return 0;
}

/* The second epoch's log begins where the first ended, and both read as one. */
START_TEST(join__next_epoch_goes_on_with_the_log)
{
	struct cpc_store_place place = { 0, 0, 0, 0 };
	struct seen seen = { .lane = -1 }, one = { .lane = 0 };
	unsigned int before, i;

	enter_second_epoch();
	before = (unsigned int)cpc_store_totals(store)->entries;
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 40);
	put_slots(41, 80);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 80);
	ck_assert_uint_gt(cpc_store_totals(store)->entries, before);
	while (cpc_store_rows(store, NULL, 7, &place, count_row, &seen, &error) > 0)
		continue;
	ck_assert_uint_eq(seen.count, cpc_store_totals(store)->entries);
	place = (struct cpc_store_place){ 0, 0, 0, 0 };
	while (cpc_store_rows(store, author(0), 7, &place, count_row, &one, &error) > 0)
		continue;
	ck_assert_uint_gt(one.count, 0);
	ck_assert_uint_lt(one.count, seen.count);
	for (i = 0; i <= seen.count + 3; i += 11) {
		struct seen last = { .lane = -1 };

		ck_assert_int_eq(cpc_store_last(store, NULL, i, &place, &error), 0);
		ck_assert_int_eq(cpc_store_rows(store, NULL, 10000, &place, count_row, &last,
						&error),
				 (int)(i < seen.count ? i : seen.count));
	}
}
END_TEST

START_TEST(join__next_epoch_survives_closing)
{
	struct cpc_cell_epoch cell, wanted;
	enum cpc_store_part part;
	uint64_t entries;

	enter_second_epoch();
	wanted = *cpc_store_selected(store);
	put_slots(41, 60);
	entries = cpc_store_totals(store)->entries;
	cpc_store_close(store);
	ck_assert_int_eq(cpc_store_open(path, &store, &error), 0);
	ck_assert_int_eq(cpc_store_current(store, 0, &cell, &part, &error), 1);
	ck_assert(cpc_cell_epoch_same(&cell, &wanted));
	ck_assert_int_eq(part, CPC_PART_JOINED);
	ck_assert_int_eq(cpc_store_current(store, 1, &cell, &part, &error), 1);
	ck_assert_uint_eq(cell.epoch, 1);
	ck_assert_int_eq(cpc_store_current(store, 2, &cell, &part, &error), 0);
	ck_assert_int_eq(cpc_store_epoch(store, 7, 3, &cell, &error), 0);
	ck_assert_int_eq(cpc_store_epoch(store, 7, 2, &cell, &error), 1);
	ck_assert(cpc_cell_epoch_same(&cell, &wanted));
	ck_assert_int_eq(cpc_store_join(store, &cell, &error), 0);
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 60);
	ck_assert_uint_eq(cpc_store_totals(store)->entries, entries);
	cell.base_log_hash.b[0] ^= 1;
	ck_assert_int_eq(cpc_store_join(store, &cell, &error), -EEXIST);
}
END_TEST

/* Peers that are behind an epoch are served from any that is here. */
START_TEST(encode__of_an_earlier_epoch)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(1 << 20);
	struct cpc_log_decision d;
	struct cpc_reader r;

	enter_second_epoch();
	put_slots(41, 45);
	ck_assert_int_eq(cpc_store_encode(store, 7, 1, 38, 100, &out, &error), 2);
	ck_assert_int_eq(cpc_store_encode(store, 7, 2, 40, 1, &out, &error), 1);
	ck_assert_int_eq(cpc_store_encode(store, 7, 3, 40, 1, &out, &error), 0);
	r = cpc_reader_init(out.data, out.len);
	for (u32 slot = 39; slot <= 41; slot++) {
		ck_assert_int_eq(cpc_decision_decode(&r, &d), 1);
		ck_assert_uint_eq(d.slot, slot);
	}
	ck_assert_uint_eq(cpc_store_tip(store)->slot, 45);
}
END_TEST

/* An epoch that was only followed is no vote: it may be joined later. */
START_TEST(follow__is_not_taking_part)
{
	struct cpc_cell_epoch cell = second_epoch();
	enum cpc_store_part part;
	u16 newest;

	ck_assert_int_eq(cpc_store_follow(store, &cell, &error), 0);
	ck_assert_int_eq(cpc_store_part(store, 7, 2, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_FOLLOWED);
	ck_assert_int_eq(cpc_store_join(store, &cell, &error), 0);
	ck_assert_int_eq(cpc_store_part(store, 7, 2, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_JOINED);
	ck_assert_int_eq(cpc_store_follow(store, &cell, &error), 0);
	ck_assert_int_eq(cpc_store_part(store, 7, 2, &part, &newest, &error), 0);
	ck_assert_int_eq(part, CPC_PART_JOINED);
}
END_TEST

/* ---- death ----------------------------------------------------------------------------------- */

/* Writes the log in batches of random size until it is killed; counts them for its parent. */
static void write_until_killed(u64 seed, volatile u32 *batches)
{
	u32 slot;

	open_store(1);
	for (slot = cpc_store_tip(store)->slot; slot < world->tip.slot; ++*batches) {
		u32 to = slot + 1 + random_below(&seed, 4);

		to = to > world->tip.slot ? world->tip.slot : to;
		put_slots(slot + 1, to);
		slot = to;
	}
	_exit(0);
}

/* Kills the child a random moment after it has written a random number of batches. */
static bool kill_at_random(pid_t child, u64 *seed, volatile u32 *batches)
{
	u32 enough = random_below(seed, 60);
	struct timespec poll = { .tv_nsec = 100 * 1000 }, after = { 0 };
	bool ended = false;
	int status = 0;

	after.tv_nsec = 1000 * (long)random_below(seed, 3000);
	while (*batches < enough && !ended) {
		nanosleep(&poll, NULL);
		ended = waitpid(child, &status, WNOHANG) == child;
	}
	nanosleep(&after, NULL);
	if (!ended) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
	}
	return WIFSIGNALED(status);
}

/* SIGKILL at random times: what is there is a prefix of the log, whole, and never gets shorter. */
START_TEST(kill__nothing_lost_or_doubled)
{
	volatile u32 *batches = mmap(NULL, sizeof(*batches), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	u32 tip = 0, kills = 0;
	u64 seed = 99;

	world_run(world, 1200);
	cpc_store_close(store);
	while (tip < world->tip.slot) {
		pid_t child;

		*batches = 0;
		child = fork();
		if (child == 0)
			write_until_killed(random_next(&seed), batches);
		kills += kill_at_random(child, &seed, batches);
		random_next(&seed);
		open_store(1);
		ck_assert_uint_ge(cpc_store_tip(store)->slot, tip);
		tip = cpc_store_tip(store)->slot;
		assert_same_log();
		cpc_store_close(store);
	}
	ck_assert_uint_gt(kills, 3);
	open_store(1);
	ck_assert_mem_eq(&cpc_store_tip(store)->log_hash, &world->tip.log_hash, 32);
	munmap((void *)batches, sizeof(*batches));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 100);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, open__refuses_a_foreign_file);
	tcase_add_test(tc, part__remembers_epochs);
	tcase_add_test(tc, join__same_epoch_other_members_is_refused);
	tcase_add_test(tc, join__logs_of_two_epochs_are_apart);
	tcase_add_test(tc, put__log_survives_closing);
	tcase_add_test(tc, put__twice_is_once);
	tcase_add_test(tc, put__same_slot_with_other_content_is_loud);
	tcase_add_test(tc, put__gap_and_garbage_change_nothing);
	tcase_add_test(tc, rollback__leaves_nothing);
	tcase_add_test(tc, tip_at__every_slot);
	tcase_add_test(tc, encode__whole_decisions_up_to_the_limit);
	tcase_add_test(tc, rows__each_once_in_order);
	tcase_add_test(tc, last__leads_to_the_end);
	tcase_add_test(tc, join__next_epoch_goes_on_with_the_log);
	tcase_add_test(tc, join__next_epoch_survives_closing);
	tcase_add_test(tc, encode__of_an_earlier_epoch);
	tcase_add_test(tc, follow__is_not_taking_part);
	tcase_add_test(tc, kill__nothing_lost_or_doubled);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
