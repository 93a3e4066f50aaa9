// SPDX-License-Identifier: BSD-3-Clause
/* Writing records; record.h has the format, record_read.c the way back. */
#include "agent/gateway/record.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/record_wire.h"

/* FNV-1a, 32 bits. Not for secrets: it tells two dictionaries of one author apart. */
static uint32_t hash_bytes(uint32_t hash, const void *data, size_t size)
{
	const uint8_t *byte = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return hash;
}

static uint8_t type_byte(const struct cpc_definition *definition)
{
	bool scaled = definition->factor != 1 || definition->offset != 0;

	return (uint8_t)(definition->datatype | (scaled ? CPC_TYPE_SCALED : 0) |
			 (definition->raw_unsigned ? CPC_TYPE_UNSIGNED : 0));
}

uint32_t cpc_record_tag(const struct cpc_definition *const *definitions, uint32_t count)
{
	uint8_t numbers[17];
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < count; i++) {
		const struct cpc_definition *definition = definitions[i];
		struct cpc_writer writer = cpc_writer_init(numbers, sizeof(numbers));

		cpc_write_u8(&writer, type_byte(definition));
		cpc_write_double(&writer, definition->factor);
		cpc_write_double(&writer, definition->offset);
		hash = hash_bytes(hash, definition->path, strlen(definition->path) + 1);
		hash = hash_bytes(hash, definition->unit, strlen(definition->unit) + 1);
		hash = hash_bytes(hash, numbers, sizeof(numbers));
	}
	return hash;
}

size_t cpc_record_definition_size(const struct cpc_definition *definition)
{
	return 3 + 4 + strlen(definition->path) + strlen(definition->unit) + 16;
}

struct packer {
	const struct cpc_record_dictionary *dictionary;
	uint64_t base_ms;
	size_t payload_max;
	cpc_record_emit_fn emit;
	void *context;
	int payloads;

	uint8_t buffer[CPC_RECORD_PAYLOAD_MAX];
	struct cpc_writer writer;
	const char *last_path; /* of the definition before, in this payload */

	/* The group being written; `shape` is NULL between groups. */
	uint8_t *shape;
	uint32_t index;
	uint8_t kind;
	unsigned int count;
	int64_t last_raw;
	uint64_t last_ms;
};

static void begin_payload(struct packer *packer)
{
	packer->writer = cpc_writer_init(packer->buffer, packer->payload_max);
	cpc_write_bytes(&packer->writer, CPC_RECORD_MAGIC, 2);
	cpc_write_le32(&packer->writer, packer->dictionary->tag);
	cpc_write_le64(&packer->writer, packer->base_ms);
	packer->last_path = "";
	packer->shape = NULL;
}

static void end_payload(struct packer *packer)
{
	assert(!packer->writer.failed);
	if (packer->writer.used == CPC_RECORD_HEADER)
		return;
	packer->emit(packer->context, packer->buffer, packer->writer.used);
	packer->payloads++;
}

static void append(struct packer *packer, const struct cpc_writer *part)
{
	assert(!part->failed);
	cpc_write_bytes(&packer->writer, part->start, part->used);
}

static void encode_definition(struct cpc_writer *writer, uint32_t index,
			      const struct cpc_definition *definition, const char *last_path)
{
	size_t size = strlen(definition->path), unit = strlen(definition->unit), shared = 0;

	assert(size <= CPC_OVERLAY_PATH_MAX && unit <= CPC_OVERLAY_UNIT_MAX);
	while (shared < size && last_path[shared] == definition->path[shared])
		shared++;
	cpc_write_varint(writer, (uint64_t)index << 1 | 1);
	cpc_write_u8(writer, (uint8_t)shared);
	cpc_write_u8(writer, (uint8_t)(size - shared));
	cpc_write_bytes(writer, definition->path + shared, size - shared);
	cpc_write_u8(writer, (uint8_t)unit);
	cpc_write_bytes(writer, definition->unit, unit);
	cpc_write_u8(writer, type_byte(definition));
	if (type_byte(definition) & CPC_TYPE_SCALED) {
		cpc_write_double(writer, definition->factor);
		cpc_write_double(writer, definition->offset);
	}
}

/* A definition that fits in no payload is left out: its samples then stay without a name. */
static void put_definition(struct packer *packer, uint32_t index)
{
	const struct cpc_definition *definition = packer->dictionary->definitions[index];
	uint8_t bytes[CPC_OVERLAY_PATH_MAX + CPC_OVERLAY_UNIT_MAX + 32];
	struct cpc_writer part = cpc_writer_init(bytes, sizeof(bytes));

	encode_definition(&part, index, definition, packer->last_path);
	if (part.used > cpc_writer_room(&packer->writer)) {
		end_payload(packer);
		begin_payload(packer);
		part = cpc_writer_init(bytes, sizeof(bytes));
		encode_definition(&part, index, definition, "");
		if (part.used > cpc_writer_room(&packer->writer))
			return;
	}
	append(packer, &part);
	packer->last_path = definition->path;
}

static uint8_t kind_of(const struct cpc_value *value)
{
	switch (value->kind) {
	case CPC_VALUE_RAW:
		return CPC_KIND_RAW;
	case CPC_VALUE_NUMBER:
		return fabs(value->number) < 3e38 && (double)(float)value->number == value->number
			       ? CPC_KIND_FLOAT
			       : CPC_KIND_DOUBLE;
	case CPC_VALUE_TEXT:
		return CPC_KIND_TEXT;
	}
	return CPC_KIND_RAW;
}

static void encode_sample(struct cpc_writer *writer, const struct cpc_record_sample *sample,
			  uint8_t kind, uint64_t last_ms, int64_t last_raw)
{
	const struct cpc_value *value = &sample->value;
	size_t size;

	assert(sample->time_ms >= last_ms);
	cpc_write_varint(writer, sample->time_ms - last_ms);
	switch (kind) {
	case CPC_KIND_RAW:
		cpc_write_varint(writer,
				 cpc_zigzag((int64_t)((uint64_t)value->raw - (uint64_t)last_raw)));
		break;
	case CPC_KIND_DOUBLE:
		cpc_write_double(writer, value->number);
		break;
	case CPC_KIND_FLOAT:
		cpc_write_float(writer, (float)value->number);
		break;
	case CPC_KIND_TEXT:
		size = strlen(value->text);
		assert(size <= CPC_OVERLAY_TEXT_MAX);
		cpc_write_u8(writer, (uint8_t)size);
		cpc_write_bytes(writer, value->text, size);
		break;
	}
}

static bool in_group(const struct packer *packer, const struct cpc_record_sample *sample)
{
	return packer->shape && packer->index == sample->index &&
	       packer->kind == kind_of(&sample->value) && packer->count < CPC_RECORD_GROUP_MAX;
}

/* Write a sample to the open group, or to a new one; false if there is no room for it. */
static bool try_sample(struct packer *packer, const struct cpc_record_sample *sample)
{
	uint8_t bytes[CPC_VARINT_MAX * 3 + 2 + CPC_OVERLAY_TEXT_MAX];
	struct cpc_writer part = cpc_writer_init(bytes, sizeof(bytes));
	bool open = in_group(packer, sample);
	uint8_t kind = kind_of(&sample->value);
	size_t head = 0;

	if (open) {
		encode_sample(&part, sample, kind, packer->last_ms, packer->last_raw);
	} else {
		cpc_write_varint(&part, (uint64_t)sample->index << 1);
		head = part.used;
		cpc_write_u8(&part, 0);
		encode_sample(&part, sample, kind, packer->base_ms, 0);
	}
	if (part.used > cpc_writer_room(&packer->writer))
		return false;
	if (!open) {
		packer->shape = packer->writer.start + packer->writer.used + head;
		packer->index = sample->index;
		packer->kind = kind;
		packer->count = 0;
	}
	append(packer, &part);
	packer->count++;
	*packer->shape = (uint8_t)(kind << 5 | (packer->count - 1));
	packer->last_ms = sample->time_ms;
	packer->last_raw = sample->value.raw;
	return true;
}

static int compare_samples(const void *a, const void *b)
{
	const struct cpc_record_sample *left = a, *right = b;

	if (left->index != right->index)
		return left->index > right->index ? 1 : -1;
	if (left->time_ms != right->time_ms)
		return left->time_ms > right->time_ms ? 1 : -1;
	return left->sequence > right->sequence ? 1 : -1;
}

int cpc_record_pack(const struct cpc_record_dictionary *dictionary, const uint32_t *announce,
		    uint32_t announce_count, struct cpc_record_sample *samples,
		    uint32_t sample_count, size_t payload_max, cpc_record_emit_fn emit,
		    void *context)
{
	struct packer packer = {
		.dictionary = dictionary,
		.payload_max = payload_max,
		.emit = emit,
		.context = context,
	};

	if (payload_max < CPC_RECORD_PAYLOAD_MIN || payload_max > CPC_RECORD_PAYLOAD_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < sample_count; i++) {
		samples[i].sequence = i;
		if (i == 0 || samples[i].time_ms < packer.base_ms)
			packer.base_ms = samples[i].time_ms;
	}
	if (sample_count)
		qsort(samples, sample_count, sizeof(*samples), compare_samples);
	begin_payload(&packer);
	for (uint32_t i = 0; i < announce_count; i++)
		put_definition(&packer, announce[i]);
	for (uint32_t i = 0; i < sample_count; i++) {
		if (try_sample(&packer, &samples[i]))
			continue;
		end_payload(&packer);
		begin_payload(&packer);
		if (!try_sample(&packer, &samples[i]))
			assert(!"a sample fits in an empty payload");
	}
	end_payload(&packer);
	return packer.payloads;
}
