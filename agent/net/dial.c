// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/dial.h"

#define MS(ms) ((uint64_t)(ms) * 1000)

static int find(const struct cpc_dial *dial, const uint8_t address[16], uint16_t port)
{
	for (unsigned i = 0; i < dial->n; i++) {
		if (memcmp(dial->hints[i].address, address, 16) == 0 && dial->hints[i].port == port)
			return (int)i;
	}
	return -1;
}

/* An unproven hint to give up, or -1. */
static int victim(const struct cpc_dial *dial, uint64_t random)
{
	for (unsigned i = 0; i < dial->n; i++) {
		unsigned at = (unsigned)((random + i) % dial->n);

		if (!dial->hints[at].proven)
			return (int)at;
	}
	return -1;
}

void cpc_dial_heard(struct cpc_dial *dial, const uint8_t address[16], uint16_t port,
		    uint64_t now_us, uint64_t random)
{
	struct cpc_dial_hint hint = { .port = port };
	int at = find(dial, address, port);

	cpc_assert(dial->n <= CPC_NET_HINTS_MAX);
	/* It is in reach again, so a long pause makes no sense any more. */
	if (dial->after_us > now_us + MS(CPC_NET_BACKOFF_HEARD_MS))
		dial->after_us = now_us + MS(CPC_NET_BACKOFF_HEARD_MS);
	if (at >= 0)
		return;
	memcpy(hint.address, address, sizeof(hint.address));
	/* The newest first, for a peer that has moved; but not once the table is full, or a flood
	 * of hints would always put itself first. */
	if (dial->n < CPC_NET_HINTS_MAX) {
		dial->next = dial->n;
		dial->hints[dial->n++] = hint;
		return;
	}
	at = victim(dial, random);
	if (at >= 0)
		dial->hints[at] = hint;
}

static int proven(const struct cpc_dial *dial)
{
	for (unsigned i = 0; i < dial->n; i++) {
		if (dial->hints[i].proven)
			return (int)i;
	}
	return -1;
}

bool cpc_dial_next(struct cpc_dial *dial, uint64_t now_us, struct cpc_dial_hint *ret)
{
	int known = proven(dial);

	if (dial->n == 0 || now_us < dial->after_us)
		return false;
	/* Every other try goes where the peer once was, whatever is heard meanwhile. */
	if (known >= 0 && dial->failures % 2 == 0) {
		*ret = dial->hints[known];
		return true;
	}
	*ret = dial->hints[dial->next % dial->n];
	dial->next = (dial->next + 1) % dial->n;
	return true;
}

uint64_t cpc_dial_wake_us(const struct cpc_dial *dial)
{
	return dial->n ? dial->after_us : CPC_NEVER_US;
}

void cpc_dial_proved(struct cpc_dial *dial, const struct cpc_dial_hint *hint)
{
	int at = find(dial, hint->address, hint->port);

	/* One proven address: a peer that has moved leaves its old one to the hints. */
	for (unsigned i = 0; i < dial->n; i++)
		dial->hints[i].proven = (int)i == at;
}

void cpc_dial_disproved(struct cpc_dial *dial, const struct cpc_dial_hint *hint)
{
	int at = find(dial, hint->address, hint->port);

	if (at < 0)
		return;
	dial->hints[at] = dial->hints[--dial->n];
	dial->next = 0;
}

void cpc_dial_failed(struct cpc_dial *dial, uint64_t now_us, uint64_t up_us, bool slow,
		     uint64_t random)
{
	uint64_t pause = MS(CPC_NET_BACKOFF_MIN_MS);

	/* A session that held for a while shows that the way is good. */
	if (up_us >= MS(CPC_NET_BACKOFF_MAX_MS))
		dial->failures = 0;
	for (unsigned i = 0; i < dial->failures && pause < MS(CPC_NET_BACKOFF_MAX_MS); i++)
		pause *= 2;
	if (slow || pause > MS(CPC_NET_BACKOFF_MAX_MS))
		pause = MS(CPC_NET_BACKOFF_MAX_MS);
	dial->failures++;
	/* Between half and all of it, so that nodes do not try in step. */
	dial->after_us = now_us + pause / 2 + random % (pause / 2);
}

bool cpc_dial_keeps(const struct cpc_dial_crossing *crossing)
{
	return crossing->lower && crossing->ours && crossing->established &&
	       (!crossing->up || crossing->older);
}

void cpc_dial_hurry(struct cpc_dial *dial)
{
	dial->after_us = 0;
	dial->failures = 0;
}
