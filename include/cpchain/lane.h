/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * lane.h - one member's hash-chained entries, as far as this member holds them.
 *
 *   ... decided ...] frontier | held 1 | held 2 |  ?  | held 4 |        (at most CPC_LANE_WINDOW)
 *                                          ^ last held: the prefix that can be covered by a cut
 *
 * An entry from its author's own element is `direct`: authentic, and so is the chain below it. One
 * that somebody else re-sent is `relayed`: it proves itself only through a hash that chains from it
 * to a direct entry or to a decided head. Until then it counts for nothing: a faulty leader could
 * relay an invention in somebody's name and propose it. If a
 * chain turns out not to lead to the decided head, the relayed entries are dropped and from then on
 * a relayed entry must match a known hash (`strict`), until the frontier has passed.
 */
#ifndef CPCHAIN_LANE_H
#define CPCHAIN_LANE_H

#include <cpchain/cursor.h>
#include <cpchain/types.h>

enum cpc_held { CPC_HELD_NO, CPC_HELD_RELAYED, CPC_HELD_DIRECT };

struct cpc_ref {
	u8 lane;
	u32 seq;
	u8 head[8];
};

/* A decoded entry; data points into the encoded one. */
struct cpc_entry {
	u8 kind;			/* enum cpc_entry_kind */
	u8 author;
	u32 seq;
	struct cpc_digest prev;
	u8 refs;
	struct cpc_ref ref[CPC_ENTRY_REFS_MAX];	/* other lanes' heads the author had seen */
	u16 len;
	const u8 *data;
};

struct cpc_held_entry {
	u8 held;			/* enum cpc_held */
	u8 kind;
	u16 len;			/* of body */
	u32 seq;
	struct cpc_digest prev;
	struct cpc_digest hash;
	u64 since_us;			/* when it came */
	u64 air_us;			/* when it was last on the air, from anyone; 0: never */
	u8 body[CPC_BODY_MAX];
};

struct cpc_lane {
	u32 frontier;			/* last decided entry */
	struct cpc_digest frontier_head;	/* its hash, zero for none */
	u32 last;			/* last entry of the unbroken chain held, >= frontier */
	bool strict;
	bool forked;			/* its author was caught with two entries of one number */
	struct cpc_held_entry entry[CPC_LANE_RING];	/* by seq modulo */
};

/*
 * Takes an entry apart, without a look at what a change of members says: for those who do not know
 * the cell's size, and give CPC_MEMBERS_MAX. Returns 0 or -EBADMSG.
 */
int cpc_entry_split(const u8 *body, size_t len, unsigned int n, struct cpc_entry *ret_entry);

/* Returns 0 or -EBADMSG. Trailing bytes are an error: the whole is hashed. */
int cpc_entry_decode(const u8 *body, size_t len, unsigned int n, struct cpc_entry *ret_entry);

/* Returns the encoded length, or -EMSGSIZE if it is over @size or the limits. */
int cpc_entry_encode(const struct cpc_entry *entry, u8 *out, size_t size);

/* SHA-256 over the member set's digest and the encoded entry, truncated. */
void cpc_entry_hash(cpc_hash_fn hash, const struct cpc_hash *members, const u8 *body, size_t len,
		    struct cpc_digest *ret_hash);

/* The held entry @seq, decided or not, or NULL. */
const struct cpc_held_entry *cpc_lane_get(const struct cpc_lane *lane, u32 seq);

enum cpc_lane_put { CPC_PUT_STORED, CPC_PUT_KNOWN, CPC_PUT_IGNORED, CPC_PUT_FORK };

/*
 * Stores a decoded entry if it fits. @expected, when not NULL, is the decided hash of that
 * number. CPC_PUT_FORK: the author sent two different entries of this number.
 */
enum cpc_lane_put cpc_lane_put(struct cpc_lane *lane, const struct cpc_entry *entry, const u8 *body,
			       size_t len, const struct cpc_digest *hash, bool direct,
			       const struct cpc_digest *expected, u64 now_us);

/* The last entry of the held chain that is its author's word: direct, or below one that is. */
u32 cpc_lane_vouched(const struct cpc_lane *lane);

/* Is the chain held from the frontier to (@seq, @head)? */
bool cpc_lane_holds(const struct cpc_lane *lane, u32 seq, const struct cpc_digest *head);

/* Decided up to (@seq, @head), which the lane holds. */
void cpc_lane_advance(struct cpc_lane *lane, u32 seq, const struct cpc_digest *head);

/*
 * Decided up to (@seq, @head), which the lane does not hold yet: drops what cannot lead there, from
 * the head down as far as the hashes are known.
 */
void cpc_lane_prune(struct cpc_lane *lane, u32 seq, const struct cpc_digest *head);

/* Jump to a decided frontier without the entries below it. */
void cpc_lane_jump(struct cpc_lane *lane, u32 seq, const struct cpc_digest *head);

#endif
