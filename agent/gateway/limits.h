/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_LIMITS_H
#define CPC_AGENT_GATEWAY_LIMITS_H

/*
 * What a stranger's file or frame may cost the gateway. A file that exceeds a limit is
 * refused with an error naming the limit; a running gateway drops and counts instead.
 */
enum {
	/* DBC file: refused as a whole above these. */
	CPC_DBC_FILE_MAX = 16 << 20, /* bytes */
	CPC_DBC_MESSAGES_MAX = 8192,
	CPC_DBC_SIGNALS_MAX = 65536, /* in the whole file */
	CPC_DBC_MESSAGE_SIGNALS_MAX = 2048,
	CPC_DBC_LABELS_MAX = 262144, /* value descriptions (VAL_) in the whole file */
	CPC_DBC_RANGES_MAX = 65536,  /* multiplexer value ranges in the whole file */
	CPC_DBC_NAME_MAX = 128,	     /* bytes of a message or signal name */
	CPC_DBC_TEXT_MAX = 256,	     /* bytes of a unit or value description; the rest is cut */
	CPC_DBC_MUX_DEPTH_MAX = 8,   /* multiplexers within multiplexers */
	CPC_DBC_WARNINGS_MAX = 64,   /* kept; further ones are only counted */

	/* Overlay file: refused above these. */
	CPC_OVERLAY_FILE_MAX = 16 << 20, /* bytes; the whole VSS tree as JSON has about 1 MiB */
	CPC_OVERLAY_SIGNALS_MAX = 4096,	 /* mapped ones */
	CPC_OVERLAY_DEPTH_MAX = 24,	 /* branches within branches */
	CPC_OVERLAY_PATH_MAX = 255,	 /* bytes of a VSS path: one length byte in a record */
	CPC_OVERLAY_UNIT_MAX = 63,
	CPC_OVERLAY_TEXT_MAX = 63,	/* bytes of a string value */
	CPC_OVERLAY_ENTRIES_MAX = 1024, /* from/to pairs of one mapping */
	CPC_OVERLAY_FILTERS_MAX = 4,	/* multiplexer conditions of one mapping */
	CPC_OVERLAY_INTERVAL_MAX_MS = 86400000,
	CPC_OVERLAY_WARNINGS_MAX = 64,
	CPC_EXPR_TEXT_MAX = 512, /* bytes of a formula */
	CPC_EXPR_NODES_MAX = 128,
	CPC_EXPR_DEPTH_MAX = 32, /* parentheses within parentheses */

	/* Records. A reader forgets the older of two dictionaries of one author first. */
	CPC_RECORD_SIGNALS_MAX = 4096,	 /* dictionary entries */
	CPC_RECORD_DICTIONARIES_MAX = 2, /* per author */
	CPC_RECORD_PAYLOAD_MIN = 128,	 /* bytes; below it a text sample could never fit */
	CPC_RECORD_PAYLOAD_MAX = 65535,

	/* Sampler: samples held until the next flush; further ones are dropped and counted. */
	CPC_SAMPLER_SAMPLES_MAX = 16384,

	CPC_CAN_DATA_MAX = 64, /* CAN FD */
	CPC_CANDUMP_LINE_MAX = 512,
};

#endif
