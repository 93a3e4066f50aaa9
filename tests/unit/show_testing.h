/* SPDX-License-Identifier: BSD-3-Clause */
/* show_testing.h - an answer, as a person would see it. */
#ifndef TESTS_UNIT_SHOW_TESTING_H
#define TESTS_UNIT_SHOW_TESTING_H

#include "core_testing.h"

#include <jansson.h>
#include <stdio.h>

static char *shown;
static size_t shown_len;

/* Leaves in `shown` what @what prints of the answer @text. */
static inline void show(void (*what)(FILE *, const json_t *), const char *text)
{
	FILE *out = open_memstream(&shown, &shown_len);
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	ck_assert_msg(json, "%s", error.text);
	what(out, json);
	fclose(out);
	json_decref(json);
}

static inline void teardown(void)
{
	free(shown);
	shown = NULL;
}

static inline void ck_has(const char *text)
{
	ck_assert_msg(strstr(shown, text), "no '%s' in: %s", text, shown);
}

#endif
