/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sensors.h - the vehicle's own view, which the agent writes and policies read.
 *
 * One element of shared memory with a sequence lock: the writer makes @sequence odd, writes, and
 * makes it even again; a reader that meets an odd or a changed number tries again, some times.
 * Each value has its own time, since signals come at their own rates and stop one by one. Time 0:
 * never seen.
 */
#ifndef CPC_BPF_POLICY_SENSORS_H
#define CPC_BPF_POLICY_SENSORS_H

#include <linux/types.h>

enum cpc_sensor {
	CPC_SENSOR_SPEED,	/* cm/s, negative: backwards */
	CPC_SENSOR_GAP,		/* cm to the vehicle ahead; CPC_GAP_FREE: there is none */
	CPC_SENSOR_BRAKE,	/* 0: not braking */
	__CPC_SENSOR_MAX,
};

#define CPC_GAP_FREE 1000000	/* 10 km */

struct cpc_sensor_value {
	__u64 time_ns;		/* CLOCK_BOOTTIME, so that sleep ages it */
	__s64 value;
};

struct cpc_sensors {
	__u64 sequence;
	struct cpc_sensor_value sensor[__CPC_SENSOR_MAX];
};

/* Map "verdicts", per CPU, index: word * __CPC_REASON_MAX + reason. */

/* Set before load. */
struct cpc_policy_config {
	__u64 max_age_ns;		/* older values are none */
	__s64 speed_tolerance_cm_s;	/* platoon: mine against its */
	__s64 gap_min_cm;		/* platoon: whatever it asks for */
	__s64 speed_min_cm_s;		/* advisory: my own limits */
	__s64 speed_max_cm_s;
	__s64 speed_change_cm_s;	/* advisory: the most I would change mine by */
};

#endif
