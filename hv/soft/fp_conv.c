/* SPDX-License-Identifier: MIT */
/*
 * Conversions: between formats, to and from integers and fixed point, rounding to integral values.
 * Pure functions.
 */
#include "fp_core.h"

static const struct fp_fmt fp_bf16 = {16, 7, 127};

/* FPConvert. */
static uint64_t convert(const struct fp_fmt *to, const struct fp_fmt *from, uint64_t a,
                        enum fp_rounding r, struct fp_env *env)
{
    uint32_t fpcr = fp_convert(env);
    struct fp_num n = fp_unpack(from, a, fpcr, env);
    bool alt = to->fbits == 10 && (fpcr & FPCR_AHP); /* has neither NaNs nor infinities */

    switch (n.cls) {
    case FPC_ZERO: return fp_zero(to, n.neg);
    case FPC_FINITE: return fp_round(to, n, r, fpcr, env);
    case FPC_INF:
        if (!alt)
            return fp_inf(to, n.neg);
        fp_raise(env, FPSR_IOC);
        return fp_zero(to, n.neg) | 0x7fff;
    default:
        if (alt || n.cls == FPC_SNAN)
            fp_raise(env, FPSR_IOC);
        if (alt)
            return fp_zero(to, n.neg);
        return fpcr & FPCR_DN ? fp_default_nan(to) : fp_convert_nan(to, from, a);
    }
}

uint32_t fp16_to_fp32_soft(uint16_t a, struct fp_env *env)
{
    return (uint32_t)convert(&fp_f32, &fp_f16, a, FP_RNE, env);
}
uint64_t fp16_to_fp64(uint16_t a, struct fp_env *env)
{
    return convert(&fp_f64, &fp_f16, a, FP_RNE, env);
}
uint16_t fp32_to_fp16_soft(uint32_t a, struct fp_env *env)
{
    return (uint16_t)convert(&fp_f16, &fp_f32, a, fp_rmode(env), env);
}
uint64_t fp32_to_fp64_soft(uint32_t a, struct fp_env *env)
{
    return convert(&fp_f64, &fp_f32, a, FP_RNE, env);
}
uint16_t fp64_to_fp16_soft(uint64_t a, struct fp_env *env)
{
    return (uint16_t)convert(&fp_f16, &fp_f64, a, fp_rmode(env), env);
}
uint32_t fp64_to_fp32_soft(uint64_t a, struct fp_env *env)
{
    return (uint32_t)convert(&fp_f32, &fp_f64, a, fp_rmode(env), env);
}
uint32_t fp64_to_fp32_odd(uint64_t a, struct fp_env *env)
{
    return (uint32_t)convert(&fp_f32, &fp_f64, a, FP_ODD, env);
}
uint16_t fp32_to_bf16(uint32_t a, struct fp_env *env)
{
    return (uint16_t)convert(&fp_bf16, &fp_f32, a, fp_rmode(env), env);
}

/* FPToFixed. The bounds are those of a magnitude, which differ by sign. */
static uint64_t to_fixed(const struct fp_fmt *f, uint64_t a, unsigned fbits, unsigned bits,
                         bool is_signed, enum fp_rounding r, struct fp_env *env)
{
    struct fp_num n = fp_unpack(f, a, fp_arith(env), env);
    uint64_t mask = ~0ull >> (64 - bits);
    uint64_t limit = is_signed ? (mask >> 1) + n.neg : n.neg ? 0 : mask;
    uint64_t mag = 0;
    bool inexact = false, over = false;

    if (n.cls == FPC_ZERO)
        return 0;
    if (fp_is_nan(n.cls)) {
        fp_raise(env, FPSR_IOC);
        return 0;
    }
    if (n.cls == FPC_INF || !fp_to_integer(n, (int)fbits, r, &mag, &inexact) || mag > limit)
        over = true;
    if (over) {
        mag = limit;
        fp_raise(env, FPSR_IOC);
    } else if (inexact) {
        fp_raise(env, FPSR_IXC);
    }
    return (n.neg ? -mag : mag) & mask;
}

/* FixedToFP. */
static uint64_t from_fixed(const struct fp_fmt *f, uint64_t v, unsigned fbits, unsigned bits,
                           bool is_signed, struct fp_env *env)
{
    uint64_t mask = ~0ull >> (64 - bits);
    v &= mask;
    if (!v)
        return 0;
    bool neg = is_signed && v >> (bits - 1);
    struct fp_num n = {neg ? -v & mask : v, 63 - (int)fbits, FPC_FINITE, neg};
    n = fp_normalise(n);
    return fp_round(f, n, fp_rmode(env), fp_arith(env), env);
}

/* The value of an integer magnitude that the format holds exactly. */
static uint64_t pack_integer(const struct fp_fmt *f, uint64_t mag, bool neg)
{
    if (!mag)
        return fp_zero(f, neg);
    int z = __builtin_clzll(mag);
    uint64_t frac = (mag << z << 1) >> (64 - f->fbits);
    return fp_zero(f, neg) | (uint64_t)(63 - z + f->emax) << f->fbits | frac;
}

/* FPRoundInt. Above 1 the fraction is cut off in place: a carry runs into the exponent by itself.
 */
static uint64_t rint_any(const struct fp_fmt *f, uint64_t a, enum fp_rounding r, bool exact,
                         struct fp_env *env)
{
    int e = ((int)(a >> f->fbits) & (2 * f->emax + 1)) - f->emax;
    bool neg = (a & fp_sign_bit(f)) != 0, inexact = false;
    if (e >= 0 && e < f->fbits) {
        uint64_t unit = 1ull << (f->fbits - e), rem = a & (unit - 1);
        inexact = rem != 0;
        a -= rem;
        if (fp_round_up(r, neg, (a & unit) != 0, rem, unit / 2))
            a += unit;
    } else if (e < 0) {
        struct fp_num n = fp_unpack(f, a, fp_arith(env), env);
        uint64_t mag = 0;
        if (n.cls == FPC_FINITE)
            fp_to_integer(n, 0, r, &mag, &inexact);
        a = pack_integer(f, mag, neg);
    } else if ((a & (fp_sign_bit(f) - 1)) > fp_inf_bits(f)) {
        return fp_process_nan(f, a, a & fp_quiet_bit(f) ? FPC_QNAN : FPC_SNAN, env);
    }
    if (inexact && exact)
        fp_raise(env, FPSR_IXC);
    return a;
}

/* FPRoundIntN: what does not fit becomes the most negative integer, and Invalid. */
static uint64_t rint_n(const struct fp_fmt *f, uint64_t a, enum fp_rounding r, unsigned bits,
                       struct fp_env *env)
{
    struct fp_num n = fp_unpack(f, a, fp_arith(env), env);
    uint64_t mag = 0, limit = (1ull << (bits - 1)) - !n.neg;
    bool inexact = false;
    if (n.cls == FPC_ZERO)
        return fp_zero(f, n.neg);
    if (n.cls != FPC_FINITE || !fp_to_integer(n, 0, r, &mag, &inexact) || mag > limit) {
        fp_raise(env, FPSR_IOC);
        return pack_integer(f, 1ull << (bits - 1), true);
    }
    if (inexact)
        fp_raise(env, FPSR_IXC);
    return pack_integer(f, mag, n.neg);
}

/* FPToFixedJS: modulo 2^32 and not saturated; Z is set only by an exact conversion in range. */
uint32_t fp64_to_js32(uint64_t a, bool *z, struct fp_env *env)
{
    struct fp_num n = fp_unpack(&fp_f64, a, fp_arith(env), env);
    *z = n.cls == FPC_ZERO && a == 0;
    if (n.cls == FPC_ZERO)
        return 0;
    uint64_t mag = 0;
    bool inexact = false, over = true;
    if (n.cls == FPC_FINITE && n.exp <= 63) {
        fp_to_integer(n, 0, FP_RZ, &mag, &inexact);
        over = mag > 0x7fffffffull + n.neg;
    } else if (n.cls == FPC_FINITE && n.exp < 63 + 32) {
        mag = n.sig << (n.exp - 63); /* only the low half matters */
    }
    fp_raise(env, over ? FPSR_IOC : inexact ? FPSR_IXC : 0);
    *z = !over && !inexact;
    return (uint32_t)(n.neg ? -mag : mag);
}

#define FP_DEFINE(W, T)                                                                            \
    T fp##W##_rint(T a, enum fp_rounding r, bool exact, struct fp_env *env)                        \
    {                                                                                              \
        return (T)rint_any(&fp_f##W, a, r, exact, env);                                            \
    }                                                                                              \
    T fp##W##_rint_n(T a, enum fp_rounding r, unsigned bits, struct fp_env *env)                   \
    {                                                                                              \
        return (T)rint_n(&fp_f##W, a, r, bits, env);                                               \
    }                                                                                              \
    uint64_t fp##W##_to_fixed_soft(T a, unsigned fbits, unsigned bits, bool is_signed,             \
                                   enum fp_rounding r, struct fp_env *env)                         \
    {                                                                                              \
        return to_fixed(&fp_f##W, a, fbits, bits, is_signed, r, env);                              \
    }                                                                                              \
    T fp##W##_from_fixed_soft(uint64_t v, unsigned fbits, unsigned bits, bool is_signed,           \
                              struct fp_env *env)                                                  \
    {                                                                                              \
        return (T)from_fixed(&fp_f##W, v, fbits, bits, is_signed, env);                            \
    }

FP_DEFINE(16, uint16_t)
FP_DEFINE(32, uint32_t)
FP_DEFINE(64, uint64_t)
