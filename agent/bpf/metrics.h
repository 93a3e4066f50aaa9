/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_METRICS_H
#define CPC_AGENT_BPF_METRICS_H

/*
 * What the BPF programs counted, summed over the CPUs, with names for people and machines. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/filter.h"
#include "bpf/stamp.h"
#include "uapi/cpchain_policy.h"

enum { CPC_BPF_PROGRAMS = 3 };

struct cpc_bpf_program {
	char name[16];	   /* "" : not loaded */
	uint32_t id;
	uint64_t runs;	   /* while measuring, see cpc_bpf_measure() */
	uint64_t run_ns;   /* all together */
};

struct cpc_bpf_metrics {
	char mode[16];	   /* "xdp native", "xdp generic", "tc", "off" */
	struct cpc_bpf_program program[CPC_BPF_PROGRAMS];
	struct cpc_filter_count filter[__CPC_F_MAX];
	struct cpc_stamp_traffic traffic[CPC_STAMP_DIRECTIONS][__CPC_CLASS_MAX];
	struct cpc_stamp_latency latency[CPC_STAMP_DIRECTIONS][__CPC_CLASS_MAX][__CPC_LATENCY_MAX];
	struct cpc_stamp_busy busy[CPC_STAMP_WINDOWS];
};

struct cpc_bpf_source {
	uint8_t mac[6];
	bool known;
	uint64_t frames, dropped;
	uint32_t by_reason[__CPC_F_MAX];
};

struct cpc_bpf_policy_metrics {
	struct cpc_bpf_program program;
	uint64_t verdicts[__CPC_POLICY_WORD_MAX][__CPC_REASON_MAX];
};

/* Short lower-case names, as in metrics and on the command line; "?" beyond the last. */
const char *cpc_bpf_reason_name(unsigned int reason);	   /* enum cpc_filter_reason */
const char *cpc_bpf_class_name(unsigned int class);	   /* enum cpc_frame_class */
const char *cpc_bpf_word_name(unsigned int word);	   /* enum cpc_policy_word */
const char *cpc_bpf_policy_reason_name(unsigned int reason); /* enum cpc_policy_reason */

/* Frames that the filter dropped, for whatever reason of the frame or the element. */
uint64_t cpc_bpf_dropped(const struct cpc_bpf_metrics *metrics);

/* Add one CPU's counts. */
void cpc_bpf_count_add(struct cpc_filter_count *sum, const struct cpc_filter_count *cpu);
void cpc_bpf_traffic_add(struct cpc_stamp_traffic *sum, const struct cpc_stamp_traffic *cpu);
void cpc_bpf_latency_add(struct cpc_stamp_latency *sum, const struct cpc_stamp_latency *cpu);

/*
 * An upper bound of the per-mille-th quantile in microseconds: the end of its bucket, which is at
 * most twice the true value. 0 when there is nothing in the histogram.
 */
uint64_t cpc_bpf_quantile_us(const struct cpc_stamp_latency *latency, unsigned int per_mille);
uint64_t cpc_bpf_latency_count(const struct cpc_stamp_latency *latency);

/*
 * Channel load in per mille over the last @windows complete windows before @tai_ns, at most
 * CPC_STAMP_WINDOWS - 2. Windows without any frame count as idle.
 */
unsigned int cpc_bpf_busy_per_mille(const struct cpc_bpf_metrics *metrics, uint64_t tai_ns,
				    unsigned int windows);

/* How a source stands, from what the map has of it. */
struct cpc_bpf_source cpc_bpf_source_from(uint64_t key, const struct cpc_filter_source *value);

#endif
