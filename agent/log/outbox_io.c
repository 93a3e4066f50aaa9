// SPDX-License-Identifier: BSD-3-Clause
/*
 * outbox_io.c - entries on their way into the own lane (see store.h for the invariants).
 *
 *   pushed          seq > submitted        waiting
 *   SUBMIT done     seq <= submitted       in flight
 *   decided         row gone
 *
 * Only one program submits, in order; so the seq of a row is known before it is submitted, and
 * what the kernel's own lane reaches to tells which rows it has. Should another program submit
 * meanwhile, the numbers shift: SUBMIT's answer says so and the waiting rows are renumbered. If the
 * agent died just then, a row may be in the kernel under a higher number than its own, but not
 * higher than `doubt`: rows that the decided log has not shown by then were never submitted.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "agent/log/store_private.h"
#include "agent/util/cleanup.h"

int cpc_outbox_recount(struct cpc_store *store, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_OUT_COUNT);
	u32 highest;

	sqlite3_bind_int64(s, 2, store->submitted);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "count the outbox", error);
	store->rows = (unsigned int)sqlite3_column_int(s, 0);
	store->in_flight = (unsigned int)sqlite3_column_int(s, 1);
	highest = (u32)sqlite3_column_int64(s, 2);
	store->next_seq = (highest > store->submitted ? highest : store->submitted) + 1;
	sqlite3_reset(s);
	return 0;
}

/* A row's place in the outbox, for renumbering. */
struct place {
	int64_t local_id;
	bool here;			/* of the selected cell */
	u32 seq;
};

static int list(struct cpc_store *store, struct place **ret_places, unsigned int *ret_count,
		struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_OUT_ALL);
	CPC_FREE struct place *places = calloc(store->rows + 1, sizeof(*places));
	unsigned int count = 0;
	int r = SQLITE_DONE;

	if (!places)
		return -ENOMEM;
	while (count < store->rows && (r = sqlite3_step(s)) == SQLITE_ROW)
		places[count++] = (struct place){ sqlite3_column_int64(s, 0),
						  sqlite3_column_int(s, 1),
						  (u32)sqlite3_column_int64(s, 2) };
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return cpc_store_fail(store, "list the outbox", error);
	sqlite3_reset(s);
	*ret_places = CPC_TAKE(places);
	*ret_count = count;
	return 0;
}

static int set_seq(struct cpc_store *store, int64_t local_id, u32 seq, struct cpc_error *error)
{
	sqlite3_stmt *s = cpc_store_statement(store, CPC_SQL_OUT_SEQ);

	sqlite3_bind_int64(s, 2, local_id);
	sqlite3_bind_int64(s, 3, seq);
	return cpc_store_run(store, s, error);
}

/*
 * Gives the rows that the kernel does not have the numbers from @next on, in their order: those of
 * earlier cells, those up to @stale, and those above @taken. Within a transaction.
 */
static int renumber(struct cpc_store *store, u32 stale, u32 taken, u32 next,
		    struct cpc_error *error)
{
	CPC_FREE struct place *places = NULL;
	unsigned int i, count = 0;
	int r = list(store, &places, &count, error);

	for (i = 0; r == 0 && i < count; i++) {
		const struct place *p = &places[i];

		if (p->here && p->seq > stale && p->seq <= taken)
			continue;
		if (!p->here || p->seq != next)
			r = set_seq(store, p->local_id, next, error);
		next++;
	}
	return r < 0 ? r : cpc_outbox_recount(store, error);
}

/* Runs within the batch that is open, or in one of its own. */
static int begin_own(struct cpc_store *store, bool *ret_own, struct cpc_error *error)
{
	*ret_own = !store->in_batch;
	return *ret_own ? cpc_store_begin(store, error) : 0;
}

static int end_own(struct cpc_store *store, bool own, int result, struct cpc_error *error)
{
	if (!own)
		return result;
	if (result < 0) {
		cpc_store_rollback(store);
		return result;
	}
	return cpc_store_commit(store, error);
}

int cpc_outbox_resume(struct cpc_store *store, u32 seq, struct cpc_error *error)
{
	bool own;
	int r;

	assert(store->cell);
	if (seq < store->tip.seq[store->self]) {
		cpc_error_set(error,
			      "the kernel's own lane ends at entry %u, but entry %u of it is "
			      "decided: the module lost its state; raise 'epoch' on every member",
			      seq, store->tip.seq[store->self]);
		return -ESTALE;
	}
	store->submitted = seq;
	store->doubt = seq;
	r = cpc_outbox_recount(store, error);
	if (r == 0)
		r = begin_own(store, &own, error);
	if (r < 0)
		return r;
	return end_own(store, own, renumber(store, 0, seq, seq + 1, error), error);
}

static int check(const struct cpc_store *store, enum cpc_entry_kind kind, size_t len,
		 struct cpc_error *error)
{
	if (len == 0 || len > CPC_PAYLOAD_MAX) {
		cpc_error_set(error, "a payload of %zu bytes; 1 to %d fit into an entry", len,
			      CPC_PAYLOAD_MAX);
		return -EMSGSIZE;
	}
	if (kind > CPC_ENTRY_BY_ALL) {
		cpc_error_set(error, "there is no kind of entry %u", (unsigned int)kind);
		return -EINVAL;
	}
	if (store->rows >= CPC_OUTBOX_MAX) {
		cpc_error_set(error, "%u entries already wait to be decided: is the cell making "
			      "progress?", store->rows);
		return -ENOSPC;
	}
	return 0;
}

int cpc_outbox_push(struct cpc_store *store, enum cpc_entry_kind kind, enum cpc_payload_type type,
		    const void *payload, size_t len, u64 *ret_local_id, struct cpc_error *error)
{
	struct cpc_envelope envelope = { .type = (u8)type, .payload = payload, .len = len };
	u8 data[CPC_ENTRY_DATA_MAX];
	sqlite3_stmt *s;
	int r = check(store, kind, len, error);

	if (r < 0)
		return r;
	if (getrandom(&envelope.local_id, sizeof(envelope.local_id), 0) !=
	    sizeof(envelope.local_id))
		return -errno;
	r = cpc_envelope_encode(&envelope, data, sizeof(data));
	if (r == -EINVAL)
		cpc_error_set(error, "a proposal that does not begin as one");
	if (r < 0)
		return r;
	s = cpc_store_statement(store, CPC_SQL_OUT_ADD);
	sqlite3_bind_int64(s, 2, store->next_seq);
	sqlite3_bind_int64(s, 3, (int64_t)envelope.local_id);
	sqlite3_bind_int(s, 4, (int)kind);
	sqlite3_bind_blob(s, 5, data, r, SQLITE_STATIC);
	r = cpc_store_run(store, s, error);
	if (r < 0)
		return r;
	store->next_seq++;
	store->rows++;
	if (ret_local_id)
		*ret_local_id = envelope.local_id;
	return 0;
}

int cpc_outbox_next(struct cpc_store *store, struct cpc_outbox_item *ret_item,
		    struct cpc_error *error)
{
	sqlite3_stmt *s;
	size_t len;
	int r;

	if (store->rows == store->in_flight)
		return 0;
	s = cpc_store_statement(store, CPC_SQL_OUT_NEXT);
	sqlite3_bind_int64(s, 2, store->submitted);
	r = sqlite3_step(s);
	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return cpc_store_fail(store, "read the outbox", error);
	len = (size_t)sqlite3_column_bytes(s, 3);
	if (len == 0 || len > sizeof(ret_item->data)) {
		sqlite3_reset(s);
		cpc_error_set(error, "database: an outbox entry of %zu bytes", len);
		return -EIO;
	}
	ret_item->seq = (u32)sqlite3_column_int64(s, 0);
	ret_item->local_id = (u64)sqlite3_column_int64(s, 1);
	ret_item->kind = (u8)sqlite3_column_int(s, 2);
	ret_item->len = len;
	memcpy(ret_item->data, sqlite3_column_blob(s, 3), len);
	sqlite3_reset(s);
	return 1;
}

int cpc_outbox_submitted(struct cpc_store *store, const struct cpc_outbox_item *item, u32 seq,
			 struct cpc_error *error)
{
	u32 taken;
	bool own;
	int r;

	assert(seq > store->submitted);
	if (seq == item->seq) {
		store->submitted = seq;
		store->in_flight++;
		return 0;
	}
	/* Somebody else has submitted. The row takes its number; those behind it move on. */
	r = begin_own(store, &own, error);
	if (r < 0)
		return r;
	taken = store->submitted;
	store->submitted = seq;
	return end_own(store, own, renumber(store, 0, taken, seq, error), error);
}

int cpc_outbox_refused(struct cpc_store *store, const struct cpc_outbox_item *item,
		       struct cpc_error *error)
{
	sqlite3_stmt *s;
	bool own;
	int r = begin_own(store, &own, error);

	if (r < 0)
		return r;
	s = cpc_store_statement(store, CPC_SQL_OUT_DROP);
	sqlite3_bind_int64(s, 2, (int64_t)item->local_id);
	r = cpc_store_run(store, s, error);
	if (r == 0)
		r = cpc_outbox_recount(store, error);
	if (r == 0)
		r = renumber(store, 0, store->submitted, store->submitted + 1, error);
	return end_own(store, own, r, error);
}

int cpc_outbox_settle(struct cpc_store *store, const struct cpc_entry *entry,
		      struct cpc_error *error)
{
	struct cpc_envelope envelope;
	sqlite3_stmt *s;
	int r;

	if (cpc_envelope_decode(entry->data, entry->len, &envelope) < 0)
		return 0;
	s = cpc_store_statement(store, CPC_SQL_OUT_SETTLE);
	sqlite3_bind_int64(s, 2, (int64_t)envelope.local_id);
	r = sqlite3_step(s);
	if (r == SQLITE_ROW) {
		store->rows--;
		if ((u32)sqlite3_column_int64(s, 0) <= store->submitted)
			store->in_flight--;
		r = sqlite3_step(s);
	}
	if (r != SQLITE_DONE)
		return cpc_store_fail(store, "settle an outbox entry", error);
	sqlite3_reset(s);
	return 0;
}

int cpc_outbox_resolve(struct cpc_store *store, struct cpc_error *error)
{
	u32 decided = store->tip.seq[store->self];
	sqlite3_stmt *s;
	int stale;

	if (decided < store->doubt || store->in_flight == 0)
		return 0;
	s = cpc_store_statement(store, CPC_SQL_OUT_STALE);
	sqlite3_bind_int64(s, 2, decided < store->submitted ? decided : store->submitted);
	if (sqlite3_step(s) != SQLITE_ROW)
		return cpc_store_fail(store, "look for lost entries", error);
	stale = sqlite3_column_int(s, 0);
	sqlite3_reset(s);
	if (!stale)
		return 0;
	return renumber(store, decided, store->submitted, store->submitted + 1, error);
}

void cpc_outbox_count(const struct cpc_store *store, unsigned int *ret_waiting,
		      unsigned int *ret_in_flight)
{
	*ret_waiting = store->rows - store->in_flight;
	*ret_in_flight = store->in_flight;
}
