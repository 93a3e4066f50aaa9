/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_SENSORS_H
#define CPC_AGENT_BPF_SENSORS_H

/* The writer's side of the sequence lock that bpf/policy/sensors.h describes. Pure; one writer. */
#include <stdbool.h>
#include <stdint.h>

#include "bpf/policy/sensors.h"

void cpc_sensors_set(struct cpc_sensors *sensors, enum cpc_sensor sensor, int64_t value,
		     uint64_t time_ns);

/*
 * Which sensor a signal of the gateway is, by its VSS 4 name, and its value in the sensor's unit:
 *
 *	Vehicle.Speed						km/h	-> cm/s
 *	Vehicle.Chassis.Brake.PedalPosition			percent	-> 1 from 5 % up
 *	Vehicle.ADAS.ObstacleDetection.Front.Center.Distance	m	-> cm
 *
 * False: none of them, or not a number that it could have.
 */
bool cpc_sensor_from_signal(const char *name, double value, enum cpc_sensor *ret_sensor,
			    int64_t *ret_value);

/* Before the first write: an earlier writer may have died inside. */
void cpc_sensors_recover(struct cpc_sensors *sensors);

#endif
