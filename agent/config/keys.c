// SPDX-License-Identifier: BSD-3-Clause
#include "agent/config/keys.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define FIELD(member) offsetof(struct cpc_agent_config, member)
#define FIELD_BYTES(member) sizeof(((struct cpc_agent_config *)0)->member)

int cpc_config_number(const char *text, unsigned long min, unsigned long max,
		      unsigned long *ret_number)
{
	unsigned long number = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		number = number * 10 + (unsigned long)(*text - '0');
		if (number > max)
			return -EINVAL;
	}
	if (number < min)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

bool cpc_config_is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

static const char *parse_u16(const struct cpc_config_key *key, const char *value, void *field)
{
	unsigned long number;

	if (cpc_config_number(value, key->min, key->max, &number) < 0)
		return key->expect;
	*(uint16_t *)field = (uint16_t)number;
	return NULL;
}

static const char *parse_u32(const struct cpc_config_key *key, const char *value, void *field)
{
	unsigned long number;

	if (cpc_config_number(value, key->min, key->max, &number) < 0)
		return key->expect;
	*(uint32_t *)field = (uint32_t)number;
	return NULL;
}

static const char *parse_bool(const struct cpc_config_key *key, const char *value, void *field)
{
	static const char *const words[][2] = {
		{ "no", "yes" }, { "false", "true" }, { "off", "on" }, { "0", "1" }
	};
	unsigned int i, truth;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (truth = 0; truth < 2; truth++)
			if (strcasecmp(value, words[i][truth]) == 0) {
				*(bool *)field = truth;
				return NULL;
			}
	return key->expect;
}

/* A string that fits; @min is its least length. */
static const char *parse_text(const struct cpc_config_key *key, const char *value, void *field)
{
	size_t len = strlen(value);

	if (len < key->min || len >= key->max)
		return key->expect;
	memcpy(field, value, len + 1);
	return NULL;
}

/* What people and JSON can read: printable ASCII. */
static const char *parse_name(const struct cpc_config_key *key, const char *value, void *field)
{
	return cpc_config_is_printable(value) ? parse_text(key, value, field) : key->expect;
}

/* Linux names an interface with 1..15 bytes, without '/' and blanks (dev_valid_name()). */
static const char *parse_interface(const struct cpc_config_key *key, const char *value, void *field)
{
	if (!cpc_config_is_printable(value) || strpbrk(value, "/ :") ||
	    strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return key->expect;
	return parse_text(key, value, field);
}

static const char *parse_path(const struct cpc_config_key *key, const char *value, void *field)
{
	return value[0] == '/' ? parse_text(key, value, field) : key->expect;
}

static const char *const pacing_names[] = { "carrier", "early", "urgent" };
static const char *const verdict_names[] = { "no", "yes", "none" };
static const char *const admit_names[] = { "certified", "ask", "any" };

const char *cpc_pacing_name(unsigned int pacing)
{
	return pacing < 3 ? pacing_names[pacing] : "unknown";
}

const char *cpc_default_verdict_name(unsigned int verdict)
{
	return verdict < 3 ? verdict_names[verdict] : "unknown";
}

const char *cpc_admit_name(unsigned int admit)
{
	return admit < 3 ? admit_names[admit] : "unknown";
}

static const char *parse_pacing(const struct cpc_config_key *key, const char *value, void *field)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (strcmp(value, pacing_names[i]) == 0) {
			*(enum cpc_pacing *)field = (enum cpc_pacing)i;
			return NULL;
		}
	return key->expect;
}

static const char *parse_verdict(const struct cpc_config_key *key, const char *value, void *field)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (strcmp(value, verdict_names[i]) == 0) {
			*(enum cpc_default_verdict *)field = (enum cpc_default_verdict)i;
			return NULL;
		}
	return key->expect;
}

static const char *parse_admit(const struct cpc_config_key *key, const char *value, void *field)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (strcmp(value, admit_names[i]) == 0) {
			*(enum cpc_config_admit *)field = (enum cpc_config_admit)i;
			return NULL;
		}
	return key->expect;
}

static const char *parse_filter(const struct cpc_config_key *key, const char *value, void *field)
{
	static const char *const names[] = { "auto", "native", "generic", "tc", "off" };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			*(enum cpc_config_filter *)field = (enum cpc_config_filter)i;
			return NULL;
		}
	return key->expect;
}

const char *cpc_config_policy(const char *text, char ret_policy[CPC_CONFIG_PATH_MAX + 1])
{
	if (strcmp(text, "none") == 0)
		text = "";
	else if (strcmp(text, "platoon") != 0 && strcmp(text, "speed") != 0 &&
		 (text[0] != '/' || text[1] == '\0' || strlen(text) > CPC_CONFIG_PATH_MAX ||
		  !cpc_config_is_printable(text)))
		return "platoon, speed, none, or the absolute path of an object file";
	strcpy(ret_policy, text);
	return NULL;
}

static const char *parse_policy(const struct cpc_config_key *key, const char *value, void *field)
{
	(void)key;
	return cpc_config_policy(value, field);
}

#define PATH_EXPECT "an absolute path of at most 180 bytes"
#define U16_EXPECT "a number from 1 to 65535"
#define INTERFACE_EXPECT "an interface name of 1 to 15 bytes"

const struct cpc_config_key cpc_config_keys[] = {
	{ "node", "name", parse_name, FIELD(name), 1, FIELD_BYTES(name),
	  "a name of 1 to 31 printable ASCII characters", false },
	{ "node", "key", parse_path, FIELD(key_file), 2, FIELD_BYTES(key_file),
	  PATH_EXPECT, false },
	{ "node", "state", parse_path, FIELD(state_dir), 1, FIELD_BYTES(state_dir),
	  PATH_EXPECT, false },
	{ "node", "certificate", parse_path, FIELD(certificate), 2, FIELD_BYTES(certificate),
	  PATH_EXPECT, false },

	{ "cell", "id", parse_u16, FIELD(cell), 1, 65535, U16_EXPECT, true },
	{ "cell", "epoch", parse_u16, FIELD(epoch), 1, 65535, U16_EXPECT, true },
	{ "cell", "interface", parse_interface, FIELD(interface), 1, FIELD_BYTES(interface),
	  INTERFACE_EXPECT, true },
	{ "cell", "pacing", parse_pacing, FIELD(pacing), 0, 0, "carrier, early or urgent", false },
	{ "cell", "period_ms", parse_u32, FIELD(period_ms), 10, 1000,
	  "a number from 10 to 1000", false },
	{ "cell", "default_verdict", parse_verdict, FIELD(default_verdict), 0, 0,
	  "yes, no or none", false },
	{ "cell", "slow_first_view", parse_bool, FIELD(slow_first_view), 0, 0, "yes or no", false },
	{ "cell", "leave_on_stop", parse_bool, FIELD(leave_on_stop), 0, 0, "yes or no", false },
	{ "cell", "port", parse_u16, FIELD(port), 1, 65535, U16_EXPECT, false },
	{ "cell", "authority", parse_path, FIELD(authority), 2, FIELD_BYTES(authority),
	  PATH_EXPECT, false },
	{ "cell", "join", parse_bool, FIELD(join), 0, 0, "yes or no", false },
	{ "cell", "admit", parse_admit, FIELD(admit), 0, 0, "certified, ask or any", false },
	{ "cell", "evict_after_s", parse_u32, FIELD(evict_after_s), 0, 86400,
	  "a number from 0 to 86400", false },
	{ "cell", "unanimous", parse_bool, FIELD(unanimous), 0, 0, "yes or no", false },

	{ "gateway", "enabled", parse_bool, FIELD(gateway), 0, 0, "yes or no", false },
	{ "gateway", "can", parse_interface, FIELD(can), 1, FIELD_BYTES(can),
	  INTERFACE_EXPECT, false },
	{ "gateway", "dbc", parse_path, FIELD(dbc), 2, FIELD_BYTES(dbc), PATH_EXPECT, false },
	{ "gateway", "overlay", parse_path, FIELD(overlay), 2, FIELD_BYTES(overlay),
	  PATH_EXPECT, false },
	{ "gateway", "period_ms", parse_u32, FIELD(gateway_period_ms), 10, 60000,
	  "a number from 10 to 60000", false },

	{ "bpf", "filter", parse_filter, FIELD(filter), 0, 0,
	  "auto, native, generic, tc or off", false },
	{ "bpf", "stamp", parse_bool, FIELD(stamp), 0, 0, "yes or no", false },
	{ "bpf", "root", parse_path, FIELD(bpf_root), 2, FIELD_BYTES(bpf_root),
	  PATH_EXPECT, false },
	{ "bpf", "policy_all", parse_policy, FIELD(policy_all), 0, 0, NULL, false },
	{ "bpf", "policy_quorum", parse_policy, FIELD(policy_quorum), 0, 0, NULL, false },

	{ "api", "socket", parse_path, FIELD(socket), 2, FIELD_BYTES(socket),
	  "an absolute path of at most 107 bytes", false },
};
const unsigned int cpc_config_key_count = sizeof(cpc_config_keys) / sizeof(cpc_config_keys[0]);
_Static_assert(sizeof(cpc_config_keys) / sizeof(cpc_config_keys[0]) <= CPC_CONFIG_KEYS_MAX,
	       "a line number is kept for each key");
