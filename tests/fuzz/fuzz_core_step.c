// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_core_step.c - one member's core, and everybody else lies.
 *
 * The input is a list of events. Elements are authentic, so the harness fills in what the tags
 * protect (sender, cell, epoch, a fresh counter) and leaves the rest to the input: either raw
 * bytes, or records, cuts and entries made from what the core already knows, which get much deeper.
 * However many lie, the core must keep its invariants and never trap.
 */
#include <stdlib.h>

#include <cpchain/core.h>

#define MUST(condition) ((condition) ? (void)0 : abort())

enum { MEMBERS = 4, SELF = 0 };

struct run {
	struct cpc_reader in;
	struct cpc_core *core;
	u64 now_us;
	u32 counter[MEMBERS];
	u32 decided;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No cryptography: the fuzzer may find what it likes, the core must stand it. */
static void weak_hash(const void *data, size_t len, u8 out[CPC_HASH_BYTES])
{
	const u8 *at = data;
	u64 sum = 0xcbf29ce484222325ull;
	unsigned int i;

	while (len--)
		sum = (sum ^ *at++) * 0x100000001b3ull;
	for (i = 0; i < CPC_HASH_BYTES; i++) {
		sum = (sum ^ i) * 0x100000001b3ull;
		out[i] = (u8)(sum >> 32);
	}
}

static void step(struct run *run, struct cpc_event *event)
{
	struct cpc_effects fx;
	unsigned int i;

	event->now_us = run->now_us;
	cpc_step(run->core, event, &fx);
	cpc_core_check(run->core);
	MUST(fx.wake_us >= run->now_us);
	MUST(fx.decisions <= CPC_OPEN_MAX && run->core->decided >= run->decided);
	for (i = 0; i < fx.decisions; i++)
		MUST(fx.decision[i].slot == run->core->decided - fx.decisions + 1 + i);
	run->decided = run->core->decided;
}

/* A value that some known cut of the slot has, or one that nobody knows. */
static void pick_value(struct run *run, u32 slot, struct cpc_digest *ret_value)
{
	const struct cpc_slot *s = &run->core->slot[slot % CPC_OPEN_MAX];
	u8 pick = cpc_read_u8(&run->in);

	memset(ret_value, pick | 1, sizeof(*ret_value));
	if (pick < 128 && s->number == slot && s->cut[pick % CPC_CUTS_KNOWN].used)
		*ret_value = s->cut[pick % CPC_CUTS_KNOWN].digest;
	else if (pick < 192)
		*ret_value = s->mine.first;
}

static void write_record(struct run *run, struct cpc_writer *w, u32 slot,
			 const struct cpc_digest *proposed)
{
	struct cpc_slot_record record = { .slot = slot };
	struct cpc_state *s = &record.state;
	u8 mask = cpc_read_u8(&run->in);
	unsigned int p;

	s->view = cpc_read_u8(&run->in) % 8;
	s->voted = mask & 15;
	if (s->voted & 1)
		pick_value(run, slot, &s->first);
	if (s->voted & ~1u)
		pick_value(run, slot, &s->later);
	if (proposed && mask & 16) {
		s->voted |= 1;
		s->first = *proposed;
	}
	for (p = 0; mask & 32 && p < CPC_PHASES + 2; p++) {
		struct cpc_vote *v = p < CPC_PHASES ? &s->high[p] : &s->second[p - CPC_PHASES];
		u8 at = cpc_read_u8(&run->in);

		v->set = at & 1;
		v->view = at >> 1;
		if (v->set)
			pick_value(run, slot, &v->value);
		else
			memset(v, 0, sizeof(*v));
	}
	if (!cpc_state_sane(s))
		memset(s, 0, sizeof(*s));
	cpc_record_write(w, &record, run->core->decided);
}

static void write_entry(struct run *run, struct cpc_writer *w)
{
	u8 lane = cpc_read_u8(&run->in) % MEMBERS, how = cpc_read_u8(&run->in);
	const struct cpc_lane *l = &run->core->member[lane].lane;
	struct cpc_entry entry = { .author = lane, .kind = how % 3, .len = 4 };
	const struct cpc_held_entry *before;
	u8 body[CPC_BODY_MAX], data[4];
	int len;

	cpc_read_copy(&run->in, data, sizeof(data));
	entry.data = data;
	entry.seq = l->frontier + 1 + (how >> 4);
	before = cpc_lane_get(l, entry.seq - 1);
	if (before)
		entry.prev = before->hash;
	else if (entry.seq == l->frontier + 1)
		entry.prev = l->frontier_head;
	len = cpc_entry_encode(&entry, body, sizeof(body));
	if (len > 0)
		cpc_item_write(w, CPC_ITEM_ENTRY, body, (size_t)len);
}

/* A cut over what the core holds, bent here and there. */
static void make_cut(struct run *run, u32 slot, struct cpc_cut *cut)
{
	unsigned int i;
	u8 how;

	memset(cut, 0, sizeof(*cut));
	cut->slot = slot;
	cut->parent = run->core->parent;
	if (slot > run->core->decided + 1)
		pick_value(run, slot - 1, &cut->parent);
	for (i = 0; i < MEMBERS; i++) {
		struct cpc_cut_lane *lane = &cut->lane[cut->lanes];
		const struct cpc_lane *l = &run->core->member[i].lane;
		const struct cpc_held_entry *e;

		how = cpc_read_u8(&run->in);
		e = cpc_lane_get(l, l->frontier + (how & 15));
		if (!(how & 128))
			continue;
		lane->lane = (u8)i;
		lane->seq = l->frontier + (how & 15);
		lane->accepted = how & 64 ? cpc_read_u8(&run->in) : 0;
		if (e)
			lane->head = e->hash;
		if (lane->seq)
			cut->lanes++;
		else
			memset(lane, 0, sizeof(*lane));
	}
}

static void write_items(struct run *run, struct cpc_writer *w, u32 slot, const struct cpc_cut *cut)
{
	u8 bytes[CPC_CUT_BYTES_MAX];
	struct cpc_writer item = cpc_writer_init(bytes, sizeof(bytes));
	unsigned int entries = cpc_read_u8(&run->in) % 4;

	cpc_cut_write(&item, cut);
	cpc_item_write(w, CPC_ITEM_CUT, bytes, item.used);
	while (entries--)
		write_entry(run, w);
	if (cpc_read_u8(&run->in) & 1) {
		item = cpc_writer_init(bytes, CPC_CLAIM_BYTES);
		cpc_write_le32(&item, slot);
		cpc_write_le64(&item, cpc_read_u8(&run->in));
		cpc_item_write(w, CPC_ITEM_CLAIM, bytes, CPC_CLAIM_BYTES);
	}
}

static void element(struct run *run, bool raw)
{
	u8 bytes[CPC_ELEMENT_MAX], sender = 1 + cpc_read_u8(&run->in) % (MEMBERS - 1);
	struct cpc_writer w = cpc_writer_init(bytes, sizeof(bytes));
	struct cpc_event event = { .type = CPC_EV_ELEMENT };
	struct cpc_header header = { .version = CPC_ELEMENT_VERSION, .sender = sender, .cell = 1,
				     .epoch = 1, .flags = 1, .decided = run->core->decided };
	u32 slot = run->core->decided + 1 + cpc_read_u8(&run->in) % 2;
	struct cpc_digest digest;
	struct cpc_cut cut;
	size_t len;

	header.counter = ++run->counter[sender];
	memcpy(header.log_hash, run->core->log_hash.b, sizeof(header.log_hash));
	if (raw) {
		header.flags = cpc_read_le16(&run->in) & CPC_ELEMENT_FLAGS_KNOWN;
		header.decided = cpc_read_le32(&run->in);
		len = cpc_read_u8(&run->in);
		len = len < run->in.left ? len : run->in.left;
		cpc_header_write(&w, &header);
		if (len && !run->in.failed)
			cpc_write_bytes(&w, cpc_read_bytes(&run->in, len), len);
	} else {
		cpc_header_write(&w, &header);
		make_cut(run, slot, &cut);
		cpc_cut_digest(weak_hash, &run->core->config.members, &cut, &digest);
		write_record(run, &w, slot, &digest);
		write_items(run, &w, slot, &cut);
	}
	event.element.data = bytes;
	event.element.len = w.used;
	event.element.relayed = raw && header.log_hash[0] & 1;
	event.element.relayer = header.log_hash[1];
	step(run, &event);
}

static void install(struct run *run)
{
	struct cpc_event event = { .type = CPC_EV_INSTALL };
	u32 seq[MEMBERS];
	struct cpc_digest head[MEMBERS];
	unsigned int i;

	memset(head, cpc_read_u8(&run->in), sizeof(head));
	for (i = 0; i < MEMBERS; i++)
		seq[i] = run->core->member[i].lane.frontier + cpc_read_u8(&run->in);
	event.install.slot = run->core->decided + cpc_read_u8(&run->in);
	event.install.seq = seq;
	event.install.head = head;
	step(run, &event);
}

static void happen(struct run *run)
{
	struct cpc_event event = { .type = CPC_EV_TICK };
	u8 what = cpc_read_u8(&run->in), bytes[CPC_ELEMENT_MAX];

	run->now_us += (u64)(what >> 4) * 20000;
	switch (what % 8) {
	case 0:
		run->now_us += (u64)cpc_read_u8(&run->in) * 100000;
		step(run, &event);
		break;
	case 1:
		event.type = CPC_EV_SUBMIT;
		event.submit.kind = cpc_read_u8(&run->in) % 4;
		event.submit.data = (const u8 *)"data";
		event.submit.len = cpc_read_u8(&run->in) % 5;
		step(run, &event);
		break;
	case 2:
		event.type = CPC_EV_CARRIER;
		event.carrier.data = bytes;
		event.carrier.room = cpc_read_u8(&run->in) * 5;
		step(run, &event);
		break;
	case 3:
		event.type = CPC_EV_VERDICT;
		event.verdict.lane = cpc_read_u8(&run->in) % (MEMBERS + 1);
		event.verdict.verdict = cpc_read_u8(&run->in) % 4;
		if (event.verdict.lane < MEMBERS) {
			event.verdict.seq = run->core->member[event.verdict.lane].condition.seq;
			event.verdict.head = run->core->member[event.verdict.lane].condition.head;
		}
		step(run, &event);
		break;
	case 4:
		install(run);
		break;
	case 5:
		element(run, true);
		break;
	default:
		element(run, false);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_config config = { .n = MEMBERS, .self = SELF, .cell = 1, .epoch = 1,
				     .period_us = 100000, .hash = weak_hash };
	static u64 *memory;
	struct run run = { .in = cpc_reader_init(data, size), .now_us = 1000000 };
	unsigned int events = 0;
	u8 how;

	if (!memory)
		memory = malloc(cpc_core_size(MEMBERS));
	run.core = (struct cpc_core *)memory;
	how = cpc_read_u8(&run.in);
	config.pacing = how % 3;
	config.slow_first_view = how & 4;
	config.default_verdict = how / 8 % 3;
	MUST(memory && !cpc_core_init(run.core, &config, run.now_us));
	while (run.in.left && events++ < 400)
		happen(&run);
	return 0;
}
