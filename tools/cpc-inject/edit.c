// SPDX-License-Identifier: BSD-3-Clause
/* What an outsider may do to a frame; see edit.h. */
#include "tools/cpc-inject/edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cpchain/element.h>

#include "tools/common/random.h"

bool cpc_frame_find(struct cpc_frame *frame)
{
	struct cpc_location at;

	frame->start = frame->len;
	if (frame->len < CPC_ETHER_BYTES ||
	    cpc_element_locate(frame->bytes + CPC_ETHER_BYTES, frame->len - CPC_ETHER_BYTES, &at) !=
		    CPC_LOCATE_FOUND)
		return false;
	frame->start = CPC_ETHER_BYTES + at.start;
	return true;
}

static void write_footer(struct cpc_frame *frame, size_t claimed)
{
	uint8_t *footer = frame->bytes + frame->len - CPC_ELEMENT_FOOTER_BYTES;

	footer[0] = (uint8_t)claimed;
	footer[1] = (uint8_t)(claimed >> 8);
	footer[2] = CPC_ELEMENT_MAGIC & 0xff;
	footer[3] = CPC_ELEMENT_MAGIC >> 8;
}

/* Bytes of hex at @hex onto the element at @offset. */
static int change(struct cpc_frame *frame, size_t offset, const char *hex, bool replace)
{
	unsigned int byte;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2, offset++) {
		if (frame->start + offset >= frame->len)
			return -EINVAL;
		if (replace)
			frame->bytes[frame->start + offset] = 0;
		frame->bytes[frame->start + offset] ^= (uint8_t)byte;
		if (!hex[1])
			break;
	}
	return 0;
}

static int cut(struct cpc_frame *frame, size_t n)
{
	size_t from = frame->start + CPC_ELEMENT_HEADER_BYTES;

	if (from + n + CPC_ELEMENT_FOOTER_BYTES > frame->len)
		return -EINVAL;
	memmove(frame->bytes + from, frame->bytes + from + n, frame->len - from - n);
	frame->len -= n;
	return 0;
}

static int grow(struct cpc_frame *frame, size_t n)
{
	if (n > sizeof(frame->bytes) - frame->len)
		return -EINVAL;
	memset(frame->bytes + frame->len - CPC_ELEMENT_FOOTER_BYTES, 0,
	       n + CPC_ELEMENT_FOOTER_BYTES);
	frame->len += n;
	write_footer(frame, frame->len - frame->start);
	return 0;
}

static void leave_alone(struct cpc_frame *frame)
{
	size_t len = frame->len - frame->start;

	memmove(frame->bytes + CPC_ETHER_BYTES, frame->bytes + frame->start, len);
	frame->start = CPC_ETHER_BYTES;
	frame->len = CPC_ETHER_BYTES + len;
	frame->bytes[12] = CPC_ETHERTYPE_ELEMENT >> 8;
	frame->bytes[13] = CPC_ETHERTYPE_ELEMENT & 0xff;
}

/* The same seed does the same. */
static void add_noise(struct cpc_frame *frame, uint64_t seed)
{
	size_t span = frame->len - frame->start - 2;
	unsigned int changes = 1 + cpc_random_below(&seed, 8);

	while (changes--) {
		size_t at = frame->start + cpc_random_below(&seed, (uint32_t)span);

		frame->bytes[at] ^= (uint8_t)(1 + cpc_random_below(&seed, 255));
	}
}

int cpc_frame_edit(struct cpc_frame *frame, const char *word, struct cpc_error *error)
{
	size_t number;
	char hex[128];
	int r = 0;

	if (sscanf(word, "xor:%zu:%127[0-9a-f]", &number, hex) == 2) {
		r = change(frame, number, hex, false);
	} else if (sscanf(word, "set:%zu:%127[0-9a-f]", &number, hex) == 2) {
		r = change(frame, number, hex, true);
	} else if (sscanf(word, "say:%zu", &number) == 1) {
		write_footer(frame, number);
	} else if (sscanf(word, "cut:%zu", &number) == 1) {
		r = cut(frame, number);
	} else if (sscanf(word, "keep:%zu", &number) == 1) {
		if (number + CPC_ETHER_BYTES > frame->len)
			r = -EINVAL;
		else
			frame->len = number + CPC_ETHER_BYTES;
	} else if (sscanf(word, "grow:%zu", &number) == 1) {
		r = grow(frame, number);
	} else if (sscanf(word, "noise:%zu", &number) == 1) {
		add_noise(frame, number);
	} else if (strcmp(word, "alone") == 0) {
		leave_alone(frame);
	} else {
		r = -EINVAL;
	}
	if (r)
		cpc_error_set(error, "'%s' cannot be done to this frame", word);
	return r;
}
