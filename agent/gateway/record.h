/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_RECORD_H
#define CPC_AGENT_GATEWAY_RECORD_H

/*
 * Record: the payload of a lane entry that carries vehicle signals. It explains itself: the
 * definition of a signal (path, unit, type, step) travels like a sample does, once when the signal
 * is first sent and again from time to time, and samples refer to it by a small number. So any
 * other vehicle reads a log by itself, from any point a few seconds before.
 *
 *	payload    = "V1"  dictionary:u32  base:u64  { item }           little-endian
 *	item       = definition | samples
 *	definition = varint(index << 1 | 1)  shared:u8  rest:u8 bytes  unit:u8 bytes  type:u8
 *	             [ factor:f64  offset:f64 ]
 *	samples    = varint(index << 1)  shape:u8  { varint(time)  value }
 *	shape      = kind << 5 | (count - 1)                            so 1 to 32 samples
 *	value      = kind 0, raw:    zigzag varint, difference to the raw value before it
 *	             kind 1, double: 8 bytes       kind 2, float: 4 bytes
 *	             kind 3, text:   length:u8 bytes
 *
 * base is Unix time in ms; a sample's time counts ms from the sample before it in its group,
 * the first one's from base. `shared` bytes of a path are those of the definition before it in this
 * payload. type is a datatype, plus 0x10 if factor and offset follow (else 1 and 0), plus 0x20
 * if raw values are unsigned. `dictionary` is a hash of all definitions of the author: when it
 * changes, the numbers mean something else. A varint is 7 bits per byte, low ones first.
 *
 * Exactness: a value on its signal's grid is sent as its raw number, and every machine computes
 * raw x factor + offset alike; any other value is sent as float only if that loses nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/gateway/limits.h"
#include "agent/gateway/value.h"
#include "agent/util/error.h"

/* ---- writing ---------------------------------------------------------------------------- */

struct cpc_record_dictionary {
	const struct cpc_definition *const *definitions;
	uint32_t count; /* at most CPC_RECORD_SIGNALS_MAX */
	uint32_t tag;	/* cpc_record_tag() of them */
};

struct cpc_record_sample {
	uint32_t index;	   /* in the dictionary */
	uint32_t sequence; /* set by cpc_record_pack(), to keep equal times in order */
	uint64_t time_ms;  /* Unix */
	struct cpc_value value;
};

uint32_t cpc_record_tag(const struct cpc_definition *const *definitions, uint32_t count);

/* Bytes that a definition takes at most. */
size_t cpc_record_definition_size(const struct cpc_definition *definition);

/* `payload` is valid during the call only. */
typedef void (*cpc_record_emit_fn)(void *context, const uint8_t *payload, size_t size);

/*
 * Pack definitions (indices in `announce`) and then samples into as many payloads of at most
 * `payload_max` bytes as needed; nothing to send gives none. The
 * samples are sorted in place, by signal and time; those of equal time keep their order.
 * Returns the number of payloads, or -EINVAL for a payload_max outside CPC_RECORD_PAYLOAD_MIN..MAX.
 */
int cpc_record_pack(const struct cpc_record_dictionary *dictionary, const uint32_t *announce,
		    uint32_t announce_count, struct cpc_record_sample *samples,
		    uint32_t sample_count, size_t payload_max, cpc_record_emit_fn emit,
		    void *context);

/* ---- reading ---------------------------------------------------------------------------- */

/* What one author's payloads have taught so far; one reader per author. */
struct cpc_record_reader;

struct cpc_record_item {
	/* NULL while its definition has not been seen; a raw value then has no scale. */
	const struct cpc_definition *definition;
	uint32_t dictionary;
	uint32_t index;
	uint64_t time_ms;	/* Unix */
	struct cpc_value value; /* text valid during the call only */
};

typedef void (*cpc_record_item_fn)(void *context, const struct cpc_record_item *item);

int cpc_record_reader_new(struct cpc_record_reader **ret_reader); /* -ENOMEM */
void cpc_record_reader_free(struct cpc_record_reader *reader);

/* Does a lane entry's payload look like a record, rather than something else? */
bool cpc_record_is_record(const uint8_t *payload, size_t size);

/*
 * Learn a payload's definitions and hand out its samples. Returns how many samples; -EINVAL
 * with the byte offset in `error` if malformed, and then nothing was learnt or handed out; -ENOMEM.
 * `item` may be NULL, to learn only.
 */
int cpc_record_decode(struct cpc_record_reader *reader, const uint8_t *payload, size_t size,
		    cpc_record_item_fn item, void *context, struct cpc_error *error);

/* ---- showing ---------------------------------------------------------------------------- */

/* "2023-11-14T22:13:20.100Z Vehicle.Speed 120.77 km/h"; 512 bytes hold any. */
void cpc_record_format(const struct cpc_record_item *item, char *buffer, size_t size);

/*
 * {"time_ms": 1700000000100, "signal": "Vehicle.Speed", "value": 120.77, "unit": "km/h"}; an
 * unknown signal has "signal": null with "dictionary" and "index". New reference, NULL
 * without memory. Dump it with JSON_REAL_PRECISION(15), else 0.1 becomes 0.10000000000000001.
 */
struct json_t *cpc_record_json(const struct cpc_record_item *item);

#endif
