// SPDX-License-Identifier: BSD-3-Clause
/*
 * Is every CAM that the standard allows returned by the decoder as it was encoded, and nothing else
 * taken for one? (That others read the same values is v2xgen_tshark_test.sh's question.)
 */
#include <check.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/cam.h"

static uint64_t state = 0x2545f4914f6cdd1d;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 8;
}

/* A value of the range, its ends often. */
static int32_t within(int64_t min, int64_t max)
{
	switch (any() % 8) {
	case 0:
		return (int32_t)min;
	case 1:
		return (int32_t)max;
	default:
		return (int32_t)(min + (int64_t)(any() % (uint64_t)(max - min + 1)));
	}
}

/* The constraints of EN 302 637-2 Annex A and TS 102 894-2 Annex A, written down a second time. */
static const struct constraint {
	const char *name;
	size_t field;
	int32_t min, max;
	uint32_t optional; /* the bit that makes it count, or 0 */
} constraints[] = {
#define PLAIN(name, min, max) { #name, offsetof(struct cpc_cam, name), min, max, 0 }
#define OPTION(name, min, max, bit) { #name, offsetof(struct cpc_cam, name), min, max, bit }
	PLAIN(generation_delta_time_ms, 0, 65535),
	PLAIN(station_type, 0, 255),
	PLAIN(latitude, -900000000, 900000001),
	PLAIN(longitude, -1800000000, 1800000001),
	PLAIN(semi_major_cm, 0, 4095),
	PLAIN(semi_minor_cm, 0, 4095),
	PLAIN(semi_major_heading, 0, 3601),
	PLAIN(altitude_cm, -100000, 800001),
	PLAIN(altitude_confidence, 0, 15),
	PLAIN(heading, 0, 3601),
	PLAIN(heading_confidence, 1, 127),
	PLAIN(speed_cm_s, 0, 16383),
	PLAIN(speed_confidence_cm_s, 1, 127),
	PLAIN(drive_direction, 0, 2),
	PLAIN(length_dm, 1, 1023),
	PLAIN(length_confidence, 0, 4),
	PLAIN(width_dm, 1, 62),
	PLAIN(longitudinal_dm_s2, -160, 161),
	PLAIN(longitudinal_confidence, 0, 102),
	PLAIN(curvature, -1023, 1023),
	PLAIN(curvature_confidence, 0, 7),
	PLAIN(curvature_mode, 0, 2),
	PLAIN(yaw_rate, -32766, 32767),
	PLAIN(yaw_rate_confidence, 0, 8),
	OPTION(lane_position, -1, 14, CPC_CAM_LANE_POSITION),
	OPTION(steering, -511, 512, CPC_CAM_STEERING),
	OPTION(steering_confidence, 1, 127, CPC_CAM_STEERING),
	OPTION(lateral_dm_s2, -160, 161, CPC_CAM_LATERAL),
	OPTION(lateral_confidence, 0, 102, CPC_CAM_LATERAL),
	OPTION(vertical_dm_s2, -160, 161, CPC_CAM_VERTICAL),
	OPTION(vertical_confidence, 0, 102, CPC_CAM_VERTICAL),
	OPTION(performance_class, 0, 7, CPC_CAM_PERFORMANCE_CLASS),
};

enum { CONSTRAINTS = sizeof(constraints) / sizeof(*constraints) };

static int32_t *field_of(struct cpc_cam *cam, const struct constraint *constraint)
{
	return (int32_t *)((char *)cam + constraint->field);
}

static void randomize(struct cpc_cam *cam)
{
	cpc_cam_init(cam);
	cam->station_id = (uint32_t)any();
	cam->optional = any() & CPC_CAM_OPTIONAL_ALL;
	for (unsigned int i = 0; i < CONSTRAINTS; i++)
		if ((constraints[i].optional & ~cam->optional) == 0)
			*field_of(cam, &constraints[i]) = within(constraints[i].min,
								 constraints[i].max);
	if (cam->optional & CPC_CAM_ACCELERATION_CONTROL)
		cam->acceleration_control = any() & 0x7f;
	cam->has_low_frequency = any() & 1;
	if (!cam->has_low_frequency)
		return;
	cam->vehicle_role = within(0, 15);
	cam->exterior_lights = any() & 0xff;
	cam->path_count = (unsigned int)within(0, CPC_CAM_PATH_MAX);
	for (unsigned int i = 0; i < cam->path_count; i++) {
		struct cpc_cam_path_point *point = &cam->path[i];

		point->delta_latitude = within(-131071, 131072);
		point->delta_longitude = within(-131071, 131072);
		point->delta_altitude_cm = within(-12700, 12800);
		point->has_delta_time = any() & 1;
		if (point->has_delta_time)
			point->delta_time_10ms = within(1, 65535);
	}
}

static void assert_same(struct cpc_cam *a, struct cpc_cam *b)
{
	ck_assert_uint_eq(a->station_id, b->station_id);
	ck_assert_uint_eq(a->optional, b->optional);
	ck_assert_uint_eq(a->acceleration_control, b->acceleration_control);
	for (unsigned int i = 0; i < CONSTRAINTS; i++)
		ck_assert_msg(*field_of(a, &constraints[i]) == *field_of(b, &constraints[i]),
			      "%s: %d is not %d", constraints[i].name,
			      *field_of(a, &constraints[i]), *field_of(b, &constraints[i]));
	ck_assert_int_eq(a->has_low_frequency, b->has_low_frequency);
	ck_assert_int_eq(a->vehicle_role, b->vehicle_role);
	ck_assert_uint_eq(a->exterior_lights, b->exterior_lights);
	ck_assert_uint_eq(a->path_count, b->path_count);
	for (unsigned int i = 0; i < a->path_count; i++) {
		ck_assert_int_eq(a->path[i].delta_latitude, b->path[i].delta_latitude);
		ck_assert_int_eq(a->path[i].delta_longitude, b->path[i].delta_longitude);
		ck_assert_int_eq(a->path[i].delta_altitude_cm, b->path[i].delta_altitude_cm);
		ck_assert_int_eq(a->path[i].has_delta_time, b->path[i].has_delta_time);
		ck_assert_int_eq(a->path[i].delta_time_10ms, b->path[i].delta_time_10ms);
	}
}

START_TEST(init__is_a_valid_cam)
{
	uint8_t data[CPC_CAM_SIZE_MAX];
	struct cpc_cam cam;
	size_t size;

	cpc_cam_init(&cam);
	ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), 0);
	ck_assert_uint_eq(size, 41); /* 322 bits, counted by hand in cpc_cam_size_bits() */
	ck_assert_uint_eq(data[0], 2);
	ck_assert_uint_eq(data[1], 2);
}
END_TEST

START_TEST(encode__random_cams_round_trip)
{
	for (unsigned int round = 0; round < 5000; round++) {
		uint8_t data[CPC_CAM_SIZE_MAX];
		struct cpc_cam cam, back;
		size_t size, used;

		randomize(&cam);
		ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), 0);
		ck_assert_uint_eq(size, (cpc_cam_size_bits(&cam) + 7) / 8);
		/* What follows in the buffer is not read as part of it. */
		memset(data + size, (int)any(), sizeof(data) - size);
		ck_assert_int_eq(cpc_cam_decode(data, sizeof(data), &back, &used), 0);
		ck_assert_uint_eq(used, size);
		assert_same(&cam, &back);
	}
}
END_TEST

START_TEST(encode__each_field_is_held_to_its_constraint)
{
	for (unsigned int i = 0; i < CONSTRAINTS; i++) {
		uint8_t data[CPC_CAM_SIZE_MAX];
		struct cpc_cam cam;
		size_t size;

		cpc_cam_init(&cam);
		cam.optional = CPC_CAM_OPTIONAL_ALL;
		*field_of(&cam, &constraints[i]) = constraints[i].max + 1;
		ck_assert_msg(cpc_cam_encode(&cam, data, sizeof(data), &size) == -ERANGE,
			      "%s above", constraints[i].name);
		*field_of(&cam, &constraints[i]) = constraints[i].min - 1;
		ck_assert_msg(cpc_cam_encode(&cam, data, sizeof(data), &size) == -ERANGE,
			      "%s below", constraints[i].name);
	}
}
END_TEST

START_TEST(encode__small_buffer_is_an_error)
{
	struct cpc_cam cam;
	uint8_t data[41];
	size_t size;

	cpc_cam_init(&cam);
	for (size_t room = 0; room < sizeof(data); room++)
		ck_assert_int_eq(cpc_cam_encode(&cam, data, room, &size), -ENOSPC);
	ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), 0);
	cam.has_special_vehicle = true;
	ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), -EINVAL);
}
END_TEST

START_TEST(decode__truncated_anywhere_is_an_error)
{
	for (unsigned int round = 0; round < 50; round++) {
		uint8_t data[CPC_CAM_SIZE_MAX];
		struct cpc_cam cam, back;
		size_t size, used;

		randomize(&cam);
		ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), 0);
		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1);

			memcpy(copy, data, cut);
			ck_assert_int_eq(cpc_cam_decode(copy, cut, &back, &used), -ENODATA);
			free(copy);
		}
	}
}
END_TEST

static const struct {
	unsigned int bit; /* turned over in a minimal CAM with all of its optional bits clear */
	int wanted;
	const char *what;
} turned[] = {
	{ 7, -EBADMSG, "protocol version 3" },
	{ 15, -EBADMSG, "message id 3" },
	{ 64, 0, "extension additions behind all else" },
	{ 66, 0, "a special vehicle container behind all else" },
	{ 67, -EOPNOTSUPP, "extended basic container" },
	{ 199, -EOPNOTSUPP, "extended choice of the high frequency container" },
	{ 200, -EOPNOTSUPP, "a road side unit" },
	{ 207, -EOPNOTSUPP, "a tolling zone" },
	{ 299, -EOPNOTSUPP, "extended calculation mode" },
};

START_TEST(decode__foreign_forms)
{
	uint8_t data[CPC_CAM_SIZE_MAX];
	struct cpc_cam cam, back;
	size_t size, used;

	cpc_cam_init(&cam);
	ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), 0);
	data[turned[_i].bit / 8] ^= 0x80 >> turned[_i].bit % 8;
	ck_assert_msg(cpc_cam_decode(data, size, &back, &used) == turned[_i].wanted, "%s",
		      turned[_i].what);
}
END_TEST

/* A bit flip gives an error or another valid CAM: encoding that again gives the flipped octets. */
START_TEST(decode__is_one_to_one)
{
	unsigned int accepted = 0;

	for (unsigned int round = 0; round < 5000; round++) {
		uint8_t data[CPC_CAM_SIZE_MAX], again[CPC_CAM_SIZE_MAX];
		struct cpc_cam cam;
		size_t size, used, size_again;
		unsigned int bit, bits;

		randomize(&cam);
		ck_assert_int_eq(cpc_cam_encode(&cam, data, sizeof(data), &size), 0);
		bit = (unsigned int)(any() % cpc_cam_size_bits(&cam));
		data[bit / 8] ^= 0x80 >> bit % 8;
		if (cpc_cam_decode(data, size, &cam, &used) < 0 || cam.has_special_vehicle ||
		    bit == 64)
			continue;
		accepted++;
		ck_assert_int_eq(cpc_cam_encode(&cam, again, sizeof(again), &size_again), 0);
		ck_assert_uint_eq(size_again, used);
		bits = cpc_cam_size_bits(&cam); /* what pads the last octet is not read */
		ck_assert_uint_eq((bits + 7) / 8, used);
		ck_assert_mem_eq(again, data, bits / 8);
	}
	ck_assert_uint_gt(accepted, 500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cam");
	TCase *tests = tcase_create("cam");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, init__is_a_valid_cam);
	tcase_add_test(tests, encode__random_cams_round_trip);
	tcase_add_test(tests, encode__each_field_is_held_to_its_constraint);
	tcase_add_test(tests, encode__small_buffer_is_an_error);
	tcase_add_test(tests, decode__truncated_anywhere_is_an_error);
	tcase_add_loop_test(tests, decode__foreign_forms, 0, sizeof(turned) / sizeof(*turned));
	tcase_add_test(tests, decode__is_one_to_one);
	tcase_set_timeout(tests, 60);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
