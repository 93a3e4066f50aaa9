// SPDX-License-Identifier: BSD-3-Clause
#include "agent/gateway/value.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/dbc.h"

static const struct {
	const char *name;
	double min, max;
} datatypes[CPC_DATATYPES] = {
	[CPC_BOOLEAN] = {"boolean", 0, 1},
	[CPC_INT8] = {"int8", INT8_MIN, INT8_MAX},
	[CPC_INT16] = {"int16", INT16_MIN, INT16_MAX},
	[CPC_INT32] = {"int32", INT32_MIN, INT32_MAX},
	/* 2^63 and 2^64 have no double just below: these are the largest that fit. */
	[CPC_INT64] = {"int64", -0x1p63, 0x1.fffffffffffffp62},
	[CPC_UINT8] = {"uint8", 0, UINT8_MAX},
	[CPC_UINT16] = {"uint16", 0, UINT16_MAX},
	[CPC_UINT32] = {"uint32", 0, UINT32_MAX},
	[CPC_UINT64] = {"uint64", 0, 0x1.fffffffffffffp63},
	[CPC_FLOAT] = {"float", -FLT_MAX, FLT_MAX},
	[CPC_DOUBLE] = {"double", -DBL_MAX, DBL_MAX},
	[CPC_STRING] = {"string", 0, 0},
};

const char *cpc_datatype_name(enum cpc_datatype datatype)
{
	assert(datatype < CPC_DATATYPES);
	return datatypes[datatype].name;
}

int cpc_datatype_parse(const char *name, enum cpc_datatype *ret_datatype)
{
	for (enum cpc_datatype i = 0; i < CPC_DATATYPES; i++) {
		if (strcmp(datatypes[i].name, name) == 0) {
			*ret_datatype = i;
			return 0;
		}
	}
	return -EINVAL;
}

bool cpc_datatype_is_integer(enum cpc_datatype datatype)
{
	return datatype >= CPC_INT8 && datatype <= CPC_UINT64;
}

void cpc_datatype_range(enum cpc_datatype datatype, double *ret_min, double *ret_max)
{
	assert(datatype < CPC_STRING);
	*ret_min = datatypes[datatype].min;
	*ret_max = datatypes[datatype].max;
}

double cpc_value_number(const struct cpc_definition *definition, const struct cpc_value *value)
{
	double raw;

	assert(value->kind != CPC_VALUE_TEXT);
	if (value->kind == CPC_VALUE_NUMBER)
		return value->number;
	raw = definition->raw_unsigned ? (double)(uint64_t)value->raw : (double)value->raw;
	return cpc_dbc_scale(raw, definition->factor, definition->offset);
}

bool cpc_value_equal(const struct cpc_value *a, const struct cpc_value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CPC_VALUE_RAW:
		return a->raw == b->raw;
	case CPC_VALUE_NUMBER:
		return a->number == b->number;
	case CPC_VALUE_TEXT:
		return strcmp(a->text, b->text) == 0;
	}
	return false;
}

static void format_number(double number, enum cpc_datatype datatype, char *buffer, size_t size)
{
	int digits = datatype == CPC_FLOAT ? 6 : 15, most = datatype == CPC_FLOAT ? 9 : 17;

	if (number == 0)
		number = 0; /* no minus sign on it */
	for (; digits <= most; digits++) {
		snprintf(buffer, size, "%.*g", digits, number);
		if (datatype == CPC_FLOAT ? strtof(buffer, NULL) == (float)number
					  : strtod(buffer, NULL) == number)
			return;
	}
}

void cpc_value_format(const struct cpc_definition *definition, const struct cpc_value *value,
		      char *buffer, size_t size)
{
	bool plain = definition->factor == 1 && definition->offset == 0;

	assert(size > 0);
	if (value->kind == CPC_VALUE_TEXT) {
		snprintf(buffer, size, "%s", value->text);
		return;
	}
	if (definition->datatype == CPC_BOOLEAN)
		snprintf(buffer, size, "%s",
			 cpc_value_number(definition, value) != 0 ? "true" : "false");
	else if (value->kind == CPC_VALUE_RAW && plain && definition->raw_unsigned)
		snprintf(buffer, size, "%" PRIu64, (uint64_t)value->raw);
	else if (value->kind == CPC_VALUE_RAW && plain)
		snprintf(buffer, size, "%" PRId64, value->raw);
	else
		format_number(cpc_value_number(definition, value), definition->datatype, buffer,
			      size);
}

/* Length of the UTF-8 sequence at `text`, or 0 if there is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *text, size_t size)
{
	size_t length = text[0] < 0x80			     ? 1
			: text[0] >= 0xc2 && text[0] <= 0xdf ? 2
			: text[0] >= 0xe0 && text[0] <= 0xef ? 3
			: text[0] >= 0xf0 && text[0] <= 0xf4 ? 4
							     : 0;

	if (!length || length > size)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

size_t cpc_utf8_length(const char *text, size_t size)
{
	return size ? utf8_length((const unsigned char *)text, size) : 0;
}

bool cpc_text_is_clean(const char *text, size_t size)
{
	size_t at = 0, length;

	while (at < size) {
		length = cpc_utf8_length(text + at, size - at);
		if (!length || (unsigned char)text[at] < ' ' || text[at] == 0x7f)
			return false;
		at += length;
	}
	return true;
}
