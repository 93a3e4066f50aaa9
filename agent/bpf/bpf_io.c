// SPDX-License-Identifier: BSD-3-Clause
/*
 * Loading and attaching: the order in which the parts of agent/bpf are used.
 *
 *   folder -> open -> settings -> maps from the folder -> load -> attach -> pin the programs
 *
 * If the maps that are pinned are those of another version, they are replaced by new ones; counters
 * then start afresh.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/util/cleanup.h"
#include "bpf/filter.skel.h"
#include "bpf/stamp.skel.h"

struct cpc_bpf {
	struct filter_bpf *filter;
	struct stamp_bpf *stamp;
	enum cpc_bpf_mode mode;
	struct cpc_error note;
};

static const char *const mode_names[] = {
	[CPC_BPF_AUTO] = "auto", [CPC_BPF_NATIVE] = "xdp native",
	[CPC_BPF_GENERIC] = "xdp generic", [CPC_BPF_TC] = "tc", [CPC_BPF_OFF] = "off",
};

struct cpc_bpf_config cpc_bpf_config_default(const char *interface)
{
	struct cpc_bpf_config config = { .interface = interface };
	struct filter_bpf *filter = filter_bpf__open();

	/* The constants stand in the object file; nothing is loaded for this. */
	if (filter)
		memcpy(&config.settings, (const void *)&filter->rodata->config,
		       sizeof(config.settings));
	filter_bpf__destroy(filter);
	return config;
}

/* ---- loading --------------------------------------------------------------------------------- */

static int load_filter(struct cpc_bpf *bpf, const struct cpc_bpf_config *config,
		       struct cpc_error *error)
{
	int r;

	cpc_bpf_listen();
	bpf->filter = filter_bpf__open();
	if (!bpf->filter)
		return cpc_bpf_explain(CPC_BPF_STAGE_OPEN, "filter", -errno, cpc_bpf_heard(),
				       error);
	memcpy((void *)&bpf->filter->rodata->config, &config->settings, sizeof(config->settings));
	r = cpc_bpf_pin_maps(bpf->filter->obj, config->root, config->interface, "", error);
	if (r < 0)
		return r;
	r = filter_bpf__load(bpf->filter);
	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_LOAD, "filter", r, cpc_bpf_heard(), error);
	return 0;
}

static int load_stamp(struct cpc_bpf *bpf, const struct cpc_bpf_config *config,
		      struct cpc_error *error)
{
	int r;

	cpc_bpf_listen();
	bpf->stamp = stamp_bpf__open();
	if (!bpf->stamp)
		return cpc_bpf_explain(CPC_BPF_STAGE_OPEN, "stamp", -errno, cpc_bpf_heard(), error);
	r = cpc_bpf_pin_maps(bpf->stamp->obj, config->root, config->interface, "", error);
	if (r < 0)
		return r;
	r = stamp_bpf__load(bpf->stamp);
	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_LOAD, "stamp", r, cpc_bpf_heard(), error);
	return 0;
}

static void unload(struct cpc_bpf *bpf)
{
	filter_bpf__destroy(bpf->filter);
	stamp_bpf__destroy(bpf->stamp);
	bpf->filter = NULL;
	bpf->stamp = NULL;
}

static int load_all(struct cpc_bpf *bpf, const struct cpc_bpf_config *config,
		    struct cpc_error *error)
{
	int r = 0;

	if (config->filter != CPC_BPF_OFF)
		r = load_filter(bpf, config, error);
	if (r == 0 && !config->no_stamp)
		r = load_stamp(bpf, config, error);
	return r;
}

/* Takes the pinned maps out of the folder; what is attached keeps them until it is replaced. */
static void forget_maps(const struct cpc_bpf_config *config)
{
	static const char *const files[] = { "counts", "sources", "listed", "cells", "replays",
					     "shared", "stamps", "scratch", "control", "traffic",
					     "latency", "busy" };
	struct cpc_bpf_path path;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (cpc_bpf_path(config->root, config->interface, files[i], &path, NULL) == 0)
			unlink(path.text);
}

/* libbpf refuses a pinned map of another shape with an error that the verifier uses as well. */
static int load(struct cpc_bpf *bpf, const struct cpc_bpf_config *config, struct cpc_error *error)
{
	int r = load_all(bpf, config, error);

	if (r != -EINVAL || !strstr(cpc_bpf_heard(), "reuse pinned map"))
		return r;
	unload(bpf);
	forget_maps(config);
	return load_all(bpf, config, error);
}

/* ---- attaching ------------------------------------------------------------------------------- */

/* What AUTO tries, best first. */
static int attach_auto(struct cpc_bpf *bpf, int ifindex, const struct cpc_bpf_config *config,
		       struct cpc_error *error)
{
	int program = bpf_program__fd(bpf->filter->progs.filter_xdp), r;

	r = cpc_xdp_attach(ifindex, config, program, CPC_BPF_NATIVE, &bpf->note);
	bpf->mode = CPC_BPF_NATIVE;
	if (r < 0 && r != -EBUSY && r != -EPERM) {
		r = cpc_xdp_attach(ifindex, config, program, CPC_BPF_GENERIC, &bpf->note);
		bpf->mode = CPC_BPF_GENERIC;
	}
	if (r == 0) {
		bpf->note.text[0] = '\0';
		return 0;
	}
	bpf->mode = CPC_BPF_TC;
	return cpc_tc_attach(ifindex, config, false, CPC_TC_PRIORITY_FILTER,
			     bpf_program__fd(bpf->filter->progs.filter_tc), error);
}

static int attach_filter(struct cpc_bpf *bpf, int ifindex, const struct cpc_bpf_config *config,
			 struct cpc_error *error)
{
	int r = 0;

	bpf->mode = config->filter;
	switch (config->filter) {
	case CPC_BPF_OFF:
		return 0;
	case CPC_BPF_AUTO:
		r = attach_auto(bpf, ifindex, config, error);
		break;
	case CPC_BPF_NATIVE:
	case CPC_BPF_GENERIC:
		r = cpc_xdp_attach(ifindex, config, bpf_program__fd(bpf->filter->progs.filter_xdp),
				   config->filter, error);
		break;
	case CPC_BPF_TC:
		r = cpc_tc_attach(ifindex, config, false, CPC_TC_PRIORITY_FILTER,
				  bpf_program__fd(bpf->filter->progs.filter_tc), error);
		break;
	}
	/* An earlier daemon may have had it at the other hook; twice would count twice. */
	if (r == 0 && bpf->mode != CPC_BPF_TC)
		cpc_tc_detach(ifindex, false, CPC_TC_PRIORITY_FILTER);
	return r;
}

static int attach_stamp(struct cpc_bpf *bpf, int ifindex, const struct cpc_bpf_config *config,
			struct cpc_error *error)
{
	int r;

	if (config->no_stamp)
		return 0;
	r = cpc_tc_attach(ifindex, config, false, CPC_TC_PRIORITY_STAMP,
			  bpf_program__fd(bpf->stamp->progs.stamp_ingress), error);
	if (r == 0)
		r = cpc_tc_attach(ifindex, config, true, CPC_TC_PRIORITY_STAMP,
				  bpf_program__fd(bpf->stamp->progs.stamp_egress), error);
	return r;
}

static int pin_programs(const struct cpc_bpf *bpf, const struct cpc_bpf_config *config,
			struct cpc_error *error)
{
	int r = 0;

	if (bpf->filter)
		r = cpc_bpf_pin(bpf_program__fd(bpf->mode == CPC_BPF_TC ?
						bpf->filter->progs.filter_tc :
						bpf->filter->progs.filter_xdp),
				config->root, config->interface, "filter", error);
	if (r == 0 && bpf->stamp)
		r = cpc_bpf_pin(bpf_program__fd(bpf->stamp->progs.stamp_ingress), config->root,
				config->interface, "stamp_rx", error);
	if (r == 0 && bpf->stamp)
		r = cpc_bpf_pin(bpf_program__fd(bpf->stamp->progs.stamp_egress), config->root,
				config->interface, "stamp_tx", error);
	return r;
}

/*
 * The kernel's TAI clock equals UTC until an NTP daemon tells it the leap seconds; 37 since 2017,
 * and none is to come (CGPM 2022, resolution 4).
 */
static void set_clock(const struct cpc_bpf *bpf)
{
	struct cpc_stamp_control control = { 0 };
	struct timespec utc, tai;
	uint32_t zero = 0;
	int fd;

	if (!bpf->stamp)
		return;
	/* adjtimex(2) would tell as well, but a hardened service may not call it. */
	clock_gettime(CLOCK_REALTIME, &utc);
	clock_gettime(CLOCK_TAI, &tai);
	fd = bpf_map__fd(bpf->stamp->maps.control);
	bpf_map_lookup_elem(fd, &zero, &control);
	control.tai_correction_ns = tai.tv_sec - utc.tv_sec > 5 ? 0 : 37 * INT64_C(1000000000);
	bpf_map_update_elem(fd, &zero, &control, BPF_ANY);
}

static bool is_pinned(const struct cpc_bpf_config *config, const char *file)
{
	CPC_CLOSE int fd = cpc_bpf_pinned(config->root, config->interface, file, NULL);

	return fd >= 0;
}

static void cleanup_bpf(struct cpc_bpf **bpf)
{
	cpc_bpf_free(*bpf);
}

int cpc_bpf_new(const struct cpc_bpf_config *config, struct cpc_bpf **ret_bpf,
		struct cpc_error *error)
{
	CPC_CLEANUP(cleanup_bpf) struct cpc_bpf *bpf = calloc(1, sizeof(*bpf));
	int ifindex = (int)if_nametoindex(config->interface), r;
	bool fresh;

	if (!bpf)
		return -ENOMEM;
	fresh = !is_pinned(config, "filter") && !is_pinned(config, "stamp_rx");
	if (!ifindex) {
		cpc_error_set(error, "no interface '%s'", config->interface);
		return -ENODEV;
	}
	r = cpc_bpf_folder(config->root, config->interface, error);
	if (r == 0)
		r = load(bpf, config, error);
	if (r == 0)
		r = attach_filter(bpf, ifindex, config, error);
	if (r == 0)
		r = attach_stamp(bpf, ifindex, config, error);
	if (r == 0)
		r = pin_programs(bpf, config, error);
	if (r < 0) {
		/* Half of the whole helps nobody; but what an earlier daemon left works still. */
		if (fresh)
			cpc_bpf_detach(config->root, config->interface, NULL);
		return r;
	}
	set_clock(bpf);
	*ret_bpf = CPC_TAKE(bpf);
	return 0;
}

void cpc_bpf_free(struct cpc_bpf *bpf)
{
	if (!bpf)
		return;
	unload(bpf);
	free(bpf);
}

const char *cpc_bpf_mode_name(const struct cpc_bpf *bpf)
{
	return mode_names[bpf->mode];
}

const char *cpc_bpf_note(const struct cpc_bpf *bpf)
{
	return bpf->note.text;
}

int cpc_bpf_detach(const char *root, const char *interface, struct cpc_error *error)
{
	CPC_CLOSE int link = cpc_bpf_pinned(root, interface, "filter_link", NULL);
	int ifindex = (int)if_nametoindex(interface);

	/* At once, whoever else may hold the link still. */
	if (link >= 0)
		bpf_link_detach(link);
	/* With the interface its filters went as well. */
	if (ifindex) {
		cpc_tc_detach(ifindex, false, CPC_TC_PRIORITY_FILTER);
		cpc_tc_detach(ifindex, false, CPC_TC_PRIORITY_STAMP);
		cpc_tc_detach(ifindex, true, CPC_TC_PRIORITY_STAMP);
		cpc_tc_tidy(ifindex, root, interface);
	}
	return cpc_bpf_folder_remove(root, interface, error);
}

/* ---- cells and lists ------------------------------------------------------------------------- */

static int need_filter(const struct cpc_bpf *bpf, struct cpc_error *error)
{
	if (bpf->filter)
		return 0;
	cpc_error_set(error, "the filter is off");
	return -ENOENT;
}

int cpc_bpf_cell_set(struct cpc_bpf *bpf, uint16_t cell, const struct cpc_filter_cell *state,
		     struct cpc_error *error)
{
	uint32_t key = cell;
	int r = need_filter(bpf, error);

	if (r < 0)
		return r;
	if (state->n < CPC_FILTER_MEMBERS_MIN || state->n > CPC_FILTER_MEMBERS ||
	    state->self >= state->n) {
		cpc_error_set(error, "cell %u: member %u of %u", cell, state->self, state->n);
		return -EINVAL;
	}
	r = bpf_map_update_elem(bpf_map__fd(bpf->filter->maps.cells), &key, state, BPF_ANY);
	return r < 0 ? cpc_bpf_explain(CPC_BPF_STAGE_MAP, "cells", r, "", error) : 0;
}

int cpc_bpf_cell_del(struct cpc_bpf *bpf, uint16_t cell, struct cpc_error *error)
{
	uint32_t key = cell;
	int r = need_filter(bpf, error);

	if (r < 0)
		return r;
	r = bpf_map_delete_elem(bpf_map__fd(bpf->filter->maps.cells), &key);
	return r < 0 && r != -ENOENT ?
	       cpc_bpf_explain(CPC_BPF_STAGE_MAP, "cells", r, "", error) : 0;
}

static int list(struct cpc_bpf *bpf, const struct cpc_filter_list_key *key, uint32_t verdict,
		struct cpc_error *error)
{
	int r = need_filter(bpf, error), fd;

	if (r < 0)
		return r;
	fd = bpf_map__fd(bpf->filter->maps.listed);
	switch (verdict) {
	case 0:
		r = bpf_map_delete_elem(fd, key);
		return r < 0 && r != -ENOENT ?
		       cpc_bpf_explain(CPC_BPF_STAGE_MAP, "listed", r, "", error) : 0;
	case CPC_LIST_ALLOW:
	case CPC_LIST_DENY:
		r = bpf_map_update_elem(fd, key, &verdict, BPF_ANY);
		if (r == -E2BIG)
			cpc_error_set(error, "the list is full: %d stations", CPC_FILTER_LISTED);
		else if (r < 0)
			cpc_bpf_explain(CPC_BPF_STAGE_MAP, "listed", r, "", error);
		return r;
	default:
		cpc_error_set(error, "no verdict %u: 1 allows, 2 denies, 0 forgets", verdict);
		return -EINVAL;
	}
}

int cpc_bpf_list_mac(struct cpc_bpf *bpf, const uint8_t mac[6], uint32_t verdict,
		     struct cpc_error *error)
{
	struct cpc_filter_list_key key = { .kind = CPC_LIST_MAC };

	memcpy(key.id, mac, sizeof(key.id));
	return list(bpf, &key, verdict, error);
}

int cpc_bpf_list_station(struct cpc_bpf *bpf, uint32_t station, uint32_t verdict,
			 struct cpc_error *error)
{
	struct cpc_filter_list_key key = { .kind = CPC_LIST_STATION };

	memcpy(key.id, &station, sizeof(station));
	return list(bpf, &key, verdict, error);
}
