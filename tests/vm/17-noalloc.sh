#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 240
# Nothing is allocated where frames are handled, but the frames themselves. The kernel's allocation
# tracepoints are summed up by call stack while a cell makes, sends and takes thousands of elements;
# whatever stack has one of the module's functions in it is judged.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
tracing=/sys/kernel/tracing
events=$(cd $tracing/events && ls -d kmem/{kmalloc,kmalloc_node,kmem_cache_alloc,kmem_cache_alloc_node,mm_page_alloc} \
	percpu/percpu_alloc_percpu 2>/dev/null)
# By processor as well: who meets a key that another processor is just inserting waits a bounded
# number of turns and then drops it, and in a virtual machine that other one may stand still for
# longer. So nobody shares a key, and what is dropped can only mean a full table.
trigger='hist:keys=common_cpu,stacktrace:size=65536'

watch_allocations()
{
	local event
	for event in $events; do
		echo "$trigger" >"$tracing/events/$event/trigger" || return
	done
}

# Forgets what was seen. A table must be at rest while it is cleared, and the kernel does not see to
# that itself.
forget()
{
	local event verb
	for event in $events; do
		for verb in pause clear cont; do
			echo "$trigger:$verb" >>"$tracing/events/$event/trigger" || return
		done
	done
}

# A line per processor and stack that has a function of the module in it: how often, the tracepoint,
# where in the module (the root, the innermost function), and what that one called to get the memory.
allocations()
{
	local event
	for event in $events; do
		awk -v event="${event##*/}" '
			/^\{/ { inner = root = called = before = "" }
			/\+0x/ {
				name = $1; sub(/\+0x.*/, "", name)
				if (/\[cpchain\]/) {
					root = name
					if (!inner) { inner = name; called = before }
				}
				before = name
			}
			/hitcount:/ && inner {
				for (i = 1; i < NF; i++) if ($i == "hitcount:") count = $(i + 1)
				print count, event, root, inner, called
			}' "$tracing/events/$event/hist"
	done
}

# Those where frames are handled: all but what serves an agent's call or composes its events. (By the
# innermost function: a timer may fire in the middle of an agent's call.)
hot() { awk '$4 !~ /^(cpc_nl_.*|answer|dump_.*|reply_submitted|cpc_event_.*|begin|send|tell_.*)$/' $tmp/allocations; }
# A frame of our own, room behind a carrier; from dev_queue_xmit() on the frame is the network's.
frames_only='^(__alloc_skb|pskb_expand_head|__dev_queue_xmit|dev_queue_xmit)$'
allowed() { awk -v only="$frames_only" '$5 ~ only'; }
not_allowed() { awk -v only="$frames_only" '$5 !~ only'; }
sum() { awk '{ sum += $1 } END { print sum + 0 }'; }

elements() { counter 1 1 rx_elements; }
none_dropped() { cat "$tracing"/events/kmem/*/hist | grep -c '^Totals' >/dev/null &&
	! grep -hE 'Dropped: [1-9]' "$tracing"/events/{kmem,percpu}/*/hist; }

radios_up $n
module_load || die "the module does not load"
watch_allocations || die "this kernel has no hist triggers"
cell_up $n 1 pacing=2
allocations >$tmp/allocations
check "what is allocated for a new cell is seen" grep -q 'cpc_cell_new\|cpc_nl_cell_add' $tmp/allocations

# The same cells, now at work: own frames at first, then elements on carriers too.
seq -f 'v%.0f' 1 $n | xargs "$build/cpc-load" --seconds 1 full >/dev/null
before=$(elements) frames=$(counter 1 1 extra_frames)
forget || die "what was seen cannot be forgotten"
# For as long as it takes: a busy machine is slow.
for ((round = 0; round < 60 && $(elements) - before < 2000; round++)); do
	seq -f 'v%.0f' 1 $n | xargs "$build/cpc-load" --seconds 1 full >$tmp/load.json
done
cams_start 1 $n
seq -f 'v%.0f' 1 $n | xargs "$build/cpc-load" --count 100 one >>$tmp/load.json
allocations >$tmp/allocations
cams_stop
taken=$(($(elements) - before)) frames=$(($(counter 1 1 extra_frames) - frames))
diag "$(cat $tmp/load.json)"
diag "v1 took $taken elements and made $frames frames of its own; allocations with the module in the stack:"
diag "$(sort -rn $tmp/allocations | head -n 30)"
check "thousands of elements were taken" test "$taken" -ge 2000
check "carriers were used" test "$(counter 1 1 carriers_used)" -ge 30
check "no stack was lost" none_dropped
check "frames of our own are allocated, and seen to be" test "$(hot | allowed | sum)" -ge "$frames"
is "and nothing else where frames are handled" "$(hot | not_allowed)" ""
is "nor in the core, wherever it is called from" "$(awk '$4 ~ /^cpc_(step|core|emit|receive|progress)/' \
	$tmp/allocations)" ""
for event in $events; do echo "!$trigger" >>"$tracing/events/$event/trigger"; done
done_testing
