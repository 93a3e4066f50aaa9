// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * lane.c - entries and the chains they make (see cpchain/lane.h).
 */
#include <cpchain/change.h>
#include <cpchain/lane.h>
#include <cpchain_element.h>

int cpc_entry_split(const u8 *body, size_t len, unsigned int n, struct cpc_entry *ret_entry)
{
	struct cpc_reader r = cpc_reader_init(body, len);
	struct cpc_entry e;
	unsigned int i;

	cpc_assert(n <= CPC_MEMBERS_MAX);
	memset(&e, 0, sizeof(e));
	e.kind = cpc_read_u8(&r);
	e.author = cpc_read_u8(&r);
	e.seq = cpc_read_le32(&r);
	cpc_read_copy(&r, e.prev.b, sizeof(e.prev.b));
	e.refs = cpc_read_u8(&r);
	if (r.failed || e.kind >= __CPC_ENTRY_KINDS || e.author >= n || !e.seq ||
	    e.refs > CPC_ENTRY_REFS_MAX)
		return -EBADMSG;
	for (i = 0; i < e.refs; i++) {
		e.ref[i].lane = cpc_read_u8(&r);
		e.ref[i].seq = cpc_read_le32(&r);
		cpc_read_copy(&r, e.ref[i].head, sizeof(e.ref[i].head));
		if (e.ref[i].lane >= n || e.ref[i].lane == e.author)
			return -EBADMSG;
	}
	e.len = cpc_read_le16(&r);
	e.data = cpc_read_bytes(&r, e.len);
	if (r.failed || r.left || !e.len || e.len > CPC_ENTRY_DATA_MAX)
		return -EBADMSG;
	*ret_entry = e;
	return 0;
}

int cpc_entry_decode(const u8 *body, size_t len, unsigned int n, struct cpc_entry *ret_entry)
{
	struct cpc_member_change change;
	struct cpc_entry e;
	int err = cpc_entry_split(body, len, n, &e);

	if (!err && e.kind == CPC_ENTRY_CHANGE)
		err = cpc_change_decode(e.data, e.len, n, &change);
	if (!err)
		*ret_entry = e;
	return err;
}

int cpc_entry_encode(const struct cpc_entry *entry, u8 *out, size_t size)
{
	struct cpc_writer w = cpc_writer_init(out, size);
	unsigned int i;

	if (entry->refs > CPC_ENTRY_REFS_MAX || entry->len > CPC_ENTRY_DATA_MAX)
		return -EMSGSIZE;
	cpc_write_u8(&w, entry->kind);
	cpc_write_u8(&w, entry->author);
	cpc_write_le32(&w, entry->seq);
	cpc_write_bytes(&w, entry->prev.b, sizeof(entry->prev.b));
	cpc_write_u8(&w, entry->refs);
	for (i = 0; i < entry->refs; i++) {
		cpc_write_u8(&w, entry->ref[i].lane);
		cpc_write_le32(&w, entry->ref[i].seq);
		cpc_write_bytes(&w, entry->ref[i].head, sizeof(entry->ref[i].head));
	}
	cpc_write_le16(&w, entry->len);
	cpc_write_bytes(&w, entry->data, entry->len);
	return w.failed ? -EMSGSIZE : (int)w.used;
}

void cpc_entry_hash(cpc_hash_fn hash, const struct cpc_hash *members, const u8 *body, size_t len,
		    struct cpc_digest *ret_hash)
{
	u8 buffer[1 + CPC_HASH_BYTES + CPC_BODY_MAX];
	struct cpc_writer w = cpc_writer_init(buffer, sizeof(buffer));
	u8 out[CPC_HASH_BYTES];

	cpc_write_u8(&w, 'E');
	cpc_write_bytes(&w, members->b, sizeof(members->b));
	cpc_write_bytes(&w, body, len);
	cpc_assert(!w.failed);
	hash(buffer, w.used, out);
	memcpy(ret_hash->b, out, sizeof(ret_hash->b));
}

static struct cpc_held_entry *place(struct cpc_lane *lane, u32 seq)
{
	return &lane->entry[seq % CPC_LANE_RING];
}

const struct cpc_held_entry *cpc_lane_get(const struct cpc_lane *lane, u32 seq)
{
	const struct cpc_held_entry *e = &lane->entry[seq % CPC_LANE_RING];

	return e->held && e->seq == seq ? e : NULL;
}

static struct cpc_held_entry *get(struct cpc_lane *lane, u32 seq)
{
	struct cpc_held_entry *e = place(lane, seq);

	return e->held && e->seq == seq ? e : NULL;
}

/* The hash that the entry @seq + 1 must name as its predecessor, or NULL if unknown. */
static const struct cpc_digest *hash_at(const struct cpc_lane *lane, u32 seq)
{
	const struct cpc_held_entry *e;

	if (seq == lane->frontier)
		return &lane->frontier_head;
	e = cpc_lane_get(lane, seq);
	return e ? &e->hash : NULL;
}

/* Where the unbroken chain from the frontier ends. */
static void update_last(struct cpc_lane *lane)
{
	u32 seq = lane->frontier;

	while (seq - lane->frontier < CPC_LANE_WINDOW) {
		const struct cpc_held_entry *next = cpc_lane_get(lane, seq + 1);
		const struct cpc_digest *before = hash_at(lane, seq);

		if (!next || !before || !cpc_digest_equal(&next->prev, before))
			break;
		seq++;
	}
	lane->last = seq;
}

/*
 * A direct entry's neighbours: relayed ones that do not chain with it were somebody's invention (or
 * belong to another branch, which only a decided cut can bring back).
 */
static void drop_relayed_around(struct cpc_lane *lane, u32 seq, const struct cpc_digest *prev,
				const struct cpc_digest *hash)
{
	struct cpc_held_entry *before = seq - 1 > lane->frontier ? get(lane, seq - 1) : NULL;
	struct cpc_held_entry *after = get(lane, seq + 1);

	if (before && before->held == CPC_HELD_RELAYED && !cpc_digest_equal(&before->hash, prev))
		before->held = CPC_HELD_NO;
	if (after && after->held == CPC_HELD_RELAYED && !cpc_digest_equal(&after->prev, hash))
		after->held = CPC_HELD_NO;
}

/* May a relayed entry be kept where nothing is held yet? */
static bool relayed_fits(const struct cpc_lane *lane, const struct cpc_entry *entry,
			 const struct cpc_digest *hash, const struct cpc_digest *expected)
{
	const struct cpc_digest *before = hash_at(lane, entry->seq - 1);
	const struct cpc_held_entry *after = cpc_lane_get(lane, entry->seq + 1);

	if (expected)
		return cpc_digest_equal(expected, hash);
	if (lane->strict)
		return after && cpc_digest_equal(&after->prev, hash);
	if (after && !cpc_digest_equal(&after->prev, hash))
		return false;
	return !before || cpc_digest_equal(before, &entry->prev);
}

enum cpc_lane_put cpc_lane_put(struct cpc_lane *lane, const struct cpc_entry *entry, const u8 *body,
			       size_t len, const struct cpc_digest *hash, bool direct,
			       const struct cpc_digest *expected, u64 now_us)
{
	struct cpc_held_entry *e = place(lane, entry->seq);
	struct cpc_held_entry *held = get(lane, entry->seq);
	bool same = held && cpc_digest_equal(&held->hash, hash);

	cpc_assert(len <= CPC_BODY_MAX);
	if (same) {
		held->air_us = now_us;
		if (!direct || held->held == CPC_HELD_DIRECT)
			return CPC_PUT_KNOWN;
		held->held = CPC_HELD_DIRECT;
		return CPC_PUT_STORED;
	}
	if (direct && held && held->held == CPC_HELD_DIRECT) {
		lane->forked = true;
		return CPC_PUT_FORK;
	}
	if (entry->seq <= lane->frontier || entry->seq - lane->frontier > CPC_LANE_AHEAD)
		return CPC_PUT_IGNORED;
	/*
	 * In strict mode the lane's author has shown one thing here and another elsewhere, and the
	 * log went the other way: its word is then worth no more than anyone's.
	 */
	if (direct && lane->strict)
		direct = false;
	if (!direct && held && !(expected && cpc_digest_equal(expected, hash)))
		return CPC_PUT_IGNORED;
	if (!direct && !relayed_fits(lane, entry, hash, expected))
		return CPC_PUT_IGNORED;
	if (direct)
		drop_relayed_around(lane, entry->seq, &entry->prev, hash);
	e->held = direct ? CPC_HELD_DIRECT : CPC_HELD_RELAYED;
	e->kind = entry->kind;
	e->len = (u16)len;
	e->seq = entry->seq;
	e->prev = entry->prev;
	e->hash = *hash;
	e->since_us = now_us;
	e->air_us = now_us;
	memcpy(e->body, body, len);
	update_last(lane);
	return CPC_PUT_STORED;
}

u32 cpc_lane_vouched(const struct cpc_lane *lane)
{
	u32 seq = lane->last;

	cpc_assert(lane->last >= lane->frontier);
	while (seq > lane->frontier && cpc_lane_get(lane, seq)->held != CPC_HELD_DIRECT)
		seq--;
	return seq;
}

bool cpc_lane_holds(const struct cpc_lane *lane, u32 seq, const struct cpc_digest *head)
{
	const struct cpc_digest *at;

	cpc_assert(lane->last >= lane->frontier);
	if (seq < lane->frontier || seq > lane->last)
		return false;
	at = hash_at(lane, seq);
	return at && cpc_digest_equal(at, head);
}

void cpc_lane_advance(struct cpc_lane *lane, u32 seq, const struct cpc_digest *head)
{
	cpc_assert(seq > lane->frontier && cpc_lane_holds(lane, seq, head));
	lane->frontier = seq;
	lane->frontier_head = *head;
	lane->strict = false;
	update_last(lane);
}

void cpc_lane_prune(struct cpc_lane *lane, u32 seq, const struct cpc_digest *head)
{
	const struct cpc_digest *want = head;

	cpc_assert(seq - lane->frontier <= CPC_LANE_WINDOW);
	for (; seq > lane->frontier; seq--) {
		struct cpc_held_entry *e = get(lane, seq);

		if (!e)
			break;
		if (!cpc_digest_equal(&e->hash, want)) {
			e->held = CPC_HELD_NO;
			lane->strict = true;
			break;
		}
		want = &e->prev;
	}
	update_last(lane);
}

void cpc_lane_jump(struct cpc_lane *lane, u32 seq, const struct cpc_digest *head)
{
	u32 i;

	cpc_assert(seq >= lane->frontier);
	/* What was held beyond may stay if it chains; what is below was never verified. */
	for (i = 0; i < CPC_LANE_RING; i++)
		if (lane->entry[i].held && lane->entry[i].seq <= seq)
			lane->entry[i].held = CPC_HELD_NO;
	lane->frontier = seq;
	lane->frontier_head = *head;
	lane->strict = false;
	update_last(lane);
}
