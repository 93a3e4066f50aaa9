#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# A fifth radio floods a cell of four: with forged elements of a member, from one address and from
# ten thousand. With the filter on the cell decides as before; how fast, with and without, is shown
# and left in build/bench/bpf-flood.json. v1..v4 each measure one case with their own entries.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4 entries=20 flood_s=25
declare -a agent=()
mkdir -p /tmp/bpf && mount -t bpf bpf /tmp/bpf || die "no BPF file system"
export CPC_BPF_ROOT=/tmp/bpf/cpchain

configure()
{
	local i=$1 k
	{
		printf '[node]\nkey = /tmp/flood-v%s/node.key\nstate = /tmp/flood-v%s\n' "$i" "$i"
		printf '[cell]\nid = 7\nepoch = 1\ninterface = wlan0\n'
		# The agent's own would be there from the beginning; here it comes half-way.
		printf '[bpf]\nfilter = off\nstamp = no\n'
		printf '[api]\nsocket = /tmp/flood-v%s/control\n' "$i"
		for ((k = 1; k <= n; k++)); do
			printf '[member car%s]\nindex = %s\nnode_id = %s\n' "$k" $((k - 1)) \
				"$("$build/cpchaind" --print-id --key "/tmp/flood-v$k/node.key")"
		done
	} >"/tmp/flood-v$i/conf"
}

ctl() { "$build/cpchainctl" --socket "/tmp/flood-v$1/control" "${@:2}"; }
ready() { local i; for ((i = 1; i <= n; i++)); do [ "$(ctl $i status --json | jq .peers_up)" = 3 ] ||
	return; done; }
latency() { ctl "$1" stats --json | jq -c .latency_ms; }
measured() { [ "$(latency "$1" | jq .count)" -ge "$2" ]; }

# Vehicle I submits its entries one after the other and has all decided.
decides()
{
	local k
	for ((k = 1; k <= entries; k++)); do
		ctl "$1" submit --json "case $1, entry $k" >/dev/null || return
		sleep 0.2
	done
	wait_for 60 measured "$1" $entries
}

# under_flood NAME I SOURCES: the same while v5 floods.
under_flood()
{
	local flooder result
	ip netns exec v5 "$build/cpc-flood" wlan0 forged "$3" $flood_s >"/tmp/flood.$2" &
	flooder=$!
	decides "$2"
	result=$?
	wait $flooder
	diag "$1: $(latency "$2"); $(cat "/tmp/flood.$2")"
	return $result
}

filters_on()
{
	local i k
	for ((i = 1; i <= n; i++)); do
		in_vehicle $i "$build/cpc-bpf" attach wlan0 auto &&
		in_vehicle $i "$build/cpc-bpf" cell wlan0 7 1 $n $((i - 1)) || return
		for ((k = 1; k <= n; k++)); do
			[ $k = $i ] || in_vehicle $i "$build/cpc-bpf" allow wlan0 "$(mac $k)" || return
		done
	done
}

radios_up 5
module_load || die "the module does not load"
for ((i = 1; i <= n; i++)); do mkdir "/tmp/flood-v$i"; done
for ((i = 1; i <= n; i++)); do configure "$i"; done
for ((i = 1; i <= n; i++)); do
	ip netns exec "v$i" "$build/cpchaind" --config "/tmp/flood-v$i/conf" 2>"/tmp/flood-v$i/journal" &
	agent[i]=$!
done
wait_for 60 ready || die "the agents do not find each other"
cams_start 1 $n
plan 4
check "the cell decides in quiet" decides 1
diag "quiet: $(latency 1)"
# Only to compare with: what happens without the filter is nothing that we promise.
under_flood "no filter, 10,000 sources" 2 10000 || diag "not all was decided in time"
check "the filters attach" filters_on
check "the cell decides under a flood from one source" under_flood "filter, 1 source" 3 1
check "and from ten thousand" under_flood "filter, 10,000 sources" 4 10000
mkdir -p "$build/bench"
{
	printf '{"bench": "bpf-flood", "kernel": "%s", "rate": "%s",\n' "$(uname -r)" \
		"$(sed 's/.*: \([0-9]*\/s\).*/\1/' /tmp/flood.4)"
	printf ' "quiet": %s, "no_filter_10000": %s, "filter_1": %s, "filter_10000": %s}\n' \
		"$(latency 1)" "$(latency 2)" "$(latency 3)" "$(latency 4)"
} >"$build/bench/bpf-flood.json"
diag "$(cat "$build/bench/bpf-flood.json")"
for ((i = 1; i <= n; i++)); do in_vehicle $i "$build/cpc-bpf" show wlan0 | grep -v '02:00' |
	sed "s/^/# v$i /"; done
kill "${agent[@]}"
wait "${agent[@]}" 2>/dev/null
cams_stop
true
