/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_GATEWAY_H
#define CPC_AGENT_GATEWAY_GATEWAY_H

/*
 * The gateway as the daemon uses it: a file descriptor to watch, and a flush once a period.
 *
 *	cpc_gateway_new(&config, &gateway, &error);
 *	watch cpc_gateway_fd() for input       -> cpc_gateway_dispatch(gateway, now_ms, &error)
 *	timer at cpc_gateway_next_ms()         -> cpc_gateway_flush(gateway, now_ms, submit, ...)
 *
 * now_ms is CLOCK_MONOTONIC in ms throughout.
 */
#include "agent/gateway/sampler.h"
#include "agent/util/error.h"

struct cpc_gateway_config {
	const char *interface; /* NULL: no interface, frames come by cpc_gateway_frame() */
	const char *dbc_path;
	const char *overlay_path;     /* NULL or "": every DBC signal, as Vehicle.CAN.* */
	uint32_t period_ms;	      /* 0: 1000 */
	uint32_t announce_ms;	      /* 0: 10000 */
	uint32_t default_interval_ms; /* without an overlay; 0: 1000 */
	size_t payload_max;	      /* 0: CPC_ENTRY_DATA_MAX */
	int receive_buffer;	      /* bytes; 0: 1 MiB, some seconds of a full bus */
};

struct cpc_gateway_stats {
	struct cpc_sampler_stats sampler;
	uint64_t kernel_drops;	    /* frames that came faster than they were fetched */
	uint32_t messages, signals; /* of the DBC */
	uint32_t warnings;	    /* of DBC and overlay */
};

struct cpc_gateway;

/* Load the files and open the interface. `error` names the file or interface and what is wrong. */
int cpc_gateway_new(const struct cpc_gateway_config *config, struct cpc_gateway **ret_gateway,
		    struct cpc_error *error);
void cpc_gateway_free(struct cpc_gateway *gateway);

/* -1 without an interface. */
int cpc_gateway_fd(const struct cpc_gateway *gateway);

/*
 * Fetch what has arrived, at most some thousand frames a call. Returns how many frames, or
 * -ENETDOWN (the interface went down: keep watching, it may come up) or -ENODEV (it was removed:
 * stop watching), with an error.
 */
int cpc_gateway_dispatch(struct cpc_gateway *gateway, uint64_t now_ms, struct cpc_error *error);

/* One frame from elsewhere: a test, a log. */
void cpc_gateway_frame(struct cpc_gateway *gateway, const struct cpc_can_frame *frame,
		       uint64_t time_ms);

/* See cpc_sampler_listen(). */
void cpc_gateway_listen(struct cpc_gateway *gateway, cpc_reading_fn reading, void *context);

/* Hand out this period's payloads, for one lane entry each. Returns how many. */
int cpc_gateway_flush(struct cpc_gateway *gateway, uint64_t now_ms, cpc_record_emit_fn emit,
		      void *context);
uint64_t cpc_gateway_next_ms(const struct cpc_gateway *gateway);

void cpc_gateway_stats(const struct cpc_gateway *gateway, struct cpc_gateway_stats *ret_stats);

/* Warning `i` of loading, for the daemon's log; NULL behind the last one kept. */
const char *cpc_gateway_warning(const struct cpc_gateway *gateway, uint32_t i, char *buffer,
				size_t size);

#endif
