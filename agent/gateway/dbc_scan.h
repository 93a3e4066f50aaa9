/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_DBC_SCAN_H
#define CPC_AGENT_GATEWAY_DBC_SCAN_H

/*
 * The bounds-checked cursor under the DBC parser: words, numbers and strings of a text that
 * need not be terminated, counting lines for error messages. Nothing else reads the text.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpc_slice {
	const char *text;
	size_t size;
};

struct cpc_dbc_scan {
	const char *text;
	size_t size;
	size_t at;
	uint32_t line; /* of the byte at `at`, from 1 */
};

/* A byte order mark, if any, is skipped. */
void cpc_dbc_scan_init(struct cpc_dbc_scan *scan, const char *text, size_t size);

/* The next byte, or -1 at the end. */
int cpc_dbc_scan_peek(const struct cpc_dbc_scan *scan);

/* Skip blanks on this line; or blanks, line ends and control bytes. */
void cpc_dbc_scan_blanks(struct cpc_dbc_scan *scan);
void cpc_dbc_scan_space(struct cpc_dbc_scan *scan);

/* Skip to the first byte of the next line. */
void cpc_dbc_scan_line(struct cpc_dbc_scan *scan);

/*
 * Each of these first skips blanks (not line ends), then takes what it is named after, and
 * takes nothing when that is not there.
 *
 * A word is a run of bytes that are neither space nor one of `:;,|@()[]"`: wider than a C
 * identifier because real files hold names such as `1st-gear`.
 */
bool cpc_dbc_scan_word(struct cpc_dbc_scan *scan, struct cpc_slice *ret_word);
bool cpc_dbc_scan_char(struct cpc_dbc_scan *scan, char wanted);

/* A finite decimal number, with sign, fraction and exponent. */
bool cpc_dbc_scan_number(struct cpc_dbc_scan *scan, double *ret_number);

/* Decimal digits only, no sign, below 2^64. */
bool cpc_dbc_scan_unsigned(struct cpc_dbc_scan *scan, uint64_t *ret_number);

/* The bytes between double quotes; may span lines; a backslash hides a quote. */
bool cpc_dbc_scan_string(struct cpc_dbc_scan *scan, struct cpc_slice *ret_string);

/* The rest of this line, at most 60 bytes, for an error message. */
struct cpc_slice cpc_dbc_scan_rest(const struct cpc_dbc_scan *scan);

bool cpc_slice_is(struct cpc_slice slice, const char *text);

#endif
