// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/tls.h"

#include <cpchain/cursor.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

struct cpc_tls_context {
	SSL_CTX *ssl;
	X509_STORE *authorities;	/* NULL: none */
	uint8_t own[CPC_NODE_ID_BYTES];
	enum cpc_tls_trust (*judge)(void *ctx, const uint8_t node_id[CPC_NODE_ID_BYTES]);
	void *ctx;
};

struct cpc_tls {
	struct cpc_tls_context *context;
	SSL *ssl;
	BIO *in, *out;		/* owned by ssl */
	bool dialling;		/* we dialled `dialled`; else the peer dialled us */
	uint8_t dialled[CPC_NODE_ID_BYTES];
	bool has_claimed;	/* the peer showed the key of `claimed` and was found good ... */
	uint8_t claimed[CPC_NODE_ID_BYTES];
	bool certified;
	bool established;	/* ... and has proved to have it */
	bool broken;		/* OpenSSL wants no further calls after a fatal error */
	bool refused;		/* by our own verification, which left `failure` and `error` */
	enum cpc_net_failure failure;
	char error[160];
};

/* ALPN's form: each name behind its length. */
static const unsigned char protocol[] = "\016cpchain-cell/2";

static const char ciphers[] = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256";

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			   const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl, (void)arg;
	if (SSL_select_next_proto((unsigned char **)out, out_len, protocol, sizeof(protocol) - 1,
				  in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static int refuse(struct cpc_tls *tls, enum cpc_net_failure failure, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct cpc_tls *tls, enum cpc_net_failure failure, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(tls->error, sizeof(tls->error), format, args);
	va_end(args);
	tls->failure = failure;
	tls->refused = true;
	return 0;
}

/* A node in words, as everywhere in status texts. */
static const char *name_of(const uint8_t *id, char text[14])
{
	snprintf(text, 14, "node %02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
	return text;
}

/* Whether the certificate has to be good, and is; also finds out for those that need none. */
static int judge_certificate(struct cpc_tls *tls, X509 *certificate, STACK_OF(X509) *chain,
			     const uint8_t *id, int *ret_error)
{
	X509_STORE *authorities = tls->context->authorities;
	enum cpc_tls_trust trust = tls->context->judge(tls->context->ctx, id);
	struct cpc_error why;
	char name[14];

	if (authorities) {
		*ret_error = cpc_certificate_judge(authorities, certificate, chain, &why);
		tls->certified = *ret_error == X509_V_OK;
	}
	if (tls->certified || trust == CPC_TLS_BY_KEY)
		return 1;
	if (authorities)
		return refuse(tls, CPC_NET_FAIL_CERTIFICATE, "%s: its certificate %s",
			      name_of(id, name), why.text);
	if (trust == CPC_TLS_STRANGER)
		return refuse(tls, CPC_NET_FAIL_IDENTITY, "%s is a stranger, and there is no "
			      "authority to certify strangers", name_of(id, name));
	return refuse(tls, CPC_NET_FAIL_CERTIFICATE, "%s needs a certificate, but there is no "
		      "authority to issue it", name_of(id, name));
}

/* Judges the key that the peer shows; that it also holds the private half is TLS's to check. */
static int judge(struct cpc_tls *tls, X509 *certificate, STACK_OF(X509) *chain, int *ret_error)
{
	uint8_t id[CPC_NODE_ID_BYTES];
	char name[14], expected[14];

	if (!certificate || cpc_identity_digest(X509_get_X509_PUBKEY(certificate), id) < 0)
		return refuse(tls, CPC_NET_FAIL_NO_CERTIFICATE, "the peer shows no certificate");
	if (memcmp(id, tls->context->own, sizeof(id)) == 0)
		return refuse(tls, CPC_NET_FAIL_IDENTITY, "the peer shows our own key, of %s",
			      name_of(id, name));
	if (tls->dialling && memcmp(id, tls->dialled, sizeof(id)) != 0)
		return refuse(tls, CPC_NET_FAIL_IDENTITY, "%s answers where %s was expected",
			      name_of(id, name), name_of(tls->dialled, expected));
	if (!judge_certificate(tls, certificate, chain, id, ret_error))
		return 0;
	memcpy(tls->claimed, id, sizeof(id));
	tls->has_claimed = true;
	return 1;
}

/* Replaces OpenSSL's own verdict, which knows nothing of node ids. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct cpc_tls *tls = SSL_get_app_data(ssl);
	int error = X509_V_ERR_APPLICATION_VERIFICATION;
	int good = judge(tls, X509_STORE_CTX_get0_cert(store),
			 X509_STORE_CTX_get0_untrusted(store), &error);

	(void)arg;
	/* From it OpenSSL makes the alert, by which the peer learns what was wrong. */
	X509_STORE_CTX_set_error(store, good ? X509_V_OK : error);
	return good;
}

/* The certificate that we show, and the authorities between it and one that peers know. */
static bool show(SSL_CTX *ssl, const struct cpc_tls_config *config)
{
	X509 *envelope;
	bool good;

	if (!config->own) {
		envelope = cpc_identity_certificate(config->identity);
		good = envelope && SSL_CTX_use_certificate(ssl, envelope);
		X509_free(envelope);
		return good;
	}
	good = SSL_CTX_use_certificate(ssl, sk_X509_value(config->own->all, 0));
	for (int i = 1; good && i < sk_X509_num(config->own->all); i++)
		good = SSL_CTX_add1_chain_cert(ssl, sk_X509_value(config->own->all, i));
	return good;
}

static bool set_up(SSL_CTX *ssl, const struct cpc_tls_config *config)
{
	bool good = SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
		SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
		SSL_CTX_set_ciphersuites(ssl, ciphers) &&
		SSL_CTX_set1_groups_list(ssl, "P-256") &&
		SSL_CTX_set1_sigalgs_list(ssl, "ecdsa_secp256r1_sha256") &&
		SSL_CTX_set1_client_sigalgs_list(ssl, "ecdsa_secp256r1_sha256") &&
		SSL_CTX_set_alpn_protos(ssl, protocol, sizeof(protocol) - 1) == 0 &&
		SSL_CTX_set_num_tickets(ssl, 0) &&
		SSL_CTX_set_max_early_data(ssl, 0) &&
		show(ssl, config) &&
		SSL_CTX_use_PrivateKey(ssl, config->identity->key) &&
		SSL_CTX_check_private_key(ssl);

	SSL_CTX_set_alpn_select_cb(ssl, select_protocol, NULL);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_max_cert_list(ssl, CPC_NET_CERTIFICATES_MAX);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, verify, NULL);
	return good;
}

int cpc_tls_context_new(const struct cpc_tls_config *config, struct cpc_tls_context **ret,
			struct cpc_error *err)
{
	struct cpc_tls_context *context = calloc(1, sizeof(*context));

	if (!context) {
		cpc_error_set(err, "out of memory for TLS");
		return -ENOMEM;
	}
	ERR_clear_error();
	context->judge = config->judge;
	context->ctx = config->ctx;
	memcpy(context->own, config->identity->node_id, sizeof(context->own));
	if (config->authorities)
		context->authorities = cpc_certificates_store(config->authorities);
	context->ssl = SSL_CTX_new(TLS_method());
	if ((config->authorities && !context->authorities) || !context->ssl ||
	    !set_up(context->ssl, config)) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		cpc_error_set(err, "cannot set up TLS 1.3 with OpenSSL: %s",
			      reason ? reason : "out of memory");
		ERR_clear_error();
		cpc_tls_context_free(context);
		return -EINVAL;
	}
	*ret = context;
	return 0;
}

void cpc_tls_context_free(struct cpc_tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl);
	X509_STORE_free(context->authorities);
	free(context);
}

struct cpc_tls *cpc_tls_new(struct cpc_tls_context *context, const uint8_t *dialled)
{
	struct cpc_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	*tls = (struct cpc_tls){ .context = context, .dialling = dialled != NULL,
				 .failure = CPC_NET_FAIL_TLS };
	if (dialled)
		memcpy(tls->dialled, dialled, sizeof(tls->dialled));
	tls->ssl = SSL_new(context->ssl);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->in || !tls->out) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		SSL_free(tls->ssl);
		free(tls);
		return NULL;
	}
	/* An empty input means "later", not "end". */
	BIO_set_mem_eof_return(tls->in, -1);
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	SSL_set_app_data(tls->ssl, tls);
	if (dialled)
		SSL_set_connect_state(tls->ssl);
	else
		SSL_set_accept_state(tls->ssl);
	return tls;
}

void cpc_tls_free(struct cpc_tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

int cpc_tls_feed(struct cpc_tls *tls, const void *data, size_t len)
{
	cpc_assert(len <= INT_MAX);
	if (len && BIO_write(tls->in, data, (int)len) != (int)len) {
		ERR_clear_error();
		return -ENOMEM;
	}
	return 0;
}

/* Turns OpenSSL's verdict on the last call into 0 (more bytes), -EPIPE or -EPROTO. */
static int outcome(struct cpc_tls *tls, int result)
{
	int code = SSL_get_error(tls->ssl, result);
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);

	if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
		return 0;
	if (code == SSL_ERROR_ZERO_RETURN) {
		tls->failure = CPC_NET_FAIL_CLOSED;
		snprintf(tls->error, sizeof(tls->error), "the peer closed the session");
		return -EPIPE;
	}
	tls->broken = true;
	if (!tls->refused) {
		tls->failure = ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ?
			CPC_NET_FAIL_NO_CERTIFICATE : CPC_NET_FAIL_TLS;
		snprintf(tls->error, sizeof(tls->error), "TLS: %s", reason ? reason : "broken");
	}
	ERR_clear_error();
	return -EPROTO;
}

int cpc_tls_handshake(struct cpc_tls *tls)
{
	int result;

	if (tls->broken)
		return -EPROTO;
	if (tls->established)
		return 1;
	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	if (result != 1)
		return outcome(tls, result);
	/* The callback ran, or the handshake could not have ended well. */
	cpc_assert(tls->has_claimed && !tls->refused);
	tls->established = true;
	return 1;
}

const uint8_t *cpc_tls_node_id(const struct cpc_tls *tls)
{
	return tls->established ? tls->claimed : NULL;
}

bool cpc_tls_certified(const struct cpc_tls *tls)
{
	return tls->established && tls->certified;
}

ssize_t cpc_tls_read(struct cpc_tls *tls, void *data, size_t size)
{
	int result;

	cpc_assert(tls->established && size <= INT_MAX);
	if (tls->broken)
		return -EPROTO;
	ERR_clear_error();
	result = SSL_read(tls->ssl, data, (int)size);
	return result > 0 ? result : outcome(tls, result);
}

int cpc_tls_write(struct cpc_tls *tls, const void *data, size_t len)
{
	int result;

	cpc_assert(tls->established && len <= INT_MAX);
	if (tls->broken)
		return -EPROTO;
	if (len == 0)
		return 0;
	ERR_clear_error();
	result = SSL_write(tls->ssl, data, (int)len);
	if (result == (int)len)
		return 0;
	outcome(tls, result);
	/* The output is memory, so anything but all of it is a failure. */
	tls->broken = true;
	return -EPROTO;
}

void cpc_tls_close(struct cpc_tls *tls)
{
	ERR_clear_error();
	if (tls->established && !tls->broken)
		SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

int cpc_tls_output(struct cpc_tls *tls, struct cpc_buffer *out)
{
	size_t len = BIO_ctrl_pending(tls->out), room = cpc_buffer_room(out);
	size_t part = len < room ? len : room;
	uint8_t *bytes;
	int r;

	if (part > 0) {
		r = cpc_buffer_extend(out, part, &bytes);
		if (r < 0)
			return r;
		if (BIO_read(tls->out, bytes, (int)part) != (int)part)
			return -ENOMEM;
	}
	return part == len ? 0 : -ENOBUFS;
}

int cpc_tls_cell_key(struct cpc_tls *tls, uint16_t cell, uint16_t epoch,
		     uint8_t ret_key[CPC_CELL_KEY_BYTES])
{
	static const char label[] = "EXPORTER-CPChain-cell-key";
	uint8_t text[4 + 2 * CPC_NODE_ID_BYTES], key[CPC_CELL_KEY_BYTES];
	struct cpc_writer w = cpc_writer_init(text, sizeof(text));
	const uint8_t *own = tls->context->own, *peer = tls->claimed;
	bool lower = memcmp(own, peer, CPC_NODE_ID_BYTES) < 0;

	cpc_assert(tls->established);
	cpc_write_le16(&w, cell);
	cpc_write_le16(&w, epoch);
	cpc_write_bytes(&w, lower ? own : peer, CPC_NODE_ID_BYTES);
	cpc_write_bytes(&w, lower ? peer : own, CPC_NODE_ID_BYTES);
	cpc_assert(!w.failed && w.used == sizeof(text));
	if (SSL_export_keying_material(tls->ssl, key, sizeof(key), label, sizeof(label) - 1, text,
				       sizeof(text), 1) != 1) {
		ERR_clear_error();
		return -EPROTO;
	}
	memcpy(ret_key, key, sizeof(key));
	OPENSSL_cleanse(key, sizeof(key));
	return 0;
}

enum cpc_net_failure cpc_tls_failure(const struct cpc_tls *tls)
{
	return tls->failure;
}

const char *cpc_tls_error(const struct cpc_tls *tls)
{
	return tls->error;
}
