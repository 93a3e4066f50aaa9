/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cooperative awareness message: ETSI EN 302 637-2 V1.4.1, with the data elements (DE) and data
 * frames (DF) of ETSI TS 102 894-2 V1.3.1, both in UPER.
 *
 *   CAM = ItsPduHeader, generationDeltaTime, basicContainer, highFrequencyContainer,
 *         [lowFrequencyContainer], [specialVehicleContainer]
 *
 * The fields of struct cpc_cam hold the integers of the standard, in its units. Each has a limit
 * that is the ASN.1 constraint; many have a value that says *unavailable*, named below.
 */
#ifndef TOOLS_V2XGEN_CAM_H
#define TOOLS_V2XGEN_CAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CPC_CAM_PROTOCOL_VERSION = 2,	/* EN 302 637-2 V1.4.1 Annex B, header */
	CPC_CAM_MESSAGE_ID = 2,		/* DF_ItsPduHeader: cam(2) */
	CPC_CAM_BTP_PORT = 2001,	/* TS 103 248 */
	CPC_CAM_PATH_MAX = 40,		/* DF_PathHistory: SIZE(0..40) */
	CPC_CAM_SIZE_MAX = 512,		/* octets; above the largest one that we encode */
	CPC_CAM_LOW_FREQUENCY_MS = 500, /* EN 302 637-2 6.1.3 */
};

/* DE values that mean "unavailable" (TS 102 894-2 Annex A). */
enum {
	CPC_CAM_LATITUDE_UNAVAILABLE = 900000001,
	CPC_CAM_LONGITUDE_UNAVAILABLE = 1800000001,
	CPC_CAM_ALTITUDE_UNAVAILABLE = 800001,
	CPC_CAM_ALTITUDE_CONFIDENCE_UNAVAILABLE = 15,
	CPC_CAM_SEMI_AXIS_UNAVAILABLE = 4095,
	CPC_CAM_HEADING_UNAVAILABLE = 3601,
	CPC_CAM_HEADING_CONFIDENCE_UNAVAILABLE = 127,
	CPC_CAM_SPEED_UNAVAILABLE = 16383,
	CPC_CAM_SPEED_CONFIDENCE_UNAVAILABLE = 127,
	CPC_CAM_DRIVE_DIRECTION_UNAVAILABLE = 2,
	CPC_CAM_LENGTH_UNAVAILABLE = 1023,
	CPC_CAM_LENGTH_CONFIDENCE_UNAVAILABLE = 4,
	CPC_CAM_WIDTH_UNAVAILABLE = 62,
	CPC_CAM_ACCELERATION_UNAVAILABLE = 161,
	CPC_CAM_ACCELERATION_CONFIDENCE_UNAVAILABLE = 102,
	CPC_CAM_CURVATURE_UNAVAILABLE = 1023,
	CPC_CAM_CURVATURE_CONFIDENCE_UNAVAILABLE = 7,
	CPC_CAM_CURVATURE_MODE_UNAVAILABLE = 2,
	CPC_CAM_YAW_RATE_UNAVAILABLE = 32767,
	CPC_CAM_YAW_RATE_CONFIDENCE_UNAVAILABLE = 8,
	CPC_CAM_STEERING_UNAVAILABLE = 512,
	CPC_CAM_STEERING_CONFIDENCE_UNAVAILABLE = 127,
	CPC_CAM_DELTA_POSITION_UNAVAILABLE = 131072,
	CPC_CAM_DELTA_ALTITUDE_UNAVAILABLE = 12800,
};

enum cpc_cam_station_type { /* DE_StationType, those used here */
	CPC_CAM_STATION_UNKNOWN = 0,
	CPC_CAM_STATION_PASSENGER_CAR = 5,
	CPC_CAM_STATION_ROAD_SIDE_UNIT = 15,
};

/* Bits of struct cpc_cam.optional: OPTIONAL fields of the high frequency container, in order. */
enum {
	CPC_CAM_ACCELERATION_CONTROL = 1 << 0,
	CPC_CAM_LANE_POSITION = 1 << 1,
	CPC_CAM_STEERING = 1 << 2,
	CPC_CAM_LATERAL = 1 << 3,
	CPC_CAM_VERTICAL = 1 << 4,
	CPC_CAM_PERFORMANCE_CLASS = 1 << 5,
	CPC_CAM_OPTIONAL_ALL = (1 << 6) - 1,
};

/*
 * DF_PathPoint. The first point is relative to the reference position, each further one to the
 * point before it (DF_PathHistory).
 */
struct cpc_cam_path_point {
	int32_t delta_latitude;	    /* 1e-7 degree, -131071..131072 */
	int32_t delta_longitude;
	int32_t delta_altitude_cm;  /* -12700..12800 */
	bool has_delta_time;
	int32_t delta_time_10ms;    /* 1..65535, into the past */
};

struct cpc_cam {
	/* DF_ItsPduHeader and EN 302 637-2 Annex A, CoopAwareness */
	uint32_t station_id;
	int32_t generation_delta_time_ms;     /* TimestampIts mod 65536 */

	/* BasicContainer */
	int32_t station_type;		      /* 0..255 */
	int32_t latitude;		      /* 1e-7 degree, north positive */
	int32_t longitude;		      /* 1e-7 degree, east positive */
	int32_t semi_major_cm;		      /* 95 % confidence ellipse, 0..4095 */
	int32_t semi_minor_cm;
	int32_t semi_major_heading;	      /* 0.1 degree from north, 0..3601 */
	int32_t altitude_cm;		      /* -100000..800001 */
	int32_t altitude_confidence;	      /* enumerated, 0..15 */

	/* BasicVehicleContainerHighFrequency */
	int32_t heading;		      /* 0.1 degree from north, 0..3601 */
	int32_t heading_confidence;	      /* 0.1 degree, 1..127 */
	int32_t speed_cm_s;		      /* 0..16383 */
	int32_t speed_confidence_cm_s;	      /* 1..127 */
	int32_t drive_direction;	      /* 0 forward, 1 backward, 2 unavailable */
	int32_t length_dm;		      /* 1..1023 */
	int32_t length_confidence;	      /* trailer presence, 0..4 */
	int32_t width_dm;		      /* 1..62 */
	int32_t longitudinal_dm_s2;	      /* 0.1 m/s^2, -160..161 */
	int32_t longitudinal_confidence;      /* 0.1 m/s^2, 0..102 */
	int32_t curvature;		      /* 1/10000 per metre, left positive, -1023..1023 */
	int32_t curvature_confidence;	      /* enumerated, 0..7 */
	int32_t curvature_mode;		      /* 0 yaw rate used, 1 not used, 2 unavailable */
	int32_t yaw_rate;		      /* 0.01 degree/s, left positive, -32766..32767 */
	int32_t yaw_rate_confidence;	      /* enumerated, 0..8 */

	/* its OPTIONAL fields, valid where the bit in @optional is set */
	uint32_t optional;		      /* CPC_CAM_* bits */
	uint32_t acceleration_control;	      /* 7 bits, brake pedal first */
	int32_t lane_position;		      /* -1..14 */
	int32_t steering;		      /* 1.5 degree, left positive, -511..512 */
	int32_t steering_confidence;	      /* 1.5 degree, 1..127 */
	int32_t lateral_dm_s2;		      /* left positive, -160..161 */
	int32_t lateral_confidence;
	int32_t vertical_dm_s2;		      /* up positive, -160..161 */
	int32_t vertical_confidence;
	int32_t performance_class;	      /* 0..7 */

	/* BasicVehicleContainerLowFrequency */
	bool has_low_frequency;
	int32_t vehicle_role;		      /* enumerated, 0..15 */
	uint32_t exterior_lights;	      /* 8 bits, low beam first */
	unsigned int path_count;	      /* 0..40 */
	struct cpc_cam_path_point path[CPC_CAM_PATH_MAX];

	/* Decoder only: a special vehicle container follows, which is not decoded. */
	bool has_special_vehicle;
};

/* Every field "unavailable" or absent; the station an unknown one at an unknown place. */
void cpc_cam_init(struct cpc_cam *cam);

/*
 * Encode @cam into @data. Errors: -ENOSPC, -ERANGE a field outside its constraint, -EINVAL a
 * special vehicle container was asked for.
 */
int cpc_cam_encode(const struct cpc_cam *cam, uint8_t *data, size_t size, size_t *ret_size);

/*
 * Decode the CAM at the start of @data; @ret_size is its length in octets, what follows is ignored.
 * Errors: -ENODATA truncated, -EBADMSG not version 2, not a CAM, or a value outside its constraint,
 * -EOPNOTSUPP a road side unit's or an extended container, or a tolling zone.
 */
int cpc_cam_decode(const uint8_t *data, size_t size, struct cpc_cam *ret_cam, size_t *ret_size);

/* The length in bits that @cam will take: a sum over its fields, whatever their values. */
unsigned int cpc_cam_size_bits(const struct cpc_cam *cam);

#endif
