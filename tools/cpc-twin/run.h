/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_RUN_H
#define CPC_TOOLS_TWIN_RUN_H

/*
 * run.h - one member on the air: what main.c starts, waits for and reports.
 *
 * setup_io.c makes it from the options (cell, keys, radio), run_io.c is its event loop, report.c
 * what it says at the end.
 */
#include <jansson.h>
#include <stdio.h>
#include <sys/resource.h>
#include <systemd/sd-event.h>

#include "agent/net/net.h"
#include "tools/cpc-twin/air.h"
#include "tools/cpc-twin/cell.h"
#include "tools/cpc-twin/lie.h"
#include "tools/cpc-twin/options.h"
#include "tools/v2xgen/frame.h"

struct cpc_twin_run {
	const struct cpc_twin_options *options;
	struct cpc_agent_config config;	/* the file's, or made of the options */
	unsigned int self;
	struct cpc_twin_cell *cell;
	struct cpc_lie *lie;		/* NULL: honest */
	struct cpc_air *air;
	FILE *log;			/* NULL: none */
	/* keys by TLS; all NULL with test keys */
	sd_event *event;
	struct cpc_identity *identity;
	struct cpc_net *net;
	/* carriers */
	struct cpc_v2x_sender sender;
	struct cpc_v2x_motion motion;
	/* the loop */
	int epoll_fd, signal_fd;
	bool stop;
	u64 start_us, end_us;
	u64 carrier_us, submit_us;	/* when the next one is due; CPC_NEVER_US */
	struct rusage start_usage;
	/* counted */
	u64 entries;			/* submitted, or tried to */
	u64 lane_full;
	u64 frames_heard, extra_frames, carriers, send_errors;
};

/* Opens everything. On an error cpc_twin_close() still releases what there is. */
int cpc_twin_open(struct cpc_twin_run *run, const struct cpc_twin_options *options,
		  struct cpc_error *error);
void cpc_twin_close(struct cpc_twin_run *run);

/* Takes part until the time is over or a signal comes. Returns 0 or a negative errno. */
int cpc_twin_loop(struct cpc_twin_run *run, struct cpc_error *error);

/* CLOCK_MONOTONIC. */
u64 cpc_twin_now_us(void);

/* What was decided, how fast, and what it cost; the caller's reference. NULL: out of memory. */
json_t *cpc_twin_report(const struct cpc_twin_run *run);

#endif
