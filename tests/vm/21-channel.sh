#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
# The channel's busy ratio paces a cell's own frames. v5 has no cell; it fills the channel, reckoned
# at 1 Mbit/s so that a few hundred frames per second do.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
entries=0
rate=/sys/module/cpchain/parameters/channel_mbit

agree()
{
	submit_round 1 $n 1 "$1" || return
	entries=$((entries + n))
	wait_for 30 all_decided $n 1 $entries
}

# states_are S: the DCC state of all members.
states_are()
{
	local i
	for ((i = 1; i <= n; i++)); do [ "$(counter $i 1 dcc_state)" = "$1" ] || return; done
}

fill() { ip netns exec v5 ping -6 -q -i 0.002 -s 250 ff02::1%wlan0 >/dev/null & filler=$!; }
empty() { kill $filler && wait $filler; }

# Frames of their own that the members send while they agree on a round each second, per member and
# second at most.
own_frames()
{
	local before=$(total 1 $n 1 extra_frames) from=$EPOCHREALTIME k
	for k in 1 2 3 4 5; do agree "round $k" || return; done
	local us=$((${EPOCHREALTIME/./} - ${from/./}))
	diag "$(($(total 1 $n 1 extra_frames) - before)) own frames of $n members in $((us / 1000)) ms"
	[ $((($(total 1 $n 1 extra_frames) - before) * 1000000)) -le $((n * (us + 1000000))) ]
}

# latencies STATE: how many of its own entries each member has decided in it.
latencies()
{
	local i
	for ((i = 1; i <= n; i++)); do
		cellctl $i cell_get cell=1 | jq ".cell_get.counters.latency_$1"
	done | paste -s
}
all_pace()
{
	local i
	for ((i = 1; i <= n; i++)); do
		cellctl $i cell_set cell=1 "pacing=$1" >/dev/null || return
	done
}

radios_up 5
module_load || die "the module does not load"
cams_start 1 5 --count 2
wait "${cam_senders[@]}"
cam_senders=()
cell_up $n 1 pacing=1
cams_start 1 $n
check "a quiet channel: all agree" agree quiet
check "in the relaxed state" states_are 0
check "busy a little, and measured" eval '[ "$(counter 1 1 busy_permille)" -gt 0 ]'
is "latencies are counted there, one for each entry" "$(latencies relaxed)" "1	1	1	1"
for ((i = 1; i <= n; i++)); do in_vehicle $i sysctl -q -w net.ipv6.icmp.echo_ignore_multicast=1; done

echo 1 >$rate
fill
check "a full channel: the restrictive state" wait_for 20 states_are 4
check "one own frame per second and member, and all agree on carriers" own_frames
check "urgent is bound there too" eval 'all_pace 2 && own_frames'
check "latencies are counted in that state" eval '[ "$(counter 1 1 latency_restrictive_us)" -gt 0 ]'
empty
check "the channel empties: relaxed again" wait_for 20 states_are 0
echo 0 >$rate
fill
not_paced() { [ "$(total 1 $n 1 busy_permille)" = 0 ] && states_are 0; }
check "rate 0: nothing is measured" wait_for 5 not_paced
check "and all agree" agree unpaced
empty
cams_stop
check "nobody is accused" eval '[ "$(total 1 $n 1 evidence)" = 0 ]'
done_testing
