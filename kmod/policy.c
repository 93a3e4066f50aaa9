// SPDX-License-Identifier: GPL-2.0-only
/*
 * policy.c - runs a vehicle's voting policy. Knows BPF programs and the bytes they are given;
 * nothing of cells, so that any lock may be held by who asks.
 *
 *   question -> an skb: context 16 | data -> socket filter -> word, reason
 *
 * The skb belongs to no device and no socket; the verifier has already made every access to either
 * cope with that. A program is bounded by the verifier, and its pointer is exchanged atomically: a
 * question sees the old program or the new one. bpf_prog_put() waits for readers by itself.
 */
#include "policy.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/ktime.h>
#include <linux/skbuff.h>

#include "netlink.h"

static int index_of(u8 kind)
{
	switch (kind) {
	case CPC_ENTRY_BY_QUORUM:
		return 0;
	case CPC_ENTRY_BY_ALL:
		return 1;
	default:
		return -EINVAL;
	}
}

int cpc_policies_set(struct cpc_policies *policies, u8 kind, int fd,
		     struct netlink_ext_ack *extack)
{
	struct bpf_prog *prog = NULL, *old;
	int index = index_of(kind);

	if (index < 0)
		return cpc_refuse(extack, NULL, index, "entries of kind %u are not conditional",
				  kind);
	if (fd >= 0) {
		prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SOCKET_FILTER, false);
		if (IS_ERR(prog))
			return cpc_refuse(extack, NULL, PTR_ERR(prog),
					  "descriptor %d is not a BPF socket filter", fd);
	}
	old = unrcu_pointer(xchg(&policies->prog[index], RCU_INITIALIZER(prog)));
	if (old)
		bpf_prog_put(old);
	return 0;
}

void cpc_policies_done(struct cpc_policies *policies)
{
	cpc_policies_set(policies, CPC_ENTRY_BY_QUORUM, -1, NULL);
	cpc_policies_set(policies, CPC_ENTRY_BY_ALL, -1, NULL);
}

u32 cpc_policies_id(const struct cpc_policies *policies, u8 kind)
{
	int index = index_of(kind);
	struct bpf_prog *prog;
	u32 id = 0;

	if (index < 0)
		return 0;
	rcu_read_lock();
	prog = rcu_dereference(policies->prog[index]);
	if (prog)
		id = prog->aux->id;
	rcu_read_unlock();
	return id;
}

/* What the program is shown, or NULL. */
static struct sk_buff *put_question(const struct cpc_policy_question *q)
{
	struct cpc_policy_context context = {
		.version = CPC_POLICY_VERSION,
		.kind = q->kind,
		.author = q->author,
		.self = q->self,
		.n = q->n,
		.cell = cpu_to_le16(q->cell),
		.epoch = cpu_to_le16(q->epoch),
		.length = cpu_to_le16(q->len),
		.seq = cpu_to_le32(q->seq),
	};
	struct sk_buff *skb = alloc_skb(sizeof(context) + q->len, GFP_ATOMIC | __GFP_NOWARN);

	if (!skb)
		return NULL;
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	skb_put_data(skb, &context, sizeof(context));
	skb_put_data(skb, q->data, q->len);
	return skb;
}

static void count_run(struct cpc_policy_stats *stats, u32 word, u32 reason, s64 ns)
{
	s64 max = atomic64_read(&stats->run_max_ns);

	atomic64_inc(&stats->words[word]);
	atomic64_inc(&stats->reasons[reason < __CPC_REASON_MAX ? reason : CPC_REASON_NONE]);
	atomic64_add(ns, &stats->run_ns);
	while (ns > max && !atomic64_try_cmpxchg(&stats->run_max_ns, &max, ns))
		;
}

/* Caller holds rcu_read_lock(). */
static u32 run(struct bpf_prog *prog, struct cpc_policy_stats *stats,
	       const struct cpc_policy_question *q)
{
	struct sk_buff *skb = put_question(q);
	u32 result, word, reason;
	ktime_t start;

	if (!skb) {
		atomic64_inc(&stats->failed);
		return CPC_POLICY_RESULT(CPC_POLICY_NOT_YET, CPC_REASON_NONE);
	}
	start = ktime_get();
	result = bpf_prog_run_clear_cb(prog, skb);
	word = result & 0xff;
	reason = result >> 8 & 0xff;
	if (word >= __CPC_POLICY_WORD_MAX)
		word = CPC_POLICY_NOT_YET;
	count_run(stats, word, reason, ktime_to_ns(ktime_sub(ktime_get(), start)));
	kfree_skb(skb);
	return CPC_POLICY_RESULT(word, reason);
}

u32 cpc_policies_ask(struct cpc_policies *policies, const struct cpc_policy_question *question)
{
	u32 result = CPC_POLICY_RESULT(CPC_POLICY_NOT_YET, CPC_REASON_NONE);
	int index = index_of(question->kind);
	struct bpf_prog *prog;

	if (index < 0)
		return result;
	rcu_read_lock();
	prog = rcu_dereference(policies->prog[index]);
	if (prog)
		result = run(prog, &policies->stats[index], question);
	rcu_read_unlock();
	return result;
}
