// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any bytes as a DBC file, and, behind the first zero byte, as a frame of each of its messages.
 * A file that loads must decode any frame, map every signal and keep its invariants.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/overlay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_reading(void *context, const struct cpc_dbc_signal *signal,
			  const struct cpc_dbc_reading *reading)
{
	(void)context;
	assert(signal->usable);
	assert(isfinite(reading->value));
}

static void check(const struct cpc_dbc *dbc)
{
	for (uint32_t i = 0; i < dbc->signal_count; i++) {
		const struct cpc_dbc_signal *signal = &dbc->signals[i];

		assert(signal->message < dbc->message_count);
		if (!signal->usable)
			continue;
		assert(signal->bits >= 1 && signal->bits <= 64 && signal->end <= 64);
		assert(cpc_text_is_clean(signal->unit, strlen(signal->unit)));
		for (uint32_t j = 1; j < signal->label_count; j++)
			assert(dbc->labels[signal->first_label + j - 1].raw <
			       dbc->labels[signal->first_label + j].raw);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t text_size = zero ? (size_t)(zero - data) : size;
	size_t frame_size = size - text_size > 64 ? 64 : size - text_size;
	struct cpc_overlay *overlay = NULL;
	struct cpc_dbc *dbc = NULL;
	struct cpc_error error;
	uint8_t frame[64];

	error.text[0] = '\0';
	if (cpc_dbc_new((const char *)data, text_size, &dbc, &error) < 0) {
		assert(error.text[0]);
		return 0;
	}
	check(dbc);
	memcpy(frame, data + text_size, frame_size);
	for (uint32_t i = 0; i < dbc->message_count; i++)
		cpc_dbc_decode(dbc, dbc->messages[i].id, dbc->messages[i].extended, frame,
			       frame_size, check_reading, NULL);
	if (cpc_overlay_from_dbc(dbc, 1000, &overlay, &error) == 0)
		cpc_overlay_free(overlay);
	cpc_dbc_free(dbc);
	return 0;
}
