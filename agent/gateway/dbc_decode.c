// SPDX-License-Identifier: BSD-3-Clause
/* Bits out of frames, by the definitions that dbc.c loaded. */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/dbc.h"

static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 sizes");

/* Motorola: the number's bits in reading order, from the most significant one on. */
static uint64_t bits_big_endian(const uint8_t *data, unsigned int start, unsigned int bits)
{
	unsigned int at = (start & ~7u) + (7 - (start & 7)); /* counted from the left */
	uint64_t raw = 0;

	while (bits > 0) {
		unsigned int room = 8 - (at & 7);
		unsigned int take = bits < room ? bits : room;
		unsigned int part = data[at >> 3] >> (room - take);

		raw = raw << take | (part & ((1u << take) - 1));
		at += take;
		bits -= take;
	}
	return raw;
}

/* Intel: from the least significant bit on. */
static uint64_t bits_little_endian(const uint8_t *data, unsigned int start, unsigned int bits)
{
	unsigned int at = start, done = 0;
	uint64_t raw = 0;

	while (done < bits) {
		unsigned int room = 8 - (at & 7);
		unsigned int take = bits - done < room ? bits - done : room;
		uint64_t part = data[at >> 3] >> (at & 7);

		raw |= (part & ((1u << take) - 1)) << done;
		at += take;
		done += take;
	}
	return raw;
}

static int read_bits(const struct cpc_dbc_signal *signal, const uint8_t *data, size_t size,
		     uint64_t *ret_raw)
{
	assert(signal->bits >= 1 && signal->bits <= 64);
	if (size < signal->end)
		return -ENODATA;
	*ret_raw = signal->big_endian ? bits_big_endian(data, signal->start, signal->bits)
				      : bits_little_endian(data, signal->start, signal->bits);
	return 0;
}

/* Walk up the multiplexers; the loader has made sure that the walk ends. */
static int check_selected(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
			  const uint8_t *data, size_t size)
{
	const struct cpc_dbc_signal *parent;
	uint64_t raw;
	uint32_t i;
	int r;

	for (; signal->parent >= 0; signal = parent) {
		parent = &dbc->signals[signal->parent];
		r = read_bits(parent, data, size, &raw);
		if (r < 0)
			return r;
		for (i = 0; i < signal->range_count; i++) {
			const struct cpc_dbc_range *range = &dbc->ranges[signal->first_range + i];

			if (raw >= range->low && raw <= range->high)
				break;
		}
		if (i == signal->range_count)
			return -ENOMSG;
	}
	return 0;
}

static int64_t sign_extend(uint64_t raw, unsigned int bits)
{
	uint64_t sign = (uint64_t)1 << (bits - 1);

	return (int64_t)((raw ^ sign) - sign);
}

int cpc_dbc_read(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
		 const uint8_t *data, size_t size, struct cpc_dbc_reading *ret_reading)
{
	double number = 0;
	uint32_t word;
	uint64_t raw;
	float single;
	int r;

	if (!signal->usable)
		return -ENOMSG;
	r = check_selected(dbc, signal, data, size);
	if (r < 0)
		return r;
	r = read_bits(signal, data, size, &raw);
	if (r < 0)
		return r;
	switch (signal->type) {
	case CPC_DBC_UNSIGNED:
		number = (double)raw;
		break;
	case CPC_DBC_SIGNED:
		raw = (uint64_t)sign_extend(raw, signal->bits);
		number = (double)(int64_t)raw;
		break;
	case CPC_DBC_FLOAT:
		word = (uint32_t)raw;
		memcpy(&single, &word, sizeof(single));
		number = (double)single;
		break;
	case CPC_DBC_DOUBLE:
		memcpy(&number, &raw, sizeof(number));
		break;
	}
	number = cpc_dbc_scale(number, signal->factor, signal->offset);
	if (!isfinite(number))
		return -ERANGE;
	*ret_reading = (struct cpc_dbc_reading){.raw = (int64_t)raw, .value = number};
	return 0;
}

int cpc_dbc_decode(const struct cpc_dbc *dbc, uint32_t id, bool extended, const uint8_t *data,
		   size_t size, cpc_dbc_reading_fn reading, void *context)
{
	const struct cpc_dbc_message *message = cpc_dbc_message(dbc, id, extended);
	struct cpc_dbc_reading value;
	int count = 0;

	if (!message)
		return -ENOENT;
	for (uint32_t i = 0; i < message->signal_count; i++) {
		const struct cpc_dbc_signal *signal = &dbc->signals[message->first_signal + i];

		if (cpc_dbc_read(dbc, signal, data, size, &value) < 0)
			continue;
		reading(context, signal, &value);
		count++;
	}
	return count;
}

const struct cpc_dbc_message *cpc_dbc_message(const struct cpc_dbc *dbc, uint32_t id, bool extended)
{
	uint64_t wanted = (uint64_t)extended << 32 | id;
	uint32_t low = 0, high = dbc->key_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct cpc_dbc_key *key = &dbc->keys[middle];

		if (key->key == wanted)
			return &dbc->messages[key->message];
		if (key->key < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct cpc_dbc_message *cpc_dbc_message_named(const struct cpc_dbc *dbc, const char *name)
{
	for (uint32_t i = 0; i < dbc->message_count; i++)
		if (strcmp(dbc->messages[i].name, name) == 0)
			return &dbc->messages[i];
	return NULL;
}

const struct cpc_dbc_signal *cpc_dbc_signal_named(const struct cpc_dbc *dbc,
						  const struct cpc_dbc_message *message,
						  const char *name)
{
	for (uint32_t i = 0; i < message->signal_count; i++) {
		const struct cpc_dbc_signal *signal = &dbc->signals[message->first_signal + i];

		if (signal->usable && strcmp(signal->name, name) == 0)
			return signal;
	}
	return NULL;
}

const char *cpc_dbc_label(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal,
			  int64_t raw)
{
	uint32_t low = 0, high = signal->label_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct cpc_dbc_label *label = &dbc->labels[signal->first_label + middle];

		if (label->raw == raw)
			return label->text;
		if (label->raw < raw)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
