// SPDX-License-Identifier: BSD-3-Clause
#include "agent/node/bpf_io.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "agent/bpf/sensors.h"
#include "agent/node/node_private.h"
#include "agent/util/cleanup.h"

/*
 * An urgent cell sends at once, so members may send far more than the 40 frames a second of DCC:
 * 5,000 a second each, 1,000 of them at once.
 */
static const struct cpc_filter_rate urgent_rate = { 200000, 200000000 };

static const char *const kind_keys[CPC_NODE_POLICY_KINDS] = { "", "policy_quorum", "policy_all" };

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- filter and stamp ------------------------------------------------------------------------ */

static struct cpc_bpf_config programs_config(const struct cpc_agent_config *config)
{
	struct cpc_bpf_config c = cpc_bpf_config_default(config->interface);

	_Static_assert((int)CPC_CONFIG_FILTER_TC == CPC_BPF_TC &&
		       (int)CPC_CONFIG_FILTER_OFF == CPC_BPF_OFF, "the same order");
	c.filter = (enum cpc_bpf_mode)config->filter;
	c.no_stamp = !config->stamp;
	c.root = config->bpf_root;
	if (config->pacing == CPC_PACING_URGENT)
		c.settings.source = urgent_rate;
	return c;
}

/* Is something attached from before that the configuration does not want there any more? */
static bool unwanted(const struct cpc_bpf_config *config)
{
	CPC_FREE struct cpc_bpf_metrics *m = calloc(1, sizeof(*m));

	if (!m || cpc_bpf_metrics_read(config->root, config->interface, m, NULL) < 0)
		return false;
	if (config->no_stamp && m->program[1].id)
		return true;
	switch (config->filter) {
	case CPC_BPF_AUTO:
		return false;
	case CPC_BPF_NATIVE:
		return strcmp(m->mode, "xdp generic") == 0;
	case CPC_BPF_GENERIC:
		return strcmp(m->mode, "xdp native") == 0;
	case CPC_BPF_TC:
		return strncmp(m->mode, "xdp", 3) == 0;
	case CPC_BPF_OFF:
		return m->program[0].id;
	}
	return false;
}

static void start_programs(struct cpc_node *node)
{
	struct cpc_bpf_config config = programs_config(node->config);
	struct cpc_node_bpf *bpf = &node->bpf;
	const char *note;

	if (unwanted(&config))
		cpc_bpf_detach(config.root, config.interface, NULL);
	if (config.filter == CPC_BPF_OFF && config.no_stamp) {
		cpc_error_set(&bpf->why, "off, as configured");
		return;
	}
	if (cpc_bpf_new(&config, &bpf->programs, &bpf->why) < 0) {
		cpc_node_say(node, LOG_WARNING, "no filter and stamps: %s (the cell works without)",
			     bpf->why.text);
		return;
	}
	bpf->filters = config.filter != CPC_BPF_OFF;
	note = cpc_bpf_note(bpf->programs);
	cpc_node_say(node, LOG_INFO, "filter %s%s%s%s", cpc_bpf_mode_name(bpf->programs),
		     config.no_stamp ? "" : ", stamps", *note ? ": " : "", note);
	/* Only root may; without it run counts stay 0. */
	bpf->measuring = cpc_bpf_measure(NULL);
}

/* The members' addresses share no rate with strangers. A member may change its address. */
static int allow_member(struct cpc_node_bpf *bpf, unsigned int i, const uint8_t address[6],
			struct cpc_error *error)
{
	int r;

	if (bpf->listed[i] && memcmp(bpf->address[i], address, 6) == 0)
		return 0;
	if (bpf->listed[i])
		cpc_bpf_list_mac(bpf->programs, bpf->address[i], 0, NULL);
	r = cpc_bpf_list_mac(bpf->programs, address, CPC_LIST_ALLOW, error);
	bpf->listed[i] = r == 0;
	memcpy(bpf->address[i], address, 6);
	return r;
}

/*
 * While an epoch that is over stays for those who are late, its elements have to pass: the filter
 * lets what is of later epochs through unjudged.
 */
static void feed(struct cpc_node *node, const struct cpc_link_cell *kernel)
{
	bool late = node->old.n && node->old.cell == kernel->cell;
	struct cpc_filter_cell state = { .epoch = late ? node->old.epoch : kernel->epoch,
					 .n = late ? (u8)node->old.n : kernel->n,
					 .self = late ? (u8)node->old.self : kernel->self };
	struct cpc_error error;
	unsigned int i;
	int r;

	for (i = 0; i < kernel->n; i++)
		state.floor[i] = kernel->heard[i] && !late ? kernel->newest[i] : 0;
	r = cpc_bpf_cell_set(node->bpf.programs, kernel->cell, &state, &error);
	for (i = 0; r == 0 && i < kernel->n; i++)
		if (kernel->heard[i])
			r = allow_member(&node->bpf, i, kernel->address[i], &error);
	if (r < 0)
		cpc_node_complain(node, CPC_COMPLAIN_BPF, error.text);
}

void cpc_node_bpf_tick(struct cpc_node *node)
{
	u64 now_us = cpc_node_now_us();
	struct cpc_link_cell kernel;

	if (!node->bpf.filters || now_us - node->bpf.fed_us < CPC_NODE_BPF_FEED_US)
		return;
	node->bpf.fed_us = now_us;
	/* What is wrong with the module, others say. */
	if (cpc_link_cell_get(node->link, node->cell, &kernel, NULL) == 0)
		feed(node, &kernel);
}

/* ---- policies -------------------------------------------------------------------------------- */

static int need_policies(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_node_bpf *bpf = &node->bpf;
	int r;

	if (bpf->policies)
		return 0;
	r = cpc_bpf_policies_new(node->config->bpf_root, &bpf->policies, &bpf->why_no_policies);
	if (r < 0)
		*error = bpf->why_no_policies;
	else
		bpf->why_no_policies.text[0] = '\0';
	return r;
}

/* Unpins what neither kind uses any more. */
static void forget_policy(struct cpc_node_bpf *bpf, const char *policy)
{
	unsigned int kind;

	for (kind = CPC_ENTRY_BY_QUORUM; kind < CPC_NODE_POLICY_KINDS; kind++)
		if (strcmp(bpf->policy[kind], policy) == 0)
			return;
	if (*policy && bpf->policies)
		cpc_bpf_policy_remove(bpf->policies, policy, NULL);
}

int cpc_node_policy_set(struct cpc_node *node, unsigned int kind, const char *policy,
			struct cpc_error *error)
{
	char before[CPC_CONFIG_PATH_MAX + 1];
	CPC_CLOSE int fd = -1;
	int r = 0;

	if (*policy) {
		r = need_policies(node, error);
		if (r == 0)
			r = fd = cpc_bpf_policy_load(node->bpf.policies, policy, NULL, error);
	}
	if (r >= 0)
		r = cpc_link_policy_set(node->link, node->cell, (u8)kind, fd, error);
	if (r < 0)
		return r;
	strcpy(before, node->bpf.policy[kind]);
	if (policy != node->bpf.policy[kind])
		snprintf(node->bpf.policy[kind], sizeof(node->bpf.policy[kind]), "%s", policy);
	forget_policy(&node->bpf, before);
	return 0;
}

static const char *policy_name(const struct cpc_node *node, unsigned int kind)
{
	return node->bpf.policy[kind][0] ? node->bpf.policy[kind] : "no policy";
}

static void start_policies(struct cpc_node *node, const struct cpc_agent_config *config)
{
	const char *const wanted[CPC_NODE_POLICY_KINDS] = {
		[CPC_ENTRY_BY_QUORUM] = config->policy_quorum,
		[CPC_ENTRY_BY_ALL] = config->policy_all,
	};
	struct cpc_error error;
	unsigned int kind;

	for (kind = CPC_ENTRY_BY_QUORUM; kind < CPC_NODE_POLICY_KINDS; kind++) {
		if (cpc_node_policy_set(node, kind, wanted[kind], &error) == 0)
			continue;
		cpc_node_say(node, LOG_WARNING, "no %s: %s (the cell works without)",
			     kind_keys[kind], error.text);
	}
	cpc_node_say(node, LOG_INFO, "on manoeuvres vote: by all %s, by quorum %s",
		     policy_name(node, CPC_ENTRY_BY_ALL), policy_name(node, CPC_ENTRY_BY_QUORUM));
}

void cpc_node_reload(struct cpc_node *node, const struct cpc_agent_config *fresh)
{
	if (node->running)
		start_policies(node, fresh);
}

void cpc_node_bpf_reading(void *ctx, const char *name, double value, uint64_t time_ms)
{
	struct cpc_node *node = ctx;
	uint64_t now_ns, boot_ns, age_ns;
	enum cpc_sensor sensor;
	int64_t number;

	if (!node->bpf.policies || !cpc_sensor_from_signal(name, value, &sensor, &number))
		return;
	/* As old as the frame is; a time ahead of now would count as none. */
	now_ns = clock_ns(CLOCK_MONOTONIC);
	boot_ns = clock_ns(CLOCK_BOOTTIME);
	age_ns = time_ms * 1000000 < now_ns ? now_ns - time_ms * 1000000 : 0;
	cpc_bpf_sensor_set(node->bpf.policies, sensor, number, boot_ns - age_ns);
}

/* ---- life ------------------------------------------------------------------------------------ */

void cpc_node_bpf_start(struct cpc_node *node, const struct cpc_link_cell *kernel)
{
	cpc_node_bpf_free(node);
	start_programs(node);
	if (node->bpf.filters)
		feed(node, kernel);
	start_policies(node, node->config);
	node->bpf.started = true;
}

static void forget_members(struct cpc_node_bpf *bpf)
{
	unsigned int i;

	for (i = 0; i < CPC_MEMBERS_MAX; i++)
		if (bpf->listed[i])
			cpc_bpf_list_mac(bpf->programs, bpf->address[i], 0, NULL);
	memset(bpf->listed, 0, sizeof(bpf->listed));
}

void cpc_node_bpf_epoch(struct cpc_node *node, const struct cpc_link_cell *kernel)
{
	struct cpc_node_bpf *bpf = &node->bpf;
	struct cpc_error error;
	unsigned int kind;

	if (bpf->filters && node->old.n && node->old.cell != kernel->cell)
		cpc_bpf_cell_del(bpf->programs, node->old.cell, NULL);
	/* Indices have changed; who is heard is listed again. */
	if (bpf->filters) {
		forget_members(bpf);
		feed(node, kernel);
	}
	for (kind = CPC_ENTRY_BY_QUORUM; kind < CPC_NODE_POLICY_KINDS; kind++)
		if (bpf->policy[kind][0] &&
		    cpc_node_policy_set(node, kind, bpf->policy[kind], &error) < 0)
			cpc_node_say(node, LOG_WARNING, "%s in epoch %u: %s", kind_keys[kind],
				     kernel->epoch, error.text);
}

int cpc_node_bpf_detach(struct cpc_node *node, struct cpc_error *error)
{
	struct cpc_node_bpf *bpf = &node->bpf;

	cpc_bpf_free(bpf->programs);
	bpf->programs = NULL;
	bpf->filters = false;
	memset(bpf->listed, 0, sizeof(bpf->listed));
	cpc_error_set(&bpf->why, "taken off");
	return cpc_bpf_detach(node->config->bpf_root, node->config->interface, error);
}

void cpc_node_bpf_cell_gone(struct cpc_node *node, bool detach)
{
	struct cpc_error error;
	unsigned int kind;

	node->bpf.started = false;
	if (node->bpf.filters)
		cpc_bpf_cell_del(node->bpf.programs, node->cell, NULL);
	for (kind = CPC_ENTRY_BY_QUORUM; detach && kind < CPC_NODE_POLICY_KINDS; kind++)
		if (node->bpf.policies && node->bpf.policy[kind][0])
			cpc_bpf_policy_remove(node->bpf.policies, node->bpf.policy[kind], NULL);
	if (detach && node->bpf.programs && cpc_node_bpf_detach(node, &error) < 0)
		cpc_node_say(node, LOG_WARNING, "%s", error.text);
}

void cpc_node_bpf_free(struct cpc_node *node)
{
	struct cpc_node_bpf *bpf = &node->bpf;

	cpc_bpf_free(bpf->programs);
	cpc_bpf_policies_free(bpf->policies);
	if (bpf->measuring >= 0)
		close(bpf->measuring);
	memset(bpf, 0, sizeof(*bpf));
	bpf->measuring = -1;
}
