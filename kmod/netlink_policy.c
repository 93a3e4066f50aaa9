// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_policy.c - a vehicle's voting policy, and what was said on conditional entries.
 */
#include "netlink.h"

#include "cell.h"

enum { ANSWER_BYTES = 2048 };	/* either answer takes less than half */

typedef int put_fn(struct sk_buff *skb, struct cpc_cell *cell, u32 argument);

static int answer(struct genl_info *info, u8 command, put_fn *put, u32 argument)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct sk_buff *skb = genlmsg_new(ANSWER_BYTES, GFP_KERNEL);
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &cpc_nl_family, 0, command);
	err = header ? nla_put_u16(skb, CPC_A_CELL, cell->id) : -EMSGSIZE;
	err = err ?: put(skb, cell, argument);
	if (WARN_ON_ONCE(err)) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

/* ---- policies -------------------------------------------------------------------------------- */

int cpc_nl_policy_set(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	const struct nlattr *fd = info->attrs[CPC_A_FD];
	u32 kind;
	int err;

	err = cpc_nl_number(info->attrs, info->extack, CPC_A_KIND, 0, U8_MAX, &kind);
	if (err)
		return err;
	if (fd && nla_get_u32(fd) > S32_MAX)
		return cpc_refuse(info->extack, fd, -EBADF, "FD is %u, no file descriptor",
				  nla_get_u32(fd));
	return cpc_policies_set(&cell->policies, kind, fd ? (int)nla_get_u32(fd) : -1,
				info->extack);
}

static int put_counts(struct sk_buff *skb, int type, const atomic64_t *counts, unsigned int n)
{
	struct nlattr *nest = nla_nest_start(skb, type);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < n; i++)
		if (nla_put_u64_64bit(skb, 1 + i, atomic64_read(&counts[i]), 0))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_number(struct sk_buff *skb, int type, const atomic64_t *number)
{
	return nla_put_u64_64bit(skb, type, atomic64_read(number), CPC_A_PAD);
}

static int put_policy(struct sk_buff *skb, const struct cpc_policies *policies, unsigned int index)
{
	const struct cpc_policy_stats *stats = &policies->stats[index];
	struct nlattr *nest = nla_nest_start(skb, CPC_A_POLICY);
	u8 kind = CPC_ENTRY_BY_QUORUM + index;
	u32 id = cpc_policies_id(policies, kind);
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u8(skb, CPC_A_KIND, kind);
	if (!err && id)
		err = nla_put_u32(skb, CPC_A_PROG_ID, id);
	err = err ?: put_counts(skb, CPC_A_WORDS, stats->words, ARRAY_SIZE(stats->words));
	err = err ?: put_counts(skb, CPC_A_REASONS, stats->reasons, ARRAY_SIZE(stats->reasons));
	err = err ?: put_number(skb, CPC_A_FAILED, &stats->failed);
	err = err ?: put_number(skb, CPC_A_RUN_NS, &stats->run_ns);
	err = err ?: put_number(skb, CPC_A_RUN_MAX_NS, &stats->run_max_ns);
	nla_nest_end(skb, nest);
	return err;
}

static int put_policies(struct sk_buff *skb, struct cpc_cell *cell, u32 unused)
{
	struct nlattr *nest = nla_nest_start(skb, CPC_A_POLICIES);
	unsigned int i;
	int err = 0;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < CPC_POLICY_KINDS && !err; i++)
		err = put_policy(skb, &cell->policies, i);
	nla_nest_end(skb, nest);
	return err;
}

int cpc_nl_policy_get(struct sk_buff *skb, struct genl_info *info)
{
	return answer(info, CPC_C_POLICY_GET, put_policies, 0);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static int put_condition(struct sk_buff *skb, const struct cpc_condition *condition, u8 n,
			 bool open)
{
	struct nlattr *nest;
	int err;

	if (condition->kind == CPC_ENTRY_ORDINARY)
		return 0;
	nest = nla_nest_start(skb, CPC_A_CONDITION);
	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u8(skb, CPC_A_KIND, condition->kind);
	err = err ?: nla_put_u32(skb, CPC_A_SEQ, condition->seq);
	err = err ?: nla_put(skb, CPC_A_HEAD, sizeof(condition->head), &condition->head);
	if (!err && open)
		err = nla_put_flag(skb, CPC_A_OPEN);
	err = err ?: nla_put_u64_64bit(skb, CPC_A_YES, condition->yes, CPC_A_PAD);
	err = err ?: nla_put_u64_64bit(skb, CPC_A_NO, condition->no, CPC_A_PAD);
	err = err ?: nla_put(skb, CPC_A_WHY, n, condition->why);
	nla_nest_end(skb, nest);
	return err;
}

static int put_conditions(struct sk_buff *skb, struct cpc_cell *cell, u32 lane)
{
	const struct cpc_member *member = &cell->core->member[lane];
	int err;

	spin_lock_bh(&cell->lock);
	err = nla_put_u8(skb, CPC_A_LANE, lane);
	err = err ?: put_condition(skb, &member->decided_condition, cell->n, false);
	err = err ?: put_condition(skb, &member->condition, cell->n, true);
	spin_unlock_bh(&cell->lock);
	return err;
}

int cpc_nl_condition_get(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	u32 lane;
	int err;

	err = cpc_nl_number(info->attrs, info->extack, CPC_A_LANE, 0, cell->n - 1, &lane);
	return err ?: answer(info, CPC_C_CONDITION_GET, put_conditions, lane);
}
