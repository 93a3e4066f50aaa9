/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core_testing.h - what the core's unit tests share: reproducible randomness, the real hash, and
 * the end of every main().
 */
#ifndef TESTS_UNIT_CORE_TESTING_H
#define TESTS_UNIT_CORE_TESTING_H

#include <check.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include <cpchain/types.h>

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do. */
static inline u64 random_next(u64 *seed)
{
	u64 z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline unsigned int random_below(u64 *seed, unsigned int bound)
{
	return (unsigned int)(random_next(seed) % bound);
}

static inline void random_bytes(u64 *seed, void *out, size_t len)
{
	u8 *b = out;

	while (len--)
		*b++ = (u8)random_next(seed);
}

/* Value number @i of a test, never all zero. */
static inline struct cpc_digest test_value(unsigned int i)
{
	struct cpc_digest value = { { 0xa0, (u8)i, (u8)(i >> 8) } };

	return value;
}

static inline void test_hash(const void *data, size_t len, u8 out[CPC_HASH_BYTES])
{
	SHA256(data, len, out);
}

static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
