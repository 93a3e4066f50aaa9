// SPDX-License-Identifier: BSD-3-Clause
/*
 * schema.c - the tables and every statement on them. ?1 is the selected cell's row.
 */
#include "agent/log/schema.h"

const char cpc_schema[] =
	"CREATE TABLE cells(id INTEGER PRIMARY KEY, cell INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" self INTEGER NOT NULL, n INTEGER NOT NULL, node_ids BLOB NOT NULL, members BLOB NOT NULL,"
	/* part: enum cpc_store_part; chain: the row of its first epoch */
	" part INTEGER NOT NULL, base INTEGER NOT NULL, base_log_hash BLOB NOT NULL,"
	" chain INTEGER NOT NULL, UNIQUE(cell, epoch));"
	"CREATE INDEX cells_by_chain ON cells(chain, epoch);"
	"CREATE TABLE slots(cell INTEGER NOT NULL, slot INTEGER NOT NULL, value BLOB NOT NULL,"
	" log_hash BLOB NOT NULL, void INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
	" PRIMARY KEY(cell, slot)) WITHOUT ROWID;"
	/* seq and head: where the lane stands after the slot */
	"CREATE TABLE cuts(cell INTEGER NOT NULL, slot INTEGER NOT NULL, lane INTEGER NOT NULL,"
	" from_seq INTEGER NOT NULL, seq INTEGER NOT NULL, accepted INTEGER NOT NULL,"
	" head BLOB NOT NULL, PRIMARY KEY(cell, slot, lane)) WITHOUT ROWID;"
	"CREATE INDEX cuts_by_lane ON cuts(cell, lane, slot);"
	/* the changes of members: CPC_ACCEPTED_CHANGE */
	"CREATE INDEX cuts_change ON cuts(cell, slot) WHERE accepted >= 32768;"
	"CREATE TABLE entries(cell INTEGER NOT NULL, slot INTEGER NOT NULL, lane INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, kind INTEGER NOT NULL, accepted INTEGER NOT NULL,"
	" time_ms INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(cell, slot, lane, seq))"
	" WITHOUT ROWID;"
	"CREATE UNIQUE INDEX entries_by_lane ON entries(cell, lane, slot, seq);"
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT, cell INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, local_id INTEGER NOT NULL UNIQUE, kind INTEGER NOT NULL,"
	" data BLOB NOT NULL);"
	"CREATE INDEX outbox_by_seq ON outbox(cell, seq);";

#define ROW "slot, lane, seq, kind, accepted, time_ms, body"

const char *const cpc_schema_sql[CPC_SQL_COUNT] = {
	[CPC_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[CPC_SQL_COMMIT] = "COMMIT",
	[CPC_SQL_ROLLBACK] = "ROLLBACK",
	[CPC_SQL_CELL_FIND] =
		"SELECT id, self, n, node_ids, members, part, base, base_log_hash, chain FROM cells"
		" WHERE cell = ?2 AND epoch = ?3",
	[CPC_SQL_CELL_NEWEST] = "SELECT coalesce(max(epoch), 0) FROM cells WHERE cell = ?2",
	[CPC_SQL_CELL_LAST] = "SELECT cell, epoch FROM cells ORDER BY id DESC LIMIT 1 OFFSET ?2",
	[CPC_SQL_CELL_ADD] =
		"INSERT INTO cells(cell, epoch, self, n, node_ids, members, part, base,"
		" base_log_hash, chain) VALUES(?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
		" coalesce(?11, (SELECT coalesce(max(id), 0) + 1 FROM cells)))",
	[CPC_SQL_CELL_JOIN] = "UPDATE cells SET part = ?2 WHERE id = ?1",
	[CPC_SQL_CHAIN_NEXT] =
		"SELECT id, epoch FROM cells WHERE chain = ?2 AND epoch > ?3 ORDER BY epoch"
		" LIMIT 1",
	[CPC_SQL_CHAIN_BEFORE] =
		"SELECT id, epoch FROM cells WHERE chain = ?2 AND epoch < ?3 ORDER BY epoch DESC"
		" LIMIT 1",
	[CPC_SQL_SLOT_ADD] = "INSERT INTO slots VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[CPC_SQL_CUT_ADD] = "INSERT INTO cuts VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[CPC_SQL_ENTRY_ADD] = "INSERT INTO entries VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[CPC_SQL_SLOT_GET] =
		"SELECT slot, value, log_hash, void FROM slots WHERE cell = ?1 AND slot <= ?2"
		" ORDER BY slot DESC LIMIT 1",
	[CPC_SQL_CUTS_GET] =
		"SELECT lane, from_seq, seq, accepted, head FROM cuts"
		" WHERE cell = ?1 AND slot = ?2 ORDER BY lane",
	[CPC_SQL_ENTRIES_GET] =
		"SELECT lane, seq, body FROM entries WHERE cell = ?1 AND slot = ?2"
		" ORDER BY lane, seq",
	[CPC_SQL_FRONTIER] =
		"SELECT seq, head FROM cuts WHERE cell = ?1 AND lane = ?2 AND slot <= ?3"
		" ORDER BY slot DESC LIMIT 1",
	[CPC_SQL_TOTALS] =
		"SELECT count(*), coalesce(sum(e.lane = c.self), 0),"
		" coalesce(sum(e.accepted = 0), 0) FROM cells c JOIN entries e ON e.cell = c.id"
		" WHERE c.chain = ?2",
	[CPC_SQL_CHANGE] =
		"SELECT min(slot) FROM cuts WHERE cell = ?1 AND slot <= ?3 AND accepted >= 32768",
	[CPC_SQL_VOIDS] =
		"SELECT count(*) FROM cells c JOIN slots s ON s.cell = c.id"
		" WHERE c.chain = ?2 AND s.void",
	[CPC_SQL_ROWS] =
		"SELECT " ROW " FROM entries WHERE cell = ?1 AND (slot, lane, seq) > (?2, ?3, ?4)"
		" ORDER BY slot, lane, seq LIMIT ?5",
	[CPC_SQL_ROWS_LANE] =
		"SELECT " ROW " FROM entries WHERE cell = ?1 AND lane = ?6 AND slot >= ?2"
		" AND (slot, lane, seq) > (?2, ?3, ?4) ORDER BY slot, seq LIMIT ?5",
	[CPC_SQL_COUNT_ROWS] =
		"SELECT count(*) FROM entries WHERE cell = ?1 AND (?2 < 0 OR lane = ?2)",
	[CPC_SQL_LAST] =
		"SELECT slot, lane, seq FROM entries WHERE cell = ?1"
		" ORDER BY slot DESC, lane DESC, seq DESC LIMIT 1 OFFSET ?2",
	[CPC_SQL_LAST_LANE] =
		"SELECT slot, lane, seq FROM entries WHERE cell = ?1 AND lane = ?3"
		" ORDER BY slot DESC, seq DESC LIMIT 1 OFFSET ?2",
	[CPC_SQL_OUT_ADD] =
		"INSERT INTO outbox(cell, seq, local_id, kind, data) VALUES(?1, ?2, ?3, ?4, ?5)",
	[CPC_SQL_OUT_NEXT] =
		"SELECT seq, local_id, kind, data FROM outbox WHERE cell = ?1 AND seq > ?2"
		" ORDER BY seq LIMIT 1",
	[CPC_SQL_OUT_SETTLE] =
		"DELETE FROM outbox WHERE cell = ?1 AND local_id = ?2 RETURNING seq",
	[CPC_SQL_OUT_DROP] = "DELETE FROM outbox WHERE local_id = ?2",
	[CPC_SQL_OUT_SEQ] = "UPDATE outbox SET cell = ?1, seq = ?3 WHERE local_id = ?2",
	[CPC_SQL_OUT_ALL] =
		"SELECT local_id, cell = ?1, seq FROM outbox ORDER BY cell = ?1, cell, seq, id",
	[CPC_SQL_OUT_STALE] = "SELECT count(*) FROM outbox WHERE cell = ?1 AND seq <= ?2",
	[CPC_SQL_OUT_COUNT] =
		"SELECT count(*), coalesce(sum(cell = ?1 AND seq <= ?2), 0),"
		" coalesce(max(CASE WHEN cell = ?1 THEN seq END), 0) FROM outbox",
};
