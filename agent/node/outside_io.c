// SPDX-License-Identifier: BSD-3-Clause
/*
 * outside_io.c - how a vehicle gets into a cell that runs without it: it joins, it has lost its
 * votes (reboot, module reloaded) and comes back, or its cell has moved on while it was late.
 *
 *   call members --> views --> f+1 agree --> not in it: ask one of them, then the next, to propose
 *                                            in it:     fetch what our log lacks --> enter
 *
 * A member that has lost its votes is in the epoch that it must not go on with: it could vote
 * twice. It asks for an epoch of the same members with new keys, and waits until it is in one that
 * it has not taken part in.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

static void waits(struct cpc_node *node, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void waits(struct cpc_node *node, const char *format, ...)
{
	char text[sizeof(node->waiting)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, node->waiting) != 0)
		cpc_node_say(node, LOG_NOTICE, "%s", text);
	memcpy(node->waiting, text, sizeof(text));
	cpc_node_show_status(node);
}

void cpc_node_go_outside(struct cpc_node *node)
{
	node->outside = true;
	node->history_us = 0;
	if (cpc_node_wants_in(node)) {
		node->seeking = node->cell;
		waits(node, "looking for members of cell %u", node->cell);
	} else {
		node->seeking = 0;
		waits(node, "outside of cell %u: cpchainctl join", node->cell);
	}
	cpc_node_net_update(node);
}

/* ---- history --------------------------------------------------------------------------------- */

/* Which MAC algorithm an epoch's digest names: the same for all epochs of a cell. */
static u8 mac_of(const struct cpc_cell_epoch *epoch)
{
	struct cpc_cell_epoch e = *epoch;
	unsigned int id;

	for (id = 0; id < UINT8_MAX; id++) {
		cpc_cell_epoch_seal(&e, (u8)id);
		if (memcmp(&e.members, &epoch->members, sizeof(e.members)) == 0)
			break;
	}
	return (u8)id;
}

/* What does not follow from a log that correct members decided with us is a lie. */
static int contradiction(struct cpc_node *node, const struct cpc_cell_epoch *believed,
			 struct cpc_error *error)
{
	cpc_error_set(error, "members of cell %u claim an epoch %u that does not follow from this "
		      "vehicle's log: they are not believed", believed->cell, believed->epoch);
	cpc_seek_disbelieve(&node->seek, believed);
	return -EPROTO;
}

/* Our log is complete to the end of its epoch. 1: it leads to @believed, 0: one step on. */
static int step_on(struct cpc_node *node, const struct cpc_cell_epoch *believed,
		   struct cpc_error *error)
{
	u8 mac_id = mac_of(cpc_store_selected(node->store));
	struct cpc_cell_epoch next, split_off;
	struct cpc_member_change change;
	int r = cpc_node_next_epoch(node, &next, &split_off, &change, error);

	if (r < 0)
		return r;
	if (next.n == 0 || next.self == CPC_NOT_A_MEMBER)
		return 1;	/* what came then was not ours; now it is again */
	if (next.epoch == believed->epoch)
		return cpc_cell_epoch_same(&next, believed) ? 1 :
		       contradiction(node, believed, error);
	cpc_cell_epoch_seal(&next, mac_id);
	r = cpc_store_follow(node->store, &next, error);
	if (r == 0)
		cpc_node_catchup_reset(node);
	return r;
}

/* Does what we have of the cell lead to @believed at all? */
static bool is_our_past(const struct cpc_node *node, const struct cpc_cell_epoch *believed)
{
	const struct cpc_cell_epoch *e = cpc_store_selected(node->store);

	return e->epoch && e->cell == believed->cell && e->epoch < believed->epoch &&
	       believed->base >= e->base && believed->base;
}

/* 1: the log is as complete as it can be, 0: it is being fetched. */
static int fetch_history(struct cpc_node *node, const struct cpc_cell_epoch *believed,
			 struct cpc_error *error)
{
	static const u8 any[8];
	u64 now_us = cpc_node_now_us();
	const struct cpc_log_tip *tip;
	int r = 0;

	while (r == 0 && is_our_past(node, believed)) {
		tip = cpc_store_tip(node->store);
		if (!tip->end || tip->slot != tip->end)
			break;
		r = step_on(node, believed, error);
	}
	if (r != 0 || !is_our_past(node, believed))
		return r < 0 ? r : 1;
	if (!node->history_us)
		node->history_us = now_us;
	if (now_us - node->history_us >= CPC_NODE_HISTORY_US) {
		cpc_node_say(node, LOG_WARNING, "nobody has the log of cell %u epoch %u after slot "
			     "%u any more: this vehicle's log has a gap from there to slot %u",
			     believed->cell, cpc_store_selected(node->store)->epoch,
			     cpc_store_tip(node->store)->slot, believed->base);
		return 1;
	}
	waits(node, "fetching the log of cell %u epoch %u", believed->cell,
	      cpc_store_selected(node->store)->epoch);
	if (node->catchup.phase == CPC_CATCHUP_IDLE)
		cpc_catchup_start(&node->catchup, CPC_CATCHUP_END, any, now_us);
	return 0;
}

/* ---- in -------------------------------------------------------------------------------------- */

bool cpc_node_meets_quorum(const struct cpc_node *node, const struct cpc_cell_epoch *epoch)
{
	unsigned int i, up = 0;
	int peer;

	for (i = 0; i < epoch->n; i++) {
		peer = cpc_net_find(node->net, epoch->node_id[i]);
		up += peer >= 0 && cpc_net_is_up(node->net, (unsigned int)peer);
	}
	return up >= cpc_quorum(epoch->n);
}

static void ask(struct cpc_node *node, const struct cpc_cell_epoch *believed, bool is_member)
{
	struct cpc_tell tell = { .type = CPC_TELL_ASK, .cell = believed->cell,
				 .epoch = believed->epoch, .what = CPC_ASK_REENTER };
	int peer;

	/* Who has no session with us will not say yes. */
	if (!is_member && !cpc_node_meets_quorum(node, believed)) {
		waits(node, "calling the members of cell %u", believed->cell);
		return;
	}
	peer = cpc_seek_whom(&node->seek, believed, cpc_node_now_us());
	if (peer < 0)
		return;
	if (!is_member) {
		tell.what = CPC_ASK_JOIN;
		tell.count = 1;
		cpc_node_own_id(node, tell.node_id[0]);
	}
	waits(node, "asked %s to propose %s to cell %u",
	      cpc_node_name(node, cpc_net_node_id(node->net, (unsigned int)peer)),
	      is_member ? "new keys, as this vehicle has lost its votes," : "this vehicle",
	      believed->cell);
	cpc_node_tell(node, (unsigned int)peer, &tell);
}

/* We are in the epoch that the others are in, and did not take part in it before. */
static void enter(struct cpc_node *node, const struct cpc_cell_epoch *believed, unsigned int self)
{
	struct cpc_cell_epoch e = *believed;
	struct cpc_error error;
	int r;

	e.self = self;
	r = fetch_history(node, &e, &error);
	if (r > 0)
		r = cpc_node_enter(node, &e, &error);
	if (r < 0 && !node->failed)
		cpc_node_complain(node, CPC_COMPLAIN_EPOCH, error.text);
	if (r == -ENODEV) {	/* module or interface: begin anew, from the tick */
		node->outside = false;
		node->forgotten = true;
	}
}

static void look_from_outside(struct cpc_node *node, const struct cpc_cell_epoch *believed)
{
	uint8_t own_id[32];
	enum cpc_store_part part;
	struct cpc_error error;
	u16 newest;
	int self;

	cpc_node_own_id(node, own_id);
	self = cpc_cell_epoch_find(believed, own_id);
	if (cpc_store_part(node->store, believed->cell, believed->epoch, &part, &newest, &error) <
	    0) {
		cpc_node_complain(node, CPC_COMPLAIN_STORE, error.text);
		return;
	}
	if (self >= 0 && (part == CPC_PART_NONE || part == CPC_PART_FOLLOWED))
		enter(node, believed, (unsigned int)self);
	else
		ask(node, believed, self >= 0);
}

/* Others are ahead of us by an epoch or more, which our kernel cannot hear. */
static void look_from_inside(struct cpc_node *node)
{
	static const u8 any[8];

	/* Our own members say so, one correct one among them; what comes, the log will tell. */
	if (cpc_seek_ahead(&node->seek, &node->epoch) >= cpc_blocking(node->n) &&
	    node->catchup.target != CPC_CATCHUP_END)
		cpc_catchup_start(&node->catchup, CPC_CATCHUP_END, any, cpc_node_now_us());
}

void cpc_node_look_around(struct cpc_node *node)
{
	const struct cpc_cell_epoch *believed;

	if (node->failed || !node->net)
		return;
	cpc_node_net_update(node);
	if (node->running)
		look_from_inside(node);
	believed = node->seeking ? cpc_seek_believed(&node->seek, node->seeking) : NULL;
	if (believed && node->outside)
		look_from_outside(node, believed);
	else if (node->outside && node->seeking)
		waits(node, "looking for members of cell %u", node->seeking);
}
