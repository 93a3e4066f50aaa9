// SPDX-License-Identifier: BSD-3-Clause
#include "agent/bpf/sensors.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A pedal at rest reads a little above nothing. */
#define BRAKING_PERCENT 5.0

static const struct {
	const char *name;
	enum cpc_sensor sensor;
	double factor;		/* from the signal's unit to the sensor's */
	double min, max;	/* of the signal */
} signals[] = {
	{ "Vehicle.Speed", CPC_SENSOR_SPEED, 100 / 3.6, -250, 500 },
	{ "Vehicle.Chassis.Brake.PedalPosition", CPC_SENSOR_BRAKE, 1, 0, 100 },
	{ "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance", CPC_SENSOR_GAP, 100, 0, 10000 },
};

bool cpc_sensor_from_signal(const char *name, double value, enum cpc_sensor *ret_sensor,
			    int64_t *ret_value)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (strcmp(name, signals[i].name))
			continue;
		/* Written so that it is false for what is not a number. */
		if (!(value >= signals[i].min && value <= signals[i].max))
			return false;
		*ret_sensor = signals[i].sensor;
		*ret_value = llround(value * signals[i].factor);
		if (*ret_sensor == CPC_SENSOR_BRAKE)
			*ret_value = value >= BRAKING_PERCENT;
		return true;
	}
	return false;
}

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
