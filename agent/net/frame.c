// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/frame.h"

static void read_hello(struct cpc_reader *r, struct cpc_frame_hello *hello)
{
	static const uint8_t none[CPC_KEY_ID_BYTES];
	uint8_t has_held;

	hello->cell = cpc_read_le16(r);
	hello->epoch = cpc_read_le16(r);
	hello->index = cpc_read_u8(r);
	has_held = cpc_read_u8(r);
	hello->has_held = has_held;
	cpc_read_copy(r, hello->held, sizeof(hello->held));
	cpc_read_copy(r, hello->fresh, sizeof(hello->fresh));
	if (has_held > 1 || (!has_held && memcmp(hello->held, none, sizeof(none)) != 0))
		r->failed = true;
}

static void read_payload(struct cpc_reader *r, struct cpc_frame *frame)
{
	switch (frame->type) {
	case CPC_FRAME_HELLO:
		read_hello(r, &frame->hello);
		return;
	case CPC_FRAME_CONFIRM:
		cpc_read_copy(r, frame->key_id, sizeof(frame->key_id));
		return;
	case CPC_FRAME_PING:
	case CPC_FRAME_PONG:
		frame->token = cpc_read_le32(r);
		return;
	case CPC_FRAME_FETCH:
		frame->after_slot = cpc_read_le32(r);
		return;
	case CPC_FRAME_DECISIONS:
		frame->blob.len = r->left;
		frame->blob.data = cpc_read_bytes(r, r->left);
		return;
	}
	r->failed = true;
}

int cpc_frame_decode(const uint8_t *data, size_t len, struct cpc_frame *ret)
{
	struct cpc_reader r = cpc_reader_init(data, len), payload;
	struct cpc_frame frame = { 0 };
	uint32_t length = cpc_read_le32(&r);

	if (r.failed)
		return 0;
	/* Judged before the bytes are waited for, so that nobody makes us wait for gigabytes. */
	if (length < 1)
		return -EBADMSG;
	if (length > CPC_NET_FRAME_MAX)
		return -EMSGSIZE;
	if (r.left < length)
		return 0;
	payload = cpc_reader_init(cpc_read_bytes(&r, length), length);
	frame.type = cpc_read_u8(&payload);
	read_payload(&payload, &frame);
	if (payload.failed || payload.left > 0)
		return -EBADMSG;
	*ret = frame;
	return (int)(len - r.left);
}

static size_t payload_bytes(const struct cpc_frame *frame)
{
	switch (frame->type) {
	case CPC_FRAME_HELLO:
		return 6 + sizeof(frame->hello.held) + sizeof(frame->hello.fresh);
	case CPC_FRAME_CONFIRM:
		return sizeof(frame->key_id);
	case CPC_FRAME_PING:
	case CPC_FRAME_PONG:
	case CPC_FRAME_FETCH:
		return 4;
	case CPC_FRAME_DECISIONS:
		return frame->blob.len;
	}
	cpc_assert(false);
	return 0;
}

static void write_hello(struct cpc_writer *w, const struct cpc_frame_hello *hello)
{
	static const uint8_t none[CPC_KEY_ID_BYTES];

	cpc_write_le16(w, hello->cell);
	cpc_write_le16(w, hello->epoch);
	cpc_write_u8(w, hello->index);
	cpc_write_u8(w, hello->has_held);
	cpc_write_bytes(w, hello->has_held ? hello->held : none, sizeof(hello->held));
	cpc_write_bytes(w, hello->fresh, sizeof(hello->fresh));
}

void cpc_frame_encode(struct cpc_writer *w, const struct cpc_frame *frame)
{
	size_t length = 1 + payload_bytes(frame);

	cpc_assert(length <= CPC_NET_FRAME_MAX);
	cpc_write_le32(w, (uint32_t)length);
	cpc_write_u8(w, frame->type);
	switch (frame->type) {
	case CPC_FRAME_HELLO:
		write_hello(w, &frame->hello);
		return;
	case CPC_FRAME_CONFIRM:
		cpc_write_bytes(w, frame->key_id, sizeof(frame->key_id));
		return;
	case CPC_FRAME_PING:
	case CPC_FRAME_PONG:
		cpc_write_le32(w, frame->token);
		return;
	case CPC_FRAME_FETCH:
		cpc_write_le32(w, frame->after_slot);
		return;
	case CPC_FRAME_DECISIONS:
		if (frame->blob.len)
			cpc_write_bytes(w, frame->blob.data, frame->blob.len);
		return;
	}
}
