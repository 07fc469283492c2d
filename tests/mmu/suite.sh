#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build and run the tests of the stage 1 walker: against the transcription of the rules, then against
# an emulated CPU if there is one; then wild tables under wild code through the Hypervisor API.
# Environment: CC, CFLAGS, SAN, BUILD, CASES (of the emulator comparison), LONG=1 (two minutes of wild guests),
# WILD (so many seconds of them for each seed).
# time limit: 900
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# shellcheck disable=SC2086 # CFLAGS is a list
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow ${CFLAGS:--O2 -g} -I"$top/hv" \
    "$here/test_mmu.c" "$here/ref.c" "$here/world.c" "$top/hv/soft/mmu_walk.c" -o "$dir/test_mmu"
status=0
"$dir/test_mmu" || status=1
"$here/at_qemu.sh" "$dir/test_mmu" "${CASES:-5000}" || status=1

library=$top/${BUILD:-build}/libhypervisor.a
if [ ! -f "$library" ]; then
    echo "skip - wild tables and code: $library is not built"
    exit $status
fi
# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow ${CFLAGS:--O2 -g} \
    ${SAN:+-fsanitize=$SAN -fno-sanitize-recover=all} -I"$top/hv/include" \
    "$here/test_wild.c" "$here/world.c" "$library" -pthread -lm -o "$dir/test_wild"
export TSAN_OPTIONS="suppressions=$top/tests/tsan.supp ${TSAN_OPTIONS:-}"
seconds=${WILD:-${LONG:+60}}
for seed in ${SEED:-1 2}; do
    TINYVMM_BACKEND=soft "$dir/test_wild" "$seed" "${seconds:-3}" || {
        [ $? -eq 1 ] || echo "not ok - wild tables and code, seed $seed: ended early"
        status=1
    }
done
exit $status
