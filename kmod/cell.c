// SPDX-License-Identifier: GPL-2.0-only
/*
 * cell.c - a cell's life, and how its core is driven.
 *
 *   egress hook --- CARRIER --.                        .--> log ring, counters, tracepoints
 *   ingress hook -- ELEMENT --+-- cpc_cell_step() -----+--> timer (wake_us, or at once to send)
 *   netlink ------- SUBMIT... |   under cell->lock     '--> work: events to the agents
 *   timer --------- TICK -----'
 *
 * Frames of our own leave from the timer only, after the lock is dropped: so no hook and no
 * netlink call ever transmits, and what a received element provokes cannot recurse.
 *
 * A cell is reachable by number (per namespace) and by interface, both under RCU. Whoever needs it
 * beyond a read section takes a reference; a removed cell refuses to run, and its memory goes with
 * the last reference, a grace period after it went out of sight.
 */
#include "cell.h"

#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/netns/generic.h>

#include "egress.h"
#include "event.h"
#include "iface.h"
#include "trace.h"

unsigned int cpc_net_id;

struct cpc_net *cpc_net(const struct net *net)
{
	return net_generic(net, cpc_net_id);
}

/* ---- driving the core ------------------------------------------------------------------------ */

/* Monotonic, does not follow the wall clock; the timer's base. */
static u64 now_us(void)
{
	return ktime_to_us(ktime_get());
}

/* Has the timer fire when the core wants it, or now if there is something to send. */
static void arm(struct cpc_cell *cell)
{
	u64 now = now_us(), due = cell->effects.wake_us;

	lockdep_assert_held(&cell->lock);
	if (!cell->running)
		return;
	if (cell->send_due)
		due = now;
	else if (due == CPC_NEVER_US)
		due = now + CPC_WAKE_CEILING_US;
	else
		due = clamp(due, now + CPC_WAKE_FLOOR_US, now + CPC_WAKE_CEILING_US);
	hrtimer_start(&cell->timer, ns_to_ktime(due * NSEC_PER_USEC), HRTIMER_MODE_ABS_SOFT);
}

static void count_entries(struct cpc_cell *cell, const struct cpc_decided_lane *cut)
{
	unsigned int i;

	for (i = 0; i < cpc_cut_entries(cut); i++) {
		size_t len;
		const u8 *body = cpc_core_entry(cell->core, cut->lane, cut->from + i, &len);
		bool conditional = body && body[0] != CPC_ENTRY_ORDINARY;

		if (conditional && !(cut->accepted >> i & 1))
			cpc_count(&cell->counters, CPC_N_REJECTED_ENTRIES);
		else
			cpc_count(&cell->counters, CPC_N_DECIDED_ENTRIES);
	}
}

static void keep_decision(struct cpc_cell *cell, const struct cpc_decision *decision)
{
	unsigned int i;

	cpc_ring_put(&cell->ring, cell->core, decision);
	cpc_count(&cell->counters, CPC_N_DECIDED_SLOTS);
	if (decision->is_void)
		cpc_count(&cell->counters, CPC_N_VOID_SLOTS);
	for (i = 0; i < decision->lanes; i++)
		count_entries(cell, &decision->lane[i]);
	cell->news.what |= CPC_TOLD_DECIDED;
	trace_cpchain_decided(cell, decision);
}

static void note_news(struct cpc_cell *cell, const struct cpc_effects *e)
{
	struct cpc_news *news = &cell->news;

	if (e->view_changes) {
		cpc_count_many(&cell->counters, CPC_N_VIEW_CHANGES, e->view_changes);
		news->what |= CPC_TOLD_VIEW;
		news->view_slot = e->view_slot;
		news->view = e->view;
		trace_cpchain_view(cell, e->view_slot, e->view);
	}
	if (e->evidence && e->evidence_member < cell->n) {
		cpc_count(&cell->counters, CPC_N_EVIDENCE);
		news->evidence |= 1ULL << e->evidence_member;
		news->evidence_counter[e->evidence_member] = e->evidence_counter;
	}
	if (e->behind) {
		cpc_count(&cell->counters, CPC_N_BEHIND);
		news->what |= CPC_TOLD_BEHIND;
		news->behind = e->behind_claim;
	}
	news->questions |= e->questions;
	if (news->what || news->evidence || news->questions)
		schedule_work(&cell->tell);
}

/* The channel's state, and how long our own entries took in it. */
static void note_channel(struct cpc_cell *cell, const struct cpc_effects *e)
{
	enum cpc_nl_counter entries = CPC_N_LATENCY_RELAXED + 2 * cell->core->dcc;

	cpc_count_set(&cell->counters, CPC_N_BUSY_PERMILLE, cell->core->busy_permille);
	cpc_count_set(&cell->counters, CPC_N_DCC_STATE, cell->core->dcc);
	if (!e->own_decided)
		return;
	cpc_count_many(&cell->counters, entries, e->own_decided);
	cpc_count_many(&cell->counters, entries + 1, e->own_latency_us);
}

int cpc_cell_step(struct cpc_cell *cell, struct cpc_event *event)
{
	struct cpc_effects *e = &cell->effects;
	unsigned int i;
	int err;

	lockdep_assert_held(&cell->lock);
	event->now_us = now_us();
	event->busy_permille = cpc_meter_permille(&cell->iface->meter);
	err = cpc_step(cell->core, event, e);
	/* What is on the air is at most what memory holds: there is no disk here, so `persist` has
	 * no meaning. A member that lost its memory comes back with a new epoch.
	 */
	if (e->send)
		cell->send_due = true;
	for (i = 0; i < e->decisions; i++)
		keep_decision(cell, &e->decision[i]);
	/* An installed state has no decisions below it. */
	if (cpc_ring_newest(&cell->ring) != cell->core->decided)
		cpc_ring_reset(&cell->ring, cell->core->decided);
	note_channel(cell, e);
	note_news(cell, e);
	arm(cell);
	return err;
}

static enum hrtimer_restart on_timer(struct hrtimer *timer)
{
	struct cpc_cell *cell = container_of(timer, struct cpc_cell, timer);
	struct cpc_event event = { .type = CPC_EV_TICK };
	struct sk_buff *skb = NULL;

	spin_lock_bh(&cell->lock);
	if (cell->running) {
		if (!cell->send_due)
			cpc_cell_step(cell, &event);
		if (cell->send_due)
			skb = cpc_egress_frame(cell);
	}
	spin_unlock_bh(&cell->lock);
	if (skb)
		dev_queue_xmit(skb);
	return HRTIMER_NORESTART;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* As uapi/cpchain_nl.h has MEMBERS_DIGEST: members agree on all of it, or no tag fits. */
static int members_digest(const struct cpc_mac *mac, const struct cpc_cell_config *config,
			  struct cpc_hash *ret_digest)
{
	static const char label[] = "CPChain cell";
	size_t size = sizeof(label) - 1 + 6 + (size_t)config->n * CPC_NODE_ID_BYTES +
		      (config->base ? 4 + CPC_HASH_BYTES : 0);
	struct cpc_writer w;
	u8 *text;

	text = kmalloc(size, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	w = cpc_writer_init(text, size);
	cpc_write_bytes(&w, label, sizeof(label) - 1);
	cpc_write_le16(&w, config->id);
	cpc_write_le16(&w, config->epoch);
	cpc_write_u8(&w, config->n);
	cpc_write_u8(&w, mac->id);
	cpc_write_bytes(&w, config->node_id, (size_t)config->n * CPC_NODE_ID_BYTES);
	if (config->base) {
		cpc_write_le32(&w, config->base);
		cpc_write_bytes(&w, config->base_log_hash.b, CPC_HASH_BYTES);
	}
	WARN_ON_ONCE(w.failed || w.used != size);
	cpc_sha256(text, size, ret_digest->b);
	kfree(text);
	return 0;
}

static int init_core(struct cpc_cell *cell, const struct cpc_cell_config *config)
{
	struct cpc_config core = {
		.n = config->n,
		.self = config->self,
		.cell = config->id,
		.epoch = config->epoch,
		.pacing = config->pacing,
		.default_verdict = config->default_verdict,
		.slow_first_view = config->slow_first_view,
		.period_us = config->period_us,
		.base = config->base,
		.seed = get_random_u64(),
		.members = cell->members,
		.hash = cpc_sha256,
	};

	cell->core = kvzalloc(cpc_core_size(config->n), GFP_KERNEL_ACCOUNT);
	if (!cell->core)
		return -ENOMEM;
	return cpc_core_init(cell->core, &core, now_us());
}

static void cell_free(struct cpc_cell *cell)
{
	unsigned int i;

	for (i = 0; i < cell->n; i++)
		cpc_key_free(rcu_dereference_protected(cell->peer[i].key, true));
	cpc_policies_done(&cell->policies);
	cpc_ring_done(&cell->ring);
	cpc_relay_done(&cell->relay);
	kvfree(cell->core);
	kvfree(cell);
}

struct cpc_cell *cpc_cell_new(struct net *net, const struct cpc_mac *mac,
			      const struct cpc_cell_config *config)
{
	static atomic64_t births = ATOMIC64_INIT(0);
	struct cpc_cell *cell;
	unsigned int i;
	int err;

	cell = kvzalloc(sizeof(*cell), GFP_KERNEL_ACCOUNT);
	if (!cell)
		return ERR_PTR(-ENOMEM);
	cell->net = net;
	cell->mac = mac;
	cell->born = atomic64_inc_return(&births);
	cell->id = config->id;
	cell->epoch = config->epoch;
	cell->n = config->n;
	cell->self = config->self;
	cell->slow_first_view = config->slow_first_view;
	for (i = 0; i < config->n; i++)
		memcpy(cell->peer[i].node_id, config->node_id[i], CPC_NODE_ID_BYTES);
	refcount_set(&cell->references, 1);
	spin_lock_init(&cell->lock);
	hrtimer_init(&cell->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	cell->timer.function = on_timer;
	INIT_WORK(&cell->tell, cpc_event_work);

	err = members_digest(mac, config, &cell->members);
	err = err ?: init_core(cell, config);
	err = err ?: cpc_ring_init(&cell->ring, config->n);
	err = err ?: cpc_relay_init(&cell->relay, config->n);
	if (err) {
		cell_free(cell);
		return ERR_PTR(err);
	}
	cpc_ring_reset(&cell->ring, config->base);
	cpc_count_many(&cell->counters, CPC_N_STATE_BYTES,
		       sizeof(*cell) + cpc_core_size(config->n) + cell->ring.size +
			       cpc_relay_size(&cell->relay));
	return cell;
}

void cpc_cell_publish(struct cpc_cell *cell, struct cpc_iface *iface)
{
	struct cpc_net *cn = cpc_net(cell->net);

	ASSERT_RTNL();
	cell->iface = iface;
	hash_add_rcu(cn->cells, &cell->in_net, cell->id);
	cn->cells_used++;
	list_add_tail_rcu(&cell->in_iface, &iface->cells);
	cpc_cell_run(cell, netif_running(iface->dev));
	cpc_event_cell(cell, true);
}

void cpc_cell_remove(struct cpc_cell *cell)
{
	struct cpc_net *cn = cpc_net(cell->net);

	ASSERT_RTNL();
	hash_del_rcu(&cell->in_net);
	cn->cells_used--;
	list_del_rcu(&cell->in_iface);
	cpc_cell_run(cell, false);
	cpc_event_cell(cell, false);
	/* Until here a hook may still be in the cell, and schedule the work. */
	synchronize_net();
	cancel_work_sync(&cell->tell);
	cpc_cell_put(cell);
}

void cpc_cell_run(struct cpc_cell *cell, bool run)
{
	struct cpc_event event = { .type = CPC_EV_TICK };

	ASSERT_RTNL();
	spin_lock_bh(&cell->lock);
	cell->running = run;
	cell->send_due = false;
	if (run)
		cpc_cell_step(cell, &event);
	spin_unlock_bh(&cell->lock);
	/* Not running, so nobody arms it again; a callback under way finds the same. */
	if (!run)
		hrtimer_cancel(&cell->timer);
}

struct cpc_cell *cpc_cell_get(struct net *net, u16 id, u16 epoch)
{
	struct cpc_cell *cell, *found = NULL;

	rcu_read_lock();
	hash_for_each_possible_rcu(cpc_net(net)->cells, cell, in_net, id)
		if (cell->id == id && (!epoch || cell->epoch == epoch) &&
		    (!found || cell->epoch > found->epoch))
			found = cell;
	if (found && !refcount_inc_not_zero(&found->references))
		found = NULL;
	rcu_read_unlock();
	return found;
}

void cpc_cell_put(struct cpc_cell *cell)
{
	if (!cell || !refcount_dec_and_test(&cell->references))
		return;
	/* A netlink call on a removed cell may have scheduled it once more. */
	cancel_work_sync(&cell->tell);
	cell_free(cell);
}

void cpc_cell_set_key(struct cpc_cell *cell, u8 index, struct cpc_key *key)
{
	struct cpc_key *old;

	old = unrcu_pointer(xchg(&cell->peer[index].key, RCU_INITIALIZER(key)));
	if (!old) {
		atomic_inc(&cell->keys);
		return;
	}
	synchronize_net();
	cpc_key_free(old);
}
