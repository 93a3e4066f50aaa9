/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_MAC_H
#define CPC_TOOLS_TWIN_MAC_H

/*
 * mac.h - pairwise keys and tags in userspace, bit for bit those of the module (kmod/mac.c says
 * what is authenticated and why), with OpenSSL doing the work.
 *
 *   T = members' digest | header ... last section
 *   whole-text kind:  tag_i = MAC(key_i, i | T)
 *   hash-once kind:   d = H(T);  tag_i = MAC(key_i, i | d)
 *
 * Not thread-safe: a key and a text hold the state of one computation.
 */
#include <openssl/evp.h>

#include <cpchain/types.h>

enum {
	CPC_TWIN_KEY_BYTES = 16,
	CPC_TWIN_KEY_ID_BYTES = 8,
};

struct cpc_twin_mac;
struct cpc_twin_key;

/* What is authenticated; the pointers must stay valid until the last tag. */
struct cpc_twin_text {
	const struct cpc_twin_mac *mac;
	const struct cpc_hash *members;
	const u8 *data;			/* header to last section */
	size_t len;
	u8 digest[CPC_HASH_BYTES];	/* stands for the rest in the hash-once kinds */
};

/* By the module's name for it; NULL if there is none. */
const struct cpc_twin_mac *cpc_twin_mac_find(const char *name);
const char *cpc_twin_mac_name(const struct cpc_twin_mac *mac);

/* Its number in the digest of the member set. */
u8 cpc_twin_mac_id(const struct cpc_twin_mac *mac);

/* NULL: out of memory, or OpenSSL lacks the algorithm. */
struct cpc_twin_key *cpc_twin_key_new(const struct cpc_twin_mac *mac,
				      const u8 raw[CPC_TWIN_KEY_BYTES]);
void cpc_twin_key_free(struct cpc_twin_key *key);

/* SHA-256("CPChain key id" | key), its first bytes. */
const u8 *cpc_twin_key_id(const struct cpc_twin_key *key);

/* Prepares a text for any number of tags. Returns 0 or -EIO. */
int cpc_twin_text_init(struct cpc_twin_text *text, const struct cpc_twin_mac *mac,
		       const struct cpc_hash *members, const u8 *data, size_t len);

/* The tag for @receiver. Returns 0 or -EIO. */
int cpc_twin_tag(struct cpc_twin_key *key, u8 receiver, const struct cpc_twin_text *text,
		 u8 ret_tag[CPC_TAG_BYTES]);

#endif
