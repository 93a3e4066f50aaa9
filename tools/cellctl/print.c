// SPDX-License-Identifier: BSD-3-Clause
/* The netlink family's attributes as JSON; see attr.h. */
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>

#include "tools/cellctl/attr.h"
#include "tools/cellctl/names.h"

/* The attribute at the front of what is left, moving on; false at the end. */
static bool next(const uint8_t **at, size_t *left, uint16_t *ret_type, const uint8_t **ret_data,
		 size_t *ret_len)
{
	struct nlattr header;
	size_t padded;

	if (*left < sizeof(header))
		return false;
	memcpy(&header, *at, sizeof(header));
	if (header.nla_len < NLA_HDRLEN || header.nla_len > *left)
		return false;
	*ret_type = header.nla_type & NLA_TYPE_MASK;
	*ret_data = *at + NLA_HDRLEN;
	*ret_len = header.nla_len - (size_t)NLA_HDRLEN;
	padded = NLA_ALIGN(header.nla_len);
	padded = padded > *left ? *left : padded;
	*at += padded;
	*left -= padded;
	return true;
}

static uint64_t number(const uint8_t *data, size_t len)
{
	uint64_t value = 0;

	memcpy(&value, data, len < sizeof(value) ? len : sizeof(value));
	return value;
}

static void print_counters(FILE *out, const uint8_t *at, size_t left)
{
	const char *separator = "";
	const uint8_t *data;
	uint16_t type;
	size_t len;

	fputc('{', out);
	while (next(&at, &left, &type, &data, &len)) {
		if (type > CPC_N_MAX || !cpc_counter_names[type])
			continue;
		fprintf(out, "%s\"%s\":%llu", separator, cpc_counter_names[type],
			(unsigned long long)number(data, len));
		separator = ",";
	}
	fputc('}', out);
}

static void print_list(FILE *out, const uint8_t *at, size_t left)
{
	const char *separator = "";
	const uint8_t *data;
	uint16_t type;
	size_t len;

	fputc('[', out);
	while (next(&at, &left, &type, &data, &len)) {
		if (!type)
			continue;	/* only there so that the next one is aligned */
		fprintf(out, "%s%llu", separator, (unsigned long long)number(data, len));
		separator = ",";
	}
	fputc(']', out);
}

static void print_value(FILE *out, uint16_t type, const uint8_t *data, size_t len)
{
	size_t i;

	switch (cpc_attr_kinds[type]) {
	case CPC_ATTR_U8:
	case CPC_ATTR_U16:
	case CPC_ATTR_U32:
	case CPC_ATTR_U64:
		fprintf(out, "%llu", (unsigned long long)number(data, len));
		break;
	case CPC_ATTR_TEXT:
		fprintf(out, "\"%.*s\"", (int)strnlen((const char *)data, len), (const char *)data);
		break;
	case CPC_ATTR_FLAG:
		fputs("true", out);
		break;
	case CPC_ATTR_NEST:
		cpc_attr_print(out, data, len);
		break;
	case CPC_ATTR_COUNTERS:
		print_counters(out, data, len);
		break;
	case CPC_ATTR_LIST:
		print_list(out, data, len);
		break;
	case CPC_ATTR_HEX:
	case CPC_ATTR_NONE:
		fputc('"', out);
		for (i = 0; i < len; i++)
			fprintf(out, "%02x", data[i]);
		fputc('"', out);
		break;
	}
}

static bool repeats(uint16_t type)
{
	return type == CPC_A_MEMBER || type == CPC_A_LANE_CUT || type == CPC_A_ENTRY ||
	       type == CPC_A_POLICY || type == CPC_A_CONDITION;
}

void cpc_attr_print(FILE *out, const uint8_t *attributes, size_t len)
{
	const char *separator = "";
	const uint8_t *at = attributes, *data;
	uint16_t type, before = 0;
	size_t left = len, value_len;

	fputc('{', out);
	/* Repeated attributes come in a row, so an array stays open as long as the type does. */
	while (next(&at, &left, &type, &data, &value_len)) {
		if (type > CPC_A_MAX || !cpc_attr_names[type])
			continue;
		if (repeats(before) && type != before)
			fputc(']', out);
		fputs(separator, out);
		if (!repeats(type) || type != before)
			fprintf(out, "\"%s\":%s", cpc_attr_names[type], repeats(type) ? "[" : "");
		print_value(out, type, data, value_len);
		separator = ",";
		before = type;
	}
	fputs(repeats(before) ? "]}" : "}", out);
}
