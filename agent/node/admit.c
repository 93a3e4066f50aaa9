// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/admit.h"

#include <string.h>

static enum cpc_admit_word say(enum cpc_admit_word word, const char *why,
			       const char **ret_why)
{
	*ret_why = why;
	return word;
}

static bool all_ready(const struct cpc_admit *a, const struct cpc_member_change *c)
{
	unsigned int i;

	for (i = 0; i < c->joining; i++)
		if (!a->ready(a->ctx, c->node_id + i * CPC_NODE_ID_BYTES))
			return false;
	return true;
}

/* May these go? */
static bool may_leave(const struct cpc_admit *a, unsigned int proposer, u64 leaving)
{
	unsigned int i;

	for (i = 0; i < a->epoch->n; i++) {
		if (!(leaving >> i & 1) || i == proposer)
			continue;
		if (i == a->epoch->self || !a->evict_after_s ||
		    a->silent_s[i] < a->evict_after_s)
			return false;
	}
	return true;
}

static enum cpc_admit_word certified(const struct cpc_admit *a, unsigned int proposer,
				     const struct cpc_member_change *c, const char **ret_why)
{
	if (c->split && cpc_change_members(c, a->epoch->n, false) == 0)
		return a->let_in(a->ctx, c->split) ?
			       say(CPC_WORD_YES, "that cell has let us in", ret_why) :
			       say(CPC_WORD_WAIT, "we are not in that cell yet", ret_why);
	if (c->split)
		return say(CPC_WORD_WAIT, "a split is the operator's to judge", ret_why);
	if (!may_leave(a, proposer, c->leaving))
		return say(CPC_WORD_WAIT, "to remove others is the operator's to judge", ret_why);
	if (!c->leaving && !c->joining && !a->reentering && a->age_us < CPC_ADMIT_REKEY_US)
		return say(CPC_WORD_WAIT, "new keys again so soon", ret_why);
	return say(CPC_WORD_YES, c->joining ? "who joins is trusted" : c->leaving ?
		   "who leaves wants to, or is silent" : "new keys", ret_why);
}

enum cpc_admit_word cpc_admit(const struct cpc_admit *a, unsigned int proposer,
			      const u8 *change, size_t len, const char **ret_why)
{
	static const uint8_t nobody[32];
	static const struct cpc_hash none;
	struct cpc_member_change c;
	struct cpc_cell_epoch next;

	if (cpc_change_decode(change, len, a->epoch->n, &c) < 0)
		return say(CPC_WORD_NO, "it is no change of these members", ret_why);
	if (cpc_cell_epoch_next(a->epoch, &c, false, 1, &none, nobody, &next) < 0)
		return say(CPC_WORD_NO, "one joins that is a member, or the epochs are used up",
			   ret_why);
	if (c.split == a->epoch->cell)
		return say(CPC_WORD_NO, "a cell cannot split off or become itself", ret_why);
	if (!all_ready(a, &c))
		return say(CPC_WORD_WAIT, "not all that join are connected and trusted", ret_why);
	if (a->wish && a->wish_len == len && memcmp(a->wish, change, len) == 0)
		return say(CPC_WORD_YES, "as we were asked ourselves", ret_why);
	switch (a->rule) {
	case CPC_CONFIG_ADMIT_ANY:
		return say(CPC_WORD_YES, "any change", ret_why);
	case CPC_CONFIG_ADMIT_CERTIFIED:
		return certified(a, proposer, &c, ret_why);
	case CPC_CONFIG_ADMIT_ASK:
		break;
	}
	return say(CPC_WORD_WAIT, "the operator is to judge", ret_why);
}
