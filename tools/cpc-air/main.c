// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-air: plain frames over an interface, so many so often, and how many come in: for tests of the
 * air between simulated radios.
 *
 *   cpc-air IF send COUNT OCTETS GAP_US [MAC]   to all, or to MAC; gaps are random, from 0 to twice
 *                                               GAP_US. OCTETS counts the Ethernet header.
 *   cpc-air IF count                            until SIGTERM; then a line per sender: MAC, frames
 *
 * The EtherType is the second one for local experiments (IEEE Std 802, 88-B6): nobody else's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/util/cleanup.h"

enum {
	ETHERTYPE = 0x88b6,
	FRAME_MAX = 1514, FRAME_MIN = 60,
	COUNT_MAX = 1000000, GAP_MAX_US = 1000000,
	SENDERS_MAX = 64,		/* further ones are not counted */
	BUFFER_BYTES = 1 << 20,
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE),
				  .sll_ifindex = (int)if_nametoindex(interface) };
	CPC_CLOSE int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int bytes = BUFFER_BYTES;

	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	return CPC_TAKE_FD(fd);
}

static int own_address(int fd, uint8_t ret_mac[ETH_ALEN])
{
	struct sockaddr_ll at;
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0 || at.sll_halen != ETH_ALEN)
		return -1;
	memcpy(ret_mac, at.sll_addr, ETH_ALEN);
	return 0;
}

/* Waits until a time on the clock, so that what a late wake-up costs is not added up. */
static void wait_until(struct timespec *at, long gap_us)
{
	at->tv_nsec += gap_us * 1000;
	at->tv_sec += at->tv_nsec / 1000000000;
	at->tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, at, NULL) == EINTR && !stopped)
		continue;
}

static int send_frames(int fd, long count, long octets, long gap_us, const uint8_t *to)
{
	uint8_t frame[FRAME_MAX] = { 0 };
	struct timespec at;
	long i;

	memcpy(frame, to, ETH_ALEN);
	if (own_address(fd, frame + ETH_ALEN) < 0)
		return -1;
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xff;
	clock_gettime(CLOCK_MONOTONIC, &at);
	srandom((unsigned int)at.tv_nsec);
	for (i = 0; i < count && !stopped; i++) {
		if (send(fd, frame, (size_t)octets, 0) < 0 && errno != ENOBUFS)
			return -1;
		wait_until(&at, gap_us ? random() % (2 * gap_us) : 0);
	}
	return 0;
}

static int count_frames(int fd)
{
	static struct {
		uint8_t mac[ETH_ALEN];
		uint64_t frames;
	} sender[SENDERS_MAX];
	const struct timeval tick = { .tv_usec = 50000 };
	struct sockaddr_ll from;
	uint8_t frame[FRAME_MAX];
	unsigned int i, senders = 0;

	/* What came before the signal is counted, so the end is a look that finds nothing. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	puts("listening");
	fflush(stdout);
	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &len);

		if (got < 0 && stopped)
			break;
		if (got < ETH_HLEN || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		for (i = 0; i < senders; i++)
			if (!memcmp(sender[i].mac, frame + ETH_ALEN, ETH_ALEN))
				break;
		if (i == SENDERS_MAX)
			continue;
		if (i == senders)
			memcpy(sender[senders++].mac, frame + ETH_ALEN, ETH_ALEN);
		sender[i].frames++;
	}
	for (i = 0; i < senders; i++) {
		const uint8_t *m = sender[i].mac;

		printf("%02x:%02x:%02x:%02x:%02x:%02x %" PRIu64 "\n", m[0], m[1], m[2], m[3], m[4],
		       m[5], sender[i].frames);
	}
	return fflush(stdout);
}

static bool number(const char *text, long min, long max, long *ret)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end || errno || value < min || value > max) {
		fprintf(stderr, "cpc-air: '%s' is not %ld to %ld\n", text, min, max);
		return false;
	}
	*ret = value;
	return true;
}

static bool address(const char *text, uint8_t ret_mac[ETH_ALEN])
{
	uint8_t m[ETH_ALEN];

	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) !=
	    ETH_ALEN) {
		fprintf(stderr, "cpc-air: '%s' is no MAC address\n", text);
		return false;
	}
	memcpy(ret_mac, m, ETH_ALEN);
	return true;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	uint8_t to[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	bool counting = argc == 3 && !strcmp(argv[2], "count");
	long count = 0, octets = 0, gap_us = 0;
	CPC_CLOSE int fd = -1;

	if (!counting && !((argc == 6 || argc == 7) && !strcmp(argv[2], "send"))) {
		fprintf(stderr, "usage: cpc-air IF count\n"
				"       cpc-air IF send COUNT OCTETS GAP_US [MAC]\n");
		return 2;
	}
	if (!counting && (!number(argv[3], 1, COUNT_MAX, &count) ||
			  !number(argv[4], FRAME_MIN, FRAME_MAX, &octets) ||
			  !number(argv[5], 0, GAP_MAX_US, &gap_us) ||
			  (argc == 7 && !address(argv[6], to))))
		return 2;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	fd = open_socket(argv[1]);
	if (fd < 0 || (counting ? count_frames(fd) : send_frames(fd, count, octets, gap_us, to))) {
		fprintf(stderr, "cpc-air: %s: %s\n", argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
