// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * element.c - the codec of the element (see uapi/cpchain_element.h for the layout).
 *
 * Everything here may be fed by anybody with a radio: all reads go through the cursor, all counts
 * are bounded before they are used, and a record that no correct member could send is malformed.
 */
#include <cpchain/element.h>
#include <cpchain_nl.h>

enum record_bits {
	SHAPE_SLOT = 0x07,
	SHAPE_SLOT_BIAS = CPC_OPEN_MAX - 1,	/* slots decided here, but not yet by a quorum */
	SHAPE_VALUES = 0x78,
	SHAPE_VALUES_SHIFT = 3,
	SHAPE_FROZEN = 0x80,
	VOTES_PHASES = 0x0f,
	VOTES_LATER = 0x10,	/* phases 2..4 are for value 1 */
	FROZEN_VALUE = 0x07,
	FROZEN_AGE_SHIFT = 3,
	FROZEN_AGE_FAR = 31,	/* the view follows in its own byte */
	FROZEN_VOTES = CPC_PHASES + 2,
};

void cpc_header_read(struct cpc_reader *r, struct cpc_header *ret_header)
{
	ret_header->version = cpc_read_u8(r);
	ret_header->sender = cpc_read_u8(r);
	ret_header->cell = cpc_read_le16(r);
	ret_header->epoch = cpc_read_le16(r);
	ret_header->flags = cpc_read_le16(r);
	ret_header->counter = cpc_read_le32(r);
	ret_header->decided = cpc_read_le32(r);
	cpc_read_copy(r, ret_header->log_hash, sizeof(ret_header->log_hash));
}

void cpc_header_write(struct cpc_writer *w, const struct cpc_header *header)
{
	cpc_write_u8(w, header->version);
	cpc_write_u8(w, header->sender);
	cpc_write_le16(w, header->cell);
	cpc_write_le16(w, header->epoch);
	cpc_write_le16(w, header->flags);
	cpc_write_le32(w, header->counter);
	cpc_write_le32(w, header->decided);
	cpc_write_bytes(w, header->log_hash, sizeof(header->log_hash));
}

enum cpc_locate cpc_element_footer(const u8 footer[CPC_ELEMENT_FOOTER_BYTES], size_t frame_len,
				   size_t *ret_len)
{
	struct cpc_reader r = cpc_reader_init(footer, CPC_ELEMENT_FOOTER_BYTES);
	size_t len = cpc_read_le16(&r);

	if (cpc_read_le16(&r) != CPC_ELEMENT_MAGIC)
		return CPC_LOCATE_NONE;
	if (len > CPC_ELEMENT_MAX)
		return CPC_LOCATE_OVERSIZED;
	if (len > frame_len ||
	    len < CPC_ELEMENT_HEADER_BYTES + cpc_element_trailer(CPC_MEMBERS_FEW))
		return CPC_LOCATE_TRUNCATED;
	*ret_len = len;
	return CPC_LOCATE_FOUND;
}

enum cpc_locate cpc_element_locate(const u8 *frame, size_t len, struct cpc_location *ret_location)
{
	struct cpc_location at;
	struct cpc_reader r;
	enum cpc_locate found;

	if (len < CPC_ELEMENT_FOOTER_BYTES)
		return CPC_LOCATE_NONE;
	found = cpc_element_footer(frame + len - CPC_ELEMENT_FOOTER_BYTES, len, &at.len);
	if (found != CPC_LOCATE_FOUND)
		return found;
	at.start = len - at.len;
	r = cpc_reader_init(frame + at.start, at.len);
	cpc_header_read(&r, &at.header);
	cpc_assert(!r.failed);
	if (at.header.version != CPC_ELEMENT_VERSION)
		return CPC_LOCATE_VERSION;
	*ret_location = at;
	return CPC_LOCATE_FOUND;
}

void cpc_element_write_footer(struct cpc_writer *w, size_t element_len)
{
	cpc_assert(element_len <= CPC_ELEMENT_MAX);
	cpc_write_le16(w, (u16)element_len);
	cpc_write_le16(w, CPC_ELEMENT_MAGIC);
}

/* The values that a record names, each once. */
struct values {
	u8 used;
	const struct cpc_digest *value[CPC_VALUES_MAX];
};

static u8 value_index(struct values *values, const struct cpc_digest *value)
{
	u8 i;

	for (i = 0; i < values->used; i++)
		if (cpc_digest_equal(values->value[i], value))
			return i;
	cpc_assert(values->used < CPC_VALUES_MAX);
	values->value[values->used] = value;
	return values->used++;
}

/* The frozen votes in wire order: highest of phases 1..4, then second of phases 1..2. */
static const struct cpc_vote *frozen_vote(const struct cpc_state *s, unsigned int i)
{
	return i < CPC_PHASES ? &s->high[i] : &s->second[i - CPC_PHASES];
}

void cpc_record_write(struct cpc_writer *w, const struct cpc_slot_record *record, u32 decided)
{
	const struct cpc_state *s = &record->state;
	struct values values = { 0 };
	u8 index[FROZEN_VOTES] = { 0 };
	u8 votes = s->voted, mask = 0;
	unsigned int i;

	cpc_assert(record->slot + SHAPE_SLOT_BIAS - decided <= SHAPE_SLOT);
	/* Phase 1's value comes first, so that only "are the later ones the same" needs a bit. */
	if (cpc_voted(s, CPC_PHASE_1))
		value_index(&values, &s->first);
	if ((s->voted & ~1u) && value_index(&values, &s->later) == 1)
		votes |= VOTES_LATER;
	for (i = 0; i < FROZEN_VOTES; i++) {
		if (!frozen_vote(s, i)->set)
			continue;
		mask |= 1u << i;
		index[i] = value_index(&values, &frozen_vote(s, i)->value);
	}
	cpc_write_u8(w, (u8)((record->slot + SHAPE_SLOT_BIAS - decided) |
			     values.used << SHAPE_VALUES_SHIFT | (mask ? SHAPE_FROZEN : 0)));
	cpc_write_u8(w, s->view);
	cpc_write_u8(w, votes);
	for (i = 0; i < values.used; i++)
		cpc_write_bytes(w, values.value[i]->b, CPC_DIGEST_BYTES);
	if (!mask)
		return;
	cpc_write_u8(w, mask);
	for (i = 0; i < FROZEN_VOTES; i++) {
		const struct cpc_vote *vote = frozen_vote(s, i);
		u8 age = (u8)(s->view - 1 - vote->view);

		if (!vote->set)
			continue;
		if (age >= FROZEN_AGE_FAR)
			age = FROZEN_AGE_FAR;
		cpc_write_u8(w, (u8)(index[i] | age << FROZEN_AGE_SHIFT));
		if (age == FROZEN_AGE_FAR)
			cpc_write_u8(w, vote->view);
	}
}

static int read_frozen(struct cpc_reader *r, const struct cpc_digest *values, unsigned int count,
		       struct cpc_state *s)
{
	u8 mask = cpc_read_u8(r);
	unsigned int i;

	if (!mask || mask >> FROZEN_VOTES)
		return -EBADMSG;
	for (i = 0; i < FROZEN_VOTES; i++) {
		struct cpc_vote *vote = i < CPC_PHASES ? &s->high[i] : &s->second[i - CPC_PHASES];
		u8 byte, age;

		if (!(mask & 1u << i))
			continue;
		byte = cpc_read_u8(r);
		age = byte >> FROZEN_AGE_SHIFT;
		if ((byte & FROZEN_VALUE) >= count)
			return -EBADMSG;
		if (age != FROZEN_AGE_FAR && age + 1 > s->view)
			return -EBADMSG;
		vote->set = true;
		vote->value = values[byte & FROZEN_VALUE];
		vote->view = age == FROZEN_AGE_FAR ? cpc_read_u8(r) : (u8)(s->view - 1 - age);
	}
	return 0;
}

int cpc_record_read(struct cpc_reader *r, u32 decided, struct cpc_slot_record *ret_record)
{
	struct cpc_digest values[CPC_VALUES_MAX];
	struct cpc_slot_record record;
	struct cpc_state *s = &record.state;
	unsigned int i, count, later;
	u8 shape, votes;

	memset(&record, 0, sizeof(record));
	shape = cpc_read_u8(r);
	s->view = cpc_read_u8(r);
	votes = cpc_read_u8(r);
	count = (shape & SHAPE_VALUES) >> SHAPE_VALUES_SHIFT;
	if (votes & ~(VOTES_PHASES | VOTES_LATER) || count > CPC_VALUES_MAX)
		return -EBADMSG;
	record.slot = decided + (shape & SHAPE_SLOT) - SHAPE_SLOT_BIAS;
	if (record.slot == 0 || record.slot > (u64)decided + CPC_OPEN_MAX)
		return -EBADMSG;
	for (i = 0; i < count; i++)
		cpc_read_copy(r, values[i].b, CPC_DIGEST_BYTES);
	s->voted = votes & VOTES_PHASES;
	later = votes & VOTES_LATER ? 1 : 0;
	if (cpc_voted(s, CPC_PHASE_1)) {
		if (count < 1)
			return -EBADMSG;
		s->first = values[0];
	}
	if (s->voted & ~1u) {
		if (later >= count)
			return -EBADMSG;
		s->later = values[later];
	} else if (later) {
		return -EBADMSG;
	}
	if (shape & SHAPE_FROZEN && read_frozen(r, values, count, s))
		return -EBADMSG;
	if (r->failed || !cpc_state_sane(s))
		return -EBADMSG;
	*ret_record = record;
	return 0;
}

void cpc_have_write(struct cpc_writer *w, const u8 *have, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i += 2) {
		u8 low = have[i], high = i + 1 < n ? have[i + 1] : 0;

		cpc_assert(low <= CPC_LANE_WINDOW && high <= CPC_LANE_WINDOW);
		cpc_write_u8(w, (u8)(low | high << 4));
	}
}

static void read_have(struct cpc_reader *r, u8 *have, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i += 2) {
		u8 byte = cpc_read_u8(r);

		have[i] = byte & 0x0f;
		if (i + 1 < n)
			have[i + 1] = byte >> 4;
	}
}

static int read_answers(struct cpc_reader *r, unsigned int n, struct cpc_element *e)
{
	unsigned int i;

	e->answers = cpc_read_u8(r);
	if (!e->answers || e->answers > CPC_ANSWERS_MAX)
		return -EBADMSG;
	for (i = 0; i < e->answers; i++) {
		struct cpc_answer *a = &e->answer[i];

		a->lane = cpc_read_u8(r);
		a->why = cpc_read_u8(r);
		a->verdict = a->why & 1;
		a->why >>= 1;
		a->seq = cpc_read_le32(r);
		cpc_read_copy(r, a->head.b, sizeof(a->head.b));
		if (a->lane >= n || !a->seq)
			return -EBADMSG;
	}
	return 0;
}

void cpc_heard_write(struct cpc_writer *w, u64 heard, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i += 8)
		cpc_write_u8(w, (u8)(heard >> i));
}

static int read_heard(struct cpc_reader *r, unsigned int n, u64 *ret_heard)
{
	unsigned int i;
	u64 heard = 0;

	for (i = 0; i < n; i += 8)
		heard |= (u64)cpc_read_u8(r) << i;
	if (n < 64 && heard >> n)
		return -EBADMSG;
	*ret_heard = heard;
	return 0;
}

int cpc_element_decode(const u8 *data, size_t len, unsigned int n, struct cpc_element *ret_element)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_element *e = ret_element;
	unsigned int i;

	cpc_assert(n >= CPC_MEMBERS_FEW && n <= CPC_MEMBERS_MAX);
	memset(e, 0, sizeof(*e));
	cpc_header_read(&r, &e->header);
	if (r.failed || e->header.version != CPC_ELEMENT_VERSION || e->header.sender >= n ||
	    e->header.flags & ~CPC_ELEMENT_FLAGS_KNOWN)
		return -EBADMSG;
	e->has_have = e->header.flags & CPC_ELEMENT_HAVE;
	if (e->has_have)
		read_have(&r, e->have, n);
	e->records = e->header.flags & CPC_ELEMENT_SLOTS;
	if (e->records > CPC_OPEN_MAX)
		return -EBADMSG;
	for (i = 0; i < e->records; i++) {
		if (cpc_record_read(&r, e->header.decided, &e->record[i]))
			return -EBADMSG;
		if (i && e->record[i].slot <= e->record[i - 1].slot)
			return -EBADMSG;
	}
	if (e->header.flags & CPC_ELEMENT_ANSWERS && read_answers(&r, n, e))
		return -EBADMSG;
	e->hears = ~(u64)0;
	if (e->header.flags & CPC_ELEMENT_HEARD && read_heard(&r, n, &e->hears))
		return -EBADMSG;
	if (r.failed)
		return -EBADMSG;
	e->items = r;
	return 0;
}

int cpc_element_item(struct cpc_reader *items, struct cpc_item *ret_item)
{
	struct cpc_item item;

	if (!items->failed && !items->left)
		return 0;
	item.type = cpc_read_u8(items);
	item.len = cpc_read_le16(items);
	item.data = cpc_read_bytes(items, item.len);
	if (items->failed)
		return -EBADMSG;
	*ret_item = item;
	return 1;
}

void cpc_item_write(struct cpc_writer *w, u8 type, const void *data, size_t len)
{
	cpc_assert(len <= CPC_ELEMENT_MAX);
	cpc_write_u8(w, type);
	cpc_write_le16(w, (u16)len);
	cpc_write_bytes(w, data, len);
}
