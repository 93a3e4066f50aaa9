#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 300
# Filter, stamp and capture on 802.11p radios: generic XDP on wlan, and what passes is what a V2X
# stack sent. v1 sends, v2 has the programs.
. tests/vm/lib.sh

# ip netns exec gives each command a /sys of its own; what is pinned has to lie elsewhere.
mkdir -p $tmp/bpf && mount -t bpf bpf $tmp/bpf || die "no BPF file system"
export CPC_BPF_ROOT=$tmp/bpf/cpchain

cpc_bpf() { in_vehicle 2 "$build/cpc-bpf" "$@"; }
# number FILTER: of what v2 counted.
number() { cpc_bpf show wlan0 json | jq "$1"; }
number_is() { [ "$(number "$1")" = "$2" ]; }
# A late machine skips periods, so what was sent is what the sender says.
send_cams()
{
	in_vehicle 1 "$build/v2xgen" send --iface wlan0 --rate 10 --station 101 --count "$1" --json |
		tail -n 1 | jq .sent
}
flood() { in_vehicle 1 "$build/cpc-flood" wlan0 "$@"; }

listening() { [ "$(in_vehicle 2 cat /proc/net/packet | wc -l)" -gt 1 ]; }
heard() { grep -c '"digest"' $tmp/heard; }
heard_all() { [ "$(heard)" = $((before + sent)) ]; }
settled() { [ "$(heard)" -gt 0 ] && number_is .filter.passed.frames "$(heard)"; }

# All CAMs of v1 come through to a V2X stack in v2, once the radio knows the station: the first frame
# of a new one may be lost below us.
sent=0 before=0
stack_hears()
{
	ip netns exec v2 "$build/v2xgen" recv --iface wlan0 --json >$tmp/heard 2>/dev/null &
	local receiver=$! result
	wait_for 10 listening && send_cams 3 >/dev/null && wait_for 10 settled &&
		before=$(heard) && sent=$(send_cams "$1") && [ "$sent" -gt 0 ] &&
		wait_for 10 heard_all
	result=$?
	kill $receiver
	wait $receiver
	return $result
}

# What the ring buffer recorded, tshark reads as CAMs with nanosecond stamps.
captured()
{
	local capture captured
	cpc_bpf capture wlan0 $tmp/radio.pcapng 20 2>$tmp/capture.err &
	capture=$!
	wait_for 10 grep -q capturing $tmp/capture.err && captured=$(send_cams 5)
	wait $capture
	[ "$(tshark -r $tmp/radio.pcapng -Y its 2>/dev/null | wc -l)" = "$captured" ] &&
		capinfos $tmp/radio.pcapng 2>/dev/null | grep -q 'nanoseconds (9)'
}

radios_up 2
plan 11
is "attached as generic XDP" "$(cpc_bpf attach wlan0)" "xdp generic"
# Not through check, which runs things in a shell of their own: $sent is needed.
if stack_hears 20; then ok "CAMs pass"; else not_ok "CAMs pass" "sent $sent"; fi
cpc_bpf show wlan0 >$tmp/after
check "and are counted" wait_for 5 number_is .filter.passed.frames $((before + sent))
check "and stamped" number_is .traffic.rx.cam.frames $((before + sent))
check "and their age is known" number_is .traffic.rx.cam.age_count $((before + sent))
flood cut 1 0.2 >$tmp/flood.cut
check "truncated ones are dropped" wait_for 5 number_is '.filter.truncated.frames > 0' true
is "none of them came to the stack" "$(number .traffic.rx.cam.frames)" \
	$((before + sent))
cpc_bpf cell wlan0 7 1 4 0
flood element 1 0.2 >$tmp/flood.element
check "elements of no member are dropped" wait_for 5 \
	number_is '.filter.element_sender.frames + .filter.rate_source.frames > 0' true
check "a capture is a pcapng of CAMs" captured
check "it detaches" cpc_bpf detach wlan0
check "and then leaves nothing" eval '! ip -n v2 link show wlan0 | grep -q xdp &&
	! in_vehicle 2 tc qdisc show dev wlan0 | grep -q clsact && [ -z "$(ls $tmp/bpf/cpchain)" ]'
diag "$(cat $tmp/flood.* $tmp/after)"
