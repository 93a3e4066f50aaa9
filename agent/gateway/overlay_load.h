/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_OVERLAY_LOAD_H
#define CPC_AGENT_GATEWAY_OVERLAY_LOAD_H

/* What overlay.c and overlay_load.c share; nobody else includes it. */
#include <jansson.h>

#include "agent/gateway/overlay.h"

struct cpc_overlay_entry {
	enum { CPC_FROM_NUMBER, CPC_FROM_TEXT } kind;
	double number; /* the physical value */
	char *text;    /* a DBC value description */
	struct cpc_value to;
	char *to_text; /* owns to.text */
};

void cpc_overlay_warn(struct cpc_overlay *overlay, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One more zeroed signal at the end; NULL with *ret_error and the error set. */
struct cpc_overlay_signal *cpc_overlay_add(struct cpc_overlay *overlay, const char *path,
					   int *ret_error, struct cpc_error *error);

/* Choose factor, offset and on_grid, once source, datatype and transform are known. */
void cpc_overlay_set_grid(struct cpc_overlay_signal *signal);

/* A clean copy of at most `max` bytes, cut between characters; NULL without memory. */
char *cpc_overlay_copy(const char *text, size_t max);

/* Walk the JSON tree and add what it maps. */
int cpc_overlay_load(struct cpc_overlay *overlay, const json_t *root, struct cpc_error *error);

#endif
