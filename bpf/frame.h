/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h - what a V2X frame says of itself: lengths, class, sender's time. Pure: it reads the
 * first CPC_HEAD_BYTES of a frame, already copied to where they can be read, and touches nothing
 * else. The filter, the stamp and the unit tests in user space compile this same text.
 *
 *   Ethernet 14 | GN basic 4 | common 8 | extended 24..48 | BTP 4 | station id ... | trailing
 *               |-- EN 302 636-4-1 V1.4.1 clause 9 ----->|<----- PL octets ---->|
 *               | WSMP: version 1, [extensions], TPID 1, PSID 1..4, length 1..2 | data | trailing
 *
 * Structure is judged, meaning is not: a position beyond the pole is the V2X stack's to refuse, and
 * a version, header type or wrapping that we cannot read is *unjudged*, never malformed. Octets
 * behind what a protocol claims are legal everywhere; that is where an element rides.
 */
#ifndef CPC_BPF_FRAME_H
#define CPC_BPF_FRAME_H

#include "bpf/filter.h"
#include "uapi/cpchain_element.h"

#define CPC_INLINE static inline __attribute__((always_inline))

enum {
	CPC_ETHERNET_BYTES = 14,
	CPC_HEAD_BYTES = 128,	/* a power of two: offsets are masked, as a verifier likes it */
	CPC_GN_COMMON = CPC_ETHERNET_BYTES + 4,
	CPC_GN_EXTENDED = CPC_GN_COMMON + 8,
	CPC_WSMP_EXTENSIONS = 6, /* more header extensions than that leave a WSM unjudged */
};

struct cpc_frame {
	__u16 protocol;		/* EtherType, host order */
	__u8 class;		/* enum cpc_frame_class */
	__u8 judgement;		/* CPC_F_PASSED, _UNJUDGED, or why it is dropped */
	__u16 end;		/* where the protocol's own octets end; 0: unknown */
	__u16 port;		/* BTP destination port; 0: none */
	__u32 station;		/* ITS station id of a facilities message; 0: none */
	__u32 sent_ms;		/* GeoNetworking time of the source position, 9.5.2, if has_sent */
	__u8 has_sent;
	__u8 standalone;	/* EtherType 0x88B5 */
};

/* The element's own order, whatever the machine's. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define cpc_le16(x) ((__u16)(x))
#define cpc_le32(x) ((__u32)(x))
#else
#define cpc_le16(x) __builtin_bswap16((x))
#define cpc_le32(x) __builtin_bswap32((x))
#endif

CPC_INLINE __u32 cpc_head8(const __u8 *head, __u32 at)
{
	return head[at & (CPC_HEAD_BYTES - 1)];
}

CPC_INLINE __u32 cpc_head16(const __u8 *head, __u32 at)
{
	return cpc_head8(head, at) << 8 | cpc_head8(head, at + 1);
}

CPC_INLINE __u32 cpc_head32(const __u8 *head, __u32 at)
{
	return cpc_head16(head, at) << 16 | cpc_head16(head, at + 2);
}

/* What lies where in an extended header, EN 302 636-4-1 9.8; 0 octets: not one we know. */
struct cpc_gn_layout {
	__u8 octets;
	__u8 position;	/* of the source's long position vector in it */
	__u8 payload;	/* carries an upper layer's packet */
};

CPC_INLINE struct cpc_gn_layout cpc_gn_layout(__u32 type, __u32 subtype)
{
	struct cpc_gn_layout none = { 0 };

	switch (type) {
	case 1: /* BEACON, 9.8.6 */
		return subtype == 0 ? (struct cpc_gn_layout){ 24, 0, 0 } : none;
	case 2: /* GUC, 9.8.2 */
		return subtype == 0 ? (struct cpc_gn_layout){ 48, 4, 1 } : none;
	case 3: /* GAC, 9.8.5: circle, rectangle, ellipse */
	case 4: /* GBC */
		return subtype <= 2 ? (struct cpc_gn_layout){ 44, 4, 1 } : none;
	case 5: /* TSB: single hop 9.8.4, multi hop 9.8.3 */
		if (subtype == 0)
			return (struct cpc_gn_layout){ 28, 0, 1 };
		return subtype == 1 ? (struct cpc_gn_layout){ 28, 4, 1 } : none;
	case 6: /* LS: request 9.8.7, reply 9.8.8 */
		if (subtype == 0)
			return (struct cpc_gn_layout){ 36, 4, 0 };
		return subtype == 1 ? (struct cpc_gn_layout){ 48, 4, 0 } : none;
	default: /* 0: any, 9.7.4; the others are reserved */
		return none;
	}
}

/* EN 302 636-5-1 clause 7: BTP-A has its destination port first as BTP-B does. */
CPC_INLINE void cpc_btp_parse(const __u8 *head, __u32 have, __u32 at, struct cpc_frame *f)
{
	f->class = CPC_CLASS_BTP;
	f->port = cpc_head16(head, at);
	if (f->port == 2001)
		f->class = CPC_CLASS_CAM;
	else if (f->port == 2002)
		f->class = CPC_CLASS_DENM;
	/* TS 103 248 ports of messages that begin with an ItsPduHeader (TS 102 894-2): version 1,
	 * message id 1, station id 4. */
	if (f->port >= 2001 && f->port <= 2020 && at + 10 <= have && at + 10 <= f->end)
		f->station = cpc_head32(head, at + 6);
}

CPC_INLINE void cpc_geonet_parse(const __u8 *head, __u32 have, __u32 len, __u32 sdu_max,
				struct cpc_frame *f)
{
	struct cpc_gn_layout layout;
	__u32 next, payload, body;

	f->class = CPC_CLASS_GEONET;
	if (have < CPC_GN_COMMON) {
		f->judgement = CPC_F_TRUNCATED;
		return;
	}
	/* 9.6.2: another version; 9.6.3: NH 2 is a secured packet (its length is in TS 103 097's
	 * encoding), 0 unspecified, the rest reserved. None of them is ours to judge. */
	if (cpc_head8(head, CPC_ETHERNET_BYTES) != 0x11) {
		f->judgement = CPC_F_UNJUDGED;
		if ((cpc_head8(head, CPC_ETHERNET_BYTES) & 15) == 2)
			f->class = CPC_CLASS_SECURED;
		return;
	}
	if (have < CPC_GN_EXTENDED) {
		f->judgement = CPC_F_TRUNCATED;
		return;
	}
	next = cpc_head8(head, CPC_GN_COMMON) >> 4;
	layout = cpc_gn_layout(cpc_head8(head, CPC_GN_COMMON + 1) >> 4,
			       cpc_head8(head, CPC_GN_COMMON + 1) & 15);
	if (!layout.octets) {
		f->judgement = CPC_F_UNJUDGED;
		return;
	}
	/* 10.3.5 step 1: more hops left than there were at most: discard. */
	if (cpc_head8(head, CPC_ETHERNET_BYTES + 3) > cpc_head8(head, CPC_GN_COMMON + 6)) {
		f->judgement = CPC_F_HOPS;
		return;
	}
	payload = cpc_head16(head, CPC_GN_COMMON + 4);
	body = CPC_GN_EXTENDED + layout.octets;
	if (payload > sdu_max) {
		f->judgement = CPC_F_OVERSIZED;
		return;
	}
	if (body + payload > len) {
		f->judgement = CPC_F_TRUNCATED;
		return;
	}
	f->end = body + payload;
	f->sent_ms = cpc_head32(head, CPC_GN_EXTENDED + layout.position + 8);
	f->has_sent = 1;
	if (!layout.payload || (next != 1 && next != 2))
		return;
	if (payload < 4) {
		f->judgement = CPC_F_MALFORMED;
		return;
	}
	cpc_btp_parse(head, have, body, f);
}

/* IEEE 1609.3-2016 8.1.3: a length or count in one octet, or two that begin with the bits 10. */
struct cpc_wsmp_length {
	__u32 value;
	__u32 octets;	/* 0: reserved encoding */
};

CPC_INLINE struct cpc_wsmp_length cpc_wsmp_length(const __u8 *head, __u32 at)
{
	__u32 first = cpc_head8(head, at);
	struct cpc_wsmp_length length = { first, 1 };

	if (first < 0x80)
		return length;
	length.value = cpc_head16(head, at) & 0x3fff;
	length.octets = first < 0xc0 ? 2 : 0;
	return length;
}

/* Where the extension elements end (8.1.1: id, length, data); 0: beyond what we look at. */
CPC_INLINE __u32 cpc_wsmp_extensions(const __u8 *head, __u32 have, __u32 at)
{
	__u32 count = cpc_head8(head, at), i;

	if (count > CPC_WSMP_EXTENSIONS)
		return 0;
	at++;
	for (i = 0; i < CPC_WSMP_EXTENSIONS; i++) {
		struct cpc_wsmp_length length;

		if (i >= count)
			break;
		if (at + 3 > have)
			return 0;
		length = cpc_wsmp_length(head, at + 1);
		if (!length.octets)
			return 0;
		at += 1 + length.octets + length.value;
		if (at >= have || at >= CPC_HEAD_BYTES)
			return 0;
	}
	return at;
}

/* 4.1.2, p-encoding: the leading ones of the first octet count those that follow. 0: reserved. */
CPC_INLINE __u32 cpc_psid_octets(__u32 first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0)
		return 2;
	if (first < 0xe0)
		return 3;
	return first < 0xf0 ? 4 : 0;
}

/* IEEE 1609.3-2016 8.3. */
CPC_INLINE void cpc_wsmp_parse(const __u8 *head, __u32 have, __u32 len, struct cpc_frame *f)
{
	__u32 at = CPC_ETHERNET_BYTES, first = cpc_head8(head, at), octets;
	struct cpc_wsmp_length length;

	f->class = CPC_CLASS_WSMP;
	f->judgement = CPC_F_UNJUDGED;
	if (have <= at) {
		f->judgement = CPC_F_TRUNCATED;
		return;
	}
	/* 8.3.2: another version, or a subtype that is not the null-networking one. */
	if ((first & 7) != 3 || first >> 4)
		return;
	at++;
	if (first & 8) {
		at = cpc_wsmp_extensions(head, have, at);
		if (!at)
			return;
	}
	/* TPID, PSID and length take 3 to 7 octets. */
	if (at + 3 > have) {
		f->judgement = CPC_F_TRUNCATED;
		return;
	}
	/* 8.3.3: addressed otherwise than by a PSID, or with extensions behind it. */
	if (cpc_head8(head, at))
		return;
	octets = cpc_psid_octets(cpc_head8(head, at + 1));
	at += 1 + octets;
	length = cpc_wsmp_length(head, at);
	if (at + length.octets > have) {
		f->judgement = have < CPC_HEAD_BYTES ? CPC_F_TRUNCATED : CPC_F_UNJUDGED;
		return;
	}
	if (!octets || !length.octets) {
		f->judgement = CPC_F_MALFORMED;
		return;
	}
	at += length.octets + length.value;
	f->judgement = at > len ? CPC_F_TRUNCATED : CPC_F_PASSED;
	if (at <= len)
		f->end = at;
}

/*
 * Reads a frame of @len octets, the first @have = min(len, CPC_HEAD_BYTES) of which are in @head.
 * @sdu_max is itsGnMaxSduSize and the BTP header (EN 302 636-4-1 Annex H). False: not V2X at all.
 */
CPC_INLINE int cpc_frame_parse(const __u8 *head, __u32 have, __u32 len, __u32 sdu_max,
				struct cpc_frame *f)
{
	f->protocol = have < CPC_ETHERNET_BYTES ? 0 : cpc_head16(head, 12);
	f->judgement = CPC_F_PASSED;
	switch (f->protocol) {
	case CPC_ETHERTYPE_GEONET:
		cpc_geonet_parse(head, have, len, sdu_max, f);
		return 1;
	case CPC_ETHERTYPE_WSMP:
		cpc_wsmp_parse(head, have, len, f);
		return 1;
	case CPC_ETHERTYPE_ELEMENT:
		f->class = CPC_CLASS_ELEMENT;
		f->standalone = 1;
		f->end = CPC_ETHERNET_BYTES;
		return 1;
	default:
		return 0;
	}
}

#endif
