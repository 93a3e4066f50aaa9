/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring.h - the last decisions of a cell with their entries, for agents that come late.
 */
#ifndef CPC_KMOD_RING_H
#define CPC_KMOD_RING_H

#include <linux/types.h>
#include <cpchain/core.h>

enum {
	CPC_RING_DECISIONS = 256,	/* kept at most; the oldest goes */
	CPC_RING_BYTES_PER_MEMBER = 256 * 1024,	/* room for their entries; the oldest goes */
	CPC_RING_BYTES_MAX = 4 * 1024 * 1024,
};

/* One kept decision; its lanes follow. Records are 8-byte aligned in the ring. */
struct cpc_ring_record {
	u32 bytes;		/* of all of it */
	u32 slot;
	u8 is_void;
	u8 lanes;
	struct cpc_digest value;
	struct cpc_hash log_hash;
};

/* One lane of it; its entries follow, each as u16 length, bytes, padded to 4. */
struct cpc_ring_lane {
	u32 bytes;		/* of all of it */
	struct cpc_decided_lane cut;
};

/* How many entries a cut newly decides in one lane. */
static inline unsigned int cpc_cut_entries(const struct cpc_decided_lane *cut)
{
	u32 entries = cut->seq + 1 - cut->from;

	return WARN_ON_ONCE(entries > CPC_LANE_RING) ? 0 : entries;
}

/* Not locked: the cell's lock protects it, softirq writes and netlink reads under it. */
struct cpc_ring {
	u8 *data;
	u32 size;
	u32 end;		/* where the newest record ends */
	u32 base;		/* the slot before the oldest kept one */
	u16 used;		/* records */
	u16 first;		/* index of the oldest in @at */
	u32 at[CPC_RING_DECISIONS];	/* offsets of the records */
};

/* Returns 0 or -ENOMEM. */
int cpc_ring_init(struct cpc_ring *ring, unsigned int members);
void cpc_ring_done(struct cpc_ring *ring);

/* Keeps a decision that @core has just made. */
void cpc_ring_put(struct cpc_ring *ring, const struct cpc_core *core,
		  const struct cpc_decision *decision);

/* The log jumped: nothing up to and including @slot is known here. */
void cpc_ring_reset(struct cpc_ring *ring, u32 slot);

/* The newest slot kept, or the one before the next. */
static inline u32 cpc_ring_newest(const struct cpc_ring *ring)
{
	return ring->base + ring->used;
}

/* The record of @slot, or NULL. */
const struct cpc_ring_record *cpc_ring_find(const struct cpc_ring *ring, u32 slot);

/* The lane after @lane (NULL: the first). The caller counts to record->lanes. */
const struct cpc_ring_lane *cpc_ring_lane_next(const struct cpc_ring_record *record,
					       const struct cpc_ring_lane *lane);

/*
 * The encoded entry at *@at (0: the first) of @lane, and moves *@at on. NULL with *ret_len 0: the
 * entry was not held here. The caller counts cut.from..cut.seq.
 */
const u8 *cpc_ring_entry_next(const struct cpc_ring_lane *lane, u32 *at, u16 *ret_len);

#endif
