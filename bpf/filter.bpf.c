// SPDX-License-Identifier: GPL-2.0-only
/*
 * filter.bpf.c - the first look at what strangers send. Runs as an XDP program; where XDP is taken
 * or missing the same text runs as a TC ingress classifier, with the same maps.
 *
 *   frame -> V2X? -> structure -> lists -> rate of its source -> shared rate -> element -> stack
 *              no: pass      drop      drop               drop          drop    cut or drop
 *
 * What may be dropped. Frames whose lengths contradict themselves, which every receiver has to
 * discard; frames the agent denied; frames over a rate. Nothing a standard allows: what we cannot
 * read is passed (frame.h). A bad element never costs a carrier: the element is cut off behind the
 * carrier's own octets and the V2X stack gets its frame. Only a frame of its own goes with it.
 *
 * Stale counters without keys. A BPF program cannot check a MAC. If it remembered the highest
 * counter it saw, a stranger would claim 2^32-1 once and silence the member. So it believes two
 * things only:
 * - the floor: counters which the *module* accepted after checking the tag, copied here by the
 *   agent. Counters below are dead for the module too. Equal ones pass: two contents under one
 *   counter are evidence, and the module wants to see them.
 * - exact repetition: an element that was here before, known by (cell, epoch, sender, counter, the
 *   tag for us). Nobody can name that tag before its author sends it, and a counter is sent once,
 *   so whoever fills this memory with guesses shuts out nobody.
 *
 * Floods. A bucket per source stops one loud sender. Against many made-up addresses all *unknown*
 * sources share one small bucket, which is asked before an address costs any memory. An address is
 * known after a window in which it sent as often as a station has to and passed more than it was
 * refused; that turns round in the same way. Ten thousand made-up addresses share too few tokens to
 * get there. So during a flood the known ones go on, newcomers wait, and those that the agent
 * listed (its cell's members) share with nobody, and each may send what a channel holds: a stranger
 * can use a member's own address, and a smaller bucket would let him silence that member at little
 * cost. What he sends then is the module's to judge, which has the keys.
 *
 * Counts in sources and the buckets are plain adds: two CPUs at once may lose one, never break any.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "bpf/frame.h"

char _license[] SEC("license") = "GPL";

const volatile struct cpc_filter_config config = {
	.source = { 10000000, 500000000 },	/* 100 a second, 50 at once; DCC allows 40 */
	.newcomers = { 2000000, 400000000 },	/* 500 a second, 200 at once */
	.all = { 125000, 125000000 },		/* 8,000 a second: what a 10 MHz channel holds */
	.window_ns = 4000000000,
	.frame_max = 14 + 2304,			/* the largest MSDU, IEEE 802.11-2020 table 9-25 */
	.sdu_max = 1398 + 4,			/* itsGnMaxSduSize and a BTP header */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, __CPC_F_MAX);
	__type(key, __u32);
	__type(value, struct cpc_filter_count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CPC_FILTER_SOURCES);
	__type(key, __u64);
	__type(value, struct cpc_filter_source);
} sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CPC_FILTER_LISTED);
	__type(key, struct cpc_filter_list_key);
	__type(value, __u32);
} listed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CPC_FILTER_CELLS);
	__type(key, __u32);
	__type(value, struct cpc_filter_cell);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CPC_FILTER_REPLAYS);
	__type(key, struct cpc_filter_replay);
	__type(value, __u8);
} replays SEC(".maps");

/* A station sends at least one CAM a second (EN 302 637-2 6.1.3), hence four in a window. */
#define KNOWN_FRAMES 3

/* Shared buckets; when each is full again. */
enum {
	NEWCOMERS,
	KNOWN,
	BLAMED,	/* accounts opened for an address whose first frame is dropped anyway */
	__SHARED_MAX,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, __SHARED_MAX);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

/* One view of XDP's and TC's frames. */
struct packet {
	void *ctx;
	int is_xdp;
	__u32 len;
};

static __always_inline long load(const struct packet *p, __u32 at, void *to, __u32 size)
{
	if (p->is_xdp)
		return bpf_xdp_load_bytes(p->ctx, at, to, size);
	return bpf_skb_load_bytes(p->ctx, at, to, size);
}

static __always_inline void count(__u32 reason, __u32 bytes)
{
	struct cpc_filter_count *c = bpf_map_lookup_elem(&counts, &reason);

	if (c) {
		c->frames++;
		c->bytes += bytes;
	}
}

/* ---- rates ----------------------------------------------------------------------------------- */

/* Takes a token, or says that there is none. */
static __always_inline int take(__u64 *full_ns, const volatile struct cpc_filter_rate *rate,
				__u64 now)
{
	__u64 full = *full_ns;

	if (!rate->interval_ns)
		return 1;
	if (full < now)
		full = now;
	if (full - now > rate->burst_ns)
		return 0;
	*full_ns = full + rate->interval_ns;
	return 1;
}

static __always_inline int take_shared(__u32 which, const volatile struct cpc_filter_rate *rate,
				       __u64 now)
{
	__u64 *full = bpf_map_lookup_elem(&shared, &which);

	return !full || take(full, rate, now);
}

/* Closes a window of good or bad behaviour when it is over. */
static __always_inline void roll(struct cpc_filter_source *s, __u64 now)
{
	if (now - s->window_ns < config.window_ns)
		return;
	s->known = s->window_passed >= KNOWN_FRAMES && s->window_passed > s->window_dropped;
	s->window_ns = now;
	s->window_passed = 0;
	s->window_dropped = 0;
}

static __always_inline __u32 rate_of(struct cpc_filter_source *s, int allowed, __u64 now)
{
	if (!take(&s->full_ns, allowed ? &config.all : &config.source, now))
		return CPC_F_RATE_SOURCE;
	if (allowed)
		return CPC_F_PASSED;
	if (!s->known)
		return take_shared(NEWCOMERS, &config.newcomers, now) ? CPC_F_PASSED :
									CPC_F_RATE_NEW;
	return take_shared(KNOWN, &config.all, now) ? CPC_F_PASSED : CPC_F_RATE_ALL;
}

/* An address we have not seen: it costs memory, and the time to get it, only at a bounded rate. */
static __always_inline __u32 first_seen(__u64 mac, int allowed, __u32 judgement, __u64 now)
{
	struct cpc_filter_source s = { .window_ns = now, .frames = 1 };
	__u32 reason = judgement;

	if (reason <= CPC_F_UNJUDGED) {
		if (!allowed && !take_shared(NEWCOMERS, &config.newcomers, now))
			return CPC_F_RATE_NEW;
		s.full_ns = now + (allowed ? config.all.interval_ns :
						config.source.interval_ns);
		s.window_passed = 1;
	} else {
		if (!take_shared(BLAMED, &config.newcomers, now))
			return reason;
		s.window_dropped = 1;
	}
	s.by_reason[reason < __CPC_F_MAX ? reason : 0] = 1;
	bpf_map_update_elem(&sources, &mac, &s, BPF_ANY);
	return reason;
}

/* Keeps the sender's account, and decides by it about a frame that is otherwise in order. */
static __always_inline __u32 account(__u64 mac, int allowed, __u32 judgement)
{
	struct cpc_filter_source *s = bpf_map_lookup_elem(&sources, &mac);
	__u64 now = bpf_ktime_get_ns();
	__u32 reason = judgement, rate;

	if (!s)
		return first_seen(mac, allowed, judgement, now);
	roll(s, now);
	if (reason <= CPC_F_UNJUDGED) {
		rate = rate_of(s, allowed, now);
		if (rate != CPC_F_PASSED)
			reason = rate;
	}
	s->frames++;
	if (reason < __CPC_F_MAX)
		s->by_reason[reason]++;
	if (reason <= CPC_F_UNJUDGED)
		s->window_passed++;
	else
		s->window_dropped++;
	return reason;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* 0: on no list. A station id denied beats an address allowed, and the other way round. */
static __always_inline __u32 list_verdict(const __u8 *head, __u32 station)
{
	struct cpc_filter_list_key key = { .kind = CPC_LIST_MAC };
	__u32 *by_mac, *by_station = NULL, verdict = 0;

	__builtin_memcpy(key.id, head + 6, 6);
	by_mac = bpf_map_lookup_elem(&listed, &key);
	if (by_mac)
		verdict = *by_mac;
	if (station && verdict != CPC_LIST_DENY) {
		struct cpc_filter_list_key id = { .kind = CPC_LIST_STATION };

		__builtin_memcpy(id.id, &station, 4);
		by_station = bpf_map_lookup_elem(&listed, &id);
		if (by_station)
			verdict = *by_station;
	}
	return verdict;
}

/* ---- elements -------------------------------------------------------------------------------- */

/* An element found at the end of a frame. */
struct element {
	__u32 at;
	__u32 len;
	struct cpc_element_header header;
};

static __always_inline int is_replay(const struct packet *p, const struct element *e, __u32 n,
				     __u32 self)
{
	__u32 sender = e->header.sender, tags;
	struct cpc_filter_replay key = { .sender = sender };
	__u8 seen = 1;

	key.cell = cpc_le16(e->header.cell);
	key.epoch = cpc_le16(e->header.epoch);
	key.counter = cpc_le32(e->header.counter);
	tags = p->len - CPC_ELEMENT_FOOTER_BYTES - 8 * (n - 1);
	if (load(p, tags + 8 * (self < sender ? self : self - 1), &key.tag, 8))
		return 0;
	/* EEXIST; before 6.4 the upper half of what comes back is not defined. */
	return (int)bpf_map_update_elem(&replays, &key, &seen, BPF_NOEXIST) == -17;
}

/* Of a cell that is ours, by the order of the module's own tests. */
static __always_inline __u32 judge_member(const struct packet *p, const struct element *e,
					  const struct cpc_filter_cell *cell)
{
	__u32 sender = e->header.sender, n = cell->n;

	/* An epoch ahead of ours may have begun already: the module knows better. */
	if ((__s16)(cpc_le16(e->header.epoch) - cell->epoch) < 0)
		return CPC_F_EL_EPOCH;
	if (cpc_le16(e->header.epoch) != cell->epoch)
		return CPC_F_PASSED;
	if (sender >= n || sender >= CPC_FILTER_MEMBERS || sender == cell->self)
		return CPC_F_EL_SENDER;
	if (e->len < CPC_ELEMENT_HEADER_BYTES + 8 * (n - 1) + CPC_ELEMENT_FOOTER_BYTES)
		return CPC_F_EL_TRUNCATED;
	if (cpc_le16(e->header.flags) & ~CPC_ELEMENT_FLAGS_KNOWN)
		return CPC_F_EL_MALFORMED;
	if (cpc_le32(e->header.counter) < cell->floor[sender & (CPC_FILTER_MEMBERS - 1)])
		return CPC_F_EL_STALE;
	return is_replay(p, e, n, cell->self) ? CPC_F_EL_REPLAY : CPC_F_PASSED;
}

static __always_inline int ends_in_element(const struct packet *p, __u32 end)
{
	__le16 footer[2] = { 0 };

	return end >= CPC_ETHERNET_BYTES + CPC_ELEMENT_FOOTER_BYTES &&
	       !load(p, end - CPC_ELEMENT_FOOTER_BYTES, footer, sizeof(footer)) &&
	       cpc_le16(footer[1]) == CPC_ELEMENT_MAGIC;
}

/*
 * Looks for an element behind @end, where the carrier's own octets end. *ret_len is what to cut
 * when the verdict is bad; 0 when nobody can say where a broken element began.
 */
static __always_inline __u32 judge_element(const struct packet *p, __u32 end, int standalone,
					   __u32 *ret_len)
{
	struct element e = { 0 };
	__le16 footer[2] = { 0 };
	struct cpc_filter_cell *cell;
	__u32 id, room = p->len - end;

	*ret_len = 0;
	if (p->len < end + CPC_ELEMENT_FOOTER_BYTES)
		return CPC_F_PASSED;
	if (load(p, p->len - CPC_ELEMENT_FOOTER_BYTES, footer, sizeof(footer)) ||
	    cpc_le16(footer[1]) != CPC_ELEMENT_MAGIC)
		return CPC_F_PASSED;
	e.len = cpc_le16(footer[0]);
	if (e.len > CPC_FILTER_ELEMENT_MAX)
		return CPC_F_EL_OVERSIZED;
	if (e.len > room || e.len < CPC_ELEMENT_HEADER_BYTES + CPC_ELEMENT_FOOTER_BYTES +
				    8 * (CPC_FILTER_MEMBERS_MIN - 1))
		return CPC_F_EL_TRUNCATED;
	/* Elements of others may stand in front of it, and nothing else. */
	if (standalone && e.len != room && !ends_in_element(p, p->len - e.len))
		return CPC_F_EL_MALFORMED;
	e.at = p->len - e.len;
	if (load(p, e.at, &e.header, sizeof(e.header)) || e.header.version != CPC_ELEMENT_VERSION)
		return CPC_F_PASSED;
	id = cpc_le16(e.header.cell);
	cell = bpf_map_lookup_elem(&cells, &id);
	if (!cell)
		return CPC_F_PASSED;
	*ret_len = e.len;
	return judge_member(p, &e, cell);
}

/* ---- a frame --------------------------------------------------------------------------------- */

enum action {
	PASS,
	DROP,
	CUT,	/* *ret_cut octets off the end, then pass */
};

static __always_inline enum action judge(const struct packet *p, __u32 *ret_cut)
{
	__u32 have = p->len < CPC_HEAD_BYTES ? p->len : CPC_HEAD_BYTES;
	__u8 head[CPC_HEAD_BYTES] __attribute__((aligned(8))) = { 0 };
	struct cpc_frame f = { 0 };
	__u32 listing, reason, element;
	__u64 mac = 0;

	/* Else the compiler takes p->len for it, of which the verifier knows no bound. */
	asm volatile("" : "+r"(have));
	if (have < CPC_ETHERNET_BYTES || have > CPC_HEAD_BYTES || load(p, 0, head, have) ||
	    !cpc_frame_parse(head, have, p->len, config.sdu_max, &f)) {
		count(CPC_F_OTHER, p->len);
		return PASS;
	}
	reason = p->len > config.frame_max ? CPC_F_OVERSIZED : f.judgement;
	listing = list_verdict(head, f.station);
	if (listing == CPC_LIST_DENY)
		reason = CPC_F_DENIED;
	__builtin_memcpy(&mac, head + 6, 6);
	reason = account(mac, listing == CPC_LIST_ALLOW, reason);
	if (reason > CPC_F_UNJUDGED) {
		count(reason, p->len);
		return DROP;
	}
	/* Where the carrier's end is unknown, nothing may be taken for an element. */
	element = f.end ? judge_element(p, f.end, f.standalone, ret_cut) : CPC_F_PASSED;
	if (element > CPC_F_UNJUDGED) {
		count(element, p->len);
		if (f.standalone)
			return DROP;
		if (*ret_cut)
			return CUT;
	}
	count(reason, p->len);
	return PASS;
}

SEC("xdp")
int filter_xdp(struct xdp_md *ctx)
{
	struct packet p = { ctx, 1, ctx->data_end - ctx->data };
	__u32 cut = 0;

	switch (judge(&p, &cut)) {
	case DROP:
		return XDP_DROP;
	case CUT:
		if (!bpf_xdp_adjust_tail(ctx, -(int)cut))
			count(CPC_F_CUT, p.len - cut);
		return XDP_PASS;
	case PASS:
		break;
	}
	return XDP_PASS;
}

SEC("tc")
int filter_tc(struct __sk_buff *skb)
{
	struct packet p = { skb, 0, skb->len };
	__u32 cut = 0;

	switch (judge(&p, &cut)) {
	case DROP:
		return TC_ACT_SHOT;
	case CUT:
		if (!bpf_skb_change_tail(skb, p.len - cut, 0))
			count(CPC_F_CUT, p.len - cut);
		return TC_ACT_UNSPEC;
	case PASS:
		break;
	}
	return TC_ACT_UNSPEC;
}
