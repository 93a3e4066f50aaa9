// SPDX-License-Identifier: BSD-3-Clause
/*
 * epoch_io.c - from one epoch of the cell to the next.
 *
 *   log comes to its end --> CELL_ADD beside the old one --> database: "takes part" --> keys
 *     (whoever decided      (keys were agreed ahead, on the sessions there are)
 *      or fetched it)                                    --> views to all --> outbox again
 *
 *   the old epoch stays in the kernel for members who are late, until all are heard in the new
 *   one or CPC_NODE_OLD_US have passed
 *
 * Every step that fails is tried again from the tick: until the database knows of the epoch, no
 * key of it is in the kernel, and so nobody can have heard a vote of ours in it.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

/* ---- into the kernel ------------------------------------------------------------------------- */

void cpc_node_drop_old(struct cpc_node *node)
{
	struct cpc_error error;
	int r;

	if (!node->old.n)
		return;
	cpc_link_use_epoch(node->link, node->old.epoch);
	r = cpc_link_cell_del(node->link, node->old.cell, &error);
	cpc_link_use_epoch(node->link, node->running ? node->epoch.epoch : 0);
	if (r < 0 && r != -ENOENT)
		cpc_node_complain(node, CPC_COMPLAIN_EPOCH, error.text);
	node->old.n = 0;
	cpc_node_net_update(node);
}

static int add_to_kernel(struct cpc_node *node, const struct cpc_cell_epoch *e,
			 struct cpc_error *error)
{
	const struct cpc_agent_config *config = node->config;
	struct cpc_link_cell_config c = {
		.cell = e->cell,
		.epoch = e->epoch,
		.ifindex = if_nametoindex(config->interface),
		.self = (u8)e->self,
		.n = (u8)e->n,
		.node_id = (const uint8_t(*)[32])e->node_id,
		.pacing = (u8)config->pacing,
		.period_us = config->period_ms * 1000,
		.default_verdict = (u8)config->default_verdict,
		.slow_first_view = config->slow_first_view,
		.unanimous = e->n < CPC_MEMBERS_MIN,
		.base = e->base,
		.base_log_hash = e->base_log_hash,
	};
	enum cpc_store_part part;
	u16 newest;
	int r;

	if (c.ifindex == 0) {
		cpc_error_set(error, "[cell] interface: there is no '%s' in this network namespace",
			      config->interface);
		return -ENODEV;
	}
	r = cpc_link_cell_add(node->link, &c, error);
	if (r != -EEXIST)
		return r;
	/* From an agent that died before it could write it down: no key of it was ever used. */
	if (cpc_store_part(node->store, e->cell, e->epoch, &part, &newest, error) < 0 ||
	    part == CPC_PART_JOINED || part == CPC_PART_LEFT)
		return r;
	cpc_link_use_epoch(node->link, e->epoch);
	r = cpc_link_cell_del(node->link, e->cell, error);
	cpc_link_use_epoch(node->link, 0);
	return r < 0 ? r : cpc_link_cell_add(node->link, &c, error);
}

static void forget_conditions(struct cpc_node *node)
{
	memset(node->question, 0, sizeof(node->question));
	memset(node->verdict, 0, sizeof(node->verdict));
	memset(&node->latency.open, 0, sizeof(node->latency.open));
	node->reentering = 0;
	memset(node->merging, 0, sizeof(node->merging));
	memset(node->heard_us, 0, sizeof(node->heard_us));
	memset(node->heard, 0, sizeof(node->heard));
	cpc_proposals_new_epoch(&node->proposals);
}

static void take_names(struct cpc_node *node)
{
	unsigned int i;

	for (i = 0; i < node->n; i++)
		snprintf(node->name[i], sizeof(node->name[i]), "%s",
			 cpc_node_name(node, node->epoch.node_id[i]));
}

/* The kernel runs it, the database has it: from here on we take part. */
static int take_part(struct cpc_node *node, const struct cpc_cell_epoch *e,
		     const struct cpc_link_cell *kernel, struct cpc_error *error)
{
	int r;

	node->epoch = *e;
	node->n = e->n;
	node->self = e->self;
	node->cell = e->cell;
	node->entered_us = cpc_node_now_us();
	take_names(node);
	forget_conditions(node);
	r = cpc_outbox_resume(node->store, kernel->own_seq, error);
	if (r == 0)
		r = cpc_node_prime(node, error);
	if (r < 0)
		return r;
	node->running = true;
	node->outside = node->left = false;
	node->history_us = 0;
	if (node->seeking == e->cell)
		node->seeking = 0;
	if (!node->bpf.started)
		cpc_node_bpf_start(node, kernel);
	else
		cpc_node_bpf_epoch(node, kernel);
	cpc_node_use_ahead(node);
	cpc_node_net_update(node);
	cpc_node_catchup_reset(node);
	if (node->config->gateway && !node->gateway && !node->gateway_retry)
		r = cpc_node_gateway_start(node, error);
	return r;
}

static int check_digest(const struct cpc_cell_epoch *e, const struct cpc_link_cell *kernel,
			struct cpc_error *error)
{
	if (memcmp(&e->members, &kernel->members, sizeof(e->members)) == 0)
		return 0;
	cpc_error_set(error, "module and agent do not agree on the digest of the members of cell "
		      "%u epoch %u: they are of different versions", e->cell, e->epoch);
	return -EPROTO;
}

static void say_epoch(struct cpc_node *node, const char *how)
{
	const struct cpc_cell_epoch *e = &node->epoch;

	cpc_node_say(node, LOG_INFO, "%s cell %u epoch %u on %s as member %u (%s) of %u, slot %u",
		     how, e->cell, e->epoch, node->config->interface, e->self,
		     cpc_node_member_name(node, e->self), e->n, cpc_store_tip(node->store)->slot);
	if (e->n < CPC_MEMBERS_MIN)
		cpc_node_say(node, LOG_WARNING, "a cell of %u: every member has to agree to "
			     "everything, and none may fail or fall silent", e->n);
}

static void tell_views(struct cpc_node *node)
{
	unsigned int peer;

	for (peer = 0; peer < CPC_NET_PEERS_MAX; peer++)
		cpc_node_tell_view(node, peer);
}

int cpc_node_enter(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
		   struct cpc_error *error)
{
	struct cpc_cell_epoch e = *epoch, before = node->epoch;
	bool was_running = node->running;
	struct cpc_link_cell kernel;
	int r;

	cpc_node_drop_old(node);
	r = add_to_kernel(node, &e, error);
	if (r < 0)
		return r;
	cpc_link_use_epoch(node->link, e.epoch);
	r = cpc_link_cell_get(node->link, e.cell, &kernel, error);
	if (r == 0) {
		cpc_cell_epoch_seal(&e, kernel.mac_id);
		r = check_digest(&e, &kernel, error);
	}
	if (r == 0)
		r = cpc_store_join(node->store, &e, error);
	if (r < 0) {
		cpc_link_cell_del(node->link, e.cell, NULL);
		cpc_link_use_epoch(node->link, was_running ? before.epoch : 0);
		return r;
	}
	if (was_running) {
		node->old = before;
		node->old_until_us = cpc_node_now_us() + CPC_NODE_OLD_US;
	}
	r = take_part(node, &e, &kernel, error);
	if (r < 0)
		return r;
	say_epoch(node, e.base ? "entered" : "started");
	cpc_node_change_over(node, false);
	tell_views(node);
	cpc_node_sync(node);
	cpc_node_submit_waiting(node);
	cpc_node_show_status(node);
	return 0;
}

int cpc_node_resume(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
		    const struct cpc_link_cell *kernel, struct cpc_error *error)
{
	struct cpc_cell_epoch e = *epoch;
	int r;

	cpc_cell_epoch_seal(&e, kernel->mac_id);
	r = check_digest(&e, kernel, error);
	if (r == 0)
		r = cpc_store_join(node->store, &e, error);
	if (r == 0)
		r = take_part(node, &e, kernel, error);
	if (r < 0)
		return r;
	say_epoch(node, "resumed");
	tell_views(node);
	cpc_node_sync(node);
	cpc_node_submit_waiting(node);
	return 0;
}

/* ---- the end of an epoch --------------------------------------------------------------------- */

int cpc_node_next_epoch(struct cpc_node *node, struct cpc_cell_epoch *ret_next,
			struct cpc_cell_epoch *ret_split_off, struct cpc_member_change *ret_change,
			struct cpc_error *error)
{
	const struct cpc_cell_epoch *e = cpc_store_selected(node->store);
	const struct cpc_log_tip *tip = cpc_store_tip(node->store);
	struct cpc_log_decision decision;
	struct cpc_member_change change;
	uint8_t own_id[32];
	const u8 *data;
	size_t len;
	int r;

	r = cpc_store_get(node->store, tip->end - CPC_CHANGE_DELAY, &decision, error);
	if (r < 0)
		return r;
	if (r == 0 || cpc_decision_change(&decision, e->n, &data, &len) < 0 ||
	    cpc_change_decode(data, len, e->n, &change) < 0) {
		cpc_error_set(error, "cell %u epoch %u ends at slot %u, but slot %u has no change "
			      "of members", e->cell, e->epoch, tip->end,
			      tip->end - CPC_CHANGE_DELAY);
		return -EBADMSG;
	}
	cpc_node_own_id(node, own_id);
	memset(ret_split_off, 0, sizeof(*ret_split_off));
	r = cpc_cell_epoch_next(e, &change, false, tip->slot, &tip->log_hash, own_id, ret_next);
	/* All leave with a split: they have been let into that cell before. */
	if (r == 0 && change.split && ret_next->n)
		r = cpc_cell_epoch_next(e, &change, true, tip->slot, &tip->log_hash, own_id,
					ret_split_off);
	if (r < 0)
		cpc_error_set(error, "cell %u epoch %u was ended by an impossible change of "
			      "members", e->cell, e->epoch);
	*ret_change = change;
	return r < 0 ? -EBADMSG : 0;
}

/* We are in none of what follows. */
static void leave(struct cpc_node *node, const struct cpc_member_change *change, bool dissolved)
{
	struct cpc_error error;

	cpc_node_drop_old(node);
	node->old = node->epoch;
	node->old_until_us = cpc_node_now_us() + CPC_NODE_LEFT_US;
	node->running = false;
	cpc_node_bpf_cell_gone(node, false);
	cpc_node_gateway_stop(node);
	if (cpc_store_leave(node->store, &error) < 0)
		cpc_node_complain(node, CPC_COMPLAIN_STORE, error.text);
	node->left = true;
	cpc_node_say(node, LOG_NOTICE, "left cell %u after slot %u: its members have agreed to it",
		     node->cell, cpc_store_tip(node->store)->slot);
	cpc_node_change_over(node, !dissolved);
	if (dissolved) {
		node->cell = node->seeking = change->split;
		node->left = false;
	}
	cpc_node_go_outside(node);
}

void cpc_node_epoch_over(struct cpc_node *node)
{
	const struct cpc_log_tip *tip = cpc_store_tip(node->store);
	struct cpc_cell_epoch next, split_off;
	struct cpc_member_change change;
	struct cpc_error error;
	int r;

	if (!node->running || !tip->end || tip->slot != tip->end)
		return;
	r = cpc_node_next_epoch(node, &next, &split_off, &change, &error);
	if (r == -EBADMSG) {
		cpc_node_fail(node, CPC_EXIT_OPERATOR, error.text);
		return;
	}
	if (r == 0 && next.n && next.self != CPC_NOT_A_MEMBER)
		r = cpc_node_enter(node, &next, &error);
	else if (r == 0 && split_off.n && split_off.self != CPC_NOT_A_MEMBER)
		r = cpc_node_enter(node, &split_off, &error);
	else if (r == 0)
		leave(node, &change, next.n == 0);
	if (r < 0)
		cpc_node_complain(node, CPC_COMPLAIN_EPOCH, error.text);
}

void cpc_node_catchup_reset(struct cpc_node *node)
{
	const struct cpc_cell_epoch *e = cpc_store_selected(node->store);
	struct cpc_catchup_stats stats = node->catchup.stats;
	unsigned int i;
	int peer;

	cpc_catchup_done(&node->catchup);
	cpc_catchup_init(&node->catchup, e->n, e->self, &cpc_node_catchup_ops, node);
	node->catchup.stats = stats;
	for (i = 0; node->net && i < e->n; i++) {
		peer = i == e->self ? -1 : cpc_net_find(node->net, e->node_id[i]);
		if (peer >= 0 && cpc_net_is_up(node->net, (unsigned int)peer))
			cpc_catchup_peer(&node->catchup, i, true, cpc_node_now_us());
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Whom do we hear, and is anybody of the old epoch still missing in the new one? */
static bool look_at_members(struct cpc_node *node, const struct cpc_link_cell *kernel)
{
	u64 now_us = cpc_node_now_us();
	bool all = true;
	unsigned int i;

	for (i = 0; i < node->n; i++) {
		if (i == node->self)
			continue;
		if (!node->heard_us[i] || (kernel->heard[i] && kernel->newest[i] != node->heard[i]))
			node->heard_us[i] = now_us;
		node->heard[i] = kernel->newest[i];
		if (!kernel->heard[i] && cpc_cell_epoch_find(&node->old, kernel->node_id[i]) >= 0)
			all = false;
	}
	return all;
}

void cpc_node_epoch_tick(struct cpc_node *node)
{
	struct cpc_link_cell kernel;
	bool all = false;

	/* What is wrong with the module, others say. */
	if (node->running && cpc_link_cell_get(node->link, node->cell, &kernel, NULL) == 0)
		all = look_at_members(node, &kernel);
	if (node->old.n && (all || cpc_node_now_us() >= node->old_until_us))
		cpc_node_drop_old(node);
	cpc_node_epoch_over(node);
}
