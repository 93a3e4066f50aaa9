// SPDX-License-Identifier: BSD-3-Clause
#include "agent/gateway/sampler.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/cleanup.h"

enum {
	PERIOD_MIN_MS = 10,
	PERIOD_MAX_MS = 3600000,
	JITTER_MS = 50,		   /* frames may arrive in slightly wrong order: no jump */
	FORWARD_MS = 60000,	   /* a longer silence of the clock is a jump, */
	FORWARD_MAX_MS = 86400000, /* and beyond this one it is not believed */
	WALL_JUMP_MS = 1000,	   /* wall clock against monotonic clock, from flush to flush */
	STALE_MS = 5000,	   /* or three intervals, whichever is longer */
	ANNOUNCE_PAYLOADS = 4,	   /* new definitions per flush; the rest wait for the next */
};

struct state {
	bool seen;
	bool sampled;
	bool pending;
	bool announced;
	uint64_t seen_ms;
	uint64_t due_ms;
	uint64_t pending_ms;
	uint64_t announced_ms;
	struct cpc_value value;		/* last sampled */
	struct cpc_value pending_value; /* came before it was due */
};

struct cpc_sampler {
	const struct cpc_overlay *overlay;
	struct cpc_sampler_config config;
	cpc_reading_fn reading;
	void *reading_context;
	uint64_t received_ms; /* the frame in hand, by the caller's clock */
	struct cpc_sampler_stats stats;
	struct state *states; /* one per signal of the overlay */
	const struct cpc_definition **definitions;
	struct cpc_record_dictionary dictionary;
	uint32_t *announce;	/* scratch for one flush */
	uint32_t next_announce; /* where the search for definitions to repeat goes on */

	struct cpc_record_sample *samples; /* time_ms in our own clock until the flush */
	uint32_t sample_count, sample_capacity;

	/* Our own clock: the caller's plus skew, which never steps back. */
	bool started;
	uint64_t now_ms, skew_ms, period_start_ms;
	bool flushed;
	uint64_t flush_ms, flush_unix_ms;

	cpc_record_emit_fn emit; /* during a flush */
	void *context;
};

int cpc_sampler_new(const struct cpc_overlay *overlay, const struct cpc_sampler_config *config,
		    struct cpc_sampler **ret_sampler, struct cpc_error *error)
{
	struct cpc_sampler *sampler;
	uint32_t count = overlay->signal_count;

	if (config->period_ms < PERIOD_MIN_MS || config->period_ms > PERIOD_MAX_MS) {
		cpc_error_set(error, "a sampling period of %u ms: 10 to 3600000 can be had",
			      config->period_ms);
		return -EINVAL;
	}
	if (config->payload_max < CPC_RECORD_PAYLOAD_MIN ||
	    config->payload_max > CPC_RECORD_PAYLOAD_MAX) {
		cpc_error_set(error, "payloads of %zu bytes: 128 to 65535 can be had",
			      config->payload_max);
		return -EINVAL;
	}
	sampler = calloc(1, sizeof(*sampler));
	if (sampler) {
		sampler->states = calloc(count, sizeof(*sampler->states));
		sampler->definitions = calloc(count, sizeof(*sampler->definitions));
		sampler->announce = calloc(count, sizeof(*sampler->announce));
	}
	if (!sampler || !sampler->states || !sampler->definitions || !sampler->announce) {
		cpc_sampler_free(sampler);
		cpc_error_set(error, "out of memory for %u signals", count);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		sampler->definitions[i] = &overlay->signals[i].definition;
	sampler->overlay = overlay;
	sampler->config = *config;
	sampler->stats.signals = count;
	sampler->dictionary = (struct cpc_record_dictionary){
		.definitions = sampler->definitions,
		.count = count,
		.tag = cpc_record_tag(sampler->definitions, count),
	};
	*ret_sampler = sampler;
	return 0;
}

void cpc_sampler_listen(struct cpc_sampler *sampler, cpc_reading_fn reading, void *context)
{
	sampler->reading = reading;
	sampler->reading_context = context;
}

void cpc_sampler_free(struct cpc_sampler *sampler)
{
	if (!sampler)
		return;
	free(sampler->states);
	free(sampler->definitions);
	free(sampler->announce);
	free(sampler->samples);
	free(sampler);
}

/* From the caller's clock to ours. */
static uint64_t advance(struct cpc_sampler *sampler, uint64_t time_ms)
{
	uint64_t ahead;

	if (!sampler->started) {
		/* Ours begins at some distance from 0, so that jitter cannot wrap it. */
		sampler->skew_ms = FORWARD_MAX_MS - time_ms;
		sampler->now_ms = FORWARD_MAX_MS;
		sampler->period_start_ms = FORWARD_MAX_MS;
		sampler->started = true;
	}
	/* Modulo 2^64, so that the sign of the difference tells forward from back. */
	ahead = time_ms + sampler->skew_ms - sampler->now_ms;
	if ((int64_t)ahead < 0) {
		if ((int64_t)ahead < -JITTER_MS) {
			sampler->stats.clock_jumps++;
			sampler->skew_ms -= ahead;
		}
		return sampler->now_ms;
	}
	if (ahead > FORWARD_MS)
		sampler->stats.clock_jumps++;
	if (ahead > FORWARD_MAX_MS) {
		sampler->skew_ms -= ahead;
		return sampler->now_ms;
	}
	sampler->now_ms += ahead;
	return sampler->now_ms;
}

/* Room for one more sample; false when the period has as many as it may. */
static bool make_room(struct cpc_sampler *sampler)
{
	struct cpc_record_sample *samples;
	uint32_t capacity;

	if (sampler->sample_count < sampler->sample_capacity)
		return true;
	capacity = sampler->sample_capacity ? sampler->sample_capacity * 2 : 256;
	if (capacity > CPC_SAMPLER_SAMPLES_MAX)
		return false;
	samples = reallocarray(sampler->samples, capacity, sizeof(*samples));
	if (!samples)
		return false;
	sampler->samples = samples;
	sampler->sample_capacity = capacity;
	return true;
}

static void hold(struct state *state, const struct cpc_value *value, uint64_t time_ms)
{
	state->pending = true;
	state->pending_ms = time_ms;
	state->pending_value = *value;
}

/* A value whose time has come: a sample, unless only changes count and it is none. */
static void take(struct cpc_sampler *sampler, uint32_t index, const struct cpc_value *value,
		 uint64_t time_ms)
{
	const struct cpc_overlay_signal *signal = &sampler->overlay->signals[index];
	struct state *state = &sampler->states[index];
	struct cpc_value copy = *value; /* it may be state->pending_value */

	state->pending = false;
	if (signal->on_change && state->sampled && cpc_value_equal(&copy, &state->value))
		return;
	if (!make_room(sampler)) {
		sampler->stats.samples_held++;
		hold(state, &copy, time_ms);
		return;
	}
	sampler->samples[sampler->sample_count++] = (struct cpc_record_sample){
		.index = index,
		.time_ms = time_ms,
		.value = copy,
	};
	sampler->stats.samples++;
	/* On the beat of the interval, if this sample is not much too late for it. */
	if (state->sampled && time_ms < state->due_ms + signal->interval_ms)
		state->due_ms += signal->interval_ms;
	else
		state->due_ms = time_ms + signal->interval_ms;
	state->sampled = true;
	state->value = copy;
}

static bool filters_match(const struct cpc_overlay *overlay,
			  const struct cpc_overlay_signal *signal,
			  const struct cpc_can_frame *frame)
{
	struct cpc_dbc_reading reading;

	for (uint32_t i = 0; i < signal->filter_count; i++) {
		const struct cpc_overlay_filter *filter = &signal->filters[i];

		if (cpc_dbc_read(overlay->dbc, filter->signal, frame->data, frame->size, &reading) <
			    0 ||
		    reading.raw != filter->raw)
			return false;
	}
	return true;
}

static void read_signal(struct cpc_sampler *sampler, uint32_t index,
			const struct cpc_can_frame *frame, uint64_t time_ms)
{
	const struct cpc_overlay *overlay = sampler->overlay;
	const struct cpc_overlay_signal *signal = &overlay->signals[index];
	struct state *state = &sampler->states[index];
	struct cpc_dbc_reading reading;
	struct cpc_value value;
	int r;

	if (!filters_match(overlay, signal, frame))
		return;
	r = cpc_dbc_read(overlay->dbc, signal->source, frame->data, frame->size, &reading);
	if (r == -ENODATA || r == -ENOMSG)
		return;
	if (r == 0) {
		sampler->stats.readings++;
		r = cpc_overlay_map(overlay, signal, &reading, &value);
	}
	if (r < 0) {
		if (r == -ENOMSG)
			sampler->stats.unmapped++;
		else
			sampler->stats.out_of_range++;
		return;
	}
	if (!state->seen)
		sampler->stats.signals_seen++;
	state->seen = true;
	state->seen_ms = time_ms;
	if (sampler->reading && value.kind != CPC_VALUE_TEXT)
		sampler->reading(sampler->reading_context, signal->definition.path,
				 cpc_value_number(&signal->definition, &value),
				 sampler->received_ms);
	if (!state->sampled || time_ms >= state->due_ms)
		take(sampler, index, &value, time_ms);
	else
		hold(state, &value, time_ms);
}

void cpc_sampler_frame(struct cpc_sampler *sampler, const struct cpc_can_frame *frame,
		       uint64_t time_ms)
{
	const struct cpc_overlay *overlay = sampler->overlay;
	const struct cpc_dbc_message *message;
	uint32_t m;

	sampler->received_ms = time_ms;
	time_ms = advance(sampler, time_ms);
	sampler->stats.frames++;
	if (frame->remote || frame->error) {
		sampler->stats.frames_ignored++;
		return;
	}
	message = cpc_dbc_message(overlay->dbc, frame->id, frame->extended);
	if (!message) {
		sampler->stats.frames_unknown++;
		return;
	}
	m = (uint32_t)(message - overlay->dbc->messages);
	for (uint32_t i = overlay->first_of[m]; i < overlay->first_of[m + 1]; i++)
		read_signal(sampler, overlay->by_message[i], frame, time_ms);
}

/* Values that came before they were due and that no later frame replaced. */
static void take_pending(struct cpc_sampler *sampler)
{
	uint32_t stale = 0;

	for (uint32_t i = 0; i < sampler->stats.signals; i++) {
		const struct cpc_overlay_signal *signal = &sampler->overlay->signals[i];
		struct state *state = &sampler->states[i];
		uint64_t patience_ms = 3 * (uint64_t)signal->interval_ms;

		if (state->pending && sampler->now_ms >= state->due_ms)
			take(sampler, i, &state->pending_value, state->pending_ms);
		if (patience_ms < STALE_MS)
			patience_ms = STALE_MS;
		stale += state->seen && sampler->now_ms - state->seen_ms > patience_ms;
	}
	sampler->stats.signals_stale = stale;
}

/*
 * Choose the definitions to send: those of signals sampled for the first time, at once or as
 * soon as the budget allows, and after announce_ms again, a few at a time.
 */
static uint32_t choose_announcements(struct cpc_sampler *sampler)
{
	uint32_t count = 0, signals = sampler->stats.signals;
	size_t fresh = ANNOUNCE_PAYLOADS * sampler->config.payload_max;
	size_t again = sampler->config.payload_max / 2;
	const size_t first = again; /* the first to be repeated may be larger than that */

	for (uint32_t n = 0; n < signals; n++) {
		uint32_t i = (sampler->next_announce + n) % signals;
		struct state *state = &sampler->states[i];
		size_t size = cpc_record_definition_size(sampler->definitions[i]);
		size_t *budget = state->announced ? &again : &fresh;

		if (!state->sampled)
			continue;
		if (state->announced &&
		    sampler->now_ms - state->announced_ms < sampler->config.announce_ms)
			continue;
		if (size > *budget && !(budget == &again && again == first)) {
			*budget = 0; /* in turn: nothing overtakes it */
			continue;
		}
		*budget -= size < *budget ? size : *budget;
		sampler->announce[count++] = i;
		state->announced = true;
		state->announced_ms = sampler->now_ms;
	}
	if (count)
		sampler->next_announce = (sampler->announce[count - 1] + 1) % signals;
	return count;
}

static void count_payload(void *context, const uint8_t *payload, size_t size)
{
	struct cpc_sampler *sampler = context;

	sampler->stats.payloads++;
	sampler->stats.payload_bytes += size;
	sampler->emit(sampler->context, payload, size);
}

/* Did the wall clock move differently from the monotonic one since the last flush? */
static void check_wall_clock(struct cpc_sampler *sampler, uint64_t unix_ms)
{
	int64_t drift = (int64_t)((unix_ms - sampler->flush_unix_ms) -
				  (sampler->now_ms - sampler->flush_ms));

	if (sampler->flushed && (drift > WALL_JUMP_MS || drift < -WALL_JUMP_MS))
		sampler->stats.clock_jumps++;
	sampler->flushed = true;
	sampler->flush_ms = sampler->now_ms;
	sampler->flush_unix_ms = unix_ms;
}

int cpc_sampler_flush(struct cpc_sampler *sampler, uint64_t now_ms, uint64_t unix_ms,
		      cpc_record_emit_fn emit, void *context)
{
	uint64_t period_ms = sampler->config.period_ms;
	uint32_t announcements;
	int r;

	advance(sampler, now_ms);
	check_wall_clock(sampler, unix_ms);
	/* On the beat of the period, unless whole periods were missed. */
	if (sampler->now_ms - sampler->period_start_ms < 2 * period_ms &&
	    sampler->now_ms - sampler->period_start_ms >= period_ms)
		sampler->period_start_ms += period_ms;
	else
		sampler->period_start_ms = sampler->now_ms;
	take_pending(sampler);
	if (!sampler->sample_count)
		return 0;
	for (uint32_t i = 0; i < sampler->sample_count; i++) {
		uint64_t age_ms = sampler->now_ms - sampler->samples[i].time_ms;

		sampler->samples[i].time_ms = unix_ms > age_ms ? unix_ms - age_ms : 0;
	}
	announcements = choose_announcements(sampler);
	sampler->emit = emit;
	sampler->context = context;
	r = cpc_record_pack(&sampler->dictionary, sampler->announce, announcements,
			    sampler->samples, sampler->sample_count, sampler->config.payload_max,
			    count_payload, sampler);
	assert(r >= 0); /* the configuration was checked */
	sampler->sample_count = 0;
	return r;
}

uint64_t cpc_sampler_next_ms(const struct cpc_sampler *sampler)
{
	return sampler->period_start_ms + sampler->config.period_ms - sampler->skew_ms;
}

const struct cpc_sampler_stats *cpc_sampler_stats(const struct cpc_sampler *sampler)
{
	return &sampler->stats;
}
