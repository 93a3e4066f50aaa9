/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GeoNetworking single-hop broadcasts (SHB) over Ethernet: ETSI EN 302 636-4-1 V1.4.1, clause 9,
 * and the basic transport protocol BTP-B over it: ETSI EN 302 636-5-1 V2.2.1.
 *
 *   octets  4             8              24 + 4                      4         PL - 4
 *         +-------------+--------------+---------------------------+---------+---------+- - - -
 *         | basic       | common       | source position vector,   | BTP-B   | CAM     | trailing
 *         | header 9.6  | header 9.7   | media dependent    9.8.4  |         |         | octets
 *         +-------------+--------------+---------------------------+---------+---------+- - - -
 *                        PL = payload length                       |<------ PL ------->|
 *
 * The packet says its own length, 40 + PL. What a frame carries beyond it is no part of the packet
 * and a receiver ignores it.
 */
#ifndef TOOLS_V2XGEN_GEONET_H
#define TOOLS_V2XGEN_GEONET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CPC_GEONET_ETHERTYPE = 0x8947,
	CPC_GEONET_VERSION = 1,		/* 9.6.2: V1.3.1 and later */
	CPC_GEONET_HEADER_SIZE = 40,	/* basic + common + SHB extended header */
	CPC_GEONET_PAYLOAD_MAX = 1398,	/* itsGnMaxSduSize, Annex H */
	CPC_BTP_B_SIZE = 4,
};

enum cpc_geonet_next_header { /* 9.7.4, table of NH in the common header */
	CPC_GEONET_NEXT_ANY = 0,
	CPC_GEONET_NEXT_BTP_A = 1,
	CPC_GEONET_NEXT_BTP_B = 2,
	CPC_GEONET_NEXT_IPV6 = 3,
};

/* Limits of the position vector's packed fields, 9.5.2. */
enum {
	CPC_GEONET_SPEED_MIN = -16384, /* 0.01 m/s, 15 bits, two's complement */
	CPC_GEONET_SPEED_MAX = 16383,
	CPC_GEONET_HEADING_MAX = 3601, /* 0.1 degree; 3601 as in DE_HeadingValue: unavailable */
};

/* Long position vector, 9.5.2, with the GN_ADDR of 6.3. */
struct cpc_geonet_position {
	bool manual;		/* 6.3: M, the address was configured by hand */
	uint8_t station_type;	/* 6.3: ST, 5 bits, 5 is a passenger car */
	uint8_t mac[6];		/* 6.3: MID */
	uint32_t timestamp_ms;	/* TAI since 2004-01-01 mod 2^32, see cpc_its_time_ms() */
	int32_t latitude;	/* 1e-7 degree */
	int32_t longitude;
	bool accurate;		/* PAI */
	int16_t speed_cm_s;
	uint16_t heading;	/* 0.1 degree from north */
};

struct cpc_geonet {
	uint8_t lifetime;	/* 9.6.4: multiplier << 2 | base; base 1 is one second */
	uint8_t next_header;	/* of the payload, enum cpc_geonet_next_header */
	uint8_t traffic_class;	/* 9.7.5: store-carry-forward, channel offload, 6 bit class */
	bool mobile;		/* 9.7.3: flag bit 0, itsGnIsMobile */
	struct cpc_geonet_position source;
	uint32_t media_dependent; /* 9.8.4: for ITS-G5 channel load reports; 0 here */
};

/*
 * Milliseconds of TAI since 2004-01-01T00:00:00Z: TimestampIts (TS 102 894-2) and the GeoNetworking
 * timestamp before mod 2^32. @unix_ms counts UTC without leap seconds, as CLOCK_REALTIME does; the
 * leap seconds inserted since 2004 (5, the last at the end of 2016) are added by table. The
 * kernel's TAI clock is not used: without an NTP daemon that sets it, its offset is 0.
 */
uint64_t cpc_its_time_ms(uint64_t unix_ms);

/*
 * Write an SHB packet around @payload. Errors: -ENOSPC, -EINVAL a field that does not fit its bits,
 * -EMSGSIZE a payload over CPC_GEONET_PAYLOAD_MAX.
 */
int cpc_geonet_encode(const struct cpc_geonet *geonet, const uint8_t *payload, size_t payload_size,
		      uint8_t *data, size_t size, size_t *ret_size);

/*
 * Decode the SHB packet at the start of @data (behind the Ethernet header). @ret_payload points
 * into @data; @ret_size is the length that the packet claims, never more than @size.
 * Errors: -ENODATA shorter than it claims, -EBADMSG a field has a value that the standard excludes,
 * -EOPNOTSUPP another version, a secured packet or another packet type.
 */
int cpc_geonet_decode(const uint8_t *data, size_t size, struct cpc_geonet *ret_geonet,
		      const uint8_t **ret_payload, size_t *ret_payload_size, size_t *ret_size);

/* EN 302 636-5-1 7.3: BTP-B header, destination port and its info. */
void cpc_btp_b_encode(uint16_t port, uint16_t port_info, uint8_t data[CPC_BTP_B_SIZE]);

/* Errors: -ENODATA. */
int cpc_btp_b_decode(const uint8_t *data, size_t size, uint16_t *ret_port,
		     uint16_t *ret_port_info);

#endif
