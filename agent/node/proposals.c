// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/proposals.h"

#include <string.h>

void cpc_proposals_add(struct cpc_proposals *proposals, u64 local_id,
		       const struct cpc_proposal *what)
{
	struct cpc_own_proposal *p = &proposals->own[proposals->next];

	proposals->next = (proposals->next + 1) % CPC_PROPOSALS_KEPT;
	memset(p, 0, sizeof(*p));
	p->local_id = local_id;
	p->what = *what;
}

struct cpc_own_proposal *cpc_proposals_find(struct cpc_proposals *proposals, u64 local_id)
{
	unsigned int i;

	for (i = 0; local_id && i < CPC_PROPOSALS_KEPT; i++)
		if (proposals->own[i].local_id == local_id)
			return &proposals->own[i];
	return NULL;
}

void cpc_proposals_submitted(struct cpc_proposals *proposals, u64 local_id, u32 seq)
{
	struct cpc_own_proposal *p = cpc_proposals_find(proposals, local_id);

	if (!p || p->state == CPC_PROPOSAL_ACCEPTED || p->state == CPC_PROPOSAL_REJECTED)
		return;
	p->state = CPC_PROPOSAL_OPEN;
	p->seq = seq;
}

void cpc_proposals_refused(struct cpc_proposals *proposals, u64 local_id)
{
	struct cpc_own_proposal *p = cpc_proposals_find(proposals, local_id);

	if (p && p->state == CPC_PROPOSAL_WAITS)
		p->state = CPC_PROPOSAL_REFUSED;
}

void cpc_proposals_decided(struct cpc_proposals *proposals, u64 local_id, u32 seq, u32 slot,
			   bool accepted)
{
	struct cpc_own_proposal *p = cpc_proposals_find(proposals, local_id);

	if (!p)
		return;
	p->state = accepted ? CPC_PROPOSAL_ACCEPTED : CPC_PROPOSAL_REJECTED;
	p->seq = seq;
	p->slot = slot;
}

void cpc_proposals_new_epoch(struct cpc_proposals *proposals)
{
	unsigned int i;

	for (i = 0; i < CPC_PROPOSALS_KEPT; i++) {
		struct cpc_own_proposal *p = &proposals->own[i];

		p->seq = 0;
		p->yes = p->no = 0;
		if (p->state == CPC_PROPOSAL_OPEN)
			p->state = CPC_PROPOSAL_WAITS;
	}
}

static void hear(struct cpc_proposals *proposals, const struct cpc_link_condition *c)
{
	unsigned int i, member;

	for (i = 0; i < CPC_PROPOSALS_KEPT; i++) {
		struct cpc_own_proposal *p = &proposals->own[i];

		if (!p->local_id || !p->seq || p->seq != c->seq)
			continue;
		for (member = 0; member < CPC_MEMBERS_MAX; member++) {
			u64 bit = 1ULL << member;

			if ((p->yes | p->no) & bit || !((c->yes | c->no) & bit))
				continue;
			p->yes |= c->yes & bit;
			p->no |= c->no & bit;
			p->why[member] = c->why[member];
		}
	}
}

void cpc_proposals_heard(struct cpc_proposals *proposals,
			 const struct cpc_link_conditions *conditions)
{
	if (conditions->has_decided)
		hear(proposals, &conditions->decided);
	if (conditions->has_open)
		hear(proposals, &conditions->open);
}

const char *cpc_proposal_state_name(enum cpc_proposal_state state)
{
	switch (state) {
	case CPC_PROPOSAL_WAITS:
		return "waiting";
	case CPC_PROPOSAL_OPEN:
		return "open";
	case CPC_PROPOSAL_ACCEPTED:
		return "accepted";
	case CPC_PROPOSAL_REJECTED:
		return "rejected";
	case CPC_PROPOSAL_REFUSED:
		return "refused";
	}
	return "?";
}
