/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * limits.h - every bound of the industry chain, and what happens when it is hit.
 */
#ifndef CPCHAIN_LIMITS_H
#define CPCHAIN_LIMITS_H

enum cpc_limits {
	CPC_MEMBERS_MIN = 4,	/* fewer cannot tolerate a fault: only as a cell of unanimity */
	CPC_MEMBERS_FEW = 2,	/* fewer are no cell */
	CPC_MEMBERS_MAX = 64,	/* one bit each in a u64; more are refused */
	CPC_OPEN_MAX = 4,	/* slots open at once; later ones wait */
	CPC_VIEW_MAX = 250,	/* a member stays in the last view; timeouts double long before */

	CPC_ENTRY_DATA_MAX = 512,	/* payload bytes of one lane entry; more: -EMSGSIZE */
	CPC_ENTRY_REFS_MAX = 4,		/* other lanes' heads one entry names */
	CPC_BODY_MAX = 592,		/* an encoded entry: 25 + 13 * refs + data, rounded up */
	CPC_LANE_WINDOW = 15,	/* undecided entries a lane may have; submit then gets -EAGAIN */
	CPC_LANE_AHEAD = 30,	/* entries beyond the decided ones that are kept, so that who is a
				 * slot behind need not hear them again; others: ignored */
	CPC_LANE_RING = 48,	/* entries kept per lane: those, and decided ones for laggards */
	CPC_CUT_LANES_MAX = 16,	/* lanes one cut can advance; the others wait for the next slot */
	CPC_CUTS_KNOWN = 8,	/* cuts remembered per open slot: least useful one is replaced */
	CPC_DECIDED_RING = 16,	/* decided slots a laggard can be helped over in-band */
	CPC_CLAIMS = 8,		/* (slot, log hash) claims remembered per member: oldest goes */

	CPC_PERIOD_MIN_US = 10000,	/* usual time between carriers: 1..100 Hz */
	CPC_PERIOD_MAX_US = 1000000,
	CPC_BUSY_WINDOW_US = 100000,	/* over which the channel's busy ratio is taken */

	CPC_WHY_MAX = 128,	/* reasons a word can give: seven bits on the air; more: -EINVAL */

	CPC_ELEMENT_MAX = 1400,	/* element bytes with tags; larger is dropped on receive */
	CPC_RELAYS_MAX = 8,	/* elements of others in front of an own one; more: not read */
	CPC_TAG_BYTES = 8,
	CPC_BASE_MAX = 0xf0000000,	/* slots are u32; at 1000 a second that takes 46 days */
	CPC_CHANGE_DELAY = 4,	/* slots from a change of members to the epoch's end: all live */
	CPC_NODE_ID_BYTES = 32,
	CPC_DIGEST_BYTES = 16,	/* truncated SHA-256: 2^64 work for two values of one digest */
	CPC_HASH_BYTES = 32,
};

#endif
