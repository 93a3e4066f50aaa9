/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * seek.h - which epoch a cell is in, by what its members say (pure).
 *
 * A vehicle that is outside (it wants to join, or has lost its votes) or late (its cell has moved
 * on without it) hears views from peers, and believes the newest epoch that f+1 of its members
 * claim, byte by byte, of those whose key or certificate it trusts: one of them is correct. What
 * f is follows from the claim itself, so all that vouch for a small cell must be trusted to be
 * more than its faulty ones; that is what the certificate is for.
 *
 *   view, view, view --> believed epoch --(not in it)--> ask a member to propose us; in turn
 *                              '----------(in it)------> enter
 */
#ifndef CPC_AGENT_NODE_SEEK_H
#define CPC_AGENT_NODE_SEEK_H

#include "agent/log/epoch.h"
#include "agent/net/limits.h"

enum {
	CPC_SEEK_ASK_US = 5 * 1000 * 1000,	/* one member is asked, then the next */
	CPC_SEEK_REJECTED_US = 15 * 1000 * 1000,	/* after a refusal by the cell */
};

struct cpc_seek_view {
	bool heard, trusted;
	uint8_t node_id[32];		/* who says it */
	struct cpc_cell_epoch epoch;
};

struct cpc_seek {
	struct cpc_seek_view view[CPC_NET_PEERS_MAX];	/* by peer */
	unsigned int next;		/* whom to ask next */
	u64 ask_us;			/* not before */
};

/* A peer's newest view replaces the one before. */
void cpc_seek_heard(struct cpc_seek *seek, unsigned int peer, const uint8_t node_id[32],
		    bool trusted, const struct cpc_cell_epoch *epoch);
void cpc_seek_lost(struct cpc_seek *seek, unsigned int peer);

/* The newest epoch of @cell to believe in, or NULL. Valid until the next cpc_seek_heard(). */
const struct cpc_cell_epoch *cpc_seek_believed(const struct cpc_seek *seek, u16 cell);

/* How many members of @epoch are in a later one of its cell, by their views. */
unsigned int cpc_seek_ahead(const struct cpc_seek *seek, const struct cpc_cell_epoch *epoch);

/* It was found to be a lie: who claims it is not trusted until the session with it is made anew. */
void cpc_seek_disbelieve(struct cpc_seek *seek, const struct cpc_cell_epoch *epoch);

/* Which peer to ask now: one that vouches for @believed; -EAGAIN: not now. Counts as asked. */
int cpc_seek_whom(struct cpc_seek *seek, const struct cpc_cell_epoch *believed, u64 now_us);
/* Not again before then. */
void cpc_seek_wait(struct cpc_seek *seek, u64 until_us);

#endif
