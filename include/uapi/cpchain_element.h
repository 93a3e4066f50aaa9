/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * cpchain_element.h - the element: what CPChain puts on the air.
 *
 * It rides behind the payload of an outgoing broadcast (GeoNetworking 0x8947, WSMP 0x88DC), or
 * alone in a frame of EtherType 0x88B5. A receiver without the module ignores the bytes: both
 * carriers state their own length. A receiver with it finds the element from the end of the frame:
 *
 *   carrier payload | header 24 | sections | tags 8 * (n-1) | length 2 | magic 2 |
 *                   '------------- length covers all of this -------------------'
 *
 * In front of it there may be elements of other members, at most CPC_RELAYS_MAX, each complete and
 * found from its end in turn: sent again for those who do not hear their authors. The last one in
 * the frame is its sender's own.
 *
 * Everything is little-endian, there are no bitfields and nothing is padded.
 *
 * header    version, sender, cell, epoch, flags, counter, decided slot, log hash (truncated)
 * sections  in this order, each present if its flag says so:
 *   have     ceil(n/2) bytes: per member a nibble, low one first: how many entries of that lane the
 *            sender holds beyond what is decided at its decided slot (an implicit NACK)
 *   slots    `flags & SLOTS` records, see below
 *   answers  u8 count, then per answer: u8 lane, u8 word, le32 seq, digest[16]
 *            word: bit 0: 0 no, 1 yes; bits 1-7: why, enum cpc_policy_reason, for people only
 *   heard    ceil(n/8) bytes: per member a bit, low one first: the sender hears it himself, not
 *            through others; without the section he hears all
 *   payload  the rest up to the tags: items of u8 type, le16 length, bytes
 * tags      for every member but the sender, by index: a MAC over the receiver's index, the digest
 *           of the member set, and everything from the header to the last section, truncated to 8
 *
 * slot record: the sender's whole state in one live slot (DESIGN: "state, not messages")
 *   u8 shape    bits 0-2: slot - decided + 3; bits 3-6: number of values (0..8); bit 7: frozen part
 *   u8 view
 *   u8 votes    bits 0-3: voted in phases 1..4 of this view; bit 4: phases 2..4 are for value 1,
 *               else for value 0 (phase 1 is always for value 0 when it is there)
 *   digest[16] x values
 *   frozen part, if bit 7: u8 mask: bits 0-3 highest earlier vote of phase 1..4, bits 4-5 highest
 *   earlier vote of phase 1..2 for another value; per set bit a byte: bits 0-2 value index, bits
 *   3-7 view - 1 - vote's view, 31 = the vote's view follows in a byte of its own
 */
#ifndef _UAPI_CPCHAIN_ELEMENT_H
#define _UAPI_CPCHAIN_ELEMENT_H

#include <linux/types.h>

#define CPC_ETHERTYPE_GEONET 0x8947	/* ETSI EN 302 636-4-1 */
#define CPC_ETHERTYPE_WSMP 0x88DC	/* IEEE 1609.3 */
#define CPC_ETHERTYPE_ELEMENT 0x88B5	/* IEEE 802 local experimental 1 */

#define CPC_ELEMENT_VERSION 1
#define CPC_ELEMENT_MAGIC 0x4350	/* "PC" on the wire */
#define CPC_ELEMENT_HEADER_BYTES 24
#define CPC_ELEMENT_FOOTER_BYTES 4

enum cpc_element_flags {
	CPC_ELEMENT_SLOTS = 0x07,	/* number of slot records, 0..4 */
	CPC_ELEMENT_HAVE = 0x08,
	CPC_ELEMENT_ANSWERS = 0x10,
	CPC_ELEMENT_HEARD = 0x20,
	CPC_ELEMENT_FLAGS_KNOWN = 0x3f,	/* any other bit: malformed */
};

enum cpc_item_type {
	CPC_ITEM_ENTRY = 1,	/* a lane entry (body), anyone's */
	CPC_ITEM_CUT = 2,	/* a cut: le32 slot, parent[16], u8 lanes, lanes x
				 * (u8 lane, le32 seq, le16 accepted, head[16]) */
	CPC_ITEM_CLAIM = 3,	/* le32 slot, log hash[8]: the sender's log hash after that slot */
};

struct cpc_element_header {
	__u8 version;
	__u8 sender;
	__le16 cell;
	__le16 epoch;
	__le16 flags;
	__le32 counter;
	__le32 decided;
	__u8 log_hash[8];
} __attribute__((packed));

/* A lane entry: this, then refs x (u8 lane, le32 seq, head[8]), then le16 length and the data. */
struct cpc_entry_header {
	__u8 kind;
	__u8 author;
	__le32 seq;
	__u8 prev[16];
	__u8 refs;
} __attribute__((packed));

/* What it takes to carry out an entry once it is decided. */
enum cpc_entry_kind {
	CPC_ENTRY_ORDINARY = 0,
	CPC_ENTRY_BY_QUORUM = 1,	/* conditional: yes from n-f members */
	CPC_ENTRY_BY_ALL = 2,		/* conditional: yes from every member */
	CPC_ENTRY_CHANGE = 3,		/* conditional, from n-f: who is a member, see below */
	__CPC_ENTRY_KINDS,
};

/* The data of a CPC_ENTRY_CHANGE: this, then joining x node id[32]. */
struct cpc_change_header {
	__u8 version;		/* CPC_CHANGE_VERSION */
	__u8 joining;
	__le16 split;		/* the cell that the leaving ones form, 0: none */
	__le64 leaving;		/* members by bit */
} __attribute__((packed));
#define CPC_CHANGE_VERSION 1

/* In a cut's `accepted`: one of the accepted entries is a change of members. */
#define CPC_ACCEPTED_CHANGE 0x8000

_Static_assert(sizeof(struct cpc_element_header) == CPC_ELEMENT_HEADER_BYTES, "wire format");
_Static_assert(sizeof(struct cpc_entry_header) == 23, "wire format");
_Static_assert(sizeof(struct cpc_change_header) == 12, "wire format");

#endif
