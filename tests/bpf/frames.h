/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the BPF tests, good and bad, octet by octet from the standards' figures, so that they
 * do not share a mistake with the encoders in tools/v2xgen (which the tests use beside them).
 */
#ifndef CPC_TESTS_BPF_FRAMES_H
#define CPC_TESTS_BPF_FRAMES_H

#include <stdint.h>
#include <string.h>

#include "uapi/cpchain_element.h"

struct frame {
	uint8_t data[4096];
	uint32_t len;
};

static inline void put(struct frame *f, uint64_t value, unsigned int octets)
{
	while (octets--)
		f->data[f->len++] = (uint8_t)(value >> (8 * octets));
}

static inline void put_le(struct frame *f, uint64_t value, unsigned int octets)
{
	for (unsigned int i = 0; i < octets; i++)
		f->data[f->len++] = (uint8_t)(value >> (8 * i));
}

static inline void fill(struct frame *f, uint8_t value, unsigned int octets)
{
	memset(f->data + f->len, value, octets);
	f->len += octets;
}

/* To everybody, from the locally administered address that ends in @station. */
static inline void put_ethernet(struct frame *f, uint32_t station, uint16_t protocol)
{
	f->len = 0;
	fill(f, 0xff, 6);
	put(f, 0x0200, 2);
	put(f, station, 4);
	put(f, protocol, 2);
}

/* A GeoNetworking packet; what is 0 takes the value that makes it a CAM in an SHB. */
struct gn {
	int version;		/* 9.6.2; 0: 1 */
	int basic_next;		/* 9.6.3; 0: 1, a common header; -1: 0 */
	int hops, hops_max;	/* 9.6, 9.7; 0: 1 each; -1: 0 */
	int next;		/* 9.7.4; 0: 2, BTP-B; -1: 0 */
	int type;		/* HT << 4 | HST; 0: 0x50, SHB; -1: 0 */
	int extended;		/* octets of extended header */
	int position;		/* of the source's position in it */
	int body;		/* octets of payload with BTP; 0: 60; -1: none */
	int claim;		/* PL; 0: what body is; -1: 0 */
	int port;		/* 0: 2001 */
	uint32_t station;	/* ITS station id in the facilities header */
	uint32_t sent_ms;	/* 9.5.2 TST */
	int cut;		/* octets missing at the end */
	int trailing;		/* octets beyond the packet */
};

static inline int value_or(int value, int standard)
{
	return value == 0 ? standard : value < 0 ? 0 : value;
}

static inline void put_gn(struct frame *f, uint32_t mac, const struct gn *g)
{
	int body = value_or(g->body, 60), extended = value_or(g->extended, 28);
	uint32_t at;

	put_ethernet(f, mac, CPC_ETHERTYPE_GEONET);
	put(f, (uint64_t)(value_or(g->version, 1) << 4 | value_or(g->basic_next, 1)), 1);
	put(f, 0, 1);					  /* reserved */
	put(f, 0x1a, 1);				  /* lifetime 6 s */
	put(f, (uint64_t)value_or(g->hops, 1), 1);
	put(f, (uint64_t)value_or(g->next, 2) << 4, 1);
	put(f, (uint64_t)value_or(g->type, 0x50), 1);
	put(f, 0x02, 1);				  /* traffic class */
	put(f, 0x80, 1);				  /* flags: mobile */
	put(f, (uint64_t)(g->claim ? value_or(g->claim, 0) : body), 2);
	put(f, (uint64_t)value_or(g->hops_max, 1), 1);
	put(f, 0, 1);					  /* reserved */
	at = f->len;
	fill(f, 0, (unsigned int)extended);
	for (int i = 0; i < 4 && extended >= g->position + 12; i++)
		f->data[at + (uint32_t)g->position + 8 + (uint32_t)i] =
			(uint8_t)(g->sent_ms >> (24 - 8 * i));
	at = f->len;
	if (body > 0) {
		fill(f, 0x11, (unsigned int)body);
		f->data[at] = (uint8_t)(value_or(g->port, 2001) >> 8);
		f->data[at + 1] = (uint8_t)value_or(g->port, 2001);
	}
	if (body >= 10) {
		f->data[at + 4] = 2; /* ItsPduHeader: version, message id, station id */
		f->data[at + 5] = 2;
		for (int i = 0; i < 4; i++)
			f->data[at + 6 + (uint32_t)i] = (uint8_t)(g->station >> (24 - 8 * i));
	}
	f->len -= (uint32_t)g->cut;
	fill(f, 0xa5, (unsigned int)g->trailing);
}

/* An element of the cell that the tests configure: 7, epoch 3, four members, we are member 0. */
struct element {
	int cell, epoch, sender, counter, members; /* 0: 7, 3, 1, 1000, 4; -1: 0 */
	int version;				   /* 0: 1 */
	int flags;
	int sections;				   /* octets between header and tags */
	int claim;				   /* length in the footer; 0: the true one */
	int tag;				   /* what the tags are made of */
	int magic;
};

static inline void put_element(struct frame *f, const struct element *e)
{
	uint32_t start = f->len, claim;

	put_le(f, (uint64_t)value_or(e->version, CPC_ELEMENT_VERSION), 1);
	put_le(f, (uint64_t)value_or(e->sender, 1), 1);
	put_le(f, (uint64_t)value_or(e->cell, 7), 2);
	put_le(f, (uint64_t)value_or(e->epoch, 3), 2);
	put_le(f, (uint64_t)e->flags, 2);
	put_le(f, (uint64_t)value_or(e->counter, 1000), 4);
	put_le(f, 17, 4);
	fill(f, 0x33, 8);
	fill(f, 0x44, (unsigned int)e->sections);
	for (int i = 0; i < value_or(e->members, 4) - 1; i++)
		put_le(f, (uint64_t)e->tag * 1000 + (uint64_t)i, 8);
	claim = f->len + CPC_ELEMENT_FOOTER_BYTES - start;
	put_le(f, e->claim ? (uint64_t)e->claim : claim, 2);
	put_le(f, e->magic ? (uint64_t)e->magic : CPC_ELEMENT_MAGIC, 2);
}

#endif
