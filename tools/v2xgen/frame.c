// SPDX-License-Identifier: BSD-3-Clause
/* A V2X stack's frames out of a vehicle's motion; see frame.h. Pure. */
#include "tools/v2xgen/frame.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/v2xgen/big_endian.h"

enum {
	TRAILING_OCTET = 0xa5,
	LIFETIME_1S = 1 << 2 | 1,  /* 9.6.4: one times base 1, a second: above the CAM period */
	TRAFFIC_CLASS_CAM = 2,	   /* TS 103 175: DCC profile DP2 */
	LENGTH_DM = 45,		   /* an ordinary passenger car */
	WIDTH_DM = 18,
	PATH_BITS = 52,		   /* a path point without and with its time */
	PATH_TIME_BITS = 17,
	PATH_SPACING_M = 8,
	PATH_JUMP_M = 500,	   /* farther than this from the last place: not the same path */
	WSM_CORE_SIZE = 19,
};

static const double metres_per_degree = 6378137.0 * M_PI / 180;

static int32_t to_field(double value, double scale, int32_t min, int32_t max, int32_t unavailable)
{
	double scaled = round(value * scale);

	if (!isfinite(scaled))
		return unavailable;
	return (int32_t)fmin(fmax(scaled, min), max);
}

static int32_t degrees_to_field(double degrees, int32_t max)
{
	return to_field(degrees, 1e7, -max, max, max + 1);
}

/* 0.1 degree, 0..3599. */
static int32_t heading_to_field(double degrees)
{
	int32_t tenths = to_field(fmod(degrees, 360), 10, -3600, 3600, CPC_CAM_HEADING_UNAVAILABLE);

	return tenths == CPC_CAM_HEADING_UNAVAILABLE ? tenths : (tenths + 3600) % 3600;
}

/*
 * Find fields that bring the CAM to exactly @config->size: path points first, whose bits come in
 * steps of 52 and 17, and optional fields of the high frequency container for what is left.
 */
static int choose_cam_shape(struct cpc_v2x_sender *sender, struct cpc_error *error)
{
	const size_t overhead = CPC_V2X_ETHERNET_SIZE + CPC_GEONET_HEADER_SIZE + CPC_BTP_B_SIZE;
	struct cpc_cam cam;
	size_t smallest, largest;

	cpc_cam_init(&cam);
	cam.has_low_frequency = true;
	smallest = overhead + (cpc_cam_size_bits(&cam) + 7) / 8;
	cam.optional = CPC_CAM_OPTIONAL_ALL;
	largest = overhead + (cpc_cam_size_bits(&cam) +
			      CPC_CAM_PATH_MAX * (PATH_BITS + PATH_TIME_BITS) + 7) / 8;

	for (uint32_t optional = 0; optional <= CPC_CAM_OPTIONAL_ALL; optional++) {
		const unsigned int counts = CPC_CAM_PATH_MAX + 1;

		cam.optional = optional;
		for (unsigned int i = 0; i < counts * counts; i++) {
			unsigned int count = i / counts, timed = i % counts;
			size_t bits = cpc_cam_size_bits(&cam) + count * PATH_BITS +
				      timed * PATH_TIME_BITS;

			if (timed > count || overhead + (bits + 7) / 8 != sender->config.size)
				continue;
			sender->optional = optional;
			sender->path_count = count;
			sender->path_timed = timed;
			return 0;
		}
	}
	cpc_error_set(error, "frame size %zu: a CAM's frame has %zu to %zu bytes",
		      sender->config.size, smallest, largest);
	return -EINVAL;
}

/* Octets of a frame around a WSM of @core octets. */
static size_t wsm_frame_size(size_t core)
{
	size_t wrapped = core + (core < 0x80 ? 3 : core < 0x100 ? 4 : 5);

	return CPC_V2X_ETHERNET_SIZE + 3 + (wrapped < 0x80 ? 1 : 2) + wrapped;
}

static int check_wsm_size(const struct cpc_v2x_sender *sender, struct cpc_error *error)
{
	size_t core = WSM_CORE_SIZE;

	while (wsm_frame_size(core) < sender->config.size)
		core++;
	if (wsm_frame_size(core) == sender->config.size && sender->config.size <= CPC_V2X_FRAME_MAX)
		return 0;
	cpc_error_set(error, "frame size %zu: a WSM's frame has %zu to %d bytes, nearest %zu",
		      sender->config.size, wsm_frame_size(WSM_CORE_SIZE), CPC_V2X_FRAME_MAX,
		      wsm_frame_size(core));
	return -EINVAL;
}

int cpc_v2x_sender_init(struct cpc_v2x_sender *sender, const struct cpc_v2x_config *config,
			struct cpc_error *error)
{
	*sender = (struct cpc_v2x_sender){ .config = *config };
	if (config->trailing > CPC_V2X_TRAILING_MAX) {
		cpc_error_set(error, "trailing bytes %zu: at most %d", config->trailing,
			      CPC_V2X_TRAILING_MAX);
		return -EINVAL;
	}
	if (config->size > CPC_V2X_FRAME_MAX) {
		cpc_error_set(error, "frame size %zu: at most %d", config->size, CPC_V2X_FRAME_MAX);
		return -EINVAL;
	}
	if (config->size == 0)
		return 0;
	return config->carrier == CPC_V2X_CAM ? choose_cam_shape(sender, error) :
						check_wsm_size(sender, error);
}

/* Metres north and east from @from to @to; a plane is near enough for a path history. */
static void offset_m(const struct cpc_v2x_passed *from, const struct cpc_v2x_motion *to,
		     double *ret_north, double *ret_east)
{
	*ret_north = (to->latitude_deg - from->latitude_deg) * metres_per_degree;
	*ret_east = (to->longitude_deg - from->longitude_deg) * metres_per_degree *
		    cos(to->latitude_deg * M_PI / 180);
}

/* A path that led straight here at the present speed, for a vehicle without a past. */
static void invent_path(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion)
{
	double speed = fmax(isfinite(motion->speed_m_s) ? fabs(motion->speed_m_s) : 0, 1);
	struct cpc_v2x_motion back = *motion;

	for (unsigned int i = 0; i < CPC_CAM_PATH_MAX; i++) {
		uint64_t step_ms = (uint64_t)(PATH_SPACING_M / speed * 1000);

		/* One step of PATH_SPACING_M backwards in space, and its time backwards too. */
		cpc_v2x_motion_advance(&back, back.unix_ms + 1000, -PATH_SPACING_M,
				       back.heading_deg);
		back.unix_ms = motion->unix_ms - (i + 1) * step_ms;
		sender->passed[i] = (struct cpc_v2x_passed){ back.latitude_deg, back.longitude_deg,
							     back.unix_ms };
	}
}

static void remember(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion)
{
	double north, east, distance;

	offset_m(&sender->passed[0], motion, &north, &east);
	distance = hypot(north, east);
	if (!sender->started || !(distance <= PATH_JUMP_M)) {
		invent_path(sender, motion);
	} else if (distance >= PATH_SPACING_M) {
		memmove(sender->passed + 1, sender->passed,
			sizeof(sender->passed) - sizeof(*sender->passed));
		sender->passed[0] = (struct cpc_v2x_passed){
			motion->latitude_deg, motion->longitude_deg, motion->unix_ms
		};
	}
	sender->started = true;
}

static void fill_path(const struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
		      struct cpc_cam *cam)
{
	struct cpc_v2x_passed from = { motion->latitude_deg, motion->longitude_deg,
				       motion->unix_ms };
	const int32_t limit = CPC_CAM_DELTA_POSITION_UNAVAILABLE - 1;

	cam->path_count = sender->path_count;
	for (unsigned int i = 0; i < sender->path_count; i++) {
		const struct cpc_v2x_passed *to = &sender->passed[i];
		double elapsed_ms = (double)(from.unix_ms - to->unix_ms);

		cam->path[i] = (struct cpc_cam_path_point){
			.delta_latitude = to_field(to->latitude_deg - from.latitude_deg, 1e7,
						   -limit, limit, limit + 1),
			.delta_longitude = to_field(to->longitude_deg - from.longitude_deg, 1e7,
						    -limit, limit, limit + 1),
			.delta_altitude_cm = CPC_CAM_DELTA_ALTITUDE_UNAVAILABLE,
			.has_delta_time = i < sender->path_timed,
			.delta_time_10ms = to_field(elapsed_ms, 0.1, 1, 65535, 65535),
		};
		from = *to;
	}
}

static void fill_dynamics(const struct cpc_v2x_motion *motion, struct cpc_cam *cam)
{
	double speed = fabs(motion->speed_m_s);
	/* 1/R = yaw rate / speed, in radians; at a crawl the quotient is noise. */
	double curvature = speed >= 1 ? motion->yaw_rate_deg_s * M_PI / 180 / speed : NAN;

	cam->heading = heading_to_field(motion->heading_deg);
	cam->speed_cm_s = to_field(speed, 100, 0, CPC_CAM_SPEED_UNAVAILABLE - 1,
				   CPC_CAM_SPEED_UNAVAILABLE);
	if (isfinite(motion->speed_m_s))
		cam->drive_direction = motion->speed_m_s < 0;
	cam->length_dm = LENGTH_DM;
	cam->length_confidence = 0; /* no trailer */
	cam->width_dm = WIDTH_DM;
	cam->longitudinal_dm_s2 = to_field(motion->acceleration_m_s2, 10, -160, 160,
					   CPC_CAM_ACCELERATION_UNAVAILABLE);
	cam->curvature = to_field(curvature, 10000, -1022, 1022, CPC_CAM_CURVATURE_UNAVAILABLE);
	if (cam->curvature != CPC_CAM_CURVATURE_UNAVAILABLE)
		cam->curvature_mode = 0; /* yaw rate used */
	cam->yaw_rate = to_field(motion->yaw_rate_deg_s, 100, -32766, 32766,
				 CPC_CAM_YAW_RATE_UNAVAILABLE);
}

/*
 * The low frequency container goes with the first CAM and again every 500 ms (EN 302 637-2 6.1.3);
 * a configured frame size asks for it in each.
 */
static void fill_cam(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
		     struct cpc_cam *cam)
{
	bool first = !sender->started;

	remember(sender, motion);
	cpc_cam_init(cam);
	cam->station_id = sender->config.station_id;
	cam->generation_delta_time_ms = (int32_t)(cpc_its_time_ms(motion->unix_ms) & 0xffff);
	cam->station_type = CPC_CAM_STATION_PASSENGER_CAR;
	cam->latitude = degrees_to_field(motion->latitude_deg, 900000000);
	cam->longitude = degrees_to_field(motion->longitude_deg, 1800000000);
	fill_dynamics(motion, cam);

	cam->optional = sender->optional;
	cam->lane_position = 1; /* outermost driving lane */
	if (first || sender->config.size != 0 ||
	    motion->unix_ms - sender->low_frequency_ms >= CPC_CAM_LOW_FREQUENCY_MS) {
		cam->has_low_frequency = true;
		sender->low_frequency_ms = motion->unix_ms;
		fill_path(sender, motion, cam);
	}
}

static void fill_geonet(const struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
			const struct cpc_cam *cam, struct cpc_geonet *geonet)
{
	*geonet = (struct cpc_geonet){
		.lifetime = LIFETIME_1S,
		.next_header = CPC_GEONET_NEXT_BTP_B,
		.traffic_class = TRAFFIC_CLASS_CAM,
		.mobile = true,
		.source = {
			.station_type = CPC_CAM_STATION_PASSENGER_CAR,
			.timestamp_ms = (uint32_t)cpc_its_time_ms(motion->unix_ms),
			.latitude = cam->latitude,
			.longitude = cam->longitude,
			/* The position vector has no "unavailable" for the speed. */
			.speed_cm_s = (int16_t)to_field(motion->speed_m_s, 100,
							CPC_GEONET_SPEED_MIN,
							CPC_GEONET_SPEED_MAX, 0),
			.heading = (uint16_t)cam->heading,
		},
	};
	memcpy(geonet->source.mac, sender->config.mac, sizeof(geonet->source.mac));
}

static int cam_packet(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
		      uint8_t *data, size_t size, size_t *ret_size)
{
	uint8_t payload[CPC_BTP_B_SIZE + CPC_CAM_SIZE_MAX];
	struct cpc_geonet geonet;
	struct cpc_cam cam;
	size_t cam_size;
	int r;

	fill_cam(sender, motion, &cam);
	cpc_btp_b_encode(CPC_CAM_BTP_PORT, 0, payload);
	r = cpc_cam_encode(&cam, payload + CPC_BTP_B_SIZE, CPC_CAM_SIZE_MAX, &cam_size);
	if (r < 0)
		return r;
	fill_geonet(sender, motion, &cam, &geonet);
	return cpc_geonet_encode(&geonet, payload, CPC_BTP_B_SIZE + cam_size, data, size, ret_size);
}

/*
 * The WSM stands in for a basic safety message: the first fields of SAE J2735 BSMcoreData, in their
 * units but in whole octets, then zeros up to the size. To the protocols below it is opaque.
 */
static int wsm_packet(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
		      uint8_t *data, size_t size, size_t *ret_size)
{
	uint8_t core[CPC_V2X_FRAME_MAX] = { 0 }, wrapped[CPC_V2X_FRAME_MAX];
	struct cpc_writer writer = cpc_writer_init(core, sizeof(core));
	size_t core_size = WSM_CORE_SIZE, wrapped_size;
	int r;

	cpc_write_be(&writer, sender->message_count, 1);
	cpc_write_be(&writer, sender->config.station_id, 4); /* temporary id */
	cpc_write_be(&writer, motion->unix_ms % 60000, 2);   /* DSecond, ms */
	cpc_write_be(&writer, (uint32_t)degrees_to_field(motion->latitude_deg, 900000000), 4);
	cpc_write_be(&writer, (uint32_t)degrees_to_field(motion->longitude_deg, 1800000000), 4);
	cpc_write_be(&writer, (uint32_t)to_field(fabs(motion->speed_m_s), 50, 0, 8190, 8191), 2);
	cpc_write_be(&writer, (uint32_t)to_field(motion->heading_deg, 80, 0, 28799, 28800), 2);
	assert(writer.used == WSM_CORE_SIZE && !writer.failed);
	sender->message_count = (sender->message_count + 1) & 0x7f;

	while (wsm_frame_size(core_size) < sender->config.size)
		core_size++;
	r = cpc_ieee1609_2_wrap(core, core_size, wrapped, sizeof(wrapped), &wrapped_size);
	if (r < 0)
		return r;
	return cpc_wsmp_encode(CPC_WSMP_PSID_BSM, wrapped, wrapped_size, data, size, ret_size);
}

int cpc_v2x_sender_frame(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
			 uint8_t *data, size_t size, size_t *ret_size)
{
	bool is_cam = sender->config.carrier == CPC_V2X_CAM;
	struct cpc_writer writer = cpc_writer_init(data, size);
	size_t packet_size, used;
	int r;

	cpc_write_be(&writer, 0xffffffffffff, 6);
	cpc_write_bytes(&writer, sender->config.mac, sizeof(sender->config.mac));
	cpc_write_be(&writer, is_cam ? CPC_GEONET_ETHERTYPE : CPC_WSMP_ETHERTYPE, 2);
	if (writer.failed)
		return -ENOSPC;
	r = (is_cam ? cam_packet : wsm_packet)(sender, motion, data + writer.used,
					       size - writer.used, &packet_size);
	if (r < 0)
		return r;
	used = writer.used + packet_size;
	if (sender->config.trailing > size - used)
		return -ENOSPC;
	memset(data + used, TRAILING_OCTET, sender->config.trailing);
	*ret_size = used + sender->config.trailing;
	return 0;
}

void cpc_v2x_motion_advance(struct cpc_v2x_motion *motion, uint64_t unix_ms, double speed_m_s,
			    double heading_deg)
{
	double distance = speed_m_s * (double)(int64_t)(unix_ms - motion->unix_ms) / 1000;
	double heading = heading_deg * M_PI / 180;
	double parallel = cos(motion->latitude_deg * M_PI / 180);

	motion->unix_ms = unix_ms;
	if (!isfinite(distance))
		return;
	motion->latitude_deg += distance * cos(heading) / metres_per_degree;
	motion->latitude_deg = fmin(fmax(motion->latitude_deg, -90), 90);
	/* At a pole every longitude is the same place. */
	if (parallel > 1e-6)
		motion->longitude_deg += distance * sin(heading) / metres_per_degree / parallel;
	motion->longitude_deg = remainder(motion->longitude_deg, 360);
}

static int decode_geonet(const uint8_t *data, size_t size, struct cpc_v2x_received *received,
			 size_t *ret_size)
{
	size_t payload_size, cam_size;
	const uint8_t *payload;
	uint16_t port_info;
	int r;

	r = cpc_geonet_decode(data, size, &received->geonet, &payload, &payload_size, ret_size);
	if (r < 0)
		return r;
	if (received->geonet.next_header != CPC_GEONET_NEXT_BTP_B)
		return -EPROTONOSUPPORT;
	r = cpc_btp_b_decode(payload, payload_size, &received->port, &port_info);
	if (r < 0)
		return r;
	if (received->port != CPC_CAM_BTP_PORT)
		return -EPROTONOSUPPORT;
	r = cpc_cam_decode(payload + CPC_BTP_B_SIZE, payload_size - CPC_BTP_B_SIZE,
			   &received->cam, &cam_size);
	received->station_id = received->cam.station_id;
	return r;
}

static int decode_wsmp(const uint8_t *data, size_t size, struct cpc_v2x_received *received,
		       size_t *ret_size)
{
	struct cpc_reader reader;
	uint8_t length;
	int r;

	r = cpc_wsmp_decode(data, size, &received->psid, &received->payload,
			    &received->payload_size, ret_size);
	if (r < 0)
		return r;
	/* The 1609.2 wrapper (version, choice, length in one or more octets), the message count. */
	reader = cpc_reader_init(received->payload, received->payload_size);
	cpc_read_bytes(&reader, 2);
	length = (uint8_t)cpc_read_be(&reader, 1);
	cpc_read_bytes(&reader, length & 0x80 ? length & 0x7f : 0);
	cpc_read_bytes(&reader, 1);
	received->station_id = (uint32_t)cpc_read_be(&reader, 4);
	return 0;
}

/* FNV-1a, 64 bits: tells whether two frames are the same, no more. */
static uint64_t fnv1a(const uint8_t *data, size_t size)
{
	uint64_t digest = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		digest = (digest ^ data[i]) * 0x100000001b3;
	return digest;
}

int cpc_v2x_frame_decode(const uint8_t *data, size_t size, struct cpc_v2x_received *ret_received)
{
	struct cpc_reader reader = cpc_reader_init(data, size);
	struct cpc_v2x_received received = { .bytes = size };
	size_t packet_size;
	uint16_t ethertype;
	int r;

	cpc_read_bytes(&reader, 6);
	cpc_read_copy(&reader, received.source, sizeof(received.source));
	ethertype = (uint16_t)cpc_read_be(&reader, 2);
	if (reader.failed)
		return -ENODATA;
	if (ethertype == CPC_GEONET_ETHERTYPE) {
		received.carrier = CPC_V2X_CAM;
		r = decode_geonet(reader.at, reader.left, &received, &packet_size);
	} else if (ethertype == CPC_WSMP_ETHERTYPE) {
		received.carrier = CPC_V2X_WSMP;
		r = decode_wsmp(reader.at, reader.left, &received, &packet_size);
	} else {
		r = -EPROTONOSUPPORT;
	}
	if (r < 0)
		return r;
	received.protocol_bytes = CPC_V2X_ETHERNET_SIZE + packet_size;
	assert(received.protocol_bytes <= size);
	received.trailing_bytes = size - received.protocol_bytes;
	received.digest = fnv1a(data, received.protocol_bytes);
	*ret_received = received;
	return 0;
}

const char *cpc_v2x_decode_error(int error)
{
	switch (error) {
	case -ENODATA:
		return "truncated";
	case -EBADMSG:
		return "malformed";
	case -EOPNOTSUPP:
		return "unsupported";
	case -EPROTONOSUPPORT:
		return "not-a-cam";
	default:
		return "other";
	}
}
