/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_CTL_FOLLOW_IO_H
#define CPC_AGENT_CTL_FOLLOW_IO_H

/* What becomes of something that was asked for and takes the others' votes. */
#include <stdint.h>

#include "agent/ctl/ask_io.h"

enum cpc_ctl_stage {
	CPC_CTL_PENDING,
	CPC_CTL_DECIDED,	/* only words of members may still come */
	CPC_CTL_OVER,		/* nothing more will come */
};

/* Judges an answer; called for each. */
typedef enum cpc_ctl_stage (*cpc_ctl_judge_fn)(void *ctx, const json_t *answer);

/*
 * Asks @question, which is released, again and again: until it is over, until it is decided and
 * every member's word was heard or a second has passed, or until @wait_s are. Gives the last
 * answer, a new reference, or NULL with a text as cpc_ctl_ask().
 */
json_t *cpc_ctl_follow(struct cpc_ctl_session *session, json_t *question, uint32_t wait_s,
		       cpc_ctl_judge_fn judge, void *ctx, struct cpc_error *error);

#endif
