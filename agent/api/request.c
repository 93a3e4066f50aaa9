// SPDX-License-Identifier: BSD-3-Clause
#include "agent/api/request.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
	[CPC_API_STATUS] = "status", [CPC_API_CELL] = "cell",	  [CPC_API_STATS] = "stats",
	[CPC_API_LOG] = "log",	     [CPC_API_SUBMIT] = "submit", [CPC_API_VERDICT] = "verdict",
	[CPC_API_PROPOSE] = "propose", [CPC_API_PROPOSAL] = "proposal",
	[CPC_API_PROPOSALS] = "proposals", [CPC_API_BPF] = "bpf",
	[CPC_API_BPF_POLICY] = "bpf_policy", [CPC_API_BPF_DETACH] = "bpf_detach",
	[CPC_API_CHANGE_STATE] = "change",
};

static const char *const change_names[] = {
	[CPC_CHANGE_JOIN] = "join",   [CPC_CHANGE_LEAVE] = "leave",
	[CPC_CHANGE_REKEY] = "rekey", [CPC_CHANGE_REMOVE] = "remove",
	[CPC_CHANGE_SPLIT] = "split", [CPC_CHANGE_MERGE] = "merge",
};

enum { FREE_KINDS = 3 };	/* that a client may name: a change has requests of its own */

static const char *const kind_names[] = {
	[CPC_ENTRY_ORDINARY] = "ordinary", [CPC_ENTRY_BY_QUORUM] = "quorum",
	[CPC_ENTRY_BY_ALL] = "all",	   [CPC_ENTRY_CHANGE] = "change",
};

const char *cpc_entry_kind_name(unsigned int kind)
{
	return kind < __CPC_ENTRY_KINDS ? kind_names[kind] : "unknown";
}

const char *cpc_change_name(unsigned int what)
{
	return what < CPC_CHANGE_WHATS ? change_names[what] : NULL;
}

void cpc_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

/* Which of @names the string is; -1 with an error if none. */
static int find_name(const json_t *value, const char *key, const char *const *names,
		     unsigned int count, struct cpc_error *error)
{
	const char *text = json_string_value(value);
	unsigned int i;

	for (i = 0; text && i < count; i++)
		if (strcmp(text, names[i]) == 0)
			return (int)i;
	cpc_error_set(error, "%s: '%.40s' is not known", key, text ? text : "(not a string)");
	return -1;
}

static int take_u32(const json_t *root, const char *key, uint32_t *ret_number, bool *ret_there,
		    struct cpc_error *error)
{
	const json_t *value = json_object_get(root, key);

	*ret_there = value;
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > UINT32_MAX) {
		cpc_error_set(error, "%s: not a whole number from 0 to %u", key, UINT32_MAX);
		return -EINVAL;
	}
	*ret_number = (uint32_t)json_integer_value(value);
	return 0;
}

static int take_bool(const json_t *root, const char *key, bool *ret_value, bool *ret_there,
		     struct cpc_error *error)
{
	const json_t *value = json_object_get(root, key);

	*ret_there = value;
	if (!value)
		return 0;
	if (!json_is_boolean(value)) {
		cpc_error_set(error, "%s: neither true nor false", key);
		return -EINVAL;
	}
	*ret_value = json_is_true(value);
	return 0;
}

/* A member's name, @what for the error. JSON strings may carry a NUL, names may not. */
static int take_name(const json_t *value, const char *what, char *ret_name, struct cpc_error *error)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) != json_string_length(value) ||
	    strlen(text) > CPC_CONFIG_NAME_MAX) {
		cpc_error_set(error, "%s: '%.40s' is not a name of at most %d bytes", what,
			      text ? text : "(not a string)", CPC_CONFIG_NAME_MAX);
		return -EINVAL;
	}
	strcpy(ret_name, text);
	return 0;
}

static int take_member(const json_t *root, struct cpc_api_request *request,
		       struct cpc_error *error)
{
	const json_t *value = json_object_get(root, "member");

	return value ? take_name(value, "member", request->member, error) : 0;
}

static int parse_log(const json_t *root, struct cpc_api_request *request, struct cpc_error *error)
{
	bool there;

	if (take_u32(root, "since", &request->since, &request->has_since, error) < 0 ||
	    take_u32(root, "limit", &request->limit, &there, error) < 0 ||
	    take_bool(root, "follow", &request->follow, &there, error) < 0)
		return -EINVAL;
	return take_member(root, request, error);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int take_hex(const char *text, size_t len, struct cpc_api_request *request,
		    struct cpc_error *error)
{
	size_t i;

	if (len % 2) {
		cpc_error_set(error, "hex: an odd number of digits (%zu)", len);
		return -EINVAL;
	}
	for (i = 0; i < len; i += 2) {
		int high = digit(text[i]), low = digit(text[i + 1]);

		if (high < 0 || low < 0) {
			cpc_error_set(error, "hex: not a digit at %zu", high < 0 ? i : i + 1);
			return -EINVAL;
		}
		request->payload[i / 2] = (uint8_t)(high << 4 | low);
	}
	request->payload_len = len / 2;
	return 0;
}

static int parse_submit(const json_t *root, struct cpc_api_request *request,
			struct cpc_error *error)
{
	const json_t *kind = json_object_get(root, "kind");
	const json_t *text = json_object_get(root, "text"), *hex = json_object_get(root, "hex");
	const json_t *data = text ? text : hex;
	size_t len;
	int r;

	if (kind) {
		r = find_name(kind, "kind (ordinary, quorum, all)", kind_names, FREE_KINDS, error);
		if (r < 0)
			return -EINVAL;
		request->kind = (unsigned int)r;
	}
	if (!json_is_string(data) || (text && hex)) {
		cpc_error_set(error, "submit: exactly one of the strings text and hex is needed");
		return -EINVAL;
	}
	len = json_string_length(data);
	request->is_text = text;
	if (len == 0 || (text ? len : len / 2) > CPC_PAYLOAD_MAX) {
		cpc_error_set(error, "submit: %zu bytes; an entry carries 1 to %d",
			      text ? len : len / 2, CPC_PAYLOAD_MAX);
		return -EINVAL;
	}
	if (hex)
		return take_hex(json_string_value(data), len, request, error);
	memcpy(request->payload, json_string_value(data), len);
	request->payload_len = len;
	return 0;
}

static int parse_verdict(const json_t *root, struct cpc_api_request *request,
			 struct cpc_error *error)
{
	bool has_seq, has_yes;

	if (take_member(root, request, error) < 0 ||
	    take_u32(root, "seq", &request->seq, &has_seq, error) < 0 ||
	    take_bool(root, "yes", &request->yes, &has_yes, error) < 0)
		return -EINVAL;
	if (!request->member[0] || !has_seq || !has_yes) {
		cpc_error_set(error, "verdict: member, seq and yes are needed");
		return -EINVAL;
	}
	return 0;
}

/* A number that a proposal must have. */
static int need_number(const json_t *root, const char *key, uint32_t max, uint32_t *ret_number,
		       struct cpc_error *error)
{
	const json_t *value = json_object_get(root, key);
	json_int_t number = json_integer_value(value);

	if (!value) {
		cpc_error_set(error, "propose: %s is needed", key);
		return -EINVAL;
	}
	if (!json_is_integer(value) || number < 0 || number > max) {
		cpc_error_set(error, "%s: %lld is not a whole number from 0 to %u", key,
			      (long long)number, max);
		return -EINVAL;
	}
	*ret_number = (uint32_t)number;
	return 0;
}

static int parse_platoon(const json_t *root, struct cpc_proposal *p, struct cpc_error *error)
{
	uint32_t speed, gap, position;

	if (need_number(root, "platoon", UINT32_MAX, &p->platoon, error) < 0 ||
	    need_number(root, "speed_cm_s", UINT16_MAX, &speed, error) < 0 ||
	    need_number(root, "gap_cm", UINT16_MAX, &gap, error) < 0 ||
	    need_number(root, "position", UINT8_MAX, &position, error) < 0)
		return -EINVAL;
	p->speed_cm_s = (u16)speed;
	p->gap_cm = (u16)gap;
	p->position = (u8)position;
	return 0;
}

static int parse_speed(const json_t *root, struct cpc_proposal *p, struct cpc_error *error)
{
	uint32_t min, max, duration;

	if (need_number(root, "zone", UINT32_MAX, &p->zone, error) < 0 ||
	    need_number(root, "min_cm_s", UINT16_MAX, &min, error) < 0 ||
	    need_number(root, "max_cm_s", UINT16_MAX, &max, error) < 0 ||
	    need_number(root, "duration_s", UINT16_MAX, &duration, error) < 0)
		return -EINVAL;
	p->min_cm_s = (u16)min;
	p->max_cm_s = (u16)max;
	p->duration_s = (u16)duration;
	return 0;
}

static int parse_propose(const json_t *root, struct cpc_api_request *request,
			 struct cpc_error *error)
{
	const char *type = json_string_value(json_object_get(root, "type"));
	struct cpc_proposal *p = &request->proposal;
	int r = cpc_proposal_type(type ? type : "", &p->type, error);

	if (r == 0)
		r = p->type == CPC_PROPOSAL_SPEED ? parse_speed(root, p, error) :
						    parse_platoon(root, p, error);
	return r < 0 ? r : cpc_proposal_check(p, error);
}

static int parse_proposal(const json_t *root, struct cpc_api_request *request,
			  struct cpc_error *error)
{
	const char *text = json_string_value(json_object_get(root, "id"));
	size_t i;

	for (i = 0; text && text[i] && digit(text[i]) >= 0 && i < 17; i++)
		request->id = request->id << 4 | (uint64_t)digit(text[i]);
	if (text && i == 16 && !text[i])
		return 0;
	cpc_error_set(error, "id: '%.40s' is not 16 hexadecimal digits", text ? text : "");
	return -EINVAL;
}

static int parse_policy(const json_t *root, struct cpc_api_request *request,
			struct cpc_error *error)
{
	const char *policy = json_string_value(json_object_get(root, "policy")), *expect;
	int kind = find_name(json_object_get(root, "kind"), "kind (quorum, all)", kind_names,
			     FREE_KINDS, error);

	if (kind == CPC_ENTRY_ORDINARY)
		cpc_error_set(error, "kind (quorum, all): 'ordinary' entries are not voted on");
	if (kind <= CPC_ENTRY_ORDINARY)
		return -EINVAL;
	request->kind = (unsigned int)kind;
	expect = cpc_config_policy(policy ? policy : "", request->policy);
	if (expect)
		cpc_error_set(error, "policy: '%.80s' is not %s", policy ? policy : "", expect);
	return expect ? -EINVAL : 0;
}

/* ---- changes of members ---------------------------------------------------------------------- */

int cpc_api_change_add(struct cpc_api_change *change, const char *name, struct cpc_error *error)
{
	const char *what = cpc_change_name(change->what);
	unsigned int i;

	if (!name[0] || strlen(name) > CPC_CONFIG_NAME_MAX) {
		cpc_error_set(error, "%s: '%.40s' is not a member's name of 1 to %d bytes", what,
			      name, CPC_CONFIG_NAME_MAX);
		return -EINVAL;
	}
	for (i = 0; i < change->members; i++)
		if (strcmp(change->member[i], name) == 0) {
			cpc_error_set(error, "%s: '%s' is named twice", what, name);
			return -EINVAL;
		}
	if (change->members == CPC_MEMBERS_MAX) {
		cpc_error_set(error, "%s: '%s' is one too many: a cell has at most %d members",
			      what, name, CPC_MEMBERS_MAX);
		return -EINVAL;
	}
	strcpy(change->member[change->members++], name);
	return 0;
}

static int take_to(const json_t *root, struct cpc_api_change *change, struct cpc_error *error)
{
	const json_t *value = json_object_get(root, "to");
	json_int_t number = json_integer_value(value);
	char *text;

	if (json_is_integer(value) && number >= 1 && number <= UINT16_MAX) {
		change->to = (uint16_t)number;
		return 0;
	}
	text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	cpc_error_set(error, "%s: to: %.40s is not a cell's number from 1 to %d",
		      cpc_change_name(change->what), text ? text : "nothing", UINT16_MAX);
	free(text);
	return -EINVAL;
}

static int take_names(const json_t *root, struct cpc_api_change *change, struct cpc_error *error)
{
	const json_t *names = json_object_get(root, "members"), *value;
	char name[CPC_CONFIG_NAME_MAX + 1];
	size_t i;

	if (!json_is_array(names)) {
		cpc_error_set(error, "split: members: a list of names is needed");
		return -EINVAL;
	}
	json_array_foreach(names, i, value)
		if (take_name(value, "members", name, error) < 0 ||
		    cpc_api_change_add(change, name, error) < 0)
			return -EINVAL;
	if (change->members < CPC_MEMBERS_FEW) {
		cpc_error_set(error, "split: members: %u named; a cell has at least %d",
			      change->members, CPC_MEMBERS_FEW);
		return -EINVAL;
	}
	return 0;
}

static int parse_change(const json_t *root, struct cpc_api_change *change, struct cpc_error *error)
{
	char name[CPC_CONFIG_NAME_MAX + 1];

	switch (change->what) {
	case CPC_CHANGE_JOIN:
	case CPC_CHANGE_LEAVE:
	case CPC_CHANGE_REKEY:
	case CPC_CHANGE_WHATS:
		return 0;
	case CPC_CHANGE_REMOVE:
		if (take_name(json_object_get(root, "member"), "remove: member", name, error) < 0)
			return -EINVAL;
		return cpc_api_change_add(change, name, error);
	case CPC_CHANGE_SPLIT:
		return take_to(root, change, error) < 0 ? -EINVAL : take_names(root, change, error);
	case CPC_CHANGE_MERGE:
		return take_to(root, change, error);
	}
	return -EINVAL;
}

/* ---- any ------------------------------------------------------------------------------------- */

/* A change goes by the name of what changes, all else by a name of its own. */
static int take_op(const json_t *root, struct cpc_api_request *request, struct cpc_error *error)
{
	const json_t *value = json_object_get(root, "op");
	int what = find_name(value, "op", change_names, CPC_CHANGE_WHATS, NULL);
	int op = CPC_API_CHANGE;

	if (what < 0)
		op = find_name(value, "op", op_names, sizeof(op_names) / sizeof(op_names[0]),
			       error);
	if (op < 0)
		return -EINVAL;
	request->op = (enum cpc_api_op)op;
	if (what >= 0)
		request->change.what = (enum cpc_change_what)what;
	return 0;
}

static int parse(const json_t *root, struct cpc_api_request *request, struct cpc_error *error)
{
	memset(request, 0, sizeof(*request));
	if (!json_is_object(root)) {
		cpc_error_set(error, "a request is a JSON object");
		return -EINVAL;
	}
	if (take_op(root, request, error) < 0)
		return -EINVAL;
	switch (request->op) {
	case CPC_API_STATUS:
	case CPC_API_CELL:
	case CPC_API_STATS:
	case CPC_API_PROPOSALS:
	case CPC_API_BPF:
	case CPC_API_BPF_DETACH:
	case CPC_API_CHANGE_STATE:
		return 0;
	case CPC_API_CHANGE:
		return parse_change(root, &request->change, error);
	case CPC_API_LOG:
		return parse_log(root, request, error);
	case CPC_API_SUBMIT:
		return parse_submit(root, request, error);
	case CPC_API_VERDICT:
		return parse_verdict(root, request, error);
	case CPC_API_PROPOSE:
		return parse_propose(root, request, error);
	case CPC_API_PROPOSAL:
		return parse_proposal(root, request, error);
	case CPC_API_BPF_POLICY:
		return parse_policy(root, request, error);
	}
	return -EINVAL;
}

int cpc_api_request_parse(const char *line, size_t len, struct cpc_api_request *ret_request,
			  struct cpc_error *error)
{
	struct cpc_api_request request;
	json_error_t bad;
	json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &bad);
	int r;

	if (!root) {
		cpc_error_set(error, "not JSON: %.120s at byte %d", bad.text, bad.position);
		return -EINVAL;
	}
	r = parse(root, &request, error);
	json_decref(root);
	if (r == 0)
		*ret_request = request;
	return r;
}
