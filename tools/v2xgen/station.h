/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a receiver notes per station that it hears. Pure.
 *
 * A CAM has no sequence number, but a sender on a fixed schedule stamps its frames a period apart:
 * the period is the mean of the gaps near the shortest one, and a gap of k periods hides k - 1
 * frames. A sender without a fixed period gets no such estimate.
 */
#ifndef TOOLS_V2XGEN_STATION_H
#define TOOLS_V2XGEN_STATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CPC_STATIONS_MAX = 256, /* further stations are counted together and not told apart */
};

struct cpc_station {
	uint32_t id;
	uint64_t frames;
	uint64_t digest;	  /* sum of the frames' digests: the order does not matter */
	uint32_t last_ms;	  /* the sender's time stamp, mod 2^32 */
	uint64_t span_ms;	  /* from the first to the last one */
	uint64_t backward;	  /* frames stamped no later than the one before: repeated */
	uint32_t shortest_ms;
	uint64_t period_sum_ms;	  /* of the gaps that are about one period */
	uint64_t period_count;
};

struct cpc_stations {
	struct cpc_station stations[CPC_STATIONS_MAX];
	size_t count;
	uint64_t overflow_frames; /* of stations that did not fit */
};

/* Note a frame of station @id; @timestamp_ms is the sender's. */
void cpc_stations_add(struct cpc_stations *stations, uint32_t id, uint32_t timestamp_ms,
		      uint64_t digest);

/* Note a frame without a time stamp, which nothing about losses follows from. */
void cpc_stations_count(struct cpc_stations *stations, uint32_t id, uint64_t digest);

/* The mean period in ms, or 0 while it is not known. */
double cpc_station_period_ms(const struct cpc_station *station);

/* How many frames between the first and the last one did not arrive; 0 while not known. */
uint64_t cpc_station_lost(const struct cpc_station *station);

#endif
