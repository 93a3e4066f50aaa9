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
	size_t len;			/* of the element, with tags and footer */
	struct cpc_header header;
	struct cpc_cell *cell;		/* NULL until known */
};

static void drop(const struct arrival *a, enum cpc_nl_counter reason)
{
	struct cpc_cell *cell;

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
	u32 len = a->skb->len;

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
	/* In a frame of its own an element is alone; anything else there is not ours. */
	return !a->standalone || a->len == len;
}

/* Reads the header and finds the cell. */
static bool identify(struct arrival *a)
{
	u8 buffer[CPC_ELEMENT_HEADER_BYTES];
	struct cpc_cell *cell;
	struct cpc_reader r;
	const u8 *header;

	header = skb_header_pointer(a->skb, a->skb->len - a->len, sizeof(buffer), buffer);
	if (!header)
		return false;
	r = cpc_reader_init(header, sizeof(buffer));
	cpc_header_read(&r, &a->header);
	if (a->header.version != CPC_ELEMENT_VERSION) {
		drop(a, CPC_N_DROP_VERSION);
		return false;
	}
	list_for_each_entry_rcu(cell, &a->iface->cells, in_iface) {
		if (cell->id == a->header.cell) {
			a->cell = cell;
			return true;
		}
	}
	drop(a, CPC_N_DROP_CELL);
	return false;
}

/* Header and sections in one piece, or NULL. */
static const u8 *element_bytes(const struct arrival *a)
{
	if (skb_is_nonlinear(a->skb)) {
		/* Rare, and then small: a broadcast of at most one MTU. */
		if (skb_shared(a->skb) || skb_linearize(a->skb))
			return NULL;
	}
	return a->skb->data + a->skb->len - a->len;
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
static void deliver(const struct arrival *a, const u8 *data)
{
	struct cpc_cell *cell = a->cell;
	struct cpc_event event = {
		.type = CPC_EV_ELEMENT,
		.element = { .data = data, .len = a->len - cpc_element_trailer(cell->n) },
	};
	int err;

	spin_lock_bh(&cell->lock);
	err = cell->running ? cpc_cell_step(cell, &event) : -ENETDOWN;
	if (!err)
		ether_addr_copy(cell->peer[a->header.sender].address, eth_hdr(a->skb)->h_source);
	spin_unlock_bh(&cell->lock);
	switch (err) {
	case 0:
		cpc_count(&cell->counters, CPC_N_RX_ELEMENTS);
		trace_cpchain_received(cell, a->header.sender, a->header.counter, a->len);
		break;
	case -ESTALE:
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
static bool accept(const struct arrival *a)
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
	struct arrival a = { .iface = priv, .skb = skb };
	struct cpc_cell *cell;
	bool authentic;

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
	authentic = accept(&a);
	if (a.standalone) {
		consume_skb(skb);
		return NF_STOLEN;
	}
	if (authentic && !skb_shared(skb))
		pskb_trim(skb, skb->len - a.len);
	return NF_ACCEPT;
}
