// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any octets as a received Ethernet frame, through GeoNetworking, BTP, CAM and WSMP as
 * `v2xgen recv` does: no decoder leaves its input, and octets behind the claimed end do not change
 * what is read.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct cpc_v2x_received *a, const struct cpc_v2x_received *b)
{
	return a->carrier == b->carrier && a->digest == b->digest &&
	       a->station_id == b->station_id && a->cam.latitude == b->cam.latitude &&
	       a->cam.speed_cm_s == b->cam.speed_cm_s && a->cam.path_count == b->cam.path_count &&
	       a->psid == b->psid && a->payload_size == b->payload_size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_v2x_received received, cut;
	uint8_t *copy;
	int r = cpc_v2x_frame_decode(data, size, &received);

	if (r < 0) {
		cpc_v2x_decode_error(r);
		return 0;
	}
	if (received.protocol_bytes + received.trailing_bytes != size)
		abort();
	copy = malloc(received.protocol_bytes);
	memcpy(copy, data, received.protocol_bytes);
	if (cpc_v2x_frame_decode(copy, received.protocol_bytes, &cut) != 0 ||
	    cut.protocol_bytes != received.protocol_bytes || cut.trailing_bytes != 0 ||
	    !same(&cut, &received))
		abort();
	free(copy);
	return 0;
}
