// SPDX-License-Identifier: BSD-3-Clause
/*
 * The members of the cell: each has at most one connection, whose session peer.c steers, and, if
 * we are the one to dial, dial.c says where and when. See net.h for how it all works.
 */
#include "agent/net/net_io.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/random.h>

static const char *const failure_names[CPC_NET_FAIL_COUNT] = {
	[CPC_NET_FAIL_CONNECT] = "connect",
	[CPC_NET_FAIL_DEADLINE] = "deadline",
	[CPC_NET_FAIL_TLS] = "tls",
	[CPC_NET_FAIL_OVERSIZED] = "oversized",
	[CPC_NET_FAIL_NO_CERTIFICATE] = "no-certificate",
	[CPC_NET_FAIL_IDENTITY] = "identity",
	[CPC_NET_FAIL_DIRECTION] = "direction",
	[CPC_NET_FAIL_CELL] = "cell",
	[CPC_NET_FAIL_EPOCH] = "epoch",
	[CPC_NET_FAIL_INDEX] = "index",
	[CPC_NET_FAIL_KEY] = "key",
	[CPC_NET_FAIL_FRAME] = "frame",
	[CPC_NET_FAIL_ORDER] = "order",
	[CPC_NET_FAIL_DEAD] = "dead",
	[CPC_NET_FAIL_IO] = "io",
	[CPC_NET_FAIL_CLOSED] = "closed",
	[CPC_NET_FAIL_REPLACED] = "replaced",
	[CPC_NET_FAIL_EVICTED] = "evicted",
	[CPC_NET_FAIL_INTERFACE] = "interface",
	[CPC_NET_FAIL_RESET] = "reset",
	[CPC_NET_FAIL_MEMORY] = "memory",
};

const char *cpc_net_failure_name(enum cpc_net_failure failure)
{
	return (unsigned)failure < CPC_NET_FAIL_COUNT ? failure_names[failure] : "unknown";
}

uint64_t cpc_net_now_us(const struct cpc_net *net)
{
	uint64_t now_us = 0;

	sd_event_now(net->event, CLOCK_MONOTONIC, &now_us);
	return now_us;
}

/* For spreading things in time only, so it need not wait for the kernel's entropy. */
uint64_t cpc_net_random(void)
{
	uint64_t value = 0;

	if (getrandom(&value, sizeof(value), GRND_INSECURE) != (ssize_t)sizeof(value))
		return 0;
	return value;
}

static struct cpc_member *member_of(const struct cpc_net *net, unsigned index)
{
	if (index >= net->n || index == net->self)
		return NULL;
	return (struct cpc_member *)&net->members[index];
}

static unsigned index_of(const struct cpc_net *net, const struct cpc_member *member)
{
	return (unsigned)(member - net->members);
}

/* ---- sessions ---------------------------------------------------------------------------- */

static void set_up(struct cpc_net *net, struct cpc_member *member, bool up)
{
	if (member->status.up == up)
		return;
	member->status.up = up;
	member->status.since_us = cpc_net_now_us(net);
	if (up) {
		member->status.sessions++;
		member->status.error[0] = '\0';
	}
	cpc_link_sessions_changed(net);
	net->ops.peer(net->ctx, index_of(net, member), up);
}

static bool no_hurry(enum cpc_net_failure failure)
{
	return failure == CPC_NET_FAIL_CELL || failure == CPC_NET_FAIL_EPOCH ||
	       failure == CPC_NET_FAIL_INDEX;
}

static void note_failure(struct cpc_member *member, enum cpc_net_failure failure,
			 const char *error)
{
	member->status.failures[failure]++;
	snprintf(member->status.error, sizeof(member->status.error), "%s", error);
}

void cpc_net_on_end(struct cpc_net *net, struct cpc_conn *conn, enum cpc_net_failure failure,
		    const char *error)
{
	uint64_t now_us = cpc_net_now_us(net), up_us;
	struct cpc_member *member;

	cpc_assert(failure < CPC_NET_FAIL_COUNT);
	if (conn->member < 0) {
		net->status.failures[failure]++;
		cpc_conn_free(conn);
		return;
	}
	member = &net->members[conn->member];
	cpc_assert(member->conn == conn);
	note_failure(member, failure, error);
	up_us = member->status.up ? now_us - member->status.since_us : 0;
	if (conn->hint.port) {
		if (failure == CPC_NET_FAIL_IDENTITY)
			cpc_dial_disproved(&member->dial, &conn->hint);
		cpc_dial_failed(&member->dial, now_us, up_us, no_hurry(failure), cpc_net_random());
	}
	cpc_peer_stop(&member->peer);
	OPENSSL_cleanse(member->fresh, sizeof(member->fresh));
	member->status.rx_bytes += conn->rx_bytes;
	member->status.tx_bytes += conn->tx_bytes;
	member->conn = NULL;
	member->ending = false;
	cpc_conn_free(conn);
	set_up(net, member, false);
}

/* Carries out what peer.c wants. Negative: the session was ended. */
static int apply(struct cpc_net *net, struct cpc_conn *conn, const struct cpc_peer_effects *fx)
{
	struct cpc_member *member = &net->members[conn->member];
	unsigned index = (unsigned)conn->member;

	if (fx->out_len && cpc_conn_send(conn, fx->out, fx->out_len) < 0) {
		cpc_net_on_end(net, conn, CPC_NET_FAIL_MEMORY, "cannot queue a frame");
		return -ECONNABORTED;
	}
	if (fx->closing) {
		cpc_net_on_end(net, conn, fx->failure, fx->error);
		return -ECONNABORTED;
	}
	if (fx->install) {
		member->status.rekeys++;
		net->ops.key(net->ctx, index, member->fresh);
	}
	if (fx->up) {
		OPENSSL_cleanse(member->fresh, sizeof(member->fresh));
		set_up(net, member, true);
	}
	if (fx->fetched)
		net->ops.fetched(net->ctx, index, fx->blob, fx->blob_len);
	return 0;
}

int cpc_net_on_established(struct cpc_net *net, struct cpc_conn *conn)
{
	struct cpc_member *member = &net->members[conn->member];
	uint8_t held[CPC_KEY_ID_BYTES], fresh[CPC_KEY_ID_BYTES];
	struct cpc_peer_effects fx = { 0 };
	bool has_held;

	/* They would not dial if they still had it, and HELLO must not be said on two at once. */
	if (member->conn && member->conn != conn)
		cpc_net_on_end(net, member->conn, CPC_NET_FAIL_REPLACED,
			       "the member made a new session");
	member->conn = conn;
	member->status.address = conn->address;
	if (conn->hint.port)
		cpc_dial_proved(&member->dial, &conn->hint);
	if (cpc_tls_cell_key(conn->tls, net->cell, net->epoch, member->fresh) < 0) {
		cpc_net_on_end(net, conn, CPC_NET_FAIL_KEY, "TLS exports no key");
		return -ECONNABORTED;
	}
	cpc_net_key_id(member->fresh, fresh);
	has_held = net->ops.key_id(net->ctx, (unsigned)conn->member, held);
	cpc_peer_start(&member->peer, cpc_net_now_us(net), conn->deadline_us,
		       has_held ? held : NULL, fresh, &fx);
	return apply(net, conn, &fx);
}

void cpc_net_on_text(struct cpc_net *net, struct cpc_conn *conn)
{
	cpc_peer_heard(&net->members[conn->member].peer, cpc_net_now_us(net));
}

int cpc_net_on_frame(struct cpc_net *net, struct cpc_conn *conn, const struct cpc_frame *frame)
{
	struct cpc_peer_effects fx = { 0 };

	cpc_peer_frame(&net->members[conn->member].peer, cpc_net_now_us(net), frame, &fx);
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
	int r = cpc_buffer_extend(&out, CPC_FRAME_HEADER_BYTES + blob->len, &bytes);

	if (r < 0)
		return r;
	w = cpc_writer_init(bytes, out.len);
	cpc_frame_encode(&w, &frame);
	cpc_assert(!w.failed && w.used == out.len);
	return cpc_conn_send(conn, out.data, out.len);
}

/* Answers the member's question, if there is one and its time has come. */
static int serve(struct cpc_net *net, struct cpc_conn *conn)
{
	CPC_BUFFER struct cpc_buffer blob = cpc_buffer_init(CPC_NET_BLOB_MAX);
	struct cpc_peer *peer = &net->members[conn->member].peer;
	uint64_t now_us = cpc_net_now_us(net);

	if (now_us < cpc_peer_serve_us(peer) || cpc_conn_unsent(conn) > CPC_NET_TX_HIGH)
		return 0;
	if (net->ops.serve(net->ctx, (unsigned)conn->member, peer->serve_after, &blob) < 0)
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

/* ---- the link ---------------------------------------------------------------------------- */

void cpc_net_on_link(struct cpc_net *net, bool up)
{
	for (unsigned i = 0; i < net->n; i++) {
		struct cpc_member *member = &net->members[i];

		if (up)
			cpc_dial_hurry(&member->dial);
		else if (member->conn)
			cpc_net_on_end(net, member->conn, CPC_NET_FAIL_INTERFACE,
				       "the interface went down or away");
	}
	while (!up && net->oldest)
		cpc_net_on_end(net, net->oldest, CPC_NET_FAIL_INTERFACE, "");
}

/* It has no session with us, it says, but we think that it has one. */
static void doubt(struct cpc_net *net, struct cpc_member *member)
{
	struct cpc_peer_effects fx = { 0 };
	uint64_t now_us = cpc_net_now_us(net);

	/* What it said may be older than its last words on the session. */
	if (now_us < member->peer.heard_us + CPC_NET_ANNOUNCE_FAST_MS * 1000ull)
		return;
	cpc_peer_doubt(&member->peer, now_us, &fx);
	apply(net, member->conn, &fx);
}

/* Whether that member wrote it, at that address; false also when too many have been checked. */
static bool is_genuine(struct cpc_net *net, struct cpc_member *member,
		       const struct cpc_announce *announce, const struct sockaddr_in6 *from)
{
	uint64_t now_us = cpc_net_now_us(net), *paid_us = &net->link.verify_us;
	uint8_t text[CPC_ANNOUNCE_SIGNED_BYTES];

	if (*paid_us > now_us + CPC_NET_VERIFY_BURST * CPC_NET_VERIFY_GAP_MS * 1000ull)
		return false;
	*paid_us = (*paid_us > now_us ? *paid_us : now_us) + CPC_NET_VERIFY_GAP_MS * 1000ull;
	if (!member->public_key)
		member->public_key = cpc_identity_public_key(announce->spki);
	cpc_announce_signed(announce, from->sin6_addr.s6_addr, text);
	return member->public_key &&
	       cpc_identity_verify(member->public_key, text, sizeof(text), announce->signature,
				   announce->signature_len);
}

void cpc_net_on_announce(struct cpc_net *net, const struct cpc_announce *announce,
			 const struct sockaddr_in6 *from)
{
	struct cpc_member *member = member_of(net, announce->index);
	struct sockaddr_in6 to = *from;

	if (announce->cell != net->cell || !member ||
	    !cpc_identity_is_spki(net->node_id[announce->index], announce->spki)) {
		net->status.announcements_ignored++;
		return;
	}
	if (announce->epoch != net->epoch) {
		net->status.announcements_ignored++;
		if (!member->conn)
			snprintf(member->status.error, sizeof(member->status.error),
				 "member %u seems to be in epoch %u of the cell, we are in %u",
				 announce->index, announce->epoch, net->epoch);
		return;
	}
	if (member->status.up) {
		if (!(announce->sessions & 1ull << net->self))
			doubt(net, member);
		return;
	}
	if (!is_genuine(net, member, announce, from)) {
		net->status.announcements_ignored++;
		return;
	}
	if (announce->index > net->self) {
		cpc_dial_heard(&member->dial, from->sin6_addr.s6_addr, announce->port,
			       cpc_net_now_us(net), cpc_net_random());
		return;
	}
	/* It dials and may not have heard us; unlike multicast, radios repeat unicast frames. */
	to.sin6_port = htons(net->port);
	cpc_link_answer(net, &to);
}

/* ---- time -------------------------------------------------------------------------------- */

static void dial(struct cpc_net *net, struct cpc_member *member, uint64_t now_us)
{
	struct cpc_dial_hint hint;
	char text[160];
	int r;

	if (!net->link.up || !cpc_dial_next(&member->dial, now_us, &hint))
		return;
	r = cpc_conn_dial(net, index_of(net, member), &hint, &member->conn);
	if (r < 0) {
		snprintf(text, sizeof(text), "cannot connect: %s", strerror(-r));
		note_failure(member, CPC_NET_FAIL_CONNECT, text);
		cpc_dial_failed(&member->dial, now_us, 0, false, cpc_net_random());
		return;
	}
	member->status.address = member->conn->address;
}

static void tick_session(struct cpc_net *net, struct cpc_member *member, uint64_t now_us)
{
	struct cpc_peer_effects fx = { 0 };
	struct cpc_conn *conn = member->conn;

	if (member->ending) {
		cpc_net_on_end(net, conn, member->end_reason,
			       member->end_reason == CPC_NET_FAIL_RESET ? "made anew on request" :
			       "cannot queue a frame");
		return;
	}
	if (!conn->established) {
		if (now_us >= conn->deadline_us)
			cpc_net_on_end(net, conn, CPC_NET_FAIL_DEADLINE, conn->connecting ?
				       "nobody answers at its address" :
				       "the TLS handshake took too long");
		return;
	}
	cpc_peer_tick(&member->peer, now_us, &fx);
	if (apply(net, conn, &fx) == 0)
		serve(net, conn);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct cpc_net *net = arg;
	uint64_t now_us = cpc_net_now_us(net);

	(void)source, (void)usec;
	cpc_link_tick(net, now_us);
	while (net->oldest && now_us >= net->oldest->deadline_us)
		cpc_net_on_end(net, net->oldest, CPC_NET_FAIL_DEADLINE, "");
	for (unsigned i = 0; i < net->n; i++) {
		struct cpc_member *member = &net->members[i];

		if (member->conn)
			tick_session(net, member, now_us);
		if (!member->conn && i > net->self)
			dial(net, member, now_us);
	}
	cpc_net_schedule(net);
	return 0;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t member_wake_us(const struct cpc_net *net, unsigned index)
{
	const struct cpc_member *member = &net->members[index];
	const struct cpc_conn *conn = member->conn;
	uint64_t wake;

	if (!conn)
		return index > net->self && net->link.up ? cpc_dial_wake_us(&member->dial) :
		       CPC_NEVER_US;
	if (member->ending)
		return 0;
	if (!conn->established)
		return conn->deadline_us;
	wake = cpc_peer_wake_us(&member->peer);
	/* Else the network's next event serves. */
	if (cpc_conn_unsent(conn) <= CPC_NET_TX_HIGH)
		wake = earlier(wake, cpc_peer_serve_us(&member->peer));
	return wake;
}

void cpc_net_schedule(struct cpc_net *net)
{
	uint64_t wake = cpc_link_wake_us(net);

	if (net->oldest)
		wake = earlier(wake, net->oldest->deadline_us);
	for (unsigned i = 0; i < net->n; i++)
		wake = earlier(wake, member_wake_us(net, i));
	/* These fail only on wrong arguments. */
	sd_event_source_set_time(net->timer, wake);
	sd_event_source_set_enabled(net->timer, SD_EVENT_ONESHOT);
}

/* ---- the interface of net.h -------------------------------------------------------------- */

static int check_members(const struct cpc_net_config *config, struct cpc_error *err)
{
	uint8_t own[CPC_NODE_ID_BYTES];

	for (unsigned i = 0; i < config->n; i++) {
		const uint8_t *id = config->node_id[i];

		for (unsigned j = 0; j < i; j++) {
			if (memcmp(id, config->node_id[j], CPC_NODE_ID_BYTES) != 0)
				continue;
			cpc_error_set(err, "members %u and %u have the same node id "
				      "%02x%02x%02x%02x...", j, i, id[0], id[1], id[2], id[3]);
			return -EINVAL;
		}
	}
	cpc_identity_node_id(config->identity, own);
	if (memcmp(own, config->node_id[config->self], sizeof(own)) != 0) {
		cpc_error_set(err, "member %u is to be us, but its node id %02x%02x%02x%02x... is "
			      "not our identity's, %02x%02x%02x%02x...", config->self,
			      config->node_id[config->self][0], config->node_id[config->self][1],
			      config->node_id[config->self][2], config->node_id[config->self][3],
			      own[0], own[1], own[2], own[3]);
		return -EKEYREJECTED;
	}
	return 0;
}

static int check_config(const struct cpc_net_config *config, struct cpc_error *err)
{
	size_t len = strlen(config->ifname);

	if (config->n < 2 || config->n > CPC_MEMBERS_MAX) {
		cpc_error_set(err, "%u members: it takes 2 to %d to talk", config->n,
			      CPC_MEMBERS_MAX);
		return -EINVAL;
	}
	if (config->self >= config->n) {
		cpc_error_set(err, "we cannot be member %u of %u (0..%u)", config->self, config->n,
			      config->n - 1);
		return -EINVAL;
	}
	if (len == 0 || len >= IF_NAMESIZE) {
		cpc_error_set(err, "'%s' cannot be an interface's name", config->ifname);
		return -EINVAL;
	}
	if (config->port == 0) {
		cpc_error_set(err, "port 0: members must know each other's port in advance");
		return -EINVAL;
	}
	return check_members(config, err);
}

static int fill(struct cpc_net *net, const struct cpc_net_config *config, struct cpc_error *err)
{
	int r;

	net->node_id = calloc(config->n, sizeof(*net->node_id));
	if (!net->node_id)
		return -ENOMEM;
	memcpy(net->node_id, config->node_id, config->n * sizeof(*net->node_id));
	memcpy(net->ifname, config->ifname, strlen(config->ifname) + 1);
	for (unsigned i = 0; i < net->n; i++) {
		net->members[i].status.since_us = cpc_net_now_us(net);
		if (i != net->self)
			cpc_peer_init(&net->members[i].peer, net->cell, net->epoch, net->self, i);
	}
	r = cpc_tls_context_new(config->identity, config->node_id, config->n, config->self,
				&net->tls, err);
	if (r < 0)
		return r;
	/* An accuracy of 1 ms: nothing here is in a greater hurry. */
	r = sd_event_add_time(net->event, &net->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, net);
	if (r < 0) {
		cpc_error_set(err, "cannot make a timer: %s", strerror(-r));
		return r;
	}
	return cpc_link_open(net, err);
}

int cpc_net_new(const struct cpc_net_config *config, const struct cpc_net_ops *ops, void *ctx,
		struct cpc_net **ret, struct cpc_error *err)
{
	struct cpc_net *net;
	int r = check_config(config, err);

	if (r < 0)
		return r;
	net = calloc(1, sizeof(*net) + config->n * sizeof(net->members[0]));
	if (!net) {
		cpc_error_set(err, "out of memory for %u members", config->n);
		return -ENOMEM;
	}
	net->event = sd_event_ref(config->event);
	net->identity = config->identity;
	net->ops = *ops;
	net->ctx = ctx;
	net->port = config->port;
	net->cell = config->cell;
	net->epoch = config->epoch;
	net->n = config->n;
	net->self = config->self;
	r = fill(net, config, err);
	if (r < 0) {
		cpc_net_free(net);
		return r;
	}
	*ret = net;
	return 0;
}

void cpc_net_free(struct cpc_net *net)
{
	if (!net)
		return;
	for (unsigned i = 0; i < net->n; i++) {
		cpc_conn_free(net->members[i].conn);
		EVP_PKEY_free(net->members[i].public_key);
		OPENSSL_cleanse(net->members[i].fresh, sizeof(net->members[i].fresh));
	}
	while (net->oldest)
		cpc_conn_free(net->oldest);
	cpc_link_close(net);
	sd_event_source_disable_unref(net->timer);
	cpc_tls_context_free(net->tls);
	sd_event_unref(net->event);
	free(net->node_id);
	free(net);
}

/* The session is closed by the timer, not here: its connection may be in use up the stack. */
static void end_soon(struct cpc_net *net, struct cpc_member *member, enum cpc_net_failure reason)
{
	member->ending = true;
	member->end_reason = reason;
	cpc_net_schedule(net);
}

int cpc_net_fetch(struct cpc_net *net, unsigned index, uint32_t after_slot)
{
	struct cpc_member *member = member_of(net, index);
	struct cpc_peer_effects fx = { 0 };
	int r;

	if (!member)
		return -EINVAL;
	if (member->ending)
		return -ENOTCONN;
	r = cpc_peer_fetch(&member->peer, cpc_net_now_us(net), after_slot, &fx);
	if (r < 0)
		return r;
	if (cpc_conn_send(member->conn, fx.out, fx.out_len) < 0)
		end_soon(net, member, CPC_NET_FAIL_MEMORY);
	else
		cpc_net_schedule(net);
	return 0;
}

bool cpc_net_is_up(const struct cpc_net *net, unsigned index)
{
	const struct cpc_member *member = member_of(net, index);

	return member && member->status.up;
}

void cpc_net_reset(struct cpc_net *net, unsigned index)
{
	struct cpc_member *member = member_of(net, index);

	if (member && member->conn)
		end_soon(net, member, CPC_NET_FAIL_RESET);
}

int cpc_net_peer_status(const struct cpc_net *net, unsigned index,
			struct cpc_net_peer_status *ret)
{
	const struct cpc_member *member = member_of(net, index);

	if (!member)
		return -EINVAL;
	*ret = member->status;
	ret->rtt_us = member->peer.rtt_us;
	if (member->conn) {
		ret->rx_bytes += member->conn->rx_bytes;
		ret->tx_bytes += member->conn->tx_bytes;
	}
	return 0;
}

void cpc_net_status(const struct cpc_net *net, struct cpc_net_status *ret)
{
	*ret = net->status;
}
