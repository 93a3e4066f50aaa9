// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * emit.c - the element that leaves with the next frame, and the own lane's growth.
 *
 * The state always goes in, or there is no element. Then, while there is room: cuts that others
 * need, own entries, claims for laggards, and what others lack of anyone's entries. Somebody lacks
 * a thing if an element of his that came after it was last on the air still shows so: no
 * acknowledgement is ever sent, and a thing on the air from anyone counts.
 */
#include <cpchain/core_parts.h>

enum emit_us {
	OWN_MARGIN_US = 2000,	/* an element this young may have been made before ours came */
};

static bool fits(const struct cpc_writer *w, size_t len)
{
	return cpc_writer_room(w) >= 3 + len;
}

static u64 margin_us(const struct cpc_core *core, bool own)
{
	if (!own)
		return cpc_retry_us(core);
	/* Over several hops his answer takes its time, and older elements of his come meanwhile. */
	return core->hops == 1 ? OWN_MARGIN_US : cpc_message_us(core);
}

/*
 * Does member @i lack this slot's cut, by an element heard some time after it was last on the air?
 * Who leads the slot waits least. Who has finished a slot helps members that have not, although
 * they show a vote: they may have voted without the cut.
 */
static bool lacks_cut(const struct cpc_core *core, unsigned int i, const struct cpc_slot *slot,
		      const struct cpc_known_cut *known)
{
	bool own = cpc_leader(core, slot->number, slot->mine.view) == core->config.self;
	const struct cpc_member *m = &core->member[i];
	unsigned int at = slot->number % CPC_OPEN_MAX;
	const struct cpc_state *s = &m->state[at];
	bool there = m->state_slot[at] == slot->number && s->view >= slot->mine.view;

	if (m->decided >= slot->number)
		return false;
	if (!there || (s->view == slot->mine.view &&
		       !(cpc_voted(s, CPC_PHASE_1) && cpc_digest_equal(&s->first, &known->digest))))
		return m->heard_us > known->air_us + margin_us(core, own);
	return slot->number <= core->decided &&
	       m->heard_us > known->air_us + (own ? cpc_retry_us(core) / 2 : cpc_retry_us(core));
}

/* Does any active member? */
static bool cut_lacking(const struct cpc_core *core, const struct cpc_slot *slot,
			const struct cpc_known_cut *known)
{
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		if (i != core->config.self && cpc_active(core, i) &&
		    lacks_cut(core, i, slot, known))
			return true;
	return false;
}

/* The cut worth sending: of the value decided, or voted for by this member. NULL: none. */
static struct cpc_known_cut *worthy_cut(struct cpc_slot *slot)
{
	if (slot->decided)
		return cpc_cut_find(slot, &slot->value);
	return cpc_voted(&slot->mine, CPC_PHASE_1) ? cpc_cut_find(slot, &slot->mine.first) : NULL;
}

static void write_cut(struct cpc_writer *w, struct cpc_known_cut *known, u64 now_us)
{
	u8 bytes[CPC_CUT_BYTES_MAX];
	struct cpc_writer cut = cpc_writer_init(bytes, sizeof(bytes));

	cpc_cut_write(&cut, &known->cut);
	cpc_assert(!cut.failed);
	if (!fits(w, cut.used))
		return;
	cpc_item_write(w, CPC_ITEM_CUT, bytes, cut.used);
	known->air_us = now_us;
}

static void write_live_cuts(struct cpc_core *core, struct cpc_writer *w)
{
	u32 s;

	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		const struct cpc_slot *slot = cpc_live(core, s);
		struct cpc_known_cut *known = worthy_cut(cpc_live(core, s));

		if (known && (!known->air_us || cut_lacking(core, slot, known)))
			write_cut(w, known, core->now_us);
	}
}

static void write_claim(struct cpc_core *core, struct cpc_writer *w, struct cpc_done *done)
{
	u8 claim[CPC_CLAIM_BYTES];
	struct cpc_writer c = cpc_writer_init(claim, sizeof(claim));

	if (!fits(w, sizeof(claim)))
		return;
	cpc_write_le32(&c, done->slot);
	cpc_write_bytes(&c, done->log_hash.b, 8);
	cpc_item_write(w, CPC_ITEM_CLAIM, claim, sizeof(claim));
	done->claim_us = core->now_us;
}

/*
 * For members that are behind: our claims and the cuts of as many slots as they can take at once,
 * so that a laggard gains on a cell that goes on deciding.
 */
static void write_done(struct cpc_core *core, struct cpc_writer *w)
{
	unsigned int i;
	u32 s;

	for (i = 0; i < core->config.n; i++) {
		const struct cpc_member *m = &core->member[i];

		if (i == core->config.self || !cpc_active(core, i))
			continue;
		for (s = m->decided + 1;
		     s <= core->decided && s - m->decided <= CPC_OPEN_MAX; s++) {
			struct cpc_done *done = &core->done[s % CPC_DECIDED_RING];

			if (done->slot != s)
				continue;
			if (m->heard_us > done->claim_us + margin_us(core, true))
				write_claim(core, w, done);
			if (!cpc_live(core, s) &&
			    m->heard_us > done->cut.air_us + cpc_retry_us(core) / 2)
				write_cut(w, &done->cut, core->now_us);
		}
	}
}

static bool entry_lacking(const struct cpc_core *core, unsigned int lane, u32 seq, u64 after_us)
{
	unsigned int i;

	for (i = 0; i < core->config.n; i++) {
		const struct cpc_member *m = &core->member[i];

		if (i != core->config.self && i != lane && m->have[lane] < seq &&
		    m->heard_us > after_us && cpc_active(core, i))
			return true;
	}
	return false;
}

/* The first entry of @lane that an active member may still lack. */
static u32 first_lacking(const struct cpc_core *core, unsigned int lane)
{
	const struct cpc_lane *l = &core->member[lane].lane;
	u32 first = l->last + 1;
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		if (i != core->config.self && i != lane && cpc_active(core, i) &&
		    core->member[i].have[lane] + 1 < first)
			first = core->member[i].have[lane] + 1;
	if (l->last >= CPC_LANE_RING && first <= l->last - CPC_LANE_RING)
		first = l->last - CPC_LANE_RING + 1;
	return first;
}

static void write_entries(struct cpc_core *core, struct cpc_writer *w, unsigned int lane,
			  bool fresh_only)
{
	bool own = lane == core->config.self;
	struct cpc_lane *l = &core->member[lane].lane;
	u32 seq = fresh_only ? l->frontier + 1 : first_lacking(core, lane), count, i, start = 0;

	count = seq <= l->last ? l->last - seq + 1 : 0;
	/*
	 * Who must check entries from the decided head downwards can use the last one first, so a
	 * helper does not always start at the same end.
	 */
	if (!own && count > 1)
		start = core->counter % count;
	for (i = 0; i < count; i++) {
		u32 at = seq + (start + i) % count;
		struct cpc_held_entry *e = &l->entry[at % CPC_LANE_RING];

		if (!e->held || e->seq != at || !fits(w, e->len))
			continue;
		if (fresh_only ? e->air_us != 0 :
				 !entry_lacking(core, lane, at, e->air_us + margin_us(core, own)))
			continue;
		cpc_item_write(w, CPC_ITEM_ENTRY, e->body, e->len);
		e->air_us = core->now_us;
	}
}

/* Is there an entry of our own that was never on the air? They go out in order. */
static bool unsaid(const struct cpc_core *core)
{
	const struct cpc_lane *l = &core->member[core->config.self].lane;
	const struct cpc_held_entry *last = cpc_lane_get(l, l->last);

	return l->last > l->frontier && last && !last->air_us;
}

static void write_items(struct cpc_core *core, struct cpc_writer *w)
{
	unsigned int i, n = core->config.n;

	write_live_cuts(core, w);
	write_entries(core, w, core->config.self, true);
	write_done(core, w);
	write_entries(core, w, core->config.self, false);
	for (i = 1; i < n; i++)
		write_entries(core, w, (core->config.self + core->counter + i) % n, false);
}

/* Does member @i hold entries that we lack, or has it gone on without us? */
static bool knows_more(const struct cpc_core *core, unsigned int i)
{
	const struct cpc_member *m = &core->member[i];
	unsigned int lane;

	if (m->decided > core->decided + 1)
		return true;
	for (lane = 0; lane < core->config.n; lane++)
		if (m->have[lane] != ~0u && m->have[lane] > core->member[lane].lane.last)
			return true;
	return false;
}

bool cpc_answer_wanted(struct cpc_core *core, unsigned int member)
{
	const struct cpc_member *m = &core->member[member];
	unsigned int self = core->config.self;
	struct cpc_lane *own = &core->member[self].lane;
	const struct cpc_held_entry *e =
		m->have[self] < own->last ? cpc_lane_get(own, m->have[self] + 1) : NULL;
	u32 s;

	cpc_assert(member != self);
	if (e && m->heard_us > e->air_us + OWN_MARGIN_US)
		return true;
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		struct cpc_slot *slot = cpc_live(core, s);
		const struct cpc_known_cut *known = worthy_cut(slot);

		if (known && known->air_us && lacks_cut(core, member, slot, known) &&
		    cpc_leader(core, s, slot->mine.view) == self)
			return true;
	}
	return knows_more(core, member);
}

static void write_answers(const struct cpc_core *core, struct cpc_writer *w, u16 *flags)
{
	struct cpc_writer count = *w;
	unsigned int i;
	u8 answers = 0;

	for (i = 0; i < core->config.n && answers < CPC_ANSWERS_MAX; i++) {
		const struct cpc_condition *c = &core->member[i].condition;

		if (c->kind == CPC_ENTRY_ORDINARY ||
		    !((c->yes | c->no) & cpc_bit(core->config.self)))
			continue;
		if (!answers++)
			cpc_write_u8(w, 0);
		cpc_write_u8(w, (u8)i);
		cpc_write_u8(w, (u8)(c->why[core->config.self] << 1 |
				     (c->yes >> core->config.self & 1)));
		cpc_write_le32(w, c->seq);
		cpc_write_bytes(w, c->head.b, sizeof(c->head.b));
	}
	if (!answers || w->failed)
		return;
	cpc_write_u8(&count, answers);
	*flags |= CPC_ELEMENT_ANSWERS;
}

static void write_state(struct cpc_core *core, struct cpc_writer *w, u16 *flags,
			struct cpc_effects *fx)
{
	u8 have[CPC_MEMBERS_MAX], any = 0;
	unsigned int i;
	u64 hears;
	u32 s;

	for (i = 0; i < core->config.n; i++) {
		const struct cpc_lane *lane = &core->member[i].lane;

		/* What only others relayed its author must still say to us. */
		have[i] = (u8)(cpc_lane_vouched(lane) - lane->frontier);
		any |= have[i];
	}
	if (any) {
		cpc_have_write(w, have, core->config.n);
		*flags |= CPC_ELEMENT_HAVE;
	}
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		const struct cpc_slot *slot = cpc_live(core, s);
		struct cpc_slot_record record;

		if (!slot->mine.view && !slot->mine.voted)
			continue;
		record.slot = s;
		record.state = slot->mine;
		cpc_record_write(w, &record, core->decided);
		fx->element_open++;
		fx->element_late |= slot->mine.view > 0;
	}
	*flags |= fx->element_open;
	write_answers(core, w, flags);
	hears = cpc_hears(core);
	if (!cpc_hears_all(core, hears)) {
		cpc_heard_write(w, hears, core->config.n);
		*flags |= CPC_ELEMENT_HEARD;
	}
}

/* What others need, and what we send again for others: whoever comes first takes what he can. */
static void fill(struct cpc_core *core, struct cpc_writer *w, struct cpc_effects *fx)
{
	bool relays_first = cpc_relay_first(core);
	size_t share = cpc_relay_share(core, w->size, w->used), size = w->size;

	if (relays_first)
		size -= cpc_relay_pick(core, cpc_writer_room(w), fx);
	w->size = size > share ? share : size;
	if (w->size > w->used)
		write_items(core, w);
	w->size = size;
	if (!relays_first)
		cpc_relay_pick(core, cpc_writer_room(w), fx);
}

/* An epoch that is over is only spoken of while somebody may not know it. */
static bool nobody_listens(const struct cpc_core *core)
{
	unsigned int i;

	if (!cpc_ended(core) || core->settled < core->end)
		return false;
	for (i = 0; i < core->config.n; i++)
		if (i != core->config.self && core->member[i].decided < core->end &&
		    cpc_active(core, i))
			return false;
	return true;
}

int cpc_emit(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx)
{
	struct cpc_writer w = cpc_writer_init(event->carrier.data, event->carrier.room);
	struct cpc_writer head = w;
	struct cpc_header header = {
		.version = CPC_ELEMENT_VERSION,
		.sender = core->config.self,
		.cell = core->config.cell,
		.epoch = core->config.epoch,
		.decided = core->decided,
	};
	size_t state_len;

	if (!event->carrier.standalone)
		cpc_pace_carrier(core);
	if (core->counter == ~0u)
		return -EOVERFLOW;
	if (nobody_listens(core)) {
		core->dirty = false;
		return 0;
	}
	header.counter = core->counter + 1;
	memcpy(header.log_hash, core->log_hash.b, sizeof(header.log_hash));
	cpc_header_write(&w, &header);
	write_state(core, &w, &header.flags, fx);
	if (w.failed)
		return -ENOSPC;
	state_len = w.used;
	fill(core, &w, fx);
	cpc_assert(!w.failed);
	cpc_header_write(&head, &header);
	core->counter = header.counter;
	if (core->now_us - core->sent_us >= cpc_silence_us(core))
		core->spoke_us = core->now_us;
	core->sent_us = core->now_us;
	/* What did not fit goes with the next frame: the others cannot vote for it before. */
	core->dirty = core->prompt = unsaid(core);
	core->dirty_us = core->dirty ? core->now_us : 0;
	if (event->carrier.standalone)
		cpc_dcc_sent(core, w.used + cpc_element_trailer(core->config.n) + fx->relay_bytes);
	fx->element_len = w.used;
	fx->element_idle = w.used == CPC_ELEMENT_HEADER_BYTES;
	fx->element_payload = w.used > state_len ||
			      header.flags & (CPC_ELEMENT_ANSWERS | CPC_ELEMENT_HEARD);
	return 0;
}

/* Names other lanes' heads in turn, so that a few per entry cover them all over time. */
static void name_heads(const struct cpc_core *core, struct cpc_entry *entry)
{
	unsigned int i, n = core->config.n;

	for (i = 0; i < n && entry->refs < CPC_ENTRY_REFS_MAX; i++) {
		unsigned int lane = (entry->seq * CPC_ENTRY_REFS_MAX + i) % n;
		const struct cpc_lane *l = &core->member[lane].lane;
		const struct cpc_held_entry *e = cpc_lane_get(l, l->last);
		struct cpc_ref *ref = &entry->ref[entry->refs];

		if (lane == core->config.self || !e || e->held != CPC_HELD_DIRECT)
			continue;
		ref->lane = (u8)lane;
		ref->seq = e->seq;
		memcpy(ref->head, e->hash.b, sizeof(ref->head));
		entry->refs++;
	}
}

int cpc_submit(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx)
{
	struct cpc_lane *lane = &core->member[core->config.self].lane;
	const struct cpc_held_entry *before = cpc_lane_get(lane, lane->last);
	struct cpc_entry entry = {
		.kind = event->submit.kind,
		.author = core->config.self,
		.seq = lane->last + 1,
		.prev = lane->last == lane->frontier ? lane->frontier_head : before->hash,
		.len = (u16)event->submit.len,
		.data = event->submit.data,
	};
	struct cpc_held_entry *held;
	struct cpc_member_change change;
	struct cpc_digest hash;
	u8 body[CPC_BODY_MAX];
	int len;

	if (event->submit.len > CPC_ENTRY_DATA_MAX || !event->submit.len)
		return -EMSGSIZE;
	if (event->submit.kind >= __CPC_ENTRY_KINDS ||
	    (event->submit.kind == CPC_ENTRY_CHANGE &&
	     cpc_change_decode(event->submit.data, event->submit.len, core->config.n, &change)))
		return -EINVAL;
	if (cpc_ended(core))
		return -ESHUTDOWN;
	if (lane->last - lane->frontier >= CPC_LANE_WINDOW || lane->last == ~0u)
		return -EAGAIN;
	name_heads(core, &entry);
	len = cpc_entry_encode(&entry, body, sizeof(body));
	if (len < 0)
		return len;
	cpc_entry_hash(core->config.hash, &core->config.members, body, (size_t)len, &hash);
	/* Refused while a second instance under our name has got its entries decided as ours. */
	if (cpc_lane_put(lane, &entry, body, (size_t)len, &hash, true, NULL, core->now_us) !=
	    CPC_PUT_STORED)
		return -EAGAIN;
	held = &lane->entry[entry.seq % CPC_LANE_RING];
	cpc_assert(held->seq == entry.seq);
	held->air_us = 0;
	core->submitted_us[entry.seq % CPC_LANE_RING] = core->now_us;
	core->dirty = true;
	core->prompt = true;
	fx->submitted_seq = entry.seq;
	cpc_condition_update(core, core->config.self, fx);
	return 0;
}
