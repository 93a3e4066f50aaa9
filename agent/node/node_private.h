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
#include "agent/node/seek.h"
#include "agent/node/tell.h"
#include "agent/node/wish.h"

enum {
	CPC_NODE_TICK_US = 500 * 1000,
	CPC_NODE_LOOK_US = 5 * 1000 * 1000,	/* look for decisions even if no event came */
	CPC_NODE_GATEWAY_RETRY_US = 5 * 1000 * 1000,
	CPC_NODE_COMPLAIN_US = 10 * 1000 * 1000,	/* the same complaint at most so often */
	CPC_NODE_CLOCK_JUMP_US = 1000 * 1000,
	CPC_NODE_PRIME_ENTRIES = 256,		/* per lane, read at start to know its signals */
	CPC_NODE_OLD_US = 30 * 1000 * 1000,	/* an epoch that is over stays for the late */
	CPC_NODE_LEFT_US = 2 * 1000 * 1000,	/* the same for who has left */
	CPC_NODE_HISTORY_US = 60 * 1000 * 1000,	/* to fetch the log before entering */
	CPC_NODE_FOUND_MAX = 48,		/* strangers that a seeker calls at once */
	CPC_NODE_AHEAD = 2,			/* keys per peer of epochs not entered yet */
};

/* A conditional entry that waits for a word; at most one per lane. */
struct cpc_node_question {
	u32 seq;			/* 0: none */
	u8 kind;
	struct cpc_digest head;
	const char *why;		/* it waits for; NULL: not judged */
	size_t len;			/* of a change of members; others: 0 */
	u8 data[CPC_ENTRY_DATA_MAX];
};

/* The signal names in an author's records, over all epochs that it was a member in. */
struct cpc_node_reader {
	uint8_t node_id[32];
	struct cpc_record_reader *names;	/* NULL: free */
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
	CPC_COMPLAIN_EPOCH,
	CPC_COMPLAIN_SEEK,
	CPC_COMPLAINTS,
};

/* Keys agreed on with a peer for epochs that the kernel does not run yet. */
struct cpc_node_keys {
	uint8_t node_id[32];		/* whose they are: places are used again */
	struct cpc_node_key {
		u16 cell, epoch;	/* 0: none */
		uint8_t key[CPC_CELL_KEY_BYTES];
	} key[CPC_NODE_AHEAD];
};

enum cpc_node_change_state {
	CPC_NODE_CHANGE_NONE,
	CPC_NODE_CHANGE_WAITING,	/* for the cell, or for room in the lane */
	CPC_NODE_CHANGE_OPEN,
	CPC_NODE_CHANGE_ACCEPTED,
	CPC_NODE_CHANGE_DONE,
	CPC_NODE_CHANGE_REJECTED,
	CPC_NODE_CHANGE_FAILED,
};

/* A change of members that this vehicle proposes, or has others propose (change_io.c). */
struct cpc_node_change {
	u64 id;
	struct cpc_wish wish;
	enum cpc_node_change_state state;
	int asker;			/* peer that asked us; -1: our operator, or nobody */
	u64 since_us;
	u16 epoch;			/* in which it was proposed last */
	u32 seq, slot, end;		/* there; 0: not known */
	bool news;			/* decided, and not told yet */
	u8 data[CPC_ENTRY_DATA_MAX];
	size_t len;
	u64 yes, no;
	u8 why[CPC_MEMBERS_MAX];
	char text[CPC_TELL_TEXT_MAX + 1];
};

struct cpc_node {
	struct cpc_node_setup setup;
	const struct cpc_agent_config *config;
	unsigned int self, n;		/* of `epoch` */
	u16 cell;			/* that it takes part in, or looks for */
	bool running;			/* the kernel runs our epoch */
	bool outside;			/* it does not, and others are to let us in */
	bool forgotten;			/* the module may be another one: open its link anew */
	bool left;			/* by agreement: only the operator's wish brings us back */
	struct cpc_cell_epoch epoch;	/* while running */
	u64 entered_us;			/* when it began here */
	struct cpc_cell_epoch old;	/* the one before, while the kernel has it; n 0: none */
	u64 old_until_us;
	char name[CPC_MEMBERS_MAX][CPC_CONFIG_NAME_MAX + 1];
	struct cpc_seek seek;
	u16 seeking;			/* a cell that we want to get into, 0: none */
	u16 splitting;			/* the cell that some of us will form, 0: none */
	u64 history_us;			/* since when its log is being fetched, 0: not */
	struct cpc_node_keys ahead[CPC_NET_PEERS_MAX];
	struct cpc_node_change change, favour;	/* our own, and one for who asked us */
	u64 reentering;			/* members, by bit, that asked us for new keys */
	u16 merging[CPC_MEMBERS_MAX];	/* the cell that a member wants us to merge into */
	u64 heard_us[CPC_MEMBERS_MAX];	/* when we last saw a member's counter move */
	u32 heard[CPC_MEMBERS_MAX];
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
	struct cpc_node_reader reader[CPC_NET_PEERS_MAX];	/* authors' signal names */
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
/* By configuration, else the first digits of the id; in a buffer of 8 that are used in turn. */
const char *cpc_node_name(const struct cpc_node *node, const uint8_t node_id[32]);
void cpc_node_own_id(const struct cpc_node *node, uint8_t ret_id[32]);

void cpc_node_say(struct cpc_node *node, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The same, unless it was said a short while ago. */
void cpc_node_complain(struct cpc_node *node, enum cpc_complaint which, const char *text);
/* Says why and ends the event loop with that exit status. */
void cpc_node_fail(struct cpc_node *node, int status, const char *text);
void cpc_node_show_status(struct cpc_node *node);
unsigned int cpc_node_members_up(const struct cpc_node *node);	/* with a session */

/* join_io.c. 0, -EAGAIN: later (node->waiting says why), else fatal. */
int cpc_node_join(struct cpc_node *node, struct cpc_error *error);

/* epoch_io.c */
/* Takes part in that epoch (whose digest need not be filled in), which the kernel does not run. */
int cpc_node_enter(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
		   struct cpc_error *error);
/* Goes on in the one that the kernel runs. */
int cpc_node_resume(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
		    const struct cpc_link_cell *kernel, struct cpc_error *error);
/* The log has come to the end of its epoch: whatever follows. Nothing, if it has not. */
void cpc_node_epoch_over(struct cpc_node *node);
/* What follows the selected log, which is complete. 0, or negative with a text. */
int cpc_node_next_epoch(struct cpc_node *node, struct cpc_cell_epoch *ret_next,
			struct cpc_cell_epoch *ret_split_off, struct cpc_member_change *ret_change,
			struct cpc_error *error);
void cpc_node_epoch_tick(struct cpc_node *node);
void cpc_node_drop_old(struct cpc_node *node);
/* The catch-up is about the selected log from now on. */
void cpc_node_catchup_reset(struct cpc_node *node);

/* peer_io.c */
extern const struct cpc_net_ops cpc_node_net_ops;
int cpc_node_net_start(struct cpc_node *node, struct cpc_error *error);
/* Peers, offered epochs and what is announced follow from what we are in and look for. */
void cpc_node_net_update(struct cpc_node *node);
/* The peer's index in the present epoch, or -1. */
int cpc_node_peer_member(const struct cpc_node *node, unsigned int peer);
/* The member's session; -1: none or ourselves. */
int cpc_node_member_peer(const struct cpc_node *node, unsigned int member);
bool cpc_node_is_trusted(const struct cpc_node *node, unsigned int peer);
void cpc_node_tell(struct cpc_node *node, unsigned int peer, const struct cpc_tell *tell);
void cpc_node_tell_view(struct cpc_node *node, unsigned int peer);
/* The keys that were agreed ahead for the present epoch go to the kernel. */
void cpc_node_use_ahead(struct cpc_node *node);

/* outside_io.c */
void cpc_node_go_outside(struct cpc_node *node);
/* Views, sessions or time have changed. */
void cpc_node_look_around(struct cpc_node *node);
/* Are enough members of that epoch connected to say yes to us? */
bool cpc_node_meets_quorum(const struct cpc_node *node, const struct cpc_cell_epoch *epoch);

/* change_io.c */
void cpc_node_change_asked(struct cpc_node *node, unsigned int peer, const struct cpc_tell *ask);
void cpc_node_change_answered(struct cpc_node *node, unsigned int peer,
			      const struct cpc_tell *answer);
void cpc_node_change_wished(struct cpc_node *node, unsigned int peer, const struct cpc_tell *wish);
void cpc_node_change_tick(struct cpc_node *node);
/*
 * An entry of kind CHANGE was decided. This is called while the module's answer is being read, so
 * it asks the module nothing; what follows has its time in cpc_node_change_news().
 */
void cpc_node_change_news(struct cpc_node *node);
void cpc_node_change_decided(struct cpc_node *node, u8 lane, u32 slot,
			     const struct cpc_entry *entry, bool accepted);
/* A new epoch was entered (or, with @left, the cell was left). */
void cpc_node_change_over(struct cpc_node *node, bool left);
void cpc_node_change_judge(struct cpc_node *node, unsigned int lane);
void cpc_node_change_judge_all(struct cpc_node *node);
bool cpc_node_wants_in(const struct cpc_node *node);
json_t *cpc_node_change_json(struct cpc_node *node, const struct cpc_api_request *request,
			     struct cpc_error *error);
json_t *cpc_node_change_state_json(struct cpc_node *node);
/* Who leaves and joins by an entry of that epoch; NULL: it is no change. */
json_t *cpc_node_change_entry_json(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
				   const u8 *data, size_t len);

/* sync_io.c */
extern const struct cpc_link_ops cpc_node_link_ops;
extern const struct cpc_catchup_ops cpc_node_catchup_ops;
void cpc_node_sync(struct cpc_node *node);

/* submit_io.c */
void cpc_node_submit_waiting(struct cpc_node *node);
int cpc_node_gateway_start(struct cpc_node *node, struct cpc_error *error);
void cpc_node_gateway_stop(struct cpc_node *node);

/* answer_io.c */
extern const struct cpc_api_ops cpc_node_api_ops;
/* Learns the signal names in a decided entry of that author. */
void cpc_node_learn(struct cpc_node *node, const uint8_t author[32], const u8 *body, size_t len);
int cpc_node_prime(struct cpc_node *node, struct cpc_error *error);

/* propose_io.c; the answers are new references, NULL with an error text. */
json_t *cpc_proposal_json(const struct cpc_proposal *proposal);
json_t *cpc_node_propose_json(struct cpc_node *node, const struct cpc_api_request *request,
			      struct cpc_error *error);
json_t *cpc_node_proposal_json(struct cpc_node *node, const struct cpc_api_request *request,
			       struct cpc_error *error);
/* Every member's word: yes, no or silent, and the reason that came with it. */
json_t *cpc_node_words_json(const struct cpc_node *node, u64 yes, u64 no, const u8 *why);
json_t *cpc_node_conditions_json(struct cpc_node *node, struct cpc_error *error);
/* An entry was decided; only a conditional one is of interest. */
void cpc_node_note_verdict(struct cpc_node *node, u8 lane, u32 slot, const struct cpc_entry *entry,
			   bool accepted);

#endif
