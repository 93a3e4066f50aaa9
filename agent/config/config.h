/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h - the daemon's configuration file. This folder reads it and calls nothing else of the
 * agent.
 *
 *   [node]       name, key, state             who this vehicle is
 *   [cell]       id, epoch, interface, ...    what it takes part in
 *   [member X]   index, node_id               the first members, itself included; or
 *                                             member.INDEX = HEX in [cell]; none with join = yes
 *   [known X]    node_id                      who may join by its key alone, and is believed
 *   [gateway]    can, dbc, overlay, ...       what it tells the others
 *   [bpf]        filter, stamp, policy_all... programs in the kernel that filter, stamp and vote
 *   [api]        socket                       how cpchainctl reaches it
 *
 * A file is good as a whole or refused as a whole: every refusal names file, line, key and value.
 */
#ifndef CPC_AGENT_CONFIG_CONFIG_H
#define CPC_AGENT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cpchain/limits.h>
#include <cpchain_nl.h>

#include "agent/util/error.h"

enum {
	CPC_CONFIG_FILE_MAX = 1 << 20,	/* bytes; a larger file is refused */
	CPC_CONFIG_PATH_MAX = 180,	/* bytes of a path, so that a whole line fits the parser */
	CPC_CONFIG_SOCKET_MAX = 107,	/* bytes of a UNIX socket's path (unix(7)) */
	CPC_CONFIG_NAME_MAX = 31,
	CPC_CONFIG_ID_BYTES = 32,
	CPC_CONFIG_PORT = 17232,	/* default TCP port of the agents: "CP" */
	CPC_CONFIG_KNOWN_MAX = CPC_MEMBERS_MAX,	/* [known X] sections; more are refused */
};

#define CPC_CONFIG_FILE "/etc/cpchain/cpchaind.conf"
#define CPC_CONFIG_KEY "/var/lib/cpchain/node.key"
#define CPC_CONFIG_STATE "/var/lib/cpchain"
#define CPC_CONFIG_SOCKET "/run/cpchain/control"

#define CPC_CONFIG_BPF_ROOT "/sys/fs/bpf/cpchain"

/* Where the filter is attached; in the order of enum cpc_bpf_mode (agent/bpf/bpf.h). */
enum cpc_config_filter {
	CPC_CONFIG_FILTER_AUTO,
	CPC_CONFIG_FILTER_NATIVE,
	CPC_CONFIG_FILTER_GENERIC,
	CPC_CONFIG_FILTER_TC,
	CPC_CONFIG_FILTER_OFF,
};

/* The wire's values of CPC_A_DEFAULT_VERDICT. */
enum cpc_default_verdict { CPC_DEFAULT_NO, CPC_DEFAULT_YES, CPC_DEFAULT_NONE };

/* What the daemon answers by itself to a change of members; the rest waits for a verdict. */
enum cpc_config_admit {
	CPC_CONFIG_ADMIT_CERTIFIED,	/* yes to who has a certificate or is known, to who wants
					 * to leave, and to members who lost their memory */
	CPC_CONFIG_ADMIT_ASK,		/* nothing */
	CPC_CONFIG_ADMIT_ANY,		/* yes to all */
};

struct cpc_config_member {
	bool set;
	char name[CPC_CONFIG_NAME_MAX + 1];
	uint8_t node_id[CPC_CONFIG_ID_BYTES];
};

/* No member at first: its key is enough to let it in, and whoever joins believes it. */
struct cpc_config_known {
	char name[CPC_CONFIG_NAME_MAX + 1];
	uint8_t node_id[CPC_CONFIG_ID_BYTES];
};

struct cpc_agent_config {
	/* [node] */
	char name[CPC_CONFIG_NAME_MAX + 1];	/* "": the member's name is taken */
	char key_file[CPC_CONFIG_PATH_MAX + 1];
	char state_dir[CPC_CONFIG_PATH_MAX + 1];
	char certificate[CPC_CONFIG_PATH_MAX + 1];	/* PEM, of this node's key; "": none */
	/* [cell] */
	uint16_t cell;
	uint16_t epoch;			/* the first one; 0 with join: the cell says which */
	char interface[16];
	uint16_t port;
	enum cpc_pacing pacing;
	uint32_t period_ms;		/* usual time between carriers, 10..1000 */
	enum cpc_default_verdict default_verdict;
	bool slow_first_view;
	bool leave_on_stop;		/* a clean stop also ends the kernel's part */
	char authority[CPC_CONFIG_PATH_MAX + 1];	/* PEM: who certifies; "": nobody */
	bool join;			/* none of the first members: it asks to be admitted */
	enum cpc_config_admit admit;
	uint32_t evict_after_s;		/* agrees that who is silent so long goes; 0: never */
	bool unanimous;			/* a cell of 2 or 3 may be, where all have to agree */
	unsigned int n;			/* 0 with join */
	struct cpc_config_member member[CPC_MEMBERS_MAX];
	unsigned int knowns;
	struct cpc_config_known known[CPC_CONFIG_KNOWN_MAX];
	/* [gateway] */
	bool gateway;
	char can[16];
	char dbc[CPC_CONFIG_PATH_MAX + 1];
	char overlay[CPC_CONFIG_PATH_MAX + 1];
	uint32_t gateway_period_ms;	/* one flush of samples into entries, 10..60000 */
	/* [bpf] */
	enum cpc_config_filter filter;
	bool stamp;
	char bpf_root[CPC_CONFIG_PATH_MAX + 1];
	/* "": none; a name without a slash is a shipped one; else a path */
	char policy_all[CPC_CONFIG_PATH_MAX + 1];
	char policy_quorum[CPC_CONFIG_PATH_MAX + 1];
	/* [api] */
	char socket[CPC_CONFIG_SOCKET_MAX + 1];
};

/*
 * Reads a configuration from @text. @file_name is only for the error. Returns 0, or -EINVAL with
 * "FILE:LINE: [section] key: what is wrong with 'value'".
 */
int cpc_config_parse(const char *file_name, const char *text, size_t len,
		     struct cpc_agent_config *ret_config, struct cpc_error *error);

/* The same from a file. Also -ENOENT, -EACCES, ... and -EFBIG. */
int cpc_config_load(const char *path, struct cpc_agent_config *ret_config,
		    struct cpc_error *error);

/* 64 hexadecimal digits; -EINVAL. */
int cpc_node_id_parse(const char *text, uint8_t ret_node_id[CPC_CONFIG_ID_BYTES]);

/*
 * A policy as the file and the command line name it: "none" becomes "", else a shipped one's name
 * or an absolute path. NULL, or what it should have been.
 */
const char *cpc_config_policy(const char *text, char ret_policy[CPC_CONFIG_PATH_MAX + 1]);

/* The index of the member with @node_id, or -ENOENT. */
int cpc_config_find(const struct cpc_agent_config *config,
		    const uint8_t node_id[CPC_CONFIG_ID_BYTES]);

/* What the file calls the vehicle with @node_id, a member or a known one; or NULL. */
const char *cpc_config_name(const struct cpc_agent_config *config,
			    const uint8_t node_id[CPC_CONFIG_ID_BYTES]);

/* The other way round: 0, or -ENOENT. */
int cpc_config_named(const struct cpc_agent_config *config, const char *name,
		     uint8_t ret_node_id[CPC_CONFIG_ID_BYTES]);

/* What pacing, verdict and admission are called in the file. */
const char *cpc_pacing_name(unsigned int pacing);
const char *cpc_default_verdict_name(unsigned int verdict);
const char *cpc_admit_name(unsigned int admit);

#endif
