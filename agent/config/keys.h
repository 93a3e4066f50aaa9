/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CONFIG_KEYS_H
#define CPC_AGENT_CONFIG_KEYS_H

/*
 * The table of keys: what config.c looks up for every line. A value's parser writes the field
 * and returns NULL, or says what a good value looks like ("a number from 1 to 65535").
 */
#include "agent/config/config.h"

enum { CPC_CONFIG_KEYS_MAX = 64 };

struct cpc_config_key {
	const char *section;
	const char *name;
	const char *(*parse)(const struct cpc_config_key *key, const char *value, void *field);
	size_t offset;			/* of the field in struct cpc_agent_config */
	unsigned long min, max;		/* bounds of a number, or the field's bytes */
	const char *expect;		/* what `parse` says of a bad value */
	bool required;			/* epoch: unless this vehicle joins */
};

extern const struct cpc_config_key cpc_config_keys[];
extern const unsigned int cpc_config_key_count;

/* A whole decimal number, nothing around it. Returns 0 or -EINVAL. */
int cpc_config_number(const char *text, unsigned long min, unsigned long max,
		      unsigned long *ret_number);

bool cpc_config_is_printable(const char *text);

#endif
