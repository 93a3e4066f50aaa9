// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * dcc.c - how far apart frames of our own have to be, by how busy the channel is.
 *
 *   busy ratio   < 0.30    0.30      0.40      0.50      0.65
 *                relaxed | active 1 | active 2 | active 3 | restrictive
 *   T_off, ms       50       100        200        250        1000      frames up to 0.5 ms
 *                  100       200        400        500        1000      up to 1 ms, twice that ...
 *
 * The states and times are those of ETSI TS 102 687 V1.2.1 (2018-04), the reactive approach of
 * clause 5.3 with tables A.2 and A.1; a frame that takes longer than 1 ms waits in proportion, up
 * to the 1 s that is the longest T_off. Hysteresis is what that version has, no more: once per
 * measuring window of 100 ms the state may move, to a neighbour only. (V1.1.1 looked at the least
 * load of 1 s and the greatest of 5 s; that is gone.)
 *
 * Only frames that leave for us are held back. A carrier is the V2X stack's, which has a DCC of its
 * own, and what it carries of ours makes it longer, not more frequent.
 *
 * The paces against the states:
 *   early    relaxed: 25 ms after a change (the shortest T_off there is), 50 ms while a slot is
 *            open. Else T_off.
 *   urgent   one state milder: relaxed: at once and every 20 ms; active k: what early has in the
 *            state below. Restrictive binds it like everybody. There the channel loses what its
 *            manoeuvre needs, the CAMs of all around first; more frames make that worse, and the
 *            elements still ride on every carrier.
 */
#include <cpchain/airtime.h>
#include <cpchain/core_parts.h>

enum dcc_us {
	EARLY_GAP_US = 25000,
	EARLY_OPEN_US = 50000,
	URGENT_GAP_US = 1000,
	URGENT_OPEN_US = 20000,
	T_OFF_MAX_US = 1000000,
	T_ON_SHORT_US = 500,
};

static const struct {
	u16 from_permille;
	u32 t_off_us;
} states[__CPC_DCC_STATES] = {
	[CPC_DCC_RELAXED] = { 0, 50000 },
	[CPC_DCC_ACTIVE_1] = { 300, 100000 },
	[CPC_DCC_ACTIVE_2] = { 400, 200000 },
	[CPC_DCC_ACTIVE_3] = { 500, 250000 },
	[CPC_DCC_RESTRICTIVE] = { 650, T_OFF_MAX_US },
};

void cpc_dcc_update(struct cpc_core *core, u16 busy_permille)
{
	u64 windows = (core->now_us - core->dcc_us) / CPC_BUSY_WINDOW_US;
	unsigned int wanted = CPC_DCC_RELAXED;

	cpc_assert(core->dcc < __CPC_DCC_STATES);
	if (!windows)
		return;
	while (wanted < CPC_DCC_RESTRICTIVE && busy_permille >= states[wanted + 1].from_permille)
		wanted++;
	for (; windows && core->dcc != wanted; windows--)
		core->dcc = (u8)(core->dcc < wanted ? core->dcc + 1 : core->dcc - 1);
	core->busy_permille = busy_permille;
	core->dcc_us = core->now_us;
}

void cpc_dcc_sent(struct cpc_core *core, size_t bytes)
{
	core->frame_us = cpc_airtime_us((u32)bytes, CPC_AIRTIME_MBIT);
}

/* T_off of a state after a frame as long as our last one. */
static u64 t_off_us(const struct cpc_core *core, unsigned int state)
{
	u64 us = states[state].t_off_us, halves;

	halves = (core->frame_us + T_ON_SHORT_US - 1) / T_ON_SHORT_US;
	if (halves > 1)
		us *= halves;
	return us < T_OFF_MAX_US ? us : T_OFF_MAX_US;
}

/* What early pacing has in a state. */
static u64 early_us(const struct cpc_core *core, unsigned int state, bool changed)
{
	if (state == CPC_DCC_RELAXED)
		return changed ? EARLY_GAP_US : EARLY_OPEN_US;
	return t_off_us(core, state);
}

u64 cpc_dcc_gap_us(const struct cpc_core *core, bool changed)
{
	unsigned int state = core->dcc;

	cpc_assert(state < __CPC_DCC_STATES);
	if (core->config.pacing != CPC_PACING_URGENT || state == CPC_DCC_RESTRICTIVE)
		return early_us(core, state, changed);
	if (state == CPC_DCC_RELAXED)
		return changed ? URGENT_GAP_US : URGENT_OPEN_US;
	return early_us(core, state - 1, changed);
}
