/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink.h - the generic netlink family, shared by the files that answer and tell.
 *
 *   netlink.c       the family, the commands' attributes, refusals
 *   netlink_set.c   commands that change something
 *   netlink_get.c   cells and counters
 *   netlink_log.c   the decided log, over several messages
 *   netlink_policy.c  voting policies, words on conditional entries
 *   event.c         multicast
 */
#ifndef CPC_KMOD_NETLINK_H
#define CPC_KMOD_NETLINK_H

#include <net/genetlink.h>
#include <cpchain_nl.h>

struct cpc_cell;

extern struct genl_family cpc_nl_family;

int cpc_nl_init(void);
void cpc_nl_done(void);

/*
 * Says in the answer why a request is refused, and returns @err. @attr, if any, is what to point
 * at. For process context.
 */
__printf(4, 5)
int cpc_refuse(struct netlink_ext_ack *extack, const struct nlattr *attr, int err,
	       const char *format, ...);

/*
 * The attribute's number if it is there and within @min..@max; else refuses with -EINVAL, naming
 * attribute and value. cpc_nl_optional() leaves *ret_value alone when it is not there.
 */
int cpc_nl_number(struct nlattr **attrs, struct netlink_ext_ack *extack, u16 type, u32 min, u32 max,
		  u32 *ret_value);
int cpc_nl_optional(struct nlattr **attrs, struct netlink_ext_ack *extack, u16 type, u32 min,
		    u32 max, u32 *ret_value);

/* The bytes of an attribute that must be there with exactly @len bytes. */
int cpc_nl_bytes(struct nlattr **attrs, struct netlink_ext_ack *extack, u16 type, u16 len,
		 const void **ret_bytes);

/* The cell that CPC_A_CELL names in @net, with a reference. */
int cpc_nl_cell(struct net *net, struct nlattr **attrs, struct netlink_ext_ack *extack,
		struct cpc_cell **ret_cell);

/* The cell that pre_doit found. */
static inline struct cpc_cell *cpc_nl_info_cell(const struct genl_info *info)
{
	return info->user_ptr[0];
}

/* Commands; those with a cell find it by cpc_nl_info_cell(). */
int cpc_nl_cell_add(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_cell_del(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_cell_set(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_key_set(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_submit(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_verdict(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_install(struct sk_buff *skb, struct genl_info *info);

int cpc_nl_policy_set(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_policy_get(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_condition_get(struct sk_buff *skb, struct genl_info *info);

int cpc_nl_cell_get(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_stats_get(struct sk_buff *skb, struct genl_info *info);
int cpc_nl_cells_start(struct netlink_callback *cb);
int cpc_nl_cell_dump(struct sk_buff *skb, struct netlink_callback *cb);
int cpc_nl_stats_dump(struct sk_buff *skb, struct netlink_callback *cb);

int cpc_nl_decided_start(struct netlink_callback *cb);
int cpc_nl_decided_dump(struct sk_buff *skb, struct netlink_callback *cb);

#endif
