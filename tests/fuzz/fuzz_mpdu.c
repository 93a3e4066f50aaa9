// SPDX-License-Identifier: BSD-3-Clause
/* fuzz_mpdu.c - an 802.11 frame: refused, or read within its bounds to a category that there is. */
#include <stdlib.h>

#include "tools/cpc-medium/mpdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cpc_mpdu mpdu;

	if (cpc_mpdu_parse(data, size, &mpdu) < 0)
		return 0;
	if (size < 24 || mpdu.ac >= CPC_ACS || mpdu.group != (data[4] & 1))
		abort();
	return 0;
}
