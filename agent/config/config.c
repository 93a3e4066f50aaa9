// SPDX-License-Identifier: BSD-3-Clause
#include "agent/config/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/keys.h"

/* One reading of one file. libinih gives no line numbers, so its line source counts them. */
struct parse {
	const char *file;
	const char *text;
	size_t len;
	size_t at;
	unsigned int line;		/* of the text last handed to libinih */
	bool bad;			/* refused, for the first error found ... */
	unsigned int bad_line;		/* ... in this line */
	uint64_t seen;			/* keys of the table, by bit */
	struct cpc_agent_config *config;
	struct cpc_error *error;
	/* [member NAME] sections, until their index is known */
	struct {
		char name[CPC_CONFIG_NAME_MAX + 1];
		unsigned int line;
		int index;		/* -1: not given yet */
		bool has_id;
		uint8_t id[CPC_CONFIG_ID_BYTES];
	} section[CPC_MEMBERS_MAX];
	unsigned int sections;
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

/* member.INDEX = HEX in [cell]. */
static int take_short_member(struct parse *p, const char *name, const char *value)
{
	struct cpc_config_member *member;
	unsigned long index;

	if (cpc_config_number(name + strlen("member."), 0, CPC_MEMBERS_MAX - 1, &index) < 0)
		return refuse(p, p->line, "[cell] %s: the index must be a number from 0 to %d",
			      name, CPC_MEMBERS_MAX - 1);
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

static int find_section(struct parse *p, const char *name)
{
	unsigned int i;

	for (i = 0; i < p->sections; i++)
		if (strcmp(p->section[i].name, name) == 0)
			return (int)i;
	if (strlen(name) == 0 || strlen(name) > CPC_CONFIG_NAME_MAX || strchr(name, ' ') ||
	    !cpc_config_is_printable(name))
		return refuse(p, p->line,
			      "[member %s]: a member's name is one word of 1 to %d bytes", name,
			      CPC_CONFIG_NAME_MAX) -
		       1;
	if (p->sections == CPC_MEMBERS_MAX)
		return refuse(p, p->line, "[member %s]: more than %d members", name,
			      CPC_MEMBERS_MAX) - 1;
	snprintf(p->section[i].name, sizeof(p->section[i].name), "%s", name);
	p->section[i].line = p->line;
	p->section[i].index = -1;
	return (int)p->sections++;
}

/* A key of [member NAME]. */
static int take_member(struct parse *p, const char *who, const char *name, const char *value)
{
	unsigned long index;
	int i = find_section(p, who);

	if (i < 0)
		return 0;
	if (strcmp(name, "index") == 0) {
		if (p->section[i].index >= 0)
			return refuse(p, p->line, "[member %s] index: given twice", who);
		if (cpc_config_number(value, 0, CPC_MEMBERS_MAX - 1, &index) < 0)
			return refuse(p, p->line,
				      "[member %s] index: '%s' is not a number from 0 to %d", who,
				      value, CPC_MEMBERS_MAX - 1);
		p->section[i].index = (int)index;
		return 1;
	}
	if (strcmp(name, "node_id") == 0) {
		if (p->section[i].has_id)
			return refuse(p, p->line, "[member %s] node_id: given twice", who);
		if (cpc_node_id_parse(value, p->section[i].id) < 0)
			return refuse(p, p->line, "[member %s] node_id: '%s' is not %s", who, value,
				      NODE_ID_EXPECT);
		p->section[i].has_id = true;
		return 1;
	}
	return refuse(p, p->line, "[member %s] %s: no such key (index, node_id)", who, name);
}

/* libinih calls this for every key. */
static int take(void *user, const char *section, const char *name, const char *value)
{
	struct parse *p = user;
	bool known_section = false;
	unsigned int i;

	if (strncmp(section, "member ", 7) == 0)
		return take_member(p, section + 7 + strspn(section + 7, " \t"), name, value);
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
		if (p->seen & 1ULL << i)
			return refuse(p, p->line, "[%s] %s: given twice", section, name);
		p->seen |= 1ULL << i;
		expect = key->parse(key, value, (char *)p->config + key->offset);
		return expect ? refuse(p, p->line, "[%s] %s: '%s' is not %s", section, name, value,
				       expect) : 1;
	}
	if (known_section)
		return refuse(p, p->line, "[%s] %s: no such key (its value is '%s')", section, name,
			      value);
	return refuse(p, p->line,
		      "[%s]: no such section (%s = %s); there are node, cell, member NAME, "
		      "gateway, bpf, api",
		      section, name, value);
}

/* The [member NAME] sections into the table, by index. */
static void place_members(struct parse *p)
{
	struct cpc_config_member *member;
	unsigned int i;

	for (i = 0; i < p->sections; i++) {
		const char *name = p->section[i].name;

		if (p->section[i].index < 0) {
			refuse(p, p->section[i].line, "[member %s] index: missing", name);
			return;
		}
		if (!p->section[i].has_id) {
			refuse(p, p->section[i].line, "[member %s] node_id: missing", name);
			return;
		}
		member = &p->config->member[p->section[i].index];
		if (member->set) {
			refuse(p, p->section[i].line,
			       "[member %s] index: %d is taken by member %s of line %u", name,
			       p->section[i].index, member->name,
			       p->member_line[p->section[i].index]);
			return;
		}
		member->set = true;
		memcpy(member->name, name, sizeof(member->name));
		memcpy(member->node_id, p->section[i].id, sizeof(member->node_id));
		p->member_line[p->section[i].index] = p->section[i].line;
	}
}

/* Indices 0..n-1, nobody twice, enough of them. */
static void check_members(struct parse *p)
{
	struct cpc_agent_config *config = p->config;
	unsigned int i, j, count = 0, last = 0;

	for (i = 0; i < CPC_MEMBERS_MAX; i++) {
		if (!config->member[i].set)
			continue;
		count++;
		last = i;
		for (j = 0; j < i; j++)
			if (config->member[j].set &&
			    memcmp(config->member[j].node_id, config->member[i].node_id,
				   CPC_CONFIG_ID_BYTES) == 0) {
				refuse(p, p->member_line[i],
				       "member %s (index %u) has the node_id of member %s "
				       "(index %u, line %u)",
				       config->member[i].name, i, config->member[j].name, j,
				       p->member_line[j]);
				return;
			}
	}
	if (count < CPC_MEMBERS_MIN) {
		refuse(p, p->line, "[cell]: %u member%s; a cell needs at least %d to stand one "
		       "faulty member", count, count == 1 ? "" : "s", CPC_MEMBERS_MIN);
		return;
	}
	for (i = 0; i < last; i++)
		if (!config->member[i].set) {
			refuse(p, p->member_line[last],
			       "[cell]: there is a member with index %u, but none with index %u",
			       last, i);
			return;
		}
	config->n = count;
}

static void check_required(struct parse *p)
{
	unsigned int i;

	for (i = 0; i < cpc_config_key_count; i++)
		if (cpc_config_keys[i].required && !(p->seen & 1ULL << i))
			refuse(p, p->line, "[%s] %s: missing; give it %s",
			       cpc_config_keys[i].section, cpc_config_keys[i].name,
			       cpc_config_keys[i].expect);
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
			   .error = error ? error : &unwanted };
	int line;

	set_defaults(&config);
	line = ini_parse_stream(next_line, &p, take, &p);
	if (line > 0 && (!p.bad || (unsigned int)line < p.bad_line)) {
		p.bad = false;
		refuse_line(&p, (unsigned int)line);
	}
	if (!p.bad)
		place_members(&p);
	if (!p.bad)
		check_required(&p);
	if (!p.bad)
		check_members(&p);
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
