// SPDX-License-Identifier: BSD-3-Clause
/*
 * Programs at TC, ingress and egress. They sit in the clsact qdisc, which many can share: ours
 * have a priority of their own, leave every verdict to the others, and the qdisc goes with them
 * only if we made it (the pinned folder "clsact" remembers that) and nobody else has moved in.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/util/cleanup.h"

static struct bpf_tc_hook hook_of(int ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook), .ifindex = ifindex,
				     .attach_point = point };
}

static enum bpf_tc_attach_point point_of(bool egress)
{
	return egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

/* Remembers that the qdisc is our making; without the mark it stays behind, which does no harm. */
static void mark(const struct cpc_bpf_config *config)
{
	struct cpc_bpf_path path;

	if (cpc_bpf_path(config->root, config->interface, "clsact", &path, NULL) == 0)
		(void)!mkdir(path.text, 0700);
}

int cpc_tc_attach(int ifindex, const struct cpc_bpf_config *config, bool egress,
		  uint32_t priority, int program, struct cpc_error *error)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = program, .flags = BPF_TC_F_REPLACE,
		    .handle = CPC_TC_HANDLE, .priority = priority);
	int r;

	cpc_bpf_listen();
	r = bpf_tc_hook_create(&hook);
	if (r < 0 && r != -EEXIST)
		return cpc_bpf_explain(CPC_BPF_STAGE_TC, config->interface, r, cpc_bpf_heard(),
				       error);
	if (r == 0)
		mark(config);
	hook.attach_point = point_of(egress);
	r = bpf_tc_attach(&hook, &opts);
	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_TC, config->interface, r, cpc_bpf_heard(),
				       error);
	return 0;
}

uint32_t cpc_tc_query(int ifindex, bool egress, uint32_t priority)
{
	struct bpf_tc_hook hook = hook_of(ifindex, point_of(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CPC_TC_HANDLE, .priority = priority);

	cpc_bpf_listen();
	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

int cpc_tc_detach(int ifindex, bool egress, uint32_t priority)
{
	struct bpf_tc_hook hook = hook_of(ifindex, point_of(egress));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CPC_TC_HANDLE, .priority = priority);
	int r;

	cpc_bpf_listen();
	r = bpf_tc_detach(&hook, &opts);
	/* -EINVAL: there is no clsact at all. */
	return r == -ENOENT || r == -EINVAL ? 0 : r;
}

/* ---- is anybody else there? ------------------------------------------------------------------ */

static int see_filter(struct nl_msg *msg, void *arg)
{
	(void)msg;
	*(unsigned int *)arg += 1;
	return NL_OK;
}

/* How many filter messages the kernel has for one side of the qdisc; some number if unsure. */
static unsigned int filters(struct nl_sock *socket, int ifindex, uint32_t parent)
{
	struct tcmsg request = { .tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex,
				 .tcm_parent = parent };
	unsigned int seen = 0;

	nl_socket_disable_seq_check(socket);
	if (nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, see_filter, &seen) < 0 ||
	    nl_send_simple(socket, RTM_GETTFILTER, NLM_F_DUMP, &request, sizeof(request)) < 0 ||
	    nl_recvmsgs_default(socket) < 0)
		return 1;
	return seen;
}

static bool in_use(int ifindex)
{
	struct nl_sock *socket = nl_socket_alloc();
	bool used = true;

	if (socket && nl_connect(socket, NETLINK_ROUTE) == 0)
		used = filters(socket, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) ||
		       filters(socket, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
	nl_socket_free(socket);
	return used;
}

void cpc_tc_tidy(int ifindex, const char *root, const char *interface)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct cpc_bpf_path path;

	if (cpc_bpf_path(root, interface, "clsact", &path, NULL) < 0 ||
	    access(path.text, F_OK) < 0 || in_use(ifindex))
		return;
	cpc_bpf_listen();
	if (bpf_tc_hook_destroy(&hook) == 0)
		rmdir(path.text);
}
