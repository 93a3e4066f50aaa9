/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stamp.h - what stamp.bpf.c and the agent both know: maps, settings, the ring buffer's records.
 * Everything is in host byte order and of fixed size.
 */
#ifndef CPC_BPF_STAMP_H
#define CPC_BPF_STAMP_H

#include <linux/types.h>

#include "bpf/filter.h"

#define CPC_STAMP_WINDOW_NS 100000000 /* of channel load */

enum cpc_stamp_limits {
	CPC_STAMP_RING_BYTES = 1 << 20,	/* about 4,000 CAMs; further ones are counted as lost */
	CPC_STAMP_SNAP_MAX = 2048,	/* octets of a frame that a record may hold */
	CPC_STAMP_WINDOWS = 64,		/* of channel load: 6.4 s */
	CPC_STAMP_BUCKETS = 32,		/* bucket k: 2^(k-1) <= us < 2^k; bucket 0: 0 us */
	CPC_STAMP_DIRECTIONS = 2,
};

enum cpc_stamp_direction {
	CPC_STAMP_RX,
	CPC_STAMP_TX,
};

/* A record in the ring buffer, the frame's first @captured octets behind it. */
struct cpc_stamp {
	__u64 tai_ns;		/* TAI since 1970, corrected; when the frame passed TC */
	__u64 hardware_ns;	/* the driver's stamp; 0: it has none */
	__u32 ifindex;
	__u32 length;		/* octets of the frame */
	__u32 captured;
	__u8 direction;		/* enum cpc_stamp_direction */
	__u8 class;		/* enum cpc_frame_class */
	__u8 pad[2];
};

/* Map "control", one element, which the agent may change at any time. */
struct cpc_stamp_control {
	__u32 capture;		/* process id of whoever reads the ring buffer; 0: nobody */
	__u32 snap;		/* octets of each frame to copy, at most CPC_STAMP_SNAP_MAX */
	__s64 tai_correction_ns; /* added to the kernel's TAI, which is UTC until NTP comes */
};

/* Set before load. IEEE 802.11-2020 17.3 with half-clocked (10 MHz) times. */
struct cpc_stamp_config {
	__u32 preamble_ns;	/* training and SIGNAL */
	__u32 symbol_ns;
	__u32 bits_per_symbol;	/* data bits: 48 at 6 Mbit/s on 10 MHz */
	__u32 service_bits;	/* SERVICE 16 and tail 6 */
	__s32 overhead;		/* octets on the air beyond the Ethernet frame's: QoS MAC header 26,
				 * FCS 4, LLC/SNAP 8, less Ethernet's 14 */
};

/* Map "traffic", index: direction * __CPC_CLASS_MAX + class. */
struct cpc_stamp_traffic {
	__u64 frames;
	__u64 bytes;
	__u64 air_ns;
	__u64 hardware;		/* frames with a hardware stamp */
	__u64 lost;		/* not recorded: the ring buffer was full */
};

/* Map "latency", same index times 2, plus enum cpc_latency_kind. */
enum cpc_latency_kind {
	CPC_LATENCY_AGE,	/* since the source's position, by GeoNetworking's stamp */
	CPC_LATENCY_HOST,	/* since the hardware's stamp */
	__CPC_LATENCY_MAX,
};

struct cpc_stamp_latency {
	__u64 bucket[CPC_STAMP_BUCKETS];
	__u64 sum_us;
	__u64 ahead;		/* from the future: the clocks disagree */
	__u64 wild;		/* over ten minutes: one of the clocks is not set */
};

/* Map "busy", index: window % CPC_STAMP_WINDOWS. */
struct cpc_stamp_busy {
	__u64 window;		/* TAI / CPC_STAMP_WINDOW_NS; others are from an earlier round */
	__u64 air_ns;		/* air time of what we sent and heard */
	__u64 frames;
};

#endif
