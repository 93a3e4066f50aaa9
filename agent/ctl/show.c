// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/show.h"

#include <string.h>

#include "agent/ctl/json.h"
#include "agent/ctl/show_bpf.h"
#include "agent/ctl/show_change.h"

void cpc_show_text(FILE *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		/* U+0080..U+009F are controls too: C2 80..9F in UTF-8 */
		bool control = c < 0x20 || c == 0x7f ||
			       (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0);

		if (control)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
		if (control && c == 0xc2)
			fprintf(out, "\\x%02x", (unsigned char)text[++i]);
	}
}

void cpc_show_string(FILE *out, const json_t *value)
{
	if (json_is_string(value))
		cpc_show_text(out, json_string_value(value), json_string_length(value));
}

/* ---- status ---------------------------------------------------------------------------------- */

/* A cell that this vehicle wants to be in. Either a text, or a cell's number with one. */
static void show_seeking(FILE *out, const json_t *answer)
{
	const json_t *seeking = json_object_get(answer, "seeking");
	const json_t *text = json_object_get(seeking, "text");

	if (!seeking)
		return;
	fputs("  seeking    ", out);
	if (number_of(seeking, "cell"))
		fprintf(out, "cell %lld%s", number_of(seeking, "cell"), text ? ": " : "");
	cpc_show_string(out, text ? text : seeking);
	putc('\n', out);
}

void cpc_show_status(FILE *out, const json_t *answer)
{
	if (!true_of(answer, "running")) {
		fprintf(out, "%s waits: %s\n", text_of(answer, "name"),
			text_of(answer, "waiting_for"));
		show_seeking(out, answer);
		return;
	}
	fprintf(out, "%s is member %lld of cell %lld, epoch %lld, on %s\n", text_of(answer, "name"),
		number_of(answer, "self"), number_of(answer, "cell"), number_of(answer, "epoch"),
		text_of(answer, "interface"));
	fprintf(out, "  log        slot %lld, hash %.16s...%s\n", number_of(answer, "slot"),
		text_of(answer, "log_hash"),
		true_of(answer, "catching_up") ? ", catching up" : "");
	fprintf(out, "  peers      %lld of %lld connected\n", number_of(answer, "peers_up"),
		number_of(answer, "members") - 1);
	fprintf(out, "  outbox     %lld waiting, %lld submitted and not yet decided\n",
		number_of(answer, "outbox_waiting"), number_of(answer, "outbox_in_flight"));
	fprintf(out, "  gateway    %s\n", true_of(answer, "gateway") ? "running" : "off");
	show_seeking(out, answer);
}

/* ---- cell ------------------------------------------------------------------------------------ */

static void show_member(FILE *out, const json_t *member)
{
	const json_t *question = json_object_get(member, "question");
	const char *error = text_of(member, "error");

	fprintf(out, "  %2lld  %-12s %.16s  lane %-8lld ", number_of(member, "index"),
		text_of(member, "name"), text_of(member, "node_id"),
		number_of(member, "decided_seq"));
	if (true_of(member, "self"))
		fprintf(out, "this vehicle");
	else
		fprintf(out, "%s, %s", true_of(member, "key") ? "key" : "no key",
			true_of(member, "connected") ? "connected" : "not connected");
	if (*error)
		fprintf(out, " (%s)", error);
	putc('\n', out);
	if (!question)
		return;
	fprintf(out, "        entry %lld (", number_of(question, "seq"));
	if (json_object_get(question, "change"))
		cpc_show_members(out, json_object_get(question, "change"));
	else
		fputs(text_of(question, "kind"), out);
	fprintf(out, ") waits for a verdict: cpchainctl verdict %s %lld yes|no\n",
		text_of(member, "name"), number_of(question, "seq"));
}

/* When its members changed, when they change next, and what stands in their way. */
static void show_epoch(FILE *out, const json_t *answer)
{
	if (number_of(answer, "base"))
		fprintf(out, "epoch %lld began after slot %lld\n", number_of(answer, "epoch"),
			number_of(answer, "base"));
	if (number_of(answer, "end"))
		fprintf(out, "members change after slot %lld\n", number_of(answer, "end"));
	if (true_of(answer, "unanimous"))
		fprintf(out, "%zu members: every one of them has to agree, none may be silent\n",
			json_array_size(json_object_get(answer, "members")));
}

static void show_candidate(FILE *out, const json_t *candidate)
{
	fputs("      ", out);
	cpc_show_string(out, json_object_get(candidate, "name"));
	fprintf(out, " %.16s  wants to join, %s\n", text_of(candidate, "node_id"),
		true_of(candidate, "certified") ? "certified" : "not certified");
}

/* What this vehicle asked for last. */
static void show_asked(FILE *out, const json_t *change)
{
	const char *state = text_of(change, "state");

	if (!*state || strcmp(state, "none") == 0)
		return;
	fprintf(out, "asked to %s: ", text_of(change, "what"));
	cpc_show_change_state(out, change);
	putc('\n', out);
}

void cpc_show_cell(FILE *out, const json_t *answer)
{
	size_t i;
	json_t *item;

	if (json_object_get(answer, "cell") || !json_object_get(answer, "seeking")) {
		fprintf(out, "cell %lld, epoch %lld, on %s: pacing %s, period %.0f ms, default "
			"verdict %s, MAC %s\n", number_of(answer, "cell"),
			number_of(answer, "epoch"), text_of(answer, "interface"),
			text_of(answer, "pacing"), real_of(answer, "period_ms"),
			text_of(answer, "default_verdict"), text_of(answer, "mac"));
		fprintf(out, "decided: slot %lld, log hash %s\n", number_of(answer, "slot"),
			text_of(answer, "log_hash"));
	}
	show_epoch(out, answer);
	json_array_foreach(json_object_get(answer, "members"), i, item)
		show_member(out, item);
	json_array_foreach(json_object_get(answer, "candidates"), i, item)
		show_candidate(out, item);
	show_seeking(out, answer);
	show_asked(out, json_object_get(answer, "change"));
}

/* ---- stats ----------------------------------------------------------------------------------- */

/* Every number of an object, a line each; objects in it with their name in front. */
static void show_numbers(FILE *out, const char *title, json_t *object)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return;
	fprintf(out, "%s\n", title);
	json_object_foreach(object, key, value) {
		if (json_is_integer(value))
			fprintf(out, "  %-22s %lld\n", key, (long long)json_integer_value(value));
		else if (json_is_real(value))
			fprintf(out, "  %-22s %.3f\n", key, json_real_value(value));
	}
}

void cpc_show_stats(FILE *out, const json_t *answer)
{
	const json_t *latency = json_object_get(answer, "latency_ms");

	fprintf(out, "%s, cell %lld epoch %lld\n", text_of(answer, "name"),
		number_of(answer, "cell"), number_of(answer, "epoch"));
	fprintf(out, "  submitted              %lld entries, %lld of them decided\n",
		number_of(answer, "entries_submitted"), number_of(answer, "own_entries_decided"));
	fprintf(out,
		"  decided                %lld slots (%lld void), %lld entries of all members\n",
		number_of(answer, "decided_slots"), number_of(answer, "void_slots"),
		number_of(answer, "entries_decided"));
	fprintf(out, "  log hash               %s\n", text_of(answer, "log_hash"));
	if (number_of(latency, "count"))
		fprintf(out, "  submit to decided      p50 %.3f ms, p99 %.3f ms, max %.3f ms "
			"(%lld entries)\n", real_of(latency, "p50"), real_of(latency, "p99"),
			real_of(latency, "max"), number_of(latency, "count"));
	show_numbers(out, "module", json_object_get(answer, "module"));
	show_numbers(out, "gateway", json_object_get(answer, "gateway"));
	show_numbers(out, "catch-up", json_object_get(answer, "catchup"));
}

/* ---- log ------------------------------------------------------------------------------------- */

/* A wall clock time of day; the date is the head line's. */
static void put_time(FILE *out, long long ms)
{
	fprintf(out, "%02lld:%02lld:%02lld.%03lld", ms / 3600000 % 24, ms / 60000 % 60,
		ms / 1000 % 60, ms % 1000);
}

static void show_signal(FILE *out, const json_t *signal)
{
	const json_t *name = json_object_get(signal, "signal");
	const json_t *value = json_object_get(signal, "value");

	fputs("    ", out);
	put_time(out, number_of(signal, "time_ms"));
	if (json_is_string(name)) {
		fputs("  ", out);
		cpc_show_string(out, name);
		fputs(" = ", out);
	} else {
		fprintf(out, "  signal %lld of dictionary %lld = ", number_of(signal, "index"),
			number_of(signal, "dictionary"));
	}
	if (json_is_string(value))
		cpc_show_string(out, value);
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "true" : "false", out);
	else if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	else
		fprintf(out, "%.10g", json_number_value(value));
	if (*text_of(signal, "unit")) {
		putc(' ', out);
		cpc_show_string(out, json_object_get(signal, "unit"));
	}
	putc('\n', out);
}

/* "by all: accepted"; the rest of the line says that it is a change of members. */
static void put_outcome(FILE *out, const json_t *entry)
{
	const char *kind = text_of(entry, "kind");

	if (strcmp(kind, "ordinary") == 0)
		return;
	if (strcmp(kind, "change") == 0)
		fputs("  ", out);
	else
		fprintf(out, "  by %s: ", kind);
	fputs(true_of(entry, "accepted") ? "accepted" : "REJECTED", out);
}

void cpc_show_entry(FILE *out, const json_t *entry)
{
	const char *type = text_of(entry, "type");
	const json_t *change = json_object_get(entry, "change");
	size_t i;
	json_t *signal;

	fprintf(out, "%s  slot %lld  %s/%lld", text_of(entry, "time"), number_of(entry, "slot"),
		text_of(entry, "member"), number_of(entry, "seq"));
	put_outcome(out, entry);
	if (change) {
		fputs("  ", out);
		cpc_show_members(out, change);
		putc('\n', out);
	} else if (strcmp(type, "text") == 0) {
		fputs("  \"", out);
		cpc_show_string(out, json_object_get(entry, "text"));
		fputs("\"\n", out);
	} else if (strcmp(type, "proposal") == 0) {
		fputs("  ", out);
		cpc_show_manoeuvre(out, json_object_get(entry, "proposal"));
		putc('\n', out);
	} else if (strcmp(type, "record") == 0) {
		fprintf(out, "  %zu samples\n",
			json_array_size(json_object_get(entry, "signals")));
		json_array_foreach(json_object_get(entry, "signals"), i, signal)
			show_signal(out, signal);
	} else {
		fprintf(out, "  %zu bytes %s\n", strlen(text_of(entry, "hex")) / 2,
			text_of(entry, "hex"));
	}
}
