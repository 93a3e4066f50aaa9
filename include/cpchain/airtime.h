/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * airtime.h - how long a frame takes on a 10 MHz 802.11 channel, in whole microseconds.
 */
#ifndef CPCHAIN_AIRTIME_H
#define CPCHAIN_AIRTIME_H

#include <cpchain/types.h>

enum cpc_airtime {
	CPC_AIRTIME_MBIT = 6,		/* what ITS-G5 sends by default */
	CPC_AIRTIME_MBIT_MAX = 27,
	CPC_AIRTIME_OCTETS_MAX = 4096,	/* no MPDU here is longer: more counts as so many */
	/* On the air the Ethernet header gives way to QoS header (26), LLC/SNAP (8) and FCS (4). */
	CPC_AIRTIME_MPDU = 26 + 8 + 4,
	/* After a frame for one receiver: SIFS (32) and an ACK of 14 octets at 6 Mbit/s. */
	CPC_AIRTIME_ACK_US = 32 + 64,
};

/*
 * TXTIME of IEEE 802.11-2020, 17.4.3: preamble and SIGNAL take 40 us, then symbols of 8 us carry
 * SERVICE (16 bits), the MPDU and the tail (6 bits). @octets: behind the Ethernet header.
 * @mbit: 1..CPC_AIRTIME_MBIT_MAX; a symbol carries 8 bits for each.
 */
static inline u32 cpc_airtime_us(u32 octets, u32 mbit)
{
	u32 mpdu = octets < CPC_AIRTIME_OCTETS_MAX ? octets + CPC_AIRTIME_MPDU :
						     CPC_AIRTIME_OCTETS_MAX + CPC_AIRTIME_MPDU;

	cpc_assert(mbit && mbit <= CPC_AIRTIME_MBIT_MAX);
	return 40 + 8 * ((16 + 8 * mpdu + 6 + 8 * mbit - 1) / (8 * mbit));
}

#endif
