#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# The decided log as an agent reads it: decisions larger than a message, and a ring that forgets.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
fill_start()
{
	local i
	fillers=()
	for ((i = 1; i <= n; i++)); do
		"$build/cellctl" -n v$i fill "$@" &
		fillers+=($!)
	done
}
fill_all()
{
	fill_start "$@"
	wait "${fillers[@]}"
}
long=$(printf 'a7%.0s' $(seq 500))

# Every entry that was decided is in the log, once: as many as the counter says.
whole_log()
{
	CELLCTL_RECEIVE=4096 log_of 1 1 >$tmp/log
	[ "$(jq -s '[.[].decided_get.lanes.lane_cut[]?.entry[]?] | length' $tmp/log)" = "$1" ] &&
	[ "$(jq -s '[.[].decided_get.lanes.lane_cut[]?.entry[]?] | unique | length' $tmp/log)" = "$1" ]
}

# A decision in several messages: all but its last say so.
in_parts()
{
	jq -s -e 'group_by(.decided_get.slot) | any(length > 1) and
		all(.[:-1] | all(.decided_get.more == true)) and all(.[-1].decided_get.more == null)' $tmp/log
}

# Reading from every slot on gives the rest of the log; where messages end may differ.
contents()
{
	jq -s -c --argjson after "$1" --argjson last "$2" 'map(.decided_get |
		select(.slot > $after and .slot <= $last)) | group_by(.slot)[] |
		[.[0].slot, .[0].log_hash, .[0].value, [.[].lanes.lane_cut[]?.entry[]?]]'
}
resumes()
{
	local slot last
	last=$(jq .decided_get.slot $tmp/log | tail -n 1)
	for ((slot = 0; slot < last; slot++)); do
		cmp <(cellctl 1 dump decided_get cell=1 slot=$slot | contents 0 "$last") \
			<(contents $slot "$last" <$tmp/log) || return
	done
}

forgets()
{
	local said oldest newest
	said=$(cellctl 1 dump decided_get cell=1 slot=0 2>&1) && return 1
	oldest=$(sed -n 's/.*slot 1 is not kept any more, the oldest is \([0-9]*\); ask a peer/\1/p' <<<"$said")
	newest=$(decided 1 1)
	[ "$oldest" -gt 1 ] && [ $((newest - oldest + 1)) = 256 ] &&
	[ "$(cellctl 1 dump decided_get cell=1 slot=$((oldest - 1)) | wc -l)" -ge 256 ]
}

radios_up $n
module_load || die "the module does not load"
cell_up $n 1
# Entries gather while there is no carrier to agree in.
check "lanes fill up" fill_all 15 cell=1 "data=$long"
cams_start 1 $n
check "60 long entries are decided" wait_for 120 all_decided $n 1 60
check "each is in the log once" whole_log 60
check "decisions that need several messages say so" in_parts
check "a reader can resume after any slot" resumes
check "all have the same log" same_log $n 1
for ((i = 1; i <= n; i++)); do cellctl $i cell_set cell=1 pacing=2; done
fill_start 1000000 cell=1 text=many
many() { [ "$(decided 1 1)" -gt 260 ]; }
check "more than 256 slots are decided" wait_for 300 many
{ kill "${fillers[@]}" && wait "${fillers[@]}"; } 2>/dev/null
everything() { all_decided $n 1 "$(total 1 $n 1 submitted)"; }
check "and every entry" wait_for 60 everything
check "the ring keeps 256, and says so to who wants older ones" forgets
cams_stop
done_testing
