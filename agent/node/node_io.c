// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "agent/node/node_private.h"

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

u64 cpc_node_now_us(void)
{
	return (u64)clock_us(CLOCK_MONOTONIC);
}

int64_t cpc_node_wall_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

const char *cpc_node_member_name(const struct cpc_node *node, unsigned int member)
{
	return member < node->n ? node->name[member] : "?";
}

const char *cpc_node_name(const struct cpc_node *node, const uint8_t node_id[32])
{
	static char text[8][CPC_CONFIG_NAME_MAX + 1];
	static unsigned int next;
	const char *name = node_id ? cpc_config_name(node->config, node_id) : "?";
	uint8_t own[32];
	char *out;

	if (name)
		return name;
	cpc_node_own_id(node, own);
	if (node->config->name[0] && memcmp(own, node_id, sizeof(own)) == 0)
		return node->config->name;
	out = text[next++ % 8];
	cpc_hex(node_id, 4, out);
	return out;
}

void cpc_node_own_id(const struct cpc_node *node, uint8_t ret_id[32])
{
	cpc_identity_node_id(node->setup.identity, ret_id);
}

/* ---- what is said ---------------------------------------------------------------------------- */

void cpc_node_say(struct cpc_node *node, int priority, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	node->setup.say(priority, text);
}

void cpc_node_complain(struct cpc_node *node, enum cpc_complaint which, const char *text)
{
	u64 now_us = cpc_node_now_us();

	if (node->complained_us[which] &&
	    now_us - node->complained_us[which] < CPC_NODE_COMPLAIN_US)
		return;
	node->complained_us[which] = now_us;
	node->setup.say(LOG_WARNING, text);
}

void cpc_node_fail(struct cpc_node *node, int status, const char *text)
{
	if (node->failed)
		return;
	node->failed = true;
	node->setup.say(LOG_ERR, text);
	sd_event_exit(node->setup.event, status);
}

unsigned int cpc_node_members_up(const struct cpc_node *node)
{
	unsigned int up = 0, i;
	int peer;

	for (i = 0; i < node->n; i++) {
		peer = cpc_node_member_peer(node, i);
		up += peer >= 0 && cpc_net_is_up(node->net, (unsigned int)peer);
	}
	return up;
}

void cpc_node_show_status(struct cpc_node *node)
{
	char text[sizeof(node->status)];

	if (node->running)
		snprintf(text, sizeof(text),
			 "cell %u epoch %u: slot %u, %u of %u peers connected%s", node->cell,
			 node->epoch.epoch, cpc_store_tip(node->store)->slot,
			 cpc_node_members_up(node), node->n - 1,
			 node->catchup.phase == CPC_CATCHUP_IDLE ? "" : ", catching up");
	else
		snprintf(text, sizeof(text), "waiting: %.180s", node->waiting);
	if (strcmp(text, node->status) == 0)
		return;
	memcpy(node->status, text, sizeof(text));
	node->setup.status(text);
}

/* ---- the tick -------------------------------------------------------------------------------- */

/* The wall clock only labels records: a jump harms nothing, but who reads the log should know. */
static void watch_clock(struct cpc_node *node)
{
	int64_t offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME);
	int64_t moved_us = offset_us - node->clock_offset_us;

	node->clock_offset_us = offset_us;
	if (moved_us < CPC_NODE_CLOCK_JUMP_US && moved_us > -CPC_NODE_CLOCK_JUMP_US)
		return;
	node->clock_jumps++;
	if (node->clock_jumps == 1)
		cpc_node_say(node, LOG_NOTICE, "the wall clock jumped by %+.3f s; times in the log "
			     "jump with it (further jumps are only counted)", moved_us / 1e6);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cpc_node *node = userdata;
	struct cpc_error error;
	u64 now_us = cpc_node_now_us();
	int r;

	(void)usec;
	watch_clock(node);
	if (!node->running && !node->outside) {
		r = cpc_node_join(node, &error);
		if (r < 0 && r != -EAGAIN)
			cpc_node_fail(node, r == -ESTALE || r == -EEXIST || r == -EINVAL ?
					    CPC_EXIT_OPERATOR : EXIT_FAILURE, error.text);
	} else if (node->outside) {
		cpc_node_epoch_tick(node);
		cpc_catchup_tick(&node->catchup, now_us);
		cpc_node_look_around(node);
	} else {
		cpc_node_epoch_tick(node);
		cpc_node_look_around(node);
		cpc_node_change_tick(node);
		if (now_us - node->looked_us >= CPC_NODE_LOOK_US)
			cpc_node_sync(node);
		cpc_node_bpf_tick(node);
		cpc_node_submit_waiting(node);
		cpc_catchup_tick(&node->catchup, now_us);
	}
	cpc_node_show_status(node);
	sd_event_source_set_time_relative(source, CPC_NODE_TICK_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* One daemon per state directory: two would submit the same outbox. */
static int lock_state(struct cpc_node *node, struct cpc_error *error)
{
	const char *dir = node->config->state_dir;
	char path[CPC_CONFIG_PATH_MAX + 16];

	if (mkdir(dir, 0750) < 0 && errno != EEXIST) {
		cpc_error_set(error, "%s: cannot be made: %s", dir, strerror(errno));
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/lock", dir);
	node->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (node->lock_fd < 0) {
		cpc_error_set(error, "%s: %s", path, strerror(errno));
		return -errno;
	}
	if (flock(node->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		cpc_error_set(error, "%s: another cpchaind uses this state directory", dir);
		return -EBUSY;
	}
	return 0;
}

static int open_parts(struct cpc_node *node, struct cpc_error *error)
{
	char path[CPC_CONFIG_PATH_MAX + 16];
	int r = lock_state(node, error);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/cpchain.db", node->config->state_dir);
	r = cpc_store_open(path, &node->store, error);
	if (r < 0)
		return r;
	return cpc_api_new(node->setup.event, node->config->socket, &cpc_node_api_ops, node,
			   &node->api, error);
}

int cpc_node_new(const struct cpc_node_setup *setup, struct cpc_node **ret_node,
		 struct cpc_error *error)
{
	struct cpc_node *node = calloc(1, sizeof(*node));
	int r;

	if (!node)
		return -ENOMEM;
	node->setup = *setup;
	node->config = setup->config;
	node->cell = setup->config->cell;
	node->change.asker = -1;
	node->lock_fd = -1;
	node->bpf.measuring = -1;
	node->clock_offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME);
	cpc_catchup_init(&node->catchup, 1, 0, &cpc_node_catchup_ops, node);	/* nobody yet */
	r = open_parts(node, error);
	if (r == 0)
		r = cpc_node_join(node, error);
	if (r == 0 || r == -EAGAIN)
		r = sd_event_add_time_relative(setup->event, &node->tick, CLOCK_MONOTONIC,
					       CPC_NODE_TICK_US, 0, on_tick, node);
	if (r < 0) {
		cpc_node_free(node);
		return r;
	}
	cpc_node_show_status(node);
	*ret_node = node;
	return 0;
}

void cpc_node_stop(struct cpc_node *node)
{
	struct cpc_error error;
	int r;

	if (!node->running || !node->config->leave_on_stop)
		return;
	cpc_node_sync(node);
	if (!node->running)
		return;
	cpc_node_drop_old(node);
	node->running = false;
	cpc_node_bpf_cell_gone(node, true);
	r = cpc_link_cell_del(node->link, node->cell, &error);
	if (r == 0)
		r = cpc_store_leave(node->store, &error);
	if (r < 0)
		cpc_node_say(node, LOG_ERR, "%s", error.text);
	else
		cpc_node_say(node, LOG_NOTICE, "left cell %u epoch %u", node->cell,
			     node->epoch.epoch);
}

void cpc_node_free(struct cpc_node *node)
{
	unsigned int i;

	if (!node)
		return;
	sd_event_source_disable_unref(node->tick);
	cpc_node_gateway_stop(node);
	sd_event_source_disable_unref(node->gateway_retry);
	cpc_api_free(node->api);
	cpc_node_bpf_free(node);
	cpc_net_free(node->net);
	cpc_link_free(node->link);
	cpc_catchup_done(&node->catchup);
	cpc_store_close(node->store);
	for (i = 0; i < CPC_NET_PEERS_MAX; i++)
		cpc_record_reader_free(node->reader[i].names);
	if (node->lock_fd >= 0)
		close(node->lock_fd);
	free(node);
}
