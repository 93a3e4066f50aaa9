/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_CANDRIVE_DRIVE_H
#define CPC_TOOLS_CANDRIVE_DRIVE_H

/*
 * A made-up electric car on a made-up road, and the CAN bus inside it: for demos and tests where no
 * recording of a real car is at hand. The car follows a driver who wants a certain speed,
 * changes it every few seconds and stops at lights; force, power, current and charge follow
 * from speed and mass. The same seed gives the same drive.
 *
 * The bus has about 980 frames a second in 13 messages that use everything a DBC can say: both
 * byte orders, signs, scales, offsets, multiplexing, value names and a 29-bit id.
 */
#include <stdint.h>
#include <stdio.h>

#include "agent/gateway/can.h"

struct cpc_drive {
	uint64_t random;
	uint64_t time_us; /* since the start */
	/* The car. */
	double speed_ms, wanted_ms, acceleration;
	double odometer_m, charge_kwh, motor_celsius, steering_deg;
	double throttle, brake; /* 0..1 */
	double power_kw, volts, amperes, torque_nm;
	double limit_ms;    /* what the road allows */
	uint64_t decide_us; /* when the driver next changes their mind */
	/* The bus. */
	uint32_t ticks;	   /* of 1 ms */
	unsigned int slot; /* next message to look at in this tick */
	uint8_t counters[16];
};

void cpc_drive_init(struct cpc_drive *drive, uint64_t seed);

/* The next frame on the bus and when it comes, in microseconds since the start. */
void cpc_drive_next(struct cpc_drive *drive, struct cpc_can_frame *ret_frame,
		    uint64_t *ret_time_us);

/* The DBC of this bus. */
void cpc_drive_print_dbc(FILE *file);

#endif
