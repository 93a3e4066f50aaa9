/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * cut.h - what a slot decides: how far the log reaches into each lane.
 */
#ifndef CPCHAIN_CUT_H
#define CPCHAIN_CUT_H

#include <cpchain/cursor.h>
#include <cpchain/types.h>

struct cpc_cut_lane {
	u8 lane;
	u16 accepted;		/* bit i: the i-th new entry, if conditional, is accepted;
				 * CPC_ACCEPTED_CHANGE: one of those is a change of members */
	u32 seq;		/* last covered entry */
	struct cpc_digest head;	/* its hash */
};

struct cpc_cut {
	u32 slot;
	struct cpc_digest parent;	/* value of the last slot that counts, on which it builds */
	u8 lanes;
	struct cpc_cut_lane lane[CPC_CUT_LANES_MAX];	/* by lane, ascending: only advanced ones */
};

struct cpc_known_cut {
	bool used;
	struct cpc_digest digest;
	u64 air_us;		/* when it was last on the air, from anyone; 0: never */
	struct cpc_cut cut;
};

/* Largest encoded cut: slot, parent, count, lanes. */
#define CPC_CUT_LANE_BYTES (1 + 4 + 2 + CPC_DIGEST_BYTES)
#define CPC_CUT_BYTES_MAX (4 + CPC_DIGEST_BYTES + 1 + CPC_CUT_LANES_MAX * CPC_CUT_LANE_BYTES)

void cpc_cut_write(struct cpc_writer *w, const struct cpc_cut *cut);

/* Returns 0 or -EBADMSG: truncated, too many lanes, lanes not ascending or >= n, seq 0. */
int cpc_cut_read(struct cpc_reader *r, unsigned int n, struct cpc_cut *ret_cut);

/* SHA-256 over the member set's digest and the encoded cut, truncated. */
void cpc_cut_digest(cpc_hash_fn hash, const struct cpc_hash *members, const struct cpc_cut *cut,
		    struct cpc_digest *ret_digest);

#endif
