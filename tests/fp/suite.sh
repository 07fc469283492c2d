#!/bin/sh
# SPDX-License-Identifier: MIT
# The floating-point library against qemu-aarch64: tests/fp/suite.sh [-n cases per operation] [-s seed]
# Exit status 0 pass, 1 fail, 77 skipped. CC and BUILD as in the Makefile.
set -e
cd "$(dirname "$0")/../.."

CROSS_CC=${CROSS_CC:-aarch64-linux-gnu-gcc}
QEMU=${QEMU:-qemu-aarch64}
for tool in "$CROSS_CC" "$QEMU"; do
    if ! command -v "$tool" >/dev/null; then
        echo "skip fp: $tool is not installed (make deps)"
        exit 77
    fi
done

out=${BUILD:-build}/tests/fp
mkdir -p "$out"
case $(${CC:-cc} -dumpmachine) in
x86_64*) host=x64 ;;
arm64* | aarch64*) host=arm64 ;;
*) host=any ;;
esac
library=
for part in core arith cmp conv est "host_$host"; do
    library="$library hv/soft/fp_$part.c"
done
# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2 -g} -Wall -Wextra -fno-strict-aliasing \
    -ffp-contract=off -Ihv/soft -o "$out/fp_diff" tests/fp/fp_diff.c $library
"$CROSS_CC" -O2 -static -march=armv8.6-a+fp16+fp16fml+bf16 -o "$out/oracle" tests/fp/oracle.c
if "$out/fp_diff" "$@" "$QEMU" -cpu max "$out/oracle"; then
    echo "ok fp"
else
    echo "FAIL fp"
    exit 1
fi
