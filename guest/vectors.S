/* SPDX-License-Identifier: MIT */
/*
 * An EL1 vector table that hands every exception to C: on_exception(struct exception *).
 *
 * The CPU comes here with interrupts masked; PC and PSTATE of the moment are in ELR_EL1 and SPSR_EL1.
 * The stub saves the general registers on the EL1 stack, calls C, and returns to wherever ELR then
 * points. Sixteen entries of 128 bytes: four kinds (synchronous, IRQ, FIQ, SError) from each of four
 * places (EL1 with SP_EL0, EL1 with SP_EL1, EL0 in AArch64, EL0 in AArch32). DDI 0487, section D1.3.1.
 */
#include "registers.inc"

        .equ    FRAME, 288              /* struct exception, see lib.h */

        .macro  entry number
        .balign 128
        sub     sp, sp, #FRAME
        stp     x0, x1, [sp, #0]
        mov     x1, #\number
        b       take
        .endm

        .text
        .balign 2048
        .global exception_vectors
exception_vectors:
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        entry   \n
        .endr

        .balign 128
take:
        x2_to_x29 stp
        mrs     x2, elr_el1
        stp     x30, x2, [sp, #240]
        mrs     x2, spsr_el1
        mrs     x3, esr_el1
        stp     x2, x3, [sp, #256]
        mrs     x2, far_el1
        stp     x2, x1, [sp, #272]
        mov     x0, sp
        bl      on_exception

        ldp     x30, x2, [sp, #240]
        msr     elr_el1, x2
        ldr     x2, [sp, #256]
        msr     spsr_el1, x2
        x2_to_x29 ldp
        ldp     x0, x1, [sp, #0]
        add     sp, sp, #FRAME
        eret

/* drop_to_el0(x0 = function, x1 = its stack, x2 = its argument): does not return. */
        .global drop_to_el0
drop_to_el0:
        msr     elr_el1, x0
        msr     sp_el0, x1
        msr     spsr_el1, xzr           /* EL0, interrupts open */
        mov     x0, x2
        mov     x30, xzr
        eret
