/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_IDENTITY_H
#define CPC_AGENT_NET_IDENTITY_H

/* identity - the node's key as bytes in memory; identity_io.c keeps it in a file. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "agent/net/announce.h"

struct cpc_identity {
	EVP_PKEY *key;	/* P-256, private */
	uint8_t spki[CPC_SPKI_BYTES];	/* the public half as DER; its SHA-256 is the node id */
	uint8_t node_id[CPC_NODE_ID_BYTES];
};

/* A new random key; -ENOMEM or -EIO. */
int cpc_identity_generate(struct cpc_identity **ret, struct cpc_error *err);

/* From PEM text. `name` is what error texts call it; errors as for cpc_identity_load(). */
int cpc_identity_parse(const char *name, const void *pem, size_t len, struct cpc_identity **ret,
		       struct cpc_error *err);

/* Appends the private key as PEM (PKCS #8); -ENOBUFS or -ENOMEM. */
int cpc_identity_write(const struct cpc_identity *identity, struct cpc_buffer *out);

/*
 * A self-signed certificate, an envelope for the public key: its dates always hold, because
 * peers pin the key and a vehicle's clock may be wrong. NULL: out of memory.
 */
X509 *cpc_identity_certificate(const struct cpc_identity *identity);

/* SHA-256 of the key's SubjectPublicKeyInfo as the certificate encodes it. -EIO. */
int cpc_identity_digest(const X509_PUBKEY *spki, uint8_t ret_id[CPC_NODE_ID_BYTES]);

/* ECDSA with SHA-256, in DER; gives its length, or -EIO. */
int cpc_identity_sign(const struct cpc_identity *identity, const void *data, size_t len,
		      uint8_t ret_signature[CPC_SIGNATURE_MAX]);

/* The node whose public key these bytes are; whether they are one is not looked at. */
void cpc_identity_of(const uint8_t spki[CPC_SPKI_BYTES], uint8_t ret_id[CPC_NODE_ID_BYTES]);

/* The P-256 key that these bytes are in DER, its point uncompressed; NULL if they are none. */
EVP_PKEY *cpc_identity_public_key(const uint8_t spki[CPC_SPKI_BYTES]);

/* Whether the signature is that key's. */
bool cpc_identity_verify(EVP_PKEY *public_key, const void *data, size_t len,
			 const uint8_t *signature, size_t signature_len);

static inline void cpc_cleanup_identity(struct cpc_identity **identity)
{
	cpc_identity_free(*identity);
}

#endif
