// SPDX-License-Identifier: BSD-3-Clause
/*
 * world.c - the loop over virtual time, and around every correct core a driver that does what the
 * kernel module and the agent do: frames out, MACs checked, wake-ups kept, questions answered,
 * a log fetched when the core says that it is behind.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>

enum {
	STEPS_MAX = 2000000,
	CHECK_US = 20000,	/* how often progress is looked at once the air is good */
	TAIL_US = 300000,	/* new entries keep coming for so long after healing */
	GRACE_US = 2000000,	/* with a scenario's own air, which may let nobody decide */
};

static u64 sim_hash_seed;

static u64 mix(u64 a, u64 b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

/*
 * Stands in for SHA-256, which would take most of the time: 256 bits, good enough that nothing
 * collides by chance, and seeded so that no history depends on one set of values.
 */
void sim_hash(const void *data, size_t len, u8 out[CPC_HASH_BYTES])
{
	const u8 *at = data;
	u64 a = sim_hash_seed ^ 0x9e3779b97f4a7c15ull, b = len ^ 0xd6e8feb86659fd93ull, word[4];
	size_t left = len;
	unsigned int i;

	for (; left >= 16; left -= 16, at += 16) {
		memcpy(word, at, 16);
		a = mix(a ^ word[0], 0xa0761d6478bd642full) + b;
		b = mix(b ^ word[1], 0xe7037ed1a0b428dbull) ^ (a << 1);
	}
	memset(word, 0, sizeof(word));
	memcpy(word, at, left);
	a = mix(a ^ word[0], 0x8ebc6af09c88c6e3ull) + b;
	b = mix(b ^ word[1] ^ left, 0x589965cc75374cc3ull) ^ a;
	for (i = 0; i < 4; i++)
		word[i] = mix(a + i * 0x9e3779b97f4a7c15ull, b ^ 0x1d8e4e27c47d124full) ^
			  mix(b + i, a | 1);
	memcpy(out, word, CPC_HASH_BYTES);
}

bool sim_correct(const struct sim_node *node)
{
	return node->role != SIM_FAULTY;
}

struct cpc_config sim_config(const struct sim_world *w, unsigned int index, unsigned int instance)
{
	const struct sim_plan *p = &w->plan;
	struct cpc_config config = {
		.n = p->n,
		.self = (u8)index,
		.cell = 7,
		.epoch = 3,
		.pacing = p->pacing,
		.default_verdict = p->default_verdict,
		.slow_first_view = p->slow_first_view,
		.period_us = p->period_us,
		.seed = p->seed * 64 + index * 2 + instance,
		.members = w->members,
		.hash = sim_hash,
	};

	if (instance)
		config.default_verdict = (u8)((p->default_verdict + 1) % 3);
	return config;
}

struct sim_world *sim_world_new(void)
{
	struct sim_world *w = calloc(1, sizeof(*w));
	unsigned int i;

	if (!w)
		abort();
	w->mirror = malloc(cpc_core_size(SIM_MEMBERS));
	for (i = 0; i < SIM_MEMBERS; i++) {
		w->node[i].core = malloc(cpc_core_size(SIM_MEMBERS));
		w->node[i].twin = malloc(cpc_core_size(SIM_MEMBERS));
		if (!w->node[i].core || !w->node[i].twin || !w->mirror)
			abort();
	}
	return w;
}

static void forget_elements(struct sim_node *node)
{
	unsigned int i;

	for (i = 0; i < SIM_MEMBERS; i++) {
		sim_frame_put(node->newest[i]);
		node->newest[i] = NULL;
	}
}

void sim_world_free(struct sim_world *w)
{
	unsigned int i;

	sim_medium_reset(w);
	sim_log_reset(&w->log);
	for (i = 0; i < SIM_MEMBERS; i++) {
		forget_elements(&w->node[i]);
		free(w->node[i].core);
		free(w->node[i].twin);
		free(w->log.lane[i].entry);
	}
	free(w->log.slot);
	free(w->queue.heap);
	free(w->mirror);
	free(w);
}

static void push(struct sim_world *w, enum sim_event_type type, unsigned int node, u64 at_us)
{
	struct sim_event e = { .type = type, .node = (u8)node, .at_us = at_us };

	sim_queue_push(&w->queue, &e);
}

static void sleep_until(struct sim_world *w, struct sim_node *node, u64 wake_us)
{
	if (wake_us == node->wake_us)
		return;
	node->wake_us = wake_us;
	if (wake_us != CPC_NEVER_US)
		push(w, SIM_EV_WAKE, node->index, wake_us < w->now_us ? w->now_us : wake_us);
}

/* The core asks its vehicle about a conditional entry; the answer takes a moment, or never comes.
 */
static void ask(struct sim_world *w, struct sim_node *node, u64 questions)
{
	unsigned int lane;

	for (lane = 0; lane < w->plan.n; lane++) {
		const struct cpc_condition *c = &node->core->member[lane].condition;
		struct sim_event e = { .type = SIM_EV_VERDICT, .node = node->index };

		if (!(questions >> lane & 1))
			continue;
		SIM_MUST(w, c->kind != CPC_ENTRY_ORDINARY, "member %u: a question without entry",
			 node->index);
		if (!sim_chance(&node->random, w->plan.answers))
			continue;
		e.at_us = w->now_us + sim_below(&node->random, 150000);
		e.lane = (u8)lane;
		e.seq = c->seq;
		e.head = c->head;
		e.verdict = !sim_chance(&node->random, w->plan.refusals);
		sim_queue_push(&w->queue, &e);
	}
}

static void act(struct sim_world *w, struct sim_node *node, const struct cpc_effects *fx);

/* What the member's meter says: another load every 300 ms, or the modelled channel's. */
static u16 busy_ratio(struct sim_world *w, const struct sim_node *node)
{
	u64 random = w->plan.seed * 5 + w->now_us / 300000;

	if (w->radio)
		return sim_radio_busy(w, node);
	return w->plan.busy ? (u16)sim_below(&random, 1001) : 0;
}

/* The newest one of each member, as long as there is no newer. */
static void keep_element(struct sim_node *node, const struct cpc_event *event)
{
	unsigned int sender = node->core->element.header.sender;

	sim_frame_put(node->newest[sender]);
	node->newest[sender] = sim_frame_new(sender, event->element.data, event->element.len);
}

static int step(struct sim_world *w, struct sim_node *node, struct cpc_event *event)
{
	struct cpc_effects fx;
	int result;

	event->now_us = w->now_us;
	event->busy_permille = busy_ratio(w, node);
	w->totals->steps++;
	result = cpc_step(node->core, event, &fx);
	cpc_core_check(node->core);
	sim_oracle_step(w, node, event, &fx, result);
	if (event->type == CPC_EV_ELEMENT && result == 0)
		keep_element(node, event);
	act(w, node, &fx);
	return result;
}

/* Puts the elements of others in front of the own one. */
static void relay(struct sim_world *w, struct sim_node *node, const struct cpc_effects *fx,
		  size_t room, struct sim_frame *frame)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < w->plan.n; i++) {
		if (!(fx->relay >> i & 1))
			continue;
		sim_oracle_relayed(w, node, i);
		bytes += node->newest[i]->len + cpc_element_trailer(w->plan.n);
		SIM_MUST(w, frame->relays < CPC_RELAYS_MAX, "member %u sends too many again",
			 node->index);
		frame->relayed[frame->relays++] = sim_frame_get(node->newest[i]);
	}
	SIM_MUST(w, bytes == fx->relay_bytes && bytes + fx->element_len <= room,
		 "member %u sends %zu bytes again beside %zu, into %zu", node->index, bytes,
		 fx->element_len, room);
}

static void emit(struct sim_world *w, struct sim_node *node, bool standalone)
{
	size_t room = SIM_FRAME_MAX - cpc_element_trailer(w->plan.n);
	u8 data[SIM_FRAME_MAX];
	struct cpc_event event = { .type = CPC_EV_CARRIER, .now_us = w->now_us };
	struct sim_frame *frame;
	struct cpc_effects fx;
	int result;

	event.carrier.data = data;
	event.carrier.room = standalone || room < w->plan.room ? room : w->plan.room;
	event.carrier.standalone = standalone;
	event.busy_permille = busy_ratio(w, node);
	w->totals->steps++;
	result = cpc_step(node->core, &event, &fx);
	cpc_core_check(node->core);
	sim_oracle_step(w, node, &event, &fx, result);
	if (result == 0 && fx.element_len) {
		sim_oracle_element(w, node, data, fx.element_len);
		frame = sim_frame_new(node->index, data, fx.element_len);
		frame->standalone = standalone;
		relay(w, node, &fx, event.carrier.room, frame);
		sim_broadcast(w, frame);
		sim_frame_put(frame);
		w->totals->frames++;
	} else if (w->radio && !standalone) {
		sim_radio_empty(w, node);
	}
	/* One frame at a time: who still wants one says so at its wake-up. */
	fx.send = false;
	act(w, node, &fx);
}

static void act(struct sim_world *w, struct sim_node *node, const struct cpc_effects *fx)
{
	SIM_MUST(w, !fx->send || w->plan.pacing != CPC_PACING_CARRIER,
		 "member %u asks for a frame of its own, though only carriers are allowed",
		 node->index);
	if (fx->questions)
		ask(w, node, fx->questions);
	if (w->radio)
		sim_radio_decided(w, node, fx);
	if (fx->behind && !node->installing) {
		node->installing = fx->behind_claim.slot;
		node->install_try = 0;
		push(w, SIM_EV_INSTALL, node->index, w->now_us + 5000);
	}
	sleep_until(w, node, fx->wake_us);
	if (fx->send)
		emit(w, node, true);
}

void sim_step_faulty(struct sim_world *w, struct sim_node *node, struct cpc_core *core,
		     const struct cpc_event *event, struct cpc_effects *fx)
{
	u64 *wake_us = core == node->twin ? &node->twin_wake_us : &node->wake_us;

	w->totals->steps++;
	cpc_step(core, event, fx);
	if (fx->wake_us != *wake_us && fx->wake_us != CPC_NEVER_US)
		push(w, SIM_EV_WAKE, node->index, fx->wake_us);
	*wake_us = fx->wake_us;
}

/*
 * What the module does with an element from the air: only the true sender's MAC opens the core.
 * Returns whether it was taken. It came in the frame @around, which is its own or another member's.
 */
static bool take(struct sim_world *w, struct sim_node *node, const struct sim_frame *frame,
		 const struct sim_frame *around)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT, .now_us = w->now_us };
	struct cpc_reader r = cpc_reader_init(frame->data, frame->len);
	struct cpc_header header;
	struct cpc_effects fx;
	bool stale, compare, taken, relayed = frame != around;

	cpc_header_read(&r, &header);
	if (frame->sender >= SIM_MEMBERS || header.sender != frame->sender) {
		w->totals->forged++;
		return false;
	}
	/* Its own element, sent again. */
	if (frame->sender == node->index)
		return false;
	if (!sim_correct(node)) {
		sim_faulty_receive(w, node, frame, around);
		return true;
	}
	event.element.relayed = relayed;
	event.element.relayer = around->sender;
	event.element.data = frame->data;
	event.element.len = frame->len;
	stale = node->heard[frame->sender] && header.counter <= node->counter_seen[frame->sender];
	compare = stale && sim_chance(&w->random, 10);
	if (compare) {
		struct cpc_event tick = { .type = CPC_EV_TICK, .now_us = w->now_us };

		memcpy(w->mirror, node->core, cpc_core_size(w->plan.n));
		tick.busy_permille = busy_ratio(w, node);
		cpc_step(w->mirror, &tick, &fx);
	}
	if (w->verbose)
		sim_trace(w, "%u <- %u #%u", node->index, frame->sender, header.counter);
	taken = step(w, node, &event) == 0;
	if (compare && !w->plan.pacing) {
		/* Scratch is no state. */
		memset(&node->core->element, 0, sizeof(node->core->element));
		memset(&w->mirror->element, 0, sizeof(w->mirror->element));
		memcpy(w->mirror->base_seq, node->core->base_seq, sizeof(w->mirror->base_seq));
		memcpy(w->mirror->base_head, node->core->base_head, sizeof(w->mirror->base_head));
		memcpy(w->mirror->scratch, node->core->scratch, sizeof(w->mirror->scratch));
		SIM_MUST(w, !memcmp(w->mirror, node->core, cpc_core_size(w->plan.n)),
			 "member %u: a replay of %u #%u changed more than time does", node->index,
			 frame->sender, header.counter);
		w->totals->checked_replays++;
	}
	w->totals->relayed_first += taken && relayed;
	return taken;
}

static void deliver(struct sim_world *w, struct sim_node *node, const struct sim_frame *frame)
{
	unsigned int i;

	if (!take(w, node, frame, frame))
		return;
	for (i = 0; i < frame->relays; i++)
		take(w, node, frame->relayed[i], frame);
}

/* Any next set that there can be; the core only looks at whether it is one. */
u32 sim_change(const struct sim_world *w, u64 *random, u8 *out)
{
	u8 id[CPC_NODE_ID_BYTES] = { 7 };
	struct cpc_member_change change = { .joining = (u8)sim_below(random, 2), .node_id = id };

	if (sim_chance(random, 50))
		change.leaving = 1u << sim_below(random, w->plan.n);
	return (u32)cpc_change_encode(&change, out, CPC_ENTRY_DATA_MAX);
}

static void submit(struct sim_world *w, struct sim_node *node)
{
	u8 data[CPC_ENTRY_DATA_MAX];
	u32 len = sim_chance(&node->random, 90) ? 8 + sim_below(&node->random, 40)
						: 8 + sim_below(&node->random, w->plan.room - 500),
	    i;
	struct cpc_event event = { .type = CPC_EV_SUBMIT };
	u32 seq = node->core->member[node->index].lane.last + 1;

	if (len > CPC_ENTRY_DATA_MAX)
		len = CPC_ENTRY_DATA_MAX;
	for (i = 0; i < len; i++)
		data[i] = (u8)sim_random(&node->random);
	event.submit.kind = CPC_ENTRY_ORDINARY;
	if (sim_chance(&node->random, w->plan.conditional))
		event.submit.kind = (u8)(CPC_ENTRY_BY_QUORUM + sim_below(&node->random, 2));
	if (w->plan.changes && sim_chance(&node->random, w->plan.changes)) {
		event.submit.kind = CPC_ENTRY_CHANGE;
		len = sim_change(w, &node->random, data);
	}
	event.submit.data = data;
	event.submit.len = len;
	/* Before the step: a decision may follow within it. */
	sim_oracle_submitted(w, node, event.submit.kind, data, len, seq);
	if (w->radio)
		sim_radio_submitted(w, node, seq);
	if (step(w, node, &event))
		node->submitted--;
}

/* The agent fetches a decided state from some peer, who may lie, and installs it. */
static void install(struct sim_world *w, struct sim_node *node)
{
	unsigned int peer = sim_below(&node->random, w->plan.n);
	const struct sim_logged *logged = sim_log_find(&w->log, (u32)node->installing);
	struct cpc_event event = { .type = CPC_EV_INSTALL };
	struct cpc_digest head[SIM_MEMBERS];
	int result;

	SIM_MUST(w, logged, "member %u: f+1 claims of slot %llu, which nobody has decided",
		 node->index, (unsigned long long)node->installing);
	if (peer == node->index || !w->node[peer].alive || ++node->install_try > 20) {
		node->installing = node->install_try > 20 ? 0 : node->installing;
		if (node->installing)
			push(w, SIM_EV_INSTALL, node->index, w->now_us + 10000);
		return;
	}
	event.install.slot = logged->slot;
	event.install.end = logged->end;
	event.install.prev_log_hash = logged->before;
	event.install.value = logged->value;
	event.install.seq = logged->seq;
	event.install.head = head;
	memcpy(head, logged->head, sizeof(head));
	if (!sim_correct(&w->node[peer]))
		head[sim_below(&node->random, w->plan.n)].b[3] ^= 1;
	result = step(w, node, &event);
	sim_trace(w, "%u installs %u from %u: %d", node->index, logged->slot, peer, result);
	SIM_MUST(w, sim_correct(&w->node[peer]) || result,
		 "member %u installed a state that nobody claims", node->index);
	if (result == 0)
		sim_oracle_installed(w, node, logged->slot);
	if (result == 0 || result == -EALREADY)
		node->installing = 0;
	else
		push(w, SIM_EV_INSTALL, node->index, w->now_us + 10000);
}

/* Strangers with a radio: their own bytes, and what they recorded. */
static void outsider(struct sim_world *w)
{
	struct sim_event e = { .type = SIM_EV_DELIVER, .at_us = w->now_us };
	u8 junk[64];
	unsigned int i;

	e.node = (u8)sim_below(&w->random, w->plan.n);
	if (w->saved_used && sim_chance(&w->random, 80)) {
		u64 kept = w->saved_used < SIM_SAVED ? w->saved_used : SIM_SAVED;

		e.frame = sim_frame_get(w->saved[sim_below(&w->random, (u32)kept)]);
	} else {
		for (i = 0; i < sizeof(junk); i++)
			junk[i] = (u8)sim_random(&w->random);
		junk[0] = CPC_ELEMENT_VERSION;
		e.frame = sim_frame_new(SIM_MEMBERS, junk, sizeof(junk));
	}
	if (!e.frame || e.frame->sender != e.node)
		sim_queue_push(&w->queue, &e);
	else
		sim_frame_put(e.frame);
	push(w, SIM_EV_OUTSIDER, 0, w->now_us + 5000 + sim_below(&w->random, 30000));
}

static void verdict(struct sim_world *w, struct sim_node *node, const struct sim_event *e)
{
	struct cpc_event event = { .type = CPC_EV_VERDICT };

	event.verdict.lane = e->lane;
	event.verdict.seq = e->seq;
	event.verdict.head = e->head;
	event.verdict.verdict = e->verdict;
	event.verdict.why = (u8)(1 + node->index);
	step(w, node, &event);
}

static void wake(struct sim_world *w, struct sim_node *node)
{
	struct cpc_event event = { .type = CPC_EV_TICK, .now_us = w->now_us };
	struct cpc_effects fx;
	bool send = false;

	if (sim_correct(node)) {
		if (w->now_us < node->wake_us)
			return;
		node->wake_us = CPC_NEVER_US;
		step(w, node, &event);
		return;
	}
	if (w->now_us >= node->wake_us) {
		node->wake_us = CPC_NEVER_US;
		sim_step_faulty(w, node, node->core, &event, &fx);
		send |= fx.send;
	}
	if (w->plan.tricks[node->index] & SIM_TWIN && w->now_us >= node->twin_wake_us) {
		node->twin_wake_us = CPC_NEVER_US;
		sim_step_faulty(w, node, node->twin, &event, &fx);
		send |= fx.send;
	}
	if (send)
		sim_faulty_carrier(w, node);
}

static void carrier(struct sim_world *w, struct sim_node *node)
{
	u32 period_us = w->plan.period_us;

	if (sim_correct(node))
		emit(w, node, false);
	else
		sim_faulty_carrier(w, node);
	push(w, SIM_EV_CARRIER, node->index,
	     w->now_us + period_us - period_us / 20 + sim_below(&w->random, period_us / 10));
}

/*
 * How long healing may take: every view that may be open or follow runs out, f faulty leaders in a
 * row among them, once for each of a few slots that build on each other; and patience for
 * conditions.
 */
static u64 bound_us(const struct sim_world *w)
{
	u64 bound = 20 * (u64)w->plan.period_us + 3000000;
	unsigned int i, s, view = 0;

	for (i = 0; i < w->plan.n; i++)
		for (s = 0; s < CPC_OPEN_MAX && sim_correct(&w->node[i]); s++)
			if (w->node[i].core->slot[s].mine.view > view)
				view = w->node[i].core->slot[s].mine.view;
	for (i = 0; i <= view + w->plan.f + 3u; i++)
		bound += 2 * (8 * (u64)w->plan.period_us << (i < 6 ? i : 6));
	/* Several hops, each of which waits for its carrier. */
	return w->plan.sparse ? 4 * bound : bound;
}

static void heal(struct sim_world *w, u64 *deadline_us)
{
	unsigned int i;
	bool done;

	if (!w->healed) {
		w->healed = true;
		sim_trace(w, "the air is good from now on");
		*deadline_us = w->now_us + bound_us(w);
		for (i = 0; i < w->plan.n; i++)
			w->node[i].submitted_before_heal = w->node[i].submitted;
	}
	done = w->now_us > w->plan.heal_us + TAIL_US && sim_oracle_done(w, true);
	done |= w->radio && w->now_us > w->plan.heal_us + GRACE_US;
	if (done) {
		u64 took_us = w->now_us - w->plan.heal_us;

		w->totals->healed_us += took_us;
		if (took_us > w->totals->worst_heal_us)
			w->totals->worst_heal_us = took_us;
		*deadline_us = 0;
		return;
	}
	if (w->now_us >= *deadline_us)
		sim_oracle_lacking(w);
	SIM_MUST(w, w->now_us < *deadline_us, "no progress: %.1f s after the air got good, entries "
		 "from %s are not decided everywhere", (double)(w->now_us - w->plan.heal_us) / 1e6,
		 sim_oracle_done(w, false) ? "then on" : "before");
	push(w, SIM_EV_HEAL, 0, w->now_us + CHECK_US);
}

static void start(struct sim_world *w)
{
	const struct sim_plan *p = &w->plan;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		struct sim_node *node = &w->node[i];
		struct cpc_config config = sim_config(w, i, 0);

		node->index = (u8)i;
		node->role = p->role[i];
		node->alive = true;
		node->random = p->seed * 31 + i;
		node->wake_us = node->twin_wake_us = CPC_NEVER_US;
		node->installing = 0;
		node->counter = 0;
		forget_elements(node);
		node->audience = node->heard_by_twin = (u32)sim_random(&node->random);
		if (cpc_core_init(node->core, &config, 0))
			abort();
		config = sim_config(w, i, 1);
		if (p->tricks[i] & SIM_TWIN && cpc_core_init(node->twin, &config, 0))
			abort();
		push(w, SIM_EV_CARRIER, i, sim_below(&w->random, p->period_us));
		push(w, SIM_EV_SUBMIT, i, sim_below(&w->random, p->submit_gap_us));
		if (node->role == SIM_CRASHES)
			push(w, SIM_EV_CRASH, i, p->crash_us[i]);
	}
	push(w, SIM_EV_HEAL, 0, p->heal_us);
	if (p->outsiders)
		push(w, SIM_EV_OUTSIDER, 0, 20000);
}

static void submit_again(struct sim_world *w, struct sim_node *node)
{
	if (w->healed && w->now_us > w->plan.heal_us + TAIL_US)
		return;
	if (!sim_correct(node))
		sim_faulty_submit(w, node);
	else if (node->submitted < SIM_SUBMITS)
		submit(w, node);
	push(w, SIM_EV_SUBMIT, node->index,
	     w->now_us + w->plan.submit_gap_us / 2 + sim_below(&w->random, w->plan.submit_gap_us));
}

static void happen(struct sim_world *w, const struct sim_event *e, u64 *deadline_us)
{
	struct sim_node *node = &w->node[e->node];

	if (!node->alive && e->type != SIM_EV_HEAL && e->type != SIM_EV_OUTSIDER &&
	    e->type != SIM_EV_RADIO)
		return;
	switch (e->type) {
	case SIM_EV_CARRIER:
		carrier(w, node);
		break;
	case SIM_EV_WAKE:
		wake(w, node);
		break;
	case SIM_EV_DELIVER:
		deliver(w, node, e->frame);
		break;
	case SIM_EV_SUBMIT:
		submit_again(w, node);
		break;
	case SIM_EV_VERDICT:
		verdict(w, node, e);
		break;
	case SIM_EV_CRASH:
		sim_trace(w, "%u crashes", node->index);
		node->alive = false;
		w->totals->crashes++;
		break;
	case SIM_EV_INSTALL:
		install(w, node);
		break;
	case SIM_EV_OUTSIDER:
		outsider(w);
		break;
	case SIM_EV_HEAL:
		heal(w, deadline_us);
		break;
	case SIM_EV_RADIO:
		sim_radio_event(w);
		break;
	}
}

static void count_plan(struct sim_totals *t, const struct sim_plan *p)
{
	unsigned int i, k;

	t->seeds++;
	t->cells[p->n]++;
	t->pacing[p->pacing]++;
	t->slow += p->slow_first_view;
	t->late += p->late;
	t->lossy += p->loss && !p->bursts;
	t->bursty += p->bursts;
	t->parted += p->cutoffs && !p->late;
	t->sparse += p->sparse;
	t->busy += p->busy;
	for (i = 0; i < p->n; i++) {
		t->hidden += !!p->deaf[i];
		for (k = 0; k < SIM_TRICKS; k++)
			t->tricks[k] += p->tricks[i] >> k & 1;
	}
}

void sim_run(struct sim_world *w, const struct sim_plan *plan, struct sim_totals *totals)
{
	u64 deadline_us = CPC_NEVER_US, steps = totals->steps;
	struct sim_event e;

	sim_hash_seed = plan->seed;
	w->plan = *plan;
	w->totals = totals;
	w->now_us = 0;
	w->healed = false;
	w->random = plan->seed ^ 0x5851f42d4c957f2dull;
	w->lines = 0;
	memset(w->members.b, (int)(plan->seed & 0xff), sizeof(w->members.b));
	sim_medium_reset(w);
	sim_oracle_reset(w);
	count_plan(totals, plan);
	if (w->radio)
		sim_radio_start(w);
	start(w);
	while (deadline_us && sim_queue_pop(&w->queue, &e)) {
		w->now_us = e.at_us;
		happen(w, &e, &deadline_us);
		sim_frame_put(e.frame);
		SIM_MUST(w, totals->steps - steps < STEPS_MAX, "the history does not end");
	}
	while (sim_queue_pop(&w->queue, &e))
		sim_frame_put(e.frame);
	totals->slots += w->log.used;
}
