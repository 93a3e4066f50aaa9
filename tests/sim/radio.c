// SPDX-License-Identifier: BSD-3-Clause
/*
 * radio.c - the elements carried by the channel of tools/cpc-medium, to measure what a cell takes:
 * frames, air time, busy ratio, latency.
 *
 *   emit() --> sim_radio_send() --> [ cpc_channel: contention, overlap, loss ] --> SIM_EV_DELIVER
 *                                        ^ SIM_EV_RADIO whenever something happens there
 *
 * No faults but those of the scenario, and silent members. Each member has a carrier every 100 ms
 * (a CAM: best effort, the traffic class that ETSI TS 103 175 gives it); the element lengthens it,
 * or goes in a frame of its own (voice). Members submit at random times. All checks of the oracle
 * hold here as well, but for progress: a scenario need not allow any.
 *
 * Latencies are from submitting an entry to its decision: at its author, and at every member.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/cpc-medium/channel.h"
#include "tools/cpc-medium/report.h"

enum {
	BUCKET_US = 100,
	BUCKETS = 100000,	/* 10 s; later ones count in the last */
	ETHERNET_BYTES = 14,
	/*
	 * From the air to the core and back: receivers that answer a frame do not do so in the same
	 * microsecond, as then none could sense the others.
	 */
	STACK_US = 20, STACK_JITTER_US = 100,
	FILE_MAX = CPC_SCENARIO_BYTES_MAX,
};

struct latency {
	u64 count, sum_us, max_us;
	u32 bucket[BUCKETS];
};

/* A frame under way, and whom it is for. */
struct flight {
	struct sim_frame *frame;	/* NULL: a carrier without an element */
	u32 receivers;
	struct flight *next;		/* in the list of spent ones */
};

struct sim_radio {
	struct sim_options options;
	struct cpc_scenario scenario, seeded;
	struct cpc_channel channel, drain;
	struct flight *spare;
	u64 wake_us;
	u64 submitted_us[SIM_MEMBERS][SIM_SUBMITS + 2];
	FILE *trace;
	/* over all seeds */
	u64 submitted, carriers, standalone, element_bytes, air_us, element_air_us, dropped;
	u64 busy_permille, busiest_permille, virtual_us;
	struct latency author, all;
};

/* ---- latency --------------------------------------------------------------------------------- */

static void add_latency(struct latency *l, u64 us)
{
	u64 bucket = us / BUCKET_US;

	l->count++;
	l->sum_us += us;
	l->max_us = us > l->max_us ? us : l->max_us;
	l->bucket[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
}

/* The upper end of the bucket that holds this part of all, in ms. */
static double quantile_ms(const struct latency *l, unsigned int permille)
{
	u64 wanted = (l->count * permille + 999) / 1000, seen = 0;
	unsigned int i;

	for (i = 0; i < BUCKETS && l->count; i++) {
		seen += l->bucket[i];
		if (seen >= wanted)
			return (i + 1) * (double)BUCKET_US / 1e3;
	}
	return 0;
}

void sim_radio_submitted(struct sim_world *w, const struct sim_node *node, u32 seq)
{
	w->radio->submitted++;
	if (seq < SIM_SUBMITS + 2)
		w->radio->submitted_us[node->index][seq] = w->now_us;
}

void sim_radio_decided(struct sim_world *w, const struct sim_node *node,
		       const struct cpc_effects *fx)
{
	struct sim_radio *radio = w->radio;
	unsigned int i, k;
	u32 seq;

	for (i = 0; i < fx->decisions; i++)
		for (k = 0; k < fx->decision[i].lanes; k++) {
			const struct cpc_decided_lane *lane = &fx->decision[i].lane[k];

			for (seq = lane->from; seq <= lane->seq && seq < SIM_SUBMITS + 2; seq++) {
				u64 us = w->now_us - radio->submitted_us[lane->lane][seq];

				add_latency(&radio->all, us);
				if (lane->lane == node->index)
					add_latency(&radio->author, us);
			}
		}
}

/* ---- the channel ----------------------------------------------------------------------------- */

static void schedule(struct sim_world *w)
{
	struct sim_event e = { .type = SIM_EV_RADIO,
			       .at_us = cpc_channel_next_us(&w->radio->channel) };

	if (e.at_us >= w->radio->wake_us)
		return;
	w->radio->wake_us = e.at_us;
	sim_queue_push(&w->queue, &e);
}

static void land(struct sim_world *w, struct flight *flight, u64 received)
{
	struct sim_event e = { .type = SIM_EV_DELIVER };
	unsigned int i;

	for (i = 0; i < w->plan.n && flight->frame; i++) {
		if (!(received & flight->receivers & 1ull << i))
			continue;
		e.at_us = w->now_us + STACK_US + sim_below(&w->random, STACK_JITTER_US);
		e.node = (u8)i;
		e.frame = sim_frame_get(flight->frame);
		sim_queue_push(&w->queue, &e);
	}
	sim_frame_put(flight->frame);
	flight->next = w->radio->spare;
	w->radio->spare = flight;
}

static void catch_up(struct sim_world *w)
{
	struct cpc_channel_done done;

	while (cpc_channel_advance(&w->radio->channel, w->now_us, &done))
		land(w, (struct flight *)(uintptr_t)done.frame.tag, done.received);
}

void sim_radio_event(struct sim_world *w)
{
	if (w->now_us >= w->radio->wake_us)
		w->radio->wake_us = CPC_NEVER_US;
	catch_up(w);
	schedule(w);
}

/* @bytes as Ethernet counts them. */
static void transmit(struct sim_world *w, unsigned int sender, struct sim_frame *frame,
		     u32 receivers, enum cpc_ac ac, size_t bytes)
{
	struct sim_radio *radio = w->radio;
	struct flight *flight = radio->spare;
	struct cpc_channel_frame f = { .from = (u8)sender, .to = CPC_ALL_STATIONS, .ac = (u8)ac,
				       .octets = (u16)(bytes + CPC_AIR_OVER_ETHERNET) };

	if (flight)
		radio->spare = flight->next;
	else
		flight = malloc(sizeof(*flight));
	if (!flight)
		abort();
	flight->frame = frame ? sim_frame_get(frame) : NULL;
	flight->receivers = receivers;
	f.tag = (uintptr_t)flight;
	catch_up(w);
	if (radio->trace)
		fprintf(radio->trace, "%llu %u %u %u\n", (unsigned long long)w->now_us, sender,
			f.octets, ac);
	/* A full queue loses the frame; the channel counts it. */
	if (cpc_channel_send(&radio->channel, w->now_us, &f))
		land(w, flight, 0);
	schedule(w);
}

void sim_radio_send(struct sim_world *w, struct sim_frame *frame, u32 receivers)
{
	struct sim_radio *radio = w->radio;
	size_t trailer = cpc_element_trailer(w->plan.n), element = frame->len + trailer;
	size_t carrier = frame->standalone ? 0 : radio->options.carrier_octets;
	size_t bytes = (carrier ? carrier : ETHERNET_BYTES) + element;
	unsigned int rate = radio->scenario.rate_mbit_s, i;

	for (i = 0; i < frame->relays; i++) {
		element += frame->relayed[i]->len + trailer;
		bytes += frame->relayed[i]->len + trailer;
	}
	radio->element_bytes += element;
	radio->element_air_us += cpc_air_us(bytes + CPC_AIR_OVER_ETHERNET, rate);
	if (carrier)
		radio->element_air_us -= cpc_air_us(carrier + CPC_AIR_OVER_ETHERNET, rate);
	radio->carriers += !frame->standalone;
	radio->standalone += frame->standalone;
	transmit(w, frame->sender, frame, receivers, frame->standalone ? CPC_AC_VO : CPC_AC_BE,
		 bytes);
}

void sim_radio_empty(struct sim_world *w, const struct sim_node *node)
{
	w->radio->carriers++;
	transmit(w, node->index, NULL, 0, CPC_AC_BE, w->radio->options.carrier_octets);
}

u16 sim_radio_busy(struct sim_world *w, const struct sim_node *node)
{
	catch_up(w);
	return (u16)cpc_channel_busy_permille(&w->radio->channel, node->index);
}

void sim_radio_start(struct sim_world *w)
{
	struct sim_radio *radio = w->radio;

	radio->seeded = radio->scenario;
	radio->seeded.seed += w->plan.seed * 1000003;
	radio->wake_us = CPC_NEVER_US;
	cpc_channel_init(&radio->channel, &radio->seeded, 0);
	schedule(w);
}

/* ---- the measurement ------------------------------------------------------------------------- */

static int read_scenario(const char *path, struct cpc_scenario *scenario)
{
	struct cpc_error error = { "" };
	FILE *in = fopen(path, "r");
	char *text = malloc(FILE_MAX + 1);
	size_t len = 0;
	int r = -1;

	if (in && text)
		len = fread(text, 1, FILE_MAX + 1, in);
	if (!in || !text || ferror(in))
		fprintf(stderr, "cpc-sim: cannot read '%s'\n", path);
	else if (cpc_scenario_parse(path, text, len, scenario, &error))
		fprintf(stderr, "cpc-sim: %s\n", error.text);
	else if (scenario->stations < CPC_MEMBERS_MIN || scenario->stations > SIM_MEMBERS)
		fprintf(stderr, "cpc-sim: %s has %u stations: a cell takes %d to %d\n", path,
			scenario->stations, CPC_MEMBERS_MIN, SIM_MEMBERS);
	else
		r = 0;
	free(text);
	if (in)
		fclose(in);
	return r;
}

static bool good_options(const struct sim_options *o, const struct cpc_scenario *s)
{
	const struct {
		const char *name;
		unsigned int value, min, max;
	} bounds[] = {
		{ "--silent", o->silent, 0, (s->stations - 1u) / 3 },
		{ "--seconds", o->seconds, 1, 600 },
		{ "--submit-ms", o->submit_ms, 10, 60000 },
		{ "--carrier-octets", o->carrier_octets, 60, 1000 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (bounds[i].value < bounds[i].min || bounds[i].value > bounds[i].max) {
			fprintf(stderr, "cpc-sim: %s %u: it is %u to %u here\n", bounds[i].name,
				bounds[i].value, bounds[i].min, bounds[i].max);
			return false;
		}
	return true;
}

static void make_plan(const struct sim_radio *radio, u64 seed, struct sim_plan *p)
{
	const struct sim_options *o = &radio->options;
	unsigned int i;

	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->n = radio->scenario.stations;
	p->f = (u8)((p->n - 1) / 3);
	p->pacing = o->pacing < 0 ? CPC_PACING_EARLY : (u8)o->pacing;
	p->slow_first_view = o->slow > 0;
	p->period_us = 100000;
	p->heal_us = o->seconds * 1000000ull;
	p->submit_gap_us = o->submit_ms * 1000;
	p->answers = 100;
	p->room = 1200;
	for (i = p->n - o->silent; i < p->n; i++)
		p->role[i] = SIM_CRASHES;
}

static void collect(struct sim_radio *radio, u64 now_us, unsigned int alive)
{
	struct cpc_channel *ch = &radio->channel;
	u64 busy = 0;
	unsigned int i;

	for (i = 0; i < alive; i++) {
		u64 most;

		radio->air_us += ch->station[i].counts.air_us;
		radio->dropped += ch->station[i].counts.dropped;
		busy += cpc_channel_busy_mean_permille(ch, i);
		most = ch->station[i].busiest_permille;
		radio->busiest_permille = most > radio->busiest_permille ? most :
									   radio->busiest_permille;
	}
	radio->busy_permille += busy / alive;
	radio->virtual_us += now_us;
}

static void print_latency(const char *name, const struct latency *l)
{
	printf("\"%s\":{\"count\":%llu,\"mean_ms\":%.1f,\"p50_ms\":%.1f,\"p99_ms\":%.1f,"
	       "\"max_ms\":%.1f}", name, (unsigned long long)l->count,
	       l->count ? (double)l->sum_us / (double)l->count / 1e3 : 0, quantile_ms(l, 500),
	       quantile_ms(l, 990), (double)l->max_us / 1e3);
}

static void print_json(struct sim_radio *r, const struct sim_totals *t)
{
	static const char *const pacing[] = { "carrier", "early", "urgent" };
	double slots = t->slots ? (double)t->slots : 1;

	printf("{\"n\":%u,\"pacing\":\"%s\",\"silent\":%u,\"seeds\":%llu,\"virtual_s\":%.1f,"
	       "\"slots\":%llu,\"entries\":%llu,\"submitted\":%llu,\"views\":%llu,"
	       "\"installs\":%llu,\n",
	       r->scenario.stations, pacing[r->options.pacing < 0 ? 1 : r->options.pacing],
	       r->options.silent, (unsigned long long)t->seeds, (double)r->virtual_us / 1e6,
	       (unsigned long long)t->slots, (unsigned long long)t->entries,
	       (unsigned long long)r->submitted, (unsigned long long)t->views,
	       (unsigned long long)t->installs);
	printf("\"latency\":{");
	print_latency("author", &r->author);
	printf(",");
	print_latency("all", &r->all);
	printf("},\n\"carriers\":%llu,\"standalone\":%llu,\"element_bytes\":%llu,"
	       "\"air_ms\":%.3f,\"element_air_ms\":%.3f,\"queue_drops\":%llu,\n",
	       (unsigned long long)r->carriers, (unsigned long long)r->standalone,
	       (unsigned long long)r->element_bytes, (double)r->air_us / 1e3,
	       (double)r->element_air_us / 1e3, (unsigned long long)r->dropped);
	printf("\"per_slot\":{\"carriers\":%.2f,\"standalone\":%.2f,\"air_ms\":%.3f,"
	       "\"element_air_ms\":%.3f,\"element_bytes\":%.0f},\n\"busy\":%.4f,"
	       "\"busy_max\":%.3f,\n\"last_seed\":{", (double)r->carriers / slots,
	       (double)r->standalone / slots, (double)r->air_us / 1e3 / slots,
	       (double)r->element_air_us / 1e3 / slots, (double)r->element_bytes / slots,
	       (double)r->busy_permille / 1e3 / (double)t->seeds,
	       (double)r->busiest_permille / 1e3);
	cpc_channel_report(&r->channel, stdout);
	printf("}}\n");
}

static void print_text(const struct sim_radio *r, const struct sim_totals *t)
{
	double slots = t->slots ? (double)t->slots : 1;

	printf("n=%u silent=%u: %llu slots, %llu entries in %.1f s; %.2f frames and %.2f carriers "
	       "per slot, %.2f ms of air (elements: %.2f)\n", r->scenario.stations,
	       r->options.silent, (unsigned long long)t->slots, (unsigned long long)t->entries,
	       (double)r->virtual_us / 1e6, (double)r->standalone / slots,
	       (double)r->carriers / slots, (double)r->air_us / 1e3 / slots,
	       (double)r->element_air_us / 1e3 / slots);
	printf("latency at the author: p50 %.1f ms, p99 %.1f ms; everywhere: p50 %.1f ms, p99 %.1f "
	       "ms; busy %.3f, at most %.3f\n", quantile_ms(&r->author, 500),
	       quantile_ms(&r->author, 990), quantile_ms(&r->all, 500),
	       quantile_ms(&r->all, 990), (double)r->busy_permille / 1e3 / (double)t->seeds,
	       (double)r->busiest_permille / 1e3);
}

/* What is still queued when a history ends goes nowhere. */
static void drain(struct sim_world *w)
{
	struct sim_radio *radio = w->radio;
	struct cpc_channel_done done;

	/* On a copy: the report is still to be made. */
	radio->drain = radio->channel;
	/* Those of one queue or more take seconds at most. */
	while (cpc_channel_advance(&radio->drain, radio->drain.now_us + 60000000, &done))
		land(w, (struct flight *)(uintptr_t)done.frame.tag, 0);
}

static void measure(struct sim_radio *radio, struct sim_totals *totals)
{
	struct sim_world *w = sim_world_new();
	const struct sim_options *o = &radio->options;
	struct sim_plan plan;
	struct flight *flight;
	u64 seed;

	w->radio = radio;
	w->verbose = o->verbose;
	sim_trace_watch(w);
	for (seed = o->first; seed < o->first + o->seeds; seed++) {
		make_plan(radio, seed, &plan);
		sim_run(w, &plan, totals);
		cpc_channel_check(&radio->channel);
		catch_up(w);
		collect(radio, w->now_us, plan.n - o->silent);
		if (radio->trace)
			fprintf(radio->trace, "%llu end\n", (unsigned long long)w->now_us);
		drain(w);
	}
	sim_world_free(w);
	while ((flight = radio->spare)) {
		radio->spare = flight->next;
		free(flight);
	}
}

int sim_radio_main(const struct sim_options *o)
{
	struct sim_radio *radio = calloc(1, sizeof(*radio));
	struct sim_totals totals = { 0 };
	int status = 2;

	if (!radio)
		abort();
	radio->options = *o;
	if (read_scenario(o->medium, &radio->scenario) || !good_options(o, &radio->scenario))
		goto out;
	radio->trace = o->trace ? fopen(o->trace, "w") : NULL;
	if (o->trace && o->seeds != 1) {
		fprintf(stderr, "cpc-sim: --trace goes with --seeds 1\n");
		goto out;
	}
	if (o->trace && !radio->trace) {
		fprintf(stderr, "cpc-sim: cannot write '%s'\n", o->trace);
		goto out;
	}
	measure(radio, &totals);
	if (o->json)
		print_json(radio, &totals);
	else
		print_text(radio, &totals);
	status = radio->trace && fclose(radio->trace) ? 1 : 0;
out:
	free(radio);
	return status;
}
