/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * meter.h - how busy an interface's channel is.
 */
#ifndef CPC_KMOD_METER_H
#define CPC_KMOD_METER_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct sk_buff;

struct cpc_meter {
	spinlock_t lock;	/* innermost; held for a few instructions */
	u64 from_us;		/* when the present window began */
	u32 used_us;		/* air time in it */
	u16 permille;		/* of the window before */
};

void cpc_meter_init(struct cpc_meter *meter);

/* A frame with @octets behind its Ethernet header, seen in either direction. Bottom halves off. */
void cpc_meter_add(struct cpc_meter *meter, const struct sk_buff *skb, u32 octets, bool multicast);

/* Air time in the last full window of CPC_BUSY_WINDOW_US, in 1/1000 of it. Bottom halves off. */
u16 cpc_meter_permille(struct cpc_meter *meter);

#endif
