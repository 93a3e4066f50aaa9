#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 420
# Four agents: they find each other, agree on keys, the cells decide what is submitted; an agent
# killed at any moment loses and doubles nothing; a member that was away catches up.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
declare -a agent=()

# ---- agents -----------------------------------------------------------------------------------

# One configuration for vehicle $1 in epoch $2; the rest is appended by the caller.
configure()
{
	local i=$1 k
	{
		printf '[node]\nkey = /tmp/v%s/node.key\nstate = /tmp/v%s\n' "$i" "$i"
		printf '[cell]\nid = 7\nepoch = %s\ninterface = wlan0\n' "$2"
		printf '[api]\nsocket = /tmp/v%s/control\n' "$i"
		for ((k = 1; k <= n; k++)); do
			printf '[member car%s]\nindex = %s\nnode_id = %s\n' "$k" $((k - 1)) \
				"$("$build/cpchaind" --print-id --key "/tmp/v$k/node.key")"
		done
	} >"/tmp/v$i/conf"
}

agent_start()
{
	# Not through in_vehicle: the process to kill must be the agent, not a shell around it.
	ip netns exec "v$1" "$build/cpchaind" --config "/tmp/v$1/conf" 2>>"/tmp/v$1/journal" &
	agent[$1]=$!
}

# agent_kill I SIGNAL: and waits for its end, whose status is ours.
agent_kill()
{
	kill "-$2" "${agent[$1]}"
	wait "${agent[$1]}" 2>/dev/null
}

ctl() { "$build/cpchainctl" --socket "/tmp/v$1/control" "${@:2}"; }
status_is() { [ "$(ctl "$1" status --json | jq -r "$2")" = "$3" ]; }
running() { status_is "$1" .running true; }
all() { local i; for ((i = 1; i <= n; i++)); do "$@" "$i" || return; done; }
connected() { status_is "$1" .peers_up $((n - 1)); }
said() { grep -q "$2" "/tmp/v$1/journal"; }

# The ids in vehicle $1's log, one per line, as often as they are there.
ids_in_log() { ctl "$1" log --since 0 --json | jq -r .id; }
texts_in_log() { ctl "$1" log --since 0 --json | jq -r .text; }

# submit_many I COUNT TEXT: what the daemon acknowledged goes to /tmp/submitted.
submit_many()
{
	local k
	for ((k = 1; k <= $2; k++)); do
		ctl "$1" submit --json "$3 $k" 2>/dev/null | jq -r .id >>/tmp/submitted || sleep 0.1
	done
}

# Everything acknowledged is in vehicle $1's log.
has_all() { [ -s /tmp/submitted ] && [ -z "$(comm -23 <(sort -u /tmp/submitted) <(ids_in_log "$1" | sort))" ]; }
nothing_twice() { [ -z "$(ids_in_log "$1" | sort | uniq -d)" ]; }

# The logs of all, up to the shortest, are the same to the byte of what a reader sees.
one_log()
{
	local i least
	least=$(for ((i = 1; i <= n; i++)); do ctl $i status --json | jq .slot; done |
		sort -n | head -n 1)
	for ((i = 1; i <= n; i++)); do
		ctl $i log --since 0 --json | jq -c "select(.slot <= $least) | del(.time)" \
			>"/tmp/read.$i"
		cmp /tmp/read.1 "/tmp/read.$i" || return
	done
	[ -s /tmp/read.1 ]
}

cell_gone() { ! cellctl "$1" cell_get cell=7; }
show_journals() { for ((i = 1; i <= n; i++)); do diag "v$i:"; diag "$(tail -n 12 "/tmp/v$i/journal")"; done; }

# ---- before the module is there ------------------------------------------------------------------

radios_up $n
for ((i = 1; i <= n; i++)); do mkdir "/tmp/v$i"; done
for ((i = 1; i <= n; i++)); do configure "$i" 1; done
agent_start 1
check "an agent without the module waits" wait_for 10 status_is 1 .running false
check "and says what to do" said 1 'modprobe cpchain'
module_load || die "the module does not load"
check "it goes on by itself once the module is loaded" wait_for 10 running 1

# ---- finding each other, deciding ----------------------------------------------------------------

for ((i = 2; i <= n; i++)); do agent_start $i; done
check "all agents run" wait_for 20 all running || { show_journals; die "no agents"; }
check "every pair has a session" wait_for 60 all connected || show_journals
cams_start 1 $n
for ((i = 1; i <= n; i++)); do ctl $i submit --json "hello from car$i" | jq -r .id; done >/tmp/submitted
check "what each submits is decided at all" wait_for 60 all has_all || show_journals
is "and read back as text" "$(texts_in_log 2 | sort | paste -sd,)" \
	"hello from car1,hello from car2,hello from car3,hello from car4"
check "all read one log" one_log
is "the cell tells its keys" "$(ctl 1 cell --json | jq '[.members[] | select(.key)] | length')" 3
is "latency is measured" \
	"$(ctl 1 stats --json | jq '.latency_ms.count == 1 and .latency_ms.p50 > 0')" true
diag "latency of car1: $(ctl 1 stats --json | jq -c .latency_ms)"

# ---- the agent killed --------------------------------------------------------------------------

for round in 1 2 3 4 5 6; do
	submit_many 2 25 "round $round" &
	submitter=$!
	sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
	agent_kill 2 KILL
	wait $submitter
	agent_start 2
	wait_for 20 running 2 || die "the agent does not come back"
done
check "it resumed the cell that kept voting" said 2 '^cpchaind: resumed cell 7 epoch 1'
check "nothing acknowledged is lost at the killed agent" wait_for 90 has_all 2 ||
	show_journals
check "nor at the others" wait_for 30 all has_all
check "nothing is in the log twice" all nothing_twice
check "all still read one log" one_log
diag "submitted $(wc -l </tmp/submitted) entries over 6 kills"
agent_kill 3 TERM
is "a clean stop is one" $? 0
is "and leaves the cell in the kernel" "$(cellctl 3 cell_get cell=7 | jq .cell_get.epoch)" 1
ctl 1 submit --json "while car3 sleeps" | jq -r .id >>/tmp/submitted
agent_start 3
check "and the agent catches up from it" wait_for 60 has_all 3

# ---- a member away ------------------------------------------------------------------------------

in_vehicle 4 ip link set wlan0 down
submit_many 1 60 "while car4 is away"
check "the others go on without car4" wait_for 120 has_all 1
in_vehicle 4 ip link set wlan0 up
in_vehicle 4 iw dev wlan0 ocb join 5900 10MHZ 2>/dev/null
check "car4 catches up" wait_for 120 has_all 4 || show_journals
check "its kernel too" wait_for 60 test "$(decided 1 7)" -le "$(decided 4 7)"
check "all read one log after that" wait_for 30 one_log
diag "catch-up of car4: $(ctl 4 stats --json | jq -c .catchup)"
ctl 4 submit --json "car4 is back" | jq -r .id >>/tmp/submitted
check "car4 takes part again" wait_for 60 all has_all

# ---- amnesia ------------------------------------------------------------------------------------

cellctl 4 cell_del cell=7 >/dev/null
wait "${agent[4]}"
is "an agent whose cell is gone ends, for an operator" $? 78
check "it says why" said 4 "raise 'epoch'"
in_vehicle 4 "$build/cpchaind" --config /tmp/v4/conf 2>/tmp/v4/again
is "and does not rejoin that epoch" $? 78
check "with the reason" grep -q 'lost its votes' /tmp/v4/again
ctl 1 submit --json "without car4" | jq -r .id >>/tmp/submitted
check "and decide" wait_for 60 has_all 2

# ---- a new epoch --------------------------------------------------------------------------------

for ((i = 1; i <= 3; i++)); do agent_kill $i TERM; done
for ((i = 1; i <= n; i++)); do configure $i 2; done
sed -i 's/^interface = wlan0/&\npacing = urgent\nleave_on_stop = yes/' /tmp/v?/conf
for ((i = 1; i <= n; i++)); do agent_start $i; done
check "all run in epoch 2" wait_for 60 all running || show_journals
check "and are connected" wait_for 60 all connected
: >/tmp/submitted
for ((i = 1; i <= n; i++)); do submit_many $i 10 "epoch 2"; done
check "and decide, urgently" wait_for 60 all has_all || show_journals
diag "latency of car1, urgent: $(ctl 1 stats --json | jq -c .latency_ms)"
check "one log in epoch 2" one_log
agent_kill 1 TERM
is "leaving on a clean stop" $? 0
check "takes the cell out of the kernel" cell_gone 1
agent_start 1
wait "${agent[1]}"
is "and out of that epoch for good" $? 78
cams_stop >/dev/null
done_testing
