#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the bench: the guest's ELF, the same workloads for this host, the driver. bench/build.sh DIR
# Both sides get the same flags, file by file; CC, GUEST_CC and tools/guest_cc.sh choose compilers.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=${1:-build/bench}
mkdir -p "$dir/guest" "$dir/native" || exit 1
cc=${CC:-cc}
guest_cc=$(tools/guest_cc.sh link) || exit 1

# The loops of string functions stay loops, and nothing is contracted unless it is asked for.
common="-std=gnu11 -ffreestanding -fno-builtin -fno-stack-protector -ffp-contract=off -fno-math-errno -Wall -Wextra"
case $cc in *clang*) ;; *) common="$common -fno-tree-loop-distribute-patterns" ;; esac
guest_flags="-O2 -fno-pic -fno-pie -fno-asynchronous-unwind-tables -mno-outline-atomics"
native_flags="-O2"
# Contraction needs an FMA unit on this host as well.
fma=
grep -q '^flags.* fma ' /proc/cpuinfo 2>/dev/null && fma=-mfma

# both NAME SOURCE [FLAGS]: compile for both sides
both()
{
    name=$1
    source=$2
    shift 2
    # shellcheck disable=SC2086
    $guest_cc $common $guest_flags "$@" -c -o "$dir/guest/$name.o" "bench/$source.c" &&
        $cc $common $native_flags "$@" -c -o "$dir/native/$name.o" "bench/$source.c" || exit 1
}

for name in list int mem sha string cold; do
    both work_$name work_$name
done
both work_vector work_vector -O3
both work_fp work_fp
# shellcheck disable=SC2086
{
    $guest_cc $common $guest_flags -DFMA -ffp-contract=fast -c -o "$dir/guest/work_fma.o" bench/work_fp.c &&
        $cc $common $native_flags $fma -DFMA -ffp-contract=fast -c -o "$dir/native/work_fma.o" bench/work_fp.c
    $guest_cc $common $guest_flags -march=armv8-a -c -o "$dir/guest/work_atomic.o" bench/work_atomic.c &&
        $guest_cc $common $guest_flags -march=armv8.1-a -DLSE -c -o "$dir/guest/work_lse.o" bench/work_atomic.c &&
        $cc $common $native_flags -c -o "$dir/native/work_atomic.o" bench/work_atomic.c &&
        $cc $common $native_flags -DLSE -c -o "$dir/native/work_lse.o" bench/work_atomic.c
    for name in main mmu system; do
        $guest_cc $common $guest_flags -mgeneral-regs-only -mstrict-align -c -o "$dir/guest/$name.o" \
            "bench/guest/$name.c" || exit 1
    done
    $guest_cc $guest_flags -nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
        -Wl,--no-warn-rwx-segments -Wl,-T,bench/guest/bench.ld -o "$dir/guest.elf" bench/guest/start.S "$dir"/guest/*.o &&
        $cc -O2 -o "$dir/native.run" bench/native.c "$dir"/native/*.o &&
        $cc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$dir/driver" bench/driver.c bench/peer.c -lm -ldl
} || exit 1
