/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_BPF_H
#define CPC_AGENT_BPF_BPF_H

/*
 * agent/bpf: the BPF programs of one interface, as the daemon and the command line use them. May
 * call libbpf and the kernel; nobody else in the agent does. Everything here is optional for a
 * cell: each failure is one line in a cpc_error, and the cell works without.
 *
 *	PIN = <root>/<namespace>-<interface>/       root: /sys/fs/bpf/cpchain, a BPF file system
 *	  counts sources listed cells ...           maps, kept over restarts and upgrades
 *	  filter stamp_rx stamp_tx                  programs, so that others can look at them
 *	  filter_link                               the attachment; ends when it is removed
 *	<root>/<namespace>-policy/
 *	  sensors verdicts_NAME policy_NAME
 *
 * What is pinned outlives the daemon: a vehicle stays filtered while its agent restarts, and the
 * new one replaces the programs in one step and goes on with the maps. cpc_bpf_detach() removes
 * all.
 *
 * The filter is attached as XDP, by the driver or else generic. Only one XDP program fits on an
 * interface (libxdp's dispatcher is one as well): if someone else's is there, or there is no XDP,
 * the filter runs at TC ingress, a little later, and cpc_bpf_note() says so.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/bpf/metrics.h"
#include "agent/util/error.h"
#include "bpf/filter.h"
#include "bpf/policy/sensors.h"
#include "bpf/stamp.h"

#define CPC_BPF_ROOT "/sys/fs/bpf/cpchain"

/* ---- filter and stamp on an interface -------------------------------------------------------- */

enum cpc_bpf_mode {
	CPC_BPF_AUTO,	 /* native, else generic, else TC */
	CPC_BPF_NATIVE,
	CPC_BPF_GENERIC, /* XDP on the skb: what a wlan interface can do */
	CPC_BPF_TC,
	CPC_BPF_OFF,	 /* no filter */
};

struct cpc_bpf_config {
	const char *interface;
	const char *root;		  /* NULL: CPC_BPF_ROOT */
	enum cpc_bpf_mode filter;
	bool no_stamp;
	struct cpc_filter_config settings; /* from cpc_bpf_config_default() */
};

struct cpc_bpf;

/* The settings compiled into the programs. */
struct cpc_bpf_config cpc_bpf_config_default(const char *interface);

/*
 * Loads, pins and attaches, or takes over what an earlier daemon left. On failure nothing of ours
 * is newly attached. Errors: -ENODEV no such interface, -EPERM no privilege, -ENOENT no BPF file
 * system at the root and none could be mounted, -EBUSY a foreign program and a mode that needs its
 * place, -EOPNOTSUPP the kernel or driver lacks it, -EINVAL or -EACCES the verifier refused; all
 * with a text.
 */
int cpc_bpf_new(const struct cpc_bpf_config *config, struct cpc_bpf **ret_bpf,
		struct cpc_error *error);

/* Lets go; the programs stay attached. NULL is fine. */
void cpc_bpf_free(struct cpc_bpf *bpf);

/* How the filter runs: "xdp native", "xdp generic", "tc", "off". */
const char *cpc_bpf_mode_name(const struct cpc_bpf *bpf);

/* What was not as wished though it works, for the log; "" if nothing. */
const char *cpc_bpf_note(const struct cpc_bpf *bpf);

/* Takes everything of ours off the interface and out of the file system, whoever put it there. */
int cpc_bpf_detach(const char *root, const char *interface, struct cpc_error *error);

/*
 * What the filter knows of a cell. Call it when a cell is added, and then each second or so with
 * the counters that the module has accepted; see the head of bpf/filter.bpf.c for why only those.
 */
int cpc_bpf_cell_set(struct cpc_bpf *bpf, uint16_t cell, const struct cpc_filter_cell *state,
		     struct cpc_error *error);
int cpc_bpf_cell_del(struct cpc_bpf *bpf, uint16_t cell, struct cpc_error *error);

/*
 * verdict: enum cpc_filter_list_verdict, or 0 to take it off. -E2BIG: CPC_FILTER_LISTED are there.
 */
int cpc_bpf_list_mac(struct cpc_bpf *bpf, const uint8_t mac[6], uint32_t verdict,
		     struct cpc_error *error);
int cpc_bpf_list_station(struct cpc_bpf *bpf, uint32_t station, uint32_t verdict,
			 struct cpc_error *error);

/* ---- looking at it --------------------------------------------------------------------------- */

/* From what is pinned, so that a command line needs no daemon. -ENOENT: nothing of ours there. */
int cpc_bpf_metrics_read(const char *root, const char *interface, struct cpc_bpf_metrics *ret,
			 struct cpc_error *error);

/*
 * The sources of which most was dropped, worst first. Returns how many, at most @max.
 */
int cpc_bpf_sources_read(const char *root, const char *interface, struct cpc_bpf_source *sources,
			 size_t max, struct cpc_error *error);

/* Run times are measured while this descriptor is open; close() ends it. Costs some 20 ns a run. */
int cpc_bpf_measure(struct cpc_error *error);

/* ---- capture --------------------------------------------------------------------------------- */

struct cpc_bpf_capture;

/*
 * Starts writing records to @fd as pcapng. @snap: octets of each frame, at most CPC_STAMP_SNAP_MAX.
 * One capture per interface at a time.
 */
int cpc_bpf_capture_new(const char *root, const char *interface, int fd, uint32_t snap,
			struct cpc_bpf_capture **ret_capture, struct cpc_error *error);
/* To watch for input; then call _dispatch, which returns the number of frames written or -errno. */
int cpc_bpf_capture_fd(const struct cpc_bpf_capture *capture);
int cpc_bpf_capture_dispatch(struct cpc_bpf_capture *capture, struct cpc_error *error);
void cpc_bpf_capture_free(struct cpc_bpf_capture *capture);

/* ---- policies -------------------------------------------------------------------------------- */

struct cpc_bpf_policies;

/* The shipped ones, and what cpc_bpf_policy_load() takes beside a path to an object file. */
#define CPC_POLICY_PLATOON "platoon"
#define CPC_POLICY_SPEED "speed"

/* The sensors that all policies of this network namespace read. */
int cpc_bpf_policies_new(const char *root, struct cpc_bpf_policies **ret_policies,
			 struct cpc_error *error);
void cpc_bpf_policies_free(struct cpc_bpf_policies *policies);

/*
 * A value from the vehicle's bus; time_ns by CLOCK_BOOTTIME. Wait-free, call it as often as you
 * like.
 */
void cpc_bpf_sensor_set(struct cpc_bpf_policies *policies, enum cpc_sensor sensor, int64_t value,
			uint64_t time_ns);

/*
 * Loads a policy and pins it, in place of an earlier one of the name. Returns a descriptor for the
 * module (which takes its own reference; close it then), or -errno: -ENOENT no such file, -EINVAL
 * no BPF object, no socket filter in it, or the verifier refused. @config NULL: as compiled in.
 */
int cpc_bpf_policy_load(struct cpc_bpf_policies *policies, const char *name_or_path,
			const struct cpc_policy_config *config, struct cpc_error *error);
/* Unpins it; where the module still has it, it goes on until the module is told. */
int cpc_bpf_policy_remove(struct cpc_bpf_policies *policies, const char *name_or_path,
			  struct cpc_error *error);

/* The counters of a shipped policy or of an object's file name without ".bpf.o". */
int cpc_bpf_policy_metrics_read(const char *root, const char *name,
				struct cpc_bpf_policy_metrics *ret, struct cpc_error *error);

#endif
