// SPDX-License-Identifier: BSD-3-Clause
/*
 * The gateway: from the bits on a vehicle's CAN bus to named values in its lane.
 *
 *	CAN frames ─► dbc ─► overlay ─► sampler ─► record ─► lane entry payloads
 *	(can_io)      bits   VSS names  intervals  bytes     (another vehicle reads
 *	              to     and units                        them with record, too)
 *	              numbers
 *
 * Everything but can_io.c and gateway_io.c is pure: no I/O, no clock, no globals. The folder may
 * call util/ and libc, jansson for JSON, and nothing else of the agent.
 *
 * This file holds the DBC parser's outer half: it walks the statements of the file twice (first
 * messages and signals, then what refers to them, whatever the order in the file), skips those
 * that do not matter for decoding, and owns the strings. dbc_load.c reads the statements
 * that do matter; dbc_decode.c answers questions afterwards.
 *
 * Invariants after loading: signals are grouped by message; a usable signal lies within 64
 * bytes and within its message; following `parent` ends within CPC_DBC_MUX_DEPTH_MAX steps
 * and visits usable signals only; labels of one signal are sorted.
 */
#include "agent/gateway/dbc.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/dbc_load.h"
#include "agent/gateway/value.h"
#include "agent/util/cleanup.h"

/* Text for a message on somebody's terminal: no control bytes. */
static void printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int cpc_dbc_refuse(struct cpc_dbc_loader *loader, const char *what)
{
	struct cpc_slice rest = cpc_dbc_scan_rest(&loader->scan);

	if (rest.size)
		cpc_error_set(loader->error, "line %u: %s at '%.*s'", loader->scan.line, what,
			      (int)rest.size, rest.text);
	else if (loader->scan.at == loader->scan.size)
		cpc_error_set(loader->error, "line %u: %s at the end of the file",
			      loader->scan.line, what);
	else
		cpc_error_set(loader->error, "line %u: %s at the end of the line",
			      loader->scan.line, what);
	if (loader->error)
		printable(loader->error->text);
	return -EINVAL;
}

int cpc_dbc_too_many(struct cpc_dbc_loader *loader, const char *what, unsigned int limit)
{
	cpc_error_set(loader->error, "line %u: more than %u %s", loader->statement_line, limit,
		      what);
	return -E2BIG;
}

void cpc_dbc_warn(struct cpc_dbc_loader *loader, const char *format, ...)
{
	struct cpc_dbc *dbc = loader->dbc;
	struct cpc_dbc_warning *warning;
	va_list args;

	dbc->warning_total++;
	if (dbc->warning_count == CPC_DBC_WARNINGS_MAX)
		return;
	warning = &dbc->warnings[dbc->warning_count++];
	warning->line = loader->statement_line;
	va_start(args, format);
	vsnprintf(warning->text, sizeof(warning->text), format, args);
	va_end(args);
	printable(warning->text);
}

static bool is_utf8(struct cpc_slice text)
{
	size_t at = 0, length;

	while (at < text.size) {
		length = cpc_utf8_length(text.text + at, text.size - at);
		if (!length)
			return false;
		at += length;
	}
	return true;
}

/*
 * The pool has room for twice the file plus one terminator per stored string: a Latin-1 byte
 * becomes at most two, and a string is always followed by a byte that is not part of it.
 */
const char *cpc_dbc_store(struct cpc_dbc_loader *loader, struct cpc_slice text, size_t max)
{
	struct cpc_dbc *dbc = loader->dbc;
	char *start = dbc->pool + dbc->pool_used, *to = start;
	bool utf8 = is_utf8(text);

	for (size_t i = 0; i < text.size;) {
		unsigned char byte = (unsigned char)text.text[i];
		size_t length = utf8 ? cpc_utf8_length(text.text + i, text.size - i) : 1;
		size_t width = !utf8 && byte >= 0x80 ? 2 : length;

		if ((size_t)(to - start) + width > max)
			break;
		assert((size_t)(to - dbc->pool) + width < dbc->pool_size);
		if (width != length) {
			*to++ = (char)(0xc0 | byte >> 6);
			*to++ = (char)(0x80 | (byte & 0x3f));
		} else {
			/* A tab or a line end within a unit would spoil every table. */
			memcpy(to, text.text + i, length);
			if (byte < ' ' || byte == 0x7f)
				*to = ' ';
			to += width;
		}
		i += length;
	}
	*to++ = '\0';
	dbc->pool_used = (size_t)(to - dbc->pool);
	assert(dbc->pool_used <= dbc->pool_size);
	return start;
}

void *cpc_dbc_grow(struct cpc_dbc_loader *loader, void *array, uint32_t count, uint32_t *capacity,
		   uint32_t max, size_t size, const char *what, int *ret_error)
{
	uint32_t wanted;
	void *grown;

	if (count == max) {
		*ret_error = cpc_dbc_too_many(loader, what, max);
		return NULL;
	}
	if (count < *capacity) {
		memset((char *)array + count * size, 0, size);
		return array;
	}
	wanted = *capacity ? *capacity * 2 : 64;
	if (wanted > max)
		wanted = max;
	grown = realloc(array, wanted * size);
	if (!grown) {
		cpc_error_set(loader->error, "out of memory for %u %s", wanted, what);
		*ret_error = -ENOMEM;
		return NULL;
	}
	*capacity = wanted;
	memset((char *)grown + count * size, 0, size);
	return grown;
}

enum statement {
	STATEMENT_UNKNOWN,
	STATEMENT_LINE,	     /* ends with its line */
	STATEMENT_SEMICOLON, /* ends with a semicolon */
	STATEMENT_SYMBOLS,   /* NS_: a list of keywords that are not statements */
	STATEMENT_NODES,     /* BU_: may go on over several lines */
	STATEMENT_MESSAGE,
	STATEMENT_SIGNAL,
	STATEMENT_LABELS,
	STATEMENT_VALUE_TYPE,
	STATEMENT_MULTIPLEXING,
};

static enum statement statement_of(struct cpc_slice word)
{
	static const struct {
		const char *word;
		enum statement statement;
	} table[] = {
		{"BO_", STATEMENT_MESSAGE},
		{"SG_", STATEMENT_SIGNAL},
		{"VAL_", STATEMENT_LABELS},
		{"SIG_VALTYPE_", STATEMENT_VALUE_TYPE},
		{"SG_MUL_VAL_", STATEMENT_MULTIPLEXING},
		{"VERSION", STATEMENT_LINE},
		{"BS_", STATEMENT_LINE},
		{"NS_", STATEMENT_SYMBOLS},
		{"BU_", STATEMENT_NODES},
		{"CM_", STATEMENT_SEMICOLON},
		{"BA_", STATEMENT_SEMICOLON},
		{"BA_DEF_", STATEMENT_SEMICOLON},
		{"BA_DEF_DEF_", STATEMENT_SEMICOLON},
		{"BA_REL_", STATEMENT_SEMICOLON},
		{"BA_DEF_REL_", STATEMENT_SEMICOLON},
		{"BA_DEF_DEF_REL_", STATEMENT_SEMICOLON},
		{"BA_SGTYPE_", STATEMENT_SEMICOLON},
		{"BA_DEF_SGTYPE_", STATEMENT_SEMICOLON},
		{"BO_TX_BU_", STATEMENT_SEMICOLON},
		{"BU_BO_REL_", STATEMENT_SEMICOLON},
		{"BU_EV_REL_", STATEMENT_SEMICOLON},
		{"BU_SG_REL_", STATEMENT_SEMICOLON},
		{"CAT_", STATEMENT_SEMICOLON},
		{"CAT_DEF_", STATEMENT_SEMICOLON},
		{"ENVVAR_DATA_", STATEMENT_SEMICOLON},
		{"EV_", STATEMENT_SEMICOLON},
		{"EV_DATA_", STATEMENT_SEMICOLON},
		{"FILTER", STATEMENT_SEMICOLON},
		{"NS_DESC_", STATEMENT_SEMICOLON},
		{"SGTYPE_", STATEMENT_SEMICOLON},
		{"SGTYPE_VAL_", STATEMENT_SEMICOLON},
		{"SIGTYPE_VALTYPE_", STATEMENT_SEMICOLON},
		{"SIG_GROUP_", STATEMENT_SEMICOLON},
		{"SIG_TYPE_REF_", STATEMENT_SEMICOLON},
		{"VAL_TABLE_", STATEMENT_SEMICOLON},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (cpc_slice_is(word, table[i].word))
			return table[i].statement;
	return STATEMENT_UNKNOWN;
}

/* Does the line at the cursor begin a statement? The cursor does not move. */
static bool at_statement(const struct cpc_dbc_scan *scan)
{
	struct cpc_dbc_scan copy = *scan;
	struct cpc_slice word;

	return cpc_dbc_scan_word(&copy, &word) && statement_of(word) != STATEMENT_UNKNOWN;
}

/*
 * To behind the semicolon, strings skipped as a whole. A statement whose semicolon is missing
 * ends before the next line that begins one, so that it does not swallow a message.
 */
static int skip_to_semicolon(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc_scan *scan = &loader->scan;
	struct cpc_slice string;
	int byte;

	for (;;) {
		byte = cpc_dbc_scan_peek(scan);
		if (byte == '"') {
			if (!cpc_dbc_scan_string(scan, &string))
				return cpc_dbc_refuse(loader, "a string that never ends");
			continue;
		}
		if (byte < 0)
			return 0;
		scan->at++;
		if (byte == ';')
			return 0;
		if (byte == '\n') {
			scan->line++;
			if (at_statement(scan))
				return 0;
		}
	}
}

/* VERSION "..." may hold anything within its quotes. */
static int skip_line(struct cpc_dbc_loader *loader)
{
	struct cpc_slice string;

	cpc_dbc_scan_blanks(&loader->scan);
	if (cpc_dbc_scan_peek(&loader->scan) == '"' && !cpc_dbc_scan_string(&loader->scan, &string))
		return cpc_dbc_refuse(loader, "a string that never ends");
	cpc_dbc_scan_line(&loader->scan);
	return 0;
}

/* NS_: lines that hold one word and nothing else, whether indented or not. */
static int skip_symbols(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc_scan *scan = &loader->scan, copy;
	struct cpc_slice word;

	cpc_dbc_scan_line(scan);
	for (;;) {
		cpc_dbc_scan_space(scan);
		copy = *scan;
		if (!cpc_dbc_scan_word(&copy, &word))
			return 0;
		cpc_dbc_scan_blanks(&copy);
		if (cpc_dbc_scan_peek(&copy) != '\n' && cpc_dbc_scan_peek(&copy) >= 0)
			return 0;
		*scan = copy;
	}
}

static int skip_nodes(struct cpc_dbc_loader *loader)
{
	do {
		cpc_dbc_scan_line(&loader->scan);
		cpc_dbc_scan_space(&loader->scan);
	} while (cpc_dbc_scan_peek(&loader->scan) >= 0 && !at_statement(&loader->scan));
	return 0;
}

static int load_statement(struct cpc_dbc_loader *loader, enum statement statement)
{
	bool second = loader->second_pass;

	switch (statement) {
	case STATEMENT_UNKNOWN:
		return cpc_dbc_refuse(loader, "not a DBC statement");
	case STATEMENT_LINE:
		return skip_line(loader);
	case STATEMENT_SYMBOLS:
		return skip_symbols(loader);
	case STATEMENT_NODES:
		return skip_nodes(loader);
	case STATEMENT_SEMICOLON:
		return skip_to_semicolon(loader);
	case STATEMENT_MESSAGE:
		return second ? skip_line(loader) : cpc_dbc_load_message(loader);
	case STATEMENT_SIGNAL:
		return second ? skip_line(loader) : cpc_dbc_load_signal(loader);
	case STATEMENT_LABELS:
		return second ? cpc_dbc_load_labels(loader) : skip_to_semicolon(loader);
	case STATEMENT_VALUE_TYPE:
		return second ? cpc_dbc_load_value_type(loader) : skip_to_semicolon(loader);
	case STATEMENT_MULTIPLEXING:
		return second ? cpc_dbc_load_multiplexing(loader) : skip_to_semicolon(loader);
	}
	return -EINVAL;
}

static int load_pass(struct cpc_dbc_loader *loader, const char *text, size_t size)
{
	struct cpc_dbc_scan *scan = &loader->scan, before;
	struct cpc_slice word;
	int r;

	cpc_dbc_scan_init(scan, text, size);
	loader->in_message = false;
	for (;;) {
		cpc_dbc_scan_space(scan);
		if (cpc_dbc_scan_peek(scan) < 0)
			return 0;
		if (cpc_dbc_scan_char(scan, ';'))
			continue; /* a stray one, after a statement that was cut short */
		loader->statement_line = scan->line;
		before = *scan;
		if (!cpc_dbc_scan_word(scan, &word))
			return cpc_dbc_refuse(loader, "not a DBC statement");
		if (word.size >= 2 && memcmp(word.text, "//", 2) == 0) {
			cpc_dbc_scan_line(scan);
			continue;
		}
		if (statement_of(word) == STATEMENT_UNKNOWN)
			*scan = before; /* so that the error shows it */
		r = load_statement(loader, statement_of(word));
		if (r < 0)
			return r;
	}
}

static int compare_keys(const void *a, const void *b)
{
	const struct cpc_dbc_key *left = a, *right = b;

	if (left->key != right->key)
		return left->key > right->key ? 1 : -1;
	return left->message > right->message ? 1 : -1;
}

static void leave_out_double(struct cpc_dbc_loader *loader, struct cpc_dbc_message *message,
			     const struct cpc_dbc_message *first)
{
	loader->statement_line = message->line;
	cpc_dbc_warn(loader, "message %s has the same id %u as %s: left out", message->name,
		     message->id, first->name);
	for (uint32_t i = 0; i < message->signal_count; i++)
		loader->dbc->signals[message->first_signal + i].usable = false;
	message->signal_count = 0;
}

/*
 * Index the messages by id. Of two with the same id the first one in the file stands; the
 * other stays in `messages`, which signals refer to by index, but has no signals.
 */
static int build_index(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc *dbc = loader->dbc;
	uint32_t kept = 0;

	dbc->keys = calloc(dbc->message_count, sizeof(*dbc->keys));
	if (!dbc->keys) {
		cpc_error_set(loader->error, "out of memory for %u messages", dbc->message_count);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < dbc->message_count; i++) {
		const struct cpc_dbc_message *message = &dbc->messages[i];

		dbc->keys[i].key = (uint64_t)message->extended << 32 | message->id;
		dbc->keys[i].message = i;
	}
	qsort(dbc->keys, dbc->message_count, sizeof(*dbc->keys), compare_keys);
	for (uint32_t i = 1; i < dbc->message_count; i++) {
		if (dbc->keys[i].key == dbc->keys[kept].key)
			leave_out_double(loader, &dbc->messages[dbc->keys[i].message],
					 &dbc->messages[dbc->keys[kept].message]);
		else
			dbc->keys[++kept] = dbc->keys[i];
	}
	dbc->key_count = kept + 1;
	return 0;
}

static int load(struct cpc_dbc_loader *loader, const char *text, size_t size)
{
	struct cpc_dbc *dbc = loader->dbc;
	int r;

	dbc->pool_size = size * 2 + 64;
	dbc->pool = malloc(dbc->pool_size);
	if (!dbc->pool) {
		cpc_error_set(loader->error, "out of memory for a file of %zu bytes", size);
		return -ENOMEM;
	}
	r = load_pass(loader, text, size);
	if (r < 0)
		return r;
	if (!dbc->message_count) {
		cpc_error_set(loader->error, "no message (BO_) in these %zu bytes: not a DBC file?",
			      size);
		return -EINVAL;
	}
	r = build_index(loader);
	if (r < 0)
		return r;
	loader->second_pass = true;
	r = load_pass(loader, text, size);
	if (r < 0)
		return r;
	cpc_dbc_resolve(loader);
	return 0;
}

static void free_dbc(struct cpc_dbc **dbc)
{
	cpc_dbc_free(*dbc);
}

int cpc_dbc_new(const char *text, size_t size, struct cpc_dbc **ret_dbc, struct cpc_error *error)
{
	CPC_CLEANUP(free_dbc) struct cpc_dbc *dbc = NULL;
	struct cpc_dbc_loader loader;
	int r;

	if (size > CPC_DBC_FILE_MAX) {
		cpc_error_set(error, "%zu bytes: a DBC file may have %u", size,
			      (unsigned int)CPC_DBC_FILE_MAX);
		return -E2BIG;
	}
	dbc = calloc(1, sizeof(*dbc));
	if (!dbc) {
		cpc_error_set(error, "out of memory");
		return -ENOMEM;
	}
	loader = (struct cpc_dbc_loader){.dbc = dbc, .error = error};
	r = load(&loader, text, size);
	if (r < 0)
		return r;
	*ret_dbc = CPC_TAKE(dbc);
	return 0;
}

void cpc_dbc_free(struct cpc_dbc *dbc)
{
	if (!dbc)
		return;
	free(dbc->messages);
	free(dbc->signals);
	free(dbc->labels);
	free(dbc->ranges);
	free(dbc->keys);
	free(dbc->pool);
	free(dbc);
}
