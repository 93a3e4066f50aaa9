/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * server.h - the control socket: who may ask is decided by the file's mode (0660), what is asked
 * by request.h, and what is answered by the caller through ops. This folder holds the socket, its
 * clients and their lines, and calls nothing of the agent but util/.
 *
 * A log is not queued for a slow reader: each reader has its place in the log, and is given the
 * next entries when its buffer has room. So a follower that stops reading costs one buffer.
 */
#ifndef CPC_AGENT_API_SERVER_H
#define CPC_AGENT_API_SERVER_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "agent/api/request.h"
#include "agent/log/store.h"

enum {
	CPC_API_CLIENTS_MAX = 32,	/* a further one is told so and closed */
	CPC_API_LINE_MAX = 16 * 1024,	/* bytes of a request; longer: told so and closed */
	CPC_API_OUT_MAX = 256 * 1024,	/* unsent bytes of a client; it is not read above half */
	CPC_API_LOG_BATCH = 64,		/* entries read from the log at a time */
};

/* A client's way through the log. */
struct cpc_api_cursor {
	struct cpc_store_place place;
	bool has_author;
	uint8_t author[32];		/* whose entries, by node id; else all */
	uint32_t left;			/* entries still to give; 0: no limit */
	bool limited;
	bool follow;
};

/* Takes one entry; nonzero when there is no room for more. */
typedef int (*cpc_api_entry_fn)(void *ctx, json_t *entry);

struct cpc_api_ops {
	/* The answer to anything but a log: a new reference, or NULL with an error text. */
	json_t *(*answer)(void *ctx, const struct cpc_api_request *request,
			  struct cpc_error *error);
	/* Where a log starts. Negative with an error text: refused. */
	int (*log_start)(void *ctx, const struct cpc_api_request *request,
			 struct cpc_api_cursor *ret_cursor, struct cpc_error *error);
	/* Gives at most @limit entries behind the cursor and moves it. Returns how many. */
	int (*log_next)(void *ctx, struct cpc_api_cursor *cursor, unsigned int limit,
			cpc_api_entry_fn fn, void *fn_ctx, struct cpc_error *error);
};

struct cpc_api;

/*
 * Listens at @path, in a directory that is made if it is missing. -EADDRINUSE: another daemon
 * answers there.
 */
int cpc_api_new(sd_event *event, const char *path, const struct cpc_api_ops *ops, void *ctx,
		struct cpc_api **ret_api, struct cpc_error *error);
void cpc_api_free(struct cpc_api *api);

/* The log has grown: followers get what is new. */
void cpc_api_log_grew(struct cpc_api *api);

#endif
