#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Build a guest test program: build.sh PLATFORM PROGRAM.c OUTPUT.elf, PLATFORM being tinyvmm (machine
# tiny, RAM from 0), virt (TinyVMM's machine virt), or semihost (qemu-system-aarch64 -M virt, where the
# programs prove themselves). QUIRKS: those of tests/guest/lib/quirks.h to expect (default: none).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case $1 in
tinyvmm) base=0x80000 platform=tinyvmm ;;
virt) base=0x40080000 platform=tinyvmm ;;
semihost) base=0x40080000 platform=semihost ;;
*) exit 1 ;;
esac
"${CROSS-aarch64-linux-gnu-}gcc" -std=gnu11 -O2 -g -Wall -Wextra -ffreestanding -fno-pic -fno-pie \
    -mgeneral-regs-only -mstrict-align -mno-outline-atomics -fno-stack-protector \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
    ${QUIRKS:+-DQUIRKS="$QUIRKS"} -I"$here" -I"$here/../../guest" -nostdlib -static -no-pie \
    -Wl,-T,"$here/lib/guest.ld" -Wl,--defsym=BASE=$base -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
    "$here/lib/start.S" "$here/lib/plat_$platform.S" "$here/lib/lib.c" "$2" -lgcc -o "$3"
