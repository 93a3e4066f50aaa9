// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who has which place, and what a node that announces itself is to us. A place keeps its node
 * until it is released; callbacks may release any that is not in use up the stack, so whoever has
 * called one looks at the place again before going on.
 */
#include "agent/net/net_io.h"

static bool is_own(const struct cpc_net *net, const uint8_t *node_id)
{
	return memcmp(net->identity->node_id, node_id, CPC_NODE_ID_BYTES) == 0;
}

struct cpc_place *cpc_place_find(struct cpc_net *net, const uint8_t *node_id)
{
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		struct cpc_place *place = &net->places[i];

		if (place->used && memcmp(place->node_id, node_id, CPC_NODE_ID_BYTES) == 0)
			return place;
	}
	return NULL;
}

struct cpc_place *cpc_place_at(const struct cpc_net *net, unsigned index)
{
	if (index >= CPC_NET_PEERS_MAX || !net->places[index].used)
		return NULL;
	return (struct cpc_place *)&net->places[index];
}

unsigned cpc_place_index(const struct cpc_net *net, const struct cpc_place *place)
{
	return (unsigned)(place - net->places);
}

static unsigned strangers(const struct cpc_net *net)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++)
		n += net->places[i].used && !net->places[i].known;
	return n;
}

int cpc_place_take(struct cpc_net *net, const uint8_t *node_id, bool known,
		   struct cpc_place **ret)
{
	cpc_assert(!cpc_place_find(net, node_id));
	if (!known && strangers(net) >= CPC_NET_STRANGERS_MAX)
		return -EUSERS;
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		struct cpc_place *place = &net->places[i];

		if (place->used)
			continue;
		place->used = true;
		place->known = known;
		memcpy(place->node_id, node_id, CPC_NODE_ID_BYTES);
		place->status.since_us = cpc_net_now_us(net);
		cpc_peer_init(&place->peer, node_id);
		*ret = place;
		return 0;
	}
	return -ENOSPC;
}

void cpc_place_release(struct cpc_net *net, struct cpc_place *place)
{
	(void)net;
	if (!place->used || place->conn || (place->known && !place->forgotten))
		return;
	EVP_PKEY_free(place->public_key);
	*place = (struct cpc_place){ 0 };
}

bool cpc_place_dials(const struct cpc_net *net, const struct cpc_place *place)
{
	return place->used && place->known && !place->forgotten &&
	       (place->relation.call ||
		memcmp(net->identity->node_id, place->node_id, CPC_NODE_ID_BYTES) < 0);
}

bool cpc_place_missing(const struct cpc_place *place)
{
	return place->used && place->known && !place->forgotten && !place->relation.call &&
	       !place->status.up;
}

enum cpc_tls_trust cpc_place_judge(void *arg, const uint8_t node_id[CPC_NODE_ID_BYTES])
{
	const struct cpc_place *place = cpc_place_find(arg, node_id);

	if (!place || !place->known || place->forgotten)
		return CPC_TLS_STRANGER;
	return place->relation.trusted ? CPC_TLS_BY_KEY : CPC_TLS_BY_CERTIFICATE;
}

int cpc_net_know(struct cpc_net *net, const uint8_t node_id[32], struct cpc_net_relation relation)
{
	struct cpc_place *place = cpc_place_find(net, node_id);
	int r = 0;

	if (is_own(net, node_id))
		return -EINVAL;
	if (!place)
		r = cpc_place_take(net, node_id, true, &place);
	if (r < 0)
		return r;
	place->known = true;
	place->forgotten = false;
	place->relation = relation;
	if (!place->status.up)
		cpc_link_announce_soon(net);
	cpc_net_schedule(net);
	return (int)cpc_place_index(net, place);
}

void cpc_net_forget(struct cpc_net *net, unsigned peer)
{
	struct cpc_place *place = cpc_place_at(net, peer);

	if (!place)
		return;
	place->forgotten = true;
	if (place->status.up) {
		cpc_session_end_soon(net, place, CPC_NET_FAIL_FORGOTTEN, "no more of it");
		return;
	}
	/* An attempt at a session has called nobody, so it is not in use up the stack. */
	cpc_conn_free(place->conn);
	place->conn = NULL;
	cpc_place_release(net, place);
	cpc_net_schedule(net);
}

int cpc_net_find(const struct cpc_net *net, const uint8_t node_id[32])
{
	const struct cpc_place *place = cpc_place_find((struct cpc_net *)net, node_id);

	return place && !place->forgotten ? (int)cpc_place_index(net, place) : -ENOENT;
}

const uint8_t *cpc_net_node_id(const struct cpc_net *net, unsigned peer)
{
	const struct cpc_place *place = cpc_place_at(net, peer);

	return place ? place->node_id : NULL;
}

int cpc_net_peer_status(const struct cpc_net *net, unsigned peer,
			struct cpc_net_peer_status *ret)
{
	const struct cpc_place *place = cpc_place_at(net, peer);

	if (!place)
		return -EINVAL;
	*ret = place->status;
	ret->known = place->known;
	ret->relation = place->relation;
	ret->certified = place->certified;
	ret->cell = place->peer.presents.cell;
	ret->epoch = place->peer.presents.epoch;
	ret->rtt_us = place->peer.rtt_us;
	if (place->conn) {
		ret->rx_bytes += place->conn->rx_bytes;
		ret->tx_bytes += place->conn->tx_bytes;
	}
	return 0;
}

void cpc_net_status(const struct cpc_net *net, struct cpc_net_status *ret)
{
	*ret = net->status;
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++)
		ret->peers += net->places[i].used;
	ret->strangers = strangers(net);
}

/* ---- announcements heard ----------------------------------------------------------------- */

/*
 * Whether the node with that key wrote it, at that address; false also when too many have been
 * checked. `place`: the node's, which keeps the key; NULL: it has none.
 */
static bool is_genuine(struct cpc_net *net, struct cpc_place *place,
		       const struct cpc_announce *announce, const struct sockaddr_in6 *from)
{
	uint64_t now_us = cpc_net_now_us(net), *paid_us = &net->link.verify_us;
	uint8_t text[CPC_ANNOUNCE_SIGNED_MAX];
	EVP_PKEY *key = place ? place->public_key : NULL;
	size_t len;
	bool good;

	if (*paid_us > now_us + CPC_NET_VERIFY_BURST * CPC_NET_VERIFY_GAP_MS * 1000ull)
		return false;
	*paid_us = (*paid_us > now_us ? *paid_us : now_us) + CPC_NET_VERIFY_GAP_MS * 1000ull;
	if (!key)
		key = cpc_identity_public_key(announce->spki);
	len = cpc_announce_signed(announce, from->sin6_addr.s6_addr, text);
	good = key && cpc_identity_verify(key, text, len, announce->signature,
					  announce->signature_len);
	if (place)
		place->public_key = key;
	else
		EVP_PKEY_free(key);
	return good;
}

/* A node in no cell looks for ours. */
static bool asks(const struct cpc_net *net, const struct cpc_announce *announce)
{
	return net->presents.cell && announce->cell == net->presents.cell && !announce->epoch;
}

static bool is_sought(const struct cpc_net *net, const struct cpc_announce *announce)
{
	return net->sought && announce->cell == net->sought && announce->epoch;
}

/* Unlike multicast, radios repeat unicast frames. */
static void answer(struct cpc_net *net, const struct sockaddr_in6 *from)
{
	struct sockaddr_in6 to = *from;

	to.sin6_port = htons(net->port);
	cpc_link_answer(net, &to);
}

/* Whether to make something of it, and then with whom. */
static struct cpc_place *concerned(struct cpc_net *net, const struct cpc_announce *announce,
				   const struct sockaddr_in6 *from)
{
	uint8_t id[CPC_NODE_ID_BYTES];
	struct cpc_place *place;

	cpc_identity_of(announce->spki, id);
	if (is_own(net, id))
		return NULL;
	place = cpc_place_find(net, id);
	if (place && place->status.up)
		return place;	/* whatever it says costs one ping */
	if (!place && !asks(net, announce) && !is_sought(net, announce))
		return NULL;
	if (!is_genuine(net, place, announce, from))
		return NULL;
	if (!place && asks(net, announce)) {
		answer(net, from);
		return NULL;
	}
	if (!place) {
		net->ops.found(net->ctx, id, announce->epoch);
		place = cpc_place_find(net, id);
	}
	return place;
}

void cpc_net_on_announce(struct cpc_net *net, const struct cpc_announce *announce,
			 const struct sockaddr_in6 *from)
{
	struct cpc_place *place = concerned(net, announce, from);

	if (!place) {
		net->status.announcements_ignored++;
		return;
	}
	if (place->status.up) {
		if (cpc_announce_misses(announce, net->identity->node_id))
			cpc_session_doubt(net, place);
		return;
	}
	if (cpc_place_dials(net, place)) {
		cpc_dial_heard(&place->dial, from->sin6_addr.s6_addr, announce->port,
			       cpc_net_now_us(net), cpc_net_random());
		return;
	}
	/* It dials and may not have heard us. */
	answer(net, from);
}
