/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_SHOW_H
#define CPC_AGENT_CTL_SHOW_H

/* The daemon's answers for a person to read. Members that an answer lacks are left out. */
#include <jansson.h>
#include <stdio.h>
#include <stdbool.h>

void cpc_show_status(FILE *out, const json_t *answer);
void cpc_show_cell(FILE *out, const json_t *answer);
void cpc_show_stats(FILE *out, const json_t *answer);

/* One decided entry: a head line, and a line per signal. */
void cpc_show_entry(FILE *out, const json_t *entry);

/* Prints text from others so that it cannot drive the terminal: control bytes become \xNN. */
void cpc_show_text(FILE *out, const char *text, size_t len);
/* The same of a JSON string; nothing of anything else. */
void cpc_show_string(FILE *out, const json_t *value);

#endif
