// SPDX-License-Identifier: GPL-2.0-only
/*
 * speed.bpf.c - "let us all drive between these speeds", a fleet's advisory, by quorum or by all.
 *
 * Yes if the range is one this vehicle can keep: within its own limits, and near enough to the
 * speed it drives now, which has to be a fresh value. Other entries are not this policy's: not
 * yet.
 */
#include "bpf/policy/policy.h"

char _license[] SEC("license") = "GPL";

const volatile struct cpc_policy_config config = {
	.max_age_ns = 500000000,
	.speed_min_cm_s = 0,
	.speed_max_cm_s = 3611,		/* 130 km/h */
	.speed_change_cm_s = 833,	/* 30 km/h */
};

static __always_inline int weigh(const struct cpc_proposal_speed *p, int own)
{
	struct cpc_sensors s = { 0 };
	__u64 now = bpf_ktime_get_boot_ns();
	__s64 low = cpc_le16(p->min_cm_s), high = cpc_le16(p->max_cm_s), speed, nearest;

	if (low > high)
		return say(CPC_POLICY_NO, CPC_REASON_MALFORMED);
	/* Some speed has to be in both ranges; asked of me is the one nearest to mine. */
	if (low < config.speed_min_cm_s)
		low = config.speed_min_cm_s;
	if (high > config.speed_max_cm_s)
		high = config.speed_max_cm_s;
	if (low > high)
		return say(CPC_POLICY_NO, CPC_REASON_LIMIT);
	if (!sensors_read(&s) ||
	    !fresh(&s.sensor[CPC_SENSOR_SPEED], now, config.max_age_ns))
		return say(CPC_POLICY_NO, CPC_REASON_STALE);
	speed = s.sensor[CPC_SENSOR_SPEED].value;
	nearest = speed < low ? low : speed > high ? high : speed;
	if (difference(speed, nearest) > config.speed_change_cm_s)
		return say(CPC_POLICY_NO, CPC_REASON_SPEED);
	return say(CPC_POLICY_YES, own ? CPC_REASON_OWN : CPC_REASON_FITS);
}

SEC("socket")
int policy_speed(struct __sk_buff *skb)
{
	struct cpc_policy_context context = { 0 };
	struct cpc_proposal_speed p = { 0 };

	if (bpf_skb_load_bytes(skb, 0, &context, sizeof(context)) ||
	    context.version != CPC_POLICY_VERSION ||
	    bpf_skb_load_bytes(skb, sizeof(context), &p.header, sizeof(p.header)) ||
	    cpc_le16(p.header.magic) != CPC_PROPOSAL_MAGIC || p.header.version != 1 ||
	    p.header.type != CPC_PROPOSAL_SPEED)
		return say(CPC_POLICY_NOT_YET, CPC_REASON_UNKNOWN);
	/* Behind it may stand what its sender needs, as an agent's mark. */
	if (cpc_le16(context.length) < sizeof(p) ||
	    bpf_skb_load_bytes(skb, sizeof(context), &p, sizeof(p)))
		return say(CPC_POLICY_NO, CPC_REASON_MALFORMED);
	return weigh(&p, context.author == context.self);
}
