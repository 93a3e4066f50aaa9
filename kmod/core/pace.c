// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * pace.c - the pacemaker: how long to wait for a leader, and when to speak without a carrier.
 *
 *   carrier  never; states ride on what the V2X stack sends anyway
 *   early    after a change, 25 ms after the last element (the ETSI DCC floor, TS 102 687) unless a
 *            carrier is due by then; every 50 ms while a slot is open
 *   urgent   after a change, 1 ms after the last element; every 20 ms while a slot is open
 *
 * Members take turns to vote, by their distance from the leader: who hears enough votes before his
 * turn casts all of his in one frame, and frames do not collide. Who has nothing new to say waits
 * for as long as between two repetitions: else all would repeat themselves at what ends a silence,
 * together with those who have to answer it. Nobody repeats a decision to those who have what they
 * need to decide, as far as one can know.
 *
 * So it is on a quiet channel. On a busy one frames of our own are further apart (dcc.c), and the
 * waits below follow: carriers then bring what our frames would have brought.
 *
 * A view's time-out doubles with the view. A leader that has not been heard for a while gets a
 * short one: waiting for the dead is what costs most when a member fails. For one that was not
 * heard for long the short one doubles with every f+1 views only, as so many in a row may be dead.
 */
#include <cpchain/core_parts.h>

enum pace_us {
	EARLY_CARRIER_SLACK_US = 10000,
	TURN_US = 800,		/* the air time of a frame, and to make and to judge it */
	CROSSED_US = 2000,	/* an element this young may have been made before ours came */
	HOP_MIN_US = 500,	/* bounds of what a frame may be measured to take */
	HOP_MAX_US = 4000,
	SEND_RETRY_US = 5000,	/* the frame asked for did not come about */
	VIEW_DOUBLINGS = 6,
	EARLY_TIMEOUT = 8,	/* in messages */
	URGENT_TIMEOUT = 10,
	THROUGH_OTHERS = 3,	/* each hop loses some, and has others to send again as well */
};

static u64 later(u64 a, u64 b)
{
	return a > b ? a : b;
}

static u64 sooner(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* Between carriers, as configured or as measured if that is longer. */
static u64 carriers_us(const struct cpc_core *core)
{
	return later(core->config.period_us, sooner(core->carrier_gap_us, CPC_PERIOD_MAX_US));
}

/* The time one message takes at this pacing: what the waits below are multiples of. */
u64 cpc_message_us(const struct cpc_core *core)
{
	u64 us = cpc_dcc_gap_us(core, false);

	if (core->config.pacing == CPC_PACING_CARRIER)
		us = carriers_us(core);
	/* Held back frames come later than the next carrier, if there are any. */
	else if (core->dcc != CPC_DCC_RELAXED && core->carrier_us)
		us = sooner(us, carriers_us(core));
	return core->hops * us;
}

static u64 base_timeout_us(const struct cpc_core *core)
{
	return cpc_message_us(core) *
	       (core->config.pacing == CPC_PACING_URGENT ? URGENT_TIMEOUT : EARLY_TIMEOUT);
}

u64 cpc_timeout_us(const struct cpc_core *core, const struct cpc_slot *slot)
{
	unsigned int doublings = slot->mine.view < VIEW_DOUBLINGS ? slot->mine.view :
								    VIEW_DOUBLINGS;

	return base_timeout_us(core) << doublings;
}

/* Everybody is heard with the carriers at least; three missed ones in a row are a sign. */
u64 cpc_silence_us(const struct cpc_core *core)
{
	return 3 * (u64)core->config.period_us + core->config.period_us / 2;
}

u64 cpc_patience_us(const struct cpc_core *core, unsigned int member)
{
	cpc_assert(member < core->config.n);
	return cpc_silence_us(core) * (core->member[member].through ? THROUGH_OTHERS : 1);
}

u64 cpc_slot_deadline(const struct cpc_core *core, const struct cpc_slot *slot)
{
	unsigned int leader = cpc_leader(core, slot->number, slot->mine.view);
	unsigned int doublings = slot->mine.view;
	const struct cpc_member *m = &core->member[leader];
	u64 full_us = slot->started_us + cpc_timeout_us(core, slot), short_us;

	cpc_assert(slot->started_us);
	if (leader == core->config.self || cpc_voted(&slot->mine, CPC_PHASE_1))
		return full_us;
	/* Leaving the view of one who lives costs the others a time-out: only the dead pass so. */
	if (!cpc_active(core, leader))
		doublings /= cpc_blocking(core->config.n);
	doublings = doublings < 4 ? doublings : 4;
	short_us = slot->started_us + (cpc_message_us(core) << doublings);
	if (m->heard)
		short_us = later(short_us, m->heard_us + cpc_patience_us(core, leader));
	return sooner(full_us, short_us);
}

u64 cpc_gather_us(const struct cpc_core *core)
{
	return cpc_message_us(core) + cpc_message_us(core) / 2;
}

u64 cpc_retry_us(const struct cpc_core *core)
{
	return 2 * cpc_message_us(core) + cpc_message_us(core) / 2;
}

bool cpc_active(const struct cpc_core *core, unsigned int member)
{
	const struct cpc_member *m = &core->member[member];

	cpc_assert(member < core->config.n);
	return m->heard && core->now_us - m->heard_us <
				   later(10 * (u64)core->config.period_us, 1000000);
}

void cpc_pace_carrier(struct cpc_core *core)
{
	u64 gap_us = core->now_us - core->carrier_us;

	/* A smoothed gap, as TCP smooths its round trip (RFC 6298); long pauses say nothing. */
	if (core->carrier_us && gap_us < 10 * (u64)core->config.period_us)
		core->carrier_gap_us = core->carrier_gap_us ?
					       (7 * core->carrier_gap_us + gap_us) / 8 : gap_us;
	core->carrier_us = core->now_us;
}

/*
 * Has @member not decided a live slot that we have? What it said when the last votes were just on
 * the air does not show that: with those it decides, and if it got them nothing remains to be said.
 */
static bool left_behind(const struct cpc_core *core, unsigned int member, u32 slot)
{
	const struct cpc_done *done = &core->done[slot % CPC_DECIDED_RING];
	const struct cpc_member *m = &core->member[member];
	u64 done_us = done->slot == slot ? done->done_us : 0;
	u64 margin_us = core->hops == 1 ? later(CROSSED_US, core->hop_us) : cpc_message_us(core);

	cpc_assert(slot <= core->decided);
	return m->heard && m->decided < slot && cpc_active(core, member) &&
	       m->heard_us > done_us + margin_us;
}

/* Is there an undecided slot in which something happens, or somebody whom our word may help? */
static bool open_work(const struct cpc_core *core)
{
	unsigned int i;
	u32 s;

	/* No further slot will carry what somebody still lacks to this epoch's end. */
	for (i = 0; cpc_ended(core) && i < core->config.n; i++)
		if (i != core->config.self && core->member[i].decided < core->end &&
		    core->member[i].heard_us > core->sent_us && cpc_active(core, i))
			return true;
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		const struct cpc_slot *slot = &core->slot[s % CPC_OPEN_MAX];

		if (s > core->decided) {
			if (slot->wanted)
				return true;
			continue;
		}
		for (i = 0; i < core->config.n; i++)
			if (i != core->config.self && left_behind(core, i, s) &&
			    core->member[i].heard_us > core->sent_us)
				return true;
	}
	return false;
}

/*
 * A turn has to be as long as a frame takes, or members speak before they hear what makes their own
 * frame needless; and that is a matter of the computers as of the channel. So it is measured: the
 * first after the leader votes as soon as he has the proposal, so the others, who got that when he
 * did, hear his vote one frame later. Urgent members only: others wait for carriers as well.
 */
static void measure_hop(struct cpc_core *core)
{
	const struct cpc_slot *slot = &core->slot[(core->decided + 1) % CPC_OPEN_MAX];
	unsigned int n = core->config.n, leader = cpc_leader(core, slot->number, slot->mine.view);
	unsigned int first = (leader + 1) % n, at = slot->number % CPC_OPEN_MAX;
	const struct cpc_member *m = &core->member[first];
	u64 hop_us;

	if (core->config.pacing != CPC_PACING_URGENT || core->hops > 1 ||
	    first == core->config.self || leader == core->config.self ||
	    !cpc_voted(&slot->mine, CPC_PHASE_1))
		return;
	if (core->hop_slot != slot->number) {
		core->hop_slot = slot->number;
		core->hop_from_us = core->now_us;
	}
	if (!core->hop_from_us || m->state_slot[at] != slot->number ||
	    m->state[at].view != slot->mine.view || !cpc_voted(&m->state[at], CPC_PHASE_1))
		return;
	hop_us = core->now_us - core->hop_from_us;
	core->hop_from_us = 0;
	/* Towards the quickest third: what was lost or held back comes late, and does not count. */
	if (hop_us > core->hop_us)
		core->hop_us += core->hop_us / 16;
	else
		core->hop_us -= core->hop_us / 8;
	core->hop_us = core->hop_us < HOP_MIN_US ? HOP_MIN_US : core->hop_us;
	core->hop_us = core->hop_us > HOP_MAX_US ? HOP_MAX_US : core->hop_us;
}

/*
 * How long after a change of our own it is our turn; who proposes or submits does not wait. On slow
 * computers the turns up to a quorum's end take three frames together, in any cell.
 */
static u64 turn_us(const struct cpc_core *core)
{
	const struct cpc_slot *slot = &core->slot[(core->decided + 1) % CPC_OPEN_MAX];
	unsigned int n = core->config.n, leader = cpc_leader(core, slot->number, slot->mine.view);
	u64 us = TURN_US;

	if (core->config.pacing == CPC_PACING_URGENT)
		us = later(TURN_US, 3 * core->hop_us / (cpc_quorum(n) - 1));
	return core->prompt ? 0 : us * ((core->config.self + n - leader - 1) % n);
}

/* Who is asked, or has to ask, repeats himself much sooner, if the channel allows. */
static u64 answer_gap_us(const struct cpc_core *core)
{
	return later(cpc_dcc_gap_us(core, true), cpc_dcc_gap_us(core, false) / 8);
}

/* When the next frame of our own is due; CPC_NEVER_US: none. */
static u64 next_send_us(const struct cpc_core *core)
{
	bool urgent = core->config.pacing == CPC_PACING_URGENT;
	u64 carrier_us = core->carrier_us + core->carrier_gap_us, at_us = CPC_NEVER_US;

	if (core->config.pacing == CPC_PACING_CARRIER)
		return CPC_NEVER_US;
	if (core->dirty || cpc_relay_due(core))
		at_us = later(core->sent_us + cpc_dcc_gap_us(core, true),
			      core->dirty ? core->dirty_us + turn_us(core) : 0);
	else if (core->open_us && core->asked_us > core->sent_us)
		at_us = later(core->sent_us + answer_gap_us(core), core->asked_us + turn_us(core));
	else if (core->open_us)
		at_us = later(core->sent_us, core->open_us) + cpc_dcc_gap_us(core, false);
	if (at_us == CPC_NEVER_US)
		return at_us;
	at_us = later(at_us, core->now_us);
	if (!urgent && core->carrier_gap_us && carrier_us >= core->now_us &&
	    carrier_us <= at_us + EARLY_CARRIER_SLACK_US)
		at_us = carrier_us + EARLY_CARRIER_SLACK_US;
	return at_us;
}

/* How long our own entries took that this step decided. */
static void add_latency(const struct cpc_core *core, struct cpc_effects *fx)
{
	unsigned int i, k;
	u32 seq;

	for (i = 0; i < fx->decisions; i++)
		for (k = 0; k < fx->decision[i].lanes; k++) {
			const struct cpc_decided_lane *lane = &fx->decision[i].lane[k];

			if (lane->lane != core->config.self)
				continue;
			for (seq = lane->from; seq <= lane->seq; seq++)
				fx->own_latency_us += core->now_us -
						      core->submitted_us[seq % CPC_LANE_RING];
			fx->own_decided += (u8)(lane->seq + 1 - lane->from);
		}
}

void cpc_pace(struct cpc_core *core, struct cpc_effects *fx)
{
	u64 wake_us = cpc_conditions_tick(core), send_us;
	unsigned int i;
	u32 s;

	measure_hop(core);
	for (i = 0; i < fx->decisions; i++)
		core->done[fx->decision[i].slot % CPC_DECIDED_RING].done_us = core->now_us;
	for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
		const struct cpc_slot *slot = &core->slot[s % CPC_OPEN_MAX];

		if (slot->started_us && !slot->decided)
			wake_us = sooner(wake_us, cpc_slot_deadline(core, slot));
		if (slot->gathered_us && !cpc_voted(&slot->mine, CPC_PHASE_1) &&
		    cpc_leader(core, s, slot->mine.view) == core->config.self)
			wake_us = sooner(wake_us, later(slot->gathered_us + cpc_gather_us(core),
							core->now_us + SEND_RETRY_US));
	}
	if (fx->decisions == CPC_OPEN_MAX)
		wake_us = core->now_us;
	if (core->dirty && !core->dirty_us)
		core->dirty_us = core->now_us;
	if (!open_work(core))
		core->open_us = 0;
	else if (!core->open_us)
		core->open_us = core->now_us;
	send_us = next_send_us(core);
	if (send_us <= core->now_us) {
		fx->send = true;
		send_us = core->now_us + SEND_RETRY_US;
	}
	wake_us = sooner(wake_us, send_us);
	/* Held back: a quieter channel lets it go earlier. */
	if (send_us != CPC_NEVER_US && core->dcc != CPC_DCC_RELAXED)
		wake_us = sooner(wake_us, core->dcc_us + CPC_BUSY_WINDOW_US);
	add_latency(core, fx);
	fx->wake_us = wake_us == CPC_NEVER_US ? wake_us : later(wake_us, core->now_us);
}
