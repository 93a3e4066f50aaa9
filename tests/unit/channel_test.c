// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the channel let stations in by the rules, and lose exactly what it should? Times are
 * computed by hand from those that air_test.c checks: 350 octets at 6 Mbit/s take 520 us, AIFS is
 * 58 us for voice and 110 us for best effort, a slot 13 us.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/core_testing.h"
#include "tools/cpc-medium/channel.h"

enum { AIR_US = 520, OCTETS = 350, ALL = CPC_ALL_STATIONS };

static struct cpc_scenario scenario;
static struct cpc_channel ch;
static struct cpc_channel_done last;
static unsigned int ended;

static void start(const char *text)
{
	struct cpc_error error;

	ck_assert_msg(cpc_scenario_parse("test", text, strlen(text), &scenario, &error) == 0,
		      "%s", error.text);
	cpc_channel_init(&ch, &scenario, 1000);
	cpc_channel_check(&ch);
	ended = 0;
}

/* Until @us after the start; what ended is counted, the last of it kept. */
static void run(uint64_t us)
{
	struct cpc_channel_done done;

	while (cpc_channel_advance(&ch, 1000 + us, &done)) {
		cpc_channel_check(&ch);
		last = done;
		ended++;
	}
	cpc_channel_check(&ch);
}

static int put(uint64_t us, uint8_t from, uint8_t to, enum cpc_ac ac)
{
	struct cpc_channel_frame frame = { .tag = us, .octets = OCTETS, .from = from, .to = to,
					   .ac = (uint8_t)ac };
	int r;

	run(us);
	r = cpc_channel_send(&ch, 1000 + us, &frame);
	cpc_channel_check(&ch);
	return r;
}

/* The stations of @who, by bit, always have a frame waiting, for @us from now on. */
static void saturate(uint64_t who, uint64_t us)
{
	uint64_t until = ch.now_us - 1000 + us, at;
	uint8_t i;

	for (at = ch.now_us - 1000; at < until; at += 200) {
		run(at);
		for (i = 0; i < 64; i++)
			if (who >> i & 1 && ch.station[i].queue[CPC_AC_BE].used < 2)
				put(at, i, ALL, CPC_AC_BE);
	}
	run(until);
}

static const struct cpc_channel_counts *counts(unsigned int station)
{
	return &ch.station[station].counts;
}

/* ---- access ---------------------------------------------------------------------------------- */

START_TEST(send__idle_for_long_begins_at_once)
{
	start("stations 3 10\n");
	put(5000, 0, ALL, CPC_AC_BE);
	run(5000 + AIR_US - 1);
	ck_assert_uint_eq(ended, 0);
	ck_assert_uint_eq(cpc_channel_next_us(&ch), 1000 + 5000 + AIR_US);
	run(5000 + AIR_US);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(last.start_us, 6000);
	ck_assert_uint_eq(last.end_us, 6520);
	ck_assert_uint_eq(last.frame.tag, 5000);
	ck_assert_uint_eq(last.received, 6);
	ck_assert_uint_eq(last.attempts, 1);
	ck_assert_uint_eq(counts(0)->air_us, AIR_US);
	ck_assert_uint_eq(cpc_channel_next_us(&ch), CPC_CHANNEL_NEVER);
}
END_TEST

START_TEST(send__waits_for_aifs_from_the_start)
{
	start("stations 2 10\n");
	put(0, 0, ALL, CPC_AC_VO);
	ck_assert_uint_eq(cpc_channel_next_us(&ch), 1000 + 58);
	start("stations 2 10\n");
	put(0, 0, ALL, CPC_AC_BK);
	ck_assert_uint_eq(cpc_channel_next_us(&ch), 1000 + 149);
}
END_TEST

/* A frame that comes while the air is busy waits for its end, AIFS and 0 to CW slots. */
START_TEST(send__defers_to_what_it_senses)
{
	uint64_t wait, least = UINT64_MAX, most = 0;
	char text[60];
	int seed;

	for (seed = 0; seed < 300; seed++) {
		snprintf(text, sizeof(text), "seed %d\nstations 2 10\n", seed);
		start(text);
		put(5000, 0, ALL, CPC_AC_BE);
		put(5100, 1, ALL, CPC_AC_BE);
		run(20000);
		ck_assert_uint_eq(ended, 2);
		ck_assert_uint_eq(last.frame.from, 1);
		wait = last.start_us - 1000 - 5000 - AIR_US;
		ck_assert_uint_ge(wait, 110);
		ck_assert_uint_eq((wait - 110) % 13, 0);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
		ck_assert_uint_eq(last.received, 1);
	}
	/* 300 draws of 16 values: each end is missed once in 10^8 sets of seeds. */
	ck_assert_uint_eq(least, 110);
	ck_assert_uint_eq(most, 110 + 15 * 13);
}
END_TEST

/* Station 1 has 9 slots to wait; 3 of them pass before 0 sends again by voice, and 6 after that. */
START_TEST(send__backoff_is_held_not_drawn_again)
{
	const uint64_t again = 5000 + AIR_US + 110 + 3 * 13 + 5;

	start("stations 2 10\n");
	put(5000, 0, ALL, CPC_AC_VO);
	put(5100, 1, ALL, CPC_AC_BE);
	ch.station[1].queue[CPC_AC_BE].backoff = 9;
	put(again, 0, ALL, CPC_AC_VO);
	run(again);
	ck_assert(ch.station[0].tx.on && ch.station[0].tx.start_us == 1000 + again);
	ck_assert_uint_eq(ch.station[1].queue[CPC_AC_BE].backoff, 6);
	run(20000);
	ck_assert_uint_eq(last.frame.from, 1);
	ck_assert_uint_eq(last.start_us, 1000 + again + AIR_US + 110 + 6 * 13);
}
END_TEST

START_TEST(send__voice_goes_before_background)
{
	start("stations 2 10\n");
	put(5000, 1, ALL, CPC_AC_BE);
	put(5100, 0, ALL, CPC_AC_BK);
	put(5200, 0, ALL, CPC_AC_VO);
	run(5000 + AIR_US + 58 + 3 * 13 + AIR_US);
	ck_assert_uint_eq(ended, 2);
	ck_assert_uint_eq(last.frame.ac, CPC_AC_VO);
	run(20000);
	ck_assert_uint_eq(last.frame.ac, CPC_AC_BK);
	ck_assert_uint_eq(last.received, 2);
}
END_TEST

/* Two queues of one station whose waits end together do not collide in the air. */
START_TEST(send__inner_collision)
{
	start("stations 2 10\n");
	put(5000, 1, ALL, CPC_AC_BE);
	put(5100, 0, ALL, CPC_AC_BE);
	put(5100, 0, ALL, CPC_AC_VI);
	/* 110 us are 71 us and three slots. */
	ch.station[0].queue[CPC_AC_BE].backoff = 0;
	ch.station[0].queue[CPC_AC_VI].backoff = 3;
	run(5520 + 110 + AIR_US);
	ck_assert_uint_eq(ended, 2);
	ck_assert_uint_eq(last.frame.ac, CPC_AC_VI);
	ck_assert_uint_eq(ch.station[0].queue[CPC_AC_BE].cw, 31);
	run(20000);
	ck_assert_uint_eq(ended, 3);
	ck_assert_uint_eq(counts(0)->delivered, 2);
	ck_assert_uint_eq(ch.station[0].queue[CPC_AC_BE].cw, 15);
}
END_TEST

START_TEST(send__queue_is_bounded)
{
	int i;

	start("stations 2 10\n");
	for (i = 0; i < CPC_CHANNEL_QUEUE_MAX; i++)
		ck_assert_int_eq(put(0, 0, ALL, CPC_AC_BE), 0);
	ck_assert_int_eq(put(0, 0, ALL, CPC_AC_BE), -ENOBUFS);
	ck_assert_uint_eq(counts(0)->dropped, 1);
	run(10000000);
	ck_assert_uint_eq(ended, CPC_CHANNEL_QUEUE_MAX);
	ck_assert_int_eq(put(10000000, 2, ALL, CPC_AC_BE), -EINVAL);
	ck_assert_int_eq(put(10000000, 0, 2, CPC_AC_BE), -EINVAL);
	ck_assert_int_eq(put(10000000, 0, 0, CPC_AC_BE), -EINVAL);
	ck_assert_int_eq(put(10000000, 0, ALL, (enum cpc_ac)4), -EINVAL);
}
END_TEST

/* ---- overlap --------------------------------------------------------------------------------- */

/* Nobody senses a frame in its first 8 us. */
START_TEST(collision__before_it_can_be_sensed)
{
	start("stations 3 10\n");
	put(5000, 0, ALL, CPC_AC_BE);
	put(5007, 1, ALL, CPC_AC_BE);
	run(20000);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_COLLISION], 2);
	ck_assert_uint_eq(counts(1)->lost[CPC_LOST_COLLISION], 2);
	start("stations 3 10\n");
	put(5000, 0, ALL, CPC_AC_BE);
	put(5008, 1, ALL, CPC_AC_BE);
	run(20000);
	ck_assert_uint_eq(counts(0)->delivered, 2);
	ck_assert_uint_eq(counts(1)->delivered, 2);
}
END_TEST

START_TEST(collision__hidden_terminals)
{
	/* 0 and 2 do not sense each other; 1, between them, gets neither of what overlaps. */
	start("stations 3 200\nrange 250\n");
	put(5000, 0, ALL, CPC_AC_BE);
	put(5400, 2, ALL, CPC_AC_BE);
	run(20000);
	ck_assert_uint_eq(ended, 2);
	ck_assert_uint_eq(last.start_us, 6400);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_COLLISION], 1);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_RANGE], 1);
	ck_assert_uint_eq(counts(2)->lost[CPC_LOST_COLLISION], 1);
	ck_assert_uint_eq(counts(2)->lost[CPC_LOST_RANGE], 1);
	/* One after the other both arrive. */
	put(30000, 0, ALL, CPC_AC_BE);
	put(30000 + AIR_US, 2, ALL, CPC_AC_BE);
	run(40000);
	ck_assert_uint_eq(ch.link[0][1].delivered, 1);
	ck_assert_uint_eq(ch.link[2][1].delivered, 1);
}
END_TEST

/* Sensed but out of range: no hidden terminal any more. */
START_TEST(collision__sense_range_protects)
{
	start("stations 3 200\nrange 250 500\n");
	put(5000, 0, ALL, CPC_AC_BE);
	put(5400, 2, ALL, CPC_AC_BE);
	run(20000);
	ck_assert_uint_eq(ch.link[0][1].delivered, 1);
	ck_assert_uint_eq(ch.link[2][1].delivered, 1);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_RANGE], 1);
}
END_TEST

/* 50 m and 250 m differ by 30 log10(5) = 20.97 dB; strengths are whole dBm: -64 and -84. */
START_TEST(collision__capture)
{
	const char *places = "station 0 0 0\nstation 1 50 0\nstation 2 300 0\nrange 260\n";
	char text[200];
	int margin;

	for (margin = 19; margin <= 21; margin++) {
		snprintf(text, sizeof(text), "capture %d\n%s", margin, places);
		start(text);
		put(5000, 0, ALL, CPC_AC_BE);
		put(5400, 2, ALL, CPC_AC_BE);
		run(20000);
		ck_assert_uint_eq(ch.link[0][1].delivered, margin <= 20);
		ck_assert_uint_eq(ch.link[2][1].delivered, 0);
	}
	ck_assert_int_eq(cpc_channel_rssi_dbm(&ch, 0, 1), -64);
	ck_assert_int_eq(cpc_channel_rssi_dbm(&ch, 1, 0), -64);
	ck_assert_int_eq(cpc_channel_rssi_dbm(&ch, 0, 0), -30);
}
END_TEST

/*
 * Two that always send, in range: they collide when their backoffs end in the same slot, once in
 * about 16. Hidden from each other, nearly every frame overlaps with one of the other.
 */
START_TEST(collision__share_at_saturation)
{
	const struct cpc_channel_link *link = &ch.link[0][1];
	uint32_t hit, got;

	start("stations 3 200\nrange 450\n");
	saturate(5, 5000000);
	hit = link->lost[CPC_LOST_COLLISION];
	got = link->delivered;
	ck_assert_uint_gt(got, 2000);
	ck_assert_msg(hit * 100 > got * 2 && hit * 100 < got * 15, "%u of %u", hit, got);
	start("stations 3 200\nrange 250\n");
	saturate(5, 5000000);
	hit = link->lost[CPC_LOST_COLLISION];
	ck_assert_msg(hit > 9 * link->delivered, "%u against %u", hit, link->delivered);
}
END_TEST

/* ---- one receiver ---------------------------------------------------------------------------- */

START_TEST(unicast__acknowledged)
{
	start("stations 3 10\n");
	put(5000, 0, 1, CPC_AC_BE);
	run(20000);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(last.received, 2);
	ck_assert_uint_eq(last.end_us - last.start_us, AIR_US + 32 + 64);
	ck_assert_uint_eq(counts(0)->delivered, 1);
}
END_TEST

START_TEST(unicast__retried_up_to_the_limit)
{
	start("stations 2 10\nloss 100\n");
	put(5000, 0, 1, CPC_AC_BE);
	run(1000000);
	ck_assert_uint_eq(ended, 1);
	ck_assert_uint_eq(last.received, 0);
	ck_assert_uint_eq(last.attempts, 8);
	ck_assert_uint_eq(counts(0)->sent, 8);
	ck_assert_uint_eq(counts(0)->retries, 7);
	ck_assert_uint_eq(ch.station[0].queue[CPC_AC_BE].cw, 15);
	/* Lost once in two: on average 2 attempts, 1 in 256 not at all. */
	start("stations 2 10\nloss 50\n");
	for (int i = 0; i < 1000; i++)
		put(5000 + i * 20000u, 0, 1, CPC_AC_BE);
	run(30000000);
	ck_assert_uint_eq(ended, 1000);
	ck_assert_uint_ge(counts(0)->delivered, 980);
	ck_assert_uint_ge(counts(0)->sent, 1800);
	ck_assert_uint_le(counts(0)->sent, 2200);
}
END_TEST

/* ---- loss ------------------------------------------------------------------------------------ */

enum { FRAMES = 20000 };

/* Bursts of losses on the link 0 -> 1: how many, and how many frames in them. */
static void bursts(uint32_t *ret_lost, uint32_t *ret_bursts)
{
	bool before = false;

	*ret_lost = *ret_bursts = 0;
	for (int i = 0; i < FRAMES; i++) {
		put(5000 + i * 1000u, 0, ALL, CPC_AC_BE);
		run(5000 + i * 1000u + 999);
		*ret_lost += !(last.received & 2);
		*ret_bursts += !before && !(last.received & 2);
		before = !(last.received & 2);
	}
}

/*
 * The seed is fixed, so that the outcome is; bounds are five standard deviations, for whoever
 * changes the seed: of independent frames sqrt(0.3 * 0.7 / 20000) = 0.0033.
 */
START_TEST(loss__independent)
{
	uint32_t lost, runs;

	start("stations 2 10\nloss 30\n");
	bursts(&lost, &runs);
	ck_assert_uint_ge(lost, FRAMES * 283 / 1000);
	ck_assert_uint_le(lost, FRAMES * 317 / 1000);
	/* A run of independent losses has 1 / 0.7 = 1.43 frames. */
	ck_assert_uint_ge(lost * 100, runs * 138);
	ck_assert_uint_le(lost * 100, runs * 148);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_LOSS], lost);
	ck_assert_uint_eq(counts(0)->delivered, FRAMES - lost);
}
END_TEST

/* About 750 bursts of 8: the mean is known to 1 / sqrt(750) = 3.7 %, the sum a little worse. */
START_TEST(loss__bursts)
{
	uint32_t lost, runs;

	start("stations 2 10\nloss 30 burst 8\n");
	bursts(&lost, &runs);
	ck_assert_uint_ge(lost, FRAMES * 24 / 100);
	ck_assert_uint_le(lost, FRAMES * 36 / 100);
	ck_assert_uint_ge(lost * 10, runs * 65);
	ck_assert_uint_le(lost * 10, runs * 95);
}
END_TEST

/* A link begins as after a long time: the first frame is lost as often as any. */
START_TEST(loss__first_frame)
{
	unsigned int seed, lost = 0;
	char text[80];

	for (seed = 0; seed < 400; seed++) {
		snprintf(text, sizeof(text), "seed %u\nstations 2 10\nloss 30 burst 8\n", seed);
		start(text);
		put(5000, 0, ALL, CPC_AC_BE);
		run(10000);
		lost += !last.received;
	}
	ck_assert_uint_ge(lost, 400 * 20 / 100);
	ck_assert_uint_le(lost, 400 * 40 / 100);
}
END_TEST

START_TEST(loss__of_one_link)
{
	start("stations 3 10\nloss 100 link 0 2\nat 1 loss 0\nat 2 loss 100\n");
	put(5000, 0, ALL, CPC_AC_BE);
	put(15000, 2, ALL, CPC_AC_BE);
	run(20000);
	ck_assert(ch.link[0][1].delivered == 1 && ch.link[0][2].lost[CPC_LOST_LOSS] == 1);
	ck_assert_uint_eq(last.received, 3);
	put(1500000, 0, ALL, CPC_AC_BE);
	run(1600000);
	ck_assert_uint_eq(last.received, 6);
	put(2500000, 0, ALL, CPC_AC_BE);
	run(2600000);
	ck_assert_uint_eq(last.received, 0);
}
END_TEST

/* ---- changes --------------------------------------------------------------------------------- */

START_TEST(change__partition_and_heal)
{
	start("stations 4 10\nat 1 partition 0 1 | 2 3\nat 2 heal\n");
	put(1100000, 0, ALL, CPC_AC_BE);
	/* The other group senses nothing: both at once, and no harm done. */
	put(1100010, 2, ALL, CPC_AC_BE);
	run(1200000);
	ck_assert(ch.link[0][1].delivered == 1 && ch.link[2][3].delivered == 1);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_PARTITION], 2);
	ck_assert_uint_eq(counts(2)->lost[CPC_LOST_PARTITION], 2);
	put(2100000, 0, ALL, CPC_AC_BE);
	run(2200000);
	ck_assert_uint_eq(last.received, 14);
}
END_TEST

START_TEST(change__move_and_range)
{
	start("stations 2 10\nrange 100\nat 1 station 1 101 0\nat 2 range 102\n");
	put(500000, 0, ALL, CPC_AC_BE);
	run(600000);
	ck_assert_uint_eq(last.received, 2);
	put(1500000, 0, ALL, CPC_AC_BE);
	run(1600000);
	ck_assert_uint_eq(last.received, 0);
	ck_assert_uint_eq(counts(0)->lost[CPC_LOST_RANGE], 1);
	put(2500000, 0, ALL, CPC_AC_BE);
	run(2600000);
	ck_assert_uint_eq(last.received, 2);
	ck_assert_int_eq(cpc_channel_rssi_dbm(&ch, 0, 1), -85);
}
END_TEST

/* ---- busy ratio ------------------------------------------------------------------------------ */

START_TEST(busy__is_the_time_on_the_air)
{
	uint16_t window[CPC_CHANNEL_WINDOWS_MAX];

	/* 3 is out of range, and senses nothing. */
	start("stations 3 10\nstation 3 1000 0\n");
	for (int i = 0; i < 10; i++)
		put(10000 + i * 1000u, 0, ALL, CPC_AC_BE);
	run(100000);
	ck_assert_uint_eq(cpc_channel_busy_permille(&ch, 0), 52);
	ck_assert_uint_eq(cpc_channel_busy_permille(&ch, 2), 52);
	ck_assert_uint_eq(cpc_channel_busy_permille(&ch, 3), 0);
	run(150000);
	ck_assert_uint_eq(cpc_channel_busy_permille(&ch, 0), 52);
	run(200000);
	ck_assert_uint_eq(cpc_channel_busy_permille(&ch, 0), 0);
	ck_assert_uint_eq(cpc_channel_busy_mean_permille(&ch, 1), 26);
	ck_assert_uint_eq(ch.station[1].busiest_permille, 52);
	ck_assert_uint_eq(cpc_channel_windows(&ch, 1, window), 2);
	ck_assert(window[0] == 52 && window[1] == 0);
}
END_TEST

START_TEST(busy__frame_across_two_windows)
{
	uint16_t window[CPC_CHANNEL_WINDOWS_MAX];

	start("stations 2 10\n");
	put(100000 - 120, 0, ALL, CPC_AC_BE);
	run(200000);
	ck_assert_uint_eq(cpc_channel_windows(&ch, 1, window), 2);
	ck_assert(window[0] == 1 && window[1] == 4);	/* 120 and 400 us of 100 ms */
	cpc_channel_reset(&ch);
	ck_assert_uint_eq(cpc_channel_windows(&ch, 1, window), 0);
	ck_assert_uint_eq(counts(0)->sent, 0);
	/* An hour of silence costs the ring once, and leaves the newest in it. */
	run(3600000000u);
	ck_assert_uint_eq(cpc_channel_windows(&ch, 1, window), CPC_CHANNEL_WINDOWS_MAX);
	put(3600200000u, 0, ALL, CPC_AC_BE);
	run(3600400000u);
	cpc_channel_windows(&ch, 1, window);
	ck_assert(window[597] == 0 && window[598] == 5 && window[599] == 0);
}
END_TEST

/* Overlapping frames keep the air busy once, not twice; and what is sent is what is sensed. */
START_TEST(busy__at_saturation)
{
	uint64_t air = 0;

	start("seed 9\nstations 4 10\n");
	saturate(15, 2000000);
	for (int i = 0; i < 4; i++)
		air += counts(i)->air_us;
	ck_assert_uint_le(ch.station[0].busy_us, air);
	ck_assert_uint_ge(ch.station[0].busy_us * 10, air * 7);
	ck_assert_uint_eq(ch.station[0].busy_us, ch.station[3].busy_us);
	ck_assert_uint_ge(cpc_channel_busy_mean_permille(&ch, 0), 700);
	ck_assert_uint_le(cpc_channel_busy_mean_permille(&ch, 0), 900);
}
END_TEST

/* ---- as a whole ------------------------------------------------------------------------------ */

/* Whatever is done to it: every invariant holds, frames are accounted for, and it is repeatable. */
START_TEST(channel__random_walk)
{
	uint64_t first = 0, sum, random;
	unsigned int round, i, sent;

	for (round = 0; round < 2; round++) {
		random = (uint64_t)_i + 77;
		sum = 0;
		sent = 0;
		start("seed 5\ncapture 6\nstations 8 60\nrange 200 260\nloss 20 burst 3\n"
		      "at 0.3 partition 0 1 2 | 3 4\nat 0.5 heal\nat 0.7 station 0 400 0\n"
		      "at 0.8 loss 60\nat 0.9 range 100\n");
		for (i = 0; i < 3000; i++) {
			uint8_t from = (uint8_t)random_below(&random, 8), to = ALL;

			if (random_below(&random, 5) == 0)
				to = (uint8_t)((from + 1 + random_below(&random, 7)) % 8);
			sent += put(i * 400 + random_below(&random, 300), from, to,
				    (enum cpc_ac)random_below(&random, 4)) == 0;
		}
		run(1000000000);
		ck_assert_uint_eq(ended, sent);
		for (i = 0; i < 8; i++)
			sum = sum * 31 + counts(i)->delivered + counts(i)->air_us * 7 +
			      counts(i)->lost[CPC_LOST_COLLISION] * 3 + ch.station[i].busy_us;
		if (round)
			ck_assert_uint_eq(sum, first);
		first = sum;
	}
}
END_TEST

static Suite *channel_suite(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = tcase_create("channel");

	tcase_add_test(tcase, send__idle_for_long_begins_at_once);
	tcase_add_test(tcase, send__waits_for_aifs_from_the_start);
	tcase_add_test(tcase, send__defers_to_what_it_senses);
	tcase_add_test(tcase, send__backoff_is_held_not_drawn_again);
	tcase_add_test(tcase, send__voice_goes_before_background);
	tcase_add_test(tcase, send__inner_collision);
	tcase_add_test(tcase, send__queue_is_bounded);
	tcase_add_test(tcase, collision__before_it_can_be_sensed);
	tcase_add_test(tcase, collision__hidden_terminals);
	tcase_add_test(tcase, collision__sense_range_protects);
	tcase_add_test(tcase, collision__capture);
	tcase_add_test(tcase, collision__share_at_saturation);
	tcase_add_test(tcase, unicast__acknowledged);
	tcase_add_test(tcase, unicast__retried_up_to_the_limit);
	tcase_add_test(tcase, loss__independent);
	tcase_add_test(tcase, loss__bursts);
	tcase_add_test(tcase, loss__first_frame);
	tcase_add_test(tcase, loss__of_one_link);
	tcase_add_test(tcase, change__partition_and_heal);
	tcase_add_test(tcase, change__move_and_range);
	tcase_add_test(tcase, busy__is_the_time_on_the_air);
	tcase_add_test(tcase, busy__frame_across_two_windows);
	tcase_add_test(tcase, busy__at_saturation);
	tcase_add_loop_test(tcase, channel__random_walk, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return run_suite(channel_suite());
}
