/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * admit.h - this vehicle's word on a change of members that somebody proposes (pure).
 *
 *   certified   yes, when the change does no more than
 *                 - let vehicles in whose key or certificate we trust, and with which we have
 *                   agreed on keys already, so that the switch is quick,
 *                 - let its proposer go,
 *                 - remove members that we have not heard for evict_after_s,
 *                 - give all new keys, for a member that asked us because it has lost its votes,
 *                   or no sooner than CPC_ADMIT_REKEY_US after the last change,
 *                 - dissolve this cell into one that has let us in, as we asked;
 *               everything else waits for the operator
 *   ask         waits for the operator
 *   any         yes, when those who join are connected
 *
 * What this vehicle itself was asked to propose it agrees to, whoever proposes it. Nobody's
 * silence is a yes: a change needs a quorum's. What can only be a mistake or malice is refused:
 * what is no change of these members, makes one of them join, or names this cell as the one to
 * split off or dissolve into.
 */
#ifndef CPC_AGENT_NODE_ADMIT_H
#define CPC_AGENT_NODE_ADMIT_H

#include "agent/config/config.h"
#include "agent/log/epoch.h"

enum { CPC_ADMIT_REKEY_US = 10 * 1000 * 1000 };

enum cpc_admit_word {
	CPC_WORD_WAIT,			/* for a session, a while, or the operator: judge again */
	CPC_WORD_YES,
	CPC_WORD_NO,
};

struct cpc_admit {
	enum cpc_config_admit rule;
	u32 evict_after_s;		/* 0: never */
	const struct cpc_cell_epoch *epoch;
	u64 age_us;			/* of the epoch here */
	u32 silent_s[CPC_MEMBERS_MAX];	/* since each member was last heard */
	u64 reentering;			/* members, by bit, that asked us */
	const u8 *wish;			/* the change that we were asked for, NULL: none */
	size_t wish_len;
	/* Is there a session with that node, and is it trusted to join? */
	bool (*ready)(void *ctx, const uint8_t node_id[32]);
	/* Have we asked for, and been let into, that cell? */
	bool (*let_in)(void *ctx, u16 cell);
	void *ctx;
};

/* @ret_why is a static text. */
enum cpc_admit_word cpc_admit(const struct cpc_admit *admit, unsigned int proposer,
			      const u8 *change, size_t len, const char **ret_why);

#endif
