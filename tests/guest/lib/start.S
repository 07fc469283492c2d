/* SPDX-License-Identifier: MIT */
/*
 * Entry, exception vectors and the ways into EL0 of the guest test programs. The program runs at EL1h
 * with interrupts masked; every exception comes to on_trap() with the complete frame.
 */
#include "registers.inc"

        .arch   armv8.2-a
        .section .text.start, "ax"
        .global _start
_start:
        adrp    x0, __stack_top
        mov     sp, x0
        adrp    x0, __bss_start
        add     x0, x0, :lo12:__bss_start
        adrp    x1, __stack_bottom
1:      cmp     x0, x1
        b.hs    2f
        stp     xzr, xzr, [x0], #16
        b       1b
2:      adrp    x0, vectors
        add     x0, x0, :lo12:vectors
        msr     vbar_el1, x0
        mov     x0, #(3 << 20)
        msr     cpacr_el1, x0
        isb
        bl      main
        bl      finish
        b       .

        /* Another CPU, by PSCI CPU_ON: x0 = struct cpu_start (stack, function, argument). */
        .global cpu_entry
cpu_entry:
        ldp     x1, x2, [x0]
        ldr     x0, [x0, #16]
        mov     sp, x1
        adrp    x1, vectors
        add     x1, x1, :lo12:vectors
        msr     vbar_el1, x1
        mov     x1, #(3 << 20)
        msr     cpacr_el1, x1
        isb
        blr     x2
        movz    w0, #0x8400, lsl #16    /* PSCI CPU_OFF */
        movk    w0, #0x0002
        hvc     #0
1:      wfi
        b       1b

        /* Frame: x0-x30, elr, spsr, esr, far, vector: 36 words. */
        .equ    FRAME, 36 * 8

        .macro  vector number
        .balign 128
        sub     sp, sp, #FRAME
        stp     x0, x1, [sp]
        mov     x0, #\number
        b       entered
        .endm

        .text
        .balign 2048
vectors:
        .set    n, 0
        .rept   16
        vector  n
        .set    n, n + 1
        .endr

entered:
        x2_to_x29 stp
        mrs     x1, elr_el1
        stp     x30, x1, [sp, #240]
        mrs     x1, spsr_el1
        mrs     x2, esr_el1
        stp     x1, x2, [sp, #256]
        mrs     x1, far_el1
        stp     x1, x0, [sp, #272]
        mov     x0, sp
        bl      on_trap
        ldp     x0, x1, [sp, #248]
        msr     elr_el1, x0
        msr     spsr_el1, x1
        x2_to_x29 ldp
        ldr     x30, [sp, #240]
        ldp     x0, x1, [sp]
        add     sp, sp, #FRAME
        eret

        /* u64 el0_enter(u64 fn, u64 a, u64 b, u64 spsr): run fn(a, b) at EL0 until its SVC #0, which
         * on_trap() answers by returning to el0_left; x0 is the result. */
        .global el0_enter, el0_left
el0_enter:
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        msr     elr_el1, x0
        msr     spsr_el1, x3
        mov     x0, x1
        mov     x1, x2
        adr     x30, el0_svc
        eret
el0_left:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
el0_svc:
        svc     #0

        /* Accesses of one instruction, then RET: x0 = address, x1 = value; result in x0. A fault skips
         * the instruction, so a faulting load returns its address. */
        .macro  probe name, insn:vararg
        .global \name
\name:  \insn
        ret
        .endm
        probe   probe_ldr, ldr x0, [x0]
        probe   probe_ldr32, ldr w0, [x0]
        probe   probe_ldrb, ldrb w0, [x0]
        probe   probe_str, str x1, [x0]
        probe   probe_strb, strb w1, [x0]
        probe   probe_ldp, ldp x0, x1, [x0]
        probe   probe_stp, stp x1, x1, [x0]
        probe   probe_ldrq, ldr q0, [x0]
        probe   probe_strq, str q0, [x0]
        probe   probe_ldtr, ldtr x0, [x0]
        probe   probe_sttr, sttr x1, [x0]
        probe   probe_ldxr, ldxr x0, [x0]
        probe   probe_stxr, stxr w2, x1, [x0]
        probe   probe_ldar, ldar x0, [x0]
        probe   probe_stlr, stlr x1, [x0]
        probe   probe_ldadd, ldadd x1, x0, [x0]
        probe   probe_swp, swp x1, x0, [x0]
        probe   probe_cas, cas x1, x1, [x0]
        probe   probe_prfm, prfm pldl1keep, [x0]
        probe   probe_dc_zva, dc zva, x0
        probe   probe_dc_ivac, dc ivac, x0
        probe   probe_dc_cvac, dc cvac, x0
        probe   probe_dc_civac, dc civac, x0
        probe   probe_dc_cvau, dc cvau, x0
        probe   probe_ic_ivau, ic ivau, x0
        probe   probe_ldr_post, ldr x1, [x0], #8
        probe   probe_str_pre, str x1, [x0, #8]!
        probe   probe_tlbi, tlbi vmalle1
        probe   probe_mrs_sctlr, mrs x0, sctlr_el1
        probe   probe_mrs_ctr, mrs x0, ctr_el0
        probe   probe_msr_daif, msr daifset, #2
        probe   probe_hlt_undef, .inst 0
        probe   probe_brk, brk #0x1234
        probe   probe_svc, svc #0x4321
        probe   probe_nop, nop
        probe   probe_fmov, fmov d0, x0
        probe   probe_wfi, wfi
        probe   probe_eret, eret
        probe   probe_hvc, hvc #0
        probe   probe_at, at s1e1r, x0
        probe   probe_mrs_daif, mrs x0, daif
        probe   probe_mrs_dczid, mrs x0, dczid_el0
        probe   probe_mrs_tpidr, mrs x0, tpidr_el0
        probe   probe_mrs_tpidrro, mrs x0, tpidrro_el0
        probe   probe_msr_tpidrro, msr tpidrro_el0, x0

        /* Jump to x0; an Instruction Abort or PC alignment fault there comes back here. */
        .global probe_fetch
probe_fetch:
        stp     x29, x30, [sp, #-16]!
        blr     x0
        ldp     x29, x30, [sp], #16
        ret
        .global el0_fetch               /* the same at EL0: a leaf that calls, without a stack */
el0_fetch:
        mov     x29, x30
        blr     x0
        mov     x30, x29
        ret
        /* Load through SP_EL0 = x0 at EL1t, with the same at EL0 below. */
        .global probe_sp
probe_sp:
        mrs     x2, sp_el0
        msr     sp_el0, x0
        msr     spsel, #0
        ldr     x0, [sp]
        msr     spsel, #1
        msr     sp_el0, x2
        ret
        .global el0_sp
el0_sp: mov     x2, sp
        mov     sp, x0
        ldr     x0, [sp]
        mov     sp, x2
        ret
