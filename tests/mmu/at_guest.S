/* SPDX-License-Identifier: MIT */
/*
 * Runs at EL2 of an emulated board with the tables and cases of a world in memory: for each case sets
 * the EL1 registers, executes the AT instruction and stores PAR_EL1 and, if the AT was taken as an
 * exception, its syndrome. Then writes ID registers, results and the tables to a file of the host by
 * semihosting and ends.
 */
        .arch   armv8.2-a
        .equ    CASES, 0x49000000       /* count, padding to 64, then the cases */
        .equ    RESULTS, 0x4c000000     /* 64 bytes of ID registers, then 16 bytes per case */
        .equ    POOL, 0x48000000
        .equ    POOL_BYTES, 64 * 65536

        .global _start
_start:
        adr     x0, vectors
        msr     vbar_el2, x0
        mov     x0, #(1 << 31)
        msr     hcr_el2, x0
        mrs     x0, CurrentEL
        cmp     x0, #8
        b.ne    fail
        isb

        ldr     x20, =CASES
        ldr     x21, [x20], #64
        ldr     x22, =RESULTS
        mrs     x0, id_aa64mmfr0_el1
        mrs     x1, id_aa64mmfr1_el1
        stp     x0, x1, [x22], #16
        mrs     x0, id_aa64mmfr2_el1
        mrs     x1, id_aa64isar1_el1
        stp     x0, x1, [x22], #16
        mrs     x0, id_aa64pfr1_el1
        stp     x0, x21, [x22], #16
        stp     xzr, xzr, [x22], #16

next:   cbz     x21, done
        ldp     x0, x1, [x20], #16
        msr     sctlr_el1, x0
        msr     tcr_el1, x1
        ldp     x0, x1, [x20], #16
        msr     ttbr0_el1, x0
        msr     ttbr1_el1, x1
        ldp     x0, x1, [x20], #16
        msr     mair_el1, x0
        ldp     x2, x3, [x20], #16
        cbz     x3, 1f
        msr     pan, #1
        b       2f
1:      msr     pan, #0
2:      isb
        mov     x19, #0
        mov     x4, #0
        msr     par_el1, xzr
        adr     x5, ops
        add     x5, x5, x2, lsl #3
        br      x5
ops:    at      s1e1r, x1
        b       3f
        at      s1e1w, x1
        b       3f
        at      s1e0r, x1
        b       3f
        at      s1e0w, x1
        b       3f
        at      s1e1rp, x1
        b       3f
        at      s1e1wp, x1
        b       3f
3:      isb
        mrs     x0, par_el1
        stp     x0, x19, [x22], #16
        sub     x21, x21, #1
        b       next

done:   adr     x1, open_args
        mov     w0, #0x01
        hlt     #0xf000
        mov     x23, x0
        cmn     x0, #1
        b.eq    fail
        ldr     x1, =RESULTS
        sub     x2, x22, x1
        bl      write
        ldr     x1, =POOL
        ldr     x2, =POOL_BYTES
        bl      write
        adr     x1, block
        str     x23, [x1]
        mov     w0, #0x02
        hlt     #0xf000
        mov     x3, #0
        b       exit
fail:   mov     x3, #1
exit:   adr     x1, block
        ldr     x2, =0x20026
        stp     x2, x3, [x1]
        mov     w0, #0x18
        hlt     #0xf000
        b       .

write:  adr     x0, block               /* x1 address, x2 bytes */
        stp     x23, x1, [x0]
        str     x2, [x0, #16]
        mov     x1, x0
        mov     w0, #0x05
        hlt     #0xf000
        cbnz    x0, fail
        ret

        .balign 8
open_args:
        .quad   name, 5, 7              /* "wb" */
block:  .quad   0, 0, 0
name:   .asciz  "at.out"
        .ltorg

        /* Any exception: keep the syndrome, skip the instruction. */
        .balign 2048
vectors:
        .rept   16
        .balign 128
        mrs     x19, esr_el2
        mrs     x16, elr_el2
        add     x16, x16, #4
        msr     elr_el2, x16
        eret
        .endr
