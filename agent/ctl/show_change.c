// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/show_change.h"

#include <string.h>

#include "agent/ctl/json.h"
#include "agent/ctl/show.h"
#include "agent/ctl/show_bpf.h"

static bool state_is(const json_t *answer, const char *state)
{
	return strcmp(text_of(answer, "state"), state) == 0;
}

/* ---- who ------------------------------------------------------------------------------------- */

/* "car3, car4 leave". Returns how many they are. */
static size_t put_names(FILE *out, const json_t *names, const char *one, const char *many)
{
	size_t i, n = json_array_size(names);
	json_t *name;

	json_array_foreach(names, i, name) {
		fputs(i ? ", " : "", out);
		cpc_show_string(out, name);
	}
	if (n)
		fprintf(out, " %s", n == 1 ? one : many);
	return n;
}

void cpc_show_members(FILE *out, const json_t *change)
{
	const json_t *joining = json_object_get(change, "joining");
	size_t n;

	fputs("change of members: ", out);
	n = put_names(out, json_object_get(change, "leaving"), "leaves", "leave");
	if (n && number_of(change, "split"))
		fprintf(out, ", forming cell %lld", number_of(change, "split"));
	if (n && json_array_size(joining))
		fputs("; ", out);
	n += put_names(out, joining, "joins", "join");
	if (!n)
		fputs("new keys for all", out);
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

static void put_spoken(FILE *out, const json_t *words)
{
	const char *before = ": ";
	json_t *word;
	size_t i;

	json_array_foreach(words, i, word) {
		if (strcmp(text_of(word, "word"), "silent") == 0)
			continue;
		fputs(before, out);
		cpc_show_string(out, json_object_get(word, "member"));
		fprintf(out, " %s", text_of(word, "word"));
		if (*text_of(word, "reason")) {
			putc(' ', out);
			cpc_show_string(out, json_object_get(word, "reason"));
		}
		before = ", ";
	}
}

static void put_slots(FILE *out, const json_t *answer)
{
	if (number_of(answer, "slot"))
		fprintf(out, " in slot %lld", number_of(answer, "slot"));
	if (state_is(answer, "accepted") && number_of(answer, "end"))
		fprintf(out, ", in effect after slot %lld", number_of(answer, "end"));
}

static void put_effect(FILE *out, const json_t *answer)
{
	fputs("in effect", out);
	if (number_of(answer, "epoch"))
		fprintf(out, ": epoch %lld", number_of(answer, "epoch"));
	if (number_of(answer, "epoch") && number_of(answer, "members"))
		fprintf(out, " with %lld members", number_of(answer, "members"));
}

void cpc_show_change_state(FILE *out, const json_t *answer)
{
	const json_t *text = json_object_get(answer, "text");
	bool says = *text_of(answer, "text");

	if (state_is(answer, "waiting") && says) {	/* what for says it better */
		cpc_show_string(out, text);
		return;
	}
	if (state_is(answer, "done"))
		put_effect(out, answer);
	else if (state_is(answer, "rejected"))
		fputs("REJECTED", out);
	else
		cpc_show_string(out, json_object_get(answer, "state"));
	if (state_is(answer, "open"))
		put_spoken(out, json_object_get(answer, "words"));
	if (state_is(answer, "accepted") || state_is(answer, "rejected"))
		put_slots(out, answer);
	if (says) {
		fputs(state_is(answer, "failed") ? ": " : "; ", out);
		cpc_show_string(out, text);
	}
}

void cpc_show_change(FILE *out, const json_t *answer)
{
	cpc_show_words(out, answer);
	if (state_is(answer, "waiting") || state_is(answer, "open") || state_is(answer, "accepted"))
		fprintf(out, "not in effect yet: %s\n", text_of(answer, "state"));
}
