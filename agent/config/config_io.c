// SPDX-License-Identifier: BSD-3-Clause
#include "agent/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/cleanup.h"

int cpc_config_load(const char *path, struct cpc_agent_config *ret_config,
		    struct cpc_error *error)
{
	CPC_FCLOSE FILE *file = fopen(path, "re");
	CPC_FREE char *text = NULL;
	size_t len;
	int r;

	if (!file) {
		r = -errno;
		cpc_error_set(error, "%s: %s", path, strerror(-r));
		return r;
	}
	text = malloc(CPC_CONFIG_FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	len = fread(text, 1, CPC_CONFIG_FILE_MAX + 1, file);
	if (ferror(file)) {
		r = errno ? -errno : -EIO;
		cpc_error_set(error, "%s: cannot be read: %s", path, strerror(-r));
		return r;
	}
	if (len > CPC_CONFIG_FILE_MAX) {
		cpc_error_set(error, "%s: larger than %d bytes", path, CPC_CONFIG_FILE_MAX);
		return -EFBIG;
	}
	return cpc_config_parse(path, text, len, ret_config, error);
}
