#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# Four vehicles agree inside their CAMs. v5 hears them without a cell.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
idle_limit=$((32 + 8 * (n - 1)))
open_limit=$((56 + 8 * (n - 1)))

# v2xgen's receiver is bound to 0x8947, as a V2X stack is: it sees frames behind the module's hook.
receivers_start()
{
	local i
	for i in 2 5; do
		ip netns exec v$i "$build/v2xgen" recv --iface wlan0 --json \
			>"$tmp/heard.$i" 2>"$tmp/heard.$i.err" &
		receiver[i]=$!
		wait_for 10 grep -q listening "$tmp/heard.$i.err" || return
	done
}

# Ends them once the last frame is there; the last line of each is its summary.
receivers_stop()
{
	local i
	for i in 2 5; do
		wait_for 10 heard_count $i
		kill "${receiver[i]}"
		wait "${receiver[i]}"
		tail -n 1 "$tmp/heard.$i" >"$tmp/heard.$i.sum"
	done
}
heard_count()
{
	local sent
	sent=$(for ((i = 1; i <= n; i++)); do [ $i = "$1" ] || cat "$tmp/sent.$i"; done |
		jq -s 'map(.sent) | add')
	[ "$(grep -c '"digest"' "$tmp/heard.$1")" -ge "$sent" ]
}

# What vehicle $1 heard of station $2 is what was sent: as many frames, same content.
heard_all()
{
	local station=$((100 + $2))
	jq -c ".stations[] | select(.station == $station) | [.frames, .digest]" "$tmp/heard.$1.sum"
	jq -c '[.sent, .digest]' "$tmp/sent.$2"
	[ "$(jq -c ".stations[] | select(.station == $station) | [.frames, .digest]" \
		"$tmp/heard.$1.sum")" = "$(jq -c '[.sent, .digest]' "$tmp/sent.$2")" ]
}

no_extra_frames()
{
	[ "$(total 1 $n 1 extra_frames)" = 0 ] &&
	! tshark -r $tmp/air.pcap -Y 'eth.type == 0x88b5' 2>/dev/null | grep -q .
}

# largest COUNTER: over all members.
largest() { for ((i = 1; i <= n; i++)); do counter $i 1 "$1"; done | sort -n | tail -n 1; }
within() { [ "$1" -gt 0 ] && [ "$1" -le "$2" ]; }

no_drops() { [ "$(total 1 $n 1 drop_)" = 0 ]; }

# The carriers decode the same with and without their elements, but for Ethernet's trailer.
decode() { tshark -r "$1" -d 'ethertype==0x8947,gnw' -O geonw,btpb,its -T json -J 'gnw geonw btpb its' 2>/dev/null |
	jq -c '.[]._source.layers'; }
decodes_same()
{
	"$build/cpc-inject" strip $tmp/air.pcap $tmp/bare.pcap &&
	decode $tmp/air.pcap >$tmp/air.json && decode $tmp/bare.pcap >$tmp/bare.json &&
	[ "$(grep -c its $tmp/air.json)" -gt 40 ] && cmp $tmp/air.json $tmp/bare.json
}
elements_on_air() { [ "$(stat -c %s $tmp/air.pcap)" -gt $(($(stat -c %s $tmp/bare.pcap) + 2000)) ]; }

radios_up 5
module_load || die "the module does not load"
cell_up $n 1
declare -a receiver
# Of a station it has not heard before, mac80211 drops the first frame in OCB mode.
cams_start 1 $n --count 2
wait "${cam_senders[@]}"
cam_senders=()
receivers_start || die "no receivers"
ip netns exec v5 tcpdump -i wlan0 -w $tmp/air.pcap -U 2>$tmp/tcpdump.err &
tcpdump=$!
wait_for 10 grep -q listening $tmp/tcpdump.err
# A tap beside the stack of v2 shares its frames, and sees them as they were on the air.
ip netns exec v2 tcpdump -i wlan0 -Q in -w $tmp/tap.pcap -U 2>$tmp/tap.err &
tap=$!
wait_for 10 grep -q listening $tmp/tap.err
cams_start 1 $n
for round in 1 2 3 4 5; do
	submit_round 1 $n 1 "entry $round"
	check "round $round: every vehicle decides everyone's entries" \
		wait_for 15 all_decided $n 1 $((round * n))
done
# Idle elements too: some carriers after everything is decided.
seen=$(counter 1 1 carriers_seen)
idle() { [ "$(counter 1 1 carriers_seen)" -gt $((seen + 10)) ]; }
wait_for 10 idle
cams_stop
receivers_stop
kill $tcpdump $tap && wait $tcpdump $tap

check "all have the same log" same_log $n 1
is "nothing was decided twice" "$(counter 1 1 decided_entries)" 20
check "every carrier was used" test "$(counter 1 1 carriers_used)" = "$(counter 1 1 carriers_seen)"
check "carriers only: not one extra frame" no_extra_frames
check "an idle element is at most $idle_limit bytes" within "$(largest element_idle_max)" $idle_limit
check "one open slot: at most $open_limit bytes" within "$(largest element_open_max)" $open_limit
check "nothing was dropped" no_drops
for i in 1 3 4; do
	check "v2's stack heard all of v$i, unchanged" heard_all 2 $i
done
is "v2's stack saw no trailing bytes" "$(jq .trailing_bytes $tmp/heard.2.sum)" 0
for ((i = 1; i <= n; i++)); do
	check "v5, without a cell, heard all of v$i, unchanged" heard_all 5 "$i"
done
check "tshark decodes the carriers the same with and without elements" decodes_same
check "and there were elements on the air" elements_on_air
tap_untrimmed()
{
	"$build/cpc-inject" strip $tmp/tap.pcap $tmp/tap.bare &&
	[ "$(stat -c %s $tmp/tap.pcap)" -gt $(($(stat -c %s $tmp/tap.bare) + 2000)) ]
}
check "a tap in v2 still has the elements that its stack does not see" tap_untrimmed
check "v5 had trailing bytes, and no trouble with them" \
	jq -e '.trailing_bytes > 0 and .refused == 0' $tmp/heard.5.sum

# Urgent: frames of our own, no carriers at all.
for ((i = 1; i <= n; i++)); do
	cellctl $i cell_set cell=1 pacing=2
done
submit_round 1 $n 1 urgent
check "urgent: decided without any carrier" wait_for 15 all_decided $n 1 24
check "with frames of our own" test "$(counter 1 1 extra_frames)" -gt 0
check "and the same log" same_log $n 1

# Two cells on one interface take turns on its carriers.
for ((i = 1; i <= n; i++)); do
	cellctl $i cell_set cell=1 pacing=0
done
cell_up $n 2
cams_start 1 $n
submit_round 1 $n 1 "first cell"
submit_round 1 $n 2 "second cell"
check "two cells on one interface: the first decides" wait_for 20 all_decided $n 1 28
check "and the second" wait_for 20 all_decided $n 2 4
check "each with one log" eval 'same_log $n 1 && same_log $n 2'

# Conditional entries: asked, answered by the agents, decided as answered.
for ((i = 1; i <= n; i++)); do
	cellctl $i cell_del cell=1 && cellctl $i cell_del cell=2
done
# A leader waits ten periods for the answers of agents, which may be slow here.
cell_up $n 3 period_us=1000000

# The author's own yes is in his asking, so only the others' agents are asked. $1: yes, or no for v3.
agents_start()
{
	local i answer
	agents=()
	for ((i = 2; i <= n; i++)); do
		answer=yes
		[ $i != 3 ] || answer=$1
		"$build/cellctl" -n v$i agent $answer 100 >"$tmp/agent.$i" 2>&1 &
		agents+=($!)
		wait_for 10 grep -q listening "$tmp/agent.$i" || return
	done
}
answered() { grep -h answered $tmp/agent.[2-4] | sort | uniq -c | xargs; }
answered_are() { [ "$(answered)" = "$1" ]; }

agents_start yes || die "no agents"
check "member 0 asks all" cellctl 1 submit cell=3 kind=2 "text=may I join"
check "every other agent is asked, and says yes" \
	wait_for 30 answered_are '3 {answered:1}'
check "a manoeuvre that all want is accepted" wait_for 30 all_decided $n 3 1
kill "${agents[@]}" && wait "${agents[@]}" 2>/dev/null
agents_start no || die "no agents"
check "member 0 asks again" cellctl 1 submit cell=3 kind=2 "text=may I join"
rejected() { [ "$(counter 3 3 rejected_entries)" = 1 ]; }
check "one says no: it is rejected" wait_for 30 rejected
check "v3 it was" grep -q '"answered":0' $tmp/agent.3
submit_round 1 $n 3 after
check "and the lanes go on" wait_for 60 all_decided $n 3 $((n + 1))
kill "${agents[@]}" && wait "${agents[@]}" 2>/dev/null
cams_stop
check "all still have the same log" same_log $n 3
done_testing
