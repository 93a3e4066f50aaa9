// SPDX-License-Identifier: BSD-3-Clause
/*
 * oracle.c - what must hold after every step of a correct member.
 *
 *   agreement     one slot, one value, one log hash, the same entries and answers everywhere; the
 *                 log hash's chain is computed again here
 *   validity      a correct member's decided entries are what it was given, in order, each once; an
 *                 entry is accepted only with the consent that its kind asks for
 *   no double vote one value per phase, view and slot for ever; views only grow; the frozen part
 *                 tells the truth; votes follow the rules; what is emitted is what is held
 *   progress      once the air is good, everything gets decided (world.c asks sim_oracle_done)
 */
#include "tests/sim/sim.h"

void sim_oracle_reset(struct sim_world *w)
{
	unsigned int i;

	sim_log_reset(&w->log);
	for (i = 0; i < w->plan.n; i++) {
		struct sim_node *node = &w->node[i];

		node->decided = node->counter_sent = 0;
		memset(node->counter_relayed, 0, sizeof(node->counter_relayed));
		node->submitted = node->submitted_before_heal = 0;
		memset(node->counter_seen, 0, sizeof(node->counter_seen));
		memset(node->heard, 0, sizeof(node->heard));
		memset(node->votes, 0, sizeof(node->votes));
		memset(node->said, 0, sizeof(node->said));
		memset(node->said_used, 0, sizeof(node->said_used));
	}
}

void sim_oracle_submitted(struct sim_world *w, struct sim_node *node, u8 kind, const u8 *data,
			  size_t len, u32 seq)
{
	SIM_MUST(w, seq == node->submitted + 1, "member %u appends entry %u after %u", node->index,
		 seq, node->submitted);
	node->submit[node->submitted++] = (struct sim_submit){ kind, sim_sum(data, len) };
}

/* ---- votes ----------------------------------------------------------------------------------- */

static struct sim_view_votes *votes_in(struct sim_slot_votes *h, u8 view)
{
	unsigned int i;

	for (i = 0; i < h->views; i++)
		if (h->view[i].view == view)
			return &h->view[i];
	if (h->views == SIM_VIEWS)
		return NULL;
	h->view[h->views] = (struct sim_view_votes){ .view = view };
	return &h->view[h->views++];
}

static void remember_vote(struct sim_world *w, const struct sim_node *node,
			  struct sim_slot_votes *h, unsigned int p, u8 view,
			  const struct cpc_digest *value)
{
	struct sim_view_votes *v = votes_in(h, view);

	if (!v)
		return;
	SIM_MUST(w, !(v->voted & 1u << p) || cpc_digest_equal(&v->value[p], value),
		 "double vote: member %u, slot %u, view %u, phase %u: %s and %s", node->index,
		 h->slot, view, p + 1, sim_value_name(&v->value[p]), sim_value_name(value));
	v->voted |= 1u << p;
	v->value[p] = *value;
}

/* The highest remembered vote before @view, for another value than @but if that is given. */
static int highest(const struct sim_slot_votes *h, unsigned int p, u8 view,
		   const struct cpc_digest *but, const struct cpc_digest **ret_value)
{
	int best = -1;
	unsigned int i;

	for (i = 0; i < h->views; i++) {
		const struct sim_view_votes *v = &h->view[i];

		if (v->view >= view || !(v->voted & 1u << p) || v->view <= best)
			continue;
		if (but && cpc_digest_equal(but, &v->value[p]))
			continue;
		best = v->view;
		*ret_value = &v->value[p];
	}
	return best;
}

static void check_frozen(struct sim_world *w, const struct sim_node *node,
			 struct sim_slot_votes *h, const struct cpc_state *s)
{
	const struct cpc_digest *value = NULL;
	unsigned int p;
	int view;

	/* Votes cast and frozen within one step are seen here for the first time. */
	for (p = 0; p < CPC_PHASES; p++)
		if (s->high[p].set)
			remember_vote(w, node, h, p, s->high[p].view, &s->high[p].value);
	for (p = 0; p < 2; p++)
		if (s->second[p].set)
			remember_vote(w, node, h, p, s->second[p].view, &s->second[p].value);
	for (p = 0; p < CPC_PHASES; p++) {
		view = highest(h, p, s->view, NULL, &value);
		SIM_MUST(w, view == (s->high[p].set ? s->high[p].view : -1),
			 "false frozen part: member %u, slot %u, view %u: highest vote %u at %d",
			 node->index, h->slot, s->view, p + 1, view);
		if (p >= 2 || view < 0)
			continue;
		view = highest(h, p, s->view, &s->high[p].value, &value);
		SIM_MUST(w, view == (s->second[p].set ? s->second[p].view : -1),
			 "false frozen part: member %u, slot %u, view %u: second vote %u at %d",
			 node->index, h->slot, s->view, p + 1, view);
	}
}

static void council_of(const struct sim_world *w, const struct sim_node *node, u32 slot,
		       struct cpc_council *c)
{
	unsigned int i, at = slot % CPC_OPEN_MAX;

	c->n = w->plan.n;
	for (i = 0; i < c->n; i++) {
		const struct cpc_member *m = &node->core->member[i];

		c->state[i] = m->state_slot[at] == slot ? &m->state[at] : NULL;
	}
	c->state[node->index] = &node->core->slot[at].mine;
}

static bool names_first(const struct cpc_state *s, const struct cpc_digest *value, bool frozen_only)
{
	return (!frozen_only && cpc_voted(s, CPC_PHASE_1) && cpc_digest_equal(&s->first, value)) ||
	       (s->high[0].set && cpc_digest_equal(&s->high[0].value, value)) ||
	       (s->second[0].set && cpc_digest_equal(&s->second[0].value, value));
}

/* ---- words on conditional entries ------------------------------------------------------------ */

/* What a member said on this very entry; a forked lane has several of one number. */
static struct sim_said *words_on(const struct sim_node *node, unsigned int lane, u32 seq,
				 const struct cpc_digest *head)
{
	unsigned int i;

	for (i = 0; i < SIM_WORDS; i++) {
		const struct sim_said *said = &node->said[lane][i];

		if (said->seq == seq && cpc_digest_equal(&said->head, head))
			return (struct sim_said *)said;
	}
	return NULL;
}

static void watch_words(struct sim_world *w, struct sim_node *node)
{
	unsigned int lane;

	for (lane = 0; lane < w->plan.n; lane++) {
		const struct cpc_condition *c = &node->core->member[lane].condition;
		struct sim_said *said;
		u64 mine = (u64)1 << node->index;
		u8 verdict = c->yes & mine ? CPC_VERDICT_YES : CPC_VERDICT_NO;

		if (c->kind == CPC_ENTRY_ORDINARY || !((c->yes | c->no) & mine))
			continue;
		said = words_on(node, lane, c->seq, &c->head);
		if (!said) {
			node->said[lane][node->said_used[lane]++ % SIM_WORDS] =
				(struct sim_said){ c->seq, verdict, c->head };
			continue;
		}
		SIM_MUST(w, said->verdict == verdict,
			 "member %u takes back its word on entry %u of lane %u", node->index,
			 c->seq, lane);
	}
}

static void check_consent(struct sim_world *w, unsigned int lane, const struct cpc_entry *entry,
			  const struct cpc_digest *hash)
{
	unsigned int i, correct = 0, yes = 0, no = 0, faulty, need;

	for (i = 0; i < w->plan.n; i++) {
		const struct sim_said *said = words_on(&w->node[i], lane, entry->seq, hash);

		if (!sim_correct(&w->node[i]))
			continue;
		correct++;
		if (!said)
			continue;
		yes += said->verdict == CPC_VERDICT_YES;
		no += said->verdict == CPC_VERDICT_NO;
	}
	faulty = w->plan.n - correct;
	need = entry->kind == CPC_ENTRY_BY_ALL ? correct : w->plan.n - w->plan.f - faulty;
	SIM_MUST(w, yes >= need,
		 "entry %u of lane %u is accepted with %u yes and %u no of %u correct members",
		 entry->seq, lane, yes, no, correct);
	SIM_MUST(w, !no || entry->kind != CPC_ENTRY_BY_ALL,
		 "entry %u of lane %u is accepted against a correct member's will",
		 entry->seq, lane);
}

/* Did the author itself say @seq, or an entry that chains to it? */
static bool authentic(const struct cpc_lane *lane, u32 seq)
{
	const struct cpc_held_entry *e;

	for (; seq <= lane->last && (e = cpc_lane_get(lane, seq)); seq++)
		if (e->held == CPC_HELD_DIRECT)
			return true;
	return false;
}

/* What a cut calls accepted has the consent that it needs. */
static void check_accepted(struct sim_world *w, const struct cpc_cut_lane *lane,
			   const struct cpc_lane *held)
{
	const struct cpc_held_entry *e;
	struct cpc_entry entry;
	u32 seq;

	for (seq = held->frontier + 1; seq <= lane->seq; seq++) {
		e = cpc_lane_get(held, seq);
		if (!(lane->accepted >> (seq - held->frontier - 1) & 1))
			continue;
		SIM_MUST(w, !cpc_entry_decode(e->body, e->len, w->plan.n, &entry),
			 "bad entry held");
		check_consent(w, lane->lane, &entry, &e->hash);
	}
}

/*
 * Vote 1 is for a cut whose entries the member holds and knows to be their authors', unless f+1
 * members vouch for it.
 */
static void check_bodies(struct sim_world *w, const struct sim_node *node,
			 const struct cpc_slot *slot, const struct cpc_council *c)
{
	const struct cpc_digest *value = &slot->mine.first;
	const struct cpc_known_cut *known = NULL;
	unsigned int i, vouchers = 0;

	for (i = 0; i < c->n; i++)
		vouchers += c->state[i] && names_first(c->state[i], value, i == node->index);
	if (slot->decided || vouchers > w->plan.f)
		return;
	/* What the same step decided may have taken the place of what the vote was for. */
	if (node->decided != node->core->decided ||
	    node->core->slot[(node->core->decided + 1) % CPC_OPEN_MAX].decided)
		return;
	for (i = 0; i < CPC_CUTS_KNOWN; i++)
		if (slot->cut[i].used && cpc_digest_equal(&slot->cut[i].digest, value))
			known = &slot->cut[i];
	SIM_MUST(w, known, "member %u votes in slot %u for a cut that it does not know",
		 node->index, slot->number);
	for (i = 0; i < known->cut.lanes; i++) {
		const struct cpc_cut_lane *lane = &known->cut.lane[i];
		const struct cpc_lane *held = &node->core->member[lane->lane].lane;

		SIM_MUST(w, lane->seq <= held->frontier ||
			 (cpc_lane_holds(held, lane->seq, &lane->head) &&
			  authentic(held, lane->seq)),
			 "member %u votes in slot %u for lane %u up to %u without the bodies",
			 node->index, slot->number, lane->lane, lane->seq);
		/* Bits count from the parent's frontier: ours, if that is what is decided. */
		if (lane->seq > held->frontier && slot->number == node->core->decided + 1 &&
		    cpc_digest_equal(&known->cut.parent, &node->core->parent))
			check_accepted(w, lane, held);
	}
}

static void check_new_vote(struct sim_world *w, const struct sim_node *node,
			   const struct cpc_slot *slot, unsigned int p)
{
	const struct cpc_state *s = &slot->mine, *leader;
	const struct cpc_digest *value = cpc_vote_value(s, p);
	unsigned int i, before = p - 1, count = 0;
	struct cpc_council c;

	council_of(w, node, slot->number, &c);
	if (p == CPC_PHASE_1) {
		leader = c.state[(slot->number + s->view) % c.n];
		SIM_MUST(w, leader && leader->view == s->view && cpc_voted(leader, CPC_PHASE_1) &&
			 cpc_digest_equal(&leader->first, value),
			 "member %u votes in slot %u, view %u for what the leader did not propose",
			 node->index, slot->number, s->view);
		SIM_MUST(w, cpc_safe(&c, CPC_RULE_VOTE, s->view, value),
			 "member %u votes for an unsafe value in slot %u, view %u", node->index,
			 slot->number, s->view);
		check_bodies(w, node, slot, &c);
		return;
	}
	if (s->view == 0 && !w->plan.slow_first_view)
		before = CPC_PHASE_1;
	for (i = 0; i < c.n; i++)
		count += c.state[i] && cpc_votes_for(&(struct cpc_council){ 1, { c.state[i] } },
						     before, s->view, value);
	SIM_MUST(w, count + w->plan.f >= w->plan.n,
		 "member %u votes %u in slot %u, view %u after only %u votes %u", node->index,
		 p + 1, slot->number, s->view, count, before + 1);
}

static void watch_slot(struct sim_world *w, struct sim_node *node, const struct cpc_slot *slot)
{
	struct sim_slot_votes *h = &node->votes[slot->number % CPC_OPEN_MAX];
	const struct cpc_state *s = &slot->mine;
	unsigned int p;

	if (h->slot != slot->number) {
		SIM_MUST(w, slot->number > h->slot, "member %u takes slot %u up again", node->index,
			 slot->number);
		memset(h, 0, sizeof(*h));
		h->slot = slot->number;
	}
	if (!memcmp(&h->last, s, sizeof(*s)))
		return;
	SIM_MUST(w, s->view >= h->last.view, "member %u goes back to view %u in slot %u",
		 node->index, s->view, slot->number);
	if (s->view == h->last.view) {
		SIM_MUST(w, (s->voted & h->last.voted) == h->last.voted,
			 "member %u takes back a vote in slot %u", node->index, slot->number);
		SIM_MUST(w, !memcmp(s->high, h->last.high, sizeof(s->high)) &&
			 !memcmp(s->second, h->last.second, sizeof(s->second)),
			 "frozen part changes within a view: member %u, slot %u, view %u",
			 node->index, slot->number, s->view);
	} else {
		w->totals->deep_views += s->view >= 3;
		check_frozen(w, node, h, s);
	}
	for (p = 0; p < CPC_PHASES; p++) {
		bool old = s->view == h->last.view && cpc_voted(&h->last, p);

		if (!cpc_voted(s, p))
			continue;
		remember_vote(w, node, h, p, s->view, cpc_vote_value(s, p));
		if (!old)
			check_new_vote(w, node, slot, p);
	}
	sim_trace(w, "%u slot %u view %u votes %x first %s later %s", node->index, slot->number,
		  s->view, s->voted, sim_value_name(&s->first), sim_value_name(&s->later));
	h->last = *s;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static void log_hash(const struct sim_world *w, const struct sim_logged *l, struct cpc_hash *ret)
{
	u8 bytes[1 + CPC_HASH_BYTES + 4 + CPC_DIGEST_BYTES + SIM_MEMBERS * (4 + CPC_DIGEST_BYTES) +
		 4];
	struct cpc_writer out = cpc_writer_init(bytes, sizeof(bytes));
	unsigned int i;

	cpc_write_u8(&out, 'L');
	cpc_write_bytes(&out, l->before.b, CPC_HASH_BYTES);
	cpc_write_le32(&out, l->slot);
	cpc_write_bytes(&out, l->value.b, CPC_DIGEST_BYTES);
	for (i = 0; i < w->plan.n; i++) {
		cpc_write_le32(&out, l->seq[i]);
		cpc_write_bytes(&out, l->head[i].b, CPC_DIGEST_BYTES);
	}
	if (l->end)
		cpc_write_le32(&out, l->end);
	sim_hash(bytes, out.used, ret->b);
}

static void log_entry(struct sim_world *w, const struct sim_node *node, struct sim_logged *l,
		      unsigned int lane, u32 seq, bool accepted)
{
	struct sim_lane_entry *logged;
	const struct sim_node *author = &w->node[lane];
	struct cpc_entry entry;
	struct cpc_digest hash;
	size_t len = 0;
	const u8 *body = cpc_core_entry(node->core, (u8)lane, seq, &len);

	SIM_MUST(w, body && !cpc_entry_decode(body, len, w->plan.n, &entry),
		 "member %u decides entry %u of lane %u without its body", node->index, seq, lane);
	SIM_MUST(w, entry.author == lane && entry.seq == seq &&
		 cpc_digest_equal(&entry.prev, &l->head[lane]),
		 "member %u decides entry %u of lane %u off the chain", node->index, seq, lane);
	cpc_entry_hash(sim_hash, &w->members, body, len, &hash);
	if (sim_correct(author)) {
		SIM_MUST(w, seq <= author->submitted &&
			 author->submit[seq - 1].kind == entry.kind &&
			 author->submit[seq - 1].sum == sim_sum(entry.data, entry.len),
			 "entry %u of lane %u is not what its author submitted", seq, lane);
	}
	if (entry.kind != CPC_ENTRY_ORDINARY) {
		w->totals->accepted += accepted;
		w->totals->rejected += !accepted;
	}
	if (accepted && entry.kind != CPC_ENTRY_ORDINARY)
		check_consent(w, lane, &entry, &hash);
	if (accepted && entry.kind == CPC_ENTRY_CHANGE && !l->end) {
		l->end = l->slot + CPC_CHANGE_DELAY;
		w->totals->changes++;
	}
	SIM_MUST(w, w->log.lane[lane].used == seq - 1, "lane %u: entry %u is decided after %u",
		 lane, seq, w->log.lane[lane].used);
	logged = sim_lane_append(&w->log.lane[lane]);
	*logged = (struct sim_lane_entry){ hash, entry.kind, accepted };
	l->seq[lane] = seq;
	l->head[lane] = hash;
	w->totals->entries++;
}

static void log_decision(struct sim_world *w, const struct sim_node *node,
			 const struct cpc_decision *d)
{
	const struct cpc_known_cut *known = &node->core->done[d->slot % CPC_DECIDED_RING].cut;
	struct sim_logged *l = sim_log_append(&w->log);
	const struct sim_logged *before = sim_log_find(&w->log, d->slot - 1);
	static const struct cpc_digest genesis;
	const struct cpc_digest *parent;
	struct cpc_digest digest;
	unsigned int i;
	u32 seq;

	SIM_MUST(w, w->log.used == d->slot, "member %u decides slot %u before any other is at %u",
		 node->index, d->slot, w->log.used);
	if (before)
		*l = *before;
	l->slot = d->slot;
	l->before = before ? before->after : w->members;
	l->value = d->value;
	l->decision = *d;
	cpc_cut_digest(sim_hash, &w->members, &known->cut, &digest);
	/* A void slot leaves all as it was, so the value of the last one that counts stays. */
	parent = before ? &before->value : &genesis;
	SIM_MUST(w, cpc_digest_equal(d->is_void ? parent : &digest, &d->value) &&
		 known->cut.slot == d->slot, "slot %u: the value is not the cut's digest", d->slot);
	SIM_MUST(w, d->is_void != cpc_digest_equal(&known->cut.parent, parent),
		 "slot %u: void or not goes by the parent", d->slot);
	SIM_MUST(w, !d->is_void || !d->lanes, "slot %u is void and has lanes", d->slot);
	SIM_MUST(w, !l->end || d->slot <= l->end, "slot %u is decided after the epoch's end, %u",
		 d->slot, l->end);
	for (i = 0; i < d->lanes; i++) {
		const struct cpc_decided_lane *lane = &d->lane[i];

		SIM_MUST(w, lane->from == l->seq[lane->lane] + 1 && lane->seq >= lane->from,
			 "slot %u: lane %u from %u to %u after %u", d->slot, lane->lane, lane->from,
			 lane->seq, l->seq[lane->lane]);
		for (seq = lane->from; seq <= lane->seq; seq++)
			log_entry(w, node, l, lane->lane, seq,
				  lane->accepted >> (seq - lane->from) & 1);
		SIM_MUST(w, cpc_digest_equal(&l->head[lane->lane], &lane->head),
			 "slot %u: lane %u does not end in its head", d->slot, lane->lane);
	}
	log_hash(w, l, &l->after);
	w->totals->void_slots += d->is_void;
}

static void check_decision(struct sim_world *w, struct sim_node *node,
			   const struct cpc_decision *d)
{
	const struct sim_logged *l;
	unsigned int i;
	u32 seq;

	SIM_MUST(w, d->slot == node->decided + 1, "member %u decides slot %u after %u", node->index,
		 d->slot, node->decided);
	sim_trace(w, "%u DECIDES slot %u: %s%s, %u lanes", node->index, d->slot,
		  sim_value_name(&d->value), d->is_void ? " void" : "", d->lanes);
	if (!sim_log_find(&w->log, d->slot))
		log_decision(w, node, d);
	l = sim_log_find(&w->log, d->slot);
	SIM_MUST(w, cpc_digest_equal(&l->value, &d->value),
		 "DISAGREEMENT: slot %u is %s at member %u and %s elsewhere", d->slot,
		 sim_value_name(&d->value), node->index, sim_value_name(&l->value));
	SIM_MUST(w, !memcmp(&l->after, &d->log_hash, sizeof(l->after)),
		 "DISAGREEMENT: log hash after slot %u at member %u", d->slot, node->index);
	SIM_MUST(w, l->decision.is_void == d->is_void && l->decision.lanes == d->lanes,
		 "DISAGREEMENT: lanes of slot %u at member %u", d->slot, node->index);
	for (i = 0; i < d->lanes; i++) {
		const struct cpc_decided_lane *a = &d->lane[i], *b = &l->decision.lane[i];

		SIM_MUST(w, a->lane == b->lane && a->from == b->from && a->seq == b->seq &&
			 a->accepted == b->accepted && cpc_digest_equal(&a->head, &b->head),
			 "DISAGREEMENT: lane %u of slot %u at member %u", a->lane, d->slot,
			 node->index);
		for (seq = a->from; seq <= a->seq; seq++) {
			struct cpc_digest hash;
			size_t len = 0;
			const u8 *body = cpc_core_entry(node->core, a->lane, seq, &len);

			SIM_MUST(w, body, "member %u decides entry %u of lane %u without its body",
				 node->index, seq, a->lane);
			cpc_entry_hash(sim_hash, &w->members, body, len, &hash);
			SIM_MUST(w, cpc_digest_equal(&hash,
						     &w->log.lane[a->lane].entry[seq - 1].hash),
				 "DISAGREEMENT: entry %u of lane %u at member %u", seq, a->lane,
				 node->index);
		}
	}
	node->decided = d->slot;
}

void sim_oracle_installed(struct sim_world *w, struct sim_node *node, u32 slot)
{
	const struct sim_logged *l = sim_log_find(&w->log, slot);
	unsigned int i;

	w->totals->installs++;
	if (node->decided != slot)
		return;	/* went on to decide in the same step, and was checked there */
	SIM_MUST(w, !memcmp(&node->core->log_hash, &l->after, sizeof(l->after)),
		 "member %u installed another log at slot %u", node->index, slot);
	for (i = 0; i < w->plan.n; i++)
		SIM_MUST(w, node->core->member[i].lane.frontier == l->seq[i],
			 "member %u installed another frontier of lane %u", node->index, i);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void watch_element(struct sim_world *w, struct sim_node *node,
			  const struct cpc_event *event, const struct cpc_effects *fx, int result)
{
	struct cpc_reader r = cpc_reader_init(event->element.data, event->element.len);
	struct cpc_header header;
	bool stale;

	cpc_header_read(&r, &header);
	if (result == -EBADMSG || result == -EPERM) {
		SIM_MUST(w, !sim_correct(&w->node[header.sender]),
			 "member %u calls an element of correct member %u malformed", node->index,
			 header.sender);
		w->totals->malformed++;
		return;
	}
	stale = node->heard[header.sender] && header.counter <= node->counter_seen[header.sender];
	SIM_MUST(w, stale == (result == -ESTALE), "member %u takes %u #%u after #%u: %d",
		 node->index, header.sender, header.counter, node->counter_seen[header.sender],
		 result);
	w->totals->stale += stale;
	w->totals->equal_counters += header.counter == node->counter_seen[header.sender];
	if (fx->evidence) {
		SIM_MUST(w, !sim_correct(&w->node[fx->evidence_member]),
			 "member %u has evidence against correct member %u", node->index,
			 fx->evidence_member);
		w->totals->evidence++;
	}
	if (stale)
		return;
	node->heard[header.sender] = true;
	node->counter_seen[header.sender] = header.counter;
}

void sim_oracle_step(struct sim_world *w, struct sim_node *node, const struct cpc_event *event,
		     const struct cpc_effects *fx, int result)
{
	const struct cpc_core *core = node->core;
	unsigned int i;
	u32 s;

	if (event->type == CPC_EV_ELEMENT)
		watch_element(w, node, event, fx, result);
	w->totals->views += fx->view_changes;
	watch_words(w, node);	/* first: a word may let the same step vote */
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++)
		watch_slot(w, node, &core->slot[s % CPC_OPEN_MAX]);
	if (event->type == CPC_EV_INSTALL && !result)
		node->decided = event->install.slot;
	for (i = 0; i < fx->decisions; i++)
		check_decision(w, node, &fx->decision[i]);
	if (sim_log_find(&w->log, node->decided))
		SIM_MUST(w, core->end == sim_log_find(&w->log, node->decided)->end,
			 "member %u has the epoch end at %u after slot %u", node->index,
			 core->end, node->decided);
	SIM_MUST(w, core->decided == node->decided, "member %u is at slot %u, but told of %u",
		 node->index, core->decided, node->decided);
	SIM_MUST(w, fx->wake_us >= w->now_us, "member %u wants to be woken in the past",
		 node->index);
}

/* Is it a history in which everybody hears everything in time? */
static bool all_hear_all(const struct sim_plan *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->deaf[i] || p->role[i] != SIM_CORRECT)
			return false;
	return !p->sparse && !p->loss && !p->after_loss && !p->cutoffs && p->jitter_us <= 5000;
}

/* No element leaves a member twice, and none leaves a second one without need. */
void sim_oracle_relayed(struct sim_world *w, struct sim_node *node, unsigned int author)
{
	const struct sim_frame *frame = node->newest[author];
	u32 counter = node->counter_seen[author];
	struct cpc_reader r;
	struct cpc_header header;

	SIM_MUST(w, frame && author != node->index, "member %u sends again what it never had of %u",
		 node->index, author);
	r = cpc_reader_init(frame->data, frame->len);
	cpc_header_read(&r, &header);
	SIM_MUST(w, header.sender == author && header.counter == counter,
		 "member %u sends %u #%u again, which is not the newest, #%u", node->index, author,
		 header.counter, counter);
	SIM_MUST(w, counter > node->counter_relayed[author],
		 "member %u sends %u #%u again and again", node->index, author, counter);
	SIM_MUST(w, w->radio || !all_hear_all(&w->plan),
		 "member %u sends %u #%u again, though all hear all", node->index, author, counter);
	node->counter_relayed[author] = counter;
	w->totals->relays++;
	sim_trace(w, "%u sends %u #%u again", node->index, author, counter);
}

/* What leaves is all that the member holds, and nothing else. */
void sim_oracle_element(struct sim_world *w, struct sim_node *node, const u8 *data, size_t len)
{
	const struct cpc_core *core = node->core;
	size_t all = len + cpc_element_trailer(w->plan.n), tags = 8u * (w->plan.n - 1u);
	struct cpc_element e;
	unsigned int i, k;
	u32 s;

	SIM_MUST(w, !cpc_element_decode(data, len, w->plan.n, &e),
		 "member %u emits a malformed element", node->index);
	SIM_MUST(w, e.header.sender == node->index && e.header.decided == core->decided &&
		 !memcmp(e.header.log_hash, core->log_hash.b, 8), "member %u: wrong header",
		 node->index);
	SIM_MUST(w, e.header.counter > node->counter_sent, "member %u uses counter %u again",
		 node->index, e.header.counter);
	node->counter_sent = e.header.counter;
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		const struct cpc_state *mine = &core->slot[s % CPC_OPEN_MAX].mine, *shown = NULL;
		static const struct cpc_state nothing;

		for (i = 0; i < e.records; i++)
			if (e.record[i].slot == s)
				shown = &e.record[i].state;
		SIM_MUST(w, !memcmp(mine, shown ? shown : &nothing, sizeof(*mine)),
			 "member %u shows another state of slot %u than it has", node->index, s);
	}
	for (i = 0; i < e.answers; i++) {
		const struct cpc_answer *a = &e.answer[i];
		const struct sim_said *said = words_on(node, a->lane, a->seq, &a->head);

		SIM_MUST(w, a->why == CPC_REASON_DEFAULT || a->why == CPC_REASON_OWN ||
				    a->why == 1 + node->index,
			 "member %u gives a reason that nobody gave it: %u", node->index, a->why);
		SIM_MUST(w, said && said->verdict == a->verdict,
			 "member %u says what it did not decide to say on lane %u", node->index,
			 a->lane);
	}
	for (k = 0; k < w->plan.n; k++) {
		const struct cpc_lane *lane = &core->member[k].lane;

		SIM_MUST(w, (!e.have[k] || authentic(lane, lane->frontier + e.have[k])) &&
			 !authentic(lane, lane->frontier + e.have[k] + 1),
			 "member %u: wrong have-bitmap for lane %u", node->index, k);
	}
	SIM_MUST(w, e.hears >> node->index & 1 && (e.hears != ~(u64)0) ==
			    !!(e.header.flags & CPC_ELEMENT_HEARD),
		 "member %u says that it hears %llx", node->index, (unsigned long long)e.hears);
	if (!e.header.flags && !e.items.left)
		SIM_MUST(w, all <= 32 + tags, "an idle element takes %zu bytes", all);
	/* Two values in one slot are an equivocating leader's doing. */
	if (e.records == 1 && !e.record[0].state.view && !e.answers && !e.items.left &&
	    !(e.header.flags & CPC_ELEMENT_HEARD) &&
	    (e.record[0].state.voted < 2 ||
	     cpc_digest_equal(&e.record[0].state.first, &e.record[0].state.later)))
		SIM_MUST(w, all <= 56 + tags, "an element with one open slot takes %zu bytes", all);
	sim_trace(w, "%u sends #%u: %zu bytes, decided %u, %u records, %u answers, %zu of items",
		  node->index, e.header.counter, len, e.header.decided, e.records, e.answers,
		  e.items.left);
}

void sim_oracle_lacking(struct sim_world *w)
{
	unsigned int i, k;

	for (i = 0; i < w->plan.n; i++)
		for (k = 0; k < w->plan.n && sim_correct(&w->node[i]) && w->node[i].alive; k++) {
			const struct cpc_member *m = &w->node[i].core->member[k];

			if (sim_correct(&w->node[k]) && m->lane.frontier < w->node[k].submitted)
				sim_trace(w, "%u: lane %u decided to %u, held to %u of %u%s%s%s, "
					  "accusers %llx", i, k, m->lane.frontier, m->lane.last,
					  w->node[k].submitted, m->lane.strict ? " strict" : "",
					  m->lane.forked ? " forked" : "",
					  m->condition.kind ? " conditional" : "",
					  (unsigned long long)m->accusers);
		}
}

bool sim_oracle_done(struct sim_world *w, bool after_heal)
{
	const struct sim_logged *newest = sim_log_find(&w->log, w->log.used);
	unsigned int i, k;

	for (i = 0; i < w->plan.n; i++) {
		const struct sim_node *node = &w->node[i];

		if (!node->alive || !sim_correct(node))
			continue;
		/* What the epoch's end left undecided is for the next one. */
		if (cpc_ended(node->core))
			continue;
		for (k = 0; k < w->plan.n; k++) {
			const struct sim_node *author = &w->node[k];

			if (newest && newest->end)
				return false;
			if (author->alive && sim_correct(author) &&
			    node->core->member[k].lane.frontier <
				    (after_heal ? author->submitted
						: author->submitted_before_heal))
				return false;
		}
	}
	return true;
}
