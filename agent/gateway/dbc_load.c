// SPDX-License-Identifier: BSD-3-Clause
/* The DBC statements that matter for decoding: BO_, SG_, VAL_, SIG_VALTYPE_, SG_MUL_VAL_. */
#include "agent/gateway/dbc_load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXTENDED_FLAG 0x80000000u
#define ID_MAX_STANDARD 0x7ffu
#define ID_MAX_EXTENDED 0x1fffffffu
/* The tools park signals without a message under this id and name. */
#define ID_NO_MESSAGE 0xc0000000u
#define NAME_NO_MESSAGE "VECTOR__INDEPENDENT_SIG_MSG"

static int scan_name(struct cpc_dbc_loader *loader, const char *what, struct cpc_slice *ret_name)
{
	struct cpc_dbc_scan before;

	cpc_dbc_scan_blanks(&loader->scan);
	before = loader->scan;
	if (!cpc_dbc_scan_word(&loader->scan, ret_name))
		return cpc_dbc_refuse(loader, what);
	if (ret_name->size > CPC_DBC_NAME_MAX) {
		loader->scan = before;
		return cpc_dbc_refuse(loader, "a name of more than 128 bytes");
	}
	return 0;
}

/* The id as DBC writes it: bit 31 set for 29-bit ids. */
static int scan_id(struct cpc_dbc_loader *loader, uint32_t *ret_id)
{
	struct cpc_dbc_scan before = loader->scan;
	uint64_t id;

	if (!cpc_dbc_scan_unsigned(&loader->scan, &id) || id > UINT32_MAX) {
		loader->scan = before;
		return cpc_dbc_refuse(loader, "expected a message id below 4294967296");
	}
	*ret_id = (uint32_t)id;
	return 0;
}

/* Fill in id and kind; false: an id that no CAN frame can have. */
static bool set_id(struct cpc_dbc_loader *loader, struct cpc_dbc_message *message, uint32_t id)
{
	message->extended = id & EXTENDED_FLAG;
	message->id = id & ~EXTENDED_FLAG;
	if (message->id > ID_MAX_EXTENDED) {
		cpc_dbc_warn(loader, "message %s: id %u has more than 29 bits: left out",
			     message->name, id);
		return false;
	}
	if (!message->extended && message->id > ID_MAX_STANDARD) {
		cpc_dbc_warn(loader, "message %s: id %u has more than 11 bits: taken as extended",
			     message->name, id);
		message->extended = true;
	}
	return true;
}

/* BO_ 644 x284: 8 VCM */
int cpc_dbc_load_message(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc_scan *scan = &loader->scan;
	struct cpc_dbc *dbc = loader->dbc;
	struct cpc_dbc_message *messages;
	struct cpc_slice name;
	uint64_t size;
	uint32_t id = 0;
	int r;

	r = scan_id(loader, &id);
	if (r == 0)
		r = scan_name(loader, "expected a message name", &name);
	if (r < 0)
		return r;
	if (!cpc_dbc_scan_char(scan, ':'))
		return cpc_dbc_refuse(loader, "expected ':' and the message's size");
	if (!cpc_dbc_scan_unsigned(scan, &size) || size > UINT16_MAX)
		return cpc_dbc_refuse(loader, "expected a message size in bytes");
	cpc_dbc_scan_line(scan);
	loader->in_message = true;
	loader->skip_signals = id == ID_NO_MESSAGE || cpc_slice_is(name, NAME_NO_MESSAGE);
	if (loader->skip_signals)
		return 0;
	messages =
		cpc_dbc_grow(loader, dbc->messages, dbc->message_count, &loader->message_capacity,
			     CPC_DBC_MESSAGES_MAX, sizeof(*messages), "messages", &r);
	if (!messages)
		return r;
	dbc->messages = messages;
	messages += dbc->message_count;
	messages->name = cpc_dbc_store(loader, name, CPC_DBC_NAME_MAX * 2);
	messages->line = loader->statement_line;
	messages->size = (uint16_t)size;
	messages->first_signal = dbc->signal_count;
	loader->skip_signals = !set_id(loader, messages, id);
	if (!loader->skip_signals)
		dbc->message_count++;
	return 0;
}

static int add_range(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal, uint64_t low,
		     uint64_t high)
{
	struct cpc_dbc *dbc = loader->dbc;
	struct cpc_dbc_range *ranges;
	int r;

	assert(signal->first_range + signal->range_count == dbc->range_count);
	ranges = cpc_dbc_grow(loader, dbc->ranges, dbc->range_count, &loader->range_capacity,
			      CPC_DBC_RANGES_MAX, sizeof(*ranges), "multiplexer ranges", &r);
	if (!ranges)
		return r;
	dbc->ranges = ranges;
	ranges[dbc->range_count++] = (struct cpc_dbc_range){.low = low, .high = high};
	signal->range_count++;
	return 0;
}

/* The optional word between name and colon: M, m3 or m3M. */
static int load_mux(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal)
{
	struct cpc_dbc_scan *scan = &loader->scan, before = *scan;
	struct cpc_slice word;
	uint64_t value = 0;
	size_t at = 1;

	signal->parent = -1;
	signal->first_range = loader->dbc->range_count;
	if (!cpc_dbc_scan_word(scan, &word))
		return 0;
	if (cpc_slice_is(word, "M")) {
		signal->multiplexor = true;
		return 0;
	}
	for (; at < word.size && word.text[at] >= '0' && word.text[at] <= '9'; at++) {
		value = value * 10 + (uint64_t)(word.text[at] - '0');
		if (value > UINT32_MAX)
			break;
	}
	if (word.text[0] == 'm' && at > 1 && value <= UINT32_MAX) {
		signal->multiplexed = true;
		signal->multiplexor = at + 1 == word.size && word.text[at] == 'M';
		if (at == word.size || signal->multiplexor)
			return add_range(loader, signal, value, value);
	}
	*scan = before;
	return cpc_dbc_refuse(loader, "expected ':' or a multiplexer mark (M, m3, m3M)");
}

/* : 39|16@0+ */
static int load_layout(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal,
		       uint64_t *ret_start, uint64_t *ret_bits)
{
	struct cpc_dbc_scan *scan = &loader->scan;

	if (!cpc_dbc_scan_char(scan, ':'))
		return cpc_dbc_refuse(loader, "expected ':' and the signal's bits");
	if (!cpc_dbc_scan_unsigned(scan, ret_start))
		return cpc_dbc_refuse(loader, "expected a start bit");
	if (!cpc_dbc_scan_char(scan, '|') || !cpc_dbc_scan_unsigned(scan, ret_bits))
		return cpc_dbc_refuse(loader, "expected '|' and a number of bits");
	if (!cpc_dbc_scan_char(scan, '@'))
		return cpc_dbc_refuse(loader, "expected '@' and the byte order");
	if (cpc_dbc_scan_char(scan, '0'))
		signal->big_endian = true;
	else if (!cpc_dbc_scan_char(scan, '1'))
		return cpc_dbc_refuse(loader, "expected a byte order of 0 or 1");
	if (cpc_dbc_scan_char(scan, '-'))
		signal->type = CPC_DBC_SIGNED;
	else if (!cpc_dbc_scan_char(scan, '+'))
		return cpc_dbc_refuse(loader, "expected the sign, '+' or '-'");
	return 0;
}

/* (0.01,0) [0|655.35] "km/h" */
static int load_scale(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal)
{
	struct cpc_dbc_scan *scan = &loader->scan;
	struct cpc_slice unit;

	if (!cpc_dbc_scan_char(scan, '(') || !cpc_dbc_scan_number(scan, &signal->factor))
		return cpc_dbc_refuse(loader, "expected '(' and a factor");
	if (!cpc_dbc_scan_char(scan, ',') || !cpc_dbc_scan_number(scan, &signal->offset))
		return cpc_dbc_refuse(loader, "expected ',' and an offset");
	if (!cpc_dbc_scan_char(scan, ')'))
		return cpc_dbc_refuse(loader, "expected ')'");
	if (!cpc_dbc_scan_char(scan, '[') || !cpc_dbc_scan_number(scan, &signal->min))
		return cpc_dbc_refuse(loader, "expected '[' and a minimum");
	if (!cpc_dbc_scan_char(scan, '|') || !cpc_dbc_scan_number(scan, &signal->max))
		return cpc_dbc_refuse(loader, "expected '|' and a maximum");
	if (!cpc_dbc_scan_char(scan, ']'))
		return cpc_dbc_refuse(loader, "expected ']'");
	if (!cpc_dbc_scan_string(scan, &unit))
		return cpc_dbc_refuse(loader, "expected a unit in double quotes");
	signal->unit = cpc_dbc_store(loader, unit, CPC_DBC_TEXT_MAX);
	return 0;
}

/* Set where the signal lies; false with a warning if that is outside its message. */
static bool place(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal, uint64_t start,
		  uint64_t bits)
{
	const struct cpc_dbc_message *message = &loader->dbc->messages[signal->message];
	uint64_t first, end;

	if (bits < 1 || bits > 64) {
		cpc_dbc_warn(loader, "%s.%s: %llu bits, a signal has 1 to 64: left out",
			     message->name, signal->name, (unsigned long long)bits);
		return false;
	}
	if (start > UINT16_MAX)
		start = UINT16_MAX; /* outside in any case */
	first = signal->big_endian ? (start & ~(uint64_t)7) + (7 - (start & 7)) : start;
	end = (first + bits + 7) / 8;
	if (end > message->size) {
		cpc_dbc_warn(loader,
			     "%s.%s: %llu|%llu@%d ends in byte %llu of a message of %u: "
			     "left out",
			     message->name, signal->name, (unsigned long long)start,
			     (unsigned long long)bits, !signal->big_endian, (unsigned long long)end,
			     message->size);
		return false;
	}
	if (end > CPC_CAN_DATA_MAX) {
		cpc_dbc_warn(loader, "%s.%s: lies beyond the 64 bytes of a CAN FD frame: left out",
			     message->name, signal->name);
		return false;
	}
	signal->start = (uint16_t)start;
	signal->bits = (uint8_t)bits;
	signal->end = (uint8_t)end;
	return true;
}

static bool is_double(const struct cpc_dbc_loader *loader, const struct cpc_dbc_signal *signal)
{
	const struct cpc_dbc *dbc = loader->dbc;

	return cpc_dbc_signal_named(dbc, &dbc->messages[signal->message], signal->name) != NULL;
}

/* Take in what was read, or leave it out with a warning; the syntax was right. */
static void add_signal(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal, uint64_t start,
		       uint64_t bits)
{
	struct cpc_dbc *dbc = loader->dbc;
	struct cpc_dbc_message *message = &dbc->messages[signal->message];

	if (!place(loader, signal, start, bits))
		return;
	if (signal->factor == 0) {
		cpc_dbc_warn(loader, "%s.%s: a factor of 0: left out", message->name, signal->name);
		return;
	}
	if (is_double(loader, signal)) {
		cpc_dbc_warn(loader, "%s.%s: defined twice, the first one stands", message->name,
			     signal->name);
		return;
	}
	signal->usable = true;
	message->signal_count++;
	dbc->signal_count++;
}

/*  SG_ Speed m1 : 39|16@0+ (0.01,0) [0|655.35] "km/h" Dash,Gateway */
int cpc_dbc_load_signal(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc *dbc = loader->dbc;
	struct cpc_dbc_signal *signals;
	uint64_t start, bits;
	struct cpc_slice name;
	int r;

	if (!loader->in_message)
		return cpc_dbc_refuse(loader, "a signal before any message (BO_)");
	if (loader->skip_signals) {
		cpc_dbc_scan_line(&loader->scan);
		return 0;
	}
	if (dbc->messages[dbc->message_count - 1].signal_count == CPC_DBC_MESSAGE_SIGNALS_MAX)
		return cpc_dbc_too_many(loader, "signals in one message",
					CPC_DBC_MESSAGE_SIGNALS_MAX);
	signals = cpc_dbc_grow(loader, dbc->signals, dbc->signal_count, &loader->signal_capacity,
			       CPC_DBC_SIGNALS_MAX, sizeof(*signals), "signals", &r);
	if (!signals)
		return r;
	dbc->signals = signals;
	signals += dbc->signal_count;
	signals->message = dbc->message_count - 1;
	signals->line = loader->statement_line;
	r = scan_name(loader, "expected a signal name", &name);
	if (r < 0)
		return r;
	signals->name = cpc_dbc_store(loader, name, CPC_DBC_NAME_MAX * 2);
	r = load_mux(loader, signals);
	if (r == 0)
		r = load_layout(loader, signals, &start, &bits);
	if (r == 0)
		r = load_scale(loader, signals);
	if (r < 0)
		return r;
	/* The receivers do not matter here. */
	cpc_dbc_scan_line(&loader->scan);
	add_signal(loader, signals, start, bits);
	return 0;
}

/* What a VAL_, SIG_VALTYPE_ or SG_MUL_VAL_ refers to; NULL with a warning if not there. */
static struct cpc_dbc_signal *find_signal(struct cpc_dbc_loader *loader, uint32_t id,
					  struct cpc_slice name, const char *statement)
{
	struct cpc_dbc *dbc = loader->dbc;
	const struct cpc_dbc_message *message;
	uint32_t plain = id & ~EXTENDED_FLAG;

	message = cpc_dbc_message(dbc, plain, (id & EXTENDED_FLAG) || plain > ID_MAX_STANDARD);
	if (id == ID_NO_MESSAGE)
		return NULL;
	for (uint32_t i = 0; message && i < message->signal_count; i++) {
		struct cpc_dbc_signal *signal = &dbc->signals[message->first_signal + i];

		if (cpc_slice_is(name, signal->name))
			return signal;
	}
	cpc_dbc_warn(loader, "%s for signal %.*s of message %u, which is not there", statement,
		     (int)name.size, name.text, id);
	return NULL;
}

static int compare_labels(const void *a, const void *b)
{
	const struct cpc_dbc_label *left = a, *right = b;

	if (left->raw != right->raw)
		return left->raw > right->raw ? 1 : -1;
	return left->text > right->text ? 1 : -1; /* file order */
}

/* Sort the labels from `first` on, and of two for one value keep the first in the file. */
static void finish_labels(struct cpc_dbc *dbc, struct cpc_dbc_signal *signal, uint32_t first)
{
	uint32_t count = dbc->label_count - first, kept = 0;
	struct cpc_dbc_label *labels;

	if (!count)
		return;
	labels = dbc->labels + first;
	qsort(labels, count, sizeof(*labels), compare_labels);
	for (uint32_t i = 1; i < count; i++)
		if (labels[i].raw != labels[kept].raw)
			labels[++kept] = labels[i];
	dbc->label_count = first + kept + 1;
	signal->first_label = first;
	signal->label_count = kept + 1;
}

static int add_label(struct cpc_dbc_loader *loader, double raw, struct cpc_slice text)
{
	struct cpc_dbc *dbc = loader->dbc;
	struct cpc_dbc_label *labels;
	int r;

	if (raw < -9e18 || raw > 9e18 || raw != (double)(int64_t)raw) {
		cpc_dbc_warn(loader, "the value %g of a description is not a whole number", raw);
		return 0;
	}
	labels = cpc_dbc_grow(loader, dbc->labels, dbc->label_count, &loader->label_capacity,
			      CPC_DBC_LABELS_MAX, sizeof(*labels), "value descriptions", &r);
	if (!labels)
		return r;
	dbc->labels = labels;
	labels[dbc->label_count].raw = (int64_t)raw;
	labels[dbc->label_count].text = cpc_dbc_store(loader, text, CPC_DBC_TEXT_MAX);
	dbc->label_count++;
	return 0;
}

/* VAL_ 282 Gear 0 "Parked" 2 "Reverse" ;   or of an environment variable: VAL_ Name 0 "Off" ; */
int cpc_dbc_load_labels(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc_scan *scan = &loader->scan;
	struct cpc_dbc_signal *signal = NULL;
	uint32_t first = loader->dbc->label_count, id = 0;
	struct cpc_slice name, text;
	double raw;
	int byte, r;

	cpc_dbc_scan_blanks(scan);
	byte = cpc_dbc_scan_peek(scan);
	if (byte >= '0' && byte <= '9') {
		r = scan_id(loader, &id);
		if (r == 0)
			r = scan_name(loader, "expected a signal name", &name);
		if (r < 0)
			return r;
		signal = find_signal(loader, id, name, "VAL_");
	} else {
		r = scan_name(loader, "expected a message id or a variable", &name);
		if (r < 0)
			return r;
	}
	for (;;) {
		cpc_dbc_scan_space(scan);
		if (cpc_dbc_scan_char(scan, ';') || !cpc_dbc_scan_number(scan, &raw))
			break; /* the semicolon is often forgotten: the next statement tells */
		cpc_dbc_scan_space(scan);
		if (!cpc_dbc_scan_string(scan, &text))
			return cpc_dbc_refuse(loader, "expected a description in double quotes");
		r = signal ? add_label(loader, raw, text) : 0;
		if (r < 0)
			return r;
	}
	if (signal)
		finish_labels(loader->dbc, signal, first);
	return 0;
}

/* SIG_VALTYPE_ 500 Torque : 1 ;   0 integer, 1 float, 2 double */
int cpc_dbc_load_value_type(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc_scan *scan = &loader->scan;
	struct cpc_dbc_signal *signal;
	struct cpc_slice name;
	uint64_t type;
	uint32_t id = 0;
	int r;

	r = scan_id(loader, &id);
	if (r == 0)
		r = scan_name(loader, "expected a signal name", &name);
	if (r < 0)
		return r;
	cpc_dbc_scan_char(scan, ':');
	if (!cpc_dbc_scan_unsigned(scan, &type) || type > 3)
		return cpc_dbc_refuse(loader, "expected a value type of 0 to 3");
	cpc_dbc_scan_char(scan, ';');
	signal = find_signal(loader, id, name, "SIG_VALTYPE_");
	if (!signal || type == 0)
		return 0;
	if ((type == 1 && signal->bits == 32) || (type == 2 && signal->bits == 64)) {
		signal->type = type == 1 ? CPC_DBC_FLOAT : CPC_DBC_DOUBLE;
		return 0;
	}
	cpc_dbc_warn(loader, "%s: value type %u does not go with %u bits: left out", signal->name,
		     (unsigned int)type, signal->bits);
	signal->usable = false;
	return 0;
}

static int load_ranges(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal)
{
	struct cpc_dbc_scan *scan = &loader->scan;
	uint64_t low, high;
	int r;

	do {
		cpc_dbc_scan_space(scan);
		if (!cpc_dbc_scan_unsigned(scan, &low))
			return cpc_dbc_refuse(loader, "expected a multiplexer range such as 1-3");
		high = low;
		if (cpc_dbc_scan_char(scan, '-') && !cpc_dbc_scan_unsigned(scan, &high))
			return cpc_dbc_refuse(loader, "expected the end of a range");
		if (high < low)
			return cpc_dbc_refuse(loader, "a range that ends before it begins, before");
		r = signal ? add_range(loader, signal, low, high) : 0;
		if (r < 0)
			return r;
		cpc_dbc_scan_space(scan);
	} while (cpc_dbc_scan_char(scan, ','));
	cpc_dbc_scan_char(scan, ';');
	return 0;
}

/* SG_MUL_VAL_ 500 Inner Outer 0-3, 7-7;   Inner is there when Outer is in one of these */
int cpc_dbc_load_multiplexing(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc_signal *signal, *parent;
	struct cpc_slice name, parent_name;
	uint32_t id = 0;
	int r;

	r = scan_id(loader, &id);
	if (r == 0)
		r = scan_name(loader, "expected a signal name", &name);
	if (r == 0)
		r = scan_name(loader, "expected a multiplexor name", &parent_name);
	if (r < 0)
		return r;
	signal = find_signal(loader, id, name, "SG_MUL_VAL_");
	parent = find_signal(loader, id, parent_name, "SG_MUL_VAL_");
	if (!signal || !parent)
		return load_ranges(loader, NULL);
	if (signal->parent >= 0 && signal->parent != parent - loader->dbc->signals) {
		cpc_dbc_warn(loader, "%s: a second multiplexor %s: left out", signal->name,
			     parent->name);
		signal->usable = false;
		return load_ranges(loader, NULL);
	}
	signal->multiplexed = true;
	parent->multiplexor = true;
	signal->parent = (int32_t)(parent - loader->dbc->signals);
	/* These ranges replace the m3 of the SG_ line. */
	signal->first_range = loader->dbc->range_count;
	signal->range_count = 0;
	return load_ranges(loader, signal);
}

static void set_unusable(struct cpc_dbc_loader *loader, struct cpc_dbc_signal *signal,
			 const char *why)
{
	if (!signal->usable)
		return;
	loader->statement_line = signal->line;
	cpc_dbc_warn(loader, "%s.%s: %s: left out", loader->dbc->messages[signal->message].name,
		     signal->name, why);
	signal->usable = false;
}

/* The message's only plain multiplexor (M), for signals that name none. */
static void find_default_parent(struct cpc_dbc_loader *loader,
				const struct cpc_dbc_message *message)
{
	struct cpc_dbc_signal *signals;
	int32_t parent = -1;

	if (!message->signal_count)
		return;
	signals = loader->dbc->signals + message->first_signal;
	for (uint32_t i = 0; i < message->signal_count; i++) {
		if (!signals[i].multiplexor || signals[i].multiplexed)
			continue;
		if (parent >= 0) {
			parent = -1;
			break;
		}
		parent = (int32_t)(message->first_signal + i);
	}
	for (uint32_t i = 0; i < message->signal_count; i++) {
		if (!signals[i].multiplexed || signals[i].parent >= 0)
			continue;
		if (parent < 0)
			set_unusable(loader, &signals[i],
				     "multiplexed, but not clear by which signal");
		else
			signals[i].parent = parent;
	}
}

/* Is the way up from this signal short, and made of usable whole numbers only? */
static bool has_sound_parents(const struct cpc_dbc *dbc, const struct cpc_dbc_signal *signal)
{
	unsigned int depth = 0;

	while (signal->parent >= 0) {
		signal = &dbc->signals[signal->parent];
		if (++depth > CPC_DBC_MUX_DEPTH_MAX || !signal->usable)
			return false;
		if (signal->type == CPC_DBC_FLOAT || signal->type == CPC_DBC_DOUBLE)
			return false;
	}
	return true;
}

void cpc_dbc_resolve(struct cpc_dbc_loader *loader)
{
	struct cpc_dbc *dbc = loader->dbc;
	bool changed = true;

	for (uint32_t i = 0; i < dbc->message_count; i++)
		find_default_parent(loader, &dbc->messages[i]);
	/* One refusal can make others unsound; each round refuses at least one more level. */
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < dbc->signal_count; i++) {
			struct cpc_dbc_signal *signal = &dbc->signals[i];

			if (signal->usable && !has_sound_parents(dbc, signal)) {
				set_unusable(loader, signal, "its multiplexor cannot be decoded");
				changed = true;
			}
		}
	}
}
