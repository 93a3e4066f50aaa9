// SPDX-License-Identifier: BSD-3-Clause
/*
 * Any bytes as an overlay on a fixed DBC; one that loads must map any frame to values within its
 * own limits, and what it maps must survive being packed and read.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/sampler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char dbc_text[] =
	"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (0.5,-40) [0|0] \"C\" X\n"
	" SG_ T : 8|16@1- (1,0) [0|0] \"\" X\n SG_ M M : 24|4@1+ (1,0) [0|0] \"\" X\n"
	" SG_ U m1 : 32|32@1- (1,0) [0|0] \"\" X\nBO_ 2 B: 8 X\n"
	" SG_ S : 0|64@1+ (1,0) [0|0] \"\" X\nVAL_ 1 T 0 \"off\" 1 \"on\" ;\n"
	"SIG_VALTYPE_ 1 U : 1;\n";

static void check_item(void *context, const struct cpc_record_item *item)
{
	char text[512];

	(void)context;
	cpc_record_format(item, text, sizeof(text));
	assert(strlen(text) < sizeof(text) - 1);
}

static void check_payload(void *context, const uint8_t *payload, size_t size)
{
	int r = cpc_record_decode(context, payload, size, check_item, NULL, NULL);

	assert(r >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cpc_sampler_config config = {1000, 1000, 256};
	static struct cpc_dbc *dbc;
	struct cpc_record_reader *reader = NULL;
	struct cpc_overlay *overlay = NULL;
	struct cpc_sampler *sampler = NULL;
	struct cpc_error error;

	if (!dbc && cpc_dbc_new(dbc_text, strlen(dbc_text), &dbc, NULL) < 0)
		abort();
	error.text[0] = '\0';
	if (cpc_overlay_new((const char *)data, size, dbc, &overlay, &error) < 0) {
		assert(error.text[0]);
		return 0;
	}
	if (cpc_sampler_new(overlay, &config, &sampler, NULL) < 0 ||
	    cpc_record_reader_new(&reader) < 0)
		abort();
	for (size_t i = 0; i + 8 <= size && i < 400; i += 8) {
		struct cpc_can_frame frame = {.id = 1 + (i / 8 & 1), .size = 8};

		memcpy(frame.data, data + i, 8);
		cpc_sampler_frame(sampler, &frame, i * 50);
	}
	cpc_sampler_flush(sampler, 20000, 1700000000000, check_payload, reader);
	cpc_record_reader_free(reader);
	cpc_sampler_free(sampler);
	cpc_overlay_free(overlay);
	return 0;
}
