/* SPDX-License-Identifier: MIT */
/*
 * Square root and fused multiply-add by the same instructions of an arm64 host. The conditions are
 * those of the inline functions in fp_fast.h.
 */
#include "fp_fast.h"

#include <arm_neon.h>

uint32_t fp32_sqrt(uint32_t a, struct fp_env *env)
{
    if (fp32_host_two(a, a, env)) {
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
    if (fp64_host_two(a, a, env)) {
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
    if (fp32_plain(a) && fp32_host_two(b, c, env)) {
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
    if (fp64_plain(a) && fp64_host_two(b, c, env)) {
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

bool fp32x4_fma(uint32_t *a, const uint32_t *b, const uint32_t *c, struct fp_env *env)
{
    uint32_t r[4];
    if (!fp_host_ok(env))
        return false;
    float32x4_t x = vreinterpretq_f32_u32(vld1q_u32(a)), y = vreinterpretq_f32_u32(vld1q_u32(b)),
                z = vreinterpretq_f32_u32(vld1q_u32(c));
    vst1q_u32(r, vreinterpretq_u32_f32(vfmaq_f32(x, y, z)));
    if (!(fp32_inner(r[0]) & fp32_inner(r[1]) & fp32_inner(r[2]) & fp32_inner(r[3])))
        return false;
    memcpy(a, r, 16);
    return true;
}

bool fp64x2_fma(uint64_t *a, const uint64_t *b, const uint64_t *c, struct fp_env *env)
{
    uint64_t r[2];
    if (!fp_host_ok(env))
        return false;
    float64x2_t x = vreinterpretq_f64_u64(vld1q_u64(a)), y = vreinterpretq_f64_u64(vld1q_u64(b)),
                z = vreinterpretq_f64_u64(vld1q_u64(c));
    vst1q_u64(r, vreinterpretq_u64_f64(vfmaq_f64(x, y, z)));
    if (!(fp64_inner(r[0]) & fp64_inner(r[1])))
        return false;
    memcpy(a, r, 16);
    return true;
}
