/* SPDX-License-Identifier: MIT */
/* Ways to die, chosen by the first byte of the input. The suite looks at the report. */
#include "tinyvmm.h"

        .text
        .global _start
_start: mov     x0, #TINYVMM_GETCHAR
        hvc     #0
        mov     x20, #0x1234
        cmp     x0, #'r'
        b.eq    read
        cmp     x0, #'w'
        b.eq    write
        cmp     x0, #'j'
        b.eq    jump
        cmp     x0, #'0'
        b.eq    null
        cmp     x0, #'u'
        b.eq    undefined
        cmp     x0, #'s'
        b.eq    call
        cmp     x0, #'v'
        b.eq    bad_vectors
        cmp     x0, #'l'
        b.eq    loop
        cmp     x0, #'d'
        b.eq    deep
        cmp     x0, #'t'
        b.eq    text
        b       .

read:   mov     x1, #0x80000000
        ldr     w2, [x1, #8]
        b       .
write:  mov     x1, #0x80000000
        strb    w2, [x1]
        b       .
jump:   mov     x1, #0x80000000
        br      x1
null:   br      xzr
undefined:
        udf     #0
call:   svc     #5
bad_vectors:
        mov     x1, #0x80000000
        msr     vbar_el1, x1
        isb
        udf     #0
        /* An exception handler that is an exception: the guest's own business, for ever. */
loop:   adr     x1, vectors
        msr     vbar_el1, x1
        isb
        udf     #0
        /* Recursion without an end: the stack grows over the program. */
deep:   stp     x29, x30, [sp, #-512]!
        bl      deep
        /* A partial line, then a crash: the line must be out before the report. */
text:   mov     x0, #TINYVMM_PUTCHAR
        mov     x1, #'?'
        hvc     #0
        udf     #0

        .balign 2048
vectors:
        .rept   16
        udf     #0
        .balign 128
        .endr
