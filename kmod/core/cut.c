// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * cut.c - the codec and the digest of cuts (see cpchain/cut.h).
 */
#include <cpchain/cut.h>

void cpc_cut_write(struct cpc_writer *w, const struct cpc_cut *cut)
{
	unsigned int i;

	cpc_assert(cut->lanes <= CPC_CUT_LANES_MAX);
	cpc_write_le32(w, cut->slot);
	cpc_write_bytes(w, cut->parent.b, sizeof(cut->parent.b));
	cpc_write_u8(w, cut->lanes);
	for (i = 0; i < cut->lanes; i++) {
		cpc_write_u8(w, cut->lane[i].lane);
		cpc_write_le32(w, cut->lane[i].seq);
		cpc_write_le16(w, cut->lane[i].accepted);
		cpc_write_bytes(w, cut->lane[i].head.b, CPC_DIGEST_BYTES);
	}
}

int cpc_cut_read(struct cpc_reader *r, unsigned int n, struct cpc_cut *ret_cut)
{
	struct cpc_cut cut;
	unsigned int i;

	cpc_assert(n <= CPC_MEMBERS_MAX);
	memset(&cut, 0, sizeof(cut));
	cut.slot = cpc_read_le32(r);
	cpc_read_copy(r, cut.parent.b, sizeof(cut.parent.b));
	cut.lanes = cpc_read_u8(r);
	if (r->failed || cut.slot == 0 || cut.lanes > CPC_CUT_LANES_MAX)
		return -EBADMSG;
	for (i = 0; i < cut.lanes; i++) {
		struct cpc_cut_lane *lane = &cut.lane[i];

		lane->lane = cpc_read_u8(r);
		lane->seq = cpc_read_le32(r);
		lane->accepted = cpc_read_le16(r);
		cpc_read_copy(r, lane->head.b, sizeof(lane->head.b));
		if (r->failed || lane->lane >= n || lane->seq == 0)
			return -EBADMSG;
		if (i && lane->lane <= lane[-1].lane)
			return -EBADMSG;
	}
	*ret_cut = cut;
	return 0;
}

void cpc_cut_digest(cpc_hash_fn hash, const struct cpc_hash *members, const struct cpc_cut *cut,
		    struct cpc_digest *ret_digest)
{
	u8 buffer[1 + CPC_HASH_BYTES + CPC_CUT_BYTES_MAX];
	struct cpc_writer w = cpc_writer_init(buffer, sizeof(buffer));
	u8 out[CPC_HASH_BYTES];

	cpc_write_u8(&w, 'C');
	cpc_write_bytes(&w, members->b, sizeof(members->b));
	cpc_cut_write(&w, cut);
	cpc_assert(!w.failed);
	hash(buffer, w.used, out);
	memcpy(ret_digest->b, out, sizeof(ret_digest->b));
}
