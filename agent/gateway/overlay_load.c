// SPDX-License-Identifier: BSD-3-Clause
/* From Kuksa's JSON to the overlay's table. Whatever is wrong names the VSS path and the value. */
#include "agent/gateway/overlay_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/expr.h"
#include "agent/util/cleanup.h"

enum {
	INTERVAL_DEFAULT_MS = 1000, /* Kuksa's */
	SHOWN_MAX = 80,		    /* bytes of JSON in an error message */
};

struct loader {
	struct cpc_overlay *overlay;
	struct cpc_error *error;
	struct cpc_overlay_signal *signal; /* being read */
	const char *path;		   /* its path */
};

/* "Vehicle.Speed: <what>: <the JSON in question>" */
static int refuse(struct loader *loader, const char *what, const json_t *value)
{
	CPC_FREE char *shown = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	if (shown && strlen(shown) > SHOWN_MAX)
		strcpy(shown + SHOWN_MAX - 3, "...");
	cpc_error_set(loader->error, "%s: %s%s%s", loader->path, what, shown ? ": " : "",
		      shown ? shown : "");
	return -EINVAL;
}

static int out_of_memory(struct loader *loader)
{
	cpc_error_set(loader->error, "%s: out of memory", loader->path);
	return -ENOMEM;
}

/* A signal by its name in any message; -EEXIST if there are two, named in the error. */
static int find_anywhere(struct loader *loader, const char *name,
			 const struct cpc_dbc_signal **ret_signal)
{
	const struct cpc_dbc *dbc = loader->overlay->dbc;
	const struct cpc_dbc_signal *found = NULL;

	for (uint32_t i = 0; i < dbc->signal_count; i++) {
		const struct cpc_dbc_signal *signal = &dbc->signals[i];

		if (!signal->usable || strcmp(signal->name, name) != 0)
			continue;
		if (found) {
			const char *a = dbc->messages[found->message].name;
			const char *b = dbc->messages[signal->message].name;

			cpc_error_set(loader->error,
				      "%s: the DBC has signal %.60s in messages "
				      "%.40s and %.40s: write %.40s.%.60s or %.40s.%.60s",
				      loader->path, name, a, b, a, name, b, name);
			return -EEXIST;
		}
		found = signal;
	}
	if (!found)
		return -ENOENT;
	*ret_signal = found;
	return 0;
}

static int find_source(struct loader *loader, const char *name,
		       const struct cpc_dbc_signal **ret_signal)
{
	const struct cpc_dbc *dbc = loader->overlay->dbc;
	const struct cpc_dbc_message *message = NULL;
	const struct cpc_dbc_signal *signal = NULL;
	const char *dot = strchr(name, '.');
	int r = find_anywhere(loader, name, ret_signal);

	if (r == -ENOENT && dot) {
		CPC_FREE char *message_name = strndup(name, (size_t)(dot - name));

		message = message_name ? cpc_dbc_message_named(dbc, message_name) : NULL;
		signal = message ? cpc_dbc_signal_named(dbc, message, dot + 1) : NULL;
		if (signal) {
			*ret_signal = signal;
			return 0;
		}
	}
	if (r == -ENOENT)
		cpc_error_set(loader->error, "%s: the DBC has no usable signal '%.100s'",
			      loader->path, name);
	return r;
}

static int load_interval(struct loader *loader, const json_t *mapping)
{
	const json_t *interval = json_object_get(mapping, "interval_ms");
	const json_t *change = json_object_get(mapping, "on_change");
	const char *word = json_string_value(change);
	struct cpc_overlay_signal *signal = loader->signal;

	if (word && (strcmp(word, "yes") == 0 || strcmp(word, "true") == 0))
		signal->on_change = true;
	else if (word && (strcmp(word, "no") == 0 || strcmp(word, "false") == 0))
		signal->on_change = false;
	else if (json_is_boolean(change))
		signal->on_change = json_is_true(change);
	else if (change)
		return refuse(loader, "on_change is neither true nor false", change);

	signal->interval_ms = signal->on_change ? 0 : INTERVAL_DEFAULT_MS;
	if (!interval)
		return 0;
	if (!json_is_integer(interval) || json_integer_value(interval) < 0 ||
	    json_integer_value(interval) > CPC_OVERLAY_INTERVAL_MAX_MS)
		return refuse(loader, "interval_ms is not a whole number from 0 to 86400000",
			      interval);
	signal->interval_ms = (uint32_t)json_integer_value(interval);
	return 0;
}

static int load_datatype(struct loader *loader, const json_t *node)
{
	const json_t *datatype = json_object_get(node, "datatype");
	const json_t *min = json_object_get(node, "min"), *max = json_object_get(node, "max");
	struct cpc_overlay_signal *signal = loader->signal;

	/* A flat mapping without a VSS tree around it may leave the type open. */
	signal->definition.datatype = CPC_DOUBLE;
	if (datatype &&
	    (!json_is_string(datatype) ||
	     cpc_datatype_parse(json_string_value(datatype), &signal->definition.datatype) < 0))
		return refuse(loader, "a datatype that no single CAN signal can have", datatype);
	if (signal->definition.datatype == CPC_STRING)
		return 0;
	cpc_datatype_range(signal->definition.datatype, &signal->min, &signal->max);
	if (min && !json_is_number(min))
		return refuse(loader, "min is not a number", min);
	if (max && !json_is_number(max))
		return refuse(loader, "max is not a number", max);
	if (min && json_number_value(min) > signal->min)
		signal->min = json_number_value(min);
	if (max && json_number_value(max) < signal->max)
		signal->max = json_number_value(max);
	if (signal->min > signal->max)
		return refuse(loader, "no value of its datatype is within min and max",
			      min ? min : max);
	return 0;
}

static int load_unit(struct loader *loader, const json_t *node)
{
	const json_t *unit = json_object_get(node, "unit");
	struct cpc_overlay_signal *signal = loader->signal;
	const char *text = signal->source->unit;

	if (unit && !json_is_string(unit))
		return refuse(loader, "unit is not a string", unit);
	if (unit)
		text = json_string_value(unit);
	else if (signal->transform != CPC_TRANSFORM_NONE)
		text = ""; /* the DBC's unit is that of the untransformed value */
	if (!cpc_text_is_clean(text, strlen(text)))
		return refuse(loader, "unit holds control characters", unit);
	signal->definition.unit = cpc_overlay_copy(text, CPC_OVERLAY_UNIT_MAX);
	return signal->definition.unit ? 0 : out_of_memory(loader);
}

static int load_from(struct loader *loader, const json_t *from, struct cpc_overlay_entry *entry)
{
	const struct cpc_dbc_signal *source = loader->signal->source;
	const struct cpc_dbc *dbc = loader->overlay->dbc;

	if (json_is_number(from) || json_is_boolean(from)) {
		entry->kind = CPC_FROM_NUMBER;
		entry->number =
			json_is_boolean(from) ? json_is_true(from) : json_number_value(from);
		return 0;
	}
	if (!json_is_string(from))
		return refuse(loader, "'from' is neither a number nor a value description", from);
	entry->kind = CPC_FROM_TEXT;
	entry->text = strdup(json_string_value(from));
	if (!entry->text)
		return out_of_memory(loader);
	for (uint32_t i = 0; i < source->label_count; i++)
		if (strcmp(dbc->labels[source->first_label + i].text, entry->text) == 0)
			return 0;
	cpc_overlay_warn(loader->overlay, "%.70s: DBC signal %.40s has no value '%.40s'",
			 loader->path, source->name, entry->text);
	return 0;
}

static int load_to(struct loader *loader, const json_t *to, struct cpc_overlay_entry *entry)
{
	const struct cpc_overlay_signal *signal = loader->signal;
	double number;

	if (signal->definition.datatype == CPC_STRING) {
		if (!json_is_string(to))
			return refuse(loader, "'to' is not a string", to);
		if (json_string_length(to) > CPC_OVERLAY_TEXT_MAX ||
		    !cpc_text_is_clean(json_string_value(to), json_string_length(to)))
			return refuse(loader, "'to' is not a plain text of up to 63 bytes", to);
		entry->to_text = strdup(json_string_value(to));
		entry->to = (struct cpc_value){.kind = CPC_VALUE_TEXT, .text = entry->to_text};
		return entry->to_text ? 0 : out_of_memory(loader);
	}
	if (!json_is_number(to) && !json_is_boolean(to))
		return refuse(loader, "'to' is not a number, true or false", to);
	number = json_is_boolean(to) ? json_is_true(to) : json_number_value(to);
	if (!(number >= signal->min && number <= signal->max))
		return refuse(loader, "'to' is outside the datatype or min and max", to);
	if (number > -0x1p53 && number < 0x1p53 && number == (double)(int64_t)number)
		entry->to = (struct cpc_value){.kind = CPC_VALUE_RAW, .raw = (int64_t)number};
	else if (signal->definition.datatype >= CPC_FLOAT)
		entry->to = (struct cpc_value){.kind = CPC_VALUE_NUMBER, .number = number};
	else
		return refuse(loader, "'to' is not a whole number", to);
	return 0;
}

static int load_mapping(struct loader *loader, const json_t *list)
{
	struct cpc_overlay_signal *signal = loader->signal;
	const json_t *item;
	size_t i;
	int r;

	if (!json_is_array(list) || !json_array_size(list))
		return refuse(loader, "mapping is not a list of from and to", list);
	if (json_array_size(list) > CPC_OVERLAY_ENTRIES_MAX)
		return refuse(loader, "mapping has more than 1024 entries", list);
	signal->entries = calloc(json_array_size(list), sizeof(*signal->entries));
	if (!signal->entries)
		return out_of_memory(loader);
	json_array_foreach(list, i, item)
	{
		const json_t *from = json_object_get(item, "from");
		const json_t *to = json_object_get(item, "to");

		if (!from || !to)
			return refuse(loader, "mapping entry without from or to", item);
		signal->entry_count++;
		r = load_from(loader, from, &signal->entries[i]);
		if (r == 0)
			r = load_to(loader, to, &signal->entries[i]);
		if (r < 0)
			return r;
	}
	signal->transform = CPC_TRANSFORM_MAPPING;
	return 0;
}

static int load_transform(struct loader *loader, const json_t *transform)
{
	const json_t *math = json_object_get(transform, "math");
	const json_t *mapping = json_object_get(transform, "mapping");
	struct cpc_error why;
	int r;

	if (!transform)
		return 0;
	if (!json_is_object(transform) || json_object_size(transform) != 1 || (!math && !mapping))
		return refuse(loader, "transform has not just one of math and mapping", transform);
	if (mapping)
		return load_mapping(loader, mapping);
	if (!json_is_string(math) || loader->signal->definition.datatype == CPC_STRING)
		return refuse(loader, "math is not a formula for a number", math);
	r = cpc_expr_new(json_string_value(math), &loader->signal->math, &why);
	if (r < 0) {
		cpc_error_set(loader->error, "%s: math %s", loader->path, why.text);
		return r;
	}
	loader->signal->transform = CPC_TRANSFORM_MATH;
	return 0;
}

static int load_filters(struct loader *loader, const json_t *list)
{
	struct cpc_overlay_signal *signal = loader->signal;
	const struct cpc_dbc *dbc = loader->overlay->dbc;
	const json_t *item;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > CPC_OVERLAY_FILTERS_MAX)
		return refuse(loader, "multiplexer is not a list of up to 4 conditions", list);
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "signal"));
		const json_t *value = json_object_get(item, "value");
		struct cpc_overlay_filter *filter = &signal->filters[i];

		if (!name || !json_is_integer(value))
			return refuse(loader, "multiplexer condition without signal or value",
				      item);
		filter->signal =
			cpc_dbc_signal_named(dbc, &dbc->messages[signal->source->message], name);
		if (!filter->signal)
			return refuse(loader, "multiplexer signal is not in the same message",
				      item);
		filter->raw = json_integer_value(value);
		signal->filter_count++;
	}
	return 0;
}

/* A misspelt key would silently mean its default. */
static int check_keys(struct loader *loader, const json_t *mapping)
{
	static const char *const known[] = {"signal", "interval_ms", "on_change", "transform",
					    "multiplexer"};
	const size_t count = sizeof(known) / sizeof(known[0]);
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)mapping, key, value)
	{
		for (i = 0; i < count && strcmp(key, known[i]) != 0; i++)
			;
		if (i == count) {
			cpc_error_set(loader->error, "%s: unknown in a mapping: \"%.60s\"",
				      loader->path, key);
			return -EINVAL;
		}
	}
	return 0;
}

static int load_signal(struct loader *loader, const json_t *node, const json_t *mapping)
{
	const json_t *name = json_object_get(mapping, "signal");
	int r;

	if (strlen(loader->path) > CPC_OVERLAY_PATH_MAX)
		return refuse(loader, "a path of more than 255 bytes", NULL);
	if (!json_is_object(mapping))
		return refuse(loader, "the mapping is not an object", mapping);
	if (!json_is_string(name))
		return refuse(loader, "the mapping does not name a signal", mapping);
	r = check_keys(loader, mapping);
	if (r < 0)
		return r;
	loader->signal = cpc_overlay_add(loader->overlay, loader->path, &r, loader->error);
	if (!loader->signal)
		return r;
	r = find_source(loader, json_string_value(name), &loader->signal->source);
	if (r == 0)
		r = load_datatype(loader, node);
	if (r == 0)
		r = load_interval(loader, mapping);
	if (r == 0)
		r = load_transform(loader, json_object_get(mapping, "transform"));
	if (r == 0)
		r = load_filters(loader, json_object_get(mapping, "multiplexer"));
	if (r == 0)
		r = load_unit(loader, node);
	if (r == 0)
		cpc_overlay_set_grid(loader->signal);
	return r;
}

static int load_children(struct loader *loader, const char *path, const json_t *children,
			 unsigned int depth);

static int load_node(struct loader *loader, const char *path, const json_t *node,
		     unsigned int depth)
{
	const json_t *children = json_object_get(node, "children");
	const json_t *mapping = json_object_get(node, "dbc2vss");
	const json_t *synonym = json_object_get(node, "dbc");

	loader->path = path;
	if (!json_is_object(node))
		return refuse(loader, "not a VSS node", node);
	if (mapping && synonym)
		return refuse(loader, "both dbc2vss and dbc, which mean the same", synonym);
	if (!mapping)
		mapping = synonym;
	if (mapping && children)
		return refuse(loader, "a branch cannot be mapped to a signal", mapping);
	if (mapping)
		return load_signal(loader, node, mapping);
	return children ? load_children(loader, path, children, depth + 1) : 0;
}

static int load_children(struct loader *loader, const char *path, const json_t *children,
			 unsigned int depth)
{
	const char *key;
	json_t *node;
	int r;

	loader->path = *path ? path : "the overlay";
	if (!json_is_object(children))
		return refuse(loader, "not an object of VSS nodes", children);
	if (depth > CPC_OVERLAY_DEPTH_MAX)
		return refuse(loader, "more than 24 branches in one another", NULL);
	json_object_foreach((json_t *)children, key, node)
	{
		CPC_FREE char *child = NULL;

		loader->path = path;
		if (!*key || strlen(key) > CPC_OVERLAY_PATH_MAX ||
		    !cpc_text_is_clean(key, strlen(key))) {
			cpc_error_set(loader->error, "%s: not a VSS name: '%.40s'",
				      *path ? path : "the overlay", key);
			return -EINVAL;
		}
		if (asprintf(&child, "%s%s%s", path, *path ? "." : "", key) < 0)
			return out_of_memory(loader);
		r = load_node(loader, child, node, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The same path twice, once by branches and once spelt out. */
static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_doubles(struct loader *loader)
{
	uint32_t count = loader->overlay->signal_count;
	CPC_FREE const char **paths = calloc(count + 1, sizeof(*paths));

	if (!paths) {
		cpc_error_set(loader->error, "out of memory for %u signals", count);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		paths[i] = loader->overlay->signals[i].definition.path;
	qsort(paths, count, sizeof(*paths), compare_paths);
	for (uint32_t i = 1; i < count; i++) {
		if (strcmp(paths[i - 1], paths[i]) == 0) {
			cpc_error_set(loader->error, "%s: mapped twice", paths[i]);
			return -EINVAL;
		}
	}
	return 0;
}

int cpc_overlay_load(struct cpc_overlay *overlay, const json_t *root, struct cpc_error *error)
{
	struct loader loader = {.overlay = overlay, .error = error};
	int r = load_children(&loader, "", root, 0);

	return r < 0 ? r : check_doubles(&loader);
}
