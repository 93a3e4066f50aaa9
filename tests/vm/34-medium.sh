#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
# The modelled air between four OCB radios, each in a namespace of its own: does each frame come to
# whom the model gives it, and is hwsim its own perfect medium again afterwards?
#
# Nothing else is on the air (IPv6 is off), and loss comes from the scenario's seed, once per frame
# and link: so frame number K on a link is lost in every run or in none.
. tests/vm/lib.sh
. tests/vm/cells.sh
. tests/vm/medium.sh

declare -a listeners=()
got=''

# listen: every vehicle counts what it receives, from now on; heard: ends that.
listen()
{
	local i
	listeners=()
	for i in 1 2 3 4; do
		ip netns exec "v$i" "$build/cpc-air" wlan0 count >"$air_dir/heard.$i" 3>&- &
		listeners+=($!)
	done
	for i in 1 2 3 4; do
		wait_for 10 grep -q listening "$air_dir/heard.$i" || return
	done
}
# heard: ends that; what each vehicle got is in $got, as "0 20 20 20".
heard()
{
	kill "${listeners[@]}"
	wait "${listeners[@]}"
	got=$(awk 'FNR == 1 { at++ } NF == 2 { sum[at] += $2 }
		END { print sum[1] + 0, sum[2] + 0, sum[3] + 0, sum[4] + 0 }' "$air_dir"/heard.[1-4])
}

# now NAME COMMAND...: as check, in this shell, as the command sets variables.
now()
{
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name" "$*"; fi
}

# send I COUNT OCTETS GAP_US [MAC]
send() { in_vehicle "$1" "$build/cpc-air" wlan0 send "${@:2}"; }

# Each frame of 332 octets is an MPDU of 332 - 14 + 24 + 8 = 350: 520 us at 6 Mbit/s.
everyone_hears_everyone()
{
	local i
	# A radio drops what it gets from a station that it does not know yet.
	for i in 1 2 3 4; do
		send "$i" 5 100 2000 || return
	done
	wait_for 10 figure_is .delivered 60
	tell reset && listen || return
	for i in 1 2 3 4; do
		send "$i" 20 332 2000 || return
	done
	wait_for 10 figure_is .delivered 240
	heard
	is "without loss all get everything" "$got" "60 60 60 60"
	is "and each frame took its 520 us" "$(figure '[.frames, .air_ms] | @tsv')" $'80\t41.6'
}

# 1,200 independent chances: the standard deviation is 1.3 %, and 26 to 34 % are three of them. As the
# seed decides, the number is the same in every run (while nothing but this sends).
third_is_lost()
{
	tell reset && tell 'loss 30' && listen || return
	send 1 400 100 2000
	wait_for 10 figure_is '.delivered + .lost.loss' 1200
	heard
	diag "with 30 % loss, of 400: $got"
	is "with 30 % loss as many arrive as the model says" "$got" \
		"0 $(figure '[.link[] | select(.from == 0).delivered] | join(" ")')"
	check "which is 30 %" figure_is '.lost.loss / 1200 | . > 0.26 and . < 0.34' true
}

# A frame to one is tried eight times: one in 15,000 does not arrive.
one_is_retried()
{
	tell reset && listen || return
	send 1 100 332 2000 "$(mac 2)"
	wait_for 10 figure_is '.frames - .retries' 100
	heard
	is "frames to one receiver are sent again, and to no other" "$got" "0 100 0 0"
	check "so that more were sent" figure_is '.retries > 20' true
}

partition()
{
	tell 'loss 0' && tell 'partition 0 1 | 2 3' && tell reset && listen || return
	send 1 20 332 2000
	wait_for 10 figure_is '.delivered + .lost.partition' 60
	heard
	is "a partition stops frames between its groups" "$got" "0 20 0 0"
	tell heal && tell reset && listen || return
	send 1 20 332 2000
	wait_for 10 figure_is .delivered 60
	heard
	is "and heals" "$got" "0 20 20 20"
}

# At 3 Mbit/s 1,200 octets take 3.3 ms, and two send one every 4 ms. What v2 (station 2), between
# them, loses of 180, in per mille; in $lost.
between_two()
{
	local sender
	lost=none
	tell reset
	send 3 90 1200 4000 &
	sender=$!
	send 1 90 1200 4000
	wait "$sender"
	wait_for 10 figure_is '[.link[] | select(.to == 2) | .delivered, .lost[]] | add' 180 &&
		lost=$(figure '[.link[] | select(.to == 2)] | map(.lost.collision) | add * 1000 / 180 |
			floor')
}

# Unhindered, each frame overlaps one of the other sender unless that leaves 3.3 ms free before and
# after: four in five do, and half even if the guest makes the gaps 10 ms. In range they wait for each
# other and collide only when both draw the same slot of 16, at most one in eight (2 / 17 when both
# always wait): 250 of 1,000 is six standard deviations above.
hidden_terminals()
{
	local hidden
	between_two
	hidden=$lost
	tell 'range 1000' || return
	between_two
	diag "of 1,000 frames v2 loses $hidden of two hidden senders, $lost of two in range"
	check "two hidden terminals collide" test "$hidden" -gt 300
	check "and hardly so in range of each other" test "$lost" -lt 250
}

# The module's elements ride on CAMs over this air: best effort, and voice when alone.
cell_decides()
{
	tell 'loss 20 burst 3' && module_load && cell_up 4 1 pacing=1 || return
	cams_start 1 4
	submit_round 1 4 1 air && wait_for 20 all_decided 4 1 4 && same_log 4 1
	local status=$?
	cams_stop
	diag "$(figure '{frames, air_ms, delivered, lost, busy, late} | tojson')"
	rmmod cpchain && return $status
}

busy_as_sent()
{
	tell reset
	send 1 100 332 3000
	# The last window has to end first; each loses up to 0.1 ms in being rounded down.
	check "the busy ratio is the air time that was sent" wait_for 5 figure_is \
		'([.station[3].windows[]] | add * 100) as $busy | .air_ms == 52 and
			$busy > 0.94 * 52 and $busy <= 52' true
	diag "air $(figure .air_ms) ms, busy $(figure '[.station[3].windows[]] | add * 100') ms"
}

# Without a medium frames are with their receivers when the sender ends.
perfect_again()
{
	listen
	send 1 20 332 2000
	heard
	is "$1" "$got" "0 20 20 20"
}

second_is_refused()
{
	local said
	said=$("$build/cpc-medium" --scenario "$air_dir/scenario" 2>&1)
	[[ $said == *"another medium"* ]] || { diag "$said"; return 1; }
}

# Where the time goes, for whoever has to make this faster.
step() { diag "at $SECONDS s: $1"; }
radios_up 4
step "radios are up"
for i in 1 2 3 4; do
	in_vehicle "$i" sysctl -q -w net.ipv6.conf.wlan0.disable_ipv6=1
done
now "it registers as hwsim's medium" medium_up 'stations 4 100' 'range 1000'
check "a second one is refused" second_is_refused
everyone_hears_everyone
step everyone_hears_everyone
third_is_lost
step third_is_lost
one_is_retried
step one_is_retried
partition
busy_as_sent
step busy_as_sent
step "cell"
now "a cell of four decides at 20 % loss" cell_decides
tell 'partition 0 | 1 2 3'
step "cell done"
now "it ends at SIGTERM" medium_down TERM
perfect_again "and hwsim's perfect medium is back"
# The other way round: v4 is station 0, and v1 station 3.
air_options=(--stations 3,2,1,0)
now "it registers again" medium_up 'rate 3' 'stations 4 100' 'range 150'
hidden_terminals
diag "$(jq -c '{late, strangers, malformed, overflows, overruns, refused}' "$air_report")"
tell 'partition 0 1 2 | 3'
step hidden
medium_down KILL
perfect_again "killed, the perfect medium is back as well"
step end
done_testing
