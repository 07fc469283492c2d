#!/bin/sh
# SPDX-License-Identifier: MIT
# Several vCPUs: locks, queues, litmus tests of the memory model, maintenance seen by all; translated
# and interpreted. LONG=1: more rounds, each number of vCPUs from 2 to 8.
# CC, SAN, BUILD: as in the Makefile
# time limit: 1200
set -u
cd "$(dirname "$0")/../.." || exit 1
out=${BUILD:-build}/tests/smp
mkdir -p "$out" || exit 1
cross=${CROSS_CC:-aarch64-linux-gnu-gcc}
objcopy=${cross%gcc}objcopy
rounds=2000
case ${SAN:-}${HARD:-} in ?*) rounds=512 ;; esac
cpu_counts="2 5 8"
[ -z "${LONG:-}" ] || rounds=$((rounds * 20)) cpu_counts="2 3 4 5 6 7 8"
if ! command -v "$cross" >/dev/null; then
    echo "skip - smp: $cross is not installed (make deps)"
    exit 77
fi
"$cross" -std=gnu11 -march=armv8.1-a -O2 -Wall -Wextra -fno-strict-aliasing -ffreestanding -fno-pic -fno-pie -mgeneral-regs-only \
    -mno-outline-atomics -fno-stack-protector -fno-asynchronous-unwind-tables -nostdlib -static \
    -no-pie -Wl,-T,tests/smp/guest.ld -Wl,--build-id=none,-z,noexecstack tests/smp/guest.S tests/smp/guest.c \
    -o "$out/guest.elf" 2>"$out/log" || {
    cat "$out/log"
    exit 1
}
"$objcopy" -O binary "$out/guest.elf" "$out/guest.bin" || exit 1
# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -g ${SAN:+-fsanitize=$SAN} -Wall -Wextra -Ihv/include \
    -o "$out/test_smp" tests/smp/test_smp.c "${BUILD:-build}/libhypervisor.a" -lpthread || exit 1

# shellcheck disable=SC2086
${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -g ${SAN:+-fsanitize=$SAN} ${HARD:+-DHARD=1} -Wall -Wextra -Ihv/include -Ihv \
    -o "$out/test_fence" tests/smp/test_fence.c "${BUILD:-build}/libhypervisor.a" -lpthread || exit 1

status=0
"$out/test_fence" >"$out/log" || status=1
sed 's/ - / - smp: fence: /' "$out/log"
TSAN_OPTIONS="suppressions=tests/tsan.supp ${TSAN_OPTIONS:-}"
export TSAN_OPTIONS
for cpus in $cpu_counts; do
    for jit in on off; do
        "$out/test_smp" "$out/guest.bin" $cpus $((rounds * 2 / cpus)) $jit || status=1
    done
done
exit $status
