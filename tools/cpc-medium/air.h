/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_AIR_H
#define CPC_TOOLS_MEDIUM_AIR_H

/*
 * How long an 802.11p frame occupies the air, and how long a station waits before it may send.
 *
 *   | preamble 32 us | SIGNAL 8 us | symbols of 8 us: SERVICE 16 bits, MPDU with FCS, tail 6 bits |
 *
 * All clauses are those of IEEE Std 802.11-2020; times are microseconds of a 10 MHz channel.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cpc_air_times {
	CPC_AIR_PREAMBLE_US = 32,	/* T_PREAMBLE, table 17-5 */
	CPC_AIR_SIGNAL_US = 8,		/* T_SIGNAL, table 17-5 */
	CPC_AIR_SYMBOL_US = 8,		/* T_SYM, table 17-5 */
	CPC_AIR_SLOT_US = 13,		/* aSlotTime, table 17-21 */
	CPC_AIR_SIFS_US = 32,		/* aSIFSTime, table 17-21 */
	CPC_AIR_CCA_US = 8,		/* aCCATime, table 17-21: until a frame is sensed */
};

enum cpc_air_octets {
	CPC_AIR_FCS_OCTETS = 4,
	CPC_AIR_ACK_OCTETS = 10,	/* without FCS, 9.3.1.4 */
	/* A payload of 2304 (9.2.4.7), header of 26, LLC/SNAP, and some room for security. */
	CPC_AIR_MPDU_MAX = 2400,
	/* Ethernet's 14 go; a QoS data header of 26 (9.3.2.1) and LLC/SNAP of 8 come. */
	CPC_AIR_OVER_ETHERNET = 26 + 8 - 14,
};

/* Ascending priority, as queues are compared. */
enum cpc_ac { CPC_AC_BK, CPC_AC_BE, CPC_AC_VI, CPC_AC_VO };
#define CPC_ACS 4u

struct cpc_edca {
	uint8_t aifsn;
	uint16_t cw_min, cw_max;
};

/* Outside the context of a BSS: table 9-156, "default EDCA parameter set if dot11OCBActivated". */
extern const struct cpc_edca cpc_edca_ocb[CPC_ACS];

/* Is it one of the rates that every 10 MHz station has: 3, 6 or 12 Mbit/s (17.1.1)? */
bool cpc_air_rate_known(unsigned int mbit_s);

/*
 * TXTIME of 17.4.3 in us for an MPDU of @octets without its FCS, which is added here; 0 for an
 * unknown rate or more than CPC_AIR_MPDU_MAX octets.
 */
uint32_t cpc_air_us(size_t octets, unsigned int mbit_s);

/* AIFS[AC] = AIFSN[AC] slots + SIFS, 10.23.2.4. */
uint32_t cpc_air_aifs_us(enum cpc_ac ac);

/* From the end of a frame for one receiver to the end of its ACK: SIFS and the ACK, 10.3.2.11. */
uint32_t cpc_air_ack_us(unsigned int mbit_s);

/* The access category of an 802.1D user priority, table 10-1; of 8 and more as of 0. */
enum cpc_ac cpc_air_ac_of_priority(unsigned int priority);
const char *cpc_air_ac_name(enum cpc_ac ac);

#endif
