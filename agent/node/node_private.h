/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NODE_NODE_PRIVATE_H
#define CPC_AGENT_NODE_NODE_PRIVATE_H

/* What the files of this folder share; nobody else includes it. */
#include "agent/api/server.h"
#include "agent/gateway/gateway.h"
#include "agent/link/link.h"
#include "agent/log/store.h"
#include "agent/net/net.h"
#include "agent/node/bpf_io.h"
#include "agent/node/catchup.h"
#include "agent/node/latency.h"
#include "agent/node/node.h"
#include "agent/node/proposals.h"

enum {
	CPC_NODE_TICK_US = 500 * 1000,
	CPC_NODE_LOOK_US = 5 * 1000 * 1000,	/* look for decisions even if no event came */
	CPC_NODE_GATEWAY_RETRY_US = 5 * 1000 * 1000,
	CPC_NODE_COMPLAIN_US = 10 * 1000 * 1000,	/* the same complaint at most so often */
	CPC_NODE_CLOCK_JUMP_US = 1000 * 1000,
	CPC_NODE_PRIME_ENTRIES = 256,		/* per lane, read at start to know its signals */
};

/* A conditional entry that waits for a word; at most one per lane. */
struct cpc_node_question {
	u32 seq;			/* 0: none */
	u8 kind;
	struct cpc_digest head;
};

/* What became of a lane's last decided conditional entry. */
struct cpc_node_verdict {
	u32 seq;			/* 0: none known */
	bool accepted;
};

enum cpc_complaint {
	CPC_COMPLAIN_STORE,
	CPC_COMPLAIN_SYNC,
	CPC_COMPLAIN_SUBMIT,
	CPC_COMPLAIN_OUTBOX,
	CPC_COMPLAIN_EVIDENCE,
	CPC_COMPLAIN_VIEW,
	CPC_COMPLAIN_SERVE,
	CPC_COMPLAIN_GATEWAY,
	CPC_COMPLAIN_CATCHUP,
	CPC_COMPLAIN_BPF,
	CPC_COMPLAINTS,
};

struct cpc_node {
	struct cpc_node_setup setup;
	const struct cpc_agent_config *config;
	unsigned int self, n;
	u16 cell;
	bool running;			/* the kernel runs our cell */
	bool failed;			/* the event loop is asked to end */
	char waiting[sizeof(struct cpc_error)];	/* why not running */
	char status[sizeof(struct cpc_error)];		/* last one told */
	int lock_fd;
	struct cpc_store *store;
	struct cpc_api *api;
	struct cpc_link *link;
	struct cpc_net *net;
	struct cpc_gateway *gateway;
	sd_event_source *tick, *gateway_io, *gateway_timer, *gateway_retry;
	struct cpc_catchup catchup;
	struct cpc_latency latency;
	struct cpc_node_question question[CPC_MEMBERS_MAX];
	struct cpc_node_verdict verdict[CPC_MEMBERS_MAX];
	struct cpc_proposals proposals;
	struct cpc_node_bpf bpf;
	struct cpc_record_reader *reader[CPC_MEMBERS_MAX];
	u64 event_us;			/* when the event now handled was read */
	u64 looked_us;
	int64_t clock_offset_us;	/* real time minus boot time */
	u64 clock_jumps;
	u64 complained_us[CPC_COMPLAINTS];
	/* since start */
	u64 evidence, views, overruns, outbox_full, gateway_payloads, refused;
};

u64 cpc_node_now_us(void);		/* CLOCK_MONOTONIC */
int64_t cpc_node_wall_ms(void);
const char *cpc_node_member_name(const struct cpc_node *node, unsigned int member);

void cpc_node_say(struct cpc_node *node, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, unless it was said a short while ago. */
void cpc_node_complain(struct cpc_node *node, enum cpc_complaint which, const char *text);
/* Says why and ends the event loop with that exit status. */
void cpc_node_fail(struct cpc_node *node, int status, const char *text);
void cpc_node_show_status(struct cpc_node *node);

/* join_io.c. 0, -EAGAIN: the module is not there yet (node->waiting says so), else fatal. */
int cpc_node_join(struct cpc_node *node, struct cpc_error *error);

/* sync_io.c */
extern const struct cpc_link_ops cpc_node_link_ops;
extern const struct cpc_net_ops cpc_node_net_ops;
extern const struct cpc_catchup_ops cpc_node_catchup_ops;
void cpc_node_sync(struct cpc_node *node);

/* submit_io.c */
void cpc_node_submit_waiting(struct cpc_node *node);
int cpc_node_gateway_start(struct cpc_node *node, struct cpc_error *error);
void cpc_node_gateway_stop(struct cpc_node *node);

/* answer_io.c */
extern const struct cpc_api_ops cpc_node_api_ops;
/* Learns the signal names in a decided entry. */
void cpc_node_learn(struct cpc_node *node, u8 lane, const u8 *body, size_t len);
int cpc_node_prime(struct cpc_node *node, struct cpc_error *error);

/* propose_io.c; the answers are new references, NULL with an error text. */
json_t *cpc_proposal_json(const struct cpc_proposal *proposal);
json_t *cpc_node_propose_json(struct cpc_node *node, const struct cpc_api_request *request,
			      struct cpc_error *error);
json_t *cpc_node_proposal_json(struct cpc_node *node, const struct cpc_api_request *request,
			       struct cpc_error *error);
json_t *cpc_node_conditions_json(struct cpc_node *node, struct cpc_error *error);
/* An entry was decided; only a conditional one is of interest. */
void cpc_node_note_verdict(struct cpc_node *node, u8 lane, u32 slot, const struct cpc_entry *entry,
			   bool accepted);

#endif
