// SPDX-License-Identifier: BSD-3-Clause
/* Files, the CAN socket and the wall clock around the pure sampler. */
#include <cpchain/limits.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "agent/gateway/can_io.h"
#include "agent/gateway/gateway.h"
#include "agent/util/cleanup.h"

enum {
	DISPATCH_BATCHES = 64, /* per call, so that a flood leaves time for everything else */
	RECEIVE_BUFFER = 1 << 20,
	STAMP_AGE_MAX_MS = 10000, /* older receive stamps are a wall clock jump, not a queue */
};

struct cpc_gateway {
	struct cpc_dbc *dbc;
	struct cpc_overlay *overlay;
	struct cpc_sampler *sampler;
	int fd;
	uint32_t kernel_drops;
	char interface[16];
};

static uint64_t unix_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The whole file, but no more than `max` bytes and one; the parser then refuses it by its limit. */
static int read_file(const char *path, size_t max, char **ret_text, size_t *ret_size,
		     struct cpc_error *error)
{
	CPC_FCLOSE FILE *file = fopen(path, "re");
	CPC_FREE char *text = NULL;
	size_t size = 0, capacity = 65536;
	struct stat status;
	int r;

	if (!file || fstat(fileno(file), &status) < 0) {
		r = -errno;
		cpc_error_set(error, "%s: %s", path, strerror(-r));
		return r;
	}
	if (S_ISDIR(status.st_mode)) {
		cpc_error_set(error, "%s: a directory, not a file", path);
		return -EISDIR;
	}
	for (;;) {
		char *grown = realloc(text, capacity);

		if (!grown) {
			cpc_error_set(error, "%s: out of memory", path);
			return -ENOMEM;
		}
		text = grown;
		size += fread(text + size, 1, capacity - size, file);
		if (size < capacity || size > max)
			break;
		capacity = capacity * 2 < max + 1 ? capacity * 2 : max + 1;
	}
	if (ferror(file)) {
		cpc_error_set(error, "%s: cannot be read", path);
		return -EIO;
	}
	*ret_text = CPC_TAKE(text);
	*ret_size = size;
	return 0;
}

/* Put the file's name before what its parser says. */
static int in_file(const char *path, int r, const struct cpc_error *why, struct cpc_error *error)
{
	if (r < 0)
		cpc_error_set(error, "%s: %s", path, why->text);
	return r;
}

static int load_dbc(struct cpc_gateway *gateway, const char *path, struct cpc_error *error)
{
	struct cpc_error why = {""};
	CPC_FREE char *text = NULL;
	size_t size;
	int r = read_file(path, CPC_DBC_FILE_MAX, &text, &size, error);

	if (r < 0)
		return r;
	return in_file(path, cpc_dbc_new(text, size, &gateway->dbc, &why), &why, error);
}

static int load_overlay(struct cpc_gateway *gateway, const struct cpc_gateway_config *config,
			struct cpc_error *error)
{
	const char *path = config->overlay_path;
	uint32_t interval_ms = config->default_interval_ms ? config->default_interval_ms : 1000;
	struct cpc_error why = {""};
	CPC_FREE char *text = NULL;
	size_t size;
	int r;

	if (!path || !*path) {
		r = cpc_overlay_from_dbc(gateway->dbc, interval_ms, &gateway->overlay, &why);
		return in_file(config->dbc_path, r, &why, error);
	}
	r = read_file(path, CPC_OVERLAY_FILE_MAX, &text, &size, error);
	if (r < 0)
		return r;
	r = cpc_overlay_new(text, size, gateway->dbc, &gateway->overlay, &why);
	return in_file(path, r, &why, error);
}

static void free_gateway(struct cpc_gateway **gateway)
{
	cpc_gateway_free(*gateway);
}

int cpc_gateway_new(const struct cpc_gateway_config *config, struct cpc_gateway **ret_gateway,
		    struct cpc_error *error)
{
	CPC_CLEANUP(free_gateway) struct cpc_gateway *gateway = calloc(1, sizeof(*gateway));
	struct cpc_sampler_config sampler = {
		.period_ms = config->period_ms ? config->period_ms : 1000,
		.announce_ms = config->announce_ms ? config->announce_ms : 10000,
		.payload_max = config->payload_max ? config->payload_max : CPC_ENTRY_DATA_MAX,
	};
	int r;

	if (!gateway) {
		cpc_error_set(error, "out of memory");
		return -ENOMEM;
	}
	gateway->fd = -1;
	if (!config->dbc_path || !*config->dbc_path) {
		cpc_error_set(error, "no DBC file is configured");
		return -EINVAL;
	}
	r = load_dbc(gateway, config->dbc_path, error);
	if (r == 0)
		r = load_overlay(gateway, config, error);
	if (r == 0)
		r = cpc_sampler_new(gateway->overlay, &sampler, &gateway->sampler, error);
	if (r == 0 && config->interface) {
		r = cpc_can_open(config->interface,
				 config->receive_buffer ? config->receive_buffer : RECEIVE_BUFFER,
				 &gateway->fd, error);
		snprintf(gateway->interface, sizeof(gateway->interface), "%s", config->interface);
	}
	if (r < 0)
		return r;
	*ret_gateway = CPC_TAKE(gateway);
	return 0;
}

void cpc_gateway_free(struct cpc_gateway *gateway)
{
	if (!gateway)
		return;
	cpc_sampler_free(gateway->sampler);
	cpc_overlay_free(gateway->overlay);
	cpc_dbc_free(gateway->dbc);
	if (gateway->fd >= 0)
		close(gateway->fd);
	free(gateway);
}

int cpc_gateway_fd(const struct cpc_gateway *gateway)
{
	return gateway->fd;
}

int cpc_gateway_dispatch(struct cpc_gateway *gateway, uint64_t now_ms, struct cpc_error *error)
{
	struct cpc_can_receipt receipts[CPC_CAN_BATCH];
	uint64_t now_us = unix_us();
	int total = 0, count;

	for (int batch = 0; batch < DISPATCH_BATCHES; batch++) {
		count = cpc_can_receive(gateway->fd, receipts, &gateway->kernel_drops);
		if (count < 0) {
			cpc_error_set(error, "CAN interface %s: %s", gateway->interface,
				      strerror(-count));
			return count;
		}
		for (int i = 0; i < count; i++) {
			uint64_t stamp_us = receipts[i].unix_us;
			uint64_t age_ms =
				stamp_us && stamp_us < now_us ? (now_us - stamp_us) / 1000 : 0;

			if (age_ms > STAMP_AGE_MAX_MS || age_ms > now_ms)
				age_ms = 0;
			cpc_sampler_frame(gateway->sampler, &receipts[i].frame, now_ms - age_ms);
		}
		total += count;
		if (count < CPC_CAN_BATCH)
			break;
	}
	return total;
}

void cpc_gateway_frame(struct cpc_gateway *gateway, const struct cpc_can_frame *frame,
		       uint64_t time_ms)
{
	cpc_sampler_frame(gateway->sampler, frame, time_ms);
}

void cpc_gateway_listen(struct cpc_gateway *gateway, cpc_reading_fn reading, void *context)
{
	cpc_sampler_listen(gateway->sampler, reading, context);
}

int cpc_gateway_flush(struct cpc_gateway *gateway, uint64_t now_ms, cpc_record_emit_fn emit,
		      void *context)
{
	return cpc_sampler_flush(gateway->sampler, now_ms, unix_us() / 1000, emit, context);
}

uint64_t cpc_gateway_next_ms(const struct cpc_gateway *gateway)
{
	return cpc_sampler_next_ms(gateway->sampler);
}

void cpc_gateway_stats(const struct cpc_gateway *gateway, struct cpc_gateway_stats *ret_stats)
{
	*ret_stats = (struct cpc_gateway_stats){
		.sampler = *cpc_sampler_stats(gateway->sampler),
		.kernel_drops = gateway->kernel_drops,
		.messages = gateway->dbc->message_count,
		.signals = gateway->dbc->signal_count,
		.warnings = gateway->dbc->warning_total + gateway->overlay->warning_total,
	};
}

const char *cpc_gateway_warning(const struct cpc_gateway *gateway, uint32_t i, char *buffer,
				size_t size)
{
	const struct cpc_dbc *dbc = gateway->dbc;
	const struct cpc_overlay *overlay = gateway->overlay;

	if (i < dbc->warning_count)
		snprintf(buffer, size, "DBC line %u: %s", dbc->warnings[i].line,
			 dbc->warnings[i].text);
	else if (i - dbc->warning_count < overlay->warning_count)
		snprintf(buffer, size, "overlay: %s", overlay->warnings[i - dbc->warning_count]);
	else
		return NULL;
	return buffer;
}
