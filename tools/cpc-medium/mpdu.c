// SPDX-License-Identifier: BSD-3-Clause
/* mpdu.c - reads 802.11 headers (IEEE Std 802.11-2020, clause 9); see mpdu.h. */
#include "tools/cpc-medium/mpdu.h"

#include <errno.h>
#include <string.h>

#include "tools/v2xgen/big_endian.h"
#include "uapi/cpchain_element.h"

enum {
	TYPE_MANAGEMENT = 0, TYPE_DATA = 2,	/* 9.2.4.1.3 */
	SUBTYPE_QOS = 8,
	FLAG_TO_DS = 1, FLAG_FROM_DS = 2, FLAG_PROTECTED = 0x40,
	ETHERTYPE_GEONETWORKING = 0x8947,
	SNAP_BYTES = 6,
};

/* EN 302 636-4-1: 4 octets of basic header, two of the common header, then the traffic class. */
static enum cpc_ac geonetworking_ac(struct cpc_reader *r)
{
	static const enum cpc_ac classes[] = { CPC_AC_VO, CPC_AC_VI, CPC_AC_BE, CPC_AC_BK };
	unsigned int class;

	cpc_read_bytes(r, 4 + 2);
	class = cpc_read_u8(r) & 0x3f;
	return !r->failed && class < CPC_ACS ? classes[class] : CPC_AC_BE;
}

static enum cpc_ac payload_ac(struct cpc_reader *r)
{
	static const uint8_t snap[SNAP_BYTES] = { 0xaa, 0xaa, 3, 0, 0, 0 };
	const uint8_t *at = cpc_read_bytes(r, SNAP_BYTES);
	uint64_t type;

	if (!at || memcmp(at, snap, sizeof(snap)) != 0)
		return CPC_AC_BE;
	type = cpc_read_be(r, 2);
	if (r->failed)
		return CPC_AC_BE;
	if (type == CPC_ETHERTYPE_ELEMENT)
		return CPC_AC_VO;
	return type == ETHERTYPE_GEONETWORKING ? geonetworking_ac(r) : CPC_AC_BE;
}

int cpc_mpdu_parse(const void *data, size_t len, struct cpc_mpdu *ret_mpdu)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_mpdu mpdu = { .ac = CPC_AC_VO };
	uint8_t control = cpc_read_u8(&r), flags = cpc_read_u8(&r);
	unsigned int type = control >> 2 & 3;
	bool qos = type == TYPE_DATA && control >> 4 & SUBTYPE_QOS;

	cpc_read_bytes(&r, 2); /* duration */
	cpc_read_copy(&r, mpdu.to, sizeof(mpdu.to));
	cpc_read_copy(&r, mpdu.from, sizeof(mpdu.from));
	cpc_read_bytes(&r, CPC_MAC_BYTES + 2); /* third address, sequence control */
	if ((flags & (FLAG_TO_DS | FLAG_FROM_DS)) == (FLAG_TO_DS | FLAG_FROM_DS))
		cpc_read_bytes(&r, CPC_MAC_BYTES);
	if (qos)
		mpdu.ac = cpc_air_ac_of_priority(cpc_read_le16(&r) & 15);
	if (r.failed || (type != TYPE_MANAGEMENT && type != TYPE_DATA))
		return -EBADMSG;
	mpdu.group = mpdu.to[0] & 1;
	if (type == TYPE_DATA && !qos)
		mpdu.ac = flags & FLAG_PROTECTED ? CPC_AC_BE : payload_ac(&r);
	*ret_mpdu = mpdu;
	return 0;
}
