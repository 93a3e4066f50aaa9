// SPDX-License-Identifier: BSD-3-Clause
#include "agent/log/envelope.h"

#include "agent/log/proposal.h"

#define VERSION 1

int cpc_envelope_encode(const struct cpc_envelope *envelope, u8 *out, size_t size)
{
	struct cpc_writer w = cpc_writer_init(out, size);
	bool first = envelope->type == CPC_PAYLOAD_PROPOSAL;

	if (envelope->len == 0 || envelope->len > CPC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (first && !cpc_proposal_magic(envelope->payload, envelope->len))
		return -EINVAL;
	if (first)
		cpc_write_bytes(&w, envelope->payload, envelope->len);
	cpc_write_u8(&w, (u8)(VERSION << 4 | (envelope->type & 0x0f)));
	cpc_write_le64(&w, envelope->local_id);
	if (!first)
		cpc_write_bytes(&w, envelope->payload, envelope->len);
	return w.failed ? -EMSGSIZE : (int)w.used;
}

int cpc_envelope_decode(const u8 *data, size_t len, struct cpc_envelope *ret_envelope)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	bool proposal = cpc_proposal_magic(data, len);
	struct cpc_envelope e = { .payload = NULL };
	u8 version;

	if (len <= CPC_ENVELOPE_BYTES || len > CPC_PAYLOAD_MAX + CPC_ENVELOPE_BYTES)
		return -EBADMSG;
	e.len = len - CPC_ENVELOPE_BYTES;
	if (proposal)
		e.payload = cpc_read_bytes(&r, e.len);
	version = cpc_read_u8(&r);
	e.type = version & 0x0f;
	e.local_id = cpc_read_le64(&r);
	if (!proposal)
		e.payload = cpc_read_bytes(&r, e.len);
	/* A magic in front of anything else is somebody else's entry. */
	if (r.failed || version >> 4 != VERSION || proposal != (e.type == CPC_PAYLOAD_PROPOSAL))
		return -EBADMSG;
	*ret_envelope = e;
	return 0;
}
