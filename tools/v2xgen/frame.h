/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a vehicle's motion to the Ethernet frame that its V2X stack broadcasts, and back.
 *
 *   ETSI stack   Ethernet 0x8947 | GeoNetworking SHB | BTP-B 2001 | CAM
 *   WAVE stack   Ethernet 0x88DC | WSMP, PSID 0x20   | IEEE 1609.2 unsecured | opaque octets
 *
 * Both go to the broadcast address. Pure: time comes in with the motion.
 */
#ifndef TOOLS_V2XGEN_FRAME_H
#define TOOLS_V2XGEN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/util/error.h"
#include "tools/v2xgen/cam.h"
#include "tools/v2xgen/geonet.h"
#include "tools/v2xgen/wsmp.h"

enum {
	CPC_V2X_ETHERNET_SIZE = 14,
	CPC_V2X_FRAME_MAX = 1514,
	CPC_V2X_TRAILING_MAX = 1024,
	CPC_V2X_RATE_MIN = 1,  /* Hz, T_GenCamMax 1 s and T_GenCamMin 100 ms: EN 302 637-2 6.1.3 */
	CPC_V2X_RATE_MAX = 10,
};

enum cpc_v2x_carrier {
	CPC_V2X_CAM,
	CPC_V2X_WSMP,
};

/* Where a vehicle is and how it moves. NAN: not known. */
struct cpc_v2x_motion {
	uint64_t unix_ms;
	double latitude_deg, longitude_deg;
	double speed_m_s;	   /* negative: backwards */
	double heading_deg;	   /* clockwise from north, 0..360 */
	double acceleration_m_s2;  /* along the heading */
	double yaw_rate_deg_s;	   /* counterclockwise: to the left */
};

struct cpc_v2x_config {
	enum cpc_v2x_carrier carrier;
	uint32_t station_id;
	uint8_t mac[6];
	size_t size;	 /* of the whole frame without trailing octets; 0: as small as it comes */
	size_t trailing; /* octets 0xa5 behind the protocol's end */
};

/* A place that the vehicle has passed, for the path history. */
struct cpc_v2x_passed {
	double latitude_deg, longitude_deg;
	uint64_t unix_ms;
};

struct cpc_v2x_sender {
	struct cpc_v2x_config config;

	/* The fields that bring a CAM to the configured size. */
	uint32_t optional;	   /* CPC_CAM_* bits */
	unsigned int path_count;
	unsigned int path_timed;   /* of these, with a delta time */

	bool started;
	uint64_t low_frequency_ms; /* when the last low frequency container was sent */
	uint8_t message_count;	   /* WSMP: 0..127 */
	struct cpc_v2x_passed passed[CPC_CAM_PATH_MAX]; /* newest first */
};

/* -EINVAL with a text: a size that no such frame has, too many trailing octets. */
int cpc_v2x_sender_init(struct cpc_v2x_sender *sender, const struct cpc_v2x_config *config,
			struct cpc_error *error);

/*
 * The next frame. Values that their field cannot hold become the field's limit or "unavailable"; a
 * clock that jumped shows in the times and nowhere else. Errors: -ENOSPC.
 */
int cpc_v2x_sender_frame(struct cpc_v2x_sender *sender, const struct cpc_v2x_motion *motion,
			 uint8_t *data, size_t size, size_t *ret_size);

/* Move @motion on to @unix_ms at a mean speed and heading (NAN speed: stay). */
void cpc_v2x_motion_advance(struct cpc_v2x_motion *motion, uint64_t unix_ms, double speed_m_s,
			    double heading_deg);

struct cpc_v2x_received {
	enum cpc_v2x_carrier carrier;
	uint8_t source[6];
	uint32_t station_id;	     /* of the CAM, or the WSM's temporary id; 0: none */
	size_t bytes;		     /* the whole frame */
	size_t protocol_bytes;	     /* Ethernet header and what the protocol claims */
	size_t trailing_bytes;	     /* the rest */
	uint64_t digest;	     /* FNV-1a over the protocol bytes */
	struct cpc_geonet geonet;    /* CAM */
	uint16_t port;
	struct cpc_cam cam;
	uint32_t psid;		     /* WSMP */
	const uint8_t *payload;	     /* WSMP: into the frame */
	size_t payload_size;
};

/*
 * Decode a received Ethernet frame as a V2X stack would: by the lengths that the protocols claim,
 * blind to trailing octets. Errors as of the decoders, and -EPROTONOSUPPORT for another ethertype
 * or a BTP port without CAMs.
 */
int cpc_v2x_frame_decode(const uint8_t *data, size_t size, struct cpc_v2x_received *ret_received);

/* A word for an error of cpc_v2x_frame_decode(). */
const char *cpc_v2x_decode_error(int error);

#endif
