/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_PCAPNG_H
#define CPC_AGENT_BPF_PCAPNG_H

/*
 * Writes capture files of the pcapng format (draft-ietf-opsawg-pcapng) with nanosecond stamps.
 * Pure: bytes into a buffer, in the machine's own byte order, which the format marks.
 *
 *	section header | interface description | packet | packet | ...
 *
 * Each block: type 4, total length 4, body padded to 4, options, total length 4 again.
 */
#include <stdint.h>

#include "agent/util/buffer.h"
#include "bpf/stamp.h"

/*
 * The section header and one interface; -EINVAL an interface name over 64 bytes, and the buffer's
 * errors. Nothing is appended on failure; so below.
 */
int cpc_pcapng_begin(struct cpc_buffer *out, const char *interface, uint32_t snap);

/*
 * One frame. @utc_offset_ns is added to the TAI stamp: pcapng counts from 1970 in UTC, so that its
 * times are those of other captures. A hardware stamp goes into a comment. -EINVAL @data_len is not
 * stamp->captured.
 */
int cpc_pcapng_packet(struct cpc_buffer *out, const struct cpc_stamp *stamp, const uint8_t *data,
		      uint32_t data_len, int64_t utc_offset_ns);

#endif
