// SPDX-License-Identifier: BSD-3-Clause
/* canreplay - plays a recording of a CAN bus (candump -l, plain or .xz) onto a CAN interface. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/gateway/can_io.h"
#include "agent/gateway/candump.h"
#include "agent/util/cleanup.h"

static const char usage[] =
	"Usage: canreplay [OPTION]... LOG INTERFACE\n"
	"Plays LOG, a recording by candump -l or candump -ta, plain or .xz, with its own timing.\n"
	"  --offset SECONDS  begin this far into the recording\n"
	"  --seconds N       stop after N seconds\n"
	"  --loop            begin again at the end, then from the start of the recording\n"
	"  --speed X         X times as fast (1)\n"
	"  --tick MS         wake only so often, for all frames that are due since then\n"
	"  --from NAME       only frames recorded on this interface, of a recording of several\n"
	"  --dry-run         read and count, without sending or waiting; INTERFACE is not needed\n";

struct options {
	const char *log, *interface, *from;
	double offset, seconds, speed, tick_ms;
	bool loop, dry_run;
};

struct replay {
	const struct options *options;
	int fd;
	uint64_t start_us; /* monotonic, when this round's first frame was due */
	uint64_t end_us;   /* monotonic, when --seconds are over; 0: never */
	uint64_t first_us; /* of the recording */
	uint64_t last_us;  /* ... of the latest frame */
	bool has_first;
	uint64_t sent, skipped, malformed, round_frames;
	uint64_t line;
	uint64_t rounds; /* with the present one */
};

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Until a point in time, a signal, or the end of --seconds; false for the latter two. */
static bool wait_until(const struct replay *replay, uint64_t due_us)
{
	bool late = replay->end_us && due_us >= replay->end_us;
	uint64_t until_us = late ? replay->end_us : due_us;
	struct timespec until = {
		.tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000,
	};

	while (!stopped && now_us() < until_us)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	return !stopped && !late;
}

/* A full queue is waited for; it empties at the speed of the bus. */
static int send_frame(struct replay *replay, const struct cpc_can_frame *frame)
{
	struct pollfd poll_fd = {.fd = replay->fd, .events = POLLOUT};
	int r;

	for (;;) {
		r = cpc_can_send(replay->fd, frame);
		if (r != -EAGAIN && r != -ENOBUFS && r != -EINTR)
			break;
		if (stopped || (replay->end_us && now_us() >= replay->end_us))
			return 0;
		/* A CAN device says writable and then ENOBUFS: so wait a little, too. */
		if (r == -ENOBUFS || poll(&poll_fd, 1, 100) < 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0, 500000}, NULL);
	}
	if (r < 0) {
		fprintf(stderr, "canreplay: cannot send on %s: %s\n", replay->options->interface,
			strerror(-r));
		return r;
	}
	replay->sent++;
	return 0;
}

/* Play one frame of the recording. 1 to go on, 0 to stop, or a negative errno. */
static int play(struct replay *replay, const struct cpc_candump_line *line)
{
	const struct options *options = replay->options;
	uint64_t offset_us = replay->rounds == 1 ? (uint64_t)(options->offset * 1e6) : 0;
	uint64_t tick_us;
	int r;

	if (!replay->has_first) {
		replay->has_first = true;
		replay->first_us = line->time_us;
		replay->last_us = line->time_us;
	}
	if (line->frame.error || (options->from && strcmp(options->from, line->interface) != 0)) {
		replay->skipped++;
		return 1;
	}
	/* A recording whose clock steps back goes on without a wait. */
	if (line->time_us < replay->last_us)
		replay->first_us -= replay->last_us - line->time_us;
	replay->last_us = line->time_us;
	if (line->time_us - replay->first_us < offset_us)
		return 1;
	replay->round_frames++;
	if (options->dry_run) {
		replay->sent++;
		return 1;
	}
	/* From here, not from opening the log: xz takes its time to begin. */
	if (replay->round_frames == 1)
		replay->start_us = now_us();
	if (options->seconds > 0 && !replay->end_us)
		replay->end_us = replay->start_us + (uint64_t)(options->seconds * 1e6);
	offset_us = line->time_us - replay->first_us - offset_us;
	offset_us = (uint64_t)((double)offset_us / options->speed);
	tick_us = (uint64_t)(options->tick_ms * 1000);
	if (tick_us)
		offset_us = (offset_us + tick_us - 1) / tick_us * tick_us;
	if (!wait_until(replay, replay->start_us + offset_us))
		return 0;
	r = send_frame(replay, &line->frame);
	return r < 0 ? r : 1;
}

static int play_file(struct replay *replay, FILE *file)
{
	CPC_FREE char *text = NULL;
	struct cpc_candump_line line;
	struct cpc_error error;
	size_t capacity = 0;
	ssize_t size;
	int r = 1;

	while (r > 0 && !stopped && (size = getline(&text, &capacity, file)) >= 0) {
		replay->line++;
		r = cpc_candump_parse(text, (size_t)size, &line, &error);
		if (r == 0) {
			r = 1;
			continue;
		}
		if (r > 0) {
			r = play(replay, &line);
			continue;
		}
		if (!replay->malformed++)
			fprintf(stderr, "canreplay: %s line %" PRIu64 ": %s\n",
				replay->options->log, replay->line, error.text);
		r = 1;
	}
	return stopped ? 0 : r;
}

/* The log, or what `xz -dc` makes of it. */
static FILE *open_log(const char *path, pid_t *ret_child)
{
	size_t size = strlen(path);
	FILE *file = fopen(path, "re");
	int pipe_fds[2];

	*ret_child = -1;
	if (!file || size < 3 || strcmp(path + size - 3, ".xz") != 0)
		return file;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		fclose(file);
		return NULL;
	}
	*ret_child = fork();
	if (*ret_child == 0) {
		dup2(fileno(file), STDIN_FILENO);
		dup2(pipe_fds[1], STDOUT_FILENO);
		execlp("xz", "xz", "-dc", (char *)NULL);
		fprintf(stderr, "canreplay: cannot run xz (Debian package xz-utils): %s\n",
			strerror(errno));
		_exit(127);
	}
	fclose(file);
	close(pipe_fds[1]);
	if (*ret_child > 0)
		return fdopen(pipe_fds[0], "r");
	close(pipe_fds[0]);
	return NULL;
}

/* One round through the recording: 1 at its end, 0 when asked to stop, or a negative errno. */
static int play_round(struct replay *replay)
{
	const struct options *options = replay->options;
	int status = 0, r;
	pid_t child;
	FILE *file = open_log(options->log, &child);

	if (!file) {
		r = -errno;
		fprintf(stderr, "canreplay: %s: %s\n", options->log, strerror(errno));
		return r;
	}
	replay->has_first = false;
	replay->round_frames = 0;
	replay->line = 0;
	replay->rounds++;
	r = play_file(replay, file);
	fclose(file);
	/* An xz that is still writing ends by the closed pipe; only a whole round tells errors. */
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	if (r > 0 && status) {
		fprintf(stderr, "canreplay: %s: xz failed\n", options->log);
		return -EIO;
	}
	if (r > 0 && !replay->round_frames) {
		fprintf(stderr,
			"canreplay: %s: no frame to play%s%s%s: it has %" PRIu64 " lines, %" PRIu64
			" of them malformed\n",
			options->log, options->from ? " from " : "",
			options->from ? options->from : "",
			options->offset > 0 ? " behind the offset" : "", replay->line,
			replay->malformed);
		return -ENODATA;
	}
	return r;
}

static int parse_number(const char *name, const char *text, double min, double *ret_number)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || *end || !isfinite(number) || number < min || number > 1e9) {
		fprintf(stderr, "canreplay: --%s %s: expected a number from %g\n", name, text, min);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{"offset", required_argument, NULL, 'o'}, {"seconds", required_argument, NULL, 's'},
		{"loop", no_argument, NULL, 'l'},	  {"speed", required_argument, NULL, 'x'},
		{"from", required_argument, NULL, 'f'},	  {"dry-run", no_argument, NULL, 'd'},
		{"tick", required_argument, NULL, 't'},	  {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, r = 0;

	while (r == 0 && (option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'o')
			r = parse_number("offset", optarg, 0, &options->offset);
		else if (option == 's')
			r = parse_number("seconds", optarg, 0.001, &options->seconds);
		else if (option == 'x')
			r = parse_number("speed", optarg, 0.001, &options->speed);
		else if (option == 't')
			r = parse_number("tick", optarg, 0, &options->tick_ms);
		else if (option == 'l')
			options->loop = true;
		else if (option == 'f')
			options->from = optarg;
		else if (option == 'd')
			options->dry_run = true;
		else if (option == 'h')
			exit(fputs(usage, stdout) < 0);
		else
			r = -EINVAL;
	}
	if (r < 0)
		return r;
	if (argc - optind != 2 && !(options->dry_run && argc - optind == 1)) {
		fputs(usage, stderr);
		return -EINVAL;
	}
	options->log = argv[optind];
	options->interface = options->dry_run ? "nowhere" : argv[optind + 1];
	return 0;
}

static void handle_signals(void)
{
	struct sigaction action = {.sa_handler = stop}; /* without SA_RESTART: ends a sleep */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char **argv)
{
	struct options options = {.speed = 1};
	struct replay replay = {.options = &options, .fd = -1};
	struct cpc_error error;
	uint64_t began_us;
	int r = 1;

	if (parse_options(argc, argv, &options) < 0)
		return 2;
	handle_signals();
	if (!options.dry_run && cpc_can_open(options.interface, 0, &replay.fd, &error) < 0) {
		fprintf(stderr, "canreplay: %s\n", error.text);
		return 1;
	}
	began_us = now_us();
	do {
		r = play_round(&replay);
	} while (r > 0 && options.loop && !options.dry_run);
	printf("canreplay: %" PRIu64 " frames in %.1f s on %s (%" PRIu64 " skipped, %" PRIu64
	       " malformed)\n",
	       replay.sent, (double)(now_us() - began_us) / 1e6, options.interface, replay.skipped,
	       replay.malformed);
	if (replay.fd >= 0)
		close(replay.fd);
	return r < 0;
}
