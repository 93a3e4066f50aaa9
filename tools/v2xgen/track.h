/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tracks: how a vehicle drives, as text. One point per line,
 *
 *   seconds speed_mps heading_deg [latitude_deg longitude_deg]
 *
 * blanks between the numbers, '#' begins a comment. Between the points all is linear (the heading
 * the short way round), before the first and after the last one it stays. With positions, which
 * then every line has, the vehicle is where they say; without, its position follows from the speed.
 * Pure.
 */
#ifndef TOOLS_V2XGEN_TRACK_H
#define TOOLS_V2XGEN_TRACK_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/util/error.h"

enum {
	CPC_TRACK_POINTS_MAX = 100000,	/* more is refused: 10 per second for almost 3 hours */
	CPC_TRACK_SIZE_MAX = 16 << 20,	/* octets of text */
};

struct cpc_track_point {
	double seconds;
	double speed_m_s;	  /* -163.82..163.82, negative: backwards */
	double heading_deg;	  /* 0..360 from north, clockwise */
	double latitude_deg, longitude_deg;
};

struct cpc_track {
	struct cpc_track_point *points;
	size_t count;
	bool has_position;
};

/*
 * Parse @size octets of text. -EINVAL with a text that names the line and the value, -ENOMEM.
 * Release it with cpc_track_done().
 */
int cpc_track_parse(const char *text, size_t size, struct cpc_track *ret_track,
		    struct cpc_error *error);
void cpc_track_done(struct cpc_track *track);

/* The track at @seconds; its positions are 0 without has_position. */
struct cpc_track_point cpc_track_at(const struct cpc_track *track, double seconds);

/* The turn from one heading to another, the short way, in -180..180 degrees, clockwise. */
double cpc_track_turn(double from_deg, double to_deg);

#endif
