/* SPDX-License-Identifier: MIT */
/*
 * Reciprocal and square-root estimates (FRECPE, FRSQRTE, FRECPX, URECPE, URSQRTE): eight bits of
 * result, prescribed bit for bit by the architecture; and the BFloat16 dot product. Pure functions.
 */
#include "fp_core.h"

/* RecipEstimate: 256 <= a < 512 stands for a / 512; the result, 256..511, for 1..2. */
static unsigned recip_estimate(unsigned a)
{
    unsigned b = (1u << 19) / (a * 2 + 1);
    return (b + 1) / 2;
}

/* RecipSqrtEstimate: 128 <= a < 512 stands for a / 512; the result is as above. */
static unsigned rsqrt_estimate(unsigned a)
{
    a = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    unsigned b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28)
        b++;
    return (b + 1) / 2;
}

uint32_t fp_urecpe(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

uint32_t fp_ursqrte(uint32_t a)
{
    return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : ~0u;
}

/* The eight fraction bits of an estimate at the top of the fraction field. */
static uint64_t fraction8(const struct fp_fmt *f, unsigned estimate)
{
    return (uint64_t)(estimate & 0xff) << (f->fbits - 8);
}

static uint64_t recpe(const struct fp_fmt *f, uint64_t a, struct fp_env *env)
{
    struct fp_num n = fp_unpack(f, a, fp_arith(env), env);
    if (fp_is_nan(n.cls))
        return fp_process_nan(f, a, n.cls, env);
    if (n.cls == FPC_INF)
        return fp_zero(f, n.neg);
    if (n.cls == FPC_ZERO) {
        fp_raise(env, FPSR_DZC);
        return fp_inf(f, n.neg);
    }
    if (n.exp < -f->emax - 1) {
        enum fp_rounding r = fp_rmode(env);
        fp_raise(env, FPSR_OFC | FPSR_IXC);
        bool to_inf = r == FP_RNE || (r == FP_RP && !n.neg) || (r == FP_RM && n.neg);
        return to_inf ? fp_inf(f, n.neg) : fp_max_normal(f, n.neg);
    }
    if ((env->fpcr & fp_flush_bit(f)) && n.exp >= f->emax - 1) {
        fp_raise(env, FPSR_UFC);
        return fp_zero(f, n.neg);
    }
    /* 1 / (m * 2^exp) with m in 1..2 is e * 2^(-exp - 1), e the estimate in 1..2. */
    int e = f->emax - n.exp - 1;
    uint64_t frac = fraction8(f, recip_estimate((unsigned)(n.sig >> 55)));
    if (e < 1) {
        frac = (frac | 1ull << f->fbits) >> (1 - e);
        e = 0;
    }
    return fp_zero(f, n.neg) | (uint64_t)e << f->fbits | frac;
}

static uint64_t rsqrte(const struct fp_fmt *f, uint64_t a, struct fp_env *env)
{
    struct fp_num n = fp_unpack(f, a, fp_arith(env), env);
    if (fp_is_nan(n.cls))
        return fp_process_nan(f, a, n.cls, env);
    if (n.cls == FPC_ZERO) {
        fp_raise(env, FPSR_DZC);
        return fp_inf(f, n.neg);
    }
    if (n.neg)
        return fp_invalid(f, env);
    if (n.cls == FPC_INF)
        return 0;
    /* With an odd exponent the operand counts as 0.5..1, with an even one as 0.25..0.5. */
    bool odd = n.exp & 1;
    unsigned estimate = rsqrt_estimate((unsigned)(n.sig >> (odd ? 55 : 56)));
    int e = (2 * f->emax - 1 - n.exp) / 2;
    return (uint64_t)e << f->fbits | fraction8(f, estimate);
}

static uint64_t recpx(const struct fp_fmt *f, uint64_t a, struct fp_env *env)
{
    struct fp_num n = fp_unpack(f, a, fp_arith(env), env);
    if (fp_is_nan(n.cls))
        return fp_process_nan(f, a, n.cls, env);
    uint64_t e = a & fp_inf_bits(f);
    e = e ? ~e & fp_inf_bits(f) : (uint64_t)(2 * f->emax) << f->fbits;
    return fp_zero(f, n.neg) | e;
}

#define FP_DEFINE(W, T)                                                                            \
    T fp##W##_recpe(T a, struct fp_env *env)                                                       \
    {                                                                                              \
        return (T)recpe(&fp_f##W, a, env);                                                         \
    }                                                                                              \
    T fp##W##_rsqrte(T a, struct fp_env *env)                                                      \
    {                                                                                              \
        return (T)rsqrte(&fp_f##W, a, env);                                                        \
    }                                                                                              \
    T fp##W##_recpx(T a, struct fp_env *env)                                                       \
    {                                                                                              \
        return (T)recpx(&fp_f##W, a, env);                                                         \
    }

FP_DEFINE(16, uint16_t)
FP_DEFINE(32, uint32_t)
FP_DEFINE(64, uint64_t)

/*
 * One step of BFDOT (without FEAT_EBF16): the two products are added, then the accumulator, each
 * step rounded to odd with subnormals flushed and default NaNs, whatever FPCR says, and no flags.
 * BFRound turns every overflow into an infinity, while FP_ODD stops at the largest number.
 */
static uint32_t bf_finite(struct fp_num n)
{
    struct fp_env quiet = {FPCR_FZ | FPCR_DN, 0};
    uint64_t r = fp_round(&fp_f32, n, FP_ODD, quiet.fpcr, &quiet);
    return (uint32_t)(quiet.fpsr & FPSR_OFC ? fp_inf(&fp_f32, n.neg) : r);
}

static uint32_t bf_mul(uint32_t a, uint32_t b)
{
    struct fp_env quiet = {FPCR_FZ | FPCR_DN, 0};
    struct fp_num x = fp_unpack(&fp_f32, a, quiet.fpcr, &quiet);
    struct fp_num y = fp_unpack(&fp_f32, b, quiet.fpcr, &quiet);
    struct fp_num zero = {0, 0, FPC_ZERO, false};
    if (x.cls == FPC_FINITE && y.cls == FPC_FINITE)
        return bf_finite(fp_fma_exact(zero, x, y, FP_RNE));
    return fp32_mul_soft(a, b, &quiet);
}

static uint32_t bf_add(uint32_t a, uint32_t b)
{
    struct fp_env quiet = {FPCR_FZ | FPCR_DN, 0};
    struct fp_num x = fp_unpack(&fp_f32, a, quiet.fpcr, &quiet);
    struct fp_num y = fp_unpack(&fp_f32, b, quiet.fpcr, &quiet);
    struct fp_num one = {1ull << 63, 0, FPC_FINITE, false};
    if (x.cls != FPC_FINITE || y.cls != FPC_FINITE)
        return fp32_add_soft(a, b, &quiet);
    struct fp_num s = fp_fma_exact(x, one, y, FP_RNE);
    return s.cls == FPC_ZERO ? 0 : bf_finite(s);
}

uint32_t fp_bfdot(uint32_t acc, uint32_t b, uint32_t c)
{
    uint32_t low = bf_mul(b << 16, c << 16);
    uint32_t high = bf_mul(b & 0xffff0000u, c & 0xffff0000u);
    return bf_add(acc, bf_add(low, high));
}
