#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Does what one v2xgen sends arrive at another as it was sent, on schedule, over a real interface?
# And is what cannot work refused with the value's name? Two network namespaces and a veth pair.
# timeout: 120
set -u -o pipefail

v2xgen=${V2XGEN:-${CPC_BUILD:-build}/v2xgen}
a=cpc-v2x-a-$$ b=cpc-v2x-b-$$
dir=$(mktemp -d) || exit 1
tests=0

clean_up()
{
	# shellcheck disable=SC2046 # a list of process ids
	kill $(jobs -p) 2>/dev/null
	ip netns del "$a" 2>/dev/null
	ip netns del "$b" 2>/dev/null
	rm -rf "$dir"
}
trap clean_up EXIT

ok()
{
	tests=$((tests + 1))
	if [ "$2" = 0 ]; then echo "ok $tests - $1"; else echo "not ok $tests - $1"; fi
}

# is NAME GOT WANTED
is()
{
	[ "$2" = "$3" ]
	ok "$1" $?
	[ "$2" = "$3" ] || printf '# got    %s\n# wanted %s\n' "$2" "$3"
}

in_a() { ip netns exec "$a" "$@"; }
in_b() { ip netns exec "$b" "$@"; }

if ! { ip netns add "$a" && ip netns add "$b" &&
	ip -n "$a" link add wlan0 type veth peer name wlan0 netns "$b" &&
	ip -n "$a" link set wlan0 up && ip -n "$b" link set wlan0 up; } 2>"$dir/log"; then
	echo "1..0 # SKIP no network namespaces here: $(head -n 1 "$dir/log")"
	exit 0
fi

# listen NAME ARGUMENTS...: a receiver in the background, returns once it listens.
listen()
{
	local name=$1
	shift
	ip netns exec "$b" "$v2xgen" recv --iface wlan0 --json "$@" \
		>"$dir/$name" 2>"$dir/$name.err" &
	receiver=$!
	timeout 10 tail -n +1 --pid=$receiver -f "$dir/$name.err" 2>/dev/null |
		grep -q -m 1 'listening on wlan0'
}

# value NAME FILE: the last number or digest of that name in the file's last line.
value()
{
	tail -n 1 "$dir/$2" | grep -o "\"$1\":\"*[0-9a-f.]*" | tail -n 1 | tr -d '"' | cut -d: -f2
}

listen heard --count 20 --seconds 20
in_a "$v2xgen" send --iface wlan0 --rate 10 --station 7 --count 20 --size 230 --trailing 40 \
	--speed 10 --heading 90 --json >"$dir/sent"
wait $receiver
is 'recv__ends_after_its_count' $? 0
is 'recv__hears_every_frame' \
	"$(value sent sent) $(value frames heard) $(value lost heard)" '20 20 0'
is 'recv__content_is_what_was_sent' "$(value digest heard)" "$(value digest sent)"
is 'recv__tells_protocol_from_trailing_bytes' \
	"$(grep -c '"bytes":270,"protocol_bytes":230,"trailing_bytes":40' "$dir/heard")" 20
is 'recv__sees_an_exact_period' "$(value period_ms heard)" 100.00
# 19 periods at 10 m/s due east are 19 m: 2556 in 1e-7 degrees of longitude at 48.1 degrees north.
is 'recv__position_moves_with_the_speed' \
	"$(sed -n 20p "$dir/heard" | grep -o '"latitude":[0-9.]*,"longitude":[0-9.]*')" \
	'"latitude":48.1000000,"longitude":11.6002556'

# A schedule that does not drift: the n-th frame is sent within a period of its time, though the
# load of a test machine delays single ones.
[ "$(value worst_late_us sent)" -lt 100000 ]
ok 'send__stays_on_schedule' $?

# Two senders half a period apart, whenever they began.
listen heard --count 30 --seconds 20
in_a "$v2xgen" send --iface wlan0 --station 1 --phase 0 --count 20 >/dev/null &
first=$!
in_a "$v2xgen" send --iface wlan0 --station 2 --phase 50 --count 20 >/dev/null
wait $receiver $first
is 'recv__tells_stations_apart' \
	"$(tail -n 1 "$dir/heard" | grep -o '"station":[12],' | sort | tr -d '\n')" \
	'"station":1,"station":2,'
stamp()
{
	grep "^{\"station\":$1," "$dir/heard" | tail -n 1 |
		grep -o '"generation_delta_time":[0-9]*' | cut -d: -f2
}
apart=$((($(stamp 2) - $(stamp 1) + 65600) % 100))
[ "$apart" -ge 45 ] && [ "$apart" -le 55 ]
ok 'send__phase_keeps_senders_apart' $?

# The two carriers do not see each other.
listen heard --count 5 --seconds 20 --wsmp
in_a "$v2xgen" send --iface wlan0 --count 3 >/dev/null
in_a "$v2xgen" send --iface wlan0 --station 9 --count 5 --wsmp --trailing 50 --json >"$dir/sent"
wait $receiver
is 'wsmp__arrives_alone' \
	"$(value frames heard) $(value digest heard) $(grep -c '"psid":32' "$dir/heard")" \
	"5 $(value digest sent) 5"

# A track with a stop in it, followed on the air.
printf '%s\n' '0 20 0' '0.5 0 0' '9 0 0' >"$dir/track"
listen heard --count 10 --seconds 20
in_a "$v2xgen" send --iface wlan0 --count 10 --track "$dir/track" >/dev/null
wait $receiver
is 'send__follows_the_track' \
	"$(grep -o '"speed":[0-9.]*' "$dir/heard" | cut -d: -f2 | tr '\n' ' ')" \
	'20.00 16.00 12.00 8.00 4.00 0.00 0.00 0.00 0.00 0.00 '

# A radio that goes down and comes up again costs its frames and nothing else.
ip netns exec "$a" "$v2xgen" send --iface wlan0 --json >"$dir/sent" & # ip becomes v2xgen
sender=$!
listen heard --count 3 --seconds 20
wait $receiver
first=$?
ip -n "$a" link set wlan0 down
in_b "$v2xgen" recv --iface wlan0 --seconds 0.35 >/dev/null 2>&1 # three periods and more
ip -n "$a" link set wlan0 up
listen heard --count 3 --seconds 20
wait $receiver
is 'send__survives_a_downed_interface' "$first $?" '0 0'
kill -TERM $sender
wait $sender
is 'send__ends_on_request' $? 0
[ "$(value not_sent sent)" -ge 2 ] && [ "$(value not_sent sent)" -le 20 ]
ok 'send__counts_what_it_could_not_send' $?

# fails NAME TEXT ARGUMENTS...: status 1, and the text on standard error.
fails()
{
	local name=$1 text=$2 status
	shift 2
	in_a timeout 20 "$v2xgen" "$@" >/dev/null 2>"$dir/log"
	status=$?
	is "refused__$name" "$status $(cat "$dir/log")" "1 v2xgen: $text"
}
fails unknown_interface "interface 'wlan9': No such device" send --iface wlan9
fails unknown_interface_of_recv "interface 'wlan9': No such device" recv --iface wlan9
fails long_interface "interface 'abcdefghijklmnopq': not the name of one" \
	send --iface abcdefghijklmnopq
fails loopback "interface 'lo': not Ethernet (hardware type 772)" send --iface lo
fails size "frame size 99: a CAM's frame has 101 to 454 bytes" send --iface wlan0 --size 99
fails wsmp_size "frame size 150: a WSM's frame has 40 to 1514 bytes, nearest 151" \
	send --iface wlan0 --wsmp --size 150
fails no_track "file '$dir/none': No such file or directory" \
	send --iface wlan0 --track "$dir/none"
echo '0 200 0' >"$dir/bad"
fails bad_track "track '$dir/bad': line 1: speed in m/s '200' is not in -163.82..163.82" \
	send --iface wlan0 --track "$dir/bad"
fails no_pcap "file '$dir/bad': not a pcap file of Ethernet in this machine's byte order (magic\
 00000000, link type 0)" read --in "$dir/bad"
fails unwritable "file '$dir/none/x': No such file or directory" pcap --out "$dir/none/x" --count 1
fails full_disk "file '/dev/full': cannot be written" pcap --out /dev/full --count 1
ip -n "$a" link set wlan0 down
fails downed_interface "interface 'wlan0': is down; ip link set wlan0 up" send --iface wlan0
ip -n "$a" link set wlan0 up

# Gone for good: the sender says so.
in_a timeout 20 "$v2xgen" send --iface wlan0 >/dev/null 2>"$dir/log" &
sender=$!
listen heard --count 2 --seconds 20
wait $receiver
ip -n "$a" link del wlan0
wait $sender
is 'send__reports_a_removed_interface' \
	"$? $(cut -d: -f1,2 "$dir/log")" "1 v2xgen: interface 'wlan0'"
echo "1..$tests"
