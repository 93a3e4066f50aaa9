#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 900
# The demonstration's scene, short: one log at all vehicles, on carriers only, small elements, in
# time; the same with 20 % loss; and one vehicle dying. A scene's own judgement is tested
# too: a result that is not right must not say "agree".
[ -n "${CPC_VM:-}" ] || { echo "Bail out! this test belongs in tools/vm"; exit 1; }

# Not tests/vm/lib.sh, whose cleanup the scene runs by itself, but its words.
tap_count=0
ok() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1"; }
not_ok() { tap_count=$((tap_count + 1)); echo "not ok $tap_count - $1"; }

build=$PWD/${CPC_BUILD:-build}
work=$(mktemp -d)
export CPC_DEMO_STAGE=${CPC_BUILD:-build}/vm/demo.d
mkdir -p "$CPC_DEMO_STAGE"
"$build/candrive" --seconds 60 >"$CPC_DEMO_STAGE/drive.log"
cp tests/data/synthetic.dbc "$CPC_DEMO_STAGE/drive.dbc"
cp agent/gateway/overlays/synthetic.json "$CPC_DEMO_STAGE/overlay.json"

# scene NAME VARIABLE=VALUE...: runs one; its result is then what holds() looks at.
scene()
{
	result=$work/$1.json
	local name=$1
	shift
	if env CPC_DEMO_OUT="$result" CPC_DEMO_LENGTH=60 "$@" tools/demo.d/scene >"$work/said" 2>&1
	then
		ok "$name: the scene ends well"
	else
		not_ok "$name: the scene ends well"
		sed 's/^/# /' "$work/said"
	fi
	# What it measured, for whoever reads the log.
	jq -c '.scene | del(.read_back)' "$result" | sed 's/^/# /'
	jq -c '.vehicles[] | del(.dropped)' "$result" | sed 's/^/# /'
}

# holds NAME FILTER: the filter is true of the result.
holds()
{
	if [ "$(jq "$2" "$result" 2>&1)" = true ]; then
		ok "$1"
	else
		not_ok "$1"
		echo "# $2"
	fi
}

same_log()
{
	holds "$1: all have one log" '.agree and (.vehicles | length) == '"$2"' and
		(.vehicles | map([.decided_slots, .log_hash]) | unique | length) == 1'
	holds "$1: with everything that was submitted" '.vehicles | all(.entries_submitted > 0 and
		.entries_submitted == .entries_decided)'
}

nothing_extra()
{
	holds "$1: not one extra frame" '.vehicles | all(.extra_frames == 0 and .carriers > 0)'
	holds "$1: an idle element has at most 32 + 8(n-1) bytes" '.vehicles |
		all(.element_bytes.idle > 0 and .element_bytes.idle <= 32 + 8 * 3)'
	holds "$1: with one open slot, at most 56 + 8(n-1)" '.scene.element_bytes.open |
		. > 0 and . <= 56 + 8 * 3'
}

scene plain CPC_DEMO_N=4 CPC_DEMO_DURATION=12 CPC_DEMO_CAPTURE="$build/vm/demo.pcapng"
same_log plain 4
nothing_extra plain
holds "plain: half of the entries are decided within 6 carrier periods" \
	'.vehicles | all(.latency_ms.p50 > 0 and .latency_ms.p50 <= 600)'
holds "plain: nothing is dropped" '.vehicles | all(.dropped | add == 0)'
holds "plain: nor by the filters in front, which saw all of it" '.vehicles |
	all(.filter.mode != "off" and .filter.dropped == 0 and .filter.passed > 100)'
captured() { tshark -r "$build/vm/demo.pcapng" -Y "$1" 2>/dev/null | wc -l; }
if [ "$(captured its)" -gt 100 ] && [ "$(captured _ws.malformed)" = 0 ]; then
	ok "plain: tshark reads the capture as CAMs"
else
	not_ok "plain: tshark reads the capture as CAMs"
	echo "# $(captured its) CAMs, $(captured _ws.malformed) malformed"
fi
holds "plain: CAN frames came in, and became signals" \
	'.vehicles | all(.can_frames > 100 and .signals > 5)'
holds "plain: the other vehicle's speed is read from the own log" '.scene.read_back.signals |
	any(.signal == "Vehicle.Speed" and .unit == "km/h" and .value >= 0 and .value < 250)'
holds "plain: dropped has a count for every reason" '.vehicles | all(.dropped |
	keys == ["cell", "epoch", "mac", "malformed", "no_key", "oversized", "replay", "sender",
	"truncated", "version"])'

scene loss CPC_DEMO_N=4 CPC_DEMO_DURATION=12 CPC_DEMO_LOSS=20
same_log loss 4
nothing_extra loss
holds "loss: a fifth of the broadcasts was lost" '.scene.loss_measured_percent |
	. > 14 and . < 26'

scene death CPC_DEMO_N=4 CPC_DEMO_DURATION=12 CPC_DEMO_KILL=1
same_log death 3
holds "death: the dead one's log is the beginning of the others'" '.scene.killed.same_log and
	.scene.killed.slot < .scene.common_slot'

# The judgement itself, on results made wrong.
judge()
{
	jq -s --slurpfile claims "$work/claims" --argjson common "$1" --argjson victim_agrees null \
		--argjson settled true --argjson read_back null --argjson loss_measured 0 \
		--argjson cpu 0 --argjson victim '[]' --arg drive d --arg dbc d --arg overlay "" \
		--arg kernel k --argjson n 2 --argjson duration 1 --argjson loss 0 \
		--argjson liar 0 --argjson killed 0 --argjson urgent 0 --argjson cam_hz 10 \
		--argjson cam_bytes 230 -f tools/demo.d/result.jq \
		"$work/vehicles" >"$work/judged.json"
	result=$work/judged.json
}

# vehicle SELF HASH SUBMITTED DECIDED0 DECIDED1
vehicle()
{
	jq -nc --argjson self "$1" --arg hash "$2" --argjson submitted "$3" --argjson d0 "$4" \
		--argjson d1 "$5" '{stats: {self: $self, slot: 3, log_hash: $hash,
		entries_submitted: $submitted, entries_decided: ($d0 + $d1), decided_slots: 3,
		module: {element_bytes: 0, carriers_used: 0, extra_frames: 0}},
		cell: {members: [{index: 0, decided_seq: $d0}, {index: 1, decided_seq: $d1}]},
		cams: {skipped_ticks: 0, not_sent: 0}}'
}

good_common='{"slot": 3, "hashes": ["aa"]}'
echo '[3,"aa"]' >"$work/claims"
{ vehicle 0 aa 5 5 4; vehicle 1 aa 4 5 4; } >"$work/vehicles"
judge "$good_common"
holds "judging: all well agrees" '.agree'
judge '{"slot": 3, "hashes": ["aa", "bb"]}'
holds "judging: two logs at the common slot do not" '.agree | not'
echo '[3,"bb"]' >>"$work/claims"
judge "$good_common"
holds "judging: nor do two claims about one slot" '.agree | not'
echo '[3,"aa"]' >"$work/claims"
{ vehicle 0 aa 6 5 4; vehicle 1 aa 4 5 4; } >"$work/vehicles"
judge "$good_common"
holds "judging: nor a missing entry" '(.agree | not) and .scene.entries_missing == 2'
{ vehicle 0 aa 5 5 4; vehicle 1 bb 4 5 4; } >"$work/vehicles"
judge "$good_common"
holds "judging: nor two logs in the end" '.agree | not'
{ vehicle 0 aa 0 0 0; vehicle 1 aa 0 0 0; } >"$work/vehicles"
judge "$good_common"
holds "judging: nor a log of nothing" '.agree | not'
rm -rf "$work"
echo "1..$tap_count"
