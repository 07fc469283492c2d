/* SPDX-License-Identifier: MIT */
/* Start and exception vectors of the GIC guest. Entered at EL1h with x0 = number of the vCPU. */

    .section .start, "ax"
    .global _start
_start:
#ifdef BOARD
    mov     x0, #0
#endif
    adrp    x1, stacks
    add     x1, x1, :lo12:stacks
    add     x2, x0, #1
    add     x1, x1, x2, lsl #14
    mov     sp, x1
    adrp    x1, vectors
    add     x1, x1, :lo12:vectors
    msr     vbar_el1, x1
    isb
    bl      guest_main
0:  b       0b

/* Caller-saved registers, ELR and SPSR around a C handler: nesting is the handlers' choice. */
    .macro enter handler
    sub     sp, sp, #192
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x30, [sp, #144]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [sp, #160]
    bl      \handler               // returns how far to move the return address
    ldp     x2, x1, [sp, #160]
    add     x0, x0, x2
    msr     elr_el1, x0
    msr     spsr_el1, x1
    ldp     x0, x1, [sp]
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x30, [sp, #144]
    add     sp, sp, #192
    eret
    .endm

    .macro vector handler
    .balign 128
    b       \handler
    .endm

on_sync:
    enter   guest_sync
on_irq:
    enter   guest_irq
on_fiq:
    enter   guest_fiq

    .balign 2048
vectors:
    .rept 4
    vector  on_sync
    .endr
    vector  on_sync
    vector  on_irq
    vector  on_fiq
    vector  on_sync
    .rept 8
    vector  on_sync
    .endr

    .bss
    .balign 16
stacks:
    .space  16384 * 8
