/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * command.h - cpchainctl's command line into a request for the daemon (pure). This folder is the
 * command line's: it may call api/ for the protocol, and bpf/ for what needs no daemon.
 */
#ifndef CPC_AGENT_CTL_COMMAND_H
#define CPC_AGENT_CTL_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/api/request.h"
#include "agent/log/proposal.h"
#include "agent/util/error.h"

enum cpc_ctl_verb {
	CPC_CTL_HELP,
	CPC_CTL_STATUS,
	CPC_CTL_CELL,
	CPC_CTL_LOG,
	CPC_CTL_SUBMIT,
	CPC_CTL_STATS,
	CPC_CTL_VERDICT,
	CPC_CTL_PROPOSE,
	CPC_CTL_PROPOSALS,
	CPC_CTL_CHANGE,			/* join, leave, ...: named by what is to change */
	CPC_CTL_BPF,
	CPC_CTL_BPF_POLICY,
	CPC_CTL_BPF_DETACH,
	CPC_CTL_CAPTURE,
};

enum {
	CPC_CTL_LOG_LIMIT = 20,		/* entries shown when nothing is said */
	CPC_CTL_WAIT_S = 30,		/* for a proposal to be decided */
	CPC_CTL_CHANGE_WAIT_S = 60,	/* for a change of members to be in effect */
	CPC_CTL_CAPTURE_S = 10,
};

struct cpc_ctl_command {
	enum cpc_ctl_verb verb;
	const char *socket;
	bool json;
	bool follow, has_since, has_limit;	/* log */
	uint32_t since, limit;
	const char *member;			/* log, verdict */
	const char *kind;			/* submit, bpf policy */
	const char *text;			/* submit: TEXT, or NULL for a file */
	const char *file;			/* submit: FILE, "-" for standard input; capture */
	uint32_t seq;				/* verdict */
	bool yes;
	struct cpc_proposal proposal;		/* propose */
	struct cpc_api_change change;
	uint32_t wait_s;			/* propose, change; 0: it is only asked */
	const char *policy;			/* bpf policy: a name, a path or "none" */
	const char *interface, *root;		/* capture, bpf detach; NULL: the daemon's */
	uint32_t seconds;			/* capture */
};

extern const char cpc_ctl_usage[];

/* Returns 0, or -EINVAL with what is wrong and what would be right. */
int cpc_ctl_parse(int argc, char **argv, struct cpc_ctl_command *ret_command,
		  struct cpc_error *error);

/*
 * The request; @data is what a submit carries (its text, or a file's bytes). New reference. Bytes
 * that are not UTF-8 are sent as such.
 */
json_t *cpc_ctl_request(const struct cpc_ctl_command *command, const void *data, size_t len);

/* What to do about a failure to connect. */
void cpc_ctl_connect_error(const char *socket, int code, struct cpc_error *error);

#endif
