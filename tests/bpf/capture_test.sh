#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A capture of a veth pair, as tshark and capinfos read it: CAMs, WSMs and elements with nanosecond
# stamps; and the dissector of the element, on carriers and on frames of its own.
set -u -o pipefail
build=$PWD/${CPC_BUILD:-build}

[ "$(id -u)" = 0 ] && unshare -nm true 2>/dev/null || { echo "1..0 # SKIP not root"; exit 0; }
if [ -z "${CPC_CAPTURE_INSIDE:-}" ]; then
	CPC_CAPTURE_INSIDE=1 exec unshare -nm "$0"
fi

count=0
check()
{
	local name=$1 output
	shift
	count=$((count + 1))
	if output=$("$@" 2>&1); then
		echo "ok $count - $name"
	else
		printf 'not ok %d - %s\n' "$count" "$name"
		printf '%s\n' "$*" "$output" | sed 's/^/# /'
	fi
}

work=$(mktemp -d)
pids=()
# shellcheck disable=SC2317 # called by the trap
cleanup() { [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$work"; }
trap cleanup EXIT

wait_for()
{
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

frames_in() { tshark -r "$work/c.pcapng" -Y "$1" 2>/dev/null | wc -l; }
read_with() { tshark -X lua_script:tools/wireshark/cpchain.lua -r "$work/c.pcapng" "$@" 2>/dev/null; }

mount -t bpf bpf /sys/fs/bpf || { echo "Bail out! no BPF file system"; exit 1; }
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link add vehicle type veth peer name radio && ip link set vehicle up && ip link set radio up

check "the programs attach" "$build/cpc-bpf" attach vehicle
"$build/cpc-bpf" capture vehicle "$work/c.pcapng" 6 >"$work/frames" 2>"$work/err" &
pids+=($!)
check "a capture begins" wait_for 5 grep -q capturing "$work/err"
# A late machine skips periods, so what was sent is what the sender says.
send() { "$build/v2xgen" send --iface radio --rate 10 --json "$@" | tail -n 1 | jq .sent; }
cams=$(send --count 6 --station 5)
wsms=$(send --count 4 --station 6 --wsmp)
"$build/cpc-flood" radio element 1 0.01 >"$work/flood"
wait "${pids[0]}"
pids=()
check "the file is pcapng" capinfos -t "$work/c.pcapng"
check "its stamps are nanoseconds" eval \
	"capinfos '$work/c.pcapng' | grep -q 'nanoseconds (9)'"
check "tshark decodes the CAMs" [ "$(frames_in its)" = "$cams" ]
check "and the WSMs" [ "$(frames_in wsmp)" = "$wsms" ]
check "times are now, in UTC" eval \
	"tshark -r '$work/c.pcapng' -T fields -e frame.time_epoch -c 1 | awk -v now=$(date +%s) \
	'{ exit !(\$1 > now - 60 && \$1 <= now + 1) }'"
check "the element is dissected" eval \
	"[ \"\$(read_with -Y 'cpchain.cell == 7 && cpchain.sender == 200' | wc -l)\" -gt 0 ]"
check "it detaches" "$build/cpc-bpf" detach vehicle
echo "1..$count"
