/* SPDX-License-Identifier: MIT */
/*
 * Comparisons, minimum and maximum. Pure functions.
 *
 * After flushing, finite numbers and infinities are ordered like sign-and-magnitude integers, so
 * nothing here needs unpacked significands.
 */
#include "fp_core.h"

/* Orders the numbers a and b, already flushed: negative, zero or positive like a - b. */
static int order(const struct fp_fmt *f, uint64_t a, uint64_t b)
{
    uint64_t s = fp_sign_bit(f);
    if (!((a | b) & ~s))
        return 0; /* zeros of any sign */
    int64_t x = a & s ? -(int64_t)(a & ~s) : (int64_t)a;
    int64_t y = b & s ? -(int64_t)(b & ~s) : (int64_t)b;
    return x < y ? -1 : x > y;
}

static uint64_t flushed(const struct fp_fmt *f, uint64_t a, struct fp_num n)
{
    return n.cls == FPC_ZERO ? fp_zero(f, n.neg) : a;
}

static unsigned do_cmp(const struct fp_fmt *f, uint64_t a, uint64_t b, bool signal,
                       struct fp_env *env)
{
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num y = fp_unpack(f, b, fp_arith(env), env);
    if (fp_is_nan(x.cls) || fp_is_nan(y.cls)) {
        if (signal || x.cls == FPC_SNAN || y.cls == FPC_SNAN)
            fp_raise(env, FPSR_IOC);
        return FP_NZCV_UN;
    }
    int o = order(f, flushed(f, a, x), flushed(f, b, y));
    return o < 0 ? FP_NZCV_LT : o > 0 ? FP_NZCV_GT : FP_NZCV_EQ;
}

/* FPMax and FPMin; nm: FPMaxNum and FPMinNum, where a lone quiet NaN loses to any number. */
static uint64_t do_minmax(const struct fp_fmt *f, uint64_t a, uint64_t b, bool max, bool nm,
                          struct fp_env *env)
{
    uint64_t out;
    struct fp_num x = fp_unpack(f, a, fp_arith(env), env);
    struct fp_num y = fp_unpack(f, b, fp_arith(env), env);
    uint64_t fa = flushed(f, a, x), fb = flushed(f, b, y);
    if (nm && x.cls == FPC_QNAN && !fp_is_nan(y.cls))
        return fb;
    if (nm && y.cls == FPC_QNAN && !fp_is_nan(x.cls))
        return fa;
    if (fp_pick_nan(f, a, x.cls, b, y.cls, &out, env))
        return out;
    if (x.cls == FPC_ZERO && y.cls == FPC_ZERO)
        return fp_zero(f, max ? x.neg && y.neg : x.neg || y.neg);
    int o = order(f, fa, fb);
    return (max ? o > 0 : o < 0) ? fa : fb;
}

#define FP_DEFINE(W, T)                                                                            \
    unsigned fp##W##_cmp_soft(T a, T b, bool signal, struct fp_env *env)                           \
    {                                                                                              \
        return do_cmp(&fp_f##W, a, b, signal, env);                                                \
    }                                                                                              \
    T fp##W##_max_soft(T a, T b, struct fp_env *env)                                               \
    {                                                                                              \
        return (T)do_minmax(&fp_f##W, a, b, true, false, env);                                     \
    }                                                                                              \
    T fp##W##_min_soft(T a, T b, struct fp_env *env)                                               \
    {                                                                                              \
        return (T)do_minmax(&fp_f##W, a, b, false, false, env);                                    \
    }                                                                                              \
    T fp##W##_maxnm_soft(T a, T b, struct fp_env *env)                                             \
    {                                                                                              \
        return (T)do_minmax(&fp_f##W, a, b, true, true, env);                                      \
    }                                                                                              \
    T fp##W##_minnm_soft(T a, T b, struct fp_env *env)                                             \
    {                                                                                              \
        return (T)do_minmax(&fp_f##W, a, b, false, true, env);                                     \
    }

FP_DEFINE(16, uint16_t)
FP_DEFINE(32, uint32_t)
FP_DEFINE(64, uint64_t)
