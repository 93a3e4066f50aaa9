// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/certificate.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FILE_MAX = 256 * 1024,	/* some two hundred authorities */
};

static int fail(struct cpc_error *err, int error, const char *path)
{
	cpc_error_set(err, "%s: cannot read certificates: %s", path, strerror(error));
	return -error;
}

int cpc_certificates_load(const char *path, struct cpc_certificates **ret, struct cpc_error *err)
{
	CPC_BUFFER struct cpc_buffer pem = cpc_buffer_init(FILE_MAX);
	/* O_NONBLOCK: a fifo under that name must not hold up the start. */
	CPC_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t bytes[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, path);
	if (!S_ISREG(st.st_mode)) {
		cpc_error_set(err, "%s: not a regular file", path);
		return -EINVAL;
	}
	while ((n = read(fd, bytes, sizeof(bytes))) != 0) {
		int r = n > 0 ? cpc_buffer_append(&pem, bytes, (size_t)n) : 0;

		if (n < 0 && errno != EINTR)
			return fail(err, errno, path);
		if (r < 0)
			return fail(err, r == -ENOBUFS ? EFBIG : -r, path);
	}
	return cpc_certificates_parse(path, pem.data, pem.len, ret, err);
}
