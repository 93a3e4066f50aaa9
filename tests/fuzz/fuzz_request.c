// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_request.c - a line from a client of the control socket. */
#include <stdlib.h>

#include "agent/api/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_api_request request;
	struct cpc_error error = { "" };

	if (cpc_api_request_parse((const char *)data, size, &request, &error) < 0) {
		if (!error.text[0])
			abort();
		return 0;
	}
	if (request.op == CPC_API_SUBMIT &&
	    (request.payload_len == 0 || request.payload_len > CPC_PAYLOAD_MAX || request.kind > 2))
		abort();
	return 0;
}
