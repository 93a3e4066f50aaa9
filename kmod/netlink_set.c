// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_set.c - commands that change something. Each checks all before it changes anything.
 */
#include "netlink.h"

#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/cfg80211.h>

#include "cell.h"
#include "iface.h"
#include "main.h"

enum { PERIOD_US_MIN = 10 * 1000, PERIOD_US_MAX = 1000 * 1000, PERIOD_US_DEFAULT = 100 * 1000 };

/* ---- a new cell ------------------------------------------------------------------------------ */

static const struct nla_policy member_policy[CPC_A_NODE_ID + 1] = {
	[CPC_A_INDEX] = { .type = NLA_U8 },
	[CPC_A_NODE_ID] = { .type = NLA_BINARY },
};

/* One MEMBER into @config; @given has a bit per index that came before. */
static int parse_member(const struct nlattr *nest, struct netlink_ext_ack *extack,
			struct cpc_cell_config *config, u64 *given)
{
	struct nlattr *attrs[ARRAY_SIZE(member_policy)];
	const void *node_id;
	u32 index;
	int err;

	if (nla_type(nest) != CPC_A_MEMBER)
		return cpc_refuse(extack, nest, -EINVAL, "attribute %d in MEMBERS, must be MEMBER",
				  nla_type(nest));
	err = nla_parse_nested(attrs, ARRAY_SIZE(member_policy) - 1, nest, member_policy, extack);
	if (err)
		return err;
	err = cpc_nl_number(attrs, extack, CPC_A_INDEX, 0, CPC_MEMBERS_MAX - 1, &index);
	err = err ?: cpc_nl_bytes(attrs, extack, CPC_A_NODE_ID, CPC_NODE_ID_BYTES, &node_id);
	if (err)
		return err;
	if (*given >> index & 1)
		return cpc_refuse(extack, nest, -EINVAL, "member index %u is given twice", index);
	*given |= 1ULL << index;
	memcpy(config->node_id[index], node_id, CPC_NODE_ID_BYTES);
	return 0;
}

static int refuse_same(struct netlink_ext_ack *extack, const struct cpc_cell_config *config)
{
	unsigned int i, j;

	for (i = 0; i < config->n; i++)
		for (j = 0; j < i; j++)
			if (!memcmp(config->node_id[i], config->node_id[j], CPC_NODE_ID_BYTES))
				return cpc_refuse(extack, NULL, -EINVAL,
						  "members %u and %u have one node id: %*phN...", j,
						  i, 8, config->node_id[i]);
	return 0;
}

static int parse_members(const struct nlattr *members, bool unanimous,
			 struct netlink_ext_ack *extack, struct cpc_cell_config *config)
{
	unsigned int n = 0, gap;
	const struct nlattr *nest;
	u64 given = 0;
	int rest, err;

	if (!members)
		return cpc_refuse(extack, NULL, -EINVAL, "MEMBERS is missing");
	nla_for_each_nested(nest, members, rest)
		n++;
	if (n < CPC_MEMBERS_FEW)
		return cpc_refuse(extack, members, -EINVAL, "a cell of %u: at least %u members", n,
				  CPC_MEMBERS_FEW);
	if (n < CPC_MEMBERS_MIN && !unanimous)
		return cpc_refuse(extack, members, -EINVAL,
				  "a cell of %u: tolerating one fault takes at least %u members", n,
				  CPC_MEMBERS_MIN);
	if (n > CPC_MEMBERS_MAX)
		return cpc_refuse(extack, members, -EINVAL, "a cell of %u: at most %u members", n,
				  CPC_MEMBERS_MAX);
	nla_for_each_nested(nest, members, rest) {
		err = parse_member(nest, extack, config, &given);
		if (err)
			return err;
	}
	gap = ffz(given);
	if (n < 64 && gap < n)
		return cpc_refuse(extack, members, -EINVAL,
				  "member index %u is missing: a cell of %u has 0..%u", gap, n,
				  n - 1);
	config->n = n;
	return refuse_same(extack, config);
}

/* Where the epoch before ended: both or none. */
static int parse_base(struct nlattr **attrs, struct netlink_ext_ack *extack,
		      struct cpc_cell_config *config)
{
	const void *log_hash;
	int err;

	if (!attrs[CPC_A_BASE] && !attrs[CPC_A_PREV_LOG_HASH])
		return 0;
	err = cpc_nl_number(attrs, extack, CPC_A_BASE, 1, CPC_BASE_MAX, &config->base);
	err = err ?: cpc_nl_bytes(attrs, extack, CPC_A_PREV_LOG_HASH, CPC_HASH_BYTES, &log_hash);
	if (!err)
		memcpy(config->base_log_hash.b, log_hash, CPC_HASH_BYTES);
	return err;
}

static int parse_cell(struct genl_info *info, struct cpc_cell_config *config, u32 *ret_ifindex)
{
	struct netlink_ext_ack *extack = info->extack;
	struct nlattr **attrs = info->attrs;
	u32 id, epoch, self, pacing = CPC_PACING_CARRIER, verdict = CPC_VERDICT_NONE;
	u32 period_us = PERIOD_US_DEFAULT;
	int err;

	err = cpc_nl_number(attrs, extack, CPC_A_CELL, 1, U16_MAX, &id);
	err = err ?: cpc_nl_number(attrs, extack, CPC_A_EPOCH, 1, U16_MAX, &epoch);
	err = err ?: cpc_nl_number(attrs, extack, CPC_A_IFINDEX, 1, S32_MAX, ret_ifindex);
	err = err ?: parse_members(attrs[CPC_A_MEMBERS],
				   nla_get_flag(attrs[CPC_A_UNANIMOUS]), extack, config);
	err = err ?: cpc_nl_number(attrs, extack, CPC_A_SELF, 0, config->n - 1, &self);
	err = err ?: cpc_nl_optional(attrs, extack, CPC_A_PACING, 0, CPC_PACING_URGENT, &pacing);
	err = err ?: cpc_nl_optional(attrs, extack, CPC_A_PERIOD_US, PERIOD_US_MIN, PERIOD_US_MAX,
				     &period_us);
	err = err ?: cpc_nl_optional(attrs, extack, CPC_A_DEFAULT_VERDICT, 0, CPC_VERDICT_NONE,
				     &verdict);
	err = err ?: parse_base(attrs, extack, config);
	if (err)
		return err;
	config->id = id;
	config->epoch = epoch;
	config->self = self;
	config->pacing = pacing;
	config->period_us = period_us;
	config->default_verdict = verdict;
	config->slow_first_view = nla_get_flag(attrs[CPC_A_SLOW_FIRST_VIEW]);
	return 0;
}

/* RTNL. The device of that index, if a cell can live on it. */
static int find_radio(struct genl_info *info, u32 ifindex, struct net_device **ret_dev)
{
	struct net_device *dev = __dev_get_by_index(genl_info_net(info), ifindex);
	const struct nlattr *attr = info->attrs[CPC_A_IFINDEX];

	if (!dev)
		return cpc_refuse(info->extack, attr, -ENODEV,
				  "no interface %u in this network namespace", ifindex);
	if (!dev->ieee80211_ptr)
		return cpc_refuse(info->extack, attr, -EOPNOTSUPP,
				  "%s is not a wireless interface; a cell needs 802.11p (OCB)",
				  dev->name);
	if (dev->ieee80211_ptr->iftype != NL80211_IFTYPE_OCB)
		return cpc_refuse(info->extack, attr, -EOPNOTSUPP,
				  "%s is not in OCB mode; see: iw dev %s set type ocb", dev->name,
				  dev->name);
	*ret_dev = dev;
	return 0;
}

/* RTNL. May it live beside what there is of that number: at most the epoch that it follows? */
static int judge_epoch(struct genl_info *info, const struct cpc_cell *cell,
		       const struct net_device *dev)
{
	const struct nlattr *attr = info->attrs[CPC_A_CELL];
	const struct cpc_cell *other, *before = NULL;

	hash_for_each_possible(cpc_net(genl_info_net(info))->cells, other, in_net, cell->id) {
		if (other->id != cell->id)
			continue;
		if (other->epoch >= cell->epoch)
			return cpc_refuse(info->extack, attr, -EEXIST,
					  "cell %u exists already in this network namespace",
					  cell->id);
		if (before)
			return cpc_refuse(info->extack, attr, -EEXIST,
					  "cell %u has two epochs here already, %u and %u",
					  cell->id, min(before->epoch, other->epoch),
					  max(before->epoch, other->epoch));
		before = other;
	}
	if (!before)
		return 0;
	if (!cell->core->config.base)
		return cpc_refuse(info->extack, attr, -EEXIST,
				  "cell %u exists already, in epoch %u: what follows has a BASE",
				  cell->id, before->epoch);
	if (before->iface->dev != dev)
		return cpc_refuse(info->extack, attr, -EEXIST,
				  "cell %u is on %s: its next epoch is too", cell->id,
				  before->iface->dev->name);
	return 0;
}

/* RTNL. Gives a ready cell its place. */
static int place_cell(struct genl_info *info, struct cpc_cell *cell, u32 ifindex)
{
	struct net *net = genl_info_net(info);
	struct cpc_iface *iface;
	struct net_device *dev;
	int err;

	err = find_radio(info, ifindex, &dev);
	if (err)
		return err;
	err = judge_epoch(info, cell, dev);
	if (err)
		return err;
	if (cpc_net(net)->cells_used >= CPC_CELLS_MAX)
		return cpc_refuse(info->extack, NULL, -ENOSPC,
				  "%u cells in this network namespace, no more are possible",
				  CPC_CELLS_MAX);
	iface = cpc_iface_get(net, dev);
	if (IS_ERR(iface))
		return cpc_refuse(info->extack, NULL, PTR_ERR(iface),
				  "cannot hook into the traffic of %s", dev->name);
	cpc_cell_publish(cell, iface);
	return 0;
}

int cpc_nl_cell_add(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell_config *config;
	struct cpc_cell *cell;
	u32 ifindex;
	int err;

	config = kzalloc(sizeof(*config), GFP_KERNEL);
	if (!config)
		return -ENOMEM;
	err = parse_cell(info, config, &ifindex);
	if (err)
		goto out;
	cell = cpc_cell_new(genl_info_net(info), cpc_mac_chosen(), config);
	if (IS_ERR(cell)) {
		err = cpc_refuse(info->extack, NULL, PTR_ERR(cell), "no memory for a cell of %u",
				 config->n);
		goto out;
	}
	rtnl_lock();
	err = place_cell(info, cell, ifindex);
	rtnl_unlock();
	if (err)
		cpc_cell_put(cell);
out:
	kfree(config);
	return err;
}

int cpc_nl_cell_del(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct cpc_iface *iface;
	int err = 0;

	rtnl_lock();
	if (hash_hashed(&cell->in_net)) {
		iface = cell->iface;
		cpc_cell_remove(cell);
		cpc_iface_tidy(iface);
	} else {
		/* Its interface or another command was faster. */
		err = cpc_refuse(info->extack, info->attrs[CPC_A_CELL], -ENOENT,
				 "cell %u is gone already", cell->id);
	}
	rtnl_unlock();
	return err;
}

int cpc_nl_cell_set(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct cpc_event event = { .type = CPC_EV_SET };
	struct netlink_ext_ack *extack = info->extack;
	u32 pacing, verdict, period_us;
	int err;

	spin_lock_bh(&cell->lock);
	pacing = cell->core->config.pacing;
	verdict = cell->core->config.default_verdict;
	period_us = cell->core->config.period_us;
	spin_unlock_bh(&cell->lock);
	err = cpc_nl_optional(info->attrs, extack, CPC_A_PACING, 0, CPC_PACING_URGENT, &pacing);
	err = err ?: cpc_nl_optional(info->attrs, extack, CPC_A_PERIOD_US, PERIOD_US_MIN,
				     PERIOD_US_MAX, &period_us);
	err = err ?: cpc_nl_optional(info->attrs, extack, CPC_A_DEFAULT_VERDICT, 0,
				     CPC_VERDICT_NONE, &verdict);
	if (err)
		return err;
	event.set.pacing = pacing;
	event.set.default_verdict = verdict;
	event.set.period_us = period_us;
	spin_lock_bh(&cell->lock);
	err = cpc_cell_step(cell, &event);
	spin_unlock_bh(&cell->lock);
	return err;
}

int cpc_nl_key_set(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct cpc_key *key;
	const void *raw;
	u32 index;
	int err;

	err = cpc_nl_number(info->attrs, info->extack, CPC_A_INDEX, 0, cell->n - 1, &index);
	err = err ?: cpc_nl_bytes(info->attrs, info->extack, CPC_A_KEY, CPC_KEY_BYTES, &raw);
	if (err)
		return err;
	if (index == cell->self)
		return cpc_refuse(info->extack, info->attrs[CPC_A_INDEX], -EINVAL,
				  "member %u is this vehicle itself: no key with oneself", index);
	key = cpc_key_new(cell->mac, raw);
	if (IS_ERR(key))
		return cpc_refuse(info->extack, NULL, PTR_ERR(key), "the kernel gives no %s",
				  cell->mac->name);
	cpc_cell_set_key(cell, index, key);
	return 0;
}

/* ---- data and verdicts ----------------------------------------------------------------------- */

static int reply_submitted(struct genl_info *info, const struct cpc_cell *cell, u32 seq)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;
	int err;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &cpc_nl_family, 0, CPC_C_SUBMIT);
	err = header ? 0 : -EMSGSIZE;
	err = err ?: nla_put_u16(skb, CPC_A_CELL, cell->id);
	err = err ?: nla_put_u8(skb, CPC_A_LANE, cell->self);
	err = err ?: nla_put_u32(skb, CPC_A_SEQ, seq);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

int cpc_nl_submit(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct cpc_event event = { .type = CPC_EV_SUBMIT };
	const struct nlattr *data = info->attrs[CPC_A_DATA];
	u32 kind, seq;
	int err;

	err = cpc_nl_number(info->attrs, info->extack, CPC_A_KIND, 0, __CPC_ENTRY_KINDS - 1,
			    &kind);
	if (err)
		return err;
	if (!data)
		return cpc_refuse(info->extack, NULL, -EINVAL, "DATA is missing");
	if (!nla_len(data) || nla_len(data) > CPC_ENTRY_DATA_MAX)
		return cpc_refuse(info->extack, data, -EMSGSIZE, "DATA has %d bytes, must be 1..%u",
				  nla_len(data), CPC_ENTRY_DATA_MAX);
	event.submit.kind = kind;
	event.submit.data = nla_data(data);
	event.submit.len = nla_len(data);
	spin_lock_bh(&cell->lock);
	err = cpc_cell_step(cell, &event);
	seq = cell->effects.submitted_seq;
	spin_unlock_bh(&cell->lock);
	if (err == -EAGAIN)
		return cpc_refuse(info->extack, NULL, err,
				  "the lane is full: %u entries wait for a decision",
				  CPC_LANE_WINDOW);
	if (err == -ESHUTDOWN)
		return cpc_refuse(info->extack, NULL, err,
				  "epoch %u of cell %u is over: its members have changed",
				  cell->epoch, cell->id);
	if (err)
		return cpc_refuse(info->extack, NULL, err,
				  kind == CPC_ENTRY_CHANGE ?
				  "the entry of kind %u is no change of these members" :
				  "the entry of kind %u is refused", kind);
	cpc_count(&cell->counters, CPC_N_SUBMITTED);
	return reply_submitted(info, cell, seq);
}

int cpc_nl_verdict(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct cpc_event event = { .type = CPC_EV_VERDICT };
	struct netlink_ext_ack *extack = info->extack;
	u32 lane, seq, verdict;
	const void *head;
	int err;

	err = cpc_nl_number(info->attrs, extack, CPC_A_LANE, 0, cell->n - 1, &lane);
	err = err ?: cpc_nl_number(info->attrs, extack, CPC_A_SEQ, 1, U32_MAX, &seq);
	err = err ?: cpc_nl_bytes(info->attrs, extack, CPC_A_HEAD, CPC_DIGEST_BYTES, &head);
	err = err ?: cpc_nl_number(info->attrs, extack, CPC_A_VERDICT, CPC_VERDICT_NO,
				   CPC_VERDICT_YES, &verdict);
	if (err)
		return err;
	event.verdict.lane = lane;
	event.verdict.verdict = verdict;
	event.verdict.why = CPC_REASON_AGENT;
	event.verdict.seq = seq;
	memcpy(event.verdict.head.b, head, CPC_DIGEST_BYTES);
	spin_lock_bh(&cell->lock);
	err = cpc_cell_step(cell, &event);
	spin_unlock_bh(&cell->lock);
	if (err == -ENOENT)
		return cpc_refuse(extack, NULL, err,
				  "lane %u has no open conditional entry %u of that content", lane,
				  seq);
	if (err == -EALREADY)
		return cpc_refuse(extack, NULL, err,
				  "a verdict on entry %u of lane %u was given, and is kept", seq,
				  lane);
	return err;
}

/* ---- catching up ----------------------------------------------------------------------------- */

struct frontier {
	u32 seq[CPC_MEMBERS_MAX];
	struct cpc_digest head[CPC_MEMBERS_MAX];
};

static const struct nla_policy lane_policy[CPC_A_HEAD + 1] = {
	[CPC_A_LANE] = { .type = NLA_U8 },
	[CPC_A_SEQ] = { .type = NLA_U32 },
	[CPC_A_HEAD] = { .type = NLA_BINARY },
};

/* Lanes that are not named have no entry yet. */
static int parse_frontier(const struct nlattr *lanes, struct netlink_ext_ack *extack,
			  unsigned int n, struct frontier *frontier)
{
	struct nlattr *attrs[ARRAY_SIZE(lane_policy)];
	const struct nlattr *nest;
	const void *head;
	u32 lane, seq;
	u64 given = 0;
	int rest, err;

	if (!lanes)
		return cpc_refuse(extack, NULL, -EINVAL, "LANES is missing");
	nla_for_each_nested(nest, lanes, rest) {
		if (nla_type(nest) != CPC_A_LANE_CUT)
			return cpc_refuse(extack, nest, -EINVAL,
					  "attribute %d in LANES, must be LANE_CUT",
					  nla_type(nest));
		err = nla_parse_nested(attrs, ARRAY_SIZE(lane_policy) - 1, nest, lane_policy,
				       extack);
		err = err ?: cpc_nl_number(attrs, extack, CPC_A_LANE, 0, n - 1, &lane);
		err = err ?: cpc_nl_number(attrs, extack, CPC_A_SEQ, 0, U32_MAX, &seq);
		err = err ?: cpc_nl_bytes(attrs, extack, CPC_A_HEAD, CPC_DIGEST_BYTES, &head);
		if (err)
			return err;
		if (given >> lane & 1)
			return cpc_refuse(extack, nest, -EINVAL, "lane %u is given twice", lane);
		given |= 1ULL << lane;
		frontier->seq[lane] = seq;
		memcpy(frontier->head[lane].b, head, CPC_DIGEST_BYTES);
	}
	return 0;
}

static int install(struct cpc_cell *cell, struct genl_info *info, struct cpc_event *event)
{
	u32 slot = event->install.slot, decided;
	int err;

	spin_lock_bh(&cell->lock);
	err = cpc_cell_step(cell, event);
	decided = cell->core->decided;
	if (!err) {
		/* The core may have finished later slots in the same step. */
		cpc_count(&cell->counters, CPC_N_INSTALLS);
		cell->news.what |= CPC_TOLD_DECIDED;
		schedule_work(&cell->tell);
	}
	spin_unlock_bh(&cell->lock);
	switch (err) {
	case 0:
		return 0;
	case -EPERM:
		return cpc_refuse(info->extack, NULL, err,
				  "slot %u: too few members claim that log hash", slot);
	case -EALREADY:
		return cpc_refuse(info->extack, NULL, err,
				  "slot %u is not ahead: slot %u is decided here", slot, decided);
	default:
		return cpc_refuse(info->extack, NULL, err, "slot %u: not a possible state", slot);
	}
}

int cpc_nl_install(struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = cpc_nl_info_cell(info);
	struct cpc_event event = { .type = CPC_EV_INSTALL };
	struct netlink_ext_ack *extack = info->extack;
	const void *prev_log_hash, *value;
	struct frontier *frontier;
	int err;

	frontier = kzalloc(sizeof(*frontier), GFP_KERNEL);
	if (!frontier)
		return -ENOMEM;
	err = cpc_nl_number(info->attrs, extack, CPC_A_SLOT, 1, U32_MAX, &event.install.slot);
	err = err ?: cpc_nl_optional(info->attrs, extack, CPC_A_END, 1, U32_MAX,
				     &event.install.end);
	err = err ?: cpc_nl_bytes(info->attrs, extack, CPC_A_PREV_LOG_HASH, CPC_HASH_BYTES,
				  &prev_log_hash);
	err = err ?: cpc_nl_bytes(info->attrs, extack, CPC_A_VALUE, CPC_DIGEST_BYTES, &value);
	err = err ?: parse_frontier(info->attrs[CPC_A_LANES], extack, cell->n, frontier);
	if (!err) {
		memcpy(event.install.prev_log_hash.b, prev_log_hash, CPC_HASH_BYTES);
		memcpy(event.install.value.b, value, CPC_DIGEST_BYTES);
		event.install.seq = frontier->seq;
		event.install.head = frontier->head;
		err = install(cell, info, &event);
	}
	kfree(frontier);
	return err;
}
