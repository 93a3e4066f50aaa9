# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tests with agents share: vehicle vI's agent has its files in $agents/vI (conf, node.key, id,
# control, journal, its database). Source it behind lib.sh and cells.sh; set n, the number of them.

agents=$tmp
declare -a agent=()

# agents_make I...: folders and keys.
agents_make()
{
	local i
	for i in "$@"; do
		mkdir "$agents/v$i"
		"$build/cpchaind" --print-id --key "$agents/v$i/node.key" >"$agents/v$i/id"
	done
}

# conf_base I [CELL-SETTING...]: the sections [node], [cell] and [api].
conf_base()
{
	local i=$1
	printf '[node]\nkey = %s/node.key\nstate = %s\n' "$agents/v$i" "$agents/v$i"
	printf '[api]\nsocket = %s/control\n' "$agents/v$i"
	printf '[cell]\nid = 7\ninterface = wlan0\n'
	shift
	[ $# = 0 ] || printf '%s\n' "$@"
}

# conf_members I...: these are the first members, in this order.
conf_members()
{
	local i index=0
	for i in "$@"; do
		printf '[member car%s]\nindex = %s\nnode_id = %s\n' "$i" $index \
			"$(cat "$agents/v$i/id")"
		index=$((index + 1))
	done
}

# agent_start I [COMMAND...]: the command in front of the agent takes something from it.
agent_start()
{
	# Not through in_vehicle: the process to kill must be the agent, not a shell around it.
	ip netns exec "v$1" "${@:2}" "$build/cpchaind" --config "$agents/v$1/conf" \
		>/dev/null 2>>"$agents/v$1/journal" &
	agent[$1]=$!
}

# agent_kill I SIGNAL: and waits for its end, whose status is ours.
agent_kill()
{
	kill "-$2" "${agent[$1]}"
	wait "${agent[$1]}" 2>/dev/null
}

ctl() { "$build/cpchainctl" --socket "$agents/v$1/control" "${@:2}"; }
status_is() { [ "$(ctl "$1" status --json | jq -r "$2")" = "$3" ]; }
running() { status_is "$1" .running true; }
all() { local i; for ((i = 1; i <= n; i++)); do "$@" "$i" || return; done; }
connected() { status_is "$1" .peers_up $((n - 1)); }
said() { grep -q "$2" "$agents/v$1/journal"; }

# The ids in vehicle $1's log, one per line, as often as they are there.
ids_in_log() { ctl "$1" log --since 0 --json | jq -r 'select(.id).id'; }
texts_in_log() { ctl "$1" log --since 0 --json | jq -r .text; }

# submit_many I COUNT TEXT [MS]: over one connection, an entry every MS, until it breaks; what the
# daemon acknowledged goes to $agents/submitted.
submit_many()
{
	# shellcheck disable=SC2016 # the variables are perl's
	perl -MIO::Socket::UNIX -e '
		my ($path, $count, $text, $ms) = @ARGV;
		$SIG{PIPE} = "IGNORE";
		my $to = IO::Socket::UNIX->new(Peer => $path) or exit 0;
		$to->autoflush(1);
		for my $k (1 .. $count) {
			print $to "{\"op\":\"submit\",\"text\":\"$text $k\"}\n" or last;
			my $answer = <$to> // last;
			print "$1\n" if $answer =~ /"id":"([0-9a-f]+)"/;
			select undef, undef, undef, $ms / 1000;
		}' "$agents/v$1/control" "$2" "$3" "${4:-20}" >>"$agents/submitted"
}

# Everything acknowledged is in vehicle $1's log.
has_all()
{
	ids_in_log "$1" | sort >"$agents/there"
	[ -s "$agents/submitted" ] &&
		[ -z "$(comm -23 <(sort -u "$agents/submitted") "$agents/there")" ]
}

# quiet I...: all of these agents answer, nothing waits in them, and they are at one slot. Cheap, so
# it can be polled.
quiet()
{
	local i status
	for i in "$@"; do
		status=$(ctl "$i" status --json) || return
		jq -r '[.outbox_waiting + .outbox_in_flight, .slot] | @tsv' <<<"$status"
	done >"$agents/states"
	[ "$(sort -u "$agents/states" | wc -l)" = 1 ] && grep -q '^0' "$agents/states"
}
nothing_twice() { [ -z "$(ids_in_log "$1" | sort | uniq -d)" ]; }

# same_log SINCE I...: behind that slot, and up to the shortest, these logs are the same to the byte
# of what a reader sees.
same_log()
{
	local i least since=$1
	shift
	least=$(for i in "$@"; do ctl "$i" status --json | jq .slot; done | sort -n | head -n 1)
	for i in "$@"; do
		ctl "$i" log --since "$since" --json |
			jq -c "select(.slot <= $least) | del(.time)" >"$agents/read.$i"
		cmp "$agents/read.$1" "$agents/read.$i" || return
	done
	[ -s "$agents/read.$1" ]
}

show_journals()
{
	local i
	for ((i = 1; i <= n; i++)); do
		diag "v$i:"
		diag "$(tail -n 12 "$agents/v$i/journal")"
	done
}
