/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * latency.h - from SUBMIT to decided, exactly, over the last CPC_LATENCY_SAMPLES entries (pure).
 *
 * The clock starts when SUBMIT is called and stops when the event that announces the decision is
 * read. Entries submitted before this agent started are not measured.
 */
#ifndef CPC_AGENT_NODE_LATENCY_H
#define CPC_AGENT_NODE_LATENCY_H

#include <stdint.h>

enum {
	CPC_LATENCY_SAMPLES = 8192,	/* the oldest is forgotten */
	CPC_LATENCY_OPEN = 64,		/* more than a lane may have undecided */
};

struct cpc_latency {
	struct {
		uint32_t seq;		/* 0: free */
		uint64_t submitted_us;
	} open[CPC_LATENCY_OPEN];	/* by seq modulo */
	uint32_t sample_us[CPC_LATENCY_SAMPLES];
	uint64_t count;			/* ever */
};

struct cpc_latency_summary {
	uint64_t count;			/* ever measured; the rest is over the last samples */
	double p50_ms, p99_ms, max_ms;	/* 0 without samples */
};

void cpc_latency_submitted(struct cpc_latency *latency, uint32_t seq, uint64_t now_us);
void cpc_latency_decided(struct cpc_latency *latency, uint32_t seq, uint64_t now_us);

/* Percentiles by nearest rank. */
void cpc_latency_summarize(const struct cpc_latency *latency,
			   struct cpc_latency_summary *ret_summary);

#endif
