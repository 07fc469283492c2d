/* SPDX-License-Identifier: MIT */
/* ROUNDS hypercalls (INFO, which VM am I), then the end. */
#include "tinyvmm.h"

        .text
        .global _start
_start: movz    x9, #(ROUNDS >> 16), lsl #16
        movk    x9, #(ROUNDS & 0xffff)
1:      mov     x0, #TINYVMM_INFO
        mov     x1, #TINYVMM_INFO_VM
        hvc     #0
        subs    x9, x9, #1
        b.ne    1b
        mov     x0, #TINYVMM_EXIT
        hvc     #0
        b       .
