// SPDX-License-Identifier: BSD-3-Clause
#include "agent/api/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/util/buffer.h"

struct client {
	struct cpc_api *api;
	int fd;
	sd_event_source *source;
	struct cpc_buffer in, out;
	bool log;			/* a log is being given */
	bool closing;			/* nothing more is read; closed when all is sent */
	struct cpc_api_cursor cursor;
	struct client *next;
};

struct cpc_api {
	sd_event *event;
	int fd;
	sd_event_source *source;
	struct cpc_api_ops ops;
	void *ctx;
	struct client *clients;
	unsigned int count;
	char path[108];
};

static void client_free(struct client *client)
{
	struct client **at = &client->api->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->api->count--;
	sd_event_source_disable_unref(client->source);
	close(client->fd);
	cpc_buffer_done(&client->in);
	cpc_buffer_done(&client->out);
	free(client);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* One line; -ENOBUFS leaves nothing of it. */
static int put_line(struct client *client, const json_t *line)
{
	size_t before = client->out.len;
	char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12));
	int r;

	if (!text)
		return -ENOMEM;
	r = cpc_buffer_append(&client->out, text, strlen(text));
	if (r == 0)
		r = cpc_buffer_append(&client->out, "\n", 1);
	if (r < 0)
		cpc_buffer_truncate(&client->out, before);
	free(text);
	return r;
}

static void put_error(struct client *client, const struct cpc_error *error)
{
	json_t *line = json_pack("{s:b, s:s}", "ok", 0, "error", error->text);

	/* A text of ours may quote bytes of theirs that are not UTF-8. */
	if (!line)
		line = json_pack("{s:b, s:s}", "ok", 0, "error", "not valid UTF-8");
	if (put_line(client, line) < 0)
		client->closing = true;
	json_decref(line);
}

static int put_entry(void *ctx, json_t *entry)
{
	struct client *client = ctx;
	json_t *line = json_pack("{s:O}", "entry", entry);

	if (put_line(client, line) < 0)
		client->closing = true;
	json_decref(line);
	return client->out.len > CPC_API_OUT_MAX / 2;
}

/* Gives as much of the log as there is room for. */
static void pump_log(struct client *client)
{
	struct cpc_api_cursor *cursor = &client->cursor;
	struct cpc_error error;
	json_t *end;
	int r;

	while (client->log && !client->closing && client->out.len <= CPC_API_OUT_MAX / 2) {
		unsigned int batch = CPC_API_LOG_BATCH;

		if (cursor->limited && cursor->left < batch)
			batch = cursor->left;
		r = batch ? client->api->ops.log_next(client->api->ctx, cursor, batch, put_entry,
						      client, &error) : 0;
		if (r < 0) {
			put_error(client, &error);
			client->log = false;
			return;
		}
		if (cursor->limited)
			cursor->left -= (unsigned int)r < cursor->left ? (unsigned int)r :
									 cursor->left;
		if (r > 0)
			continue;
		if (cursor->follow && (!cursor->limited || cursor->left))
			return;
		client->log = false;
		end = json_pack("{s:b, s:b}", "ok", 1, "end", 1);
		put_line(client, end);
		json_decref(end);
	}
}

static void answer_line(struct client *client, const char *line, size_t len)
{
	struct cpc_api *api = client->api;
	struct cpc_api_request request;
	struct cpc_error error = { "" };
	json_t *answer;

	if (cpc_api_request_parse(line, len, &request, &error) < 0) {
		put_error(client, &error);
		return;
	}
	if (request.op == CPC_API_LOG) {
		memset(&client->cursor, 0, sizeof(client->cursor));
		if (api->ops.log_start(api->ctx, &request, &client->cursor, &error) < 0)
			put_error(client, &error);
		else
			client->log = true;
		return;
	}
	answer = api->ops.answer(api->ctx, &request, &error);
	if (!answer) {
		put_error(client, &error);
		return;
	}
	json_object_set_new(answer, "ok", json_true());
	if (put_line(client, answer) < 0)
		client->closing = true;
	json_decref(answer);
}

/* Requests one after the other; the next one waits while a log is given or much is unsent. */
static void answer_lines(struct client *client)
{
	while (!client->closing && !client->log && client->out.len <= CPC_API_OUT_MAX / 2) {
		struct cpc_error error;
		const uint8_t *end = NULL;
		size_t len;

		if (client->in.len)
			end = memchr(client->in.data, '\n', client->in.len);
		if (!end) {
			if (cpc_buffer_room(&client->in) > 0)
				return;
			cpc_error_set(&error, "a request of more than %d bytes", CPC_API_LINE_MAX);
			put_error(client, &error);
			client->closing = true;
			return;
		}
		len = (size_t)(end - client->in.data);
		answer_line(client, (const char *)client->in.data, len);
		cpc_buffer_consume(&client->in, len + 1);
		pump_log(client);
	}
}

/* ---- sockets --------------------------------------------------------------------------------- */

/* Sends what the socket takes. Returns false if the client is gone (and freed). */
static bool client_flush(struct client *client)
{
	for (;;) {
		ssize_t sent;

		pump_log(client);
		if (client->out.len == 0)
			break;
		sent = send(client->fd, client->out.data, client->out.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0) {
			client_free(client);
			return false;
		}
		cpc_buffer_consume(&client->out, (size_t)sent);
		answer_lines(client);
	}
	if (client->closing && client->out.len == 0) {
		client_free(client);
		return false;
	}
	sd_event_source_set_io_events(client->source,
				      (client->out.len ? EPOLLOUT : 0) |
				      (client->closing || cpc_buffer_room(&client->in) == 0 ?
					       0 : EPOLLIN));
	return true;
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct client *client = userdata;
	uint8_t bytes[4096];
	size_t room = cpc_buffer_room(&client->in);
	ssize_t got;

	(void)source;
	if (revents & EPOLLIN && room) {
		got = recv(fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes), MSG_DONTWAIT);
		if (got > 0) {
			if (cpc_buffer_append(&client->in, bytes, (size_t)got) < 0)
				client->closing = true;
		} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
			/* It may have closed its writing end only, and wait for the rest. */
			if (got < 0 || client->cursor.follow) {
				client_free(client);
				return 0;
			}
			client->closing = !client->log;
			if (client->log)
				client->cursor.follow = false;
		}
	} else if (revents & (EPOLLHUP | EPOLLERR)) {
		client_free(client);
		return 0;
	}
	answer_lines(client);
	client_flush(client);
	return 0;
}

static void refuse_client(int fd)
{
	static const char text[] = "{\"ok\":false,\"error\":\"too many clients\"}\n";

	if (send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		errno = 0;	/* it gets no reason, then */
	close(fd);
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct cpc_api *api = userdata;
	struct client *client;
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)revents;
	if (connection < 0)
		return 0;
	client = api->count < CPC_API_CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		refuse_client(connection);
		return 0;
	}
	client->api = api;
	client->fd = connection;
	client->in = cpc_buffer_init(CPC_API_LINE_MAX);
	client->out = cpc_buffer_init(CPC_API_OUT_MAX);
	client->next = api->clients;
	api->clients = client;
	api->count++;
	if (sd_event_add_io(api->event, &client->source, connection, EPOLLIN, on_client,
			    client) < 0)
		client_free(client);
	return 0;
}

void cpc_api_log_grew(struct cpc_api *api)
{
	struct client *client, *next;

	for (client = api->clients; client; client = next) {
		next = client->next;
		if (client->log)
			client_flush(client);
	}
}

/* A socket file that nobody answers at is left from a daemon that was killed. */
static int remove_stale(const struct sockaddr_un *address, struct cpc_error *error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
	close(fd);
	if (r == 0 || r == -EAGAIN) {
		cpc_error_set(error, "%s: another cpchaind answers there", address->sun_path);
		return -EADDRINUSE;
	}
	if (r == -ECONNREFUSED && unlink(address->sun_path) < 0) {
		cpc_error_set(error, "%s: cannot be removed: %s", address->sun_path,
			      strerror(errno));
		return -errno;
	}
	return 0;
}

static int make_parent(const char *path, struct cpc_error *error)
{
	char parent[108];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return 0;
	*slash = '\0';
	if (mkdir(parent, 0755) < 0 && errno != EEXIST) {
		cpc_error_set(error, "%s: cannot be made: %s", parent, strerror(errno));
		return -errno;
	}
	return 0;
}

static int bind_socket(struct cpc_api *api, struct cpc_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", api->path);
	r = make_parent(api->path, error);
	if (r == 0)
		r = remove_stale(&address, error);
	if (r < 0)
		return r;
	api->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (api->fd < 0)
		return -errno;
	mask = umask(0117);	/* 0660 from the first moment */
	r = bind(api->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r == 0 && listen(api->fd, 16) < 0)
		r = -errno;
	if (r < 0)
		cpc_error_set(error, "%s: cannot listen: %s", api->path, strerror(-r));
	return r;
}

int cpc_api_new(sd_event *event, const char *path, const struct cpc_api_ops *ops, void *ctx,
		struct cpc_api **ret_api, struct cpc_error *error)
{
	struct cpc_api *api = calloc(1, sizeof(*api));
	int r;

	if (!api)
		return -ENOMEM;
	api->event = event;
	api->fd = -1;
	api->ops = *ops;
	api->ctx = ctx;
	snprintf(api->path, sizeof(api->path), "%s", path);
	r = bind_socket(api, error);
	if (r == 0)
		r = sd_event_add_io(event, &api->source, api->fd, EPOLLIN, on_connect, api);
	if (r < 0) {
		if (api->fd >= 0)
			close(api->fd);
		free(api);
		return r;
	}
	*ret_api = api;
	return 0;
}

void cpc_api_free(struct cpc_api *api)
{
	if (!api)
		return;
	while (api->clients)
		client_free(api->clients);
	sd_event_source_disable_unref(api->source);
	close(api->fd);
	unlink(api->path);
	free(api);
}
