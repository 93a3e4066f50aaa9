// SPDX-License-Identifier: BSD-3-Clause
/* Any bytes as a line of a CAN log; a frame that is read must come back from its own text. */
#include <assert.h>
#include <string.h>

#include "agent/gateway/candump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_candump_line line, again;
	char text[CPC_CANDUMP_LINE_MAX];
	struct cpc_error error = {""};
	int r = cpc_candump_parse((const char *)data, size, &line, &error);

	assert(r >= 0 || error.text[0]);
	if (r != 1)
		return 0;
	r = cpc_candump_format(&line, text, sizeof(text));
	assert(r > 0);
	r = cpc_candump_parse(text, (size_t)r, &again, &error);
	assert(r == 1);
	assert(memcmp(&line, &again, sizeof(line)) == 0);
	return 0;
}
