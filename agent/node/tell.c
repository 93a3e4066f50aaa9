// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/tell.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <cpchain/cursor.h>

#define VERSION 1

static void read_view(struct cpc_reader *r, struct cpc_tell *t)
{
	struct cpc_cell_epoch *v = &t->view;
	unsigned int i, n;

	v->cell = t->cell = cpc_read_le16(r);
	v->epoch = t->epoch = cpc_read_le16(r);
	v->base = cpc_read_le32(r);
	cpc_read_copy(r, v->base_log_hash.b, CPC_HASH_BYTES);
	n = cpc_read_u8(r);
	if (n < CPC_MEMBERS_FEW || n > CPC_MEMBERS_MAX)
		r->failed = true;
	for (i = 0; !r->failed && i < n; i++) {
		uint8_t id[32];

		cpc_read_copy(r, id, sizeof(id));
		if (r->failed || cpc_cell_epoch_find(v, id) >= 0)
			r->failed = true;
		memcpy(v->node_id[i], id, sizeof(id));
		v->n++;
	}
	v->self = CPC_NOT_A_MEMBER;
}

/* A node that is named twice would make a change that nobody can decode (change.h). */
static bool is_named(const struct cpc_tell *t, unsigned int count, const uint8_t node_id[32])
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (memcmp(t->node_id[i], node_id, 32) == 0)
			return true;
	return false;
}

static void read_ask(struct cpc_reader *r, struct cpc_tell *t)
{
	u8 what = cpc_read_u8(r);
	unsigned int i;

	t->what = (enum cpc_ask)what;
	t->cell = cpc_read_le16(r);
	t->epoch = cpc_read_le16(r);
	t->count = cpc_read_u8(r);
	if ((what != CPC_ASK_JOIN && what != CPC_ASK_REENTER) || t->count > CPC_TELL_ASK_MAX ||
	    (what == CPC_ASK_JOIN) != (t->count > 0))
		r->failed = true;
	for (i = 0; !r->failed && i < t->count; i++) {
		cpc_read_copy(r, t->node_id[i], 32);
		if (is_named(t, i, t->node_id[i]))
			r->failed = true;
	}
}

static void read_answer(struct cpc_reader *r, struct cpc_tell *t)
{
	u8 state = cpc_read_u8(r), len;
	unsigned int i;

	t->state = (enum cpc_answer_state)state;
	t->cell = cpc_read_le16(r);
	t->epoch = cpc_read_le16(r);
	len = cpc_read_u8(r);
	if (state < CPC_ANSWER_OPEN || state > CPC_ANSWER_REFUSED || len > CPC_TELL_TEXT_MAX)
		r->failed = true;
	else
		cpc_read_copy(r, t->text, len);
	/* It will be shown: printable ASCII, or not at all. */
	for (i = 0; !r->failed && i < len; i++)
		if (t->text[i] < ' ' || t->text[i] > '~')
			r->failed = true;
}

int cpc_tell_decode(const u8 *data, size_t len, struct cpc_tell *ret_tell)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	u8 type = cpc_read_u8(&r), version = cpc_read_u8(&r);
	struct cpc_tell t = { .type = (enum cpc_tell_type)type };

	if (r.failed || version != VERSION)
		return -EBADMSG;
	switch (t.type) {
	case CPC_TELL_VIEW:
		read_view(&r, &t);
		break;
	case CPC_TELL_ASK:
		read_ask(&r, &t);
		break;
	case CPC_TELL_ANSWER:
		read_answer(&r, &t);
		break;
	case CPC_TELL_WISH:
		t.cell = cpc_read_le16(&r);
		t.epoch = cpc_read_le16(&r);
		t.to = cpc_read_le16(&r);
		if (!t.to)
			r.failed = true;
		break;
	}
	if (type < CPC_TELL_VIEW || type > CPC_TELL_WISH || r.failed || r.left)
		return -EBADMSG;
	if (t.cell == 0 || (t.type == CPC_TELL_VIEW && t.epoch == 0))
		return -EBADMSG;
	*ret_tell = t;
	return 0;
}

size_t cpc_tell_encode(const struct cpc_tell *t, u8 out[CPC_TELL_BYTES_MAX])
{
	struct cpc_writer w = cpc_writer_init(out, CPC_TELL_BYTES_MAX);
	size_t len;

	assert(t->view.n <= CPC_MEMBERS_MAX && t->count <= CPC_TELL_ASK_MAX);
	cpc_write_u8(&w, (u8)t->type);
	cpc_write_u8(&w, VERSION);
	switch (t->type) {
	case CPC_TELL_VIEW:
		cpc_write_le16(&w, t->view.cell);
		cpc_write_le16(&w, t->view.epoch);
		cpc_write_le32(&w, t->view.base);
		cpc_write_bytes(&w, t->view.base_log_hash.b, CPC_HASH_BYTES);
		cpc_write_u8(&w, (u8)t->view.n);
		cpc_write_bytes(&w, t->view.node_id, (size_t)t->view.n * 32);
		break;
	case CPC_TELL_ASK:
		cpc_write_u8(&w, (u8)t->what);
		cpc_write_le16(&w, t->cell);
		cpc_write_le16(&w, t->epoch);
		cpc_write_u8(&w, (u8)t->count);
		if (t->count)
			cpc_write_bytes(&w, t->node_id, (size_t)t->count * 32);
		break;
	case CPC_TELL_ANSWER:
		len = strnlen(t->text, CPC_TELL_TEXT_MAX);
		cpc_write_u8(&w, (u8)t->state);
		cpc_write_le16(&w, t->cell);
		cpc_write_le16(&w, t->epoch);
		cpc_write_u8(&w, (u8)len);
		if (len)
			cpc_write_bytes(&w, t->text, len);
		break;
	case CPC_TELL_WISH:
		cpc_write_le16(&w, t->cell);
		cpc_write_le16(&w, t->epoch);
		cpc_write_le16(&w, t->to);
		break;
	}
	assert(!w.failed);
	return w.used;
}
