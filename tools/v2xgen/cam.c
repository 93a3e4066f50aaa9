// SPDX-License-Identifier: BSD-3-Clause
/*
 * The CAM, described once for both directions (see uper.h). Each function is one ASN.1 type of
 * EN 302 637-2 V1.4.1 Annex A or TS 102 894-2 V1.3.1 Annex A, its fields in the order of the
 * standard, their limits the constraints there. Pure.
 */
#include "tools/v2xgen/cam.h"

#include <assert.h>
#include <errno.h>

#include "tools/v2xgen/uper.h"

void cpc_cam_init(struct cpc_cam *cam)
{
	*cam = (struct cpc_cam){
		.station_type = CPC_CAM_STATION_UNKNOWN,
		.latitude = CPC_CAM_LATITUDE_UNAVAILABLE,
		.longitude = CPC_CAM_LONGITUDE_UNAVAILABLE,
		.semi_major_cm = CPC_CAM_SEMI_AXIS_UNAVAILABLE,
		.semi_minor_cm = CPC_CAM_SEMI_AXIS_UNAVAILABLE,
		.semi_major_heading = CPC_CAM_HEADING_UNAVAILABLE,
		.altitude_cm = CPC_CAM_ALTITUDE_UNAVAILABLE,
		.altitude_confidence = CPC_CAM_ALTITUDE_CONFIDENCE_UNAVAILABLE,
		.heading = CPC_CAM_HEADING_UNAVAILABLE,
		.heading_confidence = CPC_CAM_HEADING_CONFIDENCE_UNAVAILABLE,
		.speed_cm_s = CPC_CAM_SPEED_UNAVAILABLE,
		.speed_confidence_cm_s = CPC_CAM_SPEED_CONFIDENCE_UNAVAILABLE,
		.drive_direction = CPC_CAM_DRIVE_DIRECTION_UNAVAILABLE,
		.length_dm = CPC_CAM_LENGTH_UNAVAILABLE,
		.length_confidence = CPC_CAM_LENGTH_CONFIDENCE_UNAVAILABLE,
		.width_dm = CPC_CAM_WIDTH_UNAVAILABLE,
		.longitudinal_dm_s2 = CPC_CAM_ACCELERATION_UNAVAILABLE,
		.longitudinal_confidence = CPC_CAM_ACCELERATION_CONFIDENCE_UNAVAILABLE,
		.curvature = CPC_CAM_CURVATURE_UNAVAILABLE,
		.curvature_confidence = CPC_CAM_CURVATURE_CONFIDENCE_UNAVAILABLE,
		.curvature_mode = CPC_CAM_CURVATURE_MODE_UNAVAILABLE,
		.yaw_rate = CPC_CAM_YAW_RATE_UNAVAILABLE,
		.yaw_rate_confidence = CPC_CAM_YAW_RATE_CONFIDENCE_UNAVAILABLE,
		.steering = CPC_CAM_STEERING_UNAVAILABLE,
		.steering_confidence = CPC_CAM_STEERING_CONFIDENCE_UNAVAILABLE,
		.lateral_dm_s2 = CPC_CAM_ACCELERATION_UNAVAILABLE,
		.lateral_confidence = CPC_CAM_ACCELERATION_CONFIDENCE_UNAVAILABLE,
		.vertical_dm_s2 = CPC_CAM_ACCELERATION_UNAVAILABLE,
		.vertical_confidence = CPC_CAM_ACCELERATION_CONFIDENCE_UNAVAILABLE,
	};
}

/* DF_ItsPduHeader. Only protocol version 2 has the layout that follows. */
static void its_pdu_header(struct cpc_uper *uper, struct cpc_cam *cam)
{
	int32_t version = CPC_CAM_PROTOCOL_VERSION;
	int32_t message = CPC_CAM_MESSAGE_ID;

	cpc_uper_int32(uper, &version, 0, 255);
	cpc_uper_int32(uper, &message, 0, 255);
	cpc_uper_uint32(uper, &cam->station_id, 0, UINT32_MAX);
	if (version != CPC_CAM_PROTOCOL_VERSION || message != CPC_CAM_MESSAGE_ID)
		cpc_uper_fail(uper, -EBADMSG);
}

/* DF_ReferencePosition, with DF_PosConfidenceEllipse and DF_Altitude. */
static void reference_position(struct cpc_uper *uper, struct cpc_cam *cam)
{
	cpc_uper_int32(uper, &cam->latitude, -900000000, CPC_CAM_LATITUDE_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->longitude, -1800000000, CPC_CAM_LONGITUDE_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->semi_major_cm, 0, CPC_CAM_SEMI_AXIS_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->semi_minor_cm, 0, CPC_CAM_SEMI_AXIS_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->semi_major_heading, 0, CPC_CAM_HEADING_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->altitude_cm, -100000, CPC_CAM_ALTITUDE_UNAVAILABLE);
	cpc_uper_enumerated(uper, &cam->altitude_confidence, 16, false);
}

static void basic_container(struct cpc_uper *uper, struct cpc_cam *cam)
{
	cpc_uper_no_extension(uper);
	cpc_uper_int32(uper, &cam->station_type, 0, 255);
	reference_position(uper, cam);
}

/* DF_LongitudinalAcceleration, DF_LateralAcceleration and DF_VerticalAcceleration alike. */
static void acceleration(struct cpc_uper *uper, int32_t *value, int32_t *confidence)
{
	cpc_uper_int32(uper, value, -160, CPC_CAM_ACCELERATION_UNAVAILABLE);
	cpc_uper_int32(uper, confidence, 0, CPC_CAM_ACCELERATION_CONFIDENCE_UNAVAILABLE);
}

/* The bitmap ahead of the high frequency container; its seventh bit is cenDsrcTollingZone. */
static void optional_bitmap(struct cpc_uper *uper, struct cpc_cam *cam)
{
	uint32_t optional = 0;
	bool tolling_zone = false;

	for (unsigned int i = 0; i < 6; i++) {
		bool present = cam->optional >> i & 1;

		cpc_uper_flag(uper, &present);
		optional |= (uint32_t)present << i;
	}
	cpc_uper_flag(uper, &tolling_zone);
	if (tolling_zone)
		cpc_uper_fail(uper, -EOPNOTSUPP);
	cam->optional = optional;
}

static void optional_fields(struct cpc_uper *uper, struct cpc_cam *cam)
{
	if (cam->optional & CPC_CAM_ACCELERATION_CONTROL)
		cpc_uper_bit_string(uper, &cam->acceleration_control, 7);
	if (cam->optional & CPC_CAM_LANE_POSITION)
		cpc_uper_int32(uper, &cam->lane_position, -1, 14);
	if (cam->optional & CPC_CAM_STEERING) {
		cpc_uper_int32(uper, &cam->steering, -511, CPC_CAM_STEERING_UNAVAILABLE);
		cpc_uper_int32(uper, &cam->steering_confidence, 1,
			       CPC_CAM_STEERING_CONFIDENCE_UNAVAILABLE);
	}
	if (cam->optional & CPC_CAM_LATERAL)
		acceleration(uper, &cam->lateral_dm_s2, &cam->lateral_confidence);
	if (cam->optional & CPC_CAM_VERTICAL)
		acceleration(uper, &cam->vertical_dm_s2, &cam->vertical_confidence);
	if (cam->optional & CPC_CAM_PERFORMANCE_CLASS)
		cpc_uper_int32(uper, &cam->performance_class, 0, 7);
}

static void basic_vehicle_high_frequency(struct cpc_uper *uper, struct cpc_cam *cam)
{
	optional_bitmap(uper, cam);
	cpc_uper_int32(uper, &cam->heading, 0, CPC_CAM_HEADING_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->heading_confidence, 1, CPC_CAM_HEADING_CONFIDENCE_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->speed_cm_s, 0, CPC_CAM_SPEED_UNAVAILABLE);
	cpc_uper_int32(uper, &cam->speed_confidence_cm_s, 1,
		       CPC_CAM_SPEED_CONFIDENCE_UNAVAILABLE);
	cpc_uper_enumerated(uper, &cam->drive_direction, 3, false);
	cpc_uper_int32(uper, &cam->length_dm, 1, CPC_CAM_LENGTH_UNAVAILABLE);
	cpc_uper_enumerated(uper, &cam->length_confidence, 5, false);
	cpc_uper_int32(uper, &cam->width_dm, 1, CPC_CAM_WIDTH_UNAVAILABLE);
	acceleration(uper, &cam->longitudinal_dm_s2, &cam->longitudinal_confidence);
	cpc_uper_int32(uper, &cam->curvature, -1023, CPC_CAM_CURVATURE_UNAVAILABLE);
	cpc_uper_enumerated(uper, &cam->curvature_confidence, 8, false);
	cpc_uper_enumerated(uper, &cam->curvature_mode, 3, true);
	cpc_uper_int32(uper, &cam->yaw_rate, -32766, CPC_CAM_YAW_RATE_UNAVAILABLE);
	cpc_uper_enumerated(uper, &cam->yaw_rate_confidence, 9, false);
	optional_fields(uper, cam);
}

/* HighFrequencyContainer: CHOICE of a vehicle (0) and a road side unit (1), extensible. */
static void high_frequency_container(struct cpc_uper *uper, struct cpc_cam *cam)
{
	int32_t choice = 0;

	cpc_uper_enumerated(uper, &choice, 2, true);
	if (choice != 0)
		cpc_uper_fail(uper, -EOPNOTSUPP);
	basic_vehicle_high_frequency(uper, cam);
}

/* DF_PathPoint with DF_DeltaReferencePosition and DE_PathDeltaTime, an extensible constraint. */
static void path_point(struct cpc_uper *uper, struct cpc_cam_path_point *point)
{
	cpc_uper_flag(uper, &point->has_delta_time);
	cpc_uper_int32(uper, &point->delta_latitude, -131071, CPC_CAM_DELTA_POSITION_UNAVAILABLE);
	cpc_uper_int32(uper, &point->delta_longitude, -131071, CPC_CAM_DELTA_POSITION_UNAVAILABLE);
	cpc_uper_int32(uper, &point->delta_altitude_cm, -12700, CPC_CAM_DELTA_ALTITUDE_UNAVAILABLE);
	if (!point->has_delta_time)
		return;
	cpc_uper_no_extension(uper);
	cpc_uper_int32(uper, &point->delta_time_10ms, 1, 65535);
}

/* LowFrequencyContainer: an extensible CHOICE of one, and BasicVehicleContainerLowFrequency. */
static void low_frequency_container(struct cpc_uper *uper, struct cpc_cam *cam)
{
	int32_t choice = 0;

	cpc_uper_enumerated(uper, &choice, 1, true);
	cpc_uper_enumerated(uper, &cam->vehicle_role, 16, false);
	cpc_uper_bit_string(uper, &cam->exterior_lights, 8);
	cpc_uper_count(uper, &cam->path_count, 0, CPC_CAM_PATH_MAX);
	assert(uper->error || cam->path_count <= CPC_CAM_PATH_MAX);
	for (unsigned int i = 0; i < cam->path_count && !uper->error; i++)
		path_point(uper, &cam->path[i]);
}

/*
 * CamParameters. Its extension additions would follow all else, so a decoder may leave them and
 * the special vehicle container, the last of the root, unread.
 */
static void cam_parameters(struct cpc_uper *uper, struct cpc_cam *cam)
{
	bool extended = false;

	cpc_uper_flag(uper, &extended);
	cpc_uper_flag(uper, &cam->has_low_frequency);
	cpc_uper_flag(uper, &cam->has_special_vehicle);
	basic_container(uper, cam);
	high_frequency_container(uper, cam);
	if (cam->has_low_frequency)
		low_frequency_container(uper, cam);
}

static void cam_walk(struct cpc_uper *uper, struct cpc_cam *cam)
{
	its_pdu_header(uper, cam);
	cpc_uper_int32(uper, &cam->generation_delta_time_ms, 0, 65535);
	cam_parameters(uper, cam);
}

int cpc_cam_encode(const struct cpc_cam *cam, uint8_t *data, size_t size, size_t *ret_size)
{
	struct cpc_cam copy = *cam; /* the walk takes a mutable one, for the decoder */
	struct cpc_uper uper;

	if (cam->has_special_vehicle || cam->optional & ~(uint32_t)CPC_CAM_OPTIONAL_ALL)
		return -EINVAL;
	cpc_uper_encoder_init(&uper, data, size);
	cam_walk(&uper, &copy);
	return cpc_uper_finish(&uper, ret_size);
}

int cpc_cam_decode(const uint8_t *data, size_t size, struct cpc_cam *ret_cam, size_t *ret_size)
{
	struct cpc_uper uper;
	struct cpc_cam cam;
	size_t used;
	int r;

	cpc_cam_init(&cam);
	cpc_uper_decoder_init(&uper, data, size);
	cam_walk(&uper, &cam);
	r = cpc_uper_finish(&uper, &used);
	if (r < 0)
		return r;
	assert(used <= size);
	*ret_cam = cam;
	*ret_size = used;
	return 0;
}

unsigned int cpc_cam_size_bits(const struct cpc_cam *cam)
{
	static const unsigned int optional_bits[] = { 7, 4, 10 + 7, 9 + 7, 9 + 7, 3 };
	unsigned int bits = 48 + 16 + 3; /* header, generationDeltaTime, CamParameters bits */

	bits += 1 + 8 + 31 + 32 + 12 + 12 + 12 + 20 + 4;				 /* basic */
	bits += 2 + 7 + 12 + 7 + 14 + 7 + 2 + 10 + 3 + 6 + 9 + 7 + 11 + 3 + 3 + 16 + 4; /* high */
	for (unsigned int i = 0; i < sizeof(optional_bits) / sizeof(*optional_bits); i++)
		if (cam->optional >> i & 1)
			bits += optional_bits[i];
	if (!cam->has_low_frequency)
		return bits;
	bits += 1 + 4 + 8 + 6;
	for (unsigned int i = 0; i < cam->path_count; i++)
		bits += 1 + 18 + 18 + 15 + (cam->path[i].has_delta_time ? 1 + 16 : 0);
	return bits;
}
