#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 120
# Do the simulator and cpc-medium agree about one scenario, and does cpc-medium name what is wrong?
#
# The simulator runs a cell over the channel and writes down what was transmitted when; cpc-medium
# replays that list. Both use the same model, each with its own driver: a driver that loses, doubles
# or misdates frames makes their busy ratios differ. The stated bound is 1 % of the ratio; what each
# window may differ by is one frame, 10 per mille.
set -u -o pipefail

cd "$(dirname "$0")/../.." || exit 1
build=${CPC_BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
test=0

check()
{
	local name=$1 output
	shift
	test=$((test + 1))
	if output=$("$@" 2>&1); then
		echo "ok $test - $name"
	else
		echo "not ok $test - $name"
		printf '%s\n' "$output" | head -n 20 | sed 's/^/# /'
	fi
}

cat >"$work/row" <<'END'
# seven in a row, the ends hidden from each other
stations 7 100
range 350 450
capture 10
loss 15 burst 3
at 3 partition 0 1 2 3 4 | 5 6
at 4 heal
END

# agree PACING: the replay of the simulator's transmissions, against the simulator's own report.
agree()
{
	"$build/cpc-sim" --medium "$work/row" --seeds 1 --first 0 --seconds 8 --pacing "$1" --json \
		--trace "$work/trace" >"$work/sim.json" &&
	"$build/cpc-medium" --scenario "$work/row" --offline "$work/trace" >"$work/medium.json" ||
		return
	jq -n --slurpfile a "$work/sim.json" --slurpfile b "$work/medium.json" '
		def abs: if . < 0 then -. else . end;
		$a[0].last_seed as $sim | $b[0] as $medium |
		[range(7) | . as $i | [$sim.station[$i].windows, $medium.station[$i].windows] |
			transpose[] | (.[0] // -1) - (.[1] // -1) | abs] as $differences |
		{ sim: [$sim.frames, $sim.air_ms, $sim.busy],
		  medium: [$medium.frames, $medium.air_ms, $medium.busy],
		  windows: ($differences | length), worst: ($differences | max) } |
		., if .windows >= 7 * 80 and .worst <= 0.010 and .sim[2] > 0.02 and
			(.sim[2] - .medium[2] | abs) <= 0.01 * .sim[2] and
			.sim[0] == .medium[0] then empty else error("they differ") end'
}

# refuses TEXT ARGUMENT...: an exit status of 2 or 1, and the text in the complaint.
refuses()
{
	local text=$1 output
	shift
	if output=$("$build/cpc-medium" "$@" 2>&1 </dev/null); then
		echo "accepted"
		return 1
	fi
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

check "carriers only: the same busy ratio in simulator and model" agree 0
check "early beacons: the same" agree 1
check "urgent: the same" agree 2
check "a scenario is needed" refuses '--scenario is missing'
check "a scenario that is not there" refuses "'$work/none'" --scenario "$work/none"
printf 'stations 2\nloss 101\n' >"$work/bad"
check "a wrong value, by line" refuses "$work/bad:2: loss: '101'" --scenario "$work/bad"
check "a radio that is none" refuses "'x' is no radio" --scenario "$work/row" --stations 1,x
check "as many radios as stations" refuses 'names 2 radios' --scenario "$work/row" --stations 1,2
printf '5 0 100 1\n4 0 100 1\n6 end\n' >"$work/trace"
check "a trace that goes back in time" refuses "trace:2: '4 0 100 1'" --scenario "$work/row" \
	--offline "$work/trace"
printf '5 7 100 1\n' >"$work/trace"
check "a trace of a station that is not there" refuses "trace:1: '5 7 100 1'" \
	--scenario "$work/row" --offline "$work/trace"
check "no hwsim" refuses 'MAC80211_HWSIM' --scenario "$work/row"
echo "1..$test"
