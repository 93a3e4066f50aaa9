// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reading records of other vehicles. Every payload is read twice: first without effect, so
 * that a malformed one teaches nothing and hands out nothing, then for good.
 */
#include "agent/gateway/record.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/record_wire.h"
#include "agent/util/cleanup.h"

struct entry {
	struct cpc_definition definition;
	char path[CPC_OVERLAY_PATH_MAX + 1];
	char unit[CPC_OVERLAY_UNIT_MAX + 1];
};

/* One dictionary of the author: an author has a new one after a change of its configuration. */
struct dictionary {
	uint32_t tag;
	uint64_t used; /* reader's count of payloads when last used; 0: free */
	struct entry **entries;
	uint32_t size;
};

struct cpc_record_reader {
	uint64_t payloads;
	struct dictionary dictionaries[CPC_RECORD_DICTIONARIES_MAX];
};

struct pass {
	struct dictionary *dictionary; /* NULL in the pass without effect */
	struct cpc_reader cursor;
	uint32_t tag;
	uint64_t base_ms;
	char path[CPC_OVERLAY_PATH_MAX + 1]; /* of the definition before */
	cpc_record_item_fn item;
	void *context;
	int samples;
	const char *what; /* is malformed */
};

int cpc_record_reader_new(struct cpc_record_reader **ret_reader)
{
	struct cpc_record_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	*ret_reader = reader;
	return 0;
}

static void forget(struct dictionary *dictionary)
{
	for (uint32_t i = 0; i < dictionary->size; i++)
		free(dictionary->entries[i]);
	free(dictionary->entries);
	*dictionary = (struct dictionary){0};
}

void cpc_record_reader_free(struct cpc_record_reader *reader)
{
	if (!reader)
		return;
	for (int i = 0; i < CPC_RECORD_DICTIONARIES_MAX; i++)
		forget(&reader->dictionaries[i]);
	free(reader);
}

/* The dictionary of this tag, in place of the one least recently used if it is new. */
static struct dictionary *find_dictionary(struct cpc_record_reader *reader, uint32_t tag)
{
	struct dictionary *oldest = &reader->dictionaries[0];

	for (int i = 0; i < CPC_RECORD_DICTIONARIES_MAX; i++) {
		struct dictionary *dictionary = &reader->dictionaries[i];

		if (dictionary->used && dictionary->tag == tag)
			return dictionary;
		if (dictionary->used < oldest->used)
			oldest = dictionary;
	}
	forget(oldest);
	oldest->tag = tag;
	return oldest;
}

static int learn(struct dictionary *dictionary, uint32_t index, const struct entry *entry)
{
	struct entry **entries = dictionary->entries, *copy;
	uint32_t size = dictionary->size;

	assert(index < CPC_RECORD_SIGNALS_MAX);
	if (index >= size) {
		size = size ? size : 16;
		while (size <= index)
			size *= 2;
		entries = reallocarray(entries, size, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		memset(entries + dictionary->size, 0, (size - dictionary->size) * sizeof(*entries));
		dictionary->entries = entries;
		dictionary->size = size;
	}
	copy = entries[index] ? entries[index] : malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *entry;
	copy->definition.path = copy->path;
	copy->definition.unit = copy->unit;
	entries[index] = copy;
	return 0;
}

static int malformed(struct pass *pass, const char *what)
{
	pass->what = what;
	return -EINVAL;
}

/* A clean text of at most `max` bytes behind `kept` bytes that `text` holds already. */
static bool read_text(struct cpc_reader *cursor, char *text, size_t kept, size_t size, size_t max)
{
	if (kept + size > max)
		return false;
	cpc_read_copy(cursor, text + kept, size);
	text[kept + size] = '\0';
	return !cursor->failed && cpc_text_is_clean(text, kept + size);
}

static int read_definition(struct pass *pass, uint32_t index)
{
	struct cpc_reader *cursor = &pass->cursor;
	struct entry entry;
	size_t shared = cpc_read_u8(cursor), rest = cpc_read_u8(cursor);
	uint8_t type;

	if (shared > strlen(pass->path) || shared + rest == 0 ||
	    !read_text(cursor, pass->path, shared, rest, CPC_OVERLAY_PATH_MAX))
		return malformed(pass, "path");
	strcpy(entry.path, pass->path);
	rest = cpc_read_u8(cursor);
	if (!read_text(cursor, entry.unit, 0, rest, CPC_OVERLAY_UNIT_MAX))
		return malformed(pass, "unit");
	type = cpc_read_u8(cursor);
	if (cursor->failed || (type & CPC_TYPE_MASK) >= CPC_DATATYPES ||
	    type & ~(CPC_TYPE_MASK | CPC_TYPE_SCALED | CPC_TYPE_UNSIGNED))
		return malformed(pass, "type");
	entry.definition = (struct cpc_definition){
		.datatype = (enum cpc_datatype)(type & CPC_TYPE_MASK),
		.raw_unsigned = type & CPC_TYPE_UNSIGNED,
		.factor = 1,
	};
	if (type & CPC_TYPE_SCALED) {
		entry.definition.factor = cpc_read_double(cursor);
		entry.definition.offset = cpc_read_double(cursor);
		if (cursor->failed || !isfinite(entry.definition.factor) ||
		    !isfinite(entry.definition.offset))
			return malformed(pass, "factor or offset");
	}
	return pass->dictionary ? learn(pass->dictionary, index, &entry) : 0;
}

static int read_value(struct pass *pass, unsigned int kind, int64_t last_raw, char *text,
		      struct cpc_value *value)
{
	struct cpc_reader *cursor = &pass->cursor;

	*value = (struct cpc_value){.kind = CPC_VALUE_NUMBER};
	switch (kind) {
	case CPC_KIND_RAW:
		value->kind = CPC_VALUE_RAW;
		value->raw = (int64_t)((uint64_t)last_raw +
				       (uint64_t)cpc_unzigzag(cpc_read_varint(cursor)));
		break;
	case CPC_KIND_DOUBLE:
		value->number = cpc_read_double(cursor);
		break;
	case CPC_KIND_FLOAT:
		value->number = (double)cpc_read_float(cursor);
		break;
	case CPC_KIND_TEXT:
		value->kind = CPC_VALUE_TEXT;
		value->text = text;
		if (!read_text(cursor, text, 0, cpc_read_u8(cursor), CPC_OVERLAY_TEXT_MAX))
			return malformed(pass, "text");
		break;
	default:
		return malformed(pass, "kind of value");
	}
	if (cursor->failed || !isfinite(value->number))
		return malformed(pass, "value");
	return 0;
}

static int read_samples(struct pass *pass, uint32_t index)
{
	const struct dictionary *dictionary = pass->dictionary;
	char text[CPC_OVERLAY_TEXT_MAX + 1];
	struct cpc_record_item item = {
		.dictionary = pass->tag,
		.index = index,
		.time_ms = pass->base_ms,
	};
	uint8_t shape = cpc_read_u8(&pass->cursor);
	unsigned int count = (shape & (CPC_RECORD_GROUP_MAX - 1)) + 1u;
	int r;

	if (dictionary && index < dictionary->size && dictionary->entries[index])
		item.definition = &dictionary->entries[index]->definition;
	for (; count > 0; count--) {
		if (__builtin_add_overflow(item.time_ms, cpc_read_varint(&pass->cursor),
					   &item.time_ms))
			return malformed(pass, "time");
		r = read_value(pass, shape >> 5, item.value.raw, text, &item.value);
		if (r < 0)
			return r;
		if (pass->dictionary && pass->item)
			pass->item(pass->context, &item);
		pass->samples++;
	}
	return 0;
}

static int read_pass(struct pass *pass, const uint8_t *payload, size_t size,
		     struct dictionary *dictionary)
{
	uint64_t head;
	int r = 0;

	pass->dictionary = dictionary;
	pass->cursor = cpc_reader_init(payload, size);
	pass->path[0] = '\0';
	pass->samples = 0;
	pass->what = "";
	cpc_read_bytes(&pass->cursor, 2);
	pass->tag = cpc_read_le32(&pass->cursor);
	pass->base_ms = cpc_read_le64(&pass->cursor);
	if (pass->cursor.failed)
		return malformed(pass, "header");
	while (r == 0 && pass->cursor.left) {
		head = cpc_read_varint(&pass->cursor);
		if (pass->cursor.failed || head >> 1 >= CPC_RECORD_SIGNALS_MAX)
			return malformed(pass, "signal number");
		r = head & 1 ? read_definition(pass, (uint32_t)(head >> 1))
			     : read_samples(pass, (uint32_t)(head >> 1));
	}
	return r;
}

bool cpc_record_is_record(const uint8_t *payload, size_t size)
{
	return size >= CPC_RECORD_HEADER && memcmp(payload, CPC_RECORD_MAGIC, 2) == 0;
}

int cpc_record_decode(struct cpc_record_reader *reader, const uint8_t *payload, size_t size,
		    cpc_record_item_fn item, void *context, struct cpc_error *error)
{
	struct pass pass = {.item = item, .context = context};
	struct dictionary *dictionary;
	int r;

	if (!cpc_record_is_record(payload, size) || size > CPC_RECORD_PAYLOAD_MAX) {
		cpc_error_set(error, "%zu bytes that are not a record", size);
		return -EINVAL;
	}
	r = read_pass(&pass, payload, size, NULL);
	if (r < 0) {
		cpc_error_set(error, "byte %zu of %zu: malformed %s", size - pass.cursor.left, size,
			      pass.what);
		return r;
	}
	dictionary = find_dictionary(reader, pass.tag);
	dictionary->used = ++reader->payloads;
	r = read_pass(&pass, payload, size, dictionary);
	if (r < 0) {
		assert(r == -ENOMEM);
		cpc_error_set(error, "out of memory for signal definitions");
		return r;
	}
	return pass.samples;
}
