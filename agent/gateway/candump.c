// SPDX-License-Identifier: BSD-3-Clause
#include "agent/gateway/candump.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The flag that candump prints as part of an eight-digit id (CAN_ERR_FLAG of linux/can.h). */
#define LOG_ERROR_FLAG 0x20000000u
#define LOG_ID_MASK 0x1fffffffu

struct scan {
	const char *text;
	size_t size;
	size_t at;
	struct cpc_error *error;
};

static int peek(const struct scan *scan)
{
	return scan->at < scan->size ? (unsigned char)scan->text[scan->at] : -1;
}

static int refuse(const struct scan *scan, const char *what)
{
	char shown[41];
	size_t size = scan->size - scan->at;

	if (size > sizeof(shown) - 1)
		size = sizeof(shown) - 1;
	memcpy(shown, scan->text + scan->at, size);
	shown[size] = '\0';
	for (char *byte = shown; *byte; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 0x7f)
			*byte = '?';
	cpc_error_set(scan->error, "%s at '%s'", what, shown);
	return -EINVAL;
}

static void skip_blanks(struct scan *scan)
{
	while (peek(scan) == ' ' || peek(scan) == '\t')
		scan->at++;
}

static bool accept(struct scan *scan, char wanted)
{
	if (peek(scan) != (unsigned char)wanted)
		return false;
	scan->at++;
	return true;
}

static int digit(int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

/* (seconds.fraction), the fraction of any length; kept in microseconds */
static int parse_time(struct scan *scan, uint64_t *ret_time_us)
{
	uint64_t seconds = 0, micros = 0, unit = 100000;
	size_t start;

	if (!accept(scan, '('))
		return refuse(scan, "expected '(' and a time");
	start = scan->at;
	for (; isdigit(peek(scan)); scan->at++) {
		seconds = seconds * 10 + (uint64_t)(peek(scan) - '0');
		if (seconds > UINT32_MAX)
			return refuse(scan, "a time beyond the year 2106");
	}
	if (scan->at == start)
		return refuse(scan, "expected seconds");
	if (accept(scan, '.')) {
		for (; isdigit(peek(scan)); scan->at++, unit /= 10)
			micros += (uint64_t)(peek(scan) - '0') * unit;
	}
	if (!accept(scan, ')'))
		return refuse(scan, "expected ')' after the time");
	*ret_time_us = seconds * 1000000 + micros;
	return 0;
}

static int parse_interface(struct scan *scan, char *name, size_t size)
{
	size_t used = 0;

	skip_blanks(scan);
	for (; peek(scan) > ' '; scan->at++) {
		if (used == size - 1)
			return refuse(scan, "an interface name of more than 15 bytes, before");
		name[used++] = (char)peek(scan);
	}
	name[used] = '\0';
	skip_blanks(scan);
	return used ? 0 : refuse(scan, "expected an interface");
}

/* Three digits: 11 bits. Eight: 29 bits, or flags for error frames and the like. */
static int parse_id(struct scan *scan, struct cpc_can_frame *frame)
{
	size_t start = scan->at;
	uint32_t id = 0;

	for (; digit(peek(scan)) >= 0 && scan->at - start < 9; scan->at++)
		id = id << 4 | (uint32_t)digit(peek(scan));
	if ((scan->at - start != 3 && scan->at - start != 8) ||
	    (peek(scan) != '#' && peek(scan) != ' ')) {
		scan->at = start;
		return refuse(scan, "expected an id of 3 or 8 hexadecimal digits and '#'");
	}
	if (scan->at - start == 3) {
		frame->id = id;
		if (id <= 0x7ff)
			return 0;
		scan->at = start;
		return refuse(scan, "an id of more than 11 bits in 3 digits");
	}
	if (id & ~(LOG_ERROR_FLAG | LOG_ID_MASK)) {
		scan->at = start;
		return refuse(scan, "an id of more than 29 bits");
	}
	frame->error = id & LOG_ERROR_FLAG;
	frame->extended = !frame->error;
	frame->id = id & LOG_ID_MASK;
	return 0;
}

static int parse_data(struct scan *scan, struct cpc_can_frame *frame)
{
	size_t max = frame->fd ? CPC_CAN_DATA_MAX : 8;

	for (;;) {
		int high = digit(peek(scan)), low;

		if (accept(scan, '.'))
			continue; /* cansend's separator */
		if (high < 0)
			return 0;
		low = scan->at + 1 < scan->size ? digit((unsigned char)scan->text[scan->at + 1])
						: -1;
		if (low < 0)
			return refuse(scan, "half a byte of data");
		if (frame->size == max)
			return refuse(scan, frame->fd ? "more than 64 bytes of data"
						      : "more than 8 bytes of data");
		frame->data[frame->size++] = (uint8_t)(high << 4 | low);
		scan->at += 2;
	}
}

/* What follows the id: #data, #R, or ##flags data */
static int parse_body(struct scan *scan, struct cpc_can_frame *frame)
{
	scan->at++; /* '#', as parse_id() saw */
	if (accept(scan, '#')) {
		if (digit(peek(scan)) < 0)
			return refuse(scan, "expected the CAN FD flags");
		frame->fd = true;
		frame->flags = (uint8_t)digit(peek(scan));
		scan->at++;
		return parse_data(scan, frame);
	}
	if (!accept(scan, 'R') && !accept(scan, 'r'))
		return parse_data(scan, frame);
	frame->remote = true;
	if (digit(peek(scan)) > 8)
		return refuse(scan, "a remote frame for more than 8 bytes");
	if (digit(peek(scan)) >= 0) {
		frame->size = (uint8_t)digit(peek(scan));
		scan->at++;
	}
	return 0;
}

/* As candump shows it on screen: [8]  C5 32 ..., [08] for CAN FD, or [0]  remote request */
static int parse_columns(struct scan *scan, struct cpc_can_frame *frame)
{
	static const char remote[] = "remote request";
	unsigned int size = 0, digits = 0;

	skip_blanks(scan);
	if (!accept(scan, '['))
		return refuse(scan, "expected '#' or '[' behind the id");
	for (; isdigit(peek(scan)) && digits < 3; scan->at++, digits++)
		size = size * 10 + (unsigned int)(peek(scan) - '0');
	if (!digits || !accept(scan, ']'))
		return refuse(scan, "expected a number of bytes and ']'");
	frame->fd = digits == 2;
	if (size > (frame->fd ? CPC_CAN_DATA_MAX : 8u))
		return refuse(scan, "more bytes than a frame has, before");
	skip_blanks(scan);
	if (!frame->fd && scan->size - scan->at >= sizeof(remote) - 1 &&
	    memcmp(scan->text + scan->at, remote, sizeof(remote) - 1) == 0) {
		scan->at += sizeof(remote) - 1;
		frame->remote = true;
		frame->size = (uint8_t)size;
		return 0;
	}
	while (frame->size < size) {
		int high = digit(peek(scan)), low;

		low = scan->at + 1 < scan->size ? digit((unsigned char)scan->text[scan->at + 1])
						: -1;
		if (high < 0 || low < 0)
			return refuse(scan, "expected a byte of data");
		frame->data[frame->size++] = (uint8_t)(high << 4 | low);
		scan->at += 2;
		skip_blanks(scan);
	}
	/* What may follow explains: the bytes as characters, or the kind of an error frame. */
	if (peek(scan) == '\'' || frame->error)
		scan->at = scan->size;
	return 0;
}

int cpc_candump_parse(const char *text, size_t size, struct cpc_candump_line *ret_line,
		      struct cpc_error *error)
{
	struct scan scan = {.text = text, .size = size, .error = error};
	struct cpc_candump_line line = {0};
	int r;

	while (scan.size && (text[scan.size - 1] == '\n' || text[scan.size - 1] == '\r'))
		scan.size--;
	skip_blanks(&scan);
	if (peek(&scan) < 0 || peek(&scan) == '#')
		return 0;
	if (scan.size > CPC_CANDUMP_LINE_MAX)
		return refuse(&scan, "a line of more than 512 bytes");
	r = parse_time(&scan, &line.time_us);
	if (r == 0)
		r = parse_interface(&scan, line.interface, sizeof(line.interface));
	if (r == 0)
		r = parse_id(&scan, &line.frame);
	if (r == 0)
		r = peek(&scan) == '#' ? parse_body(&scan, &line.frame)
				       : parse_columns(&scan, &line.frame);
	if (r < 0)
		return r;
	/* _9.._F: the raw length code of an 8-byte frame; R or T: received or sent. */
	if (accept(&scan, '_') && digit(peek(&scan)) >= 0)
		scan.at++;
	skip_blanks(&scan);
	if (peek(&scan) == 'R' || peek(&scan) == 'T')
		scan.at++;
	skip_blanks(&scan);
	if (peek(&scan) >= 0)
		return refuse(&scan, "unexpected text");
	*ret_line = line;
	return 1;
}

int cpc_candump_format(const struct cpc_candump_line *line, char *buffer, size_t size)
{
	const struct cpc_can_frame *frame = &line->frame;
	uint32_t id = frame->id | (frame->error ? LOG_ERROR_FLAG : 0);
	char data[2 * CPC_CAN_DATA_MAX + 3] = "";
	size_t used = 0;
	int r;

	if (frame->fd)
		used = (size_t)snprintf(data, sizeof(data), "#%X", frame->flags & 0xf);
	if (frame->remote)
		snprintf(data, sizeof(data), frame->size ? "R%u" : "R", frame->size);
	for (size_t i = 0; !frame->remote && i < frame->size; i++, used += 2)
		snprintf(data + used, sizeof(data) - used, "%02X", frame->data[i]);
	r = snprintf(buffer, size, "(%" PRIu64 ".%06" PRIu64 ") %s %0*" PRIX32 "#%s\n",
		     line->time_us / 1000000, line->time_us % 1000000, line->interface,
		     frame->extended || frame->error ? 8 : 3, id, data);
	return r >= 0 && (size_t)r < size ? r : -ENOSPC;
}
