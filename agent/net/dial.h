/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_DIAL_H
#define CPC_AGENT_NET_DIAL_H

/*
 * dial - where one peer may be, and when to try. Pure; randomness comes in as an argument.
 *
 * A peer may have moved, or say so without being there, so a few hints are kept: an address at
 * which it has proved itself is never pushed out by an unproven one, and one where somebody else's
 * key answers goes at once. Tries go round the addresses, with growing pauses between them.
 */
#include <cpchain/port.h>

#include "agent/net/net.h"

struct cpc_dial_hint {
	uint8_t address[16];	/* IPv6, link-local */
	uint16_t port;		/* host order */
	bool proven;		/* the peer's key has answered here */
};

struct cpc_dial {
	struct cpc_dial_hint hints[CPC_NET_HINTS_MAX];
	unsigned n, next;
	unsigned failures;	/* in a row */
	uint64_t after_us;	/* not before */
};

/* The peer says that it is at this address. */
void cpc_dial_heard(struct cpc_dial *dial, const uint8_t address[16], uint16_t port,
		    uint64_t now_us, uint64_t random);

/* Whether to try now, and where. */
bool cpc_dial_next(struct cpc_dial *dial, uint64_t now_us, struct cpc_dial_hint *ret);

/* When cpc_dial_next() will say yes; CPC_NEVER_US while there is no address. */
uint64_t cpc_dial_wake_us(const struct cpc_dial *dial);

/* The peer's key answered here. */
void cpc_dial_proved(struct cpc_dial *dial, const struct cpc_dial_hint *hint);

/* Somebody else's key answered here. */
void cpc_dial_disproved(struct cpc_dial *dial, const struct cpc_dial_hint *hint);

/*
 * A try failed, or a session ended after `up_us` (0: it never came up). `slow`: what is wrong
 * will not be right soon, so there is no hurry.
 */
void cpc_dial_failed(struct cpc_dial *dial, uint64_t now_us, uint64_t up_us, bool slow,
		     uint64_t random);

/* What an end knows when a connection of the peer's is authenticated while it has another one. */
struct cpc_dial_crossing {
	bool lower;		/* our node id is the lower one of the pair */
	bool ours;		/* we dialled the one that we have ... */
	bool established;	/* ... TLS is done on it, at our end at least ... */
	bool up;		/* ... their HELLO has come, and the session is up, ... */
	bool older;		/* ... but only after the peer had dialled the new one */
};

/* Whether the one that we have is kept, and the new one dropped; net.h says why. */
bool cpc_dial_keeps(const struct cpc_dial_crossing *crossing);

/* Circumstances changed: try at once. */
void cpc_dial_hurry(struct cpc_dial *dial);

#endif
