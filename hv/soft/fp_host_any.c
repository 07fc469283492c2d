/* SPDX-License-Identifier: MIT */
/*
 * Square root and fused multiply-add on a host of which nothing is known: integers throughout.
 * The Makefile takes fp_host_<cpu>.c in place of this file where there is one.
 */
#include "fp_fast.h"

uint32_t fp32_sqrt(uint32_t a, struct fp_env *env)
{
    return fp32_sqrt_soft(a, env);
}
uint64_t fp64_sqrt(uint64_t a, struct fp_env *env)
{
    return fp64_sqrt_soft(a, env);
}
uint32_t fp32_fma(uint32_t a, uint32_t b, uint32_t c, struct fp_env *env)
{
    return fp32_fma_soft(a, b, c, env);
}
uint64_t fp64_fma(uint64_t a, uint64_t b, uint64_t c, struct fp_env *env)
{
    return fp64_fma_soft(a, b, c, env);
}
bool fp32x4_fma(uint32_t *a, const uint32_t *b, const uint32_t *c, struct fp_env *env)
{
    (void)a, (void)b, (void)c, (void)env;
    return false;
}
bool fp64x2_fma(uint64_t *a, const uint64_t *b, const uint64_t *c, struct fp_env *env)
{
    (void)a, (void)b, (void)c, (void)env;
    return false;
}
