// SPDX-License-Identifier: BSD-3-Clause
#include "agent/log/epoch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <cpchain/lane.h>
#include <cpchain_element.h>

int cpc_cell_epoch_find(const struct cpc_cell_epoch *epoch, const uint8_t node_id[32])
{
	unsigned int i;

	for (i = 0; i < epoch->n; i++)
		if (memcmp(epoch->node_id[i], node_id, 32) == 0)
			return (int)i;
	return -ENOENT;
}

void cpc_cell_epoch_seal(struct cpc_cell_epoch *epoch, u8 mac_id)
{
	cpc_members_digest_after(epoch->cell, epoch->epoch, mac_id,
				 (const uint8_t(*)[32])epoch->node_id, epoch->n, epoch->base,
				 &epoch->base_log_hash, &epoch->members);
}

bool cpc_cell_epoch_same(const struct cpc_cell_epoch *a, const struct cpc_cell_epoch *b)
{
	return a->cell == b->cell && a->epoch == b->epoch && a->n == b->n && a->base == b->base &&
	       memcmp(&a->base_log_hash, &b->base_log_hash, sizeof(a->base_log_hash)) == 0 &&
	       memcmp(a->node_id, b->node_id, a->n * sizeof(a->node_id[0])) == 0;
}

int cpc_cell_epoch_next(const struct cpc_cell_epoch *before,
			const struct cpc_member_change *change, bool split_off, u32 end,
			const struct cpc_hash *end_log_hash, const uint8_t own_id[32],
			struct cpc_cell_epoch *ret_next)
{
	struct cpc_cell_epoch next = { .cell = split_off ? change->split : before->cell,
				       .epoch = split_off ? 1 : (u16)(before->epoch + 1),
				       .base = end, .base_log_hash = *end_log_hash };
	unsigned int i, members = cpc_change_members(change, before->n, split_off);
	int self;

	if (next.epoch == 0)
		return -EINVAL;
	for (i = 0; i < members; i++) {
		unsigned int from = cpc_change_origin(change, before->n, split_off, i);
		const uint8_t *id = from < before->n ? before->node_id[from] :
				    change->node_id + (from - before->n) * CPC_NODE_ID_BYTES;

		if (cpc_cell_epoch_find(&next, id) >= 0)
			return -EINVAL;
		memcpy(next.node_id[i], id, 32);
		next.n++;
	}
	self = cpc_cell_epoch_find(&next, own_id);
	next.self = self < 0 ? CPC_NOT_A_MEMBER : (unsigned int)self;
	*ret_next = next;
	return 0;
}

int cpc_decision_change(const struct cpc_log_decision *decision, unsigned int n,
			const u8 **ret_change, size_t *ret_len)
{
	unsigned int i;
	u32 k;

	for (i = 0; i < decision->lanes; i++) {
		const struct cpc_log_lane *lane = &decision->lane[i];

		if (!(lane->accepted & CPC_ACCEPTED_CHANGE))
			continue;
		for (k = 0; k <= lane->seq - lane->from; k++) {
			struct cpc_entry entry;

			if (!(lane->accepted >> k & 1) ||
			    cpc_entry_decode(lane->entry[k].body, lane->entry[k].len, n,
					     &entry) < 0 ||
			    entry.kind != CPC_ENTRY_CHANGE)
				continue;
			*ret_change = entry.data;
			*ret_len = entry.len;
			return 0;
		}
	}
	return -ENOENT;
}
