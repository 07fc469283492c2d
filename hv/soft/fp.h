/* SPDX-License-Identifier: MIT */
/*
 * A64 floating point: every operation with the architecture's exact result bits and exact FPSR
 * cumulative flags, as the shared pseudocode of the Arm ARM (J1.3, "shared/functions/float") gives
 * them for FEAT_FP16 without FEAT_AFP and without trapped exceptions.
 *
 * Values travel as bits: f16 in uint16_t, f32 in uint32_t, f64 in uint64_t. The functions are pure
 * save for the flags that they add to env->fpsr, so any thread may call them on its own env.
 *
 * This is the interface of the exact integer code in fp_*.c. An operation marked `_soft` has a twin
 * without the mark in fp_fast.h, which uses the host's arithmetic where it must give the same bits.
 */
#pragma once

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
 * One list of operations for the three formats; W is 16, 32 or 64 and T its type.
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
    T fp##W##_max_soft(T a, T b, struct fp_env *env);                                              \
    T fp##W##_min_soft(T a, T b, struct fp_env *env);                                              \
    T fp##W##_maxnm_soft(T a, T b, struct fp_env *env);                                            \
    T fp##W##_minnm_soft(T a, T b, struct fp_env *env);                                            \
    unsigned fp##W##_cmp_soft(T a, T b, bool signal, struct fp_env *env);                          \
    T fp##W##_rint(T a, enum fp_rounding r, bool exact, struct fp_env *env);                       \
    T fp##W##_rint_n(T a, enum fp_rounding r, unsigned bits, struct fp_env *env);                  \
    uint64_t fp##W##_to_fixed_soft(T a, unsigned fbits, unsigned bits, bool is_signed,             \
                                   enum fp_rounding r, struct fp_env *env);                        \
    T fp##W##_from_fixed_soft(uint64_t v, unsigned fbits, unsigned bits, bool is_signed,           \
                              struct fp_env *env);

FP_DECLARE(16, uint16_t)
FP_DECLARE(32, uint32_t)
FP_DECLARE(64, uint64_t)
#undef FP_DECLARE

/* FCVT between formats; half precision obeys FPCR.AHP. FCVTXN is fp64_to_fp32_odd. */
uint32_t fp16_to_fp32_soft(uint16_t a, struct fp_env *env);
uint64_t fp16_to_fp64(uint16_t a, struct fp_env *env);
uint16_t fp32_to_fp16_soft(uint32_t a, struct fp_env *env);
uint64_t fp32_to_fp64_soft(uint32_t a, struct fp_env *env);
uint16_t fp64_to_fp16_soft(uint64_t a, struct fp_env *env);
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
