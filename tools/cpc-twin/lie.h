/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_LIE_H
#define CPC_TOOLS_TWIN_LIE_H

/*
 * lie.h - a member with valid keys that does what harms the others most. Pure.
 *
 *                          .--> persona A --> what audience A is told --.   one counter,
 *   what the others say ---+                                            +--> two contents; each has
 *                          '--> persona B --> what audience B is told --'   tags for its audience
 *
 * Both personas are whole cores with the same identity, so that each tells a story that holds by
 * itself; the lies are put on top of what they say. When the cell has decided one persona's story,
 * the other takes over its state and they part again.
 *
 *   equivocate  B has entries of its own and, where the liar leads, proposes another cut
 *   fork        one story of votes, but B's audience gets other entries of the same numbers
 *   frozen      keeps silent as a leader, to have the view changed; then claims votes of earlier
 *               views that were never cast, others to each audience
 *   garbage     invents entries in others' lanes, and proposes them where it leads
 *   replay      sends old elements again, its own and others', tags and all
 *   refuse      says no to every conditional entry
 *   careless    shows both contents of one counter to the same ears: evidence
 *   silent      says nothing after the first second; with other modes: every other second
 *
 * The adversary's limits: one member, its own keys, one radio; SHA-256 and the MAC hold.
 */
#include <cpchain/core.h>

#include "agent/util/error.h"
#include "tools/cpc-twin/draft.h"

enum cpc_lie_mode {
	CPC_LIE_EQUIVOCATE = 1 << 0,
	CPC_LIE_FORK = 1 << 1,
	CPC_LIE_FROZEN = 1 << 2,
	CPC_LIE_GARBAGE = 1 << 3,
	CPC_LIE_REPLAY = 1 << 4,
	CPC_LIE_REFUSE = 1 << 5,
	CPC_LIE_CARELESS = 1 << 6,
	CPC_LIE_SILENT = 1 << 7,
	CPC_LIE_ALL = (1 << 7) - 1,	/* silence would spoil the others */
};

enum {
	CPC_LIE_WORDS = 3,	/* contents that may leave at once */
	CPC_LIE_SAVED = 64,	/* elements kept to be replayed; the oldest goes */
};

/* Header and sections, and who is to find its tag right. */
struct cpc_lie_word {
	u64 receivers;
	size_t len;
	u8 data[CPC_ELEMENT_MAX];
};

/* What persona B proposes in place of A's cut, as long as that slot and view last. */
struct cpc_lie_other {
	u32 slot;
	u8 view;
	bool lock;			/* claims all four votes for it */
	struct cpc_cut cut;
	struct cpc_digest digest;
};

struct cpc_lie {
	u32 modes;
	unsigned int n, self;
	struct cpc_core *persona[2];	/* A is the caller's */
	u32 counter;
	u64 random, seed;
	u64 audience;			/* members, by bit, that B speaks to */
	u64 audience_us;		/* since when */
	u64 parted_us;			/* since when the personas' logs differ in length; 0: not */
	u64 started_us;
	bool send_due;			/* persona B wants a frame of its own */
	u64 wake_us;			/* when it wants cpc_lie_tick() */
	struct cpc_lie_other other[CPC_OPEN_MAX];
	struct cpc_draft draft[2];
	struct cpc_effects effects;
	u32 saved_used;
	struct {
		size_t len;
		u8 data[CPC_ELEMENT_MAX];
	} saved[CPC_LIE_SAVED];
	u64 words, replays;		/* told so far */
};

/* "equivocate,fork" or "all" into mode bits; -EINVAL with a text. */
int cpc_lie_parse(const char *text, u32 *ret_modes, struct cpc_error *error);

/* @core is persona A and stays the caller's. NULL: out of memory. */
struct cpc_lie *cpc_lie_new(u32 modes, struct cpc_core *core, u64 seed, u64 now_us);
void cpc_lie_free(struct cpc_lie *lie);

/* An authentic element (header and sections) has come in; persona A has it already. */
void cpc_lie_hear(struct cpc_lie *lie, u64 now_us, const u8 *data, size_t len);

/* An entry of the same number as the one A just appended, with another content. */
void cpc_lie_submit(struct cpc_lie *lie, u64 now_us, u8 kind, const u8 *data, size_t len);

/* Gives persona B its time. */
void cpc_lie_tick(struct cpc_lie *lie, u64 now_us);

/* A whole element, with tags, on the air: it may come back one day. */
void cpc_lie_save(struct cpc_lie *lie, const u8 *element, size_t len);

/*
 * A frame may leave now, with room for @room bytes of header and sections: fills @ret_words with
 * what is to be told, in this order. Returns how many, 0: nothing.
 */
unsigned int cpc_lie_tell(struct cpc_lie *lie, u64 now_us, size_t room, bool standalone,
			  struct cpc_lie_word ret_words[CPC_LIE_WORDS]);

/* An old element to send as it was; NULL: none this time. */
const u8 *cpc_lie_replay(struct cpc_lie *lie, size_t *ret_len);

/* Any number, for the noise in tags that are not to fit. */
u64 cpc_lie_noise(struct cpc_lie *lie);

#endif
