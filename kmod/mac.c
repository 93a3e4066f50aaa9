// SPDX-License-Identifier: GPL-2.0-only
/*
 * mac.c - pairwise keys and tags. Knows keys and bytes; nothing of cells, frames or netlink.
 *
 * An element goes to everybody, but each pair of members has its own key, so it carries one tag
 * per receiver:
 *
 *   T = members' digest | header ... last section
 *   whole-text kind:  tag_i = MAC(key_i, i | T)
 *   hash-once kind:   d = H(T);  tag_i = MAC(key_i, i | d)
 *
 * Hashing once is as strong as H is collision resistant, which the log relies on anyway; it makes
 * the cost of a tag independent of the element's length. So it is the default, measured by
 * "make bench" (tests/bench/mac.sh; ns for a sender's n-1 tags / a receiver's one, kernel 6.1 under
 * emulation, where only the ratios count):
 *
 *                        n=4, 230 B       n=7, 230 B       n=16, 1000 B
 *   sha256/cmac(aes)     8418 /  5710    12464 /  5600     31597 / 13405    the default
 *   blake2s/blake2s     13575 /  8415    21814 /  8543     56335 / 20522    1.4 .. 1.8 times
 *   cmac(aes)           16137 /  6752    30532 /  5191    248489 / 16584    1.9 .. 7.9 times
 *   blake2s             20851 /  6994    43505 /  7021    281769 / 18471    2.5 .. 8.9 times
 *   hmac(sha256)        81712 / 24525   139513 / 23912    729715 / 48702    4.3 .. 23 times
 *
 * On a CPU with its own AES and SHA-256 (tests/bench/mac-native.c) the order of the first and the
 * third is the same from n=4, 230 B up: 0.8 to 1.9 us, and 2.8 to 14.4 us at n=16, 1000 B.
 */
#include "mac.h"

#include <crypto/blake2s.h>
#include <crypto/hash.h>
#include <crypto/sha2.h>
#include <linux/err.h>
#include <linux/slab.h>

void cpc_sha256(const void *data, size_t len, u8 out[CPC_HASH_BYTES])
{
	sha256(data, len, out);
}

/* ---- hash-once: the digest ------------------------------------------------------------------- */

static void digest_sha256(struct cpc_mac_text *text)
{
	struct sha256_state state;

	sha256_init(&state);
	sha256_update(&state, text->members->b, sizeof(text->members->b));
	sha256_update(&state, text->data, text->len);
	sha256_final(&state, text->digest);
}

static void digest_blake2s(struct cpc_mac_text *text)
{
	struct blake2s_state state;

	blake2s_init(&state, BLAKE2S_HASH_SIZE);
	blake2s_update(&state, text->members->b, sizeof(text->members->b));
	blake2s_update(&state, text->data, text->len);
	blake2s_final(&state, text->digest);
}

/* ---- tags ------------------------------------------------------------------------------------ */

static int tag_shash_whole(const struct cpc_key *key, u8 receiver, const struct cpc_mac_text *text,
			   u8 ret_tag[CPC_TAG_BYTES])
{
	u8 out[SHA256_DIGEST_SIZE];
	SHASH_DESC_ON_STACK(desc, key->tfm);
	int err;

	desc->tfm = key->tfm;
	err = crypto_shash_init(desc);
	err = err ?: crypto_shash_update(desc, &receiver, sizeof(receiver));
	err = err ?: crypto_shash_update(desc, text->members->b, sizeof(text->members->b));
	err = err ?: crypto_shash_update(desc, text->data, text->len);
	err = err ?: crypto_shash_final(desc, out);
	if (!err)
		memcpy(ret_tag, out, CPC_TAG_BYTES);
	shash_desc_zero(desc);
	return err;
}

static int tag_shash_digest(const struct cpc_key *key, u8 receiver, const struct cpc_mac_text *text,
			    u8 ret_tag[CPC_TAG_BYTES])
{
	u8 out[SHA256_DIGEST_SIZE];
	SHASH_DESC_ON_STACK(desc, key->tfm);
	int err;

	desc->tfm = key->tfm;
	err = crypto_shash_init(desc);
	err = err ?: crypto_shash_update(desc, &receiver, sizeof(receiver));
	err = err ?: crypto_shash_update(desc, text->digest, sizeof(text->digest));
	err = err ?: crypto_shash_final(desc, out);
	if (!err)
		memcpy(ret_tag, out, CPC_TAG_BYTES);
	shash_desc_zero(desc);
	return err;
}

static int tag_blake2s_whole(const struct cpc_key *key, u8 receiver,
			     const struct cpc_mac_text *text, u8 ret_tag[CPC_TAG_BYTES])
{
	struct blake2s_state state;

	blake2s_init_key(&state, CPC_TAG_BYTES, key->raw, sizeof(key->raw));
	blake2s_update(&state, &receiver, sizeof(receiver));
	blake2s_update(&state, text->members->b, sizeof(text->members->b));
	blake2s_update(&state, text->data, text->len);
	blake2s_final(&state, ret_tag);
	return 0;
}

static int tag_blake2s_digest(const struct cpc_key *key, u8 receiver,
			      const struct cpc_mac_text *text, u8 ret_tag[CPC_TAG_BYTES])
{
	struct blake2s_state state;

	blake2s_init_key(&state, CPC_TAG_BYTES, key->raw, sizeof(key->raw));
	blake2s_update(&state, &receiver, sizeof(receiver));
	blake2s_update(&state, text->digest, sizeof(text->digest));
	blake2s_final(&state, ret_tag);
	return 0;
}

const struct cpc_mac cpc_macs[] = {
	{ "cmac(aes)", CPC_MAC_CMAC_AES, "cmac(aes)", NULL, tag_shash_whole },
	{ "hmac(sha256)", CPC_MAC_HMAC_SHA256, "hmac(sha256)", NULL, tag_shash_whole },
	{ "blake2s", CPC_MAC_BLAKE2S, NULL, NULL, tag_blake2s_whole },
	{ "sha256/cmac(aes)", CPC_MAC_SHA256_CMAC_AES, "cmac(aes)", digest_sha256,
	  tag_shash_digest },
	{ "blake2s/blake2s", CPC_MAC_BLAKE2S_ONCE, NULL, digest_blake2s, tag_blake2s_digest },
	{}
};

const struct cpc_mac *cpc_mac_find(const char *name)
{
	const struct cpc_mac *mac;

	for (mac = cpc_macs; mac->name; mac++)
		if (!strcmp(mac->name, name))
			return mac;
	return NULL;
}

void cpc_mac_text_init(struct cpc_mac_text *text, const struct cpc_mac *mac,
		       const struct cpc_hash *members, const u8 *data, size_t len)
{
	text->members = members;
	text->data = data;
	text->len = len;
	if (mac->digest)
		mac->digest(text);
}

int cpc_mac_tag(const struct cpc_key *key, u8 receiver, const struct cpc_mac_text *text,
		u8 ret_tag[CPC_TAG_BYTES])
{
	return key->mac->tag(key, receiver, text, ret_tag);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Names a key without telling it: both ends can check that they have the same one. */
static void key_id(struct cpc_key *key)
{
	static const char label[] = "CPChain key id";
	u8 text[sizeof(label) - 1 + CPC_KEY_BYTES], out[SHA256_DIGEST_SIZE];

	memcpy(text, label, sizeof(label) - 1);
	memcpy(text + sizeof(label) - 1, key->raw, sizeof(key->raw));
	sha256(text, sizeof(text), out);
	memcpy(key->id, out, sizeof(key->id));
	memzero_explicit(text, sizeof(text));
}

struct cpc_key *cpc_key_new(const struct cpc_mac *mac, const u8 raw[CPC_KEY_BYTES])
{
	struct cpc_key *key;
	int err;

	key = kzalloc(sizeof(*key), GFP_KERNEL);
	if (!key)
		return ERR_PTR(-ENOMEM);
	key->mac = mac;
	memcpy(key->raw, raw, sizeof(key->raw));
	key_id(key);
	if (!mac->shash)
		return key;
	key->tfm = crypto_alloc_shash(mac->shash, 0, 0);
	if (IS_ERR(key->tfm)) {
		err = PTR_ERR(key->tfm);
		goto err_free;
	}
	err = crypto_shash_setkey(key->tfm, raw, CPC_KEY_BYTES);
	if (err)
		goto err_tfm;
	return key;

err_tfm:
	crypto_free_shash(key->tfm);
err_free:
	kfree_sensitive(key);
	return ERR_PTR(err);
}

void cpc_key_free(struct cpc_key *key)
{
	if (!key)
		return;
	if (key->tfm)
		crypto_free_shash(key->tfm);
	kfree_sensitive(key);
}
