/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_CANDUMP_H
#define CPC_AGENT_GATEWAY_CANDUMP_H

/*
 * The log format of can-utils' `candump -l`, one frame a line:
 *
 *	(1700000000.001000) can0 1DA#C532184E0059096B       11-bit id, up to 8 bytes
 *	(1700000000.001000) can0 18FEF1FE#0102 R            29-bit id; R or T: the direction
 *	(1700000000.002000) can0 123##1112233               CAN FD: flags nibble, then data
 *	(1700000000.003000) can0 123#R4                     remote frame
 *	(1700000000.004000) can0 20000080#0000000000000000  error frame
 *
 * and, because people keep that instead, what `candump -ta` shows on screen:
 *
 *	 (1700000000.001000)  can0  1DA   [8]  C5 32 18 4E 00 59 09 6B
 */
#include <stddef.h>
#include <stdint.h>

#include "agent/gateway/can.h"
#include "agent/util/error.h"

struct cpc_candump_line {
	uint64_t time_us; /* as in the log, usually since 1970 */
	char interface[16];
	struct cpc_can_frame frame;
};

/*
 * Parse one line, with or without its line end. Returns 1 for a frame, 0 for an empty line or a
 * comment (#), -EINVAL with what is wrong and where; the caller adds the line number.
 */
int cpc_candump_parse(const char *text, size_t size, struct cpc_candump_line *ret_line,
		      struct cpc_error *error);

/* One line with its line end, as candump writes it. -ENOSPC if it does not fit. */
int cpc_candump_format(const struct cpc_candump_line *line, char *buffer, size_t size);

#endif
