// SPDX-License-Identifier: BSD-3-Clause
/* hwsim_io.c - the netlink socket to mac80211_hwsim; see hwsim.h. */
#include "tools/cpc-medium/hwsim.h"

#include <assert.h>
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/util/cleanup.h"

enum {
	COMMAND_REGISTER = 1, COMMAND_FRAME = 2, COMMAND_TX_INFO = 3,
	VERSION = 1,
};

enum {
	ATTR_RECEIVER = 1, ATTR_TRANSMITTER = 2, ATTR_FRAME = 3, ATTR_FLAGS = 4,
	ATTR_RX_RATE = 5, ATTR_SIGNAL = 6, ATTR_TX_INFO = 7, ATTR_COOKIE = 8, ATTR_FREQ = 19,
	ATTR_MAX = 31,
};

enum { FLAG_NO_ACK = 1 << 1, FLAG_STAT_ACK = 1 << 2 };

enum {
	SOCKET_BYTES = 4 << 20,		/* either way: some thousand frames */
	BATCH_BYTES = 64 << 10,
	MESSAGE_MAX = CPC_HWSIM_FRAME_MAX + 200,
	READS = 64,			/* datagrams per cpc_hwsim_read() */
};

struct cpc_hwsim {
	struct nl_sock *socket;
	int family;
	cpc_hwsim_frame_fn on_frame;
	void *ctx;
	uint64_t refused, overruns;
	size_t used;
	uint8_t batch[BATCH_BYTES] __attribute__((aligned(8)));
};

int cpc_hwsim_radio(const uint8_t name[CPC_MAC_BYTES])
{
	if (name[0] != 0x42 || name[1] || name[2] || name[5])
		return -1;
	return name[3] << 8 | name[4];
}

void cpc_hwsim_name(unsigned int radio, uint8_t ret_name[CPC_MAC_BYTES])
{
	const uint8_t name[CPC_MAC_BYTES] = { 0x42, 0, 0, (uint8_t)(radio >> 8), (uint8_t)radio };

	memcpy(ret_name, name, CPC_MAC_BYTES);
}

/* ---- from the kernel ------------------------------------------------------------------------- */

static int on_message(struct nl_msg *msg, void *arg)
{
	static const struct nla_policy policy[ATTR_MAX + 1] = {
		[ATTR_TRANSMITTER] = { .type = NLA_UNSPEC, .minlen = CPC_MAC_BYTES },
		[ATTR_FRAME] = { .type = NLA_UNSPEC, .minlen = 1, .maxlen = CPC_HWSIM_FRAME_MAX },
		[ATTR_FLAGS] = { .type = NLA_U32 },
		[ATTR_TX_INFO] = { .type = NLA_UNSPEC, .minlen = CPC_HWSIM_RATES_BYTES },
		[ATTR_COOKIE] = { .type = NLA_U64 },
		[ATTR_FREQ] = { .type = NLA_U32 },
	};
	struct cpc_hwsim *h = arg;
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct nlattr *a[ATTR_MAX + 1];
	struct cpc_hwsim_frame frame = { 0 };

	/* Radios coming and going are told as well. */
	if (header->nlmsg_type != h->family || !genlmsg_valid_hdr(header, 0) ||
	    genlmsg_hdr(header)->cmd != COMMAND_FRAME ||
	    genlmsg_parse(header, 0, a, ATTR_MAX, policy) < 0)
		return NL_SKIP;
	if (!a[ATTR_TRANSMITTER] || !a[ATTR_FRAME] || !a[ATTR_FLAGS] || !a[ATTR_TX_INFO] ||
	    !a[ATTR_COOKIE])
		return NL_SKIP;
	memcpy(frame.transmitter, nla_data(a[ATTR_TRANSMITTER]), CPC_MAC_BYTES);
	memcpy(frame.rates, nla_data(a[ATTR_TX_INFO]), CPC_HWSIM_RATES_BYTES);
	frame.flags = nla_get_u32(a[ATTR_FLAGS]);
	frame.cookie = nla_get_u64(a[ATTR_COOKIE]);
	frame.freq_mhz = a[ATTR_FREQ] ? nla_get_u32(a[ATTR_FREQ]) : 0;
	frame.data = nla_data(a[ATTR_FRAME]);
	frame.len = (size_t)nla_len(a[ATTR_FRAME]);
	h->on_frame(h->ctx, &frame);
	return NL_OK;
}

/* The kernel answers only what it refuses, as nothing asks it for more. */
static int on_error(struct sockaddr_nl *from, struct nlmsgerr *refusal, void *arg)
{
	struct cpc_hwsim *h = arg;

	(void)from;
	(void)refusal;
	h->refused++;
	return NL_SKIP;
}

static int any_sequence(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

int cpc_hwsim_read(struct cpc_hwsim *h)
{
	struct nl_cb *cb = nl_socket_get_cb(h->socket);
	int i, r = 0;

	for (i = 0; i < READS && r >= 0; i++) {
		r = nl_recvmsgs(h->socket, cb);
		if (r == -NLE_NOMEM) {
			/* ENOBUFS: the kernel had frames for us and no room. */
			h->overruns++;
			r = 0;
		}
	}
	nl_cb_put(cb);
	return r == -NLE_AGAIN || r >= 0 ? 0 : -EIO;
}

/* ---- to the kernel --------------------------------------------------------------------------- */

static struct nlmsghdr *begin(struct cpc_hwsim *h, uint8_t command)
{
	struct nlmsghdr *header;
	struct genlmsghdr *genl;

	if (h->used + MESSAGE_MAX > sizeof(h->batch))
		cpc_hwsim_flush(h);
	header = (struct nlmsghdr *)(h->batch + h->used);
	memset(header, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	header->nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	header->nlmsg_type = (uint16_t)h->family;
	header->nlmsg_flags = NLM_F_REQUEST;
	genl = (struct genlmsghdr *)((uint8_t *)header + NLMSG_HDRLEN);
	genl->cmd = command;
	genl->version = VERSION;
	return header;
}

/* Every attribute and message ends on a multiple of four (NLA_ALIGNTO). */
static void put(struct nlmsghdr *header, uint16_t type, const void *data, size_t len)
{
	uint8_t *at = (uint8_t *)header + header->nlmsg_len;
	struct nlattr *attr = (struct nlattr *)at;
	size_t padded = (size_t)NLA_ALIGN(len);

	assert(header->nlmsg_len + NLA_HDRLEN + padded <= MESSAGE_MAX);
	attr->nla_len = (uint16_t)(NLA_HDRLEN + len);
	attr->nla_type = type;
	memcpy(at + NLA_HDRLEN, data, len);
	memset(at + NLA_HDRLEN + len, 0, padded - len);
	header->nlmsg_len += (uint32_t)(NLA_HDRLEN + padded);
}

static void put_u32(struct nlmsghdr *header, uint16_t type, uint32_t value)
{
	put(header, type, &value, sizeof(value));
}

static void finish(struct cpc_hwsim *h, const struct nlmsghdr *header)
{
	h->used += header->nlmsg_len;
}

/* The index in hwsim's 5 GHz rates, which are those of 20 MHz: twice as fast as in 10 MHz. */
static uint32_t rate_index(unsigned int mbit_s)
{
	return mbit_s == 3 ? 0 : mbit_s == 6 ? 2 : 4;
}

void cpc_hwsim_deliver(struct cpc_hwsim *h, unsigned int radio, const struct cpc_hwsim_frame *frame,
		       unsigned int rate_mbit_s, int rssi_dbm)
{
	struct nlmsghdr *header = begin(h, COMMAND_FRAME);
	uint8_t name[CPC_MAC_BYTES];

	cpc_hwsim_name(radio, name);
	put(header, ATTR_RECEIVER, name, sizeof(name));
	put(header, ATTR_FRAME, frame->data, frame->len);
	put_u32(header, ATTR_RX_RATE, rate_index(rate_mbit_s));
	put_u32(header, ATTR_SIGNAL, (uint32_t)rssi_dbm);
	if (frame->freq_mhz)
		put_u32(header, ATTR_FREQ, frame->freq_mhz);
	finish(h, header);
}

void cpc_hwsim_status(struct cpc_hwsim *h, const struct cpc_hwsim_frame *frame,
		      unsigned int attempts, bool acknowledged, int rssi_dbm)
{
	struct nlmsghdr *header = begin(h, COMMAND_TX_INFO);
	/* Index and count of each rate tried: one, as often as that. */
	uint8_t rates[CPC_HWSIM_RATES_BYTES] = { frame->rates[0], (uint8_t)attempts, 0xff, 0,
						 0xff, 0, 0xff, 0 };
	uint32_t flags = frame->flags;

	if (acknowledged && !(flags & FLAG_NO_ACK))
		flags |= FLAG_STAT_ACK;
	put(header, ATTR_TRANSMITTER, frame->transmitter, CPC_MAC_BYTES);
	put_u32(header, ATTR_FLAGS, flags);
	put(header, ATTR_COOKIE, &frame->cookie, sizeof(frame->cookie));
	put_u32(header, ATTR_SIGNAL, (uint32_t)rssi_dbm);
	put(header, ATTR_TX_INFO, rates, sizeof(rates));
	finish(h, header);
}

void cpc_hwsim_flush(struct cpc_hwsim *h)
{
	/* What the kernel has no room for is lost, as it would be on the air. */
	if (h->used && nl_sendto(h->socket, h->batch, h->used) < 0)
		h->refused++;
	h->used = 0;
}

/* ---- the socket ------------------------------------------------------------------------------ */

static int send_register(struct cpc_hwsim *h)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, h->family, 0, 0, COMMAND_REGISTER,
				 VERSION)) {
		nlmsg_free(msg);
		return -NLE_NOMEM;
	}
	return nl_send_sync(h->socket, msg);
}

static int connect_family(struct cpc_hwsim *h, struct cpc_error *error)
{
	int r = genl_connect(h->socket);

	if (r < 0) {
		cpc_error_set(error, "no generic netlink: %s", nl_geterror(r));
		return -EIO;
	}
	h->family = genl_ctrl_resolve(h->socket, "MAC80211_HWSIM");
	if (h->family < 0) {
		cpc_error_set(error, "no netlink family MAC80211_HWSIM: is mac80211_hwsim loaded?");
		return -ENOENT;
	}
	r = send_register(h);
	switch (r < 0 ? -r : 0) {
	case 0:
		return 0;
	case NLE_BUSY:
		cpc_error_set(error, "mac80211_hwsim has another medium already");
		return -EBUSY;
	case NLE_PERM:
		cpc_error_set(error, "registering as hwsim's medium takes CAP_NET_ADMIN");
		return -EPERM;
	default:
		cpc_error_set(error, "mac80211_hwsim takes no medium: %s (radios of more than one "
			      "channel cannot have one)", nl_geterror(r));
		return -EIO;
	}
}

static void set_socket(struct cpc_hwsim *h)
{
	int fd = nl_socket_get_fd(h->socket), bytes = SOCKET_BYTES, one = 1;

	/* Refusals of frames need not quote them. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	nl_socket_disable_auto_ack(h->socket);
	nl_socket_modify_cb(h->socket, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_sequence, NULL);
	nl_socket_modify_cb(h->socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, h);
	nl_socket_modify_err_cb(h->socket, NL_CB_CUSTOM, on_error, h);
	nl_socket_set_nonblocking(h->socket);
	nl_socket_set_msg_buf_size(h->socket, MESSAGE_MAX + 4096);
}

int cpc_hwsim_open(cpc_hwsim_frame_fn on_frame, void *ctx, struct cpc_hwsim **ret_hwsim,
		   struct cpc_error *error)
{
	struct cpc_hwsim *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->on_frame = on_frame;
	h->ctx = ctx;
	h->socket = nl_socket_alloc();
	r = h->socket ? connect_family(h, error) : -ENOMEM;
	if (r < 0) {
		cpc_hwsim_close(h);
		return r;
	}
	set_socket(h);
	*ret_hwsim = h;
	return 0;
}

void cpc_hwsim_close(struct cpc_hwsim *h)
{
	if (!h)
		return;
	nl_socket_free(h->socket);
	free(h);
}

int cpc_hwsim_fd(const struct cpc_hwsim *h)
{
	return nl_socket_get_fd(h->socket);
}

uint64_t cpc_hwsim_refused(const struct cpc_hwsim *h)
{
	return h->refused;
}

uint64_t cpc_hwsim_overruns(const struct cpc_hwsim *h)
{
	return h->overruns;
}
