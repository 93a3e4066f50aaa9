/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_LOG_SCHEMA_H
#define CPC_AGENT_LOG_SCHEMA_H

#include "agent/log/store_private.h"

#define CPC_SCHEMA_APPLICATION 0x43504368	/* "CPCh" (PRAGMA application_id) */
#define CPC_SCHEMA_VERSION 2

extern const char cpc_schema[];
extern const char *const cpc_schema_sql[CPC_SQL_COUNT];

#endif
