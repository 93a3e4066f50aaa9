// SPDX-License-Identifier: BSD-3-Clause
/* ASN.1 UPER cursor; see uper.h. Pure: no I/O, no allocation. */
#include "tools/v2xgen/uper.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void cpc_uper_encoder_init(struct cpc_uper *uper, uint8_t *data, size_t size)
{
	assert(size <= SIZE_MAX / 8);
	memset(data, 0, size);
	*uper = (struct cpc_uper){ .out = data, .size_bits = size * 8 };
}

void cpc_uper_decoder_init(struct cpc_uper *uper, const uint8_t *data, size_t size)
{
	assert(size <= SIZE_MAX / 8);
	*uper = (struct cpc_uper){ .in = data, .size_bits = size * 8 };
}

int cpc_uper_finish(const struct cpc_uper *uper, size_t *ret_size)
{
	if (uper->error)
		return uper->error;
	*ret_size = (uper->used_bits + 7) / 8;
	return 0;
}

bool cpc_uper_decodes(const struct cpc_uper *uper)
{
	return uper->out == NULL;
}

void cpc_uper_fail(struct cpc_uper *uper, int error)
{
	if (!uper->error)
		uper->error = error;
}

/* The one place that touches the buffer: @width bits, most significant first. */
static void move_bits(struct cpc_uper *uper, uint32_t *value, unsigned int width)
{
	uint32_t result = 0;

	assert(width <= 32);
	assert(uper->used_bits <= uper->size_bits);
	if (uper->error)
		return;
	if (width > uper->size_bits - uper->used_bits) {
		uper->error = uper->out ? -ENOSPC : -ENODATA;
		return;
	}
	for (unsigned int i = 0; i < width; i++) {
		size_t octet = uper->used_bits / 8;
		unsigned int shift = 7 - uper->used_bits % 8;

		if (uper->out)
			uper->out[octet] |= (*value >> (width - 1 - i) & 1) << shift;
		else
			result = result << 1 | (uper->in[octet] >> shift & 1);
		uper->used_bits++;
	}
	if (!uper->out)
		*value = result;
}

/* Bits that hold 0..@span (X.691 11.5.7.1: the minimum, and none for a single value). */
static unsigned int bits_of(uint32_t span)
{
	unsigned int width = 0;

	while (width < 32 && span >> width)
		width++;
	return width;
}

void cpc_uper_integer(struct cpc_uper *uper, int64_t *value, int64_t min, int64_t max)
{
	bool decodes = cpc_uper_decodes(uper);
	uint32_t offset = 0;

	assert(min <= max && max - min <= UINT32_MAX);
	if (!decodes) {
		if (*value < min || *value > max)
			cpc_uper_fail(uper, -ERANGE);
		else
			offset = (uint32_t)(*value - min);
	}
	move_bits(uper, &offset, bits_of((uint32_t)(max - min)));
	if (!decodes)
		return;
	/* 12 bits hold up to 4095, but INTEGER (0..3601) ends earlier: the rest is no encoding. */
	if (offset > max - min) {
		cpc_uper_fail(uper, -EBADMSG);
		offset = 0;
	}
	*value = min + offset;
}

void cpc_uper_int32(struct cpc_uper *uper, int32_t *value, int32_t min, int32_t max)
{
	int64_t wide = *value;

	cpc_uper_integer(uper, &wide, min, max);
	*value = (int32_t)wide;
}

void cpc_uper_uint32(struct cpc_uper *uper, uint32_t *value, uint32_t min, uint32_t max)
{
	int64_t wide = *value;

	cpc_uper_integer(uper, &wide, min, max);
	*value = (uint32_t)wide;
}

void cpc_uper_flag(struct cpc_uper *uper, bool *value)
{
	uint32_t bit = cpc_uper_decodes(uper) ? 0 : *value;

	move_bits(uper, &bit, 1);
	*value = bit;
}

void cpc_uper_no_extension(struct cpc_uper *uper)
{
	bool extended = false;

	cpc_uper_flag(uper, &extended);
	if (extended)
		cpc_uper_fail(uper, -EOPNOTSUPP);
}

void cpc_uper_enumerated(struct cpc_uper *uper, int32_t *value, unsigned int count,
			 bool extensible)
{
	assert(count >= 1 && count <= INT32_MAX);
	if (extensible)
		cpc_uper_no_extension(uper);
	cpc_uper_int32(uper, value, 0, (int32_t)count - 1);
}

void cpc_uper_bit_string(struct cpc_uper *uper, uint32_t *value, unsigned int width)
{
	assert(width >= 1 && width <= 32);
	cpc_uper_uint32(uper, value, 0, UINT32_MAX >> (32 - width));
}

void cpc_uper_count(struct cpc_uper *uper, unsigned int *value, unsigned int min,
		    unsigned int max)
{
	int64_t wide = *value;

	cpc_uper_integer(uper, &wide, min, max);
	*value = (unsigned int)wide;
}
