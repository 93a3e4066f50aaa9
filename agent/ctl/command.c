// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/config.h"

const char cpc_ctl_usage[] =
	"usage: cpchainctl [--socket PATH] COMMAND\n"
	"\n"
	"  status [--json]           is the daemon running, where is its log\n"
	"  cell [--json]             the cell and its members\n"
	"  log [--follow] [--json] [--since SLOT] [--limit N] [--member NAME]\n"
	"                            the decided entries; the last 20 if nothing is said\n"
	"  submit [--kind ordinary|quorum|all] TEXT | --file FILE | -\n"
	"                            put an entry into this vehicle's lane\n"
	"  stats [--json]            counters and latency\n"
	"  verdict MEMBER SEQ yes|no this vehicle's word on a conditional entry\n"
	"\n"
	"  propose join  --platoon N --speed KM/H --gap M --position N\n"
	"  propose merge --platoon N --speed KM/H --gap M [--position N]\n"
	"  propose speed --zone N --min KM/H --max KM/H --for SECONDS\n"
	"                            propose a manoeuvre and show who said what, and why; with\n"
	"                            --wait SECONDS (30), --json. Exit status: 0 accepted,\n"
	"                            1 rejected, 2 an error, 3 not decided in time\n"
	"  proposals [--json]        every member's last one, and who said what\n"
	"\n"
	"  join                      ask to be admitted to the cell of the configuration\n"
	"  leave                     ask to be a member no longer\n"
	"  rekey                     a new epoch with the same members and new keys\n"
	"  remove MEMBER             without that member\n"
	"  split CELL MEMBER...      the members named form a cell of their own\n"
	"  merge CELL                all members of this cell join that one\n"
	"                            a quorum has to agree (`verdict`); shows each state and who\n"
	"                            said what; with --wait SECONDS (60; 0: only ask), --json.\n"
	"                            Exit status: 0 in effect (or asked), 1 rejected, 2 an error,\n"
	"                            3 not in effect in time\n"
	"\n"
	"  bpf [--json]              filter, stamps and policies: runs, drops, words\n"
	"  bpf policy all|quorum platoon|speed|OBJECT|none\n"
	"                            what votes for this vehicle on such entries, from now on\n"
	"  bpf detach                take filter and stamps off the interface\n"
	"  capture FILE [SECONDS]    what is stamped, as pcapng; needs root. This and detach work\n"
	"                            without a daemon, with --interface IF [--root PATH]\n";

struct parse {
	int argc;
	char **argv;
	int at;
	unsigned int words;		/* positional arguments after the command */
	unsigned int given;		/* options of a proposal, by place in its table */
	struct cpc_ctl_command *command;
	struct cpc_error *error;
};

static int wrong(struct parse *p, const char *format, const char *value)
{
	cpc_error_set(p->error, format, value);
	return -EINVAL;
}

/* The argument of an option, or NULL with an error. */
static const char *take_value(struct parse *p)
{
	const char *option = p->argv[p->at];

	if (p->at + 1 >= p->argc) {
		wrong(p, "%s needs a value", option);
		return NULL;
	}
	return p->argv[++p->at];
}

/* Whether @text is a whole number in these bounds, nothing around it. */
static bool is_number(const char *text, unsigned long min, unsigned long max, uint32_t *ret_number)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < min || number > max)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static int take_number(struct parse *p, uint32_t *ret_number)
{
	const char *option = p->argv[p->at], *text = take_value(p);

	if (!text)
		return -EINVAL;
	if (!is_number(text, 0, UINT32_MAX, ret_number)) {
		cpc_error_set(p->error, "%s: '%.60s' is not a whole number from 0 to %u", option,
			      text, UINT32_MAX);
		return -EINVAL;
	}
	return 0;
}

static int take_log_option(struct parse *p, const char *option)
{
	struct cpc_ctl_command *c = p->command;

	if (strcmp(option, "--follow") == 0 || strcmp(option, "-f") == 0) {
		c->follow = true;
		return 0;
	}
	if (strcmp(option, "--since") == 0) {
		c->has_since = true;
		return take_number(p, &c->since);
	}
	if (strcmp(option, "--limit") == 0) {
		c->has_limit = true;
		return take_number(p, &c->limit);
	}
	if (strcmp(option, "--member") == 0) {
		c->member = take_value(p);
		return c->member ? 0 : -EINVAL;
	}
	return wrong(p, "log: there is no option '%.60s'", option);
}

static int take_submit_option(struct parse *p, const char *option)
{
	struct cpc_ctl_command *c = p->command;

	if (strcmp(option, "--kind") == 0) {
		c->kind = take_value(p);
		if (!c->kind)
			return -EINVAL;
		if (strcmp(c->kind, "ordinary") && strcmp(c->kind, "quorum") &&
		    strcmp(c->kind, "all"))
			return wrong(p, "--kind: '%.60s' is not ordinary, quorum or all", c->kind);
		return 0;
	}
	if (strcmp(option, "--file") == 0) {
		c->file = take_value(p);
		return c->file ? 0 : -EINVAL;
	}
	return wrong(p, "submit: there is no option '%.60s'", option);
}

/* ---- proposals ------------------------------------------------------------------------------- */

#define PLATOON (1 << CPC_PROPOSAL_JOIN | 1 << CPC_PROPOSAL_MERGE)
#define SPEED (1 << CPC_PROPOSAL_SPEED)
#define JOIN (1 << CPC_PROPOSAL_JOIN)

enum {
	OPTION_PLATOON,
	OPTION_SPEED,
	OPTION_GAP,
	OPTION_POSITION,
	OPTION_ZONE,
	OPTION_MIN,
	OPTION_MAX,
	OPTION_FOR,
	PROPOSAL_OPTIONS,
};

/* The options of proposals. A value is given in people's units and kept in the proposal's. */
static const struct proposal_option {
	const char *name;
	unsigned int of, needed;	/* types, by bit */
	double factor;			/* 0: a whole number */
	uint32_t max;			/* as given */
	const char *unit;
} proposal_options[] = {
	[OPTION_PLATOON] = { "--platoon", PLATOON, PLATOON, 0, UINT32_MAX, "a number" },
	[OPTION_SPEED] = { "--speed", PLATOON, PLATOON, 100 / 3.6, 500, "km/h" },
	[OPTION_GAP] = { "--gap", PLATOON, PLATOON, 100, 600, "m" },
	[OPTION_POSITION] = { "--position", PLATOON, JOIN, 0, UINT8_MAX, "a number" },
	[OPTION_ZONE] = { "--zone", SPEED, SPEED, 0, UINT32_MAX, "a number" },
	[OPTION_MIN] = { "--min", SPEED, SPEED, 100 / 3.6, 500, "km/h" },
	[OPTION_MAX] = { "--max", SPEED, SPEED, 100 / 3.6, 500, "km/h" },
	[OPTION_FOR] = { "--for", SPEED, SPEED, 0, UINT16_MAX, "s" },
};

static void set_field(struct cpc_proposal *to, unsigned int option, uint32_t value)
{
	switch (option) {
	case OPTION_PLATOON:
		to->platoon = value;
		break;
	case OPTION_SPEED:
		to->speed_cm_s = (u16)value;
		break;
	case OPTION_GAP:
		to->gap_cm = (u16)value;
		break;
	case OPTION_POSITION:
		to->position = (u8)value;
		break;
	case OPTION_ZONE:
		to->zone = value;
		break;
	case OPTION_MIN:
		to->min_cm_s = (u16)value;
		break;
	case OPTION_MAX:
		to->max_cm_s = (u16)value;
		break;
	case OPTION_FOR:
		to->duration_s = (u16)value;
		break;
	}
}

static int take_quantity(struct parse *p, const struct proposal_option *option, uint32_t *ret_value)
{
	const char *text = take_value(p);
	double number;
	char *end;

	if (!text)
		return -EINVAL;
	number = *text >= '0' && *text <= '9' && strspn(text, "0123456789.") == strlen(text) ?
		 strtod(text, &end) : -1;
	if (number < 0 || *end || number > option->max ||
	    (option->factor == 0 && strchr(text, '.'))) {
		cpc_error_set(p->error, "%s: '%.60s' is not a%s number from 0 to %u%s%s",
			      option->name, text, option->factor == 0 ? " whole" : "", option->max,
			      strcmp(option->unit, "a number") ? " " : "",
			      strcmp(option->unit, "a number") ? option->unit : "");
		return -EINVAL;
	}
	*ret_value = (uint32_t)(option->factor == 0 ? number : number * option->factor + 0.5);
	return 0;
}

static int take_proposal_option(struct parse *p, const char *word)
{
	struct cpc_proposal *proposal = &p->command->proposal;
	unsigned int i;
	uint32_t value;
	int r;

	if (strcmp(word, "--wait") == 0)
		return take_number(p, &p->command->wait_s);
	for (i = 0; i < PROPOSAL_OPTIONS; i++) {
		const struct proposal_option *option = &proposal_options[i];

		if (strcmp(word, option->name) != 0)
			continue;
		if (p->words && !(option->of & 1u << proposal->type))
			break;
		r = take_quantity(p, option, &value);
		if (r == 0)
			set_field(proposal, i, value);
		p->given |= 1u << i;
		return r;
	}
	cpc_error_set(p->error, "propose %s: there is no option '%.60s'",
		      p->words ? cpc_proposal_name(proposal->type) : "", word);
	return -EINVAL;
}

static int check_proposal(struct parse *p)
{
	const struct cpc_proposal *proposal = &p->command->proposal;
	unsigned int i, type = 1u << proposal->type;

	if (!p->words)
		return wrong(p, "%s", "propose: what? (join, merge, speed)");
	for (i = 0; i < PROPOSAL_OPTIONS; i++) {
		const struct proposal_option *option = &proposal_options[i];

		if (option->needed & type && !(p->given & 1u << i)) {
			cpc_error_set(p->error, "propose %s: %s is needed (%s)",
				      cpc_proposal_name(proposal->type), option->name,
				      option->unit);
			return -EINVAL;
		}
		if (p->given & 1u << i && !(option->of & type)) {
			cpc_error_set(p->error, "propose %s: there is no option '%s'",
				      cpc_proposal_name(proposal->type), option->name);
			return -EINVAL;
		}
	}
	return cpc_proposal_check(proposal, p->error);
}

/* ---- changes of members ---------------------------------------------------------------------- */

static int take_change_word(struct parse *p, const char *word, unsigned int place)
{
	struct cpc_api_change *change = &p->command->change;
	bool to = change->what == CPC_CHANGE_SPLIT || change->what == CPC_CHANGE_MERGE;
	uint32_t cell;

	if (to && place == 0) {
		if (!is_number(word, 1, UINT16_MAX, &cell)) {
			cpc_error_set(p->error, "%s: '%.60s' is not a cell's number from 1 to %d",
				      cpc_change_name(change->what), word, UINT16_MAX);
			return -EINVAL;
		}
		change->to = (uint16_t)cell;
		return 0;
	}
	if (change->what == CPC_CHANGE_SPLIT || (change->what == CPC_CHANGE_REMOVE && place == 0))
		return cpc_api_change_add(change, word, p->error);
	cpc_error_set(p->error, "%s: what is '%.60s'?", cpc_change_name(change->what), word);
	return -EINVAL;
}

static int take_change_option(struct parse *p, const char *option)
{
	enum cpc_change_what what = p->command->change.what;

	if (strcmp(option, "--wait") == 0)
		return take_number(p, &p->command->wait_s);
	/* Platoons are joined and merged too. */
	cpc_error_set(p->error, "%s: there is no option '%.60s'%s%s%s", cpc_change_name(what),
		      option, what == CPC_CHANGE_JOIN || what == CPC_CHANGE_MERGE ?
		      " (a manoeuvre is: propose " : "",
		      what == CPC_CHANGE_JOIN ? "join)" : "",
		      what == CPC_CHANGE_MERGE ? "merge)" : "");
	return -EINVAL;
}

static int check_change(struct parse *p)
{
	const struct cpc_api_change *change = &p->command->change;

	if (change->what == CPC_CHANGE_REMOVE && !change->members)
		return wrong(p, "%s", "remove: which MEMBER?");
	if (change->what == CPC_CHANGE_MERGE && !change->to)
		return wrong(p, "%s", "merge: with which CELL?");
	if (change->what == CPC_CHANGE_SPLIT && change->members < CPC_MEMBERS_FEW)
		return wrong(p, "%s", "split: which CELL is to be formed, and by which MEMBERs, "
				      "two or more?");
	return 0;
}

/* ---- programs -------------------------------------------------------------------------------- */

static int take_bpf_word(struct parse *p, const char *word, unsigned int place)
{
	struct cpc_ctl_command *c = p->command;

	if (place == 0 && strcmp(word, "policy") == 0) {
		c->verb = CPC_CTL_BPF_POLICY;
		c->kind = NULL;
		return 0;
	}
	if (place == 0 && strcmp(word, "detach") == 0) {
		c->verb = CPC_CTL_BPF_DETACH;
		return 0;
	}
	return wrong(p, "bpf: what is '%.60s'? (policy, detach, or nothing)", word);
}

static int take_policy_word(struct parse *p, const char *word, unsigned int place)
{
	struct cpc_ctl_command *c = p->command;

	if (place == 1) {
		c->kind = word;
		if (strcmp(word, "all") && strcmp(word, "quorum"))
			return wrong(p, "bpf policy: '%.60s' is not all or quorum", word);
		return 0;
	}
	if (place > 2)
		return wrong(p, "bpf policy: what is '%.60s'?", word);
	c->policy = word;
	return 0;
}

static int take_place_option(struct parse *p, const char *option)
{
	struct cpc_ctl_command *c = p->command;
	const char **to = strcmp(option, "--interface") == 0 ? &c->interface :
			  strcmp(option, "--root") == 0 ? &c->root : NULL;

	if (!to)
		return wrong(p, "there is no option '%.60s' here", option);
	*to = take_value(p);
	return *to ? 0 : -EINVAL;
}

static int take_capture_word(struct parse *p, const char *word, unsigned int place)
{
	if (place == 0) {
		p->command->file = word;
		return 0;
	}
	if (place > 1)
		return wrong(p, "capture: what is '%.60s'?", word);
	p->at--;	/* the number follows the argument before it */
	return take_number(p, &p->command->seconds);
}

/* ---- words and verbs ------------------------------------------------------------------------- */

static int take_word(struct parse *p, const char *word)
{
	struct cpc_ctl_command *c = p->command;
	unsigned int place = p->words++;

	if (c->verb == CPC_CTL_PROPOSE && place == 0)
		return cpc_proposal_type(word, &c->proposal.type, p->error);
	if (c->verb == CPC_CTL_CHANGE)
		return take_change_word(p, word, place);
	if (c->verb == CPC_CTL_BPF)
		return take_bpf_word(p, word, place);
	if (c->verb == CPC_CTL_BPF_POLICY)
		return take_policy_word(p, word, place);
	if (c->verb == CPC_CTL_CAPTURE)
		return take_capture_word(p, word, place);
	if (c->verb == CPC_CTL_SUBMIT && place == 0) {
		if (strcmp(word, "-") == 0)
			c->file = word;
		else
			c->text = word;
		return 0;
	}
	if (c->verb == CPC_CTL_VERDICT && place == 0) {
		c->member = word;
		return 0;
	}
	if (c->verb == CPC_CTL_VERDICT && place == 1) {
		p->at--;	/* the number follows the argument before it */
		return take_number(p, &c->seq);
	}
	if (c->verb == CPC_CTL_VERDICT && place == 2) {
		c->yes = strcmp(word, "yes") == 0;
		if (!c->yes && strcmp(word, "no") != 0)
			return wrong(p, "verdict: '%.60s' is neither yes nor no", word);
		return 0;
	}
	return wrong(p, "what is '%.60s'? (a text of several words needs quotes)", word);
}

#define VERBS "status, cell, log, submit, stats, verdict, propose, proposals, join, leave, " \
	      "rekey, remove, split, merge, bpf, capture"

static int take_verb(struct parse *p)
{
	static const char *const names[] = {
		[CPC_CTL_HELP] = "help",     [CPC_CTL_STATUS] = "status", [CPC_CTL_CELL] = "cell",
		[CPC_CTL_LOG] = "log",	     [CPC_CTL_SUBMIT] = "submit", [CPC_CTL_STATS] = "stats",
		[CPC_CTL_VERDICT] = "verdict", [CPC_CTL_PROPOSE] = "propose",
		[CPC_CTL_PROPOSALS] = "proposals", [CPC_CTL_BPF] = "bpf",
		[CPC_CTL_CAPTURE] = "capture",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] && strcmp(p->argv[p->at], names[i]) == 0) {
			p->command->verb = (enum cpc_ctl_verb)i;
			return 0;
		}
	for (i = 0; i < CPC_CHANGE_WHATS; i++)
		if (strcmp(p->argv[p->at], cpc_change_name(i)) == 0) {
			p->command->verb = CPC_CTL_CHANGE;
			p->command->change.what = (enum cpc_change_what)i;
			p->command->wait_s = CPC_CTL_CHANGE_WAIT_S;
			return 0;
		}
	return wrong(p, "there is no command '%.60s' (" VERBS ")", p->argv[p->at]);
}

/* --socket and --help may stand anywhere. 1: taken, 0: not one of them. */
static int take_common(struct parse *p, const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		p->command->verb = CPC_CTL_HELP;
		return 1;
	}
	if (strcmp(word, "--json") == 0) {
		p->command->json = true;
		return 1;
	}
	if (strcmp(word, "--socket") != 0)
		return 0;
	p->command->socket = take_value(p);
	return p->command->socket ? 1 : -EINVAL;
}

static int check_complete(struct parse *p)
{
	const struct cpc_ctl_command *c = p->command;

	if (c->verb == CPC_CTL_SUBMIT && !c->text == !c->file)
		return wrong(p, "%s", "submit: give either a TEXT, --file FILE, or - for standard "
				      "input");
	if (c->verb == CPC_CTL_VERDICT && p->words < 3)
		return wrong(p, "%s", "verdict: which MEMBER, which SEQ, yes or no? "
				      "(`cpchainctl cell` shows what waits)");
	if (c->verb == CPC_CTL_PROPOSE)
		return check_proposal(p);
	if (c->verb == CPC_CTL_CHANGE)
		return check_change(p);
	if (c->verb == CPC_CTL_BPF_POLICY && !c->policy)
		return wrong(p, "%s", "bpf policy: for which entries (all or quorum), and which "
				      "(platoon, speed, an object file, none)?");
	if (c->verb == CPC_CTL_CAPTURE && !c->file)
		return wrong(p, "%s", "capture: into which FILE?");
	return 0;
}

int cpc_ctl_parse(int argc, char **argv, struct cpc_ctl_command *ret_command,
		  struct cpc_error *error)
{
	struct cpc_ctl_command command = { .socket = CPC_CONFIG_SOCKET, .kind = "ordinary",
					   .wait_s = CPC_CTL_WAIT_S,
					   .seconds = CPC_CTL_CAPTURE_S };
	struct parse p = { argc, argv, 1, 0, 0, &command, error };
	bool verb = false, only_words = false;
	int r;

	for (; p.at < argc; p.at++) {
		const char *word = argv[p.at];

		r = only_words ? 0 : take_common(&p, word);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (!verb)
			r = take_verb(&p);
		else if (!only_words && strcmp(word, "--") == 0)
			only_words = true;
		else if (only_words || word[0] != '-' || word[1] == '\0')
			r = take_word(&p, word);
		else if (command.verb == CPC_CTL_LOG)
			r = take_log_option(&p, word);
		else if (command.verb == CPC_CTL_SUBMIT)
			r = take_submit_option(&p, word);
		else if (command.verb == CPC_CTL_PROPOSE)
			r = take_proposal_option(&p, word);
		else if (command.verb == CPC_CTL_CHANGE)
			r = take_change_option(&p, word);
		else if (command.verb == CPC_CTL_CAPTURE || command.verb == CPC_CTL_BPF_DETACH)
			r = take_place_option(&p, word);
		else
			r = wrong(&p, "there is no option '%.60s' here", word);
		if (r < 0)
			return r;
		verb = true;
		if (command.verb == CPC_CTL_HELP)
			break;
	}
	if (!verb && command.verb == CPC_CTL_HELP && p.at == argc && argc < 2)
		return wrong(&p, "%s",
			     "which command? (" VERBS ")");
	r = check_complete(&p);
	if (r == 0)
		*ret_command = command;
	return r;
}

static json_t *log_request(const struct cpc_ctl_command *c)
{
	json_t *request = json_pack("{s:s, s:b}", "op", "log", "follow", c->follow);
	bool limited = c->has_limit || (!c->has_since && !c->follow);

	if (c->has_since)
		json_object_set_new(request, "since", json_integer(c->since));
	if (limited)
		json_object_set_new(request, "limit",
				    json_integer(c->has_limit ? c->limit : CPC_CTL_LOG_LIMIT));
	if (c->member)
		json_object_set_new(request, "member", json_string(c->member));
	return request;
}

static json_t *submit_request(const struct cpc_ctl_command *c, const void *data, size_t len)
{
	json_t *request = json_pack("{s:s, s:s}", "op", "submit", "kind", c->kind);
	json_t *text = len && !memchr(data, '\0', len) ? json_stringn(data, len) : NULL;
	char *digits;

	if (text) {
		json_object_set_new(request, "text", text);
		return request;
	}
	digits = malloc(2 * len + 1);
	if (digits) {
		cpc_hex(data, len, digits);
		json_object_set_new(request, "hex", json_string(digits));
	}
	free(digits);
	return request;
}

static json_t *propose_request(const struct cpc_proposal *p)
{
	if (p->type == CPC_PROPOSAL_SPEED)
		return json_pack("{s:s, s:s, s:I, s:i, s:i, s:i}", "op", "propose", "type",
				 "speed", "zone", (json_int_t)p->zone, "min_cm_s", p->min_cm_s,
				 "max_cm_s", p->max_cm_s, "duration_s", p->duration_s);
	return json_pack("{s:s, s:s, s:I, s:i, s:i, s:i}", "op", "propose", "type",
			 cpc_proposal_name(p->type), "platoon", (json_int_t)p->platoon,
			 "speed_cm_s", p->speed_cm_s, "gap_cm", p->gap_cm, "position",
			 p->position);
}

static json_t *change_request(const struct cpc_api_change *change)
{
	json_t *request = json_pack("{s:s}", "op", cpc_change_name(change->what)), *names;
	unsigned int i;

	if (change->to)
		json_object_set_new(request, "to", json_integer(change->to));
	if (change->what == CPC_CHANGE_REMOVE)
		json_object_set_new(request, "member", json_string(change->member[0]));
	if (change->what != CPC_CHANGE_SPLIT)
		return request;
	names = json_array();
	for (i = 0; i < change->members; i++)
		json_array_append_new(names, json_string(change->member[i]));
	json_object_set_new(request, "members", names);
	return request;
}

json_t *cpc_ctl_request(const struct cpc_ctl_command *command, const void *data, size_t len)
{
	switch (command->verb) {
	case CPC_CTL_HELP:
		break;
	case CPC_CTL_STATUS:
		return json_pack("{s:s}", "op", "status");
	case CPC_CTL_CELL:
		return json_pack("{s:s}", "op", "cell");
	case CPC_CTL_STATS:
		return json_pack("{s:s}", "op", "stats");
	case CPC_CTL_LOG:
		return log_request(command);
	case CPC_CTL_SUBMIT:
		return submit_request(command, data, len);
	case CPC_CTL_VERDICT:
		return json_pack("{s:s, s:s, s:I, s:b}", "op", "verdict", "member",
				 command->member, "seq", (json_int_t)command->seq, "yes",
				 command->yes);
	case CPC_CTL_PROPOSE:
		return propose_request(&command->proposal);
	case CPC_CTL_PROPOSALS:
		return json_pack("{s:s}", "op", "proposals");
	case CPC_CTL_CHANGE:
		return change_request(&command->change);
	case CPC_CTL_BPF:
	case CPC_CTL_CAPTURE:	/* which interface, which root? */
		return json_pack("{s:s}", "op", "bpf");
	case CPC_CTL_BPF_POLICY:
		return json_pack("{s:s, s:s, s:s}", "op", "bpf_policy", "kind", command->kind,
				 "policy", command->policy);
	case CPC_CTL_BPF_DETACH:
		return json_pack("{s:s}", "op", "bpf_detach");
	}
	return NULL;
}

void cpc_ctl_connect_error(const char *socket, int code, struct cpc_error *error)
{
	switch (code) {
	case -ENOENT:
	case -ECONNREFUSED:
		cpc_error_set(error, "cannot connect to %s: is cpchaind running? "
			      "systemctl start cpchaind", socket);
		break;
	case -EACCES:
	case -EPERM:
		cpc_error_set(error, "cannot connect to %s: not permitted: run as root, or as a "
			      "member of the socket's group", socket);
		break;
	default:
		cpc_error_set(error, "cannot connect to %s: %s", socket, strerror(-code));
		break;
	}
}
