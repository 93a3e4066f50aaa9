/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_RECORD_WIRE_H
#define CPC_AGENT_GATEWAY_RECORD_WIRE_H

/* The bytes that record.c writes and record_read.c reads; see record.h for their meaning. */
#include <cpchain/cursor.h>

#define CPC_RECORD_MAGIC "V1" /* and version */

enum {
	CPC_RECORD_HEADER = 2 + 4 + 8,
	CPC_RECORD_GROUP_MAX = 32,
	CPC_VARINT_MAX = 10,

	CPC_KIND_RAW = 0,
	CPC_KIND_DOUBLE = 1,
	CPC_KIND_FLOAT = 2,
	CPC_KIND_TEXT = 3,

	CPC_TYPE_MASK = 0x0f,
	CPC_TYPE_SCALED = 0x10,
	CPC_TYPE_UNSIGNED = 0x20,
};

static inline uint64_t cpc_zigzag(int64_t number)
{
	return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static inline int64_t cpc_unzigzag(uint64_t number)
{
	return (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
}

static inline void cpc_write_varint(struct cpc_writer *writer, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		cpc_write_u8(writer, (uint8_t)(number | 0x80));
	cpc_write_u8(writer, (uint8_t)number);
}

/* Fails on more than 64 bits. */
static inline uint64_t cpc_read_varint(struct cpc_reader *reader)
{
	uint64_t number = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		uint64_t byte = cpc_read_u8(reader);

		if (shift == 63 && byte > 1)
			break;
		number |= (byte & 0x7f) << shift;
		if (byte < 0x80)
			return number;
	}
	reader->failed = true;
	return 0;
}

static inline void cpc_write_double(struct cpc_writer *writer, double number)
{
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	cpc_write_le64(writer, bits);
}

static inline double cpc_read_double(struct cpc_reader *reader)
{
	uint64_t bits = cpc_read_le64(reader);
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

static inline void cpc_write_float(struct cpc_writer *writer, float number)
{
	uint32_t bits;

	memcpy(&bits, &number, sizeof(bits));
	cpc_write_le32(writer, bits);
}

static inline float cpc_read_float(struct cpc_reader *reader)
{
	uint32_t bits = cpc_read_le32(reader);
	float number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

#endif
