// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_request.c - a line from a client of the control socket. */
#include <stdlib.h>
#include <string.h>

#include "agent/api/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names that are names and each there once, and as many as such a change takes. */
static void check_change(const struct cpc_api_change *change)
{
	bool split = change->what == CPC_CHANGE_SPLIT;
	unsigned int i, k;

	if (change->members > CPC_MEMBERS_MAX || (split && change->members < CPC_MEMBERS_FEW) ||
	    (!split && change->members != (change->what == CPC_CHANGE_REMOVE)) ||
	    !change->to == (split || change->what == CPC_CHANGE_MERGE))
		abort();
	for (i = 0; i < change->members; i++) {
		if (!change->member[i][0] || strlen(change->member[i]) > CPC_CONFIG_NAME_MAX)
			abort();
		for (k = 0; k < i; k++)
			if (strcmp(change->member[i], change->member[k]) == 0)
				abort();
	}
}

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
	if (request.op == CPC_API_CHANGE)
		check_change(&request.change);
	return 0;
}
