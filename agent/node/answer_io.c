// SPDX-License-Identifier: BSD-3-Clause
/*
 * answer_io.c - what the control socket says about this node, its cell and its log.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "agent/link/counter_names.h"
#include "agent/node/node_private.h"

static json_t *hex(const void *data, size_t len)
{
	char text[2 * 64 + 1];

	if (len > 64)
		return NULL;
	cpc_hex(data, len, text);
	return json_string(text);
}

/* ---- status and cell ------------------------------------------------------------------------- */

static json_t *peer_error(const struct cpc_net_peer_status *peer)
{
	return peer->error[0] ? json_string(peer->error) : json_null();
}

/* What waits for this vehicle's word. */
static json_t *question_json(struct cpc_node *node, unsigned int lane)
{
	const struct cpc_node_question *q = &node->question[lane];
	json_t *question = json_pack("{s:I, s:s}", "seq", (json_int_t)q->seq, "kind",
				     cpc_entry_kind_name(q->kind));

	if (q->len)
		json_object_set_new(question, "change",
				    cpc_node_change_entry_json(node, &node->epoch, q->data,
							       q->len));
	if (q->why)
		json_object_set_new(question, "waits", json_string(q->why));
	return question;
}

static json_t *member_json(struct cpc_node *node, unsigned int i,
			   const struct cpc_link_cell *kernel)
{
	const struct cpc_log_tip *tip = cpc_store_tip(node->store);
	int at = cpc_node_member_peer(node, i);
	struct cpc_net_peer_status peer;
	json_t *member = json_pack("{s:i, s:s, s:o, s:b, s:I}", "index", i, "name",
				   cpc_node_member_name(node, i), "node_id",
				   hex(node->epoch.node_id[i], 32), "self",
				   i == node->self, "decided_seq", (json_int_t)tip->seq[i]);

	if (i != node->self) {
		json_object_set_new(member, "key", json_boolean(kernel && kernel->has_key[i]));
		if (at >= 0 && cpc_net_peer_status(node->net, (unsigned int)at, &peer) == 0) {
			json_object_set_new(member, "connected", json_boolean(peer.up));
			json_object_set_new(member, "rtt_ms", json_real(peer.rtt_us / 1000.0));
			json_object_set_new(member, "error", peer_error(&peer));
		}
	}
	if (node->question[i].seq)
		json_object_set_new(member, "question", question_json(node, i));
	return member;
}

static json_t *status_json(struct cpc_node *node)
{
	const struct cpc_log_tip *tip = cpc_store_tip(node->store);
	unsigned int waiting, in_flight;
	json_t *status;
	uint8_t own[32];

	cpc_outbox_count(node->store, &waiting, &in_flight);
	cpc_node_own_id(node, own);
	status = json_pack(
		"{s:s, s:b, s:s, s:i, s:i, s:i, s:i, s:s, s:I, s:o, s:i, s:i, s:b, s:i, "
		"s:I, s:b}",
		"name", node->config->name[0] ? node->config->name : cpc_node_name(node, own),
		"running", node->running, "waiting_for",
		node->running ? "" : node->waiting, "cell", node->cell, "epoch",
		node->running ? node->epoch.epoch : 0, "self", node->self, "members",
		node->n ? node->n : node->config->n,
		"interface", node->config->interface, "slot", (json_int_t)tip->slot, "log_hash",
		hex(tip->log_hash.b, 32), "peers_up", cpc_node_members_up(node), "outbox_waiting",
		waiting, "catching_up", node->catchup.phase != CPC_CATCHUP_IDLE,
		"outbox_in_flight", in_flight, "clock_jumps", (json_int_t)node->clock_jumps,
		"gateway", node->gateway != NULL);
	if (node->outside)
		json_object_set_new(status, "seeking", json_string(node->waiting));
	return status;
}

/* Who is connected and is no member: they may want to join. */
static json_t *candidates_json(struct cpc_node *node)
{
	json_t *candidates = json_array();
	struct cpc_net_peer_status status;
	unsigned int peer;

	for (peer = 0; peer < CPC_NET_PEERS_MAX; peer++) {
		const uint8_t *id = cpc_net_node_id(node->net, peer);

		if (!id || cpc_net_peer_status(node->net, peer, &status) < 0 || !status.up ||
		    cpc_node_peer_member(node, peer) >= 0)
			continue;
		json_array_append_new(candidates,
				      json_pack("{s:s, s:o, s:b}", "name", cpc_node_name(node, id),
						"node_id", hex(id, 32), "certified",
						status.certified));
	}
	return candidates;
}

static void add_epoch(struct cpc_node *node, json_t *cell, const struct cpc_link_cell *kernel)
{
	if (kernel->base)
		json_object_set_new(cell, "base", json_integer(kernel->base));
	if (kernel->end)
		json_object_set_new(cell, "end", json_integer(kernel->end));
	if (node->n < CPC_MEMBERS_MIN)
		json_object_set_new(cell, "unanimous", json_true());
	json_object_set_new(cell, "candidates", candidates_json(node));
	if (node->change.state != CPC_NODE_CHANGE_NONE)
		json_object_set_new(cell, "change", cpc_node_change_state_json(node));
}

static json_t *cell_json(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_link_cell kernel;
	json_t *members, *cell;
	unsigned int i;

	if (cpc_link_cell_get(node->link, node->cell, &kernel, error) < 0)
		return NULL;
	members = json_array();
	for (i = 0; i < node->n; i++)
		json_array_append_new(members, member_json(node, i, &kernel));
	cell = json_pack("{s:i, s:i, s:s, s:s, s:f, s:s, s:b, s:s, s:I, s:o, s:o}", "cell",
			 kernel.cell, "epoch", kernel.epoch, "interface", kernel.ifname, "pacing",
			 cpc_pacing_name(kernel.pacing), "period_ms", kernel.period_us / 1000.0,
			 "default_verdict", cpc_default_verdict_name(kernel.default_verdict),
			 "slow_first_view", kernel.slow_first_view, "mac", kernel.mac, "slot",
			 (json_int_t)kernel.slot, "log_hash", hex(kernel.log_hash.b, 32), "members",
			 members);
	if (!cell)
		cpc_error_set(error, "out of memory");
	else
		add_epoch(node, cell, &kernel);
	return cell;
}

/* ---- stats ----------------------------------------------------------------------------------- */

static json_t *module_json(const struct cpc_link_cell *kernel)
{
	json_t *module = json_object();
	unsigned int i;

	for (i = 1; i <= CPC_N_MAX; i++)
		if (cpc_counter_names[i])
			json_object_set_new(module, cpc_counter_names[i],
					    json_integer((json_int_t)kernel->counter[i]));
	return module;
}

static json_t *gateway_json(const struct cpc_node *node)
{
	struct cpc_gateway_stats stats;
	json_t *gateway;

	if (!node->gateway)
		return json_null();
	cpc_gateway_stats(node->gateway, &stats);
	gateway = json_pack("{s:I, s:i, s:i, s:i, s:I, s:I}", "kernel_drops",
			    (json_int_t)stats.kernel_drops, "dbc_messages", stats.messages,
			    "dbc_signals", stats.signals, "warnings", stats.warnings, "payloads",
			    (json_int_t)node->gateway_payloads, "payloads_dropped",
			    (json_int_t)node->outbox_full);
#define SAMPLER(name)                                                                              \
	json_object_set_new(gateway, #name, json_integer((json_int_t)stats.sampler.name))
	SAMPLER(frames);
	SAMPLER(frames_unknown);
	SAMPLER(readings);
	SAMPLER(out_of_range);
	SAMPLER(samples);
	SAMPLER(samples_held);
	SAMPLER(payload_bytes);
	SAMPLER(signals);
	SAMPLER(signals_seen);
	SAMPLER(signals_stale);
#undef SAMPLER
	return gateway;
}

static json_t *latency_json(const struct cpc_node *node)
{
	struct cpc_latency_summary latency;

	cpc_latency_summarize(&node->latency, &latency);
	return json_pack("{s:I, s:f, s:f, s:f}", "count", (json_int_t)latency.count, "p50",
			 latency.p50_ms, "p99", latency.p99_ms, "max", latency.max_ms);
}

static json_t *catchup_json(const struct cpc_node *node)
{
	const struct cpc_catchup_stats *stats = &node->catchup.stats;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "started", (json_int_t)stats->started,
			 "reached", (json_int_t)stats->reached, "chunks",
			 (json_int_t)stats->chunks, "bad_answers", (json_int_t)stats->bad,
			 "unconfirmed", (json_int_t)stats->unconfirmed, "timeouts",
			 (json_int_t)stats->timeouts);
}

static json_t *stats_json(struct cpc_node *node, struct cpc_error *error)
{
	const struct cpc_store_totals *totals = cpc_store_totals(node->store);
	struct cpc_link_cell kernel;
	json_t *stats = status_json(node);

	if (!stats || cpc_link_cell_get(node->link, node->cell, &kernel, error) < 0) {
		json_decref(stats);
		return NULL;
	}
	json_object_set_new(stats, "entries_submitted", json_integer((json_int_t)kernel.own_seq));
	json_object_set_new(stats, "own_entries_decided",
			    json_integer((json_int_t)totals->own_entries));
	json_object_set_new(stats, "entries_decided", json_integer((json_int_t)totals->entries));
	json_object_set_new(stats, "entries_rejected", json_integer((json_int_t)totals->rejected));
	json_object_set_new(stats, "entries_refused", json_integer((json_int_t)node->refused));
	json_object_set_new(stats, "decided_slots", json_incref(json_object_get(stats, "slot")));
	json_object_set_new(stats, "void_slots", json_integer((json_int_t)totals->void_slots));
	json_object_set_new(stats, "event_overruns", json_integer((json_int_t)node->overruns));
	json_object_set_new(stats, "latency_ms", latency_json(node));
	json_object_set_new(stats, "catchup", catchup_json(node));
	json_object_set_new(stats, "module", module_json(&kernel));
	json_object_set_new(stats, "gateway", gateway_json(node));
	json_object_set_new(stats, "bpf", cpc_node_bpf_json(node, false));
	return stats;
}

/* ---- requests that do something -------------------------------------------------------------- */

static int find_member(const struct cpc_node *node, const char *name, struct cpc_error *error)
{
	unsigned int i;

	for (i = 0; i < node->n; i++)
		if (strcmp(name, cpc_node_member_name(node, i)) == 0)
			return (int)i;
	cpc_error_set(error, "there is no member '%s'; `cpchainctl cell` lists them", name);
	return -ENOENT;
}

static json_t *submit_json(struct cpc_node *node, const struct cpc_api_request *request,
			   struct cpc_error *error)
{
	unsigned int waiting, in_flight;
	u64 local_id;
	int r;

	r = cpc_outbox_push(node->store, (enum cpc_entry_kind)request->kind,
			    request->is_text ? CPC_PAYLOAD_TEXT : CPC_PAYLOAD_BYTES,
			    request->payload, request->payload_len, &local_id, error);
	if (r < 0)
		return NULL;
	cpc_node_submit_waiting(node);
	cpc_outbox_count(node->store, &waiting, &in_flight);
	return json_pack("{s:o, s:i, s:i}", "id", json_sprintf("%016llx",
			 (unsigned long long)local_id), "waiting", waiting, "in_flight", in_flight);
}

static json_t *verdict_json(struct cpc_node *node, const struct cpc_api_request *request,
			    struct cpc_error *error)
{
	int member = find_member(node, request->member, error);
	struct cpc_node_question *question;

	if (member < 0)
		return NULL;
	question = &node->question[member];
	if (question->seq == 0 || question->seq != request->seq) {
		cpc_error_set(error, "%s has no entry %u that waits for a verdict", request->member,
			      request->seq);
		return NULL;
	}
	if (cpc_link_verdict(node->link, node->cell, (u8)member, question->seq, &question->head,
			     request->yes, error) < 0)
		return NULL;
	question->seq = 0;
	return json_object();
}

static json_t *policy_json(struct cpc_node *node, const struct cpc_api_request *request,
			   struct cpc_error *error)
{
	if (cpc_node_policy_set(node, request->kind, request->policy, error) < 0)
		return NULL;
	cpc_node_say(node, LOG_NOTICE, "on entries by %s %s votes",
		     cpc_entry_kind_name(request->kind),
		     *request->policy ? request->policy : "no policy");
	return json_object();
}

static json_t *detach_json(struct cpc_node *node, struct cpc_error *error)
{
	if (cpc_node_bpf_detach(node, error) < 0)
		return NULL;
	cpc_node_say(node, LOG_NOTICE, "filter and stamps are taken off, as asked");
	return json_object();
}

static json_t *answer(void *ctx, const struct cpc_api_request *request, struct cpc_error *error)
{
	struct cpc_node *node = ctx;

	if (request->op == CPC_API_STATUS)
		return status_json(node);
	if (request->op == CPC_API_CHANGE)
		return cpc_node_change_json(node, request, error);
	if (request->op == CPC_API_CHANGE_STATE)
		return cpc_node_change_state_json(node);
	if (!node->running) {
		cpc_error_set(error, "not running yet: %.180s", node->waiting);
		return NULL;
	}
	switch (request->op) {
	case CPC_API_CELL:
		return cell_json(node, error);
	case CPC_API_STATS:
		return stats_json(node, error);
	case CPC_API_SUBMIT:
		return submit_json(node, request, error);
	case CPC_API_VERDICT:
		return verdict_json(node, request, error);
	case CPC_API_PROPOSE:
		return cpc_node_propose_json(node, request, error);
	case CPC_API_PROPOSAL:
		return cpc_node_proposal_json(node, request, error);
	case CPC_API_PROPOSALS:
		return cpc_node_conditions_json(node, error);
	case CPC_API_BPF:
		return cpc_node_bpf_json(node, true);
	case CPC_API_BPF_POLICY:
		return policy_json(node, request, error);
	case CPC_API_BPF_DETACH:
		return detach_json(node, error);
	case CPC_API_STATUS:
	case CPC_API_CHANGE:
	case CPC_API_CHANGE_STATE:
	case CPC_API_LOG:
		break;
	}
	return NULL;
}

/* ---- the log --------------------------------------------------------------------------------- */

/* An author's reader, made when it is first wanted; NULL: no memory, or too many authors. */
static struct cpc_record_reader *reader_of(struct cpc_node *node, const uint8_t author[32])
{
	struct cpc_node_reader *r;
	unsigned int i;

	for (i = 0; i < CPC_NET_PEERS_MAX; i++) {
		r = &node->reader[i];
		if (!r->names && cpc_record_reader_new(&r->names) == 0)
			memcpy(r->node_id, author, sizeof(r->node_id));
		if (!r->names || memcmp(r->node_id, author, sizeof(r->node_id)) == 0)
			return r->names;
	}
	return NULL;
}

void cpc_node_learn(struct cpc_node *node, const uint8_t author[32], const u8 *body, size_t len)
{
	struct cpc_record_reader *reader = reader_of(node, author);
	struct cpc_entry entry;
	struct cpc_envelope envelope;

	if (!reader || cpc_entry_decode(body, len, CPC_MEMBERS_MAX, &entry) < 0 ||
	    cpc_envelope_decode(entry.data, entry.len, &envelope) < 0 ||
	    envelope.type != CPC_PAYLOAD_RECORD)
		return;
	cpc_record_decode(reader, envelope.payload, envelope.len, NULL, NULL, NULL);
}

struct learning {
	struct cpc_node *node;
	const uint8_t *author;
};

static int learn_row(void *ctx, const struct cpc_store_row *row)
{
	struct learning *learning = ctx;
	struct cpc_node *node = learning->node;

	cpc_node_learn(node, learning->author, row->body, row->len);
	if (row->kind != CPC_ENTRY_ORDINARY && row->epoch == node->epoch.epoch)
		node->verdict[row->lane] = (struct cpc_node_verdict){ row->seq, row->accepted };
	return 0;
}

int cpc_node_prime(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_store_place place;
	unsigned int i;
	int r;

	for (i = 0; i < node->n; i++) {
		struct learning learning = { node, node->epoch.node_id[i] };

		r = cpc_store_last(node->store, learning.author, CPC_NODE_PRIME_ENTRIES, &place,
				   error);
		if (r == 0)
			r = cpc_store_rows(node->store, learning.author, CPC_NODE_PRIME_ENTRIES,
					   &place, learn_row, &learning, error);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_t *time_json(int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[40];

	if (!gmtime_r(&seconds, &tm))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%03dZ", text, (int)(ms % 1000));
}

static void append_signal(void *ctx, const struct cpc_record_item *item)
{
	json_array_append_new(ctx, cpc_record_json(item));
}

/* What is in the entry, by its type; what is not understood is shown as bytes. */
static void add_payload(struct cpc_node *node, json_t *entry, const uint8_t author[32],
			const struct cpc_envelope *envelope)
{
	struct cpc_record_reader *reader = reader_of(node, author);
	json_t *text, *signals, *bytes;
	struct cpc_proposal proposal;
	char digits[2 * CPC_PAYLOAD_MAX + 1];

	if (envelope->type == CPC_PAYLOAD_TEXT) {
		text = json_stringn((const char *)envelope->payload, envelope->len);
		if (text) {
			json_object_set_new(entry, "type", json_string("text"));
			json_object_set_new(entry, "text", text);
			return;
		}
	}
	if (envelope->type == CPC_PAYLOAD_RECORD && reader) {
		signals = json_array();
		if (cpc_record_decode(reader, envelope->payload, envelope->len,
				    append_signal, signals, NULL) >= 0) {
			json_object_set_new(entry, "type", json_string("record"));
			json_object_set_new(entry, "signals", signals);
			return;
		}
		json_decref(signals);
	}
	if (cpc_proposal_decode(envelope->payload, envelope->len, &proposal) == 0 &&
	    (envelope->type == CPC_PAYLOAD_PROPOSAL || !envelope->local_id)) {
		json_object_set_new(entry, "type", json_string("proposal"));
		json_object_set_new(entry, "proposal", cpc_proposal_json(&proposal));
		return;
	}
	cpc_hex(envelope->payload, envelope->len, digits);
	bytes = json_string(digits);
	json_object_set_new(entry, "type", json_string("bytes"));
	json_object_set_new(entry, "hex", bytes);
}

static void add_data(struct cpc_node *node, json_t *entry, const uint8_t author[32],
		     const struct cpc_entry *decoded)
{
	struct cpc_envelope envelope;

	if (cpc_envelope_decode(decoded->data, decoded->len, &envelope) == 0)
		json_object_set_new(entry, "id", json_sprintf("%016llx",
				    (unsigned long long)envelope.local_id));
	else	/* not from an agent of this version: the bytes as they are */
		envelope = (struct cpc_envelope){ .type = CPC_PAYLOAD_BYTES,
						  .payload = decoded->data,
						  .len = decoded->len < CPC_PAYLOAD_MAX ?
							 decoded->len : CPC_PAYLOAD_MAX };
	add_payload(node, entry, author, &envelope);
}

struct giving {
	struct cpc_node *node;
	cpc_api_entry_fn fn;
	void *fn_ctx;
	struct cpc_cell_epoch epoch;	/* of the row before */
};

/* Who the members were when that row was decided. */
static const struct cpc_cell_epoch *epoch_of(struct giving *giving, u16 epoch)
{
	const struct cpc_cell_epoch *selected = cpc_store_selected(giving->node->store);

	if (epoch == selected->epoch)
		return selected;
	if (epoch != giving->epoch.epoch &&
	    cpc_store_epoch(giving->node->store, selected->cell, epoch, &giving->epoch, NULL) <= 0)
		return NULL;
	return &giving->epoch;
}

static int give_row(void *ctx, const struct cpc_store_row *row)
{
	struct giving *giving = ctx;
	struct cpc_node *node = giving->node;
	const struct cpc_cell_epoch *epoch = epoch_of(giving, row->epoch);
	struct cpc_entry decoded;
	json_t *entry;
	int stop;

	if (!epoch || row->lane >= epoch->n ||
	    cpc_entry_decode(row->body, row->len, epoch->n, &decoded) < 0)
		return 0;
	entry = json_pack("{s:i, s:I, s:s, s:i, s:I, s:s, s:b, s:o}", "epoch", row->epoch, "slot",
			  (json_int_t)row->slot, "member",
			  cpc_node_name(node, epoch->node_id[row->lane]), "lane", row->lane, "seq",
			  (json_int_t)row->seq, "kind", cpc_entry_kind_name(row->kind), "accepted",
			  row->accepted, "time", time_json(row->time_ms));
	if (decoded.kind == CPC_ENTRY_CHANGE)
		json_object_set_new(entry, "change",
				    cpc_node_change_entry_json(node, epoch, decoded.data,
							       decoded.len));
	else
		add_data(node, entry, epoch->node_id[row->lane], &decoded);
	stop = giving->fn(giving->fn_ctx, entry);
	json_decref(entry);
	return stop;
}
/* A member, of now or before, or a vehicle that the file has a name for. */
static int find_author(struct cpc_node *node, const char *name, uint8_t ret_id[32],
		       struct cpc_error *error)
{
	const struct cpc_cell_epoch *e = cpc_store_selected(node->store);
	unsigned int i;

	for (i = 0; i < e->n; i++) {
		if (strcmp(name, cpc_node_name(node, e->node_id[i])) != 0)
			continue;
		memcpy(ret_id, e->node_id[i], 32);
		return 0;
	}
	if (cpc_config_named(node->config, name, ret_id) == 0)
		return 0;
	cpc_error_set(error, "there is no member '%s'; `cpchainctl cell` lists them", name);
	return -ENOENT;
}

static int log_start(void *ctx, const struct cpc_api_request *request,
		     struct cpc_api_cursor *ret_cursor, struct cpc_error *error)
{
	struct cpc_node *node = ctx;
	struct cpc_api_cursor cursor = { .left = request->limit,
					 .limited = request->limit > 0,
					 .follow = request->follow };
	int r = 0;

	if (!cpc_store_selected(node->store)->epoch) {
		cpc_error_set(error, "no log yet: %.180s", node->waiting);
		return -EAGAIN;
	}
	if (request->member[0]) {
		r = find_author(node, request->member, cursor.author, error);
		cursor.has_author = true;
		if (r < 0)
			return r;
	}
	/* Behind all entries of that slot. Without a slot: the last ones, and then what comes. */
	if (request->has_since) {
		cursor.place = (struct cpc_store_place){ 0, request->since, UINT8_MAX,
							  UINT32_MAX };
	} else if (cursor.limited || cursor.follow) {
		r = cpc_store_last(node->store, cursor.has_author ? cursor.author : NULL,
				   request->limit, &cursor.place, error);
		if (cursor.follow)
			cursor.limited = false;
	}
	*ret_cursor = cursor;
	return r;
}

static int log_next(void *ctx, struct cpc_api_cursor *cursor, unsigned int limit,
		    cpc_api_entry_fn fn, void *fn_ctx, struct cpc_error *error)
{
	struct cpc_node *node = ctx;
	struct giving giving = { .node = node, .fn = fn, .fn_ctx = fn_ctx };

	return cpc_store_rows(node->store, cursor->has_author ? cursor->author : NULL, limit,
			      &cursor->place, give_row, &giving, error);
}

const struct cpc_api_ops cpc_node_api_ops = {
	.answer = answer,
	.log_start = log_start,
	.log_next = log_next,
};
