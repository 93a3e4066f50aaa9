// SPDX-License-Identifier: BSD-3-Clause
/*
 * Floods, made in the kernel: BPF_PROG_TEST_RUN with live frames runs this on a template, and what
 * it returns goes out of an interface. Without a context switch per frame one core makes millions.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

__u32 ifindex;		/* where to */
__u32 sources;		/* made-up addresses, one after the other; 1: always the same */
__u32 next;

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 station = next;

	if (data + 14 > end)
		return XDP_DROP;
	next = station + 1 >= sources ? 0 : station + 1;
	data[8] = station >> 24;
	data[9] = station >> 16;
	data[10] = station >> 8;
	data[11] = station;
	return bpf_redirect(ifindex, 0);
}

/* The far end's cheapest possible reception, to know what the way there costs. */
SEC("xdp")
int sink(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}
