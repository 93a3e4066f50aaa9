/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - every difference between the kernels we build for (6.1 to 6.12). No other file tests
 * LINUX_VERSION_CODE.
 */
#ifndef CPC_KMOD_COMPAT_H
#define CPC_KMOD_COMPAT_H

#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
/* What pre_doit and post_doit are given was the family's own operation then. */
#define genl_split_ops genl_ops
#endif

/* The parsed attributes of the request that started a dump. */
static inline struct nlattr **cpc_dump_attrs(const struct netlink_callback *cb)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
	return ((const struct genl_dumpit_info *)cb->data)->attrs;
#else
	return ((const struct genl_dumpit_info *)cb->data)->info.attrs;
#endif
}

#endif
