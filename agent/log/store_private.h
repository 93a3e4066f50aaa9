/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_LOG_STORE_PRIVATE_H
#define CPC_AGENT_LOG_STORE_PRIVATE_H

/* What store_io.c, read_io.c and outbox_io.c share; nobody else includes it. */
#include <sqlite3.h>

#include "agent/log/store.h"

enum cpc_sql {
	CPC_SQL_BEGIN,
	CPC_SQL_COMMIT,
	CPC_SQL_ROLLBACK,
	CPC_SQL_CELL_FIND,
	CPC_SQL_CELL_NEWEST,
	CPC_SQL_CELL_LAST,
	CPC_SQL_CELL_ADD,
	CPC_SQL_CELL_JOIN,
	CPC_SQL_CHAIN_NEXT,
	CPC_SQL_CHAIN_BEFORE,
	CPC_SQL_SLOT_ADD,
	CPC_SQL_CUT_ADD,
	CPC_SQL_ENTRY_ADD,
	CPC_SQL_SLOT_GET,
	CPC_SQL_CUTS_GET,
	CPC_SQL_ENTRIES_GET,
	CPC_SQL_FRONTIER,
	CPC_SQL_TOTALS,
	CPC_SQL_CHANGE,
	CPC_SQL_VOIDS,
	CPC_SQL_ROWS,
	CPC_SQL_ROWS_LANE,
	CPC_SQL_COUNT_ROWS,
	CPC_SQL_LAST,
	CPC_SQL_LAST_LANE,
	CPC_SQL_OUT_ADD,
	CPC_SQL_OUT_NEXT,
	CPC_SQL_OUT_SETTLE,
	CPC_SQL_OUT_DROP,
	CPC_SQL_OUT_SEQ,
	CPC_SQL_OUT_STALE,
	CPC_SQL_OUT_ALL,
	CPC_SQL_OUT_COUNT,
	CPC_SQL_COUNT,
};

struct cpc_store {
	sqlite3 *db;
	sqlite3_stmt *statement[CPC_SQL_COUNT];
	int64_t cell;			/* row of the selected cell; 0: none selected */
	int64_t chain;			/* row of the first epoch of its chain */
	unsigned int self;
	struct cpc_cell_epoch epoch;	/* the selected one */
	bool in_batch;
	struct cpc_log_tip tip, committed_tip;
	struct cpc_store_totals totals, committed_totals;
	struct cpc_buffer arena;	/* bodies of the decision last loaded */
	/* outbox */
	u32 submitted;			/* the own lane's last entry that the kernel has taken */
	u32 doubt;			/* what it had taken at cpc_outbox_resume() */
	u32 next_seq;			/* for the next push */
	unsigned int rows;
	unsigned int in_flight;		/* of them, those up to `submitted` */
};

/* The statement, reset and with the selected cell bound to ?1 (when it has such a parameter). */
sqlite3_stmt *cpc_store_statement(struct cpc_store *store, enum cpc_sql which);

/* A row of cells. */
struct cpc_store_found {
	int64_t row;
	int64_t chain;			/* row of the first epoch of its chain */
	enum cpc_store_part part;
	struct cpc_cell_epoch epoch;
};

/* That of (cell, epoch). 1, 0: not here, -EIO. */
int cpc_store_find(struct cpc_store *store, u16 cell, u16 epoch, struct cpc_store_found *ret_found,
		   struct cpc_error *error);

/* Its neighbour in the selected chain, by CHAIN_NEXT or CHAIN_BEFORE. 1, 0: none, -EIO. */
int cpc_store_chain(struct cpc_store *store, enum cpc_sql which, u16 epoch, int64_t *ret_row,
		    u16 *ret_epoch, struct cpc_error *error);

/* Runs a statement that gives no rows. Returns 0 or -EIO with SQLite's text. */
int cpc_store_run(struct cpc_store *store, sqlite3_stmt *statement, struct cpc_error *error);

int cpc_store_fail(struct cpc_store *store, const char *what, struct cpc_error *error);

/* An own entry was decided: takes it out of the outbox. */
int cpc_outbox_settle(struct cpc_store *store, const struct cpc_entry *entry,
		      struct cpc_error *error);

/* After the puts of a batch: what the own lane has passed and was not settled is queued again. */
int cpc_outbox_resolve(struct cpc_store *store, struct cpc_error *error);

/* Reads the outbox's counts from the file. */
int cpc_outbox_recount(struct cpc_store *store, struct cpc_error *error);

#endif
