/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_COMMON_RANDOM_H
#define CPC_TOOLS_COMMON_RANDOM_H

/* What several tools share and no agent needs belongs in tools/common. */

#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, and the same one gives the same. */
uint64_t cpc_random_next(uint64_t *state);

/* From 0 up to but not including @bound; 0 if that is 0. */
uint32_t cpc_random_below(uint64_t *state, uint32_t bound);

#endif
