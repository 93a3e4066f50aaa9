// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/announce.h"

static const uint8_t magic[4] = { 'C', 'P', 'C', 'a' };

enum {
	ANNOUNCE_VERSION = 1,
};

int cpc_announce_decode(const uint8_t *data, size_t len, struct cpc_announce *ret)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_announce announce;
	const uint8_t *start = cpc_read_bytes(&r, sizeof(magic));
	uint8_t version = cpc_read_u8(&r);

	announce.index = cpc_read_u8(&r);
	announce.cell = cpc_read_le16(&r);
	announce.epoch = cpc_read_le16(&r);
	announce.port = cpc_read_le16(&r);
	announce.sessions = cpc_read_le64(&r);
	cpc_read_copy(&r, announce.node_id, sizeof(announce.node_id));
	if (r.failed || r.left > 0 || memcmp(start, magic, sizeof(magic)) != 0 ||
	    version != ANNOUNCE_VERSION || announce.port == 0)
		return -EBADMSG;
	*ret = announce;
	return 0;
}

void cpc_announce_encode(const struct cpc_announce *announce, uint8_t ret[CPC_ANNOUNCE_BYTES])
{
	struct cpc_writer w = cpc_writer_init(ret, CPC_ANNOUNCE_BYTES);

	cpc_write_bytes(&w, magic, sizeof(magic));
	cpc_write_u8(&w, ANNOUNCE_VERSION);
	cpc_write_u8(&w, announce->index);
	cpc_write_le16(&w, announce->cell);
	cpc_write_le16(&w, announce->epoch);
	cpc_write_le16(&w, announce->port);
	cpc_write_le64(&w, announce->sessions);
	cpc_write_bytes(&w, announce->node_id, sizeof(announce->node_id));
	cpc_assert(!w.failed && w.used == CPC_ANNOUNCE_BYTES);
}
