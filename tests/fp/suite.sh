#!/bin/sh
# SPDX-License-Identifier: MIT
# The floating-point library against qemu-aarch64: tests/fp/suite.sh [-n cases per operation] [-s seed]
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

out=${BUILD:-build}/tests/fp
mkdir -p "$out"
case $(${CC:-cc} -dumpmachine) in
x86_64*) host=x64 ;;
arm64* | aarch64*) host=arm64 ;;
*) host=any ;;
esac
library=
for part in core arith cmp conv est exact half "host_$host"; do
    library="$library hv/soft/fp_$part.c"
done
# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2 -g} ${SAN:+-fsanitize=$SAN} -Wall -Wextra -fno-strict-aliasing \
    -ffp-contract=off -Ihv/soft -o "$out/fp_diff" tests/fp/fp_diff.c $library
"$CROSS_CC" -O2 -static -march=armv8.6-a+fp16+fp16fml+bf16 -o "$out/oracle" tests/fp/oracle.c
exec "$out/fp_diff" "$@" "$QEMU" -cpu max "$out/oracle"
