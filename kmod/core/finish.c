// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * finish.c - from a decided value to the log, and what helps those who are behind.
 *
 *   value decided --> cut known? --> all bodies held? --> finished: log hash, next slot
 *        ^                                                   |
 *        '-- votes (slot.c), or claims: f+1 members, or a    '--> claimed in every element
 *            quorum of claims and votes together
 *
 * A claim is (slot, log hash after it). One by a correct member is the truth, so f+1 equal ones
 * are. A claim also stands for its member's vote 4: a correct one makes the value decided, a
 * faulty member's claim is worth no more than the vote it could have cast.
 *
 * Slots up to `settled` are finished at a quorum, hence at f+1 correct members, whose claims for
 * them can be had for as long as they are in their ring; beyond it the agent fetches the log.
 */
#include <cpchain/core_parts.h>

void cpc_log_hash_next(const struct cpc_config *config, u8 *scratch, const struct cpc_hash *before,
		       u32 slot, u32 end, const struct cpc_digest *value, const u32 *seq,
		       const struct cpc_digest *head, struct cpc_hash *ret_after)
{
	struct cpc_writer w = cpc_writer_init(scratch, CPC_LOG_HASH_INPUT_MAX);
	unsigned int i;

	cpc_write_u8(&w, 'L');
	cpc_write_bytes(&w, before->b, sizeof(before->b));
	cpc_write_le32(&w, slot);
	cpc_write_bytes(&w, value->b, sizeof(value->b));
	for (i = 0; i < config->n; i++) {
		cpc_write_le32(&w, seq[i]);
		cpc_write_bytes(&w, head[i].b, sizeof(head[i].b));
	}
	if (end)
		cpc_write_le32(&w, end);
	cpc_assert(!w.failed);
	config->hash(scratch, w.used, ret_after->b);
}

void cpc_claim_note(struct cpc_core *core, unsigned int member, u32 slot, const u8 log_hash[8])
{
	struct cpc_member *m = &core->member[member];
	unsigned int i;

	if (!slot)
		return;
	for (i = 0; i < CPC_CLAIMS; i++)
		if (m->claim[i].slot == slot &&
		    memcmp(m->claim[i].log_hash, log_hash, sizeof(m->claim[i].log_hash)) == 0)
			return;
	i = m->claims_used++ % CPC_CLAIMS;
	m->claim[i].slot = slot;
	memcpy(m->claim[i].log_hash, log_hash, sizeof(m->claim[i].log_hash));
}

/* The members, by bit, that claim this log hash after this slot. */
static u64 claimers(const struct cpc_core *core, u32 slot, const u8 *log_hash)
{
	unsigned int i, k;
	u64 set = 0;

	for (i = 0; i < core->config.n; i++)
		for (k = 0; k < CPC_CLAIMS; k++) {
			const struct cpc_claim *c = &core->member[i].claim[k];

			if (c->slot == slot && memcmp(c->log_hash, log_hash, 8) == 0)
				set |= cpc_bit(i);
		}
	return set;
}

static bool anyone_claims(const struct cpc_core *core, u32 slot)
{
	unsigned int i, k;

	for (i = 0; i < core->config.n; i++)
		for (k = 0; k < CPC_CLAIMS; k++)
			if (core->member[i].claim[k].slot == slot)
				return true;
	return false;
}

/* The log hash if @cut were what the next slot decides. */
static void hash_after(struct cpc_core *core, const struct cpc_cut *cut,
		       const struct cpc_digest *digest, struct cpc_hash *ret_after)
{
	const struct cpc_digest *value = &core->parent;
	struct cpc_digest parent;
	u32 end = core->end;

	cpc_assert(cut->slot == core->decided + 1);
	if (cpc_base_of(core, cut->slot, &parent) && cpc_digest_equal(&parent, &cut->parent)) {
		end = cpc_base_apply(core, cut);
		value = digest;
	}
	cpc_log_hash_next(&core->config, core->scratch, &core->log_hash, cut->slot, end, value,
			  core->base_seq, core->base_head, ret_after);
}

unsigned int cpc_cut_claimed(struct cpc_core *core, const struct cpc_cut *cut,
			     const struct cpc_digest *digest)
{
	struct cpc_hash after;
	u64 members;

	if (cut->slot <= core->decided || !anyone_claims(core, cut->slot))
		return 0;
	if (cut->slot > core->decided + 1)
		return 1;
	hash_after(core, cut, digest, &after);
	members = claimers(core, cut->slot, after.b);
	if (cpc_count_bits(members) >= cpc_blocking(core->config.n))
		return 3;
	return members ? 2 : 0;
}

static bool decided_with_claims(const struct cpc_council *c, const struct cpc_digest *value,
				u64 claims)
{
	unsigned int i;

	if (cpc_count_bits(claims) >= cpc_blocking(c->n))
		return true;
	for (i = 0; i < c->n && claims; i++) {
		const struct cpc_state *s = c->state[i];
		u64 voters;

		if (!s)
			continue;
		voters = cpc_voters(c, CPC_PHASE_4, s->view, value);
		if (cpc_count_bits(voters | claims) >= cpc_quorum(c->n))
			return true;
		if (!s->high[CPC_PHASE_4].set)
			continue;
		voters = cpc_voters(c, CPC_PHASE_4, s->high[CPC_PHASE_4].view, value);
		if (cpc_count_bits(voters | claims) >= cpc_quorum(c->n))
			return true;
	}
	return false;
}

static void decide_by_claims(struct cpc_core *core, struct cpc_slot *slot)
{
	struct cpc_council council;
	unsigned int i;

	if (!anyone_claims(core, slot->number))
		return;
	cpc_council_of(core, slot, &council);
	for (i = 0; i < CPC_CUTS_KNOWN && !slot->decided; i++) {
		const struct cpc_known_cut *known = &slot->cut[i];
		struct cpc_hash after;

		if (!known->used)
			continue;
		hash_after(core, &known->cut, &known->digest, &after);
		if (!decided_with_claims(&council, &known->digest,
					 claimers(core, slot->number, after.b)))
			continue;
		slot->decided = true;
		slot->started_us = 0;
		slot->value = known->digest;
	}
}

/* Are all bodies here? If not, makes room for the right ones. */
static bool bodies_held(struct cpc_core *core, const struct cpc_cut *cut)
{
	unsigned int i;
	bool held = true;

	for (i = 0; i < cut->lanes; i++) {
		const struct cpc_cut_lane *c = &cut->lane[i];
		struct cpc_lane *lane = &core->member[c->lane].lane;

		if (c->seq <= lane->frontier || c->seq - lane->frontier > CPC_LANE_WINDOW)
			continue;
		if (cpc_lane_holds(lane, c->seq, &c->head))
			continue;
		cpc_lane_prune(lane, c->seq, &c->head);
		held = false;
	}
	return held;
}

static void advance_lanes(struct cpc_core *core, const struct cpc_cut *cut,
			  struct cpc_decision *decision)
{
	unsigned int i;

	for (i = 0; i < cut->lanes; i++) {
		const struct cpc_cut_lane *c = &cut->lane[i];
		struct cpc_lane *lane = &core->member[c->lane].lane;

		if (c->seq <= lane->frontier || c->seq - lane->frontier > CPC_LANE_WINDOW)
			continue;
		decision->lane[decision->lanes++] = (struct cpc_decided_lane){
			.lane = c->lane,
			.accepted = c->accepted,
			.from = lane->frontier + 1,
			.seq = c->seq,
			.head = c->head,
		};
		cpc_lane_advance(lane, c->seq, &c->head);
		if (c->accepted & CPC_ACCEPTED_CHANGE && !core->end)
			core->end = cut->slot + CPC_CHANGE_DELAY;
		core->member[c->lane].accusers = 0;
	}
}

static void keep_done(struct cpc_core *core, const struct cpc_known_cut *known)
{
	struct cpc_done *done = &core->done[core->decided % CPC_DECIDED_RING];
	unsigned int i;

	done->slot = core->decided;
	done->cut = *known;
	done->log_hash = core->log_hash;
	done->claim_us = 0;
	for (i = 0; i < core->config.n; i++)
		done->frontier[i] = core->member[i].lane.frontier;
}

bool cpc_finish(struct cpc_core *core, struct cpc_effects *fx)
{
	struct cpc_slot *slot = cpc_live(core, core->decided + 1);
	struct cpc_decision *decision = &fx->decision[fx->decisions];
	struct cpc_known_cut *known;
	unsigned int i;

	if (!slot || fx->decisions == CPC_OPEN_MAX || cpc_ended(core))
		return false;
	if (!slot->decided)
		decide_by_claims(core, slot);
	known = slot->decided ? cpc_cut_find(slot, &slot->value) : NULL;
	if (!known)
		return false;
	decision->is_void = !cpc_digest_equal(&known->cut.parent, &core->parent);
	if (!decision->is_void && !bodies_held(core, &known->cut))
		return false;
	if (!decision->is_void) {
		advance_lanes(core, &known->cut, decision);
		core->parent = slot->value;
	}
	for (i = 0; i < core->config.n; i++) {
		core->base_seq[i] = core->member[i].lane.frontier;
		core->base_head[i] = core->member[i].lane.frontier_head;
	}
	cpc_log_hash_next(&core->config, core->scratch, &core->log_hash, slot->number, core->end,
			  &core->parent, core->base_seq, core->base_head, &decision->log_hash);
	decision->slot = slot->number;
	decision->value = core->parent;
	core->decided = slot->number;
	core->log_hash = decision->log_hash;
	keep_done(core, known);
	for (i = 0; i < core->config.n; i++)
		cpc_condition_update(core, i, fx);
	fx->decisions++;
	return true;
}

bool cpc_settle(struct cpc_core *core)
{
	unsigned int i, members = 1;

	if (core->settled == core->decided)
		return false;
	for (i = 0; i < core->config.n; i++)
		members += i != core->config.self && core->member[i].heard &&
			   core->member[i].decided > core->settled;
	if (members < cpc_quorum(core->config.n))
		return false;
	core->settled++;
	cpc_slot_reset(&core->slot[core->settled % CPC_OPEN_MAX], core->settled + CPC_OPEN_MAX);
	return true;
}

/* The furthest state ahead of us that f+1 members claim. */
static bool best_claim(const struct cpc_core *core, struct cpc_claim *ret_claim)
{
	unsigned int i, k;
	bool found = false;

	for (i = 0; i < core->config.n; i++)
		for (k = 0; k < CPC_CLAIMS; k++) {
			const struct cpc_claim *c = &core->member[i].claim[k];

			if (c->slot <= core->decided || (found && c->slot <= ret_claim->slot))
				continue;
			if (cpc_count_bits(claimers(core, c->slot, c->log_hash)) <
			    cpc_blocking(core->config.n))
				continue;
			*ret_claim = *c;
			found = true;
		}
	return found;
}

void cpc_behind_check(struct cpc_core *core, struct cpc_effects *fx)
{
	struct cpc_claim claim;
	u64 patience_us = 20 * (u64)core->config.period_us;

	if (fx->decisions)
		core->behind_us = 0;
	if (core->now_us < core->look_us)
		return;
	core->look_us = core->now_us + core->config.period_us / 4;
	if (!best_claim(core, &claim)) {
		core->behind_us = 0;
		return;
	}
	if (!core->behind_us)
		core->behind_us = core->now_us;
	/* A short gap heals from the others' elements; a long one is for the agent at once. */
	if (claim.slot - core->decided < CPC_DECIDED_RING / 2 &&
	    core->now_us - core->behind_us < patience_us)
		return;
	if (core->told_us && core->now_us - core->told_us < patience_us / 2)
		return;
	core->told_us = core->now_us;
	core->told[core->told_used++ % CPC_CLAIMS] = claim;
	fx->behind = true;
	fx->behind_claim = claim;
}

static bool was_told(const struct cpc_core *core, u32 slot, const struct cpc_hash *log_hash)
{
	unsigned int i;

	for (i = 0; i < CPC_CLAIMS; i++)
		if (core->told[i].slot == slot &&
		    memcmp(core->told[i].log_hash, log_hash->b, 8) == 0)
			return true;
	return cpc_count_bits(claimers(core, slot, log_hash->b)) >= cpc_blocking(core->config.n);
}

static void jump(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx)
{
	u32 slot = event->install.slot, s;
	unsigned int i;

	for (i = 0; i < core->config.n; i++)
		cpc_lane_jump(&core->member[i].lane, event->install.seq[i],
			      &event->install.head[i]);
	core->decided = slot;
	core->parent = event->install.value;
	/* f+1 members are that far, so a quorum has finished what is four slots older. */
	if (slot > CPC_OPEN_MAX && core->settled < slot - CPC_OPEN_MAX)
		core->settled = slot - CPC_OPEN_MAX;
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		struct cpc_slot *live = &core->slot[s % CPC_OPEN_MAX];

		/* Votes in slots that are still live stay: forgetting them would be a lie. */
		if (live->number != s)
			cpc_slot_reset(live, s);
		/* Jumped over: what was decided there is not known here, nothing is to wait for. */
		if (s <= slot) {
			live->started_us = 0;
			live->gathered_us = 0;
		}
	}
	for (i = 0; i < core->config.n; i++)
		cpc_condition_update(core, i, fx);
}

int cpc_install(struct cpc_core *core, const struct cpc_event *event, struct cpc_effects *fx)
{
	struct cpc_hash after;
	unsigned int i;

	if (event->install.slot <= core->decided)
		return -EALREADY;
	if (event->install.end && event->install.slot > event->install.end)
		return -EINVAL;
	for (i = 0; i < core->config.n; i++)
		if (event->install.seq[i] < core->member[i].lane.frontier)
			return -EINVAL;
	cpc_log_hash_next(&core->config, core->scratch, &event->install.prev_log_hash,
			  event->install.slot, event->install.end, &event->install.value,
			  event->install.seq, event->install.head, &after);
	if (!was_told(core, event->install.slot, &after))
		return -EPERM;
	core->end = event->install.end;
	jump(core, event, fx);
	core->log_hash = after;
	core->behind_us = 0;
	core->dirty = true;
	return 0;
}
