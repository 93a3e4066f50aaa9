// SPDX-License-Identifier: GPL-2.0-only
/*
 * meter.c - the channel's busy ratio, from the frames that pass the hooks of an interface.
 *
 *   |  window of 100 ms  |  window  |  window ...
 *     ##   #   ####  #      air time of each frame, as 802.11p would need it; their sum over the
 *                           window is the ratio that the core paces by (core/dcc.c)
 *
 * What a hook cannot see, and so the ratio leaves out: frames for others than us, frames lost to
 * collision or distance that still occupied the air, other systems in the band, preambles without
 * frames, contention and gaps (which ETSI's ratio leaves out too), and what a packet socket sends
 * past the queueing layer (PACKET_QDISC_BYPASS). It counts a frame when it is handed down, not when
 * it leaves. So it is a lower bound, good in the usual case, where the channel is full of
 * broadcasts that everybody in range receives. A radio that counts busy time itself knows better.
 *
 * Only 802.11 interfaces have a channel to share: on a wire the ratio stays 0.
 */
#include "meter.h"

#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/skbuff.h>
#include <cpchain/airtime.h>

static unsigned int channel_mbit = CPC_AIRTIME_MBIT;
module_param(channel_mbit, uint, 0644);
MODULE_PARM_DESC(channel_mbit, "rate by which air time is reckoned, 1..27 Mbit/s (default 6); 0: "
			       "the channel is not measured, and frames are not paced by it");

void cpc_meter_init(struct cpc_meter *meter)
{
	spin_lock_init(&meter->lock);
	meter->from_us = ktime_to_us(ktime_get());
}

/* Closes the window if it is over. */
static void roll(struct cpc_meter *meter)
{
	u64 now = ktime_to_us(ktime_get());

	lockdep_assert_held(&meter->lock);
	if (now < meter->from_us + CPC_BUSY_WINDOW_US)
		return;
	/* Nothing at all in the window right before this one: that one counts. */
	if (now >= meter->from_us + 2 * CPC_BUSY_WINDOW_US)
		meter->used_us = 0;
	/* More than the whole: queued in it, sent after it. */
	meter->permille = min_t(u32, meter->used_us / (CPC_BUSY_WINDOW_US / 1000), 1000);
	meter->used_us = 0;
	meter->from_us = now;
}

void cpc_meter_add(struct cpc_meter *meter, const struct sk_buff *skb, u32 octets, bool multicast)
{
	u32 mbit = READ_ONCE(channel_mbit), parts = max_t(u32, skb_shinfo(skb)->gso_segs, 1), us;

	if (!mbit || mbit > CPC_AIRTIME_MBIT_MAX)
		return;
	us = parts * (cpc_airtime_us(octets / parts, mbit) + (multicast ? 0 : CPC_AIRTIME_ACK_US));
	spin_lock(&meter->lock);
	roll(meter);
	meter->used_us += us;
	spin_unlock(&meter->lock);
}

u16 cpc_meter_permille(struct cpc_meter *meter)
{
	u16 permille;

	if (!READ_ONCE(channel_mbit))
		return 0;
	spin_lock(&meter->lock);
	roll(meter);
	permille = meter->permille;
	spin_unlock(&meter->lock);
	return permille;
}
