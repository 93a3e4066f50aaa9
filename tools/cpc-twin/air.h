/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_AIR_H
#define CPC_TOOLS_TWIN_AIR_H

/*
 * air.h - a packet socket on the OCB interface: what the module's netfilter hooks are to it. Only
 * broadcasts of the carriers' and our own EtherTypes pass its filter, many are read at once.
 */
#include <net/if.h>

#include <cpchain/types.h>

#include "agent/util/error.h"

enum {
	CPC_AIR_FRAME_MAX = 2048,	/* longer ones are cut, and their element with them */
	CPC_AIR_BATCH = 32,		/* frames per system call */
	CPC_AIR_ETHERNET = 14,
};

struct cpc_air;

/* A frame behind its Ethernet header. */
typedef void cpc_air_frame_fn(void *ctx, const u8 *data, size_t len, bool standalone);

/* Errors name the interface; -ENODEV, -EPERM, ... */
int cpc_air_open(const char *interface, struct cpc_air **ret_air, struct cpc_error *error);
void cpc_air_close(struct cpc_air *air);

int cpc_air_fd(const struct cpc_air *air);
const u8 *cpc_air_mac(const struct cpc_air *air);

/* Bytes behind the Ethernet header that a frame of ours may have. */
size_t cpc_air_room(const struct cpc_air *air);

/* Reads one batch of what has arrived. Returns how many frames, or a negative errno. */
int cpc_air_read(struct cpc_air *air, cpc_air_frame_fn *frame, void *ctx);

/* Sends a whole Ethernet frame in the voice class. */
int cpc_air_send(struct cpc_air *air, const u8 *frame, size_t len);

/* An Ethernet header from us to everybody. */
void cpc_air_header(const struct cpc_air *air, u16 ethertype, u8 ret_header[CPC_AIR_ETHERNET]);

#endif
