/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * types.h - the small values that every part of the core shares.
 */
#ifndef CPCHAIN_TYPES_H
#define CPCHAIN_TYPES_H

#include <cpchain/limits.h>
#include <cpchain/port.h>

/* SHA-256, truncated. Names a lane entry, or a value (a cut). */
struct cpc_digest {
	u8 b[CPC_DIGEST_BYTES];
};

struct cpc_hash {
	u8 b[CPC_HASH_BYTES];
};

/* SHA-256 (FIPS 180-4) of @len bytes at @data into @out. Given by whoever compiles the core. */
typedef void (*cpc_hash_fn)(const void *data, size_t len, u8 out[CPC_HASH_BYTES]);

static inline bool cpc_digest_equal(const struct cpc_digest *a, const struct cpc_digest *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* n >= 3f+1 members, of which f may do anything. */
static inline unsigned int cpc_faulty(unsigned int n)
{
	return (n - 1) / 3;
}

static inline unsigned int cpc_quorum(unsigned int n)
{
	return n - cpc_faulty(n);
}

/* Enough that one of them is correct. */
static inline unsigned int cpc_blocking(unsigned int n)
{
	return cpc_faulty(n) + 1;
}

static inline unsigned int cpc_count_bits(u64 set)
{
	unsigned int n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

#endif
