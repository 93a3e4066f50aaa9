// SPDX-License-Identifier: GPL-2.0-only
/*
 * netlink_log.c - the decided log, from the ring.
 *
 * A decision may need more room than a message has, so it is told in as many as it takes, all but
 * the last marked MORE. Where the dump stands (slot, lane, entry) is kept between calls; if the
 * ring has moved past it meanwhile, or the cell is another one, the dump ends with an error and
 * the agent asks again from what it has.
 *
 *   DECIDED_GET: SLOT LOG_HASH VALUE [VOID | LANES{LANE_CUT{.. ENTRY ENTRY} LANE_CUT{..}}] [MORE]
 */
#include "netlink.h"

#include <net/sock.h>

#include "cell.h"
#include "compat.h"

/* In cb->ctx. */
struct position {
	u64 born;	/* the cell; 0: the request is not checked yet */
	u16 cell;
	u16 epoch;
	u32 slot;	/* being told, all before it are */
	u32 lane;	/* lanes told completely */
	u32 entry;	/* entries told of the next one */
	u32 entry_at;	/* and where the next of them is */
};

static struct position *position(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct position) > sizeof(cb->ctx));
	return (struct position *)cb->ctx;
}

/* Enough for a decision's head, a lane's head and the largest entry. */
enum { MESSAGE_BYTES_MIN = 4 * 1024 };

int cpc_nl_decided_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = MESSAGE_BYTES_MIN;
	return 0;
}

/*
 * Checks the request, when the first message is asked for: 6.1 gives a dump's start no extack to
 * say what was wrong.
 */
static int begin(struct netlink_callback *cb, struct net *net, struct position *p)
{
	struct nlattr **attrs = cpc_dump_attrs(cb);
	struct cpc_cell *cell;
	u32 slot, oldest;
	int err;

	err = cpc_nl_cell(net, attrs, cb->extack, &cell);
	if (err)
		return err;
	spin_lock_bh(&cell->lock);
	oldest = cell->ring.base + 1;
	spin_unlock_bh(&cell->lock);
	err = cpc_nl_number(attrs, cb->extack, CPC_A_SLOT, 0, U32_MAX - 1, &slot);
	if (!err && slot + 1 < oldest)
		err = cpc_refuse(cb->extack, attrs[CPC_A_SLOT], -ENODATA,
				 "slot %u is not kept any more, the oldest is %u; ask a peer",
				 slot + 1, oldest);
	if (!err)
		*p = (struct position){ .born = cell->born, .cell = cell->id,
					 .epoch = cell->epoch, .slot = slot + 1 };
	cpc_cell_put(cell);
	return err;
}

/* Every put leaves room for MORE, so that a message can always be ended. */
static bool has_room(const struct sk_buff *skb, int bytes)
{
	return skb_tailroom(skb) >= bytes + nla_total_size(0);
}

static int lane_head_bytes(void)
{
	return nla_total_size(0) + nla_total_size(sizeof(u8)) + 2 * nla_total_size(sizeof(u32)) +
	       nla_total_size(sizeof(struct cpc_digest)) + nla_total_size(sizeof(u16));
}

static int put_lane_head(struct sk_buff *skb, const struct cpc_decided_lane *cut)
{
	int err;

	err = nla_put_u8(skb, CPC_A_LANE, cut->lane);
	err = err ?: nla_put_u32(skb, CPC_A_FROM, cut->from);
	err = err ?: nla_put_u32(skb, CPC_A_SEQ, cut->seq);
	err = err ?: nla_put(skb, CPC_A_HEAD, sizeof(cut->head), &cut->head);
	return err ?: nla_put_u16(skb, CPC_A_ACCEPTED, cut->accepted);
}

/* Tells the entries of @lane from p->entry on. Returns 1 when the message is full, 0 at the end. */
static int put_entries(struct sk_buff *skb, const struct cpc_ring_lane *lane, struct position *p)
{
	while (p->entry < cpc_cut_entries(&lane->cut)) {
		u32 at = p->entry_at;
		u16 len;
		const u8 *entry = cpc_ring_entry_next(lane, &at, &len);

		if (entry) {
			if (!has_room(skb, nla_total_size(len)))
				return 1;
			if (nla_put(skb, CPC_A_ENTRY, len, entry))
				return -EMSGSIZE;
		}
		p->entry++;
		p->entry_at = at;
	}
	p->lane++;
	p->entry = 0;
	p->entry_at = 0;
	return 0;
}

/* Tells the lanes of @record from p->lane on. Returns 1 when the message is full, 0 at the end. */
static int put_lanes(struct sk_buff *skb, const struct cpc_ring_record *record, struct position *p)
{
	struct nlattr *lanes = nla_nest_start(skb, CPC_A_LANES), *nest;
	const struct cpc_ring_lane *lane = NULL;
	int full = 0;
	u32 i;

	if (!lanes)
		return -EMSGSIZE;
	for (i = 0; i < record->lanes && !full; i++) {
		lane = cpc_ring_lane_next(record, lane);
		if (i < p->lane)
			continue;
		if (!has_room(skb, lane_head_bytes() + nla_total_size(CPC_BODY_MAX))) {
			full = 1;
			break;
		}
		nest = nla_nest_start(skb, CPC_A_LANE_CUT);
		if (!nest || put_lane_head(skb, &lane->cut))
			return -EMSGSIZE;
		full = put_entries(skb, lane, p);
		if (full < 0)
			return full;
		nla_nest_end(skb, nest);
	}
	nla_nest_end(skb, lanes);
	return full;
}

/* Tells as much of one decision as fits. Returns 1 if there is more of it, 0 if not. */
static int put_decision(struct sk_buff *skb, const struct cpc_ring_record *record,
			struct position *p)
{
	int more = 0, err;

	err = nla_put_u32(skb, CPC_A_SLOT, record->slot);
	err = err ?: nla_put(skb, CPC_A_LOG_HASH, sizeof(record->log_hash), &record->log_hash);
	err = err ?: nla_put(skb, CPC_A_VALUE, sizeof(record->value), &record->value);
	if (err)
		return err;
	if (record->is_void)
		return nla_put_flag(skb, CPC_A_VOID);
	more = put_lanes(skb, record, p);
	if (more > 0 && nla_put_flag(skb, CPC_A_MORE))
		return -EMSGSIZE;
	return more;
}

/* One message. Returns 1 if something of that decision is left for the next message, 0 if not. */
static int dump_decision(struct sk_buff *skb, struct netlink_callback *cb, struct cpc_cell *cell,
			 const struct cpc_ring_record *record)
{
	struct position *p = position(cb), before = *p;
	void *header;
	int err;

	/* A message that could not hold even one entry is not begun. */
	if (skb_tailroom(skb) < 1024)
		return -EMSGSIZE;
	header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &cpc_nl_family,
			     NLM_F_MULTI, CPC_C_DECIDED_GET);
	if (!header)
		return -EMSGSIZE;
	err = nla_put_u16(skb, CPC_A_CELL, cell->id);
	err = err ?: put_decision(skb, record, p);
	if (err < 0) {
		*p = before;
		genlmsg_cancel(skb, header);
		return err;
	}
	genlmsg_end(skb, header);
	return err;
}

static int dump_log(struct sk_buff *skb, struct netlink_callback *cb, struct cpc_cell *cell)
{
	struct position *p = position(cb);
	const struct cpc_ring_record *record;
	int err = 0;

	lockdep_assert_held(&cell->lock);
	while (p->slot <= cpc_ring_newest(&cell->ring)) {
		record = cpc_ring_find(&cell->ring, p->slot);
		if (!record)
			return cpc_refuse(cb->extack, NULL, -ENODATA,
					  "slot %u was pushed out while it was read; ask again",
					  p->slot);
		err = dump_decision(skb, cb, cell, record);
		if (err)
			break;
		p->slot++;
		p->lane = 0;
	}
	/* Full: what is there goes out, and the dump goes on. */
	return skb->len ? skb->len : min(err, 0);
}

int cpc_nl_decided_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);
	struct position *p = position(cb);
	struct cpc_cell *cell;
	int ret;

	ret = p->born ? 0 : begin(cb, net, p);
	if (ret)
		return ret;
	cell = cpc_cell_get(net, p->cell, p->epoch);
	if (!cell || cell->born != p->born) {
		ret = cpc_refuse(cb->extack, NULL, -ENOENT, "cell %u went away", p->cell);
		goto put;
	}
	spin_lock_bh(&cell->lock);
	ret = dump_log(skb, cb, cell);
	spin_unlock_bh(&cell->lock);
put:
	cpc_cell_put(cell);
	return ret;
}
