#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The programs as an operator meets them, without the module: what they say, and their exit status.
set -u -o pipefail

build=${CPC_BUILD:-build}
dir=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; rm -rf "$dir"' EXIT
count=0

# is NAME ACTUAL EXPECTED
is()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		echo "# got '$2', expected '$3'"
	fi
}

# has NAME TEXT PATTERN
has() { case $2 in *"$3"*) is "$1" ok ok ;; *) is "$1" "$2" "...$3..." ;; esac; }

cpchaind() { "$build/cpchaind" "$@" 2>&1; }
ctl() { "$build/cpchainctl" --socket "$dir/control" "$@" 2>&1; }

configure()
{
	printf '[node]\nkey = %s/key0\nstate = %s/state\n[api]\nsocket = %s/control\n' \
		"$dir" "$dir" "$dir"
	printf '[cell]\nid = 7\nepoch = 1\ninterface = %s\n' "$1"
	for k in 0 1 2 3; do
		printf 'member.%s = %s\n' "$k" "$(cpchaind --print-id --key "$dir/key$k")"
	done
}

# ---- identity and configuration ------------------------------------------------------------------

id=$(cpchaind --print-id --key "$dir/key0")
is "print-id prints 64 hexadecimal digits" "$(grep -cE '^[0-9a-f]{64}$' <<<"$id")" 1
is "the key is for its owner only" "$(stat -c %a "$dir/key0")" 600
is "print-id is the same again" "$(cpchaind --print-id --key "$dir/key0")" "$id"
configure nosuch0 >"$dir/conf"
has "check-config says good" "$(cpchaind --check-config --config "$dir/conf")" \
	"good: cell 7 epoch 1"
sed 's/^epoch = 1/epoch = 0/' "$dir/conf" >"$dir/bad"
out=$(cpchaind --check-config --config "$dir/bad")
is "check-config refuses for an operator" $? 78
has "with file, line, key and value" "$out" "$dir/bad:8: [cell] epoch: '0'"
has "a missing file is named" "$(cpchaind --config "$dir/none")" "$dir/none: No such file"
has "an unknown option is named" "$(cpchaind --frobnicate)" "frobnicate"
sed "s/$id/$(printf 'ab%.0s' {1..32})/" "$dir/conf" >"$dir/other"
out=$(cpchaind --config "$dir/other")
is "a node that is no member is refused" $? 78
has "with its id" "$out" "$id"
chmod 644 "$dir/key1"
sed 's/key0/key1/' "$dir/conf" >"$dir/open"
has "a key that others can read is refused" "$(cpchaind --config "$dir/open")" "$dir/key1"

# ---- without a daemon ----------------------------------------------------------------------------

out=$(ctl status)
is "no daemon: failure" $? 1
is "no daemon: what to do" "$out" \
	"cpchainctl: cannot connect to $dir/control: is cpchaind running? systemctl start cpchaind"
out=$(ctl submit)
is "a wrong command line: status 2" $? 2
has "too long a text is refused" "$(ctl submit "$(printf 'x%.0s' {1..504})")" "more than 503 bytes"
has "an empty one too" "$(ctl submit - </dev/null)" "nothing to submit"
has "a missing file is named" "$(ctl submit --file "$dir/none")" "$dir/none: No such file"

# ---- without the module (where it is loaded, these have nothing to show) -------------------------

if [ -e /sys/module/cpchain ]; then
	echo "1..$count"
	exit 0
fi
"$build/cpchaind" --config "$dir/conf" 2>"$dir/journal" &
daemon=$!
for _ in {1..100}; do
	[ -S "$dir/control" ] && break
	sleep 0.05
done
has "the daemon waits for the module" "$(ctl status)" "modprobe cpchain"
is "status is JSON" "$(ctl status --json | jq -r '.running, .cell, .members' | paste -sd,)" \
	false,7,4
has "what needs the module says so" "$(ctl cell)" "not running yet"
is "the socket is for its group" "$(stat -c %a "$dir/control")" 660
has "a second daemon is refused" "$(cpchaind --config "$dir/conf")" "another cpchaind"
kill -TERM "$daemon"
wait "$daemon"
is "SIGTERM is a clean stop" $? 0
daemon=
is "the socket is gone" "$([ -e "$dir/control" ]; echo $?)" 1
has "the journal has what happened" "$(cat "$dir/journal")" "modprobe cpchain (waiting for it)"
echo "1..$count"
