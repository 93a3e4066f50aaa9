/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_TLS_H
#define CPC_AGENT_NET_TLS_H

/*
 * tls - one end of a TLS session in memory: bytes from the network are fed in, bytes for the
 * network are taken out, and no descriptor is involved.
 *
 * TLS 1.3 only, certificates at both ends; no resumption, no early data; ALPN "cpchain-cell/2", so
 * that a session of another protocol under the same identity cannot be mistaken for ours. Key
 * exchange on P-256 and signatures by ecdsa_secp256r1_sha256: one curve in the whole system, the
 * one that OpenSSL is fastest at on our processors; AES-128-GCM first, as elsewhere in the cell.
 *
 * A peer is the node whose id is the hash of its key. Whether the key is enough, or an authority
 * must have issued its certificate, is asked of the caller, for one node id at a time. Without
 * authorities no certificate counts.
 */
#include "agent/net/certificate.h"

struct cpc_tls_context;
struct cpc_tls;

/* What it takes for a node to be let in. */
enum cpc_tls_trust {
	CPC_TLS_BY_KEY,		/* its key */
	CPC_TLS_BY_CERTIFICATE,	/* a certificate as well */
	CPC_TLS_STRANGER,	/* the same; nobody told us of it */
};

struct cpc_tls_config {
	const struct cpc_identity *identity;	/* used while the context is made */
	const struct cpc_certificates *own;	/* to show, the same; NULL: a self-signed one */
	const struct cpc_certificates *authorities;	/* the same; NULL: none */
	enum cpc_tls_trust (*judge)(void *ctx, const uint8_t node_id[CPC_NODE_ID_BYTES]);
	void *ctx;
};

/* -ENOMEM, or -EINVAL with OpenSSL's reason. */
int cpc_tls_context_new(const struct cpc_tls_config *config, struct cpc_tls_context **ret,
			struct cpc_error *err);
void cpc_tls_context_free(struct cpc_tls_context *context);

/*
 * A session; `dialled` is the node id that must answer (we are the TLS client; copied), or NULL
 * when we answer, whoever it is. NULL: out of memory.
 */
struct cpc_tls *cpc_tls_new(struct cpc_tls_context *context, const uint8_t *dialled);
void cpc_tls_free(struct cpc_tls *tls);

/* Bytes from the network. -ENOMEM. */
int cpc_tls_feed(struct cpc_tls *tls, const void *data, size_t len);

/* 1: both ends are authenticated; 0: more bytes are needed; -EPROTO: see cpc_tls_failure(). */
int cpc_tls_handshake(struct cpc_tls *tls);

/* The peer's node id, once the handshake is done; NULL before. */
const uint8_t *cpc_tls_node_id(const struct cpc_tls *tls);

/* Whether, then, an authority issued its certificate. */
bool cpc_tls_certified(const struct cpc_tls *tls);

/* Decrypted bytes: how many, 0 when more are needed; -EPIPE: the peer closed; -EPROTO. */
ssize_t cpc_tls_read(struct cpc_tls *tls, void *data, size_t size);

/* Encrypts all of it. -EPROTO: the session is broken. */
int cpc_tls_write(struct cpc_tls *tls, const void *data, size_t len);

/* Says goodbye to the peer, if the session is in a state to do so. */
void cpc_tls_close(struct cpc_tls *tls);

/* Appends what is due to the network. -ENOBUFS: only some of it had room. */
int cpc_tls_output(struct cpc_tls *tls, struct cpc_buffer *out);

/*
 * The pair's key for an epoch of a cell: TLS exporter (RFC 8446, 7.5), label
 * "EXPORTER-CPChain-cell-key", context cell u16 | epoch u16, little-endian, | lower node id 32
 * | higher node id 32. The same whenever it is asked for. -EPROTO.
 */
int cpc_tls_cell_key(struct cpc_tls *tls, uint16_t cell, uint16_t epoch,
		     uint8_t ret_key[CPC_CELL_KEY_BYTES]);

/* Why it failed, and the same in words. */
enum cpc_net_failure cpc_tls_failure(const struct cpc_tls *tls);
const char *cpc_tls_error(const struct cpc_tls *tls);

#endif
