#!/bin/sh
# SPDX-License-Identifier: MIT
# Floating point against qemu-aarch64: the library, operation by operation, then every instruction.
# tests/fp/suite.sh [-n cases per operation] [-s seed]
# CC, BUILD and SAN as in the Makefile; exit status 77 if there is nothing to compare with.
set -e
cd "$(dirname "$0")/../.."

CROSS_CC=${CROSS_CC:-aarch64-linux-gnu-gcc}
QEMU=${QEMU:-qemu-aarch64}
for tool in "$CROSS_CC" "$QEMU"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip - fp: $tool is not installed (make deps)"
        exit 77
    fi
done
build=${BUILD:-build}
[ -f "$build/libhypervisor.a" ] || build=$(dirname "$(ls -t build/*/libhypervisor.a | head -n 1)")
out=$build/tests/fp
mkdir -p "$out"

for name in fp_diff insn_diff; do
    # shellcheck disable=SC2086
    ${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2 -g} ${SAN:+-fsanitize=$SAN} -Wall -Wextra \
        -fno-strict-aliasing -ffp-contract=off -Ihv/include -Ihv -Ihv/soft -o "$out/$name" \
        "tests/fp/$name.c" "$build/libhypervisor.a" -pthread
done
"$CROSS_CC" -O2 -static -march=armv8.6-a+fp16+fp16fml+bf16 -o "$out/oracle" tests/fp/oracle.c
"$CROSS_CC" -O2 -static -o "$out/insn_oracle" tests/fp/insn_oracle.c
status=0
"$out/fp_diff" "$@" "$QEMU" -cpu max "$out/oracle" || status=1
"$out/insn_diff" "$QEMU" -cpu max "$out/insn_oracle" || status=1
exit $status
