// SPDX-License-Identifier: GPL-2.0-only
/*
 * ingress.c - elements arrive, from anybody with a radio. Knows frames, cells and tags.
 *
 *   footer -> length -> version -> cell -> epoch -> sender -> key -> MAC -> core -> trim
 *   '------- no lock, a few comparisons, nothing allocated ------'   |
 *                                             one tag, over <= 1400 bytes
 *
 * The first test that fails names the reason under which the element is counted, and ends its
 * processing; the carrier goes on untouched. The carrier is trimmed only when the element was
 * authentic, so an outsider cannot have bytes removed from a frame. Reasons that come before the
 * cell is known are counted in every cell of the interface.
 *
 * A frame that a tap shares with us is read but not trimmed: its other holder would see that.
 *
 *   carrier | A's element | B's element | C's own |   found from the end, one by one
 *
 * Only when the sender's own element was new are those in front of it looked at, and at most
 * CPC_RELAYS_MAX of them: they were sent again for members that do not hear their authors. Each is
 * tested like any other, but one that we have, byte for byte, needs no MAC. So what an outsider
 * makes up costs one MAC, as it did.
 */
#include "ingress.h"

#include <crypto/algapi.h>
#include <linux/etherdevice.h>

#include "cell.h"
#include "iface.h"
#include "trace.h"

/* An element on its way through the tests. */
struct arrival {
	struct cpc_iface *iface;
	struct sk_buff *skb;
	bool standalone;
	size_t end;			/* of the element, in the frame */
	size_t len;			/* of the element, with tags and footer */
	bool relayed;			/* in front of the element of @relayer */
	u8 relayer;
	bool fresh;			/* the core took it */
	struct cpc_header header;
	struct cpc_cell *cell;		/* NULL until known */
};

static void drop(const struct arrival *a, enum cpc_nl_counter reason)
{
	struct cpc_cell *cell;

	/* What looks like an element in front of one is a carrier's payload. */
	if (!a->cell && a->relayed)
		return;
	if (a->cell) {
		cpc_count(&a->cell->counters, reason);
		trace_cpchain_dropped(a->cell, a->header.sender, a->header.counter, reason);
		return;
	}
	list_for_each_entry_rcu(cell, &a->iface->cells, in_iface) {
		cpc_count(&cell->counters, reason);
		trace_cpchain_dropped(cell, a->header.sender, a->header.counter, reason);
	}
}

/* Finds the element's length from the end of the frame. False: there is none, or it is dropped. */
static bool locate(struct arrival *a)
{
	u8 buffer[CPC_ELEMENT_FOOTER_BYTES];
	const u8 *footer;
	u32 len = a->end;

	if (len < sizeof(buffer))
		return false;
	footer = skb_header_pointer(a->skb, len - sizeof(buffer), sizeof(buffer), buffer);
	if (!footer)
		return false;
	switch (cpc_element_footer(footer, len, &a->len)) {
	case CPC_LOCATE_NONE:
		return false;
	case CPC_LOCATE_TRUNCATED:
		drop(a, CPC_N_DROP_TRUNCATED);
		return false;
	case CPC_LOCATE_OVERSIZED:
		drop(a, CPC_N_DROP_OVERSIZED);
		return false;
	case CPC_LOCATE_VERSION:
	case CPC_LOCATE_FOUND:
		break;
	}
	return true;
}

/* Reads the header and finds the cell. */
static bool identify(struct arrival *a)
{
	u8 buffer[CPC_ELEMENT_HEADER_BYTES];
	struct cpc_cell *cell;
	struct cpc_reader r;
	const u8 *header;

	header = skb_header_pointer(a->skb, a->end - a->len, sizeof(buffer), buffer);
	if (!header)
		return false;
	r = cpc_reader_init(header, sizeof(buffer));
	cpc_header_read(&r, &a->header);
	if (a->header.version != CPC_ELEMENT_VERSION) {
		drop(a, CPC_N_DROP_VERSION);
		return false;
	}
	/* Of two epochs the one meant, or else any, which then counts it as another epoch's. */
	list_for_each_entry_rcu(cell, &a->iface->cells, in_iface) {
		if (cell->id != a->header.cell)
			continue;
		a->cell = cell;
		if (cell->epoch == a->header.epoch)
			return true;
	}
	if (!a->cell)
		drop(a, CPC_N_DROP_CELL);
	return a->cell;
}

/* Header and sections in one piece, or NULL. */
static const u8 *element_bytes(const struct arrival *a)
{
	if (skb_is_nonlinear(a->skb)) {
		/* Rare, and then small: a broadcast of at most one MTU. */
		if (skb_shared(a->skb) || skb_linearize(a->skb))
			return NULL;
	}
	return a->skb->data + a->end - a->len;
}

/* Is the element from the member it names, for us? */
static bool authenticate(const struct arrival *a, const u8 *data)
{
	const struct cpc_cell *cell = a->cell;
	size_t sections = a->len - cpc_element_trailer(cell->n);
	const u8 *tags = data + sections;
	u8 tag[CPC_TAG_BYTES];
	struct cpc_mac_text text;
	const struct cpc_key *key;

	key = rcu_dereference(cell->peer[a->header.sender].key);
	if (!key) {
		drop(a, CPC_N_DROP_NO_KEY);
		return false;
	}
	cpc_mac_text_init(&text, cell->mac, &cell->members, data, sections);
	tags += cpc_tag_index(a->header.sender, cell->self) * CPC_TAG_BYTES;
	if (cpc_mac_tag(key, cell->self, &text, tag) || crypto_memneq(tag, tags, sizeof(tag))) {
		drop(a, CPC_N_DROP_MAC);
		return false;
	}
	return true;
}

/* Hands the core an authentic element. */
static void deliver(struct arrival *a, const u8 *data)
{
	struct cpc_cell *cell = a->cell;
	struct cpc_event event = {
		.type = CPC_EV_ELEMENT,
		.element = {
			.data = data,
			.len = a->len - cpc_element_trailer(cell->n),
			.relayed = a->relayed,
			.relayer = a->relayer,
		},
	};
	u8 sender = a->header.sender;
	int err;

	spin_lock_bh(&cell->lock);
	err = cell->running ? cpc_cell_step(cell, &event) : -ENETDOWN;
	if (!err && !a->relayed)
		ether_addr_copy(cell->peer[sender].address, eth_hdr(a->skb)->h_source);
	if (!err && (cell->core->hops > 1 || cell->core->member[sender].relay))
		cpc_relay_keep(&cell->relay, sender, a->header.counter, data, a->len);
	spin_unlock_bh(&cell->lock);
	a->fresh = !err;
	switch (err) {
	case 0:
		cpc_count(&cell->counters, CPC_N_RX_ELEMENTS);
		if (a->relayed)
			cpc_count(&cell->counters, CPC_N_RX_RELAYED);
		trace_cpchain_received(cell, a->header.sender, a->header.counter, a->len);
		break;
	case -ESTALE:
		if (a->relayed)
			cpc_count(&cell->counters, CPC_N_RELAYED_KNOWN);
		else
			drop(a, CPC_N_DROP_REPLAY);
		break;
	case -EPERM:
		drop(a, CPC_N_DROP_SENDER);
		break;
	case -ENETDOWN:
		break;
	default:
		drop(a, CPC_N_DROP_MALFORMED);
		break;
	}
}

/* Returns whether the element was authentic: only then may it be removed from its carrier. */
static bool accept(struct arrival *a)
{
	const struct cpc_cell *cell = a->cell;
	const u8 *data;

	if (a->header.epoch != cell->epoch) {
		drop(a, CPC_N_DROP_EPOCH);
		return false;
	}
	if (a->header.sender >= cell->n || a->header.sender == cell->self) {
		drop(a, CPC_N_DROP_SENDER);
		return false;
	}
	if (a->len < CPC_ELEMENT_HEADER_BYTES + cpc_element_trailer(cell->n)) {
		drop(a, CPC_N_DROP_TRUNCATED);
		return false;
	}
	data = element_bytes(a);
	if (!data || !authenticate(a, data))
		return false;
	deliver(a, data);
	return true;
}

/* Do we have this very element, or is it our own that comes back? */
static bool known(const struct arrival *a)
{
	struct cpc_cell *cell = a->cell;
	const u8 *data = element_bytes(a);
	bool same;

	if (!data || a->header.sender >= cell->n)
		return false;
	spin_lock_bh(&cell->lock);
	same = cpc_relay_is(&cell->relay, a->header.sender, data, a->len);
	spin_unlock_bh(&cell->lock);
	return same;
}

/*
 * The elements in front of @own, which was new. Returns how many bytes of them, from the end on,
 * are authentic.
 */
static size_t accept_relayed(const struct arrival *own)
{
	size_t authentic = 0, end = own->end - own->len;
	bool unbroken = true;
	unsigned int i;

	for (i = 0; i < CPC_RELAYS_MAX; i++) {
		struct arrival a = {
			.iface = own->iface, .skb = own->skb, .standalone = own->standalone,
			.end = end, .relayed = true, .relayer = own->header.sender,
		};

		/* A carrier's payload is no error. */
		if (!locate(&a) || !identify(&a) || a.cell != own->cell)
			break;
		if (known(&a))
			cpc_count(&a.cell->counters, CPC_N_RELAYED_KNOWN);
		else
			unbroken = a.header.sender != a.cell->self && accept(&a) && unbroken;
		end -= a.len;
		if (unbroken)
			authentic += a.len;
	}
	return authentic;
}

static bool is_ours(const struct sk_buff *skb, bool *ret_standalone)
{
	if (skb->pkt_type != PACKET_BROADCAST && skb->pkt_type != PACKET_MULTICAST)
		return false;
	*ret_standalone = skb->protocol == htons(CPC_ETHERTYPE_ELEMENT);
	return *ret_standalone || skb->protocol == htons(CPC_ETHERTYPE_GEONET) ||
	       skb->protocol == htons(CPC_ETHERTYPE_WSMP);
}

unsigned int cpc_ingress(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct arrival a = { .iface = priv, .skb = skb, .end = skb->len };
	struct cpc_cell *cell;
	size_t authentic = 0;

	if (skb->dev->ieee80211_ptr)
		cpc_meter_add(&a.iface->meter, skb, skb->len,
			      is_multicast_ether_addr(eth_hdr(skb)->h_dest));
	if (!is_ours(skb, &a.standalone))
		return NF_ACCEPT;
	if (!a.standalone)
		list_for_each_entry_rcu(cell, &a.iface->cells, in_iface)
			cpc_count(&cell->counters, CPC_N_RX_CARRIERS);
	if (!locate(&a) || !identify(&a))
		return NF_ACCEPT;
	if (accept(&a))
		authentic = a.len;
	if (a.fresh)
		authentic += accept_relayed(&a);
	if (a.standalone) {
		consume_skb(skb);
		return NF_STOLEN;
	}
	if (authentic && !skb_shared(skb))
		pskb_trim(skb, skb->len - authentic);
	return NF_ACCEPT;
}
