// SPDX-License-Identifier: BSD-3-Clause
/* The net as its user sees it, and the timer that drives it. */
#include "agent/net/net_io.h"

#include <stdio.h>
#include <sys/random.h>

static const char *const failure_names[CPC_NET_FAIL_COUNT] = {
	[CPC_NET_FAIL_CONNECT] = "connect",
	[CPC_NET_FAIL_DEADLINE] = "deadline",
	[CPC_NET_FAIL_TLS] = "tls",
	[CPC_NET_FAIL_OVERSIZED] = "oversized",
	[CPC_NET_FAIL_NO_CERTIFICATE] = "no-certificate",
	[CPC_NET_FAIL_CERTIFICATE] = "certificate",
	[CPC_NET_FAIL_IDENTITY] = "identity",
	[CPC_NET_FAIL_STRANGERS] = "strangers",
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
	[CPC_NET_FAIL_FORGOTTEN] = "forgotten",
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

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct cpc_net *net = arg;
	uint64_t now_us = cpc_net_now_us(net);

	(void)source, (void)usec;
	cpc_link_tick(net, now_us);
	while (net->oldest && now_us >= net->oldest->deadline_us)
		cpc_net_on_end(net, net->oldest, CPC_NET_FAIL_DEADLINE, "");
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++)
		cpc_session_tick(net, &net->places[i], now_us);
	cpc_net_schedule(net);
	return 0;
}

void cpc_net_schedule(struct cpc_net *net)
{
	uint64_t wake = cpc_link_wake_us(net);

	if (net->oldest && net->oldest->deadline_us < wake)
		wake = net->oldest->deadline_us;
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		uint64_t other = cpc_session_wake_us(net, &net->places[i]);

		if (other < wake)
			wake = other;
	}
	/* These fail only on wrong arguments. */
	sd_event_source_set_time(net->timer, wake);
	sd_event_source_set_enabled(net->timer, SD_EVENT_ONESHOT);
}

/* ---- making one -------------------------------------------------------------------------- */

static int check_config(const struct cpc_net_config *config, struct cpc_error *err)
{
	size_t len = strlen(config->ifname);

	if (len == 0 || len >= IF_NAMESIZE) {
		cpc_error_set(err, "'%s' cannot be an interface's name", config->ifname);
		return -EINVAL;
	}
	if (config->port == 0) {
		cpc_error_set(err, "port 0: nodes must know each other's port in advance");
		return -EINVAL;
	}
	return 0;
}

static int load(const char *path, struct cpc_certificates **ret, struct cpc_error *err)
{
	return path && *path ? cpc_certificates_load(path, ret, err) : 0;
}

static int set_up_tls(struct cpc_net *net, const struct cpc_net_config *config,
		      struct cpc_error *err)
{
	CPC_CLEANUP(cpc_cleanup_certificates) struct cpc_certificates *own = NULL;
	CPC_CLEANUP(cpc_cleanup_certificates) struct cpc_certificates *authorities = NULL;
	struct cpc_tls_config tls = { .identity = config->identity, .judge = cpc_place_judge,
				      .ctx = net };
	int r = load(config->certificate, &own, err);

	if (r == 0 && own)
		r = cpc_certificates_check_own(config->certificate, own, config->identity, err);
	if (r == 0)
		r = load(config->authority, &authorities, err);
	if (r < 0)
		return r;
	tls.own = own;
	tls.authorities = authorities;
	return cpc_tls_context_new(&tls, &net->tls, err);
}

static int fill(struct cpc_net *net, const struct cpc_net_config *config, struct cpc_error *err)
{
	int r = set_up_tls(net, config, err);

	if (r < 0)
		return r;
	memcpy(net->ifname, config->ifname, strlen(config->ifname) + 1);
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
	net = calloc(1, sizeof(*net));
	if (!net) {
		cpc_error_set(err, "out of memory for %d peers", CPC_NET_PEERS_MAX);
		return -ENOMEM;
	}
	net->event = sd_event_ref(config->event);
	net->identity = config->identity;
	net->ops = *ops;
	net->ctx = ctx;
	net->port = config->port;
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
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		cpc_conn_free(net->places[i].conn);
		EVP_PKEY_free(net->places[i].public_key);
	}
	while (net->oldest)
		cpc_conn_free(net->oldest);
	cpc_link_close(net);
	sd_event_source_disable_unref(net->timer);
	cpc_tls_context_free(net->tls);
	sd_event_unref(net->event);
	free(net);
}

/* ---- cells and sessions ------------------------------------------------------------------ */

void cpc_net_present(struct cpc_net *net, uint16_t cell, uint16_t epoch)
{
	struct cpc_net_epoch presents = { cell, epoch };

	if (net->presents.cell == cell && net->presents.epoch == epoch)
		return;
	net->presents = presents;
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		struct cpc_place *place = &net->places[i];
		struct cpc_peer_effects fx = { 0 };

		if (!place->status.up || place->ending)
			continue;
		cpc_peer_present(&place->peer, presents, &fx);
		cpc_session_say(net, place, &fx);
	}
	cpc_link_announce_soon(net);
	cpc_net_schedule(net);
}

void cpc_net_seek(struct cpc_net *net, uint16_t cell)
{
	if (cell == net->sought)
		return;
	net->sought = cell;
	net->sought_us = cpc_net_now_us(net);
	cpc_link_announce_soon(net);
	cpc_net_schedule(net);
}

void cpc_net_offer(struct cpc_net *net, const struct cpc_net_epoch *epochs, unsigned n)
{
	cpc_assert(n <= CPC_NET_EPOCHS_MAX);
	net->n_offers = n;
	for (unsigned i = 0; i < n; i++)
		net->offers[i] = epochs[i];
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		struct cpc_place *place = &net->places[i];

		if (!place->status.up || place->ending)
			continue;
		cpc_peer_keep(&place->peer, net->offers, n);
		cpc_session_offer(net, place);
	}
	cpc_net_schedule(net);
}

int cpc_net_fetch(struct cpc_net *net, unsigned peer, uint16_t cell, uint16_t epoch,
		  uint32_t after_slot)
{
	struct cpc_place *place = cpc_place_at(net, peer);
	struct cpc_net_epoch about = { cell, epoch };
	struct cpc_peer_effects fx = { 0 };
	int r;

	if (!place)
		return -EINVAL;
	if (place->ending)
		return -ENOTCONN;
	r = cpc_peer_fetch(&place->peer, cpc_net_now_us(net), about, after_slot, &fx);
	if (r < 0)
		return r;
	cpc_session_say(net, place, &fx);
	cpc_net_schedule(net);
	return 0;
}

int cpc_net_tell(struct cpc_net *net, unsigned peer, const void *data, size_t len)
{
	struct cpc_frame frame = { .type = CPC_FRAME_TELL, .blob = { data, len } };
	uint8_t bytes[CPC_FRAME_HEADER_BYTES + CPC_NET_TELL_MAX];
	struct cpc_writer w = cpc_writer_init(bytes, sizeof(bytes));
	struct cpc_place *place = cpc_place_at(net, peer);
	int r;

	if (!place)
		return -EINVAL;
	if (!place->status.up || place->ending)
		return -ENOTCONN;
	if (len < 1 || len > CPC_NET_TELL_MAX)
		return -EMSGSIZE;
	if (cpc_conn_unsent(place->conn) > CPC_NET_TX_HIGH)
		return -EAGAIN;
	r = cpc_peer_tell(&place->peer, cpc_net_now_us(net));
	if (r < 0)
		return r;
	cpc_frame_encode(&w, &frame);
	cpc_assert(!w.failed);
	if (cpc_conn_send(place->conn, bytes, w.used) < 0) {
		cpc_session_end_soon(net, place, CPC_NET_FAIL_MEMORY, "cannot queue what to tell");
		return -ENOMEM;
	}
	return 0;
}

bool cpc_net_is_up(const struct cpc_net *net, unsigned peer)
{
	const struct cpc_place *place = cpc_place_at(net, peer);

	return place && place->status.up;
}

void cpc_net_reset(struct cpc_net *net, unsigned peer)
{
	struct cpc_place *place = cpc_place_at(net, peer);

	if (place && place->conn)
		cpc_session_end_soon(net, place, CPC_NET_FAIL_RESET, "made anew on request");
}
