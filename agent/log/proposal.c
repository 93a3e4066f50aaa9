// SPDX-License-Identifier: BSD-3-Clause
#include "agent/log/proposal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define VERSION 1

static const char *const names[] = {
	[CPC_PROPOSAL_JOIN] = "join",
	[CPC_PROPOSAL_MERGE] = "merge",
	[CPC_PROPOSAL_SPEED] = "speed",
};

const char *cpc_proposal_name(unsigned int type)
{
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

int cpc_proposal_type(const char *name, enum cpc_proposal_type *ret_type, struct cpc_error *error)
{
	unsigned int i;

	for (i = CPC_PROPOSAL_JOIN; i <= CPC_PROPOSAL_SPEED; i++)
		if (strcmp(name, names[i]) == 0) {
			*ret_type = (enum cpc_proposal_type)i;
			return 0;
		}
	cpc_error_set(error, "there is no proposal '%.40s' (join, merge, speed)", name);
	return -EINVAL;
}

enum cpc_entry_kind cpc_proposal_kind(enum cpc_proposal_type type)
{
	return type == CPC_PROPOSAL_SPEED ? CPC_ENTRY_BY_QUORUM : CPC_ENTRY_BY_ALL;
}

int cpc_proposal_check(const struct cpc_proposal *p, struct cpc_error *error)
{
	switch (p->type) {
	case CPC_PROPOSAL_JOIN:
	case CPC_PROPOSAL_MERGE:
		return 0;
	case CPC_PROPOSAL_SPEED:
		if (p->min_cm_s > p->max_cm_s) {
			cpc_error_set(error, "the lowest speed, %u cm/s, is above the highest, %u "
				      "cm/s", p->min_cm_s, p->max_cm_s);
			return -EINVAL;
		}
		if (p->duration_s == 0) {
			cpc_error_set(error, "an advisory for 0 s");
			return -EINVAL;
		}
		return 0;
	}
	cpc_error_set(error, "there is no proposal of type %u", (unsigned int)p->type);
	return -EINVAL;
}

void cpc_proposal_encode(const struct cpc_proposal *p, u8 out[CPC_PROPOSAL_BYTES])
{
	struct cpc_writer w = cpc_writer_init(out, CPC_PROPOSAL_BYTES);
	u8 reserved[3] = { 0 };

	cpc_write_le16(&w, CPC_PROPOSAL_MAGIC);
	cpc_write_u8(&w, VERSION);
	cpc_write_u8(&w, (u8)p->type);
	if (p->type == CPC_PROPOSAL_SPEED) {
		cpc_write_le32(&w, p->zone);
		cpc_write_le16(&w, p->min_cm_s);
		cpc_write_le16(&w, p->max_cm_s);
		cpc_write_le16(&w, p->duration_s);
		cpc_write_bytes(&w, reserved, 2);
	} else {
		cpc_write_le32(&w, p->platoon);
		cpc_write_le16(&w, p->speed_cm_s);
		cpc_write_le16(&w, p->gap_cm);
		cpc_write_u8(&w, p->position);
		cpc_write_bytes(&w, reserved, 3);
	}
	assert(!w.failed && w.used == CPC_PROPOSAL_BYTES);
}

bool cpc_proposal_magic(const u8 *data, size_t len)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	u16 magic = cpc_read_le16(&r);

	return !r.failed && magic == CPC_PROPOSAL_MAGIC;
}

int cpc_proposal_decode(const u8 *data, size_t len, struct cpc_proposal *ret_proposal)
{
	struct cpc_reader r = cpc_reader_init(data, len);
	struct cpc_proposal p = { .platoon = 0 };
	u8 version, type;

	if (len < CPC_PROPOSAL_BYTES || cpc_read_le16(&r) != CPC_PROPOSAL_MAGIC)
		return -EBADMSG;
	version = cpc_read_u8(&r);
	type = cpc_read_u8(&r);
	if (version != VERSION || !cpc_proposal_name(type))
		return -EBADMSG;
	p.type = (enum cpc_proposal_type)type;
	if (type == CPC_PROPOSAL_SPEED) {
		p.zone = cpc_read_le32(&r);
		p.min_cm_s = cpc_read_le16(&r);
		p.max_cm_s = cpc_read_le16(&r);
		p.duration_s = cpc_read_le16(&r);
	} else {
		p.platoon = cpc_read_le32(&r);
		p.speed_cm_s = cpc_read_le16(&r);
		p.gap_cm = cpc_read_le16(&r);
		p.position = cpc_read_u8(&r);
	}
	assert(!r.failed);
	*ret_proposal = p;
	return 0;
}
