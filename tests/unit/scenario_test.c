// SPDX-License-Identifier: BSD-3-Clause
/*
 * scenario_test.c - runs the golden scenarios of tests/scenarios/: a cell of real cores, driven
 * line by line, and what comes of it as text.
 *
 *   scenario_test              compares each scenario with what it expects
 *   scenario_test --rewrite    writes what happens now into the files, to be read before committing
 *
 * A scenario is a list of blocks: commands, a line "----", the expected output, an empty line.
 *
 *   cell n=4 [pacing=carrier|early|urgent] [slow] [verdict=yes|no|none]
 *   submit I "text" [by-quorum|by-all]     I appends an entry
 *   change I [leaving=J,J...] [split=CELL] I proposes that these leave, to form that cell
 *   carrier I...                           a frame of I leaves; its element is kept for deliver
 *   deliver I -> J...                      the newest element of I arrives (again: a replay)
 *   round I...                             100 ms, then all of them send and hear each other
 *   forge I -> J... [slot=1] [view=0] votes=PHASES cut=LANE:SEQ,...|cut=empty [accept]
 *                                          I lies: this state and cut, under its real name
 *   tick +Nms                              time passes for everyone
 *   verdict I LANE yes|no                  I's word on the open condition of a lane
 *   words LANE I...                        what I knows of the words on that lane's last condition
 *   install I from J                       I's agent fetches J's newest decided state
 *   state I...                             what I thinks
 *   quiet | loud                           show less or all of what follows
 *
 * Values are named A, B, C in the order in which they appear.
 */
#include "core_testing.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>

#include <cpchain/core.h>

enum { MEMBERS = 7, OUTPUT = 64 * 1024, NAMES = 26, SCENARIOS = 64, LOG = 256 };

static const char *const folder = "tests/scenarios";

struct logged {
	struct cpc_hash before;
	struct cpc_digest value;
	u32 seq[MEMBERS];
	struct cpc_digest head[MEMBERS];
};

struct actor {
	struct cpc_core *core;
	struct cpc_state shown[CPC_OPEN_MAX];	/* what was last printed of it */
	u32 shown_slot[CPC_OPEN_MAX];
	u8 element[CPC_ELEMENT_MAX];
	size_t element_len;
	struct logged log[LOG];
};

struct stage {
	unsigned int n;
	bool quiet;
	u64 now_us;
	struct actor actor[MEMBERS];
	struct cpc_digest name[NAMES];
	unsigned int names;
	char out[OUTPUT];
	size_t out_len;
};

static struct stage stage;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(stage.out + stage.out_len, OUTPUT - stage.out_len, format, args);
	va_end(args);
	ck_assert_int_ge(len, 0);
	stage.out_len += (size_t)len;
	ck_assert_uint_lt(stage.out_len, OUTPUT);
}

static char value_name(const struct cpc_digest *value)
{
	unsigned int i;

	for (i = 0; i < stage.names; i++)
		if (cpc_digest_equal(&stage.name[i], value))
			return (char)('A' + i);
	ck_assert_uint_lt(stage.names, NAMES);
	stage.name[stage.names++] = *value;
	return (char)('A' + i);
}

/* ---- what happened, as text ------------------------------------------------------------------ */

static void say_votes(const struct cpc_state *s)
{
	unsigned int p;

	say("view %u", s->view);
	for (p = 0; p < CPC_PHASES; p++)
		if (cpc_voted(s, p))
			say(" %u:%c", p + 1, value_name(cpc_vote_value(s, p)));
	for (p = 0; p < CPC_PHASES; p++)
		if (s->high[p].set)
			say(" high%u:%c@%u", p + 1, value_name(&s->high[p].value), s->high[p].view);
	for (p = 0; p < 2; p++)
		if (s->second[p].set)
			say(" second%u:%c@%u", p + 1, value_name(&s->second[p].value),
			    s->second[p].view);
}

static void say_changes(unsigned int i)
{
	struct actor *a = &stage.actor[i];
	u32 s;

	for (s = a->core->settled + 1; s <= a->core->settled + CPC_OPEN_MAX; s++) {
		unsigned int at = s % CPC_OPEN_MAX;
		const struct cpc_state *mine = &a->core->slot[at].mine;

		if (a->shown_slot[at] != s)
			memset(&a->shown[at], 0, sizeof(a->shown[at]));
		a->shown_slot[at] = s;
		if (!memcmp(&a->shown[at], mine, sizeof(*mine)))
			continue;
		a->shown[at] = *mine;
		if (stage.quiet)
			continue;
		say("%u: slot %u ", i, s);
		say_votes(mine);
		say("\n");
	}
}

static void remember(struct actor *a, const struct cpc_decision *d)
{
	struct logged *l = &a->log[d->slot % LOG];
	const struct logged *before = &a->log[(d->slot - 1) % LOG];
	unsigned int i;

	l->value = d->value;
	memcpy(l->seq, before->seq, sizeof(l->seq));
	memcpy(l->head, before->head, sizeof(l->head));
	for (i = 0; i < d->lanes; i++) {
		l->seq[d->lane[i].lane] = d->lane[i].seq;
		l->head[d->lane[i].lane] = d->lane[i].head;
	}
	a->log[(d->slot + 1) % LOG].before = d->log_hash;
}

static void say_decision(unsigned int i, const struct cpc_decision *d)
{
	unsigned int k;
	u32 seq;

	remember(&stage.actor[i], d);
	say("%u: DECIDED slot %u", i, d->slot);
	if (d->is_void)
		say(" void");
	for (k = 0; k < d->lanes; k++) {
		const struct cpc_decided_lane *lane = &d->lane[k];

		say(" %u:%u..%u", lane->lane, lane->from, lane->seq);
		for (seq = lane->from; seq <= lane->seq; seq++) {
			size_t len = 0;
			const u8 *body = cpc_core_entry(stage.actor[i].core, lane->lane, seq, &len);

			ck_assert_ptr_nonnull(body);
			if (body[0] != CPC_ENTRY_ORDINARY)
				say("(%u %s)", seq, lane->accepted >> (seq - lane->from) & 1 ?
				    "accepted" : "rejected");
		}
	}
	say(" log %02x%02x\n", d->log_hash.b[0], d->log_hash.b[1]);
}

static void say_effects(unsigned int i, const struct cpc_effects *fx)
{
	unsigned int k;

	cpc_core_check(stage.actor[i].core);
	say_changes(i);
	for (k = 0; k < stage.n; k++)
		if (fx->questions >> k & 1 && !stage.quiet)
			say("%u: asks about entry %u of lane %u\n", i,
			    stage.actor[i].core->member[k].condition.seq, k);
	for (k = 0; k < fx->decisions; k++)
		say_decision(i, &fx->decision[k]);
	if (fx->evidence)
		say("%u: evidence against %u\n", i, fx->evidence_member);
	if (fx->behind)
		say("%u: behind, others are at slot %u\n", i, fx->behind_claim.slot);
	if (fx->send && !stage.quiet)
		say("%u: wants a frame\n", i);
}

static int step(unsigned int i, struct cpc_event *event, struct cpc_effects *fx)
{
	int result;

	ck_assert_uint_lt(i, stage.n);
	event->now_us = stage.now_us;
	result = cpc_step(stage.actor[i].core, event, fx);
	say_effects(i, fx);
	return result;
}

static void say_element(unsigned int i, const u8 *data, size_t len)
{
	struct cpc_element e;
	struct cpc_item item;
	unsigned int k;

	ck_assert_int_eq(cpc_element_decode(data, len, stage.n, &e), 0);
	say("%u sends #%u, %zu bytes: decided %u", i, e.header.counter,
	    len + cpc_element_trailer(stage.n), e.header.decided);
	for (k = 0; k < e.records; k++) {
		say("; slot %u ", e.record[k].slot);
		say_votes(&e.record[k].state);
	}
	for (k = 0; k < e.answers; k++)
		say("; %s to %u/%u", e.answer[k].verdict ? "yes" : "no", e.answer[k].lane,
		    e.answer[k].seq);
	while (cpc_element_item(&e.items, &item) > 0) {
		struct cpc_reader r = cpc_reader_init(item.data, item.len);
		static const struct cpc_hash members;
		struct cpc_digest digest;
		struct cpc_entry entry;
		struct cpc_cut cut;

		if (item.type == CPC_ITEM_ENTRY &&
		    !cpc_entry_decode(item.data, item.len, stage.n, &entry))
			say("; entry %u/%u", entry.author, entry.seq);
		if (item.type == CPC_ITEM_CUT && !cpc_cut_read(&r, stage.n, &cut)) {
			cpc_cut_digest(test_hash, &members, &cut, &digest);
			say("; cut %c", value_name(&digest));
		}
		if (item.type == CPC_ITEM_CLAIM)
			say("; claim %u", cpc_read_le32(&r));
	}
	say("\n");
}

/* ---- commands -------------------------------------------------------------------------------- */

static void cell(char *args)
{
	struct cpc_config config = { .cell = 1, .epoch = 1, .period_us = 100000, .hash = test_hash,
				     .default_verdict = CPC_VERDICT_NONE };
	unsigned int i;
	char *word;

	for (i = 0; i < MEMBERS; i++)
		free(stage.actor[i].core);
	memset(&stage, 0, offsetof(struct stage, out));
	stage.now_us = 1000000;
	for (word = strtok(args, " "); word; word = strtok(NULL, " ")) {
		if (!strncmp(word, "n=", 2))
			stage.n = (unsigned int)atoi(word + 2);
		config.slow_first_view |= !strcmp(word, "slow");
		if (!strcmp(word, "pacing=early"))
			config.pacing = CPC_PACING_EARLY;
		if (!strcmp(word, "pacing=urgent"))
			config.pacing = CPC_PACING_URGENT;
		if (!strcmp(word, "verdict=yes"))
			config.default_verdict = CPC_VERDICT_YES;
		if (!strcmp(word, "verdict=no"))
			config.default_verdict = CPC_VERDICT_NO;
	}
	ck_assert_uint_le(stage.n, MEMBERS);
	config.n = (u8)stage.n;
	for (i = 0; i < stage.n; i++) {
		stage.actor[i].core = calloc(1, cpc_core_size(stage.n));
		ck_assert_ptr_nonnull(stage.actor[i].core);
		config.self = (u8)i;
		config.seed = i;
		ck_assert_int_eq(cpc_core_init(stage.actor[i].core, &config, stage.now_us), 0);
	}
}

static void submit(char *args)
{
	struct cpc_event event = { .type = CPC_EV_SUBMIT };
	unsigned int i = (unsigned int)strtoul(args, &args, 10);
	char *text = strchr(args, '"'), *end = text ? strchr(text + 1, '"') : NULL;
	struct cpc_effects fx;
	int result;

	ck_assert_msg(end, "submit I \"text\"");
	event.submit.data = (u8 *)text + 1;
	event.submit.len = (size_t)(end - text - 1);
	if (strstr(end, "by-quorum"))
		event.submit.kind = CPC_ENTRY_BY_QUORUM;
	if (strstr(end, "by-all"))
		event.submit.kind = CPC_ENTRY_BY_ALL;
	result = step(i, &event, &fx);
	if (result)
		say("%u: refused, %s\n", i, strerror(-result));
	else
		say("%u: entry %u\n", i, fx.submitted_seq);
}

static const char *option(const char *args, const char *name, const char *otherwise)
{
	const char *at = strstr(args, name);

	return at ? at + strlen(name) : otherwise;
}

static void change(char *args)
{
	struct cpc_member_change change = { .split = (u16)atoi(option(args, "split=", "0")) };
	const char *leaving = option(args, "leaving=", "");
	struct cpc_event event = { .type = CPC_EV_SUBMIT };
	u8 data[CPC_ENTRY_DATA_MAX];
	struct cpc_effects fx;
	int result;

	for (; *leaving >= '0' && *leaving <= '9'; leaving += 1 + (leaving[1] == ','))
		change.leaving |= (u64)1 << (*leaving - '0');
	event.submit.kind = CPC_ENTRY_CHANGE;
	event.submit.data = data;
	event.submit.len = (size_t)cpc_change_encode(&change, data, sizeof(data));
	result = step((unsigned int)atoi(args), &event, &fx);
	if (result)
		say("%u: refused, %s\n", (unsigned int)atoi(args), strerror(-result));
	else
		say("%u: entry %u\n", (unsigned int)atoi(args), fx.submitted_seq);
}

static void carrier_of(unsigned int i)
{
	struct actor *a = &stage.actor[i];
	struct cpc_event event = { .type = CPC_EV_CARRIER };
	struct cpc_effects fx;

	event.carrier.data = a->element;
	event.carrier.room = sizeof(a->element) - cpc_element_trailer(stage.n);
	ck_assert_int_eq(step(i, &event, &fx), 0);
	a->element_len = fx.element_len;
	if (!a->element_len)	/* its epoch is over and nobody needs its help */
		say("%u sends nothing\n", i);
	else if (!stage.quiet)
		say_element(i, a->element, a->element_len);
}

static void deliver_to(unsigned int from, unsigned int to)
{
	struct cpc_event event = { .type = CPC_EV_ELEMENT };
	struct cpc_effects fx;
	int result;

	event.element.data = stage.actor[from].element;
	event.element.len = stage.actor[from].element_len;
	result = step(to, &event, &fx);
	if (result)
		say("%u: refuses an element of %u: %s\n", to, from,
		    result == -ESTALE ? "replay" : result == -EBADMSG ? "malformed" : "not for it");
}

static unsigned int read_list(char *args, unsigned int *list)
{
	unsigned int count = 0;
	char *word, *rest = NULL;

	for (word = strtok_r(args, " ", &rest); word && count < MEMBERS;
	     word = strtok_r(NULL, " ", &rest))
		list[count++] = (unsigned int)atoi(word);
	return count;
}

static void carrier(char *args)
{
	unsigned int list[MEMBERS], count = read_list(args, list), i;

	for (i = 0; i < count; i++)
		carrier_of(list[i]);
}

static void deliver(char *args)
{
	unsigned int from = (unsigned int)strtoul(args, &args, 10), list[MEMBERS], count, i;
	char *arrow = strstr(args, "->");

	ck_assert_msg(arrow, "deliver I -> J...");
	count = read_list(arrow + 2, list);
	for (i = 0; i < count; i++)
		deliver_to(from, list[i]);
}

static void tick(char *args)
{
	struct cpc_event event = { .type = CPC_EV_TICK };
	struct cpc_effects fx;
	unsigned int i;

	ck_assert_msg(args[0] == '+', "tick +Nms");
	stage.now_us += strtoul(args + 1, NULL, 10) * 1000;
	for (i = 0; i < stage.n; i++)
		step(i, &event, &fx);
}

static void play_round(char *args)
{
	unsigned int list[MEMBERS], count = read_list(args, list), i, k;
	struct cpc_event event = { .type = CPC_EV_TICK };
	struct cpc_effects fx;

	stage.now_us += 100000;
	for (i = 0; i < count; i++)
		step(list[i], &event, &fx);
	for (i = 0; i < count; i++)
		carrier_of(list[i]);
	for (i = 0; i < count; i++)
		for (k = 0; k < count; k++)
			if (i != k && stage.actor[list[i]].element_len)
				deliver_to(list[i], list[k]);
}

/* "0:1,2:3" as a cut of what @core holds. */
static void read_cut(const struct cpc_core *core, const char *text, bool accept,
		     struct cpc_cut *ret_cut)
{
	char *end;

	ret_cut->parent = core->parent;
	while (*text >= '0' && *text <= '9') {
		struct cpc_cut_lane *lane = &ret_cut->lane[ret_cut->lanes++];
		const struct cpc_held_entry *e;

		lane->lane = (u8)strtoul(text, &end, 10);
		lane->seq = (u32)strtoul(end + 1, &end, 10);
		e = cpc_lane_get(&core->member[lane->lane].lane, lane->seq);
		ck_assert_msg(e, "no entry %u of lane %u to forge a cut with", lane->seq,
			      lane->lane);
		lane->head = e->hash;
		lane->accepted = accept;
		text = *end == ',' ? end + 1 : end;
	}
}

static void forge(char *args)
{
	unsigned int from = (unsigned int)strtoul(args, &args, 10), list[MEMBERS], count, i;
	struct actor *a = &stage.actor[from];
	static const struct cpc_hash members;
	struct cpc_slot_record record = { .slot = (u32)atoi(option(args, "slot=", "1")) };
	struct cpc_cut cut = { .slot = record.slot };
	const char *votes = option(args, "votes=", "");
	struct cpc_writer w = cpc_writer_init(a->element, sizeof(a->element));
	u8 bytes[CPC_CUT_BYTES_MAX];
	struct cpc_writer body = cpc_writer_init(bytes, sizeof(bytes));
	struct cpc_digest digest;
	struct cpc_header header = { .version = CPC_ELEMENT_VERSION, .sender = (u8)from, .cell = 1,
				     .epoch = 1, .flags = 1, .decided = a->core->decided };
	char *arrow = strstr(args, "->");

	read_cut(a->core, option(args, "cut=", ""), strstr(args, "accept"), &cut);
	cpc_cut_digest(test_hash, &members, &cut, &digest);
	record.state.view = (u8)atoi(option(args, "view=", "0"));
	for (; *votes >= '1' && *votes <= '4'; votes++)
		cpc_state_vote(&record.state, (enum cpc_phase)(*votes - '1'), &digest);
	header.counter = ++a->core->counter;
	memcpy(header.log_hash, a->core->log_hash.b, sizeof(header.log_hash));
	cpc_header_write(&w, &header);
	cpc_record_write(&w, &record, header.decided);
	cpc_cut_write(&body, &cut);
	cpc_item_write(&w, CPC_ITEM_CUT, bytes, body.used);
	a->element_len = w.used;
	say_element(from, a->element, a->element_len);
	ck_assert_msg(arrow, "forge I -> J... votes=... cut=...");
	count = 0;
	for (args = arrow + 2; *args == ' ' || (*args >= '0' && *args <= '9'); args++)
		if (*args != ' ' && args[1] != '=')
			list[count++] = (unsigned int)(*args - '0');
	for (i = 0; i < count; i++)
		deliver_to(from, list[i]);
}

static void verdict(char *args)
{
	struct cpc_event event = { .type = CPC_EV_VERDICT };
	unsigned int i = (unsigned int)strtoul(args, &args, 10);
	unsigned int lane = (unsigned int)strtoul(args, &args, 10);
	const struct cpc_condition *c = &stage.actor[i].core->member[lane].condition;
	struct cpc_effects fx;
	int result;

	event.verdict.lane = (u8)lane;
	event.verdict.seq = c->seq;
	event.verdict.head = c->head;
	event.verdict.verdict = strstr(args, "yes") ? CPC_VERDICT_YES : CPC_VERDICT_NO;
	result = step(i, &event, &fx);
	if (result)
		say("%u: refused, %s\n", i, strerror(-result));
}

static void say_members(const char *what, u64 members)
{
	unsigned int i;

	say(" %s", what);
	for (i = 0; i < stage.n; i++)
		if (members >> i & 1)
			say(" %u", i);
}

static void words(char *args)
{
	unsigned int list[MEMBERS], count = read_list(args, list), i;

	for (i = 1; i < count; i++) {
		const struct cpc_member *m = &stage.actor[list[i]].core->member[list[0]];
		bool open = m->condition.kind != CPC_ENTRY_ORDINARY;
		const struct cpc_condition *c = open ? &m->condition : &m->decided_condition;

		say("%u: entry %u of lane %u, %s:", list[i], c->seq, list[0],
		    open ? "open" : "decided");
		say_members("yes", c->yes);
		say_members("no", c->no);
		say("\n");
	}
}

static void install(char *args)
{
	unsigned int i = (unsigned int)strtoul(args, &args, 10);
	char *from = strstr(args, "from");
	const struct actor *source;
	const struct logged *l;
	struct cpc_event event = { .type = CPC_EV_INSTALL };
	struct cpc_effects fx;
	int result;

	ck_assert_msg(from, "install I from J");
	source = &stage.actor[atoi(from + 4)];
	l = &source->log[source->core->decided % LOG];
	event.install.slot = source->core->decided;
	event.install.prev_log_hash = l->before;
	event.install.value = l->value;
	event.install.seq = l->seq;
	event.install.head = l->head;
	result = step(i, &event, &fx);
	say("%u: install of slot %u: %s\n", i, event.install.slot,
	    result ? strerror(-result) : "done");
	if (!result) {
		stage.actor[i].log[event.install.slot % LOG] = *l;
		stage.actor[i].log[(event.install.slot + 1) % LOG].before =
			stage.actor[i].core->log_hash;
	}
}

static void state(char *args)
{
	unsigned int list[MEMBERS], count = read_list(args, list), i, k;
	u32 s;

	for (i = 0; i < count; i++) {
		const struct cpc_core *core = stage.actor[list[i]].core;

		say("%u: decided %u, settled %u, log %02x%02x, lanes", list[i], core->decided,
		    core->settled, core->log_hash.b[0], core->log_hash.b[1]);
		for (k = 0; k < stage.n; k++)
			say(" %u/%u", core->member[k].lane.frontier, core->member[k].lane.last);
		if (core->end)
			say(", %s with slot %u", cpc_ended(core) ? "ended" : "ends", core->end);
		say("\n");
		for (s = core->settled + 1; s <= core->settled + CPC_OPEN_MAX; s++) {
			const struct cpc_slot *slot = &core->slot[s % CPC_OPEN_MAX];

			if (!slot->mine.view && !slot->mine.voted)
				continue;
			say("%u: slot %u ", list[i], s);
			say_votes(&slot->mine);
			say("%s\n", slot->decided ? " decided" : "");
		}
	}
}

static void be_quiet(char *args)
{
	(void)args;
	stage.quiet = true;
}

static void be_loud(char *args)
{
	(void)args;
	stage.quiet = false;
}

static void run_command(char *line)
{
	static const struct {
		const char *name;
		void (*run)(char *args);
	} commands[] = {
		{ "cell", cell }, { "submit", submit }, { "carrier", carrier },
		{ "deliver", deliver }, { "round", play_round }, { "forge", forge },
		{ "tick", tick }, { "verdict", verdict }, { "install", install },
		{ "state", state }, { "quiet", be_quiet }, { "loud", be_loud },
		{ "change", change }, { "words", words },
	};
	size_t i, len;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		len = strlen(commands[i].name);
		if (strncmp(line, commands[i].name, len) || (line[len] && line[len] != ' '))
			continue;
		commands[i].run(line + len + (line[len] == ' '));
		return;
	}
	ck_abort_msg("no such command: %s", line);
}

/* ---- files ----------------------------------------------------------------------------------- */

static char names[SCENARIOS][64];
static int scenarios;
static bool rewriting;

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void find_scenarios(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) && scenarios < SCENARIOS)
		if (strstr(entry->d_name, ".txt") && strlen(entry->d_name) < sizeof(names[0]))
			strcpy(names[scenarios++], entry->d_name);
	if (dir)
		closedir(dir);
	qsort(names, (size_t)scenarios, sizeof(names[0]), by_name);
}

/* Plays a scenario; what it should look like goes to @ret_text (the caller frees it). */
static void play(const char *path, char **ret_before, char **ret_after)
{
	FILE *in = fopen(path, "r"), *before, *after;
	size_t before_len, after_len;
	bool expecting = false;
	char line[1000];

	ck_assert_msg(in, "cannot read %s", path);
	before = open_memstream(ret_before, &before_len);
	after = open_memstream(ret_after, &after_len);
	ck_assert(before && after);
	stage.out_len = 0;
	while (fgets(line, sizeof(line), in)) {
		fputs(line, before);
		if (expecting && line[0] != '\n')
			continue;
		if (expecting)
			fprintf(after, "%s\n", stage.out_len ? stage.out : "");
		else
			fputs(line, after);
		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "----")) {
			expecting = true;
			continue;
		}
		if (expecting) {
			expecting = false;
			stage.out_len = 0;
			stage.out[0] = 0;
		} else if (line[0] && line[0] != '#') {
			run_command(line);
		}
	}
	if (expecting)
		fputs(stage.out_len ? stage.out : "", after);
	fclose(in);
	fclose(before);
	fclose(after);
}

START_TEST(scenario__goes_as_written)
{
	char path[128], *before = NULL, *after = NULL;

	snprintf(path, sizeof(path), "%s/%s", folder, names[_i]);
	play(path, &before, &after);
	if (strcmp(before, after) && rewriting) {
		FILE *out = fopen(path, "w");

		ck_assert_msg(out, "cannot write %s", path);
		fputs(after, out);
		fclose(out);
	} else if (strcmp(before, after)) {
		size_t i = 0, line = 1;

		for (; before[i] && before[i] == after[i]; i++)
			line += before[i] == '\n';
		while (i && before[i - 1] != '\n')
			i--;
		ck_abort_msg("%s, line %zu:\nexpected %.*s\nbut it is %.*s", path, line,
			     (int)strcspn(before + i, "\n"), before + i,
			     (int)strcspn(after + i, "\n"), after + i);
	}
	free(before);
	free(after);
}
END_TEST

START_TEST(scenarios__are_there)
{
	ck_assert_int_ge(scenarios, 10);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("scenario");
	TCase *tests = tcase_create("scenario");

	find_scenarios();
	rewriting = argc > 1 && !strcmp(argv[1], "--rewrite");
	tcase_add_test(tests, scenarios__are_there);
	tcase_add_loop_test(tests, scenario__goes_as_written, 0, scenarios);
	suite_add_tcase(suite, tests);
	return run_suite(suite);
}
