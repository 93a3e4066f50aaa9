/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * egress.h - elements leave: behind a carrier's payload, or in frames of their own.
 */
#ifndef CPC_KMOD_EGRESS_H
#define CPC_KMOD_EGRESS_H

#include <linux/netfilter.h>

struct cpc_cell;

/* The egress hook; @priv is the struct cpc_iface. Never drops and never delays a frame. */
unsigned int cpc_egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);

/*
 * A standalone frame with an element, for dev_queue_xmit() after the lock is dropped; NULL if the
 * core has nothing to say after all or there is no memory. Caller holds cell->lock.
 */
struct sk_buff *cpc_egress_frame(struct cpc_cell *cell);

#endif
