/* SPDX-License-Identifier: MIT */
/*
 * Half precision by way of the host's double, which holds sums and products of two half-precision
 * numbers exactly, and quotients with so many digits that rounding a second time does no harm
 * (53 >= 2 * 11 + 2). The cases left out are those of fp_fast.h, and subnormal or special operands.
 * Pure functions.
 */
#include "fp_fast.h"

/* Round to nearest; nothing is flushed. */
static bool half_mode(const struct fp_env *env)
{
    return fp_host_mode(env) && !(env->fpcr & FPCR_FZ16);
}

/* A normal number or a zero as a double; false for all else. */
static bool from_half(uint16_t a, double *d)
{
    uint64_t sign = (uint64_t)(a & 0x8000) << 48, rest = a & 0x7fff;
    if (((a >> 10) & 31) - 1u < 30u)
        rest = (rest << 42) + ((1023ull - 15) << 52);
    else if (rest)
        return false;
    *d = fp64_host(sign | rest);
    return true;
}

/* Rounds, if the result is an exact zero or a normal number that was not tiny before rounding. */
static bool to_half(double d, uint16_t *out, struct fp_env *env)
{
    uint64_t a = fp64_bits(d), sign = a >> 48 & 0x8000;
    unsigned e = (unsigned)(a >> 52) & 0x7ff;
    if (!(a << 1)) {
        *out = (uint16_t)sign;
        return true;
    }
    if (e - (1023u - 14u) > 28u)
        return false;
    if (a << 22)
        env->fpsr |= FPSR_IXC;
    a += (1ull << 41) - 1 + (a >> 42 & 1);
    *out = (uint16_t)(sign | (((a >> 42) - ((1023u - 15u) << 10)) & 0x7fff));
    return true;
}

#define HALF2(op, sign)                                                                            \
    uint16_t fp16_##op(uint16_t a, uint16_t b, struct fp_env *env)                                 \
    {                                                                                              \
        double x, y;                                                                               \
        uint16_t r;                                                                                \
        if (half_mode(env) && from_half(a, &x) && from_half(b, &y) && to_half(x sign y, &r, env))  \
            return r;                                                                              \
        return fp16_##op##_soft(a, b, env);                                                        \
    }
HALF2(add, +)
HALF2(sub, -)
HALF2(mul, *)
HALF2(div, /)

/* The product is exact; so must the sum be, for which fp_exact.c explains the test. */
uint16_t fp16_fma(uint16_t a, uint16_t b, uint16_t c, struct fp_env *env)
{
    double x, y, z;
    uint16_t r;
    if (half_mode(env) && from_half(a, &x) && from_half(b, &y) && from_half(c, &z)) {
        double p = y * z, sum = x + p;
        bool swap = fp64_abs(fp64_bits(x)) < fp64_abs(fp64_bits(p));
        double rest = sum - (swap ? p : x);
        if (rest == (swap ? x : p) && to_half(sum, &r, env))
            return r;
    }
    return fp16_fma_soft(a, b, c, env);
}

unsigned fp16_cmp(uint16_t a, uint16_t b, bool signal, struct fp_env *env)
{
    double x, y;
    if (from_half(a, &x) && from_half(b, &y))
        return x < y ? FP_NZCV_LT : x > y ? FP_NZCV_GT : FP_NZCV_EQ;
    return fp16_cmp_soft(a, b, signal, env);
}

#define HALF_MAX(op, less, greater)                                                                \
    uint16_t fp16_##op(uint16_t a, uint16_t b, struct fp_env *env)                                 \
    {                                                                                              \
        double x, y;                                                                               \
        if (from_half(a, &x) && from_half(b, &y) && (x < y || x > y))                              \
            return x < y ? (less) : (greater);                                                     \
        return fp16_##op##_soft(a, b, env);                                                        \
    }
HALF_MAX(max, b, a)
HALF_MAX(min, a, b)
HALF_MAX(maxnm, b, a)
HALF_MAX(minnm, a, b)

uint16_t fp32_to_fp16(uint32_t a, struct fp_env *env)
{
    uint16_t r;
    if (fp_host_mode(env) && !(env->fpcr & FPCR_AHP) && to_half((double)fp32_host(a), &r, env))
        return r;
    return fp32_to_fp16_soft(a, env);
}

uint16_t fp64_to_fp16(uint64_t a, struct fp_env *env)
{
    uint16_t r;
    if (fp_host_mode(env) && !(env->fpcr & FPCR_AHP) && to_half(fp64_host(a), &r, env))
        return r;
    return fp64_to_fp16_soft(a, env);
}
