/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter.h - what filter.bpf.c and the agent's loader both know: maps, settings, reasons. Written
 * once. Everything is in host byte order and of fixed size.
 */
#ifndef CPC_BPF_FILTER_H
#define CPC_BPF_FILTER_H

#include <linux/types.h>

enum cpc_filter_limits {
	CPC_FILTER_SOURCES = 16384,	/* MAC addresses remembered; the least recent one goes */
	CPC_FILTER_REPLAYS = 4096,	/* elements remembered; the least recent one goes */
	CPC_FILTER_LISTED = 1024,	/* allowed or denied stations; more are refused */
	CPC_FILTER_CELLS = 16,		/* as many as the module has per namespace */
	CPC_FILTER_MEMBERS = 64,
	CPC_FILTER_ELEMENT_MAX = 1400,	/* bytes, as in cpchain/limits.h */
	CPC_FILTER_MEMBERS_MIN = 4,
};

/* What became of a frame or of the element in it; the index of a counter. */
enum cpc_filter_reason {
	CPC_F_OTHER,		/* not V2X: passed unseen */
	CPC_F_PASSED,
	CPC_F_UNJUDGED,		/* passed: a version, type or wrapping that we do not read */
	/* dropped, the frame itself */
	CPC_F_TRUNCATED,	/* shorter than it claims */
	CPC_F_MALFORMED,
	CPC_F_OVERSIZED,
	CPC_F_HOPS,		/* more hops left than its maximum: 10.3.5 of EN 302 636-4-1 */
	CPC_F_DENIED,		/* by the list */
	CPC_F_RATE_SOURCE,	/* its sender is over its rate */
	CPC_F_RATE_NEW,		/* newcomers together are over theirs */
	CPC_F_RATE_ALL,		/* everyone together is */
	/* the element: dropped with its own frame, cut off a carrier */
	CPC_F_EL_TRUNCATED,
	CPC_F_EL_OVERSIZED,
	CPC_F_EL_MALFORMED,
	CPC_F_EL_EPOCH,		/* of an epoch before the cell's */
	CPC_F_EL_SENDER,	/* no such member, or our own index */
	CPC_F_EL_STALE,		/* counter below one that the module has authenticated */
	CPC_F_EL_REPLAY,	/* this very element was here before */
	CPC_F_CUT,		/* carriers that passed without their element */
	__CPC_F_MAX,
};

enum cpc_frame_class {
	CPC_CLASS_CAM,
	CPC_CLASS_DENM,
	CPC_CLASS_BTP,		/* any other port */
	CPC_CLASS_GEONET,	/* beacons, location service, IPv6 */
	CPC_CLASS_SECURED,
	CPC_CLASS_WSMP,
	CPC_CLASS_ELEMENT,	/* a frame of our own */
	__CPC_CLASS_MAX,
};

struct cpc_filter_count {
	__u64 frames;
	__u64 bytes;
};

/*
 * A rate: one frame per interval, and a burst on top. 0: no limit. (A token bucket kept as the time
 * at which it would be full again, which is one number instead of two.)
 */
struct cpc_filter_rate {
	__u64 interval_ns;
	__u64 burst_ns;		/* (frames in the burst) * interval_ns */
};

/* Set before load; the verifier then drops the code of what is off. */
struct cpc_filter_config {
	struct cpc_filter_rate source;	/* one MAC address */
	struct cpc_filter_rate newcomers; /* all addresses that are not known yet, together */
	struct cpc_filter_rate all;	/* all known addresses together */
	__u64 window_ns;		/* how long a source behaves until it is known */
	__u32 frame_max;		/* octets with the Ethernet header */
	__u32 sdu_max;			/* octets of GeoNetworking payload */
};

/* Map "sources", key: MAC address in the upper 6 bytes (memory order) of a __u64, 0, 0. */
struct cpc_filter_source {
	__u64 full_ns;		/* when its bucket is full again */
	__u64 window_ns;	/* when the present window began */
	__u32 window_passed;
	__u32 window_dropped;
	__u32 known;		/* a well-behaved station, by the window before */
	__u32 frames;
	__u32 by_reason[__CPC_F_MAX];
	__u32 pad;
};

/* Map "listed": what the agent decided about a station. */
enum cpc_filter_list_kind {
	CPC_LIST_MAC = 1,	/* id: the address; pad 0 */
	CPC_LIST_STATION = 2,	/* id: ITS station id, 4 bytes in host order, 0, 0 */
};

struct cpc_filter_list_key {
	__u8 kind;
	__u8 pad;
	__u8 id[6];
};

enum cpc_filter_list_verdict {
	CPC_LIST_ALLOW = 1,	/* exempt from the shared rates, not from its own */
	CPC_LIST_DENY = 2,
};

/* Map "cells", key: __u32 cell id. From the module by way of the agent, hence authentic. */
struct cpc_filter_cell {
	__u16 epoch;
	__u8 n;
	__u8 self;
	__u32 floor[CPC_FILTER_MEMBERS]; /* a counter the module accepted of that member; 0: none */
};

/* Map "replays": an element by what only its author can know beforehand, its tag for us. */
struct cpc_filter_replay {
	__u16 cell;
	__u16 epoch;
	__u32 counter;
	__u64 tag;
	__u32 sender;
	__u32 pad;
};

#endif
