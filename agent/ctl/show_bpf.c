// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/show_bpf.h"

#include <string.h>

#include "agent/ctl/json.h"

/* "fits 2, braking 1": the members that are not 0. */
static void put_counts(FILE *out, json_t *counts)
{
	const char *key, *comma = "";
	json_t *value;

	json_object_foreach(counts, key, value) {
		if (!json_integer_value(value))
			continue;
		fprintf(out, "%s%s %lld", comma, key, (long long)json_integer_value(value));
		comma = ", ";
	}
}

/* ---- programs -------------------------------------------------------------------------------- */

static void show_program(FILE *out, const json_t *program)
{
	fprintf(out, "  %-16s id %-6lld", text_of(program, "name"), number_of(program, "id"));
	if (number_of(program, "runs"))
		fprintf(out, " runs %-10lld mean %.0f ns\n", number_of(program, "runs"),
			real_of(program, "mean_ns"));
	else
		fprintf(out, " not measured\n");
}

static void show_traffic(FILE *out, const json_t *answer)
{
	json_t *traffic = json_object_get(answer, "traffic"), *classes, *class;
	long long load = number_of(answer, "channel_load_per_mille");
	const char *direction, *name;

	if (!traffic)
		return;
	fprintf(out, "traffic: channel load %lld.%lld %% of the last second\n", load / 10,
		load % 10);
	json_object_foreach(traffic, direction, classes)
		json_object_foreach(classes, name, class) {
			if (!number_of(class, "frames"))
				continue;
			fprintf(out, "  %s %-8s %10lld frames %12lld bytes %9.1f ms on air",
				direction, name, number_of(class, "frames"),
				number_of(class, "bytes"), real_of(class, "air_ms"));
			if (number_of(class, "age_count"))
				fprintf(out, "  age p50 <= %lld us, p99 <= %lld us",
					number_of(class, "age_p50_us"),
					number_of(class, "age_p99_us"));
			putc('\n', out);
		}
}

static void show_source(FILE *out, const json_t *source)
{
	fprintf(out, "  %s %-5s %10lld frames %10lld dropped  ", text_of(source, "address"),
		json_is_true(json_object_get(source, "known")) ? "known" : "new",
		number_of(source, "frames"), number_of(source, "dropped"));
	put_counts(out, json_object_get(source, "reasons"));
	putc('\n', out);
}

static void show_filter(FILE *out, const json_t *answer)
{
	json_t *item, *filter = json_object_get(answer, "filter");
	const char *reason;
	size_t i;

	fprintf(out, "filter on %s: %s", text_of(answer, "interface"), text_of(answer, "mode"));
	if (*text_of(answer, "why"))
		fprintf(out, " (%s)", text_of(answer, "why"));
	if (*text_of(answer, "note"))
		fprintf(out, " (%s)", text_of(answer, "note"));
	if (filter)
		fprintf(out, ", %lld dropped", number_of(answer, "dropped"));
	putc('\n', out);
	json_array_foreach(json_object_get(answer, "programs"), i, item)
		show_program(out, item);
	json_object_foreach(filter, reason, item)
		if (number_of(item, "frames"))
			fprintf(out, "  %-18s %10lld frames %12lld bytes\n", reason,
				number_of(item, "frames"), number_of(item, "bytes"));
}

/* ---- policies -------------------------------------------------------------------------------- */

static void show_own_counters(FILE *out, const json_t *own)
{
	json_t *verdict;
	size_t i;

	json_array_foreach(json_object_get(own, "verdicts"), i, verdict)
		fprintf(out, "    %-8s %-24s %10lld\n", text_of(verdict, "word"),
			text_of(verdict, "reason"), number_of(verdict, "count"));
}

static void show_policy(FILE *out, const json_t *policy)
{
	const char *name = text_of(policy, "policy");

	fprintf(out, "policy for entries by %s: ", text_of(policy, "kind"));
	if (number_of(policy, "program"))
		fprintf(out, "%s, program %lld", *name ? name : "somebody else's",
			number_of(policy, "program"));
	else
		fputs("none", out);
	fprintf(out, "; asked %lld times", number_of(policy, "asked"));
	if (number_of(policy, "asked"))
		fprintf(out, ", mean %.0f ns, at most %lld ns", real_of(policy, "mean_ns"),
			number_of(policy, "max_ns"));
	if (number_of(policy, "failed"))
		fprintf(out, ", %lld times without memory to ask", number_of(policy, "failed"));
	putc('\n', out);
	if (!number_of(policy, "asked"))
		return;
	fputs("  said  ", out);
	put_counts(out, json_object_get(policy, "words"));
	fputs("\n  why   ", out);
	put_counts(out, json_object_get(policy, "reasons"));
	putc('\n', out);
	show_own_counters(out, json_object_get(policy, "own_counters"));
}

void cpc_show_bpf(FILE *out, const json_t *answer)
{
	json_t *sources = json_object_get(answer, "sources"), *item;
	size_t i;

	show_filter(out, answer);
	if (json_array_size(sources))
		fprintf(out, "sources, the worst first:\n");
	json_array_foreach(sources, i, item)
		show_source(out, item);
	show_traffic(out, answer);
	if (*text_of(answer, "why_no_policies"))
		fprintf(out, "policies: %s\n", text_of(answer, "why_no_policies"));
	json_array_foreach(json_object_get(answer, "policies"), i, item)
		show_policy(out, item);
}

/* ---- proposals ------------------------------------------------------------------------------- */

static double km_h(const json_t *proposal, const char *key)
{
	return (double)number_of(proposal, key) * 3.6 / 100;
}

void cpc_show_manoeuvre(FILE *out, const json_t *proposal)
{
	const char *type = text_of(proposal, "type");

	if (strcmp(type, "speed") == 0)
		fprintf(out, "speed advisory for zone %lld: %.1f to %.1f km/h for %lld s",
			number_of(proposal, "zone"), km_h(proposal, "min_cm_s"),
			km_h(proposal, "max_cm_s"), number_of(proposal, "duration_s"));
	else
		fprintf(out, "%s of platoon %lld at %.1f km/h, %.1f m ahead, as number %lld", type,
			number_of(proposal, "platoon"), km_h(proposal, "speed_cm_s"),
			(double)number_of(proposal, "gap_cm") / 100,
			number_of(proposal, "position"));
}

void cpc_show_words(FILE *out, const json_t *entry)
{
	json_t *word;
	size_t i;

	json_array_foreach(json_object_get(entry, "words"), i, word)
		fprintf(out, "  %-12s %-7s %s\n", text_of(word, "member"), text_of(word, "word"),
			text_of(word, "reason"));
}

static const char *outcome(const json_t *entry)
{
	const char *state = text_of(entry, "state");

	return strcmp(state, "rejected") == 0 ? "REJECTED" : state;
}

void cpc_show_proposal(FILE *out, const json_t *answer)
{
	cpc_show_manoeuvre(out, json_object_get(answer, "proposal"));
	if (number_of(answer, "seq"))
		fprintf(out, " (entry %lld, by %s)", number_of(answer, "seq"),
			text_of(answer, "kind"));
	putc('\n', out);
	cpc_show_words(out, answer);
	if (number_of(answer, "slot"))
		fprintf(out, "%s in slot %lld\n", outcome(answer), number_of(answer, "slot"));
	else
		fprintf(out, "not decided yet: %s\n", outcome(answer));
}

void cpc_show_proposals(FILE *out, const json_t *answer)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(answer, "entries"), i, entry) {
		bool change = strcmp(text_of(entry, "kind"), "change") == 0;

		fprintf(out, "%s/%lld, %s%s: %s\n", text_of(entry, "member"),
			number_of(entry, "seq"), change ? "a " : "by ",
			change ? "change of members" : text_of(entry, "kind"), outcome(entry));
		cpc_show_words(out, entry);
	}
}
