/* SPDX-License-Identifier: MIT */
/*
 * Start-up code of a guest program: a stack at the end of memory, zeroes where C expects them, main(),
 * and the way out with what main returned. It is first in the image, because a raw binary is entered
 * at its first byte.
 */
#include "tinyvmm.h"

        .section .text.start, "ax"
        .global _start
_start:
        mov     x0, #TINYVMM_INFO
        mov     x1, #TINYVMM_INFO_MEMORY_SIZE
        hvc     #0
        mov     x19, x0
        mov     x0, #TINYVMM_INFO
        mov     x1, #TINYVMM_INFO_MEMORY_BASE
        hvc     #0
        add     x0, x0, x19
        mov     sp, x0

        adrp    x0, bss_start
        add     x0, x0, :lo12:bss_start
        adrp    x1, bss_end
        add     x1, x1, :lo12:bss_end
1:      cmp     x0, x1
        b.hs    2f
        str     xzr, [x0], #8
        b       1b

2:      bl      main
        and     x1, x0, #0xff
        mov     x0, #TINYVMM_EXIT_STATUS
        hvc     #0
3:      wfi
        b       3b
