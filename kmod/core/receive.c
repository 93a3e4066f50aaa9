// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * receive.c - an authentic element comes in.
 *
 * The sender may still be faulty: what it says of itself is taken as its word, what it says of
 * others proves itself by hash or is ignored.
 */
#include <cpchain/core_parts.h>

enum { AFTER_COUNTER = 12 };	/* in an element's header */

/* FNV-1a: to notice two contents, not to withstand an attack; who would evade just counts on. */
static u64 checksum(const u8 *data, size_t len)
{
	u64 h = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ data[i]) * 0x100000001b3ull;
	return h;
}

/* The hash that @lane's entry @seq must have because it is decided, though not finished here. */
static const struct cpc_digest *decided_head(struct cpc_core *core, unsigned int lane, u32 seq)
{
	struct cpc_slot *slot = cpc_live(core, core->decided + 1);
	const struct cpc_held_entry *after;
	const struct cpc_known_cut *known;
	const struct cpc_digest *head = NULL;
	u32 at;
	unsigned int i;

	known = slot && slot->decided ? cpc_cut_find(slot, &slot->value) : NULL;
	if (!known || !cpc_digest_equal(&known->cut.parent, &core->parent))
		return NULL;
	for (i = 0; i < known->cut.lanes && known->cut.lane[i].lane != lane; i++)
		;
	if (i == known->cut.lanes || seq > known->cut.lane[i].seq ||
	    known->cut.lane[i].seq - core->member[lane].lane.frontier > CPC_LANE_WINDOW)
		return NULL;
	/* Down from the decided head, each entry names the one before it. */
	head = &known->cut.lane[i].head;
	for (at = known->cut.lane[i].seq; at > seq; at--) {
		after = cpc_lane_get(&core->member[lane].lane, at);
		if (!after || !cpc_digest_equal(&after->hash, head))
			return NULL;
		head = &after->prev;
	}
	return head;
}

/* An entry names the heads its author saw: another hash than ours means the lane has two ends. */
static void compare_refs(struct cpc_core *core, const struct cpc_entry *entry)
{
	unsigned int i;

	for (i = 0; i < entry->refs; i++) {
		const struct cpc_ref *ref = &entry->ref[i];
		const struct cpc_held_entry *held;

		held = cpc_lane_get(&core->member[ref->lane].lane, ref->seq);
		/* Only what came from that lane's author says something about him. */
		if (held && held->held == CPC_HELD_DIRECT &&
		    ref->seq > core->member[ref->lane].lane.frontier &&
		    memcmp(held->hash.b, ref->head, sizeof(ref->head)) != 0)
			core->member[ref->lane].accusers |= cpc_bit(entry->author);
	}
}

static void take_entry(struct cpc_core *core, unsigned int sender, const struct cpc_item *item,
		      struct cpc_effects *fx)
{
	struct cpc_entry entry;
	struct cpc_digest hash;
	enum cpc_lane_put put;
	struct cpc_lane *lane;

	if (cpc_entry_decode(item->data, item->len, core->config.n, &entry))
		return;
	lane = &core->member[entry.author].lane;
	cpc_entry_hash(core->config.hash, &core->config.members, item->data, item->len, &hash);
	if (entry.author == core->config.self) {
		/* Nobody appends to our lane; but it tells that the entry was on the air. */
		const struct cpc_held_entry *own = cpc_lane_get(lane, entry.seq);

		if (!own || !cpc_digest_equal(&own->hash, &hash))
			return;
		/* Who does not hear us has not had our word by that. */
		if (core->hops > 1)
			return;
	}
	put = cpc_lane_put(lane, &entry, item->data, item->len, &hash, entry.author == sender,
			   decided_head(core, entry.author, entry.seq), core->now_us);
	if (put == CPC_PUT_FORK) {
		fx->evidence = true;
		fx->evidence_member = entry.author;
		fx->evidence_counter = core->element.header.counter;
	}
	if (put == CPC_PUT_STORED) {
		if (entry.author == sender)
			compare_refs(core, &entry);
		cpc_condition_update(core, entry.author, fx);
	}
}

static void take_cut(struct cpc_core *core, const struct cpc_item *item)
{
	struct cpc_reader r = cpc_reader_init(item->data, item->len);
	struct cpc_known_cut *known;
	struct cpc_digest digest;
	struct cpc_done *done;
	struct cpc_slot *slot;
	struct cpc_cut cut;

	if (cpc_cut_read(&r, core->config.n, &cut))
		return;
	done = &core->done[cut.slot % CPC_DECIDED_RING];
	slot = cpc_live(core, cut.slot);
	if (!slot && done->slot != cut.slot)
		return;
	cpc_cut_digest(core->config.hash, &core->config.members, &cut, &digest);
	if (done->slot == cut.slot && cpc_digest_equal(&done->cut.digest, &digest))
		done->cut.air_us = core->now_us;
	known = slot ? cpc_cut_remember(core, slot, &digest, &cut) : NULL;
	if (known)
		known->air_us = core->now_us;
}

static void take_claim(struct cpc_core *core, unsigned int sender, const struct cpc_item *item)
{
	struct cpc_reader r = cpc_reader_init(item->data, item->len);
	u32 slot = cpc_read_le32(&r);
	const u8 *log_hash = cpc_read_bytes(&r, 8);

	if (log_hash)
		cpc_claim_note(core, sender, slot, log_hash);
}

/* All or nothing: the items are read through once before any counts. */
static bool well_formed(const struct cpc_core *core, struct cpc_reader items)
{
	unsigned int n = core->config.n;
	struct cpc_entry entry;
	struct cpc_item item;
	struct cpc_reader r;
	struct cpc_cut cut;
	int more;

	while ((more = cpc_element_item(&items, &item)) > 0) {
		r = cpc_reader_init(item.data, item.len);
		if (item.type == CPC_ITEM_ENTRY &&
		    (item.len > CPC_BODY_MAX || cpc_entry_decode(item.data, item.len, n, &entry)))
			return false;
		if (item.type == CPC_ITEM_CUT && (cpc_cut_read(&r, n, &cut) || r.left))
			return false;
		if (item.type == CPC_ITEM_CLAIM && item.len != CPC_CLAIM_BYTES)
			return false;
	}
	return more == 0;
}

static void take_items(struct cpc_core *core, struct cpc_effects *fx)
{
	struct cpc_element *e = &core->element;
	unsigned int sender = e->header.sender;
	struct cpc_item item;

	while (cpc_element_item(&e->items, &item) > 0) {
		if (item.type == CPC_ITEM_ENTRY)
			take_entry(core, sender, &item, fx);
		else if (item.type == CPC_ITEM_CUT)
			take_cut(core, &item);
		else if (item.type == CPC_ITEM_CLAIM)
			take_claim(core, sender, &item);
		/* Others come with later versions: skipped. */
	}
}

/* How far the sender's holdings reach, per lane; what we cannot place counts as all. */
static void take_have(struct cpc_core *core, struct cpc_member *m)
{
	const struct cpc_element *e = &core->element;
	const struct cpc_done *done = &core->done[e->header.decided % CPC_DECIDED_RING];
	unsigned int i;

	for (i = 0; i < core->config.n; i++) {
		if (e->header.decided == core->decided)
			m->have[i] = core->member[i].lane.frontier + e->have[i];
		else if (e->header.decided == 0)
			m->have[i] = e->have[i];
		else if (done->slot == e->header.decided)
			m->have[i] = done->frontier[i] + e->have[i];
		else
			m->have[i] = ~0u;
	}
}

static void take_states(struct cpc_core *core, struct cpc_member *m)
{
	const struct cpc_element *e = &core->element;
	unsigned int i, at;

	for (i = 0; i < e->records; i++) {
		at = e->record[i].slot % CPC_OPEN_MAX;
		if (!cpc_live(core, e->record[i].slot))
			continue;
		m->state_slot[at] = e->record[i].slot;
		m->state[at] = e->record[i].state;
	}
}

/* How it came, and whether it says anything new. */
static bool take_way(struct cpc_core *core, const struct cpc_event *event)
{
	const struct cpc_element *e = &core->element;
	struct cpc_member *m = &core->member[e->header.sender];
	size_t end;
	bool changed;
	u64 said;

	if (!m->heard ||
	    core->now_us - m->heard_us >= cpc_patience_us(core, e->header.sender))
		m->since_us = core->now_us;
	m->through = event->element.relayed;
	if (!event->element.relayed)
		m->direct_us = core->now_us;
	m->hears = e->hears;
	m->len = (u16)(event->element.len + cpc_element_trailer(core->config.n));
	/* Neither the counter nor whom it hears is news, nor is the payload's absence. */
	end = event->element.len - e->items.left;
	if (e->header.flags & CPC_ELEMENT_HEARD)
		end -= (core->config.n + 7) / 8;
	said = checksum(event->element.data + AFTER_COUNTER, end - AFTER_COUNTER);
	changed = said != m->said || e->items.left;
	m->said = said;
	return changed;
}

/* Is it for us to send again? What waited for that goes as the newest that says the same. */
static void consider_relay(struct cpc_core *core, const struct cpc_event *event, bool changed)
{
	unsigned int sender = core->element.header.sender;
	struct cpc_member *m = &core->member[sender];
	u64 from = event->element.relayed ? cpc_bit(event->element.relayer) : 0;
	bool wanted = cpc_relay_wanted(core, sender, from);

	m->relay = wanted || (m->relay && !changed);
	m->news = changed ? wanted : m->news && m->relay;
}

int cpc_receive(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx)
{
	struct cpc_element *e = &core->element;
	struct cpc_member *m;
	unsigned int i;
	bool changed;
	u64 content;

	if (cpc_element_decode(event->element.data, event->element.len, core->config.n, e) ||
	    !well_formed(core, e->items))
		return -EBADMSG;
	if (e->header.cell != core->config.cell || e->header.epoch != core->config.epoch ||
	    e->header.sender == core->config.self ||
	    (event->element.relayed && event->element.relayer >= core->config.n))
		return -EPERM;
	m = &core->member[e->header.sender];
	content = checksum(event->element.data, event->element.len);
	if (m->heard && e->header.counter <= m->counter) {
		fx->evidence = e->header.counter == m->counter && content != m->content;
		fx->evidence_member = e->header.sender;
		fx->evidence_counter = e->header.counter;
		return -ESTALE;
	}
	changed = take_way(core, event);
	m->heard = true;
	m->heard_us = core->now_us;
	m->counter = e->header.counter;
	m->content = content;
	if (e->header.decided > m->decided)
		m->decided = e->header.decided;
	cpc_claim_note(core, e->header.sender, e->header.decided, e->header.log_hash);
	take_have(core, m);
	take_states(core, m);
	for (i = 0; i < e->answers; i++)
		cpc_condition_answer(core, e->header.sender, &e->answer[i]);
	take_items(core, fx);
	consider_relay(core, event, changed);
	if (cpc_answer_wanted(core, e->header.sender))
		core->asked_us = core->now_us;
	return 0;
}
