#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# v5 has a radio but no keys. It hears an element, changes it and sends it again: every cell counts
# it under the right reason, and nothing of it is accepted. Then v5 gets the keys of member 3: a
# twin, which is noticed, and the others still agree.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4

total_is() { [ "$(total 1 $n 1 "$1")" = "$2" ]; }
drops() { counter "$1" 1 drop_; }
drops_are() { [ "$(drops "$1")" = "$2" ]; }

# hear COMMAND...: v1 sends one CAM, on which v5 acts.
hear()
{
	ip netns exec v5 "$build/cpc-inject" "$@" >$tmp/sent.5 2>$tmp/inject.err &
	local outsider=$!
	wait_for 5 grep -q listening $tmp/inject.err &&
	in_vehicle 1 "$build/v2xgen" send --iface wlan0 --count 1 --station 101 >/dev/null &&
	wait $outsider || { cat $tmp/inject.err; return 1; }
}

# attack REASON COUNT WORD...: all members together count COUNT more drops for REASON, and accept
# no more than the three elements that v1 really sent.
attack()
{
	local reason=$1 count=$2 dropped accepted
	shift 2
	dropped=$(total 1 $n 1 "drop_$reason") accepted=$(total 1 $n 1 rx_elements)
	hear send wlan0 "$@" &&
	wait_for 5 total_is "drop_$reason" $((dropped + count)) &&
	total_is rx_elements $((accepted + 3))
}

# A frame that lost its end is a carrier like any other, and counted nowhere.
cut_off()
{
	local before
	before=$(for i in 1 2 3 4; do drops $i; done)
	hear send wlan0 keep:100 &&
	[ "$before" = "$(for i in 1 2 3 4; do drops $i; done)" ]
}

# Every variant is counted once in every member, and none is accepted.
noise()
{
	local count=800 accepted i
	accepted=$(total 1 $n 1 rx_elements)
	local -a before=()
	for i in 1 2 3 4; do before[i]=$(drops $i); done
	hear noise wlan0 $count 7 || return
	for i in 1 2 3 4; do
		wait_for 10 drops_are $i $((before[i] + count)) || { drops $i; return 1; }
	done
	total_is rx_elements $((accepted + 3))
}

# What the stack of v2 gets of a forged carrier: the frame as the outsider sent it.
forged_passes()
{
	in_vehicle 2 timeout 20 "$build/v2xgen" recv --iface wlan0 --json --count 2 \
		>$tmp/heard.2 2>$tmp/heard.err &
	local receiver=$!
	wait_for 5 grep -q listening $tmp/heard.err && hear send wlan0 xor:16:01 && wait $receiver &&
	# The first was authentic and is trimmed; the second is untouched.
	[ "$(jq -s '[.[0].trailing_bytes == 0, .[1].trailing_bytes > 0,
		.[0].generation_delta_time == .[1].generation_delta_time] | all' $tmp/heard.2)" = true ]
}

radios_up 5
module_load || die "the module does not load"
cell_up $n 1
# Stations must have been heard once.
cams_start 1 5 --count 2
wait "${cam_senders[@]}"
cam_senders=()

# An element of member 0 that comes back is refused by member 0 as its own, by the others as old.
check "replayed" attack replay 3
check "replayed in a frame of its own" attack replay 3 alone
check "its own element coming back: the sender" attack sender 1
check "a bit of the log hash flipped: MAC" attack mac 3 xor:16:01
check "a bit of every tag flipped: MAC" attack mac 3 \
	"xor:26:010000000000000001000000000000000100000000000000"
check "a later counter: MAC" attack mac 3 set:8:ffffff00
check "zeroes inside: MAC" attack mac 3 grow:40
check "another member's name: MAC" attack mac 3 set:1:02
check "a sender beyond the cell" attack sender 4 set:1:04
check "another version" attack version 4 set:0:02
check "another cell" attack cell 4 set:2:ffff
check "another epoch" attack epoch 4 set:4:0200
check "longer than any element" attack oversized 4 say:1401
check "longer than any element, and really so" attack oversized 4 grow:1360
check "longer than the frame" attack truncated 4 say:1000
check "shorter than the smallest element" attack truncated 4 say:20
check "cut short" attack truncated 4 alone cut:10
check "a footer and nothing else" attack truncated 4 alone keep:4 say:300
check "a frame without its end is an ordinary carrier" cut_off
check "800 times noise: each counted, none accepted" noise
check "a forged carrier passes to the V2X stack as it was sent" forged_passes
for ((i = 1; i <= n; i++)); do
	is "v$i has decided nothing" "$(decided $i 1)" 0
done
submit_round 1 $n 1 after
cams_start 1 $n
check "the cell works as before" wait_for 20 all_decided $n 1 4
check "and has one log" same_log $n 1
cams_stop

# The twin: v4 and v5 are both member 3 of cell 2. That is one faulty member, which n = 4 stands.
cell_up $n 2
cellctl 5 cell_add cell=2 epoch=1 if=wlan0 self=3 members=0,1,2,3 && cellctl 5 keys cell=2 self=3 n=4
ip netns exec v1 "$build/cellctl" listen 120 >$tmp/events &
disown
wait_for 5 grep -q listening $tmp/events
for ((i = 1; i <= n; i++)); do
	cellctl $i cell_del cell=1
done
# Two senders of one counter each: v5 goes ahead, and v4, which sends faster, overtakes it. Where
# they meet, one counter has two contents.
ip netns exec v5 "$build/v2xgen" send --iface wlan0 --rate 8 --json --station 105 >$tmp/sent.5 &
cam_senders+=($!)
ahead() { [ "$(counter 1 2 rx_elements)" -ge 5 ]; }
wait_for 20 ahead
cams_start 1 $n
for round in 1 2 3; do
	submit_round 1 3 2 "correct $round"
	# Two entries of one number in one lane; the twins may find their lane full of the other's.
	cellctl 4 submit cell=2 kind=0 "text=twin $round" >/dev/null 2>&1
	cellctl 5 submit cell=2 kind=0 "text=other twin $round" >/dev/null 2>&1
	check "round $round beside a twin: the correct ones decide theirs" \
		wait_for 20 all_decided 3 2 $((round * 3))
done
noticed() { [ "$(counter 1 2 evidence)" -gt 0 ]; }
check "the twin is noticed" wait_for 60 noticed
check "and the agent is told who" wait_for 10 grep -q '"ev_evidence":{"cell":2,"epoch":1,"index":3' $tmp/events
check "the correct members have one log" same_log 3 2
cams_stop
done_testing
