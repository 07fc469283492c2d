/* SPDX-License-Identifier: MIT */
/* Entry of the torture kernel, its vectors, the way to EL0, and the program that it carries. */
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
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        str     x30, [sp, #240]
        mov     x0, sp
        bl      trapped
        ldr     x30, [sp, #240]
        ldp     x28, x29, [sp, #224]
        ldp     x26, x27, [sp, #208]
        ldp     x24, x25, [sp, #192]
        ldp     x22, x23, [sp, #176]
        ldp     x20, x21, [sp, #160]
        ldp     x18, x19, [sp, #144]
        ldp     x16, x17, [sp, #128]
        ldp     x14, x15, [sp, #112]
        ldp     x12, x13, [sp, #96]
        ldp     x10, x11, [sp, #80]
        ldp     x8, x9, [sp, #64]
        ldp     x6, x7, [sp, #48]
        ldp     x4, x5, [sp, #32]
        ldp     x2, x3, [sp, #16]
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
