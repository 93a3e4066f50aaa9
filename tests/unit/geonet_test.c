// SPDX-License-Identifier: BSD-3-Clause
/*
 * Are GeoNetworking and BTP headers the octets of EN 302 636-4-1 clause 9, does the decoder return
 * what was encoded and exactly the length that the packet claims, and does it refuse the rest?
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/geonet.h"

static uint64_t state = 0x853c49e6748fea9b;

static uint32_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static const struct cpc_geonet example = {
	.lifetime = 5,
	.next_header = CPC_GEONET_NEXT_BTP_B,
	.traffic_class = 2,
	.mobile = true,
	.source = {
		.station_type = 5,
		.mac = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 },
		.timestamp_ms = 0x01020304,
		.latitude = -2,
		.longitude = 0x0a0b0c0d,
		.accurate = true,
		.speed_cm_s = -1,
		.heading = 900,
	},
	.media_dependent = 0xa1a2a3a4,
};

static const uint8_t payload[] = { 0xde, 0xad, 0xbe };

/* Worked out by hand from the figures of clauses 9.6, 9.7, 9.8.4, 9.5.2 and 6.3. */
static const uint8_t octets[] = {
	0x11, 0x00, 0x05, 0x01,
	0x20, 0x50, 0x02, 0x80, 0x00, 0x03, 0x01, 0x00,
	0x14, 0x00, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x01, 0x02, 0x03, 0x04,
	0xff, 0xff, 0xff, 0xfe, 0x0a, 0x0b, 0x0c, 0x0d, 0xff, 0xff, 0x03, 0x84,
	0xa1, 0xa2, 0xa3, 0xa4,
	0xde, 0xad, 0xbe,
};

static int decode(const uint8_t *data, size_t size, struct cpc_geonet *ret_geonet)
{
	uint8_t *copy = malloc(size ? size : 1); /* exactly so long, for the sanitizer */
	const uint8_t *inner = NULL;
	size_t inner_size = 0, used = 0;
	int r;

	memcpy(copy, data, size);
	r = cpc_geonet_decode(copy, size, ret_geonet, &inner, &inner_size, &used);
	if (r == 0) {
		ck_assert_uint_eq(used, CPC_GEONET_HEADER_SIZE + inner_size);
		ck_assert_uint_le(used, size);
		ck_assert_ptr_eq(inner, copy + CPC_GEONET_HEADER_SIZE);
	}
	free(copy);
	return r;
}

START_TEST(its_time__epoch_and_leap_seconds)
{
	/* The epoch is 0; each leap second since adds one. */
	ck_assert_uint_eq(cpc_its_time_ms(1072915200000), 0);
	ck_assert_uint_eq(cpc_its_time_ms(1072915200001), 1);
	ck_assert_uint_eq(cpc_its_time_ms(1136073599999), 63158399999);
	ck_assert_uint_eq(cpc_its_time_ms(1136073600000), 63158401000);
	/* 2017-01-01T00:00:00Z: 13 years of 365 days and 4 leap days, and 5 leap seconds. */
	ck_assert_uint_eq(cpc_its_time_ms(1483228800000), ((13 * 365 + 4) * 86400ull + 5) * 1000);
	/* TS 102 894-2, DE_TimestampIts gives this example: 2007-01-01T00:00:00Z is 94694401000. */
	ck_assert_uint_eq(cpc_its_time_ms(1167609600000), 94694401000);
}
END_TEST

START_TEST(encode__octets_by_hand)
{
	uint8_t data[100];
	size_t size;

	ck_assert_int_eq(cpc_geonet_encode(&example, payload, sizeof(payload), data, sizeof(data),
					   &size), 0);
	ck_assert_uint_eq(size, sizeof(octets));
	ck_assert_mem_eq(data, octets, sizeof(octets));
}
END_TEST

START_TEST(encode__refuses_what_its_bits_cannot_hold)
{
	static const uint8_t large[CPC_GEONET_PAYLOAD_MAX + 1];
	uint8_t data[CPC_GEONET_HEADER_SIZE + sizeof(large)];
	struct cpc_geonet bad;
	size_t size;

	for (size_t room = 0; room < sizeof(octets); room++)
		ck_assert_int_eq(cpc_geonet_encode(&example, payload, sizeof(payload), data, room,
						   &size), -ENOSPC);
	ck_assert_int_eq(cpc_geonet_encode(&example, large, sizeof(large), data, sizeof(data),
					   &size), -EMSGSIZE);
	ck_assert_int_eq(cpc_geonet_encode(&example, large, sizeof(large) - 1, data, sizeof(data),
					   &size), 0);
#define REFUSED(field, value) do { \
		bad = example; \
		bad.field = value; \
		ck_assert_int_eq(cpc_geonet_encode(&bad, payload, 3, data, 100, &size), -EINVAL); \
	} while (0)
	REFUSED(next_header, 16);
	REFUSED(source.station_type, 32);
	REFUSED(source.speed_cm_s, 16384);
	REFUSED(source.speed_cm_s, -16385);
	REFUSED(source.heading, 3602);
	REFUSED(source.latitude, 900000002);
	REFUSED(source.longitude, -1800000002);
#undef REFUSED
}
END_TEST

START_TEST(decode__random_headers_round_trip)
{
	for (unsigned int round = 0; round < 5000; round++) {
		struct cpc_geonet geonet = { 0 }, back;
		uint8_t data[CPC_GEONET_HEADER_SIZE + 64], inner[64];
		size_t inner_size = any() % sizeof(inner), size;

		geonet.lifetime = any() & 255;
		geonet.next_header = any() & 15;
		geonet.traffic_class = any() & 255;
		geonet.mobile = any() & 1;
		geonet.media_dependent = any();
		geonet.source.manual = any() & 1;
		geonet.source.station_type = any() & 31;
		for (unsigned int i = 0; i < 6; i++)
			geonet.source.mac[i] = any() & 255;
		geonet.source.timestamp_ms = any();
		geonet.source.latitude = (int32_t)(any() % 1800000003) - 900000001;
		geonet.source.longitude = (int32_t)(any() % 3600000003 - 1800000001);
		geonet.source.accurate = any() & 1;
		geonet.source.speed_cm_s = (int16_t)(any() % 32768) - 16384;
		geonet.source.heading = any() % 3602;
		memset(inner, 0x5a, sizeof(inner));
		ck_assert_int_eq(cpc_geonet_encode(&geonet, inner, inner_size, data, sizeof(data),
						   &size), 0);
		ck_assert_int_eq(decode(data, size, &back), 0);
		ck_assert_uint_eq(back.lifetime, geonet.lifetime);
		ck_assert_uint_eq(back.next_header, geonet.next_header);
		ck_assert_uint_eq(back.traffic_class, geonet.traffic_class);
		ck_assert_uint_eq(back.mobile, geonet.mobile);
		ck_assert_uint_eq(back.media_dependent, geonet.media_dependent);
		ck_assert_uint_eq(back.source.manual, geonet.source.manual);
		ck_assert_uint_eq(back.source.station_type, geonet.source.station_type);
		ck_assert_mem_eq(back.source.mac, geonet.source.mac, 6);
		ck_assert_uint_eq(back.source.timestamp_ms, geonet.source.timestamp_ms);
		ck_assert_int_eq(back.source.latitude, geonet.source.latitude);
		ck_assert_int_eq(back.source.longitude, geonet.source.longitude);
		ck_assert_uint_eq(back.source.accurate, geonet.source.accurate);
		ck_assert_int_eq(back.source.speed_cm_s, geonet.source.speed_cm_s);
		ck_assert_uint_eq(back.source.heading, geonet.source.heading);
	}
}
END_TEST

START_TEST(decode__trailing_octets_change_nothing)
{
	uint8_t data[sizeof(octets) + 100];
	const uint8_t *inner;
	struct cpc_geonet geonet;
	size_t inner_size, used;

	for (size_t extra = 0; extra <= 100; extra++) {
		memset(data, (int)extra, sizeof(data));
		memcpy(data, octets, sizeof(octets));
		ck_assert_int_eq(cpc_geonet_decode(data, sizeof(octets) + extra, &geonet, &inner,
						   &inner_size, &used), 0);
		ck_assert_uint_eq(used, sizeof(octets));
		ck_assert_uint_eq(inner_size, sizeof(payload));
		ck_assert_mem_eq(inner, payload, sizeof(payload));
		ck_assert_int_eq(geonet.source.speed_cm_s, -1);
	}
}
END_TEST

START_TEST(decode__truncated_anywhere_is_an_error)
{
	struct cpc_geonet geonet;

	for (size_t cut = 0; cut < sizeof(octets); cut++)
		ck_assert_int_eq(decode(octets, cut, &geonet), -ENODATA);
}
END_TEST

static const struct {
	size_t at;
	uint8_t octet;
	int wanted;
	const char *what;
} changes[] = {
	{ 0, 0x01, -EOPNOTSUPP, "version 0" },
	{ 0, 0x21, -EOPNOTSUPP, "version 2" },
	{ 0, 0x12, -EOPNOTSUPP, "secured packet" },
	{ 3, 2, -EBADMSG, "more hops remaining than the maximum" },
	{ 5, 0x10, -EOPNOTSUPP, "beacon" },
	{ 5, 0x51, -EOPNOTSUPP, "multi-hop" },
	{ 9, 4, -ENODATA, "payload longer than the frame" },
	{ 8, 0xff, -ENODATA, "payload much longer than the frame" },
	{ 24, 0x40, -EBADMSG, "latitude beyond the pole" },
	{ 28, 0x80, -EBADMSG, "longitude beyond 180 degrees" },
	{ 34, 0x0f, -EBADMSG, "heading beyond 360 degrees" },
	{ 1, 0xff, 0, "reserved octet" },
	{ 13, 0xff, 0, "reserved bits of the address" },
};

START_TEST(decode__excluded_values)
{
	uint8_t data[sizeof(octets)];
	struct cpc_geonet geonet;

	memcpy(data, octets, sizeof(octets));
	data[changes[_i].at] = changes[_i].octet;
	ck_assert_msg(decode(data, sizeof(data), &geonet) == changes[_i].wanted, "%s",
		      changes[_i].what);
}
END_TEST

START_TEST(btp_b__round_trip_and_truncation)
{
	static const uint8_t expected[] = { 0x07, 0xd1, 0x12, 0x34 };
	uint8_t data[CPC_BTP_B_SIZE];
	uint16_t port = 0, info = 0;

	cpc_btp_b_encode(2001, 0x1234, data);
	ck_assert_mem_eq(data, expected, sizeof(expected));
	for (size_t cut = 0; cut < sizeof(data); cut++)
		ck_assert_int_eq(cpc_btp_b_decode(data, cut, &port, &info), -ENODATA);
	ck_assert_int_eq(cpc_btp_b_decode(data, sizeof(data), &port, &info), 0);
	ck_assert_uint_eq(port, 2001);
	ck_assert_uint_eq(info, 0x1234);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("geonet");
	TCase *tests = tcase_create("geonet");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, its_time__epoch_and_leap_seconds);
	tcase_add_test(tests, encode__octets_by_hand);
	tcase_add_test(tests, encode__refuses_what_its_bits_cannot_hold);
	tcase_add_test(tests, decode__random_headers_round_trip);
	tcase_add_test(tests, decode__trailing_octets_change_nothing);
	tcase_add_test(tests, decode__truncated_anywhere_is_an_error);
	tcase_add_loop_test(tests, decode__excluded_values, 0, sizeof(changes) / sizeof(*changes));
	tcase_add_test(tests, btp_b__round_trip_and_truncation);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
