// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/frame.h"

static void read_epoch(struct cpc_reader *r, struct cpc_net_epoch *epoch)
{
	epoch->cell = cpc_read_le16(r);
	epoch->epoch = cpc_read_le16(r);
}

static void read_offer(struct cpc_reader *r, struct cpc_frame_offer *offer)
{
	static const uint8_t none[CPC_KEY_ID_BYTES];
	uint8_t has_held = cpc_read_u8(r);

	offer->has_held = has_held;
	cpc_read_copy(r, offer->held, sizeof(offer->held));
	cpc_read_copy(r, offer->fresh, sizeof(offer->fresh));
	if (has_held > 1 || (!has_held && memcmp(offer->held, none, sizeof(none)) != 0))
		r->failed = true;
}

static void read_payload(struct cpc_reader *r, struct cpc_frame *frame)
{
	switch (frame->type) {
	case CPC_FRAME_HELLO:
		read_epoch(r, &frame->epoch);
		return;
	case CPC_FRAME_OFFER:
		read_epoch(r, &frame->epoch);
		read_offer(r, &frame->offer);
		return;
	case CPC_FRAME_CONFIRM:
		read_epoch(r, &frame->epoch);
		cpc_read_copy(r, frame->key_id, sizeof(frame->key_id));
		return;
	case CPC_FRAME_PING:
	case CPC_FRAME_PONG:
		frame->token = cpc_read_le32(r);
		return;
	case CPC_FRAME_FETCH:
		read_epoch(r, &frame->epoch);
		frame->after_slot = cpc_read_le32(r);
		return;
	case CPC_FRAME_TELL:
		if (r->left < 1 || r->left > CPC_NET_TELL_MAX)
			r->failed = true;
		/* fallthrough */
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
	enum { EPOCH_BYTES = 4 };

	switch (frame->type) {
	case CPC_FRAME_HELLO:
		return EPOCH_BYTES;
	case CPC_FRAME_OFFER:
		return EPOCH_BYTES + 1 + sizeof(frame->offer.held) + sizeof(frame->offer.fresh);
	case CPC_FRAME_CONFIRM:
		return EPOCH_BYTES + sizeof(frame->key_id);
	case CPC_FRAME_PING:
	case CPC_FRAME_PONG:
		return 4;
	case CPC_FRAME_FETCH:
		return EPOCH_BYTES + 4;
	case CPC_FRAME_DECISIONS:
	case CPC_FRAME_TELL:
		return frame->blob.len;
	}
	cpc_assert(false);
	return 0;
}

size_t cpc_frame_bytes(const struct cpc_frame *frame)
{
	return CPC_FRAME_HEADER_BYTES + payload_bytes(frame);
}

static void write_epoch(struct cpc_writer *w, const struct cpc_net_epoch *epoch)
{
	cpc_write_le16(w, epoch->cell);
	cpc_write_le16(w, epoch->epoch);
}

static void write_offer(struct cpc_writer *w, const struct cpc_frame_offer *offer)
{
	static const uint8_t none[CPC_KEY_ID_BYTES];

	cpc_write_u8(w, offer->has_held);
	cpc_write_bytes(w, offer->has_held ? offer->held : none, sizeof(offer->held));
	cpc_write_bytes(w, offer->fresh, sizeof(offer->fresh));
}

void cpc_frame_encode(struct cpc_writer *w, const struct cpc_frame *frame)
{
	size_t length = 1 + payload_bytes(frame);

	cpc_assert(length <= CPC_NET_FRAME_MAX);
	cpc_write_le32(w, (uint32_t)length);
	cpc_write_u8(w, frame->type);
	switch (frame->type) {
	case CPC_FRAME_HELLO:
		write_epoch(w, &frame->epoch);
		return;
	case CPC_FRAME_OFFER:
		write_epoch(w, &frame->epoch);
		write_offer(w, &frame->offer);
		return;
	case CPC_FRAME_CONFIRM:
		write_epoch(w, &frame->epoch);
		cpc_write_bytes(w, frame->key_id, sizeof(frame->key_id));
		return;
	case CPC_FRAME_PING:
	case CPC_FRAME_PONG:
		cpc_write_le32(w, frame->token);
		return;
	case CPC_FRAME_FETCH:
		write_epoch(w, &frame->epoch);
		cpc_write_le32(w, frame->after_slot);
		return;
	case CPC_FRAME_DECISIONS:
	case CPC_FRAME_TELL:
		if (frame->blob.len)
			cpc_write_bytes(w, frame->blob.data, frame->blob.len);
		return;
	}
}
