// SPDX-License-Identifier: BSD-3-Clause
#include "agent/bpf/show.h"

#include <inttypes.h>

enum { LOAD_WINDOWS = 10 }; /* a second */

static const char *const directions[CPC_STAMP_DIRECTIONS] = { "rx", "tx" };

static double mean_ns(const struct cpc_bpf_program *p)
{
	return p->runs ? (double)p->run_ns / (double)p->runs : 0;
}

static void show_program(FILE *out, const struct cpc_bpf_program *p)
{
	if (!p->id)
		return;
	fprintf(out, "  %-16s id %-6" PRIu32, p->name, p->id);
	if (p->runs)
		fprintf(out, " runs %-10" PRIu64 " mean %.0f ns\n", p->runs, mean_ns(p));
	else
		fprintf(out, " not measured\n");
}

static void show_traffic(FILE *out, const struct cpc_bpf_metrics *m, unsigned int direction,
			 unsigned int class)
{
	const struct cpc_stamp_traffic *t = &m->traffic[direction][class];
	const struct cpc_stamp_latency *age = &m->latency[direction][class][CPC_LATENCY_AGE];

	if (!t->frames)
		return;
	fprintf(out, "  %s %-8s %10" PRIu64 " frames %12" PRIu64 " bytes %9.1f ms on air",
		directions[direction], cpc_bpf_class_name(class), (uint64_t)t->frames,
		(uint64_t)t->bytes, (double)t->air_ns / 1e6);
	if (cpc_bpf_latency_count(age))
		fprintf(out, "  age p50 < %" PRIu64 " us, p99 < %" PRIu64 " us",
			cpc_bpf_quantile_us(age, 500) + 1, cpc_bpf_quantile_us(age, 990) + 1);
	if (t->lost)
		fprintf(out, "  %" PRIu64 " not captured", (uint64_t)t->lost);
	fputc('\n', out);
}

void cpc_bpf_show(FILE *out, const struct cpc_bpf_metrics *m, uint64_t tai_ns)
{
	unsigned int load = cpc_bpf_busy_per_mille(m, tai_ns, LOAD_WINDOWS);

	fprintf(out, "filter: %s, %" PRIu64 " dropped\n", m->mode, cpc_bpf_dropped(m));
	for (unsigned int i = 0; i < CPC_BPF_PROGRAMS; i++)
		show_program(out, &m->program[i]);
	for (unsigned int i = 0; i < __CPC_F_MAX; i++)
		if (m->filter[i].frames)
			fprintf(out, "  %-18s %10" PRIu64 " frames %12" PRIu64 " bytes\n",
				cpc_bpf_reason_name(i), (uint64_t)m->filter[i].frames,
				(uint64_t)m->filter[i].bytes);
	fprintf(out, "traffic: channel load %u.%u %% of the last second\n", load / 10, load % 10);
	for (unsigned int d = 0; d < CPC_STAMP_DIRECTIONS; d++)
		for (unsigned int c = 0; c < __CPC_CLASS_MAX; c++)
			show_traffic(out, m, d, c);
}

void cpc_bpf_show_sources(FILE *out, const struct cpc_bpf_source *sources, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct cpc_bpf_source *s = &sources[i];

		fprintf(out, "  %02x:%02x:%02x:%02x:%02x:%02x %-8s %10" PRIu64 " frames %10" PRIu64
			" dropped", s->mac[0], s->mac[1], s->mac[2], s->mac[3], s->mac[4],
			s->mac[5], s->known ? "known" : "new", s->frames, s->dropped);
		for (unsigned int r = CPC_F_TRUNCATED; r < CPC_F_EL_TRUNCATED; r++)
			if (s->by_reason[r])
				fprintf(out, " %s %" PRIu32, cpc_bpf_reason_name(r),
					s->by_reason[r]);
		fputc('\n', out);
	}
}

void cpc_bpf_show_policy(FILE *out, const char *name, const struct cpc_bpf_policy_metrics *m)
{
	fprintf(out, "policy %s:\n", name);
	show_program(out, &m->program);
	for (unsigned int w = 0; w < __CPC_POLICY_WORD_MAX; w++)
		for (unsigned int r = 0; r < __CPC_REASON_MAX; r++)
			if (m->verdicts[w][r])
				fprintf(out, "  %-8s %-24s %10" PRIu64 "\n", cpc_bpf_word_name(w),
					cpc_bpf_policy_reason_name(r), m->verdicts[w][r]);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *program_json(const struct cpc_bpf_program *p)
{
	return json_pack("{s:s, s:I, s:I, s:f}", "name", p->name, "id", (json_int_t)p->id, "runs",
			 (json_int_t)p->runs, "mean_ns", mean_ns(p));
}

static json_t *filter_json(const struct cpc_bpf_metrics *m)
{
	json_t *reasons = json_object();

	for (unsigned int i = 0; i < __CPC_F_MAX; i++)
		json_object_set_new(reasons, cpc_bpf_reason_name(i),
				    json_pack("{s:I, s:I}", "frames",
					      (json_int_t)m->filter[i].frames, "bytes",
					      (json_int_t)m->filter[i].bytes));
	return reasons;
}

static json_t *class_json(const struct cpc_bpf_metrics *m, unsigned int d, unsigned int c)
{
	const struct cpc_stamp_traffic *t = &m->traffic[d][c];
	const struct cpc_stamp_latency *age = &m->latency[d][c][CPC_LATENCY_AGE];

	return json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "frames", (json_int_t)t->frames, "bytes", (json_int_t)t->bytes,
			 "air_ms", (double)t->air_ns / 1e6, "lost", (json_int_t)t->lost,
			 "age_count", (json_int_t)cpc_bpf_latency_count(age),
			 "age_p50_us", (json_int_t)cpc_bpf_quantile_us(age, 500),
			 "age_p99_us", (json_int_t)cpc_bpf_quantile_us(age, 990),
			 "age_ahead", (json_int_t)age->ahead, "age_wild", (json_int_t)age->wild);
}

json_t *cpc_bpf_json(const struct cpc_bpf_metrics *m, uint64_t tai_ns)
{
	json_t *programs = json_array(), *traffic = json_object();

	for (unsigned int i = 0; i < CPC_BPF_PROGRAMS; i++)
		if (m->program[i].id)
			json_array_append_new(programs, program_json(&m->program[i]));
	for (unsigned int d = 0; d < CPC_STAMP_DIRECTIONS; d++) {
		json_t *classes = json_object();

		for (unsigned int c = 0; c < __CPC_CLASS_MAX; c++)
			json_object_set_new(classes, cpc_bpf_class_name(c), class_json(m, d, c));
		json_object_set_new(traffic, directions[d], classes);
	}
	return json_pack("{s:s, s:I, s:i, s:o, s:o, s:o}", "mode", m->mode, "dropped",
			 (json_int_t)cpc_bpf_dropped(m), "channel_load_per_mille",
			 (int)cpc_bpf_busy_per_mille(m, tai_ns, LOAD_WINDOWS), "programs", programs,
			 "filter", filter_json(m), "traffic", traffic);
}

json_t *cpc_bpf_policy_json(const struct cpc_bpf_policy_metrics *m)
{
	json_t *verdicts = json_array();

	for (unsigned int w = 0; w < __CPC_POLICY_WORD_MAX; w++)
		for (unsigned int r = 0; r < __CPC_REASON_MAX; r++)
			if (m->verdicts[w][r])
				json_array_append_new(verdicts, json_pack("{s:s, s:s, s:I}",
					"word", cpc_bpf_word_name(w), "reason",
					cpc_bpf_policy_reason_name(r), "count",
					(json_int_t)m->verdicts[w][r]));
	return json_pack("{s:o, s:o}", "program", program_json(&m->program), "verdicts", verdicts);
}
