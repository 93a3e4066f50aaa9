// SPDX-License-Identifier: BSD-3-Clause
/* The netlink family's attributes from text; see attr.h. */
#include "tools/cellctl/attr.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/uapi/cpchain_nl.h"
#include "tools/cellctl/names.h"

int cpc_attr_put(struct cpc_attr_message *message, uint16_t type, const void *data, size_t len)
{
	struct nlattr header = { .nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type };
	size_t padded = NLA_ALIGN(NLA_HDRLEN + len);

	if (padded > sizeof(message->bytes) - message->len)
		return -EMSGSIZE;
	memset(message->bytes + message->len, 0, padded);
	memcpy(message->bytes + message->len, &header, sizeof(header));
	if (len)
		memcpy(message->bytes + message->len + NLA_HDRLEN, data, len);
	message->len += padded;
	return 0;
}

/* Opens a nest; close_nest() with what it returned sets its length. */
static size_t open_nest(struct cpc_attr_message *message, uint16_t type)
{
	size_t at = message->len;

	return cpc_attr_put(message, type | NLA_F_NESTED, NULL, 0) == 0 ? at : SIZE_MAX;
}

static int close_nest(struct cpc_attr_message *message, size_t at)
{
	uint16_t len;

	if (at == SIZE_MAX)
		return -EMSGSIZE;
	len = (uint16_t)(message->len - at);
	memcpy(message->bytes + at + offsetof(struct nlattr, nla_len), &len, sizeof(len));
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int put_hex(struct cpc_attr_message *message, uint16_t type, const char *text,
		   struct cpc_error *error)
{
	uint8_t bytes[4096];
	size_t digits = strlen(text), i;

	if (digits % 2 || digits / 2 > sizeof(bytes)) {
		cpc_error_set(error, "'%s' is not whole bytes of hex, or too long", text);
		return -EINVAL;
	}
	for (i = 0; i < digits / 2; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			cpc_error_set(error, "'%s' is not lower-case hex", text);
			return -EINVAL;
		}
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return cpc_attr_put(message, type, bytes, digits / 2);
}

static int put_number(struct cpc_attr_message *message, uint16_t type, size_t len,
		      const char *text, struct cpc_error *error)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (*end || end == text || (len < 8 && value >> (8 * len))) {
		cpc_error_set(error, "'%s' is not a number of %zu bytes", text, len);
		return -EINVAL;
	}
	/* Netlink is in the machine's order, and our machines are little-endian. */
	return cpc_attr_put(message, type, &value, len);
}

static int put_members(struct cpc_attr_message *message, const char *text, struct cpc_error *error)
{
	size_t outer = open_nest(message, CPC_A_MEMBERS), inner;
	uint8_t node_id[32];
	int r = 0;

	while (*text && r == 0) {
		unsigned int index, seed;
		int used = 0;

		if (sscanf(text, "%u%n", &index, &used) != 1) {
			cpc_error_set(error, "members: '%s' is not INDEX[:SEED],...", text);
			return -EINVAL;
		}
		text += used;
		seed = index + 1;
		if (*text == ':')
			seed = (unsigned int)strtoul(text + 1, (char **)&text, 10);
		memset(node_id, (int)seed, sizeof(node_id));
		inner = open_nest(message, CPC_A_MEMBER);
		r = cpc_attr_put(message, CPC_A_INDEX, &(uint8_t){ (uint8_t)index }, 1);
		r = r ? r : cpc_attr_put(message, CPC_A_NODE_ID, node_id, sizeof(node_id));
		r = r ? r : close_nest(message, inner);
		text += *text == ',';
	}
	return r ? r : close_nest(message, outer);
}

static int put_lanes(struct cpc_attr_message *message, const char *text, struct cpc_error *error)
{
	size_t outer = open_nest(message, CPC_A_LANES), inner;
	int r = 0;

	while (*text && r == 0) {
		unsigned int lane, seq;
		char head[129];
		int used = 0;

		if (sscanf(text, "%u:%u:%128[0-9a-f]%n", &lane, &seq, head, &used) != 3) {
			cpc_error_set(error, "lanes: '%s' is not LANE:SEQ:HEX,...", text);
			return -EINVAL;
		}
		text += used;
		inner = open_nest(message, CPC_A_LANE_CUT);
		r = cpc_attr_put(message, CPC_A_LANE, &(uint8_t){ (uint8_t)lane }, 1);
		r = r ? r : cpc_attr_put(message, CPC_A_SEQ, &(uint32_t){ seq }, 4);
		r = r ? r : put_hex(message, CPC_A_HEAD, head, error);
		r = r ? r : close_nest(message, inner);
		text += *text == ',';
	}
	return r ? r : close_nest(message, outer);
}

static int put_interface(struct cpc_attr_message *message, const char *name,
			 struct cpc_error *error)
{
	uint32_t ifindex = if_nametoindex(name);

	if (!ifindex) {
		cpc_error_set(error, "no interface '%s'", name);
		return -ENODEV;
	}
	return cpc_attr_put(message, CPC_A_IFINDEX, &ifindex, sizeof(ifindex));
}

/* The descriptor stays open: it has to be there when the message is sent. */
static int put_program(struct cpc_attr_message *message, const char *path, struct cpc_error *error)
{
	int fd = bpf_obj_get(path);

	if (fd < 0) {
		cpc_error_set(error, "no pinned program '%s': %s", path, strerror(errno));
		return -ENOENT;
	}
	return cpc_attr_put(message, CPC_A_FD, &(uint32_t){ (uint32_t)fd }, sizeof(uint32_t));
}

static int put_named(struct cpc_attr_message *message, const char *name, const char *value,
		     struct cpc_error *error)
{
	uint16_t type = cpc_attr_number(name);

	if (!type) {
		cpc_error_set(error, "no attribute '%s'", name);
		return -EINVAL;
	}
	switch (cpc_attr_kinds[type]) {
	case CPC_ATTR_U8:
		return put_number(message, type, 1, value, error);
	case CPC_ATTR_U16:
		return put_number(message, type, 2, value, error);
	case CPC_ATTR_U32:
		return put_number(message, type, 4, value, error);
	case CPC_ATTR_U64:
		return put_number(message, type, 8, value, error);
	case CPC_ATTR_HEX:
		return put_hex(message, type, value, error);
	case CPC_ATTR_TEXT:
		return cpc_attr_put(message, type, value, strlen(value));
	case CPC_ATTR_FLAG:
		return strcmp(value, "1") == 0 ? cpc_attr_put(message, type, NULL, 0) : 0;
	case CPC_ATTR_NEST:
	case CPC_ATTR_COUNTERS:
	case CPC_ATTR_LIST:
	case CPC_ATTR_NONE:
		break;
	}
	cpc_error_set(error, "attribute '%s' cannot be given", name);
	return -EINVAL;
}

int cpc_attr_add(struct cpc_attr_message *message, const char *argument, struct cpc_error *error)
{
	const char *value = strchr(argument, '=');
	char name[32];
	size_t len;

	if (!value || (len = (size_t)(value - argument)) >= sizeof(name)) {
		cpc_error_set(error, "'%s' is not NAME=VALUE", argument);
		return -EINVAL;
	}
	memcpy(name, argument, len);
	name[len] = 0;
	value++;
	if (strcmp(name, "if") == 0)
		return put_interface(message, value, error);
	if (strcmp(name, "prog") == 0)
		return put_program(message, value, error);
	if (strcmp(name, "members") == 0)
		return put_members(message, value, error);
	if (strcmp(name, "lanes") == 0)
		return put_lanes(message, value, error);
	if (strcmp(name, "text") == 0)
		return cpc_attr_put(message, CPC_A_DATA, value, strlen(value));
	if (strncmp(name, "raw:", 4) == 0)
		return put_hex(message, (uint16_t)strtoul(name + 4, NULL, 0), value, error);
	return put_named(message, name, value, error);
}
