// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the module: vehicles agree inside their radio frames.
 *
 *        agent                                  V2X stack
 *          | netlink.c, netlink_*.c                 ^ |
 *          v ^ event.c                    trimmed   | | carrier
 *      .--------------------.                .------+-v-----.
 *      | cell.c             |<-- ELEMENT ----| ingress.c    |
 *      |   core/  (rules)   |--- CARRIER --->| egress.c     |  netfilter hooks, per interface
 *      |   ring.c (log)     |                |   mac.c      |  (iface.c)
 *      '--------------------'                '------+-+-----'
 *                                                   ^ v
 *                                               802.11p radio
 *
 * What belongs in kmod/: what must happen in the kernel because it happens to frames. It may call
 * the kernel and the core (kmod/core, include/cpchain); the core may call nothing back.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "cell.h"
#include "iface.h"
#include "mac.h"
#include "main.h"
#include "netlink.h"

static char *mac = "sha256/cmac(aes)";
module_param(mac, charp, 0444);
MODULE_PARM_DESC(mac, "MAC algorithm, the same in all members (default sha256/cmac(aes)); or "
		      "cmac(aes), hmac(sha256), blake2s, blake2s/blake2s");

static const struct cpc_mac *chosen __ro_after_init;

const struct cpc_mac *cpc_mac_chosen(void)
{
	return chosen;
}

/* Finds the algorithm, and out now rather than with the first key whether the kernel has it. */
static int __init choose_mac(void)
{
	static const u8 zero[CPC_KEY_BYTES];
	struct cpc_key *key;

	chosen = cpc_mac_find(mac);
	if (!chosen) {
		pr_err("cpchain: mac=%s: no such algorithm; see: modinfo cpchain\n", mac);
		return -EINVAL;
	}
	key = cpc_key_new(chosen, zero);
	if (IS_ERR(key)) {
		pr_err("cpchain: mac=%s: this kernel gives none (%ld)\n", mac, PTR_ERR(key));
		return PTR_ERR(key);
	}
	cpc_key_free(key);
	return 0;
}

static int __net_init net_init(struct net *net)
{
	struct cpc_net *cn = cpc_net(net);

	hash_init(cn->cells);
	INIT_LIST_HEAD(&cn->ifaces);
	return 0;
}

/* Devices leave a namespace before this, and their cells with them; so this is for the rest. */
static void __net_exit net_exit(struct net *net)
{
	rtnl_lock();
	cpc_iface_remove_all(cpc_net(net));
	rtnl_unlock();
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.exit = net_exit,
	.id = &cpc_net_id,
	.size = sizeof(struct cpc_net),
};

static int __init cpchain_init(void)
{
	int err;

	err = choose_mac();
	if (err)
		return err;
	err = register_pernet_subsys(&net_ops);
	if (err)
		return err;
	err = cpc_nl_init();
	if (err)
		goto err_net;
	err = cpc_iface_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	cpc_nl_done();
err_net:
	unregister_pernet_subsys(&net_ops);
	return err;
}

static void __exit cpchain_exit(void)
{
	/* Every cell goes here, hooks and timers with it, and the agents still hear of it. */
	cpc_iface_done();
	cpc_nl_done();
	unregister_pernet_subsys(&net_ops);
}

module_init(cpchain_init);
module_exit(cpchain_exit);

MODULE_DESCRIPTION("CPChain: agreement between vehicles inside the radio frames they send");
MODULE_AUTHOR("CPChain developers");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: cmac");
MODULE_ALIAS_GENL_FAMILY(CPC_NL_FAMILY);
