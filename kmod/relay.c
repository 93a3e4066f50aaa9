// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay.c - keeps elements for those who do not hear their authors. Knows bytes, and nothing else.
 *
 * Room for one element per member, all taken when the cell is made. Where all hear all nothing is
 * copied into it.
 */
#include "relay.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

int cpc_relay_init(struct cpc_relay *relay, unsigned int n)
{
	relay->kept = kvcalloc(n, sizeof(*relay->kept), GFP_KERNEL_ACCOUNT);
	if (!relay->kept)
		return -ENOMEM;
	relay->n = n;
	return 0;
}

void cpc_relay_done(struct cpc_relay *relay)
{
	kvfree(relay->kept);
}

size_t cpc_relay_size(const struct cpc_relay *relay)
{
	return relay->n * sizeof(*relay->kept);
}

void cpc_relay_keep(struct cpc_relay *relay, unsigned int member, u32 counter, const u8 *data,
		    size_t len)
{
	struct cpc_kept *kept = &relay->kept[member];

	if (WARN_ON_ONCE(member >= relay->n || len > sizeof(kept->data)))
		return;
	kept->counter = counter;
	kept->len = len;
	memcpy(kept->data, data, len);
}

bool cpc_relay_is(const struct cpc_relay *relay, unsigned int member, const u8 *data, size_t len)
{
	const struct cpc_kept *kept = &relay->kept[member];

	return member < relay->n && kept->len == len && !memcmp(kept->data, data, len);
}

const struct cpc_kept *cpc_relay_find(const struct cpc_relay *relay, unsigned int member,
				      u32 counter)
{
	const struct cpc_kept *kept = &relay->kept[member];

	return member < relay->n && kept->len && kept->counter == counter ? kept : NULL;
}
