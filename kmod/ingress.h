/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ingress.h - elements arrive.
 */
#ifndef CPC_KMOD_INGRESS_H
#define CPC_KMOD_INGRESS_H

#include <linux/netfilter.h>

/* The ingress hook; @priv is the struct cpc_iface. Takes standalone frames of its cells only. */
unsigned int cpc_ingress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);

#endif
