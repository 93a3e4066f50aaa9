/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_REPORT_H
#define CPC_TOOLS_MEDIUM_REPORT_H

/*
 * What a channel did, as one JSON object on a stream (the members of it, so that the caller can add
 * its own):
 *
 *   "seconds" "rate_mbit_s" "stations"    since the last reset
 *   "frames" "retries" "dropped" "air_ms" transmissions; frames that no queue took; time on the air
 *   "delivered" "lost": {"loss" "collision" "range" "partition"}    frames times receivers
 *   "busy"                                mean busy ratio over stations, 0 to 1
 *   "station": [{"station", the same counts as its sender, "busy", "busy_max", "windows": [...]}]
 *   "link": [{"from" "to" "rssi_dbm" "delivered" "lost": {...}}]    those with any frame
 *
 * Windows are the last 100 ms ones (at most a minute of them), oldest first.
 */
#include <stdio.h>

#include "tools/cpc-medium/channel.h"

/* Without the braces around it. The stream's errors are the caller's to look at. */
void cpc_channel_report(struct cpc_channel *channel, FILE *out);

#endif
