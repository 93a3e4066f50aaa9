/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - what every voting policy needs: its maps, the context, the sensors. Include it once; a
 * policy is then one function from a proposal to a word. To write your own, start from speed.bpf.c.
 */
#ifndef CPC_BPF_POLICY_POLICY_H
#define CPC_BPF_POLICY_POLICY_H

#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "bpf/frame.h"
#include "bpf/policy/sensors.h"
#include "uapi/cpchain_policy.h"

#define SENSOR_TRIES 8

/* One for all policies of a vehicle: the loader pins it and gives them the same one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct cpc_sensors);
} sensors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __CPC_POLICY_WORD_MAX * __CPC_REASON_MAX);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

/* Counts a word and puts it into the form that the module reads. */
static __always_inline int say(enum cpc_policy_word word, enum cpc_policy_reason reason)
{
	__u32 index = word * __CPC_REASON_MAX + reason;
	__u64 *n = bpf_map_lookup_elem(&verdicts, &index);

	if (n)
		(*n)++;
	return CPC_POLICY_RESULT(word, reason);
}

/* The sensors as of one moment, or 0 when the writer would not let us. */
static __always_inline int sensors_read(struct cpc_sensors *to)
{
	__u32 zero = 0, i;
	struct cpc_sensors *from = bpf_map_lookup_elem(&sensors, &zero);

	if (!from)
		return 0;
	for (i = 0; i < SENSOR_TRIES; i++) {
		/* An atomic operation that returns its value is a full barrier on every machine. */
		__u64 before = __sync_fetch_and_add(&from->sequence, 0);

		__builtin_memcpy(to->sensor, from->sensor, sizeof(to->sensor));
		if (!(before & 1) && __sync_fetch_and_add(&from->sequence, 0) == before)
			return 1;
	}
	return 0;
}

/* Is there a value that is young enough? A time ahead of ours is as wrong as none. */
static __always_inline int fresh(const struct cpc_sensor_value *v, __u64 now, __u64 max_age_ns)
{
	return v->time_ns && v->time_ns <= now && now - v->time_ns <= max_age_ns;
}

static __always_inline __s64 difference(__s64 a, __s64 b)
{
	return a < b ? b - a : a - b;
}

#endif
