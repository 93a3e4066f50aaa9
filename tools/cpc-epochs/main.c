// SPDX-License-Identifier: BSD-3-Clause
/*
 * cpc-epochs: members join, leave, restart and change keys, over and over, while the cell decides.
 *
 *   cpc-epochs NAMESPACE,... [changes=100] [members=4] [outstanding=2] [pacing=2] [seed=1]
 *              [limit=600]
 *
 * It plays the agents of all vehicles, each through a netlink link of its own in its namespace
 * (interface wlan0), and does what agents do: says yes to changes, follows the decided log, makes
 * the next epoch when one ends, submits again what that left undecided, brings back laggards. The
 * first `members` namespaces start as cell 1; the others join later.
 *
 *   a change is proposed -> decided, accepted -> epoch ends 4 slots later -> every member that
 *   stays makes the next epoch; who joins or lost its memory does so once f+1 agree on it -> all
 *   decide in it -> the old one is deleted -> the next change
 *
 * What must hold (truth.h): all decide the same; every entry of a vehicle that is a member at the
 * end is decided exactly once. Prints a JSON object; exit status 1 if something did not hold.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <cpchain/change.h>

#include "agent/link/link.h"
#include "tools/common/netns_io.h"
#include "tools/common/random.h"
#include "tools/cpc-epochs/truth.h"

enum {
	CELL = 1,
	OUTSTANDING_MAX = 12,
	TICK_US = 5000,
	SETTLED_SLOTS = 3,		/* decided by all before the next change */
	PATIENCE_US = 8000000,		/* before a change is proposed again */
	GAPS_MAX = 1 << 16,
	COMPLAIN_US = 10000000,
};

struct pending {
	u32 number;
	u32 seq;			/* in the present epoch, 0: not submitted there */
};

struct vehicle {
	unsigned int index;
	struct run *run;
	struct cpc_link *link;
	u32 ifindex;
	u16 epoch;			/* it takes part in, 0: none */
	u16 old;			/* still in the kernel for laggards, 0: none */
	u32 slot, end;
	u64 ended_us;			/* when its last epoch ended; 0: decided since */
	u32 fetch;			/* slot to install, 0: none */
	u32 next_number, pendings;
	struct pending pending[OUTSTANDING_MAX];
};

struct run {
	sd_event *event;
	struct cpc_truth truth;
	struct vehicle vehicle[CPC_EPOCHS_VEHICLES];
	unsigned int vehicles, changes, changes_wanted, outstanding, proposer;
	unsigned int joins, leaves, restarts, rekeys, proposals, installs;
	u8 pacing;
	u64 random, limit_us, started_us, proposed_us, told_us;
	u16 proposed_epoch;		/* a change is on its way in it */
	u32 forgetful;			/* vehicles, by bit, that lost their memory */
	u32 gaps;
	u32 gap_us[GAPS_MAX];
	struct cpc_error error;
	int failed;
};

static u64 now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static u32 below(struct run *run, u32 bound)
{
	return cpc_random_below(&run->random, bound);
}

static int fail(struct run *run, const struct vehicle *v, const char *what)
{
	if (!run->failed)
		fprintf(stderr, "cpc-epochs: vehicle %u, epoch %u, slot %u: %s: %s\n", v->index + 1,
			v->epoch, v->slot, what, run->error.text);
	run->failed = 1;
	sd_event_exit(run->event, 1);
	return -EPROTO;
}

/* ---- a vehicle's part in an epoch ------------------------------------------------------------ */

/* The same from both ends, another one in each epoch. */
static void make_key(u16 epoch, unsigned int a, unsigned int b, u8 key[16])
{
	memset(key, 0x5e, 16);
	memcpy(key, &epoch, sizeof(epoch));
	key[2] = (u8)(a < b ? a : b);
	key[3] = (u8)(a < b ? b : a);
}

static int join_epoch(struct vehicle *v, const struct cpc_epoch *e)
{
	struct run *run = v->run;
	uint8_t ids[CPC_EPOCHS_VEHICLES][32];
	int self = cpc_epoch_index(e, v->index);
	struct cpc_link_cell_config config = {
		.cell = CELL, .epoch = e->number, .ifindex = v->ifindex, .self = (u8)self,
		.n = e->n, .node_id = (const uint8_t (*)[32])ids, .pacing = run->pacing,
		.period_us = 100000, .default_verdict = 2, .unanimous = e->n < CPC_MEMBERS_MIN,
		.base = e->start.slot,
	};
	u8 key[16];

	cpc_epoch_node_ids(e, ids);
	if (e->start.slot)
		config.base_log_hash = e->base_log_hash;
	if (cpc_link_cell_add(v->link, &config, &run->error) < 0)
		return fail(run, v, "joining");
	cpc_link_use_epoch(v->link, e->number);
	for (unsigned int i = 0; i < e->n; i++) {
		if ((int)i == self)
			continue;
		make_key(e->number, v->index, e->vehicle[i], key);
		if (cpc_link_key_set(v->link, CELL, (u8)i, key, &run->error) < 0)
			return fail(run, v, "a key");
	}
	v->old = v->epoch;
	v->epoch = e->number;
	v->slot = e->start.slot;
	v->end = 0;
	v->fetch = 0;
	for (u32 i = 0; i < v->pendings; i++)
		v->pending[i].seq = 0;
	return 0;
}

static void leave_kernel(struct vehicle *v, u16 epoch)
{
	struct cpc_error ignored;

	cpc_link_use_epoch(v->link, epoch);
	cpc_link_cell_del(v->link, CELL, &ignored);
	cpc_link_use_epoch(v->link, v->epoch);
}

/* Submits what waits, and new entries up to the number that may be outstanding. */
static void submit(struct vehicle *v)
{
	struct run *run = v->run;
	bool more = run->changes < run->changes_wanted;
	u8 data[CPC_EPOCHS_ENTRY_BYTES];

	while (more && v->pendings < run->outstanding && v->next_number < CPC_EPOCHS_NUMBERS)
		v->pending[v->pendings++] = (struct pending){ .number = v->next_number++ };
	for (u32 i = 0; i < v->pendings; i++) {
		struct pending *p = &v->pending[i];
		struct cpc_error error;
		int r;

		if (p->seq)
			continue;
		cpc_truth_entry(v->index, p->number, data);
		r = cpc_link_submit(v->link, CELL, CPC_ENTRY_ORDINARY, data, sizeof(data), &p->seq,
				    &error);
		if (r == -EAGAIN || r == -ESHUTDOWN)
			return;
		if (r < 0) {
			run->error = error;
			fail(run, v, "submitting");
			return;
		}
	}
}

/* ---- following the log ----------------------------------------------------------------------- */

static void settle_pending(struct vehicle *v, const struct cpc_log_lane *lane)
{
	for (u32 i = 0; i < v->pendings;) {
		if (v->pending[i].seq && v->pending[i].seq <= lane->seq)
			v->pending[i] = v->pending[--v->pendings];
		else
			i++;
	}
}

static int on_decision(void *ctx, const struct cpc_log_decision *decision)
{
	struct vehicle *v = ctx;
	struct run *run = v->run;
	const struct cpc_log_tip *tip;
	u64 now = now_us();
	int r = cpc_truth_decided(&run->truth, v->epoch, decision, &run->error);

	if (r < 0)
		return r;
	if (v->ended_us && run->gaps < GAPS_MAX)
		run->gap_us[run->gaps++] = (u32)(now - v->ended_us);
	v->ended_us = 0;
	v->slot = decision->slot;
	tip = cpc_truth_tip(&run->truth, v->epoch, v->slot);
	for (unsigned int l = 0; l < decision->lanes; l++) {
		const struct cpc_log_lane *lane = &decision->lane[l];

		if (lane->accepted & CPC_ACCEPTED_CHANGE && !v->end)
			v->end = decision->slot + CPC_CHANGE_DELAY;
		if (tip && lane->lane == cpc_epoch_index(v->epoch == run->truth.epoch.number ?
							 &run->truth.epoch :
							 &run->truth.before, v->index))
			settle_pending(v, lane);
	}
	if (v->slot != v->end)
		return 0;
	v->ended_us = now;
	return cpc_truth_ended(&run->truth, v->epoch, v->slot, &decision->log_hash, &run->error);
}

static void follow(struct vehicle *v)
{
	struct run *run = v->run;
	int r;

	if (!v->epoch)
		return;
	r = cpc_link_decided(v->link, CELL, v->slot, on_decision, v, &run->error);
	if (r == -ENODATA) {
		v->fetch = v->fetch ? v->fetch : v->slot + 1;
		return;
	}
	if (r < 0) {
		fail(run, v, "following");
		return;
	}
	if (!v->end || v->slot != v->end) {
		submit(v);
		return;
	}
	if (v->epoch == run->truth.epoch.number || cpc_epoch_index(&run->truth.epoch, v->index) < 0)
		return;		/* it left; the kernel's cell goes with all the others' */
	if (join_epoch(v, &run->truth.epoch) == 0)
		submit(v);
}

/* Of what it did not see decided, other agents told it. */
static void drop_decided(struct vehicle *v)
{
	for (u32 i = 0; i < v->pendings;) {
		if (v->run->truth.decided[v->index][v->pending[i].number])
			v->pending[i] = v->pending[--v->pendings];
		else
			i++;
	}
}

/* Another agent has what this one missed. */
static void fetch(struct vehicle *v)
{
	struct run *run = v->run;
	const struct cpc_log_tip *tip = cpc_truth_tip(&run->truth, v->epoch, v->fetch);
	const struct cpc_log_tip *before = cpc_truth_tip(&run->truth, v->epoch, v->fetch - 1);
	struct cpc_error ignored;

	if (!tip || !before || v->fetch <= v->slot)
		return;
	if (cpc_link_install(v->link, CELL, tip, &before->log_hash, &ignored) < 0)
		return;
	run->installs++;
	v->slot = v->fetch;
	v->end = tip->end;
	v->fetch = 0;
	drop_decided(v);
}

static void on_event(void *ctx, const struct cpc_link_event *event)
{
	struct vehicle *v = ctx;
	struct cpc_error ignored;

	if (event->cell != CELL || event->epoch != v->epoch)
		return;
	switch (event->type) {
	case CPC_C_EV_DECIDED:
		follow(v);
		break;
	case CPC_C_EV_BEHIND:
		v->fetch = event->slot;
		break;
	case CPC_C_EV_QUESTION:
		/* Too late is no harm: whoever else said yes was enough. */
		cpc_link_verdict(v->link, CELL, event->lane, event->seq, &event->head, true,
				 &ignored);
		break;
	default:
		break;
	}
}

static void on_overrun(void *ctx)
{
	follow(ctx);
}

/* ---- changes --------------------------------------------------------------------------------- */

static unsigned int idle_vehicle(struct run *run)
{
	unsigned int start = below(run, run->vehicles);

	for (unsigned int i = 0; i < run->vehicles; i++) {
		unsigned int at = (start + i) % run->vehicles;

		if (cpc_epoch_index(&run->truth.epoch, at) < 0)
			return at;
	}
	return run->vehicles;
}

/* Joins and leaves in turn, as far as there are vehicles; now and then new keys, or a restart. */
static int choose(struct run *run, struct cpc_member_change *change, u8 *node_id)
{
	const struct cpc_epoch *e = &run->truth.epoch;
	unsigned int idle = idle_vehicle(run), kind = below(run, 10), who;

	*change = (struct cpc_member_change){ .node_id = node_id };
	run->proposer = e->vehicle[below(run, e->n)];
	if (kind == 0) {
		run->rekeys++;
	} else if (kind == 1) {
		do
			who = e->vehicle[below(run, e->n)];
		while (who == run->proposer);
		leave_kernel(&run->vehicle[who], run->vehicle[who].epoch);
		run->vehicle[who].epoch = 0;
		run->forgetful |= 1u << who;
		run->restarts++;
	} else if (idle < run->vehicles && (e->n <= CPC_MEMBERS_MIN || kind < 6)) {
		change->joining = 1;
		memset(node_id, (int)idle + 1, 32);
		run->joins++;
	} else {
		who = below(run, e->n);
		if (e->vehicle[who] == run->proposer)
			who = (who + 1) % e->n;
		change->leaving = 1ULL << who;
		run->leaves++;
	}
	return 0;
}

static void propose(struct run *run)
{
	static struct cpc_member_change change;
	static u8 node_id[32];
	u8 data[CPC_ENTRY_DATA_MAX];
	struct cpc_error error;
	u32 seq;
	int len, r;

	if (run->proposed_epoch != run->truth.epoch.number) {
		choose(run, &change, node_id);
		run->proposed_epoch = run->truth.epoch.number;
		run->proposed_us = 0;
	}
	if (run->proposed_us && now_us() - run->proposed_us < PATIENCE_US)
		return;
	len = cpc_change_encode(&change, data, sizeof(data));
	r = cpc_link_submit(run->vehicle[run->proposer].link, CELL, CPC_ENTRY_CHANGE, data,
			    (size_t)len, &seq, &error);
	if (r == 0) {
		run->proposed_us = now_us();
		run->proposals++;
	} else if (r != -EAGAIN && r != -ESHUTDOWN) {
		run->error = error;
		fail(run, &run->vehicle[run->proposer], "proposing");
	}
}

/* Who joins, or lost its memory, believes f+1 of the epoch before. */
static void join_late(struct run *run)
{
	const struct cpc_epoch *e = &run->truth.epoch;

	if (e->confirmed < cpc_blocking(run->truth.before.n))
		return;
	for (unsigned int i = 0; i < e->n; i++) {
		struct vehicle *v = &run->vehicle[e->vehicle[i]];

		if (v->epoch == e->number)
			continue;
		/* A member of the epoch before comes by itself, when it has followed to its end. */
		if (cpc_epoch_index(&run->truth.before, v->index) >= 0 &&
		    !(run->forgetful >> v->index & 1))
			continue;
		v->ended_us = 0;
		if (v->epoch) {
			leave_kernel(v, v->epoch);
			v->epoch = 0;
		}
		drop_decided(v);
		if (join_epoch(v, e) < 0)
			return;
		v->old = 0;
		run->forgetful &= ~(1u << v->index);
		submit(v);
	}
}

static bool all_settled(const struct run *run)
{
	const struct cpc_epoch *e = &run->truth.epoch;

	for (unsigned int i = 0; i < e->n; i++) {
		const struct vehicle *v = &run->vehicle[e->vehicle[i]];

		if (v->epoch != e->number || v->slot < e->start.slot + SETTLED_SLOTS)
			return false;
	}
	return true;
}

static bool drained(const struct run *run)
{
	const struct cpc_epoch *e = &run->truth.epoch;

	for (unsigned int i = 0; i < e->n; i++)
		if (run->vehicle[e->vehicle[i]].pendings)
			return false;
	return true;
}

static void clean_up(struct run *run)
{
	for (unsigned int i = 0; i < run->vehicles; i++) {
		struct vehicle *v = &run->vehicle[i];

		if (v->old)
			leave_kernel(v, v->old);
		v->old = 0;
		if (!v->epoch || v->epoch == run->truth.epoch.number)
			continue;
		leave_kernel(v, v->epoch);	/* it has left */
		v->epoch = 0;
	}
}

static void say_where(struct run *run)
{
	u64 now = now_us();

	if (now - run->told_us < COMPLAIN_US)
		return;
	run->told_us = now;
	fprintf(stderr, "change %u, epoch %u of %u from slot %u:", run->changes,
		run->truth.epoch.number, run->truth.epoch.n, run->truth.epoch.start.slot);
	for (unsigned int i = 0; i < run->vehicles; i++)
		fprintf(stderr, " %u/%u+%u", run->vehicle[i].epoch, run->vehicle[i].slot,
			run->vehicle[i].pendings);
	fprintf(stderr, "\n");
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct run *run = userdata;

	(void)usec;
	say_where(run);
	for (unsigned int i = 0; i < run->vehicles; i++) {
		struct vehicle *v = &run->vehicle[i];

		if (v->fetch)
			fetch(v);
		if (v->epoch)
			follow(v);
	}
	join_late(run);
	if (run->proposed_epoch && run->proposed_epoch < run->truth.epoch.number) {
		if (all_settled(run)) {
			clean_up(run);
			run->changes++;
			run->proposed_epoch = 0;
		}
	} else if (run->changes < run->changes_wanted) {
		if (run->proposed_epoch || all_settled(run))
			propose(run);
	} else if (drained(run)) {
		return sd_event_exit(run->event, 0);
	}
	if (now_us() - run->started_us > run->limit_us) {
		cpc_error_set(&run->error, "not done in %" PRIu64 " s", run->limit_us / 1000000);
		return fail(run, &run->vehicle[0], "time");
	}
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- start and report ------------------------------------------------------------------------ */

static int open_vehicle(struct run *run, struct vehicle *v, const char *name)
{
	static const struct cpc_link_ops ops = { .event = on_event, .overrun = on_overrun };
	int r = cpc_netns_enter(name, &run->error);

	if (r)
		return r;
	v->ifindex = if_nametoindex("wlan0");
	v->run = run;
	return cpc_link_new(run->event, &ops, v, &v->link, &run->error);
}

static int start(struct run *run, char *names, unsigned int members)
{
	struct cpc_link_cell cell;
	int r = 0;

	for (char *name = strtok(names, ","); name && r == 0; name = strtok(NULL, ",")) {
		if (run->vehicles == CPC_EPOCHS_VEHICLES) {
			cpc_error_set(&run->error, "more than %d vehicles", CPC_EPOCHS_VEHICLES);
			return -E2BIG;
		}
		run->vehicle[run->vehicles].index = run->vehicles;
		r = open_vehicle(run, &run->vehicle[run->vehicles], name);
		run->vehicles++;
	}
	if (r < 0 || members < CPC_MEMBERS_MIN || members > run->vehicles) {
		if (r == 0)
			cpc_error_set(&run->error, "members: %u is not 4..%u", members,
				      run->vehicles);
		return -EINVAL;
	}
	/* The module says which MAC it has when there is a cell; the digests need it. */
	r = cpc_truth_init(&run->truth, CELL, 0, members);
	for (unsigned int i = 0; i < members && r == 0; i++)
		r = join_epoch(&run->vehicle[i], &run->truth.epoch);
	if (r == 0)
		r = cpc_link_cell_get(run->vehicle[0].link, CELL, &cell, &run->error);
	if (r < 0)
		return r;
	cpc_truth_done(&run->truth);
	r = cpc_truth_init(&run->truth, CELL, cell.mac_id, members);
	if (r == 0 && memcmp(&cell.members, &run->truth.epoch.start.members, 32) != 0) {
		cpc_error_set(&run->error, "the module has another digest of the members");
		r = -EPROTO;
	}
	return r;
}

static int by_size(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static u32 gap(struct run *run, unsigned int per_cent)
{
	return run->gaps ? run->gap_us[(run->gaps - 1) * per_cent / 100] / 1000 : 0;
}

/* Entries of members that were submitted and are not in the log. */
static u64 count_lost(const struct run *run)
{
	u64 lost = 0;

	for (unsigned int i = 0; i < run->truth.epoch.n; i++) {
		const struct vehicle *v = &run->vehicle[run->truth.epoch.vehicle[i]];

		for (u32 number = 0; number < v->next_number; number++)
			lost += !run->truth.decided[v->index][number];
	}
	return lost;
}

static int report(struct run *run)
{
	u64 lost = count_lost(run), took_us = now_us() - run->started_us;

	qsort(run->gap_us, run->gaps, sizeof(run->gap_us[0]), by_size);
	printf("{\"changes\":%u,\"joins\":%u,\"leaves\":%u,\"restarts\":%u,\"rekeys\":%u,"
	       "\"proposals\":%u,\"rejected\":%u,\"installs\":%u,\"slots\":%u,\"entries\":%" PRIu64
	       ",\"lost\":%" PRIu64 ",\"twice\":%" PRIu64 ",\"seconds\":%.1f,\"gaps\":%u,"
	       "\"gap_p50_ms\":%u,\"gap_p99_ms\":%u,\"gap_max_ms\":%u}\n", run->changes, run->joins,
	       run->leaves, run->restarts, run->rekeys, run->proposals, run->truth.lost_change,
	       run->installs, run->truth.newest, run->truth.entries, lost, run->truth.twice,
	       (double)took_us / 1e6, run->gaps, gap(run, 50), gap(run, 99), gap(run, 100));
	return run->failed || lost || run->truth.twice;
}

static int options(struct run *run, char **argv, unsigned int *ret_members)
{
	for (; *argv; argv++) {
		unsigned int value;
		char name[16];

		if (sscanf(*argv, "%15[a-z]=%u", name, &value) != 2)
			return -EINVAL;
		if (strcmp(name, "changes") == 0)
			run->changes_wanted = value;
		else if (strcmp(name, "members") == 0)
			*ret_members = value;
		else if (strcmp(name, "outstanding") == 0 && value <= OUTSTANDING_MAX)
			run->outstanding = value;
		else if (strcmp(name, "pacing") == 0 && value <= 2)
			run->pacing = (u8)value;
		else if (strcmp(name, "seed") == 0)
			run->random = value;
		else if (strcmp(name, "limit") == 0)
			run->limit_us = (u64)value * 1000000;
		else
			return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct run run = { .changes_wanted = 100, .outstanding = 2, .pacing = 2,
				  .random = 1, .limit_us = 600000000 };
	unsigned int members = 4;
	int r;

	if (argc < 2 || options(&run, argv + 2, &members) < 0) {
		fprintf(stderr, "usage: cpc-epochs NAMESPACE,... [changes=N] [members=N] "
				"[outstanding=1..%d] [pacing=0..2] [seed=N] [limit=SECONDS]\n",
			OUTSTANDING_MAX);
		return 2;
	}
	if (sd_event_default(&run.event) < 0 || start(&run, argv[1], members) < 0) {
		fprintf(stderr, "cpc-epochs: %s\n", run.error.text);
		return 2;
	}
	run.started_us = run.told_us = now_us();
	r = sd_event_add_time_relative(run.event, NULL, CLOCK_MONOTONIC, TICK_US, 0, on_tick, &run);
	if (r >= 0)
		r = sd_event_loop(run.event);
	r = report(&run) || r;
	for (unsigned int i = 0; i < run.vehicles; i++)
		cpc_link_free(run.vehicle[i].link);
	cpc_truth_done(&run.truth);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
