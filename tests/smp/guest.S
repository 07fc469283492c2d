/* SPDX-License-Identifier: MIT */
/* Entry: x0 = number of this CPU, x1 = how many, x2 = tables; sp is set by the host. */
        .section .text.start, "ax"
        .global _start
_start:
        ldr     x3, =0x80803519         /* 39 bits, 4K, inner shareable write-back; no TTBR1 */
        mov     x4, #0xff
        msr     mair_el1, x4
        msr     tcr_el1, x3
        msr     ttbr0_el1, x2
        isb
        mrs     x4, sctlr_el1
        mov     x5, #0x1005
        orr     x4, x4, x5
        msr     sctlr_el1, x4
        isb
        bl      guest_main
        mov     x0, #0
        hvc     #0
        b       .
