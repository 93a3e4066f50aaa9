/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * log_testing.h - a world in which a cell decides: members' lanes, and the decisions that a correct
 * kernel would make of them. No pointers in it, so it may live in memory that processes share.
 */
#ifndef TESTS_UNIT_LOG_TESTING_H
#define TESTS_UNIT_LOG_TESTING_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cpchain/core.h>

#include "agent/log/store.h"
#include "core_testing.h"

enum { WORLD_N = 4, WORLD_ENTRIES = 3000, WORLD_SLOTS = 2000 };

struct world_entry {
	u16 len;
	u8 body[CPC_BODY_MAX];
};

struct world_cut {
	u32 from, seq;			/* 0: not in the cut */
	u16 accepted;
	struct cpc_digest head;
};

struct world_slot {
	bool is_void;
	struct cpc_digest value;
	struct cpc_hash log_hash;
	struct world_cut cut[WORLD_N];
};

struct world {
	u64 seed;
	struct cpc_log_tip tip;
	u32 last[WORLD_N];		/* entries submitted per lane */
	struct cpc_digest head[WORLD_N];	/* hash of the last one */
	struct world_entry entry[WORLD_N][WORLD_ENTRIES + 1];	/* by seq */
	struct world_slot slot[WORLD_SLOTS + 1];	/* by slot */
};

static const struct cpc_hash world_members = { { 3, 1, 4, 1, 5 } };

static inline void world_init(struct world *w, u64 seed)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	cpc_log_tip_init(&w->tip, WORLD_N, &world_members);
}

/* An entry into a lane; returns its seq. */
static inline u32 world_submit(struct world *w, unsigned int lane, u8 kind, const void *data,
			       size_t len)
{
	struct cpc_entry e = { .kind = kind, .author = (u8)lane, .seq = w->last[lane] + 1,
			       .prev = w->head[lane], .len = (u16)len, .data = data };
	struct world_entry *to = &w->entry[lane][e.seq];
	int r;

	ck_assert_uint_le(e.seq, WORLD_ENTRIES);
	r = cpc_entry_encode(&e, to->body, sizeof(to->body));
	ck_assert_int_gt(r, 0);
	to->len = (u16)r;
	cpc_entry_hash(cpc_sha256, &world_members, to->body, to->len, &w->head[lane]);
	w->last[lane] = e.seq;
	return e.seq;
}

static inline u32 world_undecided(const struct world *w, unsigned int lane)
{
	return w->last[lane] - w->tip.seq[lane];
}

static inline struct cpc_digest world_hash(const struct world *w, unsigned int lane, u32 seq)
{
	struct cpc_digest hash;

	cpc_entry_hash(cpc_sha256, &world_members, w->entry[lane][seq].body,
		       w->entry[lane][seq].len, &hash);
	return hash;
}

/* Bits of changes of members among the entries of a lane that are decided now. */
static inline u16 world_changes(const struct world *w, unsigned int lane, u32 count)
{
	u16 changes = 0;
	u32 k;

	for (k = 0; k < count; k++)
		if (w->entry[lane][w->tip.seq[lane] + 1 + k].body[0] == CPC_ENTRY_CHANGE)
			changes |= (u16)(1u << k);
	return changes;
}

/*
 * Decides the next slot: void, or up to @most further entries of each lane. A change of members is
 * accepted; the world goes on behind the epoch's end all the same.
 */
static inline void world_decide(struct world *w, u32 most, bool is_void)
{
	struct world_slot *s = &w->slot[w->tip.slot + 1];
	struct cpc_cut cut = { .slot = w->tip.slot + 1, .parent = w->tip.value };
	struct cpc_config config = { .n = WORLD_N, .members = world_members, .hash = cpc_sha256 };
	u8 scratch[sizeof(((struct cpc_core *)NULL)->scratch)];
	unsigned int i;

	ck_assert_uint_le(w->tip.slot + 1, WORLD_SLOTS);
	memset(s, 0, sizeof(*s));
	s->is_void = is_void;
	for (i = 0; i < WORLD_N && !is_void; i++) {
		u32 count = world_undecided(w, i);
		struct cpc_cut_lane *c = &cut.lane[cut.lanes];
		u16 changes;

		count = count > most ? most : count;
		count = count > CPC_LOG_ENTRIES_MAX ? CPC_LOG_ENTRIES_MAX : count;
		if (count == 0)
			continue;
		cut.lanes++;
		c->lane = (u8)i;
		c->seq = w->tip.seq[i] + count;
		c->head = world_hash(w, i, c->seq);
		c->accepted = (u16)(random_next(&w->seed) & ((1u << count) - 1));
		changes = world_changes(w, i, count);
		if (changes) {
			c->accepted |= changes | CPC_ACCEPTED_CHANGE;
			w->tip.end = w->tip.end ? w->tip.end : cut.slot + CPC_CHANGE_DELAY;
		}
		s->cut[i] = (struct world_cut){ w->tip.seq[i] + 1, c->seq, c->accepted, c->head };
		w->tip.seq[i] = c->seq;
		w->tip.head[i] = c->head;
	}
	if (is_void)
		s->value = w->tip.value;	/* void: its parent's */
	else
		cpc_cut_digest(cpc_sha256, &world_members, &cut, &s->value);
	cpc_log_hash_next(&config, scratch, &w->tip.log_hash, cut.slot, w->tip.end, &s->value,
			  w->tip.seq, w->tip.head, &s->log_hash);
	w->tip.log_hash = s->log_hash;
	w->tip.value = s->value;
	w->tip.slot = cut.slot;
}

/* A decided slot as the agent sees it; bodies point into the world. */
static inline void world_get(const struct world *w, u32 slot, struct cpc_log_decision *ret_decision)
{
	const struct world_slot *s = &w->slot[slot];
	struct cpc_log_decision *d = ret_decision;
	unsigned int i;
	u32 k;

	memset(d, 0, sizeof(*d));
	d->slot = slot;
	d->is_void = s->is_void;
	d->value = s->value;
	d->log_hash = s->log_hash;
	for (i = 0; i < WORLD_N; i++) {
		struct cpc_log_lane *lane;

		if (!s->cut[i].seq)
			continue;
		lane = &d->lane[d->lanes++];
		lane->lane = (u8)i;
		lane->from = s->cut[i].from;
		lane->seq = s->cut[i].seq;
		lane->accepted = s->cut[i].accepted;
		lane->head = s->cut[i].head;
		for (k = 0; k <= lane->seq - lane->from; k++) {
			lane->entry[k].body = w->entry[i][lane->from + k].body;
			lane->entry[k].len = w->entry[i][lane->from + k].len;
		}
	}
}

/* Random entries and decisions, @slots of them; one slot in eight is void. */
static inline void world_run(struct world *w, u32 slots)
{
	u8 data[CPC_ENTRY_DATA_MAX];

	for (; slots; slots--) {
		unsigned int i, k;

		for (i = 0; i < WORLD_N; i++)
			for (k = random_below(&w->seed, 4); k; k--) {
				size_t len = 1 + random_below(&w->seed, 40);

				if (world_undecided(w, i) >= CPC_LANE_WINDOW)
					break;
				random_bytes(&w->seed, data, len);
				world_submit(w, i, (u8)random_below(&w->seed, 3), data, len);
			}
		world_decide(w, 1 + random_below(&w->seed, CPC_LOG_ENTRIES_MAX),
			     random_below(&w->seed, 8) == 0);
	}
}

/* The members change (new keys for all): the epoch is decided to its end. */
static inline void world_end(struct world *w)
{
	struct cpc_member_change change = { .leaving = 0 };
	u8 data[CPC_ENTRY_DATA_MAX];
	int len = cpc_change_encode(&change, data, sizeof(data));

	world_submit(w, 2, CPC_ENTRY_CHANGE, data, (size_t)len);
	while (!w->tip.end)
		world_decide(w, CPC_LOG_ENTRIES_MAX, false);
	while (w->tip.slot < w->tip.end)
		world_run(w, 1);
}

static inline struct cpc_cell_epoch world_cell(u16 epoch)
{
	struct cpc_cell_epoch cell = { .cell = 7, .epoch = epoch, .n = WORLD_N, .self = 1,
				       .members = world_members };
	unsigned int i;

	for (i = 0; i < WORLD_N; i++)
		memset(cell.node_id[i], (int)i + 1, 32);
	return cell;
}

static inline void scratch_dir(char out[64])
{
	strcpy(out, "/tmp/cpchain-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(out));
}

static inline void remove_dir(const char *dir)
{
	static const char *const suffixes[] = { "db", "db-wal", "db-shm" };
	char path[100];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, suffixes[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

#endif
