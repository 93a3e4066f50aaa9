/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_NET_NET_IO_H
#define CPC_AGENT_NET_NET_IO_H

/*
 * What the plumbing files share:
 *	net_io.c      the interface of net.h; what time brings
 *	place_io.c    who has which place; announcements heard
 *	session_io.c  sessions come up, exchange frames and go down
 *	conn_io.c     one TCP connection with TLS on it: bytes
 *	link_io.c     the interface: is it there, announcements, the listening socket
 *
 * conn_io.c and link_io.c report to the files above them (cpc_net_on_...), which may call both.
 */
#include "agent/net/announce.h"
#include "agent/net/dial.h"
#include "agent/net/peer.h"
#include "agent/net/tls.h"

struct cpc_conn {
	struct cpc_net *net;
	struct cpc_conn *newer, *older;	/* in net->half_open, while there */
	bool half_open;			/* dialled by somebody who is not authenticated yet */
	int peer;			/* whom we dialled, or who proved to be there; -1 */
	struct cpc_dial_hint hint;	/* where we dialled; port 0: they did */
	struct sockaddr_in6 address;	/* of the other end */
	int fd;
	sd_event_source *io;
	bool connecting;		/* TCP's connect() is under way */
	bool reading, writing;		/* the events that `io` waits for */
	bool held;			/* frames may be waiting for cpc_peer_take_us() */
	struct cpc_tls *tls;
	bool established;		/* TLS is up and the session belongs to `peer` */
	uint64_t rx_bytes, tx_bytes;
	uint64_t since_us;		/* when it was dialled or accepted */
	uint64_t deadline_us;
	struct cpc_buffer rx;		/* decrypted, not yet taken as frames */
	struct cpc_buffer tx;		/* encrypted, not yet taken by the kernel */
};

struct cpc_place {
	bool used;
	bool known;			/* cpc_net_know(); else a stranger, here while `conn` is */
	bool forgotten;			/* cpc_net_forget(); the same */
	uint8_t node_id[CPC_NODE_ID_BYTES];
	struct cpc_net_relation relation;
	struct cpc_peer peer;
	struct cpc_dial dial;
	EVP_PKEY *public_key;		/* once an announcement has shown it */
	struct cpc_conn *conn;		/* its session, or our attempt at one; NULL */
	bool certified;
	bool ending;			/* the session is to be closed at the next occasion ... */
	enum cpc_net_failure end_reason;	/* ... for this reason */
	char end_text[160];
	struct cpc_net_peer_status status;	/* but for what is above */
};

struct cpc_link {
	sd_event_source *changes;	/* rtnetlink: something about interfaces changed */
	sd_event_source *announcing, *listening;
	int ifindex;			/* the sockets are bound to it; 0: no sockets */
	bool up;
	uint64_t look_us;		/* when to look at the interface again */
	uint64_t announce_us;		/* when to announce next */
	uint64_t reply_us;		/* no unicast announcement before */
	uint64_t verify_us;		/* when the signatures checked so far will be paid for */
	unsigned missing_from;		/* where the next list of missing peers begins */
};

struct cpc_net {
	sd_event *event;
	sd_event_source *timer;
	struct cpc_net_ops ops;
	void *ctx;
	char ifname[IF_NAMESIZE];
	uint16_t port;
	const struct cpc_identity *identity;
	struct cpc_tls_context *tls;
	struct cpc_link link;
	struct cpc_net_epoch presents;
	uint16_t sought;		/* a cell; 0: none */
	uint64_t sought_us;		/* since when */
	struct cpc_net_epoch offers[CPC_NET_EPOCHS_MAX];
	unsigned n_offers;
	struct cpc_conn *oldest, *newest;	/* half-open connections, by age */
	struct cpc_net_status status;
	struct cpc_place places[CPC_NET_PEERS_MAX];
};

/* -- net_io.c -- */

/* The loop's present time, CLOCK_MONOTONIC. */
uint64_t cpc_net_now_us(const struct cpc_net *net);
uint64_t cpc_net_random(void);

/* Sets the timer to the next thing to do; call at the end of every event. */
void cpc_net_schedule(struct cpc_net *net);

/* -- place_io.c -- */

/* The place of that node, also while it is being forgotten; NULL: none. */
struct cpc_place *cpc_place_find(struct cpc_net *net, const uint8_t *node_id);
/* That peer's, or NULL. */
struct cpc_place *cpc_place_at(const struct cpc_net *net, unsigned index);
unsigned cpc_place_index(const struct cpc_net *net, const struct cpc_place *place);
/* A place for a node that has none. -ENOSPC; for a stranger also -EUSERS: too many of them. */
int cpc_place_take(struct cpc_net *net, const uint8_t *node_id, bool known,
		   struct cpc_place **ret);
/* Frees it if only its connection kept it, and that is gone. */
void cpc_place_release(struct cpc_net *net, struct cpc_place *place);
/* Whether we are the one to connect. */
bool cpc_place_dials(const struct cpc_net *net, const struct cpc_place *place);
/* Whether we wait for a session that the peer wants as well. */
bool cpc_place_missing(const struct cpc_place *place);
/* What TLS asks: whether that node's key is enough. */
enum cpc_tls_trust cpc_place_judge(void *net, const uint8_t node_id[CPC_NODE_ID_BYTES]);
/* Someone announces itself, at an address on our link. */
void cpc_net_on_announce(struct cpc_net *net, const struct cpc_announce *announce,
			 const struct sockaddr_in6 *from);

/* -- session_io.c -- */

/* TLS is up. Negative: the connection was ended, and freed. */
int cpc_net_on_established(struct cpc_net *net, struct cpc_conn *conn);
/* Decrypted bytes arrived on the session. */
void cpc_net_on_text(struct cpc_net *net, struct cpc_conn *conn);
/* Whether the next frame may be taken now. */
bool cpc_net_takes(const struct cpc_net *net, const struct cpc_conn *conn);
/* A frame on the session of conn->peer; returns as above. */
int cpc_net_on_frame(struct cpc_net *net, struct cpc_conn *conn, const struct cpc_frame *frame);
/* Bytes may have gone out on the session; the same returns. */
int cpc_net_on_progress(struct cpc_net *net, struct cpc_conn *conn);
/* The connection is no more; it is freed by this call. */
void cpc_net_on_end(struct cpc_net *net, struct cpc_conn *conn, enum cpc_net_failure failure,
		    const char *error);
/* The interface came up (anew), or is no more usable. */
void cpc_net_on_link(struct cpc_net *net, bool up);

/* Offers what our list has and the peer has not heard of, if its session is up. */
void cpc_session_offer(struct cpc_net *net, struct cpc_place *place);
/* Sends what peer.c made inside of a call of the user; the session may end, but later. */
void cpc_session_say(struct cpc_net *net, struct cpc_place *place,
		     const struct cpc_peer_effects *fx);
/* Closes the session from the timer: here its connection may be in use up the stack. */
void cpc_session_end_soon(struct cpc_net *net, struct cpc_place *place,
			  enum cpc_net_failure reason, const char *text);
/* It has no session with us, it says, but we think that it has one. */
void cpc_session_doubt(struct cpc_net *net, struct cpc_place *place);
/* Time passed; the place may be free afterwards. */
void cpc_session_tick(struct cpc_net *net, struct cpc_place *place, uint64_t now_us);
uint64_t cpc_session_wake_us(const struct cpc_net *net, const struct cpc_place *place);

/* -- conn_io.c -- */

/* Negative errno, with the connection not made. */
int cpc_conn_dial(struct cpc_net *net, const struct cpc_place *place,
		  const struct cpc_dial_hint *hint, struct cpc_conn **ret);
/* Takes the descriptor in any case. */
int cpc_conn_accept(struct cpc_net *net, int fd, const struct sockaddr_in6 *address);
/* Queues bytes for the peer. -ENOBUFS, -ENOMEM, -EPROTO: the session cannot go on. */
int cpc_conn_send(struct cpc_conn *conn, const void *data, size_t len);
/* How many bytes wait for the network to take them. */
size_t cpc_conn_unsent(const struct cpc_conn *conn);
/* Goes on with what was held. Negative: the connection was ended, and freed. */
int cpc_conn_resume(struct cpc_conn *conn);
/* Says goodbye if it can, and frees. */
void cpc_conn_free(struct cpc_conn *conn);

/* -- link_io.c -- */

int cpc_link_open(struct cpc_net *net, struct cpc_error *err);
void cpc_link_close(struct cpc_net *net);
/* Looks at the interface and announces, when it is time. */
void cpc_link_tick(struct cpc_net *net, uint64_t now_us);
uint64_t cpc_link_wake_us(const struct cpc_net *net);
/* What we announce changed. */
void cpc_link_announce_soon(struct cpc_net *net);
/* Announces to one node only, if it is not too soon. */
void cpc_link_answer(struct cpc_net *net, const struct sockaddr_in6 *to);

#endif
