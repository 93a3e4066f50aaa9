/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_SENSORS_H
#define CPC_AGENT_BPF_SENSORS_H

/* The writer's side of the sequence lock that bpf/policy/sensors.h describes. Pure; one writer. */
#include <stdint.h>

#include "bpf/policy/sensors.h"

void cpc_sensors_set(struct cpc_sensors *sensors, enum cpc_sensor sensor, int64_t value,
		     uint64_t time_ns);

/* Before the first write: an earlier writer may have died inside. */
void cpc_sensors_recover(struct cpc_sensors *sensors);

#endif
