// SPDX-License-Identifier: BSD-3-Clause
/* mac.c - pairwise keys and tags by OpenSSL; see mac.h. */
#include "tools/cpc-twin/mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "agent/net/net.h"

struct cpc_twin_mac {
	const char *name;
	u8 id;				/* enum cpc_mac_id in kmod/mac.h */
	const char *evp;		/* OpenSSL's name of the MAC */
	const char *cipher, *md;	/* what that MAC is built from */
	const EVP_MD *(*digest)(void);	/* NULL: nothing is hashed ahead */
};

struct cpc_twin_key {
	EVP_MAC_CTX *ctx;		/* keyed; starting anew keeps the key */
	u8 id[CPC_TWIN_KEY_ID_BYTES];
};

static const struct cpc_twin_mac macs[] = {
	{ "cmac(aes)", 1, "CMAC", "AES-128-CBC", NULL, NULL },
	{ "hmac(sha256)", 2, "HMAC", NULL, "SHA256", NULL },
	{ "blake2s", 3, "BLAKE2SMAC", NULL, NULL, NULL },
	{ "sha256/cmac(aes)", 4, "CMAC", "AES-128-CBC", NULL, EVP_sha256 },
	{ "blake2s/blake2s", 5, "BLAKE2SMAC", NULL, NULL, EVP_blake2s256 },
};

const struct cpc_twin_mac *cpc_twin_mac_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
		if (strcmp(macs[i].name, name) == 0)
			return &macs[i];
	return NULL;
}

const char *cpc_twin_mac_name(const struct cpc_twin_mac *mac)
{
	return mac->name;
}

u8 cpc_twin_mac_id(const struct cpc_twin_mac *mac)
{
	return mac->id;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static EVP_MAC_CTX *keyed(const struct cpc_twin_mac *mac, const u8 raw[CPC_TWIN_KEY_BYTES])
{
	EVP_MAC *evp = EVP_MAC_fetch(NULL, mac->evp, NULL);
	EVP_MAC_CTX *ctx = evp ? EVP_MAC_CTX_new(evp) : NULL;
	/* In BLAKE2s the tag's length is part of the computation (RFC 7693, 2.5). */
	size_t size = CPC_TAG_BYTES;
	OSSL_PARAM params[3], *p = params;

	if (mac->cipher)
		*p++ = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)mac->cipher,
							0);
	if (mac->md)
		*p++ = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)mac->md, 0);
	if (!mac->cipher && !mac->md)
		*p++ = OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size);
	*p = OSSL_PARAM_construct_end();
	if (ctx && EVP_MAC_init(ctx, raw, CPC_TWIN_KEY_BYTES, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	EVP_MAC_free(evp);
	return ctx;
}

struct cpc_twin_key *cpc_twin_key_new(const struct cpc_twin_mac *mac,
				      const u8 raw[CPC_TWIN_KEY_BYTES])
{
	struct cpc_twin_key *key = calloc(1, sizeof(*key));

	if (!key)
		return NULL;
	key->ctx = keyed(mac, raw);
	if (!key->ctx) {
		free(key);
		return NULL;
	}
	cpc_net_key_id(raw, key->id);
	return key;
}

void cpc_twin_key_free(struct cpc_twin_key *key)
{
	if (!key)
		return;
	EVP_MAC_CTX_free(key->ctx);
	free(key);
}

const u8 *cpc_twin_key_id(const struct cpc_twin_key *key)
{
	return key->id;
}

/* ---- tags ------------------------------------------------------------------------------------ */

int cpc_twin_text_init(struct cpc_twin_text *text, const struct cpc_twin_mac *mac,
		       const struct cpc_hash *members, const u8 *data, size_t len)
{
	/* One for the program's life: what a context costs is paid once. */
	static EVP_MD_CTX *ctx;

	text->mac = mac;
	text->members = members;
	text->data = data;
	text->len = len;
	if (!mac->digest)
		return 0;
	if (!ctx)
		ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestInit_ex(ctx, mac->digest(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, members->b, sizeof(members->b)) != 1 ||
	    EVP_DigestUpdate(ctx, data, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, text->digest, NULL) != 1)
		return -EIO;
	return 0;
}

int cpc_twin_tag(struct cpc_twin_key *key, u8 receiver, const struct cpc_twin_text *text,
		 u8 ret_tag[CPC_TAG_BYTES])
{
	u8 out[EVP_MAX_MD_SIZE];
	size_t len;

	if (EVP_MAC_init(key->ctx, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(key->ctx, &receiver, 1) != 1)
		return -EIO;
	if (text->mac->digest) {
		if (EVP_MAC_update(key->ctx, text->digest, sizeof(text->digest)) != 1)
			return -EIO;
	} else if (EVP_MAC_update(key->ctx, text->members->b, sizeof(text->members->b)) != 1 ||
		   EVP_MAC_update(key->ctx, text->data, text->len) != 1) {
		return -EIO;
	}
	if (EVP_MAC_final(key->ctx, out, &len, sizeof(out)) != 1 || len < CPC_TAG_BYTES)
		return -EIO;
	memcpy(ret_tag, out, CPC_TAG_BYTES);
	return 0;
}
