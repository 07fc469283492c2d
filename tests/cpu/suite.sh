#!/bin/sh
# SPDX-License-Identifier: MIT
# The CPU by random instruction streams: interpreter, translator, qemu-aarch64.
# tests/cpu/suite.sh [STREAMS]      CC, BUILD and SAN as in the Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${BUILD:-build}/tests/cpu
mkdir -p "$out" || exit 1
CROSS_CC=${CROSS_CC:-aarch64-linux-gnu-gcc}
QEMU=${QEMU:-qemu-aarch64}
streams=${1:-6000}
seed=${SEED:-$(date +%s)}
status=0

# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2 -g} ${SAN:+-fsanitize=$SAN} ${HARD:+-DHARD=1} \
    -Wall -Wextra -Ihv/include -Ihv -o "$out/cpu_diff" tests/cpu/cpu_diff.c tests/cpu/stream.c \
    "${BUILD:-build}/libhypervisor.a" -lpthread || exit 1

# check NAME ARGUMENT...: one line; the differences, if any, before it
check()
{
    name=$1
    shift
    if "$out/cpu_diff" -s "$seed" "$@" >"$out/log" 2>&1; then
        echo "ok - cpu: $name: $(tail -n 1 "$out/log" | sed 's/^# //')"
    else
        cat "$out/log"
        echo "not ok - cpu: $name: $(tail -n 1 "$out/log" | sed 's/^# //')"
        status=1
    fi
}

check "interpreter and translator, with faults in the middle" -w -n "$streams"
for tool in "$CROSS_CC" "$QEMU"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip - cpu: against qemu-aarch64: $tool is not installed (make deps)"
        exit $status
    fi
done
"$CROSS_CC" -O1 -static -o "$out/oracle" tests/cpu/oracle.c || exit 1
check "single instructions, three ways" -l 1 -n "$streams" "$QEMU" -cpu max "$out/oracle"
check "streams, three ways" -n "$streams" "$QEMU" -cpu max "$out/oracle"
exit $status
