#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 900
# Four agents whose policies vote by their own CAN buses: a merge that one is against is not decided,
# and everyone is told who and why; policies are replaced and removed while running; filter and
# policies outlive their agent; and without all of it the cell goes on.
. tests/vm/lib.sh
. tests/vm/cells.sh
. tests/vm/agents.sh

n=4
declare -a driver=()
# ip netns exec gives each command a /sys of its own; what is pinned has to lie elsewhere.
mkdir -p /tmp/bpf && mount -t bpf bpf /tmp/bpf || die "no BPF file system"
root=/tmp/bpf/cpchain

# ---- vehicles -----------------------------------------------------------------------------------

# One message with all that the policies look at.
cat >$tmp/drive.dbc <<'DBC'
VERSION "policy test"
BU_: Car
BO_ 256 Drive: 8 Car
 SG_ Speed : 0|16@1+ (0.01,0) [0|300] "km/h" Car
 SG_ Gap : 16|16@1+ (0.01,0) [0|600] "m" Car
 SG_ Brake : 32|8@1+ (1,0) [0|100] "%" Car
DBC
cat >$tmp/drive.json <<'JSON'
{ "Vehicle.Speed": { "type": "sensor", "datatype": "float", "unit": "km/h",
    "dbc2vss": { "signal": "Speed", "interval_ms": 5000 } },
  "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance": { "type": "sensor",
    "datatype": "float", "unit": "m", "dbc2vss": { "signal": "Gap", "interval_ms": 5000 } },
  "Vehicle.Chassis.Brake.PedalPosition": { "type": "sensor", "datatype": "uint8",
    "unit": "percent", "dbc2vss": { "signal": "Brake", "interval_ms": 5000 } } }
JSON

# drive I KM/H GAP_M BRAKE_PERCENT: vehicle I drives so from now on, 20 frames a second.
drive()
{
	local i=$1 k data
	data=$(printf '%02X%02X%02X%02X%02X000000' $(($2 * 100 % 256)) $(($2 * 100 / 256)) \
		$(($3 * 100 % 256)) $(($3 * 100 / 256)) "$4")
	halt "$i"
	for ((k = 0; k < 20; k++)); do
		printf '(1700000000.%06d) vcan0 100#%s\n' $((k * 50000)) "$data"
	done >"$agents/v$i/drive"
	ip netns exec "v$i" "$build/canreplay" --loop "$agents/v$i/drive" vcan0 >/dev/null 2>&1 &
	driver[i]=$!
	wait_for 10 drives "$i" "$2" "$3" "$4"
}
halt()
{
	[ -n "${driver[$1]:-}" ] || return 0
	kill "${driver[$1]}"
	wait "${driver[$1]}" 2>/dev/null
	unset "driver[$1]"
}
# sensors I: what vehicle I's policies see, "cm/s cm braking".
sensors() { bpftool -j map dump pinned "$(pins "$1" policy)/sensors" | jq -r "$sensor_values"; }
# Behind the sequence (8 bytes) each sensor has its time and its value, 8 bytes each.
sensor_values='def byte: ltrimstr("0x") | explode | map(if . > 96 then . - 87 else . - 48 end) |
	reduce .[] as $d (0; . * 16 + $d);
	.[0].value | [.[16:20], .[32:36], .[48:52]] | map(map(byte) | .[0] + 256 * .[1] + 65536 * .[2]) |
	join(" ")'
drives()
{
	[ "$(sensors "$1")" = "$(awk -v v="$2" -v g="$3" -v b="$4" \
		'BEGIN { printf "%d %d %d", v / 0.036 + 0.5, g * 100, (b >= 5) }')" ]
}
# pins I NAME: the folder of vehicle I.
pins() { echo "$root/$(in_vehicle "$1" stat -Lc %i /proc/self/ns/net)-$2"; }

configure()
{
	{
		conf_base "$1" 'epoch = 1' 'period_ms = 500'
		# One whose silence counts as no, the others wait for their agent's word. Members'
		# words have ten periods to come, also if a slow shell has to give them.
		[ "$1" = 4 ] || printf 'default_verdict = none\n'
		conf_members 1 2 3 4
		printf '[gateway]\nenabled = yes\ncan = vcan0\nperiod_ms = 5000\n'
		printf 'dbc = %s/drive.dbc\noverlay = %s/drive.json\n' "$tmp" "$tmp"
		printf '[bpf]\nroot = %s\n' $root
	} >"$agents/v$1/conf"
}

# agent_again I [COMMAND...]: after kill -9.
agent_again()
{
	agent_kill "$1" KILL
	agent_start "$@"
	wait_for 60 connected "$1"
}

bpf() { ctl "$1" bpf --json | jq -c "$2"; }
bpf_is() { [ "$(bpf "$1" "$2")" = "$3" ]; }
policy() { bpf "$1" ".policies[] | select(.kind == \"$2\") | $3"; }
filtered() { in_vehicle "$1" ip link show wlan0 | grep -q xdpgeneric; }

# propose I WORD...: what is said goes to $tmp/said; the exit status is 0 accepted, 1 rejected.
propose() { ctl "$1" propose "${@:2}" >$tmp/said 2>&1; }
merge=(merge --platoon 7 --speed 80 --gap 20)
join=(join --platoon 7 --speed 80 --gap 20 --position 3)
speed=(speed --zone 1 --min 60 --max 90 --for 60)
# outcome NAME EXPECTED I WORD...: proposes, and the exit status is as expected.
outcome()
{
	local status
	propose "${@:3}"
	status=$?
	is "$1" $status "$2"
	[ $status = "$2" ] || diag "$(cat $tmp/said)"
}
tells() { grep -qE "$1" $tmp/said; }
word() { awk -v m="$1" '$1 == m { $1 = ""; print substr($0, 2) }' $tmp/said; }

# ---- all is well ----------------------------------------------------------------------------------

radios_up $n
module_load || die "the module does not load"
agents_make 1 2 3 4
for ((i = 1; i <= n; i++)); do configure $i; done
for ((i = 1; i <= n; i++)); do agent_start $i; done
check "all agents are connected" wait_for 60 all connected || { show_journals; die "no agents"; }
cams_start 1 $n
check "each filters its radio" all filtered
is "as the agent says" "$(bpf 1 .mode)" '"xdp generic"'
check "and in its journal" said 1 'filter xdp generic, stamps'
is "both kinds of entries have a policy" "$(bpf 2 '[.policies[] | [.kind, .policy, .program > 0]]')" \
	'[["quorum","speed",true],["all","platoon",true]]'
check "what is stamped is counted" wait_for 20 bpf_is 1 '.traffic.rx.cam.frames > 20' true
is "statistics have it too" "$(ctl 1 stats --json | jq -c '[.bpf.mode, .bpf.filter.passed.frames > 0]')" \
	'["xdp generic",true]'
check "runs are measured" bpf_is 1 '.programs | map(.runs > 0 and .mean_ns > 0) | all' true
in_filter() { [ "$(bpftool -j map dump pinned "$(pins "$1" wlan0)/listed" | jq length)" = 3 ]; }
check "the members' addresses are allowed" wait_for 20 all in_filter

# ---- policies disagree ----------------------------------------------------------------------------

for i in 1 2 4; do drive $i 80 30 0 || not_ok "the sensors follow the CAN bus of v$i" "$(sensors $i)"; done
check "the sensors follow the CAN bus" drive 3 80 30 40
outcome "a merge that one vehicle's sensors are against is rejected" 1 1 "${merge[@]}"
diag "$(cat $tmp/said)"
is "it says who refused, and why" "$(word car3)" "no braking"
is "and who did not" "$(word car1); $(word car2); $(word car4)" "yes own proposal; yes fits; yes fits"
check "in words" tells '^merge of platoon 7 at 80.0 km/h, 20.0 m ahead'
is "the refusing vehicle's policy counts it" "$(policy 3 all '[.words, .reasons]')" \
	'[{"not yet":0,"no":1,"yes":0},{"braking":1}]'
is "so does its program" "$(policy 3 all '.own_counters.verdicts')" \
	'[{"word":"no","reason":"braking","count":1}]'
knows_rejected() { [ "$(ctl "$1" proposals --json | jq -r '.entries[] | select(.member == "car1") |
	.state + " " + (.words[2] | .word + " " + .reason)')" = "rejected no braking" ]; }
check "all others know the same" wait_for 10 all knows_rejected

drive 3 82 25 0
outcome "a join with a free road is accepted" 0 2 "${join[@]}"
is "by all" "$(grep -c ' yes ' $tmp/said)" 4
read_in_log() { ctl "$1" log --limit 50 | grep -q "$2"; }
check "the log tells both: accepted" wait_for 10 read_in_log 4 \
	'car2/.* by all: accepted  join of platoon 7 at 80.0 km/h'
check "and rejected" read_in_log 4 'car1/.* by all: REJECTED  merge of platoon 7'

halt 4
drive 3 20 25 0
sleep 1	# not a wait for something: v4's values are to become old
outcome "an advisory that two do not agree with is rejected" 1 1 "${speed[@]}"
is "one has no fresh values" "$(word car4)" "no sensors stale"
is "one drives too slowly" "$(word car3)" "no speed differs"
drive 3 60 25 0
outcome "with one of them for it there is a quorum" 0 1 "${speed[@]}"
is "though the other refuses" "$(word car4)" "no sensors stale"
is "as JSON it is the same" "$(ctl 1 propose "${speed[@]}" --json |
	jq -c '[.state, .kind, (.words[3] | .word, .reason)]')" '["accepted","quorum","no","sensors stale"]'
outcome "a speed that cannot be is refused by its value" 2 1 join --platoon 7 --speed 900 --gap 20 --position 1
check "by name" tells "'900' is not a number from 0 to 500 km/h"

# ---- policies come and go -------------------------------------------------------------------------

drive 4 80 30 0
check "a policy is replaced by one of a file" ctl 4 bpf policy quorum "$build/bpf/policy/speed.bpf.o"
is "which is there at once" "$(policy 4 quorum .policy)" "\"$build/bpf/policy/speed.bpf.o\""
outcome "it votes" 0 1 "${speed[@]}"
is "as that did" "$(word car4)" "yes fits"
refuses() { ! ctl "$1" bpf policy quorum "$2" 2>$tmp/said && tells "$3"; }
before=$(policy 4 quorum .program)
check "an object that the verifier refuses is named" refuses 4 "$build/tests/bpf/broken.bpf.o" broken.bpf.o
head -c 2000 /dev/urandom >$tmp/noise.bpf.o
check "so is one that is none" refuses 4 $tmp/noise.bpf.o noise.bpf.o
check "and one that is not there" refuses 4 $tmp/nowhere.bpf.o "'$tmp/nowhere.bpf.o'.*No such file"
is "the policy before goes on" "$(policy 4 quorum .program)" "$before"
check "another kind's has no word on it" ctl 4 bpf policy all speed
drive 3 80 25 0
outcome "then the cell's default counts" 1 1 "${join[@]}"
is "which is no" "$(word car4)" "no the default"
ctl 4 bpf policy all platoon >/dev/null
sed -i 's|^\[bpf\]|&\npolicy_quorum = speed|' "$agents/v4/conf"
kill -HUP "${agent[4]}"
policy_is() { [ "$(policy "$1" "$2" "$3")" = "$4" ]; }
check "SIGHUP loads what is configured" wait_for 10 policy_is 4 quorum .policy '"speed"'

check "a policy is removed" ctl 3 bpf policy all none
is "then none votes" "$(policy 3 all '[.policy, .program]')" '["",0]'
asked() { ctl 3 cell --json | jq -e '.members[1].question.seq'; }
propose 2 "${join[@]}" &
proposer=$!
answered=no
wait_for 10 asked && ctl 3 verdict car2 "$(asked)" yes >/dev/null && answered=yes
wait $proposer
is "the agent is asked instead" "$? $answered" "0 yes"
is "and its word counts" "$(word car3)" "yes the agent's word"
ctl 3 bpf policy all platoon >/dev/null

# ---- the agent dies -------------------------------------------------------------------------------

agent_kill 2 KILL
check "a dead agent's filter stays" filtered 2
passed_of() { CPC_BPF_ROOT=$root in_vehicle "$1" "$build/cpc-bpf" show wlan0 json |
	jq .filter.passed.frames; }
passed=$(passed_of 2)
heard=$(counter 2 7 rx_elements)
more() { [ "$(passed_of 2)" -gt $((passed + 20)) ] &&
	[ "$(counter 2 7 rx_elements)" -gt $((heard + 20)) ]; }
check "and frames and elements still pass it" wait_for 20 more
outcome "its policy votes on: its values are old" 1 1 "${join[@]}"
is "hence no" "$(word car2)" "no sensors stale"
check "what is stamped can be captured without an agent" in_vehicle 2 "$build/cpchainctl" \
	capture $tmp/dead.pcapng 1 --interface wlan0 --root $root
agent_start 2
check "the next agent takes over" wait_for 60 connected 2
is "with the counters" "$(bpf 2 ".filter.passed.frames > $passed")" true
check "the sensors follow again" wait_for 10 drives 2 80 30 0
drive 3 80 25 0
outcome "and its policy agrees again" 0 1 "${join[@]}"
lost() { bpf "$1" '[.filter | to_entries[] | select(.key | startswith("element_")) | .value.frames] | add'; }
is "no member's element was ever dropped" "$(lost 1) $(lost 2) $(lost 3) $(lost 4)" "0 0 0 0"

# ---- capture --------------------------------------------------------------------------------------

check "a capture is written" in_vehicle 1 "$build/cpchainctl" --socket "$agents/v1/control" \
	capture $tmp/radio.pcapng 3
check "which Wireshark reads" eval '[ "$(tshark -r $tmp/radio.pcapng -Y its 2>/dev/null | wc -l)" -ge 10 ]'

# ---- without --------------------------------------------------------------------------------------

ctl 4 bpf detach >$tmp/said
check "detached, the radio has no filter" eval '! filtered 4'
is "and the agent says so" "$(bpf 4 '[.mode, .why]')" '["off","taken off"]'
agent_again 4 capsh --drop=cap_bpf,cap_sys_admin,cap_perfmon -- -c 'exec "$@"' agent
check "an agent that may not use BPF says so" said 4 'no filter and stamps: .*(the cell works without)'
diag "$(grep -e 'no filter' -e 'no policy' "$agents/v4/journal" | tail -n 3)"
outcome "and the cell decides" 0 4 "${speed[@]}"
sed -i "s|^root = .*|root = $agents/v4/nothing|" "$agents/v4/conf"
agent_again 4
check "a root that is no BPF file system is named" said 4 "no BPF file system at $agents/v4"
outcome "and the cell decides then too" 0 4 "${speed[@]}"
is "as the agent says" "$(bpf 4 '[.mode, (.why | startswith("no BPF file system"))]')" '["off",true]'
sed -i "s|^root = .*|root = $root\nfilter = off\nstamp = no|" "$agents/v4/conf"
agent_again 4
is "switched off it is off" "$(bpf 4 '[.mode, .why]')" '["off","off, as configured"]'
sed -i 's|^interface = wlan0|&\nleave_on_stop = yes|' "$agents/v3/conf"
agent_again 3
agent_kill 3 TERM
is "an agent that leaves for good" $? 0
check "takes its filter along" eval '! filtered 3 && [ ! -e "$(pins 3 wlan0)" ]'
agent_kill 1 KILL
check "without an agent it is detached by hand" in_vehicle 1 "$build/cpchainctl" bpf detach \
	--interface wlan0 --root $root
check "and nothing stays" eval '! filtered 1 && [ ! -e "$(pins 1 wlan0)" ]'
for i in 1 2 3 4; do halt $i; done
cams_stop >/dev/null
done_testing
