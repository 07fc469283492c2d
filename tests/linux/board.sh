# SPDX-License-Identifier: MIT
# Part of suite.sh: a bare-metal program for QEMU's virt board, and that it is one.

if cc=$(tools/guest_cc.sh link 2>"$out/log"); then
    # shellcheck disable=SC2086 # the compiler may come with arguments
    $cc -std=gnu11 -O2 -Wall -Wextra -ffreestanding -fno-pic -fno-pie -mgeneral-regs-only \
        -mstrict-align -fno-stack-protector -fno-asynchronous-unwind-tables -nostdlib -static \
        -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-Ttext=0x40400000 \
        -o "$out/board.elf" tests/linux/board.c 2>"$out/log"
    judge "a program for the virt board: compiles" $?
    "$vmm" run -q --timeout 60 --cpus 2 "$out/board.elf" >"$out/log" 2>&1 </dev/null
    judge "a program for the virt board: powers off" $?
    grep -q '^passed' "$out/log" && ! grep -q '^BAD' "$out/log"
    result=$?
    judge "a program for the virt board: finds what it expects" $result
    [ $result = 0 ] || sed 's/^/# /' "$out/log"
    if command -v qemu-system-aarch64 >/dev/null; then
        timeout 60 qemu-system-aarch64 -M virt,gic-version=3 -cpu cortex-a72 -smp 2 -m 128 \
            -nodefaults -display none -serial stdio -kernel "$out/board.elf" >"$out/log" 2>&1 </dev/null
        grep -q '^passed' "$out/log"
        judge "a program for the virt board: and on QEMU's" $?
    else
        skip "a program for the virt board: qemu-system-aarch64 is not installed"
    fi
else
    skip "a program for the virt board: $(tail -n 1 "$out/log")"
fi
