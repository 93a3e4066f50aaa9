#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 400
# Members join, leave, restart and get new keys, one hundred times in a row, while the cell decides
# and a tenth of all frames is lost. No entry is lost or decided twice, all logs agree, and the next
# epoch goes on where the one before ended.
. tests/vm/lib.sh
. tests/vm/cells.sh

changes=100
names=$(seq -f 'v%.0f' -s, 1 6)
run() { timeout 350 "$build/cpc-epochs" "$names" "$@" >$tmp/epochs 2>$tmp/epochs.err; }
number() { jq "$1" $tmp/epochs; }

# Two epochs of one cell, by hand: what the module lets be beside each other.
hash=$(printf '5a%.0s' $(seq 32))
add() { cellctl 1 cell_add cell=1 if=wlan0 self=0 "$@"; }

radios_up 6
module_load || die "the module does not load"
refuse "a cell of 3: tolerating one fault takes at least 4 members" \
	cell_add cell=2 epoch=1 if=wlan0 self=0 members=0,1,2
check "three of one mind, if that is what is wanted" \
	cellctl 1 cell_add cell=2 epoch=1 if=wlan0 self=0 members=0,1,2 unanimous=1
refuse "a cell of 1: at least 2 members" cell_add cell=3 epoch=1 if=wlan0 self=0 members=0 unanimous=1
cellctl 1 cell_del cell=2
add epoch=3 members=0,1,2,3 || die "no cell"
refuse "PREV_LOG_HASH is missing" cell_add cell=1 epoch=4 if=wlan0 self=0 members=0,1,2,3 base=9
refuse "BASE is missing" cell_add cell=1 epoch=4 if=wlan0 self=0 members=0,1,2,3 \
	"prev_log_hash=$hash"
refuse "cell 1 exists already, in epoch 3: what follows has a BASE" \
	cell_add cell=1 epoch=4 if=wlan0 self=0 members=0,1,2,3
refuse "cell 1 exists already in this network namespace" cell_add cell=1 epoch=3 if=wlan0 self=0 \
	members=0,1,2,3 base=9 "prev_log_hash=$hash"
check "its next epoch starts beside it" add epoch=4 members=0,1,2,3,4 base=9 "prev_log_hash=$hash"
refuse "cell 1 has two epochs here already, 3 and 4" cell_add cell=1 epoch=5 if=wlan0 self=0 \
	members=0,1,2,3 base=19 "prev_log_hash=$hash"
is "the newest is meant" "$(cellctl 1 cell_get cell=1 | jq -c '.cell_get | [.epoch, .slot, .base]')" \
	"[4,9,9]"
is "unless another is named" "$(cellctl 1 cell_get cell=1 epoch=3 | jq .cell_get.epoch)" 3
refuse "no cell 1 of epoch 2 in this network namespace" cell_get cell=1 epoch=2
check "each goes by itself" eval 'cellctl 1 cell_del cell=1 epoch=3 && cellctl 1 cell_del cell=1'

for ((i = 1; i <= 6; i++)); do
	ip netns exec "v$i" tc qdisc add dev wlan0 root netem loss 10% || die "no netem"
done
check "$changes changes of members under load" run changes=$changes
is "none was left out" "$(number .changes)" $changes
check "of every kind" eval \
	'[ "$(number "[.joins, .leaves, .restarts, .rekeys] | min > 0")" = true ]'
is "no entry is lost" "$(number .lost)" 0
is "none is decided twice" "$(number .twice)" 0
check "entries were decided meanwhile" eval '[ "$(number .entries)" -gt 500 ]'
diag "$(cat $tmp/epochs)"
diag "$(tail -n 5 $tmp/epochs.err)"
mkdir -p "$build/bench" && cp $tmp/epochs "$build/bench/epochs.json"
is "no cell is left behind but the last" \
	"$(for ((i = 1; i <= 6; i++)); do cellctl $i dump cell_get; done |
		jq -s 'map(.cell_get.epoch) | unique | length')" 1
done_testing
