// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/propose_io.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "agent/ctl/ask_io.h"
#include "agent/util/cleanup.h"

enum {
	POLL_MS = 100,
	/* Who had no say because it was decided without him may still be heard. */
	LATE_MS = 1000,
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(int ms)
{
	struct timespec time = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&time, NULL);
}

static bool state_is(const json_t *answer, const char *state)
{
	const char *text = json_string_value(json_object_get(answer, "state"));

	return text && strcmp(text, state) == 0;
}

static bool is_decided(const json_t *answer)
{
	return state_is(answer, "accepted") || state_is(answer, "rejected") ||
	       state_is(answer, "refused");
}

static bool all_heard(const json_t *answer)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_object_get(answer, "words"), i, word) {
		const char *text = json_string_value(json_object_get(word, "word"));

		if (!text || strcmp(text, "silent") == 0)
			return false;
	}
	return true;
}

static json_t *wait_for_it(struct cpc_ctl_session *session, const char *id, uint32_t wait_s,
			   struct cpc_error *error)
{
	int64_t end_ms = now_ms() + (int64_t)wait_s * 1000, late_ms = 0;
	json_t *answer;

	for (;;) {
		answer = cpc_ctl_ask(session, json_pack("{s:s, s:s}", "op", "proposal", "id", id),
				     error);
		if (!answer)
			return NULL;
		if (is_decided(answer) && !late_ms)
			late_ms = now_ms() + LATE_MS;
		if (now_ms() >= (late_ms ? late_ms : end_ms) ||
		    (late_ms && (all_heard(answer) || state_is(answer, "refused"))))
			return answer;
		json_decref(answer);
		pause_ms(POLL_MS);
	}
}

enum cpc_ctl_outcome cpc_ctl_propose(const struct cpc_ctl_command *command, json_t **ret_answer,
				     struct cpc_error *error)
{
	CPC_CLEANUP(cpc_ctl_close) struct cpc_ctl_session session = { .fd = -1 };
	json_t *queued, *answer;

	if (cpc_ctl_open(command->socket, &session, error) < 0)
		return CPC_CTL_ERROR;
	queued = cpc_ctl_ask(&session, cpc_ctl_request(command, NULL, 0), error);
	if (!queued)
		return CPC_CTL_ERROR;
	answer = wait_for_it(&session, json_string_value(json_object_get(queued, "id")),
			     command->wait_s, error);
	json_decref(queued);
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
