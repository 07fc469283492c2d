/* SPDX-License-Identifier: MIT */
/*
 * Square root and fused multiply-add by x86-64 instructions. SQRTSD is in every such CPU, FMA3 is
 * asked for at run time. The conditions are those of the inline functions in fp_fast.h.
 */
#include "fp_fast.h"

#include <immintrin.h>

uint32_t fp32_sqrt(uint32_t a, struct fp_env *env)
{
    if (fp32_host_two(a, a, env)) {
        uint32_t r = fp32_bits(_mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(fp32_host(a)))));
        if (fp32_inner(r)) {
            if (!(env->fpsr & FPSR_IXC))
                fp32_note_mul(r, r, a, env);
            return r;
        }
    }
    return fp32_sqrt_soft(a, env);
}

uint64_t fp64_sqrt(uint64_t a, struct fp_env *env)
{
    if (fp64_host_two(a, a, env)) {
        __m128d x = _mm_set_sd(fp64_host(a));
        uint64_t r = fp64_bits(_mm_cvtsd_f64(_mm_sqrt_sd(x, x)));
        if (fp64_inner(r)) {
            if (!(env->fpsr & FPSR_IXC))
                fp64_note_mul(r, r, a, env);
            return r;
        }
    }
    return fp64_sqrt_soft(a, env);
}

__attribute__((target("fma"))) static uint32_t fma32(uint32_t a, uint32_t b, uint32_t c)
{
    __m128 x = _mm_set_ss(fp32_host(a));
    __m128 y = _mm_set_ss(fp32_host(b));
    __m128 z = _mm_set_ss(fp32_host(c));
    return fp32_bits(_mm_cvtss_f32(_mm_fmadd_ss(y, z, x)));
}

__attribute__((target("fma"))) static uint64_t fma64(uint64_t a, uint64_t b, uint64_t c)
{
    __m128d x = _mm_set_sd(fp64_host(a));
    __m128d y = _mm_set_sd(fp64_host(b));
    __m128d z = _mm_set_sd(fp64_host(c));
    return fp64_bits(_mm_cvtsd_f64(_mm_fmadd_sd(y, z, x)));
}

uint32_t fp32_fma(uint32_t a, uint32_t b, uint32_t c, struct fp_env *env)
{
    if (fp32_plain(a) && fp32_host_two(b, c, env) && __builtin_cpu_supports("fma")) {
        uint32_t r = fma32(a, b, c);
        if (fp32_inner(r)) {
            if (!(env->fpsr & FPSR_IXC))
                fp32_note_fma(a, b, c, r, env);
            return r;
        }
    }
    return fp32_fma_soft(a, b, c, env);
}

uint64_t fp64_fma(uint64_t a, uint64_t b, uint64_t c, struct fp_env *env)
{
    if (fp64_plain(a) && fp64_host_two(b, c, env) && __builtin_cpu_supports("fma")) {
        uint64_t r = fma64(a, b, c);
        if (fp64_inner(r)) {
            if (!(env->fpsr & FPSR_IXC))
                fp64_note_fma(a, b, c, r, env);
            return r;
        }
    }
    return fp64_fma_soft(a, b, c, env);
}

__attribute__((target("fma"))) static void fma32x4(uint32_t *r, const uint32_t *a,
                                                   const uint32_t *b, const uint32_t *c)
{
    __m128 x, y, z;
    memcpy(&x, a, 16);
    memcpy(&y, b, 16);
    memcpy(&z, c, 16);
    x = _mm_fmadd_ps(y, z, x);
    memcpy(r, &x, 16);
}

__attribute__((target("fma"))) static void fma64x2(uint64_t *r, const uint64_t *a,
                                                   const uint64_t *b, const uint64_t *c)
{
    __m128d x, y, z;
    memcpy(&x, a, 16);
    memcpy(&y, b, 16);
    memcpy(&z, c, 16);
    x = _mm_fmadd_pd(y, z, x);
    memcpy(r, &x, 16);
}

bool fp32x4_fma(uint32_t *a, const uint32_t *b, const uint32_t *c, struct fp_env *env)
{
    uint32_t r[4];
    if (!fp_host_ok(env) || !__builtin_cpu_supports("fma"))
        return false;
    fma32x4(r, a, b, c);
    if (!(fp32_inner(r[0]) & fp32_inner(r[1]) & fp32_inner(r[2]) & fp32_inner(r[3])))
        return false;
    memcpy(a, r, 16);
    return true;
}

bool fp64x2_fma(uint64_t *a, const uint64_t *b, const uint64_t *c, struct fp_env *env)
{
    uint64_t r[2];
    if (!fp_host_ok(env) || !__builtin_cpu_supports("fma"))
        return false;
    fma64x2(r, a, b, c);
    if (!(fp64_inner(r[0]) & fp64_inner(r[1])))
        return false;
    memcpy(a, r, 16);
    return true;
}
