/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * relay.h - the newest element of each member, as it came, to be sent again (core/relay.c).
 */
#ifndef CPC_KMOD_RELAY_H
#define CPC_KMOD_RELAY_H

#include <linux/types.h>
#include <cpchain/limits.h>

/* One element with its tags and footer. */
struct cpc_kept {
	u32 counter;
	u16 len;			/* 0: none */
	u8 data[CPC_ELEMENT_MAX];
};

/* Under the cell's lock. */
struct cpc_relay {
	unsigned int n;
	struct cpc_kept *kept;		/* n of them, of the own element too */
};

/* Returns 0 or -ENOMEM. */
int cpc_relay_init(struct cpc_relay *relay, unsigned int n);
void cpc_relay_done(struct cpc_relay *relay);
size_t cpc_relay_size(const struct cpc_relay *relay);

void cpc_relay_keep(struct cpc_relay *relay, unsigned int member, u32 counter, const u8 *data,
		    size_t len);

/* Is it, byte for byte, the one we keep? Then it is as authentic as that one. */
bool cpc_relay_is(const struct cpc_relay *relay, unsigned int member, const u8 *data, size_t len);

/* The element of that counter, or NULL. */
const struct cpc_kept *cpc_relay_find(const struct cpc_relay *relay, unsigned int member,
				      u32 counter);

#endif
