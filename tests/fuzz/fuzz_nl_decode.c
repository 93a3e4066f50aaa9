// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_nl_decode.c - attributes from the module: the first byte says as what the rest is read. */
#include <stdlib.h>

#include "agent/link/nl_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A second message may be the rest of the first. */
static void assemble(const uint8_t *attrs, size_t size)
{
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(1 << 20);
	struct cpc_assembler assembler;
	int i;

	cpc_assembler_init(&assembler);
	for (i = 0; i < 2; i++)
		if (cpc_assembler_add(&assembler, attrs, size) > 0 &&
		    cpc_decision_encode(&assembler.decision, &out) < 0)
			abort();
	cpc_assembler_done(&assembler);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_link_event event;
	struct cpc_link_conditions conditions;
	struct cpc_link_policies policies;
	struct cpc_link_cell cell;
	uint8_t *attrs, command, lane;
	uint32_t seq;

	if (size < 1 || size > 65536)
		return 0;
	command = data[0];
	/* libnl reads numbers in place: aligned, as they come from the socket */
	attrs = malloc(size);
	if (!attrs)
		return 0;
	memcpy(attrs, data + 1, size - 1);
	if (cpc_nl_decode_cell(attrs, size - 1, &cell) == 0 && cell.self >= cell.n)
		abort();
	cpc_nl_decode_event(command, attrs, size - 1, &event);
	cpc_nl_decode_submitted(attrs, size - 1, &lane, &seq);
	if (cpc_nl_decode_policies(attrs, size - 1, &policies) == 0 && policies.kind[0].given)
		abort();
	if (cpc_nl_decode_conditions(attrs, size - 1, &conditions) == 0 &&
	    conditions.open.yes & conditions.open.no)
		abort();
	assemble(attrs, size - 1);
	free(attrs);
	return 0;
}
