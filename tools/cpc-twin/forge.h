/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_FORGE_H
#define CPC_TOOLS_TWIN_FORGE_H

/* forge.h - the lies one by one, each a change to what a persona meant to say. Pure. */
#include "tools/cpc-twin/lie.h"

/* Turns lie->draft[persona] into what that persona's audience is told. */
void cpc_forge(struct cpc_lie *lie, unsigned int persona);

bool cpc_forge_chance(u64 *state, unsigned int percent);

#endif
