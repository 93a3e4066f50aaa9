/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of v2xgen. Pure. */
#ifndef TOOLS_V2XGEN_OPTIONS_H
#define TOOLS_V2XGEN_OPTIONS_H

#include <stdbool.h>

#include "agent/util/error.h"
#include "tools/v2xgen/speed_io.h"

enum cpc_v2x_verb {
	CPC_V2X_SEND = 1 << 0,
	CPC_V2X_RECV = 1 << 1,
	CPC_V2X_PCAP = 1 << 2,
	CPC_V2X_READ = 1 << 3,
};

/* Texts point into argv. Numbers are within the limits of the table in options.c. */
struct cpc_v2x_options {
	enum cpc_v2x_verb verb;
	const char *iface;
	const char *in, *out;
	bool wsmp, json, verbose, quiet, realtime;
	double rate_hz;
	double seconds;		/* 0: no limit */
	double count;		/* 0: no limit */
	double phase_ms;	/* -1: begin at once */
	double station, size, trailing, time;
	double latitude_deg, longitude_deg, heading_deg, speed_m_s;
	double speed_factor;	/* signal to km/h */
	const char *track;
	const char *can, *dbc, *speed_signal, *speed_id_text, *speed_be_text;
	bool has_layout;
	struct cpc_speed_layout layout; /* from --speed-id and --speed-be */
};

/* 0, -ECANCELED when help was asked for, or -EINVAL with a text that names the option and value. */
int cpc_v2x_options_parse(int argc, char **argv, struct cpc_v2x_options *ret_options,
			  struct cpc_error *error);

/* What the command line may say. */
extern const char cpc_v2x_usage[];

#endif
