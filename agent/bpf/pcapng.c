// SPDX-License-Identifier: BSD-3-Clause
#include "agent/bpf/pcapng.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Block types and options, by section of draft-ietf-opsawg-pcapng. */
enum {
	BLOCK_SECTION = 0x0a0d0d0a,	/* 4.1 */
	BLOCK_INTERFACE = 1,		/* 4.2 */
	BLOCK_PACKET = 6,		/* 4.3, enhanced */
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINKTYPE_ETHERNET = 1,
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_SHB_USERAPPL = 4,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,		/* 9: units of 10^-9 s */
	OPT_EPB_FLAGS = 2,		/* bits 0-1: 1 inbound, 2 outbound */
	NAME_MAX_BYTES = 64,
};

/* A block being written. The first error sticks; the block is then taken back. */
struct block {
	struct cpc_buffer *out;
	size_t start;
	int error;
};

static void put(struct block *b, const void *data, size_t len)
{
	static const uint8_t zeros[4];
	size_t padding = -len & 3;

	if (b->error)
		return;
	b->error = cpc_buffer_append(b->out, data, len);
	if (!b->error && padding)
		b->error = cpc_buffer_append(b->out, zeros, padding);
}

static void put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void put_option(struct block *b, uint16_t code, const void *data, uint16_t len)
{
	uint16_t head[2] = { code, len };

	put(b, head, sizeof(head));
	if (len)
		put(b, data, len);
}

static struct block begin(struct cpc_buffer *out, uint32_t type)
{
	struct block b = { .out = out, .start = out->len };

	put32(&b, type);
	put32(&b, 0); /* the length, by end() */
	return b;
}

static int end(struct block *b)
{
	uint32_t length = (uint32_t)(b->out->len - b->start + sizeof(length));

	put32(b, length);
	if (b->error) {
		cpc_buffer_truncate(b->out, b->start);
		return b->error;
	}
	assert(length % 4 == 0 && length >= 12);
	memcpy(b->out->data + b->start + 4, &length, sizeof(length));
	return 0;
}

static int section(struct cpc_buffer *out)
{
	static const char application[] = "CPChain";
	const uint16_t version[2] = { 1, 0 };
	const int64_t unknown_length = -1;
	struct block b = begin(out, BLOCK_SECTION);

	put32(&b, BYTE_ORDER_MAGIC);
	put(&b, version, sizeof(version));
	put(&b, &unknown_length, sizeof(unknown_length));
	put_option(&b, OPT_SHB_USERAPPL, application, sizeof(application) - 1);
	put_option(&b, OPT_END, NULL, 0);
	return end(&b);
}

int cpc_pcapng_begin(struct cpc_buffer *out, const char *interface, uint32_t snap)
{
	const uint16_t link[2] = { LINKTYPE_ETHERNET, 0 };
	const uint8_t nanoseconds = 9;
	size_t start = out->len, name_len = strlen(interface);
	struct block b;
	int r;

	if (name_len > NAME_MAX_BYTES)
		return -EINVAL;
	r = section(out);
	if (r < 0)
		return r;
	b = begin(out, BLOCK_INTERFACE);
	put(&b, link, sizeof(link));
	put32(&b, snap);
	put_option(&b, OPT_IF_NAME, interface, (uint16_t)name_len);
	put_option(&b, OPT_IF_TSRESOL, &nanoseconds, 1);
	put_option(&b, OPT_END, NULL, 0);
	r = end(&b);
	if (r < 0)
		cpc_buffer_truncate(out, start);
	return r;
}

int cpc_pcapng_packet(struct cpc_buffer *out, const struct cpc_stamp *stamp, const uint8_t *data,
		      uint32_t data_len, int64_t utc_offset_ns)
{
	uint64_t time = stamp->tai_ns + (uint64_t)utc_offset_ns;
	uint32_t flags = stamp->direction == CPC_STAMP_TX ? 2 : 1;
	char comment[64];
	struct block b;
	int len;

	if (data_len != stamp->captured || data_len > stamp->length)
		return -EINVAL;
	b = begin(out, BLOCK_PACKET);
	put32(&b, 0); /* the one interface */
	put32(&b, (uint32_t)(time >> 32));
	put32(&b, (uint32_t)time);
	put32(&b, data_len);
	put32(&b, stamp->length);
	if (data_len)
		put(&b, data, data_len);
	put_option(&b, OPT_EPB_FLAGS, &flags, sizeof(flags));
	if (stamp->hardware_ns) {
		len = snprintf(comment, sizeof(comment), "hardware stamp %" PRIu64 " ns",
			       (uint64_t)stamp->hardware_ns);
		put_option(&b, OPT_COMMENT, comment, (uint16_t)len);
	}
	put_option(&b, OPT_END, NULL, 0);
	return end(&b);
}
