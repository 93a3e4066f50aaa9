/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Without the right to load programs there is nothing to test: the whole program is then skipped,
 * and says so in its TAP, so that nobody takes it for passed.
 */
#ifndef CPC_TESTS_BPF_PRIVILEGE_H
#define CPC_TESTS_BPF_PRIVILEGE_H

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/bpf/internal.h"

static inline bool may_use_bpf(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static inline int skip_all(void)
{
	const char *path = getenv("CK_TAP_LOG_FILE_NAME");
	FILE *tap = path ? fopen(path, "w") : stdout;

	if (!tap)
		return EXIT_FAILURE;
	fputs("1..0 # SKIP no privilege to load BPF programs\n", tap);
	if (path)
		fclose(tap);
	return EXIT_SUCCESS;
}

/* Takes away what a test pinned for this namespace, and its root folder when that is empty. */
static inline void remove_root(const char *root, const char *name)
{
	cpc_bpf_folder_remove(root, name, NULL);
	rmdir(root);
}

#endif
