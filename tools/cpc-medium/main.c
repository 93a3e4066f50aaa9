// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-medium - the air between simulated radios: 802.11p as mac80211_hwsim does not model it.
 *
 *   scenario.c   a file of commands: who stands where, loss, what changes when (scenario.h)
 *   air.c        air time and waiting times, by the standard
 *   channel.c    contention, carrier sense, overlap, loss; in virtual time (channel.h explains it)
 *   mpdu.c       reads 802.11 headers        report.c   what happened, as JSON
 *   hwsim_io.c   hwsim's netlink interface   medium_io.c   the channel in real time between radios
 *
 *    v1 wlan0 ~ hwsim =netlink=> medium_io --> channel --> medium_io =netlink=> hwsim ~ wlan0 v2
 *
 * What belongs here: the channel model and its two drivers, this program and the simulator's
 * (tests/sim/radio.c). The pure files may call nothing but each other.
 *
 * Invariants: a radio's frame is answered exactly once; what a receiver gets it got by the model;
 * when the program ends, however it does, hwsim is its own perfect medium again.
 *
 * Exit status: 0, 2 for a bad command line or scenario, 1 for anything else.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/cleanup.h"
#include "tools/cpc-medium/medium_io.h"
#include "tools/cpc-medium/report.h"

static const char usage[] =
	"usage: cpc-medium --scenario FILE [OPTION...]\n"
	"\n"
	"Carries the frames of mac80211_hwsim's radios over a modelled 802.11p channel. Run it in\n"
	"the network namespace in which mac80211_hwsim was loaded; the radios may be elsewhere.\n"
	"\n"
	"  --scenario FILE    stations, range, loss, changes (tools/cpc-medium/scenario.h)\n"
	"  --stations R,R,..  the radio of each station, in order: NN of 42:00:00:00:NN:00\n"
	"                     (else station I is radio I)\n"
	"  --report FILE      where the JSON report goes at the end (standard output)\n"
	"  --every SECONDS    and so often\n"
	"  --commands         read 'report', 'reset' and the scenario's commands from standard\n"
	"                     input; each is answered by a line\n"
	"  --realtime         with real-time priority\n"
	"  --offline FILE     no radios: replay transmissions in virtual time, a line each of\n"
	"                     microseconds, station, octets (MPDU) and access category (0..3),\n"
	"                     ascending in time, the last with the word 'end' instead; and report\n"
	"\n"
	"Ends at SIGTERM or SIGINT.\n";

/* ---- options --------------------------------------------------------------------------------- */

static bool take_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (end == text || *end || errno || *text == '-' || value > max)
		return false;
	*ret = value;
	return true;
}

static int take_stations(char *text, struct cpc_medium_options *o)
{
	char *save = NULL, *word;
	unsigned long number;

	for (word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!take_number(word, 65535, &number)) {
			fprintf(stderr, "cpc-medium: --stations: '%s' is no radio\n", word);
			return -EINVAL;
		}
		if (o->radios == CPC_STATIONS_MAX) {
			fprintf(stderr, "cpc-medium: --stations: more than %d\n", CPC_STATIONS_MAX);
			return -EINVAL;
		}
		o->radio[o->radios++] = (unsigned int)number;
	}
	return 0;
}

static int read_options(int argc, char **argv, struct cpc_medium_options *o)
{
	static const struct option options[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "stations", required_argument, NULL, 'n' },
		{ "report", required_argument, NULL, 'r' },
		{ "every", required_argument, NULL, 'e' },
		{ "commands", no_argument, NULL, 'c' },
		{ "realtime", no_argument, NULL, 't' },
		{ "offline", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long number;
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's': o->scenario = optarg; break;
		case 'n': r = take_stations(optarg, o); break;
		case 'r': o->report = optarg; break;
		case 'c': o->commands = true; break;
		case 't': o->realtime = true; break;
		case 'o': o->offline = optarg; break;
		case 'h': o->help = true; break;
		case 'e':
			if (take_number(optarg, 86400, &number) && number) {
				o->report_every_s = (unsigned int)number;
				break;
			}
			fprintf(stderr, "cpc-medium: --every: '%s' is not 1 to 86400\n", optarg);
			r = -EINVAL;
			break;
		default: r = -EINVAL;
		}
	if (r == 0 && optind < argc) {
		fprintf(stderr, "cpc-medium: '%s' is too much\n", argv[optind]);
		r = -EINVAL;
	}
	if (r == 0 && !o->help && !o->scenario) {
		fprintf(stderr, "cpc-medium: --scenario is missing (--help says more)\n");
		r = -EINVAL;
	}
	return r;
}

static int read_scenario(const struct cpc_medium_options *o, struct cpc_scenario *scenario,
			 struct cpc_error *error)
{
	CPC_FREE char *text = malloc(CPC_SCENARIO_BYTES_MAX + 1);
	CPC_FCLOSE FILE *in = fopen(o->scenario, "re");
	size_t len;
	int r;

	if (!in || !text) {
		cpc_error_set(error, "cannot read '%s': %m", o->scenario);
		return -errno;
	}
	len = fread(text, 1, CPC_SCENARIO_BYTES_MAX + 1, in);
	if (ferror(in)) {
		cpc_error_set(error, "cannot read '%s': %m", o->scenario);
		return -EIO;
	}
	r = cpc_scenario_parse(o->scenario, text, len, scenario, error);
	if (r == 0 && o->radios && o->radios != scenario->stations) {
		cpc_error_set(error, "--stations names %u radios, %s has %u stations", o->radios,
			      o->scenario, scenario->stations);
		r = -EINVAL;
	}
	return r;
}

/* ---- offline --------------------------------------------------------------------------------- */

/* One line of a trace, to the channel; *@ret_end at its last one. */
static int replay_line(struct cpc_channel *ch, const char *line, bool *ret_end)
{
	struct cpc_channel_frame frame = { .to = CPC_ALL_STATIONS };
	struct cpc_channel_done done;
	unsigned int station = 0, octets = 0, ac = 0;
	char last[4] = "";
	uint64_t us;
	int r, words = sscanf(line, "%" SCNu64 " %u %u %u", &us, &station, &octets, &ac);
	bool end = words == 1 && sscanf(line, "%*s %3s", last) == 1 && !strcmp(last, "end");

	if ((words != 4 && !end) || us < ch->now_us ||
	    us > CPC_SCENARIO_SECONDS_MAX * 1000000ull || station > 255 ||
	    octets > CPC_AIR_MPDU_MAX || ac > 255)
		return -EINVAL;
	while (cpc_channel_advance(ch, us, &done))
		continue;
	*ret_end = end;
	if (end)
		return 0;
	frame.from = (uint8_t)station;
	frame.octets = (uint16_t)octets;
	frame.ac = (uint8_t)ac;
	r = cpc_channel_send(ch, us, &frame);
	return r == -ENOBUFS ? 0 : r;
}

static int replay(const struct cpc_medium_options *o, const struct cpc_scenario *scenario,
		  struct cpc_error *error)
{
	CPC_FREE struct cpc_channel *ch = malloc(sizeof(*ch));
	CPC_FCLOSE FILE *in = fopen(o->offline, "re");
	unsigned int number = 0;
	bool end = false;
	char line[100];

	if (!ch || !in) {
		cpc_error_set(error, "cannot read '%s': %m", o->offline);
		return -errno;
	}
	cpc_channel_init(ch, scenario, 0);
	while (!end && fgets(line, sizeof(line), in)) {
		number++;
		if (replay_line(ch, line, &end) < 0) {
			line[strcspn(line, "\n")] = '\0';
			cpc_error_set(error, "%s:%u: '%s' is no transmission here", o->offline,
				      number, line);
			return -EINVAL;
		}
	}
	if (!end) {
		cpc_error_set(error, "%s has no line with 'end'", o->offline);
		return -EINVAL;
	}
	return cpc_medium_write_report(ch, "", o->report, error);
}

int main(int argc, char **argv)
{
	static struct cpc_scenario scenario;
	static struct cpc_medium_options options;
	struct cpc_error error = { "out of memory" };
	int r;

	if (read_options(argc, argv, &options) < 0)
		return 2;
	if (options.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	r = read_scenario(&options, &scenario, &error);
	if (r < 0) {
		fprintf(stderr, "cpc-medium: %s\n", error.text);
		return 2;
	}
	r = options.offline ? replay(&options, &scenario, &error) :
			      cpc_medium_run(&options, &scenario, &error);
	if (r == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "cpc-medium: %s\n", error.text);
	return EXIT_FAILURE;
}
