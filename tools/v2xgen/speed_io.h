/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vehicle's speed, live from its CAN bus: one signal of one message, described by a DBC file or
 * by its place in the message, in km/h.
 */
#ifndef TOOLS_V2XGEN_SPEED_IO_H
#define TOOLS_V2XGEN_SPEED_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/gateway/dbc.h"
#include "agent/util/error.h"

enum {
	CPC_SPEED_STALE_MS = 1000, /* a value older than this is no longer the vehicle's speed */
	CPC_SPEED_DBC_SIZE_MAX = 16 << 20,
};

/* An unsigned big-endian integer of whole octets. */
struct cpc_speed_layout {
	uint32_t id;	 /* 29 bits if above 0x7ff */
	unsigned int start; /* octet */
	unsigned int octets; /* 1..4 */
	double factor;	 /* to km/h */
};

struct cpc_speed {
	int fd; /* readable when frames are there */
	struct cpc_dbc *dbc;
	const struct cpc_dbc_signal *signal;
	const struct cpc_dbc_message *message;
	struct cpc_speed_layout layout; /* without a DBC, but for the factor */
	uint64_t updated_ms;
	double speed_m_s;
	uint64_t frames; /* that carried the signal */
};

/*
 * @signal is a signal's name or MESSAGE.SIGNAL; @factor turns its physical value into km/h, for
 * files that know no better than "pulses". Errors with a text: -ENODEV, -ENOENT no such signal,
 * -ENOTUNIQ several of that name, -EINVAL a DBC file that is none, ...
 */
int cpc_speed_open_layout(const char *interface, const struct cpc_speed_layout *layout,
			  struct cpc_speed *ret_speed, struct cpc_error *error);
int cpc_speed_open_dbc(const char *interface, const char *dbc_path, const char *signal,
		       double factor, struct cpc_speed *ret_speed, struct cpc_error *error);
void cpc_speed_close(struct cpc_speed *speed);

/* Take in the frames that have arrived by @now_ms (CLOCK_MONOTONIC). */
void cpc_speed_read(struct cpc_speed *speed, uint64_t now_ms);

/* Metres per second; NAN when there is no value or only an old one. */
double cpc_speed_now(const struct cpc_speed *speed, uint64_t now_ms);

#endif
