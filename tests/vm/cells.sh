# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the module's tests share: cells of test vehicles, CAMs as carriers, counters. Source it after
# lib.sh.

cellctl() { "$build/cellctl" -n "v$1" "${@:2}"; }

# vehicles FROM TO: their namespaces, for cellctl -n.
vehicles() { seq -f 'v%.0f' -s, "$1" "$2"; }

# cell_up N CELL [NAME=VALUE...]: vehicles v1..vN form a cell, vI being member I-1.
cell_up()
{
	local n=$1 cell=$2 i members
	shift 2
	members=$(seq -s, 0 $((n - 1)))
	for ((i = 1; i <= n; i++)); do
		cellctl "$i" cell_add "cell=$cell" epoch=1 if=wlan0 "self=$((i - 1))" \
			"members=$members" "$@" &&
		cellctl "$i" keys "cell=$cell" "self=$((i - 1))" "n=$n" ||
			die "no cell $cell in v$i"
	done
}

# cams_start FROM TO [OPTION...]: vehicles FROM..TO send CAMs at 10 Hz, out of step with each other.
declare -a cam_senders=()
cams_start()
{
	local from=$1 to=$2 i
	shift 2
	for ((i = from; i <= to; i++)); do
		ip netns exec "v$i" "$build/v2xgen" send --iface wlan0 --rate 10 --json \
			--station "$((100 + i))" --phase "$((i * 23 % 100))" "$@" \
			>"$tmp/sent.$i" &
		cam_senders+=($!)
	done
}

# Ends the senders, which then report what they sent in $tmp/sent.I.
cams_stop()
{
	[ ${#cam_senders[@]} = 0 ] || kill "${cam_senders[@]}" 2>/dev/null
	wait "${cam_senders[@]}"
	cam_senders=()
}

# counter I CELL NAME: one counter of a cell in vehicle I.
counter() { cellctl "$1" sum "$3" "cell=$2"; }

# total FROM TO CELL PREFIX: the counters that begin so, summed over these vehicles.
total() { "$build/cellctl" -n "$(vehicles "$1" "$2")" sum "$4" "cell=$3"; }

# decided I CELL: the number of the last decided slot in vehicle I.
decided() { cellctl "$1" cell_get "cell=$2" | jq .cell_get.slot; }

# log_of I CELL: the whole decided log of vehicle I, a line per message.
log_of() { cellctl "$1" dump decided_get "cell=$2" slot=0; }

# entries_decided I CELL COUNT: has vehicle I decided at least that many entries?
entries_decided() { [ "$(counter "$1" "$2" decided_entries)" -ge "$3" ]; }

# all_decided N CELL COUNT: and all of v1..vN?
all_decided()
{
	local i
	for ((i = 1; i <= $1; i++)); do
		entries_decided "$i" "$2" "$3" || return
	done
}

# same_log N CELL: v1..vN have the same log, up to the shortest of them.
same_log()
{
	local i least
	for ((i = 1; i <= $1; i++)); do
		log_of "$i" "$2" >"$tmp/log.$i"
	done
	least=$(wc -l $tmp/log.[1-"$1"] | sort -n | awk 'NR == 1 { print $1 }')
	[ "$least" -gt 0 ] || return
	for ((i = 2; i <= $1; i++)); do
		cmp <(head -n "$least" $tmp/log.1) <(head -n "$least" "$tmp/log.$i") || return
	done
}

# refused TEXT WORD...: in v1 cellctl's request is refused with exactly this text.
refused()
{
	local text=$1 said
	shift
	said=$(cellctl 1 "$@" 2>&1 >/dev/null) && { echo "accepted: $*"; return 1; }
	[ "${said#refused: *: }" = "$text" ] || { echo "said: $said"; return 1; }
}
refuse() { check "refused: $1" refused "$@"; }

# submit_round FROM TO CELL TEXT: each of these vehicles submits one entry.
submit_round()
{
	local i
	for ((i = $1; i <= $2; i++)); do
		cellctl "$i" submit "cell=$3" kind=0 "text=$4 of v$i" >/dev/null || return
	done
}
