/* SPDX-License-Identifier: MIT */
/*
 * Square root and fused multiply-add by the same instructions of an arm64 host. The conditions are
 * those of the inline functions in fp_fast.h.
 */
#include "fp_fast.h"

#include <arm_neon.h>

uint32_t fp32_sqrt(uint32_t a, struct fp_env *env)
{
    if (fp_host_mode(env)) {
        uint32_t r = fp32_bits(vget_lane_f32(vsqrt_f32(vdup_n_f32(fp32_host(a))), 0));
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
    if (fp_host_mode(env)) {
        uint64_t r = fp64_bits(vget_lane_f64(vsqrt_f64(vdup_n_f64(fp64_host(a))), 0));
        if (fp64_inner(r)) {
            if (!(env->fpsr & FPSR_IXC))
                fp64_note_mul(r, r, a, env);
            return r;
        }
    }
    return fp64_sqrt_soft(a, env);
}

uint32_t fp32_fma(uint32_t a, uint32_t b, uint32_t c, struct fp_env *env)
{
    if (fp_host_mode(env)) {
        float32x2_t sum =
            vfma_f32(vdup_n_f32(fp32_host(a)), vdup_n_f32(fp32_host(b)), vdup_n_f32(fp32_host(c)));
        uint32_t r = fp32_bits(vget_lane_f32(sum, 0));
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
    if (fp_host_mode(env)) {
        float64x1_t sum =
            vfma_f64(vdup_n_f64(fp64_host(a)), vdup_n_f64(fp64_host(b)), vdup_n_f64(fp64_host(c)));
        uint64_t r = fp64_bits(vget_lane_f64(sum, 0));
        if (fp64_inner(r)) {
            if (!(env->fpsr & FPSR_IXC))
                fp64_note_fma(a, b, c, r, env);
            return r;
        }
    }
    return fp64_fma_soft(a, b, c, env);
}
