#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build and run the tests of the stage 1 walker: against the transcription of the rules, then against
# an emulated CPU if there is one. Environment: CC, CFLAGS, CASES (of the emulator comparison).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# shellcheck disable=SC2086 # CFLAGS is a list
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow ${CFLAGS:--O2 -g} -I"$top/hv" \
    "$here/test_mmu.c" "$here/ref.c" "$here/world.c" "$top/hv/soft/mmu_walk.c" -o "$dir/test_mmu"
"$dir/test_mmu"
"$here/at_qemu.sh" "$dir/test_mmu" "${CASES:-5000}"
