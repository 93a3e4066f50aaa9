#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 600
# Six vehicles with agents: the cell's members change while it decides. Vehicles with a certificate
# join, others do not; members leave, come back, lose their votes, are removed when a quorum's
# operators want it; the cell splits in two and merges again. No entry that an agent acknowledged
# is lost or decided twice, and all read one log.
. tests/vm/lib.sh
. tests/vm/cells.sh
. tests/vm/agents.sh

n=6

# ---- certificates -------------------------------------------------------------------------------

# authority NAME: a key and a certificate that certifies others.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
		-subj "/CN=$1" -keyout "$agents/$1.key" -out "$agents/$1.pem" 2>/dev/null
}
# certify I AUTHORITY: vehicle I's certificate.
certify()
{
	openssl req -new -key "$agents/v$1/node.key" -subj "/CN=car$1" |
		openssl x509 -req -CA "$agents/$2.pem" -CAkey "$agents/$2.key" -CAcreateserial \
			-days 30 -out "$agents/v$1/node.pem" 2>/dev/null
}

settings=('pacing = early' 'period_ms = 500' "authority = $agents/fleet.pem")
# first I, later I: the configuration of a first member, and of one that joins.
first()
{
	{
		conf_base "$1" "${settings[@]}" 'epoch = 1'
		conf_members 1 2 3 4
	} >"$agents/v$1/conf"
}
later()
{
	{
		conf_base "$1" "${settings[@]}" 'join = yes' | sed "s|^key = .*|&\nname = car$1|"
		local i
		for i in 1 2 3 4; do
			printf '[known car%s]\nnode_id = %s\n' "$i" "$(cat "$agents/v$i/id")"
		done
	} >"$agents/v$1/conf"
}
with_certificate() { sed -i "s|^key = .*|&\ncertificate = $agents/v$1/node.pem|" "$agents/v$1/conf"; }

# name I J: what vehicle I calls vehicle J. Who came later has no name in others' files.
name()
{
	if [ "$2" -le 4 ] || [ "$1" = "$2" ]; then echo "car$2"; else head -c 8 "$agents/v$2/id"; fi
}

# ---- asking -------------------------------------------------------------------------------------

# members_are N I...: these vehicles run a cell of N, all in one epoch.
members_are()
{
	local want=$1 i status
	shift
	for i in "$@"; do
		status=$(ctl "$i" status --json) || return
		jq -r '[.running, .cell, .epoch, .members] | @tsv' <<<"$status"
	done >"$agents/members"
	[ "$(sort -u "$agents/members" | wc -l)" = 1 ] &&
		[ "$(awk 'END { print $1, $4 }' "$agents/members")" = "true $want" ]
}
outside() { status_is "$1" .running false; }
# change I WORD...: asks and waits; what is said goes to $agents/said.
change() { ctl "$@" --wait 60 >"$agents/said" 2>&1; }
# outcome NAME STATUS I WORD...
outcome()
{
	local status
	change "${@:3}"
	status=$?
	is "$1" $status "$2"
	[ $status = "$2" ] || { diag "$(cat "$agents/said")"; show_journals; }
}

# ---- a cell of four -----------------------------------------------------------------------------

radios_up $n
module_load || die "the module does not load"
agents_make 1 2 3 4 5 6
authority fleet
authority stranger
for i in 1 2 3 4 5; do certify $i fleet; done
certify 6 stranger
for i in 1 2 3 4; do first $i; with_certificate $i; done
later 5
with_certificate 5
later 6
for i in 1 2 3 4; do agent_start $i; done
check "four start the cell" wait_for 60 members_are 4 1 2 3 4 || { show_journals; die "no cell"; }
n=4
check "and are connected" wait_for 60 all connected
n=6
cams_start 1 $n
for ((round = 0; round < 1000; round++)); do submit_many 2 25 "round $round" 200; done &
submitter=$!

# ---- joining ------------------------------------------------------------------------------------

agent_start 5
check "a fifth with a certificate joins" wait_for 60 members_are 5 1 2 3 4 5 || show_journals
check "it was asked for, and voted on" said 5 'asked car[1-4] to propose this vehicle to cell 7'
ctl 5 submit --json "car5 is in" | jq -r .id >>"$agents/submitted"
first_slot=$(ctl 5 cell --json | jq .base)
agent_start 6
refused_6() { ctl 6 status --json | jq -e '.running == false' && ! members_are 6 1 2 3 4 5; }
sleep 3	# not a wait for something: nothing is to happen
check "a sixth without one does not" refused_6
agent_kill 6 TERM
with_certificate 6
agent_start 6
sleep 3	# again
check "nor with a stranger's" refused_6
agent_kill 6 TERM
certify 6 fleet
agent_start 6
check "with the fleet's it does" wait_for 60 members_are 6 1 2 3 4 5 6 || show_journals

# ---- leaving and coming back --------------------------------------------------------------------

outcome "a member leaves" 0 1 leave
check "the others go on without it" wait_for 30 members_are 5 2 3 4 5 6
check "it is outside" outside 1
outcome "one that is outside leaves nothing" 2 1 leave
check "as it says" grep -q 'takes part in no cell' "$agents/said"
outcome "it comes back" 0 1 join
check "to all others" wait_for 30 members_are 6 1 2 3 4 5 6
outcome "who is in cannot join" 2 1 join
check "as it says" grep -q 'is a member of cell 7 already' "$agents/said"

# ---- lost votes ---------------------------------------------------------------------------------

epoch_of() { ctl "$1" status --json | jq .epoch; }
before=$(epoch_of 2)
agent_kill 4 KILL
cellctl 4 cell_del cell=7
agent_start 4
later_than() { [ "$(epoch_of "$1")" -gt "$2" ]; }
check "a member that has lost its votes is let in again" wait_for 60 later_than 4 "$before" ||
	show_journals
check "with all others" wait_for 30 members_are 6 1 2 3 4 5 6
before=$(epoch_of 2)
outcome "new keys for all" 0 3 rekey
check "in another epoch" later_than 2 "$before"

# ---- away while members change ------------------------------------------------------------------

in_vehicle 5 ip link set wlan0 down
outcome "members change while one is away" 0 3 rekey
outcome "and again" 0 1 leave
in_vehicle 5 ip link set wlan0 up
in_vehicle 5 iw dev wlan0 ocb join 5900 10MHZ 2>/dev/null
check "it catches up over both epochs" wait_for 120 members_are 5 2 3 4 5 6 || show_journals
outcome "and votes again" 0 1 join
check "for all to be in" wait_for 30 members_are 6 1 2 3 4 5 6

# ---- removing -----------------------------------------------------------------------------------

outcome "nobody is removed by one alone" 1 3 remove "$(name 3 6)"
check "who said what is shown" grep -q 'car1 .*silent' "$agents/said"
for i in 1 2 4; do ctl $i remove "$(name $i 6)" --wait 0 >/dev/null; done
outcome "but when a quorum's operators ask for it" 0 5 remove "$(name 5 6)"
check "then it is out" wait_for 30 members_are 5 1 2 3 4 5
check "and knows" wait_for 30 outside 6
outcome "nobody removes who is not there" 2 3 remove "$(name 3 6)"
check "as it says" grep -q "there is no member '$(name 3 6)'" "$agents/said"
outcome "it may come back" 0 6 join
check "and is back" wait_for 30 members_are 6 1 2 3 4 5 6

# ---- splitting and merging ----------------------------------------------------------------------

for i in 1 2 3; do ctl $i split 9 car4 "$(name $i 5)" "$(name $i 6)" --wait 0 >/dev/null; done
ctl 6 split 9 car4 "$(name 6 5)" car6 --wait 0 >/dev/null
outcome "the cell splits, when a quorum asks for the same" 0 5 split 9 car4 car5 "$(name 5 6)"
check "three stay" wait_for 30 members_are 3 1 2 3
check "three form the other cell" wait_for 30 members_are 3 4 5 6
is "of that number" "$(ctl 5 status --json | jq .cell)" 9
check "each says that all have to agree now" said 5 'every member has to agree'
for i in 2 5; do ctl $i submit --json "apart" | jq -r .id >>"$agents/apart.$i"; done
apart() { ids_in_log "$1" | grep -qf "$agents/apart.$2"; }
check "both decide" eval 'wait_for 30 apart 1 2 && wait_for 30 apart 6 5'
for i in 4 5; do ctl $i merge 7 --wait 0 >/dev/null; done
not_asked() { ctl 4 cell --json | jq -r .change.text | grep -q 'has not asked for it yet'; }
check "nobody is merged who has not asked for it" wait_for 20 not_asked
outcome "they merge, when all of one cell ask for it" 0 6 merge 7
check "and are one cell" wait_for 60 members_are 6 1 2 3 4 5 6 || show_journals
is "of the other's number" "$(ctl 5 status --json | jq .cell)" 7

# ---- nothing is lost ----------------------------------------------------------------------------

kill $submitter
wait $submitter 2>/dev/null
for i in 1 2 3 4 5 6; do ctl $i submit --json "car$i at the end" | jq -r .id >>"$agents/submitted"; done
check "all comes to rest" wait_for 120 quiet 1 2 3 4 5 6 || show_journals
check "nothing acknowledged is lost" has_all 2
check "nothing was decided twice" nothing_twice 2
check "who was always there reads one log" same_log 0 2 3
check "a restarted agent reads the same" eval 'agent_kill 3 KILL && :; agent_start 3 &&
	wait_for 30 running 3 && same_log 0 2 3'
diag "$(wc -l <"$agents/submitted") entries, epoch $(epoch_of 2), base $first_slot of car5"
cams_stop >/dev/null
done_testing
