/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_CAN_H
#define CPC_AGENT_GATEWAY_CAN_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/gateway/limits.h"

/* One frame of a CAN bus, wherever it came from: an interface or a log. */
struct cpc_can_frame {
	uint32_t id;   /* 11 or 29 bits, without flags */
	bool extended; /* a 29-bit id */
	bool remote;   /* asks for data and has none */
	bool fd;       /* CAN FD: up to 64 bytes */
	bool error;    /* made by the controller, not by a vehicle; never decoded */
	uint8_t flags; /* CAN FD: CANFD_BRS and CANFD_ESI */
	uint8_t size;  /* bytes of data; of a remote frame, the size asked for */
	uint8_t data[CPC_CAN_DATA_MAX];
};

#endif
