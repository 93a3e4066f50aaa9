// SPDX-License-Identifier: BSD-3-Clause
/* batch_io.c - SUBMIT messages by the dozen; see batch.h. */
#include "tools/cpc-load/batch.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cpchain_nl.h>

#include "agent/util/cleanup.h"

enum { ANSWER_BYTES = 512, MESSAGE_BYTES = 1024 };

struct cpc_batch {
	struct nl_sock *commands, *events;
	int family;
	uint16_t cell;
	struct mmsghdr answer[CPC_BATCH_MAX];
	struct iovec vector[CPC_BATCH_MAX];
	uint8_t bytes[CPC_BATCH_MAX][ANSWER_BYTES];
};

static void free_msg(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}

static int open_sockets(struct cpc_batch *batch)
{
	int group;

	batch->commands = nl_socket_alloc();
	batch->events = nl_socket_alloc();
	if (!batch->commands || !batch->events)
		return -ENOMEM;
	if (genl_connect(batch->commands) < 0 || genl_connect(batch->events) < 0)
		return -EIO;
	batch->family = genl_ctrl_resolve(batch->commands, CPC_NL_FAMILY);
	group = genl_ctrl_resolve_grp(batch->commands, CPC_NL_FAMILY, CPC_NL_GROUP_EVENTS);
	if (batch->family < 0 || group < 0)
		return -ENOENT;
	return nl_socket_add_membership(batch->events, group) < 0 ? -EIO : 0;
}

int cpc_batch_open(uint16_t cell, struct cpc_batch **ret_batch)
{
	struct cpc_batch *batch = calloc(1, sizeof(*batch));
	unsigned int i;
	int r;

	if (!batch)
		return -ENOMEM;
	batch->cell = cell;
	for (i = 0; i < CPC_BATCH_MAX; i++) {
		batch->vector[i].iov_base = batch->bytes[i];
		batch->vector[i].iov_len = ANSWER_BYTES;
		batch->answer[i].msg_hdr.msg_iov = &batch->vector[i];
		batch->answer[i].msg_hdr.msg_iovlen = 1;
	}
	r = open_sockets(batch);
	if (r) {
		cpc_batch_close(batch);
		return r;
	}
	*ret_batch = batch;
	return 0;
}

void cpc_batch_close(struct cpc_batch *batch)
{
	if (!batch)
		return;
	nl_socket_free(batch->commands);
	nl_socket_free(batch->events);
	free(batch);
}

/* One SUBMIT at the end of @out. Returns its padded length, 0 if it could not be made. */
static size_t add_submit(const struct cpc_batch *batch, const uint8_t *data, size_t len,
			 uint8_t *out)
{
	CPC_CLEANUP(free_msg) struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_BYTES);

	/* No acknowledgement is asked for: the answer says that it was taken. */
	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, 1, batch->family, 0, NLM_F_REQUEST,
				 CPC_C_SUBMIT, CPC_NL_VERSION) ||
	    nla_put_u16(msg, CPC_A_CELL, batch->cell) < 0 ||
	    nla_put_u8(msg, CPC_A_KIND, 0) < 0 ||
	    nla_put(msg, CPC_A_DATA, (int)len, data) < 0)
		return 0;
	memcpy(out, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	return NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
}

/* 1: taken, 0: the lane is full, negative: another refusal. */
static int verdict(const struct cpc_batch *batch, unsigned int i)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)batch->bytes[i];
	int code;

	if (header->nlmsg_type != NLMSG_ERROR)
		return 1;
	memcpy(&code, batch->bytes[i] + NLMSG_HDRLEN, sizeof(code));
	return code == -EAGAIN ? 0 : code ? code : -EPROTO;
}

int cpc_batch_submit(struct cpc_batch *batch, const uint8_t *data, size_t len, unsigned int count)
{
	static uint8_t request[CPC_BATCH_MAX * MESSAGE_BYTES];
	int fd = nl_socket_get_fd(batch->commands), taken = 0, got, i;
	size_t used = 0, added;
	unsigned int k, answered = 0;

	for (k = 0; k < count && k < CPC_BATCH_MAX; k++) {
		added = add_submit(batch, data, len, request + used);
		if (!added)
			return -ENOMEM;
		used += added;
	}
	if (send(fd, request, used, 0) < 0)
		return -errno;
	while (answered < k) {
		got = recvmmsg(fd, batch->answer, k - answered, 0, NULL);
		if (got < 0)
			return -errno;
		for (i = 0; i < got; i++) {
			int r = verdict(batch, (unsigned int)i);

			if (r < 0)
				return r;
			taken += r;
		}
		answered += (unsigned int)got;
	}
	return taken;
}

int cpc_batch_wait(struct cpc_batch *batch, int milliseconds)
{
	struct pollfd ready = { .fd = nl_socket_get_fd(batch->events), .events = POLLIN };
	uint8_t event[ANSWER_BYTES];
	int r = poll(&ready, 1, milliseconds);

	if (r <= 0)
		return r ? -errno : -ETIMEDOUT;
	while (recv(ready.fd, event, sizeof(event), MSG_DONTWAIT) > 0)
		;
	return 0;
}
