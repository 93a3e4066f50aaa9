// SPDX-License-Identifier: BSD-3-Clause
/* WSMP version 3; see wsmp.h. Clauses are of IEEE 1609.3-2016. Pure. */
#include "tools/v2xgen/wsmp.h"

#include <assert.h>
#include <errno.h>

#include "tools/v2xgen/big_endian.h"

enum {
	VERSION_MASK = 0x07,  /* 8.3.2 */
	OPTION_FLAG = 0x08,
	TPID_PSID = 0,	      /* 8.3.3: a PSID, no extension elements behind it */
	TPID_PSID_EXTENDED = 1,
	DOT2_VERSION = 3,
	DOT2_UNSECURED = 0x80, /* context tag 0 of Ieee1609Dot2Content */
};

/*
 * 4.1.2: p-encoding. The leading ones of the first octet count the octets that follow, and each
 * length begins where the shorter one ends.
 */
static const struct {
	uint32_t first; /* smallest PSID of this length */
	uint32_t prefix;
	unsigned int prefix_bits;
} psid_lengths[] = {
	{ 0, 0x00, 1 },
	{ 0x80, 0x8000, 2 },
	{ 0x4080, 0xc00000, 3 },
	{ 0x204080, 0xe0000000, 4 },
};

static void put_psid(struct cpc_writer *writer, uint32_t psid)
{
	size_t i = 3;

	while (psid < psid_lengths[i].first)
		i--;
	cpc_write_be(writer, psid_lengths[i].prefix | (psid - psid_lengths[i].first), i + 1);
}

static int get_psid(struct cpc_reader *reader, uint32_t *ret_psid)
{
	const uint8_t *first = cpc_read_bytes(reader, 1);
	size_t more = 0;
	uint64_t value;

	if (!first)
		return -ENODATA;
	while (more < 4 && *first << more & 0x80)
		more++;
	if (more == 4)
		return -EBADMSG;
	value = (uint64_t)*first << 8 * more | cpc_read_be(reader, more);
	if (reader->failed)
		return -ENODATA;
	*ret_psid = (uint32_t)(value - psid_lengths[more].prefix + psid_lengths[more].first);
	return 0;
}

/* 8.1.3: lengths and counts, one octet up to 127, else two that begin with the bits 10. */
static void put_length(struct cpc_writer *writer, size_t length)
{
	if (length < 0x80)
		cpc_write_be(writer, length, 1);
	else
		cpc_write_be(writer, 0x8000 | length, 2);
}

static int get_length(struct cpc_reader *reader, size_t *ret_length)
{
	size_t length = cpc_read_be(reader, 1);

	if (length >= 0xc0)
		return -EBADMSG;
	if (length >= 0x80)
		length = (length & 0x3f) << 8 | cpc_read_be(reader, 1);
	if (reader->failed)
		return -ENODATA;
	*ret_length = length;
	return 0;
}

/* 8.1.1: a count, then that many elements of (id, length, data). */
static int skip_elements(struct cpc_reader *reader)
{
	size_t count, length;
	int r;

	r = get_length(reader, &count);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		cpc_read_be(reader, 1);
		r = get_length(reader, &length);
		if (r < 0)
			return r;
		if (!cpc_read_bytes(reader, length))
			return -ENODATA;
	}
	return 0;
}

int cpc_wsmp_encode(uint32_t psid, const uint8_t *payload, size_t payload_size, uint8_t *data,
		    size_t size, size_t *ret_size)
{
	struct cpc_writer writer = cpc_writer_init(data, size);

	if (psid > CPC_WSMP_PSID_MAX)
		return -EINVAL;
	if (payload_size > CPC_WSMP_LENGTH_MAX)
		return -EMSGSIZE;
	cpc_write_be(&writer, CPC_WSMP_VERSION, 1); /* subtype 0, no options */
	cpc_write_be(&writer, TPID_PSID, 1);
	put_psid(&writer, psid);
	put_length(&writer, payload_size);
	cpc_write_bytes(&writer, payload, payload_size);
	if (writer.failed)
		return -ENOSPC;
	*ret_size = writer.used;
	return 0;
}

int cpc_wsmp_decode(const uint8_t *data, size_t size, uint32_t *ret_psid,
		    const uint8_t **ret_payload, size_t *ret_payload_size, size_t *ret_size)
{
	struct cpc_reader reader = cpc_reader_init(data, size);
	uint8_t first = (uint8_t)cpc_read_be(&reader, 1);
	const uint8_t *payload;
	size_t payload_size, used;
	uint32_t psid;
	uint8_t tpid;
	int r = 0;

	if (reader.failed)
		return -ENODATA;
	if ((first & VERSION_MASK) != CPC_WSMP_VERSION || first >> 4 != 0)
		return -EOPNOTSUPP;
	if (first & OPTION_FLAG)
		r = skip_elements(&reader);
	if (r < 0)
		return r;
	tpid = (uint8_t)cpc_read_be(&reader, 1);
	if (reader.failed)
		return -ENODATA;
	if (tpid != TPID_PSID && tpid != TPID_PSID_EXTENDED)
		return -EOPNOTSUPP;
	r = get_psid(&reader, &psid);
	if (r == 0 && tpid == TPID_PSID_EXTENDED)
		r = skip_elements(&reader);
	if (r == 0)
		r = get_length(&reader, &payload_size);
	if (r < 0)
		return r;
	payload = cpc_read_bytes(&reader, payload_size);
	if (!payload)
		return -ENODATA;

	used = size - reader.left;
	assert(used <= size);
	*ret_psid = psid;
	*ret_payload = payload;
	*ret_payload_size = payload_size;
	*ret_size = used;
	return 0;
}

int cpc_ieee1609_2_wrap(const uint8_t *payload, size_t payload_size, uint8_t *data, size_t size,
			size_t *ret_size)
{
	struct cpc_writer writer = cpc_writer_init(data, size);

	if (payload_size > UINT16_MAX)
		return -EMSGSIZE;
	cpc_write_be(&writer, DOT2_VERSION, 1);
	cpc_write_be(&writer, DOT2_UNSECURED, 1);
	/* X.696 8.6.5: a length of one octet below 128, else the count of octets and the octets. */
	if (payload_size < 0x80)
		cpc_write_be(&writer, payload_size, 1);
	else if (payload_size < 0x100)
		cpc_write_be(&writer, 0x8100 | payload_size, 2);
	else
		cpc_write_be(&writer, 0x820000 | payload_size, 3);
	cpc_write_bytes(&writer, payload, payload_size);
	if (writer.failed)
		return -ENOSPC;
	*ret_size = writer.used;
	return 0;
}
