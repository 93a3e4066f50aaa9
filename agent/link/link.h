/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * link.h - the netlink client of the module. What belongs here: talking to the generic netlink
 * family "cpchain", nothing else; it may call libnl and the pure decoders, and knows no database.
 *
 *   cpc_link_submit(), ...  --request--> module         commands: one socket, answered at once
 *   ops->event()            <--events--- module         events: another socket, in the event loop
 *   ops->overrun()          <-ENOBUFS--- kernel         some were lost: look what is decided
 *
 * Commands block only as long as the kernel takes to do them. Every command returns 0, or a
 * negative errno with a text that has the module's own words (extack) or says what to do.
 */
#ifndef CPC_AGENT_LINK_LINK_H
#define CPC_AGENT_LINK_LINK_H

#include <systemd/sd-event.h>

#include "agent/link/nl_decode.h"
#include "agent/log/verify.h"
#include "agent/util/error.h"

struct cpc_link;

struct cpc_link_ops {
	void (*event)(void *ctx, const struct cpc_link_event *event);
	void (*overrun)(void *ctx);
};

struct cpc_link_cell_config {
	u16 cell, epoch;
	u32 ifindex;
	u8 self, n;
	const uint8_t (*node_id)[32];
	u8 pacing;
	u32 period_us;
	u8 default_verdict;
	bool slow_first_view;
	bool unanimous;			/* with 2 or 3 members it is what is wanted */
	u32 base;			/* where the epoch before ended, 0: there was none */
	struct cpc_hash base_log_hash;
};

/* -ENOENT: the module is not loaded; the text says how to load it. */
int cpc_link_new(sd_event *event, const struct cpc_link_ops *ops, void *ctx,
		 struct cpc_link **ret_link, struct cpc_error *error);
void cpc_link_free(struct cpc_link *link);

/* Which epoch of a cell the commands are for from now on; 0, as at first: its newest. */
void cpc_link_use_epoch(struct cpc_link *link, u16 epoch);

/* -ENOENT: no such cell. */
int cpc_link_cell_get(struct cpc_link *link, u16 cell, struct cpc_link_cell *ret_cell,
		      struct cpc_error *error);
int cpc_link_cell_add(struct cpc_link *link, const struct cpc_link_cell_config *config,
		      struct cpc_error *error);
int cpc_link_cell_del(struct cpc_link *link, u16 cell, struct cpc_error *error);
int cpc_link_cell_set(struct cpc_link *link, u16 cell, u8 pacing, u32 period_us,
		      u8 default_verdict, struct cpc_error *error);
int cpc_link_key_set(struct cpc_link *link, u16 cell, u8 index, const u8 key[16],
		     struct cpc_error *error);

/* -EAGAIN: the own lane is full until a decision. */
int cpc_link_submit(struct cpc_link *link, u16 cell, u8 kind, const u8 *data, size_t len,
		    u32 *ret_seq, struct cpc_error *error);
int cpc_link_verdict(struct cpc_link *link, u16 cell, u8 lane, u32 seq,
		     const struct cpc_digest *head, bool yes, struct cpc_error *error);

/*
 * The BPF program behind @fd gives this vehicle's word on entries of @kind from now on; @fd -1:
 * none does. The module keeps a reference of its own.
 */
int cpc_link_policy_set(struct cpc_link *link, u16 cell, u8 kind, int fd, struct cpc_error *error);
int cpc_link_policies(struct cpc_link *link, u16 cell, struct cpc_link_policies *ret_policies,
		      struct cpc_error *error);
/* What the members said about the lane's conditional entries, as far as this one has heard. */
int cpc_link_conditions(struct cpc_link *link, u16 cell, u8 lane,
			struct cpc_link_conditions *ret_conditions, struct cpc_error *error);

/* Return a negative errno to stop; it becomes the result. */
typedef int (*cpc_link_decision_fn)(void *ctx, const struct cpc_log_decision *decision);

/* Every decision after the slot. -ENODATA: the module's ring does not reach back so far. */
int cpc_link_decided(struct cpc_link *link, u16 cell, u32 after_slot, cpc_link_decision_fn fn,
		     void *ctx, struct cpc_error *error);

/*
 * Jumps to @tip; @prev_log_hash is the log hash of the slot before. -EPERM: not what f+1 members
 * claim; -EALREADY: not ahead.
 */
int cpc_link_install(struct cpc_link *link, u16 cell, const struct cpc_log_tip *tip,
		     const struct cpc_hash *prev_log_hash, struct cpc_error *error);

#endif
