// SPDX-License-Identifier: BSD-3-Clause
/* Per-station bookkeeping of a receiver; see station.h. Pure. */
#include "tools/v2xgen/station.h"

#include <assert.h>

static struct cpc_station *find(struct cpc_stations *stations, uint32_t id)
{
	struct cpc_station *station;

	for (size_t i = 0; i < stations->count; i++)
		if (stations->stations[i].id == id)
			return &stations->stations[i];
	if (stations->count == CPC_STATIONS_MAX)
		return NULL;
	station = &stations->stations[stations->count++];
	*station = (struct cpc_station){ .id = id };
	return station;
}

/* A gap counts as one period while it is under one and a half of the shortest. */
static void add_gap(struct cpc_station *station, uint32_t gap_ms)
{
	if (station->shortest_ms == 0 || gap_ms < station->shortest_ms) {
		/* What went for one period may have been two: begin anew. */
		if ((uint64_t)gap_ms * 3 < (uint64_t)station->shortest_ms * 2)
			station->period_sum_ms = station->period_count = 0;
		station->shortest_ms = gap_ms;
	}
	if ((uint64_t)gap_ms * 2 < (uint64_t)station->shortest_ms * 3) {
		station->period_sum_ms += gap_ms;
		station->period_count++;
	}
}

void cpc_stations_count(struct cpc_stations *stations, uint32_t id, uint64_t digest)
{
	struct cpc_station *station = find(stations, id);

	if (!station) {
		stations->overflow_frames++;
		return;
	}
	station->frames++;
	station->digest += digest;
}

void cpc_stations_add(struct cpc_stations *stations, uint32_t id, uint32_t timestamp_ms,
		      uint64_t digest)
{
	struct cpc_station *station = find(stations, id);
	uint32_t gap_ms;

	if (!station) {
		stations->overflow_frames++;
		return;
	}
	gap_ms = timestamp_ms - station->last_ms;
	station->digest += digest;
	if (station->frames++ == 0) {
		station->last_ms = timestamp_ms;
		return;
	}
	if (gap_ms == 0 || gap_ms > INT32_MAX) {
		station->backward++;
		return;
	}
	station->last_ms = timestamp_ms;
	station->span_ms += gap_ms;
	add_gap(station, gap_ms);
}

double cpc_station_period_ms(const struct cpc_station *station)
{
	assert(station->period_count == 0 || station->period_sum_ms > 0);
	return station->period_count ?
		       (double)station->period_sum_ms / (double)station->period_count : 0;
}

uint64_t cpc_station_lost(const struct cpc_station *station)
{
	double period_ms = cpc_station_period_ms(station);
	uint64_t expected, forward = station->frames - station->backward;

	if (period_ms == 0)
		return 0;
	expected = (uint64_t)((double)station->span_ms / period_ms + 0.5) + 1;
	return expected > forward ? expected - forward : 0;
}
