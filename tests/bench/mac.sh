#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What authenticating one element costs under each MAC algorithm that the module can use, in the
# kernel of the virtual machine: nanoseconds for a sender (n-1 tags) and for a receiver (one).
# Prints a table and writes build/bench/mac.json.
#
# Under emulation (TCG) the absolute numbers mean little and instructions that a CPU has for AES or
# SHA-256 are slow; "accelerator" in the JSON says which it was. build/bench/mac-native times the
# same work on this machine's CPU.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$PWD/${CPC_BUILD:-build}

in_guest()
{
	modprobe -q aesni-intel || true
	modprobe -q sha256-ssse3 || true
	modprobe cmac
	insmod "$1/cpchain_mac_bench.ko"
	dmesg | sed -n 's/.*cpchain-mac: //p' >"$1/table"
	grep -m 1 -o 'Hypervisor detected: .*' <(dmesg) | sed 's/.*: //' >"$1/accelerator" || echo TCG >"$1/accelerator"
	uname -r >"$1/kernel"
}

if [ -n "${CPC_VM:-}" ]; then
	in_guest "$1"
	exit
fi

farm=$build/bench/mac-kmod
version=$(basename "$(dirname "$(ls -t "$build"/kmod/6.1.*/cpchain.ko | head -n 1)")")
headers=$(find /usr/src "${CPC_CACHE:-/var/cache/cpchain}/kernels" -maxdepth 4 -name "linux-headers-$version" \
	-prune 2>/dev/null | head -n 1)
mkdir -p "$farm"
ln -sf "$PWD"/tests/bench/mac_kmod/{Kbuild,main.c} "$PWD"/kmod/mac.[ch] "$farm/"
ln -sfn "$PWD/include" "$farm/include"
make -s -C "$headers" M="$farm" W=1 modules >"$farm/log" 2>&1 || { cat "$farm/log"; exit 1; }
tools/vm --kernel "$version" --timeout 300 -- tests/bench/mac.sh "$farm"

jq -R -s --arg kernel "$(cat "$farm/kernel")" --arg accelerator "$(cat "$farm/accelerator")" \
	'{kernel: $kernel, accelerator: $accelerator, unit: "ns per element",
	results: [split("\n")[] | select(. != "") | split(" ") |
	{mac: .[0], n: (.[1] | tonumber), bytes: (.[2] | tonumber),
	send: (.[3] | tonumber), receive: (.[4] | tonumber)}]}' \
	"$farm/table" >"$build/bench/mac.json"
jq -r '"kernel \(.kernel), \(.accelerator); ns per element: sender (n-1 tags) / receiver",
	(["mac"] + [.results[] | select(.mac == "blake2s") | "n=\(.n) \(.bytes)B"] | @tsv),
	(.results | group_by(.mac)[] | [.[0].mac] + map("\(.send)/\(.receive)") | @tsv)' \
	"$build/bench/mac.json" | column -t -s $'\t'
