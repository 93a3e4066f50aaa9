#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# What happens to an interface happens to its cells: down and up, renamed, moved, removed.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
rejoin() { ip -n "v$1" link set "${2:-wlan0}" up && in_vehicle "$1" iw dev "${2:-wlan0}" ocb join 5900 10MHZ; }
no_cell() { [ -z "$(cellctl "$1" dump cell_get)" ]; }
has_name() { [ "$(cellctl "$1" cell_get cell=1 | jq -r .cell_get.ifname)" = "$2" ]; }
phy_of() { in_vehicle "$1" iw dev wlan0 info | awk '/wiphy/ { print "phy" $2 }'; }

silent()
{
	local before used
	ip -n v4 link set wlan0 down || return
	before=$(counter 4 1 extra_frames) used=$(counter 4 1 carriers_used)
	cellctl 4 submit cell=1 kind=0 text=while-down >/dev/null || return
	# Meanwhile the others go on, which takes them time enough for v4 to misbehave in.
	submit_round 1 3 1 without-v4 && wait_for 20 all_decided 3 1 $(($1 + 3)) || return
	[ "$(counter 4 1 extra_frames)" = "$before" ] && [ "$(counter 4 1 carriers_used)" = "$used" ]
}

renamed()
{
	ip -n v3 link set wlan0 down && ip -n v3 link set wlan0 name radio0 && rejoin 3 radio0 &&
	has_name 3 radio0 && submit_round 1 $n 1 renamed && wait_for 30 all_decided $n 1 "$1" &&
	ip -n v3 link set radio0 down && ip -n v3 link set radio0 name wlan0 && rejoin 3 &&
	has_name 3 wlan0
}

# v3's radio moves to v5's namespace: the cell is gone in v3, and does not appear in v5.
moved()
{
	in_vehicle 3 iw phy "$1" set netns name v5 || return
	wait_for 5 grep -q '"ev_cell":{"cell":1,"epoch":1,"up":0}' $tmp/events &&
	no_cell 3 && [ "$(cellctl 5 dump cell_get | wc -l)" = 0 ]
}

# A cell can be made there then.
anew()
{
	local interface
	interface=$(in_vehicle 5 iw dev | awk '/Interface/ { print $2 }' | grep -v '^wlan0$')
	in_vehicle 5 iw dev "$interface" set type ocb && ip -n v5 link set "$interface" up &&
	cellctl 5 cell_add cell=9 epoch=1 "if=$interface" self=0 members=0,1,2,3 &&
	cellctl 5 cell_get cell=9 | jq -e ".cell_get.ifname == \"$interface\""
}

namespace_deleted()
{
	ip netns delete v2 || return
	# The namespace ends in the background, and the radio comes back to the first one.
	wait_for 10 radio_is_back
}
radio_is_back() { iw dev | grep -q Interface; }

radios_up 5
module_load || die "the module does not load"
cell_up $n 1 pacing=1
cams_start 1 $n
submit_round 1 $n 1 first
check "four agree" wait_for 20 all_decided $n 1 4
check "an interface that is down: its cell is silent, the others go on" silent 4
rejoin 4
check "up again: it catches up and its entry is decided" wait_for 30 all_decided $n 1 8
check "with the same log" same_log $n 1
check "a renamed interface keeps its cell" renamed 12
ip netns exec v3 "$build/cellctl" listen 60 >$tmp/events &
disown
wait_for 5 grep -q listening $tmp/events
phy=$(phy_of 3)
check "an interface that moves away loses its cell, and its agent is told" moved "$phy"
check "in the new namespace it can have another" anew
submit_round 1 2 1 three-left
submit_round 4 4 1 three-left
check "the three left go on" eval 'wait_for 20 entries_decided 1 1 15 && wait_for 20 entries_decided 4 1 15'
# A namespace lives as long as a process in it.
kill "${cam_senders[1]}" && wait "${cam_senders[1]}"
unset 'cam_senders[1]'
check "a namespace that is deleted takes its cell with it" namespace_deleted
cams_stop
check "radios that are removed take their cells with them" rmmod mac80211_hwsim
for i in 1 4 5; do
	check "v$i has no cell" no_cell $i
done
check "and the module unloads" rmmod cpchain
done_testing
