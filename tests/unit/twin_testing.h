/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * twin_testing.h - a cell of four in one process and in virtual time: what one sends the others
 * hear at once. Member 3 may lie.
 */
#ifndef TESTS_UNIT_TWIN_TESTING_H
#define TESTS_UNIT_TWIN_TESTING_H

#include <stdlib.h>

#include "tests/unit/core_testing.h"
#include "tools/cpc-twin/cell.h"
#include "tools/cpc-twin/lie.h"
#include "tools/cpc-twin/options.h"

enum {
	WORLD_N = 4,
	WORLD_LIAR = 3,
	WORLD_SLOTS = 4096,
	WORLD_STEP_US = 1000,
	WORLD_PERIOD_US = 100000,
	WORLD_ROOM = 1170,	/* behind a CAM */
};

struct world_log {
	u32 slots;
	struct cpc_hash after[WORLD_SLOTS];
};

struct world {
	u64 now_us, random;
	unsigned int loss_percent;
	struct cpc_twin_cell *member[WORLD_N];
	struct cpc_lie *lie;		/* of member 3; NULL: honest */
	struct world_log log[WORLD_N];
	u64 next_carrier_us[WORLD_N];
	u64 frames;
};

static inline void world_decided(void *ctx, const struct cpc_core *core,
				 const struct cpc_decision *decision)
{
	struct world_log *log = ctx;

	(void)core;
	ck_assert_uint_lt(decision->slot, WORLD_SLOTS);
	ck_assert_uint_eq(decision->slot, log->slots + 1);
	log->after[log->slots++] = decision->log_hash;
}

static inline struct cpc_twin_cell *world_member(const struct world *w, unsigned int self,
						 const char *mac, u8 pacing)
{
	u8 node_id[WORLD_N][32], key[CPC_TWIN_KEY_BYTES];
	struct cpc_twin_cell_config config = {
		.cell = 9, .epoch = 1, .n = WORLD_N, .self = (u8)self,
		.node_id = (const u8(*)[32])node_id, .mac = cpc_twin_mac_find(mac),
		.pacing = pacing, .default_verdict = CPC_VERDICT_YES,
		.period_us = WORLD_PERIOD_US, .seed = self + 1,
	};
	struct cpc_twin_cell *cell;
	unsigned int i;

	for (i = 0; i < WORLD_N; i++)
		cpc_twin_test_node_id(i, node_id[i]);
	cell = cpc_twin_cell_new(&config, w->now_us);
	ck_assert_ptr_nonnull(cell);
	for (i = 0; i < WORLD_N; i++) {
		if (i == self)
			continue;
		cpc_twin_test_key(9, 1, i, self, key);
		ck_assert_int_eq(cpc_twin_cell_key(cell, i, key), 0);
	}
	return cell;
}

static inline struct world *world_new(const char *mac, u8 pacing, u32 lies, u64 seed)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int i;

	ck_assert_ptr_nonnull(w);
	w->now_us = 1000000;
	w->random = seed;
	for (i = 0; i < WORLD_N; i++) {
		w->member[i] = world_member(w, i, mac, pacing);
		w->member[i]->decided = world_decided;
		w->member[i]->ctx = &w->log[i];
		w->next_carrier_us[i] = w->now_us + 23000 * (i + 1);
	}
	if (lies) {
		/* Its personas change places, so its own log is no witness. */
		w->member[WORLD_LIAR]->decided = NULL;
		w->lie = cpc_lie_new(lies, w->member[WORLD_LIAR]->core, seed, w->now_us);
		ck_assert_ptr_nonnull(w->lie);
	}
	return w;
}

static inline void world_free(struct world *w)
{
	unsigned int i;

	cpc_lie_free(w->lie);
	for (i = 0; i < WORLD_N; i++)
		cpc_twin_cell_free(w->member[i]);
	free(w);
}

static inline void world_broadcast(struct world *w, unsigned int from, const u8 *element,
				   size_t len)
{
	const u8 *heard;
	unsigned int i;
	size_t sections;

	w->frames++;
	for (i = 0; i < WORLD_N; i++) {
		if (i == from || random_below(&w->random, 100) < w->loss_percent)
			continue;
		heard = cpc_twin_take(w->member[i], w->now_us, element, len, false, &sections);
		if (i < WORLD_LIAR || !w->lie)
			cpc_core_check(w->member[i]->core);
		if (i != WORLD_LIAR || !w->lie || !heard)
			continue;
		cpc_lie_hear(w->lie, w->now_us, heard, sections);
		cpc_lie_save(w->lie, element, len);
	}
}

static inline void world_lie(struct world *w, bool standalone)
{
	static struct cpc_lie_word words[CPC_LIE_WORDS];
	struct cpc_twin_cell *cell = w->member[WORLD_LIAR];
	u8 element[CPC_ELEMENT_MAX];
	unsigned int count, i;
	const u8 *old;
	size_t len;

	cell->send_due = false;
	count = cpc_lie_tell(w->lie, w->now_us, WORLD_ROOM - cpc_element_trailer(WORLD_N),
			     standalone, words);
	for (i = 0; i < count; i++) {
		memcpy(element, words[i].data, words[i].len);
		len = cpc_twin_seal(cell, element, words[i].len, words[i].receivers,
				    cpc_lie_noise(w->lie));
		cpc_lie_save(w->lie, element, len);
		world_broadcast(w, WORLD_LIAR, element, len);
	}
	old = count ? cpc_lie_replay(w->lie, &len) : NULL;
	if (old) {
		memcpy(element, old, len);
		world_broadcast(w, WORLD_LIAR, element, len);
	}
}

static inline void world_speak(struct world *w, unsigned int i, bool standalone)
{
	u8 element[CPC_ELEMENT_MAX];
	int len;

	if (i == WORLD_LIAR && w->lie) {
		world_lie(w, standalone);
		return;
	}
	len = cpc_twin_make(w->member[i], w->now_us, standalone, element, WORLD_ROOM);
	ck_assert_int_ge(len, 0);
	if (len)
		world_broadcast(w, i, element, (size_t)len);
}

static inline void world_submit(struct world *w, unsigned int i, u8 kind, const char *text)
{
	if (cpc_twin_submit(w->member[i], w->now_us, kind, text, strlen(text)) == 0 &&
	    i == WORLD_LIAR && w->lie)
		cpc_lie_submit(w->lie, w->now_us, kind, (const u8 *)text, strlen(text));
}

static inline void world_step(struct world *w)
{
	struct cpc_event tick = { .type = CPC_EV_TICK };
	unsigned int i;

	w->now_us += WORLD_STEP_US;
	for (i = 0; i < WORLD_N; i++) {
		if (w->now_us >= w->member[i]->wake_us)
			cpc_twin_step(w->member[i], w->now_us, &tick);
		if (i == WORLD_LIAR && w->lie && w->now_us >= w->lie->wake_us)
			cpc_lie_tick(w->lie, w->now_us);
		if (w->now_us >= w->next_carrier_us[i]) {
			w->next_carrier_us[i] += WORLD_PERIOD_US;
			world_speak(w, i, false);
		}
		if (w->member[i]->send_due || (i == WORLD_LIAR && w->lie && w->lie->send_due))
			world_speak(w, i, true);
	}
}

/* One log, as far as each has come. @count members from 0 on. */
static inline void world_assert_agree(const struct world *w, unsigned int count)
{
	unsigned int i;
	u32 slot;

	for (i = 1; i < count; i++)
		for (slot = 0; slot < w->log[0].slots && slot < w->log[i].slots; slot++)
			ck_assert_mem_eq(&w->log[0].after[slot], &w->log[i].after[slot],
					 sizeof(struct cpc_hash));
}

#endif
