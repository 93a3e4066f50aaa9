// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-inject: an outsider with a radio. It hears frames that carry elements, changes them, and
 * sends them again: what a cell must count and refuse.
 *
 *   cpc-inject send IFACE [WORD...]      hears one, does the words to it (edit.h), sends it
 *   cpc-inject noise IFACE COUNT SEED    hears one, sends COUNT variants of it with noise
 *   cpc-inject strip IN.pcap OUT.pcap    removes the elements from a capture
 *
 * A frame is heard within 10 s or never. It prints what it sent, in hex.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "agent/util/cleanup.h"
#include "tools/cpc-inject/edit.h"

static int open_radio(const char *name, struct cpc_error *error)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	struct timeval limit = { .tv_sec = 1 };
	CPC_CLOSE int fd = -1;

	if (!address.sll_ifindex) {
		cpc_error_set(error, "no interface '%s'", name);
		return -ENODEV;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit))) {
		cpc_error_set(error, "cannot listen on '%s': %s", name, strerror(errno));
		return -errno;
	}
	return CPC_TAKE_FD(fd);
}

/* The next frame from others that has an element. A tap sees it before the module trims it. */
static int hear(int fd, struct cpc_frame *ret_frame, struct cpc_error *error)
{
	time_t end = time(NULL) + 10;

	fputs("cpc-inject: listening\n", stderr);
	while (time(NULL) < end) {
		struct sockaddr_ll from;
		socklen_t from_size = sizeof(from);
		ssize_t got = recvfrom(fd, ret_frame->bytes, sizeof(ret_frame->bytes), 0,
				       (struct sockaddr *)&from, &from_size);

		if (got < 0 || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		ret_frame->len = (size_t)got;
		if (cpc_frame_find(ret_frame))
			return 0;
	}
	cpc_error_set(error, "no frame with an element within 10 s");
	return -ETIMEDOUT;
}

/* Under the outsider's own address: a radio drops frames that come from its own. */
static int own_address(int fd, uint8_t *ret_address)
{
	struct sockaddr_ll own;
	socklen_t size = sizeof(own);

	if (getsockname(fd, (struct sockaddr *)&own, &size))
		return -errno;
	memcpy(ret_address, own.sll_addr, ETH_ALEN);
	return 0;
}

static int put_on_air(int fd, const struct cpc_frame *frame, struct cpc_error *error)
{
	size_t i;

	if (send(fd, frame->bytes, frame->len, 0) < 0) {
		cpc_error_set(error, "sending %zu bytes: %s", frame->len, strerror(errno));
		return -errno;
	}
	for (i = 0; i < frame->len; i++)
		printf("%02x", frame->bytes[i]);
	putchar('\n');
	return 0;
}

static int verb_send(char **arguments, struct cpc_error *error)
{
	CPC_CLOSE int fd = open_radio(arguments[0], error);
	struct cpc_frame frame;
	int r = fd < 0 ? fd : hear(fd, &frame, error);

	r = r ? r : own_address(fd, frame.bytes + ETH_ALEN);
	for (arguments++; *arguments && r == 0; arguments++)
		r = cpc_frame_edit(&frame, *arguments, error);
	return r ? r : put_on_air(fd, &frame, error);
}

static int verb_noise(char **arguments, struct cpc_error *error)
{
	CPC_CLOSE int fd = open_radio(arguments[0], error);
	unsigned long count = strtoul(arguments[1], NULL, 10);
	unsigned long seed = strtoul(arguments[2], NULL, 10);
	struct cpc_frame heard, frame;
	int r = fd < 0 ? fd : hear(fd, &heard, error);
	struct timespec pause = { .tv_nsec = 500 * 1000 };

	r = r ? r : own_address(fd, heard.bytes + ETH_ALEN);
	for (; count && r == 0; count--) {
		char word[40];

		frame = heard;
		snprintf(word, sizeof(word), "noise:%lu", seed++);
		r = cpc_frame_edit(&frame, word, error);
		r = r ? r : put_on_air(fd, &frame, error);
		/* A radio that is given more than it can send drops frames, and they would be
		 * missed in the count.
		 */
		nanosleep(&pause, NULL);
	}
	return r;
}

/* The classic capture format: a file header of 24 bytes, then 16 bytes before each frame. */
static int verb_strip(char **arguments, struct cpc_error *error)
{
	CPC_FCLOSE FILE *in = fopen(arguments[0], "rb");
	CPC_FCLOSE FILE *out = fopen(arguments[1], "wb");
	struct cpc_frame frame;
	uint8_t file_header[24];
	uint32_t header[4];	/* seconds, fraction, captured, original */

	if (!in || !out || fread(file_header, sizeof(file_header), 1, in) != 1) {
		cpc_error_set(error, "cannot copy '%s' to '%s'", arguments[0], arguments[1]);
		return -EIO;
	}
	fwrite(file_header, sizeof(file_header), 1, out);
	while (fread(header, sizeof(header), 1, in) == 1) {
		if (header[2] > sizeof(frame.bytes) || fread(frame.bytes, header[2], 1, in) != 1) {
			cpc_error_set(error, "'%s' has a frame of %u bytes", arguments[0],
				      header[2]);
			return -EBADMSG;
		}
		frame.len = header[2];
		cpc_frame_find(&frame);
		header[2] = header[3] = (uint32_t)frame.start;
		fwrite(header, sizeof(header), 1, out);
		fwrite(frame.bytes, frame.start, 1, out);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct cpc_error error = { 0 };
	int r;

	if (argc >= 3 && strcmp(argv[1], "send") == 0) {
		r = verb_send(argv + 2, &error);
	} else if (argc == 5 && strcmp(argv[1], "noise") == 0) {
		r = verb_noise(argv + 2, &error);
	} else if (argc == 4 && strcmp(argv[1], "strip") == 0) {
		r = verb_strip(argv + 2, &error);
	} else {
		fputs("cpc-inject send IFACE [WORD...] | noise IFACE COUNT SEED | strip IN OUT\n",
		      stderr);
		return 2;
	}
	if (r)
		fprintf(stderr, "cpc-inject: %s\n", error.text);
	return r ? 1 : 0;
}
