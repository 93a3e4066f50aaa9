// SPDX-License-Identifier: BSD-3-Clause
/*
 * plan.c - from a seed to what its history is about.
 *
 * Every seed mixes a few troubles rather than all of them: where everything is broken nothing is
 * decided, and then nothing can be decided wrongly either.
 */
#include "tests/sim/sim.h"

#include <stdio.h>

static const char *const trick_names[SIM_TRICKS] = {
	"twin", "equivocate", "frozen", "helpful", "relay", "verdict", "jump", "counter",
	"malformed", "replay", "have", "claim", "withhold", "selective", "silent",
};

const char *sim_trick_name(unsigned int trick)
{
	return trick_names[trick];
}

/* Small cells are cheap and have the tightest quorums: most seeds go there. */
static u8 cell_size(u64 *random, u32 cells)
{
	static const u8 usual[] = { 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 7, 7, 7, 5, 6, 8, 10, 16 };
	unsigned int i, start = sim_below(random, sizeof(usual));

	for (i = 0; i < sizeof(usual); i++)
		if (cells & 1u << usual[(start + i) % sizeof(usual)])
			return usual[(start + i) % sizeof(usual)];
	for (i = CPC_MEMBERS_MIN; i < SIM_MEMBERS && !(cells & 1u << i); i++)
		;
	return (u8)i;
}

static void plan_medium(struct sim_plan *p, u64 *random)
{
	static const u8 losses[] = { 0, 0, 5, 20, 40, 60 };
	unsigned int i, k;

	p->loss = losses[sim_below(random, sizeof(losses))];
	p->bursts = p->loss && sim_chance(random, 30);
	p->after_loss = sim_chance(random, 25) ? 10 : 0;
	p->doubles = sim_chance(random, 30) ? 20 : 0;
	p->delay_us = 300 + sim_below(random, 1500);
	p->jitter_us = sim_below(random, 2000);
	if (sim_chance(random, 15))
		p->jitter_us = 2 * p->period_us;
	if (sim_chance(random, 30)) {
		p->cutoffs = (u8)(1 + sim_below(random, SIM_CUTOFFS));
		for (i = 0; i < p->cutoffs; i++) {
			struct sim_cutoff *c = &p->cutoff[i];

			c->from_us = sim_below(random, (u32)p->heal_us);
			c->to_us = c->from_us + sim_below(random, (u32)p->heal_us);
			c->side = sim_below(random, 1u << p->n);
		}
	}
	if (sim_chance(random, 15))
		for (i = 0; i < p->n; i++)
			for (k = 0; k < p->n; k++)
				if (i != k && sim_chance(random, 15))
					p->deaf[i] |= 1u << k;
}

/* One trick or a few; sometimes a member whose only fault is to be two. */
static u32 plan_tricks(u64 *random)
{
	unsigned int i, count = 1 + sim_below(random, 4);
	u32 tricks = 0;

	if (sim_chance(random, 20))
		return SIM_TWIN;
	for (i = 0; i < count; i++)
		tricks |= 1u << sim_below(random, SIM_TRICKS);
	if (tricks & SIM_SILENT && sim_chance(random, 60))
		tricks = SIM_SILENT;
	return tricks;
}

static void plan_faults(struct sim_plan *p, u64 *random)
{
	unsigned int left = sim_chance(random, 75) ? p->f : sim_below(random, p->f + 1u);

	while (left) {
		unsigned int i = sim_below(random, p->n);

		if (p->role[i] != SIM_CORRECT)
			continue;
		left--;
		if (sim_chance(random, 15)) {
			p->role[i] = SIM_CRASHES;
			p->crash_us[i] = sim_below(random, (u32)p->heal_us + 500000);
			continue;
		}
		p->role[i] = SIM_FAULTY;
		p->tricks[i] = plan_tricks(random);
	}
}

/* A member that misses so much that only its agent can bring it back. */
static void plan_late(struct sim_plan *p, u64 *random)
{
	p->late = true;
	p->heal_us = 6000000;
	p->pacing = CPC_PACING_URGENT;
	p->submit_gap_us = 60000;
	p->loss = 0;
	p->cutoffs = 1;
	memset(p->deaf, 0, sizeof(p->deaf));
	p->cutoff[0].from_us = sim_below(random, 500000);
	p->cutoff[0].to_us = p->heal_us - sim_below(random, 2000000);
	p->cutoff[0].side = 1u << sim_below(random, p->n);
	if (p->f < 2) {
		memset(p->role, 0, sizeof(p->role));
		memset(p->tricks, 0, sizeof(p->tricks));
	}
}

static bool linked(const struct sim_plan *p, unsigned int member, u32 others)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (others >> i & 1 && !(p->far[i] >> member & 1) && !(p->far[member] >> i & 1))
			return true;
	return false;
}

/*
 * Are @members connected through each other, by links that work both ways? One-way links may come
 * on top: over those alone nobody would learn who misses him.
 */
static bool connected(const struct sim_plan *p, u32 members)
{
	unsigned int from, i, round;

	for (from = 0; from < p->n; from++) {
		u32 reach = 1u << from;

		for (round = 0; round < p->n; round++)
			for (i = 0; i < p->n; i++)
				if (members >> i & 1 && linked(p, i, reach))
					reach |= 1u << i;
		if (members >> from & 1 && (reach & members) != members)
			return false;
	}
	return true;
}

static void shuffle(u64 *random, u8 *order, unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		k = sim_below(random, i + 1);
		order[i] = order[k];
		order[k] = (u8)i;
	}
}

static void part(struct sim_plan *p, unsigned int a, unsigned int b)
{
	p->far[a] |= 1u << b;
	p->far[b] |= 1u << a;
}

/* A line, a ring, a star, two who are hidden from each other, any graph, one-way links. */
static void draw_ranges(struct sim_plan *p, u64 *random)
{
	unsigned int i, k, kind = sim_below(random, 6), n = p->n;
	u8 order[SIM_MEMBERS];

	memset(p->far, 0, sizeof(p->far));
	shuffle(random, order, n);
	for (i = 0; i < n; i++)
		for (k = 0; k < i; k++) {
			bool next = i == k + 1 || (kind == 1 && !k && i == n - 1);

			if ((kind <= 1 && !next) || (kind == 2 && k) ||
			    (kind == 3 && i == 1 && k == 0) ||
			    (kind == 4 && sim_chance(random, 50)))
				part(p, order[i], order[k]);
			else if (kind == 5 && sim_chance(random, 50))
				p->far[order[i]] |= 1u << order[k];
			else if (kind == 5 && sim_chance(random, 30))
				p->far[order[k]] |= 1u << order[i];
		}
}

/*
 * Members out of each other's range, all the time; the correct ones connected by themselves. Cells
 * of more than 8 only without liars. Those at the two ends of a line claim to hear each other, so
 * that on every hop half of the elements are left to who is nearer by that link and has none; an
 * element in a hundred then gets over six hops. Each view has its votes, but a phase takes tens of
 * seconds, and four of them hardly fit into the longest time-out, which the same lie halves: ten
 * members decided nothing in 2000 s. A limit of relaying (relay.c), not of the history's bounds.
 * Carriers without room for a second element of a large cell are no better.
 */
static void plan_ranges(struct sim_plan *p, u64 *random)
{
	u32 correct = 0, liars = 0;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		correct |= p->role[i] == SIM_CORRECT ? 1u << i : 0;
		liars += p->role[i] == SIM_FAULTY;
	}
	if (p->n > 8 && liars)
		return;
	for (i = 0; i < 20 && !p->sparse; i++) {
		draw_ranges(p, random);
		p->sparse = connected(p, correct);
	}
	if (!p->sparse)
		memset(p->far, 0, sizeof(p->far));
	/* And the states of others beside one's own. */
	if (p->sparse && p->n > 7)
		p->room = 1200;
}

void sim_plan_make(struct sim_plan *p, u64 seed, const struct sim_options *options)
{
	u64 random = seed * 0x2545f4914f6cdd1dull + 1;
	static const u16 rooms[] = { 1200, 1200, 1200, 900, 700 };

	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->n = cell_size(&random, options->cells);
	p->f = (u8)((p->n - 1) / 3);
	p->pacing = (u8)sim_below(&random, 3);
	p->slow_first_view = options->slow < 0 ? (seed & 1) != 0 : options->slow > 0;
	p->default_verdict = (u8)sim_below(&random, 3);
	p->period_us = sim_chance(&random, 80) ? 100000 : 50000 + sim_below(&random, 200000);
	p->heal_us = 500000 + sim_below(&random, 3000000);
	p->submit_gap_us = 100000 + sim_below(&random, 900000);
	if (sim_chance(&random, 8))
		p->submit_gap_us = 40000;	/* lanes run full */
	p->conditional = sim_chance(&random, 50) ? 30 : 0;
	p->refusals = (u8)(sim_below(&random, 3) * 15);
	p->answers = sim_chance(&random, 70) ? 100 : 70;
	p->room = rooms[sim_below(&random, 5)];
	/* The state of a big cell needs its have-bitmap and records first. */
	if (p->n > 7 && p->room < 900)
		p->room = 900;
	p->outsiders = sim_chance(&random, 25);
	plan_medium(p, &random);
	plan_faults(p, &random);
	if (p->n <= 7 && sim_chance(&random, 4))
		plan_late(p, &random);
	/* From here on, what came later: it leaves the seeds what they were otherwise. */
	if (!p->late && sim_chance(&random, 6))
		plan_ranges(p, &random);
	p->busy = sim_chance(&random, 8);
	if (options->pacing >= 0)
		p->pacing = (u8)options->pacing;
	p->changes = sim_chance(&random, 20) ? 8 : 0;
}

void sim_plan_print(const struct sim_plan *p)
{
	static const char *const pacing[] = { "carrier", "early", "urgent" };
	unsigned int i, k;

	fprintf(stderr, "plan: n=%u f=%u pacing=%s %s period=%ums heal=%llums loss=%u%%%s->%u%% "
		"doubles=%u%% delay=%u+%uus cutoffs=%u%s submit=%ums conditional=%u%% changes=%u%% "
		"room=%u\n",
		p->n, p->f, pacing[p->pacing], p->slow_first_view ? "slow" : "fast",
		p->period_us / 1000, (unsigned long long)p->heal_us / 1000, p->loss,
		p->bursts ? " bursts" : "", p->after_loss, p->doubles, p->delay_us, p->jitter_us,
		p->cutoffs, p->late ? " (late joiner)" : "", p->submit_gap_us / 1000,
		p->conditional, p->changes, p->room);
	for (i = 0; i < p->cutoffs; i++)
		fprintf(stderr, "  apart %llu..%llums: side %#x\n",
			(unsigned long long)p->cutoff[i].from_us / 1000,
			(unsigned long long)p->cutoff[i].to_us / 1000, p->cutoff[i].side);
	for (i = 0; i < p->n; i++) {
		if (p->far[i])
			fprintf(stderr, "  member %u out of range of %#x\n", i, p->far[i]);
		if (p->deaf[i])
			fprintf(stderr, "  member %u deaf to %#x\n", i, p->deaf[i]);
		if (p->role[i] == SIM_CRASHES)
			fprintf(stderr, "  member %u crashes at %llums\n", i,
				(unsigned long long)p->crash_us[i] / 1000);
		if (p->role[i] != SIM_FAULTY)
			continue;
		fprintf(stderr, "  member %u faulty:", i);
		for (k = 0; k < SIM_TRICKS; k++)
			if (p->tricks[i] & 1u << k)
				fprintf(stderr, " %s", trick_names[k]);
		fprintf(stderr, "\n");
	}
}
