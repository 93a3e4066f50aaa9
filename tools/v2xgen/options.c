// SPDX-License-Identifier: BSD-3-Clause
/* Parsing v2xgen's command line from a table; see options.h. Pure. */
#include "tools/v2xgen/options.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/v2xgen/frame.h"

const char cpc_v2x_usage[] =
	"v2xgen stands in for a vehicle's V2X stack.\n"
	"\n"
	"  v2xgen send --iface IF     broadcast CAMs as GeoNetworking frames\n"
	"  v2xgen recv --iface IF     receive and decode them as a V2X stack would\n"
	"  v2xgen pcap --out FILE --count N    write the frames to a capture file instead\n"
	"  v2xgen read --in FILE      decode a capture file\n"
	"\n"
	"send and pcap:\n"
	"  --rate HZ          1..10 (10)\n"
	"  --station ID       station id (101)\n"
	"  --seconds N, --count N     end after that; else at SIGINT or SIGTERM\n"
	"  --phase MS         send at multiples of the period plus MS (else begin at once)\n"
	"  --realtime         send with real-time priority, as an on-board unit's stack does\n"
	"  --size BYTES       frame size, reached by path history (else as small as it comes)\n"
	"  --trailing BYTES   append octets that are not part of the packet\n"
	"  --wsmp             send WAVE short messages (PSID 0x20) instead\n"
	"  --lat DEG --lon DEG --heading DEG --speed MPS    where and how the drive begins\n"
	"  --track FILE       lines of: seconds speed_mps heading_deg [lat lon]\n"
	"  --can IF --dbc FILE --speed-signal NAME          speed in km/h from a CAN bus;\n"
	"                     NAME or MESSAGE.NAME; --speed-factor X if it is not in km/h\n"
	"  --can IF --speed-id ID --speed-be BYTE,COUNT,FACTOR    the same without a DBC file\n"
	"  --time SECONDS     pcap: UNIX time of the first frame (1700000000)\n"
	"recv and read:\n"
	"  --wsmp             listen for WAVE short messages instead (recv)\n"
	"  --seconds N, --count N     end after that\n"
	"  --quiet            only the summary\n"
	"all:\n"
	"  --json             JSON lines; --verbose: send and pcap also print each frame\n";

enum kind {
	FLAG,
	TEXT,
	NUMBER,
	INTEGER,
};

#define FIELD(name) offsetof(struct cpc_v2x_options, name)

enum {
	MAKE = CPC_V2X_SEND | CPC_V2X_PCAP,
	TAKE = CPC_V2X_RECV | CPC_V2X_READ,
	ALL = MAKE | TAKE,
};

static const struct specification {
	const char *name;
	size_t field;
	enum kind kind;
	unsigned int verbs;
	double min, max;
} specifications[] = {
	{ "iface", FIELD(iface), TEXT, CPC_V2X_SEND | CPC_V2X_RECV, 0, 0 },
	{ "in", FIELD(in), TEXT, CPC_V2X_READ, 0, 0 },
	{ "out", FIELD(out), TEXT, CPC_V2X_PCAP, 0, 0 },
	{ "wsmp", FIELD(wsmp), FLAG, MAKE | CPC_V2X_RECV, 0, 0 },
	{ "json", FIELD(json), FLAG, ALL, 0, 0 },
	{ "verbose", FIELD(verbose), FLAG, MAKE, 0, 0 },
	{ "realtime", FIELD(realtime), FLAG, CPC_V2X_SEND, 0, 0 },
	{ "quiet", FIELD(quiet), FLAG, TAKE, 0, 0 },
	{ "rate", FIELD(rate_hz), NUMBER, MAKE, CPC_V2X_RATE_MIN, CPC_V2X_RATE_MAX },
	{ "seconds", FIELD(seconds), NUMBER, ALL & ~CPC_V2X_READ, 0.001, 1e7 },
	{ "count", FIELD(count), INTEGER, ALL & ~CPC_V2X_READ, 1, 1e9 },
	{ "phase", FIELD(phase_ms), NUMBER, CPC_V2X_SEND, 0, 1000 },
	{ "station", FIELD(station), INTEGER, MAKE, 0, UINT32_MAX },
	{ "size", FIELD(size), INTEGER, MAKE, 1, CPC_V2X_FRAME_MAX },
	{ "trailing", FIELD(trailing), INTEGER, MAKE, 0, CPC_V2X_TRAILING_MAX },
	{ "time", FIELD(time), INTEGER, CPC_V2X_PCAP, 1072915200, UINT32_MAX },
	{ "lat", FIELD(latitude_deg), NUMBER, MAKE, -90, 90 },
	{ "lon", FIELD(longitude_deg), NUMBER, MAKE, -180, 180 },
	{ "heading", FIELD(heading_deg), NUMBER, MAKE, 0, 360 },
	{ "speed", FIELD(speed_m_s), NUMBER, MAKE, -163.82, 163.82 },
	{ "track", FIELD(track), TEXT, MAKE, 0, 0 },
	{ "can", FIELD(can), TEXT, CPC_V2X_SEND, 0, 0 },
	{ "dbc", FIELD(dbc), TEXT, CPC_V2X_SEND, 0, 0 },
	{ "speed-signal", FIELD(speed_signal), TEXT, CPC_V2X_SEND, 0, 0 },
	{ "speed-factor", FIELD(speed_factor), NUMBER, CPC_V2X_SEND, -1e6, 1e6 },
	{ "speed-id", FIELD(speed_id_text), TEXT, CPC_V2X_SEND, 0, 0 },
	{ "speed-be", FIELD(speed_be_text), TEXT, CPC_V2X_SEND, 0, 0 },
};

static int refuse(struct cpc_error *error, const char *text)
{
	cpc_error_set(error, "%s", text);
	return -EINVAL;
}

static int parse_number(const struct specification *specification, const char *text,
			double *ret_number, struct cpc_error *error)
{
	char *end;
	double number = strtod(text, &end);

	if (*text == '\0' || *end != '\0' ||
	    (specification->kind == INTEGER && number != floor(number))) {
		cpc_error_set(error, "--%s '%.40s': %s expected", specification->name, text,
			      specification->kind == INTEGER ? "a whole number" : "a number");
		return -EINVAL;
	}
	if (!(number >= specification->min && number <= specification->max)) {
		cpc_error_set(error, "--%s '%.40s': must be in %.10g..%.10g", specification->name,
			      text, specification->min, specification->max);
		return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static const struct specification *find(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(specifications) / sizeof(*specifications); i++)
		if (strlen(specifications[i].name) == length &&
		    strncmp(specifications[i].name, name, length) == 0)
			return &specifications[i];
	return NULL;
}

/* One option at *@argument, `--name`, `--name value` or `--name=value`; moves *@argument on. */
static int parse_option(char ***argument, struct cpc_v2x_options *options,
			struct cpc_error *error)
{
	const char *text = *(*argument)++;
	const char *name = text + 2, *value = NULL;
	const struct specification *specification = NULL;
	size_t length;

	if (strncmp(text, "--", 2) == 0) {
		length = strcspn(name, "=");
		specification = find(name, length);
		if (name[length] == '=')
			value = name + length + 1;
	}
	if (!specification || !(specification->verbs & options->verb)) {
		cpc_error_set(error, "'%.60s': no option here; try v2xgen --help", text);
		return -EINVAL;
	}
	if (specification->kind == FLAG) {
		if (value) {
			cpc_error_set(error, "'%.60s': takes no value", text);
			return -EINVAL;
		}
		*(bool *)((char *)options + specification->field) = true;
		return 0;
	}
	if (!value)
		value = **argument ? *(*argument)++ : NULL;
	if (!value) {
		cpc_error_set(error, "%s: a value is missing", text);
		return -EINVAL;
	}
	if (specification->kind == TEXT) {
		*(const char **)((char *)options + specification->field) = value;
		return 0;
	}
	return parse_number(specification, value,
			    (double *)((char *)options + specification->field), error);
}

static int parse_layout(struct cpc_v2x_options *options, struct cpc_error *error)
{
	struct cpc_speed_layout *layout = &options->layout;
	unsigned long id;
	char *end, rest;

	id = strtoul(options->speed_id_text, &end, 0);
	if (*options->speed_id_text == '\0' || *end != '\0' || id > 0x1fffffff) {
		cpc_error_set(error, "--speed-id '%.40s': no CAN id (0..0x1fffffff)",
			      options->speed_id_text);
		return -EINVAL;
	}
	if (sscanf(options->speed_be_text, "%u,%u,%lf%c", &layout->start, &layout->octets,
		   &layout->factor, &rest) != 3 ||
	    layout->octets < 1 || layout->octets > 4 || layout->start > 64 - layout->octets ||
	    !isfinite(layout->factor)) {
		cpc_error_set(error, "--speed-be '%.40s': BYTE,COUNT,FACTOR expected, such as "
			      "4,2,0.01", options->speed_be_text);
		return -EINVAL;
	}
	layout->id = (uint32_t)id;
	options->has_layout = true;
	return 0;
}

/* Which options need which. */
static int check(struct cpc_v2x_options *options, struct cpc_error *error)
{
	bool by_dbc = options->dbc || options->speed_signal;
	bool by_layout = options->speed_id_text || options->speed_be_text;

	if (options->verb & (CPC_V2X_SEND | CPC_V2X_RECV) && !options->iface)
		return refuse(error, "--iface is missing");
	if (options->verb == CPC_V2X_PCAP && !options->out)
		return refuse(error, "--out is missing");
	if (options->verb == CPC_V2X_PCAP && options->count == 0 && options->seconds == 0)
		return refuse(error, "--count or --seconds is missing");
	if (options->verb == CPC_V2X_READ && !options->in)
		return refuse(error, "--in is missing");
	if (options->can && options->track)
		return refuse(error, "--can and --track exclude each other");
	if ((by_dbc || by_layout) && !options->can)
		return refuse(error, "--can is missing: the CAN interface of the speed signal");
	if (options->can && by_dbc == by_layout)
		return refuse(error, "--can needs either --dbc and --speed-signal, or --speed-id "
			      "and --speed-be");
	if (by_dbc && !(options->dbc && options->speed_signal))
		return refuse(error, "--dbc and --speed-signal go together");
	if (by_layout && !(options->speed_id_text && options->speed_be_text))
		return refuse(error, "--speed-id and --speed-be go together");
	return by_layout ? parse_layout(options, error) : 0;
}

int cpc_v2x_options_parse(int argc, char **argv, struct cpc_v2x_options *ret_options,
			  struct cpc_error *error)
{
	static const struct {
		const char *name;
		enum cpc_v2x_verb verb;
	} verbs[] = {
		{ "send", CPC_V2X_SEND }, { "recv", CPC_V2X_RECV },
		{ "pcap", CPC_V2X_PCAP }, { "read", CPC_V2X_READ },
	};
	struct cpc_v2x_options options = {
		.rate_hz = 10, .phase_ms = -1, .station = 101, .time = 1700000000,
		.latitude_deg = 48.1, .longitude_deg = 11.6, .speed_factor = 1,
	};
	char **argument = argv + 2;
	int r;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return -ECANCELED;
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			options.verb = verbs[i].verb;
	if (!options.verb) {
		cpc_error_set(error, "'%.40s': send, recv, pcap or read expected; try v2xgen "
			      "--help", argc > 1 ? argv[1] : "");
		return -EINVAL;
	}
	while (*argument) {
		r = parse_option(&argument, &options, error);
		if (r < 0)
			return r;
	}
	r = check(&options, error);
	if (r < 0)
		return r;
	*ret_options = options;
	return 0;
}
