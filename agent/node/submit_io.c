// SPDX-License-Identifier: BSD-3-Clause
/*
 * submit_io.c - payloads into the outbox, and from the outbox into the kernel's own lane.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/node_private.h"

/* ---- outbox to kernel ------------------------------------------------------------------------ */

/* One entry. Returns 1: go on, 0: later. */
static int submit(struct cpc_node *node, const struct cpc_outbox_item *item)
{
	struct cpc_error error;
	u64 now_us = cpc_node_now_us();
	u32 seq;
	int r;

	r = cpc_link_submit(node->link, node->cell, item->kind, item->data, item->len, &seq,
			    &error);
	switch (r) {
	case 0:
		cpc_latency_submitted(&node->latency, seq, now_us);
		cpc_proposals_submitted(&node->proposals, item->local_id, seq);
		r = cpc_outbox_submitted(node->store, item, seq, &error);
		if (r == 0)
			return 1;
		/* What the file says of the outbox is behind the kernel now: start over from it. */
		cpc_node_fail(node, EXIT_FAILURE, error.text);
		return 0;
	case -EAGAIN:
		return 0;
	case -EINVAL:
	case -EMSGSIZE:
		cpc_node_say(node, LOG_ERR, "an entry is dropped: %s", error.text);
		node->refused++;
		cpc_proposals_refused(&node->proposals, item->local_id);
		r = cpc_outbox_refused(node->store, item, &error);
		if (r == 0)
			return 1;
		break;
	default:
		break;
	}
	cpc_node_complain(node, CPC_COMPLAIN_SUBMIT, error.text);
	return 0;
}

void cpc_node_submit_waiting(struct cpc_node *node)
{
	struct cpc_outbox_item item;
	struct cpc_error error;
	int r = 1;

	while (r > 0 && node->running && !node->failed) {
		r = cpc_outbox_next(node->store, &item, &error);
		if (r < 0)
			cpc_node_complain(node, CPC_COMPLAIN_STORE, error.text);
		if (r > 0)
			r = submit(node, &item);
	}
}

/* ---- gateway to outbox ----------------------------------------------------------------------- */

static void gateway_payload(void *ctx, const uint8_t *payload, size_t size)
{
	struct cpc_node *node = ctx;
	struct cpc_error error;
	int r = cpc_outbox_push(node->store, CPC_ENTRY_ORDINARY, CPC_PAYLOAD_RECORD, payload, size,
				NULL, &error);

	if (r == 0) {
		node->gateway_payloads++;
		return;
	}
	node->outbox_full++;
	cpc_node_complain(node, CPC_COMPLAIN_OUTBOX, error.text);
}

static int on_gateway_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cpc_node *node = userdata;
	struct cpc_error error;
	int r;

	(void)usec;
	r = cpc_store_begin(node->store, &error);
	if (r == 0) {
		cpc_gateway_flush(node->gateway, cpc_node_now_us() / 1000, gateway_payload, node);
		r = cpc_store_commit(node->store, &error);
	}
	if (r < 0)
		cpc_node_complain(node, CPC_COMPLAIN_STORE, error.text);
	cpc_node_submit_waiting(node);
	sd_event_source_set_time(source, cpc_gateway_next_ms(node->gateway) * 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int on_gateway_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cpc_node *node = userdata;
	struct cpc_error error;

	(void)usec;
	if (cpc_node_gateway_start(node, &error) == 0) {
		cpc_node_say(node, LOG_NOTICE, "%s is back", node->config->can);
		return 0;
	}
	cpc_node_complain(node, CPC_COMPLAIN_GATEWAY, error.text);
	sd_event_source_set_time_relative(source, CPC_NODE_GATEWAY_RETRY_US);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

/* The interface was removed: look for it again from time to time. */
static void gateway_lost(struct cpc_node *node)
{
	cpc_node_gateway_stop(node);
	node->gateway_retry = sd_event_source_disable_unref(node->gateway_retry);
	sd_event_add_time_relative(node->setup.event, &node->gateway_retry, CLOCK_MONOTONIC,
				   CPC_NODE_GATEWAY_RETRY_US, 0, on_gateway_retry, node);
}

static int on_gateway_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct cpc_node *node = userdata;
	struct cpc_error error;
	int r;

	(void)source;
	(void)fd;
	(void)revents;
	r = cpc_gateway_dispatch(node->gateway, cpc_node_now_us() / 1000, &error);
	if (r >= 0)
		return 0;
	cpc_node_complain(node, CPC_COMPLAIN_GATEWAY, error.text);
	if (r == -ENODEV)
		gateway_lost(node);
	return 0;
}

static void say_warnings(struct cpc_node *node)
{
	char text[300];
	uint32_t i;

	for (i = 0; cpc_gateway_warning(node->gateway, i, text, sizeof(text)); i++)
		cpc_node_say(node, LOG_WARNING, "%s", text);
}

int cpc_node_gateway_start(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_gateway_config config = {
		.interface = node->config->can,
		.dbc_path = node->config->dbc,
		.overlay_path = node->config->overlay,
		.period_ms = node->config->gateway_period_ms,
		.payload_max = CPC_PAYLOAD_MAX,
	};
	int r = cpc_gateway_new(&config, &node->gateway, error);

	if (r < 0)
		return r;
	say_warnings(node);
	cpc_gateway_listen(node->gateway, cpc_node_bpf_reading, node);
	r = sd_event_add_io(node->setup.event, &node->gateway_io, cpc_gateway_fd(node->gateway),
			    EPOLLIN, on_gateway_io, node);
	if (r >= 0)
		r = sd_event_add_time(node->setup.event, &node->gateway_timer, CLOCK_MONOTONIC,
				      cpc_gateway_next_ms(node->gateway) * 1000, 1000,
				      on_gateway_timer, node);
	if (r < 0)
		cpc_error_set(error, "event loop: %s", strerror(-r));
	return r < 0 ? r : 0;
}

void cpc_node_gateway_stop(struct cpc_node *node)
{
	node->gateway_io = sd_event_source_disable_unref(node->gateway_io);
	node->gateway_timer = sd_event_source_disable_unref(node->gateway_timer);
	cpc_gateway_free(node->gateway);
	node->gateway = NULL;
}
