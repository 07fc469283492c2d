#!/bin/sh
# SPDX-License-Identifier: MIT
# The CPU by random instruction streams: interpreter, translator, and two other implementations of A64:
# qemu-aarch64 and the simulator of VIXL. What these two cannot judge stands in known.def.
# tests/cpu/suite.sh [STREAMS]      CC, BUILD and SAN as in the Makefile; SEED repeats a run
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
check "with little memory for code" -c -w -n $((streams / 2))
check "every block verified, with faults in the middle" -V -w -n $((streams / 4))

# against ORACLE COMMAND...
against()
{
    oracle=$1
    shift
    check "single instructions, against $oracle" -l 1 -n "$streams" -o "$oracle" "$@"
    check "streams, against $oracle" -n "$streams" -o "$oracle" "$@"
}

missing=
for tool in "$CROSS_CC" "$QEMU"; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "skip - cpu: against qemu: not installed:$missing (make deps)"
else
    "$CROSS_CC" -O1 -static -o "$out/oracle" tests/cpu/oracle.c || exit 1
    against qemu "$QEMU" -cpu max "$out/oracle"
fi

if ! flags=$(${PKG_CONFIG:-pkg-config} --cflags --libs vixl 2>/dev/null) ||
    ! command -v "${CXX:-c++}" >/dev/null; then
    echo "skip - cpu: against vixl: ${CXX:-c++}, pkg-config or libvixl-dev is not installed (make deps)"
else
    # shellcheck disable=SC2086
    ${CXX:-c++} -O1 -Wall -Wextra -o "$out/oracle_vixl" tests/cpu/oracle_vixl.cc $flags || exit 1
    against vixl "$out/oracle_vixl"
fi
exit $status
