/* SPDX-License-Identifier: MIT */
/*
 * The demo guest: what `tinyvmm` runs when it is given nothing else, and the first thing to change.
 *
 * A bare-metal ARM64 program of 352 bytes. The monitor loads it at 0x10000 and enters it at EL1 with
 * the MMU off, interrupts masked and SP at 0xff000. It knows nobody but its monitor, which it calls by
 * HVC #0: number in x0, arguments from x1 on, result in x0 (guest/tinyvmm.h).
 *
 *     make guest.bin && ./tinyvmm run guest.bin
 *
 * The same bytes are kept in vmm/demo_guest.h, so that building TinyVMM needs no assembler;
 * `make demo_guest.h` renews them.
 */
#include "tinyvmm.h"

        .equ    ROUNDS, 5

        .text
        .global _start
_start:
        /* A sane stack first: the monitor gave us one, but it is ours to choose. */
        mov     x0, #TINYVMM_INFO
        mov     x1, #TINYVMM_INFO_MEMORY_SIZE
        hvc     #0
        sub     x0, x0, #0x1000
        mov     sp, x0

        /* Which VM am I? The code is the same in all of them; only the monitor can tell. */
        mov     x0, #TINYVMM_INFO
        mov     x1, #TINYVMM_INFO_VM
        hvc     #0
        mov     x19, x0

        /* Hello from VM <n>! */
        adr     x0, hello
        bl      puts
        mov     x0, x19
        bl      put_number
        mov     w0, #'!'
        bl      putchar
        bl      newline

        /* VM <n>: 0 1 2 3 4 */
        adr     x0, name
        bl      puts
        mov     x0, x19
        bl      put_number
        mov     w0, #':'
        bl      putchar
        mov     x20, #0
count:
        mov     w0, #' '
        bl      putchar
        mov     x0, x20
        bl      put_number
        add     x20, x20, #1
        cmp     x20, #ROUNDS
        b.lo    count
        bl      newline

        mov     x0, #TINYVMM_EXIT
        hvc     #0
halt:   wfi                             /* not reached: EXIT does not return */
        b       halt

/* put_number(x0): print it in decimal. The digits come out last first, so they wait on the stack. */
put_number:
        stp     x29, x30, [sp, #-48]!   /* 16 bytes of frame, 32 for up to 20 digits and a NUL */
        mov     x29, sp
        add     x2, sp, #47
        strb    wzr, [x2]
        mov     x3, #10
digit:
        udiv    x4, x0, x3
        msub    x5, x4, x3, x0          /* x5 = x0 mod 10 */
        add     w5, w5, #'0'
        strb    w5, [x2, #-1]!
        mov     x0, x4
        cbnz    x0, digit
        mov     x0, x2
        bl      puts
        ldp     x29, x30, [sp], #48
        ret

/* puts(x0): print the string at x0. */
puts:
        mov     x1, x0
        mov     x0, #TINYVMM_PUTS
        hvc     #0
        ret

newline:
        mov     w0, #'\n'
/* putchar(w0): print one byte. */
putchar:
        mov     w1, w0
        mov     x0, #TINYVMM_PUTCHAR
        hvc     #0
        ret

hello:  .asciz  "Hello from VM "
name:   .asciz  "VM "

        /* Never printed: for whoever looks at the bytes. */
        .ascii  "\nTinyVMM demo guest. Change me, then:\n"
        .ascii  "make guest.bin && ./tinyvmm run guest.bin\n"
        .balign 8, 0
        .org    352
