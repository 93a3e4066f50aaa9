// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_get.c - cells and counters, one by one or all of a namespace.
 */
#include "netlink.h"

#include <linux/rtnetlink.h>
#include <net/sock.h>

#include "cell.h"
#include "iface.h"

/* A cell of 64 with all its keys and counters takes some 6 KiB. */
enum { CELL_MESSAGE_BYTES = 12 * 1024 };

static int put_counters(struct sk_buff *skb, const struct cpc_cell *cell)
{
	struct nlattr *nest = nla_nest_start(skb, CPC_A_COUNTERS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = CPC_N_PAD + 1; i <= CPC_N_MAX; i++)
		if (nla_put_u64_64bit(skb, i, atomic64_read(&cell->counters.value[i]), CPC_N_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What a filter in front of us may rely on: how far the member's counter is, and who it was. */
static int put_heard(struct sk_buff *skb, struct cpc_cell *cell, unsigned int index)
{
	const struct cpc_member *member = &cell->core->member[index];
	int err = 0;

	spin_lock_bh(&cell->lock);
	if (member->heard) {
		err = nla_put_u32(skb, CPC_A_COUNTER, member->counter);
		err = err ?: nla_put(skb, CPC_A_ADDRESS, ETH_ALEN, cell->peer[index].address);
	}
	spin_unlock_bh(&cell->lock);
	return err;
}

static int put_member(struct sk_buff *skb, struct cpc_cell *cell, unsigned int index)
{
	struct nlattr *nest = nla_nest_start(skb, CPC_A_MEMBER);
	const struct cpc_key *key;
	int err;

	if (!nest)
		return -EMSGSIZE;
	err = nla_put_u8(skb, CPC_A_INDEX, index);
	err = err ?: nla_put(skb, CPC_A_NODE_ID, CPC_NODE_ID_BYTES, cell->peer[index].node_id);
	rcu_read_lock();
	key = rcu_dereference(cell->peer[index].key);
	if (key)
		err = err ?: nla_put(skb, CPC_A_KEY_ID, sizeof(key->id), key->id);
	rcu_read_unlock();
	err = err ?: put_heard(skb, cell, index);
	nla_nest_end(skb, nest);
	return err;
}

static int put_members(struct sk_buff *skb, struct cpc_cell *cell)
{
	struct nlattr *nest = nla_nest_start(skb, CPC_A_MEMBERS);
	unsigned int i;
	int err = 0;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < cell->n && !err; i++)
		err = put_member(skb, cell, i);
	nla_nest_end(skb, nest);
	return err;
}

/* What the core's lock protects. */
static int put_state(struct sk_buff *skb, struct cpc_cell *cell)
{
	const struct cpc_core *core = cell->core;
	int err;

	spin_lock_bh(&cell->lock);
	err = nla_put_u8(skb, CPC_A_PACING, core->config.pacing);
	err = err ?: nla_put_u32(skb, CPC_A_PERIOD_US, core->config.period_us);
	err = err ?: nla_put_u8(skb, CPC_A_DEFAULT_VERDICT, core->config.default_verdict);
	err = err ?: nla_put_u32(skb, CPC_A_SLOT, core->decided);
	err = err ?: nla_put(skb, CPC_A_LOG_HASH, sizeof(core->log_hash), &core->log_hash);
	if (!err && core->config.base)
		err = nla_put_u32(skb, CPC_A_BASE, core->config.base);
	if (!err && core->end)
		err = nla_put_u32(skb, CPC_A_END, core->end);
	spin_unlock_bh(&cell->lock);
	return err;
}

/* RTNL, or the cell's reference and luck with the name: the device itself is held by the iface. */
static int put_cell(struct sk_buff *skb, struct cpc_cell *cell)
{
	const struct net_device *dev = cell->iface->dev;
	int err;

	ASSERT_RTNL();
	err = nla_put_u16(skb, CPC_A_CELL, cell->id);
	err = err ?: nla_put_u16(skb, CPC_A_EPOCH, cell->epoch);
	err = err ?: nla_put_u32(skb, CPC_A_IFINDEX, dev->ifindex);
	err = err ?: nla_put_string(skb, CPC_A_IFNAME, dev->name);
	err = err ?: nla_put_u8(skb, CPC_A_SELF, cell->self);
	err = err ?: nla_put_string(skb, CPC_A_MAC, cell->mac->name);
	err = err ?: nla_put_u8(skb, CPC_A_MAC_ID, cell->mac->id);
	err = err ?: nla_put(skb, CPC_A_MEMBERS_DIGEST, sizeof(cell->members), &cell->members);
	if (!err && cell->slow_first_view)
		err = nla_put_flag(skb, CPC_A_SLOW_FIRST_VIEW);
	err = err ?: put_state(skb, cell);
	err = err ?: put_members(skb, cell);
	return err ?: put_counters(skb, cell);
}

static int put_stats(struct sk_buff *skb, struct cpc_cell *cell)
{
	return nla_put_u16(skb, CPC_A_CELL, cell->id) ?: put_counters(skb, cell);
}

typedef int put_fn(struct sk_buff *skb, struct cpc_cell *cell);

/* RTNL. Answers with one cell. */
static int answer(struct genl_info *info, u8 command, put_fn *put)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct sk_buff *skb;
	void *header;
	int err = -EMSGSIZE;

	ASSERT_RTNL();
	if (!hash_hashed(&cell->in_net))
		return cpc_refuse(info->extack, info->attrs[CPC_A_CELL], -ENOENT,
				  "cell %u is gone already", cell->id);
	skb = genlmsg_new(CELL_MESSAGE_BYTES, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &cpc_nl_family, 0, command);
	if (header)
		err = put(skb, cell);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

int cpc_nl_cell_get(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	rtnl_lock();
	err = answer(info, CPC_C_CELL_GET, put_cell);
	rtnl_unlock();
	return err;
}

int cpc_nl_stats_get(struct sk_buff *skb, struct genl_info *info)
{
	int err;

	rtnl_lock();
	err = answer(info, CPC_C_STATS_GET, put_stats);
	rtnl_unlock();
	return err;
}

/* ---- all cells ------------------------------------------------------------------------------- */

int cpc_nl_cells_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = CELL_MESSAGE_BYTES;
	return 0;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb, u8 command, put_fn *put,
		    struct cpc_cell *cell)
{
	void *header;
	int err;

	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &cpc_nl_family,
			     NLM_F_MULTI, command);
	if (!header)
		return -EMSGSIZE;
	err = put(skb, cell);
	if (err)
		genlmsg_cancel(skb, header);
	else
		genlmsg_end(skb, header);
	return err;
}

/* Resumes behind cb->args[0], the last cell told; cells come in the order they were made. */
static int dump_cells(struct sk_buff *skb, struct netlink_callback *cb, u8 command, put_fn *put)
{
	struct cpc_net *cn = cpc_net(sock_net(skb->sk));
	struct cpc_cell *cell, *next;
	unsigned int bucket;
	int err = 0;

	rtnl_lock();
	do {
		next = NULL;
		hash_for_each(cn->cells, bucket, cell, in_net)
			if (cell->born > (u64)cb->args[0] && (!next || cell->born < next->born))
				next = cell;
		if (!next)
			break;
		err = dump_one(skb, cb, command, put, next);
		if (!err)
			cb->args[0] = next->born;
	} while (!err);
	rtnl_unlock();
	/* A full message goes out, and the dump goes on; an empty one could never be filled. */
	return skb->len ? skb->len : err;
}

int cpc_nl_cell_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_cells(skb, cb, CPC_C_CELL_GET, put_cell);
}

int cpc_nl_stats_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return dump_cells(skb, cb, CPC_C_STATS_GET, put_stats);
}
