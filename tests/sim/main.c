// SPDX-License-Identifier: BSD-3-Clause
/*
 * main.c - cpc-sim: runs seeds, adds up what happened in them, and fails if a property broke or if
 * what the simulator is for never happened.
 *
 *   cpc-sim [--seeds N] [--first S] [--jobs J] [--n 4,7,10,16] [--pacing 0|1|2]
 *           [--fast-first-view|--slow-first-view] [--tap] [--verbose] [--seed S]
 *   cpc-sim --medium SCENARIO [--json] ...: measures instead, over a modelled channel (radio.c)
 */
#include "tests/sim/sim.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXPECT_FROM_SEEDS = 1000, SEED_SECONDS = 120 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void add(struct sim_totals *sum, const struct sim_totals *t)
{
	/* All members are u64; only the worst time is not a sum. */
	const u64 *from = (const u64 *)t;
	u64 worst = sum->worst_heal_us > t->worst_heal_us ? sum->worst_heal_us : t->worst_heal_us;
	u64 *to = (u64 *)sum;
	size_t i;

	for (i = 0; i < sizeof(*t) / sizeof(u64); i++)
		to[i] += from[i];
	sum->worst_heal_us = worst;
}

static void run_seeds(const struct sim_options *o, unsigned int job, struct sim_totals *totals)
{
	struct sim_world *w = sim_world_new();
	const struct itimerval limit = { .it_value.tv_sec = SEED_SECONDS }, off = { 0 };
	struct sim_plan plan;
	u64 seed;

	w->verbose = o->verbose;
	sim_trace_watch(w);
	for (seed = o->first + job; seed < o->first + o->seeds; seed += o->jobs) {
		sim_plan_make(&plan, seed, o);
		setitimer(ITIMER_VIRTUAL, &limit, NULL); /* of CPU time: a busy machine is no bug */
		sim_run(w, &plan, totals);
	}
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	sim_world_free(w);
}

/* One process per job; each sends its totals home through a pipe. */
static bool run_jobs(const struct sim_options *o, struct sim_totals *sum)
{
	int pipes[2], status;
	unsigned int job;
	bool good = true;

	if (pipe(pipes))
		return false;
	for (job = 0; job < o->jobs; job++) {
		struct sim_totals totals = { 0 };
		pid_t pid = fork();

		if (pid < 0)
			return false;
		if (pid)
			continue;
		run_seeds(o, job, &totals);
		_exit(write(pipes[1], &totals, sizeof(totals)) != sizeof(totals));
	}
	close(pipes[1]);
	for (job = 0; job < o->jobs; job++) {
		if (wait(&status) < 0 || status) {
			good = false;
			continue;
		}
	}
	for (job = 0; job < o->jobs; job++) {
		struct sim_totals totals;

		if (read(pipes[0], &totals, sizeof(totals)) == sizeof(totals))
			add(sum, &totals);
	}
	close(pipes[0]);
	return good;
}

#define LLU(x) ((unsigned long long)(x))

static void print_totals(const struct sim_totals *t, double seconds)
{
	unsigned int i;

	printf("# %llu seeds in %.1f s (%.0f/s), %llu steps, %llu frames, %llu slots decided, "
	       "%llu entries\n", LLU(t->seeds), seconds, (double)t->seeds / seconds, LLU(t->steps),
	       LLU(t->frames), LLU(t->slots), LLU(t->entries));
	printf("# views changed %llu (to the third or beyond %llu), void slots %llu, "
	       "accepted %llu, rejected %llu, epochs ended %llu\n",
	       LLU(t->views), LLU(t->deep_views), LLU(t->void_slots), LLU(t->accepted),
	       LLU(t->rejected), LLU(t->changes));
	printf("# evidence %llu, installs %llu, crashes %llu, replays refused %llu "
	       "(%llu compared), malformed %llu, forged %llu\n",
	       LLU(t->evidence), LLU(t->installs), LLU(t->crashes), LLU(t->stale),
	       LLU(t->checked_replays), LLU(t->malformed), LLU(t->forged));
	printf("# seeds: carrier %llu, early %llu, urgent %llu; slow first view %llu; loss %llu, "
	       "bursts %llu, partitions %llu, late joiners %llu; deaf members %llu\n",
	       LLU(t->pacing[0]), LLU(t->pacing[1]), LLU(t->pacing[2]), LLU(t->slow), LLU(t->lossy),
	       LLU(t->bursty), LLU(t->parted), LLU(t->late), LLU(t->hidden));
	printf("# out of range: %llu seeds; elements sent again %llu, taken from there %llu; busy "
	       "channel %llu\n", LLU(t->sparse), LLU(t->relays), LLU(t->relayed_first),
	       LLU(t->busy));
	printf("# after healing: %.2f s on average, %.2f s at worst\n# cells:",
	       t->seeds ? (double)t->healed_us / 1e6 / (double)t->seeds : 0,
	       (double)t->worst_heal_us / 1e6);
	for (i = 0; i <= SIM_MEMBERS; i++)
		if (t->cells[i])
			printf(" n=%u %llu", i, LLU(t->cells[i]));
	printf("\n# faulty members:");
	for (i = 0; i < SIM_TRICKS; i++)
		printf(" %s %llu", sim_trick_name(i), LLU(t->tricks[i]));
	printf("\n");
}

/* A simulator in which nothing dangerous happens proves nothing. */
static unsigned int missing(const struct sim_totals *t, bool print)
{
	const struct { const char *what; u64 count; } expected[] = {
		{ "decided slots", t->slots }, { "view changes", t->views },
		{ "views beyond the second", t->deep_views }, { "void slots", t->void_slots },
		{ "changes of members", t->changes },
		{ "accepted conditions", t->accepted }, { "rejected conditions", t->rejected },
		{ "evidence", t->evidence }, { "installs", t->installs },
		{ "crashes", t->crashes }, { "replays refused", t->stale },
		{ "replays compared with time passing", t->checked_replays },
		{ "malformed elements", t->malformed }, { "forged elements", t->forged },
		{ "bursts", t->bursty }, { "partitions", t->parted }, { "deaf members", t->hidden },
		{ "late joiners", t->late }, { "cells of several hops", t->sparse },
		{ "elements sent again", t->relays },
		{ "elements that came through others first", t->relayed_first },
		{ "busy channels", t->busy },
	};
	unsigned int i, count = 0;

	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (expected[i].count)
			continue;
		count++;
		if (print)
			fprintf(stderr, "never happened: %s\n", expected[i].what);
	}
	for (i = 0; i < SIM_TRICKS; i++)
		if (!t->tricks[i] && ++count && print)
			fprintf(stderr, "never happened: a faulty member's %s\n",
				sim_trick_name(i));
	return count;
}

static u32 read_cells(const char *text)
{
	u32 cells = 0;
	char *end;

	while (*text) {
		unsigned long n = strtoul(text, &end, 10);

		if (end == text || n < CPC_MEMBERS_MIN || n > SIM_MEMBERS) {
			fprintf(stderr, "cpc-sim: --n wants sizes from %d to %d, not '%s'\n",
				CPC_MEMBERS_MIN, SIM_MEMBERS, text);
			exit(2);
		}
		cells |= 1u << n;
		text = *end == ',' ? end + 1 : end;
	}
	return cells;
}

static void read_options(int argc, char **argv, struct sim_options *o)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 's'},
		{"first", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 'o'},
		{"jobs", required_argument, NULL, 'j'},
		{"n", required_argument, NULL, 'n'},
		{"pacing", required_argument, NULL, 'p'},
		{"fast-first-view", no_argument, NULL, 'F'},
		{"slow-first-view", no_argument, NULL, 'S'},
		{"tap", no_argument, NULL, 't'},
		{"verbose", no_argument, NULL, 'v'},
		{"medium", required_argument, NULL, 'm'},
		{"json", no_argument, NULL, 'J'},
		{"silent", required_argument, NULL, 'q'},
		{"seconds", required_argument, NULL, 'T'},
		{"submit-ms", required_argument, NULL, 'g'},
		{"carrier-octets", required_argument, NULL, 'c'},
		{"trace", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1)
		switch (c) {
		case 's': o->seeds = strtoull(optarg, NULL, 0); break;
		case 'f': o->first = strtoull(optarg, NULL, 0); break;
		case 'o': o->first = strtoull(optarg, NULL, 0); o->seeds = 1; o->jobs = 1; break;
		case 'j': o->jobs = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 'n': o->cells = read_cells(optarg); break;
		case 'p': o->pacing = (int)strtol(optarg, NULL, 0); break;
		case 'F': o->slow = 0; break;
		case 'S': o->slow = 1; break;
		case 't': o->tap = true; break;
		case 'v': o->verbose = true; break;
		case 'm': o->medium = optarg; break;
		case 'J': o->json = true; break;
		case 'q': o->silent = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 'T': o->seconds = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 'g': o->submit_ms = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 'c': o->carrier_octets = (unsigned int)strtoul(optarg, NULL, 0); break;
		case 'r': o->trace = optarg; break;
		default:
			fprintf(stderr,
				"usage: cpc-sim [--seeds N] [--first S] [--seed S] [--jobs J] "
				"[--n 4,7,10,16] [--pacing 0|1|2] [--fast-first-view|"
				"--slow-first-view] [--tap] [--verbose]\n"
				"       cpc-sim --medium SCENARIO [--json] [--silent N] "
				"[--seconds S] [--submit-ms MS]\n"
				"               [--carrier-octets N] [--trace FILE] [--seeds N] "
				"[--first S] [--pacing P]\n");
			exit(2);
		}
}

int main(int argc, char **argv)
{
	struct sim_options o = { .first = 1, .seeds = 1000, .jobs = 2, .cells = ~0u, .pacing = -1,
				 .slow = -1, .seconds = 20, .submit_ms = 500,
				 .carrier_octets = 230 };
	struct sim_totals sum = { 0 };
	double start = now();
	unsigned int gaps = 0;
	bool good;

	setvbuf(stdout, NULL, _IOLBF, 0);
	read_options(argc, argv, &o);
	if (o.pacing > CPC_PACING_URGENT || !o.jobs || !o.seeds) {
		fprintf(stderr, "cpc-sim: --pacing is 0..2, --jobs and --seeds at least 1\n");
		return 2;
	}
	if (o.medium)
		return sim_radio_main(&o);
	good = run_jobs(&o, &sum);
	print_totals(&sum, now() - start);
	if (good && o.seeds >= EXPECT_FROM_SEEDS && o.cells == ~0u)
		gaps = missing(&sum, true);
	if (o.tap)
		printf("1..2\n%sok 1 - %llu seeds without a violation\n%sok 2 - every kind of "
		       "trouble happened\n",
		       good ? "" : "not ", LLU(o.seeds), gaps ? "not " : "");
	return good && !gaps ? 0 : 1;
}
