// SPDX-License-Identifier: BSD-3-Clause
/* random.c - numbers that look random and can be had again. */
#include "tools/common/random.h"

uint64_t cpc_random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Multiplied, not divided (Lemire 2019): the bias is bound / 2^32. */
uint32_t cpc_random_below(uint64_t *state, uint32_t bound)
{
	return (uint32_t)((cpc_random_next(state) >> 32) * bound >> 32);
}
