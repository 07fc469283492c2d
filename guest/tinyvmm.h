/* SPDX-License-Identifier: MIT */
/*
 * What a guest and TinyVMM agree on: machine tiny's memory map and the hypercalls. The only header
 * that both sides share; good for C and for assembly. docs/HYPERCALLS.md has the same in prose.
 *
 * A hypercall is HVC #0 with its number in x0 and arguments from x1 on; the result comes back in x0
 * and no other register changes. Negative results are errors. Addresses are guest physical
 * addresses.
 */
#ifndef TINYVMM_H
#define TINYVMM_H

/* Machine tiny: RAM from 0; a raw binary is loaded and entered at TINYVMM_LOAD, at EL1, with all
 * interrupts masked, the MMU off and SP 0x1000 below the end of memory. */
#define TINYVMM_LOAD             0x10000
#define TINYVMM_MEMORY_DEFAULT   0x100000
#define TINYVMM_STACK_DEFAULT    0xff000

#define TINYVMM_EXIT             0 /* end this VM with status 0 */
#define TINYVMM_PUTCHAR          1 /* x1: a byte for the console */
#define TINYVMM_PUTS             2 /* x1: address of a NUL-terminated string, TINYVMM_STRING_MAX at most */
#define TINYVMM_EXIT_STATUS      3 /* x1: end this VM with that status, 0..255 */
#define TINYVMM_GETCHAR          4 /* wait for a byte of input: 0..255, or TINYVMM_END_OF_INPUT */
#define TINYVMM_WRITE            5 /* x1: address, x2: length; returns the length */
#define TINYVMM_CLOCK            6 /* x1: TINYVMM_CLOCK_...; returns nanoseconds */
#define TINYVMM_INFO             7 /* x1: TINYVMM_INFO_...; returns what was asked for */
#define TINYVMM_HYPERCALLS       8 /* how many numbers are taken */

#define TINYVMM_CLOCK_RUNTIME    0 /* since this VM began to run */
#define TINYVMM_CLOCK_UNIX       1 /* since 1970-01-01 00:00 UTC */

#define TINYVMM_INFO_VM          0 /* which VM am I: 1, 2, ... */
#define TINYVMM_INFO_VMS         1 /* how many were started together */
#define TINYVMM_INFO_MEMORY_BASE 2 /* first address of RAM */
#define TINYVMM_INFO_MEMORY_SIZE 3 /* bytes of RAM */
#define TINYVMM_INFO_CPUS        4 /* vCPUs */

#define TINYVMM_NOT_SUPPORTED    (-1) /* no such hypercall, or no such thing to ask for */
#define TINYVMM_BAD_ADDRESS      (-2) /* not, or not completely, in guest memory; nothing was read */
#define TINYVMM_TOO_LONG         (-3) /* no NUL within TINYVMM_STRING_MAX bytes */
#define TINYVMM_END_OF_INPUT     (-4)

#define TINYVMM_STRING_MAX       65536

#ifndef __ASSEMBLER__
#include <stdint.h>

#ifdef __aarch64__
/* For guest programs. The monitor includes this header too, on any host. */
static inline int64_t tinyvmm_call(uint64_t number, uint64_t a, uint64_t b)
{
    register uint64_t x0 __asm__("x0") = number;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    __asm__ volatile("hvc #0" : "+r"(x0) : "r"(x1), "r"(x2) : "memory");
    return (int64_t)x0;
}
#endif

#endif
#endif
