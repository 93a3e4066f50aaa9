// SPDX-License-Identifier: BSD-3-Clause
/*
 * What anybody in radio range can put into a datagram of agent/net: what decodes must encode to the
 * same bytes, in a size that others accept, and be signed over within the bound.
 */
#include "agent/net/announce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t address[16] = { 0xfe, 0x80 };
	uint8_t again[CPC_ANNOUNCE_MAX], text[CPC_ANNOUNCE_SIGNED_MAX];
	struct cpc_announce announce;
	size_t len;

	if (cpc_announce_decode(data, size, &announce) < 0)
		return 0;
	cpc_assert(announce.cell && announce.port && announce.n <= CPC_NET_MISSING_MAX);
	len = cpc_announce_encode(&announce, again);
	cpc_assert(len == size && memcmp(again, data, size) == 0);
	/* All but the signature and its length is covered. */
	len = cpc_announce_signed(&announce, address, text);
	cpc_assert(len == 16 + size - 1 - announce.signature_len + 16);
	for (unsigned i = 0; i < announce.n; i++)
		cpc_assert(cpc_announce_misses(&announce, announce.missing[i]));
	return 0;
}
