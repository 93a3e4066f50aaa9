/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * truth.h - what all vehicles of a run have decided together, and what they must not contradict.
 *
 * The first vehicle that decides a slot writes it down here, after the agent's own verifier has
 * checked it against the slot before; all others are compared with that. So are the epochs: the
 * first one that comes to an epoch's end works out the next epoch from the decided change, and the
 * others have to come to the same.
 */
#ifndef CPC_TOOLS_EPOCHS_TRUTH_H
#define CPC_TOOLS_EPOCHS_TRUTH_H

#include "agent/log/verify.h"

enum {
	CPC_EPOCHS_VEHICLES = 16,
	CPC_EPOCHS_TIPS = 4096,		/* slots that a laggard can be helped over */
	CPC_EPOCHS_ENTRY_BYTES = 64,
	CPC_EPOCHS_NUMBERS = 1 << 20,	/* entries of one vehicle */
};

/* Who is member number i of an epoch, and where the epoch began. */
struct cpc_epoch {
	u16 number;
	u8 n;
	u8 vehicle[CPC_EPOCHS_VEHICLES];
	struct cpc_log_tip start;
	struct cpc_hash base_log_hash;	/* of the epoch before, at its end */
	unsigned int confirmed;		/* vehicles of the epoch before that came to the same */
};

struct cpc_truth {
	u16 cell;
	u8 mac_id;
	struct cpc_epoch epoch;		/* the newest */
	struct cpc_epoch before;
	struct cpc_log_tip end;		/* of the epoch before: tip[] has a start there */
	u32 newest;			/* slot written down */
	u32 lost_change;		/* changes decided as rejected */
	u8 change[CPC_ENTRY_DATA_MAX];	/* the one that ends the newest epoch */
	size_t change_len;
	struct cpc_log_tip tip[CPC_EPOCHS_TIPS];	/* by slot modulo */
	u8 *decided[CPC_EPOCHS_VEHICLES];	/* by entry number: how often */
	u64 entries, twice;
};

/* The first epoch: vehicles 0..n-1. 0 or -ENOMEM. */
int cpc_truth_init(struct cpc_truth *truth, u16 cell, u8 mac_id, unsigned int n);
void cpc_truth_done(struct cpc_truth *truth);

/* A node id is the vehicle's number + 1, 32 times. */
void cpc_epoch_node_ids(const struct cpc_epoch *epoch, uint8_t (*ret_id)[32]);
/* The vehicle's member index, -1: none. */
int cpc_epoch_index(const struct cpc_epoch *epoch, unsigned int vehicle);

/* An entry's data: who and which. */
void cpc_truth_entry(unsigned int vehicle, u32 number, u8 out[CPC_EPOCHS_ENTRY_BYTES]);
bool cpc_truth_entry_read(const u8 *data, size_t len, unsigned int *ret_vehicle, u32 *ret_number);

/*
 * A vehicle has decided this in the epoch that is being decided. 0, or -EPROTO with a text: it
 * contradicts what others decided, or does not follow.
 */
int cpc_truth_decided(struct cpc_truth *truth, u16 epoch, const struct cpc_log_decision *decision,
		      struct cpc_error *error);

/* The tip after a slot of an epoch, NULL: not kept (any more). */
const struct cpc_log_tip *cpc_truth_tip(const struct cpc_truth *truth, u16 epoch, u32 slot);

/*
 * A vehicle has come to the end of its epoch. The first one makes the next epoch. 0, or -EPROTO
 * with a text.
 */
int cpc_truth_ended(struct cpc_truth *truth, u16 epoch, u32 slot, const struct cpc_hash *log_hash,
		    struct cpc_error *error);

#endif
