// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * core.c - the door of the consensus core (see cpchain/core.h).
 */
#include <cpchain/core_parts.h>

size_t cpc_core_size(unsigned int n)
{
	return sizeof(struct cpc_core) + n * sizeof(struct cpc_member);
}

int cpc_core_init(struct cpc_core *core, const struct cpc_config *config, u64 now_us)
{
	u32 i;

	if (config->n < CPC_MEMBERS_FEW || config->n > CPC_MEMBERS_MAX ||
	    config->self >= config->n || config->pacing > CPC_PACING_URGENT ||
	    config->default_verdict > CPC_VERDICT_NONE || !config->hash ||
	    config->period_us < CPC_PERIOD_MIN_US || config->period_us > CPC_PERIOD_MAX_US ||
	    config->base > CPC_BASE_MAX)
		return -EINVAL;
	memset(core, 0, cpc_core_size(config->n));
	core->config = *config;
	core->now_us = now_us;
	core->dcc_us = now_us;
	core->hops = 1;
	/* Nobody is missed before there was time to hear him. */
	for (i = 0; i < config->n; i++)
		core->member[i].direct_us = now_us;
	core->log_hash = config->members;
	core->random = config->seed;
	core->settled = config->base;
	core->decided = config->base;
	for (i = config->base + 1; i <= config->base + CPC_OPEN_MAX; i++)
		cpc_slot_reset(&core->slot[i % CPC_OPEN_MAX], i);
	cpc_assert(core->carrier_gap_us == 0);
	return 0;
}

static int set(struct cpc_core *core, const struct cpc_event *event)
{
	if (event->set.pacing > CPC_PACING_URGENT ||
	    event->set.default_verdict > CPC_VERDICT_NONE ||
	    event->set.period_us < CPC_PERIOD_MIN_US || event->set.period_us > CPC_PERIOD_MAX_US)
		return -EINVAL;
	core->config.pacing = event->set.pacing;
	core->config.default_verdict = event->set.default_verdict;
	core->config.period_us = event->set.period_us;
	return 0;
}

static int take(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx)
{
	switch (event->type) {
	case CPC_EV_TICK:
		return 0;
	case CPC_EV_CARRIER:
		return cpc_emit(core, event, fx);
	case CPC_EV_ELEMENT:
		return cpc_receive(core, event, fx);
	case CPC_EV_SUBMIT:
		return cpc_submit(core, event, fx);
	case CPC_EV_VERDICT:
		return cpc_condition_verdict(core, event);
	case CPC_EV_INSTALL:
		return cpc_install(core, event, fx);
	case CPC_EV_SET:
		return set(core, event);
	}
	return -EINVAL;
}

int cpc_step(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *effects)
{
	int err;

	memset(effects, 0, sizeof(*effects));
	/* A clock that steps back must not wind timers back. */
	if (event->now_us > core->now_us)
		core->now_us = event->now_us;
	cpc_dcc_update(core, event->busy_permille);
	err = take(core, event, effects);
	core->hops = cpc_hops(core);
	/* An element about to leave shows what was; what it changes comes with the next event. */
	if (event->type != CPC_EV_CARRIER)
		cpc_progress(core, effects);
	cpc_behind_check(core, effects);
	cpc_pace(core, effects);
	return err;
}

const u8 *cpc_core_entry(const struct cpc_core *core, u8 lane, u32 seq, size_t *ret_len)
{
	const struct cpc_held_entry *e;

	if (lane >= core->config.n)
		return NULL;
	e = cpc_lane_get(&core->member[lane].lane, seq);
	if (!e)
		return NULL;
	*ret_len = e->len;
	return e->body;
}

static void check_lane(const struct cpc_core *core, const struct cpc_lane *lane)
{
	const struct cpc_digest *before = &lane->frontier_head;
	u32 seq;

	cpc_assert(lane->last >= lane->frontier);
	cpc_assert(lane->last - lane->frontier <= CPC_LANE_WINDOW);
	for (seq = lane->frontier + 1; seq <= lane->last; seq++) {
		const struct cpc_held_entry *e = cpc_lane_get(lane, seq);
		struct cpc_digest hash;

		cpc_assert(e != NULL);
		cpc_assert(cpc_digest_equal(&e->prev, before));
		cpc_entry_hash(core->config.hash, &core->config.members, e->body, e->len, &hash);
		cpc_assert(cpc_digest_equal(&hash, &e->hash));
		before = &e->hash;
	}
}

void cpc_core_check(const struct cpc_core *core)
{
	const struct cpc_done *done = &core->done[core->decided % CPC_DECIDED_RING];
	unsigned int i;
	u32 s;

	cpc_assert(core->settled <= core->decided && core->settled >= core->config.base);
	cpc_assert(!core->end || core->decided <= core->end);
	cpc_assert(core->decided - core->settled <= CPC_OPEN_MAX);
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		const struct cpc_slot *slot = &core->slot[s % CPC_OPEN_MAX];

		cpc_assert(slot->number == s);
		cpc_assert(cpc_state_sane(&slot->mine));
		/* Nobody votes where the epoch is over. */
		cpc_assert(!core->end || s <= core->end || (!slot->mine.view && !slot->mine.voted));
		cpc_assert(!slot->decided || s <= core->decided || !slot->started_us);
	}
	if (core->decided > core->config.base && done->slot == core->decided)
		cpc_assert(memcmp(&done->log_hash, &core->log_hash, sizeof(done->log_hash)) == 0);
	for (i = 0; i < core->config.n; i++)
		check_lane(core, &core->member[i].lane);
	cpc_assert(!core->member[core->config.self].lane.forked);
}
