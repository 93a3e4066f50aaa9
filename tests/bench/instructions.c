// SPDX-License-Identifier: BSD-3-Clause
/*
 * instructions.c - how many machine instructions the core takes for an element, and what memory.
 *
 * A child process runs a cell of real cores; its parent steps it through every call under
 * measurement one instruction at a time (ptrace) and counts. That needs no counter of the CPU,
 * which virtual machines often lack, and no other tool; and the count is the same on every run.
 *
 *   child   stop | cpc_step(ELEMENT) | stop      what lies between two stops is counted,
 *   parent  count, one by one ......... sum up   but for SHA-256: hashes are counted by number
 *
 *   idle       an element of a cell in which nothing is open
 *   deciding   the elements that one member hears while one entry of 64 bytes is decided in the
 *              good case, on average: the entry, the proposal, votes, claims
 *
 * User code of this build (gcc -O2), without the check of the tag. Each instruction costs two
 * changes of process: half a minute in all. Prints a table and writes instructions.json beside the
 * other benches' results.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cpchain/core.h>

#include "agent/log/verify.h"

enum { MEMBERS = 16, DECISIONS = 1, IDLE = 3, ROUNDS_MAX = 40, STEP_US = 20000 };

static const unsigned int sizes[] = { 4, 7, 10, 16 };
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

enum kind { KIND_EMPTY, KIND_IDLE, KIND_DECIDING, KINDS };

/* Shared by both processes. */
struct shared {
	volatile int in_hash;
	volatile enum kind kind;
	volatile u64 hashes[KINDS];
	volatile u64 bytes[KINDS];	/* of the elements, without tags */
};

struct result {
	u64 instructions[KINDS], elements[KINDS], hashes[KINDS], bytes[KINDS];
};

static struct shared *shared;
static struct cpc_core *core[MEMBERS];
static u64 now_us = 1000000;
static unsigned int idle;		/* elements measured of that kind */

/* ---- the child ------------------------------------------------------------------------------- */

static void counted_hash(const void *data, size_t len, u8 out[CPC_HASH_BYTES])
{
	shared->in_hash = 1;
	shared->hashes[shared->kind]++;
	cpc_sha256(data, len, out);
	shared->in_hash = 0;
}

static void stop(void)
{
	raise(SIGSTOP);
}

static int hear(unsigned int member, const u8 *data, size_t len, enum kind kind)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT, .now_us = now_us };
	struct cpc_effects fx;
	int r;

	event.element.data = data;
	event.element.len = len;
	if (member || kind == KIND_EMPTY || (kind == KIND_IDLE && idle++ >= IDLE))
		return cpc_step(core[member], &event, &fx);
	shared->kind = kind;
	shared->bytes[kind] += len;
	stop();
	r = cpc_step(core[member], &event, &fx);
	stop();
	shared->kind = KIND_EMPTY;
	return r;
}

/* Everybody sends and hears what all others sent. */
static void round_of(unsigned int n, enum kind kind)
{
	static u8 data[MEMBERS][CPC_ELEMENT_MAX];
	size_t len[MEMBERS];
	struct cpc_effects fx;
	unsigned int i, k;

	now_us += STEP_US;
	for (i = 0; i < n; i++) {
		struct cpc_event event = { .type = CPC_EV_CARRIER, .now_us = now_us };

		event.carrier.data = data[i];
		event.carrier.room = CPC_ELEMENT_MAX - cpc_element_trailer(n);
		if (cpc_step(core[i], &event, &fx))
			abort();
		len[i] = fx.element_len;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			if (i != k && hear(k, data[i], len[i], kind))
				abort();
}

static void submit(unsigned int member)
{
	static const u8 data[64] = { 1 };
	struct cpc_event event = { .type = CPC_EV_SUBMIT, .now_us = now_us };
	struct cpc_effects fx;

	event.submit.data = data;
	event.submit.len = sizeof(data);
	if (cpc_step(core[member], &event, &fx))
		abort();
}

static void run_cell(unsigned int n)
{
	unsigned int i, round;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(2);
	for (i = 0; i < n; i++) {
		struct cpc_config config = { .n = (u8)n, .self = (u8)i, .cell = 1, .epoch = 1,
					     .period_us = 100000, .hash = counted_hash,
					     .default_verdict = CPC_VERDICT_NONE };

		core[i] = calloc(1, cpc_core_size(n));
		if (!core[i] || cpc_core_init(core[i], &config, now_us))
			_exit(2);
	}
	stop();
	stop();	/* an empty measurement: what stopping itself costs */
	for (i = 0; i < DECISIONS; i++) {
		submit(i % (n - 1) + 1);
		for (round = 0; core[0]->decided <= i; round++) {
			if (round == ROUNDS_MAX)
				_exit(3);
			round_of(n, KIND_DECIDING);
		}
		for (round = 0; round < 6; round++)
			round_of(n, KIND_EMPTY);	/* until nothing is left to say */
	}
	round_of(n, KIND_IDLE);
	_exit(0);
}

/* ---- the parent ------------------------------------------------------------------------------ */

static bool stopped_itself(int status)
{
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
}

/* Counts up to the child's next stop. */
static int count(pid_t child, u64 *ret_count)
{
	u64 instructions = 0;
	int status;

	do {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0 ||
		    waitpid(child, &status, 0) < 0)
			return -errno;
		if (!WIFSTOPPED(status))
			return -ECHILD;
		instructions += !shared->in_hash;
	} while (!stopped_itself(status));
	*ret_count = instructions;
	return 0;
}

static int measure(unsigned int n, struct result *ret)
{
	struct result result = { 0 };
	u64 overhead = 0, instructions = 0;
	pid_t child = fork();
	unsigned int k;
	int status, r = 0;

	if (child < 0)
		return -errno;
	if (child == 0)
		run_cell(n);
	while (r == 0 && waitpid(child, &status, 0) == child && stopped_itself(status)) {
		enum kind kind = shared->kind;

		r = count(child, &instructions);
		if (!overhead)
			overhead = instructions;
		result.instructions[kind] += instructions - overhead;
		result.elements[kind]++;
		if (r == 0)
			r = ptrace(PTRACE_CONT, child, NULL, NULL) < 0 ? -errno : 0;
	}
	if (r || !WIFEXITED(status) || WEXITSTATUS(status)) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		return r ? r : -ECHILD;
	}
	for (k = 0; k < KINDS; k++) {
		result.hashes[k] = shared->hashes[k];
		result.bytes[k] = shared->bytes[k];
	}
	*ret = result;
	return 0;
}

static u64 mean(u64 sum, u64 count_of)
{
	return count_of ? (sum + count_of / 2) / count_of : 0;
}

int main(void)
{
	const char *build = getenv("CPC_BUILD") ? getenv("CPC_BUILD") : "build";
	char path[512];
	FILE *json;
	unsigned int i;
	int r;

	snprintf(path, sizeof(path), "%s/bench", build);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/bench/instructions.json", build);
	json = fopen(path, "we");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (!json || shared == MAP_FAILED)
		return 1;
	fprintf(json, "{\"counts\":\"user instructions of cpc_step(ELEMENT), without SHA-256\","
		"\"sizes\":[");
	puts("   n   idle: instructions  hashes   deciding: instructions  hashes  bytes   "
	     "core bytes");
	for (i = 0; i < SIZES; i++) {
		struct result x = { 0 };

		memset(shared, 0, sizeof(*shared));
		r = measure(sizes[i], &x);
		if (r) {
			fprintf(stderr, "instructions: n=%u: %s\n", sizes[i], strerror(-r));
			return 1;
		}
		printf("%4u %20llu %7.2f %24llu %7.2f %6llu %12zu\n", sizes[i],
		       (unsigned long long)mean(x.instructions[KIND_IDLE], x.elements[KIND_IDLE]),
		       (double)x.hashes[KIND_IDLE] / (double)x.elements[KIND_IDLE],
		       (unsigned long long)mean(x.instructions[KIND_DECIDING],
						x.elements[KIND_DECIDING]),
		       (double)x.hashes[KIND_DECIDING] / (double)x.elements[KIND_DECIDING],
		       (unsigned long long)mean(x.bytes[KIND_DECIDING], x.elements[KIND_DECIDING]),
		       cpc_core_size(sizes[i]));
		fprintf(json, "%s{\"n\":%u,\"idle\":%llu,\"deciding\":%llu,\"hashes\":%.2f,"
			"\"core_bytes\":%zu}", i ? "," : "", sizes[i],
			(unsigned long long)mean(x.instructions[KIND_IDLE], x.elements[KIND_IDLE]),
			(unsigned long long)mean(x.instructions[KIND_DECIDING],
						 x.elements[KIND_DECIDING]),
			(double)x.hashes[KIND_DECIDING] / (double)x.elements[KIND_DECIDING],
			cpc_core_size(sizes[i]));
	}
	fprintf(json, "]}\n");
	return fclose(json) ? 1 : 0;
}
