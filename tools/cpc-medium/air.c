// SPDX-License-Identifier: BSD-3-Clause
/* air.c - times of the 10 MHz OFDM PHY and of EDCA outside a BSS; see air.h. */
#include "tools/cpc-medium/air.h"

#include <assert.h>

const struct cpc_edca cpc_edca_ocb[CPC_ACS] = {
	[CPC_AC_BK] = { 9, 15, 1023 },
	[CPC_AC_BE] = { 6, 15, 1023 },
	[CPC_AC_VI] = { 3, 7, 15 },
	[CPC_AC_VO] = { 2, 3, 7 },
};

enum { SERVICE_BITS = 16, TAIL_BITS = 6 };

/* N_DBPS, table 17-4: BPSK, QPSK and 16-QAM at coding rate 1/2. */
static unsigned int bits_per_symbol(unsigned int mbit_s)
{
	switch (mbit_s) {
	case 3:
		return 24;
	case 6:
		return 48;
	case 12:
		return 96;
	default:
		return 0;
	}
}

bool cpc_air_rate_known(unsigned int mbit_s)
{
	return bits_per_symbol(mbit_s) != 0;
}

uint32_t cpc_air_us(size_t octets, unsigned int mbit_s)
{
	unsigned int per_symbol = bits_per_symbol(mbit_s), bits, symbols;

	if (!per_symbol || octets > CPC_AIR_MPDU_MAX)
		return 0;
	bits = SERVICE_BITS + 8 * ((unsigned int)octets + CPC_AIR_FCS_OCTETS) + TAIL_BITS;
	symbols = (bits + per_symbol - 1) / per_symbol;
	return CPC_AIR_PREAMBLE_US + CPC_AIR_SIGNAL_US + symbols * CPC_AIR_SYMBOL_US;
}

uint32_t cpc_air_aifs_us(enum cpc_ac ac)
{
	assert(ac < CPC_ACS);
	return cpc_edca_ocb[ac].aifsn * (uint32_t)CPC_AIR_SLOT_US + CPC_AIR_SIFS_US;
}

uint32_t cpc_air_ack_us(unsigned int mbit_s)
{
	/* All three rates are mandatory, so the ACK uses the frame's own (10.6.6.5.2). */
	return CPC_AIR_SIFS_US + cpc_air_us(CPC_AIR_ACK_OCTETS, mbit_s);
}

enum cpc_ac cpc_air_ac_of_priority(unsigned int priority)
{
	static const enum cpc_ac ac[8] = { CPC_AC_BE, CPC_AC_BK, CPC_AC_BK, CPC_AC_BE,
					   CPC_AC_VI, CPC_AC_VI, CPC_AC_VO, CPC_AC_VO };

	return priority < 8 ? ac[priority] : CPC_AC_BE;
}

const char *cpc_air_ac_name(enum cpc_ac ac)
{
	static const char *const names[CPC_ACS] = { "background", "best-effort", "video", "voice" };

	assert(ac < CPC_ACS);
	return names[ac];
}
