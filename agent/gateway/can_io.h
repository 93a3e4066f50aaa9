/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_CAN_IO_H
#define CPC_AGENT_GATEWAY_CAN_IO_H

/* A SocketCAN raw socket: frames from an interface, with the kernel's receive time. */
#include <stddef.h>
#include <stdint.h>

#include "agent/gateway/can.h"
#include "agent/util/error.h"

struct cpc_can_receipt {
	struct cpc_can_frame frame;
	uint64_t unix_us; /* when the kernel received it; 0 if it did not say */
};

/*
 * Open a non-blocking socket on the named interface, CAN FD included. `receive_buffer` is in bytes,
 * 0 for the system's default; what the system does not allow is silently less. -ENODEV: no such
 * interface; -EINVAL: not a CAN interface, or a name that none can have; -ENETDOWN: it is
 * down; else what the system says. `error` names the interface and what to do.
 */
int cpc_can_open(const char *interface, int receive_buffer, int *ret_fd, struct cpc_error *error);

enum { CPC_CAN_BATCH = 64 };

/*
 * Receive up to CPC_CAN_BATCH frames without waiting. Returns how many, 0 if there are none;
 * -ENETDOWN or -ENODEV when the interface went away, or another error of recvmmsg(). `*dropped` is
 * set to the kernel's count of frames lost for want of buffer space, since opening.
 */
int cpc_can_receive(int fd, struct cpc_can_receipt *receipts, uint32_t *dropped);

/* Send one frame. -EAGAIN or -ENOBUFS: the queue is full, try again later. */
int cpc_can_send(int fd, const struct cpc_can_frame *frame);

#endif
