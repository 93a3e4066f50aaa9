#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# timeout: 400
# The BPF programs pass this kernel's verifier and do here what they do on the build machine's own
# kernel: the same test programs, each one test of this list, its failures shown.
. tests/vm/lib.sh

# all_ok PROGRAM: runs one Check program; its TAP must have tests, and no failure.
all_ok()
{
	local tap
	tap=$tmp/$(basename "$1").tap
	CPC_BUILD=$build CK_TAP_LOG_FILE_NAME=$tap CK_VERBOSITY=silent "$1" || true
	grep -v '^ok' "$tap"
	[ "$(grep -c '^ok' "$tap")" -gt 0 ] && ! grep -q -e '^not ok' -e SKIP "$tap"
}

mount -t bpf bpf /sys/fs/bpf || die "no BPF file system"
plan 4
for name in filter stamp policy loader; do
	check "$name on $(uname -r)" all_ok "$build/san/bpf/${name}_test"
done
