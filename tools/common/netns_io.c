// SPDX-License-Identifier: BSD-3-Clause
/* netns_io.c - from one network namespace to another. */
#include "tools/common/netns_io.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "agent/util/cleanup.h"

int cpc_netns_enter(const char *name, struct cpc_error *error)
{
	char path[128];
	CPC_CLOSE int fd = -1;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		cpc_error_set(error, "no network namespace '%s'", name);
		return -ENOENT;
	}
	return 0;
}
