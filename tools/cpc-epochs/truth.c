// SPDX-License-Identifier: BSD-3-Clause
/* What was decided, once for all vehicles; see truth.h. */
#include "tools/cpc-epochs/truth.h"

#include <errno.h>
#include <stdlib.h>

#include <cpchain/change.h>
#include <cpchain/core.h>

static void start_log(struct cpc_truth *truth, u32 slot, const struct cpc_hash *log_hash)
{
	struct cpc_epoch *e = &truth->epoch;
	uint8_t ids[CPC_EPOCHS_VEHICLES][32];
	struct cpc_hash members;

	cpc_epoch_node_ids(e, ids);
	cpc_members_digest_after(truth->cell, e->number, truth->mac_id, ids, e->n, slot, log_hash,
				 &members);
	cpc_log_tip_init(&e->start, e->n, &members);
	e->start.slot = slot;
	truth->tip[slot % CPC_EPOCHS_TIPS] = e->start;
}

int cpc_truth_init(struct cpc_truth *truth, u16 cell, u8 mac_id, unsigned int n)
{
	unsigned int i;

	memset(truth, 0, sizeof(*truth));
	truth->cell = cell;
	truth->mac_id = mac_id;
	truth->epoch.number = 1;
	truth->epoch.n = (u8)n;
	truth->epoch.confirmed = n;
	for (i = 0; i < n; i++)
		truth->epoch.vehicle[i] = (u8)i;
	for (i = 0; i < CPC_EPOCHS_VEHICLES; i++) {
		truth->decided[i] = calloc(CPC_EPOCHS_NUMBERS, 1);
		if (!truth->decided[i])
			return -ENOMEM;
	}
	start_log(truth, 0, NULL);
	return 0;
}

void cpc_truth_done(struct cpc_truth *truth)
{
	for (unsigned int i = 0; i < CPC_EPOCHS_VEHICLES; i++)
		free(truth->decided[i]);
}

void cpc_epoch_node_ids(const struct cpc_epoch *epoch, uint8_t (*ret_id)[32])
{
	for (unsigned int i = 0; i < epoch->n; i++)
		memset(ret_id[i], epoch->vehicle[i] + 1, 32);
}

int cpc_epoch_index(const struct cpc_epoch *epoch, unsigned int vehicle)
{
	for (unsigned int i = 0; i < epoch->n; i++)
		if (epoch->vehicle[i] == vehicle)
			return (int)i;
	return -1;
}

/* ---- entries --------------------------------------------------------------------------------- */

void cpc_truth_entry(unsigned int vehicle, u32 number, u8 out[CPC_EPOCHS_ENTRY_BYTES])
{
	struct cpc_writer w = cpc_writer_init(out, CPC_EPOCHS_ENTRY_BYTES);

	memset(out, 0x5a, CPC_EPOCHS_ENTRY_BYTES);
	cpc_write_le32(&w, vehicle);
	cpc_write_le32(&w, number);
}

bool cpc_truth_entry_read(const u8 *data, size_t len, unsigned int *ret_vehicle, u32 *ret_number)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	u32 vehicle = cpc_read_le32(&r), number = cpc_read_le32(&r);

	if (len != CPC_EPOCHS_ENTRY_BYTES || vehicle >= CPC_EPOCHS_VEHICLES ||
	    number >= CPC_EPOCHS_NUMBERS)
		return false;
	*ret_vehicle = vehicle;
	*ret_number = number;
	return true;
}

static int note_entry(struct cpc_truth *truth, const struct cpc_log_lane *lane, unsigned int i,
		      u32 end_before, struct cpc_error *error)
{
	struct cpc_entry entry;
	unsigned int vehicle;
	u32 number;

	if (cpc_entry_decode(lane->entry[i].body, lane->entry[i].len, truth->epoch.n, &entry) < 0) {
		cpc_error_set(error, "lane %u: entry %u is malformed", lane->lane, lane->from + i);
		return -EPROTO;
	}
	if (entry.kind == CPC_ENTRY_CHANGE) {
		truth->lost_change += !(lane->accepted >> i & 1);
		if (lane->accepted >> i & 1 && !end_before && !truth->change_len) {
			memcpy(truth->change, entry.data, entry.len);
			truth->change_len = entry.len;
		}
		return 0;
	}
	if (!cpc_truth_entry_read(entry.data, entry.len, &vehicle, &number) ||
	    truth->epoch.vehicle[lane->lane] != vehicle) {
		cpc_error_set(error, "lane %u: entry %u is nobody's", lane->lane, lane->from + i);
		return -EPROTO;
	}
	truth->entries++;
	truth->twice += truth->decided[vehicle][number] != 0;
	truth->decided[vehicle][number] = 1;
	return 0;
}

/* ---- slots and epochs ------------------------------------------------------------------------ */

static int write_down(struct cpc_truth *truth, const struct cpc_log_decision *decision,
		      struct cpc_error *error)
{
	const struct cpc_log_tip *before =
		cpc_truth_tip(truth, truth->epoch.number, decision->slot - 1);
	struct cpc_log_tip next;
	u32 end_before;
	int r;

	if (!before) {
		cpc_error_set(error, "slot %u is decided before slot %u", decision->slot,
			      decision->slot - 1);
		return -EPROTO;
	}
	end_before = before->end;
	r = cpc_log_verify(before, decision, &next, error);
	for (unsigned int l = 0; r == 0 && l < decision->lanes; l++) {
		const struct cpc_log_lane *lane = &decision->lane[l];

		for (unsigned int i = 0; r == 0 && i <= lane->seq - lane->from; i++)
			r = note_entry(truth, lane, i, end_before, error);
	}
	if (r < 0)
		return -EPROTO;
	truth->tip[decision->slot % CPC_EPOCHS_TIPS] = next;
	truth->newest = decision->slot;
	return 0;
}

int cpc_truth_decided(struct cpc_truth *truth, u16 epoch, const struct cpc_log_decision *decision,
		      struct cpc_error *error)
{
	const struct cpc_log_tip *known;

	if (decision->slot > truth->newest) {
		if (epoch == truth->epoch.number)
			return write_down(truth, decision, error);
		cpc_error_set(error, "slot %u is decided in epoch %u, which was over at %u",
			      decision->slot, epoch, truth->newest);
		return -EPROTO;
	}
	known = cpc_truth_tip(truth, epoch, decision->slot);
	if (!known)
		return 0;	/* too long ago */
	if (memcmp(&known->log_hash, &decision->log_hash, sizeof(known->log_hash)) == 0)
		return 0;
	cpc_error_set(error, "DISAGREEMENT on slot %u in epoch %u", decision->slot, epoch);
	return -EPROTO;
}

const struct cpc_log_tip *cpc_truth_tip(const struct cpc_truth *truth, u16 epoch, u32 slot)
{
	const struct cpc_log_tip *tip = &truth->tip[slot % CPC_EPOCHS_TIPS];

	if (epoch == truth->before.number && slot == truth->end.slot)
		return &truth->end;
	return slot <= truth->newest && tip->slot == slot && tip->n ? tip : NULL;
}

static int next_epoch(struct cpc_truth *truth, u32 slot, const struct cpc_hash *log_hash,
		      struct cpc_error *error)
{
	struct cpc_epoch *e = &truth->epoch, *before = &truth->before;
	struct cpc_member_change change;
	unsigned int i;

	if (cpc_change_decode(truth->change, truth->change_len, e->n, &change) < 0 ||
	    cpc_change_members(&change, e->n, false) > CPC_EPOCHS_VEHICLES) {
		cpc_error_set(error, "epoch %u ended at slot %u without a change", e->number, slot);
		return -EPROTO;
	}
	*before = *e;
	truth->end = truth->tip[slot % CPC_EPOCHS_TIPS];
	e->number++;
	e->n = (u8)cpc_change_members(&change, before->n, false);
	for (i = 0; i < e->n; i++) {
		unsigned int from = cpc_change_origin(&change, before->n, false, i);

		e->vehicle[i] = from < before->n ? before->vehicle[from] :
				(u8)(change.node_id[(from - before->n) * 32] - 1);
	}
	e->confirmed = 0;
	e->base_log_hash = *log_hash;
	truth->change_len = 0;
	start_log(truth, slot, log_hash);
	return 0;
}

int cpc_truth_ended(struct cpc_truth *truth, u16 epoch, u32 slot, const struct cpc_hash *log_hash,
		    struct cpc_error *error)
{
	uint8_t ids[CPC_EPOCHS_VEHICLES][32];
	struct cpc_hash members;
	int r = 0;

	if (epoch == truth->epoch.number)
		r = next_epoch(truth, slot, log_hash, error);
	else if (epoch != truth->before.number)
		return 0;
	if (r < 0)
		return r;
	cpc_epoch_node_ids(&truth->epoch, ids);
	cpc_members_digest_after(truth->cell, truth->epoch.number, truth->mac_id, ids,
				 truth->epoch.n, slot, log_hash, &members);
	if (memcmp(&members, &truth->epoch.start.members, sizeof(members)) != 0) {
		cpc_error_set(error, "DISAGREEMENT on the end of epoch %u", epoch);
		return -EPROTO;
	}
	truth->epoch.confirmed++;
	return 0;
}
