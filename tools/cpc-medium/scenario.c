// SPDX-License-Identifier: BSD-3-Clause
/* scenario.c - reads what scenario.h describes: lines, split into words, the first the command. */
#include "tools/cpc-medium/scenario.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/cpc-medium/air.h"

enum { WORDS_MAX = CPC_STATIONS_MAX * 2 + 8, MILLION = 1000000 };

/* One line, taken apart. */
struct line {
	const char *name;		/* of the file, NULL for a single command */
	unsigned int number;
	char text[CPC_SCENARIO_LINE_MAX + 1];
	const char *word[WORDS_MAX];
	unsigned int words, next;
	struct cpc_error *error;
};

static int refuse(const struct line *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse(const struct line *l, const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (l->name)
		cpc_error_set(l->error, "%s:%u: %s", l->name, l->number, what);
	else
		cpc_error_set(l->error, "%s", what);
	return -EINVAL;
}

/* Splits at blanks, up to '#'. The words point into l->text. */
static int split(struct line *l, const char *text, size_t len)
{
	bool inside = false;
	size_t i;

	l->words = l->next = 0;
	if (len > CPC_SCENARIO_LINE_MAX)
		return refuse(l, "the line has %zu bytes, at most %d are read", len,
			      CPC_SCENARIO_LINE_MAX);
	if (memchr(text, '\0', len))
		return refuse(l, "the line contains a NUL byte: this is not a text file");
	memcpy(l->text, text, len);
	l->text[len] = '\0';
	for (i = 0; l->text[i] && l->text[i] != '#'; i++) {
		bool blank = strchr(" \t\r", l->text[i]) != NULL;

		if (!blank && !inside) {
			if (l->words == WORDS_MAX)
				return refuse(l, "more than %d words", WORDS_MAX);
			l->word[l->words++] = &l->text[i];
		}
		if (blank)
			l->text[i] = '\0';
		inside = !blank;
	}
	l->text[i] = '\0';
	return 0;
}

static const char *peek(const struct line *l)
{
	return l->next < l->words ? l->word[l->next] : NULL;
}

/*
 * The next word as a number of thousandths in [min, max] (which are whole, and so printed);
 * decimals beyond the third are refused rather than rounded.
 */
static int take_milli(struct line *l, const char *what, int64_t min, int64_t max, int64_t *ret)
{
	const char *word = peek(l), *at = word;
	unsigned int digits = 0, decimals = 0;
	bool minus, point = false, bad = false;
	int64_t value = 0;

	if (!word)
		return refuse(l, "%s is missing", what);
	minus = *at == '-';
	at += minus;
	for (; *at && !bad; at++) {
		if (*at == '.' && !point && digits) {
			point = true;
			continue;
		}
		bad = *at < '0' || *at > '9' || ++digits > 15 || (point && ++decimals > 3);
		value = value * 10 + (*at - '0');
	}
	bad |= !digits || (point && !decimals);
	for (; decimals < 3 && !bad; decimals++)
		value *= 10;
	value = minus ? -value : value;
	if (bad || value < min * 1000 || value > max * 1000)
		return refuse(l, "%s: '%.40s' is not a number from %lld to %lld", what, word,
			      (long long)min, (long long)max);
	l->next++;
	*ret = value;
	return 0;
}

static int take_whole(struct line *l, const char *what, int64_t min, int64_t max, int64_t *ret)
{
	const char *word = peek(l);
	int64_t milli;
	int r = take_milli(l, what, min, max, &milli);

	if (r < 0)
		return r;
	if (milli % 1000)
		return refuse(l, "%s: '%.40s' is not a whole number", what, word);
	*ret = milli / 1000;
	return 0;
}

static int take_station(struct line *l, const struct cpc_scenario *s, uint8_t *ret_station)
{
	int64_t number;
	int r;

	if (!s->stations)
		return refuse(l, "no station has been given yet");
	r = take_whole(l, "the station", 0, s->stations - 1, &number);
	if (r == 0)
		*ret_station = (uint8_t)number;
	return r;
}

static int take_place(struct line *l, int32_t *ret_x_mm, int32_t *ret_y_mm)
{
	int64_t x, y;
	int r = take_milli(l, "x", -CPC_RANGE_MAX_M, CPC_RANGE_MAX_M, &x);

	r = r < 0 ? r : take_milli(l, "y", -CPC_RANGE_MAX_M, CPC_RANGE_MAX_M, &y);
	if (r < 0)
		return r;
	*ret_x_mm = (int32_t)x;
	*ret_y_mm = (int32_t)y;
	return 0;
}

int cpc_loss_make(uint32_t average_ppm, uint32_t burst_milli, uint32_t good_ppm, uint32_t bad_ppm,
		  struct cpc_loss *ret_loss)
{
	struct cpc_loss loss = { .good_ppm = average_ppm, .bad_ppm = average_ppm };
	uint64_t bad, to_good, to_bad;

	if (average_ppm > MILLION || good_ppm > bad_ppm || bad_ppm > MILLION)
		return -ERANGE;
	if (burst_milli == 0) {
		*ret_loss = loss;
		return 0;
	}
	if (burst_milli < 1000 || average_ppm < good_ppm || average_ppm >= bad_ppm)
		return -ERANGE;
	/* Of all frames, those in bad times; a stay there is 1/to_good frames in the mean. */
	bad = (uint64_t)(average_ppm - good_ppm) * MILLION / (bad_ppm - good_ppm);
	to_good = 1000ull * MILLION / burst_milli;
	to_bad = bad * to_good / (MILLION - bad);
	if (to_bad > MILLION)
		return -ERANGE;
	loss.good_ppm = good_ppm;
	loss.bad_ppm = bad_ppm;
	loss.to_bad_ppm = (uint32_t)to_bad;
	loss.to_good_ppm = (uint32_t)to_good;
	*ret_loss = loss;
	return 0;
}

/* ---- commands that change the air ------------------------------------------------------------ */

static int read_range(struct line *l, const struct cpc_scenario *s, struct cpc_change *c)
{
	int64_t receive, sense;
	int r = take_milli(l, "range", 1, CPC_RANGE_MAX_M, &receive);

	(void)s;
	if (r < 0)
		return r;
	sense = receive;
	if (peek(l))
		r = take_milli(l, "sense range", 1, CPC_RANGE_MAX_M, &sense);
	if (r < 0)
		return r;
	if (sense < receive)
		return refuse(l, "sensed within %lld m, less than the %lld m of receiving",
			      (long long)sense / 1000, (long long)receive / 1000);
	c->type = CPC_CHANGE_RANGE;
	c->range.receive_mm = (uint32_t)receive;
	c->range.sense_mm = (uint32_t)sense;
	return 0;
}

static int read_loss(struct line *l, const struct cpc_scenario *s, struct cpc_change *c)
{
	int64_t average, burst = 0, good = 0, bad = 100000;
	int r = take_milli(l, "loss", 0, 100, &average);

	c->type = CPC_CHANGE_LOSS;
	c->loss.from = c->loss.to = CPC_ALL_STATIONS;
	while (r == 0 && peek(l)) {
		const char *word = l->word[l->next++];

		if (!strcmp(word, "burst")) {
			r = take_milli(l, "burst", 1, 1000, &burst);
		} else if (!strcmp(word, "good")) {
			r = take_milli(l, "good", 0, 100, &good);
		} else if (!strcmp(word, "bad")) {
			r = take_milli(l, "bad", 0, 100, &bad);
		} else if (!strcmp(word, "link")) {
			r = take_station(l, s, &c->loss.from);
			r = r < 0 ? r : take_station(l, s, &c->loss.to);
		} else {
			r = refuse(l, "'%.40s' is not burst, good, bad or link", word);
		}
	}
	if (r < 0)
		return r;
	/* A thousandth of a per cent is ten millionths. */
	if (cpc_loss_make((uint32_t)average * 10, (uint32_t)burst, (uint32_t)good * 10,
			  (uint32_t)bad * 10, &c->loss.loss) < 0)
		return refuse(l, "no bursts of %g frames with %g %% and %g %% lost lose %g %% of "
			      "all", (double)burst / 1e3, (double)good / 1e3, (double)bad / 1e3,
			      (double)average / 1e3);
	return 0;
}

static int read_partition(struct line *l, const struct cpc_scenario *s, struct cpc_change *c)
{
	uint8_t group = 1, station = 0;
	int r;

	c->type = CPC_CHANGE_GROUPS;
	memset(c->group, 0, sizeof(c->group));
	if (!peek(l))
		return refuse(l, "partition needs stations, with '|' between groups");
	while (peek(l)) {
		if (!strcmp(peek(l), "|")) {
			l->next++;
			group++;
			continue;
		}
		r = take_station(l, s, &station);
		if (r < 0)
			return r;
		if (c->group[station])
			return refuse(l, "station %u is named twice", station);
		c->group[station] = group;
	}
	return 0;
}

static int read_heal(struct line *l, const struct cpc_scenario *s, struct cpc_change *c)
{
	(void)l;
	(void)s;
	c->type = CPC_CHANGE_GROUPS;
	memset(c->group, 0, sizeof(c->group));
	return 0;
}

static int read_move(struct line *l, const struct cpc_scenario *s, struct cpc_change *c)
{
	int r;

	c->type = CPC_CHANGE_PLACE;
	r = take_station(l, s, &c->place.station);
	return r < 0 ? r : take_place(l, &c->place.x_mm, &c->place.y_mm);
}

static const struct {
	const char *name;
	int (*read)(struct line *l, const struct cpc_scenario *s, struct cpc_change *c);
} changes[] = {
	{ "range", read_range }, { "loss", read_loss }, { "partition", read_partition },
	{ "heal", read_heal }, { "station", read_move },
};

static int finish(const struct line *l)
{
	return peek(l) ? refuse(l, "'%.40s' is too much", peek(l)) : 0;
}

static int read_change(struct line *l, const struct cpc_scenario *s, struct cpc_change *ret_change)
{
	struct cpc_change change = { 0 };
	const char *word = peek(l);
	size_t i;
	int r;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (!word || strcmp(word, changes[i].name) != 0)
			continue;
		l->next++;
		r = changes[i].read(l, s, &change);
		r = r < 0 ? r : finish(l);
		if (r == 0)
			*ret_change = change;
		return r;
	}
	return refuse(l, "'%.40s' is no command%s", word ? word : "", word ? "" : " at all");
}

int cpc_scenario_command(const struct cpc_scenario *scenario, const char *text,
			 struct cpc_change *ret_change, struct cpc_error *error)
{
	struct line l = { .error = error };
	int r = split(&l, text, strnlen(text, CPC_SCENARIO_LINE_MAX + 1));

	return r < 0 ? r : read_change(&l, scenario, ret_change);
}

/* ---- the whole file -------------------------------------------------------------------------- */

static int add_change(struct line *l, struct cpc_scenario *s, const struct cpc_change *c)
{
	if (s->changes == CPC_CHANGES_MAX)
		return refuse(l, "more than %d commands", CPC_CHANGES_MAX);
	if (s->changes && c->at_us < s->change[s->changes - 1].at_us)
		return refuse(l, "%s, though the line before holds from %g s on",
			      c->at_us ? "times ascend" : "this has no time",
			      (double)s->change[s->changes - 1].at_us / 1e6);
	s->change[s->changes++] = *c;
	return 0;
}

/* station N X Y: the next new one, or a known one at another place. */
static int read_station(struct line *l, struct cpc_scenario *s)
{
	struct cpc_change c = { .type = CPC_CHANGE_PLACE };
	int64_t number, limit = s->stations < CPC_STATIONS_MAX ? s->stations : s->stations - 1;
	int r;

	l->next++;
	r = take_whole(l, "the station (numbers ascend)", 0, limit, &number);
	r = r < 0 ? r : take_place(l, &c.place.x_mm, &c.place.y_mm);
	r = r < 0 ? r : finish(l);
	if (r < 0)
		return r;
	c.place.station = (uint8_t)number;
	if (number == s->stations)
		s->stations++;
	return add_change(l, s, &c);
}

static int read_stations(struct line *l, struct cpc_scenario *s)
{
	struct cpc_change c = { .type = CPC_CHANGE_PLACE };
	int64_t number, gap = 0;
	int r;

	l->next++;
	if (s->stations)
		return refuse(l, "there are %u stations already", s->stations);
	r = take_whole(l, "stations", 1, CPC_STATIONS_MAX, &number);
	if (r == 0 && peek(l))
		r = take_milli(l, "spacing", 0, CPC_RANGE_MAX_M / CPC_STATIONS_MAX, &gap);
	r = r < 0 ? r : finish(l);
	for (; r == 0 && s->stations < number; s->stations++) {
		c.place.station = s->stations;
		c.place.x_mm = (int32_t)(s->stations * gap);
		r = add_change(l, s, &c);
	}
	return r;
}

static int read_at(struct line *l, struct cpc_scenario *s)
{
	struct cpc_change c;
	int64_t milli;
	int r;

	l->next++;
	r = take_milli(l, "time", 0, CPC_SCENARIO_SECONDS_MAX, &milli);
	r = r < 0 ? r : read_change(l, s, &c);
	if (r < 0)
		return r;
	c.at_us = (uint64_t)milli * 1000;
	return add_change(l, s, &c);
}

static int read_setting(struct line *l, struct cpc_scenario *s)
{
	const char *word = l->word[l->next++];
	int64_t value;
	int r;

	if (!strcmp(word, "rate")) {
		r = take_whole(l, "rate", 0, 1000, &value);
		if (r == 0 && !cpc_air_rate_known((unsigned int)value))
			r = refuse(l, "rate %lld: it is 3, 6 or 12 Mbit/s", (long long)value);
		if (r == 0)
			s->rate_mbit_s = (unsigned int)value;
	} else if (!strcmp(word, "seed")) {
		r = take_whole(l, "seed", 0, 1000000000, &value);
		if (r == 0)
			s->seed = (uint64_t)value;
	} else {
		r = take_whole(l, "capture", 0, 100, &value);
		if (r == 0)
			s->capture_db = (uint8_t)value;
	}
	return r < 0 ? r : finish(l);
}

static int read_line(struct line *l, struct cpc_scenario *s)
{
	const char *word = peek(l);
	struct cpc_change change;
	int r;

	if (!word)
		return 0;
	if (!strcmp(word, "rate") || !strcmp(word, "seed") || !strcmp(word, "capture"))
		return read_setting(l, s);
	if (!strcmp(word, "stations"))
		return read_stations(l, s);
	if (!strcmp(word, "station"))
		return read_station(l, s);
	if (!strcmp(word, "at"))
		return read_at(l, s);
	r = read_change(l, s, &change);
	return r < 0 ? r : add_change(l, s, &change);
}

void cpc_scenario_init(struct cpc_scenario *scenario)
{
	memset(scenario, 0, sizeof(*scenario));
	scenario->rate_mbit_s = 6;
	scenario->seed = 1;
}

/* Into @s, which may be left half-made. */
static int read_lines(struct line *l, const char *text, size_t len, struct cpc_scenario *s)
{
	size_t at = 0;
	int r = 0;

	cpc_scenario_init(s);
	if (len > CPC_SCENARIO_BYTES_MAX)
		return refuse(l, "%zu bytes, at most %d are read", len, CPC_SCENARIO_BYTES_MAX);
	while (r == 0 && at < len) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t here = end ? (size_t)(end - (text + at)) : len - at;

		l->number++;
		r = split(l, text + at, here);
		r = r < 0 ? r : read_line(l, s);
		at += here + 1;
	}
	if (r == 0 && !s->stations)
		r = refuse(l, "no stations");
	return r;
}

int cpc_scenario_parse(const char *name, const char *text, size_t len,
		       struct cpc_scenario *ret_scenario, struct cpc_error *error)
{
	struct line l = { .name = name, .error = error };
	struct cpc_scenario before = *ret_scenario;
	int r = read_lines(&l, text, len, ret_scenario);

	if (r < 0)
		*ret_scenario = before;
	return r;
}
