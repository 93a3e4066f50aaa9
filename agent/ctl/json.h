/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_JSON_H
#define CPC_AGENT_CTL_JSON_H

/*
 * What an answer says under a key. The daemon may be of another version: what is not there, or of
 * another type, reads as "", 0 or false.
 */
#include <jansson.h>
#include <stdbool.h>

static inline const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static inline long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static inline double real_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static inline bool true_of(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

#endif
