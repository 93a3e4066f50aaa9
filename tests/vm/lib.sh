# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the tests in the virtual machine share: TAP, radios in network namespaces, bounded waits.
# Source it first; it cleans up when the test ends, however it ends.
#
#    v1 ┌ wlan0 ┐   802.11p: OCB, 5900 MHz, 10 MHz    ┌ wlan0 ┐ v2   ... vN
#       └ vcan0 ┘ ~ ~ ~ ~ mac80211_hwsim ~ ~ ~ ~ ~ ~  └ vcan0 ┘
#
# Each vehicle vI is one network namespace. IPv6 link-local addresses are usable as soon as
# radios_up returns (no duplicate address detection), and the IPv6 stack sends no router
# solicitations.

set -u -o pipefail

[ -n "${CPC_VM:-}" ] || { echo "Bail out! this test belongs in tools/vm"; exit 1; }
build=$PWD/${CPC_BUILD:-build}
tap_count=0
# For this test's files: one boot runs many tests, and what one left the next could take for its own.
tmp=$(mktemp -d) || exit 1

# ---- TAP --------------------------------------------------------------------------------------

plan() { echo "1..$1"; }
done_testing() { plan "$tap_count"; }
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }
ok() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1"; }
skip() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1 # SKIP $2"; }

# not_ok NAME [WHY]
not_ok()
{
	tap_count=$((tap_count + 1))
	echo "not ok $tap_count - $1"
	[ -z "${2:-}" ] || diag "$2"
}

# check NAME COMMAND...: passes when the command does; its output is shown when it does not.
check()
{
	local name=$1 output status
	shift
	if output=$("$@" 2>&1); then
		ok "$name"
	else
		status=$?
		not_ok "$name" "$* -> $status"
		diag "$output"
		return 1
	fi
}

# is NAME ACTUAL EXPECTED: passes when both are the same string.
is()
{
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', expected '$3'"; fi
}

# Ends a test that cannot go on; no plan is printed, hence it counts as failed.
die() { echo "Bail out! $*"; exit 1; }

# ---- waiting ----------------------------------------------------------------------------------

# wait_for SECONDS COMMAND...: polls until the command passes; fails after the bound.
wait_for()
{
	local limit=$1 end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			diag "not within $limit s: $*"
			return 1
		fi
		sleep 0.1
	done
}

# ---- vehicles ---------------------------------------------------------------------------------

radios=0

# in_vehicle I COMMAND...: runs a command in vehicle I's network namespace.
in_vehicle() { local i=$1; shift; ip netns exec "v$i" "$@"; }

# link_local I [INTERFACE]: vehicle I's IPv6 link-local address.
link_local()
{
	ip -n "v$1" -6 -o address show dev "${2:-wlan0}" scope link |
		sed -n 's|.* inet6 \([^/]*\)/.*|\1|p'
}

# mac I [INTERFACE]: vehicle I's MAC address.
mac() { in_vehicle "$1" cat "/sys/class/net/${2:-wlan0}/address"; }

# listens_on_can I: somebody in vehicle I has a raw socket open on its CAN bus. Use it with
# wait_for before the first frame is sent: a CAN bus keeps nothing for late listeners.
listens_on_can() { in_vehicle "$1" grep -qsE '^ *vcan0 ' /proc/net/can/rcvlist_all; }

# Makes the network namespace of one vehicle, with its CAN bus.
vehicle_up()
{
	local ns=$1
	ip netns add "$ns" &&
	ip netns exec "$ns" sysctl -q -w net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.dad_transmits=0 net.ipv6.conf.default.accept_ra=0 \
		net.ipv6.conf.default.router_solicitations=0 &&
	ip -n "$ns" link set lo up &&
	ip -n "$ns" link add vcan0 type vcan &&
	ip -n "$ns" link set vcan0 up
}

# Moves one radio into a vehicle and joins the 5900 MHz channel.
radio_up()
{
	local phy=$1 ns=$2 interface
	interface=$(ls "/sys/class/ieee80211/$phy/device/net")
	iw phy "$phy" set netns name "$ns" &&
	{ [ "$interface" = wlan0 ] || ip -n "$ns" link set "$interface" name wlan0; } &&
	ip netns exec "$ns" iw dev wlan0 set type ocb &&
	ip -n "$ns" link set wlan0 up &&
	ip netns exec "$ns" iw dev wlan0 ocb join 5900 10MHZ
}

# radios_up N: vehicles v1..vN, each with the OCB radio wlan0 (joined) and the CAN bus vcan0.
# Ends the test when that fails, as nothing after it would mean anything.
radios_up()
{
	local i=0 phy
	[ "$radios" = 0 ] || die "radios_up: there are $radios already"
	modprobe vcan || die "no vcan"
	modprobe mac80211_hwsim "radios=$1" regtest=5 || die "no mac80211_hwsim"
	radios=$1
	for phy in $(ls /sys/class/ieee80211 | sort -V); do
		i=$((i + 1))
		vehicle_up "v$i" || die "cannot make vehicle v$i"
		radio_up "$phy" "v$i" || die "cannot bring up the radio $phy of v$i"
	done
	[ "$i" = "$1" ] || die "asked for $1 radios, got $i"
	for ((i = 1; i <= radios; i++)); do
		wait_for 20 radio_ready "$i" || die "v$i has no usable link-local address"
	done
}

radio_ready() { [ -n "$(link_local "$1")" ] &&
	! ip -n "v$1" -6 address show dev wlan0 | grep -q tentative; }

# module_load [PARAMETER=VALUE...]: loads cpchain.ko as built for this kernel.
module_load()
{
	# Those it may depend on are resolved by name, as insmod does not.
	insmod "$build/kmod/$(uname -r)/cpchain.ko" "$@"
}

# Ends everything in the vehicles and takes them down, so that the next test starts afresh.
cleanup()
{
	local i pids
	for ((i = 1; i <= radios; i++)); do
		pids=$(ip netns pids "v$i" 2>/dev/null)
		# shellcheck disable=SC2086 # a list of numbers
		[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	done
	if grep -q '^cpchain ' /proc/modules; then
		wait_for 10 rmmod cpchain || diag "cpchain does not unload"
	fi
	for ((i = 1; i <= radios; i++)); do
		ip netns delete "v$i" 2>/dev/null
	done
	if grep -q '^mac80211_hwsim ' /proc/modules; then
		wait_for 10 rmmod mac80211_hwsim || diag "mac80211_hwsim does not unload"
	fi
	radios=0
}

# What is mounted below the test's folder goes first.
leave()
{
	local mounted
	cleanup
	for mounted in $(awk -v below="$tmp/" 'index($2, below) == 1 { print $2 }' /proc/mounts); do
		umount "$mounted"
	done
	rm -rf --one-file-system "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM
