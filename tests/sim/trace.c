// SPDX-License-Identifier: BSD-3-Clause
/*
 * trace.c - the last events of a history, and the end of a failing one.
 */
#include "tests/sim/sim.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOWN = 60 };

static struct sim_world *watched;

const char *sim_value_name(const struct cpc_digest *value)
{
	static char name[8][12];
	static unsigned int used;
	char *out = name[used++ % 8];

	snprintf(out, sizeof(name[0]), "%02x%02x%02x", value->b[0], value->b[1], value->b[2]);
	return out;
}

void sim_trace(struct sim_world *w, const char *format, ...)
{
	struct sim_line *line = &w->line[w->lines++ % SIM_TRACE];
	va_list args;

	line->at_us = w->now_us;
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
	if (w->verbose)
		printf("%9.3f %s\n", (double)w->now_us / 1000, line->text);
}

static void finish(struct sim_world *w, const char *what)
{
	u64 i, first = w->lines > SHOWN ? w->lines - SHOWN : 0;

	fflush(stdout);
	if (!w->verbose)
		for (i = first; i < w->lines; i++)
			fprintf(stderr, "%9.3f %s\n", (double)w->line[i % SIM_TRACE].at_us / 1000,
				w->line[i % SIM_TRACE].text);
	fprintf(stderr, "\nVIOLATED at %.3f ms, seed %llu: %s\n", (double)w->now_us / 1000,
		(unsigned long long)w->plan.seed, what);
	fprintf(stderr,
		"replay: build/cpc-sim --seed %llu --n %u --pacing %u --%s-first-view --verbose\n",
		(unsigned long long)w->plan.seed, w->plan.n, w->plan.pacing,
		w->plan.slow_first_view ? "slow" : "fast");
	sim_plan_print(&w->plan);
	_exit(1);
}

void sim_fail(struct sim_world *w, const char *format, ...)
{
	char what[300];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	finish(w, what);
	abort();
}

static void on_signal(int number)
{
	/* The core's assertions trap. The process is about to end, so stdio is worth the risk. */
	signal(number, SIG_DFL);
	finish(watched, number == SIGVTALRM ? "the history does not end" :
					    "an assertion of the core (or a crash)");
}

/* A sanitizer's finding then ends in on_signal() too, which says which seed it was. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

void sim_trace_watch(struct sim_world *w)
{
	static const int signals[] = { SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGFPE, SIGVTALRM };
	unsigned int i;

	watched = w;
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], on_signal);
}
