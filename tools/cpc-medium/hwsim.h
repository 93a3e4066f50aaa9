/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_MEDIUM_HWSIM_H
#define CPC_TOOLS_MEDIUM_HWSIM_H

/*
 * mac80211_hwsim's netlink interface, as far as a medium needs it.
 *
 *    radio --transmits--> kernel --FRAME(transmitter, cookie)--> medium
 *    radio <--receives--- kernel <--FRAME(receiver, rssi)------- medium    one per receiver
 *    radio <--status----- kernel <--TX_INFO_FRAME(cookie)------- medium    one per frame
 *
 * Who sends REGISTER is the medium of all radios made in its network namespace, wherever they have
 * been moved since: a radio keeps the "netgroup" it was made in, and its frames go there. So the
 * medium runs where the module was loaded. The kernel keeps at most 100 frames of a radio that have
 * no TX_INFO_FRAME yet, and returns to its own perfect medium when the socket is closed, however
 * that comes about.
 *
 * The numbers are the kernel's (drivers/net/wireless/mac80211_hwsim.h; virtual/ from 6.4 on), which
 * no installed header has.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/util/error.h"
#include "tools/cpc-medium/mpdu.h"

enum cpc_hwsim_limits {
	CPC_HWSIM_FRAME_MAX = 2352,	/* IEEE80211_MAX_DATA_LEN: longer ones the kernel refuses */
	CPC_HWSIM_RATES_BYTES = 4 * 2,	/* IEEE80211_TX_MAX_RATES of struct hwsim_tx_rate */
};

/* A frame that a radio transmits. */
struct cpc_hwsim_frame {
	uint8_t transmitter[CPC_MAC_BYTES];	/* hwsim's name of the radio, not its address */
	uint32_t flags;
	uint32_t freq_mhz;
	uint64_t cookie;
	uint8_t rates[CPC_HWSIM_RATES_BYTES];
	const uint8_t *data;			/* from the frame control field on */
	size_t len;
};

typedef void (*cpc_hwsim_frame_fn)(void *ctx, const struct cpc_hwsim_frame *frame);

struct cpc_hwsim;

/* The number in hwsim's name of a radio, 42:00:00:NN:NN:00; -1 if it is none. */
int cpc_hwsim_radio(const uint8_t name[CPC_MAC_BYTES]);
void cpc_hwsim_name(unsigned int radio, uint8_t ret_name[CPC_MAC_BYTES]);

/*
 * Registers as the medium of this network namespace's radios. Returns 0, or a negative errno with a
 * text (no hwsim, another medium, no privilege).
 */
int cpc_hwsim_open(cpc_hwsim_frame_fn on_frame, void *ctx, struct cpc_hwsim **ret_hwsim,
		   struct cpc_error *error);
void cpc_hwsim_close(struct cpc_hwsim *hwsim);	/* NULL-safe */
int cpc_hwsim_fd(const struct cpc_hwsim *hwsim);

/* Reads what there is, some frames at most. Returns 0, or a negative errno when it is broken. */
int cpc_hwsim_read(struct cpc_hwsim *hwsim);

/*
 * Hands a frame to a radio, and tells the transmitter how it went. Both are gathered until
 * cpc_hwsim_flush() or the buffer's end.
 */
void cpc_hwsim_deliver(struct cpc_hwsim *hwsim, unsigned int radio,
		       const struct cpc_hwsim_frame *frame, unsigned int rate_mbit_s, int rssi_dbm);
void cpc_hwsim_status(struct cpc_hwsim *hwsim, const struct cpc_hwsim_frame *frame,
		      unsigned int attempts, bool acknowledged, int rssi_dbm);
void cpc_hwsim_flush(struct cpc_hwsim *hwsim);

/* Refused by the kernel (a radio that is down or elsewhere); frames lost for want of buffer. */
uint64_t cpc_hwsim_refused(const struct cpc_hwsim *hwsim);
uint64_t cpc_hwsim_overruns(const struct cpc_hwsim *hwsim);

#endif
