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

static bool same_epoch(struct cpc_net_epoch a, struct cpc_net_epoch b)
{
	return a.cell == b.cell && a.epoch == b.epoch;
}

void cpc_peer_init(struct cpc_peer *peer, const uint8_t node_id[CPC_NODE_ID_BYTES])
{
	*peer = (struct cpc_peer){ 0 };
	snprintf(peer->name, sizeof(peer->name), "node %02x%02x%02x%02x", node_id[0], node_id[1],
		 node_id[2], node_id[3]);
}

void cpc_peer_start(struct cpc_peer *peer, uint64_t now_us, uint64_t deadline_us,
		    struct cpc_net_epoch presents, struct cpc_peer_effects *fx)
{
	struct cpc_frame hello = { .type = CPC_FRAME_HELLO, .epoch = presents };

	cpc_assert(peer->state == CPC_PEER_DOWN);
	peer->state = CPC_PEER_HELLO;
	peer->deadline_us = deadline_us;
	peer->heard_us = now_us;
	say(fx, &hello);
}

void cpc_peer_present(struct cpc_peer *peer, struct cpc_net_epoch presents,
		      struct cpc_peer_effects *fx)
{
	struct cpc_frame hello = { .type = CPC_FRAME_HELLO, .epoch = presents };

	if (peer->state == CPC_PEER_UP)
		say(fx, &hello);
}

/* ---- keys -------------------------------------------------------------------------------- */

static struct cpc_peer_keys *find_keys(const struct cpc_peer *peer, struct cpc_net_epoch epoch)
{
	for (unsigned i = 0; i < 2 * CPC_NET_EPOCHS_MAX; i++) {
		const struct cpc_peer_keys *keys = &peer->keys[i];

		if ((keys->ours || keys->theirs) && same_epoch(keys->epoch, epoch))
			return (struct cpc_peer_keys *)keys;
	}
	return NULL;
}

/* Of the epochs that only they have offered, `bound` may stay; beyond that the oldest goes. */
static void forget_oldest(struct cpc_peer *peer, unsigned bound)
{
	struct cpc_peer_keys *oldest = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < 2 * CPC_NET_EPOCHS_MAX; i++) {
		struct cpc_peer_keys *keys = &peer->keys[i];

		if (keys->ours || !keys->theirs)
			continue;
		n++;
		if (!oldest || keys->order < oldest->order)
			oldest = keys;
	}
	if (n > bound)
		*oldest = (struct cpc_peer_keys){ 0 };
}

/* A place for an epoch that has none; the bounds of both lists see to it that there is one. */
static struct cpc_peer_keys *add_keys(struct cpc_peer *peer, struct cpc_net_epoch epoch)
{
	for (unsigned i = 0; i < 2 * CPC_NET_EPOCHS_MAX; i++) {
		struct cpc_peer_keys *keys = &peer->keys[i];

		if (keys->ours || keys->theirs)
			continue;
		*keys = (struct cpc_peer_keys){ .epoch = epoch };
		return keys;
	}
	return NULL;
}

/* What both ends will use from now on. */
static const uint8_t *chosen(const struct cpc_peer_keys *keys)
{
	return keys->rekey ? keys->said.fresh : keys->said.held;
}

static void conclude(struct cpc_peer *peer, struct cpc_peer_keys *keys,
		     struct cpc_peer_effects *fx)
{
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM, .epoch = keys->epoch };

	cpc_assert(keys->ours && keys->theirs);
	if (memcmp(keys->heard.fresh, keys->said.fresh, sizeof(keys->said.fresh)) != 0) {
		shut(fx, CPC_NET_FAIL_KEY, "%s exports another key for epoch %u of cell %u from "
		     "this session", peer->name, keys->epoch.epoch, keys->epoch.cell);
		return;
	}
	keys->rekey = !(keys->said.has_held && keys->heard.has_held &&
			memcmp(keys->said.held, keys->heard.held, sizeof(keys->said.held)) == 0);
	keys->agreed = false;
	memcpy(confirm.key_id, chosen(keys), sizeof(confirm.key_id));
	say(fx, &confirm);
}

bool cpc_peer_wants_offer(const struct cpc_peer *peer, struct cpc_net_epoch epoch)
{
	const struct cpc_peer_keys *keys = find_keys(peer, epoch);

	return peer->state == CPC_PEER_UP && !(keys && keys->ours);
}

void cpc_peer_offer(struct cpc_peer *peer, struct cpc_net_epoch epoch, const uint8_t *held,
		    const uint8_t *fresh, struct cpc_peer_effects *fx)
{
	struct cpc_frame frame = { .type = CPC_FRAME_OFFER, .epoch = epoch };
	struct cpc_peer_keys *keys = find_keys(peer, epoch);

	cpc_assert(cpc_peer_wants_offer(peer, epoch));
	if (!keys)
		keys = add_keys(peer, epoch);
	cpc_assert(keys);
	frame.offer.has_held = held != NULL;
	if (held)
		memcpy(frame.offer.held, held, sizeof(frame.offer.held));
	memcpy(frame.offer.fresh, fresh, sizeof(frame.offer.fresh));
	keys->ours = true;
	keys->said = frame.offer;
	say(fx, &frame);
	if (keys->theirs)
		conclude(peer, keys, fx);
}

void cpc_peer_keep(struct cpc_peer *peer, const struct cpc_net_epoch *epochs, unsigned n)
{
	for (unsigned i = 0; i < 2 * CPC_NET_EPOCHS_MAX; i++) {
		struct cpc_peer_keys *keys = &peer->keys[i];
		bool kept = !keys->ours;

		for (unsigned k = 0; k < n && !kept; k++)
			kept = same_epoch(keys->epoch, epochs[k]);
		if (kept)
			continue;
		keys->ours = keys->rekey = keys->agreed = false;
		forget_oldest(peer, CPC_NET_EPOCHS_MAX);
	}
}

/* Pays for one more from a budget of `burst` at once and then one per `gap_ms`. */
static void pay(uint64_t *paid_us, uint64_t now_us, unsigned gap_ms)
{
	*paid_us = (*paid_us > now_us ? *paid_us : now_us) + MS(gap_ms);
}

/* When that budget allows the next one. */
static uint64_t budget_us(uint64_t paid_us, unsigned burst, unsigned gap_ms)
{
	uint64_t credit = MS(burst * gap_ms);

	return paid_us > credit ? paid_us - credit : 0;
}

static void on_offer(struct cpc_peer *peer, const struct cpc_frame *frame,
		     struct cpc_peer_effects *fx)
{
	struct cpc_peer_keys *keys = find_keys(peer, frame->epoch);

	if (!keys) {
		forget_oldest(peer, CPC_NET_EPOCHS_MAX - 1);
		keys = add_keys(peer, frame->epoch);
	}
	cpc_assert(keys);
	keys->theirs = true;
	keys->heard = frame->offer;
	keys->order = ++peer->offers;
	if (keys->ours)
		conclude(peer, keys, fx);
}

static void on_confirm(struct cpc_peer *peer, const struct cpc_frame *frame,
		       struct cpc_peer_effects *fx)
{
	struct cpc_peer_keys *keys = find_keys(peer, frame->epoch);

	/* It left our list while this was under way. */
	if (!keys || !keys->ours)
		return;
	if (!keys->theirs) {
		shut(fx, CPC_NET_FAIL_ORDER, "%s confirms a key for epoch %u of cell %u before it "
		     "offers one", peer->name, keys->epoch.epoch, keys->epoch.cell);
		return;
	}
	if (memcmp(frame->key_id, chosen(keys), CPC_KEY_ID_BYTES) != 0) {
		shut(fx, CPC_NET_FAIL_KEY, "%s chose another key for epoch %u of cell %u",
		     peer->name, keys->epoch.epoch, keys->epoch.cell);
		return;
	}
	if (keys->agreed)
		return;
	keys->agreed = true;
	fx->install = keys->rekey;
	fx->epoch = keys->epoch;
}

/* ---- the session ------------------------------------------------------------------------- */

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

static void on_fetch(struct cpc_peer *peer, const struct cpc_frame *frame,
		     struct cpc_peer_effects *fx)
{
	if (peer->serving) {
		shut(fx, CPC_NET_FAIL_ORDER, "%s asks again before it is answered", peer->name);
		return;
	}
	peer->serving = true;
	peer->serve_epoch = frame->epoch;
	peer->serve_after = frame->after_slot;
}

static void on_decisions(struct cpc_peer *peer, const struct cpc_frame *frame,
			 struct cpc_peer_effects *fx)
{
	if (!peer->fetching) {
		shut(fx, CPC_NET_FAIL_ORDER, "%s answers without being asked", peer->name);
		return;
	}
	peer->fetching = false;
	fx->fetched = true;
	fx->blob = frame->blob.data;
	fx->blob_len = frame->blob.len;
}

/* Frames of a session that is up. */
static void on_frame_up(struct cpc_peer *peer, uint64_t now_us, const struct cpc_frame *frame,
			struct cpc_peer_effects *fx)
{
	struct cpc_frame pong = { .type = CPC_FRAME_PONG, .token = frame->token };

	switch (frame->type) {
	case CPC_FRAME_HELLO:
		peer->presents = frame->epoch;
		return;
	case CPC_FRAME_OFFER:
		pay(&peer->taken_us, now_us, CPC_NET_TELL_GAP_MS);
		on_offer(peer, frame, fx);
		return;
	case CPC_FRAME_CONFIRM:
		on_confirm(peer, frame, fx);
		return;
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
		on_fetch(peer, frame, fx);
		return;
	case CPC_FRAME_DECISIONS:
		on_decisions(peer, frame, fx);
		return;
	case CPC_FRAME_TELL:
		pay(&peer->taken_us, now_us, CPC_NET_TELL_GAP_MS);
		fx->told = true;
		fx->blob = frame->blob.data;
		fx->blob_len = frame->blob.len;
		return;
	}
}

void cpc_peer_frame(struct cpc_peer *peer, uint64_t now_us, const struct cpc_frame *frame,
		    struct cpc_peer_effects *fx)
{
	cpc_assert(peer->state != CPC_PEER_DOWN);
	if (peer->state == CPC_PEER_UP) {
		on_frame_up(peer, now_us, frame, fx);
		return;
	}
	if (frame->type != CPC_FRAME_HELLO) {
		shut(fx, CPC_NET_FAIL_ORDER, "%s says frame %d before its greeting", peer->name,
		     frame->type);
		return;
	}
	peer->presents = frame->epoch;
	peer->state = CPC_PEER_UP;
	fx->up = true;
}

uint64_t cpc_peer_take_us(const struct cpc_peer *peer)
{
	return budget_us(peer->taken_us, CPC_NET_TELL_BURST, CPC_NET_TELL_GAP_MS);
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
			shut(fx, CPC_NET_FAIL_DEADLINE, "%s did not greet in time", peer->name);
		return;
	}
	if (now_us >= dead_us(peer))
		shut(fx, CPC_NET_FAIL_DEAD, "%s has not answered for %u s", peer->name,
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

int cpc_peer_fetch(struct cpc_peer *peer, uint64_t now_us, struct cpc_net_epoch epoch,
		   uint32_t after_slot, struct cpc_peer_effects *fx)
{
	struct cpc_frame frame = { .type = CPC_FRAME_FETCH, .epoch = epoch,
				   .after_slot = after_slot };

	if (peer->state != CPC_PEER_UP)
		return -ENOTCONN;
	if (peer->fetching)
		return -EBUSY;
	peer->fetching = true;
	/* Somebody waits for this answer, so a dead peer should be found out soon. */
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

int cpc_peer_tell(struct cpc_peer *peer, uint64_t now_us)
{
	if (peer->state != CPC_PEER_UP)
		return -ENOTCONN;
	if (now_us < budget_us(peer->told_us, CPC_NET_TELL_BURST, CPC_NET_TELL_GAP_MS))
		return -EAGAIN;
	pay(&peer->told_us, now_us, CPC_NET_TELL_GAP_MS);
	return 0;
}

uint64_t cpc_peer_serve_us(const struct cpc_peer *peer)
{
	if (peer->state != CPC_PEER_UP || !peer->serving)
		return CPC_NEVER_US;
	return budget_us(peer->serve_us, CPC_NET_FETCH_BURST, CPC_NET_FETCH_GAP_MS);
}

void cpc_peer_served(struct cpc_peer *peer, uint64_t now_us)
{
	cpc_assert(peer->serving);
	peer->serving = false;
	pay(&peer->serve_us, now_us, CPC_NET_FETCH_GAP_MS);
}

void cpc_peer_stop(struct cpc_peer *peer)
{
	struct cpc_peer fresh = {
		/* The paces, the measured time and the news outlive a session. */
		.serve_us = peer->serve_us, .taken_us = peer->taken_us, .told_us = peer->told_us,
		.rtt_us = peer->rtt_us, .presents = peer->presents,
	};

	memcpy(fresh.name, peer->name, sizeof(fresh.name));
	*peer = fresh;
}
