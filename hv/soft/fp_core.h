/* SPDX-License-Identifier: MIT */
/*
 * The middle of the floating-point library, private to fp_*.c: formats, unpacked numbers, rounding.
 *
 * All operations are written once, over the bits of a value in a uint64_t and a format. They follow
 * one path: fp_unpack each operand (which flushes subnormals and flags that), fp_pick_nan, the
 * infinities and zeros, exact arithmetic on 64-bit significands whose last bit is sticky, fp_round.
 */
#pragma once

#include "fp.h"

__extension__ typedef unsigned __int128 fp_u128;

/* fbits: stored fraction bits; emax: the largest exponent, also the bias. */
struct fp_fmt {
    int width, fbits, emax;
};

static const struct fp_fmt fp_f16 = {16, 10, 15}, fp_f32 = {32, 23, 127}, fp_f64 = {64, 52, 1023};

enum fp_class { FPC_ZERO, FPC_FINITE, FPC_INF, FPC_QNAN, FPC_SNAN };

/*
 * A finite number is sig * 2^(exp - 63) with bit 63 of sig set. Bit 0 is "sticky": it may stand for
 * any non-zero value below it. All operands have at least ten zero bits there.
 */
struct fp_num {
    uint64_t sig;
    int exp;
    enum fp_class cls;
    bool neg;
};

static inline uint64_t fp_sign_bit(const struct fp_fmt *f)
{
    return 1ull << (f->width - 1);
}
static inline uint64_t fp_inf_bits(const struct fp_fmt *f)
{
    return (uint64_t)(2 * f->emax + 1) << f->fbits;
}
static inline uint64_t fp_zero(const struct fp_fmt *f, bool neg)
{
    return neg ? fp_sign_bit(f) : 0;
}
static inline uint64_t fp_inf(const struct fp_fmt *f, bool neg)
{
    return fp_inf_bits(f) | fp_zero(f, neg);
}
static inline uint64_t fp_max_normal(const struct fp_fmt *f, bool neg)
{
    return (fp_inf_bits(f) - 1) | fp_zero(f, neg);
}
static inline uint64_t fp_quiet_bit(const struct fp_fmt *f)
{
    return 1ull << (f->fbits - 1);
}
static inline uint64_t fp_default_nan(const struct fp_fmt *f)
{
    return fp_inf_bits(f) | fp_quiet_bit(f);
}
static inline bool fp_is_nan(enum fp_class c)
{
    return c >= FPC_QNAN;
}
static inline void fp_raise(struct fp_env *env, uint32_t flags)
{
    env->fpsr |= flags;
}
static inline uint64_t fp_invalid(const struct fp_fmt *f, struct fp_env *env)
{
    fp_raise(env, FPSR_IOC);
    return fp_default_nan(f);
}

/* The FPCR bit that flushes subnormal numbers of this format. */
static inline uint32_t fp_flush_bit(const struct fp_fmt *f)
{
    return f->fbits == 10 ? FPCR_FZ16 : FPCR_FZ;
}

/* x >> n, the lost bits gathered in bit 0; any n >= 0. */
static inline uint64_t fp_shr_sticky(uint64_t x, int n)
{
    if (n <= 0)
        return x;
    if (n > 63)
        return x != 0;
    return x >> n | ((x << (64 - n)) != 0);
}
static inline fp_u128 fp_shr128_sticky(fp_u128 x, int n)
{
    if (n <= 0)
        return x;
    if (n > 127)
        return x != 0;
    return x >> n | ((x << (128 - n)) != 0);
}
static inline uint64_t fp_fold128(fp_u128 x)
{
    return (uint64_t)(x >> 64) | ((uint64_t)x != 0);
}

/*
 * FPUnpack and, with other bits in fpcr, FPUnpackCV: what they differ in is which of AHP and FZ16
 * they see, so the caller passes the FPCR to go by: fp_arith or fp_convert of the environment.
 */
struct fp_num fp_unpack_special(const struct fp_fmt *f, uint64_t bits, uint32_t fpcr,
                                struct fp_env *env);

static inline struct fp_num fp_unpack(const struct fp_fmt *f, uint64_t bits, uint32_t fpcr,
                                      struct fp_env *env)
{
    unsigned e = (unsigned)(bits >> f->fbits) & (2 * (unsigned)f->emax + 1);
    if (e - 1 >= 2 * (unsigned)f->emax)
        return fp_unpack_special(f, bits, fpcr, env);
    struct fp_num n = {bits << (63 - f->fbits) | 1ull << 63, (int)e - f->emax, FPC_FINITE,
                       (bits & fp_sign_bit(f)) != 0};
    return n;
}

static inline uint32_t fp_arith(const struct fp_env *env)
{
    return env->fpcr & ~FPCR_AHP;
}
static inline uint32_t fp_convert(const struct fp_env *env)
{
    return env->fpcr & ~FPCR_FZ16;
}

/* sig may be anything but zero: brings bit 63 up. */
static inline struct fp_num fp_normalise(struct fp_num n)
{
    int z = __builtin_clzll(n.sig);
    n.sig <<= z;
    n.exp -= z;
    return n;
}

/* Does an inexact result grow in magnitude? rem was cut off, half would tie; odd: the parity. */
static inline bool fp_round_up(enum fp_rounding r, bool neg, bool odd, uint64_t rem, uint64_t half)
{
    switch (r) {
    case FP_RNE: return rem > half || (rem == half && odd);
    case FP_RNA: return rem >= half;
    case FP_RP: return rem && !neg;
    case FP_RM: return rem && neg;
    default: return false;
    }
}

/*
 * FPRound and FPRoundCV, as above. n is finite; sig need not be normalised but must not be zero.
 * The edge is where results may be subnormal or overflow; there sig is normalised.
 */
uint64_t fp_round_edge(const struct fp_fmt *f, struct fp_num n, enum fp_rounding r, uint32_t fpcr,
                       struct fp_env *env);

static inline uint64_t fp_round(const struct fp_fmt *f, struct fp_num n, enum fp_rounding r,
                                uint32_t fpcr, struct fp_env *env)
{
    n = fp_normalise(n);
    int e = n.exp + f->emax, shift = 63 - f->fbits;
    if (e < 1 || e >= 2 * f->emax)
        return fp_round_edge(f, n, r, fpcr, env);
    uint64_t rem = n.sig & ((1ull << shift) - 1), mant = n.sig >> shift;
    if (rem) {
        fp_raise(env, FPSR_IXC);
        if (r == FP_ODD)
            mant |= 1;
        else
            mant += fp_round_up(r, n.neg, mant & 1, rem, 1ull << (shift - 1));
    }
    return (((uint64_t)(e - 1) << f->fbits) + mant) | fp_zero(f, n.neg);
}

/* FPProcessNaN: a is the bits of a NaN of class c. */
uint64_t fp_process_nan(const struct fp_fmt *f, uint64_t a, enum fp_class c, struct fp_env *env);

/* FPProcessNaNs: true if one of the operands is a NaN; then *out is the result. */
bool fp_pick_nan(const struct fp_fmt *f, uint64_t a, enum fp_class ca, uint64_t b, enum fp_class cb,
                 uint64_t *out, struct fp_env *env);

/* a + b * c for finite operands (c2: zero operands too); FPC_ZERO means an exact zero. */
struct fp_num fp_fma_exact(struct fp_num a, struct fp_num b, struct fp_num c, enum fp_rounding r);

/* FPConvertNaN between formats: sign, quiet bit, and as much of the payload's top as fits. */
uint64_t fp_convert_nan(const struct fp_fmt *to, const struct fp_fmt *from, uint64_t a);

/*
 * The integer part of a finite number times 2^scale, rounded: *out is the magnitude and *inexact
 * tells whether something was cut off. False if the magnitude does not fit in 64 bits.
 */
bool fp_to_integer(struct fp_num n, int scale, enum fp_rounding r, uint64_t *out, bool *inexact);
