// SPDX-License-Identifier: GPL-2.0-only
/*
 * egress.c - elements leave. Knows frames, cells and tags; nothing of netlink.
 *
 *   V2X stack --> 0x8947 / 0x88DC broadcast --> cpc_egress() --> payload | element --> radio
 *   timer ----------------------------------> cpc_egress_frame(): 0x88B5 | element --> radio
 *
 * In front of the element may go elements of other members, as the core says (core/relay.c).
 *
 * A carrier is never delayed and never dropped: whatever goes wrong, it leaves as it came. At the
 * hook the frame is Ethernet still; mac80211 turns it into 802.11 later.
 */
#include "egress.h"

#include <linux/etherdevice.h>
#include <net/sch_generic.h>

#include "cell.h"
#include "iface.h"
#include "trace.h"

/* IEEE 802.1D user priority 7, which 802.11 sends in its voice class; 256 up means "as given". */
#define PRIORITY_VOICE (256 + 7)

/* ---- making an element ----------------------------------------------------------------------- */

/* Appends the tags, by receiver's index, for everyone but ourselves. */
static void write_tags(const struct cpc_cell *cell, struct cpc_writer *w)
{
	struct cpc_mac_text text;
	unsigned int i;

	cpc_mac_text_init(&text, cell->mac, &cell->members, w->start, w->used);
	rcu_read_lock();
	for (i = 0; i < cell->n; i++) {
		const struct cpc_key *key = rcu_dereference(cell->peer[i].key);
		u8 tag[CPC_TAG_BYTES] = { 0 };

		if (i == cell->self)
			continue;
		/* Without a key (yet) that member finds no tag; the others lose nothing. */
		if (key && cpc_mac_tag(key, i, &text, tag))
			memset(tag, 0, sizeof(tag));
		cpc_write_bytes(w, tag, sizeof(tag));
	}
	rcu_read_unlock();
}

/* Only the bare protocol is held against the limits of size: data may be as large as it is. */
static void count_element(struct cpc_cell *cell, size_t len)
{
	struct cpc_counters *c = &cell->counters;
	const struct cpc_effects *e = &cell->effects;

	cpc_count_many(c, CPC_N_ELEMENT_BYTES, len);
	cpc_count_max(c, CPC_N_ELEMENT_MAX, len);
	if (e->element_idle)
		cpc_count_max(c, CPC_N_ELEMENT_IDLE_MAX, len);
	else if (e->element_open <= 1 && !e->element_late && !e->element_payload)
		cpc_count_max(c, CPC_N_ELEMENT_OPEN_MAX, len);
}

/* It may come back in front of another's. */
static void keep_own(struct cpc_cell *cell, size_t len)
{
	if (cell->core->hops > 1)
		cpc_relay_keep(&cell->relay, cell->self, cell->core->counter, cell->tx, len);
}

/* What the element just made wants in front of it; the bytes are cell->effects.relay_bytes. */
static void put_relays(struct cpc_cell *cell, struct sk_buff *skb)
{
	const struct cpc_kept *kept;
	unsigned int i;

	lockdep_assert_held(&cell->lock);
	for (i = 0; i < cell->n; i++) {
		if (!(cell->effects.relay >> i & 1))
			continue;
		kept = cpc_relay_find(&cell->relay, i, cell->core->member[i].counter);
		if (WARN_ON_ONCE(!kept || kept->len > skb_tailroom(skb)))
			continue;
		skb_put_data(skb, kept->data, kept->len);
		cpc_count(&cell->counters, CPC_N_RELAYS);
	}
}

/*
 * Makes an element of at most @room bytes in cell->tx. Returns its length, 0 if there is nothing to
 * say, or -ENOSPC.
 */
static int make_element(struct cpc_cell *cell, size_t room, bool standalone)
{
	size_t trailer = cpc_element_trailer(cell->n), len;
	struct cpc_event event = { .type = CPC_EV_CARRIER };
	struct cpc_writer w;
	int err;

	lockdep_assert_held(&cell->lock);
	if (!atomic_read(&cell->keys))
		return 0;
	room = min_t(size_t, room, sizeof(cell->tx));
	if (room < CPC_ELEMENT_HEADER_BYTES + trailer)
		return -ENOSPC;
	event.carrier.data = cell->tx;
	event.carrier.room = room - trailer;
	event.carrier.standalone = standalone;
	err = cpc_cell_step(cell, &event);
	if (err)
		return err;
	len = cell->effects.element_len;
	if (!len || WARN_ON_ONCE(len > event.carrier.room))
		return 0;
	w = cpc_writer_init(cell->tx, sizeof(cell->tx));
	w.used = len;
	write_tags(cell, &w);
	cpc_element_write_footer(&w, len + trailer);
	if (WARN_ON_ONCE(w.failed || w.used != len + trailer))
		return 0;
	count_element(cell, w.used);
	keep_own(cell, w.used);
	trace_cpchain_sent(cell, w.used, standalone);
	return w.used;
}

/* Bytes behind the Ethernet header that a frame may have. */
static size_t frame_max(const struct net_device *dev)
{
	return min_t(size_t, READ_ONCE(dev->mtu), CPC_ELEMENT_MAX);
}

/* ---- carriers -------------------------------------------------------------------------------- */

static bool is_carrier(const struct ethhdr *header)
{
	return is_multicast_ether_addr(header->h_dest) &&
	       (header->h_proto == htons(CPC_ETHERTYPE_GEONET) ||
		header->h_proto == htons(CPC_ETHERTYPE_WSMP));
}

/*
 * Puts the element of @len bytes in cell->tx behind the frame, whoever else looks at its memory:
 * fragments (a packet socket's ring is the sender's memory) are pulled in, and a clone gets memory
 * of its own.
 */
static int append(struct cpc_cell *cell, struct sk_buff *skb, unsigned int len)
{
	unsigned int before = skb->len, all = len + cell->effects.relay_bytes;
	int missing, err;

	err = skb_linearize(skb);
	if (err)
		return err;
	missing = max_t(int, 0, (int)all - skb_tailroom(skb));
	if (missing || skb_cloned(skb)) {
		err = pskb_expand_head(skb, 0, missing, GFP_ATOMIC);
		if (err)
			return err;
	}
	put_relays(cell, skb);
	skb_put_data(skb, cell->tx, len);
	/* Counted before the hook ran. */
	qdisc_skb_cb(skb)->pkt_len += skb->len - before;
	return 0;
}

/* Returns whether the carrier now has the cell's element. */
static bool use_carrier(struct cpc_cell *cell, struct sk_buff *skb)
{
	size_t limit = frame_max(skb->dev), payload = skb->len - ETH_HLEN;
	int len;

	/* A frame that somebody else holds too must not change under him. */
	if (payload >= limit || skb_shared(skb) || skb_is_gso(skb)) {
		cpc_count(&cell->counters, CPC_N_CARRIERS_FULL);
		return false;
	}
	spin_lock_bh(&cell->lock);
	len = cell->running ? make_element(cell, limit - payload, false) : 0;
	if (len == -ENOSPC)
		cpc_count(&cell->counters, CPC_N_CARRIERS_FULL);
	if (len > 0 && append(cell, skb, len))
		len = 0;
	spin_unlock_bh(&cell->lock);
	if (len <= 0)
		return false;
	cpc_count(&cell->counters, CPC_N_CARRIERS_USED);
	return true;
}

/*
 * The frame has room for one element: the cells of the interface take turns, and one that has
 * nothing to say, or too much, passes its turn on.
 */
static void carry(struct cpc_iface *iface, struct sk_buff *skb)
{
	unsigned int cells = 0, i, turn;
	struct cpc_cell *cell;

	list_for_each_entry_rcu(cell, &iface->cells, in_iface) {
		cpc_count(&cell->counters, CPC_N_CARRIERS_SEEN);
		cells++;
	}
	turn = cells > 1 ? (unsigned int)atomic_inc_return(&iface->turn) % cells : 0;
	for (i = 0; i < cells; i++) {
		unsigned int at = 0;

		list_for_each_entry_rcu(cell, &iface->cells, in_iface) {
			if (at++ != (turn + i) % cells)
				continue;
			if (use_carrier(cell, skb))
				return;
			break;
		}
	}
}

/* Every frame of the interface comes by, our own ones among them. */
unsigned int cpc_egress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct cpc_iface *iface = priv;
	const struct ethhdr *header;
	struct ethhdr eth;

	header = skb_header_pointer(skb, 0, sizeof(eth), &eth);
	if (!header)
		return NF_ACCEPT;
	if (is_carrier(header))
		carry(iface, skb);
	if (skb->dev->ieee80211_ptr)
		cpc_meter_add(&iface->meter, skb, skb->len - ETH_HLEN,
			      is_multicast_ether_addr(header->h_dest));
	return NF_ACCEPT;
}

/* ---- frames of our own ----------------------------------------------------------------------- */

struct sk_buff *cpc_egress_frame(struct cpc_cell *cell)
{
	struct net_device *dev = cell->iface->dev;
	unsigned int all;
	struct sk_buff *skb;
	int len;

	lockdep_assert_held(&cell->lock);
	cell->send_due = false;
	len = make_element(cell, frame_max(dev), true);
	if (len <= 0)
		return NULL;
	all = len + cell->effects.relay_bytes;
	skb = alloc_skb(LL_RESERVED_SPACE(dev) + all + dev->needed_tailroom, GFP_ATOMIC);
	if (!skb)
		return NULL;
	skb_reserve(skb, LL_RESERVED_SPACE(dev));
	skb_reset_network_header(skb);
	put_relays(cell, skb);
	skb_put_data(skb, cell->tx, len);
	skb->dev = dev;
	skb->protocol = htons(CPC_ETHERTYPE_ELEMENT);
	skb->priority = PRIORITY_VOICE;
	if (dev_hard_header(skb, dev, CPC_ETHERTYPE_ELEMENT, dev->broadcast, dev->dev_addr,
			    skb->len) < 0) {
		kfree_skb(skb);
		return NULL;
	}
	skb_reset_mac_header(skb);
	cpc_count(&cell->counters, CPC_N_EXTRA_FRAMES);
	return skb;
}
