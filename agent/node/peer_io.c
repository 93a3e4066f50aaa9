// SPDX-License-Identifier: BSD-3-Clause
/*
 * peer_io.c - the other vehicles' agents: whom we know and call, keys agreed on with them, what
 * they ask and tell.
 *
 *   members of our epoch        known: the lower node id dials
 *   [known] of the file         called: they may not know us yet
 *   members of a cell we seek   called, once found by their announcements or named in a view that
 *                               is believed
 *
 * Keys are agreed for the epoch that we are in, for the one before as long as the kernel has it,
 * and ahead for the next one, whose number is known though its members are not. A key ahead waits
 * here for its epoch.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

int cpc_node_peer_member(const struct cpc_node *node, unsigned int peer)
{
	const uint8_t *id = node->net ? cpc_net_node_id(node->net, peer) : NULL;
	int member = id && node->running ? cpc_cell_epoch_find(&node->epoch, id) : -1;

	return member < 0 ? -1 : member;
}

int cpc_node_member_peer(const struct cpc_node *node, unsigned int member)
{
	int peer = node->net && member < node->n && member != node->self ?
			   cpc_net_find(node->net, node->epoch.node_id[member]) : -1;

	return peer < 0 ? -1 : peer;
}

bool cpc_node_is_trusted(const struct cpc_node *node, unsigned int peer)
{
	struct cpc_net_peer_status status;

	return cpc_net_peer_status(node->net, peer, &status) == 0 &&
	       (status.certified || status.relation.trusted);
}

static const char *peer_name(const struct cpc_node *node, unsigned int peer)
{
	const uint8_t *id = cpc_net_node_id(node->net, peer);

	return id ? cpc_node_name(node, id) : "?";
}

/* ---- whom we know, what we offer ------------------------------------------------------------- */

/* The newest epoch of the cell we seek that is to be believed. */
static const struct cpc_cell_epoch *sought(const struct cpc_node *node)
{
	return node->seeking ? cpc_seek_believed(&node->seek, node->seeking) : NULL;
}

static void know(struct cpc_node *node, const uint8_t node_id[32], bool call)
{
	struct cpc_net_relation relation = { .call = call, .trusted = true };

	/* A table that is full of strangers has room again soon. */
	cpc_net_know(node->net, node_id, relation);
}

static void know_all(struct cpc_node *node, const struct cpc_cell_epoch *e, bool call)
{
	uint8_t own[32];
	unsigned int i;

	cpc_node_own_id(node, own);
	for (i = 0; i < e->n; i++)
		if (memcmp(e->node_id[i], own, sizeof(own)) != 0)
			know(node, e->node_id[i], call);
}

static bool is_wanted(const struct cpc_node *node, const uint8_t node_id[32])
{
	const struct cpc_cell_epoch *s = sought(node);

	if (node->running && cpc_cell_epoch_find(&node->epoch, node_id) >= 0)
		return true;
	if (node->old.n && cpc_cell_epoch_find(&node->old, node_id) >= 0)
		return true;
	if (node->outside && node->seeking &&
	    cpc_cell_epoch_find(cpc_store_selected(node->store), node_id) >= 0)
		return true;
	return (s && cpc_cell_epoch_find(s, node_id) >= 0) ||
	       cpc_config_name(node->config, node_id);
}

/* Who has nothing to do with us any more. A stranger that we called has to be worth it. */
static void forget_others(struct cpc_node *node)
{
	unsigned int peer;

	for (peer = 0; peer < CPC_NET_PEERS_MAX; peer++) {
		const uint8_t *id = cpc_net_node_id(node->net, peer);
		struct cpc_net_peer_status status;

		if (!id || cpc_net_peer_status(node->net, peer, &status) < 0 || !status.known ||
		    is_wanted(node, id))
			continue;
		if (node->seeking && !status.relation.trusted && (status.up || !status.error[0]))
			continue;
		cpc_net_forget(node->net, peer);
	}
}

static void offer(struct cpc_net_epoch *list, unsigned int *n, u16 cell, u32 epoch)
{
	if (epoch == 0 || epoch > UINT16_MAX || *n == CPC_NET_EPOCHS_MAX)
		return;
	list[(*n)++] = (struct cpc_net_epoch){ cell, (u16)epoch };
}

static void offer_epochs(struct cpc_node *node)
{
	const struct cpc_cell_epoch *s = sought(node);
	struct cpc_net_epoch list[CPC_NET_EPOCHS_MAX];
	unsigned int n = 0;

	if (node->running) {
		offer(list, &n, node->epoch.cell, node->epoch.epoch);
		offer(list, &n, node->epoch.cell, node->epoch.epoch + 1u);
	}
	if (s) {
		offer(list, &n, s->cell, s->epoch + 1u);
		offer(list, &n, s->cell, s->epoch);
	}
	if (node->running && node->splitting)
		offer(list, &n, node->splitting, 1);
	if (node->running && node->old.n)
		offer(list, &n, node->old.cell, node->old.epoch);
	cpc_net_offer(node->net, list, n);
}

void cpc_node_net_update(struct cpc_node *node)
{
	const struct cpc_cell_epoch *s = sought(node);
	unsigned int i;

	if (!node->net)
		return;
	for (i = 0; i < node->config->knowns; i++)
		if (!node->running ||
		    cpc_cell_epoch_find(&node->epoch, node->config->known[i].node_id) < 0)
			know(node, node->config->known[i].node_id, true);
	if (node->outside && node->seeking && cpc_store_selected(node->store)->epoch)
		know_all(node, cpc_store_selected(node->store), true);
	if (s)
		know_all(node, s, true);
	if (node->old.n)
		know_all(node, &node->old, false);
	if (node->running)
		know_all(node, &node->epoch, false);
	forget_others(node);
	cpc_net_present(node->net, node->running ? node->cell : 0,
			node->running ? node->epoch.epoch : 0);
	cpc_net_seek(node->net, node->seeking);
	offer_epochs(node);
}

int cpc_node_net_start(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_net_config config = {
		.event = node->setup.event,
		.identity = node->setup.identity,
		.ifname = node->config->interface,
		.port = node->config->port,
		.certificate = node->config->certificate,
		.authority = node->config->authority,
	};

	return node->net ? 0 : cpc_net_new(&config, &cpc_node_net_ops, node, &node->net, error);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Does the kernel run that epoch, and as whom does it know the peer? -1: no. */
static int kernel_member(const struct cpc_node *node, unsigned int peer, u16 cell, u16 epoch)
{
	const uint8_t *id = cpc_net_node_id(node->net, peer);
	const struct cpc_cell_epoch *e = NULL;
	int member;

	if (node->running && cell == node->epoch.cell && epoch == node->epoch.epoch)
		e = &node->epoch;
	else if (node->running && node->old.n && cell == node->old.cell && epoch == node->old.epoch)
		e = &node->old;
	member = e && id ? cpc_cell_epoch_find(e, id) : -1;
	return member < 0 ? -1 : member;
}

static struct cpc_node_key *find_ahead(struct cpc_node *node, unsigned int peer, u16 cell,
				       u16 epoch)
{
	const uint8_t *id = cpc_net_node_id(node->net, peer);
	struct cpc_node_keys *keys = &node->ahead[peer];
	unsigned int i;

	for (i = 0; id && i < CPC_NODE_AHEAD; i++)
		if (keys->key[i].cell == cell && keys->key[i].epoch == epoch &&
		    memcmp(keys->node_id, id, sizeof(keys->node_id)) == 0)
			return &keys->key[i];
	return NULL;
}

/* The place for a further one: free, or of the lowest epoch. */
static struct cpc_node_key *new_ahead(struct cpc_node *node, unsigned int peer)
{
	const uint8_t *id = cpc_net_node_id(node->net, peer);
	struct cpc_node_keys *keys = &node->ahead[peer];
	struct cpc_node_key *key = &keys->key[0];
	unsigned int i;

	if (memcmp(keys->node_id, id, sizeof(keys->node_id)) != 0) {
		memset(keys, 0, sizeof(*keys));
		memcpy(keys->node_id, id, sizeof(keys->node_id));
	}
	for (i = 1; i < CPC_NODE_AHEAD; i++)
		if (keys->key[i].epoch < key->epoch)
			key = &keys->key[i];
	return key;
}

static int give_key(struct cpc_node *node, u16 cell, u16 epoch, int member, const uint8_t key[16],
		    struct cpc_error *error)
{
	int r;

	cpc_link_use_epoch(node->link, epoch);
	r = cpc_link_key_set(node->link, cell, (u8)member, key, error);
	cpc_link_use_epoch(node->link, node->epoch.epoch);
	return r;
}

static void on_key(void *ctx, unsigned int peer, uint16_t cell, uint16_t epoch,
		   const uint8_t key[16])
{
	struct cpc_node *node = ctx;
	int member = kernel_member(node, peer, cell, epoch);
	struct cpc_node_key *ahead;
	struct cpc_error error;

	if (member < 0) {
		ahead = find_ahead(node, peer, cell, epoch);
		ahead = ahead ? ahead : new_ahead(node, peer);
		ahead->cell = cell;
		ahead->epoch = epoch;
		memcpy(ahead->key, key, sizeof(ahead->key));
		return;
	}
	if (give_key(node, cell, epoch, member, key, &error) == 0)
		return;
	cpc_node_say(node, LOG_ERR, "key with %s: %s", peer_name(node, peer), error.text);
	/* The peer has installed it: only a new session makes both ends have the same one again. */
	cpc_net_reset(node->net, peer);
}

static bool on_key_id(void *ctx, unsigned int peer, uint16_t cell, uint16_t epoch,
		      uint8_t ret_id[8])
{
	struct cpc_node *node = ctx;
	int member = kernel_member(node, peer, cell, epoch);
	const struct cpc_node_key *ahead = find_ahead(node, peer, cell, epoch);
	struct cpc_link_cell kernel;
	int r;

	if (member < 0) {
		if (ahead)
			cpc_net_key_id(ahead->key, ret_id);
		return ahead;
	}
	cpc_link_use_epoch(node->link, epoch);
	r = cpc_link_cell_get(node->link, cell, &kernel, NULL);
	cpc_link_use_epoch(node->link, node->epoch.epoch);
	if (r < 0 || !kernel.has_key[member])
		return false;
	memcpy(ret_id, kernel.key_id[member], 8);
	return true;
}

void cpc_node_use_ahead(struct cpc_node *node)
{
	const struct cpc_cell_epoch *e = &node->epoch;
	struct cpc_node_key *ahead;
	struct cpc_error error;
	unsigned int i;
	int peer;

	for (i = 0; i < e->n; i++) {
		peer = cpc_node_member_peer(node, i);
		ahead = peer < 0 ? NULL : find_ahead(node, (unsigned int)peer, e->cell, e->epoch);
		if (!ahead)
			continue;
		if (give_key(node, e->cell, e->epoch, (int)i, ahead->key, &error) < 0) {
			cpc_node_say(node, LOG_ERR, "key with %s: %s",
				     cpc_node_member_name(node, i), error.text);
			cpc_net_reset(node->net, (unsigned int)peer);
		}
		memset(ahead, 0, sizeof(*ahead));
	}
}

/* ---- what they ask and tell ------------------------------------------------------------------ */

static int on_serve(void *ctx, unsigned int peer, uint16_t cell, uint16_t epoch,
		    uint32_t after_slot, struct cpc_buffer *out)
{
	struct cpc_node *node = ctx;
	bool one = after_slot & CPC_FETCH_ONE;
	struct cpc_error error;
	int r = cpc_store_encode(node->store, cell, epoch, after_slot & ~CPC_FETCH_ONE,
				 one ? 1 : UINT32_MAX, out, &error);

	(void)peer;
	if (r < 0 && r != -ENOBUFS)
		cpc_node_complain(node, CPC_COMPLAIN_SERVE, error.text);
	return r;
}

/* Whom the catch-up knows by its index in the epoch whose log is fetched. */
static int log_member(const struct cpc_node *node, unsigned int peer)
{
	const uint8_t *id = cpc_net_node_id(node->net, peer);
	int member = id ? cpc_cell_epoch_find(cpc_store_selected(node->store), id) : -1;

	return member < 0 ? -1 : member;
}

static void on_fetched(void *ctx, unsigned int peer, const uint8_t *data, size_t len)
{
	struct cpc_node *node = ctx;
	int member = log_member(node, peer);

	if (member >= 0)
		cpc_catchup_fetched(&node->catchup, (unsigned int)member, data, len,
				    cpc_node_now_us());
}

void cpc_node_tell(struct cpc_node *node, unsigned int peer, const struct cpc_tell *tell)
{
	u8 data[CPC_TELL_BYTES_MAX];
	size_t len = cpc_tell_encode(tell, data);

	_Static_assert((int)CPC_TELL_BYTES_MAX <= (int)CPC_NET_TELL_MAX, "a message fits");
	/* Who is gone does not hear it; views are told again when it is back, asks repeated. */
	cpc_net_tell(node->net, peer, data, len);
}

void cpc_node_tell_view(struct cpc_node *node, unsigned int peer)
{
	struct cpc_tell tell = { .type = CPC_TELL_VIEW, .view = node->epoch };

	if (node->running && node->net && cpc_net_is_up(node->net, peer))
		cpc_node_tell(node, peer, &tell);
}

static void on_told(void *ctx, unsigned int peer, const uint8_t *data, size_t len)
{
	struct cpc_node *node = ctx;
	const uint8_t *id = cpc_net_node_id(node->net, peer);
	struct cpc_tell tell;

	if (!id || cpc_tell_decode(data, len, &tell) < 0) {
		cpc_node_complain(node, CPC_COMPLAIN_SEEK, "a peer says something that is not "
				  "understood: is it of another version?");
		return;
	}
	switch (tell.type) {
	case CPC_TELL_VIEW:
		cpc_seek_heard(&node->seek, peer, id, cpc_node_is_trusted(node, peer), &tell.view);
		cpc_node_look_around(node);
		break;
	case CPC_TELL_ASK:
		cpc_node_change_asked(node, peer, &tell);
		break;
	case CPC_TELL_ANSWER:
		cpc_node_change_answered(node, peer, &tell);
		break;
	case CPC_TELL_WISH:
		cpc_node_change_wished(node, peer, &tell);
		break;
	}
}

/* A stranger announces the cell we seek. Whether it is to be trusted, its certificate will show. */
static void on_found(void *ctx, const uint8_t node_id[32], uint16_t epoch)
{
	struct cpc_node *node = ctx;
	struct cpc_net_relation relation = { .call = true };
	struct cpc_net_peer_status status;
	unsigned int peer, strangers = 0;

	(void)epoch;
	for (peer = 0; peer < CPC_NET_PEERS_MAX; peer++)
		strangers += cpc_net_peer_status(node->net, peer, &status) == 0 &&
			     status.known && !status.relation.trusted;
	if (strangers < CPC_NODE_FOUND_MAX)
		cpc_net_know(node->net, node_id, relation);
}

static void on_peer(void *ctx, unsigned int peer, bool up)
{
	struct cpc_node *node = ctx;
	int member = log_member(node, peer);

	cpc_node_say(node, LOG_INFO, "%s%s is %s", peer_name(node, peer),
		     cpc_node_peer_member(node, peer) < 0 ? " (no member of our cell)" : "",
		     up ? "connected" : "not connected any more");
	if (!up)
		cpc_seek_lost(&node->seek, peer);
	if (member >= 0)
		cpc_catchup_peer(&node->catchup, (unsigned int)member, up, cpc_node_now_us());
	if (up)
		cpc_node_tell_view(node, peer);
	cpc_node_look_around(node);
	cpc_node_change_judge_all(node);
	cpc_node_show_status(node);
}

const struct cpc_net_ops cpc_node_net_ops = {
	.key = on_key,
	.key_id = on_key_id,
	.serve = on_serve,
	.fetched = on_fetched,
	.told = on_told,
	.found = on_found,
	.peer = on_peer,
};
