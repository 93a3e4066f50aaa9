// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-load - submits to the modules of a whole cell, as its agents would, and measures.
 *
 *                         .--- netns v1: commands, events ---> module of member 0
 *   one thread, or in ----+--- netns v2 ...                    module of member 1
 *   full a process each   '--- ...
 *
 *   cpc-load [OPTION...] one|paced|full NETNS...
 *     one     one entry in the whole cell at a time, by the members in turn; the next one follows
 *             when all have decided it, after a random pause
 *     paced   every member submits an entry every --every-us
 *     full    every member keeps its lane full: a process each, --batch entries a system call
 *
 *     --cell C (1)  --bytes B (64), of an entry's data  --count N (200), entries in mode one
 *     --seconds S (10), of the other modes  --every-us U (100000)  --pause-us U (100000), at most
 *     --batch E (5)  --submitters K, only the first K members submit
 *     --blind, do not look at what is decided
 *     --samples FILE, one latency in microseconds per line
 *
 * The latency of an entry runs from the call that submits it to the event that tells the submitter
 * of its decision. Which entries a decision has is then asked of the module, as an agent does to
 * keep its log; --blind leaves that out, and the latency with it. What is decided is read from
 * the modules' counters at the end: the member that decided least counts.
 *
 * Prints one JSON object. Exit status: 0, 2 for a bad command line, 1 for anything else: also when
 * an entry is not decided everywhere within DECIDE_LIMIT_S.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/link/link.h"
#include "agent/util/cleanup.h"
#include "tools/common/netns_io.h"
#include "tools/cpc-load/batch.h"

enum {
	MEMBERS_MAX = CPC_MEMBERS_MAX,
	SAMPLES_MAX = 1 << 20,
	DECIDE_LIMIT_S = 30,
};

enum mode { MODE_ONE, MODE_PACED, MODE_FULL };

struct options {
	enum mode mode;
	u16 cell;
	unsigned long bytes, count, seconds, every_us, pause_us, submitters, batch;
	bool blind;
	const char *samples;
};

struct open_entry {
	u32 seq;
	u64 submitted_us;
};

struct member {
	struct load *load;
	struct cpc_link *link;
	u8 index;
	u32 told_slot;			/* the newest decision it was told of */
	u32 read_slot;			/* the newest one that was read */
	u64 told_us;
	u64 due_us;			/* mode paced: of the next entry */
	struct open_entry open[64];	/* by seq modulo: more than a lane may have */
	u64 counter[CPC_N_MAX + 1];	/* at the beginning */
};

struct load {
	struct options options;
	sd_event *event;
	struct member member[MEMBERS_MAX];
	unsigned int members;
	u64 submitted, full;
	u32 last_slot;			/* of the submitter's newest own entry */
	bool last_decided;
	int failed;
	size_t samples;
	u32 sample_us[SAMPLES_MAX];
};

static u64 now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000 + (u64)now.tv_nsec / 1000;
}

/* ---- what is decided ------------------------------------------------------------------------- */

static void take_own(struct member *m, u32 seq)
{
	struct open_entry *open = &m->open[seq % 64];
	struct load *load = m->load;

	if (open->seq != seq)
		return;
	open->seq = 0;
	if (load->samples < SAMPLES_MAX)
		load->sample_us[load->samples++] = (u32)(m->told_us - open->submitted_us);
	load->last_decided = true;
}

static int on_decision(void *ctx, const struct cpc_log_decision *decision)
{
	struct member *m = ctx;
	unsigned int i;
	u32 seq;

	m->read_slot = decision->slot;
	for (i = 0; i < decision->lanes; i++) {
		const struct cpc_log_lane *lane = &decision->lane[i];

		if (lane->lane != m->index)
			continue;
		m->load->last_slot = decision->slot;
		for (seq = lane->from; seq <= lane->seq; seq++)
			take_own(m, seq);
	}
	return 0;
}

static bool has_open(const struct member *m)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		if (m->open[i].seq)
			return true;
	return false;
}

static void read_decisions(struct member *m)
{
	struct cpc_error error = { 0 };

	if (m->load->options.blind || m->load->options.mode == MODE_FULL || !has_open(m))
		return;
	if (cpc_link_decided(m->link, m->load->options.cell, m->read_slot, on_decision, m,
			     &error) < 0) {
		fprintf(stderr, "cpc-load: member %u: %s\n", m->index, error.text);
		m->load->failed = 1;
	}
}

static int submit(struct member *m)
{
	const struct options *o = &m->load->options;
	u8 data[CPC_ENTRY_DATA_MAX];
	struct cpc_error error = { 0 };
	u64 at_us = now_us();
	u32 seq;
	int r;

	memset(data, 'x', o->bytes);
	memcpy(data, &m->load->submitted, sizeof(m->load->submitted));
	if (!has_open(m))
		m->read_slot = m->told_slot;
	r = cpc_link_submit(m->link, o->cell, CPC_ENTRY_ORDINARY, data, o->bytes, &seq, &error);
	if (r == -EAGAIN) {
		m->load->full++;
		return r;
	}
	if (r < 0) {
		fprintf(stderr, "cpc-load: member %u: %s\n", m->index, error.text);
		m->load->failed = 1;
		return r;
	}
	m->load->submitted++;
	if (!o->blind)
		m->open[seq % 64] = (struct open_entry){ .seq = seq, .submitted_us = at_us };
	return 0;
}

static bool submits(const struct member *m)
{
	return m->index < m->load->options.submitters;
}

static void on_event(void *ctx, const struct cpc_link_event *event)
{
	struct member *m = ctx;

	if (event->type != CPC_C_EV_DECIDED || event->cell != m->load->options.cell)
		return;
	m->told_slot = event->slot;
	m->told_us = now_us();
	read_decisions(m);
}

static void on_overrun(void *ctx)
{
	struct member *m = ctx;

	m->told_us = now_us();
	read_decisions(m);
}

/* ---- the cell -------------------------------------------------------------------------------- */

static int read_counters(struct member *m, struct cpc_link_cell *cell)
{
	struct cpc_error error = { 0 };
	int r = cpc_link_cell_get(m->link, m->load->options.cell, cell, &error);

	if (r < 0)
		fprintf(stderr, "cpc-load: %s\n", error.text);
	return r;
}

/* A socket belongs to the namespace it was made in, wherever its owner goes. */
static int open_member(struct load *load, const char *name)
{
	static const struct cpc_link_ops ops = { .event = on_event, .overrun = on_overrun };
	static struct cpc_link_cell cell;
	struct member *m = &load->member[load->members];
	struct cpc_error error = { 0 };
	int r = cpc_netns_enter(name, &error);

	if (r) {
		fprintf(stderr, "cpc-load: %s\n", error.text);
		return r;
	}
	m->load = load;
	r = cpc_link_new(load->event, &ops, m, &m->link, &error);
	if (r < 0) {
		fprintf(stderr, "cpc-load: %s: %s\n", name, error.text);
		return r;
	}
	r = read_counters(m, &cell);
	m->index = cell.self;
	m->told_slot = m->read_slot = cell.slot;
	memcpy(m->counter, cell.counter, sizeof(m->counter));
	load->members++;
	return r;
}

/* ---- the modes ------------------------------------------------------------------------------- */

static bool all_told(const struct load *load, u32 slot)
{
	unsigned int i;

	for (i = 0; i < load->members; i++)
		if (load->member[i].told_slot < slot)
			return false;
	return true;
}

static int spin(struct load *load, u64 until_us)
{
	u64 now = now_us();

	return sd_event_run(load->event, until_us > now ? until_us - now : 0);
}

static int sleep_until(struct load *load, u64 until_us)
{
	int r = 0;

	while (r >= 0 && now_us() < until_us && !load->failed)
		r = spin(load, until_us);
	return r < 0 ? r : 0;
}

static u64 random_below(u64 bound)
{
	u64 value = 0;

	if (!bound || getrandom(&value, sizeof(value), 0) != sizeof(value))
		return 0;
	return value % bound;
}

static int run_one(struct load *load)
{
	unsigned long i;
	int r = 0;

	for (i = 0; i < load->options.count && r == 0 && !load->failed; i++) {
		struct member *m = &load->member[i % load->members];
		u64 limit_us = now_us() + DECIDE_LIMIT_S * 1000000ull;

		load->last_decided = false;
		load->last_slot = ~0u;
		r = submits(m) ? submit(m) : 0;
		if (!submits(m))
			continue;
		while (r == 0 && !load->failed &&
		       !(load->last_decided && all_told(load, load->last_slot))) {
			if (now_us() >= limit_us) {
				fprintf(stderr, "cpc-load: entry %lu is not decided everywhere "
					"within %d s\n", i + 1, DECIDE_LIMIT_S);
				return -ETIMEDOUT;
			}
			r = spin(load, limit_us) < 0 ? -EIO : 0;
		}
		r = r ? r : sleep_until(load, now_us() + random_below(load->options.pause_us));
	}
	return r;
}

static int run_paced(struct load *load)
{
	u64 start_us = now_us(), end_us = start_us + load->options.seconds * 1000000ull;
	unsigned int i;
	int r = 0;

	for (i = 0; i < load->members; i++)
		load->member[i].due_us = start_us + random_below(load->options.every_us);
	while (r == 0 && !load->failed && now_us() < end_us) {
		u64 next_us = end_us, now = now_us();

		for (i = 0; i < load->members; i++) {
			struct member *m = &load->member[i];

			if (submits(m) && now >= m->due_us) {
				submit(m);
				m->due_us += load->options.every_us;
			}
			if (submits(m) && m->due_us < next_us)
				next_us = m->due_us;
		}
		r = spin(load, next_us) < 0 ? -EIO : 0;
	}
	return r;
}

/* One process per member, as each vehicle has an agent of its own; it ends by itself. */
static int fill_lane(const struct options *o, const char *netns, int out)
{
	u64 end_us = now_us() + o->seconds * 1000000ull, counts[2] = { 0 };
	u8 data[CPC_ENTRY_DATA_MAX] = { 'x' };
	struct cpc_error error = { 0 };
	struct cpc_batch *batch;
	int r = cpc_netns_enter(netns, &error), taken;

	if (r)
		fprintf(stderr, "cpc-load: %s\n", error.text);
	r = r ? r : cpc_batch_open(o->cell, &batch);
	if (r)
		return r;
	while (r == 0 && now_us() < end_us) {
		taken = cpc_batch_submit(batch, data, o->bytes, (unsigned int)o->batch);
		if (taken < 0)
			r = taken;
		else
			counts[0] += (u64)taken;
		if (taken == (int)o->batch)
			continue;
		counts[1]++;
		if (r == 0 && cpc_batch_wait(batch, 1000) == -ETIMEDOUT)
			r = -ETIMEDOUT;
	}
	if (r)
		fprintf(stderr, "cpc-load: %s: %s\n", netns, strerror(-r));
	cpc_batch_close(batch);
	return r ? r : write(out, counts, sizeof(counts)) == sizeof(counts) ? 0 : -EIO;
}

static int run_full(struct load *load, char **netns)
{
	unsigned int i, fillers = load->members;
	u64 counts[2];
	int pipes[2], status, r = 0;

	if (pipe(pipes))
		return -errno;
	if (fillers > load->options.submitters)
		fillers = (unsigned int)load->options.submitters;
	for (i = 0; i < fillers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid == 0)
			_exit(fill_lane(&load->options, netns[i], pipes[1]) ? 1 : 0);
	}
	for (i = 0; i < fillers; i++)
		if (wait(&status) < 0 || status)
			r = -ECHILD;
	for (i = 0; i < fillers && r == 0; i++) {
		if (read(pipes[0], counts, sizeof(counts)) != sizeof(counts))
			r = -EIO;
		load->submitted += counts[0];
		load->full += counts[1];
	}
	close(pipes[0]);
	close(pipes[1]);
	return r;
}

/* ---- the report ------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return (x > y) - (x < y);
}

/* The smallest sample that `percent` of all do not exceed, in ms. */
static double nearest_rank(const struct load *load, unsigned int percent)
{
	size_t rank = (load->samples * percent + 99) / 100;

	return load->samples ? load->sample_us[rank ? rank - 1 : 0] / 1000.0 : 0;
}

static int write_samples(const struct load *load)
{
	CPC_FCLOSE FILE *file = NULL;
	size_t i;

	if (!load->options.samples)
		return 0;
	file = fopen(load->options.samples, "we");
	if (!file)
		return -errno;
	for (i = 0; i < load->samples; i++)
		fprintf(file, "%u\n", load->sample_us[i]);
	return 0;
}

static double cpu_ms(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

static int report(struct load *load, double seconds)
{
	static const enum cpc_nl_counter summed[] = { CPC_N_EXTRA_FRAMES, CPC_N_CARRIERS_USED,
						      CPC_N_ELEMENT_BYTES, CPC_N_RX_ELEMENTS,
						      CPC_N_VIEW_CHANGES, CPC_N_VOID_SLOTS };
	static const char *const names[] = { "extra_frames", "carriers_used", "element_bytes",
					     "rx_elements", "view_changes", "void_slots" };
	u64 entries = ~0ull, slots = ~0ull, sum[sizeof(summed) / sizeof(summed[0])] = { 0 };
	static struct cpc_link_cell cell;
	struct rusage own, children;
	unsigned int i, k;
	int r = write_samples(load);

	for (i = 0; i < load->members && r == 0; i++) {
		const u64 *from = load->member[i].counter;
		u64 decided;

		r = read_counters(&load->member[i], &cell);
		decided = cell.counter[CPC_N_DECIDED_ENTRIES] - from[CPC_N_DECIDED_ENTRIES];
		entries = decided < entries ? decided : entries;
		decided = cell.counter[CPC_N_DECIDED_SLOTS] - from[CPC_N_DECIDED_SLOTS];
		slots = decided < slots ? decided : slots;
		for (k = 0; k < sizeof(summed) / sizeof(summed[0]); k++)
			sum[k] += cell.counter[summed[k]] - from[summed[k]];
	}
	qsort(load->sample_us, load->samples, sizeof(load->sample_us[0]), compare);
	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	printf("{\"seconds\":%.6f,\"load_cpu_ms\":%.1f,\"members\":%u,\"bytes\":%lu,"
	       "\"submitted\":%llu,"
	       "\"lane_full\":%llu,\"decided_entries\":%llu,\"decided_slots\":%llu,",
	       seconds, cpu_ms(&own) + cpu_ms(&children), load->members, load->options.bytes,
	       (unsigned long long)load->submitted,
	       (unsigned long long)load->full, (unsigned long long)entries,
	       (unsigned long long)slots);
	for (k = 0; k < sizeof(summed) / sizeof(summed[0]); k++)
		printf("\"%s\":%llu,", names[k], (unsigned long long)sum[k]);
	printf("\"latency_ms\":{\"count\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}}\n",
	       load->samples, nearest_rank(load, 50), nearest_rank(load, 99),
	       nearest_rank(load, 100));
	return r;
}

/* ---- the command line ------------------------------------------------------------------------ */

static bool number(const char *text, unsigned long min, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || value < min || value > max) {
		fprintf(stderr, "cpc-load: '%s' is not a number from %lu to %lu\n", text, min, max);
		return false;
	}
	*ret = value;
	return true;
}

static bool take_option(struct options *o, int which)
{
	unsigned long value;

	switch (which) {
	case 'c':
		if (!number(optarg, 1, 65535, &value))
			return false;
		o->cell = (u16)value;
		return true;
	case 'b':
		return number(optarg, 8, CPC_ENTRY_DATA_MAX, &o->bytes);
	case 'n':
		return number(optarg, 1, SAMPLES_MAX, &o->count);
	case 's':
		return number(optarg, 1, 3600, &o->seconds);
	case 'e':
		return number(optarg, 100, 60000000, &o->every_us);
	case 'p':
		return number(optarg, 0, 60000000, &o->pause_us);
	case 'k':
		return number(optarg, 1, MEMBERS_MAX, &o->submitters);
	case 'a':
		return number(optarg, 1, CPC_BATCH_MAX, &o->batch);
	case 'B':
		o->blind = true;
		return true;
	case 'S':
		o->samples = optarg;
		return true;
	}
	return false;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "cell", required_argument, NULL, 'c' },
		{ "bytes", required_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "every-us", required_argument, NULL, 'e' },
		{ "pause-us", required_argument, NULL, 'p' },
		{ "submitters", required_argument, NULL, 'k' },
		{ "batch", required_argument, NULL, 'a' },
		{ "blind", no_argument, NULL, 'B' },
		{ "samples", required_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const modes[] = { "one", "paced", "full" };
	int which;

	while ((which = getopt_long(argc, argv, "+", names, NULL)) != -1)
		if (!take_option(o, which))
			return false;
	for (which = 0; optind < argc && which < 3; which++)
		if (strcmp(argv[optind], modes[which]) == 0)
			break;
	if (optind + 1 >= argc || which == 3 || argc - optind - 1 > MEMBERS_MAX) {
		fprintf(stderr, "usage: cpc-load [OPTION...] one|paced|full NETNS...\n");
		return false;
	}
	o->mode = (enum mode)which;
	return o->mode != MODE_ONE || !o->blind;
}

int main(int argc, char **argv)
{
	static struct load load = {
		.options = { .cell = 1, .bytes = 64, .count = 200, .seconds = 10,
			     .every_us = 100000, .pause_us = 100000, .submitters = MEMBERS_MAX,
			     .batch = 5 },
	};
	u64 start_us;
	int i, r;

	if (!parse(argc, argv, &load.options))
		return 2;
	/* The default slack of 50 us would show in what is measured here. */
	prctl(PR_SET_TIMERSLACK, 1);
	r = sd_event_new(&load.event);
	for (i = optind + 1; i < argc && r >= 0; i++)
		r = open_member(&load, argv[i]);
	if (r < 0)
		return 1;
	start_us = now_us();
	if (load.options.mode == MODE_ONE)
		r = run_one(&load);
	else
		r = load.options.mode == MODE_PACED ? run_paced(&load) :
						      run_full(&load, argv + optind + 1);
	if (r == 0)
		r = report(&load, (double)(now_us() - start_us) / 1e6);
	for (i = 0; i < (int)load.members; i++)
		cpc_link_free(load.member[i].link);
	sd_event_unref(load.event);
	return r || load.failed ? 1 : 0;
}
