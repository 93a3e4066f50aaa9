// SPDX-License-Identifier: BSD-3-Clause
/* The names; see names.h. In the order of uapi/cpchain_nl.h. */
#include "tools/cellctl/names.h"

#include <string.h>

const enum cpc_attr_kind cpc_attr_kinds[CPC_A_MAX + 1] = {
	[CPC_A_CELL] = CPC_ATTR_U16,
	[CPC_A_EPOCH] = CPC_ATTR_U16,
	[CPC_A_IFINDEX] = CPC_ATTR_U32,
	[CPC_A_IFNAME] = CPC_ATTR_TEXT,
	[CPC_A_SELF] = CPC_ATTR_U8,
	[CPC_A_MEMBERS] = CPC_ATTR_NEST,
	[CPC_A_MEMBER] = CPC_ATTR_NEST,
	[CPC_A_INDEX] = CPC_ATTR_U8,
	[CPC_A_NODE_ID] = CPC_ATTR_HEX,
	[CPC_A_KEY] = CPC_ATTR_HEX,
	[CPC_A_KEY_ID] = CPC_ATTR_HEX,
	[CPC_A_PACING] = CPC_ATTR_U8,
	[CPC_A_PERIOD_US] = CPC_ATTR_U32,
	[CPC_A_DEFAULT_VERDICT] = CPC_ATTR_U8,
	[CPC_A_SLOW_FIRST_VIEW] = CPC_ATTR_FLAG,
	[CPC_A_KIND] = CPC_ATTR_U8,
	[CPC_A_DATA] = CPC_ATTR_HEX,
	[CPC_A_LANE] = CPC_ATTR_U8,
	[CPC_A_SEQ] = CPC_ATTR_U32,
	[CPC_A_FROM] = CPC_ATTR_U32,
	[CPC_A_HEAD] = CPC_ATTR_HEX,
	[CPC_A_VERDICT] = CPC_ATTR_U8,
	[CPC_A_SLOT] = CPC_ATTR_U32,
	[CPC_A_VIEW] = CPC_ATTR_U8,
	[CPC_A_LOG_HASH] = CPC_ATTR_HEX,
	[CPC_A_PREV_LOG_HASH] = CPC_ATTR_HEX,
	[CPC_A_VALUE] = CPC_ATTR_HEX,
	[CPC_A_VOID] = CPC_ATTR_FLAG,
	[CPC_A_LANES] = CPC_ATTR_NEST,
	[CPC_A_LANE_CUT] = CPC_ATTR_NEST,
	[CPC_A_ACCEPTED] = CPC_ATTR_U16,
	[CPC_A_ENTRY] = CPC_ATTR_HEX,
	[CPC_A_COUNTER] = CPC_ATTR_U32,
	[CPC_A_UP] = CPC_ATTR_U8,
	[CPC_A_COUNTERS] = CPC_ATTR_COUNTERS,
	[CPC_A_MORE] = CPC_ATTR_FLAG,
	[CPC_A_MEMBERS_DIGEST] = CPC_ATTR_HEX,
	[CPC_A_MAC] = CPC_ATTR_TEXT,
	[CPC_A_MAC_ID] = CPC_ATTR_U8,
	[CPC_A_FD] = CPC_ATTR_U32,
	[CPC_A_ADDRESS] = CPC_ATTR_HEX,
	[CPC_A_POLICIES] = CPC_ATTR_NEST,
	[CPC_A_POLICY] = CPC_ATTR_NEST,
	[CPC_A_PROG_ID] = CPC_ATTR_U32,
	[CPC_A_WORDS] = CPC_ATTR_LIST,
	[CPC_A_REASONS] = CPC_ATTR_LIST,
	[CPC_A_FAILED] = CPC_ATTR_U64,
	[CPC_A_RUN_NS] = CPC_ATTR_U64,
	[CPC_A_RUN_MAX_NS] = CPC_ATTR_U64,
	[CPC_A_CONDITION] = CPC_ATTR_NEST,
	[CPC_A_OPEN] = CPC_ATTR_FLAG,
	[CPC_A_YES] = CPC_ATTR_U64,
	[CPC_A_NO] = CPC_ATTR_U64,
	[CPC_A_BASE] = CPC_ATTR_U32,
	[CPC_A_END] = CPC_ATTR_U32,
	[CPC_A_UNANIMOUS] = CPC_ATTR_FLAG,
	[CPC_A_WHY] = CPC_ATTR_HEX,
};

const char *const cpc_attr_names[CPC_A_MAX + 1] = {
	[CPC_A_CELL] = "cell",
	[CPC_A_EPOCH] = "epoch",
	[CPC_A_IFINDEX] = "ifindex",
	[CPC_A_IFNAME] = "ifname",
	[CPC_A_SELF] = "self",
	[CPC_A_MEMBERS] = "members",
	[CPC_A_MEMBER] = "member",
	[CPC_A_INDEX] = "index",
	[CPC_A_NODE_ID] = "node_id",
	[CPC_A_KEY] = "key",
	[CPC_A_KEY_ID] = "key_id",
	[CPC_A_PACING] = "pacing",
	[CPC_A_PERIOD_US] = "period_us",
	[CPC_A_DEFAULT_VERDICT] = "default_verdict",
	[CPC_A_SLOW_FIRST_VIEW] = "slow_first_view",
	[CPC_A_KIND] = "kind",
	[CPC_A_DATA] = "data",
	[CPC_A_LANE] = "lane",
	[CPC_A_SEQ] = "seq",
	[CPC_A_FROM] = "from",
	[CPC_A_HEAD] = "head",
	[CPC_A_VERDICT] = "verdict",
	[CPC_A_SLOT] = "slot",
	[CPC_A_VIEW] = "view",
	[CPC_A_LOG_HASH] = "log_hash",
	[CPC_A_PREV_LOG_HASH] = "prev_log_hash",
	[CPC_A_VALUE] = "value",
	[CPC_A_VOID] = "void",
	[CPC_A_LANES] = "lanes",
	[CPC_A_LANE_CUT] = "lane_cut",
	[CPC_A_ACCEPTED] = "accepted",
	[CPC_A_ENTRY] = "entry",
	[CPC_A_COUNTER] = "counter",
	[CPC_A_UP] = "up",
	[CPC_A_COUNTERS] = "counters",
	[CPC_A_MORE] = "more",
	[CPC_A_MEMBERS_DIGEST] = "members_digest",
	[CPC_A_MAC] = "mac",
	[CPC_A_MAC_ID] = "mac_id",
	[CPC_A_FD] = "fd",
	[CPC_A_ADDRESS] = "address",
	[CPC_A_POLICIES] = "policies",
	[CPC_A_POLICY] = "policy",
	[CPC_A_PROG_ID] = "prog_id",
	[CPC_A_WORDS] = "words",
	[CPC_A_REASONS] = "reasons",
	[CPC_A_FAILED] = "failed",
	[CPC_A_RUN_NS] = "run_ns",
	[CPC_A_RUN_MAX_NS] = "run_max_ns",
	[CPC_A_CONDITION] = "condition",
	[CPC_A_OPEN] = "open",
	[CPC_A_YES] = "yes",
	[CPC_A_NO] = "no",
	[CPC_A_BASE] = "base",
	[CPC_A_END] = "end",
	[CPC_A_UNANIMOUS] = "unanimous",
	[CPC_A_WHY] = "why",
};

const char *const cpc_command_names[CPC_C_MAX + 1] = {
	[CPC_C_CELL_ADD] = "cell_add",
	[CPC_C_CELL_DEL] = "cell_del",
	[CPC_C_CELL_SET] = "cell_set",
	[CPC_C_CELL_GET] = "cell_get",
	[CPC_C_KEY_SET] = "key_set",
	[CPC_C_SUBMIT] = "submit",
	[CPC_C_VERDICT] = "verdict",
	[CPC_C_DECIDED_GET] = "decided_get",
	[CPC_C_INSTALL] = "install",
	[CPC_C_STATS_GET] = "stats_get",
	[CPC_C_EV_DECIDED] = "ev_decided",
	[CPC_C_EV_VIEW] = "ev_view",
	[CPC_C_EV_EVIDENCE] = "ev_evidence",
	[CPC_C_EV_BEHIND] = "ev_behind",
	[CPC_C_EV_QUESTION] = "ev_question",
	[CPC_C_EV_CELL] = "ev_cell",
	[CPC_C_POLICY_SET] = "policy_set",
	[CPC_C_POLICY_GET] = "policy_get",
	[CPC_C_CONDITION_GET] = "condition_get",
};

uint16_t cpc_attr_number(const char *name)
{
	uint16_t i;

	for (i = 1; i <= CPC_A_MAX; i++)
		if (cpc_attr_names[i] && strcmp(cpc_attr_names[i], name) == 0)
			return i;
	return 0;
}

uint8_t cpc_command_number(const char *name)
{
	uint8_t i;

	for (i = 1; i <= CPC_C_MAX; i++)
		if (strcmp(cpc_command_names[i], name) == 0)
			return i;
	return 0;
}
