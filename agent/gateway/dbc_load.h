/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_DBC_LOAD_H
#define CPC_AGENT_GATEWAY_DBC_LOAD_H

/* What dbc.c and dbc_load.c share while a file is being loaded; nobody else includes it. */
#include "agent/gateway/dbc.h"
#include "agent/gateway/dbc_scan.h"

struct cpc_dbc_loader {
	struct cpc_dbc *dbc;
	struct cpc_dbc_scan scan;
	struct cpc_error *error;
	uint32_t statement_line; /* where the statement being read began */
	bool second_pass;	 /* the first reads BO_ and SG_, the second what refers to them */
	bool in_message;	 /* SG_ lines belong to the last message */
	bool skip_signals;	 /* ... or to a pseudo message or a double: read, then forget */
	uint32_t message_capacity, signal_capacity, label_capacity, range_capacity;
};

/* Refuse the file: -EINVAL with the line, `what` and the text at the cursor. */
int cpc_dbc_refuse(struct cpc_dbc_loader *loader, const char *what);

/* Refuse the file for a limit: -E2BIG. */
int cpc_dbc_too_many(struct cpc_dbc_loader *loader, const char *what, unsigned int limit);

void cpc_dbc_warn(struct cpc_dbc_loader *loader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A stored UTF-8 copy of Latin-1 or UTF-8 text, cut at `max` bytes; never fails. */
const char *cpc_dbc_store(struct cpc_dbc_loader *loader, struct cpc_slice text, size_t max);

/* One more zeroed element; NULL with the error set when there are `max` or memory ends. */
void *cpc_dbc_grow(struct cpc_dbc_loader *loader, void *array, uint32_t count, uint32_t *capacity,
		   uint32_t max, size_t size, const char *what, int *ret_error);

/* The statements; the cursor stands behind the keyword. */
int cpc_dbc_load_message(struct cpc_dbc_loader *loader);
int cpc_dbc_load_signal(struct cpc_dbc_loader *loader);
int cpc_dbc_load_labels(struct cpc_dbc_loader *loader);
int cpc_dbc_load_value_type(struct cpc_dbc_loader *loader);
int cpc_dbc_load_multiplexing(struct cpc_dbc_loader *loader);

/* Find the multiplexor of every multiplexed signal, and refuse what cannot be decoded. */
void cpc_dbc_resolve(struct cpc_dbc_loader *loader);

#endif
