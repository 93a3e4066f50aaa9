#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 900
# Can the simulator fail? Each mutant is the core with one rule broken, by sed, in a copy under
# build/mutants/; the simulator must find it within a bounded number of seeds, and must find nothing
# in the unbroken copy. A rule whose text is no longer there is a failure too: a mutant that is the
# original would prove nothing.
set -u -o pipefail

cd "$(dirname "$0")/../.." || exit 1
build=${CPC_BUILD:-build}/mutants
seeds=1000
test=0 failed=0

ok() { test=$((test + 1)); echo "ok $test - $1"; }
not_ok() { test=$((test + 1)); failed=$((failed + 1)); echo "not ok $test - $1"; }

cc=(gcc -std=gnu11 -O1 -fno-strict-aliasing -w -D_GNU_SOURCE -I. -Iinclude -Iinclude/uapi)
mkdir -p "$build/sim"
for source in tests/sim/*.c tools/cpc-medium/{air,channel,report,scenario}.c \
	tools/common/random.c agent/util/error.c; do
	"${cc[@]}" -c "$source" -o "$build/sim/$(basename "$source" .c).o" || exit 1
done

# Compiles a copy of the core, after `sed -E -z -i EXPRESSION FILE`.
compile()
{
	local name=$1 file=${2:-} expression=${3:-} dir=$build/$1
	rm -rf "$dir" && mkdir -p "$dir"
	cp kmod/core/*.c "$dir/"
	if [ -n "$file" ]; then
		sed -E -z -i "$expression" "$dir/$file" || return 1
		if cmp -s "kmod/core/$file" "$dir/$file"; then
			echo "# $name: the rule to break is not in kmod/core/$file any more"
			return 1
		fi
	fi
	"${cc[@]}" "$dir"/*.c "$build"/sim/*.o -lm -o "$dir/cpc-sim" 2>&1 | sed 's/^/# /'
}

# mutant NAME FILE EXPRESSION: the simulator must find it.
mutant()
{
	local name=$1 log=$build/$1/log
	if ! compile "$@"; then
		not_ok "$name: does not compile"
		return
	fi
	if "$build/$name/cpc-sim" --seeds $seeds --jobs 2 >"$log" 2>&1; then
		not_ok "$name: $seeds seeds find nothing"
		return
	fi
	if ! grep -q '^VIOLATED' "$log" || ! grep -q '^replay: build/cpc-sim --seed' "$log"; then
		sed 's/^/# /' "$log" | tail -n 20
		not_ok "$name: fails without saying what is violated and how to replay it"
		return
	fi
	grep -m 1 '^VIOLATED' "$log" | sed 's/^/# /'
	ok "$name is found"
}

if compile original &&
	"$build/original/cpc-sim" --seeds $seeds --jobs 2 >"$build/original/log" 2>&1; then
	ok "the original passes"
else
	tail -n 30 "$build/original/log" | sed 's/^/# /'
	not_ok "the original passes"
fi
# What a seed does depends on nothing else: not on the process, not on the seeds before it.
totals() { "$build/original/cpc-sim" --seeds 60 --jobs "$1" | sed 's/ in [0-9.]* s ([0-9]*\/s)//'; }
if [ -n "$(totals 1)" ] && [ "$(totals 1)" = "$(totals 3)" ]; then
	ok "the same seeds in other processes do the same"
else
	not_ok "the same seeds in other processes do the same"
fi
vote='(struct cpc_vote){ .set = s->view > 0, .view = s->view - 1, .value = *value }'
mutant frozen-overwritten tetra.c \
	's/(s->voted \|= 1u << phase;)/\1\n\ts->high[phase] = '"$vote"';/'
clear='memset(s->high, 0, sizeof(s->high)); memset(s->second, 0, sizeof(s->second));'
mutant frozen-dropped tetra.c 's/(s->view = view;\n\ts->voted = 0;)/\1\n\t'"$clear"'/'
mutant second-forgotten tetra.c 's/s->second\[p\] = \*high;/;/'
mutant quorum-minus-one tetra.c \
	's/cpc_assert\(quorum > c->n \/ 2\);//; s/cpc_quorum\(c->n\)/(cpc_quorum(c->n) - 1)/g'
once='if \(cpc_voted\(&slot->mine, CPC_PHASE_1\)\)\n\t\treturn false;'
again='if (cpc_voted(\&slot->mine, CPC_PHASE_1) \&\& leader != core->config.self \&\& proposal) {'
again+='bool changed = !cpc_digest_equal(\&slot->mine.first, \&proposal->first);'
again+='slot->mine.first = proposal->first; return changed; }'
mutant votes-twice slot.c "s/$once/$again/"
mutant replay-accepted receive.c 's/e->header\.counter <= m->counter/false/'
mutant bodies-not-required propose.c \
	's/!cpc_lane_holds\(&m->lane, cut->seq, &cut->head\)/false/'
mutant relayed-counts propose.c 's/cut->seq > cpc_lane_vouched\(&m->lane\)/false/'
mutant unsafe-votes slot.c \
	's/!cpc_safe\(c, CPC_RULE_VOTE, slot->mine\.view, &proposal->first\) \|\|//'
mutant consent-not-needed propose.c 's/!cpc_condition_met\(core, &m->condition\)/false/'
mutant word-changed condition.c \
	's/(static bool note.*)if \(\(c->yes \| c->no\) & cpc_bit\(member\)\)\n\t\treturn false;'\
'/\1c->yes \&= ~cpc_bit(member); c->no \&= ~cpc_bit(member);/'
mutant relayed-twice relay.c 's/m->relay = false;/;/'
mutant relayed-unasked relay.c 's/ && misses\(core, i, cpc_bit\(author\)\)//'
mutant never-relayed relay.c 's/!m->relay \|\| m->news != news/true/'
mutant no-view-change slot.c 's/core->now_us >= cpc_slot_deadline\(core, slot\)/false/'
parent='!cpc_digest_equal\(&known->cut\.parent, &core->parent\)'
mutant void-counts finish.c "s/decision->is_void = $parent/decision->is_void = false/"
mutant install-anything finish.c 's/!was_told\(core, event->install\.slot, &after\)/false/'
# Changes of members: the mark in the cut is checked, nobody goes beyond the end, all get there, and
# who jumps ahead learns of it.
mutant change-unmarked propose.c 's/return change == !![^;]*;/return true;/'
mutant end-ignored slot.c 's/core->end && slot->number > core->end/false/; s/slot->number <= core->end && //'
mutant end-not-reached slot.c 's/slot->number <= core->end && slot->number > core->decided/false/'
mutant end-not-hashed finish.c 's/if \(end\)\n\t\tcpc_write_le32\(&w, end\);//'
mutant change-too-soon finish.c 's/core->end = cut->slot \+ CPC_CHANGE_DELAY/core->end = cut->slot + 1/'
echo "1..$test"
exit $((failed > 0))
