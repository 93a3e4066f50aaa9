#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How much a flood of forged elements slows the deciding of a cell of four, with the filter and
# without, in the virtual machine: the test of the flood with sixty entries a case. "rise" in
# build/bench/bpf-flood.json is that of the median against no flood in the same run.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools/vm --timeout 900 -- bash tests/vm/32-bpf-flood.sh 60 | grep -v '^# v[0-9]'
jq -r '.cases[] | [.case, .frames_per_s, .p50, .p99] | @tsv' "${CPC_BUILD:-build}/bench/bpf-flood.json"
jq -c .rise "${CPC_BUILD:-build}/bench/bpf-flood.json"
