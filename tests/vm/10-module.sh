#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 400
# Does the module come and go cleanly, and does each MAC algorithm carry a cell?
. tests/vm/lib.sh
. tests/vm/cells.sh

unload() { rmmod cpchain; }
loaded() { grep -q '^cpchain ' /proc/modules; }
not_loaded() { ! loaded; }

refuses_unknown_mac()
{
	! module_load mac=rot13 2>/dev/null && not_loaded &&
	dmesg | grep -q 'cpchain: mac=rot13: no such algorithm'
}

has_tracepoints()
{
	local event
	for event in sent received dropped decided view; do
		[ -d "/sys/kernel/tracing/events/cpchain/cpchain_$event" ] || return
	done
}

# A cell of four under this algorithm decides what was submitted.
mac_carries()
{
	module_load "mac=$1" || return
	cell_up 4 1
	[ "$(cellctl 1 cell_get cell=1 | jq -r .cell_get.mac)" = "$1" ] &&
	cams_start 1 4 &&
	submit_round 1 4 1 "$1" &&
	wait_for 20 all_decided 4 1 4 &&
	same_log 4 1 &&
	[ "$(counter 1 1 drop_mac)" = 0 ]
	local status=$?
	cams_stop
	unload && return $status
}

# Frames keep flowing while the module goes: they only lose their elements.
unload_under_traffic()
{
	local before
	wait_for 20 all_decided 4 1 4 && wait_for 5 grep -q listening $tmp/events || return
	# Work in flight: entries that are not decided yet.
	submit_round 1 4 1 open
	unload || return
	before=$(in_vehicle 1 cat /sys/class/net/wlan0/statistics/tx_packets)
	wait_for 10 grep -q '"up":0' $tmp/events && wait_for 10 more_sent "$before"
}
more_sent() { [ "$(in_vehicle 1 cat /sys/class/net/wlan0/statistics/tx_packets)" -gt $(($1 + 10)) ]; }

reload_works()
{
	module_load && cell_up 4 1 || return
	submit_round 1 4 1 again
	wait_for 20 all_decided 4 1 4
	local status=$?
	unload && return $status
}

check "an unknown MAC algorithm is refused, by name" refuses_unknown_mac
check "it loads" module_load
check "it has its tracepoints" has_tracepoints
check "it unloads" unload
radios_up 4
for algorithm in 'cmac(aes)' 'hmac(sha256)' blake2s blake2s/blake2s 'sha256/cmac(aes)'; do
	check "a cell decides under $algorithm" mac_carries "$algorithm"
done
module_load || die "the module does not load"
cell_up 4 1 pacing=2
cams_start 1 4
submit_round 1 4 1 before
ip netns exec v2 "$build/cellctl" listen 15 >$tmp/events &
disown
check "it unloads under traffic, and says so to the agents" unload_under_traffic
check "it can be loaded again under the same traffic" reload_works
cams_stop
check "nothing of it is left" not_loaded
done_testing
