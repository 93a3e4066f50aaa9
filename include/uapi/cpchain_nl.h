/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * cpchain_nl.h - the generic netlink family "cpchain", version 1: how an agent drives the module.
 *
 * A cell whose members change goes on as its next epoch: a second cell of the same number on the
 * same interface, made with a higher EPOCH and the BASE where the one before ended, which stays
 * until it is deleted, for those who are late. CPC_A_EPOCH with any command says which one is
 * meant; without it the newest is.
 *
 * Every command but GET ones needs CAP_NET_ADMIN in the network namespace's user namespace. Every
 * refusal carries an extack message that names the value. Cells belong to the socket's network
 * namespace and are named by CPC_A_CELL (u16, 1..65535).
 *
 *   CELL_ADD   CELL, EPOCH, IFINDEX, SELF, MEMBERS{MEMBER{INDEX, NODE_ID}...}, and optionally
 *              PACING, PERIOD_US, DEFAULT_VERDICT, SLOW_FIRST_VIEW    start a cell, without keys;
 *              BASE and PREV_LOG_HASH: the slot and the log hash at which the epoch before it
 *              ended; UNANIMOUS: with 2 or 3 members, who then have to be all of one mind
 *   CELL_DEL   CELL                                     stop it and forget everything
 *   CELL_SET   CELL, [PACING], [PERIOD_US], [DEFAULT_VERDICT]
 *   CELL_GET   [CELL] or dump -> a CELL_GET message per cell with all of the above, IFNAME,
 *              SLOT, LOG_HASH, [END], MEMBERS_DIGEST, MAC, COUNTERS; per member KEY_ID when it has
 *              a key, COUNTER and ADDRESS of its newest authentic element when there was one
 *   KEY_SET    CELL, INDEX, KEY                         the pairwise key with member INDEX
 *   SUBMIT     CELL, KIND, DATA -> SUBMIT with LANE, SEQ; -EAGAIN: lane full, wait for a decision
 *   VERDICT    CELL, LANE, SEQ, HEAD, VERDICT           this vehicle's word on a conditional entry
 *   DECIDED_GET dump: CELL, SLOT -> a DECIDED_GET message per decision after SLOT, oldest first,
 *              with SLOT, LOG_HASH, VALUE, VOID or LANES{LANE_CUT{LANE, FROM, SEQ, HEAD, ACCEPTED,
 *              ENTRY...}}; -ENODATA when the ring no longer reaches back to SLOT+1 (then: ask a
 *              peer). A decision that is too large for one message comes in several: each but its
 *              last has MORE, all repeat SLOT, LOG_HASH, VALUE, and a lane split over two of them
 *              repeats its LANE_CUT attributes (with the same FROM) before the further ENTRYs
 *   INSTALL    CELL, SLOT, [END], PREV_LOG_HASH, VALUE, LANES{LANE_CUT{LANE, SEQ, HEAD}...}: jump
 *              ahead to a state that f+1 members claim; -EPERM if they do not
 *   STATS_GET  [CELL] or dump -> COUNTERS
 *   POLICY_SET CELL, KIND (1 or 2), [FD]: the BPF socket filter behind descriptor FD of the calling
 *              process gives this vehicle's word on entries of that kind (uapi/cpchain_policy.h),
 *              in place of the one before; without FD: none any more. To be sent by the thread that
 *              calls sendmsg(2), as libnl does: the descriptor is looked up there and then
 *   POLICY_GET CELL -> POLICIES{POLICY{KIND, [PROG_ID], WORDS{u64...}, REASONS{u64...},
 *              FAILED, RUN_NS, RUN_MAX_NS}...}: run counts and why
 *   CONDITION_GET CELL, LANE -> CONDITION{KIND, SEQ, HEAD, [OPEN], YES, NO, WHY}: none, or the
 *              lane's last decided conditional entry (without OPEN) and its open one, as far as
 *              this member has heard: YES and NO members by bit, WHY enum cpc_policy_reason by
 *              member
 *
 * Events, multicast group "events" (in the cell's network namespace), each with CELL and EPOCH:
 *   EV_DECIDED  SLOT, LOG_HASH, [END]           then fetch with DECIDED_GET; several may be merged
 *   EV_VIEW     SLOT, VIEW                  this member left a view undecided
 *   EV_EVIDENCE INDEX, COUNTER              one member, one counter, two contents
 *   EV_BEHIND   SLOT, LOG_HASH (8 bytes)    f+1 members claim this state, we are not there
 *   EV_QUESTION LANE, SEQ, HEAD, KIND, DATA a conditional entry that wants a verdict
 *   EV_CELL     UP                          the cell was added (UP=1) or went away (UP=0)
 */
#ifndef _UAPI_CPCHAIN_NL_H
#define _UAPI_CPCHAIN_NL_H

#define CPC_NL_FAMILY "cpchain"
#define CPC_NL_VERSION 1
#define CPC_NL_GROUP_EVENTS "events"

enum cpc_nl_command {
	CPC_C_UNSPEC,
	CPC_C_CELL_ADD,
	CPC_C_CELL_DEL,
	CPC_C_CELL_SET,
	CPC_C_CELL_GET,
	CPC_C_KEY_SET,
	CPC_C_SUBMIT,
	CPC_C_VERDICT,
	CPC_C_DECIDED_GET,
	CPC_C_INSTALL,
	CPC_C_STATS_GET,
	CPC_C_EV_DECIDED,
	CPC_C_EV_VIEW,
	CPC_C_EV_EVIDENCE,
	CPC_C_EV_BEHIND,
	CPC_C_EV_QUESTION,
	CPC_C_EV_CELL,
	CPC_C_POLICY_SET,
	CPC_C_POLICY_GET,
	CPC_C_CONDITION_GET,
	__CPC_C_MAX,
};
#define CPC_C_MAX (__CPC_C_MAX - 1)

enum cpc_nl_attribute {
	CPC_A_UNSPEC,
	CPC_A_PAD,
	CPC_A_CELL,		/* u16, 1..65535 */
	CPC_A_EPOCH,		/* u16, 1..65535 */
	CPC_A_IFINDEX,		/* u32 */
	CPC_A_IFNAME,		/* string */
	CPC_A_SELF,		/* u8, this vehicle's member index */
	CPC_A_MEMBERS,		/* nest of CPC_A_MEMBER */
	CPC_A_MEMBER,		/* nest */
	CPC_A_INDEX,		/* u8, a member index, 0..n-1 */
	CPC_A_NODE_ID,		/* binary 32 */
	CPC_A_KEY,		/* binary 16 */
	CPC_A_KEY_ID,		/* binary 8: first bytes of SHA-256("CPChain key id" | key) */
	CPC_A_PACING,		/* u8, enum cpc_pacing */
	CPC_A_PERIOD_US,	/* u32, usual carrier period, 10,000..1,000,000 */
	CPC_A_DEFAULT_VERDICT,	/* u8: 0 no, 1 yes, 2 none */
	CPC_A_SLOW_FIRST_VIEW,	/* flag: no fast path in view 0 */
	CPC_A_KIND,		/* u8, enum cpc_entry_kind */
	CPC_A_DATA,		/* binary, 1..512 */
	CPC_A_LANE,		/* u8, a member index */
	CPC_A_SEQ,		/* u32, lane sequence, the first entry is 1 */
	CPC_A_FROM,		/* u32, first newly decided lane sequence */
	CPC_A_HEAD,		/* binary 16 */
	CPC_A_VERDICT,		/* u8: 0 no, 1 yes */
	CPC_A_SLOT,		/* u32, the first slot is 1 */
	CPC_A_VIEW,		/* u8 */
	CPC_A_LOG_HASH,		/* binary 32; binary 8 in EV_BEHIND */
	CPC_A_PREV_LOG_HASH,	/* binary 32 */
	CPC_A_VALUE,		/* binary 16, digest of the decided cut */
	CPC_A_VOID,		/* flag: decided, but its parent was not: nothing in it counts */
	CPC_A_LANES,		/* nest of CPC_A_LANE_CUT */
	CPC_A_LANE_CUT,		/* nest */
	CPC_A_ACCEPTED,		/* u16, bit i: entry FROM+i, if conditional, is accepted */
	CPC_A_ENTRY,		/* binary, an encoded lane entry (struct cpc_entry_header...) */
	CPC_A_COUNTER,		/* u32 */
	CPC_A_UP,		/* u8 */
	CPC_A_COUNTERS,		/* nest of u64, enum cpc_nl_counter */
	CPC_A_MORE,		/* flag: further messages of this SLOT follow */
	CPC_A_MEMBERS_DIGEST,	/* binary 32: SHA-256("CPChain cell" | le16 cell | le16 epoch |
				 * u8 n | u8 MAC algorithm | node ids by index, and with a BASE
				 * also le32 BASE | PREV_LOG_HASH); the first log hash */
	CPC_A_MAC,		/* string, the module's MAC algorithm; all members must agree */
	CPC_A_MAC_ID,		/* u8, its number in MEMBERS_DIGEST */
	CPC_A_FD,		/* u32, a file descriptor of the calling process */
	CPC_A_ADDRESS,		/* binary 6, an Ethernet address */
	CPC_A_POLICIES,		/* nest of CPC_A_POLICY */
	CPC_A_POLICY,		/* nest */
	CPC_A_PROG_ID,		/* u32, the kernel's number of a BPF program */
	CPC_A_WORDS,		/* nest of u64, 1 + enum cpc_policy_word */
	CPC_A_REASONS,		/* nest of u64, 1 + enum cpc_policy_reason */
	CPC_A_FAILED,		/* u64, questions that could not be put: no memory */
	CPC_A_RUN_NS,		/* u64, sum over all runs */
	CPC_A_RUN_MAX_NS,	/* u64, the longest one */
	CPC_A_CONDITION,	/* nest */
	CPC_A_OPEN,		/* flag: not decided yet */
	CPC_A_YES,		/* u64, members by bit */
	CPC_A_NO,		/* u64, members by bit */
	CPC_A_BASE,		/* u32, the last slot of the epoch before, 0: there was none */
	CPC_A_END,		/* u32, the epoch's last slot: its members change then */
	CPC_A_UNANIMOUS,	/* flag: a cell of 2 or 3, which tolerates no fault, is wanted */
	CPC_A_WHY,		/* binary n, enum cpc_policy_reason by member, 0 where unheard */
	__CPC_A_MAX,
};
#define CPC_A_MAX (__CPC_A_MAX - 1)

enum cpc_pacing {
	CPC_PACING_CARRIER = 0,	/* never a frame of our own */
	CPC_PACING_EARLY = 1,	/* own frames at least 25 ms apart, while there is work */
	CPC_PACING_URGENT = 2,	/* own frames at once */
};

/* Per cell, all u64. The dropped ones are elements, one reason each; carriers always go on. */
enum cpc_nl_counter {
	CPC_N_PAD,
	CPC_N_CARRIERS_SEEN,	/* outgoing broadcasts that could carry an element */
	CPC_N_CARRIERS_USED,	/* of them, those that did */
	CPC_N_CARRIERS_FULL,	/* of them, those without room for one */
	CPC_N_EXTRA_FRAMES,	/* standalone frames sent */
	CPC_N_RX_CARRIERS,	/* incoming broadcasts of the carrier types */
	CPC_N_RX_ELEMENTS,	/* accepted elements */
	CPC_N_DROP_TRUNCATED,	/* shorter than it says, or than the smallest one */
	CPC_N_DROP_OVERSIZED,
	CPC_N_DROP_VERSION,
	CPC_N_DROP_CELL,	/* another cell's: not ours to judge */
	CPC_N_DROP_EPOCH,
	CPC_N_DROP_SENDER,	/* no such member, or our own index */
	CPC_N_DROP_NO_KEY,
	CPC_N_DROP_MAC,
	CPC_N_DROP_REPLAY,	/* counter not above the last one */
	CPC_N_DROP_MALFORMED,	/* authentic, but not well-formed */
	CPC_N_EVIDENCE,
	CPC_N_SUBMITTED,
	CPC_N_DECIDED_SLOTS,
	CPC_N_VOID_SLOTS,
	CPC_N_DECIDED_ENTRIES,
	CPC_N_REJECTED_ENTRIES,	/* conditional ones */
	CPC_N_VIEW_CHANGES,
	CPC_N_BEHIND,
	CPC_N_INSTALLS,
	CPC_N_ELEMENT_BYTES,	/* sum over sent elements */
	CPC_N_ELEMENT_IDLE_MAX,	/* largest with nothing undecided: the header alone */
	CPC_N_ELEMENT_OPEN_MAX,	/* largest with one open slot in its first view, no payload */
	CPC_N_ELEMENT_MAX,	/* largest of all */
	CPC_N_STATE_BYTES,	/* memory of the cell */
	CPC_N_BUSY_PERMILLE,	/* of the channel, in the last window of 100 ms */
	CPC_N_DCC_STATE,	/* 0 relaxed, 1..3 active, 4 restrictive: it paces our frames */
	/*
	 * Entries of our own decided in each of these states, and the sum of their times from
	 * being submitted, in microseconds: pairs, in the order of the states.
	 */
	CPC_N_LATENCY_RELAXED,
	CPC_N_LATENCY_RELAXED_US,
	CPC_N_LATENCY_ACTIVE_1,
	CPC_N_LATENCY_ACTIVE_1_US,
	CPC_N_LATENCY_ACTIVE_2,
	CPC_N_LATENCY_ACTIVE_2_US,
	CPC_N_LATENCY_ACTIVE_3,
	CPC_N_LATENCY_ACTIVE_3_US,
	CPC_N_LATENCY_RESTRICTIVE,
	CPC_N_LATENCY_RESTRICTIVE_US,
	CPC_N_RELAYS,		/* elements of others sent again, for those who do not hear them */
	CPC_N_RX_RELAYED,	/* accepted elements that came so */
	CPC_N_RELAYED_KNOWN,	/* such elements that we had, our own ones among them */
	__CPC_N_MAX,
};
#define CPC_N_MAX (__CPC_N_MAX - 1)

#endif
