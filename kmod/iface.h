/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iface.h - an interface that has cells: its hooks, and what becomes of the cells with it.
 */
#ifndef CPC_KMOD_IFACE_H
#define CPC_KMOD_IFACE_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>

#include "meter.h"

struct cpc_net;

struct cpc_iface {
	struct net_device *dev;		/* with a reference */
	struct net *net;
	struct list_head in_net;	/* RTNL */
	struct list_head cells;		/* RTNL for changes, RCU for the hooks */
	atomic_t turn;			/* cells take turns on outgoing carriers */
	struct cpc_meter meter;		/* of the channel */
	struct nf_hook_ops hooks[2];	/* ingress, egress */
};

/* RTNL. The interface, made with its hooks if it had no cell yet; or an ERR_PTR. */
struct cpc_iface *cpc_iface_get(struct net *net, struct net_device *dev);

/* RTNL. Takes the hooks away and frees it if it has no cell left. Sleeps a grace period. */
void cpc_iface_tidy(struct cpc_iface *iface);

/* RTNL. Every cell of the namespace goes. */
void cpc_iface_remove_all(struct cpc_net *cn);

int cpc_iface_init(void);
void cpc_iface_done(void);

#endif
