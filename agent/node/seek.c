// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/seek.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void cpc_seek_heard(struct cpc_seek *seek, unsigned int peer, const uint8_t node_id[32],
		    bool trusted, const struct cpc_cell_epoch *epoch)
{
	struct cpc_seek_view *v;

	assert(peer < CPC_NET_PEERS_MAX);
	v = &seek->view[peer];
	*v = (struct cpc_seek_view){ .heard = true, .trusted = trusted, .epoch = *epoch };
	memcpy(v->node_id, node_id, sizeof(v->node_id));
}

void cpc_seek_lost(struct cpc_seek *seek, unsigned int peer)
{
	assert(peer < CPC_NET_PEERS_MAX);
	seek->view[peer].heard = false;
}

/* The member of that epoch that vouches for it by this view, by bit; 0: nobody does. */
static u64 vouches(const struct cpc_seek_view *v, const struct cpc_cell_epoch *epoch)
{
	int member;

	if (!v->heard || !v->trusted || !cpc_cell_epoch_same(&v->epoch, epoch))
		return 0;
	member = cpc_cell_epoch_find(epoch, v->node_id);
	return member < 0 ? 0 : (u64)1 << member;
}

static bool is_believed(const struct cpc_seek *seek, const struct cpc_cell_epoch *epoch)
{
	unsigned int i;
	u64 members = 0;

	/* By member: one that has two places as a peer (it came again) is still one. */
	for (i = 0; i < CPC_NET_PEERS_MAX; i++)
		members |= vouches(&seek->view[i], epoch);
	return cpc_count_bits(members) >= cpc_blocking(epoch->n);
}

const struct cpc_cell_epoch *cpc_seek_believed(const struct cpc_seek *seek, u16 cell)
{
	const struct cpc_cell_epoch *best = NULL;
	unsigned int i;

	for (i = 0; i < CPC_NET_PEERS_MAX; i++) {
		const struct cpc_seek_view *v = &seek->view[i];

		if (!v->heard || v->epoch.cell != cell || (best && best->epoch >= v->epoch.epoch))
			continue;
		if (is_believed(seek, &v->epoch))
			best = &v->epoch;
	}
	return best;
}

unsigned int cpc_seek_ahead(const struct cpc_seek *seek, const struct cpc_cell_epoch *epoch)
{
	u64 members = 0;
	unsigned int i;
	int member;

	for (i = 0; i < CPC_NET_PEERS_MAX; i++) {
		const struct cpc_seek_view *v = &seek->view[i];

		if (!v->heard || v->epoch.cell != epoch->cell || v->epoch.epoch <= epoch->epoch)
			continue;
		member = cpc_cell_epoch_find(epoch, v->node_id);
		members |= member < 0 ? 0 : (u64)1 << member;
	}
	return cpc_count_bits(members);
}

void cpc_seek_disbelieve(struct cpc_seek *seek, const struct cpc_cell_epoch *epoch)
{
	struct cpc_cell_epoch lie = *epoch;	/* it may be one of the views */
	unsigned int i;

	for (i = 0; i < CPC_NET_PEERS_MAX; i++)
		if (seek->view[i].heard && cpc_cell_epoch_same(&seek->view[i].epoch, &lie))
			seek->view[i].trusted = false;
}

int cpc_seek_whom(struct cpc_seek *seek, const struct cpc_cell_epoch *believed, u64 now_us)
{
	unsigned int i;

	if (now_us < seek->ask_us)
		return -EAGAIN;
	for (i = 0; i < CPC_NET_PEERS_MAX; i++) {
		unsigned int peer = (seek->next + i) % CPC_NET_PEERS_MAX;

		if (!vouches(&seek->view[peer], believed))
			continue;
		seek->next = peer + 1;
		seek->ask_us = now_us + CPC_SEEK_ASK_US;
		return (int)peer;
	}
	return -EAGAIN;
}

void cpc_seek_wait(struct cpc_seek *seek, u64 until_us)
{
	if (seek->ask_us < until_us)
		seek->ask_us = until_us;
}
