// SPDX-License-Identifier: BSD-3-Clause
/* candrive - writes a synthetic drive as a candump log, or the DBC that describes its bus. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/candump.h"
#include "tools/candrive/drive.h"

static const char usage[] =
	"Usage: candrive [--seed N] [--seconds N] [--interface NAME] [--start UNIX] > drive.log\n"
	"       candrive --dbc > drive.dbc\n"
	"Writes the CAN bus of a synthetic electric car in the format of candump -l.\n"
	"  --seed N          another drive for another number (1); the same for the same\n"
	"  --seconds N       how long (30)\n"
	"  --interface NAME  what to write as the interface (can0)\n"
	"  --start UNIX      time of the first frame in seconds (1700000000)\n"
	"  --dbc             write the DBC of this bus instead\n";

struct options {
	uint64_t seed, seconds, start;
	const char *interface;
	int dbc;
};

static int parse_number(const char *name, const char *text, uint64_t max, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || number > max) {
		fprintf(stderr, "candrive: --%s %s: expected a number from 0 to %" PRIu64 "\n",
			name, text, max);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{"seed", required_argument, NULL, 's'},
		{"seconds", required_argument, NULL, 'n'},
		{"interface", required_argument, NULL, 'i'},
		{"start", required_argument, NULL, 't'},
		{"dbc", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, r = 0;

	while (r == 0 && (option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 's')
			r = parse_number("seed", optarg, UINT64_MAX, &options->seed);
		else if (option == 'n')
			r = parse_number("seconds", optarg, 1000000, &options->seconds);
		else if (option == 't')
			r = parse_number("start", optarg, 4000000000, &options->start);
		else if (option == 'i')
			options->interface = optarg;
		else if (option == 'd')
			options->dbc = 1;
		else if (option == 'h')
			exit(fputs(usage, stdout) < 0);
		else
			r = -EINVAL;
	}
	if (r == 0 && optind < argc) {
		fprintf(stderr, "candrive: unexpected '%s'\n%s", argv[optind], usage);
		r = -EINVAL;
	}
	if (r == 0 && (!*options->interface || strlen(options->interface) > 15)) {
		fprintf(stderr, "candrive: --interface %s: a name has 1 to 15 bytes\n",
			options->interface);
		r = -EINVAL;
	}
	return r;
}

static void write_drive(const struct options *options)
{
	struct cpc_candump_line line = {0};
	char text[CPC_CANDUMP_LINE_MAX];
	struct cpc_drive drive;
	uint64_t time_us = 0;

	snprintf(line.interface, sizeof(line.interface), "%s", options->interface);
	cpc_drive_init(&drive, options->seed);
	for (;;) {
		cpc_drive_next(&drive, &line.frame, &time_us);
		if (time_us >= options->seconds * 1000000 || ferror(stdout))
			return;
		line.time_us = options->start * 1000000 + time_us;
		if (cpc_candump_format(&line, text, sizeof(text)) > 0)
			fputs(text, stdout);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.seed = 1,
		.seconds = 30,
		.start = 1700000000,
		.interface = "can0",
	};

	if (parse_options(argc, argv, &options) < 0)
		return 2;
	if (options.dbc)
		cpc_drive_print_dbc(stdout);
	else
		write_drive(&options);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "candrive: cannot write: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}
