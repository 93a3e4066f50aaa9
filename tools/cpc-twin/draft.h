/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_TOOLS_TWIN_DRAFT_H
#define CPC_TOOLS_TWIN_DRAFT_H

/*
 * draft.h - an element taken apart, so that it can say something else than its core meant. Pure.
 * What it is given it puts on the wire; only what would not decode at all is left out, as it would
 * harm nobody.
 */
#include <cpchain/core.h>

struct cpc_draft {
	struct cpc_element e;		/* its items are those below */
	size_t items_len;
	u8 items[CPC_ELEMENT_MAX];
};

/* Header and sections of an element of a cell of @n. Returns 0 or -EBADMSG. */
int cpc_draft_read(struct cpc_draft *draft, const u8 *data, size_t len, unsigned int n);

/* Header and sections into @out. Returns their length or -ENOSPC. */
int cpc_draft_write(const struct cpc_draft *draft, unsigned int n, u8 *out, size_t size);

/* The record of @slot, made if it is not there; NULL if an element can have none of that slot. */
struct cpc_state *cpc_draft_state(struct cpc_draft *draft, u32 slot);
void cpc_draft_forget(struct cpc_draft *draft, u32 slot);

/* False if there is no room. */
bool cpc_draft_add(struct cpc_draft *draft, u8 type, const void *data, size_t len);
bool cpc_draft_add_cut(struct cpc_draft *draft, const struct cpc_cut *cut);

#endif
