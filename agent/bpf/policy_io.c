// SPDX-License-Identifier: BSD-3-Clause
/*
 * Voting policies: loaded by name or from anybody's object file, pinned, and given the vehicle's
 * sensors. How the kernel module takes and runs one (DESIGN: the module runs a pinned socket
 * filter):
 *
 *	netlink: the agent sends the descriptor that cpc_bpf_policy_load() returns, as a number
 *	module:	 prog = bpf_prog_get_type_dev(fd, BPF_PROG_TYPE_SOCKET_FILTER, false);
 *		 in the sender's own context, so the number means what it meant to the agent.
 *		 Exported to GPL modules on 6.1 and 6.12 alike, as is bpf_prog_put(); running it is
 *		 an inline function of linux/filter.h. kmod/policy.c does all this.
 *
 * Replacing is atomic: the module exchanges one pointer, and the sensors' map is the same for all.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/bpf/sensors.h"
#include "agent/util/cleanup.h"
#include "bpf/policy/platoon.skel.h"
#include "bpf/policy/speed.skel.h"

struct cpc_bpf_policies {
	char root[CPC_BPF_PATH_MAX];
	struct cpc_sensors *sensors;	/* the map's memory */
	size_t mapped;
};

#define FOLDER "policy"

/* ---- sensors --------------------------------------------------------------------------------- */

/* The pinned map, or a new one. */
static int sensors_map(const char *root, struct cpc_error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	int fd = cpc_bpf_pinned(root, FOLDER, "sensors", error), r;

	if (fd != -ENOENT)
		return fd;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sensors", sizeof(uint32_t),
			    sizeof(struct cpc_sensors), 1, &opts);
	if (fd < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_MAP, "sensors", fd, "", error);
	r = cpc_bpf_pin(fd, root, FOLDER, "sensors", error);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

static void cleanup_policies(struct cpc_bpf_policies **policies)
{
	cpc_bpf_policies_free(*policies);
}

int cpc_bpf_policies_new(const char *root, struct cpc_bpf_policies **ret_policies,
			 struct cpc_error *error)
{
	CPC_CLEANUP(cleanup_policies) struct cpc_bpf_policies *p = calloc(1, sizeof(*p));
	CPC_CLOSE int fd = -1;
	void *memory;
	int r;

	if (!p)
		return -ENOMEM;
	if (!root)
		root = CPC_BPF_ROOT;
	if (strlen(root) >= sizeof(p->root))
		return -ENAMETOOLONG;
	strcpy(p->root, root);
	r = cpc_bpf_folder(root, FOLDER, error);
	if (r < 0)
		return r;
	fd = sensors_map(root, error);
	if (fd < 0)
		return fd;
	p->mapped = (size_t)sysconf(_SC_PAGESIZE);
	memory = mmap(NULL, p->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return cpc_bpf_explain(CPC_BPF_STAGE_MAP, "sensors", -errno, "", error);
	p->sensors = memory;
	/* A writer that died in the middle left it odd, and no reader would ever get through. */
	cpc_sensors_recover(p->sensors);
	*ret_policies = CPC_TAKE(p);
	return 0;
}

void cpc_bpf_policies_free(struct cpc_bpf_policies *policies)
{
	if (!policies)
		return;
	if (policies->sensors)
		munmap(policies->sensors, policies->mapped);
	free(policies);
}

void cpc_bpf_sensor_set(struct cpc_bpf_policies *policies, enum cpc_sensor sensor, int64_t value,
			uint64_t time_ns)
{
	cpc_sensors_set(policies->sensors, sensor, value, time_ns);
}

/* ---- programs -------------------------------------------------------------------------------- */

/* What a policy is pinned as: the file's name, without folder and ".bpf.o". */
static void short_name(const char *name_or_path, char name[33])
{
	const char *slash = strrchr(name_or_path, '/'), *start = slash ? slash + 1 : name_or_path;
	size_t len = strcspn(start, ".");

	snprintf(name, 33, "%.*s", (int)(len > 32 ? 32 : len), start);
}

static struct bpf_object *open_object(const char *name_or_path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "policy");
	const void *data;
	size_t size;

	if (!strcmp(name_or_path, CPC_POLICY_PLATOON))
		data = platoon_bpf__elf_bytes(&size);
	else if (!strcmp(name_or_path, CPC_POLICY_SPEED))
		data = speed_bpf__elf_bytes(&size);
	else
		return bpf_object__open_file(name_or_path, NULL);
	return bpf_object__open_mem(data, size, &opts);
}

/* The settings stand alone in the constants of our own policies. */
static int configure(struct bpf_object *object, const struct cpc_policy_config *config,
		     const char *name, struct cpc_error *error)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		const char *suffix = strchr(bpf_map__name(map), '.');

		if (bpf_map__is_internal(map) && suffix && !strcmp(suffix, ".rodata") &&
		    bpf_map__value_size(map) == sizeof(*config) &&
		    bpf_map__set_initial_value(map, config, sizeof(*config)) == 0)
			return 0;
	}
	cpc_error_set(error, "the policy '%s' has no settings", name);
	return -EINVAL;
}

/* The vehicle's sensors for all, a map of verdicts for each; others are the policy's own matter. */
static int share_maps(const struct cpc_bpf_policies *policies, struct bpf_object *object,
		      const char *name, struct cpc_error *error)
{
	char verdicts[48];
	struct { const char *map, *file; } shared[] = { { "sensors", "sensors" },
							{ "verdicts", verdicts } };

	snprintf(verdicts, sizeof(verdicts), "verdicts_%s", name);
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, shared[i].map);
		struct cpc_bpf_path path;
		int r;

		if (!map)
			continue;
		r = cpc_bpf_path(policies->root, FOLDER, shared[i].file, &path, error);
		if (r == 0)
			r = bpf_map__set_pin_path(map, path.text);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct bpf_program *the_program(struct bpf_object *object, const char *name,
				       struct cpc_error *error)
{
	struct bpf_program *program = bpf_object__next_program(object, NULL);

	if (!program || bpf_object__next_program(object, program) ||
	    bpf_program__type(program) != BPF_PROG_TYPE_SOCKET_FILTER) {
		cpc_error_set(error, "the policy '%s' is not one socket filter", name);
		return NULL;
	}
	return program;
}

static void cleanup_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

int cpc_bpf_policy_load(struct cpc_bpf_policies *policies, const char *name_or_path,
			const struct cpc_policy_config *config, struct cpc_error *error)
{
	CPC_CLEANUP(cleanup_object) struct bpf_object *object = NULL;
	struct bpf_program *program;
	char name[33], file[48];
	int r, fd;

	cpc_bpf_listen();
	short_name(name_or_path, name);
	object = open_object(name_or_path);
	if (!object)
		return cpc_bpf_explain(CPC_BPF_STAGE_OPEN, name_or_path, -errno, cpc_bpf_heard(),
				       error);
	program = the_program(object, name, error);
	if (!program)
		return -EINVAL;
	r = config ? configure(object, config, name, error) : 0;
	if (r == 0)
		r = share_maps(policies, object, name, error);
	if (r < 0)
		return r;
	r = bpf_object__load(object);
	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_LOAD, name_or_path, r, cpc_bpf_heard(), error);
	snprintf(file, sizeof(file), "policy_%s", name);
	r = cpc_bpf_pin(bpf_program__fd(program), policies->root, FOLDER, file, error);
	if (r < 0)
		return r;
	fd = dup(bpf_program__fd(program));
	return fd < 0 ? -errno : fd;
}

int cpc_bpf_policy_remove(struct cpc_bpf_policies *policies, const char *name_or_path,
			  struct cpc_error *error)
{
	static const char *const prefixes[] = { "policy", "verdicts" };
	char name[33], file[48];
	struct cpc_bpf_path path;
	int r = 0;

	short_name(name_or_path, name);
	for (size_t i = 0; r == 0 && i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		snprintf(file, sizeof(file), "%s_%s", prefixes[i], name);
		r = cpc_bpf_path(policies->root, FOLDER, file, &path, error);
		if (r == 0 && unlink(path.text) < 0 && errno != ENOENT)
			r = cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, -errno, "", error);
	}
	return r;
}
