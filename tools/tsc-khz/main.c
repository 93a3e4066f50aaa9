// SPDX-License-Identifier: BSD-3-Clause
/*
 * tsc-khz - prints how fast this machine's time stamp counter runs, in kHz.
 *
 * tools/vm tells it to the guest's kernel: an emulated CPU has the host's counter, and a guest that
 * calibrates it at boot, on a host too busy to run the guest just then, may be wrong by a factor of
 * 80. All its clocks are wrong then, and every time-out and latency with them.
 *
 * Counter and clock are read in pairs; of many pairs the one is taken between whose two readings of
 * the clock the least time passed, so being preempted does no harm.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

enum {
	PAIRS = 200,
	APART_MS = 100,		/* an error of 1 us in either pair is then 10 ppm */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct pair {
	uint64_t ticks, ns;
};

static struct pair read_pair(void)
{
	struct pair best = {0};
	uint64_t best_ns = UINT64_MAX, before, ticks, after;
	int i;

	for (i = 0; i < PAIRS; i++) {
		before = now_ns();
		ticks = __rdtsc();
		after = now_ns();
		if (after - before < best_ns) {
			best_ns = after - before;
			best = (struct pair){ticks, before + best_ns / 2};
		}
	}
	return best;
}

int main(void)
{
	struct timespec apart = {0, APART_MS * 1000000};
	struct pair first = read_pair(), second;

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &apart, &apart) == EINTR)
		;
	second = read_pair();
	printf("%" PRIu64 "\n",
	       (second.ticks - first.ticks) * 1000000 / (second.ns - first.ns));
	return 0;
}
#else
int main(void)
{
	fputs("tsc-khz: this machine has no time stamp counter\n", stderr);
	return 1;
}
#endif
