/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * envelope.h - what an agent puts around a payload before it becomes a lane entry's data.
 *
 *   u8 version and type (high and low nibble) | le64 local id | payload
 *   proposal | u8 version and type | le64 local id
 *
 * Of a proposal the members' policies read the first bytes, so there the envelope comes last. The
 * first byte tells which it is: a proposal's magic begins with no version of the envelope.
 *
 * The local id is random, drawn once when the payload enters the outbox, and stays with it: by it
 * an agent that died between submitting and noting so recognises its own entry when it is decided.
 */
#ifndef CPC_AGENT_LOG_ENVELOPE_H
#define CPC_AGENT_LOG_ENVELOPE_H

#include <cpchain/cursor.h>

#include "agent/log/limits.h"

enum cpc_payload_type {
	CPC_PAYLOAD_BYTES = 0,
	CPC_PAYLOAD_TEXT = 1,		/* UTF-8 */
	CPC_PAYLOAD_RECORD = 2,		/* signals: agent/gateway/record.h */
	CPC_PAYLOAD_PROPOSAL = 3,	/* a manoeuvre: agent/log/proposal.h */
};

struct cpc_envelope {
	u8 type;			/* enum cpc_payload_type, or unknown: treat as bytes */
	u64 local_id;
	const u8 *payload;		/* into the entry's data */
	size_t len;			/* 1..CPC_PAYLOAD_MAX */
};

/*
 * Returns the bytes written, or -EMSGSIZE: payload empty or too long, or @size too small; -EINVAL:
 * a proposal without its magic.
 */
int cpc_envelope_encode(const struct cpc_envelope *envelope, u8 *out, size_t size);

/* Returns 0, or -EBADMSG: not an envelope of this version (a foreign program's entry). */
int cpc_envelope_decode(const u8 *data, size_t len, struct cpc_envelope *ret_envelope);

#endif
