/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Big-endian integers, as the V2X protocols have them, on the project's bounds-checked cursor:
 * reads past the end give 0, writes past the end nothing, and `failed` says so afterwards.
 */
#ifndef TOOLS_V2XGEN_BIG_ENDIAN_H
#define TOOLS_V2XGEN_BIG_ENDIAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpchain/cursor.h"

/* An unsigned integer of @count octets, most significant first; @count <= 8. */
static inline uint64_t cpc_read_be(struct cpc_reader *reader, size_t count)
{
	const uint8_t *at = cpc_read_bytes(reader, count);
	uint64_t value = 0;

	for (size_t i = 0; at && i < count; i++)
		value = value << 8 | at[i];
	return value;
}

/* The low @count octets of @value, most significant first; @count <= 8. */
static inline void cpc_write_be(struct cpc_writer *writer, uint64_t value, size_t count)
{
	uint8_t octets[8];

	for (size_t i = 0; i < count; i++)
		octets[i] = (uint8_t)(value >> 8 * (count - 1 - i));
	cpc_write_bytes(writer, octets, count);
}

#endif
