/* SPDX-License-Identifier: MIT */
/* What the floating-point handlers and formats share. Private to op_fp*.c and dec_fp.c. */
#pragma once

#include "a64.h"
#include "cpu.h"
#include "fp_fast.h"

#define A64(id, pattern, format, handler, flags)                                                   \
    bool dec_##format(struct insn *i, uint32_t w);                                                 \
    op_fn op_##handler;
#include "a64_fp.def"
#undef A64

#define OP(name) const struct insn *op_##name(struct cpu *c, const struct insn *i)
#define ENV      (&c->fp)

/* What fp_to_int and fp_from_int leave in insn.aux; insn.imm has the fraction bits. */
enum { FPI_ROUNDING = 7, FPI_SIGNED = 8, FPI_64 = 16 };

static inline unsigned fpi_bits(const struct insn *i)
{
    return i->aux & FPI_64 ? 64 : 32;
}

/* A scalar result clears the rest of the register (C1.2.5). */
static inline void set_d(struct cpu *c, unsigned d, uint64_t r)
{
    c->v[d].d[0] = r;
    c->v[d].d[1] = 0;
}

/* So does a vector of less than 16 bytes. */
static inline void clear_above(v128 *d, unsigned bytes)
{
    if (bytes < 16)
        d->d[1] = 0;
    if (bytes < 8)
        d->s[1] = 0;
    if (bytes < 4)
        d->h[1] = 0;
}
