/* SPDX-License-Identifier: MIT */
/*
 * A64 floating point: every operation with the architecture's exact result bits and exact FPSR
 * cumulative flags, as the shared pseudocode of the Arm ARM (J1.3, "shared/functions/float") gives
 * them for FEAT_FP16 without FEAT_AFP and without trapped exceptions.
 *
 * Values travel as bits: f16 in uint16_t, f32 in uint32_t, f64 in uint64_t. The functions are pure
 * save for the flags that they add to env->fpsr, so any thread may call them on its own env.
 *
 * Speed: the inline functions at the end use the host's arithmetic when it must give the same bits
 * (round to nearest, no flushing, a result well inside the normal range) and when the Inexact flag
 * is set already, so that nothing is to be found out about it. All else is exact integer code in
 * fp_*.c. The host thread has to be in its default mode (nearest, subnormals kept), and the
 * compiler must not fuse multiplications with additions (-ffp-contract=off in the Makefile).
 */
#pragma once

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct fp_env {
    uint32_t fpcr; /* as the guest reads it; the trap enables are RES0 */
    uint32_t fpsr; /* cumulative flags are only ever added */
};

/* FPCR fields in use (C5.2.7). */
#define FPCR_FZ16  (1u << 19)
#define FPCR_RMODE (3u << 22)
#define FPCR_FZ    (1u << 24)
#define FPCR_DN    (1u << 25)
#define FPCR_AHP   (1u << 26)

/* FPSR cumulative flags (C5.2.8). */
#define FPSR_IOC (1u << 0) /* invalid operation */
#define FPSR_DZC (1u << 1) /* division by zero */
#define FPSR_OFC (1u << 2) /* overflow */
#define FPSR_UFC (1u << 3) /* underflow */
#define FPSR_IXC (1u << 4) /* inexact */
#define FPSR_IDC (1u << 7) /* subnormal input flushed to zero */
#define FPSR_QC  (1u << 27)

/* The first four are FPCR.RMode's values. */
enum fp_rounding { FP_RNE, FP_RP, FP_RM, FP_RZ, FP_RNA, FP_ODD };

static inline enum fp_rounding fp_rmode(const struct fp_env *env)
{
    return (enum fp_rounding)((env->fpcr >> 22) & 3);
}

/* NZCV of a comparison, in the order of PSTATE's four bits. */
enum { FP_NZCV_LT = 8, FP_NZCV_EQ = 6, FP_NZCV_GT = 2, FP_NZCV_UN = 3 };

/*
 * One list of operations for the three formats; W is 16, 32 or 64 and T its type. `_soft` marks the
 * integer version of an operation that has a fast inline twin below.
 *
 * fma adds: a + b * c, rounded once. mulx, recps, rsqrts, recpe, rsqrte, recpx: the FMULX, FRECPS …
 * instructions. cmp returns NZCV; signal = FCMPE's treatment of quiet NaNs. rint: `exact` adds the
 * Inexact flag (FRINTX). rint_n: FRINT32x and FRINT64x, `bits` 32 or 64 (not f16).
 * to_fixed: the value times 2^fbits as an integer of `bits` (16, 32, 64), saturated; signed results
 * are returned as the `bits` low bits with zeros above. from_fixed: v is an integer of `bits`.
 */
#define FP_DECLARE(W, T)                                                                           \
    T fp##W##_add_soft(T a, T b, struct fp_env *env);                                              \
    T fp##W##_sub_soft(T a, T b, struct fp_env *env);                                              \
    T fp##W##_mul_soft(T a, T b, struct fp_env *env);                                              \
    T fp##W##_div_soft(T a, T b, struct fp_env *env);                                              \
    T fp##W##_sqrt_soft(T a, struct fp_env *env);                                                  \
    T fp##W##_fma_soft(T a, T b, T c, struct fp_env *env);                                         \
    T fp##W##_mulx(T a, T b, struct fp_env *env);                                                  \
    T fp##W##_recps(T a, T b, struct fp_env *env);                                                 \
    T fp##W##_rsqrts(T a, T b, struct fp_env *env);                                                \
    T fp##W##_recpe(T a, struct fp_env *env);                                                      \
    T fp##W##_rsqrte(T a, struct fp_env *env);                                                     \
    T fp##W##_recpx(T a, struct fp_env *env);                                                      \
    T fp##W##_max(T a, T b, struct fp_env *env);                                                   \
    T fp##W##_min(T a, T b, struct fp_env *env);                                                   \
    T fp##W##_maxnm(T a, T b, struct fp_env *env);                                                 \
    T fp##W##_minnm(T a, T b, struct fp_env *env);                                                 \
    unsigned fp##W##_cmp_soft(T a, T b, bool signal, struct fp_env *env);                          \
    T fp##W##_rint(T a, enum fp_rounding r, bool exact, struct fp_env *env);                       \
    T fp##W##_rint_n(T a, enum fp_rounding r, unsigned bits, struct fp_env *env);                  \
    uint64_t fp##W##_to_fixed(T a, unsigned fbits, unsigned bits, bool is_signed,                  \
                              enum fp_rounding r, struct fp_env *env);                             \
    T fp##W##_from_fixed(uint64_t v, unsigned fbits, unsigned bits, bool is_signed,                \
                         struct fp_env *env);

FP_DECLARE(16, uint16_t)
FP_DECLARE(32, uint32_t)
FP_DECLARE(64, uint64_t)
#undef FP_DECLARE

/* FCVT between formats; half precision obeys FPCR.AHP. FCVTXN is fp64_to_fp32_odd. */
uint32_t fp16_to_fp32(uint16_t a, struct fp_env *env);
uint64_t fp16_to_fp64(uint16_t a, struct fp_env *env);
uint16_t fp32_to_fp16(uint32_t a, struct fp_env *env);
uint64_t fp32_to_fp64_soft(uint32_t a, struct fp_env *env);
uint16_t fp64_to_fp16(uint64_t a, struct fp_env *env);
uint32_t fp64_to_fp32_soft(uint64_t a, struct fp_env *env);
uint32_t fp64_to_fp32_odd(uint64_t a, struct fp_env *env);

/* FJCVTZS: the low 32 bits of the integer; *z is PSTATE.Z, true if the conversion was exact. */
uint32_t fp64_to_js32(uint64_t a, bool *z, struct fp_env *env);

/* FMLAL and FMLSL: an f32 plus the product of two f16, rounded once. */
uint32_t fp32_fma_h(uint32_t a, uint16_t b, uint16_t c, struct fp_env *env);

/* URECPE and URSQRTE; no flags. */
uint32_t fp_urecpe(uint32_t a);
uint32_t fp_ursqrte(uint32_t a);

/* BFCVT; and BFDOT and BFMMLA's step: acc + b0 * c0 + b1 * c1, rounded to odd, without flags. */
uint16_t fp32_to_bf16(uint32_t a, struct fp_env *env);
uint32_t fp_bfdot(uint32_t acc, uint32_t b, uint32_t c);

/* The sign is a bit, also of a NaN (FNEG, FABS). */
static inline uint16_t fp16_neg(uint16_t a)
{
    return a ^ 0x8000u;
}
static inline uint32_t fp32_neg(uint32_t a)
{
    return a ^ (1u << 31);
}
static inline uint64_t fp64_neg(uint64_t a)
{
    return a ^ (1ull << 63);
}
static inline uint16_t fp16_abs(uint16_t a)
{
    return a & 0x7fffu;
}
static inline uint32_t fp32_abs(uint32_t a)
{
    return a & ~(1u << 31);
}
static inline uint64_t fp64_abs(uint64_t a)
{
    return a & ~(1ull << 63);
}

static inline double fp64_host(uint64_t a)
{
    double d;
    memcpy(&d, &a, sizeof d);
    return d;
}
static inline uint64_t fp64_bits(double d)
{
    uint64_t a;
    memcpy(&a, &d, sizeof a);
    return a;
}
static inline float fp32_host(uint32_t a)
{
    float f;
    memcpy(&f, &a, sizeof f);
    return f;
}
static inline uint32_t fp32_bits(float f)
{
    uint32_t a;
    memcpy(&a, &f, sizeof a);
    return a;
}

/* True if a host operation on this env can be trusted, given a result that fpNN_inner accepts. */
static inline bool fp_host_ok(const struct fp_env *env)
{
    return FLT_EVAL_METHOD == 0 && !(env->fpcr & (FPCR_FZ | FPCR_RMODE)) && (env->fpsr & FPSR_IXC);
}

/*
 * A result that raised no flag but perhaps Inexact: finite, not zero, and above the smallest normal
 * number, which a value that was tiny before rounding may have reached. Such a result tells
 * that no operand was a NaN.
 */
static inline bool fp64_inner(uint64_t r)
{
    return (r << 1) - (2ull << 53) < (0x7ffull << 53) - (2ull << 53);
}
static inline bool fp32_inner(uint32_t r)
{
    return (uint32_t)(r << 1) - (2u << 24) < (0xffu << 24) - (2u << 24);
}

#define FP_FAST2(W, T, op, sign)                                                                   \
    static inline T fp##W##_##op(T a, T b, struct fp_env *env)                                     \
    {                                                                                              \
        if (fp_host_ok(env)) {                                                                     \
            T r = fp##W##_bits(fp##W##_host(a) sign fp##W##_host(b));                              \
            if (fp##W##_inner(r))                                                                  \
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

/* Half precision has no host arithmetic in C11. */
#define FP_SLOW2(op)                                                                               \
    static inline uint16_t fp16_##op(uint16_t a, uint16_t b, struct fp_env *env)                   \
    {                                                                                              \
        return fp16_##op##_soft(a, b, env);                                                        \
    }
FP_SLOW2(add)
FP_SLOW2(sub)
FP_SLOW2(mul)
FP_SLOW2(div)
#undef FP_SLOW2

static inline uint16_t fp16_sqrt(uint16_t a, struct fp_env *env)
{
    return fp16_sqrt_soft(a, env);
}
static inline uint16_t fp16_fma(uint16_t a, uint16_t b, uint16_t c, struct fp_env *env)
{
    return fp16_fma_soft(a, b, c, env);
}

/* FCMP and FCMPE: numbers need no flags, unless a subnormal one is to be flushed. */
#define FP_FAST_CMP(W, T)                                                                          \
    static inline unsigned fp##W##_cmp(T a, T b, bool signal, struct fp_env *env)                  \
    {                                                                                              \
        if (!(env->fpcr & FPCR_FZ)) {                                                              \
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

static inline unsigned fp16_cmp(uint16_t a, uint16_t b, bool signal, struct fp_env *env)
{
    return fp16_cmp_soft(a, b, signal, env);
}

/* Widening is exact: normal numbers are re-biased, and the slow cases are the rest. */
static inline uint64_t fp32_to_fp64(uint32_t a, struct fp_env *env)
{
    if (((a >> 23) & 0xff) - 1u < 254u)
        return fp64_bits((double)fp32_host(a));
    return fp32_to_fp64_soft(a, env);
}

static inline uint32_t fp64_to_fp32(uint64_t a, struct fp_env *env)
{
    /* Out of range is undefined in C: ask for an exponent that cannot overflow or underflow. */
    unsigned e = (unsigned)(a >> 52) & 0x7ff;
    if (fp_host_ok(env) && e - (1023u - 125u) < 251u)
        return fp32_bits((float)fp64_host(a));
    return fp64_to_fp32_soft(a, env);
}

/* Square root, fused multiply-add: fp_host_*.c, chosen by the Makefile. */
uint32_t fp32_sqrt(uint32_t a, struct fp_env *env);
uint64_t fp64_sqrt(uint64_t a, struct fp_env *env);
uint32_t fp32_fma(uint32_t a, uint32_t b, uint32_t c, struct fp_env *env);
uint64_t fp64_fma(uint64_t a, uint64_t b, uint64_t c, struct fp_env *env);
