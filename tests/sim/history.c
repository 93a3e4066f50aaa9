// SPDX-License-Identifier: BSD-3-Clause
/*
 * history.c - the log as whoever decided first decided it; everybody else is held against it.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

u64 sim_sum(const u8 *data, size_t len)
{
	u64 sum = len;
	size_t i;

	for (i = 0; i < len; i++)
		sum = (sum ^ data[i]) * 0x9e3779b97f4a7c15ull;
	return sum;
}

void sim_log_reset(struct sim_log *log)
{
	unsigned int i;

	log->used = 0;
	for (i = 0; i < SIM_MEMBERS; i++)
		log->lane[i].used = 0;
}

struct sim_logged *sim_log_find(struct sim_log *log, u32 slot)
{
	return slot && slot <= log->used ? &log->slot[slot - 1] : NULL;
}

struct sim_logged *sim_log_append(struct sim_log *log)
{
	if (log->used == log->size) {
		log->size = log->size ? 2 * log->size : 64;
		log->slot = realloc(log->slot, log->size * sizeof(*log->slot));
		if (!log->slot)
			abort();
	}
	memset(&log->slot[log->used], 0, sizeof(*log->slot));
	return &log->slot[log->used++];
}

struct sim_lane_entry *sim_lane_append(struct sim_lane_log *lane)
{
	if (lane->used == lane->size) {
		lane->size = lane->size ? 2 * lane->size : 64;
		lane->entry = realloc(lane->entry, lane->size * sizeof(*lane->entry));
		if (!lane->entry)
			abort();
	}
	return &lane->entry[lane->used++];
}
