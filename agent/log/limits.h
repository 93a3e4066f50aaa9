/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_LOG_LIMITS_H
#define CPC_AGENT_LOG_LIMITS_H

#include <cpchain/limits.h>

/* Every bound of the decided log and the outbox, and what happens when it is hit. */
enum cpc_log_limits {
	/* one decision; the codec refuses more */
	CPC_LOG_ENTRIES_MAX = CPC_LANE_WINDOW,	/* newly decided entries of one lane */
	CPC_DECISION_BYTES_MAX = 1 + 4 + 1 + CPC_DIGEST_BYTES + CPC_HASH_BYTES + 1 +
		CPC_CUT_LANES_MAX * (1 + 4 + 4 + 2 + CPC_DIGEST_BYTES +
				     CPC_LOG_ENTRIES_MAX * (2 + CPC_BODY_MAX)),

	/* outbox */
	CPC_OUTBOX_MAX = 4096,		/* entries waiting or in flight; a further one: -ENOSPC */
	CPC_ENVELOPE_BYTES = 9,
	CPC_PAYLOAD_MAX = CPC_ENTRY_DATA_MAX - CPC_ENVELOPE_BYTES,	/* more: -EMSGSIZE */
};

#endif
