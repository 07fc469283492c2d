/* SPDX-License-Identifier: MIT */
/*
 * A tight integer loop: ROUNDS times eight instructions, then PSCI SYSTEM_OFF, which ends TinyVMM's
 * machines and QEMU's virt board alike. It is position independent: entered at its first byte.
 */
        .text
        .global _start
_start: movz    x0, #(ROUNDS >> 16), lsl #16
        movk    x0, #(ROUNDS & 0xffff)
        mov     x1, #1
        mov     x2, #2
1:      add     x1, x1, x2
        eor     x2, x2, x1, lsr #3
        and     x3, x1, #0xff
        add     x4, x4, x3
        orr     x5, x4, x2
        sub     x6, x5, x1
        subs    x0, x0, #1
        b.ne    1b
        movz    x0, #0x8400, lsl #16
        movk    x0, #8
        hvc     #0
        b       .
