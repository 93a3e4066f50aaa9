/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tell.h - what agents tell each other about the epochs of a cell, inside their sessions (pure;
 * little-endian; carried by cpc_net_tell()).
 *
 *   u8 type | u8 version (1) | ...
 *   VIEW    cell u16, epoch u16, base u32, base log hash 32, n u8, n x node id 32:
 *           "I take part in this epoch", said when a session comes up and in every new epoch
 *   ASK     what u8, cell u16, epoch u16, count u8, count x node id 32: "propose to your cell,
 *           which I believe to be in this epoch, that these join" (or, REENTER, that all get new
 *           keys, because I have lost my votes; no node ids)
 *   WISH    cell u16, epoch u16, to u16: "I want us, that cell, to merge into cell `to`"
 *   ANSWER  state u8, cell u16, epoch u16, length u8, text: what became of it
 *
 * A view is a claim: it counts when f+1 trusted members of it make the same (seek.h).
 */
#ifndef CPC_AGENT_NODE_TELL_H
#define CPC_AGENT_NODE_TELL_H

#include "agent/log/epoch.h"

enum cpc_tell_type {
	CPC_TELL_VIEW = 1,
	CPC_TELL_ASK,
	CPC_TELL_ANSWER,
	CPC_TELL_WISH,
};

enum cpc_ask {
	CPC_ASK_JOIN = 1,
	CPC_ASK_REENTER,
};

enum cpc_answer_state {
	CPC_ANSWER_OPEN = 1,		/* it is in my lane */
	CPC_ANSWER_ACCEPTED,
	CPC_ANSWER_REJECTED,
	CPC_ANSWER_REFUSED,		/* I do not propose it, the text says why */
};

enum {
	CPC_TELL_TEXT_MAX = 160,
	CPC_TELL_ASK_MAX = 15,		/* so many fit into one change (CPC_ENTRY_DATA_MAX) */
	CPC_TELL_BYTES_MAX = 2 + 2 + 2 + 4 + 32 + 1 + CPC_MEMBERS_MAX * 32,
};

struct cpc_tell {
	enum cpc_tell_type type;
	u16 cell, epoch;
	struct cpc_cell_epoch view;	/* VIEW: without `self` and digest */
	enum cpc_ask what;		/* ASK */
	unsigned int count;
	uint8_t node_id[CPC_TELL_ASK_MAX][32];
	u16 to;				/* WISH */
	enum cpc_answer_state state;	/* ANSWER */
	char text[CPC_TELL_TEXT_MAX + 1];
};

/*
 * 0, or -EBADMSG: no such message or version, truncated or trailing bytes, a node id twice, cell 0,
 * a view of epoch 0 or of a number of members that is no cell, a text that is not printable ASCII.
 */
int cpc_tell_decode(const u8 *data, size_t len, struct cpc_tell *ret_tell);

/* The encoded length. What cpc_tell_decode() gave, it gives back byte by byte. */
size_t cpc_tell_encode(const struct cpc_tell *tell, u8 out[CPC_TELL_BYTES_MAX]);

#endif
