#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# tests/soak with a simulator that fails where it is told to: is every failing seed found, none run
# twice after an interruption, and all forgotten when the simulator changes?
set -u -o pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
is()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then echo "ok $count - $1"; else
		echo "not ok $count - $1"; echo "# got '$2', expected '$3'"; fi
}

# fake SEED...: a simulator in which these seeds fail; it notes what it was asked to run.
fake()
{
	cat >"$work/sim" <<-SIM
		#!/usr/bin/env bash
		first=1 seeds=1
		while [ \$# -gt 0 ]; do
			case \$1 in --seed) first=\$2 ;; --first) first=\$2 ;; --seeds) seeds=\$2 ;; esac
			shift
		done
		[ \$seeds = 1 ] || echo "\$first" >>"$work/asked"
		for bad in $*; do
			[ \$bad -lt \$first ] || [ \$bad -ge \$((first + seeds)) ] || exit 1
		done
	SIM
	chmod +x "$work/sim"
}
soak() { CPC_BUILD=$work CPC_SOAK_SIM=$work/sim tests/soak "$@" >"$work/out" 2>&1; status=$?; }

fake 1500 1501 2999
soak 3000
is "a run with failing seeds fails" $status 1
is "every failing seed is found" "$(xargs <"$work/soak/failed")" "1500 1501 2999"
is "it says how to replay them" "$(grep -c "replay with: $work/sim --seed" "$work/out")" 3
is "and how many were run" "$(grep -c '^soak: 3000 seeds were run, 3 failed' "$work/out")" 1
is "a line per step" "$(grep -c '^seeds ' "$work/out")" 3
soak 4500
is "it goes on where it stopped" "$(xargs <"$work/asked")" "1 1001 2001 3001 4001"
is "what failed before is not forgotten" $status 1
fake
soak 2000
is "another simulator starts over, and passes" "$status $(xargs <"$work/asked")" \
	"0 1 1001 2001 3001 4001 1 1001"
soak many
is "a number is asked for" $status 2
echo "1..$count"
