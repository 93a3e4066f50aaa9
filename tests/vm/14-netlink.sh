#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every refusal says what was wrong, with the value. And an agent without rights gets nothing done.
. tests/vm/lib.sh
. tests/vm/cells.sh

id() { printf "$1%.0s" $(seq "$2"); }	# the byte $1, $2 times

# Without rights in the network namespace.
unprivileged()
{
	local said
	said=$(in_vehicle 1 setpriv --reuid nobody --clear-groups --bounding-set -all \
		--inh-caps -all "$build/cellctl" "$@" 2>&1) && return 1
	[[ $said == *"not permitted"* ]] || { echo "$said"; return 1; }
}

radios_up 1
module_load || die "the module does not load"
good="cell=1 epoch=1 if=wlan0 self=0 members=0,1,2,3"
# with WORD...: a good cell_add, these words replaced.
with()
{
	local word result=()
	for word in $good; do
		local replaced=
		for new in "$@"; do [ "${new%%=*}" != "${word%%=*}" ] || replaced=yes; done
		[ -n "$replaced" ] || result+=("$word")
	done
	printf '%s\n' "${result[@]}" "$@"
}
refuse_add()
{
	local text=$1
	shift
	# shellcheck disable=SC2046 # words
	refuse "$text" cell_add $(with "$@")
}

refuse_add "CELL is 0, must be 1..65535" cell=0
refuse_add "EPOCH is 0, must be 1..65535" epoch=0
refuse "EPOCH is missing" cell_add cell=1 if=wlan0 self=0 members=0,1,2,3
refuse "MEMBERS is missing" cell_add cell=1 epoch=1 if=wlan0 self=0
refuse "SELF is missing" cell_add cell=1 epoch=1 if=wlan0 members=0,1,2,3
refuse_add "a cell of 3: tolerating one fault takes at least 4 members" members=0,1,2
refuse_add "a cell of 65: at most 64 members" "members=$(seq -s, 0 64)"
refuse_add "member index 2 is given twice" members=0,1,2,2:9
refuse_add "member index 2 is missing: a cell of 4 has 0..3" members=0,1,3,4
refuse_add "INDEX is 64, must be 0..63" members=0,1,2,64
refuse_add "members 1 and 3 have one node id: 0202020202020202..." members=0,1,2,3:2
refuse_add "SELF is 4, must be 0..3" self=4
refuse_add "PACING is 3, must be 0..2" pacing=3
refuse_add "PERIOD_US is 9999, must be 10000..1000000" period_us=9999
refuse_add "PERIOD_US is 1000001, must be 10000..1000000" period_us=1000001
refuse_add "DEFAULT_VERDICT is 3, must be 0..2" default_verdict=3
refuse "no interface 4711 in this network namespace" \
	cell_add cell=1 epoch=1 ifindex=4711 self=0 members=0,1,2,3
refuse_add "lo is not a wireless interface; a cell needs 802.11p (OCB)" if=lo
refuse_add "vcan0 is not a wireless interface; a cell needs 802.11p (OCB)" if=vcan0
in_vehicle 1 iw dev wlan0 interface add sta0 type managed
refuse_add "sta0 is not in OCB mode; see: iw dev sta0 set type ocb" if=sta0
is "a refused cell leaves nothing" "$(cellctl 1 dump cell_get)" ""
# shellcheck disable=SC2086 # words
check "a good cell is taken" cellctl 1 cell_add $good
refuse_add "cell 1 exists already in this network namespace" cell=1
for ((i = 2; i <= 16; i++)); do
	# shellcheck disable=SC2046 # words
	cellctl 1 cell_add $(with cell=$i) || die "no cell $i"
done
refuse_add "16 cells in this network namespace, no more are possible" cell=17
is "all are told" "$(cellctl 1 dump cell_get | jq -s 'map(.cell_get.cell) | tostring' -r)" \
	"[$(seq -s, 1 16)]"
is "and their counters" "$(cellctl 1 dump stats_get | wc -l)" 16
for ((i = 2; i <= 16; i++)); do cellctl 1 cell_del cell=$i; done

refuse "no cell 2 in this network namespace" cell_get cell=2
refuse "no cell 2 in this network namespace" cell_del cell=2
refuse "no cell 2 in this network namespace" dump decided_get cell=2 slot=0
refuse "CELL is missing" cell_get
refuse "PACING is 7, must be 0..2" cell_set cell=1 pacing=7
refuse "INDEX is 4, must be 0..3" key_set cell=1 index=4 key="$(id 00 16)"
refuse "member 0 is this vehicle itself: no key with oneself" key_set cell=1 index=0 key="$(id 00 16)"
refuse "KEY has 15 bytes, must have 16" key_set cell=1 index=1 key="$(id 00 15)"
refuse "KEY has 17 bytes, must have 16" key_set cell=1 index=1 key="$(id 00 17)"
refuse "KEY is missing" key_set cell=1 index=1
refuse "KIND is 4, must be 0..3" submit cell=1 kind=4 text=x
refuse "the entry of kind 3 is no change of these members" submit cell=1 kind=3 text=x
refuse "the entry of kind 3 is no change of these members" submit cell=1 kind=3 \
	data="010000001000000000000000"
refuse "DATA is missing" submit cell=1 kind=0
refuse "DATA has 0 bytes, must be 1..512" submit cell=1 kind=0 data=
refuse "DATA has 513 bytes, must be 1..512" submit cell=1 kind=0 data="$(id 00 513)"
check "512 bytes are taken" cellctl 1 submit cell=1 kind=0 data="$(id 00 512)"
for ((i = 2; i <= 15; i++)); do cellctl 1 submit cell=1 kind=0 text=x >/dev/null; done
refuse "the lane is full: 15 entries wait for a decision" submit cell=1 kind=0 text=x
refuse "LANE is 4, must be 0..3" verdict cell=1 lane=4 seq=1 head="$(id 00 16)" verdict=1
refuse "SEQ is 0, must be 1..4294967295" verdict cell=1 lane=1 seq=0 head="$(id 00 16)" verdict=1
refuse "HEAD has 8 bytes, must have 16" verdict cell=1 lane=1 seq=1 head="$(id 00 8)" verdict=1
refuse "VERDICT is 2, must be 0..1" verdict cell=1 lane=1 seq=1 head="$(id 00 16)" verdict=2
refuse "lane 1 has no open conditional entry 1 of that content" \
	verdict cell=1 lane=1 seq=1 head="$(id 00 16)" verdict=1
refuse "entries of kind 0 are not conditional" policy_set cell=1 kind=0
refuse "KIND is missing" policy_set cell=1
refuse "FD is 4294967295, no file descriptor" policy_set cell=1 kind=1 fd=4294967295
refuse "descriptor 0 is not a BPF socket filter" policy_set cell=1 kind=1 fd=0
refuse "descriptor 999 is not a BPF socket filter" policy_set cell=1 kind=2 fd=999
check "no policy at all can be removed" cellctl 1 policy_set cell=1 kind=1
refuse "LANE is 4, must be 0..3" condition_get cell=1 lane=4
refuse "LANE is missing" condition_get cell=1
is "nothing was asked on this lane" "$(cellctl 1 condition_get cell=1 lane=0)" \
	'{"condition_get":{"cell":1,"lane":0}}'
state="prev_log_hash=$(id 00 32) value=$(id 00 16)"
# shellcheck disable=SC2086 # words
{
refuse "slot 5: too few members claim that log hash" install cell=1 slot=5 $state "lanes=0:3:$(id 00 16)"
refuse "SLOT is 0, must be 1..4294967295" install cell=1 slot=0 $state "lanes=0:3:$(id 00 16)"
refuse "LANE is 9, must be 0..3" install cell=1 slot=5 $state "lanes=9:3:$(id 00 16)"
refuse "lane 1 is given twice" install cell=1 slot=5 $state "lanes=1:3:$(id 00 16),1:4:$(id 00 16)"
refuse "HEAD has 15 bytes, must have 16" install cell=1 slot=5 $state "lanes=0:3:$(id 00 15)"
refuse "LANES is missing" install cell=1 slot=5 $state
}
refuse "PREV_LOG_HASH has 31 bytes, must have 32" install cell=1 slot=5 \
	"prev_log_hash=$(id 00 31)" "value=$(id 00 16)" "lanes=0:3:$(id 00 16)"
is "the log of a cell that decided nothing is empty" "$(cellctl 1 dump decided_get cell=1 slot=0)" ""

# What the policies refuse before a command sees it: attributes that are not its own, or malformed.
foreign() { cellctl 1 "$@" >/dev/null 2>&1 && return 1 || return 0; }
check "an attribute of another command" foreign cell_del cell=1 slot=1
check "an unknown attribute" foreign cell_del cell=1 raw:99=00
check "a number of the wrong width" foreign cell_del raw:2=01000000
check "a nest that is not marked as one" foreign cell_add cell=3 epoch=1 if=wlan0 self=0 raw:7=00
check "an event is not a command" foreign ev_cell cell=1
is "none of it changed anything" "$(cellctl 1 dump cell_get | jq .cell_get.cell)" 1

for command in "cell_add $good" "cell_del cell=1" "cell_set cell=1 pacing=1" \
	"key_set cell=1 index=1 key=$(id 00 16)" "submit cell=1 kind=0 text=x" \
	"verdict cell=1" "install cell=1" "policy_set cell=1 kind=1"; do
	# shellcheck disable=SC2086 # words
	check "without rights: ${command%% *}" unprivileged $command
done
done_testing
