// SPDX-License-Identifier: BSD-3-Clause
/*
 * fuzz_decision.c - decisions from a peer: whatever decodes encodes to the same bytes, and is
 * judged without harm.
 */
#include <stdlib.h>

#include "agent/log/decision.h"
#include "agent/log/envelope.h"
#include "agent/log/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(struct cpc_log_tip *tip, const struct cpc_log_decision *decision)
{
	struct cpc_error error;
	struct cpc_log_tip at = *tip;
	struct cpc_envelope envelope;
	unsigned int i;

	at.slot = decision->slot - 1;	/* as if it were the next one */
	for (i = 0; i < decision->lanes; i++)
		if (decision->lane[i].lane < at.n)
			at.seq[decision->lane[i].lane] = decision->lane[i].from - 1;
	cpc_log_verify(&at, decision, tip, &error);
	for (i = 0; i < decision->lanes; i++)
		cpc_envelope_decode(decision->lane[i].entry[0].body,
				    decision->lane[i].entry[0].len, &envelope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CPC_BUFFER struct cpc_buffer back = cpc_buffer_init(1 << 20);
	struct cpc_reader reader = cpc_reader_init(data, size);
	static const struct cpc_hash members;
	struct cpc_log_decision decision;
	struct cpc_log_tip tip;
	const u8 *start = data;

	cpc_log_tip_init(&tip, 7, &members);
	while (cpc_decision_decode(&reader, &decision) > 0) {
		size_t len = (size_t)(reader.at - start);

		cpc_buffer_truncate(&back, 0);
		if (cpc_decision_encode(&decision, &back) < 0 || back.len != len ||
		    memcmp(back.data, start, len) != 0)
			abort();
		start = reader.at;
		judge(&tip, &decision);
	}
	return 0;
}
