// SPDX-License-Identifier: BSD-3-Clause
/* lie.c - two personas and who is told what; see lie.h. The lies themselves are in forge.c. */
#include "tools/cpc-twin/lie.h"

#include <stdlib.h>

#include "tools/common/random.h"
#include "tools/cpc-twin/forge.h"

enum {
	SILENCE_US = 1000000,		/* talks so long, then falls silent */
	AUDIENCE_US = 3000000,		/* an audience is kept at most so long */
	AUDIENCE_MIN_US = 400000,
	PARTED_US = 400000,		/* one persona's log lags so long: it takes the other's */
	FORGERY_BYTES = 240,		/* room left for what is added to an honest element */
};

static const struct {
	const char *name;
	u32 modes;
} names[] = {
	{ "equivocate", CPC_LIE_EQUIVOCATE }, { "fork", CPC_LIE_FORK },
	{ "frozen", CPC_LIE_FROZEN },	      { "garbage", CPC_LIE_GARBAGE },
	{ "replay", CPC_LIE_REPLAY },	      { "refuse", CPC_LIE_REFUSE },
	{ "careless", CPC_LIE_CARELESS },     { "silent", CPC_LIE_SILENT },
	{ "all", CPC_LIE_ALL },
};

int cpc_lie_parse(const char *text, u32 *ret_modes, struct cpc_error *error)
{
	u32 modes = 0;
	size_t len, i;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i].name) == len && memcmp(names[i].name, text, len) == 0)
				break;
		if (i == sizeof(names) / sizeof(names[0])) {
			cpc_error_set(error, "--lie: '%.*s' is none of equivocate, fork, frozen, "
				      "garbage, replay, refuse, careless, silent, all",
				      (int)(len < 40 ? len : 40), text);
			return -EINVAL;
		}
		modes |= names[i].modes;
		if (!text[len])
			break;
	}
	*ret_modes = modes;
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static bool two_faced(const struct cpc_lie *lie)
{
	return lie->modes & (CPC_LIE_EQUIVOCATE | CPC_LIE_FORK | CPC_LIE_FROZEN);
}

/* Does persona B write a lane of its own? */
static bool two_lanes(const struct cpc_lie *lie)
{
	return lie->modes & (CPC_LIE_EQUIVOCATE | CPC_LIE_FORK);
}

u64 cpc_lie_noise(struct cpc_lie *lie)
{
	return cpc_random_next(&lie->random) | 1;
}

/* Some of the others, but not all of them. */
static void choose_audience(struct cpc_lie *lie, u64 now_us)
{
	u64 others = (((u64)1 << (lie->n - 1) << 1) - 1) & ~((u64)1 << lie->self);

	do {
		lie->audience = cpc_random_next(&lie->random) & others;
	} while (!lie->audience || lie->audience == others);
	lie->audience_us = now_us;
}

struct cpc_lie *cpc_lie_new(u32 modes, struct cpc_core *core, u64 seed, u64 now_us)
{
	struct cpc_lie *lie = calloc(1, sizeof(*lie));
	size_t size = cpc_core_size(core->config.n);

	if (!lie)
		return NULL;
	lie->modes = modes;
	lie->n = core->config.n;
	lie->self = core->config.self;
	lie->seed = lie->random = seed;
	lie->started_us = now_us;
	lie->wake_us = CPC_NEVER_US;
	lie->persona[0] = core;
	lie->persona[1] = malloc(size);
	if (!lie->persona[1]) {
		free(lie);
		return NULL;
	}
	memcpy(lie->persona[1], core, size);
	lie->persona[1]->random ^= 0x9e3779b97f4a7c15ull;
	choose_audience(lie, now_us);
	return lie;
}

void cpc_lie_free(struct cpc_lie *lie)
{
	if (!lie)
		return;
	free(lie->persona[1]);
	free(lie);
}

/* ---- the personas ---------------------------------------------------------------------------- */

static void step_b(struct cpc_lie *lie, u64 now_us, struct cpc_event *event)
{
	event->now_us = now_us;
	cpc_step(lie->persona[1], event, &lie->effects);
	lie->send_due |= lie->effects.send;
	lie->wake_us = lie->effects.wake_us;
}

/*
 * The cell decided what only one persona holds: the other, whose lane differs, cannot follow. It
 * becomes a copy of the one that can.
 */
static void reunite(struct cpc_lie *lie, u64 now_us)
{
	u32 a = lie->persona[0]->decided, b = lie->persona[1]->decided;
	unsigned int from = a > b ? 0 : 1;

	if (a == b) {
		lie->parted_us = 0;
		return;
	}
	if (!lie->parted_us)
		lie->parted_us = now_us;
	if (now_us - lie->parted_us < PARTED_US && a - b + CPC_OPEN_MAX <= 2 * CPC_OPEN_MAX)
		return;
	memcpy(lie->persona[!from], lie->persona[from], cpc_core_size(lie->n));
	lie->persona[!from]->random ^= cpc_lie_noise(lie);
	lie->parted_us = 0;
	choose_audience(lie, now_us);
}

static void refuse(struct cpc_lie *lie, struct cpc_core *core, u64 now_us)
{
	struct cpc_event event = { .type = CPC_EV_VERDICT, .now_us = now_us };
	unsigned int i;

	for (i = 0; i < lie->n; i++) {
		const struct cpc_condition *c = &core->member[i].condition;

		if (c->kind == CPC_ENTRY_ORDINARY || (c->yes | c->no) >> lie->self & 1)
			continue;
		event.verdict.lane = (u8)i;
		event.verdict.verdict = CPC_VERDICT_NO;
		event.verdict.seq = c->seq;
		event.verdict.head = c->head;
		cpc_step(core, &event, &lie->effects);
	}
}

static void think(struct cpc_lie *lie, u64 now_us)
{
	const struct cpc_lane *lane = &lie->persona[0]->member[lie->self].lane;
	u64 kept_us = now_us - lie->audience_us;

	reunite(lie, now_us);
	/*
	 * Whoever hears both branches of a lane has evidence and leaves the lane out from then on,
	 * so a fork's audience stays the same until the branches have met their fate.
	 */
	if (kept_us > AUDIENCE_US || (kept_us > AUDIENCE_MIN_US && lane->last == lane->frontier))
		choose_audience(lie, now_us);
	if (lie->modes & CPC_LIE_REFUSE) {
		refuse(lie, lie->persona[0], now_us);
		refuse(lie, lie->persona[1], now_us);
	}
}

void cpc_lie_hear(struct cpc_lie *lie, u64 now_us, const u8 *data, size_t len)
{
	struct cpc_event event = {
		.type = CPC_EV_ELEMENT,
		.element = { .data = data, .len = len },
	};

	step_b(lie, now_us, &event);
	think(lie, now_us);
}

void cpc_lie_submit(struct cpc_lie *lie, u64 now_us, u8 kind, const u8 *data, size_t len)
{
	u8 other[CPC_ENTRY_DATA_MAX];
	struct cpc_event event = {
		.type = CPC_EV_SUBMIT,
		.submit = { .kind = kind, .data = other, .len = len },
	};

	if (len > sizeof(other))
		return;
	memcpy(other, data, len);
	if (two_lanes(lie) && len)
		other[len - 1] ^= 0x5f;
	step_b(lie, now_us, &event);
}

void cpc_lie_tick(struct cpc_lie *lie, u64 now_us)
{
	struct cpc_event event = { .type = CPC_EV_TICK };

	step_b(lie, now_us, &event);
	think(lie, now_us);
}

/* ---- replay ---------------------------------------------------------------------------------- */

void cpc_lie_save(struct cpc_lie *lie, const u8 *element, size_t len)
{
	unsigned int at = lie->saved_used % CPC_LIE_SAVED;

	if (!(lie->modes & CPC_LIE_REPLAY) || len > CPC_ELEMENT_MAX)
		return;
	memcpy(lie->saved[at].data, element, len);
	lie->saved[at].len = len;
	lie->saved_used++;
}

const u8 *cpc_lie_replay(struct cpc_lie *lie, size_t *ret_len)
{
	u32 kept = lie->saved_used < CPC_LIE_SAVED ? lie->saved_used : CPC_LIE_SAVED, at;

	if (!(lie->modes & CPC_LIE_REPLAY) || !kept || cpc_forge_chance(&lie->random, 30))
		return NULL;
	at = (u32)(cpc_random_next(&lie->random) % kept);
	lie->replays++;
	*ret_len = lie->saved[at].len;
	return lie->saved[at].data;
}

/* ---- speaking -------------------------------------------------------------------------------- */

static bool is_silent(const struct cpc_lie *lie, u64 now_us)
{
	u64 periods = (now_us - lie->started_us) / SILENCE_US;

	if (!(lie->modes & CPC_LIE_SILENT))
		return false;
	return lie->modes == CPC_LIE_SILENT ? periods > 0 : periods % 2;
}

/* What the persona means to say. */
static int speak(struct cpc_lie *lie, unsigned int persona, u64 now_us, size_t room,
		 bool standalone)
{
	u8 data[CPC_ELEMENT_MAX];
	struct cpc_event event = {
		.type = CPC_EV_CARRIER,
		.now_us = now_us,
		.carrier = { .data = data, .standalone = standalone },
	};
	int r;

	event.carrier.room = room < sizeof(data) ? room : sizeof(data);
	r = cpc_step(lie->persona[persona], &event, &lie->effects);
	if (r)
		return r;
	if (!lie->effects.element_len)
		return -ENODATA;
	return cpc_draft_read(&lie->draft[persona], data, lie->effects.element_len, lie->n);
}

static unsigned int add_word(struct cpc_lie *lie, const struct cpc_draft *draft, u64 receivers,
			     size_t room, struct cpc_lie_word *ret_word)
{
	int len = cpc_draft_write(draft, lie->n, ret_word->data,
				  room < CPC_ELEMENT_MAX ? room : CPC_ELEMENT_MAX);

	if (len < 0)
		return 0;
	ret_word->len = (size_t)len;
	ret_word->receivers = receivers;
	lie->words++;
	return 1;
}

unsigned int cpc_lie_tell(struct cpc_lie *lie, u64 now_us, size_t room, bool standalone,
			  struct cpc_lie_word ret_words[CPC_LIE_WORDS])
{
	struct cpc_draft *a = &lie->draft[0], *b = &lie->draft[1];
	unsigned int count = 0;
	size_t base = room > 2 * FORGERY_BYTES ? room - FORGERY_BYTES : room;

	lie->send_due = false;
	if (is_silent(lie, now_us))
		return 0;
	think(lie, now_us);
	if (speak(lie, 0, now_us, base, standalone))
		return 0;
	if (!(lie->modes & CPC_LIE_EQUIVOCATE) || speak(lie, 1, now_us, base, standalone))
		*b = *a;
	lie->counter++;
	a->e.header.counter = b->e.header.counter = lie->counter;
	cpc_forge(lie, 0);
	cpc_forge(lie, 1);
	if (two_faced(lie)) {
		count += add_word(lie, a, ~lie->audience, room, &ret_words[count]);
		count += add_word(lie, b, lie->audience, room, &ret_words[count]);
	} else {
		count += add_word(lie, a, ~(u64)0, room, &ret_words[count]);
	}
	if (lie->modes & CPC_LIE_CARELESS && cpc_forge_chance(&lie->random, 40)) {
		b->e.header.log_hash[0] ^= 0x33;
		count += add_word(lie, b, ~(u64)0, room, &ret_words[count]);
	}
	return count;
}
