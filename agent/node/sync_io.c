// SPDX-License-Identifier: BSD-3-Clause
/*
 * sync_io.c - decisions into the database: the kernel's own, those fetched from peers, and those
 * that peers fetch from us.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

/* ---- storing --------------------------------------------------------------------------------- */

static void note_verdict(struct cpc_node *node, u32 slot, const struct cpc_log_lane *lane, u32 k)
{
	struct cpc_entry entry;

	if (cpc_entry_decode(lane->entry[k].body, lane->entry[k].len, node->n, &entry) == 0)
		cpc_node_note_verdict(node, lane->lane, slot, &entry, lane->accepted >> k & 1);
}

/* What follows from a stored decision beside the log. */
static void notice(struct cpc_node *node, const struct cpc_log_decision *decision)
{
	unsigned int i;
	u32 k;

	for (i = 0; i < decision->lanes; i++) {
		const struct cpc_log_lane *lane = &decision->lane[i];

		if (node->question[lane->lane].seq && node->question[lane->lane].seq <= lane->seq)
			node->question[lane->lane].seq = 0;
		for (k = 0; k <= lane->seq - lane->from; k++) {
			if (lane->lane == node->self && node->event_us)
				cpc_latency_decided(&node->latency, lane->from + k,
						    node->event_us);
			cpc_node_learn(node, cpc_store_selected(node->store)->node_id[lane->lane],
				       lane->entry[k].body, lane->entry[k].len);
			note_verdict(node, decision->slot, lane, k);
		}
	}
}

struct putting {
	struct cpc_node *node;
	int code;			/* why the database refused */
	struct cpc_error error;
};

static int put(void *ctx, const struct cpc_log_decision *decision)
{
	struct putting *putting = ctx;
	int r = cpc_store_put(putting->node->store, decision, cpc_node_wall_ms(), &putting->error);

	/* What is fetched of an epoch that is over is history. */
	if (r > 0 && putting->node->running)
		notice(putting->node, decision);
	putting->code = r < 0 ? r : 0;
	return putting->code;
}

/* A disk that is full or broken may recover, so that is only said; a contradiction may not. */
static void storing_failed(struct cpc_node *node, int code, const char *text)
{
	char line[sizeof(struct cpc_error) + 80];

	if (code == -EEXIST || code == -EBADMSG || code == -ENOENT) {
		snprintf(line, sizeof(line), "the decided log does not fit together: %s", text);
		cpc_node_fail(node, CPC_EXIT_OPERATOR, line);
	} else {
		cpc_node_complain(node, CPC_COMPLAIN_STORE, text);
	}
}

/* ---- from the kernel ------------------------------------------------------------------------- */

/* The kernel's ring does not reach back to our log: peers have what lies between. */
static void fetch_up_to_kernel(struct cpc_node *node)
{
	struct cpc_link_cell kernel;
	struct cpc_error error;

	if (cpc_link_cell_get(node->link, node->cell, &kernel, &error) < 0)
		cpc_node_complain(node, CPC_COMPLAIN_SYNC, error.text);
	else if (kernel.slot > cpc_store_tip(node->store)->slot)
		cpc_catchup_start(&node->catchup, kernel.slot, kernel.log_hash.b,
				  cpc_node_now_us());
}

static void cell_gone(struct cpc_node *node)
{
	cpc_node_say(node, LOG_WARNING,
		     "cell %u epoch %u has gone from the kernel (module unloaded, interface "
		     "removed, or deleted): its votes are forgotten, so this vehicle has to be let "
		     "in again",
		     node->cell, node->epoch.epoch);
	node->running = false;
	node->forgotten = true;
	node->old.n = 0;
	snprintf(node->waiting, sizeof(node->waiting), "the cell has gone from the kernel");
	cpc_node_bpf_cell_gone(node, false);
	cpc_node_gateway_stop(node);
	cpc_node_change_over(node, false);
	cpc_node_net_update(node);
}

void cpc_node_sync(struct cpc_node *node)
{
	struct putting putting = { .node = node };
	u32 before = cpc_store_tip(node->store)->slot;
	struct cpc_error asking;
	int r;

	node->looked_us = cpc_node_now_us();
	if (!node->event_us)
		node->event_us = node->looked_us;
	r = cpc_store_begin(node->store, &putting.error);
	if (r < 0) {
		storing_failed(node, -EIO, putting.error.text);
		return;
	}
	r = cpc_link_decided(node->link, node->cell, before, put, &putting, &asking);
	if (putting.code < 0)
		cpc_store_rollback(node->store);
	else	/* what came before the kernel refused, if it did, is good */
		putting.code = cpc_store_commit(node->store, &putting.error);
	node->event_us = 0;
	if (putting.code < 0)
		storing_failed(node, putting.code, putting.error.text);
	else if (r == -ENODATA)
		fetch_up_to_kernel(node);
	else if (r == -ENOENT || r == -ENODEV)
		cell_gone(node);
	else if (r < 0)
		cpc_node_complain(node, CPC_COMPLAIN_SYNC, asking.text);
	if (cpc_store_tip(node->store)->slot > before)
		cpc_api_log_grew(node->api);
	if (node->running)
		cpc_node_change_news(node);
	cpc_node_epoch_over(node);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void install(struct cpc_node *node, u32 slot);

/* f+1 members claim a state ahead of the kernel. The log may have it already. */
static void on_behind(struct cpc_node *node, const struct cpc_link_event *event)
{
	struct cpc_log_tip there;

	if (event->slot <= cpc_store_tip(node->store)->slot &&
	    cpc_store_tip_at(node->store, event->slot, &there, NULL) == 0) {
		if (memcmp(there.log_hash.b, event->log_hash, sizeof(event->log_hash)) == 0)
			install(node, event->slot);
		else
			cpc_node_complain(node, CPC_COMPLAIN_CATCHUP,
					  "more members than can be faulty claim another log than "
					  "ours: is the cell one cell?");
		return;
	}
	cpc_catchup_start(&node->catchup, event->slot, event->log_hash, cpc_node_now_us());
}

static void on_question(struct cpc_node *node, const struct cpc_link_event *event)
{
	struct cpc_node_question *question;

	if (event->lane >= node->n)
		return;
	question = &node->question[event->lane];
	question->seq = event->seq;
	question->kind = event->kind;
	question->head = event->head;
	question->why = NULL;
	question->len = 0;
	if (event->kind != CPC_ENTRY_CHANGE || event->len > sizeof(question->data))
		return;
	question->len = event->len;
	memcpy(question->data, event->data, event->len);
	cpc_node_change_judge(node, event->lane);
}

static void on_evidence(struct cpc_node *node, const struct cpc_link_event *event)
{
	char line[160];

	node->evidence++;
	snprintf(line, sizeof(line),
		 "member %u (%s) sent two contents under one counter, %u: it is "
		 "faulty, or its key is used twice",
		 event->index, cpc_node_member_name(node, event->index), event->counter);
	cpc_node_complain(node, CPC_COMPLAIN_EVIDENCE, line);
}

static void on_event(void *ctx, const struct cpc_link_event *event)
{
	struct cpc_node *node = ctx;

	if (!node->running || event->cell != node->cell || event->epoch != node->epoch.epoch)
		return;
	switch (event->type) {
	case CPC_C_EV_DECIDED:
		node->event_us = cpc_node_now_us();
		if (event->slot > cpc_store_tip(node->store)->slot)
			cpc_node_sync(node);
		cpc_node_submit_waiting(node);
		break;
	case CPC_C_EV_VIEW:
		node->views++;
		break;
	case CPC_C_EV_EVIDENCE:
		on_evidence(node, event);
		break;
	case CPC_C_EV_BEHIND:
		on_behind(node, event);
		break;
	case CPC_C_EV_QUESTION:
		on_question(node, event);
		break;
	case CPC_C_EV_CELL:
		if (!event->up)
			cell_gone(node);
		break;
	default:	/* no other events come through the decoder */
		break;
	}
}

static void on_overrun(void *ctx)
{
	struct cpc_node *node = ctx;

	node->overruns++;
	if (!node->running)
		return;
	cpc_node_sync(node);
	cpc_node_submit_waiting(node);
}

const struct cpc_link_ops cpc_node_link_ops = { .event = on_event, .overrun = on_overrun };

/* ---- catch-up -------------------------------------------------------------------------------- */

static int catchup_fetch(void *ctx, unsigned int member, u32 after_slot)
{
	struct cpc_node *node = ctx;
	const struct cpc_cell_epoch *e = cpc_store_selected(node->store);
	int peer = node->net ? cpc_net_find(node->net, e->node_id[member]) : -ENOTCONN;

	return peer < 0 ? -ENOTCONN :
	       cpc_net_fetch(node->net, (unsigned int)peer, e->cell, e->epoch, after_slot);
}

static const struct cpc_log_tip *catchup_tip(void *ctx)
{
	struct cpc_node *node = ctx;

	return cpc_store_tip(node->store);
}

static int put_chunk(struct cpc_node *node, const u8 *chunk, size_t len, struct cpc_error *error)
{
	struct cpc_reader reader = cpc_reader_init(chunk, len);
	struct putting putting = { .node = node };
	struct cpc_log_decision decision;
	int r = cpc_store_begin(node->store, error);

	if (r < 0)
		return r;
	while ((r = cpc_decision_decode(&reader, &decision)) > 0) {
		r = put(&putting, &decision);
		if (r < 0)
			break;
	}
	if (r < 0) {
		*error = putting.error;
		cpc_store_rollback(node->store);
		return r;
	}
	return cpc_store_commit(node->store, error);
}

static int catchup_store(void *ctx, const u8 *chunk, size_t len)
{
	struct cpc_node *node = ctx;
	struct cpc_error error = { "out of memory" };
	int r;

	/* Not measured: when they were decided is not known. */
	node->event_us = 0;
	r = put_chunk(node, chunk, len, &error);
	if (r < 0) {
		storing_failed(node, r, error.text);
		return r;
	}
	cpc_api_log_grew(node->api);
	/* The kernel's ring may now reach back to where we are. */
	if (node->running)
		cpc_node_sync(node);
	return 0;
}

/* Lets the kernel jump to a slot of the log that f+1 members claim. */
static void install(struct cpc_node *node, u32 slot)
{
	struct cpc_log_tip there, before;
	struct cpc_error error;
	int r;

	r = cpc_store_tip_at(node->store, slot, &there, &error);
	if (r == 0)
		r = cpc_store_tip_at(node->store, slot - 1, &before, &error);
	if (r == 0)
		r = cpc_link_install(node->link, node->cell, &there, &before.log_hash, &error);
	/* -EALREADY: it got there by itself; -EPERM: the claim is too old, another will come. */
	if (r < 0 && r != -EALREADY && r != -EPERM)
		cpc_node_complain(node, CPC_COMPLAIN_CATCHUP, error.text);
	if (r == 0)
		cpc_node_say(node, LOG_NOTICE, "caught up to slot %u", slot);
	cpc_node_sync(node);
	cpc_node_submit_waiting(node);
}

static void catchup_reached(void *ctx, u32 slot)
{
	struct cpc_node *node = ctx;
	struct cpc_link_cell kernel;
	struct cpc_error error;

	if (node->outside)
		cpc_node_look_around(node);
	if (!node->running)
		return;
	if (cpc_link_cell_get(node->link, node->cell, &kernel, &error) < 0)
		cpc_node_complain(node, CPC_COMPLAIN_CATCHUP, error.text);
	else if (kernel.slot < slot)
		install(node, slot);
	else
		cpc_node_sync(node);
}

const struct cpc_catchup_ops cpc_node_catchup_ops = {
	.fetch = catchup_fetch,
	.store = catchup_store,
	.tip = catchup_tip,
	.reached = catchup_reached,
};
