// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/peer.h"

#include <stdarg.h>
#include <stdio.h>

#define MS(ms) ((uint64_t)(ms) * 1000)

static void shut(struct cpc_peer_effects *fx, enum cpc_net_failure failure, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void shut(struct cpc_peer_effects *fx, enum cpc_net_failure failure, const char *format, ...)
{
	va_list args;

	fx->closing = true;
	fx->failure = failure;
	va_start(args, format);
	vsnprintf(fx->error, sizeof(fx->error), format, args);
	va_end(args);
}

static void say(struct cpc_peer_effects *fx, const struct cpc_frame *frame)
{
	struct cpc_writer w = cpc_writer_init(fx->out + fx->out_len,
					      sizeof(fx->out) - fx->out_len);

	cpc_frame_encode(&w, frame);
	/* No event makes more than two small frames. */
	cpc_assert(!w.failed);
	fx->out_len += w.used;
}

void cpc_peer_init(struct cpc_peer *peer, uint16_t cell, uint16_t epoch, unsigned self,
		   unsigned member)
{
	cpc_assert(self != member && self < CPC_MEMBERS_MAX && member < CPC_MEMBERS_MAX);
	*peer = (struct cpc_peer){ .cell = cell, .epoch = epoch, .self = (uint8_t)self,
				   .member = (uint8_t)member };
}

void cpc_peer_start(struct cpc_peer *peer, uint64_t now_us, uint64_t deadline_us,
		    const uint8_t *held, const uint8_t *fresh, struct cpc_peer_effects *fx)
{
	struct cpc_frame frame = { .type = CPC_FRAME_HELLO };

	cpc_assert(peer->state == CPC_PEER_DOWN);
	peer->state = CPC_PEER_HELLO;
	peer->has_held = held != NULL;
	if (held)
		memcpy(peer->held, held, sizeof(peer->held));
	memcpy(peer->fresh, fresh, sizeof(peer->fresh));
	peer->deadline_us = deadline_us;
	peer->heard_us = now_us;
	frame.hello = (struct cpc_frame_hello){ .cell = peer->cell, .epoch = peer->epoch,
						.index = peer->self, .has_held = peer->has_held };
	memcpy(frame.hello.held, peer->held, sizeof(peer->held));
	memcpy(frame.hello.fresh, peer->fresh, sizeof(peer->fresh));
	say(fx, &frame);
}

void cpc_peer_heard(struct cpc_peer *peer, uint64_t now_us)
{
	peer->heard_us = now_us;
	peer->ping_us = 0;
	peer->probe_us = 0;
}

static void ping(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx)
{
	struct cpc_frame frame = { .type = CPC_FRAME_PING, .token = ++peer->token };

	peer->ping_us = now_us;
	peer->ping_sent_us = now_us;
	say(fx, &frame);
}

/* What both ends will use from now on. */
static const uint8_t *chosen(const struct cpc_peer *peer)
{
	return peer->rekey ? peer->fresh : peer->held;
}

static void on_hello(struct cpc_peer *peer, const struct cpc_frame_hello *hello,
		     struct cpc_peer_effects *fx)
{
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM };

	if (hello->cell != peer->cell) {
		shut(fx, CPC_NET_FAIL_CELL, "member %u is in cell %u, we are in cell %u",
		     peer->member, hello->cell, peer->cell);
		return;
	}
	if (hello->epoch != peer->epoch) {
		shut(fx, CPC_NET_FAIL_EPOCH, "member %u is in epoch %u of the cell, we are in %u",
		     peer->member, hello->epoch, peer->epoch);
		return;
	}
	if (hello->index != peer->member) {
		shut(fx, CPC_NET_FAIL_INDEX, "member %u takes itself for member %u: the member "
		     "lists differ", peer->member, hello->index);
		return;
	}
	if (memcmp(hello->fresh, peer->fresh, sizeof(peer->fresh)) != 0) {
		shut(fx, CPC_NET_FAIL_KEY, "member %u exports another cell key from this session",
		     peer->member);
		return;
	}
	peer->rekey = !(peer->has_held && hello->has_held &&
			memcmp(peer->held, hello->held, sizeof(peer->held)) == 0);
	peer->state = CPC_PEER_CONFIRM;
	memcpy(confirm.key_id, chosen(peer), sizeof(confirm.key_id));
	say(fx, &confirm);
}

static void on_confirm(struct cpc_peer *peer, const uint8_t *key_id, struct cpc_peer_effects *fx)
{
	if (memcmp(key_id, chosen(peer), CPC_KEY_ID_BYTES) != 0) {
		shut(fx, CPC_NET_FAIL_KEY, "member %u chose another cell key", peer->member);
		return;
	}
	peer->state = CPC_PEER_UP;
	fx->install = peer->rekey;
	fx->up = true;
}

static void on_fetch(struct cpc_peer *peer, uint32_t after_slot, struct cpc_peer_effects *fx)
{
	if (peer->serving) {
		shut(fx, CPC_NET_FAIL_ORDER, "member %u asks again before it is answered",
		     peer->member);
		return;
	}
	peer->serving = true;
	peer->serve_after = after_slot;
}

static void on_decisions(struct cpc_peer *peer, const struct cpc_frame *frame,
			 struct cpc_peer_effects *fx)
{
	if (!peer->fetching) {
		shut(fx, CPC_NET_FAIL_ORDER, "member %u answers without being asked", peer->member);
		return;
	}
	peer->fetching = false;
	fx->fetched = true;
	fx->blob = frame->blob.data;
	fx->blob_len = frame->blob.len;
}

/* Frames that only an agreed session may carry. */
static void on_frame_up(struct cpc_peer *peer, uint64_t now_us, const struct cpc_frame *frame,
			struct cpc_peer_effects *fx)
{
	struct cpc_frame pong = { .type = CPC_FRAME_PONG, .token = frame->token };

	switch (frame->type) {
	case CPC_FRAME_HELLO:
	case CPC_FRAME_CONFIRM:
		break;
	case CPC_FRAME_PING:
		say(fx, &pong);
		return;
	case CPC_FRAME_PONG:
		if (frame->token == peer->token && peer->ping_sent_us) {
			peer->rtt_us = (uint32_t)(now_us - peer->ping_sent_us);
			peer->ping_sent_us = 0;
		}
		return;
	case CPC_FRAME_FETCH:
		on_fetch(peer, frame->after_slot, fx);
		return;
	case CPC_FRAME_DECISIONS:
		on_decisions(peer, frame, fx);
		return;
	}
	shut(fx, CPC_NET_FAIL_ORDER, "member %u repeats its greeting", peer->member);
}

void cpc_peer_frame(struct cpc_peer *peer, uint64_t now_us, const struct cpc_frame *frame,
		    struct cpc_peer_effects *fx)
{
	cpc_assert(peer->state != CPC_PEER_DOWN);
	if (peer->state == CPC_PEER_UP)
		on_frame_up(peer, now_us, frame, fx);
	else if (peer->state == CPC_PEER_HELLO && frame->type == CPC_FRAME_HELLO)
		on_hello(peer, &frame->hello, fx);
	else if (peer->state == CPC_PEER_CONFIRM && frame->type == CPC_FRAME_CONFIRM)
		on_confirm(peer, frame->key_id, fx);
	else
		shut(fx, CPC_NET_FAIL_ORDER, "member %u says frame %d before the keys are agreed",
		     peer->member, frame->type);
}

static uint64_t dead_us(const struct cpc_peer *peer)
{
	uint64_t silent = peer->heard_us + MS(CPC_NET_DEAD_MS);
	uint64_t overdue = peer->probe_us ? peer->probe_us + MS(CPC_NET_PROBE_DEAD_MS) :
			   CPC_NEVER_US;

	return silent < overdue ? silent : overdue;
}

static uint64_t next_ping_us(const struct cpc_peer *peer)
{
	if (peer->ping_us)
		return peer->ping_us + MS(CPC_NET_PING_GAP_MS);
	/* One gap's grace, as the answer may be under way. */
	if (peer->probe_us)
		return peer->probe_us + MS(CPC_NET_PING_GAP_MS);
	return peer->heard_us + MS(CPC_NET_PING_IDLE_MS);
}

void cpc_peer_tick(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx)
{
	if (peer->state == CPC_PEER_DOWN)
		return;
	if (peer->state != CPC_PEER_UP) {
		if (now_us >= peer->deadline_us)
			shut(fx, CPC_NET_FAIL_DEADLINE, "member %u did not agree on a key in time",
			     peer->member);
		return;
	}
	if (now_us >= dead_us(peer))
		shut(fx, CPC_NET_FAIL_DEAD, "member %u has not answered for %u s", peer->member,
		     (unsigned)((now_us - peer->heard_us) / 1000000));
	else if (now_us >= next_ping_us(peer))
		ping(peer, now_us, fx);
}

uint64_t cpc_peer_wake_us(const struct cpc_peer *peer)
{
	uint64_t wake, other;

	if (peer->state == CPC_PEER_DOWN)
		return CPC_NEVER_US;
	if (peer->state != CPC_PEER_UP)
		return peer->deadline_us;
	wake = dead_us(peer);
	other = next_ping_us(peer);
	return other < wake ? other : wake;
}

int cpc_peer_fetch(struct cpc_peer *peer, uint64_t now_us, uint32_t after_slot,
		   struct cpc_peer_effects *fx)
{
	struct cpc_frame frame = { .type = CPC_FRAME_FETCH, .after_slot = after_slot };

	if (peer->state != CPC_PEER_UP)
		return -ENOTCONN;
	if (peer->fetching)
		return -EBUSY;
	peer->fetching = true;
	/* Somebody waits for this answer, so a dead member should be found out soon. */
	if (!peer->probe_us)
		peer->probe_us = now_us;
	say(fx, &frame);
	return 0;
}

void cpc_peer_doubt(struct cpc_peer *peer, uint64_t now_us, struct cpc_peer_effects *fx)
{
	if (peer->state != CPC_PEER_UP || peer->probe_us)
		return;
	peer->probe_us = now_us;
	if (!peer->ping_us)
		ping(peer, now_us, fx);
}

uint64_t cpc_peer_serve_us(const struct cpc_peer *peer)
{
	uint64_t credit = MS(CPC_NET_FETCH_BURST * CPC_NET_FETCH_GAP_MS);

	if (peer->state != CPC_PEER_UP || !peer->serving)
		return CPC_NEVER_US;
	return peer->serve_us > credit ? peer->serve_us - credit : 0;
}

void cpc_peer_served(struct cpc_peer *peer, uint64_t now_us)
{
	uint64_t from = peer->serve_us > now_us ? peer->serve_us : now_us;

	cpc_assert(peer->serving);
	peer->serving = false;
	peer->serve_us = from + MS(CPC_NET_FETCH_GAP_MS);
}

void cpc_peer_stop(struct cpc_peer *peer)
{
	struct cpc_peer fresh;

	cpc_peer_init(&fresh, peer->cell, peer->epoch, peer->self, peer->member);
	/* The pace of answers and the measured time outlive a session. */
	fresh.serve_us = peer->serve_us;
	fresh.rtt_us = peer->rtt_us;
	*peer = fresh;
}
