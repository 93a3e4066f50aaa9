// SPDX-License-Identifier: BSD-3-Clause
/*
 * cellctl: talks to the module as an agent would, word by word, for tests and for looking.
 *
 *   cellctl COMMAND [NAME=VALUE...]    COMMAND as in uapi/cpchain_nl.h: cell_add, submit, stats_get
 *   cellctl dump COMMAND [NAME=VALUE...]
 *   cellctl keys cell=C self=I n=N      sets the test keys with all other members
 *   cellctl listen [SECONDS]            events, until then
 *   cellctl agent yes|no [SECONDS]      the same, and answers every question so
 *   cellctl fill TIMES cell=C text=...  submits that often, waiting whenever the lane is full
 *   cellctl sum PREFIX cell=C           the sum of the counters whose names begin so
 *   cellctl -n NS[,NS...] ...           does it in each of these network namespaces; sums over all
 *
 * CELLCTL_RECEIVE in the environment is the size of its receive buffer, and so of the messages that
 * the kernel makes: 4096 to 65536, the default.
 *
 * Prints answers as JSON lines. On a refusal it prints "refused: ERROR: what the module says" to
 * standard error and returns 1. It speaks netlink without a library, so that it can also say what
 * a library would not.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "agent/util/cleanup.h"
#include "tools/cellctl/attr.h"
#include "tools/cellctl/names.h"
#include "tools/common/netns_io.h"

struct family {
	uint16_t id;
	uint32_t group;
};

struct request {
	uint16_t type;
	uint16_t flags;
	uint8_t command;
	uint8_t version;
	struct cpc_attr_message attributes;
};

typedef void message_fn(const struct genlmsghdr *header, const uint8_t *attributes, size_t len,
			void *context);

static int send_request(int fd, const struct request *request)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		uint8_t attributes[CPC_ATTR_MESSAGE_MAX];
	} message = {
		.nl = { .nlmsg_type = request->type,
			.nlmsg_flags = NLM_F_REQUEST | request->flags,
			.nlmsg_seq = 1 },
		.genl = { .cmd = request->command, .version = request->version },
	};

	memcpy(message.attributes, request->attributes.bytes, request->attributes.len);
	message.nl.nlmsg_len = (uint32_t)(offsetof(__typeof__(message), attributes) +
					  request->attributes.len);
	return send(fd, &message, message.nl.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The text behind the error code, if the kernel gave one. */
static void find_text(const uint8_t *at, size_t left, char *text, size_t size)
{
	struct nlattr attr;

	while (left >= sizeof(attr)) {
		memcpy(&attr, at, sizeof(attr));
		if (attr.nla_len < NLA_HDRLEN || attr.nla_len > left)
			return;
		if ((attr.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			snprintf(text, size, "%.*s", (int)(attr.nla_len - NLA_HDRLEN),
				 (const char *)at + NLA_HDRLEN);
		if ((size_t)NLA_ALIGN(attr.nla_len) >= left)
			return;
		at += NLA_ALIGN(attr.nla_len);
		left -= NLA_ALIGN(attr.nla_len);
	}
}

/* The end of an exchange: an acknowledgement, a refusal, or the end of a dump. */
static int conclude(const struct nlmsghdr *nl, char *text, size_t size)
{
	const uint8_t *body = NLMSG_DATA(nl);
	size_t len = nl->nlmsg_len - NLMSG_HDRLEN, skip = sizeof(int);
	int error = 0;

	if (len >= sizeof(error))
		memcpy(&error, body, sizeof(error));
	if (nl->nlmsg_type == NLMSG_ERROR)
		skip = sizeof(struct nlmsgerr);
	if (nl->nlmsg_flags & NLM_F_ACK_TLVS && len > skip)
		find_text(body + skip, len - skip, text, size);
	return error;
}

/* Receives until the exchange ends. Returns its result; @text is what the kernel said about it. */
static int receive(int fd, message_fn *each, void *context, char *text, size_t size)
{
	static _Alignas(struct nlmsghdr) uint8_t buffer[65536];
	const char *wanted = getenv("CELLCTL_RECEIVE");
	size_t room = wanted ? strtoul(wanted, NULL, 10) : sizeof(buffer);

	room = room < 4096 ? 4096 : room > sizeof(buffer) ? sizeof(buffer) : room;
	for (;;) {
		ssize_t got = recv(fd, buffer, room, 0);
		const struct nlmsghdr *nl = (const struct nlmsghdr *)buffer;
		int left = (int)got;

		if (got < 0)
			return -errno;
		for (; NLMSG_OK(nl, left); nl = NLMSG_NEXT(nl, left)) {
			const struct genlmsghdr *genl = NLMSG_DATA(nl);

			if (nl->nlmsg_type == NLMSG_ERROR || nl->nlmsg_type == NLMSG_DONE)
				return conclude(nl, text, size);
			if (nl->nlmsg_len >= NLMSG_LENGTH(GENL_HDRLEN))
				each(genl, (const uint8_t *)genl + GENL_HDRLEN,
				     nl->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), context);
		}
	}
}

static int exchange(int fd, const struct request *request, message_fn *each, void *context)
{
	char text[256] = "no reason given";
	int r = send_request(fd, request);

	r = r ? r : receive(fd, each, context, text, sizeof(text));
	if (r)
		fprintf(stderr, "refused: %s: %s\n", strerror(-r), text);
	return r;
}

/* ---- the family ----------------------------------------------------------------------------- */

static const uint8_t *find_attr(const uint8_t *at, size_t left, uint16_t type, size_t *ret_len)
{
	struct nlattr attr;

	while (left >= sizeof(attr)) {
		memcpy(&attr, at, sizeof(attr));
		if (attr.nla_len < NLA_HDRLEN || attr.nla_len > left)
			break;
		if ((attr.nla_type & NLA_TYPE_MASK) == type) {
			*ret_len = attr.nla_len - (size_t)NLA_HDRLEN;
			return at + NLA_HDRLEN;
		}
		if ((size_t)NLA_ALIGN(attr.nla_len) >= left)
			break;
		at += NLA_ALIGN(attr.nla_len);
		left -= NLA_ALIGN(attr.nla_len);
	}
	return NULL;
}

static void on_family(const struct genlmsghdr *header, const uint8_t *attributes, size_t len,
		      void *context)
{
	struct family *family = context;
	const uint8_t *data, *groups;
	size_t data_len, groups_len;

	(void)header;
	data = find_attr(attributes, len, CTRL_ATTR_FAMILY_ID, &data_len);
	if (data && data_len >= sizeof(family->id))
		memcpy(&family->id, data, sizeof(family->id));
	/* The family has one group, so the first one is it. */
	groups = find_attr(attributes, len, CTRL_ATTR_MCAST_GROUPS, &groups_len);
	if (groups)
		groups = find_attr(groups, groups_len, 1, &groups_len);
	data = groups ? find_attr(groups, groups_len, CTRL_ATTR_MCAST_GRP_ID, &data_len) : NULL;
	if (data && data_len >= sizeof(family->group))
		memcpy(&family->group, data, sizeof(family->group));
}

static int open_family(int *ret_fd, struct family *ret_family)
{
	struct request request = { .type = GENL_ID_CTRL, .command = CTRL_CMD_GETFAMILY,
				   .version = 1, .flags = NLM_F_ACK };
	CPC_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int one = 1, r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	cpc_attr_put(&request.attributes, CTRL_ATTR_FAMILY_NAME, CPC_NL_FAMILY,
		     sizeof(CPC_NL_FAMILY));
	r = exchange(fd, &request, on_family, ret_family);
	if (r == 0)
		*ret_fd = CPC_TAKE_FD(fd);
	return r;
}

static void print_message(const struct genlmsghdr *header, const uint8_t *attributes, size_t len,
			  void *context)
{
	const char *name = header->cmd <= CPC_C_MAX ? cpc_command_names[header->cmd] : NULL;

	(void)context;
	printf("{\"%s\":", name ? name : "unknown");
	cpc_attr_print(stdout, attributes, len);
	puts("}");
}

/* ---- verbs ---------------------------------------------------------------------------------- */

static int verb_command(int fd, const struct family *family, bool dump, char **arguments)
{
	static struct request request;
	struct cpc_error error = { 0 };
	int r = 0;

	request = (struct request){ .type = family->id, .version = CPC_NL_VERSION,
				    .flags = dump ? NLM_F_DUMP : NLM_F_ACK };
	request.command = cpc_command_number(arguments[0]);
	if (!request.command) {
		fprintf(stderr, "no command '%s'\n", arguments[0]);
		return -EINVAL;
	}
	for (arguments++; *arguments && r == 0; arguments++)
		r = cpc_attr_add(&request.attributes, *arguments, &error);
	if (r) {
		fprintf(stderr, "%s\n", error.text);
		return r;
	}
	return exchange(fd, &request, print_message, NULL);
}

/* The keys of the tests: key (i, j) of a cell is the same from both ends, and another per epoch. */
static int verb_keys(int fd, const struct family *family, char **arguments)
{
	unsigned int cell = 0, self = 0, n = 0, epoch = 1, i;
	int r = 0;

	for (; *arguments; arguments++) {
		if (sscanf(*arguments, "cell=%u", &cell) != 1 &&
		    sscanf(*arguments, "self=%u", &self) != 1 &&
		    sscanf(*arguments, "n=%u", &n) != 1 &&
		    sscanf(*arguments, "epoch=%u", &epoch) != 1) {
			fprintf(stderr, "keys: '%s'?\n", *arguments);
			return -EINVAL;
		}
	}
	for (i = 0; i < n && r == 0; i++) {
		char cell_arg[32], epoch_arg[32], index[32], key[64];
		char *set[] = { (char *)"key_set", cell_arg, epoch_arg, index, key, NULL };
		unsigned int low = i < self ? i : self, high = i < self ? self : i;

		if (i == self)
			continue;
		snprintf(cell_arg, sizeof(cell_arg), "cell=%u", cell);
		snprintf(epoch_arg, sizeof(epoch_arg), "epoch=%u", epoch);
		snprintf(index, sizeof(index), "index=%u", i);
		snprintf(key, sizeof(key), "key=%02x%02x%02x%02x%024x", cell & 0xff, epoch & 0xff,
			 low, high, 0x5eed);
		r = verb_command(fd, family, false, set);
	}
	return r;
}

static void ignore_message(const struct genlmsghdr *header, const uint8_t *attributes, size_t len,
			   void *context)
{
	(void)header, (void)attributes, (void)len, (void)context;
}

struct agent {
	int fd;			/* not the one that listens */
	struct family family;
	uint8_t verdict;
};

/* Answers a question as soon as it is asked. The lane, sequence and head go back as they came. */
static void answer_question(const struct genlmsghdr *header, const uint8_t *attributes, size_t len,
			    void *context)
{
	static const uint16_t copied[] = { CPC_A_CELL, CPC_A_LANE, CPC_A_SEQ, CPC_A_HEAD };
	static struct request request;
	struct agent *agent = context;
	size_t i, data_len;

	print_message(header, attributes, len, NULL);
	if (header->cmd != CPC_C_EV_QUESTION)
		return;
	request = (struct request){ .type = agent->family.id, .version = CPC_NL_VERSION,
				    .flags = NLM_F_ACK, .command = CPC_C_VERDICT };
	for (i = 0; i < sizeof(copied) / sizeof(*copied); i++) {
		const uint8_t *data = find_attr(attributes, len, copied[i], &data_len);

		if (data)
			cpc_attr_put(&request.attributes, copied[i], data, data_len);
	}
	cpc_attr_put(&request.attributes, CPC_A_VERDICT, &agent->verdict, sizeof(agent->verdict));
	if (exchange(agent->fd, &request, ignore_message, NULL) == 0)
		printf("{\"answered\":%u}\n", agent->verdict);
}

static int listen_for(int fd, const struct family *family, int seconds, message_fn *each,
		      void *context)
{
	struct timespec end, now;
	static _Alignas(struct nlmsghdr) uint8_t buffer[65536];

	if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &family->group,
		       sizeof(family->group)))
		return -errno;
	fputs("{\"listening\":true}\n", stdout);
	clock_gettime(CLOCK_MONOTONIC, &end);
	for (end.tv_sec += seconds;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		const struct nlmsghdr *nl = (const struct nlmsghdr *)buffer;
		int left;

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = (int)(end.tv_sec - now.tv_sec) * 1000;
		if (left <= 0 || poll(&poll_fd, 1, left) <= 0)
			return 0;
		left = (int)recv(fd, buffer, sizeof(buffer), 0);
		for (; NLMSG_OK(nl, left); nl = NLMSG_NEXT(nl, left)) {
			const struct genlmsghdr *genl = NLMSG_DATA(nl);

			each(genl, (const uint8_t *)genl + GENL_HDRLEN,
			     nl->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), context);
		}
	}
}

static int verb_agent(int fd, const struct family *family, char **arguments)
{
	struct agent agent = { .verdict = strcmp(arguments[0], "yes") == 0 };
	CPC_CLOSE int commands = -1;
	int r = open_family(&commands, &agent.family);

	agent.fd = commands;
	return r ? r : listen_for(fd, family, arguments[1] ? atoi(arguments[1]) : 10,
				  answer_question, &agent);
}

struct sum {
	const char *prefix;
	uint64_t total;
};

static void add_counters(const struct genlmsghdr *header, const uint8_t *attributes, size_t len,
			 void *context)
{
	struct sum *sum = context;
	size_t nest_len, value_len;
	const uint8_t *nest = find_attr(attributes, len, CPC_A_COUNTERS, &nest_len), *value;
	uint16_t type;

	(void)header;
	for (type = 1; nest && type <= CPC_N_MAX; type++) {
		uint64_t number = 0;

		if (!cpc_counter_names[type] ||
		    strncmp(cpc_counter_names[type], sum->prefix, strlen(sum->prefix)) != 0)
			continue;
		value = find_attr(nest, nest_len, type, &value_len);
		if (value && value_len == sizeof(number))
			memcpy(&number, value, sizeof(number));
		sum->total += number;
	}
}

static int verb_sum(int fd, const struct family *family, const char *cell, struct sum *sum)
{
	static struct request request;
	struct cpc_error error = { 0 };

	request = (struct request){ .type = family->id, .version = CPC_NL_VERSION,
				    .flags = NLM_F_ACK, .command = CPC_C_STATS_GET };
	if (cpc_attr_add(&request.attributes, cell, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return -EINVAL;
	}
	return exchange(fd, &request, add_counters, sum);
}

static int verb_fill(int fd, const struct family *family, char **arguments)
{
	static struct request request;
	unsigned long times = strtoul(arguments[0], NULL, 10);
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct cpc_error error = { 0 };
	char text[256];
	int r = 0;

	request = (struct request){ .type = family->id, .version = CPC_NL_VERSION,
				    .flags = NLM_F_ACK, .command = CPC_C_SUBMIT };
	cpc_attr_put(&request.attributes, CPC_A_KIND, "", 1);
	for (arguments++; *arguments && r == 0; arguments++)
		r = cpc_attr_add(&request.attributes, *arguments, &error);
	while (times && r == 0) {
		r = send_request(fd, &request);
		r = r ? r : receive(fd, ignore_message, NULL, text, sizeof(text));
		if (r == 0)
			times--;
		else if (r == -EAGAIN)
			r = nanosleep(&pause, NULL);
	}
	if (r)
		fprintf(stderr, "refused: %s: %s\n", strerror(-r), text);
	return r;
}

/* One command in the network namespace that the process is in. */
static int run(int argc, char **argv, struct sum *sum)
{
	struct family family = { 0 };
	CPC_CLOSE int fd = -1;
	int r = open_family(&fd, &family);

	if (r)
		return r;
	if (strcmp(argv[0], "keys") == 0)
		return verb_keys(fd, &family, argv + 1);
	if (strcmp(argv[0], "listen") == 0)
		return listen_for(fd, &family, argc > 1 ? atoi(argv[1]) : 10, print_message, NULL);
	if (strcmp(argv[0], "agent") == 0 && argc > 1)
		return verb_agent(fd, &family, argv + 1);
	if (strcmp(argv[0], "fill") == 0 && argc > 1)
		return verb_fill(fd, &family, argv + 1);
	if (strcmp(argv[0], "sum") == 0 && argc == 3) {
		sum->prefix = argv[1];
		return verb_sum(fd, &family, argv[2], sum);
	}
	if (strcmp(argv[0], "dump") == 0 && argc > 1)
		return verb_command(fd, &family, true, argv + 1);
	return verb_command(fd, &family, false, argv);
}

int main(int argc, char **argv)
{
	bool everywhere = argc > 3 && strcmp(argv[1], "-n") == 0;
	char **command = argv + (everywhere ? 3 : 1), *name;
	struct cpc_error error = { 0 };
	struct sum sum = { 0 };
	int r = 0;

	if (argc < 2) {
		fputs("cellctl [-n NS,...] [dump] COMMAND [NAME=VALUE...] | keys ... | listen "
		      "[SECONDS] | sum ...\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!everywhere)
		r = run(argc - 1, command, &sum);
	for (name = everywhere ? strtok(argv[2], ",") : NULL; name && r == 0;
	     name = strtok(NULL, ",")) {
		r = cpc_netns_enter(name, &error);
		if (r)
			fprintf(stderr, "%s\n", error.text);
		r = r ? r : run(argc - 3, command, &sum);
	}
	if (sum.prefix && r == 0)
		printf("%llu\n", (unsigned long long)sum.total);
	return r ? 1 : 0;
}
