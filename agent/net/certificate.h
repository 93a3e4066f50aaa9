/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_CERTIFICATE_H
#define CPC_AGENT_NET_CERTIFICATE_H

/*
 * certificate - X.509 certificates that authorities issue for nodes' keys, in memory;
 * certificate_io.c reads them from files. OpenSSL builds and judges the chains.
 */
#include <openssl/x509.h>

#include "agent/net/identity.h"

struct cpc_certificates {
	STACK_OF(X509) *all;	/* in the order of the text, at least one */
};

/*
 * From PEM text with at least one certificate. `name` is what error texts call it. -EBADMSG: there
 * is none, or one that cannot be read; -ENOMEM.
 */
int cpc_certificates_parse(const char *name, const void *pem, size_t len,
			   struct cpc_certificates **ret, struct cpc_error *err);
void cpc_certificates_free(struct cpc_certificates *certificates);

/* The file's; also -EFBIG, or the system's error for it. */
int cpc_certificates_load(const char *path, struct cpc_certificates **ret, struct cpc_error *err);

/*
 * Whether the first one can be shown for that identity, with the others as its chain: -EKEYREJECTED
 * when it is for another key, -E2BIG when a peer would find them too many.
 */
int cpc_certificates_check_own(const char *name, const struct cpc_certificates *own,
			       const struct cpc_identity *identity, struct cpc_error *err);

/* A store that trusts exactly these. NULL: out of memory. */
X509_STORE *cpc_certificates_store(const struct cpc_certificates *authorities);

/*
 * Whether one of the store's authorities issued that certificate, directly or by way of `chain`,
 * and all dates hold: 0, or OpenSSL's X509_V_ERR_... with what is wrong in words that follow "its
 * certificate".
 */
int cpc_certificate_judge(X509_STORE *authorities, X509 *certificate, STACK_OF(X509) *chain,
			  struct cpc_error *err);

static inline void cpc_cleanup_certificates(struct cpc_certificates **certificates)
{
	cpc_certificates_free(*certificates);
}

#endif
