// SPDX-License-Identifier: BSD-3-Clause
/*
 * read_io.c - reading the decided log: whole decisions for peers, entries for people.
 */
#include <assert.h>
#include <errno.h>

#include "agent/log/store_private.h"

/* Copies a blob of exactly @len bytes; anything else is a damaged file. */
static bool take_blob(sqlite3_stmt *s, int column, void *out, size_t len)
{
	if (sqlite3_column_bytes(s, column) != (int)len)
		return false;
	memcpy(out, sqlite3_column_blob(s, column), len);
	return true;
}

static int damaged(u32 slot, struct cpc_error *error)
{
	cpc_error_set(error, "database: slot %u is damaged", slot);
	return -EIO;
}

/* The newest slot up to @slot. 1, 0: none, -EIO. */
static int load_slot(struct cpc_store *store, u32 slot, struct cpc_log_decision *d,
		     struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_SLOT_GET);
	bool good;
	int r;

	sqlite3_bind_int64(s, 2, slot);
	r = sqlite3_step(s);
	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return cpc_store_fail(store, "read slot", error);
	d->slot = (u32)sqlite3_column_int64(s, 0);
	d->is_void = sqlite3_column_int(s, 3);
	d->lanes = 0;
	good = take_blob(s, 1, d->value.b, sizeof(d->value.b)) &&
	       take_blob(s, 2, d->log_hash.b, sizeof(d->log_hash.b));
	sqlite3_reset(s);
	return good ? 1 : damaged(d->slot, error);
}

static int load_cuts(struct cpc_store *store, struct cpc_log_decision *d, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CUTS_GET);
	int r;

	sqlite3_bind_int64(s, 2, d->slot);
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		struct cpc_log_lane *lane = &d->lane[d->lanes];

		if (d->lanes == CPC_CUT_LANES_MAX)
			break;
		memset(lane, 0, sizeof(*lane));
		lane->lane = (u8)sqlite3_column_int(s, 0);
		lane->from = (u32)sqlite3_column_int64(s, 1);
		lane->seq = (u32)sqlite3_column_int64(s, 2);
		lane->accepted = (u16)sqlite3_column_int(s, 3);
		if (!take_blob(s, 4, lane->head.b, sizeof(lane->head.b)) ||
		    lane->seq < lane->from || lane->seq - lane->from >= CPC_LOG_ENTRIES_MAX)
			break;
		d->lanes++;
	}
	sqlite3_reset(s);
	return r == SQLITE_DONE ? 0 : damaged(d->slot, error);
}

static struct cpc_log_entry *find_entry(struct cpc_log_decision *d, int lane, u32 seq)
{
	unsigned int i;

	for (i = 0; i < d->lanes; i++)
		if (d->lane[i].lane == lane && seq >= d->lane[i].from && seq <= d->lane[i].seq)
			return &d->lane[i].entry[seq - d->lane[i].from];
	return NULL;
}

/* Bodies into the arena, which has the room of the largest decision and so does not move. */
static int load_bodies(struct cpc_store *store, struct cpc_log_decision *d,
		       struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_ENTRIES_GET);
	unsigned int i, wanted = 0;
	uint8_t *bytes;
	int r;

	cpc_buffer_truncate(&store->arena, 0);
	r = cpc_buffer_extend(&store->arena, CPC_DECISION_BYTES_MAX, &bytes);
	if (r < 0)
		return r;
	for (i = 0; i < d->lanes; i++)
		wanted += d->lane[i].seq - d->lane[i].from + 1;
	sqlite3_bind_int64(s, 2, d->slot);
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		struct cpc_log_entry *entry = find_entry(d, sqlite3_column_int(s, 0),
							 (u32)sqlite3_column_int64(s, 1));
		size_t len = (size_t)sqlite3_column_bytes(s, 2);

		if (!entry || entry->body || len == 0 || len > CPC_BODY_MAX || wanted == 0)
			break;
		memcpy(bytes, sqlite3_column_blob(s, 2), len);
		entry->body = bytes;
		entry->len = len;
		bytes += len;
		wanted--;
	}
	sqlite3_reset(s);
	return r == SQLITE_DONE && wanted == 0 ? 0 : damaged(d->slot, error);
}

int cpc_store_get(struct cpc_store *store, u32 slot, struct cpc_log_decision *ret_decision,
		   struct cpc_error *error)
{
	int r = load_slot(store, slot, ret_decision, error);

	if (r <= 0 || ret_decision->slot != slot)
		return r < 0 ? r : 0;
	r = load_cuts(store, ret_decision, error);
	if (r == 0)
		r = load_bodies(store, ret_decision, error);
	return r < 0 ? r : 1;
}

/* The epoch's last slot, if a change of members was decided by @slot. */
static int find_end(struct cpc_store *store, u32 slot, u32 *ret_end)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CHANGE);
	int r;

	sqlite3_bind_int64(s, 3, slot);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		*ret_end = (u32)sqlite3_column_int64(s, 0) + CPC_CHANGE_DELAY;
	sqlite3_reset(s);
	return r == SQLITE_ROW ? 0 : -EBADMSG;
}

int cpc_store_tip_at(struct cpc_store *store, u32 slot, struct cpc_log_tip *ret_tip,
		     struct cpc_error *error)
{
	struct cpc_log_tip tip;
	struct cpc_log_decision d;
	unsigned int lane;
	int r;

	if (slot != UINT32_MAX && slot > store->tip.slot)
		return -ENOENT;
	cpc_log_tip_init(&tip, store->tip.n, &store->tip.members);
	tip.slot = store->epoch.base;
	r = load_slot(store, slot, &d, error);
	if (r < 0)
		return r;
	if (r > 0) {
		tip.slot = d.slot;
		tip.value = d.value;
		tip.log_hash = d.log_hash;
	}
	r = find_end(store, slot, &tip.end);
	if (r < 0)
		return damaged(slot, error);
	for (lane = 0; lane < tip.n; lane++) {
		sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_FRONTIER);

		sqlite3_bind_int(s, 2, (int)lane);
		sqlite3_bind_int64(s, 3, slot);
		r = sqlite3_step(s);
		if (r == SQLITE_ROW) {
			tip.seq[lane] = (u32)sqlite3_column_int64(s, 0);
			if (!take_blob(s, 1, tip.head[lane].b, CPC_DIGEST_BYTES))
				r = SQLITE_CORRUPT;
		}
		sqlite3_reset(s);
		if (r != SQLITE_ROW && r != SQLITE_DONE)
			return damaged(slot, error);
	}
	*ret_tip = tip;
	return 0;
}

static int encode(struct cpc_store *store, u32 after_slot, unsigned int limit,
		  struct cpc_buffer *out, struct cpc_error *error)
{
	struct cpc_log_decision d;
	unsigned int count = 0;
	int r;

	while (count < limit) {
		r = cpc_store_get(store, after_slot + 1 + count, &d, error);
		if (r > 0)
			r = cpc_decision_encode(&d, out);
		else
			return r < 0 ? r : (int)count;
		if (r == -ENOBUFS)
			break;
		if (r < 0)
			return r;
		count++;
	}
	return (int)count;
}

int cpc_store_encode(struct cpc_store *store, u16 cell, u16 epoch, u32 after_slot,
		     unsigned int limit, struct cpc_buffer *out, struct cpc_error *error)
{
	int64_t selected = store->cell;
	struct cpc_store_found found;
	int r = cpc_store_find(store, cell, epoch, &found, error);

	if (r <= 0)
		return r;
	store->cell = found.row;
	r = encode(store, after_slot, limit, out, error);
	store->cell = selected;
	return r;
}

/* Rows of one epoch; *@stop when fn wants no more. */
static int epoch_rows(struct cpc_store *store, int64_t cell, int lane, unsigned int limit,
		      struct cpc_store_place *place, cpc_store_row_fn fn, void *ctx, int *stop,
		      struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, lane < 0 ? CPC_SQL_ROWS : CPC_SQL_ROWS_LANE);
	int r = SQLITE_DONE, count = 0;

	sqlite3_bind_int64(s, 1, cell);
	sqlite3_bind_int64(s, 2, place->slot);
	sqlite3_bind_int(s, 3, place->lane);
	sqlite3_bind_int64(s, 4, place->seq);
	sqlite3_bind_int64(s, 5, limit);
	if (lane >= 0)
		sqlite3_bind_int(s, 6, lane);
	while (!*stop && (r = sqlite3_step(s)) == SQLITE_ROW) {
		struct cpc_store_row row = {
			.epoch = place->epoch,
			.slot = (u32)sqlite3_column_int64(s, 0),
			.lane = (u8)sqlite3_column_int(s, 1),
			.seq = (u32)sqlite3_column_int64(s, 2),
			.kind = (u8)sqlite3_column_int(s, 3),
			.accepted = sqlite3_column_int(s, 4),
			.time_ms = sqlite3_column_int64(s, 5),
			.body = sqlite3_column_blob(s, 6),
			.len = (size_t)sqlite3_column_bytes(s, 6),
		};

		*place = (struct cpc_store_place){ row.epoch, row.slot, row.lane, row.seq };
		count++;
		*stop = fn(ctx, &row);
	}
	if (!*stop && r != SQLITE_DONE)
		count = cpc_store_fail(store, "read entries", error);
	sqlite3_reset(s);
	return count;
}

/* That author's lane in an epoch: -1 without one (all lanes); -ENOENT: it was no member. */
static int lane_of(struct cpc_store *store, u16 epoch, const uint8_t *author, int *ret_lane,
		   struct cpc_error *error)
{
	struct cpc_cell_epoch found;
	int r;

	*ret_lane = -1;
	if (!author)
		return 0;
	r = cpc_store_epoch(store, store->epoch.cell, epoch, &found, error);
	if (r < 0)
		return r;
	*ret_lane = cpc_cell_epoch_find(&found, author);
	return *ret_lane < 0 ? -ENOENT : 0;
}

int cpc_store_rows(struct cpc_store *store, const uint8_t *author, unsigned int limit,
		   struct cpc_store_place *place, cpc_store_row_fn fn, void *ctx,
		   struct cpc_error *error)
{
	unsigned int count = 0;
	int64_t row;
	int r, lane, stop = 0;
	u16 epoch;

	/* The epoch that the place is in, or the first one behind it. Slots go on over epochs. */
	r = cpc_store_chain(store, CPC_SQL_CHAIN_NEXT, place->epoch ? place->epoch - 1 : 0, &row,
			    &epoch, error);
	while (r > 0 && !stop && count < limit) {
		place->epoch = epoch;
		r = lane_of(store, epoch, author, &lane, error);
		if (r == 0)
			r = epoch_rows(store, row, lane, limit - count, place, fn, ctx, &stop,
				       error);
		if (r < 0 && r != -ENOENT)
			return r;
		count += r > 0 ? (unsigned int)r : 0;
		if (!stop && count < limit)
			r = cpc_store_chain(store, CPC_SQL_CHAIN_NEXT, epoch, &row, &epoch, error);
	}
	return r < 0 && r != -ENOENT ? r : (int)count;
}

/* The place before the last @count rows of one epoch: 1, 0: it has no more than that. */
static int epoch_last(struct cpc_store *store, int64_t cell, int lane, unsigned int count,
		      struct cpc_store_place *place, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, lane < 0 ? CPC_SQL_LAST : CPC_SQL_LAST_LANE);
	int r;

	sqlite3_bind_int64(s, 1, cell);
	sqlite3_bind_int64(s, 2, count);
	if (lane >= 0)
		sqlite3_bind_int(s, 3, lane);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		place->slot = (u32)sqlite3_column_int64(s, 0);
		place->lane = (u8)sqlite3_column_int(s, 1);
		place->seq = (u32)sqlite3_column_int64(s, 2);
	}
	sqlite3_reset(s);
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return cpc_store_fail(store, "find the last entries", error);
	return r == SQLITE_ROW;
}

static int count_rows(struct cpc_store *store, int64_t cell, int lane, unsigned int *ret_count,
		      struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_COUNT_ROWS);
	int r;

	sqlite3_bind_int64(s, 1, cell);
	sqlite3_bind_int(s, 2, lane);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		*ret_count = (unsigned int)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return r == SQLITE_ROW ? 0 : cpc_store_fail(store, "count entries", error);
}

int cpc_store_last(struct cpc_store *store, const uint8_t *author, unsigned int count,
		   struct cpc_store_place *ret_place, struct cpc_error *error)
{
	struct cpc_store_place place = { .epoch = store->epoch.epoch };
	int64_t row = store->cell;
	unsigned int rows;
	int r, lane, more = 1;

	while (more > 0) {
		place = (struct cpc_store_place){ .epoch = place.epoch };
		r = lane_of(store, place.epoch, author, &lane, error);
		if (r == 0)
			r = epoch_last(store, row, lane, count, &place, error);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r > 0)
			break;
		rows = 0;
		r = r == 0 ? count_rows(store, row, lane, &rows, error) : 0;
		if (r < 0)
			return r;
		count -= rows < count ? rows : count;
		more = count ? cpc_store_chain(store, CPC_SQL_CHAIN_BEFORE, place.epoch, &row,
					       &place.epoch, error) : 0;
	}
	if (more < 0)
		return more;
	*ret_place = place;
	return 0;
}
