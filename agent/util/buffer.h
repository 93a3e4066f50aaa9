/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_UTIL_BUFFER_H
#define CPC_AGENT_UTIL_BUFFER_H

/*
 * A growing row of bytes with a limit: bytes are appended at the end and taken at the front.
 *
 *	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(4096);
 *	int r = cpc_buffer_append(&out, data, len);	// -ENOBUFS beyond 4096 bytes
 *
 * `data` and `len` may be read directly; `data` moves whenever the buffer changes.
 */
#include <stddef.h>
#include <stdint.h>

#include "agent/util/cleanup.h"

struct cpc_buffer {
	uint8_t *data;	/* NULL as long as nothing was appended */
	size_t len;	/* bytes in use */
	size_t size;	/* bytes allocated */
	size_t limit;	/* `len` never exceeds it */
};

#define CPC_BUFFER CPC_CLEANUP(cpc_buffer_done)

/* Allocates nothing, so it cannot fail. */
static inline struct cpc_buffer cpc_buffer_init(size_t limit)
{
	return (struct cpc_buffer){ .limit = limit };
}

/* Frees the bytes; the buffer is empty and usable afterwards. */
void cpc_buffer_done(struct cpc_buffer *buffer);

/* How many bytes may still be appended. */
size_t cpc_buffer_room(const struct cpc_buffer *buffer);

/* Appends all of `data` or nothing: -ENOBUFS when that would pass the limit, or -ENOMEM. */
int cpc_buffer_append(struct cpc_buffer *buffer, const void *data, size_t len);

/* Appends `len` bytes for the caller to fill (zeros until then); errors as above. */
int cpc_buffer_extend(struct cpc_buffer *buffer, size_t len, uint8_t **ret_bytes);

/* Cuts the buffer to its first `len` bytes, to undo appends; `len` must not exceed buffer->len. */
void cpc_buffer_truncate(struct cpc_buffer *buffer, size_t len);

/* Removes the first `len` bytes; `len` must not exceed buffer->len. */
void cpc_buffer_consume(struct cpc_buffer *buffer, size_t len);

#endif
