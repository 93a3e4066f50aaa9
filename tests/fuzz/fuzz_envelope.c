// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_envelope.c - an entry's data from anybody: what is read can be written back the same. */
#include <stdlib.h>
#include <string.h>

#include "agent/log/envelope.h"
#include "agent/log/proposal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 again[CPC_ENTRY_DATA_MAX], bytes[CPC_PROPOSAL_BYTES];
	struct cpc_envelope envelope;
	struct cpc_proposal proposal;

	if (cpc_proposal_decode(data, size, &proposal) == 0) {
		cpc_proposal_encode(&proposal, bytes);
		/* but for what is reserved */
		if (memcmp(bytes, data, 13))
			abort();
	}
	if (size > CPC_ENTRY_DATA_MAX || cpc_envelope_decode(data, size, &envelope) < 0)
		return 0;
	if (cpc_envelope_encode(&envelope, again, sizeof(again)) != (int)size ||
	    memcmp(again, data, size))
		abort();
	return 0;
}
