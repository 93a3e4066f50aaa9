// SPDX-License-Identifier: BSD-3-Clause
/*
 * byzantine.c - faulty members, written against the protocol.
 *
 * A faulty member runs a real core (a twin runs two), so that what it says fits the moment, and
 * then forges it for each receiver: the tags allow different words to everyone. It also sees all
 * correct members' cores, which no attacker could: it knows where its lie would do most harm.
 */
#include "tests/sim/sim.h"

/* ---- what there is to lie about -------------------------------------------------------------- */

/* A value that some correct member has in its state or among its known cuts of @slot. */
static bool known_value(struct sim_world *w, u64 *random, u32 slot, struct cpc_digest *ret_value)
{
	unsigned int try;

	for (try = 0; try < 6; try++) {
		const struct sim_node *node = &w->node[sim_below(random, w->plan.n)];
		const struct cpc_slot *s = &node->core->slot[slot % CPC_OPEN_MAX];
		const struct cpc_known_cut *cut = &s->cut[sim_below(random, 3)];

		if (s->number != slot)
			continue;
		if (s->mine.voted & 1 && sim_chance(random, 50))
			*ret_value = s->mine.first;
		else if (s->mine.high[0].set && sim_chance(random, 50))
			*ret_value =
				s->mine.high[sim_below(random, 2) * s->mine.high[3].set * 3].value;
		else if (cut->used)
			*ret_value = cut->digest;
		else
			continue;
		return true;
	}
	return false;
}

static void forge_frozen(struct sim_world *w, u64 *random, u32 slot, struct cpc_state *s)
{
	struct cpc_state lie;
	unsigned int p, try;

	for (try = 0; try < 8; try++) {
		lie = *s;
		memset(lie.high, 0, sizeof(lie.high));
		memset(lie.second, 0, sizeof(lie.second));
		for (p = 0; s->view && p < CPC_PHASES + 2; p++) {
			struct cpc_vote *v = p < CPC_PHASES ? &lie.high[p] :
							      &lie.second[p - CPC_PHASES];

			if (sim_chance(random, 40) || !known_value(w, random, slot, &v->value))
				continue;
			v->set = true;
			v->view = (u8)sim_below(random, s->view);
		}
		if (cpc_state_sane(&lie)) {
			*s = lie;
			return;
		}
	}
}

/* Sides with, or against, what the receiver leans to, in the receiver's view. */
static void forge_votes(struct sim_world *w, u64 *random, unsigned int receiver, u32 slot,
			struct cpc_state *s)
{
	const struct cpc_slot *theirs = &w->node[receiver].core->slot[slot % CPC_OPEN_MAX];
	struct cpc_digest value;
	unsigned int phases = sim_below(random, 4);

	if (theirs->number != slot || !known_value(w, random, slot, &value))
		return;
	if (theirs->mine.voted & 1 && sim_chance(random, 50))
		value = theirs->mine.first;
	s->view = theirs->mine.view;
	if (sim_chance(random, 10) && s->view < CPC_VIEW_MAX)
		s->view++;
	s->voted = (u8)((2u << phases) - 1);
	s->first = value;
	memset(&s->later, 0, sizeof(s->later));
	if (phases)
		s->later = value;
	if (phases && sim_chance(random, 10))
		known_value(w, random, slot, &s->later);
	if (!cpc_state_sane(s)) {
		memset(s->high, 0, sizeof(s->high));
		memset(s->second, 0, sizeof(s->second));
	}
	if (!cpc_state_sane(s))
		memset(s, 0, sizeof(*s));
}

/* Covers some lane's open condition as accepted, whatever the members said to it. */
static void force_consent(const struct cpc_core *core, u64 *random, struct cpc_cut *cut)
{
	unsigned int i, k, start = sim_below(random, core->config.n), at;

	for (i = 0; i < core->config.n; i++) {
		unsigned int lane = (start + i) % core->config.n;
		const struct cpc_member *m = &core->member[lane];
		const struct cpc_condition *c = &m->condition;

		if (c->kind == CPC_ENTRY_ORDINARY)
			continue;
		for (at = 0; at < cut->lanes && cut->lane[at].lane < lane; at++)
			;
		if (at == cut->lanes || cut->lane[at].lane != lane) {
			if (cut->lanes == CPC_CUT_LANES_MAX)
				return;
			for (k = cut->lanes++; k > at; k--)
				cut->lane[k] = cut->lane[k - 1];
		}
		cut->lane[at] = (struct cpc_cut_lane){
			.lane = (u8)lane,
			.seq = c->seq,
			.head = c->head,
			.accepted = (u16)(1u << (c->seq - m->lane.frontier - 1)),
		};
		if (c->kind == CPC_ENTRY_CHANGE)
			cut->lane[at].accepted |= CPC_ACCEPTED_CHANGE;
		if (sim_chance(random, 20))
			cut->lane[at].accepted ^= CPC_ACCEPTED_CHANGE;
		return;
	}
}

/* Another cut than @cut, of which some or all members can be made to believe. */
static void vary_cut(const struct cpc_core *core, u64 *random, struct cpc_cut *cut)
{
	unsigned int kind = sim_chance(random, 35) ? 3 : sim_below(random, 8),
		     at = cut->lanes ? sim_below(random, cut->lanes) : 0;
	struct cpc_cut_lane *lane = &cut->lane[at];
	const struct cpc_held_entry *e;

	if (kind == 0 && cut->lanes) {
		for (; at + 1u < cut->lanes; at++)
			cut->lane[at] = cut->lane[at + 1];
		memset(&cut->lane[--cut->lanes], 0, sizeof(*lane));
	} else if (kind <= 2 && cut->lanes) {
		e = cpc_lane_get(&core->member[lane->lane].lane,
				 lane->seq + (kind == 1 ? -1u : 1u));
		if (e && e->seq > core->member[lane->lane].lane.frontier) {
			lane->seq = e->seq;
			lane->head = e->hash;
			lane->accepted &= (u16)((2u << (e->seq -
					  core->member[lane->lane].lane.frontier - 1)) - 1);
		}
	} else if (kind == 3) {
		force_consent(core, random, cut);
	} else if (kind == 4) {
		cut->parent.b[0] ^= 0x5a;
	} else if (kind == 5 && cut->lanes) {
		lane->head.b[1] ^= 0x77;
	} else if (kind == 6 && cut->lanes) {
		lane->accepted ^= CPC_ACCEPTED_CHANGE;
	} else {
		memset(cut->lane, 0, sizeof(cut->lane));
		cut->lanes = 0;
	}
}

/* As a leader: this receiver gets a proposal of its own. */
static void equivocate(struct sim_world *w, struct sim_node *node, const struct cpc_core *core,
		       unsigned int receiver, struct sim_draft *d)
{
	/* The same lie to the same half, or to all, for as long as the slot and view last. */
	unsigned int i, half = node->audience >> receiver & 1;
	struct cpc_digest digest;
	u64 random;

	for (i = 0; i < d->e.records; i++) {
		struct cpc_slot_record *r = &d->e.record[i];
		const struct cpc_slot *s = &core->slot[r->slot % CPC_OPEN_MAX];
		const struct cpc_cut *base = NULL;
		struct cpc_cut cut;
		unsigned int k;

		if (s->number != r->slot || (r->slot + r->state.view) % w->plan.n != node->index)
			continue;
		for (k = 0; k < CPC_CUTS_KNOWN && !base; k++)
			if (s->cut[k].used)
				base = &s->cut[k].cut;
		if (!base || (!half && r->slot % 3))
			continue;
		cut = *base;
		random = w->plan.seed * 7 + r->slot * 131 + r->state.view * 17 + node->index;
		vary_cut(core, &random, &cut);
		cpc_cut_digest(sim_hash, &w->members, &cut, &digest);
		r->state.voted |= 1;
		r->state.first = digest;
		if (r->state.voted & ~1u && sim_chance(&node->random, 50))
			r->state.later = digest;
		sim_draft_add_cut(d, &cut);
	}
}

/*
 * The next entry of somebody else's lane, invented: the same one to everybody for as long as that
 * entry is not decided, so that it can pass for the author's.
 */
static size_t invent_entry(struct sim_world *w, struct sim_node *node, unsigned int lane,
			   const struct cpc_lane *from, u8 *body, struct cpc_cut_lane *ret_cut)
{
	u64 random = w->plan.seed * 3 + from->frontier * 67 + lane * 5 + node->index;
	struct cpc_entry entry = { .author = (u8)lane, .len = 12, .seq = from->frontier + 1 };
	u8 data[12];
	unsigned int i;
	int len;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)sim_random(&random);
	entry.kind = (u8)(sim_chance(&random, 80) ? 0 : 1 + sim_below(&random, 2));
	entry.data = data;
	entry.prev = from->frontier_head;
	len = cpc_entry_encode(&entry, body, CPC_BODY_MAX);
	*ret_cut = (struct cpc_cut_lane){ .lane = (u8)lane, .seq = entry.seq };
	cpc_entry_hash(sim_hash, &w->members, body, (size_t)len, &ret_cut->head);
	return (size_t)len;
}

static void forge_relay(struct sim_world *w, struct sim_node *node, unsigned int receiver,
			struct sim_draft *d)
{
	unsigned int lane = (node->index + 1 + sim_below(&node->random, 2)) % w->plan.n;
	struct cpc_cut_lane cut;
	u8 body[CPC_BODY_MAX];
	size_t len;

	len = invent_entry(w, node, lane, &w->node[receiver].core->member[lane].lane, body, &cut);
	sim_draft_add(d, CPC_ITEM_ENTRY, body, len);
}

/* As a leader: proposes what it invented. */
static void propose_invention(struct sim_world *w, struct sim_node *node,
			      const struct cpc_core *core, unsigned int receiver,
			      struct sim_draft *d)
{
	const struct cpc_core *theirs = w->node[receiver].core;
	u32 slot = theirs->decided + 1;
	unsigned int lane = (node->index + 1 + slot % 2) % w->plan.n;
	struct cpc_cut cut = { .slot = slot, .parent = theirs->parent, .lanes = 1 };
	struct cpc_state *s = sim_draft_state(d, slot);
	struct cpc_digest digest;
	u8 body[CPC_BODY_MAX];
	size_t len;
	u8 view;

	if (!s || core->decided != theirs->decided)
		return;
	view = theirs->slot[slot % CPC_OPEN_MAX].mine.view;
	if ((slot + view) % w->plan.n != node->index)
		return;
	len = invent_entry(w, node, lane, &theirs->member[lane].lane, body, &cut.lane[0]);
	cpc_cut_digest(sim_hash, &w->members, &cut, &digest);
	memset(s, 0, sizeof(*s));
	s->view = view;
	s->voted = 15;
	s->first = s->later = digest;
	sim_draft_add(d, CPC_ITEM_ENTRY, body, len);
	sim_draft_add_cut(d, &cut);
}

static void forge_answers(struct sim_world *w, struct sim_node *node, unsigned int receiver,
			  struct sim_draft *d)
{
	const struct cpc_core *theirs = w->node[receiver].core;
	unsigned int lane;

	d->e.answers = 0;
	for (lane = 0; lane < w->plan.n && d->e.answers < CPC_ANSWERS_MAX; lane++) {
		const struct cpc_condition *c = &theirs->member[lane].condition;
		struct cpc_answer *a = &d->e.answer[d->e.answers];

		if (c->kind == CPC_ENTRY_ORDINARY)
			continue;
		*a = (struct cpc_answer){ .lane = (u8)lane, .seq = c->seq, .head = c->head };
		a->verdict = (u8)sim_below(&node->random, 2);
		d->e.answers++;
	}
}

static void forge_claims(struct sim_world *w, struct sim_node *node, unsigned int receiver,
			 struct sim_draft *d)
{
	u8 claim[CPC_CLAIM_BYTES];
	struct cpc_writer c = cpc_writer_init(claim, sizeof(claim));
	unsigned int kind = sim_below(&node->random, 3);

	if (kind == 0) {
		d->e.header.log_hash[sim_below(&node->random, 8)] ^= 1;
		return;
	}
	if (kind == 1) {
		/* Far ahead; records are relative to it, so they go. */
		d->e.header.decided += 1 + sim_below(&node->random, 30);
		d->e.records = 0;
		return;
	}
	cpc_write_le32(&c, w->node[receiver].core->decided + 1 + sim_below(&node->random, 4));
	cpc_write_le64(&c, sim_random(&node->random));
	sim_draft_add(d, CPC_ITEM_CLAIM, claim, sizeof(claim));
}

/* ---- one element for one receiver ------------------------------------------------------------ */

static bool uses(const struct sim_world *w, struct sim_node *node, u32 trick, u32 percent)
{
	return w->plan.tricks[node->index] & trick && sim_chance(&node->random, percent);
}

static void forge_states(struct sim_world *w, struct sim_node *node, unsigned int receiver,
			 struct sim_draft *d)
{
	const struct cpc_core *theirs = w->node[receiver].core;
	struct cpc_state *s;
	u32 slot;

	if (uses(w, node, SIM_HELPFUL, 70))
		for (slot = theirs->settled + 1; slot <= theirs->settled + CPC_OPEN_MAX; slot++) {
			s = sim_chance(&node->random, 70) ? sim_draft_state(d, slot) : NULL;
			if (s)
				forge_votes(w, &node->random, receiver, slot, s);
		}
	if (uses(w, node, SIM_JUMP, 30)) {
		s = sim_draft_state(d, theirs->decided + 1 + sim_below(&node->random, 2));
		if (s) {
			memset(s, 0, sizeof(*s));
			s->view = (u8)(sim_chance(&node->random, 50) ?
				       sim_below(&node->random, CPC_VIEW_MAX + 1) :
				       1 + sim_below(&node->random, 4));
		}
	}
	if (uses(w, node, SIM_FROZEN, 60))
		for (slot = 0; slot < d->e.records; slot++)
			forge_frozen(w, &node->random, d->e.record[slot].slot,
				     &d->e.record[slot].state);
}

static void forge(struct sim_world *w, struct sim_node *node, const struct cpc_core *core,
		  unsigned int receiver, struct sim_draft *d)
{
	unsigned int i;

	if (uses(w, node, SIM_WITHHOLD, 60))
		d->items_len = 0;
	if (uses(w, node, SIM_CLAIM, 30))
		forge_claims(w, node, receiver, d);
	if (uses(w, node, SIM_EQUIVOCATE, 90))
		equivocate(w, node, core, receiver, d);
	forge_states(w, node, receiver, d);
	if (uses(w, node, SIM_RELAY, 50))
		forge_relay(w, node, receiver, d);
	if (uses(w, node, SIM_RELAY, 90))
		propose_invention(w, node, core, receiver, d);
	if (uses(w, node, SIM_VERDICT, 70))
		forge_answers(w, node, receiver, d);
	if (uses(w, node, SIM_HAVE, 50)) {
		d->e.has_have = true;
		for (i = 0; i < w->plan.n; i++)
			d->e.have[i] = (u8)sim_below(&node->random, CPC_LANE_WINDOW + 1);
	}
	/* Of whom it hears, too: all, or anybody. */
	if (uses(w, node, SIM_HAVE, 50))
		d->e.hears = sim_chance(&node->random, 50) ? ~(u64)0 :
			     sim_random(&node->random) & ((1u << w->plan.n) - 1);
}

static void send_one(struct sim_world *w, struct sim_node *node, unsigned int receiver, u8 *data,
		     size_t len)
{
	struct sim_frame *frame;
	u32 i;

	if (uses(w, node, SIM_MALFORMED, 40)) {
		for (i = 1 + sim_below(&node->random, 3); i > 0; i--)
			data[12 + sim_below(&node->random, (u32)len - 12)] ^=
				(u8)(1u << sim_below(&node->random, 8));
		if (sim_chance(&node->random, 30))
			len = CPC_ELEMENT_HEADER_BYTES +
			      sim_below(&node->random, (u32)len - CPC_ELEMENT_HEADER_BYTES + 1);
	}
	frame = sim_frame_new(node->index, data, len);
	sim_unicast(w, frame, receiver);
	if (uses(w, node, SIM_REPLAY, 20)) {
		sim_frame_put(w->saved[w->saved_used % SIM_SAVED]);
		w->saved[w->saved_used++ % SIM_SAVED] = sim_frame_get(frame);
	}
	sim_frame_put(frame);
}

static bool speaks_to(struct sim_world *w, struct sim_node *node, unsigned int receiver)
{
	if (receiver == node->index)
		return false;
	if (w->plan.tricks[node->index] & SIM_SELECTIVE && node->audience & 1u << receiver)
		return false;
	return true;
}

static bool face(struct sim_world *w, struct sim_node *node, struct cpc_core *core, bool standalone,
		 struct sim_draft *ret_draft)
{
	u8 data[SIM_FRAME_MAX];
	struct cpc_event event = { .type = CPC_EV_CARRIER, .now_us = w->now_us };
	struct cpc_effects fx;

	event.carrier.data = data;
	event.carrier.room = w->plan.room;
	event.carrier.standalone = standalone;
	sim_step_faulty(w, node, core, &event, &fx);
	return fx.element_len && sim_draft_read(ret_draft, data, fx.element_len, w->plan.n);
}

void sim_faulty_carrier(struct sim_world *w, struct sim_node *node)
{
	static struct sim_draft mine, other, d;
	bool twin = w->plan.tricks[node->index] & SIM_TWIN, two = false;
	unsigned int r;
	u8 data[SIM_FRAME_MAX];
	size_t len;

	if (w->plan.tricks[node->index] & SIM_SILENT && w->now_us / 500000 % 4)
		return;
	if (sim_chance(&node->random, 3))
		node->audience = (u32)sim_random(&node->random);
	if (!face(w, node, node->core, false, &mine))
		return;
	if (twin)
		two = face(w, node, node->twin, false, &other);
	node->counter++;
	w->totals->frames++;
	for (r = 0; r < w->plan.n; r++) {
		bool second = two && node->audience & 1u << r;

		if (!speaks_to(w, node, r) || (w->node[r].role == SIM_CRASHES && !w->node[r].alive))
			continue;
		d = second ? other : mine;
		forge(w, node, second ? node->twin : node->core, r, &d);
		d.e.header.counter = node->counter;
		len = sim_draft_write(&d, w->plan.n, data,
				      sizeof(data) - cpc_element_trailer(w->plan.n));
		if (!len)
			continue;
		send_one(w, node, r, data, len);
		if (uses(w, node, SIM_COUNTER, 30)) {
			d.e.header.decided ^= 1;
			d.e.records = 0;
			len = sim_draft_write(&d, w->plan.n, data, sizeof(data));
			if (len)
				send_one(w, node, r, data, len);
		}
	}
}

void sim_faulty_receive(struct sim_world *w, struct sim_node *node, const struct sim_frame *frame,
			const struct sim_frame *around)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT, .now_us = w->now_us };
	bool bit = node->heard_by_twin & 1u << frame->sender;
	struct cpc_effects fx = { 0 };

	event.element.relayed = frame != around;
	event.element.relayer = around->sender;
	event.element.data = frame->data;
	event.element.len = frame->len;
	if (!(w->plan.tricks[node->index] & SIM_TWIN)) {
		sim_step_faulty(w, node, node->core, &event, &fx);
		return;
	}
	if (sim_chance(&node->random, bit ? 30 : 90))
		sim_step_faulty(w, node, node->core, &event, &fx);
	if (sim_chance(&node->random, bit ? 90 : 30))
		sim_step_faulty(w, node, node->twin, &event, &fx);
	if (fx.send && sim_chance(&node->random, 50))
		sim_faulty_carrier(w, node);
}

void sim_faulty_submit(struct sim_world *w, struct sim_node *node)
{
	struct cpc_event event = { .type = CPC_EV_SUBMIT, .now_us = w->now_us };
	struct cpc_effects fx;
	u8 data[16], change[CPC_ENTRY_DATA_MAX];
	unsigned int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)sim_random(&node->random);
	event.submit.data = data;
	event.submit.len = sizeof(data);
	if (sim_chance(&node->random, w->plan.conditional))
		event.submit.kind = (u8)(1 + sim_below(&node->random, 2));
	if (w->plan.changes && sim_chance(&node->random, w->plan.changes)) {
		event.submit.kind = CPC_ENTRY_CHANGE;
		event.submit.len = sim_change(w, &node->random, change);
		event.submit.data = change;
	}
	sim_step_faulty(w, node, node->core, &event, &fx);
	if (!(w->plan.tricks[node->index] & SIM_TWIN))
		return;
	data[0] ^= 0xff;	/* a fork of the lane */
	event.submit.data = data;
	event.submit.len = sizeof(data);
	event.submit.kind = event.submit.kind == CPC_ENTRY_CHANGE ? 0 : event.submit.kind;
	sim_step_faulty(w, node, node->twin, &event, &fx);
}
