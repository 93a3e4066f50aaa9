/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wish.h - what somebody wants the members of the cell to be (pure). A wish names vehicles, so it
 * outlives epochs, in which the same change has another encoding; it is proposed again in the next
 * epoch when another change came first, until it is met.
 */
#ifndef CPC_AGENT_NODE_WISH_H
#define CPC_AGENT_NODE_WISH_H

#include "agent/api/request.h"
#include "agent/log/epoch.h"

struct cpc_wish {
	enum cpc_change_what what;
	u16 to;				/* SPLIT, MERGE: the other cell */
	unsigned int count;		/* who joins, is removed, or forms `to` */
	uint8_t node_id[CPC_MEMBERS_MAX][32];
};

/*
 * The change that fulfils it in @epoch, encoded. MERGE gives the last step: this cell dissolves.
 * Returns the length; -EINVAL with a text: it makes no sense there.
 */
int cpc_wish_encode(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch, u8 *out,
		    size_t size, struct cpc_error *error);

/* Is it so in @epoch, which came after the one where it was wished? */
bool cpc_wish_is_met(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch);

#endif
