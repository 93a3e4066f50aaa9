// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/latency.h"

#include <stdlib.h>
#include <string.h>

void cpc_latency_submitted(struct cpc_latency *latency, uint32_t seq, uint64_t now_us)
{
	latency->open[seq % CPC_LATENCY_OPEN].seq = seq;
	latency->open[seq % CPC_LATENCY_OPEN].submitted_us = now_us;
}

void cpc_latency_decided(struct cpc_latency *latency, uint32_t seq, uint64_t now_us)
{
	uint32_t place = seq % CPC_LATENCY_OPEN;
	uint64_t took_us = now_us - latency->open[place].submitted_us;

	if (seq == 0 || latency->open[place].seq != seq)
		return;
	latency->open[place].seq = 0;
	latency->sample_us[latency->count++ % CPC_LATENCY_SAMPLES] =
		took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The smallest sample that `percent` of all do not exceed. */
static double nearest_rank(const uint32_t *sorted, size_t count, unsigned int percent)
{
	size_t rank = (count * percent + 99) / 100;

	return sorted[rank ? rank - 1 : 0] / 1000.0;
}

void cpc_latency_summarize(const struct cpc_latency *latency,
			   struct cpc_latency_summary *ret_summary)
{
	uint32_t sorted[CPC_LATENCY_SAMPLES];
	size_t count = latency->count < CPC_LATENCY_SAMPLES ? (size_t)latency->count :
							      CPC_LATENCY_SAMPLES;

	memset(ret_summary, 0, sizeof(*ret_summary));
	ret_summary->count = latency->count;
	if (count == 0)
		return;
	memcpy(sorted, latency->sample_us, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), compare);
	ret_summary->p50_ms = nearest_rank(sorted, count, 50);
	ret_summary->p99_ms = nearest_rank(sorted, count, 99);
	ret_summary->max_ms = sorted[count - 1] / 1000.0;
}
