// SPDX-License-Identifier: BSD-3-Clause
/* setup_io.c - from options to a member on the air: cell, keys, radio; see run.h. */
#include "tools/cpc-twin/run.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static int say_errno(struct cpc_error *error, const char *what)
{
	int r = -errno;

	cpc_error_set(error, "%s: %s", what, strerror(-r));
	return r;
}

/* ---- the cell -------------------------------------------------------------------------------- */

static void write_decision(void *ctx, const struct cpc_core *core,
			   const struct cpc_decision *decision)
{
	struct cpc_twin_run *run = ctx;
	unsigned int i;

	(void)core;
	fprintf(run->log, "%u ", decision->slot);
	for (i = 0; i < sizeof(decision->log_hash.b); i++)
		fprintf(run->log, "%02x", decision->log_hash.b[i]);
	fputc(' ', run->log);
	for (i = 0; i < sizeof(decision->value.b); i++)
		fprintf(run->log, "%02x", decision->value.b[i]);
	fputc('\n', run->log);
}

static int make_cell(struct cpc_twin_run *run, u64 seed, struct cpc_error *error)
{
	const struct cpc_agent_config *config = &run->config;
	u8 node_id[CPC_MEMBERS_MAX][32];
	struct cpc_twin_cell_config cell = {
		.cell = config->cell,
		.epoch = config->epoch,
		.n = (u8)config->n,
		.self = (u8)run->self,
		.node_id = (const u8(*)[32])node_id,
		.mac = run->options->mac,
		.pacing = (u8)config->pacing,
		.default_verdict = (u8)config->default_verdict,
		.slow_first_view = config->slow_first_view,
		.period_us = config->period_ms * 1000,
		.seed = seed,
	};
	unsigned int i;

	for (i = 0; i < config->n; i++)
		memcpy(node_id[i], config->member[i].node_id, sizeof(node_id[i]));
	run->cell = cpc_twin_cell_new(&cell, cpc_twin_now_us());
	if (!run->cell) {
		cpc_error_set(error, "no cell of %u members", config->n);
		return -ENOMEM;
	}
	if (run->options->lies) {
		run->lie = cpc_lie_new(run->options->lies, run->cell->core, seed,
				       cpc_twin_now_us());
		if (!run->lie) {
			cpc_error_set(error, "out of memory");
			return -ENOMEM;
		}
	}
	if (!run->options->log)
		return 0;
	run->log = fopen(run->options->log, "we");
	if (!run->log)
		return say_errno(error, run->options->log);
	/* Whoever waits for a decision reads it there; a run that measures asks for no log. */
	setvbuf(run->log, NULL, _IOLBF, 0);
	run->cell->decided = write_decision;
	run->cell->ctx = run;
	return 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static int set_test_keys(struct cpc_twin_run *run, struct cpc_error *error)
{
	u8 key[CPC_TWIN_KEY_BYTES];
	unsigned int i;

	for (i = 0; i < run->config.n; i++) {
		if (i == run->self)
			continue;
		cpc_twin_test_key(run->config.cell, run->config.epoch, i, run->self, key);
		if (cpc_twin_cell_key(run->cell, i, key) == 0)
			continue;
		cpc_error_set(error, "OpenSSL has no %s", cpc_twin_mac_name(run->options->mac));
		return -ENOENT;
	}
	return 0;
}

/* Which member that peer is; the twin knows of one epoch only. */
static int member_of(const struct cpc_twin_run *run, unsigned int peer)
{
	const uint8_t *id = cpc_net_node_id(run->net, peer);

	return id ? cpc_config_find(&run->config, id) : -ENOENT;
}

static void on_key(void *ctx, unsigned int peer, uint16_t cell, uint16_t epoch,
		   const uint8_t key[16])
{
	struct cpc_twin_run *run = ctx;
	struct cpc_twin_cell *twin = run->cell;
	unsigned int before = twin->keys;
	int member = member_of(run, peer);

	/* Without memory for it the member stays without a key, which shows in the counters. */
	if (member >= 0)
		cpc_twin_cell_key(twin, (unsigned int)member, key);
	/* A quorum decides without the last ones: whoever waits for them cannot tell by the log. */
	if (twin->keys > before && twin->keys == twin->n - 1)
		fprintf(stderr, "cpc-twin: member %u of cell %u epoch %u has all keys\n",
			twin->self, cell, epoch);
}

static bool on_key_id(void *ctx, unsigned int peer, uint16_t cell, uint16_t epoch,
		      uint8_t ret_id[8])
{
	struct cpc_twin_run *run = ctx;
	int member = member_of(run, peer);

	(void)cell;
	(void)epoch;
	if (member < 0 || !run->cell->key[member])
		return false;
	memcpy(ret_id, cpc_twin_key_id(run->cell->key[member]), CPC_TWIN_KEY_ID_BYTES);
	return true;
}

/* A twin keeps no log that it could serve, and catches up in the elements only. */
static int on_serve(void *ctx, unsigned int peer, uint16_t cell, uint16_t epoch,
		    uint32_t after_slot, struct cpc_buffer *out)
{
	(void)ctx;
	(void)peer;
	(void)cell;
	(void)epoch;
	(void)after_slot;
	(void)out;
	return 0;
}

/* Nor does it follow its cell into other epochs. */
static void on_bytes(void *ctx, unsigned int peer, const uint8_t *data, size_t len)
{
	(void)ctx;
	(void)peer;
	(void)data;
	(void)len;
}

static void on_found(void *ctx, const uint8_t node_id[32], uint16_t epoch)
{
	(void)ctx;
	(void)node_id;
	(void)epoch;
}

static void on_peer(void *ctx, unsigned int peer, bool up)
{
	(void)ctx;
	(void)peer;
	(void)up;
}

static const struct cpc_net_ops net_ops = {
	.key = on_key,
	.key_id = on_key_id,
	.serve = on_serve,
	.fetched = on_bytes,
	.told = on_bytes,
	.found = on_found,
	.peer = on_peer,
};

static int know_members(struct cpc_twin_run *run, struct cpc_error *error)
{
	struct cpc_net_relation relation = { .trusted = true };
	unsigned int i;
	int r;

	for (i = 0; i < run->config.n; i++) {
		if (i == run->self)
			continue;
		r = cpc_net_know(run->net, run->config.member[i].node_id, relation);
		if (r < 0) {
			cpc_error_set(error, "member %u cannot be known: %s", i, strerror(-r));
			return r;
		}
	}
	return 0;
}

static int start_net(struct cpc_twin_run *run, struct cpc_error *error)
{
	const struct cpc_agent_config *config = &run->config;
	struct cpc_net_epoch epoch = { config->cell, config->epoch };
	struct cpc_net_config net = {
		.identity = run->identity,
		.ifname = config->interface,
		.port = config->port,
		.certificate = config->certificate,
		.authority = config->authority,
	};
	int r = sd_event_new(&run->event);

	if (r < 0) {
		cpc_error_set(error, "event loop: %s", strerror(-r));
		return r;
	}
	net.event = run->event;
	r = cpc_net_new(&net, &net_ops, run, &run->net, error);
	if (r == 0)
		r = know_members(run, error);
	if (r < 0)
		return r;
	cpc_net_present(run->net, config->cell, config->epoch);
	cpc_net_offer(run->net, &epoch, 1);
	return 0;
}

/* ---- configuration --------------------------------------------------------------------------- */

static int from_file(struct cpc_twin_run *run, struct cpc_error *error)
{
	uint8_t id[CPC_NODE_ID_BYTES];
	int r = cpc_config_load(run->options->config, &run->config, error);

	if (r < 0)
		return r;
	r = cpc_identity_load(run->config.key_file, &run->identity, error);
	if (r < 0)
		return r;
	cpc_identity_node_id(run->identity, id);
	r = cpc_config_find(&run->config, id);
	if (r < 0) {
		cpc_error_set(error, "the key %.60s is no member's in the configuration",
			      run->config.key_file);
		return -EINVAL;
	}
	run->self = (unsigned int)r;
	if (run->options->has_pacing)
		run->config.pacing = run->options->cell.pacing;
	return 0;
}

static void from_options(struct cpc_twin_run *run)
{
	unsigned int i;

	run->config = run->options->cell;
	run->self = run->options->self;
	for (i = 0; i < run->config.n; i++)
		cpc_twin_test_node_id(i, run->config.member[i].node_id);
}

/* ---- carriers and events --------------------------------------------------------------------- */

static int start_carriers(struct cpc_twin_run *run, struct cpc_error *error)
{
	struct cpc_v2x_config config = { .carrier = CPC_V2X_CAM, .station_id = 200 + run->self };

	memcpy(config.mac, cpc_air_mac(run->air), sizeof(config.mac));
	run->motion = (struct cpc_v2x_motion){
		.latitude_deg = 52.5,
		.longitude_deg = 13.4 + 0.001 * run->self,
		.speed_m_s = 10,
		.heading_deg = 90,
	};
	return cpc_v2x_sender_init(&run->sender, &config, error);
}

static int watch(struct cpc_twin_run *run, int fd, struct cpc_error *error)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ?
		       say_errno(error, "epoll") : 0;
}

static int start_loop(struct cpc_twin_run *run, struct cpc_error *error)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* The default slack of 50 us would show in what is measured here. */
	prctl(PR_SET_TIMERSLACK, 1);
	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->epoll_fd < 0 || run->signal_fd < 0)
		return say_errno(error, "event loop");
	r = watch(run, run->signal_fd, error);
	r = r ? r : watch(run, cpc_air_fd(run->air), error);
	if (r == 0 && run->event)
		r = watch(run, sd_event_get_fd(run->event), error);
	return r;
}

/* ---- all together ---------------------------------------------------------------------------- */

u64 cpc_twin_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000 + (u64)now.tv_nsec / 1000;
}

int cpc_twin_open(struct cpc_twin_run *run, const struct cpc_twin_options *options,
		  struct cpc_error *error)
{
	u64 seed = options->seed;
	int r = 0;

	memset(run, 0, sizeof(*run));
	run->options = options;
	run->epoll_fd = run->signal_fd = -1;
	if (!seed && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return say_errno(error, "getrandom");
	if (options->config)
		r = from_file(run, error);
	else
		from_options(run);
	r = r ? r : make_cell(run, seed, error);
	r = r ? r : cpc_air_open(run->config.interface, &run->air, error);
	r = r ? r : start_carriers(run, error);
	if (r == 0)
		r = options->config ? start_net(run, error) : set_test_keys(run, error);
	return r ? r : start_loop(run, error);
}

void cpc_twin_close(struct cpc_twin_run *run)
{
	cpc_net_free(run->net);
	sd_event_unref(run->event);
	cpc_identity_free(run->identity);
	cpc_air_close(run->air);
	cpc_lie_free(run->lie);
	cpc_twin_cell_free(run->cell);
	if (run->log)
		fclose(run->log);
	if (run->epoll_fd >= 0)
		close(run->epoll_fd);
	if (run->signal_fd >= 0)
		close(run->signal_fd);
}
