// SPDX-License-Identifier: BSD-3-Clause
#include "agent/ctl/ask_io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "agent/ctl/command.h"
#include "agent/util/cleanup.h"

int cpc_ctl_connect(const char *path, struct cpc_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CPC_CLOSE int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path)) {
		cpc_error_set(error, "--socket: '%.120s' is longer than %zu bytes", path,
			      sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		cpc_ctl_connect_error(path, r, error);
		return r;
	}
	return CPC_TAKE_FD(fd);
}

int cpc_ctl_send(int fd, const json_t *request)
{
	CPC_FREE char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, done = 0;

	if (!text)
		return -ENOMEM;
	text[len++] = '\n';	/* over the terminator, which is not sent */
	while (done < len) {
		ssize_t sent = send(fd, text + done, len - done, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return -errno;
		done += sent > 0 ? (size_t)sent : 0;
	}
	return 0;
}

int cpc_ctl_open(const char *path, struct cpc_ctl_session *ret_session, struct cpc_error *error)
{
	CPC_CLOSE int fd = cpc_ctl_connect(path, error);
	FILE *answers = fd < 0 ? NULL : fdopen(dup(fd), "re");

	if (fd < 0)
		return fd;
	if (!answers) {
		cpc_error_set(error, "%s", strerror(errno));
		return -errno;
	}
	*ret_session = (struct cpc_ctl_session){ .fd = CPC_TAKE_FD(fd), .answers = answers };
	return 0;
}

void cpc_ctl_close(struct cpc_ctl_session *session)
{
	if (session->answers)
		fclose(session->answers);
	if (session->answers)
		close(session->fd);
	session->answers = NULL;
}

json_t *cpc_ctl_ask(struct cpc_ctl_session *session, json_t *request, struct cpc_error *error)
{
	CPC_FREE char *line = NULL;
	const char *text;
	json_t *answer;
	size_t size = 0;
	ssize_t len;
	int r = cpc_ctl_send(session->fd, request);

	json_decref(request);
	if (r < 0) {
		cpc_error_set(error, "%s", strerror(-r));
		return NULL;
	}
	len = getline(&line, &size, session->answers);
	if (len <= 0 || len > CPC_CTL_ANSWER_MAX) {
		cpc_error_set(error, "the daemon has closed the connection: see its journal "
			      "(journalctl -u cpchaind)");
		return NULL;
	}
	answer = json_loadb(line, (size_t)len, JSON_ALLOW_NUL, NULL);
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	text = json_string_value(json_object_get(answer, "error"));
	cpc_error_set(error, "%s", !answer ? "the daemon's answer is not understood: is it of this "
		      "version?" : text ? text : "refused, without a reason");
	json_decref(answer);
	return NULL;
}
