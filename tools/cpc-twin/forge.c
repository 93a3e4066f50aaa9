// SPDX-License-Identifier: BSD-3-Clause
/* forge.c - the lies one by one; see lie.h for what each is good for. */
#include "tools/cpc-twin/forge.h"

#include "tools/common/random.h"

bool cpc_forge_chance(u64 *state, unsigned int percent)
{
	return cpc_random_next(state) % 100 < percent;
}

static bool leads(const struct cpc_lie *lie, u32 slot, u8 view)
{
	return ((u64)slot + view) % lie->n == lie->self;
}

/* With several modes at once each gets its slots: a leader cannot keep silent and propose. */
static bool applies(const struct cpc_lie *lie, u32 mode, u32 slot)
{
	const u32 by_slot = CPC_LIE_EQUIVOCATE | CPC_LIE_FROZEN | CPC_LIE_GARBAGE;
	u64 state = lie->seed + (slot / lie->n + 1) * 0x5851f42d4c957f2dull + mode;

	if (!(lie->modes & mode))
		return false;
	return !(lie->modes & ~mode & by_slot) || cpc_forge_chance(&state, 50);
}

static const struct cpc_known_cut *known_cut(const struct cpc_core *core, u32 slot,
					     const struct cpc_digest *digest)
{
	const struct cpc_slot *s = &core->slot[slot % CPC_OPEN_MAX];
	unsigned int i;

	for (i = 0; s->number == slot && i < CPC_CUTS_KNOWN; i++)
		if (s->cut[i].used && cpc_digest_equal(&s->cut[i].digest, digest))
			return &s->cut[i];
	return NULL;
}

/* ---- equivocate: another proposal for the second audience ----------------------------------- */

/* The cut with one lane less: as good as the other, and another value. */
static void make_other(struct cpc_lie *lie, u32 slot, u8 view, const struct cpc_cut *cut)
{
	const struct cpc_config *config = &lie->persona[1]->config;
	struct cpc_lie_other *other = &lie->other[slot % CPC_OPEN_MAX];
	unsigned int at = (unsigned int)(cpc_random_next(&lie->random) % cut->lanes);

	*other = (struct cpc_lie_other){ .slot = slot, .view = view, .cut = *cut };
	other->lock = cpc_forge_chance(&lie->random, 50);
	other->cut.lanes--;
	memmove(&other->cut.lane[at], &other->cut.lane[at + 1],
		(other->cut.lanes - at) * sizeof(other->cut.lane[0]));
	memset(&other->cut.lane[other->cut.lanes], 0, sizeof(other->cut.lane[0]));
	cpc_cut_digest(config->hash, &config->members, &other->cut, &other->digest);
}

static void propose_other(struct cpc_lie *lie, struct cpc_draft *d, struct cpc_slot_record *record)
{
	struct cpc_lie_other *other = &lie->other[record->slot % CPC_OPEN_MAX];
	struct cpc_state *s = &record->state;
	const struct cpc_known_cut *known;

	if (!cpc_voted(s, CPC_PHASE_1) || !leads(lie, record->slot, s->view))
		return;
	if (other->slot != record->slot || other->view != s->view) {
		known = known_cut(lie->persona[1], record->slot, &s->first);
		known = known ? known : known_cut(lie->persona[0], record->slot, &s->first);
		if (!known || !known->cut.lanes)
			return;
		make_other(lie, record->slot, s->view, &known->cut);
	}
	s->first = other->digest;
	if (other->lock) {
		s->voted = 0xf;
		s->later = other->digest;
	}
	cpc_draft_add_cut(d, &other->cut);
}

/* ---- fork: other entries of the same numbers ------------------------------------------------ */

static void fork_lane(struct cpc_lie *lie, struct cpc_draft *d)
{
	u8 items[CPC_ELEMENT_MAX];
	struct cpc_reader r = cpc_reader_init(items, d->items_len);
	struct cpc_entry entry;
	struct cpc_item item;

	memcpy(items, d->items, d->items_len);
	d->items_len = 0;
	while (cpc_element_item(&r, &item) > 0) {
		if (item.type == CPC_ITEM_ENTRY &&
		    cpc_entry_decode(item.data, item.len, lie->n, &entry) == 0 &&
		    entry.author == lie->self) {
			item.data = cpc_core_entry(lie->persona[1], entry.author, entry.seq,
						   &item.len);
			if (!item.data)
				continue;
		}
		cpc_draft_add(d, item.type, item.data, item.len);
	}
}

/* ---- frozen: votes that were never cast ----------------------------------------------------- */

/* A value that somebody may believe in: a known cut's, or one that nobody has ever seen. */
static struct cpc_digest some_value(struct cpc_lie *lie, u32 slot)
{
	const struct cpc_slot *s = &lie->persona[0]->slot[slot % CPC_OPEN_MAX];
	const struct cpc_known_cut *cut = &s->cut[cpc_random_next(&lie->random) % CPC_CUTS_KNOWN];
	struct cpc_digest value = { { 0xde, 0xad, (u8)slot } };

	if (s->number == slot && cut->used)
		return cut->digest;
	if (s->number == slot && cpc_voted(&s->mine, CPC_PHASE_1) &&
	    cpc_forge_chance(&lie->random, 60))
		return s->mine.first;
	return value;
}

static void claim_votes(struct cpc_lie *lie, u32 slot, struct cpc_state *s)
{
	struct cpc_state lied = *s;
	unsigned int p, tries;

	for (tries = 0; tries < 8; tries++) {
		memset(lied.high, 0, sizeof(lied.high));
		memset(lied.second, 0, sizeof(lied.second));
		for (p = 0; p < CPC_PHASES + 2; p++) {
			struct cpc_vote *vote = p < CPC_PHASES ? &lied.high[p] :
								 &lied.second[p - CPC_PHASES];

			vote->set = cpc_forge_chance(&lie->random, p < CPC_PHASES ? 75 : 30);
			vote->view = (u8)(cpc_random_next(&lie->random) % s->view);
			vote->value = some_value(lie, slot);
		}
		if (!cpc_state_sane(&lied))
			continue;
		*s = lied;
		return;
	}
}

static void lie_about_past(struct cpc_lie *lie, struct cpc_draft *d)
{
	unsigned int i = 0;

	while (i < d->e.records) {
		struct cpc_slot_record *record = &d->e.record[i];

		if (!applies(lie, CPC_LIE_FROZEN, record->slot)) {
			i++;
		} else if (record->state.view == 0 && leads(lie, record->slot, 0)) {
			/* No proposal, hence another view, hence a past to lie about. */
			cpc_draft_forget(d, record->slot);
		} else {
			if (record->state.view > 0)
				claim_votes(lie, record->slot, &record->state);
			i++;
		}
	}
}

/* ---- garbage: entries in others' names ------------------------------------------------------ */

/*
 * The next entry of @lane as nobody wrote it: the same to everybody for as long as that number is
 * not decided, so that it could pass for the author's.
 */
static size_t invent(const struct cpc_lie *lie, const struct cpc_core *core, unsigned int lane,
		     u8 body[CPC_BODY_MAX], struct cpc_cut_lane *ret_cut)
{
	const struct cpc_lane *l = &core->member[lane].lane;
	u64 data = lie->seed ^ (u64)l->frontier << 8 ^ lane;
	struct cpc_entry entry = {
		.author = (u8)lane,
		.seq = l->frontier + 1,
		.prev = l->frontier_head,
		.len = sizeof(data),
		.data = (const u8 *)&data,
	};
	int len = cpc_entry_encode(&entry, body, CPC_BODY_MAX);

	cpc_assert(len > 0);
	*ret_cut = (struct cpc_cut_lane){ .lane = (u8)lane, .seq = entry.seq };
	cpc_entry_hash(core->config.hash, &core->config.members, body, (size_t)len, &ret_cut->head);
	return (size_t)len;
}

/* An entry that its author did write, with one bit of it turned. */
static void distort(struct cpc_lie *lie, const struct cpc_core *core, unsigned int lane,
		    struct cpc_draft *d)
{
	const struct cpc_lane *l = &core->member[lane].lane;
	u8 body[CPC_BODY_MAX];
	size_t len;
	const u8 *held = cpc_core_entry(core, (u8)lane, l->last, &len);

	if (!held || l->last == l->frontier)
		return;
	memcpy(body, held, len);
	body[len - 1] ^= (u8)(1u << cpc_random_next(&lie->random) % 8);
	cpc_draft_add(d, CPC_ITEM_ENTRY, body, len);
}

/* As its leader: that slot's proposal is the cut @lane of what nobody wrote. */
static void propose_invention(const struct cpc_core *core, struct cpc_draft *d, u32 slot, u8 view,
			      const struct cpc_cut_lane *lane)
{
	struct cpc_state *s = cpc_draft_state(d, slot);
	struct cpc_cut cut = { .slot = slot, .parent = core->parent, .lanes = 1 };
	const struct cpc_known_cut *meant;
	struct cpc_digest digest;

	if (!s)
		return;
	meant = cpc_voted(s, CPC_PHASE_1) ? known_cut(core, slot, &s->first) : NULL;
	if (meant)
		cut.parent = meant->cut.parent;
	cut.lane[0] = *lane;
	if (!cpc_draft_add_cut(d, &cut))
		return;
	cpc_cut_digest(core->config.hash, &core->config.members, &cut, &digest);
	s->view = view;
	s->voted = 0xf;
	s->first = s->later = digest;
	if (!cpc_state_sane(s))
		*s = (struct cpc_state){ .voted = 0xf, .first = digest, .later = digest };
}

static void forge_bodies(struct cpc_lie *lie, const struct cpc_core *core, struct cpc_draft *d)
{
	u32 slot = core->decided + 1;
	unsigned int lane = (lie->self + 1 + slot % (lie->n - 1)) % lie->n;
	struct cpc_cut_lane cut;
	u8 body[CPC_BODY_MAX];
	size_t len;

	distort(lie, core, lane, d);
	len = invent(lie, core, lane, body, &cut);
	if (!cpc_draft_add(d, CPC_ITEM_ENTRY, body, len))
		return;
	for (; slot <= core->decided + CPC_OPEN_MAX; slot++) {
		const struct cpc_slot *s = &core->slot[slot % CPC_OPEN_MAX];

		if (s->number == slot && leads(lie, slot, s->mine.view) &&
		    applies(lie, CPC_LIE_GARBAGE, slot))
			propose_invention(core, d, slot, s->mine.view, &cut);
	}
}

/* ---- all together --------------------------------------------------------------------------- */

void cpc_forge(struct cpc_lie *lie, unsigned int persona)
{
	struct cpc_draft *d = &lie->draft[persona];
	const struct cpc_core *core = lie->persona[lie->modes & CPC_LIE_EQUIVOCATE ? persona : 0];
	unsigned int i;

	cpc_assert(persona < 2);
	for (i = 0; persona == 1 && i < d->e.records; i++)
		if (applies(lie, CPC_LIE_EQUIVOCATE, d->e.record[i].slot))
			propose_other(lie, d, &d->e.record[i]);
	if (persona == 1 && lie->modes & CPC_LIE_FORK)
		fork_lane(lie, d);
	if (lie->modes & CPC_LIE_FROZEN)
		lie_about_past(lie, d);
	if (lie->modes & CPC_LIE_GARBAGE)
		forge_bodies(lie, core, d);
}
