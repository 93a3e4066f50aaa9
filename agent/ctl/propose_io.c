// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/propose_io.h"

#include <string.h>

#include "agent/ctl/follow_io.h"
#include "agent/ctl/json.h"
#include "agent/util/cleanup.h"

static bool state_is(const json_t *answer, const char *state)
{
	return strcmp(text_of(answer, "state"), state) == 0;
}

static enum cpc_ctl_stage judge(void *ctx, const json_t *answer)
{
	(void)ctx;
	if (state_is(answer, "refused"))
		return CPC_CTL_OVER;
	return state_is(answer, "accepted") || state_is(answer, "rejected") ? CPC_CTL_DECIDED :
									      CPC_CTL_PENDING;
}

enum cpc_ctl_outcome cpc_ctl_propose(const struct cpc_ctl_command *command, json_t **ret_answer,
				     struct cpc_error *error)
{
	CPC_CLEANUP(cpc_ctl_close) struct cpc_ctl_session session = { .fd = -1 };
	json_t *queued, *question, *answer;

	if (cpc_ctl_open(command->socket, &session, error) < 0)
		return CPC_CTL_ERROR;
	queued = cpc_ctl_ask(&session, cpc_ctl_request(command, NULL, 0), error);
	if (!queued)
		return CPC_CTL_ERROR;
	question = json_pack("{s:s, s:s}", "op", "proposal", "id", text_of(queued, "id"));
	json_decref(queued);
	answer = cpc_ctl_follow(&session, question, command->wait_s, judge, NULL, error);
	if (!answer)
		return CPC_CTL_ERROR;
	if (state_is(answer, "refused")) {
		cpc_error_set(error, "the module does not take it: see the daemon's journal");
		json_decref(answer);
		return CPC_CTL_ERROR;
	}
	*ret_answer = answer;
	if (state_is(answer, "accepted"))
		return CPC_CTL_ACCEPTED;
	return state_is(answer, "rejected") ? CPC_CTL_REJECTED : CPC_CTL_UNDECIDED;
}
