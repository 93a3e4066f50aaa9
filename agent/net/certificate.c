// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/certificate.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum {
	/* OpenSSL's scale: no SHA-1, no RSA below 2048 bits. */
	SECURITY_LEVEL = 2,
};

static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* Reads on to the end of the text, whose other contents are skipped. */
static bool read_all(BIO *bio, STACK_OF(X509) *all)
{
	X509 *one;

	while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (!sk_X509_push(all, one)) {
			X509_free(one);
			return false;
		}
	}
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

int cpc_certificates_parse(const char *name, const void *pem, size_t len,
			   struct cpc_certificates **ret, struct cpc_error *err)
{
	CPC_CLEANUP(free_bio) BIO *bio = len <= INT_MAX ? BIO_new_mem_buf(pem, (int)len) : NULL;
	CPC_CLEANUP(cpc_cleanup_certificates)
	struct cpc_certificates *certificates = calloc(1, sizeof(*certificates));
	bool good;

	if (certificates)
		certificates->all = sk_X509_new_null();
	if (!bio || !certificates || !certificates->all) {
		cpc_error_set(err, "%s: out of memory", name);
		return -ENOMEM;
	}
	ERR_clear_error();
	good = read_all(bio, certificates->all);
	ERR_clear_error();
	if (!good) {
		cpc_error_set(err, "%s: certificate %d in it cannot be read", name,
			      sk_X509_num(certificates->all) + 1);
		return -EBADMSG;
	}
	if (sk_X509_num(certificates->all) == 0) {
		cpc_error_set(err, "%s: no certificate in PEM", name);
		return -EBADMSG;
	}
	*ret = CPC_TAKE(certificates);
	return 0;
}

void cpc_certificates_free(struct cpc_certificates *certificates)
{
	if (!certificates)
		return;
	sk_X509_pop_free(certificates->all, X509_free);
	free(certificates);
}

int cpc_certificates_check_own(const char *name, const struct cpc_certificates *own,
			       const struct cpc_identity *identity, struct cpc_error *err)
{
	/* As TLS 1.3 counts it: each behind its length and before its extensions (RFC 8446, 4.4.2),
	 * and what goes around the list. */
	enum { AROUND_EACH = 5, AROUND_ALL = 8 };
	X509 *leaf = sk_X509_value(own->all, 0);
	uint8_t id[CPC_NODE_ID_BYTES] = { 0 };
	const uint8_t *we = identity->node_id;
	int total = AROUND_ALL;

	if (cpc_identity_digest(X509_get_X509_PUBKEY(leaf), id) < 0 ||
	    memcmp(id, we, sizeof(id)) != 0) {
		cpc_error_set(err, "%s: the certificate is for the key of node %02x%02x%02x%02x, "
			      "but we are node %02x%02x%02x%02x", name, id[0], id[1], id[2], id[3],
			      we[0], we[1], we[2], we[3]);
		return -EKEYREJECTED;
	}
	for (int i = 0; i < sk_X509_num(own->all); i++)
		total += i2d_X509(sk_X509_value(own->all, i), NULL) + AROUND_EACH;
	if (total > CPC_NET_CERTIFICATES_MAX) {
		cpc_error_set(err, "%s: %d certificates of %d bytes, but peers accept at most %d",
			      name, sk_X509_num(own->all), total, CPC_NET_CERTIFICATES_MAX);
		return -E2BIG;
	}
	return 0;
}

X509_STORE *cpc_certificates_store(const struct cpc_certificates *authorities)
{
	X509_STORE *store = X509_STORE_new();
	bool good = store != NULL;

	for (int i = 0; good && i < sk_X509_num(authorities->all); i++)
		good = X509_STORE_add_cert(store, sk_X509_value(authorities->all, i));
	/* Whatever is in the file is trusted, also an authority that another one has certified. */
	if (good && X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN))
		return store;
	ERR_clear_error();
	X509_STORE_free(store);
	return NULL;
}

static void explain(int error, struct cpc_error *err)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		cpc_error_set(err, "has expired");
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		cpc_error_set(err, "is not valid yet (is our clock right?)");
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		cpc_error_set(err, "is its own, of no authority");
		return;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		cpc_error_set(err, "is of an issuer that is no authority of ours");
		return;
	}
	cpc_error_set(err, "does not hold: %s", X509_verify_cert_error_string(error));
}

int cpc_certificate_judge(X509_STORE *authorities, X509 *certificate, STACK_OF(X509) *chain,
			  struct cpc_error *err)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error = X509_V_ERR_OUT_OF_MEM;

	if (ctx && X509_STORE_CTX_init(ctx, authorities, certificate, chain)) {
		/* It says who somebody is; what the key is used for, TLS and we decide. */
		X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), SECURITY_LEVEL);
		if (X509_verify_cert(ctx) == 1)
			error = X509_V_OK;
		else if (X509_STORE_CTX_get_error(ctx) != X509_V_OK)
			error = X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	if (error != X509_V_OK)
		explain(error, err);
	return error;
}
