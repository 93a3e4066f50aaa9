// SPDX-License-Identifier: BSD-3-Clause
/* air_io.c - frames from and to the interface; see air.h. */
#include "tools/cpc-twin/air.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cpchain/limits.h>
#include <cpchain_element.h>

#include "agent/util/cleanup.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum {
	RECEIVE_BYTES = 4 << 20,
	/* IEEE 802.1D user priority 7, which 802.11 sends in its voice class; 256 up: as given. */
	PRIORITY_VOICE = 256 + 7,
};

struct cpc_air {
	int fd;
	size_t room;
	u8 mac[6];
	struct mmsghdr message[CPC_AIR_BATCH];
	struct iovec vector[CPC_AIR_BATCH];
	u8 frame[CPC_AIR_BATCH][CPC_AIR_FRAME_MAX];
};

/* To a group address (the lowest bit of the first byte) and of one of our EtherTypes. */
static int set_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 1, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CPC_ETHERTYPE_GEONET, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CPC_ETHERTYPE_ELEMENT, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CPC_ETHERTYPE_WSMP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, CPC_AIR_FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int ask_interface(int fd, const char *interface, struct cpc_air *air)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(air->mac, request.ifr_hwaddr.sa_data, sizeof(air->mac));
	if (ioctl(fd, SIOCGIFMTU, &request) < 0)
		return -errno;
	air->room = request.ifr_mtu < CPC_ELEMENT_MAX ? (size_t)request.ifr_mtu : CPC_ELEMENT_MAX;
	return 0;
}

static int open_socket(const char *interface, struct cpc_air *air)
{
	CPC_CLOSE int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int one = 1, priority = PRIORITY_VOICE, bytes = RECEIVE_BYTES, r;

	if (fd < 0)
		return -errno;
	if (!address.sll_ifindex)
		return -ENODEV;
	r = ask_interface(fd, interface, air);
	if (r)
		return r;
	/* One socket for all types, so that the order of a sender's frames is kept. */
	if (set_filter(fd) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	air->fd = CPC_TAKE_FD(fd);
	return 0;
}

int cpc_air_open(const char *interface, struct cpc_air **ret_air, struct cpc_error *error)
{
	struct cpc_air *air = calloc(1, sizeof(*air));
	unsigned int i;
	int r;

	if (!air) {
		cpc_error_set(error, "out of memory");
		return -ENOMEM;
	}
	r = open_socket(interface, air);
	if (r < 0) {
		cpc_error_set(error, "packet socket on '%s': %s", interface, strerror(-r));
		free(air);
		return r;
	}
	for (i = 0; i < CPC_AIR_BATCH; i++) {
		air->vector[i].iov_base = air->frame[i];
		air->vector[i].iov_len = sizeof(air->frame[i]);
		air->message[i].msg_hdr.msg_iov = &air->vector[i];
		air->message[i].msg_hdr.msg_iovlen = 1;
	}
	*ret_air = air;
	return 0;
}

void cpc_air_close(struct cpc_air *air)
{
	if (!air)
		return;
	close(air->fd);
	free(air);
}

int cpc_air_fd(const struct cpc_air *air)
{
	return air->fd;
}

const u8 *cpc_air_mac(const struct cpc_air *air)
{
	return air->mac;
}

size_t cpc_air_room(const struct cpc_air *air)
{
	return air->room;
}

int cpc_air_read(struct cpc_air *air, cpc_air_frame_fn *frame, void *ctx)
{
	int i, got = recvmmsg(air->fd, air->message, CPC_AIR_BATCH, MSG_DONTWAIT, NULL);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENETDOWN ? 0 : -errno;
	for (i = 0; i < got; i++) {
		const u8 *data = air->frame[i];
		size_t len = air->message[i].msg_len;

		if (len < CPC_AIR_ETHERNET)
			continue;
		frame(ctx, data + CPC_AIR_ETHERNET, len - CPC_AIR_ETHERNET,
		      (data[12] << 8 | data[13]) == CPC_ETHERTYPE_ELEMENT);
	}
	return got;
}

int cpc_air_send(struct cpc_air *air, const u8 *frame, size_t len)
{
	return send(air->fd, frame, len, 0) < 0 ? -errno : 0;
}

void cpc_air_header(const struct cpc_air *air, u16 ethertype, u8 ret_header[CPC_AIR_ETHERNET])
{
	memset(ret_header, 0xff, 6);
	memcpy(ret_header + 6, air->mac, 6);
	ret_header[12] = (u8)(ethertype >> 8);
	ret_header[13] = (u8)ethertype;
}
