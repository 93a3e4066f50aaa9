// SPDX-License-Identifier: BSD-3-Clause
#include "agent/net/identity.h"

#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

enum {
	KEY_FILE_MAX = 16 * 1024,	/* a P-256 key in PEM has some 240 bytes */
};

/* The key's bytes do not stay behind in freed memory. */
static void wipe(struct cpc_buffer *buffer)
{
	if (buffer->data)
		OPENSSL_cleanse(buffer->data, buffer->size);
	cpc_buffer_done(buffer);
}

/* Says what did not work on which file, and what to do; returns the negative errno. */
static int fail(struct cpc_error *err, int error, const char *path, const char *what)
{
	cpc_error_set(err, "%s: %s: %s", path, what, strerror(error));
	return -error;
}

static int check_file(int fd, const char *path, struct cpc_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, errno, path, "cannot look at the identity key");
	if (!S_ISREG(st.st_mode)) {
		cpc_error_set(err, "%s: not a regular file; name a file for the key", path);
		return -EINVAL;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		cpc_error_set(err, "%s: mode %04o lets others at the private key; if nobody had "
			      "it, run: chmod 600 %s", path, st.st_mode & 07777, path);
		return -EACCES;
	}
	if (st.st_size > KEY_FILE_MAX) {
		cpc_error_set(err, "%s: %lld bytes are too many for a private key", path,
			      (long long)st.st_size);
		return -EBADMSG;
	}
	return 0;
}

/* Appends the whole file, at most the buffer's limit. */
static int read_all(int fd, struct cpc_buffer *out)
{
	uint8_t *bytes;
	int r = cpc_buffer_extend(out, out->limit, &bytes);
	size_t used = 0;
	ssize_t n;

	if (r < 0)
		return r;
	while ((n = read(fd, bytes + used, out->limit - used)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			used += (size_t)n;
	}
	cpc_buffer_truncate(out, used);
	return 0;
}

/* -ENOENT, without a text, when there is no such file. */
static int load(const char *path, struct cpc_identity **ret, struct cpc_error *err)
{
	CPC_CLEANUP(wipe) struct cpc_buffer pem = cpc_buffer_init(KEY_FILE_MAX);
	/* O_NONBLOCK: a fifo under that name must not hold up the start. */
	CPC_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return fail(err, errno, path, "the agent must be able to read its identity key");
	r = check_file(fd, path, err);
	if (r < 0)
		return r;
	r = read_all(fd, &pem);
	if (r < 0)
		return fail(err, -r, path, "cannot read the identity key");
	return cpc_identity_parse(path, pem.data, pem.len, ret, err);
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Makes the new name durable. */
static int sync_folder(const char *path)
{
	CPC_FREE char *copy = strdup(path);
	CPC_CLOSE int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

/* 0 also when another process was first: link() never replaces a name. */
static int publish(int fd, const char *temporary, const char *path, const struct cpc_buffer *pem)
{
	int r = write_all(fd, pem->data, pem->len);

	if (r < 0)
		return r;
	if (link(temporary, path) < 0 && errno != EEXIST)
		return -errno;
	return sync_folder(path);
}

/* A whole file appears under the name at once; until then the key has a name of its own. */
static int create(const char *path, struct cpc_error *err)
{
	CPC_CLEANUP(wipe) struct cpc_buffer pem = cpc_buffer_init(KEY_FILE_MAX);
	CPC_CLEANUP(cpc_cleanup_identity) struct cpc_identity *identity = NULL;
	CPC_FREE char *temporary = NULL;
	CPC_CLOSE int fd = -1;
	int r;

	r = cpc_identity_generate(&identity, err);
	if (r < 0)
		return r;
	r = cpc_identity_write(identity, &pem);
	if (r < 0)
		return fail(err, -r, path, "cannot encode the identity key");
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return fail(err, ENOMEM, path, "cannot make the identity key");
	}
	fd = mkostemp(temporary, O_CLOEXEC);	/* O_EXCL and mode 0600 */
	if (fd < 0)
		return fail(err, errno, path, "cannot make the identity key, whose folder must "
			    "exist and be writable for the agent");
	r = publish(fd, temporary, path, &pem);
	unlink(temporary);
	return r < 0 ? fail(err, -r, path, "cannot store the identity key") : 0;
}

int cpc_identity_load(const char *path, struct cpc_identity **ret, struct cpc_error *err)
{
	int r = load(path, ret, err);

	if (r != -ENOENT)
		return r;
	r = create(path, err);
	if (r < 0)
		return r;
	/* Read back rather than kept: another process may have been first. */
	r = load(path, ret, err);
	if (r == -ENOENT)
		cpc_error_set(err, "%s: removed while it was being made", path);
	return r;
}
