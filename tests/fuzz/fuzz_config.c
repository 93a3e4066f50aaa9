// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_config.c - a configuration file: good, or refused with a text that names the file. */
#include <stdlib.h>
#include <string.h>

#include "agent/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_agent_config config;
	struct cpc_error error = { "" };

	if (cpc_config_parse("file", (const char *)data, size, &config, &error) < 0) {
		if (strncmp(error.text, "file:", 5) != 0)
			abort();
		return 0;
	}
	if (config.n < CPC_MEMBERS_MIN || config.n > CPC_MEMBERS_MAX || config.cell == 0 ||
	    config.epoch == 0 || !config.interface[0] || !config.member[config.n - 1].set)
		abort();
	return 0;
}
