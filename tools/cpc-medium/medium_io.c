// SPDX-License-Identifier: BSD-3-Clause
/*
 * medium_io.c - the channel in real time between hwsim's radios.
 *
 *    hwsim --frame--> on_frame() --> cpc_channel_send()     time: CLOCK_MONOTONIC, microseconds
 *    timer at cpc_channel_next_us() --> cpc_channel_advance() --> conclude() --> hwsim
 *
 * Each frame has a slot here from its coming until its transmitter has been told how it went; the
 * slot's number is its tag in the channel. A machine that is late delivers late, which the report
 * says; the model's own times do not suffer from it.
 */
#include "tools/cpc-medium/medium_io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "agent/util/cleanup.h"
#include "tools/cpc-medium/hwsim.h"
#include "tools/cpc-medium/mpdu.h"
#include "tools/cpc-medium/report.h"

enum { LATE_BUCKETS = 1000, LATE_BUCKET_US = 100 };

struct slot {
	struct slot *next;		/* in the list of free ones */
	bool used;
	uint8_t station;
	struct cpc_hwsim_frame frame;	/* its data is the copy below */
	uint8_t data[CPC_HWSIM_FRAME_MAX];
};

struct medium {
	const struct cpc_medium_options *options;
	const struct cpc_scenario *scenario;
	struct cpc_error *error;
	struct cpc_hwsim *hwsim;
	struct cpc_channel channel;
	uint8_t mac[CPC_STATIONS_MAX][CPC_MAC_BYTES];	/* last seen as a transmitter's address */
	struct slot *slot, *spare;
	int epoll, timer, signals;
	bool stop, input_bad;
	uint64_t timer_us, report_us;
	uint64_t strangers, malformed, overflows;
	uint64_t late_count, late_sum_us, late_max_us, late[LATE_BUCKETS];
	char line[CPC_SCENARIO_LINE_MAX + 2];
	size_t line_len;
};

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static unsigned int radio_of(const struct medium *m, unsigned int station)
{
	return m->options->radios ? m->options->radio[station] : station;
}

static int station_of(const struct medium *m, const uint8_t name[CPC_MAC_BYTES])
{
	int radio = cpc_hwsim_radio(name);
	unsigned int i;

	for (i = 0; i < m->scenario->stations; i++)
		if (radio >= 0 && radio_of(m, i) == (unsigned int)radio)
			return (int)i;
	return -1;
}

/* Who has this address: as far as known the last station that sent by it, else hwsim's own one. */
static uint8_t station_with(const struct medium *m, const uint8_t mac[CPC_MAC_BYTES])
{
	uint8_t name[CPC_MAC_BYTES];
	unsigned int i;

	for (i = 0; i < m->scenario->stations; i++)
		if (!memcmp(m->mac[i], mac, CPC_MAC_BYTES))
			return (uint8_t)i;
	memcpy(name, mac, sizeof(name));
	name[0] |= 0x40;
	return (uint8_t)station_of(m, name);	/* -1: nobody, as 255 */
}

static void note_late(struct medium *m, uint64_t us)
{
	uint64_t bucket = us / LATE_BUCKET_US;

	m->late_count++;
	m->late_sum_us += us;
	m->late_max_us = us > m->late_max_us ? us : m->late_max_us;
	m->late[bucket < LATE_BUCKETS ? bucket : LATE_BUCKETS - 1]++;
}

static void release(struct medium *m, struct slot *slot)
{
	slot->used = false;
	slot->next = m->spare;
	m->spare = slot;
}

/* A frame's way is over: to its receivers, and word to its transmitter. */
static void conclude(struct medium *m, const struct cpc_channel_done *done)
{
	struct slot *slot = &m->slot[done->frame.tag];
	uint8_t to = done->frame.to;
	unsigned int i;
	int rssi = -50;

	for (i = 0; i < m->scenario->stations; i++)
		if (done->received >> i & 1)
			cpc_hwsim_deliver(m->hwsim, radio_of(m, i), &slot->frame,
					  m->scenario->rate_mbit_s,
					  cpc_channel_rssi_dbm(&m->channel, slot->station, i));
	if (to != CPC_ALL_STATIONS)
		rssi = cpc_channel_rssi_dbm(&m->channel, to, slot->station);
	cpc_hwsim_status(m->hwsim, &slot->frame, done->attempts,
			 to != CPC_ALL_STATIONS && done->received, rssi);
	note_late(m, clock_us() - done->end_us);
	release(m, slot);
}

static void catch_up(struct medium *m, uint64_t now_us)
{
	struct cpc_channel_done done;

	while (cpc_channel_advance(&m->channel, now_us, &done))
		conclude(m, &done);
}

static void turn_away(struct medium *m, const struct cpc_hwsim_frame *frame, uint64_t *count)
{
	++*count;
	cpc_hwsim_status(m->hwsim, frame, 1, false, -50);
}

static void on_frame(void *ctx, const struct cpc_hwsim_frame *frame)
{
	struct medium *m = ctx;
	struct cpc_channel_frame f = { .octets = (uint16_t)frame->len, .to = CPC_ALL_STATIONS };
	int station = station_of(m, frame->transmitter);
	struct slot *slot = m->spare;
	struct cpc_mpdu mpdu;

	if (station < 0) {
		turn_away(m, frame, &m->strangers);
		return;
	}
	if (cpc_mpdu_parse(frame->data, frame->len, &mpdu) < 0) {
		turn_away(m, frame, &m->malformed);
		return;
	}
	memcpy(m->mac[station], mpdu.from, CPC_MAC_BYTES);
	if (!slot) {
		turn_away(m, frame, &m->overflows);
		return;
	}
	f.from = (uint8_t)station;
	f.ac = (uint8_t)mpdu.ac;
	f.tag = (uint64_t)(slot - m->slot);
	/* Sent to nobody here it still takes the air; its sender will not hear an ACK (not modelled
	 * as retries). */
	if (!mpdu.group)
		f.to = station_with(m, mpdu.to);
	if (f.to == f.from)
		f.to = CPC_ALL_STATIONS;
	catch_up(m, clock_us());
	if (cpc_channel_send(&m->channel, m->channel.now_us, &f) < 0) {
		cpc_hwsim_status(m->hwsim, frame, 1, false, -50);
		return;
	}
	m->spare = slot->next;
	slot->used = true;
	slot->station = f.from;
	slot->frame = *frame;
	slot->frame.data = slot->data;
	memcpy(slot->data, frame->data, frame->len);
}

/* ---- report ---------------------------------------------------------------------------------- */

int cpc_medium_write_report(struct cpc_channel *channel, const char *extra, const char *path,
			    struct cpc_error *error)
{
	char temporary[4096];
	FILE *out = stdout;
	bool bad;

	if (path) {
		snprintf(temporary, sizeof(temporary), "%s.new", path);
		out = fopen(temporary, "we");
		if (!out) {
			cpc_error_set(error, "cannot write '%s': %m", temporary);
			return -errno;
		}
	}
	fprintf(out, "{%s", extra);
	cpc_channel_report(channel, out);
	fprintf(out, "}\n");
	bad = fflush(out) != 0 || ferror(out);
	if (path) {
		bad |= fclose(out) != 0;
		bad = bad || rename(temporary, path) < 0;
	}
	if (!bad)
		return 0;
	cpc_error_set(error, "cannot write the report%s%s", path ? " to " : "", path ? path : "");
	return -EIO;
}

static double late_quantile_ms(const struct medium *m, unsigned int permille)
{
	uint64_t wanted = (m->late_count * permille + 999) / 1000, seen = 0;
	unsigned int i;

	for (i = 0; i < LATE_BUCKETS && m->late_count; i++) {
		seen += m->late[i];
		if (seen >= wanted)
			return (i + 1) * (double)LATE_BUCKET_US / 1e3;
	}
	return 0;
}

static int report(struct medium *m)
{
	char extra[512];

	catch_up(m, clock_us());
	snprintf(extra, sizeof(extra), "\"strangers\":%" PRIu64 ",\"malformed\":%" PRIu64
		 ",\"overflows\":%" PRIu64 ",\"overruns\":%" PRIu64 ",\"refused\":%" PRIu64 ",\n"
		 "\"late\":{\"mean_ms\":%.2f,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"max_ms\":%.1f},\n",
		 m->strangers, m->malformed, m->overflows, cpc_hwsim_overruns(m->hwsim),
		 cpc_hwsim_refused(m->hwsim), m->late_count ?
		 (double)m->late_sum_us / 1e3 / (double)m->late_count : 0,
		 late_quantile_ms(m, 500), late_quantile_ms(m, 990), (double)m->late_max_us / 1e3);
	return cpc_medium_write_report(&m->channel, extra, m->options->report, m->error);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void reset(struct medium *m)
{
	cpc_channel_reset(&m->channel);
	m->strangers = m->malformed = m->overflows = 0;
	m->late_count = m->late_sum_us = m->late_max_us = 0;
	memset(m->late, 0, sizeof(m->late));
}

/* Each command is answered by one line, so that who sent it knows that it is done. */
static void command(struct medium *m, const char *line)
{
	struct cpc_error error = { "" };
	struct cpc_change change;

	catch_up(m, clock_us());
	if (!strcmp(line, "report")) {
		if (report(m) == 0)
			printf("ok report\n");
		else
			printf("error: %s\n", m->error->text);
	} else if (!strcmp(line, "reset")) {
		reset(m);
		printf("ok reset\n");
	} else if (cpc_scenario_command(m->scenario, line, &change, &error) == 0) {
		cpc_channel_apply(&m->channel, &change);
		printf("ok %s\n", line);
	} else {
		printf("error: %s\n", error.text);
	}
	fflush(stdout);
}

static void on_input(struct medium *m)
{
	char bytes[1024];
	ssize_t i, len = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (len <= 0) {
		if (len == 0 || errno != EAGAIN)
			epoll_ctl(m->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		return;
	}
	for (i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			m->line[m->line_len] = '\0';
			if (m->line_len)
				command(m, m->line);
			m->line_len = 0;
		} else if (m->line_len < sizeof(m->line) - 1) {
			/* A longer line is refused for its length when it ends. */
			m->line[m->line_len++] = bytes[i];
		}
	}
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void set_timer(struct medium *m)
{
	uint64_t next = cpc_channel_next_us(&m->channel);
	struct itimerspec at = { 0 };

	if (m->report_us && m->report_us < next)
		next = m->report_us;
	if (next == m->timer_us)
		return;
	m->timer_us = next;
	if (next != CPC_CHANNEL_NEVER) {
		at.it_value.tv_sec = (time_t)(next / 1000000);
		at.it_value.tv_nsec = (long)(next % 1000000) * 1000;
	}
	timerfd_settime(m->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static int on_event(struct medium *m, int fd)
{
	struct signalfd_siginfo info;
	uint64_t expirations;
	int r = 0;

	if (fd == m->timer) {
		if (read(fd, &expirations, sizeof(expirations)) > 0)
			m->timer_us = 0;
	} else if (fd == m->signals) {
		m->stop = read(fd, &info, sizeof(info)) > 0;
	} else if (fd == STDIN_FILENO) {
		on_input(m);
	} else {
		r = cpc_hwsim_read(m->hwsim);
		if (r < 0)
			cpc_error_set(m->error, "cannot read from hwsim");
	}
	return r;
}

static int loop(struct medium *m)
{
	struct epoll_event events[4];
	int i, count, r = 0;

	while (!m->stop && r == 0) {
		uint64_t now;

		set_timer(m);
		cpc_hwsim_flush(m->hwsim);
		count = epoll_wait(m->epoll, events, 4, -1);
		if (count < 0 && errno != EINTR) {
			cpc_error_set(m->error, "epoll_wait: %m");
			return -errno;
		}
		for (i = 0; i < count && r == 0; i++)
			r = on_event(m, events[i].data.fd);
		now = clock_us();
		catch_up(m, now);
		if (m->report_us && now >= m->report_us) {
			m->report_us = now + m->options->report_every_s * 1000000ull;
			r = r ? r : report(m);
		}
	}
	return r;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static int watch(struct medium *m, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 ? -1 : epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int prepare(struct medium *m)
{
	sigset_t mask;
	unsigned int i;

	m->slot = calloc(CPC_MEDIUM_FRAMES_MAX, sizeof(*m->slot));
	if (!m->slot)
		return -ENOMEM;
	for (i = CPC_MEDIUM_FRAMES_MAX; i-- > 0;)
		release(m, &m->slot[i]);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	m->signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->epoll < 0 || watch(m, m->timer) < 0 || watch(m, m->signals) < 0) {
		cpc_error_set(m->error, "cannot wait for events: %m");
		return -EIO;
	}
	if (m->options->commands && watch(m, STDIN_FILENO) < 0) {
		cpc_error_set(m->error, "cannot read commands from standard input: %m");
		return -EIO;
	}
	return 0;
}

static int start(struct medium *m)
{
	const struct sched_param realtime = { .sched_priority = 1 };
	int r = prepare(m);

	r = r < 0 ? r : cpc_hwsim_open(on_frame, m, &m->hwsim, m->error);
	if (r < 0)
		return r;
	if (watch(m, cpc_hwsim_fd(m->hwsim)) < 0) {
		cpc_error_set(m->error, "cannot wait for frames: %m");
		return -EIO;
	}
	if (m->options->realtime && sched_setscheduler(0, SCHED_RR, &realtime) < 0)
		fprintf(stderr, "cpc-medium: no real-time priority: %m\n");
	cpc_channel_init(&m->channel, m->scenario, clock_us());
	if (m->options->report_every_s)
		m->report_us = clock_us() + m->options->report_every_s * 1000000ull;
	printf("cpc-medium: %u stations at %u Mbit/s\n", m->scenario->stations,
	       m->scenario->rate_mbit_s);
	fflush(stdout);
	return 0;
}

/* Frames under way come to nobody, but their senders have to be told. */
static void finish(struct medium *m)
{
	unsigned int i;

	for (i = 0; m->hwsim && m->slot && i < CPC_MEDIUM_FRAMES_MAX; i++)
		if (m->slot[i].used)
			cpc_hwsim_status(m->hwsim, &m->slot[i].frame, 1, false, -50);
	if (m->hwsim)
		cpc_hwsim_flush(m->hwsim);
	cpc_hwsim_close(m->hwsim);
	free(m->slot);
	cpc_cleanup_close(&m->epoll);
	cpc_cleanup_close(&m->timer);
	cpc_cleanup_close(&m->signals);
}

int cpc_medium_run(const struct cpc_medium_options *options, const struct cpc_scenario *scenario,
		   struct cpc_error *error)
{
	struct medium *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = options;
	m->scenario = scenario;
	m->error = error;
	m->epoll = m->timer = m->signals = -1;
	r = start(m);
	if (r == 0) {
		r = loop(m);
		r = r < 0 ? r : report(m);
	}
	finish(m);
	free(m);
	return r;
}
