/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The outside of v2xgen: packet sockets, the schedule, files. All return a negative errno with a
 * text that names what was refused.
 */
#ifndef TOOLS_V2XGEN_V2XGEN_IO_H
#define TOOLS_V2XGEN_V2XGEN_IO_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/util/error.h"

struct cpc_v2x_link {
	int fd;
	int interface; /* index */
	uint8_t mac[6];
};

/*
 * A socket that sends whole Ethernet frames on @interface the ordinary way, through the queueing
 * discipline and the egress hooks, and receives nothing.
 */
int cpc_v2x_open_sender(const char *interface, struct cpc_v2x_link *ret_link,
			struct cpc_error *error);

/*
 * A socket that receives frames of one ethertype on @interface, as a V2X stack does: registered for
 * its protocol, so behind the ingress hooks. (A socket for all protocols, as tcpdump's, would be
 * ahead of them and see other bytes.)
 */
int cpc_v2x_open_receiver(const char *interface, uint16_t ethertype, struct cpc_v2x_link *ret_link,
			  struct cpc_error *error);

/* 0, or the errno of sendto(): -ENOBUFS, -ENETDOWN, ... */
int cpc_v2x_send(const struct cpc_v2x_link *link, const uint8_t *data, size_t size);

/* Frames that the kernel dropped because this receiver was slow, since the last call. */
uint64_t cpc_v2x_receiver_drops(const struct cpc_v2x_link *link);

/*
 * A timer that expires every @period_ns on CLOCK_MONOTONIC, at absolute times: a late wake-up does
 * not shift the next one. With @phase_ns < 0 the first is now; else they lie at the multiples of
 * the period plus @phase_ns, so that programs started at any moments keep their distance.
 */
int cpc_v2x_open_schedule(uint64_t period_ns, int64_t phase_ns, uint64_t *ret_first_ns,
			  int *ret_fd, struct cpc_error *error);

/* Run ahead of all ordinary processes (SCHED_FIFO); it needs CAP_SYS_NICE. */
int cpc_v2x_realtime(struct cpc_error *error);

/* A descriptor that becomes readable when the program is asked to end (SIGINT, SIGTERM). */
int cpc_v2x_open_stop(int *ret_fd, struct cpc_error *error);

/* Nanoseconds of CLOCK_MONOTONIC, milliseconds of CLOCK_REALTIME. */
uint64_t cpc_v2x_monotonic_ns(void);
uint64_t cpc_v2x_realtime_ms(void);

/* The whole of @path, at most @limit octets, to be freed. */
int cpc_v2x_read_file(const char *path, size_t limit, char **ret_data, size_t *ret_size,
		      struct cpc_error *error);

/* Capture files of libpcap's classic format, of Ethernet. */
int cpc_v2x_pcap_create(const char *path, FILE **ret_file, struct cpc_error *error);
int cpc_v2x_pcap_append(FILE *file, uint64_t unix_ms, const uint8_t *data, size_t size);

struct cpc_v2x_pcap {
	char *data;
	size_t size;
	size_t used;
};

int cpc_v2x_pcap_open(const char *path, struct cpc_v2x_pcap *ret_pcap, struct cpc_error *error);
/* The next frame, valid until _done: 1, 0 at the end, or -EBADMSG. */
int cpc_v2x_pcap_next(struct cpc_v2x_pcap *pcap, const uint8_t **ret_frame, size_t *ret_size);
void cpc_v2x_pcap_done(struct cpc_v2x_pcap *pcap);

#endif
