// SPDX-License-Identifier: BSD-3-Clause
#include "agent/log/envelope.h"

#define VERSION 1

int cpc_envelope_encode(const struct cpc_envelope *envelope, u8 *out, size_t size)
{
	struct cpc_writer w = cpc_writer_init(out, size);

	if (envelope->len == 0 || envelope->len > CPC_PAYLOAD_MAX)
		return -EMSGSIZE;
	cpc_write_u8(&w, (u8)(VERSION << 4 | (envelope->type & 0x0f)));
	cpc_write_le64(&w, envelope->local_id);
	cpc_write_bytes(&w, envelope->payload, envelope->len);
	return w.failed ? -EMSGSIZE : (int)w.used;
}

int cpc_envelope_decode(const u8 *data, size_t len, struct cpc_envelope *ret_envelope)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_envelope e;
	u8 first = cpc_read_u8(&r);

	e.type = first & 0x0f;
	e.local_id = cpc_read_le64(&r);
	if (r.failed || first >> 4 != VERSION || r.left == 0 || r.left > CPC_PAYLOAD_MAX)
		return -EBADMSG;
	e.len = r.left;
	e.payload = cpc_read_bytes(&r, r.left);
	*ret_envelope = e;
	return 0;
}
