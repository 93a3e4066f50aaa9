// SPDX-License-Identifier: BSD-3-Clause
#include "agent/bpf/metrics.h"

#include <assert.h>
#include <string.h>

static const char *const reasons[__CPC_F_MAX] = {
	[CPC_F_OTHER] = "other",
	[CPC_F_PASSED] = "passed",
	[CPC_F_UNJUDGED] = "unjudged",
	[CPC_F_TRUNCATED] = "truncated",
	[CPC_F_MALFORMED] = "malformed",
	[CPC_F_OVERSIZED] = "oversized",
	[CPC_F_HOPS] = "hops",
	[CPC_F_DENIED] = "denied",
	[CPC_F_RATE_SOURCE] = "rate_source",
	[CPC_F_RATE_NEW] = "rate_newcomers",
	[CPC_F_RATE_ALL] = "rate_all",
	[CPC_F_EL_TRUNCATED] = "element_truncated",
	[CPC_F_EL_OVERSIZED] = "element_oversized",
	[CPC_F_EL_MALFORMED] = "element_malformed",
	[CPC_F_EL_EPOCH] = "element_epoch",
	[CPC_F_EL_SENDER] = "element_sender",
	[CPC_F_EL_STALE] = "element_stale",
	[CPC_F_EL_REPLAY] = "element_replay",
	[CPC_F_CUT] = "cut",
};

static const char *const classes[__CPC_CLASS_MAX] = {
	[CPC_CLASS_CAM] = "cam",	 [CPC_CLASS_DENM] = "denm",
	[CPC_CLASS_BTP] = "btp",	 [CPC_CLASS_GEONET] = "geonet",
	[CPC_CLASS_SECURED] = "secured", [CPC_CLASS_WSMP] = "wsmp",
	[CPC_CLASS_ELEMENT] = "element",
};

static const char *const words[__CPC_POLICY_WORD_MAX] = {
	[CPC_POLICY_NOT_YET] = "not yet",
	[CPC_POLICY_NO] = "no",
	[CPC_POLICY_YES] = "yes",
};

static const char *const policy_reasons[__CPC_REASON_MAX] = {
	[CPC_REASON_NONE] = "none",
	[CPC_REASON_FITS] = "fits",
	[CPC_REASON_OWN] = "own proposal",
	[CPC_REASON_UNKNOWN] = "no proposal of its kind",
	[CPC_REASON_MALFORMED] = "malformed",
	[CPC_REASON_STALE] = "sensors stale",
	[CPC_REASON_SPEED] = "speed differs",
	[CPC_REASON_GAP] = "gap too small",
	[CPC_REASON_BRAKE] = "braking",
	[CPC_REASON_LIMIT] = "outside own limits",
	[CPC_REASON_KIND] = "must be by all",
	[CPC_REASON_AGENT] = "the agent's word",
	[CPC_REASON_DEFAULT] = "the default",
};

static const char *name_in(const char *const *names, unsigned int count, unsigned int i)
{
	return i < count && names[i] ? names[i] : "?";
}

const char *cpc_bpf_reason_name(unsigned int reason)
{
	return name_in(reasons, __CPC_F_MAX, reason);
}

const char *cpc_bpf_class_name(unsigned int class)
{
	return name_in(classes, __CPC_CLASS_MAX, class);
}

const char *cpc_bpf_word_name(unsigned int word)
{
	return name_in(words, __CPC_POLICY_WORD_MAX, word);
}

const char *cpc_bpf_policy_reason_name(unsigned int reason)
{
	return name_in(policy_reasons, __CPC_REASON_MAX, reason);
}

uint64_t cpc_bpf_dropped(const struct cpc_bpf_metrics *metrics)
{
	uint64_t sum = 0, elements = 0;

	for (unsigned int i = CPC_F_TRUNCATED; i < CPC_F_EL_TRUNCATED; i++)
		sum += metrics->filter[i].frames;
	for (unsigned int i = CPC_F_EL_TRUNCATED; i < CPC_F_CUT; i++)
		elements += metrics->filter[i].frames;
	/* A carrier whose element was cut has passed. */
	if (elements > metrics->filter[CPC_F_CUT].frames)
		sum += elements - metrics->filter[CPC_F_CUT].frames;
	return sum;
}

void cpc_bpf_count_add(struct cpc_filter_count *sum, const struct cpc_filter_count *cpu)
{
	sum->frames += cpu->frames;
	sum->bytes += cpu->bytes;
}

void cpc_bpf_traffic_add(struct cpc_stamp_traffic *sum, const struct cpc_stamp_traffic *cpu)
{
	sum->frames += cpu->frames;
	sum->bytes += cpu->bytes;
	sum->air_ns += cpu->air_ns;
	sum->hardware += cpu->hardware;
	sum->lost += cpu->lost;
}

void cpc_bpf_latency_add(struct cpc_stamp_latency *sum, const struct cpc_stamp_latency *cpu)
{
	for (unsigned int i = 0; i < CPC_STAMP_BUCKETS; i++)
		sum->bucket[i] += cpu->bucket[i];
	sum->sum_us += cpu->sum_us;
	sum->ahead += cpu->ahead;
	sum->wild += cpu->wild;
}

uint64_t cpc_bpf_latency_count(const struct cpc_stamp_latency *latency)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < CPC_STAMP_BUCKETS; i++)
		count += latency->bucket[i];
	return count;
}

uint64_t cpc_bpf_quantile_us(const struct cpc_stamp_latency *latency, unsigned int per_mille)
{
	uint64_t count = cpc_bpf_latency_count(latency), below = 0, wanted;

	assert(per_mille <= 1000);
	if (!count)
		return 0;
	/* Rounded up, and in two steps so that no count is too large for it. */
	wanted = count / 1000 * per_mille + (count % 1000 * per_mille + 999) / 1000;
	if (!wanted)
		wanted = 1;
	for (unsigned int i = 0; i < CPC_STAMP_BUCKETS; i++) {
		below += latency->bucket[i];
		if (below >= wanted)
			return i ? (UINT64_C(1) << i) - 1 : 0;
	}
	return (UINT64_C(1) << (CPC_STAMP_BUCKETS - 1)) - 1;
}

unsigned int cpc_bpf_busy_per_mille(const struct cpc_bpf_metrics *metrics, uint64_t tai_ns,
				    unsigned int windows)
{
	uint64_t now, air_ns = 0, per_mille;

	/* The present window is incomplete, and the oldest slot may be about to be reused. */
	if (!windows || windows > CPC_STAMP_WINDOWS - 2)
		return 0;
	now = tai_ns / CPC_STAMP_WINDOW_NS;
	for (unsigned int i = 0; i < CPC_STAMP_WINDOWS; i++) {
		uint64_t window = metrics->busy[i].window;

		if (window < now && now - window <= windows)
			air_ns += metrics->busy[i].air_ns;
	}
	per_mille = air_ns * 1000 / ((uint64_t)CPC_STAMP_WINDOW_NS * windows);
	/* More than there is time: injected frames that no radio sent. */
	return per_mille > 1000 ? 1000 : (unsigned int)per_mille;
}

struct cpc_bpf_source cpc_bpf_source_from(uint64_t key, const struct cpc_filter_source *value)
{
	struct cpc_bpf_source source = { .known = value->known, .frames = value->frames };

	memcpy(source.mac, &key, sizeof(source.mac));
	memcpy(source.by_reason, value->by_reason, sizeof(source.by_reason));
	for (unsigned int i = CPC_F_TRUNCATED; i < CPC_F_EL_TRUNCATED; i++)
		source.dropped += value->by_reason[i];
	return source;
}
