// SPDX-License-Identifier: BSD-3-Clause
/* Records for people and programs: a line of text, or JSON. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/gateway/record.h"

/* RFC 3339 in UTC; a time beyond the year 9999, which only nonsense has, as its number. */
static void format_time(uint64_t time_ms, char *buffer, size_t size)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	size_t used;

	if (time_ms >= 253402300800000 || !gmtime_r(&seconds, &tm)) {
		snprintf(buffer, size, "%" PRIu64 "ms", time_ms);
		return;
	}
	used = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buffer + used, size - used, ".%03" PRIu64 "Z", time_ms % 1000);
}

/* Enough of a definition to print a value whose own has not been seen. */
static const struct cpc_definition unknown = {
	.path = "",
	.unit = "",
	.datatype = CPC_DOUBLE,
	.factor = 1,
};

void cpc_record_format(const struct cpc_record_item *item, char *buffer, size_t size)
{
	const struct cpc_definition *definition = item->definition ? item->definition : &unknown;
	char time[32], value[64], name[32] = "";

	assert(size > 0);
	format_time(item->time_ms, time, sizeof(time));
	cpc_value_format(definition, &item->value, value, sizeof(value));
	if (!item->definition)
		snprintf(name, sizeof(name), "signal-%08" PRIx32 "-%" PRIu32, item->dictionary,
			 item->index);
	snprintf(buffer, size, "%s %s %s%s%s", time, item->definition ? definition->path : name,
		 value, definition->unit[0] ? " " : "", definition->unit);
}

static json_t *json_of_value(const struct cpc_definition *definition, const struct cpc_value *value)
{
	bool plain = definition->factor == 1 && definition->offset == 0;
	bool fits = !definition->raw_unsigned || value->raw >= 0;
	char text[64];
	double number;

	if (value->kind == CPC_VALUE_TEXT)
		return json_string(value->text);
	number = cpc_value_number(definition, value);
	if (definition->datatype == CPC_BOOLEAN)
		return json_boolean(number != 0);
	if (value->kind == CPC_VALUE_RAW && plain && fits)
		return json_integer(value->raw);
	if (!isfinite(number))
		return json_null();
	if (definition->datatype != CPC_FLOAT)
		return json_real(number);
	/* 120.77 rather than the 120.7699999 that a float really is. */
	cpc_value_format(definition, value, text, sizeof(text));
	return json_real(strtod(text, NULL));
}

json_t *cpc_record_json(const struct cpc_record_item *item)
{
	const struct cpc_definition *definition = item->definition ? item->definition : &unknown;
	json_t *value = json_of_value(definition, &item->value);
	json_int_t time_ms = (json_int_t)item->time_ms;

	if (!item->definition)
		return json_pack("{sI sn sI sI so}", "time_ms", time_ms, "signal", "dictionary",
				 (json_int_t)item->dictionary, "index", (json_int_t)item->index,
				 "value", value);
	return json_pack("{sI ss so ss}", "time_ms", time_ms, "signal", definition->path, "value",
			 value, "unit", definition->unit);
}
