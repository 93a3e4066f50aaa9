/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_CELLCTL_NAMES_H
#define CPC_TOOLS_CELLCTL_NAMES_H

/* names.h - names and kinds of the family's attributes, counters and commands. */
#include <stdint.h>

#include "agent/link/counter_names.h"
#include "include/uapi/cpchain_nl.h"

enum cpc_attr_kind {
	CPC_ATTR_NONE,
	CPC_ATTR_U8,
	CPC_ATTR_U16,
	CPC_ATTR_U32,
	CPC_ATTR_U64,
	CPC_ATTR_HEX,
	CPC_ATTR_TEXT,
	CPC_ATTR_FLAG,
	CPC_ATTR_NEST,
	CPC_ATTR_COUNTERS,
	CPC_ATTR_LIST,		/* nest of u64, types 1, 2, ... */
};

extern const enum cpc_attr_kind cpc_attr_kinds[CPC_A_MAX + 1];
extern const char *const cpc_attr_names[CPC_A_MAX + 1];
extern const char *const cpc_command_names[CPC_C_MAX + 1];

/* 0 if there is none of that name. */
uint16_t cpc_attr_number(const char *name);
uint8_t cpc_command_number(const char *name);

#endif
