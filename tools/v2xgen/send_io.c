// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sending: the drive gives the motion at each tick of the schedule, frame.c the octets. The n-th
 * frame stands for the moment of the n-th tick, however late the program was woken, so a receiver
 * sees exact periods.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/util/cleanup.h"
#include "tools/v2xgen/frame.h"
#include "tools/v2xgen/speed_io.h"
#include "tools/v2xgen/track.h"
#include "tools/v2xgen/v2xgen_io.h"
#include "tools/v2xgen/verbs.h"

enum {
	CLOCK_JUMP_MS = 50, /* beyond this the wall clock was set, and the stamps follow it */
};

/* Where speed, heading and perhaps position come from. */
struct drive {
	const struct cpc_v2x_options *options;
	struct cpc_track track;	  /* with count > 0 */
	struct cpc_speed speed;	  /* with has_speed */
	bool has_speed;
	bool started;
	double last_speed_m_s, last_heading_deg;
	struct cpc_v2x_motion motion;
};

struct totals {
	uint64_t sent, not_sent, late_ticks, bytes, digest;
	uint64_t worst_late_ns;
	double worst_speed_m_s;
};

static void drive_done(struct drive *drive)
{
	cpc_track_done(&drive->track);
	if (drive->has_speed)
		cpc_speed_close(&drive->speed);
}

static int open_track(struct drive *drive, const char *path, struct cpc_error *error)
{
	struct cpc_error detail = { 0 };
	CPC_FREE char *text = NULL;
	size_t size;
	int r;

	r = cpc_v2x_read_file(path, CPC_TRACK_SIZE_MAX, &text, &size, error);
	if (r < 0)
		return r;
	r = cpc_track_parse(text, size, &drive->track, &detail);
	if (r < 0)
		cpc_error_set(error, "track '%.80s': %s", path, detail.text);
	return r;
}

static int drive_init(struct drive *drive, const struct cpc_v2x_options *options,
		      struct cpc_error *error)
{
	int r = 0;

	drive->options = options;
	drive->motion.latitude_deg = options->latitude_deg;
	drive->motion.longitude_deg = options->longitude_deg;
	if (options->track)
		r = open_track(drive, options->track, error);
	else if (options->has_layout)
		r = cpc_speed_open_layout(options->can, &options->layout, &drive->speed, error);
	else if (options->can)
		r = cpc_speed_open_dbc(options->can, options->dbc, options->speed_signal,
				       options->speed_factor, &drive->speed, error);
	drive->has_speed = options->can && r == 0;
	return r;
}

/* Bring drive->motion to @seconds after the start, which is @unix_ms on the wall clock. */
static void drive_step(struct drive *drive, double seconds, uint64_t unix_ms)
{
	struct cpc_v2x_motion *motion = &drive->motion;
	double period_s = 1 / drive->options->rate_hz;
	double speed = drive->options->speed_m_s, heading = drive->options->heading_deg;
	struct cpc_track_point point = { 0 };
	double turn;

	if (drive->track.count > 0) {
		point = cpc_track_at(&drive->track, seconds);
		speed = point.speed_m_s;
		heading = point.heading_deg;
	} else if (drive->has_speed) {
		speed = cpc_speed_now(&drive->speed, cpc_v2x_monotonic_ns() / 1000000);
	}
	if (!drive->started) {
		motion->unix_ms = unix_ms;
		drive->last_speed_m_s = speed;
		drive->last_heading_deg = heading;
	}
	turn = cpc_track_turn(drive->last_heading_deg, heading);
	cpc_v2x_motion_advance(motion, unix_ms, (drive->last_speed_m_s + speed) / 2,
			       drive->last_heading_deg + turn / 2);
	if (drive->track.has_position) {
		motion->latitude_deg = point.latitude_deg;
		motion->longitude_deg = point.longitude_deg;
	}
	motion->speed_m_s = speed;
	motion->heading_deg = heading;
	motion->acceleration_m_s2 = (speed - drive->last_speed_m_s) / period_s;
	motion->yaw_rate_deg_s = -turn / period_s;
	drive->last_speed_m_s = speed;
	drive->last_heading_deg = heading;
	drive->started = true;
}

static int sender_init(struct cpc_v2x_sender *sender, const struct cpc_v2x_options *options,
		       const uint8_t mac[6], struct cpc_error *error)
{
	struct cpc_v2x_config config = {
		.carrier = options->wsmp ? CPC_V2X_WSMP : CPC_V2X_CAM,
		.station_id = (uint32_t)options->station,
		.size = (size_t)options->size,
		.trailing = (size_t)options->trailing,
	};

	memcpy(config.mac, mac, sizeof(config.mac));
	return cpc_v2x_sender_init(sender, &config, error);
}

/* How many frames --count and --seconds ask for; UINT64_MAX: no end. */
static uint64_t frames_wanted(const struct cpc_v2x_options *options)
{
	double wanted = options->count > 0 ? options->count : INFINITY;

	if (options->seconds > 0)
		wanted = fmin(wanted, ceil(options->seconds * options->rate_hz - 1e-9));
	return isfinite(wanted) ? (uint64_t)wanted : UINT64_MAX;
}

/* Adds the frame to the totals, by what a receiver would decode of it. */
static int account(struct totals *totals, const struct cpc_v2x_options *options,
		   const uint8_t *frame, size_t size)
{
	struct cpc_v2x_received received;
	int r = cpc_v2x_frame_decode(frame, size, &received);

	if (r < 0)
		return r;
	totals->sent++;
	totals->bytes += size;
	totals->digest += received.digest;
	if (options->verbose)
		printf(options->json ? "{\"bytes\":%zu,\"digest\":\"%016" PRIx64 "\"}\n" :
				       "%zu bytes, digest %016" PRIx64 "\n",
		       size, received.digest);
	return 0;
}

static void print_totals(const struct totals *totals, const struct cpc_v2x_options *options)
{
	const char *format = options->json ?
		"{\"station\":%u,\"sent\":%" PRIu64 ",\"not_sent\":%" PRIu64
		",\"skipped_ticks\":%" PRIu64 ",\"bytes\":%" PRIu64
		",\"worst_late_us\":%" PRIu64 ",\"digest\":\"%016" PRIx64 "\"}\n" :
		"station %u: %" PRIu64 " frames sent, %" PRIu64 " not sent, %" PRIu64
		" ticks skipped, %" PRIu64 " bytes, at worst %" PRIu64
		" us late, digest %016" PRIx64 "\n";

	printf(format, (unsigned int)options->station, totals->sent, totals->not_sent,
	       totals->late_ticks, totals->bytes, totals->worst_late_ns / 1000, totals->digest);
}

struct schedule {
	int fd;
	uint64_t period_ns, first_ns;
	uint64_t ticks;	  /* expired, so also the number of the next frame to send, plus one */
	uint64_t unix_ms; /* wall clock of the first tick */
};

/* The wall clock of tick @tick (from 0). A step of the clock moves all later ones. */
static uint64_t tick_time(struct schedule *schedule, uint64_t tick)
{
	uint64_t since_ms = tick * schedule->period_ns / 1000000;
	uint64_t now_ns = cpc_v2x_monotonic_ns();
	uint64_t late_ms = (now_ns - schedule->first_ns - tick * schedule->period_ns) / 1000000;
	uint64_t first_ms = cpc_v2x_realtime_ms() - late_ms - since_ms;

	if (schedule->unix_ms == 0 ||
	    llabs((long long)(first_ms - schedule->unix_ms)) > CLOCK_JUMP_MS)
		schedule->unix_ms = first_ms;
	return schedule->unix_ms + since_ms;
}

/* One tick: build the frame and send it. A full queue or a downed radio loses it, as on a car. */
static int tick(struct schedule *schedule, struct drive *drive, struct cpc_v2x_sender *sender,
		const struct cpc_v2x_link *link, struct totals *totals, struct cpc_error *error)
{
	uint64_t number = schedule->ticks - 1;
	uint64_t late_ns = cpc_v2x_monotonic_ns() - schedule->first_ns -
			   number * schedule->period_ns;
	uint8_t frame[CPC_V2X_FRAME_MAX + CPC_V2X_TRAILING_MAX];
	size_t size;
	int r;

	if (late_ns > totals->worst_late_ns)
		totals->worst_late_ns = late_ns;
	drive_step(drive, (double)(number * schedule->period_ns) / 1e9,
		   tick_time(schedule, number));
	r = cpc_v2x_sender_frame(sender, &drive->motion, frame, sizeof(frame), &size);
	if (r < 0)
		return r;
	r = cpc_v2x_send(link, frame, size);
	if (r == 0)
		return account(totals, drive->options, frame, size);
	if (r == -ENOBUFS || r == -ENETDOWN) {
		totals->not_sent++;
		return 0;
	}
	cpc_error_set(error, "interface '%s': send of %zu bytes: %s", drive->options->iface, size,
		      strerror(-r));
	return r;
}

static int send_loop(const struct cpc_v2x_options *options, struct schedule *schedule,
		     int stop_fd, struct drive *drive, struct cpc_v2x_sender *sender,
		     const struct cpc_v2x_link *link, struct totals *totals,
		     struct cpc_error *error)
{
	const uint64_t wanted = frames_wanted(options);
	struct pollfd fds[] = {
		{ .fd = schedule->fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
		{ .fd = drive->has_speed ? drive->speed.fd : -1, .events = POLLIN },
	};

	while (schedule->ticks < wanted) {
		uint64_t expired;
		int r;

		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			break;
		if (fds[2].revents)
			cpc_speed_read(&drive->speed, cpc_v2x_monotonic_ns() / 1000000);
		if (!fds[0].revents ||
		    read(schedule->fd, &expired, sizeof(expired)) != sizeof(expired))
			continue;
		schedule->ticks += expired;
		totals->late_ticks += expired - 1;
		r = tick(schedule, drive, sender, link, totals, error);
		if (r < 0)
			return r;
	}
	return 0;
}

static void link_done(struct cpc_v2x_link *link)
{
	cpc_cleanup_close(&link->fd);
}

int cpc_v2x_verb_send(const struct cpc_v2x_options *options, struct cpc_error *error)
{
	CPC_CLEANUP(drive_done) struct drive drive = { 0 };
	CPC_CLEANUP(link_done) struct cpc_v2x_link link = { .fd = -1 };
	CPC_CLOSE int stop_fd = -1, timer_fd = -1;
	int64_t phase_ns = options->phase_ms < 0 ? -1 : (int64_t)(options->phase_ms * 1e6);
	struct schedule schedule = { .period_ns = (uint64_t)(1e9 / options->rate_hz) };
	struct cpc_v2x_sender sender;
	struct totals totals = { 0 };
	int r;

	r = cpc_v2x_open_sender(options->iface, &link, error);
	if (r == 0)
		r = sender_init(&sender, options, link.mac, error);
	if (r == 0)
		r = drive_init(&drive, options, error);
	if (r == 0 && options->realtime)
		r = cpc_v2x_realtime(error);
	if (r == 0)
		r = cpc_v2x_open_stop(&stop_fd, error);
	if (r == 0)
		r = cpc_v2x_open_schedule(schedule.period_ns, phase_ns, &schedule.first_ns,
					  &timer_fd, error);
	if (r < 0)
		return r;
	schedule.fd = timer_fd;
	r = send_loop(options, &schedule, stop_fd, &drive, &sender, &link, &totals, error);
	print_totals(&totals, options);
	return r;
}

int cpc_v2x_verb_pcap(const struct cpc_v2x_options *options, struct cpc_error *error)
{
	CPC_CLEANUP(drive_done) struct drive drive = { 0 };
	CPC_FCLOSE FILE *file = NULL;
	const uint32_t id = (uint32_t)options->station;
	/* A locally administered address that tells the station. */
	const uint8_t mac[6] = { 2, 0, id >> 24, id >> 16 & 255, id >> 8 & 255, id & 255 };
	const uint64_t wanted = frames_wanted(options);
	struct cpc_v2x_sender sender;
	struct totals totals = { 0 };
	int r;

	r = sender_init(&sender, options, mac, error);
	if (r == 0)
		r = drive_init(&drive, options, error);
	if (r == 0)
		r = cpc_v2x_pcap_create(options->out, &file, error);
	for (uint64_t i = 0; r == 0 && i < wanted; i++) {
		uint8_t frame[CPC_V2X_FRAME_MAX + CPC_V2X_TRAILING_MAX];
		double seconds = (double)i / options->rate_hz;
		size_t size;

		drive_step(&drive, seconds, (uint64_t)((options->time + seconds) * 1000 + 0.5));
		r = cpc_v2x_sender_frame(&sender, &drive.motion, frame, sizeof(frame), &size);
		if (r == 0)
			r = account(&totals, options, frame, size);
		if (r == 0)
			r = cpc_v2x_pcap_append(file, drive.motion.unix_ms, frame, size);
	}
	if (r == 0 && fflush(file) != 0)
		r = -EIO;
	if (r == -EIO)
		cpc_error_set(error, "file '%s': cannot be written", options->out);
	if (r == 0)
		print_totals(&totals, options);
	return r;
}
