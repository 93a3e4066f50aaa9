// SPDX-License-Identifier: BSD-3-Clause
/* The overlay as a table and what it does to values; overlay_load.c reads it from JSON. */
#include "agent/gateway/overlay.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/expr.h"
#include "agent/gateway/overlay_load.h"
#include "agent/util/cleanup.h"

#define WHOLE_MAX 0x1p53 /* above it a double no longer counts by ones */

void cpc_overlay_warn(struct cpc_overlay *overlay, const char *format, ...)
{
	va_list args;

	overlay->warning_total++;
	if (overlay->warning_count == CPC_OVERLAY_WARNINGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(overlay->warnings[overlay->warning_count++], sizeof(overlay->warnings[0]), format,
		  args);
	va_end(args);
}

char *cpc_overlay_copy(const char *text, size_t max)
{
	size_t size = 0, length;

	while (text[size]) {
		length = cpc_utf8_length(text + size, strlen(text + size));
		if (!length || size + length > max)
			break;
		size += length;
	}
	return strndup(text, size);
}

struct cpc_overlay_signal *cpc_overlay_add(struct cpc_overlay *overlay, const char *path,
					   int *ret_error, struct cpc_error *error)
{
	struct cpc_overlay_signal *signals = overlay->signals, *signal;
	uint32_t count = overlay->signal_count;

	if (count == CPC_OVERLAY_SIGNALS_MAX) {
		cpc_error_set(error, "%s: more than %u mapped signals", path,
			      (unsigned int)CPC_OVERLAY_SIGNALS_MAX);
		*ret_error = -E2BIG;
		return NULL;
	}
	/* A power of two: the array is full. */
	if ((count & (count - 1)) == 0) {
		signals = reallocarray(signals, count ? 2 * (size_t)count : 1, sizeof(*signals));
		if (!signals) {
			cpc_error_set(error, "%s: out of memory", path);
			*ret_error = -ENOMEM;
			return NULL;
		}
		overlay->signals = signals;
	}
	signal = &signals[count];
	*signal = (struct cpc_overlay_signal){.definition = {.factor = 1}};
	overlay->signal_count++; /* from here on cpc_overlay_free() cares for it */
	signal->definition.path = strdup(path);
	if (!signal->definition.path) {
		cpc_error_set(error, "%s: out of memory", path);
		*ret_error = -ENOMEM;
		return NULL;
	}
	return signal;
}

static bool is_whole(double number)
{
	return fabs(number) < WHOLE_MAX && number == floor(number);
}

/*
 * A linear formula folds into factor and offset, so that the value stays a multiple of a step.
 * Not when the datatype wants whole numbers and the steps are not: then values are rounded.
 */
void cpc_overlay_set_grid(struct cpc_overlay_signal *signal)
{
	struct cpc_definition *definition = &signal->definition;
	const struct cpc_dbc_signal *source = signal->source;
	double slope = 1, intercept = 0, factor, offset;

	definition->factor = 1;
	definition->offset = 0;
	if (signal->transform == CPC_TRANSFORM_MAPPING || definition->datatype == CPC_STRING ||
	    definition->datatype == CPC_BOOLEAN)
		return;
	if (source->type == CPC_DBC_FLOAT || source->type == CPC_DBC_DOUBLE)
		return;
	if (signal->transform == CPC_TRANSFORM_MATH &&
	    !cpc_expr_is_linear(signal->math, &slope, &intercept))
		return;
	factor = source->factor * slope;
	offset = cpc_dbc_scale(source->offset, slope, intercept);
	if (!isfinite(factor) || !isfinite(offset) || factor == 0)
		return;
	if (cpc_datatype_is_integer(definition->datatype) &&
	    (!is_whole(factor) || !is_whole(offset)))
		return;
	signal->on_grid = true;
	definition->factor = factor;
	definition->offset = offset;
	definition->raw_unsigned = source->type == CPC_DBC_UNSIGNED && source->bits == 64;
}

static int map_entry(const struct cpc_overlay *overlay, const struct cpc_overlay_signal *signal,
		     const struct cpc_dbc_reading *reading, struct cpc_value *ret_value)
{
	const char *label = cpc_dbc_label(overlay->dbc, signal->source, reading->raw);

	for (uint32_t i = 0; i < signal->entry_count; i++) {
		const struct cpc_overlay_entry *entry = &signal->entries[i];

		if (entry->kind == CPC_FROM_TEXT ? label && strcmp(label, entry->text) == 0
						 : entry->number == reading->value) {
			*ret_value = entry->to;
			return 0;
		}
	}
	return -ENOMSG;
}

static int map_text(const struct cpc_overlay *overlay, const struct cpc_overlay_signal *signal,
		    const struct cpc_dbc_reading *reading, struct cpc_value *ret_value)
{
	const char *label = cpc_dbc_label(overlay->dbc, signal->source, reading->raw);

	if (!label)
		return -ENOMSG;
	if (strlen(label) > CPC_OVERLAY_TEXT_MAX)
		return -ERANGE;
	*ret_value = (struct cpc_value){.kind = CPC_VALUE_TEXT, .text = label};
	return 0;
}

int cpc_overlay_map(const struct cpc_overlay *overlay, const struct cpc_overlay_signal *signal,
		    const struct cpc_dbc_reading *reading, struct cpc_value *ret_value)
{
	const struct cpc_definition *definition = &signal->definition;
	struct cpc_value value = {.kind = CPC_VALUE_RAW, .raw = reading->raw};
	double number = reading->value;

	if (signal->transform == CPC_TRANSFORM_MAPPING)
		return map_entry(overlay, signal, reading, ret_value);
	if (definition->datatype == CPC_STRING)
		return map_text(overlay, signal, reading, ret_value);
	if (signal->on_grid) {
		number = cpc_value_number(definition, &value);
	} else {
		if (signal->transform == CPC_TRANSFORM_MATH &&
		    cpc_expr_evaluate(signal->math, reading->value, &number) < 0)
			return -ERANGE;
		if (cpc_datatype_is_integer(definition->datatype))
			number = round(number);
		if (is_whole(number))
			value.raw = (int64_t)number;
		else
			value = (struct cpc_value){.kind = CPC_VALUE_NUMBER, .number = number};
	}
	if (!(number >= signal->min && number <= signal->max))
		return -ERANGE;
	if (definition->datatype == CPC_BOOLEAN && number != 0 && number != 1)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* Counting sort of the signals by their DBC message. */
static int build_index(struct cpc_overlay *overlay, struct cpc_error *error)
{
	uint32_t messages = overlay->dbc->message_count, sum = 0;

	overlay->first_of = calloc(messages + 1, sizeof(*overlay->first_of));
	overlay->by_message = calloc(overlay->signal_count + 1, sizeof(*overlay->by_message));
	if (!overlay->first_of || !overlay->by_message) {
		cpc_error_set(error, "out of memory for %u signals", overlay->signal_count);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < overlay->signal_count; i++)
		overlay->first_of[overlay->signals[i].source->message]++;
	for (uint32_t i = 0; i <= messages; i++) {
		sum += overlay->first_of[i];
		overlay->first_of[i] = sum; /* the end, for the loop below to count down from */
	}
	for (uint32_t i = overlay->signal_count; i-- > 0;)
		overlay->by_message[--overlay->first_of[overlay->signals[i].source->message]] = i;
	return 0;
}

static void free_overlay(struct cpc_overlay **overlay)
{
	cpc_overlay_free(*overlay);
}

static void free_json(json_t **json)
{
	json_decref(*json);
}

int cpc_overlay_new(const char *text, size_t size, const struct cpc_dbc *dbc,
		    struct cpc_overlay **ret_overlay, struct cpc_error *error)
{
	CPC_CLEANUP(free_overlay) struct cpc_overlay *overlay = calloc(1, sizeof(*overlay));
	CPC_CLEANUP(free_json) json_t *root = NULL;
	json_error_t json_error;
	int r;

	if (size > CPC_OVERLAY_FILE_MAX) {
		cpc_error_set(error, "%zu bytes: an overlay may have %u", size,
			      (unsigned int)CPC_OVERLAY_FILE_MAX);
		return -E2BIG;
	}
	if (!overlay) {
		cpc_error_set(error, "out of memory");
		return -ENOMEM;
	}
	root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json_error);
	if (!root) {
		cpc_error_set(error, "line %d, column %d: not JSON: %s", json_error.line,
			      json_error.column, json_error.text);
		return -EINVAL;
	}
	overlay->dbc = dbc;
	r = cpc_overlay_load(overlay, root, error);
	if (r < 0)
		return r;
	if (!overlay->signal_count) {
		cpc_error_set(error, "no signal in it has a \"dbc2vss\" or \"dbc\" mapping");
		return -EINVAL;
	}
	r = build_index(overlay, error);
	if (r < 0)
		return r;
	*ret_overlay = CPC_TAKE(overlay);
	return 0;
}

/* The narrowest type that holds every value of a DBC signal; whole steps stay whole. */
static enum cpc_datatype datatype_of(const struct cpc_dbc_signal *source)
{
	double raw_min = source->type == CPC_DBC_SIGNED ? -ldexp(1, source->bits - 1) : 0;
	double raw_max = ldexp(1, source->bits - (source->type == CPC_DBC_SIGNED)) - 1;
	double a = raw_min * source->factor + source->offset;
	double b = raw_max * source->factor + source->offset;
	static const enum cpc_datatype integers[] = {CPC_UINT8,	 CPC_INT8,  CPC_UINT16, CPC_INT16,
						     CPC_UINT32, CPC_INT32, CPC_UINT64, CPC_INT64};
	double min, max;

	if (source->type == CPC_DBC_FLOAT)
		return CPC_FLOAT;
	if (source->type == CPC_DBC_DOUBLE)
		return CPC_DOUBLE;
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		if (!is_whole(source->factor) || !is_whole(source->offset))
			break;
		cpc_datatype_range(integers[i], &min, &max);
		if (fmin(a, b) >= min && fmax(a, b) <= max)
			return integers[i];
	}
	return source->bits <= 24 ? CPC_FLOAT : CPC_DOUBLE;
}

static int add_from_dbc(struct cpc_overlay *overlay, const struct cpc_dbc_message *message,
			const struct cpc_dbc_signal *source, uint32_t interval_ms,
			struct cpc_error *error)
{
	const struct cpc_dbc *dbc = overlay->dbc;
	char path[CPC_DBC_NAME_MAX * 4 + 64], id[16] = "";
	struct cpc_overlay_signal *signal;
	int r;

	/* Two messages of one name are told apart by the id. */
	if (cpc_dbc_message_named(dbc, message->name) != message)
		snprintf(id, sizeof(id), "_%X", message->id);
	snprintf(path, sizeof(path), "Vehicle.CAN.%s%s.%s", message->name, id, source->name);
	if (strlen(path) > CPC_OVERLAY_PATH_MAX || !cpc_text_is_clean(path, strlen(path))) {
		cpc_overlay_warn(overlay, "%.100s: not fit for a VSS path: left out", path);
		return 0;
	}
	if (overlay->signal_count == CPC_OVERLAY_SIGNALS_MAX) {
		cpc_overlay_warn(overlay, "%.100s: beyond %u signals: left out", path,
				 (unsigned int)CPC_OVERLAY_SIGNALS_MAX);
		return 0;
	}
	signal = cpc_overlay_add(overlay, path, &r, error);
	if (!signal)
		return r;
	signal->source = source;
	signal->interval_ms = interval_ms;
	signal->definition.datatype = datatype_of(source);
	signal->definition.unit = cpc_overlay_copy(source->unit, CPC_OVERLAY_UNIT_MAX);
	if (!signal->definition.unit) {
		cpc_error_set(error, "%s: out of memory", path);
		return -ENOMEM;
	}
	cpc_datatype_range(signal->definition.datatype, &signal->min, &signal->max);
	cpc_overlay_set_grid(signal);
	return 0;
}

int cpc_overlay_from_dbc(const struct cpc_dbc *dbc, uint32_t interval_ms,
			 struct cpc_overlay **ret_overlay, struct cpc_error *error)
{
	CPC_CLEANUP(free_overlay) struct cpc_overlay *overlay = calloc(1, sizeof(*overlay));
	int r;

	if (!overlay) {
		cpc_error_set(error, "out of memory");
		return -ENOMEM;
	}
	overlay->dbc = dbc;
	for (uint32_t i = 0; i < dbc->signal_count; i++) {
		const struct cpc_dbc_signal *source = &dbc->signals[i];

		if (!source->usable)
			continue;
		r = add_from_dbc(overlay, &dbc->messages[source->message], source, interval_ms,
				 error);
		if (r < 0)
			return r;
	}
	if (!overlay->signal_count) {
		cpc_error_set(error, "no signal in this DBC can be decoded");
		return -EINVAL;
	}
	r = build_index(overlay, error);
	if (r < 0)
		return r;
	*ret_overlay = CPC_TAKE(overlay);
	return 0;
}

void cpc_overlay_free(struct cpc_overlay *overlay)
{
	if (!overlay)
		return;
	for (uint32_t i = 0; i < overlay->signal_count; i++) {
		struct cpc_overlay_signal *signal = &overlay->signals[i];

		free((char *)signal->definition.path);
		free((char *)signal->definition.unit);
		cpc_expr_free(signal->math);
		for (uint32_t j = 0; j < signal->entry_count; j++) {
			free(signal->entries[j].text);
			free(signal->entries[j].to_text);
		}
		free(signal->entries);
	}
	free(overlay->signals);
	free(overlay->by_message);
	free(overlay->first_of);
	free(overlay);
}
