// SPDX-License-Identifier: BSD-3-Clause
/* A policy that no kernel may run: it writes through a pointer that may be NULL. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

SEC("socket")
int broken(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	__u64 *number = bpf_map_lookup_elem(&numbers, &key);

	*number = 1;
	return 0;
}
