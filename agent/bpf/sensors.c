// SPDX-License-Identifier: BSD-3-Clause
#include "agent/bpf/sensors.h"

#include <assert.h>

/* The values themselves are written by plain stores of 8 bytes, between two full barriers. */
static void step(struct cpc_sensors *sensors)
{
	__atomic_fetch_add(&sensors->sequence, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void cpc_sensors_set(struct cpc_sensors *sensors, enum cpc_sensor sensor, int64_t value,
		     uint64_t time_ns)
{
	struct cpc_sensor_value *slot;

	assert(sensor < __CPC_SENSOR_MAX);
	slot = &sensors->sensor[sensor];
	step(sensors);
	__atomic_store_n(&slot->value, value, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->time_ns, time_ns, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	step(sensors);
}

void cpc_sensors_recover(struct cpc_sensors *sensors)
{
	if (__atomic_load_n(&sensors->sequence, __ATOMIC_SEQ_CST) & 1)
		step(sensors);
}
