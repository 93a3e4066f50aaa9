// SPDX-License-Identifier: BSD-3-Clause
/* propose_io.c - manoeuvres for the control socket: proposed, and who said what about them. */
#include <errno.h>
#include <string.h>

#include "agent/bpf/metrics.h"
#include "agent/node/node_private.h"

json_t *cpc_proposal_json(const struct cpc_proposal *p)
{
	if (p->type == CPC_PROPOSAL_SPEED)
		return json_pack("{s:s, s:I, s:i, s:i, s:i}", "type", cpc_proposal_name(p->type),
				 "zone", (json_int_t)p->zone, "min_cm_s", p->min_cm_s, "max_cm_s",
				 p->max_cm_s, "duration_s", p->duration_s);
	return json_pack("{s:s, s:I, s:i, s:i, s:i}", "type", cpc_proposal_name(p->type),
			 "platoon", (json_int_t)p->platoon, "speed_cm_s", p->speed_cm_s, "gap_cm",
			 p->gap_cm, "position", p->position);
}

json_t *cpc_node_words_json(const struct cpc_node *node, u64 yes, u64 no, const u8 *why)
{
	json_t *words = json_array(), *word;
	unsigned int i;

	for (i = 0; i < node->n; i++) {
		bool said = (yes | no) >> i & 1;

		word = json_pack("{s:s, s:s}", "member", cpc_node_member_name(node, i), "word",
				 !said ? "silent" : yes >> i & 1 ? "yes" : "no");
		if (said)
			json_object_set_new(word, "reason",
					    json_string(cpc_bpf_policy_reason_name(why[i])));
		json_array_append_new(words, word);
	}
	return words;
}

json_t *cpc_node_propose_json(struct cpc_node *node, const struct cpc_api_request *request,
			      struct cpc_error *error)
{
	u8 data[CPC_PROPOSAL_BYTES];
	u64 local_id;

	cpc_proposal_encode(&request->proposal, data);
	if (cpc_outbox_push(node->store, cpc_proposal_kind(request->proposal.type),
			    CPC_PAYLOAD_PROPOSAL, data, sizeof(data), &local_id, error) < 0)
		return NULL;
	cpc_proposals_add(&node->proposals, local_id, &request->proposal);
	cpc_node_submit_waiting(node);
	return json_pack("{s:o}", "id", json_sprintf("%016llx", (unsigned long long)local_id));
}

json_t *cpc_node_proposal_json(struct cpc_node *node, const struct cpc_api_request *request,
			       struct cpc_error *error)
{
	struct cpc_own_proposal *p = cpc_proposals_find(&node->proposals, request->id);
	struct cpc_link_conditions conditions;
	json_t *json;

	if (!p) {
		cpc_error_set(error, "%016llx is none of the last %d proposals of this vehicle: "
			      "see `cpchainctl log`", (unsigned long long)request->id,
			      CPC_PROPOSALS_KEPT);
		return NULL;
	}
	if (cpc_link_conditions(node->link, node->cell, (u8)node->self, &conditions, error) < 0)
		return NULL;
	cpc_proposals_heard(&node->proposals, &conditions);
	json = json_pack("{s:o, s:s, s:o, s:s, s:o}", "id",
			 json_sprintf("%016llx", (unsigned long long)p->local_id), "state",
			 cpc_proposal_state_name(p->state), "proposal", cpc_proposal_json(&p->what),
			 "kind", cpc_entry_kind_name(cpc_proposal_kind(p->what.type)), "words",
			 cpc_node_words_json(node, p->yes, p->no, p->why));
	if (p->seq)
		json_object_set_new(json, "seq", json_integer(p->seq));
	if (p->slot)
		json_object_set_new(json, "slot", json_integer(p->slot));
	return json;
}

/* ---- of all members -------------------------------------------------------------------------- */

static json_t *condition_json(const struct cpc_node *node, unsigned int lane,
			      const struct cpc_link_condition *c, bool open)
{
	const struct cpc_node_verdict *last = &node->verdict[lane];
	const char *state = "decided";

	if (open)
		state = "open";
	else if (last->seq == c->seq)
		state = last->accepted ? "accepted" : "rejected";
	return json_pack("{s:s, s:I, s:s, s:s, s:o}", "member", cpc_node_member_name(node, lane),
			 "seq", (json_int_t)c->seq, "kind", cpc_entry_kind_name(c->kind), "state",
			 state, "words", cpc_node_words_json(node, c->yes, c->no, c->why));
}

json_t *cpc_node_conditions_json(struct cpc_node *node, struct cpc_error *error)
{
	json_t *entries = json_array();
	struct cpc_link_conditions c;
	unsigned int lane;

	for (lane = 0; lane < node->n; lane++) {
		if (cpc_link_conditions(node->link, node->cell, (u8)lane, &c, error) < 0) {
			json_decref(entries);
			return NULL;
		}
		if (c.has_decided)
			json_array_append_new(entries,
					      condition_json(node, lane, &c.decided, false));
		if (c.has_open)
			json_array_append_new(entries, condition_json(node, lane, &c.open, true));
	}
	return json_pack("{s:o}", "entries", entries);
}

void cpc_node_note_verdict(struct cpc_node *node, u8 lane, u32 slot, const struct cpc_entry *entry,
			   bool accepted)
{
	struct cpc_envelope envelope;

	if (entry->kind == CPC_ENTRY_ORDINARY)
		return;
	if (entry->kind == CPC_ENTRY_CHANGE)
		cpc_node_change_decided(node, lane, slot, entry, accepted);
	node->verdict[lane] = (struct cpc_node_verdict){ .seq = entry->seq, .accepted = accepted };
	if (lane == node->self && cpc_envelope_decode(entry->data, entry->len, &envelope) == 0)
		cpc_proposals_decided(&node->proposals, envelope.local_id, entry->seq, slot,
				      accepted);
}
