/* SPDX-License-Identifier: MIT */
/*
 * Runs single floating-point instructions on whatever CPU it runs on (qemu-aarch64, or a real one)
 * for the driver in fp_diff.c: requests on standard input, answers on standard output.
 */
#include "wire.h"

#include <stdio.h>

#define V 0
#define OP(name, insn, width, where, call)                                                         \
    static void do_##name(const struct request *q, struct answer *r)                               \
    {                                                                                              \
        uint64_t fpsr, nzcv;                                                                       \
        __asm__ volatile("msr fpcr, %4\n msr fpsr, %5\n"                                           \
                         "fmov d1, %6\n fmov d2, %7\n fmov d3, %8\n mov x1, %6\n mov x0, xzr\n"    \
                         "movi d0, #0\n" insn "\n"                                                 \
                         "mrs %2, fpsr\n mrs %3, nzcv\n fmov %0, d0\n mov %1, x0\n"                \
                         "msr fpcr, xzr\n"                                                         \
                         : "=&r"(r->v), "=&r"(r->x), "=&r"(fpsr), "=&r"(nzcv)                      \
                         : "r"((uint64_t)q->fpcr), "r"((uint64_t)q->fpsr), "r"(q->a), "r"(q->b),   \
                           "r"(q->c)                                                               \
                         : "x0", "x1", "v0", "v1", "v2", "v3", "cc");                              \
        r->fpsr = (uint32_t)fpsr;                                                                  \
        r->nzcv = (uint32_t)(nzcv >> 28);                                                          \
    }
#include "ops.def"
#undef OP

static void (*const table[])(const struct request *, struct answer *) = {
#define OP(name, insn, width, where, call) do_##name,
#include "ops.def"
};

int main(void)
{
    static struct request q[BATCH];
    static struct answer r[BATCH];
    while (fread(q, sizeof q, 1, stdin) == 1) {
        for (int i = 0; i < BATCH; i++)
            table[q[i].op](&q[i], &r[i]);
        if (fwrite(r, sizeof r, 1, stdout) != 1 || fflush(stdout))
            return 1;
    }
    return 0;
}
