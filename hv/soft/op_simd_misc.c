/* SPDX-License-Identifier: MIT */
/*
 * Advanced SIMD: integer operations on one vector: two-register miscellaneous, shifts by an
 * immediate that keep the size, across lanes (Arm ARM C4.1.96), and their scalar forms.
 *
 * Runs on the vCPU's thread. simd.h explains the expressions.
 */
#include "simd.h"

#define SAME(op)            V_FORMAT(op, v_sized, op)
#define SAME_AND_SCALAR(op) V_FORMAT(v_##op, v_sized, v_##op) V_FORMAT(s_##op, v_scalar, v_##op)

/* ---- arithmetic ---- */

V_ALL_S_BHSD(v_abs, x < 0 ? (ulane)0 - (ulane)x : (ulane)x)
V_ALL_U_BHSD(v_neg, 0 - x)
V_ALL_S_BHSD1(v_sqabs, SAT_S(x < 0 ? -(wide)x : (wide)x, bits, &q))
V_ALL_S_BHSD1(v_sqneg, SAT_S(-(wide)x, bits, &q))
SAME_AND_SCALAR(abs)
SAME_AND_SCALAR(neg)
SAME_AND_SCALAR(sqabs)
SAME_AND_SCALAR(sqneg)

/* Accumulate a lane of the other signedness; all in `wide`, where the unsigned one is positive. */
V_ALL_S_BHSD1(v_suqadd, SAT_S((wide)z + (wide)(ulane)x, bits, &q))
V_ALL_S_BHSD1(v_usqadd, SAT_U((wide)(ulane)z + (wide)x, bits, &q))
SAME_AND_SCALAR(suqadd)
SAME_AND_SCALAR(usqadd)

V_ALL_S_BHSD(v_cmgt0, x > 0 ? -1 : 0)
V_ALL_S_BHSD(v_cmge0, x >= 0 ? -1 : 0)
V_ALL_S_BHSD(v_cmeq0, x == 0 ? -1 : 0)
V_ALL_S_BHSD(v_cmle0, x <= 0 ? -1 : 0)
V_ALL_S_BHSD(v_cmlt0, x < 0 ? -1 : 0)
SAME_AND_SCALAR(cmgt0)
SAME_AND_SCALAR(cmge0)
SAME_AND_SCALAR(cmeq0)
SAME_AND_SCALAR(cmle0)
SAME_AND_SCALAR(cmlt0)

/* ---- bits ---- */

static inline unsigned leading_zeros(uint32_t x, unsigned bits)
{
    return x ? (unsigned)__builtin_clz(x) - (32 - bits) : bits;
}

V_ALL_U_BHS(v_clz, leading_zeros(x, bits))
V_ALL_S_BHS(v_cls, leading_zeros((ulane)(x ^ x >> 1), bits) - 1)
SAME(v_clz)
SAME(v_cls)

static inline uint8_t count_bits(uint8_t x)
{
    x = (uint8_t)(x - (x >> 1 & 0x55));
    x = (uint8_t)((x & 0x33) + (x >> 2 & 0x33));
    return (uint8_t)((x + (x >> 4)) & 0x0f);
}

static inline uint8_t reverse_bits(uint8_t x)
{
    x = (uint8_t)((x & 0x55) << 1 | (x >> 1 & 0x55));
    x = (uint8_t)((x & 0x33) << 2 | (x >> 2 & 0x33));
    return (uint8_t)(x << 4 | x >> 4);
}

V_UB(v_cnt, k, count_bits(x))
V_UB(v_not, k, ~x)
V_UB(v_rbit, k, reverse_bits(x))
V_TABLE_B(v_cnt)
V_TABLE_B(v_not)
SAME(v_cnt)
SAME(v_not)

/* RBIT works on bytes although its size field is 1. */
bool dec_v_rbit(struct insn *i, uint32_t w)
{
    v_fields(i, w);
    return v_pick(i, insn_bits(w, 30, 1) ? v_rbit_b1 : v_rbit_b0);
}

/* Reversing the lanes of a container, whose width is that of the loop's lane. */
static inline uint64_t swap_halves(uint64_t x)
{
    x = x << 32 | x >> 32;
    return (x & UINT64_C(0x0000ffff0000ffff)) << 16 | (x >> 16 & UINT64_C(0x0000ffff0000ffff));
}

#define REVERSE(op, z, T, F, e)                                                                    \
    V_LANES(op##_##z##0, T, F, T, T, 8, k, e)                                                      \
    V_LANES(op##_##z##1, T, F, T, T, 16, k, e)
REVERSE(v_rev64, b, uint64_t, d, __builtin_bswap64(x))
REVERSE(v_rev64, h, uint64_t, d, swap_halves(x))
REVERSE(v_rev64, s, uint64_t, d, x << 32 | x >> 32)
REVERSE(v_rev32, b, uint32_t, s, __builtin_bswap32(x))
REVERSE(v_rev32, h, uint32_t, s, x << 16 | x >> 16)
REVERSE(v_rev16, b, uint16_t, h, x << 8 | x >> 8)
V_TABLE_BHS(v_rev64)
static const v_table v_rev32 = {V_SLOT(v_rev32, b), V_SLOT(v_rev32, h), {NULL}, {NULL}};
V_TABLE_B(v_rev16)
SAME(v_rev64)
SAME(v_rev32)
SAME(v_rev16)

/* ---- pairs added into lanes of twice the width ---- */

#define PAIR_LONG(fn, T, F, D, DF, bytes, start)                                                   \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        const v128 n = c->v[i->rn], old = c->v[i->rd];                                             \
        v128 r = {0};                                                                              \
        (void)old;                                                                                 \
        for (unsigned k = 0; k < (bytes) / sizeof(D); k++)                                         \
            r.DF[k] = (D)((start) + (D)(T)n.F[2 * k] + (D)(T)n.F[2 * k + 1]);                      \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
#define PAIR_LONG_FORMS(op, z, T, F, D, DF, start)                                                 \
    PAIR_LONG(op##_##z##0, T, F, D, DF, 8, start)                                                  \
    PAIR_LONG(op##_##z##1, T, F, D, DF, 16, start)
#define PAIR_LONG_BHS(op, sign, p, acc)                                                            \
    PAIR_LONG_FORMS(op, b, sign##8_t, p##b, uint16_t, h, acc(h))                                   \
    PAIR_LONG_FORMS(op, h, sign##16_t, p##h, uint32_t, s, acc(s))                                  \
    PAIR_LONG_FORMS(op, s, sign##32_t, p##s, uint64_t, d, acc(d)) V_TABLE_BHS(op) SAME(op)
#define FROM_ZERO(DF) 0
#define FROM_OLD(DF)  old.DF[k]
PAIR_LONG_BHS(v_saddlp, int, s, FROM_ZERO)
PAIR_LONG_BHS(v_uaddlp, uint, , FROM_ZERO)
PAIR_LONG_BHS(v_sadalp, int, s, FROM_OLD)
PAIR_LONG_BHS(v_uadalp, uint, , FROM_OLD)

/* ---- across lanes: one lane from all of them ---- */

#define ACROSS(fn, T, F, D, DF, bytes, expr)                                                       \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        const v128 n = c->v[i->rn];                                                                \
        D x = (D)n.F[0];                                                                           \
        for (unsigned k = 1; k < (bytes) / sizeof(T); k++) {                                       \
            const D y = (D)n.F[k];                                                                 \
            x = (D)(expr);                                                                         \
        }                                                                                          \
        v128 r = {0};                                                                              \
        r.DF[0] = x;                                                                               \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
#define ACROSS_TABLE(op)                                                                           \
    static const v_table op = {V_SLOT(op, b), V_SLOT(op, h), {NULL, op##_s1, NULL}, {NULL}};       \
    V_FORMAT(op, v_sized, op)
#define ACROSS_BHS(op, sign, p, e)                                                                 \
    ACROSS(op##_b0, sign##8_t, p##b, sign##8_t, p##b, 8, e)                                        \
    ACROSS(op##_b1, sign##8_t, p##b, sign##8_t, p##b, 16, e)                                       \
    ACROSS(op##_h0, sign##16_t, p##h, sign##16_t, p##h, 8, e)                                      \
    ACROSS(op##_h1, sign##16_t, p##h, sign##16_t, p##h, 16, e)                                     \
    ACROSS(op##_s1, sign##32_t, p##s, sign##32_t, p##s, 16, e) ACROSS_TABLE(op)
#define ACROSS_LONG(op, sign, p)                                                                   \
    ACROSS(op##_b0, sign##8_t, p##b, sign##16_t, p##h, 8, x + y)                                   \
    ACROSS(op##_b1, sign##8_t, p##b, sign##16_t, p##h, 16, x + y)                                  \
    ACROSS(op##_h0, sign##16_t, p##h, sign##32_t, p##s, 8, x + y)                                  \
    ACROSS(op##_h1, sign##16_t, p##h, sign##32_t, p##s, 16, x + y)                                 \
    ACROSS(op##_s1, sign##32_t, p##s, sign##64_t, p##d, 16, x + y) ACROSS_TABLE(op)
ACROSS_BHS(v_addv, uint, , x + y)
ACROSS_BHS(v_smaxv, int, s, x > y ? x : y)
ACROSS_BHS(v_umaxv, uint, , x > y ? x : y)
ACROSS_BHS(v_sminv, int, s, x < y ? x : y)
ACROSS_BHS(v_uminv, uint, , x < y ? x : y)
ACROSS_LONG(v_saddlv, int, s)
ACROSS_LONG(v_uaddlv, uint, )

/* ---- shifts by an immediate ---- */

/* Right shifts are by 1 to the lane's width, left shifts by 0 to one less. */
V_ALL_S_BHSD(v_sshr, x >> (sh < bits ? sh : bits - 1))
V_ALL_U_BHSD(v_ushr, sh < bits ? x >> sh : 0)
V_ALL_S_BHSD(v_ssra, (ulane)z + (ulane)(x >> (sh < bits ? sh : bits - 1)))
V_ALL_U_BHSD(v_usra, z + (sh < bits ? x >> sh : 0))
V_ALL_S_BHSD(v_srshr, ROUND_SHR_S(x, sh, bits))
V_ALL_U_BHSD(v_urshr, ROUND_SHR_U(x, sh, bits))
V_ALL_S_BHSD(v_srsra, (ulane)z + (ulane)ROUND_SHR_S(x, sh, bits))
V_ALL_U_BHSD(v_ursra, z + ROUND_SHR_U(x, sh, bits))
V_ALL_U_BHSD(v_sri, sh < bits ? (z & ~((lane)-1 >> sh)) | x >> sh : z)
V_ALL_U_BHSD(v_shl, x << sh)
V_ALL_U_BHSD(v_sli, (z & (((lane)1 << sh) - 1)) | x << sh)
V_ALL_S_BHSD1(v_sqshl_imm, shift_sat_s(x, (int)sh, bits, false, &q))
V_ALL_U_BHSD1(v_uqshl_imm, shift_sat_u(x, (int)sh, bits, false, &q))
V_ALL_S_BHSD1(v_sqshlu, x < 0 ? (q |= 1, 0) : (lane)shift_sat_u((ulane)x, (int)sh, bits, false, &q))

#define RIGHT(op)                                                                                  \
    V_FORMAT(v_##op, v_shift_right, v_##op) V_FORMAT(s_##op, v_shift_right_scalar, v_##op)
#define LEFT(op)                                                                                   \
    V_FORMAT(v_##op, v_shift_left, v_##op) V_FORMAT(s_##op, v_shift_left_scalar, v_##op)
RIGHT(sshr)
RIGHT(ushr)
RIGHT(ssra)
RIGHT(usra)
RIGHT(srshr)
RIGHT(urshr)
RIGHT(srsra)
RIGHT(ursra)
RIGHT(sri)
LEFT(shl)
LEFT(sli)
LEFT(sqshl_imm)
LEFT(uqshl_imm)
LEFT(sqshlu)
