/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - this vehicle's word on a conditional entry, given by a BPF program.
 *
 * One program per kind of condition, so that what needs everyone (a platoon) and what needs a
 * quorum (a speed advisory) can be different programs. None: no word, and the agent is asked as
 * before.
 */
#ifndef CPC_KMOD_POLICY_H
#define CPC_KMOD_POLICY_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <uapi/cpchain_element.h>
#include <uapi/cpchain_policy.h>

struct bpf_prog;
struct netlink_ext_ack;

enum { CPC_POLICY_KINDS = 2 };	/* CPC_ENTRY_BY_QUORUM, CPC_ENTRY_BY_ALL */

/* What was said and what it cost. Counted without a lock. */
struct cpc_policy_stats {
	atomic64_t words[__CPC_POLICY_WORD_MAX];
	atomic64_t reasons[__CPC_REASON_MAX];	/* those that nobody knows count as NONE */
	atomic64_t failed;			/* no memory to ask */
	atomic64_t run_ns;
	atomic64_t run_max_ns;
};

/* Zeroed memory is a valid one without programs. */
struct cpc_policies {
	struct bpf_prog __rcu *prog[CPC_POLICY_KINDS]; /* replaced by xchg, readers under RCU */
	struct cpc_policy_stats stats[CPC_POLICY_KINDS];
};

struct cpc_policy_question {
	u16 cell;
	u16 epoch;
	u8 kind;		/* enum cpc_entry_kind, not ORDINARY */
	u8 author;
	u8 self;
	u8 n;
	u32 seq;
	const void *data;	/* of the entry */
	u16 len;
};

/*
 * Puts the program behind descriptor @fd of the calling process in place of the one there, or with
 * @fd < 0 removes it. Process context. -EINVAL: no such kind, or not a socket filter; -EBADF.
 */
int cpc_policies_set(struct cpc_policies *policies, u8 kind, int fd,
		     struct netlink_ext_ack *extack);
void cpc_policies_done(struct cpc_policies *policies);

/* The program's number for netlink, 0: none. */
u32 cpc_policies_id(const struct cpc_policies *policies, u8 kind);

/*
 * Asks; never sleeps, may be called under a spinlock and in softirq. Returns CPC_POLICY_RESULT():
 * any word that is not one becomes NOT_YET.
 */
u32 cpc_policies_ask(struct cpc_policies *policies, const struct cpc_policy_question *question);

#endif
