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
 *   {"op": "bpf"}  {"op": "bpf_detach"}
 *   {"op": "bpf_policy", "kind": "quorum" | "all", "policy": "platoon" | "speed" | PATH | "none"}
 *
 * Answers are lines too: {"ok": true, ...} or {"ok": false, "error": TEXT}; a log is a line
 * {"entry": {...}} each and, unless it follows, a last line {"ok": true, "end": true}.
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
};

struct cpc_api_request {
	enum cpc_api_op op;
	bool has_since, follow;		/* log */
	uint32_t since;			/* slots after this one */
	uint32_t limit;			/* at most so many entries; 0: no limit */
	char member[32];		/* log, verdict; "": all */
	unsigned int kind;		/* submit, bpf_policy: enum cpc_entry_kind */
	bool is_text;
	uint8_t payload[CPC_PAYLOAD_MAX];
	size_t payload_len;
	uint32_t seq;			/* verdict */
	bool yes;
	struct cpc_proposal proposal;	/* propose */
	uint64_t id;			/* proposal */
	char policy[CPC_CONFIG_PATH_MAX + 1];	/* bpf_policy, as in struct cpc_agent_config */
};

/* Returns 0, or -EINVAL with a text that names the member and its value. */
int cpc_api_request_parse(const char *line, size_t len, struct cpc_api_request *ret_request,
			  struct cpc_error *error);

const char *cpc_entry_kind_name(unsigned int kind);

/* Writes 2 * len digits and a NUL. */
void cpc_hex(const void *data, size_t len, char *out);

#endif
