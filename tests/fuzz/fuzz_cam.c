// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any octets into the CAM decoder: it stays in its input, and what it accepts it can say again: the
 * decoded CAM encodes to the octets that it came from (but for what the decoder does not read).
 */
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/cam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[CPC_CAM_SIZE_MAX];
	struct cpc_cam cam;
	size_t used, size_again;

	if (cpc_cam_decode(data, size, &cam, &used) < 0)
		return 0;
	if (used > size)
		abort();
	if (cam.has_special_vehicle || data[8] & 0x80) /* bit 64: extension additions, unread */
		return 0;
	if (cpc_cam_encode(&cam, again, sizeof(again), &size_again) < 0 || size_again != used ||
	    memcmp(again, data, cpc_cam_size_bits(&cam) / 8) != 0)
		abort();
	return 0;
}
