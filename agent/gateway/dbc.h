/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_DBC_H
#define CPC_AGENT_GATEWAY_DBC_H

/*
 * DBC: the de facto file format that says which bits of a CAN frame mean what.
 *
 *	BO_ 644 x284: 8 VCM                                      message: id, name, bytes, sender
 *	 SG_ Speed : 39|16@0+ (0.01,0) [0|655.35] "km/h" Dash    signal: start|bits@order sign ...
 *	VAL_ 282 Gear 0 "Parked" 2 "Reverse" ;                   names for some of its values
 *
 * Bit numbers count bytes from the left and bits from the right: bit 8k is the least
 * significant one of byte k. A little-endian signal (@1, "Intel") starts at its least
 * significant bit and climbs; a big-endian one (@0, "Motorola") starts at its most significant
 * bit, descends within the byte and goes on at bit 7 of the next byte:
 *
 *	byte 0                    byte 1
 *	 7  6  5  4  3  2  1  0 | 15 14 13 12 11 10  9  8
 *	          [>>>>>>>>>>>>>>>>>>>>>>>>]                5|10@0: bits 5..0, then 15..12
 *	[<<<<<<<<<<<<<]                      [<<<<<<<<<<]   3|9@1: bits 3..7, then 8..11
 *
 * Physical value = raw x factor + offset. All objects live as long as the struct cpc_dbc
 * they came from and do not change after loading, so several threads may read them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/gateway/limits.h"
#include "agent/util/error.h"

enum cpc_dbc_type {
	CPC_DBC_UNSIGNED,
	CPC_DBC_SIGNED,
	CPC_DBC_FLOAT,	/* IEEE 754, 32 bits */
	CPC_DBC_DOUBLE, /* IEEE 754, 64 bits */
};

struct cpc_dbc_label {
	int64_t raw;
	const char *text; /* UTF-8 */
};

struct cpc_dbc_range {
	uint64_t low, high; /* both included */
};

struct cpc_dbc_signal {
	const char *name;
	const char *unit; /* UTF-8, "" if none */
	uint32_t message; /* index in cpc_dbc.messages */
	uint32_t line;
	double factor, offset;
	double min, max; /* as the file says; equal when it does not say */
	uint16_t start;	 /* bit number as in the file */
	uint8_t bits;	 /* 1..64 */
	uint8_t end;	 /* bytes of data it needs: 1..64 */
	bool big_endian;
	enum cpc_dbc_type type;

	bool multiplexor; /* selects others (M) */
	bool multiplexed; /* selected by another: `parent` and ranges below */
	bool usable;	  /* false: refused with a warning, never decoded or found */
	int32_t parent;	  /* index in cpc_dbc.signals, -1 when not multiplexed */
	uint32_t first_range, range_count; /* present when the parent's raw value is in one */
	uint32_t first_label, label_count; /* sorted by raw */
};

struct cpc_dbc_message {
	const char *name;
	uint32_t id; /* 11 or 29 bits */
	bool extended;
	uint32_t line;
	uint16_t size; /* bytes, as the file says: above 64 only for transport protocols */
	uint32_t first_signal, signal_count;
};

struct cpc_dbc_warning {
	uint32_t line;
	char text[160];
};

struct cpc_dbc_key {
	uint64_t key;	  /* extended << 32 | id */
	uint32_t message; /* index */
};

struct cpc_dbc {
	struct cpc_dbc_message *messages;
	struct cpc_dbc_signal *signals; /* grouped by message */
	struct cpc_dbc_label *labels;
	struct cpc_dbc_range *ranges;
	uint32_t message_count, signal_count, label_count, range_count;
	struct cpc_dbc_key *keys; /* sorted */
	uint32_t key_count;	  /* smaller than message_count when ids are doubled */

	/* What was left out or guessed at; the file is usable all the same. */
	struct cpc_dbc_warning warnings[CPC_DBC_WARNINGS_MAX];
	uint32_t warning_count; /* kept ones */
	uint32_t warning_total;

	char *pool; /* all the strings */
	size_t pool_size, pool_used;
};

/*
 * Parse `size` bytes of DBC text. Line ends may be CRLF, bytes may be Latin-1 (strings become
 * UTF-8). -EINVAL: not understood, -E2BIG: a limit of limits.h, -ENOMEM; `error` then names the
 * line and the offending text. What real files often get wrong (a signal outside its message, a
 * double definition, a reference to nothing) becomes a warning and is left out.
 */
int cpc_dbc_new(const char *text, size_t size, struct cpc_dbc **ret_dbc, struct cpc_error *error);
void cpc_dbc_free(struct cpc_dbc *dbc);

/* NULL when there is none. */
const struct cpc_dbc_message *cpc_dbc_message(const struct cpc_dbc *dbc, uint32_t id,
					      bool extended);
const struct cpc_dbc_message *cpc_dbc_message_named(const struct cpc_dbc *dbc, const char *name);
const struct cpc_dbc_signal *cpc_dbc_signal_named(const struct cpc_dbc *dbc,
						  const struct cpc_dbc_message *message,
						  const char *name);

/* The description of a raw value, or NULL. */
const char *cpc_dbc_label(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
			  int64_t raw);

/*
 * number x factor + offset, rounded twice on every machine: a compiler that fused the two
 * would make a vehicle and its reader on another processor disagree in the last bit.
 */
static inline double cpc_dbc_scale(double number, double factor, double offset)
{
	volatile double product = number * factor;

	return product + offset;
}

struct cpc_dbc_reading {
	int64_t raw;  /* sign-extended; the bit pattern for floats and 64-bit unsigned ones */
	double value; /* physical */
};

/*
 * Read one signal from a frame of its message. -ENODATA: the frame is too short for it;
 * -ENOMSG: the multiplexer selects others in this frame; -ERANGE: the value is not a finite
 * number (IEEE 754 signals only).
 */
int cpc_dbc_read(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
		 const uint8_t *data, size_t size, struct cpc_dbc_reading *ret_reading);

typedef void (*cpc_dbc_reading_fn)(void *context, const struct cpc_dbc_signal *signal,
				   const struct cpc_dbc_reading *reading);

/* Read every signal present in a frame. Returns how many, or -ENOENT for an unknown id. */
int cpc_dbc_decode(const struct cpc_dbc *dbc, uint32_t id, bool extended, const uint8_t *data,
		   size_t size, cpc_dbc_reading_fn reading, void *context);

#endif
