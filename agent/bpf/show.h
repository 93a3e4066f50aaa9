/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_SHOW_H
#define CPC_AGENT_BPF_SHOW_H

/* What the BPF programs counted, for people and for machines. */
#include <jansson.h>
#include <stdio.h>

#include "agent/bpf/metrics.h"

/* Programs with their runs, drops by reason, traffic by class, latency, channel load. */
void cpc_bpf_show(FILE *out, const struct cpc_bpf_metrics *metrics, uint64_t tai_ns);
void cpc_bpf_show_sources(FILE *out, const struct cpc_bpf_source *sources, size_t count);
void cpc_bpf_show_policy(FILE *out, const char *name,
			 const struct cpc_bpf_policy_metrics *metrics);

/* The same as an object; new reference, NULL without memory. */
json_t *cpc_bpf_json(const struct cpc_bpf_metrics *metrics, uint64_t tai_ns);
json_t *cpc_bpf_policy_json(const struct cpc_bpf_policy_metrics *metrics);

#endif
