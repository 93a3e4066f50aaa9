#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 900
# Four agents: they find each other, agree on keys, the cells decide what is submitted; an agent
# killed at any moment loses and doubles nothing; a member that was away catches up.
. tests/vm/lib.sh
. tests/vm/cells.sh
. tests/vm/agents.sh

n=4

# One configuration for vehicle $1 in epoch $2; the rest is appended by the caller.
configure()
{
	{ conf_base "$1" "epoch = $2"; conf_members 1 2 3 4; } >"$agents/v$1/conf"
}
one_log() { same_log 0 1 2 3 4; }

cell_gone() { ! cellctl "$1" cell_get cell=7; }
# Restarts an agent, whose log then reads as before.
agent_again()
{
	ctl "$1" log --since 0 --json >"$agents"/read.before
	agent_kill "$1" KILL
	agent_start "$1"
	wait_for 30 running "$1" || return
	ctl "$1" log --since 0 --json | head -n "$(wc -l <"$agents"/read.before)" >"$agents"/read.after
	cmp "$agents"/read.before "$agents"/read.after
}

kernel_caught_up() { wait_for 60 kernel_at "$(decided 1 7)"; }
kernel_at() { [ "$(decided 4 7)" -ge "$1" ]; }

# ---- before the module is there ------------------------------------------------------------------

radios_up $n
agents_make 1 2 3 4
for ((i = 1; i <= n; i++)); do configure "$i" 1; done
agent_start 1
check "an agent without the module waits" wait_for 10 status_is 1 .running false
check "and says what to do" said 1 'modprobe cpchain'
module_load || die "the module does not load"
check "it goes on by itself once the module is loaded" wait_for 10 running 1

# complains INTERFACE WORDS: what an agent in v2 says of that interface, before it ends.
complains()
{
	sed "s|^interface = .*|interface = $1|" "$agents/v2/conf" >"$agents/v2/other"
	! in_vehicle 2 "$build/cpchaind" --config "$agents/v2/other" 2>"$agents/v2/said" &&
		grep -q "$2" "$agents/v2/said"
}
check "an interface that is not there is named" complains nosuch0 "no 'nosuch0'"
check "one that is not wireless too" complains vcan0 'vcan0 is not a wireless interface'

# ---- finding each other, deciding ----------------------------------------------------------------

for ((i = 2; i <= n; i++)); do agent_start $i; done
check "all agents run" wait_for 20 all running || { show_journals; die "no agents"; }
check "every pair has a session" wait_for 60 all connected || show_journals
cams_start 1 $n
for ((i = 1; i <= n; i++)); do
	ctl $i submit --json "hello from car$i" | jq -r .id
done >"$agents/submitted"
wait_for 60 quiet 1 2 3 4 || show_journals
check "what each submits is decided at all" all has_all
is "and read back as text" "$(texts_in_log 2 | sort | paste -sd,)" \
	"hello from car1,hello from car2,hello from car3,hello from car4"
check "all read one log" one_log
is "the cell tells its keys" "$(ctl 1 cell --json | jq '[.members[] | select(.key)] | length')" 3
is "latency is measured" \
	"$(ctl 1 stats --json | jq '.latency_ms.count == 1 and .latency_ms.p50 > 0')" true
diag "latency of car1: $(ctl 1 stats --json | jq -c .latency_ms)"

# ---- the agent killed --------------------------------------------------------------------------

for round in 1 2 3 4 5 6; do
	submit_many 2 100 "round $round" &
	submitter=$!
	sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
	agent_kill 2 KILL
	wait $submitter
	agent_start 2
	wait_for 20 running 2 || die "the agent does not come back"
done
check "it resumed the cell that kept voting" said 2 '^cpchaind: resumed cell 7 epoch 1'
wait_for 120 quiet 1 2 3 4 || show_journals
check "nothing acknowledged is lost" all has_all
check "nothing is in the log twice" all nothing_twice
check "all still read one log" one_log
diag "submitted $(wc -l <"$agents/submitted") entries over 6 kills"
agent_kill 3 TERM
is "a clean stop is one" $? 0
is "and leaves the cell in the kernel" "$(cellctl 3 cell_get cell=7 | jq .cell_get.epoch)" 1
ctl 1 submit --json "while car3 sleeps" | jq -r .id >>"$agents/submitted"
agent_start 3
wait_for 60 quiet 1 2 3 4
check "and the agent catches up from it" has_all 3

# ---- the wall clock jumps ------------------------------------------------------------------------

jumps() { ctl 1 status --json | jq .clock_jumps; }
jumped() { [ "$(jumps)" = 1 ]; }
# a small one: bash counts SECONDS, for its limits, by that clock too
date -s "@$(($(date +%s) + 5))" >/dev/null
check "a jump of the wall clock is noticed" wait_for 20 jumped
check "and said" said 1 'the wall clock jumped by +'
submit_many 1 1 "after the jump"
wait_for 60 quiet 1 2 3 4
check "it harms nothing" all has_all

# ---- a member away ------------------------------------------------------------------------------

in_vehicle 4 ip link set wlan0 down
submit_many 1 40 "while car4 is away" 200
wait_for 120 quiet 1 2 3
check "the others go on without car4" has_all 1
in_vehicle 4 ip link set wlan0 up
in_vehicle 4 iw dev wlan0 ocb join 5900 10MHZ 2>/dev/null
wait_for 120 quiet 1 2 3 4 || show_journals
check "car4 catches up" has_all 4
check "its kernel too" kernel_caught_up
check "all read one log after that" one_log
diag "catch-up of car4: $(ctl 4 stats --json | jq -c .catchup)"
ctl 4 submit --json "car4 is back" | jq -r .id >>"$agents/submitted"
wait_for 60 quiet 1 2 3 4
check "car4 takes part again" all has_all

# ---- amnesia ------------------------------------------------------------------------------------

# A vehicle that has lost its votes takes part in no old epoch, but is let in with new keys.
old_cell_gone() { [ "$(cellctl 4 cell_get cell=7 | jq .cell_get.epoch)" != 1 ]; }
is_in() { status_is "$1" .epoch 2; }
agent_kill 4 KILL
cellctl 4 cell_del cell=7 >/dev/null
submit_many 1 20 "without car4" 50
wait_for 60 quiet 1 2 3
check "the other three decide on" has_all 2
agent_start 4
check "the fourth says what it has lost" wait_for 30 said 4 'has lost its votes'
check "all are in the next epoch, with it" wait_for 60 all is_in || show_journals
check "it never went on in the old one" old_cell_gone
wait_for 60 quiet 1 2 3 4 || show_journals
check "its log has what was decided without it" has_all 4
check "and reads as the others'" one_log
cellctl 4 cell_del cell=7 >/dev/null
check "gone while the agent runs, it is let in again too" wait_for 60 status_is 4 .epoch 3 ||
	show_journals
ctl 4 submit --json "back again" | jq -r .id >>"$agents/submitted"
wait_for 60 quiet 1 2 3 4 || show_journals
check "and decides" all has_all
agent_kill 1 TERM
agent_start 1
check "a restarted agent goes on in the newest epoch" wait_for 30 status_is 1 .epoch 3
sed 's/^epoch = .*/epoch = 2/' "$agents/v4/conf" >"$agents/v4/other"
agent_kill 4 TERM
in_vehicle 4 "$build/cpchaind" --config "$agents/v4/other" 2>"$agents/v4/again"
is "an epoch by hand that is over is refused" $? 78
check "with the reason" grep -q 'epoch 2 of cell 7 is over: this node took part in epoch 3' \
	"$agents/v4/again"

# ---- a new epoch, by hand --------------------------------------------------------------------------------

for ((i = 1; i <= 3; i++)); do agent_kill $i TERM; done
for ((i = 1; i <= n; i++)); do configure $i 9; done
settings='pacing = urgent\nleave_on_stop = yes\ndefault_verdict = none\nperiod_ms = 1000'
sed -i "s/^interface = wlan0/&\n$settings/" "$agents"/v?/conf
printf '[gateway]\nenabled = yes\ncan = vcan0\nperiod_ms = 500\ndbc = %s\noverlay = %s\n' \
	"$PWD/tests/data/synthetic.dbc" "$PWD/agent/gateway/overlays/synthetic.json" >>"$agents/v3/conf"
for ((i = 1; i <= n; i++)); do agent_start $i; done
check "all run in epoch 9" wait_for 60 all running || show_journals
check "and are connected" wait_for 60 all connected
: >"$agents/submitted"
for ((i = 1; i <= n; i++)); do submit_many $i 10 "epoch 9"; done
wait_for 60 quiet 1 2 3 4 || show_journals
check "and decide, urgently" all has_all
diag "latency of car1, urgent: $(ctl 1 stats --json | jq -c .latency_ms)"
check "one log in epoch 9" one_log
# Own frames at once are many; the filter allows an urgent cell's members more than strangers.
in_rate() { [ "$(ctl "$1" bpf --json | jq -c '[.mode, .filter.rate_source.frames]')" = \
	'["xdp generic",0]' ]; }
check "and the filter finds nobody too loud" all in_rate

# ---- conditional entries ------------------------------------------------------------------------

# asked I: which entry of car1 vehicle I has to judge.
asked() { ctl "$1" cell --json | jq -e '.members[0].question.seq'; }

# ask TEXT WORD_OF_CAR4: car1 asks all; 2 and 3 say yes. What became of it is printed.
ask()
{
	local id i word=yes
	id=$(ctl 1 submit --json --kind all "$1" | jq -r .id)
	for i in 2 3 4; do
		wait_for 30 asked $i >&2 || return
		[ $i != 4 ] || word=$2
		ctl $i verdict car1 "$(asked $i)" "$word" >/dev/null
	done
	wait_for 60 quiet 1 2 3 4 >&2
	ctl 2 log --limit 50 --json | jq "select(.id == \"$id\") | .accepted"
}

is "an entry that all consent to is accepted" "$(ask 'lane change' yes)" true
is "one refusal and it is rejected" "$(ask 'another one' no)" false
check "all agree on both" one_log

# ---- signals ------------------------------------------------------------------------------------

"$build/candrive" --seconds 4 >"$agents/drive.log"
in_vehicle 3 "$build/canreplay" "$agents/drive.log" vcan0 >/dev/null 2>&1
named_signals() { ctl 2 log --since 0 --member car3 --json |
	jq 'select(.type == "record") | .signals[] | select(.signal == "Vehicle.Speed")' |
	grep -q km/h; }
wait_for 60 quiet 1 2 3 4
check "car2 reads car3's speed from its own log" named_signals
check "also as text" sh -c "'$build/cpchainctl' --socket $agents/v2/control log --since 0 \
	--member car3 | grep -q 'Vehicle.Speed = .* km/h'"
agent_again 2
is "a restarted agent reads the same" $? 0

# ---- away for longer than the kernel remembers ---------------------------------------------------

agent_kill 1 KILL
before=$(decided 2 7)
: >"$agents/submitted"
for round in 1 2 3 4 5 6 7 8; do
	submit_many 2 60 "round $round" 40 &
	first=$!
	submit_many 3 60 "round $round" 60
	wait $first
	[ "$(decided 2 7)" -lt $((before + 300)) ] || break
done
diag "car1 slept from slot $before to $(decided 2 7)"
agent_start 1
wait_for 120 quiet 1 2 3 4 || show_journals
check "peers fill what the kernel has forgotten" has_all 1
diag "catch-up of car1: $(ctl 1 stats --json | jq -c .catchup)"
is "by fetching" "$(ctl 1 stats --json | jq '.catchup.chunks > 0')" true
check "and it is one log" one_log
agent_kill 1 TERM
is "leaving on a clean stop" $? 0
check "takes the cell out of the kernel" cell_gone 1
agent_start 1
check "and out of the cell" wait_for 30 said 1 'outside of cell 7: cpchainctl join'
cams_stop >/dev/null
done_testing
