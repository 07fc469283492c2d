/* SPDX-License-Identifier: MIT */
/* The platform: TinyVMM's hypercalls. */
#include "quirks.h"
#include "tinyvmm.h"
#ifndef QUIRKS
#define QUIRKS QUIRK_NO_PHYSICAL
#endif
        .text
        .global plat_putc, plat_exit, plat_quirks
plat_putc:
        mov     x1, x0
        mov     x0, #TINYVMM_PUTCHAR
        hvc     #0
        ret
plat_exit:
        mov     x1, x0
        mov     x0, #TINYVMM_EXIT_STATUS
        hvc     #0
        b       .
        .section .rodata
        .balign 8
plat_quirks:
        .quad   QUIRKS
