#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# A fifth radio floods a cell of four with forged elements of a member, from one address, from ten
# thousand and from v1's own, as fast as the guest can. With the agents' filters on the cell decides as before. How fast
# v1's entries are decided, with filters and without, in quiet and under each flood, is shown and left
# in build/bench/bpf-flood.json; the bench runs it with more entries (the argument) than the check.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4 entries=${1:-20}
flood_s=$((entries * 2 / 5 + 6))
declare -a agent=()
mkdir -p $tmp/bpf && mount -t bpf bpf $tmp/bpf || die "no BPF file system"
export CPC_BPF_ROOT=$tmp/bpf/cpchain

configure()
{
	local i=$1 k
	{
		printf '[node]\nkey = %s/node.key\nstate = %s\n' "$tmp/flood-v$i" "$tmp/flood-v$i"
		printf '[cell]\nid = 7\nepoch = 1\ninterface = wlan0\n'
		printf '[bpf]\nroot = %s\nfilter = %s\n' "$CPC_BPF_ROOT" "$2"
		printf '[api]\nsocket = %s/control\n' "$tmp/flood-v$i"
		for ((k = 1; k <= n; k++)); do
			printf '[member car%s]\nindex = %s\nnode_id = %s\n' "$k" $((k - 1)) \
				"$("$build/cpchaind" --print-id --key "$tmp/flood-v$k/node.key")"
		done
	} >"$tmp/flood-v$i/conf"
}

ctl() { "$build/cpchainctl" --socket "$tmp/flood-v$1/control" "${@:2}"; }
ready() { local i; for ((i = 1; i <= n; i++)); do [ "$(ctl $i status --json | jq .peers_up)" = 3 ] ||
	return; done; }
latency() { ctl 1 stats --json | jq -c .latency_ms; }
measured() { [ "$(latency | jq .count)" -ge "$entries" ]; }

# restart FILTER I...: these agents, with the filter so; what they measured so far is forgotten.
restart()
{
	local filter=$1 i
	shift
	for i in "$@"; do
		[ -z "${agent[i]:-}" ] || { kill "${agent[i]}"; wait "${agent[i]}"; }
		configure "$i" "$filter"
		ip netns exec "v$i" "$build/cpchaind" --config "$tmp/flood-v$i/conf" \
			2>>"$tmp/flood-v$i/journal" &
		agent[i]=$!
	done
	wait_for 60 ready
}

# decides NAME: v1 submits its entries one after the other, out of step with the carriers, and has
# all decided.
decides()
{
	local k
	for ((k = 1; k <= entries; k++)); do
		ctl 1 submit --json "case $1, entry $k" >/dev/null || return
		sleep 0.$((15 + RANDOM % 15))
	done
	wait_for 60 measured || return
	latency >"$tmp/flood.$1"
	diag "$1: $(cat "$tmp/flood.$1")"
}

# under_flood NAME SOURCES: the same while v5 floods.
under_flood()
{
	local flooder result
	ip netns exec v5 "$build/cpc-flood" wlan0 forged "$2" $flood_s >"$tmp/flood.$1.rate" &
	flooder=$!
	decides "$1"
	result=$?
	wait $flooder
	diag "$1: $(cat "$tmp/flood.$1.rate")"
	return $result
}
rate() { sed 's/.*: \([0-9]*\)\/s.*/\1/' "$tmp/flood.$1.rate"; }
dropped() { in_vehicle 2 "$build/cpc-bpf" show wlan0 json | jq '[.filter[] | .frames?] | add'; }

radios_up 5
module_load || die "the module does not load"
for ((i = 1; i <= n; i++)); do mkdir "$tmp/flood-v$i"; done
restart auto 1 2 3 4 || die "the agents do not find each other"
cams_start 1 $n
plan 6
check "the cell decides in quiet" decides filter_quiet
restart auto 1
check "and under a flood from one source" under_flood filter_1 1
restart auto 1
check "and from ten thousand" under_flood filter_10000 10000
for ((i = 1; i <= n; i++)); do in_vehicle $i "$build/cpc-bpf" show wlan0 | grep -v ' 02:' |
	sed "s/^/# v$i /"; done
restart auto 1
check "and from a stranger under v1's own address" under_flood filter_own "$(mac 1)"
check "the filters took the flood" eval '[ "$(dropped)" -gt 10000 ]'
for ((i = 1; i <= n; i++)); do in_vehicle $i "$build/cpc-bpf" detach wlan0; done
# Not through check, which runs things in a shell of their own.
if restart off 1 2 3 4; then ok "without filters the agents go on"
else not_ok "without filters the agents go on"; fi
# The bench compares, in the same run; what happens without the filter is nothing that we promise.
cases=(filter_quiet filter_1 filter_10000 filter_own)
if [ -n "${1:-}" ]; then
	cases+=(off_quiet off_1 off_10000 off_own)
	decides off_quiet || diag "not all was decided in time"
	restart off 1
	under_flood off_1 1 || diag "not all was decided in time"
	restart off 1
	under_flood off_10000 10000 || diag "not all was decided in time"
	restart off 1
	under_flood off_own "$(mac 1)" || diag "not all was decided in time"
fi
mkdir -p "$build/bench"
for case in "${cases[@]}"; do
	jq -c --arg case "$case" --arg rate "$(rate "$case" 2>/dev/null)" \
		'{case: $case, frames_per_s: ($rate | tonumber? // 0)} + .' "$tmp/flood.$case"
done | jq -s --arg kernel "$(uname -r)" '
	def p50(name): map(select(.case == name))[0].p50;
	def rise(of): map(select(.case | startswith(of)) | .case) | map(select(endswith("quiet") | not));
	. as $all | {bench: "bpf-flood", kernel: $kernel, cases: .,
	 rise: (["filter_", "off_"] | map(. as $of | $all | rise($of) | map({key: ., value:
		(. as $case | ($all | p50($case)) / ($all | p50($of + "quiet")) - 1)})) |
		add | from_entries)}' >"$build/bench/bpf-flood.json"
diag "$(jq -c . "$build/bench/bpf-flood.json")"
kill "${agent[@]}"
wait "${agent[@]}" 2>/dev/null
cams_stop
true
