/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_ASK_IO_H
#define CPC_AGENT_CTL_ASK_IO_H

/* Requests to the daemon that are a line each way, over one connection. */
#include <jansson.h>
#include <stdio.h>

#include "agent/util/error.h"

enum { CPC_CTL_ANSWER_MAX = 4 << 20 };	/* bytes of one line; the daemon's are far shorter */

/* A connected descriptor, or -errno with what to do about it. */
int cpc_ctl_connect(const char *path, struct cpc_error *error);

/* Sends @request as one line. */
int cpc_ctl_send(int fd, const json_t *request);

struct cpc_ctl_session {
	int fd;
	FILE *answers;
};

int cpc_ctl_open(const char *path, struct cpc_ctl_session *ret_session, struct cpc_error *error);
void cpc_ctl_close(struct cpc_ctl_session *session);

/*
 * Asks and gives the answer, a new reference; @request is released. NULL with a text: the daemon
 * refuses, is gone, or is not understood.
 */
json_t *cpc_ctl_ask(struct cpc_ctl_session *session, json_t *request, struct cpc_error *error);

#endif
