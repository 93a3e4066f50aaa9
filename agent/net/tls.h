/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_TLS_H
#define CPC_AGENT_NET_TLS_H

/*
 * tls - one end of a TLS session in memory: bytes from the network are fed in, bytes for the
 * network are taken out, and no descriptor is involved.
 *
 * TLS 1.3 only; certificates at both ends, pinned to the node ids of the cell (no authorities, no
 * dates); no resumption, no early data; ALPN "cpchain-cell/1", so that a session of another
 * protocol under the same identity cannot be mistaken for ours. Key exchange on P-256 and
 * signatures by ecdsa_secp256r1_sha256: one curve in the whole system, the one that OpenSSL is
 * fastest at on our processors; AES-128-GCM first, as elsewhere in the cell.
 */
#include "agent/net/identity.h"

struct cpc_tls_context;
struct cpc_tls;

/* The node ids are copied. `n` at most 64. -ENOMEM, or -EINVAL with OpenSSL's reason. */
int cpc_tls_context_new(const struct cpc_identity *identity, const uint8_t (*node_id)[32],
			unsigned n, unsigned self, struct cpc_tls_context **ret,
			struct cpc_error *err);
void cpc_tls_context_free(struct cpc_tls_context *context);

/*
 * A session; `dialled` is the member that must answer (we are the TLS client), or -1 when we
 * answer, and then any member of a lower index is accepted. NULL: out of memory.
 */
struct cpc_tls *cpc_tls_new(struct cpc_tls_context *context, int dialled);
void cpc_tls_free(struct cpc_tls *tls);

/* Bytes from the network. -ENOMEM. */
int cpc_tls_feed(struct cpc_tls *tls, const void *data, size_t len);

/* 1: both ends are authenticated; 0: more bytes are needed; -EPROTO: see cpc_tls_failure(). */
int cpc_tls_handshake(struct cpc_tls *tls);

/* The peer's member index, once the handshake is done; -1 before. */
int cpc_tls_member(const struct cpc_tls *tls);

/* Decrypted bytes: how many, 0 when more are needed; -EPIPE: the peer closed; -EPROTO. */
ssize_t cpc_tls_read(struct cpc_tls *tls, void *data, size_t size);

/* Encrypts all of it. -EPROTO: the session is broken. */
int cpc_tls_write(struct cpc_tls *tls, const void *data, size_t len);

/* Says goodbye to the peer, if the session is in a state to do so. */
void cpc_tls_close(struct cpc_tls *tls);

/* Appends what is due to the network. -ENOBUFS: only some of it had room. */
int cpc_tls_output(struct cpc_tls *tls, struct cpc_buffer *out);

/*
 * The pair's cell key: TLS exporter (RFC 8446, 7.5), label "EXPORTER-CPChain-cell-key", context
 * cell u16 | epoch u16 | lower index u8 | higher index u8, little-endian. -EPROTO.
 */
int cpc_tls_cell_key(struct cpc_tls *tls, uint16_t cell, uint16_t epoch,
		     uint8_t ret_key[CPC_CELL_KEY_BYTES]);

/* Why it failed, and the same in words. */
enum cpc_net_failure cpc_tls_failure(const struct cpc_tls *tls);
const char *cpc_tls_error(const struct cpc_tls *tls);

#endif
