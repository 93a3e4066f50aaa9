/* SPDX-License-Identifier: BSD-3-Clause */
/* The verbs of v2xgen. Each returns the program's exit status, or a negative errno with a text. */
#ifndef TOOLS_V2XGEN_VERBS_H
#define TOOLS_V2XGEN_VERBS_H

#include "agent/util/error.h"
#include "tools/v2xgen/options.h"

/* Broadcast frames on a schedule, or write the same frames to a file without waiting. */
int cpc_v2x_verb_send(const struct cpc_v2x_options *options, struct cpc_error *error);
int cpc_v2x_verb_pcap(const struct cpc_v2x_options *options, struct cpc_error *error);

/*
 * Receive from an interface or a file. Status 2: fewer frames than --count came within --seconds.
 * recv says "listening" on standard error once no frame can be missed any more.
 */
int cpc_v2x_verb_recv(const struct cpc_v2x_options *options, struct cpc_error *error);
int cpc_v2x_verb_read(const struct cpc_v2x_options *options, struct cpc_error *error);

#endif
