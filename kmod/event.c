// SPDX-License-Identifier: GPL-2.0-only
/*
 * event.c - what agents are told without asking.
 *
 * The hot path only notes news in the cell and schedules the work here, which composes the messages
 * in process context. News of one kind that gather meanwhile are told once: an event is a hint to
 * ask, nothing is lost with it (decisions stay in the ring, an open question in the core).
 *
 * A question goes to this vehicle's policy first (policy.h); only what that has no word on is told.
 */
#include "event.h"

#include <net/genetlink.h>

#include "cell.h"
#include "netlink.h"

/* A message in the making; NULL when there is no memory, and then the event is not told. */
static struct sk_buff *begin(const struct cpc_cell *cell, enum cpc_nl_command command,
			     void **ret_header)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (!skb)
		return NULL;
	*ret_header = genlmsg_put(skb, 0, 0, &cpc_nl_family, 0, command);
	if (!*ret_header || nla_put_u16(skb, CPC_A_CELL, cell->id) ||
	    nla_put_u16(skb, CPC_A_EPOCH, cell->epoch)) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static void send(const struct cpc_cell *cell, struct sk_buff *skb, void *header, int err)
{
	if (WARN_ON_ONCE(err)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	/* -ESRCH: nobody listens. */
	genlmsg_multicast_netns(&cpc_nl_family, cell->net, skb, 0, 0, GFP_KERNEL);
}

void cpc_event_cell(const struct cpc_cell *cell, bool up)
{
	void *header;
	struct sk_buff *skb = begin(cell, CPC_C_EV_CELL, &header);
	int err;

	if (!skb)
		return;
	err = nla_put_u8(skb, CPC_A_UP, up);
	send(cell, skb, header, err);
}

static void tell_decided(const struct cpc_cell *cell, u32 slot, u32 end,
			 const struct cpc_hash *log_hash)
{
	void *header;
	struct sk_buff *skb = begin(cell, CPC_C_EV_DECIDED, &header);
	int err;

	if (!skb)
		return;
	err = nla_put_u32(skb, CPC_A_SLOT, slot);
	err = err ?: nla_put(skb, CPC_A_LOG_HASH, sizeof(*log_hash), log_hash);
	if (!err && end)
		err = nla_put_u32(skb, CPC_A_END, end);
	send(cell, skb, header, err);
}

static void tell_view(const struct cpc_cell *cell, u32 slot, u8 view)
{
	void *header;
	struct sk_buff *skb = begin(cell, CPC_C_EV_VIEW, &header);
	int err;

	if (!skb)
		return;
	err = nla_put_u32(skb, CPC_A_SLOT, slot);
	err = err ?: nla_put_u8(skb, CPC_A_VIEW, view);
	send(cell, skb, header, err);
}

static void tell_behind(const struct cpc_cell *cell, const struct cpc_claim *claim)
{
	void *header;
	struct sk_buff *skb = begin(cell, CPC_C_EV_BEHIND, &header);
	int err;

	if (!skb)
		return;
	err = nla_put_u32(skb, CPC_A_SLOT, claim->slot);
	err = err ?: nla_put(skb, CPC_A_LOG_HASH, sizeof(claim->log_hash), claim->log_hash);
	send(cell, skb, header, err);
}

static void tell_evidence(const struct cpc_cell *cell, u8 index, u32 counter)
{
	void *header;
	struct sk_buff *skb = begin(cell, CPC_C_EV_EVIDENCE, &header);
	int err;

	if (!skb)
		return;
	err = nla_put_u8(skb, CPC_A_INDEX, index);
	err = err ?: nla_put_u32(skb, CPC_A_COUNTER, counter);
	send(cell, skb, header, err);
}

/* The open conditional entry of @lane, if it is still there and still wants our word. */
static const struct cpc_condition *open_entry(struct cpc_cell *cell, u8 lane,
					      struct cpc_entry *ret_entry)
{
	const struct cpc_condition *condition = &cell->core->member[lane].condition;
	const u8 *body;
	size_t len;

	lockdep_assert_held(&cell->lock);
	if (condition->kind == CPC_ENTRY_ORDINARY ||
	    (condition->yes | condition->no) >> cell->self & 1)
		return NULL;
	body = cpc_core_entry(cell->core, lane, condition->seq, &len);
	if (!body || cpc_entry_decode(body, len, cell->n, ret_entry))
		return NULL;
	return condition;
}

static u32 ask(struct cpc_cell *cell, u8 lane, const struct cpc_entry *entry)
{
	struct cpc_policy_question question = {
		.cell = cell->id,
		.epoch = cell->epoch,
		.kind = entry->kind,
		.author = lane,
		.self = cell->self,
		.n = cell->n,
		.seq = entry->seq,
		.data = entry->data,
		.len = entry->len,
	};

	return cpc_policies_ask(&cell->policies, &question);
}

/* Has this vehicle's policy answer the question on @lane. False: it has no word on it. */
static bool policy_answers(struct cpc_cell *cell, u8 lane)
{
	struct cpc_event event = { .type = CPC_EV_VERDICT };
	const struct cpc_condition *condition;
	struct cpc_entry entry;
	bool answered = true;
	u32 result, word;

	spin_lock_bh(&cell->lock);
	condition = open_entry(cell, lane, &entry);
	if (condition) {
		result = ask(cell, lane, &entry);
		word = result & 0xff;
		answered = word != CPC_POLICY_NOT_YET;
		event.verdict.lane = lane;
		event.verdict.verdict = word == CPC_POLICY_YES ? CPC_VERDICT_YES : CPC_VERDICT_NO;
		event.verdict.why = min_t(u32, result >> 8 & 0xff, CPC_WHY_MAX - 1);
		event.verdict.seq = condition->seq;
		event.verdict.head = condition->head;
		if (answered && !cell->running)
			answered = false;
		else if (answered)
			cpc_cell_step(cell, &event);
	}
	spin_unlock_bh(&cell->lock);
	return answered;
}

static int put_question(struct cpc_cell *cell, struct sk_buff *skb, u8 lane)
{
	const struct cpc_condition *condition;
	struct cpc_entry entry;
	int err = -ENOENT;

	spin_lock_bh(&cell->lock);
	condition = open_entry(cell, lane, &entry);
	if (!condition)
		goto unlock;
	err = nla_put_u8(skb, CPC_A_LANE, lane);
	err = err ?: nla_put_u32(skb, CPC_A_SEQ, condition->seq);
	err = err ?: nla_put(skb, CPC_A_HEAD, sizeof(condition->head), &condition->head);
	err = err ?: nla_put_u8(skb, CPC_A_KIND, condition->kind);
	err = err ?: nla_put(skb, CPC_A_DATA, entry.len, entry.data);
unlock:
	spin_unlock_bh(&cell->lock);
	return err;
}

static void tell_question(struct cpc_cell *cell, u8 lane)
{
	void *header;
	struct sk_buff *skb = begin(cell, CPC_C_EV_QUESTION, &header);
	int err;

	if (!skb)
		return;
	err = put_question(cell, skb, lane);
	if (err == -ENOENT)
		nlmsg_free(skb);
	else
		send(cell, skb, header, err);
}

void cpc_event_work(struct work_struct *work)
{
	struct cpc_cell *cell = container_of(work, struct cpc_cell, tell);
	struct cpc_hash log_hash;
	struct cpc_news news;
	unsigned int i;
	u32 slot, end;

	spin_lock_bh(&cell->lock);
	news = cell->news;
	cell->news.what = 0;
	cell->news.evidence = 0;
	cell->news.questions = 0;
	slot = cell->core->decided;
	end = cell->core->end;
	log_hash = cell->core->log_hash;
	spin_unlock_bh(&cell->lock);

	if (news.what & CPC_TOLD_DECIDED)
		tell_decided(cell, slot, end, &log_hash);
	if (news.what & CPC_TOLD_VIEW)
		tell_view(cell, news.view_slot, news.view);
	if (news.what & CPC_TOLD_BEHIND)
		tell_behind(cell, &news.behind);
	for (i = 0; i < cell->n; i++) {
		if (news.evidence >> i & 1)
			tell_evidence(cell, i, news.evidence_counter[i]);
		if (news.questions >> i & 1 && !policy_answers(cell, i))
			tell_question(cell, i);
	}
}
