/* SPDX-License-Identifier: MIT */
/*
 * Add, subtract, multiply, divide, square root, fused multiply-add and the two Newton steps: exact
 * integer arithmetic for every format, rounding mode and flush setting. Pure functions.
 */
#include "fp_core.h"

static uint64_t finish(const struct fp_fmt *f, struct fp_num n, struct fp_env *env)
{
    return fp_round(f, n, fp_rmode(env), fp_arith(env), env);
}

/* x + y of finite numbers; an exact zero gets the sign that the rounding mode says. */
static struct fp_num add_exact(struct fp_num x, struct fp_num y, enum fp_rounding r)
{
    if (x.exp < y.exp || (x.exp == y.exp && x.sig < y.sig)) {
        struct fp_num t = x;
        x = y;
        y = t;
    }
    /* Room for the carry; operands have ten spare bits at the bottom, so none is lost. */
    uint64_t big = x.sig >> 1, small = fp_shr_sticky(y.sig >> 1, x.exp - y.exp);
    x.sig = x.neg == y.neg ? big + small : big - small;
    x.exp++;
    if (!x.sig) {
        x.cls = FPC_ZERO;
        x.neg = r == FP_RM;
    }
    return x;
}

static uint64_t do_add(const struct fp_fmt *f, uint64_t a, uint64_t b, bool subtract,
                       struct fp_env *env)
{
    uint64_t out;
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num y = fp_unpack(f, b, fp_arith(env), env);
    if (fp_pick_nan(f, a, x.cls, b, y.cls, &out, env))
        return out;
    y.neg ^= subtract;
    if (x.cls == FPC_INF && y.cls == FPC_INF && x.neg != y.neg)
        return fp_invalid(f, env);
    if (x.cls == FPC_INF || y.cls == FPC_INF)
        return fp_inf(f, x.cls == FPC_INF ? x.neg : y.neg);
    if (x.cls == FPC_ZERO && y.cls == FPC_ZERO)
        return fp_zero(f, x.neg == y.neg ? x.neg : fp_rmode(env) == FP_RM);
    if (x.cls == FPC_ZERO)
        return finish(f, y, env);
    if (y.cls == FPC_FINITE)
        x = add_exact(x, y, fp_rmode(env));
    return x.cls == FPC_ZERO ? fp_zero(f, x.neg) : finish(f, x, env);
}

static struct fp_num mul_exact(struct fp_num x, struct fp_num y)
{
    x.neg ^= y.neg;
    x.exp += y.exp + 1;
    x.sig = fp_fold128((fp_u128)x.sig * y.sig);
    return x;
}

/* FMUL, and FMULX with inf_by_zero: the one product that FMULX defines otherwise. */
static uint64_t do_mul(const struct fp_fmt *f, uint64_t a, uint64_t b, bool mulx,
                       struct fp_env *env)
{
    uint64_t out;
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num y = fp_unpack(f, b, fp_arith(env), env);
    if (fp_pick_nan(f, a, x.cls, b, y.cls, &out, env))
        return out;
    bool neg = x.neg != y.neg;
    if (x.cls == FPC_FINITE && y.cls == FPC_FINITE)
        return finish(f, mul_exact(x, y), env);
    bool zero = x.cls == FPC_ZERO || y.cls == FPC_ZERO;
    bool inf = x.cls == FPC_INF || y.cls == FPC_INF;
    if (zero && inf) {
        uint64_t two = (uint64_t)(f->emax + 1) << f->fbits;
        return mulx ? two | fp_zero(f, neg) : fp_invalid(f, env);
    }
    return inf ? fp_inf(f, neg) : fp_zero(f, neg);
}

static uint64_t do_div(const struct fp_fmt *f, uint64_t a, uint64_t b, struct fp_env *env)
{
    uint64_t out;
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num y = fp_unpack(f, b, fp_arith(env), env);
    if (fp_pick_nan(f, a, x.cls, b, y.cls, &out, env))
        return out;
    if (x.cls == y.cls && x.cls != FPC_FINITE)
        return fp_invalid(f, env); /* 0/0, inf/inf */
    bool neg = x.neg != y.neg;
    if (x.cls == FPC_INF || y.cls == FPC_ZERO) {
        if (x.cls != FPC_INF)
            fp_raise(env, FPSR_DZC);
        return fp_inf(f, neg);
    }
    if (x.cls == FPC_ZERO || y.cls == FPC_INF)
        return fp_zero(f, neg);
    /* x.sig / 2 < y.sig, so the quotient has 62 or 63 bits. */
    fp_u128 dividend = (fp_u128)x.sig << 62;
    uint64_t q = (uint64_t)(dividend / y.sig);
    x.sig = q | ((fp_u128)q * y.sig != dividend);
    x.exp += 1 - y.exp;
    x.neg = neg;
    return finish(f, x, env);
}

/* The root of a 128-bit number whose top is in the highest two bits: one bit of it per turn. */
static uint64_t root128(fp_u128 v)
{
    fp_u128 rem = 0;
    uint64_t root = 0;
    for (int i = 0; i < 64; i++) {
        rem = rem << 2 | v >> 126;
        v <<= 2;
        fp_u128 trial = ((fp_u128)root << 2) | 1;
        root <<= 1;
        if (rem >= trial) {
            rem -= trial;
            root |= 1;
        }
    }
    return root | (rem != 0);
}

static uint64_t do_sqrt(const struct fp_fmt *f, uint64_t a, struct fp_env *env)
{
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    if (fp_is_nan(x.cls))
        return fp_process_nan(f, a, x.cls, env);
    if (x.cls == FPC_ZERO)
        return fp_zero(f, x.neg);
    if (x.neg)
        return fp_invalid(f, env);
    if (x.cls == FPC_INF)
        return fp_inf(f, false);
    /* sig * 2^64 * 2^(exp - 127): an odd distance is made even, and both halves are exact. */
    bool even = !(x.exp & 1);
    x.sig = root128((fp_u128)x.sig << (even ? 63 : 64));
    x.exp = even ? x.exp / 2 : (x.exp - 1) / 2;
    return finish(f, x, env);
}

struct fp_num fp_fma_exact(struct fp_num a, struct fp_num b, struct fp_num c, enum fp_rounding r)
{
    struct fp_num p = mul_exact(b, c);
    if (a.cls == FPC_ZERO)
        return p;
    /* Both at 128 bits with one bit of room. Products leave over twenty zero bits at the bottom. */
    fp_u128 x = (fp_u128)b.sig * c.sig >> 1, y = (fp_u128)a.sig << 63;
    int d = p.exp - a.exp;
    if (d >= 0)
        y = fp_shr128_sticky(y, d);
    else
        x = fp_shr128_sticky(x, -d);
    fp_u128 sum = x + y;
    p.exp = (d >= 0 ? p.exp : a.exp) + 1;
    if (p.neg != a.neg) {
        sum = x - y;
        if (x < y) {
            sum = y - x;
            p.neg = a.neg;
        }
    }
    if (!sum) {
        p.cls = FPC_ZERO;
        p.neg = r == FP_RM;
        return p;
    }
    while (!(sum >> 64)) {
        sum <<= 64;
        p.exp -= 64;
    }
    int z = __builtin_clzll((uint64_t)(sum >> 64));
    p.sig = fp_fold128(sum << z);
    p.exp -= z;
    return p;
}

/* Everything after the NaNs; zn: what infinity times zero gives, or Invalid if it has no value. */
static uint64_t fma_numbers(const struct fp_fmt *f, struct fp_num a, struct fp_num b,
                            struct fp_num c, struct fp_env *env)
{
    bool neg = b.neg != c.neg;
    bool inf = b.cls == FPC_INF || c.cls == FPC_INF;
    bool zero = b.cls == FPC_ZERO || c.cls == FPC_ZERO;
    if ((inf && zero) || (inf && a.cls == FPC_INF && a.neg != neg))
        return fp_invalid(f, env);
    if (inf || a.cls == FPC_INF)
        return fp_inf(f, inf ? neg : a.neg);
    if (zero && a.cls == FPC_ZERO)
        return fp_zero(f, a.neg == neg ? neg : fp_rmode(env) == FP_RM);
    struct fp_num s = zero ? a : fp_fma_exact(a, b, c, fp_rmode(env));
    return s.cls == FPC_ZERO ? fp_zero(f, s.neg) : finish(f, s, env);
}

static bool is_inf_by_zero(struct fp_num x, struct fp_num y)
{
    return (x.cls == FPC_INF && y.cls == FPC_ZERO) || (x.cls == FPC_ZERO && y.cls == FPC_INF);
}

static uint64_t do_fma(const struct fp_fmt *f, uint64_t a, uint64_t b, uint64_t c,
                       struct fp_env *env)
{
    struct fp_num na = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num nb = fp_unpack(f, b, fp_arith(env), env);
    struct fp_num nc = fp_unpack(f, c, fp_arith(env), env);
    if (na.cls == FPC_QNAN && is_inf_by_zero(nb, nc))
        return fp_invalid(f, env);
    /* FPProcessNaNs3: a signalling NaN first, the addend before the factors. */
    uint64_t out;
    if (na.cls == FPC_SNAN || (na.cls == FPC_QNAN && nb.cls != FPC_SNAN && nc.cls != FPC_SNAN))
        return fp_process_nan(f, a, na.cls, env);
    if (fp_pick_nan(f, b, nb.cls, c, nc.cls, &out, env))
        return out;
    return fma_numbers(f, na, nb, nc, env);
}

static uint64_t widen_nan(uint64_t a, enum fp_class c, struct fp_env *env)
{
    return fp_convert_nan(&fp_f32, &fp_f16, fp_process_nan(&fp_f16, a, c, env));
}

uint32_t fp32_fma_h(uint32_t a, uint16_t b, uint16_t c, struct fp_env *env)
{
    struct fp_num na = fp_unpack(&fp_f32, a, fp_arith(env), env);
    struct fp_num nb = fp_unpack(&fp_f16, b, fp_arith(env), env);
    struct fp_num nc = fp_unpack(&fp_f16, c, fp_arith(env), env);
    if (na.cls == FPC_QNAN && is_inf_by_zero(nb, nc))
        return (uint32_t)fp_invalid(&fp_f32, env);
    if (na.cls == FPC_SNAN || (na.cls == FPC_QNAN && nb.cls != FPC_SNAN && nc.cls != FPC_SNAN))
        return (uint32_t)fp_process_nan(&fp_f32, a, na.cls, env);
    if (nb.cls == FPC_SNAN || (fp_is_nan(nb.cls) && nc.cls != FPC_SNAN))
        return (uint32_t)widen_nan(b, nb.cls, env);
    if (fp_is_nan(nc.cls))
        return (uint32_t)widen_nan(c, nc.cls, env);
    return (uint32_t)fma_numbers(&fp_f32, na, nb, nc, env);
}

/* FRECPS: 2 - a * b. FRSQRTS: (3 - a * b) / 2. Rounded once; infinity times zero counts as zero. */
static uint64_t do_step(const struct fp_fmt *f, uint64_t a, uint64_t b, bool rsqrt,
                        struct fp_env *env)
{
    uint64_t out;
    a ^= fp_sign_bit(f);
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num y = fp_unpack(f, b, fp_arith(env), env);
    if (fp_pick_nan(f, a, x.cls, b, y.cls, &out, env))
        return out;
    struct fp_num k = {rsqrt ? 3ull << 62 : 1ull << 63, 1, FPC_FINITE, false};
    bool inf = x.cls == FPC_INF || y.cls == FPC_INF;
    bool zero = x.cls == FPC_ZERO || y.cls == FPC_ZERO;
    if (inf && !zero)
        return fp_inf(f, x.neg != y.neg);
    struct fp_num s = zero ? k : fp_fma_exact(k, x, y, fp_rmode(env));
    if (s.cls == FPC_ZERO)
        return fp_zero(f, s.neg);
    s.exp -= rsqrt;
    return finish(f, s, env);
}

#define FP_DEFINE(W, T)                                                                            \
    T fp##W##_add_soft(T a, T b, struct fp_env *env)                                               \
    {                                                                                              \
        return (T)do_add(&fp_f##W, a, b, false, env);                                              \
    }                                                                                              \
    T fp##W##_sub_soft(T a, T b, struct fp_env *env)                                               \
    {                                                                                              \
        return (T)do_add(&fp_f##W, a, b, true, env);                                               \
    }                                                                                              \
    T fp##W##_mul_soft(T a, T b, struct fp_env *env)                                               \
    {                                                                                              \
        return (T)do_mul(&fp_f##W, a, b, false, env);                                              \
    }                                                                                              \
    T fp##W##_mulx(T a, T b, struct fp_env *env)                                                   \
    {                                                                                              \
        return (T)do_mul(&fp_f##W, a, b, true, env);                                               \
    }                                                                                              \
    T fp##W##_div_soft(T a, T b, struct fp_env *env)                                               \
    {                                                                                              \
        return (T)do_div(&fp_f##W, a, b, env);                                                     \
    }                                                                                              \
    T fp##W##_sqrt_soft(T a, struct fp_env *env)                                                   \
    {                                                                                              \
        return (T)do_sqrt(&fp_f##W, a, env);                                                       \
    }                                                                                              \
    T fp##W##_fma_soft(T a, T b, T c, struct fp_env *env)                                          \
    {                                                                                              \
        return (T)do_fma(&fp_f##W, a, b, c, env);                                                  \
    }                                                                                              \
    T fp##W##_recps(T a, T b, struct fp_env *env)                                                  \
    {                                                                                              \
        return (T)do_step(&fp_f##W, a, b, false, env);                                             \
    }                                                                                              \
    T fp##W##_rsqrts(T a, T b, struct fp_env *env)                                                 \
    {                                                                                              \
        return (T)do_step(&fp_f##W, a, b, true, env);                                              \
    }

FP_DEFINE(16, uint16_t)
FP_DEFINE(32, uint32_t)
FP_DEFINE(64, uint64_t)
