// SPDX-License-Identifier: GPL-2.0-only
/*
 * platoon.bpf.c - "may this vehicle join?", "may our platoons merge?", by all.
 *
 * Yes only if this vehicle's own sensors agree, each of them fresh: it drives about as fast as the
 * platoon, has the gap ahead that is needed, and is not braking. Whatever is missing means no.
 * Driving close together is the kind of thing that has to be everyone's wish, so a proposal by
 * quorum is refused. Other entries are not this policy's: not yet.
 */
#include "bpf/policy/policy.h"

char _license[] SEC("license") = "GPL";

const volatile struct cpc_policy_config config = {
	.max_age_ns = 500000000,
	.speed_tolerance_cm_s = 300,
	.gap_min_cm = 500,
};

/* What the sensors say to a proposal. */
static __always_inline int weigh(const struct cpc_proposal_platoon *p, int own)
{
	struct cpc_sensors s = { 0 };
	__u64 now = bpf_ktime_get_boot_ns();
	__s64 gap = cpc_le16(p->gap_cm);
	__u32 i;

	if (!sensors_read(&s))
		return say(CPC_POLICY_NO, CPC_REASON_STALE);
	for (i = 0; i < __CPC_SENSOR_MAX; i++)
		if (!fresh(&s.sensor[i], now, config.max_age_ns))
			return say(CPC_POLICY_NO, CPC_REASON_STALE);
	if (s.sensor[CPC_SENSOR_BRAKE].value)
		return say(CPC_POLICY_NO, CPC_REASON_BRAKE);
	if (difference(s.sensor[CPC_SENSOR_SPEED].value, cpc_le16(p->speed_cm_s)) >
	    config.speed_tolerance_cm_s)
		return say(CPC_POLICY_NO, CPC_REASON_SPEED);
	if (gap < config.gap_min_cm)
		gap = config.gap_min_cm;
	if (s.sensor[CPC_SENSOR_GAP].value < gap)
		return say(CPC_POLICY_NO, CPC_REASON_GAP);
	return say(CPC_POLICY_YES, own ? CPC_REASON_OWN : CPC_REASON_FITS);
}

SEC("socket")
int policy_platoon(struct __sk_buff *skb)
{
	struct cpc_policy_context context = { 0 };
	struct cpc_proposal_platoon p = { 0 };

	if (bpf_skb_load_bytes(skb, 0, &context, sizeof(context)) ||
	    context.version != CPC_POLICY_VERSION ||
	    bpf_skb_load_bytes(skb, sizeof(context), &p.header, sizeof(p.header)) ||
	    cpc_le16(p.header.magic) != CPC_PROPOSAL_MAGIC || p.header.version != 1 ||
	    (p.header.type != CPC_PROPOSAL_JOIN && p.header.type != CPC_PROPOSAL_MERGE))
		return say(CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN);
	if (context.kind != CPC_ENTRY_BY_ALL)
		return say(CPC_POLICY_NO, CPC_REASON_KIND);
	/* Behind it may stand what its sender needs, as an agent's mark. */
	if (cpc_le16(context.length) < sizeof(p) ||
	    bpf_skb_load_bytes(skb, sizeof(context), &p, sizeof(p)))
		return say(CPC_POLICY_NO, CPC_REASON_MALFORMED);
	return weigh(&p, context.author == context.self);
}
