/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store.h - the decided log and the outbox, in one SQLite file.
 *
 *   gateway, ctl --push--> outbox --submit--> kernel --decide--> put --> slots, cuts, entries
 *                            ^                                    |
 *                            '------------- settled --------------'
 *
 * This folder belongs to the decided log: types and encodings (decision.h, envelope.h), the judge
 * (verify.h), and this database. It may call the core's pure functions, OpenSSL's hash and SQLite,
 * and knows neither netlink nor the network.
 *
 * Invariants:
 *  - slots of a cell are consecutive from 1; each was verified against the one before it;
 *  - a decision, its entries, and the removal of its own entries from the outbox are one
 *    transaction, committed with synchronous=FULL: after a crash all of it is there or none;
 *  - a payload leaves the outbox only by being seen in the decided log, by its local id;
 *  - the outbox is submitted in the order of `seq`, one entry at a time, and `seq` is what the
 *    kernel will give it. So what the kernel says of its own lane's last entry tells which entries
 *    it has taken, without a note on disk for each (see cpc_outbox_resume()).
 */
#ifndef CPC_AGENT_LOG_STORE_H
#define CPC_AGENT_LOG_STORE_H

#include <stdint.h>

#include <cpchain/lane.h>
#include <cpchain_element.h>

#include "agent/log/decision.h"
#include "agent/log/envelope.h"
#include "agent/log/epoch.h"
#include "agent/log/verify.h"
#include "agent/util/error.h"

struct cpc_store;

enum cpc_store_part {
	CPC_PART_NONE,		/* never took part */
	CPC_PART_JOINED,	/* took part: keys were given to the kernel */
	CPC_PART_LEFT,		/* took part and left on purpose */
	CPC_PART_FOLLOWED,	/* only fetched its log from others, on the way to a later epoch */
};

/* Opens or creates the file. -EBUSY, -EINVAL (a newer or foreign file), -EIO with a text. */
int cpc_store_open(const char *path, struct cpc_store **ret_store, struct cpc_error *error);
void cpc_store_close(struct cpc_store *store);

/* What this node has to do with (cell, epoch), and the newest epoch that is here (0: none). */
int cpc_store_part(struct cpc_store *store, u16 cell, u16 epoch, enum cpc_store_part *ret_part,
		   u16 *ret_newest_epoch, struct cpc_error *error);

/* The epoch that was joined or followed last, or @back before that. 1, 0: there is none, -EIO. */
int cpc_store_current(struct cpc_store *store, unsigned int back, struct cpc_cell_epoch *ret_epoch,
		      enum cpc_store_part *ret_part, struct cpc_error *error);

/* That epoch as it was joined or followed. 1, 0: not here, -EIO. */
int cpc_store_epoch(struct cpc_store *store, u16 cell, u16 epoch,
		    struct cpc_cell_epoch *ret_epoch, struct cpc_error *error);

/*
 * Notes that this node takes part, and selects that log. -EEXIST if the file knows the same cell
 * and epoch with other members or another index. Must be on disk before the first key is given to
 * the kernel: from then on others may hold this member's votes. An epoch with a base continues the
 * chain of epochs whose newest one is here: their entries read as one log.
 */
int cpc_store_join(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		   struct cpc_error *error);
/* The same for an epoch that is over, whose log is only to be fetched. */
int cpc_store_follow(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		     struct cpc_error *error);
int cpc_store_leave(struct cpc_store *store, struct cpc_error *error);

/* The epoch that is selected; `epoch` 0: none is. */
const struct cpc_cell_epoch *cpc_store_selected(const struct cpc_store *store);

/* Where the selected log stands, with what was put since cpc_store_begin(). */
const struct cpc_log_tip *cpc_store_tip(const struct cpc_store *store);

/* A batch: begin, puts and pushes, commit or roll back (which also undoes the tip). */
int cpc_store_begin(struct cpc_store *store, struct cpc_error *error);
int cpc_store_commit(struct cpc_store *store, struct cpc_error *error);
void cpc_store_rollback(struct cpc_store *store);

/*
 * Stores one decision, within a batch. Returns 1; 0 if it was already there with the same content;
 * -EEXIST if with another (two logs of one cell: nothing may go on); -ENOENT if slots are missing
 * before it; -EBADMSG if it does not verify; -EIO.
 */
int cpc_store_put(struct cpc_store *store, const struct cpc_log_decision *decision,
		  int64_t now_ms, struct cpc_error *error);

/* The tip as it was after @slot, 0..tip. -ENOENT beyond. */
int cpc_store_tip_at(struct cpc_store *store, u32 slot, struct cpc_log_tip *ret_tip,
		     struct cpc_error *error);

/* The decision of @slot; its bodies are valid until the next call. 1, 0: not there, -EIO. */
int cpc_store_get(struct cpc_store *store, u32 slot, struct cpc_log_decision *ret_decision,
		  struct cpc_error *error);

/*
 * Appends whole encoded decisions of any epoch that is here, after @after_slot: as many as fit, at
 * most @limit. Returns how many, or -EIO.
 */
int cpc_store_encode(struct cpc_store *store, u16 cell, u16 epoch, u32 after_slot,
		     unsigned int limit, struct cpc_buffer *out, struct cpc_error *error);

/* A decided entry, valid during the call. */
struct cpc_store_row {
	u16 epoch;
	u32 slot;
	u8 lane;
	u32 seq;
	u8 kind;			/* enum cpc_entry_kind */
	bool accepted;			/* false: conditional, and refused */
	int64_t time_ms;		/* wall clock when it was stored */
	const u8 *body;
	size_t len;
};

/*
 * Entries are ordered by epoch, slot, lane, seq: a place in the log lies behind such a four. Only
 * epochs of the selected one's chain are read. An epoch of 0 is before all of them.
 */
struct cpc_store_place {
	u16 epoch;
	u32 slot;
	u8 lane;
	u32 seq;
};

/* Return nonzero to stop after this row. */
typedef int (*cpc_store_row_fn)(void *ctx, const struct cpc_store_row *row);

/*
 * Rows behind @place, at most @limit of them, of the member with that node id or of all (NULL);
 * moves @place behind the last one given. Returns the number of rows, or -EIO.
 */
int cpc_store_rows(struct cpc_store *store, const uint8_t *author, unsigned int limit,
		   struct cpc_store_place *place, cpc_store_row_fn fn, void *ctx,
		   struct cpc_error *error);

/* The place from which @count rows (of @author or of all) lead to the end. */
int cpc_store_last(struct cpc_store *store, const uint8_t *author, unsigned int count,
		   struct cpc_store_place *ret_place, struct cpc_error *error);

/* Totals of the log, over the epochs of the selected one's chain. */
struct cpc_store_totals {
	uint64_t entries, own_entries, rejected, void_slots;
};

const struct cpc_store_totals *cpc_store_totals(const struct cpc_store *store);

/* ---- outbox ---------------------------------------------------------------------------------- */

struct cpc_outbox_item {
	u64 local_id;
	u32 seq;			/* what the kernel will call it, if nobody else submits */
	u8 kind;			/* enum cpc_entry_kind */
	u8 data[CPC_ENTRY_DATA_MAX];	/* in its envelope */
	size_t len;
};

/*
 * Says what the kernel's own lane reaches to, once after cpc_store_join(). Entries above @seq were
 * surely not submitted; those up to @seq were, unless somebody else took their number: they are
 * waited for until the decided log reaches @seq, and submitted again if it comes without them.
 * Entries left from an earlier epoch become new ones of this.
 */
int cpc_outbox_resume(struct cpc_store *store, u32 seq, struct cpc_error *error);

/*
 * Takes a payload; it is kept once the batch (or, outside of one, this call) is committed. Returns
 * 0, -EMSGSIZE, -EINVAL (kind), -ENOSPC (CPC_OUTBOX_MAX).
 */
int cpc_outbox_push(struct cpc_store *store, enum cpc_entry_kind kind, enum cpc_payload_type type,
		    const void *payload, size_t len, u64 *ret_local_id, struct cpc_error *error);

/* The next entry to submit: 1, 0 if there is none, -EIO. */
int cpc_outbox_next(struct cpc_store *store, struct cpc_outbox_item *ret_item,
		    struct cpc_error *error);

/* The kernel took the entry under @seq. */
int cpc_outbox_submitted(struct cpc_store *store, const struct cpc_outbox_item *item, u32 seq,
			 struct cpc_error *error);

/* The kernel will never take it: it is dropped. */
int cpc_outbox_refused(struct cpc_store *store, const struct cpc_outbox_item *item,
		       struct cpc_error *error);

/* Entries not yet given to the kernel, and given but not yet decided. */
void cpc_outbox_count(const struct cpc_store *store, unsigned int *ret_waiting,
		      unsigned int *ret_in_flight);

#endif
