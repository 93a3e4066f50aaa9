// SPDX-License-Identifier: BSD-3-Clause
/* report.c - a channel's counts as JSON; see report.h. */
#include "tools/cpc-medium/report.h"

#include <inttypes.h>

static void print_lost(FILE *out, const uint64_t lost[CPC_LOST_CAUSES])
{
	fprintf(out, "\"lost\":{\"loss\":%" PRIu64 ",\"collision\":%" PRIu64 ",\"range\":%" PRIu64
		",\"partition\":%" PRIu64 "}", lost[CPC_LOST_LOSS], lost[CPC_LOST_COLLISION],
		lost[CPC_LOST_RANGE], lost[CPC_LOST_PARTITION]);
}

static void print_counts(FILE *out, const struct cpc_channel_counts *c)
{
	fprintf(out, "\"frames\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"dropped\":%" PRIu64
		",\"air_ms\":%.3f,\"delivered\":%" PRIu64 ",", c->sent, c->retries, c->dropped,
		(double)c->air_us / 1e3, c->delivered);
	print_lost(out, c->lost);
}

static void add_counts(struct cpc_channel_counts *sum, const struct cpc_channel_counts *c)
{
	unsigned int i;

	sum->sent += c->sent;
	sum->dropped += c->dropped;
	sum->retries += c->retries;
	sum->air_us += c->air_us;
	sum->delivered += c->delivered;
	for (i = 0; i < CPC_LOST_CAUSES; i++)
		sum->lost[i] += c->lost[i];
}

static void print_station(struct cpc_channel *ch, unsigned int i, FILE *out)
{
	uint16_t permille[CPC_CHANNEL_WINDOWS_MAX];
	unsigned int w, count = cpc_channel_windows(ch, i, permille);

	fprintf(out, "%s\n {\"station\":%u,", i ? "," : "", i);
	print_counts(out, &ch->station[i].counts);
	fprintf(out, ",\"busy\":%.3f,\"busy_max\":%.3f,\"windows\":[",
		cpc_channel_busy_mean_permille(ch, i) / 1e3,
		ch->station[i].busiest_permille / 1e3);
	for (w = 0; w < count; w++)
		fprintf(out, "%s%.3f", w ? "," : "", permille[w] / 1e3);
	fprintf(out, "]}");
}

static void print_links(struct cpc_channel *ch, FILE *out)
{
	unsigned int a, b, k, n = ch->scenario->stations, printed = 0;

	fprintf(out, "\"link\":[");
	for (a = 0; a < n; a++)
		for (b = 0; b < n; b++) {
			const struct cpc_channel_link *link = &ch->link[a][b];
			uint64_t lost[CPC_LOST_CAUSES], all = link->delivered;

			for (k = 0; k < CPC_LOST_CAUSES; k++)
				all += lost[k] = link->lost[k];
			if (!all)
				continue;
			fprintf(out, "%s\n {\"from\":%u,\"to\":%u,\"rssi_dbm\":%d,"
				"\"delivered\":%" PRIu32 ",", printed++ ? "," : "", a, b,
				link->rssi_dbm, link->delivered);
			print_lost(out, lost);
			fprintf(out, "}");
		}
	fprintf(out, "]");
}

void cpc_channel_report(struct cpc_channel *ch, FILE *out)
{
	struct cpc_channel_counts sum = { 0 };
	unsigned int i, n = ch->scenario->stations;
	double busy = 0;

	for (i = 0; i < n; i++) {
		add_counts(&sum, &ch->station[i].counts);
		busy += cpc_channel_busy_mean_permille(ch, i) / 1e3;
	}
	fprintf(out, "\"seconds\":%.3f,\"rate_mbit_s\":%u,\"stations\":%u,",
		(double)(ch->now_us - ch->reset_us) / 1e6, ch->scenario->rate_mbit_s, n);
	print_counts(out, &sum);
	fprintf(out, ",\"busy\":%.4f,\n\"station\":[", busy / n);
	for (i = 0; i < n; i++)
		print_station(ch, i, out);
	fprintf(out, "],\n");
	print_links(ch, out);
}
