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

enum {
	MEMBERS = 4,
};

static struct cpc_identity *identity[MEMBERS + 1];	/* the last one is a stranger's */
static uint8_t node_id[MEMBERS][32];
static struct cpc_tls_context *context[MEMBERS];

static struct cpc_tls_context *context_of(const struct cpc_identity *own, unsigned self)
{
	struct cpc_tls_context *made;
	struct cpc_error error;

	ck_assert_msg(cpc_tls_context_new(own, (const uint8_t (*)[32])node_id, MEMBERS, self,
					  &made, &error) == 0, "%s", error.text);
	return made;
}

static void set_up(void)
{
	for (unsigned i = 0; i <= MEMBERS; i++) {
		ck_assert_int_eq(cpc_identity_generate(&identity[i], NULL), 0);
		if (i < MEMBERS)
			cpc_identity_node_id(identity[i], node_id[i]);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		context[i] = context_of(identity[i], i);
}

static void tear_down(void)
{
	for (unsigned i = 0; i < MEMBERS; i++)
		cpc_tls_context_free(context[i]);
	for (unsigned i = 0; i <= MEMBERS; i++)
		cpc_identity_free(identity[i]);
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

START_TEST(cpc_tls_handshake__members_know_each_other_afterwards)
{
	struct cpc_tls *client = cpc_tls_new(context[1], 3), *server = cpc_tls_new(context[3], -1);
	uint8_t a[16], b[16], text[8];

	ck_assert_int_eq(cpc_tls_member(client), -1);
	ck_assert_int_eq(cpc_tls_member(server), -1);
	/* The last round: a byte at a time. */
	shake(client, server, _i == 0 ? 1 << 20 : 1);
	ck_assert_int_eq(cpc_tls_handshake(client), 1);
	ck_assert_int_eq(cpc_tls_handshake(server), 1);
	ck_assert_int_eq(cpc_tls_member(client), 3);
	ck_assert_int_eq(cpc_tls_member(server), 1);
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
		struct cpc_tls *client = cpc_tls_new(context[0], 2);
		struct cpc_tls *server = cpc_tls_new(context[2], -1);

		shake(client, server, 1 << 20);
		for (unsigned k = 0; k < 3; k++) {
			ck_assert_int_eq(cpc_tls_cell_key(client, k == 1 ? 8 : 7, k == 2 ? 4 : 3,
							  key[i][k]), 0);
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

/* Both ends end in refusal or failure, and `judge` has this reason. */
static void assert_refused(struct cpc_tls *client, struct cpc_tls *server, struct cpc_tls *judge,
			   enum cpc_net_failure failure, const char *words)
{
	uint8_t text[8];

	shake(client, server, 1 << 20);
	ck_assert_int_eq(cpc_tls_handshake(judge), -EPROTO);
	ck_assert_msg(cpc_tls_failure(judge) == failure, "%s: %s",
		      cpc_net_failure_name(cpc_tls_failure(judge)), cpc_tls_error(judge));
	ck_assert_msg(strstr(cpc_tls_error(judge), words) != NULL, "'%s'", cpc_tls_error(judge));
	ck_assert_int_eq(cpc_tls_member(judge), -1);
	/* In TLS 1.3 a client is done before the server has judged it, but learns of it. */
	if (judge == server)
		ck_assert(cpc_tls_handshake(client) == -EPROTO ||
			  cpc_tls_read(client, text, sizeof(text)) == -EPROTO);
	else
		ck_assert_int_ne(cpc_tls_handshake(server), 1);
	cpc_tls_free(client);
	cpc_tls_free(server);
}

START_TEST(cpc_tls_handshake__refuses_a_stranger_at_either_end)
{
	struct cpc_tls_context *as_1 = context_of(identity[MEMBERS], 1);
	struct cpc_tls_context *as_3 = context_of(identity[MEMBERS], 3);
	struct cpc_tls *client = cpc_tls_new(as_1, 3), *server = cpc_tls_new(context[3], -1);

	assert_refused(client, server, server, CPC_NET_FAIL_IDENTITY, "not another member's");
	client = cpc_tls_new(context[1], 3);
	server = cpc_tls_new(as_3, -1);
	assert_refused(client, server, client, CPC_NET_FAIL_IDENTITY, "not another member's");
	cpc_tls_context_free(as_1);
	cpc_tls_context_free(as_3);
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_a_member_in_anothers_place)
{
	/* Member 2 answers where member 3 was dialled. */
	struct cpc_tls *client = cpc_tls_new(context[1], 3), *server = cpc_tls_new(context[2], -1);

	assert_refused(client, server, client, CPC_NET_FAIL_IDENTITY,
		       "member 2 answers where member 3 was expected");
}
END_TEST

START_TEST(cpc_tls_handshake__refuses_the_wrong_direction_and_ourselves)
{
	struct cpc_tls *client = cpc_tls_new(context[3], 1), *server = cpc_tls_new(context[1], -1);
	struct cpc_tls_context *mirror;

	assert_refused(client, server, server, CPC_NET_FAIL_DIRECTION, "member 3 dials");
	/* Our own key, as if somebody played our bytes back: in our place only we have it. */
	mirror = context_of(identity[3], 0);
	client = cpc_tls_new(mirror, 3);
	server = cpc_tls_new(context[3], -1);
	assert_refused(client, server, server, CPC_NET_FAIL_IDENTITY, "not another member's");
	cpc_tls_context_free(mirror);
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
						 (const unsigned char *)"\016cpchain-cell/1", 15),
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

/* Lets the two talk until nothing more is said; what the member's end makes of it. */
static int talk(struct stranger *s, struct cpc_tls *member)
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
			ck_assert_int_eq(cpc_tls_feed(member, part, (size_t)n), 0);
			moved = true;
		}
		cpc_tls_handshake(member);
		ck_assert_int_eq(cpc_tls_output(member, &bytes), 0);
		if (bytes.len) {
			BIO_write(s->in, bytes.data, (int)bytes.len);
			cpc_buffer_truncate(&bytes, 0);
			moved = true;
		}
	}
	ERR_clear_error();
	return cpc_tls_handshake(member);
}

START_TEST(cpc_tls_handshake__accepts_a_member_made_with_plain_openssl)
{
	/* So that the refusals below are of what they change, and of nothing else. */
	struct stranger s = stranger_new(true, identity[1]);
	struct cpc_tls *server = cpc_tls_new(context[3], -1);

	ck_assert_int_eq(talk(&s, server), 1);
	ck_assert_int_eq(cpc_tls_member(server), 1);
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
	struct cpc_tls *server = cpc_tls_new(context[3], -1);

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
	struct cpc_tls *server = cpc_tls_new(context[3], -1);

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
	struct cpc_tls *client = cpc_tls_new(context[1], 3), *server = cpc_tls_new(context[3], -1);
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
	struct cpc_tls *client = cpc_tls_new(context[1], 3);
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
	tcase_add_loop_test(tests, cpc_tls_handshake__members_know_each_other_afterwards, 0, 2);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_stranger_at_either_end);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_member_in_anothers_place);
	tcase_add_test(tests, cpc_tls_handshake__refuses_the_wrong_direction_and_ourselves);
	tcase_add_test(tests, cpc_tls_handshake__accepts_a_member_made_with_plain_openssl);
	tcase_add_test(tests, cpc_tls_handshake__refuses_a_client_without_a_certificate);
	tcase_add_test(tests, cpc_tls_handshake__refuses_tls_1_2);
	tcase_add_test(tests, cpc_tls_handshake__refuses_another_protocol_under_the_same_identity);
	tcase_add_test(tests, cpc_tls_handshake__refuses_another_group);
	tcase_add_test(tests, cpc_tls_handshake__refuses_noise);
	tcase_add_test(tests, cpc_tls_read__finds_a_changed_bit);
	tcase_add_test(tests, cpc_tls_output__gives_what_has_room);
	tcase_add_test(tests, cpc_tls_cell_key__differs_by_session_cell_and_epoch);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
