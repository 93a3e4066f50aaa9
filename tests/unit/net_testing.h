/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NET_TESTING_H
#define NET_TESTING_H

/*
 * A radio channel in miniature: each vehicle is a process in a network namespace of its own, with
 * a TAP interface "radio0"; the test holds the other ends and carries every frame to all others,
 * each receiver losing it with a given probability. Needs no bridge, no queueing discipline and
 * no names on the host: with the test's processes all of it is gone.
 *
 * What the kernel module would keep, the pairwise keys, is in shared memory and so outlives a
 * vehicle's agent that is killed.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/net/identity.h"
#include "agent/net/net.h"

enum {
	LAN_MAX = 5,		/* members 0..3, and perhaps a stranger */
	LAN_PORT = 4350,
	LAN_CELL = 7,
	LAN_EPOCH = 3,
};

/* What a vehicle tells the test. */
struct report {
	enum { REPORT_PEER, REPORT_FETCHED, REPORT_STATUS, REPORT_CALL } kind;
	unsigned member;
	int value;	/* up; bytes fetched; what a call returned */
	bool intact;	/* the fetched bytes are the ones served */
};

/* What the test tells a vehicle. */
struct command {
	enum { COMMAND_FETCH, COMMAND_STATUS, COMMAND_RESET, COMMAND_QUIT } kind;
	unsigned member;
	uint32_t value;
};

struct shared {
	struct {
		bool has;
		uint8_t key[CPC_CELL_KEY_BYTES];
		unsigned installs;
	} kernel[LAN_MAX][LAN_MAX];
	struct cpc_net_peer_status peer[LAN_MAX][LAN_MAX];
	struct cpc_net_status net[LAN_MAX];
};

struct vehicle {
	int netns, tap, control;
	pid_t pid;
	bool cut;	/* its radio is out of reach of all */
	uint16_t epoch;
	bool up[LAN_MAX];
	unsigned ups[LAN_MAX];
	bool fetched[LAN_MAX], intact[LAN_MAX], called;
	bool asked, status;	/* a status was asked for; one has arrived since */
	int fetched_bytes[LAN_MAX], result;
};

struct lan {
	unsigned n, members;
	struct vehicle vehicle[LAN_MAX];
	struct cpc_identity *identity[LAN_MAX];
	uint8_t node_id[LAN_MAX][CPC_NODE_ID_BYTES];
	struct shared *shared;
	unsigned loss_percent;
	uint64_t random;
	unsigned long frames;
};

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static unsigned lan_random(struct lan *lan)
{
	lan->random = lan->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(lan->random >> 33);
}

/* ---- a vehicle's process ------------------------------------------------------------------ */

struct node {
	struct lan *lan;
	unsigned self;
	int control;
	sd_event *event;
	struct cpc_net *net;
	uint32_t asked;
};

static void node_tell(struct node *node, struct report report)
{
	if (send(node->control, &report, sizeof(report), MSG_NOSIGNAL) != sizeof(report))
		sd_event_exit(node->event, 0);	/* the test has ended */
}

/* Decisions of a size and content that depend on the question: any byte amiss shows. */
static size_t blob_bytes(uint32_t after_slot)
{
	return after_slot == 9999 ? CPC_NET_BLOB_MAX : after_slot;
}

static uint8_t blob_byte(uint32_t after_slot, size_t at)
{
	return (uint8_t)((at * 31 + after_slot) ^ at >> 8);
}

static void on_key(void *ctx, unsigned member, const uint8_t key[16])
{
	struct node *node = ctx;

	node->lan->shared->kernel[node->self][member].has = true;
	node->lan->shared->kernel[node->self][member].installs++;
	memcpy(node->lan->shared->kernel[node->self][member].key, key, CPC_CELL_KEY_BYTES);
}

static bool on_key_id(void *ctx, unsigned member, uint8_t ret_id[8])
{
	struct node *node = ctx;

	if (!node->lan->shared->kernel[node->self][member].has)
		return false;
	cpc_net_key_id(node->lan->shared->kernel[node->self][member].key, ret_id);
	return true;
}

static int on_serve(void *ctx, unsigned member, uint32_t after_slot, struct cpc_buffer *out)
{
	size_t len = blob_bytes(after_slot);
	uint8_t *bytes;

	(void)ctx, (void)member;
	if (after_slot == 0)
		return -ENODATA;
	if (cpc_buffer_extend(out, len, &bytes) < 0)
		abort();
	for (size_t i = 0; i < len; i++)
		bytes[i] = blob_byte(after_slot, i);
	return 0;
}

static void on_fetched(void *ctx, unsigned member, const uint8_t *data, size_t len)
{
	struct node *node = ctx;
	bool intact = len == blob_bytes(node->asked);

	for (size_t i = 0; i < len && intact; i++)
		intact = data[i] == blob_byte(node->asked, i);
	node_tell(node, (struct report){ REPORT_FETCHED, member, (int)len, intact });
}

static void on_peer(void *ctx, unsigned member, bool up)
{
	node_tell(ctx, (struct report){ REPORT_PEER, member, up, false });
}

static void node_status(struct node *node)
{
	struct shared *shared = node->lan->shared;

	for (unsigned i = 0; i < node->lan->members; i++)
		cpc_net_peer_status(node->net, i, &shared->peer[node->self][i]);
	cpc_net_status(node->net, &shared->net[node->self]);
	node_tell(node, (struct report){ REPORT_STATUS, 0, 0, false });
}

static int on_command(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct node *node = arg;
	struct command command;
	ssize_t n = recv(fd, &command, sizeof(command), 0);
	int r;

	(void)source, (void)events;
	if (n != sizeof(command) || command.kind == COMMAND_QUIT)
		return sd_event_exit(node->event, 0);
	switch (command.kind) {
	case COMMAND_FETCH:
		r = cpc_net_fetch(node->net, command.member, command.value);
		if (r == 0)
			node->asked = command.value;
		node_tell(node, (struct report){ REPORT_CALL, command.member, r, false });
		break;
	case COMMAND_RESET:
		cpc_net_reset(node->net, command.member);
		break;
	case COMMAND_STATUS:
		node_status(node);
		break;
	case COMMAND_QUIT:
		break;
	}
	return 0;
}

static int node_main(struct lan *lan, unsigned self, int control)
{
	static const struct cpc_net_ops ops = { on_key, on_key_id, on_serve, on_fetched, on_peer };
	struct node node = { .lan = lan, .self = self, .control = control };
	struct cpc_net_config config = {
		.identity = lan->identity[self], .ifname = "radio0", .port = LAN_PORT,
		.cell = LAN_CELL, .epoch = lan->vehicle[self].epoch, .n = lan->members,
		.self = self, .node_id = (const uint8_t (*)[32])lan->node_id,
	};
	struct cpc_error error = { "" };
	int r;

	if (sd_event_new(&node.event) < 0)
		return 2;
	config.event = node.event;
	r = cpc_net_new(&config, &ops, &node, &node.net, &error);
	if (r < 0) {
		fprintf(stderr, "vehicle %u: %s\n", self, error.text);
		return 3;
	}
	if (sd_event_add_io(node.event, NULL, control, POLLIN, on_command, &node) < 0)
		return 2;
	r = sd_event_loop(node.event);
	cpc_net_free(node.net);
	sd_event_unref(node.event);
	return r;
}

/* ---- the channel --------------------------------------------------------------------------- */

static void write_sysctl(const char *name, const char *value)
{
	char path[120];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/radio0/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	close(fd);
}

static struct in6_addr lan_address(unsigned i)
{
	struct in6_addr address = {
		.s6_addr = { 0xfe, 0x80, [13] = 0xca, [15] = (uint8_t)(i + 1) },
	};

	return address;
}

/* Takes the interface up (with its address, at once usable) or down. */
static void lan_set_up(struct lan *lan, unsigned i, bool up)
{
	struct in6_ifreq address = { .ifr6_addr = lan_address(i), .ifr6_prefixlen = 64 };
	struct ifreq request = { .ifr_name = "radio0" };
	int fd;

	ck_assert_int_eq(setns(lan->vehicle[i].netns, CLONE_NEWNET), 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	address.ifr6_ifindex = (int)if_nametoindex("radio0");
	if (up)
		ck_assert_msg(ioctl(fd, SIOCSIFADDR, &address) == 0 || errno == EEXIST,
			      "address: %s", strerror(errno));
	close(fd);
}

/* The vehicle's radio: a TAP interface in its namespace, whose other end we keep. */
static void lan_add_radio(struct lan *lan, unsigned i)
{
	struct ifreq request = { .ifr_name = "radio0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap;

	ck_assert_int_eq(setns(lan->vehicle[i].netns, CLONE_NEWNET), 0);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_msg(tap >= 0, "/dev/net/tun: %s", strerror(errno));
	ck_assert_msg(ioctl(tap, TUNSETIFF, &request) == 0, "TAP interface: %s", strerror(errno));
	write_sysctl("addr_gen_mode", "1");	/* only the address that lan_set_up() gives */
	write_sysctl("accept_dad", "0");
	lan->vehicle[i].tap = tap;
	lan_set_up(lan, i, true);
}

/* n vehicles, of which the first `members` form the cell. */
static struct lan *lan_new(unsigned n, unsigned members, unsigned loss_percent)
{
	struct lan *lan = calloc(1, sizeof(*lan));

	ck_assert_ptr_nonnull(lan);
	*lan = (struct lan){ .n = n, .members = members, .loss_percent = loss_percent,
			     .random = 1 };
	lan->shared = mmap(NULL, sizeof(*lan->shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(lan->shared != MAP_FAILED);
	/* Without privileges, a user namespace in which we have them. */
	if (geteuid() != 0)
		ck_assert_msg(unshare(CLONE_NEWUSER) == 0, "neither root nor user namespaces");
	for (unsigned i = 0; i < n; i++) {
		ck_assert_msg(unshare(CLONE_NEWNET) == 0, "namespace: %s", strerror(errno));
		lan->vehicle[i].netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		lan->vehicle[i].control = -1;
		lan->vehicle[i].epoch = LAN_EPOCH;
		ck_assert_int_eq(cpc_identity_generate(&lan->identity[i], NULL), 0);
		cpc_identity_node_id(lan->identity[i], lan->node_id[i]);
		lan_add_radio(lan, i);
	}
	return lan;
}

/* Runs `body` as a process of that vehicle. */
static void lan_start(struct lan *lan, unsigned i,
		      int (*body)(struct lan *lan, unsigned self, int control))
{
	struct vehicle *vehicle = &lan->vehicle[i];
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	memset(vehicle->up, 0, sizeof(vehicle->up));
	memset(vehicle->ups, 0, sizeof(vehicle->ups));
	vehicle->asked = vehicle->status = false;
	fflush(NULL);
	vehicle->pid = fork();
	ck_assert_int_ge(vehicle->pid, 0);
	if (vehicle->pid == 0) {
		for (unsigned k = 0; k < lan->n; k++) {
			close(lan->vehicle[k].tap);
			if (lan->vehicle[k].control >= 0)
				close(lan->vehicle[k].control);
		}
		close(pair[0]);
		if (setns(vehicle->netns, CLONE_NEWNET) < 0)
			_exit(9);
		exit(body(lan, i, pair[1]));
	}
	close(pair[1]);
	vehicle->control = pair[0];
}

static void lan_start_all(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++)
		lan_start(lan, i, node_main);
}

/* As by the kernel's out-of-memory killer: nothing is said, nothing is saved. */
static void lan_kill(struct lan *lan, unsigned i)
{
	struct vehicle *vehicle = &lan->vehicle[i];

	ck_assert_int_eq(kill(vehicle->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(vehicle->pid, NULL, 0), vehicle->pid);
	close(vehicle->control);
	vehicle->control = -1;
	vehicle->pid = 0;
}

static void lan_tell(struct lan *lan, unsigned i, struct command command)
{
	ck_assert_int_eq(send(lan->vehicle[i].control, &command, sizeof(command), MSG_NOSIGNAL),
			 sizeof(command));
}

static void lan_take_report(struct lan *lan, unsigned i)
{
	struct vehicle *vehicle = &lan->vehicle[i];
	struct report report;
	ssize_t n = recv(vehicle->control, &report, sizeof(report), 0);

	ck_assert_msg(n == sizeof(report), "vehicle %u has gone", i);
	switch (report.kind) {
	case REPORT_PEER:
		ck_assert_msg(vehicle->up[report.member] != (bool)report.value,
			      "vehicle %u says twice that %u is %s", i, report.member,
			      report.value ? "up" : "down");
		vehicle->up[report.member] = report.value;
		vehicle->ups[report.member] += (unsigned)report.value;
		break;
	case REPORT_FETCHED:
		vehicle->fetched[report.member] = true;
		vehicle->fetched_bytes[report.member] = report.value;
		vehicle->intact[report.member] = report.intact;
		break;
	case REPORT_STATUS:
		vehicle->status = true;
		break;
	case REPORT_CALL:
		vehicle->called = true;
		vehicle->result = report.value;
		break;
	}
}

/* One frame in the air: everybody else receives it, or loses it, independently. */
static void lan_carry(struct lan *lan, unsigned from)
{
	uint8_t frame[2048];
	ssize_t n = read(lan->vehicle[from].tap, frame, sizeof(frame));

	if (n <= 0)
		return;
	lan->frames++;
	for (unsigned i = 0; i < lan->n; i++) {
		if (i == from || lan->vehicle[i].tap < 0 || lan->vehicle[i].cut ||
		    lan->vehicle[from].cut || lan_random(lan) % 100 < lan->loss_percent)
			continue;
		/* A full receive queue, or an interface that is down, is loss too. */
		if (write(lan->vehicle[i].tap, frame, (size_t)n) < 0)
			continue;
	}
}

/* Carries frames and takes reports until `done` says so; false: not within the time. */
static bool lan_run(struct lan *lan, bool (*done)(struct lan *lan), unsigned limit_ms)
{
	uint64_t end_ms = clock_ms() + limit_ms;

	while (!done(lan)) {
		struct pollfd fds[2 * LAN_MAX];
		uint64_t now_ms = clock_ms();

		if (now_ms >= end_ms)
			return false;
		for (unsigned i = 0; i < lan->n; i++) {
			fds[2 * i] = (struct pollfd){ lan->vehicle[i].tap, POLLIN, 0 };
			fds[2 * i + 1] = (struct pollfd){ lan->vehicle[i].control, POLLIN, 0 };
		}
		if (poll(fds, 2 * lan->n, (int)(end_ms - now_ms)) < 0)
			ck_assert_int_eq(errno, EINTR);
		for (unsigned i = 0; i < lan->n; i++) {
			if (fds[2 * i].revents & POLLIN)
				lan_carry(lan, i);
			if (fds[2 * i + 1].revents)
				lan_take_report(lan, i);
		}
	}
	return true;
}

/* Ends every vehicle in order; each must leave without a leak or a sanitizer's finding. */
static void lan_free(struct lan *lan)
{
	for (unsigned i = 0; i < lan->n; i++) {
		struct vehicle *vehicle = &lan->vehicle[i];
		int status = 0;

		if (vehicle->pid) {
			lan_tell(lan, i, (struct command){ COMMAND_QUIT, 0, 0 });
			ck_assert_int_eq(waitpid(vehicle->pid, &status, 0), vehicle->pid);
			ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
				      "vehicle %u ended with status %#x", i, status);
			close(vehicle->control);
		}
		close(vehicle->tap);
		close(vehicle->netns);
		cpc_identity_free(lan->identity[i]);
	}
	munmap(lan->shared, sizeof(*lan->shared));
	free(lan);
}

#endif
