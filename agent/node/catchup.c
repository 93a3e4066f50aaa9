// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/catchup.h"

#include <assert.h>
#include <errno.h>

#include <cpchain/types.h>

static u64 bit(unsigned int member)
{
	return 1ULL << member;
}

void cpc_catchup_init(struct cpc_catchup *c, unsigned int n, unsigned int self,
		      const struct cpc_catchup_ops *ops, void *ctx)
{
	assert(n <= CPC_MEMBERS_MAX && self < n);
	memset(c, 0, sizeof(*c));
	c->n = n;
	c->self = self;
	c->source = (self + 1) % n;
	c->ops = ops;
	c->ctx = ctx;
	c->chunk = cpc_buffer_init(CPC_CATCHUP_CHUNK_MAX);
}

void cpc_catchup_done(struct cpc_catchup *c)
{
	cpc_buffer_done(&c->chunk);
}

static void wait_a_little(struct cpc_catchup *c, u64 now_us)
{
	c->phase = CPC_CATCHUP_WAIT;
	c->tried = 0;
	c->deadline_us = now_us + CPC_CATCHUP_RETRY_US;
	cpc_buffer_done(&c->chunk);
}

/* In the first round those who never failed us, in the second the others. */
static bool may_ask(const struct cpc_catchup *c, unsigned int member, u64 asked, bool second_round)
{
	if (member == c->self || !(c->up & bit(member)) || asked & bit(member))
		return false;
	return second_round || !(c->doubtful & bit(member));
}

static bool has_ended(const struct cpc_log_tip *tip)
{
	return tip->end && tip->slot >= tip->end;
}

/* The next chunk, from the present source if it was not passed over, else from the next peer. */
static void ask_source(struct cpc_catchup *c, u64 now_us)
{
	const struct cpc_log_tip *tip = c->ops->tip(c->ctx);
	unsigned int i;

	if (tip->slot >= c->target || has_ended(tip)) {
		u32 slot = tip->slot < c->target ? tip->slot : c->target;

		c->phase = CPC_CATCHUP_IDLE;
		c->stats.reached++;
		cpc_buffer_done(&c->chunk);
		c->ops->reached(c->ctx, slot);
		return;
	}
	for (i = 0; i < 2 * c->n; i++) {
		unsigned int member = (c->source + i) % c->n;

		if (!may_ask(c, member, c->tried, i >= c->n))
			continue;
		c->source = member;
		c->phase = CPC_CATCHUP_BODY;
		c->deadline_us = now_us + CPC_CATCHUP_TIMEOUT_US;
		if (c->ops->fetch(c->ctx, member, tip->slot) == 0)
			return;
		c->tried |= bit(member);
	}
	wait_a_little(c, now_us);
}

static void pass_over(struct cpc_catchup *c, u64 now_us)
{
	c->tried |= bit(c->source);
	c->doubtful |= bit(c->source);
	cpc_buffer_truncate(&c->chunk, 0);
	ask_source(c, now_us);
}

static void store_chunk(struct cpc_catchup *c, u64 now_us)
{
	c->stats.chunks++;
	c->tried = 0;
	if (c->ops->store(c->ctx, c->chunk.data, c->chunk.len) < 0) {
		wait_a_little(c, now_us);
		return;
	}
	cpc_buffer_truncate(&c->chunk, 0);
	ask_source(c, now_us);
}

/* Asks as many further peers as are needed for f+1; gives up on the source when there are none. */
static void ask_confirmers(struct cpc_catchup *c, u64 now_us)
{
	unsigned int i, hoped = cpc_count_bits(c->agreed | c->pending);

	if (cpc_count_bits(c->agreed) >= cpc_blocking(c->n)) {
		store_chunk(c, now_us);
		return;
	}
	for (i = 0; i < 2 * c->n && hoped < cpc_blocking(c->n); i++) {
		unsigned int member = i % c->n;

		if (!may_ask(c, member, c->asked, i >= c->n))
			continue;
		c->asked |= bit(member);
		if (c->ops->fetch(c->ctx, member, (c->staged.slot - 1) | CPC_FETCH_ONE) < 0)
			continue;
		c->pending |= bit(member);
		c->deadline_us = now_us + CPC_CATCHUP_TIMEOUT_US;
		hoped++;
	}
	if (hoped < cpc_blocking(c->n)) {
		c->stats.unconfirmed++;
		pass_over(c, now_us);
	}
}

/*
 * Reads the source's answer into the chunk, up to the target or the epoch's end. Returns the number
 * of decisions, or -EBADMSG.
 */
static int read_chunk(struct cpc_catchup *c, const u8 *data, size_t len)
{
	struct cpc_reader reader = cpc_reader_init(data, len);
	struct cpc_log_decision decision;
	int r = 0, count = 0;

	c->staged = *c->ops->tip(c->ctx);
	cpc_buffer_truncate(&c->chunk, 0);
	while (c->staged.slot < c->target && !has_ended(&c->staged) &&
	       (r = cpc_decision_decode(&reader, &decision)) > 0) {
		/* What the log has got meanwhile, by itself, is skipped. */
		if (decision.slot <= c->staged.slot)
			continue;
		if (cpc_log_verify(&c->staged, &decision, &c->staged, NULL) < 0)
			return -EBADMSG;
		r = cpc_decision_encode(&decision, &c->chunk);
		if (r < 0)
			break;	/* full: what is there will do for now */
		count++;
	}
	if (r == -EBADMSG)
		return r;
	if (c->staged.slot == c->target &&
	    memcmp(c->staged.log_hash.b, c->target_hash, sizeof(c->target_hash)) != 0)
		return -EBADMSG;
	return count;
}

static void take_body(struct cpc_catchup *c, const u8 *data, size_t len, u64 now_us)
{
	int count = read_chunk(c, data, len);

	if (count < 0)
		c->stats.bad++;
	if (count <= 0) {
		pass_over(c, now_us);
		return;
	}
	c->phase = CPC_CATCHUP_CONFIRM;
	c->asked = c->agreed = bit(c->source);
	c->pending = 0;
	ask_confirmers(c, now_us);
}

static void take_confirmation(struct cpc_catchup *c, unsigned int member, const u8 *data,
			      size_t len, u64 now_us)
{
	struct cpc_reader reader = cpc_reader_init(data, len);
	struct cpc_log_decision decision;
	bool good = cpc_decision_decode(&reader, &decision) > 0 &&
		    decision.slot == c->staged.slot;

	c->pending &= ~bit(member);
	if (good && memcmp(&decision.log_hash, &c->staged.log_hash, sizeof(struct cpc_hash)) == 0) {
		c->agreed |= bit(member);
	} else {
		c->stats.bad += good;
		c->doubtful |= bit(member);
	}
	ask_confirmers(c, now_us);
}

void cpc_catchup_start(struct cpc_catchup *c, u32 slot, const u8 log_hash[8], u64 now_us)
{
	if (c->phase != CPC_CATCHUP_IDLE && slot <= c->target)
		return;
	if (c->phase != CPC_CATCHUP_IDLE && c->phase != CPC_CATCHUP_WAIT) {
		/*
		 * Under way: what is being fetched ends at the old target and stays good. All but
		 * there, that one is reached first, so that claims do not run away from us.
		 */
		if (slot != CPC_CATCHUP_END && c->staged.slot == c->target &&
		    c->phase == CPC_CATCHUP_CONFIRM)
			return;
		c->target = slot;
		memcpy(c->target_hash, log_hash, sizeof(c->target_hash));
		return;
	}
	c->stats.started += c->phase == CPC_CATCHUP_IDLE;
	c->doubtful = 0;
	c->target = slot;
	memcpy(c->target_hash, log_hash, sizeof(c->target_hash));
	c->tried = 0;
	ask_source(c, now_us);
}

void cpc_catchup_peer(struct cpc_catchup *c, unsigned int member, bool up, u64 now_us)
{
	if (member >= c->n || member == c->self)
		return;
	c->up = up ? c->up | bit(member) : c->up & ~bit(member);
	if (up)
		c->doubtful &= ~bit(member);
	if (up && c->phase == CPC_CATCHUP_WAIT) {
		c->tried = 0;
		ask_source(c, now_us);
	} else if (!up && c->phase == CPC_CATCHUP_BODY && member == c->source) {
		pass_over(c, now_us);
	} else if (!up && c->phase == CPC_CATCHUP_CONFIRM && c->pending & bit(member)) {
		c->pending &= ~bit(member);
		ask_confirmers(c, now_us);
	}
}

void cpc_catchup_fetched(struct cpc_catchup *c, unsigned int member, const u8 *data, size_t len,
			 u64 now_us)
{
	if (c->phase == CPC_CATCHUP_BODY && member == c->source)
		take_body(c, data, len, now_us);
	else if (c->phase == CPC_CATCHUP_CONFIRM && member < c->n && c->pending & bit(member))
		take_confirmation(c, member, data, len, now_us);
	/* anything else is a late answer to a question that has lost its point */
}

void cpc_catchup_tick(struct cpc_catchup *c, u64 now_us)
{
	if (c->phase == CPC_CATCHUP_IDLE || now_us < c->deadline_us)
		return;
	switch (c->phase) {
	case CPC_CATCHUP_IDLE:
		break;
	case CPC_CATCHUP_WAIT:
		ask_source(c, now_us);
		break;
	case CPC_CATCHUP_BODY:
		c->stats.timeouts++;
		pass_over(c, now_us);
		break;
	case CPC_CATCHUP_CONFIRM:
		c->stats.timeouts++;
		c->doubtful |= c->pending;
		c->pending = 0;
		ask_confirmers(c, now_us);
		break;
	}
}
