// SPDX-License-Identifier: BSD-3-Clause
#include "agent/config/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/keys.h"

/* A [member NAME] or [known NAME] section. */
struct section {
	char name[CPC_CONFIG_NAME_MAX + 1];
	unsigned int line;
	int index;			/* of a member, -1: not given yet */
	bool has_id;
	uint8_t id[CPC_CONFIG_ID_BYTES];
};

struct sections {
	const char *title, *noun;
	struct section of[CPC_CONFIG_KNOWN_MAX];	/* which is CPC_MEMBERS_MAX */
	unsigned int n;
};

/* One reading of one file. libinih gives no line numbers, so its line source counts them. */
struct parse {
	const char *file;
	const char *text;
	size_t len;
	size_t at;
	unsigned int line;		/* of the text last handed to libinih */
	bool bad;			/* refused, for the first error found ... */
	unsigned int bad_line;		/* ... in this line */
	unsigned int key_line[CPC_CONFIG_KEYS_MAX];	/* where a key was given, 0: nowhere */
	struct cpc_agent_config *config;
	struct cpc_error *error;
	struct sections members;	/* until their index is known */
	struct sections knowns;
	char first_member[CPC_CONFIG_NAME_MAX + 16];	/* as the file has it: "[member a]" */
	unsigned int first_member_line;
	unsigned int member_line[CPC_MEMBERS_MAX];
};

/* Only the first complaint counts. Returns 0: what libinih takes for "bad line". */
static int refuse(struct parse *p, unsigned int line, const char *format, ...)
{
	char what[sizeof(p->error->text)];
	va_list args;

	if (p->bad)
		return 0;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	p->bad = true;
	p->bad_line = line;
	cpc_error_set(p->error, "%s:%u: %s", p->file, line, what);
	return 0;
}

/* libinih's line source: like fgets() on the text. */
static char *next_line(char *out, int size, void *stream)
{
	struct parse *p = stream;
	size_t left = p->len - p->at, len;
	const char *start = p->text + p->at, *end;

	if (left == 0)
		return NULL;
	end = memchr(start, '\n', left);
	len = end ? (size_t)(end - start) + 1 : left;
	p->line++;
	p->at += len;
	if (len >= (size_t)size) {
		refuse(p, p->line, "the line has %zu bytes, at most %d are read", len, size - 1);
		len = (size_t)size - 1;
	}
	if (memchr(start, '\0', len))
		refuse(p, p->line, "the line contains a NUL byte: this is not a text file");
	memcpy(out, start, len);
	out[len] = '\0';
	return out;
}

int cpc_node_id_parse(const char *text, uint8_t ret_node_id[CPC_CONFIG_ID_BYTES])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	uint8_t id[CPC_CONFIG_ID_BYTES] = { 0 };
	size_t i;

	if (strlen(text) != 2 * sizeof(id))
		return -EINVAL;
	for (i = 0; i < 2 * sizeof(id); i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit)
			return -EINVAL;
		id[i / 2] = (uint8_t)(id[i / 2] << 4 | (digit - digits) % 16);
	}
	memcpy(ret_node_id, id, sizeof(id));
	return 0;
}

#define NODE_ID_EXPECT "64 hexadecimal digits (cpchaind --print-id --key FILE prints them)"

/* For a vehicle that joins, who names its members is told which was the first. */
static void note_member(struct parse *p, const char *format, const char *name)
{
	if (p->first_member_line)
		return;
	p->first_member_line = p->line;
	snprintf(p->first_member, sizeof(p->first_member), format, name);
}

/* member.INDEX = HEX in [cell]. */
static int take_short_member(struct parse *p, const char *name, const char *value)
{
	struct cpc_config_member *member;
	unsigned long index;

	if (cpc_config_number(name + strlen("member."), 0, CPC_MEMBERS_MAX - 1, &index) < 0)
		return refuse(p, p->line, "[cell] %s: the index must be a number from 0 to %d",
			      name, CPC_MEMBERS_MAX - 1);
	note_member(p, "[cell] %s", name);
	member = &p->config->member[index];
	if (member->set)
		return refuse(p, p->line, "[cell] %s: member %lu was given before, in line %u",
			      name, index, p->member_line[index]);
	if (cpc_node_id_parse(value, member->node_id) < 0)
		return refuse(p, p->line, "[cell] %s: '%s' is not %s", name, value, NODE_ID_EXPECT);
	member->set = true;
	snprintf(member->name, sizeof(member->name), "%lu", index);
	p->member_line[index] = p->line;
	return 1;
}

/* NULL with an error: not a name, or too many of them. */
static struct section *find_section(struct parse *p, struct sections *in, const char *name)
{
	struct section *section;
	unsigned int i;

	for (i = 0; i < in->n; i++)
		if (strcmp(in->of[i].name, name) == 0)
			return &in->of[i];
	if (strlen(name) == 0 || strlen(name) > CPC_CONFIG_NAME_MAX || strchr(name, ' ') ||
	    !cpc_config_is_printable(name)) {
		refuse(p, p->line, "[%s %s]: a %s's name is one word of 1 to %d bytes", in->title,
		       name, in->noun, CPC_CONFIG_NAME_MAX);
		return NULL;
	}
	if (in->n == CPC_CONFIG_KNOWN_MAX) {
		refuse(p, p->line, "[%s %s]: more than %d %ss", in->title, name,
		       CPC_CONFIG_KNOWN_MAX, in->noun);
		return NULL;
	}
	section = &in->of[in->n++];
	snprintf(section->name, sizeof(section->name), "%s", name);
	section->line = p->line;
	section->index = -1;
	return section;
}

static int take_index(struct parse *p, struct section *section, const char *value)
{
	unsigned long index;

	if (section->index >= 0)
		return refuse(p, p->line, "[member %s] index: given twice", section->name);
	if (cpc_config_number(value, 0, CPC_MEMBERS_MAX - 1, &index) < 0)
		return refuse(p, p->line, "[member %s] index: '%s' is not a number from 0 to %d",
			      section->name, value, CPC_MEMBERS_MAX - 1);
	section->index = (int)index;
	return 1;
}

/* A key of [member NAME] or [known NAME]. */
static int take_vehicle(struct parse *p, struct sections *in, const char *who, const char *name,
			const char *value)
{
	struct section *section = find_section(p, in, who);

	if (!section)
		return 0;
	if (in == &p->members)
		note_member(p, "[member %s]", who);
	if (in == &p->members && strcmp(name, "index") == 0)
		return take_index(p, section, value);
	if (strcmp(name, "node_id") != 0)
		return refuse(p, p->line, "[%s %s] %s: no such key (%snode_id)", in->title, who,
			      name, in == &p->members ? "index, " : "");
	if (section->has_id)
		return refuse(p, p->line, "[%s %s] node_id: given twice", in->title, who);
	if (cpc_node_id_parse(value, section->id) < 0)
		return refuse(p, p->line, "[%s %s] node_id: '%s' is not %s", in->title, who, value,
			      NODE_ID_EXPECT);
	section->has_id = true;
	return 1;
}

/* libinih calls this for every key. */
static int take(void *user, const char *section, const char *name, const char *value)
{
	struct parse *p = user;
	bool known_section = false;
	unsigned int i;

	if (strncmp(section, "member ", 7) == 0)
		return take_vehicle(p, &p->members, section + 7 + strspn(section + 7, " \t"),
				    name, value);
	if (strncmp(section, "known ", 6) == 0)
		return take_vehicle(p, &p->knowns, section + 6 + strspn(section + 6, " \t"), name,
				    value);
	if (strcmp(section, "cell") == 0 && strncmp(name, "member.", 7) == 0)
		return take_short_member(p, name, value);
	for (i = 0; i < cpc_config_key_count; i++) {
		const struct cpc_config_key *key = &cpc_config_keys[i];
		const char *expect;

		if (strcmp(section, key->section) != 0)
			continue;
		known_section = true;
		if (strcmp(name, key->name) != 0)
			continue;
		if (p->key_line[i])
			return refuse(p, p->line, "[%s] %s: given twice", section, name);
		p->key_line[i] = p->line;
		expect = key->parse(key, value, (char *)p->config + key->offset);
		return expect ? refuse(p, p->line, "[%s] %s: '%s' is not %s", section, name, value,
				       expect) : 1;
	}
	if (known_section)
		return refuse(p, p->line, "[%s] %s: no such key (its value is '%s')", section, name,
			      value);
	return refuse(p, p->line,
		      "[%s]: no such section (%s = %s); there are node, cell, member NAME, "
		      "known NAME, gateway, bpf, api",
		      section, name, value);
}

/* The [member NAME] sections into the table, by index. */
static void place_members(struct parse *p)
{
	struct cpc_config_member *member;
	unsigned int i;

	for (i = 0; i < p->members.n; i++) {
		const struct section *section = &p->members.of[i];

		if (section->index < 0) {
			refuse(p, section->line, "[member %s] index: missing", section->name);
			return;
		}
		if (!section->has_id) {
			refuse(p, section->line, "[member %s] node_id: missing", section->name);
			return;
		}
		member = &p->config->member[section->index];
		if (member->set) {
			refuse(p, section->line,
			       "[member %s] index: %d is taken by member %s of line %u",
			       section->name, section->index, member->name,
			       p->member_line[section->index]);
			return;
		}
		member->set = true;
		memcpy(member->name, section->name, sizeof(member->name));
		memcpy(member->node_id, section->id, sizeof(member->node_id));
		p->member_line[section->index] = section->line;
	}
}

/* Enough of them for a cell of the kind that is wanted. */
static void check_count(struct parse *p, unsigned int count)
{
	if (count < CPC_MEMBERS_FEW)
		refuse(p, p->line, "[cell]: %u member%s; a cell needs at least %d to stand one "
		       "faulty member", count, count == 1 ? "" : "s", CPC_MEMBERS_MIN);
	else if (count < CPC_MEMBERS_MIN && !p->config->unanimous)
		refuse(p, p->line, "[cell]: %u members; a cell needs at least %d to stand one "
		       "faulty member. With [cell] unanimous = yes %u may be one: it stands none, "
		       "every one has to agree", count, CPC_MEMBERS_MIN, count);
}

/* No member before the one at @i has its name or its node_id. */
static bool is_unique(struct parse *p, unsigned int i)
{
	const struct cpc_config_member *other, *member = &p->config->member[i];
	unsigned int j;

	for (j = 0; j < i; j++) {
		bool same_name, same_id;

		other = &p->config->member[j];
		same_name = other->set && strcmp(other->name, member->name) == 0;
		same_id = other->set &&
			  memcmp(other->node_id, member->node_id, CPC_CONFIG_ID_BYTES) == 0;
		if (!same_name && !same_id)
			continue;
		refuse(p, p->member_line[i],
		       "member %s (index %u) has the %s of member %s (index %u, line %u)",
		       member->name, i, same_id ? "node_id" : "name", other->name, j,
		       p->member_line[j]);
		return false;
	}
	return true;
}

/* Indices 0..n-1, nobody twice, enough of them. */
static void check_members(struct parse *p)
{
	struct cpc_agent_config *config = p->config;
	unsigned int i, count = 0, last = 0;

	for (i = 0; i < CPC_MEMBERS_MAX; i++) {
		if (!config->member[i].set)
			continue;
		count++;
		last = i;
		if (!is_unique(p, i))
			return;
	}
	check_count(p, count);
	for (i = 0; i < last && !p->bad; i++)
		if (!config->member[i].set)
			refuse(p, p->member_line[last],
			       "[cell]: there is a member with index %u, but none with index %u",
			       last, i);
	config->n = count;
}

/* A name and a node_id are one vehicle's: neither a member's nor an earlier known one's. */
static void place_known(struct parse *p, const struct section *section)
{
	struct cpc_agent_config *config = p->config;
	struct cpc_config_known *known = &config->known[config->knowns];
	unsigned int i;

	if (!section->has_id) {
		refuse(p, section->line, "[known %s] node_id: missing", section->name);
		return;
	}
	for (i = 0; i < config->n; i++) {
		const struct cpc_config_member *member = &config->member[i];
		bool same_id = memcmp(member->node_id, section->id, sizeof(section->id)) == 0;

		if (same_id || strcmp(member->name, section->name) == 0)
			refuse(p, section->line,
			       "known vehicle %s has the %s of member %s (index %u, line %u)",
			       section->name, same_id ? "node_id" : "name", member->name, i,
			       p->member_line[i]);
	}
	for (i = 0; i < config->knowns; i++)
		if (memcmp(config->known[i].node_id, section->id, sizeof(section->id)) == 0)
			refuse(p, section->line,
			       "known vehicle %s has the node_id of known vehicle %s (line %u)",
			       section->name, config->known[i].name, p->knowns.of[i].line);
	memcpy(known->name, section->name, sizeof(known->name));
	memcpy(known->node_id, section->id, sizeof(known->node_id));
	config->knowns++;
}

/* In which line a key stands, 0 in none. */
static unsigned int line_of(const struct parse *p, size_t field)
{
	unsigned int i;

	for (i = 0; i < cpc_config_key_count; i++)
		if (cpc_config_keys[i].offset == field)
			return p->key_line[i];
	return 0;
}

#define LINE_OF(p, field) line_of(p, offsetof(struct cpc_agent_config, field))

/* Who joins learns epoch and members from the cell, and needs somebody to believe. */
static void check_joining(struct parse *p)
{
	const struct cpc_agent_config *config = p->config;

	if (p->first_member_line)
		refuse(p, p->first_member_line,
		       "%s: with [cell] join = yes (line %u) the cell says who its members are; "
		       "vehicles that this one believes go into [known NAME]", p->first_member,
		       LINE_OF(p, join));
	if (LINE_OF(p, epoch))
		refuse(p, LINE_OF(p, epoch),
		       "[cell] epoch: %u is given, but with join = yes (line %u) the cell says "
		       "which epoch it is in", config->epoch, LINE_OF(p, join));
	if (!config->authority[0] && !p->knowns.n)
		refuse(p, LINE_OF(p, join),
		       "[cell] join: yes, but this vehicle could believe nobody about the cell; "
		       "name an authority, or a vehicle in [known NAME]");
}

static void check_required(struct parse *p)
{
	unsigned int i;

	for (i = 0; i < cpc_config_key_count; i++) {
		const struct cpc_config_key *key = &cpc_config_keys[i];
		bool learnt = p->config->join &&
			      key->offset == offsetof(struct cpc_agent_config, epoch);

		if (key->required && !learnt && !p->key_line[i])
			refuse(p, p->line, "[%s] %s: missing; give it %s", key->section, key->name,
			       key->expect);
	}
	if (!p->config->gateway)
		return;
	if (!p->config->can[0])
		refuse(p, p->line,
		       "[gateway] can: missing; name the CAN interface, or set enabled = no");
	if (!p->config->dbc[0])
		refuse(p, p->line,
		       "[gateway] dbc: missing; name the DBC file, or set enabled = no");
	if (!p->config->overlay[0])
		refuse(p, p->line,
		       "[gateway] overlay: missing; name the overlay file, or set enabled = no");
}

/* A line that is neither key nor section: libinih only says which. */
static void refuse_line(struct parse *p, unsigned int number)
{
	const char *at = p->text, *end = p->text + p->len, *newline;
	unsigned int line;

	for (line = 1; line < number && (newline = memchr(at, '\n', (size_t)(end - at))); line++)
		at = newline + 1;
	newline = memchr(at, '\n', (size_t)(end - at));
	refuse(p, number, "neither 'key = value' nor '[section]': '%.*s'",
	       (int)((newline ? newline : end) - at), at);
}

static void set_defaults(struct cpc_agent_config *config)
{
	memset(config, 0, sizeof(*config));
	strcpy(config->key_file, CPC_CONFIG_KEY);
	strcpy(config->state_dir, CPC_CONFIG_STATE);
	strcpy(config->socket, CPC_CONFIG_SOCKET);
	config->port = CPC_CONFIG_PORT;
	config->pacing = CPC_PACING_CARRIER;
	config->period_ms = 100;
	config->default_verdict = CPC_DEFAULT_NO;
	config->admit = CPC_CONFIG_ADMIT_CERTIFIED;
	config->gateway_period_ms = 1000;
	config->stamp = true;
	strcpy(config->bpf_root, CPC_CONFIG_BPF_ROOT);
	strcpy(config->policy_all, "platoon");
	strcpy(config->policy_quorum, "speed");
}

int cpc_config_parse(const char *file_name, const char *text, size_t len,
		     struct cpc_agent_config *ret_config, struct cpc_error *error)
{
	struct cpc_agent_config config;
	struct cpc_error unwanted;
	struct parse p = { .file = file_name, .text = text, .len = len, .config = &config,
			   .error = error ? error : &unwanted,
			   .members = { .title = "member", .noun = "member" },
			   .knowns = { .title = "known", .noun = "known vehicle" } };
	unsigned int i;
	int line;

	set_defaults(&config);
	line = ini_parse_stream(next_line, &p, take, &p);
	if (line > 0 && (!p.bad || (unsigned int)line < p.bad_line)) {
		p.bad = false;
		refuse_line(&p, (unsigned int)line);
	}
	if (!p.bad && config.join)
		check_joining(&p);
	if (!p.bad)
		place_members(&p);
	if (!p.bad)
		check_required(&p);
	if (!p.bad && !config.join)
		check_members(&p);
	for (i = 0; i < p.knowns.n && !p.bad; i++)
		place_known(&p, &p.knowns.of[i]);
	if (p.bad)
		return -EINVAL;
	*ret_config = config;
	return 0;
}

int cpc_config_find(const struct cpc_agent_config *config,
		    const uint8_t node_id[CPC_CONFIG_ID_BYTES])
{
	unsigned int i;

	for (i = 0; i < config->n; i++)
		if (memcmp(config->member[i].node_id, node_id, CPC_CONFIG_ID_BYTES) == 0)
			return (int)i;
	return -ENOENT;
}

const char *cpc_config_name(const struct cpc_agent_config *config,
			    const uint8_t node_id[CPC_CONFIG_ID_BYTES])
{
	int member = cpc_config_find(config, node_id);
	unsigned int i;

	if (member >= 0)
		return config->member[member].name;
	for (i = 0; i < config->knowns; i++)
		if (memcmp(config->known[i].node_id, node_id, CPC_CONFIG_ID_BYTES) == 0)
			return config->known[i].name;
	return NULL;
}

int cpc_config_named(const struct cpc_agent_config *config, const char *name,
		     uint8_t ret_node_id[CPC_CONFIG_ID_BYTES])
{
	const uint8_t *id = NULL;
	unsigned int i;

	for (i = 0; i < config->n; i++)
		if (strcmp(config->member[i].name, name) == 0)
			id = config->member[i].node_id;
	for (i = 0; i < config->knowns; i++)
		if (strcmp(config->known[i].name, name) == 0)
			id = config->known[i].node_id;
	if (!id)
		return -ENOENT;
	memcpy(ret_node_id, id, CPC_CONFIG_ID_BYTES);
	return 0;
}
