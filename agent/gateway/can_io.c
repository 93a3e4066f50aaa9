// SPDX-License-Identifier: BSD-3-Clause
#include "agent/gateway/can_io.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "agent/util/cleanup.h"

/*
 * Look at the interface before opening a CAN socket: the kernel's own answers to bind() do
 * not tell a missing interface from one of another kind or one that is down.
 */
static int check_interface(const char *name, struct cpc_error *error)
{
	CPC_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	if (!*name || strlen(name) >= sizeof(request.ifr_name)) {
		cpc_error_set(error, "CAN interface '%.40s': a name has 1 to 15 bytes", name);
		return -EINVAL;
	}
	if (fd < 0) {
		int r = -errno;

		cpc_error_set(error, "CAN interface %s: %s", name, strerror(-r));
		return r;
	}
	strcpy(request.ifr_name, name);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0) {
		cpc_error_set(error, "CAN interface %s: no such interface", name);
		return -ENODEV;
	}
	if (request.ifr_hwaddr.sa_family != ARPHRD_CAN) {
		cpc_error_set(error, "CAN interface %s: not a CAN interface", name);
		return -EINVAL;
	}
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0 || !(request.ifr_flags & IFF_UP)) {
		cpc_error_set(error, "CAN interface %s is down: ip link set %s up", name, name);
		return -ENETDOWN;
	}
	return 0;
}

int cpc_can_open(const char *interface, int receive_buffer, int *ret_fd, struct cpc_error *error)
{
	struct sockaddr_can address = {.can_family = AF_CAN};
	CPC_CLOSE int fd = -1;
	const int on = 1;
	int r = check_interface(interface, error);

	if (r < 0)
		return r;
	fd = socket(AF_CAN, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, CAN_RAW);
	if (fd < 0) {
		r = -errno;
		cpc_error_set(error, "CAN interface %s: cannot open a CAN socket: %s", interface,
			      strerror(-r));
		return r;
	}
	address.can_ifindex = (int)if_nametoindex(interface);
	/* Without FD an FD frame would not arrive; without the others only precision is lost. */
	if (setsockopt(fd, SOL_CAN_RAW, CAN_RAW_FD_FRAMES, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		cpc_error_set(error, "CAN interface %s: %s", interface, strerror(-r));
		return r;
	}
	setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
	if (receive_buffer > 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof(receive_buffer)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
	*ret_fd = CPC_TAKE_FD(fd);
	return 0;
}

static void from_kernel(const struct canfd_frame *raw, size_t size, struct cpc_can_frame *frame)
{
	size_t max = size == CANFD_MTU ? CANFD_MAX_DLEN : CAN_MAX_DLEN;

	*frame = (struct cpc_can_frame){
		.extended = raw->can_id & CAN_EFF_FLAG,
		.remote = raw->can_id & CAN_RTR_FLAG,
		.error = raw->can_id & CAN_ERR_FLAG,
		.fd = size == CANFD_MTU,
		.flags = size == CANFD_MTU ? raw->flags & (CANFD_BRS | CANFD_ESI) : 0,
		.size = raw->len <= max ? raw->len : (uint8_t)max,
	};
	frame->id = raw->can_id & (frame->extended ? CAN_EFF_MASK
				   : frame->error  ? CAN_ERR_MASK
						   : CAN_SFF_MASK);
	memcpy(frame->data, raw->data, frame->size);
}

static void read_control(struct msghdr *header, uint64_t *unix_us, uint32_t *dropped)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
		struct timeval time;

		if (control->cmsg_level != SOL_SOCKET)
			continue;
		if (control->cmsg_type == SO_TIMESTAMP) {
			memcpy(&time, CMSG_DATA(control), sizeof(time));
			*unix_us = (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
		} else if (control->cmsg_type == SO_RXQ_OVFL) {
			memcpy(dropped, CMSG_DATA(control), sizeof(*dropped));
		}
	}
}

int cpc_can_receive(int fd, struct cpc_can_receipt *receipts, uint32_t *dropped)
{
	char controls[CPC_CAN_BATCH]
		     [CMSG_SPACE(sizeof(struct timeval)) + CMSG_SPACE(sizeof(uint32_t))];
	struct canfd_frame frames[CPC_CAN_BATCH];
	struct iovec vectors[CPC_CAN_BATCH];
	struct mmsghdr messages[CPC_CAN_BATCH];
	int count, kept = 0;

	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < CPC_CAN_BATCH; i++) {
		vectors[i] = (struct iovec){&frames[i], sizeof(frames[i])};
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_control = controls[i];
		messages[i].msg_hdr.msg_controllen = sizeof(controls[i]);
	}
	count = recvmmsg(fd, messages, CPC_CAN_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		struct cpc_can_receipt *receipt = &receipts[kept];

		if (messages[i].msg_len != CAN_MTU && messages[i].msg_len != CANFD_MTU)
			continue;
		receipt->unix_us = 0;
		from_kernel(&frames[i], messages[i].msg_len, &receipt->frame);
		read_control(&messages[i].msg_hdr, &receipt->unix_us, dropped);
		kept++;
	}
	return kept;
}

int cpc_can_send(int fd, const struct cpc_can_frame *frame)
{
	struct canfd_frame raw = {
		.can_id = frame->id | (frame->extended ? CAN_EFF_FLAG : 0) |
			  (frame->remote ? CAN_RTR_FLAG : 0),
		.len = frame->size,
		.flags = frame->flags,
	};
	size_t size = frame->fd ? CANFD_MTU : CAN_MTU;

	memcpy(raw.data, frame->data, sizeof(raw.data));
	return send(fd, &raw, size, MSG_DONTWAIT) < 0 ? -errno : 0;
}
