// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a peer can put on the wire of agent/net: a session's byte stream, fed to a peer that is
 * waiting for HELLO, or up (bit 1 of the first byte). Its other bits say what the user does
 * meanwhile: bit 2 fetch, bit 3 change the list of epochs, bit 4 tell. Whatever comes, the session
 * keeps its rules.
 */
#include "agent/net/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small frames have one encoding: what was understood encodes to what was received. */
static void check_encoding(const struct cpc_frame *frame, const uint8_t *data, size_t len)
{
	uint8_t again[CPC_FRAME_SMALL_MAX];
	struct cpc_writer w = cpc_writer_init(again, sizeof(again));

	cpc_assert(cpc_frame_bytes(frame) == len);
	if (frame->type == CPC_FRAME_DECISIONS || frame->type == CPC_FRAME_TELL) {
		cpc_assert(frame->blob.len == len - CPC_FRAME_HEADER_BYTES);
		cpc_assert(frame->blob.data == data + CPC_FRAME_HEADER_BYTES);
		cpc_assert(frame->type == CPC_FRAME_DECISIONS ||
			   (frame->blob.len && frame->blob.len <= CPC_NET_TELL_MAX));
		return;
	}
	cpc_frame_encode(&w, frame);
	cpc_assert(!w.failed && w.used == len && memcmp(again, data, len) == 0);
}

/* Ours and theirs within their bounds, no epoch twice. */
static void check_keys(const struct cpc_peer *peer)
{
	unsigned ours = 0, theirs = 0;

	for (unsigned i = 0; i < 2 * CPC_NET_EPOCHS_MAX; i++) {
		const struct cpc_peer_keys *a = &peer->keys[i];

		ours += a->ours;
		theirs += a->theirs && !a->ours;
		cpc_assert(!a->agreed || (a->ours && a->theirs));
		for (unsigned k = 0; k < i && (a->ours || a->theirs); k++) {
			const struct cpc_peer_keys *b = &peer->keys[k];

			cpc_assert(!(b->ours || b->theirs) || a->epoch.cell != b->epoch.cell ||
				   a->epoch.epoch != b->epoch.epoch);
		}
	}
	cpc_assert(ours <= CPC_NET_EPOCHS_MAX && theirs <= CPC_NET_EPOCHS_MAX);
}

static void check_effects(const struct cpc_peer *peer, const struct cpc_peer_effects *fx)
{
	struct cpc_frame frame;
	size_t used = 0;

	cpc_assert(!fx->up || peer->state == CPC_PEER_UP);
	cpc_assert(!fx->install || (peer->state == CPC_PEER_UP && !fx->up));
	cpc_assert(!fx->closing || (!fx->install && !fx->up && !fx->fetched && !fx->told));
	cpc_assert(!fx->closing || strlen(fx->error) > 0);
	/* What we say is understood. */
	while (used < fx->out_len) {
		int len = cpc_frame_decode(fx->out + used, fx->out_len - used, &frame);

		cpc_assert(len > 0);
		used += (size_t)len;
	}
	check_keys(peer);
}

/* Our list: `n` epochs of cell 7 from `first` on. False: the session is to be closed. */
static bool set_list(struct cpc_peer *peer, uint16_t first, unsigned n)
{
	static const uint8_t fresh[CPC_KEY_ID_BYTES] = "freshkey";
	struct cpc_net_epoch epochs[CPC_NET_EPOCHS_MAX];

	for (unsigned i = 0; i < n; i++)
		epochs[i] = (struct cpc_net_epoch){ 7, (uint16_t)(first + i) };
	cpc_peer_keep(peer, epochs, n);
	for (unsigned i = 0; i < n; i++) {
		struct cpc_peer_effects fx = { 0 };

		if (!cpc_peer_wants_offer(peer, epochs[i]))
			continue;
		cpc_peer_offer(peer, epochs[i], i % 2 ? fresh : NULL, fresh, &fx);
		check_effects(peer, &fx);
		if (fx.closing)
			return false;
	}
	return true;
}

static void interfere(struct cpc_peer *peer, uint8_t how, uint64_t now_us)
{
	struct cpc_peer_effects fx = { 0 };

	if (now_us >= cpc_peer_serve_us(peer))
		cpc_peer_served(peer, now_us);
	if (how & 4)
		cpc_peer_fetch(peer, now_us, (struct cpc_net_epoch){ 7, 3 }, 5, &fx);
	if (how & 16)
		cpc_peer_tell(peer, now_us);
	check_effects(peer, &fx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t node_id[CPC_NODE_ID_BYTES] = { 1, 2, 3, 4 };
	static const struct cpc_net_epoch presents = { 7, 3 };
	struct cpc_frame hello = { .type = CPC_FRAME_HELLO, .epoch = presents };
	struct cpc_peer_effects fx = { 0 };
	struct cpc_peer peer;
	size_t used = 1;
	bool open = true;

	if (size == 0)
		return 0;
	cpc_peer_init(&peer, node_id);
	cpc_peer_start(&peer, 1, 15000001, presents, &fx);
	if (data[0] & 2)
		cpc_peer_frame(&peer, 1, &hello, &fx);
	for (uint64_t now_us = 1; open && used < size; now_us += 10000) {
		struct cpc_frame frame;
		int len = cpc_frame_decode(data + used, size - used, &frame);

		fx = (struct cpc_peer_effects){ 0 };
		if (len <= 0)
			break;
		check_encoding(&frame, data + used, (size_t)len);
		used += (size_t)len;
		cpc_peer_heard(&peer, now_us);
		cpc_peer_frame(&peer, now_us, &frame, &fx);
		check_effects(&peer, &fx);
		open = !fx.closing;
		if (!open || peer.state != CPC_PEER_UP)
			continue;
		interfere(&peer, data[0], now_us);
		open = set_list(&peer, data[0] & 8 ? (uint16_t)(now_us / 20000) : 3,
				1 + now_us / 10000 % CPC_NET_EPOCHS_MAX);
		cpc_assert(cpc_peer_wake_us(&peer) > now_us);
	}
	cpc_peer_stop(&peer);
	return 0;
}
