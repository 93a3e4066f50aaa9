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
	if (config.cell == 0 || !config.interface[0] || config.knowns > CPC_CONFIG_KNOWN_MAX ||
	    config.join != (config.n == 0) || config.join != (config.epoch == 0))
		abort();
	if (config.join && !config.knowns && !config.authority[0])
		abort();
	if (!config.join && (config.n > CPC_MEMBERS_MAX || !config.member[config.n - 1].set ||
			     config.n < (config.unanimous ? CPC_MEMBERS_FEW : CPC_MEMBERS_MIN)))
		abort();
	for (unsigned int i = 0; i < config.knowns; i++)
		if (cpc_config_find(&config, config.known[i].node_id) >= 0 ||
		    strcmp(cpc_config_name(&config, config.known[i].node_id),
			   config.known[i].name) != 0)
			abort();
	return 0;
}
