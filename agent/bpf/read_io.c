// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reading what the programs counted, from the pinned maps: no daemon is needed, only the right to.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/util/cleanup.h"

static int open_map(const char *root, const char *name, const char *file, uint32_t value_size,
		    struct cpc_error *error)
{
	CPC_CLOSE int fd = cpc_bpf_pinned(root, name, file, error);
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	if (fd < 0)
		return fd;
	/* The kernel writes as much as the map says, whatever we have room for. */
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0 || info.value_size != value_size) {
		cpc_error_set(error, "the pinned map '%s' is of another version", file);
		return -EINVAL;
	}
	return CPC_TAKE_FD(fd);
}

/* Calls @add for each CPU's value of each key from 0 up. */
static int sum_map(const char *root, const char *name, const char *file, uint32_t keys,
		   uint32_t value_size, void (*add)(void *sum, const void *cpu), void *sums,
		   struct cpc_error *error)
{
	CPC_CLOSE int fd = open_map(root, name, file, value_size, error);
	int cpus = libbpf_num_possible_cpus(), r;
	CPC_FREE uint8_t *values = NULL;

	if (fd < 0)
		return fd;
	if (cpus < 1)
		return cpc_bpf_explain(CPC_BPF_STAGE_MAP, file, cpus ? cpus : -EIO, "", error);
	values = calloc((size_t)cpus, value_size);
	if (!values)
		return -ENOMEM;
	for (uint32_t key = 0; key < keys; key++) {
		r = bpf_map_lookup_elem(fd, &key, values);
		if (r < 0)
			return cpc_bpf_explain(CPC_BPF_STAGE_MAP, file, r, "", error);
		for (int cpu = 0; cpu < cpus; cpu++)
			add((uint8_t *)sums + (size_t)key * value_size,
			    values + (size_t)cpu * value_size);
	}
	return 0;
}

static void add_count(void *sum, const void *cpu)
{
	cpc_bpf_count_add(sum, cpu);
}

static void add_traffic(void *sum, const void *cpu)
{
	cpc_bpf_traffic_add(sum, cpu);
}

static void add_latency(void *sum, const void *cpu)
{
	cpc_bpf_latency_add(sum, cpu);
}

static void add_number(void *sum, const void *cpu)
{
	uint64_t a, b;

	memcpy(&a, sum, sizeof(a));
	memcpy(&b, cpu, sizeof(b));
	a += b;
	memcpy(sum, &a, sizeof(a));
}

static int read_program(const char *root, const char *name, const char *file,
			struct cpc_bpf_program *ret_program, struct cpc_error *error)
{
	CPC_CLOSE int fd = cpc_bpf_pinned(root, name, file, error);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	int r;

	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_PIN, file, r, "", error);
	memcpy(ret_program->name, info.name, sizeof(ret_program->name));
	ret_program->name[sizeof(ret_program->name) - 1] = '\0';
	ret_program->id = info.id;
	ret_program->runs = info.run_cnt;
	ret_program->run_ns = info.run_time_ns;
	return 0;
}

/* Asks the interface, not our memory: somebody may have taken the program off. */
static void read_mode(const char *interface, struct cpc_bpf_metrics *metrics)
{
	int ifindex = (int)if_nametoindex(interface);
	uint32_t id = 0, ours = metrics->program[0].id;
	bool native = false;

	strcpy(metrics->mode, "off");
	if (!ifindex || !ours)
		return;
	if (cpc_xdp_query(ifindex, &id, &native, NULL) == 0 && id == ours)
		strcpy(metrics->mode, native ? "xdp native" : "xdp generic");
	else if (cpc_tc_query(ifindex, false, CPC_TC_PRIORITY_FILTER) == ours)
		strcpy(metrics->mode, "tc");
}

static int read_filter(const char *root, const char *interface, struct cpc_bpf_metrics *m,
		       struct cpc_error *error)
{
	int r = read_program(root, interface, "filter", &m->program[0], error);

	if (r < 0)
		return r;
	return sum_map(root, interface, "counts", __CPC_F_MAX, sizeof(m->filter[0]), add_count,
		       m->filter, error);
}

static int read_busy(const char *root, const char *interface, struct cpc_bpf_metrics *m,
		     struct cpc_error *error)
{
	CPC_CLOSE int fd = open_map(root, interface, "busy", sizeof(m->busy[0]), error);

	if (fd < 0)
		return fd;
	for (uint32_t i = 0; i < CPC_STAMP_WINDOWS; i++) {
		int r = bpf_map_lookup_elem(fd, &i, &m->busy[i]);

		if (r < 0)
			return cpc_bpf_explain(CPC_BPF_STAGE_MAP, "busy", r, "", error);
	}
	return 0;
}

static int read_stamp(const char *root, const char *interface, struct cpc_bpf_metrics *m,
		      struct cpc_error *error)
{
	int r = read_program(root, interface, "stamp_rx", &m->program[1], error);

	if (r == 0)
		r = read_program(root, interface, "stamp_tx", &m->program[2], error);
	if (r == 0)
		r = sum_map(root, interface, "traffic", CPC_STAMP_DIRECTIONS * __CPC_CLASS_MAX,
			    sizeof(m->traffic[0][0]), add_traffic, m->traffic, error);
	if (r == 0)
		r = sum_map(root, interface, "latency",
			    CPC_STAMP_DIRECTIONS * __CPC_CLASS_MAX * __CPC_LATENCY_MAX,
			    sizeof(m->latency[0][0][0]), add_latency, m->latency, error);
	return r < 0 ? r : read_busy(root, interface, m, error);
}

int cpc_bpf_metrics_read(const char *root, const char *interface, struct cpc_bpf_metrics *ret,
			 struct cpc_error *error)
{
	CPC_FREE struct cpc_bpf_metrics *m = calloc(1, sizeof(*m));
	int filter, stamp;

	if (!m)
		return -ENOMEM;
	filter = read_filter(root, interface, m, error);
	if (filter < 0 && filter != -ENOENT)
		return filter;
	stamp = read_stamp(root, interface, m, error);
	if (stamp < 0 && stamp != -ENOENT)
		return stamp;
	if (filter < 0 && stamp < 0)
		return -ENOENT;
	read_mode(interface, m);
	*ret = *m;
	return 0;
}

/* Keeps the worst @max, worst first. */
static size_t insert(struct cpc_bpf_source *sources, size_t used, size_t max,
		     const struct cpc_bpf_source *source)
{
	size_t at = used;

	while (at > 0 && sources[at - 1].dropped < source->dropped)
		at--;
	if (at >= max)
		return used;
	if (used < max)
		used++;
	memmove(sources + at + 1, sources + at, (used - at - 1) * sizeof(*sources));
	sources[at] = *source;
	return used;
}

int cpc_bpf_sources_read(const char *root, const char *interface, struct cpc_bpf_source *sources,
			 size_t max, struct cpc_error *error)
{
	struct cpc_filter_source value;
	CPC_CLOSE int fd = open_map(root, interface, "sources", sizeof(value), error);
	uint64_t key, *previous = NULL;
	size_t used = 0;

	if (fd < 0)
		return fd;
	/* The map changes meanwhile: a walk that never ends is cut off. */
	for (unsigned int i = 0; i < 2 * CPC_FILTER_SOURCES; i++) {
		struct cpc_bpf_source source;

		if (bpf_map_get_next_key(fd, previous, &key) < 0)
			break;
		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, &value) < 0)
			continue;
		source = cpc_bpf_source_from(key, &value);
		used = insert(sources, used, max, &source);
	}
	return (int)used;
}

int cpc_bpf_measure(struct cpc_error *error)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	return fd < 0 ? cpc_bpf_explain(CPC_BPF_STAGE_LOAD, "run time statistics", fd, "", error) :
			fd;
}

int cpc_bpf_policy_metrics_read(const char *root, const char *name,
				struct cpc_bpf_policy_metrics *ret, struct cpc_error *error)
{
	struct cpc_bpf_policy_metrics m = { 0 };
	char program[48], verdicts[48];
	int r;

	snprintf(program, sizeof(program), "policy_%.32s", name);
	snprintf(verdicts, sizeof(verdicts), "verdicts_%.32s", name);
	r = read_program(root, "policy", program, &m.program, error);
	if (r < 0)
		return r;
	r = sum_map(root, "policy", verdicts, __CPC_POLICY_WORD_MAX * __CPC_REASON_MAX,
		    sizeof(uint64_t), add_number, m.verdicts, error);
	/* Someone's own policy need not count. */
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = m;
	return 0;
}
