// SPDX-License-Identifier: BSD-3-Clause
/*
 * channel.c - EDCA contention, carrier sense, overlap and loss; channel.h explains the model.
 *
 * A station's queue counts its backoff down only in what its idle times leave over: @backoff is
 * what was left when the air last became idle to it, and the queue may begin at
 *
 *	idle_since + AIFS[AC] + backoff slots       (or when a frame arrives, if that is later)
 *
 * (10.23.2.4). When the air becomes busy, the slots that passed are taken off. Clauses are those of
 * IEEE Std 802.11-2020.
 */
#include "tools/cpc-medium/channel.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/common/random.h"

enum {
	MILLION = 1000000,
	/* At the edge of reception: minimum sensitivity of QPSK 1/2 in 10 MHz, table 17-18. */
	EDGE_DBM = -85,
	STRONGEST_DBM = -30,
	SILENCE_DBM = -120,
	DECADE_DB = 30,		/* per tenfold distance: path-loss exponent 3, of a street */
};

#define BIT(station) (1ull << (station))

static bool chance(uint64_t *state, uint32_t ppm)
{
	return cpc_random_below(state, MILLION) < ppm;
}

static unsigned int stations(const struct cpc_channel *ch)
{
	return ch->scenario->stations;
}

/* ---- where everybody is ---------------------------------------------------------------------- */

static void measure_link(struct cpc_channel *ch, unsigned int a, unsigned int b)
{
	const struct cpc_channel_station *from = &ch->station[a], *to = &ch->station[b];
	double x = (double)from->x_mm - to->x_mm, y = (double)from->y_mm - to->y_mm;
	double distance = sqrt(x * x + y * y), dbm = STRONGEST_DBM;
	struct cpc_channel_link *link = &ch->link[a][b];

	if (distance > 1000)
		dbm = EDGE_DBM - DECADE_DB * log10(distance / ch->receive_mm);
	dbm = dbm > STRONGEST_DBM ? STRONGEST_DBM : dbm < SILENCE_DBM ? SILENCE_DBM : dbm;
	link->rssi_dbm = (int8_t)lround(dbm);
	link->received = distance <= ch->receive_mm;
	link->sensed = distance <= ch->sense_mm;
}

static void measure_all(struct cpc_channel *ch)
{
	unsigned int a, b;

	for (a = 0; a < stations(ch); a++)
		for (b = 0; b < stations(ch); b++)
			measure_link(ch, a, b);
}

static void set_loss(struct cpc_channel *ch, unsigned int a, unsigned int b,
		     const struct cpc_loss *loss)
{
	struct cpc_channel_link *link = &ch->link[a][b];
	uint64_t sum = (uint64_t)loss->to_bad_ppm + loss->to_good_ppm;

	link->loss = *loss;
	/* As after a long time. */
	link->bad = sum && cpc_random_below(&link->random, (uint32_t)sum) < loss->to_bad_ppm;
}

void cpc_channel_apply(struct cpc_channel *ch, const struct cpc_change *c)
{
	unsigned int a, b;

	switch (c->type) {
	case CPC_CHANGE_PLACE:
		ch->station[c->place.station].x_mm = c->place.x_mm;
		ch->station[c->place.station].y_mm = c->place.y_mm;
		measure_all(ch);
		break;
	case CPC_CHANGE_RANGE:
		ch->receive_mm = c->range.receive_mm;
		ch->sense_mm = c->range.sense_mm;
		measure_all(ch);
		break;
	case CPC_CHANGE_LOSS:
		for (a = 0; a < stations(ch); a++)
			for (b = 0; b < stations(ch); b++)
				if (c->loss.from == CPC_ALL_STATIONS ||
				    (c->loss.from == a && c->loss.to == b))
					set_loss(ch, a, b, &c->loss.loss);
		break;
	case CPC_CHANGE_GROUPS:
		for (a = 0; a < stations(ch); a++)
			ch->station[a].group = c->group[a];
		break;
	}
}

int cpc_channel_rssi_dbm(const struct cpc_channel *ch, unsigned int from, unsigned int to)
{
	return ch->link[from][to].rssi_dbm;
}

/* ---- busy ratio ------------------------------------------------------------------------------ */

static void close_window(struct cpc_channel_station *s)
{
	uint16_t permille = (uint16_t)(s->window_busy_us * 1000ull / CPC_CHANNEL_WINDOW_US);

	s->busy_permille[s->windows++ % CPC_CHANNEL_WINDOWS_MAX] = permille;
	if (permille > s->busiest_permille)
		s->busiest_permille = permille;
	s->window_busy_us = 0;
	s->window++;
}

/* Completes all windows that end by @now_us; a long idle time costs no more than the ring holds. */
static void roll(struct cpc_channel *ch, struct cpc_channel_station *s, uint64_t now_us)
{
	uint64_t window = (now_us - ch->reset_us) / CPC_CHANNEL_WINDOW_US, idle;

	if (s->window < window)
		close_window(s);
	if (window - s->window > CPC_CHANNEL_WINDOWS_MAX) {
		/* The ring keeps its place: whole rounds of it are left out. */
		idle = window - s->window - CPC_CHANNEL_WINDOWS_MAX;
		s->windows += idle;
		s->window += idle;
	}
	while (s->window < window)
		close_window(s);
}

/* Books the busy time up to @now_us. */
static void account(struct cpc_channel *ch, struct cpc_channel_station *s, uint64_t now_us)
{
	while (s->sensed && s->busy_since_us < now_us) {
		uint64_t end, until;

		roll(ch, s, s->busy_since_us);
		end = ch->reset_us + (s->window + 1) * CPC_CHANNEL_WINDOW_US;
		until = end < now_us ? end : now_us;
		s->window_busy_us += (uint32_t)(until - s->busy_since_us);
		s->busy_us += until - s->busy_since_us;
		s->busy_since_us = until;
	}
	roll(ch, s, now_us);
}

unsigned int cpc_channel_busy_permille(struct cpc_channel *ch, unsigned int station)
{
	struct cpc_channel_station *s = &ch->station[station];

	account(ch, s, ch->now_us);
	return s->windows ? s->busy_permille[(s->windows - 1) % CPC_CHANNEL_WINDOWS_MAX] : 0;
}

unsigned int cpc_channel_busy_mean_permille(struct cpc_channel *ch, unsigned int station)
{
	struct cpc_channel_station *s = &ch->station[station];
	uint64_t all = ch->now_us - ch->reset_us;

	account(ch, s, ch->now_us);
	return all ? (unsigned int)(s->busy_us * 1000 / all) : 0;
}

unsigned int cpc_channel_windows(struct cpc_channel *ch, unsigned int station,
				 uint16_t ret_permille[CPC_CHANNEL_WINDOWS_MAX])
{
	struct cpc_channel_station *s = &ch->station[station];
	unsigned int i, count;

	account(ch, s, ch->now_us);
	count = s->windows < CPC_CHANNEL_WINDOWS_MAX ? (unsigned int)s->windows :
						       CPC_CHANNEL_WINDOWS_MAX;
	for (i = 0; i < count; i++)
		ret_permille[i] = s->busy_permille[(s->windows - count + i) %
						   CPC_CHANNEL_WINDOWS_MAX];
	return count;
}

void cpc_channel_reset(struct cpc_channel *ch)
{
	unsigned int a, b;

	for (a = 0; a < stations(ch); a++) {
		struct cpc_channel_station *s = &ch->station[a];

		memset(&s->counts, 0, sizeof(s->counts));
		memset(s->busy_permille, 0, sizeof(s->busy_permille));
		s->busiest_permille = 0;
		s->windows = s->window = s->busy_us = 0;
		s->window_busy_us = 0;
		s->busy_since_us = ch->now_us;
		for (b = 0; b < stations(ch); b++) {
			ch->link[a][b].delivered = 0;
			memset(ch->link[a][b].lost, 0, sizeof(ch->link[a][b].lost));
		}
	}
	ch->reset_us = ch->now_us;
}

/* ---- contention ------------------------------------------------------------------------------ */

/* When this queue's first frame may begin if the air stays idle to its station. */
static uint64_t begins_us(const struct cpc_channel_station *s, unsigned int ac)
{
	const struct cpc_channel_queue *q = &s->queue[ac];
	uint64_t at = s->idle_since_us + cpc_air_aifs_us(ac) +
		      (uint64_t)q->backoff * CPC_AIR_SLOT_US;
	uint64_t arrived = q->frame[q->head].queued_us;

	if (!q->used)
		return CPC_CHANNEL_NEVER;
	return at > arrived ? at : arrived;
}

/* The queue that begins first, the higher one of two (10.23.2.4); returns when, or NEVER. */
static uint64_t first_to_begin(const struct cpc_channel_station *s, int *ret_ac)
{
	uint64_t first = CPC_CHANNEL_NEVER, at;
	int ac;

	*ret_ac = -1;
	for (ac = (int)CPC_ACS - 1; ac >= 0; ac--) {
		at = begins_us(s, (unsigned int)ac);
		if (at < first) {
			first = at;
			*ret_ac = ac;
		}
	}
	return first;
}

static void draw_backoff(struct cpc_channel_station *s, struct cpc_channel_queue *q)
{
	q->backoff = cpc_random_below(&s->random, q->cw + 1u);
}

/* A collision, in the air or within the station: 10.23.2.2. */
static void widen(struct cpc_channel_station *s, unsigned int ac)
{
	struct cpc_channel_queue *q = &s->queue[ac];
	unsigned int cw = 2u * (q->cw + 1u) - 1;

	q->cw = (uint16_t)(cw < cpc_edca_ocb[ac].cw_max ? cw : cpc_edca_ocb[ac].cw_max);
	draw_backoff(s, q);
}

/* Takes the slots that passed off all backoffs. */
static void hold_backoffs(struct cpc_channel_station *s, uint64_t now_us)
{
	unsigned int ac;

	for (ac = 0; ac < CPC_ACS; ac++) {
		struct cpc_channel_queue *q = &s->queue[ac];
		uint64_t from = s->idle_since_us + cpc_air_aifs_us(ac), passed;

		passed = now_us > from ? (now_us - from) / CPC_AIR_SLOT_US : 0;
		q->backoff -= passed < q->backoff ? (uint32_t)passed : q->backoff;
	}
}

/*
 * The air gets busy to @s by station @other. What would begin before it can be sensed still does.
 */
static void hear(struct cpc_channel *ch, struct cpc_channel_station *s, unsigned int other)
{
	uint64_t now_us = ch->now_us, at;
	int ac;

	if (!s->sensed) {
		at = first_to_begin(s, &ac);
		hold_backoffs(s, now_us);
		if (ac >= 0 && at < now_us + CPC_AIR_CCA_US && &ch->station[other] != s) {
			s->committed = ac;
			s->committed_us = at;
			s->queue[ac].backoff = 0;
		}
		s->busy_since_us = now_us;
	}
	s->sensed |= BIT(other);
}

static void unhear(struct cpc_channel *ch, struct cpc_channel_station *s, unsigned int other)
{
	account(ch, s, ch->now_us);
	s->sensed &= ~BIT(other);
	if (!s->sensed)
		s->idle_since_us = ch->now_us;
}

/* ---- on the air ------------------------------------------------------------------------------ */

static void disturb(struct cpc_channel_tx *tx, unsigned int receiver, int8_t dbm)
{
	if (dbm > tx->disturbed_dbm[receiver])
		tx->disturbed_dbm[receiver] = dbm;
}

/* Two frames overlap: each disturbs the other wherever it is heard. */
static void overlap(struct cpc_channel *ch, unsigned int a, unsigned int b)
{
	struct cpc_channel_tx *one = &ch->station[a].tx, *two = &ch->station[b].tx;
	unsigned int r;

	one->deaf |= BIT(b);
	two->deaf |= BIT(a);
	for (r = 0; r < stations(ch); r++) {
		if (one->sensing & BIT(r))
			disturb(two, r, ch->link[a][r].rssi_dbm);
		if (two->sensing & BIT(r))
			disturb(one, r, ch->link[b][r].rssi_dbm);
	}
}

static void reach(struct cpc_channel *ch, unsigned int from)
{
	struct cpc_channel_tx *tx = &ch->station[from].tx;
	unsigned int r;

	tx->sensing = tx->reached = tx->parted = tx->deaf = 0;
	memset(tx->disturbed_dbm, SILENCE_DBM, sizeof(tx->disturbed_dbm));
	for (r = 0; r < stations(ch); r++) {
		if (r == from)
			continue;
		if (ch->station[r].group != ch->station[from].group) {
			tx->parted |= BIT(r);
			continue;
		}
		tx->sensing |= ch->link[from][r].sensed ? BIT(r) : 0;
		tx->reached |= ch->link[from][r].received ? BIT(r) : 0;
	}
}

static void begin(struct cpc_channel *ch, unsigned int from, unsigned int ac)
{
	struct cpc_channel_station *s = &ch->station[from];
	const struct cpc_channel_frame *frame = &s->queue[ac].frame[s->queue[ac].head];
	unsigned int rate = ch->scenario->rate_mbit_s, i, lower, inner = 0;
	uint32_t air_us = cpc_air_us(frame->octets, rate);

	assert(s->queue[ac].used && !s->tx.on);
	if (frame->to != CPC_ALL_STATIONS)
		air_us += cpc_air_ack_us(rate);
	for (lower = 0; lower < ac && !s->sensed; lower++)
		inner |= begins_us(s, lower) <= ch->now_us ? 1u << lower : 0;
	s->committed = -1;
	s->tx.on = true;
	s->tx.ac = (uint8_t)ac;
	s->tx.start_us = ch->now_us;
	s->tx.end_us = ch->now_us + air_us;
	s->counts.sent++;
	s->counts.air_us += air_us;
	reach(ch, from);
	for (i = 0; i < stations(ch); i++)
		if (i != from && ch->station[i].tx.on)
			overlap(ch, from, i);
	for (i = 0; i < stations(ch); i++)
		if (i == from || s->tx.sensing & BIT(i))
			hear(ch, &ch->station[i], from);
	for (lower = 0; lower < ac; lower++)
		if (inner >> lower & 1)
			widen(s, lower);
}

/* Gilbert-Elliott: once per frame the times may change, then the frame is lost or not. */
static bool lost_on(struct cpc_channel_link *link)
{
	const struct cpc_loss *l = &link->loss;

	if (l->to_bad_ppm | l->to_good_ppm &&
	    chance(&link->random, link->bad ? l->to_good_ppm : l->to_bad_ppm))
		link->bad = !link->bad;
	return chance(&link->random, link->bad ? l->bad_ppm : l->good_ppm);
}

static bool receives(struct cpc_channel *ch, unsigned int from, unsigned int r)
{
	const struct cpc_channel_tx *tx = &ch->station[from].tx;
	struct cpc_channel_link *link = &ch->link[from][r];
	struct cpc_channel_counts *counts = &ch->station[from].counts;
	int over = link->rssi_dbm - tx->disturbed_dbm[r], capture = ch->scenario->capture_db;
	bool faded = !(tx->parted & BIT(r)) && tx->reached & BIT(r) && lost_on(link);
	enum cpc_channel_cause cause;

	if (tx->parted & BIT(r))
		cause = CPC_LOST_PARTITION;
	else if (!(tx->reached & BIT(r)))
		cause = CPC_LOST_RANGE;
	else if (tx->deaf & BIT(r) || (tx->disturbed_dbm[r] > SILENCE_DBM &&
				       (!capture || over < capture)))
		cause = CPC_LOST_COLLISION;
	else if (faded)
		cause = CPC_LOST_LOSS;
	else {
		link->delivered++;
		counts->delivered++;
		return true;
	}
	link->lost[cause]++;
	counts->lost[cause]++;
	return false;
}

static bool again(const struct cpc_channel_frame *frame, uint64_t received, unsigned int retries)
{
	return frame->to != CPC_ALL_STATIONS && !(received & BIT(frame->to)) &&
	       retries < CPC_CHANNEL_RETRIES;
}

/* False if the frame will be sent again. */
static bool end(struct cpc_channel *ch, unsigned int from, struct cpc_channel_done *ret_done)
{
	struct cpc_channel_station *s = &ch->station[from];
	struct cpc_channel_queue *q = &s->queue[s->tx.ac];
	struct cpc_channel_done done = { .frame = q->frame[q->head],
					 .start_us = s->tx.start_us, .end_us = s->tx.end_us };
	unsigned int r;

	for (r = 0; r < stations(ch); r++)
		if (r != from && (done.frame.to == CPC_ALL_STATIONS || done.frame.to == r) &&
		    receives(ch, from, r))
			done.received |= BIT(r);
	s->tx.on = false;
	for (r = 0; r < stations(ch); r++)
		if (r == from || s->tx.sensing & BIT(r))
			unhear(ch, &ch->station[r], from);
	if (again(&done.frame, done.received, q->retries)) {
		q->retries++;
		s->counts.retries++;
		widen(s, s->tx.ac);
		return false;
	}
	done.attempts = (uint8_t)(q->retries + 1);
	q->retries = 0;
	q->head = (q->head + 1) % CPC_CHANNEL_QUEUE_MAX;
	q->used--;
	q->cw = cpc_edca_ocb[s->tx.ac].cw_min;
	draw_backoff(s, q);
	*ret_done = done;
	return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

enum what { NOTHING, CHANGE, END, BEGIN };

/* What comes next. At one time changes come first and ends before begins. */
static uint64_t next_event(const struct cpc_channel *ch, enum what *ret_what,
			   unsigned int *ret_station, int *ret_ac)
{
	const struct cpc_scenario *scenario = ch->scenario;
	uint64_t next = CPC_CHANNEL_NEVER, at;
	unsigned int i;
	int ac;

	*ret_what = NOTHING;
	if (ch->next_change < scenario->changes) {
		next = ch->start_us + scenario->change[ch->next_change].at_us;
		*ret_what = CHANGE;
	}
	for (i = 0; i < stations(ch); i++)
		if (ch->station[i].tx.on && ch->station[i].tx.end_us < next) {
			next = ch->station[i].tx.end_us;
			*ret_what = END;
			*ret_station = i;
		}
	for (i = 0; i < stations(ch); i++) {
		const struct cpc_channel_station *s = &ch->station[i];

		ac = s->committed;
		at = ac >= 0 ? s->committed_us : CPC_CHANNEL_NEVER;
		if (!s->sensed)
			at = first_to_begin(s, &ac);
		if (at < next) {
			next = at;
			*ret_what = BEGIN;
			*ret_station = i;
			*ret_ac = ac;
		}
	}
	return next;
}

uint64_t cpc_channel_next_us(const struct cpc_channel *ch)
{
	unsigned int station;
	enum what what;
	int ac;

	return next_event(ch, &what, &station, &ac);
}

bool cpc_channel_advance(struct cpc_channel *ch, uint64_t now_us,
			 struct cpc_channel_done *ret_done)
{
	unsigned int station = 0;
	enum what what;
	uint64_t at;
	int ac = 0;

	assert(now_us >= ch->now_us);
	for (;;) {
		at = next_event(ch, &what, &station, &ac);
		if (at > now_us || what == NOTHING)
			break;
		ch->now_us = at > ch->now_us ? at : ch->now_us;
		if (what == CHANGE)
			cpc_channel_apply(ch, &ch->scenario->change[ch->next_change++]);
		else if (what == BEGIN)
			begin(ch, station, (unsigned int)ac);
		else if (end(ch, station, ret_done))
			return true;
	}
	ch->now_us = now_us;
	return false;
}

/* Some frame has been on the air for so short that @s cannot sense anything yet. */
static bool seems_idle(const struct cpc_channel *ch, const struct cpc_channel_station *s)
{
	unsigned int i;

	for (i = 0; i < stations(ch); i++)
		if (s->sensed & BIT(i) && (&ch->station[i] == s ||
		    ch->station[i].tx.start_us + CPC_AIR_CCA_US <= ch->now_us))
			return false;
	return true;
}

int cpc_channel_send(struct cpc_channel *ch, uint64_t now_us,
		     const struct cpc_channel_frame *frame)
{
	struct cpc_channel_station *s;
	struct cpc_channel_queue *q;
	struct cpc_channel_frame *slot;

	if (frame->from >= stations(ch) || frame->ac >= CPC_ACS ||
	    frame->octets > CPC_AIR_MPDU_MAX || frame->to == frame->from ||
	    (frame->to >= stations(ch) && frame->to != CPC_ALL_STATIONS))
		return -EINVAL;
	assert(now_us >= ch->now_us && cpc_channel_next_us(ch) >= now_us);
	ch->now_us = now_us;
	s = &ch->station[frame->from];
	q = &s->queue[frame->ac];
	if (q->used == CPC_CHANNEL_QUEUE_MAX) {
		s->counts.dropped++;
		return -ENOBUFS;
	}
	/* 10.23.2.2 a: a backoff is drawn when the air is busy and none is left. */
	if (!q->used && !q->backoff && s->sensed) {
		if (s->committed < 0 && s->idle_since_us + cpc_air_aifs_us(frame->ac) <= now_us &&
		    seems_idle(ch, s)) {
			s->committed = frame->ac;
			s->committed_us = now_us;
		} else {
			draw_backoff(s, q);
		}
	}
	slot = &q->frame[(q->head + q->used++) % CPC_CHANNEL_QUEUE_MAX];
	*slot = *frame;
	slot->queued_us = now_us;
	return 0;
}

void cpc_channel_init(struct cpc_channel *ch, const struct cpc_scenario *scenario,
		      uint64_t now_us)
{
	unsigned int a, b, ac;

	memset(ch, 0, sizeof(*ch));
	ch->scenario = scenario;
	ch->start_us = ch->now_us = ch->reset_us = now_us;
	ch->receive_mm = ch->sense_mm = 500 * 1000;
	for (a = 0; a < stations(ch); a++) {
		struct cpc_channel_station *s = &ch->station[a];

		s->random = scenario->seed * 0x2545f4914f6cdd1dull + a;
		s->committed = -1;
		s->idle_since_us = now_us;
		for (ac = 0; ac < CPC_ACS; ac++)
			s->queue[ac].cw = cpc_edca_ocb[ac].cw_min;
		for (b = 0; b < stations(ch); b++)
			ch->link[a][b].random = ~scenario->seed * 0x9e6c63d0676a9a99ull +
						((uint64_t)a << 32) + b;
	}
	measure_all(ch);
	for (; ch->next_change < scenario->changes && !scenario->change[ch->next_change].at_us;
	     ch->next_change++)
		cpc_channel_apply(ch, &scenario->change[ch->next_change]);
}

void cpc_channel_check(const struct cpc_channel *ch)
{
	unsigned int i, k, ac;

	for (i = 0; i < stations(ch); i++) {
		const struct cpc_channel_station *s = &ch->station[i];

		/* One senses exactly who is on the air and in range, and itself. */
		for (k = 0; k < stations(ch); k++) {
			const struct cpc_channel_tx *tx = &ch->station[k].tx;

			assert(!(s->sensed >> k & 1) ==
			       !(tx->on && (k == i || tx->sensing & BIT(i))));
			assert(!tx->on || (tx->start_us <= ch->now_us && ch->now_us <= tx->end_us));
		}
		assert(!(s->sensed >> (stations(ch) - 1) >> 1));
		assert(s->sensed || s->idle_since_us <= ch->now_us);
		assert(s->committed < 0 || (s->sensed && !s->tx.on &&
					    s->queue[s->committed].used));
		assert(s->window_busy_us <= CPC_CHANNEL_WINDOW_US);
		assert(!s->tx.on || s->queue[s->tx.ac].used);
		for (ac = 0; ac < CPC_ACS; ac++) {
			const struct cpc_channel_queue *q = &s->queue[ac];

			assert(q->used <= CPC_CHANNEL_QUEUE_MAX);
			assert(q->retries <= CPC_CHANNEL_RETRIES);
			assert(q->cw >= cpc_edca_ocb[ac].cw_min &&
			       q->cw <= cpc_edca_ocb[ac].cw_max && q->backoff <= q->cw);
		}
	}
}
