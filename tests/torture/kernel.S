/* SPDX-License-Identifier: MIT */
/* Entry of the torture kernel, its vectors, the way to EL0, and the program that it carries. */
#include "registers.inc"

        .section .text.start, "ax"
        .global _start
_start:
        adrp    x0, stack_top
        add     x0, x0, :lo12:stack_top
        mov     sp, x0
        adrp    x0, vectors
        add     x0, x0, :lo12:vectors
        msr     vbar_el1, x0
        mov     x0, #(3 << 20)
        msr     cpacr_el1, x0
        isb
        bl      kernel_main
1:      b       1b

        /* enter(pc, sp): to EL0, all registers zero; the kernel's stack starts anew at each trap. */
        .global enter
enter:
        msr     elr_el1, x0
        msr     sp_el0, x1
        msr     spsr_el1, xzr
        adrp    x0, stack_top
        add     x0, x0, :lo12:stack_top
        mov     sp, x0
        mov     x0, #0
        mov     x1, #0
        eret

        .macro  vector
        .balign 128
        stp     x0, x1, [sp, #-272]!
        b       entered
        .endm

        .balign 2048
vectors:
        .rept   16
        vector
        .endr

entered:
        x2_to_x29 stp
        str     x30, [sp, #240]
        mov     x0, sp
        bl      trapped
        ldr     x30, [sp, #240]
        x2_to_x29 ldp
        ldp     x0, x1, [sp], #272
        eret

        .section .rodata
        .balign 4096
        .global program
program:
        .incbin PROGRAM
        .bss
        .balign 16
        .skip   16384
stack_top:
