// SPDX-License-Identifier: BSD-3-Clause
/*
 * Do four honest twins agree, whatever the MAC and the pacing? Is what arrives tested as the module
 * tests it, and each refusal counted under its reason?
 */
#include "tests/unit/twin_testing.h"

static const char *const macs[] = { "cmac(aes)", "hmac(sha256)", "blake2s", "sha256/cmac(aes)",
				    "blake2s/blake2s" };

static u64 drops(const struct cpc_twin_cell *cell)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < CPC_TWIN_DROPS; i++)
		sum += cell->stats.drop[i];
	return sum;
}

START_TEST(step__honest_members_agree)
{
	static const u8 pacings[] = { CPC_PACING_CARRIER, CPC_PACING_EARLY, CPC_PACING_URGENT };
	struct world *w = world_new(macs[_i % 5], pacings[_i % 3], 0, (u64)_i + 1);
	struct cpc_latency_summary latency;
	unsigned int i, round;

	for (round = 0; round < 10; round++) {
		u64 until_us = w->now_us + 300000;

		for (i = 0; i < WORLD_N; i++)
			world_submit(w, i, CPC_ENTRY_ORDINARY, "what the others should know");
		while (w->now_us < until_us)
			world_step(w);
	}
	for (i = 0; i < 1000; i++)
		world_step(w);
	world_assert_agree(w, WORLD_N);
	for (i = 0; i < WORLD_N; i++) {
		const struct cpc_twin_stats *s = &w->member[i]->stats;

		ck_assert_uint_eq(s->own_decided, 10);
		ck_assert_uint_eq(s->decided_entries, 40);
		ck_assert_uint_eq(s->decided_slots, w->log[0].slots);
		ck_assert_uint_eq(drops(w->member[i]), 0);
		ck_assert_uint_eq(cpc_twin_open_entries(w->member[i]), 0);
		cpc_latency_summarize(&w->member[i]->latency, &latency);
		ck_assert_uint_eq(latency.count, 10);
		ck_assert(latency.p50_ms <= 600);
		ck_assert_uint_le(s->element_idle_max, 32 + 8 * (WORLD_N - 1));
		ck_assert_uint_le(s->element_open_max, 56 + 8 * (WORLD_N - 1));
	}
	world_free(w);
}
END_TEST

START_TEST(make__keeps_to_the_room_and_needs_a_key)
{
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, 0, 1);
	u8 node_id[WORLD_N][32] = { { 0 } }, out[CPC_ELEMENT_MAX];
	struct cpc_twin_cell_config config = {
		.cell = 9, .epoch = 1, .n = WORLD_N, .node_id = (const u8(*)[32])node_id,
		.mac = cpc_twin_mac_find("cmac(aes)"), .period_us = WORLD_PERIOD_US,
		.default_verdict = CPC_VERDICT_NONE,
	};
	struct cpc_twin_cell *alone = cpc_twin_cell_new(&config, 0);
	size_t least = CPC_ELEMENT_HEADER_BYTES + cpc_element_trailer(WORLD_N), room;
	int len;

	ck_assert_int_eq(cpc_twin_make(alone, 1, false, out, sizeof(out)), 0);
	cpc_twin_cell_free(alone);
	ck_assert_int_eq(cpc_twin_make(w->member[0], w->now_us, false, out, least - 1), -ENOSPC);
	for (room = 0; room < 9; room++)
		world_submit(w, 0, CPC_ENTRY_ORDINARY, "an entry that takes some of the room");
	for (room = least; room < sizeof(out); room += 13) {
		memset(out, 0xee, sizeof(out));
		len = cpc_twin_make(w->member[0], ++w->now_us, false, out, room);
		ck_assert(len == -ENOSPC || (len > 0 && (size_t)len <= room));
		if (len > 0)
			ck_assert_uint_eq(out[len], 0xee);
	}
	/* What the core itself refuses. */
	config.n = CPC_MEMBERS_FEW - 1;
	ck_assert_ptr_null(cpc_twin_cell_new(&config, 0));
	ck_assert_int_eq(cpc_twin_cell_key(w->member[0], 0, out), -EINVAL);
	ck_assert_int_eq(cpc_twin_cell_key(w->member[0], WORLD_N, out), -EINVAL);
	world_free(w);
}
END_TEST

/* Two contents under one counter: each receiver finds one of them authentic, and only one. */
START_TEST(seal__fits_the_chosen_receivers_only)
{
	struct world *w = world_new(macs[_i], CPC_PACING_CARRIER, 0, 1);
	u8 honest[CPC_ELEMENT_MAX], element[CPC_ELEMENT_MAX];
	u64 receivers;
	int len = cpc_twin_make(w->member[0], w->now_us, false, honest, sizeof(honest));
	size_t sections = (size_t)len - cpc_element_trailer(WORLD_N), heard;
	unsigned int i;

	for (receivers = 0; receivers < 1 << WORLD_N; receivers++) {
		memcpy(element, honest, sections);
		cpc_twin_seal(w->member[0], element, sections, receivers, 12345 + receivers);
		for (i = 1; i < WORLD_N; i++) {
			bool taken = cpc_twin_take(w->member[i], w->now_us, element, (size_t)len,
						   true, &heard);

			ck_assert(taken == !!(receivers >> i & 1));
		}
	}
	world_free(w);
}
END_TEST

/* One thing wrong with an element at a time. */
static const struct {
	enum cpc_twin_drop reason;
	size_t at;		/* in the element, from its end if beyond it */
	u8 with;		/* XORed to that byte */
} wrongs[] = {
	{ CPC_TWIN_VERSION, 0, 0x02 },
	{ CPC_TWIN_SENDER, 1, 0x01 },	/* our own index */
	{ CPC_TWIN_SENDER, 1, 0x40 },	/* no member */
	{ CPC_TWIN_CELL, 2, 0x01 },
	{ CPC_TWIN_EPOCH, 4, 0x01 },
	{ CPC_TWIN_MAC, 8, 0x80 },
	{ CPC_TWIN_MAC, 20, 0x01 },
	{ CPC_TWIN_MAC, 24, 0x01 },	/* the tag for us */
	{ CPC_TWIN_TRUNCATED, 48, 0x40 },	/* length, low byte: beyond the frame */
	{ CPC_TWIN_OVERSIZED, 49, 0x40 },
};

START_TEST(take__refuses_by_reason)
{
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, 0, 1);
	struct cpc_twin_cell *cell = w->member[1];
	u8 element[CPC_ELEMENT_MAX];
	size_t heard;
	int len = cpc_twin_make(w->member[0], w->now_us, false, element, sizeof(element));

	ck_assert_int_eq(len, 52);
	element[wrongs[_i].at] ^= wrongs[_i].with;
	ck_assert_ptr_null(cpc_twin_take(cell, w->now_us, element, (size_t)len, true, &heard));
	ck_assert_uint_eq(cell->stats.drop[wrongs[_i].reason], 1);
	ck_assert_uint_eq(drops(cell), 1);
	element[wrongs[_i].at] ^= wrongs[_i].with;
	ck_assert_ptr_nonnull(cpc_twin_take(cell, w->now_us, element, (size_t)len, true, &heard));
	ck_assert_uint_eq(cell->stats.rx_elements, 1);
	cpc_twin_take(cell, w->now_us, element, (size_t)len, true, &heard);
	ck_assert_uint_eq(cell->stats.drop[CPC_TWIN_REPLAY], 1);
	world_free(w);
}
END_TEST

START_TEST(take__looks_behind_carriers)
{
	struct world *w = world_new("cmac(aes)", CPC_PACING_CARRIER, 0, 1);
	u8 frame[CPC_ELEMENT_MAX + 200];
	size_t heard;
	int len = cpc_twin_make(w->member[0], w->now_us, false, frame + 200, CPC_ELEMENT_MAX);

	memset(frame, 0x20, 200);
	/* In a frame of its own nothing may stand before it; no element at all is no fault. */
	ck_assert_ptr_null(cpc_twin_take(w->member[1], w->now_us, frame, 200 + (size_t)len, true,
					 &heard));
	ck_assert_ptr_null(cpc_twin_take(w->member[1], w->now_us, frame, 200, false, &heard));
	ck_assert_uint_eq(drops(w->member[1]), 0);
	ck_assert_ptr_eq(cpc_twin_take(w->member[1], w->now_us, frame, 200 + (size_t)len, false,
				       &heard), frame + 200);
	ck_assert_uint_eq(heard, (size_t)len - cpc_element_trailer(WORLD_N));
	world_free(w);
}
END_TEST

static Suite *cell_suite(void)
{
	Suite *suite = suite_create("twin_cell");
	TCase *tcase = tcase_create("cell");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, step__honest_members_agree, 0, 15);
	tcase_add_test(tcase, make__keeps_to_the_room_and_needs_a_key);
	tcase_add_loop_test(tcase, seal__fits_the_chosen_receivers_only, 0, 5);
	tcase_add_loop_test(tcase, take__refuses_by_reason, 0,
			    sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_test(tcase, take__looks_behind_carriers);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(cell_suite());
}
