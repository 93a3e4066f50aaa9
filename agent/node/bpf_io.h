/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bpf_io.h - the node's BPF programs: what filters and stamps in front of the cell, and what votes
 * for it. All of it is optional: whatever fails is one line in the journal, and the cell works
 * without.
 *
 *   CELL_GET, once a second --counters, addresses--> filter's maps (agent/bpf)
 *   gateway's readings      --speed, gap, brake----> sensors' map <--reads-- policy program
 *   configuration, cpchainctl --object--> agent/bpf --descriptor--> POLICY_SET --> module runs it
 *
 * What is attached stays when the agent ends, however it ends, and the next one takes it over; only
 * leave_on_stop and `cpchainctl bpf detach` take it off. The filter's floors are counters that the
 * module has accepted, so no authentic frame is ever below one.
 */
#ifndef CPC_AGENT_NODE_BPF_IO_H
#define CPC_AGENT_NODE_BPF_IO_H

#include <jansson.h>

#include "agent/bpf/bpf.h"
#include "agent/config/config.h"
#include "agent/link/link.h"

struct cpc_node;

enum {
	CPC_NODE_BPF_FEED_US = 1000 * 1000,
	CPC_NODE_BPF_WORST = 10,	/* sources shown */
	CPC_NODE_POLICY_KINDS = 3,	/* by enum cpc_entry_kind; ORDINARY is not used */
};

struct cpc_node_bpf {
	bool started;
	struct cpc_bpf *programs;	/* NULL: none of ours runs, `why` says why */
	struct cpc_error why;
	bool filters;			/* the programs have a filter */
	struct cpc_bpf_policies *policies;	/* NULL: no sensors, `why_no_policies` */
	struct cpc_error why_no_policies;
	/* What votes on entries of a kind: a shipped one's name or a path, "": none. */
	char policy[CPC_NODE_POLICY_KINDS][CPC_CONFIG_PATH_MAX + 1];
	int measuring;			/* descriptor, or -1 */
	bool listed[CPC_MEMBERS_MAX];
	uint8_t address[CPC_MEMBERS_MAX][6];	/* as allowed by the filter */
	uint64_t fed_us;
};

/* Once the kernel runs the cell, before traffic of it can have come. Never fails. */
void cpc_node_bpf_start(struct cpc_node *node, const struct cpc_link_cell *kernel);
/* A new epoch of the cell has begun in the kernel. */
void cpc_node_bpf_epoch(struct cpc_node *node, const struct cpc_link_cell *kernel);
/* The tick: tells the filter what the module has accepted meanwhile. */
void cpc_node_bpf_tick(struct cpc_node *node);
/* The cell has gone; with @detach everything is taken off as well. */
void cpc_node_bpf_cell_gone(struct cpc_node *node, bool detach);
void cpc_node_bpf_free(struct cpc_node *node);

/* A cpc_reading_fn of the gateway. */
void cpc_node_bpf_reading(void *ctx, const char *name, double value, uint64_t time_ms);

/*
 * Lets @policy (as in struct cpc_node_bpf) vote on entries of @kind, in one step. On failure the
 * one before goes on.
 */
int cpc_node_policy_set(struct cpc_node *node, unsigned int kind, const char *policy,
			struct cpc_error *error);

/* Takes everything of ours off the interface; it stays off until the agent starts again. */
int cpc_node_bpf_detach(struct cpc_node *node, struct cpc_error *error);

/* For `cpchainctl bpf` with @sources, and for statistics without. New reference. */
json_t *cpc_node_bpf_json(struct cpc_node *node, bool sources);

#endif
