// SPDX-License-Identifier: BSD-3-Clause
/* options.c - the command line; see options.h. */
#include "tools/cpc-twin/options.h"

#include <getopt.h>
#include <stdio.h>

#include "agent/config/keys.h"
#include "tools/cpc-twin/lie.h"

const char cpc_twin_usage[] =
	"usage: cpc-twin --config FILE [OPTION...]\n"
	"       cpc-twin --test-keys --iface IF --cell C --self I --n N [OPTION...]\n"
	"\n"
	"A cell member in userspace: the same core as the module's, over a packet socket.\n"
	"\n"
	"  --config FILE          the daemon's configuration: members, keys over TLS\n"
	"  --test-keys            the keys and node ids that cellctl gives to the module\n"
	"    --iface IF --cell C --self I --n N   required with --test-keys\n"
	"    --epoch E            (1)\n"
	"    --period-ms MS       usual time between carriers (100)\n"
	"    --default-verdict V  no, yes or none (none)\n"
	"    --slow-first-view    five message delays in view 0\n"
	"  --pacing P             carrier, early or urgent (carrier, or the file's)\n"
	"  --mac NAME             as the module's parameter mac (sha256/cmac(aes))\n"
	"  --carrier-hz HZ        own CAMs that carry elements (10; 0: none)\n"
	"  --phase MS             of the first of them (0)\n"
	"  --submit-every MS      an entry of one's own so often (0: never)\n"
	"  --window N             keep N own entries undecided (0)\n"
	"  --count N              submit so many, then no more (0: no end)\n"
	"  --kind K               0 ordinary, 1 by quorum, 2 by all (0)\n"
	"  --size BYTES           of an entry (64)\n"
	"  --seconds S            then end (0: at SIGTERM or SIGINT)\n"
	"  --log FILE             a line per decided slot: number, log hash, value\n"
	"  --seed N               for everything random (from the system)\n"
	"  --lie MODE[,MODE...]   equivocate fork frozen garbage replay refuse careless silent\n"
	"                         or all\n"
	"\n"
	"Ends with one JSON object on standard output.\n";

enum option_kind { NUMBER, NUMBER_U8, NUMBER_U16, FLAG, TEXT, SPECIAL };

struct option_entry {
	const char *name;
	enum option_kind kind;
	size_t offset;
	unsigned long min, max;
};

#define AT(field) offsetof(struct cpc_twin_options, field)

static const struct option_entry entries[] = {
	{ "config", TEXT, AT(config), 0, 0 },
	{ "test-keys", FLAG, AT(test_keys), 0, 0 },
	{ "iface", SPECIAL, 0, 0, 0 },
	{ "cell", NUMBER_U16, AT(cell.cell), 1, 65535 },
	{ "epoch", NUMBER_U16, AT(cell.epoch), 1, 65535 },
	{ "self", SPECIAL, 0, 0, 0 },
	{ "n", NUMBER, AT(cell.n), CPC_MEMBERS_MIN, CPC_MEMBERS_MAX },
	{ "period-ms", NUMBER, AT(cell.period_ms), 10, 1000 },
	{ "default-verdict", SPECIAL, 0, 0, 0 },
	{ "slow-first-view", FLAG, AT(cell.slow_first_view), 0, 0 },
	{ "pacing", SPECIAL, 0, 0, 0 },
	{ "mac", SPECIAL, 0, 0, 0 },
	{ "carrier-hz", NUMBER, AT(carrier_hz), 0, CPC_TWIN_HZ_MAX },
	{ "phase", NUMBER, AT(phase_ms), 0, 10000 },
	{ "submit-every", NUMBER, AT(submit_ms), 0, 3600000 },
	{ "window", NUMBER, AT(window), 0, CPC_LANE_WINDOW },
	{ "count", NUMBER, AT(stop_after), 0, 0xffffffff },
	{ "kind", NUMBER_U8, AT(kind), 0, CPC_ENTRY_BY_ALL },
	{ "size", NUMBER, AT(size), CPC_TWIN_SIZE_MIN, CPC_ENTRY_DATA_MAX },
	{ "seconds", NUMBER, AT(seconds), 0, 1000000 },
	{ "log", TEXT, AT(log), 0, 0 },
	{ "seed", SPECIAL, 0, 0, 0 },
	{ "lie", SPECIAL, 0, 0, 0 },
	{ "help", FLAG, AT(help), 0, 0 },
};

enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

static int take_number(const struct option_entry *entry, const char *value, void *field,
		       struct cpc_error *error)
{
	unsigned long number;

	if (cpc_config_number(value, entry->min, entry->max, &number) < 0) {
		cpc_error_set(error, "--%s: '%s' is not a number from %lu to %lu", entry->name,
			      value, entry->min, entry->max);
		return -EINVAL;
	}
	if (entry->kind == NUMBER_U8)
		*(u8 *)field = (u8)number;
	else if (entry->kind == NUMBER_U16)
		*(u16 *)field = (u16)number;
	else
		*(u32 *)field = (u32)number;
	return 0;
}

/* Which of three words; -EINVAL. */
static int take_word(const char *name, const char *value, const char *(*word)(unsigned int),
		     unsigned int *ret_number, struct cpc_error *error)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (strcmp(word(i), value) != 0)
			continue;
		*ret_number = i;
		return 0;
	}
	cpc_error_set(error, "--%s: '%s' is none of %s, %s, %s", name, value, word(0), word(1),
		      word(2));
	return -EINVAL;
}

static int take_special(const struct option_entry *entry, const char *value,
			struct cpc_twin_options *o, struct cpc_error *error)
{
	unsigned long number;
	unsigned int word;

	if (strcmp(entry->name, "iface") == 0) {
		if (!*value || strlen(value) >= sizeof(o->cell.interface)) {
			cpc_error_set(error, "--iface: '%s' is no interface's name", value);
			return -EINVAL;
		}
		strcpy(o->cell.interface, value);
		return 0;
	}
	if (strcmp(entry->name, "lie") == 0)
		return cpc_lie_parse(value, &o->lies, error);
	if (strcmp(entry->name, "mac") == 0) {
		o->mac = cpc_twin_mac_find(value);
		if (!o->mac)
			cpc_error_set(error, "--mac: '%s' is none of sha256/cmac(aes), cmac(aes), "
				      "hmac(sha256), blake2s, blake2s/blake2s", value);
		return o->mac ? 0 : -EINVAL;
	}
	if (strcmp(entry->name, "pacing") == 0) {
		if (take_word("pacing", value, cpc_pacing_name, &word, error) < 0)
			return -EINVAL;
		o->cell.pacing = word;
		o->has_pacing = true;
		return 0;
	}
	if (strcmp(entry->name, "default-verdict") == 0) {
		if (take_word("default-verdict", value, cpc_default_verdict_name, &word, error) < 0)
			return -EINVAL;
		o->cell.default_verdict = word;
		return 0;
	}
	if (strcmp(entry->name, "self") == 0) {
		o->has_self = cpc_config_number(value, 0, CPC_MEMBERS_MAX - 1, &number) == 0;
		o->self = o->has_self ? (unsigned int)number : 0;
		if (!o->has_self)
			cpc_error_set(error, "--self: '%s' is not a member's index", value);
		return o->has_self ? 0 : -EINVAL;
	}
	if (cpc_config_number(value, 1, (unsigned long)-1 / 2, &number) < 0) {
		cpc_error_set(error, "--seed: '%s' is not a number above 0", value);
		return -EINVAL;
	}
	o->seed = number;
	return 0;
}

static int take(const struct option_entry *entry, const char *value, struct cpc_twin_options *o,
		struct cpc_error *error)
{
	void *field = (u8 *)o + entry->offset;

	switch (entry->kind) {
	case NUMBER:
	case NUMBER_U8:
	case NUMBER_U16:
		return take_number(entry, value, field, error);
	case FLAG:
		*(bool *)field = true;
		return 0;
	case TEXT:
		*(const char **)field = value;
		return 0;
	case SPECIAL:
		break;
	}
	return take_special(entry, value, o, error);
}

static int check(const struct cpc_twin_options *o, struct cpc_error *error)
{
	const char *missing = NULL;

	if (o->help)
		return 0;
	if (!o->test_keys == !o->config) {
		cpc_error_set(error, "either --config FILE or --test-keys");
		return -EINVAL;
	}
	if (o->test_keys) {
		missing = !o->cell.interface[0] ? "iface" : !o->cell.cell ? "cell" :
			  !o->has_self ? "self" : !o->cell.n ? "n" : NULL;
		if (missing) {
			cpc_error_set(error, "--test-keys needs --%s", missing);
			return -EINVAL;
		}
		if (o->self >= o->cell.n) {
			cpc_error_set(error, "--self: %u is no member of a cell of %u", o->self,
				      o->cell.n);
			return -EINVAL;
		}
	}
	return 0;
}

int cpc_twin_options_parse(int argc, char **argv, struct cpc_twin_options *ret_options,
			   struct cpc_error *error)
{
	struct cpc_twin_options o = {
		.cell = { .epoch = 1, .period_ms = 100, .default_verdict = CPC_DEFAULT_NONE },
		.mac = cpc_twin_mac_find("sha256/cmac(aes)"),
		.carrier_hz = 10,
		.size = 64,
	};
	struct option known[ENTRIES + 1] = { 0 };
	int i, at, c;

	for (i = 0; i < ENTRIES; i++) {
		known[i].name = entries[i].name;
		known[i].has_arg = entries[i].kind == FLAG ? no_argument : required_argument;
	}
	/* getopt(3) keeps a state; 0 has it start anew, and what it complains about we say. */
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", known, &at)) != -1) {
		if (c != 0) {
			cpc_error_set(error, "'%s': no such option, or its value is missing",
				      argv[optind - 1]);
			return -EINVAL;
		}
		if (take(&entries[at], optarg, &o, error) < 0)
			return -EINVAL;
	}
	if (optind < argc) {
		cpc_error_set(error, "what is '%s'?", argv[optind]);
		return -EINVAL;
	}
	if (check(&o, error) < 0)
		return -EINVAL;
	*ret_options = o;
	return 0;
}

void cpc_twin_test_key(u16 cell, u16 epoch, unsigned int a, unsigned int b,
		       u8 ret_key[CPC_TWIN_KEY_BYTES])
{
	memset(ret_key, 0, CPC_TWIN_KEY_BYTES);
	ret_key[0] = (u8)cell;
	ret_key[1] = (u8)epoch;
	ret_key[2] = (u8)(a < b ? a : b);
	ret_key[3] = (u8)(a < b ? b : a);
	ret_key[14] = 0x5e;
	ret_key[15] = 0xed;
}

void cpc_twin_test_node_id(unsigned int member, u8 ret_node_id[32])
{
	memset(ret_node_id, (int)member + 1, 32);
}
