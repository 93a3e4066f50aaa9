// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-cellsim - how fast a cell decides, in virtual time: real cores, real bytes, the channel model
 * of the emulator (tools/cpc-medium), and computing that takes no time at all.
 *
 *   entries --> [core 0] [core 1] ... [core n-1]        carriers: CAMs at 10 Hz, out of step
 *                  |  ^
 *                  v  |   elements, behind CAMs or in frames of their own
 *            ( EDCA, air time, loss: tools/cpc-medium/channel.h )
 *
 * What this tells and the guest cannot: the whole matrix of sizes, losses, faults and pacings,
 * the same on any machine, in seconds. What only the guest can: what computing costs. Each core is
 * driven as the module drives it: woken no more often than every WAKE_FLOOR_US, one frame per wish.
 *
 *   cpc-cellsim [--n N] [--silent K] [--loss PERCENT] [--pacing carrier|early|urgent]
 *               [--rate 3|6|12] [--no-carriers] [--no-air] [--count N] [--full SECONDS]
 *               [--bytes B] [--seed S] [--slow US]
 *
 * Without --full: one entry in the cell at a time, by the members in turn; the next one follows
 * a random pause of up to 100 ms after all have decided it. Per decision:
 *   frames   of the cell's own, also what comes too late to help; elements on carriers cost none
 *   bytes    of all elements in such frames, and of those on carriers until all have decided
 *   air_ms   of these frames, and of what the elements add to the carriers
 * With --slow a frame takes so much longer from core to core, give or take half, as on slow
 * computers.
 * With --full every member keeps its lane full. --no-air: frames arrive after HOP_US, as in a guest
 * without the emulator, and only --loss can lose them.
 *
 * Silent members are the last ones: no element and no carrier ever comes from them.
 */
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cpchain/core.h>

#include "agent/log/verify.h"
#include "tools/common/random.h"
#include "tools/cpc-medium/channel.h"

enum {
	MEMBERS = 64,
	FRAMES = 256,			/* on their way at once, all stations together */
	CARRIER_BYTES = 230,		/* a CAM with its Ethernet header */
	CARRIER_ROOM = CPC_ELEMENT_MAX - CARRIER_BYTES,
	ETHERNET_BYTES = 14,
	PERIOD_US = 100000,
	WAKE_FLOOR_US = 200,		/* as kmod/cell.h */
	HOP_US = 50,
	AGENT_US = 200,			/* to twice that: an agent hears of a decision, submits */
	DRIVER_US = 20,			/* from the element to the radio's queue, ... */
	DRIVER_JITTER_US = 40,		/* ... and up to so much more: no two computers are alike */
	PAUSE_US = 100000,
	DECIDE_LIMIT_US = 120000000,
	SAMPLES_MAX = 100000,
};

struct options {
	u8 n, silent, pacing;
	unsigned long loss, rate, count, full_s, bytes, seed, slow_us;
	bool carriers, air;
};

struct frame {
	bool used;
	u8 sender;
	u16 len;			/* of header and sections */
	bool queued;			/* with the radio, which has its own time */
	u64 due_us;			/* not queued: there, or with the receivers without air */
	u64 to;				/* without air: which receivers */
	struct cpc_channel_frame on_air;
	u8 data[CPC_ELEMENT_MAX];
};

struct node {
	struct cpc_core *core;
	struct cpc_effects fx;
	u64 wake_us, carrier_us;
	u64 fill_us;			/* when its agent fills the lane again; with --full */
	u32 own_seq, own_decided;	/* lane sequences */
	u64 submitted_us;
	u64 entries;			/* decided, of all lanes */
};

struct cost {
	u64 frames, bytes, air_us;
};

struct world {
	struct options o;
	u64 now_us, random, elements, slots;
	bool pausing;		/* what carriers bring now is of no decision */
	struct cpc_scenario scenario;
	struct cpc_channel channel;
	struct node node[MEMBERS];
	struct frame frame[FRAMES];
	struct cost cost;
};

static unsigned int speaking(const struct options *o)
{
	return o->n - o->silent;
}

/* ---- a core, as the module drives it --------------------------------------------------------- */

static void emit(struct world *w, unsigned int self, bool standalone);
static void note_decisions(struct world *w, unsigned int self)
{
	struct node *node = &w->node[self];
	unsigned int d, i;

	for (d = 0; d < node->fx.decisions; d++) {
		const struct cpc_decision *decision = &node->fx.decision[d];

		w->slots += self == 0;
		for (i = 0; i < decision->lanes; i++) {
			const struct cpc_decided_lane *lane = &decision->lane[i];

			node->entries += lane->seq - lane->from + 1;
			if (lane->lane == self)
				node->own_decided = lane->seq;
		}
	}
}

static int step(struct world *w, unsigned int self, struct cpc_event *event)
{
	struct node *node = &w->node[self];
	bool send, decided;
	int r;

	event->now_us = w->now_us;
	r = cpc_step(node->core, event, &node->fx);
	note_decisions(w, self);
	send = node->fx.send && event->type != CPC_EV_CARRIER;
	decided = node->fx.decisions != 0;
	node->wake_us = node->fx.wake_us;
	if (node->wake_us < w->now_us + WAKE_FLOOR_US)
		node->wake_us = w->now_us + WAKE_FLOOR_US;
	if (event->type == CPC_EV_CARRIER && node->fx.send)
		node->wake_us = w->now_us + WAKE_FLOOR_US;
	if (send)
		emit(w, self, true);
	if (decided && w->o.full_s && node->fill_us == CPC_NEVER_US)
		node->fill_us = w->now_us + AGENT_US + cpc_random_below(&w->random, AGENT_US);
	return r;
}

static int submit(struct world *w, unsigned int self)
{
	u8 data[CPC_ENTRY_DATA_MAX] = { 0 };
	struct cpc_event event = {
		.type = CPC_EV_SUBMIT,
		.submit = { .kind = CPC_ENTRY_ORDINARY, .data = data, .len = w->o.bytes },
	};
	u64 random = cpc_random_next(&w->random);
	u32 before = w->node[self].core->member[self].lane.last;
	int r;

	memcpy(data, &random, sizeof(random));
	w->node[self].submitted_us = w->now_us;
	w->node[self].own_seq = before + 1;
	r = step(w, self, &event);
	return r;
}

static void fill_lane(struct world *w, unsigned int self)
{
	while (submit(w, self) == 0)
		;
}

/* ---- the air --------------------------------------------------------------------------------- */

static struct frame *free_frame(struct world *w, u64 *ret_tag)
{
	u64 i;

	for (i = 0; i < FRAMES; i++) {
		if (w->frame[i].used)
			continue;
		*ret_tag = i;
		return &w->frame[i];
	}
	abort();
}

static void put_on_air(struct world *w, struct frame *frame, u64 tag, bool standalone)
{
	size_t element = frame->len ? frame->len + cpc_element_trailer(w->o.n) : 0;
	size_t alone = standalone ? ETHERNET_BYTES : CARRIER_BYTES;
	struct cpc_channel_frame on_air = {
		.tag = tag,
		.octets = (u16)(alone + element + CPC_AIR_OVER_ETHERNET),
		.from = frame->sender,
		.to = CPC_ALL_STATIONS,
		.ac = standalone ? CPC_AC_VO : CPC_AC_BE,
	};
	unsigned int rate = (unsigned int)w->o.rate, i;

	if (standalone || !w->pausing) {
		w->cost.frames += standalone;
		w->cost.bytes += element;
		w->cost.air_us += cpc_air_us(on_air.octets, rate);
	}
	if (!standalone && !w->pausing)
		w->cost.air_us -= cpc_air_us(alone + CPC_AIR_OVER_ETHERNET, rate);
	frame->used = true;
	frame->queued = false;
	frame->on_air = on_air;
	frame->due_us = w->now_us + HOP_US;
	frame->to = 0;
	if (w->o.air) {
		frame->due_us = w->now_us + DRIVER_US +
				cpc_random_below(&w->random, DRIVER_JITTER_US) + w->o.slow_us / 2 +
				cpc_random_below(&w->random, (u32)w->o.slow_us);
		return;
	}
	for (i = 0; i < speaking(&w->o); i++)
		if (i != frame->sender && cpc_random_below(&w->random, 100) >= w->o.loss)
			frame->to |= (u64)1 << i;
}

static void emit(struct world *w, unsigned int self, bool standalone)
{
	u64 tag;
	struct frame *frame = free_frame(w, &tag);
	size_t room = standalone ? CPC_ELEMENT_MAX : CARRIER_ROOM;
	struct cpc_event event = {
		.type = CPC_EV_CARRIER,
		.carrier = { .data = frame->data, .room = room - cpc_element_trailer(w->o.n),
			     .standalone = standalone },
	};
	int r;

	frame->used = true;
	r = step(w, self, &event);
	frame->used = false;
	frame->sender = (u8)self;
	frame->len = r == 0 ? (u16)w->node[self].fx.element_len : 0;
	w->elements += frame->len != 0;
	if (frame->len || !standalone)
		put_on_air(w, frame, tag, standalone);
}

static void deliver(struct world *w, u64 tag, u64 receivers)
{
	struct frame *frame = &w->frame[tag];
	struct cpc_event event = {
		.type = CPC_EV_ELEMENT,
		.element = { .data = frame->data, .len = frame->len },
	};
	unsigned int i;

	for (i = 0; frame->len && i < speaking(&w->o); i++)
		if (receivers >> i & 1)
			step(w, i, &event);
	frame->used = false;
}

static void deliver_due(struct world *w)
{
	struct cpc_channel_done done;
	u64 i;

	while (w->o.air && cpc_channel_advance(&w->channel, w->now_us, &done))
		deliver(w, done.frame.tag, done.received);
	for (i = 0; i < FRAMES; i++) {
		struct frame *frame = &w->frame[i];

		if (!frame->used || frame->queued || frame->due_us > w->now_us)
			continue;
		if (!w->o.air) {
			deliver(w, i, frame->to);
			continue;
		}
		frame->queued = true;
		/* A full queue of the radio drops it, as any loss does. */
		if (cpc_channel_send(&w->channel, w->now_us, &frame->on_air))
			frame->used = false;
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static u64 sooner(u64 a, u64 b)
{
	return a < b ? a : b;
}

static u64 next_us(const struct world *w)
{
	u64 at = w->o.air ? cpc_channel_next_us(&w->channel) : CPC_NEVER_US, i;

	for (i = 0; i < FRAMES; i++)
		if (w->frame[i].used && !w->frame[i].queued)
			at = sooner(at, w->frame[i].due_us);
	for (i = 0; i < speaking(&w->o); i++)
		at = sooner(at, sooner(w->node[i].fill_us,
				       sooner(w->node[i].wake_us, w->node[i].carrier_us)));
	return at;
}

/* Everything that happens up to the next point in time, or to @limit_us. */
static void advance(struct world *w, u64 limit_us)
{
	struct cpc_event tick = { .type = CPC_EV_TICK };
	unsigned int i;
	u64 at = sooner(next_us(w), limit_us);

	w->now_us = at > w->now_us ? at : w->now_us;
	deliver_due(w);
	for (i = 0; i < speaking(&w->o); i++) {
		struct node *node = &w->node[i];

		if (w->now_us >= node->wake_us)
			step(w, i, &tick);
		if (w->now_us >= node->fill_us) {
			node->fill_us = CPC_NEVER_US;
			fill_lane(w, i);
		}
		if (w->now_us < node->carrier_us)
			continue;
		node->carrier_us += PERIOD_US - PERIOD_US / 50 +
				    cpc_random_below(&w->random, PERIOD_US / 25);
		emit(w, i, false);
	}
}

static void run_until(struct world *w, u64 until_us)
{
	while (w->now_us < until_us)
		advance(w, until_us);
}

static void make_scenario(struct world *w)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "rate %lu\nseed %lu\nstations %u\nloss %lu\n",
			   w->o.rate, w->o.seed, w->o.n, w->o.loss);
	struct cpc_error error;

	if (cpc_scenario_parse("options", text, (size_t)len, &w->scenario, &error)) {
		fprintf(stderr, "cpc-cellsim: %s\n", error.text);
		exit(2);
	}
	cpc_channel_init(&w->channel, &w->scenario, 0);
}

static void start(struct world *w)
{
	unsigned int i;

	w->random = w->o.seed;
	make_scenario(w);
	for (i = 0; i < speaking(&w->o); i++) {
		struct cpc_config config = {
			.n = w->o.n, .self = (u8)i, .cell = 1, .epoch = 1,
			.pacing = w->o.pacing, .default_verdict = CPC_VERDICT_NONE,
			.period_us = PERIOD_US, .seed = cpc_random_next(&w->random),
			.hash = cpc_sha256,
		};

		w->node[i].core = calloc(1, cpc_core_size(w->o.n));
		if (!w->node[i].core || cpc_core_init(w->node[i].core, &config, 0))
			abort();
		w->node[i].wake_us = 0;
		w->node[i].fill_us = CPC_NEVER_US;
		w->node[i].carrier_us = CPC_NEVER_US;
		if (w->o.carriers)
			w->node[i].carrier_us = cpc_random_below(&w->random, PERIOD_US);
	}
	/* Everybody is heard, and gaps between carriers are known, before anything is measured. */
	run_until(w, w->o.carriers ? 2000000 : 1000);
}

/* ---- one at a time --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

static double nearest_rank_ms(const u32 *sorted, size_t count, unsigned int percent)
{
	size_t rank = (count * percent + 99) / 100;

	return count ? sorted[rank ? rank - 1 : 0] / 1000.0 : 0;
}

static bool all_decided(const struct world *w, u64 entries)
{
	unsigned int i;

	for (i = 0; i < speaking(&w->o); i++)
		if (w->node[i].entries < entries)
			return false;
	return true;
}

static bool decide_one(struct world *w, u64 entry, u32 *ret_us)
{
	unsigned int self = (unsigned int)(entry % speaking(&w->o));
	struct node *node = &w->node[self];
	u64 start_us = w->now_us, limit_us = start_us + DECIDE_LIMIT_US;
	bool own = false;

	if (submit(w, self))
		return false;
	while (w->now_us < limit_us) {
		if (!own && node->own_decided >= node->own_seq) {
			*ret_us = (u32)(w->now_us - start_us);
			own = true;
		}
		if (own && all_decided(w, entry + 1))
			return true;
		advance(w, limit_us);
	}
	return false;
}

static const char *pacing_name(u8 pacing)
{
	static const char *const names[] = { "carrier", "early", "urgent" };

	return names[pacing];
}

static int run_decisions(struct world *w)
{
	static u32 sample_us[SAMPLES_MAX];
	struct cost sum = { 0 };
	const struct options *o = &w->o;
	double count = (double)o->count;
	u64 i;

	for (i = 0; i < o->count; i++) {
		memset(&w->cost, 0, sizeof(w->cost));
		if (!decide_one(w, i, &sample_us[i])) {
			fprintf(stderr, "cpc-cellsim: n=%u loss=%lu silent=%u %s: entry %llu is "
				"not decided everywhere within %u s\n", o->n, o->loss, o->silent,
				pacing_name(o->pacing), (unsigned long long)i,
				DECIDE_LIMIT_US / 1000000);
			return 1;
		}
		w->pausing = true;
		run_until(w, w->now_us + cpc_random_below(&w->random, PAUSE_US));
		w->pausing = false;
		sum.frames += w->cost.frames;
		sum.bytes += w->cost.bytes;
		sum.air_us += w->cost.air_us;
	}
	qsort(sample_us, o->count, sizeof(sample_us[0]), compare);
	printf("{\"n\":%u,\"loss_percent\":%lu,\"silent\":%u,\"pacing\":\"%s\",\"p50_ms\":%.3f,"
	       "\"p99_ms\":%.3f,\"frames\":%.2f,\"bytes\":%.1f,\"air_ms\":%.3f,\"count\":%lu,"
	       "\"source\":\"simulator\"}\n", o->n, o->loss, o->silent, pacing_name(o->pacing),
	       nearest_rank_ms(sample_us, o->count, 50), nearest_rank_ms(sample_us, o->count, 99),
	       (double)sum.frames / count, (double)sum.bytes / count,
	       (double)sum.air_us / count / 1000, o->count);
	return 0;
}

/* ---- full lanes ------------------------------------------------------------------------------ */

static int run_full(struct world *w)
{
	u64 start_us = w->now_us, entries = ~0ull, slots;
	double seconds = (double)w->o.full_s;
	unsigned int i;

	memset(&w->cost, 0, sizeof(w->cost));
	slots = w->slots;
	for (i = 0; i < speaking(&w->o); i++)
		fill_lane(w, i);
	run_until(w, start_us + w->o.full_s * 1000000);
	for (i = 0; i < speaking(&w->o); i++)
		entries = sooner(entries, w->node[i].entries);
	slots = w->slots - slots;
	printf("{\"n\":%u,\"bytes\":%lu,\"pacing\":\"%s\",\"entries_per_s\":%.1f,"
	       "\"slots_per_s\":%.1f,\"frames_per_s\":%.1f,\"bytes_per_frame\":%.1f,"
	       "\"source\":\"simulator\"}\n", w->o.n, w->o.bytes, pacing_name(w->o.pacing),
	       (double)entries / seconds, (double)slots / seconds,
	       (double)w->cost.frames / seconds,
	       w->cost.frames ? (double)w->cost.bytes / (double)w->cost.frames : 0);
	return 0;
}

/* ---- the command line ------------------------------------------------------------------------ */

static unsigned long number(const char *text, unsigned long min, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < min || value > max) {
		fprintf(stderr, "cpc-cellsim: '%s' is not a number from %lu to %lu\n", text, min,
			max);
		exit(2);
	}
	return value;
}

static u8 pacing(const char *text)
{
	u8 i;

	for (i = 0; i <= CPC_PACING_URGENT; i++)
		if (strcmp(text, pacing_name(i)) == 0)
			return i;
	fprintf(stderr, "cpc-cellsim: '%s' is none of carrier, early, urgent\n", text);
	exit(2);
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "n", required_argument, NULL, 'n' },
		{ "silent", required_argument, NULL, 'k' },
		{ "loss", required_argument, NULL, 'l' },
		{ "pacing", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ "no-carriers", no_argument, NULL, 'C' },
		{ "no-air", no_argument, NULL, 'A' },
		{ "count", required_argument, NULL, 'c' },
		{ "full", required_argument, NULL, 'f' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "seed", required_argument, NULL, 's' },
		{ "slow", required_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 'n': o->n = (u8)number(optarg, CPC_MEMBERS_MIN, MEMBERS); break;
		case 'k': o->silent = (u8)number(optarg, 0, MEMBERS / 3); break;
		case 'l': o->loss = number(optarg, 0, 90); break;
		case 'p': o->pacing = pacing(optarg); break;
		case 'r': o->rate = number(optarg, 3, 12); break;
		case 'C': o->carriers = false; break;
		case 'A': o->air = false; break;
		case 'c': o->count = number(optarg, 1, SAMPLES_MAX); break;
		case 'f': o->full_s = number(optarg, 1, 1000); break;
		case 'b': o->bytes = number(optarg, 8, CPC_ENTRY_DATA_MAX); break;
		case 's': o->seed = number(optarg, 0, ~0ul); break;
		case 'S': o->slow_us = number(optarg, 0, 20000); break;
		default: exit(2);
		}
}

int main(int argc, char **argv)
{
	static struct world w = {
		.o = { .n = 4, .pacing = CPC_PACING_EARLY, .rate = 6, .count = 200, .bytes = 64,
		       .seed = 1, .carriers = true, .air = true },
	};

	parse(argc, argv, &w.o);
	if (w.o.silent > cpc_faulty(w.o.n)) {
		fprintf(stderr, "cpc-cellsim: of %u members at most %u may be silent, not %u\n",
			w.o.n, cpc_faulty(w.o.n), w.o.silent);
		return 2;
	}
	start(&w);
	return w.o.full_s ? run_full(&w) : run_decisions(&w);
}
