#!/bin/sh
# SPDX-License-Identifier: MIT
# Advanced SIMD: what faults leave behind; then random instructions against qemu-aarch64.
# tests/simd/suite.sh [-n tests] [-s seed] [-r row]      CC, BUILD and SAN as in the Makefile
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${BUILD:-build}/tests/simd
mkdir -p "$out" || exit 1
CROSS_CC=${CROSS_CC:-aarch64-linux-gnu-gcc}
QEMU=${QEMU:-qemu-aarch64}
TINYVMM_BACKEND=soft
export TINYVMM_BACKEND

# build PROGRAM SOURCE...
build()
{
    program=$1
    shift
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2 -g} ${SAN:+-fsanitize=$SAN} -Wall -Wextra \
        -Ihv/include -Ihv -o "$out/$program" "$@" tests/simd/machine.c \
        "${BUILD:-build}/libhypervisor.a" -lpthread
}

# The second simd_diff has our own AES in place of the host's.
build test_faults tests/simd/test_faults.c && build test_qarma tests/simd/test_qarma.c &&
    build simd_diff tests/simd/simd_diff.c &&
    build simd_diff_own tests/simd/simd_diff.c hv/soft/crypto_host_any.c || exit 1
status=0
"$out/test_faults" || status=1
"$out/test_qarma" || status=1
for tool in "$CROSS_CC" "$QEMU"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip - simd: random instructions: $tool is not installed (make deps)"
        exit $status
    fi
done
"$CROSS_CC" -O2 -static -o "$out/oracle" tests/simd/oracle.c || exit 1
"$out/simd_diff" "$@" "$QEMU" -cpu max "$out/oracle" || status=1
"$out/simd_diff_own" -t "without the host's AES: " -n 5000 "$QEMU" -cpu max "$out/oracle" ||
    status=1
exit $status
