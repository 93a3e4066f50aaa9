/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_CELL_H
#define CPC_TOOLS_TWIN_CELL_H

/*
 * cell.h - a cell member without its radio and clock: the core, the keys, what arrives, what
 * leaves, and what is counted. It is to the twin what kmod/cell.c, ingress.c and egress.c are to
 * the module, so that the two can be compared: same tests in the same order, same frames. Pure.
 */
#include <cpchain/core.h>

#include "agent/node/latency.h"
#include "tools/cpc-twin/mac.h"

/* Why an element was not taken; as the module's counters. */
enum cpc_twin_drop {
	CPC_TWIN_TRUNCATED,
	CPC_TWIN_OVERSIZED,
	CPC_TWIN_VERSION,
	CPC_TWIN_CELL,
	CPC_TWIN_EPOCH,
	CPC_TWIN_SENDER,
	CPC_TWIN_NO_KEY,
	CPC_TWIN_MAC,
	CPC_TWIN_REPLAY,
	CPC_TWIN_MALFORMED,
	CPC_TWIN_DROPS,
};

struct cpc_twin_stats {
	u64 rx_elements;		/* taken */
	u64 drop[CPC_TWIN_DROPS];
	u64 tx_elements, tx_bytes;
	u64 element_idle_max, element_open_max;	/* header alone; one slot and no payload */
	u64 element_max;
	u64 submitted, own_decided;
	u64 decided_slots, void_slots, decided_entries, rejected_entries;
	u64 views, evidence, behind;
};

struct cpc_twin_cell_config {
	u16 cell, epoch;
	u8 n, self;
	const u8 (*node_id)[32];	/* n of them */
	const struct cpc_twin_mac *mac;
	u8 pacing;
	u8 default_verdict;
	bool slow_first_view;
	u32 period_us;
	u64 seed;
};

typedef void cpc_twin_decided_fn(void *ctx, const struct cpc_core *core,
				 const struct cpc_decision *decision);

struct cpc_twin_cell {
	struct cpc_core *core;
	const struct cpc_twin_mac *mac;
	struct cpc_hash members;
	unsigned int n, self;
	unsigned int keys;		/* members whose key is here */
	struct cpc_twin_key *key[CPC_MEMBERS_MAX];
	bool send_due;			/* a standalone frame should leave */
	u64 wake_us;			/* then a CPC_EV_TICK; CPC_NEVER_US */
	cpc_twin_decided_fn *decided;	/* may be NULL */
	void *ctx;
	struct cpc_twin_stats stats;
	struct cpc_latency latency;
	struct cpc_effects effects;	/* of the last step */
};

/* Returns the cell, or NULL: out of memory or a value out of the core's bounds. */
struct cpc_twin_cell *cpc_twin_cell_new(const struct cpc_twin_cell_config *config, u64 now_us);
void cpc_twin_cell_free(struct cpc_twin_cell *cell);

/* Sets or replaces the key with a member: 0, -EINVAL, -ENOMEM. */
int cpc_twin_cell_key(struct cpc_twin_cell *cell, unsigned int member,
		      const u8 raw[CPC_TWIN_KEY_BYTES]);

/* Gives the core one event and carries out its effects but the sending. cpc_step()'s result. */
int cpc_twin_step(struct cpc_twin_cell *cell, u64 now_us, struct cpc_event *event);

/* Appends an entry to the own lane and starts its clock; cpc_step()'s errors. */
int cpc_twin_submit(struct cpc_twin_cell *cell, u64 now_us, u8 kind, const void *data, size_t len);

/* Own entries that are not decided yet. */
unsigned int cpc_twin_open_entries(const struct cpc_twin_cell *cell);

/*
 * Makes the next element, tags and footer included, of at most @room bytes. Returns its length, 0
 * if there is nothing to say or nobody to say it to, or -ENOSPC.
 */
int cpc_twin_make(struct cpc_twin_cell *cell, u64 now_us, bool standalone, u8 *out, size_t room);

/*
 * Appends tags and footer to the @len bytes of header and sections at @data, which has room for
 * them. Who is not in @receivers (by bit) finds @noise in its tag's place, and takes the element
 * for forged. Returns the element's length.
 */
size_t cpc_twin_seal(struct cpc_twin_cell *cell, u8 *data, size_t len, u64 receivers, u64 noise);

/*
 * An element at the end of @frame (the bytes behind the Ethernet header), if there is one, goes to
 * the core. Returns header and sections if it was authentic, for whoever wants to listen in, else
 * NULL.
 */
const u8 *cpc_twin_take(struct cpc_twin_cell *cell, u64 now_us, const u8 *frame, size_t len,
			bool standalone, size_t *ret_len);

#endif
