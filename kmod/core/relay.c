// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * relay.c - members that do not hear each other: who sends whose element again.
 *
 *      A ))) B ))) C ))) D        A's element says: I hear B.      B's: A, C.   C's: B, D.
 *
 *      B's frame:   | A's newest element, as it came | B's own element |
 *      C's frame:   | A's | B's | C's own |
 *
 * An element carries a tag for every member, so it proves itself whoever sends it. What a member
 * sends again goes in front of its own element, in a frame that leaves anyway: behind a carrier's
 * payload too. That costs the air less than a frame would, and obeys every pace there is.
 *
 * Who needs it: each element says whom its sender hears himself, not through others ("heard", only
 * when someone is missing: in a cell where all hear all it takes no byte). If k does not hear j,
 * then one of those helps that k does hear:
 *
 *   odd counters    one of the nearest to j, by distances that follow from what all say they hear;
 *                   unless j's element came to us from somebody whom k hears: then k has it
 *   even counters   any that has it other than through k. Who lies that it is near and does not
 *                   help would shut k out otherwise
 *
 * Among equals lots are drawn by the counter. All come to the same result without a word, so one
 * helps at a time, and a faulty one that does not costs k only its share of the elements: the next
 * one says all again. Over several hops the same rule applies at each.
 *
 * No loops, no storms: a member decides once per element, when it arrives new, and sends it again
 * once at most; what it has had, by counter, is not new. So an element of j leaves at most n - 1
 * times beside its author's, by each other member once, and only by those on whom a lot fell; a
 * liar about whom it hears can cause no more than that. With all hearing all, nobody sends again.
 * And only an element that says something new is worth a frame of its own. Every such frame holds
 * a new element of its sender too: were that worth one, two members could keep each other talking.
 *
 * Safety is untouched: relaying changes when an authentic element arrives, which no rule depends
 * on. What a relayer can do is what the air does: lose, delay, repeat. The same bytes twice are
 * a replay and no evidence; a member that gave two contents to two members is found out by it.
 *
 * A member may be missed for other reasons than distance. One that has just begun to speak gets a
 * moment: k's word counts once it is younger than our first reception of j.
 */
#include <cpchain/core_parts.h>

enum relay_bounds {
	/* A frame may wait so long for the air between being made and being heard. */
	MADE_BEFORE_US = 20000,
	OTHERS_STATE = 40,	/* another member's state may be so much longer than ours */
	HOPS_MAX = 8,		/* more do not lengthen the waits */
};

static u64 everyone(const struct cpc_core *core)
{
	return ~(u64)0 >> (64 - core->config.n);
}

u64 cpc_hears(const struct cpc_core *core)
{
	u64 heard = cpc_bit(core->config.self);
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		if (core->now_us - core->member[i].direct_us < cpc_silence_us(core))
			heard |= cpc_bit(i);
	return heard;
}

bool cpc_hears_all(const struct cpc_core *core, u64 hears)
{
	return hears == everyone(core);
}

/* Those whose elements we get, by whatever way. */
static u64 present(const struct cpc_core *core)
{
	u64 set = cpc_bit(core->config.self);
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		if (core->member[i].heard &&
		    core->now_us - core->member[i].heard_us < cpc_patience_us(core, i))
			set |= cpc_bit(i);
	return set;
}

static u64 hears_of(const struct cpc_core *core, unsigned int member, u64 own)
{
	return member == core->config.self ? own : core->member[member].hears;
}

/* Those of @set whom @member does not hear, as far as his word is young enough to count. */
static u64 misses(const struct cpc_core *core, unsigned int member, u64 set)
{
	const struct cpc_member *m = &core->member[member];
	u64 missing = set & ~m->hears & ~cpc_bit(member);
	unsigned int i;

	for (i = 0; missing >> i; i++) {
		u64 began_us = i == core->config.self ? core->spoke_us : core->member[i].since_us;

		if (m->heard_us <= began_us + MADE_BEFORE_US)
			missing &= ~cpc_bit(i);
		if (i == CPC_MEMBERS_MAX - 1)
			break;
	}
	return missing;
}

/* Those in @reach and those that one of them hears: one ring further out. */
static u64 heard_from(const struct cpc_core *core, u64 reach, u64 here, u64 own)
{
	unsigned int i;
	u64 next = reach;

	for (i = 0; i < core->config.n; i++)
		if (reach >> i & 1)
			next |= hears_of(core, i, own) & here;
	return next;
}

u8 cpc_hops(const struct cpc_core *core)
{
	u64 here = present(core), own = cpc_hears(core), reach = cpc_bit(core->config.self), next;
	bool far_apart = here & ~own;
	unsigned int i;
	u8 hops = 1;

	for (i = 0; i < core->config.n && !far_apart; i++)
		far_apart = i != core->config.self && here >> i & 1 && misses(core, i, here);
	if (!far_apart)
		return 1;
	/* As many as to the farthest of us; others may be one further from each other. */
	while (hops < HOPS_MAX && (next = heard_from(core, reach, here, own)) != reach) {
		reach = next;
		hops++;
	}
	return hops;
}

bool cpc_hidden(const struct cpc_core *core)
{
	u64 here = present(core), self = cpc_bit(core->config.self);
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		if (i != core->config.self && here >> i & 1 && misses(core, i, self))
			return true;
	return false;
}

/* Any order will do that is the same for all and another one for each element. */
static u32 lot(u32 counter, unsigned int author, unsigned int member)
{
	u32 x = counter * 0x9e3779b1u ^ (author + 1) * 0xc2b2ae35u ^ (member + 1) * 0x85ebca6bu;

	x = (x ^ x >> 15) * 0x2c1b3c6du;
	x = (x ^ x >> 12) * 0x297a2d39u;
	return x ^ x >> 15;
}

static unsigned int draw(u64 candidates, unsigned int author, u32 counter)
{
	unsigned int i, best = CPC_MEMBERS_MAX;

	for (i = 0; i < CPC_MEMBERS_MAX; i++)
		if (candidates >> i & 1 &&
		    (best == CPC_MEMBERS_MAX || lot(counter, author, i) <
							lot(counter, author, best)))
			best = i;
	return best;
}

/* Members that hear us, do not hear @author, and have not said so too early. */
static u64 in_need(const struct cpc_core *core, unsigned int author)
{
	unsigned int i;
	u64 set = 0;

	for (i = 0; i < core->config.n; i++) {
		const struct cpc_member *m = &core->member[i];

		if (i != author && i != core->config.self && cpc_active(core, i) &&
		    m->hears & cpc_bit(core->config.self) && misses(core, i, cpc_bit(author)))
			set |= cpc_bit(i);
	}
	return set;
}

/* Those in @reach and those that hear one of them: one ring further on. */
static u64 next_ring(const struct cpc_core *core, u64 reach, u64 here, u64 own)
{
	unsigned int i;
	u64 next = reach;

	for (i = 0; i < core->config.n; i++)
		if (here >> i & 1 && hears_of(core, i, own) & reach)
			next |= cpc_bit(i);
	return next;
}

/* Those in @reach who could send @author's element again to @member. */
static u64 helpers(const struct cpc_core *core, unsigned int author, unsigned int member, u64 reach)
{
	return core->member[member].hears & reach & ~cpc_bit(author) & ~cpc_bit(member);
}

/* In rings around the author; each member in need is served from the first that it hears. */
static bool drawn_nearest(const struct cpc_core *core, unsigned int author, u64 here, u64 own,
			  u64 need)
{
	u32 counter = core->member[author].counter;
	u64 reach = cpc_bit(author), next, candidates;
	unsigned int i;

	while (need && (next = next_ring(core, reach, here, own)) != reach) {
		reach = next;
		for (i = 0; i < core->config.n; i++) {
			candidates = need >> i & 1 ? helpers(core, author, i, reach) : 0;
			if (!candidates)
				continue;
			if (draw(candidates, author, counter) == core->config.self)
				return true;
			need &= ~cpc_bit(i);
		}
	}
	return false;
}

/* Anybody that has it other than through the member in need. */
static bool drawn_any(const struct cpc_core *core, unsigned int author, u64 here, u64 own,
		      u64 need)
{
	u32 counter = core->member[author].counter;
	u64 reach, next, candidates;
	unsigned int i;

	for (i = 0; i < core->config.n; i++) {
		if (!(need >> i & 1))
			continue;
		reach = cpc_bit(author);
		while ((next = next_ring(core, reach, here & ~cpc_bit(i), own)) != reach)
			reach = next;
		candidates = helpers(core, author, i, reach);
		if (candidates && draw(candidates, author, counter) == core->config.self)
			return true;
	}
	return false;
}

bool cpc_relay_wanted(const struct cpc_core *core, unsigned int author, u64 served_by)
{
	u64 need = in_need(core, author), here, own;
	bool nearest = core->member[author].counter % 2;
	unsigned int i;

	cpc_assert(author < core->config.n && author != core->config.self);
	for (i = 0; nearest && i < core->config.n; i++)
		if (core->member[i].hears & served_by)
			need &= ~cpc_bit(i);
	if (!need)
		return false;
	here = present(core);
	own = cpc_hears(core);
	return nearest ? drawn_nearest(core, author, here, own, need) :
			 drawn_any(core, author, here, own, need);
}

bool cpc_relay_due(const struct cpc_core *core)
{
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		if (core->member[i].relay && core->member[i].news)
			return true;
	return false;
}

bool cpc_relay_first(const struct cpc_core *core)
{
	return lot(core->counter, core->config.self, CPC_MEMBERS_MAX) & 1;
}

/* Those with @news or without. Where to begin is a lot: members' counters tend to keep step. */
static size_t pick(struct cpc_core *core, size_t room, bool news, struct cpc_effects *fx)
{
	unsigned int i, n = core->config.n, first = lot(core->counter, core->config.self, 0) % n;
	size_t used = 0;

	for (i = 0; i < n && cpc_count_bits(fx->relay) < CPC_RELAYS_MAX; i++) {
		unsigned int at = (first + i) % n;
		struct cpc_member *m = &core->member[at];

		if (!m->relay || m->news != news || m->len > room - used)
			continue;
		cpc_assert(at != core->config.self);
		m->relay = false;
		m->news = false;
		used += m->len;
		fx->relay |= cpc_bit(at);
	}
	return used;
}

size_t cpc_relay_pick(struct cpc_core *core, size_t room, struct cpc_effects *fx)
{
	size_t used = pick(core, room, true, fx);

	used += pick(core, room - used, false, fx);
	fx->relay_bytes += used;
	return used;
}

size_t cpc_relay_share(const struct cpc_core *core, size_t room, size_t state_len)
{
	size_t beside = state_len + cpc_element_trailer(core->config.n) + OTHERS_STATE;

	/* One in four goes without the limit: an entry may be larger than what is left. */
	if (!cpc_hidden(core) ||
	    lot(core->counter, core->config.self, CPC_MEMBERS_MAX + 1) % 4 == 0)
		return room;
	return room > beside + state_len ? room - beside : state_len;
}
