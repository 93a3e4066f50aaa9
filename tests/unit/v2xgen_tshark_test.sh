#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Does someone else's decoder read from v2xgen's frames the values that they were made from? tshark
# is that someone. And does it read the same when octets follow the packet?
# timeout: 120
set -u -o pipefail

v2xgen=${V2XGEN:-${CPC_BUILD:-build}/v2xgen}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
tests=0

# ok NAME STATUS: one line of TAP.
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

if ! command -v tshark >/dev/null; then
	echo '1..0 # SKIP tshark is not installed'
	exit 0
fi

# fields FILE FIELD...: one line per frame, the fields separated by blanks.
fields()
{
	local file=$1 args=() field
	shift
	for field; do args+=(-e "$field"); done
	tshark -r "$file" -T fields -E separator=' ' "${args[@]}" 2>"$dir/stderr"
}

# A drive with positions, both hemispheres and a turn over north; time 1700000000 is 2023-11-14, so
# TimestampIts is 627084805000 ms with the 5 leap seconds since 2004, 50056 mod 65536.
cat >"$dir/track" <<-'END'
	# s  m/s    deg    lat          lon
	0    13.89  350    -33.8567844  151.2152967
	1    14.89  10     -33.8567000  151.2153001
END
"$v2xgen" pcap --out "$dir/plain" --count 6 --station 3000000001 --track "$dir/track" \
	--size 230 >"$dir/log"
ok 'pcap__writes_frames' $?
is 'pcap__says_what_it_wrote' "$(cut -d, -f1 "$dir/log")" 'station 3000000001: 6 frames sent'

is 'tshark__takes_every_frame_for_a_cam' \
	"$(tshark -r "$dir/plain" -Y 'its.messageID == 2 && !_ws.malformed' -T fields \
		-e frame.number 2>/dev/null | tr '\n' ' ')" '1 2 3 4 5 6 '
is 'tshark__header' \
	"$(fields "$dir/plain" its.protocolVersion its.messageID its.stationID | uniq)" \
	'2 2 3000000001'
is 'tshark__position' "$(fields "$dir/plain" its.latitude its.longitude | sed -n '1p;6p')" \
	'-338567844 1512152967
-338567422 1512152984'
is 'tshark__speed_and_heading' \
	"$(fields "$dir/plain" its.speedValue its.headingValue | sed -n '1p;6p')" \
	'1389 3500
1439 0'
is 'tshark__generation_delta_time' \
	"$(fields "$dir/plain" cam.generationDeltaTime | sed -n '1p;6p')" '50056
50556'
# 1 m/s in 1 s is 10 dm/s^2; 20 degrees clockwise in 1 s is -2000 hundredths.
is 'tshark__acceleration_and_yaw_rate' \
	"$(fields "$dir/plain" its.longitudinalAccelerationValue its.yawRateValue | sed -n 6p)" \
	'10 -2000'
is 'tshark__vehicle' "$(fields "$dir/plain" cam.stationType cam.driveDirection \
	its.vehicleLengthValue cam.vehicleWidth | uniq)" '5 0 45 18'
is 'tshark__path_history_fills_the_size' \
	"$(fields "$dir/plain" frame.len geonw.ch.plength cam.pathHistory | uniq)" '230 176 15'

is 'tshark__geonetworking' "$(fields "$dir/plain" geonw.bh.version geonw.bh.nh geonw.bh.rhl \
	geonw.ch.nh geonw.ch.htype geonw.ch.tc.id geonw.ch.flags.mob geonw.ch.mhl | uniq)" \
	'1 1 1 2 0x50 2 1 1'
is 'tshark__position_vector' "$(fields "$dir/plain" geonw.src_pos.addr.type \
	geonw.src_pos.addr.mid geonw.src_pos.tst geonw.src_pos.lat geonw.src_pos.long \
	geonw.src_pos.speed geonw.src_pos.hdg | sed -n 1p)" \
	'5 02:00:b2:d0:5e:01 19579784 -338567844 1512152967 1389 3500'
is 'tshark__btp' "$(fields "$dir/plain" btpb.dstport btpb.dstportinf | uniq)" '2001 0x0000'
is 'tshark__finds_nothing_wrong' \
	"$(tshark -r "$dir/plain" -Y '_ws.malformed || _ws.expert.severity >= warning' 2>/dev/null |
		wc -l)" 0

# The same frames with 100 octets behind them: tshark says the same of the three protocols.
"$v2xgen" pcap --out "$dir/trailing" --count 6 --station 3000000001 --track "$dir/track" \
	--size 230 --trailing 100 >/dev/null
is 'trailing__is_in_the_frame' "$(fields "$dir/trailing" frame.len | uniq)" 330
details() { tshark -r "$1" -O gnw,btpb,its -V 2>/dev/null | sed -n '/^GeoNetworking/,/^$/p'; }
[ "$(details "$dir/plain" | wc -l)" -gt 600 ]
ok 'trailing__the_comparison_sees_the_protocols' $?
details "$dir/plain" >"$dir/plain.txt"
details "$dir/trailing" >"$dir/trailing.txt"
cmp -s "$dir/plain.txt" "$dir/trailing.txt"
ok 'trailing__tshark_decodes_the_same' $?
digest() { "$v2xgen" read --in "$1" --json | grep -o '"digest":"[0-9a-f]*"' | tail -n 1; }
is 'trailing__v2xgen_reads_the_same' "$(digest "$dir/trailing")" "$(digest "$dir/plain")"
"$v2xgen" read --in "$dir/trailing" --quiet --json >"$dir/log"
grep -q '"frames":6,.*"refused":0,.*"trailing_frames":6,"trailing_bytes":600,' "$dir/log"
ok 'trailing__v2xgen_counts_it' $?

# A minimal CAM, and one of a size that takes optional fields.
"$v2xgen" pcap --out "$dir/minimal" --count 2 --speed -3 --lat 90 --lon -180 >/dev/null
is 'minimal__sizes' "$(fields "$dir/minimal" frame.len | tr '\n' ' ')" '101 99 '
is 'minimal__driving_backwards' \
	"$(fields "$dir/minimal" its.speedValue cam.driveDirection geonw.src_pos.speed | uniq)" \
	'300 1 -300'
"$v2xgen" pcap --out "$dir/optional" --count 1 --size 106 >/dev/null
is 'optional__fields' "$(fields "$dir/optional" frame.len its.steeringWheelAngleValue \
	its.lateralAccelerationValue)" '106 512 161'

# WSMP: PSID 0x20, and an IEEE 1609.2 wrapper that tshark opens.
"$v2xgen" pcap --out "$dir/wsmp" --count 2 --wsmp --size 151 --trailing 30 >/dev/null
is 'wsmp__header' "$(fields "$dir/wsmp" frame.len eth.type wsmp.version_v3 wsmp.psid \
	wsmp.wave_ie_len ieee1609dot2.protocolVersion | uniq)" '181 0x88dc 3 0x00000020 132 3'
is 'wsmp__finds_nothing_wrong' "$(tshark -r "$dir/wsmp" -Y _ws.malformed 2>/dev/null | wc -l)" 0
"$v2xgen" pcap --out "$dir/wsmp-plain" --count 2 --wsmp --size 151 >/dev/null
wsmp_details() { tshark -r "$1" -O wsmp -V 2>/dev/null | sed -n '/^Wave Short/,/^$/p'; }
wsmp_details "$dir/wsmp" >"$dir/trailing.txt"
wsmp_details "$dir/wsmp-plain" >"$dir/plain.txt"
[ "$(grep -c 'unsecuredData' "$dir/plain.txt")" -ge 2 ] && cmp "$dir/plain.txt" "$dir/trailing.txt"
ok 'wsmp__trailing_decodes_the_same' $?

# What is no CAM is refused by v2xgen, each by its reason. Frame 1 begins at octet 40 of the file,
# its GeoNetworking header at 54, its CAM at 98.
# change NAME OFFSET OCTET REASON
change()
{
	cp "$dir/plain" "$dir/changed"
	printf "\\x$3" | dd of="$dir/changed" bs=1 seek="$2" conv=notrunc status=none
	"$v2xgen" read --in "$dir/changed" --quiet --json |
		grep -q "\"frames\":5,.*\"refused\":1,\"refused_by\":{.*\"$4\":1[,}]"
	ok "malformed__$1" $?
}
change version_0 54 01 unsupported
change beacon 59 10 unsupported
change payload_length_beyond_the_frame 62 ff truncated
change latitude_beyond_the_pole 78 7f malformed
change btp_port_of_denm 95 d2 not-a-cam
change cam_protocol_version_1 98 01 malformed
change message_id_of_denm 99 01 malformed
change extended_basic_container 106 10 unsupported

head -c 200 "$dir/plain" >"$dir/cut"
"$v2xgen" read --in "$dir/cut" --quiet >/dev/null 2>"$dir/log"
is 'malformed__cut_capture_file' "$? $(cat "$dir/log")" \
	"1 v2xgen: file '$dir/cut': ends inside a frame"
echo "1..$tests"
