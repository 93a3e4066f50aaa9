// SPDX-License-Identifier: BSD-3-Clause
/*
 * change_io.c - changes of members: proposed for our operator or for a vehicle that asks us, voted
 * on, and followed until they are in effect.
 *
 *   cpchainctl leave, ... --> change --.
 *                                      +--> own lane --> everyone's word (admit.h) --> decided
 *   ASK of another vehicle -> favour --'                                                  |
 *                     ANSWER <---------------------------------- accepted, rejected ------+
 *                                                   new epoch: met, or proposed again <---'
 *
 * A change goes into the lane directly, not through the outbox: it means something in its own
 * epoch only, and who wished for it is there to wish again. A vehicle outside has nothing to
 * propose; its wish to join is an ASK to a member (outside_io.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "agent/node/admit.h"
#include "agent/node/node_private.h"

enum {
	WISH_US = 60 * 1000 * 1000,	/* so long we agree to what our operator wished for */
	REKEY_SPARE_US = 2 * 1000 * 1000,
	FAVOUR_US = 15 * 1000 * 1000,	/* so long one vehicle's wish keeps others' waiting */
};

static const char *const state_names[] = {
	[CPC_NODE_CHANGE_NONE] = "none",	 [CPC_NODE_CHANGE_WAITING] = "waiting",
	[CPC_NODE_CHANGE_OPEN] = "open",	 [CPC_NODE_CHANGE_ACCEPTED] = "accepted",
	[CPC_NODE_CHANGE_DONE] = "done",	 [CPC_NODE_CHANGE_REJECTED] = "rejected",
	[CPC_NODE_CHANGE_FAILED] = "failed",
};

static bool is_active(const struct cpc_node_change *change)
{
	return change->state == CPC_NODE_CHANGE_WAITING || change->state == CPC_NODE_CHANGE_OPEN ||
	       change->state == CPC_NODE_CHANGE_ACCEPTED;
}

bool cpc_node_wants_in(const struct cpc_node *node)
{
	if (is_active(&node->change) && (node->change.wish.what == CPC_CHANGE_JOIN ||
					 node->change.wish.what == CPC_CHANGE_MERGE))
		return true;
	return !node->left && (node->config->join || cpc_store_selected(node->store)->epoch);
}

static void set_text(struct cpc_node_change *change, const char *text)
{
	snprintf(change->text, sizeof(change->text), "%.*s", CPC_TELL_TEXT_MAX, text);
}

static void answer_asker(struct cpc_node *node, const struct cpc_node_change *change,
			 enum cpc_answer_state state, const char *text)
{
	struct cpc_tell tell = { .type = CPC_TELL_ANSWER, .cell = node->cell,
				 .epoch = node->epoch.epoch, .state = state };

	snprintf(tell.text, sizeof(tell.text), "%.*s", CPC_TELL_TEXT_MAX, text);
	if (change->asker >= 0)
		cpc_node_tell(node, (unsigned int)change->asker, &tell);
}

/* ---- our word on others' changes ------------------------------------------------------------- */

static bool is_ready(void *ctx, const uint8_t node_id[32])
{
	struct cpc_node *node = ctx;
	int peer = cpc_net_find(node->net, node_id);
	uint8_t own[32];

	cpc_node_own_id(node, own);
	if (memcmp(own, node_id, sizeof(own)) == 0)
		return true;
	return peer >= 0 && cpc_net_is_up(node->net, (unsigned int)peer) &&
	       cpc_node_is_trusted(node, (unsigned int)peer);
}

static bool has_let_us_in(const struct cpc_node *node, u16 cell)
{
	const struct cpc_cell_epoch *believed = cpc_seek_believed(&node->seek, cell);
	uint8_t own[32];

	cpc_node_own_id(node, own);
	return believed && cpc_cell_epoch_find(believed, own) >= 0;
}

/* Into another cell goes only who has asked for it. */
static bool may_dissolve(void *ctx, u16 cell)
{
	const struct cpc_node *node = ctx;

	return node->change.wish.what == CPC_CHANGE_MERGE && node->change.wish.to == cell &&
	       is_active(&node->change) && has_let_us_in(node, cell);
}

/* Members whose agent says that it takes part in nothing: they have lost their votes. */
static u64 lost_members(const struct cpc_node *node)
{
	struct cpc_net_peer_status status;
	u64 lost = node->reentering;
	unsigned int i;
	int peer;

	for (i = 0; i < node->n; i++) {
		peer = cpc_node_member_peer(node, i);
		if (peer >= 0 && cpc_net_peer_status(node->net, (unsigned int)peer, &status) == 0 &&
		    status.up && !status.cell)
			lost |= 1ULL << i;
	}
	return lost;
}

/*
 * The change that our operator wished for lately, as it reads in this epoch: its length, 0: none.
 * It holds also when it was rejected, for others may have been asked for it only after that.
 */
static size_t own_wish(const struct cpc_node *node, u8 *out, size_t size)
{
	const struct cpc_node_change *own = &node->change;
	int len;

	if (!own->id || own->state == CPC_NODE_CHANGE_FAILED ||
	    own->state == CPC_NODE_CHANGE_DONE || own->wish.what == CPC_CHANGE_JOIN ||
	    cpc_node_now_us() - own->since_us >= WISH_US)
		return 0;
	len = cpc_wish_encode(&own->wish, &node->epoch, out, size, NULL);
	return len < 0 ? 0 : (size_t)len;
}

void cpc_node_change_judge(struct cpc_node *node, unsigned int lane)
{
	u8 wish[CPC_ENTRY_DATA_MAX];
	struct cpc_node_question *q = &node->question[lane];
	u64 now_us = cpc_node_now_us();
	struct cpc_admit admit = {
		.rule = node->config->admit,
		.evict_after_s = node->config->evict_after_s,
		.epoch = &node->epoch,
		.age_us = now_us - node->entered_us,
		.reentering = lost_members(node),
		.ready = is_ready,
		.let_in = may_dissolve,
		.ctx = node,
	};
	struct cpc_error error;
	enum cpc_admit_word word;
	unsigned int i;

	if (!q->seq || !q->len)
		return;
	admit.wish_len = own_wish(node, wish, sizeof(wish));
	admit.wish = admit.wish_len ? wish : NULL;
	for (i = 0; i < node->n; i++)
		admit.silent_s[i] = node->heard_us[i] ?
				    (u32)((now_us - node->heard_us[i]) / 1000000) : 0;
	word = cpc_admit(&admit, lane, q->data, q->len, &q->why);
	if (word == CPC_WORD_WAIT)
		return;
	if (cpc_link_verdict(node->link, node->cell, (u8)lane, q->seq, &q->head,
			     word == CPC_WORD_YES, &error) < 0)
		cpc_node_say(node, LOG_INFO, "%s's change of members: %s",
			     cpc_node_member_name(node, lane), error.text);
	else
		cpc_node_say(node, LOG_INFO, "%s to %s's change of members: %s",
			     word == CPC_WORD_YES ? "yes" : "no", cpc_node_member_name(node, lane),
			     q->why);
	q->seq = 0;
}

void cpc_node_change_judge_all(struct cpc_node *node)
{
	unsigned int i;

	for (i = 0; node->running && i < node->n; i++)
		cpc_node_change_judge(node, i);
}

/* ---- proposing ------------------------------------------------------------------------------- */

static void refuse(struct cpc_node *node, struct cpc_node_change *change, const char *text)
{
	change->state = CPC_NODE_CHANGE_FAILED;
	set_text(change, text);
	answer_asker(node, change, CPC_ANSWER_REFUSED, text);
}

/* Are all that are to join connected with us, as their keys are wanted at once? */
static bool joiners_ready(struct cpc_node *node, const struct cpc_wish *wish)
{
	unsigned int i;

	for (i = 0; wish->what == CPC_CHANGE_JOIN && i < wish->count; i++)
		if (!is_ready(node, wish->node_id[i]))
			return false;
	return true;
}

/* Nobody agrees to new keys all the time; and others may have entered the epoch after us. */
static bool is_too_soon(const struct cpc_node *node)
{
	return !lost_members(node) &&
	       cpc_node_now_us() - node->entered_us < CPC_ADMIT_REKEY_US + REKEY_SPARE_US;
}

static void propose(struct cpc_node *node, struct cpc_node_change *change)
{
	struct cpc_error error;
	int r;

	if (!node->running || change->state != CPC_NODE_CHANGE_WAITING ||
	    cpc_store_tip(node->store)->end || !joiners_ready(node, &change->wish))
		return;
	if (change->wish.what == CPC_CHANGE_REKEY && is_too_soon(node)) {
		set_text(change, "the last keys are too new, others would not agree yet");
		return;
	}
	r = cpc_wish_encode(&change->wish, &node->epoch, change->data, sizeof(change->data),
			    &error);
	if (r < 0) {
		refuse(node, change, error.text);
		return;
	}
	change->len = (size_t)r;
	r = cpc_link_submit(node->link, node->cell, CPC_ENTRY_CHANGE, change->data, change->len,
			    &change->seq, &error);
	if (r == -EAGAIN || r == -ESHUTDOWN)
		return;
	if (r < 0) {
		refuse(node, change, error.text);
		return;
	}
	change->state = CPC_NODE_CHANGE_OPEN;
	change->text[0] = '\0';
	change->epoch = node->epoch.epoch;
	change->yes = change->no = 0;
	change->slot = change->end = 0;
	answer_asker(node, change, CPC_ANSWER_OPEN, "");
	/* Who wished for the same agrees with us, and we with them. */
	cpc_node_change_judge_all(node);
}

static void hear(struct cpc_node_change *change, const struct cpc_link_condition *c)
{
	unsigned int i;

	if (!change->seq || c->seq != change->seq)
		return;
	change->yes |= c->yes & ~change->no;
	change->no |= c->no & ~change->yes;
	for (i = 0; i < CPC_MEMBERS_MAX; i++)
		if ((c->yes | c->no) >> i & 1)
			change->why[i] = c->why[i];
}

static void hear_words(struct cpc_node *node, struct cpc_node_change *change)
{
	struct cpc_link_conditions c;

	if (!node->running || change->state == CPC_NODE_CHANGE_NONE ||
	    change->epoch != node->epoch.epoch ||
	    cpc_link_conditions(node->link, node->cell, (u8)node->self, &c, NULL) < 0)
		return;
	if (c.has_decided)
		hear(change, &c.decided);
	if (c.has_open)
		hear(change, &c.open);
}

static void note_decided(struct cpc_node *node, struct cpc_node_change *change, u32 seq, u32 slot,
			 bool accepted)
{
	if (change->state != CPC_NODE_CHANGE_OPEN || change->epoch != node->epoch.epoch ||
	    change->seq != seq)
		return;
	/* Too late: another change ends this epoch, after which the wish is met or made again. */
	if (!accepted && cpc_store_tip(node->store)->end)
		return;
	change->slot = slot;
	change->end = accepted ? slot + CPC_CHANGE_DELAY : 0;
	change->state = accepted ? CPC_NODE_CHANGE_ACCEPTED : CPC_NODE_CHANGE_REJECTED;
	change->news = true;
}

static void tell_news(struct cpc_node *node, struct cpc_node_change *change)
{
	if (!change->news)
		return;
	change->news = false;
	hear_words(node, change);
	answer_asker(node, change, change->state == CPC_NODE_CHANGE_ACCEPTED ?
			     CPC_ANSWER_ACCEPTED : CPC_ANSWER_REJECTED, "");
}

void cpc_node_change_news(struct cpc_node *node)
{
	tell_news(node, &node->change);
	tell_news(node, &node->favour);
	if (node->splitting)
		cpc_node_net_update(node);
}

void cpc_node_change_decided(struct cpc_node *node, u8 lane, u32 slot,
			     const struct cpc_entry *entry, bool accepted)
{
	struct cpc_member_change change;

	if (cpc_change_decode(entry->data, entry->len, node->n, &change) < 0)
		return;
	cpc_node_say(node, LOG_NOTICE, "a change of members, proposed by %s, is %s in slot %u",
		     cpc_node_member_name(node, lane), accepted ? "accepted" : "rejected", slot);
	if (accepted && change.split && cpc_change_members(&change, node->n, false))
		node->splitting = change.split;
	if (lane == node->self) {
		note_decided(node, &node->change, entry->seq, slot, accepted);
		note_decided(node, &node->favour, entry->seq, slot, accepted);
	}
}

static void note_epoch(struct cpc_node *node, struct cpc_node_change *change, bool left)
{
	static const struct cpc_cell_epoch nowhere = { .self = CPC_NOT_A_MEMBER };

	if (!is_active(change))
		return;
	if (cpc_wish_is_met(&change->wish, left ? &nowhere : &node->epoch)) {
		change->state = CPC_NODE_CHANGE_DONE;
		change->epoch = left ? 0 : node->epoch.epoch;
		return;
	}
	/* Another change came first. */
	change->state = left ? CPC_NODE_CHANGE_FAILED : CPC_NODE_CHANGE_WAITING;
	set_text(change, left ? "this vehicle is no member any more" : "another change came first");
	change->seq = 0;
}

void cpc_node_change_over(struct cpc_node *node, bool left)
{
	node->splitting = 0;
	/* A merge goes on outside of the cell that it has dissolved. */
	if (node->running || left)
		note_epoch(node, &node->change, left);
	memset(&node->favour, 0, sizeof(node->favour));
}

/* ---- asked by another vehicle ---------------------------------------------------------------- */

static const char *why_not(struct cpc_node *node, const struct cpc_tell *ask, int member)
{
	if (!node->running || ask->cell != node->cell)
		return "this vehicle is no member of that cell";
	if (ask->what == CPC_ASK_REENTER && member < 0)
		return "you are no member: ask to join";
	if (is_active(&node->favour) && cpc_node_now_us() - node->favour.since_us < FAVOUR_US)
		return "another vehicle's wish comes first";
	return NULL;
}

void cpc_node_change_asked(struct cpc_node *node, unsigned int peer, const struct cpc_tell *ask)
{
	int member = cpc_node_peer_member(node, peer);
	struct cpc_node_change *favour = &node->favour;
	struct cpc_node_change refusal = { .asker = (int)peer };
	const char *why = why_not(node, ask, member);
	const uint8_t *id = cpc_net_node_id(node->net, peer);

	if (why) {
		answer_asker(node, &refusal, CPC_ANSWER_REFUSED, why);
		return;
	}
	memset(favour, 0, sizeof(*favour));
	favour->asker = (int)peer;
	favour->state = CPC_NODE_CHANGE_WAITING;
	favour->since_us = cpc_node_now_us();
	favour->wish.what = CPC_CHANGE_REKEY;
	if (ask->what == CPC_ASK_JOIN) {
		favour->wish.what = CPC_CHANGE_JOIN;
		favour->wish.count = ask->count;
		memcpy(favour->wish.node_id, ask->node_id, ask->count * sizeof(ask->node_id[0]));
	} else {
		node->reentering |= 1ULL << member;
	}
	cpc_node_say(node, LOG_INFO, "%s asks to %s", cpc_node_name(node, id),
		     ask->what == CPC_ASK_JOIN ? "join" : "come back, having lost its votes");
	cpc_node_change_tick(node);
}

void cpc_node_change_answered(struct cpc_node *node, unsigned int peer,
			      const struct cpc_tell *answer)
{
	struct cpc_node_change *change = &node->change;
	const char *name = cpc_node_name(node, cpc_net_node_id(node->net, peer));
	bool shown = is_active(change) && change->asker < 0 &&
		     (change->wish.what == CPC_CHANGE_JOIN ||
		      change->wish.what == CPC_CHANGE_MERGE);

	if (answer->cell != node->seeking)
		return;
	switch (answer->state) {
	case CPC_ANSWER_OPEN:
	case CPC_ANSWER_ACCEPTED:
		if (shown && change->wish.what == CPC_CHANGE_JOIN)
			change->state = answer->state == CPC_ANSWER_OPEN ?
					CPC_NODE_CHANGE_OPEN : CPC_NODE_CHANGE_ACCEPTED;
		break;
	case CPC_ANSWER_REJECTED:
		cpc_node_say(node, LOG_WARNING, "cell %u does not let this vehicle in, says %s",
			     answer->cell, name);
		cpc_seek_wait(&node->seek, cpc_node_now_us() + CPC_SEEK_REJECTED_US);
		if (shown)
			change->state = CPC_NODE_CHANGE_REJECTED;
		if (node->outside && !cpc_node_wants_in(node))
			cpc_node_go_outside(node);
		break;
	case CPC_ANSWER_REFUSED:
		if (shown)
			snprintf(change->text, sizeof(change->text), "%.31s: %.120s", name,
				 answer->text);
		cpc_node_say(node, LOG_INFO, "%s does not propose it: %s", name, answer->text);
		break;
	}
}

/* ---- merging --------------------------------------------------------------------------------- */

void cpc_node_change_wished(struct cpc_node *node, unsigned int peer, const struct cpc_tell *wish)
{
	int member = cpc_node_peer_member(node, peer);

	if (member >= 0 && wish->cell == node->cell && wish->epoch == node->epoch.epoch)
		node->merging[member] = wish->to;
}

/* Tells the others of this cell what we want, and looks who wants it too. */
static bool all_want_to(struct cpc_node *node, struct cpc_node_change *change)
{
	struct cpc_tell tell = { .type = CPC_TELL_WISH, .cell = node->cell,
				 .epoch = node->epoch.epoch, .to = change->wish.to };
	bool all = true;
	unsigned int i;
	int peer;

	for (i = 0; i < node->n; i++) {
		peer = cpc_node_member_peer(node, i);
		if (peer >= 0)
			cpc_node_tell(node, (unsigned int)peer, &tell);
		if (i == node->self || node->merging[i] == change->wish.to)
			continue;
		snprintf(change->text, sizeof(change->text), "%.31s has not asked for it yet",
			 cpc_node_member_name(node, i));
		all = false;
	}
	return all;
}

/*
 * When all of this cell want it, they ask to be let into the other; once they are in it, this one
 * dissolves.
 */
static void merge(struct cpc_node *node, struct cpc_node_change *change)
{
	const struct cpc_cell_epoch *there = cpc_seek_believed(&node->seek, change->wish.to);
	struct cpc_tell tell = { .type = CPC_TELL_ASK, .what = CPC_ASK_JOIN,
				 .cell = change->wish.to };
	int peer;

	if (!there) {
		set_text(change, "looking for its members");
		return;
	}
	if (has_let_us_in(node, change->wish.to)) {
		set_text(change, "");
		propose(node, change);
		return;
	}
	if (!all_want_to(node, change))
		return;
	if (!cpc_node_meets_quorum(node, there)) {
		set_text(change, "calling its members");
		return;
	}
	peer = cpc_seek_whom(&node->seek, there, cpc_node_now_us());
	if (peer < 0)
		return;
	tell.epoch = there->epoch;
	tell.count = node->n;
	memcpy(tell.node_id, node->epoch.node_id, node->n * sizeof(tell.node_id[0]));
	snprintf(change->text, sizeof(change->text), "asked %s to propose all %u of us",
		 cpc_node_name(node, cpc_net_node_id(node->net, (unsigned int)peer)), node->n);
	cpc_node_tell(node, (unsigned int)peer, &tell);
}

void cpc_node_change_tick(struct cpc_node *node)
{
	struct cpc_node_change *change = &node->change, *favour = &node->favour;

	if (is_active(favour) && cpc_node_now_us() - favour->since_us >= FAVOUR_US)
		memset(favour, 0, sizeof(*favour));
	if (change->state == CPC_NODE_CHANGE_WAITING && change->wish.what == CPC_CHANGE_MERGE) {
		if (node->running)
			merge(node, change);
	} else if (change->wish.what != CPC_CHANGE_JOIN) {
		propose(node, change);
	}
	propose(node, favour);
	hear_words(node, change);
	cpc_node_change_judge_all(node);
}

/* ---- for the control socket ------------------------------------------------------------------ */

static int find_named(const struct cpc_node *node, const char *name, uint8_t ret_id[32],
		      struct cpc_error *error)
{
	unsigned int i;

	for (i = 0; i < node->n; i++) {
		if (strcmp(name, cpc_node_member_name(node, i)) != 0)
			continue;
		memcpy(ret_id, node->epoch.node_id[i], 32);
		return 0;
	}
	cpc_error_set(error, "there is no member '%s'; `cpchainctl cell` lists them", name);
	return -ENOENT;
}

/* May it be wished for at all, as things are? */
static int check_wish(const struct cpc_node *node, const struct cpc_wish *wish,
		      struct cpc_error *error)
{
	u8 trial[CPC_ENTRY_DATA_MAX];
	int r;

	if (wish->what == CPC_CHANGE_JOIN && !node->outside) {
		cpc_error_set(error, node->running ? "this vehicle is a member of cell %u already" :
			      "cell %u is being started", node->cell);
		return -EALREADY;
	}
	if (wish->what == CPC_CHANGE_JOIN)
		return 0;
	if (!node->running) {
		cpc_error_set(error, "this vehicle takes part in no cell: %.160s", node->waiting);
		return -ENOTCONN;
	}
	if (wish->to == node->cell) {
		cpc_error_set(error, "cell %u is the present one", wish->to);
		return -EINVAL;
	}
	if (wish->what == CPC_CHANGE_MERGE && node->n > CPC_TELL_ASK_MAX) {
		cpc_error_set(error, "%u members at once do not fit into one change, %d do",
			      node->n, CPC_TELL_ASK_MAX);
		return -EINVAL;
	}
	r = cpc_wish_encode(wish, &node->epoch, trial, sizeof(trial), error);
	return r < 0 ? r : 0;
}

json_t *cpc_node_change_json(struct cpc_node *node, const struct cpc_api_request *request,
			     struct cpc_error *error)
{
	struct cpc_node_change *change = &node->change;
	struct cpc_wish wish = { .what = request->change.what, .to = request->change.to };
	u64 id = change->id + 1;
	unsigned int i;

	for (i = 0; i < request->change.members; i++)
		if (find_named(node, request->change.member[i], wish.node_id[i], error) < 0)
			return NULL;
	wish.count = request->change.members;
	if (wish.what == CPC_CHANGE_JOIN) {
		wish.count = 1;
		cpc_node_own_id(node, wish.node_id[0]);
	}
	if (check_wish(node, &wish, error) < 0)
		return NULL;
	if (is_active(change) && change->state != CPC_NODE_CHANGE_WAITING) {
		cpc_error_set(error, "this vehicle's last change (%s) is not decided yet",
			      cpc_change_name(change->wish.what));
		return NULL;
	}
	memset(change, 0, sizeof(*change));
	change->id = id;
	change->wish = wish;
	change->state = CPC_NODE_CHANGE_WAITING;
	change->asker = -1;
	change->since_us = cpc_node_now_us();
	node->seek.ask_us = 0;
	if (wish.what == CPC_CHANGE_JOIN)
		cpc_node_go_outside(node);
	if (wish.what == CPC_CHANGE_MERGE)
		node->seeking = wish.to;
	cpc_node_look_around(node);
	cpc_node_change_tick(node);
	return json_pack("{s:I}", "id", (json_int_t)id);
}

json_t *cpc_node_change_state_json(struct cpc_node *node)
{
	struct cpc_node_change *change = &node->change;
	bool waits = node->outside && is_active(change) && !change->text[0];
	json_t *json;

	if (change->state == CPC_NODE_CHANGE_NONE)
		return json_pack("{s:s}", "state", "none");
	hear_words(node, change);
	json = json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)change->id, "what",
			 cpc_change_name(change->wish.what), "state", state_names[change->state],
			 "text", waits ? node->waiting : change->text);
	if (change->slot)
		json_object_set_new(json, "slot", json_integer(change->slot));
	if (change->end)
		json_object_set_new(json, "end", json_integer(change->end));
	if (change->state == CPC_NODE_CHANGE_DONE && change->epoch) {
		json_object_set_new(json, "epoch", json_integer(change->epoch));
		json_object_set_new(json, "members", json_integer(node->n));
	}
	if (change->seq && node->running && change->epoch == node->epoch.epoch)
		json_object_set_new(json, "words",
				    cpc_node_words_json(node, change->yes, change->no,
							change->why));
	return json;
}

json_t *cpc_node_change_entry_json(struct cpc_node *node, const struct cpc_cell_epoch *epoch,
				   const u8 *data, size_t len)
{
	json_t *leaving, *joining, *json;
	struct cpc_member_change change;
	unsigned int i;

	if (cpc_change_decode(data, len, epoch->n, &change) < 0)
		return NULL;
	leaving = json_array();
	joining = json_array();
	for (i = 0; i < epoch->n; i++)
		if (change.leaving >> i & 1)
			json_array_append_new(leaving, json_string(cpc_node_name(node,
							 epoch->node_id[i])));
	for (i = 0; i < change.joining; i++)
		json_array_append_new(joining, json_string(cpc_node_name(node,
						 change.node_id + i * CPC_NODE_ID_BYTES)));
	json = json_pack("{s:o, s:o}", "leaving", leaving, "joining", joining);
	if (change.split)
		json_object_set_new(json, "split", json_integer(change.split));
	return json;
}
