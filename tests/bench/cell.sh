#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How fast a cell decides and what it costs: prints tables, writes build/bench/cell.json and plots.
#
#   tests/bench/cell.sh [PART...]    all parts, or some (make bench-cell PARTS="simulator medium4")
#
#   simulator    the whole matrix, no virtual machine: a minute
#   throughput   full lanes; one entry at a time       twin     the same core in userspace
#   state        memory                                medium4, medium10   over the modelled air
#
# What parts not run now left before goes into the result, too. The others' boots are minutes each.
#
# Two sources, each for what it is good for, and each figure says which ("source"):
#
#   simulator  tools/cpc-cellsim: real cores in virtual time over the modelled 802.11p channel at
#              6 Mbit/s. The whole matrix n x loss x silent members x pacing; the same on every
#              machine, as computing takes no time there.
#   guest      the real module on simulated OCB radios in the virtual machine (tests/bench/cell-guest):
#              some points of the matrix over the same channel model in real time (cpc-medium); the
#              twin, throughput and memory on radios that take no air time, with frames not paced by
#              the channel (channel_mbit=0).
#
# Latency is from submitting an entry to the submitter's knowing that it is decided. Per decision:
# frames of the cell's own; bytes of its elements, also of those on carriers; air time of both. In the
# guest they are summed over the run and divided by the decisions, and air time is reckoned from the
# mean element; the elements between two decisions are in it, too.
#
# The twin (cpc-twin) is the same core in userspace over packet sockets. Both carry the same load, in
# turns, in one boot: every member submits an entry of 64 bytes each 50 ms. CPU is all that is not
# idle, interrupts, radios and the submitting agents included, less what the idle machine takes; so
# the radios' own work counts for both alike. What a frame costs the simulated radios, without cells, is
# measured too, and the ratio without it given beside. Ratios are medians over the rounds, module over
# twin.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$PWD/${CPC_BUILD:-build}
out=$build/bench/cell
count=${CPC_BENCH_COUNT:-400}
mkdir -p "$out"

simulator()
{
	local n loss silent pacing
	for n in 4 7 10 16; do
		for loss in 0 10 20 30; do
			for ((silent = 0; silent <= (n - 1) / 3; silent++)); do
				for pacing in carrier early urgent; do
					echo --n $n --loss $loss --silent $silent --pacing $pacing --count "$count"
				done
			done
		done
	done | xargs -P "$(nproc)" -L 1 "$build/cpc-cellsim" >"$out/sim.jsonl" || return
	for bytes in 64 512; do
		"$build/cpc-cellsim" --pacing urgent --no-carriers --no-air --full 5 --bytes $bytes
	done >"$out/sim-full.jsonl"
	"$build/cpc-cellsim" --pacing urgent --no-carriers --no-air --count 400 >"$out/sim-floor.jsonl"
}

guest_parts='throughput twin state medium4 medium10'

# One boot for each part: a machine is as busy as what ran before leaves it.
guest()
{
	rm -f "$out/$1.jsonl"
	tools/vm --timeout 600 -- tests/bench/cell-guest "$1" && [ -s "$out/$1.jsonl" ] ||
		{ echo "cell.sh: part $1 failed" >&2; return 1; }
}

# ---- all in one --------------------------------------------------------------------------------

# shellcheck disable=SC2016 # jq's variables
summary='
def lines($file): $file | split("\n") | map(select(. != "") | fromjson);
def median: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;
def round($digits): if . == null then null else . * pow(10; $digits) | round / pow(10; $digits) end;
# Busy and idle come as "ms of CPU, ms of time".
def share: split(" ") | map(tonumber) | .[0] / .[1];
def rounds($who; $idle): map(select(.who == $who) | . + {net: ((.busy | share) - $idle)});
(lines($twin) | map(.idle | share) | median) as $idle |
(lines($twin) | rounds("module"; $idle) | map(. + {us: (.net * 1000000 / .slots_per_s)})) as $modules |
(lines($twin) | rounds("twin"; $idle) | map(. + {us: (.net * 1000000 / .slots_per_s)})) as $twins |
(lines($twin) | rounds("frames"; $idle) | map(.net * 1000000 / .frames_per_s) | median) as $frame_us |
(lines($full) | map(.full // empty)) as $fulls |
($fulls | map(select(.bytes == 512)) | .[0]) as $big | ($fulls | map(select(.bytes == 64)) | .[0]) as $small |
(lines($full) | map(.one_at_a_time // empty) | .[0]) as $one |
{
	decisions: (lines($guest) + lines($sim) | sort_by(.n, .loss_percent, .silent, .pacing, .source)),
	twin: (if $modules == [] then null else {
		cpu_ratio: (([$modules[].us] | median) / ([$twins[].us] | median) | round(3)),
		cpu_ratio_without_radios: (if $frame_us == null then null else
			(([$modules[] | .us - .frames * $frame_us] | median) /
			([$twins[] | .us - .frames * $frame_us] | median) | round(3)) end),
		latency_ratio: (([$modules[].p50_ms] | median) / ([$twins[].p50_ms] | median) | round(3)),
		targets: {cpu_ratio: 0.333, latency_ratio: 0.5}, rounds: ($modules | length),
		idle_cpus: ($idle | round(3)),
		module: {us_per_decision: ([$modules[].us] | median | round), p50_ms: ([$modules[].p50_ms] | median),
			frames_per_decision: ([$modules[].frames] | median | round(2)),
			agents_us_per_decision: ([$modules[] | select(.load_slots) |
				.load_cpu_ms * 1000 / .load_slots] | median | round)},
		twin: {us_per_decision: ([$twins[].us] | median | round),
			p50_ms: ([$twins[].p50_ms] | median | round(3)),
			frames_per_decision: ([$twins[].frames] | median | round(2))},
		radio_us_per_frame: ($frame_us | round),
		pacing_floor_ms: (lines($floor) | .[0].p50_ms)
	} end),
	throughput: (if $big == null then null else {
		entries_per_s: ($big.decided_entries * 8 / $big.seconds | round),
		what: "decided records of 64 bytes, 8 in a lane entry of 512 bytes",
		lane_entries_per_s: ($big.decided_entries / $big.seconds | round),
		slots_per_s: ($big.decided_slots / $big.seconds | round),
		frames_per_s: ($big.extra_frames / $big.seconds | round),
		target_entries_per_s: 20000,
		unbatched_entries_per_s: ($small.decided_entries / $small.seconds | round),
		without_cpu: (lines($simfull) | map({bytes, entries_per_s, slots_per_s, source}))
	} end),
	one_at_a_time: (if $one == null then null else
		{p50_ms: $one.latency_ms.p50, p99_ms: $one.latency_ms.p99, count: $one.latency_ms.count,
		frames: ($one.extra_frames / $one.decided_slots | round(2)), source: "guest"} end),
	state_bytes: lines($state),
	instructions: ($instructions | if . == "" then null else fromjson end),
	machine: {cpus: ($cpus | tonumber), guest: "6.1, 2 CPUs, TCG unless KVM works here"}
}'

text() { cat "$@" 2>/dev/null || true; }
combine()
{
	jq -n --arg sim "$(text "$out/sim.jsonl")" --arg guest "$(text "$out"/medium{4,10}.jsonl)" \
		--arg twin "$(text "$out/twin.jsonl")" --arg full "$(text "$out/throughput.jsonl")" \
		--arg simfull "$(text "$out/sim-full.jsonl")" --arg floor "$(text "$out/sim-floor.jsonl")" \
		--arg state "$(text "$out/state.jsonl")" --arg cpus "$(nproc)" \
		--arg instructions "$(text "$build/bench/instructions.json")" "$summary" >"$build/bench/cell.json"
}

table()
{
	local json=$build/bench/cell.json
	jq -r '["n", "loss %", "silent", "pacing", "p50 ms", "p99 ms", "frames", "bytes", "air ms", "source"],
		(.decisions[] | select(.silent == 0 or .source == "guest" or .silent == ((.n - 1) / 3 | floor)) |
		[.n, .loss_percent, .silent, .pacing, .p50_ms, .p99_ms, .frames, .bytes, .air_ms, .source]) |
		@tsv' "$json" | column -t -s $'\t'
	jq -r 'def met($ok): if $ok then "met" else "MISSED" end;
	def point($n; $loss; $silent; $pacing): .decisions[] |
		select(.n == $n and .loss_percent == $loss and .silent == $silent and .pacing == $pacing);
	"", "targets",
	(point(10; 20; 0; "early") | "  n=10, 20 % loss, early: p50 \(.p50_ms) <= 120, p99 \(.p99_ms) <= 400 ms: " +
		met(.p50_ms <= 120 and .p99_ms <= 400) + " (\(.source))"),
	(point(10; 20; 3; "early") | "  and 3 silent: p99 \(.p99_ms) <= 1000 ms: " +
		met(.p99_ms <= 1000) + " (\(.source))"),
	(point(4; 0; 0; "urgent") | "  n=4 urgent: air \(.air_ms) <= 5 ms, frames \(.frames) <= 8: " +
		met(.air_ms <= 5 and .frames <= 8) + " (\(.source))"),
	(.twin // empty | "  CPU per decision, module \(.module.us_per_decision) us, " +
		"twin \(.twin.us_per_decision) us: ratio \(.cpu_ratio) <= 0.333: " + met(.cpu_ratio <= 0.333) +
		" (\(.cpu_ratio_without_radios) without what the simulated radios take)",
		"  latency, module \(.module.p50_ms) ms, twin \(.twin.p50_ms) ms (of both \(.pacing_floor_ms) ms are " +
		"pacing): ratio \(.latency_ratio) <= 0.5: " + met(.latency_ratio <= 0.5)),
	(.throughput // empty | "  \(.entries_per_s) records/s of 64 bytes >= 20000: " + met(.entries_per_s >= 20000) +
		" (\(.what); one to an entry: \(.unbatched_entries_per_s)/s)"),
	(.one_at_a_time // empty | "  one at a time: p50 \(.p50_ms) ms, p99 \(.p99_ms) ms"),
	"  state: " + (.state_bytes | map("n=\(.n) \(.bytes) bytes") | join(", ")),
	(.instructions // empty | "  instructions per element (\(.counts)): " +
		(.sizes | map("n=\(.n) \(.idle) idle, \(.deciding) deciding") | join("; ")))' "$json"
}

# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- simulator $guest_parts
status=0
for part in "$@"; do
	case " simulator $guest_parts " in
	*" $part "*) ;;
	*) echo "cell.sh: no part '$part': simulator $guest_parts" >&2; exit 2 ;;
	esac
done
for part in "$@"; do
	began=$SECONDS
	case $part in
	simulator) simulator || status=1 ;;
	*) guest "$part" || status=1 ;;
	esac
	echo "$part: $((SECONDS - began)) s"
done
[ -s "$build/bench/instructions.json" ] || "$build/bench/instructions" >/dev/null
combine
tests/bench/plot "$build/bench/cell.json" "$build/bench"
table
exit $status
