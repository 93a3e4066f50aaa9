// SPDX-License-Identifier: BSD-3-Clause
/*
 * join_io.c - where this vehicle stands when the agent starts, and what to do.
 *
 *   configured epoch is newer than all in the database   start it, with the configured members
 *   the kernel runs the epoch that we took part in last  resume: it kept voting without us
 *   we took part, but the kernel has lost its votes      outside: be let in again (outside_io.c)
 *   we have left; or are to join                         outside
 *
 * The configuration names the first members only. From then on members change by agreement, and
 * the database knows where that has led; until somebody raises `epoch` on every member, which
 * starts a new chain of epochs from the configured members.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

enum {
	LEFT_BEHIND_MAX = 8,	/* epochs back; the kernel holds two of a cell */
};

static void configured_epoch(const struct cpc_node *node, struct cpc_cell_epoch *ret_epoch)
{
	struct cpc_cell_epoch e = { .cell = node->config->cell, .epoch = node->config->epoch,
				    .n = node->config->n, .self = node->setup.self };
	unsigned int i;

	for (i = 0; i < e.n; i++)
		memcpy(e.node_id[i], node->config->member[i].node_id, 32);
	*ret_epoch = e;
}

static int check_resume(const struct cpc_node *node, const struct cpc_cell_epoch *epoch,
			const struct cpc_link_cell *kernel, struct cpc_error *error)
{
	if (kernel->n != epoch->n || kernel->self != epoch->self ||
	    memcmp(kernel->node_id, epoch->node_id, epoch->n * sizeof(epoch->node_id[0])) != 0) {
		cpc_error_set(error, "the kernel runs cell %u epoch %u with other members than "
			      "this agent knows of: raise 'epoch' on every member", epoch->cell,
			      kernel->epoch);
		return -EEXIST;
	}
	if (kernel->ifindex != if_nametoindex(node->config->interface)) {
		cpc_error_set(error, "the kernel runs cell %u on %s, the configuration says '%s': "
			      "correct it, or raise 'epoch' on every member", epoch->cell,
			      kernel->ifname, node->config->interface);
		return -EEXIST;
	}
	return 0;
}

/* 1: the kernel runs it, and we go on; 0: it does not. */
static int resume(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
		  struct cpc_error *error)
{
	struct cpc_link_cell kernel;
	int r;

	cpc_link_use_epoch(node->link, epoch->epoch);
	r = cpc_link_cell_get(node->link, epoch->cell, &kernel, error);
	if (r == -ENOENT) {
		cpc_link_use_epoch(node->link, 0);
		return 0;
	}
	if (r == 0)
		r = check_resume(node, epoch, &kernel, error);
	if (r == 0)
		r = cpc_link_cell_set(node->link, epoch->cell, (u8)node->config->pacing,
				      node->config->period_ms * 1000,
				      (u8)node->config->default_verdict, error);
	if (r == 0)
		r = cpc_node_resume(node, epoch, &kernel, error);
	return r < 0 ? r : 1;
}

/* ---- a new chain of epochs, by the configuration --------------------------------------------- */

/* Whatever the kernel runs of that cell is over. */
static int end_older(struct cpc_node *node, u16 cell, u16 epoch, struct cpc_error *error)
{
	struct cpc_link_cell kernel;
	int r;

	for (;;) {
		cpc_link_use_epoch(node->link, 0);
		r = cpc_link_cell_get(node->link, cell, &kernel, error);
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		if (kernel.epoch > epoch) {
			cpc_error_set(error, "the kernel runs epoch %u of cell %u, the "
				      "configuration says %u: an epoch never goes back",
				      kernel.epoch, cell, epoch);
			return -ESTALE;
		}
		cpc_link_use_epoch(node->link, kernel.epoch);
		r = cpc_link_cell_del(node->link, cell, error);
		if (r < 0)
			return r;
		cpc_node_say(node, LOG_NOTICE, "epoch %u of cell %u is ended for epoch %u",
			     kernel.epoch, cell, epoch);
	}
}

static int start_configured(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_cell_epoch epoch;
	int r;

	configured_epoch(node, &epoch);
	r = resume(node, &epoch, error);	/* its database is gone, the kernel has its votes */
	if (r == 0)
		r = end_older(node, epoch.cell, epoch.epoch, error);
	else
		return r < 0 ? r : 0;
	return r < 0 ? r : cpc_node_enter(node, &epoch, error);
}

/* ---- where the database says we are ---------------------------------------------------------- */

/* The configuration is of the chain that the database goes on with, or it is not meant so. */
static int check_chain(struct cpc_node *node, u16 newest, struct cpc_error *error)
{
	const struct cpc_agent_config *config = node->config;
	struct cpc_cell_epoch configured, first;
	int r;

	if (config->join)
		return 0;
	configured_epoch(node, &configured);
	r = cpc_store_epoch(node->store, config->cell, config->epoch, &first, error);
	if (r < 0)
		return r;
	if (r == 0 || first.base) {
		cpc_error_set(error, "epoch %u of cell %u is over: this node took part in epoch "
			      "%u; a new beginning takes a number above that, on every member",
			      config->epoch, config->cell, newest);
		return -ESTALE;
	}
	if (!cpc_cell_epoch_same(&configured, &first)) {
		cpc_error_set(error, "cell %u epoch %u is in the log with other members (%u, this "
			      "node's index %u): raise 'epoch' on every member", config->cell,
			      config->epoch, first.n, first.self);
		return -EEXIST;
	}
	return 0;
}

/* Is the configured epoch one that a later one, raised by hand, has ended? */
static int check_newest(struct cpc_node *node, const struct cpc_cell_epoch *current, u16 newest,
			struct cpc_error *error)
{
	const struct cpc_agent_config *config = node->config;

	if (config->join || current->cell != config->cell || current->base ||
	    current->epoch == config->epoch)
		return 0;
	cpc_error_set(error, "epoch %u of cell %u is over: this node took part in epoch %u",
		      config->epoch, config->cell, newest);
	return -ESTALE;
}

/*
 * What an agent that died left in the kernel: an epoch that was over, or a cell that it had left.
 * But for @all the last one, which may go on, is left alone.
 */
static int end_left_behind(struct cpc_node *node, bool all, struct cpc_error *error)
{
	struct cpc_cell_epoch e;
	enum cpc_store_part part;
	unsigned int back;
	int r = 1;

	for (back = all ? 0 : 1; r > 0 && back <= LEFT_BEHIND_MAX; back++) {
		r = cpc_store_current(node->store, back, &e, &part, error);
		if (r <= 0)
			break;
		cpc_link_use_epoch(node->link, e.epoch);
		if (cpc_link_cell_del(node->link, e.cell, NULL) == 0)
			cpc_node_say(node, LOG_NOTICE, "epoch %u of cell %u, which is over, is "
				     "taken out of the kernel", e.epoch, e.cell);
	}
	cpc_link_use_epoch(node->link, 0);
	return r < 0 ? r : 0;
}

static int go_on(struct cpc_node *node, u16 newest, struct cpc_error *error)
{
	struct cpc_cell_epoch current;
	enum cpc_store_part part = CPC_PART_NONE;
	int r = cpc_store_current(node->store, 0, &current, &part, error);

	if (r > 0)
		r = check_chain(node, newest, error);
	if (r == 0)
		r = end_left_behind(node, part != CPC_PART_JOINED, error);
	if (r == 0 && part != CPC_PART_NONE)
		r = check_newest(node, &current, newest, error);
	if (r == 0 && part == CPC_PART_JOINED)
		r = resume(node, &current, error);
	if (r != 0)
		return r < 0 ? r : 0;
	if (part != CPC_PART_NONE) {
		node->cell = current.cell;
		node->left = part == CPC_PART_LEFT;
		r = cpc_store_follow(node->store, &current, error);
		if (r < 0)
			return r;
		cpc_node_catchup_reset(node);
	}
	if (part == CPC_PART_JOINED)
		cpc_node_say(node, LOG_WARNING, "this node took part in cell %u epoch %u, and the "
			     "kernel has lost its votes (reboot, or module reloaded): it could "
			     "contradict them, so it has to be let in again", current.cell,
			     current.epoch);
	cpc_node_go_outside(node);
	return 0;
}

static int open_link(struct cpc_node *node, struct cpc_error *error)
{
	int r;

	if (node->forgotten) {
		cpc_link_free(node->link);
		node->link = NULL;
		node->forgotten = false;
	}
	if (node->link)
		return 0;
	r = cpc_link_new(node->setup.event, &cpc_node_link_ops, node, &node->link, error);
	if (r != -ENOENT)
		return r;
	if (strcmp(node->waiting, error->text) != 0)
		cpc_node_say(node, LOG_WARNING, "%s (waiting for it)", error->text);
	snprintf(node->waiting, sizeof(node->waiting), "%s", error->text);
	return -EAGAIN;
}

int cpc_node_join(struct cpc_node *node, struct cpc_error *error)
{
	const struct cpc_agent_config *config = node->config;
	enum cpc_store_part part;
	u16 newest = 0;
	int r = open_link(node, error);

	if (r == 0 && if_nametoindex(config->interface) == 0) {
		cpc_error_set(error, "[cell] interface: there is no '%s' in this network namespace",
			      config->interface);
		r = -ENODEV;
	}
	if (r == 0)
		r = cpc_store_part(node->store, config->cell, config->epoch, &part, &newest, error);
	if (r == 0)
		r = !config->join && config->epoch > newest ? start_configured(node, error) :
							      go_on(node, newest, error);
	if (r == 0)
		r = cpc_node_net_start(node, error);
	if (r == 0)
		cpc_node_net_update(node);
	return r;
}
