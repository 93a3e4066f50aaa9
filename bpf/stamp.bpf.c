// SPDX-License-Identifier: GPL-2.0-only
/*
 * stamp.bpf.c - when, how long, what kind: every V2X frame as it passes TC, in both directions.
 *
 *   radio -> XDP filter -> TC ingress [stamp] -> module trims the element -> V2X stack
 *   radio <- TC egress [stamp] <- module appends the element              <- V2X stack
 *
 * So both directions see the frame as it is on the air. The programs never change or drop anything.
 * Always on: counts and air time per class, latency histograms, channel load per 100 ms. Only while
 * someone listens: a record per frame in a ring buffer, with the frame's octets if wanted.
 *
 * Channel load is what this station sent and heard, its share of the channel busy ratio (EN 302
 * 571): noise and frames that could not be decoded are the radio's to know.
 *
 * Latency by GeoNetworking's own time stamp has steps of a millisecond and is only as good as the
 * two clocks; hardware stamps, where a driver gives them, are on the host's side alone.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#include "bpf/frame.h"
#include "bpf/stamp.h"

char _license[] SEC("license") = "GPL";

#define ITS_EPOCH_TAI_MS ((1072915200ULL + 32) * 1000) /* 2004-01-01T00:00:00Z, TS 102 894-2 */
#define WILD_US (600LL * 1000 * 1000)
#define HOST_MAX_NS 1000000000ULL /* a hardware clock further off than this is not set */

const volatile struct cpc_stamp_config config = {
	.preamble_ns = 40000,
	.symbol_ns = 8000,
	.bits_per_symbol = 48,
	.service_bits = 22,
	.overhead = 24,
};

struct record {
	struct cpc_stamp stamp;
	__u8 data[CPC_STAMP_SNAP_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CPC_STAMP_RING_BYTES);
} stamps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct record);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpc_stamp_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CPC_STAMP_DIRECTIONS * __CPC_CLASS_MAX);
	__type(key, __u32);
	__type(value, struct cpc_stamp_traffic);
} traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CPC_STAMP_DIRECTIONS * __CPC_CLASS_MAX * __CPC_LATENCY_MAX);
	__type(key, __u32);
	__type(value, struct cpc_stamp_latency);
} latency SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CPC_STAMP_WINDOWS);
	__type(key, __u32);
	__type(value, struct cpc_stamp_busy);
} busy SEC(".maps");

/* Number of bits: 0 for 0, k for 2^(k-1) <= x < 2^k. */
static __always_inline __u32 bits(__u64 x)
{
	__u32 n = 0;

	if (x >> 32)
		return CPC_STAMP_BUCKETS - 1;
	if (x >> 16) {
		n += 16;
		x >>= 16;
	}
	if (x >> 8) {
		n += 8;
		x >>= 8;
	}
	if (x >> 4) {
		n += 4;
		x >>= 4;
	}
	if (x >> 2) {
		n += 2;
		x >>= 2;
	}
	n += (x >> 1) + (x > 0);
	return n;
}

/* IEEE 802.11-2020 17.4.3: TXTIME of the PPDU that carries a frame. */
static __always_inline __u64 air_time_ns(__u32 length)
{
	__u64 data_bits = config.service_bits + 8ULL * (length + config.overhead);
	__u64 per_symbol = config.bits_per_symbol;

	if (!per_symbol)
		return 0;
	return config.preamble_ns + (data_bits + per_symbol - 1) / per_symbol * config.symbol_ns;
}

static __always_inline void histogram(__u32 index, enum cpc_latency_kind kind, __s64 us)
{
	__u32 key = index * __CPC_LATENCY_MAX + kind, bucket;
	struct cpc_stamp_latency *l = bpf_map_lookup_elem(&latency, &key);

	if (!l)
		return;
	if (us < 0) {
		l->ahead++;
	} else if (us > WILD_US) {
		l->wild++;
	} else {
		bucket = bits(us);
		if (bucket < CPC_STAMP_BUCKETS)
			l->bucket[bucket]++;
		l->sum_us += us;
	}
}

/*
 * Adds to the present window. Whoever finds the window stale takes it over; what another CPU adds
 * in the few instructions before it is zeroed is lost, a frame in 100 ms at worst.
 */
static __always_inline void load_channel(__u64 tai_ns, __u64 air_ns)
{
	__u64 window = tai_ns / CPC_STAMP_WINDOW_NS;
	__u32 key = window % CPC_STAMP_WINDOWS;
	struct cpc_stamp_busy *b = bpf_map_lookup_elem(&busy, &key);
	__u64 old;

	if (!b)
		return;
	old = b->window;
	if (old != window && __sync_val_compare_and_swap(&b->window, old, window) == old) {
		b->air_ns = 0;
		b->frames = 0;
	}
	__sync_fetch_and_add(&b->air_ns, air_ns);
	__sync_fetch_and_add(&b->frames, 1);
}

/* Copies the frame behind the record. False: no room in the ring. */
static __always_inline int record(struct __sk_buff *skb, const struct cpc_stamp *stamp, __u32 snap)
{
	__u32 zero = 0, octets = skb->len, last;
	struct record *r = bpf_map_lookup_elem(&scratch, &zero);

	if (!r)
		return 0;
	r->stamp = *stamp;
	if (octets > snap)
		octets = snap;
	/* As one less it needs one bound only, and 6.1's verifier sees that it is not 0. */
	last = octets - 1;
	asm volatile("" : "+r"(last));
	octets = 0;
	if (last < CPC_STAMP_SNAP_MAX && !bpf_skb_load_bytes(skb, 0, r->data, last + 1))
		octets = last + 1;
	asm volatile("" : "+r"(octets));
	if (octets > CPC_STAMP_SNAP_MAX)
		return 0;
	r->stamp.captured = octets;
	return !bpf_ringbuf_output(&stamps, r, sizeof(r->stamp) + octets, 0);
}

static __always_inline void look(struct __sk_buff *skb, enum cpc_stamp_direction direction)
{
	__u32 have = skb->len < CPC_HEAD_BYTES ? skb->len : CPC_HEAD_BYTES, zero = 0, index;
	__u8 head[CPC_HEAD_BYTES] __attribute__((aligned(8))) = { 0 };
	struct cpc_stamp stamp = { .direction = direction };
	struct cpc_stamp_control *c;
	struct cpc_stamp_traffic *t;
	struct cpc_frame f = { 0 };
	__u64 air_ns;

	asm volatile("" : "+r"(have));
	if (have < CPC_ETHERNET_BYTES || have > CPC_HEAD_BYTES ||
	    bpf_skb_load_bytes(skb, 0, head, have) ||
	    !cpc_frame_parse(head, have, skb->len, 0xffff, &f))
		return;
	index = direction * __CPC_CLASS_MAX + f.class;
	c = bpf_map_lookup_elem(&control, &zero);
	t = bpf_map_lookup_elem(&traffic, &index);
	if (!c || !t)
		return;
	stamp.tai_ns = bpf_ktime_get_tai_ns() + c->tai_correction_ns;
	stamp.hardware_ns = skb->hwtstamp;
	stamp.ifindex = skb->ifindex;
	stamp.length = skb->len;
	stamp.class = f.class;
	air_ns = air_time_ns(skb->len);
	t->frames++;
	t->bytes += skb->len;
	t->air_ns += air_ns;
	load_channel(stamp.tai_ns, air_ns);
	if (f.has_sent) {
		__u32 now_ms = stamp.tai_ns / 1000000 - ITS_EPOCH_TAI_MS;

		histogram(index, CPC_LATENCY_AGE, (__s64)(__s32)(now_ms - f.sent_ms) * 1000 +
			  (__s64)(stamp.tai_ns / 1000 % 1000));
	}
	if (stamp.hardware_ns) {
		t->hardware++;
		if (stamp.tai_ns - stamp.hardware_ns < HOST_MAX_NS)
			histogram(index, CPC_LATENCY_HOST,
				  (stamp.tai_ns - stamp.hardware_ns) / 1000);
	}
	if (c->capture && !record(skb, &stamp, c->snap))
		t->lost++;
}

SEC("tc")
int stamp_ingress(struct __sk_buff *skb)
{
	look(skb, CPC_STAMP_RX);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int stamp_egress(struct __sk_buff *skb)
{
	look(skb, CPC_STAMP_TX);
	return TC_ACT_UNSPEC;
}
