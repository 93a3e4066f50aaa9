/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_MEDIUM_IO_H
#define CPC_TOOLS_MEDIUM_MEDIUM_IO_H

/* The emulator: hwsim's radios, in real time, over the channel; see main.c. */
#include <stdbool.h>
#include <stdint.h>

#include "agent/util/error.h"
#include "tools/cpc-medium/channel.h"

enum cpc_medium_limits {
	/*
	 * Frames under way in all. hwsim keeps 100 of a radio at most, so this is what 40 radios
	 * can have; one more is answered as not sent.
	 */
	CPC_MEDIUM_FRAMES_MAX = 4096,
};

struct cpc_medium_options {
	const char *scenario;		/* file */
	const char *report;		/* file, NULL: standard output */
	const char *offline;		/* file of transmissions to replay instead */
	unsigned int report_every_s;	/* 0: at the end only */
	bool commands;			/* read from standard input */
	bool realtime;
	bool help;
	unsigned int radios;		/* 0: station i is radio i */
	unsigned int radio[CPC_STATIONS_MAX];	/* of each station */
};

/* Runs until SIGTERM or SIGINT. Returns 0, or a negative errno with a text. */
int cpc_medium_run(const struct cpc_medium_options *options, const struct cpc_scenario *scenario,
		   struct cpc_error *error);

/*
 * Writes the channel's report, with what @extra gives (members of a JSON object, may be ""), to the
 * file, which is complete whenever it is there; NULL: to standard output.
 */
int cpc_medium_write_report(struct cpc_channel *channel, const char *extra, const char *path,
			    struct cpc_error *error);

#endif
