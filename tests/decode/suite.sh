#!/bin/sh
# SPDX-License-Identifier: MIT
# Which words are instructions: our decoder against LLVM's.
# tests/decode/suite.sh [WORDS]     CC, BUILD and SAN as in the Makefile; SEED repeats a run
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${BUILD:-build}/tests/decode
mkdir -p "$out" || exit 1
words=${1:-300000}
[ -z "${LONG:-}" ] || words=${1:-10000000}
for mc in "${LLVM_MC:-llvm-mc}" llvm-mc-19 llvm-mc-16 llvm-mc-14 none; do
    ! command -v "$mc" >/dev/null || break
done
if [ "$mc" = none ]; then
    echo "skip - decode: llvm-mc is not installed (make deps)"
    exit 77
fi

# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2 -g} ${SAN:+-fsanitize=$SAN} ${HARD:+-DHARD=1} \
    -Wall -Wextra -Ihv/include -Ihv -o "$out/decode_diff" tests/decode/decode_diff.c \
    "${BUILD:-build}/libhypervisor.a" -lpthread || exit 1
if "$out/decode_diff" -n "$words" -s "${SEED:-$(date +%s)}" -m "$mc" >"$out/log"; then
    echo "ok - decode: $(tail -n 1 "$out/log" | sed 's/^# //')"
else
    cat "$out/log"
    echo "not ok - decode: $(tail -n 1 "$out/log" | sed 's/^# //')"
    exit 1
fi
