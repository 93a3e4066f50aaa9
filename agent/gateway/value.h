/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_VALUE_H
#define CPC_AGENT_GATEWAY_VALUE_H

/*
 * A vehicle signal by its VSS name, and one value of it. VSS is the Vehicle Signal
 * Specification of COVESA: a tree of names with agreed units and meanings.
 *
 * Most values are whole multiples of a step: they come from a CAN signal with a factor. Such
 * a value is kept and sent as its whole number, and value = raw x factor + offset is computed
 * the same way at both ends, so that nothing is lost on the way.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/gateway/limits.h"

enum cpc_datatype {
	CPC_BOOLEAN,
	CPC_INT8,
	CPC_INT16,
	CPC_INT32,
	CPC_INT64,
	CPC_UINT8,
	CPC_UINT16,
	CPC_UINT32,
	CPC_UINT64,
	CPC_FLOAT,
	CPC_DOUBLE,
	CPC_STRING,
	CPC_DATATYPES,
};

/* What a reader must know to name and print the values of a signal. */
struct cpc_definition {
	const char *path; /* such as Vehicle.Speed; at most CPC_OVERLAY_PATH_MAX bytes of UTF-8 */
	const char *unit; /* such as km/h; "" if none; at most CPC_OVERLAY_UNIT_MAX */
	enum cpc_datatype datatype;
	bool raw_unsigned;     /* raw values are to be read as uint64_t */
	double factor, offset; /* finite */
};

enum cpc_value_kind {
	CPC_VALUE_RAW,	  /* `raw`, of the definition's factor and offset */
	CPC_VALUE_NUMBER, /* `number`, as it is */
	CPC_VALUE_TEXT,	  /* `text` */
};

struct cpc_value {
	enum cpc_value_kind kind;
	int64_t raw;
	double number;
	const char *text; /* at most CPC_OVERLAY_TEXT_MAX bytes of UTF-8 */
};

/* The VSS spelling, such as "uint8"; and back: -EINVAL if it is none of ours. */
const char *cpc_datatype_name(enum cpc_datatype datatype);
int cpc_datatype_parse(const char *name, enum cpc_datatype *ret_datatype);
bool cpc_datatype_is_integer(enum cpc_datatype datatype);

/* What a number of this type may be. Not for strings. */
void cpc_datatype_range(enum cpc_datatype datatype, double *ret_min, double *ret_max);

/* The physical number of a value that is not a text. */
double cpc_value_number(const struct cpc_definition *definition, const struct cpc_value *value);

bool cpc_value_equal(const struct cpc_value *a, const struct cpc_value *b);

/*
 * "120.77", "true", "PARK": no unit, no quotes. The shortest text that reads back as the same
 * number of the datatype. `buffer` is always terminated; 64 bytes are enough.
 */
void cpc_value_format(const struct cpc_definition *definition, const struct cpc_value *value,
		      char *buffer, size_t size);

/* Bytes of the UTF-8 character at `text`, or 0 if there is none. */
size_t cpc_utf8_length(const char *text, size_t size);

/* Is it UTF-8 without control bytes, fit for JSON and a terminal? */
bool cpc_text_is_clean(const char *text, size_t size);

#endif
