/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mac.h - pairwise keys and tags.
 */
#ifndef CPC_KMOD_MAC_H
#define CPC_KMOD_MAC_H

#include <linux/types.h>
#include <cpchain/types.h>

enum {
	CPC_KEY_BYTES = 16,
	CPC_KEY_ID_BYTES = 8,
};

/* Goes into the digest of the member set, so never renumber. */
enum cpc_mac_id {
	CPC_MAC_CMAC_AES = 1,
	CPC_MAC_HMAC_SHA256 = 2,
	CPC_MAC_BLAKE2S = 3,
	CPC_MAC_SHA256_CMAC_AES = 4,
	CPC_MAC_BLAKE2S_ONCE = 5,
};

struct crypto_shash;
struct cpc_mac;

struct cpc_key {
	const struct cpc_mac *mac;
	struct crypto_shash *tfm;	/* NULL for the algorithms of the kernel's library */
	u8 raw[CPC_KEY_BYTES];
	u8 id[CPC_KEY_ID_BYTES];
};

/* What is authenticated. @digest is filled by cpc_mac_text_init() and stands for the rest. */
struct cpc_mac_text {
	const struct cpc_hash *members;
	const u8 *data;			/* header to last section */
	size_t len;
	u8 digest[CPC_HASH_BYTES];
};

struct cpc_mac {
	const char *name;
	enum cpc_mac_id id;
	const char *shash;		/* crypto API name, NULL: kernel library */
	void (*digest)(struct cpc_mac_text *text);	/* NULL: nothing is hashed ahead */
	int (*tag)(const struct cpc_key *key, u8 receiver, const struct cpc_mac_text *text,
		   u8 ret_tag[CPC_TAG_BYTES]);
};

/* The algorithms, ended by a NULL name. */
extern const struct cpc_mac cpc_macs[];

/* NULL if there is none of that name. */
const struct cpc_mac *cpc_mac_find(const char *name);

/* May sleep. Returns the key or an ERR_PTR: -ENOENT when the kernel lacks the algorithm. */
struct cpc_key *cpc_key_new(const struct cpc_mac *mac, const u8 raw[CPC_KEY_BYTES]);

/* May sleep; NULL is fine. Nobody may use the key any more. */
void cpc_key_free(struct cpc_key *key);

/* Prepares a text for any number of tags. The pointers must stay valid until the last one. */
void cpc_mac_text_init(struct cpc_mac_text *text, const struct cpc_mac *mac,
		       const struct cpc_hash *members, const u8 *data, size_t len);

/* The tag for @receiver. Any context but hard interrupt. Returns 0 or the crypto API's error. */
int cpc_mac_tag(const struct cpc_key *key, u8 receiver, const struct cpc_mac_text *text,
		u8 ret_tag[CPC_TAG_BYTES]);

/* SHA-256, for the core. */
void cpc_sha256(const void *data, size_t len, u8 out[CPC_HASH_BYTES]);

#endif
