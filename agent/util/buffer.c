// SPDX-License-Identifier: BSD-3-Clause
#include "agent/util/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUFFER_FIRST_SIZE = 256,	/* of the first allocation; it doubles from there */
};

void cpc_buffer_done(struct cpc_buffer *buffer)
{
	free(buffer->data);
	*buffer = cpc_buffer_init(buffer->limit);
}

size_t cpc_buffer_room(const struct cpc_buffer *buffer)
{
	assert(buffer->len <= buffer->limit);
	return buffer->limit - buffer->len;
}

/* Makes room for `len` more bytes, which are known to be within the limit. */
static int grow(struct cpc_buffer *buffer, size_t len)
{
	size_t size = buffer->size ? buffer->size : BUFFER_FIRST_SIZE;
	uint8_t *data;

	if (len <= buffer->size - buffer->len)
		return 0;
	/* `len` fits the limit, so the doubling ends at most one step beyond it. */
	while (size - buffer->len < len)
		size *= 2;
	if (size > buffer->limit)
		size = buffer->limit;
	data = realloc(buffer->data, size);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->size = size;
	return 0;
}

int cpc_buffer_extend(struct cpc_buffer *buffer, size_t len, uint8_t **ret_bytes)
{
	int r;

	if (len > cpc_buffer_room(buffer))
		return -ENOBUFS;
	r = grow(buffer, len);
	if (r < 0)
		return r;
	if (len)
		memset(buffer->data + buffer->len, 0, len);
	*ret_bytes = buffer->data + buffer->len;
	buffer->len += len;
	return 0;
}

int cpc_buffer_append(struct cpc_buffer *buffer, const void *data, size_t len)
{
	uint8_t *bytes;
	int r = cpc_buffer_extend(buffer, len, &bytes);

	if (r < 0)
		return r;
	if (len)
		memcpy(bytes, data, len);
	return 0;
}

void cpc_buffer_truncate(struct cpc_buffer *buffer, size_t len)
{
	assert(len <= buffer->len);
	buffer->len = len;
}

void cpc_buffer_consume(struct cpc_buffer *buffer, size_t len)
{
	assert(len <= buffer->len);
	buffer->len -= len;
	if (len && buffer->len)
		memmove(buffer->data, buffer->data + len, buffer->len);
}
