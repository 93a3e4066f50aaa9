// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * condition.c - conditional entries: what must not happen against a member's will.
 *
 * Per lane at most one is open: the first undecided conditional entry of the unbroken chain. Every
 * member says yes or no to it once, in its elements, naming the entry's hash, so that a word given
 * on one content is not counted for another. A leader covers it as accepted when enough said yes,
 * as rejected when that has become impossible or has taken too long; until then it leaves the lane
 * at the entry before, which holds up nobody else's lane.
 *
 * A word is never taken back, though a faulty author may replace an entry by another and bring
 * the first one back: our last word on a lane is kept, and given again on the same content. On any
 * other content up to that place in the lane we say nothing, which is never a contradiction.
 *
 * With each word goes a reason, which no rule looks at: it is for who wants to know why.
 */
#include <cpchain/core_parts.h>

/* How long a leader waits for words before it proposes to reject. */
static u64 patience_us(const struct cpc_core *core)
{
	u64 us = 10 * (u64)core->config.period_us;

	return us < 1000000 ? 1000000 : us;
}

static bool note(struct cpc_condition *c, unsigned int member, u8 verdict, u8 why)
{
	if ((c->yes | c->no) & cpc_bit(member))
		return false;
	if (verdict == CPC_VERDICT_YES)
		c->yes |= cpc_bit(member);
	else
		c->no |= cpc_bit(member);
	c->why[member] = why;
	return true;
}

static bool speak(struct cpc_member *m, unsigned int self, u8 verdict, u8 why)
{
	struct cpc_condition *c = &m->condition;

	if (c->mute || !note(c, self, verdict, why))
		return false;
	m->word = (struct cpc_word){ c->seq, c->head, verdict, why };
	return true;
}

/* What we said on it before, or nothing where we said something else. */
static bool remembered(struct cpc_member *m, unsigned int self)
{
	struct cpc_condition *c = &m->condition;

	if (c->seq > m->word.seq)
		return false;
	if (c->seq == m->word.seq && cpc_digest_equal(&c->head, &m->word.head))
		note(c, self, m->word.verdict, m->word.why);
	else
		c->mute = true;
	return true;
}

static void open_condition(struct cpc_core *core, unsigned int lane,
			   const struct cpc_held_entry *entry, struct cpc_effects *fx)
{
	struct cpc_condition *c = &core->member[lane].condition;

	if (c->kind == entry->kind && c->seq == entry->seq &&
	    cpc_digest_equal(&c->head, &entry->hash))
		return;
	memset(c, 0, sizeof(*c));
	c->kind = entry->kind;
	c->seq = entry->seq;
	c->head = entry->hash;
	c->since_us = core->now_us;
	if (lane == core->config.self)
		note(c, lane, CPC_VERDICT_YES, CPC_REASON_OWN);	/* its author wants it */
	else if (!remembered(&core->member[lane], core->config.self))
		fx->questions |= cpc_bit(lane);
}

/* What was said stays to be seen when it is decided. */
static void close_condition(struct cpc_member *m)
{
	if (m->condition.kind == CPC_ENTRY_ORDINARY || m->condition.seq > m->lane.frontier)
		return;
	m->decided_condition = m->condition;
	m->condition.kind = CPC_ENTRY_ORDINARY;
}

void cpc_condition_update(struct cpc_core *core, unsigned int lane, struct cpc_effects *fx)
{
	const struct cpc_lane *l = &core->member[lane].lane;
	u32 seq, vouched = cpc_lane_vouched(l);

	cpc_assert(lane < core->config.n);
	close_condition(&core->member[lane]);
	for (seq = l->frontier + 1; seq <= vouched; seq++) {
		const struct cpc_held_entry *entry = cpc_lane_get(l, seq);

		if (entry->kind == CPC_ENTRY_ORDINARY)
			continue;
		open_condition(core, lane, entry, fx);
		return;
	}
	core->member[lane].condition.kind = CPC_ENTRY_ORDINARY;
	fx->questions &= ~cpc_bit(lane);	/* asked and decided within one step */
}

bool cpc_condition_met(const struct cpc_core *core, const struct cpc_condition *c)
{
	unsigned int n = core->config.n, need = c->kind == CPC_ENTRY_BY_ALL ? n : cpc_quorum(n);

	cpc_assert(!(c->yes & c->no));
	return c->kind != CPC_ENTRY_ORDINARY && cpc_count_bits(c->yes) >= need;
}

bool cpc_condition_lost(const struct cpc_core *core, const struct cpc_condition *c)
{
	unsigned int n = core->config.n, spare = c->kind == CPC_ENTRY_BY_ALL ? 0 : cpc_faulty(n);

	cpc_assert(!(c->yes & c->no));
	return cpc_count_bits(c->no) > spare || core->now_us - c->since_us >= patience_us(core);
}

static bool is_on(const struct cpc_condition *c, u32 seq, const struct cpc_digest *head)
{
	return c->kind != CPC_ENTRY_ORDINARY && c->seq == seq && cpc_digest_equal(&c->head, head);
}

void cpc_condition_answer(struct cpc_core *core, unsigned int member,
			  const struct cpc_answer *answer)
{
	struct cpc_member *author = &core->member[answer->lane];

	cpc_assert(answer->lane < core->config.n);
	if (is_on(&author->condition, answer->seq, &answer->head))
		note(&author->condition, member, answer->verdict, answer->why);
	else if (is_on(&author->decided_condition, answer->seq, &answer->head))
		note(&author->decided_condition, member, answer->verdict, answer->why);
}

int cpc_condition_verdict(struct cpc_core *core, const struct cpc_event *event)
{
	struct cpc_condition *c;

	if (event->verdict.verdict > CPC_VERDICT_YES || event->verdict.why >= CPC_WHY_MAX)
		return -EINVAL;
	if (event->verdict.lane >= core->config.n)
		return -ENOENT;
	c = &core->member[event->verdict.lane].condition;
	if (!is_on(c, event->verdict.seq, &event->verdict.head))
		return -ENOENT;
	if (!speak(&core->member[event->verdict.lane], core->config.self, event->verdict.verdict,
		   event->verdict.why))
		return -EALREADY;
	core->dirty = true;
	return 0;
}

u64 cpc_conditions_tick(struct cpc_core *core)
{
	u64 wake_us = CPC_NEVER_US, wait_us = 2 * (u64)core->config.period_us;
	unsigned int i;

	for (i = 0; i < core->config.n; i++) {
		struct cpc_condition *c = &core->member[i].condition;
		u64 at_us = c->since_us + patience_us(core);

		if (c->kind == CPC_ENTRY_ORDINARY)
			continue;
		if (core->now_us < at_us && at_us < wake_us)
			wake_us = at_us;
		/* On who is a member silence says nothing: that is for a quorum of words. */
		if ((c->yes | c->no) & cpc_bit(core->config.self) || c->mute ||
		    c->kind == CPC_ENTRY_CHANGE ||
		    core->config.default_verdict == CPC_VERDICT_NONE)
			continue;
		at_us = c->since_us + wait_us;
		if (core->now_us < at_us) {
			if (at_us < wake_us)
				wake_us = at_us;
			continue;
		}
		speak(&core->member[i], core->config.self, core->config.default_verdict,
		      CPC_REASON_DEFAULT);
		core->dirty = true;
	}
	return wake_us;
}
