#!/bin/sh
# SPDX-License-Identifier: MIT
#
# make bench: how fast this build is. First the workloads beside QEMU and this host (bench/driver.c,
# docs/PERFORMANCE.md), then a few figures of TinyVMM alone (bench/basics.sh).
#   RUNS: rounds (3)      ROWS: only workloads whose name contains this      SHORT: divide their length
set -u
cd "$(dirname "$0")/.." || exit 1
: "${BUILD:=build}" "${TINYVMM:=./tinyvmm}" "${ROWS:=}"
GUESTS=${TINYVMM_GUESTS:-${TINYVMM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinyvmm}/guests}
export TINYVMM GUESTS ROWS BUILD
bench/build.sh "$BUILD/bench" || exit 1
echo "TinyVMM bench: $("$TINYVMM" --version), $(uname -sm)"
"$TINYVMM" backends
"$BUILD/bench/driver" "$BUILD/bench" "$BUILD/bench/result.tsv"
status=$?
if [ -z "$ROWS" ]; then
    echo
    bench/basics.sh || status=1
fi
exit $status
