/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * cursor.h - the one way in which the project reads and writes outside bytes.
 *
 * A cursor never leaves its buffer: the first access that would sets `failed`, and from then on
 * reads give zeros and writes do nothing, so a codec may run straight through and check once.
 * Integers are little-endian, as everything of ours on the wire.
 */
#ifndef CPCHAIN_CURSOR_H
#define CPCHAIN_CURSOR_H

#include <cpchain/port.h>

struct cpc_reader {
	const u8 *at;
	size_t left;
	bool failed;
};

struct cpc_writer {
	u8 *start;
	size_t used;
	size_t size;
	bool failed;
};

static inline struct cpc_reader cpc_reader_init(const void *data, size_t len)
{
	return (struct cpc_reader){ .at = data, .left = len };
}

/* The next @len bytes, or NULL (and failed) if there are fewer. */
static inline const u8 *cpc_read_bytes(struct cpc_reader *r, size_t len)
{
	const u8 *at = r->at;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static inline void cpc_read_copy(struct cpc_reader *r, void *out, size_t len)
{
	const u8 *at = cpc_read_bytes(r, len);

	if (at)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
}

static inline u8 cpc_read_u8(struct cpc_reader *r)
{
	const u8 *b = cpc_read_bytes(r, 1);

	return b ? b[0] : 0;
}

static inline u16 cpc_read_le16(struct cpc_reader *r)
{
	const u8 *b = cpc_read_bytes(r, 2);

	return b ? (u16)(b[0] | b[1] << 8) : 0;
}

static inline u32 cpc_read_le32(struct cpc_reader *r)
{
	const u8 *b = cpc_read_bytes(r, 4);

	return b ? (u32)b[0] | (u32)b[1] << 8 | (u32)b[2] << 16 | (u32)b[3] << 24 : 0;
}

static inline u64 cpc_read_le64(struct cpc_reader *r)
{
	u64 low = cpc_read_le32(r);

	return low | (u64)cpc_read_le32(r) << 32;
}

static inline struct cpc_writer cpc_writer_init(void *data, size_t size)
{
	return (struct cpc_writer){ .start = data, .size = size };
}

static inline size_t cpc_writer_room(const struct cpc_writer *w)
{
	return w->failed ? 0 : w->size - w->used;
}

static inline void cpc_write_bytes(struct cpc_writer *w, const void *data, size_t len)
{
	if (w->failed || len > w->size - w->used) {
		w->failed = true;
		return;
	}
	memcpy(w->start + w->used, data, len);
	w->used += len;
}

static inline void cpc_write_u8(struct cpc_writer *w, u8 v)
{
	cpc_write_bytes(w, &v, 1);
}

static inline void cpc_write_le16(struct cpc_writer *w, u16 v)
{
	u8 b[2] = { v & 0xff, v >> 8 };

	cpc_write_bytes(w, b, sizeof(b));
}

static inline void cpc_write_le32(struct cpc_writer *w, u32 v)
{
	u8 b[4] = { v & 0xff, v >> 8 & 0xff, v >> 16 & 0xff, v >> 24 };

	cpc_write_bytes(w, b, sizeof(b));
}

static inline void cpc_write_le64(struct cpc_writer *w, u64 v)
{
	cpc_write_le32(w, v & 0xffffffff);
	cpc_write_le32(w, (u32)(v >> 32));
}

#endif
