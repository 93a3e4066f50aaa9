// SPDX-License-Identifier: BSD-3-Clause
/* report.c - what a run says at its end; see run.h. */
#include "tools/cpc-twin/run.h"

static const char *const drop_names[CPC_TWIN_DROPS] = {
	[CPC_TWIN_TRUNCATED] = "truncated", [CPC_TWIN_OVERSIZED] = "oversized",
	[CPC_TWIN_VERSION] = "version",	    [CPC_TWIN_CELL] = "cell",
	[CPC_TWIN_EPOCH] = "epoch",	    [CPC_TWIN_SENDER] = "sender",
	[CPC_TWIN_NO_KEY] = "no_key",	    [CPC_TWIN_MAC] = "mac",
	[CPC_TWIN_REPLAY] = "replay",	    [CPC_TWIN_MALFORMED] = "malformed",
};

static json_t *hex(const u8 *bytes, size_t len)
{
	char text[2 * CPC_HASH_BYTES + 1];
	size_t i;

	for (i = 0; i < len && i < CPC_HASH_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *drops(const struct cpc_twin_stats *stats)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < CPC_TWIN_DROPS; i++)
		json_object_set_new(object, drop_names[i],
				    json_integer((json_int_t)stats->drop[i]));
	return object;
}

static json_t *latency(const struct cpc_latency *latency)
{
	struct cpc_latency_summary s;

	cpc_latency_summarize(latency, &s);
	return json_pack("{s:I, s:f, s:f, s:f}", "count", (json_int_t)s.count, "p50", s.p50_ms,
			 "p99", s.p99_ms, "max", s.max_ms);
}

static double milliseconds(const struct timeval *from, const struct timeval *to)
{
	return (double)(to->tv_sec - from->tv_sec) * 1e3 +
	       (double)(to->tv_usec - from->tv_usec) / 1e3;
}

static json_t *share(double total_ms, u64 count)
{
	return count ? json_real(total_ms * 1e3 / (double)count) : json_null();
}

/* CPU time of this process alone: what the kernel does for others' frames is not in it. */
static json_t *cpu(const struct cpc_twin_run *run)
{
	const struct cpc_twin_stats *s = &run->cell->stats;
	struct rusage now;
	double user_ms, system_ms, total_ms;

	getrusage(RUSAGE_SELF, &now);
	user_ms = milliseconds(&run->start_usage.ru_utime, &now.ru_utime);
	system_ms = milliseconds(&run->start_usage.ru_stime, &now.ru_stime);
	total_ms = user_ms + system_ms;
	return json_pack("{s:f, s:f, s:o, s:o}", "user_ms", user_ms, "system_ms", system_ms,
			 "us_per_frame",
			 share(total_ms, run->frames_heard + run->extra_frames + run->carriers),
			 "us_per_decided_slot", share(total_ms, s->decided_slots));
}

static json_t *frames(const struct cpc_twin_run *run)
{
	const struct cpc_twin_stats *s = &run->cell->stats;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "heard", (json_int_t)run->frames_heard,
			 "carriers", (json_int_t)run->carriers,
			 "extra", (json_int_t)run->extra_frames,
			 "send_errors", (json_int_t)run->send_errors,
			 "elements_sent", (json_int_t)s->tx_elements,
			 "elements_taken", (json_int_t)s->rx_elements);
}

static json_t *element_bytes(const struct cpc_twin_stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "sent", (json_int_t)s->tx_bytes,
			 "idle", (json_int_t)s->element_idle_max,
			 "open", (json_int_t)s->element_open_max,
			 "max", (json_int_t)s->element_max);
}

static json_t *entries(const struct cpc_twin_run *run)
{
	const struct cpc_twin_stats *s = &run->cell->stats;

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "submitted", (json_int_t)s->submitted,
			 "own_decided", (json_int_t)s->own_decided,
			 "decided", (json_int_t)s->decided_entries,
			 "rejected", (json_int_t)s->rejected_entries,
			 "lane_full", (json_int_t)run->lane_full);
}

json_t *cpc_twin_report(const struct cpc_twin_run *run)
{
	const struct cpc_twin_cell *cell = run->cell;
	const struct cpc_core *core = cell->core;
	const struct cpc_twin_stats *s = &cell->stats;

	return json_pack("{s:i, s:i, s:i, s:i, s:s, s:b, s:I, s:f, s:I, s:o, s:I, s:I, s:I, s:I, "
			 "s:o, s:o, s:o, s:o, s:o, s:o}",
			 "cell", core->config.cell, "epoch", core->config.epoch,
			 "self", (int)cell->self, "n", (int)cell->n,
			 "mac", cpc_twin_mac_name(cell->mac), "liar", run->lie != NULL,
			 "keys", (json_int_t)cell->keys,
			 "seconds", (double)(cpc_twin_now_us() - run->start_us) / 1e6,
			 "slot", (json_int_t)core->decided,
			 "log_hash", hex(core->log_hash.b, sizeof(core->log_hash.b)),
			 "decided_slots", (json_int_t)s->decided_slots,
			 "void_slots", (json_int_t)s->void_slots,
			 "view_changes", (json_int_t)s->views,
			 "evidence", (json_int_t)s->evidence,
			 "entries", entries(run), "latency_ms", latency(&cell->latency),
			 "frames", frames(run), "element_bytes", element_bytes(s),
			 "dropped", drops(s), "cpu", cpu(run));
}
