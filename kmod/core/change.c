// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * change.c - the codec and the arithmetic of member set changes; knows nothing of cores.
 */
#include <cpchain/change.h>
#include <cpchain/cursor.h>
#include <cpchain_element.h>

static u64 all_members(unsigned int n)
{
	return n < 64 ? ((u64)1 << n) - 1 : ~(u64)0;
}

static bool same_node(const struct cpc_member_change *c, unsigned int i, unsigned int k)
{
	return memcmp(c->node_id + i * CPC_NODE_ID_BYTES, c->node_id + k * CPC_NODE_ID_BYTES,
		      CPC_NODE_ID_BYTES) == 0;
}

static bool possible(const struct cpc_member_change *c, unsigned int n)
{
	unsigned int next, i, k;

	if (c->leaving & ~all_members(n))
		return false;
	if (c->split && cpc_count_bits(c->leaving) < CPC_MEMBERS_FEW)
		return false;
	next = cpc_change_members(c, n, false);
	/* Nobody stays: all of them go to the cell that is named. */
	if (next == 0 && c->split)
		return true;
	if (next < CPC_MEMBERS_FEW || next > CPC_MEMBERS_MAX)
		return false;
	for (i = 0; i < c->joining; i++)
		for (k = 0; k < i; k++)
			if (same_node(c, i, k))
				return false;
	return true;
}

int cpc_change_decode(const u8 *data, size_t len, unsigned int n,
		      struct cpc_member_change *ret_change)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_member_change c;
	u8 version;

	cpc_assert(n >= 1 && n <= CPC_MEMBERS_MAX);
	version = cpc_read_u8(&r);
	c.joining = cpc_read_u8(&r);
	c.split = cpc_read_le16(&r);
	c.leaving = cpc_read_le64(&r);
	c.node_id = cpc_read_bytes(&r, (size_t)c.joining * CPC_NODE_ID_BYTES);
	if (r.failed || r.left || version != CPC_CHANGE_VERSION || !possible(&c, n))
		return -EBADMSG;
	*ret_change = c;
	return 0;
}

int cpc_change_encode(const struct cpc_member_change *change, u8 *out, size_t size)
{
	struct cpc_writer w = cpc_writer_init(out, size);

	cpc_write_u8(&w, CPC_CHANGE_VERSION);
	cpc_write_u8(&w, change->joining);
	cpc_write_le16(&w, change->split);
	cpc_write_le64(&w, change->leaving);
	if (change->joining)
		cpc_write_bytes(&w, change->node_id,
				(size_t)change->joining * CPC_NODE_ID_BYTES);
	return w.failed ? -EMSGSIZE : (int)w.used;
}

unsigned int cpc_change_members(const struct cpc_member_change *change, unsigned int n,
				bool split_off)
{
	unsigned int leaving = cpc_count_bits(change->leaving);

	return split_off ? leaving : n - leaving + change->joining;
}

unsigned int cpc_change_origin(const struct cpc_member_change *change, unsigned int n,
			       bool split_off, unsigned int index)
{
	u64 from = split_off ? change->leaving : all_members(n) & ~change->leaving;
	unsigned int i, place = 0;

	cpc_assert(index < cpc_change_members(change, n, split_off));
	for (i = 0; i < n; i++)
		if (from >> i & 1 && place++ == index)
			return i;
	return n + index - place;
}
