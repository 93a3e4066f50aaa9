// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/follow_io.h"

#include <string.h>
#include <time.h>

#include "agent/ctl/json.h"

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

static bool all_heard(const json_t *answer)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_object_get(answer, "words"), i, word) {
		const char *text = text_of(word, "word");

		if (!*text || strcmp(text, "silent") == 0)
			return false;
	}
	return true;
}

/*
 * It polls because there is no event to wait for: words come in one by one, before the decision
 * and behind it, and the module counts them without telling anybody.
 */
json_t *cpc_ctl_follow(struct cpc_ctl_session *session, json_t *question, uint32_t wait_s,
		       cpc_ctl_judge_fn judge, void *ctx, struct cpc_error *error)
{
	int64_t end_ms = now_ms() + (int64_t)wait_s * 1000;
	bool decided = false;
	json_t *answer;

	for (;;) {
		enum cpc_ctl_stage stage;

		answer = cpc_ctl_ask(session, json_incref(question), error);
		if (!answer)
			break;
		stage = judge(ctx, answer);
		if (stage == CPC_CTL_DECIDED && !decided) {
			decided = true;
			end_ms = now_ms() + LATE_MS;
		}
		if (stage == CPC_CTL_OVER || (decided && all_heard(answer)) || now_ms() >= end_ms)
			break;
		json_decref(answer);
		pause_ms(POLL_MS);
	}
	json_decref(question);
	return answer;
}
