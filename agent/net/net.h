/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_NET_H
#define CPC_AGENT_NET_NET_H

/*
 * net - nodes in radio range find each other and keep one TLS session per pair.
 *
 *   node 1a2b3c4d                            node 5e6f7081
 *      |  announcement (UDP, multicast)          |    a hint: "5e6f7081 may be at this address"
 *      |<----------------------------------------|
 *      |  TCP connect: the lower id dials        |    or whoever is told to (`call`)
 *      |---------------------------------------->|
 *      |  TLS 1.3, both with certificates        |    here trust begins: a node is who holds the
 *      |<--------------------------------------->|    key whose hash is its id
 *      |  HELLO <-> HELLO                        |    each end has accepted the other:
 *      |<--------------------------------------->|    ops->peer(up)
 *      |  OFFER, CONFIRM; PING, PONG, FETCH,     |    keys are agreed per epoch of a cell, as
 *      |<-- DECISIONS, TELL -------------------->|    many and as often as the lists say
 *
 * A session belongs to two nodes, not to a cell: it outlives changes of members, and keys for an
 * epoch to come are agreed ahead on it. Which nodes there are is told by cpc_net_know(); each has
 * a place, 0..CPC_NET_PEERS_MAX-1, which it keeps until cpc_net_forget() and by which the functions
 * below name it. A node that we were not told of is let in if an authority certified it, in order
 * to ask for admission; it has a place as long as its session lasts, among few for its kind.
 *
 * Invariants:
 *  - nothing that arrives outside of an authenticated session is believed; announcements only
 *    say where to try. They are signed, so that a stranger's cannot crowd out a peer's;
 *  - at most one session per pair, see below;
 *  - a cell key is installed only after both ends have said OFFER for its epoch on one session and
 *    found that their keys differ, and after the peer confirmed the same choice. If the session
 *    breaks between the two installations, the next OFFERs differ and both take its key;
 *  - whatever a stranger can make us hold or do is bounded in agent/net/limits.h.
 *
 * One session per pair. Whoever dials does so only when it has no session, so an authenticated
 * connection from the peer proves that the old session is gone, and replaces it. Both ends may dial
 * at once, though, when one was told to call. A connection binds its dialling end when that end is
 * done with TLS and says HELLO, and only the other end's HELLO makes it a session. So when a
 * connection of the peer is authenticated while we have one of our own,
 *  - the higher id drops its own for the new one, always;
 *  - the lower id drops its own only while TLS is not done on it: the peer can then never see it
 *    authenticated, keeps what it dialled, and gets our HELLO there;
 *  - else the lower id keeps its own and drops the new one (CPC_NET_FAIL_REPLACED): its HELLO is on
 *    the way, and the peer, being the higher id, will drop what it dialled when it arrives. A
 *    connection that was accepted before ours came up is one of these too, only late.
 * In each case both ends keep the same one. What is lost on the way to the other end ends by its
 * deadline, and the next try is at random times.
 *
 * Everything runs in the caller's sd-event loop and one thread; nothing blocks, nothing logs.
 * Callbacks may call everything but cpc_net_new() and cpc_net_free().
 *
 * Files: frame.c, announce.c (what is on the wire), peer.c (a session's rules), dial.c (where and
 * when to connect), tls.c (TLS in memory), certificate.c and identity.c are pure; net_io.c lists
 * those that do the plumbing.
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
	const char *certificate;	/* PEM file: this node's, then those between it and an
					 * authority; "" or NULL: a self-signed envelope */
	const char *authority;		/* PEM file: the authorities'; "" or NULL: none, and no
					 * stranger is let in */
};

struct cpc_net_epoch {
	uint16_t cell, epoch;
};

struct cpc_net_ops {
	/* Install this pairwise key for that epoch; both ends are told the same key. The peer has
	 * offered the epoch as we did; whether it is a member of it is the user's to know. */
	void (*key)(void *ctx, unsigned peer, uint16_t cell, uint16_t epoch, const uint8_t key[16]);
	/* The id of the key held with that peer for that epoch; false if there is none. Asked
	 * before anything is agreed on. */
	bool (*key_id)(void *ctx, unsigned peer, uint16_t cell, uint16_t epoch, uint8_t ret_id[8]);
	/*
	 * The peer asks for decisions after that slot: append as many whole ones as fit in `out`
	 * (cpc_buffer_room(), at most CPC_NET_BLOB_MAX). Nothing appended, or a negative return,
	 * is answered with an empty blob. The peer is authentic, not trusted, and may ask about
	 * any cell and epoch.
	 */
	int (*serve)(void *ctx, unsigned peer, uint16_t cell, uint16_t epoch, uint32_t after_slot,
		     struct cpc_buffer *out);
	/* The answer to cpc_net_fetch(); `data` is valid during the call. len 0: it has nothing. */
	void (*fetched)(void *ctx, unsigned peer, const uint8_t *data, size_t len);
	/* What the other end's cpc_net_tell() said, 1..CPC_NET_TELL_MAX bytes, in its order. */
	void (*told)(void *ctx, unsigned peer, const uint8_t *data, size_t len);
	/* A node without a place announces the cell that we seek, by a signature of its own key.
	 * cpc_net_know() here makes use of its address. */
	void (*found)(void *ctx, const uint8_t node_id[32], uint16_t epoch);
	/* The session with that peer came up or went down. A fetch that was under way when it goes
	 * down gets no answer. */
	void (*peer)(void *ctx, unsigned peer, bool up);
};

/*
 * Starts listening at once, without any peer, presenting no cell. -ENODEV: no such interface;
 * -EADDRINUSE: the port is taken; -EINVAL: a value of the configuration, named in the text;
 * -EKEYREJECTED: the certificate is for another key; -E2BIG: peers would find it too large;
 * -EBADMSG: a file without certificates; or the system's error for a file. An interface that is
 * down or goes away is waited for.
 */
int cpc_net_new(const struct cpc_net_config *config, const struct cpc_net_ops *ops, void *ctx,
		struct cpc_net **ret, struct cpc_error *err);

/* Closes all sessions, without calling ops. NULL-safe; not from inside a callback. */
void cpc_net_free(struct cpc_net *net);

/* ---- who there is ---- */

struct cpc_net_relation {
	bool call;	/* it may not know us: we dial, whatever the order of ids */
	bool trusted;	/* its key is enough; else an authority must have certified it */
};

/*
 * Keeps a session with that node from now on. Gives its place; for one that has a place already,
 * a stranger included, the same, with the relation for sessions to come. -ENOSPC; -EINVAL: it is
 * our own id.
 */
int cpc_net_know(struct cpc_net *net, const uint8_t node_id[32], struct cpc_net_relation relation);

/*
 * No more of that peer: its session ends soon, and its place is free when ops->peer(down) has
 * returned, or at once if there was no session.
 */
void cpc_net_forget(struct cpc_net *net, unsigned peer);

/* The place of that node, or -ENOENT. */
int cpc_net_find(const struct cpc_net *net, const uint8_t node_id[32]);

/* Who has that place; NULL: nobody. */
const uint8_t *cpc_net_node_id(const struct cpc_net *net, unsigned peer);

/* ---- cells ---- */

/*
 * What we announce, and tell peers that we are in. Cell 0: none; then we announce that we seek a
 * cell, if we do, in its epoch 0, which its members answer with announcements of their own.
 */
void cpc_net_present(struct cpc_net *net, uint16_t cell, uint16_t epoch);

/* Calls ops->found for announcements of that cell from nodes without a place; 0: of none. */
void cpc_net_seek(struct cpc_net *net, uint16_t cell);

/*
 * The epochs for which keys are to be agreed, with every peer that offers the same; at most
 * CPC_NET_EPOCHS_MAX. Replaces the list before. What is in both lists goes on as it was; for what
 * is new, keys are agreed at once on the sessions that there are.
 */
void cpc_net_offer(struct cpc_net *net, const struct cpc_net_epoch *epochs, unsigned n);

/* ---- sessions ---- */

/*
 * Asks that peer for decisions of that epoch after the slot; ops->fetched or ops->peer(down)
 * follows, never from inside this call. -ENOTCONN: no session; -EBUSY: a fetch is under way;
 * -EINVAL: no such peer.
 */
int cpc_net_fetch(struct cpc_net *net, unsigned peer, uint16_t cell, uint16_t epoch,
		  uint32_t after_slot);

/*
 * Tells that peer 1..CPC_NET_TELL_MAX bytes; they arrive in order, or the session goes down.
 * -EINVAL: no such peer; -ENOTCONN: no session; -EMSGSIZE; -EAGAIN: the peer takes no more at
 * present (CPC_NET_TELL_BURST), try again in CPC_NET_TELL_GAP_MS; -ENOMEM: the session ends.
 */
int cpc_net_tell(struct cpc_net *net, unsigned peer, const void *data, size_t len);

/* Whether the session with that peer is up; false where there is no peer. */
bool cpc_net_is_up(const struct cpc_net *net, unsigned peer);

/*
 * Closes the session with that peer, if there is one, soon after the call; it is then made anew
 * and the keys agreed again. For use when the kernel has lost its keys (a cell made anew).
 */
void cpc_net_reset(struct cpc_net *net, unsigned peer);

/* Why a connection or session ended or was refused; the index of the failure counters. */
enum cpc_net_failure {
	CPC_NET_FAIL_CONNECT,		/* TCP: refused, unreachable, timed out */
	CPC_NET_FAIL_DEADLINE,		/* no session within CPC_NET_SESSION_DEADLINE_MS */
	CPC_NET_FAIL_TLS,		/* not TLS 1.3 with our parameters; the peer refused us */
	CPC_NET_FAIL_OVERSIZED,		/* too many bytes before authentication */
	CPC_NET_FAIL_NO_CERTIFICATE,	/* the peer showed none */
	CPC_NET_FAIL_CERTIFICATE,	/* its key is not enough, and no authority vouches for it */
	CPC_NET_FAIL_IDENTITY,		/* not the node dialled, ourselves, or not to be judged */
	CPC_NET_FAIL_STRANGERS,		/* a good one, but CPC_NET_STRANGERS_MAX are here already */
	CPC_NET_FAIL_KEY,		/* the ends do not agree on a cell key */
	CPC_NET_FAIL_FRAME,		/* malformed, oversized or of unknown type */
	CPC_NET_FAIL_ORDER,		/* a frame where it does not belong */
	CPC_NET_FAIL_DEAD,		/* no answer */
	CPC_NET_FAIL_IO,		/* the connection broke */
	CPC_NET_FAIL_CLOSED,		/* the peer closed it */
	CPC_NET_FAIL_REPLACED,		/* gave way to another one of the same pair */
	CPC_NET_FAIL_EVICTED,		/* half-open, gave way to a newer one */
	CPC_NET_FAIL_INTERFACE,		/* the interface went away */
	CPC_NET_FAIL_RESET,		/* cpc_net_reset() */
	CPC_NET_FAIL_FORGOTTEN,		/* cpc_net_forget() */
	CPC_NET_FAIL_MEMORY,
	CPC_NET_FAIL_COUNT,
};

/* A short name for a counter, such as "no-certificate". */
const char *cpc_net_failure_name(enum cpc_net_failure failure);

/* Texts name nodes by the first 8 hex digits of their id: "node 1a2b3c4d". */
struct cpc_net_peer_status {
	bool known;		/* by cpc_net_know(); else a stranger with a session */
	struct cpc_net_relation relation;
	bool up;
	bool certified;		/* an authority certified it, as its last session showed */
	uint16_t cell, epoch;	/* what it last said to be in; cell 0: in none, or not yet said */
	uint64_t since_us;	/* CLOCK_MONOTONIC, when `up` last changed */
	struct sockaddr_in6 address;	/* present or last tried; sin6_family 0: none known */
	char error[160];	/* what last went wrong; empty once the session is up */
	uint64_t sessions;	/* how often it came up */
	uint64_t rekeys;	/* how often a key was installed, for any epoch */
	uint64_t failures[CPC_NET_FAIL_COUNT];
	uint64_t rx_bytes, tx_bytes;	/* on the wire, TLS included, all sessions */
	uint32_t rtt_us;	/* of the last ping; 0: none yet */
};

/* -EINVAL: no such peer. */
int cpc_net_peer_status(const struct cpc_net *net, unsigned peer,
			struct cpc_net_peer_status *ret);

/* What is not any peer's. */
struct cpc_net_status {
	bool interface_up;
	char error[160];	/* why we cannot announce or listen; empty: we do */
	char refused[160];	/* whom we last refused, and why; empty: nobody yet */
	unsigned peers, strangers;	/* places in use; of them, by nodes that we do not know */
	unsigned half_open;	/* inbound, not yet authenticated */
	uint64_t accepted;	/* inbound connections in all */
	uint64_t failures[CPC_NET_FAIL_COUNT];	/* of connections that no peer is known for */
	uint64_t announcements_sent, announcements_heard;
	uint64_t announcements_ignored;	/* malformed, or of nobody that concerns us */
};

void cpc_net_status(const struct cpc_net *net, struct cpc_net_status *ret);

#endif
