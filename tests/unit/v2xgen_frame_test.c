// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the frame carry the motion that it was made from, have the size that was asked for, and read
 * the same whatever octets follow it?
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/frame.h"

static const struct cpc_v2x_motion cruising = {
	.unix_ms = 1700000000000,
	.latitude_deg = 48.1,
	.longitude_deg = -11.6,
	.speed_m_s = 25.37,
	.heading_deg = 271.5,
	.acceleration_m_s2 = -1.24,
	.yaw_rate_deg_s = 3.5,
};

static struct cpc_v2x_sender sender_of(enum cpc_v2x_carrier carrier, size_t size, size_t trailing)
{
	const struct cpc_v2x_config config = {
		.carrier = carrier,
		.station_id = 4711,
		.mac = { 2, 0, 0, 0, 0, 9 },
		.size = size,
		.trailing = trailing,
	};
	struct cpc_v2x_sender sender;
	struct cpc_error error = { 0 };
	int r = cpc_v2x_sender_init(&sender, &config, &error);

	ck_assert_msg(r == 0, "%s", error.text);
	return sender;
}

static size_t frame_of(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
		       uint8_t *data)
{
	size_t size;

	ck_assert_int_eq(cpc_v2x_sender_frame(sender, motion, data, CPC_V2X_FRAME_MAX, &size), 0);
	return size;
}

START_TEST(sender_init__refuses_sizes_that_no_frame_has)
{
	static const struct cpc_v2x_config configs[] = {
		{ .carrier = CPC_V2X_CAM, .size = 100 },
		{ .carrier = CPC_V2X_CAM, .size = 455 },
		{ .carrier = CPC_V2X_CAM, .size = 1515 },
		{ .carrier = CPC_V2X_CAM, .trailing = CPC_V2X_TRAILING_MAX + 1 },
		{ .carrier = CPC_V2X_WSMP, .size = 39 },
		{ .carrier = CPC_V2X_WSMP, .size = 1515 },
	};

	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		struct cpc_v2x_sender sender;
		struct cpc_error error = { 0 };
		char value[16];

		ck_assert_int_eq(cpc_v2x_sender_init(&sender, &configs[i], &error), -EINVAL);
		snprintf(value, sizeof(value), " %zu:", configs[i].size + configs[i].trailing);
		ck_assert_msg(strstr(error.text, value), "%s does not name%s", error.text, value);
	}
}
END_TEST

START_TEST(sender_frame__says_the_motion)
{
	struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, 0, 0);
	struct cpc_v2x_received received;
	uint8_t data[CPC_V2X_FRAME_MAX];
	size_t size = frame_of(&sender, &cruising, data);
	uint64_t its_ms = cpc_its_time_ms(cruising.unix_ms);

	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), 0);
	ck_assert_mem_eq(data, "\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x09\x89\x47", 14);
	ck_assert_uint_eq(received.station_id, 4711);
	ck_assert_uint_eq(received.port, 2001);
	ck_assert_mem_eq(received.geonet.source.mac, sender.config.mac, 6);
	ck_assert_uint_eq(received.geonet.source.timestamp_ms, its_ms & UINT32_MAX);
	ck_assert_int_eq(received.geonet.source.latitude, 481000000);
	ck_assert_int_eq(received.geonet.source.longitude, -116000000);
	ck_assert_int_eq(received.geonet.source.speed_cm_s, 2537);
	ck_assert_uint_eq(received.geonet.source.heading, 2715);
	ck_assert_int_eq(received.cam.generation_delta_time_ms, its_ms % 65536);
	ck_assert_int_eq(received.cam.latitude, 481000000);
	ck_assert_int_eq(received.cam.longitude, -116000000);
	ck_assert_int_eq(received.cam.speed_cm_s, 2537);
	ck_assert_int_eq(received.cam.heading, 2715);
	ck_assert_int_eq(received.cam.drive_direction, 0);
	ck_assert_int_eq(received.cam.longitudinal_dm_s2, -12);
	ck_assert_int_eq(received.cam.yaw_rate, 350);
	/* 3.5 degree/s at 25.37 m/s is a radius of 415 m: 24 in 1/10000 per metre */
	ck_assert_int_eq(received.cam.curvature, 24);
}
END_TEST

START_TEST(sender_frame__unknown_and_extreme_motion)
{
	struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, 230, 0);
	struct cpc_v2x_motion motion = cruising;
	struct cpc_v2x_received received;
	uint8_t data[CPC_V2X_FRAME_MAX];
	size_t size;

	motion.speed_m_s = motion.acceleration_m_s2 = motion.yaw_rate_deg_s = NAN;
	motion.heading_deg = NAN;
	size = frame_of(&sender, &motion, data);
	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), 0);
	ck_assert_int_eq(received.cam.speed_cm_s, CPC_CAM_SPEED_UNAVAILABLE);
	ck_assert_int_eq(received.cam.drive_direction, CPC_CAM_DRIVE_DIRECTION_UNAVAILABLE);
	ck_assert_int_eq(received.cam.heading, CPC_CAM_HEADING_UNAVAILABLE);
	ck_assert_int_eq(received.cam.yaw_rate, CPC_CAM_YAW_RATE_UNAVAILABLE);
	ck_assert_int_eq(received.cam.curvature, CPC_CAM_CURVATURE_UNAVAILABLE);

	motion = cruising;
	motion.speed_m_s = -1e9;
	motion.heading_deg = 359.99;
	motion.unix_ms = 0; /* the clock went back, by a lot */
	motion.latitude_deg = 90;
	motion.longitude_deg = 180;
	size = frame_of(&sender, &motion, data);
	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), 0);
	ck_assert_uint_eq(size, 230);
	ck_assert_int_eq(received.cam.speed_cm_s, CPC_CAM_SPEED_UNAVAILABLE - 1);
	ck_assert_int_eq(received.cam.drive_direction, 1);
	ck_assert_int_eq(received.geonet.source.speed_cm_s, CPC_GEONET_SPEED_MIN);
	ck_assert_int_eq(received.cam.heading, 0);
	ck_assert_int_eq(received.cam.latitude, 900000000);
}
END_TEST

/* Every size in the range is met exactly, in every frame, also while the path grows. */
START_TEST(sender_frame__every_size)
{
	for (size_t wanted = 101; wanted <= 454; wanted++) {
		struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, wanted, 7);
		struct cpc_v2x_motion motion = cruising;

		for (unsigned int i = 0; i < 5; i++) {
			struct cpc_v2x_received received;
			uint8_t data[CPC_V2X_FRAME_MAX];
			size_t size = frame_of(&sender, &motion, data);

			ck_assert_uint_eq(size, wanted + 7);
			ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), 0);
			ck_assert_uint_eq(received.protocol_bytes, wanted);
			ck_assert_uint_eq(received.trailing_bytes, 7);
			ck_assert(received.cam.has_low_frequency);
			cpc_v2x_motion_advance(&motion, motion.unix_ms + 100, motion.speed_m_s,
					       motion.heading_deg);
		}
	}
}
END_TEST

/* EN 302 637-2 6.1.3: with the first CAM, and again once 500 ms have passed. */
START_TEST(sender_frame__low_frequency_container_each_500_ms)
{
	struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, 0, 0);
	struct cpc_v2x_motion motion = cruising;

	for (unsigned int i = 0; i < 21; i++) {
		struct cpc_v2x_received received;
		uint8_t data[CPC_V2X_FRAME_MAX];
		size_t size = frame_of(&sender, &motion, data);

		ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), 0);
		ck_assert_int_eq(received.cam.has_low_frequency, i % 5 == 0);
		ck_assert_uint_eq(size, i % 5 == 0 ? 101 : 99);
		motion.unix_ms += 100;
	}
}
END_TEST

/* The path leads back along where the vehicle was: straight behind it, 8 m and more apart. */
START_TEST(sender_frame__path_history_is_where_it_was)
{
	struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, 230, 0);
	struct cpc_v2x_motion motion = cruising;
	struct cpc_v2x_received received;
	uint8_t data[CPC_V2X_FRAME_MAX];

	motion.heading_deg = 0;
	for (unsigned int i = 0; i < 200; i++) {
		ck_assert_int_eq(cpc_v2x_frame_decode(data, frame_of(&sender, &motion, data),
						      &received), 0);
		cpc_v2x_motion_advance(&motion, motion.unix_ms + 100, motion.speed_m_s, 0);
	}
	ck_assert_uint_gt(received.cam.path_count, 10);
	for (unsigned int i = 0; i < received.cam.path_count; i++) {
		const struct cpc_cam_path_point *point = &received.cam.path[i];

		/* 1e-7 degree is 11 mm; at 25.37 m/s a point is kept every 10.1 m, all 400 ms */
		ck_assert_int_eq(point->delta_longitude, 0);
		ck_assert_int_le(point->delta_latitude, 0);
		ck_assert_int_ge(point->delta_latitude, -920);
		if (i > 0 && point->has_delta_time)
			ck_assert_int_eq(point->delta_time_10ms, 40);
	}
}
END_TEST

START_TEST(sender_frame__wsmp)
{
	for (size_t wanted = 40; wanted <= CPC_V2X_FRAME_MAX; wanted += 111) {
		struct cpc_v2x_sender sender = sender_of(CPC_V2X_WSMP, wanted, 20);
		struct cpc_v2x_received received;
		uint8_t data[CPC_V2X_FRAME_MAX + 20];
		size_t size;

		ck_assert_int_eq(cpc_v2x_sender_frame(&sender, &cruising, data, sizeof(data),
						      &size), 0);
		ck_assert_uint_eq(size, wanted + 20);
		ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), 0);
		ck_assert_uint_eq(received.psid, CPC_WSMP_PSID_BSM);
		ck_assert_uint_eq(received.station_id, 4711);
		ck_assert_uint_eq(received.trailing_bytes, 20);
	}
}
END_TEST

START_TEST(motion_advance__distances)
{
	struct cpc_v2x_motion motion = { .latitude_deg = 60, .longitude_deg = 179.9999 };

	/* 1 km east at 60 degrees north is twice as many degrees as at the equator. */
	cpc_v2x_motion_advance(&motion, 100000, 10, 90);
	ck_assert_double_eq_tol(motion.latitude_deg, 60, 1e-9);
	ck_assert_double_eq_tol(motion.longitude_deg, -180.0001 + 2 * 1000 / 111319.49, 1e-6);
	cpc_v2x_motion_advance(&motion, 200000, -10, 180);
	ck_assert_double_eq_tol(motion.latitude_deg, 60 + 1000 / 111319.49, 1e-6);
	cpc_v2x_motion_advance(&motion, 300000, NAN, 0);
	ck_assert_double_eq_tol(motion.latitude_deg, 60 + 1000 / 111319.49, 1e-6);
	ck_assert_uint_eq(motion.unix_ms, 300000);
	cpc_v2x_motion_advance(&motion, 1000000000, 163, 0);
	ck_assert_double_eq(motion.latitude_deg, 90);
}
END_TEST

START_TEST(frame_decode__trailing_octets_change_nothing_but_their_count)
{
	struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, 0, 0);
	uint8_t data[CPC_V2X_FRAME_MAX];
	size_t size = frame_of(&sender, &cruising, data);
	struct cpc_v2x_received plain, longer;

	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &plain), 0);
	for (size_t extra = 0; extra <= 300; extra++) {
		memset(data + size, (int)(extra * 7), extra);
		ck_assert_int_eq(cpc_v2x_frame_decode(data, size + extra, &longer), 0);
		ck_assert_uint_eq(longer.trailing_bytes, extra);
		ck_assert_uint_eq(longer.protocol_bytes, size);
		ck_assert_uint_eq(longer.digest, plain.digest);
		ck_assert_int_eq(longer.cam.latitude, plain.cam.latitude);
		ck_assert_int_eq(longer.cam.yaw_rate, plain.cam.yaw_rate);
	}
}
END_TEST

START_TEST(frame_decode__truncated_anywhere_is_an_error)
{
	static const enum cpc_v2x_carrier carriers[] = { CPC_V2X_CAM, CPC_V2X_WSMP };
	struct cpc_v2x_sender sender = sender_of(carriers[_i], 230, 0);
	struct cpc_v2x_received received;
	uint8_t data[CPC_V2X_FRAME_MAX];
	size_t size = frame_of(&sender, &cruising, data);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, data, cut);
		ck_assert_int_eq(cpc_v2x_frame_decode(copy, cut, &received), -ENODATA);
		free(copy);
	}
}
END_TEST

START_TEST(frame_decode__other_frames)
{
	struct cpc_v2x_sender sender = sender_of(CPC_V2X_CAM, 0, 0);
	uint8_t data[CPC_V2X_FRAME_MAX];
	size_t size = frame_of(&sender, &cruising, data);
	const size_t port_at = CPC_V2X_ETHERNET_SIZE + CPC_GEONET_HEADER_SIZE;
	struct cpc_v2x_received received;

	data[port_at + 1] ^= 3; /* 2002: DENM */
	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), -EPROTONOSUPPORT);
	data[port_at + 1] ^= 3;
	data[CPC_V2X_ETHERNET_SIZE + 9] = 3; /* a payload too short for a BTP header */
	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), -ENODATA);
	data[12] = 8;
	data[13] = 0;
	ck_assert_int_eq(cpc_v2x_frame_decode(data, size, &received), -EPROTONOSUPPORT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("v2xgen_frame");
	TCase *tests = tcase_create("v2xgen_frame");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, sender_init__refuses_sizes_that_no_frame_has);
	tcase_add_test(tests, sender_frame__says_the_motion);
	tcase_add_test(tests, sender_frame__unknown_and_extreme_motion);
	tcase_add_test(tests, sender_frame__every_size);
	tcase_add_test(tests, sender_frame__low_frequency_container_each_500_ms);
	tcase_add_test(tests, sender_frame__path_history_is_where_it_was);
	tcase_add_test(tests, sender_frame__wsmp);
	tcase_add_test(tests, motion_advance__distances);
	tcase_add_test(tests, frame_decode__trailing_octets_change_nothing_but_their_count);
	tcase_add_loop_test(tests, frame_decode__truncated_anywhere_is_an_error, 0, 2);
	tcase_add_test(tests, frame_decode__other_frames);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
