#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Does the test runner count every way a test can go wrong? What it missed would pass unseen.
set -u -o pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0

# counts NAME SUMMARY STATUS: runs the script on standard input as a test and compares.
counts()
{
	local name=$1 wanted=$2 wanted_status=$3 output status
	count=$((count + 1))
	{ echo '#!/bin/bash'; cat; } >"$work/test.sh"
	chmod 755 "$work/test.sh"
	output=$(CPC_BUILD=$work tests/run --timeout 1 "$work/test.sh" 2>&1)
	status=$?
	if [ "$(tail -n 1 <<<"$output")" = "$wanted" ] && [ $status = "$wanted_status" ]; then
		echo "ok $count - run__$name"
	else
		echo "not ok $count - run__$name"
		printf 'status %s\n%s\n' $status "$output" | sed 's/^/# /'
	fi
}

counts passes "2 passed, 0 failed" 0 <<<'echo 1..2; echo ok 1 - a; echo ok 2 - b'
counts plan_at_the_end "1 passed, 0 failed" 0 <<<'echo ok 1 - a; echo 1..1'
counts one_fails "1 passed, 1 failed" 1 <<<'echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1'
counts fails_but_exits_0 "0 passed, 1 failed" 1 <<<'echo 1..1; echo not ok 1 - a'
counts passes_but_exits_1 "1 passed, 1 failed" 1 <<<'echo 1..1; echo ok 1 - a; exit 1'
counts crashes "1 passed, 1 failed" 1 <<<'echo 1..1; echo ok 1 - a; kill -SEGV $$'
counts no_plan "1 passed, 1 failed" 1 <<<'echo ok 1 - a'
counts too_few "1 passed, 1 failed" 1 <<<'echo 1..2; echo ok 1 - a'
counts too_many "2 passed, 1 failed" 1 <<<'echo 1..1; echo ok 1 - a; echo ok 2 - b'
counts two_plans "1 passed, 1 failed" 1 <<<'echo 1..1; echo ok 1 - a; echo 1..1'
counts empty "0 passed, 1 failed" 1 <<<'true'
counts empty_plan "0 passed, 1 failed" 1 <<<'echo 1..0'
counts too_slow "1 passed, 1 failed" 1 <<<'echo 1..1; echo ok 1 - a; exec sleep 20'
counts own_limit "1 passed, 0 failed" 0 <<<$'# timeout: 10\nsleep 1.5; echo 1..1; echo ok 1 - a'
counts bails_out "0 passed, 2 failed" 1 <<<'echo Bail out! no radio; exit 1'
counts skips_one "1 passed, 0 failed, 1 skipped" 0 <<<'echo 1..2; echo ok 1 - a; echo "ok 2 - b # SKIP no"'
counts skips_all "0 passed, 1 failed, 1 skipped" 1 <<<'echo 1..1; echo "ok 1 - a # SKIP no"'

# judged NAME SUMMARY ARGUMENT...: the same for what is not a script.
judged()
{
	local name=$1 wanted=$2 output
	shift 2
	count=$((count + 1))
	output=$(CPC_BUILD=$work tests/run --timeout 1 "$@" 2>&1)
	if [ "$(tail -n 1 <<<"$output")" = "$wanted" ]; then
		echo "ok $count - run__$name"
	else
		echo "not ok $count - run__$name"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
}

printf 'ok 1 - a\n1..1\n' >"$work/good.tap"
judged nothing "0 passed, 1 failed"
judged tap_file "1 passed, 0 failed" "$work/good.tap"
judged no_tap_file "0 passed, 1 failed" "$work/none.tap"
judged no_such_program "0 passed, 1 failed" "$work/none"
judged program_without_tap "0 passed, 1 failed" /bin/true
judged steps "2 passed, 1 failed" step:a:true step:b:false live:c:true
judged slow_step "0 passed, 1 failed" "step:a:sleep 20"
echo "1..$count"
