// SPDX-License-Identifier: BSD-3-Clause
/*
 * store_io.c - the database of the decided log: open, join a cell, write decisions.
 */
#include "agent/log/store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "agent/log/schema.h"
#include "agent/util/cleanup.h"

int cpc_store_fail(struct cpc_store *store, const char *what, struct cpc_error *error)
{
	int code = sqlite3_extended_errcode(store->db);

	cpc_error_set(error, "database: %s: %s (SQLite %d)", what, sqlite3_errmsg(store->db), code);
	return (code & 0xff) == SQLITE_BUSY ? -EBUSY : -EIO;
}

sqlite3_stmt *cpc_store_statement(struct cpc_store *store, enum cpc_sql which)
{
	sqlite3_stmt *s = store->statement[which];

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	if (sqlite3_bind_parameter_count(s) > 0)
		sqlite3_bind_int64(s, 1, store->cell);
	return s;
}

int cpc_store_run(struct cpc_store *store, sqlite3_stmt *statement, struct cpc_error *error)
{
	int r;

	do
		r = sqlite3_step(statement);
	while (r == SQLITE_ROW);
	if (r != SQLITE_DONE) {
		r = cpc_store_fail(store, sqlite3_sql(statement), error);
		sqlite3_reset(statement);
		return r;
	}
	sqlite3_reset(statement);
	return 0;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int exec(struct cpc_store *store, const char *sql, struct cpc_error *error)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return cpc_store_fail(store, sql, error);
	return 0;
}

static int pragma_number(struct cpc_store *store, const char *sql, int *ret_number,
			 struct cpc_error *error)
{
	sqlite3_stmt *s;
	int r = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &s, NULL) != SQLITE_OK)
		return cpc_store_fail(store, sql, error);
	if (sqlite3_step(s) == SQLITE_ROW)
		*ret_number = sqlite3_column_int(s, 0);
	else
		r = cpc_store_fail(store, sql, error);
	sqlite3_finalize(s);
	return r;
}

/* A new file gets the tables, in one transaction; another program's file is refused. */
static int set_schema(struct cpc_store *store, const char *path, struct cpc_error *error)
{
	char sql[128];
	int r, version = 0, application = 0, tables = 0;

	r = pragma_number(store, "PRAGMA user_version", &version, error);
	if (r == 0)
		r = pragma_number(store, "PRAGMA application_id", &application, error);
	if (r == 0)
		r = pragma_number(store, "SELECT count(*) FROM sqlite_master", &tables, error);
	if (r < 0)
		return r;
	if (application == CPC_SCHEMA_APPLICATION && version == CPC_SCHEMA_VERSION)
		return 0;
	if (application || version || tables) {
		cpc_error_set(error, "%s: not a log of this program's version (application %#x, "
			      "version %d)", path, (unsigned int)application, version);
		return -EINVAL;
	}
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 CPC_SCHEMA_APPLICATION, CPC_SCHEMA_VERSION);
	r = exec(store, "BEGIN IMMEDIATE", error);
	if (r == 0)
		r = exec(store, cpc_schema, error);
	if (r == 0)
		r = exec(store, sql, error);
	if (r == 0)
		r = exec(store, "COMMIT", error);
	return r;
}

static int prepare(struct cpc_store *store, struct cpc_error *error)
{
	unsigned int i;

	for (i = 0; i < CPC_SQL_COUNT; i++)
		if (sqlite3_prepare_v3(store->db, cpc_schema_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &store->statement[i], NULL) != SQLITE_OK)
			return cpc_store_fail(store, cpc_schema_sql[i], error);
	return 0;
}

int cpc_store_open(const char *path, struct cpc_store **ret_store, struct cpc_error *error)
{
	struct cpc_store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->arena = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
	    SQLITE_OK) {
		cpc_error_set(error, "%s: %s", path,
			      store->db ? sqlite3_errmsg(store->db) : "out of memory");
		cpc_store_close(store);
		return -EIO;
	}
	sqlite3_busy_timeout(store->db, 2000);
	r = exec(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", error);
	if (r == 0)
		r = set_schema(store, path, error);
	if (r == 0)
		r = prepare(store, error);
	if (r < 0) {
		cpc_store_close(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void cpc_store_close(struct cpc_store *store)
{
	unsigned int i;

	if (!store)
		return;
	for (i = 0; i < CPC_SQL_COUNT; i++)
		sqlite3_finalize(store->statement[i]);
	sqlite3_close(store->db);
	cpc_buffer_done(&store->arena);
	free(store);
}

/* ---- the cell -------------------------------------------------------------------------------- */

int cpc_store_part(struct cpc_store *store, u16 cell, u16 epoch, enum cpc_store_part *ret_part,
		   u16 *ret_newest_epoch, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CELL_NEWEST);
	enum cpc_store_part part = CPC_PART_NONE;
	u16 newest;
	int r;

	sqlite3_bind_int(s, 2, cell);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "newest epoch", error);
	newest = (u16)sqlite3_column_int(s, 0);
	sqlite3_reset(s);
	s = cpc_store_statement(store, CPC_SQL_CELL_FIND);
	sqlite3_bind_int(s, 2, cell);
	sqlite3_bind_int(s, 3, epoch);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW)
		part = sqlite3_column_int(s, 5) ? CPC_PART_LEFT : CPC_PART_JOINED;
	else if (r != SQLITE_DONE)
		return cpc_store_fail(store, "find cell", error);
	sqlite3_reset(s);
	*ret_part = part;
	*ret_newest_epoch = newest;
	return 0;
}

/* 1: selected, 0: not there, -EEXIST: there with other contents. */
static int select_cell(struct cpc_store *store, const struct cpc_store_cell *cell,
		       struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CELL_FIND);
	int r;

	sqlite3_bind_int(s, 2, cell->cell);
	sqlite3_bind_int(s, 3, cell->epoch);
	r = sqlite3_step(s);
	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return cpc_store_fail(store, "find cell", error);
	if (sqlite3_column_int(s, 1) != (int)cell->self ||
	    sqlite3_column_int(s, 2) != (int)cell->n ||
	    sqlite3_column_bytes(s, 3) != (int)cell->n * 32 ||
	    memcmp(sqlite3_column_blob(s, 3), cell->node_id, cell->n * 32) != 0 ||
	    sqlite3_column_bytes(s, 4) != CPC_HASH_BYTES ||
	    memcmp(sqlite3_column_blob(s, 4), cell->members.b, CPC_HASH_BYTES) != 0) {
		cpc_error_set(error, "cell %u epoch %u is in the log with other members (%d, this "
			      "node's index %d): raise 'epoch' on every member", cell->cell,
			      cell->epoch, sqlite3_column_int(s, 2), sqlite3_column_int(s, 1));
		sqlite3_reset(s);
		return -EEXIST;
	}
	store->cell = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return 1;
}

static int load_totals(struct cpc_store *store, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_TOTALS);

	sqlite3_bind_int(s, 2, (int)store->self);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "totals", error);
	store->totals.entries = (uint64_t)sqlite3_column_int64(s, 0);
	store->totals.own_entries = (uint64_t)sqlite3_column_int64(s, 1);
	store->totals.rejected = (uint64_t)sqlite3_column_int64(s, 2);
	sqlite3_reset(s);
	s = cpc_store_statement(store, CPC_SQL_VOIDS);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "void slots", error);
	store->totals.void_slots = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	store->committed_totals = store->totals;
	return 0;
}

int cpc_store_join(struct cpc_store *store, const struct cpc_store_cell *cell,
		   struct cpc_error *error)
{
	sqlite3_stmt *s;
	int r;

	assert(!store->in_batch && cell->n <= CPC_MEMBERS_MAX && cell->self < cell->n);
	r = select_cell(store, cell, error);
	if (r == 0) {
		s = cpc_store_statement(store, CPC_SQL_CELL_ADD);
		sqlite3_bind_int(s, 2, cell->cell);
		sqlite3_bind_int(s, 3, cell->epoch);
		sqlite3_bind_int(s, 4, (int)cell->self);
		sqlite3_bind_int(s, 5, (int)cell->n);
		sqlite3_bind_blob(s, 6, cell->node_id, (int)cell->n * 32, SQLITE_STATIC);
		sqlite3_bind_blob(s, 7, cell->members.b, CPC_HASH_BYTES, SQLITE_STATIC);
		r = cpc_store_run(store, s, error);
		if (r == 0)
			r = select_cell(store, cell, error);
	}
	if (r < 0)
		return r;
	store->self = cell->self;
	cpc_log_tip_init(&store->tip, cell->n, &cell->members);
	r = cpc_store_tip_at(store, UINT32_MAX, &store->tip, error);
	if (r < 0)
		return r;
	store->committed_tip = store->tip;
	return load_totals(store, error);
}

int cpc_store_leave(struct cpc_store *store, struct cpc_error *error)
{
	return cpc_store_run(store, cpc_store_statement(store, CPC_SQL_CELL_LEAVE), error);
}

const struct cpc_log_tip *cpc_store_tip(const struct cpc_store *store)
{
	return &store->tip;
}

const struct cpc_store_totals *cpc_store_totals(const struct cpc_store *store)
{
	return &store->totals;
}

/* ---- batches --------------------------------------------------------------------------------- */

int cpc_store_begin(struct cpc_store *store, struct cpc_error *error)
{
	int r;

	assert(!store->in_batch);
	r = cpc_store_run(store, cpc_store_statement(store, CPC_SQL_BEGIN), error);
	store->in_batch = r == 0;
	return r;
}

int cpc_store_commit(struct cpc_store *store, struct cpc_error *error)
{
	int r;

	assert(store->in_batch);
	r = cpc_outbox_resolve(store, error);
	if (r == 0)
		r = cpc_store_run(store, cpc_store_statement(store, CPC_SQL_COMMIT), error);
	if (r < 0) {
		cpc_store_rollback(store);
		return r;
	}
	store->in_batch = false;
	store->committed_tip = store->tip;
	store->committed_totals = store->totals;
	return 0;
}

void cpc_store_rollback(struct cpc_store *store)
{
	assert(store->in_batch);
	/* After some failures SQLite has rolled back already: then this fails, which is as good. */
	cpc_store_run(store, cpc_store_statement(store, CPC_SQL_ROLLBACK), NULL);
	store->in_batch = false;
	store->tip = store->committed_tip;
	store->totals = store->committed_totals;
	cpc_outbox_recount(store, NULL);
}

/* ---- writing --------------------------------------------------------------------------------- */

static int put_slot(struct cpc_store *store, const struct cpc_log_decision *d, int64_t now_ms,
		    struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_SLOT_ADD);

	sqlite3_bind_int64(s, 2, d->slot);
	sqlite3_bind_blob(s, 3, d->value.b, sizeof(d->value.b), SQLITE_STATIC);
	sqlite3_bind_blob(s, 4, d->log_hash.b, sizeof(d->log_hash.b), SQLITE_STATIC);
	sqlite3_bind_int(s, 5, d->is_void);
	sqlite3_bind_int64(s, 6, now_ms);
	return cpc_store_run(store, s, error);
}

static int put_entry(struct cpc_store *store, u32 slot, const struct cpc_log_lane *lane, u32 i,
		     int64_t now_ms, struct cpc_error *error)
{
	const struct cpc_log_entry *stored = &lane->entry[i];
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_ENTRY_ADD);
	struct cpc_entry entry;
	bool accepted;
	int r;

	r = cpc_entry_decode(stored->body, stored->len, store->tip.n, &entry);
	assert(r == 0);	/* the decision was verified */
	accepted = entry.kind == CPC_ENTRY_ORDINARY || lane->accepted & 1U << i;
	sqlite3_bind_int64(s, 2, slot);
	sqlite3_bind_int(s, 3, lane->lane);
	sqlite3_bind_int64(s, 4, lane->from + i);
	sqlite3_bind_int(s, 5, entry.kind);
	sqlite3_bind_int(s, 6, accepted);
	sqlite3_bind_int64(s, 7, now_ms);
	sqlite3_bind_blob(s, 8, stored->body, (int)stored->len, SQLITE_STATIC);
	r = cpc_store_run(store, s, error);
	if (r < 0)
		return r;
	store->totals.entries++;
	store->totals.rejected += !accepted;
	if (lane->lane != store->self)
		return 0;
	store->totals.own_entries++;
	return cpc_outbox_settle(store, &entry, error);
}

static int put_lane(struct cpc_store *store, u32 slot, const struct cpc_log_lane *lane,
		    int64_t now_ms, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CUT_ADD);
	u32 i;
	int r;

	sqlite3_bind_int64(s, 2, slot);
	sqlite3_bind_int(s, 3, lane->lane);
	sqlite3_bind_int64(s, 4, lane->from);
	sqlite3_bind_int64(s, 5, lane->seq);
	sqlite3_bind_int(s, 6, lane->accepted);
	sqlite3_bind_blob(s, 7, lane->head.b, sizeof(lane->head.b), SQLITE_STATIC);
	r = cpc_store_run(store, s, error);
	for (i = 0; r == 0 && i <= lane->seq - lane->from; i++)
		r = put_entry(store, slot, lane, i, now_ms, error);
	return r;
}

/* A slot that is there already: is it the same? */
static int compare(struct cpc_store *store, const struct cpc_log_decision *decision,
		   struct cpc_error *error)
{
	CPC_BUFFER struct cpc_buffer ours = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	CPC_BUFFER struct cpc_buffer theirs = cpc_buffer_init(CPC_DECISION_BYTES_MAX);
	struct cpc_log_decision stored;
	int r = cpc_store_get(store, decision->slot, &stored, error);

	if (r == 0) {
		cpc_error_set(error, "slot %u is missing in the database", decision->slot);
		return -EIO;
	}
	if (r > 0)
		r = cpc_decision_encode(&stored, &ours);
	if (r == 0)
		r = cpc_decision_encode(decision, &theirs);
	if (r < 0)
		return r;
	if (ours.len == theirs.len && memcmp(ours.data, theirs.data, ours.len) == 0)
		return 0;
	cpc_error_set(error, "slot %u is stored with value %02x%02x%02x%02x..., and now comes with "
		      "%02x%02x%02x%02x...: two logs of one cell and epoch", decision->slot,
		      stored.value.b[0], stored.value.b[1], stored.value.b[2], stored.value.b[3],
		      decision->value.b[0], decision->value.b[1], decision->value.b[2],
		      decision->value.b[3]);
	return -EEXIST;
}

int cpc_store_put(struct cpc_store *store, const struct cpc_log_decision *decision,
		  int64_t now_ms, struct cpc_error *error)
{
	struct cpc_log_tip next;
	unsigned int i;
	int r;

	assert(store->in_batch && store->cell);
	if (decision->slot <= store->tip.slot)
		return compare(store, decision, error);
	r = cpc_log_verify(&store->tip, decision, &next, error);
	if (r == 0)
		r = put_slot(store, decision, now_ms, error);
	for (i = 0; r == 0 && i < decision->lanes; i++)
		r = put_lane(store, decision->slot, &decision->lane[i], now_ms, error);
	if (r < 0)
		return r;
	store->totals.void_slots += decision->is_void;
	store->tip = next;
	return 1;
}
