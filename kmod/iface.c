// SPDX-License-Identifier: GPL-2.0-only
/*
 * iface.c - an interface that has cells.
 *
 * The hooks are registered with an interface's first cell and go with its last one, so interfaces
 * without cells pay nothing. What happens to the interface happens to its cells:
 *
 *   down, up     the cells fall silent, and resume where they were
 *   renamed      nothing: a cell is bound to the device, not to its name
 *   removed, or  the cells go, and their namespace's agents are told. A cell's keys and members
 *   moved away   belong to the namespace they were given in
 *
 * RTNL protects everything here.
 */
#include "iface.h"

#include <linux/netfilter_netdev.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "cell.h"
#include "egress.h"
#include "ingress.h"

/* No new cells: the notifier that would remove them is not there (yet, or any more). RTNL. */
static bool closed = true;

static struct cpc_iface *find(const struct cpc_net *cn, const struct net_device *dev)
{
	struct cpc_iface *iface;

	list_for_each_entry(iface, &cn->ifaces, in_net)
		if (iface->dev == dev)
			return iface;
	return NULL;
}

struct cpc_iface *cpc_iface_get(struct net *net, struct net_device *dev)
{
	struct cpc_net *cn = cpc_net(net);
	struct cpc_iface *iface;
	int err;

	ASSERT_RTNL();
	if (closed)
		return ERR_PTR(-ESHUTDOWN);
	iface = find(cn, dev);
	if (iface)
		return iface;
	iface = kzalloc(sizeof(*iface), GFP_KERNEL_ACCOUNT);
	if (!iface)
		return ERR_PTR(-ENOMEM);
	iface->dev = dev;
	iface->net = net;
	INIT_LIST_HEAD(&iface->cells);
	cpc_meter_init(&iface->meter);
	/* First on ingress, so that the V2X stack's own filters see the frame as it was sent; last
	 * on egress for the same reason.
	 */
	iface->hooks[0] = (struct nf_hook_ops){
		.hook = cpc_ingress, .pf = NFPROTO_NETDEV, .hooknum = NF_NETDEV_INGRESS,
		.dev = dev, .priv = iface, .priority = INT_MIN,
	};
	iface->hooks[1] = (struct nf_hook_ops){
		.hook = cpc_egress, .pf = NFPROTO_NETDEV, .hooknum = NF_NETDEV_EGRESS,
		.dev = dev, .priv = iface, .priority = INT_MAX,
	};
	err = nf_register_net_hooks(net, iface->hooks, ARRAY_SIZE(iface->hooks));
	if (err) {
		kfree(iface);
		return ERR_PTR(err);
	}
	dev_hold(dev);
	list_add_tail(&iface->in_net, &cn->ifaces);
	return iface;
}

void cpc_iface_tidy(struct cpc_iface *iface)
{
	ASSERT_RTNL();
	if (!list_empty(&iface->cells))
		return;
	list_del(&iface->in_net);
	nf_unregister_net_hooks(iface->net, iface->hooks, ARRAY_SIZE(iface->hooks));
	/* A hook may still be running. */
	synchronize_net();
	dev_put(iface->dev);
	kfree(iface);
}

static void remove_cells(struct cpc_iface *iface)
{
	struct cpc_cell *cell, *next;

	list_for_each_entry_safe(cell, next, &iface->cells, in_iface)
		cpc_cell_remove(cell);
	cpc_iface_tidy(iface);
}

void cpc_iface_remove_all(struct cpc_net *cn)
{
	struct cpc_iface *iface, *next;

	ASSERT_RTNL();
	list_for_each_entry_safe(iface, next, &cn->ifaces, in_net)
		remove_cells(iface);
}

static void run_cells(struct cpc_iface *iface, bool run)
{
	struct cpc_cell *cell;

	list_for_each_entry(cell, &iface->cells, in_iface)
		cpc_cell_run(cell, run);
}

static int on_netdev(struct notifier_block *nb, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);
	struct cpc_iface *iface = find(cpc_net(dev_net(dev)), dev);

	if (!iface)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UP:
		run_cells(iface, true);
		break;
	case NETDEV_GOING_DOWN:
		run_cells(iface, false);
		break;
	case NETDEV_UNREGISTER:
		remove_cells(iface);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block netdev_notifier = { .notifier_call = on_netdev };

static void set_closed(bool value)
{
	rtnl_lock();
	closed = value;
	rtnl_unlock();
}

int cpc_iface_init(void)
{
	int err = register_netdevice_notifier(&netdev_notifier);

	if (!err)
		set_closed(false);
	return err;
}

void cpc_iface_done(void)
{
	set_closed(true);
	/* Plays "going down, unregistered" for every device, which removes every cell. */
	unregister_netdevice_notifier(&netdev_notifier);
}
