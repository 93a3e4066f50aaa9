// SPDX-License-Identifier: BSD-3-Clause
#include "agent/log/verify.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>

#include <cpchain/core.h>

void cpc_sha256(const void *data, size_t len, u8 out[CPC_HASH_BYTES])
{
	SHA256(data, len, out);
}

void cpc_members_digest(u16 cell, u16 epoch, u8 mac_id, const uint8_t (*node_id)[32],
			unsigned int n, struct cpc_hash *ret_digest)
{
	cpc_members_digest_after(cell, epoch, mac_id, node_id, n, 0, NULL, ret_digest);
}

void cpc_members_digest_after(u16 cell, u16 epoch, u8 mac_id, const uint8_t (*node_id)[32],
			      unsigned int n, u32 base, const struct cpc_hash *base_log_hash,
			      struct cpc_hash *ret_digest)
{
	u8 buffer[12 + 2 + 2 + 1 + 1 + CPC_MEMBERS_MAX * 32 + 4 + CPC_HASH_BYTES];
	struct cpc_writer w = cpc_writer_init(buffer, sizeof(buffer));

	assert(n <= CPC_MEMBERS_MAX);
	cpc_write_bytes(&w, "CPChain cell", 12);
	cpc_write_le16(&w, cell);
	cpc_write_le16(&w, epoch);
	cpc_write_u8(&w, (u8)n);
	cpc_write_u8(&w, mac_id);
	cpc_write_bytes(&w, node_id, (size_t)n * 32);
	if (base) {
		cpc_write_le32(&w, base);
		cpc_write_bytes(&w, base_log_hash->b, CPC_HASH_BYTES);
	}
	assert(!w.failed);
	cpc_sha256(buffer, w.used, ret_digest->b);
}

void cpc_log_tip_init(struct cpc_log_tip *tip, unsigned int n, const struct cpc_hash *members)
{
	assert(n <= CPC_MEMBERS_MAX);
	memset(tip, 0, sizeof(*tip));
	tip->n = n;
	tip->members = *members;
	tip->log_hash = *members;
}

/* One lane's entries chain from the tip's head to the lane's new one. */
static int verify_lane(struct cpc_log_tip *tip, const struct cpc_log_decision *decision,
		       const struct cpc_log_lane *lane, struct cpc_error *error)
{
	struct cpc_digest head;
	u32 i;

	if (lane->lane >= tip->n) {
		cpc_error_set(error, "slot %u: lane %u of a cell of %u", decision->slot, lane->lane,
			      tip->n);
		return -EBADMSG;
	}
	head = tip->head[lane->lane];
	if (lane->from != tip->seq[lane->lane] + 1 || lane->seq < lane->from ||
	    lane->seq - lane->from >= CPC_LOG_ENTRIES_MAX) {
		cpc_error_set(error, "slot %u, lane %u: entries %u to %u do not follow entry %u",
			      decision->slot, lane->lane, lane->from, lane->seq,
			      tip->seq[lane->lane]);
		return -EBADMSG;
	}
	for (i = 0; i <= lane->seq - lane->from; i++) {
		const struct cpc_log_entry *stored = &lane->entry[i];
		struct cpc_entry entry;

		if (!stored->body ||
		    cpc_entry_decode(stored->body, stored->len, tip->n, &entry) < 0 ||
		    entry.author != lane->lane || entry.seq != lane->from + i ||
		    !cpc_digest_equal(&entry.prev, &head)) {
			cpc_error_set(error,
				      "slot %u, lane %u: entry %u is malformed or not chained "
				      "to the one before",
				      decision->slot, lane->lane, lane->from + i);
			return -EBADMSG;
		}
		cpc_entry_hash(cpc_sha256, &tip->members, stored->body, stored->len, &head);
	}
	if (!cpc_digest_equal(&head, &lane->head)) {
		cpc_error_set(error,
			      "slot %u, lane %u: the entries up to %u do not hash to its head",
			      decision->slot, lane->lane, lane->seq);
		return -EBADMSG;
	}
	tip->seq[lane->lane] = lane->seq;
	tip->head[lane->lane] = head;
	return 0;
}

/* What was voted for is the digest of the cut: it also vouches for the accepted bits. */
static void cut_digest(const struct cpc_log_tip *before, const struct cpc_log_decision *decision,
		       struct cpc_digest *ret_digest)
{
	struct cpc_cut cut = { .slot = decision->slot, .parent = before->value,
			       .lanes = decision->lanes };
	unsigned int i;

	for (i = 0; i < decision->lanes; i++) {
		cut.lane[i].lane = decision->lane[i].lane;
		cut.lane[i].accepted = decision->lane[i].accepted;
		cut.lane[i].seq = decision->lane[i].seq;
		cut.lane[i].head = decision->lane[i].head;
	}
	cpc_cut_digest(cpc_sha256, &before->members, &cut, ret_digest);
}

/* The first accepted change of members sets the epoch's last slot. */
static u32 end_after(const struct cpc_log_tip *before, const struct cpc_log_decision *decision)
{
	unsigned int i;

	for (i = 0; i < decision->lanes && !before->end; i++)
		if (decision->lane[i].accepted & CPC_ACCEPTED_CHANGE)
			return decision->slot + CPC_CHANGE_DELAY;
	return before->end;
}

static void log_hash_next(const struct cpc_log_tip *before, const struct cpc_log_decision *decision,
			  const struct cpc_log_tip *after, struct cpc_hash *ret_hash)
{
	u8 scratch[sizeof(((struct cpc_core *)NULL)->scratch)];
	struct cpc_config config = { .n = (u8)before->n, .members = before->members,
				     .hash = cpc_sha256 };

	cpc_log_hash_next(&config, scratch, &before->log_hash, decision->slot, after->end,
			  &decision->value, after->seq, after->head, ret_hash);
}

int cpc_log_verify(const struct cpc_log_tip *tip, const struct cpc_log_decision *decision,
		   struct cpc_log_tip *ret_next, struct cpc_error *error)
{
	struct cpc_log_tip next = *tip;
	struct cpc_digest value;
	struct cpc_hash hash;
	unsigned int i;
	int r;

	if (decision->slot != tip->slot + 1) {
		cpc_error_set(error, "slot %u does not follow slot %u", decision->slot, tip->slot);
		return -ENOENT;
	}
	for (i = 0; i < decision->lanes; i++) {
		r = verify_lane(&next, decision, &decision->lane[i], error);
		if (r < 0)
			return r;
	}
	if (decision->is_void)
		value = tip->value;
	else
		cut_digest(tip, decision, &value);
	if (!cpc_digest_equal(&value, &decision->value) || (decision->is_void && decision->lanes)) {
		cpc_error_set(error, "slot %u: %s", decision->slot, decision->is_void ?
			      "it is void, but brings lanes or a value" :
			      "its value is not the digest of its cut");
		return -EBADMSG;
	}
	next.end = end_after(tip, decision);
	log_hash_next(tip, decision, &next, &hash);
	if (memcmp(hash.b, decision->log_hash.b, sizeof(hash.b)) != 0) {
		cpc_error_set(error, "slot %u: its log hash does not follow from the slot before",
			      decision->slot);
		return -EBADMSG;
	}
	next.slot = decision->slot;
	next.value = decision->value;
	next.log_hash = decision->log_hash;
	*ret_next = next;
	return 0;
}
