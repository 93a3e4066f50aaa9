// SPDX-License-Identifier: BSD-3-Clause
/* draft.c - an element taken apart and put together; see draft.h. */
#include "tools/cpc-twin/draft.h"

int cpc_draft_read(struct cpc_draft *draft, const u8 *data, size_t len, unsigned int n)
{
	int r = cpc_element_decode(data, len, n, &draft->e);

	if (r)
		return r;
	if (draft->e.items.left > sizeof(draft->items))
		return -EBADMSG;
	draft->items_len = draft->e.items.left;
	memcpy(draft->items, draft->e.items.at, draft->items_len);
	return 0;
}

static void write_answers(const struct cpc_element *e, struct cpc_writer *w)
{
	unsigned int i;

	cpc_write_u8(w, e->answers);
	for (i = 0; i < e->answers; i++) {
		const struct cpc_answer *a = &e->answer[i];

		cpc_write_u8(w, a->lane);
		cpc_write_u8(w, (u8)(a->why << 1 | a->verdict));
		cpc_write_le32(w, a->seq);
		cpc_write_bytes(w, a->head.b, sizeof(a->head.b));
	}
}

int cpc_draft_write(const struct cpc_draft *draft, unsigned int n, u8 *out, size_t size)
{
	const struct cpc_element *e = &draft->e;
	struct cpc_writer w = cpc_writer_init(out, size);
	struct cpc_header header = e->header;
	unsigned int i;

	header.flags = e->records;
	header.flags |= e->has_have ? CPC_ELEMENT_HAVE : 0;
	header.flags |= e->answers ? CPC_ELEMENT_ANSWERS : 0;
	header.flags |= e->hears != ~(u64)0 ? CPC_ELEMENT_HEARD : 0;
	cpc_header_write(&w, &header);
	if (e->has_have)
		cpc_have_write(&w, e->have, n);
	for (i = 0; i < e->records; i++)
		cpc_record_write(&w, &e->record[i], header.decided);
	if (e->answers)
		write_answers(e, &w);
	if (e->hears != ~(u64)0)
		cpc_heard_write(&w, e->hears, n);
	cpc_write_bytes(&w, draft->items, draft->items_len);
	return w.failed ? -ENOSPC : (int)w.used;
}

struct cpc_state *cpc_draft_state(struct cpc_draft *draft, u32 slot)
{
	struct cpc_element *e = &draft->e;
	unsigned int at = 0;

	while (at < e->records && e->record[at].slot < slot)
		at++;
	if (at < e->records && e->record[at].slot == slot)
		return &e->record[at].state;
	/* A record names its slot by the distance to the decided one: -3 .. 4. */
	if (e->records == CPC_OPEN_MAX || slot + CPC_OPEN_MAX <= e->header.decided ||
	    slot > e->header.decided + CPC_OPEN_MAX)
		return NULL;
	memmove(&e->record[at + 1], &e->record[at], (e->records - at) * sizeof(e->record[0]));
	memset(&e->record[at], 0, sizeof(e->record[at]));
	e->record[at].slot = slot;
	e->records++;
	return &e->record[at].state;
}

void cpc_draft_forget(struct cpc_draft *draft, u32 slot)
{
	struct cpc_element *e = &draft->e;
	unsigned int i, kept = 0;

	for (i = 0; i < e->records; i++)
		if (e->record[i].slot != slot)
			e->record[kept++] = e->record[i];
	e->records = (u8)kept;
}

bool cpc_draft_add(struct cpc_draft *draft, u8 type, const void *data, size_t len)
{
	struct cpc_writer w = cpc_writer_init(draft->items, sizeof(draft->items));

	w.used = draft->items_len;
	cpc_item_write(&w, type, data, len);
	if (w.failed)
		return false;
	draft->items_len = w.used;
	return true;
}

bool cpc_draft_add_cut(struct cpc_draft *draft, const struct cpc_cut *cut)
{
	u8 bytes[CPC_CUT_BYTES_MAX];
	struct cpc_writer w = cpc_writer_init(bytes, sizeof(bytes));

	cpc_cut_write(&w, cut);
	return !w.failed && cpc_draft_add(draft, CPC_ITEM_CUT, bytes, w.used);
}
