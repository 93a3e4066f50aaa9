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

static bool take_epoch(sqlite3_stmt *s, struct cpc_cell_epoch *e)
{
	int n = sqlite3_column_int(s, 2), self = sqlite3_column_int(s, 1);

	if (n < 1 || n > CPC_MEMBERS_MAX || self < 0 || self >= n ||
	    sqlite3_column_bytes(s, 3) != n * 32 || sqlite3_column_bytes(s, 4) != CPC_HASH_BYTES ||
	    sqlite3_column_bytes(s, 7) != CPC_HASH_BYTES)
		return false;
	e->n = (unsigned int)n;
	e->self = (unsigned int)self;
	e->base = (u32)sqlite3_column_int64(s, 6);
	memcpy(e->node_id, sqlite3_column_blob(s, 3), e->n * 32);
	memcpy(e->members.b, sqlite3_column_blob(s, 4), CPC_HASH_BYTES);
	memcpy(e->base_log_hash.b, sqlite3_column_blob(s, 7), CPC_HASH_BYTES);
	return true;
}

int cpc_store_find(struct cpc_store *store, u16 cell, u16 epoch, struct cpc_store_found *ret_found,
		   struct cpc_error *error)
{
	struct cpc_store_found found = { .epoch = { .cell = cell, .epoch = epoch } };
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CELL_FIND);
	int r;

	sqlite3_bind_int(s, 2, cell);
	sqlite3_bind_int(s, 3, epoch);
	r = sqlite3_step(s);
	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return cpc_store_fail(store, "find cell", error);
	if (!take_epoch(s, &found.epoch)) {
		sqlite3_reset(s);
		cpc_error_set(error, "database: cell %u epoch %u is damaged", cell, epoch);
		return -EIO;
	}
	found.row = sqlite3_column_int64(s, 0);
	found.part = (enum cpc_store_part)sqlite3_column_int(s, 5);
	found.chain = sqlite3_column_int64(s, 8);
	*ret_found = found;
	sqlite3_reset(s);
	return 1;
}

int cpc_store_part(struct cpc_store *store, u16 cell, u16 epoch, enum cpc_store_part *ret_part,
		   u16 *ret_newest_epoch, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CELL_NEWEST);
	struct cpc_store_found found;
	u16 newest;
	int r;

	sqlite3_bind_int(s, 2, cell);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "newest epoch", error);
	newest = (u16)sqlite3_column_int(s, 0);
	sqlite3_reset(s);
	r = cpc_store_find(store, cell, epoch, &found, error);
	if (r < 0)
		return r;
	*ret_part = r > 0 ? found.part : CPC_PART_NONE;
	*ret_newest_epoch = newest;
	return 0;
}

int cpc_store_current(struct cpc_store *store, unsigned int back, struct cpc_cell_epoch *ret_epoch,
		      enum cpc_store_part *ret_part, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CELL_LAST);
	struct cpc_store_found found;
	u16 cell = 0, epoch = 0;
	int r;

	sqlite3_bind_int64(s, 2, back);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		cell = (u16)sqlite3_column_int(s, 0);
		epoch = (u16)sqlite3_column_int(s, 1);
	}
	sqlite3_reset(s);
	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return cpc_store_fail(store, "find the last epoch", error);
	r = cpc_store_find(store, cell, epoch, &found, error);
	if (r > 0) {
		*ret_epoch = found.epoch;
		*ret_part = found.part;
	}
	return r;
}

int cpc_store_epoch(struct cpc_store *store, u16 cell, u16 epoch,
		    struct cpc_cell_epoch *ret_epoch, struct cpc_error *error)
{
	struct cpc_store_found found;
	int r = cpc_store_find(store, cell, epoch, &found, error);

	if (r > 0)
		*ret_epoch = found.epoch;
	return r;
}

/* A row's neighbour in its chain. 1, 0: none, -EIO. */
int cpc_store_chain(struct cpc_store *store, enum cpc_sql which, u16 epoch, int64_t *ret_row,
		    u16 *ret_epoch, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, which);
	int r;

	sqlite3_bind_int64(s, 2, store->chain);
	sqlite3_bind_int(s, 3, epoch);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		*ret_row = sqlite3_column_int64(s, 0);
		*ret_epoch = (u16)sqlite3_column_int(s, 1);
	}
	sqlite3_reset(s);
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return cpc_store_fail(store, "follow the chain of epochs", error);
	return r == SQLITE_ROW;
}

/* Which chain a new epoch continues: that of the newest one here; 0: it begins one. */
static int chain_of(struct cpc_store *store, const struct cpc_cell_epoch *epoch, int64_t *ret_chain,
		    struct cpc_error *error)
{
	struct cpc_store_found newest;
	enum cpc_store_part part;
	u16 number;
	int r;

	*ret_chain = 0;
	r = cpc_store_part(store, epoch->cell, epoch->epoch, &part, &number, error);
	if (r < 0 || !epoch->base || !number)
		return r;
	r = cpc_store_find(store, epoch->cell, number, &newest, error);
	if (r > 0 && number <= epoch->epoch && newest.epoch.base <= epoch->base)
		*ret_chain = newest.chain;
	return r < 0 ? r : 0;
}

static int add_cell(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		    enum cpc_store_part part, struct cpc_error *error)
{
	sqlite3_stmt *s;
	int64_t chain;
	int r = chain_of(store, epoch, &chain, error);

	if (r < 0)
		return r;
	s = cpc_store_statement(store, CPC_SQL_CELL_ADD);
	sqlite3_bind_int(s, 2, epoch->cell);
	sqlite3_bind_int(s, 3, epoch->epoch);
	sqlite3_bind_int(s, 4, (int)epoch->self);
	sqlite3_bind_int(s, 5, (int)epoch->n);
	sqlite3_bind_blob(s, 6, epoch->node_id, (int)epoch->n * 32, SQLITE_STATIC);
	sqlite3_bind_blob(s, 7, epoch->members.b, CPC_HASH_BYTES, SQLITE_STATIC);
	sqlite3_bind_int(s, 8, (int)part);
	sqlite3_bind_int64(s, 9, epoch->base);
	sqlite3_bind_blob(s, 10, epoch->base_log_hash.b, CPC_HASH_BYTES, SQLITE_STATIC);
	if (chain)
		sqlite3_bind_int64(s, 11, chain);
	return cpc_store_run(store, s, error);
}

/* 1: selected, 0: not there, -EEXIST: there with other contents. */
static int select_cell(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		       enum cpc_store_part *ret_part, struct cpc_error *error)
{
	struct cpc_store_found found;
	int r = cpc_store_find(store, epoch->cell, epoch->epoch, &found, error);

	if (r <= 0)
		return r;
	if (found.epoch.self != epoch->self || !cpc_cell_epoch_same(&found.epoch, epoch) ||
	    memcmp(&found.epoch.members, &epoch->members, sizeof(epoch->members)) != 0) {
		cpc_error_set(error, "cell %u epoch %u is in the log with other members (%u, this "
			      "node's index %u): raise 'epoch' on every member", epoch->cell,
			      epoch->epoch, found.epoch.n, found.epoch.self);
		return -EEXIST;
	}
	store->cell = found.row;
	store->chain = found.chain;
	store->epoch = found.epoch;
	*ret_part = found.part;
	return 1;
}

static int load_totals(struct cpc_store *store, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_TOTALS);

	sqlite3_bind_int64(s, 2, store->chain);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "totals", error);
	store->totals.entries = (uint64_t)sqlite3_column_int64(s, 0);
	store->totals.own_entries = (uint64_t)sqlite3_column_int64(s, 1);
	store->totals.rejected = (uint64_t)sqlite3_column_int64(s, 2);
	sqlite3_reset(s);
	s = cpc_store_statement(store, CPC_SQL_VOIDS);
	sqlite3_bind_int64(s, 2, store->chain);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "void slots", error);
	store->totals.void_slots = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	store->committed_totals = store->totals;
	return 0;
}

static int set_part(struct cpc_store *store, enum cpc_store_part part, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_CELL_JOIN);

	sqlite3_bind_int(s, 2, (int)part);
	return cpc_store_run(store, s, error);
}

static int enter(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		 enum cpc_store_part part, struct cpc_error *error)
{
	int64_t chain = store->chain;
	enum cpc_store_part before;
	int r;

	assert(!store->in_batch && epoch->n <= CPC_MEMBERS_MAX && epoch->self < epoch->n);
	r = select_cell(store, epoch, &before, error);
	if (r == 0) {
		r = add_cell(store, epoch, part, error);
		before = part;
		if (r == 0)
			r = select_cell(store, epoch, &before, error);
	}
	if (r >= 0 && part == CPC_PART_JOINED && before == CPC_PART_FOLLOWED)
		r = set_part(store, part, error);
	if (r < 0)
		return r;
	store->self = epoch->self;
	cpc_log_tip_init(&store->tip, epoch->n, &epoch->members);
	store->tip.slot = epoch->base;
	r = cpc_store_tip_at(store, UINT32_MAX, &store->tip, error);
	if (r < 0)
		return r;
	store->committed_tip = store->tip;
	/* The next epoch of the chain counts on: counting anew takes long where the log is. */
	return store->chain == chain ? 0 : load_totals(store, error);
}

int cpc_store_join(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		   struct cpc_error *error)
{
	return enter(store, epoch, CPC_PART_JOINED, error);
}

int cpc_store_follow(struct cpc_store *store, const struct cpc_cell_epoch *epoch,
		     struct cpc_error *error)
{
	return enter(store, epoch, CPC_PART_FOLLOWED, error);
}

int cpc_store_leave(struct cpc_store *store, struct cpc_error *error)
{
	return set_part(store, CPC_PART_LEFT, error);
}

const struct cpc_cell_epoch *cpc_store_selected(const struct cpc_store *store)
{
	return &store->epoch;
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
