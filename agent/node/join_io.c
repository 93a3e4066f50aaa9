// SPDX-License-Identifier: BSD-3-Clause
/*
 * join_io.c - into the cell: resume the one that the kernel still runs, or start it.
 *
 *   kernel runs it?   took part before?
 *   yes, same epoch   -                  resume: the member kept voting while the agent was away
 *   yes, older epoch  -                  end that one, then as below
 *   no                no                 start
 *   no                yes                refuse: its votes are forgotten, others may hold them
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

static void node_ids(const struct cpc_node *node, uint8_t out[CPC_MEMBERS_MAX][32])
{
	unsigned int i;

	for (i = 0; i < node->n; i++)
		memcpy(out[i], node->config->member[i].node_id, 32);
}

static bool same_members(const struct cpc_node *node, const struct cpc_link_cell *kernel)
{
	unsigned int i;

	if (kernel->n != node->n || kernel->self != node->self)
		return false;
	for (i = 0; i < node->n; i++)
		if (memcmp(kernel->node_id[i], node->config->member[i].node_id, 32) != 0)
			return false;
	return true;
}

static int check_resume(const struct cpc_node *node, const struct cpc_link_cell *kernel,
			u32 ifindex, struct cpc_error *error)
{
	if (!same_members(node, kernel)) {
		cpc_error_set(error, "the kernel runs cell %u epoch %u with other members than the "
			      "configuration's: raise 'epoch' on every member", node->cell,
			      kernel->epoch);
		return -EEXIST;
	}
	if (kernel->ifindex != ifindex) {
		cpc_error_set(error, "the kernel runs cell %u on %s, the configuration says '%s': "
			      "correct it, or raise 'epoch' on every member", node->cell,
			      kernel->ifname, node->config->interface);
		return -EEXIST;
	}
	return 0;
}

/* May this node start taking part in the configured epoch? */
static int check_start(struct cpc_node *node, struct cpc_error *error)
{
	u16 epoch = node->config->epoch, newest;
	enum cpc_store_part part;
	int r = cpc_store_part(node->store, node->cell, epoch, &part, &newest, error);

	if (r < 0)
		return r;
	switch (part) {
	case CPC_PART_NONE:
		break;
	case CPC_PART_JOINED:
		cpc_error_set(error, "this node took part in cell %u epoch %u, and the kernel has "
			      "lost its votes (reboot, or module reloaded): it could contradict "
			      "them, so it must not rejoin; raise 'epoch' on every member",
			      node->cell, epoch);
		return -ESTALE;
	case CPC_PART_LEFT:
		cpc_error_set(error, "this node has left cell %u epoch %u (leave_on_stop): raise "
			      "'epoch' on every member", node->cell, epoch);
		return -ESTALE;
	}
	if (newest > epoch) {
		cpc_error_set(error, "epoch %u of cell %u is over: this node took part in epoch %u",
			      epoch, node->cell, newest);
		return -ESTALE;
	}
	return 0;
}

static int start_cell(struct cpc_node *node, u32 ifindex, struct cpc_error *error)
{
	uint8_t ids[CPC_MEMBERS_MAX][32];
	struct cpc_link_cell_config config = {
		.cell = node->cell,
		.epoch = node->config->epoch,
		.ifindex = ifindex,
		.self = (u8)node->self,
		.n = (u8)node->n,
		.node_id = ids,
		.pacing = (u8)node->config->pacing,
		.period_us = node->config->period_ms * 1000,
		.default_verdict = (u8)node->config->default_verdict,
		.slow_first_view = node->config->slow_first_view,
	};
	int r = check_start(node, error);

	if (r < 0)
		return r;
	node_ids(node, ids);
	return cpc_link_cell_add(node->link, &config, error);
}

/* The kernel runs our cell and epoch afterwards; @kernel says how. */
static int enter_kernel(struct cpc_node *node, struct cpc_link_cell *kernel, bool *ret_resumed,
			struct cpc_error *error)
{
	const struct cpc_agent_config *config = node->config;
	u32 ifindex = if_nametoindex(config->interface);
	int r;

	if (ifindex == 0) {
		cpc_error_set(error, "[cell] interface: there is no '%s' in this network namespace",
			      config->interface);
		return -ENODEV;
	}
	r = cpc_link_cell_get(node->link, node->cell, kernel, error);
	if (r == 0 && kernel->epoch == config->epoch) {
		*ret_resumed = true;
		r = check_resume(node, kernel, ifindex, error);
		return r < 0 ? r : cpc_link_cell_set(node->link, node->cell, (u8)config->pacing,
						     config->period_ms * 1000,
						     (u8)config->default_verdict, error);
	}
	if (r == 0 && kernel->epoch > config->epoch) {
		cpc_error_set(error, "the kernel runs epoch %u of cell %u, the configuration says "
			      "%u: an epoch never goes back", kernel->epoch, node->cell,
			      config->epoch);
		return -ESTALE;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		r = cpc_link_cell_del(node->link, node->cell, error);
		if (r < 0)
			return r;
		cpc_node_say(node, LOG_NOTICE, "epoch %u of cell %u is ended for epoch %u",
			     kernel->epoch, node->cell, config->epoch);
	}
	*ret_resumed = false;
	r = start_cell(node, ifindex, error);
	return r < 0 ? r : cpc_link_cell_get(node->link, node->cell, kernel, error);
}

/* The log of the cell, and what of the outbox the kernel has. */
static int open_log(struct cpc_node *node, const struct cpc_link_cell *kernel,
		    struct cpc_error *error)
{
	struct cpc_store_cell cell = { .cell = node->cell, .epoch = node->config->epoch,
				       .n = node->n, .self = node->self };
	int r;

	node_ids(node, cell.node_id);
	cpc_members_digest(cell.cell, cell.epoch, kernel->mac_id,
			   (const uint8_t(*)[32])cell.node_id, cell.n, &cell.members);
	if (memcmp(&cell.members, &kernel->members, sizeof(cell.members)) != 0) {
		cpc_error_set(error, "module and agent do not agree on the digest of the members: "
			      "they are of different versions");
		return -EPROTO;
	}
	r = cpc_store_join(node->store, &cell, error);
	if (r == 0)
		r = cpc_outbox_resume(node->store, kernel->own_seq, error);
	return r < 0 ? r : cpc_node_prime(node, error);
}

static int start_net(struct cpc_node *node, struct cpc_error *error)
{
	uint8_t ids[CPC_MEMBERS_MAX][32];
	struct cpc_net_config config = {
		.event = node->setup.event,
		.identity = node->setup.identity,
		.ifname = node->config->interface,
		.port = node->config->port,
		.cell = node->cell,
		.epoch = node->config->epoch,
		.n = node->n,
		.self = node->self,
		.node_id = (const uint8_t(*)[32])ids,
	};

	node_ids(node, ids);
	return cpc_net_new(&config, &cpc_node_net_ops, node, &node->net, error);
}

int cpc_node_join(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_link_cell kernel;
	bool resumed = false;
	int r = 0;

	if (!node->link)
		r = cpc_link_new(node->setup.event, &cpc_node_link_ops, node, &node->link, error);
	if (r == -ENOENT) {
		if (!node->waiting[0])
			cpc_node_say(node, LOG_WARNING, "%s (waiting for it)", error->text);
		snprintf(node->waiting, sizeof(node->waiting), "%s", error->text);
		return -EAGAIN;
	}
	if (r == 0)
		r = enter_kernel(node, &kernel, &resumed, error);
	if (r == 0)
		cpc_node_bpf_start(node, &kernel);
	if (r == 0)
		r = open_log(node, &kernel, error);
	if (r == 0)
		r = start_net(node, error);
	if (r == 0 && node->config->gateway)
		r = cpc_node_gateway_start(node, error);
	if (r < 0)
		return r;
	node->running = true;
	cpc_node_say(node, LOG_INFO, "%s cell %u epoch %u on %s as member %u (%s) of %u, slot %u",
		     resumed ? "resumed" : "started", node->cell, node->config->epoch,
		     node->config->interface, node->self, cpc_node_member_name(node, node->self),
		     node->n, cpc_store_tip(node->store)->slot);
	cpc_node_sync(node);
	cpc_node_submit_waiting(node);
	return 0;
}
