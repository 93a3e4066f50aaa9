// SPDX-License-Identifier: BSD-3-Clause
/* Where things are pinned: folders of a BPF file system, one per network namespace and name. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/bpf/internal.h"
#include "agent/util/cleanup.h"

#define USUAL_PLACE "/sys/fs/bpf"

static void cleanup_closedir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Two namespaces may both have a wlan0; a namespace's inode is its own while it lives. */
static int namespace_id(unsigned long *ret_id, struct cpc_error *error)
{
	struct stat st;

	if (stat("/proc/self/ns/net", &st) < 0) {
		cpc_error_set(error, "cannot tell the network namespace: %s", strerror(errno));
		return -errno;
	}
	*ret_id = st.st_ino;
	return 0;
}

int cpc_bpf_path(const char *root, const char *name, const char *file,
		 struct cpc_bpf_path *ret_path, struct cpc_error *error)
{
	struct cpc_bpf_path path;
	unsigned long id = 0;
	int r = namespace_id(&id, error);

	if (r < 0)
		return r;
	r = snprintf(path.text, sizeof(path.text), "%s/%lu-%s%s%s", root ? root : CPC_BPF_ROOT, id,
		     name, *file ? "/" : "", file);
	if (r < 0 || (size_t)r >= sizeof(path.text)) {
		cpc_error_set(error, "the path of '%s' under '%s' is too long", name, root);
		return -ENAMETOOLONG;
	}
	*ret_path = path;
	return 0;
}

static bool is_bpf_fs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

/* The folder that has to exist already: what the root lies in. */
static int need_file_system(const char *root, struct cpc_error *error)
{
	char parent[CPC_BPF_PATH_MAX];
	char *slash;

	if (strlen(root) >= sizeof(parent))
		return -ENAMETOOLONG;
	strcpy(parent, root);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent) {
		cpc_error_set(error, "'%s' is no place for BPF objects", root);
		return -EINVAL;
	}
	*slash = '\0';
	if (is_bpf_fs(parent))
		return 0;
	/* As in a fresh mount namespace, where /sys is new and empty. */
	if (!strcmp(parent, USUAL_PLACE) && !mount("bpf", USUAL_PLACE, "bpf", 0, "mode=0700"))
		return 0;
	cpc_error_set(error, "no BPF file system at %s (mount -t bpf bpf %s)", parent, parent);
	return -ENOENT;
}

int cpc_bpf_folder(const char *root, const char *name, struct cpc_error *error)
{
	struct cpc_bpf_path path;
	int r;

	if (!root)
		root = CPC_BPF_ROOT;
	r = cpc_bpf_path(root, name, "", &path, error);
	if (r < 0)
		return r;
	r = need_file_system(root, error);
	if (r < 0)
		return r;
	if ((mkdir(root, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(path.text, 0700) < 0 && errno != EEXIST))
		return cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, -errno, "", error);
	return 0;
}

int cpc_bpf_folder_remove(const char *root, const char *name, struct cpc_error *error)
{
	CPC_CLEANUP(cleanup_closedir) DIR *dir = NULL;
	struct cpc_bpf_path path;
	struct dirent *entry;
	int r = cpc_bpf_path(root, name, "", &path, error);

	if (r < 0)
		return r;
	dir = opendir(path.text);
	if (!dir)
		return errno == ENOENT ? 0 : cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, -errno,
							      "", error);
	while ((entry = readdir(dir))) {
		int flags = entry->d_type == DT_DIR ? AT_REMOVEDIR : 0;

		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, flags) < 0)
			return cpc_bpf_explain(CPC_BPF_STAGE_PIN, entry->d_name, -errno, "", error);
	}
	if (rmdir(path.text) < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, -errno, "", error);
	return 0;
}

int cpc_bpf_pin(int fd, const char *root, const char *name, const char *file,
		struct cpc_error *error)
{
	struct cpc_bpf_path path, aside;
	char temporary[64];
	int r;

	snprintf(temporary, sizeof(temporary), "%.40s_new", file);
	r = cpc_bpf_path(root, name, file, &path, error);
	if (r == 0)
		r = cpc_bpf_path(root, name, temporary, &aside, error);
	if (r < 0)
		return r;
	unlink(aside.text);
	r = bpf_obj_pin(fd, aside.text);
	if (r < 0)
		return cpc_bpf_explain(CPC_BPF_STAGE_PIN, aside.text, r, "", error);
	if (rename(aside.text, path.text) < 0) {
		r = -errno;
		unlink(aside.text);
		return cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, r, "", error);
	}
	return 0;
}

int cpc_bpf_pinned(const char *root, const char *name, const char *file, struct cpc_error *error)
{
	struct cpc_bpf_path path;
	int r = cpc_bpf_path(root, name, file, &path, error);

	if (r < 0)
		return r;
	r = bpf_obj_get(path.text);
	if (r < 0) {
		r = -errno;
		if (r == -ENOENT)
			cpc_error_set(error, "nothing of CPChain's at %s", path.text);
		else
			cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, r, "", error);
	}
	return r;
}

int cpc_bpf_pin_maps(struct bpf_object *object, const char *root, const char *name,
		     const char *suffix, struct cpc_error *error)
{
	struct bpf_map *map;
	int r;

	bpf_object__for_each_map(map, object) {
		struct cpc_bpf_path path;
		char file[64];

		/* Constants and globals belong to one load; their names have a dot. */
		if (bpf_map__is_internal(map))
			continue;
		snprintf(file, sizeof(file), "%s%s", bpf_map__name(map), suffix);
		r = cpc_bpf_path(root, name, file, &path, error);
		if (r < 0)
			return r;
		r = bpf_map__set_pin_path(map, path.text);
		if (r < 0)
			return cpc_bpf_explain(CPC_BPF_STAGE_PIN, path.text, r, "", error);
	}
	return 0;
}
