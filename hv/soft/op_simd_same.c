/* SPDX-License-Identifier: MIT */
/*
 * Advanced SIMD: integer operations on two vectors of the same shape, lane by lane or in pairs
 * (Arm ARM C4.1.96, "three same" and "three same extra"), and their scalar forms.
 *
 * Runs on the vCPU's thread. simd.h explains the expressions.
 */
#include "simd.h"

/* ---- arithmetic and comparison ---- */

V_ALL_U_BHSD(v_add, x + y)
V_ALL_U_BHSD(v_sub, x - y)
V_ALL_U_BHS(v_mul, 1u * x * y)
V_ALL_U_BHS(v_mla, z + 1u * x * y)
V_ALL_U_BHS(v_mls, z - 1u * x * y)
V_ALL_S_BHSD(v_cmgt, x > y ? -1 : 0)
V_ALL_S_BHSD(v_cmge, x >= y ? -1 : 0)
V_ALL_U_BHSD(v_cmhi, x > y ? (lane)-1 : 0)
V_ALL_U_BHSD(v_cmhs, x >= y ? (lane)-1 : 0)
V_ALL_U_BHSD(v_cmeq, x == y ? (lane)-1 : 0)
V_ALL_U_BHSD(v_cmtst, (x & y) != 0 ? (lane)-1 : 0)
V_ALL_S_BHS(v_shadd, ((wide)x + y) >> 1)
V_ALL_U_BHS(v_uhadd, ((wide)x + y) >> 1)
V_ALL_S_BHS(v_srhadd, ((wide)x + y + 1) >> 1)
V_ALL_U_BHS(v_urhadd, ((wide)x + y + 1) >> 1)
V_ALL_S_BHS(v_shsub, ((wide)x - y) >> 1)
V_ALL_U_BHS(v_uhsub, ((wide)x - y) >> 1)
V_ALL_S_BHS(v_smax, x > y ? x : y)
V_ALL_U_BHS(v_umax, x > y ? x : y)
V_ALL_S_BHS(v_smin, x < y ? x : y)
V_ALL_U_BHS(v_umin, x < y ? x : y)
#define DIFF (x > y ? (ulane)x - (ulane)y : (ulane)y - (ulane)x)
V_ALL_S_BHS(v_sabd, DIFF)
V_ALL_U_BHS(v_uabd, DIFF)
V_ALL_S_BHS(v_saba, (ulane)z + DIFF)
V_ALL_U_BHS(v_uaba, z + DIFF)

#define SAME(op)            V_FORMAT(op, v_sized, op)
#define SAME_AND_SCALAR(op) V_FORMAT(v_##op, v_sized, v_##op) V_FORMAT(s_##op, v_scalar, v_##op)
SAME_AND_SCALAR(add)
SAME_AND_SCALAR(sub)
SAME_AND_SCALAR(cmgt)
SAME_AND_SCALAR(cmge)
SAME_AND_SCALAR(cmhi)
SAME_AND_SCALAR(cmhs)
SAME_AND_SCALAR(cmeq)
SAME_AND_SCALAR(cmtst)
SAME(v_mul)
SAME(v_mla)
SAME(v_mls)
SAME(v_shadd)
SAME(v_uhadd)
SAME(v_srhadd)
SAME(v_urhadd)
SAME(v_shsub)
SAME(v_uhsub)
SAME(v_smax)
SAME(v_umax)
SAME(v_smin)
SAME(v_umin)
SAME(v_sabd)
SAME(v_uabd)
SAME(v_saba)
SAME(v_uaba)

/* Product of polynomials over {0,1}, modulo x^8. */
V_UB(v_pmul, k, POLY_MUL8(x, y))
V_TABLE_B(v_pmul)
SAME(v_pmul)

/* ---- saturating ---- */

V_ALL_S_BHSD1(v_sqadd, SAT_S((wide)x + y, bits, &q))
#define SUM ((lane)(x + y))
V_ALL_S_BHSD1(v_sqsub, SAT_S((wide)x - y, bits, &q))
V_ALL_U_BHSD1(v_uqadd, (q |= SUM < x, SUM | (lane) - (SUM < x)))
V_ALL_U_BHSD1(v_uqsub, x < y ? (q |= 1, 0) : (lane)(x - y))
SAME_AND_SCALAR(sqadd)
SAME_AND_SCALAR(sqsub)
SAME_AND_SCALAR(uqadd)
SAME_AND_SCALAR(uqsub)

/* Doubling multiplies keep the high half. Halved throughout: 2xy alone would not fit `wide`. */
#define MULH  SAT_S(((wide)x * y) >> (bits - 1), bits, &q)
#define RMULH SAT_S(((wide)x * y + ((wide)1 << (bits - 2))) >> (bits - 1), bits, &q)
#define RMULH_ACC(sign)                                                                            \
    SAT_S((z * ((wide)1 << (bits - 1)) sign(wide) x * y + ((wide)1 << (bits - 2))) >> (bits - 1),  \
          bits, &q)

#define ALL_S_HS1(op, yk, e) V_SH(op, yk, e) V_SS(op, yk, e) V_S1_HS(op, yk, e) V_TABLE_HS1(op)
ALL_S_HS1(v_sqdmulh, k, MULH)
ALL_S_HS1(v_sqrdmulh, k, RMULH)
ALL_S_HS1(v_sqrdmlah, k, RMULH_ACC(+))
ALL_S_HS1(v_sqrdmlsh, k, RMULH_ACC(-))
ALL_S_HS1(v_sqdmulh_elem, i->aux, MULH)
ALL_S_HS1(v_sqrdmulh_elem, i->aux, RMULH)
ALL_S_HS1(v_sqrdmlah_elem, i->aux, RMULH_ACC(+))
ALL_S_HS1(v_sqrdmlsh_elem, i->aux, RMULH_ACC(-))

#define SAME_SCALAR_ELEM(op)                                                                       \
    SAME_AND_SCALAR(op)                                                                            \
    V_FORMAT(v_##op##_elem, v_elem, v_##op##_elem)                                                 \
    V_FORMAT(s_##op##_elem, v_elem_scalar, v_##op##_elem)
SAME_SCALAR_ELEM(sqdmulh)
SAME_SCALAR_ELEM(sqrdmulh)
SAME_SCALAR_ELEM(sqrdmlah)
SAME_SCALAR_ELEM(sqrdmlsh)

/* ---- multiply by element ---- */

#define ELEM_U_HS(op, e)                                                                           \
    V_UH(op, i->aux, e)                                                                            \
    V_US(op, i->aux, e) V_TABLE_HS(op) V_FORMAT(op, v_elem, op)
ELEM_U_HS(v_mul_elem, 1u * x * y)
ELEM_U_HS(v_mla_elem, z + 1u * x * y)
ELEM_U_HS(v_mls_elem, z - 1u * x * y)

/* ---- shift by a signed register: the low byte of each lane ---- */

V_ALL_S_BHSD(v_sshl, shift_s(x, (int8_t)y, bits, false))
V_ALL_U_BHSD(v_ushl, shift_u(x, (int8_t)y, bits, false))
V_ALL_S_BHSD(v_srshl, shift_s(x, (int8_t)y, bits, true))
V_ALL_U_BHSD(v_urshl, shift_u(x, (int8_t)y, bits, true))
V_ALL_S_BHSD1(v_sqshl, shift_sat_s(x, (int8_t)y, bits, false, &q))
V_ALL_U_BHSD1(v_uqshl, shift_sat_u(x, (int8_t)y, bits, false, &q))
V_ALL_S_BHSD1(v_sqrshl, shift_sat_s(x, (int8_t)y, bits, true, &q))
V_ALL_U_BHSD1(v_uqrshl, shift_sat_u(x, (int8_t)y, bits, true, &q))
SAME_AND_SCALAR(sshl)
SAME_AND_SCALAR(ushl)
SAME_AND_SCALAR(srshl)
SAME_AND_SCALAR(urshl)
SAME_AND_SCALAR(sqshl)
SAME_AND_SCALAR(uqshl)
SAME_AND_SCALAR(sqrshl)
SAME_AND_SCALAR(uqrshl)

/* ---- bitwise: one lane size serves all ---- */

#define BITWISE(op, e)                                                                             \
    V_UD(op, k, e)                                                                                 \
    bool dec_##op(struct insn *i, uint32_t w)                                                      \
    {                                                                                              \
        v_fields(i, w);                                                                            \
        return v_pick(i, insn_bits(w, 30, 1) ? op##_d1 : op##_d0);                                 \
    }
BITWISE(v_and, (x & y))
BITWISE(v_bic, x & ~y)
BITWISE(v_orr, x | y)
BITWISE(v_orn, x | ~y)
BITWISE(v_eor, x ^ y)
BITWISE(v_bsl, y ^ ((y ^ x) & z))
BITWISE(v_bit, z ^ ((z ^ x) & y))
BITWISE(v_bif, z ^ ((z ^ x) & ~y))

/* ---- pairs: of adjacent lanes of Vm:Vn ---- */

#define PAIRWISE(fn, T, F, bytes, expr)                                                            \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        enum { half = (bytes) / sizeof(T) / 2 };                                                   \
        const v128 n = c->v[i->rn], m = c->v[i->rm];                                               \
        v128 r = {0};                                                                              \
        for (unsigned k = 0; k < half; k++) {                                                      \
            T x = n.F[2 * k], y = n.F[2 * k + 1];                                                  \
            r.F[k] = (T)(expr);                                                                    \
            x = m.F[2 * k], y = m.F[2 * k + 1];                                                    \
            r.F[k + half] = (T)(expr);                                                             \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
#define PAIRWISE_FORMS(op, z, T, F, e)                                                             \
    PAIRWISE(op##_##z##0, T, F, 8, e) PAIRWISE(op##_##z##1, T, F, 16, e)
#define PAIRWISE_BHS(op, sign, p, e)                                                               \
    PAIRWISE_FORMS(op, b, sign##8_t, p##b, e)                                                      \
    PAIRWISE_FORMS(op, h, sign##16_t, p##h, e)                                                     \
    PAIRWISE_FORMS(op, s, sign##32_t, p##s, e)
PAIRWISE_BHS(v_addp, uint, , x + y)
PAIRWISE(v_addp_d1, uint64_t, d, 16, x + y)
PAIRWISE_BHS(v_smaxp, int, s, x > y ? x : y)
PAIRWISE_BHS(v_umaxp, uint, , x > y ? x : y)
PAIRWISE_BHS(v_sminp, int, s, x < y ? x : y)
PAIRWISE_BHS(v_uminp, uint, , x < y ? x : y)
static const v_table v_addp = {
    V_SLOT(v_addp, b), V_SLOT(v_addp, h), V_SLOT(v_addp, s), {NULL, v_addp_d1, NULL}};
V_TABLE_BHS(v_smaxp)
V_TABLE_BHS(v_umaxp)
V_TABLE_BHS(v_sminp)
V_TABLE_BHS(v_uminp)
SAME(v_addp)
SAME(v_smaxp)
SAME(v_umaxp)
SAME(v_sminp)
SAME(v_uminp)

/* ADDP (scalar) adds the two halves of one register. */
const struct insn *op_s_addp(struct cpu *c, const struct insn *i)
{
    const v128 n = c->v[i->rn];
    c->v[i->rd] = (v128){.d = {n.d[0] + n.d[1], 0}};
    return i + 1;
}

/* ---- dot product, and the 2x2 matrix multiplies of FEAT_I8MM ---- */

/* Lane k of 32 bits gains the sum of four byte products. `mk` is the group of Vm. */
#define DOT(fn, FX, FY, bytes, mk)                                                                 \
    static const struct insn *fn(struct cpu *c, const struct insn *i)                              \
    {                                                                                              \
        const v128 n = c->v[i->rn], m = c->v[i->rm], old = c->v[i->rd];                            \
        v128 r = {0};                                                                              \
        for (unsigned k = 0; k < (bytes) / 4; k++) {                                               \
            int32_t sum = 0;                                                                       \
            for (unsigned e = 0; e < 4; e++)                                                       \
                sum += n.FX[4 * k + e] * m.FY[4 * (mk) + e];                                       \
            r.s[k] = old.s[k] + (uint32_t)sum;                                                     \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
#define DOT_FORMS(op, FX, FY)                                                                      \
    DOT(op##_s0, FX, FY, 8, k)                                                                     \
    DOT(op##_s1, FX, FY, 16, k)                                                                    \
    static const v_table op = {{NULL}, {NULL}, V_SLOT(op, s), {NULL}};                             \
    V_FORMAT(op, v_sized, op)
#define DOT_ELEM_FORMS(op, FX, FY)                                                                 \
    DOT(op##_s0, FX, FY, 8, i->aux)                                                                \
    DOT(op##_s1, FX, FY, 16, i->aux)                                                               \
    static const v_table op = {{NULL}, {NULL}, V_SLOT(op, s), {NULL}};
DOT_FORMS(v_sdot, sb, sb)
DOT_FORMS(v_udot, b, b)
DOT_FORMS(v_usdot, b, sb)
DOT_ELEM_FORMS(v_sdot_elem, sb, sb)
DOT_ELEM_FORMS(v_udot_elem, b, b)
DOT_ELEM_FORMS(v_usdot_elem, b, sb)
DOT_ELEM_FORMS(v_sudot_elem, sb, b)
V_FORMAT(v_sdot_elem, v_elem_dot, v_sdot_elem)
V_FORMAT(v_udot_elem, v_elem_dot, v_udot_elem)
V_FORMAT(v_usdot_elem, v_elem_dot, v_usdot_elem)
V_FORMAT(v_sudot_elem, v_elem_dot, v_sudot_elem)

/* Vd, 2x2 of 32 bits, gains Vn (2x8) times the transpose of Vm (2x8). */
#define MMLA(op, FX, FY)                                                                           \
    const struct insn *op_##op(struct cpu *c, const struct insn *i)                                \
    {                                                                                              \
        const v128 n = c->v[i->rn], m = c->v[i->rm];                                               \
        v128 r = c->v[i->rd];                                                                      \
        for (unsigned k = 0; k < 4; k++) {                                                         \
            int32_t sum = 0;                                                                       \
            for (unsigned e = 0; e < 8; e++)                                                       \
                sum += n.FX[8 * (k / 2) + e] * m.FY[8 * (k % 2) + e];                              \
            r.s[k] += (uint32_t)sum;                                                               \
        }                                                                                          \
        c->v[i->rd] = r;                                                                           \
        return i + 1;                                                                              \
    }
MMLA(v_smmla, sb, sb)
MMLA(v_ummla, b, b)
MMLA(v_usmmla, b, sb)
