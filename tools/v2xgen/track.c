// SPDX-License-Identifier: BSD-3-Clause
/* Parsing and reading tracks; see track.h. Pure. */
#include "tools/v2xgen/track.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/cleanup.h"

enum {
	LINE_MAX_SIZE = 256,
	FIELDS_MAX = 5,
};

static const struct {
	const char *name;
	double min, max;
} fields[FIELDS_MAX] = {
	{ "time in s", 0, 1e7 },
	{ "speed in m/s", -163.82, 163.82 }, /* the largest that a CAM's DE_SpeedValue says */
	{ "heading in degrees", 0, 360 },
	{ "latitude in degrees", -90, 90 },
	{ "longitude in degrees", -180, 180 },
};

/* The words of one line, which is cut up in place; returns their count, or -1 for too many. */
static int split(char *line, char *words[FIELDS_MAX])
{
	char *state = NULL;
	int count = 0;

	line[strcspn(line, "#")] = '\0';
	for (char *word = strtok_r(line, " \t\r,", &state); word;
	     word = strtok_r(NULL, " \t\r,", &state)) {
		if (count == FIELDS_MAX)
			return -1;
		words[count++] = word;
	}
	return count;
}

static int parse_line(char *line, unsigned int number, double values[FIELDS_MAX],
		      struct cpc_error *error)
{
	char *words[FIELDS_MAX];
	int count = split(line, words);

	if (count != 0 && count != 3 && count != 5) {
		cpc_error_set(error, "line %u: 3 or 5 numbers expected", number);
		return -EINVAL;
	}
	for (int i = 0; i < count; i++) {
		char *end;

		values[i] = strtod(words[i], &end);
		if (*end != '\0') {
			cpc_error_set(error, "line %u: '%.40s' is not a number", number, words[i]);
			return -EINVAL;
		}
		if (!(values[i] >= fields[i].min && values[i] <= fields[i].max)) {
			cpc_error_set(error, "line %u: %s '%.40s' is not in %g..%g", number,
				      fields[i].name, words[i], fields[i].min, fields[i].max);
			return -EINVAL;
		}
	}
	return count;
}

/* Add one parsed line; @capacity is that of track->points. */
static int append(struct cpc_track *track, size_t *capacity, const double *values, int count,
		  unsigned int number, struct cpc_error *error)
{
	bool has_position = count == 5;

	if (track->count > 0 && has_position != track->has_position) {
		cpc_error_set(error, "line %u: positions must be on every line or on none", number);
		return -EINVAL;
	}
	if (track->count > 0 && values[0] <= track->points[track->count - 1].seconds) {
		cpc_error_set(error, "line %u: time %g is not after %g", number, values[0],
			      track->points[track->count - 1].seconds);
		return -EINVAL;
	}
	if (track->count == CPC_TRACK_POINTS_MAX) {
		cpc_error_set(error, "line %u: more than %d points", number, CPC_TRACK_POINTS_MAX);
		return -EINVAL;
	}
	if (track->count == *capacity) {
		size_t larger = *capacity ? *capacity * 2 : 64;
		struct cpc_track_point *points =
			reallocarray(track->points, larger, sizeof(*points));

		if (!points)
			return -ENOMEM;
		track->points = points;
		*capacity = larger;
	}
	track->has_position = has_position;
	track->points[track->count++] = (struct cpc_track_point){
		.seconds = values[0],
		.speed_m_s = values[1],
		.heading_deg = values[2],
		.latitude_deg = has_position ? values[3] : 0,
		.longitude_deg = has_position ? values[4] : 0,
	};
	return 0;
}

int cpc_track_parse(const char *text, size_t size, struct cpc_track *ret_track,
		    struct cpc_error *error)
{
	CPC_CLEANUP(cpc_track_done) struct cpc_track track = { 0 };
	const char *end = text + size;
	unsigned int number = 0;
	size_t capacity = 0;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);
		double values[FIELDS_MAX];
		char line[LINE_MAX_SIZE];
		int r;

		number++;
		if (length >= sizeof(line) || memchr(text, '\0', length)) {
			cpc_error_set(error, "line %u: not a line of a track file", number);
			return -EINVAL;
		}
		memcpy(line, text, length);
		line[length] = '\0';
		r = parse_line(line, number, values, error);
		if (r > 0)
			r = append(&track, &capacity, values, r, number, error);
		if (r < 0)
			return r;
		text += length + (newline ? 1 : 0);
	}
	if (track.count == 0) {
		cpc_error_set(error, "no points in it");
		return -EINVAL;
	}
	*ret_track = track;
	track.points = NULL;
	return 0;
}

void cpc_track_done(struct cpc_track *track)
{
	free(track->points);
	track->points = NULL;
	track->count = 0;
}

double cpc_track_turn(double from_deg, double to_deg)
{
	return remainder(to_deg - from_deg, 360);
}

static double between(double from, double to, double part)
{
	return from + (to - from) * part;
}

struct cpc_track_point cpc_track_at(const struct cpc_track *track, double seconds)
{
	const struct cpc_track_point *points = track->points;
	size_t low = 0, high = track->count - 1;
	struct cpc_track_point point;
	double part;

	assert(track->count > 0);
	if (seconds <= points[low].seconds || high == low)
		return points[low];
	if (seconds >= points[high].seconds)
		return points[high];
	/* points[low] is at or before @seconds, points[high] after it. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (points[middle].seconds <= seconds)
			low = middle;
		else
			high = middle;
	}
	part = (seconds - points[low].seconds) / (points[high].seconds - points[low].seconds);
	point = (struct cpc_track_point){
		.seconds = seconds,
		.speed_m_s = between(points[low].speed_m_s, points[high].speed_m_s, part),
		.heading_deg = points[low].heading_deg +
			       part * cpc_track_turn(points[low].heading_deg,
						     points[high].heading_deg),
		.latitude_deg = between(points[low].latitude_deg, points[high].latitude_deg, part),
		.longitude_deg = between(points[low].longitude_deg, points[high].longitude_deg,
					 part),
	};
	point.heading_deg = fmod(point.heading_deg + 360, 360);
	return point;
}
