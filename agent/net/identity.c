// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/identity.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static void free_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

int cpc_identity_digest(const X509_PUBKEY *spki, uint8_t ret_id[CPC_NODE_ID_BYTES])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(spki, &der);

	if (len <= 0)
		return -EIO;
	SHA256(der, (size_t)len, ret_id);
	OPENSSL_free(der);
	return 0;
}

/* The public half in its one form; a file may hold the point compressed. */
static bool encode_public(EVP_PKEY *key, uint8_t ret_spki[CPC_SPKI_BYTES])
{
	unsigned char *der = NULL;
	int len;

	if (!EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
					    OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED))
		return false;
	len = i2d_PUBKEY(key, &der);
	if (len == CPC_SPKI_BYTES)
		memcpy(ret_spki, der, CPC_SPKI_BYTES);
	OPENSSL_free(der);
	return len == CPC_SPKI_BYTES;
}

/* Takes the key on success. */
static int wrap(EVP_PKEY *key, struct cpc_identity **ret, struct cpc_error *err)
{
	CPC_FREE struct cpc_identity *identity = calloc(1, sizeof(*identity));

	if (!identity || !encode_public(key, identity->spki)) {
		ERR_clear_error();
		cpc_error_set(err, "out of memory for the identity key");
		return -ENOMEM;
	}
	SHA256(identity->spki, sizeof(identity->spki), identity->node_id);
	identity->key = key;
	*ret = CPC_TAKE(identity);
	return 0;
}

int cpc_identity_generate(struct cpc_identity **ret, struct cpc_error *err)
{
	CPC_CLEANUP(free_pkey) EVP_PKEY *key = EVP_EC_gen("P-256");
	int r;

	if (!key) {
		ERR_clear_error();
		cpc_error_set(err, "OpenSSL cannot make a P-256 key");
		return -EIO;
	}
	r = wrap(key, ret, err);
	if (r == 0)
		key = NULL;
	return r;
}

/* Without this OpenSSL would ask on the terminal; a daemon has nobody to ask. */
static int no_password(char *text, int size, int writing, void *asked)
{
	(void)text, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static int check_key(const char *name, EVP_PKEY *key, struct cpc_error *err)
{
	char group[64] = "unnamed parameters";
	EVP_PKEY_CTX *check;
	int good;

	if (!EVP_PKEY_is_a(key, "EC")) {
		cpc_error_set(err, "%s: a key of type %s, but a node's identity is a P-256 key: "
			      "move the file away to have one made", name,
			      EVP_PKEY_get0_type_name(key));
		return -EINVAL;
	}
	if (!EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) ||
	    strcmp(group, SN_X9_62_prime256v1) != 0) {
		cpc_error_set(err, "%s: a key on the curve %s, but a node's identity is on P-256: "
			      "move the file away to have one made", name, group);
		return -EINVAL;
	}
	check = EVP_PKEY_CTX_new(key, NULL);
	good = check && EVP_PKEY_check(check) == 1;
	EVP_PKEY_CTX_free(check);
	if (!good) {
		cpc_error_set(err, "%s: the key's halves do not belong together; restore the file "
			      "from a backup, or move it away to have a new identity made", name);
		return -EBADMSG;
	}
	return 0;
}

int cpc_identity_parse(const char *name, const void *pem, size_t len, struct cpc_identity **ret,
		       struct cpc_error *err)
{
	CPC_CLEANUP(free_bio) BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	CPC_CLEANUP(free_pkey) EVP_PKEY *key = NULL;
	bool asked = false;
	int r;

	if (!bio)
		return -ENOMEM;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked);
	if (!key) {
		ERR_clear_error();
		cpc_error_set(err, asked ?
			      "%s: protected by a password, which a daemon cannot enter; store "
			      "the key without one, with mode 0600" :
			      "%s: not a private key in PEM; restore the file from a backup, or "
			      "move it away to have a new identity made", name);
		return -EBADMSG;
	}
	r = check_key(name, key, err);
	ERR_clear_error();
	if (r < 0)
		return r;
	r = wrap(key, ret, err);
	if (r == 0)
		key = NULL;
	return r;
}

int cpc_identity_write(const struct cpc_identity *identity, struct cpc_buffer *out)
{
	CPC_CLEANUP(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long len;

	if (!bio || !PEM_write_bio_PrivateKey(bio, identity->key, NULL, NULL, 0, NULL, NULL)) {
		ERR_clear_error();
		return -ENOMEM;
	}
	len = BIO_get_mem_data(bio, &text);
	return cpc_buffer_append(out, text, (size_t)len);
}

static bool fill_certificate(X509 *certificate, const struct cpc_identity *identity)
{
	char name[2 * CPC_NODE_ID_BYTES + 1];
	X509_NAME *subject = X509_get_subject_name(certificate);

	for (unsigned i = 0; i < CPC_NODE_ID_BYTES; i++)
		snprintf(name + 2 * i, 3, "%02x", identity->node_id[i]);
	return X509_set_version(certificate, X509_VERSION_3) &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
	       ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20000101000000Z") &&
	       ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (unsigned char *)name, -1,
					  -1, 0) &&
	       X509_set_issuer_name(certificate, subject) &&
	       X509_set_pubkey(certificate, identity->key) &&
	       X509_sign(certificate, identity->key, EVP_sha256());
}

X509 *cpc_identity_certificate(const struct cpc_identity *identity)
{
	X509 *certificate = X509_new();

	if (certificate && fill_certificate(certificate, identity))
		return certificate;
	ERR_clear_error();
	X509_free(certificate);
	return NULL;
}

int cpc_identity_sign(const struct cpc_identity *identity, const void *data, size_t len,
		      uint8_t ret_signature[CPC_SIGNATURE_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = CPC_SIGNATURE_MAX;
	bool good = ctx &&
		EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, identity->key) == 1 &&
		EVP_DigestSign(ctx, ret_signature, &size, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? (int)size : -EIO;
}

void cpc_identity_of(const uint8_t spki[CPC_SPKI_BYTES], uint8_t ret_id[CPC_NODE_ID_BYTES])
{
	SHA256(spki, CPC_SPKI_BYTES, ret_id);
}

EVP_PKEY *cpc_identity_public_key(const uint8_t spki[CPC_SPKI_BYTES])
{
	/* id-ecPublicKey on prime256v1 (RFC 5480, 2.1.1), and 04: the point is not compressed.
	 * Anybody may send the bytes, so OpenSSL gets to see no other kind of key. */
	static const uint8_t head[] = {
		0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
		0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
	};
	const unsigned char *at = spki;
	EVP_PKEY *key;

	if (memcmp(spki, head, sizeof(head)) != 0)
		return NULL;
	key = d2i_PUBKEY(NULL, &at, CPC_SPKI_BYTES);
	ERR_clear_error();
	return key;
}

bool cpc_identity_verify(EVP_PKEY *public_key, const void *data, size_t len,
			 const uint8_t *signature, size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx &&
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_key) == 1 &&
		EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

void cpc_identity_node_id(const struct cpc_identity *identity, uint8_t ret_id[32])
{
	memcpy(ret_id, identity->node_id, CPC_NODE_ID_BYTES);
}

void cpc_identity_free(struct cpc_identity *identity)
{
	if (!identity)
		return;
	EVP_PKEY_free(identity->key);
	free(identity);
}

void cpc_net_key_id(const uint8_t key[16], uint8_t ret_id[8])
{
	static const char label[] = "CPChain key id";
	uint8_t text[sizeof(label) - 1 + CPC_CELL_KEY_BYTES], digest[SHA256_DIGEST_LENGTH];

	memcpy(text, label, sizeof(label) - 1);
	memcpy(text + sizeof(label) - 1, key, CPC_CELL_KEY_BYTES);
	SHA256(text, sizeof(text), digest);
	memcpy(ret_id, digest, CPC_KEY_ID_BYTES);
	OPENSSL_cleanse(text, sizeof(text));
}
