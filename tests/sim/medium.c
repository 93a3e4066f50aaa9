// SPDX-License-Identifier: BSD-3-Clause
/*
 * medium.c - the air between the members, and the queue of everything that will happen.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void sim_queue_push(struct sim_queue *q, const struct sim_event *event)
{
	struct sim_event e = *event;
	size_t at = q->used++, up;

	if (q->used > q->size) {
		q->size = q->size ? 2 * q->size : 1024;
		q->heap = realloc(q->heap, q->size * sizeof(*q->heap));
		if (!q->heap)
			abort();
	}
	e.order = ++q->order;
	for (; at; at = up) {
		up = (at - 1) / 2;
		if (!earlier(&e, &q->heap[up]))
			break;
		q->heap[at] = q->heap[up];
	}
	q->heap[at] = e;
}

bool sim_queue_pop(struct sim_queue *q, struct sim_event *ret_event)
{
	struct sim_event last;
	size_t at = 0, child;

	if (!q->used)
		return false;
	*ret_event = q->heap[0];
	last = q->heap[--q->used];
	while ((child = 2 * at + 1) < q->used) {
		if (child + 1 < q->used && earlier(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!earlier(&q->heap[child], &last))
			break;
		q->heap[at] = q->heap[child];
		at = child;
	}
	q->heap[at] = last;
	return true;
}

/* Frames come and go by the hundred thousand: spent ones are kept for the next. */
static struct sim_frame *spare[256];
static unsigned int spares;

struct sim_frame *sim_frame_new(unsigned int sender, const u8 *data, size_t len)
{
	struct sim_frame *frame = spares ? spare[--spares] : malloc(sizeof(*frame));

	if (!frame || len > sizeof(frame->data))
		abort();
	frame->users = 1;
	frame->sender = (u8)sender;
	frame->standalone = false;
	frame->relays = 0;
	frame->standalone = false;
	frame->len = (u16)len;
	memcpy(frame->data, data, len);
	return frame;
}

struct sim_frame *sim_frame_get(struct sim_frame *frame)
{
	frame->users++;
	return frame;
}

void sim_frame_put(struct sim_frame *frame)
{
	if (!frame || --frame->users)
		return;
	/* An element in front of another has none in front of itself: no deeper than this. */
	while (frame->relays)
		sim_frame_put(frame->relayed[--frame->relays]);
	if (spares < sizeof(spare) / sizeof(spare[0]))
		spare[spares++] = frame;
	else
		free(frame);
}

void sim_medium_reset(struct sim_world *w)
{
	unsigned int i;

	memset(w->link, 0, sizeof(w->link));
	for (i = 0; i < SIM_SAVED; i++) {
		sim_frame_put(w->saved[i]);
		w->saved[i] = NULL;
	}
	w->saved_used = 0;
}

static bool apart(const struct sim_world *w, unsigned int sender, unsigned int receiver)
{
	const struct sim_plan *p = &w->plan;
	unsigned int i;

	if (p->far[receiver] & 1u << sender)
		return true;
	if (w->healed)
		return false;
	if (p->deaf[receiver] & 1u << sender)
		return true;
	for (i = 0; i < p->cutoffs; i++) {
		const struct sim_cutoff *c = &p->cutoff[i];

		if (w->now_us >= c->from_us && w->now_us < c->to_us &&
		    !(c->side & 1u << sender) != !(c->side & 1u << receiver))
			return true;
	}
	return false;
}

static bool lost(struct sim_world *w, unsigned int sender, unsigned int receiver)
{
	struct sim_link *link = &w->link[sender][receiver];
	const struct sim_plan *p = &w->plan;

	if (w->healed)
		return sim_chance(&w->random, p->after_loss);
	if (!p->bursts)
		return sim_chance(&w->random, p->loss);
	/* Gilbert-Elliott: good and bad times, in each its own loss. */
	if (sim_chance(&w->random, link->bad ? 15 : p->loss / 3))
		link->bad = !link->bad;
	return sim_chance(&w->random, link->bad ? 80 : 2);
}

void sim_unicast(struct sim_world *w, struct sim_frame *frame, unsigned int receiver)
{
	const struct sim_plan *p = &w->plan;
	unsigned int copies = 1;
	struct sim_event e = { .type = SIM_EV_DELIVER, .node = (u8)receiver, .frame = frame };

	if (w->radio) {
		sim_radio_send(w, frame, 1u << receiver);
		return;
	}
	if (frame->sender < SIM_MEMBERS &&
	    (apart(w, frame->sender, receiver) || lost(w, frame->sender, receiver)))
		return;
	if (!w->healed && sim_chance(&w->random, p->doubles))
		copies = 2;
	while (copies--) {
		u32 jitter_us = w->healed && p->jitter_us > 5000 ? 5000 : p->jitter_us;

		e.at_us = w->now_us + p->delay_us + sim_below(&w->random, jitter_us + 1);
		sim_frame_get(frame);
		sim_queue_push(&w->queue, &e);
	}
}

void sim_broadcast(struct sim_world *w, struct sim_frame *frame)
{
	unsigned int i, at = w->saved_used % SIM_SAVED;

	if (w->radio) {
		sim_radio_send(w, frame, ~0u);
		return;
	}
	for (i = 0; i < w->plan.n; i++)
		if (i != frame->sender)
			sim_unicast(w, frame, i);
	if (sim_chance(&w->random, 25)) {
		sim_frame_put(w->saved[at]);
		w->saved[at] = sim_frame_get(frame);
		w->saved_used++;
	}
}
