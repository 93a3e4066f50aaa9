/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_BPF_INTERNAL_H
#define CPC_AGENT_BPF_INTERNAL_H

/* What the files of agent/bpf share with each other and with nobody else. */
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "agent/bpf/bpf.h"

enum {
	CPC_BPF_PATH_MAX = 256,
	CPC_BPF_CPUS_MAX = 1024,
	/* Ours among TC filters: "PC" and the next one, so that they are hardly anybody else's. */
	CPC_TC_PRIORITY_FILTER = 0x4350,
	CPC_TC_PRIORITY_STAMP = 0x4351,
	CPC_TC_HANDLE = 1,
};

struct cpc_bpf_path {
	char text[CPC_BPF_PATH_MAX];
};

/* ---- explain.c, pure ------------------------------------------------------------------------- */

/* What the agent was about to do when the kernel refused. */
enum cpc_bpf_stage {
	CPC_BPF_STAGE_OPEN,
	CPC_BPF_STAGE_LOAD,
	CPC_BPF_STAGE_XDP,
	CPC_BPF_STAGE_TC,
	CPC_BPF_STAGE_PIN,
	CPC_BPF_STAGE_MAP,
};

/*
 * Turns a refusal into one line for people: @what was to be done with, @r the negative errno (or
 * libbpf's own code), @gist the kernel's word or "". Returns the errno to pass on.
 */
int cpc_bpf_explain(enum cpc_bpf_stage stage, const char *what, int r, const char *gist,
		    struct cpc_error *error);

/* The line of a verifier's log that says what it disliked; "" if there is none. */
void cpc_bpf_log_gist(const char *log, char *ret_gist, size_t size);

/* ---- print_io.c ------------------------------------------------------------------------------ */

/* From here on libbpf's messages are kept instead of printed; this forgets earlier ones. */
void cpc_bpf_listen(void);
/* The gist of what libbpf said since then. */
const char *cpc_bpf_heard(void);

/* ---- pin_io.c -------------------------------------------------------------------------------- */

/* <root>/<namespace>-<name>/<file>; file "" is the folder itself. -ENAMETOOLONG. */
int cpc_bpf_path(const char *root, const char *name, const char *file,
		 struct cpc_bpf_path *ret_path, struct cpc_error *error);
/* Makes the folder, mounting a BPF file system at its usual place if there is none. */
int cpc_bpf_folder(const char *root, const char *name, struct cpc_error *error);
/* Removes the folder and what is in it. Nothing there is fine. */
int cpc_bpf_folder_remove(const char *root, const char *name, struct cpc_error *error);
/* Pins @fd in place of what has the name, in one step for whoever opens it. */
int cpc_bpf_pin(int fd, const char *root, const char *name, const char *file,
		struct cpc_error *error);
/* A descriptor of what is pinned, or -ENOENT. */
int cpc_bpf_pinned(const char *root, const char *name, const char *file, struct cpc_error *error);
/* Lets each map of @object but its constants be pinned in, or taken from, the folder. */
int cpc_bpf_pin_maps(struct bpf_object *object, const char *root, const char *name,
		     const char *suffix, struct cpc_error *error);

/* ---- xdp_io.c -------------------------------------------------------------------------------- */

/*
 * Puts @program on the interface by a link that is pinned as filter_link, or into the link that is
 * pinned already. -EBUSY with a text: someone else's program is there.
 */
int cpc_xdp_attach(int ifindex, const struct cpc_bpf_config *config, int program,
		   enum cpc_bpf_mode mode, struct cpc_error *error);
/* The program on the interface, and by which mode; id 0: none. */
int cpc_xdp_query(int ifindex, uint32_t *ret_id, bool *ret_native, struct cpc_error *error);

/* ---- tc_io.c --------------------------------------------------------------------------------- */

/* In place of our own earlier one; beside anybody else's. */
int cpc_tc_attach(int ifindex, const struct cpc_bpf_config *config, bool egress,
		  uint32_t priority, int program, struct cpc_error *error);
/* Not there is fine. */
int cpc_tc_detach(int ifindex, bool egress, uint32_t priority);
/* The program's id, or 0. */
uint32_t cpc_tc_query(int ifindex, bool egress, uint32_t priority);
/* Removes the qdisc that carries TC filters if we made it and nobody else uses it. */
void cpc_tc_tidy(int ifindex, const char *root, const char *interface);

#endif
