#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Four twins on a bridge, without any kernel module: do they agree, on carriers alone and urgently,
# with test keys and with keys over TLS; and does a fourth one that lies leave the others agreeing?
# timeout: 120
set -u -o pipefail

twin=${CPC_BUILD:-build}/cpc-twin
daemon=${CPC_BUILD:-build}/cpchaind
id=cpct$$
dir=$(mktemp -d) || exit 1
tests=0

clean_up()
{
	local i
	# A background member that is killed before it is exec'ed would come here too.
	[ "$BASHPID" = $$ ] || return
	# shellcheck disable=SC2046 # a list of process ids
	kill $(jobs -p) 2>/dev/null
	wait
	for i in 0 1 2 3 hub; do
		ip netns del "$id-$i" 2>/dev/null
	done
	rm -rf "$dir"
}
trap clean_up EXIT

# ok NAME COMMAND...
ok()
{
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@" >"$dir/said" 2>&1; then echo "ok $tests - $name"; return; fi
	echo "not ok $tests - $name"
	sed 's/^/# /' "$dir/said"
	cat "$dir"/*.err "$dir"/*.json 2>/dev/null | sed 's/^/# /'
}

network_up()
{
	local i
	ip netns add "$id-hub" && ip -n "$id-hub" link add hub type bridge &&
		ip -n "$id-hub" link set hub up || return
	for i in 0 1 2 3; do
		ip netns add "$id-$i" &&
		ip netns exec "$id-$i" sysctl -q -w net.ipv6.conf.default.accept_dad=0 &&
		ip -n "$id-$i" link add wlan0 type veth peer name "port$i" netns "$id-hub" &&
		ip -n "$id-hub" link set "port$i" master hub up &&
		ip -n "$id-$i" link set wlan0 up || return
	done
}

# start I OPTION...: member I in the background.
start()
{
	local i=$1
	shift
	# What is waited for must not be the last run's.
	rm -f "$dir/$i".{log,err,json}
	ip netns exec "$id-$i" "$twin" --log "$dir/$i.log" "$@" \
		>"$dir/$i.json" 2>"$dir/$i.err" &
	member[i]=$!
}

# stop I...: and their reports are there.
stop()
{
	local i status=0
	for i; do
		kill -TERM "${member[i]}"
	done
	for i; do
		wait "${member[i]}" || status=$?
	done
	return $status
}

value() { jq "$2" "$dir/$1.json"; }

wait_for()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || { echo "not in time: $*"; return 1; }
		sleep 0.1
	done
}

same_log()
{
	local i lines
	lines=$(for i; do wc -l <"$dir/$i.log"; done | sort -n | head -n 1)
	[ "$lines" -gt 0 ] || { echo "an empty log"; return 1; }
	for i; do
		head -n "$lines" "$dir/$i.log" | cmp - <(head -n "$lines" "$dir/$1.log") || return
	done
}

own_decided() { for i; do [ "$(value "$i" '.entries.own_decided')" = 20 ] || return; done; }
no_drops() { for i; do [ "$(value "$i" '[.dropped[]] | add')" = 0 ] || return; done; }
ended() { for i; do wait "${member[i]}" || return; done; }

test_keys() { start "$1" --test-keys --iface wlan0 --cell 5 --n 4 --self "$@"; }

carriers_only()
{
	local i
	for i in 0 1 2 3; do
		test_keys $i --submit-every 100 --count 20 --phase $((i * 23)) --seconds 5
	done
	ended 0 1 2 3
}

urgent()
{
	local i
	for i in 0 1 2 3; do
		test_keys $i --pacing urgent --carrier-hz 0 --window 2 --count 20 --seconds 3
	done
	ended 0 1 2 3
}

configure()
{
	local i k
	for i in 0 1 2 3; do
		{
			printf '[node]\nkey = %s\nstate = %s\n' "$dir/$i.key" "$dir"
			printf '[cell]\nid = 6\nepoch = 1\ninterface = wlan0\npacing = early\n'
			for k in 0 1 2 3; do
				printf 'member.%s = %s\n' $k \
					"$("$daemon" --print-id --key "$dir/$k.key")"
			done
		} >"$dir/$i.conf"
	done
}

over_tls()
{
	local i in_time=0
	configure
	for i in 0 1 2 3; do
		start $i --config "$dir/$i.conf" --phase $((i * 23)) --window 1 --count 20
	done
	wait_for 30 all_heard_and_logged || in_time=1
	stop 0 1 2 3 && return $in_time
}
# Three of four decide, hence a log alone does not mean that all six sessions are there.
all_heard_and_logged()
{
	local i
	for i in 0 1 2 3; do
		[ -s "$dir/$i.log" ] && grep -q 'has all keys$' "$dir/$i.err" || return
	done
}
have_all_keys() { for i; do [ "$(value "$i" .keys)" = 3 ] || return; done; }

beside_a_liar()
{
	local i
	for i in 0 1 2; do
		test_keys $i --submit-every 200 --count 20 --phase $((i * 23)) --pacing early \
			--seconds 7
	done
	test_keys 3 --submit-every 200 --phase 71 --pacing early --lie all --seed 7 --seconds 7
	ended 0 1 2 3
}

refuses() { ! "$twin" "${@:2}" 2>"$dir/said" && grep -q -e "$1" "$dir/said"; }

declare -a member
ok "no cell: refused" refuses "either --config FILE or --test-keys" --pacing early
ok "an unknown lie is named" refuses "'perjure'" --lie fork,perjure
ok "an unknown MAC is named" refuses "'rot13'" --mac rot13
ok "an index out of the cell is named" refuses "4 is no member of a cell of 4" \
	--test-keys --iface lo --cell 1 --self 4 --n 4
ok "an interface that is not there is named" refuses "'nowhere'" \
	--test-keys --iface nowhere --cell 1 --self 0 --n 4
ok "a configuration that is not there is named" refuses "/nowhere" --config /nowhere

if ! network_up 2>"$dir/said"; then
	echo "ok $((tests + 1)) - four twins # SKIP no namespaces: $(head -n 1 "$dir/said")"
	echo "1..$((tests + 1))"
	exit 0
fi
ok "four twins run on carriers" carriers_only
ok "they decide all that was submitted" own_decided 0 1 2 3
ok "and the same" same_log 0 1 2 3
ok "with no frame but the carriers" test "$(value 0 .frames.extra)" = 0
ok "and nothing dropped" no_drops 0 1 2 3
ok "four urgent twins run without carriers" urgent
ok "they decide all that was submitted" own_decided 0 1 2 3
ok "and the same" same_log 0 1 2 3
ok "four twins with keys over TLS run" over_tls
ok "they have all keys" have_all_keys 0 1 2 3
ok "and decide the same" same_log 0 1 2 3
ok "three twins and a liar run" beside_a_liar
ok "the honest ones' entries are decided" own_decided 0 1 2
ok "and they have one log" same_log 0 1 2
ok "and evidence of the liar" test "$(value 0 .evidence)" -gt 0
echo "1..$tests"
