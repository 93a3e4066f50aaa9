/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * proposals.h - the manoeuvres that this vehicle proposed lately, from the outbox until it is known
 * what became of them and who said what (pure).
 *
 *   pushed --seq--> submitted --words--> ... --accepted or rejected--> decided --late words-->
 *
 * CPC_PROPOSALS_KEPT are remembered, the oldest is forgotten: the decided log has them all.
 */
#ifndef CPC_AGENT_NODE_PROPOSALS_H
#define CPC_AGENT_NODE_PROPOSALS_H

#include "agent/link/nl_decode.h"
#include "agent/log/proposal.h"

enum { CPC_PROPOSALS_KEPT = 16 };

enum cpc_proposal_state {
	CPC_PROPOSAL_WAITS,	/* in the outbox */
	CPC_PROPOSAL_OPEN,	/* in the own lane: members give their word */
	CPC_PROPOSAL_ACCEPTED,
	CPC_PROPOSAL_REJECTED,
	CPC_PROPOSAL_REFUSED,	/* by the own module: it never left */
};

struct cpc_own_proposal {
	u64 local_id;			/* 0: free */
	struct cpc_proposal what;
	enum cpc_proposal_state state;
	u32 seq;			/* from OPEN on */
	u32 slot;			/* when decided */
	u64 yes, no;			/* members by bit */
	u8 why[CPC_MEMBERS_MAX];
};

struct cpc_proposals {
	struct cpc_own_proposal own[CPC_PROPOSALS_KEPT];
	unsigned int next;
};

void cpc_proposals_add(struct cpc_proposals *proposals, u64 local_id,
		       const struct cpc_proposal *what);
/* NULL: not one of the last ones. */
struct cpc_own_proposal *cpc_proposals_find(struct cpc_proposals *proposals, u64 local_id);

void cpc_proposals_submitted(struct cpc_proposals *proposals, u64 local_id, u32 seq);
void cpc_proposals_refused(struct cpc_proposals *proposals, u64 local_id);
/* The own lane's entry @local_id was decided as @seq in @slot. */
void cpc_proposals_decided(struct cpc_proposals *proposals, u64 local_id, u32 seq, u32 slot,
			   bool accepted);
/*
 * Entries and members are numbered anew: what is open will be submitted again, and words on what
 * was decided are forgotten, as they were by number.
 */
void cpc_proposals_new_epoch(struct cpc_proposals *proposals);
/* What the module knows of the own lane; words once known stay. */
void cpc_proposals_heard(struct cpc_proposals *proposals,
			 const struct cpc_link_conditions *conditions);

/* "waiting", "open", "accepted", "rejected", "refused". */
const char *cpc_proposal_state_name(enum cpc_proposal_state state);

#endif
