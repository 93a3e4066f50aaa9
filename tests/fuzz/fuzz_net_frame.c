// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a peer or a stranger can put on the wire of agent/net. The first byte chooses:
 *	0	an announcement: what decodes must encode to the same bytes
 *	else	a session's byte stream, cut at places that the byte decides and fed to a peer that
 *		is waiting for HELLO (1), or up (2, 3): whatever comes, it keeps its rules
 */
#include "agent/net/announce.h"
#include "agent/net/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_announce(const uint8_t *data, size_t size)
{
	struct cpc_announce announce;
	uint8_t again[CPC_ANNOUNCE_MAX];
	size_t len;

	if (cpc_announce_decode(data, size, &announce) < 0)
		return;
	len = cpc_announce_encode(&announce, again);
	cpc_assert(len == size && memcmp(again, data, size) == 0);
}

/* Small frames have one encoding: what was understood encodes to what was received. */
static void check_encoding(const struct cpc_frame *frame, const uint8_t *data, size_t len)
{
	uint8_t again[CPC_FRAME_SMALL_MAX];
	struct cpc_writer w = cpc_writer_init(again, sizeof(again));

	if (frame->type == CPC_FRAME_DECISIONS) {
		cpc_assert(frame->blob.len == len - CPC_FRAME_HEADER_BYTES);
		cpc_assert(frame->blob.data == data + CPC_FRAME_HEADER_BYTES);
		return;
	}
	cpc_frame_encode(&w, frame);
	cpc_assert(!w.failed && w.used == len && memcmp(again, data, len) == 0);
}

static void check_effects(const struct cpc_peer *peer, const struct cpc_peer_effects *fx)
{
	struct cpc_frame frame;
	size_t used = 0;

	cpc_assert(!fx->install || fx->up);
	cpc_assert(!fx->up || peer->state == CPC_PEER_UP);
	cpc_assert(!fx->closing || (!fx->install && !fx->up && !fx->fetched));
	cpc_assert(!fx->closing || strlen(fx->error) > 0);
	/* What we say is understood. */
	while (used < fx->out_len) {
		int len = cpc_frame_decode(fx->out + used, fx->out_len - used, &frame);

		cpc_assert(len > 0);
		used += (size_t)len;
	}
}

static void bring_up(struct cpc_peer *peer, const uint8_t *fresh)
{
	struct cpc_frame hello = { .type = CPC_FRAME_HELLO,
				   .hello = { .cell = 7, .epoch = 3, .index = 2 } };
	struct cpc_frame confirm = { .type = CPC_FRAME_CONFIRM };
	struct cpc_peer_effects fx = { 0 };

	memcpy(hello.hello.fresh, fresh, CPC_KEY_ID_BYTES);
	memcpy(confirm.key_id, fresh, CPC_KEY_ID_BYTES);
	cpc_peer_frame(peer, 1, &hello, &fx);
	cpc_peer_frame(peer, 1, &confirm, &fx);
	cpc_assert(peer->state == CPC_PEER_UP && fx.install);
}

static void fuzz_session(uint8_t how, const uint8_t *data, size_t size)
{
	static const uint8_t fresh[CPC_KEY_ID_BYTES] = "freshkey";
	struct cpc_peer_effects fx = { 0 };
	struct cpc_peer peer;
	size_t used = 0;

	cpc_peer_init(&peer, 7, 3, 1, 2);
	cpc_peer_start(&peer, 1, 15000001, NULL, fresh, &fx);
	if (how & 2)
		bring_up(&peer, fresh);
	for (uint64_t now_us = 1; used < size; now_us += 10000) {
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
		if (fx.closing)
			break;
		if (now_us >= cpc_peer_serve_us(&peer))
			cpc_peer_served(&peer, now_us);
		if (how & 4)
			cpc_peer_fetch(&peer, now_us, 5, &fx);
		cpc_assert(cpc_peer_wake_us(&peer) > now_us);
	}
	cpc_peer_stop(&peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 0)
		fuzz_announce(data + 1, size - 1);
	else
		fuzz_session(data[0], data + 1, size - 1);
	return 0;
}
