#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# Members that do not hear each other: a hidden pair, then a line of four. Whoever hears both sends
# elements again, in frames that leave anyway; where all hear all nobody does.
. tests/vm/lib.sh
. tests/vm/cells.sh

n=4
entries=0

# deaf I J: vI does not receive what vJ sends, from before the module's hook on.
deaf()
{
	tc -n "v$1" filter add dev wlan0 ingress protocol all flower \
		src_mac "$(mac "$2")" action drop
}
hide() { deaf "$1" "$2" && deaf "$2" "$1"; }
everybody_hears() { for ((i = 1; i <= n; i++)); do tc -n "v$i" filter del dev wlan0 ingress || return; done; }

# Everyone submits, everyone decides it.
agree()
{
	submit_round 1 $n 1 "$1" || return
	entries=$((entries + n))
	wait_for 60 all_decided $n 1 $entries
}

relays() { total 1 $n 1 relays; }
# carriers MORE: so many more frames leave v1.
carriers()
{
	local until=$(($(counter 1 1 carriers_seen) + $1))
	until_then() { [ "$(counter 1 1 carriers_seen)" -ge $until ]; }
	wait_for 30 until_then
}

# No relay within so many carriers; none may have been left over from before.
silence()
{
	local before
	before=$(relays)
	carriers "$1" && [ "$(relays)" = "$before" ]
}

# What v1 sends during a hidden pair's life takes no frame more than without.
only_carriers()
{
	local before
	before=$(total 1 $n 1 extra_frames)
	agree "on carriers" && [ "$(total 1 $n 1 extra_frames)" = "$before" ]
}

modprobe -a sch_ingress cls_flower act_gact || die "no traffic control"
radios_up $n
for ((i = 1; i <= n; i++)); do
	tc -n "v$i" qdisc add dev wlan0 clsact || die "no ingress queue in v$i"
done
module_load || die "the module does not load"
# Of a station it has not heard before, mac80211 drops the first frame in OCB mode.
cams_start 1 $n --count 2
wait "${cam_senders[@]}"
cam_senders=()
cell_up $n 1 pacing=1
cams_start 1 $n
check "all hear all: four agree" eval 'agree one && agree two && agree three'
is "and nobody sent anything again" "$(relays) $(total 1 $n 1 rx_relayed)" "0 0"

hide 1 4 || die "cannot hide v1 and v4 from each other"
check "v1 and v4 hidden from each other: all agree" eval 'agree hidden && agree again'
check "v1 and v4 got each other's elements" eval \
	'[ "$(counter 1 1 rx_relayed)" -gt 0 ] && [ "$(counter 4 1 rx_relayed)" -gt 0 ]'
is "v2 and v3, who hear all, needed none" "$(counter 2 1 rx_relayed) $(counter 3 1 rx_relayed)" "0 0"
is "v1 and v4 sent none again" "$(counter 1 1 relays) $(counter 4 1 relays)" "0 0"
check "v2 and v3 did, each element once" eval \
	'[ "$(relays)" -le $(($(counter 1 1 rx_relayed) + $(counter 4 1 rx_relayed) + 4)) ]'
check "both of them" eval '[ "$(counter 2 1 relays)" -gt 0 ] && [ "$(counter 3 1 relays)" -gt 0 ]'
for ((i = 1; i <= n; i++)); do cellctl $i cell_set cell=1 pacing=0 >/dev/null || die "no cell_set"; done
check "on carriers alone too, without a frame more" only_carriers

hide 1 3 && hide 2 4 || die "cannot make a line"
for ((i = 1; i <= n; i++)); do cellctl $i cell_set cell=1 pacing=1 >/dev/null; done
far=$(counter 4 1 rx_relayed)
check "in a line v1 - v2 - v3 - v4: all agree" eval 'agree line && agree "line again"'
check "over two hops" eval '[ "$(counter 4 1 rx_relayed)" -gt $far ]'
diag "in a line: $(relays) sent again, $(total 1 $n 1 rx_elements) accepted, $(total 1 $n 1 rx_relayed) of them so"

everybody_hears || die "cannot open the air"
carriers 20
check "all hear all again: nothing is sent again" silence 30
check "four agree" agree after
check "with the same log" same_log $n 1
is "nobody is accused" "$(total 1 $n 1 evidence)" 0
is "nothing was refused" "$(total 1 $n 1 drop_)" 0
cams_stop
done_testing
