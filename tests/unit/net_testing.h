/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NET_TESTING_H
#define NET_TESTING_H

/*
 * A radio channel in miniature: each vehicle is a process in a network namespace of its own, with
 * a TAP interface "radio0"; the test holds the other ends and carries every frame to all others,
 * each receiver losing it with a given probability. Needs no bridge, no queueing discipline and
 * no names on the host: with the test's processes all of it is gone.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "net_vehicle_testing.h"

static inline uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline unsigned lan_random(struct lan *lan)
{
	lan->random = lan->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(lan->random >> 33);
}

/* ---- the channel --------------------------------------------------------------------------- */

static inline void write_sysctl(const char *name, const char *value)
{
	char path[120];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	close(fd);
}

static inline struct in6_addr lan_address(unsigned i)
{
	struct in6_addr address = {
		.s6_addr = { 0xfe, 0x80, [13] = 0xca, [15] = (uint8_t)(i + 1) },
	};

	return address;
}

/* Takes the interface up (with its address, at once usable) or down. */
static inline void lan_set_up(struct lan *lan, unsigned i, bool up)
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
static inline void lan_add_radio(struct lan *lan, unsigned i)
{
	struct ifreq request = { .ifr_name = "radio0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap;

	ck_assert_int_eq(setns(lan->vehicle[i].netns, CLONE_NEWNET), 0);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_msg(tap >= 0, "/dev/net/tun: %s", strerror(errno));
	ck_assert_msg(ioctl(tap, TUNSETIFF, &request) == 0, "TAP interface: %s", strerror(errno));
	/* Only the address that lan_set_up() gives. */
	write_sysctl("ipv6/conf/radio0/addr_gen_mode", "1");
	write_sysctl("ipv6/conf/radio0/accept_dad", "0");
	lan->vehicle[i].tap = tap;
	lan_set_up(lan, i, true);
}

/* For the vehicle to show, or (LAN_MAX) for all to believe. */
static inline void lan_write_certificate(struct lan *lan, unsigned i, X509 *certificate)
{
	CPC_FREE char *pem = pem_of(certificate, NULL);
	CPC_FCLOSE FILE *file = NULL;
	char path[64];

	lan_path(lan, i, path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(pem, file), 0);
}

/* It shows that certificate, if any, from its next start on. Takes it. */
static inline void lan_certify(struct lan *lan, unsigned i, X509 *certificate)
{
	X509_free(lan->vehicle[i].setting.certificate);
	lan->vehicle[i].setting.certificate = certificate;
	if (certificate)
		lan_write_certificate(lan, i, certificate);
}

/*
 * n vehicles, of which the first `members` form the cell and know each other; the others know
 * nobody at first.
 */
static inline struct lan *lan_new(unsigned n, unsigned members, unsigned loss_percent)
{
	struct lan *lan = calloc(1, sizeof(*lan));

	ck_assert_ptr_nonnull(lan);
	*lan = (struct lan){ .n = n, .members = members, .loss_percent = loss_percent,
			     .random = 1 };
	lan->authority = authority_new("the test's authority");
	snprintf(lan->folder, sizeof(lan->folder), "/tmp/cpchain-net.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(lan->folder));
	lan_write_certificate(lan, LAN_MAX, lan->authority.certificate);
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
		lan->vehicle[i].setting = (struct setting){
			.known = i < members ? (1u << members) - 1 : 0, .trusted = ~0u,
			.epoch = i < members ? LAN_EPOCH : 0, .offers = 1,
		};
		ck_assert_int_eq(cpc_identity_generate(&lan->identity[i], NULL), 0);
		cpc_identity_node_id(lan->identity[i], lan->node_id[i]);
		lan_add_radio(lan, i);
	}
	return lan;
}

/* Runs `body` as a process of that vehicle. */
static inline void lan_start(struct lan *lan, unsigned i,
		      int (*body)(struct lan *lan, unsigned self, int control))
{
	struct vehicle *vehicle = &lan->vehicle[i];
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	memset(vehicle->up, 0, sizeof(vehicle->up));
	memset(vehicle->ups, 0, sizeof(vehicle->ups));
	memset(vehicle->told, 0, sizeof(vehicle->told));
	memset(vehicle->found, 0, sizeof(vehicle->found));
	vehicle->strangers = 0;
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

static inline void lan_start_all(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++)
		lan_start(lan, i, node_main);
}

/* As by the kernel's out-of-memory killer: nothing is said, nothing is saved. */
static inline void lan_kill(struct lan *lan, unsigned i)
{
	struct vehicle *vehicle = &lan->vehicle[i];

	ck_assert_int_eq(kill(vehicle->pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(vehicle->pid, NULL, 0), vehicle->pid);
	close(vehicle->control);
	vehicle->control = -1;
	vehicle->pid = 0;
}

static inline void lan_tell(struct lan *lan, unsigned i, struct command command)
{
	ck_assert_int_eq(send(lan->vehicle[i].control, &command, sizeof(command), MSG_NOSIGNAL),
			 sizeof(command));
}

static inline void lan_take_report(struct lan *lan, unsigned i)
{
	struct vehicle *vehicle = &lan->vehicle[i];
	struct report report;
	ssize_t n = recv(vehicle->control, &report, sizeof(report), 0);

	ck_assert_msg(n == sizeof(report), "vehicle %u has gone", i);
	switch (report.kind) {
	case REPORT_PEER:
		if (report.peer == LAN_MAX) {
			vehicle->strangers += report.value ? 1u : -1u;
			break;
		}
		ck_assert_msg(vehicle->up[report.peer] != (bool)report.value,
			      "vehicle %u says twice that %u is %s", i, report.peer,
			      report.value ? "up" : "down");
		vehicle->up[report.peer] = report.value;
		vehicle->ups[report.peer] += (unsigned)report.value;
		break;
	case REPORT_FETCHED:
		vehicle->fetched[report.peer] = true;
		vehicle->fetched_bytes[report.peer] = report.value;
		vehicle->intact[report.peer] = report.intact;
		break;
	case REPORT_TOLD:
		ck_assert_msg(report.intact, "vehicle %u was told by %u what it did not say, or "
			      "not then: number %u", i, report.peer, vehicle->told[report.peer]);
		vehicle->told[report.peer]++;
		break;
	case REPORT_FOUND:
		vehicle->found[report.peer] = true;
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
static inline void lan_carry(struct lan *lan, unsigned from)
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
static inline bool lan_run(struct lan *lan, bool (*done)(struct lan *lan), unsigned limit_ms)
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

/* The same for a condition on shared memory, of which no report tells. */
static inline bool lan_poll(struct lan *lan, bool (*done)(struct lan *lan), unsigned limit_ms)
{
	uint64_t end_ms = clock_ms() + limit_ms;

	while (!done(lan)) {
		if (clock_ms() >= end_ms)
			return false;
		lan_run(lan, done, 20);
	}
	return true;
}

/* Ends every vehicle in order; each must leave without a leak or a sanitizer's finding. */
static inline void lan_free(struct lan *lan)
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
		lan_certify(lan, i, NULL);
	}
	for (unsigned i = 0; i <= LAN_MAX; i++) {
		char path[64];

		lan_path(lan, i, path);
		unlink(path);
	}
	rmdir(lan->folder);
	authority_free(&lan->authority);
	munmap(lan->shared, sizeof(*lan->shared));
	free(lan);
}

/* ---- what tests wait for ------------------------------------------------------------------ */

static inline bool all_up(struct lan *lan)
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
static inline bool subject_alone(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (lan->vehicle[subject].up[i])
			return false;
	}
	return true;
}

static inline bool others_miss_subject(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		if (i != subject && lan->vehicle[i].up[subject])
			return false;
	}
	return true;
}

static inline bool others_up(struct lan *lan)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < lan->members; j++) {
			if (i != j && i != subject && j != subject && !lan->vehicle[i].up[j])
				return false;
		}
	}
	return true;
}

static inline bool status_there(struct lan *lan)
{
	return lan->vehicle[subject].status;
}

static inline void refresh_status(struct lan *lan, unsigned i)
{
	subject = i;
	lan->vehicle[i].status = false;
	lan_tell(lan, i, (struct command){ COMMAND_STATUS, 0, 0 });
	ck_assert(lan_run(lan, status_there, 5000));
}

/* For conditions on the status: whether a new one has arrived, having asked for the next. */
static inline bool fresh_status(struct lan *lan, unsigned i)
{
	bool fresh = lan->vehicle[i].status;

	if (fresh || !lan->vehicle[i].asked)
		lan_tell(lan, i, (struct command){ COMMAND_STATUS, 0, 0 });
	lan->vehicle[i].asked = true;
	lan->vehicle[i].status = false;
	return fresh;
}

static inline void assert_up(struct lan *lan, unsigned limit_ms)
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

/* Both ends of each pair hold one key for that epoch, which no other pair has. */
static inline void assert_epoch_agrees(struct lan *lan, unsigned e)
{
	for (unsigned i = 0; i < lan->members; i++) {
		for (unsigned j = 0; j < i; j++) {
			const uint8_t *key = lan->shared->kernel[i][j][e].key;

			ck_assert(lan->shared->kernel[i][j][e].has);
			ck_assert(lan->shared->kernel[j][i][e].has);
			ck_assert_mem_eq(key, lan->shared->kernel[j][i][e].key, CPC_CELL_KEY_BYTES);
			for (unsigned k = 0; k < lan->members * lan->members; k++) {
				unsigned a = k / lan->members, b = k % lan->members;

				if (a > b && !(a == i && b == j))
					ck_assert_mem_ne(key, lan->shared->kernel[a][b][e].key,
							 CPC_CELL_KEY_BYTES);
			}
		}
	}
}

static inline void assert_keys_agree(struct lan *lan)
{
	assert_epoch_agrees(lan, 0);
}

static inline bool call_returned(struct lan *lan)
{
	return lan->vehicle[subject].called;
}

/* Has that vehicle do something; what came of it. */
static inline int tell(struct lan *lan, unsigned i, struct command command)
{
	subject = i;
	lan->vehicle[i].called = false;
	lan_tell(lan, i, command);
	ck_assert(lan_run(lan, call_returned, 5000));
	return lan->vehicle[i].result;
}

#endif
