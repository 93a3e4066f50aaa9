// SPDX-License-Identifier: BSD-3-Clause
/*
 * The work of kmod/mac.c on this machine's own CPU, with OpenSSL in place of the kernel's crypto:
 * the virtual machine may be emulated, and then its numbers are the emulator's. Nanoseconds per
 * element for a sender (n-1 tags) and a receiver (one). Prints a table and writes
 * build/bench/mac-native.json. OpenSSL has keyed BLAKE2s only behind a costly interface.
 */
/* CMAC_* and HMAC_* are the calls without a provider's cost. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/cmac.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MEMBERS_MAX = 16, ROUNDS = 7, ROUND_NS = 3 * 1000 * 1000 };

static const unsigned int sizes[] = { 60, 230, 1000 };
static const unsigned int cells[] = { 4, 7, 16 };
static uint8_t element[1032];	/* the member set's digest, then the element */
static CMAC_CTX *cmac[MEMBERS_MAX];
static HMAC_CTX *hmac[MEMBERS_MAX];

static void tag_cmac(unsigned int i, const uint8_t *data, size_t len, uint8_t out[32])
{
	uint8_t receiver = (uint8_t)i;
	size_t out_len;

	CMAC_Init(cmac[i], NULL, 0, NULL, NULL);
	CMAC_Update(cmac[i], &receiver, 1);
	CMAC_Update(cmac[i], data, len);
	CMAC_Final(cmac[i], out, &out_len);
}

static void whole_cmac(unsigned int tags, size_t size, uint8_t out[32])
{
	for (unsigned int i = 0; i < tags; i++)
		tag_cmac(i, element, 32 + size, out);
}

static void whole_hmac(unsigned int tags, size_t size, uint8_t out[32])
{
	for (unsigned int i = 0; i < tags; i++) {
		uint8_t receiver = (uint8_t)i;

		HMAC_Init_ex(hmac[i], NULL, 0, NULL, NULL);
		HMAC_Update(hmac[i], &receiver, 1);
		HMAC_Update(hmac[i], element, 32 + size);
		HMAC_Final(hmac[i], out, NULL);
	}
}

static void once_sha256_cmac(unsigned int tags, size_t size, uint8_t out[32])
{
	uint8_t digest[32];

	SHA256(element, 32 + size, digest);
	for (unsigned int i = 0; i < tags; i++)
		tag_cmac(i, digest, sizeof(digest), out);
}

typedef void work_fn(unsigned int tags, size_t size, uint8_t out[32]);

static const struct {
	const char *name;
	work_fn *work;
} works[] = {
	{ "cmac(aes)", whole_cmac },
	{ "hmac(sha256)", whole_hmac },
	{ "sha256/cmac(aes)", once_sha256_cmac },
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The best of several rounds: in the others something else ran. */
static uint64_t time_work(work_fn *work, unsigned int tags, size_t size)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns(), spent, times = 0;
		uint8_t out[32];

		do {
			work(tags, size, out);
			element[32] ^= out[0];
			times++;
			spent = now_ns() - start;
		} while (spent < ROUND_NS);
		if (spent / times < best)
			best = spent / times;
	}
	return best;
}

int main(void)
{
	const char *build = getenv("CPC_BUILD"), *separator = "";
	char path[512];
	FILE *json;

	for (unsigned int i = 0; i < MEMBERS_MAX; i++) {
		uint8_t key[16] = { (uint8_t)i };

		cmac[i] = CMAC_CTX_new();
		hmac[i] = HMAC_CTX_new();
		if (!cmac[i] || !hmac[i] ||
		    CMAC_Init(cmac[i], key, sizeof(key), EVP_aes_128_cbc(), NULL) != 1 ||
		    HMAC_Init_ex(hmac[i], key, sizeof(key), EVP_sha256(), NULL) != 1)
			return 1;
	}
	snprintf(path, sizeof(path), "%s/bench/mac-native.json", build ? build : "build");
	json = fopen(path, "w");
	if (!json) {
		perror(path);
		return 1;
	}
	fputs("{\"unit\":\"ns per element\",\"results\":[", json);
	printf("%-18s %4s %6s %10s %10s\n", "this CPU", "n", "bytes", "send ns", "receive ns");
	for (size_t w = 0; w < sizeof(works) / sizeof(*works); w++) {
		for (size_t c = 0; c < 9; c++) {
			unsigned int n = cells[c / 3], size = sizes[c % 3];
			uint64_t send_ns = time_work(works[w].work, n - 1, size);
			uint64_t receive_ns = time_work(works[w].work, 1, size);

			printf("%-18s %4u %6u %10llu %10llu\n", works[w].name, n, size,
			       (unsigned long long)send_ns, (unsigned long long)receive_ns);
			fprintf(json, "%s{\"mac\":\"%s\",\"n\":%u,\"bytes\":%u,\"send\":%llu,"
				"\"receive\":%llu}", separator, works[w].name, n, size,
				(unsigned long long)send_ns, (unsigned long long)receive_ns);
			separator = ",";
		}
	}
	fputs("]}\n", json);
	return fclose(json) ? 1 : 0;
}
