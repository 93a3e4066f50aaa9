// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_medium_scenario.c - a scenario: good, or refused with a text that names the file. On a good
 * one some frames are sent, with all invariants checked, over all of its changes.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/cpc-medium/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cpc_scenario scenario;
	static struct cpc_channel channel;
	struct cpc_error error = { "" };
	struct cpc_channel_done done;
	uint64_t now_us = 0;
	unsigned int i;

	if (cpc_scenario_parse("file", (const char *)data, size, &scenario, &error) < 0) {
		if (strncmp(error.text, "file:", 5) != 0)
			abort();
		return 0;
	}
	cpc_channel_init(&channel, &scenario, 0);
	for (i = 0; i < 64 && scenario.stations > 1; i++) {
		struct cpc_channel_frame frame = {
			.octets = (uint16_t)(i * 30), .from = (uint8_t)(i % scenario.stations),
			.ac = i % 4, .to = CPC_ALL_STATIONS };

		if (i < scenario.changes && scenario.change[i].at_us > now_us)
			now_us = scenario.change[i].at_us;
		while (cpc_channel_advance(&channel, now_us, &done))
			cpc_channel_check(&channel);
		if (cpc_channel_send(&channel, now_us, &frame) < 0)
			abort();
		cpc_channel_check(&channel);
	}
	return 0;
}
