// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sessions: each place has at most one connection, whose session peer.c steers. Here it is decided
 * who is let in, and what peer.c wants is carried out. See net.h for how it all works.
 */
#include "agent/net/net_io.h"

#include <openssl/crypto.h>
#include <stdio.h>

static struct cpc_place *place_of(struct cpc_net *net, const struct cpc_conn *conn)
{
	cpc_assert(conn->peer >= 0 && net->places[conn->peer].conn == conn);
	return &net->places[conn->peer];
}

/* ---- the end ----------------------------------------------------------------------------- */

static void set_up(struct cpc_net *net, struct cpc_place *place, bool up)
{
	if (place->status.up == up)
		return;
	place->status.up = up;
	place->status.since_us = cpc_net_now_us(net);
	if (up) {
		place->status.sessions++;
		place->status.error[0] = '\0';
	} else if (cpc_place_missing(place)) {
		cpc_link_announce_soon(net);
	}
	net->ops.peer(net->ctx, cpc_place_index(net, place), up);
}

/* A connection of nobody whom we know; why we refused it is of interest, how it broke is not. */
static void note_refusal(struct cpc_net *net, enum cpc_net_failure failure, const char *error)
{
	net->status.failures[failure]++;
	if (failure == CPC_NET_FAIL_NO_CERTIFICATE || failure == CPC_NET_FAIL_CERTIFICATE ||
	    failure == CPC_NET_FAIL_IDENTITY || failure == CPC_NET_FAIL_STRANGERS)
		snprintf(net->status.refused, sizeof(net->status.refused), "%s", error);
}

static void note_failure(struct cpc_place *place, enum cpc_net_failure failure,
			 const char *error)
{
	place->status.failures[failure]++;
	snprintf(place->status.error, sizeof(place->status.error), "%s", error);
}

void cpc_net_on_end(struct cpc_net *net, struct cpc_conn *conn, enum cpc_net_failure failure,
		    const char *error)
{
	uint64_t now_us = cpc_net_now_us(net), up_us;
	struct cpc_place *place;

	cpc_assert(failure < CPC_NET_FAIL_COUNT);
	if (conn->peer < 0) {
		note_refusal(net, failure, error);
		cpc_conn_free(conn);
		return;
	}
	place = place_of(net, conn);
	note_failure(place, failure, error);
	up_us = place->status.up ? now_us - place->status.since_us : 0;
	if (conn->hint.port) {
		if (failure == CPC_NET_FAIL_IDENTITY)
			cpc_dial_disproved(&place->dial, &conn->hint);
		cpc_dial_failed(&place->dial, now_us, up_us, failure == CPC_NET_FAIL_CERTIFICATE,
				cpc_net_random());
	}
	cpc_peer_stop(&place->peer);
	place->status.rx_bytes += conn->rx_bytes;
	place->status.tx_bytes += conn->tx_bytes;
	place->conn = NULL;
	place->ending = false;
	cpc_conn_free(conn);
	set_up(net, place, false);
	cpc_place_release(net, place);
}

void cpc_session_end_soon(struct cpc_net *net, struct cpc_place *place,
			  enum cpc_net_failure reason, const char *text)
{
	if (place->ending)
		return;
	place->ending = true;
	place->end_reason = reason;
	snprintf(place->end_text, sizeof(place->end_text), "%s", text);
	cpc_net_schedule(net);
}

/* ---- keys -------------------------------------------------------------------------------- */

/* Gives the kernel the key that both ends confirmed, unless it has just that one. */
static void install(struct cpc_net *net, struct cpc_place *place, struct cpc_net_epoch epoch)
{
	unsigned index = cpc_place_index(net, place);
	uint8_t key[CPC_CELL_KEY_BYTES], fresh[CPC_KEY_ID_BYTES], held[CPC_KEY_ID_BYTES];

	if (cpc_tls_cell_key(place->conn->tls, epoch.cell, epoch.epoch, key) < 0) {
		cpc_session_end_soon(net, place, CPC_NET_FAIL_KEY, "TLS exports no key");
		return;
	}
	cpc_net_key_id(key, fresh);
	if (!net->ops.key_id(net->ctx, index, epoch.cell, epoch.epoch, held) ||
	    memcmp(held, fresh, sizeof(held)) != 0) {
		place->status.rekeys++;
		net->ops.key(net->ctx, index, epoch.cell, epoch.epoch, key);
	}
	OPENSSL_cleanse(key, sizeof(key));
}

static void offer(struct cpc_net *net, struct cpc_place *place, struct cpc_net_epoch epoch)
{
	uint8_t key[CPC_CELL_KEY_BYTES], fresh[CPC_KEY_ID_BYTES], held[CPC_KEY_ID_BYTES];
	struct cpc_peer_effects fx = { 0 };
	bool has_held;

	if (cpc_tls_cell_key(place->conn->tls, epoch.cell, epoch.epoch, key) < 0) {
		cpc_session_end_soon(net, place, CPC_NET_FAIL_KEY, "TLS exports no key");
		return;
	}
	cpc_net_key_id(key, fresh);
	OPENSSL_cleanse(key, sizeof(key));
	has_held = net->ops.key_id(net->ctx, cpc_place_index(net, place), epoch.cell, epoch.epoch,
				   held);
	cpc_peer_offer(&place->peer, epoch, has_held ? held : NULL, fresh, &fx);
	cpc_session_say(net, place, &fx);
}

void cpc_session_offer(struct cpc_net *net, struct cpc_place *place)
{
	for (unsigned i = 0; i < net->n_offers && !place->ending; i++) {
		if (cpc_peer_wants_offer(&place->peer, net->offers[i]))
			offer(net, place, net->offers[i]);
	}
}

/* ---- what peer.c wants ------------------------------------------------------------------- */

void cpc_session_say(struct cpc_net *net, struct cpc_place *place,
		     const struct cpc_peer_effects *fx)
{
	if (fx->out_len && cpc_conn_send(place->conn, fx->out, fx->out_len) < 0)
		cpc_session_end_soon(net, place, CPC_NET_FAIL_MEMORY, "cannot queue a frame");
	if (fx->closing)
		cpc_session_end_soon(net, place, fx->failure, fx->error);
}

/* Negative: the session was ended. */
static int apply(struct cpc_net *net, struct cpc_conn *conn, const struct cpc_peer_effects *fx)
{
	struct cpc_place *place = place_of(net, conn);
	unsigned index = (unsigned)conn->peer;

	if (fx->out_len && cpc_conn_send(conn, fx->out, fx->out_len) < 0) {
		cpc_net_on_end(net, conn, CPC_NET_FAIL_MEMORY, "cannot queue a frame");
		return -ECONNABORTED;
	}
	if (fx->closing) {
		cpc_net_on_end(net, conn, fx->failure, fx->error);
		return -ECONNABORTED;
	}
	/* The session outlasts these calls, whatever they ask for. */
	if (fx->up) {
		set_up(net, place, true);
		cpc_session_offer(net, place);
	}
	if (fx->install)
		install(net, place, fx->epoch);
	if (fx->fetched)
		net->ops.fetched(net->ctx, index, fx->blob, fx->blob_len);
	if (fx->told)
		net->ops.told(net->ctx, index, fx->blob, fx->blob_len);
	return 0;
}

/* ---- who is let in ----------------------------------------------------------------------- */

/* Whether our own connection is kept where the peer's new one crosses it; net.h says why. */
static bool ours_stays(const struct cpc_net *net, const struct cpc_place *place,
		       const struct cpc_conn *crossing)
{
	const struct cpc_conn *ours = place->conn;
	struct cpc_dial_crossing what = {
		.lower = memcmp(net->identity->node_id, place->node_id, CPC_NODE_ID_BYTES) < 0,
		.ours = ours->hint.port != 0,
		.established = ours->established,
		.up = place->status.up,
		.older = crossing->since_us <= place->status.since_us,
	};

	return !place->ending && cpc_dial_keeps(&what);
}

static int refuse(struct cpc_net *net, struct cpc_conn *conn, enum cpc_net_failure failure,
		  const char *why)
{
	const uint8_t *id = cpc_tls_node_id(conn->tls);
	char text[160];

	snprintf(text, sizeof(text), "node %02x%02x%02x%02x %s", id[0], id[1], id[2], id[3], why);
	cpc_net_on_end(net, conn, failure, text);
	return -ECONNABORTED;
}

/* Gives an authenticated inbound connection its place. Negative: it was refused, and freed. */
static int admit(struct cpc_net *net, struct cpc_conn *conn)
{
	const uint8_t *id = cpc_tls_node_id(conn->tls);
	struct cpc_place *place = cpc_place_find(net, id);

	if (place && place->conn) {
		if (ours_stays(net, place, conn)) {
			place->status.failures[CPC_NET_FAIL_REPLACED]++;
			cpc_conn_free(conn);
			return -ECONNABORTED;
		}
		cpc_net_on_end(net, place->conn, CPC_NET_FAIL_REPLACED,
			       "the peer made a new session");
		place = cpc_place_find(net, id);
	}
	/* Judged again: what we know may have changed since TLS asked. */
	if (!cpc_tls_certified(conn->tls) && cpc_place_judge(net, id) != CPC_TLS_BY_KEY)
		return refuse(net, conn, CPC_NET_FAIL_CERTIFICATE, "is not trusted any more");
	if (!place && cpc_place_take(net, id, false, &place) < 0)
		return refuse(net, conn, CPC_NET_FAIL_STRANGERS,
			      "is one stranger too many at present");
	conn->peer = (int)cpc_place_index(net, place);
	place->conn = conn;
	return 0;
}

int cpc_net_on_established(struct cpc_net *net, struct cpc_conn *conn)
{
	struct cpc_peer_effects fx = { 0 };
	struct cpc_place *place;
	int r = conn->peer < 0 ? admit(net, conn) : 0;

	if (r < 0)
		return r;
	place = place_of(net, conn);
	place->certified = cpc_tls_certified(conn->tls);
	place->status.address = conn->address;
	if (conn->hint.port)
		cpc_dial_proved(&place->dial, &conn->hint);
	cpc_peer_start(&place->peer, cpc_net_now_us(net), conn->deadline_us, net->presents, &fx);
	return apply(net, conn, &fx);
}

/* ---- a session in use -------------------------------------------------------------------- */

void cpc_net_on_text(struct cpc_net *net, struct cpc_conn *conn)
{
	cpc_peer_heard(&place_of(net, conn)->peer, cpc_net_now_us(net));
}

bool cpc_net_takes(const struct cpc_net *net, const struct cpc_conn *conn)
{
	return conn->peer < 0 ||
	       cpc_net_now_us(net) >= cpc_peer_take_us(&net->places[conn->peer].peer);
}

int cpc_net_on_frame(struct cpc_net *net, struct cpc_conn *conn, const struct cpc_frame *frame)
{
	struct cpc_place *place = place_of(net, conn);
	struct cpc_peer_effects fx = { 0 };

	/* Nobody is told anything by a peer that is to go. */
	if (place->ending)
		return 0;
	cpc_peer_frame(&place->peer, cpc_net_now_us(net), frame, &fx);
	return apply(net, conn, &fx);
}

static int send_blob(struct cpc_conn *conn, const struct cpc_buffer *blob)
{
	struct cpc_frame frame = { .type = CPC_FRAME_DECISIONS,
				   .blob = { .data = blob->data, .len = blob->len } };
	CPC_BUFFER struct cpc_buffer out = cpc_buffer_init(CPC_FRAME_HEADER_BYTES +
							   CPC_NET_FRAME_MAX);
	struct cpc_writer w;
	uint8_t *bytes;
	int r = cpc_buffer_extend(&out, cpc_frame_bytes(&frame), &bytes);

	if (r < 0)
		return r;
	w = cpc_writer_init(bytes, out.len);
	cpc_frame_encode(&w, &frame);
	cpc_assert(!w.failed && w.used == out.len);
	return cpc_conn_send(conn, out.data, out.len);
}

/* Answers the peer's question, if there is one and its time has come. */
static int serve(struct cpc_net *net, struct cpc_conn *conn)
{
	CPC_BUFFER struct cpc_buffer blob = cpc_buffer_init(CPC_NET_BLOB_MAX);
	struct cpc_place *place = place_of(net, conn);
	struct cpc_peer *peer = &place->peer;
	uint64_t now_us = cpc_net_now_us(net);

	if (place->ending || now_us < cpc_peer_serve_us(peer) ||
	    cpc_conn_unsent(conn) > CPC_NET_TX_HIGH)
		return 0;
	if (net->ops.serve(net->ctx, (unsigned)conn->peer, peer->serve_epoch.cell,
			   peer->serve_epoch.epoch, peer->serve_after, &blob) < 0)
		cpc_buffer_truncate(&blob, 0);
	cpc_peer_served(peer, now_us);
	if (send_blob(conn, &blob) < 0) {
		cpc_net_on_end(net, conn, CPC_NET_FAIL_MEMORY, "cannot queue the decisions");
		return -ECONNABORTED;
	}
	return 0;
}

int cpc_net_on_progress(struct cpc_net *net, struct cpc_conn *conn)
{
	return serve(net, conn);
}

void cpc_session_doubt(struct cpc_net *net, struct cpc_place *place)
{
	struct cpc_peer_effects fx = { 0 };
	uint64_t now_us = cpc_net_now_us(net);

	/* What it said may be older than its last words on the session. */
	if (now_us < place->peer.heard_us + CPC_NET_ANNOUNCE_FAST_MS * 1000ull)
		return;
	cpc_peer_doubt(&place->peer, now_us, &fx);
	apply(net, place->conn, &fx);
}

void cpc_net_on_link(struct cpc_net *net, bool up)
{
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		struct cpc_place *place = &net->places[i];

		if (up)
			cpc_dial_hurry(&place->dial);
		else if (place->conn)
			cpc_net_on_end(net, place->conn, CPC_NET_FAIL_INTERFACE,
				       "the interface went down or away");
	}
	while (!up && net->oldest)
		cpc_net_on_end(net, net->oldest, CPC_NET_FAIL_INTERFACE, "");
}

/* ---- time -------------------------------------------------------------------------------- */

static void tick(struct cpc_net *net, struct cpc_place *place, uint64_t now_us)
{
	struct cpc_peer_effects fx = { 0 };
	struct cpc_conn *conn = place->conn;

	if (place->ending) {
		cpc_net_on_end(net, conn, place->end_reason, place->end_text);
		return;
	}
	if (!conn->established) {
		if (now_us >= conn->deadline_us)
			cpc_net_on_end(net, conn, CPC_NET_FAIL_DEADLINE, conn->connecting ?
				       "nobody answers at its address" :
				       "the TLS handshake took too long");
		return;
	}
	/* What has arrived counts before it is found that nothing has. */
	if (conn->held && now_us >= cpc_peer_take_us(&place->peer) && cpc_conn_resume(conn) < 0)
		return;
	cpc_peer_tick(&place->peer, now_us, &fx);
	if (apply(net, conn, &fx) == 0)
		serve(net, conn);
}

static void dial(struct cpc_net *net, struct cpc_place *place, uint64_t now_us)
{
	struct cpc_dial_hint hint;
	char text[160];
	int r;

	if (!net->link.up || !cpc_dial_next(&place->dial, now_us, &hint))
		return;
	r = cpc_conn_dial(net, place, &hint, &place->conn);
	if (r < 0) {
		snprintf(text, sizeof(text), "cannot connect: %s", strerror(-r));
		note_failure(place, CPC_NET_FAIL_CONNECT, text);
		cpc_dial_failed(&place->dial, now_us, 0, false, cpc_net_random());
		return;
	}
	place->status.address = place->conn->address;
}

void cpc_session_tick(struct cpc_net *net, struct cpc_place *place, uint64_t now_us)
{
	if (place->conn)
		tick(net, place, now_us);
	if (!place->conn && cpc_place_dials(net, place))
		dial(net, place, now_us);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t cpc_session_wake_us(const struct cpc_net *net, const struct cpc_place *place)
{
	const struct cpc_conn *conn = place->conn;
	uint64_t wake;

	if (!conn)
		return net->link.up && cpc_place_dials(net, place) ?
		       cpc_dial_wake_us(&place->dial) : CPC_NEVER_US;
	if (place->ending)
		return 0;
	if (!conn->established)
		return conn->deadline_us;
	wake = cpc_peer_wake_us(&place->peer);
	if (conn->held)
		wake = earlier(wake, cpc_peer_take_us(&place->peer));
	/* Else the network's next event serves. */
	if (cpc_conn_unsent(conn) <= CPC_NET_TX_HIGH)
		wake = earlier(wake, cpc_peer_serve_us(&place->peer));
	return wake;
}
