/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CERTIFICATE_TESTING_H
#define CERTIFICATE_TESTING_H

/* A certification authority for tests: issues what a test asks for, sound or not. */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "agent/net/certificate.h"

enum {
	DAY_S = 24 * 3600,
};

struct authority {
	EVP_PKEY *key;
	X509 *certificate;
};

/* What is issued, but for the key it is for; times from now. */
struct terms {
	const char *name;
	bool authority;		/* it may issue others */
	int from_s, to_s;
	int padding;		/* so many bytes of comment, to make it large */
};

static inline void extend(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(extension);
	ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* By itself if `by` is NULL; else by whoever that is, with or without the right to. */
static inline X509 *issue(const struct authority *by, EVP_PKEY *key, EVP_PKEY *own_key,
			  struct terms terms)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	char comment[4096];

	ck_assert_ptr_nonnull(certificate);
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
	X509_gmtime_adj(X509_getm_notBefore(certificate), terms.from_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), terms.to_s);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)terms.name, -1,
				   -1, 0);
	X509_set_issuer_name(certificate, by ? X509_get_subject_name(by->certificate) : name);
	X509_set_pubkey(certificate, key);
	extend(certificate, NID_basic_constraints,
	       terms.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	extend(certificate, NID_key_usage,
	       terms.authority ? "critical,keyCertSign" : "critical,digitalSignature");
	if (terms.padding) {
		memset(comment, 'x', sizeof(comment));
		comment[terms.padding] = '\0';
		extend(certificate, NID_netscape_comment, comment);
	}
	ck_assert_int_gt(X509_sign(certificate, by ? by->key : own_key, EVP_sha256()), 0);
	return certificate;
}

static inline struct authority authority_new(const char *name)
{
	struct terms terms = { .name = name, .authority = true, .from_s = -DAY_S, .to_s = DAY_S };
	struct authority made = { .key = EVP_EC_gen("P-256") };

	ck_assert_ptr_nonnull(made.key);
	made.certificate = issue(NULL, made.key, made.key, terms);
	return made;
}

static inline void authority_free(struct authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
}

/* For a node's key, valid from yesterday to tomorrow. */
static inline X509 *issue_good(const struct authority *by, const struct cpc_identity *to)
{
	struct terms terms = { .name = "a vehicle", .from_s = -DAY_S, .to_s = DAY_S };

	return issue(by, to->key, NULL, terms);
}

/* The certificates as PEM text, in order; NULL ends the list. The caller frees it. */
static inline char *pem_of(X509 *first, X509 *second)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text;
	long len;

	PEM_write_bio_X509(bio, first);
	if (second)
		PEM_write_bio_X509(bio, second);
	len = BIO_get_mem_data(bio, &data);
	text = strndup(data, (size_t)len);
	ck_assert_ptr_nonnull(text);
	BIO_free(bio);
	return text;
}

/* The same as the agent reads them. */
static inline struct cpc_certificates *certificates_of(X509 *first, X509 *second)
{
	CPC_FREE char *pem = pem_of(first, second);
	struct cpc_certificates *made = NULL;
	struct cpc_error error = { "" };

	ck_assert_msg(cpc_certificates_parse("test.pem", pem, strlen(pem), &made, &error) == 0,
		      "%s", error.text);
	return made;
}

#endif
