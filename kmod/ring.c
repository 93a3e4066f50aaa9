// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring.c - the last decisions of a cell with their entries. Knows bytes and the core's decisions.
 *
 *          first                          end
 *   [ ... | rec | rec | ... | rec | rec |      ]   records do not wrap: what does not fit behind
 *                                                  the newest one starts over at 0
 *
 * Written in softirq by memcpy alone: the memory is there since the cell was made. A new record
 * pushes out as many of the oldest as it needs, so a reader that waits too long sees -ENODATA and
 * fetches from a peer; nothing is ever silently skipped, because `base` says where the ring begins.
 *
 * Invariants: records are of consecutive slots base+1 .. base+used; each lies in one piece.
 */
#include "ring.h"

#include <linux/align.h>
#include <linux/minmax.h>
#include <linux/vmalloc.h>

int cpc_ring_init(struct cpc_ring *ring, unsigned int members)
{
	ring->size = min_t(u32, members * CPC_RING_BYTES_PER_MEMBER, CPC_RING_BYTES_MAX);
	ring->data = vzalloc(ring->size);
	return ring->data ? 0 : -ENOMEM;
}

void cpc_ring_done(struct cpc_ring *ring)
{
	vfree(ring->data);
	ring->data = NULL;
}

static u32 entry_bytes(size_t len)
{
	return ALIGN(sizeof(u16) + len, 4);
}

static u32 record_bytes(const struct cpc_core *core, const struct cpc_decision *d)
{
	u32 bytes = sizeof(struct cpc_ring_record);
	unsigned int i, entry;

	for (i = 0; i < d->lanes; i++) {
		const struct cpc_decided_lane *cut = &d->lane[i];

		bytes += sizeof(struct cpc_ring_lane);
		for (entry = 0; entry < cpc_cut_entries(cut); entry++) {
			size_t len = 0;

			cpc_core_entry(core, cut->lane, cut->from + entry, &len);
			bytes += entry_bytes(len);
		}
	}
	return ALIGN(bytes, 8);
}

static void drop_oldest(struct cpc_ring *ring)
{
	ring->first = (ring->first + 1) % CPC_RING_DECISIONS;
	ring->used--;
	ring->base++;
}

/* Makes room for @bytes in one piece and returns its offset. */
static u32 place(struct cpc_ring *ring, u32 bytes)
{
	u32 oldest;

	if (ring->used == CPC_RING_DECISIONS)
		drop_oldest(ring);
	for (; ring->used; drop_oldest(ring)) {
		oldest = ring->at[ring->first];
		if (ring->end <= oldest) {	/* wrapped: free is end..oldest */
			if (bytes <= oldest - ring->end)
				return ring->end;
			continue;
		}
		if (bytes <= ring->size - ring->end)
			return ring->end;
		if (bytes <= oldest)
			return 0;
	}
	return 0;
}

static u32 write_lane(u8 *out, const struct cpc_core *core, const struct cpc_decided_lane *cut)
{
	struct cpc_ring_lane *lane = (struct cpc_ring_lane *)out;
	u32 bytes = sizeof(*lane);
	unsigned int entry;

	lane->cut = *cut;
	for (entry = 0; entry < cpc_cut_entries(cut); entry++) {
		size_t len = 0;
		const u8 *body = cpc_core_entry(core, cut->lane, cut->from + entry, &len);
		u16 kept = body ? len : 0;

		memcpy(out + bytes, &kept, sizeof(kept));
		if (body)
			memcpy(out + bytes + sizeof(kept), body, kept);
		bytes += entry_bytes(kept);
	}
	lane->bytes = bytes;
	return bytes;
}

void cpc_ring_put(struct cpc_ring *ring, const struct cpc_core *core,
		  const struct cpc_decision *decision)
{
	u32 bytes = record_bytes(core, decision), at, used;
	struct cpc_ring_record *record;
	unsigned int i;

	if (WARN_ON_ONCE(bytes > ring->size)) {
		cpc_ring_reset(ring, decision->slot);
		return;
	}
	if (decision->slot != cpc_ring_newest(ring) + 1)
		cpc_ring_reset(ring, decision->slot - 1);
	at = place(ring, bytes);
	record = (struct cpc_ring_record *)(ring->data + at);
	record->bytes = bytes;
	record->slot = decision->slot;
	record->is_void = decision->is_void;
	record->lanes = decision->lanes;
	record->value = decision->value;
	record->log_hash = decision->log_hash;
	used = sizeof(*record);
	for (i = 0; i < decision->lanes; i++)
		used += write_lane(ring->data + at + used, core, &decision->lane[i]);
	WARN_ON_ONCE(used > bytes);
	ring->at[(ring->first + ring->used) % CPC_RING_DECISIONS] = at;
	ring->used++;
	ring->end = at + bytes;
}

void cpc_ring_reset(struct cpc_ring *ring, u32 slot)
{
	ring->base = slot;
	ring->used = 0;
	ring->first = 0;
	ring->end = 0;
}

const struct cpc_ring_record *cpc_ring_find(const struct cpc_ring *ring, u32 slot)
{
	u32 index = slot - ring->base - 1;

	if (slot <= ring->base || index >= ring->used)
		return NULL;
	index = (ring->first + index) % CPC_RING_DECISIONS;
	return (const struct cpc_ring_record *)(ring->data + ring->at[index]);
}

const struct cpc_ring_lane *cpc_ring_lane_next(const struct cpc_ring_record *record,
					       const struct cpc_ring_lane *lane)
{
	if (!lane)
		return (const struct cpc_ring_lane *)(record + 1);
	return (const struct cpc_ring_lane *)((const u8 *)lane + lane->bytes);
}

const u8 *cpc_ring_entry_next(const struct cpc_ring_lane *lane, u32 *at, u16 *ret_len)
{
	const u8 *entry = (const u8 *)(lane + 1) + *at;
	u16 len;

	memcpy(&len, entry, sizeof(len));
	*at += entry_bytes(len);
	*ret_len = len;
	return len ? entry + sizeof(len) : NULL;
}
