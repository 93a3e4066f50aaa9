// SPDX-License-Identifier: BSD-3-Clause
/* draft.c - takes a real element apart, so that a faulty member can change it and send it on. */
#include "tests/sim/sim.h"

bool sim_draft_read(struct sim_draft *d, const u8 *data, size_t len, unsigned int n)
{
	if (cpc_element_decode(data, len, n, &d->e))
		return false;
	d->items_len = d->e.items.left;
	memcpy(d->items, d->e.items.at, d->items_len);
	return true;
}

size_t sim_draft_write(const struct sim_draft *d, unsigned int n, u8 *out, size_t size)
{
	struct cpc_writer w = cpc_writer_init(out, size);
	struct cpc_header header = d->e.header;
	unsigned int i;

	header.flags = (u16)(d->e.records | (d->e.has_have ? CPC_ELEMENT_HAVE : 0) |
			     (d->e.answers ? CPC_ELEMENT_ANSWERS : 0) |
			     (d->e.hears != ~(u64)0 ? CPC_ELEMENT_HEARD : 0));
	cpc_header_write(&w, &header);
	if (d->e.has_have)
		cpc_have_write(&w, d->e.have, n);
	for (i = 0; i < d->e.records; i++)
		cpc_record_write(&w, &d->e.record[i], header.decided);
	if (d->e.answers)
		cpc_write_u8(&w, d->e.answers);
	for (i = 0; i < d->e.answers; i++) {
		cpc_write_u8(&w, d->e.answer[i].lane);
		cpc_write_u8(&w, (u8)(d->e.answer[i].why << 1 | d->e.answer[i].verdict));
		cpc_write_le32(&w, d->e.answer[i].seq);
		cpc_write_bytes(&w, d->e.answer[i].head.b, CPC_DIGEST_BYTES);
	}
	if (d->e.hears != ~(u64)0)
		cpc_heard_write(&w, d->e.hears, n);
	cpc_write_bytes(&w, d->items, d->items_len);
	return w.failed ? 0 : w.used;
}

void sim_draft_add(struct sim_draft *d, u8 type, const void *data, size_t len)
{
	struct cpc_writer w = cpc_writer_init(d->items + d->items_len,
					      sizeof(d->items) - d->items_len);

	cpc_item_write(&w, type, data, len);
	if (!w.failed)
		d->items_len += w.used;
}

void sim_draft_add_cut(struct sim_draft *d, const struct cpc_cut *cut)
{
	u8 bytes[CPC_CUT_BYTES_MAX];
	struct cpc_writer w = cpc_writer_init(bytes, sizeof(bytes));

	cpc_cut_write(&w, cut);
	sim_draft_add(d, CPC_ITEM_CUT, bytes, w.used);
}

struct cpc_state *sim_draft_state(struct sim_draft *d, u32 slot)
{
	struct cpc_element *e = &d->e;
	unsigned int i, at;

	for (at = 0; at < e->records && e->record[at].slot < slot; at++)
		;
	if (at < e->records && e->record[at].slot == slot)
		return &e->record[at].state;
	if (e->records == CPC_OPEN_MAX || slot + CPC_OPEN_MAX - 1 < e->header.decided ||
	    slot > e->header.decided + CPC_OPEN_MAX)
		return NULL;
	for (i = e->records++; i > at; i--)
		e->record[i] = e->record[i - 1];
	memset(&e->record[at], 0, sizeof(e->record[at]));
	e->record[at].slot = slot;
	return &e->record[at].state;
}
