/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_OVERLAY_H
#define CPC_AGENT_GATEWAY_OVERLAY_H

/*
 * Overlay: which DBC signal feeds which VSS signal, how often and how converted. The format is
 * that of Eclipse Kuksa's CAN provider: a VSS tree as JSON whose leaves carry "dbc2vss" (or
 * "dbc", its older name):
 *
 *	{ "Vehicle": { "type": "branch", "children": {
 *	    "Speed": { "datatype": "float", "unit": "km/h", "type": "sensor",
 *	               "dbc2vss": { "signal": "AverageRearSpeedSensor", "interval_ms": 100,
 *	                            "transform": { "math": "x * 0.01" } } } } } }
 *
 * Also accepted: full paths as keys ({ "Vehicle.Speed": { "dbc": ... } }), on_change as true or
 * "yes", and "Message.Signal" where a signal's name alone is not unique. "vss2dbc" is ignored:
 * this gateway only listens.
 */
#include "agent/gateway/dbc.h"
#include "agent/gateway/value.h"
#include "agent/util/error.h"

struct cpc_overlay_entry; /* one from/to pair */

struct cpc_overlay_filter {
	const struct cpc_dbc_signal *signal; /* of the same message */
	int64_t raw;
};

enum cpc_transform {
	CPC_TRANSFORM_NONE,
	CPC_TRANSFORM_MATH,
	CPC_TRANSFORM_MAPPING,
};

struct cpc_overlay_signal {
	struct cpc_definition definition; /* strings owned by the overlay */
	const struct cpc_dbc_signal *source;
	uint32_t interval_ms; /* between samples; 0: every frame */
	bool on_change;	      /* sample only what differs from the last sample */
	bool on_grid;	      /* the source's raw number, with definition's factor, is the value */
	double min, max;      /* of the datatype and, if given, of the VSS node */
	enum cpc_transform transform;
	struct cpc_expr *math;
	struct cpc_overlay_entry *entries;
	uint32_t entry_count;
	struct cpc_overlay_filter filters[CPC_OVERLAY_FILTERS_MAX]; /* all must match */
	uint32_t filter_count;
};

struct cpc_overlay {
	const struct cpc_dbc *dbc;
	struct cpc_overlay_signal *signals; /* the index in here is the index in records */
	uint32_t signal_count;

	/* Signals of DBC message m: by_message[first_of[m]] .. by_message[first_of[m + 1] - 1]. */
	uint32_t *by_message;
	uint32_t *first_of;

	char warnings[CPC_OVERLAY_WARNINGS_MAX][160];
	uint32_t warning_count; /* kept ones */
	uint32_t warning_total;
};

/*
 * Parse `size` bytes of JSON and bind them to a DBC, which must outlive the overlay. -EINVAL,
 * -ENOENT (a signal that the DBC has not), -EEXIST (has twice), -E2BIG or -ENOMEM; `error`
 * names the VSS path and the value.
 */
int cpc_overlay_new(const char *json, size_t size, const struct cpc_dbc *dbc,
		    struct cpc_overlay **ret_overlay, struct cpc_error *error);

/*
 * For a car that nobody has written an overlay for: every DBC signal as
 * Vehicle.CAN.<Message>.<Signal>, in the DBC's unit, every `interval_ms`. Signals beyond
 * CPC_OVERLAY_SIGNALS_MAX are left out with a warning.
 */
int cpc_overlay_from_dbc(const struct cpc_dbc *dbc, uint32_t interval_ms,
			 struct cpc_overlay **ret_overlay, struct cpc_error *error);

void cpc_overlay_free(struct cpc_overlay *overlay);

/*
 * The VSS value for a reading of `signal->source`. -ENOMSG: no mapping for it; -ERANGE: outside
 * the datatype or min..max, or the formula has no result. Texts live as long as the overlay
 * and its DBC.
 */
int cpc_overlay_map(const struct cpc_overlay *overlay, const struct cpc_overlay_signal *signal,
		    const struct cpc_dbc_reading *reading, struct cpc_value *ret_value);

#endif
