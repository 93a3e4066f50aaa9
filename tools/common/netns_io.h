/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_COMMON_NETNS_IO_H
#define CPC_TOOLS_COMMON_NETNS_IO_H

#include "agent/util/error.h"

/*
 * This thread enters the network namespace @name of `ip netns`; sockets opened before stay where
 * they are. -ENOENT, with a text, when there is none.
 */
int cpc_netns_enter(const char *name, struct cpc_error *error);

#endif
