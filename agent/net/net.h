/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_NET_H
#define CPC_AGENT_NET_NET_H

/*
 * net - the members of a cell find each other on the radio and keep one TLS session per pair.
 *
 *   member 1                                 member 3
 *      |  announcement (UDP, multicast)          |    a hint: "member 3 may be at this address"
 *      |<----------------------------------------|
 *      |  TCP connect: the lower index dials     |
 *      |---------------------------------------->|
 *      |  TLS 1.3, both with certificates        |    here trust begins: each end accepts only
 *      |<--------------------------------------->|    the key whose hash is the node id it expects
 *      |  HELLO <-> HELLO, CONFIRM <-> CONFIRM   |    the pair agrees which cell key to use
 *      |<--------------------------------------->|
 *      |  PING, PONG, FETCH, DECISIONS           |    ops->peer(up): the session serves catch-up
 *
 * Invariants:
 *  - nothing that arrives outside of an authenticated session is believed; announcements only
 *    say where to try. They are signed, so that a stranger's cannot crowd out a member's;
 *  - at most one session per pair. Only the lower index dials, and only when it has none, so a new
 *    authenticated connection proves that the old one is gone: the listener replaces it;
 *  - a cell key is installed only after both ends have said HELLO on the same session and found
 *    that their keys differ, and after the peer confirmed the same choice. If the session breaks
 *    between the two installations, the next HELLOs differ and both take that session's key;
 *  - whatever a stranger can make us hold or do is bounded in agent/net/limits.h.
 *
 * Everything runs in the caller's sd-event loop and one thread; nothing blocks, nothing logs.
 * Member indices are 0..n-1. Callbacks may call cpc_net_fetch(), cpc_net_reset() and the readers,
 * but must not free the net.
 *
 * Files: frame.c, announce.c (what is on the wire), peer.c (a session's rules), dial.c (where and
 * when to connect), tls.c (TLS in memory) and identity.c are pure; conn_io.c, net_io.c, link_io.c
 * and identity_io.c do the plumbing.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include <cpchain/limits.h>

#include "agent/net/limits.h"
#include "agent/util/buffer.h"
#include "agent/util/error.h"

#define CPC_CELL_KEY_BYTES 16
#define CPC_KEY_ID_BYTES 8

struct cpc_identity;
struct cpc_net;

/*
 * The node's P-256 private key (PEM). A missing file is created with a new key and mode 0600,
 * complete or not at all, also when two processes do so at once. Refused with a text that says
 * what to do: a file that others can read (-EACCES), another curve or kind of key (-EINVAL),
 * garbage (-EBADMSG); otherwise the system's error.
 */
int cpc_identity_load(const char *path, struct cpc_identity **ret, struct cpc_error *err);

/* SHA-256 of the DER SubjectPublicKeyInfo (RFC 5280, 4.1). */
void cpc_identity_node_id(const struct cpc_identity *identity, uint8_t ret_id[32]);
void cpc_identity_free(struct cpc_identity *identity);

/* The first 8 bytes of SHA-256("CPChain key id" | key), as in CPC_A_KEY_ID of the kernel. */
void cpc_net_key_id(const uint8_t key[16], uint8_t ret_id[8]);

struct cpc_net_config {
	sd_event *event;			/* referenced */
	const struct cpc_identity *identity;	/* must outlive the net */
	const char *ifname;			/* copied; must exist, may be down */
	uint16_t port;				/* UDP for announcements and TCP for sessions */
	uint16_t cell, epoch;
	unsigned n, self;			/* n members, we are self */
	const uint8_t (*node_id)[32];		/* n of them, copied; [self] must be our own */
};

struct cpc_net_ops {
	/* Install this pairwise key; both ends are told the same key. */
	void (*key)(void *ctx, unsigned member, const uint8_t key[16]);
	/* The id of the key in use with that member; false if there is none. Asked once for each
	 * session, before anything is agreed on it. */
	bool (*key_id)(void *ctx, unsigned member, uint8_t ret_id[8]);
	/*
	 * The member asks for decisions after that slot: append as many whole ones as fit in `out`
	 * (cpc_buffer_room(), at most CPC_NET_BLOB_MAX). Nothing appended, or a negative return,
	 * is answered with an empty blob. The member is authentic, not trusted.
	 */
	int (*serve)(void *ctx, unsigned member, uint32_t after_slot, struct cpc_buffer *out);
	/* The answer to cpc_net_fetch(); `data` is valid during the call. len 0: it has nothing. */
	void (*fetched)(void *ctx, unsigned member, const uint8_t *data, size_t len);
	/* The session with that member came up, with keys agreed, or went down. A fetch that was
	 * under way when it goes down gets no answer. */
	void (*peer)(void *ctx, unsigned member, bool up);
};

/*
 * Starts looking for the other members at once. -ENODEV: no such interface; -EADDRINUSE: the port
 * is taken; -EINVAL: a value of the configuration, named in the text; -EKEYREJECTED: node_id[self]
 * is not the identity's. An interface that is down or goes away is waited for.
 */
int cpc_net_new(const struct cpc_net_config *config, const struct cpc_net_ops *ops, void *ctx,
		struct cpc_net **ret, struct cpc_error *err);

/* Closes all sessions, without calling ops. NULL-safe; not from inside a callback. */
void cpc_net_free(struct cpc_net *net);

/*
 * Asks that member for decisions after the slot; ops->fetched or ops->peer(down) follows, never
 * from inside this call. -ENOTCONN: no session; -EBUSY: a fetch is under way; -EINVAL: no such
 * member, or ourselves.
 */
int cpc_net_fetch(struct cpc_net *net, unsigned member, uint32_t after_slot);

/* Whether the session with that member is up; false for any other index. */
bool cpc_net_is_up(const struct cpc_net *net, unsigned member);

/*
 * Closes the session with that member, if there is one, soon after the call; it is then made anew
 * and the key agreed again. For use when the kernel has lost its keys (a cell made anew).
 */
void cpc_net_reset(struct cpc_net *net, unsigned member);

/* Why a connection or session ended or was refused; the index of the failure counters. */
enum cpc_net_failure {
	CPC_NET_FAIL_CONNECT,		/* TCP: refused, unreachable, timed out */
	CPC_NET_FAIL_DEADLINE,		/* keys not agreed within CPC_NET_SESSION_DEADLINE_MS */
	CPC_NET_FAIL_TLS,		/* not TLS 1.3 with our parameters */
	CPC_NET_FAIL_OVERSIZED,		/* too many bytes before authentication */
	CPC_NET_FAIL_NO_CERTIFICATE,	/* the peer showed none */
	CPC_NET_FAIL_IDENTITY,		/* a key that is not a member's, or not the one dialled */
	CPC_NET_FAIL_DIRECTION,		/* a member that should have waited for us to dial */
	CPC_NET_FAIL_CELL,		/* the member is in another cell */
	CPC_NET_FAIL_EPOCH,		/* the member is in another epoch */
	CPC_NET_FAIL_INDEX,		/* the member says another index than its key's */
	CPC_NET_FAIL_KEY,		/* the ends do not agree on the cell key */
	CPC_NET_FAIL_FRAME,		/* malformed, oversized or of unknown type */
	CPC_NET_FAIL_ORDER,		/* a frame where it does not belong */
	CPC_NET_FAIL_DEAD,		/* no answer */
	CPC_NET_FAIL_IO,		/* the connection broke */
	CPC_NET_FAIL_CLOSED,		/* the peer closed it */
	CPC_NET_FAIL_REPLACED,		/* the peer made a new session */
	CPC_NET_FAIL_EVICTED,		/* half-open, gave way to a newer one */
	CPC_NET_FAIL_INTERFACE,		/* the interface went away */
	CPC_NET_FAIL_RESET,		/* cpc_net_reset() */
	CPC_NET_FAIL_MEMORY,
	CPC_NET_FAIL_COUNT,
};

/* A short name for a counter, such as "no-certificate". */
const char *cpc_net_failure_name(enum cpc_net_failure failure);

struct cpc_net_peer_status {
	bool up;
	uint64_t since_us;	/* CLOCK_MONOTONIC, when `up` last changed */
	struct sockaddr_in6 address;	/* present or last tried; sin6_family 0: none known */
	char error[160];	/* what last went wrong; empty once the session is up */
	uint64_t sessions;	/* how often it came up */
	uint64_t rekeys;	/* of them, how often a new key was installed */
	uint64_t failures[CPC_NET_FAIL_COUNT];
	uint64_t rx_bytes, tx_bytes;	/* on the wire, TLS included, all sessions */
	uint32_t rtt_us;	/* of the last ping; 0: none yet */
};

/* -EINVAL: no such member, or ourselves. */
int cpc_net_peer_status(const struct cpc_net *net, unsigned member,
			struct cpc_net_peer_status *ret);

/* What is not any member's. */
struct cpc_net_status {
	bool interface_up;
	char error[160];	/* why we cannot announce or listen; empty: we do */
	unsigned half_open;	/* inbound, not yet authenticated */
	uint64_t accepted;	/* inbound connections in all */
	uint64_t failures[CPC_NET_FAIL_COUNT];	/* of connections that no member is known for */
	uint64_t announcements_sent, announcements_heard;
	uint64_t announcements_ignored;	/* malformed, or not of a member of this cell and epoch */
};

void cpc_net_status(const struct cpc_net *net, struct cpc_net_status *ret);

#endif
