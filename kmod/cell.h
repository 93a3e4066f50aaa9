/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cell.h - a cell: one core with its clock, keys and log, on one interface of one namespace.
 *
 * Lock order, outermost first: RTNL; cell->lock. Never transmit, sleep or take RTNL under
 * cell->lock. It is taken with bottom halves off, so the egress hook of a frame that this very CPU
 * sends can never find it held.
 */
#ifndef CPC_KMOD_CELL_H
#define CPC_KMOD_CELL_H

#include <linux/hashtable.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <cpchain/core.h>

#include "counters.h"
#include "mac.h"
#include "policy.h"
#include "relay.h"
#include "ring.h"

enum {
	CPC_CELLS_MAX = 16,		/* per network namespace; more are refused */
	CPC_CELL_HASH_BITS = 4,
	CPC_WAKE_FLOOR_US = 200,	/* the core is not woken more often than this */
	CPC_WAKE_CEILING_US = 60 * 1000 * 1000,
};

/* Of one network namespace. RTNL protects changes; @cells is read under RCU. */
struct cpc_net {
	DECLARE_HASHTABLE(cells, CPC_CELL_HASH_BITS);
	struct list_head ifaces;
	unsigned int cells_used;
};

struct cpc_peer {
	u8 node_id[CPC_NODE_ID_BYTES];	/* never changes */
	struct cpc_key __rcu *key;	/* replaced by xchg, freed after a grace period */
	u8 address[ETH_ALEN];		/* its newest authentic element's; under cell->lock */
};

enum cpc_told {
	CPC_TOLD_DECIDED = 1 << 0,
	CPC_TOLD_VIEW = 1 << 1,
	CPC_TOLD_BEHIND = 1 << 2,
};

/* What the agents have not been told yet. A later event of a kind replaces an earlier one. */
struct cpc_news {
	unsigned int what;		/* enum cpc_told */
	u32 view_slot;
	u8 view;
	struct cpc_claim behind;
	u64 evidence;			/* members, by bit */
	u32 evidence_counter[CPC_MEMBERS_MAX];
	u64 questions;			/* lanes, by bit */
};

struct cpc_iface;

struct cpc_cell {
	/* Set before others can see the cell, and never changed. */
	struct net *net;
	struct cpc_iface *iface;
	const struct cpc_mac *mac;
	u64 born;			/* tells a cell from an earlier one of the same number */
	u16 id;
	u16 epoch;
	u8 n;
	u8 self;
	bool slow_first_view;
	struct cpc_hash members;	/* the member set's digest */
	struct cpc_peer peer[CPC_MEMBERS_MAX];

	/* RTNL for changes, RCU for readers. */
	struct hlist_node in_net;
	struct list_head in_iface;

	refcount_t references;
	atomic_t keys;			/* peers with a key */
	struct cpc_counters counters;
	struct cpc_policies policies;	/* this vehicle's word on conditional entries */
	struct hrtimer timer;
	struct work_struct tell;	/* sends @news to the agents */

	spinlock_t lock;		/* everything below, and what the pointers lead to */
	bool running;			/* the interface is up and the cell not going away */
	bool send_due;			/* the core wants a frame of its own */
	struct cpc_core *core;
	struct cpc_effects effects;	/* of the last step; too large for a stack */
	struct cpc_ring ring;
	struct cpc_relay relay;		/* elements to be sent again */
	struct cpc_news news;
	u8 tx[CPC_ELEMENT_MAX];		/* where an element is made */
};

/* What a new cell is to be. */
struct cpc_cell_config {
	u16 id;
	u16 epoch;
	u8 n;
	u8 self;
	u8 pacing;
	u8 default_verdict;
	bool slow_first_view;
	u32 period_us;
	u32 base;			/* last slot of the epoch before, 0: there was none */
	struct cpc_hash base_log_hash;	/* and the log hash there */
	u8 node_id[CPC_MEMBERS_MAX][CPC_NODE_ID_BYTES];
};

extern unsigned int cpc_net_id;
struct cpc_net *cpc_net(const struct net *net);

/* ---- life ------------------------------------------------------------------------------------ */

/* A cell with one reference that nobody sees yet, or an ERR_PTR (-ENOMEM, -EINVAL). */
struct cpc_cell *cpc_cell_new(struct net *net, const struct cpc_mac *mac,
			      const struct cpc_cell_config *config);

/* RTNL. Makes it visible on @iface and starts it if the interface is up. Takes the reference. */
void cpc_cell_publish(struct cpc_cell *cell, struct cpc_iface *iface);

/* RTNL. Takes it out of sight, stops it, tells the agents and drops publish's reference. */
void cpc_cell_remove(struct cpc_cell *cell);

/* The cell with a reference, or NULL; epoch 0: its newest. */
struct cpc_cell *cpc_cell_get(struct net *net, u16 id, u16 epoch);
void cpc_cell_put(struct cpc_cell *cell);

/* RTNL. The cell follows its interface up and down: while it is down it is silent. */
void cpc_cell_run(struct cpc_cell *cell, bool run);

/* ---- driving the core ------------------------------------------------------------------------ */

/*
 * Gives the core one event (now_us is filled in here) and carries out its effects but the sending.
 * Returns what cpc_step() returns. Caller holds cell->lock.
 */
int cpc_cell_step(struct cpc_cell *cell, struct cpc_event *event);

/* Sets or replaces the key with a member. May sleep; takes the key. */
void cpc_cell_set_key(struct cpc_cell *cell, u8 index, struct cpc_key *key);

#endif
