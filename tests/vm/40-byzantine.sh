#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
# Three honest vehicles with the module and a fourth that is cpc-twin: honest first, then lying in
# every way it knows. Whatever it does, the three decide the same and all that they submitted.
#
# An emulated machine spends most of its time on starting programs, so few are started here.
. tests/vm/lib.sh
. tests/vm/cells.sh

honest=3
rounds=2

# Without the mounts that "ip netns exec" makes each time.
cellctl() { nsenter --net="/run/netns/v$1" "$build/cellctl" "${@:2}"; }

# cell_of_three CELL: v1..v3 are members 0..2 of a cell of four, who say yes to whatever is asked.
cell_of_three()
{
	local i
	for ((i = 1; i <= honest; i++)); do
		cellctl $i cell_add "cell=$1" epoch=1 if=wlan0 "self=$((i - 1))" members=0,1,2,3 \
			default_verdict=1 &&
		cellctl $i keys "cell=$1" "self=$((i - 1))" n=4 || die "no cell $1 in v$i"
	done
}

cell_gone() { local i; for ((i = 1; i <= honest; i++)); do cellctl $i cell_del "cell=$1"; done; }

# twin_start CELL OPTION...: v4 is member 3, and speaks the modules' MAC.
twin_start()
{
	nsenter --net=/run/netns/v4 "$build/cpc-twin" --test-keys --iface wlan0 --cell "$1" --n 4 \
		--self 3 --mac "$mac" --phase 92 --log $tmp/twin.log "${@:2}" \
		>$tmp/twin.json 2>$tmp/twin.err &
	twin=$!
	wait_for 20 grep -q listens $tmp/twin.err
}
twin_stop() { kill -TERM $twin && wait $twin; }

# Judges the three logs, given per log as one array: is each honest lane exactly what was submitted
# ($want: "LANE TEXT" in hex, by lane), and are the logs the same as far as the shortest goes? An
# entry is 23 bytes, of which the last counts references, 13 for each of them, the length in 2, then
# the text.
# shellcheck disable=SC2016 # jq's variables
judgement='
def text: .[50 + 26 * (.[44:46] | tonumber):];
def honest: [.[].decided_get.lanes.lane_cut[]? | select(.lane < 3) | .lane as $lane |
	.entry[]? | "\($lane) \(text)"] | sort_by(.[0:1]);
[$a, $b, $c] as $logs | ($logs | map([.[].decided_get.slot] | max // 0) | min) as $least |
{
	complete: ($logs | all(honest == ($want | split("\n")))),
	same: ($logs | map(map(.decided_get | select(.slot <= $least))) | unique | length == 1),
	slots: $least,
	foreign: ($logs | map(honest - ($want | split("\n"))) | add),
	missing: ($logs | map((($want | split("\n")) - honest) | length))
}'

# judge CELL: into $tmp/judged.
judge()
{
	local i
	for ((i = 1; i <= honest; i++)); do
		log_of $i "$1" >"$tmp/log.$i"
	done
	jq -nc --slurpfile a $tmp/log.1 --slurpfile b $tmp/log.2 --slurpfile c $tmp/log.3 \
		--arg want "$(wanted)" "$judgement" >$tmp/judged
}
judged() { grep -e "$1" $tmp/judged || { cat $tmp/judged; false; }; }
wanted()
{
	local i round
	for ((i = 1; i <= honest; i++)); do
		for ((round = 1; round <= rounds; round++)); do
			echo "$((i - 1)) $(in_hex $round $i)"
		done
	done
}

# The text of round R of vehicle I is "RIhonest".
in_hex() { echo "3${1}3${2}686f6e657374"; }

# has_all I CELL ROUND: vehicle I has decided everyone's entry of that round.
has_all()
{
	local k log
	log=$(log_of "$1" "$2")
	for ((k = 1; k <= honest; k++)); do
		[[ $log == *"$(in_hex "$3" $k)\""* ]] || return
	done
}

# decide_as_submitted CELL [KIND]: the three submit an entry per round, in the last round of that
# kind; a round begins when the one before is decided, so that different members lead.
decide_as_submitted()
{
	local round i kind=0 end=$((SECONDS + 60))
	for ((round = 1; round <= rounds; round++)); do
		[ $round -lt $rounds ] || kind=${2:-0}
		for ((i = 1; i <= honest; i++)); do
			cellctl $i submit "cell=$1" "kind=$kind" "text=$round${i}honest" >/dev/null ||
				return
		done
		for ((i = 1; i <= honest; i++)); do
			until has_all $i "$1" $round || [ $SECONDS -ge $end ]; do sleep 0.5; done
		done
	done
	judge "$1"
	judged '"complete":true'
}

# What the three have counted: $tmp/stats, one object per vehicle; sum COUNTER: over them.
stats()
{
	local i
	for ((i = 1; i <= honest; i++)); do
		cellctl $i stats_get "cell=$1"
	done >$tmp/stats
}
sum()
{
	local line total=0
	while read -r line; do
		[[ $line =~ \"$1\":([0-9]+) ]] && total=$((total + BASH_REMATCH[1]))
	done <$tmp/stats
	echo $total
}

# lies CELL MODES [KIND]: a whole scene in a cell of its own.
lies()
{
	cell_of_three "$1"
	twin_start "$1" --lie "$2" --submit-every 250 --seed 11 || diag "$(cat $tmp/twin.err)"
	check "$2: the honest ones' lanes are decided, as they submitted them" \
		decide_as_submitted "$1" "${3:-0}"
	check "$2: in one log" judged '"same":true'
	stats "$1"
	twin_stop
	diag "$2: $(<$tmp/judged), views $(sum view_changes), evidence $(sum evidence)," \
		"forged or replayed $(($(sum drop_mac) + $(sum drop_replay))) (at $SECONDS s)"
	cell_gone "$1"
}

same_as_twin()
{
	jq -r '.decided_get | select(.more | not) | "\(.slot) \(.log_hash) \(.value)"' $tmp/log.1 |
		diff - <(head -n "$(jq .slots $tmp/judged)" $tmp/twin.log)
}
# The twin's last log hash is that of the modules' same slot.
twin_decided() { judge 1 && [ "$(wc -l <$tmp/twin.log)" = "$(jq .slots $tmp/judged)" ]; }

radios_up 4
module_load || die "the module does not load"
cams_start 1 $honest
cell_of_three 1
mac=$(cellctl 1 cell_get cell=1 | jq -r .cell_get.mac)
twin_start 1 --submit-every 200 --count 5
check "honest twin: all lanes are decided as submitted" decide_as_submitted 1
wait_for 20 entries_decided 1 1 $((honest * rounds + 5))
check "it decides as many slots as the modules" wait_for 20 twin_decided
check "and after each has their log hash" same_as_twin
check "the modules agree" judged '"same":true'
stats 1
twin_stop
is "its own entries are decided" "$(jq .entries.own_decided $tmp/twin.json)" 5
is "it dropped nothing" "$(jq '[.dropped[]] | add' $tmp/twin.json)" 0
is "nor did the modules drop anything of its" "$(sum drop_mac)" 0
diag "twin: $(jq -c '[.latency_ms, .cpu]' $tmp/twin.json) (at $SECONDS s)"
cell_gone 1

lies 2 equivocate
check "equivocate: two contents were on the air" test "$(sum drop_mac)" -gt 0
lies 3 fork
lies 4 frozen
check "frozen: views were changed" test "$(sum view_changes)" -gt 0
lies 5 garbage
lies 6 replay
check "replay: old elements were dropped" test "$(sum drop_replay)" -gt 0
lies 7 refuse 1
is "refuse: a manoeuvre that three of four want happens" "$(sum rejected_entries)" 0
lies 8 careless
check "careless: everyone has evidence" eval '! grep -e "\"evidence\":0" $tmp/stats'
lies 9 silent
lies 10 all 1
check "all: there is evidence" test "$(sum evidence)" -gt 0
cams_stop
done_testing
