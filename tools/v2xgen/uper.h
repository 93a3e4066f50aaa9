/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ASN.1 unaligned packed encoding (UPER, ITU-T X.691), the pieces that a CAM needs.
 *
 * UPER writes no tags and no padding: each value takes exactly the bits that its constraint leaves
 * open. INTEGER (0..3601) has 3602 values, so it is 12 bits, holding value - lower bound.
 *
 *   SEQUENCE { a INTEGER (0..3601), b BOOLEAN OPTIONAL, ... }
 *   +---+---+--------------+----+
 *   | 0 | 1 | a, 12 bits   | b  |      0: no extension additions; 1: b is present
 *   +---+---+--------------+----+
 *
 * One cursor serves both directions: the same call writes *value when the cursor encodes and
 * stores to it when it decodes. A message is then described once, and its encoder and decoder
 * cannot disagree.
 *
 * Errors stick: after the first one every call does nothing (a decoder stores the lower bound), so
 * a message is walked without a test per field and cpc_uper_finish() says how it went.
 */
#ifndef TOOLS_V2XGEN_UPER_H
#define TOOLS_V2XGEN_UPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpc_uper {
	uint8_t *out;	     /* NULL when decoding */
	const uint8_t *in;   /* NULL when encoding */
	size_t size_bits;    /* of the buffer */
	size_t used_bits;
	int error;	     /* 0, or the first error */
};

/*
 * Start encoding into @data, which is zeroed. Errors: -ENOSPC buffer too small, -ERANGE a value
 * outside its constraint.
 */
void cpc_uper_encoder_init(struct cpc_uper *uper, uint8_t *data, size_t size);

/*
 * Start decoding @data. Errors: -ENODATA truncated, -EBADMSG a value outside its constraint,
 * -EOPNOTSUPP a form of the message that this program does not know (extension additions).
 */
void cpc_uper_decoder_init(struct cpc_uper *uper, const uint8_t *data, size_t size);

/* The error of the walk, or 0 with the octets used, the last one padded with zeros (X.691 11.1). */
int cpc_uper_finish(const struct cpc_uper *uper, size_t *ret_size);

/* True when the cursor decodes. */
bool cpc_uper_decodes(const struct cpc_uper *uper);

/* Set the sticky error @error unless there is one already. */
void cpc_uper_fail(struct cpc_uper *uper, int error);

/* INTEGER (min..max), X.691 11.5.6: max - min < 2^32. */
void cpc_uper_integer(struct cpc_uper *uper, int64_t *value, int64_t min, int64_t max);
void cpc_uper_int32(struct cpc_uper *uper, int32_t *value, int32_t min, int32_t max);
void cpc_uper_uint32(struct cpc_uper *uper, uint32_t *value, uint32_t min, uint32_t max);

/* BOOLEAN (X.691 12), and one bit of the bitmap of optional components (X.691 19.2). */
void cpc_uper_flag(struct cpc_uper *uper, bool *value);

/*
 * The extension bit of a SEQUENCE, CHOICE, ENUMERATED or constraint (X.691 13, 14, 19, 23). It is
 * always written as 0; a decoder that meets 1 fails with -EOPNOTSUPP.
 */
void cpc_uper_no_extension(struct cpc_uper *uper);

/* ENUMERATED or the index of a CHOICE, with @count root values and an extension marker or not. */
void cpc_uper_enumerated(struct cpc_uper *uper, int32_t *value, unsigned int count,
			 bool extensible);

/* BIT STRING (SIZE(width)), width <= 32; the named bit 0 is the most significant one of *value. */
void cpc_uper_bit_string(struct cpc_uper *uper, uint32_t *value, unsigned int width);

/* The count of SEQUENCE (SIZE(min..max)) OF, X.691 20. */
void cpc_uper_count(struct cpc_uper *uper, unsigned int *value, unsigned int min,
		    unsigned int max);

#endif
