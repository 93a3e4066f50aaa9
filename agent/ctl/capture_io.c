// SPDX-License-Identifier: BSD-3-Clause
/* capture_io.c - straight from what is pinned: the daemon is only asked where that is. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "agent/bpf/bpf.h"
#include "agent/ctl/ask_io.h"
#include "agent/ctl/propose_io.h"
#include "agent/util/cleanup.h"

enum { WAIT_MS = 100 };

struct place {
	char interface[16];
	char root[256];
};

static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

static void copy(char *out, size_t size, const char *given, const char *otherwise)
{
	snprintf(out, size, "%s", given ? given : otherwise ? otherwise : "");
}

/* What the command line leaves out, the daemon knows. */
static int find_place(const struct cpc_ctl_command *command, struct place *place,
		      struct cpc_error *error)
{
	CPC_CLEANUP(cpc_ctl_close) struct cpc_ctl_session session = { .fd = -1 };
	json_t *answer;

	if (command->interface) {
		copy(place->interface, sizeof(place->interface), command->interface, NULL);
		copy(place->root, sizeof(place->root), command->root, CPC_BPF_ROOT);
		return 0;
	}
	if (cpc_ctl_open(command->socket, &session, error) < 0)
		return -ENOTCONN;
	answer = cpc_ctl_ask(&session, json_pack("{s:s}", "op", "bpf"), error);
	if (!answer)
		return -EIO;
	copy(place->interface, sizeof(place->interface), NULL,
	     json_string_value(json_object_get(answer, "interface")));
	copy(place->root, sizeof(place->root), command->root,
	     json_string_value(json_object_get(answer, "root")));
	json_decref(answer);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int cpc_ctl_capture(const struct cpc_ctl_command *command, struct cpc_error *error)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct cpc_bpf_capture *capture;
	struct place place;
	int64_t end_ms;
	CPC_CLOSE int fd = -1;
	int r = find_place(command, &place, error), frames = 0;

	if (r < 0)
		return r;
	fd = open(command->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		cpc_error_set(error, "cannot write '%.160s': %s", command->file, strerror(errno));
		return -errno;
	}
	r = cpc_bpf_capture_new(place.root, place.interface, fd, CPC_STAMP_SNAP_MAX, &capture,
				error);
	if (r < 0)
		return r;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fprintf(stderr, "capturing on %s for %u s\n", place.interface, command->seconds);
	end_ms = now_ms() + (int64_t)command->seconds * 1000;
	while (r >= 0 && !stopped && now_ms() < end_ms) {
		struct pollfd p = { .fd = cpc_bpf_capture_fd(capture), .events = POLLIN };

		poll(&p, 1, WAIT_MS);
		r = cpc_bpf_capture_dispatch(capture, error);
		frames += r > 0 ? r : 0;
	}
	cpc_bpf_capture_free(capture);
	return r < 0 ? r : frames;
}

int cpc_ctl_detach(const struct cpc_ctl_command *command, struct cpc_error *error)
{
	CPC_CLEANUP(cpc_ctl_close) struct cpc_ctl_session session = { .fd = -1 };
	json_t *answer;

	if (command->interface)
		return cpc_bpf_detach(command->root, command->interface, error);
	if (cpc_ctl_open(command->socket, &session, error) < 0)
		return -ENOTCONN;
	answer = cpc_ctl_ask(&session, cpc_ctl_request(command, NULL, 0), error);
	if (!answer)
		return -EIO;
	json_decref(answer);
	return 0;
}
