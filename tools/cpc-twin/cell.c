// SPDX-License-Identifier: BSD-3-Clause
/* cell.c - the core with keys and counters around it; see cell.h. */
#include "tools/cpc-twin/cell.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "agent/log/verify.h"

enum { WAKE_FLOOR_US = 200 };	/* as the module: the core is not woken more often */

struct cpc_twin_cell *cpc_twin_cell_new(const struct cpc_twin_cell_config *config, u64 now_us)
{
	struct cpc_twin_cell *cell = calloc(1, sizeof(*cell));
	struct cpc_config core = {
		.n = config->n,
		.self = config->self,
		.cell = config->cell,
		.epoch = config->epoch,
		.pacing = config->pacing,
		.default_verdict = config->default_verdict,
		.slow_first_view = config->slow_first_view,
		.period_us = config->period_us,
		.seed = config->seed,
		.hash = cpc_sha256,
	};

	if (!cell)
		return NULL;
	cell->core = calloc(1, cpc_core_size(config->n));
	if (!cell->core || config->n > CPC_MEMBERS_MAX) {
		cpc_twin_cell_free(cell);
		return NULL;
	}
	cpc_members_digest(config->cell, config->epoch, cpc_twin_mac_id(config->mac),
			   config->node_id, config->n, &cell->members);
	core.members = cell->members;
	cell->mac = config->mac;
	cell->n = config->n;
	cell->self = config->self;
	cell->wake_us = now_us;
	if (cpc_core_init(cell->core, &core, now_us) == 0)
		return cell;
	cpc_twin_cell_free(cell);
	return NULL;
}

void cpc_twin_cell_free(struct cpc_twin_cell *cell)
{
	unsigned int i;

	if (!cell)
		return;
	for (i = 0; i < CPC_MEMBERS_MAX; i++)
		cpc_twin_key_free(cell->key[i]);
	free(cell->core);
	free(cell);
}

int cpc_twin_cell_key(struct cpc_twin_cell *cell, unsigned int member,
		      const u8 raw[CPC_TWIN_KEY_BYTES])
{
	struct cpc_twin_key *key;

	if (member >= cell->n || member == cell->self)
		return -EINVAL;
	key = cpc_twin_key_new(cell->mac, raw);
	if (!key)
		return -ENOMEM;
	cell->keys += !cell->key[member];
	cpc_twin_key_free(cell->key[member]);
	cell->key[member] = key;
	return 0;
}

/* ---- driving the core ------------------------------------------------------------------------ */

static void count_lane(struct cpc_twin_cell *cell, const struct cpc_decided_lane *lane, u64 now_us)
{
	u32 seq;

	for (seq = lane->from; seq <= lane->seq; seq++) {
		size_t len;
		const u8 *body = cpc_core_entry(cell->core, lane->lane, seq, &len);
		bool conditional = body && body[0] != CPC_ENTRY_ORDINARY;

		if (conditional && !(lane->accepted >> (seq - lane->from) & 1))
			cell->stats.rejected_entries++;
		else
			cell->stats.decided_entries++;
		if (lane->lane != cell->self)
			continue;
		cell->stats.own_decided++;
		cpc_latency_decided(&cell->latency, seq, now_us);
	}
}

static void keep_decision(struct cpc_twin_cell *cell, const struct cpc_decision *decision,
			  u64 now_us)
{
	unsigned int i;

	cell->stats.decided_slots++;
	cell->stats.void_slots += decision->is_void;
	for (i = 0; i < decision->lanes; i++)
		count_lane(cell, &decision->lane[i], now_us);
	if (cell->decided)
		cell->decided(cell->ctx, cell->core, decision);
}

int cpc_twin_step(struct cpc_twin_cell *cell, u64 now_us, struct cpc_event *event)
{
	struct cpc_effects *e = &cell->effects;
	unsigned int i;
	int r;

	event->now_us = now_us;
	r = cpc_step(cell->core, event, e);
	/* There is no disk here, as in the module: what is on the air is what memory holds. */
	cell->send_due |= e->send;
	for (i = 0; i < e->decisions; i++)
		keep_decision(cell, &e->decision[i], now_us);
	cell->stats.views += e->view_changes;
	cell->stats.evidence += e->evidence;
	cell->stats.behind += e->behind;
	cell->wake_us = e->wake_us;
	if (cell->wake_us < now_us + WAKE_FLOOR_US)
		cell->wake_us = now_us + WAKE_FLOOR_US;
	return r;
}

int cpc_twin_submit(struct cpc_twin_cell *cell, u64 now_us, u8 kind, const void *data, size_t len)
{
	struct cpc_event event = {
		.type = CPC_EV_SUBMIT,
		.submit = { .kind = kind, .data = data, .len = len },
	};
	int r = cpc_twin_step(cell, now_us, &event);

	if (r)
		return r;
	cell->stats.submitted++;
	cpc_latency_submitted(&cell->latency, cell->effects.submitted_seq, now_us);
	return 0;
}

unsigned int cpc_twin_open_entries(const struct cpc_twin_cell *cell)
{
	const struct cpc_lane *lane = &cell->core->member[cell->self].lane;

	return lane->last - lane->frontier;
}

/* ---- elements out ---------------------------------------------------------------------------- */

size_t cpc_twin_seal(struct cpc_twin_cell *cell, u8 *data, size_t len, u64 receivers, u64 noise)
{
	size_t total = len + cpc_element_trailer(cell->n);
	struct cpc_writer w = cpc_writer_init(data, total);
	struct cpc_twin_text text;
	unsigned int i;
	bool failed;

	w.used = len;
	failed = cpc_twin_text_init(&text, cell->mac, &cell->members, data, len) != 0;
	for (i = 0; i < cell->n; i++) {
		u8 tag[CPC_TAG_BYTES];

		if (i == cell->self)
			continue;
		noise = noise * 0x5851f42d4c957f2dull + (noise != 0);
		memcpy(tag, &noise, sizeof(tag));
		if (!failed && cell->key[i] && receivers >> i & 1 &&
		    cpc_twin_tag(cell->key[i], (u8)i, &text, tag) != 0)
			memset(tag, 0, sizeof(tag));
		cpc_write_bytes(&w, tag, sizeof(tag));
	}
	cpc_element_write_footer(&w, total);
	cpc_assert(!w.failed && w.used == total);
	return total;
}

static u64 max_of(u64 a, u64 b)
{
	return a > b ? a : b;
}

static void count_element(struct cpc_twin_cell *cell, const u8 *data, size_t len)
{
	struct cpc_reader r = cpc_reader_init(data, CPC_ELEMENT_HEADER_BYTES);
	const struct cpc_effects *e = &cell->effects;
	struct cpc_twin_stats *s = &cell->stats;
	struct cpc_header header;

	s->tx_elements++;
	s->tx_bytes += len;
	s->element_max = max_of(s->element_max, len);
	cpc_header_read(&r, &header);
	if (e->element_payload || header.flags & CPC_ELEMENT_ANSWERS)
		return;
	if (e->element_open == 0)
		s->element_idle_max = max_of(s->element_idle_max, len);
	else if (e->element_open == 1)
		s->element_open_max = max_of(s->element_open_max, len);
}

int cpc_twin_make(struct cpc_twin_cell *cell, u64 now_us, bool standalone, u8 *out, size_t room)
{
	size_t trailer = cpc_element_trailer(cell->n), len;
	struct cpc_event event = { .type = CPC_EV_CARRIER };
	int r;

	if (standalone)
		cell->send_due = false;
	if (!cell->keys)
		return 0;
	if (room > CPC_ELEMENT_MAX)
		room = CPC_ELEMENT_MAX;
	if (room < CPC_ELEMENT_HEADER_BYTES + trailer)
		return -ENOSPC;
	event.carrier.data = out;
	event.carrier.room = room - trailer;
	event.carrier.standalone = standalone;
	r = cpc_twin_step(cell, now_us, &event);
	if (r)
		return r;
	if (!cell->effects.element_len)
		return 0;
	len = cpc_twin_seal(cell, out, cell->effects.element_len, ~(u64)0, 0);
	count_element(cell, out, len);
	return (int)len;
}

/* ---- elements in ----------------------------------------------------------------------------- */

static const u8 *drop(struct cpc_twin_cell *cell, enum cpc_twin_drop reason)
{
	cell->stats.drop[reason]++;
	return NULL;
}

/* Finds the element in the frame; false: there is none, or it is dropped. */
static bool locate(struct cpc_twin_cell *cell, const u8 *frame, size_t len, bool standalone,
		   struct cpc_location *ret_at)
{
	struct cpc_location front;

	switch (cpc_element_locate(frame, len, ret_at)) {
	case CPC_LOCATE_NONE:
		return false;
	case CPC_LOCATE_TRUNCATED:
		return drop(cell, CPC_TWIN_TRUNCATED);
	case CPC_LOCATE_OVERSIZED:
		return drop(cell, CPC_TWIN_OVERSIZED);
	case CPC_LOCATE_VERSION:
		return drop(cell, CPC_TWIN_VERSION);
	case CPC_LOCATE_FOUND:
		break;
	}
	/* In front of it there may be elements sent again for others: this program reads none. */
	return !standalone || ret_at->start == 0 ||
	       cpc_element_locate(frame, ret_at->start, &front) == CPC_LOCATE_FOUND;
}

/* Is its tag for us right? */
static bool authentic(struct cpc_twin_cell *cell, const struct cpc_location *at, const u8 *data,
		      size_t sections)
{
	const u8 *tags = data + sections;
	u8 tag[CPC_TAG_BYTES];
	struct cpc_twin_text text;

	tags += cpc_tag_index(at->header.sender, cell->self) * CPC_TAG_BYTES;
	return cpc_twin_text_init(&text, cell->mac, &cell->members, data, sections) == 0 &&
	       cpc_twin_tag(cell->key[at->header.sender], (u8)cell->self, &text, tag) == 0 &&
	       CRYPTO_memcmp(tag, tags, sizeof(tag)) == 0;
}

static void deliver(struct cpc_twin_cell *cell, u64 now_us, const u8 *data, size_t len)
{
	struct cpc_event event = {
		.type = CPC_EV_ELEMENT,
		.element = { .data = data, .len = len },
	};

	switch (cpc_twin_step(cell, now_us, &event)) {
	case 0:
		cell->stats.rx_elements++;
		break;
	case -ESTALE:
		drop(cell, CPC_TWIN_REPLAY);
		break;
	case -EPERM:
		drop(cell, CPC_TWIN_SENDER);
		break;
	default:
		drop(cell, CPC_TWIN_MALFORMED);
		break;
	}
}

const u8 *cpc_twin_take(struct cpc_twin_cell *cell, u64 now_us, const u8 *frame, size_t len,
			bool standalone, size_t *ret_len)
{
	size_t trailer = cpc_element_trailer(cell->n), sections;
	const struct cpc_header *header;
	struct cpc_location at;
	const u8 *data;

	if (!locate(cell, frame, len, standalone, &at))
		return NULL;
	header = &at.header;
	data = frame + at.start;
	if (header->cell != cell->core->config.cell)
		return drop(cell, CPC_TWIN_CELL);
	if (header->epoch != cell->core->config.epoch)
		return drop(cell, CPC_TWIN_EPOCH);
	if (header->sender >= cell->n || header->sender == cell->self)
		return drop(cell, CPC_TWIN_SENDER);
	if (at.len < CPC_ELEMENT_HEADER_BYTES + trailer)
		return drop(cell, CPC_TWIN_TRUNCATED);
	if (!cell->key[header->sender])
		return drop(cell, CPC_TWIN_NO_KEY);
	sections = at.len - trailer;
	if (!authentic(cell, &at, data, sections))
		return drop(cell, CPC_TWIN_MAC);
	deliver(cell, now_us, data, sections);
	*ret_len = sections;
	return data;
}
