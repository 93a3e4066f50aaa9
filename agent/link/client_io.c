// SPDX-License-Identifier: BSD-3-Clause
#include "agent/link/link.h"

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
#include <sys/time.h>

#include "agent/util/cleanup.h"

enum {
	RECEIVE_BYTES = 64 * 1024,	/* the kernel makes dump messages no larger than this */
	EVENT_QUEUE_BYTES = 1024 * 1024,	/* beyond: ENOBUFS, then ops->overrun() */
	EVENTS_PER_WAKE = 64,
	COMMAND_TIMEOUT_S = 5,		/* the kernel answers at once; else it is broken */
};

struct cpc_link {
	struct nl_sock *commands;
	struct nl_sock *events;
	int family;
	u16 epoch;			/* of the cells meant, 0: the newest */
	bool asking;			/* an answer is being read */
	sd_event_source *source;
	struct cpc_link_ops ops;
	void *ctx;
	struct cpc_assembler assembler;
	u8 receive[RECEIVE_BYTES] __attribute__((aligned(8)));
	u8 receive_event[RECEIVE_BYTES] __attribute__((aligned(8)));
};

/* What a command's answers go to. */
struct answer {
	int (*message)(struct cpc_link *link, void *ctx, const void *attrs, size_t len);
	void *ctx;
	struct cpc_error *error;
	const char *what;		/* the command, for the error */
};

static void cleanup_msg(struct nl_msg **msg)
{
	nlmsg_free(*msg);
}
#define CPC_NL_MSG CPC_CLEANUP(cleanup_msg)

/* ---- sending a command and reading its answers ----------------------------------------------- */

/* The kernel's words behind an error or the end of a dump, or NULL. */
static const char *extack_text(const struct nlmsghdr *header, size_t fixed)
{
	struct nlattr *attrs[NLMSGERR_ATTR_MAX + 1] = { NULL };
	int offset = NLMSG_HDRLEN + NLMSG_ALIGN((int)fixed);
	int left = (int)header->nlmsg_len - offset;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || left <= 0)
		return NULL;
	if (nla_parse(attrs, NLMSGERR_ATTR_MAX,
		      (struct nlattr *)((char *)header + offset), left, NULL) < 0)
		return NULL;
	if (!attrs[NLMSGERR_ATTR_MSG] || nla_len(attrs[NLMSGERR_ATTR_MSG]) == 0 ||
	    !memchr(nla_data(attrs[NLMSGERR_ATTR_MSG]), '\0',
		    (size_t)nla_len(attrs[NLMSGERR_ATTR_MSG])))
		return NULL;
	return nla_data(attrs[NLMSGERR_ATTR_MSG]);
}

static int refused(const struct answer *answer, int code, const char *text)
{
	if (text && *text)
		cpc_error_set(answer->error, "%s: the module says: %s", answer->what, text);
	else if (code == -EPERM || code == -EACCES)
		cpc_error_set(answer->error, "%s: not permitted: this needs CAP_NET_ADMIN (run as "
			      "root, or through cpchaind.service)", answer->what);
	else
		cpc_error_set(answer->error, "%s: %s", answer->what, strerror(-code));
	return code;
}

/* An error message or the end of a dump: both are an int and then, perhaps, the kernel's words. */
static int take_end(const struct answer *answer, const struct nlmsghdr *header)
{
	size_t fixed = header->nlmsg_type == NLMSG_ERROR ? sizeof(int) + NLMSG_HDRLEN : sizeof(int);
	int code = 0;

	if (header->nlmsg_len >= NLMSG_HDRLEN + sizeof(code))
		memcpy(&code, (const char *)header + NLMSG_HDRLEN, sizeof(code));
	return code < 0 ? refused(answer, code, extack_text(header, fixed)) : 0;
}

/* One message. 1: go on reading, 0: that was all, negative: refused. */
static int take_message(struct cpc_link *link, const struct answer *answer,
			const struct nlmsghdr *header)
{
	size_t skip = NLMSG_HDRLEN + GENL_HDRLEN;
	int r;

	if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE)
		return take_end(answer, header);
	if (header->nlmsg_type != link->family || header->nlmsg_len < skip)
		return 1;
	if (!answer->message)
		return 1;
	r = answer->message(link, answer->ctx, (const char *)header + skip,
			    header->nlmsg_len - skip);
	if (r == -EBADMSG)
		cpc_error_set(answer->error,
			      "%s: the module's answer is not understood: are module "
			      "and agent of one version?",
			      answer->what);
	return r < 0 ? r : 1;
}

/* Reads what is still to come of an answer that we no longer want. */
static void drain(struct cpc_link *link)
{
	while (recv(nl_socket_get_fd(link->commands), link->receive, sizeof(link->receive),
		    MSG_DONTWAIT) > 0)
		;
}

static int read_answers(struct cpc_link *link, const struct answer *answer, u32 sequence)
{
	int fd = nl_socket_get_fd(link->commands);

	for (;;) {
		ssize_t got = recv(fd, link->receive, sizeof(link->receive), 0);
		const struct nlmsghdr *header = (const struct nlmsghdr *)link->receive;
		int left = (int)got, r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return refused(answer, errno == EAGAIN ? -ETIMEDOUT : -errno, NULL);
		for (; nlmsg_ok(header, left);
		     header = nlmsg_next((struct nlmsghdr *)header, &left)) {
			if (header->nlmsg_seq != sequence)
				continue;
			r = take_message(link, answer, header);
			if (r > 0)
				continue;
			if (r < 0)
				drain(link);
			return r;
		}
	}
}

static struct nl_msg *command(struct cpc_link *link, u8 which, int flags, u16 cell)
{
	struct nl_msg *msg = nlmsg_alloc_size(16 * 1024);

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0, flags, which,
			 CPC_NL_VERSION) || (cell && nla_put_u16(msg, CPC_A_CELL, cell) < 0) ||
	    (cell && link->epoch && which != CPC_C_CELL_ADD &&
	     nla_put_u16(msg, CPC_A_EPOCH, link->epoch) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* On a socket of its own: libnl keeps count of answers, which the commands' socket does itself. */
static bool family_exists(void)
{
	struct nl_sock *sock = nl_socket_alloc();
	bool exists = sock && genl_connect(sock) == 0 &&
		      genl_ctrl_resolve(sock, CPC_NL_FAMILY) >= 0;

	nl_socket_free(sock);
	return exists;
}

/* Everything but dumps asks for an acknowledgement, which comes last. */
static int run(struct cpc_link *link, struct nl_msg *msg, const struct answer *answer)
{
	int r;

	/* From within a callback it would swallow the answer that is being read. */
	assert(!link->asking);
	if (!(nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP))
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_REQUEST;
	r = nl_send_auto(link->commands, msg);
	if (r < 0) {
		cpc_error_set(answer->error, "%s: cannot ask the module: %s", answer->what,
			      nl_geterror(r));
		return -EIO;
	}
	link->asking = true;
	r = read_answers(link, answer, nlmsg_hdr(msg)->nlmsg_seq);
	link->asking = false;
	/* The family may have gone, and taken its number with it. */
	if ((r == -EOPNOTSUPP || r == -ENOENT) && !family_exists()) {
		cpc_error_set(answer->error, "%s: the module is gone: modprobe cpchain",
			      answer->what);
		return -ENODEV;
	}
	return r;
}

static int no_memory(struct cpc_error *error)
{
	cpc_error_set(error, "out of memory");
	return -ENOMEM;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void take_event(struct cpc_link *link, const struct nlmsghdr *header)
{
	size_t skip = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct genlmsghdr *genl = (const void *)((const char *)header + NLMSG_HDRLEN);
	struct cpc_link_event event;

	if (header->nlmsg_type != link->family || header->nlmsg_len < skip)
		return;
	if (cpc_nl_decode_event(genl->cmd, (const char *)header + skip, header->nlmsg_len - skip,
				&event) < 0)
		return;
	link->ops.event(link->ctx, &event);
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct cpc_link *link = userdata;
	unsigned int i;

	(void)source;
	(void)revents;
	for (i = 0; i < EVENTS_PER_WAKE; i++) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)link->receive_event;
		ssize_t got = recv(fd, link->receive_event, sizeof(link->receive_event),
				   MSG_DONTWAIT);
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS) {
			link->ops.overrun(link->ctx);
			continue;
		}
		if (got <= 0)
			break;
		for (; nlmsg_ok(header, left);
		     header = nlmsg_next((struct nlmsghdr *)header, &left))
			take_event(link, header);
	}
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int open_commands(struct cpc_link *link, struct cpc_error *error)
{
	struct timeval timeout = { .tv_sec = COMMAND_TIMEOUT_S };
	int on = 1, r, fd;

	link->commands = nl_socket_alloc();
	if (!link->commands)
		return no_memory(error);
	r = genl_connect(link->commands);
	if (r < 0) {
		cpc_error_set(error, "cannot open generic netlink: %s", nl_geterror(r));
		return -EIO;
	}
	fd = nl_socket_get_fd(link->commands);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	link->family = genl_ctrl_resolve(link->commands, CPC_NL_FAMILY);
	if (link->family < 0) {
		cpc_error_set(error, "the kernel module is not loaded: modprobe cpchain");
		return -ENOENT;
	}
	/* Old kernels have no words; the number alone will do then. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

static int open_events(struct cpc_link *link, sd_event *loop, struct cpc_error *error)
{
	int r, group, size = EVENT_QUEUE_BYTES;

	link->events = nl_socket_alloc();
	if (!link->events)
		return no_memory(error);
	r = genl_connect(link->events);
	group = r < 0 ? r : genl_ctrl_resolve_grp(link->commands, CPC_NL_FAMILY,
						  CPC_NL_GROUP_EVENTS);
	r = group < 0 ? group : nl_socket_add_membership(link->events, group);
	if (r < 0) {
		cpc_error_set(error, "cannot listen to the module's events: %s", nl_geterror(r));
		return -EIO;
	}
	/* With CAP_NET_ADMIN the system's limit does not hold. */
	if (setsockopt(nl_socket_get_fd(link->events), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) < 0)
		setsockopt(nl_socket_get_fd(link->events), SOL_SOCKET, SO_RCVBUF, &size,
			   sizeof(size));
	r = sd_event_add_io(loop, &link->source, nl_socket_get_fd(link->events), EPOLLIN, on_events,
			    link);
	if (r < 0)
		cpc_error_set(error, "event loop: %s", strerror(-r));
	return r < 0 ? r : 0;
}

int cpc_link_new(sd_event *event, const struct cpc_link_ops *ops, void *ctx,
		 struct cpc_link **ret_link, struct cpc_error *error)
{
	struct cpc_link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return no_memory(error);
	link->ops = *ops;
	link->ctx = ctx;
	cpc_assembler_init(&link->assembler);
	r = open_commands(link, error);
	if (r == 0)
		r = open_events(link, event, error);
	if (r < 0) {
		cpc_link_free(link);
		return r;
	}
	*ret_link = link;
	return 0;
}

void cpc_link_free(struct cpc_link *link)
{
	if (!link)
		return;
	sd_event_source_disable_unref(link->source);
	nl_socket_free(link->events);
	nl_socket_free(link->commands);
	cpc_assembler_done(&link->assembler);
	free(link);
}

void cpc_link_use_epoch(struct cpc_link *link, u16 epoch)
{
	link->epoch = epoch;
}

/* ---- commands -------------------------------------------------------------------------------- */

static int take_cell(struct cpc_link *link, void *ctx, const void *attrs, size_t len)
{
	(void)link;
	return cpc_nl_decode_cell(attrs, len, ctx);
}

int cpc_link_cell_get(struct cpc_link *link, u16 cell, struct cpc_link_cell *ret_cell,
		      struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_CELL_GET, 0, cell);
	struct cpc_link_cell got = { .cell = 0 };
	struct answer answer = { take_cell, &got, error, "asking for the cell" };
	int r = msg ? run(link, msg, &answer) : no_memory(error);

	if (r < 0)
		return r;
	if (got.cell != cell) {
		cpc_error_set(error, "asking for the cell: no answer for cell %u", cell);
		return -EBADMSG;
	}
	*ret_cell = got;
	return 0;
}

static int put_members(struct nl_msg *msg, const struct cpc_link_cell_config *config)
{
	struct nlattr *members = nla_nest_start(msg, CPC_A_MEMBERS), *member;
	unsigned int i;

	if (!members)
		return -ENOMEM;
	for (i = 0; i < config->n; i++) {
		member = nla_nest_start(msg, CPC_A_MEMBER);
		if (!member || nla_put_u8(msg, CPC_A_INDEX, (u8)i) < 0 ||
		    nla_put(msg, CPC_A_NODE_ID, 32, config->node_id[i]) < 0)
			return -ENOMEM;
		nla_nest_end(msg, member);
	}
	nla_nest_end(msg, members);
	return 0;
}

int cpc_link_cell_add(struct cpc_link *link, const struct cpc_link_cell_config *config,
		      struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_CELL_ADD, 0, config->cell);
	struct answer answer = { NULL, NULL, error, "starting the cell" };

	if (!msg || nla_put_u16(msg, CPC_A_EPOCH, config->epoch) < 0 ||
	    nla_put_u32(msg, CPC_A_IFINDEX, config->ifindex) < 0 ||
	    nla_put_u8(msg, CPC_A_SELF, config->self) < 0 ||
	    nla_put_u8(msg, CPC_A_PACING, config->pacing) < 0 ||
	    nla_put_u32(msg, CPC_A_PERIOD_US, config->period_us) < 0 ||
	    nla_put_u8(msg, CPC_A_DEFAULT_VERDICT, config->default_verdict) < 0 ||
	    (config->slow_first_view && nla_put_flag(msg, CPC_A_SLOW_FIRST_VIEW) < 0) ||
	    (config->unanimous && nla_put_flag(msg, CPC_A_UNANIMOUS) < 0) ||
	    (config->base && (nla_put_u32(msg, CPC_A_BASE, config->base) < 0 ||
			      nla_put(msg, CPC_A_PREV_LOG_HASH, CPC_HASH_BYTES,
				      config->base_log_hash.b) < 0)) ||
	    put_members(msg, config) < 0)
		return no_memory(error);
	return run(link, msg, &answer);
}

int cpc_link_cell_del(struct cpc_link *link, u16 cell, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_CELL_DEL, 0, cell);
	struct answer answer = { NULL, NULL, error, "ending the cell" };

	return msg ? run(link, msg, &answer) : no_memory(error);
}

int cpc_link_cell_set(struct cpc_link *link, u16 cell, u8 pacing, u32 period_us,
		      u8 default_verdict, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_CELL_SET, 0, cell);
	struct answer answer = { NULL, NULL, error, "changing the cell's settings" };

	if (!msg || nla_put_u8(msg, CPC_A_PACING, pacing) < 0 ||
	    nla_put_u32(msg, CPC_A_PERIOD_US, period_us) < 0 ||
	    nla_put_u8(msg, CPC_A_DEFAULT_VERDICT, default_verdict) < 0)
		return no_memory(error);
	return run(link, msg, &answer);
}

int cpc_link_key_set(struct cpc_link *link, u16 cell, u8 index, const u8 key[16],
		     struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_KEY_SET, 0, cell);
	struct answer answer = { NULL, NULL, error, "installing a key" };
	int r;

	if (!msg || nla_put_u8(msg, CPC_A_INDEX, index) < 0 ||
	    nla_put(msg, CPC_A_KEY, 16, key) < 0)
		return no_memory(error);
	r = run(link, msg, &answer);
	explicit_bzero(nlmsg_data(nlmsg_hdr(msg)), (size_t)nlmsg_datalen(nlmsg_hdr(msg)));
	return r;
}

struct submitted {
	bool got;
	u8 lane;
	u32 seq;
};

static int take_submitted(struct cpc_link *link, void *ctx, const void *attrs, size_t len)
{
	struct submitted *submitted = ctx;

	(void)link;
	submitted->got = true;
	return cpc_nl_decode_submitted(attrs, len, &submitted->lane, &submitted->seq);
}

int cpc_link_submit(struct cpc_link *link, u16 cell, u8 kind, const u8 *data, size_t len,
		    u32 *ret_seq, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_SUBMIT, 0, cell);
	struct submitted submitted = { .got = false };
	struct answer answer = { take_submitted, &submitted, error, "submitting an entry" };
	int r;

	if (!msg || nla_put_u8(msg, CPC_A_KIND, kind) < 0 ||
	    nla_put(msg, CPC_A_DATA, (int)len, data) < 0)
		return no_memory(error);
	r = run(link, msg, &answer);
	if (r < 0)
		return r;
	if (!submitted.got) {
		cpc_error_set(error, "submitting an entry: the module does not say its number");
		return -EBADMSG;
	}
	*ret_seq = submitted.seq;
	return 0;
}

int cpc_link_verdict(struct cpc_link *link, u16 cell, u8 lane, u32 seq,
		     const struct cpc_digest *head, bool yes, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_VERDICT, 0, cell);
	struct answer answer = { NULL, NULL, error, "giving a verdict" };

	if (!msg || nla_put_u8(msg, CPC_A_LANE, lane) < 0 ||
	    nla_put_u32(msg, CPC_A_SEQ, seq) < 0 ||
	    nla_put(msg, CPC_A_HEAD, sizeof(head->b), head->b) < 0 ||
	    nla_put_u8(msg, CPC_A_VERDICT, yes) < 0)
		return no_memory(error);
	return run(link, msg, &answer);
}

/* The descriptor means what it means to us: the kernel looks it up while we send. */
int cpc_link_policy_set(struct cpc_link *link, u16 cell, u8 kind, int fd, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_POLICY_SET, 0, cell);
	struct answer answer = { NULL, NULL, error, "setting a policy" };

	if (!msg || nla_put_u8(msg, CPC_A_KIND, kind) < 0 ||
	    (fd >= 0 && nla_put_u32(msg, CPC_A_FD, (u32)fd) < 0))
		return no_memory(error);
	return run(link, msg, &answer);
}

static int take_policies(struct cpc_link *link, void *ctx, const void *attrs, size_t len)
{
	(void)link;
	return cpc_nl_decode_policies(attrs, len, ctx);
}

int cpc_link_policies(struct cpc_link *link, u16 cell, struct cpc_link_policies *ret_policies,
		      struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_POLICY_GET, 0, cell);
	struct cpc_link_policies got = { .kind = { { .given = false } } };
	struct answer answer = { take_policies, &got, error, "asking for policies" };
	int r = msg ? run(link, msg, &answer) : no_memory(error);

	if (r == 0)
		*ret_policies = got;
	return r;
}

static int take_conditions(struct cpc_link *link, void *ctx, const void *attrs, size_t len)
{
	(void)link;
	return cpc_nl_decode_conditions(attrs, len, ctx);
}

int cpc_link_conditions(struct cpc_link *link, u16 cell, u8 lane,
			struct cpc_link_conditions *ret_conditions, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_CONDITION_GET, 0, cell);
	struct cpc_link_conditions got = { .has_open = false };
	struct answer answer = { take_conditions, &got, error, "asking who said what" };
	int r;

	if (!msg || nla_put_u8(msg, CPC_A_LANE, lane) < 0)
		return no_memory(error);
	r = run(link, msg, &answer);
	if (r == 0)
		*ret_conditions = got;
	return r;
}

struct decided {
	cpc_link_decision_fn fn;
	void *ctx;
};

static int take_decided(struct cpc_link *link, void *ctx, const void *attrs, size_t len)
{
	struct decided *decided = ctx;
	int r = cpc_assembler_add(&link->assembler, attrs, len);

	return r > 0 ? decided->fn(decided->ctx, &link->assembler.decision) : r;
}

int cpc_link_decided(struct cpc_link *link, u16 cell, u32 after_slot, cpc_link_decision_fn fn,
		     void *ctx, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_DECIDED_GET, NLM_F_DUMP, cell);
	struct decided decided = { fn, ctx };
	struct answer answer = { take_decided, &decided, error, "reading decisions" };

	if (!msg || nla_put_u32(msg, CPC_A_SLOT, after_slot) < 0)
		return no_memory(error);
	link->assembler.open = false;
	return run(link, msg, &answer);
}

static int put_frontier(struct nl_msg *msg, const struct cpc_log_tip *tip)
{
	struct nlattr *lanes = nla_nest_start(msg, CPC_A_LANES), *lane;
	unsigned int i;

	if (!lanes)
		return -ENOMEM;
	for (i = 0; i < tip->n; i++) {
		lane = nla_nest_start(msg, CPC_A_LANE_CUT);
		if (!lane || nla_put_u8(msg, CPC_A_LANE, (u8)i) < 0 ||
		    nla_put_u32(msg, CPC_A_SEQ, tip->seq[i]) < 0 ||
		    nla_put(msg, CPC_A_HEAD, CPC_DIGEST_BYTES, tip->head[i].b) < 0)
			return -ENOMEM;
		nla_nest_end(msg, lane);
	}
	nla_nest_end(msg, lanes);
	return 0;
}

int cpc_link_install(struct cpc_link *link, u16 cell, const struct cpc_log_tip *tip,
		     const struct cpc_hash *prev_log_hash, struct cpc_error *error)
{
	CPC_NL_MSG struct nl_msg *msg = command(link, CPC_C_INSTALL, 0, cell);
	struct answer answer = { NULL, NULL, error, "catching up" };

	if (!msg || nla_put_u32(msg, CPC_A_SLOT, tip->slot) < 0 ||
	    (tip->end && nla_put_u32(msg, CPC_A_END, tip->end) < 0) ||
	    nla_put(msg, CPC_A_PREV_LOG_HASH, CPC_HASH_BYTES, prev_log_hash->b) < 0 ||
	    nla_put(msg, CPC_A_VALUE, CPC_DIGEST_BYTES, tip->value.b) < 0 ||
	    put_frontier(msg, tip) < 0)
		return no_memory(error);
	return run(link, msg, &answer);
}
