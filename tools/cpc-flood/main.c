// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-flood: junk at the highest rate a packet socket makes, for tests on interfaces of our own.
 *
 *   cpc-flood IF KIND SOURCES SECONDS      KIND: cam (well-formed), cut (one octet short),
 *                                          element (of no member of cell 7, epoch 1, in a frame
 *                                          of its own), forged (of its member 1, each with a new
 *                                          counter: the module has to check a MAC for each)
 *
 * Prints frames sent and the rate. Source addresses are 02:66 and a number below SOURCES, or one
 * address if SOURCES is one: 02:00:00:00:00:00.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/v2xgen/frame.h"
#include "uapi/cpchain_element.h"

enum { BATCH = 64, ELEMENT_BYTES = 52 };

static uint8_t frames[BATCH][CPC_V2X_FRAME_MAX];
static size_t frame_size;
static bool forged; /* each element gets a counter of its own */

static int make_cam(void)
{
	struct cpc_v2x_motion motion = { .unix_ms = 1700000000000, .latitude_deg = 48,
					 .longitude_deg = 11, .speed_m_s = 20, .heading_deg = 90 };
	struct cpc_v2x_config config = { .carrier = CPC_V2X_CAM, .station_id = 666 };
	struct cpc_v2x_sender sender;
	int r = cpc_v2x_sender_init(&sender, &config, NULL);

	return r < 0 ? r : cpc_v2x_sender_frame(&sender, &motion, frames[0], sizeof(frames[0]),
						&frame_size);
}

static void make_element(uint8_t sender)
{
	struct cpc_element_header header = { .version = CPC_ELEMENT_VERSION, .sender = sender,
					     .cell = 7, .epoch = 1 };
	const uint16_t footer[2] = { ELEMENT_BYTES, CPC_ELEMENT_MAGIC };
	uint8_t *at = frames[0];

	memset(at, 0xff, 6);
	at[12] = CPC_ETHERTYPE_ELEMENT >> 8;
	at[13] = CPC_ETHERTYPE_ELEMENT & 0xff;
	memcpy(at + 14, &header, sizeof(header));
	memcpy(at + 14 + ELEMENT_BYTES - sizeof(footer), footer, sizeof(footer));
	frame_size = 14 + ELEMENT_BYTES;
}

static int make(const char *kind)
{
	int r = 0;

	if (!strcmp(kind, "element")) {
		make_element(200);
	} else if (!strcmp(kind, "forged")) {
		make_element(1);
		forged = true;
	} else {
		r = make_cam();
		if (r == 0 && !strcmp(kind, "cut"))
			frame_size--;
		else if (strcmp(kind, "cam"))
			r = -EINVAL;
	}
	for (int i = 1; r == 0 && i < BATCH; i++)
		memcpy(frames[i], frames[0], frame_size);
	return r;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int open_socket(const char *interface)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(interface) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -1;
	/* Straight to the driver; where that cannot be, by the queue. */
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	return fd;
}

/* @own: the only source address, or NULL. */
static void flood(int fd, uint32_t sources, const uint8_t *own, double seconds)
{
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec vectors[BATCH];
	uint64_t sent = 0, refused = 0;
	double start = now(), took;
	uint32_t next = 0, counter = 1000000;

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){ frames[i], frame_size };
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		int n;

		for (int i = 0; i < BATCH; i++) {
			uint32_t station = htonl(next);

			next = next + 1 < sources ? next + 1 : 0;
			memcpy(frames[i] + 6, "\x02\x66", 2);
			memcpy(frames[i] + 8, &station, 4);
			if (own)
				memcpy(frames[i] + 6, own, 6);
			counter++;
			if (forged)
				memcpy(frames[i] + 14 +
					       offsetof(struct cpc_element_header, counter),
				       &counter, 4);
		}
		n = sendmmsg(fd, messages, BATCH, 0);
		if (n > 0)
			sent += (uint64_t)n;
		else
			refused++;
		took = now() - start;
	} while (took < seconds);
	printf("%" PRIu64 " frames of %zu bytes in %.1f s: %.0f/s; %" PRIu64 " batches refused\n",
	       sent, frame_size, took, (double)sent / took, refused);
}

/* Six octets with colons between them. */
static bool read_address(const char *text, uint8_t out[6])
{
	int used = 0;

	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &out[0], &out[1], &out[2], &out[3],
		      &out[4], &out[5], &used) == 6 && !text[used];
}

int main(int argc, char **argv)
{
	uint8_t own[6];
	bool one = argc == 5 && read_address(argv[3], own);
	long sources = one ? 1 : argc == 5 ? strtol(argv[3], NULL, 10) : 0;
	double seconds = argc == 5 ? strtod(argv[4], NULL) : 0;
	int fd;

	if (sources < 1 || sources > 100000000 || !(seconds > 0) || make(argv[2]) < 0) {
		fprintf(stderr, "usage: cpc-flood IF cam|cut|element|forged SOURCES|ADDRESS "
				"SECONDS\n");
		return EXIT_FAILURE;
	}
	fd = open_socket(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "cpc-flood: cannot send on '%s': %s\n", argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	flood(fd, (uint32_t)sources, one ? own : NULL, seconds);
	close(fd);
	return EXIT_SUCCESS;
}
