// SPDX-License-Identifier: BSD-3-Clause
#include "agent/gateway/dbc_scan.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBER_TEXT_MAX = 64,
	REST_MAX = 60,
};

void cpc_dbc_scan_init(struct cpc_dbc_scan *scan, const char *text, size_t size)
{
	static const char mark[] = "\xef\xbb\xbf";

	*scan = (struct cpc_dbc_scan){.text = text, .size = size, .line = 1};
	if (size >= 3 && memcmp(text, mark, 3) == 0)
		scan->at = 3;
}

static int peek_at(const struct cpc_dbc_scan *scan, size_t ahead)
{
	assert(scan->at <= scan->size);
	if (ahead >= scan->size - scan->at)
		return -1;
	return (unsigned char)scan->text[scan->at + ahead];
}

int cpc_dbc_scan_peek(const struct cpc_dbc_scan *scan)
{
	return peek_at(scan, 0);
}

static void advance(struct cpc_dbc_scan *scan)
{
	assert(scan->at < scan->size);
	if (scan->text[scan->at] == '\n')
		scan->line++;
	scan->at++;
}

void cpc_dbc_scan_blanks(struct cpc_dbc_scan *scan)
{
	int byte;

	for (;;) {
		byte = cpc_dbc_scan_peek(scan);
		if (byte != ' ' && byte != '\t' && byte != '\r')
			return;
		advance(scan);
	}
}

void cpc_dbc_scan_space(struct cpc_dbc_scan *scan)
{
	int byte;

	for (;;) {
		byte = cpc_dbc_scan_peek(scan);
		if (byte < 0 || (byte > ' ' && byte != 0x7f))
			return;
		advance(scan);
	}
}

void cpc_dbc_scan_line(struct cpc_dbc_scan *scan)
{
	int byte;

	do {
		byte = cpc_dbc_scan_peek(scan);
		if (byte < 0)
			return;
		advance(scan);
	} while (byte != '\n');
}

static bool is_word_byte(int byte)
{
	return byte > ' ' && byte != 0x7f && !strchr(":;,|@()[]\"", byte);
}

bool cpc_dbc_scan_word(struct cpc_dbc_scan *scan, struct cpc_slice *ret_word)
{
	size_t start;

	cpc_dbc_scan_blanks(scan);
	start = scan->at;
	while (is_word_byte(cpc_dbc_scan_peek(scan)))
		advance(scan);
	if (scan->at == start)
		return false;
	*ret_word = (struct cpc_slice){scan->text + start, scan->at - start};
	return true;
}

bool cpc_dbc_scan_char(struct cpc_dbc_scan *scan, char wanted)
{
	cpc_dbc_scan_blanks(scan);
	if (cpc_dbc_scan_peek(scan) != (unsigned char)wanted)
		return false;
	advance(scan);
	return true;
}

/* The C locale is assumed: the agent never calls setlocale(). */
bool cpc_dbc_scan_number(struct cpc_dbc_scan *scan, double *ret_number)
{
	char text[NUMBER_TEXT_MAX];
	size_t size = 0;
	double number;
	char *end;
	int byte;

	cpc_dbc_scan_blanks(scan);
	for (;;) {
		byte = peek_at(scan, size);
		if (byte <= 0 || !strchr("0123456789+-.eE", byte))
			break;
		if (size == sizeof(text) - 1)
			return false;
		text[size++] = (char)byte;
	}
	text[size] = '\0';
	number = strtod(text, &end);
	if (end == text || !isfinite(number))
		return false;
	scan->at += (size_t)(end - text);
	*ret_number = number;
	return true;
}

bool cpc_dbc_scan_unsigned(struct cpc_dbc_scan *scan, uint64_t *ret_number)
{
	uint64_t number = 0;
	size_t size = 0;
	int byte;

	cpc_dbc_scan_blanks(scan);
	for (;; size++) {
		byte = peek_at(scan, size);
		if (byte < '0' || byte > '9')
			break;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(byte - '0'), &number))
			return false;
	}
	if (!size)
		return false;
	scan->at += size;
	*ret_number = number;
	return true;
}

/*
 * `\"` is a quote within the string, unless it can only be the end: some tools leave a
 * lone backslash before the closing quote, and then `;` and the line end follow.
 */
static bool is_escaped_quote(const struct cpc_dbc_scan *scan)
{
	size_t ahead = 2;

	if (peek_at(scan, 0) != '\\' || peek_at(scan, 1) != '"')
		return false;
	while (peek_at(scan, ahead) == ' ')
		ahead++;
	if (peek_at(scan, ahead) != ';')
		return true;
	ahead++;
	while (peek_at(scan, ahead) == ' ' || peek_at(scan, ahead) == '\r')
		ahead++;
	return peek_at(scan, ahead) != '\n' && peek_at(scan, ahead) >= 0;
}

bool cpc_dbc_scan_string(struct cpc_dbc_scan *scan, struct cpc_slice *ret_string)
{
	struct cpc_dbc_scan saved;
	size_t start;
	int byte;

	cpc_dbc_scan_blanks(scan);
	if (cpc_dbc_scan_peek(scan) != '"')
		return false;
	saved = *scan;
	advance(scan);
	start = scan->at;
	for (;;) {
		byte = cpc_dbc_scan_peek(scan);
		if (byte < 0) {
			*scan = saved;
			return false;
		}
		if (byte == '"')
			break;
		if (is_escaped_quote(scan))
			advance(scan);
		advance(scan);
	}
	*ret_string = (struct cpc_slice){scan->text + start, scan->at - start};
	advance(scan);
	return true;
}

struct cpc_slice cpc_dbc_scan_rest(const struct cpc_dbc_scan *scan)
{
	struct cpc_dbc_scan copy = *scan;
	size_t size = 0;
	int byte;

	cpc_dbc_scan_blanks(&copy);
	for (; size < REST_MAX; size++) {
		byte = peek_at(&copy, size);
		if (byte < 0 || byte == '\n' || byte == '\r')
			break;
	}
	return (struct cpc_slice){copy.text + copy.at, size};
}

bool cpc_slice_is(struct cpc_slice slice, const char *text)
{
	return slice.size == strlen(text) && memcmp(slice.text, text, slice.size) == 0;
}
