// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-twin - a cell member entirely in userspace, to measure the module against and to lie to it.
 *
 *                   options.c / agent/config      agent/net (TLS: keys)
 *                              |                        |
 *                              v                        v
 *   packet socket <--> run_io.c <-------------> cell.c (core, keys, counters)   the honest twin
 *    (air_io.c)            |                      mac.c: the module's tags, by OpenSSL
 *                          '------------------> lie.c, forge.c (draft.c)        the liar
 *
 * What belongs here: a second way to be a member, for comparison and attack. It may call the core,
 * the agent's libraries and v2xgen's; nothing calls it. It cannot ride on another program's frames
 * as the module does, so it sends CAMs of its own at 10 Hz, with its element behind them.
 *
 * Invariants: an honest twin puts on the air what the module would, bit for bit (same core, same
 * keys, same tests on what arrives, in the same order); a liar uses its own keys only.
 *
 * Exit status: 0, 2 for a bad command line, 1 for anything else.
 */
#include <stdlib.h>

#include "tools/cpc-twin/run.h"

static int run(const struct cpc_twin_options *options)
{
	static struct cpc_twin_run twin;
	struct cpc_error error = { 0 };
	json_t *report;
	int r = cpc_twin_open(&twin, options, &error);

	if (r == 0) {
		fprintf(stderr, "cpc-twin: member %u of cell %u listens on %s\n", twin.self,
			twin.config.cell, twin.config.interface);
		r = cpc_twin_loop(&twin, &error);
		report = cpc_twin_report(&twin);
		if (!report ||
		    json_dumpf(report, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) < 0)
			fprintf(stderr, "cpc-twin: no report\n");
		putchar('\n');
		json_decref(report);
	}
	cpc_twin_close(&twin);
	if (r == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "cpc-twin: %s\n", error.text);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct cpc_twin_options options;
	struct cpc_error error;

	if (cpc_twin_options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "cpc-twin: %s (--help says more)\n", error.text);
		return 2;
	}
	if (options.help) {
		fputs(cpc_twin_usage, stdout);
		return EXIT_SUCCESS;
	}
	return run(&options);
}
