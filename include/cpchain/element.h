/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * element.h - the codec of the element (layout: uapi/cpchain_element.h).
 *
 * cpc_element_locate() is what a receiver does first, on bytes from anybody: it finds the element
 * from the end of a frame and splits it, without looking inside. cpc_element_decode() then reads
 * the authentic part.
 */
#ifndef CPCHAIN_ELEMENT_H
#define CPCHAIN_ELEMENT_H

#include <cpchain/cursor.h>
#include <cpchain/tetra.h>
#include <cpchain/types.h>
#include <cpchain_element.h>

#define CPC_ANSWERS_MAX 16
#define CPC_CLAIM_BYTES 12	/* slot and log hash */
#define CPC_VALUES_MAX 8	/* distinct values one slot record can name */

struct cpc_header {
	u8 version;
	u8 sender;
	u16 cell;
	u16 epoch;
	u16 flags;
	u32 counter;
	u32 decided;
	u8 log_hash[8];
};

struct cpc_answer {
	u8 lane;
	u8 verdict;		/* CPC_VERDICT_NO or _YES */
	u8 why;			/* enum cpc_policy_reason, for people only */
	u32 seq;
	struct cpc_digest head;
};

struct cpc_slot_record {
	u32 slot;
	struct cpc_state state;
};

struct cpc_element {
	struct cpc_header header;
	bool has_have;
	u8 have[CPC_MEMBERS_MAX];	/* 0..15 */
	u8 records;
	struct cpc_slot_record record[CPC_OPEN_MAX];
	u8 answers;
	struct cpc_answer answer[CPC_ANSWERS_MAX];
	u64 hears;		/* members by bit; all, when the element does not say */
	struct cpc_reader items;	/* the payload section: cpc_element_item() */
};

struct cpc_item {
	u8 type;		/* enum cpc_item_type, or unknown: skip it */
	const u8 *data;
	size_t len;
};

enum cpc_locate {
	CPC_LOCATE_NONE,	/* no element at the end of this frame */
	CPC_LOCATE_TRUNCATED,	/* the length points before the frame's payload, or is too small */
	CPC_LOCATE_OVERSIZED,
	CPC_LOCATE_VERSION,
	CPC_LOCATE_FOUND,
};

/* Where an element lies in a frame: offsets from the start of @frame. */
struct cpc_location {
	size_t start;		/* of the header: everything before is the carrier's */
	size_t len;		/* of the whole, footer included */
	struct cpc_header header;
};

/* @frame: the frame's bytes behind the Ethernet header. */
enum cpc_locate cpc_element_locate(const u8 *frame, size_t len, struct cpc_location *ret_location);

/* The same from the last CPC_ELEMENT_FOOTER_BYTES and, once located, the first header bytes. */
enum cpc_locate cpc_element_footer(const u8 footer[CPC_ELEMENT_FOOTER_BYTES], size_t frame_len,
				   size_t *ret_len);
void cpc_header_read(struct cpc_reader *r, struct cpc_header *ret_header);
void cpc_header_write(struct cpc_writer *w, const struct cpc_header *header);

/* Bytes that tags and footer add for a cell of @n. */
static inline size_t cpc_element_trailer(unsigned int n)
{
	return (size_t)CPC_TAG_BYTES * (n - 1) + CPC_ELEMENT_FOOTER_BYTES;
}

/* Which of the sender's tags is the one for @receiver. */
static inline unsigned int cpc_tag_index(unsigned int sender, unsigned int receiver)
{
	return receiver < sender ? receiver : receiver - 1;
}

void cpc_element_write_footer(struct cpc_writer *w, size_t element_len);

/* Decodes header and sections of an element of a cell of @n. Returns 0 or -EBADMSG. */
int cpc_element_decode(const u8 *data, size_t len, unsigned int n, struct cpc_element *ret_element);

/* The next item of the payload: 1, 0 at the end, or -EBADMSG. */
int cpc_element_item(struct cpc_reader *items, struct cpc_item *ret_item);

/* One slot record, @decided being the sender's. */
void cpc_record_write(struct cpc_writer *w, const struct cpc_slot_record *record, u32 decided);
int cpc_record_read(struct cpc_reader *r, u32 decided, struct cpc_slot_record *ret_record);

void cpc_have_write(struct cpc_writer *w, const u8 *have, unsigned int n);

/* @heard: members by bit, below @n. */
void cpc_heard_write(struct cpc_writer *w, u64 heard, unsigned int n);

void cpc_item_write(struct cpc_writer *w, u8 type, const void *data, size_t len);

#endif
