// SPDX-License-Identifier: BSD-3-Clause
/*
 * Do the members of a cell find each other and agree on keys, whatever happens to their radio,
 * their agents and their neighbourhood? Each vehicle is a process in its own network namespace.
 */
#include "net_testing.h"

#include "agent/net/announce.h"

static bool all_up(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < lan->members; j++) {
			if (i != j && !lan->vehicle[i].up[j])
				return false;
		}
	}
	return true;
}

/* The vehicle that a condition below is about. */
static unsigned subject;

/* As it sees things itself. */
static bool subject_alone(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (lan->vehicle[subject].up[i])
			return false;
	}
	return true;
}

static bool others_miss_subject(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (i != subject && lan->vehicle[i].up[subject])
			return false;
	}
	return true;
}

static bool others_up(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < lan->members; j++) {
			if (i != j && i != subject && j != subject && !lan->vehicle[i].up[j])
				return false;
		}
	}
	return true;
}

static bool status_there(struct lan *lan)
{
	return lan->vehicle[subject].status;
}

static void refresh_status(struct lan *lan, unsigned i)
{
	subject = i;
	lan->vehicle[i].status = false;
	lan_tell(lan, i, (struct command){ COMMAND_STATUS, 0, 0 });
	ck_assert(lan_run(lan, status_there, 5000));
}

/* For conditions on the status: whether a new one has arrived, having asked for the next. */
static bool fresh_status(struct lan *lan, unsigned i)
{
	bool fresh = lan->vehicle[i].status;

	if (fresh || !lan->vehicle[i].asked)
		lan_tell(lan, i, (struct command){ COMMAND_STATUS, 0, 0 });
	lan->vehicle[i].asked = true;
	lan->vehicle[i].status = false;
	return fresh;
}

static void assert_up(struct lan *lan, unsigned limit_ms)
{
	uint64_t start_ms = clock_ms();
	bool up = lan_run(lan, all_up, limit_ms);

	for (unsigned i = 0; i < lan->members && !up; i++) {
		refresh_status(lan, i);
		for (unsigned j = 0; j < lan->members; j++)
			fprintf(stderr, "%u to %u: %s %s\n", i, j,
				lan->vehicle[i].up[j] ? "up" : "down",
				lan->shared->peer[i][j].error);
	}
	ck_assert_msg(up, "not all sessions are up after %u ms", limit_ms);
	fprintf(stderr, "all up after %u ms, %lu frames\n", (unsigned)(clock_ms() - start_ms),
		lan->frames);
}

/* Both ends of each pair hold one key, which no other pair has. */
static void assert_keys_agree(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < i; j++) {
			const uint8_t *key = lan->shared->kernel[i][j].key;

			ck_assert(lan->shared->kernel[i][j].has && lan->shared->kernel[j][i].has);
			ck_assert_mem_eq(key, lan->shared->kernel[j][i].key, CPC_CELL_KEY_BYTES);
			for (unsigned k = 0; k < lan->members * lan->members; k++) {
				unsigned a = k / lan->members, b = k % lan->members;

				if (a > b && !(a == i && b == j))
					ck_assert_mem_ne(key, lan->shared->kernel[a][b].key,
							 CPC_CELL_KEY_BYTES);
			}
		}
	}
}

START_TEST(cpc_net_new__refuses_with_the_value)
{
	static const struct cpc_net_ops ops;
	struct lan *lan = lan_new(1, 4, 0);
	uint8_t ids[4][32];
	struct cpc_net_config config = { .ifname = "radio0", .port = LAN_PORT, .n = 4, .self = 0,
					 .node_id = (const uint8_t (*)[32])ids,
					 .identity = lan->identity[0] }, bad;
	struct cpc_error error;
	struct cpc_net *net = NULL, *second = NULL;

	memset(ids, 0, sizeof(ids));
	memcpy(ids[0], lan->node_id[0], 32);
	ids[1][0] = 1;
	ids[2][0] = 2;
	ids[3][0] = 3;
	ck_assert_int_ge(sd_event_new(&config.event), 0);
#define REFUSED(code, words, change)                                                               \
	do {                                                                                       \
		bad = config;                                                                      \
		change;                                                                            \
		ck_assert_int_eq(cpc_net_new(&bad, &ops, NULL, &net, &error), code);               \
		ck_assert_msg(strstr(error.text, words) != NULL, "'%s'", error.text);              \
		ck_assert_ptr_null(net);                                                           \
	} while (0)
	REFUSED(-ENODEV, "'wlan77'", bad.ifname = "wlan77");
	REFUSED(-EINVAL, "''", bad.ifname = "");
	REFUSED(-EINVAL, "'a-name-that-is-too-long'", bad.ifname = "a-name-that-is-too-long");
	REFUSED(-EINVAL, "port 0", bad.port = 0);
	REFUSED(-EINVAL, "1 members", bad.n = 1);
	REFUSED(-EINVAL, "65 members", bad.n = 65);
	REFUSED(-EINVAL, "member 4 of 4", bad.self = 4);
	REFUSED(-EKEYREJECTED, "01000000", bad.self = 1);
	ids[3][0] = 2;
	REFUSED(-EINVAL, "members 2 and 3", (void)0);
	ids[3][0] = 3;
	ck_assert_int_eq(cpc_net_new(&config, &ops, NULL, &net, &error), 0);
	ck_assert_int_eq(cpc_net_new(&config, &ops, NULL, &second, &error), -EADDRINUSE);
	ck_assert_msg(strstr(error.text, "4350") != NULL, "'%s'", error.text);
	cpc_net_free(net);
	ck_assert_int_eq(cpc_net_new(&config, &ops, NULL, &net, &error), 0);
	cpc_net_free(net);
	sd_event_unref(config.event);
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_new__every_pair_gets_one_session_and_one_key)
{
	struct lan *lan = lan_new(4, 4, 0);

	lan_start_all(lan);
	assert_up(lan, 15000);
	assert_keys_agree(lan);
	for (unsigned i = 0; i < 4; i++) {
		refresh_status(lan, i);
		ck_assert_str_eq(lan->shared->net[i].error, "");
		ck_assert_uint_eq(lan->shared->net[i].half_open, 0);
		for (unsigned j = 0; j < 4; j++) {
			struct cpc_net_peer_status *peer = &lan->shared->peer[i][j];
			struct in6_addr address = lan_address(j);

			if (i == j)
				continue;
			ck_assert_uint_eq(lan->shared->kernel[i][j].installs, 1);
			ck_assert_uint_eq(lan->vehicle[i].ups[j], 1);
			ck_assert(peer->up && peer->sessions == 1 && peer->rekeys == 1);
			ck_assert_str_eq(peer->error, "");
			ck_assert_mem_eq(&peer->address.sin6_addr, &address, sizeof(address));
			ck_assert_uint_gt(peer->rx_bytes, 500);
			ck_assert_uint_gt(peer->tx_bytes, 500);
		}
	}
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_new__every_pair_comes_up_at_20_percent_loss)
{
	struct lan *lan = lan_new(4, 4, 20);

	lan_start_all(lan);
	assert_up(lan, 60000);
	assert_keys_agree(lan);
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_new__a_restarted_agent_keeps_the_kernels_keys)
{
	struct lan *lan = lan_new(4, 4, 0);
	struct shared before;

	lan_start_all(lan);
	assert_up(lan, 15000);
	memcpy(&before, lan->shared, sizeof(before));
	/* One in the middle: it dials some and answers others. */
	subject = 2;
	lan_kill(lan, 2);
	ck_assert(lan_run(lan, others_miss_subject, 15000));
	lan_start(lan, 2, node_main);
	assert_up(lan, 15000);
	assert_keys_agree(lan);
	ck_assert_mem_eq(before.kernel, lan->shared->kernel, sizeof(before.kernel));
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_new__an_end_that_lost_its_keys_gets_new_ones)
{
	struct lan *lan = lan_new(4, 4, 0);
	struct shared before;

	lan_start_all(lan);
	assert_up(lan, 15000);
	memcpy(&before, lan->shared, sizeof(before));
	subject = 1;
	lan_kill(lan, 1);
	/* With member 0 it has lost the key; with member 2 it has one that the other never got, as
	 * when it died between the two installations; with member 3 all is well. */
	lan->shared->kernel[1][0].has = false;
	lan->shared->kernel[1][2].key[0] ^= 1;
	ck_assert(lan_run(lan, others_miss_subject, 15000));
	lan_start(lan, 1, node_main);
	assert_up(lan, 15000);
	assert_keys_agree(lan);
	ck_assert_mem_ne(before.kernel[1][0].key, lan->shared->kernel[1][0].key, 16);
	ck_assert_mem_ne(before.kernel[2][1].key, lan->shared->kernel[2][1].key, 16);
	ck_assert_mem_eq(before.kernel[1][3].key, lan->shared->kernel[1][3].key, 16);
	ck_assert_uint_eq(lan->shared->kernel[2][1].installs, 2);
	ck_assert_uint_eq(lan->shared->kernel[3][1].installs, 1);
	lan_free(lan);
}
END_TEST

static bool epoch_named(struct lan *lan)
{
	return fresh_status(lan, 0) && lan->shared->net[0].announcements_ignored > 0 &&
	       strstr(lan->shared->peer[0][3].error, "epoch 4") &&
	       strstr(lan->shared->peer[0][3].error, "in 3");
}

START_TEST(cpc_net_new__another_epoch_is_named_and_gets_no_key)
{
	struct lan *lan = lan_new(4, 4, 0);

	lan->vehicle[3].epoch = LAN_EPOCH + 1;
	lan_start_all(lan);
	subject = 3;
	ck_assert(lan_run(lan, others_up, 15000));
	ck_assert(lan_run(lan, epoch_named, 15000));
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!lan->shared->kernel[i][3].has && !lan->shared->kernel[3][i].has);
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_new__an_interface_may_go_down_and_be_made_anew)
{
	struct lan *lan = lan_new(4, 4, 0);
	unsigned filler;

	lan_start_all(lan);
	assert_up(lan, 15000);
	subject = 2;
	lan_set_up(lan, 2, false);
	ck_assert(lan_run(lan, subject_alone, 5000));
	refresh_status(lan, 2);
	ck_assert(!lan->shared->net[2].interface_up);
	ck_assert_msg(strstr(lan->shared->net[2].error, "radio0") != NULL, "'%s'",
		      lan->shared->net[2].error);
	lan_set_up(lan, 2, true);
	assert_up(lan, 20000);
	/* Closing the TAP end removes the interface; the new one has another index. */
	subject = 2;
	filler = if_nametoindex("radio0");
	close(lan->vehicle[2].tap);
	lan_add_radio(lan, 2);
	ck_assert_uint_ne(if_nametoindex("radio0"), filler);
	ck_assert(lan_run(lan, subject_alone, 5000));
	assert_up(lan, 20000);
	assert_keys_agree(lan);
	ck_assert_uint_eq(lan->shared->kernel[2][0].installs, 1);
	lan_free(lan);
}
END_TEST

/* ---- strangers ----------------------------------------------------------------------------- */

/* A stranger that says to be each member in turn, at its own address, where nobody listens. */
static int forge_announcements(struct lan *lan, unsigned self, int control)
{
	struct sockaddr_in6 group = { .sin6_family = AF_INET6, .sin6_port = htons(LAN_PORT),
				      .sin6_scope_id = if_nametoindex("radio0") };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd end = { control, POLLIN, 0 };

	inet_pton(AF_INET6, CPC_ANNOUNCE_GROUP, &group.sin6_addr);
	/* 200 a second, against one a second and member. All is as a member says it, but for the
	 * signature, which would take the member's private key. */
	for (unsigned i = 0; poll(&end, 1, 5) == 0; i++) {
		struct cpc_announce announce = {
			.index = (uint8_t)(i % lan->members), .cell = LAN_CELL,
			.epoch = LAN_EPOCH, .port = (uint16_t)(1 + i % 50000),
		};
		uint8_t text[CPC_ANNOUNCE_SIGNED_BYTES], data[CPC_ANNOUNCE_MAX];
		struct in6_addr own = lan_address(self);

		memcpy(announce.spki, lan->identity[announce.index]->spki, CPC_SPKI_BYTES);
		cpc_announce_signed(&announce, own.s6_addr, text);
		announce.signature_len = (uint8_t)cpc_identity_sign(lan->identity[self], text,
								    sizeof(text),
								    announce.signature);
		if (sendto(fd, data, cpc_announce_encode(&announce, data), 0,
			   (struct sockaddr *)&group, sizeof(group)) < 0)
			return 4;
	}
	close(fd);
	return 0;
}

START_TEST(cpc_net_on_announce__forged_ones_do_not_keep_members_apart)
{
	struct lan *lan = lan_new(5, 4, 0);

	lan_start(lan, 4, forge_announcements);
	lan_start_all(lan);
	assert_up(lan, 60000);
	assert_keys_agree(lan);
	lan_free(lan);
}
END_TEST

/* A stranger that keeps connecting to member 3 and then says nothing. */
static int stall_connections(struct lan *lan, unsigned self, int control)
{
	enum { STALLED = 200 };
	struct sockaddr_in6 victim = { .sin6_family = AF_INET6, .sin6_port = htons(LAN_PORT),
				       .sin6_addr = lan_address(3),
				       .sin6_scope_id = if_nametoindex("radio0") };
	struct pollfd end = { control, POLLIN, 0 };
	int fds[STALLED];

	(void)self, (void)lan;
	for (unsigned i = 0; i < STALLED; i++)
		fds[i] = -1;
	/* 200 new ones per second. */
	for (unsigned i = 0; poll(&end, 1, 5) == 0; i = (i + 1) % STALLED) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fds[i] < 0)
			return 4;
		connect(fds[i], (struct sockaddr *)&victim, sizeof(victim));
	}
	for (unsigned i = 0; i < STALLED; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return 0;
}

static bool many_accepted(struct lan *lan)
{
	return fresh_status(lan, 3) && lan->shared->net[3].accepted > 150;
}

START_TEST(cpc_conn_accept__a_flood_of_stalled_strangers_does_not_keep_members_out)
{
	struct lan *lan = lan_new(5, 4, 0);

	lan_start(lan, 3, node_main);
	lan_start(lan, 4, stall_connections);
	/* The table is full before any member comes. */
	ck_assert(lan_run(lan, many_accepted, 30000));
	for (unsigned i = 0; i < 3; i++)
		lan_start(lan, i, node_main);
	assert_up(lan, 30000);
	refresh_status(lan, 3);
	ck_assert_uint_le(lan->shared->net[3].half_open, CPC_NET_HALF_OPEN_MAX);
	ck_assert_uint_gt(lan->shared->net[3].failures[CPC_NET_FAIL_EVICTED], 0);
	lan_free(lan);
}
END_TEST

/* ---- sessions in use ------------------------------------------------------------------------ */

static bool fetched_from_all(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (i != subject && !lan->vehicle[subject].fetched[i])
			return false;
	}
	return true;
}

static bool call_returned(struct lan *lan)
{
	return lan->vehicle[subject].called;
}

static int fetch(struct lan *lan, unsigned from, unsigned member, uint32_t after_slot)
{
	subject = from;
	lan->vehicle[from].called = false;
	lan_tell(lan, from, (struct command){ COMMAND_FETCH, member, after_slot });
	ck_assert(lan_run(lan, call_returned, 5000));
	return lan->vehicle[from].result;
}

START_TEST(cpc_net_fetch__brings_what_was_served)
{
	static const uint32_t sizes[] = { 1, 0, 9999, 70000, 5 };
	struct lan *lan = lan_new(4, 4, 5);

	lan_start_all(lan);
	assert_up(lan, 30000);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct vehicle *vehicle = &lan->vehicle[1];

		memset(vehicle->fetched, 0, sizeof(vehicle->fetched));
		for (unsigned k = 0; k < 4; k++)
			ck_assert_int_eq(fetch(lan, 1, k, sizes[i]), k == 1 ? -EINVAL : 0);
		ck_assert_msg(lan_run(lan, fetched_from_all, 30000), "size %u", sizes[i]);
		for (unsigned k = 0; k < 4; k++) {
			if (k == 1)
				continue;
			ck_assert_uint_eq((size_t)vehicle->fetched_bytes[k], blob_bytes(sizes[i]));
			ck_assert(vehicle->intact[k]);
		}
	}
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_fetch__refuses_a_second_one_and_finds_a_dead_member)
{
	struct lan *lan = lan_new(4, 4, 0);

	lan_start_all(lan);
	assert_up(lan, 15000);
	/* Out of reach without a word; nobody answers, and the session must not hang. */
	lan->vehicle[3].cut = true;
	ck_assert_int_eq(fetch(lan, 0, 3, 1), 0);
	ck_assert_int_eq(fetch(lan, 0, 3, 1), -EBUSY);
	ck_assert_int_eq(fetch(lan, 1, 3, 1), 0);
	ck_assert_int_eq(fetch(lan, 2, 3, 1), 0);
	subject = 3;
	ck_assert(lan_run(lan, others_miss_subject, 20000));
	ck_assert_int_eq(fetch(lan, 0, 3, 1), -ENOTCONN);
	refresh_status(lan, 0);
	ck_assert_uint_eq(lan->shared->peer[0][3].failures[CPC_NET_FAIL_DEAD], 1);
	ck_assert_msg(strstr(lan->shared->peer[0][3].error, "not answered") != NULL, "'%s'",
		      lan->shared->peer[0][3].error);
	/* Back in reach: it still believes in its old sessions, which must not stand in the way. */
	lan->vehicle[3].cut = false;
	assert_up(lan, 30000);
	assert_keys_agree(lan);
	lan_free(lan);
}
END_TEST

static bool rekeyed(struct lan *lan)
{
	return lan->shared->kernel[0][2].installs == 2 && lan->shared->kernel[2][0].installs == 2 &&
	       all_up(lan);
}

START_TEST(cpc_net_reset__agrees_anew_on_keys_that_the_kernel_lost)
{
	struct lan *lan = lan_new(4, 4, 0);

	lan_start_all(lan);
	assert_up(lan, 15000);
	lan->shared->kernel[2][0].has = false;
	lan_tell(lan, 2, (struct command){ COMMAND_RESET, 0, 0 });
	ck_assert(lan_run(lan, rekeyed, 15000));
	assert_keys_agree(lan);
	ck_assert_uint_eq(lan->vehicle[2].ups[0], 2);
	ck_assert_uint_eq(lan->vehicle[2].ups[1], 1);
	lan_free(lan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("net");
	TCase *tests = tcase_create("net");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 110);
	tcase_add_test(tests, cpc_net_new__refuses_with_the_value);
	tcase_add_test(tests, cpc_net_new__every_pair_gets_one_session_and_one_key);
	tcase_add_test(tests, cpc_net_new__every_pair_comes_up_at_20_percent_loss);
	tcase_add_test(tests, cpc_net_new__a_restarted_agent_keeps_the_kernels_keys);
	tcase_add_test(tests, cpc_net_new__an_end_that_lost_its_keys_gets_new_ones);
	tcase_add_test(tests, cpc_net_new__another_epoch_is_named_and_gets_no_key);
	tcase_add_test(tests, cpc_net_new__an_interface_may_go_down_and_be_made_anew);
	tcase_add_test(tests, cpc_net_on_announce__forged_ones_do_not_keep_members_apart);
	tcase_add_test(tests,
		       cpc_conn_accept__a_flood_of_stalled_strangers_does_not_keep_members_out);
	tcase_add_test(tests, cpc_net_fetch__brings_what_was_served);
	tcase_add_test(tests, cpc_net_fetch__refuses_a_second_one_and_finds_a_dead_member);
	tcase_add_test(tests, cpc_net_reset__agrees_anew_on_keys_that_the_kernel_lost);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
