/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nl_decode.h - what the module says, out of netlink attributes (pure; layout: uapi/cpchain_nl.h).
 *
 * The kernel is trusted not to attack, but a newer module may say more or other things: whatever
 * is missing, too short or out of bounds is -EBADMSG, unknown attributes are skipped.
 */
#ifndef CPC_AGENT_LINK_NL_DECODE_H
#define CPC_AGENT_LINK_NL_DECODE_H

#include <stdbool.h>

#include <cpchain_element.h>
#include <cpchain_nl.h>
#include <cpchain_policy.h>

#include "agent/log/decision.h"

/* A cell as the module runs it. */
struct cpc_link_cell {
	u16 cell;
	u16 epoch;
	u32 ifindex;
	char ifname[16];
	u8 self;
	u8 n;
	u8 node_id[CPC_MEMBERS_MAX][32];
	bool has_key[CPC_MEMBERS_MAX];
	u8 key_id[CPC_MEMBERS_MAX][8];
	bool heard[CPC_MEMBERS_MAX];	/* an authentic element of it, with ... */
	u32 newest[CPC_MEMBERS_MAX];	/* ... this counter ... */
	u8 address[CPC_MEMBERS_MAX][6];	/* ... from this Ethernet address */
	u8 pacing;
	u32 period_us;
	u8 default_verdict;
	bool slow_first_view;
	u32 base;			/* last slot of the epoch before, 0: there was none */
	u32 slot;			/* last decided one */
	u32 end;			/* the epoch's last one, 0: not known yet */
	struct cpc_hash log_hash;
	struct cpc_hash members;	/* digest of the member set */
	char mac[32];
	u8 mac_id;
	u32 own_seq;			/* last entry submitted to the own lane */
	u64 counter[CPC_N_MAX + 1];
};

struct cpc_link_event {
	enum cpc_nl_command type;	/* CPC_C_EV_... */
	u16 cell;
	u16 epoch;			/* 0: not said, the module is older */
	bool up;			/* EV_CELL */
	u32 slot;			/* EV_DECIDED, EV_VIEW, EV_BEHIND */
	u32 end;			/* EV_DECIDED: the epoch's last slot, 0: not known yet */
	u8 view;			/* EV_VIEW */
	u8 log_hash[8];			/* EV_DECIDED, EV_BEHIND: the first 8 bytes */
	u8 index;			/* EV_EVIDENCE */
	u32 counter;			/* EV_EVIDENCE */
	u8 lane;			/* EV_QUESTION, and the next ones */
	u32 seq;
	u8 kind;
	struct cpc_digest head;
	const u8 *data;			/* into the message */
	size_t len;
};

int cpc_nl_decode_cell(const void *attrs, size_t len, struct cpc_link_cell *ret_cell);
int cpc_nl_decode_event(u8 command, const void *attrs, size_t len,
			struct cpc_link_event *ret_event);
int cpc_nl_decode_submitted(const void *attrs, size_t len, u8 *ret_lane, u32 *ret_seq);

/* What a voting policy said so far, and what it cost. */
struct cpc_link_policy {
	bool given;			/* the module knows the kind */
	u32 prog_id;			/* 0: no program */
	u64 words[__CPC_POLICY_WORD_MAX];
	u64 reasons[__CPC_REASON_MAX];
	u64 failed, run_ns, run_max_ns;
};

/* By kind: CPC_ENTRY_BY_QUORUM and CPC_ENTRY_BY_ALL; [0] stays empty. */
struct cpc_link_policies {
	struct cpc_link_policy kind[3];
};

int cpc_nl_decode_policies(const void *attrs, size_t len, struct cpc_link_policies *ret_policies);

/* A conditional entry of a lane, and who said what about it and why. */
struct cpc_link_condition {
	u8 kind;			/* enum cpc_entry_kind, not ORDINARY */
	u32 seq;
	struct cpc_digest head;
	u64 yes, no;			/* members by bit; no member is in both */
	u8 why[CPC_MEMBERS_MAX];	/* enum cpc_policy_reason */
};

struct cpc_link_conditions {
	bool has_decided, has_open;
	struct cpc_link_condition decided, open;
};

int cpc_nl_decode_conditions(const void *attrs, size_t len,
			     struct cpc_link_conditions *ret_conditions);

/*
 * Puts a decision together that may come in several messages. Bodies are copied, so that the
 * decision stays valid until the next message is added.
 */
struct cpc_assembler {
	bool open;			/* further messages of decision.slot are to come */
	struct cpc_log_decision decision;
	struct cpc_buffer bodies;
};

void cpc_assembler_init(struct cpc_assembler *assembler);
void cpc_assembler_done(struct cpc_assembler *assembler);

/* Adds one DECIDED_GET message. 1: assembler->decision is complete, 0: more to come, -EBADMSG. */
int cpc_assembler_add(struct cpc_assembler *assembler, const void *attrs, size_t len);

#endif
