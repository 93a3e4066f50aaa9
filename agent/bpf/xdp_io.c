// SPDX-License-Identifier: BSD-3-Clause
/* The filter on the XDP hook: one program per interface, held by a pinned link. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/util/cleanup.h"

int cpc_xdp_query(int ifindex, uint32_t *ret_id, bool *ret_native, struct cpc_error *error)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int r = bpf_xdp_query(ifindex, 0, &query);

	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_XDP, "the interface", r, "", error);
	*ret_native = query.attach_mode == XDP_ATTACHED_DRV;
	*ret_id = query.prog_id;
	/* With programs in several modes there is no prog_id; any of them is in the way. */
	if (!*ret_id)
		*ret_id = query.drv_prog_id ? query.drv_prog_id :
			  query.skb_prog_id ? query.skb_prog_id : query.hw_prog_id;
	return 0;
}

static void name_of(uint32_t id, char name[BPF_OBJ_NAME_LEN])
{
	CPC_CLOSE int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.name[0])
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	else
		strcpy(name, "?");
}

/* Is the pinned link on this interface still? A link to an interface that went away has none. */
static bool link_is_on(int link, int ifindex, uint32_t *ret_program)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &size) < 0 || info.type != BPF_LINK_TYPE_XDP ||
	    (int)info.xdp.ifindex != ifindex)
		return false;
	*ret_program = info.prog_id;
	return true;
}

static int foreign(const char *interface, uint32_t id, struct cpc_error *error)
{
	char name[BPF_OBJ_NAME_LEN];

	name_of(id, name);
	cpc_error_set(error, "another XDP program is on %s: '%s' (id %u)", interface, name, id);
	return -EBUSY;
}

static int create(int ifindex, const struct cpc_bpf_config *config, int program,
		  enum cpc_bpf_mode mode, struct cpc_error *error)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = mode == CPC_BPF_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	CPC_CLOSE int link = bpf_link_create(program, ifindex, BPF_XDP, &opts);

	if (link < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_XDP, config->interface, link, "", error);
	return cpc_bpf_pin(link, config->root, config->interface, "filter_link", error);
}

int cpc_xdp_attach(int ifindex, const struct cpc_bpf_config *config, int program,
		   enum cpc_bpf_mode mode, struct cpc_error *error)
{
	CPC_CLOSE int link = cpc_bpf_pinned(config->root, config->interface, "filter_link", NULL);
	uint32_t there, ours = 0;
	bool native;
	int r = cpc_xdp_query(ifindex, &there, &native, error);

	if (r < 0)
		return r;
	if (link >= 0 && link_is_on(link, ifindex, &ours) && ours == there &&
	    native == (mode == CPC_BPF_NATIVE)) {
		/* One step: no frame passes unfiltered between the old program and the new. */
		r = bpf_link_update(link, program, NULL);
		return r < 0 ? cpc_bpf_explain(CPC_BPF_STAGE_XDP, config->interface, r, "",
					       error) : 0;
	}
	if (there && there != ours)
		return foreign(config->interface, there, error);
	if (link >= 0)
		bpf_link_detach(link);
	return create(ifindex, config, program, mode, error);
}
