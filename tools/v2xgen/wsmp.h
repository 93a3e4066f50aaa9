/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * WAVE short message protocol, version 3: IEEE 1609.3-2016 clause 8.3, and the plain wrapper of
 * IEEE 1609.2-2016 that the message of a PSID is carried in.
 *
 *   octets  1           1        1..4      1..2         length
 *         +-----------+--------+---------+------------+-----------+- - - - -
 *         | subtype 4 | TPID   | PSID    | WSM length | WSM data  | trailing
 *         | option  1 | 0: a   | p-coded |            |           | octets
 *         | version 3 | PSID   |         |            |           |
 *         +-----------+--------+---------+------------+-----------+- - - - -
 */
#ifndef TOOLS_V2XGEN_WSMP_H
#define TOOLS_V2XGEN_WSMP_H

#include <stddef.h>
#include <stdint.h>

enum {
	CPC_WSMP_ETHERTYPE = 0x88dc,
	CPC_WSMP_VERSION = 3,
	CPC_WSMP_PSID_BSM = 0x20,	/* vehicle to vehicle safety and awareness */
	CPC_WSMP_PSID_MAX = 0x1020407f, /* the largest that four octets p-encode */
	CPC_WSMP_LENGTH_MAX = 0x3fff,
};

/* Errors: -ENOSPC, -EINVAL a PSID over CPC_WSMP_PSID_MAX, -EMSGSIZE a payload too long. */
int cpc_wsmp_encode(uint32_t psid, const uint8_t *payload, size_t payload_size, uint8_t *data,
		    size_t size, size_t *ret_size);

/*
 * Decode the WSM at the start of @data; header extension elements are skipped. @ret_payload points
 * into @data; @ret_size is the length that the message claims.
 * Errors: -ENODATA shorter than it claims, -EBADMSG a wrongly encoded length or PSID, -EOPNOTSUPP
 * another version, another subtype, or addressed otherwise than by a PSID.
 */
int cpc_wsmp_decode(const uint8_t *data, size_t size, uint32_t *ret_psid,
		    const uint8_t **ret_payload, size_t *ret_payload_size, size_t *ret_size);

/*
 * Ieee1609Dot2Data with unsecured content (IEEE 1609.2-2016 6.3.2, COER): version 3, choice 0, a
 * counted octet string. Errors: -ENOSPC, -EMSGSIZE over 65535.
 */
int cpc_ieee1609_2_wrap(const uint8_t *payload, size_t payload_size, uint8_t *data, size_t size,
			size_t *ret_size);

#endif
