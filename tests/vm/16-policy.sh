#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 400
# A vehicle's word is its policy's: the shipped programs, asked by the module, without an agent. A
# platoon join that one vehicle's sensors are against is not decided, and everyone can see who was
# against it and why.
. tests/vm/lib.sh
. tests/vm/cells.sh

mkdir -p $tmp/bpf && mount -t bpf bpf $tmp/bpf || die "no BPF file system"
export CPC_BPF_ROOT=$tmp/bpf/cpchain

# pin_of I: the folder of vehicle I's policies; the namespace is in its name.
declare -a pins
cpc_bpf() { in_vehicle "$1" "$build/cpc-bpf" "${@:2}"; }
load()
{
	local before
	before=$(ls "$CPC_BPF_ROOT" 2>/dev/null)
	cpc_bpf "$1" policy platoon && cpc_bpf "$1" policy speed || return
	pins[$1]=$CPC_BPF_ROOT/$(comm -13 <(echo "$before") <(ls "$CPC_BPF_ROOT") | head -n 1)
	[ -e "${pins[$1]}/policy_platoon" ]
}
set_policies()
{
	cellctl "$1" policy_set cell=1 kind=2 "prog=${pins[$1]}/policy_platoon" &&
		cellctl "$1" policy_set cell=1 kind=1 "prog=${pins[$1]}/policy_speed"
}
# drive I SPEED GAP BRAKE: such are its sensors (cm/s, cm) from now on, always fresh, until halt I.
declare -a drivers=()
drive()
{
	: >"$tmp/driver.$1"
	ip netns exec "v$1" "$build/cpc-bpf" sensors "$2" "$3" "$4" 100 2>"$tmp/driver.$1" &
	drivers[$1]=$!
	wait_for 20 grep -q fresh "$tmp/driver.$1"
}
halt() { kill "${drivers[$1]}"; wait "${drivers[$1]}" 2>/dev/null; unset "drivers[$1]"; }

# As in uapi/cpchain_policy.h. join: 22.00 m/s, 20 m gaps, platoon 7, third; speed: zone 1, 10..25 m/s for a minute.
join=4d500101070000009808d00702000000
speed=4d50010301000000e803c4093c000000
propose() { cellctl 1 submit cell=1 "kind=$1" "data=$2" | jq .submit.seq; }

# outcome I SEQ: what vehicle I knows of the decided entry SEQ of lane 0.
outcome()
{
	cellctl "$1" condition_get cell=1 lane=0 | jq -c ".condition_get.condition // [] | map(
		select(.seq == $2 and (.open | not)))[0] // empty | [.yes, .no, .why]"
}
has_outcome() { [ -n "$(outcome "$1" "$2")" ]; }
rejected() { counter "$1" 1 rejected_entries; }
# words I KIND / reasons I KIND: [not yet, no, yes] and by reason.
policy_of() { cellctl "$1" policy_get cell=1 | jq -c ".policy_get.policies.policy[] | select(.kind == $2) | $3"; }
asked_all() { local i; for i in 2 3 4; do has_outcome "$i" "$1" || return; done; }

radios_up 4
module_load || die "the module does not load"
# Members' words have ten periods to come, on a busy machine too.
cell_up 4 1 pacing=1 period_us=500000
cams_start 1 4
for i in 1 2 3 4; do load "$i" || die "no policies in v$i"; set_policies "$i" || die "v$i takes none"; done
check "both kinds have a program" eval '[ "$(policy_of 2 1 .prog_id)" -gt 0 ] &&
	[ "$(policy_of 2 2 .prog_id)" -gt 0 ] && [ "$(policy_of 2 1 .prog_id)" != "$(policy_of 2 2 .prog_id)" ]'

# v2 and v4 agree, v3 brakes.
drive 2 2200 2500 0 && drive 3 2200 2500 1 && drive 4 2150 2500 0 || die "no sensors"
seq=$(propose 2 $join)
check "a join against one vehicle's sensors is decided upon" wait_for 30 asked_all "$seq"
is "it is rejected" "$(rejected 1) $(rejected 2) $(rejected 4)" "1 1 1"
is "v3's policy said no: braking" "$(policy_of 3 2 '[.words, .reasons[8]]')" '[[0,1,0],1]'
is "its proposer knows who refused and why" \
	"$(outcome 1 "$seq" | jq -c '[.[1], .[2][4:6]]')" '[4,"08"]'
is "so do the others" "$(outcome 4 "$seq" | jq -c '[.[1], .[2][4:6]]')" '[4,"08"]'
is "v2's said yes: its sensors agree" "$(policy_of 2 2 '[.words, .reasons[1]]')" '[[0,0,1],1]'

halt 3; drive 3 2250 2500 0 || die "no sensors"
seq=$(propose 2 $join)
check "the same with a free road" wait_for 30 asked_all "$seq"
is "it is accepted, by all" "$(outcome 1 "$seq" | jq -c '[.[0], .[1]]') $(rejected 1)" "[15,0] 1"

halt 4
sleep 1
seq=$(propose 1 $speed)
check "a speed advisory with one vehicle's sensors gone" wait_for 30 asked_all "$seq"
is "is accepted by quorum" "$(rejected 1) $(rejected 3)" "1 1"
is "stale sensors said no" "$(policy_of 4 1 '[.words[1], .reasons[5]]')" '[1,1]'

# Replaced while running, then removed.
check "a program is replaced in one step" cellctl 2 policy_set cell=1 kind=1 "prog=${pins[2]}/policy_platoon"
seq=$(propose 1 $speed)
check "an entry the new one does not know" wait_for 30 asked_all "$seq"
is "it has no word on it" "$(policy_of 2 1 '.words[0]')" 1
for i in 1 2 3 4; do cellctl $i policy_set cell=1 kind=2 && cellctl $i policy_set cell=1 kind=1; done
is "removed" "$(policy_of 2 2 '.prog_id')" null
seq=$(propose 2 $join)
check "without policy and agent nobody says anything" wait_for 30 asked_all "$seq"
is "and what needs all is rejected" "$(outcome 1 "$seq" | jq -c '[.[0], .[1]]')" "[1,0]"
for i in 2 3; do halt $i; done
cams_stop
check "the logs agree" same_log 4 1
check "the module leaves with programs set" eval 'set_policies 2 && rmmod cpchain'
done_testing
