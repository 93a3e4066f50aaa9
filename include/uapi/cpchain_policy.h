/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * cpchain_policy.h - a vehicle's word on manoeuvres, given by a program in the kernel.
 *
 *   lane entry (conditional) --> module: context | entry data --> socket filter program --> word
 *                                                                       ^
 *                                    the vehicle's sensors, kept fresh --'
 *
 * The module gives a program of type SOCKET_FILTER a packet that is not from a network: a context
 * of 16 bytes, then the entry's data. The program reads it with bpf_skb_load_bytes(skb, 0, ...).
 * What it returns is this vehicle's word, and in the next byte why:
 *
 *   bits 0-7   enum cpc_policy_word     anything else counts as "not yet"
 *   bits 8-15  enum cpc_policy_reason   only for people; counted and shown
 *
 * Entry data that begins with CPC_PROPOSAL_MAGIC is one of the proposals below; what follows behind
 * it is the agents' (who proposed when), and no policy's business. All little-endian.
 */
#ifndef _UAPI_CPCHAIN_POLICY_H
#define _UAPI_CPCHAIN_POLICY_H

#include <linux/types.h>

#define CPC_POLICY_VERSION 1
#define CPC_POLICY_CONTEXT_BYTES 16

struct cpc_policy_context {
	__u8 version;
	__u8 kind;		/* enum cpc_entry_kind: CPC_ENTRY_BY_QUORUM or _BY_ALL */
	__u8 author;		/* member index of the proposer; its lane */
	__u8 self;		/* member index of this vehicle */
	__u8 n;			/* members of the cell */
	__u8 reserved;		/* 0 */
	__le16 cell;
	__le16 epoch;
	__le16 length;		/* bytes of entry data that follow */
	__le32 seq;		/* of the entry in its lane */
} __attribute__((packed));

enum cpc_policy_word {
	CPC_POLICY_NOT_YET = 0,	/* no word of mine: the agent's, else the cell's default */
	CPC_POLICY_NO = 1,
	CPC_POLICY_YES = 2,
	__CPC_POLICY_WORD_MAX,
};

enum cpc_policy_reason {
	CPC_REASON_NONE = 0,
	CPC_REASON_FITS = 1,		/* yes: my sensors agree */
	CPC_REASON_OWN = 2,		/* yes: I asked for it, and my sensors agree */
	CPC_REASON_UNKNOWN = 3,		/* not yet: no proposal that I understand */
	CPC_REASON_MALFORMED = 4,	/* no: it claims to be one, but is not */
	CPC_REASON_STALE = 5,		/* no: my sensor values are too old or missing */
	CPC_REASON_SPEED = 6,		/* no: too far from my own speed */
	CPC_REASON_GAP = 7,		/* no: the gap ahead of me is too small */
	CPC_REASON_BRAKE = 8,		/* no: I am braking */
	CPC_REASON_LIMIT = 9,		/* no: outside my own limits */
	CPC_REASON_KIND = 10,		/* no: this manoeuvre is not to be agreed in this way */
	CPC_REASON_AGENT = 11,		/* either: the agent's word, or a person's through it */
	CPC_REASON_DEFAULT = 12,	/* either: nobody answered, the cell's default */
	__CPC_REASON_MAX,		/* at most 128: seven bits on the air */
};

#define CPC_POLICY_RESULT(word, reason) ((__u32)(word) | (__u32)(reason) << 8)

#define CPC_PROPOSAL_MAGIC 0x504d	/* "MP" on the wire: manoeuvre proposal */

enum cpc_proposal_type {
	CPC_PROPOSAL_JOIN = 1,		/* the author wants to join a platoon; by all */
	CPC_PROPOSAL_MERGE = 2,		/* two platoons become one; by all */
	CPC_PROPOSAL_SPEED = 3,		/* speed advisory for the cell; by quorum */
};

struct cpc_proposal_header {
	__le16 magic;
	__u8 version;		/* 1 */
	__u8 type;		/* enum cpc_proposal_type */
} __attribute__((packed));

/* JOIN and MERGE, 16 bytes. */
struct cpc_proposal_platoon {
	struct cpc_proposal_header header;
	__le32 platoon;		/* whose platoon, a number the cell agrees on */
	__le16 speed_cm_s;	/* that it drives at */
	__le16 gap_cm;		/* that everyone needs ahead when it happens */
	__u8 position;		/* that the author takes, 0 is the leader */
	__u8 reserved[3];	/* 0 */
} __attribute__((packed));

/* SPEED, 16 bytes. */
struct cpc_proposal_speed {
	struct cpc_proposal_header header;
	__le32 zone;		/* where it holds, a number the cell agrees on */
	__le16 min_cm_s;
	__le16 max_cm_s;
	__le16 duration_s;
	__u8 reserved[2];	/* 0 */
} __attribute__((packed));

_Static_assert(sizeof(struct cpc_policy_context) == CPC_POLICY_CONTEXT_BYTES, "layout");
_Static_assert(sizeof(struct cpc_proposal_platoon) == 16, "layout");
_Static_assert(sizeof(struct cpc_proposal_speed) == 16, "layout");

#endif
