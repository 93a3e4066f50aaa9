/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * request.h - one line of JSON from a client of the control socket (pure).
 *
 *   {"op": "status"}  {"op": "cell"}  {"op": "stats"}
 *   {"op": "log", "since": SLOT, "limit": N, "member": NAME, "follow": BOOL}   all but op optional
 *   {"op": "submit", "kind": "ordinary" | "quorum" | "all", "text": S | "hex": S}
 *   {"op": "verdict", "member": NAME, "seq": N, "yes": BOOL}
 *   {"op": "propose", "type": "join" | "merge", "platoon": N, "speed_cm_s": N, "gap_cm": N,
 *    "position": N}  or  {..., "type": "speed", "zone": N, "min_cm_s": N, "max_cm_s": N,
 *    "duration_s": N}
 *   {"op": "proposal", "id": HEX}            what became of it so far, and who said what
 *   {"op": "proposals"}                      the same of every member's last one
 *   {"op": "join"}  {"op": "leave"}  {"op": "rekey"}  {"op": "remove", "member": NAME}
 *   {"op": "split", "to": CELL, "members": [NAME, ...]}  {"op": "merge", "to": CELL}
 *                                            changes of members; the answer's "id" is a number
 *   {"op": "change"}                         what became of the last one, see below
 *   {"op": "bpf"}  {"op": "bpf_detach"}
 *   {"op": "bpf_policy", "kind": "quorum" | "all", "policy": "platoon" | "speed" | PATH | "none"}
 *
 * Answers are lines too: {"ok": true, ...} or {"ok": false, "error": TEXT}; a log is a line
 * {"entry": {...}} each and, unless it follows, a last line {"ok": true, "end": true}.
 *
 * The answer to "change"; all but the state only when known:
 *
 *   {"ok": true, "id": N, "what": "leave", "state": S, "text": TEXT, "slot": N, "end": N,
 *    "epoch": N, "members": N, "words": [{"member": NAME, "word": WORD, "reason": TEXT}, ...]}
 *
 *   none       nothing was asked for
 *   waiting    for the cell to be found, or for a place in somebody's lane: see text
 *   open       voted on: words
 *   accepted   decided in `slot`; takes effect after slot `end`
 *   done       in effect: the cell is in `epoch`, with so many `members`
 *   rejected   in `slot`
 *   failed     text says why
 */
#ifndef CPC_AGENT_API_REQUEST_H
#define CPC_AGENT_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"
#include "agent/log/limits.h"
#include "agent/log/proposal.h"
#include "agent/util/error.h"

enum cpc_api_op {
	CPC_API_STATUS,
	CPC_API_CELL,
	CPC_API_STATS,
	CPC_API_LOG,
	CPC_API_SUBMIT,
	CPC_API_VERDICT,
	CPC_API_PROPOSE,
	CPC_API_PROPOSAL,
	CPC_API_PROPOSALS,
	CPC_API_BPF,
	CPC_API_BPF_POLICY,
	CPC_API_BPF_DETACH,
	CPC_API_CHANGE_STATE,
	CPC_API_CHANGE,			/* named by what is to change, see enum cpc_change_what */
};

enum cpc_change_what {
	CPC_CHANGE_JOIN,		/* this vehicle becomes a member */
	CPC_CHANGE_LEAVE,		/* it is none any longer */
	CPC_CHANGE_REKEY,		/* same members, new epoch, new keys */
	CPC_CHANGE_REMOVE,		/* member[0] is none any longer */
	CPC_CHANGE_SPLIT,		/* the members named form cell `to` */
	CPC_CHANGE_MERGE,		/* all members of this cell join cell `to` */
	CPC_CHANGE_WHATS,
};

struct cpc_api_change {
	enum cpc_change_what what;
	uint16_t to;			/* split, merge: a cell's number */
	unsigned int members;		/* remove: 1, split: CPC_MEMBERS_FEW or more; else 0 */
	char member[CPC_MEMBERS_MAX][CPC_CONFIG_NAME_MAX + 1];	/* nobody twice */
};

struct cpc_api_request {
	enum cpc_api_op op;
	bool has_since, follow;		/* log */
	uint32_t since;			/* slots after this one */
	uint32_t limit;			/* at most so many entries; 0: no limit */
	char member[CPC_CONFIG_NAME_MAX + 1];	/* log, verdict; "": all */
	unsigned int kind;		/* submit, bpf_policy: enum cpc_entry_kind */
	bool is_text;
	uint8_t payload[CPC_PAYLOAD_MAX];
	size_t payload_len;
	uint32_t seq;			/* verdict */
	bool yes;
	struct cpc_proposal proposal;	/* propose */
	uint64_t id;			/* proposal */
	char policy[CPC_CONFIG_PATH_MAX + 1];	/* bpf_policy, as in struct cpc_agent_config */
	struct cpc_api_change change;
};

/* Returns 0, or -EINVAL with a text that names the member and its value. */
int cpc_api_request_parse(const char *line, size_t len, struct cpc_api_request *ret_request,
			  struct cpc_error *error);

const char *cpc_entry_kind_name(unsigned int kind);

/* "join", ...; NULL for what is none. */
const char *cpc_change_name(unsigned int what);

/* One more member of a change. Returns 0, or -EINVAL with a text that names it. */
int cpc_api_change_add(struct cpc_api_change *change, const char *name, struct cpc_error *error);

/* Writes 2 * len digits and a NUL. */
void cpc_hex(const void *data, size_t len, char *out);

#endif
