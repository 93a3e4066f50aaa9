/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * change.h - a change of the member set: who leaves, who joins, and which slot is the epoch's last.
 *
 *   epoch e:  ... | s: change accepted | s+1 | s+2 | s+3 | s+4 = end |
 *   epoch e+1:                                                       | s+5 | ...
 *
 * A change is a lane entry of kind CPC_ENTRY_CHANGE (layout: uapi/cpchain_element.h), conditional
 * by quorum. Decided as accepted in slot s it takes effect at slot s + CPC_CHANGE_DELAY, the last
 * slot that members of this epoch decide: nobody can have voted beyond it before knowing s, because
 * at most so many slots are live at once. Of several changes the first in the log counts, and those
 * behind it lapse. All following is a pure function of the change and of the present members, so
 * all come to the same next epoch:
 *
 *   staying members keep their order and move up; joining ones follow in the order named;
 *   with a split, the leaving ones form the named cell, in their order, as its epoch 1;
 *   when all leave with one, the cell is dissolved: they are members of the named cell already.
 */
#ifndef CPCHAIN_CHANGE_H
#define CPCHAIN_CHANGE_H

#include <cpchain/types.h>

struct cpc_member_change {
	u64 leaving;		/* members, by bit */
	u16 split;		/* the cell that the leaving ones form; 0: none */
	u8 joining;
	const u8 *node_id;	/* joining x CPC_NODE_ID_BYTES, in the encoded change */
};

/*
 * Decodes a change in a cell of @n. Returns 0 or -EBADMSG: truncated or trailing bytes, a version
 * not known, leaving members that are none, a joining one named twice, a next set outside
 * CPC_MEMBERS_FEW..CPC_MEMBERS_MAX (but 0 with a split), a split of fewer than CPC_MEMBERS_FEW.
 */
int cpc_change_decode(const u8 *data, size_t len, unsigned int n,
		      struct cpc_member_change *ret_change);

/* Returns the encoded length, or -EMSGSIZE if it is over @size. */
int cpc_change_encode(const struct cpc_member_change *change, u8 *out, size_t size);

/* How many members the next epoch has; with @split_off the new cell. */
unsigned int cpc_change_members(const struct cpc_member_change *change, unsigned int n,
				bool split_off);

/*
 * Where the next epoch's member @index (with @split_off the new cell's) comes from: the present
 * index, or @n + i for the i-th joining one.
 */
unsigned int cpc_change_origin(const struct cpc_member_change *change, unsigned int n,
			       bool split_off, unsigned int index);

#endif
