/* SPDX-License-Identifier: MIT */
/*
 * Was a result of the host's arithmetic exact? Asked as long as FPSR does not have the Inexact
 * flag. All results here are inner ones (fp_fast.h), rounded to nearest. Pure functions.
 */
#include "fp_fast.h"

/*
 * The sum's error is b - (r - a), if a is the larger one in magnitude, and all of it is computed
 * exactly (Dekker's fast two-sum).
 */
void fp32_note_add(uint32_t a, uint32_t b, uint32_t r, struct fp_env *env)
{
    bool swap = fp32_abs(a) < fp32_abs(b);
    float big = fp32_host(swap ? b : a), small = fp32_host(swap ? a : b);
    float rest = fp32_host(r) - big;
    if (rest != small)
        env->fpsr |= FPSR_IXC;
}

void fp64_note_add(uint64_t a, uint64_t b, uint64_t r, struct fp_env *env)
{
    bool swap = fp64_abs(a) < fp64_abs(b);
    double big = fp64_host(swap ? b : a), small = fp64_host(swap ? a : b);
    double rest = fp64_host(r) - big;
    if (rest != small)
        env->fpsr |= FPSR_IXC;
}

/* The significand as an odd integer; its exponent by way of the shift. */
static uint64_t odd_significand(uint64_t frac, unsigned e, unsigned fbits, int *exp)
{
    uint64_t sig = e ? frac | 1ull << fbits : frac;
    int z = __builtin_ctzll(sig);
    *exp = (int)(e ? e : 1) + z;
    return sig >> z;
}

/* Exact products of odd integers are odd: all three numbers in lowest terms must agree. */
void fp64_note_mul(uint64_t a, uint64_t b, uint64_t r, struct fp_env *env)
{
    const uint64_t mask = (1ull << 52) - 1;
    int ea, eb, er;
    uint64_t x = odd_significand(a & mask, a >> 52 & 0x7ff, 52, &ea);
    uint64_t y = odd_significand(b & mask, b >> 52 & 0x7ff, 52, &eb);
    uint64_t z = odd_significand(r & mask, r >> 52 & 0x7ff, 52, &er);
    uint64_t product;
    if (__builtin_mul_overflow(x, y, &product) || product != z || ea + eb != er + 1023 + 52)
        env->fpsr |= FPSR_IXC;
}

void fp32_note_mul(uint32_t a, uint32_t b, uint32_t r, struct fp_env *env)
{
    const uint32_t mask = (1u << 23) - 1;
    int ea, eb, er;
    uint64_t x = odd_significand(a & mask, a >> 23 & 0xff, 23, &ea);
    uint64_t y = odd_significand(b & mask, b >> 23 & 0xff, 23, &eb);
    uint64_t z = odd_significand(r & mask, r >> 23 & 0xff, 23, &er);
    if (x * y != z || ea + eb != er + 127 + 23)
        env->fpsr |= FPSR_IXC;
}

/* If the product is exact, the rest is a sum. Otherwise the whole is done in integers, for its
 * flags. */
void fp32_note_fma(uint32_t a, uint32_t b, uint32_t c, uint32_t r, struct fp_env *env)
{
    struct fp_env product = {0, 0};
    uint32_t p = fp32_mul(b, c, &product);
    if (!product.fpsr && fp32_inner(p))
        fp32_note_add(a, p, r, env);
    else
        fp32_fma_soft(a, b, c, env);
}

void fp64_note_fma(uint64_t a, uint64_t b, uint64_t c, uint64_t r, struct fp_env *env)
{
    struct fp_env product = {0, 0};
    uint64_t p = fp64_mul(b, c, &product);
    if (!product.fpsr && fp64_inner(p))
        fp64_note_add(a, p, r, env);
    else
        fp64_fma_soft(a, b, c, env);
}
