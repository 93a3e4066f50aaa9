/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * decision.h - one decided slot as the agent handles it, and its encoding between agents.
 *
 * A decision holds pointers into bytes that somebody else owns: a netlink reply, a peer's answer,
 * or an arena filled from the database. It is valid as long as those are.
 *
 * Encoding (little-endian), the same between agents and for comparing two decisions:
 *   u8 version (1), le32 slot, u8 flags (1: void), value[16], log hash[32], u8 lanes, then per lane
 *   u8 lane, le32 from, le32 seq, le16 accepted, head[16], (seq - from + 1) x (le16 length, body)
 */
#ifndef CPC_AGENT_LOG_DECISION_H
#define CPC_AGENT_LOG_DECISION_H

#include <cpchain/cursor.h>
#include <cpchain/types.h>

#include "agent/log/limits.h"
#include "agent/util/buffer.h"

struct cpc_log_entry {
	const u8 *body;			/* an encoded lane entry */
	size_t len;
};

struct cpc_log_lane {
	u8 lane;
	u16 accepted;			/* bit i: entry from+i, if conditional, is accepted */
	u32 from;			/* first newly decided entry */
	u32 seq;			/* last one; seq - from + 1 <= CPC_LOG_ENTRIES_MAX */
	struct cpc_digest head;		/* its hash */
	struct cpc_log_entry entry[CPC_LOG_ENTRIES_MAX];
};

struct cpc_log_decision {
	u32 slot;
	bool is_void;			/* decided, but nothing in it counts: no lanes */
	u8 lanes;
	struct cpc_digest value;	/* of the cut; void: of the last cut that counts */
	struct cpc_hash log_hash;	/* after this slot */
	struct cpc_log_lane lane[CPC_CUT_LANES_MAX];
};

/* Appends the encoded decision, or nothing: -ENOBUFS if it would pass the limit, or -ENOMEM. */
int cpc_decision_encode(const struct cpc_log_decision *decision, struct cpc_buffer *out);

/*
 * The next decision of a blob; its bodies point into the blob. Returns 1, 0 at the end, or
 * -EBADMSG: truncated, another version, bounds exceeded, lanes not ascending. Contents are not
 * judged here: that is cpc_log_verify().
 */
int cpc_decision_decode(struct cpc_reader *reader, struct cpc_log_decision *ret_decision);

#endif
