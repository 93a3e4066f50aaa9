# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What tests need to put their radios on the modelled air of cpc-medium. Source it after lib.sh, and
# call these in the test's own shell, not through check: they keep a descriptor and a process.

air_dir=$tmp/air
air_report=$air_dir/report
mkdir "$air_dir"
medium=''
declare -a air_options=()	# more of cpc-medium's options

# medium_up LINE...: cpc-medium with these lines of scenario (tools/cpc-medium/scenario.h); station
# I-1 is vI, unless air_options say otherwise (--stations).
medium_up()
{
	printf '%s\n' "$@" >"$air_dir/scenario"
	rm -f "$air_dir/in" && mkfifo "$air_dir/in"
	: >"$air_dir/out"
	exec 3<>"$air_dir/in"
	"$build/cpc-medium" --scenario "$air_dir/scenario" --report "$air_report" --commands \
		--realtime "${air_options[@]}" <"$air_dir/in" >"$air_dir/out" 2>&1 3>&- &
	medium=$!
	wait_for 10 grep -q ' stations at ' "$air_dir/out" || { diag "$(cat "$air_dir/out")"; return 1; }
}

# medium_down [SIGNAL]: ends it (TERM); hwsim is its own perfect medium again. Its last report is in
# $air_report.
medium_down()
{
	local status
	kill "-${1:-TERM}" "$medium"
	wait "$medium" 2>/dev/null
	status=$?
	medium=''
	[ "${1:-TERM}" = KILL ] || [ "$status" = 0 ]
}

air_answers() { grep -c '^ok\|^error' "$air_dir/out"; }
more_air_answers() { [ "$(air_answers)" -gt "$1" ]; }

# tell COMMAND: to the running medium (report, reset, loss 30, partition 0 1 | 2 3, heal, ...);
# returns when it is done.
tell()
{
	local before
	before=$(air_answers)
	echo "$1" >&3
	wait_for 10 more_air_answers "$before" && tail -n 1 "$air_dir/out" | grep -qF "ok $1"
}

# figure FILTER: from a report made now; see tools/cpc-medium/report.h for what is in it.
figure() { tell report && jq -r "$1" "$air_report"; }
figure_is() { [ "$(figure "$1")" = "$2" ]; }
