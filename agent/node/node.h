/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * node.h - the glue: one vehicle in one cell. It owns the other parts and passes between them; what
 * can be decided without them is in pure files (catchup.c, latency.c).
 *
 *    CAN --> gateway --payloads--.                      .--> api --> cpchainctl
 *                                v                      |
 *    cpchainctl --> api --> outbox (log/) --SUBMIT--> module (link/) ~~~ radio ~~~ other members
 *                                ^                      |
 *                                '--- decided log <-----' EV_DECIDED, then DECIDED_GET
 *                                       ^
 *    other agents <== TLS (net/) ==> catch-up, and the pairwise keys of the cell
 *
 * Life: wait for the module, then
 *
 *                     .--- a change of members --.
 *                     v                          |
 *   start ------> running, in an epoch ----------'      epoch_io.c
 *     |             |   ^
 *     |   left, or  |   | let in by the others
 *     |   lost its  v   | (change_io.c, there)
 *     '---------> outside                               outside_io.c
 *
 * Invariants:
 *  - the database says that this node takes part before the kernel gets the first key; a node that
 *    took part, and whose kernel forgot, does not take part again in that epoch (amnesia would be
 *    equivocation) but in a later one, which the others agree on;
 *  - nothing is stored that does not follow from the log before it; a contradiction stops the
 *    daemon, loudly;
 *  - nothing here blocks but the disk and the kernel's answers.
 */
#ifndef CPC_AGENT_NODE_NODE_H
#define CPC_AGENT_NODE_NODE_H

#include <systemd/sd-event.h>

#include "agent/config/config.h"
#include "agent/util/error.h"

struct cpc_identity;
struct cpc_node;

/* Exit status of a daemon that an operator must help (sysexits.h EX_CONFIG). */
#define CPC_EXIT_OPERATOR 78

struct cpc_node_setup {
	sd_event *event;
	const struct cpc_agent_config *config;
	const struct cpc_identity *identity;
	unsigned int self;	/* this node's index among the configured members */
	/* What is worth a line in the journal; priority as in syslog(3). */
	void (*say)(int priority, const char *text);
	/* One line on how things are, whenever that changes. */
	void (*status)(const char *text);
};

/*
 * Opens database and control socket and joins the cell, or waits for the module to be loaded.
 * @setup's pointers must outlive the node. Errors come with a text; -ESTALE, -EEXIST and -EINVAL
 * are for an operator, others may pass by themselves.
 */
int cpc_node_new(const struct cpc_node_setup *setup, struct cpc_node **ret_node,
		 struct cpc_error *error);

/*
 * Takes the policies from @fresh and loads them anew, so that a changed object file is read again;
 * what cannot be loaded is said, and the one before goes on. The rest of a configuration needs a
 * restart.
 */
void cpc_node_reload(struct cpc_node *node, const struct cpc_agent_config *fresh);

/* A clean stop. The cell stays in the kernel unless the configuration says leave_on_stop. */
void cpc_node_stop(struct cpc_node *node);
void cpc_node_free(struct cpc_node *node);

#endif
