// SPDX-License-Identifier: BSD-3-Clause
/*
 * The interface: whether it is there and up, the two sockets bound to it, and announcements.
 *
 * Interfaces of a vehicle come and go: they are taken down, removed, made anew under the same name
 * with another index. rtnetlink says that something changed, and a look at the interface, which is
 * also taken now and then without being told, finds out what it means for us. So no message has
 * to be understood, and a lost one costs two seconds.
 */
#include "agent/net/net_io.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define MS(ms) ((uint64_t)(ms) * 1000)

static void fail_text(struct cpc_net *net, const char *what, int error)
{
	snprintf(net->status.error, sizeof(net->status.error), "interface %s: %s: %s", net->ifname,
		 what, strerror(error));
}

/* Binds a new socket to the interface and the port. */
static int bound_socket(struct cpc_net *net, int type, int ifindex, int *ret_fd)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(net->port),
				    .sin6_addr = IN6ADDR_ANY_INIT };
	CPC_CLOSE int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex)) < 0)
		return -errno;
	/* Only for TCP, where it allows old connections to linger. With UDP it would let another
	 * process take the same port unnoticed. */
	if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	*ret_fd = CPC_TAKE_FD(fd);
	return 0;
}

static int announcing_socket(struct cpc_net *net, int ifindex, int *ret_fd)
{
	struct ipv6_mreq group = { .ipv6mr_interface = (unsigned)ifindex };
	CPC_CLOSE int fd = -1;
	int off = 0, hops = 1, r = bound_socket(net, SOCK_DGRAM, ifindex, &fd);

	if (r < 0)
		return r;
	if (inet_pton(AF_INET6, CPC_ANNOUNCE_GROUP, &group.ipv6mr_multiaddr) != 1)
		return -EINVAL;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof(group)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &ifindex, sizeof(ifindex)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0)
		return -errno;
	*ret_fd = CPC_TAKE_FD(fd);
	return 0;
}

static bool is_link_local(const struct sockaddr_in6 *address, socklen_t len)
{
	return len == sizeof(*address) && address->sin6_family == AF_INET6 &&
	       IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr);
}

static void take_datagram(struct cpc_net *net, const uint8_t *data, size_t len,
			  const struct sockaddr_in6 *from, socklen_t from_len)
{
	struct cpc_announce announce;

	net->status.announcements_heard++;
	if (is_link_local(from, from_len) && cpc_announce_decode(data, len, &announce) == 0)
		cpc_net_on_announce(net, &announce, from);
	else
		net->status.announcements_ignored++;
}

static int on_datagram(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct cpc_net *net = arg;

	(void)source, (void)events;
	for (unsigned i = 0; i < CPC_NET_DATAGRAM_BATCH; i++) {
		uint8_t data[CPC_ANNOUNCE_MAX + 1];
		struct sockaddr_in6 from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &from_len);

		/* Errors here are of datagrams sent earlier (ICMP), or "no more". */
		if (n < 0)
			break;
		take_datagram(net, data, (size_t)n, &from, from_len);
	}
	cpc_net_schedule(net);
	return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct cpc_net *net = arg;

	(void)source, (void)events;
	for (unsigned i = 0; i < CPC_NET_ACCEPT_BATCH; i++) {
		struct sockaddr_in6 from;
		socklen_t from_len = sizeof(from);
		int got = accept4(fd, (struct sockaddr *)&from, &from_len,
				  SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (got < 0)
			break;
		net->status.accepted++;
		if (!is_link_local(&from, from_len)) {
			close(got);
			net->status.failures[CPC_NET_FAIL_CONNECT]++;
		} else if (cpc_conn_accept(net, got, &from) < 0) {
			net->status.failures[CPC_NET_FAIL_MEMORY]++;
		}
	}
	cpc_net_schedule(net);
	return 0;
}

static void close_sockets(struct cpc_net *net)
{
	struct cpc_link *link = &net->link;

	link->announcing = sd_event_source_disable_unref(link->announcing);
	link->listening = sd_event_source_disable_unref(link->listening);
	link->ifindex = 0;
	link->up = false;
}

/* The source owns the descriptor if there is a source afterwards, whatever is returned. */
static int add_socket(struct cpc_net *net, sd_event_io_handler_t handler, int fd,
		      sd_event_source **ret)
{
	int r = sd_event_add_io(net->event, ret, fd, EPOLLIN, handler, net);

	if (r < 0)
		return r;
	r = sd_event_source_set_io_fd_own(*ret, true);
	if (r < 0) {
		*ret = sd_event_source_disable_unref(*ret);
		return r;
	}
	/* Behind the sessions: strangers must not hold up peers. */
	return sd_event_source_set_priority(*ret, SD_EVENT_PRIORITY_NORMAL + 1);
}

static int open_sockets(struct cpc_net *net, int ifindex)
{
	CPC_CLOSE int announcing = -1, listening = -1;
	int r = announcing_socket(net, ifindex, &announcing);

	if (r == 0)
		r = bound_socket(net, SOCK_STREAM, ifindex, &listening);
	if (r == 0 && listen(listening, CPC_NET_HALF_OPEN_MAX) < 0)
		r = -errno;
	if (r == 0)
		r = add_socket(net, on_datagram, announcing, &net->link.announcing);
	if (net->link.announcing)
		announcing = -1;
	if (r == 0)
		r = add_socket(net, on_connection, listening, &net->link.listening);
	if (net->link.listening)
		listening = -1;
	if (r < 0) {
		close_sockets(net);
		return r;
	}
	net->link.ifindex = ifindex;
	return 0;
}

static int flags_of(const char *ifname, int *ret_flags)
{
	CPC_CLOSE int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, ifname, strnlen(ifname, IFNAMSIZ - 1));
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return -errno;
	*ret_flags = request.ifr_flags;
	return 0;
}

/* Follows the interface: new sockets when it has a new index, none while it is not there. */
static int look(struct cpc_net *net)
{
	struct cpc_link *link = &net->link;
	int ifindex = (int)if_nametoindex(net->ifname), flags = 0, r = 0;
	bool up, was_up = link->up, another = ifindex != link->ifindex;

	if (another) {
		close_sockets(net);
		if (ifindex)
			r = open_sockets(net, ifindex);
		else
			r = -ENODEV;
		if (r < 0)
			fail_text(net, "cannot be used", -r);
	}
	up = link->ifindex && flags_of(net->ifname, &flags) == 0 && (flags & IFF_UP) &&
	     (flags & IFF_RUNNING);
	if (link->ifindex && !up)
		fail_text(net, "waiting for it", ENETDOWN);
	link->up = up;
	net->status.interface_up = up;
	/* Sessions over an interface that is down, or was replaced, cannot be saved. */
	if (was_up && (!up || another))
		cpc_net_on_link(net, false);
	if (up && (!was_up || another)) {
		net->status.error[0] = '\0';
		link->announce_us = 0;
		cpc_net_on_link(net, true);
	}
	return r;
}

/* Between three quarters and five quarters of it, so that nodes do not announce in step. */
static uint64_t jittered(uint64_t interval_us)
{
	return interval_us * 3 / 4 + cpc_net_random() % (interval_us / 2);
}

static bool complete(const struct cpc_net *net)
{
	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		if (cpc_place_missing(&net->places[i]))
			return false;
	}
	return true;
}

/* Names those whom we miss; when they are too many, the next list goes on where this one ends. */
static void name_missing(struct cpc_net *net, struct cpc_announce *announce)
{
	unsigned from = net->link.missing_from;

	for (unsigned i = 0; i < CPC_NET_PEERS_MAX; i++) {
		unsigned at = (from + i) % CPC_NET_PEERS_MAX;

		if (!cpc_place_missing(&net->places[at]))
			continue;
		if (announce->n == CPC_NET_MISSING_MAX) {
			net->link.missing_from = at;
			return;
		}
		memcpy(announce->missing[announce->n++], net->places[at].node_id,
		       CPC_ANNOUNCE_ID_BYTES);
	}
	net->link.missing_from = 0;
}

/* The address to send from, which the signature covers: the interface's first link-local one. */
static int own_address(const struct cpc_net *net, struct in6_addr *ret)
{
	struct ifaddrs *all, *one;
	int r = -EADDRNOTAVAIL;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (one = all; one && r < 0; one = one->ifa_next) {
		const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)one->ifa_addr;

		if (address && address->sin6_family == AF_INET6 &&
		    strcmp(one->ifa_name, net->ifname) == 0 &&
		    IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) {
			*ret = address->sin6_addr;
			r = 0;
		}
	}
	freeifaddrs(all);
	return r;
}

/* Sends from that very address; the system would choose another one if there are several. */
static int send_from(int fd, const struct in6_pktinfo *from, const struct sockaddr_in6 *to,
		     void *data, size_t len)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(*from))];
	} control = { 0 };
	struct iovec part = { data, len };
	struct msghdr message = {
		.msg_name = (void *)to, .msg_namelen = sizeof(*to), .msg_iov = &part,
		.msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};

	control.header.cmsg_level = IPPROTO_IPV6;
	control.header.cmsg_type = IPV6_PKTINFO;
	control.header.cmsg_len = CMSG_LEN(sizeof(*from));
	memcpy(CMSG_DATA(&control.header), from, sizeof(*from));
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int announce(struct cpc_net *net, const struct sockaddr_in6 *to)
{
	/* In no cell: "where is that one?" */
	struct cpc_announce announce = { .cell = net->presents.cell ? net->presents.cell :
						 net->sought,
					 .epoch = net->presents.epoch, .port = net->port };
	struct in6_pktinfo from = { .ipi6_ifindex = (unsigned)net->link.ifindex };
	uint8_t text[CPC_ANNOUNCE_SIGNED_MAX], data[CPC_ANNOUNCE_MAX];
	int r = own_address(net, &from.ipi6_addr);
	size_t len;

	if (r < 0)
		return r;
	name_missing(net, &announce);
	memcpy(announce.spki, net->identity->spki, sizeof(announce.spki));
	len = cpc_announce_signed(&announce, from.ipi6_addr.s6_addr, text);
	r = cpc_identity_sign(net->identity, text, len, announce.signature);
	if (r < 0)
		return r;
	announce.signature_len = (uint8_t)r;
	r = send_from(sd_event_source_get_io_fd(net->link.announcing), &from, to, data,
		      cpc_announce_encode(&announce, data));
	if (r == 0)
		net->status.announcements_sent++;
	return r;
}

static void announce_to_all(struct cpc_net *net, uint64_t now_us)
{
	struct sockaddr_in6 group = { .sin6_family = AF_INET6, .sin6_port = htons(net->port),
				      .sin6_scope_id = (uint32_t)net->link.ifindex };
	int r = inet_pton(AF_INET6, CPC_ANNOUNCE_GROUP, &group.sin6_addr) == 1 ?
		announce(net, &group) : -EINVAL;
	bool asking = !net->presents.cell && now_us < net->sought_us + MS(CPC_NET_SEEK_FAST_MS);
	uint64_t interval = MS(complete(net) && !asking ? CPC_NET_ANNOUNCE_SLOW_MS :
			       CPC_NET_ANNOUNCE_FAST_MS);

	if (r < 0) {
		/* Usually no address yet: IPv6 looks for duplicates for a second or two. */
		fail_text(net, "cannot announce over its link-local address", -r);
		interval = MS(CPC_NET_ANNOUNCE_RETRY_MS);
	} else {
		net->status.error[0] = '\0';
	}
	net->link.announce_us = now_us + jittered(interval);
}

static bool announces(const struct cpc_net *net)
{
	return net->link.up && (net->presents.cell || net->sought);
}

void cpc_link_answer(struct cpc_net *net, const struct sockaddr_in6 *to)
{
	uint64_t now_us = cpc_net_now_us(net);

	if (!announces(net) || now_us < net->link.reply_us)
		return;
	/* A failure is of no concern: the next announcement to all will do. */
	announce(net, to);
	net->link.reply_us = now_us + MS(CPC_NET_REPLY_GAP_MS);
}

void cpc_link_announce_soon(struct cpc_net *net)
{
	uint64_t soon = cpc_net_now_us(net) + jittered(MS(CPC_NET_ANNOUNCE_FAST_MS));

	if (net->link.announce_us > soon)
		net->link.announce_us = soon;
}

void cpc_link_tick(struct cpc_net *net, uint64_t now_us)
{
	struct cpc_link *link = &net->link;

	if (now_us >= link->look_us) {
		link->look_us = now_us + MS(CPC_NET_INTERFACE_POLL_MS);
		look(net);
	}
	if (announces(net) && now_us >= link->announce_us)
		announce_to_all(net, now_us);
}

uint64_t cpc_link_wake_us(const struct cpc_net *net)
{
	const struct cpc_link *link = &net->link;

	return announces(net) && link->announce_us < link->look_us ? link->announce_us :
	       link->look_us;
}

static int on_change(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct cpc_net *net = arg;
	uint8_t message[4096];

	(void)source, (void)events;
	/* What changed does not matter; a full queue (ENOBUFS) says the same as any message. */
	while (recv(fd, message, sizeof(message), MSG_DONTWAIT) >= 0 || errno == ENOBUFS)
		net->link.look_us = 0;
	cpc_net_schedule(net);
	return 0;
}

static int watch_changes(struct cpc_net *net)
{
	struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
				      .nl_groups = RTMGRP_LINK | RTMGRP_IPV6_IFADDR };
	CPC_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
				  NETLINK_ROUTE);
	int r;

	if (fd < 0 || bind(fd, (struct sockaddr *)&groups, sizeof(groups)) < 0)
		return -errno;
	r = add_socket(net, on_change, fd, &net->link.changes);
	if (net->link.changes)
		fd = -1;
	return r;
}

int cpc_link_open(struct cpc_net *net, struct cpc_error *err)
{
	int r;

	if (if_nametoindex(net->ifname) == 0) {
		cpc_error_set(err, "there is no interface '%s'", net->ifname);
		return -ENODEV;
	}
	r = watch_changes(net);
	if (r < 0) {
		cpc_error_set(err, "cannot watch interface '%s': %s", net->ifname, strerror(-r));
		return r;
	}
	r = look(net);
	if (r == -EADDRINUSE)
		cpc_error_set(err, "port %u on interface '%s' is taken; is another agent running?",
			      net->port, net->ifname);
	else if (r < 0)
		cpc_error_set(err, "cannot use port %u on interface '%s': %s", net->port,
			      net->ifname, strerror(-r));
	return r;
}

void cpc_link_close(struct cpc_net *net)
{
	close_sockets(net);
	net->link.changes = sd_event_source_disable_unref(net->link.changes);
}
