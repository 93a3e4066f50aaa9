// SPDX-License-Identifier: BSD-3-Clause
/* bpf_json_io.c - what the BPF programs and the policies did, for the control socket. */
#include <stdlib.h>
#include <time.h>

#include "agent/bpf/show.h"
#include "agent/node/bpf_io.h"
#include "agent/node/node_private.h"
#include "agent/util/cleanup.h"

static uint64_t tai_ns(void)
{
	struct timespec utc, tai;

	clock_gettime(CLOCK_REALTIME, &utc);
	clock_gettime(CLOCK_TAI, &tai);
	/* Nobody told the kernel the leap seconds: 37 since 2017, as agent/bpf has it. */
	if (tai.tv_sec - utc.tv_sec <= 5)
		tai.tv_sec = utc.tv_sec + 37;
	return (uint64_t)tai.tv_sec * 1000000000 + (uint64_t)tai.tv_nsec;
}

static json_t *words_json(const struct cpc_link_policy *p)
{
	json_t *words = json_object();
	unsigned int i;

	for (i = 0; i < __CPC_POLICY_WORD_MAX; i++)
		json_object_set_new(words, cpc_bpf_word_name(i),
				    json_integer((json_int_t)p->words[i]));
	return words;
}

static json_t *reasons_json(const struct cpc_link_policy *p)
{
	json_t *reasons = json_object();
	unsigned int i;

	for (i = 0; i < __CPC_REASON_MAX; i++)
		if (p->reasons[i])
			json_object_set_new(reasons, cpc_bpf_policy_reason_name(i),
					    json_integer((json_int_t)p->reasons[i]));
	return reasons;
}

/* What the module counted, and what the program itself did. */
static json_t *policy_json(struct cpc_node *node, unsigned int kind,
			   const struct cpc_link_policy *p)
{
	const char *name = node->bpf.policy[kind];
	u64 asked = 0;
	json_t *policy;
	unsigned int i;

	for (i = 0; i < __CPC_POLICY_WORD_MAX; i++)
		asked += p->words[i];
	policy = json_pack("{s:s, s:s, s:I, s:I, s:f, s:I, s:I, s:o, s:o}", "kind",
			   cpc_entry_kind_name(kind), "policy", name, "program",
			   (json_int_t)p->prog_id, "asked", (json_int_t)asked, "mean_ns",
			   asked ? (double)p->run_ns / (double)asked : 0.0, "max_ns",
			   (json_int_t)p->run_max_ns, "failed", (json_int_t)p->failed, "words",
			   words_json(p), "reasons", reasons_json(p));
	return policy;
}

static void add_map(struct cpc_node *node, json_t *policy, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct cpc_bpf_policy_metrics metrics;
	char name[33];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(slash ? slash + 1 : path, "."),
		 slash ? slash + 1 : path);
	if (*name && cpc_bpf_policy_metrics_read(node->config->bpf_root, name, &metrics, NULL) == 0)
		json_object_set_new(policy, "own_counters", cpc_bpf_policy_json(&metrics));
}

static json_t *policies_json(struct cpc_node *node)
{
	json_t *policies = json_array(), *policy;
	struct cpc_link_policies all;
	unsigned int kind;

	if (cpc_link_policies(node->link, node->cell, &all, NULL) < 0)
		return policies;
	for (kind = CPC_ENTRY_BY_QUORUM; kind < CPC_NODE_POLICY_KINDS; kind++) {
		if (!all.kind[kind].given)
			continue;
		policy = policy_json(node, kind, &all.kind[kind]);
		add_map(node, policy, node->bpf.policy[kind]);
		json_array_append_new(policies, policy);
	}
	return policies;
}

static json_t *source_json(const struct cpc_bpf_source *s)
{
	json_t *reasons = json_object();
	unsigned int r;

	for (r = CPC_F_TRUNCATED; r < CPC_F_EL_TRUNCATED; r++)
		if (s->by_reason[r])
			json_object_set_new(reasons, cpc_bpf_reason_name(r),
					    json_integer(s->by_reason[r]));
	return json_pack("{s:o, s:b, s:I, s:I, s:o}", "address",
			 json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", s->mac[0], s->mac[1],
				      s->mac[2], s->mac[3], s->mac[4], s->mac[5]),
			 "known", s->known, "frames", (json_int_t)s->frames, "dropped",
			 (json_int_t)s->dropped, "reasons", reasons);
}

static json_t *sources_json(const struct cpc_node *node)
{
	struct cpc_bpf_source worst[CPC_NODE_BPF_WORST];
	json_t *sources = json_array();
	int i, count;

	count = cpc_bpf_sources_read(node->config->bpf_root, node->config->interface, worst,
				     CPC_NODE_BPF_WORST, NULL);
	for (i = 0; i < count; i++)
		json_array_append_new(sources, source_json(&worst[i]));
	return sources;
}

json_t *cpc_node_bpf_json(struct cpc_node *node, bool sources)
{
	CPC_FREE struct cpc_bpf_metrics *metrics = calloc(1, sizeof(*metrics));
	json_t *bpf = NULL;

	if (metrics && node->bpf.programs &&
	    cpc_bpf_metrics_read(node->config->bpf_root, node->config->interface, metrics,
				 &node->bpf.why) == 0)
		bpf = cpc_bpf_json(metrics, tai_ns());
	if (!bpf)
		bpf = json_pack("{s:s, s:s}", "mode", "off", "why", node->bpf.why.text);
	json_object_set_new(bpf, "interface", json_string(node->config->interface));
	json_object_set_new(bpf, "root", json_string(node->config->bpf_root));
	if (node->bpf.programs)
		json_object_set_new(bpf, "note", json_string(cpc_bpf_note(node->bpf.programs)));
	if (node->bpf.why_no_policies.text[0])
		json_object_set_new(bpf, "why_no_policies",
				    json_string(node->bpf.why_no_policies.text));
	json_object_set_new(bpf, "policies", policies_json(node));
	if (sources && node->bpf.filters)
		json_object_set_new(bpf, "sources", sources_json(node));
	return bpf;
}
