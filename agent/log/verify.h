/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * verify.h - does a decision follow from the log so far?
 *
 *   tip (slot, log hash, last value, per lane: seq, head)
 *     | decision: entries chain from each lane's head to the new one
 *     |           value = digest of (slot, tip's value, the new heads, accepted bits); void: tip's
 *     v           log hash = hash of (tip's log hash, slot, value, all heads)
 *   next tip
 *
 * Whoever delivers a decision (the kernel, a peer, the disk) is believed only in so far as the log
 * hash it leads to is: everything else follows from that hash. That the hash itself is the cell's
 * is for others to establish (the kernel decided it, or f+1 members claim it).
 */
#ifndef CPC_AGENT_LOG_VERIFY_H
#define CPC_AGENT_LOG_VERIFY_H

#include "agent/log/decision.h"
#include "agent/util/error.h"

struct cpc_log_tip {
	unsigned int n;
	struct cpc_hash members;	/* digest of the member set */
	u32 slot;
	u32 end;			/* the epoch's last slot, 0: no change of members yet */
	struct cpc_hash log_hash;	/* slot 0: `members` */
	struct cpc_digest value;	/* of the last slot that is not void; zero before */
	u32 seq[CPC_MEMBERS_MAX];	/* per lane, 0: nothing decided yet */
	struct cpc_digest head[CPC_MEMBERS_MAX];
};

/* The tip of an empty log. */
void cpc_log_tip_init(struct cpc_log_tip *tip, unsigned int n, const struct cpc_hash *members);

/*
 * Checks @decision against @tip and gives the tip after it; @ret_next may be @tip itself. Returns
 * 0, -ENOENT if it is not the slot after the tip, or -EBADMSG with a text that names slot and lane.
 */
int cpc_log_verify(const struct cpc_log_tip *tip, const struct cpc_log_decision *decision,
		   struct cpc_log_tip *ret_next, struct cpc_error *error);

/* SHA-256 (FIPS 180-4), by OpenSSL; a cpc_hash_fn. */
void cpc_sha256(const void *data, size_t len, u8 out[CPC_HASH_BYTES]);

/* The digest of a member set, as CPC_A_MEMBERS_DIGEST of the kernel. */
void cpc_members_digest(u16 cell, u16 epoch, u8 mac_id, const uint8_t (*node_id)[32],
			unsigned int n, struct cpc_hash *ret_digest);
/* The same of an epoch that follows one which ended at slot @base with @base_log_hash; 0, NULL. */
void cpc_members_digest_after(u16 cell, u16 epoch, u8 mac_id, const uint8_t (*node_id)[32],
			      unsigned int n, u32 base, const struct cpc_hash *base_log_hash,
			      struct cpc_hash *ret_digest);

#endif
