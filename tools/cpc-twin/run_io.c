// SPDX-License-Identifier: BSD-3-Clause
/*
 * run_io.c - the event loop: frames in, timers, frames out; see run.h.
 *
 * Meant as a fair rival of the module: one system call waits with the deadline as its argument, one
 * reads up to 32 frames, one sends; nothing is allocated.
 */
#include "tools/cpc-twin/run.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

static u64 sooner(u64 a, u64 b)
{
	return a < b ? a : b;
}

static u64 wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static bool transmit(struct cpc_twin_run *run, const u8 *frame, size_t len)
{
	bool sent = cpc_air_send(run->air, frame, len) == 0;

	run->send_errors += !sent;
	return sent;
}

/* ---- frames out ------------------------------------------------------------------------------ */

/* A CAM at the front of @frame. Returns its length. */
static size_t make_carrier(struct cpc_twin_run *run, u8 *frame)
{
	struct cpc_v2x_motion *motion = &run->motion;
	size_t len;

	if (!motion->unix_ms)
		motion->unix_ms = wall_ms();
	else
		cpc_v2x_motion_advance(motion, wall_ms(), motion->speed_m_s, motion->heading_deg);
	if (cpc_v2x_sender_frame(&run->sender, motion, frame, CPC_V2X_FRAME_MAX, &len) < 0)
		return 0;
	return len;
}

/* Sends @len bytes at @frame, of which the last are an element; counts them as of their kind. */
static void send_counted(struct cpc_twin_run *run, const u8 *frame, size_t len, bool standalone)
{
	if (!transmit(run, frame, len))
		return;
	if (standalone)
		run->extra_frames++;
	else
		run->carriers++;
}

/* What is in front of an element: an Ethernet header, or a carrier. */
static size_t make_front(struct cpc_twin_run *run, bool standalone, u8 *frame)
{
	if (!standalone)
		return make_carrier(run, frame);
	cpc_air_header(run->air, CPC_ETHERTYPE_ELEMENT, frame);
	return CPC_AIR_ETHERNET;
}

static size_t room_behind(const struct cpc_twin_run *run, size_t front)
{
	size_t used = front - CPC_AIR_ETHERNET, room = cpc_air_room(run->air);

	return used < room ? room - used : 0;
}

static void speak(struct cpc_twin_run *run, u64 now_us, bool standalone)
{
	u8 frame[CPC_V2X_FRAME_MAX + CPC_ELEMENT_MAX];
	size_t front = make_front(run, standalone, frame);
	int len;

	if (!front)
		return;
	len = cpc_twin_make(run->cell, now_us, standalone, frame + front, room_behind(run, front));
	/* A carrier leaves in any case, it is the V2X stack's. */
	if (len > 0 || !standalone)
		send_counted(run, frame, front + (len > 0 ? (size_t)len : 0), standalone);
}

static void replay(struct cpc_twin_run *run, u8 *frame, size_t front, bool standalone)
{
	const u8 *element;
	size_t len;

	element = cpc_lie_replay(run->lie, &len);
	if (!element || len > room_behind(run, front))
		return;
	memcpy(frame + front, element, len);
	send_counted(run, frame, front + len, standalone);
}

/* As speak(), but each audience gets a frame of its own. */
static void lie(struct cpc_twin_run *run, u64 now_us, bool standalone)
{
	static struct cpc_lie_word words[CPC_LIE_WORDS];
	u8 frame[CPC_V2X_FRAME_MAX + CPC_ELEMENT_MAX];
	size_t front = make_front(run, standalone, frame), len, room;
	unsigned int count, i;

	if (!front)
		return;
	run->cell->send_due = false;
	room = room_behind(run, front) - cpc_element_trailer(run->cell->n);
	count = run->cell->keys ? cpc_lie_tell(run->lie, now_us, room, standalone, words) : 0;
	for (i = 0; i < count; i++) {
		memcpy(frame + front, words[i].data, words[i].len);
		len = cpc_twin_seal(run->cell, frame + front, words[i].len, words[i].receivers,
				    cpc_lie_noise(run->lie));
		cpc_lie_save(run->lie, frame + front, len);
		run->cell->stats.tx_elements++;
		run->cell->stats.tx_bytes += len;
		send_counted(run, frame, front + len, standalone);
	}
	if (count)
		replay(run, frame, front, standalone);
	else if (!standalone)
		send_counted(run, frame, front, false);
}

static void say(struct cpc_twin_run *run, u64 now_us, bool standalone)
{
	if (run->lie)
		lie(run, now_us, standalone);
	else
		speak(run, now_us, standalone);
}

/* ---- frames in ------------------------------------------------------------------------------- */

static void on_frame(void *ctx, const u8 *data, size_t len, bool standalone)
{
	struct cpc_twin_run *run = ctx;
	u64 now_us = cpc_twin_now_us();
	struct cpc_location at;
	const u8 *element;
	size_t sections;

	run->frames_heard++;
	element = cpc_twin_take(run->cell, now_us, data, len, standalone, &sections);
	if (!run->lie || !element)
		return;
	cpc_lie_hear(run->lie, now_us, element, sections);
	if (cpc_element_locate(data, len, &at) == CPC_LOCATE_FOUND)
		cpc_lie_save(run->lie, data + at.start, at.len);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Returns whether the lane took it. */
static bool submit(struct cpc_twin_run *run, u64 now_us)
{
	u8 data[CPC_ENTRY_DATA_MAX + 1];
	const struct cpc_twin_options *o = run->options;
	char text[48];
	int len = snprintf(text, sizeof(text), "%llu of twin %u ",
			   (unsigned long long)run->entries + 1, run->self);

	memset(data, '.', o->size);
	memcpy(data, text, (u32)len < o->size ? (u32)len : o->size);
	if (cpc_twin_submit(run->cell, now_us, o->kind, data, o->size) != 0)
		return false;
	run->entries++;
	if (run->lie)
		cpc_lie_submit(run->lie, now_us, o->kind, data, o->size);
	return true;
}

static bool may_submit(const struct cpc_twin_run *run)
{
	return !run->options->stop_after || run->entries < run->options->stop_after;
}

static void submit_due(struct cpc_twin_run *run, u64 now_us)
{
	while (run->options->window && may_submit(run) && run->cell->keys &&
	       cpc_twin_open_entries(run->cell) < run->options->window && submit(run, now_us))
		;
	if (now_us < run->submit_us)
		return;
	if (may_submit(run) && !submit(run, now_us))
		run->lane_full++;
	run->submit_us += run->options->submit_ms * 1000ull;
	if (run->submit_us < now_us)
		run->submit_us = now_us;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void timers(struct cpc_twin_run *run, u64 now_us)
{
	struct cpc_event tick = { .type = CPC_EV_TICK };

	if (now_us >= run->cell->wake_us)
		cpc_twin_step(run->cell, now_us, &tick);
	if (run->lie && now_us >= run->lie->wake_us)
		cpc_lie_tick(run->lie, now_us);
	submit_due(run, now_us);
	if (now_us >= run->carrier_us) {
		run->carrier_us += 1000000ull / run->options->carrier_hz;
		if (run->carrier_us < now_us)
			run->carrier_us = now_us;
		say(run, now_us, false);
	}
	if (run->cell->send_due || (run->lie && run->lie->send_due))
		say(run, now_us, true);
	if (now_us >= run->end_us)
		run->stop = true;
}

static u64 due_us(const struct cpc_twin_run *run)
{
	u64 due = sooner(sooner(run->carrier_us, run->submit_us),
			 sooner(run->end_us, run->cell->wake_us));

	return run->lie ? sooner(due, run->lie->wake_us) : due;
}

/* Everything that is due in the sessions' own loop, which sleeps in ours. */
static int pump(sd_event *event)
{
	int r;

	do {
		r = sd_event_prepare(event);
		r = r ? r : sd_event_wait(event, 0);
		r = r > 0 ? sd_event_dispatch(event) : r;
	} while (r > 0);
	return r;
}

static int wait_and_read(struct cpc_twin_run *run)
{
	struct epoll_event events[4];
	u64 now_us = cpc_twin_now_us(), due = due_us(run);
	u64 left_us = due > now_us ? due - now_us : 0;
	struct timespec limit = {
		.tv_sec = (time_t)(left_us / 1000000),
		.tv_nsec = (long)(left_us % 1000000) * 1000,
	};
	int i, count, r = 0;

	count = epoll_pwait2(run->epoll_fd, events, 4, due == CPC_NEVER_US ? NULL : &limit, NULL);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < count && r >= 0; i++) {
		if (events[i].data.fd == run->signal_fd)
			run->stop = true;
		else if (events[i].data.fd == cpc_air_fd(run->air))
			r = cpc_air_read(run->air, on_frame, run);
		else
			r = pump(run->event);
	}
	return r < 0 ? r : 0;
}

static void start(struct cpc_twin_run *run)
{
	const struct cpc_twin_options *o = run->options;

	run->start_us = cpc_twin_now_us();
	run->carrier_us = o->carrier_hz ? run->start_us + o->phase_ms * 1000ull : CPC_NEVER_US;
	run->submit_us = o->submit_ms ? run->start_us + o->submit_ms * 1000ull : CPC_NEVER_US;
	run->end_us = o->seconds ? run->start_us + o->seconds * 1000000ull : CPC_NEVER_US;
	getrusage(RUSAGE_SELF, &run->start_usage);
}

int cpc_twin_loop(struct cpc_twin_run *run, struct cpc_error *error)
{
	int r = run->event ? pump(run->event) : 0;

	start(run);
	while (r == 0 && !run->stop) {
		r = wait_and_read(run);
		timers(run, cpc_twin_now_us());
	}
	if (r < 0)
		cpc_error_set(error, "%s: %s", run->config.interface, strerror(-r));
	return r;
}
