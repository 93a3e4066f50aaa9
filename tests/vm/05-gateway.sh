#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Does a drive reach the gateway over a real CAN socket: every frame, unchanged, in its own time?
# timeout: 300
. tests/vm/lib.sh

work=$tmp
log=$work/drive.log

# The unit tests that need an interface, against this one.
live_tests()
{
	in_vehicle 1 env CPC_CAN=vcan0 "$build/san/unit/gateway_test"
}

# Has the listener written what canreplay says that it sent?
all_there()
{
	[ "$(wc -l <"$1")" = "$(sed -n 's/^canreplay: \([0-9]*\) frames.*/\1/p' "$1.said")" ]
}

# record NAME ARGUMENT...: plays with canreplay while candump listens.
record()
{
	local out=$work/$1 listener status
	shift
	# Not by in_vehicle(): the process to end is candump, not a shell around it.
	ip netns exec v1 candump -r 8000000 -L vcan0 >"$out" 2>&1 &
	listener=$!
	wait_for 10 listens_on_can 1 || return 1
	in_vehicle 1 "$build/canreplay" "$@" vcan0 >"$out.said" 2>&1
	status=$?
	cat "$out.said"
	[ $status != 0 ] || wait_for 10 all_there "$out"
	status=$((status + $?))
	kill "$listener"
	wait "$listener" 2>/dev/null
	return $status
}

# Frames without time stamps.
frames() { awk '{ print $3 }' "$1"; }
same_frames() { cmp <(frames "$1") <(frames "$2"); }

# seconds FILE LOW HIGH: from the first to the last frame.
seconds()
{
	awk -F '[()]' -v low="$2" -v high="$3" '{ if (NR == 1) first = $2; last = $2 }
		END { print last - first; exit !(last - first >= low && last - first <= high) }' "$1"
}

all_kinds()
{
	printf '(1.0) can0 123#0102\n(1.1) can0 18FEF1FE#\n(1.2) can0 123#R\n' >"$work/kinds.log"
	printf '(1.3) can0 123##3%s\n(1.4) can1 321#01\n' \
		"$(printf '%0128d' 0)" >>"$work/kinds.log"
	record kinds --from can0 "$work/kinds.log" &&
	# The kernel marks a received FD frame as one: flags 3 become 7.
	sed -i 's/##7/##3/' "$work/kinds" &&
	head -n 4 "$work/kinds.log" >"$work/kinds.first" &&
	same_frames "$work/kinds.first" "$work/kinds"
}

down_is_named()
{
	ip -n v1 link set vcan0 down &&
	! in_vehicle 1 "$build/canreplay" "$log" vcan0 >"$work/said" 2>&1 &&
	grep "vcan0 is down: ip link set vcan0 up" "$work/said"
}

vehicle_alone()
{
	modprobe vcan && vehicle_up v1 && radios=1
}

vehicle_alone || die "no vehicle with a CAN bus"
"$build/candrive" --seconds 5 --seed 3 >"$log" || die "candrive does not run"
check "the gateway's tests on a live interface" live_tests
check "canreplay plays a log" record whole "$log"
check "every frame arrives unchanged and in order" same_frames "$log" "$work/whole"
check "in its own time" seconds "$work/whole" 4.8 6.5
check "at twice the speed" record fast --speed 2 "$log"
check "it takes half the time" seconds "$work/fast" 2.3 4
check "from an offset, for some seconds" record part --offset 2 --seconds 1 "$log"
check "it takes as long" seconds "$work/part" 0.7 1.2
first_at_two=$(awk -F '[()]' '$2 >= 1700000002 { print; exit }' "$log" | awk '{ print $3 }')
is "it begins at the offset" "$(frames "$work/part" | head -n 1)" "$first_at_two"
xz -k "$log"
check "a compressed log, again and again" record loop --loop --seconds 7 "$log.xz"
check "it goes on behind the end of the log" seconds "$work/loop" 6.3 7.3
check "frames of every kind, of one interface of the log" all_kinds
check "an interface that is down is named" down_is_named
done_testing
