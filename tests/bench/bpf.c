// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the filter and the stamp cost, and what flood a core withstands. Prints a table and writes
 * build/bench/bpf.json.
 *
 *   cost    BPF_PROG_TEST_RUN repeats one frame; the kernel times it. The empty program's own time
 *           is taken off.
 *   flood   one core makes frames and sends them through a veth pair, at whose far end, on the same
 *           core, the filter runs in native XDP. So the rate includes making and moving each frame;
 *           beside it what is left when the far end drops without looking. Seconds are of CPU time,
 *           so that a busy machine does not show.
 *
 *   bench/bpf [SECONDS]      per flood; 2 if not said
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bpf/filter.h"
#include "bpf/filter.skel.h"
#include "bpf/stamp.h"
#include "bpf/stamp.skel.h"
#include "tests/bpf/flood.skel.h"
#include "tests/bpf/frames.h"
#include "tools/v2xgen/frame.h"

enum { REPEAT = 300000, ROUNDS = 5, CPUS_MAX = 256, RESULTS_MAX = 32 };

static struct {
	char name[64];
	double value;
	const char *unit;
} results[RESULTS_MAX];
static unsigned int result_count;

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static void result(const char *name, double value, const char *unit)
{
	if (result_count == RESULTS_MAX)
		fail("more than %d results", RESULTS_MAX);
	snprintf(results[result_count].name, sizeof(results[0].name), "%s", name);
	results[result_count].value = value;
	results[result_count++].unit = unit;
	printf("%-58s %12.0f %s\n", name, value, unit);
}

/* ---- cost ------------------------------------------------------------------------------------ */

/* The least of some rounds: what disturbs only ever adds. */
static double time_ns(int program, const struct frame *f)
{
	uint8_t out[4096];
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
			    .data_out = out, .data_size_out = sizeof(out), .repeat = REPEAT);

		if (bpf_prog_test_run_opts(program, &opts))
			fail("cannot run the program: %s", strerror(errno));
		if (opts.duration < best)
			best = opts.duration;
	}
	return best;
}

static int empty_program(enum bpf_prog_type type)
{
	struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(type, "empty", "GPL", pass, 2, NULL);

	if (fd < 0)
		fail("cannot load a BPF program: %s", strerror(errno));
	return fd;
}

static void cost_of_filter(void)
{
	struct filter_bpf *skel = filter_bpf__open();
	struct cpc_filter_rate *rates;
	struct cpc_filter_cell cell = { .epoch = 3, .n = 4 };
	uint32_t id = 7;
	double empty;
	struct frame f;
	int program;

	if (!skel)
		fail("cannot open the filter");
	/* Generous, so that every step is taken and the frame passes in the end. */
	rates = (struct cpc_filter_rate *)&skel->rodata->config.source;
	rates[0] = rates[1] = rates[2] = (struct cpc_filter_rate){ 1, 1000000000 };
	if (filter_bpf__load(skel) ||
	    bpf_map_update_elem(bpf_map__fd(skel->maps.cells), &id, &cell, 0))
		fail("cannot load the filter: %s", strerror(errno));
	program = bpf_program__fd(skel->progs.filter_xdp);
	put_gn(&f, 1, &(struct gn){ .body = 180 });
	empty = time_ns(empty_program(BPF_PROG_TYPE_XDP), &f);
	result("filter: a CAM that passes", time_ns(program, &f) - empty, "ns");
	put_element(&f, &(struct element){ .cell = 8 });
	result("filter: a CAM with another cell's element", time_ns(program, &f) - empty, "ns");
	put_ethernet(&f, 1, CPC_ETHERTYPE_ELEMENT);
	put_element(&f, &(struct element){ .tag = 1 });
	result("filter: an element that is a replay", time_ns(program, &f) - empty, "ns");
	put_gn(&f, 1, &(struct gn){ .cut = 1 });
	result("filter: a truncated CAM", time_ns(program, &f) - empty, "ns");
	put_ethernet(&f, 1, 0x86dd);
	fill(&f, 0, 60);
	result("filter: a frame that is not V2X", time_ns(program, &f) - empty, "ns");
	filter_bpf__destroy(skel);
}

static void cost_of_stamp(void)
{
	struct stamp_bpf *skel = stamp_bpf__open_and_load();
	struct cpc_stamp_control control = { .capture = 1, .snap = 2048 };
	uint32_t zero = 0;
	double empty;
	struct frame f;
	int program;

	if (!skel)
		fail("cannot load the stamp: %s", strerror(errno));
	program = bpf_program__fd(skel->progs.stamp_ingress);
	put_gn(&f, 1, &(struct gn){ .body = 180 });
	empty = time_ns(empty_program(BPF_PROG_TYPE_SCHED_CLS), &f);
	result("stamp: a CAM", time_ns(program, &f) - empty, "ns");
	bpf_map_update_elem(bpf_map__fd(skel->maps.control), &zero, &control, 0);
	result("stamp: a CAM while capturing, nobody reading", time_ns(program, &f) - empty, "ns");
	put_ethernet(&f, 1, 0x86dd);
	fill(&f, 0, 60);
	result("stamp: a frame that is not V2X", time_ns(program, &f) - empty, "ns");
	stamp_bpf__destroy(skel);
}

/* ---- flood ----------------------------------------------------------------------------------- */

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_veth(void)
{
	if (unshare(CLONE_NEWNET) ||
	    system("ip link add vehicle type veth peer name radio && ip link set vehicle up && "
		   "ip link set radio up"))
		fail("cannot make a veth pair in a network namespace of my own");
}

static uint64_t counted(const struct filter_bpf *filter, uint64_t *ret_passed)
{
	struct cpc_filter_count cpu[CPUS_MAX];
	uint64_t all = 0;

	*ret_passed = 0;
	for (uint32_t i = CPC_F_PASSED; i < CPC_F_CUT; i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(filter->maps.counts), &i, cpu))
			fail("cannot read the counters");
		for (int c = 0; c < libbpf_num_possible_cpus(); c++) {
			all += cpu[c].frames;
			if (i <= CPC_F_UNJUDGED)
				*ret_passed += cpu[c].frames;
		}
	}
	return all;
}

/* Nanoseconds that the kernel thread which does CPU 0's deferred network work has run. */
static double ksoftirqd_ns(void)
{
	static int pid = -1;
	char path[64], name[32] = "";
	double ns = 0;
	FILE *file;

	/* A kernel thread of early boot: its number is small. */
	for (int i = 1; pid < 0 && i < 1000; i++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", i);
		file = fopen(path, "r");
		if (file && fgets(name, sizeof(name), file) && !strcmp(name, "ksoftirqd/0\n"))
			pid = i;
		if (file)
			fclose(file);
	}
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lf", &ns) != 1)
		fail("cannot tell how much ksoftirqd/0 ran: %s", path);
	fclose(file);
	return ns;
}

/* CPU time that our frames cost, here or in that thread: the machine may have other work. */
static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9 + ksoftirqd_ns() / 1e9;
}

/* Sends for some seconds; returns frames sent, in *ret_seconds those of CPU, in *ret_wall all. */
static double flood(struct flood_bpf *gen, uint32_t sources, const struct frame *f, double seconds,
		    double *ret_seconds, double *ret_wall)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data, .data_size_in = f->len,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .repeat = 1 << 16, .batch_size = 64);
	double start = seconds_now(), cpu = cpu_seconds(), sent = 0;

	gen->bss->ifindex = if_nametoindex("radio");
	gen->bss->sources = sources;
	gen->bss->next = 0;
	do {
		if (bpf_prog_test_run_opts(bpf_program__fd(gen->progs.flood), &opts))
			fail("cannot send live frames: %s", strerror(errno));
		sent += opts.repeat;
	} while (seconds_now() - start < seconds);
	*ret_seconds = cpu_seconds() - cpu;
	*ret_wall = seconds_now() - start;
	return sent;
}

static void flood_filter(struct flood_bpf *gen, const char *name, uint32_t sources,
			 const struct frame *f, double seconds)
{
	struct filter_bpf *filter = filter_bpf__open_and_load();
	struct bpf_link *link;
	uint64_t before, after, passed;
	double took, wall;
	char text[64];

	if (!filter)
		fail("cannot load the filter");
	link = bpf_program__attach_xdp(filter->progs.filter_xdp, (int)if_nametoindex("vehicle"));
	if (!link)
		fail("cannot attach the filter: %s", strerror(errno));
	before = counted(filter, &passed);
	flood(gen, sources, f, seconds, &took, &wall);
	after = counted(filter, &passed);
	snprintf(text, sizeof(text), "flood: %s", name);
	result(text, (double)(after - before) / took, "frames/s/core");
	printf("%-58s %12.0f frames/s\n", "  on this machine's clock, beside its other work",
	       (double)(after - before) / wall);
	printf("%-58s %12llu of %llu\n", "  of these passed", (unsigned long long)passed,
	       (unsigned long long)after);
	bpf_link__destroy(link);
	filter_bpf__destroy(filter);
}

static void floods(double seconds)
{
	struct flood_bpf *gen = flood_bpf__open_and_load();
	struct bpf_link *link;
	struct frame cam, cut;
	double took, wall, sent;
	cpu_set_t one;

	if (!gen)
		fail("cannot load the generator");
	make_veth();
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	put_gn(&cam, 1, &(struct gn){ .body = 180 });
	put_gn(&cut, 1, &(struct gn){ .body = 180, .cut = 1 });
	link = bpf_program__attach_xdp(gen->progs.sink, (int)if_nametoindex("vehicle"));
	if (!link)
		fail("cannot attach to the veth: %s", strerror(errno));
	sent = flood(gen, 1, &cam, seconds, &took, &wall);
	result("flood: dropped without a look", sent / took, "frames/s/core");
	bpf_link__destroy(link);
	flood_filter(gen, "malformed, one source", 1, &cut, seconds);
	flood_filter(gen, "malformed, 10,000 sources", 10000, &cut, seconds);
	flood_filter(gen, "well-formed, one source", 1, &cam, seconds);
	flood_filter(gen, "well-formed, 10,000 sources", 10000, &cam, seconds);
	flood_filter(gen, "well-formed, every frame another source", ~0U, &cam, seconds);
	flood_filter(gen, "malformed, every frame another source", ~0U, &cut, seconds);
	flood_bpf__destroy(gen);
}

static void write_json(void)
{
	const char *build = getenv("CPC_BUILD");
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/bench/bpf.json", build ? build : "build");
	file = fopen(path, "w");
	if (!file)
		fail("cannot write %s: %s", path, strerror(errno));
	fputs("{\"bench\": \"bpf\", \"results\": [\n", file);
	for (unsigned int i = 0; i < result_count; i++)
		fprintf(file, "  {\"name\": \"%s\", \"value\": %.1f, \"unit\": \"%s\"}%s\n",
			results[i].name, results[i].value, results[i].unit,
			i + 1 < result_count ? "," : "");
	fputs("]}\n", file);
	if (fclose(file))
		fail("cannot write %s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 2;

	if (!(seconds > 0 && seconds <= 60))
		fail("usage: %s [SECONDS], up to 60", argv[0]);
	cost_of_filter();
	cost_of_stamp();
	floods(seconds);
	write_json();
	return EXIT_SUCCESS;
}
