/* SPDX-License-Identifier: MIT */
/*
 * Entry of the bench guest (EL1, MMU off), its exception vectors, and the loop that runs at EL0. An
 * SVC #0 from EL0 is counted and returned from; any other exception ends the guest with a line.
 */
        .section .text.start, "ax"
        .global _start
_start: adrp    x0, stack_top
        add     sp, x0, :lo12:stack_top
        mov     x0, #(3 << 20)          // CPACR_EL1.FPEN: FP and SIMD do not trap
        msr     cpacr_el1, x0
        adrp    x0, vectors
        add     x0, x0, :lo12:vectors
        msr     vbar_el1, x0
        isb
        bl      guest_main
1:      wfi
        b       1b

        .text
        .macro unexpected
        .balign 128
        b       report
        .endm

        .balign 2048
vectors:
        .rept 8
        unexpected
        .endr
        .balign 128                     // synchronous, from EL0
        mrs     x3, esr_el1
        and     x3, x3, #0xffff
        cbnz    x3, el0_done
        add     x2, x2, #1
        eret
        .rept 7
        unexpected
        .endr

report: mrs     x0, esr_el1
        mrs     x1, elr_el1
        mrs     x2, far_el1
        b       guest_fault

/* uint64_t svc_from_el0(uint64_t count): the number that the vector counted. */
        .global svc_from_el0
svc_from_el0:
        stp     x29, x30, [sp, #-16]!
        mov     x1, x0
        mov     x2, #0
        adrp    x3, el0_page
        msr     elr_el1, x3
        mov     x3, #0x3c0              // EL0t, all interrupts masked
        msr     spsr_el1, x3
        isb
        eret
el0_done:
        mov     x0, x2
        ldp     x29, x30, [sp], #16
        ret

        .section .text_el0, "ax"
1:      svc     #0
        subs    x1, x1, #1
        b.ne    1b
        svc     #1
        b       .

        .bss
        .balign 16
        .skip   65536
stack_top:
