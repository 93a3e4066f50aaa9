// SPDX-License-Identifier: BSD-3-Clause
/*
 * Do the members of a cell find each other and agree on keys, whatever happens to their radio,
 * their agents, their epochs and their neighbourhood? Each vehicle is a process in its own network
 * namespace. Those who are not known beforehand have a file of their own, net_strangers_test.c.
 */
#include "net_testing.h"

#include "agent/net/announce.h"

/* The epoch that a condition below is about. */
static unsigned agreed_epoch;

static bool epoch_agreed(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < lan->members; j++) {
			if (i != j && (!lan->shared->kernel[i][j][agreed_epoch].has ||
				       memcmp(lan->shared->kernel[i][j][agreed_epoch].key,
					      lan->shared->kernel[j][i][agreed_epoch].key,
					      CPC_CELL_KEY_BYTES) != 0))
				return false;
		}
	}
	return true;
}

static void wait_for_epoch(struct lan *lan, unsigned epoch)
{
	agreed_epoch = epoch;
	ck_assert_msg(lan_poll(lan, epoch_agreed, 15000), "no keys for epoch %u",
		      LAN_EPOCH + epoch);
	assert_epoch_agrees(lan, epoch);
}

START_TEST(cpc_net_new__refuses_with_the_value)
{
	static const struct cpc_net_ops ops;
	struct lan *lan = lan_new(2, 2, 0);
	struct cpc_net_config config = { .ifname = "radio0", .port = LAN_PORT,
					 .identity = lan->identity[1] }, bad;
	struct cpc_net *net = NULL, *second = NULL;
	struct cpc_error error;
	char path[64];

	lan_certify(lan, 0, issue_good(&lan->authority, lan->identity[0]));
	lan_path(lan, 0, path);
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
	REFUSED(-ENOENT, "/no/such.pem", bad.certificate = "/no/such.pem");
	REFUSED(-ENOENT, "/no/such.pem", bad.authority = "/no/such.pem");
	REFUSED(-EBADMSG, "/proc/self/status: no certificate", bad.authority = "/proc/self/status");
	/* Another vehicle's. */
	REFUSED(-EKEYREJECTED, path, bad.certificate = path);
	config.authority = path;
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

START_TEST(cpc_net_know__gives_places_until_they_are_all_taken)
{
	static const struct cpc_net_ops ops;
	static const struct cpc_net_relation trusted = { .trusted = true };
	struct lan *lan = lan_new(1, 1, 0);
	struct cpc_net_config config = { .ifname = "radio0", .port = LAN_PORT,
					 .identity = lan->identity[0] };
	struct cpc_net_peer_status status;
	uint8_t id[32] = { 0 };
	struct cpc_net *net;

	ck_assert_int_ge(sd_event_new(&config.event), 0);
	ck_assert_int_eq(cpc_net_new(&config, &ops, NULL, &net, NULL), 0);
	ck_assert_int_eq(cpc_net_know(net, lan->node_id[0], trusted), -EINVAL);
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		id[31] = (uint8_t)i;
		ck_assert_int_eq(cpc_net_know(net, id, trusted), (int)i);
		ck_assert_mem_eq(cpc_net_node_id(net, i), id, 32);
	}
	id[31] = CPC_NET_PEERS_MAX;
	ck_assert_int_eq(cpc_net_know(net, id, trusted), -ENOSPC);
	ck_assert_int_eq(cpc_net_find(net, id), -ENOENT);
	/* A known one keeps its place, with another relation; a forgotten one's is free at once. */
	id[31] = 5;
	ck_assert_int_eq(cpc_net_know(net, id, (struct cpc_net_relation){ .call = true }), 5);
	ck_assert_int_eq(cpc_net_peer_status(net, 5, &status), 0);
	ck_assert(status.known && status.relation.call && !status.relation.trusted && !status.up);
	cpc_net_forget(net, 5);
	ck_assert_int_eq(cpc_net_find(net, id), -ENOENT);
	ck_assert_ptr_null(cpc_net_node_id(net, 5));
	ck_assert_int_eq(cpc_net_peer_status(net, 5, &status), -EINVAL);
	id[31] = CPC_NET_PEERS_MAX;
	ck_assert_int_eq(cpc_net_know(net, id, trusted), 5);
	/* What is no peer. */
	ck_assert_ptr_null(cpc_net_node_id(net, CPC_NET_PEERS_MAX));
	ck_assert_int_eq(cpc_net_fetch(net, CPC_NET_PEERS_MAX, 7, 3, 0), -EINVAL);
	ck_assert_int_eq(cpc_net_tell(net, CPC_NET_PEERS_MAX, "x", 1), -EINVAL);
	ck_assert_int_eq(cpc_net_fetch(net, 5, 7, 3, 0), -ENOTCONN);
	ck_assert_int_eq(cpc_net_tell(net, 5, "x", 1), -ENOTCONN);
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
	wait_for_epoch(lan, 0);
	for (unsigned i = 0; i < 4; i++) {
		refresh_status(lan, i);
		ck_assert_str_eq(lan->shared->net[i].error, "");
		ck_assert_uint_eq(lan->shared->net[i].half_open, 0);
		for (unsigned j = 0; j < 4; j++) {
			struct cpc_net_peer_status *peer = &lan->shared->peer[i][j];
			struct in6_addr address = lan_address(j);

			if (i == j)
				continue;
			ck_assert_uint_eq(lan->shared->kernel[i][j][0].installs, 1);
			ck_assert(peer->known && !peer->certified);
			ck_assert(peer->cell == LAN_CELL && peer->epoch == LAN_EPOCH);
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
	wait_for_epoch(lan, 0);
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_new__a_restarted_agent_keeps_the_kernels_keys)
{
	struct lan *lan = lan_new(4, 4, 0);
	struct shared before;

	lan_start_all(lan);
	assert_up(lan, 15000);
	wait_for_epoch(lan, 0);
	memcpy(&before, lan->shared, sizeof(before));
	/* One in the middle: it dials some and answers others. */
	subject = 2;
	lan_kill(lan, 2);
	ck_assert(lan_run(lan, others_miss_subject, 15000));
	lan_start(lan, 2, node_main);
	assert_up(lan, 15000);
	wait_for_epoch(lan, 0);
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
	wait_for_epoch(lan, 0);
	memcpy(&before, lan->shared, sizeof(before));
	subject = 1;
	lan_kill(lan, 1);
	/* With member 0 it has lost the key; with member 2 it has one that the other never got, as
	 * when it died between the two installations; with member 3 all is well. */
	lan->shared->kernel[1][0][0].has = false;
	lan->shared->kernel[1][2][0].key[0] ^= 1;
	ck_assert(lan_run(lan, others_miss_subject, 15000));
	lan_start(lan, 1, node_main);
	assert_up(lan, 15000);
	wait_for_epoch(lan, 0);
	ck_assert_mem_ne(before.kernel[1][0][0].key, lan->shared->kernel[1][0][0].key, 16);
	ck_assert_mem_ne(before.kernel[2][1][0].key, lan->shared->kernel[2][1][0].key, 16);
	ck_assert_mem_eq(before.kernel[1][3][0].key, lan->shared->kernel[1][3][0].key, 16);
	ck_assert_uint_eq(lan->shared->kernel[2][1][0].installs, 2);
	ck_assert_uint_eq(lan->shared->kernel[3][1][0].installs, 1);
	lan_free(lan);
}
END_TEST

/* ---- epochs -------------------------------------------------------------------------------- */

static void offer(struct lan *lan, unsigned i, uint32_t offers)
{
	ck_assert_int_eq(tell(lan, i, (struct command){ COMMAND_OFFER, 0, offers }), 0);
}

START_TEST(cpc_net_offer__keys_are_agreed_ahead_and_sessions_survive)
{
	struct lan *lan = lan_new(4, 4, 5);

	lan_start_all(lan);
	assert_up(lan, 30000);
	wait_for_epoch(lan, 0);
	for (unsigned e = 1; e < LAN_EPOCHS; e++) {
		for (unsigned i = 0; i < 4; i++)
			offer(lan, i, 3u << (e - 1));
		wait_for_epoch(lan, e);
		/* The change: the epoch before is no more, one after the other. */
		for (unsigned i = 0; i < 4; i++) {
			tell(lan, i, (struct command){ COMMAND_PRESENT, 0, LAN_EPOCH + e });
			offer(lan, i, 1u << e);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		refresh_status(lan, i);
		for (unsigned j = 0; j < 4; j++) {
			if (i == j)
				continue;
			ck_assert_uint_eq(lan->vehicle[i].ups[j], 1);
			ck_assert_uint_eq(lan->shared->peer[i][j].rekeys, LAN_EPOCHS);
			for (unsigned e = 0; e < LAN_EPOCHS; e++)
				ck_assert_uint_eq(lan->shared->kernel[i][j][e].installs, 1);
		}
	}
	lan_free(lan);
}
END_TEST

static bool presents_next(struct lan *lan)
{
	return fresh_status(lan, 0) && lan->shared->peer[0][3].epoch == LAN_EPOCH + 1;
}

START_TEST(cpc_net_offer__who_is_elsewhere_gets_a_session_but_no_key)
{
	struct lan *lan = lan_new(4, 4, 0);

	lan->vehicle[3].setting.epoch = LAN_EPOCH + 1;
	lan->vehicle[3].setting.offers = 2;
	lan_start_all(lan);
	assert_up(lan, 15000);
	ck_assert(lan_run(lan, presents_next, 15000));
	for (unsigned i = 0; i < 3; i++)
		ck_assert(!lan->shared->kernel[i][3][0].has && !lan->shared->kernel[3][i][1].has);
	/* The others follow; what vehicle 3 offered all along is there at once. */
	for (unsigned i = 0; i < 3; i++)
		offer(lan, i, 2);
	wait_for_epoch(lan, 1);
	ck_assert_uint_eq(lan->vehicle[3].ups[0], 1);
	lan_free(lan);
}
END_TEST

START_TEST(cpc_net_offer__an_end_that_missed_an_installation_ahead_gets_new_keys)
{
	struct lan *lan = lan_new(4, 4, 0);
	struct shared before;

	for (unsigned i = 0; i < 4; i++)
		lan->vehicle[i].setting.offers = 3;
	lan_start_all(lan);
	assert_up(lan, 15000);
	wait_for_epoch(lan, 0);
	wait_for_epoch(lan, 1);
	memcpy(&before, lan->shared, sizeof(before));
	subject = 1;
	lan_kill(lan, 1);
	/* As if it had died when member 0 had installed and it had not. */
	lan->shared->kernel[1][0][1].has = false;
	ck_assert(lan_run(lan, others_miss_subject, 15000));
	lan_start(lan, 1, node_main);
	assert_up(lan, 15000);
	wait_for_epoch(lan, 1);
	wait_for_epoch(lan, 0);
	ck_assert_mem_ne(before.kernel[0][1][1].key, lan->shared->kernel[0][1][1].key, 16);
	ck_assert_uint_eq(lan->shared->kernel[0][1][0].installs, 1);
	ck_assert_uint_eq(lan->shared->kernel[2][1][1].installs, 1);
	lan_free(lan);
}
END_TEST

/* ---- the interface ------------------------------------------------------------------------- */

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
	wait_for_epoch(lan, 0);
	ck_assert_uint_eq(lan->shared->kernel[2][0][0].installs, 1);
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
		struct cpc_announce announce = { .cell = LAN_CELL, .epoch = LAN_EPOCH,
						 .port = (uint16_t)(1 + i % 50000) };
		uint8_t text[CPC_ANNOUNCE_SIGNED_MAX], data[CPC_ANNOUNCE_MAX];
		struct in6_addr own = lan_address(self);
		size_t len;

		memcpy(announce.spki, lan->identity[i % lan->members]->spki, CPC_SPKI_BYTES);
		len = cpc_announce_signed(&announce, own.s6_addr, text);
		announce.signature_len = (uint8_t)cpc_identity_sign(lan->identity[self], text, len,
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
	wait_for_epoch(lan, 0);
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

static int fetch(struct lan *lan, unsigned from, unsigned peer, uint32_t after_slot)
{
	return tell(lan, from, (struct command){ COMMAND_FETCH, peer, after_slot });
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
	wait_for_epoch(lan, 0);
	lan_free(lan);
}
END_TEST

static bool both_fetched(struct lan *lan)
{
	return lan->vehicle[0].fetched[1] && lan->vehicle[1].fetched[0];
}

START_TEST(cpc_net_fetch__two_that_serve_each_other_all_they_can_do_not_block)
{
	struct lan *lan = lan_new(2, 2, 0);

	/* So that a blob does not disappear in the kernel's buffers. */
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_int_eq(setns(lan->vehicle[i].netns, CLONE_NEWNET), 0);
		write_sysctl("ipv4/tcp_wmem", "4096 16384 16384");
		write_sysctl("ipv4/tcp_rmem", "4096 16384 16384");
	}
	lan_start_all(lan);
	assert_up(lan, 15000);
	for (unsigned round = 0; round < 5; round++) {
		lan->vehicle[0].fetched[1] = lan->vehicle[1].fetched[0] = false;
		/* Without waiting for the first one's call to return. */
		lan_tell(lan, 0, (struct command){ COMMAND_FETCH, 1, 9999 });
		lan_tell(lan, 1, (struct command){ COMMAND_FETCH, 0, 9999 });
		ck_assert(lan_run(lan, both_fetched, 15000));
		ck_assert(lan->vehicle[0].intact[1] && lan->vehicle[1].intact[0]);
		ck_assert_int_eq(lan->vehicle[0].fetched_bytes[1], CPC_NET_BLOB_MAX);
	}
	ck_assert(lan->vehicle[0].ups[1] == 1 && lan->vehicle[1].ups[0] == 1);
	lan_free(lan);
}
END_TEST

static bool rekeyed(struct lan *lan)
{
	return lan->shared->kernel[0][2][0].installs == 2 &&
	       lan->shared->kernel[2][0][0].installs == 2 && all_up(lan);
}

START_TEST(cpc_net_reset__agrees_anew_on_keys_that_the_kernel_lost)
{
	struct lan *lan = lan_new(4, 4, 0);

	lan_start_all(lan);
	assert_up(lan, 15000);
	wait_for_epoch(lan, 0);
	lan->shared->kernel[2][0][0].has = false;
	tell(lan, 2, (struct command){ COMMAND_RESET, 0, 0 });
	ck_assert(lan_poll(lan, rekeyed, 15000));
	wait_for_epoch(lan, 0);
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
	tcase_add_test(tests, cpc_net_know__gives_places_until_they_are_all_taken);
	tcase_add_test(tests, cpc_net_new__every_pair_gets_one_session_and_one_key);
	tcase_add_test(tests, cpc_net_new__every_pair_comes_up_at_20_percent_loss);
	tcase_add_test(tests, cpc_net_new__a_restarted_agent_keeps_the_kernels_keys);
	tcase_add_test(tests, cpc_net_new__an_end_that_lost_its_keys_gets_new_ones);
	tcase_add_test(tests, cpc_net_offer__keys_are_agreed_ahead_and_sessions_survive);
	tcase_add_test(tests, cpc_net_offer__who_is_elsewhere_gets_a_session_but_no_key);
	tcase_add_test(tests,
		       cpc_net_offer__an_end_that_missed_an_installation_ahead_gets_new_keys);
	tcase_add_test(tests, cpc_net_new__an_interface_may_go_down_and_be_made_anew);
	tcase_add_test(tests, cpc_net_on_announce__forged_ones_do_not_keep_members_apart);
	tcase_add_test(tests,
		       cpc_conn_accept__a_flood_of_stalled_strangers_does_not_keep_members_out);
	tcase_add_test(tests, cpc_net_fetch__brings_what_was_served);
	tcase_add_test(tests, cpc_net_fetch__refuses_a_second_one_and_finds_a_dead_member);
	tcase_add_test(tests,
		       cpc_net_fetch__two_that_serve_each_other_all_they_can_do_not_block);
	tcase_add_test(tests, cpc_net_reset__agrees_anew_on_keys_that_the_kernel_lost);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
