// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/seek.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

void cpc_seek_heard(struct cpc_seek *seek, unsigned int peer, const uint8_t node_id[32],
		    bool trusted, const struct cpc_cell_epoch *epoch)
{
	struct cpc_seek_view *v = &seek->view[peer];

	assert(peer < CPC_NET_PEERS_MAX);
	*v = (struct cpc_seek_view){ .heard = true, .trusted = trusted, .epoch = *epoch };
	memcpy(v->node_id, node_id, sizeof(v->node_id));
}

void cpc_seek_lost(struct cpc_seek *seek, unsigned int peer)
{
	assert(peer < CPC_NET_PEERS_MAX);
	seek->view[peer].heard = false;
}

/* May this peer vouch for that epoch? */
static bool vouches(const struct cpc_seek_view *v, const struct cpc_cell_epoch *epoch)
{
	return v->heard && v->trusted && cpc_cell_epoch_same(&v->epoch, epoch) &&
	       cpc_cell_epoch_find(epoch, v->node_id) >= 0;
}

static bool is_believed(const struct cpc_seek *seek, const struct cpc_cell_epoch *epoch)
{
	unsigned int i, count = 0;

	for (i = 0; i < CPC_NET_PEERS_MAX; i++)
		count += vouches(&seek->view[i], epoch);
	return count >= cpc_blocking(epoch->n);
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
