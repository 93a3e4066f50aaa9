/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_LOAD_BATCH_H
#define CPC_TOOLS_LOAD_BATCH_H

/*
 * batch.h - many entries in one system call: how an agent submits that has much to say.
 *
 * In one process per member, as each vehicle has its own agent. The network namespace is the one
 * the process is in when it opens the batch.
 */
#include <stddef.h>
#include <stdint.h>

enum { CPC_BATCH_MAX = 15 };	/* entries: more a lane does not take at once */

struct cpc_batch;

/* -ENOENT: no module; -ENOMEM, -EIO. */
int cpc_batch_open(uint16_t cell, struct cpc_batch **ret_batch);
void cpc_batch_close(struct cpc_batch *batch);

/*
 * Submits @count ordinary entries of @len bytes. Returns how many the lane took, the rest having
 * found it full, or a negative errno.
 */
int cpc_batch_submit(struct cpc_batch *batch, const uint8_t *data, size_t len, unsigned int count);

/* Waits until something was decided, at most so long. Returns 0, -ETIMEDOUT, or what poll says. */
int cpc_batch_wait(struct cpc_batch *batch, int milliseconds);

#endif
