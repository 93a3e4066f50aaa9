// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink.c - the generic netlink family "cpchain" (uapi/cpchain_nl.h): how an agent drives a cell.
 *
 *   request --> policy: known attributes of the right type --> cell looked up --> command
 *                  '-- generic refusal                          '-- cpc_refuse(): which value, why
 *
 * The policies say which attributes a command takes and of which type; ranges and lengths are
 * checked by cpc_nl_number() and cpc_nl_bytes() instead, because those can say the value that was
 * wrong. Commands run in parallel; a cell is held by a reference while one works on it.
 */
#include "netlink.h"

#include <linux/module.h>

#include "cell.h"
#include "compat.h"

/* ---- refusals -------------------------------------------------------------------------------- */

/*
 * An extack message is sent after the command has returned, and 6.1 has no room for text in the
 * extack, so the text lives here. A slot is used again after as many further refusals; should that
 * ever overtake an answer in another process, then only that answer's text is wrong.
 */
enum { REFUSALS = 64, REFUSAL_BYTES = 160 };
static char refusals[REFUSALS][REFUSAL_BYTES];
static atomic_t refusals_used;

int cpc_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, int err,
	       const char *format, ...)
{
	char *text = refusals[(unsigned int)atomic_inc_return(&refusals_used) % REFUSALS];
	va_list args;

	if (!extack)
		return err;
	va_start(args, format);
	vscnprintf(text, REFUSAL_BYTES, format, args);
	va_end(args);
	extack->_msg = text;
	extack->bad_attr = attr;
	return err;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static const char *const names[CPC_A_MAX + 1] = {
	[CPC_A_CELL] = "CELL",
	[CPC_A_EPOCH] = "EPOCH",
	[CPC_A_IFINDEX] = "IFINDEX",
	[CPC_A_SELF] = "SELF",
	[CPC_A_MEMBERS] = "MEMBERS",
	[CPC_A_INDEX] = "INDEX",
	[CPC_A_NODE_ID] = "NODE_ID",
	[CPC_A_KEY] = "KEY",
	[CPC_A_PACING] = "PACING",
	[CPC_A_PERIOD_US] = "PERIOD_US",
	[CPC_A_DEFAULT_VERDICT] = "DEFAULT_VERDICT",
	[CPC_A_KIND] = "KIND",
	[CPC_A_DATA] = "DATA",
	[CPC_A_LANE] = "LANE",
	[CPC_A_SEQ] = "SEQ",
	[CPC_A_HEAD] = "HEAD",
	[CPC_A_VERDICT] = "VERDICT",
	[CPC_A_SLOT] = "SLOT",
	[CPC_A_PREV_LOG_HASH] = "PREV_LOG_HASH",
	[CPC_A_VALUE] = "VALUE",
	[CPC_A_LANES] = "LANES",
	[CPC_A_FD] = "FD",
	[CPC_A_BASE] = "BASE",
	[CPC_A_END] = "END",
};

static u32 number(const struct nlattr *attr)
{
	switch (nla_len(attr)) {
	case 1:
		return nla_get_u8(attr);
	case 2:
		return nla_get_u16(attr);
	default:
		return nla_get_u32(attr);
	}
}

int cpc_nl_optional(struct nlattr **attrs, struct netlink_ext_ack *extack, u16 type, u32 min,
		    u32 max, u32 *ret_value)
{
	const struct nlattr *attr = attrs[type];
	u32 value;

	if (!attr)
		return 0;
	value = number(attr);
	if (value < min || value > max)
		return cpc_refuse(extack, attr, -EINVAL, "%s is %u, must be %u..%u", names[type],
				  value, min, max);
	*ret_value = value;
	return 0;
}

int cpc_nl_number(struct nlattr **attrs, struct netlink_ext_ack *extack, u16 type, u32 min, u32 max,
		  u32 *ret_value)
{
	if (!attrs[type])
		return cpc_refuse(extack, NULL, -EINVAL, "%s is missing", names[type]);
	return cpc_nl_optional(attrs, extack, type, min, max, ret_value);
}

int cpc_nl_bytes(struct nlattr **attrs, struct netlink_ext_ack *extack, u16 type, u16 len,
		 const void **ret_bytes)
{
	const struct nlattr *attr = attrs[type];

	if (!attr)
		return cpc_refuse(extack, NULL, -EINVAL, "%s is missing", names[type]);
	if (nla_len(attr) != len)
		return cpc_refuse(extack, attr, -EINVAL, "%s has %d bytes, must have %u",
				  names[type], nla_len(attr), len);
	*ret_bytes = nla_data(attr);
	return 0;
}

int cpc_nl_cell(struct net *net, struct nlattr **attrs, struct netlink_ext_ack *extack,
		struct cpc_cell **ret_cell)
{
	struct cpc_cell *cell;
	u32 id, epoch = 0;
	int err;

	err = cpc_nl_number(attrs, extack, CPC_A_CELL, 1, U16_MAX, &id);
	err = err ?: cpc_nl_optional(attrs, extack, CPC_A_EPOCH, 1, U16_MAX, &epoch);
	if (err)
		return err;
	cell = cpc_cell_get(net, id, epoch);
	if (!cell && epoch)
		return cpc_refuse(extack, attrs[CPC_A_EPOCH], -ENOENT,
				  "no cell %u of epoch %u in this network namespace", id, epoch);
	if (!cell)
		return cpc_refuse(extack, attrs[CPC_A_CELL], -ENOENT,
				  "no cell %u in this network namespace", id);
	*ret_cell = cell;
	return 0;
}

/* ---- the family ------------------------------------------------------------------------------ */

#define CELL [CPC_A_CELL] = { .type = NLA_U16 }, [CPC_A_EPOCH] = { .type = NLA_U16 }
#define SETTINGS                                                                                   \
	[CPC_A_PACING] = { .type = NLA_U8 }, [CPC_A_PERIOD_US] = { .type = NLA_U32 },              \
	[CPC_A_DEFAULT_VERDICT] = { .type = NLA_U8 }

/* The contents of MEMBERS and LANES are parsed one by one where they are used. */
static const struct nla_policy cell_add_policy[] = {
	CELL,
	[CPC_A_IFINDEX] = { .type = NLA_U32 },
	[CPC_A_SELF] = { .type = NLA_U8 },
	[CPC_A_MEMBERS] = { .type = NLA_NESTED },
	SETTINGS,
	[CPC_A_SLOW_FIRST_VIEW] = { .type = NLA_FLAG },
	[CPC_A_PREV_LOG_HASH] = { .type = NLA_BINARY },
	[CPC_A_BASE] = { .type = NLA_U32 },
	[CPC_A_UNANIMOUS] = { .type = NLA_FLAG },
};
static const struct nla_policy cell_set_policy[] = { CELL, SETTINGS };
static const struct nla_policy cell_policy[] = { CELL };
static const struct nla_policy key_set_policy[] = {
	CELL,
	[CPC_A_INDEX] = { .type = NLA_U8 },
	[CPC_A_KEY] = { .type = NLA_BINARY },
};
static const struct nla_policy submit_policy[] = {
	CELL,
	[CPC_A_KIND] = { .type = NLA_U8 },
	[CPC_A_DATA] = { .type = NLA_BINARY },
};
static const struct nla_policy verdict_policy[] = {
	CELL,
	[CPC_A_LANE] = { .type = NLA_U8 },
	[CPC_A_SEQ] = { .type = NLA_U32 },
	[CPC_A_HEAD] = { .type = NLA_BINARY },
	[CPC_A_VERDICT] = { .type = NLA_U8 },
};
static const struct nla_policy decided_policy[] = {
	CELL,
	[CPC_A_SLOT] = { .type = NLA_U32 },
};
static const struct nla_policy install_policy[] = {
	CELL,
	[CPC_A_SLOT] = { .type = NLA_U32 },
	[CPC_A_PREV_LOG_HASH] = { .type = NLA_BINARY },
	[CPC_A_VALUE] = { .type = NLA_BINARY },
	[CPC_A_LANES] = { .type = NLA_NESTED },
	[CPC_A_END] = { .type = NLA_U32 },
};
static const struct nla_policy policy_set_policy[] = {
	CELL,
	[CPC_A_KIND] = { .type = NLA_U8 },
	[CPC_A_FD] = { .type = NLA_U32 },
};
static const struct nla_policy condition_get_policy[] = {
	CELL,
	[CPC_A_LANE] = { .type = NLA_U8 },
};

enum { NEEDS_CELL = 1 };

#define POLICY(p) .policy = (p), .maxattr = ARRAY_SIZE(p) - 1

static const struct genl_ops ops[] = {
	{ .cmd = CPC_C_CELL_ADD, .flags = GENL_UNS_ADMIN_PERM, POLICY(cell_add_policy),
	  .doit = cpc_nl_cell_add },
	{ .cmd = CPC_C_CELL_DEL, .flags = GENL_UNS_ADMIN_PERM, POLICY(cell_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_cell_del },
	{ .cmd = CPC_C_CELL_SET, .flags = GENL_UNS_ADMIN_PERM, POLICY(cell_set_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_cell_set },
	{ .cmd = CPC_C_CELL_GET, POLICY(cell_policy), .internal_flags = NEEDS_CELL,
	  .doit = cpc_nl_cell_get, .start = cpc_nl_cells_start, .dumpit = cpc_nl_cell_dump },
	{ .cmd = CPC_C_KEY_SET, .flags = GENL_UNS_ADMIN_PERM, POLICY(key_set_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_key_set },
	{ .cmd = CPC_C_SUBMIT, .flags = GENL_UNS_ADMIN_PERM, POLICY(submit_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_submit },
	{ .cmd = CPC_C_VERDICT, .flags = GENL_UNS_ADMIN_PERM, POLICY(verdict_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_verdict },
	{ .cmd = CPC_C_DECIDED_GET, POLICY(decided_policy), .start = cpc_nl_decided_start,
	  .dumpit = cpc_nl_decided_dump },
	{ .cmd = CPC_C_INSTALL, .flags = GENL_UNS_ADMIN_PERM, POLICY(install_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_install },
	{ .cmd = CPC_C_STATS_GET, POLICY(cell_policy), .internal_flags = NEEDS_CELL,
	  .doit = cpc_nl_stats_get, .start = cpc_nl_cells_start, .dumpit = cpc_nl_stats_dump },
	{ .cmd = CPC_C_POLICY_SET, .flags = GENL_UNS_ADMIN_PERM, POLICY(policy_set_policy),
	  .internal_flags = NEEDS_CELL, .doit = cpc_nl_policy_set },
	{ .cmd = CPC_C_POLICY_GET, POLICY(cell_policy), .internal_flags = NEEDS_CELL,
	  .doit = cpc_nl_policy_get },
	{ .cmd = CPC_C_CONDITION_GET, POLICY(condition_get_policy), .internal_flags = NEEDS_CELL,
	  .doit = cpc_nl_condition_get },
};

static const struct genl_multicast_group groups[] = { { .name = CPC_NL_GROUP_EVENTS } };

static int find_cell(const struct genl_split_ops *op, struct sk_buff *skb, struct genl_info *info)
{
	struct cpc_cell *cell = NULL;
	int err = 0;

	if (op->internal_flags & NEEDS_CELL)
		err = cpc_nl_cell(genl_info_net(info), info->attrs, info->extack, &cell);
	info->user_ptr[0] = cell;
	return err;
}

static void put_cell(const struct genl_split_ops *op, struct sk_buff *skb, struct genl_info *info)
{
	cpc_cell_put(info->user_ptr[0]);
}

struct genl_family cpc_nl_family __ro_after_init = {
	.name = CPC_NL_FAMILY,
	.version = CPC_NL_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.pre_doit = find_cell,
	.post_doit = put_cell,
};

int __init cpc_nl_init(void)
{
	return genl_register_family(&cpc_nl_family);
}

void cpc_nl_done(void)
{
	genl_unregister_family(&cpc_nl_family);
}
