/* SPDX-License-Identifier: MIT */
/* Small pieces of integer arithmetic that handlers share: flags, conditions, shifts. */
#pragma once

#include "cpu.h"

/* A result with its NZCV, AddWithCarry of the Arm ARM (J1.1). */
static inline uint64_t adc_flags64(struct cpu *c, uint64_t a, uint64_t b, unsigned carry)
{
    uint64_t s, r;
    bool c1 = __builtin_add_overflow(a, b, &s);
    bool c2 = __builtin_add_overflow(s, (uint64_t)carry, &r);
    c->nzcv = (r >> 63 ? FLAG_N : 0) | (r == 0 ? FLAG_Z : 0) | ((c1 | c2) ? FLAG_C : 0) |
              (uint32_t)(((a ^ r) & (b ^ r)) >> 63);
    return r;
}

static inline uint32_t adc_flags32(struct cpu *c, uint32_t a, uint32_t b, unsigned carry)
{
    uint64_t w = (uint64_t)a + b + carry;
    uint32_t r = (uint32_t)w;
    c->nzcv = (r >> 31 ? FLAG_N : 0) | (r == 0 ? FLAG_Z : 0) | (w >> 32 ? FLAG_C : 0) |
              ((a ^ r) & (b ^ r)) >> 31;
    return r;
}

static inline void logic_flags64(struct cpu *c, uint64_t r)
{
    c->nzcv = (r >> 63 ? FLAG_N : 0) | (r == 0 ? FLAG_Z : 0);
}

static inline void logic_flags32(struct cpu *c, uint32_t r)
{
    c->nzcv = (r >> 31 ? FLAG_N : 0) | (r == 0 ? FLAG_Z : 0);
}

static inline unsigned carry_flag(const struct cpu *c)
{
    return c->nzcv >> 8 & 1;
}

/* A condition as the set of NZCV values that fulfil it: bit (N<<3 | Z<<2 | C<<1 | V). */
static inline uint16_t condition_set(unsigned cond)
{
    static const uint16_t sets[16] = {
        0xf0f0, 0x0f0f, /* EQ NE: Z */
        0xcccc, 0x3333, /* CS CC: C */
        0xff00, 0x00ff, /* MI PL: N */
        0xaaaa, 0x5555, /* VS VC: V */
        0x0c0c, 0xf3f3, /* HI LS: C && !Z */
        0xaa55, 0x55aa, /* GE LT: N == V */
        0x0a05, 0xf5fa, /* GT LE: N == V && !Z */
        0xffff, 0xffff, /* AL NV */
    };
    return sets[cond];
}

static inline bool condition_in(const struct cpu *c, uint64_t set)
{
    uint32_t f = c->nzcv;
    return set >> ((f >> 12 & 0xc) | (f >> 7 & 2) | (f & 1)) & 1;
}

static inline uint64_t ror64(uint64_t v, unsigned n)
{
    return v >> (n & 63) | v << (-n & 63);
}

static inline uint32_t ror32(uint32_t v, unsigned n)
{
    return v >> (n & 31) | v << (-n & 31);
}

/* DecodeBitMasks (Arm ARM J1.1): the wmask of a logical immediate; false if reserved. */
static inline bool bitmask_immediate(unsigned n, unsigned imms, unsigned immr, uint64_t *mask)
{
    unsigned pattern = n << 6 | (~imms & 0x3f);
    if (pattern < 2)
        return false;
    unsigned len = 31 - (unsigned)__builtin_clz(pattern);
    unsigned esize = 1u << len, levels = esize - 1;
    unsigned s = imms & levels, r = immr & levels;
    if (s == levels)
        return false;
    uint64_t welem = (UINT64_C(2) << s) - 1;
    uint64_t emask = esize == 64 ? ~UINT64_C(0) : (UINT64_C(1) << esize) - 1;
    if (r)
        welem = (welem >> r | welem << (esize - r)) & emask;
    for (unsigned e = esize; e < 64; e *= 2)
        welem |= welem << e;
    *mask = welem;
    return true;
}
