#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Is the guest a place where vehicles can meet? Radios on 802.11p, IPv6 between them, CAN, the
# kernel's parts that later tests lean on.
. tests/vm/lib.sh

on_channel() { in_vehicle "$1" iw dev wlan0 info | grep -q 'channel.*5900 MHz.*width: 10 MHz'; }
is_ocb() { in_vehicle "$1" iw dev wlan0 info | grep -q 'type outside context of a BSS'; }
pings() { in_vehicle "$1" ping -6 -c 3 -i 0.2 -W 5 "$(link_local "$2")%wlan0"; }

can_frame_arrives()
{
	local log=$tmp/can
	in_vehicle 1 candump -n 1 -T 10000 vcan0 >"$log" &
	wait_for 10 listens_on_can 1 &&
	in_vehicle 1 cansend vcan0 123#DEADBEEF &&
	wait $! && grep -q '123.*DE AD BE EF' "$log"
}

# With all frames lost no ping may come through: shows that these pings cross the radio.
loss_stops_pings()
{
	in_vehicle 1 tc qdisc add dev wlan0 root netem loss 100% &&
	! in_vehicle 1 ping -6 -c 2 -i 0.2 -W 1 "$(link_local 2)%wlan0" &&
	in_vehicle 1 tc qdisc del dev wlan0 root
}

netfilter_egress()
{
	in_vehicle 1 nft -f - <<-'RULES'
	table netdev smoke {
		chain out {
			type filter hook egress device wlan0 priority 0
			ether type 0x8947 counter
		}
	}
	RULES
	in_vehicle 1 nft delete table netdev smoke
}

radios_up 2
check "v1 is an OCB station" is_ocb 1
check "v2 is an OCB station" is_ocb 2
check "v1 is on 5900 MHz, 10 MHz wide" on_channel 1
check "v2 is on 5900 MHz, 10 MHz wide" on_channel 2
check "v1 reaches v2 over IPv6 link-local" pings 1 2
check "v2 reaches v1 over IPv6 link-local" pings 2 1
check "total loss stops the pings" loss_stops_pings
check "a CAN frame crosses vcan" can_frame_arrives
check "netfilter has an egress hook on wlan" netfilter_egress
check "the kernel has BTF" test -s /sys/kernel/btf/vmlinux
check "results can be written to build/" touch "$build/vm/written"
# Not inside a check, which is a subshell: what it makes the end of this test must take down.
cleanup
radios_up 3
check "a second set of radios can follow" pings 1 3
done_testing
