/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoch.h - a cell between two changes of its members: who they are, and where its log begins
 * (pure).
 *
 *   epoch e:  base+1 | ... | s: change accepted | ... | s+4 = end
 *   epoch e+1:                                                    end+1 | ...   base = end
 *
 * Everything that makes epoch e+1 is in the log of epoch e, so whoever has that log to its end
 * comes to the same next epoch as all others, bit by bit (cpchain/change.h).
 */
#ifndef CPC_AGENT_LOG_EPOCH_H
#define CPC_AGENT_LOG_EPOCH_H

#include <cpchain/change.h>

#include "agent/log/verify.h"

#define CPC_NOT_A_MEMBER ((unsigned int)-1)

struct cpc_cell_epoch {
	u16 cell;
	u16 epoch;
	unsigned int n;
	unsigned int self;		/* this node's index, or CPC_NOT_A_MEMBER */
	u32 base;			/* last slot of the epoch before; 0: there was none */
	struct cpc_hash base_log_hash;	/* after that slot; zero without one */
	struct cpc_hash members;	/* digest of all this but `self`: cpc_cell_epoch_seal() */
	uint8_t node_id[CPC_MEMBERS_MAX][32];
};

/* The index of that node, or -ENOENT. */
int cpc_cell_epoch_find(const struct cpc_cell_epoch *epoch, const uint8_t node_id[32]);

/* Fills in the digest; @mac_id is the module's MAC algorithm, the same for all epochs. */
void cpc_cell_epoch_seal(struct cpc_cell_epoch *epoch, u8 mac_id);

/* The same cell, number, members and beginning? Whose view it is (`self`) does not matter. */
bool cpc_cell_epoch_same(const struct cpc_cell_epoch *a, const struct cpc_cell_epoch *b);

/*
 * The epoch after @before, which ended at slot @end with @end_log_hash by @change; with @split_off
 * the first epoch of the cell that the leaving ones form. `self` is looked up by @own_id; the
 * digest is not filled in. Returns 0, or -EINVAL: a member joins that is one already, or the
 * numbers are used up.
 */
int cpc_cell_epoch_next(const struct cpc_cell_epoch *before,
			const struct cpc_member_change *change, bool split_off, u32 end,
			const struct cpc_hash *end_log_hash, const uint8_t own_id[32],
			struct cpc_cell_epoch *ret_next);

/*
 * The change in a decision that ends its epoch: its encoding, in the decision's own bytes, for
 * cpc_change_decode(). Returns 0 or -ENOENT.
 */
int cpc_decision_change(const struct cpc_log_decision *decision, unsigned int n,
			const u8 **ret_change, size_t *ret_len);

#endif
