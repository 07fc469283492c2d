/* SPDX-License-Identifier: MIT */
/* Waits for ever: for looking at a VM's memory. */
        .text
        .global _start
_start: wfi
        b       _start
