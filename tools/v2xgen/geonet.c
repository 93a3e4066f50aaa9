// SPDX-License-Identifier: BSD-3-Clause
/* GeoNetworking SHB and BTP-B; see geonet.h. Clauses are of EN 302 636-4-1 V1.4.1. Pure. */
#include "tools/v2xgen/geonet.h"

#include <assert.h>
#include <errno.h>

#include "tools/v2xgen/big_endian.h"

enum {
	NEXT_COMMON = 1,     /* 9.6.3: NH of the basic header */
	TYPE_TSB = 5,	     /* 9.7.4: HT */
	SUBTYPE_SHB = 0,     /* 9.7.4: HST, single hop */
	FLAG_MOBILE = 0x80,  /* 9.7.3 */
	SINGLE_HOP = 1,	     /* 10.3.10.2: RHL and MHL of an SHB packet */
	ADDRESS_MANUAL = 0x8000,
	PAI = 0x8000,
	SPEED_MASK = 0x7fff,
	SPEED_SIGN = 0x4000,
	LATITUDE_MAX = 900000001,    /* one more than 90 degrees: unavailable */
	LONGITUDE_MAX = 1800000001,
};

uint64_t cpc_its_time_ms(uint64_t unix_ms)
{
	/* First second after each leap second inserted since 2004 (IERS Bulletin C). */
	static const uint64_t leaps_s[] = { 1136073600, 1230768000, 1341100800, 1435708800,
					    1483228800 };
	const uint64_t epoch_ms = 1072915200000; /* 2004-01-01T00:00:00Z */
	uint64_t result = unix_ms - epoch_ms;

	for (size_t i = 0; i < sizeof(leaps_s) / sizeof(*leaps_s); i++)
		if (unix_ms >= leaps_s[i] * 1000)
			result += 1000;
	return result;
}

static bool position_valid(const struct cpc_geonet_position *position)
{
	return position->station_type < 32 &&
	       position->latitude >= -LATITUDE_MAX && position->latitude <= LATITUDE_MAX &&
	       position->longitude >= -LONGITUDE_MAX && position->longitude <= LONGITUDE_MAX &&
	       position->speed_cm_s >= CPC_GEONET_SPEED_MIN &&
	       position->speed_cm_s <= CPC_GEONET_SPEED_MAX &&
	       position->heading <= CPC_GEONET_HEADING_MAX;
}

/* 9.5.2 */
static void put_position(struct cpc_writer *writer,
			 const struct cpc_geonet_position *position)
{
	uint16_t address = position->station_type << 10; /* 6.3: M, ST, 10 bits reserved */
	uint16_t speed = (uint16_t)position->speed_cm_s & SPEED_MASK;

	if (position->manual)
		address |= ADDRESS_MANUAL;
	if (position->accurate)
		speed |= PAI;
	cpc_write_be(writer, address, 2);
	cpc_write_bytes(writer, position->mac, sizeof(position->mac));
	cpc_write_be(writer, position->timestamp_ms, 4);
	cpc_write_be(writer, (uint32_t)position->latitude, 4);
	cpc_write_be(writer, (uint32_t)position->longitude, 4);
	cpc_write_be(writer, speed, 2);
	cpc_write_be(writer, position->heading, 2);
}

static void get_position(struct cpc_reader *reader, struct cpc_geonet_position *position)
{
	uint16_t address = (uint16_t)cpc_read_be(reader, 2);
	const uint8_t *mac = cpc_read_bytes(reader, sizeof(position->mac));
	uint16_t speed;

	position->manual = address & ADDRESS_MANUAL;
	position->station_type = address >> 10 & 31;
	if (mac)
		memcpy(position->mac, mac, sizeof(position->mac));
	position->timestamp_ms = (uint32_t)cpc_read_be(reader, 4);
	position->latitude = (int32_t)(uint32_t)cpc_read_be(reader, 4);
	position->longitude = (int32_t)(uint32_t)cpc_read_be(reader, 4);
	speed = (uint16_t)cpc_read_be(reader, 2);
	position->accurate = speed & PAI;
	position->speed_cm_s = (int16_t)(((speed & SPEED_MASK) ^ SPEED_SIGN) - SPEED_SIGN);
	position->heading = (uint16_t)cpc_read_be(reader, 2);
}

int cpc_geonet_encode(const struct cpc_geonet *geonet, const uint8_t *payload, size_t payload_size,
		      uint8_t *data, size_t size, size_t *ret_size)
{
	struct cpc_writer writer = cpc_writer_init(data, size);

	if (geonet->next_header > 15 || !position_valid(&geonet->source))
		return -EINVAL;
	if (payload_size > CPC_GEONET_PAYLOAD_MAX)
		return -EMSGSIZE;

	/* 9.6.2 basic header */
	cpc_write_be(&writer, CPC_GEONET_VERSION << 4 | NEXT_COMMON, 1);
	cpc_write_be(&writer, 0, 1);
	cpc_write_be(&writer, geonet->lifetime, 1);
	cpc_write_be(&writer, SINGLE_HOP, 1);

	/* 9.7.2 common header */
	cpc_write_be(&writer, geonet->next_header << 4, 1);
	cpc_write_be(&writer, TYPE_TSB << 4 | SUBTYPE_SHB, 1);
	cpc_write_be(&writer, geonet->traffic_class, 1);
	cpc_write_be(&writer, geonet->mobile ? FLAG_MOBILE : 0, 1);
	cpc_write_be(&writer, payload_size, 2);
	cpc_write_be(&writer, SINGLE_HOP, 1);
	cpc_write_be(&writer, 0, 1);

	/* 9.8.4 SHB extended header */
	put_position(&writer, &geonet->source);
	cpc_write_be(&writer, geonet->media_dependent, 4);
	assert(writer.failed || writer.used == CPC_GEONET_HEADER_SIZE);

	cpc_write_bytes(&writer, payload, payload_size);
	if (writer.failed)
		return -ENOSPC;
	*ret_size = writer.used;
	return 0;
}

/* Basic and common header, 9.6.2 and 9.7.2. */
static int get_headers(struct cpc_reader *reader, struct cpc_geonet *geonet,
		       size_t *ret_payload_size)
{
	uint8_t first, type, remaining_hops, maximum_hops;
	size_t payload_size;

	first = (uint8_t)cpc_read_be(reader, 1);
	cpc_read_be(reader, 1);
	geonet->lifetime = (uint8_t)cpc_read_be(reader, 1);
	remaining_hops = (uint8_t)cpc_read_be(reader, 1);
	geonet->next_header = (uint8_t)cpc_read_be(reader, 1) >> 4;
	type = (uint8_t)cpc_read_be(reader, 1);
	geonet->traffic_class = (uint8_t)cpc_read_be(reader, 1);
	geonet->mobile = cpc_read_be(reader, 1) & FLAG_MOBILE;
	payload_size = cpc_read_be(reader, 2);
	maximum_hops = (uint8_t)cpc_read_be(reader, 1);
	cpc_read_be(reader, 1);
	if (reader->failed)
		return -ENODATA;

	if (first >> 4 != CPC_GEONET_VERSION || (first & 15) != NEXT_COMMON ||
	    type != (TYPE_TSB << 4 | SUBTYPE_SHB))
		return -EOPNOTSUPP;
	/* 10.3.5: a packet with more hops left than it ever had is discarded. */
	if (remaining_hops > maximum_hops)
		return -EBADMSG;
	*ret_payload_size = payload_size;
	return 0;
}

int cpc_geonet_decode(const uint8_t *data, size_t size, struct cpc_geonet *ret_geonet,
		      const uint8_t **ret_payload, size_t *ret_payload_size, size_t *ret_size)
{
	struct cpc_reader reader = cpc_reader_init(data, size);
	struct cpc_geonet geonet = { 0 };
	const uint8_t *payload;
	size_t payload_size, used;
	int r;

	r = get_headers(&reader, &geonet, &payload_size);
	if (r < 0)
		return r;
	get_position(&reader, &geonet.source);
	geonet.media_dependent = (uint32_t)cpc_read_be(&reader, 4);
	payload = cpc_read_bytes(&reader, payload_size);
	if (reader.failed)
		return -ENODATA;
	if (!position_valid(&geonet.source))
		return -EBADMSG;

	used = size - reader.left;
	assert(used == CPC_GEONET_HEADER_SIZE + payload_size && used <= size);
	*ret_geonet = geonet;
	*ret_payload = payload;
	*ret_payload_size = payload_size;
	*ret_size = used;
	return 0;
}

void cpc_btp_b_encode(uint16_t port, uint16_t port_info, uint8_t data[CPC_BTP_B_SIZE])
{
	struct cpc_writer writer = cpc_writer_init(data, CPC_BTP_B_SIZE);

	cpc_write_be(&writer, port, 2);
	cpc_write_be(&writer, port_info, 2);
	assert(!writer.failed);
}

int cpc_btp_b_decode(const uint8_t *data, size_t size, uint16_t *ret_port,
		     uint16_t *ret_port_info)
{
	struct cpc_reader reader = cpc_reader_init(data, size);
	uint16_t port = (uint16_t)cpc_read_be(&reader, 2);
	uint16_t port_info = (uint16_t)cpc_read_be(&reader, 2);

	if (reader.failed)
		return -ENODATA;
	*ret_port = port;
	*ret_port_info = port_info;
	return 0;
}
