// SPDX-License-Identifier: BSD-3-Clause
#include "agent/log/decision.h"

#include <assert.h>
#include <errno.h>

#define VERSION 1
#define FLAG_VOID 0x01

static size_t lane_bytes(const struct cpc_log_lane *lane)
{
	size_t bytes = 1 + 4 + 4 + 2 + CPC_DIGEST_BYTES;
	u32 i;

	for (i = 0; i <= lane->seq - lane->from; i++)
		bytes += 2 + lane->entry[i].len;
	return bytes;
}

static void write_lane(struct cpc_writer *w, const struct cpc_log_lane *lane)
{
	u32 i;

	cpc_write_u8(w, lane->lane);
	cpc_write_le32(w, lane->from);
	cpc_write_le32(w, lane->seq);
	cpc_write_le16(w, lane->accepted);
	cpc_write_bytes(w, lane->head.b, sizeof(lane->head.b));
	for (i = 0; i <= lane->seq - lane->from; i++) {
		cpc_write_le16(w, (u16)lane->entry[i].len);
		cpc_write_bytes(w, lane->entry[i].body, lane->entry[i].len);
	}
}

int cpc_decision_encode(const struct cpc_log_decision *decision, struct cpc_buffer *out)
{
	size_t bytes = 1 + 4 + 1 + CPC_DIGEST_BYTES + CPC_HASH_BYTES + 1;
	struct cpc_writer w;
	uint8_t *start;
	unsigned int i;
	int r;

	assert(decision->lanes <= CPC_CUT_LANES_MAX);
	for (i = 0; i < decision->lanes; i++)
		bytes += lane_bytes(&decision->lane[i]);
	r = cpc_buffer_extend(out, bytes, &start);
	if (r < 0)
		return r;
	w = cpc_writer_init(start, bytes);
	cpc_write_u8(&w, VERSION);
	cpc_write_le32(&w, decision->slot);
	cpc_write_u8(&w, decision->is_void ? FLAG_VOID : 0);
	cpc_write_bytes(&w, decision->value.b, sizeof(decision->value.b));
	cpc_write_bytes(&w, decision->log_hash.b, sizeof(decision->log_hash.b));
	cpc_write_u8(&w, decision->lanes);
	for (i = 0; i < decision->lanes; i++)
		write_lane(&w, &decision->lane[i]);
	assert(!w.failed && w.used == bytes);
	return 0;
}

static int read_lane(struct cpc_reader *r, struct cpc_log_lane *lane)
{
	u32 i;

	lane->lane = cpc_read_u8(r);
	lane->from = cpc_read_le32(r);
	lane->seq = cpc_read_le32(r);
	lane->accepted = cpc_read_le16(r);
	cpc_read_copy(r, lane->head.b, sizeof(lane->head.b));
	if (r->failed || lane->lane >= CPC_MEMBERS_MAX || lane->from == 0 ||
	    lane->seq < lane->from || lane->seq - lane->from >= CPC_LOG_ENTRIES_MAX)
		return -EBADMSG;
	for (i = 0; i <= lane->seq - lane->from; i++) {
		lane->entry[i].len = cpc_read_le16(r);
		if (lane->entry[i].len == 0 || lane->entry[i].len > CPC_BODY_MAX)
			return -EBADMSG;
		lane->entry[i].body = cpc_read_bytes(r, lane->entry[i].len);
	}
	return r->failed ? -EBADMSG : 0;
}

int cpc_decision_decode(struct cpc_reader *reader, struct cpc_log_decision *ret_decision)
{
	struct cpc_log_decision *d = ret_decision;
	u8 version, flags, i;

	if (!reader->failed && reader->left == 0)
		return 0;
	version = cpc_read_u8(reader);
	d->slot = cpc_read_le32(reader);
	flags = cpc_read_u8(reader);
	cpc_read_copy(reader, d->value.b, sizeof(d->value.b));
	cpc_read_copy(reader, d->log_hash.b, sizeof(d->log_hash.b));
	d->lanes = cpc_read_u8(reader);
	d->is_void = flags & FLAG_VOID;
	if (reader->failed || version != VERSION || flags & ~FLAG_VOID || d->slot == 0 ||
	    d->lanes > CPC_CUT_LANES_MAX || (d->is_void && d->lanes))
		return -EBADMSG;
	for (i = 0; i < d->lanes; i++) {
		if (read_lane(reader, &d->lane[i]) < 0)
			return -EBADMSG;
		if (i && d->lane[i].lane <= d->lane[i - 1].lane)
			return -EBADMSG;
	}
	return 1;
}
