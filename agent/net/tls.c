// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/tls.h"

#include <cpchain/cursor.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>

struct cpc_tls_context {
	SSL_CTX *ssl;
	unsigned n, self;
	uint8_t (*node_id)[CPC_NODE_ID_BYTES];
};

struct cpc_tls {
	struct cpc_tls_context *context;
	SSL *ssl;
	BIO *in, *out;		/* owned by ssl */
	int dialled;		/* -1: the peer dialled us */
	int claimed;		/* the member whose key the peer showed, not yet proved; or -1 */
	bool established;
	bool broken;		/* OpenSSL wants no further calls after a fatal error */
	bool refused;		/* by our own verification, which left `failure` and `error` */
	enum cpc_net_failure failure;
	char error[160];
};

/* ALPN's form: each name behind its length. */
static const unsigned char protocol[] = "\016cpchain-cell/1";

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

static int find_member(const struct cpc_tls_context *context, const uint8_t *node_id)
{
	for (unsigned i = 0; i < context->n; i++) {
		if (memcmp(context->node_id[i], node_id, CPC_NODE_ID_BYTES) == 0)
			return (int)i;
	}
	return -1;
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

/* Judges the key that the peer shows; that it also holds the private half is TLS's to check. */
static int judge(struct cpc_tls *tls, X509 *certificate)
{
	uint8_t id[CPC_NODE_ID_BYTES];
	int member;

	if (!certificate || cpc_identity_digest(X509_get_X509_PUBKEY(certificate), id) < 0)
		return refuse(tls, CPC_NET_FAIL_NO_CERTIFICATE, "the peer shows no certificate");
	member = find_member(tls->context, id);
	if (member < 0 || member == (int)tls->context->self)
		return refuse(tls, CPC_NET_FAIL_IDENTITY,
			      "the peer's key %02x%02x%02x%02x... is not another member's",
			      id[0], id[1], id[2], id[3]);
	if (tls->dialled >= 0 && member != tls->dialled)
		return refuse(tls, CPC_NET_FAIL_IDENTITY,
			      "member %d answers where member %d was expected", member,
			      tls->dialled);
	if (tls->dialled < 0 && member > (int)tls->context->self)
		return refuse(tls, CPC_NET_FAIL_DIRECTION,
			      "member %d dials, but the lower index, %u, should", member,
			      tls->context->self);
	tls->claimed = member;
	return 1;
}

/* Replaces OpenSSL's chain building: there is no authority, the pinned key is the trust. */
static int verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct cpc_tls *tls = SSL_get_app_data(ssl);
	int good = judge(tls, X509_STORE_CTX_get0_cert(store));

	(void)arg;
	X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	return good;
}

static bool set_up(SSL_CTX *ssl, const struct cpc_identity *identity)
{
	X509 *certificate = cpc_identity_certificate(identity);
	bool good = certificate &&
		SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
		SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
		SSL_CTX_set_ciphersuites(ssl, ciphers) &&
		SSL_CTX_set1_groups_list(ssl, "P-256") &&
		SSL_CTX_set1_sigalgs_list(ssl, "ecdsa_secp256r1_sha256") &&
		SSL_CTX_set1_client_sigalgs_list(ssl, "ecdsa_secp256r1_sha256") &&
		SSL_CTX_set_alpn_protos(ssl, protocol, sizeof(protocol) - 1) == 0 &&
		SSL_CTX_set_num_tickets(ssl, 0) &&
		SSL_CTX_set_max_early_data(ssl, 0) &&
		SSL_CTX_use_certificate(ssl, certificate) &&
		SSL_CTX_use_PrivateKey(ssl, identity->key) &&
		SSL_CTX_check_private_key(ssl);

	X509_free(certificate);
	SSL_CTX_set_alpn_select_cb(ssl, select_protocol, NULL);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(ssl, CPC_NET_CERTIFICATES_MAX);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, verify, NULL);
	return good;
}

int cpc_tls_context_new(const struct cpc_identity *identity, const uint8_t (*node_id)[32],
			unsigned n, unsigned self, struct cpc_tls_context **ret,
			struct cpc_error *err)
{
	struct cpc_tls_context *context = calloc(1, sizeof(*context));

	if (!context)
		return -ENOMEM;
	ERR_clear_error();
	context->n = n;
	context->self = self;
	context->node_id = calloc(n, sizeof(*node_id));
	context->ssl = SSL_CTX_new(TLS_method());
	if (!context->node_id || !context->ssl || !set_up(context->ssl, identity)) {
		const char *reason = ERR_reason_error_string(ERR_peek_last_error());

		cpc_error_set(err, "cannot set up TLS 1.3 with OpenSSL: %s",
			      reason ? reason : "out of memory");
		ERR_clear_error();
		cpc_tls_context_free(context);
		return -EINVAL;
	}
	memcpy(context->node_id, node_id, n * sizeof(*node_id));
	*ret = context;
	return 0;
}

void cpc_tls_context_free(struct cpc_tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl);
	free(context->node_id);
	free(context);
}

struct cpc_tls *cpc_tls_new(struct cpc_tls_context *context, int dialled)
{
	struct cpc_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	*tls = (struct cpc_tls){ .context = context, .dialled = dialled, .claimed = -1,
				 .failure = CPC_NET_FAIL_TLS };
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
	if (dialled >= 0)
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
	cpc_assert(tls->claimed >= 0 && !tls->refused);
	tls->established = true;
	return 1;
}

int cpc_tls_member(const struct cpc_tls *tls)
{
	return tls->established ? tls->claimed : -1;
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
	unsigned self = tls->context->self, member = (unsigned)tls->claimed;
	uint8_t text[6], key[CPC_CELL_KEY_BYTES];
	struct cpc_writer w = cpc_writer_init(text, sizeof(text));

	cpc_assert(tls->established && self != member);
	cpc_write_le16(&w, cell);
	cpc_write_le16(&w, epoch);
	cpc_write_u8(&w, (uint8_t)(self < member ? self : member));
	cpc_write_u8(&w, (uint8_t)(self < member ? member : self));
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
