/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_UTIL_CLEANUP_H
#define CPC_AGENT_UTIL_CLEANUP_H

/*
 * Scope cleanup: a variable declared with one of these is released when it leaves its scope.
 *
 *	CPC_FREE char *text = NULL;
 *	CPC_CLOSE int fd = -1;
 *
 * Always initialise the variable. To keep the object, take it out: `*ret_fd = CPC_TAKE_FD(fd)`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CPC_CLEANUP(function) __attribute__((cleanup(function)))
#define CPC_FREE CPC_CLEANUP(cpc_cleanup_free)
#define CPC_FCLOSE CPC_CLEANUP(cpc_cleanup_fclose)
#define CPC_CLOSE CPC_CLEANUP(cpc_cleanup_close)

/* The value of a pointer (a descriptor), leaving NULL (-1) behind for the cleanup. */
#define CPC_TAKE(pointer)                              \
	__extension__({                                \
		__typeof__(pointer) taken = (pointer); \
		(pointer) = NULL;                      \
		taken;                                 \
	})
#define CPC_TAKE_FD(fd)           \
	__extension__({           \
		int taken = (fd); \
		(fd) = -1;        \
		taken;            \
	})

/* `pointer` is the address of the variable; errno survives, so cleanup may follow a failure. */
static inline void cpc_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cpc_cleanup_fclose(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	errno = saved;
}

static inline void cpc_cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

#endif
