// SPDX-License-Identifier: BSD-3-Clause
/*
 * Times what authenticating one element costs, for every algorithm that kmod/mac.c knows.
 *
 * The work is that of the hot path, and under the same condition, bottom halves off: a sender makes
 * n-1 tags, a receiver one. The best of several rounds counts: the others had interrupts in them.
 * Lines "cpchain-mac: ALGORITHM N BYTES SEND_NS RECEIVE_NS" go to the kernel's log.
 */
#include <linux/bottom_half.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "mac.h"

enum { ROUNDS = 7, ROUND_NS = 3 * 1000 * 1000, MEMBERS_MAX = 16 };

static const unsigned int sizes[] = { 60, 230, 1000 };
static const unsigned int cells[] = { 4, 7, 16 };
static u8 element[1000];

static int make_tags(const struct cpc_mac *mac, struct cpc_key **keys, unsigned int tags,
		     unsigned int size)
{
	static const struct cpc_hash members;
	struct cpc_mac_text text;
	u8 tag[CPC_TAG_BYTES];
	unsigned int i;
	int err = 0;

	cpc_mac_text_init(&text, mac, &members, element, size);
	for (i = 0; i < tags && !err; i++)
		err = cpc_mac_tag(keys[i], i, &text, tag);
	/* Each element differs from the last, so nothing is learned from one to the next. */
	element[0] ^= tag[0];
	return err;
}

/* Nanoseconds for one element with so many tags. */
static s64 time_tags(const struct cpc_mac *mac, struct cpc_key **keys, unsigned int tags,
		     unsigned int size)
{
	s64 best = S64_MAX;
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		ktime_t start;
		s64 spent, times = 0;
		int err = 0;

		local_bh_disable();
		start = ktime_get();
		do {
			err = make_tags(mac, keys, tags, size);
			times++;
			spent = ktime_to_ns(ktime_sub(ktime_get(), start));
		} while (!err && spent < ROUND_NS);
		local_bh_enable();
		if (err)
			return err;
		best = min(best, spent / times);
		cond_resched();
	}
	return best;
}

static int __init time_all(const struct cpc_mac *mac)
{
	struct cpc_key *keys[MEMBERS_MAX - 1] = { NULL };
	unsigned int i, j;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		u8 raw[CPC_KEY_BYTES] = { i };

		keys[i] = cpc_key_new(mac, raw);
		if (IS_ERR(keys[i])) {
			err = PTR_ERR(keys[i]);
			keys[i] = NULL;
			goto out;
		}
	}
	for (i = 0; i < ARRAY_SIZE(cells); i++)
		for (j = 0; j < ARRAY_SIZE(sizes); j++)
			pr_info("cpchain-mac: %s %u %u %lld %lld\n", mac->name, cells[i], sizes[j],
				time_tags(mac, keys, cells[i] - 1, sizes[j]),
				time_tags(mac, keys, 1, sizes[j]));
out:
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		cpc_key_free(keys[i]);
	return err;
}

static int __init bench_init(void)
{
	const struct cpc_mac *mac;
	int err;

	for (mac = cpc_macs; mac->name; mac++) {
		err = time_all(mac);
		if (err)
			return err;
	}
	return 0;
}

static void __exit bench_exit(void)
{
}

module_init(bench_init);
module_exit(bench_exit);
MODULE_DESCRIPTION("CPChain: what authenticating an element costs");
MODULE_LICENSE("Dual BSD/GPL");
