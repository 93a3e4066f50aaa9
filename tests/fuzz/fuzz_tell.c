// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_tell.c - what another agent tells ours: what is understood has one encoding, its own. */
#include <stdlib.h>
#include <string.h>

#include "agent/node/tell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bounds that everybody behind the decoder relies on. */
static void check(const struct cpc_tell *t)
{
	size_t i;

	if (!t->cell || t->count > CPC_TELL_ASK_MAX || t->view.n > CPC_MEMBERS_MAX)
		abort();
	if (t->type == CPC_TELL_VIEW && (t->view.n < CPC_MEMBERS_FEW || !t->view.epoch))
		abort();
	for (i = 0; t->text[i]; i++)
		if (i == CPC_TELL_TEXT_MAX || t->text[i] < ' ' || t->text[i] > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u8 again[CPC_TELL_BYTES_MAX];
	struct cpc_tell tell;

	if (cpc_tell_decode(data, size, &tell) < 0)
		return 0;
	check(&tell);
	if (cpc_tell_encode(&tell, again) != size || memcmp(again, data, size))
		abort();
	return 0;
}
