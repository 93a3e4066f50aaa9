// SPDX-License-Identifier: BSD-3-Clause
/* change_io.c - asks for a change of members, and follows it until it is in effect. */
#include <string.h>

#include "agent/ctl/follow_io.h"
#include "agent/ctl/json.h"
#include "agent/ctl/propose_io.h"
#include "agent/ctl/show_change.h"
#include "agent/util/cleanup.h"

struct following {
	long long id;		/* what the daemon calls the change we asked for */
	bool lost;		/* it speaks of another one now, or of none */
	FILE *news;
	char last[300];		/* the state and text that were told last */
};

/* One line per new state. Words that come in between are shown at the end. */
static void tell(struct following *f, const json_t *answer)
{
	char now[sizeof(f->last)];

	snprintf(now, sizeof(now), "%s %s", text_of(answer, "state"), text_of(answer, "text"));
	if (!f->news || strcmp(now, f->last) == 0)
		return;
	strcpy(f->last, now);
	cpc_show_change_state(f->news, answer);
	putc('\n', f->news);
	fflush(f->news);
}

static bool state_is(const json_t *answer, const char *state)
{
	return strcmp(text_of(answer, "state"), state) == 0;
}

static enum cpc_ctl_stage judge(void *ctx, const json_t *answer)
{
	struct following *f = ctx;

	f->lost = number_of(answer, "id") != f->id || state_is(answer, "none");
	if (f->lost || state_is(answer, "failed"))
		return CPC_CTL_OVER;
	tell(f, answer);
	if (state_is(answer, "rejected"))
		return CPC_CTL_DECIDED;
	return state_is(answer, "done") ? CPC_CTL_OVER : CPC_CTL_PENDING;
}

static enum cpc_ctl_outcome outcome_of(const struct cpc_ctl_command *command,
				       const struct following *f, const json_t *answer,
				       struct cpc_error *error)
{
	const char *what = cpc_change_name(command->change.what);

	if (f->lost) {
		cpc_error_set(error, "%s: the daemon speaks of change %lld now, not of %lld: it "
			      "was started anew, or somebody asked for another one", what,
			      number_of(answer, "id"), f->id);
		return CPC_CTL_ERROR;
	}
	if (state_is(answer, "failed")) {
		cpc_error_set(error, "%s: %s", what, *text_of(answer, "text") ?
			      text_of(answer, "text") : "failed, without a reason");
		return CPC_CTL_ERROR;
	}
	if (state_is(answer, "done"))
		return CPC_CTL_ACCEPTED;
	return state_is(answer, "rejected") ? CPC_CTL_REJECTED : CPC_CTL_UNDECIDED;
}

enum cpc_ctl_outcome cpc_ctl_change(const struct cpc_ctl_command *command, FILE *news,
				    json_t **ret_answer, struct cpc_error *error)
{
	CPC_CLEANUP(cpc_ctl_close) struct cpc_ctl_session session = { .fd = -1 };
	struct following f = { .news = news };
	json_t *asked, *answer;

	if (cpc_ctl_open(command->socket, &session, error) < 0)
		return CPC_CTL_ERROR;
	asked = cpc_ctl_ask(&session, cpc_ctl_request(command, NULL, 0), error);
	if (!asked)
		return CPC_CTL_ERROR;
	if (command->wait_s == 0) {
		*ret_answer = asked;
		return CPC_CTL_ACCEPTED;
	}
	f.id = number_of(asked, "id");
	json_decref(asked);
	answer = cpc_ctl_follow(&session, json_pack("{s:s}", "op", "change"), command->wait_s,
				judge, &f, error);
	if (!answer)
		return CPC_CTL_ERROR;
	*ret_answer = answer;
	return outcome_of(command, &f, answer, error);
}
