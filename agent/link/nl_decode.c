// SPDX-License-Identifier: BSD-3-Clause
#include "agent/link/nl_decode.h"

#include <errno.h>
#include <netlink/attr.h>
#include <string.h>

#include <cpchain/lane.h>

#define FIXED(bytes) { .type = NLA_UNSPEC, .minlen = (bytes), .maxlen = (bytes) }

/* libnl checks lengths by this; numbers of another width would be read wrong otherwise. */
static const struct nla_policy policy[CPC_A_MAX + 1] = {
	[CPC_A_CELL] = FIXED(2),
	[CPC_A_EPOCH] = FIXED(2),
	[CPC_A_IFINDEX] = FIXED(4),
	[CPC_A_IFNAME] = { .type = NLA_STRING, .maxlen = 16 },
	[CPC_A_SELF] = FIXED(1),
	[CPC_A_MEMBERS] = { .type = NLA_UNSPEC },
	[CPC_A_MEMBER] = { .type = NLA_UNSPEC },
	[CPC_A_INDEX] = FIXED(1),
	[CPC_A_NODE_ID] = FIXED(32),
	[CPC_A_KEY] = FIXED(16),
	[CPC_A_KEY_ID] = FIXED(8),
	[CPC_A_PACING] = FIXED(1),
	[CPC_A_PERIOD_US] = FIXED(4),
	[CPC_A_DEFAULT_VERDICT] = FIXED(1),
	[CPC_A_KIND] = FIXED(1),
	[CPC_A_DATA] = { .type = NLA_UNSPEC, .maxlen = CPC_ENTRY_DATA_MAX },
	[CPC_A_LANE] = FIXED(1),
	[CPC_A_SEQ] = FIXED(4),
	[CPC_A_FROM] = FIXED(4),
	[CPC_A_HEAD] = FIXED(16),
	[CPC_A_VERDICT] = FIXED(1),
	[CPC_A_SLOT] = FIXED(4),
	[CPC_A_VIEW] = FIXED(1),
	[CPC_A_LOG_HASH] = { .type = NLA_UNSPEC, .minlen = 8, .maxlen = 32 },
	[CPC_A_PREV_LOG_HASH] = FIXED(32),
	[CPC_A_VALUE] = FIXED(16),
	[CPC_A_ACCEPTED] = FIXED(2),
	[CPC_A_ENTRY] = { .type = NLA_UNSPEC, .minlen = 1, .maxlen = CPC_BODY_MAX },
	[CPC_A_COUNTER] = FIXED(4),
	[CPC_A_UP] = FIXED(1),
	[CPC_A_COUNTERS] = { .type = NLA_UNSPEC },
	[CPC_A_MEMBERS_DIGEST] = FIXED(32),
	[CPC_A_MAC] = { .type = NLA_STRING, .maxlen = 32 },
	[CPC_A_MAC_ID] = FIXED(1),
	[CPC_A_ADDRESS] = FIXED(6),
	[CPC_A_PROG_ID] = FIXED(4),
	[CPC_A_FAILED] = FIXED(8),
	[CPC_A_RUN_NS] = FIXED(8),
	[CPC_A_RUN_MAX_NS] = FIXED(8),
	[CPC_A_YES] = FIXED(8),
	[CPC_A_NO] = FIXED(8),
	[CPC_A_BASE] = FIXED(4),
	[CPC_A_END] = FIXED(4),
	[CPC_A_WHY] = { .type = NLA_UNSPEC, .maxlen = CPC_MEMBERS_MAX },
};

static int parse(const void *attrs, size_t len, struct nlattr *ret_attrs[CPC_A_MAX + 1])
{
	if (len > INT32_MAX)
		return -EBADMSG;
	return nla_parse(ret_attrs, CPC_A_MAX, (struct nlattr *)attrs, (int)len, policy) < 0 ?
		       -EBADMSG : 0;
}

static int parse_nested(const struct nlattr *nest, struct nlattr *ret_attrs[CPC_A_MAX + 1])
{
	return parse(nla_data(nest), (size_t)nla_len(nest), ret_attrs);
}

static bool have(struct nlattr *const *attrs, const u8 *types)
{
	for (; *types; types++)
		if (!attrs[*types])
			return false;
	return true;
}

/* ---- a cell ---------------------------------------------------------------------------------- */

static int decode_member(const struct nlattr *nest, struct cpc_link_cell *cell, u64 *given)
{
	static const u8 needed[] = { CPC_A_INDEX, CPC_A_NODE_ID, 0 };
	struct nlattr *attrs[CPC_A_MAX + 1];
	u8 index;

	if (nla_type(nest) != CPC_A_MEMBER)
		return 0;
	if (parse_nested(nest, attrs) < 0 || !have(attrs, needed))
		return -EBADMSG;
	index = nla_get_u8(attrs[CPC_A_INDEX]);
	if (index >= CPC_MEMBERS_MAX || *given & 1ULL << index)
		return -EBADMSG;
	*given |= 1ULL << index;
	memcpy(cell->node_id[index], nla_data(attrs[CPC_A_NODE_ID]), 32);
	if (attrs[CPC_A_KEY_ID]) {
		cell->has_key[index] = true;
		memcpy(cell->key_id[index], nla_data(attrs[CPC_A_KEY_ID]), 8);
	}
	/* The filter is told both: one without the other says nothing. */
	if (attrs[CPC_A_COUNTER] && attrs[CPC_A_ADDRESS]) {
		cell->heard[index] = true;
		cell->newest[index] = nla_get_u32(attrs[CPC_A_COUNTER]);
		memcpy(cell->address[index], nla_data(attrs[CPC_A_ADDRESS]), 6);
	}
	cell->n++;
	return 0;
}

static int decode_members(struct nlattr *members, struct cpc_link_cell *cell)
{
	struct nlattr *nest;
	u64 given = 0;
	int left;

	nla_for_each_nested(nest, members, left)
		if (decode_member(nest, cell, &given) < 0)
			return -EBADMSG;
	/* indices 0..n-1 */
	if (cell->n < CPC_MEMBERS_FEW || (cell->n < 64 && given != (1ULL << cell->n) - 1))
		return -EBADMSG;
	return 0;
}

static u64 get_u64(const struct nlattr *attr)
{
	u64 number = 0;

	if (attr)	/* of eight bytes, as checked; aligned to four */
		memcpy(&number, nla_data(attr), sizeof(number));
	return number;
}

/* A nest of u64, the attribute @first being the first number; 0 pads. Others are not ours. */
static int decode_numbers(struct nlattr *nest, int first, u64 *out, int count)
{
	struct nlattr *attr;
	int left;

	nla_for_each_nested(attr, nest, left) {
		int i = nla_type(attr) - first;

		if (nla_type(attr) == 0 || i < 0 || i >= count)
			continue;
		if (nla_len(attr) != sizeof(u64))
			return -EBADMSG;
		out[i] = get_u64(attr);
	}
	return 0;
}

static void copy_string(char *out, size_t size, const struct nlattr *attr)
{
	size_t len = attr ? strnlen(nla_data(attr), (size_t)nla_len(attr)) : 0;

	if (len >= size)
		len = size - 1;
	memcpy(out, attr ? nla_data(attr) : "", len);
	out[len] = '\0';
}

int cpc_nl_decode_cell(const void *attrs, size_t len, struct cpc_link_cell *ret_cell)
{
	static const u8 needed[] = { CPC_A_CELL, CPC_A_EPOCH, CPC_A_SELF, CPC_A_MEMBERS,
				     CPC_A_SLOT, CPC_A_LOG_HASH, CPC_A_MEMBERS_DIGEST, 0 };
	struct nlattr *a[CPC_A_MAX + 1];
	struct cpc_link_cell cell;

	memset(&cell, 0, sizeof(cell));
	if (parse(attrs, len, a) < 0 || !have(a, needed) ||
	    nla_len(a[CPC_A_LOG_HASH]) != CPC_HASH_BYTES)
		return -EBADMSG;
	cell.cell = nla_get_u16(a[CPC_A_CELL]);
	cell.epoch = nla_get_u16(a[CPC_A_EPOCH]);
	cell.self = nla_get_u8(a[CPC_A_SELF]);
	cell.slot = nla_get_u32(a[CPC_A_SLOT]);
	cell.base = a[CPC_A_BASE] ? nla_get_u32(a[CPC_A_BASE]) : 0;
	cell.end = a[CPC_A_END] ? nla_get_u32(a[CPC_A_END]) : 0;
	memcpy(cell.log_hash.b, nla_data(a[CPC_A_LOG_HASH]), CPC_HASH_BYTES);
	memcpy(cell.members.b, nla_data(a[CPC_A_MEMBERS_DIGEST]), CPC_HASH_BYTES);
	copy_string(cell.ifname, sizeof(cell.ifname), a[CPC_A_IFNAME]);
	copy_string(cell.mac, sizeof(cell.mac), a[CPC_A_MAC]);
	cell.ifindex = a[CPC_A_IFINDEX] ? nla_get_u32(a[CPC_A_IFINDEX]) : 0;
	cell.mac_id = a[CPC_A_MAC_ID] ? nla_get_u8(a[CPC_A_MAC_ID]) : 0;
	cell.pacing = a[CPC_A_PACING] ? nla_get_u8(a[CPC_A_PACING]) : 0;
	cell.period_us = a[CPC_A_PERIOD_US] ? nla_get_u32(a[CPC_A_PERIOD_US]) : 0;
	cell.default_verdict =
		a[CPC_A_DEFAULT_VERDICT] ? nla_get_u8(a[CPC_A_DEFAULT_VERDICT]) : 0;
	cell.slow_first_view = a[CPC_A_SLOW_FIRST_VIEW];
	if (decode_members(a[CPC_A_MEMBERS], &cell) < 0 || cell.self >= cell.n)
		return -EBADMSG;
	if (a[CPC_A_COUNTERS] &&
	    decode_numbers(a[CPC_A_COUNTERS], 0, cell.counter, CPC_N_MAX + 1) < 0)
		return -EBADMSG;
	/* The own lane starts with the cell, so its length is the number of submissions. */
	cell.own_seq = a[CPC_A_SEQ] ? nla_get_u32(a[CPC_A_SEQ]) :
				      (u32)cell.counter[CPC_N_SUBMITTED];
	*ret_cell = cell;
	return 0;
}

/* ---- answers and events ---------------------------------------------------------------------- */

int cpc_nl_decode_submitted(const void *attrs, size_t len, u8 *ret_lane, u32 *ret_seq)
{
	static const u8 needed[] = { CPC_A_LANE, CPC_A_SEQ, 0 };
	struct nlattr *a[CPC_A_MAX + 1];

	if (parse(attrs, len, a) < 0 || !have(a, needed))
		return -EBADMSG;
	*ret_lane = nla_get_u8(a[CPC_A_LANE]);
	*ret_seq = nla_get_u32(a[CPC_A_SEQ]);
	return 0;
}

static int decode_question(struct nlattr *const *a, struct cpc_link_event *event)
{
	static const u8 needed[] = { CPC_A_LANE, CPC_A_SEQ, CPC_A_HEAD, CPC_A_KIND, CPC_A_DATA, 0 };

	if (!have(a, needed))
		return -EBADMSG;
	event->lane = nla_get_u8(a[CPC_A_LANE]);
	event->seq = nla_get_u32(a[CPC_A_SEQ]);
	event->kind = nla_get_u8(a[CPC_A_KIND]);
	memcpy(event->head.b, nla_data(a[CPC_A_HEAD]), sizeof(event->head.b));
	event->data = nla_data(a[CPC_A_DATA]);
	event->len = (size_t)nla_len(a[CPC_A_DATA]);
	return event->lane < CPC_MEMBERS_MAX ? 0 : -EBADMSG;
}

int cpc_nl_decode_event(u8 command, const void *attrs, size_t len,
			struct cpc_link_event *ret_event)
{
	static const u8 needed[][4] = {
		[CPC_C_EV_DECIDED] = { CPC_A_CELL, CPC_A_SLOT, CPC_A_LOG_HASH },
		[CPC_C_EV_VIEW] = { CPC_A_CELL, CPC_A_SLOT, CPC_A_VIEW },
		[CPC_C_EV_EVIDENCE] = { CPC_A_CELL, CPC_A_INDEX, CPC_A_COUNTER },
		[CPC_C_EV_BEHIND] = { CPC_A_CELL, CPC_A_SLOT, CPC_A_LOG_HASH },
		[CPC_C_EV_QUESTION] = { CPC_A_CELL, CPC_A_LANE, CPC_A_SEQ },
		[CPC_C_EV_CELL] = { CPC_A_CELL, CPC_A_EPOCH, CPC_A_UP },
	};
	struct nlattr *a[CPC_A_MAX + 1];
	struct cpc_link_event event;

	memset(&event, 0, sizeof(event));
	if (command < CPC_C_EV_DECIDED || command > CPC_C_EV_CELL)
		return -EOPNOTSUPP;
	if (parse(attrs, len, a) < 0 || !have(a, needed[command]))
		return -EBADMSG;
	event.type = (enum cpc_nl_command)command;
	event.cell = nla_get_u16(a[CPC_A_CELL]);
	if (a[CPC_A_SLOT])
		event.slot = nla_get_u32(a[CPC_A_SLOT]);
	if (a[CPC_A_END])
		event.end = nla_get_u32(a[CPC_A_END]);
	if (a[CPC_A_VIEW])
		event.view = nla_get_u8(a[CPC_A_VIEW]);
	if (a[CPC_A_LOG_HASH])
		memcpy(event.log_hash, nla_data(a[CPC_A_LOG_HASH]), sizeof(event.log_hash));
	if (a[CPC_A_INDEX])
		event.index = nla_get_u8(a[CPC_A_INDEX]);
	if (a[CPC_A_COUNTER])
		event.counter = nla_get_u32(a[CPC_A_COUNTER]);
	if (a[CPC_A_EPOCH])
		event.epoch = nla_get_u16(a[CPC_A_EPOCH]);
	if (a[CPC_A_UP])
		event.up = nla_get_u8(a[CPC_A_UP]);
	if (command == CPC_C_EV_QUESTION && decode_question(a, &event) < 0)
		return -EBADMSG;
	*ret_event = event;
	return 0;
}

/* ---- policies and conditions ----------------------------------------------------------------- */

static int decode_policy(const struct nlattr *nest, struct cpc_link_policies *policies)
{
	static const u8 needed[] = { CPC_A_KIND, CPC_A_WORDS, CPC_A_REASONS, 0 };
	struct nlattr *a[CPC_A_MAX + 1];
	struct cpc_link_policy *p;
	u8 kind;

	if (nla_type(nest) != CPC_A_POLICY)
		return 0;
	if (parse_nested(nest, a) < 0 || !have(a, needed))
		return -EBADMSG;
	kind = nla_get_u8(a[CPC_A_KIND]);
	if (kind == CPC_ENTRY_ORDINARY || kind > CPC_ENTRY_BY_ALL || policies->kind[kind].given)
		return -EBADMSG;
	p = &policies->kind[kind];
	p->given = true;
	p->prog_id = a[CPC_A_PROG_ID] ? nla_get_u32(a[CPC_A_PROG_ID]) : 0;
	p->failed = get_u64(a[CPC_A_FAILED]);
	p->run_ns = get_u64(a[CPC_A_RUN_NS]);
	p->run_max_ns = get_u64(a[CPC_A_RUN_MAX_NS]);
	if (decode_numbers(a[CPC_A_WORDS], 1, p->words, __CPC_POLICY_WORD_MAX) < 0)
		return -EBADMSG;
	return decode_numbers(a[CPC_A_REASONS], 1, p->reasons, __CPC_REASON_MAX);
}

int cpc_nl_decode_policies(const void *attrs, size_t len, struct cpc_link_policies *ret_policies)
{
	struct cpc_link_policies policies;
	struct nlattr *a[CPC_A_MAX + 1], *nest;
	int left;

	memset(&policies, 0, sizeof(policies));
	if (parse(attrs, len, a) < 0 || !a[CPC_A_POLICIES])
		return -EBADMSG;
	nla_for_each_nested(nest, a[CPC_A_POLICIES], left)
		if (decode_policy(nest, &policies) < 0)
			return -EBADMSG;
	*ret_policies = policies;
	return 0;
}

static int decode_condition(const struct nlattr *nest, struct cpc_link_conditions *conditions)
{
	static const u8 needed[] = { CPC_A_KIND, CPC_A_SEQ, CPC_A_HEAD, CPC_A_YES, CPC_A_NO, 0 };
	struct nlattr *a[CPC_A_MAX + 1];
	struct cpc_link_condition *c;
	bool *given;

	if (parse_nested(nest, a) < 0 || !have(a, needed))
		return -EBADMSG;
	given = a[CPC_A_OPEN] ? &conditions->has_open : &conditions->has_decided;
	c = a[CPC_A_OPEN] ? &conditions->open : &conditions->decided;
	if (*given)
		return -EBADMSG;
	*given = true;
	c->kind = nla_get_u8(a[CPC_A_KIND]);
	c->seq = nla_get_u32(a[CPC_A_SEQ]);
	memcpy(c->head.b, nla_data(a[CPC_A_HEAD]), sizeof(c->head.b));
	c->yes = get_u64(a[CPC_A_YES]);
	c->no = get_u64(a[CPC_A_NO]);
	if (a[CPC_A_WHY])
		memcpy(c->why, nla_data(a[CPC_A_WHY]), (size_t)nla_len(a[CPC_A_WHY]));
	return c->kind == CPC_ENTRY_ORDINARY || c->kind >= __CPC_ENTRY_KINDS || c->seq == 0 ||
	       c->yes & c->no ? -EBADMSG : 0;
}

int cpc_nl_decode_conditions(const void *attrs, size_t len,
			     struct cpc_link_conditions *ret_conditions)
{
	struct cpc_link_conditions conditions;
	const struct nlattr *nest;
	int left;

	memset(&conditions, 0, sizeof(conditions));
	if (len > INT32_MAX)
		return -EBADMSG;
	nla_for_each_attr(nest, (struct nlattr *)attrs, (int)len, left)
		if (nla_type(nest) == CPC_A_CONDITION && decode_condition(nest, &conditions) < 0)
			return -EBADMSG;
	*ret_conditions = conditions;
	return 0;
}

/* ---- decisions ------------------------------------------------------------------------------- */

enum { BODIES_MAX = CPC_CUT_LANES_MAX * CPC_LOG_ENTRIES_MAX * CPC_BODY_MAX };

void cpc_assembler_init(struct cpc_assembler *assembler)
{
	memset(assembler, 0, sizeof(*assembler));
	assembler->bodies = cpc_buffer_init(BODIES_MAX);
}

void cpc_assembler_done(struct cpc_assembler *assembler)
{
	cpc_buffer_done(&assembler->bodies);
}

/* Starts anew with the parts that all messages of a slot repeat. */
static int begin(struct cpc_assembler *as, struct nlattr *const *a)
{
	uint8_t *all;

	memset(&as->decision, 0, sizeof(as->decision));
	as->decision.slot = nla_get_u32(a[CPC_A_SLOT]);
	as->decision.is_void = a[CPC_A_VOID];
	memcpy(as->decision.value.b, nla_data(a[CPC_A_VALUE]), CPC_DIGEST_BYTES);
	memcpy(as->decision.log_hash.b, nla_data(a[CPC_A_LOG_HASH]), CPC_HASH_BYTES);
	/* Taken whole once, so that it does not move while bodies are pointed to. */
	if (as->bodies.size < BODIES_MAX) {
		if (cpc_buffer_extend(&as->bodies, BODIES_MAX - as->bodies.len, &all) < 0)
			return -ENOMEM;
	}
	cpc_buffer_truncate(&as->bodies, 0);
	return 0;
}

static int add_entry(struct cpc_assembler *as, struct cpc_log_lane *lane,
		     const struct nlattr *attr)
{
	struct cpc_log_entry *entry;
	struct cpc_entry decoded;
	uint8_t *copy;

	if (cpc_entry_split(nla_data(attr), (size_t)nla_len(attr), CPC_MEMBERS_MAX,
			    &decoded) < 0 ||
	    decoded.seq < lane->from || decoded.seq > lane->seq)
		return -EBADMSG;
	entry = &lane->entry[decoded.seq - lane->from];
	if (entry->body)
		return -EBADMSG;
	if (cpc_buffer_extend(&as->bodies, (size_t)nla_len(attr), &copy) < 0)
		return -EBADMSG;
	memcpy(copy, nla_data(attr), (size_t)nla_len(attr));
	entry->body = copy;
	entry->len = (size_t)nla_len(attr);
	return 0;
}

/* The lane's place in the decision: the last one if it was begun before, else a new one. */
static struct cpc_log_lane *place_lane(struct cpc_log_decision *d, struct nlattr *const *a)
{
	struct cpc_log_lane *last = d->lanes ? &d->lane[d->lanes - 1] : NULL, *lane;
	u8 number = nla_get_u8(a[CPC_A_LANE]);
	u32 from = nla_get_u32(a[CPC_A_FROM]), seq = nla_get_u32(a[CPC_A_SEQ]);

	if (last && last->lane == number)
		return last->from == from && last->seq == seq ? last : NULL;
	if (d->lanes == CPC_CUT_LANES_MAX || number >= CPC_MEMBERS_MAX ||
	    (last && number < last->lane) || from == 0 || seq < from ||
	    seq - from >= CPC_LOG_ENTRIES_MAX)
		return NULL;
	lane = &d->lane[d->lanes++];
	lane->lane = number;
	lane->from = from;
	lane->seq = seq;
	lane->accepted = a[CPC_A_ACCEPTED] ? nla_get_u16(a[CPC_A_ACCEPTED]) : 0;
	memcpy(lane->head.b, nla_data(a[CPC_A_HEAD]), sizeof(lane->head.b));
	return lane;
}

static int add_lane(struct cpc_assembler *as, const struct nlattr *nest)
{
	static const u8 needed[] = { CPC_A_LANE, CPC_A_FROM, CPC_A_SEQ, CPC_A_HEAD, 0 };
	struct nlattr *a[CPC_A_MAX + 1];
	struct cpc_log_lane *lane;
	struct nlattr *attr;
	int left;

	if (nla_type(nest) != CPC_A_LANE_CUT)
		return 0;
	if (parse_nested(nest, a) < 0 || !have(a, needed))
		return -EBADMSG;
	lane = place_lane(&as->decision, a);
	if (!lane)
		return -EBADMSG;
	nla_for_each_nested(attr, nest, left)
		if (nla_type(attr) == CPC_A_ENTRY && add_entry(as, lane, attr) < 0)
			return -EBADMSG;
	return 0;
}

static bool complete(const struct cpc_log_decision *d)
{
	unsigned int i;
	u32 k;

	for (i = 0; i < d->lanes; i++)
		for (k = 0; k <= d->lane[i].seq - d->lane[i].from; k++)
			if (!d->lane[i].entry[k].body)
				return false;
	return !d->is_void || d->lanes == 0;
}

static int add(struct cpc_assembler *as, const void *attrs, size_t len)
{
	static const u8 needed[] = { CPC_A_SLOT, CPC_A_VALUE, CPC_A_LOG_HASH, 0 };
	struct nlattr *a[CPC_A_MAX + 1], *nest;
	int left;

	if (parse(attrs, len, a) < 0 || !have(a, needed) ||
	    nla_len(a[CPC_A_LOG_HASH]) != CPC_HASH_BYTES || nla_get_u32(a[CPC_A_SLOT]) == 0)
		return -EBADMSG;
	if (!as->open) {
		if (begin(as, a) < 0)
			return -ENOMEM;
	} else if (as->decision.slot != nla_get_u32(a[CPC_A_SLOT]) ||
		   memcmp(as->decision.value.b, nla_data(a[CPC_A_VALUE]), CPC_DIGEST_BYTES) != 0) {
		return -EBADMSG;
	}
	if (a[CPC_A_LANES])
		nla_for_each_nested(nest, a[CPC_A_LANES], left)
			if (add_lane(as, nest) < 0)
				return -EBADMSG;
	as->open = a[CPC_A_MORE];
	if (as->open)
		return 0;
	return complete(&as->decision) ? 1 : -EBADMSG;
}

int cpc_assembler_add(struct cpc_assembler *assembler, const void *attrs, size_t len)
{
	int r = add(assembler, attrs, len);

	if (r < 0)
		assembler->open = false;
	return r;
}
