/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * counter_names.h - the module's counters (enum cpc_nl_counter) as people and JSON know them; NULL
 * where a number has no counter.
 */
#ifndef AGENT_LINK_COUNTER_NAMES_H
#define AGENT_LINK_COUNTER_NAMES_H

#include <stddef.h>

#include <linux/types.h>

#include <cpchain_nl.h>

extern const char *const cpc_counter_names[CPC_N_MAX + 1];

#endif
