/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_SAMPLER_H
#define CPC_AGENT_GATEWAY_SAMPLER_H

/*
 * The sampler: CAN frames in, record payloads out, once a period.
 *
 *	frame ─► mapped signals of its message ─► due? changed? ─► samples of this period
 *	flush ─► what was held back and is due by now ─► definitions to announce ─► payloads
 *
 * A signal is sampled by the first frame that comes when its interval has passed since the last
 * sample; a value that comes sooner is kept, and used at the flush if no other came. So a value
 * that changes once and then stays is not lost, and a busy bus costs what the intervals say.
 *
 * Time is the caller's monotonic clock in ms. When it steps back, the sampler counts that and goes
 * on from where it was, so that no interval is missed or served twice. Unix time comes
 * in at the flush and only labels the samples.
 */
#include "agent/gateway/can.h"
#include "agent/gateway/overlay.h"
#include "agent/gateway/record.h"
#include "agent/util/error.h"

struct cpc_sampler_config {
	uint32_t period_ms;   /* between flushes: 10 to 3600000 */
	uint32_t announce_ms; /* until a definition is sent again */
	size_t payload_max;   /* CPC_RECORD_PAYLOAD_MIN..MAX */
};

struct cpc_sampler_stats {
	uint64_t frames;
	uint64_t frames_ignored; /* remote and error frames */
	uint64_t frames_unknown; /* of an id that the DBC has not */
	uint64_t readings;	 /* mapped signals read from frames */
	uint64_t unmapped;	 /* readings that the overlay's mapping has no value for */
	uint64_t out_of_range;	 /* readings outside datatype or min and max, or without result */
	uint64_t clock_jumps;	 /* of either clock */
	uint64_t samples;
	uint64_t samples_held; /* not taken at once because the period had too many already */
	uint64_t payloads;
	uint64_t payload_bytes;
	uint32_t signals;	/* in the overlay */
	uint32_t signals_seen;	/* at least once */
	uint32_t signals_stale; /* seen, but not lately, at the last flush */
};

struct cpc_sampler;

/* The overlay must outlive the sampler. -EINVAL for a config outside the ranges, -ENOMEM. */
int cpc_sampler_new(const struct cpc_overlay *overlay, const struct cpc_sampler_config *config,
		    struct cpc_sampler **ret_sampler, struct cpc_error *error);
void cpc_sampler_free(struct cpc_sampler *sampler);

/*
 * Every number that is read from a frame, sampled or not, for who needs it at once: the signal's
 * VSS name, its value in the signal's unit, and when the frame was received.
 */
typedef void (*cpc_reading_fn)(void *context, const char *name, double value, uint64_t time_ms);
void cpc_sampler_listen(struct cpc_sampler *sampler, cpc_reading_fn reading, void *context);

/* `time_ms` is when the frame was received, by the same clock as `now_ms` below. */
void cpc_sampler_frame(struct cpc_sampler *sampler, const struct cpc_can_frame *frame,
		       uint64_t time_ms);

/*
 * Hand out everything sampled so far. May be called at any time; cpc_sampler_next_ms() says when
 * the period ends. Returns the number of payloads.
 */
int cpc_sampler_flush(struct cpc_sampler *sampler, uint64_t now_ms, uint64_t unix_ms,
		      cpc_record_emit_fn emit, void *context);
uint64_t cpc_sampler_next_ms(const struct cpc_sampler *sampler);

const struct cpc_sampler_stats *cpc_sampler_stats(const struct cpc_sampler *sampler);

#endif
