// SPDX-License-Identifier: BSD-3-Clause
/*
 * One TCP connection with TLS on it. Every event runs the same short pipeline: take bytes from the
 * kernel, feed TLS, hand whole frames up, give TLS's bytes to the kernel. TLS itself never sees
 * the descriptor, so a dead connection raises no SIGPIPE and nothing can block.
 */
#include "agent/net/net_io.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
	READ_BYTES = 16 * 1024,
	READS_PER_EVENT = 4,	/* then other sessions get their turn */
	/* A blob, TLS's overhead on it, and what may already wait below the mark. A peer to which
	 * more is due is not read; one to which just that is due has to be, or two ends that send
	 * each other blobs would both wait for the other to read. */
	TX_STOP = CPC_NET_FRAME_MAX + CPC_NET_FRAME_MAX / 16 + CPC_NET_TX_HIGH,
	/* And the answers to all that fits into one read. */
	TX_MAX = TX_STOP + CPC_NET_TX_HIGH,
	RX_MAX = CPC_FRAME_HEADER_BYTES + CPC_NET_FRAME_MAX + READ_BYTES,
};

/* A connection's end, as its event found it. */
struct ending {
	enum cpc_net_failure failure;
	char text[160];
};

static int end(struct ending *ending, enum cpc_net_failure failure, const char *what, int error)
{
	ending->failure = failure;
	snprintf(ending->text, sizeof(ending->text), "%s%s%s", what, error ? ": " : "",
		 error ? strerror(error) : "");
	return -ECONNABORTED;
}

static int end_tls(struct cpc_conn *conn, struct ending *ending)
{
	return end(ending, cpc_tls_failure(conn->tls), cpc_tls_error(conn->tls), 0);
}

static void half_open_add(struct cpc_net *net, struct cpc_conn *conn)
{
	conn->half_open = true;
	conn->older = net->newest;
	if (net->newest)
		net->newest->newer = conn;
	else
		net->oldest = conn;
	net->newest = conn;
	net->status.half_open++;
}

static void half_open_remove(struct cpc_net *net, struct cpc_conn *conn)
{
	if (!conn->half_open)
		return;
	if (conn->newer)
		conn->newer->older = conn->older;
	else
		net->newest = conn->older;
	if (conn->older)
		conn->older->newer = conn->newer;
	else
		net->oldest = conn->newer;
	conn->newer = conn->older = NULL;
	conn->half_open = false;
	net->status.half_open--;
}

/* Whether the peer's next frame may be taken now; if not, the timer goes on with it. */
static bool takes(struct cpc_conn *conn)
{
	conn->held = conn->established && !cpc_net_takes(conn->net, conn);
	return !conn->held;
}

/* Waits for what can be used: no reading from a peer that does not take our bytes, or whose frames
 * have to wait. */
static int wait_for(struct cpc_conn *conn)
{
	bool reading = !conn->connecting && takes(conn) && conn->tx.len <= TX_STOP;
	bool writing = conn->connecting || conn->tx.len > 0;

	if (reading == conn->reading && writing == conn->writing)
		return 0;
	conn->reading = reading;
	conn->writing = writing;
	return sd_event_source_set_io_events(conn->io, (reading ? EPOLLIN : 0) |
					     (writing ? EPOLLOUT : 0));
}

size_t cpc_conn_unsent(const struct cpc_conn *conn)
{
	return conn->tx.len;
}

int cpc_conn_send(struct cpc_conn *conn, const void *data, size_t len)
{
	int r = cpc_tls_write(conn->tls, data, len);

	if (r < 0)
		return r;
	r = cpc_tls_output(conn->tls, &conn->tx);
	return r < 0 ? r : wait_for(conn);
}

/* Gives the kernel what it takes now. */
static int flush(struct cpc_conn *conn, struct ending *ending)
{
	int r;

	do {
		ssize_t n;

		r = cpc_tls_output(conn->tls, &conn->tx);
		if (r < 0 && r != -ENOBUFS)
			return end(ending, CPC_NET_FAIL_MEMORY, "cannot send", -r);
		if (conn->tx.len == 0)
			return 0;
		n = send(conn->fd, conn->tx.data, conn->tx.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0)
			return end(ending, CPC_NET_FAIL_IO, "the connection broke", errno);
		cpc_buffer_consume(&conn->tx, (size_t)n);
		conn->tx_bytes += (size_t)n;
	} while (conn->tx.len > 0 || r == -ENOBUFS);
	return 0;
}

/* Hands up every whole frame that has been received, as far as they may be taken now. */
static int take_frames(struct cpc_conn *conn, struct ending *ending)
{
	size_t used = 0;
	int r = 0;

	while (used < conn->rx.len && takes(conn)) {
		struct cpc_frame frame;
		int len = cpc_frame_decode(conn->rx.data + used, conn->rx.len - used, &frame);

		if (len < 0)
			return end(ending, CPC_NET_FAIL_FRAME, len == -EMSGSIZE ?
				   "a frame larger than any may be" : "a malformed frame", 0);
		if (len == 0)
			break;
		used += (size_t)len;
		r = cpc_net_on_frame(conn->net, conn, &frame);
		if (r < 0)
			return r;
	}
	cpc_buffer_consume(&conn->rx, used);
	return 0;
}

/* Decrypts what TLS has been fed, as far as it may be taken now: what waits in `rx` is less than a
 * frame whenever more is added. */
static int take_text(struct cpc_conn *conn, struct ending *ending)
{
	uint8_t text[READ_BYTES];
	ssize_t n = 0;
	int r;

	while (takes(conn) && (n = cpc_tls_read(conn->tls, text, sizeof(text))) > 0) {
		if (cpc_buffer_append(&conn->rx, text, (size_t)n) < 0)
			return end(ending, CPC_NET_FAIL_MEMORY, "no memory for a frame", 0);
		cpc_net_on_text(conn->net, conn);
		r = take_frames(conn, ending);
		if (r < 0)
			return r;
	}
	return n < 0 ? end_tls(conn, ending) : 0;
}

static int shake_hands(struct cpc_conn *conn, struct ending *ending)
{
	int r = cpc_tls_handshake(conn->tls);

	if (r < 0)
		return end_tls(conn, ending);
	if (r == 0 && conn->rx_bytes > CPC_NET_HANDSHAKE_BYTES_MAX)
		return end(ending, CPC_NET_FAIL_OVERSIZED, "too much said before being known", 0);
	if (r == 0)
		return 0;
	half_open_remove(conn->net, conn);
	conn->established = true;
	sd_event_source_set_priority(conn->io, SD_EVENT_PRIORITY_NORMAL);
	return cpc_net_on_established(conn->net, conn);
}

/* One read; how many bytes it gave, 0 when there are none now. */
static ssize_t take_bytes(struct cpc_conn *conn, struct ending *ending)
{
	uint8_t bytes[READ_BYTES];
	ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return end(ending, CPC_NET_FAIL_IO, "the connection broke", errno);
	if (n == 0)
		return end(ending, CPC_NET_FAIL_CLOSED, "the peer closed the connection", 0);
	if (cpc_tls_feed(conn->tls, bytes, (size_t)n) < 0)
		return end(ending, CPC_NET_FAIL_MEMORY, "no memory for received bytes", 0);
	conn->rx_bytes += (size_t)n;
	r = conn->established ? 0 : shake_hands(conn, ending);
	if (r == 0 && conn->established)
		r = take_text(conn, ending);
	return r < 0 ? r : n;
}

static int finish_connect(struct cpc_conn *conn, struct ending *ending)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		return end(ending, CPC_NET_FAIL_CONNECT, "cannot connect", error);
	conn->connecting = false;
	return shake_hands(conn, ending);
}

/* What each event ends with. */
static int finish(struct cpc_conn *conn, struct ending *ending)
{
	int r = flush(conn, ending);

	if (r < 0)
		return r;
	r = conn->established ? cpc_net_on_progress(conn->net, conn) : 0;
	if (r < 0)
		return r;
	r = wait_for(conn);
	return r < 0 ? end(ending, CPC_NET_FAIL_MEMORY, "cannot wait for the connection", -r) : 0;
}

static int process(struct cpc_conn *conn, uint32_t events, struct ending *ending)
{
	int r;

	if (conn->connecting) {
		r = finish_connect(conn, ending);
		if (r < 0)
			return r;
	} else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		for (unsigned i = 0; i < READS_PER_EVENT; i++) {
			ssize_t n = take_bytes(conn, ending);

			if (n < 0)
				return (int)n;
			if (n == 0 || !takes(conn) || conn->tx.len > TX_STOP)
				break;
		}
	}
	return finish(conn, ending);
}

static int on_event(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct cpc_conn *conn = arg;
	struct cpc_net *net = conn->net;
	struct ending ending = { .failure = CPC_NET_FAIL_COUNT };

	(void)source, (void)fd;
	/* When session_io.c finds a session at fault it ends it itself; then nothing is left. */
	if (process(conn, events, &ending) < 0 && ending.failure != CPC_NET_FAIL_COUNT)
		cpc_net_on_end(net, conn, ending.failure, ending.text);
	cpc_net_schedule(net);
	return 0;
}

int cpc_conn_resume(struct cpc_conn *conn)
{
	struct ending ending = { .failure = CPC_NET_FAIL_COUNT };
	struct cpc_net *net = conn->net;
	int r = take_frames(conn, &ending);

	if (r == 0)
		r = take_text(conn, &ending);
	if (r == 0)
		r = finish(conn, &ending);
	if (r < 0 && ending.failure != CPC_NET_FAIL_COUNT)
		cpc_net_on_end(net, conn, ending.failure, ending.text);
	return r;
}

static void set_options(int fd)
{
	int on = 1;
	unsigned timeout_ms = CPC_NET_DEAD_MS;

	/* No keepalive: the session's own pings do that, and also show that the agent lives. Thin
	 * streams retry at a steady pace, which suits a radio that loses frames without being
	 * congested. All of these are improvements only, so failures do not matter. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	setsockopt(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, &on, sizeof(on));
}

/* Takes the descriptor on success. */
static int conn_new(struct cpc_net *net, int fd, const struct cpc_place *dialled,
		    const struct sockaddr_in6 *address, struct cpc_conn **ret)
{
	struct cpc_conn *conn = calloc(1, sizeof(*conn));
	int r;

	if (!conn)
		return -ENOMEM;
	*conn = (struct cpc_conn){
		.net = net, .peer = dialled ? (int)cpc_place_index(net, dialled) : -1,
		.address = *address, .fd = fd, .connecting = dialled != NULL,
		.since_us = cpc_net_now_us(net),
		.deadline_us = cpc_net_now_us(net) + CPC_NET_SESSION_DEADLINE_MS * 1000ull,
		.rx = cpc_buffer_init(RX_MAX), .tx = cpc_buffer_init(TX_MAX),
		.tls = cpc_tls_new(net->tls, dialled ? dialled->node_id : NULL),
	};
	conn->reading = !conn->connecting;
	conn->writing = conn->connecting;
	r = conn->tls ? sd_event_add_io(net->event, &conn->io, fd,
					conn->connecting ? EPOLLOUT : EPOLLIN, on_event, conn) :
	    -ENOMEM;
	if (r < 0) {
		cpc_tls_free(conn->tls);
		free(conn);
		return r;
	}
	/* Strangers' connections wait while peers' have something to do. */
	if (!dialled)
		sd_event_source_set_priority(conn->io, SD_EVENT_PRIORITY_NORMAL + 1);
	set_options(fd);
	*ret = conn;
	return 0;
}

int cpc_conn_dial(struct cpc_net *net, const struct cpc_place *place,
		  const struct cpc_dial_hint *hint, struct cpc_conn **ret)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(hint->port),
					.sin6_scope_id = (uint32_t)net->link.ifindex };
	CPC_CLOSE int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct cpc_conn *conn;
	int r;

	memcpy(&address.sin6_addr, hint->address, sizeof(hint->address));
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &net->link.ifindex,
		       sizeof(net->link.ifindex)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS)
		return -errno;
	r = conn_new(net, fd, place, &address, &conn);
	if (r < 0)
		return r;
	CPC_TAKE_FD(fd);
	conn->hint = *hint;
	*ret = conn;
	return 0;
}

int cpc_conn_accept(struct cpc_net *net, int fd, const struct sockaddr_in6 *address)
{
	CPC_CLOSE int own = fd;
	struct cpc_conn *conn;
	int r;

	if (net->status.half_open >= CPC_NET_HALF_OPEN_MAX)
		cpc_net_on_end(net, net->oldest, CPC_NET_FAIL_EVICTED, "gave way to a newer one");
	r = conn_new(net, own, NULL, address, &conn);
	if (r < 0)
		return r;
	CPC_TAKE_FD(own);
	half_open_add(net, conn);
	return 0;
}

void cpc_conn_free(struct cpc_conn *conn)
{
	struct ending ignored;

	if (!conn)
		return;
	half_open_remove(conn->net, conn);
	/* The alert that says why, if the kernel takes it at once. */
	cpc_tls_close(conn->tls);
	if (!conn->connecting)
		flush(conn, &ignored);
	sd_event_source_disable_unref(conn->io);
	cpc_tls_free(conn->tls);
	close(conn->fd);
	cpc_buffer_done(&conn->rx);
	cpc_buffer_done(&conn->tx);
	free(conn);
}
