// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/wish.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static u64 all_of(unsigned int n)
{
	return n < 64 ? (1ULL << n) - 1 : ~0ULL;
}

/* The members among those named, by bit. */
static u64 members(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch)
{
	u64 bits = 0;
	unsigned int i;
	int at;

	for (i = 0; i < wish->count; i++) {
		at = cpc_cell_epoch_find(epoch, wish->node_id[i]);
		if (at >= 0)
			bits |= 1ULL << at;
	}
	return bits;
}

static u64 leaving(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch)
{
	switch (wish->what) {
	case CPC_CHANGE_LEAVE:
		return 1ULL << epoch->self;
	case CPC_CHANGE_REMOVE:
	case CPC_CHANGE_SPLIT:
		return members(wish, epoch);
	case CPC_CHANGE_MERGE:
		return all_of(epoch->n);
	case CPC_CHANGE_JOIN:
	case CPC_CHANGE_REKEY:
	case CPC_CHANGE_WHATS:
		break;
	}
	return 0;
}

/* Those of them who are no members yet, one behind the other. */
static unsigned int joining(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch,
			    u8 *out)
{
	unsigned int i, count = 0;

	for (i = 0; wish->what == CPC_CHANGE_JOIN && i < wish->count; i++)
		if (cpc_cell_epoch_find(epoch, wish->node_id[i]) < 0)
			memcpy(out + 32 * count++, wish->node_id[i], 32);
	return count;
}

static int no_sense(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch,
		    const struct cpc_member_change *c, struct cpc_error *error)
{
	unsigned int next = cpc_change_members(c, epoch->n, false);

	if (wish->what == CPC_CHANGE_SPLIT && next < CPC_MEMBERS_FEW)
		cpc_error_set(error, "%u of %u members form another cell: %d or more have to stay",
			      cpc_count_bits(c->leaving), epoch->n, CPC_MEMBERS_FEW);
	else if (next < CPC_MEMBERS_FEW)
		cpc_error_set(error, "%u member%s would be left in cell %u: it takes %d or more",
			      next, next == 1 ? "" : "s", epoch->cell, CPC_MEMBERS_FEW);
	else if (next > CPC_MEMBERS_MAX)
		cpc_error_set(error, "cell %u would have %u members, %d are possible",
			      epoch->cell, next, CPC_MEMBERS_MAX);
	else
		cpc_error_set(error, "%u vehicles at once do not fit into one change",
			      wish->count);
	return -EINVAL;
}

int cpc_wish_encode(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch, u8 *out,
		    size_t size, struct cpc_error *error)
{
	u8 ids[CPC_MEMBERS_MAX * 32], trial[CPC_ENTRY_DATA_MAX];
	struct cpc_member_change c = { .node_id = ids }, decoded;
	int len;

	assert(epoch->self < epoch->n && wish->count <= CPC_MEMBERS_MAX);
	c.leaving = leaving(wish, epoch);
	c.joining = (u8)joining(wish, epoch, ids);
	if (wish->what == CPC_CHANGE_SPLIT || wish->what == CPC_CHANGE_MERGE)
		c.split = wish->to;
	if (wish->what == CPC_CHANGE_SPLIT && cpc_count_bits(c.leaving) < wish->count) {
		cpc_error_set(error, "not all of the %u named are members of cell %u", wish->count,
			      epoch->cell);
		return -EINVAL;
	}
	len = cpc_change_encode(&c, trial, sizeof(trial));
	if (len < 0 || (size_t)len > size ||
	    (wish->what == CPC_CHANGE_SPLIT && c.leaving == all_of(epoch->n)) ||
	    cpc_change_decode(trial, (size_t)len, epoch->n, &decoded) < 0)
		return no_sense(wish, epoch, &c, error);
	memcpy(out, trial, (size_t)len);
	return len;
}

bool cpc_wish_is_met(const struct cpc_wish *wish, const struct cpc_cell_epoch *epoch)
{
	switch (wish->what) {
	case CPC_CHANGE_REKEY:
		return true;
	case CPC_CHANGE_LEAVE:
		return epoch->self == CPC_NOT_A_MEMBER;
	case CPC_CHANGE_JOIN:
		return cpc_count_bits(members(wish, epoch)) == wish->count;
	case CPC_CHANGE_REMOVE:
		return members(wish, epoch) == 0;
	case CPC_CHANGE_SPLIT:
		return epoch->cell == wish->to || members(wish, epoch) == 0;
	case CPC_CHANGE_MERGE:
		return epoch->cell == wish->to;
	case CPC_CHANGE_WHATS:
		break;
	}
	return true;
}
