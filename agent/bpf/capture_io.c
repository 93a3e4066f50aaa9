// SPDX-License-Identifier: BSD-3-Clause
/* Records from the ring buffer into a pcapng file, for as long as someone wants them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/bpf/pcapng.h"
#include "agent/util/cleanup.h"

enum { BATCH_BYTES = 1 << 18 };

struct cpc_bpf_capture {
	struct ring_buffer *ring;
	struct cpc_buffer out;
	int control;		/* map descriptor */
	int file;		/* the caller's */
	int frames;		/* since the dispatch began */
	int error;
	int64_t utc_offset_ns;
};

static int control_set(int fd, uint32_t capture, uint32_t snap)
{
	struct cpc_stamp_control control;
	uint32_t zero = 0;
	int r = bpf_map_lookup_elem(fd, &zero, &control);

	if (r < 0)
		return r;
	/* A reader that was killed could not say so; its process id has nobody behind it. */
	if (capture && control.capture && kill((pid_t)control.capture, 0) == 0)
		return -EBUSY;
	control.capture = capture;
	control.snap = snap;
	return bpf_map_update_elem(fd, &zero, &control, BPF_ANY);
}

static int flush(struct cpc_bpf_capture *c)
{
	while (c->out.len) {
		ssize_t n = write(c->file, c->out.data, c->out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		cpc_buffer_consume(&c->out, (size_t)n);
	}
	return 0;
}

/*
 * A record that is not as it should be is skipped: it is our own program's, so it does not happen.
 */
static int take(void *context, void *data, size_t size)
{
	struct cpc_bpf_capture *c = context;
	struct cpc_stamp stamp;
	int r;

	if (size < sizeof(stamp))
		return 0;
	memcpy(&stamp, data, sizeof(stamp));
	/* The ring rounds up to 8; the record knows better. */
	if (stamp.captured > size - sizeof(stamp))
		return 0;
	r = cpc_pcapng_packet(&c->out, &stamp, (const uint8_t *)data + sizeof(stamp),
			      stamp.captured, c->utc_offset_ns);
	if (r == 0 && c->out.len > BATCH_BYTES / 2)
		r = flush(c);
	if (r < 0) {
		c->error = r;
		return r;
	}
	c->frames++;
	return 0;
}

static void cleanup_capture(struct cpc_bpf_capture **capture)
{
	cpc_bpf_capture_free(*capture);
}

/*
 * pcapng's times are UTC; a record's are true TAI, whatever the kernel believes the offset to be.
 */
static int64_t utc_offset_ns(void)
{
	struct timespec utc, tai;
	int64_t offset_s;

	clock_gettime(CLOCK_REALTIME, &utc);
	clock_gettime(CLOCK_TAI, &tai);
	/* 0 when nobody told the kernel, and perhaps 1 between two readings. */
	offset_s = tai.tv_sec - utc.tv_sec;
	return -(offset_s > 5 ? offset_s - (tai.tv_nsec < utc.tv_nsec) : 37) * INT64_C(1000000000);
}

int cpc_bpf_capture_new(const char *root, const char *interface, int fd, uint32_t snap,
			struct cpc_bpf_capture **ret_capture, struct cpc_error *error)
{
	CPC_CLEANUP(cleanup_capture) struct cpc_bpf_capture *c = calloc(1, sizeof(*c));
	CPC_CLOSE int stamps = cpc_bpf_pinned(root, interface, "stamps", error);
	CPC_CLOSE int control = -1;
	int r;

	if (!c)
		return -ENOMEM;
	c->control = -1;
	c->file = fd;
	c->out = cpc_buffer_init(BATCH_BYTES);
	c->utc_offset_ns = utc_offset_ns();
	if (stamps < 0)
		return stamps;
	control = cpc_bpf_pinned(root, interface, "control", error);
	if (control < 0)
		return control;
	if (snap > CPC_STAMP_SNAP_MAX)
		snap = CPC_STAMP_SNAP_MAX;
	c->ring = ring_buffer__new(stamps, take, c, NULL);
	if (!c->ring)
		return cpc_bpf_explain(CPC_BPF_STAGE_MAP, "stamps", -errno, "", error);
	r = control_set(control, (uint32_t)getpid(), snap);
	if (r == -EBUSY)
		cpc_error_set(error, "somebody captures on %s already", interface);
	else if (r < 0)
		cpc_bpf_explain(CPC_BPF_STAGE_MAP, "control", r, "", error);
	if (r < 0)
		return r;
	c->control = CPC_TAKE_FD(control);
	r = cpc_pcapng_begin(&c->out, interface, snap);
	if (r == 0)
		r = flush(c);
	if (r < 0) {
		cpc_error_set(error, "cannot write the capture: %s", strerror(-r));
		return r;
	}
	*ret_capture = CPC_TAKE(c);
	return 0;
}

int cpc_bpf_capture_fd(const struct cpc_bpf_capture *capture)
{
	return ring_buffer__epoll_fd(capture->ring);
}

int cpc_bpf_capture_dispatch(struct cpc_bpf_capture *c, struct cpc_error *error)
{
	int r;

	c->frames = 0;
	c->error = 0;
	r = ring_buffer__consume(c->ring);
	if (c->error == 0 && r >= 0)
		c->error = flush(c);
	else if (r < 0 && c->error == 0)
		c->error = r;
	if (c->error < 0) {
		cpc_error_set(error, "cannot write the capture: %s", strerror(-c->error));
		return c->error;
	}
	return c->frames;
}

void cpc_bpf_capture_free(struct cpc_bpf_capture *c)
{
	if (!c)
		return;
	if (c->control >= 0) {
		control_set(c->control, 0, 0);
		close(c->control);
	}
	ring_buffer__free(c->ring);
	cpc_buffer_done(&c->out);
	free(c);
}
