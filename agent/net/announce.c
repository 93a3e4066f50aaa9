// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/announce.h"

static const uint8_t magic[4] = { 'C', 'P', 'C', 'a' };
/* The identity key signs other things elsewhere; none of them begins like this. */
static const char label[16] = "CPChain announce";

enum {
	ANNOUNCE_VERSION = 2,
};

int cpc_announce_decode(const uint8_t *data, size_t len, struct cpc_announce *ret)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_announce announce = { 0 };
	const uint8_t *start = cpc_read_bytes(&r, sizeof(magic));
	uint8_t version = cpc_read_u8(&r);

	announce.cell = cpc_read_le16(&r);
	announce.epoch = cpc_read_le16(&r);
	announce.port = cpc_read_le16(&r);
	announce.n = cpc_read_u8(&r);
	if (announce.n > CPC_NET_MISSING_MAX)
		return -EBADMSG;
	cpc_read_copy(&r, announce.missing, announce.n * sizeof(announce.missing[0]));
	cpc_read_copy(&r, announce.spki, sizeof(announce.spki));
	announce.signature_len = cpc_read_u8(&r);
	if (announce.signature_len == 0 || announce.signature_len > CPC_SIGNATURE_MAX)
		return -EBADMSG;
	cpc_read_copy(&r, announce.signature, announce.signature_len);
	if (r.failed || r.left > 0 || memcmp(start, magic, sizeof(magic)) != 0 ||
	    version != ANNOUNCE_VERSION || announce.cell == 0 || announce.port == 0)
		return -EBADMSG;
	*ret = announce;
	return 0;
}

static void write_body(struct cpc_writer *w, const struct cpc_announce *announce)
{
	cpc_assert(announce->n <= CPC_NET_MISSING_MAX);
	cpc_write_bytes(w, magic, sizeof(magic));
	cpc_write_u8(w, ANNOUNCE_VERSION);
	cpc_write_le16(w, announce->cell);
	cpc_write_le16(w, announce->epoch);
	cpc_write_le16(w, announce->port);
	cpc_write_u8(w, announce->n);
	cpc_write_bytes(w, announce->missing, announce->n * sizeof(announce->missing[0]));
	cpc_write_bytes(w, announce->spki, sizeof(announce->spki));
}

size_t cpc_announce_encode(const struct cpc_announce *announce, uint8_t ret[CPC_ANNOUNCE_MAX])
{
	struct cpc_writer w = cpc_writer_init(ret, CPC_ANNOUNCE_MAX);

	cpc_assert(announce->signature_len && announce->signature_len <= CPC_SIGNATURE_MAX);
	write_body(&w, announce);
	cpc_write_u8(&w, announce->signature_len);
	cpc_write_bytes(&w, announce->signature, announce->signature_len);
	cpc_assert(!w.failed);
	return w.used;
}

size_t cpc_announce_signed(const struct cpc_announce *announce, const uint8_t address[16],
			   uint8_t ret[CPC_ANNOUNCE_SIGNED_MAX])
{
	struct cpc_writer w = cpc_writer_init(ret, CPC_ANNOUNCE_SIGNED_MAX);

	cpc_write_bytes(&w, label, sizeof(label));
	write_body(&w, announce);
	cpc_write_bytes(&w, address, 16);
	cpc_assert(!w.failed);
	return w.used;
}

bool cpc_announce_misses(const struct cpc_announce *announce, const uint8_t *node_id)
{
	for (unsigned i = 0; i < announce->n; i++) {
		if (memcmp(announce->missing[i], node_id, CPC_ANNOUNCE_ID_BYTES) == 0)
			return true;
	}
	return false;
}
