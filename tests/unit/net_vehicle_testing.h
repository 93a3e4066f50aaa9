/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef NET_VEHICLE_TESTING_H
#define NET_VEHICLE_TESTING_H

/*
 * A vehicle of net_testing.h's channel: the process that runs its agent's net, reports what it is
 * called for, and does what the test says. What the kernel module would keep, the pairwise keys, is
 * in shared memory and so outlives an agent that is killed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/net/net.h"
#include "certificate_testing.h"

enum {
	LAN_MAX = 5,		/* members 0..3, and perhaps a stranger */
	LAN_PORT = 4350,
	LAN_CELL = 7,
	LAN_EPOCH = 3,
	LAN_EPOCHS = 4,		/* this one and those after it */
};

/* What a vehicle tells the test; other vehicles by their number, LAN_MAX for one without. */
struct report {
	enum {
		REPORT_PEER,
		REPORT_FETCHED,
		REPORT_TOLD,
		REPORT_FOUND,
		REPORT_STATUS,
		REPORT_CALL,
	} kind;
	unsigned peer;
	int value;	/* up; bytes fetched; epoch found; what a call returned */
	bool intact;	/* what was fetched or told is as it was served or said */
};

/* What the test tells a vehicle. */
struct command {
	enum {
		COMMAND_FETCH,		/* after that slot */
		COMMAND_TELL,		/* so many times */
		COMMAND_KNOW,		/* bit 0: call, bit 1: trusted */
		COMMAND_FORGET,
		COMMAND_PRESENT,	/* that epoch of the cell; 0: no cell */
		COMMAND_OFFER,		/* bit i: epoch LAN_EPOCH + i */
		COMMAND_STATUS,
		COMMAND_RESET,
		COMMAND_QUIT,
	} kind;
	unsigned peer;
	uint32_t value;
};

/* A vehicle's agent, as it starts. */
struct setting {
	unsigned known, call, trusted;	/* bit k: vehicle k */
	uint16_t epoch;			/* that it presents; 0: no cell */
	uint16_t sought;		/* the cell that it asks to join; whom it finds, it calls */
	uint32_t offers;		/* as in COMMAND_OFFER */
	bool believes;			/* the test's authority may certify strangers */
	X509 *certificate;		/* to show, or NULL */
	unsigned phantoms;		/* so many known nodes that are not there */
};

struct shared {
	struct {
		bool has;
		uint8_t key[CPC_CELL_KEY_BYTES];
		unsigned installs;
	} kernel[LAN_MAX][LAN_MAX][LAN_EPOCHS];
	struct cpc_net_peer_status peer[LAN_MAX][LAN_MAX];
	bool there[LAN_MAX][LAN_MAX];	/* with the above: it has a place */
	struct cpc_net_status net[LAN_MAX];
};

struct vehicle {
	int netns, tap, control;
	pid_t pid;
	bool cut;	/* its radio is out of reach of all */
	struct setting setting;
	bool up[LAN_MAX];
	unsigned ups[LAN_MAX];
	unsigned strangers;	/* without number, that are up */
	bool fetched[LAN_MAX], intact[LAN_MAX], called;
	unsigned told[LAN_MAX];
	bool found[LAN_MAX];
	bool asked, status;	/* a status was asked for; one has arrived since */
	int fetched_bytes[LAN_MAX], result;
};

struct lan {
	unsigned n, members;
	struct vehicle vehicle[LAN_MAX];
	struct cpc_identity *identity[LAN_MAX];
	uint8_t node_id[LAN_MAX][CPC_NODE_ID_BYTES];
	struct authority authority;
	char folder[40];		/* for what agents read from files */
	struct shared *shared;
	unsigned loss_percent;
	uint64_t random;
	unsigned long frames;
};

/* ---- a vehicle's process ------------------------------------------------------------------ */

struct node {
	struct lan *lan;
	unsigned self;
	int control;
	sd_event *event;
	sd_event_source *timer;		/* for what could not be told at once */
	struct cpc_net *net;
	uint32_t asked, telling, heard[LAN_MAX];
	unsigned telling_whom;
};

static inline void node_tell(struct node *node, struct report report)
{
	if (send(node->control, &report, sizeof(report), MSG_NOSIGNAL) != sizeof(report))
		sd_event_exit(node->event, 0);	/* the test has ended */
}

static inline unsigned vehicle_with(const struct lan *lan, const uint8_t *node_id)
{
	for (unsigned i = 0; i < lan->n; i++) {
		if (memcmp(lan->node_id[i], node_id, CPC_NODE_ID_BYTES) == 0)
			return i;
	}
	return LAN_MAX;
}

static inline unsigned vehicle_at(const struct node *node, unsigned peer)
{
	const uint8_t *node_id = cpc_net_node_id(node->net, peer);

	if (!node_id)
		abort();
	return vehicle_with(node->lan, node_id);
}

/* Which epoch a question is about: any, so that one that gets lost shows. */
static inline uint16_t asked_epoch(uint32_t after_slot)
{
	return (uint16_t)(after_slot * 3 + 1);
}

/* Decisions of a size and content that depend on the question: any byte amiss shows. */
static inline size_t blob_bytes(uint32_t after_slot)
{
	return after_slot == 9999 ? CPC_NET_BLOB_MAX : after_slot;
}

static inline uint8_t blob_byte(uint32_t after_slot, size_t at)
{
	return (uint8_t)((at * 31 + after_slot) ^ at >> 8);
}

static inline void on_key(void *ctx, unsigned peer, uint16_t cell, uint16_t epoch,
			  const uint8_t key[16])
{
	struct node *node = ctx;
	unsigned i = epoch - LAN_EPOCH, k = vehicle_at(node, peer);

	if (cell != LAN_CELL || i >= LAN_EPOCHS || k == LAN_MAX)
		abort();
	node->lan->shared->kernel[node->self][k][i].has = true;
	node->lan->shared->kernel[node->self][k][i].installs++;
	memcpy(node->lan->shared->kernel[node->self][k][i].key, key, CPC_CELL_KEY_BYTES);
}

static inline bool on_key_id(void *ctx, unsigned peer, uint16_t cell, uint16_t epoch,
			     uint8_t ret_id[8])
{
	struct node *node = ctx;
	unsigned i = epoch - LAN_EPOCH, k = vehicle_at(node, peer);

	if (cell != LAN_CELL || i >= LAN_EPOCHS)
		abort();
	if (k == LAN_MAX || !node->lan->shared->kernel[node->self][k][i].has)
		return false;
	cpc_net_key_id(node->lan->shared->kernel[node->self][k][i].key, ret_id);
	return true;
}

static inline int on_serve(void *ctx, unsigned peer, uint16_t cell, uint16_t epoch,
			   uint32_t after_slot, struct cpc_buffer *out)
{
	size_t len = blob_bytes(after_slot);
	uint8_t *bytes;

	(void)ctx, (void)peer;
	if (cell != LAN_CELL || epoch != asked_epoch(after_slot))
		abort();
	if (after_slot == 0)
		return -ENODATA;
	if (cpc_buffer_extend(out, len, &bytes) < 0)
		abort();
	for (size_t i = 0; i < len; i++)
		bytes[i] = blob_byte(after_slot, i);
	return 0;
}

static inline void on_fetched(void *ctx, unsigned peer, const uint8_t *data, size_t len)
{
	struct node *node = ctx;
	struct report report = { REPORT_FETCHED, vehicle_at(node, peer), (int)len,
				 len == blob_bytes(node->asked) };

	for (size_t i = 0; i < len && report.intact; i++)
		report.intact = data[i] == blob_byte(node->asked, i);
	node_tell(node, report);
}

/* What is told for the n-th time: 5 to CPC_NET_TELL_MAX bytes that depend on n. */
static inline size_t told_bytes(uint32_t n, uint8_t *bytes)
{
	size_t len = 5 + n * 97 % (CPC_NET_TELL_MAX - 4);

	for (size_t i = 0; i < len; i++)
		bytes[i] = blob_byte(n, i);
	return len;
}

static inline void on_told(void *ctx, unsigned peer, const uint8_t *data, size_t len)
{
	struct node *node = ctx;
	unsigned k = vehicle_at(node, peer);
	uint8_t expected[CPC_NET_TELL_MAX];
	size_t expected_len;

	if (k == LAN_MAX)
		return;
	expected_len = told_bytes(node->heard[k]++, expected);
	node_tell(node, (struct report){ REPORT_TOLD, k, (int)len,
					 len == expected_len && memcmp(data, expected, len) == 0 });
}

static inline void on_found(void *ctx, const uint8_t node_id[32], uint16_t epoch)
{
	struct node *node = ctx;
	unsigned k = vehicle_with(node->lan, node_id);
	struct cpc_net_relation relation = {
		.call = true,
		.trusted = node->lan->vehicle[node->self].setting.trusted >> k & 1,
	};

	if (cpc_net_know(node->net, node_id, relation) < 0)
		abort();
	node_tell(node, (struct report){ REPORT_FOUND, k, epoch, false });
}

static inline void on_peer(void *ctx, unsigned peer, bool up)
{
	struct node *node = ctx;

	node_tell(node, (struct report){ REPORT_PEER, vehicle_at(node, peer), up, false });
}

static inline void node_status(struct node *node)
{
	struct shared *shared = node->lan->shared;

	for (unsigned i = 0; i < node->lan->n; i++) {
		int peer = cpc_net_find(node->net, node->lan->node_id[i]);

		shared->there[node->self][i] = peer >= 0;
		if (peer < 0)
			shared->peer[node->self][i] = (struct cpc_net_peer_status){ 0 };
		else
			cpc_net_peer_status(node->net, (unsigned)peer,
					    &shared->peer[node->self][i]);
	}
	cpc_net_status(node->net, &shared->net[node->self]);
	node_tell(node, (struct report){ REPORT_STATUS, 0, 0, false });
}

/* Tells what is left to be told, as fast as it is taken. */
static inline int tell_on(sd_event_source *source, uint64_t usec, void *arg)
{
	struct node *node = arg;
	uint8_t bytes[CPC_NET_TELL_MAX];
	int r = 0;

	(void)usec;
	while (node->telling > 0 && r == 0) {
		size_t len = told_bytes(node->heard[node->self], bytes);

		r = cpc_net_tell(node->net, node->telling_whom, bytes, len);
		if (r == 0) {
			node->telling--;
			node->heard[node->self]++;
		}
	}
	if (r < 0 && r != -EAGAIN)
		abort();
	sd_event_source_set_time_relative(source, CPC_NET_TELL_GAP_MS * 1000);
	return sd_event_source_set_enabled(source, r < 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static inline void node_offer(struct node *node, uint32_t offers)
{
	struct cpc_net_epoch epochs[LAN_EPOCHS];
	unsigned n = 0;

	for (unsigned i = 0; i < LAN_EPOCHS; i++) {
		if (offers >> i & 1)
			epochs[n++] = (struct cpc_net_epoch){ LAN_CELL, (uint16_t)(LAN_EPOCH + i) };
	}
	cpc_net_offer(node->net, epochs, n);
}

static inline int node_know(struct node *node, unsigned vehicle, bool call, bool trusted)
{
	struct cpc_net_relation relation = { .call = call, .trusted = trusted };

	return cpc_net_know(node->net, node->lan->node_id[vehicle], relation);
}

static inline void node_obey(struct node *node, struct command command)
{
	int found = cpc_net_find(node->net, node->lan->node_id[command.peer]);
	unsigned peer = found < 0 ? CPC_NET_PEERS_MAX : (unsigned)found;
	int r = 0;

	switch (command.kind) {
	case COMMAND_FETCH:
		r = cpc_net_fetch(node->net, peer, LAN_CELL, asked_epoch(command.value),
				  command.value);
		if (r == 0)
			node->asked = command.value;
		break;
	case COMMAND_TELL:
		node->telling = command.value;
		node->telling_whom = peer;
		tell_on(node->timer, 0, node);
		break;
	case COMMAND_KNOW:
		r = node_know(node, command.peer, command.value & 1, command.value & 2);
		break;
	case COMMAND_FORGET:
		cpc_net_forget(node->net, peer);
		break;
	case COMMAND_PRESENT:
		cpc_net_present(node->net, command.value ? LAN_CELL : 0, (uint16_t)command.value);
		break;
	case COMMAND_OFFER:
		node_offer(node, command.value);
		break;
	case COMMAND_RESET:
		cpc_net_reset(node->net, peer);
		break;
	case COMMAND_STATUS:
		node_status(node);
		return;
	case COMMAND_QUIT:
		break;
	}
	node_tell(node, (struct report){ REPORT_CALL, command.peer, r, false });
}

static inline int on_command(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct node *node = arg;
	struct command command;
	ssize_t n = recv(fd, &command, sizeof(command), 0);

	(void)source, (void)events;
	if (n != sizeof(command) || command.kind == COMMAND_QUIT)
		return sd_event_exit(node->event, 0);
	node_obey(node, command);
	return 0;
}

static inline void lan_path(const struct lan *lan, unsigned i, char path[64])
{
	snprintf(path, 64, "%s/%u.pem", lan->folder, i);
}

static inline int node_main(struct lan *lan, unsigned self, int control)
{
	static const struct cpc_net_ops ops = { on_key, on_key_id, on_serve, on_fetched, on_told,
						on_found, on_peer };
	const struct setting *setting = &lan->vehicle[self].setting;
	struct node node = { .lan = lan, .self = self, .control = control };
	char own[64], authority[64];
	struct cpc_net_config config = {
		.identity = lan->identity[self], .ifname = "radio0", .port = LAN_PORT,
		.certificate = setting->certificate ? own : "",
		.authority = setting->believes ? authority : NULL,
	};
	struct cpc_error error = { "" };
	int r;

	lan_path(lan, self, own);
	lan_path(lan, LAN_MAX, authority);
	if (sd_event_new(&node.event) < 0)
		return 2;
	config.event = node.event;
	r = cpc_net_new(&config, &ops, &node, &node.net, &error);
	if (r < 0) {
		fprintf(stderr, "vehicle %u: %s\n", self, error.text);
		return 3;
	}
	if (sd_event_add_io(node.event, NULL, control, POLLIN, on_command, &node) < 0 ||
	    sd_event_add_time(node.event, &node.timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, tell_on,
			      &node) < 0)
		return 2;
	for (unsigned i = 0; i < lan->n; i++) {
		if (setting->known >> i & 1 && i != self)
			node_know(&node, i, setting->call >> i & 1, setting->trusted >> i & 1);
	}
	for (unsigned i = 0; i < setting->phantoms; i++) {
		const uint8_t id[CPC_NODE_ID_BYTES] = { 'n', 'o', 'b', (uint8_t)i };

		cpc_net_know(node.net, id, (struct cpc_net_relation){ .trusted = true });
	}
	cpc_net_present(node.net, setting->epoch ? LAN_CELL : 0, setting->epoch);
	cpc_net_seek(node.net, setting->sought);
	node_offer(&node, setting->offers);
	r = sd_event_loop(node.event);
	cpc_net_free(node.net);
	sd_event_source_disable_unref(node.timer);
	sd_event_unref(node.event);
	return r;
}

#endif
