#!/bin/sh
# SPDX-License-Identifier: MIT
# Make a guest for machine tiny of a static program for AArch64 Linux: link.sh PROGRAM OUTPUT.elf
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"${CROSS-aarch64-linux-gnu-}gcc" -std=gnu11 -O2 -g -Wall -Wextra -ffreestanding -fno-pic -fno-pie \
    -mgeneral-regs-only -mstrict-align -fno-stack-protector -fno-asynchronous-unwind-tables \
    -fno-tree-loop-distribute-patterns -mno-outline-atomics -I"$here/../../guest" \
    -DPROGRAM="\"$1\"" -nostdlib -static -no-pie -Wl,-T,"$here/kernel.ld" -Wl,--build-id=none \
    -Wl,-z,max-page-size=4096 "$here/kernel.S" "$here/kernel.c" -o "$2"
