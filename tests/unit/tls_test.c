// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whom does a session let in? Both ends in one process, their bytes carried by hand; strangers are
 * plain OpenSSL clients and servers, set up as a stranger might.
 */
#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "agent/net/tls.h"
#include "certificate_testing.h"

enum {
	NODES = 4,
	STRANGER = NODES,	/* the last identity; nobody was told of it */
};

static struct cpc_identity *identity[NODES + 1];
static enum cpc_tls_trust trust[NODES + 1];	/* what it takes for each, at every node */
static struct cpc_tls_context *context[NODES + 1];

static enum cpc_tls_trust judge(void *ctx, const uint8_t node_id[32])
{
	(void)ctx;
	for (unsigned i = 0; i < NODES; i++) {
		if (memcmp(identity[i]->node_id, node_id, 32) == 0)
			return trust[i];
	}
	return CPC_TLS_STRANGER;
}

/* A node that shows `own` (NULL: nothing of an authority) and believes that authority (NULL: none).
 * Takes both. */
static struct cpc_tls_context *context_of(unsigned node, struct cpc_certificates *own,
					  struct cpc_certificates *authorities)
{
	struct cpc_tls_config config = { .identity = identity[node], .own = own,
					 .authorities = authorities, .judge = judge };
	struct cpc_tls_context *made;
	struct cpc_error error;

	ck_assert_msg(cpc_tls_context_new(&config, &made, &error) == 0, "%s", error.text);
	cpc_certificates_free(own);
	cpc_certificates_free(authorities);
	return made;
}

static void set_up(void)
{
	for (unsigned i = 0; i <= NODES; i++) {
		ck_assert_int_eq(cpc_identity_generate(&identity[i], NULL), 0);
		trust[i] = CPC_TLS_BY_KEY;
	}
	for (unsigned i = 0; i <= NODES; i++)
		context[i] = context_of(i, NULL, NULL);
}

static void tear_down(void)
{
	for (unsigned i = 0; i <= NODES; i++) {
		cpc_tls_context_free(context[i]);
		cpc_identity_free(identity[i]);
	}
}

static struct cpc_tls *dial(struct cpc_tls_context *from, unsigned to)
{
	return cpc_tls_new(from, identity[to]->node_id);
}

static struct cpc_tls *answer(struct cpc_tls_context *by)
{
	return cpc_tls_new(by, NULL);
}

/* Carries all bytes that are due, `step` at a time; returns how many. */
static size_t carry(struct cpc_tls *from, struct cpc_tls *to, size_t step)
{
	CPC_BUFFER struct cpc_buffer bytes = cpc_buffer_init(1 << 20);
	size_t total;

	ck_assert_int_eq(cpc_tls_output(from, &bytes), 0);
	total = bytes.len;
	while (bytes.len > 0) {
		size_t part = bytes.len < step ? bytes.len : step;

		ck_assert_int_eq(cpc_tls_feed(to, bytes.data, part), 0);
		cpc_buffer_consume(&bytes, part);
		/* What it says does not matter here: the caller asks again. */
		cpc_tls_handshake(to);
	}
	return total;
}

static void shake(struct cpc_tls *client, struct cpc_tls *server, size_t step)
{
	size_t moved;

	cpc_tls_handshake(client);
	do {
		moved = carry(client, server, step);
		moved += carry(server, client, step);
	} while (moved);
}

START_TEST(cpc_tls_handshake__nodes_know_each_other_afterwards)
{
	struct cpc_tls *client = dial(context[1], 3), *server = answer(context[3]);
	uint8_t a[16], b[16], text[8];

	ck_assert_ptr_null(cpc_tls_node_id(client));
	ck_assert_ptr_null(cpc_tls_node_id(server));
	/* The last round: a byte at a time. */
	shake(client, server, _i == 0 ? 1 << 20 : 1);
	ck_assert_int_eq(cpc_tls_handshake(client), 1);
	ck_assert_int_eq(cpc_tls_handshake(server), 1);
	ck_assert_mem_eq(cpc_tls_node_id(client), identity[3]->node_id, 32);
	ck_assert_mem_eq(cpc_tls_node_id(server), identity[1]->node_id, 32);
	ck_assert(!cpc_tls_certified(client) && !cpc_tls_certified(server));
	ck_assert_int_eq(cpc_tls_cell_key(client, 7, 3, a), 0);
	ck_assert_int_eq(cpc_tls_cell_key(server, 7, 3, b), 0);
	ck_assert_mem_eq(a, b, 16);
	ck_assert_int_eq(cpc_tls_write(client, "hello", 5), 0);
	ck_assert_int_eq(cpc_tls_read(server, text, sizeof(text)), 0);
	carry(client, server, 1 << 20);
	ck_assert_int_eq(cpc_tls_read(server, text, sizeof(text)), 5);
	ck_assert_mem_eq(text, "hello", 5);
	cpc_tls_close(client);
	carry(client, server, 1 << 20);
	ck_assert_int_eq(cpc_tls_read(server, text, sizeof(text)), -EPIPE);
	ck_assert_int_eq(cpc_tls_failure(server), CPC_NET_FAIL_CLOSED);
	cpc_tls_free(client);
	cpc_tls_free(server);
}
END_TEST

START_TEST(cpc_tls_cell_key__differs_by_session_cell_and_epoch)
{
	uint8_t key[2][3][16], other[16];

	for (unsigned i = 0; i < 2; i++) {
		struct cpc_tls *client = dial(context[i], 2 + i), *server = answer(context[2 + i]);

		shake(client, server, 1 << 20);
		for (unsigned k = 0; k < 3; k++) {
			ck_assert_int_eq(cpc_tls_cell_key(client, k == 1 ? 8 : 7, k == 2 ? 4 : 3,
							  key[i][k]), 0);
			ck_assert_int_eq(cpc_tls_cell_key(server, k == 1 ? 8 : 7, k == 2 ? 4 : 3,
							  other), 0);
			ck_assert_mem_eq(key[i][k], other, 16);
			/* Asked again, the same. */
			ck_assert_int_eq(cpc_tls_cell_key(server, k == 1 ? 8 : 7, k == 2 ? 4 : 3,
							  other), 0);
			ck_assert_mem_eq(key[i][k], other, 16);
		}
		cpc_tls_free(client);
		cpc_tls_free(server);
	}
	for (unsigned a = 0; a < 6; a++) {
		for (unsigned b = 0; b < a; b++)
			ck_assert_mem_ne(key[a / 3][a % 3], key[b / 3][b % 3], 16);
	}
}
END_TEST

/* Both ends end in refusal or failure, and `by` has this reason. */
static void assert_refused(struct cpc_tls *client, struct cpc_tls *server, struct cpc_tls *by,
			   enum cpc_net_failure failure, const char *words)
{
	uint8_t text[8];

	shake(client, server, 1 << 20);
	ck_assert_int_eq(cpc_tls_handshake(by), -EPROTO);
	ck_assert_msg(cpc_tls_failure(by) == failure, "%s: %s",
		      cpc_net_failure_name(cpc_tls_failure(by)), cpc_tls_error(by));
	ck_assert_msg(strstr(cpc_tls_error(by), words) != NULL, "'%s'", cpc_tls_error(by));
	ck_assert_ptr_null(cpc_tls_node_id(by));
	/* In TLS 1.3 a client is done before the server has judged it, but learns of it. */
	if (by == server)
		ck_assert(cpc_tls_handshake(client) == -EPROTO ||
			  cpc_tls_read(client, text, sizeof(text)) == -EPROTO);
	else
		ck_assert_int_ne(cpc_tls_handshake(server), 1);
	cpc_tls_free(client);
	cpc_tls_free(server);
}

START_TEST(cpc_tls_handshake__refuses_a_stranger_at_either_end)
{
	struct cpc_tls *client = dial(context[STRANGER], 3), *server = answer(context[3]);

	assert_refused(client, server, server, CPC_NET_FAIL_IDENTITY, "is a stranger");
	/* It was dialled, but is no more to be let in. */
	client = dial(context[1], STRANGER);
	server = answer(context[STRANGER]);
	assert_refused(client, server, client, CPC_NET_FAIL_IDENTITY, "is a stranger");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_a_node_in_anothers_place)
{
	struct cpc_tls *client = dial(context[1], 3), *server = answer(context[2]);
	char words[80];

	snprintf(words, sizeof(words), "node %02x%02x%02x%02x answers where node %02x%02x%02x%02x",
		 identity[2]->node_id[0], identity[2]->node_id[1], identity[2]->node_id[2],
		 identity[2]->node_id[3], identity[3]->node_id[0], identity[3]->node_id[1],
		 identity[3]->node_id[2], identity[3]->node_id[3]);
	assert_refused(client, server, client, CPC_NET_FAIL_IDENTITY, words);
}
END_TEST

START_TEST(cpc_tls_handshake__either_may_dial_but_nobody_with_our_own_key)
{
	struct cpc_tls *client = dial(context[3], 1), *server = answer(context[1]);

	shake(client, server, 1 << 20);
	ck_assert_int_eq(cpc_tls_handshake(server), 1);
	ck_assert_mem_eq(cpc_tls_node_id(server), identity[3]->node_id, 32);
	cpc_tls_free(client);
	cpc_tls_free(server);
	/* As if somebody played our bytes back. */
	client = dial(context[3], 3);
	server = answer(context[3]);
	assert_refused(client, server, client, CPC_NET_FAIL_IDENTITY, "our own key");
}
END_TEST

/* ---- certificates -------------------------------------------------------------------------- */

/* What node 3 makes of the stranger that shows these, when it believes in that authority; NULL when
 * it lets it in. */
static const char *shown(struct cpc_certificates *own, const struct authority *believed)
{
	static char error[160];
	struct cpc_tls_context *from = context_of(STRANGER, own, NULL);
	struct cpc_tls_context *to = context_of(3, NULL,
						certificates_of(believed->certificate, NULL));
	struct cpc_tls *client, *server = answer(to);
	bool in;

	/* The stranger knows whom it dials. */
	client = dial(from, 3);
	shake(client, server, 1 << 20);
	in = cpc_tls_handshake(server) == 1;
	snprintf(error, sizeof(error), "%s", cpc_tls_error(server));
	ck_assert(in || cpc_tls_failure(server) == CPC_NET_FAIL_CERTIFICATE);
	ck_assert(in == cpc_tls_certified(server));
	cpc_tls_free(client);
	cpc_tls_free(server);
	cpc_tls_context_free(from);
	cpc_tls_context_free(to);
	return in ? NULL : error;
}

static void assert_shown_refused(struct cpc_certificates *own, const struct authority *believed,
				 const char *words)
{
	const char *error = shown(own, believed);
	char name[20];

	snprintf(name, sizeof(name), "node %02x%02x%02x%02x:", identity[STRANGER]->node_id[0],
		 identity[STRANGER]->node_id[1], identity[STRANGER]->node_id[2],
		 identity[STRANGER]->node_id[3]);
	ck_assert_msg(error && strstr(error, words) && strstr(error, name), "'%s' without '%s'",
		      error ? error : "let in", words);
}

START_TEST(cpc_tls_handshake__lets_a_stranger_in_that_an_authority_certified)
{
	struct authority root = authority_new("root");
	X509 *good = issue_good(&root, identity[STRANGER]);

	ck_assert_ptr_null(shown(certificates_of(good, NULL), &root));
	X509_free(good);
	authority_free(&root);
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_a_certificate_that_does_not_hold)
{
	struct authority root = authority_new("root"), other = authority_new("root");
	struct authority third = authority_new("another");
	struct terms old = { .name = "a vehicle", .from_s = -2 * DAY_S, .to_s = -DAY_S };
	struct terms early = { .name = "a vehicle", .from_s = DAY_S, .to_s = 2 * DAY_S };
	EVP_PKEY *key = identity[STRANGER]->key;
	X509 *expired = issue(&root, key, NULL, old), *future = issue(&root, key, NULL, early);
	/* Of an authority of the same name with another key. */
	X509 *foreign = issue_good(&other, identity[STRANGER]);

	assert_shown_refused(certificates_of(expired, NULL), &root, "its certificate has expired");
	assert_shown_refused(certificates_of(future, NULL), &root, "clock");
	assert_shown_refused(certificates_of(foreign, NULL), &root, "signature");
	assert_shown_refused(certificates_of(foreign, other.certificate), &root, "signature");
	X509_free(foreign);
	foreign = issue_good(&third, identity[STRANGER]);
	assert_shown_refused(certificates_of(foreign, NULL), &root, "no authority of ours");
	assert_shown_refused(certificates_of(foreign, third.certificate), &root,
			     "no authority of ours");
	assert_shown_refused(NULL, &root, "its own, of no authority");
	X509_free(expired);
	X509_free(future);
	X509_free(foreign);
	authority_free(&root);
	authority_free(&other);
	authority_free(&third);
}
END_TEST

START_TEST(cpc_tls_handshake__follows_a_chain_of_two_authorities)
{
	struct authority root = authority_new("root"), middle = { .key = EVP_EC_gen("P-256") };
	struct authority vehicle = { .key = identity[2]->key };
	struct terms victim = { .name = "another vehicle", .from_s = -DAY_S, .to_s = DAY_S };
	struct terms terms = { .name = "maker", .authority = true, .from_s = -DAY_S,
			       .to_s = DAY_S };
	X509 *leaf, *forged;

	middle.certificate = issue(&root, middle.key, NULL, terms);
	leaf = issue_good(&middle, identity[STRANGER]);
	ck_assert_ptr_null(shown(certificates_of(leaf, middle.certificate), &root));
	/* What stands in our file is an authority, whoever certified it. */
	ck_assert_ptr_null(shown(certificates_of(leaf, NULL), &middle));
	assert_shown_refused(certificates_of(leaf, NULL), &root, "no authority");
	/* A vehicle that was certified is no authority for others. */
	vehicle.certificate = issue_good(&root, identity[2]);
	forged = issue(&vehicle, identity[STRANGER]->key, NULL, victim);
	assert_shown_refused(certificates_of(forged, vehicle.certificate), &root, "CA certificate");
	X509_free(forged);
	X509_free(vehicle.certificate);
	X509_free(leaf);
	authority_free(&middle);
	authority_free(&root);
}
END_TEST

START_TEST(cpc_tls_handshake__a_certificate_is_for_one_key)
{
	/* Somebody else's certificate, which anybody has seen, does not help without the key. */
	struct authority root = authority_new("root");
	X509 *good = issue_good(&root, identity[2]);
	struct cpc_certificates *own = certificates_of(good, NULL);
	struct cpc_tls_config config = { .identity = identity[STRANGER], .own = own,
					 .judge = judge };
	struct cpc_tls_context *made = NULL;
	struct cpc_error error = { "" };

	ck_assert_int_eq(cpc_certificates_check_own("my.pem", own, identity[STRANGER], &error),
			 -EKEYREJECTED);
	ck_assert_msg(strstr(error.text, "my.pem") && strstr(error.text, "but we are node"), "'%s'",
		      error.text);
	ck_assert_int_eq(cpc_certificates_check_own("my.pem", own, identity[2], &error), 0);
	ck_assert_int_eq(cpc_tls_context_new(&config, &made, &error), -EINVAL);
	cpc_certificates_free(own);
	X509_free(good);
	authority_free(&root);
}
END_TEST

/* Both ends' view of whether the other is certified. */
START_TEST(cpc_tls_handshake__finds_out_who_is_certified_also_where_the_key_is_enough)
{
	struct authority root = authority_new("root");
	X509 *good = issue_good(&root, identity[1]);
	struct cpc_tls_context *certified = context_of(1, certificates_of(good, NULL),
						       certificates_of(root.certificate, NULL));
	struct cpc_tls_context *plain = context_of(2, NULL,
						   certificates_of(root.certificate, NULL));
	struct cpc_tls *client = dial(certified, 2), *server = answer(plain);

	shake(client, server, 1 << 20);
	ck_assert(cpc_tls_handshake(client) == 1 && cpc_tls_handshake(server) == 1);
	ck_assert(!cpc_tls_certified(client));
	ck_assert(cpc_tls_certified(server));
	cpc_tls_free(client);
	cpc_tls_free(server);
	/* Where the key is not enough, the same end without a certificate stays outside. */
	trust[2] = CPC_TLS_BY_CERTIFICATE;
	client = dial(certified, 2);
	server = answer(plain);
	assert_refused(client, server, client, CPC_NET_FAIL_CERTIFICATE, "of no authority");
	client = dial(context[1], 2);
	server = answer(plain);
	assert_refused(client, server, client, CPC_NET_FAIL_CERTIFICATE, "no authority to issue");
	cpc_tls_context_free(certified);
	cpc_tls_context_free(plain);
	X509_free(good);
	authority_free(&root);
}
END_TEST

START_TEST(cpc_certificates_check_own__refuses_what_peers_would_find_too_large)
{
	/* Around the bound: what is accepted here is let in, what is not would not be. */
	struct authority root = authority_new("root");
	unsigned accepted = 0, refused = 0;

	for (int padding = CPC_NET_CERTIFICATES_MAX - 440; padding < CPC_NET_CERTIFICATES_MAX - 320;
	     padding++) {
		struct terms terms = { .name = "a vehicle", .from_s = -DAY_S, .to_s = DAY_S,
				       .padding = padding };
		X509 *large = issue(&root, identity[STRANGER]->key, NULL, terms);
		struct cpc_certificates *own = certificates_of(large, NULL);
		struct cpc_error error = { "" };
		int r = cpc_certificates_check_own("my.pem", own, identity[STRANGER], &error);

		if (r == 0) {
			accepted++;
			if (padding % 8 == 0)
				ck_assert_ptr_null(shown(certificates_of(large, NULL), &root));
		} else {
			refused++;
			ck_assert_int_eq(r, -E2BIG);
			ck_assert_msg(strstr(error.text, "2048") != NULL, "'%s'", error.text);
		}
		cpc_certificates_free(own);
		X509_free(large);
	}
	ck_assert_uint_gt(accepted, 8);
	ck_assert_uint_gt(refused, 8);
	authority_free(&root);
}
END_TEST

START_TEST(cpc_certificates_parse__refuses_what_is_not_there_or_broken)
{
	static const char none[] = "nothing of the kind\n";
	struct authority root = authority_new("root");
	CPC_FREE char *pem = pem_of(root.certificate, root.certificate);
	struct cpc_certificates *made = NULL;
	struct cpc_error error = { "" };

	ck_assert_int_eq(cpc_certificates_parse("ca.pem", none, strlen(none), &made, &error),
			 -EBADMSG);
	ck_assert_msg(strstr(error.text, "ca.pem: no certificate") != NULL, "'%s'", error.text);
	ck_assert_int_eq(cpc_certificates_parse("ca.pem", "", 0, &made, &error), -EBADMSG);
	/* The second one is cut. */
	ck_assert_int_eq(cpc_certificates_parse("ca.pem", pem, strlen(pem) - 60, &made, &error),
			 -EBADMSG);
	ck_assert_msg(strstr(error.text, "certificate 2") != NULL, "'%s'", error.text);
	ck_assert_ptr_null(made);
	ck_assert_int_eq(cpc_certificates_load("/nonexistent.pem", &made, &error), -ENOENT);
	ck_assert_msg(strstr(error.text, "/nonexistent.pem") != NULL, "'%s'", error.text);
	ck_assert_int_eq(cpc_certificates_load("/dev/null", &made, &error), -EINVAL);
	authority_free(&root);
}
END_TEST

/* ---- strangers with their own ideas of TLS ------------------------------------------------- */

struct stranger {
	SSL_CTX *context;
	SSL *ssl;
	BIO *in, *out;
};

static int accept_any(int good, X509_STORE_CTX *store)
{
	(void)good, (void)store;
	return 1;
}

static struct stranger stranger_new(bool client, const struct cpc_identity *own)
{
	struct stranger s = { .context = SSL_CTX_new(TLS_method()), .in = BIO_new(BIO_s_mem()),
			      .out = BIO_new(BIO_s_mem()) };
	X509 *certificate = own ? cpc_identity_certificate(own) : NULL;

	if (own) {
		ck_assert_int_eq(SSL_CTX_use_certificate(s.context, certificate), 1);
		ck_assert_int_eq(SSL_CTX_use_PrivateKey(s.context, own->key), 1);
	}
	X509_free(certificate);
	SSL_CTX_set_verify(s.context, SSL_VERIFY_PEER, accept_any);
	ck_assert_int_eq(SSL_CTX_set_alpn_protos(s.context,
						 (const unsigned char *)"\016cpchain-cell/2", 15),
			 0);
	s.ssl = SSL_new(s.context);
	SSL_set_bio(s.ssl, s.in, s.out);
	if (client)
		SSL_set_connect_state(s.ssl);
	else
		SSL_set_accept_state(s.ssl);
	return s;
}

static void stranger_free(struct stranger *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->context);
}

/* Lets the two talk until nothing more is said; what the node's end makes of it. */
static int talk(struct stranger *s, struct cpc_tls *node)
{
	CPC_BUFFER struct cpc_buffer bytes = cpc_buffer_init(1 << 20);
	uint8_t part[4096];
	bool moved = true;
	int n;

	while (moved) {
		moved = false;
		ERR_clear_error();
		SSL_do_handshake(s->ssl);
		while ((n = BIO_read(s->out, part, sizeof(part))) > 0) {
			ck_assert_int_eq(cpc_tls_feed(node, part, (size_t)n), 0);
			moved = true;
		}
		cpc_tls_handshake(node);
		ck_assert_int_eq(cpc_tls_output(node, &bytes), 0);
		if (bytes.len) {
			BIO_write(s->in, bytes.data, (int)bytes.len);
			cpc_buffer_truncate(&bytes, 0);
			moved = true;
		}
	}
	ERR_clear_error();
	return cpc_tls_handshake(node);
}

START_TEST(cpc_tls_handshake__accepts_a_node_made_with_plain_openssl)
{
	/* So that the refusals below are of what they change, and of nothing else. */
	struct stranger s = stranger_new(true, identity[1]);
	struct cpc_tls *server = answer(context[3]);

	ck_assert_int_eq(talk(&s, server), 1);
	ck_assert_mem_eq(cpc_tls_node_id(server), identity[1]->node_id, 32);
	ck_assert_str_eq(SSL_get_version(s.ssl), "TLSv1.3");
	ck_assert_str_eq(SSL_get_cipher(s.ssl), "TLS_AES_128_GCM_SHA256");
	/* No ticket: nothing of a session can be resumed. */
	ck_assert_int_eq(SSL_SESSION_is_resumable(SSL_get0_session(s.ssl)), 0);
	stranger_free(&s);
	cpc_tls_free(server);
}
END_TEST

static void assert_talk_refused(struct stranger *s, enum cpc_net_failure failure,
				const char *words)
{
	struct cpc_tls *server = answer(context[3]);

	ck_assert_int_eq(talk(s, server), -EPROTO);
	ck_assert_msg(cpc_tls_failure(server) == failure, "%s: %s",
		      cpc_net_failure_name(cpc_tls_failure(server)), cpc_tls_error(server));
	ck_assert_msg(strstr(cpc_tls_error(server), words) != NULL, "'%s'",
		      cpc_tls_error(server));
	stranger_free(s);
	cpc_tls_free(server);
}

START_TEST(cpc_tls_handshake__refuses_a_client_without_a_certificate)
{
	struct stranger s = stranger_new(true, NULL);

	assert_talk_refused(&s, CPC_NET_FAIL_NO_CERTIFICATE, "certificate");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_tls_1_2)
{
	struct stranger s = stranger_new(true, identity[1]);

	ck_assert_int_eq(SSL_set_max_proto_version(s.ssl, TLS1_2_VERSION), 1);
	assert_talk_refused(&s, CPC_NET_FAIL_TLS, "unsupported protocol");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_another_protocol_under_the_same_identity)
{
	struct stranger s = stranger_new(true, identity[1]);

	ck_assert_int_eq(SSL_set_alpn_protos(s.ssl, (const unsigned char *)"\002h2", 3), 0);
	assert_talk_refused(&s, CPC_NET_FAIL_TLS, "application protocol");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_the_version_of_the_protocol_before)
{
	struct stranger s = stranger_new(true, identity[1]);

	ck_assert_int_eq(SSL_set_alpn_protos(s.ssl,
					     (const unsigned char *)"\016cpchain-cell/1", 15), 0);
	assert_talk_refused(&s, CPC_NET_FAIL_TLS, "application protocol");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_another_group)
{
	struct stranger s = stranger_new(true, identity[1]);

	ck_assert_int_eq(SSL_set1_groups_list(s.ssl, "X25519"), 1);
	assert_talk_refused(&s, CPC_NET_FAIL_TLS, "no suitable key share");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_noise)
{
	static const char noise[] = "GET / HTTP/1.1\r\nHost: vehicle\r\n\r\n";
	struct cpc_tls *server = answer(context[3]);

	ck_assert_int_eq(cpc_tls_handshake(server), 0);
	ck_assert_int_eq(cpc_tls_feed(server, noise, sizeof(noise) - 1), 0);
	ck_assert_int_eq(cpc_tls_handshake(server), -EPROTO);
	ck_assert_int_eq(cpc_tls_failure(server), CPC_NET_FAIL_TLS);
	/* And stays refused. */
	ck_assert_int_eq(cpc_tls_handshake(server), -EPROTO);
	cpc_tls_free(server);
}
END_TEST

START_TEST(cpc_tls_read__finds_a_changed_bit)
{
	struct cpc_tls *client = dial(context[1], 3), *server = answer(context[3]);
	CPC_BUFFER struct cpc_buffer bytes = cpc_buffer_init(1 << 16);
	uint8_t text[8];

	shake(client, server, 1 << 20);
	ck_assert_int_eq(cpc_tls_write(client, "hello", 5), 0);
	ck_assert_int_eq(cpc_tls_output(client, &bytes), 0);
	bytes.data[bytes.len - 1] ^= 1;
	ck_assert_int_eq(cpc_tls_feed(server, bytes.data, bytes.len), 0);
	ck_assert_int_eq(cpc_tls_read(server, text, sizeof(text)), -EPROTO);
	ck_assert_int_eq(cpc_tls_read(server, text, sizeof(text)), -EPROTO);
	ck_assert_int_eq(cpc_tls_write(server, "x", 1), -EPROTO);
	cpc_tls_free(client);
	cpc_tls_free(server);
}
END_TEST

START_TEST(cpc_tls_output__gives_what_has_room)
{
	struct cpc_tls *client = dial(context[1], 3);
	CPC_BUFFER struct cpc_buffer bytes = cpc_buffer_init(100);

	cpc_tls_handshake(client);
	ck_assert_int_eq(cpc_tls_output(client, &bytes), -ENOBUFS);
	ck_assert_uint_eq(bytes.len, 100);
	cpc_buffer_truncate(&bytes, 0);
	bytes.limit = 10000;
	ck_assert_int_eq(cpc_tls_output(client, &bytes), 0);
	ck_assert_uint_gt(bytes.len, 50);
	cpc_tls_free(client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls");
	TCase *tests = tcase_create("tls");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_loop_test(tests, cpc_tls_handshake__nodes_know_each_other_afterwards, 0, 2);
	tcase_add_test(tests, cpc_tls_cell_key__differs_by_session_cell_and_epoch);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_stranger_at_either_end);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_node_in_anothers_place);
	tcase_add_test(tests, cpc_tls_handshake__either_may_dial_but_nobody_with_our_own_key);
	tcase_add_test(tests, cpc_tls_handshake__lets_a_stranger_in_that_an_authority_certified);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_certificate_that_does_not_hold);
	tcase_add_test(tests, cpc_tls_handshake__follows_a_chain_of_two_authorities);
	tcase_add_test(tests, cpc_tls_handshake__a_certificate_is_for_one_key);
	tcase_add_test(tests,
		       cpc_tls_handshake__finds_out_who_is_certified_also_where_the_key_is_enough);
	tcase_add_test(tests,
		       cpc_certificates_check_own__refuses_what_peers_would_find_too_large);
	tcase_add_test(tests, cpc_certificates_parse__refuses_what_is_not_there_or_broken);
	tcase_add_test(tests, cpc_tls_handshake__accepts_a_node_made_with_plain_openssl);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_client_without_a_certificate);
	tcase_add_test(tests, cpc_tls_handshake__refuses_tls_1_2);
	tcase_add_test(tests,
		       cpc_tls_handshake__refuses_another_protocol_under_the_same_identity);
	tcase_add_test(tests, cpc_tls_handshake__refuses_the_version_of_the_protocol_before);
	tcase_add_test(tests, cpc_tls_handshake__refuses_another_group);
	tcase_add_test(tests, cpc_tls_handshake__refuses_noise);
	tcase_add_test(tests, cpc_tls_read__finds_a_changed_bit);
	tcase_add_test(tests, cpc_tls_output__gives_what_has_room);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
