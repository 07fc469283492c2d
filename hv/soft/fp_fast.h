/* SPDX-License-Identifier: MIT */
/*
 * The usual case of the usual floating-point operations, inline, by the host's own arithmetic; all
 * else goes to fp.h's integer code.
 *
 * With FPCR asking for round to nearest and no flushing, the host computes the architecture's bits
 * whenever the result is finite, not zero and above the smallest normal number. Such a result tells
 * by itself that no operand was a NaN and that no flag but Inexact can be due; and the question
 * whether Inexact is due is asked only while FPSR does not have it yet (fp_exact.c).
 *
 * The host thread has to be in its default mode (nearest, subnormals kept), and the compiler must
 * not fuse multiplications with additions (-ffp-contract=off in the Makefile).
 */
#pragma once

#include "fp.h"

#include <float.h>

#define fp_likely(x) __builtin_expect(!!(x), 1)

static inline bool fp_host_mode(const struct fp_env *env)
{
    return FLT_EVAL_METHOD == 0 && !(env->fpcr & (FPCR_FZ | FPCR_RMODE));
}
/* The same, and Inexact is set. */
static inline bool fp_host_ok(const struct fp_env *env)
{
    return fp_host_mode(env) && (env->fpsr & FPSR_IXC);
}

/*
 * Flushing (FPCR.FZ) changes nothing unless an operand is subnormal; results that could be flushed
 * are not inner ones. So the host may be asked if the operands are plain: normal, zero or special.
 */
static inline bool fp64_plain(uint64_t a)
{
    return (a << 1) - 1 >= (1ull << 53) - 1;
}
static inline bool fp32_plain(uint32_t a)
{
    return (uint32_t)(a << 1) - 1 >= (1u << 24) - 1;
}
static inline bool fp64_host_two(uint64_t a, uint64_t b, const struct fp_env *env)
{
    return fp_host_mode(env) ||
           (FLT_EVAL_METHOD == 0 && !(env->fpcr & FPCR_RMODE) && fp64_plain(a) && fp64_plain(b));
}
static inline bool fp32_host_two(uint32_t a, uint32_t b, const struct fp_env *env)
{
    return fp_host_mode(env) ||
           (FLT_EVAL_METHOD == 0 && !(env->fpcr & FPCR_RMODE) && fp32_plain(a) && fp32_plain(b));
}

/* Finite and above the smallest normal number, which a tiny value may have been rounded to. */
static inline bool fp64_inner(uint64_t r)
{
    return (r << 1) - (2ull << 53) < (0x7ffull << 53) - (2ull << 53);
}
static inline bool fp32_inner(uint32_t r)
{
    return (uint32_t)(r << 1) - (2u << 24) < (0xffu << 24) - (2u << 24);
}

/* Raise Inexact if r, an inner result of the host, is not the exact one. */
void fp32_note_add(uint32_t a, uint32_t b, uint32_t r, struct fp_env *env);
void fp64_note_add(uint64_t a, uint64_t b, uint64_t r, struct fp_env *env);
void fp32_note_mul(uint32_t a, uint32_t b, uint32_t r, struct fp_env *env);
void fp64_note_mul(uint64_t a, uint64_t b, uint64_t r, struct fp_env *env);
void fp32_note_fma(uint32_t a, uint32_t b, uint32_t c, uint32_t r, struct fp_env *env);
void fp64_note_fma(uint64_t a, uint64_t b, uint64_t c, uint64_t r, struct fp_env *env);
static inline void fp32_note_sub(uint32_t a, uint32_t b, uint32_t r, struct fp_env *env)
{
    fp32_note_add(a, fp32_neg(b), r, env);
}
static inline void fp64_note_sub(uint64_t a, uint64_t b, uint64_t r, struct fp_env *env)
{
    fp64_note_add(a, fp64_neg(b), r, env);
}
/* a / b is exact if r * b is and gives a. */
static inline void fp32_note_div(uint32_t a, uint32_t b, uint32_t r, struct fp_env *env)
{
    fp32_note_mul(r, b, a, env);
}
static inline void fp64_note_div(uint64_t a, uint64_t b, uint64_t r, struct fp_env *env)
{
    fp64_note_mul(r, b, a, env);
}

/* Is a zero result exact, and of the right sign? A sum's always is; a product's may have vanished.
 */
#define FP_ZERO_add(a, b) true
#define FP_ZERO_sub(a, b) true
#define FP_ZERO_mul(a, b) (!((a) << 1) || !((b) << 1))
#define FP_ZERO_div(a, b) (!((a) << 1))

#define FP_FAST2(W, T, op, sign)                                                                   \
    static inline T fp##W##_##op(T a, T b, struct fp_env *env)                                     \
    {                                                                                              \
        if (fp_likely(fp##W##_host_two(a, b, env))) {                                              \
            T r = fp##W##_bits(fp##W##_host(a) sign fp##W##_host(b));                              \
            if (fp_likely(fp##W##_inner(r))) {                                                     \
                if (!(env->fpsr & FPSR_IXC))                                                       \
                    fp##W##_note_##op(a, b, r, env);                                               \
                return r;                                                                          \
            }                                                                                      \
            if (!(T)(r << 1) && FP_ZERO_##op(a, b))                                                \
                return r;                                                                          \
        }                                                                                          \
        return fp##W##_##op##_soft(a, b, env);                                                     \
    }
FP_FAST2(32, uint32_t, add, +)
FP_FAST2(32, uint32_t, sub, -)
FP_FAST2(32, uint32_t, mul, *)
FP_FAST2(32, uint32_t, div, /)
FP_FAST2(64, uint64_t, add, +)
FP_FAST2(64, uint64_t, sub, -)
FP_FAST2(64, uint64_t, mul, *)
FP_FAST2(64, uint64_t, div, /)
#undef FP_FAST2
#undef FP_ZERO_add
#undef FP_ZERO_sub
#undef FP_ZERO_mul
#undef FP_ZERO_div

/* Square root, fused multiply-add: fp_host_*.c, chosen by the Makefile. */
uint32_t fp32_sqrt(uint32_t a, struct fp_env *env);
uint64_t fp64_sqrt(uint64_t a, struct fp_env *env);
uint32_t fp32_fma(uint32_t a, uint32_t b, uint32_t c, struct fp_env *env);
uint64_t fp64_fma(uint64_t a, uint64_t b, uint64_t c, struct fp_env *env);
/* a += b * c in all lanes, or false and nothing done: a lane is unusual, or the host has no such.
 */
bool fp32x4_fma(uint32_t *a, const uint32_t *b, const uint32_t *c, struct fp_env *env);
bool fp64x2_fma(uint64_t *a, const uint64_t *b, const uint64_t *c, struct fp_env *env);

/* FCMP and FCMPE: numbers need no flags, unless a subnormal one is to be flushed. */
#define FP_FAST_CMP(W, T)                                                                          \
    static inline unsigned fp##W##_cmp(T a, T b, bool signal, struct fp_env *env)                  \
    {                                                                                              \
        if (fp_likely(!(env->fpcr & FPCR_FZ) || (fp##W##_plain(a) && fp##W##_plain(b)))) {         \
            if (fp##W##_host(a) < fp##W##_host(b))                                                 \
                return FP_NZCV_LT;                                                                 \
            if (fp##W##_host(a) > fp##W##_host(b))                                                 \
                return FP_NZCV_GT;                                                                 \
            if (fp##W##_host(a) == fp##W##_host(b))                                                \
                return FP_NZCV_EQ;                                                                 \
        }                                                                                          \
        return fp##W##_cmp_soft(a, b, signal, env);                                                \
    }
FP_FAST_CMP(32, uint32_t)
FP_FAST_CMP(64, uint64_t)
#undef FP_FAST_CMP

/* Numbers that differ; equal ones may be zeros of two signs. */
#define FP_FAST_MAX(W, T, op, less, greater)                                                       \
    static inline T fp##W##_##op(T a, T b, struct fp_env *env)                                     \
    {                                                                                              \
        if (fp_likely(!(env->fpcr & FPCR_FZ) || (fp##W##_plain(a) && fp##W##_plain(b)))) {         \
            if (fp##W##_host(a) < fp##W##_host(b))                                                 \
                return less;                                                                       \
            if (fp##W##_host(a) > fp##W##_host(b))                                                 \
                return greater;                                                                    \
        }                                                                                          \
        return fp##W##_##op##_soft(a, b, env);                                                     \
    }
FP_FAST_MAX(32, uint32_t, max, b, a)
FP_FAST_MAX(32, uint32_t, min, a, b)
FP_FAST_MAX(32, uint32_t, maxnm, b, a)
FP_FAST_MAX(32, uint32_t, minnm, a, b)
FP_FAST_MAX(64, uint64_t, max, b, a)
FP_FAST_MAX(64, uint64_t, min, a, b)
FP_FAST_MAX(64, uint64_t, maxnm, b, a)
FP_FAST_MAX(64, uint64_t, minnm, a, b)
#undef FP_FAST_MAX

/* ---- conversions
 * ----------------------------------------------------------------------------------- */

/* Widening is exact: normal numbers only need another bias. */
static inline uint32_t fp16_to_fp32(uint16_t a, struct fp_env *env)
{
    if (fp_likely(((a >> 10) & 31) - 1u < 30u))
        return (a & 0x8000u) << 16 | (((a & 0x7fffu) << 13) + ((127u - 15u) << 23));
    return fp16_to_fp32_soft(a, env);
}
static inline uint64_t fp32_to_fp64(uint32_t a, struct fp_env *env)
{
    if (fp_likely(((a >> 23) & 0xff) - 1u < 254u))
        return fp64_bits((double)fp32_host(a));
    return fp32_to_fp64_soft(a, env);
}

/* Only with an exponent that can neither overflow nor underflow. 29 bits of fraction are cut off.
 */
static inline uint32_t fp64_to_fp32(uint64_t a, struct fp_env *env)
{
    unsigned e = (unsigned)(a >> 52) & 0x7ff;
    if (fp_likely(fp_host_mode(env) && e - (1023u - 125u) < 251u)) {
        if (a << 35)
            env->fpsr |= FPSR_IXC;
        return fp32_bits((float)fp64_host(a));
    }
    return fp64_to_fp32_soft(a, env);
}

/* Towards zero, as C does it, for numbers below 2^62 that fit; the way back tells exactness. */
#define FP_FAST_TO(W, T, C, limit)                                                                 \
    static inline uint64_t fp##W##_to_fixed(T a, unsigned fbits, unsigned bits, bool is_signed,    \
                                            enum fp_rounding r, struct fp_env *env)                \
    {                                                                                              \
        if (r == FP_RZ && !fbits && !(env->fpcr & FPCR_FZ) && (T)(a << 1) < (limit)) {             \
            int64_t t = (int64_t)fp##W##_host(a);                                                  \
            int64_t high =                                                                         \
                is_signed ? t >> (bits - 1) ^ t >> 63 : (int64_t)((uint64_t)t >> (bits - 1) >> 1); \
            if (fp_likely(!high && (is_signed || t >= 0))) {                                       \
                if ((C)t != fp##W##_host(a))                                                       \
                    env->fpsr |= FPSR_IXC;                                                         \
                return (uint64_t)t & ~0ull >> (64 - bits);                                         \
            }                                                                                      \
        }                                                                                          \
        return fp##W##_to_fixed_soft(a, fbits, bits, is_signed, r, env);                           \
    }
FP_FAST_TO(32, uint32_t, float, (127u + 62u) << 24)
FP_FAST_TO(64, uint64_t, double, (1023ull + 62ull) << 53)
#undef FP_FAST_TO

/* Integers that the format holds exactly need no rounding; others the host's. */
#define FP_FAST_FROM(W, T, C, digits)                                                              \
    static inline T fp##W##_from_fixed(uint64_t v, unsigned fbits, unsigned bits, bool is_signed,  \
                                       struct fp_env *env)                                         \
    {                                                                                              \
        int64_t x = (int64_t)(v << (64 - bits)) >> (64 - bits);                                    \
        if (!is_signed)                                                                            \
            x = (int64_t)(v & ~0ull >> (64 - bits));                                               \
        bool exact = (uint64_t)x + (1ull << (digits)) <= 2ull << (digits);                         \
        bool fits = !fbits && (is_signed || x >= 0);                                               \
        if (fp_likely(fits && (exact || fp_host_ok(env))))                                         \
            return fp##W##_bits((C)x);                                                             \
        return fp##W##_from_fixed_soft(v, fbits, bits, is_signed, env);                            \
    }
FP_FAST_FROM(32, uint32_t, float, 24)
FP_FAST_FROM(64, uint64_t, double, 53)
#undef FP_FAST_FROM

/* ---- half precision: C11 has no host arithmetic for it, fp_half.c uses double
 * ---------------------- */

uint16_t fp16_add(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_sub(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_mul(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_div(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_max(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_min(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_maxnm(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_minnm(uint16_t a, uint16_t b, struct fp_env *env);
uint16_t fp16_fma(uint16_t a, uint16_t b, uint16_t c, struct fp_env *env);
unsigned fp16_cmp(uint16_t a, uint16_t b, bool signal, struct fp_env *env);
uint16_t fp32_to_fp16(uint32_t a, struct fp_env *env);
uint16_t fp64_to_fp16(uint64_t a, struct fp_env *env);

static inline uint16_t fp16_sqrt(uint16_t a, struct fp_env *env)
{
    return fp16_sqrt_soft(a, env);
}
static inline uint64_t fp16_to_fixed(uint16_t a, unsigned fbits, unsigned bits, bool is_signed,
                                     enum fp_rounding r, struct fp_env *env)
{
    return fp16_to_fixed_soft(a, fbits, bits, is_signed, r, env);
}
static inline uint16_t fp16_from_fixed(uint64_t v, unsigned fbits, unsigned bits, bool is_signed,
                                       struct fp_env *env)
{
    return fp16_from_fixed_soft(v, fbits, bits, is_signed, env);
}
