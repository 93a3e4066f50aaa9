// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who is let in that was not there from the beginning, and do two ends agree on one session and
 * listen to each other, whoever called whom and however much is said?
 */
#include "net_testing.h"

#include <openssl/ssl.h>

#include "agent/net/announce.h"
#include "agent/net/frame.h"

enum {
	JOINER = 4,
};

static const struct terms sound = { .name = "a vehicle", .from_s = -DAY_S, .to_s = DAY_S };

/* Four members that let in whom the authority certified, and a vehicle that wants to join them and
 * knows their keys. */
static struct lan *lan_with_joiner(void)
{
	struct lan *lan = lan_new(5, 4, 0);

	for (unsigned i = 0; i < 5; i++)
		lan->vehicle[i].setting.believes = true;
	lan->vehicle[JOINER].setting.sought = LAN_CELL;
	return lan;
}

static bool joiner_up(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (!lan->vehicle[i].up[JOINER] || !lan->vehicle[JOINER].up[i])
			return false;
	}
	return true;
}

static int know(struct lan *lan, unsigned i, unsigned peer, bool call, bool trusted)
{
	return tell(lan, i, (struct command){ COMMAND_KNOW, peer, call | trusted << 1 });
}

static bool joiner_has_keys(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (!lan->shared->kernel[i][JOINER][1].has ||
		    !lan->shared->kernel[JOINER][i][1].has)
			return false;
	}
	return true;
}

START_TEST(cpc_net_on_established__a_certified_stranger_is_let_in_and_becomes_known)
{
	struct lan *lan = lan_with_joiner();

	lan_certify(lan, JOINER, issue_good(&lan->authority, lan->identity[JOINER]));
	lan_start_all(lan);
	assert_up(lan, 15000);
	/* The members have each other and announce seldom by now; who seeks them is answered. */
	lan_start(lan, JOINER, node_main);
	ck_assert(lan_run(lan, joiner_up, CPC_NET_ANNOUNCE_SLOW_MS / 2));
	refresh_status(lan, JOINER);
	for (unsigned i = 0; i < 4; i++) {
		const struct cpc_net_peer_status *there = &lan->shared->peer[JOINER][i];

		ck_assert(lan->vehicle[JOINER].found[i] && there->known && there->relation.call);
		ck_assert(!there->certified && there->cell == LAN_CELL);
	}
	ck_assert_uint_ge(lan->shared->net[JOINER].announcements_sent, 1);
	for (unsigned i = 0; i < 4; i++) {
		const struct cpc_net_peer_status *here = &lan->shared->peer[i][JOINER];

		refresh_status(lan, i);
		ck_assert(lan->shared->there[i][JOINER] && !here->known && here->certified);
		ck_assert(here->cell == 0 && lan->shared->net[i].strangers == 1);
		ck_assert_int_ge(know(lan, i, JOINER, false, false), 0);
		refresh_status(lan, i);
		ck_assert(here->known && here->up && lan->shared->net[i].strangers == 0);
	}
	/* Keys for the epoch in which it is a member, on the sessions that there are. */
	for (unsigned i = 0; i < 5; i++)
		tell(lan, i, (struct command){ COMMAND_OFFER, 0, 3 });
	ck_assert(lan_poll(lan, joiner_has_keys, 15000));
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_mem_eq(lan->shared->kernel[i][JOINER][1].key,
				 lan->shared->kernel[JOINER][i][1].key, 16);
		ck_assert_uint_eq(lan->vehicle[i].ups[JOINER], 1);
	}
	lan_free(lan);
}
END_TEST

static bool place_free(struct lan *lan)
{
	return fresh_status(lan, 0) && lan->shared->net[0].peers == 0;
}

START_TEST(cpc_net_forget__ends_the_session_and_frees_the_place)
{
	struct lan *lan = lan_with_joiner();
	const struct cpc_net_peer_status *status = &lan->shared->peer[0][JOINER];

	/* Known to member 0 by key only; nobody certified it. */
	lan->vehicle[0].setting.known = 1 << JOINER;
	lan_start(lan, 0, node_main);
	lan_start(lan, JOINER, node_main);
	subject = JOINER;
	lan->members = 1;
	ck_assert(lan_run(lan, joiner_up, 30000));
	refresh_status(lan, 0);
	ck_assert(status->known && status->relation.trusted && !status->certified);
	ck_assert_uint_eq(lan->shared->net[0].peers, 1);
	tell(lan, 0, (struct command){ COMMAND_FORGET, JOINER, 0 });
	ck_assert(lan_run(lan, place_free, 5000));
	ck_assert(!lan->vehicle[0].up[JOINER] && !lan->shared->there[0][JOINER]);
	/* It calls again, and is refused for what it is now, until it is known again. */
	while (!strstr(lan->shared->net[0].refused, "its own, of no authority"))
		refresh_status(lan, 0);
	ck_assert(!lan->shared->there[0][JOINER]);
	ck_assert_int_ge(know(lan, 0, JOINER, false, true), 0);
	ck_assert(lan_run(lan, joiner_up, 30000));
	ck_assert_uint_eq(lan->vehicle[0].ups[JOINER], 2);
	lan_free(lan);
}
END_TEST

/* What a stranger may come with, and what each member then says of it. */
static const struct {
	const char *words;
	enum { EXPIRED, FOREIGN, NONE, GOOD_BUT_NOBODY_BELIEVES } what;
	enum cpc_net_failure failure;
} bad_strangers[] = {
	{ "its certificate has expired", EXPIRED, CPC_NET_FAIL_CERTIFICATE },
	{ "its certificate is of an issuer that is no authority", FOREIGN,
	  CPC_NET_FAIL_CERTIFICATE },
	{ "its certificate is its own", NONE, CPC_NET_FAIL_CERTIFICATE },
	{ "is a stranger, and there is no authority", GOOD_BUT_NOBODY_BELIEVES,
	  CPC_NET_FAIL_IDENTITY },
};

static unsigned bad_stranger;

static bool refused_by_all(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (!strstr(lan->shared->net[i].refused, bad_strangers[bad_stranger].words))
			return false;
	}
	return true;
}

START_TEST(cpc_net_on_established__refuses_a_stranger_that_nobody_vouches_for)
{
	struct lan *lan = lan_with_joiner();
	struct authority other = authority_new("another authority");
	struct terms old = sound;
	EVP_PKEY *key = lan->identity[JOINER]->key;
	uint64_t end_ms;
	char name[20];

	bad_stranger = (unsigned)_i;
	old.from_s = -2 * DAY_S;
	old.to_s = -DAY_S;
	switch (bad_strangers[_i].what) {
	case EXPIRED:
		lan_certify(lan, JOINER, issue(&lan->authority, key, NULL, old));
		break;
	case FOREIGN:
		lan_certify(lan, JOINER, issue(&other, key, NULL, sound));
		break;
	case NONE:
		break;
	case GOOD_BUT_NOBODY_BELIEVES:
		lan_certify(lan, JOINER, issue(&lan->authority, key, NULL, sound));
		for (unsigned i = 0; i < 4; i++)
			lan->vehicle[i].setting.believes = false;
		break;
	}
	lan_start_all(lan);
	lan_start(lan, JOINER, node_main);
	assert_up(lan, 15000);
	end_ms = clock_ms() + 30000;
	while (!refused_by_all(lan)) {
		ck_assert_msg(clock_ms() < end_ms, "'%s'", lan->shared->net[0].refused);
		for (unsigned i = 0; i < 4; i++)
			refresh_status(lan, i);
	}
	snprintf(name, sizeof(name), "node %02x%02x%02x%02x", lan->node_id[JOINER][0],
		 lan->node_id[JOINER][1], lan->node_id[JOINER][2], lan->node_id[JOINER][3]);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_ptr_nonnull(strstr(lan->shared->net[i].refused, name));
		ck_assert_uint_gt(lan->shared->net[i].failures[bad_strangers[_i].failure], 0);
		ck_assert(!lan->shared->there[i][JOINER] && !lan->vehicle[i].ups[JOINER]);
	}
	/* Whose key is enough needs nobody's word. */
	ck_assert_int_ge(know(lan, 0, JOINER, false, true), 0);
	lan->members = 1;
	ck_assert(lan_run(lan, joiner_up, 30000));
	authority_free(&other);
	lan_free(lan);
}
END_TEST

static bool others_disappoint(struct lan *lan)
{
	return fresh_status(lan, JOINER) && lan->vehicle[JOINER].up[0] &&
	       lan->shared->peer[JOINER][1].failures[CPC_NET_FAIL_CERTIFICATE] &&
	       lan->shared->peer[JOINER][2].failures[CPC_NET_FAIL_CERTIFICATE] &&
	       lan->shared->peer[JOINER][3].failures[CPC_NET_FAIL_CERTIFICATE];
}

START_TEST(cpc_net_seek__finds_whom_it_can_believe)
{
	struct lan *lan = lan_with_joiner();

	/* The joiner has no keys to believe, only the authority, which certified one member. */
	lan->vehicle[JOINER].setting.trusted = 0;
	lan_certify(lan, JOINER, issue_good(&lan->authority, lan->identity[JOINER]));
	lan_certify(lan, 0, issue_good(&lan->authority, lan->identity[0]));
	lan_start_all(lan);
	lan_start(lan, JOINER, node_main);
	ck_assert(lan_run(lan, others_disappoint, 60000));
	ck_assert(lan->shared->peer[JOINER][0].certified);
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_uint_eq(lan->vehicle[JOINER].ups[i], 0);
		ck_assert_msg(strstr(lan->shared->peer[JOINER][i].error, "its own, of no auth"),
			      "'%s'", lan->shared->peer[JOINER][i].error);
	}
	lan_free(lan);
}
END_TEST

/* ---- peers that do not run our agent ------------------------------------------------------- */

/* A session with vehicle 0, up at its end, by plain OpenSSL; NULL: the test ends. */
static SSL *connect_as(const struct cpc_identity *identity, X509 *certificate, int control)
{
	static const unsigned char protocol[] = "\016cpchain-cell/2";
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(LAN_PORT),
				   .sin6_addr = lan_address(0),
				   .sin6_scope_id = if_nametoindex("radio0") };
	const struct cpc_frame hello = { .type = CPC_FRAME_HELLO };
	struct pollfd end = { control, POLLIN, 0 };
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	uint8_t bytes[CPC_FRAME_SMALL_MAX];
	struct cpc_writer w = cpc_writer_init(bytes, sizeof(bytes));
	SSL *ssl;
	int fd = -1;

	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, identity->key);
	SSL_CTX_set_alpn_protos(context, protocol, sizeof(protocol) - 1);
	ssl = SSL_new(context);
	SSL_CTX_free(context);
	/* Until it listens. */
	do {
		if (fd >= 0)
			close(fd);
		fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || poll(&end, 1, 20) != 0)
			return NULL;
	} while (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0);
	SSL_set_fd(ssl, fd);
	cpc_frame_encode(&w, &hello);
	if (SSL_connect(ssl) != 1 || SSL_write(ssl, bytes, (int)w.used) != (int)w.used)
		abort();
	return ssl;
}

enum {
	CROWD = CPC_NET_STRANGERS_MAX + 8,
	RUDE_WORDS = 150,
};

/* So many good strangers, each with a key and a certificate of its own. */
static int crowd(struct lan *lan, unsigned self, int control)
{
	struct pollfd end = { control, POLLIN, 0 };
	SSL *ssl[CROWD];

	(void)self;
	for (unsigned i = 0; i < CROWD; i++) {
		struct cpc_identity *identity;
		X509 *certificate;

		if (cpc_identity_generate(&identity, NULL) < 0)
			return 4;
		certificate = issue_good(&lan->authority, identity);
		ssl[i] = connect_as(identity, certificate, control);
		X509_free(certificate);
		cpc_identity_free(identity);
	}
	poll(&end, 1, -1);
	for (unsigned i = 0; i < CROWD; i++) {
		if (ssl[i])
			close(SSL_get_fd(ssl[i]));
		SSL_free(ssl[i]);
	}
	return 0;
}

static bool crowded(struct lan *lan)
{
	return fresh_status(lan, 0) &&
	       lan->shared->net[0].failures[CPC_NET_FAIL_STRANGERS] >=
		CROWD - CPC_NET_STRANGERS_MAX &&
	       lan->vehicle[0].strangers == CPC_NET_STRANGERS_MAX;
}

static bool crowd_gone(struct lan *lan)
{
	return fresh_status(lan, 0) && lan->shared->net[0].strangers == 0;
}

START_TEST(cpc_place_take__a_crowd_of_strangers_does_not_take_the_places_of_others)
{
	struct lan *lan = lan_new(5, 2, 0);

	lan->vehicle[0].setting.believes = true;
	lan_start(lan, 0, node_main);
	lan_start(lan, JOINER, crowd);
	ck_assert(lan_run(lan, crowded, 60000));
	ck_assert_uint_eq(lan->shared->net[0].strangers, CPC_NET_STRANGERS_MAX);
	ck_assert_ptr_nonnull(strstr(lan->shared->net[0].refused, "one stranger too many"));
	lan_start(lan, 1, node_main);
	assert_up(lan, 15000);
	/* Places end with sessions. */
	lan_kill(lan, JOINER);
	ck_assert(lan_run(lan, crowd_gone, 15000));
	ck_assert_uint_eq(lan->vehicle[0].strangers, 0);
	ck_assert_uint_eq(lan->shared->net[0].peers, 1);
	lan_free(lan);
}
END_TEST

enum {
	PHANTOMS = 40,
};

/* Hears announcements until each of the phantoms has been missed. */
static int collect_missing(struct lan *lan, unsigned self, int control)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(LAN_PORT) };
	struct ipv6_mreq group = { .ipv6mr_interface = if_nametoindex("radio0") };
	struct report report = { REPORT_FOUND, 0, 0, false };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd fds[] = { { control, POLLIN, 0 }, { fd, POLLIN, 0 } };
	bool missed[PHANTOMS] = { false };
	unsigned all = 0;

	(void)lan, (void)self;
	inet_pton(AF_INET6, CPC_ANNOUNCE_GROUP, &group.ipv6mr_multiaddr);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)) < 0)
		return 4;
	while (poll(fds, 2, -1) > 0 && !fds[0].revents) {
		uint8_t bytes[CPC_ANNOUNCE_MAX];
		struct cpc_announce announce;
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

		if (n < 0 || cpc_announce_decode(bytes, (size_t)n, &announce) < 0)
			return 5;
		for (unsigned i = 0; i < announce.n; i++) {
			unsigned at = announce.missing[i][3];

			if (memcmp(announce.missing[i], "nob", 3) != 0 || at >= PHANTOMS)
				return 6;
			all += !missed[at];
			missed[at] = true;
		}
		if (all == PHANTOMS && send(control, &report, sizeof(report), 0) < 0)
			return 7;
	}
	close(fd);
	return 0;
}

static bool all_missed(struct lan *lan)
{
	return lan->vehicle[1].found[0];
}

START_TEST(cpc_link_tick__names_all_who_are_missed_in_turn)
{
	struct lan *lan = lan_new(2, 1, 0);

	lan->vehicle[0].setting.phantoms = PHANTOMS;
	lan_start(lan, 1, collect_missing);
	lan_start(lan, 0, node_main);
	ck_assert(lan_run(lan, all_missed, 15000));
	lan_free(lan);
}
END_TEST

/* A peer that says all it has to say at once. */
static int talk_without_pause(struct lan *lan, unsigned self, int control)
{
	struct pollfd end = { control, POLLIN, 0 };
	X509 *certificate = cpc_identity_certificate(lan->identity[self]);
	SSL *ssl = connect_as(lan->identity[self], certificate, control);

	X509_free(certificate);
	for (uint32_t i = 0; ssl && i < RUDE_WORDS; i++) {
		uint8_t told[CPC_NET_TELL_MAX], bytes[CPC_NET_TELL_MAX + CPC_FRAME_HEADER_BYTES];
		struct cpc_writer w = cpc_writer_init(bytes, sizeof(bytes));
		struct cpc_frame frame = { .type = CPC_FRAME_TELL,
					   .blob = { told, told_bytes(i, told) } };

		cpc_frame_encode(&w, &frame);
		if (SSL_write(ssl, bytes, (int)w.used) != (int)w.used)
			return 4;
	}
	poll(&end, 1, -1);
	if (ssl)
		close(SSL_get_fd(ssl));
	SSL_free(ssl);
	return 0;
}

static bool rude_words_heard(struct lan *lan)
{
	return lan->vehicle[0].told[JOINER] == RUDE_WORDS;
}

START_TEST(cpc_net_tell__who_tells_too_fast_is_read_more_slowly_and_in_order)
{
	struct lan *lan = lan_new(5, 1, 0);
	uint64_t start_ms = clock_ms();
	unsigned least_ms = (RUDE_WORDS - CPC_NET_TELL_BURST - 2) * CPC_NET_TELL_GAP_MS;

	lan->vehicle[0].setting.known |= 1 << JOINER;
	lan_start(lan, 0, node_main);
	lan_start(lan, JOINER, talk_without_pause);
	/* That they are the right ones is checked with each. */
	ck_assert_msg(lan_run(lan, rude_words_heard, least_ms + 15000), "%u of %u",
		      lan->vehicle[0].told[JOINER], RUDE_WORDS);
	ck_assert_uint_ge(clock_ms() - start_ms, least_ms);
	ck_assert(lan->vehicle[0].up[JOINER] && lan->vehicle[0].ups[JOINER] == 1);
	lan_free(lan);
}
END_TEST

/* ---- our agents among themselves ------------------------------------------------------------ */

enum {
	WORDS = 120,
};

static bool all_told(struct lan *lan)
{
	return lan->vehicle[0].told[1] == WORDS && lan->vehicle[1].told[0] == WORDS &&
	       lan->vehicle[0].fetched[1];
}

START_TEST(cpc_net_tell__arrives_in_order_beside_everything_else)
{
	struct lan *lan = lan_new(2, 2, 5);

	lan_start_all(lan);
	assert_up(lan, 30000);
	for (unsigned i = 0; i < 2; i++)
		lan_tell(lan, i, (struct command){ COMMAND_TELL, 1 - i, WORDS });
	lan_tell(lan, 0, (struct command){ COMMAND_FETCH, 1, 9999 });
	ck_assert(lan_run(lan, all_told, 40000));
	ck_assert(lan->vehicle[0].intact[1]);
	ck_assert(lan->vehicle[0].ups[1] == 1 && lan->vehicle[1].ups[0] == 1);
	lan_free(lan);
}
END_TEST

static unsigned wanted_ups;

static bool up_again(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < lan->members; j++) {
			if (i == j)
				continue;
			if (!lan->vehicle[i].up[j] || lan->vehicle[i].ups[j] < wanted_ups)
				return false;
		}
	}
	return true;
}

static bool keys_there(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < lan->members; j++) {
			if (i != j && !lan->shared->kernel[i][j][0].has)
				return false;
		}
	}
	return true;
}

START_TEST(cpc_net_know__two_that_call_each_other_end_with_one_session)
{
	struct lan *lan = lan_new(4, 4, _i ? 10 : 0);
	unsigned replaced = 0;

	for (unsigned i = 0; i < 4; i++)
		lan->vehicle[i].setting.call = ~0u;
	lan_start_all(lan);
	assert_up(lan, 30000);
	for (unsigned round = 0; round < 5; round++) {
		/* At least one more for each; a crossing may cost another. */
		wanted_ups = round + 2;
		for (unsigned i = 0; i < 4; i++) {
			for (unsigned j = 0; j < i; j++)
				lan_tell(lan, i, (struct command){ COMMAND_RESET, j, 0 });
		}
		ck_assert_msg(lan_run(lan, up_again, 30000), "round %u", round);
	}
	for (unsigned i = 0; i < 4; i++) {
		refresh_status(lan, i);
		for (unsigned j = 0; j < 4; j++)
			replaced += (unsigned)
				lan->shared->peer[i][j].failures[CPC_NET_FAIL_REPLACED];
	}
	fprintf(stderr, "%u connections replaced\n", replaced);
	ck_assert(lan_poll(lan, keys_there, 15000));
	assert_keys_agree(lan);
	lan_free(lan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net_strangers");
	TCase *tests = tcase_create("net_strangers");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 110);
	tcase_add_test(tests,
		       cpc_net_on_established__a_certified_stranger_is_let_in_and_becomes_known);
	tcase_add_loop_test(tests,
			    cpc_net_on_established__refuses_a_stranger_that_nobody_vouches_for, 0,
			    sizeof(bad_strangers) / sizeof(bad_strangers[0]));
	tcase_add_test(tests, cpc_net_seek__finds_whom_it_can_believe);
	tcase_add_test(tests, cpc_net_forget__ends_the_session_and_frees_the_place);
	tcase_add_test(tests,
		       cpc_place_take__a_crowd_of_strangers_does_not_take_the_places_of_others);
	tcase_add_test(tests, cpc_link_tick__names_all_who_are_missed_in_turn);
	tcase_add_test(tests, cpc_net_tell__who_tells_too_fast_is_read_more_slowly_and_in_order);
	tcase_add_test(tests, cpc_net_tell__arrives_in_order_beside_everything_else);
	tcase_add_loop_test(tests, cpc_net_know__two_that_call_each_other_end_with_one_session, 0,
			    2);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
