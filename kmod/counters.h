/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * counters.h - what a cell counts (enum cpc_nl_counter). Atomic, so that a frame can be refused
 * without taking the cell's lock.
 */
#ifndef CPC_KMOD_COUNTERS_H
#define CPC_KMOD_COUNTERS_H

#include <linux/atomic.h>
#include <cpchain_nl.h>

struct cpc_counters {
	atomic64_t value[__CPC_N_MAX];
};

static inline void cpc_count_many(struct cpc_counters *c, enum cpc_nl_counter which, u64 many)
{
	atomic64_add(many, &c->value[which]);
}

static inline void cpc_count(struct cpc_counters *c, enum cpc_nl_counter which)
{
	atomic64_inc(&c->value[which]);
}

/* For what is a state and not a sum. */
static inline void cpc_count_set(struct cpc_counters *c, enum cpc_nl_counter which, u64 value)
{
	atomic64_set(&c->value[which], value);
}

/* Keeps the largest value seen. Callers serialise (the cell's lock). */
static inline void cpc_count_max(struct cpc_counters *c, enum cpc_nl_counter which, u64 value)
{
	if (value > atomic64_read(&c->value[which]))
		atomic64_set(&c->value[which], value);
}

#endif
